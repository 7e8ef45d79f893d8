//! Reading: whatever the file holds, as a data set, with what a user should know about it.

use std::path::Path;

use townsend_core::{Dataset, Progress};
use townsend_root::RootFile;

use crate::{Error, Format, Result, histograms, npz, tree};

/// What to read from a file that holds several things.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The format; `None` looks at the file's first bytes.
    pub format: Option<Format>,
    /// Histograms of this many dimensions (1, 2, 3); `None` takes the highest there is. Electrons have all three.
    pub dims: Option<usize>,
}

/// Avalanches from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The avalanches.
    pub data: Dataset,
    /// How the file holds them, in words.
    pub layout: String,
    /// What was left aside or looks odd; never empty without need and never to be hidden from the user.
    pub warnings: Vec<String>,
}

/// Reads all avalanches of a file. There may be none, in a part of a whole; a warning says so.
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
    };
    if loaded.data.is_empty() {
        loaded.warnings.push("holds no avalanche".into());
    }
    match (options.dims, loaded.data.grid()) {
        (Some(wanted), Some(grid)) if grid.dims() < wanted => Err(Error::Unsuited {
            file: path.into(),
            what: format!(
                "holds avalanches in {have} dimensions ({}); {wanted} are wanted\n  hint: ask for {have} (--dims {have}, or model.dims = {have} in a configuration), or give a file with h{wanted}_i histograms or electrons",
                loaded.layout,
                have = grid.dims()
            ),
        }),
        _ => Ok(loaded),
    }
}

fn read_root(path: &Path, options: &ReadOptions, progress: &dyn Progress) -> Result<Loaded> {
    let file = RootFile::open(path)?;
    // Histograms of the wanted dimension are what was asked for; otherwise a tree has more to say.
    if options.dims.is_none_or(|dims| !histograms::has(&file, dims))
        && let Some(key) = tree::find(&file)?
    {
        let mut loaded = tree::read(path, &file, key, progress)?;
        if (1..=3).any(|dims| histograms::has(&file, dims)) {
            let tree = key.path();
            loaded.warnings.push(format!(
                "holds histograms too; the electrons of tree {tree} were read (inspect and convert choose histograms with --dims)"
            ));
        }
        return Ok(loaded);
    }
    histograms::read(path, &file, options.dims, progress)
}
