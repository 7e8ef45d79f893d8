//! A sampler allocates no memory once its workspace is large enough.

#[path = "../../townsend-kernels/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use townsend_clusters::{ClusterModel, Level, NormalSpread, Root, Sampler, Workspace};
use townsend_core::{FilledSizes, SizeModel, SizePart};

fn model(levels: usize) -> ClusterModel {
    let covariance = [[0.03, 0.0, 0.0], [0.0, 0.03, 0.0], [0.0, 0.0, 4.0]];
    let level = Level { ln_centres: -1.0, power: 0.8, excess: 0.5, concentration: 1.2, covariance };
    ClusterModel {
        sizes: SizeModel {
            empty: 0.2,
            filled: FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 900.0, shape: 1.0 }]),
        },
        root: Root { mean: [0.0, 0.0, 172.0], covariance },
        electrons: NormalSpread { covariance },
        levels: vec![level; levels],
    }
}

#[test]
fn nothing_is_allocated_for_an_avalanche() {
    for levels in 0..=3 {
        let sampler = Sampler::new(&model(levels)).unwrap();
        let mut workspace = Workspace::default();
        let mut electrons =
            || -> usize { (0..100).map(|index| sampler.avalanche(1, index, &mut workspace).len()).sum() };
        let first = electrons();
        let before = allocations();
        let again = electrons();
        let taken = allocations() - before;
        assert_eq!((again, taken), (first, 0), "{levels} levels");
        assert!(first > 10_000);
    }
}
