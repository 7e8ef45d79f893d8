//! Measures decoding and training steps of the reference's networks, for `cargo xtask bench-peers`.
//!
//! Every line on standard input is a request, `decoder DIMS BATCH THREADS` or `train DIMS BATCH THREADS`; the answer is a line
//! with wall and CPU milliseconds an avalanche and the largest memory of the process so far in MB.

use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use rand_distr::{Distribution, StandardNormal};
use rustix::time::{ClockId, clock_gettime};
use townsend_core::{CountSet, Dataset, Grid, Progress, Purpose, Task, stream};
use townsend_models::{Decoder, ModelConfig, Parameters, device, standard_normal};
use townsend_train::{TrainConfig, TrainOptions, train};

const AVALANCHES: Purpose = Purpose::new("bench avalanches");
const NOISE: Purpose = Purpose::new("bench noise");
const LATENT: usize = 300;
const MODEL: &str = r#"
    [model]
    family = "vae"
    likelihood = "mse"
    output = "relu"
    output_norm = true
    sampler = "normal"
    input = "raw"
    beta = { start = 1.5 }
    [data]
    validation = 0.0
    test = 0.0
    [training]
    epochs = 1
    learning_rate = 1e-7
    decay = "none"
    beta1 = 0.5
"#;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut decoders = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [case, dims, batch, threads] = words[..] else {
            return Err(format!("not a request: {line}").into());
        };
        let (dims, batch, threads) = (dims.parse()?, batch.parse()?, threads.parse()?);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut measure = || match case {
            "decoder" => decoder(&mut decoders, dims, batch),
            "train" => training(dims, batch),
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

fn config(dims: usize, batch: usize) -> Result<TrainConfig> {
    let set = [format!("model.dims={dims}"), format!("training.batch_size={batch}")];
    Ok(TrainConfig::parse(MODEL, Path::new("benchmark"), &set)?)
}

/// The decoder of a batch, made on first use.
fn made(made: &mut Vec<((usize, usize), Decoder)>, dims: usize, batch: usize) -> Result<&mut Decoder> {
    let known = made.iter().position(|(key, _)| *key == (dims, batch));
    let at = known.unwrap_or(made.len());
    if known.is_none() {
        let config: ModelConfig = config(dims, batch)?.model;
        let model = config.check(&Grid::standard(dims)?)?;
        let parameters = Parameters::initial(model.tensors(), 1, &device("cpu")?);
        made.push(((dims, batch), model.decoder(&parameters, batch).ok_or("no decoder of its own")?));
    }
    Ok(&mut made[at].1)
}

fn decoder(decoders: &mut Vec<((usize, usize), Decoder)>, dims: usize, batch: usize) -> Result<[f64; 2]> {
    let decoder = made(decoders, dims, batch)?;
    let noise = standard_normal(1, NOISE, 0, batch * LATENT);
    black_box(decoder.weights(&noise));
    let clock = Clock(Instant::now());
    let (start, mut calls) = (clock.now(), 0);
    while calls < 3 || clock.now()[0] - start[0] < 0.3 {
        black_box(decoder.weights(&noise));
        calls += 1;
    }
    let end = clock.now();
    Ok([0, 1].map(|kind| (end[kind] - start[kind]) / f64::from(calls) / batch as f64))
}

/// When each step ended.
struct Steps {
    clock: Clock,
    ends: Mutex<Vec<[f64; 2]>>,
}

struct Step<'a>(&'a Steps);

impl Progress for Steps {
    fn task(&self, _name: &str, _total: u64) -> Box<dyn Task + '_> {
        Box::new(Step(self))
    }
}

impl Task for Step<'_> {
    fn advance(&self, steps: u64) {
        if steps > 0 {
            self.0.ends.lock().unwrap_or_else(PoisonError::into_inner).push(self.0.clock.now());
        }
    }
}

/// The median of some steps after a first one, which makes everything ready.
fn training(dims: usize, batch: usize) -> Result<[f64; 2]> {
    let steps = if dims == 3 { 4 } else { 8 };
    let data = avalanches(dims, (steps + 1) * batch)?;
    let folder = tempfile::tempdir()?;
    let watch = Steps { clock: Clock(Instant::now()), ends: Mutex::new(Vec::new()) };
    let (run, options) = (folder.path().join("run"), TrainOptions::default());
    train(&config(dims, batch)?, &data, &run, options, &watch, &AtomicBool::new(false))?;
    let ends = watch.ends.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok([0, 1].map(|kind| {
        let mut times: Vec<f64> = ends.windows(2).map(|pair| pair[1][kind] - pair[0][kind]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2] / batch as f64
    }))
}

/// Avalanches of 6,000 electrons in Gaussian clouds.
fn avalanches(dims: usize, n: usize) -> Result<Dataset> {
    let grid = Grid::standard(dims)?;
    let mut set = CountSet::new(grid.clone());
    for index in 0..n as u64 {
        let mut random = stream(1, AVALANCHES, index);
        let mut bin = |_| {
            let at: f64 = StandardNormal.sample(&mut random);
            (46.0 + 8.0 * at).clamp(0.0, 91.0) as u32
        };
        let mut cells: Vec<u32> = (0..6000).map(|_| grid.join(std::array::from_fn(&mut bin))).collect();
        cells.sort_unstable();
        set.push_cells(&cells);
    }
    Ok(set.into())
}

/// MB.
fn peak_memory() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
