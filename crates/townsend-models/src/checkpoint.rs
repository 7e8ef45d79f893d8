//! Checkpoints: one safetensors file with a model and, if training is to be resumed, the state of its
//! optimiser.
//!
//! Tensors have the names of a PyTorch state dict; the moments of the optimiser stand beside them under
//! `optimizer.exp_avg.<name>`, `optimizer.exp_avg_sq.<name>`, and `optimizer.average.<name>` for a running
//! mean of weights. Everything else (configuration, grid, distribution of the number of electrons, state of
//! the training) is JSON under the one metadata key `townsend`, so that equal checkpoints are equal bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn_tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};
use townsend_core::{Grid, Meta};

use crate::{ModelConfig, ModelError, NetworkModel, Parameters, SizeModel, TensorSpec};

/// Version of the layout of a checkpoint. A change that an older program would misread raises it.
pub const CHECKPOINT_VERSION: u32 = 3;

const KEY: &str = "townsend";
const OPTIMISER: &str = "optimizer.";

/// The state of an optimiser: running means, by name of the tensor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moments {
    /// Running mean of the gradient.
    pub first: BTreeMap<String, Vec<f32>>,
    /// Running mean of the squared gradient.
    pub second: BTreeMap<String, Vec<f32>>,
    /// Running mean of the generator's tensors, if one is kept.
    pub average: BTreeMap<String, Vec<f32>>,
}

/// Everything in a checkpoint but its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointHeader {
    /// [`CHECKPOINT_VERSION`] of the program that wrote it.
    pub version: u32,
    /// The model.
    pub model: ModelConfig,
    /// The grid that it was trained on.
    pub grid: Grid,
    /// Distribution of the number of electrons.
    pub size: SizeModel,
    /// Units and provenance of the avalanches that it was trained on.
    pub data: Meta,
    /// The state of the training.
    pub training: TrainingState,
}

/// The state of a training; all random numbers follow from these numbers and the seed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Seed of all random streams of the training.
    pub seed: u64,
    /// Number of complete epochs.
    pub epoch: u32,
    /// Number of batches done in the current epoch.
    pub batch: u64,
    /// Number of steps of the optimiser so far.
    pub step: u64,
    /// Numbers of updates of the generator and of the critic so far.
    pub updates: [u64; 2],
    /// Sums, by name, of the numbers of the batches done in the current epoch, and how many batches each sum
    /// contains.
    pub sums: BTreeMap<String, (Vec<f64>, u64)>,
    /// The smallest distance (or loss) for the validation avalanches so far, and its epoch, counted from 0.
    pub best: Option<(f64, u32)>,
    /// How often training went back to an earlier state with half the learning rate.
    pub rollbacks: u32,
}

/// A model with its weights, in memory.
#[derive(Debug)]
pub struct Checkpoint {
    /// Everything but the tensors.
    pub header: CheckpointHeader,
    /// The weights.
    pub parameters: Parameters,
    /// The optimiser's state; empty before the first step.
    pub moments: Moments,
}

impl Checkpoint {
    /// The contents of the checkpoint's file; `path` is named in errors only.
    pub fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, ModelError> {
        let header = serde_json::to_string(&self.header).map_err(|e| bad(path, e.to_string()))?;
        let specs = self.parameters.specs();
        let shapes: HashMap<&str, &[usize]> = specs.iter().map(|s| (s.name.as_str(), &s.shape[..])).collect();
        let mut tensors: Vec<(String, &[usize], Vec<u8>)> = specs
            .iter()
            .map(|spec| (spec.name.clone(), &spec.shape[..], to_bytes(&self.parameters.values(&spec.name))))
            .collect();
        let Moments { first, second, average } = &self.moments;
        for (kind, moments) in [("exp_avg", first), ("exp_avg_sq", second), ("average", average)] {
            for (name, values) in moments {
                tensors.push((format!("{OPTIMISER}{kind}.{name}"), shapes[name.as_str()], to_bytes(values)));
            }
        }
        let views: Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)))
            .collect();
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        views
            .and_then(|views| safetensors::serialize(views, Some(metadata)))
            .map_err(|e| bad(path, e.to_string()))
    }

    /// The checkpoint in the contents of a file, with its tensors on `device`, and the model that it holds;
    /// `path` is named in errors only.
    ///
    /// # Errors
    /// It is damaged, of another version, or has other tensors than its model.
    pub fn from_bytes(
        contents: &[u8],
        path: &Path,
        device: &Device,
    ) -> Result<(Self, Box<dyn NetworkModel>), ModelError> {
        let header = read_header(path, contents)?;
        let model = header.model.check(&header.grid).map_err(|e| bad(path, e.to_string()))?;
        let file = SafeTensors::deserialize(contents).map_err(|e| bad(path, e.to_string()))?;
        let specs = model.tensors();
        let values =
            specs.iter().map(|spec| read(path, &file, &spec.name, spec)).collect::<Result<_, _>>()?;
        let moments = read_moments(path, &file, &specs)?;
        let expected = specs.len() + moments.first.len() + moments.second.len() + moments.average.len();
        if file.len() != expected {
            let known =
                |name: &str| name.starts_with(OPTIMISER) || specs.iter().any(|spec| spec.name == name);
            let extra: Vec<_> = file.names().into_iter().filter(|name| !known(name)).collect();
            return Err(bad(path, format!("the model has no tensor {}", extra.join(", "))));
        }
        let parameters = Parameters::from_values(specs, values, device);
        Ok((Self { header, parameters, moments }, model))
    }
}

fn bad(path: &Path, problem: impl Into<String>) -> ModelError {
    ModelError::Checkpoint { path: path.into(), problem: problem.into() }
}

fn read_header(path: &Path, contents: &[u8]) -> Result<CheckpointHeader, ModelError> {
    let not_ours = |why: String| {
        bad(
            path,
            format!(
                "damaged, or not a checkpoint of townsend ({why}): restore it from a copy, or train again"
            ),
        )
    };
    let (_, metadata) = SafeTensors::read_metadata(contents).map_err(|e| not_ours(e.to_string()))?;
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
    let text = text.ok_or_else(|| not_ours(format!("no `{KEY}` in its metadata")))?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| not_ours(e.to_string()))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(CHECKPOINT_VERSION) => {
            serde_json::from_value(value).map_err(|e| not_ours(e.to_string()))
        }
        Some(version) => Err(bad(
            path,
            format!(
                "written as version {version}; this program reads version {CHECKPOINT_VERSION}: use the townsend that wrote it"
            ),
        )),
        None => Err(not_ours("its version is missing".into())),
    }
}

fn read(path: &Path, file: &SafeTensors<'_>, name: &str, spec: &TensorSpec) -> Result<Vec<f32>, ModelError> {
    let tensor = file.tensor(name).map_err(|_| bad(path, format!("the tensor {name} is missing")))?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != spec.shape {
        let problem = format!(
            "the tensor {name} is {:?} {:?}; the model wants F32 {:?}",
            tensor.dtype(),
            tensor.shape(),
            spec.shape
        );
        return Err(bad(path, problem));
    }
    let values = tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let values: Vec<f32> = values.collect();
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(bad(path, format!("the tensor {name} holds {value}"))),
        None => Ok(values),
    }
}

/// Moments of all trained tensors; none in a file that training is not resumed from.
fn read_moments(path: &Path, file: &SafeTensors<'_>, specs: &[TensorSpec]) -> Result<Moments, ModelError> {
    let mut moments = Moments::default();
    if !file.names().iter().any(|name| name.starts_with(OPTIMISER)) {
        return Ok(moments);
    }
    for (kind, map) in [("exp_avg", &mut moments.first), ("exp_avg_sq", &mut moments.second)] {
        for spec in specs.iter().filter(|spec| spec.is_trained()) {
            map.insert(
                spec.name.clone(),
                read(path, file, &format!("{OPTIMISER}{kind}.{}", spec.name), spec)?,
            );
        }
    }
    // There is a running mean for tensors of the generator only, and only if the configuration asks for one.
    for spec in specs {
        let name = format!("{OPTIMISER}average.{}", spec.name);
        if file.tensor(&name).is_ok() {
            moments.average.insert(spec.name.clone(), read(path, file, &name, spec)?);
        }
    }
    Ok(moments)
}

fn to_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}
