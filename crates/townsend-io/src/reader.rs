//! Reading a file of avalanches into a data set, with warnings for the user.

use std::path::Path;

use townsend_core::{Dataset, Progress};
use townsend_root::RootFile;

use crate::{Error, Format, Result, histograms, npz, tree};

/// What to read from a file that holds several kinds of avalanches.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format; `None` tells it from the file's first bytes.
    pub format: Option<Format>,
    /// Histograms of this many dimensions (1, 2, 3); `None` takes the highest there is. Electrons have all
    /// three.
    pub dims: Option<usize>,
}

/// The avalanches of a file, and what was noticed on reading them.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The avalanches.
    pub data: Dataset,
    /// How the file holds them, in words: "npz, electrons".
    pub layout: String,
    /// What was left aside or looks odd; never empty without need and never to be hidden from the user.
    pub warnings: Vec<String>,
}

/// Reads all avalanches of a file. A file without avalanches, such as an empty shard, is no error but a
/// warning.
///
/// # Errors
/// If the file cannot be read, is damaged, holds neither electrons nor counts, or has only counts of fewer
/// dimensions than asked for.
pub fn read(path: &Path, options: &ReadOptions, progress: &dyn Progress) -> Result<Loaded> {
    let format = match options.format {
        Some(format) => format,
        None => Format::of_contents(path)?,
    };
    let mut loaded = match format {
        Format::Npz => {
            let (data, warnings) = npz::read(path, progress)?;
            let layout = if data.grid().is_some() { "npz, sparse counts" } else { "npz, electrons" };
            Loaded { data, layout: layout.into(), warnings }
        }
        Format::Root => read_root(path, options, progress)?,
        Format::Text | Format::Parquet => {
            let what = format!("is a file of the format {format}, of which single columns are read");
            return Err(Error::Unsuited { file: path.into(), what });
        }
    };
    if loaded.data.is_empty() {
        loaded.warnings.push("holds no avalanche".into());
    }
    match (options.dims, loaded.data.grid()) {
        (Some(wanted), Some(grid)) if grid.dims() < wanted => Err(Error::Unsuited {
            file: path.into(),
            what: format!(
                "holds avalanches in {have} dimensions ({}); {wanted} are wanted\n  hint: ask for {have} dimensions (model.dims = {have} in a configuration), or give a file with h{wanted}_i histograms or electrons",
                loaded.layout,
                have = grid.dims()
            ),
        }),
        _ => Ok(loaded),
    }
}

fn read_root(path: &Path, options: &ReadOptions, progress: &dyn Progress) -> Result<Loaded> {
    let file = RootFile::open(path)?;
    // A tree of electrons tells more than histograms, unless histograms of this dimension were asked for.
    if options.dims.is_none_or(|dims| !histograms::has(&file, dims))
        && let Some(key) = tree::find(&file)?
    {
        let mut loaded = tree::read(path, &file, key, progress)?;
        if (1..=3).any(|dims| histograms::has(&file, dims)) {
            let tree = key.path();
            loaded.warnings.push(format!(
                "holds histograms too; the electrons of tree {tree} were read (choose a dimension to read histograms)"
            ));
        }
        return Ok(loaded);
    }
    histograms::read(path, &file, options.dims, progress)
}
