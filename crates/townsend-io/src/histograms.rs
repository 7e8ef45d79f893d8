//! ROOT histograms `h1_i`, `h2_i`, `h3_i`: one histogram per avalanche `i`, of one, two or three dimensions.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use glob::Pattern;
use rayon::prelude::*;
use townsend_core::{
    Axis, AxisError, Coordinate, CountSet, Counts, Grid, Meta, OutputFile, Progress, Provenance,
};
use townsend_root::{
    CellType, Compression, HistogramAxis, Key, RootFile, RootWriter, SparseContents, SparseHistogram,
};

use crate::electrons::{standard_unit, stated_size};
use crate::error::{Error, Result, content};
use crate::notice::{Choice, Notice};
use crate::reader::{Loaded, ReadOptions, Take};
use crate::units::{Units, unit_in_title};

/// Title of the histogram of an avalanche.
const TITLE: &str = "electrons at the anode";
/// Largest count that a `TH?F` cell holds exactly.
const LARGEST_FLOAT_COUNT: u32 = 1 << 24;
/// Number of histograms that a thread reads as one task.
const BLOCK: usize = 64;

/// The dimension of a histogram from the name of its class (2 for `TH2F`); `None` if it is no histogram.
fn dimensions(key: &Key) -> Option<usize> {
    let class = key.class().as_bytes();
    match class {
        [b'T', b'H', digit @ b'1'..=b'3', b'C' | b'S' | b'I' | b'L' | b'F' | b'D'] => {
            Some(usize::from(digit - b'0'))
        }
        _ => None,
    }
}

/// The number of the avalanche (17 in `h2_17`); `None` if the histogram is not called `hD_i`.
fn number(key: &Key, dims: usize) -> Option<u128> {
    key.name().strip_prefix(&format!("h{dims}_"))?.parse().ok()
}

/// True for a histogram of these dimensions that is an avalanche: one called `hD_i`, or one whose name or
/// path fits the pattern that was asked for.
fn is_avalanche(key: &Key, dims: usize, pattern: Option<&Pattern>) -> bool {
    let named = match pattern {
        Some(pattern) => pattern.matches(key.name()) || pattern.matches(&key.path()),
        None => number(key, dims).is_some(),
    };
    dimensions(key) == Some(dims) && named
}

/// The pattern of names that was asked for.
fn asked_for(path: &Path, options: &ReadOptions) -> Result<Option<Pattern>> {
    let pattern = options.histograms.as_deref().map(Pattern::new).transpose();
    pattern.map_err(|error| Error::Unsuited {
        file: path.into(),
        what: format!("{:?} is no pattern of names: {error}", options.histograms.as_deref().unwrap_or("")),
    })
}

/// True if the file holds avalanches as histograms of this dimension.
pub(crate) fn has(file: &RootFile, dims: usize, options: &ReadOptions) -> bool {
    let pattern = options.histograms.as_deref().and_then(|pattern| Pattern::new(pattern).ok());
    file.keys().any(|key| is_avalanche(key, dims, pattern.as_ref()))
}

/// The dimensions of the histograms `hD_i` that the file has of each avalanche, in its order; of a file
/// without avalanches those of its grid, and none if it holds electrons.
pub(crate) fn all_dimensions(file: &RootFile) -> Vec<usize> {
    let mut all = Vec::new();
    for key in file.keys() {
        let dims = dimensions(key).filter(|&dims| is_avalanche(key, dims, None));
        match dims {
            Some(dims) if all.contains(&dims) => break,
            dims => all.extend(dims),
        }
    }
    if all.is_empty() {
        let grid = note(file, GRID).and_then(|grid| serde_json::from_str::<Grid>(grid).ok());
        all.extend(grid.map(|grid| grid.dims()));
    }
    all
}

/// A pattern that fits most of the histograms of a file that are not called `hD_i`: the name without its
/// number that most of them share.
pub(crate) fn pattern(file: &RootFile) -> Option<String> {
    let mut stems: BTreeMap<&str, usize> = BTreeMap::new();
    for key in file.keys().filter(|key| dimensions(key).is_some()) {
        *stems.entry(key.name().trim_end_matches(|c: char| c.is_ascii_digit())).or_default() += 1;
    }
    // A name that occurs once is no series.
    let series = stems.into_iter().filter(|&(stem, count)| count > 1 && !stem.is_empty());
    series.max_by_key(|&(_, count)| count).map(|(stem, _)| format!("{stem}*"))
}

/// Reads the histograms of `dims` dimensions or, if there are none, of the next higher one; the highest by
/// default. They are handed on all at once or, with `parts`, as many at a time as threads read together.
/// Returns false if no histogram of the file is an avalanche.
pub(crate) fn read(
    path: &Path,
    file: &RootFile,
    options: &ReadOptions,
    parts: bool,
    progress: &dyn Progress,
    mut notices: Vec<Notice>,
    take: &mut Take<'_>,
) -> Result<bool> {
    let pattern = asked_for(path, options)?;
    let there: Vec<usize> = (1..=3).filter(|&dims| has(file, dims, options)).collect();
    let dims = match options.dims {
        Some(wanted) => there.iter().find(|&&dims| dims >= wanted).or(there.last()),
        None => there.last(),
    };
    let Some(&dims) = dims else {
        let empty = none(path, file, options)?;
        return Ok(empty.map(take).is_some());
    };
    if options.dims.is_none() && there.len() > 1 {
        notices.push(
            format!(
                "holds histograms of {there:?} dimensions; those of {dims} were read (choose the dimension to read others)"
            )
            .into(),
        );
    }
    let (keys, others): (Vec<&Key>, Vec<&Key>) = file
        .newest()
        .filter(|key| dimensions(key) == Some(dims))
        .partition(|key| is_avalanche(key, dims, pattern.as_ref()));
    if pattern.is_none()
        && let Some(other) = others.first()
    {
        let names = format!("{} ({} in all)", other.path(), others.len());
        let text = format!("histograms that are not called h{dims}_i were left aside: {names}");
        notices.push(Notice::from(text).settled_by("histograms", format!("h{dims}_*")));
    }
    let keys = in_order(keys, dims, pattern.is_some(), &mut notices);
    let class = keys.first().map_or("", |key| key.class());
    let names = options.histograms.clone().unwrap_or_else(|| format!("h{dims}_i"));
    let layout = format!("ROOT histograms {names} ({class})");
    read_all(path, file, &keys, options, parts, progress, notices, &mut |set, notices, last| {
        take(Loaded { data: set.into(), layout: layout.clone(), notices, last })
    })?;
    Ok(true)
}

/// An empty set for a file without avalanches that has a note with the grid they would be counted on.
///
/// # Errors
/// Histograms were asked for that are not there.
fn none(path: &Path, file: &RootFile, options: &ReadOptions) -> Result<Option<Loaded>> {
    if let Some(pattern) = &options.histograms {
        let what = format!("no histogram (TH1, TH2, TH3 of C, S, I, L, F, D) has a name like {pattern}");
        let choices = self::pattern(file).map(|pattern| Choice::new("histograms", pattern));
        return Err(Error::Undecided { file: path.into(), what, choices: choices.into_iter().collect() });
    }
    let grid = note(file, GRID).and_then(|note| serde_json::from_str::<Grid>(note).ok());
    Ok(grid.map(|grid| {
        let layout = format!("ROOT histograms h{}_i", grid.dims());
        let mut set = CountSet::new(grid);
        set.meta.provenance = provenance_of(file);
        Loaded { data: set.into(), layout, notices: Vec::new(), last: true }
    }))
}

/// Sorts the keys by the number in their names, one directory after the other. If the names came from a
/// pattern, numbers at their end count by their value.
fn in_order<'f>(
    keys: Vec<&'f Key>,
    dims: usize,
    by_pattern: bool,
    notices: &mut Vec<Notice>,
) -> Vec<&'f Key> {
    let mut folders: Vec<String> = Vec::new();
    let mut placed: Vec<(usize, &str, u128, &Key)> = Vec::with_capacity(keys.len());
    for key in keys {
        let path = key.path();
        let folder = &path[..path.len() - key.name().len()];
        let place = folders.iter().position(|known| known == folder).unwrap_or_else(|| {
            folders.push(folder.to_owned());
            folders.len() - 1
        });
        let stem = key.name().trim_end_matches(|c: char| c.is_ascii_digit());
        let number = key.name()[stem.len()..].parse().unwrap_or(0);
        placed.push((place, stem, number, key));
    }
    placed.sort_by_key(|&(place, stem, number, _)| (place, stem, number));
    let follows = |pair: &[(usize, &str, u128, &Key)]| pair[0].0 == pair[1].0 && pair[1].2 > pair[0].2 + 1;
    if let Some(pair) = placed.windows(2).find(|pair| !by_pattern && follows(pair)) {
        notices.push(
            format!(
                "the numbering of h{dims}_i has gaps, the first after {}; avalanches are counted as they come",
                pair[0].2
            )
            .into(),
        );
    }
    placed.into_iter().map(|(.., key)| key).collect()
}

/// What is odd about cells that were read.
#[derive(Debug, Default)]
struct Odd {
    /// The first histogram with a cell that can hold no more, and that cell's content.
    full: Option<String>,
    /// Cells that held no whole number and were rounded.
    rounded: u64,
}

#[allow(clippy::too_many_arguments, reason = "the second half of `read`")]
fn read_all(
    path: &Path,
    file: &RootFile,
    keys: &[&Key],
    options: &ReadOptions,
    parts: bool,
    progress: &dyn Progress,
    mut notices: Vec<Notice>,
    take: &mut dyn FnMut(CountSet, Vec<Notice>, bool) -> ControlFlow<()>,
) -> Result<()> {
    let first = keys.first().map(|key| file.reader().read_histogram(key)).transpose()?.unwrap_or_default();
    let name = keys.first().map(|key| key.path()).unwrap_or_default();
    let grid = grid_of(path, &name, &first.axes, options, &mut notices)?;
    let task = progress.task("reading", keys.len() as u64);
    let provenance = provenance_of(file);
    let together = if parts { BLOCK * rayon::current_num_threads() } else { keys.len().max(1) };
    let (mut full, mut rounded, mut left) = (None, 0, keys.len());
    for keys in keys.chunks(together) {
        let blocks: Result<Vec<(CountSet, Odd)>> = keys
            .par_chunks(BLOCK)
            .map(|keys| {
                let mut reader = file.reader();
                let mut histogram = SparseHistogram::default();
                let mut set = CountSet::new(grid.clone());
                let mut odd = Odd::default();
                for key in keys {
                    reader.read_sparse_into(key, &mut histogram)?;
                    same_axes(path, key, &histogram.axes, &name, &first.axes)?;
                    set.push(counts_of(path, key, &histogram, &grid, options.round, &mut odd)?);
                    task.advance(1);
                }
                Ok((set, odd))
            })
            .collect();
        let mut set = CountSet::new(grid.clone());
        set.meta.provenance.clone_from(&provenance);
        for (block, odd) in blocks? {
            set.append(&block).map_err(|source| Error::Grid { file: path.into(), source })?;
            full = full.or(odd.full);
            rounded += odd.rounded;
        }
        left -= keys.len();
        let mut told = Vec::new();
        if left == 0 {
            told.append(&mut notices);
            told.extend(full.take().map(Notice::from));
            if rounded > 0 {
                told.push(
                    format!("{rounded} cells that held no whole number of electrons were rounded").into(),
                );
            }
        }
        if take(set, told, left == 0).is_break() {
            break;
        }
    }
    Ok(())
}

/// The grid in mm and ns.
fn grid_of(
    path: &Path,
    object: &str,
    axes: &[HistogramAxis],
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
) -> Result<Grid> {
    let mut made = Vec::with_capacity(axes.len());
    for (coordinate, axis) in Coordinate::ALL.into_iter().zip(axes) {
        let stated = unit_in_title("", &axis.title, coordinate);
        let object = format!("the axis of {} ({})", coordinate.name(), axis.title);
        let scale =
            options.units.scale(coordinate).or_else(|| stated_size(stated, &object, coordinate, notices));
        made.push(axis_of(axis, scale.unwrap_or(1.0), coordinate));
    }
    let axes: std::result::Result<Vec<_>, _> = made.into_iter().collect();
    axes.map_err(Into::into).and_then(Grid::new).map_err(|e| content(path, object, e.to_string()))
}

fn axis_of(axis: &HistogramAxis, scale: f64, coordinate: Coordinate) -> std::result::Result<Axis, AxisError> {
    let bins = u32::try_from(axis.bins).unwrap_or(u32::MAX);
    let made = match &axis.edges {
        Some(edges) => Axis::variable(edges.iter().map(|edge| edge * scale).collect())?,
        None => Axis::uniform(bins, axis.low * scale, axis.high * scale)?,
    };
    if scale.to_bits() == 1f64.to_bits() {
        return Ok(made.with_label(axis.title.clone()));
    }
    let name = axis.title.split(['[', '(', '/', ',']).next().unwrap_or("").trim();
    let name = if name.is_empty() { coordinate.name() } else { name };
    Ok(made.with_label(format!("{name} [{}]", standard_unit(coordinate))))
}

/// Refuses axes that are not those of the first histogram.
fn same_axes(
    path: &Path,
    key: &Key,
    axes: &[HistogramAxis],
    first: &str,
    wanted: &[HistogramAxis],
) -> Result<()> {
    // Usually all numbers are identical, and comparing them is much cheaper than making a grid.
    let identical = axes.len() == wanted.len()
        && axes.iter().zip(wanted).all(|(have, want)| {
            have.bins == want.bins
                && have.low.to_bits() == want.low.to_bits()
                && have.high.to_bits() == want.high.to_bits()
                && have.edges == want.edges
        });
    if identical {
        return Ok(());
    }
    let as_is = ReadOptions { units: Units::standard(), ..ReadOptions::default() };
    let have = grid_of(path, &key.path(), axes, &as_is, &mut Vec::new())?;
    let want = grid_of(path, first, wanted, &as_is, &mut Vec::new())?;
    if have.same_cells(&want) {
        return Ok(());
    }
    Err(content(
        path,
        key.path(),
        format!(
            "has the grid [{have}], others (such as {first}) have [{want}]; all histograms of a file must have the same bins"
        ),
    ))
}

/// The occupied cells and their numbers of electrons.
///
/// # Errors
/// If a cell does not hold a whole number of electrons, or holds weights; where `round` is true, only if its
/// content is negative or no number.
fn counts_of(
    path: &Path,
    key: &Key,
    histogram: &SparseHistogram,
    grid: &Grid,
    round: bool,
    odd: &mut Odd,
) -> Result<Vec<(u32, u32)>> {
    let most = f64::from(u32::MAX);
    let weighted = |cell: usize, value: f64| {
        histogram.sumw2.get(cell).is_some_and(|&sum| sum.to_bits() != value.to_bits())
    };
    let limit = largest(histogram.contents.cell_type);
    let mut counts = Vec::new();
    for (cell, value) in histogram.contents.nonzero() {
        let whole = value.fract() == 0.0 && !weighted(cell, value);
        if !(value > 0.0 && value <= most && (whole || round)) {
            return Err(content(path, key.path(), no_count(grid, cell, value, whole)));
        }
        if value >= limit && odd.full.is_none() {
            odd.full = Some(format!(
                "{}: a cell holds {value}, the most that a {} can; it was filled {} times in all, so electrons may be missing",
                key.path(),
                key.class(),
                histogram.entries
            ));
        }
        odd.rounded += u64::from(!whole);
        let count = value.round() as u32;
        if count > 0 {
            counts.push((cell as u32, count));
        }
    }
    Ok(counts)
}

/// The content at which a cell stops to count.
fn largest(cell_type: CellType) -> f64 {
    match cell_type {
        CellType::C => f64::from(i8::MAX),
        CellType::S => f64::from(i16::MAX),
        CellType::I => f64::from(i32::MAX),
        CellType::F => f64::from(LARGEST_FLOAT_COUNT),
        CellType::L | CellType::D => f64::INFINITY,
    }
}

/// The remedy for cells that hold no whole number.
const ROUNDED: &str = ", or have their contents rounded";

fn no_count(grid: &Grid, cell: usize, value: f64, whole: bool) -> String {
    let bins = &grid.split(cell as u32)[..grid.dims()];
    let weights = if whole || value.fract() != 0.0 { "" } else { ", filled with weights" };
    let rounded = if value > 0.0 && value <= f64::from(u32::MAX) { ROUNDED } else { "" };
    format!(
        "bin {bins:?} holds {value}{weights}; a bin holds a whole number of electrons, from 0 to {}\n  hint: give the histograms as they were filled, without weights, scaling or subtraction{rounded}",
        u32::MAX
    )
}

/// The provenance in the file's note; the default one if there is no such note.
pub(crate) fn provenance_of(file: &RootFile) -> Provenance {
    note(file, NOTE).and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
}

/// The title of the `TNamed` object of that name, if there is one.
fn note<'f>(file: &'f RootFile, name: &str) -> Option<&'f str> {
    file.find(name).ok().filter(|key| key.class() == "TNamed").map(Key::title)
}

/// Name of the `TNamed` object that holds the provenance as JSON.
const NOTE: &str = "townsend";
/// The longest note that a key can hold, whose length is a signed number of 16 bits, with room for the rest
/// of the key, bytes.
const LONGEST_NOTE: usize = 30_000;
/// Name of the `TNamed` object that holds the grid as JSON. It is written only if a file has no histogram, as
/// a shard without avalanches.
const GRID: &str = "townsend_grid";

/// Starts a ROOT file and writes the note with the provenance.
pub(crate) fn start(output: &OutputFile, path: &Path, meta: &Meta) -> Result<RootWriter<BufWriter<File>>> {
    let file = output.duplicate()?;
    let mut root = RootWriter::new(BufWriter::new(file), path, Compression::default())?;
    let note = meta.provenance.shortened(LONGEST_NOTE);
    let note = serde_json::to_string(&*note).map_err(|e| output.error(e.into()))?;
    root.write_named(NOTE, &note)?;
    Ok(root)
}

/// Completes a ROOT file and moves it to its final name.
pub(crate) fn finish(output: OutputFile, root: RootWriter<BufWriter<File>>) -> Result<()> {
    root.finish()?.into_inner().map_err(|e| output.error(e.into_error()))?;
    Ok(output.commit()?)
}

/// Writes histograms: for each avalanche one in each of the dimensions asked for.
pub(crate) struct HistogramWriter {
    output: OutputFile,
    path: PathBuf,
    root: RootWriter<BufWriter<File>>,
    projections: Vec<(usize, Grid)>,
    grid: Grid,
    first: u64,
    number: u64,
}

impl HistogramWriter {
    pub(crate) fn new(
        output: OutputFile,
        path: &Path,
        grid: &Grid,
        dims: &[usize],
        first: u64,
        meta: &Meta,
    ) -> Result<Self> {
        let failed = |source| Error::Grid { file: path.into(), source };
        let projections: Result<Vec<_>> =
            dims.iter().map(|&dims| Ok((dims, grid.first(dims).map_err(failed)?))).collect();
        let root = start(&output, path, meta)?;
        Ok(Self {
            output,
            path: path.into(),
            root,
            projections: projections?,
            grid: grid.clone(),
            first,
            number: first,
        })
    }

    pub(crate) fn push(&mut self, counts: Counts<'_>) -> Result<()> {
        let mut set = CountSet::new(self.grid.clone());
        set.push(counts.occupied());
        for (dims, grid) in &self.projections {
            let failed = |source| Error::Grid { file: self.path.clone(), source };
            let projected = set.project(*dims).map_err(failed)?;
            let (name, counts) = (format!("h{dims}_{}", self.number), projected.get(0));
            let large = counts.counts.iter().any(|&n| n > LARGEST_FLOAT_COUNT);
            let cell_type = if large { CellType::D } else { CellType::F };
            let occupied = counts.occupied().map(|(cell, n)| (cell, f64::from(n)));
            self.root.write_histogram(&histogram([&name, TITLE], grid, cell_type, occupied))?;
        }
        self.number += 1;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        let highest = self.projections.iter().map(|(_, grid)| grid).max_by_key(|grid| grid.dims());
        if let Some(grid) = highest.filter(|_| self.number == self.first) {
            let grid = serde_json::to_string(grid).map_err(|e| self.output.error(e.into()))?;
            self.root.write_named(GRID, &grid)?;
        }
        finish(self.output, self.root)
    }
}

/// Writes electrons of many avalanches as one histogram of doubles, `name`, to a file that was begun before
/// they were drawn; `electrons` has a number for each cell of the grid, and `path` names the file.
///
/// # Errors
/// The file cannot be written.
pub fn write_sum(
    output: OutputFile,
    path: &Path,
    [name, title]: [&str; 2],
    grid: &Grid,
    electrons: &[u64],
    meta: &Meta,
) -> Result<()> {
    let mut root = start(&output, path, meta)?;
    let occupied = (0u32..).zip(electrons).filter(|&(_, &n)| n > 0).map(|(cell, &n)| (cell, n as f64));
    root.write_histogram(&histogram([name, title], grid, CellType::D, occupied))?;
    finish(output, root)
}

/// A histogram of the electrons in the occupied cells of a grid.
fn histogram(
    [name, title]: [&str; 2],
    grid: &Grid,
    cell_type: CellType,
    occupied: impl Iterator<Item = (u32, f64)> + Clone,
) -> SparseHistogram {
    let axis = |axis: &Axis| match axis.edges() {
        Some(edges) => HistogramAxis::with_edges(axis.label(), edges.to_vec()),
        None => HistogramAxis::new(axis.label(), axis.bins() as usize, axis.low(), axis.high()),
    };
    let (indices, values) = occupied.clone().unzip();
    let contents = SparseContents { cell_type, cells: grid.cells(), indices, values };
    let axes = grid.axes().iter().map(axis).collect();
    let mut histogram = SparseHistogram::new(name, title, axes, contents);
    // An empty sum of `f64` is −0.
    histogram.entries = occupied.clone().fold(0.0, |sum, (_, n)| sum + n);
    histogram.statistics = statistics(grid, occupied);
    histogram
}

/// The sums that `TH1::GetStats` returns, with every electron at the centre of its bin. Underflow and
/// overflow do not count, as in ROOT.
fn statistics(grid: &Grid, occupied: impl Iterator<Item = (u32, f64)>) -> Vec<f64> {
    let mut sums = [0.0; 11];
    for (cell, n) in occupied.filter(|&(cell, _)| !grid.is_flow(cell)) {
        let [x, y, z] = grid.center(cell);
        for (sum, term) in sums.iter_mut().zip([1.0, 1.0, x, x * x, y, y * y, x * y, z, z * z, x * z, y * z])
        {
            *sum += n * term;
        }
    }
    sums[..[4, 7, 11][grid.dims() - 1]].to_vec()
}
