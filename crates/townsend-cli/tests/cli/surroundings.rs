//! What surrounds a command: folders that are gone, variables that are not set, other languages, little
//! memory, clocks that go back.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::support::{Desk, TRAINED, bash, end, shipped, tiny};

#[test]
fn languages_and_variables_change_nothing() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let wanted = desk.does("inspect electrons.npz").stdout;
    desk.does("convert electrons.npz plain.csv --format npz --force");
    for (place, setting) in [
        "LC_ALL=de_DE.UTF-8",
        "LC_ALL=C",
        "LC_ALL=not_there.ISO8859-1",
        "TZ=Nowhere/Else",
        "TMPDIR=/not/there",
    ]
    .into_iter()
    .enumerate()
    {
        // No other variable is set: neither HOME nor PATH nor a language.
        let inspect = bash(&desk, &format!("env -i {setting} \"$townsend\" inspect electrons.npz"));
        assert_eq!((inspect.code, &inspect.stdout), (Some(0), &wanted), "{setting}: {}", inspect.stderr);
        let convert = format!("convert electrons.npz é{place}.npz");
        let ran = bash(&desk, &format!("env -i {setting} \"$townsend\" {convert}"));
        assert_eq!(ran.code, Some(0), "{setting}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("to é{place}.npz")), "{setting}: {}", ran.stderr);
        assert!(desk.bytes(&format!("é{place}.npz")) == desk.bytes("plain.csv"), "{setting}");
    }
}

/// A name need not be text.
#[test]
fn a_name_may_be_any_bytes() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let name = OsStr::from_bytes(b"\xff\xfe .npz");
    let mut convert = desk.command("convert electrons.npz");
    convert.arg(name);
    let ran = end(convert);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let mut inspect = desk.command("inspect");
    inspect.arg(name);
    let ran = end(inspect);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("avalanches  40"), "{}", ran.stdout);
}

#[test]
fn a_pipe_without_a_folder_for_temporary_files_is_told() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let ran = bash(
        &desk,
        "TMPDIR=$PWD/gone $townsend convert electrons.npz - --format npz | cat > got; exit ${PIPESTATUS[0]}",
    );
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("/gone does not exist; make it first"), "{}", ran.stderr);
}

#[test]
fn a_current_folder_that_was_removed() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let gone = "here=$PWD; mkdir gone; cd gone; rmdir ../gone";
    let ran = bash(&desk, &format!("{gone}; $townsend convert $here/electrons.npz $here/new.npz"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(desk.path("new.npz").exists());
    for line in ["convert $here/electrons.npz new.npz", "train vae-2d --data $here/electrons.npz --run run"] {
        let ran = bash(&desk, &format!("{gone}; $townsend {line}"));
        assert!(matches!(ran.code, Some(1 | 2)), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
    }
}

/// A reader that takes the first bytes alone, as `head` does.
#[test]
fn a_reader_that_has_enough() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    std::fs::create_dir(desk.path("tmp")).unwrap();
    let piped = |line: &str| bash(&desk, &format!("export TMPDIR=$PWD/tmp; {line}; exit ${{PIPESTATUS[0]}}"));
    let ran = piped("$townsend inspect avalanches.root --quiet | head -1");
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    assert!(ran.stdout.starts_with("avalanches.root: "), "{}", ran.stdout);
    // Of a file that nobody takes the work is kept, and named. A pipe holds 64 kB.
    let ran = piped("$townsend generate --run run --events 2000 --out - --format npz --quiet | head -c 2");
    assert_eq!((ran.code, &*ran.stdout), (Some(1), "PK"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("Broken pipe") && ran.stderr.contains("what was made is whole"),
        "{}",
        ran.stderr
    );
    desk.does("generate --run run --events 2000 --out whole.npz");
    let kept: Vec<_> =
        std::fs::read_dir(desk.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [kept] = &kept[..] else { panic!("{}", desk.listing()) };
    assert!(std::fs::read(kept).unwrap() == desk.bytes("whole.npz"));
}

/// Whatever the limit, a command does its work or says that memory was not enough, and does it when there is
/// more.
#[test]
fn memory_that_is_not_enough() {
    let desk = Desk::with([&shipped("avalanches_2d.root"), &TRAINED.data, &tiny()]);
    let large = "--set model.hidden=4000 --set model.channels=[64,64,64]";
    let mut ended = 0;
    for (command, limits) in [
        ("inspect avalanches_2d.root", [60_000, 90_000, 140_000]),
        ("convert avalanches_2d.root out.npz --force", [60_000, 90_000, 140_000]),
        (
            &*format!("train tiny.toml --data avalanches.root --run run --force {large}"),
            [150_000, 250_000, 350_000],
        ),
    ] {
        for limit in limits {
            let ran = bash(&desk, &format!("ulimit -v {limit}; $townsend --threads 1 --quiet {command}"));
            match ran.code {
                Some(0) => {}
                Some(1) => {
                    let said = ran.stderr.trim_start_matches("error: ");
                    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{limit} {command}: {}", ran.stderr);
                    assert!(said.contains("emory"), "{limit} {command}: {}", ran.stderr);
                    assert!(!desk.path("out.npz").exists() || ended > 0);
                    ended += 1;
                }
                code => panic!("{limit} {command}: {code:?} {}", ran.stderr),
            }
        }
    }
    assert!(ended >= 2, "no limit was too low");
    desk.does("convert avalanches_2d.root out.npz --force");
    desk.does("train tiny.toml --data avalanches.root --run run --force --set training.epochs=1");
    assert!(!desk.listing().contains(".part") && !desk.listing().contains("lock"), "{}", desk.listing());
}

/// The clock of a machine goes back an hour each time that somebody looks at it.
#[test]
fn a_clock_that_goes_back() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let source = "
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>
static long back;
int clock_gettime(clockid_t clock, struct timespec *found) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, \"clock_gettime\");
    int done = real(clock, found);
    if (clock == CLOCK_REALTIME) found->tv_sec -= 3600 * __atomic_add_fetch(&back, 1, __ATOMIC_RELAXED);
    return done;
}
";
    std::fs::write(desk.path("clock.c"), source).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o", "clock.so", "clock.c", "-ldl"]);
    assert!(compiler.current_dir(desk.path("")).status().expect("the tests need a C compiler").success());
    // It does what it says: `date` is of another day.
    let date = bash(&desk, "LD_PRELOAD=$PWD/clock.so date +%s; date +%s").stdout;
    let times: Vec<i64> = date.lines().map(|line| line.parse().unwrap()).collect();
    assert!(times[0] < times[1] - 3000, "{times:?}");
    let train = "train tiny.toml --data avalanches.root --run run --set training.epochs=3";
    let ran = bash(&desk, &format!("LD_PRELOAD=$PWD/clock.so $townsend {train}"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    std::fs::rename(desk.path("run"), desk.path("back")).unwrap();
    desk.does(train);
    for file in ["last.safetensors", "best.safetensors"] {
        let of = |run: &str| desk.bytes(&format!("{run}/checkpoints/{file}"));
        assert!(of("run") == of("back"), "{file}");
    }
}
