//! InfoGAN (Chen et al. 2016, arXiv:1606.03657): a GAN whose generator has a class and codes as inputs
//! besides noise. The critic learns to guess both from an avalanche, and the generator learns to make
//! avalanches from which they can be guessed, so that they become properties of avalanches.

mod config;
mod network;
#[cfg(test)]
mod tests;

use burn_tensor::{Tensor, TensorData, activation};
use townsend_core::{Grid, Purpose};

pub use self::config::InfoGanConfig;
pub use self::network::Judged;
use self::network::{CRITIC, Networks};
use crate::adversarial::{AdversarialLoss, accuracy, symptoms};
use crate::batch_observables::BatchObservables;
use crate::family::EachAvalanche;
use crate::layers::Pass;
use crate::onnx::{Graph, Value};
use crate::polynomial::LogDensityPolynomial;
use crate::{
    Batch, Decoder, Losses, NetworkModel, Numbers, Parameters, Player, Sampler, TensorSpec, standard_normal,
};

const GENERATOR_NOISE: Purpose = Purpose::new("infogan noise");
const ELECTRONS: Purpose = Purpose::new("infogan electrons");

/// An InfoGAN on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct InfoGan {
    config: InfoGanConfig,
    cells: usize,
    networks: Networks,
    polynomial: Option<LogDensityPolynomial>,
    batch_observables: BatchObservables,
}

impl InfoGan {
    fn new(config: InfoGanConfig, grid: &Grid, networks: Networks) -> Self {
        let batch_observables = BatchObservables::new(grid, config.dims);
        let told = config.noise + config.classes + config.codes;
        let polynomial =
            config.log_density_polynomial.then(|| LogDensityPolynomial::new("generator", grid, told));
        Self { config, cells: grid.cells(), networks, polynomial, batch_observables }
    }

    /// Noise, class (one-hot) and codes, `[batch, noise + classes + codes]` → result of the output function,
    /// `[batch, cells]`; logarithms of probabilities for `softmax`.
    pub fn make(&self, pass: &mut Pass<'_>, told: Tensor<2>) -> Tensor<2> {
        let made = self.before_output(pass, told);
        self.config.output.apply(pass, made)
    }

    fn before_output(&self, pass: &mut Pass<'_>, told: Tensor<2>) -> Tensor<2> {
        let made = self.networks.make(pass, told.clone());
        match &self.polynomial {
            Some(polynomial) => made + polynomial.of(pass, told),
            None => made,
        }
    }

    /// The critic's judgement of scaled counts `[batch, cells]` and observables `[batch, 1 + 2 dims]`, if it
    /// uses any.
    pub fn judge(&self, pass: &mut Pass<'_>, cells: Tensor<2>, observables: Option<Tensor<2>>) -> Judged {
        self.networks.judge(pass, cells, observables)
    }

    /// Turns standard normal numbers into noise, class and codes: the largest number of the second part
    /// selects the class, and the third part becomes uniform from −1 to 1 by Φ. [`Sampler`] does the same for
    /// generation.
    fn told(&self, numbers: &Tensor<2>) -> Tensor<2> {
        let InfoGanConfig { noise, classes, codes, .. } = self.config;
        let [rows, _] = numbers.dims();
        let part = |from: usize, n: usize| numbers.clone().slice([0..rows, from..from + n]);
        let class = part(noise, classes);
        let class = class.clone().greater_equal(class.max_dim(1).expand([rows, classes])).float();
        let code = (part(noise + classes, codes) * std::f64::consts::FRAC_1_SQRT_2).erf();
        Tensor::cat(vec![part(0, noise), class, code], 1)
    }

    /// Generated avalanches in the form that the critic takes, and as counts.
    fn made(&self, pass: &mut Pass<'_>, told: Tensor<2>, batch: &Batch) -> [Tensor<2>; 2] {
        let made = self.before_output(pass, told);
        self.config.output.shown(self.config.input, pass, made, (batch, ELECTRONS))
    }

    /// The error of the critic's guesses of class and codes, which the generator was `told`: cross entropy
    /// and mean squared error, each with its weight.
    pub fn information(&self, judged: &Judged, told: &Tensor<2>) -> [Tensor<1>; 2] {
        let InfoGanConfig { noise, classes, codes, .. } = self.config;
        let [rows, _] = told.dims();
        let part = |from: usize, n: usize| told.clone().slice([0..rows, from..from + n]);
        let ln_p = activation::log_softmax(judged.classes.clone(), 1);
        let class = (ln_p * part(noise, classes)).sum_dim(1).mean().neg();
        let code = (judged.codes.clone() - part(noise + classes, codes)).square().mean();
        [class * self.config.class_weight, code * self.config.code_weight]
    }

    /// The loss of the critic: the validity of real and generated avalanches, and class and codes of the
    /// generated ones, which are known.
    fn of_critic(&self, pass: &mut Pass<'_>, batch: &Batch) -> Losses {
        let told = self.told(&batch.noise);
        let [cells, counts] = self.made(pass, told.clone(), batch).map(Tensor::detach);
        let critic = &self.networks.critic;
        let observables = critic.seen(|| self.batch_observables.of(pass, &counts));
        let made = self.judge(pass, cells, observables);
        let observables = critic.seen(|| self.batch_observables.of(pass, &batch.counts));
        let real = self.judge(pass, self.config.input.scale(batch.counts.clone()), observables);
        let [class, code] = self.information(&made, &told);
        let game = AdversarialLoss::Lsgan;
        let validity = game.of_critic(real.validity.clone(), made.validity.clone(), [1.0, 0.0]);
        let right = accuracy(&real.validity, &made.validity, 0.5);
        let total = validity + class.clone() + code.clone();
        Losses::new(total, [("critic_accuracy", right), ("class", class), ("code", code)])
    }

    fn of_generator(&self, pass: &mut Pass<'_>, batch: &Batch) -> Losses {
        let [rows, _] = batch.counts.dims();
        let numbers = standard_normal(batch.seed, GENERATOR_NOISE, batch.step, rows * self.noise());
        let numbers = TensorData::new(numbers, [rows, self.noise()]);
        let told = self.told(&Tensor::from_data(numbers, &batch.noise.device()));
        let [cells, counts] = self.made(pass, told.clone(), batch);
        let observables = self.batch_observables.of(pass, &counts);
        let judged = self.judge(pass, cells, self.networks.critic.seen(|| observables.clone()));
        let [class, code] = self.information(&judged, &told);
        let validity = AdversarialLoss::Lsgan.of_generator(judged.validity);
        let diversity = self.batch_observables.diversity(observables);
        Losses::new(validity.clone() + class + code, [("validity", validity), ("diversity", diversity)])
    }
}

impl NetworkModel for InfoGan {
    fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = self.networks.specs();
        specs.extend(self.polynomial.iter().flat_map(LogDensityPolynomial::specs));
        specs.extend(self.config.output.specs(self.cells));
        specs.extend(self.batch_observables.specs());
        specs
    }

    fn player(&self, tensor: &str) -> Player {
        if tensor.starts_with(CRITIC) { Player::Critic } else { Player::Generator }
    }

    fn moves(&self, _epoch: u32, _step: u64) -> Vec<Player> {
        vec![Player::Critic, Player::Generator]
    }

    fn prepare(&self, parameters: &mut Parameters, training: &dyn EachAvalanche) {
        self.config.output.prepare(parameters, training);
        self.batch_observables.prepare(parameters, training);
    }

    fn noise(&self) -> usize {
        self.config.noise + self.config.classes + self.config.codes
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

    fn sampler(&self, _parameters: &Parameters) -> Sampler {
        Sampler::told(self.config.noise, self.config.classes, self.config.codes)
    }

    fn decoder(&self, parameters: &Parameters, batch: usize) -> Decoder {
        let network = self.networks.decoder(parameters, batch);
        let polynomial = self.polynomial.as_ref().map(|polynomial| polynomial.fixed(parameters));
        Decoder::new(network, polynomial, self.config.output.to_weights(self.config.input, parameters))
    }

    fn add_to_graph(&self, graph: &mut Graph<'_>, points: &Value) -> Value {
        let mut cells = self.networks.add_to_graph(graph, points);
        if let Some(polynomial) = &self.polynomial {
            cells = polynomial.add_to_graph(graph, points, &cells);
        }
        self.config.output.add_to_graph(self.config.input, graph, &cells)
    }

    fn shapes(&self, pass: &mut Pass<'_>, told: Tensor<2>) -> Tensor<2> {
        let made = self.make(pass, told);
        self.config.output.weights(self.config.input, made)
    }
}
