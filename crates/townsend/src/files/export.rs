//! A trained model in a file of its own.

use std::path::Path;

use serde::Serialize;
use townsend_core::OutputFile;

use crate::{Context, Error, Model, Onnx, Result, model_file};

/// What was written.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Exported {
    /// A model in a single file.
    Model {
        /// Its family.
        family: String,
        /// Size of the file, bytes.
        bytes: usize,
    },
    /// The weights of a network.
    Weights {
        /// Tensors, those that are not trained (running statistics) included.
        tensors: usize,
        /// Numbers in them.
        weights: usize,
        /// Epochs that the training had done.
        epochs: u32,
    },
    /// A network as a graph of ONNX.
    Onnx {
        /// Its family.
        family: String,
        /// Standard normal numbers that an avalanche is made of.
        inputs: usize,
        /// Size of the file, bytes.
        bytes: usize,
        /// What some of the numbers do, where it is not the same for all.
        notes: Vec<String>,
    },
}

/// Writes a trained model to a single file, which is all that [`generate`](crate::files::generate) needs. A
/// name that ends in `.townsend` gets the model of any family: a zip archive, stored uncompressed, of
/// `run.json` and the files that avalanches follow from. A name that ends in `.safetensors` gets the weights
/// of a network, with the names of a PyTorch state dict and the configuration in the metadata. A name that
/// ends in `.onnx` gets the network that makes avalanches as a graph of ONNX. It is for other programs and
/// cannot be opened again.
pub fn export(model: &Path, out: &Path, context: &Context<'_>) -> Result<Exported> {
    ending(out)?;
    OutputFile::refuse_existing(out, context.force)?;
    write_opened(&*context.families.open(model)?, model, out, context)
}

/// Writes a model that is open already, as [`export`] does.
pub fn write_model(model: &dyn Model, out: &Path, context: &Context<'_>) -> Result<Exported> {
    write_opened(model, Path::new("the model"), out, context)
}

fn write_opened(model: &dyn Model, named: &Path, out: &Path, context: &Context<'_>) -> Result<Exported> {
    let ending = ending(out)?;
    if ending == "townsend" {
        let bytes = model_file::to_bytes(model)?;
        OutputFile::write(out, &bytes, context.force)?;
        return Ok(Exported::Model { family: model.describe().family.clone(), bytes: bytes.len() });
    }
    if ending == "onnx" {
        let family = model.describe().family.clone();
        let Some(Onnx { bytes, inputs, notes }) = model.onnx()? else {
            let what = format!(
                "a model of the family {family} is no network, so there is nothing for ONNX; other programs draw from it by the C \
                 library or the Python module"
            );
            return Err(Error::Usage(format!("{}: {what}", named.display())));
        };
        OutputFile::write(out, &bytes, context.force)?;
        return Ok(Exported::Onnx { family, inputs, bytes: bytes.len(), notes });
    }
    let Some(weights) = model.weights()? else {
        let what = "holds no network, so there are no weights; write it as .townsend";
        return Err(Error::Usage(format!("{}: {what}", named.display())));
    };
    OutputFile::write(out, &weights.bytes, context.force)?;
    Ok(Exported::Weights { tensors: weights.tensors, weights: weights.numbers, epochs: weights.epochs })
}

/// The ending of a file that a model can be written to.
fn ending(out: &Path) -> Result<String> {
    let ending = out.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
    if ["townsend", "safetensors", "onnx"].contains(&ending.as_str()) {
        return Ok(ending);
    }
    let what = "a model is written as .townsend, the weights of a network also as .safetensors, a network for ONNX as .onnx; give the \
                file one of these endings";
    Err(Error::Usage(format!("{}: {what}", out.display())))
}
