//! Baskets: each holds the values of consecutive entries of one branch.
//!
//! Layout (`TBasket::Streamer` of ROOT): a key, and within it after the key's own fields the version, the
//! size of the writer's buffer, a size for offsets (negative if a byte of flags follows), the number of
//! entries, the place where values end, and a flag that is zero if the values are a record of their own.
//! Values start after the key, and places count from the start of the key. After the values of entries of
//! changing size come their number plus one and where each starts.

use std::ops::Range;

use super::branch::{Branch, BranchKind};
use super::column::Column;
use super::kind::Stored;
use crate::buffer::Buffer;
use crate::error::Fault;
use crate::file::{RootFile, Scratch};
use crate::key::StoredKey;

/// Flags of baskets within the record of a tree: no offsets, values follow, there are displacements.
const NO_OFFSETS: u8 = 2;
const HAS_VALUES: u8 = 10;
const HAS_DISPLACEMENTS: u8 = 40;
const OFFSETS_LEFT_OUT: u8 = 80;

/// The place of a basket, and the entries that it holds.
#[derive(Debug)]
pub(super) struct Basket {
    pub(super) entries: Range<u64>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Record { seek: u64, length: u64 },
    Embedded(Values),
}

/// The values of a basket, as the bytes that are stored.
#[derive(Debug, Default)]
pub(super) struct Values {
    entries: usize,
    /// Bytes of an entry, where all have the same size.
    each: u32,
    data: Vec<u8>,
    /// Where each entry starts in `data` and the last one ends; empty if all have the same size.
    starts: Vec<u32>,
}

/// The tables in the record of a branch that tell where its baskets are.
pub(super) struct BasketTable {
    written: usize,
    lengths: Vec<u64>,
    first_entries: Vec<u64>,
    seeks: Vec<u64>,
}

impl BasketTable {
    /// Reads the tables. `wide` tells whether numbers of entries have 64 bits.
    pub(super) fn decode(
        buffer: &mut Buffer<'_>,
        capacity: i32,
        written: i32,
        wide: bool,
    ) -> Result<Self, Fault> {
        let room =
            usize::try_from(capacity).map_err(|_| Fault::damaged("its table of baskets has no length"))?;
        let written = usize::try_from(written).ok().filter(|&written| written <= room);
        Ok(Self {
            written: written
                .ok_or_else(|| Fault::damaged("it has more baskets than its table of baskets"))?,
            lengths: read_array(buffer, room, false)?,
            first_entries: read_array(buffer, room, wide)?,
            seeks: read_array(buffer, room, wide)?,
        })
    }

    /// Whether any basket is a record of its own, and not part of the record of the tree.
    pub(super) fn has_records(&self) -> bool {
        self.seeks.iter().take(self.written).any(|&seek| seek != 0)
    }

    /// The baskets of a branch with this number of entries. It is checked that each ends where the next one
    /// starts, and that all together fit into the file.
    pub(super) fn into_baskets(
        self,
        embedded: Vec<(usize, Values)>,
        entries: u64,
        file_length: u64,
    ) -> Result<Vec<Basket>, Fault> {
        let first_entry = |index: usize| {
            self.first_entries
                .get(index)
                .copied()
                .ok_or_else(|| Fault::damaged("a basket is not in the table of baskets"))
        };
        let mut found = Vec::new();
        for (index, (&seek, &length)) in self.seeks.iter().zip(&self.lengths).enumerate().take(self.written) {
            if seek != 0 {
                found.push((index, Source::Record { seek, length }));
            }
        }
        // Some writers list baskets that have a record of their own, or nothing in them.
        let written: Vec<_> = found.iter().map(|(index, _)| *index).collect();
        let within = embedded
            .into_iter()
            .filter(|(index, values)| values.entries > 0 && written.binary_search(index).is_err());
        found.extend(within.map(|(index, values)| (index, Source::Embedded(values))));
        found.sort_by_key(|(index, _)| *index);
        let ends = found.iter().skip(1).map(|(index, _)| first_entry(*index)).chain([Ok(entries)]);
        let ends = ends.collect::<Result<Vec<_>, _>>()?;
        let mut baskets = Vec::new();
        let mut room = file_length;
        for ((index, source), end) in found.into_iter().zip(ends) {
            let start = first_entry(index)?;
            if start > end {
                return Err(Fault::Damaged(format!("the entries of basket {index} are {start} to {end}")));
            }
            if let Source::Record { length, .. } = source {
                room = room
                    .checked_sub(length)
                    .ok_or_else(|| Fault::damaged("the baskets of a branch are longer than the file"))?;
            }
            baskets.push(Basket { entries: start..end, source });
        }
        Ok(baskets)
    }
}

/// Reads an array after a byte that tells whether it is there: 0 if not, 2 if its places have 64 bits.
fn read_array(buffer: &mut Buffer<'_>, length: usize, wide: bool) -> Result<Vec<u64>, Fault> {
    let flag = buffer.u8()?;
    if wide || flag == 2 {
        let bytes = buffer.bytes(length.saturating_mul(8))?;
        Ok(bytes.as_chunks().0.iter().copied().map(u64::from_be_bytes).collect())
    } else {
        let bytes = buffer.bytes(length.saturating_mul(4))?;
        Ok(bytes.as_chunks().0.iter().copied().map(u32::from_be_bytes).map(u64::from).collect())
    }
}

/// The fields that the key of a basket has after those of every key.
struct Header {
    entries: usize,
    /// Bytes of an entry, where all have the same size.
    each: u32,
    /// Where the values end, counted from the start of the key.
    last: usize,
    flag: u8,
}

impl Header {
    fn decode(tail: &mut Buffer<'_>) -> Result<Self, Fault> {
        let (_version, _buffer_size) = (tail.u16()?, tail.i32()?);
        let each = tail.i32()?;
        if each < 0 {
            let _features = tail.u8()?;
        }
        let (entries, last) = (tail.i32()?, tail.i32()?);
        let flag = tail.u8()?;
        let length =
            |value| usize::try_from(value).map_err(|_| Fault::damaged("a basket has a negative length"));
        Ok(Self { entries: length(entries)?, each: each.unsigned_abs(), last: length(last)?, flag })
    }

    fn data_length(&self, key_length: u16) -> Result<usize, Fault> {
        self.last
            .checked_sub(usize::from(key_length))
            .ok_or_else(|| Fault::damaged("the values of a basket end before they start"))
    }
}

/// Reads a basket that is stored in the record of its tree: key and header, offsets, and the buffer, which
/// starts with the key again.
pub(super) fn decode_embedded(mut body: Buffer<'_>) -> Result<Values, Fault> {
    let key_length = StoredKey::decode_unchecked(&mut body)?.record.key_length;
    let mut header = Header::decode(&mut body)?;
    let mut values = Values { entries: header.entries, each: header.each, ..Values::default() };
    let offsets_left_out = header.flag >= OFFSETS_LEFT_OUT;
    if offsets_left_out {
        header.flag -= OFFSETS_LEFT_OUT;
    }
    if header.flag == 0 || header.entries == 0 {
        return Ok(Values::default());
    }
    let mut starts = None;
    if !offsets_left_out && header.flag % HAS_VALUES != NO_OFFSETS {
        starts = Some(body.array_bytes(4)?);
        if header.flag > HAS_DISPLACEMENTS {
            body.array_bytes(4)?;
        }
    }
    if header.flag > HAS_VALUES {
        body.skip(usize::from(key_length))?;
        values.data.extend_from_slice(body.bytes(header.data_length(key_length)?)?);
    }
    if let Some(starts) = starts {
        values.set_starts(starts, key_length)?;
    }
    Ok(values)
}

impl Basket {
    /// Reads the values of the basket into memory.
    pub(super) fn load(
        &self,
        file: &RootFile,
        scratch: &mut Scratch,
        values: &mut Values,
    ) -> Result<(), Fault> {
        match &self.source {
            Source::Embedded(embedded) => values.clone_from(embedded),
            Source::Record { seek, length } => {
                let mut record = file.read_unlisted(*seek, *length, scratch)?;
                let key_length = record.key.record.key_length;
                let header = Header::decode(&mut record.key_tail)?;
                (values.entries, values.each) = (header.entries, header.each);
                values.data.clear();
                values.data.extend_from_slice(record.object.bytes(header.data_length(key_length)?)?);
                values.starts.clear();
                if record.object.remaining() > 0 {
                    values.set_starts(record.object.array_bytes(4)?, key_length)?;
                }
            }
        }
        let wanted = self.entries.end - self.entries.start;
        if values.entries as u64 == wanted {
            return Ok(());
        }
        Err(Fault::Damaged(format!("a basket has {} entries where {wanted} are expected", values.entries)))
    }
}

impl Clone for Values {
    fn clone(&self) -> Self {
        Self { data: self.data.clone(), starts: self.starts.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        (self.entries, self.each) = (source.entries, source.each);
        self.data.clone_from(&source.data);
        self.starts.clone_from(&source.starts);
    }
}

impl Values {
    /// Takes over the places where entries start, which count from the start of the key. The last number, the
    /// end of the last entry, is ignored, because not all writers set it.
    fn set_starts(&mut self, stored: &[u8], key_length: u16) -> Result<(), Fault> {
        let (stored, _) = stored.as_chunks::<4>();
        if stored.len() < self.entries {
            return Err(Fault::Damaged(format!(
                "a basket of {} entries says where {} of them start",
                self.entries,
                stored.len()
            )));
        }
        let end = self.data.len() as u32;
        let starts = stored[..self.entries].iter();
        self.starts
            .extend(starts.map(|start| u32::from_be_bytes(*start).wrapping_sub(u32::from(key_length))));
        self.starts.push(end);
        if self.starts.is_sorted() {
            return Ok(());
        }
        Err(Fault::damaged("the entries of a basket are not one after the other"))
    }

    /// The bytes of a range of entries that have `stride` bytes each.
    fn fixed(&self, entries: Range<usize>, stride: usize) -> Result<&[u8], Fault> {
        if self.entries.checked_mul(stride) != Some(self.data.len()) {
            return Err(Fault::Damaged(format!(
                "a basket of {} entries of {stride} bytes has {} bytes",
                self.entries,
                self.data.len()
            )));
        }
        Ok(&self.data[entries.start * stride..entries.end * stride])
    }

    /// Whether it says where entries start, as it must where they differ in size.
    pub(super) fn has_starts(&self) -> bool {
        self.starts.len() > self.entries
    }

    /// Where entries start if all have the same size. Texts of equal length are stored so by some writers.
    pub(super) fn start_equally(&mut self) {
        let size = u64::from(self.each);
        if size > 0 && size.checked_mul(self.entries as u64) == Some(self.data.len() as u64) {
            self.starts.clear();
            self.starts.extend((0..=self.entries).map(|index| index as u32 * self.each));
        }
    }

    /// Works out where entries start from the number of bytes that each has, for a file that does not say so
    /// (ROOT's option `kGenerateOffsetMap`).
    pub(super) fn start_after(&mut self, lengths: impl Iterator<Item = u64>) -> Result<(), Fault> {
        let mut end = 0_u64;
        self.starts.clear();
        self.starts.push(0);
        for length in lengths.take(self.entries) {
            end = end.saturating_add(length);
            self.starts.push(u32::try_from(end).unwrap_or(u32::MAX));
        }
        if self.has_starts() && end == self.data.len() as u64 {
            return Ok(());
        }
        self.starts.clear();
        Err(Fault::Damaged(format!(
            "the branch that counts its values asks for {end} bytes where a basket has {}",
            self.data.len()
        )))
    }

    /// The bytes of each entry in a range.
    fn changing(&self, entries: Range<usize>) -> Result<impl Iterator<Item = &[u8]>, Fault> {
        if !self.has_starts() {
            return Err(Fault::damaged("its baskets do not say where entries start"));
        }
        let bounds = self.starts[entries.start..=entries.end].windows(2);
        Ok(bounds.map(|bound| &self.data[bound[0] as usize..bound[1] as usize]))
    }

    /// Adds a range of entries, counted from the first one of the basket, to a column of the branch's type.
    pub(super) fn append(
        &self,
        branch: &Branch,
        entries: Range<usize>,
        column: &mut Column,
    ) -> Result<(), Fault> {
        let Stored { kind, packing, header } = &branch.stored;
        match kind {
            BranchKind::Scalar(_) | BranchKind::Array(..) => self.append_fixed(branch, entries, column),
            BranchKind::Counted(_) => self
                .changing(entries)?
                .try_for_each(|entry| column.push_bytes(*packing, entry.get(*header..).unwrap_or_default())),
            BranchKind::Vector(element) => self.changing(entries)?.try_for_each(|entry| {
                let mut buffer = Buffer::new(entry, 0);
                buffer.skip(*header)?;
                let items = buffer.array_bytes(packing.size(*element))?;
                if buffer.remaining() > 0 {
                    return Err(Fault::damaged("a vector is shorter than its entry"));
                }
                column.push_bytes(*packing, items)
            }),
            BranchKind::Text => self.changing(entries)?.try_for_each(|entry| match Buffer::new(entry, 0) {
                empty if empty.remaining() == 0 => column.push_bytes(*packing, &[]),
                mut buffer => {
                    buffer.skip(*header)?;
                    column.push_bytes(*packing, buffer.string()?.as_bytes())
                }
            }),
            BranchKind::Unsupported(what) => Err(Fault::Unsupported(format!("it is {what}"))),
        }
    }

    /// Adds entries of fixed size, in each of which the branch may be one leaf of several.
    fn append_fixed(&self, branch: &Branch, entries: Range<usize>, column: &mut Column) -> Result<(), Fault> {
        let (stride, packing) = (branch.storage.stride, branch.stored.packing);
        let length = branch.stored.fixed_size().unwrap_or(stride);
        let count = entries.len();
        let bytes = self.fixed(entries, stride)?;
        if length == stride {
            column.push_equal(packing, bytes, count);
            return Ok(());
        }
        let within = branch.place..branch.place + length;
        bytes.chunks_exact(stride).try_for_each(|entry| column.push_bytes(packing, &entry[within.clone()]))
    }
}

#[cfg(test)]
mod tests;
