//! The scripts for batch farms in `contrib`, by what they are for: Slurm, Snakemake and `HTCondor`.

use std::path::{Path, PathBuf};
use std::process::Command;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The Python that has Snakemake, Dask and `HTCondor`.
fn python() -> PathBuf {
    let made = Path::new(CRATE).join("../../target/farm/bin/python");
    let python = std::env::var_os("TOWNSEND_FARM_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python of batch farms: run `cargo xtask test` once, which makes it under target/farm, or \
         set TOWNSEND_FARM_PYTHON"
    );
    python
}

/// Runs the tests of a folder of `contrib`, with the command in the path.
fn passes(contrib: &str) {
    let root = Path::new(CRATE).join("../..").canonicalize().expect("the repository");
    let command = assert_cmd::cargo::cargo_bin!("townsend");
    let beside = command.parent().expect("it lies in a folder").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(beside).chain(std::env::split_paths(&others)));
    let ran = Command::new(python())
        .args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "--rootdir"])
        .arg(root.join("contrib"))
        .arg(root.join("contrib").join(contrib).join("tests"))
        .env("PATH", path.expect("no folder of the path has a colon in its name"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TOWNSEND_DATA", root.join("data/avalanches_2d.root"))
        .env("TOWNSEND_CONFIG", root.join("crates/townsend-cli/tests/cli/tiny.toml"))
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains(" passed"), "{said}");
}

#[test]
fn slurm_makes_a_production_whole() {
    passes("slurm");
}

#[test]
fn snakemake_goes_from_data_to_a_check() {
    passes("snakemake");
}

#[test]
fn htcondor_reads_the_submit_file() {
    passes("htcondor");
}
