//! Training, in memory.

use townsend_core::{Claim, RunFiles};

use crate::family::{Configuration, Family, Outcome, Training, TrainingData};
use crate::{Context, Error, Model, Result};

/// What a training gave.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The files of the run.
    pub run: RunFiles,
    /// How it ended.
    pub outcome: Outcome,
}

impl Trained {
    /// The model.
    ///
    /// # Errors
    /// The training was stopped before there was one.
    pub fn model(&self, context: &Context<'_>) -> Result<Box<dyn Model>> {
        context.families.open_run(self.run.clone())
    }
}

/// Trains the model that a configuration describes, in memory.
///
/// Every seed of a training is in its configuration: [`Context::seed`] is not used, so that the configuration
/// alone says what a model is.
///
/// ```
/// use townsend::{Configuration, Context, Setting, simulate, train};
///
/// let context = Context::default();
/// let data = simulate(&townsend::detector(None)?, 1, 0..60, &Setting::default())?;
/// let config = Configuration::from_toml("[model]\nfamily = 'clusters'\n")
///     .set("training.sweeps=10")
///     .set("training.electrons=20000");
/// let trained = train(&config, &data.into(), &context)?;
/// let generated = trained.model(&context)?.generate(1, 0..100, &Setting::default())?;
/// assert_eq!(generated.len(), 100);
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn train(config: &Configuration, data: &TrainingData, context: &Context<'_>) -> Result<Trained> {
    train_into(config, data, RunFiles::memory(), false, context)
}

/// Trains on data in memory, into the files of a run in a folder or in memory; with `resume`, goes on with a
/// training that was stopped.
///
/// # Errors
/// Those of the training; or a folder where something else is, or a family that cannot go on.
pub fn train_into(
    config: &Configuration,
    data: &TrainingData,
    mut run: RunFiles,
    resume: bool,
    context: &Context<'_>,
) -> Result<Trained> {
    let family = context.families.of(config)?;
    family.wants(config)?;
    let _claim = prepare(family, config, &run, resume, context)?;
    let outcome = context.on_its_threads(|| {
        family.train(Training { config, data, file: None, run: &mut run, resume, context })
    })?;
    Ok(Trained { run, outcome })
}

/// Refuses to resume what cannot be, and to begin where something is already or another process writes. Until
/// what is returned is dropped, no other process writes there.
pub(crate) fn prepare(
    family: &dyn Family,
    config: &Configuration,
    run: &RunFiles,
    resume: bool,
    context: &Context<'_>,
) -> Result<Option<Claim>> {
    if resume && !family.can_resume() {
        return Err(config.blame(Error::NothingToResume));
    }
    let claim = run.claim(resume, context.force)?;
    if let (RunFiles::Folder(run), Some(holder)) = (run, claim.as_ref().and_then(Claim::left_by)) {
        let doubt =
            if holder.is_here() { "" } else { "; should it still be at work there, stop one of the two" };
        context
            .progress
            .warn(&format!("{}: takes over from {holder}, which was killed{doubt}", run.display()));
    }
    Ok(claim)
}
