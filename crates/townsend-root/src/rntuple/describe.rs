//! Writing header, page list and footer.

use std::ops::Range;

use super::blob::EnvelopeLink;
use super::encoding::Encoding;
use super::envelope::{EnvelopeBuilder, FOOTER, HEADER, PAGE_LIST};
use super::pending::{PendingColumn, WrittenColumn};
use super::schema::{COLLECTION, LEAF};
use crate::tree::{BranchSpec, BranchType, ElementType};

/// The program that the header names.
const WRITER: &str = "townsend";
/// The name of the field of a vector's items.
const ITEMS: &str = "_0";
/// The highest level of compression that the format can state.
const MAX_LEVEL: i32 = 9;

/// A cluster whose pages are in the file.
pub(super) struct WrittenCluster {
    pub(super) entries: Range<u64>,
    pub(super) columns: Vec<WrittenColumn>,
}

/// A field of the file: one that the user sees, or that of its items.
struct WrittenField<'s> {
    parent: usize,
    role: u16,
    name: &'s str,
    type_name: &'static str,
    description: &'s str,
}

/// The columns of the fields that users see, in their order: the ends of vectors come before their values.
/// ROOT splits values only if they are compressed, and so does this.
pub(super) fn columns_of(specs: &[BranchSpec], split: bool) -> Vec<PendingColumn> {
    let integer = |element| Encoding::Integer { element, split };
    let mut columns = Vec::new();
    let mut field = 0;
    for spec in specs {
        if spec.kind == BranchType::VectorF32 {
            columns.push(PendingColumn::new(field, Encoding::Ends { wide: true, split }));
            field += 1;
        }
        let encoding = match spec.kind {
            BranchType::I32 => integer(ElementType::I32),
            BranchType::U32 => integer(ElementType::U32),
            BranchType::I64 => integer(ElementType::I64),
            BranchType::F32 | BranchType::VectorF32 => Encoding::Single { split },
            BranchType::F64 => Encoding::Double { split },
        };
        columns.push(PendingColumn::new(field, encoding));
        field += 1;
    }
    columns
}

fn fields_of(specs: &[BranchSpec]) -> Vec<WrittenField<'_>> {
    let mut fields = Vec::new();
    for BranchSpec { name, title, kind } in specs {
        let parent = fields.len();
        let (role, type_name) = match kind {
            BranchType::VectorF32 => (COLLECTION, "std::vector<float>"),
            BranchType::I32 => (LEAF, "std::int32_t"),
            BranchType::U32 => (LEAF, "std::uint32_t"),
            BranchType::I64 => (LEAF, "std::int64_t"),
            BranchType::F32 => (LEAF, "float"),
            BranchType::F64 => (LEAF, "double"),
        };
        fields.push(WrittenField { parent, role, name, type_name, description: title });
        if role == COLLECTION {
            fields.push(WrittenField {
                parent,
                role: LEAF,
                name: ITEMS,
                type_name: "float",
                description: "",
            });
        }
    }
    fields
}

/// The header, and its checksum.
pub(super) fn encode_header(
    name: &str,
    description: &str,
    specs: &[BranchSpec],
    columns: &[PendingColumn],
) -> (Vec<u8>, u64) {
    let mut envelope = EnvelopeBuilder::new(HEADER);
    // No features that a reader has to know.
    envelope.u64(0);
    for text in [name, description, WRITER] {
        envelope.string(text);
    }
    let fields = fields_of(specs);
    let list = envelope.list(fields.len());
    for field in &fields {
        field.encode(&mut envelope);
    }
    envelope.close(list);
    let list = envelope.list(columns.len());
    for column in columns {
        let record = envelope.record();
        envelope.u16(column.encoding.code());
        envelope.u16(column.encoding.bits() as u16);
        envelope.u32(column.field as u32);
        // Flags and representation.
        envelope.u32(0);
        envelope.close(record);
    }
    envelope.close(list);
    // Columns that other fields show too, and types of ROOT's streamer.
    for _ in 0..2 {
        let list = envelope.list(0);
        envelope.close(list);
    }
    envelope.finish()
}

impl WrittenField<'_> {
    fn encode(&self, envelope: &mut EnvelopeBuilder) {
        let record = envelope.record();
        // Versions of the field and of its type.
        envelope.u64(0);
        envelope.u32(self.parent as u32);
        envelope.u16(self.role);
        // Flags.
        envelope.u16(0);
        for text in [self.name, self.type_name, "", self.description] {
            envelope.string(text);
        }
        envelope.close(record);
    }
}

/// The list of the pages of all clusters.
pub(super) fn encode_page_list(
    header_checksum: u64,
    compression: i32,
    clusters: &[WrittenCluster],
) -> Vec<u8> {
    let compression = compression / 100 * 100 + (compression % 100).min(MAX_LEVEL);
    let mut envelope = EnvelopeBuilder::new(PAGE_LIST);
    envelope.u64(header_checksum);
    let list = envelope.list(clusters.len());
    for WrittenCluster { entries, .. } in clusters {
        let record = envelope.record();
        envelope.u64(entries.start);
        envelope.u64(entries.end - entries.start);
        envelope.close(record);
    }
    envelope.close(list);
    let list = envelope.list(clusters.len());
    for cluster in clusters {
        let columns = envelope.list(cluster.columns.len());
        for column in &cluster.columns {
            let pages = envelope.list(column.pages.len());
            for page in &column.pages {
                // A negative number of values tells that a checksum follows the page.
                envelope.i32(if page.checked { -(page.values as i32) } else { page.values as i32 });
                envelope.locator(page.blob);
            }
            envelope.u64(column.first);
            envelope.i32(compression);
            envelope.close(pages);
        }
        envelope.close(columns);
    }
    envelope.close(list);
    envelope.finish().0
}

/// The footer. All clusters are one group, whose pages are in one list; without clusters there is none.
pub(super) fn encode_footer(
    header_checksum: u64,
    entries: u64,
    page_list: Option<(usize, EnvelopeLink)>,
) -> Vec<u8> {
    let mut envelope = EnvelopeBuilder::new(FOOTER);
    envelope.u64(0);
    envelope.u64(header_checksum);
    // No fields were added later; uproot needs the empty lists.
    let record = envelope.record();
    for _ in 0..4 {
        let list = envelope.list(0);
        envelope.close(list);
    }
    envelope.close(record);
    let list = envelope.list(usize::from(page_list.is_some()));
    if let Some((clusters, link)) = page_list {
        let record = envelope.record();
        envelope.u64(0);
        envelope.u64(entries);
        envelope.u32(clusters as u32);
        envelope.u64(link.length);
        envelope.locator(link.blob);
        envelope.close(record);
    }
    envelope.close(list);
    envelope.finish().0
}
