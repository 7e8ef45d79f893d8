//! An installation that was moved: CMake and pkg-config find it where it is.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::setup::{install, of_crate, succeed};
use super::{MODELS, Models};

/// An installation that lies elsewhere than where it was made.
fn moved() -> TempDir {
    let folder = TempDir::new().expect("a folder");
    install(&folder.path().join("first"));
    // Once more over it, as an update does.
    install(&folder.path().join("first"));
    std::fs::rename(folder.path().join("first"), folder.path().join("with blank")).expect("it can be moved");
    folder
}

fn runs(program: &Path, lib: &Path) {
    let Models { detector, network, .. } = &*MODELS;
    succeed(Command::new(program).args([detector, network]).env("LD_LIBRARY_PATH", lib));
}

#[test]
fn cmake_finds_it_where_it_was_moved() {
    let folder = moved();
    let (prefix, build) = (folder.path().join("with blank"), folder.path().join("build"));
    let configure = |version: &str| {
        let source = folder.path().join(format!("source-{version}"));
        std::fs::create_dir(&source).expect("it can be made");
        for name in ["CMakeLists.txt", "functions.c", "wrapper.cpp", "check.h"] {
            let text = std::fs::read_to_string(of_crate("tests/programs").join(name)).expect("it is there");
            let wanted = text.replace("townsend 0.1 ", &format!("townsend {version} "));
            std::fs::write(source.join(name), wanted).expect("it can be written");
        }
        let mut command = Command::new("cmake");
        command.arg("-S").arg(source).arg("-B").arg(&build);
        command.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
        command
    };
    succeed(&mut configure("0.1"));
    succeed(Command::new("cmake").arg("--build").arg(&build).arg("--parallel").arg("2"));
    for name in ["of_c", "of_cpp"] {
        // CMake writes into a program where the library was found.
        runs(&build.join(name), Path::new(""));
    }
    for other in ["0.2", "1.0", "0.1.99"] {
        std::fs::remove_dir_all(&build).expect("it is there");
        let output = configure(other).output().expect("cmake starts");
        let said = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
        assert!(!output.status.success() && said.contains("compatible with requested version"), "{said}");
    }
}

#[test]
fn pkg_config_finds_it_where_it_was_moved() {
    let folder = moved();
    let lib = folder.path().join("with blank/lib");
    let pkg_config = |arguments: &[&str]| {
        let text = succeed(
            Command::new("pkg-config")
                .args(arguments)
                .arg("townsend")
                .env("PKG_CONFIG_PATH", lib.join("pkgconfig")),
        );
        text.trim().to_owned()
    };
    assert_eq!(pkg_config(&["--modversion"]), env!("CARGO_PKG_VERSION"));
    let program = folder.path().join("program");
    let source = of_crate("tests/programs/wrapper.cpp");
    // A shell takes the words apart, as in a Makefile.
    let line = format!(
        "g++ -std=c++17 '{}' {} -o '{}'",
        source.display(),
        pkg_config(&["--cflags", "--libs"]),
        program.display()
    );
    succeed(Command::new("sh").arg("-c").arg(line));
    runs(&program, &lib);
}

#[test]
fn programs_ask_for_the_name_with_the_number_of_the_interface() {
    let folder = TempDir::new().expect("a folder");
    install(folder.path());
    let of_library = succeed(Command::new("readelf").arg("-d").arg(folder.path().join("lib/libtownsend.so")));
    assert!(of_library.contains("Library soname: [libtownsend.so.0]"), "{of_library}");
    let exported = succeed(
        Command::new("nm")
            .args(["--dynamic", "--defined-only"])
            .arg(folder.path().join("lib/libtownsend.so.0")),
    );
    let names = exported.lines().filter_map(|line| line.split(' ').next_back());
    let foreign: Vec<_> = names.filter(|name| !name.starts_with("townsend_")).collect();
    assert!(foreign.is_empty(), "the library shows more than its interface: {foreign:?}");
}
