//! Synthetic avalanches, and the interpreter of the Python test environment.

#![allow(dead_code, reason = "every test takes of this what it needs")]

use std::path::{Path, PathBuf};
use std::process::Command;

use rand_distr::{Distribution, Exp1, Normal};
use serde_json::Value;
use townsend_core::{Dataset, ElectronSet, InputFile, Purpose, stream};

const TEST: Purpose = Purpose::new("synthetic avalanches");

/// `n` avalanches, one in eight of them empty, of about `size` electrons (exponentially distributed), `width`
/// mm wide in x.
pub(crate) fn avalanches(n: usize, size: f64, width: f64, seed: u64) -> Dataset {
    let mut set = ElectronSet::default();
    for index in 0..n {
        let mut random = stream(seed, TEST, index as u64);
        let fluctuation: f64 = Exp1.sample(&mut random);
        let electrons = if index % 8 == 7 { 0 } else { 5 + (size * fluctuation) as usize };
        let mut around = |center: f64, sigma: f64| -> Vec<f32> {
            let center = Normal::new(center, 0.3 * sigma).unwrap().sample(&mut random);
            let normal = Normal::new(center, sigma).unwrap();
            (0..electrons).map(|_| normal.sample(&mut random) as f32).collect()
        };
        let (x, z, t) = (around(0.0, width), around(0.0, 0.3), around(175.0, 4.0));
        set.push(&x, &z, &t);
    }
    set.into()
}

/// A file of this name, with a hash of its own.
pub(crate) fn file(name: &str) -> InputFile {
    InputFile { file: name.to_string(), sha256: format!("{:064x}", name.len()) }
}

/// Gives a Python script a file of JSON, and returns the JSON that it prints.
pub(crate) fn computed_by(script: &str, given: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input.json");
    std::fs::write(&input, given.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    // One thread, because several wait for each other on a busy machine.
    let output = Command::new(python()).env("OMP_NUM_THREADS", "1").arg(script).arg(&input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The interpreter that has the test environment.
fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python test environment: run `cargo xtask test` once, which makes it under target/python, or set \
         TOWNSEND_PYTHON (looked for {})",
        python.display()
    );
    python
}
