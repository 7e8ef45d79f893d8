//! The `[digitisation]` table of a detector.

use serde::Deserialize;
use townsend_sim::{Detector, SimError, within};

use crate::channels::Channels;
use crate::geometry::MOST_VIEWS;
use crate::share::upper_share;

/// What becomes of the electrons at the anode: the strips of every layer and their electronics.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digitisation {
    /// Mean energy that frees an electron, eV; for ionisation by deposit.
    pub w_ev: f64,
    /// Fano factor: variance over mean of the number of electrons that a deposit frees.
    pub fano: f64,
    /// Width of the time bins in which charge is summed, ns.
    #[serde(default = "five")]
    pub time_bin_ns: f64,
    /// Charge that arrives later than this after the first of its layer is left out and told, ns.
    #[serde(default = "a_microsecond")]
    pub window_ns: f64,
    /// Strips on either side of the one that collects whose induced charge is followed.
    #[serde(default = "four")]
    pub neighbours: usize,
    /// The cross section of the anode, which two views of strips share the electrons by.
    #[serde(default)]
    pub anode: Option<Anode>,
    /// The part of the electrons that end on each view; for sheets with another number of views than two.
    #[serde(default)]
    pub shares: Vec<f64>,
    /// The chip.
    pub electronics: Electronics,
    /// How its channels differ.
    #[serde(default)]
    pub channels: Channels,
    /// The layers of the detector.
    pub layers: Vec<Layer>,
}

/// The cross section of an anode with two layers of strips.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anode {
    /// Distance between strips of a view, µm.
    pub pitch_um: f64,
    /// Widths of X and V strips, µm.
    pub widths_um: [f64; 2],
    /// Height of the V strips above the X strips, µm.
    pub height_um: f64,
    /// Thickness of the V strips, µm.
    #[serde(default = "five")]
    pub thickness_um: f64,
    /// Relative permittivity of the insulator between the two.
    pub permittivity: f64,
    /// Where the insulator is.
    pub insulator: Insulator,
    /// The part of electrons that end on X strips; without it it follows from the cross section.
    #[serde(default)]
    pub x_share: Option<f64>,
}

/// Where the insulator between two layers of strips is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Insulator {
    /// Under the upper strips only.
    Under,
    /// Between the two layers everywhere.
    Everywhere,
    /// Nowhere.
    None,
}

/// The chip and what is connected to it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Electronics {
    /// Its name: `tiger`, `apv25`, `vmm3`, `sampa` or `ideal`.
    pub chip: String,
    /// Capacitance at its input, pF.
    #[serde(default)]
    pub capacitance_pf: f64,
    /// Threshold, fC of a charge that arrives at once; without it the chip's own.
    #[serde(default)]
    pub threshold_fc: Option<f64>,
    /// Equivalent noise charge, electrons; without it the chip's own at this capacitance.
    #[serde(default)]
    pub noise_e: Option<f64>,
    /// Peaking time, ns, of chips that have several.
    #[serde(default)]
    pub peaking_ns: Option<f64>,
    /// The part of a strip's current that its first and its second neighbour on either side see too.
    #[serde(default)]
    pub crosstalk: [f64; 2],
    /// How long after a digit a strip can give the next one, ns; without it a strip gives one digit an event.
    #[serde(default)]
    pub dead_time_ns: Option<f64>,
    /// Whether channels that no charge reaches have hits of noise.
    #[serde(default)]
    pub noise_hits: bool,
}

/// One layer: a cylinder with electrons drifting outwards, or a plane.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Its number.
    pub layer: u32,
    /// Radius of the upper strips, mm; without it the layer is a plane.
    #[serde(default)]
    pub radius_mm: Option<f64>,
    /// A point of the plane of the strips, mm; for planes.
    #[serde(default)]
    pub origin_mm: [f64; 3],
    /// Unit vector of local x in space; for planes.
    #[serde(default = "along_x")]
    pub x_axis: [f64; 3],
    /// Unit vector of local z in space; for planes. The drift gap is on the side of `z_axis` × `x_axis`.
    #[serde(default = "along_z")]
    pub z_axis: [f64; 3],
    /// Height of its drift gap, mm; without it that of the detector.
    #[serde(default)]
    pub drift_mm: Option<f64>,
    /// Where the strips begin and end along z, mm.
    pub z_mm: [f64; 2],
    /// Its sheets.
    pub sheets: Vec<Sheet>,
}

/// A part of a layer with strips of its own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// Its number in the layer.
    pub sheet: u32,
    /// The strips of the view 0, where there are two.
    #[serde(default)]
    pub x: Option<Strips>,
    /// The strips of the view 1, where there are two.
    #[serde(default)]
    pub v: Option<Strips>,
    /// The strips of each view, in place of `x` and `v`.
    #[serde(default)]
    pub views: Vec<Strips>,
    /// Rectangular pads, in place of strips.
    #[serde(default)]
    pub pads: Option<Pads>,
}

/// Rectangular pads side by side along local x and z, or pixels, which are small pads. The pad of column i
/// and row k has the number `i + k·number[0]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pads {
    /// Radius at which the sheet is unrolled, mm; for cylinders.
    #[serde(default)]
    pub radius_mm: Option<f64>,
    /// Their distances along x and z, µm.
    pub pitch_um: [f64; 2],
    /// The middle of pad 0, mm.
    pub first_mm: [f64; 2],
    /// How many there are along x and z.
    pub number: [u32; 2],
}

/// Parallel strips: strip number i holds the points of the unrolled sheet whose coordinate
/// `x cos(angle) + z sin(angle)` is within half a pitch of `first_mm + i·pitch`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Strips {
    /// Radius at which the sheet is unrolled, x = φ·radius with φ from −π to π, mm; for cylinders.
    #[serde(default)]
    pub radius_mm: Option<f64>,
    /// Distance between neighbours, µm.
    pub pitch_um: f64,
    /// Angle from local x towards z of the direction across the strips, degrees.
    pub angle_deg: f64,
    /// The middle of strip 0, mm.
    pub first_mm: f64,
    /// Number of strips.
    pub strips: u32,
    /// The middle of every strip, mm, in rising order, where they are not as far from each other everywhere;
    /// `pitch_um` is their mean distance then, and each strip reaches half way to the next.
    #[serde(default)]
    pub centres_mm: Vec<f64>,
}

fn five() -> f64 {
    5.0
}

fn a_microsecond() -> f64 {
    1000.0
}

fn four() -> usize {
    4
}

fn along_x() -> [f64; 3] {
    [1.0, 0.0, 0.0]
}

fn along_z() -> [f64; 3] {
    [0.0, 0.0, 1.0]
}

impl Digitisation {
    /// The table of a detector, checked.
    ///
    /// # Errors
    /// The detector has none, a key is unknown, or a value is outside its limits.
    pub fn of(detector: &Detector) -> Result<Self, SimError> {
        let table = detector.digitisation.clone().ok_or_else(|| SimError::Condition {
            what: "there is no [digitisation] table, which says where strips are and how they are read"
                .into(),
            remedy: "add one, as configs/detector/cgem_it.toml has it".into(),
        })?;
        let read: Self = table.try_into()?;
        read.check()?;
        let heights: f64 = detector.foils.iter().map(|foil| foil.gap_mm).sum();
        for (k, layer) in read.layers.iter().enumerate() {
            let inside = heights + layer.drift_mm.unwrap_or(detector.drift.gap_mm);
            let radius = layer.radius_mm.unwrap_or(f64::INFINITY);
            // Everything is within the radius of the anode.
            within(&format!("digitisation.layers[{k}].radius_mm"), radius, inside + 1.0, f64::INFINITY)?;
        }
        Ok(read)
    }

    /// The part of the electrons that end on each view.
    ///
    /// # Errors
    /// The sheets have not as many views each, or neither `shares` nor the `anode` says it.
    pub(crate) fn shares(&self) -> Result<Vec<f64>, SimError> {
        let strips =
            || self.layers.iter().flat_map(|layer| &layer.sheets).filter(|sheet| sheet.pads.is_none());
        let Some(views) = strips().map(|sheet| sheet.lattices().len()).max() else { return Ok(vec![1.0]) };
        if let Some(sheet) = strips().find(|sheet| sheet.lattices().len() != views) {
            return Err(SimError::Condition {
                what: format!("sheet {} has not as many views as others, {views}", sheet.sheet),
                remedy: "describe as many views for all sheets".into(),
            });
        }
        if !self.shares.is_empty() {
            let key = "digitisation.shares";
            within(&format!("{key}, their number,"), self.shares.len() as f64, views as f64, views as f64)?;
            within(&format!("{key}, their sum,"), self.shares.iter().sum(), 1.0 - 1e-6, 1.0 + 1e-6)?;
            for (k, share) in self.shares.iter().enumerate() {
                within(&format!("{key}[{k}]"), *share, 0.0, 1.0)?;
            }
            return Ok(self.shares.clone());
        }
        match (views, &self.anode) {
            (1, _) => Ok(vec![1.0]),
            (2, Some(anode)) => {
                let v_share = anode.x_share.map_or_else(|| upper_share(anode), |x| 1.0 - x);
                Ok(vec![1.0 - v_share, v_share])
            }
            (2, None) => {
                Err(SimError::Missing { table: "digitisation.anode", what: "how two views share electrons" })
            }
            _ => Err(SimError::Missing {
                table: "digitisation.shares",
                what: "how more than two views share electrons",
            }),
        }
    }

    fn check(&self) -> Result<(), SimError> {
        within("digitisation.w_ev", self.w_ev, 1.0, 1000.0)?;
        within("digitisation.fano", self.fano, 0.0, 1.0)?;
        within("digitisation.time_bin_ns", self.time_bin_ns, 0.1, 50.0)?;
        let most = 20_000.0 * self.time_bin_ns;
        within("digitisation.window_ns", self.window_ns, self.time_bin_ns, most)?;
        within("digitisation.neighbours", self.neighbours as f64, 0.0, 50.0)?;
        if let Some(anode) = &self.anode {
            anode.check()?;
        }
        self.channels.check()?;
        let Electronics { capacitance_pf, threshold_fc, noise_e, crosstalk, dead_time_ns, .. } =
            self.electronics;
        for (k, part) in crosstalk.into_iter().enumerate() {
            within(&format!("digitisation.electronics.crosstalk[{k}]"), part, 0.0, 1.0)?;
        }
        within("digitisation.electronics.dead_time_ns", dead_time_ns.unwrap_or(0.0), 0.0, 1e6)?;
        within("digitisation.electronics.capacitance_pf", capacitance_pf, 0.0, 10_000.0)?;
        within("digitisation.electronics.threshold_fc", threshold_fc.unwrap_or(1.0), 1e-4, 1e4)?;
        within("digitisation.electronics.noise_e", noise_e.unwrap_or(0.0), 0.0, 1e6)?;
        let pads = self.layers.iter().flat_map(|layer| &layer.sheets).any(|sheet| sheet.pads.is_some());
        if pads && crosstalk.iter().any(|part| *part > 0.0) {
            return Err(SimError::Condition {
                what: "cross talk is that of neighbouring strips, and a sheet has pads".into(),
                remedy: "leave out digitisation.electronics.crosstalk".into(),
            });
        }
        within("the number of digitisation.layers", self.layers.len() as f64, 1.0, 1000.0)?;
        self.layers.iter().enumerate().try_for_each(|(k, layer)| layer.check(k, &self.layers[..k]))
    }
}

impl Anode {
    fn check(&self) -> Result<(), SimError> {
        let key = |name: &str| format!("digitisation.anode.{name}");
        within(&key("pitch_um"), self.pitch_um, 50.0, 5_000.0)?;
        for (view, width) in self.widths_um.into_iter().enumerate() {
            // Wider strips would overlap.
            within(&key(&format!("widths_um[{view}]")), width, 1.0, self.pitch_um)?;
        }
        within(&key("height_um"), self.height_um, 5.0, 500.0)?;
        within(&key("thickness_um"), self.thickness_um, 0.0, 500.0)?;
        within(&key("permittivity"), self.permittivity, 1.0, 100.0)?;
        within(&key("x_share"), self.x_share.unwrap_or(0.5), 0.0, 1.0)
    }
}

impl Layer {
    fn check(&self, k: usize, before: &[Self]) -> Result<(), SimError> {
        let key = |name: &str| format!("digitisation.layers[{k}].{name}");
        let refuse = |name: &str, value: String, allowed: &str| {
            Err(SimError::Range { key: key(name), value, allowed: allowed.into() })
        };
        if before.iter().any(|other| other.layer == self.layer) {
            return refuse("layer", self.layer.to_string(), "another number than that of any layer before");
        }
        within(&key("radius_mm"), self.radius_mm.unwrap_or(100.0), 10.0, 100_000.0)?;
        within(&key("drift_mm"), self.drift_mm.unwrap_or(1.0), 0.01, 1_000.0)?;
        within(&key("z_mm[1]"), self.z_mm[1], self.z_mm[0], 1e6)?;
        let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        within(&key("x_axis, its length"), dot(self.x_axis, self.x_axis).sqrt(), 0.999_999, 1.000_001)?;
        within(&key("z_axis, its length"), dot(self.z_axis, self.z_axis).sqrt(), 0.999_999, 1.000_001)?;
        within(&key("x_axis, its part along z_axis,"), dot(self.x_axis, self.z_axis), -1e-6, 1e-6)?;
        within(&key("sheets, their number,"), self.sheets.len() as f64, 1.0, 100.0)?;
        for (s, sheet) in self.sheets.iter().enumerate() {
            let at = key(&format!("sheets[{s}]"));
            let forms =
                [sheet.x.is_some() && sheet.v.is_some(), !sheet.views.is_empty(), sheet.pads.is_some()];
            let halves = sheet.x.is_some() != sheet.v.is_some();
            if halves || forms.iter().filter(|form| **form).count() != 1 {
                return refuse(
                    &format!("sheets[{s}]"),
                    "no sheet".into(),
                    "described by x and v, or by views, or by pads",
                );
            }
            let most = MOST_VIEWS as f64;
            within(&format!("{at}, the number of its views,"), sheet.lattices().len() as f64, 1.0, most)?;
            for (view, strips) in sheet.lattices().iter().enumerate() {
                strips.check(&format!("{at}, view {view}: "))?;
            }
            if let Some(range) = self.sheets[..s].iter().position(|other| other.overlaps(sheet)) {
                return refuse(
                    &format!("sheets[{s}].x.first_mm"),
                    sheet.lattices()[0].first_mm.to_string(),
                    &format!("such that its strips do not overlap those of sheets[{range}]"),
                );
            }
        }
        Ok(())
    }
}

impl Strips {
    fn check(&self, at: &str) -> Result<(), SimError> {
        let key = |name: &str| format!("{at}{name}");
        within(&key("pitch_um"), self.pitch_um, 50.0, 20_000.0)?;
        within(&key("angle_deg"), self.angle_deg, -180.0, 180.0)?;
        within(&key("first_mm"), self.first_mm, -1e6, 1e6)?;
        within(&key("strips"), self.strips.into(), 1.0, 1e6)?;
        within(&key("radius_mm"), self.radius_mm.unwrap_or(100.0), 10.0, 100_000.0)?;
        if self.centres_mm.is_empty() {
            return Ok(());
        }
        let number = self.centres_mm.len() as f64;
        within(&key("centres_mm, their number,"), number, self.strips.into(), self.strips.into())?;
        for (k, pair) in self.centres_mm.windows(2).enumerate() {
            // Induction is that of strips as wide as the mean pitch.
            let pitch = self.pitch_um / 1000.0;
            let distance = pair[1] - pair[0];
            within(
                &key(&format!("centres_mm: strip {k} to the next one")),
                distance,
                0.5 * pitch,
                2.0 * pitch,
            )?;
        }
        Ok(())
    }

    /// Where its first strip begins and its last one ends, mm.
    fn range(&self) -> [f64; 2] {
        let pitch = self.pitch_um / 1000.0;
        let first = self.centres_mm.first().copied().unwrap_or(self.first_mm);
        let last = first + pitch * f64::from(self.strips - 1);
        [first - 0.5 * pitch, self.centres_mm.last().copied().unwrap_or(last) + 0.5 * pitch]
    }
}

impl Sheet {
    /// The strips of each view; of pads their columns and their rows.
    pub(crate) fn lattices(&self) -> Vec<Strips> {
        if let Some(pads) = &self.pads {
            return [0, 1]
                .map(|k| Strips {
                    radius_mm: pads.radius_mm,
                    pitch_um: pads.pitch_um[k],
                    angle_deg: 90.0 * k as f64,
                    first_mm: pads.first_mm[k],
                    strips: pads.number[k],
                    centres_mm: Vec::new(),
                })
                .into();
        }
        self.x.iter().chain(&self.v).chain(&self.views).cloned().collect()
    }

    /// Whether the strips of the first views of two sheets share points, which is known of parallel ones
    /// only, or their pads do.
    fn overlaps(&self, other: &Self) -> bool {
        let share = |one: &Strips, other: &Strips| {
            let ([a, b], [c, d]) = (one.range(), other.range());
            one.angle_deg.total_cmp(&other.angle_deg).is_eq() && a < d - 1e-6 && c < b - 1e-6
        };
        let (own, others) = (self.lattices(), other.lattices());
        let pads = self.pads.is_some() && other.pads.is_some();
        share(&own[0], &others[0]) && (!pads || share(&own[1], &others[1]))
    }
}
