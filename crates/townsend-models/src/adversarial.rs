//! Losses of generators and of the critics that distinguish generated from real avalanches.

use burn_tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::{Number, Numbers};

/// Fraction of right judgements above which the critic gives the generator no gradient to learn from. Chosen,
/// not fitted: in batches of some 50 avalanches it then is wrong about fewer than one in two batches.
const ALWAYS_RIGHT: f64 = 0.995;
/// Generated avalanches count as all alike if their positions vary by a smaller fraction of the variation of
/// real ones. Chosen, not fitted: it is far below any difference by chance within a batch.
const ALL_ALIKE: f64 = 0.1;

/// The losses of a generator and its critic. D is the score of the critic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdversarialLoss {
    /// Binary cross entropy of the probability 1 / (1 + exp(−D)) that an avalanche is real; the generator
    /// maximises it for generated ones (Goodfellow et al. 2014).
    Bce,
    /// (D − target)² (Mao et al. 2017).
    Lsgan,
    /// The difference of mean scores, with weights kept within a limit (Arjovsky et al. 2017).
    WganClip,
    /// The difference of mean scores, with a penalty for gradients by the input that are not of norm 1
    /// (Gulrajani et al. 2017).
    WganGp,
}

impl AdversarialLoss {
    /// The loss of the critic; `targets` are the scores that real and generated avalanches should get.
    pub(crate) fn of_critic(self, real: Tensor<2>, made: Tensor<2>, targets: [f64; 2]) -> Tensor<1> {
        match self {
            Self::Bce => cross_entropy(real, targets[0]) + cross_entropy(made, targets[1]),
            Self::Lsgan => ((real - targets[0]).square().mean() + (made - targets[1]).square().mean()) * 0.5,
            Self::WganClip | Self::WganGp => made.mean() - real.mean(),
        }
    }

    /// The loss of the generator.
    pub(crate) fn of_generator(self, made: Tensor<2>) -> Tensor<1> {
        match self {
            Self::Bce => cross_entropy(made, 1.0),
            Self::Lsgan => (made - 1.0).square().mean() * 0.5,
            Self::WganClip | Self::WganGp => made.mean().neg(),
        }
    }

    /// The score above which an avalanche is judged to be real; none for losses that are differences of
    /// means.
    pub(crate) fn threshold(self) -> Option<f64> {
        match self {
            Self::Bce => Some(0.0),
            Self::Lsgan => Some(0.5),
            Self::WganClip | Self::WganGp => None,
        }
    }
}

/// −t ln p − (1 − t) ln(1 − p) with p = 1 / (1 + exp(−score)), the mean over the batch.
pub(crate) fn cross_entropy(scores: Tensor<2>, target: f64) -> Tensor<1> {
    // ln p = x − softplus(x), ln(1 − p) = −softplus(x).
    (softplus(scores.clone()) - scores * target).mean()
}

/// ln(1 + exp(x)), without overflow.
fn softplus(x: Tensor<2>) -> Tensor<2> {
    activation::relu(x.clone()) + x.abs().neg().exp().log1p()
}

/// Fraction of the avalanches, real and generated, that the critic judges rightly.
pub(crate) fn accuracy(real: &Tensor<2>, made: &Tensor<2>, threshold: f64) -> Tensor<1> {
    let right = |is_right: Tensor<2>| is_right.mean();
    (right(real.clone().greater_elem(threshold).float()) + right(made.clone().lower_elem(threshold).float()))
        * 0.5
}

/// (‖gradient‖ − 1)², averaged over the rows.
pub(crate) fn penalty(gradient: Tensor<2>) -> Tensor<1> {
    // The addend keeps the derivative of the root finite where the gradient is 0.
    ((gradient.square().sum_dim(1) + 1e-12).sqrt() - 1.0).square().mean()
}

/// Squared distance of the mean features, ‖mean real − mean generated‖² (Salimans et al. 2016).
pub(crate) fn feature_distance(real: Tensor<2>, made: Tensor<2>) -> Tensor<1> {
    (real.mean_dim(0) - made.mean_dim(0)).square().sum()
}

/// Signs, in the means of an epoch, that generator and critic no longer learn from each other.
pub(crate) fn symptoms(means: &Numbers) -> Vec<String> {
    let one = |name: &str| means.get(name).and_then(Number::one);
    let mut symptoms = Vec::new();
    if one("critic_accuracy").is_some_and(|accuracy| accuracy > ALWAYS_RIGHT) {
        symptoms.push(
            "the critic is always right, so nothing is learned from it; lower training.critic_learning_rate, or let a GAN have model.loss = \
             \"wgan_gp\""
                .to_owned(),
        );
    }
    if one("diversity").is_some_and(|diversity| diversity < ALL_ALIKE) {
        symptoms.push(
            "the generator collapsed: its avalanches are all in the same place; let a GAN have model.minibatch_discrimination = true or \
             model.loss = \"wgan_gp\", and a VAE a lower model.adversary.weight"
                .to_owned(),
        );
    }
    symptoms
}
