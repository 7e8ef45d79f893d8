//! The formats of files, and how a file's format is told from its name or its first bytes.

use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use townsend_core::regular_file;

use crate::text::{TextTable, unpacked};
use crate::{Error, Result};

/// The format of a file of avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A ROOT file: histograms for counts, a tree for electrons.
    Root,
    /// NumPy's zip of arrays.
    Npz,
    /// A ROOT file with electrons in an RNTuple.
    RNTuple,
    /// Columns of numbers in a text, packed with gzip or not; avalanches are read, not written.
    Text,
    /// Apache Parquet, where the program was built with it; read, not written.
    Parquet,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        match name {
            "root" => Ok(Self::Root),
            "npz" => Ok(Self::Npz),
            "rntuple" => Ok(Self::RNTuple),
            "text" => Ok(Self::Text),
            "parquet" => Ok(Self::Parquet),
            _ => Err(format!(
                "unknown format `{name}`; there are `root`, `rntuple`, `npz`, `text` and `parquet`"
            )),
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Npz => "npz",
            Self::RNTuple => "rntuple",
            Self::Text => "text",
            Self::Parquet => "parquet",
        })
    }
}

/// As many bytes tell a text from anything else.
const HEAD: u64 = 1 << 16;

/// How files begin that are told apart to say what they are.
const OTHERS: [(&[u8], &str); 9] = [
    (b"\x93NUMPY", "a single array of NumPy (.npy); store arrays with np.savez"),
    (b"\x89HDF", "an HDF5 file; store its arrays with np.savez"),
    (b"\xff\xfe", "a text in UTF-16; store it as UTF-8"),
    (b"\xfe\xff", "a text in UTF-16; store it as UTF-8"),
    (b"BZh", "compressed with bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed with xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"SQLite", "an SQLite data base; store its columns as text"),
    (b"%PDF", "a PDF"),
];

impl Format {
    /// The format that a file's ending stands for, in small or capital letters: `.root`, `.npz`, `.parquet`,
    /// or `.csv`, `.tsv`, `.txt`, `.dat` for texts, with `.gz` behind or not.
    ///
    /// # Errors
    /// [`Error::UnknownEnding`] if the name has another ending or none.
    pub fn of_name(path: &Path) -> Result<Self> {
        let ending_of = |path: &Path| {
            let ending = path.extension().and_then(|ending| ending.to_str());
            ending.unwrap_or_default().to_ascii_lowercase()
        };
        let ending = ending_of(path);
        let packed = ending == "gz";
        let inner = if packed { ending_of(&path.with_extension("")) } else { ending.clone() };
        match inner.as_str() {
            "csv" | "tsv" | "txt" | "dat" => Ok(Self::Text),
            "root" if !packed => Ok(Self::Root),
            "npz" if !packed => Ok(Self::Npz),
            "parquet" if !packed => Ok(Self::Parquet),
            _ => Err(Error::UnknownEnding {
                file: path.into(),
                what: if ending.is_empty() {
                    "its name has no ending".into()
                } else {
                    format!("it ends in .{ending}")
                },
            }),
        }
    }

    /// The format that a file's first bytes show: those of a ROOT file, of a zip archive, of Parquet, or a
    /// text of numbers.
    pub(crate) fn of_contents(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { file: path.into(), source };
        let unknown = |what: &str| Err(Error::UnknownFormat { file: path.into(), what: what.into() });
        let mut head = Vec::new();
        regular_file(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(failed)?;
        if let Some(format) = Self::of_magic(&head) {
            return Ok(format);
        }
        if TextTable::looks_like(&head) {
            return Ok(Self::Text);
        }
        if head.is_empty() {
            return unknown("it is empty (0 bytes)");
        }
        if let Some(format) = Self::of_magic(&unpacked(&head)) {
            return unknown(&format!("it is a gzip of another file ({format}); unpack it first"));
        }
        match OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
            Some((_, what)) => unknown(&format!("it is {what}")),
            None => unknown(
                "it begins neither as a ROOT file nor as a zip archive nor as Parquet, nor is it a text of numbers",
            ),
        }
    }

    fn of_magic(head: &[u8]) -> Option<Self> {
        match head {
            [b'r', b'o', b'o', b't', ..] => Some(Self::Root),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Npz),
            [b'P', b'A', b'R', b'1', ..] => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The error if a file is to be written in a format that is only read.
    pub(crate) fn not_written(self, path: &Path) -> Error {
        Error::NotWritten { file: path.into(), format: self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_stand_for_formats() {
        for (name, format) in [
            ("a.root", Format::Root),
            ("a.NPZ", Format::Npz),
            ("a.parquet", Format::Parquet),
            ("a.csv", Format::Text),
            ("a.b.TXT", Format::Text),
            ("a.dat.gz", Format::Text),
            ("a.tsv.GZ", Format::Text),
        ] {
            assert_eq!(Format::of_name(Path::new(name)).unwrap(), format, "{name}");
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        for (name, said) in [("a", "has no ending"), ("a.h5", "ends in .h5"), ("a.root.gz", "ends in .gz")] {
            assert!(Format::of_name(Path::new(name)).unwrap_err().to_string().contains(said), "{name}");
        }
    }

    #[test]
    fn what_is_no_avalanche_is_told_by_its_first_bytes() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Format::of_contents(&path)
        };
        assert_eq!(of(b"PAR1").unwrap(), Format::Parquet);
        assert_eq!(of(b"x z\n1 2\n").unwrap(), Format::Text);
        for (bytes, said) in [
            (&b"\x93NUMPY\x01\0"[..], "single array of NumPy"),
            (b"\xff\xfe1\0\n\0", "UTF-16"),
            (b"\x89HDF\r\n", "HDF5"),
            (b"", "empty (0 bytes)"),
            (b"Once upon a time", "nor is it a text of numbers"),
        ] {
            let message = of(bytes).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, b"root\0\0\0\0").unwrap();
        let message = of(&gzip.finish().unwrap()).unwrap_err().to_string();
        assert!(message.contains("it is a gzip of another file (root); unpack it first"), "{message}");
    }
}
