//! What was left aside or looks odd in a file is said by every verb that reads it.

use serde_json::{Value, json};
use townsend_core::Dataset;
use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RootFile, RootWriter, TreeWriter};

use crate::support::{Desk, read, shipped, tiny};

/// A tree of the shipped electrons with a branch that is not read.
fn tree_with_energies(desk: &Desk, file: &str) {
    let Dataset::Electrons(electrons) = read(shipped("electrons.npz"), None) else { panic!("counts") };
    let root = RootWriter::create(desk.path(file), Compression::default()).unwrap();
    let vectors = ["x", "z", "t"].map(|name| BranchSpec::new(name, "", BranchType::VectorF32));
    let branches = [vectors.as_slice(), &[BranchSpec::new("energy", "", BranchType::F32)]].concat();
    let mut tree = TreeWriter::new(root, "avalanches", "", &branches).unwrap();
    for avalanche in electrons.iter() {
        let [x, z, t] = [avalanche.x, avalanche.z, avalanche.t].map(BranchValue::VectorF32);
        tree.fill(&[x, z, t, BranchValue::F32(5.9)]).unwrap();
    }
    tree.finish().unwrap().finish().unwrap();
}

/// The histograms of another file, every second number left out.
fn histograms_with_gaps(desk: &Desk, from: &str, file: &str) {
    let from = RootFile::open(desk.path(from)).unwrap();
    let mut writer = RootWriter::create(desk.path(file), Compression::default()).unwrap();
    for (number, key) in from.keys().filter(|key| key.class() == "TH2F").enumerate() {
        let mut histogram = from.reader().read_histogram(key).unwrap();
        histogram.name = format!("h2_{}", 2 * number);
        writer.write_histogram(&histogram).unwrap();
    }
    writer.finish().unwrap();
}

const ENERGIES: &str = "columns that are not read: energy";
const GAPS: &str = "the numbering of h2_i has gaps, the first after 0; avalanches are counted as they come";
const SEVERAL: &str =
    "holds histograms of [1, 2] dimensions; those of 2 were read (choose the dimension to read others)";

/// `tree.root`, `gaps.root` and `several.root`, each with something to warn of.
fn desk() -> Desk {
    let desk = Desk::with([shipped("electrons.npz"), tiny()]);
    desk.does("convert electrons.npz several.root --dims 1,2 --quiet");
    tree_with_energies(&desk, "tree.root");
    histograms_with_gaps(&desk, "several.root", "gaps.root");
    desk
}

#[test]
fn inspect_and_convert_warn() {
    let desk = desk();
    for (file, warning) in [("tree.root", ENERGIES), ("gaps.root", GAPS), ("several.root", SEVERAL)] {
        let said = format!("warning: {file}: {warning}\n");
        assert_eq!(desk.does(&format!("inspect {file} --quiet")).stderr, said);
        assert_eq!(desk.does(&format!("convert {file} {file}.npz --quiet")).stderr, said);
    }
}

#[test]
fn training_warns() {
    let desk = desk();
    for (file, warning) in [("tree.root", ENERGIES), ("gaps.root", GAPS)] {
        let train = format!("train tiny.toml --data {file} --set training.epochs=1 --quiet");
        let ran = desk.does(&format!("{train} --run run-{file}"));
        assert_eq!((ran.stdout, ran.stderr), (String::new(), format!("warning: {file}: {warning}\n")));
        let ran = desk.does(&format!("{train} --run json-{file} --json"));
        assert_eq!((&ran.json()["warnings"], &ran.json()["epochs"]), (&json!([warning]), &json!(1)));
        assert_eq!(ran.stderr, "");
    }
    // The configuration asks for two dimensions, so there is nothing odd in finding others too.
    let ran = desk.does("train tiny.toml --data several.root --set training.epochs=1 --quiet --run run");
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_check_warns_and_its_report_keeps_it() {
    let desk = desk();
    let ran = desk.does("check --real tree.root --generated gaps.root --out report --quiet");
    assert_eq!(ran.stderr, format!("warning: tree.root: {ENERGIES}\nwarning: gaps.root: {GAPS}\n"));
    let report: Value = serde_json::from_slice(&desk.bytes("report/report.json")).unwrap();
    assert_eq!(report["real"]["warnings"], json!([ENERGIES]));
    assert_eq!(report["generated"]["warnings"], json!([GAPS]));
    let page = desk.text("report/report.html");
    for warning in [format!("tree.root: {ENERGIES}"), format!("gaps.root: {GAPS}")] {
        assert!(page.contains(&format!("<li>{warning}</li>")), "{warning}");
    }

    let ran = desk.does("check --real electrons.npz --generated several.root --out other --quiet --json");
    assert_eq!(ran.stderr, "", "the JSON says it");
    assert_eq!(ran.json()["generated"]["warnings"], json!([SEVERAL]));
    assert!(ran.json()["real"].get("warnings").is_none(), "left out when there is none");
}

#[test]
fn the_readout_warns() {
    let desk = desk();
    let ran = desk.does("readout tree.root --out hits.root --quiet");
    assert!(ran.stderr.starts_with(&format!("warning: tree.root: {ENERGIES}\n")), "{}", ran.stderr);
    let json = desk.does("readout tree.root --out hits.npz --json").json();
    assert_eq!(json["warnings"], json!([ENERGIES]));
}
