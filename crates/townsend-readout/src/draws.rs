//! Poisson numbers, and sums of a Poisson number of gamma distributed numbers.

use rand::RngExt;
use rand_distr::{Distribution, Gamma};
use townsend_core::{Stream, ln_gamma};

/// A Poisson number: by adding up its probabilities where it is small, and by transformed rejection above (W.
/// Hörmann, Insurance: Mathematics and Economics 12 (1993) 39, algorithm PTRS), which needs a logarithm for
/// one in seven only.
#[inline]
pub(crate) fn poisson(mean: f64, random: &mut Stream) -> f64 {
    if mean >= 12.0 {
        return rejected(mean, random);
    }
    let u: f64 = random.random();
    // The probability of any is less than the mean.
    if 1.0 - u > mean {
        return 0.0;
    }
    let mut probability = (-mean).exp();
    let (mut sum, mut n) = (probability, 0.0);
    while u >= sum && n < 100.0 {
        n += 1.0;
        probability *= mean / n;
        sum += probability;
    }
    n
}

fn rejected(mean: f64, random: &mut Stream) -> f64 {
    let b = 0.931 + 2.53 * mean.sqrt();
    let a = -0.059 + 0.024_83 * b;
    let accepted = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let (u, v): (f64, f64) = (random.random::<f64>() - 0.5, random.random());
        let from_edge = 0.5 - u.abs();
        let n = ((2.0 * a / from_edge + b) * u + mean + 0.43).floor();
        if from_edge >= 0.07 && v <= accepted {
            return n;
        }
        if n < 0.0 || (from_edge < 0.013 && v > from_edge) {
            continue;
        }
        let scale = (1.1239 + 1.1328 / (b - 3.4)) / (a / (from_edge * from_edge) + b);
        if (v * scale).ln() <= n * mean.ln() - mean - ln_gamma(n + 1.0) {
            return n;
        }
    }
}

/// The sum of independent gamma distributed numbers, of which there is a Poisson number: sums of gamma
/// distributed numbers with one scale are gamma distributed, and their shapes add.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct GammaSum {
    /// Shape and scale of each.
    pub(crate) shape: f64,
    pub(crate) scale: f64,
}

impl GammaSum {
    #[inline]
    pub(crate) fn draw(self, mean_number: f64, random: &mut Stream) -> f32 {
        let number = poisson(mean_number, random);
        if number <= 0.0 {
            return 0.0;
        }
        // Shape and scale are above 0, or there is nothing to add.
        Gamma::new(number * self.shape, self.scale).map_or(0.0, |gamma| gamma.sample(random)) as f32
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;

    /// Frequencies against the probabilities, on both sides of where the method changes and far above.
    #[test]
    fn poisson_numbers_have_their_probabilities() {
        let mut random = stream(1, Purpose::new("test"), 0);
        for mean in [0.3, 11.9, 12.0, 40.0, 1000.0] {
            const N: usize = 200_000;
            let low = (mean - 4.0 * f64::sqrt(mean)).max(0.0) as usize;
            let mut counts = vec![0.0; (8.0 * f64::sqrt(mean)) as usize + 8];
            for _ in 0..N {
                let n = poisson(mean, &mut random) as usize;
                if let Some(count) = n.checked_sub(low).and_then(|k| counts.get_mut(k)) {
                    *count += 1.0;
                }
            }
            let (mut chi, mut degrees) = (0.0, 0.0f64);
            for (k, count) in counts.into_iter().enumerate() {
                let n = (low + k) as f64;
                let expected = N as f64 * (n * mean.ln() - mean - ln_gamma(n + 1.0)).exp();
                if expected > 10.0 {
                    chi += (count - expected).powi(2) / expected;
                    degrees += 1.0;
                }
            }
            assert!(chi < degrees + 4.5 * (2.0 * degrees).sqrt(), "{mean}: {chi} / {degrees}");
        }
    }

    #[test]
    fn sums_have_their_moments() {
        let mut random = stream(2, Purpose::new("test"), 0);
        let each = GammaSum { shape: 1.75, scale: 20.0 };
        for mean in [0.5, 30.0] {
            let draws: Vec<f64> = (0..100_000).map(|_| f64::from(each.draw(mean, &mut random))).collect();
            let n = draws.len() as f64;
            let average = draws.iter().sum::<f64>() / n;
            let variance = draws.iter().map(|v| (v - average).powi(2)).sum::<f64>() / n;
            assert!((average / (mean * 35.0) - 1.0).abs() < 0.03, "{average}");
            assert!((variance / (mean * 1.75 * 2.75 * 400.0) - 1.0).abs() < 0.05, "{variance}");
        }
    }
}
