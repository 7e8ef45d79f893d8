//! The weights of a trained model in a file of their own.

use std::path::Path;

use serde::Serialize;
use townsend_core::{OutputFile, RunFiles};
use townsend_models::{Checkpoint, device};
use townsend_train::Run;

use crate::cascade::CascadeRun;
use crate::cloud::CloudRun;
use crate::{Context, Error, Result};

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// Tensors, those that are not trained (running statistics) included.
    pub tensors: usize,
    /// Numbers in them.
    pub weights: usize,
    /// Epochs that the training had done.
    pub epochs: u32,
}

/// Writes the best weights of a run as safetensors, with the names of a PyTorch state dict; the metadata hold the configuration. The
/// file is all that [`generate`](crate::generate) needs.
pub fn export(run: &Path, out: &Path, context: &Context<'_>) -> Result<Exported> {
    if out.extension().is_none_or(|extension| extension != "safetensors") {
        let what =
            format!("{}: weights are written as .safetensors; give the file this ending", out.display());
        return Err(Error::Usage(what));
    }
    if CascadeRun::open(run)?.is_some() || CloudRun::open(run)?.is_some() {
        let what =
            format!("{}: holds no network; all its numbers are in the TOML files there", run.display());
        return Err(Error::Usage(what));
    }
    let run = Run::open(RunFiles::Folder(run.into()))?;
    let best = run.files().path(Run::BEST);
    let bytes = run.files().read(Run::BEST).map_err(|source| Error::Io { path: best.clone(), source })?;
    let (checkpoint, _) = Checkpoint::from_bytes(&bytes, &best, &device("cpu")?)?;
    OutputFile::write(out, &checkpoint.to_bytes(out)?, context.force)?;
    let specs = checkpoint.parameters.specs();
    Ok(Exported {
        tensors: specs.len(),
        weights: specs.iter().map(townsend_models::TensorSpec::len).sum(),
        epochs: checkpoint.header.training.epoch,
    })
}
