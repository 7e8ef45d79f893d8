//! Columns of numbers in a text, as programs print them: CSV, or separated by blanks, packed with gzip or
//! not.

mod dialect;
mod numbers;
mod rows;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use rayon::prelude::*;
use townsend_root::check_content;

use crate::columns::{ColumnHeader, ColumnKind, ColumnValues, TEXT, Table, Values};
use crate::error::{Error, Result, content};
use dialect::Dialect;
use numbers::Numbers;
use rows::Rows;

/// Text is parsed in blocks of about this size, several at a time.
const BLOCK: usize = 1 << 18;
/// No line of numbers is as long; without a limit a small gzip could fill the memory.
const LONGEST_LINE: usize = 16 << 20;
/// How a gzip file begins.
const GZIP: &[u8] = b"\x1f\x8b";

/// The columns of a text.
pub(crate) struct TextTable {
    description: String,
    headers: Vec<ColumnHeader>,
    columns: Vec<Values>,
    rows: u64,
}

/// What is wrong in a line.
#[derive(Debug)]
struct Fault {
    /// Its number, from 1.
    line: u64,
    what: String,
}

impl TextTable {
    /// Reads a text.
    ///
    /// # Errors
    /// If the file cannot be read, or a row holds other columns than the first one or something that is no
    /// number.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut blocks = Blocks::open(path)?;
        let at_line = |Fault { line, what }| content(path, format!("line {line}"), what);
        let mut first = blocks.next()?.unwrap_or_default();
        let dialect = Dialect::of(&first).map_err(at_line)?;
        let dialect = dialect.ok_or_else(|| content(path, "text", "holds no row of numbers"))?;
        let mut columns = vec![Numbers::default(); dialect.names.len()];
        let mut lines = dialect.lines;
        first.drain(..dialect.body);
        let mut batch = vec![first];
        let first_bytes = batch[0].len();
        let mut grown = false;
        while !batch.is_empty() {
            // While these are parsed, the next are read and unpacked.
            let (next, parsed) = rayon::join(
                || blocks.batch(),
                || batch.par_iter().map(|block| Rows::parse(block, &dialect)).collect::<Vec<_>>(),
            );
            blocks.spare.append(&mut batch);
            for rows in parsed {
                let rows =
                    rows.map_err(|fault| at_line(Fault { line: fault.line + lines, what: fault.what }))?;
                lines += rows.lines;
                columns.iter_mut().zip(rows.columns).for_each(|(column, more)| column.append(more));
            }
            blocks.check_content(columns.iter().map(|column| size_of::<f64>() * column.len()).sum())?;
            batch = next?;
            if !grown {
                grown = true;
                let more = blocks.expected(columns.first().map_or(0, Numbers::len), first_bytes);
                for column in &mut columns {
                    column.reserve(more);
                }
            }
        }
        let rows = columns.first().map_or(0, Numbers::len) as u64;
        let columns: Vec<Values> = columns.into_iter().map(Numbers::into_values).collect();
        let header = |((name, values), &words): ((&dialect::ColumnName, &Values), &bool)| ColumnHeader {
            name: name.name.clone(),
            kind: if words { ColumnKind::Other(TEXT.into()) } else { ColumnKind::Number },
            type_name: if matches!(values, Values::I64(_)) { "i64" } else { "f64" }.into(),
            title: name.title.clone(),
        };
        let headers = dialect.names.iter().zip(&columns).zip(&dialect.words).map(header).collect();
        Ok(Self { description: format!("text, {}", dialect.separator), headers, columns, rows })
    }

    /// Whether a file that begins like this is a text of numbers, or a gzip of one.
    pub(crate) fn looks_like(first_bytes: &[u8]) -> bool {
        if !first_bytes.starts_with(GZIP) {
            return dialect::looks_like(first_bytes);
        }
        dialect::looks_like(&unpacked(first_bytes))
    }
}

/// What a gzip holds that begins like this, as far as it can be told.
pub(crate) fn unpacked(first_bytes: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    // The beginning of a gzip ends in an error; what came before it counts.
    let _ = MultiGzDecoder::new(first_bytes).take(BLOCK as u64).read_to_end(&mut unpacked);
    unpacked
}

impl Table for TextTable {
    fn describe(&self) -> String {
        self.description.clone()
    }

    fn headers(&self) -> &[ColumnHeader] {
        &self.headers
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        Ok(ColumnValues { offsets: None, values: self.columns[index].clone() })
    }
}

/// The file in blocks of whole lines.
struct Blocks {
    path: PathBuf,
    packed: bool,
    from: Box<dyn Read + Send>,
    /// The beginning of a line whose end has not been read.
    rest: Vec<u8>,
    ended: bool,
    /// Blocks that were parsed, whose memory serves the next.
    spare: Vec<Vec<u8>>,
    /// Bytes of the file.
    size: u64,
}

impl Blocks {
    fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { file: path.into(), source };
        let mut file = File::open(path).map_err(failed)?;
        let mut start = Vec::new();
        file.by_ref().take(GZIP.len() as u64).read_to_end(&mut start).map_err(failed)?;
        let packed = start == GZIP;
        let size = file.metadata().map_err(failed)?.len();
        let whole = std::io::Cursor::new(start).chain(file);
        let from: Box<dyn Read + Send> =
            if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(Self { path: path.into(), packed, from, rest: Vec::new(), ended: false, spare: Vec::new(), size })
    }

    /// As many blocks as are parsed at once; none at the end of the file.
    fn batch(&mut self) -> Result<Vec<Vec<u8>>> {
        let most = 8 * rayon::current_num_threads();
        std::iter::from_fn(|| self.next().transpose()).take(most).collect()
    }

    /// The next lines, each with the byte that ends it; `None` at the end of the file.
    fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let mut block = self.spare.pop().unwrap_or_default();
        block.clear();
        block.append(&mut self.rest);
        while !self.ended {
            let (before, wanted) = (block.len(), BLOCK as u64);
            block.reserve(BLOCK);
            let read = self.from.by_ref().take(wanted).read_to_end(&mut block);
            let read = read.map_err(|e| self.cannot_read(e))? as u64;
            self.ended = read < wanted;
            if let Some(end) = block[before..].iter().rposition(|&byte| byte == b'\n') {
                let end = before + end + 1;
                self.rest.extend_from_slice(&block[end..]);
                block.truncate(end);
                return Ok(Some(block));
            }
            if block.len() > LONGEST_LINE {
                let what = format!("a line is longer than {LONGEST_LINE} bytes; it is no table of numbers");
                return Err(content(&self.path, "text", what));
            }
        }
        if block.is_empty() {
            return Ok(None);
        }
        block.push(b'\n');
        Ok(Some(block))
    }

    /// About how many rows the file has beside the first `rows`, which took as many bytes; 0 if that cannot
    /// be told.
    fn expected(&self, rows: usize, bytes: usize) -> usize {
        let to_come = if self.packed { 0 } else { self.size.saturating_sub(bytes as u64) };
        (1.02 * to_come as f64 * rows as f64 / bytes.max(1) as f64) as usize
    }

    /// An error if the file is packed and holds beyond belief: so many bytes of numbers so far.
    fn check_content(&self, bytes: usize) -> Result<()> {
        if !self.packed {
            return Ok(());
        }
        check_content(bytes as u64, self.size).map_err(|what| content(&self.path, "gzip", what))
    }

    fn cannot_read(&self, source: std::io::Error) -> Error {
        if self.packed {
            let what = format!("cannot be unpacked ({source}); the file is damaged or cut short");
            return content(&self.path, "gzip", what);
        }
        Error::Read { file: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests;
