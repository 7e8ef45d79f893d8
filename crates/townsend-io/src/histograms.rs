//! ROOT histograms `h1_i`, `h2_i`, `h3_i`: one histogram per avalanche `i`, of one, two or three dimensions.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use townsend_core::{Axis, CountSet, Counts, Grid, Meta, OutputFile, Progress, Provenance};
use townsend_root::{
    CellType, Compression, HistogramAxis, Key, RootFile, RootWriter, SparseContents, SparseHistogram,
};

use crate::error::{Error, Result, content};
use crate::reader::Loaded;

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
fn number(key: &Key, dims: usize) -> Option<u64> {
    key.name().strip_prefix(&format!("h{dims}_"))?.parse().ok()
}

/// The newest cycle of every histogram of this dimension, in the file's order.
fn keys(file: &RootFile, dims: usize) -> Vec<&Key> {
    let mut newest: BTreeMap<String, (usize, &Key)> = BTreeMap::new();
    for (position, key) in file.keys().enumerate().filter(|(_, key)| dimensions(key) == Some(dims)) {
        let entry = newest.entry(key.path()).or_insert((position, key));
        entry.1 = std::cmp::max_by_key(entry.1, key, |key: &&Key| key.cycle());
    }
    let mut keys: Vec<_> = newest.into_values().collect();
    keys.sort_by_key(|&(position, _)| position);
    keys.into_iter().map(|(_, key)| key).collect()
}

/// True if the file holds histograms of this dimension.
pub(crate) fn has(file: &RootFile, dims: usize) -> bool {
    file.keys().any(|key| dimensions(key) == Some(dims))
}

/// Reads the histograms of `dims` dimensions or, if there are none, of the next higher one; the highest by
/// default.
pub(crate) fn read(
    path: &Path,
    file: &RootFile,
    wanted: Option<usize>,
    progress: &dyn Progress,
) -> Result<Loaded> {
    let there: Vec<usize> = (1..=3).filter(|&dims| has(file, dims)).collect();
    let dims = match wanted {
        Some(wanted) => there.iter().find(|&&dims| dims >= wanted).or(there.last()),
        None => there.last(),
    };
    let Some(&dims) = dims else {
        return none(file).ok_or_else(|| Error::Unsuited { file: path.into(), what: nothing_here(file) });
    };
    let mut warnings = Vec::new();
    if wanted.is_none() && there.len() > 1 {
        warnings.push(format!(
            "holds histograms of {there:?} dimensions; those of {dims} were read (choose the dimension to read others)"
        ));
    }
    let keys = in_order(keys(file, dims), dims, &mut warnings);
    let set = read_all(path, file, &keys, progress)?;
    let class = keys.first().map_or("", |key| key.class());
    Ok(Loaded { data: set.into(), layout: format!("ROOT histograms h{dims}_i ({class})"), warnings })
}

/// An empty set for a file without avalanches that has a note with the grid they would be counted on; `None`
/// without such a note.
fn none(file: &RootFile) -> Option<Loaded> {
    let grid: Grid = serde_json::from_str(note(file, GRID)?).ok()?;
    let layout = format!("ROOT histograms h{}_i", grid.dims());
    let mut set = CountSet::new(grid);
    set.meta = meta_of(file, set.grid());
    Some(Loaded { data: set.into(), layout, warnings: Vec::new() })
}

/// The message for a file that holds neither histograms nor electrons.
fn nothing_here(file: &RootFile) -> String {
    let mut names: Vec<String> = file
        .keys()
        .filter(|key| !key.is_directory())
        .take(5)
        .map(|key| format!("{} ({})", key.path(), key.class()))
        .collect();
    if names.is_empty() {
        names.push("nothing".into());
    }
    format!(
        "holds no avalanches: neither histograms (TH1, TH2, TH3 of C, S, I, L, F, D) nor a tree with branches x, z, t; it holds {}",
        names.join(", ")
    )
}

/// Sorts the keys by the number in their names. If a name is not `hD_i`, all stay in the file's order.
fn in_order<'f>(keys: Vec<&'f Key>, dims: usize, warnings: &mut Vec<String>) -> Vec<&'f Key> {
    let mut numbered: Vec<(u64, &Key)> =
        keys.iter().filter_map(|&key| number(key, dims).map(|number| (number, key))).collect();
    if numbered.len() < keys.len() {
        let other = keys.iter().find(|key| number(key, dims).is_none()).map_or("", |key| key.name());
        warnings.push(format!("histograms are not all called h{dims}_i (for example {other}); they were taken in the file's order"));
        return keys;
    }
    numbered.sort_by_key(|&(number, _)| number);
    if let Some(pair) = numbered.windows(2).find(|pair| pair[1].0 > pair[0].0 + 1) {
        warnings.push(format!(
            "the numbering of h{dims}_i has gaps, the first after {}; avalanches are counted as they come",
            pair[0].0
        ));
    }
    numbered.into_iter().map(|(_, key)| key).collect()
}

fn read_all(path: &Path, file: &RootFile, keys: &[&Key], progress: &dyn Progress) -> Result<CountSet> {
    let first = keys.first().map(|key| file.reader().read_histogram(key)).transpose()?.unwrap_or_default();
    let grid = grid_of(path, &keys.first().map(|key| key.path()).unwrap_or_default(), &first.axes)?;
    let task = progress.task("reading", keys.len() as u64);
    let blocks: Result<Vec<CountSet>> = keys
        .par_chunks(BLOCK)
        .map(|keys| {
            let mut reader = file.reader();
            let mut histogram = SparseHistogram::default();
            let mut set = CountSet::new(grid.clone());
            for key in keys {
                reader.read_sparse_into(key, &mut histogram)?;
                same_grid(path, key, &histogram.axes, keys[0], &grid)?;
                set.push(counts_of(path, key, &histogram, &grid)?);
                task.advance(1);
            }
            Ok(set)
        })
        .collect();
    let mut set = CountSet::new(grid);
    set.meta = meta_of(file, set.grid());
    for block in blocks? {
        set.append(&block).map_err(|source| Error::Grid { file: path.into(), source })?;
    }
    Ok(set)
}

fn grid_of(path: &Path, object: &str, axes: &[HistogramAxis]) -> Result<Grid> {
    let axis = |axis: &HistogramAxis| {
        let bins = u32::try_from(axis.bins).unwrap_or(u32::MAX);
        let made = match &axis.edges {
            Some(edges) => Axis::variable(edges.clone()),
            None => Axis::uniform(bins, axis.low, axis.high),
        };
        made.map(|made| made.with_label(axis.title.clone()))
    };
    let axes: std::result::Result<Vec<_>, _> = axes.iter().map(axis).collect();
    axes.map_err(Into::into).and_then(Grid::new).map_err(|e| content(path, object, e.to_string()))
}

fn same_grid(path: &Path, key: &Key, axes: &[HistogramAxis], first: &Key, grid: &Grid) -> Result<()> {
    // Usually all numbers are identical, and comparing them is much cheaper than making a grid.
    let identical = axes.iter().zip(grid.axes()).all(|(have, want)| {
        have.bins == want.bins() as usize
            && have.low.to_bits() == want.low().to_bits()
            && have.high.to_bits() == want.high().to_bits()
            && have.edges.as_deref() == want.edges()
    });
    if identical && axes.len() == grid.dims() {
        return Ok(());
    }
    let have = grid_of(path, &key.path(), axes)?;
    if have.same_cells(grid) {
        return Ok(());
    }
    Err(content(
        path,
        key.path(),
        format!(
            "has the grid [{have}], others (such as {}) have [{grid}]; all histograms of a file must have the same bins",
            first.path()
        ),
    ))
}

/// The occupied cells and their numbers of electrons.
///
/// # Errors
/// If a cell does not hold a whole number of electrons.
fn counts_of(path: &Path, key: &Key, histogram: &SparseHistogram, grid: &Grid) -> Result<Vec<(u32, u32)>> {
    let wrong = histogram
        .contents
        .nonzero()
        .find(|&(_, value)| !(value >= 1.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0));
    if let Some((cell, value)) = wrong {
        let bins = &grid.split(cell as u32)[..grid.dims()];
        return Err(content(
            path,
            key.path(),
            format!(
                "bin {bins:?} holds {value}; a bin holds a whole number of electrons, from 0 to {}\n  hint: give the histograms as they were filled, without weights, scaling or subtraction",
                u32::MAX
            ),
        ));
    }
    Ok(histogram.contents.nonzero().map(|(cell, value)| (cell as u32, value as u32)).collect())
}

/// Takes units from the axes' titles (`x [mm]`) and the provenance from the note that townsend writes into
/// its files.
fn meta_of(file: &RootFile, grid: &Grid) -> Meta {
    let mut meta = Meta::default();
    for (unit, axis) in meta.units.iter_mut().zip(grid.axes()) {
        if let Some(given) = unit_of(axis.label()) {
            *unit = given;
        }
    }
    meta.provenance = provenance_of(file);
    meta
}

/// The unit in a title: `mm` in `x [mm]`.
pub(crate) fn unit_of(title: &str) -> Option<String> {
    let (_, unit) = title.trim_end().strip_suffix(']')?.rsplit_once('[')?;
    Some(unit.trim().into())
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
            let name = format!("h{dims}_{}", self.number);
            self.root.write_histogram(&histogram(name, grid, projected.get(0)))?;
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

fn histogram(name: String, grid: &Grid, counts: Counts<'_>) -> SparseHistogram {
    let axis = |axis: &Axis| match axis.edges() {
        Some(edges) => HistogramAxis::with_edges(axis.label(), edges.to_vec()),
        None => HistogramAxis::new(axis.label(), axis.bins() as usize, axis.low(), axis.high()),
    };
    let large = counts.counts.iter().any(|&n| n > LARGEST_FLOAT_COUNT);
    let contents = SparseContents {
        cell_type: if large { CellType::D } else { CellType::F },
        cells: grid.cells(),
        indices: counts.cells.to_vec(),
        values: counts.counts.iter().map(|&n| f64::from(n)).collect(),
    };
    let axes = grid.axes().iter().map(axis).collect();
    let mut histogram = SparseHistogram::new(name, "electrons at the anode", axes, contents);
    histogram.entries = counts.electrons() as f64;
    histogram.statistics = statistics(grid, counts);
    histogram
}

/// The sums that `TH1::GetStats` returns, with every electron at the centre of its bin. Underflow and
/// overflow do not count, as in ROOT.
fn statistics(grid: &Grid, counts: Counts<'_>) -> Vec<f64> {
    let mut sums = [0.0; 11];
    for (cell, n) in counts.occupied().filter(|&(cell, _)| !grid.is_flow(cell)) {
        let (n, [x, y, z]) = (f64::from(n), grid.center(cell));
        for (sum, term) in sums.iter_mut().zip([1.0, 1.0, x, x * x, y, y * y, x * y, z, z * z, x * z, y * z])
        {
            *sum += n * term;
        }
    }
    sums[..[4, 7, 11][grid.dims() - 1]].to_vec()
}
