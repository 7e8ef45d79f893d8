//! Where latent points of new avalanches come from.
//!
//! The divergence of a single avalanche weighs little beside thousands of electrons, so training leaves the latent points of all
//! avalanches together in another place than N(0, I): wider along the directions that matter, and not Gaussian. At the end of every
//! epoch a distribution is therefore fitted to points drawn from the posteriors of training avalanches, and new points are drawn from it:
//! ex-post density estimation (Ghosh et al. 2020, arXiv:1903.12436).

mod flow;
mod mixture;

use burn_tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use self::flow::Flow;
use self::mixture::Mixture;
use crate::{Parameters, Role, TensorSpec};

/// The distribution of latent points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// N(0, I).
    Normal,
    /// A mixture of Gaussians, each with mean and covariance of its own.
    Gmm,
    /// N(0, I) through rotations and monotone maps of each coordinate (rotation-based iterative Gaussianisation: Laparra et al. 2011,
    /// arXiv:1602.00229).
    Flow,
}

/// A distribution over latent points, as a map from standard normal numbers.
#[derive(Debug, Clone)]
pub struct Sampler(Form);

#[derive(Debug, Clone)]
enum Form {
    Normal { latent: usize },
    Gmm(Mixture),
    Flow(Flow),
}

/// What describes a sampler in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SamplerSpec {
    pub(crate) kind: SamplerKind,
    pub(crate) latent: usize,
    pub(crate) components: usize,
}

impl SamplerSpec {
    /// The tensors that describe the distribution; all 0 before it is fitted.
    pub(crate) fn tensors(&self) -> Vec<TensorSpec> {
        let shapes = match self.kind {
            SamplerKind::Normal => return Vec::new(),
            SamplerKind::Gmm => Mixture::shapes(self.latent, self.components),
            SamplerKind::Flow => Flow::shapes(self.latent),
        };
        let spec = |(name, shape): (&str, Vec<usize>)| TensorSpec {
            name: name.into(),
            shape,
            role: Role::Buffer(0.0),
        };
        shapes.into_iter().map(spec).collect()
    }

    /// Standard normal numbers that a point takes.
    pub(crate) fn noise(&self) -> usize {
        // One more chooses the Gaussian.
        self.latent + usize::from(self.kind == SamplerKind::Gmm)
    }

    /// Fits the distribution to points, `latent` numbers each.
    pub(crate) fn fit(&self, parameters: &mut Parameters, points: &[f32], seed: u64) {
        let found = match self.kind {
            SamplerKind::Normal => return,
            SamplerKind::Gmm => Mixture::fit(points, self.latent, self.components, seed).tensors(),
            SamplerKind::Flow => Flow::fit(points, self.latent, seed).tensors(),
        };
        for (name, values) in found {
            let values = TensorData::new(values, [parameters.flat(name).dims()[0]]);
            parameters.set(name, Tensor::from_data(values, parameters.device()));
        }
    }

    /// The distribution that was fitted; N(0, I) before.
    pub(crate) fn sampler(&self, parameters: &Parameters) -> Sampler {
        let normal = Form::Normal { latent: self.latent };
        Sampler(match self.kind {
            SamplerKind::Normal => normal,
            SamplerKind::Gmm => Mixture::of(parameters, self.latent).map_or(normal, Form::Gmm),
            SamplerKind::Flow => Flow::of(parameters, self.latent).map_or(normal, Form::Flow),
        })
    }
}

impl Sampler {
    /// N(0, I) in `latent` dimensions.
    pub fn normal(latent: usize) -> Self {
        Self(Form::Normal { latent })
    }

    /// The point that standard normal numbers become: [`Model::noise`](crate::Model::noise) of them.
    pub fn point(&self, noise: &[f32]) -> Vec<f32> {
        match &self.0 {
            Form::Normal { latent } => noise[..*latent].to_vec(),
            Form::Gmm(mixture) => mixture.point(noise),
            Form::Flow(flow) => flow.point(noise),
        }
    }
}

/// Points as columns of `f64`.
fn columns(points: &[f32], latent: usize) -> nalgebra::DMatrix<f64> {
    nalgebra::DMatrix::from_iterator(latent, points.len() / latent, points.iter().map(|&x| f64::from(x)))
}

#[cfg(test)]
mod tests;
