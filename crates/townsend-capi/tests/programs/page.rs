//! The blocks of code of `docs/c.md`, as somebody copies them.

use std::process::Command;

use tempfile::TempDir;

use super::MODELS;
use super::setup::{INSTALLED, of_crate, succeed};

/// A block of the page: what it is written in, the name of its file (none for commands), and its text.
struct Block {
    language: String,
    file: Option<String>,
    text: String,
}

/// The blocks of the page. Where one is a file, its first line is a comment that names it.
fn blocks(page: &str) -> Vec<Block> {
    let mut parts = page.split("```");
    parts.next();
    let mut blocks = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').expect("a block begins with a line");
        let first = text.lines().next().unwrap_or_default();
        let named = first.trim_start_matches(['/', '#', ' ']).to_owned();
        let file = Some(named).filter(|name| first != name && name.contains('.') && !name.contains(' '));
        blocks.push(Block { language: language.into(), file, text: text.into() });
    }
    blocks
}

#[test]
fn everything_on_the_page_works() {
    let page = std::fs::read_to_string(of_crate("../../docs/c.md")).expect("the page is there");
    let folder = TempDir::new().expect("a folder");
    std::os::unix::fs::symlink(INSTALLED.path(), folder.path().join("opt")).expect("it can be linked");
    std::fs::copy(&MODELS.network, folder.path().join("vae.townsend")).expect("it can be copied");
    let blocks = blocks(&page);
    for Block { language, file, text } in &blocks {
        if let Some(file) = file {
            std::fs::write(folder.path().join(file), text).expect("it can be written");
        } else {
            assert!(["sh", "text"].contains(&language.as_str()), "a block of {language} names no file");
        }
    }
    // Commands come in the order of the page; those that install or build the library are not for a test.
    let commands = blocks.iter().filter(|block| block.language == "sh").flat_map(|block| block.text.lines());
    let mut done = 0;
    for line in commands.filter(|line| !line.starts_with("cargo ")) {
        done += 1;
        succeed(
            Command::new("sh")
                .arg("-c")
                .arg(line)
                .current_dir(folder.path())
                .env("DIR", folder.path().join("opt")),
        );
    }
    assert!(done >= 6, "only {done} commands");
}
