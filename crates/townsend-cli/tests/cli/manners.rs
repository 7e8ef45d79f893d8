//! What makes the first hour easy: things that ship, numbers as people write them, names that are nearly
//! right.

use std::path::Path;

use crate::support::{Desk, TRAINED, Transcript, end, shipped, tiny};

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
fn a_dash_is_standard_output() {
    let desk = Desk::with([&TRAINED.run]);
    desk.does("simulate --detector microscopic_275 --events 20 --out electrons.npz");
    for (arguments, file) in [
        ("simulate --detector microscopic_275 --events 20", "electrons.npz"),
        ("generate --run run --events 20", "counts.npz"),
        ("readout electrons.npz", "hits.npz"),
        ("readout electrons.npz", "hits.csv"),
    ] {
        if !desk.path(file).exists() {
            desk.does(&format!("{arguments} --out {file}"));
        }
        let format = if file.ends_with("csv") { "text" } else { "npz" };
        let ran = end(desk.shell("", &format!("{arguments} --out - --format {format}"), "| cat > piped"));
        assert!(ran.code == Some(0) && desk.bytes("piped") == desk.bytes(file), "{file}: {}", ran.stderr);
    }
    let ran = end(desk.shell("", "convert electrons.npz - --format npz", "| cat > piped"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    desk.does("inspect piped");
    for (arguments, what) in [
        ("simulate --events 20 --out -", "--format npz"),
        ("simulate --events 20 --out - --format root", "ROOT file"),
        ("generate --run run --events 20 --out - --format rntuple", "ROOT file"),
        ("simulate --events 20 --out - --format npz --json", "--json"),
        ("check --real electrons.npz --generated electrons.npz --out -", "write a name"),
        ("inspect electrons.npz --html -", "write a name"),
        ("gain cgem --out -", "write a name"),
        ("export --run run --out -", "write a name"),
    ] {
        assert!(desk.fails(2, arguments).contains(what), "{arguments}");
    }
}

/// Responses and avalanches are both npz, and easily taken for each other.
#[test]
fn responses_are_no_avalanches() {
    let desk = Desk::with([shipped("single_foils.npz"), TRAINED.data.clone()]);
    for (arguments, what) in [
        ("train vae-2d --data single_foils.npz --run run", "recorded responses of foils"),
        ("inspect single_foils.npz", "recorded responses of foils"),
        ("train cascade-stages --data avalanches.root --run run", "cascade-anode and cascade-histograms are"),
        ("train avalanches.root --data single_foils.npz --run run", "is it a file of avalanches?"),
    ] {
        let said = desk.run(arguments);
        assert!(said.stderr.contains(what), "{arguments}: {}", said.stderr);
    }
    // A run of the name of a configuration does not hide it.
    std::fs::create_dir(desk.path("cascade-stages")).unwrap();
    desk.does("train cascade-stages --data single_foils.npz --run run");
}

#[test]
fn figures_of_a_file_are_written() {
    let desk = Desk::new();
    desk.does("simulate --detector microscopic_275 --events 60 --out electrons.npz");
    let ran = desk.does("inspect electrons.npz --plots deep/figures --html page.html");
    assert!(ran.stderr.contains("page: page.html") && ran.stderr.contains("figures: deep/figures"));
    assert!(desk.text("deep/figures/rms_x.svg").contains("avalanches / bin"));
    assert!(desk.bytes("deep/figures/n_electrons.pdf").starts_with(b"%PDF"));
    let again = desk.fails(1, "inspect electrons.npz --plots deep/figures");
    assert!(again.contains("exists already"), "{again}");
    desk.does("inspect electrons.npz --plots deep/figures --force");
}

/// A terminal is 80 columns wide. Warnings and errors are one line each, for logs.
#[test]
fn what_is_said_fits_a_terminal() {
    let desk = Desk::with([shipped("single_foils.npz"), configs(), TRAINED.data.clone(), tiny()]);
    let mut wide = Vec::new();
    for arguments in [
        "train cascade-stages --data single_foils.npz --run stages",
        "train cascade-voltages --data single_foils.npz --run voltages",
        "train tiny.toml --data avalanches.root --run network --set training.epochs=2",
        "generate --run stages --events 600 --out generated.npz",
        "generate --run voltages --events 300 --condition voltage_v=300 --out at_300.root",
        "train clusters --data generated.npz --run clusters --set training.sweeps=10 --set training.electrons=4000",
        "train cascade-anode --data generated.npz --run anode --set fit.avalanches=800 --set fit.steps=2 --set \
         fit.approach=400",
        "simulate --track --events 2 --out tracks.npz",
        "readout tracks.npz --out hits.npz",
        "inspect generated.npz",
        "inspect avalanches.root --plots figures",
        "convert generated.npz histograms.root --dims 2",
        "gain microscopic_275 --scan 815:835:10 --events 200",
        "check --real avalanches.root --generated histograms.root --out report --no-classifiers",
        "check --real avalanches.root --generated histograms.root --generated avalanches.root --out ranking \
         --no-classifiers",
        "export --run network --out network.onnx",
        "configs",
        "detectors",
        "bench simulating --rounds 1",
    ] {
        let ran = desk.does(arguments);
        let lines = ran.stdout.lines().chain(ran.stderr.lines());
        let lines = lines.filter(|line| !line.starts_with("warning: "));
        wide.extend(
            lines.filter(|line| line.chars().count() > 80).map(|line| format!("{arguments}\n  {line}")),
        );
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

/// What a configuration names is looked for in its own folder first, so that a folder can be moved.
#[test]
fn a_copied_folder_finds_what_it_names() {
    let desk = Desk::with([shipped("single_foils.npz")]);
    let text = |verb: &str| desk.does(verb).stdout;
    std::fs::create_dir(desk.path("mine")).unwrap();
    let detector = text("detectors microscopic_275").replace("name = \"", "name = \"my ");
    std::fs::write(desk.path("mine/detector.toml"), detector).unwrap();
    let config = text("configs cascade-stages").replace("\"microscopic_275\"", "\"detector.toml\"");
    assert!(config.contains("detector.toml"));
    std::fs::write(desk.path("mine/config.toml"), config).unwrap();
    desk.does("train mine/config.toml --data single_foils.npz --run first");
    std::fs::create_dir(desk.path("elsewhere")).unwrap();
    std::fs::rename(desk.path("mine"), desk.path("elsewhere/copy")).unwrap();
    desk.does("train elsewhere/copy/config.toml --data single_foils.npz --run second");
    assert!(
        desk.text("second/detector.toml").contains("name = \"my ")
            && desk.text("first/detector.toml") == desk.text("second/detector.toml")
    );
    // A run names nothing outside, so it goes on elsewhere; and configurations that ship name what ships.
    std::fs::rename(desk.path("second"), desk.path("elsewhere/run")).unwrap();
    desk.does("generate --run elsewhere/run --events 5 --out a.npz");
    for name in ["cascade-anode", "cascade-1t", "recorded-1t"] {
        std::fs::write(desk.path("elsewhere/own.toml"), text(&format!("configs {name}"))).unwrap();
        let said = desk.fails(1, "train elsewhere/own.toml --data none.npz --run third");
        assert!(said.contains("none.npz"), "{said}");
    }
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

/// Faults of one kind have one exit code, whatever the verb: docs/files.md lists them.
#[test]
fn alike_faults_have_alike_exit_codes() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &tiny()]);
    desk.does("simulate --detector microscopic_275 --events 20 --out electrons.npz");
    std::fs::write(desk.path("other.npz"), "no npz").unwrap();
    std::fs::write(desk.path("wrong.toml"), "no = toml = file").unwrap();
    std::fs::write(desk.path("key.toml"), "nmae = 1").unwrap();
    std::fs::create_dir(desk.path("empty")).unwrap();
    let check = "check --real avalanches.root --no-classifiers";
    let missing = [
        "simulate --detector none.toml --events 10 --out a.npz",
        "gain none.toml",
        "readout avalanches.root --detector none.toml --out a.npz",
        "train none.toml --data avalanches.root --run new",
        "train tiny.toml --data none.root --run new",
        "inspect none.root",
        "convert none.root a.npz",
        "convert electrons.npz a.npz --grid none.toml",
        "generate --run none --events 10 --out a.npz",
        "export --run none --out a.townsend",
        &format!("{check} --generated none.root --out report"),
        &format!("{check} --generated avalanches.root --held-back none --out report"),
        &format!("{check} --generated avalanches.root --thresholds none.toml --out report"),
    ];
    let damaged = [
        "inspect other.npz",
        "convert other.npz a.root",
        "train tiny.toml --data other.npz --run new",
        "readout other.npz --out a.npz",
        "generate --run empty --events 10 --out a.npz",
        &format!("{check} --generated other.npz --out report"),
    ];
    let there = [
        "convert avalanches.root other.npz",
        "simulate --events 10 --out other.npz",
        "generate --run run --events 10 --out other.npz",
        "train tiny.toml --data avalanches.root --run run",
        "inspect avalanches.root --html key.toml",
        "demo --out empty",
    ];
    for arguments in missing.iter().chain(&damaged).chain(&there) {
        desk.fails(1, arguments);
    }
    let unreadable = [
        "simulate --detector wrong.toml --events 10 --out a.npz",
        "simulate --detector key.toml --events 10 --out a.npz",
        "gain key.toml",
        "train wrong.toml --data avalanches.root --run new",
        "train key.toml --data avalanches.root --run new",
        "convert electrons.npz a.npz --grid wrong.toml",
        &format!("{check} --generated avalanches.root --thresholds wrong.toml --out report"),
        &format!("{check} --generated avalanches.root --thresholds key.toml --out report"),
    ];
    let unknown = [
        "simulate --detector nowhere --events 10 --out a.npz",
        "train nothing --data avalanches.root --run new",
        "configs nothing",
        "detectors nothing",
        "train tiny.toml --data avalanches.root --run new --set training.epchs=2",
        "simulate --events 10 --condition colour=3 --out a.npz",
        "generate --run run --events 10 --start drift --out a.npz",
        "simulate --events 0 --out a.npz",
        "convert avalanches.root a.xyz",
        "no-verb",
        &format!("{check} --generated avalanches.root --fail-above kz=1 --out report"),
    ];
    for arguments in unreadable.iter().chain(&unknown) {
        desk.fails(2, arguments);
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
