//! What is handed out: the program, the wheel, the library, the list of what they consist of, and checksums.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment::{cargo, root, run, tool};
use crate::install::install_into;
use crate::wheel;

/// The machines that it is built for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Makes `target/dist` anew.
pub(crate) fn dist() -> Result<()> {
    let dist = root().join("target/dist");
    if dist.exists() {
        std::fs::remove_dir_all(&dist)?;
    }
    std::fs::create_dir_all(&dist)?;
    std::fs::copy(static_program()?, dist.join("townsend"))?;
    let wheel = wheel::build()?;
    let name = wheel.file_name().context("the wheel has no name")?;
    std::fs::copy(&wheel, dist.join(name))?;
    library(&dist)?;
    bill_of_materials(&dist)?;
    checksums(&dist)
}

/// The program with everything that it needs inside, the C library too: it starts on any Linux of this
/// processor.
fn static_program() -> Result<PathBuf> {
    let build = ["build", "--release", "--locked", "--package", "townsend-cli", "--target", TARGET];
    run(cargo(&build).env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    Ok(root().join("target").join(TARGET).join("release/townsend"))
}

/// The installed library as a tarball.
fn library(dist: &Path) -> Result<()> {
    let name = format!("townsend-{}-{}", env!("CARGO_PKG_VERSION"), TARGET);
    install_into(&dist.join(&name), "release", Some("2.17"))?;
    let tarball = format!("{name}.tar.gz");
    // Same files, same bytes: no times, no owners, in order of the names.
    let same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    run(Command::new("tar").args(same).arg("-C").arg(dist).arg("-czf").arg(dist.join(tarball)).arg(&name))?;
    std::fs::remove_dir_all(dist.join(&name))?;
    Ok(())
}

/// Every crate that is compiled in, with version, license and hash, in the format of `CycloneDX`.
fn bill_of_materials(dist: &Path) -> Result<()> {
    let cyclonedx = tool("cargo-cyclonedx", "0.5.9", &[])?;
    let describe =
        ["cyclonedx", "--format", "json", "--target", TARGET, "--override-filename", "townsend.cdx"];
    let manifest = root().join("crates/townsend-cli/Cargo.toml");
    run(Command::new(cyclonedx).args(describe).arg("--manifest-path").arg(manifest))?;
    // It leaves one beside every manifest of the workspace; that of the program has what is handed out.
    let written = |package: &Path| package.join("townsend.cdx.json");
    std::fs::rename(written(&root().join("crates/townsend-cli")), written(dist))
        .context("the list of crates was not written")?;
    let crates = root().join("crates").read_dir()?.collect::<Result<Vec<_>, _>>()?;
    for package in crates.iter().map(std::fs::DirEntry::path).chain([root().join("xtask")]) {
        if written(&package).exists() {
            std::fs::remove_file(written(&package))?;
        }
    }
    Ok(())
}

/// `SHA256SUMS` of everything in a folder.
fn checksums(dist: &Path) -> Result<()> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dist)? {
        names.push(entry?.file_name());
    }
    names.sort();
    let output = Command::new("sha256sum").current_dir(dist).args(&names).output().context("sha256sum")?;
    if !output.status.success() {
        bail!("sha256sum: {}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::write(dist.join("SHA256SUMS"), output.stdout)?;
    eprintln!("{} holds {} files", dist.display(), names.len() + 1);
    Ok(())
}
