//! The cascade: an avalanche as a branching process whose stages are foils. They are learned from recorded responses of
//! single foils, or from avalanches at the anode alone.
//!
//! Its run directory holds `config.toml`, `data.json` (what it was fitted to, and how well) and `detector.toml`, the detector
//! with its foils as fitted, which `simulate --detector` takes as well; of stages also `stages.svg` and `stages.pdf`, fitted against
//! recorded.

mod end;
mod responses;
mod stages;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use townsend_check::Figure;
use townsend_sim::Detector;
use townsend_train::{Run, load_config};

use end::FitConfig;
pub use end::{EndFit, Estimate};
use stages::StageData;
pub use stages::{StageFit, StagesFit};

use crate::fitted::{self, HeldBack};
use crate::simulate::detector;
use crate::{Context, Error, Result};

pub(crate) const FAMILY: &str = "cascade";

/// A configuration whose `model.family` is `cascade`.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CascadeConfig {
    model: CascadeModel,
    /// Of avalanches, not of responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<HeldBack>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<FitConfig>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CascadeModel {
    family: String,
    /// For responses: gas, lattice, gaps, and what responses do not tell of the foils: their extraction and `included_mm`. For
    /// avalanches: the guess that the fit starts from. A name, or a path from the configuration's folder or the current one, of a
    /// file or of a cascade's run.
    detector: PathBuf,
    /// For each foil its responses; without it the data are avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    stages: Option<Vec<StageData>>,
}

/// What a cascade was fitted to, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum CascadeSummary {
    /// Recorded responses of each foil.
    Stages(StagesFit),
    /// Avalanches at the anode.
    End(EndFit),
}

/// Fits a cascade to `data` and writes the run directory. Returns how it went and what is to be said of the data.
pub(crate) fn train(
    config_path: &Path,
    data: &Path,
    run: &Path,
    set: &[String],
    context: &Context<'_>,
) -> Result<(CascadeSummary, Vec<String>)> {
    let mut config: CascadeConfig = load_config(config_path, set)?;
    let in_config = |source: Error| Error::In { path: config_path.into(), source: source.into() };
    let (mut detector, before) = start(config_path, &config.model.detector).map_err(in_config)?;
    let usage = |what: String| in_config(Error::Usage(what));
    Run::refuse_occupied(run, context.force)?;
    let (summary, warnings, figure) = if let Some(stages) = &config.model.stages {
        let (names, foils) = (stages.len(), detector.foils.len());
        if names != foils {
            return Err(usage(format!(
                "model.stages has {names} stages, and the detector has {foils} foils"
            )));
        }
        if config.fit.is_some() || config.data.is_some() {
            return Err(usage(
                "model.stages is for responses of foils, [data] and [fit] for avalanches".into(),
            ));
        }
        let (fit, figure) = stages::fit(&mut detector, stages, data, context)?;
        (CascadeSummary::Stages(fit), Vec::new(), Some(figure))
    } else {
        let stages = match &before {
            Some(CascadeSummary::Stages(fit)) => Some((&detector, &fit.stages[..])),
            _ => None,
        };
        let fit = config.fit.take().unwrap_or_default().resolved(stages).map_err(in_config)?;
        let settings = (&*config.fit.insert(fit), *config.data.get_or_insert_default());
        let from = (&mut detector, before.is_none());
        let (fit, warnings) = end::fit(from, settings, data, context)
            .map_err(|error| if error.is_usage() { in_config(error) } else { error })?;
        (CascadeSummary::End(fit), warnings, None)
    };
    write(run, &config, &summary, &detector, figure)?;
    Ok((summary, warnings))
}

/// The detector that a configuration names: one that comes with the program, a file, beside the configuration first, or a
/// run of a cascade, with what that was fitted to.
fn start(config: &Path, named: &Path) -> Result<(Detector, Option<CascadeSummary>)> {
    let beside = config.parent().map(|folder| folder.join(named)).filter(|path| path.exists());
    let path = beside.unwrap_or_else(|| named.to_owned());
    match CascadeRun::open(&path)? {
        Some(CascadeRun { detector, summary }) => Ok((Detector::read(&detector)?, Some(summary))),
        None => Ok((detector(Some(&path))?, None)),
    }
}

/// Writes the run directory.
fn write(
    run: &Path,
    config: &CascadeConfig,
    summary: &CascadeSummary,
    detector: &Detector,
    figure: Option<Figure>,
) -> Result<()> {
    let in_toml = "descriptions of detectors and configurations have a form in TOML";
    let figure =
        figure.map(|Figure { svg, pdf, .. }| [("stages.svg", svg.into_bytes()), ("stages.pdf", pdf)]);
    let texts = [
        ("config.toml", toml::to_string(config).expect(in_toml)),
        ("detector.toml", toml::to_string(detector).expect(in_toml)),
    ];
    let files = figure.into_iter().flatten().chain(texts.map(|(name, text)| (name, text.into_bytes())));
    fitted::write(run, FAMILY, files, summary)
}

/// What a run directory says, if it is that of a cascade.
pub(crate) struct CascadeRun {
    /// The file with the fitted detector.
    pub(crate) detector: PathBuf,
    /// What it was fitted to.
    pub(crate) summary: CascadeSummary,
}

impl CascadeRun {
    /// Opens a run directory; none if it is no cascade's.
    pub(crate) fn open(run: &Path) -> Result<Option<Self>> {
        let summary = fitted::open(run, FAMILY)?;
        Ok(summary.map(|summary| Self { detector: run.join("detector.toml"), summary }))
    }
}
