//! ROOT files: which of their trees or histograms are the avalanches.

use std::path::Path;

use townsend_core::{Meta, Progress};
use townsend_root::{Key, RootFile};

use crate::columns::{ColumnKind, TEXT, Table};
use crate::electrons::{self, fits, list, suggestion};
use crate::histograms;
use crate::notice::Notice;
use crate::reader::{Label, ReadOptions, Take, read_table};
use crate::rntuple::{RNTupleTable, is_rntuple};
use crate::tree::{TreeTable, is_tree};
use crate::{Choice, Error, Format, Result};

/// Trees, and histograms, that an error lists at most.
const MOST_LISTED: usize = 8;

/// Reads electrons or counts and hands them on, all at once or in parts of at most so many electrons.
pub(crate) fn read(
    path: &Path,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut Take<'_>,
) -> Result<()> {
    let file = RootFile::open(path)?;
    let mut notices = Vec::new();
    // A tree of electrons tells more than histograms, unless these were asked for.
    let histograms_wanted = options.histograms.is_some()
        || options.tree.is_none() && options.dims.is_some_and(|dims| histograms::has(&file, dims, options));
    if !histograms_wanted && let Some(table) = find(path, &file, options, &mut notices)? {
        let provenance = histograms::provenance_of(&file);
        let with_histograms =
            options.tree.is_none() && (1..=3).any(|dims| histograms::has(&file, dims, options));
        return read_table(path, &*table, options, most, progress, notices, &mut |mut loaded| {
            loaded.data.meta_mut().provenance.clone_from(&provenance);
            if with_histograms && loaded.last {
                let text = format!("holds histograms too; the electrons of {} were read", table.describe());
                loaded.notices.push(Notice::from(text).settled_by("histograms", "h*"));
            }
            take(loaded)
        });
    }
    if histograms::read(path, &file, options, most.is_some(), progress, notices, take)? {
        Ok(())
    } else {
        Err(nothing_here(path, &file))
    }
}

/// The values of a condition for each avalanche, from the tree of the electrons, or from the first tree that
/// has such a column where avalanches are histograms.
pub(crate) fn read_condition(
    path: &Path,
    name: &str,
    options: &ReadOptions,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let file = RootFile::open(path)?;
    if let Some(table) = find(path, &file, options, &mut Vec::new())? {
        return electrons::read_condition(path, &*table, name, options);
    }
    match with_column(&file, name) {
        Some((table, index)) => electrons::read_column(path, &*table, index),
        None => Err(crate::error::content(path, name, "no tree has such a branch")),
    }
}

/// Whether a tree or RNTuple has the column `name`.
pub(crate) fn has_column(path: &Path, name: &str) -> Result<bool> {
    Ok(with_column(&RootFile::open(path)?, name).is_some())
}

/// The first table that has a column of this name, and its place.
fn with_column<'f>(file: &'f RootFile, name: &str) -> Option<(Box<dyn Table + 'f>, usize)> {
    tables(file).find_map(|key| {
        let table = open(file, key).ok()?;
        let place = table.headers().iter().position(|header| header.name == name)?;
        Some((table, place))
    })
}

/// The table of this name, or the first of those for which `count` is largest; none if there is no table.
pub(crate) fn with_most<'f>(
    path: &Path,
    file: &'f RootFile,
    name: Option<&str>,
    count: impl Fn(&dyn Table) -> usize,
) -> Result<Option<Box<dyn Table + 'f>>> {
    if let Some(name) = name {
        return named(path, file, name).map(Some);
    }
    let mut best: Option<(usize, Box<dyn Table + 'f>)> = None;
    for key in tables(file) {
        let table = open(file, key)?;
        let found = count(&*table);
        if best.as_ref().is_none_or(|(most, _)| found > *most) {
            best = Some((found, table));
        }
    }
    Ok(best.map(|(_, table)| table))
}

/// What the file says of its avalanches, and how it holds them.
pub(crate) fn label(path: &Path) -> Result<Label> {
    let file = RootFile::open(path)?;
    let meta = Meta { provenance: histograms::provenance_of(&file), ..Meta::default() };
    let format = if tables(&file).any(is_rntuple) { Format::RNTuple } else { Format::Root };
    Ok(Label { meta, format, dims: histograms::all_dimensions(&file) })
}

/// The trees and RNTuples of a file, of each the newest cycle.
fn tables(file: &RootFile) -> impl Iterator<Item = &Key> {
    file.newest().filter(|key| is_table(key))
}

fn is_table(key: &Key) -> bool {
    is_tree(key) || is_rntuple(key)
}

fn open<'f>(file: &'f RootFile, key: &Key) -> Result<Box<dyn Table + 'f>> {
    if is_rntuple(key) {
        return Ok(Box::new(RNTupleTable::open(file, key)?));
    }
    Ok(Box::new(TreeTable::open(file, key)?))
}

/// The table that was asked for, or the first one with the columns of electrons; others are told.
fn find<'f>(
    path: &Path,
    file: &'f RootFile,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
) -> Result<Option<Box<dyn Table + 'f>>> {
    if let Some(name) = &options.tree {
        return named(path, file, name).map(Some);
    }
    let mut found: Option<(&Key, Box<dyn Table + 'f>)> = None;
    let mut others = Vec::new();
    for key in tables(file) {
        let table = match open(file, key) {
            Ok(table) => table,
            // What cannot be read is left aside, but not in silence.
            Err(error) => {
                notices.push(format!("{} was left aside: {error}", key.path()).into());
                continue;
            }
        };
        match found {
            _ if !fits(&*table, &options.columns) => notices.extend(unreadable(&*table)),
            None => found = Some((key, table)),
            Some(_) => others.push(key.path()),
        }
    }
    let Some((key, table)) = found else { return Ok(None) };
    if let Some(older) = file.other_cycles(key).next() {
        let text = format!("{} has other cycles too; the newest was read", table.describe());
        let cycle = older.cycle().unsigned_abs();
        notices.push(Notice::from(text).settled_by("tree", format!("{};{cycle}", key.path())));
    }
    if !others.is_empty() {
        let text =
            format!("{} was read; there are avalanches in {} too", table.describe(), others.join(", "));
        notices.push(Notice::from(text).settled_by("tree", others.swap_remove(0)));
    }
    Ok(Some(table))
}

/// A notice of a table that was left aside and has a column that cannot be read: it may have been the one.
fn unreadable(table: &dyn Table) -> Option<Notice> {
    table.headers().iter().find_map(|header| match &header.kind {
        ColumnKind::Other(what) if what != TEXT => {
            Some(format!("{} was left aside; its column {} is {what}", table.describe(), header.name).into())
        }
        _ => None,
    })
}

/// The table of a name: its path, or its name alone where no other has it.
fn named<'f>(path: &Path, file: &'f RootFile, name: &str) -> Result<Box<dyn Table + 'f>> {
    if let Ok(key) = file.find(name)
        && tables(file).any(|table| table.path() == key.path())
    {
        return open(file, key);
    }
    let of_name: Vec<&Key> = tables(file).filter(|key| key.name() == name).collect();
    match of_name.as_slice() {
        [key] => open(file, key),
        [] => Err(Error::Undecided {
            file: path.into(),
            what: format!("has no tree {name}; it has{}", there(file, "tree")),
            choices: nearest(file, name),
        }),
        several => {
            let paths: Vec<String> = several.iter().map(|key| key.path()).collect();
            Err(Error::Undecided {
                file: path.into(),
                what: format!("has several trees {name}: {}", paths.join(", ")),
                choices: paths.first().map(|path| Choice::new("tree", path)).into_iter().collect(),
            })
        }
    }
}

fn nearest(file: &RootFile, name: &str) -> Vec<Choice> {
    let nearest = tables(file).map(Key::path).min_by_key(|path| strsim::osa_distance(name, path));
    nearest.map(|path| Choice::new("tree", path)).into_iter().collect()
}

/// The error for a file without avalanches: what there is, and the options that would most likely read it.
fn nothing_here(path: &Path, file: &RootFile) -> Error {
    let mut choices = Vec::new();
    let suggested = tables(file).find_map(|key| {
        let table = open(file, key).ok()?;
        Some((key, suggestion(&*table)?))
    });
    if let Some((key, columns)) = suggested {
        choices.push(columns);
        if tables(file).count() > 1 {
            choices.push(Choice::new("tree", key.path()));
        }
    } else if let Some(pattern) = histograms::pattern(file) {
        choices.push(Choice::new("histograms", pattern));
    }
    Error::Undecided {
        file: path.into(),
        what: format!(
            "holds no avalanches by their usual names: neither histograms h1_i, h2_i, h3_i nor a tree or RNTuple with x, z, t; it holds{}",
            there(file, "avalanches")
        ),
        choices,
    }
}

/// What a file holds: trees with their columns, histograms with their bins, and the number of other objects;
/// the names nearest to `wanted` first.
fn there(file: &RootFile, wanted: &str) -> String {
    let mut keys: Vec<&Key> = file.keys().filter(|key| !key.is_directory()).collect();
    keys.sort_by_key(|key| (!is_table(key), strsim::osa_distance(wanted, &key.path())));
    let more = keys.len().saturating_sub(MOST_LISTED);
    let mut listed: Vec<String> = keys.iter().take(MOST_LISTED).map(|key| describe(file, key)).collect();
    if more > 0 {
        listed.push(format!("{more} more objects"));
    }
    if listed.is_empty() { " nothing".into() } else { format!(":\n  {}", listed.join("\n  ")) }
}

fn describe(file: &RootFile, key: &Key) -> String {
    let (path, class) = (key.path(), key.class());
    if is_table(key) {
        return match open(file, key) {
            Ok(table) => {
                let columns = list(table.headers(), &["x", "z", "t"]);
                format!("{path} ({class}, {} entries): {columns}", table.rows())
            }
            Err(error) => format!("{path} ({class}), which cannot be read: {error}"),
        };
    }
    match file.read_histogram(key) {
        Ok(histogram) => {
            let bins: Vec<String> = histogram.axes.iter().map(|axis| axis.bins.to_string()).collect();
            format!("{path} ({class}, {} bins)", bins.join(" x "))
        }
        Err(_) => format!("{path} ({class})"),
    }
}
