//! Reading files of avalanches into a data set, with what was noticed.

use std::ops::ControlFlow;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Deserializer};
use townsend_core::{Dataset, ElectronSet, Meta, Progress, Silent, Stamp, regular_file};

use crate::columns::Table;
use crate::electrons::Electrons;
use crate::notice::Notice;
use crate::text::TextTable;
use crate::{Columns, Error, Format, Result, Selection, Source, Units, electrons, npz, parquet, root};

/// What to read of a file, and how its names and units are to be understood. The default reads what townsend
/// and many others write, and asks where that does not tell.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReadOptions {
    /// The format; `None` tells it from the file's first bytes.
    #[serde(skip)]
    pub format: Option<Format>,
    /// Histograms of this many dimensions (1, 2, 3); `None` takes the highest there is. Electrons have all
    /// three.
    #[serde(skip)]
    pub dims: Option<usize>,
    /// The columns of a tree or table: `x=xe,z=ye,t=te,event=ev`.
    #[serde(deserialize_with = "parsed")]
    pub columns: Columns,
    /// The tree, by its name or its path in the file.
    pub tree: Option<String>,
    /// The histograms that are avalanches, by a pattern of their names: `h3_*`.
    pub histograms: Option<String>,
    /// The units of the coordinates, where the file does not name them or names them wrong.
    #[serde(deserialize_with = "parsed")]
    pub units: Units,
    /// The electrons that are read; in a shell and in a configuration it is called `where`.
    #[serde(rename = "where", deserialize_with = "parsed")]
    pub selection: Selection,
    /// Round cells of histograms that hold no whole number, as those of weighted histograms do.
    pub round: bool,
}

/// A value that is written as text.
fn parsed<'de, T, D>(from: D) -> std::result::Result<T, D::Error>
where
    T: std::str::FromStr<Err = String>,
    D: Deserializer<'de>,
{
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

impl ReadOptions {
    /// These options, and where one was not set, that of `others`.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        fn set<T: Default + PartialEq>(value: T, other: T) -> T {
            if value == T::default() { other } else { value }
        }
        Self {
            format: self.format.or(others.format),
            dims: self.dims.or(others.dims),
            columns: set(self.columns, others.columns),
            tree: self.tree.or(others.tree),
            histograms: self.histograms.or(others.histograms),
            units: set(self.units, others.units),
            selection: set(self.selection, others.selection),
            round: self.round || others.round,
        }
    }

    /// These options for one file of several.
    fn of(&self, source: &Source) -> Self {
        Self { tree: source.tree.clone().or_else(|| self.tree.clone()), ..self.clone() }
    }
}

/// The avalanches of a file, and what was noticed on reading them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The avalanches, in mm and ns.
    pub data: Dataset,
    /// How the file holds them, in words: "npz, electrons".
    pub layout: String,
    /// What was left aside or looks odd; never empty without need and never to be hidden from the user.
    pub notices: Vec<Notice>,
    /// False if more avalanches of the file follow. All notices come with the last part of a file.
    pub last: bool,
}

/// What is done with the avalanches that were read of a file; reading ends early if it breaks.
pub(crate) type Take<'a> = dyn FnMut(Loaded) -> ControlFlow<()> + 'a;

/// Reads all avalanches of a file. A file without avalanches, such as an empty shard, is no error but a
/// notice.
///
/// # Errors
/// If the file cannot be read, is damaged, is changed while it is read, holds neither electrons nor counts
/// under the names asked for, or has only counts of fewer dimensions than asked for.
pub fn read(source: impl Into<Source>, options: &ReadOptions, progress: &dyn Progress) -> Result<Loaded> {
    let mut whole = None;
    read_in(&source.into(), options, None, progress, &mut |loaded| {
        whole = Some(loaded);
        ControlFlow::Continue(())
    })?;
    let nothing = || Loaded {
        data: ElectronSet::default().into(),
        layout: String::new(),
        notices: Vec::new(),
        last: true,
    };
    Ok(whole.unwrap_or_else(nothing))
}

/// Reads the avalanches of a file and hands them on, all at once or in parts of at most so many electrons.
fn read_in(
    source: &Source,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut Take<'_>,
) -> Result<()> {
    // What is no file is refused below.
    let stamp = Stamp::of(&source.path).ok();
    let read = read_unchanged(source, options, most, progress, take);
    // Whatever was found wrong then, this is why.
    if stamp.is_some_and(|stamp| stamp.is_outdated(&source.path)) {
        return Err(Error::Changed { file: source.path.clone() });
    }
    read
}

/// Reads the avalanches of a file that nobody changes meanwhile.
fn read_unchanged(
    source: &Source,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut Take<'_>,
) -> Result<()> {
    let (path, options) = (&*source.path, &options.of(source));
    let (mut empty, mut fewer) = (true, None);
    let mut checked = |mut loaded: Loaded| {
        empty &= loaded.data.is_empty();
        if empty && loaded.last {
            loaded.notices.push("holds no avalanche".into());
        }
        if let (Some(wanted), Some(grid)) = (options.dims, loaded.data.grid())
            && grid.dims() < wanted
        {
            fewer = Some((wanted, grid.dims(), loaded.layout));
            return ControlFlow::Break(());
        }
        take(loaded)
    };
    let take = &mut checked;
    match format(path, options)? {
        Format::Npz => npz::read(path, options, most, progress, take),
        Format::Root | Format::RNTuple => root::read(path, options, most, progress, take),
        Format::Text => read_table(path, &TextTable::open(path)?, options, most, progress, Vec::new(), take),
        Format::Parquet => {
            read_table(path, &*parquet::open(path)?, options, most, progress, Vec::new(), take)
        }
    }?;
    match fewer {
        Some((wanted, have, layout)) => Err(Error::Unsuited {
            file: path.into(),
            what: format!(
                "holds avalanches in {have} dimensions ({layout}); {wanted} are wanted\n  hint: ask for {have} dimensions (model.dims = {have} in a configuration), or give a file with h{wanted}_i histograms or electrons",
            ),
        }),
        None => Ok(()),
    }
}

/// Bytes of files that are read at the same time, for each electron of a part.
const AT_ONCE: u64 = 256;
/// A file of at most so many bytes for each electron of a part is read whole.
const WHOLE: u64 = 16;

/// Reads several files and hands each on in the order given: whole, as many at a time as there are threads,
/// or with `most` in parts of about so many electrons, so that the memory needed does not grow with files.
/// Small files are read whole in any case, and so are texts and Parquet.
///
/// # Errors
/// The first error of [`read`] or of `take`.
pub fn read_each<E: From<Error>>(
    sources: &[Source],
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    mut take: impl FnMut(&Source, Loaded) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    if let [source] = sources {
        return read_parts(source, options, most, progress, &mut take);
    }
    let task = progress.task("reading", sources.len() as u64);
    let bytes = |source: &Source| std::fs::metadata(&source.path).map_or(0, |file| file.len());
    let mut rest = sources;
    while !rest.is_empty() {
        let mut room = most.map_or(u64::MAX, |most| most.saturating_mul(AT_ONCE));
        let small = most.map_or(u64::MAX, |most| most.saturating_mul(WHOLE));
        let fits = |source: &&Source| {
            let bytes = bytes(source);
            let fits = bytes <= small.min(room);
            room = room.saturating_sub(bytes);
            fits
        };
        let count = rest.iter().take_while(fits).take(rayon::current_num_threads()).count();
        let (together, others) = rest.split_at(count.max(1));
        if count == 0 {
            read_parts(&together[0], options, most, &Silent, &mut take)?;
            task.advance(1);
        } else {
            let loaded: Vec<_> =
                together.par_iter().map(|source| read(source.clone(), options, &Silent)).collect();
            for (source, loaded) in together.iter().zip(loaded) {
                take(source, loaded?)?;
                task.advance(1);
            }
        }
        rest = others;
    }
    Ok(())
}

/// Reads a file, whole or in parts of about so many electrons.
fn read_parts<E: From<Error>>(
    source: &Source,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut impl FnMut(&Source, Loaded) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut failed = None;
    let read = read_in(source, options, most, progress, &mut |loaded| match take(source, loaded) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    });
    failed.map_or_else(|| Ok(read?), Err)
}

/// The values of a condition, one (or several) for each avalanche that [`read`] gives with the same options:
/// their shape, and the values row by row. `name` is a column of the tree or table of the electrons, or an
/// array of an npz. Where a row is an electron, it is the value that all electrons of an avalanche share, and
/// NaN for an empty avalanche.
///
/// # Errors
/// If the file cannot be read, or nothing has that name or one value an avalanche.
pub fn read_condition(
    source: impl Into<Source>,
    name: &str,
    options: &ReadOptions,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let source = source.into();
    let (path, options) = (&*source.path, &options.of(&source));
    match format(path, options)? {
        Format::Npz => npz::read_condition(path, name, options),
        Format::Root | Format::RNTuple => root::read_condition(path, name, options),
        Format::Text => electrons::read_condition(path, &TextTable::open(path)?, name, options),
        Format::Parquet => electrons::read_condition(path, &*parquet::open(path)?, name, options),
    }
}

/// Reads the electrons of a table.
pub(crate) fn read_table(
    path: &Path,
    table: &dyn Table,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    mut notices: Vec<Notice>,
    take: &mut Take<'_>,
) -> Result<()> {
    electrons::read(path, table, options, most, progress, &mut |electrons| {
        let Electrons { set, kind, notices: more, last } = electrons;
        let mut told = if last { std::mem::take(&mut notices) } else { Vec::new() };
        told.extend(more);
        take(Loaded {
            data: set.into(),
            layout: format!("{}, {kind}", table.describe()),
            notices: told,
            last,
        })
    })
}

fn format(path: &Path, options: &ReadOptions) -> Result<Format> {
    let Some(format) = options.format else { return Format::of_contents(path) };
    regular_file(path).map_err(|source| Error::Read { file: path.into(), source })?;
    Ok(format)
}

/// How a file that townsend wrote holds its avalanches, and what it says of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Units and provenance.
    pub meta: Meta,
    /// The format; that of an RNTuple is told from that of a tree.
    pub format: Format,
    /// The dimensions of the histograms of each avalanche, in the order of the file; empty for electrons.
    pub dims: Vec<usize>,
}

/// Reads how a file holds its avalanches and what it says of them, but not the avalanches; `None` if townsend
/// did not write it, so that its columns and units are not townsend's.
///
/// # Errors
/// The file cannot be read.
pub fn label(path: &Path) -> Result<Option<Label>> {
    let label = match Format::of_contents(path)? {
        Format::Root | Format::RNTuple => root::label(path)?,
        Format::Npz => npz::label(path)?,
        Format::Text | Format::Parquet => return Ok(None),
    };
    Ok(Some(label).filter(|label| !label.meta.provenance.producer.is_empty()))
}
