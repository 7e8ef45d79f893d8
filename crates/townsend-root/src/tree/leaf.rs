//! Leaves: the types of the values in a branch.

use std::collections::HashMap;

use super::branch::ElementType;
use super::layout::{checked_name, object_array};
use crate::buffer::{Buffer, Pointer};
use crate::error::Fault;

/// Largest depth of leaves that refer to leaves as their counters; a deeper one is taken for damage.
const MAX_COUNTERS: usize = 4;

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The place by which other leaves refer to this one.
    pub(super) place: u32,
    pub(super) name: String,
    /// Name and dimensions, and the range of packed numbers: `x[n][2]`.
    pub(super) title: String,
    pub(super) kind: LeafKind,
    /// Number of values in an entry; if there is a counter, for each of its counts.
    pub(super) length: usize,
    /// The place of the leaf that holds the number of counts, if there is one.
    pub(super) counter: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum LeafKind {
    Number(ElementType),
    /// A `Float16_t` or `Double32_t`, by this name.
    Packed(&'static str),
    Text,
    /// A leaf of a `TBranchElement`: the branch tells the type.
    Element,
    /// A leaf of a class that this crate does not read.
    Other(String),
}

/// The leaves of a record by their place in it. A leaf may be stored inside another one, as that one's
/// counter.
pub(super) type Leaves = HashMap<u32, Leaf>;

/// Reads the leaves of a branch.
pub(super) fn decode_leaves(buffer: &mut Buffer<'_>, known: &mut Leaves) -> Result<Vec<Leaf>, Fault> {
    let mut leaves = Vec::new();
    let (count, mut array) = object_array(buffer)?;
    for _ in 0..count {
        match array.pointer()? {
            Pointer::Null => {}
            Pointer::Earlier(place) => leaves
                .push(known.get(&place).cloned().ok_or_else(|| Fault::damaged("a leaf refers to nothing"))?),
            Pointer::Object { class, place, body } => {
                leaves.push(decode_leaf(class, place, body, known, 0)?);
            }
        }
    }
    Ok(leaves)
}

fn decode_leaf(
    class: &str,
    place: u32,
    mut body: Buffer<'_>,
    known: &mut Leaves,
    depth: usize,
) -> Result<Leaf, Fault> {
    let (_, mut inner) = body.object()?;
    let (_, mut base) = inner.object()?;
    let (name, title) = base.tnamed()?;
    let length = base.i32()?;
    let _bytes_of_a_value = base.i32()?;
    let _place_in_an_object = base.i32()?;
    let _is_counter = base.bool()?;
    let unsigned = base.bool()?;
    let counter = match base.pointer()? {
        Pointer::Null => None,
        Pointer::Earlier(place) => Some(place),
        Pointer::Object { class, place, body } => {
            if depth == MAX_COUNTERS {
                return Err(Fault::damaged("its leaves count each other in a circle"));
            }
            decode_leaf(class, place, body, known, depth + 1)?;
            Some(place)
        }
    };
    let leaf = Leaf {
        place,
        name: checked_name(&name)?,
        title: checked_name(&title)?,
        kind: leaf_kind(class, unsigned),
        length: usize::try_from(length).ok().filter(|&length| length > 0).unwrap_or(1),
        counter,
    };
    known.insert(place, leaf.clone());
    Ok(leaf)
}

fn leaf_kind(class: &str, unsigned: bool) -> LeafKind {
    use ElementType::{Bool, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    LeafKind::Number(match (class, unsigned) {
        ("TLeafO", _) => Bool,
        ("TLeafB", false) => I8,
        ("TLeafB", true) => U8,
        ("TLeafS", false) => I16,
        ("TLeafS", true) => U16,
        ("TLeafI", false) => I32,
        ("TLeafI", true) => U32,
        ("TLeafL" | "TLeafG", false) => I64,
        ("TLeafL" | "TLeafG", true) => U64,
        ("TLeafF", _) => F32,
        ("TLeafD", _) => F64,
        ("TLeafF16", _) => return LeafKind::Packed("Float16_t"),
        ("TLeafD32", _) => return LeafKind::Packed("Double32_t"),
        ("TLeafC", _) => return LeafKind::Text,
        ("TLeafElement", _) => return LeafKind::Element,
        _ => return LeafKind::Other(class.chars().take(80).collect()),
    })
}
