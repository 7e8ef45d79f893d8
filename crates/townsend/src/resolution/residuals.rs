//! Widths of distributions of residuals, with their errors.

use serde::Serialize;
use townsend_observables::Measured;
use townsend_observables::statistics::{mean, standard_deviation};

/// Reconstructed less true places.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Residuals {
    /// Mean of the core, µm.
    pub mean_um: Measured,
    /// Standard deviation of the core, µm: of a normal distribution that is as wide within two standard
    /// deviations of its mean.
    pub core_um: Measured,
    /// Root mean square about the mean of all, µm.
    pub rms_um: Measured,
}

/// Parts of a sample whose results differ by chance: what they say of the error of the whole has an error of
/// a fifth itself. Chosen, not fitted.
const PARTS: usize = 16;
/// The core is within so many standard deviations.
const CORE: f64 = 2.0;
/// Variance of the standard normal distribution within [`CORE`]: 1 − 2·2φ(2)/(2Φ(2) − 1).
const VARIANCE_WITHIN: f64 = 0.773_741_3;

impl Residuals {
    /// Of at least 64 values; none of fewer.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 4 * PARTS {
            return None;
        }
        Some(Self {
            mean_um: measured(values, |values| core(values)[0]),
            core_um: measured(values, |values| core(values)[1]),
            rms_um: measured(values, |values| moments(values)[1]),
        })
    }
}

/// A number of a sample, and its error: the spread of the same number over [`PARTS`] parts of the sample,
/// each of every so-manieth value, over the root of their number.
pub(super) fn measured(values: &[f64], of: impl Fn(&[f64]) -> f64) -> Measured {
    let part = |k: usize| of(&values.iter().skip(k).step_by(PARTS).copied().collect::<Vec<_>>());
    let parts: Vec<f64> = (0..PARTS).map(part).collect();
    let [_, spread] = moments(&parts);
    // The spread about the mean of the parts has one degree of freedom less.
    Measured { value: of(values), error: spread / ((PARTS - 1) as f64).sqrt() }
}

/// Mean and standard deviation about it; of no value 0, as a detector that sees no track has.
pub(super) fn moments(values: &[f64]) -> [f64; 2] {
    if values.is_empty() { [0.0; 2] } else { [mean(values), standard_deviation(values)] }
}

/// Mean and standard deviation of the core: those of the values within two standard deviations, widened for
/// what is cut off, until that changes no more. It begins with the median and what half of all is within.
pub(super) fn core(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(&median) = sorted.get(sorted.len() / 2) else { return [f64::NAN; 2] };
    // Half of a normal distribution is within 0.6745 standard deviations.
    let [low, high] = [sorted[sorted.len() / 4], sorted[3 * sorted.len() / 4]];
    let mut found = [median, ((high - low) / (2.0 * 0.6745)).max(1e-9)];
    for _ in 0..100 {
        let [mean, sigma] = found;
        let first = sorted.partition_point(|&value| value < mean - CORE * sigma);
        let last = sorted.partition_point(|&value| value <= mean + CORE * sigma);
        let [mean, spread] = moments(&sorted[first..last]);
        let next = [mean, (spread / VARIANCE_WITHIN.sqrt()).max(1e-9)];
        let changed = (next[1] / found[1] - 1.0).abs();
        found = next;
        if changed < 1e-6 {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, fill_normal, stream};

    use super::*;

    /// A normal distribution with a tail: the core is that of the normal distribution, the rms is not, and
    /// the errors are those of repetition.
    #[test]
    fn a_tail_is_not_in_the_core() {
        let sample = |index: u64, tail: bool| -> Vec<f64> {
            let mut normal = vec![0f32; 4000];
            fill_normal(&mut stream(1, Purpose::new("test"), index), &mut normal);
            let wide = |k: usize| if tail && k.is_multiple_of(40) { 8.0 } else { 1.0 };
            normal.iter().enumerate().map(|(k, &v)| 3.0 + 50.0 * wide(k) * f64::from(v)).collect()
        };
        let clean = Residuals::of(&sample(0, false)).unwrap();
        assert!((clean.core_um.value - 50.0).abs() < 4.0 * clean.core_um.error && clean.core_um.error < 1.5);
        assert!((clean.mean_um.value - 3.0).abs() < 4.0 * clean.mean_um.error);
        let tailed = Residuals::of(&sample(1, true)).unwrap();
        assert!((tailed.core_um.value / 50.0 - 1.0).abs() < 0.05 && tailed.rms_um.value > 65.0, "{tailed:?}");
        let again: Vec<f64> =
            (2..42).map(|index| Residuals::of(&sample(index, false)).unwrap().core_um.value).collect();
        let [_, spread] = moments(&again);
        assert!((0.5..2.0).contains(&(spread / clean.core_um.error)), "{spread} {:?}", clean.core_um);
        assert_eq!(Residuals::of(&[1.0; 10]), None);
    }
}
