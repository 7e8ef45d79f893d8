//! A simulation allocates no memory once its workspace is large enough.

#[path = "../../townsend-kernels/tests/counting/mod.rs"]
mod counting;

use counting::allocations;
use townsend_sim::{
    Detector, RecordedFoil, RecordedStages, ResponseDraw, ResponseTable, Simulation, Start, Workspace,
};

#[test]
fn nothing_is_allocated_for_an_avalanche() {
    let mut detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    nothing_for(&detector, &[Start::Track, Start::Cell, Start::Drift, AT]);

    // Recorded responses of 0 to 24 children, over the whole cell.
    let starts: Vec<_> = (0..400).map(|k| [f64::from(k % 20) * 7.0, f64::from(k / 20) * 6.1]).collect();
    let offsets: Vec<usize> =
        (0..=400usize).map(|k| k / 25 * 300 + (k % 25) * (k % 25).saturating_sub(1) / 2).collect();
    let children: Vec<_> = (0..offsets[400]).map(|k| [(k % 7) as f64, (k % 11) as f64, 7.0]).collect();
    let table = ResponseTable::new(&starts, &offsets, &children).unwrap();
    let stage = |foil: &townsend_sim::Foil| RecordedFoil {
        responses: "one".into(),
        gap_mm: foil.gap_mm,
        field_kv_cm: foil.field_kv_cm,
        included_mm: foil.included_mm,
        draw: ResponseDraw::default(),
        counted: None,
    };
    let mut recorded = RecordedStages::new("responses.npz", detector.foils.iter().map(stage).collect());
    recorded.load("responses.npz", Vec::new(), vec![table; 3]).unwrap();
    detector.foils.clear();
    detector.gain = None;
    detector.recorded = Some(recorded);
    nothing_for(&detector, &[Start::Track, Start::Cell, Start::Drift, AT]);
}

const AT: Start = Start::At { x_um: 10.0, z_um: 0.0 };

fn nothing_for(detector: &Detector, starts: &[Start]) {
    let simulation = Simulation::new(detector).unwrap();
    let mut workspace = Workspace::default();
    // The largest avalanche comes first: the memory that it needs is enough for the others.
    for &start in starts {
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
