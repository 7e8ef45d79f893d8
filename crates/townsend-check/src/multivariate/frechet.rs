//! The Fréchet physics distance (Kansal et al., arXiv:2211.10295), as JetNet computes it.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rayon::prelude::*;
use townsend_core::Purpose;

use super::{Draws, by_largest, floor};
use crate::FeatureRows;
use crate::score::Score;
use townsend_observables::random::below;

/// The settings of JetNet: smallest and largest sample, batches for each sample size, number of sample sizes.
const SMALLEST: usize = 20_000;
const LARGEST: usize = 50_000;
const BATCHES: u64 = 20;
const POINTS: u64 = 10;
/// Bootstrap samples for the error, where JetNet's extrapolation is not possible.
const RESAMPLES: u64 = 20;

const FLOOR: Purpose = Purpose::new("fpd halves");
const BATCH: Purpose = Purpose::new("fpd batch");

/// The Fréchet distance `‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2√(Σ₁Σ₂))` of the Gaussians with the means and covariances
/// of two sets of rows.
pub fn frechet_distance(real: &FeatureRows, generated: &FeatureRows) -> f64 {
    let (mean_a, covariance_a) = gaussian(real.iter());
    let (mean_b, covariance_b) = gaussian(generated.iter());
    between(&mean_a, &covariance_a, &mean_b, &covariance_b)
}

/// Mean and covariance (with n − 1 in the denominator).
fn gaussian<'a>(rows: impl ExactSizeIterator<Item = &'a Vec<f64>> + Clone) -> (DVector<f64>, DMatrix<f64>) {
    let n = rows.len() as f64;
    let columns = rows.clone().next().map_or(0, Vec::len);
    let mut mean = DVector::zeros(columns);
    for row in rows.clone() {
        mean += DVector::from_column_slice(row) / n;
    }
    let mut covariance = DMatrix::zeros(columns, columns);
    for row in rows {
        let deviation = DVector::from_column_slice(row) - &mean;
        covariance.ger(1.0 / (n - 1.0), &deviation, &deviation, 1.0);
    }
    (mean, covariance)
}

/// The Fréchet distance of two Gaussians. `Tr √(Σ₁Σ₂)` is the sum of the square roots of the eigenvalues of
/// `√Σ₁ Σ₂ √Σ₁`, which is symmetric.
fn between(mean_a: &DVector<f64>, a: &DMatrix<f64>, mean_b: &DVector<f64>, b: &DMatrix<f64>) -> f64 {
    let eigen = SymmetricEigen::new(a.clone());
    let roots = DMatrix::from_diagonal(&eigen.eigenvalues.map(|value| value.max(0.0).sqrt()));
    let root = &eigen.eigenvectors * roots * eigen.eigenvectors.transpose();
    let product = &root * b * &root;
    let symmetric = (&product + product.transpose()) * 0.5;
    let trace: f64 =
        SymmetricEigen::new(symmetric).eigenvalues.iter().map(|value| value.max(0.0).sqrt()).sum();
    ((mean_a - mean_b).norm_squared() + a.trace() + b.trace() - 2.0 * trace).max(0.0)
}

/// FPD of two sets: extrapolated to infinite samples as in JetNet if both have 20,000 rows, otherwise the
/// distance of the samples as they are.
pub(super) fn score(real: &FeatureRows, generated: &FeatureRows, seed: u64) -> Score {
    let (real, generated) = by_largest(real, generated);
    let avalanches = [real.len(), generated.len()];
    if real.len().min(generated.len()) >= SMALLEST {
        let (value, error) = extrapolated(&real, &generated, Draws::new(seed, BATCH));
        let draws = Draws::new(seed, FLOOR);
        let [floor] =
            floor(&real, draws, |a, b, k| [extrapolated(a, b, Draws::new(seed ^ (k + 1), BATCH)).0]);
        let method = "features over their largest absolute real value; extrapolated to infinite samples, linearly in \
                      1/N, from 20,000 to 50,000 (JetNet)";
        return Score { value, floor, error: Some(error), avalanches, method: method.to_string() };
    }
    // Between samples of one distribution the distance is proportional to 1/n + 1/m, which is why JetNet
    // extrapolates in 1/N.
    let (n, m, h) = (real.len() as f64, generated.len() as f64, (real.len() / 2) as f64);
    let [halves] = floor(&real, Draws::new(seed, FLOOR), |a, b, _| [frechet_distance(a, b)]);
    let method = "features over their largest absolute real value; of the samples as they are, not extrapolated \
                  (which takes 20,000 avalanches), so to be read against the floor only";
    Score {
        value: frechet_distance(&real, &generated),
        floor: halves * (1.0 / n + 1.0 / m) / (2.0 / h),
        error: Some(bootstrap_error(&real, &generated, Draws::new(seed, BATCH))),
        avalanches,
        method: method.to_string(),
    }
}

/// Distance of `n` rows drawn from each set, with replacement as in JetNet.
fn of_batch(real: &FeatureRows, generated: &FeatureRows, n: [usize; 2], draws: Draws, index: u64) -> f64 {
    let mut random = draws.stream(index);
    let mut draw = |rows: &FeatureRows, n| {
        (0..n).map(|_| below(rows.len() as u64, &mut random) as usize).collect::<Vec<_>>()
    };
    let (a, b) = (draw(real, n[0]), draw(generated, n[1]));
    let (mean_a, covariance_a) = gaussian(a.iter().map(|&row| &real[row]));
    let (mean_b, covariance_b) = gaussian(b.iter().map(|&row| &generated[row]));
    between(&mean_a, &covariance_a, &mean_b, &covariance_b)
}

fn bootstrap_error(real: &FeatureRows, generated: &FeatureRows, draws: Draws) -> f64 {
    let n = [real.len(), generated.len()];
    let values: Vec<f64> =
        (0..RESAMPLES).into_par_iter().map(|k| of_batch(real, generated, n, draws, k)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

fn extrapolated(real: &FeatureRows, generated: &FeatureRows, draws: Draws) -> (f64, f64) {
    let inverse = |point: u64| {
        let (from, to) = (1.0 / SMALLEST as f64, 1.0 / LARGEST as f64);
        from + (to - from) * point as f64 / (POINTS - 1) as f64
    };
    let sizes: Vec<usize> = (0..POINTS).map(|point| (1.0 / inverse(point)) as usize).collect();
    let jobs: Vec<(usize, u64)> = (0..POINTS)
        .flat_map(|point| (0..BATCHES).map(move |batch| (point as usize, point * BATCHES + batch)))
        .collect();
    let values: Vec<f64> = jobs
        .into_par_iter()
        .map(|(point, index)| of_batch(real, generated, [sizes[point]; 2], draws, index))
        .collect();
    let means: Vec<f64> =
        values.chunks(BATCHES as usize).map(|batch| batch.iter().sum::<f64>() / BATCHES as f64).collect();
    let inverses: Vec<f64> = sizes.iter().map(|&n| 1.0 / n as f64).collect();
    intercept(&inverses, &means)
}

/// Intercept of a least-squares line whose intercept and slope may not be negative, and its error from the
/// scatter of the points about the line.
pub(super) fn intercept(x: &[f64], y: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let spread: f64 = x.iter().map(|x| (x - mean_x).powi(2)).sum();
    let square: f64 = x.iter().map(|x| x * x).sum();
    let mut slope = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    let mut at_zero = mean_y - slope * mean_x;
    if slope < 0.0 {
        (slope, at_zero) = (0.0, mean_y);
    } else if at_zero < 0.0 {
        (slope, at_zero) = (x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() / square, 0.0);
    }
    let residuals: f64 = x.iter().zip(y).map(|(x, y)| (y - at_zero - slope * x).powi(2)).sum();
    (at_zero, (residuals / (n - 2.0) * square / (n * spread)).sqrt())
}
