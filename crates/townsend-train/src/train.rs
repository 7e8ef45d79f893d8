//! The training loop.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn_tensor::Device;
use townsend_core::{InputFile, Part, Progress, RunFiles, RunHeader, TrainedOn, Work};
use townsend_models::{
    CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Moments, Parameters, SizeModel, TrainingState, device,
};

use crate::avalanches::{Avalanches, Counted};
use crate::config::Plan;
use crate::metrics::EpochMetrics;
use crate::run::{Run, RunSummary, create, read};
use crate::trainer::Trainer;
use crate::{Select, TrainConfig, TrainError};

/// Whether a training begins anew or continues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Beginning {
    /// Begins with new weights and replaces the files of an older run.
    #[default]
    New,
    /// Continues from the state that an earlier training left in the files.
    Resume,
}

/// The outcome of a training.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TrainSummary {
    /// True if it was asked to stop before its last epoch.
    pub stopped: bool,
    /// Number of complete epochs.
    pub epochs: u32,
    /// Number of steps of the optimiser.
    pub steps: u64,
    /// Number of training avalanches with electrons.
    pub used: usize,
    /// The smallest distance (or loss) for the validation avalanches, and its epoch, counted from 1.
    pub best: Option<(f64, u32)>,
    /// The number that the best epoch was chosen by.
    pub select: Select,
    /// How often a loss exploded or was not finite, so that training went back to the end of the last epoch
    /// and continued with half the learning rate.
    pub rollbacks: u32,
    /// The last complete epoch.
    pub last: Option<EpochMetrics>,
    /// Wall time of this call, in seconds.
    pub seconds: f64,
}

/// Trains a model on the training part of `data` and leaves everything in `files`, in a folder or in memory.
/// `file` is the file that the data were read from, which the run only names.
///
/// A new training replaces the files of an older run; whether it may is for the caller to ask, with
/// [`RunFiles::refuse_occupied`]. When `stop` becomes true the step under way is finished, the state is saved
/// and the summary says `stopped`; with [`Beginning::Resume`] the same call goes on, and ends with the same
/// bits as if it had never been stopped. Before the first step, while the training avalanches are looked at,
/// it is an error instead, and nothing is left. The result depends neither on the number of threads nor on
/// the time.
///
/// # Errors
/// A wrong configuration, data that do not fit, files that are no run to resume, a loss that does not stay
/// finite at an eighth of the step size either, a file that cannot be written. Nothing is written before
/// configuration and data are found right.
pub fn train<'a>(
    config: &TrainConfig,
    data: impl Into<Avalanches<'a>>,
    file: Option<InputFile>,
    files: &mut RunFiles,
    beginning: Beginning,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<TrainSummary, TrainError> {
    let started = Instant::now();
    let data = data.into();
    let plan = config.check(data.grid())?;
    let device = device(&plan.config.training.device)?;
    let counts = data.counted(&plan.grid, plan.config.model.dims() == 0)?;
    let (trained_on, summary, used) = describe(&plan, data, file, &counts)?;
    let checkpoint = match beginning {
        Beginning::Resume => {
            let run = Run::open(files.clone())?;
            run.refuse_other(&plan.config, &trained_on)?;
            if run.config().training.epochs < plan.config.training.epochs {
                files.write(vec![(Run::CONFIG.into(), plan.config.to_toml().into_bytes())])?;
            }
            Checkpoint::from_bytes(&read(files, Run::LAST)?, &files.path(Run::LAST), &device)?.0
        }
        Beginning::New => {
            let checkpoint = initial(&plan, &counts, data, &device, Work { progress, stop })?;
            create(files, &plan.config, &header(&plan, data, trained_on, &summary), &checkpoint)?;
            checkpoint
        }
    };
    let trainer = Trainer::new(&plan, &counts, used, files, checkpoint)?;
    let (stopped, last, state) = trainer.train(progress, stop)?;
    Ok(TrainSummary {
        stopped,
        epochs: state.epoch,
        steps: state.step,
        used: summary.used,
        best: state.best.map(|(value, epoch)| (value, epoch + 1)),
        select: plan.config.training.select,
        rollbacks: state.rollbacks,
        last,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// The data and the summary for the header of the run, and the numbers of the avalanches that train.
fn describe(
    plan: &Plan,
    data: Avalanches<'_>,
    file: Option<InputFile>,
    counts: &Counted<'_>,
) -> Result<(TrainedOn, RunSummary, Vec<usize>), TrainError> {
    let parts =
        [Part::Training, Part::Validation, Part::Test].map(|part| plan.split.indices(part, data.len()));
    let used: Vec<usize> = parts[0].iter().copied().filter(|&i| counts.electrons(i) > 0).collect();
    if used.len() < 2 {
        return Err(TrainError::TooFew { usable: used.len(), training: parts[0].len() });
    }
    let trained_on = data.described(file, plan.split)?;
    let parts = parts.map(|part| part.len());
    let summary = RunSummary { parts, used: used.len(), grid: plan.grid.clone() };
    Ok((trained_on, summary, used))
}

/// The header of a new run.
fn header(plan: &Plan, data: Avalanches<'_>, trained_on: TrainedOn, summary: &RunSummary) -> RunHeader {
    let summary = serde_json::to_value(summary).expect("a summary has a form in JSON");
    RunHeader::new(plan.config.model.family(), data.meta().units.clone(), Some(trained_on), summary)
}

/// The checkpoint before the first step.
fn initial(
    plan: &Plan,
    counts: &Counted<'_>,
    data: Avalanches<'_>,
    device: &Device,
    work: Work<'_>,
) -> Result<Checkpoint, TrainError> {
    let training = plan.split.indices(Part::Training, data.len());
    let sizes: Vec<u64> = training.iter().map(|&index| counts.electrons(index)).collect();
    let seed = plan.config.training.seed;
    let mut parameters = Parameters::initial(plan.model.tensors(), seed, device);
    counts.look(&training, work, |training| plan.model.prepare(&mut parameters, training))?;
    let header = CheckpointHeader {
        version: CHECKPOINT_VERSION,
        model: plan.config.model.clone(),
        grid: plan.grid.clone(),
        size: SizeModel::fit(&sizes, &plan.config.size)?,
        data: data.meta().clone(),
        training: TrainingState { seed, ..TrainingState::default() },
    };
    Ok(Checkpoint { header, parameters, moments: Moments::default() })
}
