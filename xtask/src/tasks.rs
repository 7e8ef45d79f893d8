//! The tasks themselves.

use std::process::Command;

use anyhow::Result;

use crate::environment::{cargo, python, root, run, torch};

/// Format, lints, documentation.
fn lint() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))?;
    run(cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "--deny warnings"))
}

/// The quick one, for before every commit.
pub(crate) fn check() -> Result<()> {
    lint()?;
    run(&mut cargo(&["test", "--workspace", "--lib", "--bins", "--locked"]))
}

/// Everything. What a test needs and does not find makes it fail, never pass.
pub(crate) fn test() -> Result<()> {
    let python = python()?;
    lint()?;
    run(cargo(&["test", "--workspace", "--locked"]).env("TOWNSEND_PYTHON", python))
}

/// The networks of full size against PyTorch.
pub(crate) fn parity() -> Result<()> {
    let scripts = root().join("crates/townsend-models/parity");
    let python = torch()?;
    let exported = root().join("target/parity");
    run(Command::new(python).arg(scripts.join("full_size.py")).arg(&exported))?;
    let compare = ["run", "--release", "--package", "townsend-models", "--example", "parity_full", "--"];
    run(cargo(&compare).arg(&exported))
}

/// Simulating, and reading beside its peers, each in one run.
pub(crate) fn bench() -> Result<()> {
    run(&mut cargo(&["bench", "--package", "townsend-sim", "--bench", "speed"]))?;
    run(&mut cargo(&["bench", "--package", "townsend-kernels", "--bench", "speed"]))?;
    let against_root = ["bench", "--package", "townsend-root", "--bench", "against_root"];
    run(cargo(&against_root).env("TOWNSEND_PYTHON", python()?))
}

/// What takes too long for every commit.
pub(crate) fn soak() -> Result<()> {
    let manifest = "crates/townsend-root/fuzz";
    run(&mut cargo(&["+nightly", "fuzz", "run", "--fuzz-dir", manifest, "read", "--", "-max_total_time=600"]))
}
