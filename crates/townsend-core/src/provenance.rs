//! Where avalanches come from and what their numbers mean.

use serde::{Deserialize, Serialize};

/// A file that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as it was given.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// How a file was made. It holds nothing that differs between two runs of the same command on the same input (no
/// time, no host), so that the same seed gives the same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Program and version.
    pub producer: String,
    /// What it did: `generate`, `convert`, ...
    pub action: String,
    /// Seed of the random streams, where there was chance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What it was made from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputFile>,
    /// What the author of the original data said of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// Units and provenance of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Units of x, z and t.
    pub units: [String; 3],
    /// How it was made.
    pub provenance: Provenance,
}

impl Default for Meta {
    fn default() -> Self {
        Self { units: ["mm", "mm", "ns"].map(String::from), provenance: Provenance::default() }
    }
}
