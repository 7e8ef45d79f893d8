//! Measures decoding and training steps of the reference's networks, for `cargo xtask bench-peers`.
//!
//! The first argument, if there is one, is an instruction set. Every line on standard input is a request,
//! `decoder DIMS BATCH THREADS` or `train DIMS BATCH THREADS`; the answer is a line with wall and CPU
//! milliseconds an avalanche and the largest memory of the process so far in MB.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use townsend_bench::ReferenceNetwork;
use townsend_kernels::Isa;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    if let Some(isa) = std::env::args().nth(1) {
        isa.parse::<Isa>()?.choose()?;
    }
    let mut networks = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [case, dims, batch, threads] = words[..] else {
            return Err(format!("not a request: {line}").into());
        };
        let (dims, batch, threads) = (dims.parse()?, batch.parse()?, threads.parse()?);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let network = match networks.entry((dims, batch)) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => place.insert(ReferenceNetwork::new(dims, batch, 1)?),
        };
        let mut measure = || match case {
            "decoder" => decoder(network),
            "train" => training(network, if dims == 3 { 4 } else { 8 }),
            other => Err(format!("no case {other}").into()),
        };
        let [wall, cpu] = pool.install(|| measure().map_err(|error| error.to_string()))?;
        println!("{} {} {}", wall * 1e3, cpu * 1e3, peak_memory()?);
    }
    Ok(())
}

/// Wall and CPU seconds since some time.
struct Clock(Instant);

impl Clock {
    fn now(&self) -> [f64; 2] {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        [self.0.elapsed().as_secs_f64(), cpu.tv_sec as f64 + cpu.tv_nsec as f64 * 1e-9]
    }
}

fn decoder(network: &mut ReferenceNetwork) -> Result<[f64; 2]> {
    black_box(network.decode()?);
    let clock = Clock(Instant::now());
    let (start, mut calls) = (clock.now(), 0);
    while calls < 3 || clock.now()[0] - start[0] < 0.3 {
        black_box(network.decode()?);
        calls += 1;
    }
    let end = clock.now();
    Ok([0, 1].map(|kind| (end[kind] - start[kind]) / f64::from(calls) / network.batch() as f64))
}

/// The median of some steps after a first one, which makes everything ready.
fn training(network: &ReferenceNetwork, steps: usize) -> Result<[f64; 2]> {
    let (clock, ends) = (Clock(Instant::now()), Mutex::new(Vec::new()));
    let after = || ends.lock().unwrap_or_else(PoisonError::into_inner).push(clock.now());
    network.train(steps + 1, &after, &AtomicBool::new(false))?;
    let ends = ends.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok([0, 1].map(|kind| {
        let mut times: Vec<f64> = ends.windows(2).map(|pair| pair[1][kind] - pair[0][kind]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] / network.batch() as f64
    }))
}

/// MB.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
