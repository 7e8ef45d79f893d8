//! Avalanches from the built-in Monte Carlo.

use std::path::{Path, PathBuf};

use townsend_core::{Dataset, Meta};
use townsend_io::{AvalancheWriter, Format, WriteOptions};
use townsend_sim::{Detector, Simulation, Start};

use crate::generate::stream_out;
use crate::{Context, Error, Generated, Result, Shard};

/// What to simulate.
#[derive(Debug, Clone, Default)]
pub struct SimulateOptions {
    /// Number of avalanches of all shards together, empty ones included.
    pub events: u64,
    /// The part of them to write.
    pub shard: Shard,
    /// The detector: a TOML file, or the name of a description that comes with the program; `None` for the first of these.
    pub detector: Option<PathBuf>,
    /// Where the primary electrons start.
    pub start: Start,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

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

/// Simulates avalanches and writes their electrons, in memory that does not grow with their number.
pub fn simulate(out: &Path, options: &SimulateOptions, context: &Context<'_>) -> Result<Generated> {
    make_electrons(["simulate", "simulating"], out, options, context)
}

/// The same, with other words for it: a fitted detector generates.
pub(crate) fn make_electrons(
    [action, doing]: [&str; 2],
    out: &Path,
    options: &SimulateOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    let detector = detector(options.detector.as_deref())?;
    let simulation = Simulation::new(&detector, options.start)?;
    let mut of = Meta::default();
    of.provenance.source.clone_from(&detector.name);
    let described = options.detector.as_deref().filter(|path| path.exists());
    let gas = detector.gas_file();
    let files: Vec<_> = described.into_iter().chain(gas.as_deref()).collect();
    let meta = context.meta(action, true, &of, &files)?;
    let range = options.shard.range(options.events);
    let write = WriteOptions {
        format: options.format,
        first: range.start,
        force: context.force,
        ..WriteOptions::default()
    };
    let writer = AvalancheWriter::create(out, &meta, &write)?;
    let avalanches = range.end - range.start;
    let parts = simulation.blocks(context.seed, range).map(Dataset::from);
    stream_out(doing, avalanches, parts, writer, context)
}
