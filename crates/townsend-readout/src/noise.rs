//! Hits of noise alone.

use rand::RngExt;
use rand_distr::{Distribution, Poisson};
use townsend_core::{Purpose, Stream, stream};

use crate::digit::{Digit, Digitised};
use crate::digitiser::Digitiser;

/// How many hits of noise each channel has in a window, added up over all channels.
#[derive(Debug)]
pub(crate) struct NoiseHits {
    /// Layer, sheet, view and strip of each channel with noise.
    channels: Vec<[u32; 4]>,
    /// The mean number of hits of this channel and all before it.
    sums: Vec<f64>,
}

impl NoiseHits {
    /// The channels of a detector; none if it has no noise.
    pub(crate) fn of(digitiser: &Digitiser) -> Self {
        let mut hits = Self { channels: Vec::new(), sums: Vec::new() };
        let mut sum = 0.0;
        for (layer, sheets) in digitiser.channels.iter().enumerate() {
            for (sheet, views) in sheets.iter().enumerate() {
                for (view, strips) in views.iter().enumerate() {
                    for (strip, channel) in strips.iter().enumerate().filter(|(_, channel)| !channel.dead) {
                        let rate =
                            digitiser.front_end.noise_rate_per_ns(channel.threshold_fc, channel.noise_e);
                        if rate > 0.0 {
                            sum += rate * digitiser.window_ns;
                            hits.sums.push(sum);
                            hits.channels.push([layer, sheet, view, strip].map(|k| k as u32));
                        }
                    }
                }
            }
        }
        hits
    }
}

impl Digitiser {
    const NOISE: Purpose = Purpose::new("digitise noise");

    /// Adds hits of noise to channels without a digit, evenly over a window from time 0. They have random
    /// numbers of their own, so that those of the signals stay the same.
    pub(crate) fn add_noise_hits(&self, seed: u64, index: u64, digitised: &mut Digitised) {
        let Some(noise) = &self.noise_hits else { return };
        let mut random = stream(seed, Self::NOISE, index);
        let mean = noise.sums.last().copied().unwrap_or(0.0);
        let number = Poisson::new(mean).map_or(0.0, |poisson| poisson.sample(&mut random)) as u64;
        let mut added: Vec<Digit> = (0..number).map(|_| self.noise_hit(noise, mean, &mut random)).collect();
        let place = |digit: &Digit| (digit.layer, digit.sheet, digit.view, digit.strip);
        added.retain(|noise| digitised.digits.iter().all(|digit| place(digit) != place(noise)));
        if added.is_empty() {
            return;
        }
        digitised.digits.append(&mut added);
        let mut order: Vec<usize> = (0..digitised.digits.len()).collect();
        order.sort_by_key(|&k| place(&digitised.digits[k]));
        digitised.digits = order.iter().map(|&k| digitised.digits[k]).collect();
        for waveform in &mut digitised.waveforms {
            waveform.digit = order.iter().position(|&k| k == waveform.digit).unwrap_or(waveform.digit);
        }
    }

    fn noise_hit(&self, noise: &NoiseHits, mean: f64, random: &mut Stream) -> Digit {
        let at = mean * random.random::<f64>();
        let k = noise.sums.partition_point(|sum| *sum <= at).min(noise.channels.len() - 1);
        let at @ [layer, sheet, view, strip] = noise.channels[k].map(|k| k as usize);
        let channel = &self.channels[layer][sheet][view][strip];
        let time = self.window_ns * random.random::<f64>();
        let read = self.front_end.noise_reading(channel.threshold_fc, channel.noise_e, time, random);
        self.digit(at, &read, None)
    }
}
