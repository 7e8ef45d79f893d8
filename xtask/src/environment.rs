//! What the tests need besides Rust, set up under `target/` so that nothing on the machine is changed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// Runs a command in the workspace's root and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}").replace('"', "");
    eprintln!("$ {shown}");
    let status = command.current_dir(root()).status().with_context(|| format!("cannot start: {shown}"))?;
    if !status.success() {
        bail!("failed ({status}): {shown}");
    }
    Ok(())
}

/// A `cargo` command.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments);
    command
}

/// The Python of the test environment `target/python`, made on first use and made anew when its requirements
/// change.
pub(crate) fn python() -> Result<PathBuf> {
    // JetNet's metrics need neither torch nor most of what else its package depends on.
    let requirements = ["requirements.txt", "requirements-without-dependencies.txt"];
    let requirements = requirements.map(|name| root().join("xtask").join(name));
    let folder = root().join("target/python");
    let python = folder.join("bin/python");
    let read =
        |path: &PathBuf| std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()));
    let wanted = requirements.iter().map(read).collect::<Result<Vec<_>>>()?.concat();
    let stamp = folder.join("townsend-requirements");
    if python.exists() && std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    let need = "the tests need Python 3.11 or newer with venv and pip (Debian: apt-get install python3-venv)";
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).context(need)?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(install).arg(&requirements[0]))?;
    run(Command::new(&python).args(install).arg(&requirements[1]).arg("--no-deps"))?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}

/// The Python of `target/farm`, which has what productions on batch farms are made with; made on first use.
pub(crate) fn farm() -> Result<PathBuf> {
    let versions = [
        "dask==2026.8.0",
        "dask-jobqueue==0.9.0",
        "distributed==2026.8.0",
        "htcondor==25.14.1",
        "numpy==2.4.6",
        "pandas==3.1.1",
        "pytest==9.2.0",
        "snakemake==9.27.0",
        "snakemake-executor-plugin-slurm==2.8.0",
    ];
    Ok(packages("farm", &versions)?.join("python"))
}

/// A command of `cargo-zigbuild`, which builds for an older C library than that of this machine; it is set up
/// under `target/zig` on first use.
pub(crate) fn zig(arguments: &[&str]) -> Result<Command> {
    let programs = packages("zig", &["cargo-zigbuild==0.24.1", "ziglang==0.17.1"])?;
    let mut command = Command::new(programs.join("cargo-zigbuild"));
    command.args(arguments).env("PATH", before_path(&programs)?);
    Ok(command)
}

/// A program of crates.io, built into `target/tools` on first use and anew for another version; `features`
/// are further arguments of `cargo install`.
pub(crate) fn tool(name: &str, version: &str, features: &[&str]) -> Result<PathBuf> {
    let folder = root().join("target/tools");
    let program = folder.join("bin").join(name);
    let stamp = folder.join(format!("townsend-{name}"));
    let wanted = format!("{version} {}", features.join(" "));
    if !program.exists() || !std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        let install = ["install", "--locked", "--force", "--version", version];
        run(cargo(&install).args(features).arg("--root").arg(&folder).arg(name))?;
        std::fs::write(&stamp, wanted)?;
    }
    Ok(program)
}

/// `PATH` with a folder before all others.
pub(crate) fn before_path(programs: &Path) -> Result<OsString> {
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(programs.into()).chain(std::env::split_paths(&others));
    Ok(std::env::join_paths(path)?)
}

/// The Python of `target/torch`, which has PyTorch; made on first use.
pub(crate) fn torch() -> Result<PathBuf> {
    let environment = root().join("target/torch");
    let script = root().join("crates/townsend-models/parity/torch_cpu.py");
    run(Command::new("python3").arg(script).arg(&environment))?;
    Ok(environment.join("bin/python"))
}

/// The folder of programs of a Python environment `target/NAME` that holds these packages; made on first use
/// and made anew when they change.
pub(crate) fn packages(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = root().join("target").join(name);
    let stamp = folder.join("townsend-packages");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(folder.join("bin"));
    }
    let need = "this needs Python 3.9 or newer with venv and pip (Debian: apt-get install python3-venv)";
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).context(need)?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(folder.join("bin/python")).args(install).args(packages))?;
    std::fs::write(&stamp, wanted)?;
    Ok(folder.join("bin"))
}
