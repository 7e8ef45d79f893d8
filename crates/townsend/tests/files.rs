//! What works in memory and is then written is what the functions of files write.

use std::io::ErrorKind;
use std::path::Path;

use townsend::files::{self, Input, SampleOptions, Written};
use townsend::{
    Configuration, Context, Families, Model, RunFiles, Sample, Setting, observables, sample, train_into,
};

const SMALL: [&str; 2] = ["training.sweeps=10", "training.electrons=4000"];

fn bytes(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn samples_models_and_runs_are_the_same_from_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let context = Context { seed: 5, ..Context::default() };
    let detector = Path::new("cgem");
    let options = SampleOptions { events: 60, ..SampleOptions::default() };
    files::generate(detector, &path("file.npz"), &options, &context).unwrap();
    let model = <dyn Model>::open(detector).unwrap();
    let drawn = sample(&*model, "generate", &Sample::of(0..60, Setting::default()), &context).unwrap();
    files::write(&drawn, &path("memory.npz"), &Written::default(), &context).unwrap();
    assert_eq!(bytes(path("memory.npz")), bytes(path("file.npz")));
    assert_eq!(Input::from(path("file.npz")).read(&context).unwrap().data, drawn);

    // A part that is not the first says where it begins, and is no part of a whole that is known.
    let rest = sample(&*model, "generate", &Sample::of(40..60, Setting::default()), &context).unwrap();
    let provenance = &rest.meta().provenance;
    assert_eq!((provenance.first, provenance.events, provenance.shard), (Some(40), None, None));
    let last: Vec<usize> = (40..60).collect();
    assert_eq!(rest.digest(), drawn.select(&last).digest());
    assert_eq!(drawn.select(&last).meta().provenance.first, None);

    let config = Configuration::shipped("clusters").unwrap();
    let config = SMALL.iter().fold(config, |config, &set| config.set(set));
    let run = RunFiles::Folder(path("memory"));
    let trained = train_into(&config, &drawn.clone().into(), run, false, &context).unwrap();
    let set = SMALL.map(String::from);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/clusters.toml");
    files::train(&shipped, path("file.npz"), &path("run"), &set, &context).unwrap();
    assert_eq!(bytes(path("memory/model.toml")), bytes(path("run/model.toml")));

    let model = trained.model(&context).unwrap();
    files::write_model(&*model, &path("memory.townsend"), &context).unwrap();
    files::export(&path("memory"), &path("file.townsend"), &context).unwrap();
    assert_eq!(bytes(path("memory.townsend")), bytes(path("file.townsend")));
    let again = Families::shipped().open_bytes(model.to_bytes().unwrap()).unwrap();
    let ten = |model: &dyn Model| model.generate(1, 0..10, &Setting::default()).unwrap();
    assert_eq!(ten(&*again), ten(&*model));
    assert!(
        Families::shipped().open_bytes(b"PK".to_vec()).unwrap_err().to_string().contains("no single-file")
    );
    assert_eq!(observables(&drawn, &context).unwrap().avalanches, 60);
}

#[test]
fn what_the_system_said_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let context = Context::default();
    let few = sample(
        &*<dyn Model>::open("cgem".as_ref()).unwrap(),
        "simulate",
        &Sample::of(0..2, Setting::default()),
        &context,
    )
    .unwrap();
    let write = |name: &str| files::write(&few, &path(name), &Written::default(), &context);
    write("a.npz").unwrap();
    assert_eq!(write("a.npz").unwrap_err().system(), Some(ErrorKind::AlreadyExists));
    assert_eq!(write("no/a.npz").unwrap_err().system(), Some(ErrorKind::NotFound));
    std::fs::create_dir(path("folder.npz")).unwrap();
    assert_eq!(write("folder.npz").unwrap_err().system(), Some(ErrorKind::IsADirectory));
    assert_eq!(write("a.xyz").unwrap_err().system(), None);
    let missing = Input::from(path("none.root")).read(&context).unwrap_err();
    assert_eq!(missing.system(), Some(ErrorKind::NotFound));
    let error = <dyn Model>::open(&path("nowhere")).unwrap_err();
    assert_eq!(error.system(), Some(ErrorKind::NotFound));
    let error = <dyn Model>::open(folder.path()).unwrap_err();
    assert_eq!(error.system(), None, "{error}");
    let config = Configuration::shipped("clusters").unwrap();
    let run = RunFiles::Folder(folder.path().into());
    let error = train_into(&config, &few.into(), run, false, &context).unwrap_err();
    assert_eq!(error.system(), Some(ErrorKind::AlreadyExists));
    assert!(Configuration::shipped("none").is_none() && Configuration::names().any(|name| name == "vae-2d"));
}
