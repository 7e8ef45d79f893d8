//! Principal components of the square roots of sparse counts, by subspace iteration (Halko, Martinsson and
//! Tropp, arXiv:0909.4061).

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;
use townsend_core::{Purpose, stream};

use super::Image;
use crate::FeatureRows;
use townsend_observables::random::uniform;

const COMPONENTS: usize = 32;
const ITERATIONS: usize = 4;
/// Rows that are summed together; a fixed number, so that the order of sums does not depend on the threads.
const BLOCK: usize = 256;

const START: Purpose = Purpose::new("principal components");

/// The principal components of every avalanche, in the order of decreasing variance.
pub(super) fn components(avalanches: &[Image], cells: usize, seed: u64) -> FeatureRows {
    let wanted = COMPONENTS.min(cells).min(avalanches.len());
    let roots: Vec<Vec<(usize, f64)>> = avalanches
        .iter()
        .map(|image| {
            image.occupied.iter().map(|&(cell, n)| (usize::from(cell), f64::from(n).sqrt())).collect()
        })
        .collect();
    let mut mean = vec![0.0; cells];
    for &(cell, root) in roots.iter().flatten() {
        mean[cell] += root / roots.len() as f64;
    }
    let mut random = stream(seed, START, 0);
    // Column-major storage keeps the entries of one cell together.
    let mut basis = DMatrix::from_fn(wanted, cells, |_, _| 2.0 * uniform(&mut random) - 1.0);
    for _ in 0..ITERATIONS {
        basis = back(&roots, &mean, &forth(&roots, &mean, &basis), cells);
        basis = basis.transpose().qr().q().transpose();
    }
    let projected = forth(&roots, &mean, &basis);
    let eigen = SymmetricEigen::new(&projected * projected.transpose());
    let mut order: Vec<usize> = (0..wanted).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let turned = eigen.eigenvectors.transpose() * projected;
    (0..roots.len()).map(|row| order.iter().map(|&c| turned[(c, row)]).collect()).collect()
}

/// Basis times (rows less their mean): one column for each avalanche.
fn forth(roots: &[Vec<(usize, f64)>], mean: &[f64], basis: &DMatrix<f64>) -> DMatrix<f64> {
    let k = basis.nrows();
    let add = |sum: &mut [f64], cell: usize, value: f64| {
        for (sum, b) in sum.iter_mut().zip(basis.column(cell).iter()) {
            *sum += b * value;
        }
    };
    let mut of_mean = vec![0.0; k];
    mean.iter().enumerate().for_each(|(cell, &m)| add(&mut of_mean, cell, m));
    let columns: Vec<Vec<f64>> = roots
        .par_iter()
        .map(|row| {
            let mut sum: Vec<f64> = of_mean.iter().map(|m| -m).collect();
            for &(cell, root) in row {
                add(&mut sum, cell, root);
            }
            sum
        })
        .collect();
    DMatrix::from_fn(k, roots.len(), |r, c| columns[c][r])
}

/// Projections times (rows less their mean): one column for each cell.
fn back(roots: &[Vec<(usize, f64)>], mean: &[f64], projected: &DMatrix<f64>, cells: usize) -> DMatrix<f64> {
    let k = projected.nrows();
    let blocks: Vec<DMatrix<f64>> = roots
        .par_chunks(BLOCK)
        .enumerate()
        .map(|(block, rows)| {
            let mut sum = DMatrix::zeros(k, cells);
            for (place, row) in rows.iter().enumerate() {
                let of_row = projected.column(block * BLOCK + place);
                for &(cell, root) in row {
                    sum.column_mut(cell).axpy(root, &of_row, 1.0);
                }
            }
            sum
        })
        .collect();
    let mut sum = blocks.into_iter().fold(DMatrix::zeros(k, cells), |sum, block| sum + block);
    let total = projected.column_sum();
    mean.iter().enumerate().for_each(|(cell, &m)| sum.column_mut(cell).axpy(-m, &total, 1.0));
    sum
}
