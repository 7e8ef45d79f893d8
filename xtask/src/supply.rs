//! Where the code comes from: licences, sources and advisories of every crate, the oldest compiler that will
//! do, and the page that gives each dependency a reason.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment::{root, run, tool};

/// `cargo xtask supply [--offline]`: cargo-deny by `deny.toml`, and the workspace with the compiler that its
/// `rust-version` names. Offline, advisories are those that were fetched last.
pub(crate) fn supply(arguments: &[String]) -> Result<()> {
    let offline = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--offline"] => true,
        _ => bail!("say `cargo xtask supply` or `cargo xtask supply --offline`"),
    };
    // Optimised it would take several minutes to build, and it runs for seconds.
    let deny = tool("cargo-deny", "0.20.2", &["--debug"])?;
    let check = |what: &[&str]| {
        let mut command = Command::new(&deny);
        command.args(offline.then_some("--offline")).args(["--locked", "check"]).args(what);
        command
    };
    run(&mut check(&["licenses", "bans", "sources"]))?;
    run(&mut check(&["advisories"])).context(
        "if the advisories could not be fetched: cargo-deny clones github.com/RustSec/advisory-db into \
         advisory-dbs below CARGO_HOME; with a copy there, `--offline` checks by it",
    )?;
    oldest_compiler()
}

/// Type-checks everything with the compiler that `rust-version` promises.
fn oldest_compiler() -> Result<()> {
    let toolchain = format!("{}.0", env!("CARGO_PKG_RUST_VERSION"));
    run(Command::new("rustup").args(["toolchain", "install", &toolchain, "--profile", "minimal"]))
        .context("this needs rustup, which has the older compilers")?;
    let check = ["check", "--workspace", "--all-targets", "--locked"];
    // The cargo that built this program is that of one toolchain; another one is chosen by the one in PATH.
    run(Command::new("cargo").arg(format!("+{toolchain}")).args(check).current_dir(root()))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::PathBuf;

    use super::*;

    fn read(path: &str) -> String {
        std::fs::read_to_string(root().join(path)).unwrap()
    }

    /// The manifests of all crates, with those of fuzzing.
    fn manifests() -> Vec<PathBuf> {
        let crates = root().join("crates").read_dir().unwrap().map(|entry| entry.unwrap().path());
        let folders =
            crates.flat_map(|package| [package.join("fuzz"), package]).chain([root().join("xtask")]);
        folders.map(|folder| folder.join("Cargo.toml")).filter(|manifest| manifest.exists()).collect()
    }

    /// The names that stand in the tables of dependencies of a manifest, but for crates of the workspace.
    fn dependencies(manifest: &str) -> BTreeSet<String> {
        let (mut found, mut inside) = (BTreeSet::new(), false);
        for line in manifest.lines() {
            if let Some(table) = line.strip_prefix('[') {
                let table = table.trim_end().trim_end_matches(']');
                inside = table.ends_with("dependencies") && table != "workspace.dependencies";
                continue;
            }
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            let named = inside && !name.is_empty() && !name.starts_with(['#', '"']);
            if named && !name.starts_with("townsend") {
                found.insert(name.to_owned());
            }
        }
        found
    }

    /// The crates in the first column of a page's tables of dependencies; what stands in brackets there are
    /// features. Each must have both, what it is for and why it was chosen.
    fn explained(page: &str) -> BTreeMap<String, bool> {
        let (mut found, mut inside) = (BTreeMap::new(), false);
        for line in page.lines() {
            inside = line.starts_with("| crate | for | why") || inside && line.starts_with('|');
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            if !inside || cells.len() < 5 || cells[1] == "crate" || cells[1].starts_with('-') {
                continue;
            }
            let outside = cells[1].split('(').map(|part| part.rsplit(')').next().unwrap_or_default());
            let names = outside.flat_map(|part| part.split('`').skip(1).step_by(2).map(str::to_owned));
            let reasons = cells[2..4].iter().all(|cell| cell.len() > 5);
            found.extend(names.map(|name| (name, reasons)));
        }
        found
    }

    #[test]
    fn every_dependency_has_its_reason_on_the_page() {
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        let used: BTreeSet<String> =
            manifests().into_iter().flat_map(|manifest| dependencies(&read(manifest))).collect();
        let page = explained(&read(root().join("docs/dependencies.md")));
        let named: BTreeSet<String> = page.keys().cloned().collect();
        let missing: Vec<_> = used.difference(&named).collect();
        let gone: Vec<_> = named.difference(&used).collect();
        assert!(used.len() > 40, "{used:?}");
        assert!(missing.is_empty(), "docs/dependencies.md does not say why there is {missing:?}");
        assert!(gone.is_empty(), "docs/dependencies.md names what no crate depends on: {gone:?}");
        let bare: Vec<_> = page.iter().filter(|(_, reasons)| !**reasons).map(|(name, _)| name).collect();
        assert!(bare.is_empty(), "docs/dependencies.md has no reason for {bare:?}");
    }

    #[test]
    fn what_the_workspace_names_is_used_by_a_crate() {
        let shared = read("Cargo.toml");
        let table = shared.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
        let shared = dependencies(&format!("[dependencies]{table}"));
        let used: BTreeSet<String> = manifests()
            .into_iter()
            .flat_map(|manifest| dependencies(&std::fs::read_to_string(manifest).unwrap()))
            .collect();
        assert!(shared.len() > 40);
        assert_eq!(shared.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new());
    }

    /// What `deny.toml` says of sources, on every machine: crates.io, with a hash.
    #[test]
    fn every_crate_comes_from_one_registry_with_its_hash() {
        let lock = read("Cargo.lock");
        let mut others = 0;
        for package in lock.split("[[package]]\n").skip(1) {
            let value = |key: &str| {
                let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
                Some(line.trim_matches('"'))
            };
            let name = value("name").unwrap();
            let Some(source) = value("source") else {
                assert!(name.starts_with("townsend") || name == "xtask", "{name} has no source");
                continue;
            };
            others += 1;
            assert_eq!(source, "registry+https://github.com/rust-lang/crates.io-index", "{name}");
            assert_eq!(value("checksum").map(str::len), Some(64), "{name}");
        }
        assert!(others > 300, "{others}");
    }

    #[test]
    fn tables_are_read_as_they_are_written() {
        let manifest = "[package]\nname = \"p\"\n[dependencies]\nserde.workspace = true\n# no = 1\nlibc = \"0.2\"\n\
                        townsend-core = { path = \"c\" }\n[target.'cfg(unix)'.dev-dependencies]\nrustix = \"1\"\n[features]\nx = []\n";
        assert_eq!(dependencies(manifest).into_iter().collect::<Vec<_>>(), ["libc", "rustix", "serde"]);
        let page = "| crate | for | why this one |\n|---|---|---|\n| `a` (with `x`), `b` | reading | it is small |\n\
                    | `c` | writing | |\n\n| crates | level |\n|---|---|\n| `d` | 1 |\n";
        let found = explained(page);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(found["a"] && found["b"] && !found["c"]);
    }
}
