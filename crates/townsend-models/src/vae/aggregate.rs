//! Where the latent points of real avalanches lie.
//!
//! The divergence of a single avalanche weighs little beside thousands of electrons, so training leaves the latent
//! points of all avalanches together wider than N(0, I) along the directions that matter, and points drawn from
//! N(0, I) give avalanches that differ too little. Mean and covariance of the aggregate posterior are therefore
//! followed during training (as a batch normalisation follows its statistics), and new points are drawn from the
//! Gaussian that has them: ex-post density estimation (Ghosh et al. 2020, arXiv:1903.12436) with one component.

use burn_tensor::{Tensor, TensorData};

use crate::layers::Pass;
use crate::{LatentMap, Parameters, Role, TensorSpec};

/// Weight of the newest batch: the memory is some hundred batches long.
const MOMENTUM: f64 = 0.01;
const MEAN: &str = "latent.running_mean";
/// E[z zᵀ] − I, which is 0 for the N(0, I) that training begins with.
const EXCESS: &str = "latent.running_excess";

pub(super) fn specs(latent: usize) -> [TensorSpec; 2] {
    let role = Role::Buffer(0.0);
    [
        TensorSpec { name: MEAN.into(), shape: vec![latent], role },
        TensorSpec { name: EXCESS.into(), shape: vec![latent, latent], role },
    ]
}

/// Takes a batch of posteriors N(mean, exp(logvar)), each `[batch, latent]`, into the running moments.
pub(super) fn remember(pass: &mut Pass<'_>, mean: Tensor<2>, logvar: Tensor<2>) {
    let (mean, variance) = (mean.inner(), logvar.inner().exp());
    let [batch, latent] = mean.dims();
    let identity = Tensor::<2>::eye(latent, &mean.device());
    let within = identity * (variance.mean_dim(0) - 1.0);
    let second = mean.clone().transpose().matmul(mean.clone()) / batch as f64 + within;
    pass.remember(MEAN, MOMENTUM, mean.mean_dim(0).reshape([latent]));
    pass.remember(EXCESS, MOMENTUM, second.reshape([latent * latent]));
}

/// The map from N(0, I) to the Gaussian with the running moments.
pub(super) fn map(parameters: &Parameters, latent: usize) -> LatentMap {
    let mean = parameters.values(MEAN);
    let mut covariance: Vec<f64> = parameters.values(EXCESS).into_iter().map(f64::from).collect();
    for (i, row) in covariance.chunks_mut(latent).enumerate() {
        row[i] += 1.0;
        row.iter_mut().zip(&mean).for_each(|(entry, m)| *entry -= f64::from(mean[i]) * f64::from(*m));
    }
    let factor = cholesky(&covariance, latent);
    let transposed = (0..latent * latent).map(|k| factor[k % latent * latent + k / latent] as f32).collect();
    let tensor = |values: Vec<f32>, rows| {
        Tensor::from_data(TensorData::new(values, [rows, latent]), parameters.device())
    };
    LatentMap { mean: tensor(mean, 1), transposed: tensor(transposed, latent) }
}

/// The lower triangular L with L Lᵀ = `matrix` (row by row). A direction in which rounding left no variance gets none.
fn cholesky(matrix: &[f64], n: usize) -> Vec<f64> {
    let mut factor = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| factor[i * n + k] * factor[j * n + k]).sum();
            let rest = matrix[i * n + j] - dot;
            let pivot = factor[j * n + j];
            factor[i * n + j] = match (i == j, pivot > 0.0) {
                (true, _) => rest.max(0.0).sqrt(),
                (false, true) => rest / pivot,
                (false, false) => 0.0,
            };
        }
    }
    factor
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;

    use super::*;

    fn tensor(values: &[f32], columns: usize) -> Tensor<2> {
        let shape = [values.len() / columns, columns];
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
    }

    fn host(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    fn parameters() -> Parameters {
        Parameters::initial(specs(2).into(), 1, &Device::flex())
    }

    #[test]
    fn before_training_the_map_is_the_identity() {
        let map = map(&parameters(), 2);
        assert_eq!(host(map.apply(tensor(&[1.0, -2.0, 0.5, 3.0], 2))), [1.0, -2.0, 0.5, 3.0]);
    }

    #[test]
    fn the_map_has_the_moments_of_the_posteriors() {
        let mut parameters = parameters();
        // Means (1, 0), (3, 2); variances 0.25 and 1: mean (2, 1), covariance of the means all 1.
        let (mean, logvar) = ([1.0, 0.0, 3.0, 2.0], [0.25f32.ln(), 0.0, 0.25f32.ln(), 0.0]);
        for _ in 0..2000 {
            let tracked = parameters.tracked(|_| true);
            let mut pass = Pass::training(&tracked);
            remember(&mut pass, tensor(&mean, 2).autodiff(), tensor(&logvar, 2).autodiff());
            pass.running().into_iter().for_each(|(name, value)| parameters.set(&name, value));
        }
        let map = map(&parameters, 2);
        for (got, want) in host(map.mean).iter().zip([2.0, 1.0]) {
            assert!((got - want).abs() < 1e-4);
        }
        let transposed = map.transposed;
        let covariance = host(transposed.clone().transpose().matmul(transposed));
        for (got, want) in covariance.iter().zip([1.25, 1.0, 1.0, 2.0]) {
            assert!((got - want).abs() < 1e-4, "{covariance:?}");
        }
    }

    #[test]
    fn a_direction_without_variance_stays_without() {
        assert_eq!(cholesky(&[4.0, 2.0, 2.0, 1.0], 2), [2.0, 0.0, 1.0, 0.0]);
        assert_eq!(cholesky(&[0.0, 0.0, 0.0, 9.0], 2), [0.0, 0.0, 0.0, 3.0]);
    }
}
