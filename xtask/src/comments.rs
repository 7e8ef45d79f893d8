//! The width of comments, which rustfmt leaves as they are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::environment::root;

/// The widest a line of a comment may be, indentation included; that of code is `max_width` in
/// `rustfmt.toml`.
const WIDTH: usize = 110;

/// Refuses Rust files of this repository in which a line of a comment is wider than [`WIDTH`].
pub(crate) fn check() -> Result<()> {
    let mut wide = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in rust_files(&root().join(folder))? {
            let text = std::fs::read_to_string(&path)?;
            let shown = path.strip_prefix(root()).unwrap_or(&path).display();
            wide.extend(too_wide(&text).map(|(line, width)| format!("{shown}:{line}: {width} columns")));
        }
    }
    if wide.is_empty() {
        return Ok(());
    }
    bail!("comments wider than {WIDTH} columns; break these lines:\n  {}", wide.join("\n  "))
}

/// The Rust files below a folder, sorted; not those of builds.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("{}: cannot be read", folder.display());
    let entries = std::fs::read_dir(folder).with_context(failed)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() && !path.ends_with("target") {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Number (from 1) and width of the comment lines that are too wide and have a blank to be broken at.
fn too_wide(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let numbered = (1..).zip(text.lines());
    let comments = numbered.filter_map(|(number, line)| Some((number, line, comment(line)?)));
    comments.filter_map(|(number, line, words)| {
        let width = line.chars().count();
        (width > WIDTH && words.contains(char::is_whitespace)).then_some((number, width))
    })
}

/// The words of a line that holds nothing but a comment: `//`, `///` or `//!`.
fn comment(line: &str) -> Option<&str> {
    let behind = line.trim_start().strip_prefix("//")?;
    Some(behind.trim_start_matches(['/', '!']).trim())
}

#[cfg(test)]
mod tests {
    use super::too_wide;

    fn found(line: &str) -> bool {
        too_wide(line).next().is_some()
    }

    #[test]
    fn comments_end_at_column_110() {
        for (start, end) in [("// a ", 105), ("    /// a ", 100), ("//! a ", 104)] {
            assert!(!found(&format!("{start}{}", "b".repeat(end))), "{start}");
            assert!(found(&format!("{start}{}", "b".repeat(end + 1))), "{start}");
        }
    }

    #[test]
    fn columns_are_characters_and_lines_count_from_one() {
        assert!(!found(&format!("// a {}", "β".repeat(105))));
        let text = format!("fn f() {{}}\n// a {}\n", "β".repeat(106));
        assert_eq!(too_wide(&text).collect::<Vec<_>>(), [(2, 111)]);
    }

    #[test]
    fn code_and_single_words_may_be_wider() {
        assert!(!found(&format!("let a = 1; // {}", "b ".repeat(80))));
        assert!(!found(&format!("/// https://{}", "b".repeat(120))));
    }
}
