//! What every function is given besides its own arguments.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use townsend_core::{InputFile, Meta, Progress, Provenance, Work};
use townsend_io::Choice;

use crate::{Error, Families, Result};

/// Seed, threads, whom to tell of progress, how to be stopped, and which families of models there are.
pub struct Context<'a> {
    /// Seed of every random stream.
    pub seed: u64,
    /// Overwrite files that exist; only functions that write files ask.
    pub force: bool,
    /// Told how far the work is.
    pub progress: &'a dyn Progress,
    /// Work stops soon after this becomes true, leaving no half-made output.
    pub stop: &'a AtomicBool,
    /// The threads to work on; `None` is rayon's global pool.
    pub pool: Option<&'a rayon::ThreadPool>,
    /// The families of models.
    pub families: &'a Families,
    /// Bytes of avalanches that a training keeps in memory; networks train on larger sets from the disk.
    pub in_memory: u64,
    /// How an option of reading is written where the user works: in a shell, in a configuration, in Python.
    pub spelled: fn(&Choice) -> String,
}

impl Default for Context<'_> {
    /// Seed 1, no overwriting, nobody told, never stopped, the global pool, the families that ship, 4 GiB of
    /// avalanches in memory, options as in a configuration.
    fn default() -> Self {
        let Work { progress, stop } = Work::default();
        let families = Families::shipped();
        let (pool, in_memory, spelled) = (None, 4 << 30, Choice::to_string);
        Self { seed: 1, force: false, progress, stop, pool, families, in_memory, spelled }
    }
}

impl Context<'_> {
    /// Does `work` on the threads of the context.
    pub(crate) fn on_its_threads<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Whom the work tells how far it is, and who may stop it.
    pub fn work(&self) -> Work<'_> {
        Work { progress: self.progress, stop: self.stop }
    }

    /// An error if the work was asked to stop.
    pub fn go_on(&self) -> Result<()> {
        Ok(self.work().go_on()?)
    }

    /// Metadata of an output of `action` made from `inputs`, whose avalanches come from `of`: what these were
    /// drawn with stays with them, their seed too where no chance was added.
    pub(crate) fn meta(&self, action: &str, seeded: bool, of: &Meta, inputs: Vec<InputFile>) -> Meta {
        let provenance = Provenance {
            producer: concat!("townsend ", env!("CARGO_PKG_VERSION")).into(),
            action: action.into(),
            seed: if seeded { Some(self.seed) } else { of.provenance.seed },
            inputs,
            ..of.provenance.clone()
        };
        Meta { units: of.units.clone(), provenance }
    }
}

/// Name, without its folder, and hash of an input: the same wherever the work is done.
pub(crate) fn named_input(path: &Path) -> Result<InputFile> {
    Ok(without_folder(&input_file(path)?))
}

/// The same input, named without its folder.
pub(crate) fn without_folder(input: &InputFile) -> InputFile {
    let name = Path::new(&input.file).file_name();
    let file = name.map_or_else(|| input.file.clone(), |name| name.to_string_lossy().into());
    InputFile { file, sha256: input.sha256.clone() }
}

/// Path and hash of an input.
pub(crate) fn input_file(path: &Path) -> Result<InputFile> {
    InputFile::read(path).map_err(|source| Error::Io { path: path.into(), source })
}
