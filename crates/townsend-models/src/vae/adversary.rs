//! A critic of a VAE, which learns to distinguish decoded from real avalanches while the decoder learns to
//! make avalanches that it judges to be real (Larsen et al. 2016, arXiv:1512.09300).

use burn_tensor::Tensor;
use serde::{Deserialize, Serialize};
use townsend_core::Grid;

use crate::adversarial::{AdversarialLoss, accuracy};
use crate::batch_observables::BatchObservables;
use crate::critic::{Critic, DROPOUTS};
use crate::dense::Activation;
use crate::family::check_finite;
use crate::layers::{Pass, padded};
use crate::layout::{Layers, Style};
use crate::{Batch, ConfigError, Losses, TensorSpec};

/// Prefix of the names of its tensors.
pub(super) const PREFIX: &str = "adversary.";
const SLOPE: f64 = 0.01;

/// The loss by which the decoder learns from the critic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdversaryLoss {
    /// −ln of the probability of being real that the critic gives to decoded avalanches.
    CrossEntropy,
    /// The mean squared difference between the critic's features of a real avalanche and of its decoded one.
    Feature,
}

/// A critic as written in a configuration file. By default it is the reference's, with the loss on features
/// that its authors proposed to make the training stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdversaryConfig {
    /// The loss by which the decoder learns from it.
    pub loss: AdversaryLoss,
    /// Weight of this loss beside that of the VAE.
    pub weight: f64,
    /// It takes part in one of this many epochs, the last of them.
    pub every: u32,
    /// Its layers, with a batch normalisation after each convolution.
    pub layers: Layers,
}

impl Default for AdversaryConfig {
    fn default() -> Self {
        Self {
            loss: AdversaryLoss::Feature,
            weight: 0.2,
            every: 10,
            layers: Layers::new(
                &[64],
                &[12, 24, 36, 48, 60, 72, 84, 96, 128],
                &[4, 4, 4, 4, 5, 4, 5, 4, 3],
                &[1, 1, 2, 1, 2, 1, 2, 1, 1],
            ),
        }
    }
}

impl AdversaryConfig {
    pub(super) fn check(&self, dims: usize, grid: &Grid) -> Result<Adversary, ConfigError> {
        const LAYERS: &str = "model.adversary.layers";
        check_finite("model.adversary.weight", self.weight)?;
        if self.every == 0 {
            return Err(ConfigError::new("model.adversary.every", 0, "must be at least 1"));
        }
        self.layers.check(LAYERS, true, true)?;
        self.layers.after(LAYERS, &grid.shape())?;
        let style = Style { prefix: PREFIX, dims, padding: 0, slope: SLOPE, first_norm: Some(0) };
        let convolutions = self.layers.convolutions(&style);
        let mut critic = Critic { convolutions, ..Critic::new(PREFIX, padded(&grid.shape())) };
        critic.set_head(&self.layers.linear, Activation::Leaky(SLOPE), 0);
        Ok(Adversary { config: self.clone(), critic })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Adversary {
    config: AdversaryConfig,
    critic: Critic,
}

/// Real and decoded avalanches `[batch, cells]` in the form that the critic takes, and the decoded ones as
/// counts.
pub(super) struct Shown {
    pub(super) real: Tensor<2>,
    pub(super) decoded: Tensor<2>,
    pub(super) counts: Tensor<2>,
}

impl Adversary {
    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        self.critic.specs()
    }

    /// True if it takes part in an epoch, counted from 0.
    pub(super) fn acts(&self, epoch: u32) -> bool {
        (epoch + 1).is_multiple_of(self.config.every)
    }

    /// The loss of the critic.
    pub(super) fn of_critic(&self, pass: &mut Pass<'_>, shown: Shown, batch: &Batch) -> Losses {
        let real = self.critic.judge(pass, shown.real, None, (batch, DROPOUTS[0])).score;
        let decoded = self.critic.judge(pass, shown.decoded.detach(), None, (batch, DROPOUTS[1])).score;
        let total = AdversarialLoss::Bce.of_critic(real.clone(), decoded.clone(), [1.0, 0.0]);
        Losses::new(total, [("critic_accuracy", accuracy(&real, &decoded, 0.0))])
    }

    /// Adds the loss by which the decoder learns from the critic.
    pub(super) fn add_to(
        &self,
        losses: &mut Losses,
        pass: &mut Pass<'_>,
        shown: Shown,
        batch_observables: &BatchObservables,
        batch: &Batch,
    ) {
        let diversity = batch_observables.diversity(batch_observables.of(pass, &shown.counts));
        let decoded = self.critic.judge(pass, shown.decoded, None, (batch, DROPOUTS[1]));
        let loss = match self.config.loss {
            AdversaryLoss::CrossEntropy => AdversarialLoss::Bce.of_generator(decoded.score),
            AdversaryLoss::Feature => {
                let real = self.critic.judge(pass, shown.real, None, (batch, DROPOUTS[0]));
                (real.features.detach() - decoded.features).square().mean()
            }
        };
        losses.total = losses.total.clone() + loss.clone() * self.config.weight;
        losses.parts.extend([("adversary", loss), ("diversity", diversity)]);
    }
}
