//! The record of a tree: its branches, their leaves and where their baskets are.
//!
//! Sources of the layout: the class descriptions that files have (`TTree` versions 16 to 20, `TBranch` 10 to
//! 13, `TBranchElement` 8 to 10; and of Geant4, which keeps to those of ROOT 3: `TTree` 5, `TBranch` 8,
//! `TBranchElement` 1), and ROOT's own streamers of `TObjArray` and `TBasket`.

use std::collections::HashMap;
use std::sync::Arc;

use super::basket::{Basket, BasketTable, Values, decode_embedded};
use super::branch::{Branch, Storage};
use super::classes::Classes;
use super::kind::{Element, Stored, dimensions};
use super::leaf::{Leaf, Leaves, decode_leaves};
use crate::buffer::{Buffer, Pointer};
use crate::error::Fault;

/// Largest depth of members within members of split objects; a deeper one is taken for damage.
const MAX_DEPTH: usize = 16;
/// Names are put together from those of branches, members and leaves; without a limit a small damaged file
/// could ask for much memory.
const MAX_NAME_LENGTH: usize = 1024;
/// Versions of `TTree` and `TBranch` that Geant4 writes.
const GEANT4_TREE: i16 = 5;
const GEANT4_BRANCH: i16 = 8;
/// The contents of the record of a tree.
#[derive(Debug)]
pub(super) struct TreeRecord {
    pub(super) title: String,
    pub(super) entries: u64,
    pub(super) branches: Vec<Branch>,
}

pub(super) fn checked_name(name: &str) -> Result<String, Fault> {
    if name.len() > MAX_NAME_LENGTH {
        return Err(Fault::Unsupported(format!(
            "it has a name of {} bytes, more than {MAX_NAME_LENGTH}",
            name.len()
        )));
    }
    Ok(name.to_owned())
}

/// Reads the start of a `TObjArray`: the number of its items, and a buffer at the first one.
pub(super) fn object_array<'a>(buffer: &mut Buffer<'a>) -> Result<(usize, Buffer<'a>), Fault> {
    let (_, mut array) = buffer.object()?;
    array.tobject()?;
    array.string()?;
    let count = array.count(4)?;
    let _lower_bound = array.i32()?;
    Ok((count, array))
}

/// Reads a tree of the class that its key states. All baskets together must fit into `file_length` bytes.
/// A branch that cannot be decoded is listed as one that cannot be read, and does not keep from the others.
pub(super) fn decode_tree(
    class: &str,
    mut record: Buffer<'_>,
    file_length: u64,
    classes: &Classes,
) -> Result<TreeRecord, Fault> {
    if class != "TTree" {
        // A TNtuple or TNtupleD is a TTree followed by the number of its columns.
        (_, record) = record.object()?;
    }
    let (version, mut body) = record.object()?;
    let (_, title) = body.tnamed()?;
    (0..3).try_for_each(|_attributes| body.skip_object())?;
    let entries = large_number(&mut body, version > GEANT4_TREE)?;
    skip_settings(&mut body, version)?;
    let mut decoder = Decoder {
        branches: Vec::new(),
        leaves: Leaves::new(),
        names: HashMap::new(),
        counters: Vec::new(),
        file_length,
        classes,
    };
    decoder.list(&mut body, "", 0)?;
    Ok(TreeRecord { title: title.into_owned(), entries, branches: decoder.with_counters() })
}

/// Skips the members between the number of entries and the list of branches.
fn skip_settings(body: &mut Buffer<'_>, version: i16) -> Result<(), Fault> {
    let length = match version {
        GEANT4_TREE => 24 + 12 + 16,
        16 => 24 + 8 + 12 + 40,
        17 => 24 + 8 + 16 + 40,
        18..=20 => 32 + 8 + 16,
        _ => {
            return Err(Fault::Unsupported(format!(
                "it is a TTree of version {version}, and {GEANT4_TREE} and 16 to 20 are known; \
                 hint: copy it with a current ROOT, `rooteventselector in.root:tree out.root`"
            )));
        }
    };
    body.skip(length)?;
    if version < 18 {
        return Ok(());
    }
    let clusters = if version >= 19 { body.u32()? as usize } else { 0 };
    body.skip(48)?;
    if version >= 19 {
        // Two arrays, each after one byte that tells whether it is there.
        let array = 1 + clusters.saturating_mul(8);
        body.skip(array)?;
        body.skip(array)?;
    }
    if version >= 20 { body.skip_object() } else { Ok(()) }
}

/// Reads a number that is an integer of 64 bits in all but the oldest versions, which have an `f64`.
fn large_number(buffer: &mut Buffer<'_>, integer: bool) -> Result<u64, Fault> {
    if integer { buffer.u64() } else { buffer.f64().map(|number| number as u64) }
}

struct Decoder<'c> {
    branches: Vec<Branch>,
    leaves: Leaves,
    /// The names of branches by the places of their leaves.
    names: HashMap<u32, Arc<str>>,
    /// Branches, by their numbers, whose values are counted by the leaf at a place.
    counters: Vec<(usize, u32)>,
    file_length: u64,
    classes: &'c Classes,
}

/// The members of `TBranch` that matter for reading.
struct BranchRecord {
    name: String,
    title: String,
    entries: u64,
    total_bytes: u64,
    /// Whether the values are in the branches of the members, which are listed already.
    split: bool,
    leaves: Vec<Leaf>,
    baskets: Vec<Basket>,
}

impl Decoder<'_> {
    /// Reads a list of branches. The names of the members of a split object start with the object's name.
    fn list(&mut self, buffer: &mut Buffer<'_>, parent: &str, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Damaged(format!("its branches are nested deeper than {MAX_DEPTH}")));
        }
        let (count, mut array) = object_array(buffer)?;
        for _ in 0..count {
            match array.pointer()? {
                // A branch that is stored within another one is listed there.
                Pointer::Null | Pointer::Earlier(_) => {}
                Pointer::Object { class, body, .. } => {
                    if let Err(fault) = self.branch(class, body.clone(), parent, depth) {
                        self.unreadable_branch(class, body, parent, reason(fault)?)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn branch(&mut self, class: &str, mut body: Buffer<'_>, parent: &str, depth: usize) -> Result<(), Fault> {
        match class {
            "TBranch" => {
                let (version, base) = body.object()?;
                let record = self.branch_record(version, base, parent, depth)?;
                self.add(record, None)
            }
            "TBranchElement" => {
                let (version, mut outer) = body.object()?;
                let (base_version, base) = outer.object()?;
                let record = self.branch_record(base_version, base, parent, depth)?;
                self.add(record, Some(&decode_element(version, outer)?))
            }
            _ => self.unreadable_branch(class, body, parent, format!("a {class}")),
        }
    }

    /// A branch that this crate does not read. It is listed so that users see that it is there.
    fn unreadable_branch(
        &mut self,
        class: &str,
        mut body: Buffer<'_>,
        parent: &str,
        what: String,
    ) -> Result<(), Fault> {
        let (_, mut base) = body.object()?;
        if class != "TBranch" {
            (_, base) = base.object()?;
        }
        let (name, title) = base.tnamed()?;
        let storage =
            Storage { title: title.into_owned(), entries: 0, stride: 0, baskets: Vec::new(), total_bytes: 0 };
        self.branches.push(Branch {
            name: full_name(parent, &name)?.into(),
            stored: Stored::unsupported(what),
            shape: Vec::new(),
            counter: None,
            place: 0,
            storage: Arc::new(storage),
        });
        Ok(())
    }

    fn branch_record(
        &mut self,
        version: i16,
        mut body: Buffer<'_>,
        parent: &str,
        depth: usize,
    ) -> Result<BranchRecord, Fault> {
        let new = check_branch_version(version)?;
        let (name, title) = body.tnamed()?;
        let (name, title) = (full_name(parent, &name)?, title.into_owned());
        body.skip_object()?;
        let (_compression, _basket_size, _offsets_length) = (body.i32()?, body.i32()?, body.i32()?);
        let written = body.i32()?;
        // The number of the entry after the last one.
        body.skip(if new { 8 } else { 4 })?;
        if version >= 13 {
            body.skip_object()?;
        }
        let (_offset, capacity, _split_level) = (body.i32()?, body.i32()?, body.i32()?);
        let entries = large_number(&mut body, new)?;
        if version >= 11 {
            let _first_entry = body.i64()?;
        }
        let total_bytes = large_number(&mut body, new)?;
        body.skip(8)?;
        let before = self.branches.len();
        self.list(&mut body, &name, depth + 1)?;
        let split = self.branches.len() > before;
        let leaves = decode_leaves(&mut body, &mut self.leaves)?;
        let embedded = embedded_baskets(&mut body)?;
        let table = BasketTable::decode(&mut body, capacity, written, new)?;
        let other_file = body.string()?;
        if !other_file.is_empty() && table.has_records() {
            return Err(Fault::Unsupported(format!(
                "its values are in another file, {other_file}; hint: copy the tree with `hadd` where both files are"
            )));
        }
        let baskets = table.into_baskets(embedded, entries, self.file_length)?;
        Ok(BranchRecord { name, title, entries, total_bytes, split, leaves, baskets })
    }

    fn add(&mut self, record: BranchRecord, element: Option<&Element>) -> Result<(), Fault> {
        if record.split {
            return Ok(());
        }
        let BranchRecord { name, title, entries, total_bytes, leaves, baskets, .. } = record;
        let stored: Vec<_> =
            leaves.iter().map(|leaf| Stored::new(&name, leaf, element, self.classes)).collect();
        let sizes = stored.iter().map(Stored::fixed_size).collect::<Option<Vec<_>>>();
        let stride = sizes.iter().flatten().try_fold(0_usize, |sum, &size| sum.checked_add(size));
        let stride = stride.ok_or_else(|| Fault::damaged("an entry is larger than memory"))?;
        let storage = Arc::new(Storage { title, entries, stride, baskets, total_bytes });
        let several = leaves.len() > 1;
        let mut place = 0;
        for (index, (leaf, mut stored)) in leaves.iter().zip(stored).enumerate() {
            if several && sizes.is_none() {
                stored = Stored::unsupported(format!("{} among other leaves", stored.kind));
            }
            let full = if several { full_name(&name, &leaf.name)? } else { name.clone() };
            self.push(leaf, full.into(), stored, place, &storage);
            place += sizes.as_ref().map_or(0, |sizes| sizes[index]);
        }
        Ok(())
    }

    fn push(&mut self, leaf: &Leaf, name: Arc<str>, stored: Stored, place: usize, storage: &Arc<Storage>) {
        self.names.insert(leaf.place, Arc::clone(&name));
        self.counters.extend(leaf.counter.map(|counter| (self.branches.len(), counter)));
        let shape = dimensions(&leaf.title, leaf.length);
        self.branches.push(Branch {
            name,
            stored,
            shape,
            counter: None,
            place,
            storage: Arc::clone(storage),
        });
    }

    /// The branches, with the names of those that count the values of others.
    fn with_counters(mut self) -> Vec<Branch> {
        for (index, place) in self.counters {
            self.branches[index].counter = self.names.get(&place).cloned();
        }
        self.branches
    }
}

/// What is said of a branch that cannot be decoded. That the file cannot be read at all is an error.
fn reason(fault: Fault) -> Result<String, Fault> {
    match fault {
        Fault::Io(_) => Err(fault),
        Fault::Unsupported(reason) => Ok(format!("a branch that cannot be read: {reason}")),
        Fault::Damaged(reason) => Ok(format!("a branch whose description is damaged: {reason}")),
    }
}

/// Whether a branch of this version stores 64-bit integers; an error if the version is not known.
fn check_branch_version(version: i16) -> Result<bool, Fault> {
    match version {
        GEANT4_BRANCH => Ok(false),
        10..=13 => Ok(true),
        _ => Err(Fault::Unsupported(format!(
            "it has a TBranch of version {version}, and {GEANT4_BRANCH} and 10 to 13 are known; \
             hint: copy the tree with a current ROOT, `rooteventselector in.root:tree out.root`"
        ))),
    }
}

/// The name of a member: `parent.name`, unless it contains the parent's name already.
fn full_name(parent: &str, name: &str) -> Result<String, Fault> {
    let stem = parent.trim_end_matches('.');
    let says_so = name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('.'));
    if stem.is_empty() || says_so { checked_name(name) } else { checked_name(&format!("{stem}.{name}")) }
}

fn decode_element(version: i16, mut body: Buffer<'_>) -> Result<Element, Fault> {
    let class = checked_name(&body.string()?)?;
    let class_version = match version {
        1 | 8 | 9 => 4,
        10 => 2,
        _ => return Err(Fault::Unsupported(format!("it has a TBranchElement of version {version}"))),
    };
    let mut parent = String::new();
    if version > 1 {
        parent = checked_name(&body.string()?)?;
        let (_items, _checksum) = (body.string()?, body.u32()?);
    }
    body.skip(class_version)?;
    let _id = body.i32()?;
    let (kind, code) = (body.i32()?, body.i32()?);
    Ok(Element { class, parent, kind, code })
}

/// The baskets that are stored in the tree's own record, by their numbers.
fn embedded_baskets(buffer: &mut Buffer<'_>) -> Result<Vec<(usize, Values)>, Fault> {
    let (count, mut array) = object_array(buffer)?;
    let mut baskets = Vec::new();
    for index in 0..count {
        match array.pointer()? {
            Pointer::Null => {}
            Pointer::Object { class: "TBasket", body, .. } => baskets.push((index, decode_embedded(body)?)),
            _ => return Err(Fault::damaged("its list of baskets has something else in it")),
        }
    }
    Ok(baskets)
}

#[cfg(test)]
mod tests;
