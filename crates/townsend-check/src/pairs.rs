//! The two-point correlation g(r) in x and z: the density of pairs of electrons of one avalanche at a
//! distance r, divided by that of pairs from different avalanches, with each avalanche centred on its
//! centroid.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::{Dataset, Progress, Purpose, stream};

use crate::MINIMUM_AVALANCHES;
use crate::places::Places;
use townsend_observables::random::{below, some_of};

/// Electrons chosen at random from each avalanche. Chosen, not fitted: they make 2,016 pairs, and the time
/// does not grow with the square of the avalanche's size.
const SAMPLE: usize = 64;
/// Upper end of the bins in r, in units of the mean rms in x of a real avalanche. Chosen, not fitted: only 2%
/// of the pairs of a Gaussian avalanche are farther apart (e⁻⁴, as r² of a pair is exponential with mean 4
/// rms²).
const REACH: f64 = 4.0;
const BINS: usize = 60;
/// Number of parts of a set, which are left out in turn (jackknife), halved and resampled. Chosen, not
/// fitted: an error from 20 parts is itself known to 16%.
const PARTS: usize = 20;
const HALVINGS: u32 = 50;
const RESAMPLES: u64 = 200;
const BLOCK: usize = 256;

const SAMPLED: Purpose = Purpose::new("pair correlation");
const HALVES: Purpose = Purpose::new("pair corr. halves");
const BOOTSTRAP: Purpose = Purpose::new("pair corr. bootstrap");

/// g(r) of both sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairCorrelation {
    /// Unit of r.
    pub unit: String,
    /// Edges of the bins in r.
    pub edges: Vec<f64>,
    /// g(r) of the real set.
    pub real: Vec<f64>,
    /// Its standard error by the jackknife, which leaves out a twentieth of the avalanches in turn.
    pub real_error: Vec<f64>,
    /// g(r) of the generated set.
    pub generated: Vec<f64>,
    /// Its standard error by the jackknife.
    pub generated_error: Vec<f64>,
    /// Mean absolute difference of the two, weighted by the number of real pairs from different avalanches.
    pub difference: f64,
    /// The same difference between halves of the real set, scaled to the numbers of avalanches compared.
    pub floor: f64,
    /// 68% interval from resampling the twentieths of both sets, shifted so that its median is the value.
    pub interval: [f64; 2],
}

/// Histograms of the distances of pairs within avalanches and between avalanches, for each part of a set.
struct Pairs {
    within: Vec<Vec<f64>>,
    between: Vec<Vec<f64>>,
    avalanches: usize,
}

type Sampled = Vec<[f64; 2]>;

impl Pairs {
    fn of(data: &Dataset, width: f64, seed: u64, progress: &dyn Progress) -> Self {
        let task = progress.task("pairs of electrons", data.len() as u64);
        let mut sampled: Vec<Sampled> = Vec::new();
        for first in (0..data.len()).step_by(BLOCK) {
            let block = first..(first + BLOCK).min(data.len());
            task.advance(block.len() as u64);
            let of = |index: usize| sample(data, index, seed);
            sampled.extend(block.into_par_iter().map(of).collect::<Vec<_>>().into_iter().flatten());
        }
        let part = |part: usize| {
            let mut histograms = [vec![0.0; BINS], vec![0.0; BINS]];
            for k in (part..sampled.len()).step_by(PARTS) {
                // An avalanche is paired with the next one of its part, so that the parts stay independent.
                let next = if k + PARTS < sampled.len() { k + PARTS } else { part };
                count(&sampled[k], &sampled[next], width, &mut histograms);
            }
            histograms
        };
        let histograms: Vec<[Vec<f64>; 2]> = (0..PARTS).into_par_iter().map(part).collect();
        let (within, between) = histograms.into_iter().map(|[within, between]| (within, between)).unzip();
        Self { within, between, avalanches: sampled.len() }
    }

    /// g(r) of all parts, each counted `weights` times; 1 in bins without pairs between avalanches.
    fn g(&self, weights: &[f64]) -> Vec<f64> {
        let sum = |parts: &[Vec<f64>]| -> Vec<f64> {
            let bin = |b: usize| parts.iter().zip(weights).map(|(part, w)| part[b] * w).sum::<f64>();
            let sums: Vec<f64> = (0..BINS).map(bin).collect();
            let total: f64 = sums.iter().sum();
            sums.into_iter().map(|sum| if total > 0.0 { sum / total } else { 0.0 }).collect()
        };
        let (within, between) = (sum(&self.within), sum(&self.between));
        within.iter().zip(&between).map(|(w, b)| if *b > 0.0 { w / b } else { 1.0 }).collect()
    }

    /// Jackknife error of g in every bin.
    fn errors(&self) -> Vec<f64> {
        let left_out: Vec<Vec<f64>> = (0..PARTS)
            .map(|out| self.g(&(0..PARTS).map(|k| f64::from(u8::from(k != out))).collect::<Vec<_>>()))
            .collect();
        let n = PARTS as f64;
        (0..BINS)
            .map(|bin| {
                let mean = left_out.iter().map(|g| g[bin]).sum::<f64>() / n;
                let square: f64 = left_out.iter().map(|g| (g[bin] - mean).powi(2)).sum();
                ((n - 1.0) / n * square).sqrt()
            })
            .collect()
    }

    /// Fraction of the pairs between avalanches in every bin.
    fn shares(&self) -> Vec<f64> {
        let sums: Vec<f64> = (0..BINS).map(|b| self.between.iter().map(|part| part[b]).sum()).collect();
        let total: f64 = sums.iter().sum();
        sums.into_iter().map(|sum| sum / f64::max(total, 1.0)).collect()
    }
}

/// Some electrons relative to the centroid; none for an avalanche of fewer than two electrons.
fn sample(data: &Dataset, index: usize, seed: u64) -> Option<Sampled> {
    let places = Places::of(data, index);
    if places.electrons() < 2 {
        return None;
    }
    let center = places.centroid();
    let mut random = stream(seed, SAMPLED, index as u64);
    let of = |at: [f64; 2]| [at[0] - center[0], at[1] - center[1]];
    Some(places.sample(SAMPLE, &mut random).into_iter().map(of).collect())
}

/// Adds all pairs within one avalanche and all pairs with another; every avalanche has the same weight.
fn count(own: &Sampled, other: &Sampled, width: f64, [within, between]: &mut [Vec<f64>; 2]) {
    let bin = |a: &[f64; 2], b: &[f64; 2]| ((a[0] - b[0]).hypot(a[1] - b[1]) / width) as usize;
    let weight = 2.0 / (own.len() * (own.len() - 1)) as f64;
    for (k, a) in own.iter().enumerate() {
        for b in &own[..k] {
            if let Some(entry) = within.get_mut(bin(a, b)) {
                *entry += weight;
            }
        }
    }
    let weight = 1.0 / (own.len() * other.len()) as f64;
    for a in own {
        for b in other {
            if let Some(entry) = between.get_mut(bin(a, b)) {
                *entry += weight;
            }
        }
    }
}

fn difference(a: &[f64], b: &[f64], shares: &[f64]) -> f64 {
    a.iter().zip(b).zip(shares).map(|((a, b), share)| (a - b).abs() * share).sum()
}

/// g(r) of both sets; none if they lack z, or have too few avalanches of two electrons or more.
pub(crate) fn pair_correlation(
    real: &Dataset,
    generated: &Dataset,
    width_of_real: f64,
    seed: u64,
    progress: &dyn Progress,
) -> Option<PairCorrelation> {
    let flat = real.grid().is_some_and(|grid| grid.dims() < 2);
    if flat || width_of_real <= 0.0 || !width_of_real.is_finite() {
        return None;
    }
    let width = REACH * width_of_real / BINS as f64;
    let a = Pairs::of(real, width, seed, progress);
    let b = Pairs::of(generated, width, seed, progress);
    if a.avalanches.min(b.avalanches) < PARTS.max(MINIMUM_AVALANCHES) {
        return None;
    }
    let (shares, ones) = (a.shares(), vec![1.0; PARTS]);
    let (g_real, g_generated) = (a.g(&ones), b.g(&ones));
    let value = difference(&g_real, &g_generated, &shares);
    Some(PairCorrelation {
        unit: real.meta().units[0].clone(),
        edges: (0..=BINS).map(|edge| edge as f64 * width).collect(),
        real_error: a.errors(),
        generated_error: b.errors(),
        difference: value,
        floor: floor(&a, b.avalanches, &shares, seed),
        interval: interval(&a, &b, &shares, value, seed),
        real: g_real,
        generated: g_generated,
    })
}

fn floor(real: &Pairs, generated: usize, shares: &[f64], seed: u64) -> f64 {
    let halves = (0..HALVINGS).map(|halving| {
        let first = some_of(PARTS, PARTS / 2, &mut stream(seed, HALVES, u64::from(halving)));
        let weights = |wanted: bool| -> Vec<f64> {
            (0..PARTS).map(|part| f64::from(u8::from(first.contains(&part) == wanted))).collect()
        };
        difference(&real.g(&weights(true)), &real.g(&weights(false)), shares)
    });
    let (n, m) = (real.avalanches as f64, generated as f64);
    // Errors are proportional to one over the square root of the number of avalanches; for two halves that is
    // √(4/n).
    halves.sum::<f64>() / f64::from(HALVINGS) * ((1.0 / n + 1.0 / m) / (4.0 / n)).sqrt()
}

fn interval(real: &Pairs, generated: &Pairs, shares: &[f64], value: f64, seed: u64) -> [f64; 2] {
    let mut boot: Vec<f64> = (0..RESAMPLES)
        .map(|k| {
            let mut random = stream(seed, BOOTSTRAP, k);
            let mut weights = || {
                let mut weights = vec![0.0; PARTS];
                (0..PARTS).for_each(|_| weights[below(PARTS as u64, &mut random) as usize] += 1.0);
                weights
            };
            difference(&real.g(&weights()), &generated.g(&weights()), shares)
        })
        .collect();
    boot.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| boot[(p * (boot.len() - 1) as f64).round() as usize];
    [0.16, 0.84].map(|p| (value + at(p) - at(0.5)).max(0.0))
}

#[cfg(test)]
mod tests;
