//! Clusters of clusters, learned from electrons alone.

use std::path::Path;
use std::sync::LazyLock;

use crate::support::{Desk, copy, read, shipped};

const TRAIN: &str = "train clusters.toml --data real.npz";
/// Makes a training small.
const SMALL: &str =
    "--set training.electrons=15000 --set training.sweeps=20 --set training.most_electrons=200";

fn config() -> std::path::PathBuf {
    shipped("../configs/clusters.toml")
}

/// `real.npz`, simulated avalanches of a triple GEM, and `run`, a small training on them, made once.
static LEARNED: LazyLock<Desk> = LazyLock::new(|| {
    let desk = Desk::with([config()]);
    desk.does("simulate --detector microscopic_275 --events 900 --out real.npz");
    desk.does(&format!("{TRAIN} --run run {SMALL}"));
    desk
});

/// A desk with copies of these.
fn desk() -> Desk {
    let desk = Desk::with([config(), LEARNED.path("real.npz")]);
    copy(&LEARNED.path("run"), &desk.path("run"));
    desk
}

/// Against avalanches that were held back a classifier on observables hardly tells them; without families it
/// does nearly always.
#[test]
fn families_are_learned() {
    let desk = desk();
    let settings = "--set data.test=0.5 --set training.electrons=60000 --set training.sweeps=60 --set training.most_electrons=200";
    let auc = |levels: usize| {
        let name = format!("levels-{levels}");
        desk.does(&format!("{TRAIN} --run {name} --set model.levels={levels} {settings}"));
        desk.does(&format!("generate --run {name} --events 500 --out {name}.npz --seed 7"));
        // Two coordinates are enough to see it, and a tenth of the work.
        desk.does(&format!("convert {name}.npz {name}.root --dims 2"));
        let check =
            format!("check --real real.npz --held-back {name} --generated {name}.root --out report-{levels}");
        desk.does(&format!("{check} --json")).json()["c2st"]["auc"]["value"].as_f64().unwrap()
    };
    let [none, two] = [0, 2].map(auc);
    assert!(two < 0.6 && none > 0.95, "{two} with families, {none} without");
}

/// The run tells what was done: every default, every sweep.
#[test]
fn a_run_holds_what_was_done() {
    let desk = desk();
    let config: toml::Table = desk.text("run/config.toml").parse().unwrap();
    assert_eq!(config["model"]["levels"].as_integer(), Some(2));
    assert_eq!(config["training"]["sweeps"].as_integer(), Some(20));
    assert_eq!(
        (config["data"]["test"].as_float(), config["data"]["seed"].as_integer()),
        (Some(0.2), Some(1))
    );
    let lines = desk.text("run/metrics.jsonl");
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 20);
    for (place, line) in lines.iter().enumerate() {
        assert_eq!(line["sweep"], place + 1);
        assert!(line["ln_density"].is_f64() && line["centres"].as_array().unwrap().len() == 2, "{line}");
    }
    let data: serde_json::Value = serde_json::from_slice(&desk.bytes("run/run.json")).unwrap();
    assert_eq!((&data["family"], &data["summary"]["bound"][1]), (&"clusters".into(), &lines[19]["bound"]));
    // A configuration without any table but that of the model has the same defaults.
    std::fs::write(desk.path("bare.toml"), "[model]\nfamily = \"clusters\"\n").unwrap();
    desk.does(&format!("train bare.toml --data real.npz --run bare {SMALL}"));
    assert_same_runs(&desk, "run", "bare");
}

fn assert_same_runs(desk: &Desk, one: &str, other: &str) {
    for name in ["config.toml", "run.json", "metrics.jsonl", "model.toml"] {
        assert!(desk.bytes(&format!("{one}/{name}")) == desk.bytes(&format!("{other}/{name}")), "{name}");
    }
}

#[test]
fn threads_and_shards_change_nothing() {
    let desk = desk();
    for threads in [1, 2] {
        desk.does(&format!("{TRAIN} --run again {SMALL} --threads {threads} --force"));
        assert_same_runs(&desk, "run", "again");
        desk.does(&format!("generate --run run --events 101 --out whole-{threads}.npz --threads {threads}"));
    }
    assert!(desk.bytes("whole-1.npz") == desk.bytes("whole-2.npz"));
    let whole = read(desk.path("whole-1.npz"), None);
    let mut joined = townsend_core::ElectronSet::default();
    for shard in 1..=3 {
        desk.does(&format!("generate --run run --events 101 --shard {shard}/3 --out part-{shard}.root"));
        let townsend_core::Dataset::Electrons(part) = read(desk.path(format!("part-{shard}.root")), None)
        else {
            panic!("counts")
        };
        part.iter().for_each(|avalanche| joined.push(avalanche.x, avalanche.z, avalanche.t));
    }
    assert_eq!(townsend_core::Dataset::from(joined).digest(), whole.digest());
    assert_eq!(whole.meta().provenance.seed, Some(1));
    desk.does("generate --run run --events 101 --out other.npz --seed 2");
    assert!(desk.bytes("other.npz") != desk.bytes("whole-1.npz"));
    desk.does(&format!("{TRAIN} --run other {SMALL} --seed 2"));
    assert!(desk.bytes("other/model.toml") != desk.bytes("run/model.toml"));
    assert!(desk.text("other/config.toml").contains("\nseed = 2\n"), "{}", desk.text("other/config.toml"));
}

#[test]
fn histograms_of_three_coordinates_are_learned_from() {
    let desk = desk();
    desk.does("convert real.npz histograms.root --dims 2,3");
    desk.does(&format!("train clusters.toml --data histograms.root --run counts {SMALL}"));
    desk.does("generate --run counts --events 1500 --out generated.npz");
    let check = "check --real histograms.root --held-back counts --generated generated.npz --out report";
    desk.does(&format!(
        "{check} --no-classifiers --fail-above w1_over_sigma.rms_x=0.4 --fail-above w1_over_sigma.rms_t=0.4"
    ));

    desk.does("convert real.npz flat.root --dims 2");
    let said = desk.fails(1, "train clusters.toml --data flat.root --run flat");
    assert!(said.contains("flat.root: the avalanches are histograms of 2 coordinates"), "{said}");
    assert!(said.contains("hint: bring histograms of x, z and t"), "{said}");
}

#[test]
fn what_it_has_not_is_refused() {
    let desk = desk();
    let other = format!("{TRAIN} --run other");
    let generate = "generate --run run --events 5 --out out.npz";
    for (code, arguments, says) in [
        (
            2,
            format!("{other} --resume"),
            "clusters.toml: a model of this family is trained in one go, so there is nothing to resume\n  hint: leave out --resume",
        ),
        (
            2,
            format!("{other} --set model.levels=4"),
            "clusters.toml: model.levels is 4, but must be from 0 to 3",
        ),
        (2, format!("{other} --set training.sweeps=9"), "training.sweeps is 9, but must be from 10"),
        (2, format!("{other} --set training.epochs=9"), "unknown field `epochs`"),
        (2, format!("{other} --set data.test=1"), "test"),
        (1, format!("{TRAIN} --run run"), "--force"),
        (1, "train clusters.toml --data missing.npz --run other".into(), "missing.npz"),
        (
            2,
            format!("{generate} --start 30,0"),
            "run: was trained without conditions and on one kind of start",
        ),
        (2, format!("{generate} --condition voltage_v=300"), "hint: leave out --start and --condition"),
        (1, "generate --run run --events 5 --out real.npz".into(), "--force"),
    ] {
        let said = desk.fails(code, &arguments);
        assert!(said.contains(says), "{arguments}: {said}");
    }
}

#[test]
fn damaged_runs_are_refused() {
    let desk = desk();
    let damaged = |name: &str, file: &str, from: &str, to: &str| {
        copy(&desk.path("run"), &desk.path(name));
        let text = desk.text(&format!("{name}/{file}"));
        assert!(text.contains(from), "{text}");
        std::fs::write(desk.path(format!("{name}/{file}")), text.replacen(from, to, 1)).unwrap();
    };
    damaged("newer", "run.json", "\"version\": 3", "\"version\": 99");
    damaged("bare", "run.json", "\"digest\"", "\"digits\"");
    damaged("negative", "model.toml", "empty = 0", "empty = -1");
    damaged("unknown", "model.toml", "empty", "void");
    damaged("gone", "model.toml", "", "");
    std::fs::remove_file(desk.path("gone/model.toml")).unwrap();
    for (run, says) in [
        ("newer", "99"),
        ("bare", "bare/run.json: is damaged: missing field `digest`"),
        ("negative", "the number of electrons: empty is -1"),
        ("unknown", "unknown/model.toml: "),
        ("gone", "gone/model.toml: "),
    ] {
        let said = desk.fails(1, &format!("generate --run {run} --events 5 --out out.npz"));
        assert!(said.contains(says), "{run}: {said}");
    }
}

#[test]
fn avalanches_that_were_not_trained_on_have_nothing_held_back() {
    let desk = desk();
    desk.does("generate --run run --events 50 --out generated.npz");
    let said = desk.fails(2, "check --real generated.npz --held-back run --generated real.npz --out report");
    assert!(said.contains("run"), "{said}");
}

/// What is left of a training that was stopped: nothing.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_training_leaves_nothing() {
    use std::process::{Command, Stdio};

    let desk = desk();
    let before = desk.everything();
    let arguments = format!("{TRAIN} --run other --set training.sweeps=2000");
    let process = desk.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = process.id();
    // A bit for each signal that it catches; that of SIGINT is the second.
    let caught = || {
        let status = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status")).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&mask, 16).unwrap() & 2 != 0
    };
    crate::support::wait_until("it listens", caught);
    assert!(Command::new("sh").args(["-c", &format!("kill -INT {id}")]).status().unwrap().success());
    let ran = crate::support::Ran::from(process.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("error: stopped; nothing was written\n"), "{}", ran.stderr);
    assert!(before == desk.everything(), "{}", desk.listing());
}
