//! The distributions of the latent points that new avalanches are decoded from.
//!
//! In the loss the divergence of an avalanche is small beside the likelihood of its thousands of electrons.
//! So after training the latent points of all avalanches are not distributed as N(0, I): along the directions
//! that matter they are wider, and not Gaussian. Therefore a distribution is fitted at the end of every epoch
//! to points drawn from the posteriors of training avalanches, and new points are drawn from it: ex-post
//! density estimation (Ghosh et al. 2020, arXiv:1903.12436).

mod flow;
mod mixture;

use burn_tensor::{Tensor, TensorData};
use nalgebra::DVector;
use serde::{Deserialize, Serialize};

use self::flow::Flow;
use self::mixture::Mixture;
use crate::onnx::{Attribute, Graph, Value};
use crate::{Parameters, Role, TensorSpec};

/// The distribution of latent points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// N(0, I).
    Normal,
    /// A mixture of Gaussians, each with its own mean and covariance.
    Gmm,
    /// N(0, I) through rotations and monotone maps of each coordinate (rotation-based iterative
    /// Gaussianisation: Laparra et al. 2011, arXiv:1602.00229).
    Flow,
}

/// A distribution over latent points, as a map from standard normal numbers.
#[derive(Debug, Clone)]
pub struct Sampler(Form);

#[derive(Debug, Clone)]
enum Form {
    /// The normal numbers themselves.
    Normal {
        latent: usize,
    },
    /// Φ of each number: uniform from 0 to 1.
    Uniform {
        latent: usize,
    },
    /// Noise as it is; a one-hot class, selected by the largest of its numbers; codes, uniform from −1 to 1.
    Told {
        noise: usize,
        classes: usize,
        codes: usize,
    },
    Gmm(Mixture),
    Flow(Flow),
}

/// The memory that [`Sampler::fill`] computes in.
#[derive(Debug)]
pub(crate) struct PointMemory([DVector<f64>; 2]);

impl Default for PointMemory {
    fn default() -> Self {
        Self([DVector::zeros(0), DVector::zeros(0)])
    }
}

impl PointMemory {
    /// Resizes both vectors to a point of `sampler`.
    pub(crate) fn fit(&mut self, sampler: &Sampler) {
        if self.0[0].len() != sampler.inputs() {
            self.0 = [DVector::zeros(sampler.inputs()), DVector::zeros(sampler.inputs())];
        }
    }
}

/// The settings of a sampler.
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

    /// Number of standard normal numbers for a point.
    pub(crate) fn noise(&self) -> usize {
        // One more number selects the Gaussian.
        self.latent + usize::from(self.kind == SamplerKind::Gmm)
    }

    /// Fits the distribution to points of `latent` numbers each.
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

    /// The fitted distribution; N(0, I) before the first fit.
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

    /// Uniform from 0 to 1 in `latent` dimensions.
    pub(crate) fn uniform(latent: usize) -> Self {
        Self(Form::Uniform { latent })
    }

    /// The inputs of an InfoGAN: normal numbers, one of `classes` (one-hot), and codes that are uniform from
    /// −1 to 1.
    pub(crate) fn told(noise: usize, classes: usize, codes: usize) -> Self {
        Self(Form::Told { noise, classes, codes })
    }

    /// Number of coordinates of a point, which are the inputs of the network that decodes it.
    pub fn inputs(&self) -> usize {
        match &self.0 {
            Form::Normal { latent } | Form::Uniform { latent } => *latent,
            Form::Told { noise, classes, codes } => noise + classes + codes,
            Form::Gmm(mixture) => mixture.dims(),
            Form::Flow(flow) => flow.dims(),
        }
    }

    /// The point for [`NetworkModel::noise`](crate::NetworkModel::noise) standard normal numbers.
    pub fn point(&self, noise: &[f32]) -> Vec<f32> {
        let (mut point, mut memory) = (vec![0.0; self.inputs()], PointMemory::default());
        memory.fit(self);
        self.fill(noise, &mut memory, &mut point);
        point
    }

    /// [`Sampler::point`] in a graph of ONNX: `[batch, noise]` → `[batch, inputs]`.
    pub(crate) fn add_to_graph(&self, graph: &mut Graph<'_>, noise: &Value) -> Value {
        match &self.0 {
            // A mixture that was not fitted has one number more.
            Form::Normal { latent } if *latent < graph.inputs() => graph.columns(0, *latent, noise),
            Form::Normal { .. } => noise.clone(),
            Form::Uniform { .. } => graph.uniform(noise),
            Form::Told { noise: plain, classes, codes } => {
                let (class, code) = (plain + classes, plain + classes + codes);
                let [plain, class, code] = [(0, *plain), (*plain, class), (class, code)]
                    .map(|(from, to)| (from < to).then(|| graph.columns(from, to, noise)));
                let class = class.map(|class| chosen(graph, &class));
                let code = code.map(|code| graph.symmetric_uniform(&code));
                let parts: Vec<&Value> = [&plain, &class, &code].into_iter().flatten().collect();
                graph.node("Concat", &parts, &[("axis", Attribute::Integer(1))])
            }
            Form::Gmm(mixture) => mixture.add_to_graph(graph, noise),
            Form::Flow(flow) => flow.add_to_graph(graph, noise),
        }
    }

    /// What some of the normal numbers do, where it is not the same for all; numbers count from 0.
    pub(crate) fn notes(&self) -> Vec<String> {
        match &self.0 {
            Form::Told { noise, classes, codes } => {
                let (class, code) = (noise + classes, noise + classes + codes);
                let mut notes = vec![format!(
                    "of the numbers {noise} to {} the largest chooses the class",
                    class.saturating_sub(1)
                )];
                if *codes > 0 {
                    let last = code - 1;
                    notes.push(format!("the numbers {class} to {last} are codes, from -1 to 1 after 2Φ - 1"));
                }
                notes
            }
            Form::Gmm(mixture) => {
                let last = mixture.dims();
                vec![format!(
                    "the number {last} chooses the Gaussian that the latent point is drawn from, so cells jump where it does"
                )]
            }
            Form::Normal { .. } | Form::Uniform { .. } | Form::Flow(_) => Vec::new(),
        }
    }

    /// Like [`Sampler::point`], into a slice of [`Sampler::inputs`] numbers; `memory` must fit this sampler.
    pub(crate) fn fill(&self, noise: &[f32], memory: &mut PointMemory, point: &mut [f32]) {
        match &self.0 {
            Form::Normal { latent } => point.copy_from_slice(&noise[..*latent]),
            Form::Uniform { .. } => {
                let uniform = |x: &f32| distribution_function(f64::from(*x)) as f32;
                point.iter_mut().zip(noise).for_each(|(to, x)| *to = uniform(x));
            }
            Form::Told { noise: plain, classes, .. } => {
                point[..*plain].copy_from_slice(&noise[..*plain]);
                let (class, codes) = noise[*plain..].split_at(*classes);
                let (to_class, to_codes) = point[*plain..].split_at_mut(*classes);
                let largest = class.iter().fold(f32::NEG_INFINITY, |most, x| most.max(*x));
                to_class.iter_mut().zip(class).for_each(|(to, x)| *to = f32::from(u8::from(*x >= largest)));
                let code = |x: &f32| (2.0 * distribution_function(f64::from(*x)) - 1.0) as f32;
                to_codes.iter_mut().zip(codes).for_each(|(to, x)| *to = code(x));
            }
            Form::Gmm(mixture) => mixture.fill(noise, &mut memory.0, point),
            Form::Flow(flow) => flow.fill(noise, &mut memory.0, point),
        }
    }
}

/// 1 in the place of the largest number of each row, 0 in the others, in a graph of ONNX.
fn chosen(graph: &mut Graph<'_>, class: &Value) -> Value {
    let along = [("axes", Attribute::Integers(&[1])), ("keepdims", Attribute::Integer(1))];
    let largest = graph.node("ReduceMax", &[class], &along);
    let is_largest = graph.node("GreaterOrEqual", &[class, &largest], &[]);
    graph.cast::<f32>(&is_largest)
}

/// Points as columns of `f64`.
fn columns(points: &[f32], latent: usize) -> nalgebra::DMatrix<f64> {
    nalgebra::DMatrix::from_iterator(latent, points.len() / latent, points.iter().map(|&x| f64::from(x)))
}

/// Φ(x) to 10⁻⁷ (Abramowitz and Stegun 26.2.17), about the precision of a single-precision number.
fn distribution_function(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let polynomial = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = polynomial.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    let above = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum;
    if x < 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests;
