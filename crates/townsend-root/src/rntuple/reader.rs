//! Reading RNTuples.

use std::ops::Range;

use super::anchor::{self, Anchor};
use super::blob::BlobReader;
use super::clusters::{Cluster, read_clusters};
use super::envelope::{Envelope, FOOTER, HEADER};
use super::field::{Columns, RNTupleField, Storage, list_fields};
use super::page::PageReader;
use super::schema::Schema;
use crate::error::{Error, Fault, Result, nearest};
use crate::file::{RootFile, Scratch};
use crate::key::Key;
use crate::tree::{BranchKind, Column, Values};

/// Room is made for values that were compressed by up to this factor.
const USUAL_COMPRESSION: u64 = 4;

/// An RNTuple of an open file: its fields are known, their values are read on demand.
///
/// ```
/// # use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RootFile, RootWriter};
/// # use townsend_root::RNTupleWriter;
/// # use std::io::Cursor;
/// # let root = RootWriter::new(Cursor::new(Vec::new()), "example.root", Compression::default())?;
/// # let fields = [BranchSpec::new("x", "x [mm]", BranchType::VectorF32)];
/// # let mut ntuple = RNTupleWriter::new(root, "avalanches", "electrons", &fields)?;
/// # ntuple.fill(&[BranchValue::VectorF32(&[0.5, -0.5])])?;
/// # ntuple.fill(&[BranchValue::VectorF32(&[])])?;
/// # let root = ntuple.finish()?;
/// # let file = RootFile::from_bytes("example.root", root.finish()?.into_inner())?;
/// let ntuple = file.read_rntuple("avalanches")?;
/// assert_eq!(ntuple.entries(), 2);
/// assert_eq!(ntuple.field("x")?.description(), "x [mm]");
/// let x = ntuple.read_column("x")?;
/// assert_eq!(x.offsets, [0, 2, 2]);
/// assert_eq!(x.values.into_f32(), [0.5, -0.5]);
/// # Ok::<(), townsend_root::Error>(())
/// ```
pub struct RNTuple<'f> {
    file: &'f RootFile,
    path: String,
    contents: Contents,
}

impl std::fmt::Debug for RNTuple<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RNTuple")
            .field("file", &self.file.path())
            .field("path", &self.path)
            .field("fields", &self.contents.fields)
            .finish_non_exhaustive()
    }
}

/// What header, footer and page lists say.
struct Contents {
    description: String,
    fields: Vec<RNTupleField>,
    clusters: Vec<Cluster>,
    max_piece: u64,
}

impl RootFile {
    /// The RNTuple at a path: `avalanches`, `sub/avalanches`, `avalanches;2`.
    ///
    /// # Errors
    /// If there is no such object, if it is no RNTuple, is damaged, or is of a version that this crate does
    /// not know.
    pub fn read_rntuple(&self, path: &str) -> Result<RNTuple<'_>> {
        self.read_rntuple_at(self.find(path)?)
    }

    /// The RNTuple that a key of this file refers to.
    ///
    /// # Errors
    /// As [`read_rntuple`](Self::read_rntuple).
    pub fn read_rntuple_at(&self, key: &Key) -> Result<RNTuple<'_>> {
        let path = key.path();
        let contents = match key.class() {
            anchor::CLASS => Contents::read(self, key),
            anchor::OLD_CLASS => Err(anchor::too_old()),
            found => {
                return Err(Error::WrongClass {
                    file: self.path().to_owned(),
                    object: path,
                    found: found.to_owned(),
                    wanted: anchor::CLASS,
                });
            }
        };
        match contents {
            Ok(contents) => Ok(RNTuple { file: self, path, contents }),
            Err(fault) => Err(fault.at(self.path(), path)),
        }
    }
}

impl Contents {
    fn read(file: &RootFile, key: &Key) -> Result<Self, Fault> {
        let mut scratch = Scratch::default();
        let anchor = Anchor::decode(file.read_record(&key.record, &mut scratch)?)?;
        let mut blobs = BlobReader::new(file, anchor.max_piece);
        let header = Envelope::read(&mut blobs, anchor.header, HEADER)?;
        let mut cursor = header.contents();
        cursor.check_features()?;
        let (_name, description, _writer) = (cursor.string()?, cursor.string()?, cursor.string()?);
        let mut schema = Schema::default();
        schema.extend(&mut cursor)?;
        let footer = Envelope::read(&mut blobs, anchor.footer, FOOTER)?;
        let mut cursor = footer.contents();
        cursor.check_features()?;
        if cursor.u64()? != header.checksum {
            return Err(Fault::damaged("its footer belongs to another header"));
        }
        let mut extension = cursor.record()?;
        if !extension.is_empty() {
            schema.extend(&mut extension)?;
        }
        let clusters = read_clusters(&mut cursor, header.checksum, &mut blobs)?;
        Ok(Self { description, fields: list_fields(&schema)?, clusters, max_piece: anchor.max_piece })
    }
}

impl RNTuple<'_> {
    /// Number of entries.
    pub fn entries(&self) -> u64 {
        self.contents.clusters.last().map_or(0, |cluster| cluster.entries.end)
    }

    /// The description of the ntuple.
    pub fn description(&self) -> &str {
        &self.contents.description
    }

    /// The path of the ntuple in its file, its directories and its name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All fields in the order in which the file lists them, each member of a class as one of its own.
    pub fn fields(&self) -> &[RNTupleField] {
        &self.contents.fields
    }

    /// The field of that name.
    ///
    /// # Errors
    /// [`Error::KeyNotFound`] with the nearest names if there is none.
    pub fn field(&self, name: &str) -> Result<&RNTupleField> {
        self.fields().iter().find(|field| field.name() == name).ok_or_else(|| {
            let similar = nearest(name, self.fields().iter().map(RNTupleField::name));
            Error::KeyNotFound {
                file: self.file.path().to_owned(),
                name: format!("{}/{name}", self.path),
                nearest: similar.into_iter().map(|name| format!("{}/{name}", self.path)).collect(),
            }
        })
    }

    /// Reads all entries of a field at once.
    ///
    /// # Errors
    /// If there is no such field, if it holds a type that this crate does not read, or is damaged.
    pub fn read_column(&self, name: &str) -> Result<Column> {
        let mut column = Column::default();
        self.reader(name)?.read(0..u64::MAX, &mut column)?;
        Ok(column)
    }

    /// A reader for the entries of a field piece by piece. It holds one page of each of its columns in memory
    /// beside the piece.
    ///
    /// # Errors
    /// If there is no such field.
    pub fn reader(&self, name: &str) -> Result<FieldReader<'_>> {
        let pages = || PageReader::new(self.file, self.contents.max_piece);
        Ok(FieldReader {
            file: self.file,
            ntuple: &self.path,
            clusters: &self.contents.clusters,
            field: self.field(name)?,
            ends: Ends { pages: pages(), read: Vec::new() },
            values: pages(),
        })
    }
}

/// Reads entries of one field, fastest in their order. Several can read a file at the same time, in threads
/// too.
pub struct FieldReader<'n> {
    file: &'n RootFile,
    ntuple: &'n str,
    clusters: &'n [Cluster],
    field: &'n RNTupleField,
    ends: Ends<'n>,
    values: PageReader<'n>,
}

/// Where vectors end.
struct Ends<'n> {
    pages: PageReader<'n>,
    /// Where those that are being read end, and before them where the first one starts.
    read: Vec<u64>,
}

impl FieldReader<'_> {
    /// The field that this reader reads.
    pub fn field(&self) -> &RNTupleField {
        self.field
    }

    /// Replaces the contents of `column` by the given entries and uses its memory again. Entries beyond the
    /// last one are left out.
    ///
    /// # Errors
    /// If the field holds a type that this crate does not read, or is damaged; then `column` is empty.
    pub fn read(&mut self, entries: Range<u64>, column: &mut Column) -> Result<()> {
        column.reset(self.field.kind());
        self.append(&entries, column).map_err(|fault| {
            column.reset(self.field.kind());
            fault.at(self.file.path(), format!("{}/{}", self.ntuple, self.field.name()))
        })
    }

    fn append(&mut self, entries: &Range<u64>, column: &mut Column) -> Result<(), Fault> {
        if let BranchKind::Unsupported(what) = self.field.kind() {
            return Err(Fault::Unsupported(format!("it is {what}")));
        }
        self.reserve(entries, column);
        let first = self.clusters.partition_point(|cluster| cluster.entries.end <= entries.start);
        for (number, cluster) in self.clusters.iter().enumerate().skip(first) {
            let start = entries.start.max(cluster.entries.start);
            let end = entries.end.min(cluster.entries.end);
            if cluster.entries.start >= entries.end {
                break;
            }
            if start < end {
                let within = start - cluster.entries.start..end - cluster.entries.start;
                self.append_cluster((number, cluster), &within, column)?;
            }
        }
        Ok(())
    }

    /// Makes room for the values of all clusters in a range of entries, but not for many more than the bytes
    /// of their pages can hold, because what a damaged file says of them may be wrong.
    fn reserve(&self, entries: &Range<u64>, column: &mut Column) {
        let (Storage::Fixed { values, .. } | Storage::Vectors { values, .. }) = &self.field.storage else {
            return;
        };
        let (mut count, mut bytes) = (0_u64, 0_u64);
        for cluster in self.clusters {
            if entries.start <= cluster.entries.start && cluster.entries.end <= entries.end {
                let pages = values.alternatives.iter().find_map(|(column, _)| cluster.pages(*column));
                for page in pages.unwrap_or_default() {
                    count = count.saturating_add(u64::from(page.values));
                    bytes = bytes.saturating_add(page.blob.size);
                }
            }
        }
        let possible =
            bytes.min(self.file.length()) * USUAL_COMPRESSION / column.values.element().size() as u64;
        column.values.reserve(count.min(possible) as usize);
    }

    /// Appends entries of one cluster, counted from its first.
    fn append_cluster(
        &mut self,
        cluster: (usize, &Cluster),
        entries: &Range<u64>,
        column: &mut Column,
    ) -> Result<(), Fault> {
        match &self.field.storage {
            Storage::Fixed { values, each } => self.append_fixed(cluster, values, *each, entries, column),
            Storage::Vectors { ends, values } => {
                self.ends.pages.read_ends(cluster, ends, entries, &mut self.ends.read)?;
                let items = self.ends.range();
                self.values.append(cluster, values, None, &items, &mut column.values)?;
                let before = column.offsets.last().copied().unwrap_or(0);
                let ends = self.ends.read.iter().skip(1);
                column.offsets.extend(ends.map(|end| before + (end - items.start)));
                Ok(())
            }
            Storage::Lengths { ends } => {
                self.ends.pages.read_ends(cluster, ends, entries, &mut self.ends.read)?;
                self.ends.append_lengths(column);
                Ok(())
            }
            Storage::Unsupported => Ok(()),
        }
    }

    fn append_fixed(
        &mut self,
        cluster: (usize, &Cluster),
        values: &Columns,
        each: u64,
        entries: &Range<u64>,
        column: &mut Column,
    ) -> Result<(), Fault> {
        let values_before = |entries: u64| {
            entries.checked_mul(each).ok_or_else(|| Fault::damaged("its arrays are larger than memory"))
        };
        let total = values_before(cluster.1.entries.end - cluster.1.entries.start)?;
        let range = values_before(entries.start)?..values_before(entries.end)?;
        self.values.append(cluster, values, Some(total), &range, &mut column.values)?;
        let before = column.offsets.last().copied().unwrap_or(0);
        column.offsets.extend((1..=entries.end - entries.start).map(|entry| before + entry * each));
        Ok(())
    }
}

impl Ends<'_> {
    /// The range of values of the vectors that were read.
    fn range(&self) -> Range<u64> {
        match (self.read.first(), self.read.last()) {
            (Some(&start), Some(&end)) => start..end,
            _ => 0..0,
        }
    }

    /// Appends the length of each vector that was read as an entry of one value.
    fn append_lengths(&self, column: &mut Column) {
        let lengths = self.read.windows(2).map(|ends| ends[1] - ends[0]);
        let before = column.values.len() as u64;
        match &mut column.values {
            Values::U32(values) => values.extend(lengths.map(|length| length as u32)),
            Values::U64(values) => values.extend(lengths),
            _ => {}
        }
        column.offsets.extend(before + 1..=column.values.len() as u64);
    }
}
