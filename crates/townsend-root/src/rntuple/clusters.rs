//! Clusters and page lists: where the pages of each column are.

use std::ops::Range;

use super::blob::{Blob, BlobReader, EnvelopeLink};
use super::envelope::{Cursor, Envelope, PAGE_LIST};
use crate::error::Fault;

/// The number of entries of a cluster has 56 bits; the others are flags.
const ENTRIES: u64 = (1 << 56) - 1;
const SHARDED: u64 = 1 << 56;

/// Entries that are stored together.
pub(super) struct Cluster {
    pub(super) entries: Range<u64>,
    /// The pages of each column. Columns that were added to the ntuple after this cluster are left out.
    columns: Vec<Option<Vec<Page>>>,
}

/// A page: consecutive values of a column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// The number of its first value among those of the cluster.
    pub(super) first: u64,
    pub(super) values: u32,
    /// Whether a checksum follows it.
    pub(super) checked: bool,
    pub(super) blob: Blob,
}

impl Page {
    /// The number of the value after its last one.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::from(self.values)
    }
}

impl Cluster {
    /// The pages of a column; `None` if the values are in another column instead, or the column did not exist
    /// yet.
    pub(super) fn pages(&self, column: usize) -> Option<&[Page]> {
        self.columns.get(column).and_then(|pages| pages.as_deref())
    }
}

/// Reads the page lists of all groups of clusters that the footer lists, and gives back all clusters. It is
/// checked that each starts with the entry at which the last one ended.
pub(super) fn read_clusters(
    footer: &mut Cursor<'_>,
    header_checksum: u64,
    reader: &mut BlobReader<'_>,
) -> Result<Vec<Cluster>, Fault> {
    let (count, mut groups) = footer.list()?;
    let mut clusters = Vec::new();
    for _ in 0..count {
        let mut group = groups.record()?;
        let (_first_entry, _entries, _clusters) = (group.u64()?, group.u64()?, group.u32()?);
        let link = group.link()?;
        read_page_list(link, header_checksum, reader, &mut clusters)?;
    }
    Ok(clusters)
}

fn read_page_list(
    link: EnvelopeLink,
    header_checksum: u64,
    reader: &mut BlobReader<'_>,
    clusters: &mut Vec<Cluster>,
) -> Result<(), Fault> {
    let envelope = Envelope::read(reader, link, PAGE_LIST)?;
    let mut cursor = envelope.contents();
    if cursor.u64()? != header_checksum {
        return Err(Fault::damaged("its page list belongs to another header"));
    }
    let (count, mut summaries) = cursor.list()?;
    let (listed, mut lists) = cursor.list()?;
    if listed != count {
        return Err(Fault::Damaged(format!("its page list has pages of {listed} clusters of {count}")));
    }
    for _ in 0..count {
        let mut summary = summaries.record()?;
        let (first, entries) = (summary.u64()?, summary.u64()?);
        if entries & SHARDED != 0 {
            return Err(Fault::unsupported("its clusters are divided among several files"));
        }
        let expected = clusters.last().map_or(0, |cluster: &Cluster| cluster.entries.end);
        let end = first.checked_add(entries & ENTRIES).filter(|_| first == expected);
        let end = end.ok_or_else(|| {
            Fault::Damaged(format!("a cluster starts with entry {first} where entry {expected} is next"))
        })?;
        clusters.push(Cluster { entries: first..end, columns: decode_columns(&mut lists)? });
    }
    Ok(())
}

fn decode_columns(lists: &mut Cursor<'_>) -> Result<Vec<Option<Vec<Page>>>, Fault> {
    let (count, mut columns) = lists.list()?;
    let mut all = Vec::new();
    for _ in 0..count {
        let (count, mut list) = columns.list()?;
        let (mut pages, mut first) = (Vec::new(), 0);
        for _ in 0..count {
            let values = list.i32()?;
            let (checked, values) = (values < 0, values.unsigned_abs());
            pages.push(Page { first, values, checked, blob: list.locator()? });
            first += u64::from(values);
        }
        // The number of the first value is negative for a column that is not used in this cluster.
        all.push((list.i64()? >= 0).then_some(pages));
    }
    Ok(all)
}
