//! Writing the record of a tree as ROOT 6.40 does: `TTree` version 20, `TBranch` 13, `TBranchElement` 10.

use super::pending::{LeafLayout, PendingBranch};
use crate::encoder::{Encoder, Open};

/// `TObject` bits of a tree: objects that it holds tell it when they are deleted (`kMustCleanup`).
const MUST_CLEANUP: u32 = 1 << 3;
/// `TObject` bits of a branch whose objects do not refer to one another.
const NO_BUFFER_MAP: u32 = 1 << 22;
/// ROOT's checksum of the class `vector<float>`, and its version.
const VECTOR_CHECKSUM: u32 = 0x055a_169b;
const VECTOR_VERSION: i16 = 6;
/// ROOT's checksum of the class `ROOT::TIOFeatures`.
const FEATURES_CHECKSUM: u32 = 0x1aa1_2f10;
/// ROOT's defaults for settings that only matter when a tree is filled or drawn.
const SCAN_FIELD: i32 = 25;
const OFFSETS_LENGTH: i32 = 1000;
const MAX_ENTRIES: i64 = 1_000_000_000_000;
const AUTO_SAVE: i64 = -300_000_000;
const AUTO_FLUSH: i64 = -30_000_000;
const ESTIMATE: i64 = 1_000_000;
const BUFFER_LENGTH: i32 = 32_000;
const SPLIT_LEVEL: i32 = 99;
const MIN_TABLE_LENGTH: usize = 10;

/// Settings that all branches of a tree share.
#[derive(Clone, Copy)]
pub(super) struct Common {
    pub(super) entries: u64,
    pub(super) compression: i32,
}

pub(super) fn encode_tree(
    encoder: &mut Encoder,
    name: &str,
    title: &str,
    branches: &[PendingBranch],
    common: Common,
) {
    let tree = encoder.open(20);
    named(encoder, MUST_CLEANUP, name, title);
    line_fill_marker(encoder);
    encoder.u64(common.entries);
    let (plain, stored) =
        branches.iter().map(lengths).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    encoder.u64(plain);
    encoder.u64(stored);
    // Bytes written at the last automatic saving, and at the last flushing.
    encoder.u64(0);
    encoder.u64(0);
    // Weight of the tree, interval of its timer.
    encoder.f64(1.0);
    encoder.i32(0);
    encoder.i32(SCAN_FIELD);
    // Interval of updates, length of the tables of offsets, number of ranges of clusters.
    encoder.i32(0);
    encoder.i32(OFFSETS_LENGTH);
    encoder.i32(0);
    for value in [MAX_ENTRIES, MAX_ENTRIES, 0, AUTO_SAVE, AUTO_FLUSH, ESTIMATE] {
        encoder.i64(value);
    }
    // The (empty) ranges of clusters.
    encoder.u8(0);
    encoder.u8(0);
    features(encoder);
    let array = open_array(encoder, branches.len());
    let leaves: Vec<_> = branches.iter().map(|branch| encode_branch(encoder, branch, common)).collect();
    encoder.close(array);
    let array = open_array(encoder, leaves.len());
    for place in leaves {
        encoder.u32(place);
    }
    encoder.close(array);
    // No aliases, no index (two empty arrays and no object), no friends, no user information, no references.
    for _ in 0..7 {
        encoder.u32(0);
    }
    encoder.close(tree);
}

fn named(encoder: &mut Encoder, bits: u32, name: &str, title: &str) {
    let open = encoder.open(1);
    encoder.tobject(bits);
    encoder.string(name);
    encoder.string(title);
    encoder.close(open);
}

fn line_fill_marker(encoder: &mut Encoder) {
    let line = encoder.open(2);
    for value in [602, 1, 1] {
        encoder.i16(value);
    }
    encoder.close(line);
    fill(encoder);
    let marker = encoder.open(3);
    encoder.i16(1);
    encoder.i16(1);
    encoder.f32(1.0);
    encoder.close(marker);
}

fn fill(encoder: &mut Encoder) {
    let open = encoder.open(2);
    encoder.i16(0);
    encoder.i16(1001);
    encoder.close(open);
}

/// Writes a `ROOT::TIOFeatures` without features. The class has no version but a checksum.
fn features(encoder: &mut Encoder) {
    let open = encoder.open(0);
    encoder.u32(FEATURES_CHECKSUM);
    encoder.u8(0);
    encoder.close(open);
}

fn open_array(encoder: &mut Encoder, count: usize) -> Open {
    let open = encoder.open(3);
    encoder.tobject(0);
    encoder.string("");
    encoder.i32(count as i32);
    encoder.i32(0);
    open
}

fn empty_array(encoder: &mut Encoder) {
    let open = open_array(encoder, 0);
    encoder.close(open);
}

/// Bytes of all baskets with their keys: decompressed, and as they are in the file.
fn lengths(branch: &PendingBranch) -> (u64, u64) {
    branch.records.iter().fold((0, 0), |(plain, stored), record| {
        let key = u64::from(record.key_length);
        (plain + key + u64::from(record.object_length), stored + u64::from(record.length))
    })
}

/// Writes a branch. Returns the place of its leaf, to which the tree refers.
fn encode_branch(encoder: &mut Encoder, branch: &PendingBranch, common: Common) -> u32 {
    let pointer = encoder.open_pointer(branch.class());
    let place = if let Some(leaf) = branch.leaf() {
        encode_base(encoder, branch, Some(&leaf), common)
    } else {
        let element = encoder.open(10);
        let place = encode_base(encoder, branch, None, common);
        encode_element(encoder);
        encoder.close(element);
        place
    };
    encoder.close(pointer);
    place
}

/// Writes the `TBranch` part of a branch. Returns the place of its leaf.
fn encode_base(
    encoder: &mut Encoder,
    branch: &PendingBranch,
    leaf: Option<&LeafLayout>,
    common: Common,
) -> u32 {
    let base = encoder.open(13);
    named(encoder, NO_BUFFER_MAP, &branch.spec.name, &branch.spec.title);
    fill(encoder);
    encoder.i32(common.compression);
    encoder.i32(BUFFER_LENGTH);
    encoder.i32(if leaf.is_some() { 0 } else { OFFSETS_LENGTH });
    encoder.i32(branch.records.len() as i32);
    encoder.u64(common.entries);
    features(encoder);
    encoder.i32(0);
    // One slot of the table stays free, for the number after the last entry.
    let table = (branch.records.len() + 1).max(MIN_TABLE_LENGTH);
    encoder.i32(table as i32);
    encoder.i32(if leaf.is_some() { 0 } else { SPLIT_LEVEL });
    encoder.u64(common.entries);
    encoder.u64(0);
    let (plain, stored) = lengths(branch);
    encoder.u64(plain);
    encoder.u64(stored);
    empty_array(encoder);
    let leaves = open_array(encoder, 1);
    let place = encoder.place();
    encode_leaf(encoder, branch, leaf);
    encoder.close(leaves);
    // No basket is stored in the tree's record: each is a record of its own.
    empty_array(encoder);
    encode_table(encoder, branch, table, common.entries);
    encoder.string("");
    encoder.close(base);
    place
}

fn encode_table(encoder: &mut Encoder, branch: &PendingBranch, table: usize, entries: u64) {
    let padded = |values: &mut dyn Iterator<Item = u64>, encode: &mut dyn FnMut(u64)| {
        values.chain(std::iter::repeat(0)).take(table).for_each(encode);
    };
    encoder.u8(1);
    padded(&mut branch.records.iter().map(|record| u64::from(record.length)), &mut |value| {
        encoder.u32(value as u32);
    });
    encoder.u8(1);
    padded(&mut branch.first_entries.iter().copied().chain([entries]), &mut |value| encoder.u64(value));
    encoder.u8(1);
    padded(&mut branch.records.iter().map(|record| record.seek), &mut |value| encoder.u64(value));
}

fn encode_leaf(encoder: &mut Encoder, branch: &PendingBranch, layout: Option<&LeafLayout>) {
    let pointer = encoder.open_pointer(branch.leaf_class());
    let leaf = encoder.open(1);
    let base = encoder.open(2);
    // The name, not the title of the branch: programs look for the bounds of arrays in a leaf's title.
    named(encoder, 0, &branch.spec.name, &branch.spec.name);
    encoder.i32(1);
    encoder.i32(layout.map_or(0, |layout| layout.size as i32));
    encoder.i32(0);
    encoder.bool(false);
    encoder.bool(layout.is_some_and(|layout| layout.unsigned));
    encoder.u32(0);
    encoder.close(base);
    match layout {
        // Minimum and maximum of the values, which are not recorded.
        Some(layout) => encoder.bytes.extend(std::iter::repeat_n(0, 2 * layout.size)),
        // Number and type of the streamer element: there is none.
        None => (0..2).for_each(|_| encoder.i32(-1)),
    }
    encoder.close(leaf);
    encoder.close(pointer);
}

/// Writes the members that `TBranchElement` adds to `TBranch`, for a vector that is not split.
fn encode_element(encoder: &mut Encoder) {
    encoder.string("vector<float>");
    encoder.string("");
    encoder.string("");
    encoder.u32(VECTOR_CHECKSUM);
    encoder.i16(VECTOR_VERSION);
    // Number of the streamer element, type of the branch, type of the element, largest count.
    for value in [-1, 0, -1, 0] {
        encoder.i32(value);
    }
    // There are no branches with counts.
    encoder.u32(0);
    encoder.u32(0);
}
