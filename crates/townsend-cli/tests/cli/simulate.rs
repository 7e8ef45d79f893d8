//! The Monte Carlo as a user runs it.

use townsend_core::{Dataset, ElectronSet};

use crate::support::{Desk, assert_like_the_shipped, read, shipped};

fn electrons(desk: &Desk, name: &str) -> ElectronSet {
    match read(desk.path(name), None) {
        Dataset::Electrons(set) => set,
        Dataset::Counts(_) => panic!("{name} holds counts"),
    }
}

#[test]
fn simulated_files_do_not_depend_on_threads() {
    let desk = Desk::new();
    for ending in ["root", "npz"] {
        let [one, two, other] = ["--threads 1", "--threads 2", "--seed 2"].map(|option| {
            let name = format!("{}.{ending}", option.replace([' ', '-'], ""));
            desk.does(&format!("simulate --events 300 --out {name} {option}"));
            desk.bytes(&name)
        });
        assert!(one == two, "{ending}");
        assert!(one != other, "another seed gives other avalanches");
    }
}

#[test]
fn shards_are_the_whole() {
    let desk = Desk::new();
    desk.does("simulate --events 600 --out whole.npz");
    let mut joined = ElectronSet::default();
    for shard in 1..=3 {
        desk.does(&format!("simulate --events 600 --shard {shard}/3 --out part-{shard}.root"));
        let part = electrons(&desk, &format!("part-{shard}.root"));
        part.iter().for_each(|avalanche| joined.push(avalanche.x, avalanche.z, avalanche.t));
    }
    assert_eq!(joined.len(), 600);
    assert_eq!(Dataset::from(joined).digest(), read(desk.path("whole.npz"), None).digest());
}

/// Against the real avalanches that ship with the project: every distance small, though no avalanche was
/// tuned to.
#[test]
fn the_microscopic_detector_gives_the_shipped_avalanches() {
    let desk = Desk::new();
    desk.does("simulate --detector microscopic_275 --events 1500 --out simulated.root");
    assert_like_the_shipped(&desk, "simulated.root");
}

#[test]
fn a_detector_of_one_s_own_is_read_and_named() {
    let desk = Desk::new();
    let cgem = std::fs::read_to_string(shipped("../configs/detector/cgem.toml")).unwrap();
    std::fs::write(desk.path("mine.toml"), cgem.replace("theta = ", "theta = 1.0 # ")).unwrap();
    desk.does("simulate --detector mine.toml --start drift --events 50 --out mine.npz");
    let set = electrons(&desk, "mine.npz");
    assert_eq!(set.len(), 50);
    let inputs = &set.meta.provenance.inputs;
    assert!(inputs.len() == 1 && inputs[0].file == "mine.toml" && inputs[0].sha256.len() == 64);
    desk.does("simulate --start -35,60.5 --events 20 --out at.npz");
}

/// A track's electrons are those of all its avalanches.
#[test]
fn tracks_are_many_avalanches() {
    let desk = Desk::new();
    desk.does("simulate --events 20 --track --out tracks.npz");
    desk.does("simulate --events 1000 --out single.npz");
    let mean = |set: &ElectronSet| set.column(townsend_core::Coordinate::X).len() as f64 / set.len() as f64;
    let ratio = mean(&electrons(&desk, "tracks.npz")) / mean(&electrons(&desk, "single.npz"));
    assert!((20.0..130.0).contains(&ratio), "{ratio} primary electrons a track");
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let desk = Desk::new();
    std::fs::write(desk.path("bad.toml"), "name = 1").unwrap();
    let cgem = std::fs::read_to_string(shipped("../configs/detector/cgem.toml")).unwrap();
    std::fs::write(desk.path("high.toml"), cgem.replace("collection = 0", "collection = 7")).unwrap();
    for (arguments, says) in [
        ("--events 0", "0"),
        ("--start nowhere", "write cell, drift"),
        ("--start 1,inf", "write cell, drift"),
        ("--detector gem", "microscopic_275"),
        ("--detector bad.toml", "bad.toml"),
        ("--detector high.toml", "foils[0].collection"),
        ("--shard 3/2", "i/n"),
    ] {
        let events = if arguments.contains("--events") { "" } else { "--events 5" };
        let ran = desk.run(&format!("simulate {events} --out x.npz {arguments}"));
        assert_eq!(ran.code, Some(2), "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{arguments}: {}", ran.stderr);
        assert!(!desk.path("x.npz").exists());
    }
}
