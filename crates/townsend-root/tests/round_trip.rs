//! What this crate writes is read back by this crate, by real ROOT and by uproot, bin for bin.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::run_python;
use townsend_root::{
    CellType, Compression, Contents, Histogram, HistogramAxis, RootFile, RootWriter, SparseContents,
    SparseHistogram,
};

const CELL_TYPES: [(CellType, char); 6] = [
    (CellType::C, 'C'),
    (CellType::S, 'S'),
    (CellType::I, 'I'),
    (CellType::L, 'L'),
    (CellType::F, 'F'),
    (CellType::D, 'D'),
];

/// Five axes' worth of bins, of which a histogram takes the first ones.
fn axes(dimensions: usize, bins: [usize; 3]) -> Vec<HistogramAxis> {
    let mut axes = vec![
        HistogramAxis::new("x [mm]", bins[0], -4.5, 4.5),
        HistogramAxis::new("y [\u{b5}m]", bins[1], 0.0, 1e-3),
        HistogramAxis::new("t [ns]", bins[2], 0.1, 0.7),
    ];
    axes.truncate(dimensions);
    axes
}

/// Values in every 7th cell that the type can hold, underflow and overflow among them.
fn filled(name: &str, cell_type: CellType, axes: Vec<HistogramAxis>) -> SparseHistogram {
    let cells: usize = axes.iter().map(HistogramAxis::cells).product();
    let indices: Vec<u32> = (0..cells as u32).step_by(7).collect();
    let value = |index: &u32| match cell_type {
        CellType::F => f64::from((f64::from(*index) - 20.5) as f32 / 3.0),
        CellType::D => (f64::from(*index) - 20.5) / 3.0,
        _ => f64::from(index % 200) - 99.0,
    };
    let values: Vec<f64> = indices.iter().map(value).collect();
    let mut contents = SparseContents { cell_type, cells, indices, values };
    let keep: Vec<bool> = contents.values.iter().map(|&value| value != 0.0).collect();
    let mut kept = keep.iter();
    contents.indices.retain(|_| *kept.next().unwrap());
    contents.values.retain(|&value| value != 0.0);
    let mut histogram = Histogram::new(name, "electrons", axes, contents);
    histogram.entries = 1234.5;
    for (number, sum) in histogram.statistics.iter_mut().enumerate() {
        *sum = 1.0 / (number as f64 + 3.0);
    }
    histogram
}

fn dense(sparse: &SparseHistogram) -> Histogram {
    let SparseHistogram { name, title, axes, entries, statistics, sumw2, contents } = sparse.clone();
    let mut cells = vec![0.0; contents.cells];
    contents.nonzero().for_each(|(index, value)| cells[index] = value);
    let contents = match contents.cell_type {
        CellType::C => Contents::C(cells.iter().map(|&value| value as i8).collect()),
        CellType::S => Contents::S(cells.iter().map(|&value| value as i16).collect()),
        CellType::I => Contents::I(cells.iter().map(|&value| value as i32).collect()),
        CellType::L => Contents::L(cells.iter().map(|&value| value as i64).collect()),
        CellType::F => Contents::F(cells.iter().map(|&value| value as f32).collect()),
        CellType::D => Contents::D(cells),
    };
    Histogram { name, title, axes, entries, statistics, sumw2, contents }
}

/// One of everything: all classes, variable bins with squared weights, a long name and title, a fine grid.
fn examples() -> Vec<SparseHistogram> {
    let mut examples = Vec::new();
    for dimensions in 1..=3 {
        for (cell_type, letter) in CELL_TYPES {
            examples.push(filled(
                &format!("TH{dimensions}{letter}_0"),
                cell_type,
                axes(dimensions, [8, 5, 3]),
            ));
        }
    }
    let mut weighted = filled("weighted", CellType::F, axes(2, [4, 6, 0]));
    weighted.axes[0] = HistogramAxis::with_edges("radius", vec![0.0, 0.1, 1.0, 10.0, 1e4]);
    weighted.sumw2 = (0..48).map(|cell| f64::from(cell) / 7.0).collect();
    examples.push(weighted);
    let mut long = filled(&"n".repeat(300), CellType::I, axes(1, [2, 0, 0]));
    long.title = "\u{3b1}".repeat(200);
    examples.push(long);
    examples.push(filled("h3_0", CellType::F, axes(3, [90, 90, 90])));
    examples
}

/// A histogram the way the scripts print it.
fn described(path: &str, cycle: i16, histogram: &SparseHistogram) -> Value {
    let (_, letter) =
        CELL_TYPES.iter().find(|(cell_type, _)| *cell_type == histogram.contents.cell_type).unwrap();
    let axis = |axis: &HistogramAxis| {
        json!({
            "title": axis.title, "bins": axis.bins, "low": axis.low, "high": axis.high,
            "edges": axis.edges.clone().unwrap_or_default(),
        })
    };
    json!({
        "path": path,
        "cycle": cycle,
        "class": format!("TH{}{letter}", histogram.axes.len()),
        "name": histogram.name,
        "title": histogram.title,
        "axes": histogram.axes.iter().map(axis).collect::<Vec<_>>(),
        "entries": histogram.entries,
        "statistics": histogram.statistics,
        "sumw2": histogram.sumw2,
        "cells": histogram.contents.cells,
        "nonzero": histogram.contents.nonzero().collect::<Vec<_>>(),
    })
}

/// All examples at the top, one in directories, and a second cycle; what is to be read, in the order of the
/// file.
fn write_examples(path: &Path, compression: Compression) -> Vec<Value> {
    let mut writer = RootWriter::create(path, compression).unwrap();
    let examples = examples();
    let mut expected = Vec::new();
    for (number, example) in examples.iter().enumerate() {
        if number % 2 == 0 {
            writer.write_histogram(example).unwrap();
        } else {
            writer.write_histogram(&dense(example)).unwrap();
        }
        expected.push(described(&example.name, 1, example));
    }
    let mut second = examples[0].clone();
    "a second cycle".clone_into(&mut second.title);
    writer.write_histogram(&second).unwrap();
    expected.insert(0, described(&second.name, 2, &second));
    for directory in ["sub/deep", "sub"] {
        writer.write_histogram_in(directory, &second).unwrap();
        expected.push(described(&format!("{directory}/{}", second.name), 1, &second));
    }
    writer.finish().unwrap();
    expected
}

/// What this crate reads, the way the scripts print it.
fn read_by_townsend(path: &Path) -> Vec<Value> {
    let file = RootFile::open(path).unwrap();
    let mut reader = file.reader();
    let (mut sparse, mut full) = (SparseHistogram::default(), Histogram::default());
    file.keys()
        .filter(|key| !key.is_directory())
        .map(|key| {
            reader.read_sparse_into(key, &mut sparse).unwrap();
            reader.read_histogram_into(key, &mut full).unwrap();
            assert!(full == dense(&sparse), "{}", key.path());
            described(&key.path(), key.cycle(), &sparse)
        })
        .collect()
}

fn parse_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn assert_same(who: &str, found: &[Value], expected: &[Value]) {
    for (found, expected) in found.iter().zip(expected) {
        for (field, value) in expected.as_object().unwrap() {
            let same = sorted_out(&found[field]) == sorted_out(value);
            assert!(same, "{who}, {}, {field}: {} instead of {value}", expected["path"], found[field]);
        }
    }
    assert_eq!(found.len(), expected.len(), "{who}");
}

/// JSON tells 1 from 1.0; histograms do not.
fn sorted_out(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64().unwrap()),
        Value::Array(items) => items.iter().map(sorted_out).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), sorted_out(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn root_and_uproot_read_what_was_written_with_every_compression() {
    let directory = tempfile::tempdir().unwrap();
    let compressions = [
        ("none", Compression::None),
        ("zlib", Compression::Zlib { level: 1 }),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd { level: 5 }),
    ];
    let (mut files, mut expected) = (Vec::new(), Vec::new());
    for (name, compression) in compressions {
        let path = directory.path().join(name).with_extension("root");
        let examples = write_examples(&path, compression);
        assert_same("townsend", &read_by_townsend(&path), &examples);
        files.push(path);
        expected.extend(examples);
    }
    let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    assert_same("ROOT", &parse_lines(&run_python("read_with_root.py", &files)), &expected);
    assert_same("uproot", &parse_lines(&run_python("read_with_uproot.py", &files)), &expected);
}

#[test]
fn root_can_add_to_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("grows.root");
    let mut expected = write_examples(&path, Compression::default());
    run_python("append_with_root.py", &[&path]);
    let mut found = read_by_townsend(&path);
    let added = found.iter().position(|histogram| histogram["path"] == "added").unwrap();
    let added = found.remove(added);
    assert_eq!((&added["title"], &added["nonzero"]), (&json!("by ROOT"), &json!([[2, 1.0]])));
    // ROOT may list the directory elsewhere.
    for list in [&mut found, &mut expected] {
        list.sort_by_key(|histogram| format!("{};{}", histogram["path"], histogram["cycle"]));
    }
    assert_same("townsend after ROOT", &found, &expected);
}
