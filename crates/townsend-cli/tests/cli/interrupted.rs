//! Ctrl-C and its kin: real signals to real processes.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Desk, Ran, TRAINED, end, tiny, wait_until};

fn signal(name: &str, process: &Child) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", process.id())]).status().unwrap();
    assert!(sent.success());
}

fn start(desk: &Desk, arguments: &str) -> Child {
    desk.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn wait(process: Child) -> Ran {
    process.wait_with_output().unwrap().into()
}

const TRAIN: &str = "train tiny.toml --data avalanches.root --set training.epochs=20 --json --run";

/// Steps of the twenty epochs in full batches of 32.
fn all_steps(desk: &Desk) -> u64 {
    let data: serde_json::Value = serde_json::from_slice(&desk.bytes("unbroken/run.json")).unwrap();
    20 * (data["summary"]["used"].as_u64().unwrap() / 32)
}

#[test]
fn a_training_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let unbroken = desk.does(&format!("{TRAIN} unbroken")).json();
    assert_eq!(unbroken["steps"], all_steps(&desk));
    for name in ["INT", "TERM"] {
        let process = start(&desk, &format!("{TRAIN} {name}"));
        let best = desk.path(format!("{name}/checkpoints/best.safetensors"));
        wait_until("the first epoch ends", || best.exists());
        signal(name, &process);
        let stopped = wait(process);
        assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
        assert!(stopped.stderr.contains("stopped and saved") && stopped.stderr.contains("--resume"));
        let summary = stopped.json();
        assert_eq!(summary["stopped"], true);
        let steps = summary["steps"].as_u64().unwrap();
        assert!(steps > 0 && steps < all_steps(&desk), "stopped in the middle: {steps}");

        let resumed = desk.does(&format!("{TRAIN} {name} --resume")).json();
        assert_eq!(resumed["steps"], unbroken["steps"]);
        assert_eq!(resumed["best"], unbroken["best"]);
        for file in ["last.safetensors", "best.safetensors"] {
            let of = |run: &str| desk.bytes(&format!("{run}/checkpoints/{file}"));
            assert!(of(name) == of("unbroken"), "{file} after {name}");
        }
    }
}

#[test]
fn a_training_that_was_killed_goes_on_from_its_last_epoch() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    desk.does(&format!("{TRAIN} unbroken"));
    let mut process = start(&desk, &format!("{TRAIN} killed"));
    let best = desk.path("killed/checkpoints/best.safetensors");
    wait_until("the first epoch ends", || best.exists());
    process.kill().unwrap();
    process.wait().unwrap();
    desk.does(&format!("{TRAIN} killed --resume"));
    for file in ["checkpoints/last.safetensors", "checkpoints/best.safetensors"] {
        assert!(desk.bytes(&format!("killed/{file}")) == desk.bytes(&format!("unbroken/{file}")), "{file}");
    }
    let epochs = |run: &str| {
        let text = desk.text(&format!("{run}/metrics.jsonl"));
        text.lines().filter(|line| line.contains("\"kind\":\"epoch\"")).count()
    };
    assert_eq!(epochs("killed"), 20, "no epoch twice");
}

/// A file is being written under its temporary name.
fn begun(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.into_iter().any(|name| name.to_string_lossy().ends_with(".part"))
}

#[test]
fn an_interrupted_generation_leaves_nothing() {
    let desk = Desk::with([&TRAINED.run]);
    std::fs::write(desk.path("old.root"), "precious").unwrap();
    let before = desk.everything();
    for (name, file) in [("INT", "new.root"), ("TERM", "new.npz"), ("INT", "old.root --force")] {
        let process = start(&desk, &format!("generate --run run --events 100000000 --out {file}"));
        wait_until("the file is begun", || begun(&desk.path("")));
        signal(name, &process);
        let stopped = wait(process);
        assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
        assert!(stopped.stderr.ends_with("error: stopped; nothing was written\n"), "{}", stopped.stderr);
        assert!(before == desk.everything(), "{}", desk.listing());
    }
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    let desk = Desk::new();
    let process = start(&desk, "demo --out demo --set fit.avalanches=1000000");
    wait_until("the stages are fitted", || desk.path("demo/stages/run.json").exists());
    signal("INT", &process);
    let stopped = wait(process);
    assert_eq!(stopped.code, Some(1), "{}", stopped.stderr);
    assert!(stopped.stderr.ends_with("error: stopped; nothing was written\n"), "{}", stopped.stderr);
    assert!(desk.everything().is_empty(), "{}", desk.listing());
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    // One step of this training takes far longer than the test waits.
    let slow = "--set model.hidden=2000 --set model.channels=[64,64,64] --set training.batch_size=200";
    let process = start(&desk, &format!("train tiny.toml --data avalanches.root --run run {slow}"));
    wait_until("training begins", || desk.path("run/metrics.jsonl").exists());
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal("INT", &process);
    std::thread::sleep(std::time::Duration::from_millis(100));
    signal("INT", &process);
    assert_eq!(wait(process).code, Some(130));
}

#[test]
fn a_hang_up_stops_as_ctrl_c_does() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    // The tests themselves may run under `nohup`.
    let mut command = desk.shell("exec env --default-signal=HUP", &format!("{TRAIN} run"), "");
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("training begins", || desk.path("run/metrics.jsonl").exists());
    signal("HUP", &process);
    let stopped = wait(process);
    assert_eq!(stopped.code, Some(1));
    assert!(stopped.stderr.contains("stopping; a second ctrl-C ends at once\n"), "{}", stopped.stderr);
}

#[test]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let mut command = desk.shell("trap '' HUP; exec", &format!("{TRAIN} run"), "");
    let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("training begins", || desk.path("run/metrics.jsonl").exists());
    signal("HUP", &process);
    assert_eq!(wait(process).code, Some(0), "as with nohup");
}

#[test]
fn readers_that_go_away_are_no_trouble() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    // `true` reads nothing at all; with 2>&1 progress and warnings go there as well.
    for arguments in [
        "inspect avalanches.root",
        "inspect avalanches.root --json",
        "--help",
        "generate --run run --events 20 --out a.root --json",
        "convert avalanches.root b.npz --dims 2",
        "inspect missing.root",
    ] {
        let ran = end(desk.shell("", arguments, "2>err | true; cat err"));
        assert_eq!(ran.stderr, "", "{arguments}");
        assert!(!ran.stdout.contains("panicked"), "{arguments}: {}", ran.stdout);
        let both =
            end(desk.shell("(", &format!("{arguments} --force"), "; echo code $? >&3) 3>codes 2>&1 | true"));
        assert_eq!(both.stderr, "");
        let wanted = if arguments.contains("missing") { "code 1\n" } else { "code 0\n" };
        wait_until("the command ends", || desk.path("codes").exists() && !desk.bytes("codes").is_empty());
        assert_eq!(desk.text("codes"), wanted, "{arguments}");
    }
}

#[test]
fn closed_streams_are_no_trouble() {
    let desk = Desk::with([&TRAINED.data]);
    let ran = end(desk.shell("", "inspect avalanches.root --quiet", "<&-"));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("avalanches  300"));
    let ran = end(desk.shell("", "convert avalanches.root a.npz", "<&- >&- 2>&-"));
    assert_eq!(ran.code, Some(0));
    assert!(desk.path("a.npz").exists());
}
