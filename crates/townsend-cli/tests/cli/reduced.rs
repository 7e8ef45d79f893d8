//! Avalanches of which not the electrons are kept, and lists of runs.

use townsend_core::Dataset;

use crate::support::{Desk, TRAINED, read, tiny};

fn column(desk: &Desk, file: &str, name: &str) -> Vec<f64> {
    townsend_io::read_array(&desk.path(file), name).unwrap().1
}

#[test]
fn hits_are_those_of_the_electrons() {
    let desk = Desk::new();
    let simulate = "simulate --track --events 6 --seed 3";
    desk.does(&format!("{simulate} --out electrons.npz"));
    desk.does("readout electrons.npz --seed 3 --out read.npz");
    desk.does(&format!("{simulate} --reduce hits --out hits.npz"));
    for name in ["event", "strip", "charge_fC", "time_ns"] {
        assert_eq!(column(&desk, "read.npz", name), column(&desk, "hits.npz", name), "{name}");
    }
    // A shard's events go on where those before end, drawn or read.
    desk.does(&format!("{simulate} --shard 2/2 --out half.npz"));
    desk.does("readout half.npz --seed 3 --out half-read.npz");
    desk.does(&format!("{simulate} --shard 2/2 --reduce hits --out half-hits.npz"));
    let events = column(&desk, "hits.npz", "event");
    let second: Vec<f64> = events.into_iter().filter(|&event| event >= 3.0).collect();
    assert!(!second.is_empty());
    assert_eq!(column(&desk, "half-read.npz", "event"), second);
    assert_eq!(column(&desk, "half-hits.npz", "event"), second);
    // What leaves nothing is told.
    let told =
        desk.does("simulate --detector microscopic_275 --events 20 --reduce hits --out none.npz").stderr;
    assert!(told.contains("no strip reached its threshold") && told.contains(", 0 hits in"), "{told}");
}

#[test]
fn observables_are_those_of_the_electrons() {
    let desk = Desk::with([&TRAINED.run]);
    for (command, file) in [
        ("simulate --detector microscopic_275 --events 600", "avalanches.npz"),
        ("generate --run run --events 300", "counts.root"),
    ] {
        desk.does(&format!("{command} --out {file}"));
        desk.does(&format!("{command} --reduce observables --out rows.npz --force"));
        let data = read(desk.path(file), None);
        let whole = townsend::observables(&data, &townsend::Context::default()).unwrap();
        let events: Vec<f64> = (0..data.len()).map(|event| event as f64).collect();
        assert_eq!(column(&desk, "rows.npz", "event"), events);
        for of in whole.columns() {
            let rows = column(&desk, "rows.npz", of.observable.name());
            let defined: Vec<f64> = rows.into_iter().filter(|value| !value.is_nan()).collect();
            let expected: Vec<f64> = of.values.iter().map(|&value| f64::from(value as f32)).collect();
            assert_eq!(defined, expected, "{}", of.observable.name());
        }
    }
}

#[test]
fn the_histogram_is_the_sum_of_all() {
    let desk = Desk::new();
    let simulate = "simulate --detector microscopic_275 --events 300 --dims 2";
    desk.does(&format!("{simulate} --out each.root"));
    desk.does(&format!("{simulate} --reduce histogram --out sum.root"));
    let Dataset::Counts(each) = read(desk.path("each.root"), None) else { panic!("electrons") };
    let mut sum = vec![0.0; each.grid().cells()];
    for avalanche in each.iter() {
        avalanche.occupied().for_each(|(cell, n)| sum[cell as usize] += f64::from(n));
    }
    let root = townsend_root::RootFile::open(desk.path("sum.root")).unwrap();
    let histogram = root.read_histogram(root.find("electrons").unwrap()).unwrap();
    assert_eq!(histogram.contents.cell_type(), townsend_root::CellType::D);
    assert!(histogram.contents.iter_f64().eq(sum));
    let error = desk.fails(2, &format!("{simulate} --reduce histogram --out sum.npz"));
    assert!(error.contains("is written to a ROOT file"), "{error}");
    let error = desk.fails(2, "simulate --events 5 --reduce hits --strips microscopic_275 --out hits.npz");
    assert!(error.contains("microscopic_275"), "{error}");
}

#[test]
fn runs_are_listed_the_best_first() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    for (run, seed, epochs) in [("runs/long", 1, 4), ("runs/sweep/short", 2, 1)] {
        let set = format!("--set training.seed={seed} --set training.epochs={epochs}");
        desk.does(&format!("train tiny.toml --data avalanches.root --run {run} {set}"));
    }
    std::fs::create_dir_all(desk.path("runs/broken")).unwrap();
    std::fs::write(desk.path("runs/broken/run.json"), "{").unwrap();
    let ran = desk.does("runs --json");
    let runs = ran.json();
    let runs = runs.as_array().unwrap();
    assert_eq!(runs.len(), 3);
    let distance = |index: usize| runs[index]["distance"].as_f64();
    assert!(distance(0).unwrap() <= distance(1).unwrap() && distance(2).is_none());
    assert_eq!(runs[2]["run"], "runs/broken");
    let long = runs.iter().find(|run| run["run"] == "runs/long").unwrap();
    assert_eq!((&long["epochs"], &long["data"]), (&4.into(), &"avalanches.root".into()));
    let ran = desk.does("runs");
    assert!(ran.stdout.lines().count() == 4 && ran.stdout.contains("(damaged)"), "{}", ran.stdout);
    assert!(ran.stderr.contains("warning: runs/broken: "), "{}", ran.stderr);
    std::fs::create_dir(desk.path("empty")).unwrap();
    let error = desk.fails(1, "runs empty");
    assert!(error.contains("there is no run in this folder"), "{error}");
}
