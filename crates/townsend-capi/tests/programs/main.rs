//! Real programs in C and C++ that use the library, as it is and under tools that watch them.

#[path = "../../../townsend/tests/common/mod.rs"]
mod common;
mod installed;
mod page;
mod setup;
mod watched;

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use setup::{compile, detector_with_conditions, network, of_crate, succeed};
use tempfile::TempDir;
use townsend::{Drawn, Model, Setting, StripReadout, StripWorkspace, Workspace};

/// What programs open.
struct Models {
    /// A detector whose foils depend on their voltage.
    detector: PathBuf,
    /// A network.
    network: PathBuf,
    folder: TempDir,
}

static MODELS: LazyLock<Models> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    let (detector, network) = (detector_with_conditions(folder.path()), network(folder.path()));
    Models { detector, network, folder }
});

/// Compiles a program of the tests; the folder that it is in is removed when it is dropped.
fn program(name: &str, options: &[&str]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let program = folder.path().join("program");
    compile(&of_crate("tests/programs").join(name), options, &program);
    (folder, program)
}

#[test]
fn every_function_does_what_the_header_says() {
    let (_folder, program) = program("functions.c", &[]);
    succeed(Command::new(program).args([&MODELS.detector, &MODELS.network]));
}

#[test]
fn the_wrapper_does_the_same_and_throws() {
    let (_folder, program) = program("wrapper.cpp", &[]);
    succeed(Command::new(program).args([&MODELS.detector, &MODELS.network]));
}

#[test]
fn wrong_use_is_an_error() {
    let (_folder, program) = program("wrong.c", &[]);
    succeed(Command::new(program).args([&MODELS.detector, &MODELS.network]).args(damaged()));
}

/// Damaged models: cut, and with a byte changed, over the whole of the file; and runs that lack a file.
fn damaged() -> Vec<PathBuf> {
    static DAMAGED: LazyLock<Vec<PathBuf>> = LazyLock::new(|| {
        let bytes = std::fs::read(&MODELS.network).expect("it was made");
        let folder = MODELS.folder.path();
        let mut paths = Vec::new();
        for k in 0..60 {
            let at = k * bytes.len() / 60;
            let mut changed = bytes.clone();
            changed[at] ^= 0x5a;
            for (kind, bytes) in [("cut", &bytes[..at]), ("changed", &changed[..])] {
                let path = folder.join(format!("{kind}-{k}.townsend"));
                std::fs::write(&path, bytes).expect("it can be written");
                paths.push(path);
            }
        }
        for (name, text) in
            [("empty.toml", ""), ("half.toml", "name = 'half'\n[gas"), ("odd.safetensors", "{}")]
        {
            std::fs::write(folder.join(name), text).expect("it can be written");
            paths.push(folder.join(name));
        }
        let run = folder.join("no-weights");
        std::fs::create_dir(&run).expect("it can be made");
        std::fs::copy(folder.join("run/run.json"), run.join("run.json")).expect("it can be copied");
        paths.push(run);
        paths
    });
    DAMAGED.clone()
}

/// The bytes that `threads.cpp` writes, from the facade.
fn bytes_of(model: &dyn Model, avalanches: u64) -> Vec<u8> {
    let detector = townsend::detector(Some("cgem".as_ref())).expect("a detector that ships");
    let strips = StripReadout::new(&detector).expect("it has strips");
    let (setting, mut workspace) = (Setting::default(), Workspace::default());
    let (mut memory, mut hits) = (StripWorkspace::default(), Vec::new());
    let mut bytes = Vec::new();
    for index in 0..avalanches {
        match model.avalanche(3, index, &setting, &mut workspace).expect("it can be drawn") {
            Drawn::Electrons(electrons) => {
                let columns = [electrons.x, electrons.z, electrons.t].concat();
                bytes.extend(columns.iter().flat_map(|value| value.to_ne_bytes()));
                hits.clear();
                strips.read(3, index, electrons, &mut memory, &mut hits);
                for hit in &hits {
                    bytes.extend(hit.strip.to_ne_bytes());
                    bytes.extend([hit.charge_fc, hit.time_ns].iter().flat_map(|value| value.to_ne_bytes()));
                }
            }
            Drawn::Counts(counts) => {
                let columns = [counts.cells, counts.counts].concat();
                bytes.extend(columns.iter().flat_map(|value| value.to_ne_bytes()));
            }
        }
    }
    bytes
}

#[test]
fn eight_threads_draw_what_the_facade_draws() {
    let (folder, program) = program("threads.cpp", &[]);
    let out = folder.path().join("out");
    for (name, avalanches) in [("cgem", 200), (MODELS.network.to_str().expect("a plain name"), 500)] {
        succeed(Command::new(&program).args([name, &avalanches.to_string()]).arg(&out));
        let model = <dyn Model>::open(name.as_ref()).expect("it opens");
        assert!(std::fs::read(&out).expect("it was written") == bytes_of(&*model, avalanches), "{name}");
    }
}
