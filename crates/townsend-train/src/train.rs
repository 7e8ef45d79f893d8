//! The training loop.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn_tensor::{Device, Tensor};
use townsend_core::{CountSet, Dataset, Part, Progress, Task};
use townsend_models::{
    CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Losses, Moments, Parameters, Pass, SizeModel,
    TrainingState, device,
};

use crate::adam::Adam;
use crate::batches::Batches;
use crate::config::Plan;
use crate::metrics::{EpochMetrics, LossParts, MetricsWriter, StepMetrics};
use crate::run::{RUN_VERSION, Run, RunData};
use crate::{TrainConfig, TrainError};

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
    /// True if it was stopped before its last epoch.
    pub stopped: bool,
    /// Complete epochs.
    pub epochs: u32,
    /// Steps of the optimiser.
    pub steps: u64,
    /// Training avalanches that have electrons.
    pub used: usize,
    /// Smallest validation loss and its epoch, counted from 1.
    pub best: Option<(f64, u32)>,
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
/// A wrong configuration, data that do not fit, a directory that is something else, a loss that is not a number,
/// a file that cannot be written. What was there before is kept, save with [`TrainOptions::force`].
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
    let counts = data.to_counts(&plan.grid)?;
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
        best: state.best.map(|(loss, epoch)| (loss, epoch + 1)),
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
    plan.model.prepare(&mut parameters, &electrons(counts, &training));
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

/// Electrons of all these avalanches in each cell.
fn electrons(counts: &CountSet, indices: &[usize]) -> Vec<u64> {
    let mut sums = vec![0; counts.grid().cells()];
    for avalanche in indices.iter().map(|&index| counts.get(index)) {
        avalanche
            .cells
            .iter()
            .zip(avalanche.counts)
            .for_each(|(&cell, &n)| sums[cell as usize] += u64::from(n));
    }
    sums
}

struct Trainer<'a> {
    plan: &'a Plan,
    run: &'a Run,
    header: CheckpointHeader,
    parameters: Parameters,
    adam: Adam<'a>,
    training: Batches<'a>,
    validation: Batches<'a>,
    metrics: MetricsWriter,
}

impl<'a> Trainer<'a> {
    fn new(
        plan: &'a Plan,
        counts: &'a CountSet,
        used: Vec<usize>,
        run: &'a Run,
        checkpoint: Checkpoint,
    ) -> Result<Self, TrainError> {
        let config = &plan.config.training;
        let Checkpoint { header, parameters, moments } = checkpoint;
        let batches = |indices, flips| Batches {
            counts,
            indices,
            batch_size: config.batch_size,
            noise: plan.model.noise(),
            seed: config.seed,
            flips,
            device: parameters.device().clone(),
        };
        let validation = plan.split.indices(Part::Validation, counts.len()).into_iter();
        let validation = validation.filter(|&index| counts.get(index).electrons() > 0).collect();
        Ok(Self {
            plan,
            run,
            training: batches(used, config.augment_flips),
            validation: batches(validation, false),
            metrics: MetricsWriter::open(&run.metrics_file(), header.training.step)?,
            adam: Adam::new(config, &parameters, moments),
            header,
            parameters,
        })
    }

    /// Trains to the last epoch or until it is stopped.
    fn train(
        mut self,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<(bool, Option<EpochMetrics>, TrainingState), TrainError> {
        let epochs = self.plan.config.training.epochs;
        let task = progress.task("train", u64::from(epochs) * self.training.full());
        task.advance(self.header.training.step);
        let mut last = self.run.epochs()?.pop();
        let mut stopped = false;
        while self.header.training.epoch < epochs && !stopped {
            let started = Instant::now();
            let first = self.header.training.batch;
            stopped = !self.epoch(&*task, stop)?;
            if !stopped {
                let steps = self.training.full() - first;
                last = Some(self.end_epoch(started.elapsed().as_secs_f64(), steps)?);
            }
            self.metrics.flush()?;
            self.save(&self.run.last_checkpoint(), true)?;
        }
        Ok((stopped, last, self.header.training))
    }

    /// The rest of the epoch; false if it was stopped before its end.
    fn epoch(&mut self, task: &dyn Task, stop: &AtomicBool) -> Result<bool, TrainError> {
        let order = self.training.shuffled(self.header.training.epoch);
        while self.header.training.batch < self.training.full() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let parts = self.step(&order)?;
            let epochs = self.plan.config.training.epochs;
            let epoch = self.header.training.epoch + 1;
            task.advance(1);
            task.message(&format!(
                "epoch {epoch}/{epochs}  loss {:.4}  reconstruction {:.4}  KL {:.4}",
                parts.loss, parts.reconstruction, parts.kl
            ));
        }
        Ok(true)
    }

    fn step(&mut self, order: &[usize]) -> Result<LossParts, TrainError> {
        let state = &self.header.training;
        let (epoch, step) = (state.epoch, state.step + 1);
        let batch = self.training.training(order, state.batch, step);
        let tracked = self.parameters.tracked();
        let mut pass = Pass::training(&tracked);
        let losses = self.plan.model.losses(&mut pass, batch, epoch);
        let parts = values(&losses);
        if !parts[0].is_finite() {
            return Err(TrainError::Diverged { loss: parts[0], step, epoch: epoch + 1 });
        }
        let mut gradients = losses.total.backward();
        let running = pass.running();
        let gradients = tracked.gradients(&mut gradients);
        let config = &self.plan.config.training;
        let rate = config.learning_rate_at(step, u64::from(config.epochs) * self.training.full());
        self.adam.step(&mut self.parameters, gradients, step, rate);
        for (name, value) in running {
            self.parameters.set(&name, value);
        }
        let state = &mut self.header.training;
        state.step = step;
        state.batch += 1;
        state.sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        let parts = LossParts::from_array(parts);
        self.metrics.step(StepMetrics { step, epoch: epoch + 1, parts, beta: losses.beta })?;
        Ok(parts)
    }

    /// Validates, keeps the weights if they are the best so far, and begins the next epoch.
    fn end_epoch(&mut self, seconds: f64, steps: u64) -> Result<EpochMetrics, TrainError> {
        let epoch = self.header.training.epoch;
        let batches = self.training.full() as f64;
        let validation = self.validate();
        let avalanches = steps as f64 * self.training.batch_size.min(self.training.indices.len()) as f64;
        let state = &mut self.header.training;
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            step: state.step,
            training: LossParts::from_array(state.sums.map(|sum| sum / batches)),
            beta: self.plan.model.beta(epoch),
            validation,
            events_per_second: avalanches / seconds,
        };
        self.metrics.epoch(metrics)?;
        // Without validation avalanches the last weights are the best that are known.
        let loss = validation.map_or(f64::NEG_INFINITY, |parts| parts.loss);
        let is_best = validation.is_none() || state.best.is_none_or(|(best, _)| loss < best);
        if validation.is_some() && is_best {
            state.best = Some((loss, epoch));
        }
        *state = TrainingState { epoch: epoch + 1, batch: 0, sums: [0.0; 3], ..state.clone() };
        if is_best {
            self.save(&self.run.best_checkpoint(), false)?;
        }
        Ok(metrics)
    }

    /// The loss of the validation avalanches, weighted as in the last epoch so that all epochs can be compared.
    fn validate(&self) -> Option<LossParts> {
        let last = self.plan.config.training.epochs - 1;
        let mut sums = [0.0; 3];
        for (avalanches, batch) in self.validation.validation() {
            let losses = self.plan.model.losses(&mut Pass::inference(&self.parameters), batch, last);
            sums.iter_mut().zip(values(&losses)).for_each(|(sum, part)| *sum += part * avalanches as f64);
        }
        let n = self.validation.indices.len();
        (n > 0).then(|| LossParts::from_array(sums.map(|sum| sum / n as f64)))
    }

    fn save(&self, path: &Path, with_moments: bool) -> Result<(), TrainError> {
        let moments = if with_moments { self.adam.moments().clone() } else { Moments::default() };
        let checkpoint =
            Checkpoint { header: self.header.clone(), parameters: self.parameters.clone(), moments };
        Ok(checkpoint.save(path)?)
    }
}

fn values(losses: &Losses) -> [f64; 3] {
    let value = |tensor: &Tensor<1>| f64::from(tensor.clone().into_scalar::<f32>());
    [value(&losses.total), value(&losses.reconstruction), value(&losses.kl)]
}
