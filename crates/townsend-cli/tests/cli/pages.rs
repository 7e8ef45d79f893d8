//! The commands of README.md and of every page in `docs` are run as they stand, page by page, each page in a
//! folder laid out like a fresh clone.
//!
//! A block with the language `sh`, or with none and a line that begins with a program, is run by bash, a
//! block of `python` by the Python of the tests. Files that commands need are in the repository, or are
//! made by earlier commands of the page. What stands before a block may change that:
//!
//! - `<!-- long: WHY -->`: the block is run by `cargo xtask soak` alone, which sets `TOWNSEND_PAGES` to
//!   `long`;
//! - `<!-- not run: WHY -->`: it is not run;
//! - `<!-- refused -->`: its last command fails, and says what the next block has.
//!
//! Before the title of a page `<!-- not run: WHY -->` holds for its blocks of Python. Of blocks that are not
//! run, and of lines of `cargo`, which would build the project within its own tests, everything that they
//! name has to be there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Desk, copy, end_within, test_python};

/// What a command may begin with.
const PROGRAMS: [&str; 18] = [
    "townsend",
    "cargo",
    "python",
    "python3",
    "pip",
    "cmake",
    "gcc",
    "g++",
    "export",
    "printf",
    "head",
    "cp",
    "sed",
    "cat",
    "build/",
    "./",
    "/usr/bin/time",
    "source",
];
/// What names of files end with.
const ENDINGS: [&str; 14] = [
    ".root",
    ".npz",
    ".toml",
    ".csv",
    ".txt",
    ".gz",
    ".py",
    ".onnx",
    ".townsend",
    ".safetensors",
    ".mac",
    ".parquet",
    ".md",
    ".ipynb",
];
/// Options that an output stands behind.
const OUTPUTS: [&str; 8] = ["--out", "--responses", "--waveforms", "--html", "--plots", ">", ">>", "-o"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A block of a page.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    language: String,
    text: String,
    /// The line that it begins in.
    line: usize,
    mark: Mark,
}

/// When a block is run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mark {
    Always,
    Long,
    Never,
    Refused,
}

fn mark(line: &str) -> Option<Mark> {
    let inner = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    if inner == "refused" {
        return Some(Mark::Refused);
    }
    let of = [("long: ", Mark::Long), ("not run: ", Mark::Never)];
    of.into_iter()
        .find_map(|(word, mark)| (inner.len() > word.len() && inner.starts_with(word)).then_some(mark))
}

/// The blocks of a page, and whether a mark stands before its title.
fn blocks_of(page: &str, text: &str) -> (Vec<Block>, bool) {
    let (mut blocks, mut pending, mut whole) = (Vec::new(), None, false);
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        if let Some(found) = mark(line) {
            pending = Some((found, number));
        } else if let Some(language) = line.strip_prefix("```") {
            let inner: Vec<&str> =
                lines.by_ref().map(|(line, _)| line).take_while(|line| !line.starts_with("```")).collect();
            let inner = inner.join("\n");
            let mark = pending.take().map_or(Mark::Always, |(mark, _)| mark);
            blocks.push(Block { language: language.trim().into(), text: inner, line: number, mark });
        } else if !line.trim().is_empty() {
            let title = line.starts_with("# ") && blocks.is_empty();
            if let Some((found, at)) = pending.take() {
                assert!(
                    title && found == Mark::Never,
                    "{page}:{at}: a mark stands before a block or the title"
                );
                whole = true;
            }
        }
    }
    (blocks, whole)
}

fn begins_with_a_program(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    PROGRAMS.iter().any(|program| first == *program || (program.ends_with('/') && first.starts_with(program)))
}

impl Block {
    /// True if it holds commands.
    fn is_shell(&self) -> bool {
        self.language == "sh" || (self.language.is_empty() && self.text.lines().any(begins_with_a_program))
    }

    /// The commands, each in one line, without what is between the lines of a document for standard input.
    fn commands(&self) -> Vec<String> {
        let text = self.text.replace("\\\n", " ");
        let mut commands = Vec::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let line = line.split_once(" #").map_or(line, |(command, _)| command).trim();
            if let Some((_, word)) = line.split_once("<<") {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric());
                lines.by_ref().find(|line| *line == word);
            }
            if !line.is_empty() && !line.starts_with('#') {
                commands.push(line.to_owned());
            }
        }
        commands
    }
}

/// What pages are about: README.md, and everything in `docs`.
fn pages() -> Vec<String> {
    let docs = std::fs::read_dir(repository().join("docs")).unwrap();
    let names = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = names.filter(|name| name.strip_suffix(".md").is_some_and(|name| name != "SUMMARY"));
    let mut pages: Vec<String> = pages.map(|name| format!("docs/{name}")).collect();
    pages.push("README.md".into());
    pages.sort();
    pages
}

/// A folder like a fresh clone: what commands may write to is copied, the rest is linked. Programs of the
/// pages are in `bin`.
fn clone(desk: &Desk) {
    for (name, copied) in
        [("configs", true), ("data", false), ("docs", true), ("crates", false), ("contrib", false)]
    {
        let (from, to) = (repository().join(name), desk.path(name));
        if copied { copy(&from, &to) } else { std::os::unix::fs::symlink(from, to).unwrap() }
    }
    let bin = desk.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let python = format!("#!/bin/sh\nexec '{}' \"$@\"\n", test_python().display());
    for (name, script) in [("python", &*python), ("python3", &python), ("cargo", "#!/bin/sh\n")] {
        std::fs::write(bin.join(name), script).unwrap();
        std::fs::set_permissions(bin.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    std::os::unix::fs::symlink(assert_cmd::cargo::cargo_bin!("townsend"), bin.join("townsend")).unwrap();
}

/// Runs a page, with what is long in it or without.
fn run(page: &str, long: bool) {
    let text = std::fs::read_to_string(repository().join(page)).unwrap();
    let (blocks, no_python) = blocks_of(page, &text);
    if blocks.is_empty() {
        return;
    }
    let desk = Desk::new();
    clone(&desk);
    let others = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(std::iter::once(desk.path("bin")).chain(std::env::split_paths(&others)))
        .unwrap();
    let mut answer: Option<String> = None;
    for block in blocks {
        let at = format!("{page}:{}", block.line);
        if let Some(answer) = answer.take() {
            let said = block.text.lines().find(|line| !answer.contains(line));
            assert!(said.is_none(), "{at}: {said:?} is not in\n{answer}");
            continue;
        }
        let wanted = match block.mark {
            Mark::Always | Mark::Refused => true,
            Mark::Long => long,
            Mark::Never => false,
        };
        let mut command = match &*block.language {
            "python" if !no_python => Command::new(test_python()),
            _ if block.is_shell() => Command::new("bash"),
            _ => {
                let hidden = block.text.lines().find(|line| line.starts_with("townsend "));
                assert!(hidden.is_none(), "{at}: commands stand in blocks of `sh`: {hidden:?}");
                continue;
            }
        };
        if !wanted {
            continue;
        }
        let shell = block.is_shell();
        command.args(if shell { ["-exo", "pipefail"].as_slice() } else { &[] });
        command
            .arg("-c")
            .arg(&block.text)
            .current_dir(desk.path(""))
            .env("PATH", &path)
            .env_remove("RUST_BACKTRACE");
        let started = Instant::now();
        let minutes = if long { 30 } else { 10 };
        let ran = end_within(command, Duration::from_mins(minutes));
        eprintln!("{at}: {:.1} s", started.elapsed().as_secs_f64());
        if block.mark == Mark::Refused {
            assert!(matches!(ran.code, Some(1 | 2)), "{at}: {:?}\n{}", ran.code, ran.stderr);
            answer = Some(ran.stderr);
        } else {
            assert_eq!(ran.code, Some(0), "{at}\n{}\n{}{}", block.text, ran.stdout, ran.stderr);
        }
    }
}

/// What a page names and nobody has.
fn missing(page: &str, blocks: &[Block]) -> Vec<String> {
    let (repository, mut made, mut missing) = (repository(), BTreeSet::new(), Vec::new());
    for block in blocks.iter().filter(|block| block.is_shell()) {
        for command in block.commands() {
            let at = format!("{page}:{}: {command}", block.line);
            if let Some(arguments) = command.strip_prefix("cargo ") {
                missing.extend(unknown_to_cargo(&repository, arguments).map(|what| format!("{at}: {what}")));
                continue;
            }
            let words: Vec<&str> =
                command.split_whitespace().map(|word| word.trim_matches(['\'', '"'])).collect();
            // What is run fails by itself if something is missing.
            let checked = matches!(block.mark, Mark::Long | Mark::Never)
                && ["townsend", "python", "python3"].contains(&words[0]);
            let run = words.contains(&"train");
            let output = |k: usize| {
                let behind = k > 0 && (OUTPUTS.contains(&words[k - 1]) || (run && words[k - 1] == "--run"));
                let last =
                    words.iter().position(|word| word.starts_with("--")).unwrap_or(words.len()) == k + 1;
                let converted = words[..k].contains(&"convert") && last && !words[k - 1].starts_with("--");
                behind || converted || (words[0] == "cp" && k + 1 == words.len())
            };
            for (k, word) in words.iter().enumerate() {
                let name = word.split(':').next().unwrap_or_default();
                let named = ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.starts_with("runs/");
                let pattern = name.contains(['*', '[', '{', '$'])
                    || name.contains('=') && name.starts_with("training.");
                if output(k) {
                    made.insert(name.to_owned());
                } else if checked && named && k > 0 && !pattern {
                    let name = name.rsplit_once('=').map_or(name, |(_, value)| value);
                    let there = [name.to_owned(), format!("configs/{name}")];
                    let of_run = made.iter().any(|made: &String| name.starts_with(&format!("{made}/")));
                    if !of_run
                        && !made.contains(name)
                        && !there.iter().any(|name| repository.join(name).exists())
                    {
                        missing.push(format!("{at}: {name}"));
                    }
                }
            }
        }
    }
    missing
}

/// What of a line of `cargo` is not in the repository: tasks, packages, and their tests, examples and
/// benches.
fn unknown_to_cargo<'a>(repository: &Path, arguments: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    let after = |names: &[&str]| {
        words.iter().position(|word| names.contains(word)).and_then(|at| words.get(at + 1)).copied()
    };
    let mut unknown = Vec::new();
    if words[0] == "xtask" {
        let tasks = std::fs::read_to_string(repository.join("xtask/src/main.rs")).unwrap();
        if !tasks.contains(&format!("\"{}\" =>", words[1])) {
            unknown.push(format!("there is no task {}", words[1]));
        }
    }
    let package = after(&["-p", "--package"])
        .map_or(repository.join("crates/townsend-cli"), |name| repository.join("crates").join(name));
    let path = after(&["--path"]).map_or(package.clone(), |path| repository.join(path));
    let mut wanted = vec![path.join("Cargo.toml")];
    for (option, folder) in [("--test", "tests"), ("--example", "examples"), ("--bench", "benches")] {
        if let Some(name) = after(&[option]) {
            let file = package.join(folder).join(format!("{name}.rs"));
            wanted.push(if file.exists() { file } else { package.join(folder).join(name).join("main.rs") });
        }
    }
    unknown.extend(wanted.into_iter().filter(|path| !path.exists()).map(|path| path.display().to_string()));
    unknown.into_iter()
}

/// Runs pages, two at a time, and says of all of them what went wrong.
fn run_pages(pages: &[String], long: bool) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(page) = pages.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Err(panic) = std::panic::catch_unwind(|| run(page, long)) {
                        let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                        failed.lock().unwrap().push(said);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn the_commands_of_all_pages_work() {
    let (only, long) =
        (std::env::var("TOWNSEND_PAGE").ok(), std::env::var("TOWNSEND_PAGES").is_ok_and(|of| of == "long"));
    let pages: Vec<String> =
        pages().into_iter().filter(|page| only.as_ref().is_none_or(|only| page.contains(only))).collect();
    run_pages(&pages, long);
}

#[test]
fn pages_name_nothing_that_nobody_has() {
    let mut all = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(repository().join(&page)).unwrap();
        all.extend(missing(&page, &blocks_of(&page, &text).0));
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// The first page is one that is read to its end.
#[test]
fn the_readme_is_short() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let words = readme.split_whitespace().count();
    assert!(words <= 600, "{words} words");
}

#[test]
fn marks_and_missing_files_are_seen() {
    let text = "# T\n\n```sh\ntownsend train cascade --data a.npz --run runs/a\n```\n\n<!-- long: an hour -->\n```\ntownsend \
                generate --run runs/a --events 2 --out b.npz\ntownsend inspect b.npz c.npz\ncargo run -p none --example \
                x\n```\n<!-- not run: why -->\n\n```python\n1\n```\n";
    let (blocks, whole) = blocks_of("p", text);
    assert_eq!(
        blocks.iter().map(|block| block.mark).collect::<Vec<_>>(),
        [Mark::Always, Mark::Long, Mark::Never]
    );
    assert!(!whole && blocks[0].is_shell() && blocks[1].is_shell() && !blocks[2].is_shell());
    let missing = missing("p", &blocks);
    assert!(missing[0].ends_with("c.npz") && missing[1].contains("crates/none/Cargo.toml"), "{missing:?}");
    assert!(blocks_of("p", "<!-- not run: elsewhere -->\n# T\n").1);
}
