//! Files as users name them: several, by patterns, with a tree.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A file, and the tree in it if one was named with it: `run.root:events`, as uproot writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// The tree.
    pub tree: Option<String>,
}

impl<P: AsRef<Path>> From<P> for Source {
    fn from(path: P) -> Self {
        Self { path: path.as_ref().into(), tree: None }
    }
}

/// The files that these names and patterns stand for, in the order given. Files of a pattern are in the order
/// of their names, in which numbers count by their value: `out_2.root` before `out_10.root`.
///
/// # Errors
/// A pattern is no pattern, or no file fits it. Whether a file can be read is not asked.
pub fn sources(given: &[impl AsRef<Path>]) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for name in given {
        let name = name.as_ref();
        // A name that exists is that file, whatever letters it has.
        if name.exists() {
            found.push(name.into());
            continue;
        }
        let (path, tree) = with_tree(name);
        let text = path.to_string_lossy();
        if path.exists() || !text.contains(['*', '?', '[']) {
            found.push(Source { path, tree });
            continue;
        }
        let unsuited = |what: String| Error::Unsuited { file: path.clone(), what };
        let files =
            glob::glob(&text).map_err(|error| unsuited(format!("is no pattern of files: {error}")))?;
        let mut files: Vec<PathBuf> = files.filter_map(std::result::Result::ok).collect();
        if files.is_empty() {
            return Err(unsuited("no file has such a name".into()));
        }
        files.sort_by_cached_key(|file| by_value(&file.to_string_lossy()));
        found.extend(files.into_iter().map(|path| Source { path, tree: tree.clone() }));
    }
    Ok(found)
}

/// Divides `file.root:tree` at the colon after the ending.
fn with_tree(name: &Path) -> (PathBuf, Option<String>) {
    let text = name.to_string_lossy();
    let divided = text
        .rsplit_once(':')
        .filter(|(file, tree)| file.to_lowercase().ends_with(".root") && !tree.is_empty());
    match divided {
        Some((file, tree)) => (file.into(), Some(tree.trim_start_matches('/').to_owned())),
        None => (name.into(), None),
    }
}

/// A part of a name in the order of names: text, or a number by its value.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u128),
    Text(String),
}

fn by_value(name: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(part.parse().map_or_else(|_| Part::Text(part.to_owned()), Part::Number));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, given: &[&str]) -> Vec<String> {
        let given: Vec<PathBuf> = given.iter().map(|name| folder.join(name)).collect();
        let sources = sources(&given).unwrap();
        let name = |source: Source| {
            let tree = source.tree.map(|tree| format!(":{tree}")).unwrap_or_default();
            source.path.file_name().unwrap().to_string_lossy().into_owned() + &tree
        };
        sources.into_iter().map(name).collect()
    }

    #[test]
    fn patterns_are_files_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["out_10.root", "out_2.root", "out_1.root", "a[1].root", "b.npz"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let numbered = ["out_1.root", "out_2.root", "out_10.root"];
        assert_eq!(names(folder.path(), &["out_*.root"]), numbered);
        assert_eq!(names(folder.path(), &["b.npz", "out_?.root"]), ["b.npz", "out_1.root", "out_2.root"]);
        assert_eq!(names(folder.path(), &["a[1].root"]), ["a[1].root"], "a name that exists is no pattern");
        let with_trees = numbered.map(|name| format!("{name}:hits/e"));
        assert_eq!(names(folder.path(), &["out_*.root:hits/e"]), with_trees);
        let error = sources(&[folder.path().join("none_*.root")]).unwrap_err().to_string();
        assert!(error.contains("none_*.root: no file has such a name"), "{error}");
    }

    #[test]
    fn a_tree_may_stand_after_the_file() {
        assert_eq!(
            names(Path::new("/nowhere"), &["a.root:tree", "c.ROOT:/d/t", "b.npz:x"]),
            ["a.root:tree", "c.ROOT:d/t", "b.npz:x"]
        );
    }
}
