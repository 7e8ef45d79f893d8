//! New avalanches from a trained model.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

use serde::Serialize;
use townsend_core::{Dataset, Grid, Meta, RunFiles};
use townsend_io::{AvalancheWriter, Format, Loaded, ReadOptions, WriteOptions};
use townsend_models::Generator;
use townsend_train::Run;

use crate::cascade::CascadeRun;
use crate::cloud::CloudRun;
use crate::convert::grid_for;
use crate::simulate::make_electrons;
use crate::{Context, Error, Result, Start};

/// Which avalanches to generate or to simulate.
#[derive(Debug, Clone, Default)]
pub struct SampleOptions {
    /// Number of avalanches of all shards together, empty ones included.
    pub events: u64,
    /// The part of them to write.
    pub shard: Shard,
    /// Where the primary electrons start; networks know only where those of their training did.
    pub start: Start,
    /// What the avalanches shall depend on, if the model learned to.
    pub conditions: Vec<Setting>,
    /// Histograms of these dimensions, as in [`crate::ConvertOptions`]; empty keeps electrons electrons, and counts on their own grid.
    pub dims: Vec<usize>,
    /// TOML file with the grid to count electrons on; `None` is [`Grid::standard`].
    pub grid: Option<PathBuf>,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

impl SampleOptions {
    /// How to write the avalanches. `own` is the grid of a generator that draws counts.
    pub(crate) fn write(&self, own: Option<&Grid>, context: &Context<'_>) -> Result<WriteOptions> {
        Ok(WriteOptions {
            format: self.format,
            grid: grid_for(own, self.dims.iter().copied().max(), self.grid.as_deref())?,
            dims: self.dims.clone(),
            first: self.shard.range(self.events).start,
            force: context.force,
        })
    }
}

/// A condition, such as a voltage, and its value: one for all stages, or one for each; written `voltage_v=300,300,275`.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |text: &str| text.trim().parse().ok().filter(|value: &f64| value.is_finite());
        let parts = text.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        match parts
            .and_then(|(name, values)| Some((name, values.split(',').map(number).collect::<Option<_>>()?)))
        {
            Some((name, values)) => Ok(Self { name: name.trim().to_owned(), values }),
            None => Err(format!("`{text}` is not NAME=VALUE or NAME=VALUE,VALUE,…, with numbers")),
        }
    }
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
    /// What is to be said of it.
    pub warnings: Vec<String>,
}

/// Draws avalanches from a run, or from weights that were [exported](crate::export), and writes them, in memory that does not grow with their number.
pub fn generate(run: &Path, out: &Path, options: &SampleOptions, context: &Context<'_>) -> Result<Generated> {
    if let Some(CascadeRun { detector, .. }) = CascadeRun::open(run)? {
        return make_electrons(["generate", "generating"], Some(&detector), out, options, context);
    }
    if let Some(cloud) = CloudRun::open(run)? {
        return cloud.generate(out, options, context);
    }
    refuse_start(run, options)?;
    let (generator, weights) = network(run)?;
    let meta = context.meta("generate", true, &Meta::default(), &[&weights])?;
    let range = options.shard.range(options.events);
    let writer = AvalancheWriter::create(out, &meta, &options.write(Some(generator.grid()), context)?)?;
    let avalanches = range.end - range.start;
    let parts = generator.chunks(context.seed, range).map(Dataset::from);
    stream_out("generating", avalanches, parts, writer, context)
}

/// The generator of a run's network or of exported weights, and the file of its weights.
fn network(run: &Path) -> Result<(Generator, PathBuf)> {
    if run.is_file() {
        let bytes = std::fs::read(run).map_err(|source| Error::Io { path: run.into(), source })?;
        return Ok((Generator::from_bytes(&bytes, run)?, run.to_owned()));
    }
    let run = Run::open(RunFiles::Folder(run.into()))?;
    Ok((run.generator()?, run.files().path(Run::BEST)))
}

/// Writes the avalanches of `real` as a variational autoencoder decodes them from latent points of their own, each with as many electrons
/// as it has. They are not new avalanches: they tell what the decoder can describe, and the difference to what [`generate`] makes is the
/// sampler's.
pub fn reconstruct(
    run: &Path,
    real: &Path,
    out: &Path,
    format: Option<Format>,
    context: &Context<'_>,
) -> Result<Generated> {
    let without_encoder = || {
        let what = format!("{}: has no encoder; only a vae can reconstruct avalanches", run.display());
        Err(Error::Usage(what))
    };
    if CascadeRun::open(run)?.is_some() || CloudRun::open(run)?.is_some() {
        return without_encoder();
    }
    let (generator, weights) = network(run)?;
    let grid = generator.grid();
    let options = ReadOptions { dims: Some(grid.dims()), ..ReadOptions::default() };
    let Loaded { data, warnings, .. } = context.read(real, &options)?;
    let counts = data.to_counts(grid)?;
    let started = Instant::now();
    let Some(reconstructed) = generator.reconstruct(context.seed, &counts) else { return without_encoder() };
    let seconds = started.elapsed().as_secs_f64();
    let meta = context.meta("reconstruct", true, data.meta(), &[&weights, real])?;
    let write =
        WriteOptions { format, grid: Some(grid.clone()), force: context.force, ..WriteOptions::default() };
    let mut writer = AvalancheWriter::create(out, &meta, &write)?;
    let avalanches = reconstructed.len() as u64;
    let electrons = reconstructed.iter().map(|counts| counts.electrons()).sum();
    writer.append(&Dataset::from(reconstructed))?;
    writer.finish()?;
    Ok(Generated { avalanches, electrons, seconds, warnings })
}

/// Refuses starts and conditions, for models that learned neither.
pub(crate) fn refuse_start(run: &Path, options: &SampleOptions) -> Result<()> {
    if options.start == Start::Cell && options.conditions.is_empty() {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{}: was trained without conditions and on one kind of start\n  hint: leave out --start and --condition",
        run.display()
    )))
}

/// Writes avalanches as they are made, so that memory does not grow with their number.
pub(crate) fn stream_out(
    task: &str,
    avalanches: u64,
    parts: impl Iterator<Item = Dataset>,
    mut writer: AvalancheWriter,
    context: &Context<'_>,
) -> Result<Generated> {
    let task = context.progress.task(task, avalanches);
    let started = Instant::now();
    let mut electrons = 0;
    for part in parts {
        context.go_on()?;
        electrons += (0..part.len()).map(|index| part.electrons(index)).sum::<u64>();
        writer.append(&part)?;
        task.advance(part.len() as u64);
    }
    writer.finish()?;
    Ok(Generated { avalanches, electrons, seconds: started.elapsed().as_secs_f64(), warnings: Vec::new() })
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
    fn a_setting_is_a_name_and_numbers() {
        let setting = |name: &str, values: &[f64]| Setting { name: name.into(), values: values.into() };
        assert_eq!("voltage_v=300".parse(), Ok(setting("voltage_v", &[300.0])));
        assert_eq!(" v = 1, -2.5,3e1".parse(), Ok(setting("v", &[1.0, -2.5, 30.0])));
        for wrong in ["", "v", "v=", "=1", "v=a", "v=1,", "v=nan", "v=inf"] {
            assert!(wrong.parse::<Setting>().unwrap_err().contains("NAME=VALUE"), "{wrong}");
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
