//! `metrics.jsonl`: the numbers of every step and every epoch, one JSON object per line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use townsend_core::RunFiles;
use townsend_models::Numbers;

use crate::TrainError;
use crate::run::{Run, read};

/// The numbers of an epoch, as a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Number of the epoch, from 1.
    pub epoch: u32,
    /// Number of batches since the beginning of training.
    pub step: u64,
    /// Loss and its parts for the validation avalanches, with running statistics and weighted as in the last
    /// epoch. None if there are no such avalanches, or if the model has no loss that can be compared between
    /// epochs.
    pub validation: Option<Numbers>,
    /// Mean of W1/σ over the observables, between generated avalanches and the validation avalanches; none
    /// without validation avalanches.
    pub distance: Option<f64>,
    /// Training avalanches per second of wall time, since training began or was resumed in this epoch.
    pub events_per_second: f64,
    /// Signs that the training goes wrong, each as a sentence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<String>,
    /// Means over the batches of the epoch: `loss` of the generator, `critic_loss` of the critic, and their
    /// parts.
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

/// A record that training went back to the end of an earlier epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rollback {
    /// The step that it went back to.
    pub(crate) step: u64,
    /// The step at which `loss` exploded or was not finite.
    pub(crate) failed: u64,
    pub(crate) loss: String,
    /// Factor on the learning rate from there on.
    pub(crate) factor: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line {
    Step(StepMetrics),
    Epoch(EpochMetrics),
    Rollback(Rollback),
}

/// Number of bytes of lines that are collected in memory before they are written. Chosen, not fitted: a
/// larger number loses more lines when the program is killed, a smaller one writes more often.
const WAITING: usize = 1 << 13;

/// Appends lines to the metrics of a run.
#[derive(Debug, Default)]
pub(crate) struct MetricsWriter {
    /// Lines that have not been written yet.
    waiting: Vec<u8>,
}

impl MetricsWriter {
    /// Begins to write. Lines after `step`, which a training that was killed has left, are removed.
    pub(crate) fn open(files: &mut RunFiles, step: u64) -> Result<Self, TrainError> {
        let kept = lines(files)?.into_iter().filter(|line| match line {
            Line::Step(metrics) => metrics.step <= step,
            Line::Epoch(metrics) => metrics.step <= step,
            Line::Rollback(rollback) => rollback.step <= step,
        });
        let text: String = kept.map(|line| to_json(&line)).collect();
        files.write(vec![(Run::METRICS.into(), text.into_bytes())])?;
        Ok(Self::default())
    }

    pub(crate) fn step(&mut self, files: &mut RunFiles, metrics: StepMetrics) -> Result<(), TrainError> {
        self.write(files, &Line::Step(metrics))
    }

    pub(crate) fn epoch(&mut self, files: &mut RunFiles, metrics: &EpochMetrics) -> Result<(), TrainError> {
        self.write(files, &Line::Epoch(metrics.clone()))
    }

    pub(crate) fn rollback(&mut self, files: &mut RunFiles, rollback: Rollback) -> Result<(), TrainError> {
        self.write(files, &Line::Rollback(rollback))
    }

    /// Writes the lines that were collected in memory.
    pub(crate) fn flush(&mut self, files: &mut RunFiles) -> Result<(), TrainError> {
        if !self.waiting.is_empty() {
            files.append(Run::METRICS, &self.waiting)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn write(&mut self, files: &mut RunFiles, line: &Line) -> Result<(), TrainError> {
        self.waiting.extend_from_slice(to_json(line).as_bytes());
        if self.waiting.len() < WAITING { Ok(()) } else { self.flush(files) }
    }
}

fn to_json(line: &Line) -> String {
    serde_json::to_string(line).expect("metrics have a form in JSON") + "\n"
}

/// All lines of the file; none if there is no file. A last line that was cut off in a crash is left out.
fn lines(files: &RunFiles) -> Result<Vec<Line>, TrainError> {
    if !files.exists(Run::METRICS) {
        return Ok(Vec::new());
    }
    let bytes = read(files, Run::METRICS)?;
    Ok(bytes.split(|byte| *byte == b'\n').map_while(|line| serde_json::from_slice(line).ok()).collect())
}

/// The metrics of all epochs of a run.
pub(crate) fn epochs(files: &RunFiles) -> Result<Vec<EpochMetrics>, TrainError> {
    let epoch = |line| match line {
        Line::Epoch(metrics) => Some(metrics),
        Line::Step(_) | Line::Rollback(_) => None,
    };
    Ok(lines(files)?.into_iter().filter_map(epoch).collect())
}

/// What went wrong in a training, in sentences: where it went back, and each symptom with its epochs.
pub(crate) fn notes(files: &RunFiles) -> Result<Vec<String>, TrainError> {
    let (mut notes, mut symptoms) = (Vec::new(), BTreeMap::<String, Vec<u32>>::new());
    for line in lines(files)? {
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
        let mut files = RunFiles::memory();
        files.append(Run::METRICS, lines.join("\n").as_bytes()).unwrap();
        assert_eq!(
            notes(&files).unwrap(),
            [
                "training: at step 7 the loss was NaN, so it went back to step 4, and on with 0.5 of the step size",
                "training: in 2 epochs, from 2 to 5, all are alike",
            ]
        );
    }
}
