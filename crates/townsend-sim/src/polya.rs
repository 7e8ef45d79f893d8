//! The number of electrons that one electron becomes in a hole.

use rand::{Rng, RngExt};

/// The Polya distribution for whole electrons, which is the negative binomial distribution: a Poisson number
/// whose mean follows the continuous Polya density of the gain G with mean Ḡ, p(G) ∝ (G/Ḡ)^θ exp(−(1 + θ)
/// G/Ḡ) (Byrne, Proc. R. Soc. Edinburgh A 66, 33, 1962; Alkhazov, NIM 89, 155, 1970). Its variance is Ḡ +
/// Ḡ²/(1 + θ).
///
/// If each electron is then kept with probability ε, the number kept is again Polya distributed, with mean εḠ
/// and the same θ: thinning a Poisson number scales its mean. So gain and extraction take one draw.
///
/// A draw inverts the tabulated distribution for a random number of 53 bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Polya {
    mean: f64,
    theta: f64,
    /// P(N ≤ n), for n from 0.
    cumulative: Vec<f64>,
    /// For each of [`Polya::GUIDE`] equal intervals of probability, the n at which the search in `cumulative`
    /// begins (Chen and Asau, Comm. ACM 17, 570, 1974).
    guide: Vec<u32>,
}

impl Polya {
    /// Number of intervals of the guide table. Chosen, not fitted: with more of them the search is shorter
    /// and the table takes more memory. Draws do not depend on it.
    const GUIDE: usize = 1024;
    /// The table ends where the remaining probability is less than this, which is below the resolution of a
    /// draw, 2⁻⁵³.
    const TAIL: f64 = 1e-16;

    /// The largest mean: a table of about 10⁶ entries.
    pub const MAXIMUM_MEAN: f64 = 10_000.0;

    /// A distribution with this mean, between 0 and [`Polya::MAXIMUM_MEAN`], and θ from −0.5 to 100.
    ///
    /// # Panics
    /// If one of them is outside these limits, which the check of a detector's description rules out.
    pub fn new(mean: f64, theta: f64) -> Self {
        assert!((0.0..=Self::MAXIMUM_MEAN).contains(&mean) && (-0.5..=100.0).contains(&theta));
        let k = 1.0 + theta;
        let ratio = mean / (mean + k);
        let mut probability = (-k * (mean / k).ln_1p()).exp();
        let mut sum = probability;
        let mut cumulative = vec![sum];
        for n in 0u32.. {
            // Beyond the mode, the remaining probability is less than a geometric series.
            let factor = (f64::from(n) + k) / f64::from(n + 1) * ratio;
            probability *= factor;
            if factor < 1.0 && probability / (1.0 - factor.max(ratio)) < Self::TAIL {
                break;
            }
            sum += probability;
            cumulative.push(sum);
        }
        // Rounding may leave the sum a few units in the last place from 1.
        for value in &mut cumulative {
            *value /= sum;
        }
        let first = |i| cumulative.partition_point(|&c| c <= i as f64 / Self::GUIDE as f64) as u32;
        let guide = (0..Self::GUIDE).map(first).collect();
        Self { mean, theta, cumulative, guide }
    }

    /// The mean Ḡ.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The parameter θ.
    pub fn theta(&self) -> f64 {
        self.theta
    }

    /// The variance, Ḡ + Ḡ²/(1 + θ).
    pub fn variance(&self) -> f64 {
        self.mean + self.mean.powi(2) / (1.0 + self.theta)
    }

    /// Draws a number of electrons.
    #[inline]
    pub fn sample(&self, random: &mut impl Rng) -> u32 {
        let u: f64 = random.random();
        let mut n = self.guide[(u * Self::GUIDE as f64) as usize];
        while self.cumulative[n as usize] <= u {
            n += 1;
        }
        n
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;

    const N: usize = 400_000;

    fn draws(polya: &Polya) -> Vec<u32> {
        let mut random = stream(2, Purpose::new("test"), 0);
        (0..N).map(|_| polya.sample(&mut random)).collect()
    }

    #[test]
    fn moments_and_zeros_are_those_of_the_formula() {
        for (mean, theta) in [(0.0, 0.5), (0.3, 0.0), (5.0, -0.5), (13.0, 0.56), (13.0, 5.0), (400.0, 0.3)] {
            let polya = Polya::new(mean, theta);
            let draws = draws(&polya);
            let n = N as f64;
            let average = draws.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let centred = |k| draws.iter().map(|&v| (f64::from(v) - mean).powi(k)).sum::<f64>() / n;
            let variance = mean + mean * mean / (1.0 + theta);
            assert!((polya.variance() - variance).abs() < 1e-9);
            assert!((average - mean).abs() <= 4.5 * (variance / n).sqrt(), "{mean} {theta}: mean {average}");
            let error = ((centred(4) - centred(2).powi(2)) / n).sqrt();
            assert!((centred(2) - variance).abs() <= 5.0 * error, "{mean} {theta}: variance {}", centred(2));
            let k = 1.0 + theta;
            let zero = (1.0 + mean / k).powf(-k);
            let zeros = draws.iter().filter(|&&v| v == 0).count() as f64 / n;
            assert!((zeros - zero).abs() <= 4.5 * (zero / n).sqrt(), "{mean} {theta}: zeros {zeros} {zero}");
        }
    }

    /// θ = 0 is the geometric distribution.
    #[test]
    fn without_theta_it_is_furry() {
        let polya = Polya::new(3.0, 0.0);
        for n in 0..20 {
            assert!((polya.cumulative[n] - (1.0 - 0.75f64.powi(n as i32 + 1))).abs() < 1e-14);
        }
    }

    /// Thinning by ε gives the same distribution as the mean scaled by ε: compared with explicit thinning, χ²
    /// over the numbers 0 to 30.
    #[test]
    fn a_thinned_polya_is_a_polya() {
        let (mean, theta, keep) = (30.0, 0.56, 0.45);
        let mut random = stream(3, Purpose::new("test"), 0);
        let whole = Polya::new(mean, theta);
        let thinned = Polya::new(mean * keep, theta);
        let mut counts = [0f64; 31];
        for _ in 0..N {
            let kept = (0..whole.sample(&mut random)).filter(|_| random.random::<f64>() < keep).count();
            if let Some(count) = counts.get_mut(kept) {
                *count += 1.0;
            }
        }
        let expected = |n: usize| {
            let below = if n == 0 { 0.0 } else { thinned.cumulative[n - 1] };
            (thinned.cumulative[n] - below) * N as f64
        };
        let chi2: f64 = counts.iter().enumerate().map(|(n, c)| (c - expected(n)).powi(2) / expected(n)).sum();
        assert!(chi2 < 31.0 + 5.0 * 62f64.sqrt(), "χ² {chi2} of 31");
    }

    #[test]
    fn extremes_are_tabulated() {
        for (mean, theta) in [(1e-12, 0.0), (10_000.0, -0.5), (10_000.0, 100.0)] {
            let polya = Polya::new(mean, theta);
            assert_eq!(polya.cumulative.last(), Some(&1.0));
            let mut random = stream(4, Purpose::new("test"), 0);
            let average = (0..10_000).map(|_| f64::from(polya.sample(&mut random))).sum::<f64>() / 1e4;
            assert!((average - mean).abs() < 5.0 * (polya.variance() / 1e4).sqrt() + 1e-9, "{mean} {theta}");
        }
    }
}
