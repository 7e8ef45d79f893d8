//! A stack of convolutions as one operation on the CPU, with gradients of its own.
//!
//! Burn's CPU backend evaluates a network operation by operation; [`Stack`] keeps its maps in the layout of
//! its kernels from the first layer to the last. [`loss`] likewise makes one pass over the cells of a batch,
//! where tensor operations would make a dozen. Tensors of other backends are left to Burn: all functions
//! return `None` for them.

use std::sync::Arc;

use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};
use burn_tensor::{Tensor, TensorData};
use rayon::prelude::*;
use townsend_kernels::{Isa, LinearTraining, Stack, Tape, Trained};

use crate::parameters::without_gradient;

/// The output `[batch, values]` in use: input `[batch, values]`, parameters and statistics in the order of
/// [`Stack`].
pub(crate) fn infer(
    stack: &Stack,
    input: &Tensor<2>,
    parameters: &Tensor<1>,
    statistics: &Tensor<1>,
) -> Option<Tensor<2>> {
    let [batch, _] = input.dims();
    let (input, parameters) = (on_cpu(input)?, on_cpu(parameters)?);
    let output = stack.infer(numbers(&input), numbers(&parameters), numbers(&on_cpu(statistics)?));
    Some(Tensor::from_primitive::<Flex>(tensor(output, batch)))
}

/// The output `[batch, values]` in training, and mean and variance of the batch for each normalisation.
pub(crate) fn train(
    stack: &Stack,
    input: &Tensor<2>,
    parameters: &Tensor<1>,
) -> Option<(Tensor<2>, Vec<f32>)> {
    let [batch, _] = input.dims();
    let (parameters, parameters_node) = tracked(parameters)?;
    let (input, input_node) = tracked(input)?;
    let Trained { output, statistics, tape } = stack.train(numbers(&input), numbers(&parameters));
    let output = tensor(output, batch);
    let preparation =
        Fused.prepare::<NoCheckpointing>([input_node, parameters_node]).compute_bound().stateful();
    let output = match preparation {
        OpsKind::Tracked(preparation) => {
            let state = State { stack: stack.clone(), tape: Arc::new(tape), parameters, batch };
            preparation.finish(state, output)
        }
        OpsKind::UnTracked(preparation) => preparation.finish(output),
    };
    Some((Tensor::from_primitive::<Autodiff<Flex>>(output), statistics))
}

#[derive(Debug)]
struct Fused;

#[derive(Debug, Clone)]
struct State {
    stack: Stack,
    tape: Arc<Tape>,
    parameters: FlexTensor,
    batch: usize,
}

impl Backward<Flex, 2> for Fused {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let State { stack, tape, parameters, batch } = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let [input_node, parameters_node] = ops.parents;
        let found = stack.backward(&tape, numbers(&parameters), numbers(&gradient), input_node.is_some());
        if let (Some(node), Some(values)) = (input_node, found.input) {
            gradients.register::<Flex>(node.id, tensor(values, batch));
        }
        if let Some(node) = parameters_node {
            gradients.register::<Flex>(node.id, vector(found.parameters));
        }
    }
}

/// A linear layer in training: input `[batch, inputs]`, flat weights `[outputs, inputs]` and a bias. `None`
/// also for fewer inputs than the kernels take.
pub(crate) fn linear(input: &Tensor<2>, weights: &Tensor<1>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    let ([batch, inputs], [outputs]) = (input.dims(), bias.dims());
    if inputs < LinearTraining::FEWEST_INPUTS {
        return None;
    }
    let layer = LinearTraining { batch, inputs, outputs, isa: Isa::best() };
    let (weights, weights_node) = tracked(weights)?;
    let (bias, bias_node) = tracked(bias)?;
    let (input, input_node) = tracked(input)?;
    let output = tensor(layer.forward(numbers(&input), numbers(&weights), numbers(&bias)), batch);
    let preparation = FusedLinear.prepare::<NoCheckpointing>([input_node, weights_node, bias_node]);
    let output = match preparation.compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish((layer, input, weights), output),
        OpsKind::UnTracked(preparation) => preparation.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

#[derive(Debug)]
struct FusedLinear;

impl Backward<Flex, 3> for FusedLinear {
    /// The layer, its input and its weights.
    type State = (LinearTraining, FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (layer, input, weights) = ops.state;
        let gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let [input_node, weights_node, bias_node] = ops.parents;
        if let Some(node) = input_node {
            let values = layer.input_gradient(numbers(&weights), numbers(&gradient));
            gradients.register::<Flex>(node.id, tensor(values, layer.batch));
        }
        if let Some(node) = weights_node {
            gradients.register::<Flex>(
                node.id,
                vector(layer.weight_gradient(numbers(&input), numbers(&gradient))),
            );
        }
        if let Some(node) = bias_node {
            let mut sums = vec![0.0; layer.outputs];
            for row in numbers(&gradient).chunks_exact(layer.outputs) {
                sums.iter_mut().zip(row).for_each(|(sum, gradient)| *sum += gradient);
            }
            gradients.register::<Flex>(node.id, vector(sums));
        }
    }
}

/// A loss of `[batch, values]` that is a sum over avalanches: `of_row` gives the loss of an avalanche from
/// its values and its `counts`, `[values]` each, and writes its derivatives with respect to the values.
pub(crate) fn loss(
    decoded: &Tensor<2>,
    counts: &Tensor<2>,
    of_row: impl Fn(&[f32], &[f32], &mut [f32]) -> f64 + Sync,
) -> Option<Tensor<1>> {
    let [batch, values] = decoded.dims();
    let counts = on_cpu(&without_gradient(counts.clone()))?;
    of_one(Derivatives, decoded, |decoded| {
        let mut gradient = vec![0.0; batch * values];
        let rows = gradient.par_chunks_mut(values).zip(numbers(&decoded).par_chunks(values));
        let rows = rows.zip(numbers(&counts).par_chunks(values));
        let losses: Vec<f64> =
            rows.map(|((gradient, decoded), counts)| of_row(decoded, counts, gradient)).collect();
        // Added in the order of the batch, independent of the threads.
        (vector(vec![losses.iter().sum::<f64>() as f32]), tensor(gradient, batch))
    })
}

/// Numbers of electrons in the cells, drawn from the arguments of a softmax, `[batch, cells]`: `of_row`
/// computes expected numbers from the values of an avalanche and gives the cells that electrons are in.
/// Gradients are those of the expected numbers.
pub(crate) fn thrown(
    decoded: &Tensor<2>,
    of_row: impl Fn(usize, &mut [f32]) -> Vec<u32> + Sync,
) -> Option<Tensor<2>> {
    let [batch, cells] = decoded.dims();
    of_one(Thrown, decoded, |mut expected| {
        let mut counts = vec![0.0f32; batch * cells];
        let rows = expected.storage_mut::<f32>().par_chunks_mut(cells).zip(counts.par_chunks_mut(cells));
        rows.enumerate().for_each(|(row, (expected, counts))| {
            for cell in of_row(row, expected) {
                counts[cell as usize] += 1.0;
            }
        });
        (tensor(counts, batch), (expected, cells))
    })
}

#[derive(Debug)]
struct Thrown;

impl Backward<Flex, 1> for Thrown {
    /// Expected numbers, and the number of cells.
    type State = (FlexTensor, usize);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = contiguous(gradients.consume::<Flex>(&ops.node));
        let ([Some(node)], (expected, cells)) = (ops.parents, ops.state) else { return };
        // dλᵢ/dxⱼ = λᵢ (δᵢⱼ − λⱼ / Σ λ).
        let rows =
            gradient.storage_mut::<f32>().par_chunks_mut(cells).zip(numbers(&expected).par_chunks(cells));
        rows.for_each(|(gradient, expected)| {
            let (mut electrons, mut weighted) = (0.0f64, 0.0f64);
            for (gradient, expected) in gradient.iter().zip(expected) {
                electrons += f64::from(*expected);
                weighted += f64::from(*expected) * f64::from(*gradient);
            }
            let mean = if electrons > 0.0 { (weighted / electrons) as f32 } else { 0.0 };
            gradient.iter_mut().zip(expected).for_each(|(gradient, expected)| {
                *gradient = expected * (*gradient - mean);
            });
        });
        gradients.register::<Flex>(node.id, gradient);
    }
}

#[derive(Debug)]
struct Derivatives;

impl Backward<Flex, 1> for Derivatives {
    type State = FlexTensor;

    fn backward(self, ops: Ops<FlexTensor, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let factor = numbers(&contiguous(gradients.consume::<Flex>(&ops.node)))[0];
        let ([Some(node)], mut derivatives) = (ops.parents, ops.state) else { return };
        derivatives.storage_mut::<f32>().par_iter_mut().for_each(|derivative| *derivative *= factor);
        gradients.register::<Flex>(node.id, derivatives);
    }
}

/// An operation on one tensor: `evaluate` gives the output and what the backward pass needs.
fn of_one<O: Backward<Flex, 1>, const INPUT: usize, const OUTPUT: usize>(
    operation: O,
    input: &Tensor<INPUT>,
    evaluate: impl FnOnce(FlexTensor) -> (FlexTensor, O::State),
) -> Option<Tensor<OUTPUT>> {
    if let Some(input) = on_cpu(input) {
        return Some(Tensor::from_primitive::<Flex>(evaluate(input).0));
    }
    let (input, node) = tracked(input)?;
    let (output, state) = evaluate(input);
    let output = match operation.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(preparation) => preparation.finish(state, output),
        OpsKind::UnTracked(preparation) => preparation.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(output))
}

/// A tensor's numbers on the CPU, and its node among the operations that are recorded.
fn tracked<const D: usize>(tensor: &Tensor<D>) -> Option<(FlexTensor, NodeGuard)> {
    let tensor = if tensor.is_autodiff() { tensor.clone() } else { tensor.clone().autodiff() };
    let (numbers, node) = tensor.try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
    Some((contiguous(numbers), node))
}

fn vector(values: Vec<f32>) -> FlexTensor {
    let shape = [values.len()];
    FlexTensor::from_data(TensorData::new(values, shape))
}

fn on_cpu<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    tensor.clone().try_into_primitive::<Flex>().ok().map(contiguous)
}

fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

fn numbers(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32")
}

/// `[batch, values]`.
fn tensor(values: Vec<f32>, batch: usize) -> FlexTensor {
    let shape = [batch, values.len() / batch.max(1)];
    FlexTensor::from_data(TensorData::new(values, shape))
}
