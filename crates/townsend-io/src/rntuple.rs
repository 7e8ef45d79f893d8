//! RNTuples of electrons: fields as columns.

use townsend_root::{Column, Key, RNTuple, RNTupleField, RootFile};

use crate::Result;
use crate::columns::{ColumnHeader, ColumnKind, ColumnValues, Table};
use crate::tree::plain;

/// An RNTuple as a table.
pub(crate) struct RNTupleTable<'f> {
    ntuple: RNTuple<'f>,
    headers: Vec<ColumnHeader>,
}

impl<'f> RNTupleTable<'f> {
    pub(crate) fn open(file: &'f RootFile, key: &Key) -> Result<Self> {
        let ntuple = file.read_rntuple_at(key)?;
        let header = |field: &RNTupleField| ColumnHeader {
            name: field.name().to_owned(),
            kind: plain(field.kind()),
            type_name: field.kind().to_string(),
            title: field.description().to_owned(),
        };
        let headers = ntuple.fields().iter().map(header).collect();
        Ok(Self { ntuple, headers })
    }
}

/// True if the key is one of an RNTuple, also of one from before the format was settled, which is refused
/// with the remedy.
pub(crate) fn is_rntuple(key: &Key) -> bool {
    matches!(key.class(), "ROOT::RNTuple" | "ROOT::Experimental::RNTuple")
}

impl Table for RNTupleTable<'_> {
    fn describe(&self) -> String {
        format!("RNTuple {}", self.ntuple.path())
    }

    fn headers(&self) -> &[ColumnHeader] {
        &self.headers
    }

    fn rows(&self) -> u64 {
        self.ntuple.entries()
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        let Column { offsets, values } = self.ntuple.read_column(&self.headers[index].name)?;
        let lists = self.headers[index].kind != ColumnKind::Number;
        Ok(ColumnValues { offsets: lists.then_some(offsets), values })
    }
}
