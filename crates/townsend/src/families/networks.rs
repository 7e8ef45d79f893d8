//! The networks of 2021: VAE, GAN and InfoGAN.
//!
//! Their run has `config.toml`, `metrics.jsonl` and `checkpoints/{last,best}.safetensors`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use townsend_check::Curve;
use townsend_core::{Dataset, RunFiles, RunHeader};
use townsend_kernels::Isa;
use townsend_models::onnx::Onnx;
use townsend_models::{Checkpoint, Generator, ModelConfig, Number, TensorSpec, device};
use townsend_observables::text::significant;
use townsend_train::{
    Avalanches, Beginning, EpochMetrics, Run, Select, TrainConfig, TrainError, TrainSummary, train,
};

use crate::family::{Configuration, Family, Outcome, Training, TrainingData, Wanted};
use crate::model::{Description, Drawn, History, Model, Setting, Weights, Workspace};
use crate::{Error, Result};

pub(super) struct NetworkFamily;

impl NetworkFamily {
    fn config(config: &Configuration) -> Result<TrainConfig> {
        Ok(TrainConfig::parse(&config.text, &config.path, &config.set)?)
    }
}

impl Family for NetworkFamily {
    fn names(&self) -> Vec<&'static str> {
        ModelConfig::FAMILIES.into()
    }

    fn wants(&self, config: &Configuration) -> Result<Wanted> {
        // For the number of electrons alone any number of axes will do.
        let dims = Some(Self::config(config)?.model.dims()).filter(|&dims| dims > 0);
        Ok(Wanted::Avalanches { dims })
    }

    fn train(&self, training: Training<'_>) -> Result<Outcome> {
        let plan = Self::config(training.config)?;
        let data = match training.data {
            TrainingData::Stored(data) => Avalanches::from(&**data),
            data => Avalanches::from(data.avalanches()?),
        };
        let (config, context) = (training.config, training.context);
        let file = training.file.clone();
        let beginning = if training.resume { Beginning::Resume } else { Beginning::New };
        let trained = train(&plan, data, file, training.run, beginning, context.progress, context.stop);
        let summary = trained.map_err(|error| match Error::from(error) {
            error @ Error::Train(TrainError::TooFew { .. }) => Error::InData(error.into()),
            // The errors of reading it name the configuration already.
            error if error.is_usage() => config.blame(error),
            error => error,
        })?;
        Ok(Outcome {
            numbers: serde_json::to_value(&summary).expect("summaries have a form in JSON"),
            sentence: in_words(&summary),
            stopped: summary.stopped,
            warnings: Vec::new(),
        })
    }

    fn can_resume(&self) -> bool {
        true
    }

    fn trains_from_disk(&self) -> bool {
        true
    }

    fn open(&self, header: RunHeader, files: RunFiles) -> Result<Box<dyn Model>> {
        let path = files.path(Run::BEST);
        let bytes = files.read(Run::BEST).map_err(|source| Error::Io { path: path.clone(), source })?;
        Ok(Box::new(NetworkModel::new(bytes, &path, Some((header, files)))?))
    }

    /// Weights that were exported: everything else stands in their metadata.
    fn open_other(&self, named: &Path) -> Result<Option<Box<dyn Model>>> {
        if named.extension().is_none_or(|ending| ending != "safetensors") || !named.is_file() {
            return Ok(None);
        }
        let bytes = std::fs::read(named).map_err(|source| Error::Io { path: named.into(), source })?;
        Ok(Some(Box::new(NetworkModel::new(bytes, named, None)?)))
    }
}

fn in_words(summary: &TrainSummary) -> String {
    let what = match summary.select {
        Select::Distance => "validation distance",
        Select::Loss | Select::Last => "validation loss",
    };
    let best = summary.best.map_or(String::new(), |(value, epoch)| {
        format!("; smallest {what} {} in epoch {epoch}", significant(value, 5))
    });
    let back = match summary.rollbacks {
        0 => String::new(),
        times => format!(
            "; {times} times the loss was not finite or exploded: went back to the last epoch's end, on with half the step size"
        ),
    };
    let symptoms =
        summary.last.iter().flat_map(|epoch| &epoch.symptoms).map(|symptom| format!("; {symptom}"));
    let epochs = if summary.epochs == 1 { "epoch" } else { "epochs" };
    format!(
        "{} {epochs}, {} steps on {} avalanches with electrons in {:.0} s{best}{back}{}",
        summary.epochs,
        summary.steps,
        summary.used,
        summary.seconds,
        symptoms.collect::<String>()
    )
}

/// A trained network.
#[derive(Debug)]
struct NetworkModel {
    generator: Arc<Generator>,
    description: Description,
    summary: serde_json::Value,
    checkpoint: Vec<u8>,
    name: PathBuf,
    /// The run, if it was opened from one: it knows how training went.
    run: Option<RunFiles>,
}

/// Memory for one avalanche of a network, which fits that network alone.
struct State {
    of: Arc<Generator>,
    memory: townsend_models::Workspace,
}

impl NetworkModel {
    /// The network of a checkpoint, and the run that it is the best of.
    fn new(checkpoint: Vec<u8>, name: &Path, run: Option<(RunHeader, RunFiles)>) -> Result<Self> {
        let generator = Generator::from_bytes(&checkpoint, name)?;
        let (header, run) = run.unzip();
        let (data, summary) = header.map(|header| (header.data, header.summary)).unwrap_or_default();
        let description = Description {
            family: generator.family().into(),
            source: generator.meta().provenance.source.clone(),
            units: generator.meta().units.clone(),
            grid: Some(generator.grid().clone()),
            conditions: Vec::new(),
            starts: false,
            encoder: generator.has_encoder(),
            data,
        };
        Ok(Self { generator: Arc::new(generator), description, summary, checkpoint, name: name.into(), run })
    }
}

impl Model for NetworkModel {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn instructions(&self) -> Option<Isa> {
        Some(Isa::best())
    }

    fn summary(&self) -> &serde_json::Value {
        &self.summary
    }

    fn avalanche<'w>(
        &self,
        seed: u64,
        index: u64,
        setting: &Setting,
        workspace: &'w mut Workspace,
    ) -> Result<Drawn<'w>> {
        setting.refuse_any(&self.description)?;
        let state = workspace.state(
            |state: &State| Arc::ptr_eq(&state.of, &self.generator),
            || Ok(State { of: Arc::clone(&self.generator), memory: townsend_models::Workspace::default() }),
        )?;
        Ok(Drawn::Counts(self.generator.avalanche(seed, index, &mut state.memory)))
    }

    fn blocks<'a>(
        &'a self,
        seed: u64,
        range: Range<u64>,
        setting: &Setting,
    ) -> Result<Box<dyn Iterator<Item = Dataset> + Send + 'a>> {
        setting.refuse_any(&self.description)?;
        Ok(Box::new(self.generator.chunks(seed, range).map(Dataset::from)))
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(vec![(Run::BEST.into(), self.checkpoint.clone())])
    }

    fn weights(&self) -> Result<Option<Weights>> {
        let (checkpoint, _) = Checkpoint::from_bytes(&self.checkpoint, &self.name, &device("cpu")?)?;
        let specs = checkpoint.parameters.specs();
        Ok(Some(Weights {
            tensors: specs.len(),
            numbers: specs.iter().map(TensorSpec::len).sum(),
            epochs: checkpoint.header.training.epoch,
            bytes: self.checkpoint.clone(),
        }))
    }

    fn onnx(&self) -> Result<Option<Onnx>> {
        Ok(Some(self.generator.onnx()))
    }

    fn reconstruct(&self, seed: u64, real: &Dataset) -> Result<Option<Dataset>> {
        let counts = real.to_counts(self.generator.grid())?;
        Ok(self.generator.reconstruct(seed, &counts).map(Dataset::from))
    }

    fn history(&self) -> Result<History> {
        let Some(files) = &self.run else { return Ok(History::default()) };
        let run = Run::open(files.clone())?;
        Ok(History { curves: curves(&run.epochs()?), notes: run.notes()? })
    }
}

/// Of a number for each of something, such as a latent dimension, at most so many are drawn: those that are
/// largest at the end.
const MOST_LINES: usize = 32;

/// Every number of a training by epoch.
fn curves(epochs: &[EpochMetrics]) -> Vec<Curve> {
    let curve = |number: &str, name: &str, of: &dyn Fn(&EpochMetrics) -> Option<f64>| {
        let points = epochs.iter().filter_map(|epoch| Some([f64::from(epoch.epoch), of(epoch)?])).collect();
        Curve { number: number.to_owned(), name: name.to_owned(), points }
    };
    let names: BTreeSet<&String> = epochs.iter().flat_map(|epoch| epoch.training.keys()).collect();
    // The losses first.
    let (losses, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.ends_with("loss"));
    let mut all = vec![curve("distance", "validation", &|epoch| epoch.distance)];
    for name in losses.into_iter().chain(others) {
        if let Some(Number::Several(last)) = epochs.last().and_then(|epoch| epoch.training.get(name)) {
            let mut order: Vec<usize> = (0..last.len()).collect();
            order.sort_by(|&a, &b| last[b].total_cmp(&last[a]));
            for index in order.into_iter().take(MOST_LINES) {
                let of = |epoch: &EpochMetrics| match epoch.training.get(name)? {
                    Number::Several(values) => values.get(index).copied(),
                    Number::One(_) => None,
                };
                all.push(curve(name, &(index + 1).to_string(), &of));
            }
            continue;
        }
        all.push(curve(name, "training", &|epoch| epoch.training.get(name)?.one()));
        all.push(curve(name, "validation", &|epoch| epoch.validation.as_ref()?.get(name)?.one()));
    }
    all.push(curve("avalanches a second", "training", &|epoch| Some(epoch.events_per_second)));
    all.retain(|curve| !curve.points.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_training_is_drawn() {
        let epoch = |number: u32| {
            let text = format!(
                r#"{{"epoch":{number},"step":{number},"validation":{{"loss":2.5}},"distance":0.5,"events_per_second":10.0,
                    "loss":3.0,"critic_loss":1.0,"kl_per_dimension":[{}]}}"#,
                (0..40).map(|i| i.to_string()).collect::<Vec<_>>().join(",")
            );
            serde_json::from_str::<EpochMetrics>(&text).unwrap()
        };
        let curves = super::curves(&[epoch(1), epoch(2)]);
        let lines = |number: &str| {
            let of_number = curves.iter().filter(|curve| curve.number == number);
            of_number.map(|curve| (curve.name.as_str(), curve.points.len())).collect::<Vec<_>>()
        };
        assert_eq!(lines("loss"), [("training", 2), ("validation", 2)]);
        assert_eq!(lines("critic_loss"), [("training", 2)]);
        assert_eq!(lines("distance"), [("validation", 2)]);
        assert_eq!(lines("kl_per_dimension").len(), MOST_LINES);
        assert_eq!(lines("kl_per_dimension")[0], ("40", 2), "the largest first");
        assert_eq!(super::curves(&[]), []);
    }
}
