//! Reading trees.

use std::ops::Range;

use super::basket::Values;
use super::branch::{Branch, BranchKind};
use super::classes::Classes;
use super::column::Column;
use super::layout::{TreeRecord, decode_tree};
use crate::error::{Error, Fault, Result};
use crate::file::{RootFile, Scratch};
use crate::key::Key;

const CLASSES: [&str; 3] = ["TTree", "TNtuple", "TNtupleD"];
/// Number of similar names that an error lists.
const NEAREST: usize = 3;

/// A tree of an open file: its branches are known, their values are read on demand.
///
/// ```
/// # use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RootFile, RootWriter, TreeWriter};
/// # use std::io::Cursor;
/// # let root = RootWriter::new(Cursor::new(Vec::new()), "example.root", Compression::default())?;
/// # let branches = [BranchSpec::new("x", "x [mm]", BranchType::VectorF32)];
/// # let mut tree = TreeWriter::new(root, "avalanche", "electrons", &branches)?;
/// # tree.fill(&[BranchValue::VectorF32(&[0.5, -0.5])])?;
/// # tree.fill(&[BranchValue::VectorF32(&[])])?;
/// # let root = tree.finish()?;
/// # let file = RootFile::from_bytes("example.root", root.finish()?.into_inner())?;
/// let tree = file.read_tree("avalanche")?;
/// assert_eq!(tree.entries(), 2);
/// assert_eq!(tree.branch("x")?.title(), "x [mm]");
/// let x = tree.read_column("x")?;
/// assert_eq!(x.offsets, [0, 2, 2]);
/// assert_eq!(x.values.into_f32(), [0.5, -0.5]);
/// # Ok::<(), townsend_root::Error>(())
/// ```
#[derive(Debug)]
pub struct Tree<'f> {
    file: &'f RootFile,
    path: String,
    record: TreeRecord,
}

impl RootFile {
    /// The tree at a path: `avalanche`, `sub/avalanche`, `avalanche;2`.
    ///
    /// # Errors
    /// If there is no such object, if it is no tree, is damaged, or is of a version that this crate does not
    /// know.
    pub fn read_tree(&self, path: &str) -> Result<Tree<'_>> {
        self.read_tree_at(self.find(path)?)
    }

    /// The descriptions of classes in this file; none if they cannot be read.
    fn classes(&self) -> Classes {
        let (seek, length) = self.streamer_info();
        let mut scratch = Scratch::default();
        let record = self.read_unlisted(seek, length, &mut scratch);
        record.map_or_else(|_| Classes::default(), |record| Classes::decode(record.object))
    }

    /// The tree that a key of this file refers to.
    ///
    /// # Errors
    /// As [`read_tree`](Self::read_tree).
    pub fn read_tree_at(&self, key: &Key) -> Result<Tree<'_>> {
        let path = key.path();
        if !CLASSES.contains(&key.class()) {
            return Err(Error::WrongClass {
                file: self.path().to_owned(),
                object: path,
                found: key.class().to_owned(),
                wanted: "TTree",
            });
        }
        let mut scratch = Scratch::default();
        self.read_record(&key.record, &mut scratch)
            .and_then(|buffer| decode_tree(key.class(), buffer, self.length(), &self.classes()))
            .map(|record| Tree { file: self, path: path.clone(), record })
            .map_err(|fault| fault.at(self.path(), path))
    }
}

impl Tree<'_> {
    /// Number of entries of the tree.
    pub fn entries(&self) -> u64 {
        self.record.entries
    }

    /// The title of the tree.
    pub fn title(&self) -> &str {
        &self.record.title
    }

    /// The path of the tree in its file, its directories and its name.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// All branches in the order in which the file lists them.
    pub fn branches(&self) -> &[Branch] {
        &self.record.branches
    }

    /// The branch of that name.
    ///
    /// # Errors
    /// [`Error::KeyNotFound`] with the nearest names if there is none.
    pub fn branch(&self, name: &str) -> Result<&Branch> {
        self.record.branches.iter().find(|branch| branch.name() == name).ok_or_else(|| Error::KeyNotFound {
            file: self.file.path().to_owned(),
            name: format!("{}/{name}", self.path),
            nearest: self.nearest(name),
        })
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let name: String = name.chars().take(256).collect();
        let names = self.record.branches.iter().map(Branch::name).filter(|name| name.len() <= 256);
        let mut nearest: Vec<_> = names.map(|other| (strsim::osa_distance(&name, other), other)).collect();
        nearest.sort_unstable();
        nearest.truncate(NEAREST);
        nearest.into_iter().map(|(_, name)| format!("{}/{name}", self.path)).collect()
    }

    /// Reads all entries of a branch at once.
    ///
    /// # Errors
    /// If there is no such branch, if it holds a type that this crate does not read, or is damaged.
    pub fn read_column(&self, name: &str) -> Result<Column> {
        let mut column = Column::default();
        self.reader(name)?.read(0..u64::MAX, &mut column)?;
        Ok(column)
    }

    /// A reader for the entries of a branch piece by piece. It holds one basket in memory beside the piece.
    ///
    /// # Errors
    /// If there is no such branch.
    pub fn reader(&self, name: &str) -> Result<ColumnReader<'_>> {
        let mut reader = self.reader_of(self.branch(name)?);
        let counter = reader.branch.counter().and_then(|counter| self.branch(counter).ok());
        reader.counter = counter
            .filter(|counter| matches!(counter.kind(), BranchKind::Scalar(_)))
            .map(|counter| Box::new(self.reader_of(counter)));
        Ok(reader)
    }

    fn reader_of<'t>(&'t self, branch: &'t Branch) -> ColumnReader<'t> {
        ColumnReader {
            file: self.file,
            tree: &self.path,
            branch,
            counter: None,
            scratch: Scratch::default(),
            basket: Values::default(),
            loaded: None,
        }
    }
}

/// Reads entries of one branch, fastest in their order. Several can read a file at the same time, in
/// threads too.
pub struct ColumnReader<'t> {
    file: &'t RootFile,
    tree: &'t str,
    branch: &'t Branch,
    /// For baskets that do not say where entries start.
    counter: Option<Box<ColumnReader<'t>>>,
    scratch: Scratch,
    basket: Values,
    /// The number of the basket that is in memory.
    loaded: Option<usize>,
}

impl ColumnReader<'_> {
    /// The branch that this reader reads.
    pub fn branch(&self) -> &Branch {
        self.branch
    }

    /// Replaces the contents of `column` by the given entries and uses its memory again. Entries beyond the
    /// last one are left out.
    ///
    /// # Errors
    /// If the branch holds a type that this crate does not read, or is damaged; then `column` is empty.
    pub fn read(&mut self, entries: Range<u64>, column: &mut Column) -> Result<()> {
        column.reset(self.branch.kind());
        self.append(&entries, column).map_err(|fault| {
            column.reset(self.branch.kind());
            fault.at(self.file.path(), format!("{}/{}", self.tree, self.branch.name))
        })
    }

    fn append(&mut self, entries: &Range<u64>, column: &mut Column) -> Result<(), Fault> {
        let storage = &self.branch.storage;
        if let BranchKind::Unsupported(what) = self.branch.kind() {
            return Err(Fault::Unsupported(format!("it is {what}")));
        }
        let end = entries.end.min(storage.entries);
        let mut next = entries.start.min(end);
        let mut index = storage.baskets.partition_point(|basket| basket.entries.end <= next);
        while next < end {
            let basket = storage.baskets.get(index).filter(|basket| basket.entries.start <= next);
            let Some(basket) = basket else {
                return Err(Fault::Damaged(format!("entry {next} is in none of its baskets")));
            };
            if self.loaded != Some(index) {
                self.loaded = None;
                basket.load(self.file, &mut self.scratch, &mut self.basket)?;
                self.find_starts(&basket.entries)?;
                self.loaded = Some(index);
            }
            let stop = basket.entries.end.min(end);
            let within = (next - basket.entries.start) as usize..(stop - basket.entries.start) as usize;
            self.basket.append(self.branch, within, column)?;
            column.check_content(self.file.length())?;
            (next, index) = (stop, index + 1);
        }
        Ok(())
    }

    /// Works out where the entries of the loaded basket start, if they have no fixed size and it does not say
    /// so.
    fn find_starts(&mut self, entries: &Range<u64>) -> Result<(), Fault> {
        let Branch { stored, shape, .. } = self.branch;
        if stored.fixed_size().is_some() || self.basket.has_starts() {
            return Ok(());
        }
        let (BranchKind::Counted(element), Some(counter)) = (&stored.kind, &mut self.counter) else {
            self.basket.start_equally();
            return Ok(());
        };
        let mut counts = Column::default();
        counts.reset(counter.branch.kind());
        counter.append(entries, &mut counts)?;
        let each = shape.iter().product::<usize>() * stored.packing.size(*element);
        let lengths = counts.values.to_f64().into_iter().map(|count| count.max(0.0) as u64);
        self.basket.start_after(lengths.map(|count| count.saturating_mul(each as u64)))
    }
}
