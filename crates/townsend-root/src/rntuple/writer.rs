//! Writing RNTuples.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};

use twox_hash::XxHash3_64;

use super::anchor::{self, Anchor};
use super::blob::{Blob, EnvelopeLink};
use super::clusters::Page;
use super::describe::{WrittenCluster, columns_of, encode_footer, encode_header, encode_page_list};
use super::pending::PendingColumn;
use crate::compression::Compression;
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::tree::{BranchSpec, BranchValue, check_types};
use crate::writer::{NewRecord, RootWriter};

/// A page is written to the file once it has this many bytes: large enough to compress well and to be read
/// fast, small enough to hold one per column in memory.
const PAGE_LENGTH: usize = 256 << 10;
/// A cluster ends once its values take this many bytes. ROOT reads whole clusters, one a thread.
const CLUSTER_LENGTH: usize = 32 << 20;
/// ROOT's limit of the bytes of a record, beyond which pages would be stored in pieces. None here are so
/// long.
const MAX_PIECE: u64 = 1 << 30;

/// Writes an RNTuple entry by entry. It holds one page per column in memory; the others are in the file.
///
/// Fields and values are described as for a [`TreeWriter`](crate::TreeWriter): `I64` is a field of
/// `std::int64_t`, `VectorF32` one of `std::vector<float>`. Titles become descriptions. It is read by ROOT
/// 6.34 and newer and by uproot 5.
///
/// It owns the file until [`finish`](Self::finish) returns it; without that call the file contains no
/// RNTuple.
///
/// ```
/// use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RNTupleWriter, RootWriter};
/// # let sink = std::io::Cursor::new(Vec::new());
/// let root = RootWriter::new(sink, "avalanches.root", Compression::default())?;
/// let fields = [
///     BranchSpec::new("event", "number of the avalanche", BranchType::I64),
///     BranchSpec::new("x", "x [mm]", BranchType::VectorF32),
/// ];
/// let mut ntuple = RNTupleWriter::new(root, "avalanches", "electrons of avalanches", &fields)?;
/// ntuple.fill(&[BranchValue::I64(0), BranchValue::VectorF32(&[0.25, -1.5])])?;
/// ntuple.finish()?.finish()?;
/// # Ok::<(), townsend_root::Error>(())
/// ```
pub struct RNTupleWriter<W: Write + Seek = BufWriter<File>> {
    root: RootWriter<W>,
    /// The number of the directory that holds the ntuple, see [`RootWriter::directory`].
    directory: usize,
    name: String,
    description: String,
    specs: Vec<BranchSpec>,
    columns: Vec<PendingColumn>,
    header: EnvelopeLink,
    header_checksum: u64,
    clusters: Vec<WrittenCluster>,
    entries: u64,
    /// Bytes of the values of the current cluster.
    cluster_length: usize,
    page: Vec<u8>,
    stored: Vec<u8>,
}

impl<W: Write + Seek> RNTupleWriter<W> {
    /// Starts an RNTuple at `path`, whose directories are made if they are not there: `avalanches`,
    /// `sub/avalanches`.
    ///
    /// # Errors
    /// If there is no field, a name is used twice or is one that the format does not allow, or the file
    /// cannot be written.
    pub fn new(
        mut root: RootWriter<W>,
        path: &str,
        description: &str,
        fields: &[BranchSpec],
    ) -> Result<Self> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        check_names(name, fields).map_err(|reason| Error::Invalid { object: path.to_owned(), reason })?;
        let directory = root.directory(directory)?;
        let columns = columns_of(fields, root.compression() != Compression::None);
        let (header, header_checksum) = encode_header(name, description, fields, &columns);
        let mut stored = Vec::new();
        let header = write_envelope(&mut root, directory, &header, &mut stored)?;
        Ok(Self {
            root,
            directory,
            name: name.to_owned(),
            description: description.to_owned(),
            specs: fields.to_vec(),
            columns,
            header,
            header_checksum,
            clusters: Vec::new(),
            entries: 0,
            cluster_length: 0,
            page: Vec::new(),
            stored,
        })
    }

    /// Number of entries so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Adds an entry: one value for each field, in the order of the fields.
    ///
    /// # Errors
    /// If the values do not have the number and types of the fields (then nothing was added), or the file
    /// cannot be written.
    pub fn fill(&mut self, values: &[BranchValue<'_>]) -> Result<()> {
        check_types(self.specs.iter(), values).map_err(|reason| Error::Invalid {
            object: format!("entry {} of {}", self.entries, self.name),
            reason,
        })?;
        let mut column = 0;
        for value in values {
            match *value {
                BranchValue::VectorF32(items) => {
                    self.push_items(column + 1, items)?;
                    let end = self.columns[column + 1].in_cluster();
                    self.push(column, end.to_le_bytes())?;
                    column += 1;
                }
                BranchValue::I32(value) => self.push(column, value.to_le_bytes())?,
                BranchValue::U32(value) => self.push(column, value.to_le_bytes())?,
                BranchValue::I64(value) => self.push(column, value.to_le_bytes())?,
                BranchValue::F32(value) => self.push(column, value.to_le_bytes())?,
                BranchValue::F64(value) => self.push(column, value.to_le_bytes())?,
            }
            column += 1;
        }
        self.entries += 1;
        if self.cluster_length >= CLUSTER_LENGTH { self.end_cluster() } else { Ok(()) }
    }

    fn push<const N: usize>(&mut self, column: usize, value: [u8; N]) -> Result<()> {
        self.columns[column].values.extend_from_slice(&value);
        self.cluster_length += N;
        if self.columns[column].values.len() >= PAGE_LENGTH { self.flush(column) } else { Ok(()) }
    }

    /// Adds the items of a vector, which may go on in the next page.
    fn push_items(&mut self, column: usize, mut items: &[f32]) -> Result<()> {
        self.cluster_length += size_of_val(items);
        while !items.is_empty() {
            let values = &mut self.columns[column].values;
            let room = (PAGE_LENGTH - values.len()) / size_of::<f32>();
            let (now, later) = items.split_at(room.min(items.len()));
            values.extend(now.iter().flat_map(|item| item.to_le_bytes()));
            if values.len() >= PAGE_LENGTH {
                self.flush(column)?;
            }
            items = later;
        }
        Ok(())
    }

    /// Writes the current page of a column to the file.
    fn flush(&mut self, column: usize) -> Result<()> {
        let Self { root, directory, columns, page, stored, .. } = self;
        let column = &mut columns[column];
        let (first, values) = (column.written(), column.pending() as u32);
        if values == 0 {
            return Ok(());
        }
        column.encoding.encode(&column.values, page);
        compress(root, page, stored)?;
        let size = stored.len() as u64;
        let checksum = XxHash3_64::oneshot(stored);
        stored.extend_from_slice(&checksum.to_le_bytes());
        let seek = write_blob(root, *directory, stored)?;
        column.pages.push(Page { first, values, checked: true, blob: Blob { seek, size } });
        column.values.clear();
        Ok(())
    }

    fn end_cluster(&mut self) -> Result<()> {
        let first = self.clusters.last().map_or(0, |cluster| cluster.entries.end);
        if first == self.entries {
            return Ok(());
        }
        (0..self.columns.len()).try_for_each(|column| self.flush(column))?;
        let columns = self.columns.iter_mut().map(PendingColumn::end_cluster).collect();
        self.clusters.push(WrittenCluster { entries: first..self.entries, columns });
        self.cluster_length = 0;
        Ok(())
    }

    /// Writes the last pages and the description of all pages. Returns the file, which has to be finished
    /// too.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(mut self) -> Result<RootWriter<W>> {
        self.end_cluster()?;
        let Self { mut root, directory, name, description, header, header_checksum, clusters, .. } = self;
        let mut stored = self.stored;
        let mut page_list = None;
        if !clusters.is_empty() {
            let list = encode_page_list(header_checksum, root.compression().root_setting(), &clusters);
            let link = write_envelope(&mut root, directory, &list, &mut stored)?;
            page_list = Some((clusters.len(), link));
        }
        let footer = encode_footer(header_checksum, self.entries, page_list);
        let footer = write_envelope(&mut root, directory, &footer, &mut stored)?;
        let mut payload = Encoder::default();
        Anchor { header, footer, max_piece: MAX_PIECE }.encode(&mut payload);
        root.describe_class(anchor::CLASS);
        let record = NewRecord {
            directory,
            class: anchor::CLASS,
            name: &name,
            title: &description,
            key_tail: &[],
            listed: true,
            compressed: false,
        };
        root.write_record(&record, &payload.bytes)?;
        Ok(root)
    }
}

/// The format wants names without control characters and without `.`, `/`, `\` and spaces.
fn check_names(name: &str, fields: &[BranchSpec]) -> Result<(), String> {
    let allowed = |name: &str| {
        let forbidden = |letter: char| letter.is_control() || ['.', '/', '\\', ' '].contains(&letter);
        !name.is_empty() && !name.contains(forbidden)
    };
    if !allowed(name) || fields.is_empty() {
        return Err("an RNTuple needs at least one field and a name without spaces, '.' and '\\'".to_owned());
    }
    for (index, field) in fields.iter().enumerate() {
        if fields[..index].iter().any(|other| other.name == field.name) {
            return Err(format!("its field {index} has no name of its own: \"{}\"", field.name));
        }
        if !allowed(&field.name) {
            return Err(format!(
                "its field {index} needs a name without spaces, '.', '/' and '\\': \"{}\"",
                field.name.escape_default()
            ));
        }
    }
    Ok(())
}

/// Compresses bytes into `stored`, or copies them if that would not make them smaller. LZ4 is chosen for fast
/// reading, and what it makes smaller by less than an eighth is read faster as it is.
fn compress<W: Write + Seek>(root: &mut RootWriter<W>, plain: &[u8], stored: &mut Vec<u8>) -> Result<()> {
    let smaller = root.compress(plain, stored)?;
    let worth_it = root.compression() != Compression::Lz4 || stored.len() < plain.len() / 8 * 7;
    if !(smaller && worth_it) {
        stored.clear();
        stored.extend_from_slice(plain);
    }
    Ok(())
}

/// Writes bytes as a record that no directory lists. Gives back where they start.
fn write_blob<W: Write + Seek>(root: &mut RootWriter<W>, directory: usize, bytes: &[u8]) -> Result<u64> {
    let record = NewRecord {
        directory,
        class: "RBlob",
        name: "",
        title: "",
        key_tail: &[],
        listed: false,
        compressed: false,
    };
    let record = root.write_record(&record, bytes)?;
    Ok(record.seek + u64::from(record.key_length))
}

fn write_envelope<W: Write + Seek>(
    root: &mut RootWriter<W>,
    directory: usize,
    envelope: &[u8],
    stored: &mut Vec<u8>,
) -> Result<EnvelopeLink> {
    compress(root, envelope, stored)?;
    let (size, length) = (stored.len() as u64, envelope.len() as u64);
    let seek = write_blob(root, directory, stored)?;
    Ok(EnvelopeLink { blob: Blob { seek, size }, length })
}
