//! What is measured.

use std::hint::black_box;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tempfile::TempDir;
use townsend_core::{Coordinate, Dataset, ElectronSet, Grid, Meta, Silent};
use townsend_io::{AvalancheWriter, ReadOptions, WriteOptions, read};
use townsend_kernels::{Isa, KernelsProduct, matrix_product as product};
use townsend_sim::{Simulation, Start};

use super::{BenchPart, ReferenceNetwork};
use townsend::{Context, Error, Result, detector};

/// Wall time that one measurement takes at least, in seconds.
const SECONDS: f64 = 0.3;
/// Rows of the matrices.
const MATRIX: usize = 1024;
/// Additions with multiplication of their product.
const MATRIX_PRODUCTS: usize = MATRIX * MATRIX * MATRIX;
/// Avalanches of a file.
const IN_FILE: u64 = 500;
/// Avalanches that are simulated in one go.
const SIMULATED: u64 = 1000;
/// The stages of this detector were fitted to responses of single foils: it is what a cascade generates with.
const CASCADE: &str = "microscopic_275";

/// Something to be measured.
pub(super) struct Work<'a> {
    /// None for what others are compared with.
    pub(super) part: Option<BenchPart>,
    pub(super) what: String,
    pub(super) unit: &'static str,
    /// Additions with multiplication of one.
    pub(super) products: Option<usize>,
    /// Does it, and gives the seconds that one took.
    pub(super) act: Box<dyn FnMut() -> Result<f64> + 'a>,
}

/// Seconds of one, of which `act` does several and says how many.
fn timed(mut act: impl FnMut() -> Result<usize>) -> Result<f64> {
    let (start, mut done) = (Instant::now(), 0);
    loop {
        done += act()?;
        let seconds = start.elapsed().as_secs_f64();
        if seconds >= SECONDS {
            return Ok(seconds / done as f64);
        }
    }
}

pub(super) fn matrix_product<'a>() -> Work<'a> {
    let numbers = |step: usize| -> Vec<f32> {
        (0..MATRIX * MATRIX).map(|at| (at * step % 101) as f32 / 101.0).collect()
    };
    let (a, b, mut c) = (numbers(37), numbers(53), vec![0.0; MATRIX * MATRIX]);
    let act = move || {
        timed(|| {
            product(MATRIX, &a, &b, black_box(&mut c));
            Ok(1)
        })
    };
    Work {
        part: None,
        what: format!("product of two matrices of {MATRIX} × {MATRIX}"),
        unit: "products",
        products: Some(MATRIX_PRODUCTS),
        act: Box::new(act),
    }
}

pub(super) fn kernels_product<'a>() -> Work<'a> {
    let mut product = KernelsProduct::new(Isa::best());
    let act = move || {
        timed(|| {
            black_box(product.compute());
            Ok(1)
        })
    };
    Work {
        part: None,
        what: "product of matrices by kernels".into(),
        unit: "products",
        products: Some(KernelsProduct::MULTIPLY_ADDS),
        act: Box::new(act),
    }
}

/// What there is to measure of a part.
pub(super) fn of<'a>(part: BenchPart, context: &Context<'a>) -> Result<Vec<Work<'a>>> {
    let seed = context.seed;
    match part {
        BenchPart::Reading => reading(seed),
        BenchPart::Simulating => Ok(vec![electrons(part, "detector cgem", "cgem", seed)?]),
        BenchPart::Generating => {
            let mut works = vec![electrons(part, "cascade", CASCADE, seed)?];
            for (dims, batch) in [(2, 50), (3, 8)] {
                works.push(decoder(ReferenceNetwork::new(dims, batch, seed)?, dims)?);
            }
            Ok(works)
        }
        BenchPart::Training => {
            let network = |(dims, batch, steps)| {
                Ok(step(ReferenceNetwork::new(dims, batch, seed)?, dims, steps, context))
            };
            [(2, 50, 8), (3, 8, 2)].into_iter().map(network).collect()
        }
    }
}

/// Electrons of simulated avalanches with the same detector.
fn electrons<'a>(part: BenchPart, what: &str, named: &str, seed: u64) -> Result<Work<'a>> {
    let simulation = Simulation::new(&detector(Some(Path::new(named)))?)?;
    let mut first = 0;
    let act = move || {
        timed(|| {
            let blocks = simulation.blocks(seed, first..first + SIMULATED, Start::Cell);
            first += SIMULATED;
            Ok(blocks.map(|set| black_box(set.column(Coordinate::X)).len()).sum())
        })
    };
    Ok(Work { part: Some(part), what: what.into(), unit: "electrons", products: None, act: Box::new(act) })
}

/// A file of histograms and one of electrons.
fn reading<'a>(seed: u64) -> Result<Vec<Work<'a>>> {
    let simulation = Simulation::new(&detector(None)?)?;
    let mut set = ElectronSet::default();
    for block in simulation.blocks(seed, 0..IN_FILE, Start::Cell) {
        block.iter().for_each(|avalanche| {
            let [x, z, t] =
                [Coordinate::X, Coordinate::Z, Coordinate::T].map(|along| avalanche.coordinate(along));
            set.push(x, z, t);
        });
    }
    let data = Dataset::from(set);
    let files = [
        ("histograms.root", "ROOT, histograms in 3D", Some(Grid::standard(3)?)),
        ("electrons.npz", "npz, electrons", None),
    ];
    files.into_iter().map(|(name, what, grid)| file(&data, name, what, grid)).collect()
}

fn file<'a>(data: &Dataset, name: &str, what: &str, grid: Option<Grid>) -> Result<Work<'a>> {
    let folder = TempDir::new().map_err(|source| Error::Io { path: std::env::temp_dir(), source })?;
    let path = folder.path().join(name);
    let mut writer =
        AvalancheWriter::create(&path, &Meta::default(), &WriteOptions { grid, ..WriteOptions::default() })?;
    writer.append(data)?;
    writer.finish()?;
    let act = move || {
        // The file goes with its folder when the last measurement is done.
        let path = folder.path().join(&path);
        timed(|| Ok(read(&path, &ReadOptions::default(), &Silent)?.data.len()))
    };
    Ok(Work {
        part: Some(BenchPart::Reading),
        what: what.into(),
        unit: "avalanches",
        products: None,
        act: Box::new(act),
    })
}

fn decoder<'a>(mut network: ReferenceNetwork, dims: usize) -> Result<Work<'a>> {
    let batch = network.batch();
    network.decode()?;
    Ok(Work {
        part: Some(BenchPart::Generating),
        what: format!("{dims}D decoder, batch {batch}"),
        unit: "avalanches",
        products: network.decoder_multiply_adds(),
        act: Box::new(move || {
            timed(|| {
                black_box(network.decode()?);
                Ok(batch)
            })
        }),
    })
}

/// The median of `steps` after a first one, which makes things ready.
fn step<'a>(network: ReferenceNetwork, dims: usize, steps: usize, context: &Context<'a>) -> Work<'a> {
    let (batch, products, stop) = (network.batch(), network.step_multiply_adds(), context.stop);
    let act = move || {
        let ends = Mutex::new(Vec::new());
        let now = || ends.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        network.train(steps + 1, &now, stop)?;
        let ends = ends.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut times: Vec<f64> = ends.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        // Fewer steps than were asked for: somebody asked to stop.
        times.get(times.len() / 2).map(|seconds| seconds / batch as f64).ok_or(Error::Stopped)
    };
    Work {
        part: Some(BenchPart::Training),
        what: format!("{dims}D step, batch {batch}"),
        unit: "avalanches",
        products,
        act: Box::new(act),
    }
}
