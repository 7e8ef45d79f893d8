//! Floors of distances from random halves of the real sample, and intervals from bootstrap samples of both.

use serde::{Deserialize, Serialize};
use townsend_core::{Purpose, Stream, stream};

use super::sample::{Binning, Sample, SampleDistances};
use super::significance::kolmogorov_smirnov_p_value;
use crate::random::{below, half};
use crate::text::decimal;

/// A distance with its floor and its interval, without which it cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distance {
    /// The distance.
    pub value: f64,
    /// What statistics alone give: the mean distance between two random halves of the real set, scaled to the
    /// numbers of avalanches compared.
    pub floor: f64,
    /// 68% interval from bootstrap samples of both sets ([`resampling_interval`]).
    pub interval: [f64; 2],
    /// Probability of at least this distance between samples of one distribution (Kolmogorov-Smirnov only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
}

impl Distance {
    /// Half of the 68% interval: the standard error of the distance.
    pub fn error(&self) -> f64 {
        0.5 * (self.interval[1] - self.interval[0])
    }

    /// Value and error as text: `0.123 ± 0.004`.
    pub fn with_error(&self) -> String {
        format!("{} ± {}", decimal(self.value), decimal(self.error()))
    }
}

/// The three distances of one number between two sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distances {
    /// Wasserstein-1 distance over the real standard deviation; none if all real values are equal and the
    /// generated ones differ.
    pub w1_over_sigma: Option<Distance>,
    /// Kolmogorov-Smirnov distance.
    pub ks: Distance,
    /// Separation power in the given bins.
    pub separation_power: Distance,
}

/// Numbers of random halves and bootstrap samples for floors and intervals, and the seed of their random
/// streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// Seed of the random streams.
    pub seed: u64,
    /// Random halvings of the real set for the floor.
    pub halvings: u32,
    /// Bootstrap samples for the interval.
    pub resamples: u32,
}

impl Resampling {
    const HALVES: Purpose = Purpose::new("halves of the real set");
    const BOOTSTRAP: Purpose = Purpose::new("bootstrap");

    /// 20 halvings, whose mean is known to some 10%, since the distance of two halves fluctuates by about
    /// half of itself; and 200 bootstrap samples, of which 32 lie beyond each end of a 68% interval. Both
    /// numbers are chosen, not fitted: larger ones only take longer.
    pub fn new(seed: u64) -> Self {
        Self { seed, halvings: 20, resamples: 200 }
    }

    /// All three distances between `real` and `generated`, each of at least 2 values. `number` selects the
    /// random streams; with a different number for each observable their floors are independent.
    pub fn distances(&self, real: &[f64], generated: &[f64], binning: &Binning, number: u64) -> Distances {
        let (real, generated) = (Sample::new(real, binning), Sample::new(generated, binning));
        let found = real.against(&generated);
        let sigma = real.std(&vec![1; real.len()]);
        let floor = self.floor(&real, generated.len(), number);
        let boot = self.bootstrap(&real, &generated, number);
        let distance = |value, floor, largest, of: fn(&BootstrapSample) -> f64| Distance {
            value,
            floor,
            interval: resampling_interval(value, largest, boot.iter().map(of).collect()),
            p_value: None,
        };
        let w1_over_sigma = over(found.wasserstein, sigma).map(|value| {
            let floor = over(floor.wasserstein, sigma).unwrap_or(0.0);
            distance(value, floor, f64::MAX, |b| {
                over(b.distances.wasserstein, b.sigma).unwrap_or(f64::INFINITY)
            })
        });
        let ks = distance(found.kolmogorov_smirnov, floor.kolmogorov_smirnov, 1.0, |b| {
            b.distances.kolmogorov_smirnov
        });
        let p_value = kolmogorov_smirnov_p_value(ks.value, real.len(), generated.len());
        let separation_power =
            distance(found.separation_power, floor.separation_power, 1.0, |b| b.distances.separation_power);
        Distances { w1_over_sigma, ks: Distance { p_value: Some(p_value), ..ks }, separation_power }
    }

    /// Mean distances between two random halves of the real set, scaled to the numbers of real and
    /// `generated` values. Between samples of n and m values of one distribution W1 and KS are proportional
    /// to `√(1/n + 1/m)`; the separation power, a sum of squares of such fluctuations, to `1/n + 1/m`.
    fn floor(&self, real: &Sample, generated: usize, number: u64) -> SampleDistances {
        let n = real.len();
        let mut sum = [0.0; 3];
        for halving in 0..self.halvings {
            let mut random = self.stream(Self::HALVES, number, halving);
            let first = half(n, &mut random);
            let second: Vec<u32> = first.iter().map(|w| 1 - w).collect();
            let found = real.weighted_against(&first, real, &second);
            for (sum, value) in
                sum.iter_mut().zip([found.wasserstein, found.kolmogorov_smirnov, found.separation_power])
            {
                *sum += value / f64::from(self.halvings);
            }
        }
        let halves = 1.0 / (n / 2) as f64 + 1.0 / (n - n / 2) as f64;
        let scale = (1.0 / n as f64 + 1.0 / generated as f64) / halves;
        SampleDistances {
            wasserstein: sum[0] * scale.sqrt(),
            kolmogorov_smirnov: (sum[1] * scale.sqrt()).min(1.0),
            separation_power: (sum[2] * scale).min(1.0),
        }
    }

    fn bootstrap(&self, real: &Sample, generated: &Sample, number: u64) -> Vec<BootstrapSample> {
        let resample = |resample| {
            let mut random = self.stream(Self::BOOTSTRAP, number, resample);
            let (real_weights, generated_weights) =
                (multinomial(real.len(), &mut random), multinomial(generated.len(), &mut random));
            BootstrapSample {
                distances: real.weighted_against(&real_weights, generated, &generated_weights),
                sigma: real.std(&real_weights),
            }
        };
        (0..self.resamples).map(resample).collect()
    }

    fn stream(&self, purpose: Purpose, number: u64, index: u32) -> Stream {
        stream(self.seed, purpose, number << 32 | u64::from(index))
    }
}

/// The result of resampling both sets once.
struct BootstrapSample {
    distances: SampleDistances,
    /// Standard deviation of the resampled real set.
    sigma: f64,
}

/// A Wasserstein distance in units of the real standard deviation; none if that is 0 but the distance is not.
fn over(distance: f64, sigma: f64) -> Option<f64> {
    if sigma > 0.0 { Some(distance / sigma) } else { (distance == 0.0).then_some(0.0) }
}

/// A bootstrap sample of `n` values: the number of times each of them occurs in `n` draws with replacement.
fn multinomial(n: usize, random: &mut Stream) -> Vec<u32> {
    let mut weights = vec![0; n];
    for _ in 0..n {
        weights[below(n as u64, random) as usize] += 1;
    }
    weights
}

/// 68% interval of a distance from its values in bootstrap samples: their 16% and 84% quantiles, shifted so
/// that their median is `value`, and kept between 0 and `largest`. Without the shift the interval would lie
/// too high, because resampling adds the statistical fluctuation a second time. Values that are not finite
/// are left out.
pub fn resampling_interval(value: f64, largest: f64, mut resampled: Vec<f64>) -> [f64; 2] {
    resampled.retain(|v| v.is_finite());
    if resampled.is_empty() {
        return [value, value];
    }
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| resampled[(p * (resampled.len() - 1) as f64).round() as usize];
    [0.16, 0.84].map(|p| (value + at(p) - at(0.5)).clamp(0.0, largest))
}
