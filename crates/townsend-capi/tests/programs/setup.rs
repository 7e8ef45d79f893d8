//! What several tests use: the library that was built beside them, compilers, and models to open.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use tempfile::TempDir;
use townsend::{Configuration, Context, Detector, RunFiles, Setting};

#[path = "../../../../xtask/src/layout.rs"]
mod layout;

/// A file of this crate.
pub(crate) fn of_crate(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The shared library as Cargo built it, which lies beside this test.
fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a name");
    let library = test.with_file_name("libtownsend_capi.so");
    assert!(library.exists(), "{}: not built", library.display());
    library
}

/// The library and its headers, installed below `prefix`.
pub(crate) fn install(prefix: &Path) {
    let package = of_crate("");
    layout::lay(&package, env!("CARGO_PKG_VERSION"), &built(), None, prefix).expect("it can be installed");
}

/// An installation that the tests of a program share.
pub(crate) static INSTALLED: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    install(folder.path());
    folder
});

/// Runs a command that must succeed; what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let missing = "needs gcc, g++, cmake, pkg-config and valgrind (Debian: apt-get install build-essential cmake pkg-config valgrind)";
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {missing}"));
    let [out, err] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(status.success(), "{command:?}: {status}\n{out}\n{err}");
    out
}

/// Compiles a program, in C or in C++ by its ending, with further options.
pub(crate) fn compile(source: &Path, options: &[&str], program: &Path) {
    let is_c = source.extension().is_some_and(|ending| ending == "c");
    let (compiler, standard) = if is_c { ("gcc", "-std=c11") } else { ("g++", "-std=c++17") };
    let lib = INSTALLED.path().join("lib");
    succeed(
        Command::new(compiler)
            .args([standard, "-g", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"])
            // `opendir` and threads are of POSIX.
            .args(["-D_POSIX_C_SOURCE=200809L", "-pthread"])
            .args(options)
            .arg("-I")
            .arg(INSTALLED.path().join("include"))
            .arg(source)
            .arg("-o")
            .arg(program)
            .arg("-L")
            .arg(&lib)
            .args(["-ltownsend", "-lm"])
            .arg(format!("-Wl,-rpath,{}", lib.display())),
    );
}

/// A detector whose foils depend on their voltage, in a range with room on both sides of what it has.
pub(crate) fn detector_with_conditions(folder: &Path) -> PathBuf {
    let path = folder.join("detector.toml");
    let text = Detector::shipped("microscopic_275").expect("a detector that ships");
    std::fs::write(&path, text.replace("range = [275.0, 300.0]", "range = [260.0, 290.0]"))
        .expect("it can be written");
    path
}

/// A network small enough to be trained in a moment, as a model in a single file.
pub(crate) fn network(folder: &Path) -> PathBuf {
    let config = Configuration::from_toml(crate::common::VAE);
    let context = Context::default();
    let detector = townsend::detector(Some("microscopic_275".as_ref())).expect("a detector that ships");
    let real = townsend::simulate(&detector, 1, 0..60, &Setting::default()).expect("it can be simulated");
    let trained = townsend::train(&config, &real.into(), &context).expect("it can be trained");
    let run = folder.join("run");
    let RunFiles::Memory(files) = trained.run else { panic!("a training in memory stays there") };
    RunFiles::Folder(run.clone()).write(files.into_iter().collect()).expect("it can be written");
    let path = folder.join("vae.townsend");
    townsend::files::export(&run, &path, &context).expect("it can be exported");
    path
}
