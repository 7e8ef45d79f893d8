//! Running Python, for the tests that ask ROOT and uproot.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The interpreter with ROOT and uproot.
fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python test environment: run `cargo xtask test` once, which makes it under target/python, \
         or set TOWNSEND_PYTHON"
    );
    python
}

/// Runs a script of `tests/python` and gives back what it prints. A complaint of ROOT is a failure.
pub(crate) fn run_python(script: &str, arguments: &[&Path]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
    let Output { status, stdout, stderr } = Command::new(python())
        .args(["-W", "ignore"])
        .arg(path)
        .args(arguments)
        .output()
        .expect("Python starts");
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success() && stderr.is_empty(), "{script}: {status}\n{stderr}");
    String::from_utf8(stdout).expect("Python prints UTF-8")
}
