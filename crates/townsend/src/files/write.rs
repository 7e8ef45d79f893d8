//! How avalanches are written.

use std::path::{Path, PathBuf};

use townsend_core::{Dataset, Grid, Meta};
use townsend_io::{AvalancheWriter, Format, WriteOptions};

use crate::readout::first_of;
use crate::{Context, Error, Result};

/// What kind of file avalanches become.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Histograms of these dimensions; empty keeps electrons electrons, and counts on their own grid.
    pub dims: Vec<usize>,
    /// TOML file with the grid to count electrons on; `None` is [`Grid::standard`].
    pub grid: Option<PathBuf>,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

impl Written {
    /// Begins the file. `own` is the grid of avalanches that are counts already, `first` the number of the
    /// first one.
    pub(super) fn create(
        &self,
        out: &Path,
        meta: &Meta,
        own: Option<&Grid>,
        first: u64,
        context: &Context<'_>,
    ) -> Result<AvalancheWriter> {
        let options = WriteOptions {
            format: self.format,
            grid: self.grid_for(own)?,
            dims: self.dims.clone(),
            first,
            force: context.force,
        };
        Ok(AvalancheWriter::create(out, meta, &options)?)
    }

    /// The highest dimension of the histograms.
    pub(super) fn most_dims(&self) -> Option<usize> {
        self.dims.iter().copied().max()
    }

    /// The grid to write on, or none if electrons stay electrons.
    pub(super) fn grid_for(&self, own: Option<&Grid>) -> Result<Option<Grid>> {
        let dims = self.most_dims();
        match (own, &self.grid) {
            (Some(_), Some(file)) => Err(Error::GridOfCounts { path: file.clone() }),
            (Some(own), None) => Ok(Some(own.first(dims.unwrap_or(own.dims()))?)),
            (None, Some(file)) => {
                let grid = read_grid(file)?;
                let dims = dims.unwrap_or(grid.dims());
                Ok(Some(grid.first(dims).map_err(|e| Error::Usage(format!("{}: {e}", file.display())))?))
            }
            (None, None) => Ok(dims.map(Grid::standard).transpose()?),
        }
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

/// Avalanches that are handed to a writer at a time.
const BLOCK: usize = 256;

/// Writes a set of avalanches with its own units and provenance.
///
/// # Errors
/// The file exists, its format is not known or cannot hold them, or it cannot be written.
///
/// ```
/// use townsend::files::{Input, Written, write};
/// use townsend::{Context, Setting, simulate};
///
/// let context = Context::default();
/// let avalanches = simulate(&townsend::detector(None)?, 1, 0..5, &Setting::default())?;
/// let folder = tempfile::tempdir().unwrap();
/// let file = folder.path().join("avalanches.npz");
/// write(&avalanches, &file, &Written::default(), &context)?;
/// assert_eq!(Input::from(&file).read(&context)?.data, avalanches);
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn write(data: &Dataset, out: &Path, written: &Written, context: &Context<'_>) -> Result<()> {
    let mut writer = written.create(out, data.meta(), data.grid(), first_of(data), context)?;
    let task = context.progress.task("writing", data.len() as u64);
    append_parts(&mut writer, data, &*task, context)?;
    Ok(writer.finish()?)
}

/// Appends a data set some avalanches at a time, so that what is made of them on the way stays small.
pub(super) fn append_parts(
    writer: &mut AvalancheWriter,
    data: &Dataset,
    task: &dyn townsend_core::Task,
    context: &Context<'_>,
) -> Result<u64> {
    let all: Vec<usize> = (0..data.len()).collect();
    let parts = all.chunks(BLOCK).map(|part| data.select(part));
    append_all(parts, task, context, |part| Ok(writer.append(part)?))
}

/// Hands parts of a data set on as they are made, so that memory does not grow with their number. Returns how
/// many electrons they have.
pub(super) fn append_all(
    parts: impl Iterator<Item = Dataset>,
    task: &dyn townsend_core::Task,
    context: &Context<'_>,
    mut append: impl FnMut(&Dataset) -> Result<()>,
) -> Result<u64> {
    let mut electrons = 0;
    for part in parts {
        context.go_on()?;
        electrons += (0..part.len()).map(|index| part.electrons(index)).sum::<u64>();
        append(&part)?;
        task.advance(part.len() as u64);
    }
    Ok(electrons)
}
