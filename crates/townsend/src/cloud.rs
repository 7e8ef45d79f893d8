//! The cloud: an avalanche as clusters of clusters, learned from electrons alone by a Gibbs sampler of their ancestors.
//!
//! Its run directory holds `config.toml`, `run.json` (what it was trained on, and how well), `metrics.jsonl` (a line a sweep) and
//! `model.toml`, all parameters.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_cloud::{CloudError, CloudModel, Sampler, SweepMetrics, Trainer};
use townsend_core::{Dataset, InputFile, Meta, Part, RunFiles, Split};
use townsend_io::{AvalancheWriter, Loaded, ReadOptions};
use townsend_train::{TrainError, load_config};

use crate::context::named_input;
use crate::fitted::{self, HeldBack};
use crate::generate::{refuse_start, stream_out};
use crate::{Context, Error, Generated, Result, SampleOptions};

pub(crate) const FAMILY: &str = "cloud-vae";

/// A configuration whose `model.family` is `cloud-vae`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CloudConfig {
    model: ModelConfig,
    #[serde(default)]
    data: HeldBack,
    #[serde(default)]
    training: TrainingConfig,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ModelConfig {
    family: String,
    #[serde(default = "two")]
    levels: usize,
}

fn two() -> usize {
    townsend_cloud::TrainOptions::default().levels
}

/// See [`townsend_cloud::TrainOptions`].
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct TrainingConfig {
    sweeps: usize,
    electrons: usize,
    most_electrons: usize,
    seed: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        let townsend_cloud::TrainOptions { sweeps, electrons, most_electrons, seed, .. } =
            townsend_cloud::TrainOptions::default();
        Self { sweeps, electrons, most_electrons, seed }
    }
}

impl CloudConfig {
    fn options(&self) -> townsend_cloud::TrainOptions {
        let TrainingConfig { sweeps, electrons, most_electrons, seed } = self.training;
        townsend_cloud::TrainOptions { levels: self.model.levels, sweeps, electrons, most_electrons, seed }
    }
}

/// What a cloud was trained on, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloudSummary {
    /// The file of avalanches.
    pub data: InputFile,
    /// [`Dataset::digest`] of the avalanches.
    pub digest: String,
    /// The part that was held back.
    pub split: Split,
    /// Units of x, z and t.
    pub units: [String; 3],
    /// Avalanches of the training part; from all of them the number of electrons is learned.
    pub avalanches: usize,
    /// Avalanches whose electrons were learned from.
    pub used: usize,
    /// Electrons that were learned from.
    pub electrons: usize,
    /// Sweeps over them.
    pub sweeps: usize,
    /// A lower bound on the mean of ln p(x | N) over electrons of a few avalanches: at the start and at the end.
    pub bound: [f64; 2],
}

/// Trains on `data` and writes the run directory. Returns how it went and what is to be said of the data.
pub(crate) fn train(
    config_path: &Path,
    path: &Path,
    run: &Path,
    set: &[String],
    context: &Context<'_>,
) -> Result<(CloudSummary, Vec<String>)> {
    let config: CloudConfig = load_config(config_path, set)?;
    let in_config = |source: Error| Error::In { path: config_path.into(), source: source.into() };
    let options = config.options();
    options.check().map_err(|error| in_config(Error::Usage(error.to_string())))?;
    let split = config.data.split().map_err(in_config)?;
    RunFiles::refuse_occupied(run, context.force).map_err(TrainError::from)?;
    let Loaded { data, mut warnings, .. } = context.read(path, &ReadOptions::default())?;
    warnings.extend(outside(&data));
    let wrong = |error: CloudError| Error::Content { path: path.into(), what: error.to_string() };
    let task = context.progress.task("training", options.sweeps as u64);
    let training = split.indices(Part::Training, data.len());
    let mut trainer = Trainer::new(&data, &training, options).map_err(wrong)?;
    let mut metrics = Vec::new();
    loop {
        context.go_on()?;
        let Some(of_sweep) = trainer.step().map_err(wrong)? else { break };
        task.advance(1);
        metrics.push(of_sweep);
    }
    let bounds: Vec<f64> = metrics.iter().filter_map(|of_sweep| of_sweep.bound).collect();
    let [used, electrons] = trainer.learns_from();
    let summary = CloudSummary {
        data: named_input(path)?,
        digest: data.digest(),
        split,
        units: data.meta().units.clone(),
        avalanches: training.len(),
        used,
        electrons,
        sweeps: metrics.len(),
        // There are at least two: after the first sweep and after the last.
        bound: [0, bounds.len() - 1].map(|place| bounds[place]),
    };
    write(run, &config, trainer.model(), &metrics, &summary)?;
    Ok((summary, warnings))
}

/// What is to be said of electrons in flow bins, whose places are not known.
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

fn write(
    run: &Path,
    config: &CloudConfig,
    model: &CloudModel,
    metrics: &[SweepMetrics],
    summary: &CloudSummary,
) -> Result<()> {
    let in_toml = "models and configurations have a form in TOML";
    let line = |of: &SweepMetrics| serde_json::to_string(of).expect("metrics have a form in JSON") + "\n";
    let files = [
        ("config.toml", toml::to_string(config).expect(in_toml)),
        ("model.toml", toml::to_string(model).expect(in_toml)),
        ("metrics.jsonl", metrics.iter().map(line).collect()),
    ];
    fitted::write(run, FAMILY, files.map(|(name, text)| (name, text.into_bytes())), summary)
}

/// A run directory of a cloud.
pub(crate) struct CloudRun {
    path: PathBuf,
    /// What it was trained on.
    pub(crate) summary: CloudSummary,
}

impl CloudRun {
    /// Opens a run directory; none if it is no cloud's.
    pub(crate) fn open(run: &Path) -> Result<Option<Self>> {
        let summary = fitted::open(run, FAMILY)?;
        Ok(summary.map(|summary| Self { path: run.into(), summary }))
    }

    /// Draws avalanches and writes them.
    pub(crate) fn generate(
        self,
        out: &Path,
        options: &SampleOptions,
        context: &Context<'_>,
    ) -> Result<Generated> {
        refuse_start(&self.path, options)?;
        let path = self.path.join("model.toml");
        let text =
            std::fs::read_to_string(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let wrong = |what: String| Error::Content { path: path.clone(), what };
        let model: CloudModel =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().into()))?;
        let sampler = Sampler::new(&model).map_err(|error| wrong(error.to_string()))?;
        let of = Meta { units: self.summary.units, ..Meta::default() };
        let meta = context.meta("generate", true, &of, &[&path])?;
        let range = options.shard.range(options.events);
        let writer = AvalancheWriter::create(out, &meta, &options.write(None, context)?)?;
        let avalanches = range.end - range.start;
        let parts = sampler.blocks(context.seed, range).map(Dataset::from);
        stream_out("generating", avalanches, parts, writer, context)
    }
}
