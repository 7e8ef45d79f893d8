//! That every crate can be published: its manifest is complete, and what it includes lies inside it.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::comments::rust_files;
use crate::environment::{cargo, root, run};

/// Packages every crate, without building the packages: Burn would be built anew for each. What only that
/// would find, files outside the crate that are compiled into it, is looked for here.
pub(crate) fn check() -> Result<()> {
    let mut outside = Vec::new();
    for entry in std::fs::read_dir(root().join("crates")).context("crates: cannot be read")? {
        let package = entry?.path();
        for file in rust_files(&package.join("src"))? {
            let text = std::fs::read_to_string(&file)?;
            let shown = file.strip_prefix(root()).unwrap_or(&file).display();
            let leaving = included(&text).filter(|name| !inside(&package, &file, name));
            outside.extend(leaving.map(|name| format!("{shown}: {name}")));
        }
    }
    if !outside.is_empty() {
        let list = outside.join("\n  ");
        bail!("crates include files outside their folder; link these into it:\n  {list}");
    }
    let quiet = ["package", "--workspace", "--no-verify", "--allow-dirty", "--locked", "--quiet"];
    run(&mut cargo(&quiet))
}

/// The names in `include_str!("…")` and `include_bytes!("…")`.
fn included(text: &str) -> impl Iterator<Item = &str> {
    let calls = ["include_str!(\"", "include_bytes!(\""];
    calls.into_iter().flat_map(|call| text.split(call).skip(1)).filter_map(|behind| behind.split('"').next())
}

/// True if a name, seen from a file of a package, is in the package.
fn inside(package: &Path, file: &Path, name: &str) -> bool {
    let mut path = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    for part in Path::new(name).components() {
        match part {
            Component::ParentDir => _ = path.pop(),
            part => path.push(part),
        }
    }
    path.starts_with(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_outside_the_package_is_found() {
        let text = "const A: &str = include_str!(\"../data/a\");\nf(include_bytes!(\"../../b\"))";
        assert_eq!(included(text).collect::<Vec<_>>(), ["../data/a", "../../b"]);
        let (package, file) = (Path::new("/r/crates/p"), Path::new("/r/crates/p/src/lib.rs"));
        assert!(inside(package, file, "../data/a") && inside(package, file, "page.css"));
        assert!(!inside(package, file, "../../b") && !inside(package, file, "../../p-other/b"));
    }
}
