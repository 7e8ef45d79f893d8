//! Tunes the parameters of a detector until its simulation agrees with a data set or with the published histograms of
//! 2021, and prints the tuned description.
//!
//! `cargo run --release -p townsend-check --example tune -- START.toml reference2021 > TUNED.toml`
//! `cargo run --release -p townsend-check --example tune -- START.toml AVALANCHES.npz > TUNED.toml`
//!
//! What is compared are cumulative distributions: of every observable at 19 levels of the target, and the fraction of
//! empty avalanches. The sum of their squared differences is made least by Gauss and Newton's method with Levenberg and
//! Marquardt's damping; derivatives are finite differences of simulations with the same random streams.

use std::path::Path;

use nalgebra::{DMatrix, DVector};
use townsend_check::{ObservableOptions, Observables, Published, legacy_values};
use townsend_core::{Axis, Dataset, ElectronSet, Grid, Silent};
use townsend_io::ReadOptions;
use townsend_sim::{Detector, Simulation, Start};

const EVENTS: u64 = 6_000;
const LEVELS: usize = 19;
const STEPS: usize = 12;
/// The empty fraction is one number beside 19 of every observable.
const EMPTY_WEIGHT: f64 = 10.0;

type Failure = Box<dyn std::error::Error>;

/// A free parameter: how to change it, and by how much for a derivative.
struct Parameter {
    name: &'static str,
    get: fn(&Settings) -> f64,
    set: fn(&mut Settings, f64),
    low: f64,
    high: f64,
}

/// What is tuned: the detector, and the length that a nanosecond had on the published longitudinal axis.
#[derive(Clone)]
struct Settings {
    detector: Detector,
    unit_per_ns: f64,
}

macro_rules! parameter {
    ($name:literal, $low:expr, $high:expr, |$s:ident| $get:expr, |$m:ident, $v:ident| $set:expr) => {
        Parameter { name: $name, get: |$s| $get, set: |$m, $v| $set, low: $low, high: $high }
    };
}

fn parameters(reference: bool) -> Vec<Parameter> {
    let mut all = vec![
        parameter!("gain", 1.0, 1000.0, |s| s.detector.foils[0].gain, |s, v| {
            s.detector.foils.iter_mut().for_each(|foil| foil.gain = v);
        }),
        parameter!("theta", -0.4, 50.0, |s| s.detector.foils[0].theta, |s, v| {
            s.detector.foils.iter_mut().for_each(|foil| foil.theta = v);
        }),
        parameter!("collection of the first foil", 0.3, 1.0, |s| s.detector.foils[0].collection, |s, v| {
            s.detector.foils[0].collection = v;
        }),
        parameter!("collection of the others", 0.3, 1.0, |s| s.detector.foils[1].collection, |s, v| {
            s.detector.foils[1..].iter_mut().for_each(|foil| foil.collection = v);
        }),
        parameter!("exit spread", 1.0, 500.0, |s| s.detector.foils[0].exit_spread_um, |s, v| {
            s.detector.foils.iter_mut().for_each(|foil| foil.exit_spread_um = v);
        }),
        parameter!(
            "common time spread",
            0.01,
            20.0,
            |s| s.detector.foils[0].common_time_spread_ns,
            |s, v| {
                s.detector.foils.iter_mut().for_each(|foil| foil.common_time_spread_ns = v);
            }
        ),
        parameter!("transverse scale across B", 0.2, 5.0, |s| s.detector.gas.transverse_scale[0], |s, v| {
            s.detector.gas.transverse_scale[0] = v;
        }),
        parameter!("transverse scale along B", 0.2, 5.0, |s| s.detector.gas.transverse_scale[1], |s, v| {
            s.detector.gas.transverse_scale[1] = v;
        }),
    ];
    if reference {
        all.push(parameter!("unit a ns", 1e-3, 1.0, |s| s.unit_per_ns, |s, v| s.unit_per_ns = v));
    } else {
        all.push(parameter!(
            "own time spread",
            0.01,
            20.0,
            |s| s.detector.foils[0].own_time_spread_ns,
            |s, v| {
                s.detector.foils.iter_mut().for_each(|foil| foil.own_time_spread_ns = v);
            }
        ));
        all.push(parameter!(
            "longitudinal scale",
            0.2,
            5.0,
            |s| s.detector.gas.longitudinal_scale,
            |s, v| {
                s.detector.gas.longitudinal_scale = v;
            }
        ));
        all.push(parameter!("transit", 0.0, 50.0, |s| s.detector.foils[0].transit_ns, |s, v| {
            s.detector.foils.iter_mut().for_each(|foil| foil.transit_ns = v);
        }));
    }
    all
}

/// What a simulation shall agree with.
enum Target {
    Published(Vec<Published>),
    Data { empty: f64, levels: Vec<(String, Vec<f64>)> },
}

impl Target {
    fn read(argument: &str) -> Result<Self, Failure> {
        if argument == "reference2021" {
            return Ok(Self::Published(Published::all()));
        }
        let data = townsend_io::read(Path::new(argument), &ReadOptions::default(), &Silent)?.data;
        let observed = Observables::of(&data, &ObservableOptions::default(), &Silent)?;
        let levels = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            (1..=LEVELS).map(|k| sorted[sorted.len() * k / (LEVELS + 1)]).collect()
        };
        Ok(Self::Data {
            empty: observed.empty as f64 / observed.avalanches as f64,
            levels: observed
                .columns()
                .iter()
                .filter(|column| column.observable.name() != "empty" && !column.values.is_empty())
                .map(|column| (column.observable.name().to_string(), levels(&column.values)))
                .collect(),
        })
    }

    /// Differences of the simulation from the target.
    fn differences(&self, settings: &Settings) -> Result<Vec<f64>, Failure> {
        let set = simulate(&settings.detector, EVENTS)?;
        match self {
            Self::Published(histograms) => {
                let empty = EMPTY_WEIGHT * (empty(&set) - Published::EMPTY);
                let values = published_values(&set, settings.unit_per_ns)?;
                let differences = histograms.iter().flat_map(|histogram| {
                    let all = histogram.cumulative(&values[histogram.name]);
                    let mut levels = (1..=LEVELS).map(|k| k as f64 / (LEVELS + 1) as f64).peekable();
                    all.into_iter()
                        .filter(|(published, _)| {
                            let mut reached = false;
                            while levels.next_if(|level| published >= level).is_some() {
                                reached = true;
                            }
                            reached
                        })
                        .map(|(published, simulated)| simulated - published)
                        .collect::<Vec<_>>()
                });
                Ok(std::iter::once(empty).chain(differences).collect())
            }
            Self::Data { empty: fraction, levels } => {
                let mut differences = vec![EMPTY_WEIGHT * (empty(&set) - fraction)];
                let data = Dataset::from(set);
                let observed = Observables::of(&data, &ObservableOptions::default(), &Silent)?;
                for (name, levels) in levels {
                    let column = observed.columns().iter().find(|column| column.observable.name() == name);
                    let values = column.map_or(&[][..], |column| &column.values);
                    differences.extend(levels.iter().enumerate().map(|(k, level)| {
                        let below = values.iter().filter(|value| *value <= level).count();
                        below as f64 / values.len() as f64 - (k + 1) as f64 / (LEVELS + 1) as f64
                    }));
                }
                Ok(differences)
            }
        }
    }
}

fn simulate(detector: &Detector, events: u64) -> Result<ElectronSet, Failure> {
    let simulation = Simulation::new(detector, Start::Cell)?;
    let mut all = ElectronSet::default();
    for block in simulation.blocks(1, 0..events) {
        block.iter().for_each(|avalanche| all.push(avalanche.x, avalanche.z, avalanche.t));
    }
    Ok(all)
}

fn empty(set: &ElectronSet) -> f64 {
    set.iter().filter(|avalanche| avalanche.is_empty()).count() as f64 / set.len() as f64
}

/// The legacy observables on axes whose middle is the mean of all electrons, as published.
fn published_values(
    set: &ElectronSet,
    unit_per_ns: f64,
) -> Result<std::collections::BTreeMap<&'static str, Vec<f64>>, Failure> {
    let means = townsend_core::Coordinate::ALL.map(|coordinate| {
        let column = set.column(coordinate);
        column.iter().map(|&v| f64::from(v)).sum::<f64>() / column.len() as f64
    });
    let half = [1.5, 1.5, 1.5 / unit_per_ns];
    let axes = (0..3).map(|k| Axis::uniform(90, means[k] - half[k], means[k] + half[k]));
    let grid = Grid::new(axes.collect::<Result<_, _>>()?)?;
    Ok(legacy_values(&set.to_counts(&grid))?)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [start, target] = &arguments[..] else {
        return Err("give a detector's description, and reference2021 or a file of avalanches".into());
    };
    let detector = Detector::from_toml(&std::fs::read_to_string(start)?)?;
    let mut settings = Settings { detector, unit_per_ns: 0.035 };
    let target_ = Target::read(target)?;
    let parameters = parameters(target == "reference2021");
    let mut residual = DVector::from_vec(target_.differences(&settings)?);
    let mut damping = 1e-2;
    for step in 1..=STEPS {
        eprintln!("step {step}: sum of squares {:.5}", residual.norm_squared());
        for p in &parameters {
            eprint!("  {} {:.4}", p.name, (p.get)(&settings));
        }
        eprintln!();
        let mut jacobian = DMatrix::zeros(residual.len(), parameters.len());
        for (k, p) in parameters.iter().enumerate() {
            let value = (p.get)(&settings);
            let change = 0.04 * value.abs().max(0.1);
            let change = if value + change > p.high { -change } else { change };
            let mut moved = settings.clone();
            (p.set)(&mut moved, value + change);
            let column = DVector::from_vec(target_.differences(&moved)?) - &residual;
            // Per relative change, so that damping treats all parameters alike.
            jacobian.set_column(k, &(column / (change / value.abs().max(0.1))));
        }
        let (normal, gradient) = (jacobian.transpose() * &jacobian, jacobian.transpose() * &residual);
        let mut better = false;
        for _ in 0..4 {
            let damped = &normal + DMatrix::from_diagonal(&(normal.diagonal() * damping).add_scalar(1e-6));
            let Some(inverse) = damped.try_inverse() else { break };
            let change = inverse * &gradient;
            let mut moved = settings.clone();
            for (p, change) in parameters.iter().zip(change.iter()) {
                let value = (p.get)(&settings);
                (p.set)(
                    &mut moved,
                    (value - change.clamp(-0.4, 0.4) * value.abs().max(0.1)).clamp(p.low, p.high),
                );
            }
            let trial = DVector::from_vec(target_.differences(&moved)?);
            if trial.norm_squared() < residual.norm_squared() {
                (settings, residual, better) = (moved, trial, true);
                damping = (damping / 5.0).max(1e-4);
                break;
            }
            damping *= 5.0;
        }
        if !better {
            break;
        }
    }
    eprintln!("at the end: sum of squares {:.5}, {:.5} a ns", residual.norm_squared(), settings.unit_per_ns);
    println!("{}", toml::to_string(&settings.detector)?);
    Ok(())
}
