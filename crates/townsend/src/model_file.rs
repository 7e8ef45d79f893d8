//! A model in a single file: a zip archive of the files of its run that avalanches follow from, stored
//! uncompressed.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use townsend_core::{RunFiles, RunHeader};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::{Error, Model, Result};

/// The bytes of a single-file model. They depend on the model alone: no time, no folder.
pub(crate) fn to_bytes(model: &dyn Model) -> Result<Vec<u8>> {
    let about = model.describe();
    let header =
        RunHeader::new(&about.family, about.units.clone(), about.data.clone(), model.summary().clone());
    let files = [(RunHeader::FILE.to_owned(), header.to_bytes())].into_iter().chain(model.files()?);
    pack(files).map_err(|error| Error::Usage(format!("the model cannot be put into one file: {error}")))
}

fn pack(files: impl Iterator<Item = (String, Vec<u8>)>) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for (name, bytes) in files {
        archive.start_file(name, stored)?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The files of a single-file model; `None` if `path` is no zip archive with a header.
pub(crate) fn read(path: &Path) -> Result<Option<RunFiles>> {
    // A device may have no end.
    let Some(bytes) = path.is_file().then(|| std::fs::read(path).ok()).flatten() else { return Ok(None) };
    from_bytes(bytes, path)
}

/// The same of bytes in memory; `path` names them in errors.
pub(crate) fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Option<RunFiles>> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let damaged = |what: String| Error::Content {
        path: path.into(),
        what: format!("is no single-file model, or a damaged one: {what}; export the model again"),
    };
    // Files are stored as they are, so that all of them together are no longer than the archive.
    let mut room = bytes.len() as u64;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(|error| damaged(error.to_string()))?;
        let name = file.name().map_err(|error| damaged(error.to_string()))?.into_owned();
        if file.compression() != CompressionMethod::Stored || file.size() != file.compressed_size() {
            return Err(damaged(format!("`{name}` is not stored as it is")));
        }
        room = room.checked_sub(file.size()).ok_or_else(|| damaged("its files are longer than it".into()))?;
        let mut contents = Vec::new();
        file.read_to_end(&mut contents).map_err(|error| damaged(error.to_string()))?;
        files.insert(name, contents);
    }
    if !files.contains_key(RunHeader::FILE) {
        return Err(damaged(format!("it holds no {}", RunHeader::FILE)));
    }
    Ok(Some(RunFiles::Memory(files)))
}
