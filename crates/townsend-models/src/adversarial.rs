//! Losses of generators and of the critics that tell their avalanches from real ones.

use burn_tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::{Number, Numbers};

/// A critic that is right in a larger fraction of cases gives no gradient to learn from: of a batch of some
/// 50 avalanches it then takes less than one for the wrong kind in two batches.
const ALWAYS_RIGHT: f64 = 0.995;
/// Avalanches whose places vary by a smaller fraction of what real ones vary by are taken to be all alike. It
/// is a rule of thumb: far below any difference by chance within a batch.
const ALL_ALIKE: f64 = 0.1;

/// The losses of a generator and its critic. D is the score of the critic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdversarialLoss {
    /// Binary cross entropy of the probability 1 / (1 + exp(−D)) that an avalanche is real; the generator
    /// maximises it for made ones (Goodfellow et al. 2014).
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
    /// The loss of the critic; `targets` are the values that it should give real and made avalanches.
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

    /// The score above which an avalanche is taken to be real; none for losses that are differences of means.
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

/// Fraction of the avalanches, real and made, that a critic recognises as such.
pub(crate) fn accuracy(real: &Tensor<2>, made: &Tensor<2>, threshold: f64) -> Tensor<1> {
    let right = |is_right: Tensor<2>| is_right.mean();
    (right(real.clone().greater_elem(threshold).float()) + right(made.clone().lower_elem(threshold).float()))
        * 0.5
}

/// (‖gradient‖ − 1)², the mean over the rows.
pub(crate) fn penalty(gradient: Tensor<2>) -> Tensor<1> {
    // Without the addend the root has no derivative where there is no gradient.
    ((gradient.square().sum_dim(1) + 1e-12).sqrt() - 1.0).square().mean()
}

/// ‖mean real − mean made‖² of features (Salimans et al. 2016).
pub(crate) fn feature_distance(real: Tensor<2>, made: Tensor<2>) -> Tensor<1> {
    (real.mean_dim(0) - made.mean_dim(0)).square().sum()
}

/// Signs, in the means of an epoch, that generator and critic do not learn from each other.
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
