//! Two processes that want to write to one run.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Desk, Ran, TRAINED, copy, end, tiny, wait_until};

const TRAIN: &str = "train tiny.toml --data avalanches.root --run run --set training.epochs=8";
const LOCK: &str = "run/run.lock";

/// Starts a training, and lets it stand still in the middle.
fn start(desk: &Desk) -> Child {
    let process = desk.command(TRAIN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first epoch ends", || desk.path("run/checkpoints/best.safetensors").exists());
    let stopped = Command::new("sh").args(["-c", &format!("kill -STOP {}", process.id())]).status().unwrap();
    assert!(stopped.success());
    process
}

fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// What a process of this number on this machine leaves that is killed.
fn leave(desk: &Desk, host: &str, process: u32) {
    let text = format!(r#"{{"host":"{host}","process":{process},"since":"2026-01-02 03:04:05 UTC"}}"#);
    std::fs::write(desk.path(LOCK), text).unwrap();
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[test]
fn one_process_at_a_time_writes_to_a_run() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let process = start(&desk);
    let holder = format!("run: process {} on {}, since 20", process.id(), host());
    for arguments in [TRAIN, &format!("{TRAIN} --force"), "train --run run --resume"] {
        let ran = desk.run(arguments);
        assert_eq!(ran.code, Some(1), "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error: {holder}")), "{}", ran.stderr);
        assert!(ran.stderr.contains("is writing here"), "{}", ran.stderr);
    }
    // Who only reads is not kept from it.
    desk.does("generate --run run --events 5 --out generated.npz");
    let number = process.id();
    kill(process);
    // What a dead process has left is taken over, with a word.
    assert!(desk.path(LOCK).exists());
    let resumed = desk.does("train --run run --resume --quiet");
    let said = resumed.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("run: takes over from process {number} on {}", host())), "{said}");
    assert!(!desk.path(LOCK).exists());
    assert!(!desk.does(&format!("{TRAIN} --resume")).stderr.contains("takes over"));
}

/// A desk with a run that could go on.
fn stopped() -> Desk {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    copy(&TRAINED.run, &desk.path("run"));
    desk
}

const RESUME: &str = "train --run run --resume --set training.epochs=3";

#[test]
fn a_run_that_another_machine_left_is_not_taken_silently() {
    let desk = stopped();
    leave(&desk, "elsewhere", 7);
    let said = desk.does(RESUME).stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("run: takes over from process 7 on elsewhere, since 2026-01-02 03:04:05 UTC"),
        "{said}"
    );
    assert!(said.contains("should it still be at work there, stop one of the two"), "{said}");
    assert!(!desk.path(LOCK).exists());
}

/// Runs the command on a file system that has no locks.
fn without_locks(desk: &Desk, arguments: &str) -> Ran {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=flock:error=EOPNOTSUPP"]);
    strace.arg(assert_cmd::cargo::cargo_bin!("townsend")).args(arguments.split_whitespace());
    strace.current_dir(desk.path(""));
    end(strace)
}

#[test]
fn where_there_are_no_locks_the_text_counts() {
    let desk = stopped();
    // The numbers of processes end below.
    let dead = 4_194_305;
    assert!(!Path::new(&format!("/proc/{dead}")).exists());
    for (host, process, says) in [
        (
            "elsewhere",
            7,
            "process 7 on elsewhere, since 2026-01-02 03:04:05 UTC, says that it is writing here",
        ),
        (&*host(), std::process::id(), "is writing here"),
    ] {
        leave(&desk, host, process);
        let before = desk.everything();
        let ran = without_locks(&desk, RESUME);
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert_eq!(ran.stderr.contains("if not, remove run/run.lock"), host == "elsewhere", "{}", ran.stderr);
        assert!(before == desk.everything());
    }
    leave(&desk, &host(), dead);
    let ran = without_locks(&desk, RESUME);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("takes over from"), "{}", ran.stderr);
}
