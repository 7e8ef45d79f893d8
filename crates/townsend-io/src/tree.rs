//! ROOT trees of electrons.
//!
//! Written: tree or RNTuple `avalanches`, one entry an avalanche, branches `avalanche` (its number) and
//! `vector<float>` x, z, t. Read: any tree whose branches are those of [`electrons`](crate::electrons).

use std::path::Path;

use townsend_core::{Avalanche, Coordinate, Meta, OutputFile};
use townsend_root::{Branch, BranchKind, BranchSpec, BranchType, BranchValue, Column, Key, RootFile, Tree};

use crate::columns::{ColumnHeader, ColumnKind, ColumnValues, TEXT, Table};
use crate::entries::EntryWriter;
use crate::histograms::{finish, start};
use crate::{Notice, Result};

/// Name of the tree that townsend writes.
const TREE: &str = "avalanches";

/// A tree as a table.
pub(crate) struct TreeTable<'f> {
    tree: Tree<'f>,
    headers: Vec<ColumnHeader>,
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
        Ok(Self { tree, headers })
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

    fn read(&self, index: usize) -> Result<ColumnValues> {
        let mut column = Column::default();
        self.tree.reader(&self.headers[index].name)?.read(0..self.rows(), &mut column)?;
        let lists = self.headers[index].kind != ColumnKind::Number;
        Ok(ColumnValues { offsets: lists.then_some(column.offsets), values: column.values })
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
