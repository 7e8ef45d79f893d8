//! Precision and recall (Kynkäänniemi et al., arXiv:1904.06991), density and coverage (Naeem et al.,
//! arXiv:2002.09797) from nearest neighbours.

use rayon::prelude::*;
use townsend_core::Purpose;

use super::{Draws, floor};
use crate::FeatureRows;
use crate::score::Score;

/// Number k of the neighbour whose distance is the radius of a neighbourhood; Naeem et al. choose 5.
const K: usize = 5;

const FLOOR: Purpose = Purpose::new("neighbours halves");

/// The four metrics of neighbourhoods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbours {
    /// Fraction of the generated rows inside the neighbourhood of at least one real row.
    pub precision: f64,
    /// Fraction of the real rows inside the neighbourhood of at least one generated row.
    pub recall: f64,
    /// Mean number of real neighbourhoods that a generated row lies in, divided by k.
    pub density: f64,
    /// Fraction of the real rows whose neighbourhood contains a generated row.
    pub coverage: f64,
}

/// Precision, recall, density and coverage with k = 5. The neighbourhood of a row reaches to its k-th nearest
/// other row in its own set.
pub fn neighbours(real: &FeatureRows, generated: &FeatureRows) -> Neighbours {
    with_error_of_density(real, generated).0
}

/// The four metrics, and the standard error of the density as a mean over the generated rows.
fn with_error_of_density(real: &FeatureRows, generated: &FeatureRows) -> (Neighbours, f64) {
    let (real_radii, generated_radii) = (radii(real), radii(generated));
    // For each generated row the number of real neighbourhoods that it lies in.
    let around: Vec<usize> = generated
        .par_iter()
        .map(|row| {
            real.iter()
                .zip(&real_radii)
                .filter(|(center, radius)| within(square(row, center), **radius))
                .count()
        })
        .collect();
    let found: Vec<(bool, bool)> = real
        .par_iter()
        .zip(&real_radii)
        .map(|(row, radius)| {
            let squares: Vec<f64> = generated.iter().map(|other| square(row, other)).collect();
            let recalled =
                squares.iter().zip(&generated_radii).any(|(&square, &radius)| within(square, radius));
            (recalled, squares.iter().any(|&square| within(square, *radius)))
        })
        .collect();
    let (n, m) = (real.len() as f64, generated.len() as f64);
    let mean = around.iter().sum::<usize>() as f64 / m;
    let variance = around.iter().map(|&count| (count as f64 - mean).powi(2)).sum::<f64>() / m;
    let found = Neighbours {
        precision: around.iter().filter(|&&count| count > 0).count() as f64 / m,
        recall: found.iter().filter(|found| found.0).count() as f64 / n,
        density: mean / K as f64,
        coverage: found.iter().filter(|found| found.1).count() as f64 / n,
    };
    (found, (variance / m).sqrt() / K as f64)
}

/// Whether a row at this squared distance lies in a neighbourhood of this squared radius. Where a row occurs
/// more than k times the radius is 0, and the neighbourhood contains the rows equal to its centre.
fn within(square: f64, radius: f64) -> bool {
    square < radius || square == 0.0
}

pub(super) fn square(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Squared distance of every row to its k-th nearest other row.
fn radii(rows: &FeatureRows) -> Vec<f64> {
    rows.par_iter()
        .map(|row| {
            // The row itself is at distance 0, so the k-th other one has the index k, counted from 0.
            let mut squares: Vec<f64> = rows.iter().map(|other| square(row, other)).collect();
            let k = K.min(squares.len() - 1);
            *squares.select_nth_unstable_by(k, f64::total_cmp).1
        })
        .collect()
}

/// Precision, recall, density and coverage of standardised observables.
pub(super) fn scores(real: &FeatureRows, generated: &FeatureRows, seed: u64) -> [Score; 4] {
    let (real, generated) = standardised(real, generated);
    let all = |a: &FeatureRows, b: &FeatureRows| {
        let found = neighbours(a, b);
        [found.precision, found.recall, found.density, found.coverage]
    };
    let (found, density_error) = with_error_of_density(&real, &generated);
    let values = [found.precision, found.recall, found.density, found.coverage];
    let floors = floor(&real, Draws::new(seed, FLOOR), |a, b, _| all(a, b));
    let (n, m) = (real.len() as f64, generated.len() as f64);
    // With one avalanche more of either kind (Laplace's rule): that all of few are inside is not certainty.
    let binomial = |share: f64, n: f64| {
        let share = (share * n + 1.0) / (n + 2.0);
        (share * (1.0 - share) / n).sqrt()
    };
    let errors = [binomial(values[0], m), binomial(values[1], n), density_error, binomial(values[3], n)];
    std::array::from_fn(|k| Score {
        value: values[k],
        floor: floors[k],
        error: Some(errors[k]),
        avalanches: [real.len(), generated.len()],
        method: format!(
            "{K} nearest neighbours in observables standardised by the real mean and spread; the floor is between \
             halves of the real set; the error is that of resampling the rows that are counted"
        ),
    })
}

/// Columns less the real mean, divided by the real standard deviation.
pub(super) fn standardised(real: &FeatureRows, generated: &FeatureRows) -> (FeatureRows, FeatureRows) {
    let n = real.len() as f64;
    let columns = real.first().map_or(0, Vec::len);
    let scales: Vec<(f64, f64)> = (0..columns)
        .map(|c| {
            let mean = real.iter().map(|row| row[c]).sum::<f64>() / n;
            let std = (real.iter().map(|row| (row[c] - mean).powi(2)).sum::<f64>() / n).sqrt();
            (mean, if std > 0.0 { std } else { 1.0 })
        })
        .collect();
    let scaled = |rows: &FeatureRows| -> FeatureRows {
        rows.iter()
            .map(|row| row.iter().zip(&scales).map(|(v, (mean, std))| (v - mean) / std).collect())
            .collect()
    };
    (scaled(real), scaled(generated))
}
