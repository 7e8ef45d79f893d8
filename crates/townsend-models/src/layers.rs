//! Layers as functions of named parameters, with PyTorch's definitions.
//!
//! A feature map has the shape `[batch, channels, t, z, x]` in one, two and three dimensions alike; axes that
//! the grid does not have are of length 1. So a kernel of `k` cells along each axis has the length 1 along
//! missing axes, and one code path serves all dimensions.

use std::collections::BTreeMap;

use burn_tensor::module::{batch_norm, conv_transpose3d, conv3d};
use burn_tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn_tensor::{Tensor, TensorData, activation};
use townsend_kernels::{Block, Network, Stack};

use crate::onnx::{Attribute, Graph, Value};
use crate::parameters::{to_host, without_gradient};
use crate::{Parameters, Role, TensorSpec, fused};

/// Weight of the newest batch in the running statistics of a batch normalisation (PyTorch's default).
const MOMENTUM: f64 = 0.1;

/// A convolution of a stack: `outputs` channels, `kernel` cells along each axis, `stride`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Convolution {
    pub(crate) name: String,
    pub(crate) dims: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Number of zeros added at each end of each axis.
    pub(crate) padding: usize,
}

impl Convolution {
    /// `value` along the axes of the grid, 1 along the others.
    fn along_axes(&self, value: usize) -> [usize; 3] {
        self.along_axes_or(value, 1)
    }

    fn along_axes_or(&self, value: usize, other: usize) -> [usize; 3] {
        std::array::from_fn(|axis| if axis + self.dims >= 3 { value } else { other })
    }

    fn paddings(&self) -> [usize; 3] {
        self.along_axes_or(self.padding, 0)
    }

    /// Weight `[first, second, k, …]` and bias. PyTorch takes the second dimension of either kind of kernel
    /// for the fan-in.
    fn specs(&self, first: usize, second: usize) -> Vec<TensorSpec> {
        let fan_in = second * self.kernel.pow(self.dims as u32);
        let mut shape = vec![first, second];
        shape.extend(std::iter::repeat_n(self.kernel, self.dims));
        vec![
            TensorSpec { name: format!("{}.weight", self.name), shape, role: Role::Weight { fan_in } },
            TensorSpec {
                name: format!("{}.bias", self.name),
                shape: vec![self.outputs],
                role: Role::Weight { fan_in },
            },
        ]
    }
}

/// A convolution of a network with its normalisation and activation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layer {
    pub(crate) convolution: Convolution,
    pub(crate) transposed: bool,
    /// Name of the batch normalisation, and the number that it adds to the variance.
    pub(crate) norm: Option<(String, f64)>,
    /// Slope of the activation for negative numbers, at most 1; 1 means no activation.
    pub(crate) slope: f64,
}

impl Layer {
    /// The tensors of the convolution and of the normalisation.
    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        let Convolution { inputs, outputs, .. } = self.convolution;
        let (first, second) = if self.transposed { (inputs, outputs) } else { (outputs, inputs) };
        let norm = self.norm.iter().flat_map(|(name, _)| norm_specs(name, outputs));
        self.convolution.specs(first, second).into_iter().chain(norm).collect()
    }

    /// Name of each trained tensor, in the order of a [`Stack`]'s parameters.
    pub(crate) fn names(&self) -> Vec<String> {
        let part = |name: &str| ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let norm = self.norm.iter().flat_map(|(name, _)| part(name));
        part(&self.convolution.name).into_iter().chain(norm).collect()
    }

    /// Name of each running statistic, in the order of a [`Stack`].
    pub(crate) fn statistics(&self) -> Vec<String> {
        let part = |name: &str| ["running_mean", "running_var"].map(|part| format!("{name}.{part}"));
        self.norm.iter().flat_map(|(name, _)| part(name)).collect()
    }

    /// Adds the layer, with running statistics, to a graph of ONNX: `[batch, inputs, …, x]` → `[batch,
    /// outputs, …, x]`.
    fn add_to_graph(&self, graph: &mut Graph<'_>, map: &Value) -> Value {
        let Convolution { name, dims, kernel, stride, padding, .. } = &self.convolution;
        let [weight, bias] = ["weight", "bias"].map(|part| graph.tensor(&format!("{name}.{part}")));
        let along_axes = |value: usize, times: usize| vec![value as i64; times * dims];
        let operator = if self.transposed { "ConvTranspose" } else { "Conv" };
        let attributes = [
            ("kernel_shape", Attribute::Integers(&along_axes(*kernel, 1))),
            ("strides", Attribute::Integers(&along_axes(*stride, 1))),
            ("pads", Attribute::Integers(&along_axes(*padding, 2))),
        ];
        let mut map = graph.node(operator, &[map, &weight, &bias], &attributes);
        if let Some((name, epsilon)) = &self.norm {
            map = graph.normalise(name, *epsilon, &map);
        }
        graph.leaky(self.slope, &map)
    }

    /// The layer as the CPU's kernels describe it.
    pub(crate) fn block(&self) -> Block {
        let layer = &self.convolution;
        Block {
            convolution: townsend_kernels::Convolution {
                transposed: self.transposed,
                inputs: layer.inputs,
                outputs: layer.outputs,
                kernel: layer.along_axes(layer.kernel),
                stride: layer.along_axes(layer.stride),
                padding: layer.paddings(),
            },
            norm: self.norm.as_ref().map(|(_, epsilon)| *epsilon),
            slope: self.slope as f32,
        }
    }
}

/// A shape along `x, z, t` as lengths along `[t, z, x]`, 1 along axes that it does not have.
pub(crate) fn padded(shape: &[usize]) -> [usize; 3] {
    std::array::from_fn(|axis| shape.get(2 - axis).copied().unwrap_or(1))
}

/// A sequence of layers on maps of `size`, as the CPU's kernels describe them.
pub(crate) fn stack(layers: &[Layer], size: [usize; 3]) -> Stack {
    stack_of(layers, size).expect("layers that a checked configuration describes fit")
}

/// Like [`stack`]; `None` if a kernel is larger than its map.
pub(crate) fn stack_of(layers: &[Layer], size: [usize; 3]) -> Option<Stack> {
    Stack::new(size, layers.iter().map(Layer::block).collect())
}

/// Adds layers, with running statistics, to a network of the CPU's kernels whose output is a map of `size`.
pub(crate) fn add_stack(network: &mut Network, layers: &[Layer], size: [usize; 3], parameters: &Parameters) {
    let all = |names: fn(&Layer) -> Vec<String>| -> Vec<f32> {
        layers.iter().flat_map(names).flat_map(|name| parameters.values(&name)).collect()
    };
    network.stack(&stack(layers, size), &all(Layer::names), &all(Layer::statistics));
}

/// Adds layers, with running statistics, to a graph of ONNX: `[batch, channels · cells]` with cells of `size`
/// → the same of the output.
pub(crate) fn add_to_graph(graph: &mut Graph<'_>, layers: &[Layer], size: [usize; 3], x: &Value) -> Value {
    let Some(Convolution { dims, inputs, .. }) = layers.first().map(|layer| &layer.convolution) else {
        return x.clone();
    };
    let shape: Vec<i64> = std::iter::once(inputs).chain(&size[3 - dims..]).map(|&n| n as i64).collect();
    let mut map = graph.reshape(&shape, x);
    for layer in layers {
        map = layer.add_to_graph(graph, &map);
    }
    graph.reshape(&[-1], &map)
}

/// Weight `[outputs, inputs]` and bias of a linear layer.
pub(crate) fn linear_specs(name: &str, inputs: usize, outputs: usize) -> Vec<TensorSpec> {
    let role = Role::Weight { fan_in: inputs };
    vec![
        TensorSpec { name: format!("{name}.weight"), shape: vec![outputs, inputs], role },
        TensorSpec { name: format!("{name}.bias"), shape: vec![outputs], role },
    ]
}

/// Scale, shift and running statistics of a batch normalisation.
pub(crate) fn norm_specs(name: &str, channels: usize) -> Vec<TensorSpec> {
    [
        ("weight", Role::Constant(1.0)),
        ("bias", Role::Constant(0.0)),
        ("running_mean", Role::Buffer(0.0)),
        ("running_var", Role::Buffer(1.0)),
    ]
    .map(|(part, role)| TensorSpec { name: format!("{name}.{part}"), shape: vec![channels], role })
    .into()
}

/// One evaluation of a model: its parameters, and whether it is for training.
///
/// In training a batch normalisation uses the statistics of the batch and records the new running statistics;
/// [`Pass::running`] returns them after the step.
#[derive(Debug)]
pub struct Pass<'a> {
    parameters: &'a Parameters,
    training: bool,
    running: Vec<(String, Tensor<1>)>,
    /// Tensors that replace those of the parameters.
    replaced: BTreeMap<String, Tensor<1>>,
}

impl<'a> Pass<'a> {
    /// An evaluation for training: `parameters` are [tracked](Parameters::tracked).
    pub fn training(parameters: &'a Parameters) -> Self {
        Self { parameters, training: true, running: Vec::new(), replaced: BTreeMap::new() }
    }

    /// An evaluation without training.
    pub fn inference(parameters: &'a Parameters) -> Self {
        Self { parameters, training: false, running: Vec::new(), replaced: BTreeMap::new() }
    }

    /// The running statistics after this evaluation, by name.
    pub fn running(self) -> Vec<(String, Tensor<1>)> {
        self.running
    }

    /// True if it is for training.
    pub(crate) fn is_training(&self) -> bool {
        self.training
    }

    /// The tensors of the model.
    pub(crate) fn specs(&self) -> &[TensorSpec] {
        self.parameters.specs()
    }

    /// A tensor, flat.
    pub(crate) fn flat(&self, name: &str) -> Tensor<1> {
        self.replaced.get(name).unwrap_or_else(|| self.parameters.flat(name)).clone()
    }

    /// A tensor in a shape with the same number of values.
    pub(crate) fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Tensor<D> {
        self.flat(name).reshape(shape)
    }

    /// For the rest of this evaluation, `value` replaces the tensor.
    pub(crate) fn replace(&mut self, name: &str, value: Tensor<1>) {
        self.replaced.insert(name.to_owned(), value);
    }

    /// The values of a tensor of the model.
    pub(crate) fn values(&self, name: &str) -> Vec<f32> {
        to_host(without_gradient(self.flat(name)))
    }

    fn kernel(&self, layer: &Convolution, first: usize, second: usize) -> Tensor<5> {
        let [a, b, c] = layer.along_axes(layer.kernel);
        self.tensor(&format!("{}.weight", layer.name), [first, second, a, b, c])
    }

    fn bias(&self, layer: &str) -> Tensor<1> {
        self.flat(&format!("{layer}.bias"))
    }

    /// A sequence of layers, from `[batch, channels · cells]` with cells of `size` to the same form of the
    /// output. On the CPU all of them are one operation of the project's own kernels.
    pub(crate) fn stack(&mut self, layers: &[Layer], size: [usize; 3], input: Tensor<2>) -> Tensor<2> {
        let [batch, _] = input.dims();
        let stack = stack(layers, size);
        let parameters = self.joined(layers.iter().flat_map(Layer::names));
        if self.training {
            if let Some((output, statistics)) = fused::train(&stack, &input, &parameters) {
                self.remember_batch(layers, batch, &stack, &statistics);
                return output;
            }
        } else {
            let statistics = layers.iter().flat_map(Layer::statistics);
            if let Some(output) = fused::infer(&stack, &input, &parameters, &self.joined(statistics)) {
                return output;
            }
        }
        let channels = stack.input().channels;
        let mut map = input.reshape([batch, channels, size[0], size[1], size[2]]);
        for layer in layers {
            map = if layer.transposed {
                self.convolve_transposed(&layer.convolution, map)
            } else {
                self.convolve(&layer.convolution, map)
            };
            if let Some((name, epsilon)) = &layer.norm {
                map = self.normalise(name, *epsilon, map);
            }
            if layer.slope < 1.0 {
                map = activation::leaky_relu(map, layer.slope);
            }
        }
        map.reshape([batch, stack.output().values()])
    }

    /// Tensors concatenated.
    fn joined(&self, names: impl Iterator<Item = String>) -> Tensor<1> {
        let tensors: Vec<Tensor<1>> = names.map(|name| self.flat(&name)).collect();
        if tensors.is_empty() {
            Tensor::zeros([0], self.parameters.device())
        } else {
            Tensor::cat(tensors, 0)
        }
    }

    /// Moves the running statistics of `layers` towards those of the batch: mean and variance of each
    /// normalisation.
    fn remember_batch(&mut self, layers: &[Layer], batch: usize, stack: &Stack, mut statistics: &[f32]) {
        let mut size = stack.input().size;
        for layer in layers {
            let convolution = layer.block().convolution;
            size = convolution.output_size(size).expect("the stack has this layer");
            let Some((name, _)) = &layer.norm else { continue };
            let n = (batch * size.iter().product::<usize>()) as f32;
            let (mean, rest) = statistics.split_at(convolution.outputs);
            let (variance, rest) = rest.split_at(convolution.outputs);
            statistics = rest;
            // As in PyTorch, the batch is normalised with its own variance, and the running one follows the
            // unbiased estimate.
            let unbiased = variance.iter().map(|variance| variance * (n / (n - 1.0).max(1.0))).collect();
            for (part, values) in [("running_mean", mean.to_vec()), ("running_var", unbiased)] {
                let values =
                    Tensor::from_data(TensorData::new(values, [mean.len()]), self.parameters.device());
                self.remember(&format!("{name}.{part}"), MOMENTUM, values);
            }
        }
    }

    fn convolve(&self, layer: &Convolution, input: Tensor<5>) -> Tensor<5> {
        let options = ConvOptions::new(layer.along_axes(layer.stride), layer.paddings(), [1; 3], 1);
        let kernel = self.kernel(layer, layer.outputs, layer.inputs);
        conv3d(input, kernel, Some(self.bias(&layer.name)), options)
    }

    fn convolve_transposed(&self, layer: &Convolution, input: Tensor<5>) -> Tensor<5> {
        let options =
            ConvTransposeOptions::new(layer.along_axes(layer.stride), layer.paddings(), [0; 3], [1; 3], 1);
        let kernel = self.kernel(layer, layer.inputs, layer.outputs);
        conv_transpose3d(input, kernel, Some(self.bias(&layer.name)), options)
    }

    /// From the gradient of a loss by the output of a convolution, `[batch, outputs · cells]`, to the
    /// gradient by its input, whose maps are of `size`. It is a transposed convolution with the same kernel,
    /// an operation that can be differentiated itself.
    pub(crate) fn pull_back(&self, layer: &Convolution, size: [usize; 3], gradient: Tensor<2>) -> Tensor<2> {
        let [batch, values] = gradient.dims();
        let mirrored = Convolution { inputs: layer.outputs, outputs: layer.inputs, ..layer.clone() };
        let back = Layer { convolution: mirrored, transposed: true, norm: None, slope: 1.0 };
        let out = size_after(layer, size);
        if self.training {
            let kernel = self.flat(&format!("{}.weight", layer.name));
            let bias = Tensor::zeros([layer.inputs], &kernel.device());
            let stack = stack(std::slice::from_ref(&back), out);
            let found = fused::train(&stack, &gradient, &Tensor::cat(vec![kernel, bias], 0));
            if let Some((output, _)) = found {
                return output;
            }
        }
        let map = gradient.reshape([batch, values / out.iter().product::<usize>(), out[0], out[1], out[2]]);
        let strides = layer.along_axes(layer.stride);
        let options = ConvTransposeOptions::new(strides, layer.paddings(), [0; 3], [1; 3], 1);
        let kernel = self.kernel(layer, layer.outputs, layer.inputs);
        let back = conv_transpose3d(map, kernel, None, options);
        back.reshape([batch, layer.inputs * size.iter().product::<usize>()])
    }

    /// `[batch, inputs]` → `[batch, outputs]`.
    pub(crate) fn linear(&self, name: &str, outputs: usize, input: Tensor<2>) -> Tensor<2> {
        let [_, inputs] = input.dims();
        let (weight, bias) = (self.flat(&format!("{name}.weight")), self.bias(name));
        if self.training
            && let Some(output) = fused::linear(&input, &weight, &bias)
        {
            return output;
        }
        let weight = weight.reshape([outputs, inputs]);
        // In this order the smaller matrices are transposed, and the gradient of the weight has the layout of
        // the weight.
        weight.matmul(input.transpose()).transpose() + bias.reshape([1, outputs])
    }

    /// Batch normalisation of `[batch, channels]`.
    pub(crate) fn normalise_vectors(&mut self, name: &str, epsilon: f64, input: Tensor<2>) -> Tensor<2> {
        let [batch, channels] = input.dims();
        let map = input.reshape([batch, channels, 1, 1, 1]);
        self.normalise(name, epsilon, map).reshape([batch, channels])
    }

    fn normalise(&mut self, name: &str, epsilon: f64, input: Tensor<5>) -> Tensor<5> {
        let part = |part: &str| self.flat(&format!("{name}.{part}"));
        if !self.training {
            let (mean, variance) = (part("running_mean"), part("running_var"));
            return batch_norm(input, part("weight"), part("bias"), mean, variance, epsilon);
        }
        let [batch, channels, a, b, c] = input.dims();
        let along_channels = |values: Tensor<1>| values.reshape([1, channels, 1, 1, 1]);
        let n = (batch * a * b * c) as f64;
        let mean = sum_of_channels(input.clone()) / n;
        let centered = input - mean.clone();
        let variance = sum_of_channels(centered.clone().square()) / n;
        let scale = along_channels(part("weight")) / (variance.clone() + epsilon).sqrt();
        let output = centered * scale + along_channels(part("bias"));
        // As in PyTorch, the batch is normalised with its own variance, and the running one follows the
        // unbiased estimate.
        let unbiased = variance * (n / (n - 1.0).max(1.0));
        self.remember(&format!("{name}.running_mean"), MOMENTUM, mean.reshape([channels]));
        self.remember(&format!("{name}.running_var"), MOMENTUM, unbiased.reshape([channels]));
        output
    }

    /// In training, moves a buffer by the fraction `momentum` towards the value of this batch.
    pub(crate) fn remember(&mut self, name: &str, momentum: f64, new: Tensor<1>) {
        if self.training {
            let old = self.flat(name);
            self.running.push((name.to_owned(), (old * (1.0 - momentum) + new * momentum).inner()));
        }
    }
}

/// The size of maps after a convolution of maps of `size`.
fn size_after(layer: &Convolution, size: [usize; 3]) -> [usize; 3] {
    let (kernel, stride) = (layer.along_axes(layer.kernel), layer.along_axes(layer.stride));
    let padding = layer.paddings();
    std::array::from_fn(|axis| (size[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis] + 1)
}

/// Sums of `[batch, channels, t, z, x]` over all axes but the channels, one axis after the other. Burn's own
/// batch normalisation adds the millions of cells of a 3D batch in a single sum, which costs three digits of
/// the gradients.
fn sum_of_channels(map: Tensor<5>) -> Tensor<5> {
    map.sum_dim(4).sum_dim(3).sum_dim(2).sum_dim(0)
}
