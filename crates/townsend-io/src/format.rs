//! The formats of files, and how a file's format is told from its name or its first bytes.

use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use crate::{Error, Result};

/// The format of a file of avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A ROOT file: histograms for counts, a tree for electrons.
    Root,
    /// NumPy's zip of arrays.
    Npz,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        match name {
            "root" => Ok(Self::Root),
            "npz" => Ok(Self::Npz),
            _ => Err(format!("unknown format `{name}`; there are `root` and `npz`")),
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Npz => "npz",
        })
    }
}

impl Format {
    /// The format that a file's ending stands for: `.root` or `.npz`, in small or capital letters.
    ///
    /// # Errors
    /// [`Error::UnknownEnding`] if the name has another ending or none.
    pub fn of_name(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        ending.to_ascii_lowercase().parse().map_err(|_| Error::UnknownEnding {
            file: path.into(),
            what: if ending.is_empty() {
                "its name has no ending".into()
            } else {
                format!("it ends in .{ending}")
            },
        })
    }

    /// The format that a file's first four bytes show: those of a ROOT file or of a zip archive.
    pub(crate) fn of_contents(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { file: path.into(), source };
        let mut head = Vec::new();
        std::fs::File::open(path).and_then(|file| file.take(4).read_to_end(&mut head)).map_err(failed)?;
        match head.as_slice() {
            b"root" => Ok(Self::Root),
            b"PK\x03\x04" | b"PK\x05\x06" => Ok(Self::Npz),
            [] => Err(Error::UnknownFormat { file: path.into(), what: "it is empty (0 bytes)".into() }),
            _ => Err(Error::UnknownFormat {
                file: path.into(),
                what: "it begins neither as a ROOT file nor as a zip archive".into(),
            }),
        }
    }
}
