//! A branch that is being written: its current basket in memory, and the places of those in the file.

use super::writer::{BranchSpec, BranchType, BranchValue};
use crate::buffer::BYTE_COUNT;
use crate::encoder::Encoder;
use crate::key::Record;

/// Bytes of the fields that a basket adds to its key.
pub(super) const BASKET_TAIL_LENGTH: usize = 19;
const BASKET_VERSION: u16 = 3;
/// Byte count, version and number of items come before the items of a vector; the byte count covers the last
/// two.
const VECTOR_COUNTED: usize = 6;
/// The version that ROOT writes before the items of a vector.
const VECTOR_VERSION: u16 = 10;

/// How a class of leaves is written.
pub(super) struct LeafLayout {
    pub(super) class: &'static str,
    /// Bytes per value.
    pub(super) size: usize,
    pub(super) unsigned: bool,
}

pub(super) struct PendingBranch {
    pub(super) spec: BranchSpec,
    basket: Encoder,
    /// Where each entry starts in the basket, if the branch is one of vectors.
    starts: Vec<u32>,
    entries: usize,
    /// The number of the first entry of each basket.
    pub(super) first_entries: Vec<u64>,
    pub(super) records: Vec<Record>,
    next_entry: u64,
}

impl PendingBranch {
    pub(super) fn new(spec: BranchSpec) -> Self {
        Self {
            spec,
            basket: Encoder::default(),
            starts: Vec::new(),
            entries: 0,
            first_entries: Vec::new(),
            records: Vec::new(),
            next_entry: 0,
        }
    }

    /// How the leaf of a branch of single numbers is written; `None` for a branch of vectors.
    pub(super) fn leaf(&self) -> Option<LeafLayout> {
        let (class, size, unsigned) = match self.spec.kind {
            BranchType::VectorF32 => return None,
            BranchType::I32 => ("TLeafI", 4, false),
            BranchType::U32 => ("TLeafI", 4, true),
            BranchType::I64 => ("TLeafL", 8, false),
            BranchType::F32 => ("TLeafF", 4, false),
            BranchType::F64 => ("TLeafD", 8, false),
        };
        Some(LeafLayout { class, size, unsigned })
    }

    pub(super) fn class(&self) -> &'static str {
        if self.spec.kind == BranchType::VectorF32 { "TBranchElement" } else { "TBranch" }
    }

    pub(super) fn leaf_class(&self) -> &'static str {
        self.leaf().map_or("TLeafElement", |leaf| leaf.class)
    }

    /// Adds an entry. Its type must be that of the branch.
    pub(super) fn push(&mut self, value: BranchValue<'_>) {
        self.entries += 1;
        match value {
            BranchValue::VectorF32(items) => self.push_vector(items),
            BranchValue::I32(value) => self.basket.i32(value),
            BranchValue::U32(value) => self.basket.u32(value),
            BranchValue::I64(value) => self.basket.i64(value),
            BranchValue::F32(value) => self.basket.f32(value),
            BranchValue::F64(value) => self.basket.f64(value),
        }
    }

    fn push_vector(&mut self, items: &[f32]) {
        self.starts.push(self.basket.bytes.len() as u32);
        self.basket.u32((VECTOR_COUNTED + size_of_val(items)) as u32 | BYTE_COUNT);
        self.basket.u16(VECTOR_VERSION);
        self.basket.u32(items.len() as u32);
        self.basket.bytes.extend(items.iter().flat_map(|item| item.to_be_bytes()));
    }

    pub(super) fn pending_entries(&self) -> usize {
        self.entries
    }

    /// Number of bytes in the current basket.
    pub(super) fn pending(&self) -> &[u8] {
        &self.basket.bytes
    }

    /// Completes the basket, which comes after a key of `key_length` bytes: where its entries start goes to
    /// its end. What the key has to say besides.
    pub(super) fn seal(&mut self, key_length: usize) -> Vec<u8> {
        let last = key_length + self.basket.bytes.len();
        let room =
            if self.leaf().is_some() { self.basket.bytes.len() / self.entries } else { self.entries + 1 };
        if self.leaf().is_none() {
            self.basket.i32(self.entries as i32 + 1);
            self.starts.iter().for_each(|start| self.basket.u32(start + key_length as u32));
            // The offset of the end of the last entry is zero here, as ROOT sets it on reading.
            self.basket.u32(0);
        }
        let mut tail = Encoder::default();
        tail.u16(BASKET_VERSION);
        tail.i32((key_length + self.basket.bytes.len()) as i32);
        tail.i32(room as i32);
        tail.i32(self.entries as i32);
        tail.i32(last as i32);
        // The flag 0: the values are not part of this header.
        tail.u8(0);
        tail.bytes
    }

    /// Records that the current basket has been written to the file, and starts the next one.
    pub(super) fn written(&mut self, record: Record) {
        self.records.push(record);
        self.first_entries.push(self.next_entry);
        self.next_entry += self.entries as u64;
        self.entries = 0;
        self.starts.clear();
        self.basket.restart(0);
    }
}
