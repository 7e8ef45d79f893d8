//! Commands that are killed at random moments, as machines and batch systems kill them, and at each step of
//! writing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Desk, TRAINED, shipped, tiny};

/// More kills than these are asked for by those who have time.
const FEW: u64 = 10;

/// How often each command is killed: a few times here, hundreds of times by `cargo xtask soak`.
fn kills() -> u64 {
    std::env::var("TOWNSEND_KILLS").map_or(2, |kills| kills.parse().expect("TOWNSEND_KILLS is a number"))
}

/// How a command that was killed is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// One that stopped between two of its outputs has to be told that the first may be replaced.
    Force,
    /// A training in one go is begun anew; what it left is no run.
    Anew,
    /// A training by epochs goes on, if it is a run already.
    Resume,
}

/// A command, its outputs, and their bytes when it comes to its end.
struct Work<'a> {
    desk: &'a Desk,
    command: &'a str,
    outputs: &'a [&'a str],
    again: Again,
    whole: Vec<Vec<u8>>,
    /// Files and folders on the desk then.
    number: usize,
    length: Duration,
}

impl<'a> Work<'a> {
    fn new(desk: &'a Desk, command: &'a str, outputs: &'a [&'a str], again: Again) -> Self {
        let begun = Instant::now();
        desk.does(command);
        let length = begun.elapsed();
        let whole = outputs.iter().map(|name| desk.bytes(name)).collect();
        Self { desk, command, outputs, again, whole, number: desk.everything().len(), length }
    }

    fn remove(&self) {
        for name in self.outputs {
            // An output may be a file or lie in a folder that the command makes.
            let top = self.desk.path(name.split('/').next().unwrap_or(name));
            let _ = std::fs::remove_file(&top);
            let _ = std::fs::remove_dir_all(&top);
        }
    }

    /// Starts a command and kills it at a fraction of the time that it takes.
    fn kill(&self, mut command: Command, part: f64) {
        let started = Instant::now();
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(self.length.mul_f64(part).saturating_sub(started.elapsed()));
        let _ = process.kill();
        process.wait().unwrap();
    }

    /// What the command is given when it is started again.
    fn more(&self) -> &'static str {
        match self.again {
            Again::Force => "--force",
            Again::Resume if self.desk.path("run/run.json").exists() => "--resume",
            Again::Resume | Again::Anew => "",
        }
    }

    /// Asserts that whatever has the name of an output is whole, that the command ends with the same bytes
    /// when it is started again, and that nothing half is left then.
    fn goes_on(&self, when: &str) {
        let Self { desk, command, outputs, again, whole, .. } = self;
        let is = |name: &str, whole: &Vec<u8>| desk.path(name).exists() && desk.bytes(name) == *whole;
        let complete = outputs.iter().zip(whole).all(|(name, whole)| is(name, whole));
        match again {
            Again::Force => outputs.iter().zip(whole).for_each(|(name, whole)| {
                assert!(!desk.path(name).exists() || is(name, whole), "{command}: {name} is half, {when}");
            }),
            Again::Anew => assert_eq!(desk.path("run/run.json").exists(), complete, "{command}, {when}"),
            // What a run holds before its end is the state of its last epoch.
            Again::Resume => {}
        }
        if complete && *again != Again::Resume {
            return;
        }
        desk.does(&format!("{command} {}", self.more()));
        for (name, whole) in outputs.iter().zip(whole) {
            assert!(desk.bytes(name) == *whole, "{command}: {name} differs, {when}");
        }
        assert_eq!(desk.everything().len(), self.number, "{command}, {when}: {}", desk.listing());
    }

    /// Kills it again and again, each time at another moment of its life.
    fn survives(&self) {
        // Multiples of the golden ratio fill an interval evenly, and no process takes the same time twice.
        let moment = |number: u64| 1.1 * (0.618_034 * number as f64).fract();
        for number in 1..=kills() {
            self.remove();
            self.kill(self.desk.command(self.command), moment(number));
            if self.again == Again::Resume && number % 2 == 0 {
                // One that goes on is killed, too.
                let again = format!("{} {}", self.command, self.more());
                self.kill(self.desk.command(&again), moment(number + 7));
            }
            self.goes_on(&format!("killed at {:.3} of its time", moment(number)));
        }
    }

    /// Kills it at the first time that it makes one of these calls of the system, at the second, and so on to
    /// the last, and so for each of them.
    fn survives_at_every(&self, calls: &[&str]) {
        let mut killed = 0;
        for call in calls {
            for number in 1.. {
                self.remove();
                if !killed_at(self.desk, self.command, call, number) {
                    break;
                }
                self.goes_on(&format!("killed at number {number} of {call}"));
                killed += 1;
            }
        }
        assert!(killed > 3, "{}: killed {killed} times", self.command);
    }
}

/// Kills a command when it makes a call of the system for this time, counted from 1. False if it ended
/// before.
fn killed_at(desk: &Desk, command: &str, call: &str, number: u32) -> bool {
    let inject = format!("inject={call}:signal=KILL:when={number}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", &inject]);
    strace.arg(assert_cmd::cargo::cargo_bin!("townsend")).args(command.split_whitespace());
    let ran = strace.current_dir(desk.path("")).output();
    let ran = ran.expect("the tests need strace (Debian: apt-get install strace)");
    // The tracer ends as the command did.
    assert!(ran.status.success() || ran.status.code().is_none(), "{}", String::from_utf8_lossy(&ran.stderr));
    !ran.status.success()
}

/// Those that change names.
const NAMING: [&str; 5] = ["?rename", "?renameat", "renameat2", "?unlink", "unlinkat"];
/// The others between which there is another state of the disk.
const OTHERS: [&str; 5] = ["fsync", "?mkdir", "mkdirat", "ftruncate", "flock"];

/// The calls between which there is another state of the disk: here those that change names, in
/// `cargo xtask soak` all.
fn steps() -> Vec<&'static str> {
    NAMING.into_iter().chain(OTHERS.into_iter().filter(|_| kills() > FEW)).collect()
}

#[test]
fn what_was_killed_is_made_again() {
    let crossings =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../townsend-readout/tests/data/crossings.csv");
    let desk = Desk::with([TRAINED.data.clone(), TRAINED.run.clone(), shipped("electrons.npz"), crossings]);
    std::fs::rename(desk.path("run"), desk.path("model")).unwrap();
    for shard in 1..=2 {
        for (events, name) in [(1500, "s"), (300, "few")] {
            desk.does(&format!(
                "simulate --detector microscopic_275 --events {events} --shard {shard}/2 --out {name}{shard}.npz"
            ));
        }
    }
    for (command, outputs) in [
        ("convert electrons.npz histograms.root --dims 1,2,3", &["histograms.root"][..]),
        ("simulate --detector microscopic_275 --events 1500 --out simulated.root", &["simulated.root"]),
        ("simulate --track --events 1 --out tracks.npz", &["tracks.npz"]),
        ("generate --run model --events 300 --out generated.npz", &["generated.npz"]),
        ("merge s1.npz s2.npz --out merged.npz", &["merged.npz"]),
        ("readout s1.npz --out hits.root", &["hits.root"]),
        (
            "digitise --detector cgem_it --hits crossings.csv --repeat 2 --out digits.root --waveforms signals.root",
            &["digits.root", "signals.root"],
        ),
        (
            "check --real few1.npz --generated few2.npz --no-classifiers --out report",
            &["report/report.json", "report/report.html"],
        ),
    ] {
        Work::new(&desk, command, outputs, Again::Force).survives();
    }
}

/// Learns a little from electrons that it takes from here.
const CLUSTERS: (&str, &[&str]) = (
    "train clusters --data electrons.npz --run run --set training.electrons=4000 --set model.levels=0",
    &["run/config.toml", "run/metrics.jsonl", "run/model.toml", "run/run.json"],
);

#[test]
fn a_training_in_one_go_that_was_killed_is_begun_anew() {
    let desk = Desk::with([shipped("single_foils_1t.npz"), shipped("electrons.npz")]);
    let cascade = "train recorded-1t --data single_foils_1t.npz --run run";
    let files = &["run/config.toml", "run/detector.toml", "run/responses.npz", "run/run.json"];
    for (command, outputs) in [CLUSTERS, (cascade, files)] {
        let work = Work::new(&desk, command, outputs, Again::Anew);
        work.survives();
        if command != cascade || kills() > FEW {
            work.survives_at_every(&steps());
        }
        work.remove();
    }
}

#[test]
fn a_training_that_was_killed_goes_on() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let outputs = ["run/checkpoints/last.safetensors", "run/checkpoints/best.safetensors"];
    let command = "train tiny.toml --data avalanches.root --run run --set training.epochs=3";
    let work = Work::new(&desk, command, &outputs, Again::Resume);
    work.survives();
    work.remove();
    let short = "train tiny.toml --data avalanches.root --run run --set training.epochs=1";
    Work::new(&desk, short, &outputs, Again::Resume).survives_at_every(&steps());
}

/// A run that replaces another is the old one, none, or the new one, but never some of both.
#[test]
fn a_run_that_was_killed_while_it_was_replaced_is_no_mixture() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let (command, files) = CLUSTERS;
    let contents = || files.iter().map(|name| desk.bytes(name)).collect::<Vec<_>>();
    desk.does(&format!("{command} --set training.seed=9"));
    let old = contents();
    let replacing = format!("{command} --force");
    desk.does(&replacing);
    let new = contents();
    assert!(old != new);
    let mut killed = 0;
    for call in NAMING {
        for number in 1.. {
            desk.does(&format!("{command} --set training.seed=9 --force"));
            if !killed_at(&desk, &replacing, call, number) {
                break;
            }
            killed += 1;
            if desk.path("run/run.json").exists() {
                let found = contents();
                assert!(found == old || found == new, "number {number} of {call}");
            }
            desk.does(&replacing);
            assert!(contents() == new, "number {number} of {call}");
        }
    }
    assert!(killed > 4, "killed {killed} times");
}
