//! The documentation as a book, by mdBook: the pages of `docs` in the order of `docs/SUMMARY.md`, and what
//! they link to in the rest of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::environment::{root, run, tool};

/// Where files from outside `docs` lie in the book.
const OUTSIDE: &str = "repository";

/// Builds the book into `target/book/html`; mdBook is set up under `target/tools` on first use.
pub(crate) fn docs() -> Result<()> {
    let mdbook = tool("mdbook", "0.5.4", &["--no-default-features", "--features", "search"])?;
    build(&mdbook, &root().join("target/book"))?;
    println!("{}", root().join("target/book/html/index.html").display());
    Ok(())
}

/// Lays the sources of the book out in a folder and builds it there.
fn build(mdbook: &Path, folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let sources = Sources::of(&root())?;
    for (path, text) in &sources.texts {
        write(&folder.join("src").join(path), text.as_bytes())?;
    }
    for (path, original) in &sources.files {
        let bytes = std::fs::read(original).with_context(|| original.display().to_string())?;
        write(&folder.join("src").join(path), &bytes)?;
    }
    write(&folder.join("book.toml"), &std::fs::read(root().join("docs/book.toml"))?)?;
    run(Command::new(mdbook).arg("build").arg(folder).arg("--dest-dir").arg(folder.join("html")))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, bytes).with_context(|| path.display().to_string())
}

/// What the book is made of, by its place in it.
struct Sources {
    /// Pages with the links that they have in the book.
    texts: BTreeMap<PathBuf, String>,
    /// Files that are copied as they are.
    files: BTreeMap<PathBuf, PathBuf>,
}

impl Sources {
    /// All pages of `docs`, what is for those who change the project, and whatever these link to.
    fn of(root: &Path) -> Result<Self> {
        let (mut texts, mut files) = (BTreeMap::new(), BTreeMap::new());
        let first = ["docs/SUMMARY.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
        let mut waiting: Vec<PathBuf> = first.map(PathBuf::from).into();
        let mut seen: BTreeSet<PathBuf> = waiting.iter().cloned().collect();
        while let Some(page) = waiting.pop() {
            let text =
                std::fs::read_to_string(root.join(&page)).with_context(|| page.display().to_string())?;
            let mut rewritten = String::new();
            let mut rest = text.as_str();
            for link in links(&text) {
                let start = text.len() - rest.len();
                rewritten.push_str(&text[start..link.at]);
                rest = &text[link.at + link.target.len()..];
                let Some((path, anchor)) = local(&page, link.target) else {
                    rewritten.push_str(link.target);
                    continue;
                };
                let there = root.join(&path);
                if !there.exists() {
                    bail!("{}: a link leads to {}, which is not there", page.display(), path.display());
                }
                rewritten.push_str(&(between(&place(&page), &place(&path)) + anchor));
                if there.is_file() && seen.insert(path.clone()) {
                    if path.extension().is_some_and(|ending| ending == "md") {
                        waiting.push(path);
                    } else {
                        files.insert(place(&path), there);
                    }
                }
            }
            rewritten.push_str(rest);
            texts.insert(place(&page), rewritten);
        }
        let others = texts.keys().filter(|path| path.starts_with(OUTSIDE)).map(|path| {
            let path = path.display().to_string();
            let name = path.trim_start_matches(OUTSIDE).trim_start_matches('/');
            format!("- [{name}]({path})\n")
        });
        let others: String = others.collect();
        let summary = texts.entry("SUMMARY.md".into()).or_default();
        *summary = format!("{summary}\n# The repository\n\n{others}");
        Ok(Self { texts, files })
    }
}

/// The place in the book of a file of the repository.
fn place(path: &Path) -> PathBuf {
    path.strip_prefix("docs").map_or_else(|_| Path::new(OUTSIDE).join(path), Path::to_path_buf)
}

/// The way from a page to a file, both by their places in the book.
fn between(page: &Path, file: &Path) -> String {
    "../".repeat(page.components().count() - 1) + &file.display().to_string()
}

/// A link in a page: where its target stands in the text, and the target.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Link<'a> {
    at: usize,
    target: &'a str,
}

/// The links and images of a page in their order, but for blocks and words of code.
fn links(text: &str) -> Vec<Link<'_>> {
    let (mut found, mut at, mut fenced) = (Vec::new(), 0, false);
    for line in text.split_inclusive('\n') {
        fenced ^= line.starts_with("```");
        let (mut code, mut skipped) = (false, 0);
        for (k, c) in line.char_indices() {
            code ^= c == '`';
            if fenced || code || k < skipped || !line[k..].starts_with("](") {
                continue;
            }
            let target = line[k + 2..].split(')').next().unwrap_or_default();
            skipped = k + 2 + target.len();
            found.push(Link { at: at + k + 2, target });
        }
        at += line.len();
    }
    found
}

/// The file of the repository that a link of a page leads to, and the anchor behind its name with the `#`.
/// Links into the net lead to none.
fn local<'a>(page: &Path, target: &'a str) -> Option<(PathBuf, &'a str)> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (name, anchor) = target.split_at(target.find('#').unwrap_or(target.len()));
    let mut path = if name.is_empty() { page.to_path_buf() } else { page.parent()?.to_path_buf() };
    for part in Path::new(name).components() {
        match part {
            Component::ParentDir => _ = path.pop(),
            part => path.push(part),
        }
    }
    Some((path, anchor))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages of `docs`, and others that people read.
    fn pages() -> Vec<PathBuf> {
        let docs = root().join("docs").read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        let docs = docs.map(|name| Path::new("docs").join(name));
        let others = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md"];
        let all = docs.chain(others.map(PathBuf::from));
        all.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect()
    }

    /// Names that parts of a page can be linked by: those of its headings, as GitHub and mdBook make them,
    /// and those that stand in it.
    fn anchors(text: &str) -> BTreeSet<String> {
        let mut fenced = false;
        let headings = text.lines().filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced && line.starts_with('#')
        });
        let name = |heading: &str| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        };
        let written = text.split("<a name=\"").skip(1).filter_map(|rest| rest.split('"').next());
        headings.map(name).chain(written.map(str::to_owned)).collect()
    }

    #[test]
    fn every_page_is_in_the_book() {
        let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
        let named: BTreeSet<PathBuf> =
            links(&summary).iter().map(|link| Path::new("docs").join(link.target)).collect();
        let mut pages: BTreeSet<PathBuf> =
            pages().into_iter().filter(|page| page.starts_with("docs")).collect();
        pages.remove(Path::new("docs/SUMMARY.md"));
        assert_eq!(named, pages);
    }

    #[test]
    fn every_link_leads_somewhere() {
        let mut broken = Vec::new();
        let mut checked = 0;
        for page in pages() {
            let text = std::fs::read_to_string(root().join(&page)).unwrap();
            for link in links(&text) {
                let Some((path, anchor)) = local(&page, link.target) else { continue };
                checked += 1;
                let there = root().join(&path);
                let known = !anchor.is_empty()
                    && std::fs::read_to_string(&there)
                        .is_ok_and(|text| anchors(&text).contains(&anchor[1..]));
                if !there.exists() || !(anchor.is_empty() || known) {
                    broken.push(format!("{}: {}", page.display(), link.target));
                }
            }
        }
        assert!(broken.is_empty() && checked > 100, "{checked} links; broken:\n{}", broken.join("\n"));
    }

    /// In the book too, where files from outside `docs` have another place.
    #[test]
    fn links_lead_somewhere_in_the_book() {
        let sources = Sources::of(&root()).unwrap();
        for (page, text) in &sources.texts {
            for link in links(text) {
                let Some((path, _)) = local(page, link.target) else { continue };
                let folder = root().join(path.strip_prefix(OUTSIDE).unwrap_or(&path)).is_dir();
                assert!(
                    sources.texts.contains_key(&path) || sources.files.contains_key(&path) || folder,
                    "{}: {}",
                    page.display(),
                    link.target
                );
            }
        }
        assert!(sources.texts[Path::new("SUMMARY.md")].contains("(repository/ARCHITECTURE.md)"));
    }

    /// Where mdBook is set up, as `cargo xtask docs` does it, the book is built.
    #[test]
    fn the_book_is_built() {
        let mdbook = root().join("target/tools/bin/mdbook");
        if mdbook.exists() {
            let folder = root().join("target/book-of-the-test");
            build(&mdbook, &folder).unwrap();
            let page = std::fs::read_to_string(folder.join("html/cascade.html")).unwrap();
            assert!(page.contains("The model of a stage") && folder.join("html/figures/stages.svg").exists());
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn links_of_code_are_none() {
        let text = "a [b](c.md#d) `[e](f)` ![g](h.svg)\n```\n[i](j)\n```\n[k](https://l)\n";
        let targets: Vec<&str> = links(text).iter().map(|link| link.target).collect();
        assert_eq!(targets, ["c.md#d", "h.svg", "https://l"]);
        assert_eq!(local(Path::new("docs/p.md"), "../a/b.md#c"), Some(("a/b.md".into(), "#c")));
        assert_eq!(local(Path::new("docs/p.md"), "#c"), Some(("docs/p.md".into(), "#c")));
        assert_eq!(between(Path::new("repository/data/README.md"), Path::new("gas.md")), "../../gas.md");
    }
}
