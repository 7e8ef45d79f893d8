//! A sampler under way allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use townsend_clusters::{ClusterModel, Level, NormalSpread, Root, Sampler, Workspace};
use townsend_core::{FilledSizes, SizeModel, SizePart};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is left to the system's allocator; growing goes through `alloc`.
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
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let again = electrons();
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        assert_eq!((again, allocations), (first, 0), "{levels} levels");
        assert!(first > 10_000);
    }
}
