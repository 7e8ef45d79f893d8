//! New avalanches, written as they are drawn.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::time::Instant;

use serde::Serialize;
use townsend_core::{InputFile, ShardNote};
use townsend_io::Format;
use townsend_observables::text::significant;

use super::input::{Input, Read};
use super::write::{Written, append_all};
use crate::context::without_folder;
use crate::families::DetectorModel;
use crate::sample::drawn_with;
use crate::{Context, Error, Model, Result, Sample, Setting};

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
}

/// Part `index` of `count`, counted from 1; written `3/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

impl Default for Shard {
    /// The whole.
    fn default() -> Self {
        Self { index: 1, count: 1 }
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((index, count)) if 1 <= index && index <= count => Ok(Self { index, count }),
            _ => Err(format!("`{text}` is not a shard; write i/n with 1 <= i <= n, such as 3/8")),
        }
    }
}

impl Shard {
    /// The numbers of the avalanches in this part of `events`.
    pub(crate) fn range(self, events: u64) -> Range<u64> {
        let cut = |part: u64| (u128::from(events) * u128::from(part) / u128::from(self.count)) as u64;
        cut(self.index - 1)..cut(self.index)
    }
}

/// What was generated or simulated.
#[derive(Debug, Clone, Serialize)]
pub struct Generated {
    /// Number of avalanches written, empty ones included.
    pub avalanches: u64,
    /// Electrons in them.
    pub electrons: u64,
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
    let range = shard.range(*events);
    let part = Some((*events, ShardNote { index: shard.index, count: shard.count }));
    let sample = Sample { range: range.clone(), setting: setting.clone(), part };
    let meta = context.meta(action, true, &drawn_with(model, &sample)?, model.inputs()?);
    let mut writer = options.written.create(out, &meta, about.grid.as_ref(), range.start, context)?;
    let avalanches = range.end - range.start;
    let task = context.progress.task(doing, avalanches);
    let started = Instant::now();
    let electrons = context.on_its_threads(|| {
        let blocks = model.blocks(context.seed, range, setting)?;
        append_all(&mut writer, blocks, &*task, context)
    })?;
    writer.finish()?;
    Ok(Generated { avalanches, electrons, seconds: started.elapsed().as_secs_f64(), warnings })
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
    Ok(Generated { avalanches: reconstructed.len() as u64, electrons, seconds, warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_together_are_the_whole() {
        for events in [0, 1, 7, 1000] {
            for count in 1..9 {
                let ranges = (1..=count).map(|index| Shard { index, count }.range(events));
                let all: Vec<u64> = ranges.flatten().collect();
                assert_eq!(all, (0..events).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_shard_is_written_as_i_of_n() {
        assert_eq!("3/8".parse(), Ok(Shard { index: 3, count: 8 }));
        for wrong in ["0/8", "9/8", "3", "3/", "a/b", "-1/2", ""] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("i/n"), "{wrong}");
        }
    }
}
