use townsend_core::{FilledSizes, SizePart};

use super::*;
use crate::model::matrix;
use crate::{Level, NormalSpread, Root};

fn model() -> ClusterModel {
    let level = |ln_centres, x, xt| Level {
        ln_centres,
        power: 0.5,
        excess: 0.5,
        concentration: 1.5,
        covariance: [[x, 0.1 * x, xt], [0.1 * x, x, 0.0], [xt, 0.0, 6.0]],
    };
    ClusterModel {
        sizes: SizeModel {
            empty: 0.2,
            filled: FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 50.0, shape: 2.0 }]),
        },
        root: Root {
            mean: [0.1, -0.2, 170.0],
            covariance: [[0.2, 0.1, 0.0], [0.1, 0.2, 0.0], [0.0, 0.0, 1.0]],
        },
        electrons: NormalSpread { covariance: [[0.04, 0.01, 0.1], [0.01, 0.05, -0.1], [0.1, -0.1, 4.0]] },
        levels: vec![level(0.5, 0.05, 0.2), level(1.0, 0.03, -0.1)],
    }
}

/// The covariance of any electron is the sum over root, levels and the electron's own; the numbers of
/// electrons have the model's mean.
#[test]
fn moments_are_those_of_the_model() {
    let (model, n) = (model(), 60_000u64);
    let sampler = Sampler::new(&model).unwrap();
    let mut workspace = Workspace::default();
    let (mut squares, mut mean, mut electrons, mut empty) = (Matrix3::<f64>::zeros(), [0.0; 3], 0.0, 0.0);
    for index in 0..n {
        let drawn = sampler.avalanche(1, index, &mut workspace);
        electrons += drawn.len() as f64;
        if drawn.is_empty() {
            empty += 1.0;
            continue;
        }
        // Electrons are ordered by family, so the one that is looked at must not always be the first.
        let k = (index as usize * 7919) % drawn.len();
        let d = [drawn.x[k], drawn.z[k], drawn.t[k]].map(f64::from);
        let d: [f64; 3] = std::array::from_fn(|i| d[i] - model.root.mean[i]);
        for i in 0..3 {
            mean[i] += d[i];
            for j in 0..3 {
                squares[(i, j)] += d[i] * d[j];
            }
        }
    }
    let full = n as f64 - empty;
    let expected = matrix(&model.covariance());
    for i in 0..3 {
        assert!((mean[i] / full).abs() < 4.5 * (expected[(i, i)] / full).sqrt(), "{i}: {mean:?}");
        for j in 0..3 {
            let error = (2.0 * expected[(i, i)] * expected[(j, j)] / full).sqrt();
            assert!((squares[(i, j)] / full - expected[(i, j)]).abs() < 4.5 * error, "{i} {j}: {squares}");
        }
    }
    assert!((empty / n as f64 - 0.2).abs() < 4.5 * (0.16 / n as f64).sqrt());
    assert!((electrons / full - 51.0).abs() < 4.5 * ((50.0 + 1250.0) / full).sqrt(), "{}", electrons / full);
}

/// Two electrons of an avalanche have the same centre with probability (1 + a)/(1 + am), for m centres and
/// Dirichlet distributed shares of parameter a. Here a = 1.5, m has the mean 1 + 4, and centres are far
/// apart.
#[test]
fn families_are_as_unequal_as_the_model_says() {
    let far = [[1e6, 0.0, 0.0], [0.0, 1e6, 0.0], [0.0, 0.0, 1e6]];
    let mut model = model();
    model.levels =
        vec![Level { ln_centres: 4f64.ln(), power: 0.0, excess: 1e-6, concentration: 1.5, covariance: far }];
    let sampler = Sampler::new(&model).unwrap();
    let mut workspace = Workspace::default();
    let (mut pairs, mut same) = (0.0, 0.0);
    let mut expected = 0.0;
    for index in 0..20_000 {
        let n = sampler.avalanche(1, index, &mut workspace).len();
        if n < 2 {
            continue;
        }
        let m = workspace.families.len() as f64;
        pairs += 1.0;
        expected += 2.5 / (1.0 + 1.5 * m);
        let n = n as f64;
        same +=
            workspace.families.iter().map(|&k| k as f64 * (k as f64 - 1.0)).sum::<f64>() / (n * (n - 1.0));
    }
    assert!((same / pairs - expected / pairs).abs() < 0.005, "{} {}", same / pairs, expected / pairs);
}

#[test]
fn an_avalanche_is_a_function_of_seed_and_number() {
    let sampler = Sampler::new(&model()).unwrap();
    let draw = |seed, index| sampler.avalanche(seed, index, &mut Workspace::default()).clone();
    let blocks: Vec<ElectronSet> = sampler.blocks(3, 10..700).collect();
    let mut index = 10;
    for avalanche in blocks.iter().flat_map(ElectronSet::iter) {
        let alone = draw(3, index);
        assert_eq!((avalanche.x, avalanche.z, avalanche.t), (&alone.x[..], &alone.z[..], &alone.t[..]));
        index += 1;
    }
    assert_eq!(index, 700);
    assert!((0..20).any(|index| draw(3, index) != draw(4, index)));
}

fn parts(model: &mut ClusterModel) -> &mut Vec<SizePart> {
    match &mut model.sizes.filled {
        FilledSizes::Parts(parts) => parts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_model_is_refused() {
    type Damage = fn(&mut ClusterModel);
    let cases: [(&str, Damage); 9] = [
        ("sizes.empty", |model| model.sizes.empty = 1.5),
        ("weight", |model| parts(model).clear()),
        ("sizes.parts[0].mean", |model| parts(model)[0].mean = 1e300),
        ("sizes.parts[0].shape", |model| parts(model)[0].shape = f64::NAN),
        ("levels[1].excess", |model| model.levels[1].excess = 0.0),
        ("levels[0].concentration", |model| model.levels[0].concentration = -1.0),
        ("root.mean", |model| model.root.mean[2] = f64::INFINITY),
        ("electrons.covariance", |model| model.electrons.covariance[0][0] = -1.0),
        ("levels", |model| model.levels = vec![model.levels[0].clone(); 4]),
    ];
    for (key, damage) in cases {
        let mut damaged = model();
        damage(&mut damaged);
        let said = Sampler::new(&damaged).unwrap_err().to_string();
        assert!(said.contains(key), "{said}");
    }
}

/// Numbers of centres have the mean and the variance of the prior.
#[test]
fn numbers_of_centres_are_negative_binomial() {
    let mut random = stream(1, Purpose::new("test"), 0);
    for (ln_centres, power, excess) in [(-2.0, 1.1, 0.4), (1.0, 0.0, 2.0), (-9.0, 1.0, 1e-3)] {
        let level = Level { ln_centres, power, excess, ..model().levels[0].clone() };
        let n = 40_000.0;
        let draws: Vec<f64> = (0..40_000).map(|_| level.draw(400.0, &mut random) as f64).collect();
        let (mean, variance) = (level.mean(400.0), level.mean(400.0) * (1.0 + excess));
        let found = draws.iter().sum::<f64>() / n;
        assert!((found - 1.0 - mean).abs() < 4.5 * (variance / n).sqrt() + 1e-9, "{found} {mean}");
        let spread = draws.iter().map(|m| (m - found).powi(2)).sum::<f64>() / n;
        assert!((spread / variance - 1.0).abs() < 0.2, "{spread} {variance}");
        let whole: f64 = (1..5000).map(|m| level.ln_probability(f64::from(m), 400.0).exp()).sum();
        assert!((whole - 1.0).abs() < 1e-6, "{whole}");
    }
}
