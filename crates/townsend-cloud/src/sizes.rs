//! The number of electrons.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::CloudError;
use crate::model::negative_binomial;
use crate::special::{digamma, ln_gamma, root};

/// The distribution of the number N of electrons: N = 0 with a probability of its own, else N − 1 is drawn from a mixture of negative
/// binomial distributions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// P(N = 0).
    pub empty: f64,
    /// Parts of the mixture.
    pub parts: Vec<SizePart>,
}

/// A negative binomial distribution of N − 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePart {
    /// Its weight in the mixture.
    pub weight: f64,
    /// Mean of N − 1.
    pub mean: f64,
    /// Variance of N − 1 is mean + mean²/shape.
    pub shape: f64,
}

impl Sizes {
    const PARTS: usize = 3;
    /// Largest number of electrons that is drawn.
    const MOST: u64 = 100_000_000;

    /// Maximum of the likelihood by expectation–maximisation; a part's shape maximises its share of it by bisection.
    pub(crate) fn fit(sizes: &[u64]) -> Self {
        let mut more: Vec<f64> =
            sizes.iter().filter(|&&size| size > 0).map(|&size| size as f64 - 1.0).collect();
        more.sort_by(f64::total_cmp);
        let empty = 1.0 - more.len() as f64 / sizes.len() as f64;
        let part = |k: usize| SizePart {
            weight: 1.0 / Self::PARTS as f64,
            mean: 1e-6 + more[(2 * k + 1) * more.len() / (2 * Self::PARTS)],
            shape: 4.0,
        };
        let mut parts: Vec<SizePart> = (0..Self::PARTS).map(part).collect();
        let factorials: Vec<f64> = more.iter().map(|&n| ln_gamma(n + 1.0)).collect();
        let mut last = f64::NEG_INFINITY;
        for _ in 0..300 {
            let (weights, total) = responsibilities(&parts, &more, &factorials);
            for (part, weights) in parts.iter_mut().zip(&weights) {
                part.maximise(&more, weights);
            }
            if total - last < 1e-6 * more.len() as f64 {
                break;
            }
            last = total;
        }
        let whole: f64 = parts.iter().map(|part| part.weight).sum();
        for part in &mut parts {
            part.weight /= whole;
        }
        Self { empty, parts }
    }

    pub(crate) fn check(&self) -> Result<(), CloudError> {
        let wrong = |key: String, value: f64, allowed| {
            Err(CloudError::Range { key, value: value.to_string(), allowed })
        };
        if !(0.0..=1.0).contains(&self.empty) {
            return wrong("sizes.empty".into(), self.empty, "from 0 to 1");
        }
        let whole: f64 = self.parts.iter().map(|part| part.weight).sum();
        if !(0.999_999..1.000_001).contains(&whole) {
            return wrong("sum of sizes.parts[].weight".into(), whole, "1");
        }
        for (place, part) in self.parts.iter().enumerate() {
            let values = [
                ("weight", part.weight, 0.0..=1.0, "from 0 to 1"),
                ("mean", part.mean, 0.0..=1e8, "from 0 to 1e8"),
                ("shape", part.shape, 1e-3..=1e6, "from 0.001 to 1e6"),
            ];
            for (name, value, range, allowed) in values {
                if !range.contains(&value) {
                    return wrong(format!("sizes.parts[{place}].{name}"), value, allowed);
                }
            }
        }
        Ok(())
    }

    /// Draws a number of electrons; beyond 10⁸ it is cut.
    pub(crate) fn draw(&self, random: &mut impl Rng) -> usize {
        if random.random::<f64>() < self.empty {
            return 0;
        }
        let mut left: f64 = random.random();
        let chosen = self.parts.iter().find(|part| {
            left -= part.weight;
            left < 0.0
        });
        // Rounding may leave the sum of the weights below 1.
        let part = chosen.unwrap_or(&self.parts[self.parts.len() - 1]);
        (1 + negative_binomial(part.mean, part.shape, random)).min(Self::MOST) as usize
    }
}

impl SizePart {
    fn ln_density(&self, more: f64, ln_factorial: f64, ln_gamma_shape: f64) -> f64 {
        let (k, mean) = (self.shape, self.mean);
        self.weight.ln() + ln_gamma(more + k) - ln_gamma_shape - ln_factorial
            + k * (k / (k + mean)).ln()
            + more * (mean / (k + mean)).ln()
    }

    fn maximise(&mut self, more: &[f64], weights: &[f64]) {
        let whole = weights.iter().sum::<f64>() + 1e-9;
        let mean = more.iter().zip(weights).map(|(n, weight)| n * weight).sum::<f64>() / whole;
        (self.weight, self.mean) = (whole / more.len() as f64, mean.max(1e-6));
        let slope = |ln_shape: f64| {
            let shape = ln_shape.exp();
            let constant = ln_shape - (shape + self.mean).ln() - digamma(shape);
            let terms = more.iter().zip(weights).filter(|(_, weight)| **weight > 1e-12);
            terms.map(|(n, weight)| weight * (digamma(n + shape) + constant)).sum()
        };
        self.shape = root(slope, [-3.0, 6.0]).exp();
    }
}

/// For each part the probability that it gave each number; and the log-likelihood.
fn responsibilities(parts: &[SizePart], more: &[f64], factorials: &[f64]) -> (Vec<Vec<f64>>, f64) {
    let mut of_parts: Vec<Vec<f64>> = parts
        .iter()
        .map(|part| {
            let ln_gamma_shape = ln_gamma(part.shape);
            more.iter().zip(factorials).map(|(&n, &f)| part.ln_density(n, f, ln_gamma_shape)).collect()
        })
        .collect();
    let mut total = 0.0;
    for place in 0..more.len() {
        let largest = of_parts.iter().map(|of| of[place]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = of_parts.iter().map(|of| (of[place] - largest).exp()).sum();
        for of in &mut of_parts {
            of[place] = (of[place] - largest).exp() / sum;
        }
        total += largest + sum.ln();
    }
    (of_parts, total)
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;

    fn draws(sizes: &Sizes, count: usize) -> Vec<u64> {
        let mut random = stream(1, Purpose::new("test"), 0);
        (0..count).map(|_| sizes.draw(&mut random) as u64).collect()
    }

    /// Draws from the fit are as near to the numbers as other draws from the truth.
    #[test]
    fn a_mixture_is_found() {
        let part = |weight, mean, shape| SizePart { weight, mean, shape };
        let truth = Sizes { empty: 0.25, parts: vec![part(0.3, 100.0, 0.8), part(0.7, 2000.0, 3.0)] };
        let drawn = draws(&truth, 20_000);
        let fitted = Sizes::fit(&drawn);
        fitted.check().unwrap();
        assert!((fitted.empty - 0.25).abs() < 0.01);
        let mut again = draws(&fitted, 20_000);
        let mut drawn = drawn;
        drawn.sort_unstable();
        again.sort_unstable();
        let distance: f64 =
            drawn.iter().zip(&again).map(|(&a, &b)| (a as f64 - b as f64).abs()).sum::<f64>() / 20_000.0;
        assert!(distance < 40.0, "{distance}");
    }

    #[test]
    fn odd_numbers_give_a_distribution() {
        for odd in [vec![1], vec![1, 1, 1], vec![0, 5], vec![7; 30], vec![1, 1_000_000]] {
            let sizes = Sizes::fit(&odd);
            sizes.check().unwrap();
            let mean = draws(&sizes, 2000).iter().sum::<u64>() as f64 / 2000.0;
            let expected = odd.iter().sum::<u64>() as f64 / odd.len() as f64;
            assert!((mean - expected).abs() < 0.2 * expected, "{odd:?}: {mean} {sizes:?}");
        }
    }
}
