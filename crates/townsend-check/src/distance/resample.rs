//! Floor and interval of a distance.

use serde::{Deserialize, Serialize};
use townsend_core::{Purpose, Stream, stream};

use super::sample::Apart;
use super::{Binning, Sample, kolmogorov_smirnov_p_value};
use crate::random::{below, some_of};

/// A distance with what is needed to judge it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distance {
    /// The distance.
    pub value: f64,
    /// The same distance between two random halves of the real set, averaged over many halvings and scaled to the
    /// numbers of avalanches compared: what statistics alone give.
    pub floor: f64,
    /// 68% interval from resampling both sets: the 16% and 84% quantiles, moved so that the median is the value.
    /// (Resampling adds the statistical fluctuation a second time, so its median lies above the value by about
    /// one floor.)
    pub interval: [f64; 2],
    /// Probability of such a distance between samples of one distribution (KS only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
}

/// The three distances of one number between two sets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distances {
    /// Wasserstein-1 over the real standard deviation; none if all real values are the same and the generated are
    /// not.
    pub w1_over_sigma: Option<Distance>,
    /// Kolmogorov-Smirnov.
    pub ks: Distance,
    /// Separation power in the given bins.
    pub separation_power: Distance,
}

/// How often to halve and to resample, and with which random numbers.
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

    /// 20 halvings and 200 bootstrap samples.
    pub fn new(seed: u64) -> Self {
        Self { seed, halvings: 20, resamples: 200 }
    }

    /// All three distances of `generated` from `real`, both at least 2 values. `number` tells the streams of one
    /// observable from those of the next.
    pub fn distances(&self, real: &[f64], generated: &[f64], binning: &Binning, number: u64) -> Distances {
        let (real, generated) = (Sample::new(real, binning), Sample::new(generated, binning));
        let apart = real.against(&generated);
        let sigma = real.std(&vec![1; real.len()]);
        let floor = self.floor(&real, generated.len(), number);
        let boot = self.bootstrap(&real, &generated, number);
        let distance = |value, floor, largest, of: fn(&Boot) -> f64| Distance {
            value,
            floor,
            interval: interval(value, largest, boot.iter().map(of).collect()),
            p_value: None,
        };
        let w1_over_sigma = over(apart.wasserstein, sigma).map(|value| {
            let floor = over(floor.wasserstein, sigma).unwrap_or(0.0);
            distance(value, floor, f64::MAX, |boot| {
                over(boot.apart.wasserstein, boot.sigma).unwrap_or(f64::INFINITY)
            })
        });
        let ks =
            distance(apart.kolmogorov_smirnov, floor.kolmogorov_smirnov, 1.0, |b| b.apart.kolmogorov_smirnov);
        let p_value = kolmogorov_smirnov_p_value(ks.value, real.len(), generated.len());
        let separation_power =
            distance(apart.separation_power, floor.separation_power, 1.0, |b| b.apart.separation_power);
        Distances { w1_over_sigma, ks: Distance { p_value: Some(p_value), ..ks }, separation_power }
    }

    /// Mean distances of two random halves of the real set, scaled to real against `generated` values. W1 and KS of
    /// samples of n and m values of one distribution go with `√(1/n + 1/m)`; the separation power, a sum of squares
    /// of such fluctuations, with `1/n + 1/m`.
    fn floor(&self, real: &Sample, generated: usize, number: u64) -> Apart {
        let n = real.len();
        let mut sum = [0.0; 3];
        for halving in 0..self.halvings {
            let mut random = self.stream(Self::HALVES, number, halving);
            let first = half(n, &mut random);
            let second: Vec<u32> = first.iter().map(|w| 1 - w).collect();
            let apart = real.weighted_against(&first, real, &second);
            for (sum, value) in
                sum.iter_mut().zip([apart.wasserstein, apart.kolmogorov_smirnov, apart.separation_power])
            {
                *sum += value / f64::from(self.halvings);
            }
        }
        let halves = 1.0 / (n / 2) as f64 + 1.0 / (n - n / 2) as f64;
        let scale = (1.0 / n as f64 + 1.0 / generated as f64) / halves;
        Apart {
            wasserstein: sum[0] * scale.sqrt(),
            kolmogorov_smirnov: (sum[1] * scale.sqrt()).min(1.0),
            separation_power: (sum[2] * scale).min(1.0),
        }
    }

    fn bootstrap(&self, real: &Sample, generated: &Sample, number: u64) -> Vec<Boot> {
        let resample = |resample| {
            let mut random = self.stream(Self::BOOTSTRAP, number, resample);
            let (real_weights, generated_weights) =
                (multinomial(real.len(), &mut random), multinomial(generated.len(), &mut random));
            Boot {
                apart: real.weighted_against(&real_weights, generated, &generated_weights),
                sigma: real.std(&real_weights),
            }
        };
        (0..self.resamples).map(resample).collect()
    }

    fn stream(&self, purpose: Purpose, number: u64, index: u32) -> Stream {
        stream(self.seed, purpose, number << 32 | u64::from(index))
    }
}

struct Boot {
    apart: Apart,
    sigma: f64,
}

/// W1 in units of the real standard deviation, where there is one.
fn over(distance: f64, sigma: f64) -> Option<f64> {
    if sigma > 0.0 { Some(distance / sigma) } else { (distance == 0.0).then_some(0.0) }
}

/// A random half of `n` values: 1 for those in it, 0 for the others.
pub(crate) fn half(n: usize, random: &mut Stream) -> Vec<u32> {
    let mut weights = vec![0; n];
    for chosen in some_of(n, n / 2, random) {
        weights[chosen] = 1;
    }
    weights
}

/// How often each of `n` values is drawn in `n` draws.
fn multinomial(n: usize, random: &mut Stream) -> Vec<u32> {
    let mut weights = vec![0; n];
    for _ in 0..n {
        weights[below(n as u64, random) as usize] += 1;
    }
    weights
}

/// See [`Distance::interval`]; kept between 0 and the largest value that the distance can have.
fn interval(value: f64, largest: f64, mut boot: Vec<f64>) -> [f64; 2] {
    boot.retain(|v| v.is_finite());
    if boot.is_empty() {
        return [value, value];
    }
    boot.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| boot[(p * (boot.len() - 1) as f64).round() as usize];
    [0.16, 0.84].map(|p| (value + at(p) - at(0.5)).clamp(0.0, largest))
}
