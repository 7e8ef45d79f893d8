//! One avalanche after the other takes no memory after the first ones: a simulation that calls a model for
//! every electron may do so on many threads without waiting for the allocator.

#[path = "../../townsend-kernels/tests/counting/mod.rs"]
mod counting;

mod common;

use common::VAE;
use counting::allocations;
use townsend::{Configuration, Context, Dataset, Model, Setting, Workspace, detector, simulate, train};

/// Avalanches until the buffers have seen a large one, then as many again, which allocate nothing.
fn assert_allocates_nothing(model: &dyn Model) {
    let (setting, mut workspace) = (Setting::default(), Workspace::default());
    let mut draw = || {
        for index in 0..300 {
            model.avalanche(1, index, &setting, &mut workspace).unwrap();
        }
        allocations()
    };
    let (before, after) = (draw(), draw());
    assert_eq!(after - before, 0, "{}", model.describe().family);
}

/// All in one test: another one beside it would allocate too.
#[test]
fn avalanches_after_the_first_ones_allocate_nothing() {
    let context = Context::default();
    // Its avalanches have a tenth of the electrons of those of the default detector.
    let detector = detector(Some("microscopic_275".as_ref())).unwrap();
    assert_allocates_nothing(&townsend::DetectorModel::new(detector.clone()).unwrap());
    let real: Dataset = simulate(&detector, 1, 0..100, &Setting::default()).unwrap();
    let clusters = Configuration::from_toml("[model]\nfamily = 'clusters'\n")
        .set("training.sweeps=10")
        .set("training.electrons=20000");
    for config in [clusters, Configuration::from_toml(VAE)] {
        let trained = train(&config, &real.clone().into(), &context).unwrap();
        assert_allocates_nothing(&*trained.model(&context).unwrap());
    }
}
