//! The fast path: one gamma number a family, one Poisson number a cell of place and time.

use rand::RngExt;
use rand_distr::{Distribution, Poisson};
use townsend_core::Stream;

use crate::arrival::Arrived;
use crate::currents::Currents;
use crate::digitiser::Tables;

impl Currents {
    /// Families in cells, spread over cells around, one Poisson number each.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    pub(crate) fn add_families(
        &mut self,
        across: &[(usize, f64)],
        arrived: &Arrived,
        Tables { blur, cells, .. }: &Tables,
        start: i64,
        bin_ns: f64,
        share: f64,
        random: &mut Stream,
    ) {
        let (places, bins) = (cells.places, self.bins);
        let mut means = vec![Vec::new(); self.strips.len()];
        for &(i, at) in across {
            let strip = (at.floor() as i64 - self.first) as usize;
            let place = ((at - at.floor()) * places as f64) as usize % places;
            let bin = ((arrived.t[i] / bin_ns).floor() as i64 - start) as usize;
            let row: &mut Vec<f32> = &mut means[strip];
            if row.is_empty() {
                row.resize(places * bins, 0.0);
            }
            row[place * bins + bin] += arrived.weight[i];
            self.note(strip, arrived.hit[i], arrived.weight[i]);
        }
        let mut spread: Vec<Vec<f32>> = vec![Vec::new(); means.len()];
        for (strip, row) in means.iter().enumerate() {
            for (at, &mean) in row.iter().enumerate().filter(|(_, mean)| **mean > 0.0) {
                let (cell, bin) = (strip * places + at / bins, at % bins);
                for (k, weights) in blur.weights.chunks_exact(blur.bins).enumerate() {
                    let cell = cell + k - blur.places;
                    let row = &mut spread[cell / places];
                    if row.is_empty() {
                        row.resize(places * bins, 0.0);
                    }
                    let first = (cell % places) * bins + bin - blur.bins_before;
                    let into = &mut row[first..first + blur.bins];
                    into.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += mean * weight);
                }
            }
        }
        for (strip, row) in spread.iter().enumerate() {
            for (at, &mean) in row.iter().enumerate().filter(|(_, mean)| **mean > 1e-7) {
                let own = poisson(share * f64::from(mean), random);
                let other = (1.0 - share) as f32 * mean;
                self.induce(cells, [strip, at / bins, at % bins], own, other);
            }
        }
    }
}

/// A Poisson number: by adding up its probabilities where it is small.
fn poisson(mean: f64, random: &mut Stream) -> f32 {
    if mean > 12.0 {
        return Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(random)) as f32;
    }
    let u: f64 = random.random();
    let mut probability = (-mean).exp();
    let (mut sum, mut n) = (probability, 0.0);
    while u >= sum && n < 100.0 {
        n += 1.0;
        probability *= mean / n;
        sum += probability;
    }
    n as f32
}
