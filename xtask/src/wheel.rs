//! The wheel of the Python module: one for every Python from 3.9 on and every Linux with glibc 2.17 or newer.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::environment::{packages, root, run};

/// maturin builds wheels; zig links against an old glibc.
const PACKAGES: [&str; 2] = ["maturin==1.16.0", "ziglang==0.15.1"];
/// What a wheel may weigh, bytes.
const LARGEST: u64 = 20_000_000;

/// Builds the wheel into `target/wheels`, and tries it with these interpreters: each gets an environment of
/// its own with NumPy, the oldest that is supported for Python 3.9.
pub(crate) fn wheel(interpreters: &[String]) -> Result<()> {
    let wheel = build()?;
    let size = wheel.metadata()?.len();
    ensure!(size < LARGEST, "{}: {size} bytes are more than {LARGEST}", wheel.display());
    println!("{}: {:.1} MB", wheel.display(), size as f64 / 1e6);
    interpreters.iter().try_for_each(|interpreter| try_out(&wheel, interpreter))
}

fn build() -> Result<PathBuf> {
    let programs = packages("wheel", &PACKAGES)?;
    let folder = root().join("target/wheels");
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => bail!("{}: {error}", folder.display()),
        _ => {}
    }
    let before = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs.clone()].into_iter().chain(std::env::split_paths(&before)))?;
    let options = ["build", "--release", "--locked", "--zig", "--target", "x86_64-unknown-linux-gnu"];
    let mut maturin = Command::new(programs.join("maturin"));
    maturin.args(options).args(["--compatibility", "manylinux2014", "--out"]).arg(&folder);
    run(maturin.env("PATH", path))?;
    let mut files = folder.read_dir()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.find(|file| file.extension().is_some_and(|ending| ending == "whl")).context("maturin made no wheel")
}

/// Installs the wheel with an interpreter and runs the first examples.
fn try_out(wheel: &Path, interpreter: &str) -> Result<()> {
    let name = Path::new(interpreter).file_name().context("an interpreter has a name")?;
    let folder = root().join("target/wheel-tried").join(name);
    run(Command::new(interpreter).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let python = folder.join("bin/python");
    let old = Command::new(&python)
        .args(["-c", "import sys; sys.exit(sys.version_info[:2] != (3, 9))"])
        .status()?;
    let numpy = if old.success() { "numpy==1.26.*" } else { "numpy>=2" };
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", numpy];
    run(Command::new(&python).args(install).arg(wheel))?;
    run(Command::new(&python).arg("crates/townsend-python/tests/wheel.py"))
}
