//! `metrics.jsonl`: numbers of every step and epoch, one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_core::OutputFile;

use crate::TrainError;

/// Loss and its parts, means over avalanches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct LossParts {
    /// What is minimised.
    pub loss: f64,
    /// How badly avalanches are reconstructed.
    pub reconstruction: f64,
    /// KL divergence of the latent distribution from N(0, I), before its weight.
    pub kl: f64,
}

impl LossParts {
    pub(crate) fn from_array([loss, reconstruction, kl]: [f64; 3]) -> Self {
        Self { loss, reconstruction, kl }
    }
}

/// The numbers of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: u32,
    /// Steps since the beginning of training.
    pub step: u64,
    /// Means over the batches of the epoch.
    #[serde(flatten)]
    pub training: LossParts,
    /// Weight of the KL divergence.
    pub beta: f64,
    /// Means over the validation avalanches with running statistics and the last epoch's β; none without such
    /// avalanches.
    pub validation: Option<LossParts>,
    /// Training avalanches a second of wall time, since training began or was resumed in this epoch.
    pub events_per_second: f64,
}

/// The numbers of a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepMetrics {
    pub(crate) step: u64,
    pub(crate) epoch: u32,
    #[serde(flatten)]
    pub(crate) parts: LossParts,
    pub(crate) beta: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Step(StepMetrics),
    Epoch(EpochMetrics),
}

/// Appends lines to a `metrics.jsonl`.
#[derive(Debug)]
pub(crate) struct MetricsWriter {
    file: BufWriter<File>,
    path: PathBuf,
}

impl MetricsWriter {
    /// Opens the file; what was written after `step` (by a training that was killed) is dropped.
    pub(crate) fn open(path: &Path, step: u64) -> Result<Self, TrainError> {
        let kept = lines(path)?.into_iter().filter(|line| match line {
            Line::Step(metrics) => metrics.step <= step,
            Line::Epoch(metrics) => metrics.step <= step,
        });
        let mut text = String::new();
        for line in kept {
            text += &to_json(&line);
        }
        OutputFile::write(path, text.as_bytes(), true)?;
        let file = OpenOptions::new().append(true).open(path);
        let file = BufWriter::new(file.map_err(|source| TrainError::Io { path: path.into(), source })?);
        Ok(Self { file, path: path.into() })
    }

    pub(crate) fn step(&mut self, metrics: StepMetrics) -> Result<(), TrainError> {
        self.write(&Line::Step(metrics))
    }

    pub(crate) fn epoch(&mut self, metrics: EpochMetrics) -> Result<(), TrainError> {
        self.write(&Line::Epoch(metrics))
    }

    pub(crate) fn flush(&mut self) -> Result<(), TrainError> {
        self.file.flush().map_err(|source| TrainError::Io { path: self.path.clone(), source })
    }

    fn write(&mut self, line: &Line) -> Result<(), TrainError> {
        let written = self.file.write_all(to_json(line).as_bytes());
        written.map_err(|source| TrainError::Io { path: self.path.clone(), source })
    }
}

fn to_json(line: &Line) -> String {
    serde_json::to_string(line).expect("metrics have a form in JSON") + "\n"
}

/// All lines of a file; none if there is no file. A last line that a crash cut off is not looked at.
fn lines(path: &Path) -> Result<Vec<Line>, TrainError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(TrainError::Io { path: path.into(), source }),
    };
    let mut found = Vec::new();
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|source| TrainError::Io { path: path.into(), source })?;
        match serde_json::from_str(&line) {
            Ok(line) => found.push(line),
            Err(_) => break,
        }
    }
    Ok(found)
}

/// The epochs in a file.
pub(crate) fn epochs(path: &Path) -> Result<Vec<EpochMetrics>, TrainError> {
    let epoch = |line| match line {
        Line::Epoch(metrics) => Some(metrics),
        Line::Step(_) => None,
    };
    Ok(lines(path)?.into_iter().filter_map(epoch).collect())
}
