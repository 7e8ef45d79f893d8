//! Correlations between observables, and the differences between those of two sets.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::Purpose;

use super::{Draws, floor_of};
use crate::FeatureRows;
use townsend_observables::random::below;

const HALVINGS: u32 = 10;
const RESAMPLES: u64 = 100;
const FLOOR: Purpose = Purpose::new("correlation halves");
const BOOTSTRAP: Purpose = Purpose::new("correlation bootstrap");

/// Correlation coefficients of all pairs of observables in both sets, and their differences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlations {
    /// Names of the rows and columns of the matrices.
    pub observables: Vec<String>,
    /// Pearson's coefficients of the real set, row by row; 0 for a column without spread.
    pub real: Vec<Vec<f64>>,
    /// Pearson's coefficients of the generated set.
    pub generated: Vec<Vec<f64>>,
    /// Root mean square of the differences, over pairs of different observables.
    pub rms_difference: MatrixDistance,
    /// Largest absolute difference.
    pub largest_difference: MatrixDistance,
    /// The pair with the largest difference.
    pub largest_pair: [String; 2],
}

/// A distance of two matrices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixDistance {
    /// The distance.
    pub value: f64,
    /// The same distance between halves of the real set, scaled to the numbers of avalanches compared.
    pub floor: f64,
    /// Its standard deviation when both sets are resampled.
    pub error: f64,
}

/// Pearson's correlation coefficients of the columns, row by row; 0 for a column without spread.
pub fn correlation_matrix(rows: &FeatureRows) -> Vec<Vec<f64>> {
    matrix(&rows.iter().collect::<Vec<_>>())
}

fn matrix(rows: &[&Vec<f64>]) -> Vec<Vec<f64>> {
    let columns = rows.first().map_or(0, |row| row.len());
    let n = rows.len() as f64;
    let means: Vec<f64> = (0..columns).map(|c| rows.iter().map(|row| row[c]).sum::<f64>() / n).collect();
    let mut products = vec![vec![0.0; columns]; columns];
    let mut deviations = vec![0.0; columns];
    for row in rows {
        for (deviation, (value, mean)) in deviations.iter_mut().zip(row.iter().zip(&means)) {
            *deviation = value - mean;
        }
        for (a, line) in products.iter_mut().enumerate() {
            for (b, product) in line.iter_mut().enumerate().take(a + 1) {
                *product += deviations[a] * deviations[b];
            }
        }
    }
    let coefficient = |a: usize, b: usize| {
        let norm = (products[a][a] * products[b][b]).sqrt();
        if a == b {
            1.0
        } else if norm > 0.0 {
            products[a.max(b)][a.min(b)] / norm
        } else {
            0.0
        }
    };
    (0..columns).map(|a| (0..columns).map(|b| coefficient(a, b)).collect()).collect()
}

/// Root mean square and largest absolute difference of two matrices off the diagonal, and the place of the
/// largest.
fn difference(a: &[Vec<f64>], b: &[Vec<f64>]) -> ([f64; 2], [usize; 2]) {
    let (mut squares, mut pairs, mut largest, mut place) = (0.0, 0.0, 0.0, [0, 0]);
    for i in 1..a.len() {
        for j in 0..i {
            let difference = (a[i][j] - b[i][j]).abs();
            squares += difference * difference;
            pairs += 1.0;
            if difference > largest {
                (largest, place) = (difference, [j, i]);
            }
        }
    }
    let rms = if pairs > 0.0 { f64::sqrt(squares / pairs) } else { 0.0 };
    ([rms, largest], place)
}

/// Both matrices and their distances; none with fewer than two columns.
pub(super) fn correlations(
    names: &[String],
    real: &FeatureRows,
    generated: &FeatureRows,
    seed: u64,
) -> Option<Correlations> {
    if names.len() < 2 {
        return None;
    }
    let (a, b) = (correlation_matrix(real), correlation_matrix(generated));
    let (values, place) = difference(&a, &b);
    let halves = floor_of(HALVINGS, real, Draws::new(seed, FLOOR), |first, second, _| {
        difference(&correlation_matrix(first), &correlation_matrix(second)).0
    });
    let draws = Draws::new(seed, BOOTSTRAP);
    let boot: Vec<[f64; 2]> = (0..RESAMPLES)
        .into_par_iter()
        .map(|k| {
            let mut random = draws.stream(k);
            let mut resample = |rows: &'_ FeatureRows| -> Vec<Vec<f64>> {
                let n = rows.len() as u64;
                matrix(&(0..n).map(|_| &rows[below(n, &mut random) as usize]).collect::<Vec<_>>())
            };
            let (a, b) = (resample(real), resample(generated));
            difference(&a, &b).0
        })
        .collect();
    // Differences of coefficients are proportional to √(1/n + 1/m), which is √(4/n) for two halves.
    let (n, m) = (real.len() as f64, generated.len() as f64);
    let scale = ((1.0 / n + 1.0 / m) / (4.0 / n)).sqrt();
    let distance = |k: usize| {
        let mean = boot.iter().map(|b| b[k]).sum::<f64>() / boot.len() as f64;
        let variance = boot.iter().map(|b| (b[k] - mean).powi(2)).sum::<f64>() / (boot.len() - 1) as f64;
        MatrixDistance { value: values[k], floor: halves[k] * scale, error: variance.sqrt() }
    };
    Some(Correlations {
        observables: names.to_vec(),
        rms_difference: distance(0),
        largest_difference: distance(1),
        largest_pair: place.map(|k| names[k].clone()),
        real: a,
        generated: b,
    })
}
