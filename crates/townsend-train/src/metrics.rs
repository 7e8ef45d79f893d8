//! `metrics.jsonl`: numbers of every step and epoch, one JSON object a line.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_core::OutputFile;
use townsend_models::Numbers;

use crate::TrainError;

/// The numbers of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Counted from 1.
    pub epoch: u32,
    /// Batches since the beginning of training.
    pub step: u64,
    /// Loss and parts on the validation avalanches, with running statistics and weighted as in the last epoch; none without
    /// such avalanches, or if the model has no loss that means the same in every epoch.
    pub validation: Option<Numbers>,
    /// How far the observables of new avalanches are from those of the validation avalanches: the mean of W1/σ; none without
    /// validation avalanches.
    pub distance: Option<f64>,
    /// Training avalanches a second of wall time, since training began or was resumed in this epoch.
    pub events_per_second: f64,
    /// What seems to go wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<String>,
    /// Means over the batches of the epoch: of the generator `loss`, of the critic `critic_loss`, and of their parts.
    #[serde(flatten)]
    pub training: Numbers,
}

/// The numbers of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepMetrics {
    pub(crate) step: u64,
    pub(crate) epoch: u32,
    #[serde(flatten)]
    pub(crate) numbers: Numbers,
}

/// Training that went back to the end of an earlier epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rollback {
    /// The step that it went back to.
    pub(crate) step: u64,
    /// The step at which `loss` was not to be gone on with.
    pub(crate) failed: u64,
    pub(crate) loss: String,
    /// What the step size is multiplied by from there.
    pub(crate) factor: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Step(StepMetrics),
    Epoch(EpochMetrics),
    Rollback(Rollback),
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
            Line::Rollback(rollback) => rollback.step <= step,
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

    pub(crate) fn epoch(&mut self, metrics: &EpochMetrics) -> Result<(), TrainError> {
        self.write(&Line::Epoch(metrics.clone()))
    }

    pub(crate) fn rollback(&mut self, rollback: Rollback) -> Result<(), TrainError> {
        self.write(&Line::Rollback(rollback))
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
        Line::Step(_) | Line::Rollback(_) => None,
    };
    Ok(lines(path)?.into_iter().filter_map(epoch).collect())
}

/// What went wrong in a training, by its file: where it went back, and each symptom with the epochs that had it.
pub(crate) fn notes(path: &Path) -> Result<Vec<String>, TrainError> {
    let (mut notes, mut symptoms) = (Vec::new(), BTreeMap::<String, Vec<u32>>::new());
    for line in lines(path)? {
        match line {
            Line::Step(_) => {}
            Line::Rollback(Rollback { step, failed, loss, factor }) => notes.push(format!(
                "training: at step {failed} the loss was {loss}, so it went back to step {step}, and on with {factor} of the step size"
            )),
            Line::Epoch(metrics) => metrics
                .symptoms
                .into_iter()
                .for_each(|symptom| symptoms.entry(symptom).or_default().push(metrics.epoch)),
        }
    }
    let of_symptom = |(symptom, epochs): (String, Vec<u32>)| {
        let (first, last) = (epochs[0], epochs[epochs.len() - 1]);
        format!("training: in {} epochs, from {first} to {last}, {symptom}", epochs.len())
    };
    notes.extend(symptoms.into_iter().map(of_symptom));
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_tell_where_it_went_back_and_which_epochs_had_a_symptom() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let epoch = |number: u32, symptoms: &str| {
            format!(
                r#"{{"kind":"epoch","epoch":{number},"step":{number},"validation":null,"distance":null,"events_per_second":1.0,"symptoms":[{symptoms}]}}"#
            )
        };
        let rollback = r#"{"kind":"rollback","step":4,"failed":7,"loss":"NaN","factor":0.5}"#;
        let lines = [
            epoch(1, ""),
            epoch(2, r#""all are alike""#),
            rollback.to_owned(),
            epoch(5, r#""all are alike""#),
        ];
        std::fs::write(&path, lines.join("\n")).unwrap();
        assert_eq!(
            notes(&path).unwrap(),
            [
                "training: at step 7 the loss was NaN, so it went back to step 4, and on with 0.5 of the step size",
                "training: in 2 epochs, from 2 to 5, all are alike",
            ]
        );
    }
}
