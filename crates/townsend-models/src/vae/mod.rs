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

use burn_tensor::{Tensor, TensorData};
use townsend_kernels::exponentials;

pub use self::config::{Likelihood, Output, Scaling, VaeConfig};
pub use self::loss::{divergence, reconstruction, sample};
use self::network::Network;
use crate::layers::Pass;
use crate::{Batch, Decoder, LatentMap, Losses, Model, Parameters, TensorSpec};

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
        self.network.output(pass, decoded)
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

    fn prepare(&self, parameters: &mut Parameters, electrons: &[u64]) {
        if self.config.output == Output::Softmax {
            let values = loss::log_profile(electrons);
            let shape = [values.len()];
            let value = Tensor::from_data(TensorData::new(values, shape), parameters.device());
            parameters.set(network::PROFILE, value);
        }
    }

    fn noise(&self) -> usize {
        self.config.latent
    }

    fn beta(&self, epoch: u32) -> f64 {
        self.config.beta.at(epoch)
    }

    fn losses(&self, pass: &mut Pass<'_>, batch: Batch, epoch: u32) -> Losses {
        let scaled = loss::scale(self.config.input, batch.counts.clone());
        let features = self.encode(pass, scaled.clone());
        let (mean, logvar) = self.posterior(pass, features);
        let latent = loss::sample(mean.clone(), logvar.clone(), batch.noise);
        if self.config.latent_moments {
            aggregate::remember(pass, mean.clone(), logvar.clone());
        }
        let decoded = self.network.decode(pass, latent);
        let profile = || pass.values(network::PROFILE);
        let reconstruction = loss::of_decoded(self.config.output, &decoded, &batch.counts, &scaled, profile)
            .unwrap_or_else(|| {
                let output = self.network.output(pass, decoded);
                loss::reconstruction(self.config.likelihood, output, batch.counts, scaled)
            });
        let kl = loss::divergence(self.config.likelihood, mean, logvar);
        let beta = self.beta(epoch);
        let penalty = match self.config.capacity {
            Some(capacity) => (kl.clone() - capacity.at(epoch)).abs(),
            None => kl.clone(),
        };
        Losses { total: reconstruction.clone() + penalty * beta, reconstruction, kl, beta }
    }

    fn latent_map(&self, parameters: &Parameters) -> Option<LatentMap> {
        self.config.latent_moments.then(|| aggregate::map(parameters, self.config.latent))
    }

    fn decoder(&self, parameters: &Parameters, batch: usize) -> Option<Decoder> {
        let network = self.network.decoder(parameters, self.latent_map(parameters).as_ref(), batch);
        let (output, input) = (self.config.output, self.config.input);
        let profile = match output {
            Output::Softmax => parameters.values(network::PROFILE),
            Output::Relu | Output::TwoSigmoid => Vec::new(),
        };
        let to_weights = move |cells: &mut [f32]| match output {
            Output::Softmax => {
                exponentials(cells, &profile);
            }
            Output::Relu => cells.iter_mut().for_each(|x| *x = loss::unscaled(input, x.max(0.0))),
            Output::TwoSigmoid => {
                for x in cells {
                    *x = loss::unscaled(input, 2.0 / (1.0 + (-*x).exp()));
                }
            }
        };
        Some(Decoder::new(network, Box::new(to_weights)))
    }

    fn shapes(&self, pass: &mut Pass<'_>, noise: Tensor<2>) -> Tensor<2> {
        let decoded = self.decode(pass, noise);
        match self.config.output {
            Output::Softmax => decoded.exp(),
            Output::Relu | Output::TwoSigmoid => loss::unscale(self.config.input, decoded),
        }
    }
}
