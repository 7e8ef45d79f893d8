//! Configurations, arguments and run directories that cannot be: exit code 2 where the wish was wrong, 1
//! where what was found is.

use crate::support::{Desk, TRAINED, Transcript, copy, tiny};

/// A configuration that is the tiny one with a text replaced.
fn changed(desk: &Desk, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(tiny()).unwrap();
    assert!(text.contains(from));
    std::fs::write(desk.path(file), text.replace(from, to)).unwrap();
}

#[test]
fn configurations() {
    let desk = Desk::with([&tiny(), &TRAINED.data]);
    changed(&desk, "unknown.toml", "epochs = 2", "epoch = 2");
    changed(&desk, "table.toml", "[training]", "[trainnig]");
    changed(&desk, "family.toml", "\"vae\"", "\"diffusion\"");
    changed(&desk, "range.toml", "batch_size = 32", "batch_size = 1");
    changed(&desk, "type.toml", "epochs = 2", "epochs = \"two\"");
    changed(&desk, "syntax.toml", "epochs = 2", "epochs = = 2");
    changed(&desk, "split.toml", "[training]", "[data]\ntest = 0.95\n[training]");
    changed(&desk, "device.toml", "epochs = 2", "device = \"abacus\"");
    changed(&desk, "kernels.toml", "[6, 5, 5]", "[7, 5, 5]");
    std::fs::write(desk.path("empty.toml"), "").unwrap();
    let mut said = Transcript::default();
    for file in
        ["unknown", "table", "family", "range", "type", "syntax", "split", "device", "kernels", "empty"]
    {
        said.fails(&desk, 2, &format!("train {file}.toml --data avalanches.root --run run"));
    }
    said.fails(&desk, 1, "train missing.toml --data avalanches.root --run run");
    insta::assert_snapshot!(said);
}

#[test]
fn overrides() {
    let desk = Desk::with([&tiny(), &TRAINED.data]);
    let mut said = Transcript::default();
    for set in [
        "training.epoch=3",
        "training.epochs",
        "training.epochs=many",
        "training.epochs=0",
        "epochs.training.x=1",
        "model=1",
        "=3",
    ] {
        said.fails(&desk, 2, &format!("train tiny.toml --data avalanches.root --run run --set {set}"));
    }
    said.fails(&desk, 2, "train tiny.toml --data avalanches.root --run run --seed 18446744073709551615");
    insta::assert_snapshot!(said);
}

#[test]
fn arguments() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    std::fs::write(desk.path("report"), "a file").unwrap();
    let mut said = Transcript::default();
    for arguments in [
        "infer",
        "inspect",
        "inspect avalanches.root --dims 4",
        "inspect avalanches.root --format hdf5",
        "convert avalanches.root out.npz --dims 2,x",
        "generate --run run --events 0 --out out.root",
        "generate --run run --events many --out out.root",
        "generate --run run --events 10 --out out.root --shard 4/3",
        "generate --run run --events 10 --out out.root --threads 100000",
        "check --real avalanches.root --generated avalanches.root --out new --fail-above kz=0.1",
        "check --real avalanches.root --generated avalanches.root --out new --fail-above ks",
        "check --real avalanches.root --generated avalanches.root --out new --fail-above ks=small",
        "check --real avalanches.root --generated avalanches.root --out report",
    ] {
        said.fails(&desk, 2, arguments);
    }
    insta::assert_snapshot!(said);
}

#[test]
fn run_directories() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &tiny()]);
    std::fs::create_dir(desk.path("other")).unwrap();
    std::fs::write(desk.path("other/thesis.tex"), "years of work").unwrap();
    std::fs::create_dir(desk.path("empty")).unwrap();
    std::fs::write(desk.path("file"), "").unwrap();
    for (name, file, from, to) in [
        ("older", "run.json", "\"version\": 3", "\"version\": 0"),
        ("newer", "run.json", "\"version\": 3", "\"version\": 99"),
        ("unversioned", "run.json", "\"version\": 3,", ""),
        ("broken", "run.json", "{", ""),
        ("edited", "config.toml", "hidden = 8", "hidden = 9"),
    ] {
        copy(&TRAINED.run, &desk.path(name));
        let text = desk.text(&format!("{name}/{file}"));
        assert!(text.contains(from), "{text}");
        std::fs::write(desk.path(format!("{name}/{file}")), text.replace(from, to)).unwrap();
    }
    for (name, bytes) in [("cut", 1000), ("blank", 0)] {
        copy(&TRAINED.run, &desk.path(name));
        let checkpoint = format!("{name}/checkpoints/best.safetensors");
        std::fs::write(desk.path(&checkpoint), &desk.bytes(&checkpoint)[..bytes]).unwrap();
    }
    let mut said = Transcript::default();
    for run in
        ["missing", "other", "empty", "file", "older", "newer", "unversioned", "broken", "cut", "blank"]
    {
        said.fails(&desk, 1, &format!("generate --run {run} --events 5 --out out.root"));
    }
    let train = "train tiny.toml --data avalanches.root --run";
    for run in ["missing", "other", "newer", "edited"] {
        said.fails(&desk, 1, &format!("{train} {run} --resume"));
    }
    for run in ["other", "file"] {
        said.fails(&desk, 1, &format!("{train} {run} --force"));
    }
    said.fails(
        &desk,
        1,
        "check --real avalanches.root --held-back other --generated avalanches.root --out report",
    );
    insta::assert_snapshot!(said);
}

#[test]
fn resuming_with_something_else() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &tiny()]);
    desk.does("generate --run run --events 300 --out generated.root");
    let mut said = Transcript::default();
    said.fails(
        &desk,
        1,
        "train tiny.toml --data avalanches.root --run run --resume --set training.learning_rate=0.01",
    );
    said.fails(&desk, 1, "train tiny.toml --data avalanches.root --run run --resume --set data.seed=4");
    said.fails(&desk, 1, "train tiny.toml --data generated.root --run run --resume");
    said.fails(
        &desk,
        2,
        "check --real generated.root --held-back run --generated generated.root --out report",
    );
    insta::assert_snapshot!(said);
    // Nothing left to do is no failure.
    let before = desk.bytes("run/checkpoints/last.safetensors");
    desk.does("train tiny.toml --data avalanches.root --run run --resume");
    assert!(before == desk.bytes("run/checkpoints/last.safetensors"));
}
