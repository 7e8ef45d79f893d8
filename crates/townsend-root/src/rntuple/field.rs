//! Fields as the user sees them, and the columns that their values are in.

use super::encoding::Encoding;
use super::schema::{COLLECTION, FieldRecord, LEAF, RECORD, STREAMED, Schema, VARIANT};
use crate::error::Fault;
use crate::tree::{BranchKind, ElementType};

/// Largest depth of fields within fields; deeper ones are taken for damage.
const MAX_DEPTH: usize = 32;
/// Largest length of a name, so that many members of a field with a long name do not take the memory.
const MAX_NAME_LENGTH: usize = 1024;

/// A field of an RNTuple, or a member of one that is a class (then called `field.member`).
#[derive(Clone, Debug)]
pub struct RNTupleField {
    name: String,
    type_name: String,
    description: String,
    kind: BranchKind,
    pub(super) storage: Storage,
}

/// Where the values of a field are.
#[derive(Clone, Debug)]
pub(super) enum Storage {
    /// Nowhere that this crate knows.
    Unsupported,
    /// So many in each entry.
    Fixed { values: Columns, each: u64 },
    /// As many as the ends tell.
    Vectors { ends: Columns, values: Columns },
    /// The values are the lengths of vectors.
    Lengths { ends: Columns },
}

/// The columns for the same values, of which each cluster uses one.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    pub(super) alternatives: Vec<(usize, Encoding)>,
    /// True if all of them were added after the first entries, which have zeros.
    pub(super) deferred: bool,
}

impl RNTupleField {
    /// The name under which the field is read.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The C++ type as the file states it; empty for records and collections without a type of their own. The
    /// type of a member of the items of a collection is that of one item.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// The description, often with a unit: `x [mm]`.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The type of the values, and how many an entry has.
    pub fn kind(&self) -> &BranchKind {
        &self.kind
    }
}

/// All fields and members of a schema, in its order.
pub(super) fn list_fields(schema: &Schema) -> Result<Vec<RNTupleField>, Fault> {
    let mut children = vec![Vec::new(); schema.fields.len()];
    for (number, field) in schema.fields.iter().enumerate().filter(|(number, field)| *number != field.parent)
    {
        // A parent comes before its children, which was checked.
        children[field.parent].push(number);
    }
    let mut walk = Walk { schema, children, columns: schema.columns_of_fields(), found: Vec::new() };
    for (number, field) in schema.fields.iter().enumerate().filter(|(number, field)| *number == field.parent)
    {
        walk.visit(number, &Place::new(checked_name(field.name.clone())?, field))?;
    }
    Ok(walk.found)
}

fn checked_name(name: String) -> Result<String, Fault> {
    if name.len() <= MAX_NAME_LENGTH {
        return Ok(name);
    }
    Err(Fault::Unsupported(format!("it has a name of {} bytes, more than {MAX_NAME_LENGTH}", name.len())))
}

/// Where the walk through fields and their members is.
#[derive(Clone)]
struct Place<'s> {
    name: String,
    type_name: &'s str,
    description: &'s str,
    /// Where the collection ends that this is the item of.
    ends: Option<Columns>,
    /// The number of values in the array that this is the item of.
    each: Option<u64>,
    /// True if this is a member of the items of a collection or an array, which its own type does not tell.
    in_items: bool,
    depth: usize,
}

impl<'s> Place<'s> {
    fn new(name: String, field: &'s FieldRecord) -> Self {
        let (type_name, description) = (&field.type_name, &field.description);
        Self { name, type_name, description, ends: None, each: None, in_items: false, depth: 0 }
    }
}

struct Walk<'s> {
    schema: &'s Schema,
    children: Vec<Vec<usize>>,
    /// The numbers of the columns of each field, by representation.
    columns: Vec<Vec<Vec<usize>>>,
    found: Vec<RNTupleField>,
}

impl<'s> Walk<'s> {
    fn visit(&mut self, number: usize, place: &Place<'s>) -> Result<(), Fault> {
        if place.depth > MAX_DEPTH {
            return Err(Fault::Unsupported(format!(
                "its field {} is more than {MAX_DEPTH} levels deep",
                place.name
            )));
        }
        match self.schema.fields[number].role {
            LEAF => self.leaf(number, place)?,
            RECORD => self.record(number, place)?,
            COLLECTION => self.collection(number, place)?,
            VARIANT => self.unsupported(place, ""),
            STREAMED => self.unsupported(place, ", stored as a whole by ROOT's streamer"),
            role => self.unsupported(place, &format!(", stored in an unknown way ({role})")),
        }
        Ok(())
    }

    fn leaf(&mut self, number: usize, place: &Place<'s>) -> Result<(), Fault> {
        let mut place = place.clone();
        if let Some(repetitions) = self.schema.fields[number].repetitions {
            if place.ends.is_some() {
                self.nested(&place);
                return Ok(());
            }
            let each = place.each.unwrap_or(1).checked_mul(repetitions);
            place.each = Some(each.ok_or_else(|| Fault::damaged("an array is larger than memory"))?);
        }
        let columns = self.columns[number].first().map_or(0, Vec::len);
        match (columns, &self.children[number][..]) {
            // Items of arrays, and the numbers behind an `enum` or `std::atomic`.
            (0, &[child]) => {
                place.depth += 1;
                return self.visit(child, &place);
            }
            (1, _) => self.number(number, &place),
            (2, []) => self.text(number, &place),
            _ => self.unsupported(&place, ", stored in an unknown way"),
        }
        Ok(())
    }

    fn number(&mut self, number: usize, place: &Place<'s>) {
        let type_name = &*self.schema.fields[number].type_name;
        let values = match self.columns(number, 0) {
            Ok(values) => values,
            Err(what) => return self.unsupported(place, &what),
        };
        if values.are_ends() {
            return self.lengths(type_name, values, place);
        }
        let stored = values.alternatives.first().and_then(|(_, encoding)| encoding.element());
        let element = element_type(type_name).or(stored).filter(|element| values.read_as(*element));
        let Some(element) = element else {
            return self.unsupported(place, ", stored as numbers of another type");
        };
        let (kind, storage) = match (&place.ends, place.each) {
            (Some(ends), None) => {
                (BranchKind::Vector(element), Storage::Vectors { ends: ends.clone(), values })
            }
            (None, None) => (BranchKind::Scalar(element), Storage::Fixed { values, each: 1 }),
            (None, Some(each)) => match usize::try_from(each) {
                Ok(length @ 1..) => (BranchKind::Array(element, length), Storage::Fixed { values, each }),
                _ => return self.unsupported(place, " without items"),
            },
            (Some(_), Some(_)) => return self.nested(place),
        };
        self.push(place, kind, storage);
    }

    fn lengths(&mut self, type_name: &str, ends: Columns, place: &Place<'s>) {
        if place.ends.is_some() || place.each.is_some() {
            return self.nested(place);
        }
        let element = if type_name.contains("uint32_t") { ElementType::U32 } else { ElementType::U64 };
        self.push(place, BranchKind::Scalar(element), Storage::Lengths { ends });
    }

    fn text(&mut self, number: usize, place: &Place<'s>) {
        if place.ends.is_some() || place.each.is_some() {
            return self.nested(place);
        }
        match (self.columns(number, 0), self.columns(number, 1)) {
            (Ok(ends), Ok(values)) if ends.are_ends() && values.are_bytes() => {
                self.push(place, BranchKind::Text, Storage::Vectors { ends, values });
            }
            (Err(what), _) | (_, Err(what)) => self.unsupported(place, &what),
            _ => self.unsupported(place, ", stored in an unknown way"),
        }
    }

    /// Members of a class. Those of its base classes come after its own, and have no part of the base class
    /// in their names.
    fn record(&mut self, number: usize, place: &Place<'s>) -> Result<(), Fault> {
        let mut members = self.children[number].clone();
        if members.is_empty() {
            self.unsupported(place, " without members");
        }
        let schema = self.schema;
        let is_base = |member: usize| schema.fields[member].name.starts_with(":_");
        members.sort_by_key(|&member| is_base(member));
        for member in members {
            let field = &schema.fields[member];
            let name =
                if is_base(member) { place.name.clone() } else { format!("{}.{}", place.name, field.name) };
            let inner = Place {
                name: checked_name(name)?,
                type_name: &field.type_name,
                description: &field.description,
                ends: place.ends.clone(),
                each: place.each,
                in_items: place.ends.is_some() || place.each.is_some(),
                depth: place.depth + 1,
            };
            self.visit(member, &inner)?;
        }
        Ok(())
    }

    fn collection(&mut self, number: usize, place: &Place<'s>) -> Result<(), Fault> {
        let nested = place.ends.is_some() || place.each.is_some();
        let optional =
            ["std::optional<", "std::unique_ptr<"].iter().any(|start| place.type_name.starts_with(start));
        match (self.columns(number, 0), &self.children[number][..]) {
            _ if nested => self.nested(place),
            _ if optional => self.unsupported(place, ""),
            (Ok(ends), &[child]) if ends.are_ends() => {
                return self
                    .visit(child, &Place { ends: Some(ends), depth: place.depth + 1, ..place.clone() });
            }
            (Err(what), _) => self.unsupported(place, &what),
            _ => self.unsupported(place, ", stored in an unknown way"),
        }
        Ok(())
    }

    /// The columns of a field at a position among those of each representation. An error if a type of columns
    /// is not known.
    fn columns(&self, number: usize, position: usize) -> Result<Columns, String> {
        let mut columns = Columns { alternatives: Vec::new(), deferred: true };
        for representation in &self.columns[number] {
            let Some(&column) = representation.get(position) else { continue };
            let record = &self.schema.columns[column];
            let encoding =
                record.encoding.map_err(|code| format!(", stored in columns of type {code:#04x}"))?;
            columns.alternatives.push((column, encoding));
            columns.deferred &= record.deferred;
        }
        Ok(columns)
    }

    fn push(&mut self, place: &Place<'s>, kind: BranchKind, storage: Storage) {
        self.found.push(RNTupleField {
            name: place.name.clone(),
            type_name: place.type_name.to_owned(),
            description: place.description.to_owned(),
            kind,
            storage,
        });
    }

    /// Lists a field whose entries have more than one level of values.
    fn nested(&mut self, place: &Place<'s>) {
        self.unsupported(place, if place.in_items { " within a collection or an array" } else { "" });
    }

    /// Lists a field that cannot be read; `what` comes after its type.
    fn unsupported(&mut self, place: &Place<'s>, what: &str) {
        let type_name = if place.type_name.is_empty() { "record or collection" } else { place.type_name };
        self.push(place, BranchKind::Unsupported(format!("a {type_name}{what}")), Storage::Unsupported);
    }
}

impl Columns {
    fn all(&self, rule: impl Fn(Encoding) -> bool) -> bool {
        !self.alternatives.is_empty() && self.alternatives.iter().all(|(_, encoding)| rule(*encoding))
    }

    fn are_ends(&self) -> bool {
        self.all(|encoding| matches!(encoding, Encoding::Ends { .. }))
    }

    fn are_bytes(&self) -> bool {
        self.all(|encoding| encoding.element().is_some_and(|element| element.size() == 1))
            && self.all(|encoding| encoding != Encoding::Bit)
    }

    fn read_as(&self, element: ElementType) -> bool {
        self.all(|encoding| encoding.reads_as(element))
    }
}

/// The type of a number by its C++ name; `None` if the columns decide.
fn element_type(name: &str) -> Option<ElementType> {
    match name.strip_prefix("std::").unwrap_or(name) {
        "byte" => Some(ElementType::U8),
        "Double32_t" => Some(ElementType::F64),
        "Float16_t" => Some(ElementType::F32),
        name => ElementType::from_cpp(name),
    }
}
