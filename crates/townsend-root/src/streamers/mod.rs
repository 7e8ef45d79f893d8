//! The record that describes how the classes in a file are laid out, so that any version of ROOT, and
//! programs like uproot, can read it.
//!
//! It is a `TList` of one `TStreamerInfo` a class, each with a `TObjArray` of one element a base class or
//! member.

mod histograms;
mod rntuples;
mod trees;

use crate::encoder::Encoder;

/// A class as ROOT declares it.
#[derive(Debug)]
struct Class {
    name: &'static str,
    version: i32,
    /// ROOT's checksum of the declaration, by which it tells whether file and program agree.
    checksum: u32,
    elements: &'static [Element],
}

/// A base or a member. Numbers are ROOT's type codes (`TVirtualStreamerInfo::EReadWrite`) and sizes in memory
/// in bytes.
#[derive(Debug)]
enum Element {
    /// Name, type code, version, checksum.
    Base(&'static str, i32, i32, u32),
    /// Name, type code, size, C++ type.
    Basic(&'static str, i32, i32, &'static str),
    /// Name, type code, size of an item, C++ type; version, name and class of the member with the number of
    /// items.
    Array(&'static str, i32, i32, &'static str, i32, &'static str, &'static str),
    /// Name, type code, C++ type.
    Pointer(&'static str, i32, &'static str),
    /// An object that derives from `TObject`: name, size, class.
    Object(&'static str, i32, &'static str),
    /// An object of another class: name, size, class.
    Any(&'static str, i32, &'static str),
    /// A `TString`.
    Text(&'static str),
}

const OBJECT: i32 = 61;
const ANY: i32 = 62;
const POINTER_NEVER_NULL: i32 = 63;
const TEXT: i32 = 65;

/// The bit that ROOT sets in every `TStreamerInfo`.
const INFO_BITS: u32 = 0x0001_0000;

/// The classes `names`, their base classes and the classes of their members.
fn closure(names: impl IntoIterator<Item = &'static str>) -> Vec<&'static Class> {
    let mut found: Vec<&'static Class> = Vec::new();
    let mut waiting: Vec<&'static str> = names.into_iter().collect();
    while let Some(name) = waiting.pop() {
        let class = histograms::HISTOGRAMS
            .iter()
            .chain(trees::TREES)
            .chain(rntuples::RNTUPLES)
            .find(|class| class.name == name);
        let Some(class) = class.filter(|class| found.iter().all(|other| other.name != class.name)) else {
            continue;
        };
        found.push(class);
        waiting.extend(class.elements.iter().filter_map(Element::class));
    }
    found
}

/// The record for a file with objects of the classes `names`.
pub(crate) fn encode(names: impl IntoIterator<Item = &'static str>, encoder: &mut Encoder) {
    let classes = closure(names);
    let list = encoder.open(5);
    encoder.tobject(0);
    encoder.string("");
    encoder.i32(classes.len() as i32);
    for class in classes {
        let pointer = encoder.open_pointer("TStreamerInfo");
        class.encode(encoder);
        encoder.close(pointer);
        // Every entry of a `TList` has a drawing option, which is empty here.
        encoder.string("");
    }
    encoder.close(list);
}

impl Class {
    fn encode(&self, encoder: &mut Encoder) {
        let info = encoder.open(9);
        let named = encoder.open(1);
        encoder.tobject(INFO_BITS);
        encoder.string(self.name);
        encoder.string("");
        encoder.close(named);
        encoder.u32(self.checksum);
        encoder.i32(self.version);
        let pointer = encoder.open_pointer("TObjArray");
        let array = encoder.open(3);
        encoder.tobject(0);
        encoder.string("");
        encoder.i32(self.elements.len() as i32);
        encoder.i32(0);
        self.elements.iter().for_each(|element| element.encode(encoder));
        encoder.close(array);
        encoder.close(pointer);
        encoder.close(info);
    }
}

impl Element {
    /// The class of a base or of a member that is an object.
    fn class(&self) -> Option<&'static str> {
        match *self {
            Self::Base(class, ..) | Self::Object(_, _, class) | Self::Any(_, _, class) => Some(class),
            Self::Pointer(_, _, class) => class.strip_suffix('*'),
            _ => None,
        }
    }

    fn encode(&self, encoder: &mut Encoder) {
        let (class, version) = match self {
            Self::Base(..) => ("TStreamerBase", 3),
            Self::Basic(..) => ("TStreamerBasicType", 2),
            Self::Array(..) => ("TStreamerBasicPointer", 2),
            Self::Pointer(..) => ("TStreamerObjectPointer", 2),
            Self::Object(..) => ("TStreamerObject", 2),
            Self::Any(..) => ("TStreamerObjectAny", 2),
            Self::Text(..) => ("TStreamerString", 2),
        };
        let pointer = encoder.open_pointer(class);
        let object = encoder.open(version);
        self.encode_common(encoder);
        match self {
            Self::Base(_, _, version, _) => encoder.i32(*version),
            Self::Array(_, _, _, _, version, count, class) => {
                encoder.i32(*version);
                encoder.string(count);
                encoder.string(class);
            }
            _ => {}
        }
        encoder.close(object);
        encoder.close(pointer);
    }

    /// The part that all elements share: `TStreamerElement`. Titles matter only where ROOT takes meaning from
    /// them: the length of an array, and an arrow for pointers that are never null.
    fn encode_common(&self, encoder: &mut Encoder) {
        let (name, title, code, size, type_name, checksum) = match *self {
            Self::Base(name, code, _, checksum) => (name, String::new(), code, 0, "BASE", checksum),
            Self::Basic(name, code, size, class) => (name, String::new(), code, size, class, 0),
            Self::Array(name, code, size, class, _, count, _) => {
                (name, format!("[{count}]"), code, size, class, 0)
            }
            Self::Pointer(name, code, class) => {
                let arrow = if code == POINTER_NEVER_NULL { "->" } else { "" };
                (name, arrow.to_owned(), code, 8, class, 0)
            }
            Self::Object(name, size, class) => (name, String::new(), OBJECT, size, class, 0),
            Self::Any(name, size, class) => (name, String::new(), ANY, size, class, 0),
            Self::Text(name) => (name, String::new(), TEXT, 24, "TString", 0),
        };
        let element = encoder.open(4);
        encoder.tnamed(name, &title);
        encoder.i32(code);
        encoder.i32(size);
        // Array length, number of dimensions and their five sizes; a base class has its checksum in place of
        // the second.
        for number in [0, 0, 0, checksum, 0, 0, 0] {
            encoder.u32(number);
        }
        encoder.string(type_name);
        encoder.close(element);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_brings_its_bases_and_members() {
        let names: Vec<_> = closure(["TH3F", "TH3F"]).iter().map(|class| class.name).collect();
        for needed in ["TObject", "TNamed", "TAxis", "TH1", "TAtt3D", "TH3", "TH3F"] {
            assert!(names.iter().filter(|name| **name == needed).count() == 1, "{needed} in {names:?}");
        }
        assert!(names.iter().all(|name| *name != "TTree"));
        // A leaf can refer to its counter, which is a leaf.
        assert!(closure(["TLeafF"]).iter().any(|class| class.name == "TLeaf"));
    }
}
