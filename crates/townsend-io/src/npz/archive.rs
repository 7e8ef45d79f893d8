//! An npz that is open for reading: which arrays it holds, and their values.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use townsend_root::check_content;

use super::member::MemberReader;
use crate::columns::Values;
use crate::error::{Error, Result, content};
use crate::npy::{Header, Kind};

/// Where the bytes of an archive come from.
trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// An npz that is open for reading: a file, or its contents in memory.
pub(crate) struct Arrays {
    path: PathBuf,
    archive: ZipArchive<Box<dyn Source>>,
    /// Bytes of the file.
    size: u64,
    /// The names of the arrays and the places of their members in the archive.
    members: Vec<(String, usize)>,
    /// True if the archive is a file, not its contents in memory.
    is_file: bool,
}

impl Arrays {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { file: path.into(), source };
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let arrays = Self::of(path, size, Box::new(BufReader::new(file)))?;
        Ok(Self { is_file: true, ..arrays })
    }

    /// The arrays of the contents of a file; `path` names it in errors.
    pub(crate) fn of_contents(path: &Path, contents: Vec<u8>) -> Result<Self> {
        Self::of(path, contents.len() as u64, Box::new(Cursor::new(contents)))
    }

    fn of(path: &Path, size: u64, source: Box<dyn Source>) -> Result<Self> {
        let archive = ZipArchive::new(source).map_err(|e| {
            content(
                path,
                "zip directory",
                format!("is not whole ({e}); copy the file again or write it anew"),
            )
        })?;
        let named = |index| Some((archive.name_for_index(index)?.ok()?.into_owned(), index));
        let members: Vec<(String, usize)> = (0..archive.len()).filter_map(named).collect();
        // NumPy reads members without the ending `.npy` too, which other programs write.
        let name =
            |(name, index): (String, usize)| (name.strip_suffix(".npy").unwrap_or(&name).into(), index);
        let members = members.into_iter().map(name).collect();
        Ok(Self { path: path.into(), archive, size, members, is_file: false })
    }

    /// The names of the arrays, in the order of the file.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().any(|have| have == name)
    }

    /// Opens the member of the array `name`.
    fn member(&mut self, name: &str) -> Result<ZipFile<'_, Box<dyn Source>>> {
        let Some(&(_, index)) = self.members.iter().find(|(have, _)| have == name) else {
            let there = if self.members.is_empty() {
                "nothing".into()
            } else {
                self.names().collect::<Vec<_>>().join(", ")
            };
            return Err(content(
                &self.path,
                name,
                format!(
                    "there is no such array; the file holds {there}\n  hint: electrons are `offsets`, `x`, `z`, `t`; counts are `offsets`, `cells`, `counts`, `meta`"
                ),
            ));
        };
        let member = self.archive.by_index(index);
        let member = member.map_err(|e| content(&self.path, name, cannot_open(&e)))?;
        match member.compression() {
            CompressionMethod::Stored | CompressionMethod::Deflated => Ok(member),
            method => Err(content(&self.path, name, unknown_method(method))),
        }
    }

    /// Reads the header of an array.
    pub(crate) fn header(&mut self, name: &str) -> Result<Header> {
        let read = Header::read(&mut self.member(name)?);
        read.map_err(|e| content(&self.path, name, damaged(&e)))
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The array `name` as one that is read some rows at a time; `None` if it has to be read whole.
    pub(super) fn member_reader(&mut self, name: &str) -> Result<Option<MemberReader>> {
        let header = self.header(name)?;
        let is_table = matches!(header.shape.len(), 1 | 2) && header.kind != Kind::Other;
        if !is_table || header.fortran_order || !self.is_file {
            return Ok(None);
        }
        let refused = |what: String| content(&self.path, name, what);
        check_content(header.bytes().unwrap_or(u64::MAX), self.size).map_err(refused)?;
        let path = self.path.clone();
        let member = self.member(name)?;
        let Some(start) = member.data_start() else { return Ok(None) };
        Ok(Some(MemberReader {
            path,
            name: name.to_owned(),
            header,
            place: (start, member.compressed_size()),
            compressed: member.compression() == CompressionMethod::Deflated,
            checksum: member.crc32(),
            open: None,
        }))
    }

    /// Reads the header and the raw bytes of an array, rows first. Those of a type that is not read are left
    /// out.
    pub(crate) fn array(&mut self, name: &str) -> Result<(Header, Vec<u8>)> {
        let size = self.size;
        let read = |mut member: ZipFile<'_, _>| {
            let header = Header::read(&mut member)?;
            let mut bytes = Vec::new();
            if header.kind != Kind::Other {
                check_content(header.bytes().unwrap_or(u64::MAX), size).map_err(std::io::Error::other)?;
                // The buffer grows with the bytes that the file has, whatever length a damaged header states.
                let promised = header.bytes().unwrap_or(u64::MAX);
                member.take(promised.saturating_add(1)).read_to_end(&mut bytes)?;
            }
            Ok::<_, std::io::Error>((header, bytes))
        };
        let read = read(self.member(name)?);
        let (header, bytes) = read.map_err(|e| content(&self.path, name, damaged(&e)))?;
        if header.kind != Kind::Other && header.bytes() != Some(bytes.len() as u64) {
            let there = if header.bytes().is_some_and(|promised| promised < bytes.len() as u64) {
                "more".into()
            } else {
                bytes.len().to_string()
            };
            return Err(content(
                &self.path,
                name,
                format!(
                    "its header promises {} values of {} bytes, {there} bytes are there; the file is damaged",
                    header.length(),
                    header.size,
                ),
            ));
        }
        let bytes = header.rows_first(bytes);
        Ok((header, bytes))
    }

    /// Reads the shape and the values of an array of numbers.
    pub(crate) fn numbers(&mut self, name: &str) -> Result<(Vec<u64>, Values)> {
        let (header, bytes) = self.array(name)?;
        match header.values(&bytes) {
            Some(values) => Ok((header.shape, values)),
            None => Err(content(&self.path, name, format!("holds {}", header.refusal()))),
        }
    }

    /// Reads the values of an array of numbers of at most one dimension.
    pub(crate) fn column(&mut self, name: &str) -> Result<Values> {
        let (shape, values) = self.numbers(name)?;
        if shape.len() > 1 {
            let what = format!("has the shape {shape:?}; one dimension is wanted");
            return Err(content(&self.path, name, what));
        }
        Ok(values)
    }

    /// Reads an array of whole numbers from 0.
    pub(crate) fn unsigned(&mut self, name: &str) -> Result<Vec<u64>> {
        let values = self.column(name)?;
        let header = self.header(name)?;
        as_unsigned(values, &header).map_err(|what| content(&self.path, name, what))
    }

    /// The text in the array `name`; the lines of several texts. `None` if it holds no text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        let (header, bytes) = self.array(name)?;
        let decode = |one: &[u8]| match header.kind {
            Kind::Unicode => Some(utf32(one, header.big_endian)),
            Kind::Bytes => Some(String::from_utf8_lossy(one).into_owned()),
            _ => None,
        };
        let texts: Option<Vec<String>> = bytes.chunks(header.size.max(1)).map(decode).collect();
        let is_text = matches!(header.kind, Kind::Unicode | Kind::Bytes);
        Ok(texts.filter(|_| is_text).map(|texts| {
            let trimmed: Vec<&str> = texts.iter().map(|text| text.trim_end_matches('\0')).collect();
            trimmed.join("\n")
        }))
    }
}

/// Whole numbers from 0; or what else they are.
pub(super) fn as_unsigned(values: Values, header: &Header) -> std::result::Result<Vec<u64>, String> {
    let entries = match values {
        Values::U64(values) => return Ok(values),
        Values::U32(values) => return Ok(values.into_iter().map(u64::from).collect()),
        Values::U16(values) => return Ok(values.into_iter().map(u64::from).collect()),
        Values::U8(values) => return Ok(values.into_iter().map(u64::from).collect()),
        Values::I64(values) => values,
        Values::I32(values) => values.into_iter().map(i64::from).collect(),
        Values::I16(values) => values.into_iter().map(i64::from).collect(),
        Values::I8(values) => values.into_iter().map(i64::from).collect(),
        _ => return Err(format!("holds {}; integers are wanted", header.type_name())),
    };
    if let Some(entry) = entries.iter().position(|&value| value < 0) {
        return Err(format!("entry {entry} is negative"));
    }
    Ok(entries.into_iter().map(|value| value as u64).collect())
}

fn utf32(bytes: &[u8], big_endian: bool) -> String {
    let character = |&code: &[u8; 4]| {
        let code = if big_endian { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    bytes.as_chunks().0.iter().map(character).collect()
}

const REWRITE: &str = "write the file anew with np.savez_compressed or np.savez";

/// Why a member of the archive cannot be opened, and what to do.
fn cannot_open(error: &ZipError) -> String {
    match error {
        ZipError::UnsupportedArchive(what) => format!("cannot be unpacked: {what}\n  hint: {REWRITE}"),
        other => format!("{other}; the file is damaged"),
    }
}

/// Why a member is not read that is compressed in this way.
fn unknown_method(method: CompressionMethod) -> String {
    let name = match method {
        CompressionMethod::BZIP2 => "BZIP2".into(),
        CompressionMethod::LZMA => "LZMA".into(),
        CompressionMethod::ZSTD => "Zstandard".into(),
        other => format!("a method called {other:?}"),
    };
    format!(
        "is compressed with {name}, which NumPy does not write and townsend does not read\n  hint: {REWRITE}"
    )
}

pub(super) fn damaged(error: &std::io::Error) -> String {
    format!("{error}; the file is damaged or not one of avalanches")
}
