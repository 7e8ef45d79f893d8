//! Errors of detectors and their descriptions.

use std::path::PathBuf;

use thiserror::Error;
use townsend_core::with_nearest;

/// Why a detector cannot be simulated.
#[derive(Debug, Error)]
pub enum SimError {
    /// The text is not TOML, or has a key that does not exist or a value of another type.
    #[error("{}", with_nearest(.0.to_string().trim_end()))]
    Toml(#[from] toml::de::Error),
    /// A value is outside its limits.
    #[error("{key} is {value}, but must be {allowed}")]
    Range {
        /// The key, as it is written in the file.
        key: String,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A field outside the gas table.
    #[error(
        "the gas table \"{gas}\" has no transport at {e_kv_cm} kV/cm and {b_t} T; it holds {range}\n  hint: choose fields within it, or bring a table that holds them"
    )]
    OutsideTable {
        /// The table's name.
        gas: String,
        /// Electric field, kV/cm.
        e_kv_cm: f64,
        /// Magnetic field, T.
        b_t: f64,
        /// The fields that the table covers, in words.
        range: String,
    },
    /// No gas table of this name.
    #[error("gas.table: there is no gas table `{name}`; {remedy}")]
    NoTable {
        /// The name asked for.
        name: String,
        /// What there is instead, and what to do.
        remedy: String,
    },
    /// A table is missing that the description needs only for what was asked for, such as tracks.
    #[error(
        "there is no [{table}] table, which says {what}\n  hint: add one, as configs/detector/cgem.toml has it"
    )]
    Missing {
        /// Its name.
        table: &'static str,
        /// What it is for.
        what: &'static str,
    },
    /// A gas file of Garfield++ that is damaged or does not hold what is needed.
    #[error("gas file {0}")]
    GasFile(String),
    /// A condition that foils cannot be set to.
    #[error("{what}\n  hint: {remedy}")]
    Condition {
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// Recorded responses that cannot be drawn from.
    #[error("{what}\n  hint: {remedy}")]
    Recorded {
        /// What is wrong with them.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// An error of the stage with these responses.
    #[error("{stage}: {source}")]
    Of {
        /// Their name.
        stage: String,
        /// What is wrong.
        source: Box<SimError>,
    },
    /// The operating system could not read a file.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// The reason that it gives.
        source: std::io::Error,
    },
    /// An error in a file, for errors that do not name the file themselves.
    #[error("{file}: {source}")]
    In {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<SimError>,
    },
}
