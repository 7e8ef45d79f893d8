//! The cascade: an avalanche as a branching process whose stages are foils. They are learned from recorded responses of
//! single foils.
//!
//! Its run directory holds `config.toml`, `data.json` (what it was fitted to, and how well) and `detector.toml`, the detector
//! with its foils as fitted, which `simulate --detector` takes as well.

mod responses;
mod stages;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_core::OutputFile;
use townsend_sim::Detector;
use townsend_train::{RUN_VERSION, Run, TrainError, load_config};

use stages::StageData;
pub use stages::{StageFit, StagesFit};

use crate::simulate::detector;
use crate::{Context, Error, Result};

const FAMILY: &str = "cascade";

/// A configuration whose `model.family` is `cascade`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CascadeConfig {
    model: CascadeModel,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CascadeModel {
    family: String,
    /// Gas, lattice, gaps, and what responses do not tell of the foils: their extraction and `included_mm`. A name, or a file
    /// whose path starts from the configuration's folder.
    detector: PathBuf,
    /// For each foil its responses.
    stages: Vec<StageData>,
}

/// What a cascade was fitted to, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum CascadeSummary {
    /// Recorded responses of each foil.
    Stages(StagesFit),
}

/// `data.json`.
#[derive(Serialize, Deserialize)]
struct CascadeData {
    version: u64,
    family: String,
    #[serde(flatten)]
    summary: CascadeSummary,
}

/// True if a configuration is that of a cascade. What is wrong with it otherwise is for others to say.
pub(crate) fn is_cascade_config(path: &Path, set: &[String]) -> bool {
    let table = load_config::<toml::Table>(path, set).ok();
    let family = table.as_ref().and_then(|table| table.get("model")?.get("family")?.as_str());
    family == Some(FAMILY)
}

/// Fits a cascade to `data` and writes the run directory. Returns how it went and what is to be said of the data.
pub(crate) fn train(
    config_path: &Path,
    data: &Path,
    run: &Path,
    set: &[String],
    context: &Context<'_>,
) -> Result<(CascadeSummary, Vec<String>)> {
    let config: CascadeConfig = load_config(config_path, set)?;
    let in_config = |source: Error| Error::In { path: config_path.into(), source: source.into() };
    let named = &config.model.detector;
    let beside = config_path.parent().map(|folder| folder.join(named)).filter(|path| path.is_file());
    let mut detector = detector(Some(&beside.unwrap_or_else(|| named.clone()))).map_err(in_config)?;
    Run::refuse_occupied(run, context.force)?;
    let stages = &config.model.stages;
    if stages.len() != detector.foils.len() {
        let (stages, foils) = (stages.len(), detector.foils.len());
        let what = format!("model.stages has {stages} stages, and the detector has {foils} foils");
        return Err(in_config(Error::Usage(what)));
    }
    let summary = CascadeSummary::Stages(stages::fit(&mut detector, stages, data, context)?);
    write(run, &config, &summary, &detector)?;
    Ok((summary, Vec::new()))
}

/// Writes the run directory, `data.json`, which makes it a run, last.
fn write(run: &Path, config: &CascadeConfig, summary: &CascadeSummary, detector: &Detector) -> Result<()> {
    std::fs::create_dir_all(run).map_err(|source| Error::Io { path: run.into(), source })?;
    let data = CascadeData { version: RUN_VERSION, family: FAMILY.into(), summary: summary.clone() };
    let in_toml = "descriptions of detectors and configurations have a form in TOML";
    let contents = [
        ("config.toml", toml::to_string(config).expect(in_toml)),
        ("detector.toml", toml::to_string(detector).expect(in_toml)),
        ("data.json", serde_json::to_string_pretty(&data).expect("run data have a form in JSON") + "\n"),
    ];
    let filled =
        contents.iter().map(|(name, text)| OutputFile::filled(&run.join(name), text.as_bytes(), true));
    let files: std::result::Result<Vec<_>, _> = filled.collect();
    Ok(files?.into_iter().try_for_each(OutputFile::commit)?)
}

/// What a run directory says, if it is that of a cascade.
pub(crate) struct CascadeRun {
    /// The file with the fitted detector.
    pub(crate) detector: PathBuf,
    /// What it was fitted to.
    pub(crate) summary: CascadeSummary,
}

impl CascadeRun {
    /// Opens a run directory; none if it is no cascade's. What is wrong then is said by those who open runs of networks.
    pub(crate) fn open(run: &Path) -> Result<Option<Self>> {
        let path = run.join("data.json");
        let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
        let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { return Ok(None) };
        if value.get("family").and_then(serde_json::Value::as_str) != Some(FAMILY) {
            return Ok(None);
        }
        let found = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if found != RUN_VERSION {
            return Err(TrainError::Version { path: run.into(), found, expected: RUN_VERSION }.into());
        }
        let data: CascadeData = serde_json::from_value(value)
            .map_err(|error| Error::Content { path, what: error.to_string() })?;
        Ok(Some(Self { detector: run.join("detector.toml"), summary: data.summary }))
    }
}
