//! Opening a file, walking its directories and reading the bytes of its records.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::compression::Decompressor;
use crate::error::{Error, Fault, Result, nearest};
use crate::key::{Folder, Key, Record, StoredKey};
use crate::layout::{DIRECTORY_LENGTH, DirectoryRecord, FileHeader};
use crate::limit::check_content;

/// Largest depth of directories; deeper ones are taken for damage.
const MAX_DEPTH: usize = 64;

/// An open ROOT file. Its keys are in memory; its objects are read one at a time.
///
/// Reads take `&self` and use positioned reads, so that one file can be read by several threads, each with
/// its own [`Reader`](crate::Reader).
#[derive(Debug)]
pub struct RootFile {
    path: PathBuf,
    source: Source,
    length: u64,
    /// Place and length of the record that describes classes.
    streamer_info: (u64, u64),
    keys: Vec<Key>,
    /// Indices into `keys`, sorted by name and then by the absolute value of the cycle, the highest first.
    by_name: Vec<u32>,
}

#[derive(Debug)]
enum Source {
    File(File),
    Memory(Vec<u8>),
}

/// Memory for reading records, used again for every record.
#[derive(Default)]
pub(crate) struct Scratch {
    stored: Vec<u8>,
    plain: Vec<u8>,
    decompressor: Decompressor,
}

impl RootFile {
    /// Opens a file and reads the keys of all its directories, but none of its objects.
    ///
    /// # Errors
    /// If the file cannot be read, is not a ROOT file, was not closed by its writer, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let io = |source| Error::Io { action: "open", file: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        Self::load(path.to_owned(), Source::File(file), length)
    }

    /// Opens a file whose bytes are in memory. Errors call it `name`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len() as u64;
        Self::load(name.into(), Source::Memory(bytes), length)
    }

    fn load(path: PathBuf, source: Source, length: u64) -> Result<Self> {
        let mut file =
            Self { path, source, length, streamer_info: (0, 0), keys: Vec::new(), by_name: Vec::new() };
        let header = file.read_header()?;
        file.streamer_info = (header.streamer_info, u64::from(header.streamer_info_length));
        let top = Arc::new(Folder { parent: None, name: "".into() });
        let directory = file
            .read_directory(header.begin + u64::from(header.name_length), DIRECTORY_LENGTH)
            .map_err(|fault| fault.at(&file.path, "the top directory"))?;
        if directory.keys == 0 {
            return Err(Error::NotClosed { file: file.path });
        }
        let mut walk = Walk { file: &file, keys: Vec::new(), seen: HashSet::new(), budget: length };
        walk.list(&directory, &top)?;
        file.keys = walk.keys;
        file.by_name = (0..file.keys.len() as u32).collect();
        let order = |&index: &u32| {
            let key = &file.keys[index as usize];
            (key.name(), std::cmp::Reverse(key.cycle().unsigned_abs()))
        };
        file.by_name.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(file)
    }

    fn read_header(&self) -> Result<FileHeader> {
        let mut bytes = Vec::new();
        self.read_at(0, self.length.min(100), &mut bytes)
            .map_err(|fault| fault.at(&self.path, "the header"))?;
        let header = FileHeader::decode(&bytes).ok_or_else(|| Error::NotRoot {
            file: self.path.clone(),
            reason: match bytes.len() {
                0 => "it is empty".to_owned(),
                _ if bytes.starts_with(b"root") => "it ends within its header".to_owned(),
                _ => format!("it starts with \"{}\"", bytes[..bytes.len().min(4)].escape_ascii()),
            },
        })?;
        if header.end > self.length {
            let reason = format!("it has {} of its {} bytes", self.length, header.end);
            return Err(Fault::Damaged(reason).at(&self.path, "the file"));
        }
        Ok(header)
    }

    fn read_directory(&self, seek: u64, length: usize) -> Result<DirectoryRecord, Fault> {
        let mut bytes = Vec::new();
        self.read_at(seek, length as u64, &mut bytes)?;
        DirectoryRecord::decode(&mut Buffer::new(&bytes, 0))
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length of the file in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// All keys in the order of the file; those of a subdirectory follow its own key. No object is read.
    pub fn keys(&self) -> std::slice::Iter<'_, Key> {
        self.keys.iter()
    }

    /// The key of the object with a path such as `h3_0`, `sub/deep/h3_0`, or `h3_0;2` for cycle 2, whose sign
    /// does not matter. Without a cycle, it is the one of the largest absolute value.
    ///
    /// # Errors
    /// [`Error::KeyNotFound`], with the most similar names, if there is none.
    pub fn find(&self, path: &str) -> Result<&Key> {
        let number = |cycle: &str| cycle.parse().ok().map(i16::unsigned_abs);
        let with_cycle = path.rsplit_once(';').and_then(|(name, cycle)| Some((name, number(cycle)?)));
        self.lookup(path, None)
            .or_else(|| with_cycle.and_then(|(name, cycle)| self.lookup(name, Some(cycle))))
            .ok_or_else(|| Error::KeyNotFound {
                file: self.path.clone(),
                name: path.to_owned(),
                nearest: self.nearest(with_cycle.map_or(path, |(name, _)| name)),
            })
    }

    /// For every path the key that [`find`](Self::find) gives, the one of the newest cycle; in the order of
    /// the file.
    pub fn newest(&self) -> impl Iterator<Item = &Key> {
        let mut seen = HashSet::new();
        let first = |&index: &u32| seen.insert(self.keys[index as usize].path());
        let mut newest: Vec<u32> = self.by_name.iter().copied().filter(first).collect();
        newest.sort_unstable();
        newest.into_iter().map(|index| &self.keys[index as usize])
    }

    /// The keys in the directory of `key` that have its name and other cycles: what [`newest`](Self::newest)
    /// leaves out.
    pub fn other_cycles<'f>(&'f self, key: &'f Key) -> impl Iterator<Item = &'f Key> {
        let same = |other: &Key| Arc::ptr_eq(&other.folder, &key.folder) && other.record != key.record;
        self.named(key.name()).filter(move |other| same(other))
    }

    /// The keys of a name in all directories, the newest cycle first.
    fn named(&self, name: &str) -> impl Iterator<Item = &Key> {
        let key = |&index: &u32| &self.keys[index as usize];
        let first = self.by_name.partition_point(|index| key(index).name() < name);
        let last = self.by_name.partition_point(|index| key(index).name() <= name);
        self.by_name[first..last].iter().map(key)
    }

    /// The key with this path. Since names may contain slashes, every slash in the path may
    /// be the one between directory and name.
    fn lookup(&self, path: &str, cycle: Option<u16>) -> Option<&Key> {
        let path = path.trim_start_matches('/');
        let splits = path.rmatch_indices('/').map(|(at, _)| path.split_at(at + 1));
        splits.chain([("", path)]).find_map(|(directory, name)| {
            self.named(name).find(|key| {
                cycle.is_none_or(|cycle| cycle == key.cycle().unsigned_abs()) && key.is_in(directory)
            })
        })
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let paths: HashSet<String> = self.keys.iter().map(Key::path).collect();
        nearest(name, paths.iter().map(String::as_str))
    }

    /// Place and length of the record that describes classes.
    pub(crate) fn streamer_info(&self) -> (u64, u64) {
        self.streamer_info
    }

    /// Reads exactly `length` bytes at `seek`. Memory is reserved only if the file has so many bytes.
    pub(crate) fn read_at(&self, seek: u64, length: u64, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        if seek.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(Fault::Damaged(format!(
                "{length} bytes are wanted at byte {seek} of the file, which has {}",
                self.length
            )));
        }
        bytes.resize(length as usize, 0);
        match &self.source {
            Source::File(file) => read_exact_at(file, bytes, seek)?,
            Source::Memory(all) => bytes.copy_from_slice(&all[seek as usize..(seek + length) as usize]),
        }
        Ok(())
    }

    /// Reads and decompresses the object of a key that a directory lists.
    pub(crate) fn read_record<'s>(
        &self,
        record: &Record,
        scratch: &'s mut Scratch,
    ) -> Result<Buffer<'s>, Fault> {
        let Scratch { stored, plain, decompressor } = scratch;
        let start = record.seek.saturating_add(u64::from(record.key_length));
        let stored_length = u64::from(record.stored_length());
        if record.is_compressed() {
            self.read_at(start, stored_length, stored)?;
            decompressor.decompress(stored, record.object_length as usize, plain)?;
        } else {
            self.read_at(start, stored_length, plain)?;
        }
        Ok(Buffer::new(plain, usize::from(record.key_length)))
    }

    /// Reads a record that no directory lists, such as a basket of a tree: its key, the fields that a class
    /// adds to the key, and the decompressed object.
    pub(crate) fn read_unlisted<'s>(
        &self,
        seek: u64,
        length: u64,
        scratch: &'s mut Scratch,
    ) -> Result<Unlisted<'s>, Fault> {
        let Scratch { stored, plain, decompressor } = scratch;
        self.read_at(seek, length, stored)?;
        let mut buffer = Buffer::new(stored, 0);
        let key = StoredKey::decode(&mut buffer)?;
        let (at, key_length) = (buffer.position(), usize::from(key.record.key_length));
        check_content(key.record.object_length.into(), self.length).map_err(Fault::Damaged)?;
        if u64::from(key.record.length) != length || at > key_length {
            return Err(Fault::Damaged(format!(
                "no record of {length} bytes starts at byte {seek} of the file"
            )));
        }
        let data = &stored[key_length..];
        let object = if key.record.is_compressed() {
            decompressor.decompress(data, key.record.object_length as usize, plain)?;
            plain
        } else {
            data
        };
        let key_tail = Buffer::new(&stored[at..key_length], at);
        Ok(Unlisted { key, key_tail, object: Buffer::new(object, key_length) })
    }
}

/// The record that [`RootFile::read_unlisted`] reads.
#[derive(Debug)]
pub(crate) struct Unlisted<'s> {
    pub(crate) key: StoredKey<'s>,
    pub(crate) key_tail: Buffer<'s>,
    pub(crate) object: Buffer<'s>,
}

/// A walk through all directories of a file, which collects their keys.
struct Walk<'f> {
    file: &'f RootFile,
    keys: Vec<Key>,
    /// Places of the lists of keys that were read, so that a directory that contains itself is noticed.
    seen: HashSet<u64>,
    /// Lists of keys do not overlap, so all of them together cannot be longer than the file.
    budget: u64,
}

impl Walk<'_> {
    fn list(&mut self, directory: &DirectoryRecord, folder: &Arc<Folder>) -> Result<()> {
        let fault = |fault: Fault, name: &str| {
            fault.at(&self.file.path, if name.is_empty() { "the top directory" } else { name })
        };
        let keys = self.read_list(directory, folder).map_err(|found| fault(found, &folder.name))?;
        for key in keys {
            let is_directory = key.is_directory();
            let (record, name) = (key.record, key.name().to_owned());
            self.keys.push(key);
            if is_directory {
                let place = record.seek.saturating_add(u64::from(record.key_length));
                let inner = self
                    .file
                    .read_directory(place, record.object_length.min(DIRECTORY_LENGTH as u32) as usize)
                    .map_err(|fault| fault.at(&self.file.path, &*name))?;
                let folder = Folder { parent: Some(Arc::clone(folder)), name: name.into() };
                // A directory in which nothing was written has no list of keys.
                if inner.keys != 0 {
                    self.list(&inner, &Arc::new(folder))?;
                }
            }
        }
        Ok(())
    }

    fn read_list(&mut self, directory: &DirectoryRecord, folder: &Arc<Folder>) -> Result<Vec<Key>, Fault> {
        let length = u64::from(directory.keys_length);
        if !self.seen.insert(directory.keys) || folder.depth() > MAX_DEPTH || length > self.budget {
            return Err(Fault::damaged("its list of keys is used twice or is part of another"));
        }
        self.budget -= length;
        let mut bytes = Vec::new();
        self.file.read_at(directory.keys, length, &mut bytes)?;
        let mut buffer = Buffer::new(&bytes, 0);
        StoredKey::decode(&mut buffer)?;
        let count = buffer.i32()?;
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(Key::new(&StoredKey::decode(&mut buffer)?, folder));
        }
        Ok(keys)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], seek: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, seek)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut seek: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, seek)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => {
                bytes = &mut bytes[length..];
                seek += length as u64;
            }
        }
    }
    Ok(())
}
