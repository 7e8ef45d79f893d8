//! What every verb is given besides its own arguments.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use townsend_core::{InputFile, Meta, Progress, Provenance, Silent};
use townsend_io::{Loaded, ReadOptions};

use crate::{Error, Result};

/// Seed, permission to overwrite, and whom to tell of progress; and a flag by which work is asked to stop.
pub struct Context<'a> {
    /// Seed of every random stream.
    pub seed: u64,
    /// Overwrite outputs that exist.
    pub force: bool,
    /// Told how far the work is.
    pub progress: &'a dyn Progress,
    /// Work stops soon after this becomes true, leaving no half-made output.
    pub stop: &'a AtomicBool,
}

impl Default for Context<'_> {
    /// Seed 1, no overwriting, nobody told, never stopped.
    fn default() -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self { seed: 1, force: false, progress: &Silent, stop: &NEVER }
    }
}

impl Context<'_> {
    pub(crate) fn read(&self, path: &Path, options: &ReadOptions) -> Result<Loaded> {
        Ok(townsend_io::read(path, options, self.progress)?)
    }

    /// An error if the work was asked to stop.
    pub(crate) fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
    }

    /// Metadata of an output of `action` made from `inputs`. Files are named without their folders, so that the same
    /// work in another place gives the same bytes.
    pub(crate) fn meta(&self, action: &str, seeded: bool, of: &Meta, inputs: &[&Path]) -> Result<Meta> {
        let mut files = Vec::new();
        for &path in inputs {
            files.push(named_input(path)?);
        }
        let provenance = Provenance {
            producer: concat!("townsend ", env!("CARGO_PKG_VERSION")).into(),
            action: action.into(),
            seed: seeded.then_some(self.seed),
            inputs: files,
            source: of.provenance.source.clone(),
        };
        Ok(Meta { units: of.units.clone(), provenance })
    }
}

/// Name, without its folder, and hash of an input: the same wherever the work is done.
pub(crate) fn named_input(path: &Path) -> Result<InputFile> {
    let mut file = input_file(path)?;
    if let Some(name) = path.file_name() {
        file.file = name.to_string_lossy().into();
    }
    Ok(file)
}

/// Path and hash of an input.
pub(crate) fn input_file(path: &Path) -> Result<InputFile> {
    InputFile::read(path).map_err(|source| Error::Io { path: path.into(), source })
}
