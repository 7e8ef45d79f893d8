//! Reading one array of numbers from a file, whatever else the file holds.

use std::path::Path;

use crate::columns::Table;
use crate::error::Result;
use crate::npz::Arrays;
use crate::text::TextTable;
use crate::{Format, ReadOptions, electrons, npz, parquet, root};

/// Reads the array `name` of an npz, the branch `name` of a ROOT file's tree, or the column `name` of a text
/// or of a Parquet file: how many values there are along each dimension, and the values, row by row. Integers
/// beyond 2⁵³ are rounded.
///
/// The tree is that of the electrons, or the first one with such a branch where avalanches are histograms.
/// Where an entry is an electron, there is one value an avalanche: that of its electrons, which must agree,
/// and NaN if it has none.
///
/// # Errors
/// If the file cannot be read, has no such array, or that one is damaged or holds no numbers.
pub fn read_array(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    match Format::of_contents(path)? {
        Format::Npz => of_npz(path, name),
        Format::Root | Format::RNTuple => root::read_condition(path, name, &ReadOptions::default()),
        Format::Text => of_table(path, &TextTable::open(path)?, name),
        Format::Parquet => of_table(path, &*parquet::open(path)?, name),
    }
}

/// Reads the array `name` of an npz whose contents are in memory, as [`read_array`] does; `path` names it in
/// errors.
///
/// # Errors
/// If there is no such array, or it is damaged or holds no numbers.
pub fn read_array_of(contents: &[u8], path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    numbers(Arrays::of_contents(path, contents.to_vec())?, name)
}

/// The contents of an npz with these arrays of two dimensions: name, number of columns, and values row by
/// row, which are written as `float32`. They depend on the arrays alone.
///
/// # Errors
/// If the values do not fill rows.
pub fn npz_of(arrays: &[(String, usize, Vec<f64>)]) -> std::io::Result<Vec<u8>> {
    npz::of_tables(arrays)
}

/// Whether an npz has the array `name`, a tree or RNTuple of a ROOT file the column `name`, or a text or
/// Parquet file that column.
///
/// # Errors
/// If the file cannot be read or is damaged.
pub fn has_array(path: &Path, name: &str) -> Result<bool> {
    let in_table = |table: &dyn Table| table.headers().iter().any(|header| header.name == name);
    match Format::of_contents(path)? {
        Format::Npz => Ok(Arrays::open(path)?.has(name)),
        Format::Root | Format::RNTuple => root::has_column(path, name),
        Format::Text => Ok(in_table(&TextTable::open(path)?)),
        Format::Parquet => Ok(in_table(&*parquet::open(path)?)),
    }
}

/// The column `name` of a table, as many values in each row.
fn of_table(path: &Path, table: &dyn Table, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    electrons::read_column(path, table, electrons::find_column(path, table, name)?)
}

pub(crate) fn of_npz(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    numbers(Arrays::open(path)?, name)
}

fn numbers(mut arrays: Arrays, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
    let (shape, values) = arrays.numbers(name)?;
    Ok((shape.into_iter().map(|length| length as usize).collect(), values.to_f64()))
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
    fn tables_in_memory_are_read_again() {
        let tables =
            [("a".to_owned(), 3, vec![1.5, -2.0, 0.25, 1e6, 0.0, 3.0]), ("none".to_owned(), 2, vec![])];
        let contents = npz_of(&tables).unwrap();
        assert_eq!(contents, npz_of(&tables).unwrap());
        let read = |name| read_array_of(&contents, "memory".as_ref(), name);
        assert_eq!(read("a").unwrap(), (vec![2, 3], tables[0].2.clone()));
        assert_eq!(read("none").unwrap(), (vec![0, 2], vec![]));
        assert!(read("b").unwrap_err().to_string().contains("memory"));
        assert!(read_array_of(&contents[..40], "memory".as_ref(), "a").is_err());
        assert!(npz_of(&[("a".to_owned(), 4, vec![0.0; 6])]).is_err());
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&file, &contents).unwrap();
        assert_eq!(read_array(&file, "a").unwrap(), read("a").unwrap());
    }

    #[test]
    fn what_is_no_array_of_numbers_is_refused() {
        let said =
            |descr, shape, name| read_array(&npz(descr, shape, &[0; 24]), name).unwrap_err().to_string();
        assert!(said("<f4", "2, 3", "b").contains("no such array; the file holds a"));
        assert!(said("<f4", "2, 4", "a").contains("promises 8 values of 4 bytes, 24 bytes are there"));
        assert!(said("|S24", "", "a").contains("holds text, not numbers that can be read"));
        let file = npz("<f4", "6", &[0; 24]);
        assert_eq!((has_array(&file, "a").unwrap(), has_array(&file, "b").unwrap()), (true, false));
    }
}
