//! The training loop: epochs and steps, comparison and checkpoints at the end of an epoch, and the return to
//! the last checkpoint after a step that failed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn_tensor::{Tensor, TensorData};
use townsend_core::{CountSet, Dataset, Part, Progress, RunFiles, Silent, Task};
use townsend_models::{
    Checkpoint, CheckpointHeader, Generator, Losses, Moments, Number, Numbers, Parameters, Pass, Player,
    TrainingState,
};
use townsend_observables::{ObservableOptions, Observables, wasserstein};

use crate::TrainError;
use crate::avalanches::{Counted, TOGETHER};
use crate::batches::Batches;
use crate::config::{Plan, Select};
use crate::metrics::{EpochMetrics, MetricsWriter, Rollback, StepMetrics, epochs};
use crate::optimiser::Optimiser;
use crate::run::{Run, read};

/// Number of training avalanches that a sampler of latent points is fitted to at the end of an epoch. Chosen,
/// not fitted: they are 256 for each of the default 8 Gaussians, and encoding them takes a small part of an
/// epoch's time.
const FITTED_TO: usize = 2048;
/// How often a training goes back before it ends with an error. Chosen, not fitted: each time halves the
/// learning rate, and a loss that still explodes with an eighth of it has another cause.
const ROLLBACKS: u32 = 3;
/// A loss counts as exploded if it is this many times as large as that of the last epoch (or as 1). Chosen,
/// not fitted: it is far above the factors by which the losses of batches differ.
const EXPLODED: f64 = 1e4;

pub(crate) struct Trainer<'a> {
    plan: &'a Plan,
    files: &'a mut RunFiles,
    header: CheckpointHeader,
    parameters: Parameters,
    optimiser: Optimiser<'a>,
    /// Names of the tensors that each player changes.
    names: BTreeMap<Player, Vec<String>>,
    training: Batches<'a>,
    validation: Batches<'a>,
    /// The observables of the validation avalanches, for the comparison with generated ones.
    real: Option<Observables>,
    metrics: MetricsWriter,
    last: Option<EpochMetrics>,
}

/// The outcome of a step.
enum Step {
    Done(Numbers),
    /// A loss that exploded or is not finite; no tensor was changed.
    Failed(f64),
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(
        plan: &'a Plan,
        counts: &'a Counted<'a>,
        used: Vec<usize>,
        files: &'a mut RunFiles,
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
        let validation: Vec<usize> = validation.filter(|&index| counts.electrons(index) > 0).collect();
        let mut names: BTreeMap<Player, Vec<String>> = BTreeMap::new();
        for spec in parameters.trained() {
            names.entry(plan.model.player(&spec.name)).or_default().push(spec.name.clone());
        }
        Ok(Self {
            plan,
            real: observables(validation.len(), |part| counts.select(&validation[part]))?,
            training: batches(used, config.augment_flips),
            validation: batches(validation, false),
            metrics: MetricsWriter::open(files, header.training.step)?,
            optimiser: Optimiser::new(config, &parameters, moments),
            names,
            header,
            parameters,
            last: epochs(files)?.pop(),
            files,
        })
    }

    /// Trains to the last epoch, or until it is stopped or has not improved for `patience` epochs.
    pub(crate) fn train(
        mut self,
        progress: &dyn Progress,
        stop: &AtomicBool,
    ) -> Result<(bool, Option<EpochMetrics>, TrainingState), TrainError> {
        let epochs = self.plan.config.training.epochs;
        let task = progress.task("train", u64::from(epochs) * self.training.full());
        task.advance(self.header.training.step);
        let mut stopped = false;
        while self.header.training.epoch < epochs && !stopped && !self.is_out_of_patience() {
            let since = (Instant::now(), self.header.training.batch);
            stopped = !self.epoch(&*task, since, stop)?;
            if !stopped {
                self.end_epoch(self.events_per_second(since))?;
            }
            self.metrics.flush(self.files)?;
            self.save(Run::LAST, self.parameters.clone(), true)?;
        }
        Ok((stopped, self.last, self.header.training))
    }

    fn is_out_of_patience(&self) -> bool {
        let (patience, state) = (self.plan.config.training.patience, &self.header.training);
        patience > 0 && state.best.is_some_and(|(_, best)| state.epoch > best + patience)
    }

    /// Avalanches per second since a time in the epoch at which some of its batches were done.
    fn events_per_second(&self, (started, batches): (Instant, u64)) -> f64 {
        let steps = self.header.training.batch.saturating_sub(batches);
        let avalanches = steps as f64 * self.training.batch_size.min(self.training.indices.len()) as f64;
        avalanches / started.elapsed().as_secs_f64()
    }

    /// Takes the remaining steps of the epoch, which has been running since `since`. Returns false if it was
    /// stopped before its end.
    fn epoch(
        &mut self,
        task: &dyn Task,
        since: (Instant, u64),
        stop: &AtomicBool,
    ) -> Result<bool, TrainError> {
        let order = self.training.shuffled(self.header.training.epoch);
        let mut furthest = self.header.training.step;
        while self.header.training.batch < self.training.full() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            let numbers = match self.step(&order)? {
                Step::Done(numbers) => numbers,
                Step::Failed(loss) => {
                    self.roll_back(loss)?;
                    task.message(&format!(
                        "loss {loss}: back to the last epoch's end, with half the step size"
                    ));
                    continue;
                }
            };
            if self.header.training.step > furthest {
                furthest = self.header.training.step;
                task.advance(1);
            }
            task.message(&self.message(&numbers, self.events_per_second(since)));
        }
        Ok(true)
    }

    fn message(&self, numbers: &Numbers, events_per_second: f64) -> String {
        let (state, epochs) = (&self.header.training, self.plan.config.training.epochs);
        let back = match state.rollbacks {
            0 => String::new(),
            times => format!("  went back {times} times"),
        };
        let (epoch, step) = (state.epoch + 1, state.step);
        let shown = numbers.iter().filter_map(|(name, value)| Some((name.replace('_', " "), value.one()?)));
        let shown: Vec<String> = shown.map(|(name, value)| format!("  {name} {value:.4}")).collect();
        format!(
            "epoch {epoch}/{epochs}  step {step}{}  {events_per_second:.1} events/s{back}",
            shown.concat()
        )
    }

    /// One step of each player that takes part in it.
    fn step(&mut self, order: &[usize]) -> Result<Step, TrainError> {
        let (epoch, number) = (self.header.training.epoch, self.header.training.step + 1);
        let batch = self.training.training(order, self.header.training.batch, number)?;
        let mut numbers = Numbers::new();
        for player in self.plan.model.moves(epoch, number) {
            let names = &self.names[&player];
            let tracked = self.parameters.tracked(|name| self.plan.model.player(name) == player);
            let mut pass = Pass::training(&tracked);
            let losses = self.plan.model.losses(&mut pass, &batch, player, epoch);
            let found = named(&losses, player);
            let loss = found[loss_of(player)].one().unwrap_or(f64::NAN);
            if !loss.is_finite() || loss.abs() > self.limit(player) {
                return Ok(Step::Failed(loss));
            }
            let mut gradients = losses.total.backward();
            let running = pass.running();
            let gradients = tracked.gradients(names, &mut gradients);
            // After this, `self` alone has the values, so that they are changed in place.
            drop((losses, tracked));
            let state = &mut self.header.training;
            state.updates[player as usize] += 1;
            let config = &self.plan.config.training;
            let all = u64::from(config.epochs) * self.training.full();
            let rate = config.learning_rate_at(player, number, all) * 0.5f64.powi(state.rollbacks as i32);
            let updates = state.updates[player as usize];
            if !self.optimiser.step(&mut self.parameters, names, gradients, updates, rate) {
                return Ok(Step::Failed(f64::NAN));
            }
            for (name, value) in running {
                if self.plan.model.player(&name) == player {
                    self.parameters.set(&name, value);
                }
            }
            self.plan.model.constrain(&mut self.parameters, player);
            if player == Player::Generator {
                self.optimiser.average(&self.parameters, names);
            }
            numbers.extend(found);
        }
        let state = &mut self.header.training;
        state.step = number;
        state.batch += 1;
        for (name, value) in &numbers {
            add(&mut state.sums, name, value);
        }
        numbers.retain(|_, value| matches!(value, Number::One(_)));
        let metrics = StepMetrics { step: number, epoch: epoch + 1, numbers: numbers.clone() };
        self.metrics.step(self.files, metrics)?;
        Ok(Step::Done(numbers))
    }

    /// The loss above which a training counts as exploded.
    fn limit(&self, player: Player) -> f64 {
        let last = self.last.as_ref().and_then(|epoch| epoch.training.get(loss_of(player))?.one());
        last.map_or(f64::INFINITY, |loss| EXPLODED * loss.abs().max(1.0))
    }

    /// Goes back to the last checkpoint, and halves the learning rate.
    fn roll_back(&mut self, loss: f64) -> Result<(), TrainError> {
        self.metrics.flush(self.files)?;
        let failed = self.header.training.clone();
        if failed.rollbacks == ROLLBACKS {
            let (step, epoch) = (failed.step + 1, failed.epoch + 1);
            return Err(TrainError::Diverged { loss, step, epoch, rollbacks: ROLLBACKS });
        }
        let (bytes, path) = (read(self.files, Run::LAST)?, self.files.path(Run::LAST));
        let (checkpoint, _) = Checkpoint::from_bytes(&bytes, &path, self.parameters.device())?;
        self.header = checkpoint.header;
        self.header.training.rollbacks = failed.rollbacks + 1;
        self.parameters = checkpoint.parameters;
        self.optimiser = Optimiser::new(&self.plan.config.training, &self.parameters, checkpoint.moments);
        // A training that is resumed uses the smaller learning rate, too.
        self.save(Run::LAST, self.parameters.clone(), true)?;
        let step = self.header.training.step;
        self.metrics = MetricsWriter::open(self.files, step)?;
        let rollback = Rollback {
            step,
            failed: failed.step + 1,
            loss: loss.to_string(),
            factor: 0.5f64.powi(self.header.training.rollbacks as i32),
        };
        self.metrics.rollback(self.files, rollback)
    }

    /// Compares with the validation avalanches, keeps the weights if they are the best so far, and begins the
    /// next epoch.
    fn end_epoch(&mut self, events_per_second: f64) -> Result<(), TrainError> {
        let epoch = self.header.training.epoch;
        let mut weights = self.generating();
        let mut failed = None;
        let mut batches =
            self.training.some(FITTED_TO).map_while(|batch| batch.map_err(|error| failed = Some(error)).ok());
        self.plan.model.finish_epoch(&mut weights, &mut batches);
        drop(batches);
        failed.map_or(Ok(()), Err)?;
        let validation = self.validate(&weights)?;
        let distance = self.distance(&weights)?;
        let training = means(&self.header.training.sums);
        let state = &mut self.header.training;
        let metrics = EpochMetrics {
            epoch: epoch + 1,
            step: state.step,
            symptoms: self.plan.model.symptoms(&training),
            training,
            distance,
            events_per_second,
            validation,
        };
        self.metrics.epoch(self.files, &metrics)?;
        let loss = metrics.validation.as_ref().and_then(|numbers| numbers.get("loss")?.one());
        let value = match self.plan.config.training.select {
            // If generated avalanches have no electrons, their distance counts as infinite.
            Select::Distance if self.real.is_some() => Some(distance.unwrap_or(f64::INFINITY)),
            Select::Distance | Select::Loss => loss,
            Select::Last => None,
        };
        // If there is no number to compare epochs by, the last weights count as the best.
        let is_best = value.is_none_or(|value| state.best.is_none_or(|(best, _)| value < best));
        if let (Some(value), true) = (value.filter(|value| value.is_finite()), is_best) {
            state.best = Some((value, epoch));
        }
        *state = TrainingState { epoch: epoch + 1, batch: 0, sums: BTreeMap::new(), ..state.clone() };
        if is_best {
            self.save(Run::BEST, weights, false)?;
        }
        self.last = Some(metrics);
        Ok(())
    }

    /// The weights for generating avalanches: their running mean, if there is one.
    fn generating(&self) -> Parameters {
        let mut weights = self.parameters.clone();
        for (name, values) in &self.optimiser.moments().average {
            let values = TensorData::new(values.clone(), [values.len()]);
            weights.set(name, Tensor::from_data(values, self.parameters.device()));
        }
        weights
    }

    /// The mean W1/σ over the observables, between the validation avalanches and as many generated ones.
    fn distance(&self, weights: &Parameters) -> Result<Option<f64>, TrainError> {
        let Some(real) = &self.real else { return Ok(None) };
        let header = self.header.clone();
        let model = header.model.check(&header.grid)?;
        let checkpoint = Checkpoint { header, parameters: weights.clone(), moments: Moments::default() };
        let generator = Generator::new(checkpoint, model);
        let seed = self.plan.config.training.seed;
        let generate = |part: Range<usize>| Ok(generator.generate(seed, part.start as u64..part.end as u64));
        let Some(generated) = observables(real.avalanches, generate)? else { return Ok(None) };
        let distances = real.columns().iter().filter_map(|real| {
            let generated = generated.column(real.observable)?;
            let (sigma, enough) = (real.std(), !generated.values.is_empty());
            (sigma > 0.0 && enough).then(|| wasserstein(&real.values, &generated.values) / sigma)
        });
        let distances: Vec<f64> = distances.collect();
        Ok((!distances.is_empty()).then(|| distances.iter().sum::<f64>() / distances.len() as f64))
    }

    /// The loss of the validation avalanches, weighted as in the last epoch, so that all epochs can be
    /// compared.
    fn validate(&self, weights: &Parameters) -> Result<Option<Numbers>, TrainError> {
        let last = self.plan.config.training.epochs - 1;
        let mut sums = BTreeMap::new();
        for batch in self.validation.validation() {
            let (avalanches, batch) = batch?;
            let mut pass = Pass::inference(weights);
            let Some(losses) = self.plan.model.validation(&mut pass, &batch, last) else { return Ok(None) };
            for (name, value) in named(&losses, Player::Generator) {
                // Each avalanche has the same weight, also in a last batch that is smaller.
                (0..avalanches).for_each(|_| add(&mut sums, &name, &value));
            }
        }
        Ok((!sums.is_empty()).then(|| means(&sums)))
    }

    /// Writes a checkpoint; with `all` it includes the state of the optimiser.
    fn save(&mut self, name: &str, parameters: Parameters, all: bool) -> Result<(), TrainError> {
        let moments = if all { self.optimiser.moments().clone() } else { Moments::default() };
        let checkpoint = Checkpoint { header: self.header.clone(), parameters, moments };
        let bytes = checkpoint.to_bytes(&self.files.path(name))?;
        Ok(self.files.write(vec![(name.to_owned(), bytes)])?)
    }
}

/// The observables of so many avalanches, of which some at a time are made or read; none if all are empty.
fn observables(
    avalanches: usize,
    counts: impl Fn(Range<usize>) -> Result<CountSet, TrainError>,
) -> Result<Option<Observables>, TrainError> {
    let mut all: Option<Observables> = None;
    for first in (0..avalanches).step_by(TOGETHER) {
        let part = Dataset::from(counts(first..(first + TOGETHER).min(avalanches))?);
        let options = ObservableOptions { first: first as u64, ..ObservableOptions::default() };
        let part = Observables::of(&part, &options, &Silent)?;
        match &mut all {
            Some(all) => all.append(part),
            None => all = Some(part),
        }
    }
    Ok(all.filter(|all| all.avalanches > all.empty))
}

/// The name of a player's loss.
fn loss_of(player: Player) -> &'static str {
    match player {
        Player::Generator => "loss",
        Player::Critic => "critic_loss",
    }
}

/// A loss and its parts on the host.
fn named(losses: &Losses, player: Player) -> Numbers {
    let parts = losses.parts.iter().map(|(name, tensor)| ((*name).to_owned(), tensor));
    let all = std::iter::once((loss_of(player).to_owned(), &losses.total)).chain(parts);
    all.map(|(name, tensor)| (name, number(tensor))).collect()
}

fn number(tensor: &Tensor<1>) -> Number {
    let values: Vec<f32> = tensor.clone().into_data().try_into_vec().expect("all tensors of a model are f32");
    match values[..] {
        [value] => Number::One(f64::from(value)),
        _ => Number::Several(values.into_iter().map(f64::from).collect()),
    }
}

type Sums = BTreeMap<String, (Vec<f64>, u64)>;

fn add(sums: &mut Sums, name: &str, value: &Number) {
    let values = match value {
        Number::One(value) => std::slice::from_ref(value),
        Number::Several(values) => values,
    };
    let (sum, n) = sums.entry(name.to_owned()).or_insert_with(|| (vec![0.0; values.len()], 0));
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    *n += 1;
}

fn means(sums: &Sums) -> Numbers {
    let mean = |(name, (sum, n)): (&String, &(Vec<f64>, u64))| {
        let number = match sum[..] {
            [sum] => Number::One(sum / *n as f64),
            _ => Number::Several(sum.iter().map(|sum| sum / *n as f64).collect()),
        };
        (name.clone(), number)
    };
    sums.iter().map(mean).collect()
}
