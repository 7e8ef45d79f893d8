//! Linear layers with their activations, normalisations and dropout.

use burn_tensor::{Tensor, TensorData, activation};
use rand::RngExt;
use townsend_core::{Purpose, stream};
use townsend_kernels::{Linear, Network, Normalisation, SELU, Shape};

use crate::layers::{Pass, linear_specs, norm_specs};
use crate::layout::EPSILON;
use crate::onnx::{Attribute, Graph, Value};
use crate::{Batch, Parameters, TensorSpec};

/// The function that is applied to each number after a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Activation {
    /// None.
    None,
    /// Negative numbers are multiplied by this; 0 is ReLU.
    Leaky(f64),
    /// eˣ − 1 for negative x (α = 1, for which CELU is the same function).
    Elu,
    /// λ x, for negative x λ α (eˣ − 1).
    Selu,
}

impl Activation {
    pub(crate) fn apply(self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::None => x,
            Self::Leaky(slope) => activation::leaky_relu(x, slope),
            Self::Elu => below_zero(x.clone()) + x.clamp_min(0.0),
            Self::Selu => (below_zero(x.clone()) * SELU[1] + x.clamp_min(0.0)) * SELU[0],
        }
    }

    /// The same function in the CPU's kernels.
    fn kernel(self) -> townsend_kernels::Activation {
        match self {
            Self::None => townsend_kernels::Activation::Leaky(1.0),
            Self::Leaky(slope) => townsend_kernels::Activation::Leaky(slope as f32),
            Self::Elu => townsend_kernels::Activation::Elu,
            Self::Selu => townsend_kernels::Activation::Selu,
        }
    }

    /// The same function in ONNX.
    fn add_to_graph(self, graph: &mut Graph<'_>, x: &Value) -> Value {
        match self {
            Self::None => x.clone(),
            Self::Leaky(slope) => graph.leaky(slope, x),
            Self::Elu => graph.node("Elu", &[x], &[("alpha", Attribute::Float(1.0))]),
            Self::Selu => {
                let [gamma, alpha] = SELU.map(Attribute::Float);
                graph.node("Selu", &[x], &[("gamma", gamma), ("alpha", alpha)])
            }
        }
    }

    /// The derivative at `x`, in first-order operations, so that it can be differentiated again.
    pub(crate) fn derivative(self, x: Tensor<2>) -> Tensor<2> {
        // They are constant almost everywhere, so no gradient passes through them.
        let is_positive = |x: &Tensor<2>| x.clone().greater_elem(0.0).float();
        match self {
            Self::None => x.ones_like(),
            Self::Leaky(slope) => is_positive(&x) * (1.0 - slope) + slope,
            Self::Elu => x.clamp_max(0.0).exp(),
            Self::Selu => {
                let positive = is_positive(&x);
                let negative = positive.clone().neg() + 1.0;
                (x.clamp_max(0.0).exp() * negative * SELU[1] + positive) * SELU[0]
            }
        }
    }
}

/// min(0, eˣ − 1), the negative part of ELU.
fn below_zero(x: Tensor<2>) -> Tensor<2> {
    x.clamp_max(0.0).exp() - 1.0
}

/// Whether a linear layer has a batch normalisation, and at which place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Norm {
    /// It has none.
    None,
    /// Between the linear layer and its activation.
    Before,
    /// After the activation.
    After,
}

/// A linear layer with its activation and normalisation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dense {
    pub(crate) name: String,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    pub(crate) norm: Norm,
}

impl Dense {
    /// Layers `prefix1`, `prefix2`, … from `inputs` through `widths`, with equal activations and
    /// normalisations.
    pub(crate) fn chain(
        prefix: &str,
        inputs: usize,
        widths: &[usize],
        activation: Activation,
        norm: Norm,
    ) -> Vec<Self> {
        let before = std::iter::once(&inputs).chain(widths);
        let layers = before.zip(widths).enumerate().map(|(i, (&inputs, &outputs))| Self {
            name: format!("{prefix}{}", i + 1),
            inputs,
            outputs,
            activation,
            norm,
        });
        layers.collect()
    }

    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        let mut specs = linear_specs(&self.name, self.inputs, self.outputs);
        if self.norm != Norm::None {
            specs.extend(norm_specs(&self.norm_name(), self.outputs));
        }
        specs
    }

    fn norm_name(&self) -> String {
        format!("{}_norm", self.name)
    }

    /// Adds the layer, with running statistics, to a network of the CPU's kernels; its outputs are the map
    /// `output`.
    pub(crate) fn add_to(&self, network: &mut Network, parameters: &Parameters, output: Shape) {
        let [weights, bias] = self.weights(parameters);
        let part = |part: &str| parameters.values(&format!("{}.{part}", self.norm_name()));
        let norm =
            (self.norm != Norm::None).then(|| ["weight", "bias", "running_mean", "running_var"].map(part));
        let norm = norm.as_ref().map(|[weight, bias, mean, variance]| Normalisation {
            weight,
            bias,
            mean,
            variance,
            epsilon: EPSILON,
        });
        let layer = Linear {
            norm_before: norm.filter(|_| self.norm == Norm::Before),
            activation: self.activation.kernel(),
            norm_after: norm.filter(|_| self.norm == Norm::After),
            ..Linear::new(&weights, &bias)
        };
        network.linear(&layer, output);
    }

    /// Adds the layer, with running statistics, to a graph of ONNX.
    pub(crate) fn add_to_graph(&self, graph: &mut Graph<'_>, x: &Value) -> Value {
        let mut x = graph.linear(&self.name, x);
        if self.norm == Norm::Before {
            x = graph.normalise(&self.norm_name(), EPSILON, &x);
        }
        x = self.activation.add_to_graph(graph, &x);
        if self.norm == Norm::After {
            x = graph.normalise(&self.norm_name(), EPSILON, &x);
        }
        x
    }

    /// Weight `[outputs, inputs]` and bias, on the host.
    pub(crate) fn weights(&self, parameters: &Parameters) -> [Vec<f32>; 2] {
        ["weight", "bias"].map(|part| parameters.values(&format!("{}.{part}", self.name)))
    }

    /// `[batch, inputs]` → `[batch, outputs]`.
    pub(crate) fn apply(&self, pass: &mut Pass<'_>, input: Tensor<2>) -> Tensor<2> {
        let mut x = pass.linear(&self.name, self.outputs, input);
        if self.norm == Norm::Before {
            x = pass.normalise_vectors(&self.norm_name(), EPSILON, x);
        }
        x = self.activation.apply(x);
        if self.norm == Norm::After {
            x = pass.normalise_vectors(&self.norm_name(), EPSILON, x);
        }
        x
    }
}

/// Adds a sequence of layers to a network of the CPU's kernels; the outputs of the last are the map `output`.
pub(crate) fn add_all(layers: &[Dense], network: &mut Network, parameters: &Parameters, output: Shape) {
    for (i, layer) in layers.iter().enumerate() {
        let vector = Shape { channels: layer.outputs, size: [1; 3] };
        layer.add_to(network, parameters, if i + 1 < layers.len() { vector } else { output });
    }
}

/// Applies a sequence of layers. In training a fraction `dropout` of the numbers of each output but the last
/// is set to 0, and the others are divided by 1 − `dropout` (Srivastava et al. 2014).
pub(crate) fn apply_all(
    layers: &[Dense],
    pass: &mut Pass<'_>,
    dropout: Option<(&Batch, Purpose, f64)>,
    input: Tensor<2>,
) -> Tensor<2> {
    let mut x = input;
    for (i, layer) in layers.iter().enumerate() {
        x = layer.apply(pass, x);
        if let (Some((batch, purpose, fraction)), true) = (dropout, i + 1 < layers.len()) {
            x = drop(pass, (batch, purpose, fraction), i, x);
        }
    }
    x
}

/// A layer's output after dropout; `number` distinguishes layers of the same purpose.
pub(crate) fn drop(
    pass: &Pass<'_>,
    dropout: (&Batch, Purpose, f64),
    number: usize,
    x: Tensor<2>,
) -> Tensor<2> {
    match mask(pass, dropout, number, &x) {
        Some(mask) => x * mask,
        None => x,
    }
}

/// The factors of [`drop`]; none if nothing is dropped.
pub(crate) fn mask(
    pass: &Pass<'_>,
    (batch, purpose, fraction): (&Batch, Purpose, f64),
    number: usize,
    x: &Tensor<2>,
) -> Option<Tensor<2>> {
    if fraction == 0.0 || !pass.is_training() {
        return None;
    }
    // The last 10 bits of the stream's number distinguish up to 1024 layers.
    let mut random = stream(batch.seed, purpose, batch.step << 10 | number as u64);
    let kept = (1.0 / (1.0 - fraction)) as f32;
    let [rows, columns] = x.dims();
    let values: Vec<f32> =
        (0..rows * columns).map(|_| if random.random::<f64>() < fraction { 0.0 } else { kept }).collect();
    Some(Tensor::from_data(TensorData::new(values, [rows, columns]), &x.device()))
}
