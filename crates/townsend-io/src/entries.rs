//! Writing entries into a ROOT file: as a tree or as an RNTuple, which take the same.

use std::fs::File;
use std::io::BufWriter;

use townsend_root::{BranchSpec, BranchValue, RNTupleWriter, RootWriter, TreeWriter};

use crate::Result;

/// A tree or an RNTuple under construction.
pub(crate) enum EntryWriter {
    Tree(Box<TreeWriter>),
    RNTuple(Box<RNTupleWriter>),
}

impl EntryWriter {
    pub(crate) fn new(
        root: RootWriter<BufWriter<File>>,
        rntuple: bool,
        [name, title]: [&str; 2],
        columns: &[BranchSpec],
    ) -> Result<Self> {
        Ok(if rntuple {
            Self::RNTuple(RNTupleWriter::new(root, name, title, columns)?.into())
        } else {
            Self::Tree(TreeWriter::new(root, name, title, columns)?.into())
        })
    }

    pub(crate) fn fill(&mut self, entry: &[BranchValue<'_>]) -> Result<()> {
        match self {
            Self::Tree(tree) => tree.fill(entry)?,
            Self::RNTuple(ntuple) => ntuple.fill(entry)?,
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<RootWriter<BufWriter<File>>> {
        Ok(match self {
            Self::Tree(tree) => tree.finish()?,
            Self::RNTuple(ntuple) => ntuple.finish()?,
        })
    }
}
