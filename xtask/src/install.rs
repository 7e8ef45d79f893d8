//! Building and installing the library for C and C++.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::environment::{cargo, root, run, zig};
use crate::layout::lay;

/// What `cargo xtask install` is asked for.
#[derive(Default)]
struct Options {
    prefix: Option<PathBuf>,
    profile: Option<String>,
    glibc: Option<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Self> {
        let mut options = Self::default();
        while let Some(name) = arguments.next() {
            let name = name.to_string_lossy().into_owned();
            let Some(value) = arguments.next() else { bail!("{name} needs a value") };
            let text = value.to_string_lossy().into_owned();
            match name.as_str() {
                "--prefix" => options.prefix = Some(value.into()),
                "--profile" => options.profile = Some(text),
                "--glibc" => options.glibc = Some(text),
                _ => bail!("install knows --prefix DIR, --profile NAME and --glibc VERSION, not {name}"),
            }
        }
        Ok(options)
    }
}

/// Builds the shared and the static library and installs them with everything that programs need to use them.
pub(crate) fn install(arguments: impl Iterator<Item = OsString>) -> Result<()> {
    let Options { prefix, profile, glibc } = Options::parse(arguments)?;
    let Some(prefix) = prefix else { bail!("say where to: cargo xtask install --prefix DIR") };
    install_into(&prefix, profile.as_deref().unwrap_or("release"), glibc.as_deref())
}

/// The same; with `glibc`, such as `2.17`, for systems with that version of the C library or a newer one.
pub(crate) fn install_into(prefix: &Path, profile: &str, glibc: Option<&str>) -> Result<()> {
    let prefix = std::path::absolute(prefix)?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let built = match glibc {
        None => {
            build(cargo(&["rustc"]), profile, None)?;
            root().join("target")
        }
        // Zig links against the symbols of an old C library, so that the result starts on old systems.
        Some(version) => {
            build(zig(&["rustc"])?, profile, Some(&format!("{target}.{version}")))?;
            root().join("target").join(target)
        }
    };
    let built = built.join(if profile == "dev" { "debug" } else { profile });
    let [shared, archive] = ["so", "a"].map(|ending| built.join(format!("libtownsend_capi.{ending}")));
    lay(&package(), env!("CARGO_PKG_VERSION"), &shared, Some(&archive), &prefix)?;
    eprintln!("installed in {}", prefix.display());
    Ok(())
}

fn package() -> PathBuf {
    root().join("crates/townsend-capi")
}

fn build(mut command: Command, profile: &str, target: Option<&str>) -> Result<()> {
    command.args(["--package", "townsend-capi", "--lib", "--locked", "--crate-type", "cdylib,staticlib"]);
    command.args(["--profile", profile]);
    if let Some(target) = target {
        command.args(["--target", target]);
    }
    run(&mut command)
}
