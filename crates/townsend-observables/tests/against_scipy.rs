//! Observables, distances and gains agree with a second implementation of their definitions in NumPy and
//! SciPy (`against_scipy.py`).

#![allow(clippy::float_cmp, reason = "tests mean exactly what they say")]

#[path = "../../townsend-check/tests/common/mod.rs"]
mod common;

use std::sync::LazyLock;

use common::computed_by;
use rand_distr::{Distribution, Normal, Poisson};
use serde_json::{Value, json};
use townsend_core::{Dataset, ElectronSet, Grid, Purpose, Silent, stream};
use townsend_observables::{Binning, Gain, Measured, Observable, ObservableOptions, Observables, Resampling};

const TEST: Purpose = Purpose::new("against scipy");

/// The data that both implementations are given.
struct Case {
    electrons: ElectronSet,
    samples: Vec<(Vec<f64>, Vec<f64>)>,
    /// Numbers of electrons.
    gains: Vec<Vec<u64>>,
}

fn normal(n: usize, mean: f64, sigma: f64, index: u64) -> Vec<f64> {
    Normal::new(mean, sigma).unwrap().sample_iter(stream(1, TEST, index)).take(n).collect()
}

fn case() -> Case {
    let mut electrons = ElectronSet::default();
    for (k, n) in [0, 1, 2, 3, 4, 7, 40, 181, 182, 400, 1_500, 3_000].into_iter().enumerate() {
        let column = |d: u64, mean, sigma| -> Vec<f32> {
            normal(n, mean, sigma, 10 * k as u64 + d).into_iter().map(|v| v as f32).collect()
        };
        // Wide enough that some electrons leave the grid.
        electrons.push(&column(0, 0.1, 0.45), &column(1, -0.05, 0.5), &column(2, 175.0, 12.0));
    }
    let whole = |n: usize, mean: f64, index: u64| -> Vec<f64> {
        Poisson::new(mean).unwrap().sample_iter(stream(2, TEST, index)).take(n).collect()
    };
    let samples = vec![
        (normal(400, 0.0, 1.0, 1_000), normal(300, 0.2, 1.1, 1_001)),
        (normal(50, 5.0, 0.1, 1_002), normal(900, 5.0, 0.3, 1_003)),
        (whole(500, 6.0, 0), whole(250, 7.0, 1)),
        (whole(300, 900.0, 2), whole(300, 905.0, 3)),
    ];
    let squares = |n, mean, index| normal(n, mean, 12.0, index).iter().map(|v| (v * v) as u64).collect();
    let with_empty = [vec![0; 150], squares(600, 40.0, 1_005)].concat();
    Case { electrons, samples, gains: vec![squares(400, 40.0, 1_004), with_empty] }
}

/// The data and the results of Python, computed once.
static BOTH: LazyLock<(Case, Value)> = LazyLock::new(|| {
    let case = case();
    let avalanches: Vec<Vec<[f64; 3]>> = case
        .electrons
        .iter()
        .map(|a| (0..a.len()).map(|i| [a.x[i], a.z[i], a.t[i]].map(f64::from)).collect())
        .collect();
    let samples: Vec<Value> = case
        .samples
        .iter()
        .map(|(a, b)| {
            let binning = Binning::of(a, b);
            json!({ "a": a, "b": b, "binning": [binning.low, binning.high, binning.bins as f64] })
        })
        .collect();
    let samples = Value::from(samples.into_iter().map(whole_bins).collect::<Vec<_>>());
    let given = json!({ "avalanches": avalanches, "samples": samples, "gains": case.gains });
    let found = computed_by("tests/against_scipy.py", &given);
    (case, found)
});

/// The number of bins as a whole number, as numpy wants it.
fn whole_bins(mut sample: Value) -> Value {
    let bins = sample["binning"][2].as_f64().unwrap() as u64;
    sample["binning"][2] = json!(bins);
    sample
}

fn assert_close(name: &str, ours: f64, theirs: f64, relative: f64) {
    let scale = ours.abs().max(theirs.abs()).max(1e-9);
    assert!((ours - theirs).abs() <= relative * scale, "{name}: {ours} here, {theirs} there");
}

/// Compares every value that we give with theirs, and that neither side has more.
fn compare_observables(observables: &Observables, theirs: &Value, from: usize) {
    let mut compared = 0;
    for column in observables.columns() {
        let name = column.observable.name();
        for (index, their_avalanche) in theirs.as_array().unwrap().iter().enumerate().skip(from) {
            let our = column.avalanches.binary_search(&(index as u32)).ok().map(|k| column.values[k]);
            let their = their_avalanche.get(name).and_then(Value::as_f64);
            let (Some(our), Some(their)) = (our, their) else {
                assert_eq!((our, their), (None, None), "{name} of avalanche {index}");
                continue;
            };
            // Of many electrons the median is that of random pairs; from bins, of electrons spread over them.
            let electrons = their_avalanche["n_electrons"].as_f64().unwrap_or(0.0);
            let pairs = column.observable == Observable::PairDistance && (from > 0 || electrons > 181.0);
            let relative = if pairs { 0.025 } else { 1e-7 };
            assert_close(&format!("{name} of avalanche {index}"), our, their, relative);
            compared += 1;
        }
    }
    assert!(compared > 60, "only {compared} values were compared");
}

#[test]
fn observables_of_electrons_are_numpys() {
    let (case, theirs) = &*BOTH;
    let data = Dataset::from(case.electrons.clone());
    let ours = Observables::of(&data, &ObservableOptions::default(), &Silent).unwrap();
    assert_eq!(ours.columns().len(), Observable::ALL.len());
    compare_observables(&ours, &theirs["electrons"], 0);
}

#[test]
fn observables_of_counts_are_numpys() {
    let (case, theirs) = &*BOTH;
    let counts = case.electrons.to_counts(&Grid::standard(2).unwrap());
    let ours = Observables::of(&Dataset::from(counts), &ObservableOptions::default(), &Silent).unwrap();
    assert!(ours.outside > 0, "the flow bins are part of the test");
    // The avalanches with at least 100 electrons; of those, only `empty` is not theirs.
    let mut theirs = theirs["counts"].clone();
    for avalanche in theirs.as_array_mut().unwrap() {
        avalanche["empty"] = json!(0.0);
    }
    compare_observables(&ours, &theirs, 7);
}

#[test]
fn distances_are_scipys() {
    let (case, theirs) = &*BOTH;
    for (k, (a, b)) in case.samples.iter().enumerate() {
        let ours = Resampling::new(1).distances(a, b, &Binning::of(a, b), 0);
        let theirs = |name: &str| theirs["distances"][k][name].as_f64().unwrap();
        let check = |name: &str, value: f64| {
            assert_close(&format!("{name} of sample {k}"), value, theirs(name), 1e-9);
        };
        check("w1_over_sigma", ours.w1_over_sigma.unwrap().value);
        check("ks", ours.ks.value);
        check("separation_power", ours.separation_power.value);
        let p = ours.ks.p_value.unwrap();
        let off = (p - theirs("p_value")).abs();
        assert!(off < 0.01 + 0.15 * p, "p of sample {k}: {p} here, {} there", theirs("p_value"));
    }
}

/// Python finds errors by leaving out one avalanche after the other, which agrees to the order of 1/N.
#[test]
fn gains_are_scipys() {
    let (case, theirs) = &*BOTH;
    for (k, electrons) in case.gains.iter().enumerate() {
        let Gain { effective, empty, relative_variance, theta } = Gain::of(electrons).unwrap();
        for (name, ours, relative) in [
            ("effective", effective, 1e-12),
            ("empty", empty, 1e-12),
            ("relative_variance", relative_variance.unwrap(), 0.02),
            ("theta", theta.unwrap(), 0.02),
        ] {
            let their = |place: usize| theirs["gains"][k][name][place].as_f64().unwrap();
            let Measured { value, error } = ours;
            assert_close(&format!("{name} of set {k}"), value, their(0), 1e-12);
            assert_close(&format!("error of {name} of set {k}"), error, their(1), relative);
        }
    }
}
