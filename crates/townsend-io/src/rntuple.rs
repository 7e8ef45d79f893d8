//! RNTuples of electrons: fields as columns.

use std::ops::Range;

use townsend_root::{Column, FieldReader, Key, RNTuple, RNTupleField, RootFile};

use crate::Result;
use crate::columns::{ALL, ColumnHeader, ColumnKind, ColumnReader, ColumnValues, InParts, Table};
use crate::tree::plain;

/// An RNTuple as a table.
pub(crate) struct RNTupleTable<'f> {
    ntuple: RNTuple<'f>,
    headers: Vec<ColumnHeader>,
    file_bytes: u64,
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
        Ok(Self { ntuple, headers, file_bytes: file.length() })
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

    fn parts(&self) -> Option<&dyn InParts> {
        Some(self)
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        self.column(index)?.read(ALL)
    }
}

impl InParts for RNTupleTable<'_> {
    fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    fn column(&self, index: usize) -> Result<Box<dyn ColumnReader + '_>> {
        let reader = self.ntuple.reader(&self.headers[index].name)?;
        let lists = self.headers[index].kind != ColumnKind::Number;
        Ok(Box::new(FieldOfNTuple { reader, lists }))
    }
}

/// A field that is being read.
struct FieldOfNTuple<'n> {
    reader: FieldReader<'n>,
    lists: bool,
}

impl ColumnReader for FieldOfNTuple<'_> {
    fn read(&mut self, rows: Range<u64>) -> Result<ColumnValues> {
        let mut column = Column::default();
        self.reader.read(rows, &mut column)?;
        Ok(ColumnValues { offsets: self.lists.then_some(column.offsets), values: column.values })
    }
}
