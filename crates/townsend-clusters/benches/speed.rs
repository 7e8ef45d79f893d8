//! Measures the electrons generated per second on one core, and in training the electrons times sweeps per
//! second.
//!
//! `cargo bench -p townsend-clusters`; each line is the median of rounds.

use std::hint::black_box;
use std::time::Instant;

use townsend_clusters::{
    ClusterModel, ClusterTraining, Level, NormalSpread, Root, Sampler, Trainer, Workspace,
};
use townsend_core::{Dataset, FilledSizes, SizeModel, SizePart, Work};

const ROUNDS: usize = 9;
const AVALANCHES: u64 = 1000;
const SWEEPS: usize = 10;

fn diagonal(x: f64, t: f64) -> [[f64; 3]; 3] {
    [[x, 0.0, 0.0], [0.0, x, 0.0], [0.0, 0.0, t]]
}

/// About the model that avalanches of a triple GEM lead to.
fn model() -> ClusterModel {
    let level = |ln_centres, power, x, t| Level {
        ln_centres,
        power,
        excess: 0.4,
        concentration: 1.2,
        covariance: diagonal(x, t),
    };
    ClusterModel {
        sizes: SizeModel {
            empty: 0.25,
            filled: FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 1900.0, shape: 1.0 }]),
        },
        root: Root { mean: [0.0, 0.0, 172.0], covariance: diagonal(0.003, 0.45) },
        electrons: NormalSpread { covariance: diagonal(0.024, 3.9) },
        levels: vec![level(-2.7, 1.07, 0.031, 4.9), level(-3.0, 1.03, 0.028, 4.6)],
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let sampler = Sampler::new(&model()).expect("the model is valid");
    let mut workspace = Workspace::default();
    let draw = |_| {
        let start = Instant::now();
        let electrons: usize =
            (0..AVALANCHES).map(|index| black_box(sampler.avalanche(1, index, &mut workspace)).len()).sum();
        electrons as f64 / start.elapsed().as_secs_f64() / 1e6
    };
    println!(
        "generated on one core: {:.0} million electrons a second",
        median((0..ROUNDS).map(draw).collect())
    );

    let sets: Vec<_> = sampler.blocks(1, 0..200).collect();
    let data = Dataset::from(sets.into_iter().next().expect("there are avalanches"));
    let indices: Vec<usize> = (0..data.len()).collect();
    let options = ClusterTraining { sweeps: SWEEPS, ..ClusterTraining::default() };
    let mut trainer = Trainer::new(&data, &indices, options, Work::default()).expect("there are electrons");
    let start = Instant::now();
    while trainer.step().expect("parameters stay valid").is_some() {}
    let electrons = (trainer.learns_from()[1] * SWEEPS) as f64;
    let rate = electrons / start.elapsed().as_secs_f64() / 1e6;
    println!("trained on {} threads: {rate:.2} million electrons a second", rayon::current_num_threads());
}
