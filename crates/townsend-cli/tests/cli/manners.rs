//! What makes the first hour easy: things that ship, numbers as people write them, names that are nearly
//! right.

use std::path::Path;

use crate::support::{Desk, TRAINED, Transcript, tiny};

fn configs() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

#[test]
fn what_ships_is_listed_and_printed() {
    let desk = Desk::new();
    for (verb, folder, name) in
        [("configs", configs(), "vae-2d"), ("detectors", configs().join("detector"), "cgem")]
    {
        let list = desk.does(verb).stdout;
        assert!(list.lines().all(|line| line.chars().count() <= 80), "{list}");
        let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
        let mut files: Vec<String> = std::fs::read_dir(folder.clone())
            .unwrap()
            .filter_map(|entry| {
                Some(entry.unwrap().file_name().to_string_lossy().strip_suffix(".toml")?.to_owned())
            })
            .collect();
        // What fits start from is in the folder, and no detector to simulate.
        files.retain(|name| !name.starts_with("guessed"));
        files.sort();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, files, "{verb}");
        let text = std::fs::read_to_string(folder.join(format!("{name}.toml"))).unwrap();
        assert_eq!(desk.does(&format!("{verb} {name}")).stdout.trim_end(), text.trim_end());
        let all = desk.does(&format!("{verb} --json")).json();
        assert_eq!(all.as_array().unwrap().len(), names.len());
    }
}

#[test]
fn a_configuration_that_ships_is_trained_by_its_name() {
    let desk = Desk::new();
    desk.does("simulate --events 60 --out real.npz");
    desk.does(
        "train clusters --data real.npz --run run --set training.sweeps=10 --set training.electrons=4000",
    );
    desk.does("generate --run run --events 10 --out generated.npz");
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let desk = Desk::new();
    desk.does("simulate --events 1e2 --out a.npz");
    desk.does("simulate --events 100 --out b.npz");
    assert!(desk.bytes("a.npz") == desk.bytes("b.npz"));
}

/// Somebody who writes `-` means standard output, and no file of this name.
#[test]
fn a_dash_is_no_file() {
    let desk = Desk::new();
    assert!(desk.fails(2, "simulate --events 20 --out - --format npz").contains("/dev/stdout"));
}

#[test]
fn what_is_nearly_right_is_answered_with_the_nearest() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    std::fs::write(desk.path("my.toml"), "name = \"x\"\n[gas]\ntabel = \"x\"\n").unwrap();
    let mut said = Transcript::default();
    said.fails(&desk, 2, "simulate --detector cgm --events 10 --out a.npz");
    said.fails(&desk, 2, "simulate --detector my.toml --events 10 --out a.npz");
    said.fails(&desk, 2, "detectors micromega");
    said.fails(&desk, 2, "configs vae-2e");
    said.fails(&desk, 2, "train vae2d --data avalanches.root --run run");
    said.fails(&desk, 2, "train tiny.toml --data avalanches.root --run run --set training.sed=3");
    said.fails(&desk, 2, "simulate --events -5 --out a.npz");
    said.fails(&desk, 2, "simulate --events 1.5 --out a.npz");
    insta::assert_snapshot!(said);
}

/// Files that are not there are alike, whatever they should be.
#[test]
fn a_missing_file_has_one_exit_code() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    for arguments in [
        "simulate --detector none.toml --events 10 --out a.npz",
        "train none.toml --data avalanches.root --run run",
        "train tiny.toml --data none.root --run run",
        "inspect none.root",
        "generate --run none --events 10 --out a.npz",
    ] {
        desk.fails(1, arguments);
    }
}

#[test]
fn shells_and_man_know_every_verb() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.does(&format!("completions {shell}")).stdout;
        assert!(["simulate", "detectors", "fail-above"].iter().all(|word| script.contains(word)), "{shell}");
    }
    desk.does("man pages");
    for page in ["townsend.1", "townsend-check.1"] {
        assert!(desk.text(&format!("pages/{page}")).contains(".TH"), "{page}");
    }
}

#[test]
fn a_run_knows_what_it_goes_on_with() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    desk.does("train tiny.toml --data avalanches.root --run run --set training.epochs=1");
    desk.does("train --run run --resume --set training.epochs=2");
    let text = desk.text("run/metrics.jsonl");
    assert_eq!(text.lines().filter(|line| line.contains("\"kind\":\"epoch\"")).count(), 2);
    assert!(desk.text("run/config.toml").contains("epochs = 2"));
    let fewer = desk.fails(1, "train --run run --resume --set training.epochs=1");
    assert!(fewer.contains("`epochs = 2` became `epochs = 1`"), "{fewer}");
    std::fs::rename(desk.path("avalanches.root"), desk.path("moved.root")).unwrap();
    let lost = desk.fails(2, "train --run run --resume --set training.epochs=3");
    assert!(lost.contains("it was trained on avalanches.root, which is not here"), "{lost}");
    desk.does("train --run run --resume --data moved.root --set training.epochs=3");
}
