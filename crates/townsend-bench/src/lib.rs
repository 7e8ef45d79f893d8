//! How fast this machine reads, simulates, generates and trains.
//!
//! All measurements take turns, so that other work on the machine slows all of them, and the networks stand
//! beside products of matrices, which show what the machine's arithmetic is worth at that time.

mod network;
mod work;

use std::str::FromStr;

use serde::Serialize;
use townsend_kernels::Isa;

pub use self::network::ReferenceNetwork;
use self::work::Work;
use townsend::{Context, Result};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BenchPart {
    /// Files of avalanches.
    Reading,
    /// The built-in Monte Carlo.
    Simulating,
    /// A fitted cascade, and the decoders of the reference's networks.
    Generating,
    /// Steps of these networks.
    Training,
}

impl BenchPart {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reading, Self::Simulating, Self::Generating, Self::Training];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Simulating => "simulating",
            Self::Generating => "generating",
            Self::Training => "training",
        }
    }
}

impl FromStr for BenchPart {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|part| part.name() == text);
        found.ok_or_else(|| format!("`{text}` cannot be measured; these can: {names}"))
    }
}

/// What to measure.
#[derive(Debug, Clone)]
pub struct BenchOptions {
    /// What to measure.
    pub parts: Vec<BenchPart>,
    /// How often; what is shown are medians.
    pub rounds: usize,
}

impl Default for BenchOptions {
    /// Everything, five times.
    fn default() -> Self {
        Self { parts: BenchPart::ALL.into(), rounds: 5 }
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Benchmark {
    /// Program and version.
    pub producer: String,
    /// The processor, as the system calls it.
    pub processor: String,
    /// Threads that worked.
    pub threads: usize,
    /// Instructions that the kernels use on this CPU.
    pub instructions: String,
    /// Seed of the avalanches and weights.
    pub seed: u64,
    /// How often each was measured.
    pub rounds: usize,
    /// Billions of operations a second (a multiplication and an addition are two) of a product of two
    /// matrices of 1024 × 1024 numbers in single precision by the library `gemm`, which chooses its
    /// instructions itself.
    pub matrix_product_gflops: Spread,
    /// The same of one of 1024 × 240 and 240 × 1024 numbers by the inner loop of our kernels.
    pub kernels_product_gflops: Spread,
    /// In the order of [`BenchPart`].
    pub measurements: Vec<Measurement>,
}

/// The speed of one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// What it is part of.
    pub part: BenchPart,
    /// What was done.
    pub what: String,
    /// What is counted: avalanches or electrons.
    pub unit: &'static str,
    /// How many of them a second of wall time.
    pub per_second: Spread,
    /// Of networks, billions of operations a second. Counted are those of the layers, without the first
    /// convolution of an encoder, which only computes what occupied cells ask for.
    pub gflops: Option<Spread>,
    /// The same beside the faster one of the two products of matrices in the same round.
    pub share: Option<Spread>,
}

/// What came out of several rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of at least one value.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Self { median: values[values.len() / 2], least: values[0], most: values[values.len() - 1] }
    }
}

/// Measures the speed of this machine, on the threads of the pool that it is called in.
pub fn bench(options: &BenchOptions, context: &Context<'_>) -> Result<Benchmark> {
    let rounds = options.rounds.max(1);
    let mut works = vec![work::matrix_product(), work::kernels_product()];
    for part in BenchPart::ALL.into_iter().filter(|part| options.parts.contains(part)) {
        context.go_on()?;
        works.extend(work::of(part, context)?);
    }
    let mut seconds = vec![Vec::new(); works.len()];
    let task = context.progress.task("measuring", (rounds * works.len()) as u64);
    for _ in 0..rounds {
        for (work, seconds) in works.iter_mut().zip(&mut seconds) {
            context.go_on()?;
            task.message(&work.what);
            seconds.push((work.act)()?);
            task.advance(1);
        }
    }
    let products = speeds(&works[0], &seconds[0]).zip(speeds(&works[1], &seconds[1]));
    let machine: Vec<f64> = products.map(|(library, kernels)| library.max(kernels)).collect();
    Ok(Benchmark {
        producer: concat!("townsend ", env!("CARGO_PKG_VERSION")).into(),
        threads: rayon::current_num_threads(),
        processor: processor(),
        instructions: Isa::best().to_string(),
        seed: context.seed,
        rounds,
        matrix_product_gflops: Spread::of(speeds(&works[0], &seconds[0])),
        kernels_product_gflops: Spread::of(speeds(&works[1], &seconds[1])),
        measurements: works
            .iter()
            .zip(&seconds)
            .filter_map(|(work, seconds)| measurement(work, seconds, &machine))
            .collect(),
    })
}

/// Billions of operations a second in each round; none where they are not counted.
fn speeds<'a>(work: &Work<'_>, seconds: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    let operations = work.products.map_or(0.0, |products| 2e-9 * products as f64);
    seconds.iter().map(move |seconds| operations / seconds)
}

/// None for what others are compared with. `machine` are the speeds of products of matrices.
fn measurement(work: &Work<'_>, seconds: &[f64], machine: &[f64]) -> Option<Measurement> {
    let is_network = work.products.is_some();
    Some(Measurement {
        part: work.part?,
        what: work.what.clone(),
        unit: work.unit,
        per_second: Spread::of(seconds.iter().map(|seconds| 1.0 / seconds)),
        gflops: is_network.then(|| Spread::of(speeds(work, seconds))),
        share: is_network
            .then(|| Spread::of(speeds(work, seconds).zip(machine).map(|(own, machine)| own / machine))),
    })
}

/// The name of the processor with its family and model, since that of virtual machines says little; that of
/// the architecture where the system does not tell.
fn processor() -> String {
    let known = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let of = |line: &str| {
            line.split_once(':').filter(|(key, _)| key.trim() == name).map(|(_, v)| v.trim().to_owned())
        };
        known.lines().find_map(of)
    };
    match (value("model name"), value("cpu family"), value("model")) {
        (Some(name), Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        (Some(name), ..) => name,
        _ => std::env::consts::ARCH.into(),
    }
}
