//! Outputs that are there already, or cannot be.

use crate::support::{Desk, TRAINED, Transcript, end, tiny};

#[test]
fn nothing_is_overwritten_unasked() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &tiny()]);
    desk.does("generate --run run --events 50 --out generated.root");
    desk.does("check --real avalanches.root --generated generated.root --out report --quiet");
    let commands = [
        "convert avalanches.root generated.root",
        "generate --run run --events 30 --out generated.root",
        "train tiny.toml --data avalanches.root --run run",
        "check --real avalanches.root --generated avalanches.root --out report",
    ];
    let mut said = Transcript::default();
    for command in commands {
        said.fails(&desk, 1, command);
    }
    insta::assert_snapshot!(said);
    let before = desk.everything();
    for command in &commands[1..] {
        desk.does(&format!("{command} --force --seed 3"));
    }
    let after = desk.everything();
    for file in ["generated.root", "run/checkpoints/last.safetensors", "report/report.json"] {
        assert_ne!(before[std::path::Path::new(file)], after[std::path::Path::new(file)], "{file}");
    }
    assert!(before.keys().eq(after.keys()), "{}", desk.listing());
}

#[test]
fn a_file_may_take_its_own_place() {
    let desk = Desk::with([&TRAINED.data]);
    desk.does("convert avalanches.root avalanches.root --dims 1 --force");
    assert!(desk.does("inspect avalanches.root").stdout.contains("ROOT histograms h1_i"));
}

/// The device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed() {
    let desk = Desk::with([&TRAINED.data]);
    let ran = end(desk.shell("", "inspect avalanches.root --quiet", ">/dev/full"));
    assert_eq!(ran.code, Some(1));
    let said = "error: standard output: cannot be written: No space left on device (os error 28)\n";
    assert_eq!(ran.stderr, said);
}

#[test]
fn outputs_that_cannot_be() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &tiny()]);
    std::fs::create_dir(desk.path("folder.npz")).unwrap();
    let mut said = Transcript::default();
    for (code, arguments) in [
        (1, "convert avalanches.root no/such/folder.npz"),
        (1, "convert avalanches.root folder.npz --force"),
        (2, "convert avalanches.root out.h5"),
        (2, "convert avalanches.root out"),
        (1, "convert avalanches.root out.npz --dims 1,2"),
        (1, "generate --run run --events 3 --out no/such/folder.root"),
        (2, "generate --run run --events 3 --out out.txt"),
        (1, "train tiny.toml --data avalanches.root --run avalanches.root/run"),
        (2, "check --real avalanches.root --generated avalanches.root --out avalanches.root/report"),
    ] {
        said.fails(&desk, code, arguments);
    }
    insta::assert_snapshot!(said);
}
