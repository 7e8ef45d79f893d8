//! Clusters: an avalanche as a hierarchical Neyman–Scott process, clusters of clusters, learned from
//! electrons alone.
//!
//! Its run has `config.toml`, `metrics.jsonl` (a line a sweep) and `model.toml`, every parameter by name.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use townsend_clusters::{ClusterConfig, ClusterError, ClusterModel, Sampler, SweepMetrics, Trainer};
use townsend_core::{Avalanche, Dataset, Part, RunFiles, RunHeader, TrainedOn};
use townsend_observables::text::significant;

use crate::family::{Configuration, Family, Outcome, Training, Wanted};
use crate::model::{Description, Drawn, Model, Setting, Workspace};
use crate::{Error, Result};

pub(super) struct ClusterFamily;

impl ClusterFamily {
    const NAME: &'static str = "clusters";
    const MODEL_FILE: &'static str = "model.toml";
}

/// How well clusters were learned.
#[derive(Debug, Serialize)]
struct Summary {
    /// Avalanches of the training part; from all of them the number of electrons is learned.
    avalanches: usize,
    /// Avalanches whose electrons were learned from.
    used: usize,
    /// Electrons that were learned from.
    electrons: usize,
    /// Sweeps over them.
    sweeps: usize,
    /// A lower bound on the mean of ln p(x | N) over electrons of a few avalanches: at the start and at the
    /// end.
    bound: [f64; 2],
}

impl Family for ClusterFamily {
    fn names(&self) -> Vec<&'static str> {
        vec![Self::NAME]
    }

    fn wants(&self, config: &Configuration) -> Result<Wanted> {
        let read: ClusterConfig = config.parse()?;
        read.check().map_err(|error| config.blame(error))?;
        read.data.split().map_err(|error| config.blame(error))?;
        Ok(Wanted::Avalanches { dims: None })
    }

    fn train(&self, mut training: Training<'_>) -> Result<Outcome> {
        let config: ClusterConfig = training.config.parse()?;
        let options = config.check().map_err(|error| training.config.blame(error))?;
        let split = config.data.split().map_err(|error| training.config.blame(error))?;
        let data = training.data.avalanches()?;
        let wrong = |error: ClusterError| match error {
            ClusterError::Stopped(_) => Error::Stopped,
            error => training.blame_data(error),
        };
        let task = training.context.progress.task("training", options.sweeps as u64);
        let chosen = split.indices(Part::Training, data.len());
        let mut trainer = Trainer::new(data, &chosen, options, training.context.work()).map_err(wrong)?;
        let mut metrics = Vec::new();
        loop {
            training.context.go_on()?;
            let Some(of_sweep) = trainer.step().map_err(wrong)? else { break };
            task.advance(1);
            metrics.push(of_sweep);
        }
        drop(task);
        let bounds: Vec<f64> = metrics.iter().filter_map(|of_sweep| of_sweep.bound).collect();
        let [used, electrons] = trainer.learns_from();
        let summary = Summary {
            avalanches: chosen.len(),
            used,
            electrons,
            sweeps: metrics.len(),
            // There are at least two: after the first sweep and after the last.
            bound: [0, bounds.len() - 1].map(|place| bounds[place]),
        };
        let trained_on = TrainedOn::new(training.file.clone(), data, split);
        let warnings = outside(data).into_iter().collect();
        let units = data.meta().units.clone();
        let numbers = serde_json::to_value(&summary).expect("summaries have a form in JSON");
        let header = RunHeader::new(Self::NAME, units, Some(trained_on), numbers.clone());
        training.write(&header, files(&config, trainer.model(), &metrics))?;
        Ok(Outcome { numbers, sentence: in_words(&summary), stopped: false, warnings })
    }

    fn open(&self, header: RunHeader, files: RunFiles) -> Result<Box<dyn Model>> {
        let path = files.path(Self::MODEL_FILE);
        let bytes =
            files.read(Self::MODEL_FILE).map_err(|source| Error::Io { path: path.clone(), source })?;
        let wrong = |what: String| Error::Content { path: path.clone(), what };
        let model: ClusterModel = toml::from_str(&String::from_utf8_lossy(&bytes))
            .map_err(|error| wrong(error.to_string().trim_end().into()))?;
        let sampler = Arc::new(Sampler::new(&model).map_err(|error| wrong(error.to_string()))?);
        let description = Description {
            family: header.family,
            source: String::new(),
            units: header.units,
            grid: None,
            conditions: Vec::new(),
            starts: false,
            encoder: false,
            data: header.data,
        };
        Ok(Box::new(Clusters { model, sampler, description, summary: header.summary }))
    }
}

fn in_words(summary: &Summary) -> String {
    format!(
        "{} sweeps over {} electrons of {} avalanches; bound on ln p(x | N) an electron {}, {} at the start",
        summary.sweeps,
        summary.electrons,
        summary.used,
        significant(summary.bound[1], 5),
        significant(summary.bound[0], 5)
    )
}

/// A warning of electrons in flow bins, whose places are not known.
fn outside(data: &Dataset) -> Option<String> {
    let Dataset::Counts(set) = data else { return None };
    let (mut outside, mut all) = (0u64, 0u64);
    for avalanche in set.iter() {
        for (cell, count) in avalanche.occupied() {
            all += u64::from(count);
            outside += if set.grid().is_flow(cell) { u64::from(count) } else { 0 };
        }
    }
    (outside > 0).then(|| {
        format!("{outside} of {all} electrons lie outside the grid; they count in the number of electrons, but not in the widths")
    })
}

fn files(config: &ClusterConfig, model: &ClusterModel, metrics: &[SweepMetrics]) -> Vec<(String, Vec<u8>)> {
    let in_toml = "models and configurations have a form in TOML";
    let line = |of: &SweepMetrics| serde_json::to_string(of).expect("metrics have a form in JSON") + "\n";
    let texts = [
        ("config.toml", toml::to_string(config).expect(in_toml)),
        (ClusterFamily::MODEL_FILE, toml::to_string(model).expect(in_toml)),
        ("metrics.jsonl", metrics.iter().map(line).collect()),
    ];
    texts.map(|(name, text)| (name.to_owned(), text.into_bytes())).into()
}

/// A trained cluster process.
#[derive(Debug)]
struct Clusters {
    model: ClusterModel,
    sampler: Arc<Sampler>,
    description: Description,
    summary: serde_json::Value,
}

impl Model for Clusters {
    fn describe(&self) -> &Description {
        &self.description
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
        // Memory of this kind holds nothing of the model that it was used with.
        let memory = workspace.state(|_| true, || Ok(townsend_clusters::Workspace::default()))?;
        let electrons = self.sampler.avalanche(seed, index, memory);
        Ok(Drawn::Electrons(Avalanche { x: &electrons.x, z: &electrons.z, t: &electrons.t }))
    }

    fn blocks<'a>(
        &'a self,
        seed: u64,
        range: Range<u64>,
        setting: &Setting,
    ) -> Result<Box<dyn Iterator<Item = Dataset> + Send + 'a>> {
        setting.refuse_any(&self.description)?;
        Ok(Box::new(self.sampler.blocks(seed, range).map(Dataset::from)))
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let text = toml::to_string(&self.model).expect("models have a form in TOML");
        Ok(vec![(ClusterFamily::MODEL_FILE.into(), text.into_bytes())])
    }
}
