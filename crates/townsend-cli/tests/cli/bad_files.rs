//! Avalanche files that are not what they should be: one error that names file, object and remedy.

use townsend_core::{CountSet, Dataset, ElectronSet, Grid};
use townsend_root::{Compression, Contents, Histogram, HistogramAxis, RootWriter};

use crate::support::{Desk, TRAINED, Transcript, shipped, tiny, write};

/// A file of histograms with axes of these numbers of bins, with 3 electrons in bin [1, 1] and a value in [1,
/// 2].
fn histograms(desk: &Desk, file: &str, made: &[(&str, [usize; 2], f64)]) {
    let mut writer = RootWriter::create(desk.path(file), Compression::default()).unwrap();
    for &(name, bins, value) in made {
        let row = bins[0] + 2;
        let mut contents = vec![0.0; row * (bins[1] + 2)];
        (contents[row + 1], contents[2 * row + 1]) = (3.0, value);
        let axes = bins.map(|n| HistogramAxis::new("x [mm]", n, -1.5, 1.5)).to_vec();
        writer.write_histogram(&Histogram::new(name, "", axes, Contents::D(contents))).unwrap();
    }
    writer.finish().unwrap();
}

/// A file with one avalanche of electrons at these x.
fn electrons(desk: &Desk, file: &str, x: &[f32]) {
    let mut set = ElectronSet::default();
    set.push(x, &vec![0.0; x.len()], &vec![170.0; x.len()]);
    write(desk.path(file), &Dataset::from(set));
}

#[test]
fn files_of_something_else() {
    let desk = Desk::new();
    std::fs::write(desk.path("text.root"), "a letter to the editor").unwrap();
    std::fs::write(desk.path("empty.root"), "").unwrap();
    std::fs::write(desk.path("empty.npz"), "").unwrap();
    std::fs::create_dir(desk.path("folder.root")).unwrap();
    let mut writer = RootWriter::create(desk.path("notes.root"), Compression::default()).unwrap();
    writer.write_named("note", "no histograms today").unwrap();
    writer.finish().unwrap();
    std::fs::copy(desk.path("notes.root"), desk.path("notes.npz")).unwrap();
    let mut said = Transcript::default();
    for file in
        ["text.root", "empty.root", "empty.npz", "folder.root", "notes.root", "missing.root", "no/where.npz"]
    {
        said.fails(&desk, 1, &format!("inspect {file}"));
    }
    said.fails(&desk, 1, "inspect notes.npz --format npz");
    said.fails(&desk, 1, "convert text.root out.npz");
    said.fails(&desk, 1, "check --real empty.root --generated notes.root --out report");
    insta::assert_snapshot!(said);
}

#[test]
fn truncated_files() {
    let desk = Desk::with([shipped("electrons.npz"), TRAINED.data.clone()]);
    for name in ["electrons.npz", "avalanches.root"] {
        let bytes = desk.bytes(name);
        for (part, length) in [("head", 30), ("half", bytes.len() / 2), ("tail", bytes.len() - 20)] {
            std::fs::write(desk.path(format!("{part}-{name}")), &bytes[..length]).unwrap();
        }
    }
    let mut said = Transcript::default();
    for name in ["electrons.npz", "avalanches.root"] {
        for part in ["head", "half", "tail"] {
            said.fails(&desk, 1, &format!("inspect {part}-{name}"));
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn contents_that_are_no_counts() {
    let desk = Desk::new();
    let mut said = Transcript::default();
    for (file, value) in [
        ("negative", -2.0),
        ("fractional", 0.25),
        ("nan", f64::NAN),
        ("infinite", f64::INFINITY),
        ("enormous", 1e12),
    ] {
        histograms(&desk, &format!("{file}.root"), &[("h2_0", [4, 3], 1.0), ("h2_1", [4, 3], value)]);
        said.fails(&desk, 1, &format!("inspect {file}.root"));
    }
    // Each bin could be, but no avalanche has as many electrons in all.
    histograms(&desk, "sum.root", &[("h2_0", [4, 3], 4_294_967_295.0)]);
    said.fails(&desk, 1, "convert sum.root out.npz --dims 1");
    insta::assert_snapshot!(said);
}

#[test]
fn electrons_that_are_nowhere() {
    let desk = Desk::new();
    for (name, x) in [("good", [0.0, 1.0]), ("nan", [0.0, f32::NAN]), ("infinite", [f32::NEG_INFINITY, 0.0])]
    {
        electrons(&desk, &format!("{name}.npz"), &x);
        electrons(&desk, &format!("{name}.root"), &x);
    }
    desk.does("inspect good.npz");
    desk.does("inspect good.root");
    let mut said = Transcript::default();
    said.fails(&desk, 1, "inspect nan.npz");
    said.fails(&desk, 1, "inspect nan.root");
    said.fails(&desk, 1, "convert infinite.npz out.root --dims 2");
    insta::assert_snapshot!(said);
}

#[test]
fn grids_that_do_not_fit() {
    let desk = Desk::with([&tiny(), &TRAINED.data]);
    histograms(&desk, "mixed.root", &[("h2_0", [4, 3], 1.0), ("h2_1", [4, 4], 1.0)]);
    histograms(&desk, "coarse.root", &[("h2_0", [4, 3], 1.0)]);
    let three = std::fs::read_to_string(tiny()).unwrap().replace("dims = 2", "dims = 3");
    std::fs::write(desk.path("three.toml"), three).unwrap();
    let mut said = Transcript::default();
    said.fails(&desk, 1, "inspect mixed.root");
    said.fails(&desk, 1, "inspect coarse.root --dims 3");
    said.fails(&desk, 1, "train three.toml --data avalanches.root --run run");
    said.fails(&desk, 2, "train tiny.toml --data coarse.root --run run");
    said.fails(&desk, 1, "convert avalanches.root out.root --dims 3");
    said.fails(&desk, 2, "convert avalanches.root out.root --grid three.toml");
    insta::assert_snapshot!(said);
}

#[test]
fn sets_that_cannot_be_compared() {
    let desk = Desk::with([&TRAINED.data]);
    let grid = Grid::new(vec![Grid::standard(1).unwrap().axes()[0].clone().with_label("x [cm]")]).unwrap();
    let mut other =
        CountSet::new(Grid::new(vec![townsend_core::Axis::uniform(50, -2.0, 2.0).unwrap(); 2]).unwrap());
    let mut units = CountSet::new(grid);
    for _ in 0..20 {
        other.push([(60, 3), (70, 5)]);
        units.push([(20, 4), (50, 2)]);
    }
    units.meta.units[0] = "cm".into();
    write(desk.path("other.root"), &Dataset::from(other.clone()));
    write(desk.path("units.npz"), &Dataset::from(units));
    write(desk.path("few.root"), &Dataset::from(other).select(&[0, 1, 2]));
    let mut said = Transcript::default();
    for file in ["other.root", "units.npz", "few.root"] {
        said.fails(&desk, 1, &format!("check --real avalanches.root --generated {file} --out report"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn avalanches_without_electrons() {
    let desk = Desk::with([&tiny(), &TRAINED.data]);
    let mut empty = CountSet::new(Grid::standard(2).unwrap());
    (0..30).for_each(|_| empty.push([]));
    write(desk.path("empty.root"), &Dataset::from(empty));
    let mut none = ElectronSet::default();
    (0..30).for_each(|_| none.push(&[], &[], &[]));
    write(desk.path("empty.npz"), &Dataset::from(none));
    write(desk.path("nothing.npz"), &Dataset::from(ElectronSet::default()));
    for file in ["empty.root", "empty.npz"] {
        let ran = desk.does(&format!("inspect {file} --quiet"));
        assert_eq!(ran.stderr, format!("warning: {file}: all avalanches are empty\n"));
        assert!(ran.stdout.contains("empty       30 (100.0 ± 3.0%)"), "{}", ran.stdout);
        assert_eq!(desk.does(&format!("inspect {file} --json")).json()["empty"], 30);
        desk.does(&format!("convert {file} out-{file}.npz"));
    }
    let mut said = Transcript::default();
    said.fails(&desk, 1, "train tiny.toml --data nothing.npz --run run");
    said.fails(&desk, 1, "check --real avalanches.root --generated nothing.npz --out report");
    said.fails(&desk, 1, "check --real nothing.npz --generated avalanches.root --out report");
    said.fails(&desk, 1, "train tiny.toml --data empty.root --run run");
    said.fails(&desk, 1, "train tiny.toml --data empty.npz --run run");
    said.fails(&desk, 1, "check --real avalanches.root --generated empty.root --out report");
    said.fails(&desk, 1, "check --real empty.npz --generated avalanches.root --out report");
    insta::assert_snapshot!(said);
}
