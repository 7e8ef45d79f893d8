//! Where the files of an installed library lie. A test of `townsend-capi` uses this file as well, so it needs
//! nothing but the standard library.

use std::fs;
use std::io::{Error, Result};
use std::path::Path;

/// The last part of the name under which programs look for the shared library.
const ABI: &str = "0";

/// Puts header, wrapper, libraries, CMake package and pkg-config file below `prefix`. `package` is the folder
/// of `townsend-capi`. What is there of an earlier installation is replaced, each file in one go, so that
/// programs that run with it go on.
pub(crate) fn lay(
    package: &Path,
    version: &str,
    shared: &Path,
    archive: Option<&Path>,
    prefix: &Path,
) -> Result<()> {
    let lib = prefix.join("lib");
    let library = format!("libtownsend.so.{version}");
    put(&read(shared)?, &lib.join(&library), 0o755)?;
    link(&library, &lib.join(format!("libtownsend.so.{ABI}")))?;
    link(&format!("libtownsend.so.{ABI}"), &lib.join("libtownsend.so"))?;
    if let Some(archive) = archive {
        put(&read(archive)?, &lib.join("libtownsend.a"), 0o644)?;
    }
    let copy = |from: &str, to: &str| put(&read(&package.join(from))?, &prefix.join(to), 0o644);
    copy("include/townsend/townsend.h", "include/townsend/townsend.h")?;
    copy("include/townsend/townsend.hpp", "include/townsend/townsend.hpp")?;
    copy("cmake/townsendConfig.cmake", "lib/cmake/townsend/townsendConfig.cmake")?;
    for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&format!("../../{license}"), &format!("share/doc/townsend/{license}"))?;
    }
    let fill = |from: &str, to: &str| {
        let text = fs::read_to_string(package.join(from)).map_err(|error| of(&package.join(from), &error))?;
        let mut numbers = version.split('.');
        let text = text
            .replace("@VERSION@", version)
            .replace("@MAJOR@", numbers.next().unwrap_or_default())
            .replace("@MINOR@", numbers.next().unwrap_or_default());
        put(text.as_bytes(), &prefix.join(to), 0o644)
    };
    fill("cmake/townsendConfigVersion.cmake.in", "lib/cmake/townsend/townsendConfigVersion.cmake")?;
    fill("cmake/townsend.pc.in", "lib/pkgconfig/townsend.pc")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| of(path, &error))
}

/// Writes a file beside its place and moves it there.
fn put(bytes: &[u8], path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let beside = path.with_extension("part");
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&beside, bytes))
        .and_then(|()| fs::set_permissions(&beside, PermissionsExt::from_mode(mode)))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| of(path, &error))
}

/// A link to a file of the same folder, in place of one that is there.
fn link(to: &str, path: &Path) -> Result<()> {
    let beside = path.with_extension("part");
    if beside.is_symlink() {
        fs::remove_file(&beside)?;
    }
    let linked = std::os::unix::fs::symlink(to, &beside).and_then(|()| fs::rename(&beside, path));
    linked.map_err(|error| of(path, &error))
}

fn of(path: &Path, error: &Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
}
