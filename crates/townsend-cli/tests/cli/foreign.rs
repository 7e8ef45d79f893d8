//! ROOT, uproot and NumPy read what the command writes, and the command reads what they write.

use crate::support::{Desk, TRAINED, Transcript, python, shipped};

#[test]
fn histograms_are_those_that_numpy_and_root_count() {
    let desk = Desk::with([shipped("electrons.npz")]);
    desk.does("convert electrons.npz histograms.root --dims 1,2,3");
    let said = python(&desk, "histograms.py", "electrons.npz histograms.root");
    assert_eq!(said, "120 histograms of 40 avalanches agree\n");
}

#[test]
fn trees_and_arrays_hold_the_electrons() {
    let desk = Desk::with([shipped("electrons.npz")]);
    desk.does("convert electrons.npz tree.root");
    desk.does("convert tree.root back.npz");
    let said = python(&desk, "electrons.py", "electrons.npz tree.root back.npz");
    assert_eq!(said, "40 avalanches agree\n");
}

#[test]
fn generated_files_hold_the_same_in_every_format() {
    let desk = Desk::with([&TRAINED.run]);
    for file in ["generated.root", "generated.npz"] {
        desk.does(&format!("generate --run run --events 60 --out {file}"));
    }
    let said = desk.does("inspect generated.npz --json").json();
    let python = python(&desk, "generated.py", "generated.root generated.npz");
    assert_eq!(python, format!("60 avalanches, {} electrons agree\n", said["electrons"]));
}

#[test]
fn what_root_writes_is_read() {
    let desk = Desk::new();
    let electrons = python(&desk, "write_with_root.py", "filled.root other.root");
    let said = desk.does("inspect filled.root --json").json();
    assert_eq!(said["electrons"].to_string(), electrons.trim());
    assert_eq!(said["layout"], "ROOT histograms h3_i (TH3I)");
    assert_eq!(desk.does("inspect filled.root --dims 2 --json").json()["electrons"], said["electrons"]);
    let mut errors = Transcript::default();
    errors.fails(&desk, 1, "inspect other.root");
    insta::assert_snapshot!(errors);
}
