//! The gain of a detector as it is measured, and what it depends on.

use serde::{Deserialize, Serialize};

use super::{Detector, Foil, Polya, within};
use crate::gas::State;
use crate::{Lattice, SimError};

/// The condition that is the voltage across a foil, V.
pub(super) const VOLTAGE: &str = "voltage_v";
/// What sets the voltages of all foils at once: their sum, V.
pub(super) const VOLTAGE_SUM: &str = "voltage_sum_v";

/// The `[gain]` table: the effective gain of the detector, which that of the foils' own values is scaled to.
///
/// The effective gain is the mean number of electrons at the anode for an electron that arrives anywhere over
/// the cell of a hole of the first foil: with collection, extraction and what the gaps attach and multiply,
/// and without saturation. The gains of all foils are multiplied by one factor, the n-th root for n foils, so
/// that fluctuations follow from the model. A condition that changes the foils' gains later on changes the
/// effective gain with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectiveGain {
    /// The effective gain under the conditions of the description; without it that of `measured`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<f64>,
    /// Effective gains that were measured at several voltages. Between them ln G is linear in the sum of the
    /// foils' voltages, and beyond them goes on as in the last interval; with less than two, the gain follows
    /// the foils' own slopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<MeasuredGain>,
    /// Pressure of the gas that the gains hold for, Torr; without it that of the gas table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pressure_torr: Option<f64>,
    /// Temperature of the gas that the gains hold for, K; without it that of the gas table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_k: Option<f64>,
}

/// An effective gain that was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredGain {
    /// Sum of the voltages of all foils, V.
    pub voltage_sum_v: f64,
    /// The effective gain.
    pub gain: f64,
}

/// Largest effective gain. Chosen, not fitted: a hundred times what gas detectors of this kind reach before
/// they discharge.
const LARGEST: f64 = 1e8;
/// Places along each lattice vector at which the collection is averaged over the cell of a hole. Chosen, not
/// fitted: the mean changes by less than 10⁻⁴ of itself with four times as many.
const PLACES: usize = 96;

impl EffectiveGain {
    pub(super) fn check(&self) -> Result<(), SimError> {
        if self.effective.is_none() && self.measured.is_empty() {
            return Err(SimError::Range {
                key: "gain.effective".into(),
                value: "missing".into(),
                allowed: format!("from 1e-6 to {LARGEST:e}, or gain.measured a list of voltages and gains"),
            });
        }
        self.effective.map_or(Ok(()), |gain| within("gain.effective", gain, 1e-6, LARGEST))?;
        for (k, at) in self.measured.iter().enumerate() {
            let above = match k {
                0 => 0.0,
                // Apart by more than rounding, or the slope between them means nothing.
                _ => self.measured[k - 1].voltage_sum_v + 1e-3,
            };
            within(&format!("gain.measured[{k}].voltage_sum_v"), at.voltage_sum_v, above, 1e6)?;
            within(&format!("gain.measured[{k}].gain"), at.gain, 1e-6, LARGEST)?;
        }
        self.state().check("gain.")
    }

    fn state(&self) -> State {
        State { pressure_torr: self.pressure_torr, temperature_k: self.temperature_k }
    }

    /// The measured gain at this sum of voltages; none if there are less than two.
    fn measured_at(&self, sum_v: f64) -> Option<f64> {
        let last = self.measured.len().checked_sub(2)?;
        let above = self.measured.partition_point(|at| at.voltage_sum_v <= sum_v);
        let low = above.saturating_sub(1).min(last);
        let [a, b] = [self.measured[low], self.measured[low + 1]];
        let slope = (b.gain / a.gain).ln() / (b.voltage_sum_v - a.voltage_sum_v);
        Some(a.gain * (slope * (sum_v - a.voltage_sum_v)).exp())
    }

    /// The range of the measured voltages, if there are two or more.
    fn range(&self) -> Option<[f64; 2]> {
        match &self.measured[..] {
            [first, .., last] => Some([first.voltage_sum_v, last.voltage_sum_v]),
            _ => None,
        }
    }
}

impl Detector {
    /// The voltages of the foils, from the top, V; none unless all foils say how they depend on it.
    pub fn voltages(&self) -> Option<Vec<f64>> {
        self.foils.iter().map(|foil| Some(foil.conditions.get(VOLTAGE)?.value)).collect()
    }

    /// The voltages that add up to `sum_v`, all of them raised or lowered by as much.
    pub(super) fn voltages_of_sum(&self, sum_v: f64) -> Result<Vec<f64>, SimError> {
        let now = self.voltages().ok_or_else(|| SimError::Condition {
            what: format!("{VOLTAGE_SUM} needs the voltage of every foil, and a foil has none"),
            remedy: format!(
                "give each foil a table [foils.conditions.{VOLTAGE}], as configs/detector/cgem.toml has it"
            ),
        })?;
        let raised = (sum_v - now.iter().sum::<f64>()) / now.len() as f64;
        Ok(now.into_iter().map(|voltage| voltage + raised).collect())
    }

    /// The effective gain without saturation: that of the `[gain]` table, or that of the foils' own values,
    /// in the gas at its pressure and temperature.
    ///
    /// It supposes that electrons reach each foil evenly over the cell of a hole, as they do if their spread
    /// is above a third of the pitch: then what the lattice of the foil above leaves is below 10⁻³.
    ///
    /// # Errors
    /// A field is outside the gas table, or what the `[gain]` table says cannot be reached.
    pub fn effective_gain(&self) -> Result<f64, SimError> {
        self.gain_of(&self.calibrated_foils()?)
    }

    /// The part of the electrons over a cell of the first foil that get into a hole and are multiplied there.
    pub fn collected(&self) -> f64 {
        self.foils.first().map_or(0.0, |foil| mean_collection(foil, self.lattice_of(0)))
    }

    /// The product of what foils and gaps multiply by.
    fn gain_of(&self, foils: &[Foil]) -> Result<f64, SimError> {
        let mut product = 1.0;
        for (k, foil) in foils.iter().enumerate() {
            let kept = self.kept(foil)?;
            product *= mean_collection(foil, self.lattice_of(k)) * foil.gain * foil.extraction * kept;
        }
        Ok(product)
    }

    /// What the gap below a foil multiplies by.
    fn kept(&self, foil: &Foil) -> Result<f64, SimError> {
        if foil.gap_mm == 0.0 {
            return Ok(1.0);
        }
        let transport = self.transport(foil.field_kv_cm)?;
        let rate = transport.townsend_per_mm - transport.attachment_per_mm;
        Ok((rate * (foil.gap_mm - foil.included_mm)).exp())
    }

    /// The effective gain that the `[gain]` table says, if there is one.
    fn said_gain(&self) -> Result<Option<f64>, SimError> {
        let Some(gain) = &self.gain else { return Ok(None) };
        if gain.effective.is_some() {
            return Ok(gain.effective);
        }
        if let [only] = gain.measured[..] {
            return Ok(Some(only.gain));
        }
        let voltages = self.voltages().ok_or_else(|| SimError::Condition {
            what: "gain.measured has gains by voltage, and a foil has no voltage".into(),
            remedy: format!("give each foil a table [foils.conditions.{VOLTAGE}], or give gain.effective"),
        })?;
        Ok(gain.measured_at(voltages.iter().sum()))
    }

    /// The foils with the gains that they have in this detector: scaled to the effective gain, and at the
    /// density of its gas.
    ///
    /// What happens between two collisions depends on E/N alone, so that ln g of an avalanche along a path is
    /// N times a function of V/N (Townsend's similarity; Blum, Riegler and Rolandi, Particle Detection with
    /// Drift Chambers). With ln g = ln g₀ + s (V − V₀) at the density N₀ that is, at N = n N₀, ln g = n
    /// (ln g₀ − s V₀) + s V: the slope s by volt stays, and a higher density lowers the gain.
    pub(crate) fn calibrated_foils(&self) -> Result<Vec<Foil>, SimError> {
        let mut foils = self.foils.clone();
        let (Some(gain), Some(said)) = (&self.gain, self.said_gain()?) else { return Ok(foils) };
        let own = self.gain_of(&foils)?;
        let factor = (said / own).powf(1.0 / foils.len() as f64);
        if !factor.is_normal() {
            return Err(SimError::Range {
                key: "the gain of the foils' own values".into(),
                value: own.to_string(),
                allowed: "above 0, to be scaled to that of [gain]".into(),
            });
        }
        let density = self.gas.density_over(gain.state());
        for (k, foil) in foils.iter_mut().enumerate() {
            foil.gain *= factor;
            // Within rounding it is the same gas, and the gain is not touched.
            if (density - 1.0).abs() > 1e-12 {
                let voltage = foil.conditions.get(VOLTAGE).ok_or_else(|| SimError::Condition {
                    what: format!(
                        "the gas has {density:.4} times the density that [gain] holds for, and foils[{k}] does not say how its gain \
                         depends on the voltage"
                    ),
                    remedy: format!(
                        "give it a table [foils.conditions.{VOLTAGE}], or give the pressure and temperature in [gain]"
                    ),
                })?;
                let of_voltage = voltage.ln_gain * voltage.value;
                foil.gain = (density * (foil.gain.ln() - of_voltage) + of_voltage).exp();
            }
            let key = format!("foils[{k}].gain, scaled to [gain] and the density of the gas,");
            within(&key, foil.gain, 0.0, Polya::MAXIMUM_MEAN)?;
        }
        Ok(foils)
    }

    /// Lets the effective gain of the `[gain]` table follow a condition that was set: `before` is the
    /// detector as it was. Returns a warning if the voltages are outside those of the measured gains.
    pub(super) fn follow(&mut self, before: &Self) -> Result<Option<String>, SimError> {
        let (Some(gain), Some(said)) = (&self.gain, before.said_gain()?) else { return Ok(None) };
        let sums = [before, self].map(|detector| detector.voltages().map(|each| each.iter().sum::<f64>()));
        let mut warning = None;
        let ratio = match sums {
            [Some(old), Some(new)] if gain.measured.len() > 1 && old.to_bits() != new.to_bits() => {
                let [low, high] = gain.range().unwrap_or_default();
                let width = high - low;
                within("the sum of the foils' voltages", new, low - width, high + width)?;
                warning = (new < low || new > high).then(|| {
                    format!(
                        "the voltages add up to {new} V, outside {low} to {high} V of the measured gains: extrapolated"
                    )
                });
                gain.measured_at(new).zip(gain.measured_at(old)).map(|(new, old)| new / old)
            }
            _ => None,
        };
        let ratio = match ratio {
            Some(ratio) => ratio,
            None => self.gain_of(&self.foils)? / before.gain_of(&before.foils)?,
        };
        if let Some(gain) = &mut self.gain {
            gain.effective = Some(said * ratio);
        }
        Ok(warning)
    }
}

/// The mean probability of collection over the cell of a hole.
fn mean_collection(foil: &Foil, lattice: Lattice) -> f64 {
    let odds = (foil.collection / (1.0 - foil.collection)).ln();
    let collected = |square: f64| 1.0 / (1.0 + (-(odds + foil.collection_slope * square)).exp());
    if foil.collection_slope == 0.0 {
        return foil.collection;
    }
    let at = |i: usize| (i as f32 + 0.5) / PLACES as f32;
    let pitch_squared = f64::from(lattice.pitch_mm()).powi(2);
    let places = (0..PLACES).flat_map(|i| (0..PLACES).map(move |j| lattice.place_in_cell(at(i), at(j))));
    let sum: f64 = places.map(|(x, z)| collected(f64::from(x * x + z * z) / pitch_squared)).sum();
    sum / (PLACES * PLACES) as f64
}
