//! Trees that ROOT wrote are read as ROOT reads them.

use std::path::PathBuf;

use townsend_root::{BranchKind, Column, ElementType, Error, RootFile, Tree, Values};

fn open(name: &str) -> RootFile {
    RootFile::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The values of each entry.
fn rows(tree: &Tree<'_>, name: &str) -> Vec<Vec<f64>> {
    let column = tree.read_column(name).unwrap();
    let values = column.values.to_f64();
    (0..column.entries()).map(|index| values[column.entry(index)].to_vec()).collect()
}

/// One row an entry, as `make_tree_foreign.py` fills it.
fn filled(entries: i32, row: impl Fn(i32) -> Vec<f64>) -> Vec<Vec<f64>> {
    (0..entries).map(row).collect()
}

fn range(range: std::ops::Range<i32>) -> Vec<f64> {
    range.map(f64::from).collect()
}

#[test]
fn every_compression_gives_the_sums_that_the_files_were_made_with() {
    for name in ["tree_none.root", "tree_zlib.root", "tree_zstd.root"] {
        let file = open(name);
        let tree = file.read_tree("electrons").unwrap();
        assert_eq!((tree.entries(), tree.title()), (1000, "electron end points"));
        let sums = ["evt", "n", "ex", "vi"].map(|branch| rows(&tree, branch).concat().iter().sum::<f64>());
        assert_eq!(sums.to_vec(), vec![499_500.0, 2_997.0, 1_500_127.75, 971_997_000.0], "{name}");
        assert_eq!(tree.read_column("vx").unwrap().values.len(), 19_500, "{name}");
    }
}

#[test]
fn branches_say_what_they_hold() {
    let file = open("tree_zlib.root");
    let tree = file.read_tree("electrons").unwrap();
    let branches: Vec<_> = tree
        .branches()
        .iter()
        .map(|branch| format!("{} {} {} {}", branch.name(), branch.kind(), branch.title(), branch.entries()))
        .collect();
    let wanted = [
        "evt i32 evt/I 1000",
        "x f32 x/F 1000",
        "y f32 y/F 1000",
        "z f64 z/D 1000",
        "id i64 id/L 1000",
        "ok bool ok/O 1000",
        "us u16 us/s 1000",
        "p3 f32[3] p3[3]/F 1000",
        "n i32 n/I 1000",
        "ex f32[] ex[n]/F 1000",
        "vx vector<f32> vx 1000",
        "vy vector<f32> vy 1000",
        "vt vector<f32> vt 1000",
        "vi vector<i32> vi 1000",
        "label text label 1000",
    ];
    assert_eq!(branches, wanted);
    assert_eq!(*tree.branch("vx").unwrap().kind(), BranchKind::Vector(ElementType::F32));
    assert_eq!(tree.branch("evt").unwrap().total_bytes(), 4075);
}

#[test]
fn texts_are_read() {
    let file = open("tree_zstd.root");
    let labels = file.read_tree("electrons").unwrap().read_column("label").unwrap();
    let file = open("tree_foreign.root");
    let texts = file.read_tree("sub/deep/foreign").unwrap().read_column("text").unwrap();
    // `label` is a std::string and `text` a leaf of type C, of which some take more than 254 bytes.
    for entry in 0..1000 {
        assert_eq!(labels.text(entry).unwrap(), format!("ev{entry}"));
    }
    for entry in 0..50 {
        assert_eq!(texts.text(entry).unwrap(), "x".repeat((7 * entry).min(399)));
    }
}

#[test]
fn vectors_of_all_types_are_read() {
    let file = open("tree_foreign.root");
    let tree = file.read_tree("/sub/deep/foreign;1").unwrap();
    for name in ["vd", "vf", "vi", "vu", "vs", "vus", "vl", "vul"] {
        assert_eq!(rows(&tree, name), filled(50, |i| range(i..i + i % 4)), "{name}");
    }
    for name in ["vc", "vuc"] {
        assert_eq!(rows(&tree, name), filled(50, |i| range(60 + i..60 + i + i % 4)), "{name}");
    }
    assert_eq!(rows(&tree, "vb"), filled(50, |i| (i..i + i % 4).map(|j| f64::from(j & 1)).collect()));
    assert!(matches!(tree.read_column("vul").unwrap().values, Values::U64(_)));
}

#[test]
fn flat_branches_of_all_types_are_read() {
    let file = open("tree_foreign.root");
    let tree = file.read_tree("sub/deep/foreign").unwrap();
    for letter in ["B", "S", "I", "L", "G", "F", "D"] {
        assert_eq!(rows(&tree, &format!("flat_{letter}")), filled(50, |i| vec![-f64::from(i)]), "{letter}");
    }
    for (letter, first) in [("b", 200_u64), ("s", 60_000), ("i", 1 << 31), ("l", 1 << 63)] {
        let wanted: Vec<_> = (0..50).map(|i| vec![(first + i) as f64]).collect();
        assert_eq!(rows(&tree, &format!("flat_{letter}")), wanted, "{letter}");
    }
    assert_eq!(rows(&tree, "flat_O"), filled(50, |i| vec![f64::from(i & 1)]));
    assert_eq!(rows(&tree, "flat_d"), filled(50, |i| vec![-f64::from(i)]));
    let Values::U64(values) = tree.read_column("flat_l").unwrap().values else { panic!("not u64") };
    assert_eq!(values[3], (1 << 63) + 3);
}

#[test]
fn split_objects_leaf_lists_and_counted_arrays_are_read() {
    let file = open("tree_foreign.root");
    let tree = file.read_tree("sub/deep/foreign").unwrap();
    for object in ["p", "q"] {
        assert_eq!(rows(&tree, &format!("{object}.a")), filled(50, |i| vec![f64::from(i) + 0.5]));
        assert_eq!(rows(&tree, &format!("{object}.b")), filled(50, |i| vec![-2.0 * f64::from(i)]));
        assert_eq!(
            rows(&tree, &format!("{object}.c[2]")),
            filled(50, |i| vec![3.0 * f64::from(i), -f64::from(i)])
        );
    }
    assert_eq!(rows(&tree, "items.a"), filled(50, |i| range(i..i + i % 3)));
    assert_eq!(rows(&tree, "items.b"), filled(50, |i| (i..i + i % 3).map(|j| -f64::from(j)).collect()));
    assert_eq!(rows(&tree, "list.u"), filled(50, |i| vec![f64::from(i)]));
    assert_eq!(rows(&tree, "list.v"), filled(50, |i| vec![f64::from(i) + 0.25, f64::from(i) + 0.5]));
    assert_eq!(rows(&tree, "e2"), filled(50, |i| range(i..i + 3 * (i % 5))));
}

#[test]
fn entries_start_where_the_counts_say_if_baskets_do_not() {
    let file = open("unusual_trees.root");
    for name in ["offset_map", "embedded_map"] {
        let tree = file.read_tree(name).unwrap();
        let eighths = |i: i32| (0..i % 7).map(|j| f64::from(i) + f64::from(j) / 8.0).collect();
        let pairs = |i: i32| (0..i % 7).flat_map(|j| [f64::from(i + j), f64::from(-i - j)]).collect();
        assert_eq!(rows(&tree, "x"), filled(100, eighths), "{name}");
        assert_eq!(rows(&tree, "y"), filled(100, pairs), "{name}");
        assert_eq!(rows(&tree, "v"), filled(100, |i| range(i..i + i % 7)), "{name}");
        // In 16 bits from -64 to 64.
        let packed = |i: i32| (0..i % 7).map(|j| f64::from(i - j).min(64.0)).collect();
        assert_eq!(rows(&tree, "z"), filled(100, packed), "{name}");
        let mut reader = tree.reader("y").unwrap();
        let mut column = Column::default();
        for entry in [99, 3, 57] {
            reader.read(entry..entry + 1, &mut column).unwrap();
            assert_eq!(column.values.to_f64(), pairs(entry as i32), "{name} {entry}");
        }
    }
    let file = open("tree_foreign.root");
    let tree = file.read_tree("without_offsets").unwrap();
    assert_eq!(rows(&tree, "ex"), filled(20, |i| vec![0.0; i as usize % 7]));
}

#[test]
fn vectors_with_other_allocators_are_vectors() {
    let file = open("unusual_trees.root");
    let tree = file.read_tree("allocators").unwrap();
    assert_eq!(tree.branches().len(), 11);
    for branch in tree.branches() {
        assert!(matches!(branch.kind(), BranchKind::Vector(_)), "{} is {}", branch.name(), branch.kind());
        let ones = |i: i32| (i..i + i).map(|j| f64::from(j & 1)).collect();
        assert_eq!(rows(&tree, branch.name()), filled(4, ones), "{}", branch.name());
    }
}

#[test]
fn a_branch_in_another_file_does_not_keep_from_the_others() {
    let file = open("unusual_trees.root");
    let tree = file.read_tree("other_file").unwrap();
    assert_eq!(rows(&tree, "a"), filled(100, |_| vec![0.0]));
    // What was not flushed is in the record of the tree.
    assert_eq!(rows(&tree, "c"), filled(100, |i| vec![2.0 * f64::from(i)]));
    let error = tree.read_column("b").unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
    let message = error.to_string();
    for part in ["unusual_trees.root", "other_file/b", "gone.root", "hint"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_tree_and_its_branches_may_say_different_numbers_of_entries() {
    let file = open("unusual_trees.root");
    let tree = file.read_tree("entries").unwrap();
    let column = tree.read_column("a").unwrap();
    assert_eq!((tree.entries(), tree.branch("a").unwrap().entries(), column.entries()), (4, 6, 6));
}

#[test]
fn baskets_within_the_record_of_the_tree_are_read() {
    let file = open("tree_foreign.root");
    let tree = file.read_tree("embedded").unwrap();
    let eighths = |i: i32| (0..i % 7).map(|j| f64::from(i) + f64::from(j) / 8.0).collect();
    let quarters = |i: i32| (0..i % 5).map(|j| -f64::from(i) - f64::from(j) / 4.0).collect();
    assert_eq!(rows(&tree, "n"), filled(200, |i| vec![f64::from(i % 7)]));
    assert_eq!(rows(&tree, "ex"), filled(200, eighths));
    assert_eq!(rows(&tree, "v"), filled(200, quarters));
}

#[test]
fn trees_of_other_makers_are_read() {
    let file = open("tree_foreign.root");
    let snapshot = file.read_tree("snapshot").unwrap();
    assert_eq!(rows(&snapshot, "x"), filled(20, |i| (0..i).map(|j| f64::from(j) / 2.0).collect()));
    assert_eq!(rows(&snapshot, "w"), filled(20, |i| vec![1.5; i as usize % 3]));
    let ntuple = file.read_tree("ntuple").unwrap();
    assert_eq!(rows(&ntuple, "c"), filled(10, |i| vec![3.0 * f64::from(i)]));
    let empty = file.read_tree("empty").unwrap();
    assert_eq!((empty.entries(), empty.read_column("v").unwrap()), (0, Column::default()));
}

#[test]
fn pieces_are_the_whole() {
    let file = open("tree_zlib.root");
    let tree = file.read_tree("electrons").unwrap();
    for name in ["vx", "ex", "p3", "evt"] {
        let whole = rows(&tree, name);
        let mut reader = tree.reader(name).unwrap();
        let mut column = Column::default();
        for length in [1, 7, 330, 331, 999] {
            let mut pieces = Vec::new();
            for start in (0..1000).step_by(length) {
                reader.read(start..start + length as u64, &mut column).unwrap();
                let values = column.values.to_f64();
                pieces.extend((0..column.entries()).map(|index| values[column.entry(index)].to_vec()));
            }
            assert!(pieces == whole, "{name} in pieces of {length}");
        }
        // Backwards, and beyond the end.
        reader.read(400..402, &mut column).unwrap();
        assert_eq!(column.values.to_f64(), whole[400..402].concat());
        reader.read(998..5000, &mut column).unwrap();
        assert_eq!((column.entries(), column.values.to_f64()), (2, whole[998..].concat()));
        reader.read(1000..1001, &mut column).unwrap();
        assert_eq!(column.entries(), 0);
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let file = open("tree_foreign.root");
    let tree = file.read_tree("sub/deep/foreign").unwrap();
    let told = |result: Result<Column, Error>, parts: &[&str]| {
        let message = result.unwrap_err().to_string();
        for part in ["tree_foreign.root"].iter().chain(parts) {
            assert!(message.contains(part), "{message}");
        }
    };
    told(tree.read_column("vstr"), &["sub/deep/foreign/vstr", "vector<string>"]);
    told(tree.read_column("va"), &["\"sub/deep/foreign/va\"", "the nearest are \"sub/deep/foreign/vb\""]);
    assert!(matches!(file.read_tree("sub"), Err(Error::WrongClass { wanted: "TTree", .. })));
    assert!(matches!(file.read_tree("foreign"), Err(Error::KeyNotFound { .. })));
}

/// The lines of an expected text: tree, branch, lengths of entries and values.
fn expected(name: &str) -> Vec<(String, String, Vec<usize>, Vec<f64>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let line = |line: &str| {
        let [tree, branch, lengths, values] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let lengths = lengths.split(' ').map(|text| text.parse().unwrap()).collect();
        let values = values.split_whitespace().map(|text| text.parse().unwrap()).collect();
        (tree.to_owned(), branch.to_owned(), lengths, values)
    };
    text.lines().map(line).collect()
}

#[test]
fn packed_numbers_and_containers_are_those_of_root_bit_for_bit() {
    let file = open("packed.root");
    let expected = expected("packed.expected.txt");
    for (tree, branch, lengths, values) in &expected {
        let column = file.read_tree(tree).unwrap().read_column(branch).unwrap();
        let have: Vec<_> = (0..column.entries()).map(|index| column.entry(index).len()).collect();
        assert_eq!(&have, lengths, "{branch}");
        let (have, want) = (column.values.to_f64(), values);
        let differs = have.iter().zip(want).position(|(have, want)| have.to_bits() != want.to_bits());
        assert_eq!((have.len(), differs), (want.len(), None), "{branch}: {have:?} {want:?}");
    }
    let branches = |tree: &str| file.read_tree(tree).unwrap().branches().len();
    assert_eq!(branches("leaves") + branches("members"), expected.len());
}

#[test]
fn arrays_tell_their_shapes_and_what_counts_them() {
    let file = open("packed.root");
    let tree = file.read_tree("leaves").unwrap();
    let shape = |name: &str| {
        let branch = tree.branch(name).unwrap();
        (branch.kind().to_string(), branch.shape().to_vec(), branch.counter())
    };
    assert_eq!(shape("a"), ("f32".to_owned(), vec![], None));
    assert_eq!(shape("c"), ("f32[3]".to_owned(), vec![3], None));
    assert_eq!(shape("q"), ("f32[20]".to_owned(), vec![4, 5], None));
    assert_eq!(shape("h"), ("f64[6]".to_owned(), vec![2, 3], None));
    assert_eq!(shape("e"), ("f32[]".to_owned(), vec![], Some("n")));
    assert_eq!(shape("p"), ("f32[]".to_owned(), vec![2], Some("n")));
    assert_eq!(shape("u"), ("f64[]".to_owned(), vec![2, 3], Some("n")));
    let members = file.read_tree("members").unwrap();
    let branch = |name: &str| members.branch(name).unwrap();
    assert_eq!((branch("p.dn").counter(), branch("p.d6[2][3]").shape()), (Some("p.n"), &[2, 3][..]));
    assert_eq!((branch("p.vi.q").counter(), branch("p.vi.w[2]").shape()), (None, &[2][..]));
}
