//! The tasks themselves.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::environment::{cargo, farm, python, root, run, torch};
use crate::{comments, damage, header, packages};

/// Format of code and comments, packages, lints, documentation.
fn lint() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    comments::check()?;
    packages::check()?;
    header::check()?;
    // With Parquet: what takes its place without it is a few lines, which the tests compile.
    let features = ["--features", "townsend-cli/parquet,townsend-damage/parquet"];
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked"];
    run(cargo(&clippy).args(features).args(["--", "--deny", "warnings"]))?;
    run(cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "--deny warnings"))
}

/// The quick one, for before every commit.
pub(crate) fn check() -> Result<()> {
    lint()?;
    run(&mut cargo(&["test", "--workspace", "--lib", "--bins", "--locked"]))
}

/// The code for GPUs, type-checked as far as a machine without one can: with `wgpu`, and with `cuda`, whose
/// build script fetches LLVM unless `DOCS_RS` tells it that nothing will be linked.
pub(crate) fn check_gpu() -> Result<()> {
    let with = |feature| cargo(&["check", "--locked", "--package", "townsend-cli", "--features", feature]);
    run(&mut with("wgpu"))?;
    run(with("cuda").env("DOCS_RS", "1"))
}

/// Everything. What a test needs and does not find makes it fail, never pass.
pub(crate) fn test() -> Result<()> {
    let (python, farm) = (python()?, farm()?);
    lint()?;
    let all = ["test", "--workspace", "--locked"];
    run(cargo(&all).env("TOWNSEND_PYTHON", &python).env("TOWNSEND_FARM_PYTHON", farm))?;
    let of = ["--package", "townsend-io", "--package", "townsend-damage", "--lib", "--tests"];
    let with_parquet = ["test", "--features", "parquet", "--locked"];
    run(cargo(&with_parquet).args(of).env("TOWNSEND_PYTHON", python))
}

/// The kernels for NEON, whose tests an emulator of aarch64 runs.
pub(crate) fn neon() -> Result<()> {
    const TARGET: &str = "aarch64-unknown-linux-gnu";
    run(Command::new("rustup").args(["target", "add", TARGET]))?;
    let tests =
        ["test", "--release", "--target", TARGET, "--package", "townsend-kernels", "--lib", "--tests"];
    run(cargo(&tests)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc")
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", "qemu-aarch64 -L /usr/aarch64-linux-gnu"))
}

/// The networks of full size against PyTorch.
pub(crate) fn parity() -> Result<()> {
    let scripts = root().join("crates/townsend-models/parity");
    let python = torch()?;
    let exported = root().join("target/parity");
    run(Command::new(python).arg(scripts.join("full_size.py")).arg(&exported))?;
    let compare = ["run", "--release", "--package", "townsend-models", "--example", "parity_full", "--"];
    run(cargo(&compare).arg(&exported))?;
    for config in ["vae-2d.toml", "wgan-gp-2d.toml", "infogan-3d.toml"] {
        exported_weights(config, &torch()?, &exported)?;
    }
    Ok(())
}

/// Weights of a short training, exported, in PyTorch's modules.
fn exported_weights(config: &str, python: &Path, folder: &Path) -> Result<()> {
    let townsend = |verb: &str| {
        let mut command = cargo(&["run", "--release", "--locked", "--package", "townsend-cli", "--"]);
        command.args([verb, "--force", "--quiet"]);
        command
    };
    let [data, trained, weights, shapes] =
        ["data.npz", "run", "weights.safetensors", "shapes.safetensors"].map(|name| folder.join(name));
    run(townsend("simulate").args(["--events", "40", "--out"]).arg(&data))?;
    let short = ["--set", "training.epochs=1", "--set", "training.batch_size=8"];
    let config = root().join("configs").join(config);
    run(townsend("train").arg(config).args(short).arg("--data").arg(&data).arg("--run").arg(&trained))?;
    run(townsend("export").arg("--run").arg(&trained).arg("--out").arg(&weights))?;
    let decode =
        ["run", "--release", "--locked", "--package", "townsend-models", "--example", "decode", "--"];
    run(cargo(&decode).args([&weights, &shapes]))?;
    let script = root().join("crates/townsend-models/parity/exported.py");
    run(Command::new(python).arg(script).args([&weights, &shapes]))
}

/// Simulating, and reading beside its peers, each in one run.
pub(crate) fn bench() -> Result<()> {
    run(&mut cargo(&["bench", "--package", "townsend-sim", "--bench", "speed"]))?;
    run(&mut cargo(&["bench", "--package", "townsend-kernels", "--features", "sgemm", "--bench", "speed"]))?;
    for name in ["against_root", "tables"] {
        let bench = ["bench", "--package", "townsend-root", "--bench", name];
        run(cargo(&bench).env("TOWNSEND_PYTHON", python()?))?;
    }
    Ok(())
}

/// The manual pages, which the program itself writes, into a folder.
pub(crate) fn man(folder: Option<OsString>) -> Result<()> {
    let Some(folder) = folder else { bail!("say where to: cargo xtask man DIR") };
    let folder = std::path::absolute(folder)?;
    let write = ["run", "--quiet", "--locked", "--package", "townsend-cli", "--", "man"];
    run(cargo(&write).arg(&folder))
}

/// What takes too long for every commit.
pub(crate) fn soak() -> Result<()> {
    let killed = ["test", "--release", "--package", "townsend-cli", "--test", "cli", "killed"];
    run(cargo(&killed).env("TOWNSEND_KILLS", "200"))?;
    let snakemake = ["test", "--release", "--package", "townsend-cli", "--test", "farm", "snakemake"];
    run(cargo(&snakemake).env("TOWNSEND_SOAK", "1").env("TOWNSEND_FARM_PYTHON", farm()?))?;
    let pages =
        ["test", "--package", "townsend-cli", "--test", "cli", "--", "the_commands_of_all_pages_work"];
    run(cargo(&pages).env("TOWNSEND_PAGES", "long").env("TOWNSEND_PYTHON", python()?))?;
    let long = ["test", "--release", "--locked", "--package", "townsend", "--test", "long_run"];
    run(cargo(&long).env("TOWNSEND_MINUTES", "120"))?;
    large()?;
    damage::soak()
}

/// Files of 10 GB, each converted in less than 1 GB of memory, all that is mapped included.
fn large() -> Result<()> {
    let folder = root().join("target/large");
    std::fs::create_dir_all(&folder)?;
    run(&mut cargo(&["build", "--release", "--locked", "--package", "townsend-cli"]))?;
    for kind in ["tree", "rntuple", "rows"] {
        let file = folder.join(format!("{kind}.root"));
        let write = ["run", "--release", "--locked", "--package", "townsend-io", "--example", "large", "--"];
        run(cargo(&write).args([kind, "10"]).arg(&file))?;
        let convert =
            "ulimit -v 1000000 && exec target/release/townsend --threads 2 convert \"$0\" \"$1\" --dims 1";
        let mut limited = Command::new("bash");
        limited.args(["-c", convert]).arg(&file).arg(folder.join("h1.root"));
        run(limited.current_dir(root()))?;
        std::fs::remove_dir_all(&folder)?;
        std::fs::create_dir_all(&folder)?;
    }
    Ok(())
}
