//! Measures the electrons at the anode simulated per second, and what limits this number: random bits and
//! normal numbers.
//!
//! `cargo bench -p townsend-sim`; each line is the median of rounds in which all measurements take turns.

use std::hint::black_box;
use std::time::Instant;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use townsend_core::{Purpose, fill_normal, stream};
use townsend_sim::{Detector, Simulation, Start, Workspace};

const ROUNDS: usize = 9;
const NUMBERS: usize = 1 << 22;
const DETECTOR: &str = include_str!("../configs/detector/cgem.toml");

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let detector = Detector::from_toml(DETECTOR).expect("the detector that ships is valid");
    let simulation = Simulation::new(&detector).expect("the detector that ships is valid");
    let mut random = stream(1, Purpose::new("bench"), 0);
    let mut bytes = vec![0u8; 4 * NUMBERS];
    let mut numbers = vec![0f32; NUMBERS];
    let mut workspace = Workspace::default();
    let mut rates: [Vec<f64>; 5] = Default::default();
    let threads = rayon::current_num_threads();
    for _ in 0..ROUNDS {
        let rate = |work: &mut dyn FnMut() -> usize| {
            let start = Instant::now();
            work() as f64 / start.elapsed().as_secs_f64() / 1e6
        };
        rates[0].push(rate(&mut || {
            random.fill_bytes(black_box(&mut bytes));
            NUMBERS
        }));
        rates[1].push(rate(&mut || {
            fill_normal(&mut random, black_box(&mut numbers));
            NUMBERS
        }));
        rates[2].push(rate(&mut || {
            for number in &mut numbers {
                *number = StandardNormal.sample(&mut random);
            }
            black_box(&mut numbers);
            NUMBERS
        }));
        rates[3].push(rate(&mut || {
            (0..1000)
                .map(|index| black_box(simulation.avalanche(1, index, Start::Cell, &mut workspace)).len())
                .sum()
        }));
        rates[4].push(rate(&mut || {
            let sets = simulation.blocks(1, 0..4000, Start::Cell).map(black_box);
            sets.map(|set| set.column(townsend_core::Coordinate::X).len()).sum()
        }));
    }
    println!("| median of {ROUNDS} rounds | million a second |");
    println!("|---|---|");
    let names = [
        "32 random bits (`ChaCha8`), one core".to_string(),
        "normal numbers (`fill_normal`), one core".to_string(),
        "normal numbers (`rand_distr::StandardNormal`), one core".to_string(),
        "electrons at the anode (`cgem.toml`), one core".to_string(),
        format!("the same, kept in memory, {threads} threads"),
    ];
    for (name, rates) in names.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        println!("| {name} | {:.0} |", rates[ROUNDS / 2]);
    }
}
