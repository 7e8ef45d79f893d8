//! Files that are not what they should be end in one error that names the file, the object and the remedy.

use std::fs::File;
use std::path::Path;

use townsend_core::{Silent, stream};
use townsend_io::{ReadOptions, read, read_array};
use townsend_root::{
    BranchSpec, BranchType, BranchValue, Compression, Contents, Histogram, HistogramAxis, RNTupleWriter,
    RootWriter, TreeWriter,
};

fn error(path: &Path, dims: Option<usize>) -> String {
    read(path, &ReadOptions { dims, ..ReadOptions::default() }, &Silent).unwrap_err().to_string()
}

fn axis(bins: usize) -> HistogramAxis {
    HistogramAxis::new("x [mm]", bins, -1.5, 1.5)
}

/// A file of histograms on axes of these numbers of bins, with one value in one cell.
fn histograms(folder: &Path, made: &[(&str, &[usize], f64)]) -> std::path::PathBuf {
    let path = folder.join("bad.root");
    let mut writer = RootWriter::create(&path, Compression::default()).unwrap();
    for &(name, bins, value) in made {
        let cells: usize = bins.iter().map(|n| n + 2).product();
        let mut contents = vec![0.0; cells];
        contents[cells / 2] = value;
        let axes = bins.iter().map(|&n| axis(n)).collect();
        writer.write_histogram(&Histogram::new(name, "", axes, Contents::D(contents))).unwrap();
    }
    writer.finish().unwrap();
    path
}

#[test]
fn contents_that_are_no_counts() {
    let folder = tempfile::tempdir().unwrap();
    for (value, shown) in
        [(-1.0, "-1"), (0.5, "0.5"), (f64::NAN, "NaN"), (f64::INFINITY, "inf"), (1e10, "10000000000")]
    {
        let path = histograms(folder.path(), &[("h2_0", &[4, 4], 1.0), ("h2_1", &[4, 4], value)]);
        let message = error(&path, None);
        assert!(message.contains("bad.root: h2_1: bin [0, 3] holds"), "{message}");
        assert!(message.contains(&format!("holds {shown};")) && message.contains("hint"), "{message}");
    }
}

#[test]
fn grids_that_differ_within_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = histograms(folder.path(), &[("h1_0", &[4], 1.0), ("h1_1", &[5], 1.0)]);
    let message = error(&path, None);
    assert!(message.contains("h1_1: has the grid [x: 5 bins"), "{message}");
    assert!(message.contains("others (such as h1_0) have [x: 4 bins"), "{message}");
}

#[test]
fn fewer_dimensions_than_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = histograms(folder.path(), &[("h2_0", &[4, 4], 1.0)]);
    let message = error(&path, Some(3));
    assert!(
        message.contains("holds avalanches in 2 dimensions") && message.contains("ask for 2 dimensions"),
        "{message}"
    );
}

#[test]
fn files_of_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.root");
    assert!(error(&path, None).contains("a.root: cannot be read"));
    for (bytes, what) in [(&b""[..], "empty (0 bytes)"), (b"hello world", "begins neither"), (b"root", "")] {
        std::fs::write(&path, bytes).unwrap();
        let message = error(&path, None);
        assert!(message.contains("a.root") && message.contains(what), "{message}");
    }
    let mut writer = RootWriter::create(&path, Compression::None).unwrap();
    writer.write_named("note", "nothing else").unwrap();
    writer.finish().unwrap();
    let message = error(&path, None);
    assert!(message.contains("holds no avalanches") && message.contains("note (TNamed)"), "{message}");
}

/// A flat tree: one entry an electron.
fn flat_tree(path: &Path, numbers: Option<&[i32]>) {
    let root = RootWriter::create(path, Compression::default()).unwrap();
    let mut branches = vec![("x", BranchType::F32), ("z", BranchType::F32), ("t", BranchType::F64)];
    if numbers.is_some() {
        branches.push(("event", BranchType::I32));
    }
    let branches: Vec<_> = branches.iter().map(|&(name, kind)| BranchSpec::new(name, "", kind)).collect();
    let mut tree = TreeWriter::new(root, "hits", "", &branches).unwrap();
    for i in 0..numbers.map_or(3, <[i32]>::len) {
        let mut values = vec![BranchValue::F32(i as f32), BranchValue::F32(0.5), BranchValue::F64(170.0)];
        values.extend(numbers.map(|numbers| BranchValue::I32(numbers[i])));
        tree.fill(&values).unwrap();
    }
    tree.finish().unwrap().finish().unwrap();
}

#[test]
fn a_flat_tree_is_read_by_the_number_of_the_avalanche() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flat.root");
    flat_tree(&path, Some(&[1, 1, 4]));
    let loaded = read(&path, &ReadOptions::default(), &Silent).unwrap();
    let sizes: Vec<_> = (0..loaded.data.len()).map(|k| loaded.data.electrons(k)).collect();
    assert_eq!(sizes, [2, 0, 0, 1]);
    assert!(loaded.notices[0].text.contains("2 numbers of event without a row"), "{:?}", loaded.notices);
    flat_tree(&path, Some(&[]));
    let loaded = read(&path, &ReadOptions::default(), &Silent).unwrap();
    assert!(loaded.data.is_empty() && loaded.notices[1].text == "holds no avalanche", "{:?}", loaded.notices);
}

#[test]
fn a_flat_tree_that_cannot_be_grouped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flat.root");
    flat_tree(&path, None);
    assert!(error(&path, None).contains("tree hits has one entry an electron and no column that says"));
    flat_tree(&path, Some(&[0, 3000, 2000]));
    let message = error(&path, None);
    assert!(message.contains("event of ROOT tree hits: row 2 has the number 2000 after 3000"), "{message}");
    assert!(message.contains("sort them by this column"), "{message}");
}

#[test]
fn a_branch_has_a_value_or_a_row_an_avalanche() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tree.root");
    let tree = |lengths: [usize; 2]| {
        let root = RootWriter::create(&path, Compression::default()).unwrap();
        let mut branches =
            ["x", "z", "t", "start"].map(|name| BranchSpec::new(name, "", BranchType::VectorF32)).to_vec();
        branches.push(BranchSpec::new("angle", "", BranchType::F64));
        let mut tree = TreeWriter::new(root, "electrons", "", &branches).unwrap();
        for (k, length) in lengths.into_iter().enumerate() {
            let electrons = BranchValue::VectorF32(&[0.1, 0.2]);
            let start = &[1.5, -2.0, 0.25][..length];
            let angle = BranchValue::F64(k as f64);
            tree.fill(&[electrons, electrons, electrons, BranchValue::VectorF32(start), angle]).unwrap();
        }
        tree.finish().unwrap().finish().unwrap();
    };
    tree([2, 2]);
    assert_eq!(read_array(&path, "angle").unwrap(), (vec![2], vec![0.0, 1.0]));
    assert_eq!(read_array(&path, "start").unwrap(), (vec![2, 2], vec![1.5, -2.0, 1.5, -2.0]));
    let message = read_array(&path, "angel").unwrap_err().to_string();
    assert!(message.contains("has no column angel; it has angle (f64)"), "{message}");
    tree([2, 3]);
    let message = read_array(&path, "start").unwrap_err().to_string();
    assert!(message.contains("has 2 values in entry 0 and others in entry 1"), "{message}");
    // One entry an electron: what all electrons of an avalanche say, and nothing of those without.
    flat_tree(&path, Some(&[1, 1, 4]));
    let (shape, values) = read_array(&path, "t").unwrap();
    assert_eq!((shape, values[0], values[3]), (vec![4], 170.0, 170.0));
    assert!(values[1].is_nan() && values[2].is_nan(), "{values:?}");
    let message = read_array(&path, "x").unwrap_err().to_string();
    assert!(message.contains("has no one value for all electrons of avalanche 0"), "{message}");
}

#[test]
fn damaged_npz_files_neither_panic_nor_pass_unnoticed() {
    use rand::Rng;
    use townsend_core::Purpose;
    let whole =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/electrons.npz")).unwrap();
    let good = read_bytes(&whole).unwrap();
    let mut unnoticed = 0;
    for case in 0..400 {
        let mut random = stream(1, Purpose::new("damage"), case);
        let mut bytes = whole.clone();
        // Most of the file is compressed numbers, guarded by a checksum; the headers are where it hurts.
        let places = [0, bytes.len() - 700, 0];
        let at = places[random.next_u32() as usize % 3] + random.next_u32() as usize % 700;
        bytes[at] ^= 1 << (random.next_u32() % 8);
        if case % 5 == 0 {
            bytes.truncate(random.next_u32() as usize % whole.len());
        }
        if let Ok(data) = read_bytes(&bytes) {
            // A damaged name can hide `meta`, which may be absent; the electrons may not change.
            unnoticed += usize::from(data.digest() != good.digest());
        }
    }
    assert_eq!(unnoticed, 0);
}

fn read_bytes(bytes: &[u8]) -> Result<townsend_core::Dataset, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read(file.path(), &ReadOptions::default(), &Silent).map(|loaded| loaded.data).map_err(|e| e.to_string())
}

/// Small files that unpack to more than anybody can mean, in every format that packs.
#[test]
fn what_would_fill_the_memory_is_refused_with_the_limit() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let zeros = vec![0.0_f32; 1 << 20];

    let mut gzip =
        flate2::write::GzEncoder::new(File::create(at("a.csv.gz")).unwrap(), flate2::Compression::best());
    gzip.write_all(b"x,z,t,event\n").unwrap();
    (0..16).for_each(|_| gzip.write_all(&b"0,0,0,0\n".repeat(1 << 18)).unwrap());
    gzip.finish().unwrap();

    let mut npz = zip::ZipWriter::new(File::create(at("a.npz")).unwrap());
    // All state this length, and the first one has it.
    let length = 30 << 20;
    for (name, there) in [("x", length), ("z", 0), ("t", 0), ("event", 0)] {
        npz.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({length},), }}\n");
        npz.write_all(b"\x93NUMPY\x01\0").unwrap();
        npz.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        npz.write_all(header.as_bytes()).unwrap();
        npz.write_all(&vec![0; 4 * there]).unwrap();
    }
    npz.finish().unwrap();

    let branches = ["x", "z", "t"].map(|name| BranchSpec::new(name, "", BranchType::VectorF32));
    let root = || RootWriter::create(at("a.root"), Compression::default()).unwrap();
    let rows = BranchValue::VectorF32(&zeros);
    let refused = |name: &str| {
        let read = read(at(name), &ReadOptions::default(), &Silent);
        let message = read.map(|loaded| loaded.layout).unwrap_err().to_string();
        let size = at(name).metadata().unwrap().len();
        let limit = format!("is the limit for a file of {size} (64 MiB and 200 times the file)");
        assert!(size < 1_000_000 && message.contains(&limit) && message.contains(name), "{message}");
    };
    refused("a.csv.gz");
    refused("a.npz");
    let mut tree = TreeWriter::new(root(), "electrons", "", &branches).unwrap();
    (0..20).for_each(|_| tree.fill(&[rows, rows, rows]).unwrap());
    tree.finish().unwrap().finish().unwrap();
    refused("a.root");
    std::fs::remove_file(at("a.root")).unwrap();
    let mut ntuple = RNTupleWriter::new(root(), "electrons", "", &branches).unwrap();
    (0..20).for_each(|_| ntuple.fill(&[rows, rows, rows]).unwrap());
    ntuple.finish().unwrap().finish().unwrap();
    refused("a.root");

    #[cfg(feature = "parquet")]
    {
        use townsend_io::{Cell, ColumnType, TableColumn, TableWriter};
        let columns = ["x", "z", "t", "event"].map(|name| TableColumn::new(name, "", ColumnType::U64));
        let path = at("a.parquet");
        let meta = townsend_core::Meta::default();
        let mut table = TableWriter::create(&path, ["a", "a"], &columns, &meta, None, false).unwrap();
        (0..24 << 20).for_each(|_| table.push(&[Cell::U64(0); 4]).unwrap());
        table.finish().unwrap();
        refused("a.parquet");
    }
}
