//! Measures the electrons at the anode that a second gives, drawn from recorded responses and from foils that
//! were fitted to the same responses, on one core and in memory.
//!
//! `cargo bench -p townsend-cascade`; each line is the median of rounds in which both take turns.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use townsend_cascade::{CascadeConfig, Work, read_responses, record_stages};
use townsend_core::Silent;
use townsend_sim::{Detector, Simulation, Start, Workspace};

const ROUNDS: usize = 9;
const AVALANCHES: u64 = 2000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let config = std::fs::read_to_string(project.join("configs/recorded-1t.toml"))?;
    let config: CascadeConfig = toml::from_str(&config)?;
    let file = project.join("data/single_foils_1t.npz");
    let mut responses = BTreeMap::new();
    for name in config.responses() {
        responses.insert(name.clone(), read_responses(&[&file], &name)?);
    }
    let fitted = Detector::from_toml(Detector::shipped("triple_gem_1t").unwrap_or_default())?;
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let work = Work { progress: &Silent, stop: &stop };
    let recorded = record_stages(&config, &fitted, &responses, 1, work)?;
    println!("prepared in {:.2} s", start.elapsed().as_secs_f64());
    let without = |smooth| -> Result<_, Box<dyn std::error::Error>> {
        let mut detector = recorded.detector.clone();
        let stages = detector.recorded.iter_mut().flat_map(|recorded| &mut recorded.stages);
        stages.for_each(|stage| stage.draw.smooth = smooth);
        Ok(Simulation::new(&detector)?)
    };
    let simulations = [Simulation::new(&fitted)?, without(true)?, without(false)?];
    let mut rates = simulations.each_ref().map(|_| Vec::new());
    let mut workspace = Workspace::default();
    for _ in 0..ROUNDS {
        for (simulation, rates) in simulations.iter().zip(&mut rates) {
            let start = Instant::now();
            let electrons: usize = (0..AVALANCHES)
                .map(|index| black_box(simulation.avalanche(1, index, Start::Cell, &mut workspace)).len())
                .sum();
            rates.push(electrons as f64 / start.elapsed().as_secs_f64() / 1e6);
        }
    }
    println!("| median of {ROUNDS} rounds, one core | million electrons a second |");
    println!("|---|---|");
    let names = [
        "`triple_gem_1t`, fitted foils",
        "`configs/recorded-1t.toml`",
        "the same, `recorded.smooth = false`",
    ];
    for (name, rates) in names.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        println!("| {name} | {:.1} |", rates[ROUNDS / 2]);
    }
    Ok(())
}
