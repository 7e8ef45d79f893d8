//! Training and the run directory, with networks of a few thousand weights on 10 cells along each axis.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rand_distr::{Distribution, Normal};
use tempfile::TempDir;
use townsend_core::{
    Axis, Dataset, ElectronSet, Grid, Part, Progress, Purpose, RunError, RunFiles, RunHeader, Silent,
    StoredSetWriter, Task, stream,
};
use townsend_train::{Avalanches, Beginning, Run, TrainConfig, TrainError, TrainSummary, train};

const CONFIG: &str = r#"
    [model]
    family = "vae"
    channels = [4, 8]
    kernels = [4, 4]
    strides = [2, 1]
    hidden = 16
    latent = 2
    [data]
    grid = { axes = [{ bins = 8, low = -1.0, high = 1.0 }, { bins = 8, low = -1.0, high = 1.0 }] }
    [training]
    epochs = 6
    batch_size = 8
    learning_rate = 0.005
    augment_flips = true
"#;

/// How a training begins, and whether it may replace an older run.
#[derive(Clone, Copy, Default)]
struct TrainOptions {
    resume: bool,
    force: bool,
}

const RESUME: TrainOptions = TrainOptions { resume: true, force: false };

/// Avalanches around points that differ; one in eight is empty.
fn avalanches(n: u64) -> Dataset {
    let mut set = ElectronSet::default();
    for index in 0..n {
        let mut random = stream(1, Purpose::new("test avalanches"), index);
        let middle = Normal::new(0.0f32, 0.3).unwrap();
        let (x, z) = (middle.sample(&mut random), middle.sample(&mut random));
        let spread = Normal::new(0.0f32, 0.2).unwrap();
        let electrons = if index % 8 == 0 { 0 } else { 40 };
        let mut around =
            |center: f32| (0..electrons).map(|_| center + spread.sample(&mut random)).collect::<Vec<_>>();
        let (x, z) = (around(x), around(z));
        set.push(&x, &z, &vec![170.0; x.len()]);
    }
    set.into()
}

fn config(overrides: &[&str]) -> TrainConfig {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    TrainConfig::parse(CONFIG, Path::new("test.toml"), &overrides).unwrap()
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    (folder, path)
}

fn run(
    overrides: &[&str],
    data: &Dataset,
    path: &Path,
    options: TrainOptions,
) -> Result<TrainSummary, TrainError> {
    train_in(&config(overrides), data, path, options, &Silent, &AtomicBool::new(false))
}

/// Trains in a folder, as a user's program does.
fn train_in(
    config: &TrainConfig,
    data: &Dataset,
    path: &Path,
    options: TrainOptions,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<TrainSummary, TrainError> {
    if !options.resume {
        RunFiles::refuse_occupied(path, options.force)?;
    }
    let beginning = if options.resume { Beginning::Resume } else { Beginning::New };
    train(config, data, None, &mut RunFiles::Folder(path.into()), beginning, progress, stop)
}

fn open(path: &Path) -> Result<Run, TrainError> {
    Run::open(RunFiles::Folder(path.into()))
}

/// Asks for a stop after some steps, as a signal would.
struct StopAfter {
    steps: AtomicU64,
    flag: AtomicBool,
}

struct Counting<'a>(&'a StopAfter);

impl Progress for StopAfter {
    fn task(&self, _name: &str, _total: u64) -> Box<dyn Task + '_> {
        Box::new(Counting(self))
    }
}

impl Task for Counting<'_> {
    fn advance(&self, steps: u64) {
        // Progress that an earlier call has made is reported at once and does not count.
        if steps == 1 && self.0.steps.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.flag.store(true, Ordering::Relaxed);
        }
    }
}

fn stopped_after(steps: u64, data: &Dataset, path: &Path, options: TrainOptions) -> TrainSummary {
    stopped(&config(&[]), steps, data, path, options)
}

fn stopped(
    config: &TrainConfig,
    steps: u64,
    data: &Dataset,
    path: &Path,
    options: TrainOptions,
) -> TrainSummary {
    let stop = StopAfter { steps: steps.into(), flag: false.into() };
    train_in(config, data, path, options, &stop, &stop.flag).unwrap()
}

fn bytes(run: &Path) -> [Vec<u8>; 2] {
    [Run::LAST, Run::BEST].map(|name| std::fs::read(run.join(name)).unwrap())
}

#[test]
fn a_stopped_and_resumed_training_ends_with_the_same_bytes() {
    let data = avalanches(120);
    let (_a, unbroken) = folder();
    let whole = run(&[], &data, &unbroken, TrainOptions::default()).unwrap();
    let steps = whole.steps / 6;
    assert!(!whole.stopped && whole.epochs == 6 && steps >= 7, "{whole:?}");

    let (_b, broken) = folder();
    // In the middle of an epoch, right after one, and once more in the middle.
    let first = stopped_after(2 * steps + 3, &data, &broken, TrainOptions::default());
    assert!(first.stopped && first.epochs == 2 && first.steps == 2 * steps + 3, "{first:?}");
    let second = stopped_after(steps - 3, &data, &broken, RESUME);
    assert_eq!((second.steps, second.epochs), (3 * steps, 3));
    stopped_after(1, &data, &broken, RESUME);
    let last = run(&[], &data, &broken, RESUME).unwrap();
    assert!(!last.stopped);
    assert_eq!(bytes(&broken), bytes(&unbroken));
    assert_eq!(last.best, whole.best);

    let metrics = |path: &Path| {
        let epochs = open(path).unwrap().epochs().unwrap();
        epochs.into_iter().map(|e| (e.epoch, e.step, e.training, e.validation)).collect::<Vec<_>>()
    };
    assert_eq!(metrics(&broken), metrics(&unbroken));
    // Nothing is left to do.
    assert_eq!(run(&[], &data, &broken, RESUME).unwrap().steps, whole.steps);
    assert_eq!(bytes(&broken), bytes(&unbroken));
}

/// Two players, a running mean of weights, dropout, spectral norms, and a VAE with a critic.
#[test]
fn trainings_of_two_players_resume_as_well() {
    const LAYERS: &str = "linear = [4], channels = [2, 3], kernels = [4, 2], strides = [2, 1]";
    const GENERATOR: &str =
        "generator = { linear = [4, 18], channels = [2, 1], kernels = [2, 4], strides = [1, 2] }";
    let (critic, without_linear) = (
        format!("critic = {{ {LAYERS} }}"),
        format!("critic = {{ {} }}", LAYERS.replace("[4], ch", "[], ch")),
    );
    let families = [
        format!(
            "family = \"gan\"\n{GENERATOR}\n{critic}\nspectral_norm = true\nminibatch_discrimination = true"
        ),
        "family = \"gan\"\ndims = 1\nhidden = 5\ndropout = 0.2\ncritic_steps = 2".to_owned(),
        format!("family = \"infogan\"\ndims = 2\n{GENERATOR}\n{without_linear}"),
        format!(
            "family = \"vae\"\nchannels = [4, 8]\nkernels = [4, 4]\nstrides = [2, 1]\nhidden = 8\nlatent = 2\n\
             adversary = {{ every = 2, layers = {{ {LAYERS} }} }}"
        ),
    ];
    let data = avalanches(120);
    for model in families {
        let axis = "{ bins = 8, low = -1.0, high = 1.0 }";
        let dims = if model.contains("dims = 1") { 1 } else { 2 };
        let axes = vec![axis; dims].join(", ");
        let text = format!(
            "[model]\n{model}\n[data]\ngrid = {{ axes = [{axes}] }}\n\
             [training]\nepochs = 2\nbatch_size = 8\naverage = 0.9"
        );
        let config = TrainConfig::parse(&text, Path::new("test.toml"), &[]).unwrap();
        let whole = |path: &Path, options| {
            train_in(&config, &data, path, options, &Silent, &AtomicBool::new(false)).unwrap()
        };
        let ((_a, unbroken), (_b, broken)) = (folder(), folder());
        let steps = whole(&unbroken, TrainOptions::default()).steps;
        assert!(stopped(&config, steps / 2 + 2, &data, &broken, TrainOptions::default()).stopped);
        whole(&broken, RESUME);
        assert_eq!(bytes(&broken), bytes(&unbroken), "{model}");
        assert_eq!(open(&broken).unwrap().generator().unwrap().generate(1, 0..9).len(), 9);
    }
}

/// All files of a training, with those that tell the time left out.
fn all_files(files: &RunFiles) -> Vec<(&'static str, Vec<u8>)> {
    let names = [Run::CONFIG, RunHeader::FILE, Run::LAST, Run::BEST];
    names.map(|name| (name, files.read(name).unwrap())).into()
}

#[test]
fn in_memory_it_leaves_the_same_bytes_as_in_a_folder() {
    let data = avalanches(120);
    let (_folder, path) = folder();
    let mut memory = RunFiles::memory();
    let of = |files: &mut RunFiles, beginning, overrides: &[&str]| {
        train(&config(overrides), &data, None, files, beginning, &Silent, &AtomicBool::new(false))
    };
    for files in [&mut RunFiles::Folder(path.clone()), &mut memory] {
        of(files, Beginning::New, &["training.epochs=1"]).unwrap();
        let stop = StopAfter { steps: 12.into(), flag: false.into() };
        // A new training takes the place of the first, is stopped, and goes on.
        let stopped = train(&config(&[]), &data, None, files, Beginning::New, &stop, &stop.flag).unwrap();
        assert!(stopped.stopped);
        of(files, Beginning::Resume, &[]).unwrap();
        let message = of(files, Beginning::Resume, &["training.epochs=2"]).unwrap_err().to_string();
        assert!(message.contains("`epochs = 6` became `epochs = 2`"), "{message}");
    }
    assert_eq!(all_files(&RunFiles::Folder(path.clone())), all_files(&memory));
    let [in_folder, in_memory] = [RunFiles::Folder(path), memory].map(|files| Run::open(files).unwrap());
    assert_eq!(in_folder.epochs().unwrap().len(), in_memory.epochs().unwrap().len());
    assert_eq!(in_folder.header().family, "vae");
    assert_eq!(in_folder.header(), in_memory.header());
    let generate = |run: &Run| run.generator().unwrap().generate(1, 0..20);
    assert_eq!(generate(&in_folder), generate(&in_memory));
}

/// The bytes of a run do not depend on where the avalanches are, whether these are electrons or counts.
#[test]
fn avalanches_on_disk_give_the_same_bytes_as_in_memory() {
    let electrons = avalanches(120);
    let grid = config(&[]).data.grid.unwrap();
    let counts = Dataset::from(electrons.to_counts(&grid).unwrap());
    let gan = |dims: usize| {
        let axes = vec!["{ bins = 8, low = -1.0, high = 1.0 }"; dims.max(1)].join(", ");
        let text = format!(
            "[model]\nfamily = \"gan\"\ndims = {dims}\nhidden = 5\n[data]\ngrid = {{ axes = [{axes}] }}\n\
             [training]\nepochs = 2\nbatch_size = 8"
        );
        TrainConfig::parse(&text, Path::new("test.toml"), &[]).unwrap()
    };
    for (config, data) in [
        (config(&[]), &electrons),
        (config(&[]), &counts),
        (gan(1), &electrons),
        (gan(1), &counts),
        (gan(0), &counts),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = StoredSetWriter::new(folder.path(), data).unwrap();
        writer.append(data).unwrap();
        let stored = writer.finish().unwrap();
        let run = |data: Avalanches<'_>| {
            let mut files = RunFiles::memory();
            train(&config, data, None, &mut files, Beginning::New, &Silent, &AtomicBool::new(false)).unwrap();
            all_files(&files)
        };
        assert!(run((&stored).into()) == run(data.into()), "{config:?}");
    }
}

#[test]
fn a_killed_training_goes_on_from_its_last_checkpoint() {
    let data = avalanches(120);
    let (_a, unbroken) = folder();
    run(&[], &data, &unbroken, TrainOptions::default()).unwrap();
    let (_b, killed) = folder();
    stopped_after(12, &data, &killed, TrainOptions::default());
    let checkpoint = std::fs::read(killed.join("checkpoints/last.safetensors")).unwrap();
    run(&[], &data, &killed, RESUME).unwrap();
    // As if it had been killed after more steps were written to the metrics, half of a line last.
    std::fs::write(killed.join("checkpoints/last.safetensors"), checkpoint).unwrap();
    let metrics = std::fs::read_to_string(killed.join("metrics.jsonl")).unwrap();
    std::fs::write(killed.join("metrics.jsonl"), &metrics[..metrics.len() - 20]).unwrap();
    run(&[], &data, &killed, RESUME).unwrap();
    assert_eq!(bytes(&killed), bytes(&unbroken));
    let lines = |path: &Path| std::fs::read_to_string(path.join("metrics.jsonl")).unwrap().lines().count();
    assert_eq!(lines(&killed), lines(&unbroken));
}

#[test]
fn threads_make_no_difference() {
    let data = avalanches(60);
    let [one, three] = [1, 3].map(|threads| {
        let (_folder, path) = folder();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&["training.epochs=2"], &data, &path, TrainOptions::default()).unwrap());
        bytes(&path)
    });
    assert_eq!(one, three);
}

#[test]
fn training_learns_and_the_generator_draws_from_what_it_learned() {
    let data = avalanches(400);
    let (_folder, path) = folder();
    let summary = run(&["training.epochs=30"], &data, &path, TrainOptions::default()).unwrap();
    let opened = open(&path).unwrap();
    let epochs = opened.epochs().unwrap();
    assert_eq!(epochs.len(), 30);
    let part = |epoch: usize, name: &str| epochs[epoch].training[name].one().unwrap();
    assert!(part(29, "loss") < part(0, "loss"), "{epochs:?}");
    assert!(summary.best.unwrap().0 < epochs[0].distance.unwrap());
    assert!(part(29, "kl") > 1.0, "avalanches differ in place, which takes more than a nat to say");

    let real = data.to_counts(&opened.summary().grid).unwrap();
    let generated = opened.generator().unwrap().generate(5, 0..1000);
    // The mean of x of an avalanche: its spread over avalanches is what a collapsed decoder would lack.
    let spread = |set: &townsend_core::CountSet| {
        let means: Vec<f64> = set
            .iter()
            .filter(|avalanche| avalanche.electrons() > 0)
            .map(|avalanche| {
                let terms = avalanche.occupied();
                let sum: f64 = terms.map(|(cell, n)| set.grid().center(cell)[0] * f64::from(n)).sum();
                sum / avalanche.electrons() as f64
            })
            .collect();
        let mean = means.iter().sum::<f64>() / means.len() as f64;
        (means.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / means.len() as f64).sqrt()
    };
    let ratio = spread(&generated) / spread(&real);
    assert!((0.6..1.4).contains(&ratio), "{ratio}");
}

#[test]
fn a_run_directory_says_all_about_its_training() {
    let data = avalanches(60);
    let (_folder, path) = folder();
    run(&["training.epochs=1"], &data, &path, TrainOptions::default()).unwrap();
    let opened = open(&path).unwrap();
    let text = std::fs::read_to_string(path.join("config.toml")).unwrap();
    for key in [
        "beta1 = 0.9",
        "epochs = 1",
        "knots = 64",
        "validation = 0.1",
        "likelihood = \"multinomial\"",
        "bins = 8",
    ] {
        assert!(text.contains(key), "{key} is missing in\n{text}");
    }
    assert_eq!(opened.data().digest, data.digest());
    assert_eq!(opened.summary().parts.iter().sum::<usize>(), 60);
    let parts = [Part::Training, Part::Validation, Part::Test].map(|part| opened.indices(&data, part).len());
    assert_eq!(opened.summary().parts, parts);
    let metrics = std::fs::read_to_string(path.join(Run::METRICS)).unwrap();
    let keys = ["loss", "reconstruction", "kl", "beta", "kl_per_dimension", "validation", "distance"];
    for key in keys.into_iter().chain(["events_per_second"]) {
        assert!(metrics.contains(&format!("\"{key}\":")), "{key}");
    }
}

#[test]
fn without_validation_the_last_weights_are_used() {
    let data = avalanches(60);
    let (_folder, path) = folder();
    let summary =
        run(&["data.validation=0", "training.epochs=2"], &data, &path, TrainOptions::default()).unwrap();
    assert_eq!(summary.best, None);
    assert_eq!(summary.last.unwrap().validation, None);
    assert_eq!(open(&path).unwrap().generator().unwrap().generate(1, 0..3).len(), 3);
}

#[test]
fn another_configuration_or_other_data_cannot_resume() {
    let data = avalanches(60);
    let (_folder, path) = folder();
    run(&["training.epochs=1"], &data, &path, TrainOptions::default()).unwrap();
    let before = bytes(&path);
    let rate = &["training.epochs=1", "training.learning_rate=0.5"];
    let message = run(rate, &data, &path, RESUME).unwrap_err().to_string();
    assert!(message.contains("became `learning_rate = 0.5`"), "{message}");
    let message = run(&["training.epochs=1"], &avalanches(61), &path, RESUME).unwrap_err().to_string();
    assert!(message.contains("(61 avalanches) are not those it began with (60 avalanches)"), "{message}");
    assert_eq!(bytes(&path), before);
}

#[test]
fn nothing_is_overwritten_unasked() {
    let data = avalanches(60);
    let (_folder, path) = folder();
    let epochs = &["training.epochs=1"];
    run(epochs, &data, &path, TrainOptions::default()).unwrap();
    let before = bytes(&path);
    assert!(matches!(
        run(epochs, &data, &path, TrainOptions::default()),
        Err(TrainError::Run(RunError::Exists(_)))
    ));
    assert_eq!(bytes(&path), before);
    let force = TrainOptions { force: true, resume: false };
    run(&["training.epochs=1", "training.seed=2"], &data, &path, force).unwrap();
    assert_ne!(bytes(&path), before);

    let (_other, other) = folder();
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.tex"), "years of work").unwrap();
    assert!(matches!(run(epochs, &data, &other, force), Err(TrainError::Run(RunError::Occupied(_)))));
    assert!(other.join("thesis.tex").exists());
    assert!(matches!(open(&other), Err(TrainError::Run(RunError::NotARun { .. }))));
    assert!(matches!(run(epochs, &data, &other, RESUME), Err(TrainError::Run(RunError::NotARun { .. }))));
}

#[test]
fn a_run_of_another_version_is_refused() {
    let data = avalanches(60);
    let (_folder, path) = folder();
    run(&["training.epochs=1"], &data, &path, TrainOptions::default()).unwrap();
    let file = path.join(RunHeader::FILE);
    let text = std::fs::read_to_string(&file).unwrap().replace("\"version\": 3", "\"version\": 99");
    std::fs::write(&file, text).unwrap();
    let message = open(&path).unwrap_err().to_string();
    assert!(message.contains("a run of version 99; this program reads version 3"), "{message}");
    std::fs::write(&file, "{").unwrap();
    assert!(matches!(open(&path), Err(TrainError::Run(RunError::Damaged { .. }))));
}

#[test]
fn a_loss_that_is_not_a_number_at_small_steps_either_stops_the_training() {
    let data = avalanches(60);
    let (_folder, path) = folder();
    let error = run(&["training.learning_rate=1e30"], &data, &path, TrainOptions::default()).unwrap_err();
    let TrainError::Diverged { step, rollbacks, .. } = error else { panic!("{error}") };
    assert!(step > 1);
    assert_eq!(rollbacks, 3);
    assert!(error.to_string().contains(&format!("at step {step} ")));
    let metrics = std::fs::read_to_string(path.join("metrics.jsonl")).unwrap();
    for factor in ["0.5", "0.25", "0.125"] {
        assert!(metrics.contains(&format!("\"factor\":{factor}")), "{metrics}");
    }
    let notes = open(&path).unwrap().notes().unwrap();
    assert_eq!(notes.len(), 3);
    assert!(notes[0].contains("so it went back to step 0, and on with 0.5 of the step size"), "{notes:?}");
}

#[test]
fn data_without_electrons_are_an_error() {
    let mut set = ElectronSet::default();
    (0..50).for_each(|_| set.push(&[], &[], &[]));
    let (_folder, path) = folder();
    assert!(matches!(run(&[], &set.into(), &path, TrainOptions::default()), Err(TrainError::TooFew { .. })));
    assert!(matches!(
        run(&[], &ElectronSet::default().into(), &path, TrainOptions::default()),
        Err(TrainError::TooFew { .. })
    ));
    assert!(!path.exists());
}

#[test]
fn wrong_configurations_are_named() {
    let data = avalanches(10);
    let (_folder, path) = folder();
    let error = |entry: &str| run(&[entry], &data, &path, TrainOptions::default()).unwrap_err().to_string();
    assert!(
        error("training.epochs=0").starts_with("training.epochs = 0 is not possible: must be at least 1")
    );
    assert!(error("training.batch_size=1").starts_with("training.batch_size = 1"));
    assert!(error("training.learning_rate=-1.0").starts_with("training.learning_rate = -1.0"));
    assert!(error("training.beta2=1.0").starts_with("training.beta2 = 1.0"));
    assert!(error("size.knots=1").starts_with("size.knots = 1"));
    assert!(error("data.test=0.95").contains("validation and test fractions are 0.1 and 0.95"));
    assert!(
        error("training.device=abacus").contains("device `abacus` is not part of this build; it has: cpu")
    );
    assert!(error("model.dims=3").starts_with("model.dims = 3"));
    let parse = |text: &str| TrainConfig::parse(text, Path::new("my.toml"), &[]).unwrap_err().to_string();
    let message = parse("[model]\nfamily = \"vae\"\n[training]\nepoch = 3");
    assert!(message.starts_with("my.toml: ") && message.contains("unknown field `epoch`"), "{message}");
    assert!(parse("[training]").contains("missing field `model`"));
    let wrong = TrainConfig::parse(CONFIG, Path::new("my.toml"), &["epochs".into()]).unwrap_err();
    assert!(wrong.to_string().contains("key=value"));
}

#[test]
fn counts_train_on_their_own_grid() {
    let data = avalanches(60);
    let axis = Axis::uniform(8, -1.0, 1.0).unwrap();
    let grid = Grid::new(vec![axis.clone(), axis]).unwrap();
    let counts = Dataset::from(data.to_counts(&grid).unwrap());
    let mut config = config(&["training.epochs=1"]);
    config.data.grid = None;
    let (_folder, path) = folder();
    train_in(&config, &counts, &path, TrainOptions::default(), &Silent, &AtomicBool::new(false)).unwrap();
    assert_eq!(open(&path).unwrap().summary().grid, grid);
}
