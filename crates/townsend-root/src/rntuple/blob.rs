//! The bytes of pages and envelopes, which are stored in records that no directory lists.

use twox_hash::XxHash3_64;

use crate::compression::Decompressor;
use crate::error::Fault;
use crate::file::RootFile;

const CHECKSUM_LENGTH: u64 = 8;
/// Bytes of the place of a further piece.
const PLACE_LENGTH: u64 = 8;

/// Where compressed bytes are in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    pub(super) seek: u64,
    pub(super) size: u64,
}

/// Where an envelope is in the file, and its length after decompression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EnvelopeLink {
    pub(super) blob: Blob,
    pub(super) length: u64,
}

/// Reads blobs one after the other and uses its memory again.
pub(super) struct BlobReader<'f> {
    file: &'f RootFile,
    /// Larger blobs are stored in several pieces; 0 if none are.
    max_piece: u64,
    stored: Vec<u8>,
    decompressor: Decompressor,
}

impl<'f> BlobReader<'f> {
    pub(super) fn new(file: &'f RootFile, max_piece: u64) -> Self {
        Self { file, max_piece, stored: Vec::new(), decompressor: Decompressor::default() }
    }

    pub(super) fn file_length(&self) -> u64 {
        self.file.length()
    }

    /// Reads a blob into `plain`, which has `length` bytes then. `checked` tells that a checksum of the
    /// compressed bytes follows them.
    pub(super) fn read(
        &mut self,
        blob: Blob,
        length: u64,
        checked: bool,
        plain: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let compressed = blob.size != length;
        let stored = if compressed { &mut self.stored } else { &mut *plain };
        let size = if checked { blob.size.saturating_add(CHECKSUM_LENGTH) } else { blob.size };
        read_pieces(self.file, Blob { size, ..blob }, self.max_piece, stored)?;
        if checked {
            check_and_cut(stored)?;
        }
        if compressed {
            let length =
                usize::try_from(length).map_err(|_| Fault::damaged("a page is larger than memory"))?;
            self.decompressor.decompress(&self.stored, length, plain)?;
        }
        Ok(())
    }
}

/// Checks the checksum at the end of the bytes and removes it.
fn check_and_cut(stored: &mut Vec<u8>) -> Result<(), Fault> {
    let Some((data, checksum)) = stored.split_last_chunk() else {
        return Err(Fault::damaged("a page ends within its checksum"));
    };
    if XxHash3_64::oneshot(data) != u64::from_le_bytes(*checksum) {
        return Err(Fault::damaged("the checksum of a page does not match"));
    }
    stored.truncate(data.len());
    Ok(())
}

/// Reads the bytes of a blob. One that is larger than `max_piece` is stored in pieces of that size; the
/// places of all but the first are at the end of the first.
fn read_pieces(file: &RootFile, blob: Blob, max_piece: u64, bytes: &mut Vec<u8>) -> Result<(), Fault> {
    if max_piece == 0 || blob.size <= max_piece.max(PLACE_LENGTH) {
        return file.read_at(blob.seek, blob.size, bytes);
    }
    if blob.size > file.length() {
        return Err(Fault::Damaged(format!("{} bytes are wanted, more than the file has", blob.size)));
    }
    // The pieces hold the bytes and the places of all pieces but the first.
    let pieces = (blob.size - PLACE_LENGTH).div_ceil(max_piece.saturating_sub(PLACE_LENGTH).max(1));
    let places_length = (pieces - 1).saturating_mul(PLACE_LENGTH);
    let first = max_piece
        .checked_sub(places_length)
        .ok_or_else(|| Fault::damaged("the pieces of a page are shorter than the list of their places"))?;
    let mut places = Vec::new();
    file.read_at(blob.seek.saturating_add(first), places_length, &mut places)?;
    file.read_at(blob.seek, first, bytes)?;
    let (mut left, mut piece) = (blob.size - first, Vec::new());
    for place in places.as_chunks().0.iter().copied().map(u64::from_le_bytes) {
        file.read_at(place, left.min(max_piece), &mut piece)?;
        bytes.extend_from_slice(&piece);
        left -= piece.len() as u64;
    }
    if left > 0 {
        return Err(Fault::damaged("a page has fewer pieces than bytes"));
    }
    Ok(())
}
