//! The fixed parts of a file: its header and the records of directories.

use crate::buffer::Buffer;
use crate::encoder::Encoder;
use crate::error::Fault;
use crate::key::{BIG_FILE, BIG_VERSION, read_place, write_place};

/// The place of the first record of a file.
pub(crate) const BEGIN: u64 = 100;
/// Bytes of a directory's record. One with 32-bit places is padded to this length, so that they can become
/// 64-bit places.
pub(crate) const DIRECTORY_LENGTH: usize = 60;
const MAGIC: &[u8; 4] = b"root";
/// Added to the version of a file with 64-bit places.
const BIG_FILE_VERSION: i32 = 1_000_000;
/// The ROOT version whose layout this crate writes: 6.30.04.
const FILE_VERSION: i32 = 63_004;
const DIRECTORY_VERSION: i16 = 5;

/// The header of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) free: u64,
    pub(crate) free_length: u32,
    /// Number of bytes of key, name and title before the record of the top directory.
    pub(crate) name_length: u32,
    /// ROOT's number for the compression: 100 × algorithm + level.
    pub(crate) compression: i32,
    pub(crate) streamer_info: u64,
    pub(crate) streamer_info_length: u32,
    pub(crate) uuid: u128,
}

impl FileHeader {
    /// Parses the header; `None` if these are not the first bytes of a ROOT file.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut buffer = Buffer::new(bytes.strip_prefix(MAGIC)?, 4);
        Self::decode_fields(&mut buffer).ok()
    }

    fn decode_fields(buffer: &mut Buffer<'_>) -> Result<Self, Fault> {
        let big = buffer.i32()? >= BIG_FILE_VERSION;
        let begin = u64::from(buffer.u32()?);
        let (end, free) = (read_place(buffer, big)?, read_place(buffer, big)?);
        let (free_length, _free_segments, name_length) = (buffer.u32()?, buffer.u32()?, buffer.u32()?);
        let _bytes_in_a_place = buffer.u8()?;
        let compression = buffer.i32()?;
        let (streamer_info, streamer_info_length) = (read_place(buffer, big)?, buffer.u32()?);
        let uuid = decode_uuid(buffer)?;
        Ok(Self {
            begin,
            end,
            free,
            free_length,
            name_length,
            compression,
            streamer_info,
            streamer_info_length,
            uuid,
        })
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        let big = self.end > BIG_FILE;
        encoder.bytes.extend_from_slice(MAGIC);
        encoder.i32(FILE_VERSION + if big { BIG_FILE_VERSION } else { 0 });
        encoder.u32(self.begin as u32);
        write_place(encoder, self.end, big);
        write_place(encoder, self.free, big);
        encoder.u32(self.free_length);
        encoder.u32(1);
        encoder.u32(self.name_length);
        encoder.u8(if big { 8 } else { 4 });
        encoder.i32(self.compression);
        write_place(encoder, self.streamer_info, big);
        encoder.u32(self.streamer_info_length);
        encode_uuid(encoder, self.uuid);
    }
}

/// The record of a directory, which tells where the list of its keys is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirectoryRecord {
    /// ROOT's packed dates of creation and of the last change.
    pub(crate) date: u32,
    pub(crate) keys_length: u32,
    pub(crate) name_length: u32,
    pub(crate) seek: u64,
    pub(crate) parent: u64,
    pub(crate) keys: u64,
    pub(crate) uuid: u128,
}

impl DirectoryRecord {
    pub(crate) fn decode(buffer: &mut Buffer<'_>) -> Result<Self, Fault> {
        let big = buffer.i16()? > BIG_VERSION;
        let (_created, date) = (buffer.u32()?, buffer.u32()?);
        let (keys_length, name_length) = (buffer.u32()?, buffer.u32()?);
        let [seek, parent, keys] =
            [read_place(buffer, big)?, read_place(buffer, big)?, read_place(buffer, big)?];
        // Directories of ROOT 3 and older have no UUID.
        let uuid = decode_uuid(buffer).unwrap_or(0);
        Ok(Self { date, keys_length, name_length, seek, parent, keys, uuid })
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        let start = encoder.bytes.len();
        let big = self.seek.max(self.parent).max(self.keys) > BIG_FILE;
        encoder.i16(DIRECTORY_VERSION + if big { BIG_VERSION } else { 0 });
        encoder.u32(self.date);
        encoder.u32(self.date);
        encoder.u32(self.keys_length);
        encoder.u32(self.name_length);
        for place in [self.seek, self.parent, self.keys] {
            write_place(encoder, place, big);
        }
        encode_uuid(encoder, self.uuid);
        encoder.bytes.resize(start + DIRECTORY_LENGTH, 0);
    }
}

fn decode_uuid(buffer: &mut Buffer<'_>) -> Result<u128, Fault> {
    let _version = buffer.u16()?;
    Ok(u128::from(buffer.u64()?) << 64 | u128::from(buffer.u64()?))
}

fn encode_uuid(encoder: &mut Encoder, uuid: u128) {
    encoder.u16(1);
    encoder.u64((uuid >> 64) as u64);
    encoder.u64(uuid as u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_directories_survive_small_and_big() {
        for end in [5000, 3_000_000_000] {
            let header = FileHeader {
                begin: BEGIN,
                end,
                streamer_info: end - 100,
                uuid: 7 << 70,
                ..Default::default()
            };
            let mut encoder = Encoder::default();
            header.encode(&mut encoder);
            assert!(encoder.bytes.len() as u64 <= BEGIN);
            assert_eq!(FileHeader::decode(&encoder.bytes).unwrap(), header);

            let directory = DirectoryRecord {
                date: 9,
                keys_length: 8,
                name_length: 7,
                seek: 100,
                parent: 0,
                keys: end - 50,
                uuid: 1 << 100,
            };
            encoder.restart(0);
            directory.encode(&mut encoder);
            assert_eq!(encoder.bytes.len(), DIRECTORY_LENGTH);
            assert_eq!(DirectoryRecord::decode(&mut Buffer::new(&encoder.bytes, 0)).unwrap(), directory);
        }
    }

    #[test]
    fn other_files_are_not_taken_for_root_files() {
        assert_eq!(FileHeader::decode(b"PK\x03\x04 and so on"), None);
        assert_eq!(FileHeader::decode(b"root"), None);
    }
}
