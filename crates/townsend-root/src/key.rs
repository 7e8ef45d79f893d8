//! Keys: the headers of the records of a file, and what a directory lists.

use std::borrow::Cow;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::encoder::Encoder;
use crate::error::Fault;

/// Largest place in a file that ROOT stores in 32 bits; larger ones take 64 bits.
pub(crate) const BIG_FILE: u64 = 2_000_000_000;
/// Added to the version of a key or a directory that stores places in 64 bits.
pub(crate) const BIG_VERSION: i16 = 1000;
const KEY_VERSION: i16 = 4;

/// Where a record starts in the file and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) seek: u64,
    /// Bytes of the record in the file, including its key.
    pub(crate) length: u32,
    pub(crate) key_length: u16,
    /// Bytes of the decompressed object.
    pub(crate) object_length: u32,
}

impl Record {
    pub(crate) fn stored_length(&self) -> u32 {
        self.length - u32::from(self.key_length)
    }

    /// Whether the object is compressed. No flag tells: a record is compressed exactly if it is shorter than
    /// its object.
    pub(crate) fn is_compressed(&self) -> bool {
        self.stored_length() != self.object_length
    }
}

/// A key as it is stored: in front of its record, and again in the list of its directory.
#[derive(Clone, Debug)]
pub(crate) struct StoredKey<'a> {
    pub(crate) record: Record,
    /// Date and time in ROOT's packed form, see [`Date`](crate::Date).
    pub(crate) date: u32,
    pub(crate) cycle: i16,
    /// Place of the directory that lists the key.
    pub(crate) directory: u64,
    pub(crate) class: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) title: Cow<'a, str>,
}

/// Reads a place in the file: 32 bits in small files, 64 in big ones.
pub(crate) fn read_place(buffer: &mut Buffer<'_>, big: bool) -> Result<u64, Fault> {
    if big { buffer.u64() } else { buffer.u32().map(u64::from) }
}

pub(crate) fn write_place(encoder: &mut Encoder, place: u64, big: bool) {
    if big {
        encoder.u64(place);
    } else {
        encoder.u32(place as u32);
    }
}

fn string_length(text: &str) -> usize {
    text.len() + if text.len() < 255 { 1 } else { 5 }
}

impl<'a> StoredKey<'a> {
    pub(crate) fn decode(buffer: &mut Buffer<'a>) -> Result<Self, Fault> {
        let key = Self::decode_unchecked(buffer)?;
        let Record { length, key_length, object_length, .. } = key.record;
        if length < u32::from(key_length) || i32::try_from(length.max(object_length)).is_err() {
            return Err(Fault::Damaged(format!(
                "its key says {} bytes in all, {key_length} for the key and {} for the object",
                length as i32, object_length as i32
            )));
        }
        Ok(key)
    }

    /// Reads a key whose record may never have been written, so that its lengths are not checked.
    pub(crate) fn decode_unchecked(buffer: &mut Buffer<'a>) -> Result<Self, Fault> {
        let length = buffer.u32()?;
        let version = buffer.i16()?;
        let object_length = buffer.u32()?;
        let date = buffer.u32()?;
        let (key_length, cycle) = (buffer.u16()?, buffer.i16()?);
        let big = version > BIG_VERSION;
        let (seek, directory) = (read_place(buffer, big)?, read_place(buffer, big)?);
        let (class, name, title) = (buffer.string()?, buffer.string()?, buffer.string()?);
        let record = Record { seek, length, key_length, object_length };
        Ok(Self { record, date, cycle, directory, class, name, title })
    }

    /// Bytes of the key of an object, where `place` is the largest place it holds and `tail` the length of
    /// what a class like `TBasket` adds.
    pub(crate) fn length(class: &str, name: &str, title: &str, place: u64, tail: usize) -> usize {
        let fixed = if place > BIG_FILE { 34 } else { 26 };
        fixed + string_length(class) + string_length(name) + string_length(title) + tail
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder) {
        let big = self.record.seek.max(self.directory) > BIG_FILE;
        encoder.i32(self.record.length as i32);
        encoder.i16(KEY_VERSION + if big { BIG_VERSION } else { 0 });
        encoder.i32(self.record.object_length as i32);
        encoder.u32(self.date);
        encoder.u16(self.record.key_length);
        encoder.i16(self.cycle);
        write_place(encoder, self.record.seek, big);
        write_place(encoder, self.directory, big);
        encoder.string(&self.class);
        encoder.string(&self.name);
        encoder.string(&self.title);
    }
}

/// A directory of a file, known to its keys by its path.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) parent: Option<Arc<Folder>>,
    pub(crate) name: Box<str>,
}

impl Folder {
    /// The path with a slash at its end ("sub/deep/"), or empty for the top directory.
    fn prefix(&self) -> String {
        match &self.parent {
            Some(parent) => parent.prefix() + &self.name + "/",
            None => String::new(),
        }
    }

    pub(crate) fn depth(&self) -> usize {
        self.parent.as_ref().map_or(0, |parent| parent.depth() + 1)
    }
}

/// An entry in a directory: name, class and place of an object, known without reading the object.
#[derive(Clone, Debug)]
pub struct Key {
    pub(crate) record: Record,
    pub(crate) folder: Arc<Folder>,
    name: Box<str>,
    title: Box<str>,
    class: Box<str>,
    cycle: i16,
}

impl Key {
    pub(crate) fn new(stored: &StoredKey<'_>, folder: &Arc<Folder>) -> Self {
        Self {
            record: stored.record,
            folder: Arc::clone(folder),
            name: stored.name.as_ref().into(),
            title: stored.title.as_ref().into(),
            class: stored.class.as_ref().into(),
            cycle: stored.cycle,
        }
    }

    /// The path of the object, its directories and its name: `sub/deep/h3_0`.
    pub fn path(&self) -> String {
        self.folder.prefix() + &self.name
    }

    /// The name of the object within its directory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title of the object.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The ROOT class of the object: `TH3F`, `TTree`, `TDirectoryFile`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The cycle: the number of this version of the object. Writing an object under a name that is taken adds
    /// a cycle. A negative one was marked with ROOT's `TKey::Keep`, so that `TDirectory::Purge` does not
    /// delete it; its absolute value is the number.
    pub fn cycle(&self) -> i16 {
        self.cycle
    }

    /// Bytes of the object in memory, decompressed.
    pub fn object_length(&self) -> u64 {
        u64::from(self.record.object_length)
    }

    /// Bytes of the object in the file, compressed, without its key.
    pub fn stored_length(&self) -> u64 {
        u64::from(self.record.stored_length())
    }

    /// True if the object is a directory, whose own entries are keys of the file as well.
    pub fn is_directory(&self) -> bool {
        matches!(&*self.class, "TDirectory" | "TDirectoryFile")
    }

    /// True if the directories above the object are `path`, which may start with a slash.
    pub(crate) fn is_in(&self, path: &str) -> bool {
        self.folder.prefix().trim_end_matches('/') == path.trim_matches('/')
    }
}
