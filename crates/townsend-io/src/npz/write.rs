//! Writing npz files, avalanche by avalanche.

use std::fs::File;
use std::io::{BufReader, BufWriter, Cursor, Error, Seek, Write};

use townsend_core::{Avalanche, Coordinate, Counts, Grid, Meta, OutputFile};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::MetaJson;
use crate::error::Result;
use crate::npy::Header;

/// Writes electrons into an npz.
pub(crate) struct NpzElectronWriter(Spooled);

impl NpzElectronWriter {
    pub(crate) fn new(output: OutputFile, meta: &Meta) -> Result<Self> {
        Spooled::new(output, &[("x", "<f4"), ("z", "<f4"), ("t", "<f4")], None, meta).map(Self)
    }

    pub(crate) fn push(&mut self, electrons: Avalanche<'_>) -> Result<()> {
        let columns = Coordinate::ALL.map(|coordinate| electrons.coordinate(coordinate));
        self.0.push(columns, f32::to_le_bytes)
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

/// Writes sparse counts into an npz.
pub(crate) struct NpzCountWriter(Spooled);

impl NpzCountWriter {
    pub(crate) fn new(output: OutputFile, grid: &Grid, meta: &Meta) -> Result<Self> {
        Spooled::new(output, &[("cells", "<u4"), ("counts", "<u4")], Some(grid), meta).map(Self)
    }

    pub(crate) fn push(&mut self, avalanche: Counts<'_>) -> Result<()> {
        self.0.push([avalanche.cells, avalanche.counts], u32::to_le_bytes)
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

/// An npz under construction, avalanche by avalanche: columns go to unnamed temporary files, since an array's
/// length stands before its values, and are packed into the zip at the end.
struct Spooled {
    output: OutputFile,
    offsets: Column,
    columns: Vec<Column>,
    /// Number of values in each column.
    end: u64,
    meta: String,
}

/// Bytes that go to a file or come from it at once, a multiple of every word. Chosen, not fitted: the system
/// takes half the time for pieces of 256 kB that it takes for 8 kB, and larger ones gain no more.
const PIECE: usize = 1 << 18;

/// An array that is being written: its values are in a temporary file until their number is known.
pub(crate) struct Column {
    name: &'static str,
    /// NumPy's name of the element type, such as `<f4`.
    kind: &'static str,
    spool: File,
    /// What goes to the spool next: the first bytes of a piece.
    piece: Vec<u8>,
    filled: usize,
    length: u64,
}

impl Column {
    pub(crate) fn new(output: &OutputFile, name: &'static str, kind: &'static str) -> Result<Self> {
        Ok(Self { name, kind, spool: output.spool()?, piece: vec![0; PIECE], filled: 0, length: 0 })
    }

    /// Adds values, whose bytes are `bytes`; all values of a column have as many.
    pub(crate) fn write<T: Copy, const N: usize>(
        &mut self,
        mut values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> std::io::Result<()> {
        self.length += values.len() as u64;
        while !values.is_empty() {
            let room = self.piece[self.filled..].as_chunks_mut::<N>().0;
            let (now, later) = values.split_at(room.len().min(values.len()));
            room.iter_mut().zip(now).for_each(|(room, &value)| *room = bytes(value));
            self.filled += N * now.len();
            if self.filled == PIECE {
                self.spool.write_all(&self.piece)?;
                self.filled = 0;
            }
            values = later;
        }
        Ok(())
    }

    /// Writes all bytes into a member of the archive.
    fn copy_to(mut self, zip: &mut impl Write) -> std::io::Result<()> {
        self.spool.rewind()?;
        std::io::copy(&mut BufReader::with_capacity(PIECE, self.spool), zip)?;
        zip.write_all(&self.piece[..self.filled])
    }
}

impl Spooled {
    fn new(
        output: OutputFile,
        columns: &[(&'static str, &'static str)],
        grid: Option<&Grid>,
        meta: &Meta,
    ) -> Result<Self> {
        let offsets = Column::new(&output, "offsets", "<i8")?;
        let columns =
            columns.iter().map(|&(name, kind)| Column::new(&output, name, kind)).collect::<Result<_>>()?;
        let meta = meta_text(&output, meta, grid)?;
        let mut spooled = Self { output, offsets, columns, end: 0, meta };
        spooled.offset(0)?;
        Ok(spooled)
    }

    fn offset(&mut self, added: usize) -> Result<()> {
        self.end += added as u64;
        let written = self.offsets.write(&[self.end as i64], i64::to_le_bytes);
        Ok(written.map_err(|e| self.output.error(e))?)
    }

    /// Adds an avalanche: as many values in each column.
    fn push<T: Copy, const N: usize>(&mut self, columns: [&[T]; N], bytes: fn(T) -> [u8; 4]) -> Result<()> {
        for (column, values) in self.columns.iter_mut().zip(columns) {
            column.write(values, bytes).map_err(|e| self.output.error(e))?;
        }
        self.offset(columns[0].len())
    }

    fn finish(mut self) -> Result<()> {
        let columns = std::iter::once(self.offsets).chain(self.columns);
        let packed = pack(self.output.file(), columns, &self.meta);
        packed.map_err(|e| self.output.error(of_the_system(e)))?;
        Ok(self.output.commit()?)
    }
}

/// What the system said, without the words of the archive about it.
fn of_the_system(error: std::io::Error) -> std::io::Error {
    match error.downcast::<zip::result::ZipError>() {
        Ok(zip::result::ZipError::Io(error)) | Err(error) => error,
        Ok(error) => std::io::Error::other(error),
    }
}

/// The JSON text for the array `meta`.
pub(crate) fn meta_text(output: &OutputFile, meta: &Meta, grid: Option<&Grid>) -> Result<String> {
    let meta = MetaJson { townsend: meta.clone(), grid: grid.cloned() };
    Ok(serde_json::to_string(&meta).map_err(|e| output.error(e.into()))?)
}

/// Writes the zip archive of the columns and `meta`.
pub(crate) fn pack(
    file: &mut File,
    columns: impl Iterator<Item = Column>,
    meta: &str,
) -> std::io::Result<()> {
    let mut zip = ZipWriter::new(BufWriter::new(file));
    // The default time stamp is 1980-01-01: nothing in the file depends on when it was made.
    let options = SimpleFileOptions::default().large_file(true).last_modified_time(zip::DateTime::default());
    for column in columns {
        // Positions and times are noise in their lower bits: compression would save an eighth and take all
        // the time.
        let stored = column.kind == "<f4";
        let method = if stored { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        zip.start_file(format!("{}.npy", column.name), options.compression_method(method))?;
        Header::write(&mut zip, column.kind, &[column.length])?;
        column.copy_to(&mut zip)?;
    }
    zip.start_file("meta.npy", options)?;
    Header::write(&mut zip, &format!("<U{}", meta.chars().count()), &[])?;
    for code in meta.chars() {
        zip.write_all(&u32::from(code).to_le_bytes())?;
    }
    zip.finish()?.flush()
}

/// The bytes of an npz of arrays of `float32` with rows of so many values.
pub(crate) fn of_tables(arrays: &[(String, usize, Vec<f64>)]) -> std::io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for (name, columns, values) in arrays {
        if *columns == 0 || values.len() % columns != 0 {
            return Err(Error::other(format!(
                "{name}: {} values do not fill rows of {columns}",
                values.len()
            )));
        }
        zip.start_file(format!("{name}.npy"), options)?;
        Header::write(&mut zip, "<f4", &[(values.len() / columns) as u64, *columns as u64])?;
        let bytes: Vec<u8> = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
        zip.write_all(&bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
