//! The loss of the VAE: l = −E[log p(x|z)] + β KL(q(z|x) ‖ N(0, I)) (Kingma and Welling 2014; β: Higgins et
//! al. 2017).

use burn_tensor::Tensor;
use townsend_kernels::softmax_loss;

use super::Likelihood;
use crate::{Output, fused};

/// A draw from N(mean, exp(logvar)) as a function of standard normal `noise`, so that gradients reach mean
/// and log variance (reparametrisation).
pub fn sample(mean: Tensor<2>, logvar: Tensor<2>, noise: Tensor<2>) -> Tensor<2> {
    mean + (logvar * 0.5).exp() * noise
}

/// The loss of the reconstruction `decoded` (after the output function), averaged over the batch.
///
/// Multinomial: −Σ n ln p in nats; Poisson: Σ λ − n ln λ. Terms without parameters (ln n!) are left out.
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
        Likelihood::Poisson => {
            let [batch, _] = counts.dims();
            (decoded.clone().exp() - counts * decoded).sum() / batch as f64
        }
    }
}

/// Output function and [`reconstruction`] in one pass over memory on the CPU; `None` on other devices.
/// `decoded` are the arguments of the output function, and `profile` gives the logarithm of the mean
/// avalanche, which `softmax` and `exp` add.
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
        Output::Exp => {
            let profile = profile();
            let loss = fused::loss(decoded, counts, |decoded, counts, gradient| {
                poisson_loss(decoded, &profile, counts, gradient)
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

/// Σ λ − n ln λ with ln λ = decoded + profile, and its derivatives by decoded: λ − n.
fn poisson_loss(decoded: &[f32], profile: &[f32], counts: &[f32], gradient: &mut [f32]) -> f64 {
    let mut sum = 0.0;
    for (((x, profile), n), derivative) in decoded.iter().zip(profile).zip(counts).zip(gradient) {
        let ln_rate = x + profile;
        let rate = ln_rate.exp();
        sum += f64::from(rate) - f64::from(*n) * f64::from(ln_rate);
        *derivative = rate - n;
    }
    sum
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

/// KL(N(mean, exp(logvar)) ‖ N(0, I)) = −½ (1 + logvar − mean² − exp(logvar)) of each latent dimension,
/// averaged over the batch.
pub fn nats(mean: Tensor<2>, logvar: Tensor<2>) -> Tensor<1> {
    let [batch, latent] = mean.dims();
    let terms = (mean.square() + logvar.clone().exp() - logvar - 1.0) * 0.5;
    terms.sum_dim(0).reshape([latent]) / batch as f64
}

/// The divergence in the form that enters the loss. With a likelihood in nats it is the sum of [`nats`] over
/// the latent dimensions, so that both terms are in nats per avalanche; with `mse` it is the mean over them,
/// as in the reference.
pub fn divergence(likelihood: Likelihood, nats: Tensor<1>) -> Tensor<1> {
    match likelihood {
        Likelihood::Mse => nats.mean(),
        Likelihood::Multinomial | Likelihood::Poisson => nats.sum(),
    }
}
