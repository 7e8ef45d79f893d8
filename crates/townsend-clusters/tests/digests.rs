//! The same seed gives the same avalanches in every release.
//!
//! In rare cases a result depends on the last bit of the system's mathematical functions, so the digest holds
//! for Linux on x86-64.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use townsend_clusters::{ClusterModel, Level, NormalSpread, Root, Sampler};
use townsend_core::{Dataset, ElectronSet, FilledSizes, SizeModel, SizePart};

fn diagonal(x: f64, t: f64) -> [[f64; 3]; 3] {
    [[x, 0.0, 0.0], [0.0, x, 0.0], [0.0, 0.0, t]]
}

/// About the model that avalanches of a triple GEM lead to.
fn model() -> ClusterModel {
    let level = |ln_centres, power, x, t| Level {
        ln_centres,
        power,
        excess: 0.4,
        concentration: 1.2,
        covariance: diagonal(x, t),
    };
    let part = |mean| SizePart { weight: 0.5, mean, shape: 1.0 };
    ClusterModel {
        sizes: SizeModel { empty: 0.25, filled: FilledSizes::Parts(vec![part(1900.0), part(200.0)]) },
        root: Root { mean: [0.0, 0.0, 172.0], covariance: diagonal(0.003, 0.45) },
        electrons: NormalSpread { covariance: diagonal(0.024, 3.9) },
        levels: vec![level(-2.7, 1.07, 0.031, 4.9), level(-3.0, 1.03, 0.028, 4.6)],
    }
}

#[test]
fn avalanches_are_those_of_earlier_releases() {
    let sampler = Sampler::new(&model()).unwrap();
    let mut set = ElectronSet::default();
    sampler.blocks(7, 3..103).for_each(|block| set.append(&block));
    assert_eq!(Dataset::from(set).digest()[..16], *"c19e2642a1fb7566");
}
