//! Reading values of one column, one page at a time.

use std::ops::Range;

use super::blob::BlobReader;
use super::clusters::{Cluster, Page};
use super::encoding::{Encoding, PageBytes};
use super::field::Columns;
use crate::error::Fault;
use crate::file::RootFile;
use crate::limit::check_content;
use crate::tree::Values;

/// Zeros that entries without values may stand for in one call, beside a multiple of the length of the file.
const ZEROS: u64 = 1 << 20;
const ZEROS_PER_BYTE: u64 = 64;

/// Reads ranges of the values of a column and keeps the last page in memory.
pub(super) struct PageReader<'f> {
    blobs: BlobReader<'f>,
    plain: Vec<u8>,
    /// The page in memory: the numbers of its cluster, column and page.
    loaded: Option<(usize, usize, usize)>,
    /// Where vectors end, if the page in memory tells that.
    ends: Vec<u64>,
    most_zeros: u64,
}

/// The pages of the column that a cluster uses for a field.
struct Found<'c> {
    cluster: usize,
    column: usize,
    encoding: Encoding,
    pages: &'c [Page],
    /// Values before those of the first page, which are zeros because the column was added after them.
    zeros: u64,
}

impl<'c> Found<'c> {
    /// The pages of the column that this cluster uses, which hold the values up to `end`. `total` is the
    /// number of values that the cluster should have, if it is known.
    fn find(
        (number, cluster): (usize, &'c Cluster),
        columns: &Columns,
        total: Option<u64>,
        end: u64,
    ) -> Result<Self, Fault> {
        let alternatives = columns.alternatives.iter();
        let used = alternatives.copied().find_map(|(column, encoding)| {
            Some(Self { cluster: number, column, encoding, pages: cluster.pages(column)?, zeros: 0 })
        });
        let mut found = match (used, columns.alternatives.first()) {
            (Some(found), _) => found,
            (None, Some(&(column, encoding))) => {
                Self { cluster: number, column, encoding, pages: &[], zeros: 0 }
            }
            (None, None) => return Err(Fault::damaged("it has no columns")),
        };
        let there = found.pages.last().map_or(0, Page::end);
        match total {
            Some(total) if columns.deferred && there <= total => found.zeros = total - there,
            Some(total) if there == total => {}
            None if end <= there => {}
            _ => {
                return Err(Fault::Damaged(format!(
                    "cluster {number} has {there} of its {} values",
                    total.unwrap_or(end)
                )));
            }
        }
        Ok(found)
    }

    /// The part of a range of values that is zeros.
    fn zeros(&self, range: &Range<u64>) -> u64 {
        range.end.min(self.zeros).saturating_sub(range.start)
    }

    /// The numbers of the pages that a range of values is in, and the places within each.
    fn overlapping(&self, range: &Range<u64>) -> impl Iterator<Item = (usize, Range<usize>)> + use<'c> {
        let [start, end] = [range.start, range.end].map(|place| place.saturating_sub(self.zeros));
        let first = self.pages.partition_point(|page| page.end() <= start);
        let pages = self.pages.iter().enumerate().skip(first).take_while(move |(_, page)| page.first < end);
        pages.map(move |(number, page)| {
            let place = |value: u64| (value.clamp(page.first, page.end()) - page.first) as usize;
            (number, place(start)..place(end))
        })
    }
}

impl<'f> PageReader<'f> {
    pub(super) fn new(file: &'f RootFile, max_piece: u64) -> Self {
        Self {
            blobs: BlobReader::new(file, max_piece),
            plain: Vec::new(),
            loaded: None,
            ends: Vec::new(),
            most_zeros: file.length().saturating_mul(ZEROS_PER_BYTE).saturating_add(ZEROS),
        }
    }

    /// Appends a range of the values of a cluster, counted from its first. `total` is the number of values
    /// that the cluster should have, if it is known.
    pub(super) fn append(
        &mut self,
        cluster: (usize, &Cluster),
        columns: &Columns,
        total: Option<u64>,
        range: &Range<u64>,
        values: &mut Values,
    ) -> Result<(), Fault> {
        let pages = Found::find(cluster, columns, total, range.end)?;
        values.extend_zeros(self.checked_zeros(&pages, range)?);
        for (number, within) in pages.overlapping(range) {
            self.check_content(values.len() + within.len(), values.element().size())?;
            self.load(&pages, number)?;
            let page = PageBytes { bytes: &self.plain, values: pages.pages[number].values as usize };
            page.decode(pages.encoding, within, values);
        }
        Ok(())
    }

    /// Replaces `ends` by where the vectors of a range of a cluster's entries end. One number more comes
    /// first: where the first of them starts.
    pub(super) fn read_ends(
        &mut self,
        cluster: (usize, &Cluster),
        columns: &Columns,
        range: &Range<u64>,
        ends: &mut Vec<u64>,
    ) -> Result<(), Fault> {
        let total = cluster.1.entries.end - cluster.1.entries.start;
        let pages = Found::find(cluster, columns, Some(total), range.end)?;
        ends.clear();
        if range.start == 0 {
            ends.push(0);
        }
        let range = range.start.saturating_sub(1)..range.end;
        ends.resize(ends.len() + self.checked_zeros(&pages, &range)?, 0);
        for (number, within) in pages.overlapping(&range) {
            self.check_content(ends.len() + within.len(), size_of::<u64>())?;
            self.load(&pages, number)?;
            ends.extend_from_slice(&self.ends[within]);
        }
        if ends.is_sorted() {
            return Ok(());
        }
        Err(Fault::damaged("a vector ends before it starts"))
    }

    /// Pages may share their bytes, so a small file can have any number of values.
    fn check_content(&self, count: usize, size: usize) -> Result<(), Fault> {
        check_content(count as u64 * size as u64, self.blobs.file_length()).map_err(Fault::Damaged)
    }

    fn checked_zeros(&self, pages: &Found<'_>, range: &Range<u64>) -> Result<usize, Fault> {
        let count = pages.zeros(range);
        if count <= self.most_zeros {
            return Ok(count as usize);
        }
        Err(Fault::Unsupported(format!(
            "it was added after entries that have {count} zeros in its place; \
             hint: read fewer entries at once"
        )))
    }

    /// Brings a page into memory, unless it is there.
    fn load(&mut self, pages: &Found<'_>, number: usize) -> Result<(), Fault> {
        let wanted = Some((pages.cluster, pages.column, number));
        if self.loaded == wanted {
            return Ok(());
        }
        self.loaded = None;
        let page = pages.pages[number];
        check_content(pages.encoding.length(page.values), self.blobs.file_length())
            .map_err(Fault::Damaged)?;
        self.blobs.read(page.blob, pages.encoding.length(page.values), page.checked, &mut self.plain)?;
        if let Encoding::Ends { wide, split } = pages.encoding {
            let bytes = PageBytes { bytes: &self.plain, values: page.values as usize };
            bytes.decode_ends(wide, split, &mut self.ends);
        }
        self.loaded = wanted;
        Ok(())
    }
}
