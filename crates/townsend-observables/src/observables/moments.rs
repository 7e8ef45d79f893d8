//! Moments of weighted values, with Sheppard's corrections where the values are centres of bins.

/// Mean and central moments of one coordinate of one avalanche.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moments {
    pub(super) mean: f64,
    /// Second central moment, corrected for the width of the bins and never negative.
    variance: f64,
    third: f64,
    fourth: f64,
    resolved: bool,
}

impl Moments {
    /// Moments of `values` with `weights` electrons each (one each if there are none). `bin_width` is 0 for
    /// electrons; for bin centres Sheppard's corrections are applied (Kendall and Stuart, The Advanced Theory
    /// of Statistics 1, §3.18): `μ₂ = m₂ − h²/12`, `μ₃ = m₃`, `μ₄ = m₄ − m₂h²/2 + 7h⁴/240`.
    pub(super) fn of(values: &[f64], weights: Option<&[u32]>, bin_width: f64) -> Self {
        let weight = |i: usize| weights.map_or(1.0, |w| f64::from(w[i]));
        let (mut total, mut sum) = (0.0, 0.0);
        for (i, value) in values.iter().enumerate() {
            total += weight(i);
            sum += weight(i) * value;
        }
        let mean = sum / total;
        let (mut m2, mut m3, mut m4) = (0.0, 0.0, 0.0);
        for (i, value) in values.iter().enumerate() {
            let d = value - mean;
            let square = weight(i) * d * d;
            m2 += square;
            m3 += square * d;
            m4 += square * d * d;
        }
        let (m2, m3, m4) = (m2 / total, m3 / total, m4 / total);
        let h2 = bin_width * bin_width;
        // Below h²/6 the correction is more than half of the moment: the shape is that of the bin, not of the
        // avalanche. Without bins the limit is what rounding of the mean leaves for identical values.
        let limit = if bin_width > 0.0 { h2 / 6.0 } else { 1e-24 * (mean * mean).max(f64::MIN_POSITIVE) };
        Self {
            mean,
            variance: (m2 - h2 / 12.0).max(0.0),
            third: m3,
            fourth: m4 - 0.5 * m2 * h2 + 7.0 / 240.0 * h2 * h2,
            resolved: m2 > limit,
        }
    }

    pub(super) fn rms(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Skewness `μ₃/σ³`; none if the values do not differ by more than bins or rounding resolve.
    pub(super) fn skewness(&self) -> Option<f64> {
        self.resolved.then(|| self.third / self.variance.powf(1.5))
    }

    /// Excess kurtosis `μ₄/σ⁴ − 3`; none under the same condition as the skewness.
    pub(super) fn kurtosis(&self) -> Option<f64> {
        self.resolved.then(|| self.fourth / (self.variance * self.variance) - 3.0)
    }
}

/// Covariance of two coordinates about their means. Bins need no correction, because the coordinates are
/// taken as independent within a cell.
pub(super) fn covariance(a: &[f64], mean_a: f64, b: &[f64], mean_b: f64, weights: Option<&[u32]>) -> f64 {
    let weight = |i: usize| weights.map_or(1.0, |w| f64::from(w[i]));
    let (mut total, mut sum) = (0.0, 0.0);
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        total += weight(i);
        sum += weight(i) * (a - mean_a) * (b - mean_b);
    }
    sum / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_a_small_sample_by_hand() {
        // Mean 2, deviations −2, −1, 0, 3: m2 = 14/4, m3 = (−8 − 1 + 27)/4, m4 = (16 + 1 + 81)/4.
        let m = Moments::of(&[0.0, 1.0, 2.0, 5.0], None, 0.0);
        assert!((m.mean - 2.0).abs() < 1e-15 && (m.rms() - 3.5f64.sqrt()).abs() < 1e-15);
        assert!((m.skewness().unwrap() - 4.5 / 3.5f64.powf(1.5)).abs() < 1e-14);
        assert!((m.kurtosis().unwrap() - (24.5 / 12.25 - 3.0)).abs() < 1e-14);
    }

    #[test]
    fn weights_stand_for_repeated_values() {
        let repeated = Moments::of(&[1.0, 1.0, 1.0, 4.0], None, 0.0);
        assert_eq!(Moments::of(&[1.0, 4.0], Some(&[3, 1]), 0.0), repeated);
    }

    #[test]
    fn identical_values_have_no_shape() {
        let m = Moments::of(&[0.1; 7], None, 0.0);
        assert_eq!((m.skewness(), m.kurtosis()), (None, None));
        assert!(m.rms() < 1e-15);
        let one_bin = Moments::of(&[0.5], Some(&[9]), 1.0);
        assert_eq!((one_bin.rms(), one_bin.skewness()), (0.0, None));
    }

    #[test]
    fn values_are_identical_within_what_their_mean_is_rounded_by() {
        for values in [[0.0; 7], [1e11 / 3.0; 7]] {
            let m = Moments::of(&values, None, 0.0);
            assert_eq!((m.skewness(), m.kurtosis()), (None, None), "{values:?}");
        }
    }

    /// Three bins with 1, 2 and 1 electrons: m2 = m4 = 1/2 in widths of a bin of 1.
    #[test]
    fn corrections_by_hand() {
        let of = |h: f64| Moments::of(&[0.0, 1.0, 2.0], Some(&[1, 2, 1]), h);
        let (h2, m): (f64, Moments) = (1.44, of(1.2));
        let (variance, fourth) = (0.5 - h2 / 12.0, 0.5 - 0.25 * h2 + 7.0 / 240.0 * h2 * h2);
        assert!((m.rms() - variance.sqrt()).abs() < 1e-15 && m.skewness() == Some(0.0));
        assert!((m.kurtosis().unwrap() - (fourth / (variance * variance) - 3.0)).abs() < 1e-12);
        // The limit of a sixth of the square of the width is between these two.
        assert!(of(1.7).kurtosis().is_some() && of(1.75).kurtosis().is_none());
    }

    #[test]
    fn a_covariance_by_hand() {
        // Means 2 and 3 with weights 1, 2, 1: (−2)(−1) + 2·0·2 + 2·(−3), over 4.
        let (a, b) = ([0.0, 2.0, 4.0], [2.0, 5.0, 0.0]);
        assert!((covariance(&a, 2.0, &b, 3.0, Some(&[1, 2, 1])) + 1.0).abs() < 1e-15);
        assert!((covariance(&a, 1.0, &b, 1.0, None)).abs() < 1e-15);
    }

    /// The moments of a smooth density, from fine samples and from centres of bins a fifth of its width.
    #[test]
    fn sheppards_corrections_undo_the_bins() {
        let density = |x: f64| (-0.5 * x * x).exp() * (1.0 + 0.3 * x).max(0.0).powi(2);
        let fine: Vec<f64> = (-60_000..60_000).map(|i| (f64::from(i) + 0.5) * 1e-4).collect();
        let weights: Vec<u32> = fine.iter().map(|&x| (1e5 * density(x)) as u32).collect();
        let truth = Moments::of(&fine, Some(&weights), 0.0);
        let h = 0.2;
        let centers: Vec<f64> = fine.iter().map(|x| ((x / h).floor() + 0.5) * h).collect();
        let corrected = Moments::of(&centers, Some(&weights), h);
        let raw = Moments::of(&centers, Some(&weights), 0.0);
        for (name, of) in [
            ("rms", (|m: &Moments| m.rms()) as fn(&Moments) -> f64),
            ("skewness", |m| m.skewness().unwrap()),
            ("kurtosis", |m| m.kurtosis().unwrap()),
        ] {
            let (left, before) = ((of(&corrected) - of(&truth)).abs(), (of(&raw) - of(&truth)).abs());
            assert!(left < 2e-5 && left < 0.1 * before, "{name}: {left:e} left of {before:e}");
        }
    }
}
