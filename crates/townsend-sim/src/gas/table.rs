//! Tables of transport coefficients.

use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::InputFile;

use super::{Transport, garfield};
use crate::SimError;
use crate::detector::within;

/// The bodies of an attachment to single molecules.
const TWO_BODIES: u8 = 2;

/// Transport coefficients at points (E, B) with B perpendicular to E, interpolated between them.
///
/// ```
/// use townsend_sim::GasTable;
///
/// let gas = GasTable::shipped("ar_ic4h10_90_10").unwrap()?;
/// let transport = gas.transport(1.5, 1.0)?;
/// assert_eq!(transport.velocity_um_ns, 34.3);
/// assert_eq!(gas.transport(7.0, 1.0).unwrap_err().to_string().lines().count(), 2);
/// # Ok::<(), townsend_sim::SimError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GasTable {
    /// The mixture with its temperature and pressure.
    pub name: String,
    /// Where the numbers come from.
    pub source: String,
    /// The state of the gas that the points hold for, if it is not the usual one.
    state: State,
    /// How many bodies take part in an attachment, 2 or 3: see [`GasTable::transport_at`].
    attachment_bodies: u8,
    /// Sorted by B, then by E; no two points have the same fields.
    points: Vec<Point>,
}

/// Pressure and temperature of a gas, each if it is not the usual one: 760 Torr and 293.15 K, an atmosphere
/// at 20 °C.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) pressure_torr: Option<f64>,
    pub(crate) temperature_k: Option<f64>,
}

impl State {
    fn pressure_torr(self) -> f64 {
        self.pressure_torr.unwrap_or(760.0)
    }

    fn temperature_k(self) -> f64 {
        self.temperature_k.unwrap_or(293.15)
    }

    /// Refuses what is no gas, with the keys after `at`.
    pub(crate) fn check(self, at: &str) -> Result<(), SimError> {
        within(&format!("{at}pressure_torr"), self.pressure_torr(), 1.0, 1e5)?;
        within(&format!("{at}temperature_k"), self.temperature_k(), 50.0, 2_000.0)
    }

    /// Molecules in a volume, as a multiple of those in another state.
    fn density(self, other: Self) -> f64 {
        (self.pressure_torr() / other.pressure_torr()) * (other.temperature_k() / self.temperature_k())
    }
}

/// The transport coefficients at one pair of fields, kV/cm and T.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) e_kv_cm: f64,
    pub(super) b_t: f64,
    pub(super) transport: Transport,
}

/// A table as it is written in TOML.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenTable {
    name: String,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pressure_torr: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    temperature_k: Option<f64>,
    #[serde(default = "two", skip_serializing_if = "is_two")]
    attachment_bodies: u8,
    points: Vec<WrittenPoint>,
}

fn two() -> u8 {
    TWO_BODIES
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_two(bodies: &u8) -> bool {
    *bodies == TWO_BODIES
}

// A value that says nothing is not written, so that tables keep their digest.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(crate) fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPoint {
    e_kv_cm: f64,
    b_t: f64,
    velocity_um_ns: f64,
    perpendicular_um_ns: f64,
    longitudinal: f64,
    transverse: [f64; 2],
    #[serde(default, skip_serializing_if = "is_zero")]
    correlation: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    attachment_per_mm: f64,
    #[serde(default, skip_serializing_if = "is_zero")]
    townsend_per_mm: f64,
}

impl TryFrom<WrittenTable> for GasTable {
    type Error = SimError;

    fn try_from(written: WrittenTable) -> Result<Self, SimError> {
        let WrittenTable { name, source, pressure_torr, temperature_k, attachment_bodies, points } = written;
        let point = |p: WrittenPoint| Point {
            e_kv_cm: p.e_kv_cm,
            b_t: p.b_t,
            transport: Transport {
                velocity_um_ns: p.velocity_um_ns,
                perpendicular_um_ns: p.perpendicular_um_ns,
                longitudinal: p.longitudinal,
                transverse: p.transverse,
                correlation: p.correlation,
                attachment_per_mm: p.attachment_per_mm,
                townsend_per_mm: p.townsend_per_mm,
            },
        };
        let state = State { pressure_torr, temperature_k };
        Self::new(name, source, state, attachment_bodies, points.into_iter().map(point).collect())
    }
}

impl From<&GasTable> for WrittenTable {
    fn from(GasTable { name, source, state, attachment_bodies, points }: &GasTable) -> Self {
        let point = |&Point { e_kv_cm, b_t, transport }: &Point| WrittenPoint {
            e_kv_cm,
            b_t,
            velocity_um_ns: transport.velocity_um_ns,
            perpendicular_um_ns: transport.perpendicular_um_ns,
            longitudinal: transport.longitudinal,
            transverse: transport.transverse,
            correlation: transport.correlation,
            attachment_per_mm: transport.attachment_per_mm,
            townsend_per_mm: transport.townsend_per_mm,
        };
        Self {
            name: name.clone(),
            source: source.clone(),
            pressure_torr: state.pressure_torr,
            temperature_k: state.temperature_k,
            attachment_bodies: *attachment_bodies,
            points: points.iter().map(point).collect(),
        }
    }
}

/// Speed of light, µm/ns: no electron drifts faster.
const LIGHT_UM_NS: f64 = 299_792.458;
/// Largest diffusion that a table may have, µm after a drift of 1 cm. Chosen, not fitted: electrons that
/// spread over more than 10 cm are a mistake in units.
const WIDEST_UM: f64 = 1e5;
/// A mean free path between ionisations or attachments of 0.1 µm: less than that between collisions.
const MOST_PER_MM: f64 = 1e4;

impl GasTable {
    /// The tables that ship with townsend, by name.
    const SHIPPED: [(&str, &str); 3] = [
        ("ar_ic4h10_90_10", include_str!("../../data/gas/ar_ic4h10_90_10.toml")),
        ("ar_ic4h10_90_10_microscopic", include_str!("../../data/gas/ar_ic4h10_90_10_microscopic.toml")),
        ("ar_co2_70_30_microscopic", include_str!("../../data/gas/ar_co2_70_30_microscopic.toml")),
    ];

    /// The names of the tables that ship with townsend.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::SHIPPED.iter().map(|&(name, _)| name)
    }

    /// The shipped table with this name, if there is one.
    pub fn shipped(name: &str) -> Option<Result<Self, SimError>> {
        let (_, text) = Self::SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Some(Self::from_toml(text))
    }

    /// The name of the table, if it is one that ships with townsend.
    pub(crate) fn shipped_name(&self) -> Option<&'static str> {
        Self::names()
            .find(|name| Self::shipped(name).is_some_and(|table| table.is_ok_and(|table| table == *self)))
    }

    /// True if the name is that of a file rather than of a table that ships with townsend.
    pub(crate) fn is_file(name: &str) -> bool {
        let is =
            |ending: &std::ffi::OsStr| ["toml", "gas"].iter().any(|known| ending.eq_ignore_ascii_case(known));
        Path::new(name).extension().is_some_and(is) || name.contains(['/', '\\'])
    }

    /// Reads a file: a table in TOML, or one that Magboltz or Garfield++ wrote (`.gas`). The content decides
    /// which it is.
    ///
    /// # Errors
    /// If the file cannot be read, is neither, lacks a quantity, or has a value outside its limits.
    pub fn read(path: &Path) -> Result<Self, SimError> {
        Self::read_file(path).map(|(table, _)| table)
    }

    /// Like [`GasTable::read`], with the name and the hash of the file.
    pub(crate) fn read_file(path: &Path) -> Result<(Self, InputFile), SimError> {
        let bytes = std::fs::read(path).map_err(|source| SimError::Read { file: path.into(), source })?;
        let text = String::from_utf8_lossy(&bytes);
        let table =
            if garfield::is_gas_file(&text) { Self::from_gas_file(&text) } else { Self::from_toml(&text) };
        let table = table.map_err(|source| SimError::In { file: path.into(), source: source.into() })?;
        Ok((table, InputFile::of(&path.display().to_string(), &bytes)))
    }

    /// Reads a table in TOML.
    ///
    /// # Errors
    /// If the text is not such a table, or a value is outside its limits.
    pub fn from_toml(text: &str) -> Result<Self, SimError> {
        toml::from_str::<WrittenTable>(text)?.try_into()
    }

    /// Reads the text of a `.gas` file of Garfield++: drift velocity, its part along E × B, longitudinal and
    /// transverse diffusion, with B perpendicular to E. Where the file has the diffusion tensor, the
    /// transverse diffusion across and along B is taken from it.
    ///
    /// # Errors
    /// If the file is damaged, lacks one of these quantities, or has a value outside its limits.
    pub fn from_gas_file(text: &str) -> Result<Self, SimError> {
        let (name, state, points) = garfield::parse(text).map_err(SimError::GasFile)?;
        Self::new(name, "a gas file of Garfield++".into(), state, TWO_BODIES, points)
    }

    /// SHA-256 of the table, in hexadecimal. It depends on the table's content alone, not on where it was
    /// read from.
    ///
    /// # Panics
    /// Never: a table has a form in TOML.
    pub fn digest(&self) -> String {
        let text = toml::to_string(&WrittenTable::from(self)).expect("tables have a form in TOML");
        InputFile::of("", text.as_bytes()).sha256
    }

    /// Checks the points and sorts them.
    fn new(
        name: String,
        source: String,
        state: State,
        attachment_bodies: u8,
        mut points: Vec<Point>,
    ) -> Result<Self, SimError> {
        state.check("")?;
        within("attachment_bodies", attachment_bodies.into(), TWO_BODIES.into(), 3.0)?;
        points.iter().try_for_each(Point::check)?;
        for point in &mut points {
            point.b_t += 0.0; // -0 becomes 0
        }
        points.sort_by(|a, b| a.b_t.total_cmp(&b.b_t).then(a.e_kv_cm.total_cmp(&b.e_kv_cm)));
        let same = |pair: &&[Point]| (pair[0].b_t, pair[0].e_kv_cm) == (pair[1].b_t, pair[1].e_kv_cm);
        if let Some(pair) = points.windows(2).find(same) {
            return Err(SimError::Range {
                key: "points".into(),
                value: format!("given twice at {} kV/cm and {} T", pair[0].e_kv_cm, pair[0].b_t),
                allowed: "given once each".into(),
            });
        }
        if points.is_empty() {
            return Err(SimError::Range {
                key: "points".into(),
                value: "empty".into(),
                allowed: "at least one".into(),
            });
        }
        Ok(Self { name, source, state, attachment_bodies, points })
    }

    /// The transport coefficients at `e_kv_cm` (kV/cm) and `b_t` (T), interpolated linearly in E between the
    /// neighbouring points of the same B, and then in B.
    ///
    /// # Errors
    /// If the fields are outside the table: an extrapolated drift velocity would be wrong without a sign of
    /// it.
    pub fn transport(&self, e_kv_cm: f64, b_t: f64) -> Result<Transport, SimError> {
        let outside = || SimError::OutsideTable { gas: self.name.clone(), e_kv_cm, b_t, range: self.range() };
        let fields = self.fields();
        let below = fields.iter().rev().find(|field| field[0].b_t <= b_t);
        let above = fields.iter().find(|field| field[0].b_t >= b_t);
        let (low, high) = below.zip(above).ok_or_else(outside)?;
        let at = |field: &[Point]| Self::at_field(field, e_kv_cm).ok_or_else(outside);
        Ok(between(&at(low)?, &at(high)?, weight(low[0].b_t, b_t, high[0].b_t)))
    }

    /// The transport in the gas at another pressure or temperature; none stands for the table's own.
    ///
    /// With N molecules in a volume, what happens between two collisions depends on E/N and B/N alone, so
    /// that velocities are those of the table at the fields divided by N/N₀. Lengths between collisions are
    /// in proportion to 1/N: σ² for 1 cm as well, and the Townsend coefficient to N. So is attachment to
    /// single molecules (two bodies, as of CO₂ by dissociation); to molecules that a third body has to calm
    /// down, as O₂, it grows as N².
    pub(crate) fn transport_at(
        &self,
        e_kv_cm: f64,
        b_t: f64,
        pressure_torr: Option<f64>,
        temperature_k: Option<f64>,
    ) -> Result<Transport, SimError> {
        let density = self.density(State { pressure_torr, temperature_k }, State::default());
        let mut transport =
            self.transport(e_kv_cm / density, b_t / density).map_err(|error| match error {
                SimError::OutsideTable { gas, e_kv_cm, b_t, range }
                    if pressure_torr.or(temperature_k).is_some() =>
                {
                    SimError::OutsideTable {
                        gas,
                        e_kv_cm,
                        b_t,
                        range: format!(
                            "{range} (fields are divided by the density, {density:.4} times the table's)"
                        ),
                    }
                }
                error => error,
            })?;
        transport.longitudinal /= density.sqrt();
        transport.transverse.iter_mut().for_each(|sigma| *sigma /= density.sqrt());
        transport.townsend_per_mm *= density;
        transport.attachment_per_mm *=
            if self.attachment_bodies == TWO_BODIES { density } else { density * density };
        Ok(transport)
    }

    /// The density of the gas in one state over that in another; what a state leaves open is the table's.
    pub(crate) fn density(&self, state: State, over: State) -> f64 {
        let [state, over] = [state, over].map(|state| State {
            pressure_torr: state.pressure_torr.or(self.state.pressure_torr),
            temperature_k: state.temperature_k.or(self.state.temperature_k),
        });
        state.density(over)
    }

    /// The points of the table, one slice for each magnetic field.
    fn fields(&self) -> Vec<&[Point]> {
        self.points.chunk_by(|a, b| a.b_t.total_cmp(&b.b_t).is_eq()).collect()
    }

    fn at_field(points: &[Point], e_kv_cm: f64) -> Option<Transport> {
        let low = points.iter().rev().find(|p| p.e_kv_cm <= e_kv_cm)?;
        let high = points.iter().find(|p| p.e_kv_cm >= e_kv_cm)?;
        Some(between(&low.transport, &high.transport, weight(low.e_kv_cm, e_kv_cm, high.e_kv_cm)))
    }

    /// The fields that the table covers, in words.
    fn range(&self) -> String {
        let field = |points: &&[Point]| {
            let (first, last) = (points[0], points[points.len() - 1]);
            format!("{:.4} to {:.4} kV/cm at {} T", first.e_kv_cm, last.e_kv_cm, first.b_t)
        };
        let fields = self.fields();
        let mut said: Vec<String> = fields.iter().take(5).map(field).collect();
        if fields.len() > said.len() {
            said.push(format!("{} more magnetic fields", fields.len() - said.len()));
        }
        said.join(", ")
    }
}

impl Point {
    fn check(&self) -> Result<(), SimError> {
        let at = format!("at {} kV/cm and {} T", self.e_kv_cm, self.b_t);
        let Transport {
            velocity_um_ns,
            perpendicular_um_ns,
            longitudinal,
            transverse,
            correlation,
            attachment_per_mm,
            townsend_per_mm,
        } = self.transport;
        for (key, value, low, high) in [
            ("e_kv_cm", self.e_kv_cm, 1e-6, 1e6),
            ("b_t", self.b_t, 0.0, 1e3),
            ("velocity_um_ns", velocity_um_ns, 1e-6, LIGHT_UM_NS),
            ("perpendicular_um_ns", perpendicular_um_ns, 0.0, LIGHT_UM_NS),
            ("longitudinal", longitudinal, 0.0, WIDEST_UM),
            ("transverse", transverse[0], 0.0, WIDEST_UM),
            ("transverse", transverse[1], 0.0, WIDEST_UM),
            ("correlation", correlation, -1.0, 1.0),
            ("attachment_per_mm", attachment_per_mm, 0.0, MOST_PER_MM),
            ("townsend_per_mm", townsend_per_mm, 0.0, MOST_PER_MM),
        ] {
            if !(low..=high).contains(&value) {
                return Err(SimError::Range {
                    key: format!("{key} {at}"),
                    value: value.to_string(),
                    allowed: format!("from {low} to {high}"),
                });
            }
        }
        Ok(())
    }
}

/// The position of `value` between `low` (0) and `high` (1).
fn weight(low: f64, value: f64, high: f64) -> f64 {
    if high > low { (value - low) / (high - low) } else { 0.0 }
}

fn between(a: &Transport, b: &Transport, weight: f64) -> Transport {
    let mix = |a: f64, b: f64| a + (b - a) * weight;
    Transport {
        velocity_um_ns: mix(a.velocity_um_ns, b.velocity_um_ns),
        perpendicular_um_ns: mix(a.perpendicular_um_ns, b.perpendicular_um_ns),
        longitudinal: mix(a.longitudinal, b.longitudinal),
        transverse: [0, 1].map(|k| mix(a.transverse[k], b.transverse[k])),
        correlation: mix(a.correlation, b.correlation),
        attachment_per_mm: mix(a.attachment_per_mm, b.attachment_per_mm),
        townsend_per_mm: mix(a.townsend_per_mm, b.townsend_per_mm),
    }
}
