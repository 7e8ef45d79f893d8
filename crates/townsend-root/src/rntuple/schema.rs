//! The schema: descriptions of fields and columns in the header, and those that were added later in the
//! footer.

use super::encoding::Encoding;
use super::envelope::Cursor;
use crate::error::Fault;

/// Roles of a field.
pub(super) const LEAF: u16 = 0;
pub(super) const COLLECTION: u16 = 1;
pub(super) const RECORD: u16 = 2;
pub(super) const VARIANT: u16 = 3;
pub(super) const STREAMED: u16 = 4;
/// Flags of a field.
const REPETITIVE: u16 = 1;
const PROJECTED: u16 = 2;
const TYPE_CHECKSUM: u16 = 4;
/// Flags of a column.
const DEFERRED: u16 = 1;
const RANGE: u16 = 2;

pub(super) struct FieldRecord {
    /// The number of the field above this one, or of this one if it is at the top.
    pub(super) parent: usize,
    pub(super) role: u16,
    pub(super) name: String,
    pub(super) type_name: String,
    pub(super) description: String,
    /// Number of repetitions in an array.
    pub(super) repetitions: Option<u64>,
}

pub(super) struct ColumnRecord {
    field: usize,
    representation: u16,
    /// `Err` holds the number of a type of columns that is not known.
    pub(super) encoding: Result<Encoding, u16>,
    /// True if the column was added after the first entries, which have zeros in it.
    pub(super) deferred: bool,
}

#[derive(Default)]
pub(super) struct Schema {
    pub(super) fields: Vec<FieldRecord>,
    pub(super) columns: Vec<ColumnRecord>,
    /// Columns that other fields show too: the numbers of column and field.
    aliases: Vec<(usize, usize)>,
}

impl Schema {
    /// Reads the four lists of a description and adds them.
    pub(super) fn extend(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        let (count, mut fields) = cursor.list()?;
        for _ in 0..count {
            let field = FieldRecord::decode(fields.record()?)?;
            if field.parent > self.fields.len() {
                return Err(Fault::Damaged(format!("its field {} comes before its parent", field.name)));
            }
            self.fields.push(field);
        }
        let (count, mut columns) = cursor.list()?;
        for _ in 0..count {
            let column = ColumnRecord::decode(columns.record()?)?;
            check_known(column.field < self.fields.len())?;
            self.columns.push(column);
        }
        let (count, mut aliases) = cursor.list()?;
        for _ in 0..count {
            let mut alias = aliases.record()?;
            let (column, field) = (alias.u32()? as usize, alias.u32()? as usize);
            check_known(column < self.columns.len() && field < self.fields.len())?;
            self.aliases.push((column, field));
        }
        // The last list describes types that ROOT's streamer stores.
        cursor.list().map(drop)
    }

    /// The columns of each field, by representation: alternatives of which each cluster has one.
    pub(super) fn columns_of_fields(&self) -> Vec<Vec<Vec<usize>>> {
        let mut all = vec![Vec::<Vec<usize>>::new(); self.fields.len()];
        let own = self.columns.iter().enumerate().map(|(number, column)| (number, column.field));
        for (number, field) in own.chain(self.aliases.iter().copied()) {
            let representation = usize::from(self.columns[number].representation);
            let representations = &mut all[field];
            // Representations are consecutive; others are left out, and their clusters found damaged.
            if representation == representations.len() {
                representations.push(Vec::new());
            }
            if let Some(columns) = representations.get_mut(representation) {
                columns.push(number);
            }
        }
        all
    }
}

fn check_known(known: bool) -> Result<(), Fault> {
    if known { Ok(()) } else { Err(Fault::damaged("a column belongs to a field that is not there")) }
}

impl FieldRecord {
    fn decode(mut record: Cursor<'_>) -> Result<Self, Fault> {
        let (_field_version, _type_version) = (record.u32()?, record.u32()?);
        let parent = record.u32()? as usize;
        let (role, flags) = (record.u16()?, record.u16()?);
        let (name, type_name) = (record.string()?, record.string()?);
        let (_alias, description) = (record.string()?, record.string()?);
        let repetitions = if flags & REPETITIVE != 0 { Some(record.u64()?) } else { None };
        for flag in [PROJECTED, TYPE_CHECKSUM] {
            if flags & flag != 0 {
                record.u32()?;
            }
        }
        Ok(Self { parent, role, name, type_name, description, repetitions })
    }
}

impl ColumnRecord {
    fn decode(mut record: Cursor<'_>) -> Result<Self, Fault> {
        let (kind, bits) = (record.u16()?, record.u16()?);
        let field = record.u32()? as usize;
        let (flags, representation) = (record.u16()?, record.u16()?);
        let deferred = flags & DEFERRED != 0;
        if deferred {
            // The number of the first value, which the numbers of values in the page lists tell too.
            record.i64()?;
        }
        let range = if flags & RANGE != 0 { (record.f64()?, record.f64()?) } else { (0.0, 0.0) };
        Ok(Self { field, representation, encoding: Encoding::from_code(kind, bits, range)?, deferred })
    }
}
