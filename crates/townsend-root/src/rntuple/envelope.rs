//! Envelopes: header, footer and page lists, which describe the data. Unlike the other parts of a ROOT file
//! they are little-endian.
//!
//! An envelope starts with its type and its length, and ends with a checksum. Within it, records and lists
//! are *frames* that start with their size, so that what later versions add to them can be skipped.

use twox_hash::XxHash3_64;

use super::blob::{Blob, BlobReader, EnvelopeLink};
use crate::error::Fault;

pub(super) const HEADER: u64 = 1;
pub(super) const FOOTER: u64 = 2;
pub(super) const PAGE_LIST: u64 = 3;
/// Bits of the first word of an envelope that tell its type; the others are its length.
const TYPE_BITS: u32 = 16;
/// The type of a locator with a size of 64 bits.
const LARGE_LOCATOR: i32 = 1;

/// A position in the bytes of an envelope. Every access is checked against the bytes that are there.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
}

macro_rules! read_numbers {
    ($($name:ident),*) => {$(
        pub(super) fn $name(&mut self) -> Result<$name, Fault> {
            let (number, rest) = self.bytes.split_first_chunk().ok_or_else(ends_early)?;
            self.bytes = rest;
            Ok($name::from_le_bytes(*number))
        }
    )*};
}

fn ends_early() -> Fault {
    Fault::damaged("a part of its description ends too early")
}

impl<'a> Cursor<'a> {
    read_numbers!(u16, u32, i32, u64, i64, f64);

    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(length).map_err(|_| ends_early())?;
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(ends_early)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn string(&mut self) -> Result<String, Fault> {
        let length = self.u32()?;
        self.take(u64::from(length)).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The contents of a frame, after the size with which it starts; true if it is a list.
    fn frame(&mut self) -> Result<(Self, bool), Fault> {
        let mut start = self.clone();
        let size = start.i64()?;
        let frame = self.take(size.unsigned_abs())?;
        let contents = frame.get(size_of::<i64>()..).ok_or_else(ends_early)?;
        Ok((Self::new(contents), size < 0))
    }

    pub(super) fn record(&mut self) -> Result<Self, Fault> {
        match self.frame()? {
            (contents, false) => Ok(contents),
            _ => Err(Fault::damaged("a part of its description is a list and should be a record")),
        }
    }

    /// The number of items of a list, and its contents.
    pub(super) fn list(&mut self) -> Result<(u32, Self), Fault> {
        match self.frame()? {
            (mut contents, true) => Ok((contents.u32()?, contents)),
            _ => Err(Fault::damaged("a part of its description is a record and should be a list")),
        }
    }

    pub(super) fn locator(&mut self) -> Result<Blob, Fault> {
        let size = self.i32()?;
        if let Ok(size) = u64::try_from(size) {
            return Ok(Blob { size, seek: self.u64()? });
        }
        // The sign, seven bits of type, eight reserved bits, and the length of this locator.
        let (length, kind) = (size as u32 & 0xffff, (size >> 24).abs());
        let payload = u64::from(length).checked_sub(4).ok_or_else(ends_early)?;
        let mut payload = Self::new(self.take(payload)?);
        if kind != LARGE_LOCATOR {
            return Err(Fault::Unsupported(format!(
                "its pages are in another kind of storage (locator {kind})"
            )));
        }
        Ok(Blob { size: payload.u64()?, seek: payload.u64()? })
    }

    pub(super) fn link(&mut self) -> Result<EnvelopeLink, Fault> {
        Ok(EnvelopeLink { length: self.u64()?, blob: self.locator()? })
    }

    /// Reads the flags of features without which the data are not understood. None exist so far.
    pub(super) fn check_features(&mut self) -> Result<(), Fault> {
        match self.u64()? {
            0 => Ok(()),
            flags => Err(Fault::Unsupported(format!(
                "it uses features of a newer format of RNTuple (flags {flags:#x}); \
                 hint: write it anew with an older ROOT, or as a TTree"
            ))),
        }
    }
}

/// The bytes of an envelope while they are written.
pub(super) struct EnvelopeBuilder {
    bytes: Vec<u8>,
    kind: u64,
}

/// The place of the size of a frame that is filled in when the frame is complete.
#[must_use]
pub(super) struct Frame {
    start: usize,
    sign: i64,
}

macro_rules! write_numbers {
    ($($name:ident),*) => {$(
        pub(super) fn $name(&mut self, number: $name) {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
    )*};
}

impl EnvelopeBuilder {
    write_numbers!(u16, u32, i32, u64, i64);

    pub(super) fn new(kind: u64) -> Self {
        Self { bytes: vec![0; size_of::<u64>()], kind }
    }

    pub(super) fn string(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Starts a record, which [`close`](Self::close) ends.
    pub(super) fn record(&mut self) -> Frame {
        let start = self.bytes.len();
        self.i64(0);
        Frame { start, sign: 1 }
    }

    /// Starts a list of `count` items.
    pub(super) fn list(&mut self, count: usize) -> Frame {
        let start = self.bytes.len();
        self.i64(0);
        self.u32(count as u32);
        Frame { start, sign: -1 }
    }

    pub(super) fn close(&mut self, Frame { start, sign }: Frame) {
        let size = sign * (self.bytes.len() - start) as i64;
        self.bytes[start..start + size_of::<i64>()].copy_from_slice(&size.to_le_bytes());
    }

    /// Writes where a blob is, whose size must not need more than 31 bits.
    pub(super) fn locator(&mut self, blob: Blob) {
        self.i32(blob.size as i32);
        self.u64(blob.seek);
    }

    /// The whole envelope and its checksum.
    pub(super) fn finish(mut self) -> (Vec<u8>, u64) {
        let length = (self.bytes.len() + size_of::<u64>()) as u64;
        self.bytes[..size_of::<u64>()].copy_from_slice(&(self.kind | length << TYPE_BITS).to_le_bytes());
        let checksum = XxHash3_64::oneshot(&self.bytes);
        self.u64(checksum);
        (self.bytes, checksum)
    }
}

/// An envelope in memory whose checksum is right.
pub(super) struct Envelope {
    bytes: Vec<u8>,
    pub(super) checksum: u64,
}

impl Envelope {
    pub(super) fn read(reader: &mut BlobReader<'_>, link: EnvelopeLink, kind: u64) -> Result<Self, Fault> {
        let mut bytes = Vec::new();
        reader.read(link.blob, link.length, false, &mut bytes)?;
        let checksum = match bytes.split_last_chunk() {
            Some((data, stored)) if XxHash3_64::oneshot(data) == u64::from_le_bytes(*stored) => {
                let length = data.len();
                let checksum = u64::from_le_bytes(*stored);
                bytes.truncate(length);
                checksum
            }
            _ => return Err(Fault::damaged("the checksum of its description does not match")),
        };
        let first = Cursor::new(&bytes).u64()?;
        if first != kind | link.length << TYPE_BITS {
            return Err(Fault::damaged("a part of its description is not where it should be"));
        }
        Ok(Self { bytes, checksum })
    }

    /// The contents after the type and the length.
    pub(super) fn contents(&self) -> Cursor<'_> {
        Cursor::new(&self.bytes[size_of::<u64>()..])
    }
}
