//! What it costs to draw one avalanche by a call of its own, against drawing them in blocks on one thread.
//!
//! `cargo bench -p townsend-bench`; every ratio is the median of rounds in which both take turns.

use std::hint::black_box;
use std::time::Instant;

use townsend::{
    Configuration, Context, Dataset, Drawn, Model, Setting, Workspace, detector, simulate, train,
};

const ROUNDS: usize = 9;
const VAE_3D: &str = include_str!("../configs/vae-3d.toml");

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| measure().expect("what ships works"));
}

fn measure() -> townsend::Result<()> {
    println!("| median of {ROUNDS} rounds, one thread | one call | in a block | ratio |");
    println!("|---|---|---|---|");
    let context = Context::default();
    let cascade = <dyn Model>::open("microscopic_275".as_ref())?;
    line("cascade, ns an electron", &|first| electron(&*cascade, first), &|first| block(&*cascade, first));
    let real = simulate(&detector(None)?, 1, 0..400, &Setting::default())?;
    let config = Configuration::from_toml("[model]\nfamily = 'clusters'\n").set("training.sweeps=10");
    let clusters = train(&config, &real.clone().into(), &context)?.model(&context)?;
    line("clusters, ns an electron", &|first| electron(&*clusters, first), &|first| block(&*clusters, first));

    let config = Configuration::from_toml(VAE_3D).set("training.epochs=1");
    let few = real.select(&(0..60).collect::<Vec<_>>());
    let vae = train(&config, &few.into(), &context)?.model(&context)?;
    let alone = |first: u64| {
        let (setting, mut workspace) = (Setting::default(), Workspace::default());
        let mut draw = |index| vae.avalanche(1, index, &setting, &mut workspace).map_or(0, |_| 1);
        draw(first);
        timed(1, || (first..first + FEW).map(|index| black_box(draw(index))).sum())
    };
    let together = |first: u64| {
        timed(1, || {
            let blocks = vae.blocks(1, first..first + FEW, &Setting::default());
            blocks.map_or(0, |blocks| blocks.map(|data| black_box(data).len()).sum())
        })
    };
    line("vae-3d, ns an avalanche", &alone, &together);
    Ok(())
}

/// Nanoseconds of one of the things that `act` does and counts.
fn timed(times: usize, mut act: impl FnMut() -> usize) -> f64 {
    let start = Instant::now();
    let done: usize = (0..times).map(|_| act()).sum();
    start.elapsed().as_secs_f64() * 1e9 / done.max(1) as f64
}

const AVALANCHES: u64 = 2000;
/// Avalanches of a network: as many as two of its blocks in three dimensions, which begin at multiples of
/// ten.
const FEW: u64 = 20;

fn electron(model: &dyn Model, first: u64) -> f64 {
    let (setting, mut workspace) = (Setting::default(), Workspace::default());
    timed(1, || {
        let draw = |index| match model.avalanche(1, index, &setting, &mut workspace) {
            Ok(Drawn::Electrons(electrons)) => black_box(electrons).len(),
            _ => 0,
        };
        (first..first + AVALANCHES).map(draw).sum()
    })
}

fn block(model: &dyn Model, first: u64) -> f64 {
    timed(1, || {
        let blocks = model.blocks(1, first..first + AVALANCHES, &Setting::default());
        let electrons = |data: Dataset| {
            let data = black_box(data);
            (0..data.len()).map(|index| data.electrons(index) as usize).sum::<usize>()
        };
        blocks.map_or(0, |blocks| blocks.map(electrons).sum())
    })
}

fn line(name: &str, one: &dyn Fn(u64) -> f64, other: &dyn Fn(u64) -> f64) {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..ROUNDS as u64 {
        let (a, b) = (one(round * AVALANCHES), other(round * AVALANCHES));
        times.iter_mut().zip([a, b, a / b]).for_each(|(times, value)| times.push(value));
    }
    let [a, b, ratio] = times.each_mut().map(|times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    println!("| {name} | {a:.1} | {b:.1} | {ratio:.3} |");
}
