//! Commands that are killed at random moments, as machines and batch systems kill them.

use std::process::Stdio;
use std::time::Instant;

use crate::support::{Desk, TRAINED, shipped, tiny};

/// How often each command is killed: a few times here, hundreds of times by `cargo xtask soak`.
fn kills() -> u64 {
    std::env::var("TOWNSEND_KILLS").map_or(2, |kills| kills.parse().expect("TOWNSEND_KILLS is a number"))
}

/// Lets a command end once; then kills it again and again, each time at another moment of its life, and
/// starts it anew. Whatever has the name of an output is whole, the restarted command ends with the same
/// bytes, and nothing half is left.
fn survives(desk: &Desk, command: &str, outputs: &[&str]) {
    let begun = Instant::now();
    desk.does(command);
    let length = begun.elapsed();
    let whole = outputs.iter().map(|name| desk.bytes(name)).collect::<Vec<_>>();
    let remove = || {
        for name in outputs {
            // An output may be a file or lie in a folder that the command makes.
            let top = desk.path(name.split('/').next().unwrap_or(name));
            let _ = std::fs::remove_file(&top);
            let _ = std::fs::remove_dir_all(&top);
        }
    };
    let before = desk.everything().len();
    // What a run holds before its end is the state of its last epoch.
    let is_run = outputs[0].starts_with("run/");
    for number in 1..=kills() {
        remove();
        let started = Instant::now();
        let mut process = desk.command(command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Multiples of the golden ratio fill an interval evenly, and no process takes the same time twice.
        let moment = length.mul_f64(1.1 * (0.618_034 * number as f64).fract());
        std::thread::sleep(moment.saturating_sub(started.elapsed()));
        let _ = process.kill();
        process.wait().unwrap();
        let mut complete = true;
        for (name, whole) in outputs.iter().zip(&whole) {
            let there = desk.path(name).exists();
            let is_whole = there && desk.bytes(name) == *whole;
            assert!(is_run || !there || is_whole, "{command}: {name} is not whole after {moment:?}");
            complete &= is_whole;
        }
        if complete {
            continue;
        }
        // One that stopped between two of its outputs has to be told that the first may be replaced.
        let resume = is_run && desk.path("run/config.toml").exists();
        desk.does(&format!("{command} {}", if resume { "--resume" } else { "--force" }));
        for (name, whole) in outputs.iter().zip(&whole) {
            assert!(desk.bytes(name) == *whole, "{command}: {name} differs after {moment:?}");
        }
        assert_eq!(desk.everything().len(), before, "{command}, after {moment:?}: {}", desk.listing());
    }
}

#[test]
fn what_was_killed_is_made_again() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &shipped("electrons.npz")]);
    std::fs::rename(desk.path("run"), desk.path("model")).unwrap();
    for shard in 1..=2 {
        desk.does(&format!(
            "simulate --detector microscopic_275 --events 1500 --shard {shard}/2 --out s{shard}.npz"
        ));
    }
    for (command, outputs) in [
        ("convert electrons.npz histograms.root --dims 1,2,3", &["histograms.root"][..]),
        ("simulate --detector microscopic_275 --events 1500 --out simulated.root", &["simulated.root"]),
        ("generate --run model --events 1500 --out generated.npz", &["generated.npz"]),
        ("merge s1.npz s2.npz --out merged.npz", &["merged.npz"]),
        ("readout s1.npz --out hits.root", &["hits.root"]),
        (
            "check --real s1.npz --generated s2.npz --no-classifiers --out report",
            &["report/report.json", "report/report.html"],
        ),
    ] {
        survives(&desk, command, outputs);
    }
}

#[test]
fn a_training_that_was_killed_goes_on() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let command = "train tiny.toml --data avalanches.root --run run --set training.epochs=3";
    survives(&desk, command, &["run/checkpoints/last.safetensors", "run/checkpoints/best.safetensors"]);
}
