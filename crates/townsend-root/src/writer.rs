//! Writing a ROOT file record by record.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_128;

use crate::Date;
use crate::compression::{Compression, Compressor};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::key::{BIG_FILE, Record, StoredKey, write_place};
use crate::layout::{BEGIN, DIRECTORY_LENGTH, DirectoryRecord, FileHeader};
use crate::streamers;

/// The name of the file that is written into it, the same for all files: a file can be renamed.
const FILE_NAME: &str = "townsend.root";
/// Largest length of an object in bytes: byte counts have 30 bits.
const MAX_OBJECT_LENGTH: usize = 0x3fff_ffff;
const MAX_KEY_LENGTH: usize = i16::MAX as usize;
/// ROOT extends the range of free places at the end of a file in steps of this many bytes.
const FREE_STEP: u64 = 1_000_000_000;

/// Writes a ROOT file from front to back. The memory needed grows only with the number of keys.
///
/// Without [`finish`](Self::finish) the file has no list of its objects and cannot be opened. The same calls
/// give the same bytes.
pub struct RootWriter<W: Write + Seek = BufWriter<File>> {
    sink: W,
    path: PathBuf,
    position: u64,
    compression: Compression,
    compressor: Compressor,
    date: Date,
    /// A hash of all that was written; it becomes the id of the file, so that programs which cache by id tell
    /// files apart.
    hash: XxHash3_128,
    directories: Vec<Directory>,
    classes: BTreeSet<&'static str>,
    head: Encoder,
    /// Memory for the bytes of an object, used again for the next one.
    pub(crate) payload: Encoder,
    stored: Vec<u8>,
}

struct Directory {
    parent: usize,
    name: String,
    class: &'static str,
    seek: u64,
    /// The place of the directory's record, in which the place of its list of keys is filled in at the end.
    record: u64,
    name_length: u32,
    keys: Vec<StoredKey<'static>>,
    cycles: HashMap<String, i16>,
}

/// The fields of the key of a new record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRecord<'a> {
    /// The number of the directory, see [`RootWriter::directory`].
    pub(crate) directory: usize,
    pub(crate) class: &'static str,
    pub(crate) name: &'a str,
    pub(crate) title: &'a str,
    /// The bytes that a class like `TBasket` adds to its key.
    pub(crate) key_tail: &'a [u8],
    /// Whether the directory lists the record.
    pub(crate) listed: bool,
    pub(crate) compressed: bool,
}

/// The number of the top directory.
pub(crate) const TOP: usize = 0;

impl RootWriter {
    /// Creates a file, or empties the one that is there.
    ///
    /// # Errors
    /// If the file cannot be created, or the level of compression does not exist.
    pub fn create(path: impl AsRef<Path>, compression: Compression) -> Result<Self> {
        let path = path.as_ref();
        let file = File::create(path).map_err(|source| Error::Io {
            action: "create",
            file: path.to_owned(),
            source,
        })?;
        Self::new(BufWriter::with_capacity(1 << 20, file), path, compression)
    }
}

impl<W: Write + Seek> RootWriter<W> {
    /// Writes to `sink` from its start on. Errors call it `path`.
    ///
    /// # Errors
    /// If the sink cannot be written, or the level of compression does not exist.
    pub fn new(sink: W, path: impl Into<PathBuf>, compression: Compression) -> Result<Self> {
        let path = path.into();
        let compressor = Compressor::new(compression).map_err(|source| Error::Io {
            action: "compress",
            file: path.clone(),
            source,
        })?;
        let mut writer = Self {
            sink,
            path,
            position: 0,
            compression,
            compressor,
            date: Date::default(),
            hash: XxHash3_128::new(),
            directories: Vec::new(),
            classes: BTreeSet::new(),
            head: Encoder::default(),
            payload: Encoder::default(),
            stored: Vec::new(),
        };
        writer.append(&[0; BEGIN as usize])?;
        writer.start_top()?;
        Ok(writer)
    }

    /// Sets the date of objects that are written from now on. Without this call it is the fixed
    /// [`Date::default`].
    #[must_use]
    pub fn with_date(mut self, date: Date) -> Self {
        self.date = date;
        self
    }

    fn start_top(&mut self) -> Result<()> {
        let mut payload = Encoder::default();
        payload.string(FILE_NAME);
        payload.string("");
        let names = payload.bytes.len();
        payload.bytes.resize(names + DIRECTORY_LENGTH, 0);
        self.directories.push(Directory {
            parent: TOP,
            name: FILE_NAME.to_owned(),
            class: "TFile",
            seek: 0,
            record: 0,
            name_length: 0,
            keys: Vec::new(),
            cycles: HashMap::new(),
        });
        let record = self.write_plain("TFile", FILE_NAME, TOP, &payload.bytes)?;
        let top = &mut self.directories[TOP];
        top.seek = record.seek;
        top.name_length = u32::from(record.key_length) + names as u32;
        top.record = record.seek + u64::from(top.name_length);
        Ok(())
    }

    fn write_plain(
        &mut self,
        class: &'static str,
        name: &str,
        directory: usize,
        payload: &[u8],
    ) -> Result<Record> {
        let record =
            NewRecord { directory, class, name, title: "", key_tail: &[], listed: false, compressed: false };
        self.write_record(&record, payload)
    }

    /// The number of the directory `path` ("sub/deep", or nothing for the top), which is made if it is not
    /// there.
    pub(crate) fn directory(&mut self, path: &str) -> Result<usize> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(TOP, |parent, name| {
            let known = self
                .directories
                .iter()
                .skip(1)
                .position(|directory| directory.parent == parent && directory.name == name);
            known.map_or_else(|| self.create_directory(parent, name), |index| Ok(index + 1))
        })
    }

    fn create_directory(&mut self, parent: usize, name: &str) -> Result<usize> {
        // ROOT writes this name for its class `TDirectoryFile`, and its reader of RNTuples looks for it.
        let class = "TDirectory";
        let record = NewRecord {
            directory: parent,
            class,
            name,
            title: "",
            key_tail: &[],
            listed: true,
            compressed: false,
        };
        let record = self.write_record(&record, &[0; DIRECTORY_LENGTH])?;
        self.directories.push(Directory {
            parent,
            name: name.to_owned(),
            class,
            seek: record.seek,
            record: record.seek + u64::from(record.key_length),
            name_length: u32::from(record.key_length),
            keys: Vec::new(),
            cycles: HashMap::new(),
        });
        Ok(self.directories.len() - 1)
    }

    /// Length in bytes of the key of the next record. Places in the record count from the start of this key.
    pub(crate) fn key_length(&self, record: &NewRecord<'_>) -> usize {
        let place = self.position.max(self.directories[record.directory].seek);
        StoredKey::length(record.class, record.name, record.title, place, record.key_tail.len())
    }

    /// The compression of objects that are written from now on.
    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    /// Compresses bytes into `stored`; false if that would not make them smaller.
    pub(crate) fn compress(&mut self, plain: &[u8], stored: &mut Vec<u8>) -> Result<bool> {
        self.compressor.compress(plain, stored).map_err(|source| self.io_error("compress into", source))
    }

    /// Adds the description of `class`, its bases and its members to those that [`finish`](Self::finish)
    /// writes.
    pub(crate) fn describe_class(&mut self, class: &'static str) {
        self.classes.insert(class);
    }

    /// Appends a record. Nothing is written if it does not fit into a ROOT file.
    pub(crate) fn write_record(&mut self, new: &NewRecord<'_>, payload: &[u8]) -> Result<Record> {
        let key_length = self.key_length(new);
        check_lengths(new, key_length, payload.len())?;
        let mut stored = std::mem::take(&mut self.stored);
        let compressed = new.compressed && self.compress(payload, &mut stored)?;
        let data = if compressed { &stored } else { payload };
        let record = Record {
            seek: self.position,
            length: (key_length + data.len()) as u32,
            key_length: key_length as u16,
            object_length: payload.len() as u32,
        };
        let key = self.key(new, record);
        self.head.restart(0);
        key.encode(&mut self.head);
        self.head.bytes.extend_from_slice(new.key_tail);
        let head = std::mem::take(&mut self.head.bytes);
        let written = self.append(&head).and_then(|()| self.append(data));
        (self.head.bytes, self.stored) = (head, stored);
        written?;
        if new.listed {
            self.list(new.directory, key);
        }
        Ok(record)
    }

    fn key(&self, new: &NewRecord<'_>, record: Record) -> StoredKey<'static> {
        StoredKey {
            record,
            date: self.date.0,
            cycle: self.next_cycle(new),
            directory: self.directories[new.directory].seek,
            class: Cow::Borrowed(new.class),
            name: Cow::Owned(new.name.to_owned()),
            title: Cow::Owned(new.title.to_owned()),
        }
    }

    fn next_cycle(&self, new: &NewRecord<'_>) -> i16 {
        let last = self.directories[new.directory].cycles.get(new.name);
        if new.listed { last.map_or(1, |cycle| cycle.saturating_add(1)) } else { 1 }
    }

    /// The keys of a directory, in its order. Of the cycles of an object the newest comes first, as ROOT
    /// expects.
    fn list(&mut self, directory: usize, key: StoredKey<'static>) {
        let Directory { keys, cycles, .. } = &mut self.directories[directory];
        let older = if key.cycle > 1 { keys.iter().position(|other| other.name == key.name) } else { None };
        cycles.insert(key.name.to_string(), key.cycle);
        keys.insert(older.unwrap_or(keys.len()), key);
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.sink.write_all(bytes).map_err(|source| self.io_error("write", source))?;
        self.hash.write(bytes);
        self.position += bytes.len() as u64;
        Ok(())
    }

    fn io_error(&self, action: &'static str, source: std::io::Error) -> Error {
        Error::Io { action, file: self.path.clone(), source }
    }

    /// Writes the lists of keys, the description of the classes and the header. Returns the sink.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<W> {
        let lists =
            (0..self.directories.len()).map(|index| self.write_list(index)).collect::<Result<Vec<_>>>()?;
        let info = self.write_streamer_info()?;
        let free = self.write_free()?;
        let uuid = self.hash.finish_128();
        for (directory, list) in self.directories.iter().zip(&lists) {
            let parent = if directory.seek == BEGIN { 0 } else { self.directories[directory.parent].seek };
            let record = DirectoryRecord {
                date: self.date.0,
                keys_length: list.length,
                name_length: directory.name_length,
                seek: directory.seek,
                parent,
                keys: list.seek,
                uuid,
            };
            self.head.restart(0);
            record.encode(&mut self.head);
            overwrite(&mut self.sink, directory.record, &self.head.bytes)
                .map_err(|source| self.io_error("write", source))?;
        }
        let header = FileHeader {
            begin: BEGIN,
            end: self.position,
            free: free.seek,
            free_length: free.length,
            name_length: self.directories[TOP].name_length,
            compression: self.compression.root_setting(),
            streamer_info: info.seek,
            streamer_info_length: info.length,
            uuid,
        };
        self.head.restart(0);
        header.encode(&mut self.head);
        overwrite(&mut self.sink, 0, &self.head.bytes)
            .and_then(|()| self.sink.flush())
            .map_err(|source| self.io_error("write", source))?;
        Ok(self.sink)
    }

    fn write_list(&mut self, index: usize) -> Result<Record> {
        let mut payload = Encoder::default();
        let directory = &self.directories[index];
        payload.i32(directory.keys.len() as i32);
        directory.keys.iter().for_each(|key| key.encode(&mut payload));
        let (class, name) = (directory.class, directory.name.clone());
        self.write_plain(class, &name, index, &payload.bytes)
    }

    fn write_streamer_info(&mut self) -> Result<Record> {
        let record = NewRecord {
            directory: TOP,
            class: "TList",
            name: "StreamerInfo",
            title: "Doubly linked list",
            key_tail: &[],
            listed: false,
            compressed: true,
        };
        let mut payload = Encoder::default();
        payload.restart(self.key_length(&record));
        streamers::encode(self.classes.iter().copied(), &mut payload);
        self.write_record(&record, &payload.bytes)
    }

    /// Writes the map of free places, which has one entry: all places after the end of the file.
    fn write_free(&mut self) -> Result<Record> {
        // The entry states where the file ends, and is itself the last record, so its length has to be known
        // first.
        let key_length =
            StoredKey::length("TFile", FILE_NAME, "", self.position.max(self.directories[TOP].seek), 0);
        let small_end = self.position + key_length as u64 + 10;
        let big = small_end > BIG_FILE;
        let end = if big { small_end + 8 } else { small_end };
        let last = if big { (end / FREE_STEP + 1) * FREE_STEP } else { BIG_FILE };
        let mut payload = Encoder::default();
        payload.i16(if last > BIG_FILE { 1001 } else { 1 });
        write_place(&mut payload, end, last > BIG_FILE);
        write_place(&mut payload, last, last > BIG_FILE);
        self.write_plain("TFile", FILE_NAME, TOP, &payload.bytes)
    }
}

fn check_lengths(new: &NewRecord<'_>, key_length: usize, length: usize) -> Result<()> {
    let invalid = |reason| Err(Error::Invalid { object: new.name.chars().take(80).collect(), reason });
    if key_length > MAX_KEY_LENGTH {
        return invalid(format!("name and title take {key_length} bytes of at most {MAX_KEY_LENGTH}"));
    }
    if length > MAX_OBJECT_LENGTH {
        return invalid(format!("it has {length} bytes of at most {MAX_OBJECT_LENGTH}"));
    }
    Ok(())
}

fn overwrite(sink: &mut (impl Write + Seek), place: u64, bytes: &[u8]) -> std::io::Result<()> {
    sink.seek(SeekFrom::Start(place))?;
    sink.write_all(bytes)
}
