//! The programs under valgrind and the sanitizers of the compiler. These see what the programs do with memory
//! of the library as well; the inside of the library itself they see only where it calls the C library.

use std::path::Path;
use std::process::Command;

use super::setup::succeed;
use super::{MODELS, damaged, program};

/// A command that runs a program under valgrind, where errors and memory that is lost are failures.
fn valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--error-exitcode=9", "--leak-check=full", "--errors-for-leak-kinds=definite"]);
    command.arg("--fair-sched=yes").arg(program);
    command
}

#[test]
fn valgrind_finds_nothing() {
    let (_folder, functions) = program("functions.c", &[]);
    succeed(valgrind(&functions).args([&MODELS.detector, &MODELS.network]));
    let (_folder, wrong) = program("wrong.c", &[]);
    succeed(valgrind(&wrong).args([&MODELS.detector, &MODELS.network]).args(&damaged()[..10]));
}

#[test]
fn valgrind_finds_nothing_with_eight_threads() {
    let (folder, threads) = program("threads.cpp", &[]);
    succeed(valgrind(&threads).args(["microscopic_275", "16"]).arg(folder.path().join("out")));
}

/// Addresses and what is undefined, with leaks.
const ADDRESS: [&str; 3] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1"];

#[test]
fn the_address_sanitizer_finds_nothing() {
    let models = [&MODELS.detector, &MODELS.network];
    let (_folder, functions) = program("functions.c", &ADDRESS);
    succeed(Command::new(functions).args(models));
    let (_folder, wrong) = program("wrong.c", &ADDRESS);
    succeed(Command::new(wrong).args(models).args(damaged()));
    let (_folder, wrapper) = program("wrapper.cpp", &ADDRESS);
    succeed(Command::new(wrapper).args(models));
    let (folder, threads) = program("threads.cpp", &ADDRESS);
    succeed(Command::new(threads).args(["cgem", "100"]).arg(folder.path().join("out")));
}

/// The library is compiled without this sanitizer, so that it must leave alone what that does: it watches the
/// memory that the program reads through views.
#[test]
fn the_thread_sanitizer_finds_nothing() {
    let (folder, threads) = program("threads.cpp", &["-fsanitize=thread", "-O1"]);
    for model in ["cgem".as_ref(), MODELS.network.as_path()] {
        // The sanitizer wants its addresses where they are without chance.
        succeed(
            Command::new("setarch")
                .arg("--addr-no-randomize")
                .arg(&threads)
                .arg(model)
                .arg("100")
                .arg(folder.path().join("out"))
                .env("TSAN_OPTIONS", "ignore_noninstrumented_modules=1"),
        );
    }
}
