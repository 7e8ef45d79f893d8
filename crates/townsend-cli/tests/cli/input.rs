//! Files of others: names, units, trees, selections, several files, in every verb.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Desk, Transcript, shipped, tiny};

/// The files of others that the tests of reading have.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../townsend-io/tests/fixtures");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "root" || ending == "npz")).collect()
}

fn inspected(desk: &Desk, arguments: &str) -> Value {
    desk.does(&format!("inspect {arguments} --json")).json()
}

#[test]
fn a_file_with_other_names_is_read_as_the_error_says() {
    let desk = Desk::with(fixtures());
    let said = desk.fails(1, "inspect t10_garfield_names.root");
    assert!(said.contains("electrons (TTree, 3 entries): xe (f64), ze (f64), te (f64)"), "{said}");
    assert!(said.contains("  hint: --columns x=xe,z=ye,t=te reads it so\n"), "{said}");
    let read = inspected(&desk, "t10_garfield_names.root --columns x=xe,z=ye,t=te --units cm,ns");
    assert_eq!((&read["avalanches"], &read["electrons"]), (&2.into(), &3.into()));
    assert_eq!(read["units"], serde_json::json!(["mm", "mm", "ns"]));
}

#[test]
fn several_files_are_one_set_in_every_verb() {
    let desk = Desk::with(fixtures());
    desk.does("convert t02_from_one.root t01_hadd_restart.root both.npz");
    assert_eq!(inspected(&desk, "both.npz")["avalanches"], 12);
    let both = inspected(&desk, "t02_from_one.root t01_hadd_restart.root");
    assert_eq!((&both["avalanches"], &both["electrons"]), (&12.into(), &80.into()));
    assert_eq!(both["file"], "t02_from_one.root and 1 more");
    let warnings = both["warnings"].to_string();
    assert!(warnings.contains("t01_hadd_restart.root: event goes back 1 times"), "{warnings}");
    assert_eq!(inspected(&desk, "t02*.root")["avalanches"], 12, "a pattern");
    desk.does("readout t02_from_one.root t01_hadd_restart.root --out hits.npz");
    let missing = desk.fails(1, "inspect none*.root");
    assert!(missing.contains("none*.root: no file has such a name"), "{missing}");
}

#[test]
fn a_configuration_says_how_files_are_read() {
    let desk = Desk::with([shipped("electrons.npz"), tiny()]);
    let config = desk.text("tiny.toml");
    let input = "\n[input]\nunits = \"x=cm\"\nwhere = \"x < 0.01\"\n";
    std::fs::write(desk.path("with-input.toml"), config + input).unwrap();
    let train = "--data electrons.npz --set training.epochs=1 --quiet";
    desk.does(&format!("train with-input.toml {train} --run a"));
    desk.does(&format!("train tiny.toml {train} --run b --units x=cm --where x<0.01"));
    let header = |run: &str| serde_json::from_str::<Value>(&desk.text(&format!("{run}/run.json"))).unwrap();
    assert_eq!(header("a")["data"]["digest"], header("b")["data"]["digest"]);
    desk.does(&format!("train tiny.toml {train} --run c"));
    assert_ne!(header("a")["data"]["digest"], header("c")["data"]["digest"]);
    // Options go before the configuration.
    desk.does(&format!("train with-input.toml {train} --run d --units x=mm --where x<1e9"));
    assert_eq!(header("d")["data"]["digest"], header("c")["data"]["digest"]);
    desk.does(&format!("train with-input.toml {train} --set input.units=\"x=mm\" --run e"));
    assert_ne!(header("e")["data"]["digest"], header("a")["data"]["digest"]);
}

#[test]
fn wrong_options_are_wrong_usage() {
    let desk = Desk::with(fixtures());
    let mut said = Transcript::default();
    for option in ["--columns xe", "--units x=ell", "--where status=-5", "--tree nothing", "--histograms [x"]
    {
        let code = if option.starts_with("--tree") || option.starts_with("--hist") { 1 } else { 2 };
        said.fails(&desk, code, &format!("inspect t24a_cm_brackets.root {option}"));
    }
    insta::assert_snapshot!(said);
}
