//! The training loop.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn_tensor::Device;
use townsend_core::{CountSet, Dataset, Grid, Part, Progress};
use townsend_models::{
    CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Moments, Parameters, SizeModel, TrainingState, device,
};

use crate::config::Plan;
use crate::metrics::EpochMetrics;
use crate::run::{RUN_VERSION, Run, RunData};
use crate::trainer::Trainer;
use crate::{Select, TrainConfig, TrainError};

/// How a training starts.
#[derive(Debug, Clone, Copy, Default)]
pub struct TrainOptions {
    /// Go on with the run that is in the directory.
    pub resume: bool,
    /// Remove an older run that is in the directory.
    pub force: bool,
}

/// How a training ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TrainSummary {
    /// True if it was told to stop before its last epoch.
    pub stopped: bool,
    /// Complete epochs.
    pub epochs: u32,
    /// Steps of the optimiser.
    pub steps: u64,
    /// Training avalanches that have electrons.
    pub used: usize,
    /// Smallest validation distance (or loss) and its epoch, counted from 1.
    pub best: Option<(f64, u32)>,
    /// What it is the smallest of.
    pub select: Select,
    /// How often it went back to the end of an earlier epoch, because of a loss that was not to be gone on with, and on with half
    /// the step size.
    pub rollbacks: u32,
    /// The last complete epoch.
    pub last: Option<EpochMetrics>,
    /// Wall time of this call.
    pub seconds: f64,
}

/// Trains a model on the training part of `data` and leaves everything in the directory `run`.
///
/// When `stop` becomes true the step under way is finished, the state is saved and the summary says `stopped`; with
/// [`TrainOptions::resume`] the same call goes on, and ends with the same bits as if it had never been stopped. The
/// result depends neither on the number of threads nor on the time.
///
/// # Errors
/// A wrong configuration, data that do not fit, a directory that is something else, a loss that does not stay finite at an
/// eighth of the step size either, a file that cannot be written. What was there before is kept, save with [`TrainOptions::force`].
pub fn train(
    config: &TrainConfig,
    data: &Dataset,
    run: &Path,
    options: TrainOptions,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<TrainSummary, TrainError> {
    let started = Instant::now();
    let plan = config.check(data)?;
    let device = device(&plan.config.training.device)?;
    let counts = if plan.config.model.dims() == 0 {
        numbers_alone(data, &plan.grid)
    } else {
        data.to_counts(&plan.grid)?
    };
    let (run_data, used) = describe(&plan, data, &counts)?;
    let (run, checkpoint) = if options.resume {
        let run = Run::open(run)?;
        run.refuse_other(&plan.config, &run_data)?;
        let (checkpoint, _) = Checkpoint::load(&run.last_checkpoint(), &device)?;
        (run, checkpoint)
    } else {
        let checkpoint = initial(&plan, &counts, data, &device)?;
        let run = Run::create(run, &plan.config, &run_data, &checkpoint, options.force)?;
        (run, checkpoint)
    };
    let trainer = Trainer::new(&plan, &counts, used, &run, checkpoint)?;
    let (stopped, last, state) = trainer.train(progress, stop)?;
    Ok(TrainSummary {
        stopped,
        epochs: state.epoch,
        steps: state.step,
        used: run_data.used,
        best: state.best.map(|(value, epoch)| (value, epoch + 1)),
        select: plan.config.training.select,
        rollbacks: state.rollbacks,
        last,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// What `data.json` says, and the avalanches that train.
fn describe(plan: &Plan, data: &Dataset, counts: &CountSet) -> Result<(RunData, Vec<usize>), TrainError> {
    let parts =
        [Part::Training, Part::Validation, Part::Test].map(|part| plan.split.indices(part, data.len()));
    let used: Vec<usize> = parts[0].iter().copied().filter(|&i| counts.get(i).electrons() > 0).collect();
    if used.len() < 2 {
        return Err(TrainError::TooFew { usable: used.len(), training: parts[0].len() });
    }
    let data = RunData {
        version: RUN_VERSION,
        digest: data.digest(),
        avalanches: data.len(),
        parts: parts.map(|part| part.len()),
        used: used.len(),
        split: plan.split,
        grid: plan.grid.clone(),
    };
    Ok((data, used))
}

/// The electrons of each avalanche in the one bin of `grid`, wherever they are.
fn numbers_alone(data: &Dataset, grid: &Grid) -> CountSet {
    let mut counts = CountSet::new(grid.clone());
    for index in 0..data.len() {
        let electrons = u32::try_from(data.electrons(index)).unwrap_or(u32::MAX);
        counts.push((electrons > 0).then_some((1, electrons)));
    }
    counts
}

/// The checkpoint before the first step.
fn initial(
    plan: &Plan,
    counts: &CountSet,
    data: &Dataset,
    device: &Device,
) -> Result<Checkpoint, TrainError> {
    let training = plan.split.indices(Part::Training, data.len());
    let sizes: Vec<u64> = training.iter().map(|&index| counts.get(index).electrons()).collect();
    let seed = plan.config.training.seed;
    let mut parameters = Parameters::initial(plan.model.tensors(), seed, device);
    plan.model.prepare(&mut parameters, &counts.select(&training));
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
