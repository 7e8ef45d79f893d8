//! Reading one array of numbers from a file, whatever else the file holds.

use std::path::Path;

use crate::error::{Result, content};
use crate::npy::Kind;
use crate::npz::Arrays;
use crate::{Format, tree};

/// Reads the array `name` of an npz, or the branch `name` of a ROOT file's tree: how many values there are
/// along each dimension, and the values, row by row. Integers beyond 2⁵³ are rounded.
///
/// The tree is that of the electrons, or the first one with such a branch where avalanches are histograms.
/// Where an entry is an electron, there is one value an avalanche: that of its electrons, which must agree,
/// and NaN if it has none.
///
/// # Errors
/// If the file cannot be read, has no such array, or that one is damaged, holds no numbers or does not have
/// its rows first.
pub fn read_array(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    match Format::of_contents(path)? {
        Format::Npz => of_npz(path, name),
        Format::Root => tree::read_branch(path, name),
    }
}

/// Whether an npz has the array `name`, or a tree of a ROOT file the branch `name`.
///
/// # Errors
/// If the file cannot be read or is damaged.
pub fn has_array(path: &Path, name: &str) -> Result<bool> {
    match Format::of_contents(path)? {
        Format::Npz => Ok(Arrays::open(path)?.has(name)),
        Format::Root => tree::has_branch(path, name),
    }
}

fn of_npz(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let (header, shape, bytes) = Arrays::open(path)?.shaped(name)?;
    let unused = 64 - 8 * header.size.min(8) as u32;
    let number = |word: [u8; 8]| {
        let bits = u64::from_le_bytes(word);
        match (header.kind, header.size) {
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            // Shifting up and down again extends the sign to 64 bits.
            (Kind::Signed, _) => ((bits << unused) as i64 >> unused) as f64,
            _ => bits as f64,
        }
    };
    if matches!(header.kind, Kind::Unicode | Kind::Bytes) {
        return Err(content(path, name, format!("holds {:?} values; numbers are wanted", header.kind)));
    }
    let shape = shape.into_iter().map(|length| length as usize).collect();
    Ok((shape, Arrays::words(header, &bytes).map(number).collect()))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// An npz with one array, `a`.
    fn npz(descr: &str, shape: &str, bytes: &[u8]) -> tempfile::TempPath {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("a.npy", SimpleFileOptions::default()).unwrap();
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        zip.write_all(b"\x93NUMPY\x01\x00").unwrap();
        zip.write_all(&(text.len() as u16).to_le_bytes()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        zip.write_all(bytes).unwrap();
        zip.finish().unwrap();
        path
    }

    #[test]
    fn numbers_of_every_kind_come_as_floats() {
        let floats: Vec<u8> =
            [1.5f32, -2.0, 0.0, 8.0, 0.25, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let table = read_array(&npz("<f4", "2, 3", &floats), "a").unwrap();
        assert_eq!(table, (vec![2, 3], vec![1.5, -2.0, 0.0, 8.0, 0.25, 3.0]));
        for (descr, bytes, value) in [
            (">i2", (-3i16).to_be_bytes().to_vec(), -3.0),
            ("<i8", (-3i64).to_le_bytes().to_vec(), -3.0),
            ("|u1", vec![200], 200.0),
            (">f8", (-0.1f64).to_be_bytes().to_vec(), -0.1),
        ] {
            assert_eq!(read_array(&npz(descr, "", &bytes), "a").unwrap(), (vec![], vec![value]), "{descr}");
        }
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        let said =
            |descr, shape, name| read_array(&npz(descr, shape, &[0; 24]), name).unwrap_err().to_string();
        assert!(said("<f4", "2, 3", "b").contains("no such array; the file holds a"));
        assert!(said("<f4", "2, 4", "a").contains("promises 8 values of 4 bytes, 24 bytes are there"));
        assert!(said("|S24", "", "a").contains("numbers are wanted"));
        let file = npz("<f4", "6", &[0; 24]);
        assert_eq!((has_array(&file, "a").unwrap(), has_array(&file, "b").unwrap()), (true, false));
    }
}
