//! Avalanches, as the electrons at the anode or as counts of them in the cells of a grid.

use std::collections::TryReserveError;

use rayon::prelude::*;

use crate::{Grid, GridError, Meta};

/// The coordinates of an electron at the anode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinate {
    /// Transverse position, along the direction of the Lorentz drift.
    X,
    /// Transverse position, along the magnetic field.
    Z,
    /// Time of arrival.
    T,
}

impl Coordinate {
    /// All three, in the order of a grid's axes.
    pub const ALL: [Self; 3] = [Self::X, Self::Z, Self::T];

    /// `x`, `z` or `t`.
    pub fn name(self) -> &'static str {
        ["x", "z", "t"][self as usize]
    }
}

/// The electrons of one avalanche: three slices of the same length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Avalanche<'a> {
    /// Transverse position, mm unless [`Meta::units`] says otherwise.
    pub x: &'a [f32],
    /// The other transverse position, mm.
    pub z: &'a [f32],
    /// Time of arrival, ns.
    pub t: &'a [f32],
}

impl<'a> Avalanche<'a> {
    /// Number of electrons.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// True if no electron arrived.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// One coordinate of every electron.
    pub fn coordinate(&self, coordinate: Coordinate) -> &'a [f32] {
        [self.x, self.z, self.t][coordinate as usize]
    }

    /// Puts the cell of every electron into `cells`, sorted, in place of what is there.
    fn cells(&self, grid: &Grid, cells: &mut Vec<u32>) {
        let place = |i: usize| [self.x[i], self.z[i], self.t[i]].map(f64::from);
        cells.clear();
        cells.extend((0..self.len()).map(|i| grid.cell(place(i))));
        cells.sort_unstable();
    }
}

/// The occupied cells of one avalanche in ascending order, and the number of electrons in each (never 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts<'a> {
    /// Global cell numbers in the grid's order.
    pub cells: &'a [u32],
    /// Number of electrons in each of these cells.
    pub counts: &'a [u32],
}

impl<'a> Counts<'a> {
    /// Number of electrons, those in flow bins included.
    pub fn electrons(&self) -> u64 {
        self.counts.iter().map(|&n| u64::from(n)).sum()
    }

    /// Each occupied cell with its electrons.
    pub fn occupied(&self) -> impl Iterator<Item = (u32, u32)> + Clone + 'a {
        self.cells.iter().copied().zip(self.counts.iter().copied())
    }

    /// Writes the counts into a row with one element for each cell, which must be 0 before.
    ///
    /// # Panics
    /// If the row has fewer cells than the grid.
    pub fn fill(&self, row: &mut [f32]) {
        self.occupied().for_each(|(cell, n)| row[cell as usize] = n as f32);
    }
}

/// Electrons of one avalanche counted in cells, in memory that is used again for the next.
#[derive(Debug, Default)]
pub struct CountBuffer {
    /// The cell of every electron.
    sorted: Vec<u32>,
    cells: Vec<u32>,
    counts: Vec<u32>,
}

impl CountBuffer {
    /// Counts the electrons of an avalanche in the cells of `grid`.
    pub fn count(&mut self, electrons: Avalanche<'_>, grid: &Grid) -> Counts<'_> {
        let Self { sorted, cells, counts } = self;
        electrons.cells(grid, sorted);
        cells.clear();
        counts.clear();
        for run in sorted.chunk_by(|a, b| a == b) {
            cells.push(run[0]);
            counts.push(run.len() as u32);
        }
        Counts { cells, counts }
    }
}

/// Many avalanches as electrons, in three flat arrays with 12 bytes for each electron.
#[derive(Debug, Clone, PartialEq)]
pub struct ElectronSet {
    offsets: Vec<u64>,
    x: Vec<f32>,
    z: Vec<f32>,
    t: Vec<f32>,
    /// Units and provenance.
    pub meta: Meta,
}

impl Default for ElectronSet {
    fn default() -> Self {
        Self { offsets: vec![0], x: Vec::new(), z: Vec::new(), t: Vec::new(), meta: Meta::default() }
    }
}

impl ElectronSet {
    /// Makes a set of arrays as they are in an npz file: avalanche k consists of the electrons
    /// `offsets[k]..offsets[k + 1]`.
    ///
    /// # Errors
    /// A text that says which array is wrong.
    pub fn from_arrays(
        offsets: Vec<u64>,
        x: Vec<f32>,
        z: Vec<f32>,
        t: Vec<f32>,
        meta: Meta,
    ) -> Result<Self, String> {
        if x.len() != z.len() || x.len() != t.len() {
            return Err(format!(
                "x, z and t hold {}, {} and {} values; they must be as long",
                x.len(),
                z.len(),
                t.len()
            ));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&(x.len() as u64)) {
            return Err(format!(
                "offsets must begin with 0 and end with the number of electrons, {}",
                x.len()
            ));
        }
        if let Some(k) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
            return Err(format!(
                "offsets decrease from {} to {} at avalanche {k}",
                offsets[k],
                offsets[k + 1]
            ));
        }
        for (name, values) in [("x", &x), ("z", &z), ("t", &t)] {
            if let Some(i) = values.iter().position(|v| !v.is_finite()) {
                return Err(format!(
                    "{name} of electron {i} is {}; every coordinate must be finite",
                    values[i]
                ));
            }
        }
        Ok(Self { offsets, x, z, t, meta })
    }

    /// Adds an avalanche.
    ///
    /// # Panics
    /// If the slices differ in length, which is a mistake in the calling code.
    pub fn push(&mut self, x: &[f32], z: &[f32], t: &[f32]) {
        assert!(x.len() == z.len() && x.len() == t.len(), "x, z and t of an avalanche are as long");
        self.x.extend_from_slice(x);
        self.z.extend_from_slice(z);
        self.t.extend_from_slice(t);
        self.offsets.push(self.x.len() as u64);
    }

    /// Appends all avalanches of `other`; units and provenance stay as they are.
    pub fn append(&mut self, other: &Self) {
        let base = self.x.len() as u64;
        self.x.extend_from_slice(&other.x);
        self.z.extend_from_slice(&other.z);
        self.t.extend_from_slice(&other.t);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
    }

    /// Room for so many more, and no more than that: growing by doubling takes up to twice the memory.
    pub(crate) fn reserve_exact(&mut self, avalanches: usize, electrons: usize) {
        self.offsets.reserve_exact(avalanches);
        for column in [&mut self.x, &mut self.z, &mut self.t] {
            column.reserve_exact(electrons);
        }
    }

    /// Room for all of `other`, if the system gives it.
    pub(crate) fn try_reserve(&mut self, other: &Self) -> Result<(), TryReserveError> {
        self.offsets.try_reserve(other.len())?;
        let mut columns = [&mut self.x, &mut self.z, &mut self.t].into_iter();
        columns.try_for_each(|column| column.try_reserve(other.x.len()))
    }

    /// The arrays as they are in an npz file: offsets, one more than avalanches, and x, z and t of all
    /// electrons. It is the inverse of [`ElectronSet::from_arrays`].
    pub fn into_arrays(self) -> (Vec<u64>, Vec<f32>, Vec<f32>, Vec<f32>) {
        (self.offsets, self.x, self.z, self.t)
    }

    /// Number of avalanches, empty ones included.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True if there is no avalanche.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Avalanche `index`.
    pub fn get(&self, index: usize) -> Avalanche<'_> {
        let range = self.offsets[index] as usize..self.offsets[index + 1] as usize;
        Avalanche { x: &self.x[range.clone()], z: &self.z[range.clone()], t: &self.t[range] }
    }

    /// Every avalanche in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Avalanche<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Where each avalanche begins; one more entry than avalanches.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// One coordinate of all electrons of all avalanches.
    pub fn column(&self, coordinate: Coordinate) -> &[f32] {
        [&self.x, &self.z, &self.t][coordinate as usize]
    }

    /// Counts the electrons of every avalanche in the cells of `grid`.
    pub fn to_counts(&self, grid: &Grid) -> CountSet {
        let mut set = CountSet::new(grid.clone());
        set.meta = self.meta.clone();
        // Blocks are counted in parallel, so that the cells of all avalanches are never in memory at once.
        for first in (0..self.len()).step_by(1024) {
            let block: Vec<Vec<u32>> = (first..(first + 1024).min(self.len()))
                .into_par_iter()
                .map(|index| {
                    let mut cells = Vec::new();
                    self.get(index).cells(grid, &mut cells);
                    cells
                })
                .collect();
            for cells in block {
                set.push_cells(&cells);
            }
        }
        set
    }
}

/// Many avalanches as sparse counts on one grid: 8 bytes an occupied cell.
#[derive(Debug, Clone, PartialEq)]
pub struct CountSet {
    grid: Grid,
    offsets: Vec<u64>,
    cells: Vec<u32>,
    counts: Vec<u32>,
    /// Units and provenance.
    pub meta: Meta,
}

impl CountSet {
    /// An empty set on `grid`.
    pub fn new(grid: Grid) -> Self {
        Self { grid, offsets: vec![0], cells: Vec::new(), counts: Vec::new(), meta: Meta::default() }
    }

    /// Puts together arrays as they stand in an npz file: avalanche k has the cells
    /// `cells[offsets[k]..offsets[k + 1]]`, increasing, with `counts` of at least 1. Returns what is wrong
    /// with them, if anything.
    pub fn from_arrays(
        grid: Grid,
        offsets: &[u64],
        cells: &[u64],
        counts: &[u64],
        meta: Meta,
    ) -> Result<Self, String> {
        if cells.len() != counts.len() {
            return Err(format!("{} cells and {} counts; there must be as many", cells.len(), counts.len()));
        }
        if offsets.first() != Some(&0) || offsets.last() != Some(&(cells.len() as u64)) {
            return Err(format!(
                "offsets must begin with 0 and end with the number of cells, {}",
                cells.len()
            ));
        }
        let all = grid.cells() as u64;
        let mut set = Self { meta, ..Self::new(grid) };
        for (k, pair) in offsets.windows(2).enumerate() {
            let range = pair[0] as usize..pair[1] as usize;
            let (Some(cells), Some(counts)) = (cells.get(range.clone()), counts.get(range)) else {
                return Err(format!("offsets run from {} to {} at avalanche {k}", pair[0], pair[1]));
            };
            let in_order = cells.windows(2).all(|pair| pair[0] < pair[1]);
            let in_range = cells.last().is_none_or(|&cell| cell < all)
                && counts.iter().all(|&n| n > 0 && u32::try_from(n).is_ok());
            if !(in_order && in_range) {
                return Err(format!(
                    "avalanche {k}: cells must increase and lie below {all}, counts must be at least 1"
                ));
            }
            set.push(cells.iter().zip(counts).map(|(&cell, &n)| (cell as u32, n as u32)));
        }
        Ok(set)
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The arrays: offsets, with one more entry than avalanches (avalanche k has the occupied cells from
    /// `offsets[k]` up to `offsets[k + 1]`), and cells and counts of all avalanches.
    pub fn into_arrays(self) -> (Vec<u64>, Vec<u32>, Vec<u32>) {
        (self.offsets, self.cells, self.counts)
    }

    /// Where the cells of each avalanche begin; one more entry than avalanches.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// The occupied cells of all avalanches, one after the other.
    pub fn cells(&self) -> &[u32] {
        &self.cells
    }

    /// Electrons in each of these cells.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The avalanches with these numbers, in this order.
    ///
    /// # Panics
    /// If an index is not below [`CountSet::len`].
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut chosen = Self::new(self.grid.clone());
        chosen.meta = self.meta.clone();
        for counts in indices.iter().map(|&index| self.get(index)) {
            chosen.push(counts.occupied());
        }
        chosen
    }

    /// Adds an avalanche of `(cell, electrons)`; cells increase, electrons are at least 1.
    ///
    /// # Panics
    /// If cells do not increase, lie outside the grid or hold no electron: a mistake in the calling code.
    pub fn push(&mut self, avalanche: impl IntoIterator<Item = (u32, u32)>) {
        let start = self.cells.len();
        for (cell, count) in avalanche {
            let increasing = self.cells.len() == start || self.cells.last().is_some_and(|&last| last < cell);
            assert!(increasing && count > 0 && (cell as usize) < self.grid.cells(), "cells of an avalanche");
            self.cells.push(cell);
            self.counts.push(count);
        }
        self.offsets.push(self.cells.len() as u64);
    }

    /// Adds an avalanche given as the cell of each electron, sorted.
    ///
    /// # Panics
    /// As [`CountSet::push`], if the cells are not sorted.
    pub fn push_cells(&mut self, sorted: &[u32]) {
        self.push(sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)));
    }

    /// Appends all avalanches of `other`, which must be counted on the same grid; units and provenance stay
    /// as they are.
    pub fn append(&mut self, other: &Self) -> Result<(), GridError> {
        if !self.grid.same_cells(&other.grid) {
            return Err(incompatible(&self.grid, &other.grid));
        }
        let base = self.cells.len() as u64;
        self.cells.extend_from_slice(&other.cells);
        self.counts.extend_from_slice(&other.counts);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| base + offset));
        Ok(())
    }

    /// Room for all of `other`, if the system gives it.
    pub(crate) fn try_reserve(&mut self, other: &Self) -> Result<(), TryReserveError> {
        self.offsets.try_reserve(other.len())?;
        self.cells.try_reserve(other.cells.len())?;
        self.counts.try_reserve(other.cells.len())
    }

    /// Room for so many more, and no more than that.
    pub(crate) fn reserve_exact(&mut self, avalanches: usize, cells: usize) {
        self.offsets.reserve_exact(avalanches);
        self.cells.reserve_exact(cells);
        self.counts.reserve_exact(cells);
    }

    /// Number of avalanches, empty ones included.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True if there is no avalanche.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Avalanche `index`.
    pub fn get(&self, index: usize) -> Counts<'_> {
        let range = self.offsets[index] as usize..self.offsets[index + 1] as usize;
        Counts { cells: &self.cells[range.clone()], counts: &self.counts[range] }
    }

    /// Every avalanche in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Counts<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The same avalanches on the first `dims` axes, summed over the others, flow bins included.
    pub fn project(&self, dims: usize) -> Result<Self, GridError> {
        let grid = self.grid.first(dims)?;
        let cells = grid.cells() as u32;
        let mut set = Self::new(grid);
        set.meta = self.meta.clone();
        let mut projected = Vec::new();
        for avalanche in self.iter() {
            // The first axes are the fastest, so a cell's number on them is the remainder.
            projected.clear();
            projected.extend(avalanche.occupied().map(|(cell, n)| (cell % cells, u64::from(n))));
            projected.sort_unstable_by_key(|&(cell, _)| cell);
            projected.dedup_by(|next, sum| {
                let same = next.0 == sum.0;
                sum.1 += if same { next.1 } else { 0 };
                same
            });
            if projected.iter().any(|&(_, n)| n > u64::from(u32::MAX)) {
                return Err(GridError::TooManyElectrons);
            }
            set.push(projected.iter().map(|&(cell, n)| (cell, n as u32)));
        }
        Ok(set)
    }
}

pub(crate) fn incompatible(have: &Grid, wanted: &Grid) -> GridError {
    GridError::Incompatible { have: have.to_string(), wanted: wanted.to_string() }
}
