//! The resolution of a detector, with tables and figures of it in files.

use std::path::{Path, PathBuf};

use townsend_core::OutputFile;

use crate::resolution::{Resolution, ResolutionOptions};
use crate::{Context, Error, Result};

/// The resolution of a detector: a TOML file, or the name of a description that ships. Each of the files in
/// `out` is written by its ending: .csv or .json (all numbers), .svg or .pdf (the figure), .html (a page with
/// both).
///
/// # Errors
/// As [`crate::resolution`]; an output exists, or has another ending.
pub fn resolution(
    named: &Path,
    options: &ResolutionOptions,
    out: &[PathBuf],
    context: &Context<'_>,
) -> Result<Resolution> {
    for out in out {
        if !matches!(ending(out), "csv" | "json" | "svg" | "pdf" | "html") {
            return Err(Error::Usage(format!(
                "{}: a resolution is written to files that end in .csv, .json, .svg, .pdf or .html",
                out.display()
            )));
        }
        OutputFile::refuse_existing(out, context.force)?;
    }
    let detector = crate::detector(Some(named))?;
    let found = crate::resolution(&detector, options, context).map_err(|error| match error {
        error @ Error::Detector(_) => Error::In { path: named.into(), source: Box::new(error) },
        error => error,
    })?;
    for out in out {
        let bytes = match ending(out) {
            "csv" => found.csv().into_bytes(),
            "json" => (serde_json::to_string_pretty(&found)
                .map_err(|error| Error::Unsuited(error.to_string()))?
                + "\n")
                .into_bytes(),
            "svg" => found.figure()?.svg.into_bytes(),
            "pdf" => found.figure()?.pdf,
            _ => found.page()?.into_bytes(),
        };
        OutputFile::write(out, &bytes, context.force)?;
    }
    Ok(found)
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}
