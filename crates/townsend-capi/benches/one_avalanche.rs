//! What it costs to draw one avalanche through C's function, against the facade's.
//!
//! `cargo bench -p townsend-capi [-- MODEL]`; the ratio is the median of rounds in which both take turns.

#![allow(unsafe_code, reason = "C's functions are called")]

use std::ffi::CString;
use std::hint::black_box;
use std::ptr::{null, null_mut};
use std::time::Instant;

use townsend::{Drawn, Model, Setting, Workspace};
use townsend_capi::{
    Electrons, TOWNSEND_OK, townsend_model_avalanche, townsend_model_close, townsend_model_open,
    townsend_workspace_free, townsend_workspace_new,
};

const ROUNDS: usize = 21;
const AVALANCHES: u64 = 2000;

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let name = named.unwrap_or_else(|| "microscopic_275".into());
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let (rust, c) = (by_rust(&name), by_c(&name));
        times.iter_mut().zip([rust, c, c / rust]).for_each(|(times, value)| times.push(value));
    }
    let [rust, c, ratio] = times.each_mut().map(|times| {
        times.sort_by(f64::total_cmp);
        times[ROUNDS / 2]
    });
    println!("| {name}, median of {ROUNDS} rounds, one thread | Rust, µs an avalanche | C | ratio |");
    println!("|---|---|---|---|");
    println!("| {AVALANCHES} avalanches | {rust:.2} | {c:.2} | {ratio:.3} |");
}

/// Microseconds an avalanche.
fn timed(mut draw: impl FnMut(u64)) -> f64 {
    // Memory has grown and caches are warm before it counts.
    (0..100).for_each(&mut draw);
    let start = Instant::now();
    (0..AVALANCHES).for_each(draw);
    start.elapsed().as_secs_f64() * 1e6 / AVALANCHES as f64
}

fn by_rust(name: &str) -> f64 {
    let model = <dyn Model>::open(name.as_ref()).expect("a model");
    let (setting, mut workspace) = (Setting::default(), Workspace::default());
    timed(|index| match model.avalanche(1, index, &setting, &mut workspace) {
        Ok(Drawn::Electrons(electrons)) => {
            black_box(electrons);
        }
        _ => panic!("{name} draws no electrons"),
    })
}

fn by_c(name: &str) -> f64 {
    let text = CString::new(name).expect("a name");
    // SAFETY: the text ends with a 0, and everything is freed once, after its last use.
    unsafe {
        let model = townsend_model_open(text.as_ptr(), null_mut());
        let workspace = townsend_workspace_new();
        let mut electrons = Electrons::default();
        let time = timed(|index| {
            let at = black_box(&raw mut electrons);
            let code = townsend_model_avalanche(model, null(), 1, index, workspace, at, null_mut());
            assert_eq!(code, TOWNSEND_OK, "{name} draws no electrons");
        });
        townsend_workspace_free(workspace);
        townsend_model_close(model);
        time
    }
}
