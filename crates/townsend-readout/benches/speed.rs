//! Measures the processor time of a crossing from hit to digits, on one thread.
//!
//! `cargo bench -p townsend-readout`; each line is the median of rounds in which all measurements take turns.

use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use townsend_readout::{Digitiser, Hit, Ionise};
use townsend_sim::{Detector, EffectiveGain};

const ROUNDS: usize = 9;
/// Crossings of a measurement in a round.
const CROSSINGS: u64 = 100;

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let layers =
        ["cgem_it, as it ships", "the same, cgem's foils and track, gain 5,000", "planar_triple_gem"];
    let hits = [
        Hit::between([79.0, 0.0, 10.0], [84.14, 0.0, 10.0]),
        Hit::between([79.0, 0.0, 10.0], [84.14, 0.0, 10.0]),
        Hit::between([0.1, 0.2, -9.0], [0.1, 0.2, -6.0]),
    ];
    let shipped = |name| Detector::from_toml(Detector::shipped(name).expect("it ships")).expect("is valid");
    let cgem = {
        let (mut cylinder, flat) = (shipped("cgem_it"), shipped("cgem"));
        (cylinder.foils, cylinder.track) = (flat.foils, flat.track);
        cylinder.gain = flat.gain.map(|gain| EffectiveGain { effective: Some(5000.0), ..gain });
        cylinder
    };
    let detectors = [shipped("cgem_it"), cgem, shipped("planar_triple_gem")];
    let digitisers: Vec<Digitiser> =
        detectors.iter().map(|d| Digitiser::new(d, Ionise::Clusters).expect("what ships works")).collect();
    let mut times = vec![Vec::new(); digitisers.len()];
    let mut electrons = vec![0.0; digitisers.len()];
    let mut index = 0;
    for _ in 0..ROUNDS {
        for (k, digitiser) in digitisers.iter().enumerate() {
            let start = seconds();
            for _ in 0..CROSSINGS {
                index += 1;
                electrons[k] += black_box(digitiser.event(1, index, &hits[k..=k])).told.electrons;
            }
            times[k].push((seconds() - start) / CROSSINGS as f64);
        }
    }
    println!(
        "| one thread, median of {ROUNDS} rounds | µs of a core for a crossing | electrons a crossing | 10⁹ electrons/s |"
    );
    println!("|---|---|---|---|");
    for ((name, times), electrons) in layers.iter().zip(&mut times).zip(electrons) {
        times.sort_by(f64::total_cmp);
        let seconds = times[ROUNDS / 2];
        let electrons = electrons / (ROUNDS as f64 * CROSSINGS as f64);
        println!("| {name} | {:.0} | {electrons:.0} | {:.2} |", 1e6 * seconds, electrons / seconds / 1e9);
    }
}

/// Processor time of this thread.
fn seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}
