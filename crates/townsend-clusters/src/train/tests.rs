use townsend_core::{Axis, CountSet, ElectronSet, FilledSizes, Grid, SizePart, Work};

use super::*;
use crate::{NormalSpread, Root, Sampler};

fn diagonal(x: f64, t: f64) -> [[f64; 3]; 3] {
    [[x, 0.0, 0.0], [0.0, x, 0.0], [0.0, 0.0, t]]
}

fn truth() -> ClusterModel {
    ClusterModel {
        sizes: SizeModel {
            empty: 0.2,
            filled: FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 100.0, shape: 1.5 }]),
        },
        root: Root { mean: [0.1, 0.0, 170.0], covariance: diagonal(0.05, 1.0) },
        electrons: NormalSpread { covariance: diagonal(0.01, 1.0) },
        levels: vec![Level {
            ln_centres: -0.7,
            power: 0.6,
            excess: 0.5,
            concentration: 1.5,
            covariance: [[0.09, 0.03, 0.0], [0.03, 0.06, 0.0], [0.0, 0.0, 9.0]],
        }],
    }
}

fn drawn(model: &ClusterModel, avalanches: u64) -> Dataset {
    let mut all = ElectronSet::default();
    for set in Sampler::new(model).unwrap().blocks(5, 0..avalanches) {
        all.append(&set);
    }
    all.into()
}

fn trained(
    data: &Dataset,
    options: ClusterTraining,
) -> Result<(ClusterModel, Vec<SweepMetrics>), ClusterError> {
    let indices: Vec<usize> = (0..data.len()).collect();
    let mut trainer = Trainer::new(data, &indices, options, Work::default())?;
    let mut metrics = Vec::new();
    while let Some(of_sweep) = trainer.step()? {
        metrics.push(of_sweep);
    }
    Ok((trainer.model().clone(), metrics))
}

/// Training on avalanches drawn from a known model finds this model, and the bound grows.
#[test]
fn a_known_model_is_recovered() {
    let truth = truth();
    let data = drawn(&truth, 600);
    let options = ClusterTraining { levels: 1, sweeps: 150, ..ClusterTraining::default() };
    let (found, metrics) = trained(&data, options).unwrap();
    let near = |name: &str, found: f64, truth: f64, tolerance: f64| {
        assert!((found / truth - 1.0).abs() < tolerance, "{name}: {found} {truth}");
    };
    for k in 0..3 {
        near("electrons", found.electrons.covariance[k][k], truth.electrons.covariance[k][k], 0.05);
        near("level", found.levels[0].covariance[k][k], truth.levels[0].covariance[k][k], 0.1);
        near("root", found.root.covariance[k][k], truth.root.covariance[k][k], 0.35);
    }
    near("level xz", found.levels[0].covariance[0][1], 0.03, 0.25);
    for n in [30.0, 100.0, 300.0] {
        near("centres", 1.0 + found.levels[0].mean(n), 1.0 + truth.levels[0].mean(n), 0.1);
    }
    near("concentration", found.levels[0].concentration, 1.5, 0.2);
    assert!((found.root.mean[2] - 170.0).abs() < 0.5);
    let bounds: Vec<f64> = metrics.iter().filter_map(|of_sweep| of_sweep.bound).collect();
    assert!(bounds.len() == 3 && bounds[2] > bounds[0] + 0.005, "{bounds:?}");
}

/// In data with families of families, as of a triple GEM, the levels are found at about their true sizes,
/// from the start on that pairs of electrons give.
#[test]
fn two_levels_are_told_apart() {
    let mut truth = truth();
    truth.sizes.filled = FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 900.0, shape: 2.0 }]);
    truth.electrons.covariance = diagonal(0.024, 3.8);
    let level = |ln_centres, power, x, t| Level {
        ln_centres,
        power,
        excess: 0.4,
        concentration: 1.2,
        covariance: diagonal(x, t),
    };
    truth.levels = vec![level(-2.06, 0.97, 0.033, 5.2), level(-3.1, 1.05, 0.028, 4.4)];
    let options = ClusterTraining { sweeps: 40, most_electrons: 300, ..ClusterTraining::default() };
    let (found, _) = trained(&drawn(&truth, 150), options).unwrap();
    let near = |found: &[[f64; 3]; 3], truth: &[[f64; 3]; 3], tolerance: f64| {
        for k in [0, 2] {
            let ratio = found[k][k] / truth[k][k];
            assert!((ratio - 1.0).abs() < tolerance, "{k}: {ratio}");
        }
    };
    near(&found.electrons.covariance, &truth.electrons.covariance, 0.1);
    near(&found.levels[1].covariance, &truth.levels[1].covariance, 0.35);
    near(&found.levels[0].covariance, &truth.levels[0].covariance, 0.35);
    let ratio = found.levels[1].mean(900.0) / truth.levels[1].mean(900.0);
    assert!((ratio - 1.0).abs() < 0.25, "{ratio}");
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = drawn(&truth(), 40);
    let options = ClusterTraining { sweeps: 12, ..ClusterTraining::default() };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| trained(&data, options)).unwrap()
    };
    assert_eq!(with(1), with(3));
}

fn electrons(avalanches: &[Vec<[f32; 3]>]) -> Dataset {
    let mut set = ElectronSet::default();
    for avalanche in avalanches {
        let column = |k: usize| avalanche.iter().map(|at| at[k]).collect::<Vec<_>>();
        set.push(&column(0), &column(1), &column(2));
    }
    set.into()
}

/// Odd data either give a model that avalanches can be drawn from, or are refused with a remedy.
#[test]
fn odd_data_do_no_harm() {
    let line = |n: usize| (0..n).map(|k| [k as f32, 2.0 * k as f32, 3.0 - k as f32]).collect::<Vec<_>>();
    let learns = [
        ("one avalanche", vec![line(50)]),
        (
            "single electrons",
            (0..20).map(|k| vec![[k as f32, (k * k) as f32, 1.0 / (k + 1) as f32]]).collect(),
        ),
        ("two places", vec![vec![[0.0, 0.0, 0.0]; 40], vec![[1.0, 1.0, 1.0]; 40]]),
        ("far apart", vec![vec![[-3e38, 3e38, 0.0], [3e38, -3e38, 1e-30]], line(40)]),
        ("small", vec![line(40).iter().map(|at| at.map(|v| v * 1e-25)).collect()]),
    ];
    for (name, avalanches) in learns {
        for levels in 0..=3 {
            let options = ClusterTraining { levels, sweeps: 12, ..ClusterTraining::default() };
            let (model, _) = trained(&electrons(&avalanches), options).expect(name);
            assert!(Sampler::new(&model).is_ok(), "{name}");
        }
    }
    let refused = [
        (vec![vec![], vec![]], "bring avalanches with electrons"),
        (vec![], "bring avalanches with electrons"),
        (vec![vec![[1.0, 2.0, 3.0]; 60]], "x of every electron is 1"),
        (vec![vec![[1.0, 2.0, 3.0], [2.0, 3.0, 3.0]]], "t of every electron is 3"),
    ];
    for (avalanches, says) in refused {
        let error = trained(&electrons(&avalanches), ClusterTraining::default()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let default = ClusterTraining::default();
    for (options, key) in [
        (ClusterTraining { levels: 4, ..default }, "model.levels"),
        (ClusterTraining { sweeps: 9, ..default }, "training.sweeps"),
        (ClusterTraining { electrons: 0, ..default }, "training.electrons"),
        (ClusterTraining { most_electrons: 1, ..default }, "training.most_electrons"),
    ] {
        assert!(options.check().unwrap_err().to_string().contains(key));
    }
}

/// In histograms electrons are taken to lie anywhere within their cells; histograms of two coordinates are
/// refused.
#[test]
fn histograms_of_three_coordinates_are_learned_from() {
    let data = drawn(&truth(), 60);
    let axes = [(-3.0, 3.0), (-3.0, 3.0), (150.0, 190.0)];
    let axes = axes.map(|(low, high)| Axis::uniform(80, low, high).unwrap());
    let counts =
        |dims: usize| -> CountSet { data.to_counts(&Grid::new(axes[..dims].to_vec()).unwrap()).unwrap() };
    let options = ClusterTraining { levels: 1, sweeps: 20, ..ClusterTraining::default() };
    let [from_electrons, from_counts] =
        [&data, &counts(3).into()].map(|data| trained(data, options).unwrap().0);
    let ratio = matrix(&from_counts.covariance()).trace() / matrix(&from_electrons.covariance()).trace();
    assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    let error = trained(&counts(2).into(), options).unwrap_err();
    assert_eq!(error, ClusterError::Dims { dims: 2 });
}
