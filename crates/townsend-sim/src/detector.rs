//! The description of a detector, in TOML.

mod gain;
mod gas;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::InputFile;

pub use gain::{EffectiveGain, MeasuredGain};
use gain::{VOLTAGE, VOLTAGE_SUM};
pub use gas::Gas;
use gas::WrittenGas;

use crate::gas::is_zero;
use crate::{Lattice, Polya, Readout, RecordedStages, SimError, Track, Transport};

/// A detector: gas, field, foils and gaps. Every value is checked when the description is read, and the gas
/// table is part of the detector, so that it can be simulated without further files. Serialised, it is a
/// description that gives the same detector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detector {
    /// A name or short description of the detector.
    pub name: String,
    /// The gas and the magnetic field.
    pub gas: Gas,
    /// The holes of every foil.
    pub lattice: Holes,
    /// The gap above the first foil.
    pub drift: Gap,
    /// The foils, from the top, each with the gap below it; the last gap is the induction gap. None where
    /// there are recorded stages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foils: Vec<Foil>,
    /// Stages of recorded responses instead of foils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<RecordedStages>,
    /// The effective gain that the foils are scaled to; without it they have the gains of their own values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<EffectiveGain>,
    /// The charged particle that crosses the drift gap; only needed to simulate tracks.
    pub track: Option<Track>,
    /// The strips of the anode; only needed to read them out.
    pub readout: Option<Readout>,
    /// The `[digitisation]` table: where the anode is, its strips and their electronics, as
    /// `townsend-readout` understands it. The Monte Carlo only keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digitisation: Option<toml::Table>,
    #[serde(skip)]
    files: Vec<InputFile>,
}

/// A detector as its description has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    gas: WrittenGas,
    lattice: Holes,
    drift: Gap,
    #[serde(default)]
    foils: Vec<Foil>,
    #[serde(default)]
    recorded: Option<RecordedStages>,
    #[serde(default)]
    gain: Option<EffectiveGain>,
    #[serde(default)]
    track: Option<Track>,
    #[serde(default)]
    readout: Option<Readout>,
    #[serde(default)]
    digitisation: Option<toml::Table>,
}

/// The `[lattice]` table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holes {
    /// How the holes are arranged.
    #[serde(default, skip_serializing_if = "Arrangement::is_hexagonal")]
    pub kind: Arrangement,
    /// Distance between the centres of neighbouring holes, µm.
    pub pitch_um: f64,
    /// Angle by which the lattice is turned from x towards z, degrees. With 0 its rows are along x.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rotation_deg: f64,
}

/// How the holes of a foil are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrangement {
    /// Each hole has six neighbours.
    #[default]
    Hexagonal,
    /// Each hole has four neighbours.
    Square,
    /// So fine, as a mesh, that every electron is on the axis of a hole of its own: the structure is the same
    /// everywhere.
    None,
}

impl Arrangement {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn is_hexagonal(&self) -> bool {
        *self == Self::Hexagonal
    }
}

/// A gap between two foils, or between a foil and a plane.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Height (distance between its planes), mm.
    pub gap_mm: f64,
    /// Electric field, kV/cm.
    pub field_kv_cm: f64,
}

/// A foil and the gap below it. [`crate::FoilStage`] describes what a foil does to an electron. Lengths are
/// in µm, times in ns; r is the distance of the electron from the axis of the nearest hole, `r_h` that from
/// the axis of hole h.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foil {
    /// The holes of this foil, if they are others than those of the `[lattice]` table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lattice: Option<Holes>,
    /// Probability that an electron gets into a hole and is multiplied there, if it arrives on the hole's
    /// axis.
    pub collection: f64,
    /// Change of ln(c/(1 − c)) with (r/pitch)², where c is that probability.
    #[serde(default)]
    pub collection_slope: f64,
    /// Mean number of electrons that one electron becomes in a hole.
    pub gain: f64,
    /// Parameter θ of the Polya distribution of that number.
    pub theta: f64,
    /// Probability that an electron in a hole leaves it at the lower side.
    pub extraction: f64,
    /// Saturation β: of the n electrons of an avalanche, or of an event of a track, that get into the same
    /// hole, each becomes gain/(1 + β·n·gain) electrons on average, so that a hole makes 1/β at most. 0 for
    /// none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub saturation: f64,
    /// Spread s of the diffusion on the way into a hole: hole h is chosen with a probability in proportion to
    /// `exp(−r_h²/2s²)`. With s = 0 it is the nearest hole.
    pub hole_spread_um: f64,
    /// Fraction of an electron's offset from the hole's axis that its children keep as a common offset.
    #[serde(default)]
    pub offset_retention: f64,
    /// Spread (standard deviation) of the children's common offset from the axis, along each direction.
    #[serde(default)]
    pub common_spread_um: f64,
    /// Spread of each child about the common offset, along each direction.
    pub exit_spread_um: f64,
    /// Mean time from above the foil to below it, for an electron on the axis of a hole.
    pub transit_ns: f64,
    /// Increase of that time with `(r_h/pitch)²`.
    #[serde(default)]
    pub transit_slope_ns: f64,
    /// Spread of that time that is common to the children of an electron.
    pub common_time_spread_ns: f64,
    /// Skewness of that spread: the third moment over the cube of the spread, from −1 to 1. Times with a
    /// larger one have delays ([`Foil::late`]).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub common_time_skewness: f64,
    /// Spread of that time of each child about the common one.
    pub own_time_spread_ns: f64,
    /// Skewness of that spread, from −1 to 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub own_time_skewness: f64,
    /// Height of the gap below, mm.
    pub gap_mm: f64,
    /// Electric field in that gap, kV/cm.
    pub field_kv_cm: f64,
    /// Length of that gap (and of the one above) whose diffusion and drift time the values above already
    /// include, because they were measured at planes inside the gaps, mm.
    #[serde(default)]
    pub included_mm: f64,
    /// What a magnetic field does to the electrons between the planes that the values above hold for. Without
    /// it the foil is symmetric, and the shift by the field is added in the gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub magnetic: Option<Magnetic>,
    /// Electrons that come late; without it none do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Late>,
    /// Conditions that the values above depend on, such as a voltage, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Condition>,
}

/// What a magnetic field does to electrons near a foil and in its holes. The direction of E × B is that of
/// [`Gas::lorentz_shift_deg`]; reflection at it leaves a foil as it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magnetic {
    /// Shift of an electron along E × B on its way into a hole: an electron is collected, and chooses its
    /// hole, as one that starts so much farther on.
    pub entry_shift_um: f64,
    /// Mean shift of the children along E × B, from the axis of the hole.
    pub exit_shift_um: f64,
    /// ln(σ/[`Foil::exit_spread_um`]) of the children's spread σ along E × B; that along B is as much
    /// smaller.
    #[serde(default)]
    pub exit_anisotropy: f64,
    /// Correlation of each child's own displacement along E × B with its own time.
    #[serde(default)]
    pub exit_correlation: f64,
    /// Increase of the mean time for each pitch by which an electron starts beyond the axis along E × B.
    #[serde(default)]
    pub transit_tilt_ns: f64,
}

/// Delays of a part of the electrons, exponentially distributed, as of those that come near the metal above
/// or below a hole, where the field is weak. They are added to the times that a foil has otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Late {
    /// The part of electrons whose children are late together.
    pub fraction: f64,
    /// By how much on average.
    pub delay_ns: f64,
    /// The part of children that are late by themselves.
    pub own_fraction: f64,
    /// By how much on average.
    pub own_delay_ns: f64,
}

/// How a foil depends on something that can be set, such as its voltage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The value of the condition for which the foil's other values hold, in the condition's own unit.
    pub value: f64,
    /// The least and the largest value of the condition in the data that the dependence was fitted to.
    pub range: [f64; 2],
    /// Change of ln(gain) for each unit of the condition.
    #[serde(default)]
    pub ln_gain: f64,
    /// Change of ln(c/(1 − c)) for each unit, where c is the probability of collection.
    #[serde(default)]
    pub collection_odds: f64,
    /// Change of the transit time for each unit, ns.
    #[serde(default)]
    pub transit_ns: f64,
}

/// A condition that all foils of a detector depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedCondition {
    /// Its name, such as `voltage_v`.
    pub name: String,
    /// Its value at each foil, from the top.
    pub values: Vec<f64>,
    /// For each foil the least and the largest value in the data that the dependence was fitted to.
    pub ranges: Vec<[f64; 2]>,
}

impl Detector {
    /// The descriptions that come with the program, by name; the first is the default.
    const SHIPPED: [(&str, &str); 12] = [
        ("cgem", include_str!("../configs/detector/cgem.toml")),
        ("cgem_it", include_str!("../configs/detector/cgem_it.toml")),
        ("guessed", include_str!("../configs/detector/guessed.toml")),
        ("guessed_1t", include_str!("../configs/detector/guessed_1t.toml")),
        ("micromegas", include_str!("../configs/detector/micromegas.toml")),
        ("microscopic_275", include_str!("../configs/detector/microscopic_275.toml")),
        ("planar_triple_gem", include_str!("../configs/detector/planar_triple_gem.toml")),
        ("quadruple_gem", include_str!("../configs/detector/quadruple_gem.toml")),
        ("reference2021", include_str!("../configs/detector/reference2021.toml")),
        ("single_gem", include_str!("../configs/detector/single_gem.toml")),
        ("triple_gem_1t", include_str!("../configs/detector/triple_gem_1t.toml")),
        ("triple_gem_ar_co2", include_str!("../configs/detector/triple_gem_ar_co2.toml")),
    ];

    /// The names of the descriptions that come with the program; the first is the default.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::SHIPPED.iter().map(|&(name, _)| name)
    }

    /// The text of the description with this name among those that come with the program.
    pub fn shipped(name: &str) -> Option<&'static str> {
        Self::SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|&(_, text)| text)
    }

    /// Reads and checks a file with a description. Paths in it start from the folder of the file.
    ///
    /// # Errors
    /// If the file or the gas table that it names cannot be read, or the description is wrong.
    pub fn read(path: &Path) -> Result<Self, SimError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| SimError::Read { file: path.into(), source })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut detector = Self::parse(&text, Some(folder))
            .map_err(|source| SimError::In { file: path.into(), source: source.into() })?;
        detector.files.insert(0, InputFile::of(&path.display().to_string(), text.as_bytes()));
        Ok(detector)
    }

    /// Reads and checks a description. Paths in it start from the current folder.
    ///
    /// # Errors
    /// If a gas table that it names cannot be read, or the description is wrong.
    pub fn from_toml(text: &str) -> Result<Self, SimError> {
        Self::parse(text, Some(Path::new("")))
    }

    /// Reads and checks the description in the files of a model, which names no file outside: a gas table
    /// that does not ship stands in the description itself.
    ///
    /// # Errors
    /// If the description is wrong, or names the file of a gas table.
    pub fn of_model(text: &str) -> Result<Self, SimError> {
        Self::parse(text, None)
    }

    /// Paths start from `folder`; without one they are refused.
    fn parse(text: &str, folder: Option<&Path>) -> Result<Self, SimError> {
        let Written { name, gas, lattice, drift, foils, recorded, gain, track, readout, digitisation } =
            toml::from_str(text)?;
        let (gas, file) = gas.resolve(folder)?;
        let files = file.into_iter().collect();
        let detector =
            Self { name, gas, lattice, drift, foils, recorded, gain, track, readout, digitisation, files };
        detector.check()?;
        Ok(detector)
    }

    /// The files that the detector was read from: its description and its gas table, as far as these are
    /// files.
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Adds a file that the detector was read from.
    pub fn add_file(&mut self, file: InputFile) {
        self.files.push(file);
    }

    /// The conditions that every foil depends on, by name.
    pub fn conditions(&self) -> Vec<SharedCondition> {
        let Some((first, others)) = self.foils.split_first() else { return Vec::new() };
        let shared = |name: &&String| others.iter().all(|foil| foil.conditions.contains_key(*name));
        let of_foils = |name: &String| {
            let of_foil = |foil: &Foil| foil.conditions[name];
            SharedCondition {
                name: name.clone(),
                values: self.foils.iter().map(|foil| of_foil(foil).value).collect(),
                ranges: self.foils.iter().map(|foil| of_foil(foil).range).collect(),
            }
        };
        first.conditions.keys().filter(shared).map(of_foils).collect()
    }

    /// Sets a condition of the foils, from the top: one value for all of them, or one for each. Returns a
    /// warning for each foil whose value is outside the range of the data that the dependence was fitted to.
    ///
    /// `voltage_sum_v` takes one value, the sum of the foils' `voltage_v`, each of which changes by as much.
    ///
    /// # Errors
    /// If there are neither one nor as many values as foils, a foil does not depend on this condition, a
    /// value lies outside that range by more than its width, or a parameter is outside its limits afterwards.
    pub fn set_condition(&mut self, name: &str, values: &[f64]) -> Result<Vec<String>, SimError> {
        if self.recorded.is_some() {
            return Err(SimError::Condition {
                what: format!("recorded responses do not depend on {name}"),
                remedy: "record responses under other conditions, and learn each by itself".into(),
            });
        }
        let foils = self.foils.len();
        let own = self.foils.iter().any(|foil| foil.conditions.contains_key(name));
        if name == VOLTAGE_SUM && !own {
            let [sum] = *values else {
                return Err(SimError::Condition {
                    what: format!("{} values of {VOLTAGE_SUM}, which is one number", values.len()),
                    remedy: format!("give the sum of the foils' voltages, or {VOLTAGE} for each foil"),
                });
            };
            return self.set_condition(VOLTAGE, &self.voltages_of_sum(sum)?);
        }
        if values.len() != 1 && values.len() != foils {
            return Err(SimError::Condition {
                what: format!("{} values of {name} for {foils} foils", values.len()),
                remedy: "give one for all foils or one for each, separated by commas".into(),
            });
        }
        let before = self.clone();
        let mut outside = Vec::new();
        for (k, (foil, &value)) in self.foils.iter_mut().zip(values.iter().cycle()).enumerate() {
            let at = format!("foils[{k}]");
            if let Some([low, high]) = foil.set_condition(name, value, &at)? {
                outside.push(format!(
                    "{at}: {name} = {value} is outside {low} to {high}, from which its dependence is known: extrapolated"
                ));
            }
            foil.check(&at)?;
        }
        outside.extend(self.follow(&before)?);
        Ok(outside)
    }

    /// Transport coefficients in an electric field of `field_kv_cm`, kV/cm, with the scales of the
    /// description.
    ///
    /// # Errors
    /// If the field is outside the gas table.
    pub fn transport(&self, field_kv_cm: f64) -> Result<Transport, SimError> {
        self.gas.transport(field_kv_cm)
    }

    /// The lattice of the holes of foil `k`, from the top; where there is no such foil, that of the detector.
    pub fn lattice_of(&self, k: usize) -> Lattice {
        let own = self.foils.get(k).and_then(|foil| foil.lattice.as_ref());
        Lattice::of(own.unwrap_or(&self.lattice))
    }

    /// The gap below each foil or recorded structure, from the top, and its `included_mm`.
    pub fn gaps(&self) -> Vec<(Gap, f64)> {
        let foils = self.foils.iter().map(|foil| (foil.gap(), foil.included_mm));
        let recorded = self.recorded.iter().flat_map(|recorded| &recorded.stages);
        foils.chain(recorded.map(|stage| (stage.gap(), stage.included_mm))).collect()
    }

    /// Lengths of the gaps above and below a foil or recorded structure that its values already hold, mm:
    /// half of a gap's `included_mm` is taken to lie below its own foil and half above the next one, and
    /// above the first foil as much as below it. Foils are counted from 0; where there is none it is 0.
    pub fn included_mm(&self, foil: usize) -> [f64; 2] {
        let gaps = self.gaps();
        let of_gap = |k: usize| gaps.get(k).map_or(0.0, |(_, included_mm)| *included_mm);
        let below = |k: usize| of_gap(k) * if k + 1 < gaps.len() { 0.5 } else { 1.0 };
        [below(foil.saturating_sub(1)), below(foil)]
    }

    fn check(&self) -> Result<(), SimError> {
        self.gas.check()?;
        self.lattice.check("lattice")?;
        self.drift.check("drift")?;
        self.gain.as_ref().map_or(Ok(()), EffectiveGain::check)?;
        self.track.as_ref().map_or(Ok(()), Track::check)?;
        self.readout.as_ref().map_or(Ok(()), Readout::check)?;
        if let Some(recorded) = &self.recorded {
            if !self.foils.is_empty() {
                return Err(SimError::Recorded {
                    what: "there are foils and recorded stages".into(),
                    remedy: "leave out [[foils]] or [recorded]".into(),
                });
            }
            if self.gain.is_some() {
                return Err(SimError::Recorded {
                    what: "there are recorded stages, and a [gain] table scales foils".into(),
                    remedy: "leave out [gain]: recorded responses have their own".into(),
                });
            }
            recorded.check(&self.gas)?;
        }
        let (what, number) = match &self.recorded {
            Some(recorded) => ("recorded stages", recorded.stages.len()),
            None => ("foils", self.foils.len()),
        };
        if !(1..=10).contains(&number) {
            return Err(SimError::Range {
                key: format!("the number of {what}"),
                value: number.to_string(),
                allowed: "from 1 to 10".into(),
            });
        }
        for (k, foil) in self.foils.iter().enumerate() {
            foil.check(&format!("foils[{k}]"))?;
            // Saturation counts the electrons of a hole.
            if self.lattice_of(k).arrangement() == Arrangement::None {
                within(
                    &format!("foils[{k}].saturation, of a foil without a lattice of holes,"),
                    foil.saturation,
                    0.0,
                    0.0,
                )?;
            }
        }
        Ok(())
    }
}

impl Holes {
    fn check(&self, at: &str) -> Result<(), SimError> {
        within(&format!("{at}.pitch_um"), self.pitch_um, 1.0, 10_000.0)?;
        within(&format!("{at}.rotation_deg"), self.rotation_deg, -360.0, 360.0)
    }
}

impl Gap {
    pub(crate) fn check(self, at: &str) -> Result<(), SimError> {
        within(&format!("{at}.gap_mm"), self.gap_mm, 0.0, 1_000.0)?;
        within(&format!("{at}.field_kv_cm"), self.field_kv_cm, 0.01, 100.0)
    }
}

impl Foil {
    /// The gap below.
    pub fn gap(&self) -> Gap {
        Gap { gap_mm: self.gap_mm, field_kv_cm: self.field_kv_cm }
    }

    /// Sets a condition and changes the parameters accordingly. Returns the range of the dependence's data if
    /// the value is outside it.
    fn set_condition(&mut self, name: &str, value: f64, at: &str) -> Result<Option<[f64; 2]>, SimError> {
        let Some(condition) = self.conditions.get_mut(name) else {
            let known: Vec<_> = self.conditions.keys().map(String::as_str).collect();
            return Err(SimError::Condition {
                what: format!("{at} does not depend on {name}"),
                remedy: match &known[..] {
                    [] => "train a cascade with responses under several conditions".into(),
                    known => format!("it depends on {}", known.join(", ")),
                },
            });
        };
        condition.refuse_far(&format!("{at}: {name}"), value)?;
        let change = value - condition.value;
        condition.value = value;
        self.gain *= (condition.ln_gain * change).exp();
        let odds = (self.collection / (1.0 - self.collection)).ln() + condition.collection_odds * change;
        self.collection = 1.0 / (1.0 + (-odds).exp());
        self.transit_ns += condition.transit_ns * change;
        let [low, high] = condition.range;
        Ok((value < low || value > high).then_some([low, high]))
    }

    /// Checks that every value is within its limits, as is done when a description is read.
    ///
    /// # Errors
    /// [`SimError::Range`], which names the value after `at`, such as `foils[0]`.
    pub fn check(&self, at: &str) -> Result<(), SimError> {
        let limits = [
            ("collection", self.collection, 0.0, 1.0),
            ("collection_slope", self.collection_slope, -1_000.0, 1_000.0),
            ("gain", self.gain, 0.0, Polya::MAXIMUM_MEAN),
            ("theta", self.theta, -0.5, 100.0),
            ("extraction", self.extraction, 0.0, 1.0),
            ("saturation", self.saturation, 0.0, 1.0),
            ("hole_spread_um", self.hole_spread_um, 0.0, 10_000.0),
            ("offset_retention", self.offset_retention, -1.0, 1.0),
            ("common_spread_um", self.common_spread_um, 0.0, 10_000.0),
            ("exit_spread_um", self.exit_spread_um, 0.0, 10_000.0),
            ("transit_ns", self.transit_ns, 0.0, 1e6),
            ("transit_slope_ns", self.transit_slope_ns, -1e6, 1e6),
            ("common_time_spread_ns", self.common_time_spread_ns, 0.0, 1e6),
            ("common_time_skewness", self.common_time_skewness, -1.0, 1.0),
            ("own_time_spread_ns", self.own_time_spread_ns, 0.0, 1e6),
            ("own_time_skewness", self.own_time_skewness, -1.0, 1.0),
        ];
        for (name, value, low, high) in limits {
            within(&format!("{at}.{name}"), value, low, high)?;
        }
        self.lattice.as_ref().map_or(Ok(()), |lattice| lattice.check(&format!("{at}.lattice")))?;
        within(&format!("{at}.included_mm"), self.included_mm, 0.0, self.gap_mm)?;
        self.magnetic.as_ref().map_or(Ok(()), |magnetic| magnetic.check(&format!("{at}.magnetic")))?;
        self.late.as_ref().map_or(Ok(()), |late| late.check(&format!("{at}.late")))?;
        for (name, condition) in &self.conditions {
            condition.check(&format!("{at}.conditions.{name}"))?;
        }
        self.gap().check(at)
    }
}

impl Magnetic {
    fn check(&self, at: &str) -> Result<(), SimError> {
        let limits = [
            ("entry_shift_um", self.entry_shift_um, -10_000.0, 10_000.0),
            ("exit_shift_um", self.exit_shift_um, -10_000.0, 10_000.0),
            ("exit_anisotropy", self.exit_anisotropy, -3.0, 3.0),
            ("exit_correlation", self.exit_correlation, -1.0, 1.0),
            ("transit_tilt_ns", self.transit_tilt_ns, -1e6, 1e6),
        ];
        limits
            .into_iter()
            .try_for_each(|(name, value, low, high)| within(&format!("{at}.{name}"), value, low, high))
    }
}

impl Late {
    fn check(&self, at: &str) -> Result<(), SimError> {
        let limits = [
            ("fraction", self.fraction, 1.0),
            ("delay_ns", self.delay_ns, 1e6),
            ("own_fraction", self.own_fraction, 1.0),
            ("own_delay_ns", self.own_delay_ns, 1e6),
        ];
        limits
            .into_iter()
            .try_for_each(|(name, value, high)| within(&format!("{at}.{name}"), value, 0.0, high))
    }
}

impl Condition {
    /// Refuses a value too far from the data. The parameters follow straight lines fitted to data within
    /// `range`; up to the width of this range beyond its ends they are extrapolated, where their errors are
    /// up to √5 times those at the ends. Nothing supports them farther out. A range of positive values, as
    /// voltages are, supports neither 0 nor values of the other sign.
    fn refuse_far(&self, key: &str, value: f64) -> Result<(), SimError> {
        let [low, high] = self.range;
        let width = (high - low).max(0.0);
        let (least, most) = (low - width, high + width);
        let of_other_sign = low > 0.0 && value <= 0.0 || high < 0.0 && value >= 0.0;
        if (least..=most).contains(&value) && !of_other_sign {
            return Ok(());
        }
        let allowed = if low > 0.0 && least <= 0.0 {
            format!("above 0 and at most {most}")
        } else if high < 0.0 && most >= 0.0 {
            format!("at least {least} and below 0")
        } else {
            format!("from {least} to {most}")
        };
        Err(SimError::Range {
            key: key.into(),
            value: value.to_string(),
            allowed: format!(
                "{allowed}: its effect is known from {low} to {high}, and extrapolated no farther than that is wide"
            ),
        })
    }

    fn check(&self, at: &str) -> Result<(), SimError> {
        let [low, high] = self.range;
        let values = [
            ("value", self.value),
            ("range[0]", low),
            ("range[1]", high),
            ("ln_gain", self.ln_gain),
            ("collection_odds", self.collection_odds),
            ("transit_ns", self.transit_ns),
        ];
        values.into_iter().try_for_each(|(name, value)| within(&format!("{at}.{name}"), value, -1e12, 1e12))
    }
}

/// Checks that `low <= value <= high`; NaN is refused.
///
/// # Errors
/// [`SimError::Range`] with `key` as the name of the value.
pub fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), SimError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(SimError::Range {
        key: key.into(),
        value: value.to_string(),
        allowed: format!("from {low} to {high}"),
    })
}
