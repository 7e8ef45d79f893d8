//! The responses that ship: they give the detectors that ship, and what contradicts them is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use townsend_cascade::{CascadeConfig, CascadeError, FittedStages, Responses, fit_stages, read_responses};
use townsend_core::Work;
use townsend_sim::{Arrangement, Detector, Foil, Holes};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn shipped(name: &str) -> Detector {
    Detector::from_toml(Detector::shipped(name).unwrap()).unwrap()
}

/// A detector that ships, without what its foils depend on: that is known from other responses.
fn without_slopes(name: &str) -> Detector {
    let mut detector = shipped(name);
    detector.foils.iter_mut().for_each(|foil| foil.conditions.clear());
    detector
}

/// A configuration that ships, and its responses in a file.
fn configured(config: &str, file: &str) -> (CascadeConfig, BTreeMap<String, Responses>) {
    let text = std::fs::read_to_string(project(config)).unwrap();
    let config: CascadeConfig = toml::from_str(&text).unwrap();
    config.check().unwrap();
    let responses = config
        .responses()
        .into_iter()
        .map(|name| (name.clone(), read_responses(&[project(file)], &name).unwrap()));
    let responses = responses.collect();
    (config, responses)
}

fn fit(
    (config, responses): &(CascadeConfig, BTreeMap<String, Responses>),
    detector: &Detector,
) -> Result<FittedStages, CascadeError> {
    fit_stages(config, detector, responses, 1, Work::default())
}

/// `data/single_foils_1t.npz` gives the foils of `triple_gem_1t`, whatever they were before, and those of
/// `cgem`.
#[test]
fn responses_at_1_t_give_the_foils_that_ship() {
    let data = configured("configs/cascade-1t.toml", "data/single_foils_1t.npz");
    let detector = without_slopes("triple_gem_1t");
    let mut guess = detector.clone();
    for foil in &mut guess.foils {
        foil.magnetic = None;
        foil.gain = 1.0;
    }
    let fitted = fit(&data, &guess).unwrap();
    for (found, expected) in fitted.detector.foils.iter().zip(&detector.foils) {
        let [found, expected] = [found, expected].map(|foil| toml::Value::try_from(foil).unwrap());
        // The description has four digits.
        agree(&found, &expected);
    }
    assert_eq!(without_slopes("cgem").foils, detector.foils);
    for stage in &fitted.stages.stages {
        for name in
            ["entry_shift_um", "exit_shift_um", "exit_anisotropy", "exit_correlation", "transit_tilt_ns"]
        {
            assert!(stage.errors[&format!("magnetic.{name}")] > 0.0);
        }
    }
}

/// Responses at 275 and 300 V give the slopes of the detectors without a field of their own ones.
#[test]
fn responses_at_two_voltages_give_the_slopes_that_ship() {
    let data = configured("configs/cascade-voltages.toml", "data/single_foils.npz");
    let fitted = fit(&data, &without_slopes("microscopic_275")).unwrap();
    for name in ["microscopic_275", "planar_triple_gem", "triple_gem_1t"] {
        for (found, expected) in fitted.detector.foils.iter().zip(&shipped(name).foils) {
            let [found, expected] =
                [found, expected].map(|foil| toml::Value::try_from(&foil.conditions).unwrap());
            agree(&found, &expected);
        }
    }
}

/// What responses of single electrons do not tell of a foil stays as it was described, and other lattices
/// than the hexagonal one are refused.
#[test]
fn a_fit_keeps_the_lattice_and_the_saturation() {
    let data = configured("configs/cascade-stages.toml", "data/single_foils.npz");
    let mut detector = shipped("microscopic_275");
    detector.foils[1].saturation = 1e-5;
    detector.foils[2].lattice = Some(detector.lattice);
    let fitted = fit(&data, &detector).unwrap().detector;
    assert_eq!(fitted.foils[1].saturation.to_bits(), 1e-5f64.to_bits());
    assert_eq!(fitted.foils[2].lattice, Some(detector.lattice));
    detector.foils[2].lattice = Some(Holes { kind: Arrangement::Square, ..detector.lattice });
    let error = fit(&data, &detector).unwrap_err().to_string();
    assert!(error.starts_with("foils[2] has no hexagonal lattice of holes"), "{error}");
}

fn agree(found: &toml::Value, expected: &toml::Value) {
    match (found, expected) {
        (toml::Value::Table(found), toml::Value::Table(expected)) => {
            assert!(found.keys().eq(expected.keys()), "{found:?} {expected:?}");
            found.values().zip(expected.values()).for_each(|(found, expected)| agree(found, expected));
        }
        (toml::Value::Array(found), toml::Value::Array(expected)) if found.len() == expected.len() => {
            found.iter().zip(expected).for_each(|(found, expected)| agree(found, expected));
        }
        (toml::Value::Float(found), toml::Value::Float(expected)) => {
            assert!((found - expected).abs() <= 1e-3 * expected.abs(), "{found} {expected}");
        }
        _ => panic!("{found:?} {expected:?}"),
    }
}

/// B along another direction, a detector without the field of the responses, and one with a field that they
/// lack: both shifts are told, and what to do.
#[test]
fn what_contradicts_responses_is_refused() {
    let in_field = configured("configs/cascade-1t.toml", "data/single_foils_1t.npz");
    let turned = |degrees: f64| {
        let mut detector = shipped("triple_gem_1t");
        detector.gas.lorentz_shift_deg = degrees;
        detector
    };
    let mut weak = turned(180.0);
    weak.gas.magnetic_field_t = 0.2;
    for (detector, said) in [
        (
            turned(0.0),
            ["along gas.lorentz_shift_deg = 0,", "shifts them by 81 µm", "gas.lorentz_shift_deg = 180"],
        ),
        (
            turned(90.0),
            ["along gas.lorentz_shift_deg = 90,", "shifts them by 81 µm", "gas.lorentz_shift_deg = 180"],
        ),
        (
            weak,
            ["along gas.lorentz_shift_deg = 180,", "gas.magnetic_field_t = 0.2", "see gas.magnetic_field_t"],
        ),
        (shipped("microscopic_275"), ["by -6", "no magnetic field", "gas.lorentz_shift_deg = 180"]),
    ] {
        let error = fit(&in_field, &detector).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("m1: the responses and the gas contradict each other: electrons are shifted"),
            "{text}"
        );
        assert!(said.iter().all(|said| text.contains(said)), "{text}");
    }
    let without = configured("configs/cascade-stages.toml", "data/single_foils.npz");
    let error = fit(&without, &turned(180.0)).unwrap_err().to_string();
    assert!(
        error.contains(
            "if the responses were recorded without a magnetic field, set gas.magnetic_field_t = 0"
        ),
        "{error}"
    );
    let fitted = fit(&without, &shipped("microscopic_275")).unwrap();
    assert!(fitted.detector.foils.iter().all(|foil: &Foil| foil.magnetic.is_none() && foil.late.is_none()));
    // And they give the foils that they gave before there were fields.
    for (found, expected) in fitted.detector.foils.iter().zip(&without_slopes("microscopic_275").foils) {
        let [found, expected] = [found, expected].map(|foil| toml::Value::try_from(foil).unwrap());
        agree(&found, &expected);
    }
}

/// The gaps of Ar/CO₂ attach electrons, and its foils have late ones: skewed times between families.
#[test]
fn a_detector_in_ar_co2_attaches() {
    let detector = without_slopes("triple_gem_ar_co2");
    assert!(detector.transport(5.0).unwrap().attachment_per_mm > 0.04);
    let (mut config, responses) = configured("configs/cascade-ar-co2.toml", "data/single_foils_ar_co2.npz");
    // The last foil alone: its times are the least skewed, so that its fit is the quickest.
    config.model.stages = config.model.stages.map(|stages| stages[2..].to_vec());
    let mut last = detector.clone();
    last.foils.drain(..2);
    let fitted = fit(&(config, responses), &last).unwrap();
    let [found, expected] =
        [&fitted.detector.foils[0], &last.foils[0]].map(|foil| toml::Value::try_from(foil).unwrap());
    agree(&found, &expected);
    assert!(fitted.stages.stages[0].errors["late.delay_ns"] > 0.0);
}
