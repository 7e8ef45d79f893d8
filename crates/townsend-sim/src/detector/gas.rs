//! The gas of a detector: its table and the magnetic field.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use townsend_core::InputFile;

use super::within;
use crate::gas::{GasTable, State, WrittenTable, is_zero};
use crate::{Direction, SimError, Transport};

/// The `[gas]` table. It always contains the transport coefficients, even if the description only names a
/// file that has them, so that a detector needs no file besides its description.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gas {
    /// Magnetic field perpendicular to the electric one, T.
    pub magnetic_field_t: f64,
    /// Direction in which this field shifts electrons, that of E × B, degrees from x towards z. B is at right
    /// angles to it.
    #[serde(skip_serializing_if = "is_zero")]
    pub lorentz_shift_deg: f64,
    /// Pressure, Torr; without it that of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure_torr: Option<f64>,
    /// Temperature, K; without it that of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature_k: Option<f64>,
    /// Mean energy for each electron that an ionising particle frees, eV; only needed for the resolution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w_ev: Option<f64>,
    /// Fano factor: the variance of the number of these electrons over their mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fano: Option<f64>,
    /// Factors on the table's transverse diffusion across B and along B, to correct a table that is less
    /// precise than the data that a detector is compared with or fitted to.
    pub transverse_scale: [f64; 2],
    /// Factor on the table's longitudinal diffusion.
    pub longitudinal_scale: f64,
    /// The transport coefficients. Serialised, a table that ships with townsend is its name, and any other
    /// the table itself.
    #[serde(serialize_with = "name_or_table")]
    pub table: Arc<GasTable>,
}

fn name_or_table<S: Serializer>(table: &Arc<GasTable>, serializer: S) -> Result<S::Ok, S::Error> {
    match table.shipped_name() {
        Some(name) => serializer.serialize_str(name),
        None => WrittenTable::from(&**table).serialize(serializer),
    }
}

/// The `[gas]` table as it stands in a description.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGas {
    table: NameOrTable,
    #[serde(default)]
    magnetic_field_t: f64,
    #[serde(default)]
    lorentz_shift_deg: f64,
    #[serde(default)]
    pressure_torr: Option<f64>,
    #[serde(default)]
    temperature_k: Option<f64>,
    #[serde(default)]
    w_ev: Option<f64>,
    #[serde(default)]
    fano: Option<f64>,
    #[serde(default = "ones")]
    transverse_scale: [f64; 2],
    #[serde(default = "one")]
    longitudinal_scale: f64,
}

/// The name of a table that ships with townsend, the path of a file, or the table itself.
enum NameOrTable {
    Name(String),
    Table(WrittenTable),
}

fn one() -> f64 {
    1.0
}

fn ones() -> [f64; 2] {
    [1.0; 2]
}

impl<'de> Deserialize<'de> for NameOrTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = NameOrTable;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(
                    "the name of a gas table, the path of a file, or a table with name, source and points",
                )
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<NameOrTable, E> {
                Ok(NameOrTable::Name(name.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NameOrTable, A::Error> {
                WrittenTable::deserialize(MapAccessDeserializer::new(map)).map(NameOrTable::Table)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

impl WrittenGas {
    /// Finds the table, and the file that it was read from, if any; paths start from `folder`, and without
    /// one they are refused.
    pub(super) fn resolve(self, folder: Option<&Path>) -> Result<(Gas, Option<InputFile>), SimError> {
        let (table, file) = match self.table {
            NameOrTable::Name(name) => named(&name, folder)?,
            NameOrTable::Table(written) => (GasTable::try_from(written).map_err(in_description)?, None),
        };
        let gas = Gas {
            magnetic_field_t: self.magnetic_field_t,
            lorentz_shift_deg: self.lorentz_shift_deg,
            pressure_torr: self.pressure_torr,
            temperature_k: self.temperature_k,
            w_ev: self.w_ev,
            fano: self.fano,
            transverse_scale: self.transverse_scale,
            longitudinal_scale: self.longitudinal_scale,
            table: Arc::new(table),
        };
        Ok((gas, file))
    }
}

/// The same error with the key that the description of a detector has for it.
fn in_description(error: SimError) -> SimError {
    match error {
        SimError::Range { key, value, allowed } => {
            SimError::Range { key: format!("gas.table.{key}"), value, allowed }
        }
        other => other,
    }
}

/// A table that ships with townsend, or that of a file.
fn named(name: &str, folder: Option<&Path>) -> Result<(GasTable, Option<InputFile>), SimError> {
    if let Some(shipped) = GasTable::shipped(name) {
        return Ok((shipped?, None));
    }
    let is_file = GasTable::is_file(name);
    if is_file && let Some(folder) = folder {
        let (table, file) = GasTable::read_file(&folder.join(name))?;
        return Ok((table, Some(file)));
    }
    let names: Vec<_> = GasTable::names().collect();
    if is_file {
        return Err(SimError::NoTable {
            name: name.into(),
            remedy: format!(
                "a model names no file outside; the program has {}\n  hint: write the table into the description, as [gas.table]",
                names.join(", ")
            ),
        });
    }
    Err(SimError::NoTable {
        name: name.into(),
        remedy: format!(
            "the program has {}\n  hint: give the name of one of them, or of a file that ends in .toml or .gas",
            names.join(", ")
        ),
    })
}

impl Gas {
    /// The direction of E × B.
    pub fn direction(&self) -> Direction {
        Direction::from_degrees(self.lorentz_shift_deg)
    }

    /// Transport in the gas at its own pressure and temperature.
    pub(super) fn transport(&self, e_kv_cm: f64) -> Result<Transport, SimError> {
        let mut transport = self.table.transport_at(
            e_kv_cm,
            self.magnetic_field_t,
            self.pressure_torr,
            self.temperature_k,
        )?;
        transport.longitudinal *= self.longitudinal_scale;
        for (sigma, scale) in transport.transverse.iter_mut().zip(self.transverse_scale) {
            *sigma *= scale;
        }
        Ok(transport)
    }

    /// The relative variance of the number of electrons that an X-ray of `energy_ev` frees, and their mean
    /// number: (F/n, n), n = E/W. None unless W and the Fano factor are known.
    pub fn freed(&self, energy_ev: f64) -> Option<(f64, f64)> {
        let mean = energy_ev / self.w_ev?;
        Some((self.fano? / mean, mean))
    }

    /// The density of the gas over that of the same gas in another state.
    pub(super) fn density_over(&self, state: State) -> f64 {
        let own = State { pressure_torr: self.pressure_torr, temperature_k: self.temperature_k };
        self.table.density(own, state)
    }

    pub(super) fn check(&self) -> Result<(), SimError> {
        within("gas.magnetic_field_t", self.magnetic_field_t, 0.0, 10.0)?;
        within("gas.lorentz_shift_deg", self.lorentz_shift_deg, -360.0, 360.0)?;
        State { pressure_torr: self.pressure_torr, temperature_k: self.temperature_k }.check("gas.")?;
        self.w_ev.map_or(Ok(()), |w| within("gas.w_ev", w, 1.0, 1_000.0))?;
        self.fano.map_or(Ok(()), |fano| within("gas.fano", fano, 0.0, 10.0))?;
        for scale in self.transverse_scale {
            within("gas.transverse_scale", scale, 0.0, 10.0)?;
        }
        within("gas.longitudinal_scale", self.longitudinal_scale, 0.0, 10.0)
    }
}
