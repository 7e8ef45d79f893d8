//! The readout of the anode: what its strips record of the electrons that reach it.

mod strips;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use strips::{StripHit, StripReadout, StripWorkspace};

use crate::SimError;
use crate::detector::within;

/// The charge of an electron, fC.
const ELEMENTARY_FC: f64 = 1.602_176_634e-4;

/// The `[readout]` table: two layers of strips and their electronics.
///
/// X strips measure x. V strips measure v = x cos α + z sin α, with the stereo angle α. With the pitch p,
/// strip k of the n strips of a view, counted from 0, covers (k − n/2) p ≤ coordinate < (k + 1 − n/2) p, so
/// that the centre of the sheet is the middle of both views.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readout {
    /// Number of the detector's layer; it is only copied into the table of hits.
    pub layer: u8,
    /// Number of the sheet in the layer; it is only copied into the table of hits.
    pub sheet: u8,
    /// Distance between neighbouring strips of a view, µm.
    pub pitch_um: f64,
    /// Angle between the V and the X strips, degrees.
    pub stereo_deg: f64,
    /// Number of X and of V strips.
    pub strips: [u32; 2],
    /// Length of the sheet along z, mm.
    pub length_mm: f64,
    /// Probability that the charge of an electron is collected by an X strip; otherwise a V strip collects
    /// it.
    pub x_share: f64,
    /// Threshold, fC: a strip with less charge has no hit, and the time of a hit is when this much charge has
    /// arrived.
    pub threshold_fc: f64,
    /// The largest charge that is measured, fC.
    pub saturation_fc: f64,
    /// Spread of the measured time of a hit, ns.
    pub jitter_ns: f64,
    /// Added to all times, ns.
    #[serde(default)]
    pub time_offset_ns: f64,
    /// Avalanches are placed uniformly over a rectangle about this point (x, z) of the sheet, mm from its
    /// centre.
    #[serde(default)]
    pub center_mm: [f64; 2],
    /// Sides of that rectangle, mm; with sides of 0 all avalanches are placed at the same point. The default
    /// is one period of both views: p and p/|sin α|.
    #[serde(default)]
    pub region_mm: Option<[f64; 2]>,
}

impl Readout {
    pub(crate) fn check(&self) -> Result<(), SimError> {
        let [x, v] = self.strips.map(f64::from);
        let [x_mm, z_mm] = self.center_mm;
        let [width, height] = self.region_mm.unwrap_or_default();
        for (name, value, low, high) in [
            ("pitch_um", self.pitch_um, 1.0, 1e5),
            ("stereo_deg", self.stereo_deg, -180.0, 180.0),
            ("strips[0]", x, 1.0, 1e5),
            ("strips[1]", v, 1.0, 1e5),
            ("length_mm", self.length_mm, 0.0, 1e5),
            ("x_share", self.x_share, 0.0, 1.0),
            ("threshold_fc", self.threshold_fc, 0.0, 1e6),
            ("saturation_fc", self.saturation_fc, self.threshold_fc, 1e9),
            ("jitter_ns", self.jitter_ns, 0.0, 1e6),
            ("time_offset_ns", self.time_offset_ns, -1e9, 1e9),
            ("center_mm[0]", x_mm, -1e5, 1e5),
            ("center_mm[1]", z_mm, -1e5, 1e5),
            ("region_mm[0]", width, 0.0, 1e5),
            ("region_mm[1]", height, 0.0, 1e5),
        ] {
            within(&format!("readout.{name}"), value, low, high)?;
        }
        Ok(())
    }

    /// Sides of the rectangle over which avalanches are placed uniformly, mm.
    pub fn region_mm(&self) -> [f64; 2] {
        let pitch = self.pitch_um / 1000.0;
        let sine = self.stereo_deg.to_radians().sin().abs();
        // If the strips of both views are nearly parallel, the position along z has no influence.
        self.region_mm.unwrap_or([pitch, if sine > 1e-3 { pitch / sine } else { 0.0 }])
    }
}
