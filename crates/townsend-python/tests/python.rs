//! The Python module, from Python: the module that was built with this test is put into a folder with its
//! package, and the tests in `tests/python`, the stubs, the pages and the notebook are run there.

use std::path::{Path, PathBuf};
use std::process::Command;

use townsend::files::{self, CheckOptions, Input, ReadoutOptions, SampleOptions, Written};
use townsend::{Condition, Context, Setting};

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The Python of the test environment `target/NAME`, or the one that a variable names.
fn python(name: &str, variable: &str) -> PathBuf {
    let made = Path::new(CRATE).join("../../target").join(name).join("bin/python");
    let python = std::env::var_os(variable).map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs a Python test environment: run `cargo xtask test` once, which makes it under target/{name}, \
         or set {variable}"
    );
    python
}

/// The module, which cargo leaves beside the tests of its package.
fn module() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a name");
    let folder = test.parent().expect("it lies in a folder");
    let name = format!("{}_townsend{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let built = [folder.join(&name), folder.with_file_name(&name)].into_iter().filter(|path| path.exists());
    let newest = built.max_by_key(|path| path.metadata().and_then(|about| about.modified()).ok());
    newest.unwrap_or_else(|| panic!("{name} is not in {} nor above it", folder.display()))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in from.read_dir().expect("a folder") {
        let entry = entry.expect("an entry").path();
        if entry.is_file() {
            std::fs::copy(&entry, to.join(entry.file_name().expect("a name"))).expect("a copy");
        }
    }
}

/// A folder with the package in `site` and an empty `work` to work in.
fn installed() -> tempfile::TempDir {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let site = folder.path().join("site/townsend");
    copy(&Path::new(CRATE).join("python/townsend"), &site);
    let built = module();
    // A link is as good as a copy of some hundred megabytes, where there can be one.
    let there = site.join("_townsend.abi3.so");
    if std::fs::hard_link(&built, &there).is_err() {
        std::fs::copy(&built, &there).expect("a copy of the module");
    }
    std::fs::create_dir(folder.path().join("work")).expect("a folder");
    folder
}

/// Runs Python in the folder's `work`; `expected` is where files of the facade are.
fn run(folder: &Path, arguments: &[&str]) {
    run_by(&python("python", "TOWNSEND_PYTHON"), folder, arguments);
}

fn run_by(python: &Path, folder: &Path, arguments: &[&str]) {
    let output = Command::new(python)
        .args(arguments)
        .current_dir(folder.join("work"))
        .env("PYTHONPATH", folder.join("site"))
        .env("TOWNSEND_REPOSITORY", Path::new(CRATE).join("../.."))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python starts");
    assert!(
        output.status.success(),
        "python {}\n{}\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn tests(name: &str) -> String {
    format!("{CRATE}/tests/python/{name}")
}

/// Runs tests of pytest.
fn pytest(folder: &Path, arguments: &[&str]) {
    let usual = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=8"];
    run(folder, &[&usual, arguments].concat());
}

/// What the facade, and so the command line, writes for the same seeds.
fn expected(folder: &Path) {
    let context = Context { seed: 5, ..Context::default() };
    let path = |name: &str| folder.join(name);
    let voltage = Condition { name: "voltage_v".into(), values: vec![280.0, 290.0, 275.0] };
    let setting = Setting { conditions: vec![voltage], ..Setting::default() };
    let sample = SampleOptions { events: 60, setting, ..SampleOptions::default() };
    let config = Path::new(CRATE).join("../../configs/cascade-voltages.toml");
    let responses = Path::new(CRATE).join("../../data/single_foils.npz");
    files::train(&config, &responses, &path("voltages"), &[], &context).expect("a run");
    for name in ["generated.npz", "generated.root"] {
        files::generate(&path("voltages"), &path(name), &sample, &context).expect("avalanches");
    }
    let plain = SampleOptions { events: 60, ..SampleOptions::default() };
    files::simulate(Some(Path::new("cgem")), &path("simulated.npz"), &plain, &context).expect("avalanches");
    let counted = SampleOptions { written: Written { dims: vec![2], ..Written::default() }, ..plain };
    files::simulate(None, &path("counted.root"), &counted, &context).expect("histograms");
    let hits = ReadoutOptions::default();
    files::readout(path("simulated.npz"), &path("hits.npz"), &hits, &context).expect("hits");
    let set = ["training.sweeps=10", "training.electrons=4000"].map(String::from);
    let config = Path::new(CRATE).join("../../configs/clusters.toml");
    let data = Input::from(path("simulated.npz"));
    files::train(&config, data, &path("run"), &set, &context).expect("a run");
    let options = CheckOptions { without_classifiers: true, ..CheckOptions::default() };
    let (real, generated) = (path("simulated.npz"), path("generated.npz"));
    files::check(real, generated, &path("report"), &options, &context).expect("a report");
}

#[test]
fn the_module_is_the_facade() {
    let folder = installed();
    expected(&folder.path().join("work"));
    pytest(folder.path(), &[&tests("test_facade.py"), &tests("test_errors.py")]);
}

#[test]
fn arrays_are_those_of_numpy() {
    pytest(installed().path(), &[&tests("test_arrays.py")]);
}

#[test]
fn work_can_be_stopped_forked_and_threaded() {
    pytest(installed().path(), &[&tests("test_processes.py")]);
}

#[test]
fn stubs_are_true_and_examples_work() {
    let folder = installed();
    run(folder.path(), &["-m", "mypy.stubtest", "townsend", "--ignore-disjoint-bases"]);
    pytest(folder.path(), &[&tests("test_examples.py")]);
}

#[test]
fn the_tutorial_runs() {
    let notebook = format!("{CRATE}/../../docs/tutorial.ipynb");
    pytest(installed().path(), &["--nbmake", &notebook]);
}

#[test]
fn geant4_drives_the_module() {
    let test = format!("{CRATE}/../../contrib/geant4/tests/test_iron55.py");
    pytest(installed().path(), &[&test]);
}

#[test]
fn workers_of_dask_draw_the_same_avalanches() {
    let python = python("farm", "TOWNSEND_FARM_PYTHON");
    let tests = format!("{CRATE}/../../contrib/dask/tests");
    run_by(&python, installed().path(), &["-m", "pytest", "-q", "-p", "no:cacheprovider", &tests]);
}
