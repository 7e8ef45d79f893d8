//! Distances between two samples of one number, with the floor that statistics alone give and the interval that
//! resampling gives.

mod resample;
mod sample;

pub(crate) use resample::half;
pub use resample::{Distance, Distances, Resampling};
pub use sample::{Binning, Sample};

/// Wasserstein-1 distance: the area between the two empirical distribution functions. Exact, whatever the sizes.
///
/// ```
/// use townsend_check::wasserstein;
/// assert_eq!(wasserstein(&[0.0, 1.0, 3.0], &[5.0, 6.0, 8.0]), 5.0);
/// ```
pub fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    let binning = Binning::of(a, b);
    Sample::new(a, &binning).against(&Sample::new(b, &binning)).wasserstein
}

/// Kolmogorov-Smirnov distance: the largest difference of the two empirical distribution functions.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    let binning = Binning::of(a, b);
    Sample::new(a, &binning).against(&Sample::new(b, &binning)).kolmogorov_smirnov
}

/// Separation power of two samples in the bins of [`Binning::of`]: `½ Σ (a − b)² / (a + b)` of the histograms
/// normalised to 1, flow bins included. 0 for equal histograms, 1 for disjoint ones.
pub fn separation_power(a: &[f64], b: &[f64]) -> f64 {
    let binning = Binning::of(a, b);
    Sample::new(a, &binning).against(&Sample::new(b, &binning)).separation_power
}

/// Probability that two samples of `n` and `m` values of one continuous distribution are as far apart as `distance`
/// or farther: the asymptotic `2 Σ (−1)^(k−1) exp(−2k²λ²)` with Stephens' `λ = (√e + 0.12 + 0.11/√e) D`,
/// `e = nm/(n + m)` (Stephens 1970). For whole numbers such as `n_cells` it is too large, on the safe side.
pub fn kolmogorov_smirnov_p_value(distance: f64, n: usize, m: usize) -> f64 {
    let effective = (n as f64 * m as f64 / (n + m) as f64).sqrt();
    let lambda = (effective + 0.12 + 0.11 / effective) * distance;
    if lambda < 0.2 {
        // The alternating series converges slowly here; its value is 1 to 12 digits.
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
