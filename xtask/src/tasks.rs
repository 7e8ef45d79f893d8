//! The tasks themselves.

use anyhow::Result;

use crate::environment::{cargo, python, root, run, virtual_environment};

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
    let folder = root().join("crates/townsend-models/parity");
    let python = virtual_environment(
        "torch",
        &folder.join("requirements.txt"),
        &["--no-deps", "-r", &folder.join("requirements.txt").display().to_string()],
    )?;
    let exported = root().join("target/parity");
    run(std::process::Command::new(python).arg(folder.join("full_size.py")).arg(&exported))?;
    run(cargo(&["run", "--release", "--package", "townsend-models", "--example", "parity_full", "--"])
        .arg(&exported))
}

/// Benchmarks, peers in the same run.
pub(crate) fn bench() -> Result<()> {
    run(cargo(&["bench", "--workspace", "--benches"]).env("TOWNSEND_PYTHON", python()?))
}

/// What takes too long for every commit.
pub(crate) fn soak() -> Result<()> {
    for target in ["histograms"] {
        run(cargo(&["+nightly", "fuzz", "run", target, "--", "-max_total_time=600"])
            .current_dir(root().join("crates/townsend-root")))?;
    }
    Ok(())
}
