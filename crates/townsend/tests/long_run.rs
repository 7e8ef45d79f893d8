//! One process that does everything over and over, as a service or an analysis does that runs for days: its
//! memory, open files and threads stay what they were.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::VAE;
use townsend::files::{
    self, CheckOptions, DigitiseFileOptions, InspectOptions, ReadoutOptions, Reduction, SampleOptions,
    Written,
};
use townsend::{Configuration, Context, RunFiles, Sample, Setting, sample, train_into};

/// What the system says of this process.
#[derive(Debug, Clone, Copy)]
struct Held {
    resident_kb: u64,
    threads: u64,
    files: usize,
}

impl Held {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
        Self { resident_kb: number("VmRSS:"), threads: number("Threads:"), files }
    }
}

/// Simulates, trains, generates, converts, merges, inspects, checks, reads out and digitises, with other
/// avalanches in each round, and does some things that fail.
fn round(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let context = Context { seed, ..Context::default() };
    let detector = Path::new("triple_gem_1t");
    let hundred = SampleOptions { events: 100, ..SampleOptions::default() };
    files::simulate(Some(detector), &path("real.npz"), &hundred, &context).unwrap();
    files::convert(path("real.npz"), &path("real.root"), &Written::default(), &context).unwrap();
    let histograms = Written { dims: vec![1, 2], ..Written::default() };
    files::convert(path("real.root"), &path("counts.root"), &histograms, &context).unwrap();
    files::inspect(path("counts.root"), &InspectOptions::default(), &context).unwrap();

    let real = files::Input::from(path("real.root")).read(&context).unwrap().data;
    let clusters = Configuration::shipped("clusters").unwrap();
    let clusters = clusters.set("training.sweeps=10").set("training.electrons=4000");
    for (name, config) in [("clusters", clusters), ("vae", Configuration::from_toml(VAE))] {
        let run = RunFiles::Folder(path(name));
        let trained = train_into(&config, &real.clone().into(), run, false, &context).unwrap();
        let model = trained.model(&context).unwrap();
        sample(&*model, "generate", &Sample::of(0..50, Setting::default()), &context).unwrap();
        for index in 1..=2 {
            let shard = format!("{index}/2").parse().unwrap();
            let half = SampleOptions { shard, ..hundred.clone() };
            files::generate(&path(name), &path(&format!("{name}-{index}.npz")), &half, &context).unwrap();
        }
        let shards = files::Input {
            files: (1..=2).map(|index| path(&format!("{name}-{index}.npz"))).collect(),
            ..files::Input::default()
        };
        files::merge(&shards, &path(&format!("{name}.npz")), &context).unwrap();
    }
    let few = CheckOptions { without_classifiers: true, ..CheckOptions::default() };
    files::check(path("real.npz"), path("clusters.npz"), &path("report"), &few, &context).unwrap();

    files::readout(path("real.npz"), &path("hits.npz"), &ReadoutOptions::default(), &context).unwrap();
    let crossings =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../townsend-readout/tests/data/crossings.csv");
    files::digitise(&crossings, &path("digits.npz"), &DigitiseFileOptions::default(), &context).unwrap();
    let reduced = SampleOptions { reduce: Some(Reduction::Hits), ..hundred.clone() };
    files::simulate(
        Some("cgem".as_ref()),
        &path("few.npz"),
        &SampleOptions { events: 20, ..reduced },
        &context,
    )
    .unwrap();

    std::fs::write(path("damaged.root"), &std::fs::read(path("real.root")).unwrap()[..2000]).unwrap();
    files::inspect(path("damaged.root"), &InspectOptions::default(), &context).unwrap_err();
    files::inspect(path("none.npz"), &InspectOptions::default(), &context).unwrap_err();
    files::generate(&path("report"), &path("x.npz"), &hundred, &context).unwrap_err();
    files::simulate(None, &path("real.npz"), &hundred, &context).unwrap_err();
}

/// `TOWNSEND_MINUTES=120` in `cargo xtask soak`; by default a few rounds.
#[test]
fn a_process_that_goes_on_holds_no_more_than_before() {
    let minutes: Option<u64> = std::env::var("TOWNSEND_MINUTES").ok().map(|text| text.parse().unwrap());
    let (begun, wanted) = (Instant::now(), Duration::from_secs(60 * minutes.unwrap_or(0)));
    let mut held = Vec::new();
    while held.len() < 8 || begun.elapsed() < wanted {
        round(held.len() as u64);
        held.push(Held::now());
        if held.len().is_power_of_two() || held.len() % 100 == 0 {
            println!("round {}, {:.0} s: {:?}", held.len(), begun.elapsed().as_secs_f64(), held.last());
        }
    }
    println!("{} rounds: {:?}", held.len(), held.last());
    let [first, last] = [&held[held.len() / 4..held.len() / 2], &held[held.len() * 3 / 4..]];
    assert!(last.iter().all(|held| held.files <= first[0].files), "{first:?} {last:?}");
    assert!(last.iter().all(|held| held.threads <= first[0].threads), "{first:?} {last:?}");
    // What allocators keep differs by a little from round to round.
    let most = |of: &[Held]| of.iter().map(|held| held.resident_kb).max().unwrap();
    assert!(most(last) < most(first) * 11 / 10 + (16 << 10), "{first:?} {last:?}");
}
