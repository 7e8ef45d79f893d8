//! New avalanches, written as they are drawn.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use townsend_core::InputFile;
use townsend_io::{AvalancheWriter, Format};
use townsend_observables::text::significant;

use super::input::{Input, Read};
use super::reduce::{Reduced, Reduction};
use super::write::{Written, append_all};
use crate::context::without_folder;
use crate::families::DetectorModel;
use crate::sample::drawn_with;
use crate::{Context, Error, Model, Result, Sample, Setting, Shard, StripSummary};

/// Which avalanches to generate or to simulate.
#[derive(Debug, Clone, Default)]
pub struct SampleOptions {
    /// Number of avalanches of all shards together, empty ones included.
    pub events: u64,
    /// The part of them to write.
    pub shard: Shard,
    /// Where primary electrons start and what the avalanches shall depend on.
    pub setting: Setting,
    /// The kind of file.
    pub written: Written,
    /// What is kept in place of avalanches.
    pub reduce: Option<Reduction>,
    /// The detector whose strips make the hits of [`Reduction::Hits`]: a TOML file, or the name of one that
    /// ships; `None` for the first of these.
    pub strips: Option<PathBuf>,
}

/// What was generated or simulated.
#[derive(Debug, Clone, Serialize)]
pub struct Generated {
    /// Number of avalanches written, empty ones included.
    pub avalanches: u64,
    /// Electrons in them.
    pub electrons: u64,
    /// What strips recorded, where hits are kept in place of avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strips: Option<StripSummary>,
    /// Wall time, without loading the model, in seconds.
    pub seconds: f64,
    /// What a user should know of the avalanches, such as a condition outside the range that it was learned
    /// from.
    pub warnings: Vec<String>,
}

/// Draws avalanches from a trained model (a run directory, a single-file model or exported weights) and
/// writes them, in memory that does not grow with their number.
pub fn generate(
    model: &Path,
    out: &Path,
    options: &SampleOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    let opened = context.families.open(model)?;
    draw(["generate", "generating"], &*opened, out, options, context).map_err(|error| match error {
        error @ Error::FixedSetting { .. } => Error::In { path: model.into(), source: error.into() },
        error => error,
    })
}

/// Simulates avalanches and writes their electrons, or histograms of them, in memory that does not grow with
/// their number. The detector is a file in TOML, or the name of one that ships; `None` for the first of
/// these.
pub fn simulate(
    detector: Option<&Path>,
    out: &Path,
    options: &SampleOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    let model = DetectorModel::new(crate::detector(detector)?)?;
    draw(["simulate", "simulating"], &model, out, options, context)
}

/// Where avalanches go.
enum Sink {
    Avalanches(AvalancheWriter),
    Reduced(Reduced),
}

fn draw(
    [action, doing]: [&str; 2],
    model: &dyn Model,
    out: &Path,
    options: &SampleOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    let mut warnings = model.check(&options.setting)?;
    let about = model.describe();
    // What was learned for several values is not drawn for one of them silently.
    let learned = about.conditions.iter().filter(|_| action == "generate");
    let chosen = |name: &str| options.setting.conditions.iter().any(|condition| condition.name == name);
    warnings.extend(learned.filter(|known| !chosen(&known.name)).map(|known| {
        let values: Vec<String> = known.values.iter().map(|&value| significant(value, 6)).collect();
        format!("{} was not chosen; these avalanches are for {}", known.name, values.join(", "))
    }));
    let SampleOptions { events, shard, setting, .. } = options;
    let sample = Sample::shard(*events, *shard, setting.clone());
    let range = sample.range.clone();
    let meta = context.meta(action, true, &drawn_with(model, &sample)?, model.inputs()?);
    let grid = about.grid.as_ref();
    let mut writer = match options.reduce {
        Some(kind) => {
            let of = (&meta, grid, range.start);
            Sink::Reduced(Reduced::create(
                kind,
                out,
                &options.written,
                of,
                options.strips.as_deref(),
                context,
            )?)
        }
        None => Sink::Avalanches(options.written.create(out, &meta, grid, range.start, context)?),
    };
    let avalanches = range.end - range.start;
    let task = context.progress.task(doing, avalanches);
    let started = Instant::now();
    let electrons = context.on_its_threads(|| {
        let blocks = model.blocks(context.seed, range, setting)?;
        append_all(blocks, &*task, context, |block| match &mut writer {
            Sink::Avalanches(writer) => Ok(writer.append(block)?),
            Sink::Reduced(reduced) => reduced.append(block, context),
        })
    })?;
    let strips = match writer {
        Sink::Avalanches(writer) => {
            writer.finish()?;
            None
        }
        Sink::Reduced(reduced) => reduced.finish()?,
    };
    if let Some(strips) = &strips
        && strips.hits == 0
        && electrons > 0
    {
        warnings.push(
            "no strip reached its threshold, so there are no hits: the avalanches are too small for it"
                .into(),
        );
    }
    Ok(Generated { avalanches, electrons, strips, seconds: started.elapsed().as_secs_f64(), warnings })
}

/// Writes the avalanches of `real` as a model with an encoder describes them, each with as many electrons as
/// it has. They are not new avalanches: they tell what the decoder can describe, and the difference to what
/// [`generate`] makes is the sampler's.
pub fn reconstruct(
    model: &Path,
    real: impl Into<Input>,
    out: &Path,
    format: Option<Format>,
    context: &Context<'_>,
) -> Result<Generated> {
    let opened = context.families.open(model)?;
    let about = opened.describe();
    let without_encoder = || Error::NoEncoder { path: model.into() };
    if !about.encoder {
        return Err(without_encoder());
    }
    let dims = about.grid.as_ref().map(townsend_core::Grid::dims);
    let real = real.into().with_dims(dims);
    let Read { data, warnings, .. } = real.read(context)?;
    let started = Instant::now();
    let reconstructed = context.on_its_threads(|| opened.reconstruct(context.seed, &data))?;
    let reconstructed = reconstructed.ok_or_else(without_encoder)?;
    let seconds = started.elapsed().as_secs_f64();
    let inputs: Vec<InputFile> =
        opened.inputs()?.into_iter().chain(real.files()?.iter().map(without_folder)).collect();
    let meta = context.meta("reconstruct", true, data.meta(), inputs);
    let written = Written { format, ..Written::default() };
    let mut writer = written.create(out, &meta, reconstructed.grid(), 0, context)?;
    writer.append(&reconstructed)?;
    writer.finish()?;
    let electrons = (0..reconstructed.len()).map(|index| reconstructed.electrons(index)).sum();
    Ok(Generated { avalanches: reconstructed.len() as u64, electrons, strips: None, seconds, warnings })
}
