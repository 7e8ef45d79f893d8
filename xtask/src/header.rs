//! The header of the C interface, made of the code of `townsend-capi`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use cbindgen::{Builder, Config};

use crate::environment::root;

/// The files that the header is made of, in the order of its parts.
const SOURCES: [&str; 8] = ["version", "error", "setting", "grid", "model", "workspace", "batch", "readout"];

fn header() -> PathBuf {
    root().join("crates/townsend-capi/include/townsend/townsend.h")
}

/// The header as the code has it now.
fn of_code() -> Result<Vec<u8>> {
    let folder = root().join("crates/townsend-capi");
    let config = Config::from_file(folder.join("cbindgen.toml")).map_err(anyhow::Error::msg)?;
    let sources = SOURCES.map(|name| folder.join(format!("src/{name}.rs")));
    let builder = sources.iter().fold(Builder::new().with_config(config), Builder::with_src);
    let mut text = Vec::new();
    builder.generate()?.write(&mut text);
    Ok(text)
}

/// Writes the header.
pub(crate) fn write() -> Result<()> {
    let path = header();
    std::fs::write(&path, of_code()?).with_context(|| format!("{}: cannot be written", path.display()))
}

/// Refuses a header that is not that of the code.
pub(crate) fn check() -> Result<()> {
    if std::fs::read(header()).is_ok_and(|have| Some(have) == of_code().ok()) {
        return Ok(());
    }
    bail!("{} is not that of the code; cargo xtask header makes it anew", header().display())
}
