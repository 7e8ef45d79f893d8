//! How much of the code the tests enter, by cargo-llvm-cov, and how much of it they hold, by cargo-mutants:
//! in the crates that build without Burn.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment::{before_path, python, root, run, tool};

/// The crates that build without Burn, which instrumented takes most of an hour.
const CRATES: [&str; 11] = [
    "townsend-core",
    "townsend-root",
    "townsend-io",
    "townsend-sim",
    "townsend-observables",
    "townsend-check",
    "townsend-cascade",
    "townsend-clusters",
    "townsend-readout",
    "townsend-page",
    "townsend-kernels",
];

/// The crates and files whose mutants the unit tests must find: streams, split, numbering and units,
/// observables, metrics. Of a crate with a name between, only tests with it in theirs are run: those of
/// classifiers would take minutes for each mutant.
const MUTATED: [(&str, Option<&str>, &[&str]); 4] = [
    ("townsend-core", None, &["random.rs", "split.rs"]),
    ("townsend-io", None, &["numbering.rs", "units.rs"]),
    (
        "townsend-observables",
        None,
        &["distance/significance.rs", "observables/moments.rs", "observables/scales.rs"],
    ),
    ("townsend-check", Some("kernel"), &["multivariate/kernel.rs"]),
];

/// The path of a file of [`MUTATED`].
fn source(package: &str, file: &str) -> String {
    format!("crates/{package}/src/{file}")
}

/// Prints the share of lines that the crates' tests enter, by crate and of all. The report itself is
/// `target/coverage.json`.
pub(crate) fn coverage() -> Result<()> {
    let llvm_cov = tool("cargo-llvm-cov", "0.9.1", &["--debug"])?;
    run(Command::new("rustup").args(["component", "add", "llvm-tools"]))
        .context("coverage needs rustup's component llvm-tools")?;
    let report = root().join("target/coverage.json");
    let mut command = Command::new(llvm_cov);
    command.args(["llvm-cov", "--locked", "--summary-only", "--json", "--output-path"]).arg(&report);
    command.args(CRATES.iter().flat_map(|name| ["--package", name]));
    run(command.env("TOWNSEND_PYTHON", python()?))?;
    print!("{}", by_crate(&std::fs::read_to_string(report)?)?);
    Ok(())
}

/// Lines and functions of each crate and of all, and how many of them were entered, from llvm-cov's export.
fn by_crate(report: &str) -> Result<String> {
    let report: serde_json::Value = serde_json::from_str(report).context("the report of llvm-cov")?;
    let files = report["data"][0]["files"].as_array().context("the report of llvm-cov has no files")?;
    let mut crates: BTreeMap<&str, [[u64; 2]; 2]> = BTreeMap::new();
    for file in files {
        let name = file["filename"].as_str().unwrap_or_default();
        let Some(package) = name.rsplit_once("/crates/").and_then(|(_, path)| path.split('/').next()) else {
            continue;
        };
        let sums = crates.entry(package).or_default();
        for (sum, kind) in sums.iter_mut().zip(["lines", "functions"]) {
            for (sum, what) in sum.iter_mut().zip(["covered", "count"]) {
                *sum += file["summary"][kind][what].as_u64().context("a file without its summary")?;
            }
        }
    }
    if crates.is_empty() {
        bail!("the report of llvm-cov has no file of this workspace");
    }
    let percent = |[covered, all]: [u64; 2]| 100.0 * covered as f64 / all.max(1) as f64;
    let head = "| crate | lines | entered | functions | entered |\n|---|---|---|---|---|\n".to_owned();
    let row = |name: &str, [lines, functions]: [[u64; 2]; 2]| {
        let (of_lines, of_functions) = (percent(lines), percent(functions));
        let [all_lines, all_functions] = [lines[1], functions[1]];
        format!("| {name} | {all_lines} | {of_lines:.1}% | {all_functions} | {of_functions:.1}% |\n")
    };
    let all = crates.values().fold([[0; 2]; 2], |sum, one| {
        std::array::from_fn(|kind| std::array::from_fn(|what| sum[kind][what] + one[kind][what]))
    });
    let rows = crates.iter().map(|(name, &sums)| row(&format!("`{name}`"), sums));
    Ok(head + &rows.collect::<String>() + &row("all", all))
}

/// Changes the code of [`MUTATED`] in one place after the other and lists the changes that no unit test of
/// the crate finds. What was found is below `target/mutants`, by crate; fails if one survives.
pub(crate) fn mutants() -> Result<()> {
    let program = tool("cargo-mutants", "27.1.0", &["--debug"])?;
    let path = before_path(program.parent().context("a program lies in a folder")?)?;
    let of = |(package, tests, files): (&str, Option<&str>, &[&str])| {
        let found = root().join("target/mutants").join(package);
        std::fs::create_dir_all(&found)?;
        let mut command = Command::new("cargo");
        command.args(["mutants", "--package", package, "--no-shuffle", "--timeout", "60", "--output"]);
        command.arg(found).args(files.iter().flat_map(|file| ["--file".to_owned(), source(package, file)]));
        command.args(["--cargo-test-arg=--lib", "--"]).args(tests);
        // Most of the time goes into compiling the changed crate.
        command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0");
        run(command.env("PATH", &path).current_dir(root()))
    };
    // The mutants of all crates are tried, whatever survives.
    MUTATED.map(of).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_summed_up_by_crate() {
        let file = |name: &str, covered: u64| {
            serde_json::json!({ "filename": name, "summary": {
                "lines": { "count": 10, "covered": covered }, "functions": { "count": 4, "covered": 1 } } })
        };
        let files = [
            file("/r/crates/a/src/lib.rs", 5),
            file("/r/crates/a/src/b/c.rs", 10),
            file("/r/crates/b/src/lib.rs", 0),
            file("/elsewhere/x.rs", 9),
        ];
        let report = serde_json::json!({ "data": [{ "files": files }] }).to_string();
        let table = by_crate(&report).unwrap();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| `a` | 20 | 75.0% | 8 | 25.0% |",
                "| `b` | 10 | 0.0% | 4 | 25.0% |",
                "| all | 30 | 50.0% | 12 | 25.0% |"
            ]
        );
        assert!(by_crate("{}").is_err() && by_crate("{\"data\":[{\"files\":[]}]}").is_err());
    }

    #[test]
    fn what_is_mutated_is_there() {
        let mut files =
            MUTATED.iter().flat_map(|(package, _, files)| files.iter().map(|file| source(package, file)));
        assert!(files.all(|file| root().join(file).is_file()));
        assert!(CRATES.iter().all(|name| root().join("crates").join(name).is_dir()));
    }
}
