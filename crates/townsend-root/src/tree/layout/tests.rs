use super::super::branch::{BranchKind, ElementType};
use super::*;
use crate::encoder::Encoder;

fn object(encoder: &mut Encoder, version: i16, body: impl FnOnce(&mut Encoder)) {
    let open = encoder.open(version);
    body(encoder);
    encoder.close(open);
}

fn array(encoder: &mut Encoder, classes: &[&'static str], item: &mut dyn FnMut(&mut Encoder, usize)) {
    object(encoder, 3, |encoder| {
        encoder.tobject(0);
        encoder.string("");
        encoder.i32(classes.len() as i32);
        encoder.i32(0);
        for (index, class) in classes.iter().enumerate() {
            let pointer = encoder.open_pointer(class);
            item(encoder, index);
            encoder.close(pointer);
        }
    });
}

fn no_objects(encoder: &mut Encoder) {
    array(encoder, &[], &mut |_, _| ());
}

fn leaf(encoder: &mut Encoder) {
    object(encoder, 1, |encoder| {
        object(encoder, 2, |encoder| {
            encoder.tnamed("energy", "energy");
            (0..3).for_each(|_| encoder.i32(1));
            encoder.bool(false);
            encoder.bool(false);
            encoder.u32(0);
        });
        encoder.f64(0.0);
        encoder.f64(0.0);
    });
}

/// A `TBranch` of version 8 with two baskets of 30 and 12 entries; `inner` writes its list of branches.
fn branch(encoder: &mut Encoder, version: i16, inner: &mut dyn FnMut(&mut Encoder)) {
    object(encoder, version, |encoder| {
        encoder.tnamed("energy", "energy/D");
        object(encoder, 1, |_| ());
        // Compression, size of baskets, length of offsets, baskets written, number of the current entry.
        // Then offset, room for baskets, split level.
        for value in [1, 32_000, 0, 2, 42, 0, 3, 0] {
            encoder.i32(value);
        }
        for value in [42.0, 500.0, 500.0] {
            encoder.f64(value);
        }
        inner(encoder);
        array(encoder, &["TLeafD"], &mut |encoder, _| leaf(encoder));
        no_objects(encoder);
        for table in [[300, 100, 0], [0, 30, 42], [1000, 2000, 0]] {
            encoder.u8(1);
            for value in table {
                encoder.i32(value);
            }
        }
        encoder.string("");
    });
}

/// A `TTree` of version 5, as Geant4 writes it.
fn tree(version: i16, branches: &mut dyn FnMut(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::default();
    object(&mut encoder, version, |encoder| {
        encoder.tnamed("hits", "energy deposits");
        (0..3).for_each(|_attributes| object(encoder, 1, |_| ()));
        (0..4).for_each(|_| encoder.f64(42.0));
        (0..7).for_each(|_| encoder.i32(0));
        branches(encoder);
    });
    encoder.bytes
}

fn one_branch(encoder: &mut Encoder) {
    array(encoder, &["TBranch"], &mut |encoder, _| branch(encoder, 8, &mut no_objects));
}

fn decode(bytes: &[u8], file_length: u64) -> Result<TreeRecord, Fault> {
    decode_tree("TTree", Buffer::new(bytes, 0), file_length, &Classes::default())
}

#[test]
fn the_versions_of_geant4_are_read() {
    let record = decode(&tree(5, &mut one_branch), 5000).unwrap();
    assert_eq!((record.entries, &*record.title), (42, "energy deposits"));
    let [branch] = &record.branches[..] else { panic!("{record:?}") };
    assert_eq!((branch.name(), branch.kind()), ("energy", &BranchKind::Scalar(ElementType::F64)));
    assert_eq!((branch.entries(), branch.total_bytes()), (42, 500));
    let entries: Vec<_> = branch.storage.baskets.iter().map(|basket| basket.entries.clone()).collect();
    assert_eq!(entries, [0..30, 30..42]);
}

/// What is said of the only branch of a tree.
fn unsupported(record: &TreeRecord) -> &str {
    match &record.branches[..] {
        [branch] if branch.name() == "energy" && branch.title() == "energy/D" => match branch.kind() {
            BranchKind::Unsupported(what) => what,
            other => panic!("{other}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn versions_that_are_not_known_are_told() {
    for bytes in [tree(6, &mut one_branch), tree(21, &mut one_branch)] {
        assert!(
            matches!(decode(&bytes, 5000), Err(Fault::Unsupported(reason)) if reason.contains("are known"))
        );
    }
    let bytes = tree(5, &mut |encoder| {
        array(encoder, &["TBranch"], &mut |encoder, _| branch(encoder, 9, &mut no_objects));
    });
    assert!(unsupported(&decode(&bytes, 5000).unwrap()).contains("are known"));
}

#[test]
fn a_branch_that_is_damaged_does_not_keep_from_the_others() {
    let bytes = tree(5, &mut one_branch);
    let record = decode(&bytes, 399).unwrap();
    assert!(
        unsupported(&record).contains("damaged") && unsupported(&record).contains("longer than the file")
    );
    let bytes = tree(5, &mut |encoder| {
        array(encoder, &["TBranch"; 2], &mut |encoder, index| {
            branch(encoder, [9, 8][index], &mut no_objects);
        });
    });
    let kinds: Vec<_> =
        decode(&bytes, 5000).unwrap().branches.into_iter().map(|branch| branch.stored.kind).collect();
    assert!(
        matches!(&kinds[..], [BranchKind::Unsupported(_), BranchKind::Scalar(ElementType::F64)]),
        "{kinds:?}"
    );
}

#[test]
fn branches_within_branches_end_somewhere() {
    fn nested(encoder: &mut Encoder, depth: usize) {
        array(encoder, &["TBranch"], &mut |encoder, _| {
            branch(encoder, 8, &mut |encoder| {
                if depth == 0 { no_objects(encoder) } else { nested(encoder, depth - 1) }
            });
        });
    }
    let names =
        |depth| decode(&tree(5, &mut |encoder| nested(encoder, depth)), 50_000).map(|record| record.branches);
    let [branch] = &names(2).unwrap()[..] else { panic!("not one branch") };
    assert_eq!(branch.name(), "energy.energy.energy");
    let deep = names(40).unwrap();
    let [branch] = &deep[..] else { panic!("{} branches", deep.len()) };
    assert!(branch.kind().to_string().contains("nested deeper"), "{branch:?}");
}

#[test]
fn names_are_put_together_once() {
    assert_eq!(full_name("", "x").unwrap(), "x");
    assert_eq!(full_name("event", "x").unwrap(), "event.x");
    assert_eq!(full_name("event.", "event.x").unwrap(), "event.x");
    assert_eq!(full_name("event", "events").unwrap(), "event.events");
    assert!(full_name("event", &"x".repeat(MAX_NAME_LENGTH)).is_err());
}
