//! A simulation allocates no memory once its workspace is large enough.

#[path = "../../townsend-kernels/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use townsend_sim::{Detector, Simulation, Start, Workspace};

#[test]
fn nothing_is_allocated_for_an_avalanche() {
    let detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    let simulation = Simulation::new(&detector).unwrap();
    let mut workspace = Workspace::default();
    // The largest avalanche comes first: the memory that it needs is enough for the others.
    for start in [Start::Track, Start::Cell, Start::Drift, Start::At { x_um: 10.0, z_um: 0.0 }] {
        let first = simulation.avalanche(1, 0, start, &mut workspace).len();
        let before = allocations();
        let again = simulation.avalanche(1, 0, start, &mut workspace).len();
        let taken = allocations() - before;
        assert_eq!((first, taken), (again, 0), "{start:?}");
    }
    let before = allocations();
    let electrons: usize =
        (0..100).map(|index| simulation.avalanche(1, index, Start::Cell, &mut workspace).len()).sum();
    assert_eq!(allocations() - before, 0);
    assert!(electrons > 10_000);
}
