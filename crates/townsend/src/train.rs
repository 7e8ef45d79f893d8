//! Training.

use std::path::Path;

use serde::Serialize;
use townsend_core::RunFiles;
use townsend_io::ReadOptions;
use townsend_train::{Beginning, TrainConfig, TrainError, TrainSummary};

use crate::cascade::{self, CascadeSummary};
use crate::cloud::{self, CloudSummary};
use crate::context::named_input;
use crate::fitted;
use crate::{Context, Error, Result};

/// How to train.
#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Go on with a run that was stopped.
    pub resume: bool,
    /// Values of the configuration to change, each `key=value`.
    pub set: Vec<String>,
}

/// What a training gave.
#[derive(Debug, Clone, Serialize)]
pub struct Trained {
    /// How it ended.
    #[serde(flatten)]
    pub summary: Summary,
    /// What a user should know of the data.
    pub warnings: Vec<String>,
}

/// How a training ended.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Summary {
    /// Of a network, by steps.
    Network(TrainSummary),
    /// Of a cascade, by a fit of its stages.
    Cascade(CascadeSummary),
    /// Of a cloud, by sweeps.
    Cloud(CloudSummary),
}

/// Trains the model that `config` describes on `data` and leaves everything in the directory `run`.
///
/// Every seed of a run is in its configuration: [`Context::seed`] is not used, so that the file alone says what a run is.
pub fn train(
    config: &Path,
    data: &Path,
    run: &Path,
    options: &TrainOptions,
    context: &Context<'_>,
) -> Result<Trained> {
    let refuse_resume = |name: &str| {
        if !options.resume {
            return Ok(());
        }
        let what = format!("a {name} is trained in one go, there is nothing to resume; leave out --resume");
        Err(Error::In { path: config.into(), source: Error::Usage(what).into() })
    };
    let (summary, warnings) = match fitted::family(config, &options.set).as_deref() {
        Some(cascade::FAMILY) => {
            refuse_resume("cascade")?;
            let (summary, warnings) = cascade::train(config, data, run, &options.set, context)?;
            (Summary::Cascade(summary), warnings)
        }
        Some(cloud::FAMILY) => {
            refuse_resume("cloud")?;
            let (summary, warnings) = cloud::train(config, data, run, &options.set, context)?;
            (Summary::Cloud(summary), warnings)
        }
        _ => return train_network(config, data, run, options, context),
    };
    Ok(Trained { summary, warnings })
}

fn train_network(
    config: &Path,
    data: &Path,
    run: &Path,
    options: &TrainOptions,
    context: &Context<'_>,
) -> Result<Trained> {
    let plan = TrainConfig::load(config, &options.set)?;
    // For the number of electrons alone any number of axes will do.
    let dims = Some(plan.model.dims()).filter(|&dims| dims > 0);
    let loaded = context.read(data, &ReadOptions { dims, ..ReadOptions::default() })?;
    let file = Some(named_input(data)?);
    let mut files = RunFiles::Folder(run.into());
    let beginning = if options.resume {
        Beginning::Resume
    } else {
        RunFiles::refuse_occupied(run, context.force).map_err(TrainError::from)?;
        Beginning::New
    };
    let (progress, stop) = (context.progress, context.stop);
    let trained = townsend_train::train(&plan, &loaded.data, file, &mut files, beginning, progress, stop);
    let summary = trained.map_err(|error| match Error::from(error) {
        error @ Error::Train(TrainError::TooFew { .. }) => {
            Error::In { path: data.into(), source: error.into() }
        }
        // The errors of reading it name the configuration already.
        error if error.is_usage() => Error::In { path: config.into(), source: error.into() },
        error => error,
    })?;
    Ok(Trained { summary: Summary::Network(summary), warnings: loaded.warnings })
}
