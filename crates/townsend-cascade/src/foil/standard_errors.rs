//! Standard errors of parameters found by maximum likelihood.

use nalgebra::DMatrix;

/// Decrease of the log-likelihood over the step of a finite difference. Chosen, not fitted: it is large
/// compared with rounding, and small enough for the log-likelihood to be close to a parabola.
const DECREASE: f64 = 0.05;

/// Standard errors of parameters at the maximum of their log-likelihood, from the inverse of its curvature,
/// which finite differences give. None if the likelihood does not depend on a parameter, or if `best` is no
/// maximum.
pub(super) fn standard_errors(log_likelihood: impl Fn(&[f64]) -> f64, best: &[f64]) -> Option<Vec<f64>> {
    let top = log_likelihood(best);
    let at = |moves: &[(usize, f64)]| {
        let mut point = best.to_vec();
        for &(k, step) in moves {
            point[k] += step;
        }
        log_likelihood(&point)
    };
    let decrease = |k: usize, step: f64| top - 0.5 * (at(&[(k, step)]) + at(&[(k, -step)]));
    let steps: Option<Vec<f64>> = (0..best.len()).map(|k| step(|step| decrease(k, step))).collect();
    let steps = steps?;
    let curvature = DMatrix::from_fn(best.len(), best.len(), |i, j| {
        let (a, b) = (steps[i], steps[j]);
        if i == j {
            return 2.0 * decrease(i, a) / (a * a);
        }
        let same = at(&[(i, a), (j, b)]) + at(&[(i, -a), (j, -b)]);
        let opposite = at(&[(i, a), (j, -b)]) + at(&[(i, -a), (j, b)]);
        (opposite - same) / (4.0 * a * b)
    });
    let inverse = curvature.cholesky()?.inverse();
    let errors: Vec<f64> = inverse.diagonal().iter().map(|variance| variance.sqrt()).collect();
    errors.iter().all(|error| error.is_finite()).then_some(errors)
}

/// A step that lowers the log-likelihood by about [`DECREASE`].
fn step(decrease: impl Fn(f64) -> f64) -> Option<f64> {
    let mut step = 1e-3;
    for _ in 0..60 {
        let found = decrease(step);
        if found > 4.0 * DECREASE || found.is_nan() {
            step *= 0.5;
        } else if found < DECREASE / 4.0 {
            step *= 2.0;
        } else {
            return Some(step);
        }
    }
    None
}
