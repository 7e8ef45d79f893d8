//! A column that is being written: its current page in memory, and the places of those in the file.

use super::clusters::Page;
use super::encoding::Encoding;

pub(super) struct PendingColumn {
    /// The number of the field that the column belongs to.
    pub(super) field: usize,
    pub(super) encoding: Encoding,
    /// The values of the current page, little-endian in order.
    pub(super) values: Vec<u8>,
    /// The pages of the current cluster that are in the file.
    pub(super) pages: Vec<Page>,
    /// Number of values in the clusters before.
    pub(super) first: u64,
}

/// The pages of a column in a cluster that is in the file.
pub(super) struct WrittenColumn {
    pub(super) pages: Vec<Page>,
    /// Number of values in the clusters before.
    pub(super) first: u64,
}

impl PendingColumn {
    pub(super) fn new(field: usize, encoding: Encoding) -> Self {
        Self { field, encoding, values: Vec::new(), pages: Vec::new(), first: 0 }
    }

    /// Number of values in the current page.
    pub(super) fn pending(&self) -> usize {
        8 * self.values.len() / self.encoding.bits() as usize
    }

    /// Number of values in the pages of the current cluster that are in the file.
    pub(super) fn written(&self) -> u64 {
        self.pages.last().map_or(0, Page::end)
    }

    /// Number of values in the current cluster.
    pub(super) fn in_cluster(&self) -> u64 {
        self.written() + self.pending() as u64
    }

    /// Takes the pages of the current cluster, all of which must be in the file, and starts the next one.
    pub(super) fn end_cluster(&mut self) -> WrittenColumn {
        let first = self.first;
        self.first += self.written();
        WrittenColumn { pages: std::mem::take(&mut self.pages), first }
    }
}
