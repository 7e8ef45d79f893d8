//! The cascade: an avalanche as a branching process whose stages, the foils, are learned from recorded responses.
//!
//! Its run directory holds `config.toml`, `data.json` (the library of responses, and how likely the fit makes each foil's)
//! and `detector.toml`, the detector with its foils as fitted, which `simulate --detector` takes as well.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_core::{InputFile, OutputFile};
use townsend_sim::{Detector, KnownFoil, Lattice, fit_foil};
use townsend_train::{RUN_VERSION, Run, TrainError, load_config};

use crate::context::named_input;
use crate::responses::read_responses;
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
    /// Gas, lattice, gaps, and what responses do not tell of the foils: their extraction and `included_mm`.
    detector: PathBuf,
    /// For each foil the name of its responses.
    stages: Vec<String>,
}

/// How the fit of a stage ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageFit {
    /// The name of its responses.
    pub name: String,
    /// Number of responses.
    pub starts: usize,
    /// Responses with at least one electron.
    pub families: usize,
    /// ln of the probability of all numbers of electrons.
    pub number_log_likelihood: f64,
    /// ln of the density of the families' mean places and times.
    pub family_log_likelihood: f64,
}

/// What a cascade was fitted to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CascadeSummary {
    /// The file of responses.
    pub data: InputFile,
    /// The stages, from the top.
    pub stages: Vec<StageFit>,
}

/// `data.json`.
#[derive(Serialize)]
struct CascadeData<'a> {
    version: u64,
    family: &'static str,
    #[serde(flatten)]
    summary: &'a CascadeSummary,
}

/// True if a configuration is that of a cascade. What is wrong with it otherwise is for others to say.
pub(crate) fn is_cascade_config(path: &Path, set: &[String]) -> bool {
    let table = load_config::<toml::Table>(path, set).ok();
    let family = table.as_ref().and_then(|table| table.get("model")?.get("family")?.as_str());
    family == Some(FAMILY)
}

/// Fits the foils of a detector to the responses in `data` and writes the run directory.
pub(crate) fn train(
    config_path: &Path,
    data: &Path,
    run: &Path,
    set: &[String],
    context: &Context<'_>,
) -> Result<CascadeSummary> {
    let config: CascadeConfig = load_config(config_path, set)?;
    let in_config = |source: Error| Error::In { path: config_path.into(), source: source.into() };
    let mut detector = detector(Some(&config.model.detector)).map_err(in_config)?;
    let (foils, names) = (detector.foils.len(), &config.model.stages);
    if names.len() != foils {
        let what = format!("model.stages names {} stages, and the detector has {foils} foils", names.len());
        return Err(in_config(Error::Usage(what)));
    }
    Run::refuse_occupied(run, context.force)?;
    let lattice = Lattice::new((detector.lattice.pitch_um / 1000.0) as f32);
    let task = context.progress.task("fitting", foils as u64);
    let mut stages = Vec::new();
    for (foil, name) in detector.foils.iter_mut().zip(names) {
        context.go_on()?;
        let responses = read_responses(data, name)?;
        let known = KnownFoil { extraction: foil.extraction, gap: foil.gap(), included_mm: foil.included_mm };
        let fitted = fit_foil(&responses, lattice, &known)
            .map_err(|error| Error::Content { path: data.into(), what: format!("{name}: {error}") })?;
        *foil = fitted.foil;
        stages.push(StageFit {
            name: name.clone(),
            starts: fitted.starts,
            families: fitted.families,
            number_log_likelihood: fitted.number_log_likelihood,
            family_log_likelihood: fitted.family_log_likelihood,
        });
        task.advance(1);
    }
    let summary = CascadeSummary { data: named_input(data)?, stages };
    write(run, &config, &summary, &detector)?;
    Ok(summary)
}

/// Writes the run directory, `data.json`, which makes it a run, last.
fn write(run: &Path, config: &CascadeConfig, summary: &CascadeSummary, detector: &Detector) -> Result<()> {
    std::fs::create_dir_all(run).map_err(|source| Error::Io { path: run.into(), source })?;
    let data = CascadeData { version: RUN_VERSION, family: FAMILY, summary };
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

/// The detector file of a run directory, if it is that of a cascade.
pub(crate) fn fitted_detector(run: &Path) -> Result<Option<PathBuf>> {
    let data = run.join("data.json");
    // What is wrong with the file is said by those who open runs of networks.
    let Ok(text) = std::fs::read_to_string(&data) else { return Ok(None) };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { return Ok(None) };
    if value.get("family").and_then(serde_json::Value::as_str) != Some(FAMILY) {
        return Ok(None);
    }
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(RUN_VERSION) => Ok(Some(run.join("detector.toml"))),
        found => {
            let found = found.unwrap_or_default();
            Err(TrainError::Version { path: run.into(), found, expected: RUN_VERSION }.into())
        }
    }
}
