//! The run of a network: the files that training writes, in a folder or in memory.
//!
//! | file | contents |
//! |---|---|
//! | `run.json` | [`RunHeader`]: family, units, the avalanches that it was trained on, and [`RunSummary`] |
//! | `config.toml` | the configuration with every default written out |
//! | `metrics.jsonl` | one JSON object a line for every step and every epoch |
//! | `checkpoints/last.safetensors` | the state to resume from, with that of the optimiser |
//! | `checkpoints/best.safetensors` | the weights of the best epoch, as `training.select` chooses it |

use serde::{Deserialize, Serialize};
use townsend_core::{Dataset, Grid, Part, RunError, RunFiles, RunHeader, TrainedOn};
use townsend_models::{Checkpoint, Generator, ModelConfig};

use crate::{EpochMetrics, TrainConfig, TrainError};

/// The summary of a training, in the header of a network's run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Avalanches in the parts for training, validation and test, empty ones included.
    pub parts: [usize; 3],
    /// Number of training avalanches with electrons, which the network is trained on.
    pub used: usize,
    /// The grid on which electrons are counted.
    pub grid: Grid,
}

/// A run of a network, opened.
#[derive(Debug, Clone)]
pub struct Run {
    files: RunFiles,
    header: RunHeader,
    data: TrainedOn,
    summary: RunSummary,
    config: TrainConfig,
}

impl Run {
    /// The configuration.
    pub const CONFIG: &str = "config.toml";
    /// The numbers of every step and epoch.
    pub const METRICS: &str = "metrics.jsonl";
    /// The checkpoint to resume from.
    pub const LAST: &str = "checkpoints/last.safetensors";
    /// The checkpoint of the best epoch.
    pub const BEST: &str = "checkpoints/best.safetensors";

    /// Opens a run.
    ///
    /// # Errors
    /// The files are not the run of a network, or of another version, damaged, or cannot be read.
    pub fn open(files: RunFiles) -> Result<Self, TrainError> {
        let header = RunHeader::read(&files)?;
        if !ModelConfig::FAMILIES.contains(&header.family.as_str()) {
            let (path, family) = (files.path(RunHeader::FILE), header.family);
            return Err(TrainError::NoNetwork { path, family });
        }
        let damaged = |problem: String| RunError::Damaged { path: files.path(RunHeader::FILE), problem };
        let summary = serde_json::from_value(header.summary.clone()).map_err(|e| damaged(e.to_string()))?;
        let data =
            header.data.clone().ok_or_else(|| damaged("it does not say what it was trained on".into()))?;
        let text = String::from_utf8(read(&files, Self::CONFIG)?);
        let path = files.path(Self::CONFIG);
        let text =
            text.map_err(|error| TrainError::Toml { path: path.clone(), problem: error.to_string() })?;
        let config = TrainConfig::parse(&text, &path, &[])?;
        Ok(Self { files, header, data, summary, config })
    }

    /// The files.
    pub fn files(&self) -> &RunFiles {
        &self.files
    }

    /// The header, with family and units.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// The avalanches that it was trained on.
    pub fn data(&self) -> &TrainedOn {
        &self.data
    }

    /// The summary of the training, from the header.
    pub fn summary(&self) -> &RunSummary {
        &self.summary
    }

    /// The configuration, every default written out.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The numbers of those avalanches of `data` that belong to a part of this run's split.
    pub fn indices(&self, data: &Dataset, part: Part) -> Vec<usize> {
        self.data.split.indices(part, data.len())
    }

    /// The metrics of all complete epochs.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn epochs(&self) -> Result<Vec<EpochMetrics>, TrainError> {
        crate::metrics::epochs(&self.files)
    }

    /// What went wrong in the training, in sentences: times when it went back, and symptoms such as a
    /// collapse. Empty if nothing did.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn notes(&self) -> Result<Vec<String>, TrainError> {
        crate::metrics::notes(&self.files)
    }

    /// A generator with the weights of the best epoch. It computes on the CPU, independent of the device of
    /// the training.
    ///
    /// # Errors
    /// There is no such checkpoint, or it is damaged.
    pub fn generator(&self) -> Result<Generator, TrainError> {
        Ok(Generator::from_bytes(&read(&self.files, Self::BEST)?, &self.files.path(Self::BEST))?)
    }

    /// An error if the configuration or the data are not those that the run began with; only the number of
    /// epochs may have grown.
    pub(crate) fn refuse_other(&self, config: &TrainConfig, data: &TrainedOn) -> Result<(), TrainError> {
        let differs = |what: String| Err(TrainError::Differs { path: self.files.path(Self::CONFIG), what });
        let mut longer = self.config.clone();
        longer.training.epochs = longer.training.epochs.max(config.training.epochs);
        let (old, new) = (longer.to_toml(), config.to_toml());
        if old != new {
            let changed: Vec<_> = old.lines().zip(new.lines()).filter(|(a, b)| a != b).take(3).collect();
            let pairs: Vec<_> = changed.iter().map(|(a, b)| format!("`{a}` became `{b}`")).collect();
            return differs(format!(
                "the configuration differs from this one ({}), and only training.epochs may change, and only grow",
                pairs.join(", ")
            ));
        }
        if self.data.digest != data.digest {
            let (now, then) = (data.avalanches, self.data.avalanches);
            let what = format!("the data ({now} avalanches) are not those it began with ({then} avalanches)");
            return Err(TrainError::Differs { path: self.files.path(RunHeader::FILE), what });
        }
        Ok(())
    }
}

/// Writes the files of a new run, replacing those of an older one. `run.json`, which makes them a run, goes
/// first and comes last, so that no mixture of the two is a run.
pub(crate) fn create(
    files: &mut RunFiles,
    config: &TrainConfig,
    header: &RunHeader,
    checkpoint: &Checkpoint,
) -> Result<(), TrainError> {
    let contents = [
        (Run::LAST, checkpoint.to_bytes(&files.path(Run::LAST))?),
        (Run::CONFIG, config.to_toml().into_bytes()),
        (RunHeader::FILE, header.to_bytes()),
    ];
    let contents = contents.into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
    Ok(files.replace(&[RunHeader::FILE, Run::BEST, Run::METRICS], contents.collect())?)
}

/// The contents of a file.
pub(crate) fn read(files: &RunFiles, name: &str) -> Result<Vec<u8>, TrainError> {
    files.read(name).map_err(|source| TrainError::Io { path: files.path(name), source })
}
