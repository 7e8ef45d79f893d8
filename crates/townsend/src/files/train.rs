//! Training from files into a run directory.

use std::collections::BTreeMap;
use std::path::Path;

use townsend_core::RunFiles;
use townsend_io::ReadOptions;

use crate::context::named_input;
use crate::family::{Configuration, Outcome, Training, TrainingData, Wanted};
use crate::{Context, Error, Result};

/// How to train.
#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Go on with a run that was stopped.
    pub resume: bool,
    /// Values of the configuration to change, each `key=value`.
    pub set: Vec<String>,
}

/// Trains the model that the file `config` describes on the file `data` and leaves everything in the
/// directory `run`.
///
/// Every seed of a run is in its configuration: [`Context::seed`] is not used, so that the file alone says
/// what a run is.
pub fn train(
    config: &Path,
    data: &Path,
    run: &Path,
    options: &TrainOptions,
    context: &Context<'_>,
) -> Result<Outcome> {
    let config = Configuration { set: options.set.clone(), ..Configuration::read(config)? };
    let family = context.families.of(&config)?;
    let wanted = family.wants(&config)?;
    if options.resume && !family.can_resume() {
        return Err(config.blame(Error::NothingToResume));
    }
    if !options.resume {
        RunFiles::refuse_occupied(run, context.force)?;
    }
    let (from_file, mut warnings) = read(data, &wanted, context)?;
    let mut files = RunFiles::Folder(run.into());
    let training = Training {
        config: &config,
        data: &from_file,
        file: Some(named_input(data)?),
        run: &mut files,
        resume: options.resume,
        context,
    };
    let outcome = context.on_its_threads(|| family.train(training)).map_err(|error| match error {
        Error::InData(source) => Error::In { path: data.into(), source },
        error => error,
    })?;
    warnings.extend(outcome.warnings);
    Ok(Outcome { warnings, ..outcome })
}

/// Reads what a training wants; with warnings.
fn read(path: &Path, wanted: &Wanted, context: &Context<'_>) -> Result<(TrainingData, Vec<String>)> {
    match wanted {
        Wanted::Avalanches { dims } => {
            let loaded = context.read(path, &ReadOptions { dims: *dims, ..ReadOptions::default() })?;
            Ok((loaded.data.into(), loaded.warnings))
        }
        Wanted::Responses(names) => {
            let mut responses = BTreeMap::new();
            for name in names {
                responses.insert(name.clone(), townsend_cascade::read_responses(&[path], name)?);
            }
            Ok((TrainingData::Responses(responses), Vec::new()))
        }
    }
}
