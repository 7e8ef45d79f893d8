//! Writing trees.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};

use super::encode::{Common, encode_tree};
use super::pending::{BASKET_TAIL_LENGTH, PendingBranch};
use crate::encoder::Encoder;
use crate::error::{Error, Result};
use crate::writer::{NewRecord, RootWriter};

/// A basket is written to the file once it has this many bytes: large enough to compress well and to be read
/// fast, small enough to hold one per branch in memory.
const BASKET_LENGTH: usize = 256 << 10;
/// Largest size of an entry in bytes. An entry is never split, and a record has at most 2³⁰ − 1 bytes, of
/// which the basket's earlier entries take some.
const MAX_ITEMS: usize = ((1 << 30) - 2 * BASKET_LENGTH) / size_of::<f32>();

/// The type of the entries of a branch to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchType {
    /// `std::vector<float>`.
    VectorF32,
    /// `Int_t`.
    I32,
    /// `UInt_t`.
    U32,
    /// `Long64_t`.
    I64,
    /// `Float_t`.
    F32,
    /// `Double_t`.
    F64,
}

/// A branch to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchSpec {
    /// The name, which must be neither empty nor that of another branch.
    pub name: String,
    /// The title, which ROOT shows beside the name: `x [mm]`.
    pub title: String,
    /// The type of its entries.
    pub kind: BranchType,
}

impl BranchSpec {
    /// A branch of that name, title and type.
    pub fn new(name: impl Into<String>, title: impl Into<String>, kind: BranchType) -> Self {
        Self { name: name.into(), title: title.into(), kind }
    }
}

/// The value of one entry of a branch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are those of `BranchType`")]
pub enum BranchValue<'a> {
    VectorF32(&'a [f32]),
    I32(i32),
    U32(u32),
    I64(i64),
    F32(f32),
    F64(f64),
}

impl BranchValue<'_> {
    fn kind(&self) -> BranchType {
        match self {
            Self::VectorF32(_) => BranchType::VectorF32,
            Self::I32(_) => BranchType::I32,
            Self::U32(_) => BranchType::U32,
            Self::I64(_) => BranchType::I64,
            Self::F32(_) => BranchType::F32,
            Self::F64(_) => BranchType::F64,
        }
    }
}

/// Checks that an entry has the number and types of values that the branches want; the reason if not.
pub(crate) fn check_types<'s>(
    specs: impl ExactSizeIterator<Item = &'s BranchSpec>,
    values: &[BranchValue<'_>],
) -> Result<(), String> {
    if values.len() != specs.len() {
        return Err(format!("it has {} values for {} branches", values.len(), specs.len()));
    }
    for (value, BranchSpec { name, kind, .. }) in values.iter().zip(specs) {
        if value.kind() != *kind {
            return Err(format!("{name} is of type {kind:?}, the value of {:?}", value.kind()));
        }
    }
    Ok(())
}

/// Writes a tree entry by entry. It holds one basket per branch in memory; the others are in the file.
///
/// It owns the file until [`finish`](Self::finish) returns it; without that call the file contains no tree.
///
/// ```
/// use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RootWriter, TreeWriter};
/// # let sink = std::io::Cursor::new(Vec::new());
/// let root = RootWriter::new(sink, "avalanches.root", Compression::default())?;
/// let branches = [
///     BranchSpec::new("event", "number of the avalanche", BranchType::I64),
///     BranchSpec::new("x", "x [mm]", BranchType::VectorF32),
/// ];
/// let mut tree = TreeWriter::new(root, "avalanche", "electrons of avalanches", &branches)?;
/// tree.fill(&[BranchValue::I64(0), BranchValue::VectorF32(&[0.25, -1.5])])?;
/// tree.finish()?.finish()?;
/// # Ok::<(), townsend_root::Error>(())
/// ```
pub struct TreeWriter<W: Write + Seek = BufWriter<File>> {
    root: RootWriter<W>,
    /// The number of the directory that holds the tree, see [`RootWriter::directory`].
    directory: usize,
    name: String,
    title: String,
    branches: Vec<PendingBranch>,
    entries: u64,
}

impl<W: Write + Seek> TreeWriter<W> {
    /// Starts a tree at `path`, whose directories are made if they are not there: `avalanche`,
    /// `sub/avalanche`.
    ///
    /// # Errors
    /// If there is no branch, or a name is empty or used twice.
    pub fn new(mut root: RootWriter<W>, path: &str, title: &str, branches: &[BranchSpec]) -> Result<Self> {
        let invalid = |reason: String| Error::Invalid { object: path.to_owned(), reason };
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || branches.is_empty() {
            return Err(invalid("a tree needs a name and at least one branch".to_owned()));
        }
        for (index, branch) in branches.iter().enumerate() {
            if branch.name.is_empty() || branches[..index].iter().any(|other| other.name == branch.name) {
                return Err(invalid(format!(
                    "its branch {index} has no name of its own: \"{}\"",
                    branch.name
                )));
            }
        }
        let directory = root.directory(directory)?;
        Ok(Self {
            root,
            directory,
            name: name.to_owned(),
            title: title.to_owned(),
            branches: branches.iter().cloned().map(PendingBranch::new).collect(),
            entries: 0,
        })
    }

    /// Number of entries so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Adds an entry: one value for each branch, in the order of the branches.
    ///
    /// # Errors
    /// If the values do not have the number and types of the branches (then nothing was added), or the file
    /// cannot be written.
    pub fn fill(&mut self, values: &[BranchValue<'_>]) -> Result<()> {
        self.check(values)?;
        self.entries += 1;
        for (index, value) in values.iter().enumerate() {
            self.branches[index].push(*value);
            if self.branches[index].pending().len() >= BASKET_LENGTH {
                self.flush(index)?;
            }
        }
        Ok(())
    }

    fn check(&self, values: &[BranchValue<'_>]) -> Result<()> {
        let specs = self.branches.iter().map(|branch| &branch.spec);
        let mut checked = check_types(specs.clone(), values);
        for (value, BranchSpec { name, .. }) in values.iter().zip(specs) {
            if let BranchValue::VectorF32(items) = value
                && items.len() > MAX_ITEMS
            {
                let too_long = format!("{name} has {} items of at most {MAX_ITEMS}", items.len());
                checked = checked.and(Err(too_long));
            }
        }
        checked.map_err(|reason| Error::Invalid {
            object: format!("entry {} of {}", self.entries, self.name),
            reason,
        })
    }

    /// Writes the current basket of a branch to the file.
    fn flush(&mut self, index: usize) -> Result<()> {
        let Self { root, directory, name, branches, .. } = self;
        let branch = &mut branches[index];
        if branch.pending_entries() == 0 {
            return Ok(());
        }
        let basket = branch.spec.name.clone();
        let record = |key_tail| NewRecord {
            directory: *directory,
            class: "TBasket",
            name: &basket,
            title: name,
            key_tail,
            listed: false,
            compressed: true,
        };
        let key_length = root.key_length(&record(&[0; BASKET_TAIL_LENGTH]));
        let key_tail = branch.seal(key_length);
        let written = root.write_record(&record(&key_tail), branch.pending())?;
        branch.written(written);
        Ok(())
    }

    /// Writes the last baskets and the tree itself. Returns the file, which has to be finished too.
    ///
    /// # Errors
    /// If the file cannot be written, or the tree has become too large for a ROOT file.
    pub fn finish(mut self) -> Result<RootWriter<W>> {
        (0..self.branches.len()).try_for_each(|index| self.flush(index))?;
        let Self { mut root, directory, name, title, branches, entries } = self;
        let record = NewRecord {
            directory,
            class: "TTree",
            name: &name,
            title: &title,
            key_tail: &[],
            listed: true,
            compressed: true,
        };
        let mut payload = Encoder::default();
        payload.restart(root.key_length(&record));
        let common = Common { entries, compression: root.compression().root_setting() };
        encode_tree(&mut payload, &name, &title, &branches, common);
        root.describe_class("TTree");
        for branch in &branches {
            root.describe_class(branch.class());
            root.describe_class(branch.leaf_class());
        }
        root.write_record(&record, &payload.bytes)?;
        Ok(root)
    }
}
