//! Training from files into a run directory.

use std::collections::BTreeMap;
use std::path::Path;

use townsend_core::RunFiles;
use townsend_io::ReadOptions;

use super::input::{Input, Read};
use crate::context::without_folder;
use crate::family::{Configuration, Outcome, Training, TrainingData, Wanted};
use crate::train::{Trained, prepare};
use crate::{Context, Error, Result};

/// How to train.
#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Go on with a run that was stopped.
    pub resume: bool,
    /// Values of the configuration to change, each `key=value`.
    pub set: Vec<String>,
}

/// Trains the model that the file `config` describes on the files `data` and leaves everything in the
/// directory `run`. How files are read may stand in the table `[input]` of the configuration; what `data` has
/// goes before it.
///
/// Every seed of a run is in its configuration: [`Context::seed`] is not used, so that the file alone says
/// what a run is.
pub fn train(
    config: &Path,
    data: impl Into<Input>,
    run: &Path,
    options: &TrainOptions,
    context: &Context<'_>,
) -> Result<Outcome> {
    let config = Configuration { set: options.set.clone(), ..Configuration::read(config)? };
    Ok(train_configured(config, data.into(), RunFiles::Folder(run.into()), options.resume, context)?.outcome)
}

/// Trains the model of a configuration that is read already on files, as [`train`] does, into the files of a
/// run in a folder or in memory.
pub fn train_configured(
    mut config: Configuration,
    mut data: Input,
    mut run: RunFiles,
    resume: bool,
    context: &Context<'_>,
) -> Result<Trained> {
    let input = config.take_input()?;
    let family = context.families.of(&config)?;
    let wanted = family.wants(&config)?;
    prepare(family, &config, &run, resume, context)?;
    data.options = data.options.or(input);
    let (from_file, mut warnings) = read(data.clone(), &wanted, context)?;
    let file = Some(without_folder(&data.file()?));
    let training = Training { config: &config, data: &from_file, file, run: &mut run, resume, context };
    let outcome = context.on_its_threads(|| family.train(training)).map_err(|error| match error {
        Error::InData(source) => Error::In { path: data.path(), source },
        error => error,
    })?;
    warnings.extend(outcome.warnings);
    Ok(Trained { run, outcome: Outcome { warnings, ..outcome } })
}

/// Reads what a training wants; with warnings.
fn read(input: Input, wanted: &Wanted, context: &Context<'_>) -> Result<(TrainingData, Vec<String>)> {
    match wanted {
        Wanted::Avalanches { dims } => {
            let Read { data, warnings, .. } = input.with_dims(*dims).read(context)?;
            Ok((data.into(), warnings))
        }
        Wanted::Responses(names) => {
            let paths: Vec<_> = input.sources()?.into_iter().map(|source| source.path).collect();
            if input.options != ReadOptions::default() {
                let what = "columns, units and the like are for avalanches; responses of single foils have names and units of their own";
                return Err(Error::In { path: input.path(), source: Box::new(Error::Usage(what.into())) });
            }
            let mut responses = BTreeMap::new();
            for name in names {
                responses.insert(name.clone(), townsend_cascade::read_responses(&paths, name)?);
            }
            Ok((TrainingData::Responses(responses), Vec::new()))
        }
    }
}
