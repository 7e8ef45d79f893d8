//! Tunes a detector until its simulation agrees with the published microscopic simulation of 2021, and prints
//! it.
//!
//! `cargo run --release -p townsend-check --example tune_reference2021 -- START.toml UNIT_PER_NS >
//! TUNED.toml`
//!
//! The comparison is of the cumulative distribution of each of the seven observables at 19 levels of the
//! published one, of the fraction of empty avalanches, and of the mean and the variance of the size. The sum
//! of the squared differences is minimised by the Gauss–Newton method with Levenberg–Marquardt damping;
//! derivatives are finite differences of simulations with the same random streams. The electrons at the anode
//! hardly distinguish one foil from another, so the foils share most values.

use nalgebra::{DMatrix, DVector};
use townsend_check::{Published, legacy_values_about};
use townsend_core::{Coordinate, ElectronSet};
use townsend_sim::{Detector, Foil, Simulation, Start};

const EVENTS: u64 = 6_000;
const LEVELS: usize = 19;
const STEPS: usize = 12;
/// Weight of the empty fraction, the mean size and its variance, each of which is one number beside 19 of
/// every observable.
const NUMBER_WEIGHT: f64 = 5.0;

type Failure = Box<dyn std::error::Error>;

/// What is tuned: the detector, and the length of a nanosecond on the published longitudinal axis.
#[derive(Clone)]
struct Settings {
    detector: Detector,
    unit_per_ns: f64,
}

/// A free parameter: its name, its least and largest value, and where its value is.
struct Parameter {
    name: &'static str,
    range: [f64; 2],
    at: fn(&mut Settings) -> Vec<&mut f64>,
}

impl Parameter {
    fn get(&self, settings: &Settings) -> f64 {
        *(self.at)(&mut settings.clone())[0]
    }

    fn set(&self, settings: &mut Settings, value: f64) {
        let [low, high] = self.range;
        for place in (self.at)(settings) {
            *place = value.clamp(low, high);
        }
    }

    /// The unit of a step: the value, or 0.1 if it is smaller.
    fn scale(&self, settings: &Settings) -> f64 {
        self.get(settings).abs().max(0.1)
    }
}

fn foils(settings: &mut Settings, from: usize, value: fn(&mut Foil) -> &mut f64) -> Vec<&mut f64> {
    settings.detector.foils[from..].iter_mut().map(value).collect()
}

const PARAMETERS: [Parameter; 9] = [
    Parameter { name: "gain", range: [1.0, 1000.0], at: |s| foils(s, 0, |foil| &mut foil.gain) },
    Parameter { name: "theta", range: [-0.4, 50.0], at: |s| foils(s, 0, |foil| &mut foil.theta) },
    Parameter {
        name: "collection of the first foil",
        range: [0.3, 1.0],
        at: |s| vec![&mut s.detector.foils[0].collection],
    },
    Parameter {
        name: "collection of the others",
        range: [0.3, 1.0],
        at: |s| foils(s, 1, |foil| &mut foil.collection),
    },
    Parameter {
        name: "exit spread",
        range: [1.0, 500.0],
        at: |s| foils(s, 0, |foil| &mut foil.exit_spread_um),
    },
    Parameter {
        name: "common time spread",
        range: [0.01, 20.0],
        at: |s| foils(s, 0, |foil| &mut foil.common_time_spread_ns),
    },
    Parameter {
        name: "transverse scale across B",
        range: [0.2, 5.0],
        at: |s| vec![&mut s.detector.gas.transverse_scale[0]],
    },
    Parameter {
        name: "transverse scale along B",
        range: [0.2, 5.0],
        at: |s| vec![&mut s.detector.gas.transverse_scale[1]],
    },
    Parameter { name: "unit a ns", range: [1e-3, 1.0], at: |s| vec![&mut s.unit_per_ns] },
];

/// Differences between the simulation and the published results.
fn differences(settings: &Settings, published: &[Published]) -> Result<DVector<f64>, Failure> {
    let set = simulate(&settings.detector)?;
    let means = Coordinate::ALL.map(|coordinate| mean(set.column(coordinate).iter().map(|&v| f64::from(v))));
    let values = legacy_values_about(&set, means, settings.unit_per_ns)?;
    let sizes = || set.iter().map(|avalanche| avalanche.len() as f64).filter(|&size| size > 0.0);
    let size = mean(sizes());
    let variance = mean(sizes().map(|s| (s - size).powi(2))) / size.powi(2);
    let mut all = vec![
        2.0 * NUMBER_WEIGHT * (1.0 - sizes().count() as f64 / set.len() as f64 - Published::EMPTY),
        NUMBER_WEIGHT * (size / Published::MEAN_SIZE - 1.0),
        NUMBER_WEIGHT * (variance - Published::RELATIVE_VARIANCE),
    ];
    for histogram in published {
        let cumulative = histogram.cumulative(&values[histogram.name]);
        for level in (1..=LEVELS).map(|k| k as f64 / (LEVELS + 1) as f64) {
            let bin = cumulative.partition_point(|(published, _)| *published < level);
            let (published, simulated) = cumulative[bin.min(cumulative.len() - 1)];
            all.push(simulated - published);
        }
    }
    Ok(DVector::from_vec(all))
}

fn simulate(detector: &Detector) -> Result<ElectronSet, Failure> {
    let simulation = Simulation::new(detector)?;
    let mut all = ElectronSet::default();
    for block in simulation.blocks(1, 0..EVENTS, Start::Cell) {
        for avalanche in block.iter() {
            all.push(avalanche.x, avalanche.z, avalanche.t);
        }
    }
    Ok(all)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

/// Derivatives by relative changes of the parameters, so that damping treats all of them alike.
fn jacobian(
    settings: &Settings,
    residual: &DVector<f64>,
    published: &[Published],
) -> Result<DMatrix<f64>, Failure> {
    let mut jacobian = DMatrix::zeros(residual.len(), PARAMETERS.len());
    for (k, parameter) in PARAMETERS.iter().enumerate() {
        let (value, scale) = (parameter.get(settings), parameter.scale(settings));
        let relative = if value + 0.04 * scale > parameter.range[1] { -0.04 } else { 0.04 };
        let mut moved = settings.clone();
        parameter.set(&mut moved, value + relative * scale);
        jacobian.set_column(k, &((differences(&moved, published)? - residual) / relative));
    }
    Ok(jacobian)
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [start, unit_per_ns] = &arguments[..] else {
        return Err("give a detector's description and the length of a nanosecond to start from".into());
    };
    let published = Published::all();
    let detector = Detector::from_toml(&std::fs::read_to_string(start)?)?;
    let mut settings = Settings { detector, unit_per_ns: unit_per_ns.parse()? };
    let mut residual = differences(&settings, &published)?;
    let mut damping = 1e-2;
    for step in 1..=STEPS {
        eprintln!("step {step}: sum of squares {:.5}", residual.norm_squared());
        for parameter in &PARAMETERS {
            eprintln!("  {} {:.4}", parameter.name, parameter.get(&settings));
        }
        let jacobian = jacobian(&settings, &residual, &published)?;
        let (normal, gradient) = (jacobian.tr_mul(&jacobian), jacobian.tr_mul(&residual));
        let mut better = false;
        for _ in 0..4 {
            let damped = &normal + DMatrix::from_diagonal(&(normal.diagonal() * damping).add_scalar(1e-6));
            let Some(change) = damped.lu().solve(&gradient) else { break };
            let mut moved = settings.clone();
            for (parameter, change) in PARAMETERS.iter().zip(change.iter()) {
                let change = change.clamp(-0.4, 0.4) * parameter.scale(&settings);
                parameter.set(&mut moved, parameter.get(&settings) - change);
            }
            let trial = differences(&moved, &published)?;
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
    println!("# Sum of squares {:.5}; a nanosecond is {:.5}.", residual.norm_squared(), settings.unit_per_ns);
    println!("{}", toml::to_string(&settings.detector)?);
    Ok(())
}
