//! NumPy's npz: a zip archive of arrays.
//!
//! Electrons are `offsets` (n + 1), `x`, `z`, `t`; counts are `offsets`, `cells`, `counts`, with the grid in
//! `meta`. `meta` is a string of JSON.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::{
    Avalanche, Coordinate, CountSet, Counts, Dataset, ElectronSet, Grid, Meta, OutputFile, Progress,
    Provenance,
};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::{Error, Result, content};
use crate::npy::{Header, Kind};

/// The JSON in the array `meta` as townsend writes it. Any other text in `meta` is kept as the provenance's
/// source.
#[derive(Serialize, Deserialize)]
struct MetaJson {
    townsend: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
}

/// Reads electrons or counts. The warnings name the arrays that were not read.
pub(crate) fn read(path: &Path, progress: &dyn Progress) -> Result<(Dataset, Vec<String>)> {
    let mut arrays = Arrays::open(path)?;
    let task = progress.task("reading", 4);
    let names = arrays.names();
    let has = |name: &str| names.iter().any(|have| have == name);
    let (meta, grid) = arrays.meta(has("meta"))?;
    let offsets = arrays.unsigned("offsets")?;
    task.advance(1);
    let (data, used): (Dataset, &[&str]) = if has("cells") {
        let cells = arrays.unsigned("cells")?;
        task.advance(1);
        let counts = arrays.unsigned("counts")?;
        let grid =
            grid.ok_or_else(|| content(path, "meta", "holds no grid, so the cells cannot be placed"))?;
        (
            counts_of(path, &offsets, &cells, &counts, grid, meta)?.into(),
            &["offsets", "cells", "counts", "meta"],
        )
    } else {
        let [x, z, t] = Coordinate::ALL.map(|coordinate| {
            let values = arrays.floats(coordinate.name());
            task.advance(1);
            values
        });
        let set = ElectronSet::from_arrays(offsets, x?, z?, t?, meta)
            .map_err(|what| content(path, "electrons", what))?;
        (set.into(), &["offsets", "x", "z", "t", "meta"])
    };
    let left: Vec<_> = names.iter().filter(|name| !used.contains(&name.as_str())).cloned().collect();
    let warning = (!left.is_empty()).then(|| format!("arrays that are not read: {}", left.join(", ")));
    Ok((data, warning.into_iter().collect()))
}

fn counts_of(
    path: &Path,
    offsets: &[u64],
    cells: &[u64],
    counts: &[u64],
    grid: Grid,
    meta: Meta,
) -> Result<CountSet> {
    let bad = |what: String| content(path, "counts", what);
    if cells.len() != counts.len() {
        return Err(bad(format!("{} cells and {} counts; there must be as many", cells.len(), counts.len())));
    }
    if offsets.first() != Some(&0) || offsets.last() != Some(&(cells.len() as u64)) {
        return Err(bad(format!(
            "offsets must begin with 0 and end with the number of cells, {}",
            cells.len()
        )));
    }
    let all = grid.cells() as u64;
    let mut set = CountSet::new(grid);
    set.meta = meta;
    for (k, pair) in offsets.windows(2).enumerate() {
        let range = pair[0] as usize..pair[1] as usize;
        let (Some(cells), Some(counts)) = (cells.get(range.clone()), counts.get(range)) else {
            return Err(bad(format!("offsets run from {} to {} at avalanche {k}", pair[0], pair[1])));
        };
        let in_order = cells.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = cells.last().is_none_or(|&cell| cell < all)
            && counts.iter().all(|&n| n > 0 && u32::try_from(n).is_ok());
        if !(in_order && in_range) {
            return Err(bad(format!(
                "avalanche {k}: cells must increase and lie below {all}, counts must be at least 1"
            )));
        }
        set.push(cells.iter().zip(counts).map(|(&cell, &n)| (cell as u32, n as u32)));
    }
    Ok(set)
}

/// An npz file that is open for reading.
pub(crate) struct Arrays<'a> {
    path: &'a Path,
    archive: ZipArchive<BufReader<File>>,
}

impl<'a> Arrays<'a> {
    pub(crate) fn open(path: &'a Path) -> Result<Self> {
        let failed = |source| Error::Read { file: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| {
            content(
                path,
                "zip directory",
                format!("is not whole ({e}); copy the file again or write it anew"),
            )
        })?;
        Ok(Self { path, archive })
    }

    fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().filter_map(std::result::Result::ok);
        names.map(|name| name.strip_suffix(".npy").unwrap_or(&name).to_owned()).collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().iter().any(|have| have == name)
    }

    /// Reads the header and the raw bytes of an array of at most one dimension.
    fn bytes(&mut self, name: &str) -> Result<(Header, Vec<u8>)> {
        let (header, shape, bytes) = self.shaped(name)?;
        if shape.len() > 1 {
            return Err(content(
                self.path,
                name,
                format!("has the shape {shape:?}; one dimension is wanted"),
            ));
        }
        Ok((header, bytes))
    }

    /// Reads the header, the shape and the raw bytes of an array.
    pub(crate) fn shaped(&mut self, name: &str) -> Result<(Header, Vec<u64>, Vec<u8>)> {
        let path = self.path;
        let names = self.names();
        let mut entry = self.archive.by_name(&format!("{name}.npy")).map_err(|e| {
            if names.iter().any(|have| have == name) {
                return content(path, name, format!("{e}; the file is damaged"));
            }
            let there = if names.is_empty() { "nothing".into() } else { names.join(", ") };
            content(path, name, format!(
                "there is no such array; the file holds {there}\n  hint: electrons are `offsets`, `x`, `z`, `t`; counts are `offsets`, `cells`, `counts`, `meta`"
            ))
        })?;
        let damaged = |e: std::io::Error| {
            content(path, name, format!("{e}; the file is damaged or not one of avalanches"))
        };
        let (header, shape) = Header::read(&mut entry).map_err(damaged)?;
        // The buffer grows with the bytes that the file has, whatever length a damaged header states.
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        if header.length.checked_mul(header.size as u64) != Some(bytes.len() as u64) {
            return Err(content(
                path,
                name,
                format!(
                    "its header promises {} values of {} bytes, {} bytes are there; the file is damaged",
                    header.length,
                    header.size,
                    bytes.len()
                ),
            ));
        }
        Ok((header, shape, bytes))
    }

    /// The bytes of each value in little-endian order, padded with zeros to eight bytes.
    pub(crate) fn words(header: Header, bytes: &[u8]) -> impl Iterator<Item = [u8; 8]> + '_ {
        bytes.chunks_exact(header.size).map(move |value| {
            let mut word = [0; 8];
            word[..header.size].copy_from_slice(value);
            if header.big_endian {
                word[..header.size].reverse();
            }
            word
        })
    }

    fn unsigned(&mut self, name: &str) -> Result<Vec<u64>> {
        let (header, bytes) = self.bytes(name)?;
        if !matches!(header.kind, Kind::Signed | Kind::Unsigned) {
            return Err(content(
                self.path,
                name,
                format!("holds {:?} values; integers are wanted", header.kind),
            ));
        }
        let negative = |word: &[u8; 8]| header.kind == Kind::Signed && word[header.size - 1] >= 0x80;
        if let Some(entry) = Self::words(header, &bytes).position(|word| negative(&word)) {
            return Err(content(self.path, name, format!("entry {entry} is negative")));
        }
        Ok(Self::words(header, &bytes).map(u64::from_le_bytes).collect())
    }

    fn floats(&mut self, name: &str) -> Result<Vec<f32>> {
        let (header, bytes) = self.bytes(name)?;
        match (header.kind, header.size) {
            (Kind::Float, 4) => Ok(Self::words(header, &bytes)
                .map(|word| f32::from_bits(u64::from_le_bytes(word) as u32))
                .collect()),
            (Kind::Float, _) => {
                Ok(Self::words(header, &bytes).map(|word| f64::from_le_bytes(word) as f32).collect())
            }
            _ => Err(content(
                self.path,
                name,
                format!("holds {:?} values; float32 or float64 is wanted", header.kind),
            )),
        }
    }

    fn meta(&mut self, there: bool) -> Result<(Meta, Option<Grid>)> {
        if !there {
            return Ok((Meta::default(), None));
        }
        let (header, bytes) = self.bytes("meta")?;
        let text: String = match header.kind {
            Kind::Unicode => bytes
                .chunks_exact(4)
                .map(|code| {
                    let code = [code[0], code[1], code[2], code[3]];
                    let code =
                        if header.big_endian { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) };
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                })
                .collect(),
            Kind::Bytes => String::from_utf8_lossy(&bytes).into_owned(),
            kind => {
                return Err(content(self.path, "meta", format!("holds {kind:?} values; a string is wanted")));
            }
        };
        let text = text.trim_end_matches('\0');
        if let Ok(ours) = serde_json::from_str::<MetaJson>(text) {
            return Ok((ours.townsend, ours.grid));
        }
        Ok((
            Meta {
                provenance: Provenance { source: text.into(), ..Provenance::default() },
                ..Meta::default()
            },
            None,
        ))
    }
}

/// Writes electrons into an npz.
pub(crate) struct NpzElectronWriter(Spooled);

impl NpzElectronWriter {
    pub(crate) fn new(output: OutputFile, meta: &Meta) -> Result<Self> {
        Spooled::new(output, &[("x", "<f4"), ("z", "<f4"), ("t", "<f4")], None, meta).map(Self)
    }

    pub(crate) fn push(&mut self, electrons: Avalanche<'_>) -> Result<()> {
        let column = |coordinate| electrons.coordinate(coordinate).iter().map(|v| v.to_le_bytes());
        self.0.push(electrons.len(), Coordinate::ALL.map(column))
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
        let columns =
            [avalanche.cells, avalanche.counts].map(|column| column.iter().map(|v| v.to_le_bytes()));
        self.0.push(avalanche.cells.len(), columns)
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
    end: u64,
    meta: String,
}

/// An array that is being written: its values are in a temporary file until their number is known.
pub(crate) struct Column {
    name: &'static str,
    /// NumPy's name of the element type, such as `<f4`.
    kind: &'static str,
    spool: BufWriter<File>,
    length: u64,
}

impl Column {
    pub(crate) fn new(output: &OutputFile, name: &'static str, kind: &'static str) -> Result<Self> {
        Ok(Self { name, kind, spool: BufWriter::new(output.spool()?), length: 0 })
    }

    pub(crate) fn write<const N: usize>(
        &mut self,
        words: impl Iterator<Item = [u8; N]>,
    ) -> std::io::Result<()> {
        for word in words {
            self.spool.write_all(&word)?;
            self.length += 1;
        }
        Ok(())
    }
}

impl Spooled {
    fn new(
        output: OutputFile,
        columns: &[(&'static str, &'static str)],
        grid: Option<&Grid>,
        meta: &Meta,
    ) -> Result<Self> {
        let offsets = Column::new(&output, "offsets", "<u8")?;
        let columns =
            columns.iter().map(|&(name, kind)| Column::new(&output, name, kind)).collect::<Result<_>>()?;
        let meta = meta_text(&output, meta, grid)?;
        let mut spooled = Self { output, offsets, columns, end: 0, meta };
        spooled.offset(0)?;
        Ok(spooled)
    }

    fn offset(&mut self, added: usize) -> Result<()> {
        self.end += added as u64;
        let written = self.offsets.write([self.end.to_le_bytes()].into_iter());
        Ok(written.map_err(|e| self.output.error(e))?)
    }

    /// Adds an avalanche with `length` values in each column.
    fn push<W: Iterator<Item = [u8; 4]>, const N: usize>(
        &mut self,
        length: usize,
        columns: [W; N],
    ) -> Result<()> {
        for (column, words) in self.columns.iter_mut().zip(columns) {
            column.write(words).map_err(|e| self.output.error(e))?;
        }
        self.offset(length)
    }

    fn finish(mut self) -> Result<()> {
        let columns = std::iter::once(self.offsets).chain(self.columns);
        let packed = pack(self.output.file(), columns, &self.meta);
        packed.map_err(|e| self.output.error(e))?;
        Ok(self.output.commit()?)
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
        Header::write(&mut zip, column.kind, Some(column.length))?;
        let mut spool = column.spool.into_inner()?;
        spool.seek(SeekFrom::Start(0))?;
        std::io::copy(&mut spool, &mut zip)?;
    }
    zip.start_file("meta.npy", options)?;
    Header::write(&mut zip, &format!("<U{}", meta.chars().count()), None)?;
    for code in meta.chars() {
        zip.write_all(&u32::from(code).to_le_bytes())?;
    }
    zip.finish()?.flush()
}
