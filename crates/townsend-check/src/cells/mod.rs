//! The input of the classifiers on cells: every avalanche counted in 16 cells along each axis about its own
//! centroid. The convolutional network takes these cells, the trees profiles, order statistics and principal
//! components of them.
//!
//! A cell is 0.4 of the median real spread (root mean square along the axis) wide, so that 16 of them reach
//! 3.2 spreads to either side and contain all but a few thousandths of a Gaussian avalanche. Convolutions of
//! stride 2 halve 16 without a remainder, and the numbers of 16³ cells fit into 16 bits.

mod components;

use rayon::prelude::*;
use townsend_core::{Dataset, Progress, Purpose, stream};

use crate::FeatureRows;
use crate::places::Places;
use components::components;
use townsend_observables::random::some_of;

/// The input of the convolutional network, in the words of the report.
pub(crate) const IMAGES: &str =
    "roots of the electrons in cells about the centroid, 16 an axis and 0.4 of the real spread wide";
/// The input of the trees, in the words of the report.
pub(crate) const SUMMARIES: &str = "the same cells: profiles, numbers of cells by their electrons, the fullest cells, \
                                    32 principal components of √n";

/// Cells along each axis.
const SIDE: usize = 16;
/// Width of a cell in units of the median real spread.
const WIDTH: f64 = 0.4;
/// Largest number of avalanches of each set that are used, and of those that the convolutional network uses.
/// Chosen, not fitted, to limit the time.
const MOST: usize = 5_000;
pub(crate) const MOST_IMAGES: usize = 2_500;
/// Avalanches that the median spread is taken from: its standard error is 4% of their standard deviation.
const MEASURED: usize = 1_000;
/// Fewest electrons of an avalanche. Chosen, not fitted: with fewer, the error of the centroid is nearly a
/// cell.
const LEAST_ELECTRONS: u64 = 10;
/// Fewest avalanches of each set. Chosen, not fitted: a fold then has 20.
const LEAST: usize = 100;
/// The numbers of cells with exactly 0, 1, …, 7 electrons are features: most cells of an avalanche of
/// thousands of electrons are among them.
const SMALL: usize = 8;
/// Ranks of the fullest cells whose fractions of the electrons are features, evenly spaced on a logarithmic
/// scale.
const RANKS: [usize; 10] = [0, 1, 3, 7, 15, 31, 63, 127, 255, 511];

const CHOOSE: Purpose = Purpose::new("avalanches for cells");

/// One avalanche counted in cells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Image {
    /// Number of cells along `[t, z, x]`; 1 along axes that the data do not have.
    pub(crate) size: [usize; 3],
    /// Occupied cells (x fastest, in ascending order) and their numbers of electrons.
    pub(crate) occupied: Vec<(u16, f32)>,
}

/// The real and the generated set in the forms that the classifiers on cells take.
pub(crate) struct Cells {
    /// The cells themselves, for at most [`MOST_IMAGES`] avalanches of each set.
    pub(crate) images: [Vec<Image>; 2],
    /// The summaries, one row for each avalanche.
    pub(crate) summaries: [FeatureRows; 2],
}

/// Some avalanches of both sets in cells; none if a set has too few avalanches or the real ones have no
/// spread.
pub(crate) fn cells(
    real: &Dataset,
    generated: &Dataset,
    seed: u64,
    progress: &dyn Progress,
) -> Option<Cells> {
    let dims = real.grid().map_or(3, townsend_core::Grid::dims);
    let chosen = [chosen(real, seed, 0), chosen(generated, seed, 1)];
    if chosen.iter().any(|indices| indices.len() < LEAST) {
        return None;
    }
    let widths = widths(real, &chosen[0])?;
    let task = progress.task("cells", (chosen[0].len() + chosen[1].len()) as u64);
    let of = |data: &Dataset, indices: &[usize]| -> Vec<Image> {
        let image = |&index: &usize| {
            task.advance(1);
            image(&Places::of(data, index), dims, &widths)
        };
        indices.par_iter().map(image).collect()
    };
    let mut all = of(real, &chosen[0]);
    all.extend(of(generated, &chosen[1]));
    let components = components(&all, SIDE.pow(dims as u32), seed);
    let row = |(image, components): (&Image, Vec<f64>)| {
        let mut row = summary(&image.occupied, dims);
        row.extend(components);
        row
    };
    let mut rows: FeatureRows = all.par_iter().zip(components).map(row).collect();
    let split = chosen[0].len();
    let (of_generated, generated) = (rows.split_off(split), all.split_off(split));
    // The avalanches are in random order, so the first ones are a random choice.
    let images = [all, generated].map(|all| all.into_iter().take(MOST_IMAGES).collect());
    Some(Cells { images, summaries: [rows, of_generated] })
}

/// Numbers of avalanches with enough electrons, chosen at random.
fn chosen(data: &Dataset, seed: u64, set: u64) -> Vec<usize> {
    let filled: Vec<usize> = (0..data.len()).filter(|&k| data.electrons(k) >= LEAST_ELECTRONS).collect();
    let order = some_of(filled.len(), MOST, &mut stream(seed, CHOOSE, set));
    order.into_iter().map(|k| filled[k]).collect()
}

/// Widths of the cells along each axis; none if the real avalanches have no spread in x.
fn widths(real: &Dataset, indices: &[usize]) -> Option<[f64; 3]> {
    let spreads: Vec<[f64; 3]> =
        indices.par_iter().take(MEASURED).map(|&index| Places::of(real, index).rms()).collect();
    let median = [0, 1, 2].map(|d| {
        let mut of_axis: Vec<f64> = spreads.iter().map(|spread| spread[d]).collect();
        *of_axis.select_nth_unstable_by(spreads.len() / 2, f64::total_cmp).1
    });
    let positive = median[0] > 0.0;
    positive.then(|| median.map(|spread| if spread > 0.0 { WIDTH * spread } else { 1.0 }))
}

/// Counts an avalanche in cells about its centroid; electrons beyond the last cell count in it.
fn image(places: &Places, dims: usize, widths: &[f64; 3]) -> Image {
    let center = places.centroid();
    let half = (SIDE / 2) as f64;
    let cell = |at: &[f64; 3]| {
        (0..dims).rev().fold(0, |cell, d| {
            let along = ((at[d] - center[d]) / widths[d] + half).floor().clamp(0.0, (SIDE - 1) as f64);
            cell * SIDE as u16 + along as u16
        })
    };
    let mut cells: Vec<(u16, u32)> = places.points.iter().map(|(at, n)| (cell(at), *n)).collect();
    cells.sort_unstable_by_key(|&(cell, _)| cell);
    let electrons = |run: &[(u16, u32)]| run.iter().map(|&(_, n)| f64::from(n)).sum::<f64>() as f32;
    let occupied = cells.chunk_by(|a, b| a.0 == b.0).map(|run| (run[0].0, electrons(run))).collect();
    // Along t, z and x.
    Image { size: [2, 1, 0].map(|axis| if axis < dims { SIDE } else { 1 }), occupied }
}

/// Summaries of the cells: logarithm of the size, profiles along each axis, numbers of cells with few
/// electrons, fractions of the electrons in the fullest cells.
fn summary(cells: &[(u16, f32)], dims: usize) -> Vec<f64> {
    let electrons: f64 = cells.iter().map(|&(_, n)| f64::from(n)).sum();
    let mut row = vec![electrons.ln()];
    for d in 0..dims {
        let mut profile = [0.0; SIDE];
        for &(cell, n) in cells {
            profile[cell as usize / SIDE.pow(d as u32) % SIDE] += f64::from(n) / electrons;
        }
        row.extend(profile);
    }
    let mut few = [0.0; SMALL];
    few[0] = (SIDE.pow(dims as u32) - cells.len()) as f64;
    for &(_, n) in cells.iter().filter(|(_, n)| (*n as usize) < SMALL) {
        few[n as usize] += 1.0;
    }
    row.extend(few);
    let mut fullest: Vec<f32> = cells.iter().map(|&(_, n)| n).collect();
    fullest.sort_unstable_by(|a, b| b.total_cmp(a));
    row.extend(RANKS.map(|rank| fullest.get(rank).map_or(0.0, |&n| f64::from(n) / electrons)));
    row
}

#[cfg(test)]
mod tests;
