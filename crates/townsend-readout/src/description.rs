//! The `[digitisation]` table of a detector.

use serde::Deserialize;
use townsend_sim::{Detector, SimError, within};

use crate::channels::Channels;

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
    /// The cross section of the anode.
    pub anode: Anode,
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
    /// The strips of the view 0.
    pub x: Strips,
    /// The strips of the view 1.
    pub v: Strips,
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

    fn check(&self) -> Result<(), SimError> {
        within("digitisation.w_ev", self.w_ev, 1.0, 1000.0)?;
        within("digitisation.fano", self.fano, 0.0, 1.0)?;
        within("digitisation.time_bin_ns", self.time_bin_ns, 0.1, 50.0)?;
        let most = 20_000.0 * self.time_bin_ns;
        within("digitisation.window_ns", self.window_ns, self.time_bin_ns, most)?;
        within("digitisation.neighbours", self.neighbours as f64, 0.0, 50.0)?;
        self.anode.check()?;
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
            for (view, strips) in [("x", &sheet.x), ("v", &sheet.v)] {
                let key = |name: &str| key(&format!("sheets[{s}].{view}.{name}"));
                within(&key("pitch_um"), strips.pitch_um, 50.0, 5_000.0)?;
                within(&key("angle_deg"), strips.angle_deg, -180.0, 180.0)?;
                within(&key("first_mm"), strips.first_mm, -1e6, 1e6)?;
                within(&key("strips"), strips.strips.into(), 1.0, 1e6)?;
                within(&key("radius_mm"), strips.radius_mm.unwrap_or(100.0), 10.0, 100_000.0)?;
            }
            if let Some(range) = self.sheets[..s].iter().position(|other| other.overlaps(sheet)) {
                return refuse(
                    &format!("sheets[{s}].x.first_mm"),
                    sheet.x.first_mm.to_string(),
                    &format!("such that its strips do not overlap those of sheets[{range}]"),
                );
            }
        }
        Ok(())
    }
}

impl Sheet {
    /// Whether the X strips of two sheets share points, which is known of parallel ones only.
    fn overlaps(&self, other: &Self) -> bool {
        let range = |strips: &Strips| {
            let pitch = strips.pitch_um / 1000.0;
            let first = strips.first_mm - 0.5 * pitch;
            [first, first + pitch * f64::from(strips.strips)]
        };
        let ([a, b], [c, d]) = (range(&self.x), range(&other.x));
        self.x.angle_deg.total_cmp(&other.x.angle_deg).is_eq() && a < d - 1e-6 && c < b - 1e-6
    }
}
