//! A generator draws single avalanches without allocating.

#![allow(unsafe_code, reason = "an allocator that counts is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use burn_tensor::Device;
use townsend_core::{Axis, CountSet, Grid, Meta};
use townsend_models::{
    CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Generator, ModelConfig, Moments, Parameters,
    SizeConfig, SizeModel, TrainingState, Workspace,
};

thread_local! {
    /// Allocations of this thread: other threads of the test's process do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A generator in three dimensions, with initial weights, and one in five of its avalanches empty.
fn generator(model: &str) -> Generator {
    let grid = Grid::new(vec![Axis::uniform(18, -1.0, 1.0).unwrap(); 3]).unwrap();
    let config: ModelConfig = serde_json::from_str(model).unwrap();
    let network = config.check(&grid).unwrap();
    let mut parameters = Parameters::initial(network.tensors(), 1, &Device::flex());
    let mut training = CountSet::new(grid.clone());
    training.push((0..grid.cells() as u32).map(|cell| (cell, 1 + cell % 4)));
    network.prepare(&mut parameters, &training);
    let sizes: Vec<u64> = (0..200).map(|k| if k % 5 == 0 { 0 } else { 20 + k * k }).collect();
    let header = CheckpointHeader {
        version: CHECKPOINT_VERSION,
        model: config,
        grid,
        size: SizeModel::fit(&sizes, &SizeConfig::default()).unwrap(),
        data: Meta::default(),
        training: TrainingState::default(),
    };
    Generator::new(Checkpoint { header, parameters, moments: Moments::default() }, network)
}

#[test]
fn nothing_is_allocated_for_an_avalanche_after_the_first() {
    let layers =
        r#""generator": {"linear": [4, 250], "channels": [3, 1], "kernels": [4, 6], "strides": [1, 2]}"#;
    let vae = r#""channels": [6, 12], "kernels": [6, 8], "strides": [2, 1], "hidden": 40, "latent": 5"#;
    let critic = r#""critic": {"channels": [2, 3], "kernels": [4, 2], "strides": [2, 1]}"#;
    for model in [
        format!(r#"{{"family": "vae", "dims": 3, "log_density_polynomial": true, {vae}}}"#),
        format!(r#"{{"family": "vae", "dims": 3, "sampler": "flow", {vae}}}"#),
        format!(r#"{{"family": "infogan", "output": "relu", {layers}, {critic}}}"#),
    ] {
        let generator = generator(&model);
        let mut workspace = Workspace::default();
        let first = generator.avalanche(1, 0, &mut workspace).electrons();
        let before = ALLOCATIONS.get();
        let all = (1..200).map(|index| generator.avalanche(1, index, &mut workspace).electrons());
        let most = all.fold(0, u64::max);
        assert_eq!(ALLOCATIONS.get() - before, 0, "{model}");
        assert!(most > 0 && most != first);
    }
}
