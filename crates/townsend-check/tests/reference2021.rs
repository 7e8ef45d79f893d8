//! The detector that was tuned to the published simulation of 2021 still agrees with it, within the
//! statistics of a test; the example of the same name makes the full comparison.

use townsend_check::{Published, legacy_values_about};
use townsend_core::{Coordinate, ElectronSet};
use townsend_sim::{Detector, Simulation, Start};

#[test]
fn the_tuned_detector_agrees_with_what_was_published() {
    let text = Detector::shipped("reference2021").expect("it ships");
    let detector = Detector::from_toml(text).expect("it is valid");
    let simulation = Simulation::new(&detector).expect("its fields are in the gas table");
    let mut set = ElectronSet::default();
    for block in simulation.blocks(3, 0..2_000, Start::Cell) {
        for avalanche in block.iter() {
            set.push(avalanche.x, avalanche.z, avalanche.t);
        }
    }
    let empty = set.iter().filter(townsend_core::Avalanche::is_empty).count() as f64 / 2_000.0;
    assert!((empty - Published::EMPTY).abs() < 0.03, "{empty}");
    let means = Coordinate::ALL.map(|coordinate| {
        let column = set.column(coordinate);
        column.iter().map(|&value| f64::from(value)).sum::<f64>() / column.len() as f64
    });
    let values = legacy_values_about(&set, means, 0.041_47).expect("a grid as published");
    for published in Published::all() {
        // With many avalanches it is at most 0.05; two samples of 1,720 and 4,301 differ by 0.035 one time in
        // ten.
        let distance = published.kolmogorov_smirnov(&values[published.name]);
        assert!(distance < 0.08, "{}: {distance}", published.name);
    }
}
