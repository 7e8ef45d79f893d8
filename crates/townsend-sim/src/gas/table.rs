//! Tables of transport coefficients.

use serde::{Deserialize, Serialize};

use super::Transport;
use crate::SimError;

/// Transport coefficients at points (E, B), interpolated between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GasTable {
    /// The mixture, its temperature and pressure.
    pub name: String,
    /// Where the numbers come from.
    pub source: String,
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    e_kv_cm: f64,
    b_t: f64,
    velocity_um_ns: f64,
    perpendicular_um_ns: f64,
    longitudinal: f64,
    transverse: [f64; 2],
}

impl GasTable {
    /// The tables that come with the program, by name.
    const SHIPPED: [(&str, &str); 1] =
        [("ar_ic4h10_90_10", include_str!("../../data/gas/ar_ic4h10_90_10.toml"))];

    /// The table with this name among those that come with the program.
    pub fn shipped(name: &str) -> Option<Result<Self, SimError>> {
        let (_, text) = Self::SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Some(Self::from_toml(text))
    }

    /// Reads a table in TOML.
    pub fn from_toml(text: &str) -> Result<Self, SimError> {
        Ok(toml::from_str(text)?)
    }

    /// The transport at a point, interpolated linearly in E between the neighbouring points of the same B, and then in
    /// B. Outside the table it is an error: an extrapolated drift velocity is a silent mistake.
    pub fn transport(&self, e_kv_cm: f64, b_t: f64) -> Result<Transport, SimError> {
        let at = |b: f64| self.at_field(e_kv_cm, b);
        let fields = || self.points.iter().map(|p| p.b_t);
        let below = fields().filter(|&b| b <= b_t).fold(f64::NEG_INFINITY, f64::max);
        let above = fields().filter(|&b| b >= b_t).fold(f64::INFINITY, f64::min);
        let outside = || SimError::OutsideTable { gas: self.name.clone(), e_kv_cm, b_t };
        if !below.is_finite() || !above.is_finite() {
            return Err(outside());
        }
        let (low, high) = (at(below).ok_or_else(outside)?, at(above).ok_or_else(outside)?);
        let weight = if above > below { (b_t - below) / (above - below) } else { 0.0 };
        Ok(between(&low, &high, weight))
    }

    fn at_field(&self, e_kv_cm: f64, b_t: f64) -> Option<Transport> {
        let points = || self.points.iter().filter(|p| p.b_t == b_t);
        let low = points().filter(|p| p.e_kv_cm <= e_kv_cm).max_by(|a, b| a.e_kv_cm.total_cmp(&b.e_kv_cm))?;
        let high =
            points().filter(|p| p.e_kv_cm >= e_kv_cm).min_by(|a, b| a.e_kv_cm.total_cmp(&b.e_kv_cm))?;
        let width = high.e_kv_cm - low.e_kv_cm;
        let weight = if width > 0.0 { (e_kv_cm - low.e_kv_cm) / width } else { 0.0 };
        Some(between(&low.transport(), &high.transport(), weight))
    }
}

impl Point {
    fn transport(&self) -> Transport {
        Transport {
            velocity_um_ns: self.velocity_um_ns,
            perpendicular_um_ns: self.perpendicular_um_ns,
            longitudinal: self.longitudinal,
            transverse: self.transverse,
        }
    }
}

fn between(a: &Transport, b: &Transport, weight: f64) -> Transport {
    let mix = |a: f64, b: f64| a + (b - a) * weight;
    Transport {
        velocity_um_ns: mix(a.velocity_um_ns, b.velocity_um_ns),
        perpendicular_um_ns: mix(a.perpendicular_um_ns, b.perpendicular_um_ns),
        longitudinal: mix(a.longitudinal, b.longitudinal),
        transverse: [0, 1].map(|k| mix(a.transverse[k], b.transverse[k])),
    }
}
