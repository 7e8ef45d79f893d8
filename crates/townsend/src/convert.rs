//! One format into another.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::Grid;
use townsend_io::{AvalancheWriter, Format, ReadOptions, WriteOptions};

use crate::{Context, Error, Result};

/// What to write.
#[derive(Debug, Clone, Default)]
pub struct ConvertOptions {
    /// Histograms of these dimensions; empty keeps electrons electrons, and counts on their own grid.
    pub dims: Vec<usize>,
    /// TOML file with the grid to count electrons on; `None` is [`Grid::standard`].
    pub grid: Option<PathBuf>,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Converted {
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Reads `input` and writes `output`. Electrons can become counts, never the reverse.
pub fn convert(
    input: &Path,
    output: &Path,
    options: &ConvertOptions,
    context: &Context<'_>,
) -> Result<Converted> {
    let most = options.dims.iter().copied().max();
    let loaded = context.read(input, &ReadOptions { dims: most, ..ReadOptions::default() })?;
    let grid = grid_for(loaded.data.grid(), most, options.grid.as_deref())?;
    let meta = context.meta("convert", false, loaded.data.meta(), &[input])?;
    let write = WriteOptions {
        format: options.format,
        grid,
        dims: options.dims.clone(),
        force: context.force,
        ..WriteOptions::default()
    };
    let mut writer = AvalancheWriter::create(output, &meta, &write)?;
    let task = context.progress.task("writing", loaded.data.len() as u64);
    let all: Vec<usize> = (0..loaded.data.len()).collect();
    for part in all.chunks(256) {
        context.go_on()?;
        writer.append(&loaded.data.select(part))?;
        task.advance(part.len() as u64);
    }
    writer.finish()?;
    Ok(Converted { avalanches: loaded.data.len(), warnings: loaded.warnings })
}

/// The grid to write on, or none if electrons stay electrons. `own` is that of avalanches that are counts already, `file` the
/// one that the user asks for.
pub(crate) fn grid_for(own: Option<&Grid>, dims: Option<usize>, file: Option<&Path>) -> Result<Option<Grid>> {
    match (own, file) {
        (Some(_), Some(file)) => Err(Error::Usage(format!(
            "{}: --grid is for electrons; counts stay on the grid that they were counted on",
            file.display()
        ))),
        (Some(own), None) => Ok(Some(own.first(dims.unwrap_or(own.dims()))?)),
        (None, Some(file)) => {
            let grid = read_grid(file)?;
            let dims = dims.unwrap_or(grid.dims());
            Ok(Some(grid.first(dims).map_err(|e| Error::Usage(format!("{}: {e}", file.display())))?))
        }
        (None, None) => Ok(dims.map(Grid::standard).transpose()?),
    }
}

fn read_grid(path: &Path) -> Result<Grid> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })?;
    toml::from_str(&text).map_err(|e| {
        Error::Usage(format!(
            "{}: {e}\n  hint: a grid is one to three tables [[axes]] with bins, low and high (or edges), and a label",
            path.display()
        ))
    })
}
