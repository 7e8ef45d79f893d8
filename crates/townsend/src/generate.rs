//! New avalanches from a trained model.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use serde::Serialize;
use townsend_core::{Dataset, Meta};
use townsend_io::{AvalancheWriter, Format, WriteOptions};
use townsend_train::Run;

use crate::cascade::CascadeRun;
use crate::simulate::make_electrons;
use crate::{Context, Result, SimulateOptions, Start};

/// What to generate.
#[derive(Debug, Clone, Default)]
pub struct GenerateOptions {
    /// Number of avalanches of all shards together, empty ones included.
    pub events: u64,
    /// The part of them to write.
    pub shard: Shard,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
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
}

/// Draws avalanches from a run and writes them, in memory that does not grow with their number.
pub fn generate(
    run: &Path,
    out: &Path,
    options: &GenerateOptions,
    context: &Context<'_>,
) -> Result<Generated> {
    if let Some(CascadeRun { detector, .. }) = CascadeRun::open(run)? {
        let electrons = SimulateOptions {
            events: options.events,
            shard: options.shard,
            detector: Some(detector),
            start: Start::Cell,
            format: options.format,
        };
        return make_electrons(["generate", "generating"], out, &electrons, context);
    }
    let run = Run::open(run)?;
    let generator = run.generator()?;
    let meta = context.meta("generate", true, &Meta::default(), &[&run.best_checkpoint()])?;
    let range = options.shard.range(options.events);
    let write = WriteOptions {
        format: options.format,
        grid: Some(generator.grid().clone()),
        first: range.start,
        force: context.force,
        ..WriteOptions::default()
    };
    let writer = AvalancheWriter::create(out, &meta, &write)?;
    let avalanches = range.end - range.start;
    let parts = generator.chunks(context.seed, range).map(Dataset::from);
    stream_out("generating", avalanches, parts, writer, context)
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
    let started = std::time::Instant::now();
    let mut electrons = 0;
    for part in parts {
        context.go_on()?;
        electrons += (0..part.len()).map(|index| part.electrons(index)).sum::<u64>();
        writer.append(&part)?;
        task.advance(part.len() as u64);
    }
    writer.finish()?;
    Ok(Generated { avalanches, electrons, seconds: started.elapsed().as_secs_f64() })
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
