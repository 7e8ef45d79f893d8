//! Generative adversarial network (Goodfellow et al. 2014, arXiv:1406.2661): a generator makes avalanches
//! from noise, a critic learns to distinguish them from real ones, and the generator learns to make
//! avalanches that the critic judges to be real.

mod config;
mod network;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn_tensor::{Tensor, TensorData};
use rand::RngExt;
use townsend_core::{Grid, Purpose, stream};

pub use self::config::{GanConfig, Layout, Noise};
use self::network::GeneratorNetwork;
use crate::adversarial::{AdversarialLoss, accuracy, feature_distance, penalty, symptoms};
use crate::batch_observables::BatchObservables;
use crate::critic::{Critic, DROPOUTS};
use crate::family::EachAvalanche;
use crate::layers::Pass;
use crate::onnx::{Graph, Value};
use crate::polynomial::LogDensityPolynomial;
use crate::{
    Batch, Decoder, Losses, NetworkModel, Numbers, Parameters, Player, Sampler, TensorSpec, standard_normal,
};

const GENERATOR_NOISE: Purpose = Purpose::new("generator noise");
const ELECTRONS: Purpose = Purpose::new("made electrons");
const BETWEEN: Purpose = Purpose::new("between real and made");

/// A GAN on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Gan {
    config: GanConfig,
    cells: usize,
    generator: GeneratorNetwork,
    polynomial: Option<LogDensityPolynomial>,
    critic: Critic,
    batch_observables: BatchObservables,
}

/// Avalanches in the form that the critic takes.
struct Seen {
    cells: Tensor<2>,
    /// Their observables, even if the critic does not use them.
    observables: Tensor<2>,
}

impl Gan {
    fn new(config: GanConfig, grid: &Grid, generator: GeneratorNetwork, critic: Critic) -> Self {
        let batch_observables = BatchObservables::new(grid, config.dims);
        let polynomial = config
            .log_density_polynomial
            .then(|| LogDensityPolynomial::new("generator", grid, config.latent));
        Self { config, cells: grid.cells(), generator, polynomial, critic, batch_observables }
    }

    /// Noise `[batch, latent]` with the generator's distribution → result of the output function, `[batch,
    /// cells]`; logarithms of probabilities for `softmax`.
    pub fn make(&self, pass: &mut Pass<'_>, noise: Tensor<2>) -> Tensor<2> {
        let made = self.before_output(pass, noise, None);
        self.config.output.apply(pass, made)
    }

    /// Like [`Gan::make`] without the output function; `batch` gives the streams of the dropout.
    fn before_output(&self, pass: &mut Pass<'_>, noise: Tensor<2>, batch: Option<&Batch>) -> Tensor<2> {
        let made = self.generator.make(pass, noise.clone(), batch);
        match &self.polynomial {
            Some(polynomial) => made + polynomial.of(pass, noise),
            None => made,
        }
    }

    /// The critic's scores `[batch, 1]` of scaled counts `[batch, cells]` and observables `[batch, 1 + 2
    /// dims]`, if it uses any. `batch` gives the streams of the dropout in training.
    pub fn score(
        &self,
        pass: &mut Pass<'_>,
        cells: Tensor<2>,
        observables: Option<Tensor<2>>,
        batch: &Batch,
    ) -> Tensor<2> {
        self.critic.judge(pass, cells, observables, (batch, DROPOUTS[0])).score
    }

    /// The gradient of the sum of [`Gan::score`] by cells and observables, `[batch, cells + observables]`, in
    /// operations that can be differentiated by the critic's weights; and the penalty (‖gradient‖ − 1)²,
    /// averaged over the batch.
    pub fn input_gradient(
        &self,
        pass: &mut Pass<'_>,
        cells: &Tensor<2>,
        observables: Option<Tensor<2>>,
        batch: &Batch,
    ) -> (Tensor<2>, Tensor<1>) {
        let gradient = self.critic.gradient(pass, cells, observables, (batch, DROPOUTS[2]));
        (gradient.clone(), penalty(gradient))
    }

    fn real(&self, pass: &Pass<'_>, batch: &Batch) -> Seen {
        let observables = self.batch_observables.of(pass, &batch.counts);
        let cells = if self.config.dims == 0 {
            observables.clone()
        } else {
            self.config.input.scale(batch.counts.clone())
        };
        Seen { cells, observables }
    }

    /// Generated avalanches, as many as there are in the batch and with the same numbers of electrons.
    fn made(&self, pass: &mut Pass<'_>, noise: Tensor<2>, batch: &Batch) -> Seen {
        let made = self.before_output(pass, self.shaped(noise), Some(batch));
        if self.config.dims == 0 {
            return Seen { cells: made.clone(), observables: made };
        }
        let [cells, counts] = self.config.output.shown(self.config.input, pass, made, (batch, ELECTRONS));
        Seen { cells, observables: self.batch_observables.of(pass, &counts) }
    }

    /// Turns standard normal numbers into the distribution of the generator's noise, as [`Sampler`] does for
    /// generation.
    fn shaped(&self, noise: Tensor<2>) -> Tensor<2> {
        match self.config.noise {
            Noise::Normal => noise,
            // The distribution function of a normal number is uniform.
            Noise::Uniform => ((noise * std::f64::consts::FRAC_1_SQRT_2).erf() + 1.0) * 0.5,
        }
    }

    fn of_critic(&self, pass: &mut Pass<'_>, batch: &Batch) -> Losses {
        self.critic.begin(pass);
        let (real, made) = (self.real(pass, batch), self.made(pass, batch.noise.clone(), batch));
        let (real, made) =
            (real, Seen { cells: made.cells.detach(), observables: made.observables.detach() });
        let observables = |seen: &Seen| self.critic.seen(|| seen.observables.clone());
        let of_real =
            self.critic.judge(pass, real.cells.clone(), observables(&real), (batch, DROPOUTS[0])).score;
        let of_made =
            self.critic.judge(pass, made.cells.clone(), observables(&made), (batch, DROPOUTS[1])).score;
        let targets = [self.config.real_target, self.config.made_target];
        let mut total = self.config.loss.of_critic(of_real.clone(), of_made.clone(), targets);
        let mut parts = vec![("critic_difference", of_real.clone().mean() - of_made.clone().mean())];
        if let Some(threshold) = self.config.loss.threshold() {
            parts.push(("critic_accuracy", accuracy(&of_real, &of_made, threshold)));
        }
        if self.config.loss == AdversarialLoss::WganGp {
            let [cells, observables] =
                between(batch, [&real.cells, &real.observables], [&made.cells, &made.observables]);
            let observables = self.critic.seen(|| observables);
            let (_, penalty) = self.input_gradient(pass, &cells, observables, batch);
            total = total + penalty.clone() * self.config.penalty;
            parts.push(("gradient_penalty", penalty));
        }
        Losses { total, parts }
    }

    fn of_generator(&self, pass: &mut Pass<'_>, batch: &Batch) -> Losses {
        self.critic.begin(pass);
        let [rows, _] = batch.counts.dims();
        let noise = standard_normal(batch.seed, GENERATOR_NOISE, batch.step, rows * self.config.latent);
        let noise =
            Tensor::from_data(TensorData::new(noise, [rows, self.config.latent]), &batch.noise.device());
        let made = self.made(pass, noise, batch);
        let observables = |seen: &Seen| self.critic.seen(|| seen.observables.clone());
        let judged = self.critic.judge(pass, made.cells.clone(), observables(&made), (batch, DROPOUTS[1]));
        let total = if self.config.feature_matching {
            let real = self.real(pass, batch);
            let of_real =
                self.critic.judge(pass, real.cells.clone(), observables(&real), (batch, DROPOUTS[0]));
            feature_distance(of_real.features.detach(), judged.features)
        } else {
            self.config.loss.of_generator(judged.score)
        };
        Losses::new(total, [("diversity", self.batch_observables.diversity(made.observables))])
    }
}

impl NetworkModel for Gan {
    fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = self.generator.specs();
        specs.extend(self.polynomial.iter().flat_map(LogDensityPolynomial::specs));
        if self.config.dims > 0 {
            specs.extend(self.config.output.specs(self.cells));
        }
        specs.extend(self.batch_observables.specs());
        specs.extend(self.critic.specs());
        specs
    }

    fn player(&self, tensor: &str) -> Player {
        if tensor.starts_with(self.critic.prefix) { Player::Critic } else { Player::Generator }
    }

    fn moves(&self, _epoch: u32, step: u64) -> Vec<Player> {
        if step.is_multiple_of(self.config.critic_steps) {
            vec![Player::Critic, Player::Generator]
        } else {
            vec![Player::Critic]
        }
    }

    fn prepare(&self, parameters: &mut Parameters, training: &dyn EachAvalanche) {
        if self.config.dims > 0 {
            self.config.output.prepare(parameters, training);
        }
        self.batch_observables.prepare(parameters, training);
    }

    fn noise(&self) -> usize {
        self.config.latent
    }

    fn losses(&self, pass: &mut Pass<'_>, batch: &Batch, player: Player, _epoch: u32) -> Losses {
        match player {
            Player::Critic => self.of_critic(pass, batch),
            Player::Generator => self.of_generator(pass, batch),
        }
    }

    fn symptoms(&self, means: &Numbers) -> Vec<String> {
        symptoms(means)
    }

    fn constrain(&self, parameters: &mut Parameters, player: Player) {
        if player != Player::Critic || self.config.loss != AdversarialLoss::WganClip {
            return;
        }
        let trained = parameters.trained().filter(|spec| self.player(&spec.name) == Player::Critic);
        let names: Vec<String> = trained.map(|spec| spec.name.clone()).collect();
        for name in names {
            let value = parameters.flat(&name).clone().clamp(-self.config.clip, self.config.clip);
            parameters.set(&name, value);
        }
    }

    fn sampler(&self, _parameters: &Parameters) -> Sampler {
        match self.config.noise {
            Noise::Normal => Sampler::normal(self.config.latent),
            Noise::Uniform => Sampler::uniform(self.config.latent),
        }
    }

    fn decoder(&self, parameters: &Parameters, batch: usize) -> Decoder {
        let network = self.generator.decoder(parameters, batch);
        if self.config.dims == 0 {
            let electrons = BatchObservables::fixed_electrons(parameters);
            let to_weights = move |cells: &mut [f32]| cells[1] = electrons(cells[1]).max(1.0);
            return Decoder::new(network, None, Arc::new(to_weights));
        }
        let polynomial = self.polynomial.as_ref().map(|polynomial| polynomial.fixed(parameters));
        Decoder::new(network, polynomial, self.config.output.to_weights(self.config.input, parameters))
    }

    fn add_to_graph(&self, graph: &mut Graph<'_>, points: &Value) -> Value {
        let mut cells = self.generator.add_to_graph(graph, points);
        if self.config.dims == 0 {
            let electrons = BatchObservables::electrons_in_graph(graph, &cells);
            let electrons = graph.with_number("Max", &electrons, 1.0);
            // Between the flow bins.
            let flow_bins = graph.integers(&[0, 1, 0, 1]);
            return graph.node("Pad", &[&electrons, &flow_bins], &[]);
        }
        if let Some(polynomial) = &self.polynomial {
            cells = polynomial.add_to_graph(graph, points, &cells);
        }
        self.config.output.add_to_graph(self.config.input, graph, &cells)
    }

    fn shapes(&self, pass: &mut Pass<'_>, noise: Tensor<2>) -> Tensor<2> {
        if self.config.dims == 0 {
            let made = self.generator.make(pass, noise, None);
            // All electrons are in the one bin between the flow bins. The model was trained on avalanches
            // with electrons only.
            let electrons = self.batch_observables.electrons(pass, made).clamp_min(1.0);
            let nothing = electrons.zeros_like();
            let mut columns = vec![nothing; self.cells];
            columns[1] = electrons;
            return Tensor::cat(columns, 1);
        }
        let made = self.make(pass, noise);
        self.config.output.weights(self.config.input, made)
    }

    fn draws_size(&self) -> bool {
        self.config.dims == 0
    }
}

/// Points between real and made avalanches: real · (1 − α) + made · α with α ~ U(0, 1), the same for cells
/// and observables of an avalanche.
fn between(batch: &Batch, real: [&Tensor<2>; 2], made: [&Tensor<2>; 2]) -> [Tensor<2>; 2] {
    let [rows, _] = real[0].dims();
    let mut random = stream(batch.seed, BETWEEN, batch.step);
    let alpha: Vec<f32> = (0..rows).map(|_| random.random()).collect();
    let alpha = Tensor::<2>::from_data(TensorData::new(alpha, [rows, 1]), &made[0].device());
    std::array::from_fn(|i| real[i].clone() + (made[i].clone() - real[i].clone()) * alpha.clone())
}
