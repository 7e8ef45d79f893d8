//! The cascade: an avalanche as a branching process whose stages are foils, learned from recorded responses
//! of single foils or from avalanches at the anode alone.
//!
//! Its run has `config.toml` and `detector.toml`, the detector with its foils as fitted, which the Monte
//! Carlo takes as well; of stages also `stages.svg` and `stages.pdf`, fitted against recorded. Recorded
//! stages have `responses.npz` instead, which `detector.toml` names.

use townsend_cascade::{
    AnodeFit, CascadeConfig, CascadeError, CascadeSummary, FittedAvalanches, FittedStages, Guess,
    RecordedCascade, RecordedStageSummary, RecordedSummary, StageDistribution, StageFit, StageKind,
    fit_avalanches, fit_stages, record_stages,
};
use townsend_core::{Meta, RunFiles, RunHeader, TrainedOn};
use townsend_observables::text::significant;
use townsend_page::{Distribution, Figure};
use townsend_sim::Detector;

use super::detector::{DETECTOR_FILE, DetectorModel, detector_of_run};
use crate::family::{Configuration, Family, Outcome, Training, Wanted};
use crate::{Error, Model, Result};

pub(super) struct CascadeFamily;

impl CascadeFamily {
    const NAME: &'static str = "cascade";

    fn config(config: &Configuration) -> Result<CascadeConfig> {
        let read: CascadeConfig = config.parse()?;
        read.check().map_err(|error| config.blame(error))?;
        Ok(read)
    }
}

impl Family for CascadeFamily {
    fn names(&self) -> Vec<&'static str> {
        vec![Self::NAME]
    }

    fn wants(&self, config: &Configuration) -> Result<Wanted> {
        let responses = Self::config(config)?.responses();
        Ok(match responses[..] {
            [] => Wanted::Avalanches { dims: None },
            _ => Wanted::Responses(responses),
        })
    }

    fn train(&self, training: Training<'_>) -> Result<Outcome> {
        let config = Self::config(training.config)?;
        let guess = guess(training.config, &config).map_err(|error| training.config.blame(error))?;
        match config.model.kind {
            StageKind::Recorded => recorded(training, &config, &guess.detector),
            StageKind::Fitted if config.responses().is_empty() => from_avalanches(training, &config, guess),
            StageKind::Fitted => from_responses(training, &config, &guess.detector),
        }
    }

    fn open(&self, header: RunHeader, files: RunFiles) -> Result<Box<dyn Model>> {
        Ok(Box::new(DetectorModel::of_run(header, &files)?))
    }
}

/// The detector that a configuration names: one that ships, a file, beside the configuration first, or a run
/// of a cascade, with what that was fitted to.
fn guess(from: &Configuration, config: &CascadeConfig) -> Result<Guess> {
    let named = &config.model.detector;
    let beside = from.path.parent().map(|folder| folder.join(named)).filter(|path| path.exists());
    let path = beside.unwrap_or_else(|| named.clone());
    if !path.is_dir() {
        return Ok(Guess { detector: crate::simulate::detector(Some(&path))?, stages: None, guessed: true });
    }
    let files = RunFiles::Folder(path);
    let header = RunHeader::read(&files)?;
    let summary: CascadeSummary = serde_json::from_value(header.summary).map_err(|error| Error::Content {
        path: files.path(RunHeader::FILE),
        what: format!("is not of a cascade: {error}"),
    })?;
    let stages = match summary {
        CascadeSummary::Stages(stages) => Some(stages),
        CascadeSummary::Anode(_) | CascadeSummary::Recorded(_) => None,
    };
    Ok(Guess { detector: detector_of_run(&files)?.0, stages, guessed: false })
}

fn from_responses(
    mut training: Training<'_>,
    config: &CascadeConfig,
    detector: &Detector,
) -> Result<Outcome> {
    let context = training.context;
    let responses = training.data.responses()?;
    let fitted = fit_stages(config, detector, responses, context.seed, context.work());
    let FittedStages { detector, stages, distributions } = fitted.map_err(|error| of(&training, error))?;
    let rows: Vec<Vec<Distribution>> =
        distributions.into_iter().map(|row| row.into_iter().map(drawn).collect()).collect();
    let Figure { svg, pdf, .. } = Figure::of_distributions("stages", &rows)?;
    let figures = vec![("stages.svg".into(), svg.into_bytes()), ("stages.pdf".into(), pdf)];
    let stage =
        |fit: &StageFit| format!("{} ({} responses, {} with electrons)", fit.name, fit.starts, fit.families);
    let sentence = format!("fitted {}", stages.stages.iter().map(stage).collect::<Vec<_>>().join(", "));
    let summary = CascadeSummary::Stages(stages);
    let numbers = write(&mut training, config, &detector, &summary, None, figures)?;
    Ok(Outcome { numbers, sentence, stopped: false, warnings: Vec::new() })
}

fn recorded(mut training: Training<'_>, config: &CascadeConfig, detector: &Detector) -> Result<Outcome> {
    let context = training.context;
    let responses = training.data.responses()?;
    let made = record_stages(config, detector, responses, context.seed, context.work());
    let RecordedCascade { detector, file, summary } = made.map_err(|error| of(&training, error))?;
    let sentence = worth(&summary);
    let summary = CascadeSummary::Recorded(summary);
    let numbers = write(&mut training, config, &detector, &summary, None, vec![file])?;
    Ok(Outcome { numbers, sentence, stopped: false, warnings: Vec::new() })
}

/// What recorded responses are worth, in words.
fn worth(summary: &RecordedSummary) -> String {
    let stage = |of: &RecordedStageSummary| {
        format!(
            "{} ({} responses, worth {:.0} equally frequent ones; an avalanche takes {}, {}% of them again)",
            of.name,
            of.starts,
            of.effective,
            significant(of.taken, 3),
            significant(100.0 * of.repeated, 2),
        )
    };
    format!(
        "keeps {}; so few tell the mean size to {}%",
        summary.stages.iter().map(stage).collect::<Vec<_>>().join(", "),
        significant(100.0 * summary.relative_size_error, 2)
    )
}

fn drawn(of: StageDistribution) -> Distribution {
    Distribution { name: of.name, unit: of.unit, recorded: of.recorded, fitted: of.fitted }
}

fn from_avalanches(mut training: Training<'_>, config: &CascadeConfig, guess: Guess) -> Result<Outcome> {
    let context = training.context;
    let data = training.data.avalanches()?;
    let split = config.split().map_err(|error| of(&training, error))?;
    let fitted = fit_avalanches(config, guess, data, context.work());
    let FittedAvalanches { detector, fit, config, warnings } =
        fitted.map_err(|error| of(&training, error))?;
    let trained_on = TrainedOn::new(training.file.clone(), data, split);
    let sentence = in_words(&fit);
    let summary = CascadeSummary::Anode(fit);
    let numbers = write(&mut training, &config, &detector, &summary, Some(trained_on), Vec::new())?;
    Ok(Outcome { numbers, sentence, stopped: false, warnings })
}

fn in_words(fit: &AnodeFit) -> String {
    let left = match &fit.as_guessed[..] {
        [] => String::new(),
        names => format!("; they add little to what was believed of {}", names.join(", ")),
    };
    format!(
        "fitted to {} avalanches: χ² {} for {} degrees of freedom; they tell {} combinations of parameters{left}",
        fit.avalanches,
        significant(fit.chi_square, 3),
        fit.degrees_of_freedom,
        fit.directions,
    )
}

/// An error of the configuration names it; one of the data names their file.
fn of(training: &Training<'_>, error: CascadeError) -> Error {
    match error {
        CascadeError::Stopped(_) => Error::Stopped,
        error if error.is_usage() => training.config.blame(error),
        error => training.blame_data(error),
    }
}

/// Writes the run. Returns the numbers of the fit.
fn write(
    training: &mut Training<'_>,
    config: &CascadeConfig,
    detector: &Detector,
    summary: &CascadeSummary,
    data: Option<TrainedOn>,
    mut files: Vec<(String, Vec<u8>)>,
) -> Result<serde_json::Value> {
    let in_toml = "descriptions of detectors and configurations have a form in TOML";
    files.push(("config.toml".into(), toml::to_string(config).expect(in_toml).into_bytes()));
    files.push((DETECTOR_FILE.into(), toml::to_string(detector).expect(in_toml).into_bytes()));
    let numbers = serde_json::to_value(summary).expect("summaries have a form in JSON");
    let header = RunHeader::new(CascadeFamily::NAME, Meta::default().units, data, numbers.clone());
    training.write(&header, files)?;
    Ok(numbers)
}
