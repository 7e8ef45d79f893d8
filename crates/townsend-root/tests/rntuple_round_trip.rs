//! Written RNTuples are read by ROOT and by uproot bit for bit, and so are fixtures by this crate.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use support::run_python;
use townsend_root::{
    BranchKind, BranchSpec, BranchType, BranchValue, Column, Compression, RNTupleWriter, RootFile,
    RootWriter, Values,
};

/// The lengths of all entries and all values of each field, as `read_rntuple.py` prints them.
type Columns = BTreeMap<String, (String, String)>;

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

/// Numbers with all bits in use, the same each time; some are not finite.
fn number(entry: usize, index: usize) -> f32 {
    let hash = (entry as u64 * 1_000_003 + index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    match hash % 97 {
        0 => f32::INFINITY,
        1 => -0.0,
        2 => f32::MIN_POSITIVE / 2.0,
        _ => hash as f32 / 1000.0 - 8000.0,
    }
}

/// Writes entries with vectors of these lengths.
fn write(path: &Path, name: &str, compression: Compression, lengths: &[usize]) {
    let specs = SPECS.map(|(name, title, kind)| BranchSpec::new(name, title, kind));
    let root = RootWriter::create(path, compression).unwrap();
    let mut ntuple = RNTupleWriter::new(root, name, "electrons of avalanches", &specs).unwrap();
    for (entry, &length) in lengths.iter().enumerate() {
        let vector: Vec<f32> = (0..length).map(|index| number(entry, index)).collect();
        let reversed: Vec<f32> = vector.iter().rev().copied().collect();
        let values = [
            BranchValue::I64(entry as i64 * if entry % 2 == 0 { 1 } else { -(1 << 40) }),
            BranchValue::VectorF32(&vector),
            BranchValue::VectorF32(&reversed),
            BranchValue::VectorF32(&vector[..length / 2]),
            BranchValue::F64(1.0 / (entry + 1) as f64),
            BranchValue::F32(number(entry, 0)),
            BranchValue::U32(u32::MAX - length as u32),
            BranchValue::I32(-(entry as i32)),
        ];
        ntuple.fill(&values).unwrap();
    }
    assert_eq!(ntuple.entries(), lengths.len() as u64);
    ntuple.finish().unwrap().finish().unwrap();
}

/// What was written, in the form in which it is read.
fn written(lengths: &[usize]) -> BTreeMap<&'static str, Column> {
    let vectors = |value: &dyn Fn(usize, usize) -> f32, length: &dyn Fn(usize) -> usize| {
        let mut column = Column::default();
        let mut all = Vec::new();
        for (entry, &full) in lengths.iter().enumerate() {
            all.extend((0..length(full)).map(|index| value(entry, index)));
            column.offsets.push(all.len() as u64);
        }
        column.values = Values::F32(all);
        column
    };
    let single = |values| Column { offsets: (0..=lengths.len() as u64).collect(), values };
    let entries = 0..lengths.len();
    BTreeMap::from([
        ("x", vectors(&number, &|length| length)),
        ("z", vectors(&|entry, index| number(entry, lengths[entry] - 1 - index), &|length| length)),
        ("t", vectors(&number, &|length| length / 2)),
        (
            "event",
            single(Values::I64(
                entries
                    .clone()
                    .map(|entry| entry as i64 * if entry % 2 == 0 { 1 } else { -(1 << 40) })
                    .collect(),
            )),
        ),
        ("gain", single(Values::F64(entries.clone().map(|entry| 1.0 / (entry + 1) as f64).collect()))),
        ("height", single(Values::F32(entries.clone().map(|entry| number(entry, 0)).collect()))),
        ("size", single(Values::U32(lengths.iter().map(|&length| u32::MAX - length as u32).collect()))),
        ("flag", single(Values::I32(entries.map(|entry| -(entry as i32)).collect()))),
    ])
}

/// A column in the words of `read_rntuple.py`.
fn words(column: &Column) -> (String, String) {
    fn join(words: impl Iterator<Item = String>) -> String {
        words.collect::<Vec<_>>().join(" ")
    }
    fn double(value: f64) -> String {
        format!("{:016x}", value.to_bits())
    }
    let lengths = join((0..column.entries()).map(|index| column.entry(index).len().to_string()));
    let values = match &column.values {
        Values::Bool(values) => join(values.iter().map(|&value| u8::from(value).to_string())),
        Values::I8(values) => join(values.iter().map(ToString::to_string)),
        Values::U8(values) => join(values.iter().map(ToString::to_string)),
        Values::I16(values) => join(values.iter().map(ToString::to_string)),
        Values::U16(values) => join(values.iter().map(ToString::to_string)),
        Values::I32(values) => join(values.iter().map(ToString::to_string)),
        Values::U32(values) => join(values.iter().map(ToString::to_string)),
        Values::I64(values) => join(values.iter().map(ToString::to_string)),
        Values::U64(values) => join(values.iter().map(ToString::to_string)),
        Values::F32(values) => join(values.iter().map(|&value| double(f64::from(value)))),
        Values::F64(values) => join(values.iter().map(|&value| double(value))),
    };
    (lengths, values)
}

/// All fields of an ntuple that this crate reads.
fn read(path: &Path, name: &str) -> Columns {
    let file = RootFile::open(path).unwrap();
    let ntuple = file.read_rntuple(name).unwrap();
    let fields = ntuple.fields().iter().filter(|field| !matches!(field.kind(), BranchKind::Unsupported(_)));
    fields.map(|field| (field.name().to_owned(), words(&ntuple.read_column(field.name()).unwrap()))).collect()
}

/// What Python reads of `ntuples` by the ways of `read_rntuple.py`: by way and number of the ntuple.
fn python_reads(ways: &str, ntuples: &[(&Path, &str)]) -> BTreeMap<(String, usize), Columns> {
    let mut arguments = vec![Path::new(ways)];
    arguments.extend(ntuples.iter().flat_map(|(path, name)| [path, Path::new(name)]));
    let mut found = BTreeMap::<_, Columns>::new();
    for way in ways.split(',') {
        found.extend((0..ntuples.len()).map(|number| ((way.to_owned(), number), Columns::new())));
    }
    for line in run_python("read_rntuple.py", &arguments).lines() {
        let [way, ntuple, name, lengths, values] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let columns = found.get_mut(&(way.to_owned(), ntuple.parse().unwrap())).unwrap();
        columns.insert(name.to_owned(), (lengths.to_owned(), values.to_owned()));
    }
    found
}

/// Compares the fields that Python read, but for those that it reads wrong, without printing megabytes.
fn assert_same(wanted: &Columns, found: &Columns, wrong: &[&str], what: &str) {
    for (name, (lengths, values)) in found.iter().filter(|(name, _)| !wrong.contains(&&***name)) {
        let (wanted_lengths, wanted_values) = wanted.get(name).unwrap_or_else(|| panic!("{what}: {name}"));
        assert!(lengths == wanted_lengths, "{what}: lengths of {name}");
        assert!(values == wanted_values, "{what}: values of {name}: {values:.200} and {wanted_values:.200}");
    }
}

#[test]
fn fixtures_are_read_as_root_and_uproot_read_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let ntuples = [
        ("rntuple_root.root", "everything"),
        ("rntuple_plain.root", "everything"),
        ("rntuple_root.root", "sub/deep/empty"),
        ("rntuple_uproot.root", "avalanches"),
        ("rntuple_avalanches.root", "avalanches"),
        ("rntuple_snapshot.root", "snapshot"),
        ("rntuple_merged.root", "avalanches"),
        // uproot does not read pages in several pieces.
        ("rntuple_root.root", "long_pages"),
    ]
    .map(|(file, name)| (folder.join(file), name));
    let places: Vec<_> = ntuples.iter().map(|(path, name)| (path.as_path(), *name)).collect();
    let by_uproot = python_reads("uproot", &places[..places.len() - 1]);
    for ((way, number), found) in python_reads("reader", &places).into_iter().chain(by_uproot) {
        let wanted = read(places[number].0, places[number].1);
        let what = format!("{way}, ntuple {number}");
        // uproot 5.7 decodes the second cluster of the first two in the encoding of the others, and rounds
        // the others to singles.
        let wrong = ["changing", "changing_vector", "quant7", "quant12", "quant32"];
        let wrong: &[&str] = if way == "uproot" { &wrong } else { &[] };
        assert_same(&wanted, &found, wrong, &what);
        // ROOT in Python shows only fields of simple types.
        let least = if way == "uproot" { wanted.len() } else { wanted.len() / 5 };
        assert!(found.len() >= least, "{what}: {:?}", found.keys());
    }
}

/// Writes ntuples into a folder, one for each list of lengths; they are read in all `ways`.
fn check_written(ways: &str, name: &str, ntuples: &[(Compression, Vec<usize>)]) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> =
        (0..ntuples.len()).map(|number| folder.path().join(format!("{number}.root"))).collect();
    let mut wanted = Vec::new();
    for ((compression, lengths), path) in ntuples.iter().zip(&paths) {
        write(path, name, *compression, lengths);
        let columns: Columns =
            written(lengths).iter().map(|(name, column)| ((*name).to_owned(), words(column))).collect();
        assert!(columns == read(path, name), "this crate");
        wanted.push(columns);
    }
    let places: Vec<_> = paths.iter().map(|path| (path.as_path(), name)).collect();
    for ((way, number), found) in python_reads(ways, &places) {
        let what = format!("{way}, ntuple {number}");
        assert!(found.len() == SPECS.len(), "{what}: {:?}", found.keys());
        assert_same(&wanted[number], &found, &[], &what);
    }
}

#[test]
fn every_way_of_root_and_uproot_reads_what_was_written() {
    // Empty vectors first, between others and last; several pages of the vectors.
    let lengths = (0..150).map(|entry| [0, 1, 2, 700, 0, 9000][entry % 6]).chain([0]).collect();
    check_written("uproot,reader,frame", "avalanches", &[(Compression::default(), lengths)]);
}

#[test]
fn every_compression_is_read() {
    let lengths: Vec<_> = (0..300).map(|entry| entry * 7 % 500).collect();
    let levels = [Compression::Zlib { level: 1 }, Compression::Lz4, Compression::Zstd { level: 19 }];
    let ntuples = [Compression::None].into_iter().chain(levels);
    let ntuples: Vec<_> = ntuples.map(|compression| (compression, lengths.clone())).collect();
    check_written("uproot,reader,frame", "sub/deep/avalanches", &ntuples);
}

#[test]
fn none_one_huge_and_many_entries_are_read() {
    // None; vectors longer than a page, with nothing else; so many that single numbers take several pages
    // too.
    let ntuples = [vec![], vec![200_000], vec![0; 70_000]].map(|lengths| (Compression::default(), lengths));
    check_written("uproot,reader", "avalanches", &ntuples);
}

#[test]
fn several_clusters_are_read() {
    // 32 MiB of values a cluster; each electron takes 10 bytes here.
    let lengths: Vec<_> = (0..1500).map(|entry| 4000 + entry % 7).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clusters.root");
    write(&path, "avalanches", Compression::Lz4, &lengths);
    let wanted = written(&lengths);
    let file = RootFile::open(&path).unwrap();
    let ntuple = file.read_rntuple("avalanches").unwrap();
    for (name, column) in &wanted {
        assert!(ntuple.read_column(name).unwrap() == *column, "{name}");
    }
    let sums = run_python("sum_rntuple.py", &[&path, Path::new("avalanches")]);
    let Values::F32(x) = &wanted["x"].values else { panic!("not f32") };
    let bits =
        x.iter().fold(0_u64, |sum, value| sum.wrapping_mul(31).wrapping_add(u64::from(value.to_bits())));
    for line in sums.lines() {
        let [way, clusters, entries, sum] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        assert_eq!((entries, sum), ("1500", &*bits.to_string()), "{way}");
        assert_eq!(clusters, "2", "{way}");
    }
    assert_eq!(sums.lines().count(), 2);
}
