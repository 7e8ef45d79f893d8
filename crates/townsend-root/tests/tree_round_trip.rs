//! Written trees are read by ROOT and by uproot value for value, and so are fixtures by this crate.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use support::run_python;
use townsend_root::{
    BranchKind, BranchSpec, BranchType, BranchValue, Compression, RootFile, RootWriter, TreeWriter,
};

/// The lengths of all entries, and all values.
type Columns = BTreeMap<String, (Vec<usize>, Vec<f64>)>;

const SPECS: [(&str, &str, BranchType); 8] = [
    ("event", "number of the avalanche", BranchType::I64),
    ("x", "x [mm]", BranchType::VectorF32),
    ("z", "z [mm]", BranchType::VectorF32),
    ("t", "drift time [ns]", BranchType::VectorF32),
    ("gain", "gain", BranchType::F64),
    ("height", "height [mV]", BranchType::F32),
    ("size", "electrons", BranchType::U32),
    ("flag", "", BranchType::I32),
];

fn specs() -> Vec<BranchSpec> {
    SPECS.iter().map(|(name, title, kind)| BranchSpec::new(*name, *title, *kind)).collect()
}

/// Numbers with all bits in use, the same each time.
fn number(entry: usize, index: usize) -> f32 {
    let hash = (entry as u64 * 1_000_003 + index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    hash as f32 / 1000.0 - 8000.0
}

/// Writes entries with vectors of these lengths; what should be read.
fn write(path: &Path, name: &str, compression: Compression, lengths: &[usize]) -> Columns {
    let root = RootWriter::create(path, compression).unwrap();
    let mut tree = TreeWriter::new(root, name, "electrons of avalanches", &specs()).unwrap();
    let mut columns = Columns::new();
    for (entry, &length) in lengths.iter().enumerate() {
        let vector: Vec<f32> = (0..length).map(|index| number(entry, index)).collect();
        let reversed: Vec<f32> = vector.iter().rev().copied().collect();
        let event = entry as i64 - (1 << 40);
        let values = [
            BranchValue::I64(event),
            BranchValue::VectorF32(&vector),
            BranchValue::VectorF32(&reversed),
            BranchValue::VectorF32(&vector[..length / 2]),
            BranchValue::F64(1.0 / (entry + 1) as f64),
            BranchValue::F32(number(entry, 0)),
            BranchValue::U32(u32::MAX - length as u32),
            BranchValue::I32(-(entry as i32)),
        ];
        tree.fill(&values).unwrap();
        for (value, (name, ..)) in values.iter().zip(SPECS) {
            let (lengths, all) = columns.entry(name.to_owned()).or_default();
            let row = numbers(value);
            lengths.push(row.len());
            all.extend(row);
        }
    }
    tree.finish().unwrap().finish().unwrap();
    for (name, ..) in SPECS {
        columns.entry(name.to_owned()).or_default();
    }
    columns
}

fn numbers(value: &BranchValue<'_>) -> Vec<f64> {
    match *value {
        BranchValue::VectorF32(items) => items.iter().copied().map(f64::from).collect(),
        BranchValue::I64(value) => vec![value as f64],
        BranchValue::U32(value) => vec![f64::from(value)],
        BranchValue::I32(value) => vec![f64::from(value)],
        BranchValue::F32(value) => vec![f64::from(value)],
        BranchValue::F64(value) => vec![value],
    }
}

/// What this crate reads, of the branches that are not texts.
fn read(path: &Path, name: &str) -> Columns {
    let file = RootFile::open(path).unwrap();
    let tree = file.read_tree(name).unwrap();
    let branches = tree.branches().iter().filter(|branch| *branch.kind() != BranchKind::Text);
    branches
        .map(|branch| {
            let column = tree.read_column(branch.name()).unwrap();
            let lengths = (0..column.entries()).map(|index| column.entry(index).len()).collect();
            (branch.name().to_owned(), (lengths, column.values.to_f64()))
        })
        .collect()
}

/// What Python reads of `trees` by the ways of `read_tree.py`: by way and number of the tree.
fn python_reads(ways: &str, trees: &[(&Path, &str)]) -> BTreeMap<(String, usize), Columns> {
    let mut arguments = vec![Path::new(ways)];
    arguments.extend(trees.iter().flat_map(|(path, name)| [path, Path::new(name)]));
    let mut found = BTreeMap::<_, Columns>::new();
    for way in ways.split(',') {
        found.extend((0..trees.len()).map(|number| ((way.to_owned(), number), Columns::new())));
    }
    for line in run_python("read_tree.py", &arguments).lines() {
        let [way, tree, name, lengths, values] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let lengths = lengths.split_whitespace().map(|length| length.parse().unwrap()).collect();
        let values = values.split_whitespace().map(|value| value.parse().unwrap()).collect();
        let columns = found.get_mut(&(way.to_owned(), tree.parse().unwrap())).unwrap();
        columns.insert(name.to_owned(), (lengths, values));
    }
    found
}

/// Compares without printing megabytes.
fn assert_same(wanted: &Columns, found: &Columns, what: &str) {
    assert!(wanted.keys().eq(found.keys()), "{what}: {:?}", found.keys());
    for (name, (lengths, values)) in wanted {
        let (found_lengths, found_values) = &found[name];
        assert!(lengths == found_lengths, "{what}: lengths of {name}");
        assert!(values == found_values, "{what}: values of {name}");
    }
}

#[test]
fn fixtures_are_read_as_uproot_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let paths = ["tree_none.root", "tree_zlib.root", "tree_zstd.root"].map(|name| folder.join(name));
    let trees: Vec<_> = paths.iter().map(|path| (path.as_path(), "electrons")).collect();
    for ((way, number), found) in python_reads("uproot", &trees) {
        assert_same(&read(&paths[number], "electrons"), &found, &format!("{way}, file {number}"));
    }
}

/// Writes trees into `folder`, one for each list of lengths; they are read in all `ways`.
fn check_written(ways: &str, name: &str, trees: &[(Compression, Vec<usize>)]) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..trees.len()).map(|number| folder.path().join(format!("{number}.root"))).collect();
    let written: Vec<_> = trees
        .iter()
        .zip(&paths)
        .map(|((compression, lengths), path)| write(path, name, *compression, lengths))
        .collect();
    for (wanted, path) in written.iter().zip(&paths) {
        assert_same(wanted, &read(path, name), "this crate");
    }
    let places: Vec<_> = paths.iter().map(|path| (path.as_path(), name)).collect();
    for ((way, number), found) in python_reads(ways, &places) {
        let what = format!("{way}, tree {number}");
        if way == "draw" {
            for (branch, (_, values)) in &written[number] {
                assert!(found[branch].1 == *values, "{what}: {branch}");
            }
        } else {
            assert_same(&written[number], &found, &what);
        }
    }
}

#[test]
fn every_way_of_root_and_uproot_reads_what_was_written() {
    // Empty vectors first, between others and last; several baskets of the vectors.
    let lengths = (0..150).map(|entry| [0, 1, 2, 700, 0, 3000][entry % 6]).chain([0]).collect();
    check_written("uproot,getentry,reader,frame,draw", "avalanche", &[(Compression::default(), lengths)]);
}

#[test]
fn every_compression_is_read() {
    let lengths: Vec<_> = (0..300).map(|entry| entry * 7 % 500).collect();
    let trees =
        [Compression::None, Compression::Zlib { level: 1 }, Compression::Lz4, Compression::Zstd { level: 1 }]
            .map(|compression| (compression, lengths.clone()));
    check_written("uproot,frame", "sub/deep/avalanche", &trees);
}

#[test]
fn none_one_huge_and_many_entries_are_read() {
    // None; one of a basket larger than a usual one; so many that flat branches take several baskets too.
    let trees = [vec![], vec![100_000], vec![0; 70_000]].map(|lengths| (Compression::default(), lengths));
    check_written("uproot,getentry", "avalanche", &trees);
}
