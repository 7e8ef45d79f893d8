//! ROOT trees of electrons.
//!
//! Written: tree or RNTuple `avalanches`, one entry an avalanche, branches `avalanche` (its number) and
//! `vector<float>` x, z, t. Read: any tree whose branches are those of [`electrons`](crate::electrons).

use std::ops::Range;
use std::path::Path;

use townsend_core::{Avalanche, Coordinate, Meta, OutputFile};
use townsend_root::{Branch, BranchKind, BranchSpec, BranchType, BranchValue, Column, Key, RootFile, Tree};

use crate::columns::{ALL, ColumnHeader, ColumnKind, ColumnReader, ColumnValues, InParts, TEXT, Table};
use crate::entries::EntryWriter;
use crate::histograms::{finish, start};
use crate::{Notice, Result};

/// Name of the tree that townsend writes.
const TREE: &str = "avalanches";

/// A tree as a table.
pub(crate) struct TreeTable<'f> {
    tree: Tree<'f>,
    headers: Vec<ColumnHeader>,
    file_bytes: u64,
}

impl<'f> TreeTable<'f> {
    pub(crate) fn open(file: &'f RootFile, key: &Key) -> Result<Self> {
        let tree = file.read_tree_at(key)?;
        let header = |branch: &Branch| ColumnHeader {
            name: branch.name().to_owned(),
            kind: kind(branch),
            type_name: branch.kind().to_string(),
            title: branch.title().to_owned(),
        };
        let headers = tree.branches().iter().map(header).collect();
        Ok(Self { tree, headers, file_bytes: file.length() })
    }
}

/// True if the key is one of a tree.
pub(crate) fn is_tree(key: &Key) -> bool {
    matches!(key.class(), "TTree" | "TNtuple" | "TNtupleD")
}

fn kind(branch: &Branch) -> ColumnKind {
    match (branch.kind(), branch.shape()) {
        (BranchKind::Unsupported(what), _) => ColumnKind::Other(what.clone()),
        // Which of the numbers of a row would be an electron's cannot be told.
        (_, [_, _, ..]) | (BranchKind::Counted(_), [_]) => {
            ColumnKind::Other(format!("of arrays of arrays ({:?} values)", branch.shape()))
        }
        (kind, _) => plain(kind),
    }
}

/// The kind of a column of one or no fixed dimension.
pub(crate) fn plain(kind: &BranchKind) -> ColumnKind {
    match kind {
        BranchKind::Scalar(_) => ColumnKind::Number,
        BranchKind::Array(_, length) => ColumnKind::Array(*length),
        BranchKind::Counted(_) | BranchKind::Vector(_) => ColumnKind::List,
        BranchKind::Text => ColumnKind::Other(TEXT.into()),
        BranchKind::Unsupported(what) => ColumnKind::Other(what.clone()),
    }
}

impl Table for TreeTable<'_> {
    fn describe(&self) -> String {
        format!("ROOT tree {}", self.tree.path())
    }

    fn headers(&self) -> &[ColumnHeader] {
        &self.headers
    }

    fn rows(&self) -> u64 {
        self.tree.entries()
    }

    fn notice(&self) -> Option<Notice> {
        let most = self.tree.branches().iter().map(Branch::entries).max().unwrap_or(0);
        let entries = self.tree.entries();
        (most != entries && most > 0).then(|| {
            let (read, tree) = (most.min(entries), self.describe());
            format!("{tree} says that it has {entries} entries, and its branches have {most}; the first {read} were read")
                .into()
        })
    }

    fn parts(&self) -> Option<&dyn InParts> {
        Some(self)
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        self.column(index)?.read(ALL)
    }
}

impl InParts for TreeTable<'_> {
    fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    fn column(&self, index: usize) -> Result<Box<dyn ColumnReader + '_>> {
        let reader = self.tree.reader(&self.headers[index].name)?;
        let lists = self.headers[index].kind != ColumnKind::Number;
        Ok(Box::new(BranchOfTree { reader, lists, rows: self.rows() }))
    }
}

/// A branch that is being read.
struct BranchOfTree<'t> {
    reader: townsend_root::ColumnReader<'t>,
    lists: bool,
    /// Number of entries of the tree.
    rows: u64,
}

impl ColumnReader for BranchOfTree<'_> {
    fn read(&mut self, rows: Range<u64>) -> Result<ColumnValues> {
        let mut column = Column::default();
        self.reader.read(rows.start..rows.end.min(self.rows), &mut column)?;
        Ok(ColumnValues { offsets: self.lists.then_some(column.offsets), values: column.values })
    }
}

/// Writes electrons as a tree or an RNTuple with one entry an avalanche.
pub(crate) struct ElectronTreeWriter {
    output: OutputFile,
    entries: EntryWriter,
    number: i64,
}

impl ElectronTreeWriter {
    pub(crate) fn new(
        output: OutputFile,
        path: &Path,
        rntuple: bool,
        first: u64,
        meta: &Meta,
    ) -> Result<Self> {
        let root = start(&output, path, meta)?;
        let mut branches = vec![BranchSpec::new("avalanche", "number of the avalanche", BranchType::I64)];
        for (coordinate, unit) in Coordinate::ALL.into_iter().zip(&meta.units) {
            let title = format!("{} [{unit}]", coordinate.name());
            branches.push(BranchSpec::new(coordinate.name(), title, BranchType::VectorF32));
        }
        let entries = EntryWriter::new(root, rntuple, [TREE, "electrons at the anode"], &branches)?;
        Ok(Self { output, entries, number: i64::try_from(first).unwrap_or(i64::MAX) })
    }

    pub(crate) fn push(&mut self, electrons: Avalanche<'_>) -> Result<()> {
        self.entries.fill(&[
            BranchValue::I64(self.number),
            BranchValue::VectorF32(electrons.x),
            BranchValue::VectorF32(electrons.z),
            BranchValue::VectorF32(electrons.t),
        ])?;
        self.number += 1;
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<()> {
        finish(self.output, self.entries.finish()?)
    }
}
