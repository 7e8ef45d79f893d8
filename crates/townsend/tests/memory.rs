//! Every function of the facade, in memory: nothing here reads or writes a file of its own.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::VAE;
use townsend::{
    CheckOptions, Condition, Configuration, Context, Dataset, Detector, Drawn, Error, NotHeldBack, Progress,
    Setting, Silent, Start, Task, Trained, Workspace, check, detector, held_back, inspect, readout, simulate,
    train,
};

/// Makes a training of clusters small.
const SMALL: [&str; 2] = ["training.sweeps=10", "training.electrons=20000"];

/// A detector whose avalanches are ten times smaller than those of the default one.
fn small() -> Detector {
    detector(Some("triple_gem_1t".as_ref())).unwrap()
}

fn avalanches(n: u64) -> Dataset {
    simulate(&small(), 1, 0..n, &Setting::default()).unwrap()
}

fn trained(text: &str, set: &[&str]) -> Trained {
    let config = set.iter().fold(Configuration::from_toml(text), |config, &set| config.set(set));
    train(&config, &avalanches(120).into(), &Context::default()).unwrap()
}

fn clusters() -> Trained {
    trained("[model]\nfamily = \"clusters\"\n", &SMALL)
}

/// Avalanche `index` of a set and one that was drawn alone.
fn assert_same(data: &Dataset, index: usize, drawn: Drawn<'_>) {
    match (data, drawn) {
        (Dataset::Electrons(set), Drawn::Electrons(alone)) => assert_eq!(set.get(index), alone),
        (Dataset::Counts(set), Drawn::Counts(alone)) => assert_eq!(set.get(index), alone),
        _ => panic!("electrons and counts are mixed"),
    }
}

/// Alone or in a range, in any order and with a workspace that another model has used: the same avalanche.
#[test]
fn an_avalanche_is_the_same_alone_and_in_a_range() {
    let context = Context::default();
    let models = [
        townsend::Families::shipped().open("microscopic_275".as_ref()).unwrap(),
        clusters().model(&context).unwrap(),
        trained(VAE, &[]).model(&context).unwrap(),
    ];
    let (setting, mut workspace) = (Setting::default(), Workspace::default());
    let ranges: Vec<Dataset> =
        models.iter().map(|model| model.generate(7, 90..110, &setting).unwrap()).collect();
    for index in [9, 0, 19, 5] {
        for (model, range) in models.iter().zip(&ranges) {
            let alone = model.avalanche(7, 90 + index, &setting, &mut workspace).unwrap();
            assert_same(range, index as usize, alone);
        }
    }
}

#[test]
fn a_pool_of_threads_that_is_handed_in_changes_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let one = Context { pool: Some(&pool), ..Context::default() };
    let config = SMALL
        .iter()
        .fold(Configuration::from_toml("[model]\nfamily = \"clusters\"\n"), |config, &set| config.set(set));
    let on_one = train(&config, &avalanches(120).into(), &one).unwrap();
    assert_eq!(on_one.run, clusters().run);
}

#[test]
fn training_stops_when_it_is_asked_to() {
    let stop = AtomicBool::new(true);
    let context = Context { stop: &stop, ..Context::default() };
    for text in ["[model]\nfamily = \"clusters\"\n", VAE] {
        let config = Configuration::from_toml(text);
        assert!(matches!(train(&config, &avalanches(60).into(), &context), Err(Error::Stopped)), "{text}");
    }
}

/// Asks to stop when a task begins.
struct StopsAt<'a>(&'static str, &'a AtomicBool);

impl Progress for StopsAt<'_> {
    fn task(&self, name: &str, _: u64) -> Box<dyn Task + '_> {
        self.1.fetch_or(name == self.0, Ordering::Relaxed);
        Box::new(Silent)
    }
}

#[test]
fn a_check_stops_wherever_it_is() {
    let [real, generated] = [avalanches(150), avalanches(150)];
    for task in ["observables", "metrics of all observables", "classifiers", "pairs of electrons"] {
        let stop = AtomicBool::new(false);
        let context = Context { progress: &StopsAt(task, &stop), stop: &stop, ..Context::default() };
        let options = CheckOptions { classifiers: task == "classifiers", ..CheckOptions::default() };
        let checked = check(&real, &generated, &options, &context);
        assert!(stop.into_inner(), "there is no task {task}");
        assert!(matches!(checked, Err(Error::Stopped)), "{task}");
    }
}

#[test]
fn a_setting_is_followed_or_refused() {
    let detector = detector(Some("microscopic_275".as_ref())).unwrap();
    let at = |x_um: f64| Setting { start: Start::At { x_um, z_um: 0.0 }, ..Setting::default() };
    // Places count from the start, and the hole that an electron goes through is the nearest: the one at 0.
    let mean_x = |x_um: f64| {
        let Dataset::Electrons(set) = simulate(&detector, 1, 0..600, &at(x_um)).unwrap() else {
            panic!("simulated avalanches are electrons")
        };
        let x = set.column(townsend::Coordinate::X);
        x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len() as f64
    };
    let moved = mean_x(30.0) - mean_x(-30.0);
    assert!((-0.06..-0.02).contains(&moved), "{moved} mm for starts 60 µm apart");

    let unknown = Condition { name: "humidity".into(), values: vec![0.3] };
    let setting = Setting { conditions: vec![unknown], ..Setting::default() };
    let message = simulate(&detector, 1, 0..1, &setting).unwrap_err().to_string();
    assert!(message.contains("humidity"), "{message}");

    let model = clusters().model(&Context::default()).unwrap();
    let error = model.avalanche(1, 0, &at(0.0), &mut Workspace::default()).unwrap_err();
    assert!(matches!(error, Error::FixedSetting { .. }) && error.is_usage(), "{error}");
}

#[test]
fn what_was_held_back_is_known_to_the_model() {
    let (data, model) = (avalanches(120), clusters().model(&Context::default()).unwrap());
    let parts = held_back(&*model, &data).unwrap();
    assert_eq!(parts.training.len() + parts.test.len(), 120);
    assert!((10..50).contains(&parts.test.len()), "a fifth");
    let other = held_back(&*model, &avalanches(119)).unwrap_err();
    assert!(matches!(other, Error::NotHeldBack(NotHeldBack::OtherAvalanches)), "{other}");
    let detector = townsend::DetectorModel::new(small()).unwrap();
    let none = held_back(&detector, &data).unwrap_err();
    assert!(matches!(none, Error::NotHeldBack(NotHeldBack::NoAvalanches)), "{none}");
}

#[test]
fn a_check_tells_narrower_avalanches_from_real_ones() {
    let context = Context::default();
    let Dataset::Electrons(real) = avalanches(150) else { panic!("simulated avalanches are electrons") };
    let mut narrower = townsend::ElectronSet::default();
    for electrons in real.iter() {
        let half = |values: &[f32]| values.iter().map(|value| value / 2.0).collect::<Vec<_>>();
        narrower.push(&half(electrons.x), electrons.z, electrons.t);
    }
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    let report = check(&real.into(), &narrower.into(), &options, &context).unwrap().report;
    let w1 = |name: &str| report.observables[name].w1_over_sigma.as_ref().unwrap().value;
    assert!(w1("rms_x") > 1.0 && w1("rms_z") < 0.01, "{} {}", w1("rms_x"), w1("rms_z"));
}

#[test]
fn avalanches_are_inspected_and_read_out() {
    let (data, context) = (avalanches(50), Context::default());
    let inspection = inspect(&data, &context).unwrap();
    assert_eq!(inspection.avalanches, 50);
    assert_eq!(inspection.electrons, (0..50).map(|index| data.electrons(index)).sum::<u64>());
    let (hits, summary) = readout(&data, &detector(None).unwrap(), &context).unwrap();
    assert_eq!((summary.events, summary.hits), (50, hits.len() as u64));
    let counts: Dataset = data.to_counts(&townsend::Grid::standard(3).unwrap()).unwrap().into();
    assert!(matches!(readout(&counts, &detector(None).unwrap(), &context), Err(Error::Unsuited(_))));
}

/// A network with an encoder shows avalanches as it describes them, each with as many electrons.
#[test]
fn a_vae_reconstructs_and_others_do_not() {
    let context = Context::default();
    let (data, vae) = (avalanches(20), trained(VAE, &[]).model(&context).unwrap());
    let again = vae.reconstruct(1, &data).unwrap().unwrap();
    assert!((0..20).all(|index| again.electrons(index) == data.electrons(index)));
    assert!(!vae.history().unwrap().curves.is_empty());
    assert_eq!(clusters().model(&context).unwrap().reconstruct(1, &data).unwrap(), None);
}

#[test]
fn a_configuration_is_refused_with_its_name() {
    let data = avalanches(30).into();
    for (text, says) in [
        ("[model]\n", "family"),
        ("[model]\nfamily = \"vea\"\n", "vea"),
        ("[model", "configuration"),
        ("[model]\nfamily = \"clusters\"\nlevls = 3\n", "levls"),
        ("[model]\nfamily = \"clusters\"\n[data]\ntest = 2.0\n", "test"),
        ("[model]\nfamily = \"vae\"\nlatent = 0\n", "latent"),
    ] {
        let error = train(&Configuration::from_toml(text), &data, &Context::default()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(says), "{text}: {error}");
    }
}
