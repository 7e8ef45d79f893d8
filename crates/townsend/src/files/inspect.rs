//! What a file holds.

use std::path::PathBuf;

use serde::Serialize;
use townsend_core::OutputFile;
use townsend_observables::Observable;
use townsend_page::{inspection_page, observable_figures};

use super::folder::{figure_files, refuse_outputs, write_outputs};
use super::input::{Input, Read};
use crate::inspect::{Inspection, observables, of_observables};
use crate::{Context, Result};

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct InspectOptions {
    /// A page to write too: the observables' distributions, and avalanches in three dimensions.
    pub html: Option<PathBuf>,
    /// A folder for a figure of each observable, as SVG and as PDF.
    pub plots: Option<PathBuf>,
}

/// What a file holds.
#[derive(Debug, Clone, Serialize)]
pub struct FileInspection {
    /// The path as it was given.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How the file holds the avalanches.
    pub layout: String,
    /// Its avalanches.
    #[serde(flatten)]
    pub inspection: Inspection,
}

/// Reads files as one set and says what they hold.
pub fn inspect(
    input: impl Into<Input>,
    options: &InspectOptions,
    context: &Context<'_>,
) -> Result<FileInspection> {
    let input = input.into();
    if let Some(page) = &options.html {
        OutputFile::refuse_existing(page, context.force)?;
    }
    if let Some(folder) = &options.plots {
        let names = Observable::ALL.map(|observable| format!("{}.svg", observable.name()));
        refuse_outputs(folder, &names.each_ref().map(String::as_str), context)?;
    }
    let Read { data, layout, warnings } = input.read(context)?;
    let observed = observables(&data, context)?;
    let mut inspection = of_observables(&data, &observed);
    inspection.warnings.splice(0..0, warnings);
    let file = input.file()?;
    let all = FileInspection { file: file.file, sha256: file.sha256, layout, inspection };
    if let Some(page) = &options.html {
        let warnings = &all.inspection.warnings;
        let text = inspection_page(&all.file, &all.facts(), warnings, &data, &observed, context.seed)?;
        OutputFile::write(page, text.as_bytes(), context.force)?;
    }
    if let Some(folder) = &options.plots {
        let figures = observable_figures(&observed)?;
        let files: Vec<_> = figures.into_iter().flat_map(|figure| figure_files("", figure)).collect();
        write_outputs(folder, &files, context)?;
    }
    Ok(all)
}

impl FileInspection {
    /// What is said of the file as a whole: names and values.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        [("layout", self.layout.clone())].into_iter().chain(self.inspection.facts()).collect()
    }
}
