//! An array of an npz that is read some rows at a time.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;

use super::archive::{as_unsigned, damaged};
use crate::columns::{ColumnReader, ColumnValues, Values};
use crate::error::{Result, content};
use crate::npy::Header;

/// An array of numbers whose rows are read in their order. To go back it is read again from its beginning,
/// because what is compressed has no places to begin at.
pub(super) struct MemberReader {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) header: Header,
    /// Where the member begins in the file and how many bytes it has there.
    pub(super) place: (u64, u64),
    pub(super) compressed: bool,
    pub(super) checksum: u32,
    /// The rows that follow, and the first of them.
    pub(super) open: Option<(CrcReader<Box<dyn Read + Send>>, u64)>,
}

impl MemberReader {
    /// Number of rows.
    pub(super) fn rows(&self) -> u64 {
        self.header.shape.first().copied().unwrap_or(1)
    }

    /// Values of a row.
    fn each(&self) -> u64 {
        self.header.shape.iter().skip(1).product()
    }

    /// Reads whole numbers from 0.
    pub(super) fn unsigned(&mut self, rows: Range<u64>) -> Result<Vec<u64>> {
        let values = self.values(rows)?;
        as_unsigned(values, &self.header).map_err(|what| content(&self.path, &*self.name, what))
    }

    /// Reads the values of these rows. Rows beyond the last one are left out.
    fn values(&mut self, rows: Range<u64>) -> Result<Values> {
        let rows = rows.start.min(self.rows())..rows.end.min(self.rows());
        let bytes = self.bytes(&rows).map_err(|e| content(&self.path, &*self.name, damaged(&e)))?;
        let values = self.header.values(&bytes);
        values.ok_or_else(|| content(&self.path, &*self.name, format!("holds {}", self.header.refusal())))
    }

    fn bytes(&mut self, rows: &Range<u64>) -> io::Result<Vec<u8>> {
        let row = self.each() * self.header.size as u64;
        let (mut from, next) = match self.open.take().filter(|(_, next)| *next <= rows.start) {
            Some(open) => open,
            None => (self.beginning()?, 0),
        };
        io::copy(&mut (&mut from).take((rows.start - next) * row), &mut io::sink())?;
        let wanted = (rows.end - rows.start) * row;
        // The buffer grows with the bytes that the file has, whatever length a damaged header states.
        let mut bytes = Vec::new();
        (&mut from).take(wanted).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != wanted {
            return Err(io::Error::other(format!(
                "its header promises {} values of {} bytes, and it ends before",
                self.header.length(),
                self.header.size
            )));
        }
        if rows.end == self.rows() && !rows.is_empty() {
            if from.read(&mut [0])? > 0 {
                return Err(io::Error::other("its header promises less than there is"));
            }
            if from.crc().sum() != self.checksum {
                return Err(io::Error::other("Invalid checksum"));
            }
        }
        self.open = Some((from, rows.end));
        Ok(bytes)
    }

    /// Opens the array anew, at its first row.
    fn beginning(&self) -> io::Result<CrcReader<Box<dyn Read + Send>>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.place.0))?;
        let stored = BufReader::with_capacity(1 << 16, file.take(self.place.1));
        let plain: Box<dyn Read + Send> =
            if self.compressed { Box::new(DeflateDecoder::new(stored)) } else { Box::new(stored) };
        let mut from = CrcReader::new(plain);
        Header::read(&mut from)?;
        Ok(from)
    }
}

impl ColumnReader for MemberReader {
    fn read(&mut self, rows: Range<u64>) -> Result<ColumnValues> {
        let values = self.values(rows)?;
        let each = self.each();
        let count = values.len() as u64 / each.max(1);
        let lists = self.header.shape.len() == 2;
        Ok(ColumnValues { offsets: lists.then(|| (0..=count).map(|row| row * each).collect()), values })
    }
}
