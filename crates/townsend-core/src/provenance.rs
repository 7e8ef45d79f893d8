//! Where avalanches come from and what their numbers mean.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A file that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as it was given.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl InputFile {
    /// A file whose bytes are in memory, such as a model that is part of a larger file.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { file: name.into(), sha256: hexadecimal(&Sha256::digest(bytes)) }
    }

    /// Reads the file once and takes its hash.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut file = crate::regular_file(path)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 20];
        loop {
            match io::Read::read(&mut file, &mut block)? {
                0 => break,
                n => hash.update(&block[..n]),
            }
        }
        Ok(Self { file: path.display().to_string(), sha256: hexadecimal(&hash.finalize()) })
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

/// How a file was made. It holds nothing that differs between two runs of the same command on the same input
/// (no time, no host), so that the same seed gives the same bytes.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_as_sha256sum_does() {
        let path = std::env::temp_dir().join(format!("townsend-hash-{}", std::process::id()));
        std::fs::write(&path, "abc").unwrap();
        let file = InputFile::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // FIPS 180-2, appendix B.1
        assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(InputFile::of(&file.file, b"abc"), file);
    }
}
