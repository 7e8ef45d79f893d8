//! Observables: the numbers that describe an avalanche.

mod frame;
mod moments;
mod observable;
mod points;
mod scales;

use rayon::prelude::*;
use townsend_core::{CountSet, Dataset, ElectronSet, Grid, GridError, Progress, Purpose, Stream, stream};

use crate::statistics::{mean, standard_deviation};
use frame::{Frame, LUMP_MM, lump_at};
pub use observable::Observable;
use points::Points;
pub use scales::lumpiness_by_scale;

/// Avalanches between two reports of progress.
const BLOCK: usize = 256;

/// Options for the computation of observables.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservableOptions {
    /// Seed of the random pairs of [`Observable::PairDistance`].
    pub seed: u64,
    /// The grid on which electrons are counted for [`Observable::Cells`] and [`Observable::MaxCell`]; none
    /// for the standard grid of three axes. Counts come with their own grid.
    pub grid: Option<Grid>,
    /// Number of the first avalanche, where the set is a part of another.
    pub first: u64,
}

impl Default for ObservableOptions {
    fn default() -> Self {
        Self { seed: 1, grid: None, first: 0 }
    }
}

/// The values of one observable, for all avalanches of a set for which it is defined.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// The observable.
    pub observable: Observable,
    /// Its unit; empty for pure numbers.
    pub unit: String,
    /// Its values; never NaN.
    pub values: Vec<f64>,
    /// The number of the avalanche that each value belongs to, in ascending order.
    pub avalanches: Vec<u32>,
    /// Number of avalanches with electrons for which it is not defined, because of too few electrons or a
    /// spread too small for the bins.
    pub left_out: usize,
}

impl Column {
    /// The value of each avalanche of a set of so many; NaN where it is not defined.
    ///
    /// # Panics
    /// If the set has fewer avalanches than the one that the column is of.
    pub fn by_avalanche(&self, avalanches: usize) -> Vec<f64> {
        let mut values = vec![f64::NAN; avalanches];
        for (&avalanche, &value) in self.avalanches.iter().zip(&self.values) {
            values[avalanche as usize] = value;
        }
        values
    }

    /// Mean of the values.
    pub fn mean(&self) -> f64 {
        mean(&self.values)
    }

    /// Standard deviation of the values (with n in the denominator, as in NumPy).
    pub fn std(&self) -> f64 {
        standard_deviation(&self.values)
    }
}

/// The observables of a set of avalanches.
#[derive(Debug, Clone, PartialEq)]
pub struct Observables {
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// Number of avalanches without an electron.
    pub empty: usize,
    /// Electrons in all avalanches.
    pub electrons: u64,
    /// Electrons outside the grid, in flow bins.
    pub outside: u64,
    /// The grid on which cells are counted.
    pub grid: Grid,
    columns: Vec<Column>,
    /// Observables that the data do not allow, and why.
    pub absent: Vec<(Observable, String)>,
}

/// The observables of one avalanche, NaN where undefined, and its electrons outside the grid.
struct AvalancheRow {
    values: [f64; Observable::ALL.len()],
    electrons: u64,
    outside: u64,
}

impl Observables {
    const PAIRS: Purpose = Purpose::new("pair distance");

    /// Computes all observables that the data allow, in parallel; the result does not depend on the number of
    /// threads.
    ///
    /// From electrons they are exact. From counts they are those of electrons at the centres of their bins
    /// (for flow bins at the end of the axis), with Sheppard's corrections for equidistant bins; for pair
    /// distances the electrons are distributed uniformly over their bins. Both agree within the resolution of
    /// the bins.
    ///
    /// # Errors
    /// If the standard grid cannot be made; never in practice.
    pub fn of(
        data: &Dataset,
        options: &ObservableOptions,
        progress: &dyn Progress,
    ) -> Result<Self, GridError> {
        let millimetres = data.meta().units[..2].iter().all(|unit| unit == "mm");
        let grid = match data.grid().or(options.grid.as_ref()) {
            Some(grid) => grid.clone(),
            None => Grid::standard(3)?,
        };
        let dimensions = data.grid().map_or(3, Grid::dims);
        let frame = Frame::new(grid, millimetres);
        let random = |index: usize| stream(options.seed, Self::PAIRS, options.first + index as u64);
        let row = |index: usize| match data {
            Dataset::Electrons(set) => row_of_electrons(set, index, &frame, millimetres, &mut random(index)),
            Dataset::Counts(set) => row_of_counts(set, index, &frame, &mut random(index)),
        };
        let task = progress.task("observables", data.len() as u64);
        let mut rows = Vec::with_capacity(data.len());
        for first in (0..data.len()).step_by(BLOCK) {
            let last = (first + BLOCK).min(data.len());
            rows.par_extend((first..last).into_par_iter().map(row));
            task.advance((last - first) as u64);
        }
        let has_lumps = millimetres && (data.grid().is_none() || frame.has_lumps());
        let mut absent = Vec::new();
        let mut columns = Vec::new();
        for observable in Observable::ALL {
            match reason_against(observable, dimensions, has_lumps) {
                Some(reason) => absent.push((observable, reason)),
                None => columns.push(column(observable, &rows, &data.meta().units)),
            }
        }
        Ok(Self {
            avalanches: rows.len(),
            empty: rows.iter().filter(|row| row.electrons == 0).count(),
            electrons: rows.iter().map(|row| row.electrons).sum(),
            outside: rows.iter().map(|row| row.outside).sum(),
            grid: frame.grid().clone(),
            columns,
            absent,
        })
    }

    /// Adds those of the avalanches that follow in the same set, computed with
    /// [`first`](ObservableOptions::first) at their place: together they are those of both in one call.
    pub fn append(&mut self, next: Self) {
        let first = self.avalanches as u32;
        for (column, next) in self.columns.iter_mut().zip(next.columns) {
            column.values.extend(next.values);
            column.avalanches.extend(next.avalanches.iter().map(|avalanche| first + avalanche));
            column.left_out += next.left_out;
        }
        self.avalanches += next.avalanches;
        self.empty += next.empty;
        self.electrons += next.electrons;
        self.outside += next.outside;
    }

    /// All columns, in the order of [`Observable::ALL`].
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of an observable, if the data allow it.
    pub fn column(&self, observable: Observable) -> Option<&Column> {
        self.columns.iter().find(|column| column.observable == observable)
    }

    /// Fraction of the electrons that lie outside the grid.
    pub fn fraction_outside(&self) -> f64 {
        if self.electrons == 0 { 0.0 } else { self.outside as f64 / self.electrons as f64 }
    }

    /// One row for each avalanche for which all of `wanted` are defined, with their values in the order of
    /// `wanted`; none if a column is missing.
    pub fn rows(&self, wanted: &[Observable]) -> Option<Vec<Vec<f64>>> {
        let columns: Option<Vec<&Column>> =
            wanted.iter().map(|&observable| self.column(observable)).collect();
        let columns = columns?;
        let mut rows = vec![Vec::with_capacity(wanted.len()); self.avalanches];
        for column in &columns {
            for (&avalanche, &value) in column.avalanches.iter().zip(&column.values) {
                rows[avalanche as usize].push(value);
            }
        }
        rows.retain(|row| row.len() == columns.len());
        Some(rows)
    }
}

fn reason_against(observable: Observable, dimensions: usize, has_lumps: bool) -> Option<String> {
    if observable.least_dimensions() > dimensions {
        let axes = ["x", "x and z", "x, z and t"][observable.least_dimensions() - 1];
        return Some(format!("needs {axes}; the counts have {dimensions} of the axes x, z, t"));
    }
    (observable == Observable::Lumpiness && !has_lumps).then(|| {
        "needs x and z in mm, and from counts bins that group exactly into cells of 0.1 mm".to_string()
    })
}

fn column(observable: Observable, rows: &[AvalancheRow], units: &[String; 3]) -> Column {
    let place = observable.index();
    let defined = rows.iter().enumerate().filter(|(_, row)| !row.values[place].is_nan());
    let (avalanches, values): (Vec<u32>, Vec<f64>) =
        defined.map(|(index, row)| (index as u32, row.values[place])).unzip();
    let filled = rows.iter().filter(|row| row.electrons > 0).count();
    // Empty avalanches have a value of `empty` only.
    let left_out = filled.saturating_sub(values.len());
    Column { observable, unit: observable.unit(units), values, avalanches, left_out }
}

fn row_of_electrons(
    set: &ElectronSet,
    index: usize,
    frame: &Frame,
    lumps: bool,
    random: &mut Stream,
) -> AvalancheRow {
    let avalanche = set.get(index);
    let position = |i: usize| [avalanche.x[i], avalanche.z[i], avalanche.t[i]].map(f64::from);
    let mut cells: Vec<u32> = (0..avalanche.len()).map(|i| frame.grid().cell(position(i))).collect();
    cells.sort_unstable();
    let counts: Vec<u32> = cells.chunk_by(|a, b| a == b).map(|run| run.len() as u32).collect();
    let outside = cells.iter().filter(|&&cell| frame.grid().is_flow(cell)).count() as u64;
    let lumpiness = lumps.then(|| {
        let mut lumps: Vec<u64> = avalanche
            .x
            .iter()
            .zip(avalanche.z)
            .map(|(&x, &z)| packed([x, z].map(|v| lump_at(f64::from(v), LUMP_MM))))
            .collect();
        lumps.sort_unstable();
        same_cell(lumps.chunk_by(|a, b| a == b).map(|run| run.len() as u64))
    });
    let points = Points::of_electrons(avalanche);
    row(&points, [0.0; 3], &counts, outside, lumpiness, random)
}

fn row_of_counts(set: &CountSet, index: usize, frame: &Frame, random: &mut Stream) -> AvalancheRow {
    let counts = set.get(index);
    let flow = counts.occupied().filter(|&(cell, _)| frame.grid().is_flow(cell));
    let outside = flow.map(|(_, n)| u64::from(n)).sum();
    let lumpiness = frame.has_lumps().then(|| {
        let mut lumps: Vec<((i32, i32), u32)> =
            counts.occupied().filter_map(|(cell, n)| Some((frame.lump(cell)?, n))).collect();
        lumps.sort_unstable();
        same_cell(lumps.chunk_by(|a, b| a.0 == b.0).map(|run| run.iter().map(|(_, n)| u64::from(*n)).sum()))
    });
    let points = Points::of_counts(counts, frame);
    row(&points, frame.bin_widths(), counts.counts, outside, lumpiness, random)
}

/// The two numbers of a cell in one, which sorts faster than a pair.
fn packed([x, z]: [i32; 2]) -> u64 {
    u64::from(x.cast_unsigned()) << 32 | u64::from(z.cast_unsigned())
}

/// Probability that two different electrons share a cell, given the electrons in each.
fn same_cell(cells: impl Iterator<Item = u64>) -> f64 {
    let (pairs, electrons) = cells.fold((0.0, 0.0), |(pairs, electrons), n| {
        let n = n as f64;
        (pairs + n * (n - 1.0), electrons + n)
    });
    pairs / (electrons * (electrons - 1.0))
}

fn row(
    points: &Points,
    bin_widths: [f64; 3],
    cells: &[u32],
    outside: u64,
    lumpiness: Option<f64>,
    random: &mut Stream,
) -> AvalancheRow {
    let electrons = points.electrons();
    let moments = points.moments(bin_widths);
    let mut value = |observable: Observable| match observable {
        Observable::Electrons => Some(electrons as f64),
        Observable::Empty => Some(f64::from(u8::from(electrons == 0))),
        Observable::Mean(c) => Some(moments[c as usize].mean),
        Observable::Rms(c) => Some(moments[c as usize].rms()),
        Observable::Covariance(a, b) => Some(points.covariance(a as usize, b as usize, &moments)),
        Observable::Skewness(c) => moments[c as usize].skewness(),
        Observable::Kurtosis(c) => moments[c as usize].kurtosis(),
        Observable::R90 => Some(points.r90(&moments)),
        Observable::Cells => Some(cells.len() as f64),
        Observable::MaxCell => cells.iter().max().map(|&n| f64::from(n)),
        Observable::PairDistance => Some(points.pair_distance(random)),
        Observable::Lumpiness => lumpiness,
    };
    let values = Observable::ALL.map(|observable| {
        let allowed =
            electrons >= observable.least_electrons() && points.dimensions() >= observable.least_dimensions();
        allowed.then(|| value(observable)).flatten().unwrap_or(f64::NAN)
    });
    AvalancheRow { values, electrons, outside }
}

#[cfg(test)]
mod tests {
    use townsend_core::{ElectronSet, Silent};

    use super::*;

    #[test]
    fn parts_are_the_whole() {
        let mut set = ElectronSet::default();
        for n in 0..40u16 {
            let x: Vec<f32> = (0..n % 7).map(|i| f32::from(i * n % 11) * 0.03).collect();
            let t: Vec<f32> = x.iter().map(|x| 40.0 + x).collect();
            set.push(&x, &x, &t);
        }
        let set = Dataset::from(set);
        let of = |numbers: std::ops::Range<usize>| {
            let options = ObservableOptions { first: numbers.start as u64, ..ObservableOptions::default() };
            Observables::of(&set.select(&numbers.collect::<Vec<_>>()), &options, &Silent).unwrap()
        };
        let mut parts = of(0..9);
        parts.append(of(9..31));
        parts.append(of(31..40));
        assert_eq!(parts, of(0..40));
        assert!(parts.columns().iter().any(|column| column.left_out > 0));
    }
}
