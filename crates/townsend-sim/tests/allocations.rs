//! A simulation under way allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use townsend_sim::{Detector, Simulation, Start, Workspace};

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

#[test]
fn nothing_is_allocated_for_an_avalanche() {
    let detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    let simulation = Simulation::new(&detector).unwrap();
    let mut workspace = Workspace::default();
    // The largest comes first: the memory that it needed is enough for the others.
    for start in [Start::Track, Start::Cell, Start::Drift, Start::At { x_um: 10.0, z_um: 0.0 }] {
        let first = simulation.avalanche(1, 0, start, &mut workspace).len();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let again = simulation.avalanche(1, 0, start, &mut workspace).len();
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        assert_eq!((first, allocations), (again, 0), "{start:?}");
    }
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let electrons: usize =
        (0..100).map(|index| simulation.avalanche(1, index, Start::Cell, &mut workspace).len()).sum();
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    assert!(electrons > 10_000);
}
