//! Cascades of recorded responses: those that ship, and what is refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use townsend_cascade::{
    CascadeConfig, CascadeError, Guess, RecordedCascade, Responses, fit_avalanches, fit_stages,
    load_responses, read_responses, record_stages,
};
use townsend_core::{Dataset, ElectronSet, Work};
use townsend_sim::{Detector, Simulation, Start, Symmetry, Workspace};

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn shipped(name: &str) -> Detector {
    Detector::from_toml(Detector::shipped(name).unwrap()).unwrap()
}

fn config() -> CascadeConfig {
    toml::from_str(&std::fs::read_to_string(project("configs/recorded-1t.toml")).unwrap()).unwrap()
}

fn responses(file: &str, names: &[&str]) -> BTreeMap<String, Responses> {
    let read = |name: &&str| ((*name).to_owned(), read_responses(&[project(file)], name).unwrap());
    names.iter().map(read).collect()
}

fn made(
    config: &CascadeConfig,
    detector: &Detector,
    responses: &BTreeMap<String, Responses>,
) -> Result<RecordedCascade, CascadeError> {
    record_stages(config, detector, responses, 1, Work::default())
}

/// Mean number of electrons, and mean x and t of all.
fn means(detector: &Detector, avalanches: u64) -> [f64; 3] {
    let simulation = Simulation::new(detector).unwrap();
    let mut workspace = Workspace::default();
    let mut sums = [0.0; 3];
    for index in 0..avalanches {
        let electrons = simulation.avalanche(1, index, Start::Cell, &mut workspace);
        sums[0] += electrons.len() as f64;
        sums[1] += electrons.x.iter().map(|&x| f64::from(x)).sum::<f64>();
        sums[2] += electrons.t.iter().map(|&t| f64::from(t)).sum::<f64>();
    }
    [sums[0] / avalanches as f64, sums[1] / sums[0], sums[2] / sums[0]]
}

/// The responses that ship, as the configuration that ships takes them, give avalanches of the size, place
/// and time of the composed ones (1,054 electrons, −1.027 mm, 178.0 ns), and of the foils that were fitted to
/// them.
#[test]
fn responses_at_1_t_are_drawn_from() {
    let recorded = responses("data/single_foils_1t.npz", &["m1", "m2", "m3"]);
    let detector = shipped("triple_gem_1t");
    let RecordedCascade { detector: made, file: (name, contents), summary } =
        made(&config(), &detector, &recorded).unwrap();
    assert!(made.foils.is_empty() && name == "responses.npz");
    for (stage, gain) in summary.stages.iter().zip([10.09, 9.0, 11.81]) {
        assert_eq!(stage.starts, 2000);
        assert!((stage.gain - gain).abs() < 0.01, "{}", stage.gain);
        assert!((1500.0..2000.0).contains(&stage.effective), "{}", stage.effective);
    }
    // The third foil has some 90 electrons above it, so each tenth finds its response taken.
    let last = &summary.stages[2];
    assert!((70.0..120.0).contains(&last.taken) && (0.01..0.15).contains(&last.repeated), "{last:?}");
    assert_eq!((summary.stages[0].taken, summary.stages[0].repeated), (1.0, 0.0));
    assert!((0.02..0.1).contains(&summary.relative_size_error));

    let [size, x, t] = means(&made, 1500);
    // Sizes fluctuate by their mean, and the record's gains are known to 5%.
    assert!((size / 1054.0 - 1.0).abs() < 0.15, "{size}");
    let [_, fitted_x, fitted_t] = means(&detector, 1500);
    assert!((x + 1.027).abs() < 0.02 && (x - fitted_x).abs() < 0.02, "{x} {fitted_x}");
    assert!((t - 178.0).abs() < 0.4 && (t - fitted_t).abs() < 0.4, "{t} {fitted_t}");

    // The file of the run holds what its description names, and can be learned from again.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(&name);
    std::fs::write(&path, &contents).unwrap();
    for name in ["m1", "m2", "m3"] {
        assert_eq!(read_responses(&[&path], name).unwrap(), recorded[name], "rounded to 1/64 µm: exact");
    }
    let mut opened = Detector::from_toml(&toml::to_string(&made).unwrap()).unwrap();
    load_responses(&mut opened, &name, contents.clone()).unwrap();
    assert_eq!(means(&opened, 20).map(f64::to_bits), means(&made, 20).map(f64::to_bits));
    assert!(load_responses(&mut opened, &name, contents[..1000].to_vec()).is_err());

    // It has no parameters that a fit could find.
    let mut fit = config();
    fit.model.kind = townsend_cascade::StageKind::Fitted;
    fit.recorded = None;
    let work = Work::default();
    let refused = fit_stages(&fit, &opened, &recorded, 1, work).unwrap_err();
    assert!(refused.is_usage() && refused.to_string().contains("no parameters to fit"), "{refused}");
    fit.model.stages = None;
    let guess = Guess { detector: opened, stages: None, guessed: true };
    let refused = fit_avalanches(&fit, guess, &Dataset::from(ElectronSet::default()), work).unwrap_err();
    assert!(refused.to_string().contains("no parameters to fit"), "{refused}");
}

#[test]
fn what_cannot_be_drawn_from_is_refused() {
    let recorded = responses("data/single_foils_1t.npz", &["m1", "m2", "m3"]);
    let in_field = shipped("triple_gem_1t");
    let refused = |change: &dyn Fn(&mut CascadeConfig), detector: &Detector| {
        let mut config = config();
        change(&mut config);
        made(&config, detector, &recorded).unwrap_err()
    };
    let draw = |config: &mut CascadeConfig, k: usize, symmetry: &[Symmetry]| {
        let draw = config.recorded.as_mut().unwrap();
        (draw.neighbours, draw.symmetry) = (k, symmetry.into());
    };
    for (k, symmetry, says) in [
        (0, &[][..], "recorded.neighbours is 0, but must be from 1 to 10000000"),
        (2001, &[], "m1: neighbours is 2001, but must be from 1 to the number of responses, 2000"),
        (12, &[Symmetry::ReflectX], "only reflect_z is left, the reflection along B"),
        (12, &[Symmetry::Rotate60], "rotate_60 is no symmetry at gas.magnetic_field_t = 1"),
    ] {
        let error = refused(&|config| draw(config, k, symmetry), &in_field).to_string();
        assert!(error.contains(says), "{error}");
    }
    let two = refused(
        &|config| config.model.stages = config.model.stages.clone().map(|s| s[..2].to_vec()),
        &in_field,
    );
    assert!(
        two.is_usage() && two.to_string().contains("has 2 stages, and the detector has 3 foils"),
        "{two}"
    );

    let nothing = |_: &mut CascadeConfig| ();
    let turned = |degrees: f64| {
        let mut detector = in_field.clone();
        detector.gas.lorentz_shift_deg = degrees;
        detector
    };
    let error = refused(&nothing, &turned(0.0)).to_string();
    assert!(
        error.starts_with("m1: the responses and the gas contradict each other: electrons are shifted by -6")
            && error.contains("by 81 µm along gas.lorentz_shift_deg = 0")
            && error.contains("gas.lorentz_shift_deg = 180 is where"),
        "{error}"
    );
    // Without a field in the gas, and a symmetry that the responses lack.
    let error = refused(&nothing, &shipped("microscopic_275")).to_string();
    assert!(error.contains("contradict") && error.contains("gas.magnetic_field_t = 0"), "{error}");

    let mut without = config();
    without.model.stages =
        Some(["a1", "a2", "a3"].map(|name| townsend_cascade::StageData::Named(name.into())).to_vec());
    let at_rest = responses("data/single_foils.npz", &["a1", "a2", "a3"]);
    let error = made(&without, &in_field, &at_rest).unwrap_err().to_string();
    assert!(error.contains("were recorded without a magnetic field"), "{error}");
    // At B = 0 all twelve symmetries of the lattice are left.
    let draw = without.recorded.as_mut().unwrap();
    draw.symmetry = vec![Symmetry::ReflectX, Symmetry::Rotate60];
    draw.rotation_deg = 0.0;
    let made = made(&without, &shipped("microscopic_275"), &at_rest).unwrap();
    let [size, x, _] = means(&made.detector, 1000);
    assert!(x.abs() < 0.03 && size > 1000.0, "{size} {x}");
}
