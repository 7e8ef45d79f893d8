//! Hits of strips from electrons.

use townsend_core::{Dataset, ElectronSet, Grid};

use crate::support::{Desk, Transcript, python, shipped, write};

/// A detector whose strips see enough of avalanches of one primary electron.
fn sensitive() -> String {
    let cgem = include_str!("../../configs/detector/cgem.toml");
    cgem.replace("threshold_fc = 3.0", "threshold_fc = 0.075")
}

#[test]
fn hits_are_the_same_in_every_format_and_to_root() {
    let desk = Desk::with([shipped("electrons.npz")]);
    std::fs::write(desk.path("detector.toml"), sensitive()).unwrap();
    desk.does("convert electrons.npz electrons.root --quiet");
    let read = "--detector detector.toml --json --quiet";
    let of_npz = desk.does(&format!("readout electrons.npz --out hits.npz {read}"));
    let of_tree = desk.does(&format!("readout electrons.root --out hits.root {read}"));
    assert_eq!(of_npz.stdout, of_tree.stdout);
    let said = of_npz.json();
    assert_eq!((&said["events"], &said["electrons_beside"]), (&40.into(), &0.into()));
    assert!(said["events_with_hits"].as_u64().unwrap() > 10, "{said}");
    let printed = python(&desk, "hits.py", "hits.root hits.npz");
    let mean = |view: &str| said[view]["mean_charge_fc"].as_f64().unwrap();
    let wanted = format!("{} {} {:.3} {:.3}\n", said["hits"], said["x"]["hits"], mean("x"), mean("v"));
    assert_eq!(printed, wanted);
}

#[test]
fn tracks_are_simulated_and_read() {
    let desk = Desk::new();
    desk.does("simulate --events 40 --track --out tracks.root --quiet");
    let ran = desk.does("readout tracks.root --out hits.root");
    assert!(
        ran.stderr.contains(" events to hits.root\nX: ") && ran.stderr.contains("\nV: "),
        "{}",
        ran.stderr
    );
    let whole = desk.bytes("hits.root");
    for threads in [1, 2] {
        desk.does(&format!("readout tracks.root --out hits.root --force --threads {threads}"));
        assert!(desk.bytes("hits.root") == whole, "{threads} threads");
    }
    desk.does("readout tracks.root --out hits.root --force --seed 2");
    assert!(desk.bytes("hits.root") != whole, "another seed gives other hits");
}

#[test]
fn electrons_beside_the_strips_are_told() {
    let desk = Desk::new();
    let mut electrons = ElectronSet::default();
    electrons.push(&[0.0, 1000.0], &[0.0, 0.5], &[170.0, 171.0]);
    write(desk.path("far.npz"), &electrons.into());
    let ran = desk.does("readout far.npz --out hits.npz --quiet");
    assert_eq!(ran.stderr, "warning: 1 of 2 electrons came down beside the strips\n");
}

#[test]
fn what_cannot_be_read_out() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let Dataset::Electrons(electrons) = crate::support::read(desk.path("electrons.npz"), None) else {
        panic!("counts")
    };
    let counts = electrons.to_counts(&Grid::standard(2).unwrap());
    write(desk.path("counts.npz"), &counts.into());
    std::fs::write(desk.path("there.npz"), "something").unwrap();
    let detector = |name: &str, change: &dyn Fn(String) -> String| {
        std::fs::write(desk.path(name), change(sensitive())).unwrap();
    };
    detector("no-strips.toml", &|text| text.split("[readout]").next().unwrap().into());
    detector("wrong-share.toml", &|text| text.replace("x_share = 0.595", "x_share = 1.595"));
    detector("wrong-key.toml", &|text| text.replace("x_share", "x_charge"));
    let mut said = Transcript::default();
    for (code, arguments) in [
        (2, "readout counts.npz --out hits.root"),
        (2, "readout electrons.npz --out hits.csv.gz"),
        (1, "readout electrons.npz --out there.npz"),
        (1, "readout absent.npz --out hits.root"),
        (2, "readout electrons.npz --out hits.root --detector no-strips.toml"),
        (2, "readout electrons.npz --out hits.root --detector wrong-share.toml"),
        (2, "readout electrons.npz --out hits.root --detector wrong-key.toml"),
        (1, "readout electrons.npz --out hits.root --detector absent.toml"),
        (2, "readout electrons.npz --out hits.root --detector absent"),
    ] {
        said.fails(&desk, code, arguments);
    }
    insta::assert_snapshot!(said);
}
