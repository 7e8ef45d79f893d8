//! The types of branches: what leaves, members of objects and names of C++ types say about their values.

use super::branch::{BranchKind, ElementType};
use super::classes::{Classes, Member};
use super::leaf::{Leaf, LeafKind};
use super::packing::{Packing, packed};

/// ROOT adds this to the type code of a member that is an array of fixed length, and twice as much for an
/// array whose length another member holds.
const FIXED_ARRAY: i32 = 20;
/// `TBranchElement::fType` of a member of the items of a `TClonesArray` or of a collection.
const MEMBER_OF_ITEMS: [i32; 2] = [31, 41];
/// Type codes of members that are containers or texts: `kSTL`, `kStreamer`, `kSTLstring`, `kTString`.
const CONTAINER: [i32; 2] = [300, 500];
const STL_STRING: i32 = 365;
const TSTRING: i32 = 65;
/// Type codes of `Double32_t` and `Float16_t`.
const DOUBLE32: i32 = 9;
const FLOAT16: i32 = 19;
/// Byte count and version before a vector, and before a text that is a member.
const OBJECT_HEADER: usize = 6;

/// Containers that are stored as a vector is, after one of the prefixes.
const CONTAINERS: [&str; 9] = [
    "vector",
    "RVec",
    "deque",
    "list",
    "forward_list",
    "set",
    "multiset",
    "unordered_set",
    "unordered_multiset",
];
const PREFIXES: [&str; 4] = ["", "std::", "ROOT::", "ROOT::VecOps::"];

/// The members of `TBranchElement` that matter for reading.
pub(super) struct Element {
    pub(super) class: String,
    /// The class that has the member, where it is another one.
    pub(super) parent: String,
    pub(super) kind: i32,
    pub(super) code: i32,
}

/// The type of the values of a branch and how they are stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) kind: BranchKind,
    pub(super) packing: Packing,
    /// Bytes in front of an entry that are not part of its values.
    pub(super) header: usize,
}

impl From<BranchKind> for Stored {
    fn from(kind: BranchKind) -> Self {
        Self { kind, packing: Packing::None, header: 0 }
    }
}

impl Stored {
    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        BranchKind::Unsupported(what.into()).into()
    }

    /// The type of `leaf`, which belongs to the branch `name`, if need be by the descriptions of classes.
    pub(super) fn new(name: &str, leaf: &Leaf, element: Option<&Element>, classes: &Classes) -> Self {
        match (&leaf.kind, element) {
            (LeafKind::Text, _) => BranchKind::Text.into(),
            (LeafKind::Number(number), _) => Self::of_leaf(leaf, *number, Packing::None),
            (LeafKind::Packed(type_name), _) => match packed(type_name, &leaf.title) {
                Some((number, packing)) => Self::of_leaf(leaf, number, packing),
                None => Self::unsupported(format!("a {type_name} with the range of {}", leaf.title)),
            },
            (LeafKind::Element, Some(element)) if element.code < 0 => Self::of_class(&element.class),
            (LeafKind::Element, Some(element)) => {
                let member = name.rsplit('.').next().unwrap_or(name).split('[').next().unwrap_or(name);
                let described = [&element.parent, &element.class]
                    .into_iter()
                    .find_map(|class| classes.member(class, member));
                Self::of_member(leaf, element, described)
            }
            (LeafKind::Element, None) => Self::unsupported("an object"),
            (LeafKind::Other(class), _) => Self::unsupported(format!("a {class}")),
        }
    }

    fn of_leaf(leaf: &Leaf, number: ElementType, packing: Packing) -> Self {
        let kind = if leaf.counter.is_some() {
            BranchKind::Counted(number)
        } else {
            fixed_kind(number, leaf.length)
        };
        Self { packing, ..kind.into() }
    }

    /// A branch that holds whole objects: containers of numbers and texts can be read.
    fn of_class(class: &str) -> Self {
        match class {
            "string" | "std::string" => BranchKind::Text.into(),
            _ => match items(class).and_then(number_type) {
                Some((number, packing)) => {
                    Self { packing, header: OBJECT_HEADER, kind: BranchKind::Vector(number) }
                }
                None => Self::unsupported(format!("a {class}")),
            },
        }
    }

    /// A member of a split object.
    fn of_member(leaf: &Leaf, element: &Element, described: Option<&Member>) -> Self {
        let Element { class, kind, code, .. } = element;
        let in_items = MEMBER_OF_ITEMS.contains(kind);
        let unsupported = || match described {
            Some(member) => Self::unsupported(format!("a member of type {} (code {code})", member.type_name)),
            None => Self::unsupported(format!("a member of {class} (code {code})")),
        };
        match (*code, described) {
            (code, Some(member)) if CONTAINER.contains(&code) && !in_items => {
                let stored = Self::of_class(&member.type_name);
                return Self { header: OBJECT_HEADER, ..stored };
            }
            (STL_STRING, _) if !in_items => {
                return Self { header: OBJECT_HEADER, ..BranchKind::Text.into() };
            }
            (TSTRING, _) if !in_items => return BranchKind::Text.into(),
            _ => {}
        }
        let title = described.map(|member| &*member.title);
        let scalar = |code| number_of_code(code, title);
        if let Some((number, packing)) = scalar(*code) {
            let kind = if in_items { BranchKind::Counted(number) } else { BranchKind::Scalar(number) };
            return Self { packing, ..kind.into() };
        }
        if let Some((number, packing)) = scalar(code - FIXED_ARRAY) {
            let array = if in_items { BranchKind::Counted(number) } else { fixed_kind(number, leaf.length) };
            return Self { packing, ..array.into() };
        }
        match scalar(code - 2 * FIXED_ARRAY) {
            // A byte before the values tells whether there are any.
            Some((number, packing)) if leaf.counter.is_some() && !in_items => {
                Self { kind: BranchKind::Counted(number), packing, header: 1 }
            }
            _ => unsupported(),
        }
    }

    /// Bytes of an entry, if all have the same size.
    pub(super) fn fixed_size(&self) -> Option<usize> {
        match self.kind {
            BranchKind::Scalar(number) => Some(self.packing.size(number)),
            // A size beyond what a byte count can cover is damage, which is found when a basket is read.
            BranchKind::Array(number, length) => Some(self.packing.size(number).saturating_mul(length)),
            _ => None,
        }
    }
}

fn fixed_kind(element: ElementType, length: usize) -> BranchKind {
    if length == 1 { BranchKind::Scalar(element) } else { BranchKind::Array(element, length) }
}

/// The number behind a type code. The range of a packed one is in the title of its member, without which the
/// type is not known.
fn number_of_code(code: i32, title: Option<&str>) -> Option<(ElementType, Packing)> {
    match code {
        DOUBLE32 => packed("Double32_t", title?),
        FLOAT16 => packed("Float16_t", title?),
        _ => ElementType::from_code(code).map(|number| (number, Packing::None)),
    }
}

/// The type of the items of a container: `float` of `std::vector<float, std::allocator<float> >`.
fn items(class: &str) -> Option<&str> {
    let (container, arguments) = class.split_once('<')?;
    let known = |prefix: &&str| {
        container.trim().strip_prefix(*prefix).is_some_and(|container| CONTAINERS.contains(&container))
    };
    PREFIXES.iter().find(|prefix| known(prefix))?;
    let arguments = arguments.trim_end().strip_suffix('>')?;
    arguments.split(',').next().map(str::trim)
}

fn number_type(name: &str) -> Option<(ElementType, Packing)> {
    let name = name.strip_prefix("std::").unwrap_or(name);
    ElementType::from_cpp(name).map(|number| (number, Packing::None)).or_else(|| packed(name, ""))
}

/// The fixed dimensions of an entry by the title of its leaf: 2 and 3 of `x[n][2][3]`, whose product must be
/// `length`.
pub(super) fn dimensions(title: &str, length: usize) -> Vec<usize> {
    let groups = title.split('[').skip(1).filter_map(|group| group.split_once(']')?.0.trim().parse().ok());
    let dimensions: Vec<usize> = groups.collect();
    let product = dimensions.iter().try_fold(1_usize, |product, &length| product.checked_mul(length));
    match length {
        1 => Vec::new(),
        _ if product == Some(length) => dimensions,
        _ => vec![length],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_of_numbers_are_known_in_every_spelling() {
        for name in [
            "vector<float>",
            "std::vector<float>",
            "vector< float >",
            "vector<float,allocator<float> >",
            "std::vector<float, std::allocator<float>>",
            "vector<float,ROOT::Detail::VecOps::RAdoptAllocator<float> >",
            "vector<Float_t>",
            "ROOT::VecOps::RVec<float>",
            "ROOT::RVec<float>",
            "std::deque<float>",
            "set<float,less<float>,allocator<float> >",
        ] {
            assert_eq!(Stored::of_class(name).kind, BranchKind::Vector(ElementType::F32), "{name}");
        }
        for name in
            ["vector<vector<float> >", "vector<TVector3>", "mine::vector<float>", "map<int,float>", "vector<"]
        {
            assert!(matches!(Stored::of_class(name).kind, BranchKind::Unsupported(_)), "{name}");
        }
        let unsigned =
            "vector<unsigned long long,ROOT::Detail::VecOps::RAdoptAllocator<unsigned long long> >";
        assert_eq!(Stored::of_class(unsigned).kind, BranchKind::Vector(ElementType::U64));
        let packed = Stored::of_class("vector<Double32_t>");
        assert_eq!((packed.kind, packed.packing), (BranchKind::Vector(ElementType::F64), Packing::Float));
    }

    #[test]
    fn dimensions_are_those_of_the_title_if_they_are_right() {
        assert_eq!(dimensions("x[20]", 20), [20]);
        assert_eq!(dimensions("x[4][5]", 20), [4, 5]);
        assert_eq!(dimensions("x[n][2]", 2), [2]);
        assert_eq!(dimensions("x[3][0,10,8]", 3), [3]);
        assert_eq!(dimensions("x", 7), [7]);
        assert_eq!(dimensions("x[n]", 1), []);
    }
}
