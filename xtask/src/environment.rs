//! What the tests need besides Rust, set up under `target/` so that nothing on the machine is changed.

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

/// The Python of the test environment `target/python`, made on first use and made anew when its requirements change.
pub(crate) fn python() -> Result<PathBuf> {
    let requirements = root().join("xtask/requirements.txt");
    let folder = root().join("target/python");
    let python = folder.join("bin/python");
    let wanted = std::fs::read(&requirements)
        .with_context(|| format!("{}: cannot be read", requirements.display()))?;
    let stamp = folder.join("townsend-requirements");
    if python.exists() && std::fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    let need = "the tests need Python 3.11 or newer with venv and pip (Debian: apt-get install python3-venv)";
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).context(need)?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(install).arg(&requirements))?;
    std::fs::write(&stamp, wanted)?;
    Ok(python)
}
