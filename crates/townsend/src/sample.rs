//! Avalanches drawn from a model, with all that files say of how they were made.

use std::ops::Range;
use std::str::FromStr;

use townsend_core::{Dataset, Meta, Provenance, ShardNote};
use townsend_sim::Detector;

use crate::{Context, Error, Model, Result, Setting};

/// Which avalanches are drawn, and what their provenance says of the whole that they are part of.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Numbers of the avalanches.
    pub range: Range<u64>,
    /// Where primary electrons start and what the avalanches shall depend on.
    pub setting: Setting,
    /// Number of avalanches of all parts together, and the part that these are; `None` if they are no part
    /// of a whole that is known.
    pub part: Option<(u64, ShardNote)>,
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

impl From<ShardNote> for Shard {
    fn from(ShardNote { index, count }: ShardNote) -> Self {
        Self { index, count }
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
    pub fn range(self, events: u64) -> Range<u64> {
        let cut = |part: u64| (u128::from(events) * u128::from(part) / u128::from(self.count)) as u64;
        cut(self.index - 1)..cut(self.index)
    }
}

impl Sample {
    /// A part of so many avalanches.
    pub fn shard(events: u64, shard: Shard, setting: Setting) -> Self {
        let note = ShardNote { index: shard.index, count: shard.count };
        Self { range: shard.range(events), setting, part: Some((events, note)) }
    }

    /// The avalanches with these numbers. Those from number 0 on are the whole.
    pub fn of(range: Range<u64>, setting: Setting) -> Self {
        let whole = (range.end, ShardNote { index: 1, count: 1 });
        Self { part: (range.start == 0).then_some(whole), range, setting }
    }
}

/// The avalanches of a sample, in memory, with their provenance: written to a file, they are what
/// [`files::generate`](crate::files::generate) or [`files::simulate`](crate::files::simulate) writes.
/// `action` is what was done, `generate` or `simulate`. Work that is stopped ends after the block that is
/// being drawn.
///
/// ```
/// use townsend::{Context, Families, Sample, Setting, sample};
///
/// let model = Families::shipped().open("microscopic_275".as_ref())?;
/// let ten = Sample::of(0..10, Setting::default());
/// let avalanches = sample(&*model, "generate", &ten, &Context::default())?;
/// assert_eq!(avalanches.len(), 10);
/// assert_eq!(avalanches.meta().provenance.seed, Some(1));
/// # Ok::<(), townsend::Error>(())
/// ```
///
/// # Errors
/// The model cannot follow the setting, or the work was stopped.
pub fn sample(model: &dyn Model, action: &str, sample: &Sample, context: &Context<'_>) -> Result<Dataset> {
    model.check(&sample.setting)?;
    let meta = context.meta(action, true, &drawn_with(model, sample)?, model.inputs()?);
    let Sample { range, setting, .. } = sample;
    let task = context.progress.task(action, range.end.saturating_sub(range.start));
    context.on_its_threads(|| {
        let mut all = model.generate(context.seed, range.start..range.start, setting)?;
        for block in model.blocks(context.seed, range.clone(), setting)? {
            append(&mut all, &block)?;
            task.advance(block.len() as u64);
            context.go_on()?;
        }
        *all.meta_mut() = meta;
        Ok(all)
    })
}

/// Appends avalanches to others in memory.
///
/// # Errors
/// The system gives no memory for them, or they are of another kind.
pub(crate) fn append(all: &mut Dataset, more: &Dataset) -> Result<()> {
    all.try_reserve(more).map_err(|_| Error::Memory {
        avalanches: all.len(),
        electrons: (0..all.len()).map(|index| all.electrons(index)).sum(),
    })?;
    Ok(all.append(more)?)
}

/// Units, and all that a model's avalanches are drawn with but its files. Where the model knows no setting or
/// no detector, its avalanches are as those that it was trained on.
pub(crate) fn drawn_with(model: &dyn Model, sample: &Sample) -> Result<Meta> {
    let Sample { range, setting, part } = sample;
    let about = model.describe();
    let data = about.data.as_ref();
    let at = model.detector_at(setting)?;
    let (detector, gas) = match &at {
        Some(detector) => (Some(described(detector)), Some(gas_in_words(detector))),
        None => (data.and_then(|data| data.detector.clone()), data.and_then(|data| data.gas.clone())),
    };
    let mut note = setting.note(about);
    if let (Some(note), Some(at)) = (&mut note, &at) {
        // As they are in the end, whatever set them: the sum of the voltages sets that of each foil.
        note.conditions.extend(at.conditions().into_iter().map(|of| (of.name, of.values)));
    }
    let (events, shard) = part.unzip();
    let provenance = Provenance {
        source: about.source.clone(),
        instructions: model.instructions().map(|isa| isa.to_string()),
        setting: note.or_else(|| data.and_then(|data| data.setting.clone())),
        events,
        shard,
        first: Some(range.start),
        detector,
        gas,
        ..Provenance::default()
    };
    Ok(Meta { units: about.units.clone(), provenance })
}

fn gas_in_words(detector: &Detector) -> String {
    format!("{}, B = {} T", detector.gas.table.name, detector.gas.magnetic_field_t)
}

/// The description of a detector with the name and the hash of its gas table instead of the numbers.
fn described(detector: &Detector) -> serde_json::Value {
    let mut description =
        serde_json::to_value(detector).expect("descriptions of detectors have a form in JSON");
    let table = &detector.gas.table;
    description["gas"]["table"] = serde_json::json!({ "name": table.name, "sha256": table.digest() });
    description
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
