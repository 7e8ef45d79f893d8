//! Whole events of a charged track.

use townsend_sim::{Detector, Simulation, Start, Workspace};

/// The default detector with one foil, so that events are small.
fn detector(track: &str) -> Detector {
    let text = Detector::shipped("cgem").unwrap();
    let mut detector =
        Detector::from_toml(&text.replace("inclination_deg = 0.0\nazimuth_deg = 0.0", track)).unwrap();
    detector.foils.truncate(1);
    detector.gain = None;
    detector
}

/// Mean number of electrons of an event, and mean z of all electrons, mm.
fn means(detector: &Detector, start: Start, events: u64) -> (f64, f64) {
    let simulation = Simulation::new(detector).unwrap();
    let mut workspace = Workspace::default();
    let (mut electrons, mut sum) = (0, 0.0);
    for event in 0..events {
        let avalanche = simulation.avalanche(1, event, start, &mut workspace);
        electrons += avalanche.len();
        sum += avalanche.z.iter().map(|&z| f64::from(z)).sum::<f64>();
    }
    (electrons as f64 / events as f64, sum / electrons as f64)
}

#[test]
fn every_electron_of_a_track_makes_an_avalanche() {
    let detector = detector("");
    let (of_one, _) = means(&detector, Start::Drift, 100_000);
    let (of_track, z) = means(&detector, Start::Track, 10_000);
    // The spread of a track's number of primary electrons is about half of its mean, and heavy-tailed.
    assert!((of_track / of_one - 55.0).abs() < 2.0, "{of_track} / {of_one}");
    assert!(z.abs() < 0.01, "{z}");
}

#[test]
fn positions_are_relative_to_where_the_track_crosses_the_foil() {
    let detector = detector("inclination_deg = 45.0\nazimuth_deg = 90.0");
    let (_, z) = means(&detector, Start::Track, 3_000);
    // The mean height is half the gap of 5 mm.
    assert!((z - 2.5).abs() < 0.1, "{z}");
}

#[test]
fn a_detector_without_a_track_says_so() {
    let mut detector = detector("");
    detector.track = None;
    let simulation = Simulation::new(&detector).unwrap();
    assert!(simulation.avalanche(1, 0, Start::Track, &mut Workspace::default()).is_empty());
    assert!(simulation.check_start(Start::Drift).is_ok());
    let error = simulation.check_start(Start::Track).unwrap_err().to_string();
    assert!(
        error.starts_with("there is no [track] table, which says how a track ionises the gas\n  hint:"),
        "{error}"
    );
}

#[test]
fn every_detector_that_ships_can_be_simulated() {
    for name in Detector::names() {
        let detector = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        let start = if detector.track.is_some() { Start::Track } else { Start::Cell };
        let simulation = Simulation::new(&detector).unwrap();
        let mut workspace = Workspace::default();
        let electrons: usize =
            (0..50).map(|event| simulation.avalanche(1, event, start, &mut workspace).len()).sum();
        assert!(electrons > 300, "{name}: {electrons}");
        assert_eq!(townsend_sim::StripReadout::new(&detector).is_ok(), detector.readout.is_some(), "{name}");
    }
}
