//! Variational autoencoder of the reference: convolutions, a Gaussian latent space, transposed convolutions.
//!
//! Encoder q(z|x) and decoder p(x|z) are trained together on −E[log p(x|z)] + β KL(q(z|x) ‖ N(0, I)); a new
//! avalanche is the decoder applied to z ~ N(0, I).

mod aggregate;
mod config;
mod loss;
mod network;
#[cfg(test)]
mod tests;

use burn_tensor::Tensor;
use townsend_core::CountSet;

pub use self::config::{Likelihood, VaeConfig};
pub use self::loss::{divergence, nats, reconstruction, sample};
use self::network::Network;
use crate::layers::Pass;
use crate::output::PROFILE;
use crate::{Batch, Decoder, LatentMap, Losses, Model, Number, Numbers, Parameters, Player, TensorSpec};

/// Name of the divergence of each latent dimension among the parts of a loss.
const KL_PER_DIMENSION: &str = "kl_per_dimension";
/// A latent dimension with less says nothing of an avalanche.
const USED_NATS: f64 = 0.01;

/// A VAE on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Vae {
    config: VaeConfig,
    network: Network,
}

impl Vae {
    /// Scaled counts `[batch, cells]` → features of the encoder's convolutions `[batch, features]`.
    pub fn encode(&self, pass: &mut Pass<'_>, scaled: Tensor<2>) -> Tensor<2> {
        self.network.encode(pass, scaled)
    }

    /// Features → mean and log variance of q(z|x), `[batch, latent]` each.
    pub fn posterior(&self, pass: &Pass<'_>, features: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        self.network.posterior(pass, features)
    }

    /// Latent `[batch, latent]` → output of the decoder `[batch, cells]`; logarithms of probabilities for `softmax`.
    pub fn decode(&self, pass: &mut Pass<'_>, latent: Tensor<2>) -> Tensor<2> {
        let decoded = self.network.decode(pass, latent);
        self.config.output.apply(pass, decoded)
    }
}

impl Model for Vae {
    fn tensors(&self) -> Vec<TensorSpec> {
        let mut specs = self.network.specs();
        if self.config.latent_moments {
            specs.extend(aggregate::specs(self.config.latent));
        }
        specs
    }

    fn prepare(&self, parameters: &mut Parameters, training: &CountSet) {
        self.config.output.prepare(parameters, training);
    }

    fn noise(&self) -> usize {
        self.config.latent
    }

    fn losses(&self, pass: &mut Pass<'_>, batch: &Batch, _player: Player, epoch: u32) -> Losses {
        let scaled = self.config.input.scale(batch.counts.clone());
        let features = self.encode(pass, scaled.clone());
        let (mean, logvar) = self.posterior(pass, features);
        let latent = loss::sample(mean.clone(), logvar.clone(), batch.noise.clone());
        if self.config.latent_moments {
            aggregate::remember(pass, mean.clone(), logvar.clone());
        }
        let decoded = self.network.decode(pass, latent);
        let profile = || pass.values(PROFILE);
        let reconstruction = loss::of_decoded(self.config.output, &decoded, &batch.counts, &scaled, profile)
            .unwrap_or_else(|| {
                let output = self.config.output.apply(pass, decoded);
                loss::reconstruction(self.config.likelihood, output, batch.counts.clone(), scaled)
            });
        let nats = loss::nats(mean, logvar);
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

    fn validation(&self, pass: &mut Pass<'_>, batch: &Batch, last: u32) -> Option<Losses> {
        Some(self.losses(pass, batch, Player::Generator, last))
    }

    fn symptoms(&self, means: &Numbers) -> Vec<String> {
        let Some(Number::Several(nats)) = means.get(KL_PER_DIMENSION) else { return Vec::new() };
        let used = nats.iter().filter(|&&nats| nats > USED_NATS).count();
        let collapsed = used == 0;
        let symptom = "the posterior collapsed: no latent dimension says more than 0.01 nats of an avalanche, so all generated \
                       avalanches have the same shape; lower model.beta";
        collapsed.then(|| symptom.to_owned()).into_iter().collect()
    }

    fn latent_map(&self, parameters: &Parameters) -> Option<LatentMap> {
        self.config.latent_moments.then(|| aggregate::map(parameters, self.config.latent))
    }

    fn decoder(&self, parameters: &Parameters, batch: usize) -> Option<Decoder> {
        let network = self.network.decoder(parameters, self.latent_map(parameters).as_ref(), batch);
        Some(Decoder::new(network, self.config.output.to_weights(self.config.input, parameters)))
    }

    fn shapes(&self, pass: &mut Pass<'_>, noise: Tensor<2>) -> Tensor<2> {
        let decoded = self.decode(pass, noise);
        self.config.output.weights(self.config.input, decoded)
    }
}
