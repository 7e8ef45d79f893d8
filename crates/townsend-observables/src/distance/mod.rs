//! Distances between two samples of one number, each with its floor (the distance that two samples of one
//! distribution have by chance) and its interval (by resampling).

mod resample;
mod sample;
mod significance;

pub use resample::{Distance, Distances, Resampling, resampling_interval};
pub use sample::{Binning, Sample};
pub use significance::kolmogorov_smirnov_p_value;

/// Wasserstein-1 distance, in the unit of the values: the area between the two empirical distribution
/// functions. It is exact for samples of any size.
///
/// ```
/// use townsend_observables::wasserstein;
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

#[cfg(test)]
mod tests;
