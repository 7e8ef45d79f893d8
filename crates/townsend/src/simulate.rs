//! Avalanches from the built-in Monte Carlo.

use std::path::Path;

use townsend_core::{Dataset, Meta};
use townsend_io::AvalancheWriter;
use townsend_sim::{Detector, Simulation};

use crate::generate::stream_out;
use crate::{Context, Error, Generated, Result, SampleOptions, Setting};

/// The description of a detector: of a file, or one that comes with the program.
pub(crate) fn detector(named: Option<&Path>) -> Result<Detector> {
    let name =
        named.map_or_else(|| Detector::names().next().unwrap_or_default().into(), Path::to_string_lossy);
    if let Some(text) = Detector::shipped(&name) {
        return Ok(Detector::from_toml(text)?);
    }
    let path = Path::new(&*name);
    if !path.exists() && path.extension().is_none() {
        let names: Vec<_> = Detector::names().collect();
        return Err(Error::Usage(format!(
            "{name}: is neither a file nor a detector that comes with the program; these are {}",
            names.join(", ")
        )));
    }
    Ok(Detector::read(path)?)
}

/// Simulates avalanches and writes their electrons, or histograms of them, in memory that does not grow with their number. The detector is a TOML
/// file, or the name of a description that comes with the program; `None` for the first of these.
pub fn simulate(
    named: Option<&Path>,
    out: &Path,
    options: &SampleOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    make_electrons(["simulate", "simulating"], named, out, options, context)
}

/// The same, with other words for it: a fitted detector generates.
pub(crate) fn make_electrons(
    [action, doing]: [&str; 2],
    named: Option<&Path>,
    out: &Path,
    options: &SampleOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    let mut detector = detector(named)?;
    let mut warnings = Vec::new();
    for Setting { name, values } in &options.conditions {
        warnings.extend(detector.set_condition(name, values)?);
    }
    let simulation = Simulation::new(&detector, options.start)?;
    let mut of = Meta::default();
    of.provenance.source.clone_from(&detector.name);
    let described = named.filter(|path| path.exists());
    let gas = detector.gas_file();
    let files: Vec<_> = described.into_iter().chain(gas.as_deref()).collect();
    let meta = context.meta(action, true, &of, &files)?;
    let range = options.shard.range(options.events);
    let writer = AvalancheWriter::create(out, &meta, &options.write(None, context)?)?;
    let avalanches = range.end - range.start;
    let parts = simulation.blocks(context.seed, range).map(Dataset::from);
    Ok(Generated { warnings, ..stream_out(doing, avalanches, parts, writer, context)? })
}
