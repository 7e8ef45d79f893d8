//! The parts of a production as one file.

use std::fmt::Display;
use std::path::Path;

use serde::Serialize;
use townsend_core::{Provenance, ShardNote, Silent};
use townsend_io::{Format, Label, ReadOptions, Source, label, read_each};
use townsend_observables::text::thousands;

use super::input::{Input, PART};
use super::write::{Written, append_parts};
use crate::{Context, Error, Result, Shard};

/// What was put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Number of shards.
    pub shards: u64,
    /// Number of avalanches, empty ones included.
    pub avalanches: u64,
    /// Electrons in them.
    pub electrons: u64,
}

/// Puts the shards that [`generate`](super::generate) or [`simulate`](super::simulate) wrote together to one
/// file, byte for byte the one that they write without shards. The shards may be named in any order, and are
/// read in parts, so that the memory needed does not grow with them.
///
/// # Errors
/// A file is no shard; a shard is missing, there twice, or not whole; or one was made with another model,
/// seed, setting, version or instruction set than the others. Nothing is written then.
pub fn merge(shards: &Input, out: &Path, context: &Context<'_>) -> Result<Merged> {
    let shards = shards.sources()?.into_iter().map(Part::of).collect::<Result<Vec<_>>>()?;
    let shards = complete(shards)?;
    let [first, ..] = shards.as_slice() else {
        return Err(Error::Usage("no shard was named".into()));
    };
    let format = same_format(out, first.label.format)?;
    // A shard without avalanches knows the highest of its dimensions alone.
    let dims = shards.iter().map(|part| &part.label.dims).max_by_key(|dims| dims.len());
    let written = Written { dims: dims.cloned().unwrap_or_default(), grid: None, format: Some(format) };
    let mut meta = first.label.meta.clone();
    meta.provenance.shard = Some(ShardNote { index: 1, count: 1 });
    meta.provenance.first = Some(0);
    let task = context.progress.task("merging", first.events);
    let mut writer = None;
    let mut electrons = 0;
    for part in &shards {
        context.go_on()?;
        let mut there = 0;
        let shard = std::slice::from_ref(&part.source);
        read_each(shard, &ReadOptions::default(), Some(PART), &Silent, |_, loaded| {
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(written.create(out, &meta, loaded.data.grid(), 0, context)?),
            };
            there += loaded.data.len() as u64;
            electrons += append_parts(writer, &loaded.data, &*task, context)?;
            Ok::<_, Error>(())
        })?;
        let range = Shard::from(part.note).range(part.events);
        let expected = range.end - range.start;
        if there != expected {
            return Err(part.wrong(format!(
                "holds {there} avalanches, but shard {} has {expected}: it is not whole; make it again",
                part.name()
            )));
        }
    }
    if let Some(writer) = writer {
        writer.finish()?;
    }
    Ok(Merged { shards: shards.len() as u64, avalanches: first.events, electrons })
}

/// A file that is one shard.
struct Part {
    source: Source,
    label: Label,
    note: ShardNote,
    events: u64,
}

impl Part {
    fn of(source: Source) -> Result<Self> {
        let no_shard = |what: &str| Error::Content { path: source.path.clone(), what: what.into() };
        let label = label(&source.path)?.ok_or_else(|| {
            no_shard(
                "is no shard: townsend did not write it\n  hint: `convert` puts files of others together",
            )
        })?;
        let Provenance { shard, events, .. } = label.meta.provenance;
        let (Some(note), Some(events)) = (shard, events) else {
            return Err(no_shard(
                "is no shard: it does not say which part of which production it is\n  hint: `convert` puts files that are no shards together",
            ));
        };
        if !(1..=note.count).contains(&note.index) {
            return Err(no_shard("says that it is a shard that there cannot be; the file is damaged"));
        }
        Ok(Self { source, label, note, events })
    }

    /// `3/8 of 1,000 avalanches`.
    fn name(&self) -> String {
        format!("{}/{} of {} avalanches", self.note.index, self.note.count, thousands(self.events))
    }

    fn wrong(&self, what: String) -> Error {
        Error::Content { path: self.source.path.clone(), what }
    }

    /// How this shard was made otherwise than another, in words.
    fn difference(&self, other: &Self) -> Option<String> {
        fn differ(what: &str, here: impl Display, there: impl Display) -> Option<String> {
            let (here, there) = (here.to_string(), there.to_string());
            (here != there).then(|| format!("{what} is {here}, not {there}"))
        }
        fn json(value: &impl Serialize) -> String {
            serde_json::to_string(value).unwrap_or_default()
        }
        let [a, b] = [self, other].map(|part| &part.label.meta.provenance);
        let seed = |of: &Provenance| of.seed.map_or("not known".into(), |seed| seed.to_string());
        let instructions = |of: &Provenance| of.instructions.clone().unwrap_or_else(|| "any".into());
        differ("its number of shards", self.note.count, other.note.count)
            .or_else(|| differ("its number of avalanches in all", self.events, other.events))
            .or_else(|| differ("the program", &a.producer, &b.producer))
            .or_else(|| differ("how it was made", &a.action, &b.action))
            .or_else(|| differ("its seed", seed(a), seed(b)))
            .or_else(|| differ("its instruction set", instructions(a), instructions(b)))
            .or_else(|| differ("its setting", json(&a.setting), json(&b.setting)))
            .or_else(|| differ("its gas", json(&a.gas), json(&b.gas)))
            .or_else(|| (a.inputs != b.inputs).then(|| "its model is another".into()))
            .or_else(|| (a.detector != b.detector).then(|| "its detector is another".into()))
            .or_else(|| (self.label.meta.units != other.label.meta.units).then(|| "its units differ".into()))
            .or_else(|| differ("its format", self.label.format, other.label.format))
    }
}

/// The shards in their order, if each is there once and all of them are of one production.
fn complete(mut shards: Vec<Part>) -> Result<Vec<Part>> {
    for pair in shards.windows(2) {
        let [before, after] = pair else { continue };
        if let Some(difference) = after.difference(before) {
            return Err(after.wrong(format!(
                "is no shard of the same production as {}: {difference}",
                before.source.path.display()
            )));
        }
    }
    shards.sort_by_key(|part| part.note.index);
    for pair in shards.windows(2) {
        let [before, after] = pair else { continue };
        if before.note.index == after.note.index {
            return Err(after.wrong(format!(
                "is shard {}, and so is {}; give each once",
                after.name(),
                before.source.path.display()
            )));
        }
    }
    if let Some(first) = shards.first() {
        let missing: Vec<u64> = (1..=first.note.count)
            .filter(|index| shards.binary_search_by_key(index, |part| part.note.index).is_err())
            .take(MOST_LISTED + 1)
            .collect();
        if !missing.is_empty() {
            let listed: Vec<String> = missing.iter().take(MOST_LISTED).map(u64::to_string).collect();
            let more = if missing.len() > MOST_LISTED { " and others" } else { "" };
            return Err(Error::Unsuited(format!(
                "{} of {} shards are there; missing: {}{more}\n  hint: make them with the same command and --shard i/{}",
                shards.len(),
                first.note.count,
                listed.join(", "),
                first.note.count
            )));
        }
    }
    Ok(shards)
}

/// Missing shards that an error lists at most.
const MOST_LISTED: usize = 20;

/// The format of the shards, if the name of the file to write stands for it.
fn same_format(out: &Path, shards: Format) -> Result<Format> {
    let named = Format::of_name(out)?;
    if (named == Format::Npz) == (shards == Format::Npz) {
        return Ok(shards);
    }
    Err(Error::Usage(format!(
        "{}: the shards are files of the format {shards}, and so is what they are merged to\n  hint: merge them to {}, and convert that",
        out.display(),
        out.with_extension(if shards == Format::Npz { "npz" } else { "root" }).display()
    )))
}
