//! Variational autoencoder of the reference: convolutions, a Gaussian latent space, transposed convolutions.
//!
//! Encoder q(z|x) and decoder p(x|z) are trained together on −E[ln p(x|z)] + β KL(q(z|x) ‖ N(0, I)); a new
//! avalanche is the decoder applied to z ~ N(0, I), or to z from a distribution that was fitted to the latent
//! points of training avalanches.

mod adversary;
mod config;
mod loss;
mod network;
#[cfg(test)]
mod tests;

use burn_tensor::Tensor;
use townsend_core::Purpose;

use self::adversary::{Adversary, Shown};
pub use self::adversary::{AdversaryConfig, AdversaryLoss};
pub use self::config::{Likelihood, VaeConfig};
pub use self::loss::{divergence, nats, reconstruction, sample};
use self::network::Network;
use crate::adversarial::symptoms;
use crate::batch_observables::BatchObservables;
use crate::family::EachAvalanche;
use crate::layers::Pass;
use crate::onnx::{Graph, Value};
use crate::output::PROFILE;
use crate::parameters::to_host;
use crate::polynomial::LogDensityPolynomial;
use crate::{
    Batch, Decoder, Losses, NetworkModel, Number, Numbers, Parameters, Player, Sampler, SamplerKind,
    TensorSpec,
};

const ELECTRONS: Purpose = Purpose::new("decoded electrons");
/// Name, among the parts of a loss, of the divergence of each latent dimension.
const KL_PER_DIMENSION: &str = "kl_per_dimension";
/// A latent dimension with a smaller divergence counts as unused. Chosen, not fitted: with a hundredth of a
/// nat the posterior is shifted or narrowed by less than 15 % of the width of the prior.
const USED_NATS: f64 = 0.01;

/// A VAE on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Vae {
    config: VaeConfig,
    network: Network,
    polynomial: Option<LogDensityPolynomial>,
    /// Observables of avalanches, if the encoder uses them or there is an adversary.
    batch_observables: Option<BatchObservables>,
    adversary: Option<Adversary>,
}

/// A batch of avalanches after encoder and decoder.
struct Encoded {
    scaled: Tensor<2>,
    mean: Tensor<2>,
    logvar: Tensor<2>,
    /// The arguments of the output function.
    decoded: Tensor<2>,
}

impl Vae {
    /// Scaled counts `[batch, cells]` → features of the encoder's convolutions `[batch, features]`.
    pub fn encode(&self, pass: &mut Pass<'_>, scaled: Tensor<2>) -> Tensor<2> {
        self.network.encode(pass, scaled)
    }

    /// Features, and with `log_density_polynomial` observables after them → mean and log variance of q(z|x),
    /// `[batch, latent]` each.
    pub fn posterior(&self, pass: &Pass<'_>, features: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.network.posterior(pass, features)
    }

    /// Latent `[batch, latent]` → output of the decoder `[batch, cells]`; logarithms of probabilities for
    /// `softmax`.
    pub fn decode(&self, pass: &mut Pass<'_>, latent: Tensor<2>) -> Tensor<2> {
        let decoded = self.before_output(pass, latent);
        self.config.output.apply(pass, decoded)
    }

    /// Latent `[batch, latent]` → arguments of the output function, `[batch, cells]`.
    fn before_output(&self, pass: &mut Pass<'_>, latent: Tensor<2>) -> Tensor<2> {
        let maps = self.network.decode(pass, latent.clone());
        match &self.polynomial {
            Some(polynomial) => maps + polynomial.of(pass, latent),
            None => maps,
        }
    }

    /// Scaled and unscaled counts `[batch, cells]` → the inputs of the posterior.
    fn features(&self, pass: &mut Pass<'_>, scaled: Tensor<2>, counts: &Tensor<2>) -> Tensor<2> {
        let features = self.encode(pass, scaled);
        match &self.batch_observables {
            Some(batch_observables) if self.config.log_density_polynomial => {
                Tensor::cat(vec![features, batch_observables.of(pass, counts)], 1)
            }
            _ => features,
        }
    }

    fn encoded(&self, pass: &mut Pass<'_>, batch: &Batch) -> Encoded {
        let scaled = self.config.input.scale(batch.counts.clone());
        let features = self.features(pass, scaled.clone(), &batch.counts);
        let (mean, logvar) = self.posterior(pass, features);
        let latent = loss::sample(mean.clone(), logvar.clone(), self.latent_noise(batch));
        let decoded = self.before_output(pass, latent);
        Encoded { scaled, mean, logvar, decoded }
    }

    /// The normal numbers for drawing points of the posterior; a sampler may need one more than these.
    fn latent_noise(&self, batch: &Batch) -> Tensor<2> {
        let [rows, _] = batch.noise.dims();
        batch.noise.clone().slice([0..rows, 0..self.config.latent])
    }

    /// The loss without the part of the adversary.
    fn of_autoencoder(&self, pass: &Pass<'_>, encoded: &Encoded, batch: &Batch, epoch: u32) -> Losses {
        let Encoded { scaled, mean, logvar, decoded } = encoded;
        let profile = || pass.values(PROFILE);
        let reconstruction = loss::of_decoded(self.config.output, decoded, &batch.counts, scaled, profile)
            .unwrap_or_else(|| {
                let output = self.config.output.apply(pass, decoded.clone());
                loss::reconstruction(self.config.likelihood, output, batch.counts.clone(), scaled.clone())
            });
        let nats = loss::nats(mean.clone(), logvar.clone());
        let kl = loss::divergence(self.config.likelihood, nats.clone());
        let beta = self.config.beta.at(epoch);
        let penalty = match self.config.capacity {
            Some(capacity) => (kl.clone() - capacity.at(epoch)).abs(),
            None => kl.clone(),
        };
        let total = reconstruction.clone() + penalty * beta;
        let beta = Tensor::from_data([beta as f32], &total.device());
        let parts =
            [("reconstruction", reconstruction), ("kl", kl), ("beta", beta), (KL_PER_DIMENSION, nats)];
        Losses::new(total, parts)
    }

    /// The avalanches in the form that the adversary takes.
    fn shown(&self, pass: &Pass<'_>, encoded: &Encoded, batch: &Batch) -> Shown {
        let [decoded, counts] =
            self.config.output.shown(self.config.input, pass, encoded.decoded.clone(), (batch, ELECTRONS));
        Shown { real: encoded.scaled.clone(), decoded, counts }
    }
}

impl NetworkModel for Vae {
    fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = self.network.specs();
        specs.extend(self.polynomial.iter().flat_map(LogDensityPolynomial::specs));
        specs.extend(self.batch_observables.iter().flat_map(BatchObservables::specs));
        specs.extend(self.config.sampler_spec().tensors());
        specs.extend(self.adversary.iter().flat_map(Adversary::specs));
        specs
    }

    fn player(&self, tensor: &str) -> Player {
        if tensor.starts_with(adversary::PREFIX) { Player::Critic } else { Player::Generator }
    }

    fn moves(&self, epoch: u32, _step: u64) -> Vec<Player> {
        match &self.adversary {
            Some(adversary) if adversary.acts(epoch) => vec![Player::Critic, Player::Generator],
            _ => vec![Player::Generator],
        }
    }

    fn prepare(&self, parameters: &mut Parameters, training: &dyn EachAvalanche) {
        self.config.output.prepare(parameters, training);
        if let Some(batch_observables) = &self.batch_observables {
            batch_observables.prepare(parameters, training);
        }
    }

    fn noise(&self) -> usize {
        self.config.sampler_spec().noise()
    }

    fn losses(&self, pass: &mut Pass<'_>, batch: &Batch, player: Player, epoch: u32) -> Losses {
        let encoded = self.encoded(pass, batch);
        let adversary = self.adversary.as_ref().filter(|adversary| adversary.acts(epoch));
        if let (Player::Critic, Some(adversary)) = (player, adversary) {
            let shown = self.shown(pass, &encoded, batch);
            return adversary.of_critic(pass, shown, batch);
        }
        let mut losses = self.of_autoencoder(pass, &encoded, batch, epoch);
        if let (Some(adversary), Some(batch_observables)) = (adversary, &self.batch_observables) {
            let shown = self.shown(pass, &encoded, batch);
            adversary.add_to(&mut losses, pass, shown, batch_observables, batch);
        }
        losses
    }

    fn validation(&self, pass: &mut Pass<'_>, batch: &Batch, last: u32) -> Option<Losses> {
        let encoded = self.encoded(pass, batch);
        Some(self.of_autoencoder(pass, &encoded, batch, last))
    }

    fn symptoms(&self, means: &Numbers) -> Vec<String> {
        let mut symptoms = symptoms(means);
        let Some(Number::Several(nats)) = means.get(KL_PER_DIMENSION) else { return symptoms };
        if nats.iter().all(|&nats| nats <= USED_NATS) {
            symptoms.push(
                "the posterior collapsed: no latent dimension says more than 0.01 nats of an avalanche, so all generated avalanches have \
                 the same shape; lower model.beta"
                    .to_owned(),
            );
        }
        symptoms
    }

    fn finish_epoch(&self, parameters: &mut Parameters, batches: &mut dyn Iterator<Item = Batch>) {
        let spec = self.config.sampler_spec();
        if spec.kind == SamplerKind::Normal {
            return;
        }
        let (mut points, mut seed) = (Vec::new(), 0);
        for batch in batches {
            let mut pass = Pass::inference(parameters);
            let scaled = self.config.input.scale(batch.counts.clone());
            let features = self.features(&mut pass, scaled, &batch.counts);
            let (mean, logvar) = self.posterior(&pass, features);
            points.extend(to_host(loss::sample(mean, logvar, self.latent_noise(&batch))));
            seed = batch.seed;
        }
        // If weights have exploded there are no points to fit to.
        if !points.is_empty() && points.iter().all(|x| x.is_finite()) {
            spec.fit(parameters, &points, seed);
        }
    }

    fn sampler(&self, parameters: &Parameters) -> Sampler {
        self.config.sampler_spec().sampler(parameters)
    }

    fn decoder(&self, parameters: &Parameters, batch: usize) -> Decoder {
        let network = self.network.decoder(parameters, batch);
        let polynomial = self.polynomial.as_ref().map(|polynomial| polynomial.fixed(parameters));
        Decoder::new(network, polynomial, self.config.output.to_weights(self.config.input, parameters))
    }

    fn add_to_graph(&self, graph: &mut Graph<'_>, points: &Value) -> Value {
        let mut cells = self.network.add_to_graph(graph, points);
        if let Some(polynomial) = &self.polynomial {
            cells = polynomial.add_to_graph(graph, points, &cells);
        }
        self.config.output.add_to_graph(self.config.input, graph, &cells)
    }

    fn step_multiply_adds(&self) -> Option<usize> {
        self.adversary.is_none().then(|| self.network.step_multiply_adds())
    }

    fn has_encoder(&self) -> bool {
        true
    }

    fn reconstructed(&self, pass: &mut Pass<'_>, batch: &Batch) -> Option<Tensor<2>> {
        let encoded = self.encoded(pass, batch);
        let decoded = self.config.output.apply(pass, encoded.decoded);
        Some(self.config.output.weights(self.config.input, decoded))
    }

    fn shapes(&self, pass: &mut Pass<'_>, latent: Tensor<2>) -> Tensor<2> {
        let decoded = self.decode(pass, latent);
        self.config.output.weights(self.config.input, decoded)
    }
}
