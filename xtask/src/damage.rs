//! Damaged files, by the million and by fuzzing, and unsafe code under Miri and the address sanitizer.

use std::process::Command;

use anyhow::Result;

use crate::environment::{cargo, root, run};

/// Changed files of every reader.
const MUTATIONS: &str = "1000000";
/// Seconds that each reader is fuzzed.
const SECONDS: u32 = 1800;
/// The fuzzers: those of `townsend_damage::READERS`, and two that know more of ROOT files.
const FUZZERS: [&str; 13] = [
    "text",
    "npz",
    "parquet",
    "avalanches",
    "numbers",
    "gas",
    "detector",
    "responses",
    "clusters",
    "configuration",
    "run",
    "root",
    "rntuple",
];
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A cargo of a nightly toolchain: the one that built this program is that of one toolchain, another one is
/// chosen by the one in PATH.
fn nightly(arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").args(arguments).current_dir(root());
    command
}

/// Every reader on a million changed files, and each fuzzer for half an hour from the files in
/// `crates/townsend-damage/corpus`.
pub(crate) fn soak() -> Result<()> {
    for arguments in [
        &["--package", "townsend-damage", "--features", "parquet", "--test", "damage"][..],
        &["--package", "townsend-root", "--test", "mutations", "--test", "rntuple_mutations"],
        &["--package", "townsend", "--test", "damage"],
        &["--package", "townsend", "--lib", "damaged"],
    ] {
        run(cargo(&["test", "--release", "--locked"]).args(arguments).env("TOWNSEND_MUTATIONS", MUTATIONS))?;
    }
    let folder = "crates/townsend-damage/fuzz";
    for fuzzer in FUZZERS {
        let found = format!("{folder}/corpus/{fuzzer}");
        std::fs::create_dir_all(root().join(&found))?;
        let whole = match fuzzer {
            "root" => "crates/townsend-root/tests/fixtures".to_owned(),
            // Its input is places and bytes, no file.
            "rntuple" => found.clone(),
            reader => format!("crates/townsend-damage/corpus/{reader}"),
        };
        // To name the functions that are entered takes more time than reading does.
        let unnamed = "-print_funcs=0".into();
        let limits =
            [format!("-max_total_time={SECONDS}"), "-timeout=5".into(), "-rss_limit_mb=2048".into(), unnamed];
        let fuzz = nightly(&["fuzz", "run", "--fuzz-dir", folder, fuzzer, &found, &whole, "--"]);
        run({ fuzz }.args(limits))?;
    }
    Ok(())
}

/// How Miri looks at the kernels. Their tests compare with functions of the machine's library, which Miri
/// would answer a little otherwise each time. Rayon's queues (crossbeam-epoch) make pointers of numbers,
/// which only the model of trees of borrows allows, and its threads live as long as the process.
const MIRI: &str =
    "-Zmiri-deterministic-floats -Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks";

/// The kernels, whose unsafe code is that of vector instructions and of slices between threads, under the
/// address sanitizer, with the instructions of this CPU, and under Miri, which has the portable ones.
pub(crate) fn sanitize() -> Result<()> {
    let kernels = ["test", "--package", "townsend-kernels", "--lib", "--tests", "--target", TARGET];
    run(nightly(&kernels).env("RUSTFLAGS", "-Zsanitizer=address"))?;
    let tests = ["--lib", "--test", "against_loops", "--test", "stack"];
    run(nightly(&["miri", "test", "--package", "townsend-kernels"]).args(tests).env("MIRIFLAGS", MIRI))
}
