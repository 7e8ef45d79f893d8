//! A mixture of negative binomial distributions of the number of electrons beyond the first.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma, Poisson};
use serde::{Deserialize, Serialize};

use super::SizeError;
use crate::special::{digamma, ln_gamma};
use crate::zero_crossing;

/// One part of a mixture: N − 1 is negative binomial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePart {
    /// Its weight in the mixture; all weights add up to 1.
    pub weight: f64,
    /// Mean of N − 1.
    pub mean: f64,
    /// Shape: the variance of N − 1 is mean + mean²/shape.
    pub shape: f64,
}

/// Number of parts of a fitted mixture: more than one, because sizes after several stages are not negative
/// binomial. Three is chosen, not fitted: it was not compared with other numbers.
const PARTS: usize = 3;
/// The shape that all parts start from. Chosen, not fitted: clearly narrower than an exponential distribution
/// (1) and clearly wider than a Poisson distribution (∞).
const FIRST_SHAPE: f64 = 4.0;
/// Largest number of steps of expectation–maximisation, and the growth of ln L for each size below which they
/// end.
const STEPS: usize = 300;
const LEAST_GROWTH: f64 = 1e-6;
/// Range in which the logarithm of a shape is searched: from a distribution with nearly all electrons in few
/// avalanches to nearly a Poisson distribution.
const LN_SHAPES: [f64; 2] = [-3.0, 6.0];
/// Largest number of electrons of an avalanche.
const MOST: u64 = 100_000_000;

/// The mixture that maximises the likelihood of these numbers, all above 0, by expectation–maximisation
/// (Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1 (1977)). It starts with means at quantiles of the
/// numbers; the shape of a part is the zero of the derivative of its contribution to the likelihood.
pub(super) fn fit(sizes: &[f64]) -> Vec<SizePart> {
    let mut more: Vec<f64> = sizes.iter().map(|size| size - 1.0).collect();
    more.sort_by(f64::total_cmp);
    let part = |k: usize| SizePart {
        weight: 1.0 / PARTS as f64,
        mean: 1e-6 + more[(2 * k + 1) * more.len() / (2 * PARTS)],
        shape: FIRST_SHAPE,
    };
    let mut parts: Vec<SizePart> = (0..PARTS).map(part).collect();
    let factorials: Vec<f64> = more.iter().map(|&n| ln_gamma(n + 1.0)).collect();
    let mut last = f64::NEG_INFINITY;
    for _ in 0..STEPS {
        let (weights, total) = responsibilities(&parts, &more, &factorials);
        for (part, weights) in parts.iter_mut().zip(&weights) {
            part.maximise(&more, weights);
        }
        if total - last < LEAST_GROWTH * more.len() as f64 {
            break;
        }
        last = total;
    }
    let whole: f64 = parts.iter().map(|part| part.weight).sum();
    for part in &mut parts {
        part.weight /= whole;
    }
    parts
}

/// An error if a parameter is outside its limits.
pub(super) fn check(parts: &[SizePart]) -> Result<(), SizeError> {
    let whole: f64 = parts.iter().map(|part| part.weight).sum();
    if !(0.999_999..1.000_001).contains(&whole) {
        return Err(SizeError::range("parts[].weight (their sum)", &whole, "1"));
    }
    for (place, part) in parts.iter().enumerate() {
        let values = [
            ("weight", part.weight, 0.0..=1.0, "from 0 to 1"),
            ("mean", part.mean, 0.0..=1e8, "from 0 to 1e8"),
            ("shape", part.shape, 1e-3..=1e6, "from 0.001 to 1e6"),
        ];
        for (name, value, range, allowed) in values {
            if !range.contains(&value) {
                return Err(SizeError::range(&format!("parts[{place}].{name}"), &value, allowed));
            }
        }
    }
    Ok(())
}

/// Draws a number of electrons, from 1 to 10⁸.
pub(super) fn sample(parts: &[SizePart], random: &mut impl Rng) -> u64 {
    let mut left: f64 = random.random();
    let chosen = parts.iter().find(|part| {
        left -= part.weight;
        left < 0.0
    });
    // Rounding may leave the sum of the weights below 1.
    let more = chosen.or(parts.last()).map_or(0, |part| negative_binomial(part.mean, part.shape, random));
    more.min(MOST - 1) + 1
}

/// A negative binomial number with this mean and variance mean + mean²/shape: a Poisson number whose mean is
/// Gamma distributed. It is 0 if mean or shape is not above 0.
pub fn negative_binomial(mean: f64, shape: f64, random: &mut impl Rng) -> u64 {
    let rate = Gamma::new(shape, mean / shape).map_or(0.0, |gamma| gamma.sample(random));
    Poisson::new(rate).map_or(0, |poisson: Poisson<f64>| poisson.sample(random) as u64)
}

impl SizePart {
    fn ln_density(&self, more: f64, ln_factorial: f64, ln_gamma_shape: f64) -> f64 {
        let (k, mean) = (self.shape, self.mean);
        self.weight.ln() + ln_gamma(more + k) - ln_gamma_shape - ln_factorial
            + k * (k / (k + mean)).ln()
            + more * (mean / (k + mean)).ln()
    }

    /// Sets the parameters for which the part's share of the likelihood is greatest.
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
        self.shape = zero_crossing(slope, LN_SHAPES).exp();
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
