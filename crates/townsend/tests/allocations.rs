//! One avalanche after the other takes no memory after the first ones: a simulation that calls a model for
//! every electron may do so on many threads without waiting for the allocator.

#![allow(unsafe_code, reason = "an allocator can only be watched by one that takes its place")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use townsend::{Configuration, Context, Dataset, Model, Setting, Workspace, detector, simulate, train};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
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

const VAE: &str = r#"
    [model]
    family = "vae"
    dims = 2
    channels = [4, 8]
    kernels = [4, 4]
    strides = [2, 1]
    hidden = 16
    latent = 2
    [training]
    epochs = 1
    batch_size = 8
    [data]
    grid.axes = [{ bins = 8, low = -1.5, high = 1.5 }, { bins = 8, low = -1.5, high = 1.5 }]
"#;

/// Avalanches until the buffers have seen a large one, then as many again, which allocate nothing.
fn assert_allocates_nothing(model: &dyn Model) {
    let (setting, mut workspace) = (Setting::default(), Workspace::default());
    let mut draw = || {
        for index in 0..300 {
            model.avalanche(1, index, &setting, &mut workspace).unwrap();
        }
        ALLOCATIONS.load(Ordering::Relaxed)
    };
    let (before, after) = (draw(), draw());
    assert_eq!(after - before, 0, "{}", model.describe().family);
}

/// All in one test: another one beside it would allocate too.
#[test]
fn avalanches_after_the_first_ones_allocate_nothing() {
    let context = Context::default();
    let detector = detector(None).unwrap();
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
