//! One page of all figures, and what of it moved since the last release.

mod compare;
mod measure;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::environment::{cargo, root, run};
use compare::{Change, compare};
use measure::{Program, measure};

/// The figures of the last release.
const RELEASE: &str = "docs/validation.json";

/// A number that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Figure {
    /// Kind, what was measured on, and what: `physics, cgem: empty avalanches`.
    name: String,
    value: f64,
    /// Standard error; of a speed what it varies by from run to run.
    error: f64,
    unit: String,
    /// What makes it, as a user would.
    command: String,
    /// What it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected: Option<Expected>,
}

/// What a figure is measured against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Expected {
    value: f64,
    /// 0 of a floor.
    error: f64,
    /// Where it is from.
    from: String,
}

/// All figures of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    schema: String,
    producer: String,
    figures: Vec<Figure>,
    /// What is not as at the last release.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    changes: Vec<Change>,
}

const SCHEMA: &str = "townsend-validation/1";

impl Measured {
    fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown}: cannot be read"))?;
        let figures: Self = serde_json::from_str(&text).with_context(|| format!("{shown}"))?;
        if figures.schema != SCHEMA {
            bail!("{shown}: its schema is {}, and {SCHEMA} was expected", figures.schema);
        }
        Ok(figures)
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
    }
}

/// `cargo xtask validate [--program FILE] [--no-classifiers] [--accept]`: measures, writes
/// `target/validation/figures.json` and `index.html` beside it, and fails if something moved or vanished;
/// with `--accept` the figures become those that later ones are compared with. Classifiers take most of the
/// time.
pub(crate) fn validate(arguments: &[String]) -> Result<()> {
    let (mut program, mut classifiers, mut accept) = (None, true, false);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--program" => program = Some(arguments.next().context("--program wants a file")?.into()),
            "--no-classifiers" => classifiers = false,
            "--accept" => accept = true,
            other => bail!(
                "`{other}` is no option of validate; there are --program FILE, --no-classifiers and --accept"
            ),
        }
    }
    let folder = root().join("target/validation");
    std::fs::create_dir_all(&folder)?;
    let program = match program {
        Some(program) => std::path::absolute::<PathBuf>(program)?,
        None => built()?,
    };
    let mut now = measure(&Program::new(program)?, classifiers)?;
    let release = root().join(RELEASE);
    if accept {
        now.write(&release)?;
        println!("{} figures are now those of the release, {}", now.figures.len(), release.display());
    }
    let before = Measured::read(&release)?;
    now.changes = compare(&now.figures, &before.figures);
    now.write(&folder.join("figures.json"))?;
    let page = folder.join("index.html");
    let draw = ["run", "--locked", "--package", "townsend-page", "--example", "validation", "--"];
    run(cargo(&draw).args([folder.join("figures.json"), page.clone()]))?;
    println!("{} figures: {}", now.figures.len(), page.display());
    now.changes.iter().for_each(|change| println!("{change}"));
    if now.changes.iter().any(Change::fails) {
        bail!(
            "{} of {} figures are not those of {RELEASE} ({}); where that is meant, `--accept` takes the new ones",
            now.changes.len(),
            now.figures.len(),
            before.producer
        );
    }
    Ok(())
}

/// The program, built as it is handed out.
fn built() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--release", "--locked", "--package", "townsend-cli"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    Ok(target.join("release/townsend"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of the last release are there, sound, and each says what makes it.
    #[test]
    fn the_figures_of_the_release_are_read() {
        let release = Measured::read(&root().join(RELEASE)).unwrap();
        assert!(release.figures.len() > 100, "{}", release.figures.len());
        for figure in &release.figures {
            assert!(figure.value.is_finite() && figure.error >= 0.0, "{figure:?}");
            assert!(figure.command.starts_with("townsend "), "{figure:?}");
        }
        assert_eq!(compare(&release.figures, &release.figures), []);
        let mut names: Vec<&str> = release.figures.iter().map(|figure| figure.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), release.figures.len());
        for kind in ["physics, ", "distance, ", "speed, "] {
            assert!(names.iter().any(|name| name.starts_with(kind)), "{kind}");
        }
    }
}
