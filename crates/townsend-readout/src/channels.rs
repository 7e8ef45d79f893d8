//! What is particular of channels: gains, thresholds, noise, and dead ones.

use rand_distr::{Distribution, StandardNormal};
use serde::Deserialize;
use townsend_core::{Purpose, stream};
use townsend_sim::{SimError, within};

use crate::electronics::FrontEnd;
use crate::geometry::Place;

/// The `[digitisation.channels]` table: how channels differ from each other. The default is not at all.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// Relative spread of gains from channel to channel.
    #[serde(default)]
    pub gain_spread: f64,
    /// Spread of thresholds from channel to channel, fC.
    #[serde(default)]
    pub threshold_spread_fc: f64,
    /// What gains and thresholds are drawn with: the same for all events of a detector.
    #[serde(default)]
    pub seed: u64,
    /// What is known of some channels; where rows name the same channel, the last one counts.
    #[serde(default)]
    pub rows: Vec<ChannelRow>,
}

/// What is known of some channels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct ChannelRow {
    /// The layer; without it all of them.
    pub layer: Option<u32>,
    /// The sheet; without it all of them.
    pub sheet: Option<u32>,
    /// The view; without it all of them.
    pub view: Option<u8>,
    /// The first and the last strip; without them all of them.
    pub strips: Option<[u32; 2]>,
    /// The factor on their charge, which multiplies that of the spread.
    pub gain: Option<f64>,
    /// Their threshold, fC of a charge that arrives at once, in place of the chip's and its spread.
    pub threshold_fc: Option<f64>,
    /// Their noise, electrons, in place of the chip's.
    pub noise_e: Option<f64>,
    /// Whether they are dead.
    pub dead: Option<bool>,
}

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Channel {
    pub(crate) gain: f32,
    pub(crate) threshold_fc: f64,
    pub(crate) noise_e: f64,
    pub(crate) dead: bool,
}

/// All channels: by layer, sheet, view and strip.
pub(crate) type AllChannels = Vec<Vec<Vec<Vec<Channel>>>>;

/// Thresholds do not fall below this part of the chip's.
const LEAST_THRESHOLD: f64 = 0.1;

impl Channels {
    const PURPOSE: Purpose = Purpose::new("channels");

    pub(crate) fn check(&self) -> Result<(), SimError> {
        within("digitisation.channels.gain_spread", self.gain_spread, 0.0, 1.0)?;
        within("digitisation.channels.threshold_spread_fc", self.threshold_spread_fc, 0.0, 100.0)?;
        for (k, row) in self.rows.iter().enumerate() {
            let key = |name: &str| format!("digitisation.channels.rows[{k}].{name}");
            within(&key("gain"), row.gain.unwrap_or(1.0), 0.0, 100.0)?;
            within(&key("threshold_fc"), row.threshold_fc.unwrap_or(1.0), 1e-4, 1e4)?;
            within(&key("noise_e"), row.noise_e.unwrap_or(0.0), 0.0, 1e6)?;
            let [first, last] = row.strips.unwrap_or_default();
            within(&key("strips[1]"), last.into(), first.into(), 1e9)?;
        }
        Ok(())
    }

    /// Every channel of the layers.
    ///
    /// # Errors
    /// A row names a channel that is not there.
    pub(crate) fn all(&self, places: &[Place], chip: &FrontEnd) -> Result<AllChannels, SimError> {
        let mut used = vec![false; self.rows.len()];
        let mut number = 0;
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            let mut of_layer = Vec::new();
            for ((sheet, views), &pads) in place.sheets.iter().zip(&place.pads) {
                let mut of_sheet = Vec::new();
                let strips: Vec<u32> = views.iter().map(|view| view.strips).collect();
                let strips = if pads { vec![strips.iter().product()] } else { strips };
                for (view, strips) in strips.into_iter().enumerate() {
                    let mut of_view = Vec::new();
                    for strip in 0..strips {
                        let mut channel = self.drawn(number, chip);
                        number += 1;
                        for (row, used) in self.rows.iter().zip(&mut used) {
                            if row.names(place.layer, *sheet, view as u8, strip) {
                                row.apply(&mut channel);
                                *used = true;
                            }
                        }
                        of_view.push(channel);
                    }
                    of_sheet.push(of_view);
                }
                of_layer.push(of_sheet);
            }
            all.push(of_layer);
        }
        match used.iter().position(|used| !used) {
            None => Ok(all),
            Some(row) => Err(SimError::Condition {
                what: format!(
                    "digitisation.channels: row {row} names no channel of the detector ({:?})",
                    self.rows[row]
                ),
                remedy: "correct its layer, sheet, view or strips, or leave it out".into(),
            }),
        }
    }

    /// A channel as the spreads have it.
    fn drawn(&self, number: u64, chip: &FrontEnd) -> Channel {
        let mut random = stream(self.seed, Self::PURPOSE, number);
        let [gain, threshold]: [f64; 2] = std::array::from_fn(|_| StandardNormal.sample(&mut random));
        let least = LEAST_THRESHOLD * chip.threshold_fc();
        Channel {
            gain: (1.0 + self.gain_spread * gain).max(0.0) as f32,
            threshold_fc: (chip.threshold_fc() + self.threshold_spread_fc * threshold).max(least),
            noise_e: chip.noise_e(),
            dead: false,
        }
    }
}

impl ChannelRow {
    fn names(&self, layer: u32, sheet: u32, view: u8, strip: u32) -> bool {
        self.layer.is_none_or(|own| own == layer)
            && self.sheet.is_none_or(|own| own == sheet)
            && self.view.is_none_or(|own| own == view)
            && self.strips.is_none_or(|[first, last]| (first..=last).contains(&strip))
    }

    fn apply(&self, channel: &mut Channel) {
        channel.gain *= self.gain.unwrap_or(1.0) as f32;
        channel.threshold_fc = self.threshold_fc.unwrap_or(channel.threshold_fc);
        channel.noise_e = self.noise_e.unwrap_or(channel.noise_e);
        channel.dead = self.dead.unwrap_or(channel.dead);
    }
}
