//! Everything in the files that ROOT wrote is read as ROOT reads it.

use std::path::PathBuf;

use townsend_root::{CellType, Error, Histogram, Key, RootFile, SparseHistogram};

fn open(name: &str) -> RootFile {
    RootFile::open(fixture(name)).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The lines that the expected text has for the histograms of a file, as this crate reads it.
fn described(file: &RootFile) -> Vec<String> {
    let mut reader = file.reader();
    let (mut histogram, mut sparse) = (Histogram::default(), SparseHistogram::default());
    let keys = file.keys().filter(|key| key.class().starts_with("TH"));
    keys.map(|key| {
        reader.read_histogram_into(key, &mut histogram).unwrap();
        reader.read_sparse_into(key, &mut sparse).unwrap();
        assert_same(&histogram, &sparse);
        describe(key, &histogram)
    })
    .collect()
}

fn assert_same(dense: &Histogram, sparse: &SparseHistogram) {
    assert!(dense.contents.nonzero().eq(sparse.contents.nonzero()), "{}", dense.name);
    assert_eq!(dense.contents.len(), sparse.contents.cells);
    assert_eq!(
        (&dense.name, &dense.title, &dense.axes, dense.entries, &dense.statistics, &dense.sumw2),
        (&sparse.name, &sparse.title, &sparse.axes, sparse.entries, &sparse.statistics, &sparse.sumw2)
    );
}

fn describe(key: &Key, histogram: &Histogram) -> String {
    let numbers =
        |values: &[f64]| values.iter().fold(String::new(), |text, value| text + &format!("{value:?},"));
    let x = &histogram.axes[0];
    format!(
        "{};{} {} {:?} n={} ent={:?} sumw={:?} stats={} x=[{},{:?},{:?},{}] cs={} sumw2n={}",
        key.path(),
        key.cycle(),
        key.class(),
        histogram.title,
        histogram.contents.len(),
        histogram.entries,
        sum_in_range(histogram),
        numbers(&histogram.statistics),
        x.bins,
        x.low,
        x.high,
        x.title,
        checksum(histogram),
        histogram.sumw2.len()
    )
}

/// `TH1::GetSumOfWeights`: without underflow and overflow.
fn sum_in_range(histogram: &Histogram) -> f64 {
    let in_range = |index: usize| {
        histogram.axes.iter().try_fold(index, |rest, axis| {
            (1..=axis.bins).contains(&(rest % axis.cells())).then_some(rest / axis.cells())
        })
    };
    histogram.contents.nonzero().filter(|&(index, _)| in_range(index).is_some()).map(|(_, value)| value).sum()
}

fn checksum(histogram: &Histogram) -> i64 {
    histogram.contents.nonzero().fold(0, |sum: i64, (index, value)| {
        let weight = (index as u64).wrapping_mul(2_654_435_761) & 0xffff_ffff;
        sum.wrapping_add((value as i64).wrapping_mul(weight as i64))
    })
}

/// An expected line with its numbers written as Rust writes them; `None` for objects that are no histograms.
fn expected_line(line: &str) -> Option<String> {
    if line.starts_with("skip ") || line.contains(" TProfile ") {
        return None;
    }
    let (head, rest) = line.split_once(" n=").unwrap();
    let fields = format!("n={rest}");
    let (fields, x) = fields.split_once(" x=[").unwrap();
    let (x, tail) = x.rsplit_once("] ").unwrap();
    let fields: Vec<String> = fields.split(' ').map(canonical_field).collect();
    let x: Vec<String> = x
        .splitn(4, ',')
        .enumerate()
        .map(|(i, text)| if i == 1 || i == 2 { float(text) } else { text.to_owned() })
        .collect();
    Some(format!("{head} {} x=[{}] {tail}", fields.join(" "), x.join(",")))
}

fn canonical_field(field: &str) -> String {
    match field.split_once('=').unwrap() {
        ("n", _) => field.to_owned(),
        ("stats", list) => {
            format!(
                "stats={}",
                list.trim_end_matches(',').split(',').map(|text| float(text) + ",").collect::<String>()
            )
        }
        (name, number) => format!("{name}={}", float(number)),
    }
}

fn float(text: &str) -> String {
    format!("{:?}", text.parse::<f64>().unwrap())
}

fn assert_as_expected(name: &str, count: usize) {
    let text = std::fs::read_to_string(fixture(&format!("{name}.expected.txt"))).unwrap();
    let expected: Vec<String> = text.lines().filter_map(expected_line).collect();
    assert_eq!(expected.len(), count);
    assert_eq!(described(&open(&format!("{name}.root"))), expected);
}

#[test]
fn uncompressed_histograms_of_every_class() {
    assert_as_expected("hists_none", 18);
}
#[test]
fn zlib_histograms_of_every_class() {
    assert_as_expected("hists_zlib", 18);
}
#[test]
fn lz4_histograms_of_every_class() {
    assert_as_expected("hists_lz4", 18);
}
#[test]
fn zstd_histograms_of_every_class() {
    assert_as_expected("hists_zstd", 18);
}
#[test]
fn lzma_histograms_of_every_class() {
    assert_as_expected("hists_lzma", 18);
}
#[test]
fn avalanches_in_one_two_and_three_dimensions() {
    assert_as_expected("subset_h123", 60);
}

#[test]
fn variable_bins_weights_functions_cycles_and_long_names() {
    let text = std::fs::read_to_string(fixture("edge.expected.txt")).unwrap();
    let text = text.replace("<n*300>", &"n".repeat(300)).replace("<t*400>", &"t".repeat(400));
    let expected: Vec<String> = text.lines().filter_map(expected_line).collect();
    let mut described = described(&open("edge.root"));
    described.retain(|line| !line.starts_with("sub/"));
    assert_eq!(expected.len(), 7);
    assert_eq!(described, expected);
}

#[test]
fn objects_in_directories_are_found_by_path() {
    let file = open("edge.root");
    let paths: Vec<String> = file.keys().map(Key::path).filter(|path| path.starts_with("sub")).collect();
    assert_eq!(paths, ["sub", "sub/deep", "sub/deep/h3_1", "sub/h3_0"]);
    for path in ["sub/deep/h3_1", "/sub/deep/h3_1;1"] {
        let histogram = file.read_histogram(file.find(path).unwrap()).unwrap();
        assert_eq!(histogram.title, "in sub");
        // Filled once, in bin (2, 3, 4).
        let cell = 2 + 92 * (3 + 92 * 4);
        assert_eq!(histogram.contents.nonzero().collect::<Vec<_>>(), [(cell, 1.0)]);
    }
    assert!(file.find("sub").unwrap().is_directory());
    assert!(matches!(file.find("h3_1"), Err(Error::KeyNotFound { .. })));
}

#[test]
fn the_highest_cycle_is_found_unless_another_is_asked_for() {
    let file = open("edge.root");
    let entries = |name: &str| file.read_histogram(file.find(name).unwrap()).unwrap().entries;
    assert_eq!((entries("cyc"), entries("cyc;1"), entries("cyc;2")), (2.0, 1.0, 2.0));
    assert!(file.find("cyc;3").is_err());
}

#[test]
fn a_cycle_that_was_kept_is_negative_and_may_be_the_newest() {
    let file = open("kept_cycle.root");
    let cycles =
        |name: &str| -> Vec<i16> { file.keys().filter(|key| key.name() == name).map(Key::cycle).collect() };
    assert_eq!(cycles("h2_0"), [2, -1]);
    let electrons = |path: &str| file.read_histogram(file.find(path).unwrap()).unwrap().contents.sum() as i32;
    assert_eq!(electrons("h2_0") + electrons("h2_1"), 16);
    assert_eq!(electrons("h2_0;1"), electrons("h2_0;-1"));
    assert_ne!(electrons("h2_0;1"), electrons("h2_0;2"));
    let newest: Vec<_> = file.newest().map(|key| (key.path(), key.cycle())).collect();
    assert_eq!(newest, [("h2_0".to_owned(), 2), ("h2_1".to_owned(), 1)]);
    let others: Vec<_> = file.other_cycles(file.find("h2_0").unwrap()).map(Key::cycle).collect();
    assert_eq!((others, file.other_cycles(file.find("h2_1").unwrap()).count()), (vec![-1], 0));
}

#[test]
fn the_same_name_in_another_directory_is_another_object() {
    let file = open("edge.root");
    let newest: Vec<_> = file.newest().map(|key| (key.path(), key.cycle())).collect();
    let keys: Vec<_> = file.keys().map(|key| (key.path(), key.cycle())).collect();
    assert_eq!(newest.len() + 1, keys.len());
    assert!(newest.contains(&("cyc".to_owned(), 2)) && newest.iter().all(|key| keys.contains(key)));
}

#[test]
fn variable_bins_have_their_edges() {
    let file = open("edge.root");
    let histogram = file.read_histogram(file.find("var3").unwrap()).unwrap();
    let edges = histogram.axes[0].edges.as_deref().unwrap();
    assert_eq!((edges.len(), edges[0], edges[5]), (6, 0.0, 31.0));
    assert!((histogram.sumw2.iter().sum::<f64>() - histogram.statistics[1]).abs() < 1e-9);
}

#[test]
fn histograms_of_geant4_say_nowhere_how_long_they_are() {
    let file = open("geant4.root");
    let read = |name: &str| {
        let key = file.find(name).unwrap();
        let (mut sparse, dense) = (SparseHistogram::default(), file.read_histogram(key).unwrap());
        file.reader().read_sparse_into(key, &mut sparse).unwrap();
        assert_same(&dense, &sparse);
        assert_eq!(sparse.is_weighted(), name == "weighted", "{name}");
        dense
    };
    let [h1, h2, h3] = ["histo/h1", "histo/h2", "histo/h3"].map(read);
    // Filled 20 times, at 0.25 i in 6 bins from 0 to 4.
    assert_eq!(h1.contents.iter_f64().collect::<Vec<_>>(), [0.0, 3.0, 3.0, 2.0, 3.0, 3.0, 2.0, 4.0]);
    assert_eq!((h1.axes[0].title.as_str(), h1.entries, h1.statistics[0]), ("energy [keV]", 20.0, 16.0));
    assert_eq!((h2.axes[1].title.as_str(), h2.axes[1].bins, h2.axes[1].high), ("y [cm]", 2, 4.0));
    assert_eq!((h2.contents.len(), h2.contents.sum(), h2.statistics.len()), (20, 20.0, 7));
    assert_eq!((h3.contents.len(), h3.contents.sum(), h3.statistics.len()), (120, 20.0, 11));
    // The last bin has fills 12 and 13, at (1.8, 2.4, 3.0) and (1.95, 2.6, 3.25).
    assert_eq!(h3.contents.get(2 + 4 * (3 + 5 * 4)), Some(2.0));
    let weighted = read("weighted");
    assert_eq!(weighted.axes[0].edges.as_deref(), Some(&[0.0, 1.0, 3.0][..]));
    assert_eq!((weighted.contents.sum(), weighted.sumw2.iter().sum::<f64>()), (200.0, 2665.0));
    for (name, cell_type) in [("h1f", CellType::F), ("h2f", CellType::F), ("h3f", CellType::F)] {
        let floats = read(name);
        assert_eq!((floats.contents.sum(), floats.contents.cell_type()), (7.0, cell_type));
    }
    assert!(matches!(file.read_histogram(file.find("p1").unwrap()), Err(Error::WrongClass { .. })));
    let tree = file.read_tree("hits").unwrap();
    assert_eq!((tree.entries(), tree.read_column("x").unwrap().values.len()), (12, 18));
}

#[test]
fn functions_labels_and_references_are_passed_over() {
    let file = open("unusual.root");
    let read = |name: &str| file.read_histogram(file.find(name).unwrap()).unwrap();
    let emptied = read("emptied");
    assert_eq!((emptied.entries, emptied.contents.sum()), (2.0, 2.0));
    // Bin (1, 2) of two by two.
    let referenced = read("referenced");
    assert_eq!(referenced.contents.nonzero().collect::<Vec<_>>(), [(1 + 4 * 2, 1.0)]);
    let labelled = read("labelled");
    assert_eq!(labelled.contents.nonzero().collect::<Vec<_>>(), [(1 + 4, 2.5), (2 + 4 * 2, 1.0)]);
    assert_eq!((read("fitted").entries, read("fitted").axes[0].bins), (100.0, 20));
}

#[test]
fn fills_that_wait_for_an_axis_are_not_taken_for_an_empty_histogram() {
    let file = open("unusual.root");
    let error = file.read_histogram(file.find("waiting").unwrap()).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }));
    let text = error.to_string();
    assert!(text.contains("2 fills wait") && text.contains("BufferEmpty"), "{text}");
}

#[test]
fn objects_of_other_classes_are_refused_by_name() {
    let file = open("edge.root");
    for (name, class) in [("prof", "TProfile"), ("note", "TNamed"), ("sub", "TDirectory")] {
        let error = file.read_histogram(file.find(name).unwrap()).unwrap_err();
        assert!(matches!(&error, Error::WrongClass { found, .. } if found == class));
        let text = error.to_string();
        assert!(text.contains("edge.root") && text.contains(name) && text.contains(class), "{text}");
    }
}

#[test]
fn a_missing_key_names_the_nearest_ones() {
    let error = open("subset_h123.root").find("h3_1O").unwrap_err();
    let Error::KeyNotFound { nearest, .. } = &error else { panic!("{error}") };
    assert_eq!(nearest.len(), 3);
    assert!(nearest.contains(&"h3_1".to_owned()) && nearest.contains(&"h3_10".to_owned()), "{nearest:?}");
    assert!(error.to_string().contains("the nearest are \"h3_"), "{error}");
}

#[test]
fn no_object_is_read_before_it_is_asked_for() {
    let mut bytes = std::fs::read(fixture("subset_h123.root")).unwrap();
    let whole = RootFile::from_bytes("whole", bytes.clone()).unwrap();
    let mut reader = whole.reader();
    let wanted = reader.read_histogram(whole.find("h3_7").unwrap()).unwrap();
    // Every other object is destroyed: its bytes are where "CS" or "ZL" blocks start.
    let keep = whole.find("h3_7").unwrap();
    let at = |bytes: &[u8], key: &Key| find_record(bytes, key.name());
    for key in whole.keys().filter(|key| key.name() != keep.name()) {
        let start = at(&bytes, key);
        bytes[start..start + key.stored_length() as usize].fill(0xff);
    }
    let file = RootFile::from_bytes("destroyed", bytes).unwrap();
    assert_eq!(file.keys().len(), 60);
    assert_eq!(file.read_histogram(file.find("h3_7").unwrap()).unwrap(), wanted);
    assert!(file.read_histogram(file.find("h3_8").unwrap()).is_err());
}

/// Where the data of an object start: after the first key with its name.
fn find_record(bytes: &[u8], name: &str) -> usize {
    let mut needle = vec![name.len() as u8];
    needle.extend_from_slice(name.as_bytes());
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap() + needle.len();
    at + 1 + usize::from(bytes[at])
}

#[test]
fn what_is_no_root_file_is_told_apart_from_what_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.root");
    let fails = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        RootFile::open(&path).unwrap_err()
    };
    let whole = std::fs::read(fixture("hists_zstd.root")).unwrap();
    assert!(matches!(fails(b""), Error::NotRoot { reason, .. } if reason == "it is empty"));
    assert!(matches!(fails(b"PK\x03\x04 and so on"), Error::NotRoot { .. }));
    assert!(
        matches!(fails(&whole[..whole.len() / 2]), Error::Damaged { reason, .. } if reason.contains(" of its "))
    );
    assert!(matches!(
        RootFile::open(directory.path().join("none.root")),
        Err(Error::Io { action: "open", .. })
    ));
}
