//! The run directory: all that a training leaves behind.
//!
//! | file | what it holds |
//! |---|---|
//! | `config.toml` | the configuration with every default written out |
//! | `data.json` | version of the layout, digest of the data, sizes of the parts, grid, split |
//! | `metrics.jsonl` | one JSON object a line for every step and every epoch |
//! | `checkpoints/last.safetensors` | where training stands, with the optimiser's state |
//! | `checkpoints/best.safetensors` | the weights with the smallest validation loss |
//! | `report/` | left to those who check |

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_core::{Dataset, Grid, OutputFile, Part, Split};
use townsend_models::{Checkpoint, Generator, device};

use crate::{EpochMetrics, TrainConfig, TrainError};

/// Version of the layout of a run directory. A change that an older program would misread raises it.
pub const RUN_VERSION: u64 = 1;

/// What a run was trained on: `data.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunData {
    /// [`RUN_VERSION`] of the program that made the run.
    pub version: u64,
    /// [`Dataset::digest`] of the data.
    pub digest: String,
    /// Avalanches in the data, empty ones included.
    pub avalanches: usize,
    /// Of these, in the parts for training, validation and test.
    pub parts: [usize; 3],
    /// Training avalanches that have electrons: what the network sees.
    pub used: usize,
    /// How the parts are told apart.
    pub split: Split,
    /// The grid on which electrons are counted.
    pub grid: Grid,
}

/// A run directory.
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
    config: TrainConfig,
    data: RunData,
}

impl Run {
    /// Opens a run directory.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let data = read_data(path)?;
        let config = TrainConfig::load(&path.join("config.toml"), &[])?;
        Ok(Self { path: path.into(), config, data })
    }

    /// Makes a new run directory that begins with `checkpoint`. With `force` it takes the place of an older run;
    /// anything else is never replaced.
    pub(crate) fn create(
        path: &Path,
        config: &TrainConfig,
        data: &RunData,
        checkpoint: &Checkpoint,
        force: bool,
    ) -> Result<Self, TrainError> {
        let run = Self { path: path.into(), config: config.clone(), data: data.clone() };
        Self::refuse_occupied(path, force)?;
        let existed = path.is_dir();
        if let Err(error) = run.write(checkpoint) {
            // Folders are removed only if they are empty: those that were made for this run.
            let _ = std::fs::remove_dir(path.join("checkpoints"));
            let _ = if existed { Ok(()) } else { std::fs::remove_dir(path) };
            return Err(error);
        }
        Ok(run)
    }

    /// Refuses a path where something is already: with `force` an older run may be, anything else never.
    pub fn refuse_occupied(path: &Path, force: bool) -> Result<(), TrainError> {
        let occupied = path.is_file() || path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        match (occupied, path.join("data.json").is_file()) {
            (true, false) => Err(TrainError::Occupied(path.into())),
            (true, true) if !force => Err(TrainError::Exists(path.into())),
            _ => Ok(()),
        }
    }

    /// Writes the files of a new run; only when all are written are those of an older one removed and the new ones
    /// put in place, `data.json`, which makes it a run, last.
    fn write(&self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let folder = self.path.join("checkpoints");
        std::fs::create_dir_all(&folder).map_err(|source| TrainError::Io { path: folder, source })?;
        let mut json = serde_json::to_vec_pretty(&self.data).expect("run data have a form in JSON");
        json.push(b'\n');
        let last = self.last_checkpoint();
        let contents = [
            (last.clone(), checkpoint.to_bytes(&last)?),
            (self.path.join("config.toml"), self.config.to_toml().into_bytes()),
            (self.path.join("data.json"), json),
        ];
        let files: Result<Vec<_>, _> =
            contents.iter().map(|(path, bytes)| OutputFile::filled(path, bytes, true)).collect();
        let files = files?;
        for path in [self.best_checkpoint(), self.metrics_file()] {
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(TrainError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(files.into_iter().try_for_each(OutputFile::commit)?)
    }

    /// Refuses to go on with another configuration or other data.
    pub(crate) fn refuse_other(&self, config: &TrainConfig, data: &RunData) -> Result<(), TrainError> {
        let differs = |what: String| Err(TrainError::Differs { path: self.path.clone(), what });
        let (old, new) = (self.config.to_toml(), config.to_toml());
        if old != new {
            let changed: Vec<_> = old.lines().zip(new.lines()).filter(|(a, b)| a != b).take(3).collect();
            let pairs: Vec<_> = changed.iter().map(|(a, b)| format!("`{a}` became `{b}`")).collect();
            return differs(format!(
                "the configuration differs from the run's config.toml ({})",
                pairs.join(", ")
            ));
        }
        if self.data.digest != data.digest {
            let (now, then) = (data.avalanches, self.data.avalanches);
            return differs(format!(
                "the data ({now} avalanches) are not those it began with ({then} avalanches)"
            ));
        }
        Ok(())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration, every default written out.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// What it was trained on.
    pub fn data(&self) -> &RunData {
        &self.data
    }

    /// The checkpoint to go on from.
    pub fn last_checkpoint(&self) -> PathBuf {
        self.path.join("checkpoints/last.safetensors")
    }

    /// The checkpoint with the smallest validation loss.
    pub fn best_checkpoint(&self) -> PathBuf {
        self.path.join("checkpoints/best.safetensors")
    }

    /// One line a step and an epoch.
    pub fn metrics_file(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The folder for a report of this run.
    pub fn report_folder(&self) -> PathBuf {
        self.path.join("report")
    }

    /// The numbers of the avalanches of `data` that belong to a part of this run's split.
    pub fn indices(&self, data: &Dataset, part: Part) -> Vec<usize> {
        self.data.split.indices(part, data.len())
    }

    /// The metrics of all complete epochs.
    pub fn epochs(&self) -> Result<Vec<EpochMetrics>, TrainError> {
        crate::metrics::epochs(&self.metrics_file())
    }

    /// What went wrong in the training, in sentences: losses that it went back from, and symptoms such as a collapse. It is empty if
    /// nothing did.
    pub fn notes(&self) -> Result<Vec<String>, TrainError> {
        crate::metrics::notes(&self.metrics_file())
    }

    /// A generator with the weights of the smallest validation loss, on the device of the run.
    pub fn generator(&self) -> Result<Generator, TrainError> {
        self.generator_of(&self.best_checkpoint(), &self.config.training.device)
    }

    /// A generator with the weights of a checkpoint, on a device by [name](townsend_models::device).
    pub fn generator_of(&self, checkpoint: &Path, device_name: &str) -> Result<Generator, TrainError> {
        Ok(Generator::load(checkpoint, &device(device_name)?)?)
    }
}

/// Reads `data.json`, its version before all else.
fn read_data(run: &Path) -> Result<RunData, TrainError> {
    let path = run.join("data.json");
    let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => TrainError::NotARun(run.into()),
        _ => TrainError::Io { path: path.clone(), source },
    })?;
    let damaged = |problem: String| TrainError::Damaged { path: path.clone(), problem };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(RUN_VERSION) => serde_json::from_value(value).map_err(|e| damaged(e.to_string())),
        Some(found) => Err(TrainError::Version { path: run.into(), found, expected: RUN_VERSION }),
        None => Err(damaged("its version is missing".into())),
    }
}
