//! What a file holds.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::OutputFile;
use townsend_io::{Format, Loaded, ReadOptions};
use townsend_page::inspection_page;

use crate::context::input_file;
use crate::inspect::{Inspection, observables, of_observables};
use crate::{Context, Result};

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct InspectOptions {
    /// Histograms of this many dimensions, where the file holds several.
    pub dims: Option<usize>,
    /// The file's format; `None` looks at its first bytes.
    pub format: Option<Format>,
    /// A page to write too: the observables' distributions, and avalanches in three dimensions.
    pub html: Option<PathBuf>,
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

/// Reads a file and says what it holds.
pub fn inspect(path: &Path, options: &InspectOptions, context: &Context<'_>) -> Result<FileInspection> {
    if let Some(page) = &options.html {
        OutputFile::refuse_existing(page, context.force)?;
    }
    let read = ReadOptions { format: options.format, dims: options.dims };
    let Loaded { data, layout, warnings } = context.read(path, &read)?;
    let observed = observables(&data, context)?;
    let mut inspection = of_observables(&data, &observed);
    inspection.warnings.splice(0..0, warnings);
    let file = input_file(path)?;
    let all = FileInspection { file: file.file, sha256: file.sha256, layout, inspection };
    if let Some(page) = &options.html {
        let warnings = &all.inspection.warnings;
        let text = inspection_page(&all.file, &all.facts(), warnings, &data, &observed, context.seed)?;
        OutputFile::write(page, text.as_bytes(), context.force)?;
    }
    Ok(all)
}

impl FileInspection {
    /// What is said of the file as a whole: names and values.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        [("layout", self.layout.clone())].into_iter().chain(self.inspection.facts()).collect()
    }
}
