//! The loss of the VAE: l = −E[log p(x|z)] + β KL(q(z|x) ‖ N(0, I)) (Kingma and Welling 2014; β: Higgins et al. 2017).

use burn_tensor::Tensor;
use townsend_kernels::softmax_loss;

use super::{Likelihood, Output, Scaling};
use crate::fused;

/// Counts as they enter the network.
pub(crate) fn scale(scaling: Scaling, counts: Tensor<2>) -> Tensor<2> {
    match scaling {
        Scaling::Raw => counts,
        Scaling::Sqrt => counts.sqrt(),
        Scaling::Log1p => counts.log1p(),
    }
}

/// The inverse of [`scale`]; what a decoder that reconstructs scaled counts means in counts.
pub(crate) fn unscale(scaling: Scaling, scaled: Tensor<2>) -> Tensor<2> {
    match scaling {
        Scaling::Raw => scaled,
        Scaling::Sqrt => scaled.square(),
        Scaling::Log1p => scaled.exp() - 1.0,
    }
}

/// [`unscale`] of a number.
pub(crate) fn unscaled(scaling: Scaling, scaled: f32) -> f32 {
    match scaling {
        Scaling::Raw => scaled,
        Scaling::Sqrt => scaled * scaled,
        Scaling::Log1p => scaled.exp() - 1.0,
    }
}

/// ln p of the mean avalanche, with a tenth of an electron added to each cell so that none is impossible.
pub(crate) fn log_profile(electrons: &[u64]) -> Vec<f32> {
    let total = electrons.iter().sum::<u64>() as f64 + 0.1 * electrons.len() as f64;
    electrons.iter().map(|&n| ((n as f64 + 0.1) / total).ln() as f32).collect()
}

/// A draw from N(mean, exp(logvar)), made of standard normal `noise` so that gradients reach both.
pub fn sample(mean: Tensor<2>, logvar: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
    mean + (logvar * 0.5).exp() * noise
}

/// How badly `decoded` (after the output function) explains an avalanche, averaged over the batch.
///
/// Multinomial: −Σ n log p in nats; the multinomial coefficient, which no parameter enters, is left out.
pub fn reconstruction(
    likelihood: Likelihood,
    decoded: Tensor<2>,
    counts: Tensor<2>,
    scaled: Tensor<2>,
) -> Tensor<1> {
    match likelihood {
        Likelihood::Mse => (decoded - scaled).square().mean(),
        Likelihood::Multinomial => {
            let [batch, _] = counts.dims();
            -(counts * decoded).sum() / batch as f64
        }
    }
}

/// What [`Network::output`](super::network::Network::output) and [`reconstruction`] give together, in one go where the CPU evaluates it;
/// `decoded` stands before the output function, and `profile` is that of `softmax`.
pub(super) fn of_decoded(
    output: Output,
    decoded: &Tensor<2>,
    counts: &Tensor<2>,
    scaled: &Tensor<2>,
    profile: impl Fn() -> Vec<f32>,
) -> Option<Tensor<1>> {
    let [batch, cells] = decoded.dims();
    let n = (batch * cells) as f64;
    match output {
        Output::Softmax => {
            let profile = profile();
            let loss = fused::loss(decoded, counts, |decoded, counts, gradient| {
                softmax_loss(decoded, &profile, counts, gradient)
            });
            Some(loss? / batch as f64)
        }
        Output::Relu => Some(squares(decoded, scaled, |x| if x > 0.0 { (x, 1.0) } else { (0.0, 0.0) })? / n),
        Output::TwoSigmoid => {
            let two_sigmoid = |x: f32| {
                let y = 1.0 / (1.0 + (-x).exp());
                (2.0 * y, 2.0 * y * (1.0 - y))
            };
            Some(squares(decoded, scaled, two_sigmoid)? / n)
        }
    }
}

/// Σ (f(decoded) − scaled)²; `function` gives f and its derivative.
fn squares(
    decoded: &Tensor<2>,
    scaled: &Tensor<2>,
    function: impl Fn(f32) -> (f32, f32) + Sync,
) -> Option<Tensor<1>> {
    fused::loss(decoded, scaled, |decoded, scaled, gradient| {
        let mut sum = 0.0;
        for ((x, wanted), derivative) in decoded.iter().zip(scaled).zip(gradient) {
            let (y, slope) = function(*x);
            let difference = y - wanted;
            sum += f64::from(difference) * f64::from(difference);
            *derivative = 2.0 * difference * slope;
        }
        sum
    })
}

/// KL(N(mean, exp(logvar)) ‖ N(0, I)) = −½ (1 + logvar − mean² − exp(logvar)), averaged over the batch. With the
/// multinomial likelihood it is summed over the latent dimensions, so that both terms are nats of an avalanche; with
/// `mse` it is averaged over them as in the reference.
pub fn divergence(likelihood: Likelihood, mean: Tensor<2>, logvar: Tensor<2>) -> Tensor<1> {
    let [batch, _] = mean.dims();
    let terms = (mean.square() + logvar.clone().exp() - logvar - 1.0) * 0.5;
    match likelihood {
        Likelihood::Mse => terms.mean(),
        Likelihood::Multinomial => terms.sum() / batch as f64,
    }
}
