//! The layers of a GAN.
//!
//! - In one dimension: the generator has linear layers with SELU and dropout after each, then one to the
//!   cells; the critic has linear layers of cells and observables, with ELU after each and dropout between
//!   them, then one to the score.
//! - In two and three dimensions: the generator has linear layers, then transposed convolutions, with ReLU
//!   after all but the last, and in the reference's 2D generator batch normalisation after the linear layers;
//!   the critic has convolutions with LeakyReLU, linear layers of the features and all that is added to them,
//!   with LeakyReLU, then one to the score.
//! - For the number of electrons alone: linear layers with CELU (which is ELU) in the generator, with ELU in
//!   the critic.

use burn_tensor::Tensor;
use townsend_core::Purpose;
use townsend_kernels::{Isa, Linear, Network, Shape};

use super::{GanConfig, Layout};
use crate::critic::{Critic, Minibatch};
use crate::dense::{Activation, Dense, Norm, add_all, apply_all, drop};
use crate::layers::{Layer, Pass, add_stack, add_to_graph, padded, stack};
use crate::layout::{Layers, Style};
use crate::onnx::{Graph, Value};
use crate::{Batch, ConfigError, Parameters, TensorSpec};

const DROPOUT: Purpose = Purpose::new("generator dropout");

/// The network that makes avalanches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GeneratorNetwork {
    dense: Vec<Dense>,
    /// The last layer, if there are no convolutions.
    last: Option<Dense>,
    /// Cells `[t, z, x]` of the maps before the convolutions.
    start: [usize; 3],
    convolutions: Vec<Layer>,
    dropout: f64,
}

impl GeneratorNetwork {
    pub(super) fn new(config: &GanConfig, layers: &Layers, cells: &[usize]) -> Result<Self, ConfigError> {
        let (activation, norm) = match (config.dims, config.layout) {
            (0, _) => (Activation::Elu, Norm::None),
            (1, _) => (Activation::Selu, Norm::None),
            (2, Layout::Reference) => (Activation::Leaky(0.0), Norm::After),
            _ => (Activation::Leaky(0.0), Norm::None),
        };
        let dense = Dense::chain("generator.linear", config.latent, &layers.linear, activation, norm);
        let width = layers.linear.last().copied().unwrap_or(config.latent);
        let all: usize = cells.iter().product();
        let dropout = if config.dims == 1 { config.dropout } else { 0.0 };
        if layers.channels.is_empty() {
            let last = Dense::chain("generator.output", width, &[all], Activation::None, Norm::None).pop();
            return Ok(Self { dense, last, start: [1; 3], convolutions: Vec::new(), dropout });
        }
        let start = layers.before("model.generator", cells)?;
        let maps: usize = start.iter().product();
        if width % maps != 0 || layers.channels.last() != Some(&1) {
            let allowed = format!(
                "the last linear layer fills maps of {start:?} cells, so its outputs must be a multiple of {maps}, and the last convolution has 1 channel"
            );
            return Err(ConfigError::new("model.generator", layers, allowed));
        }
        let style =
            Style { prefix: "generator.", dims: config.dims, padding: 0, slope: 0.0, first_norm: None };
        let convolutions = layers.transposed(&style, width / maps);
        Ok(Self { dense, last: None, start: padded(&start), convolutions, dropout })
    }

    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        let dense = self.dense.iter().chain(&self.last).flat_map(Dense::specs);
        dense.chain(self.convolutions.iter().flat_map(Layer::specs)).collect()
    }

    /// Noise `[batch, latent]` → arguments of the output function, `[batch, cells]`; `batch` gives the
    /// streams of the dropout.
    pub(super) fn make(&self, pass: &mut Pass<'_>, noise: Tensor<2>, batch: Option<&Batch>) -> Tensor<2> {
        let dropout = batch.map(|batch| (batch, DROPOUT, self.dropout));
        let x = apply_all(&self.dense, pass, dropout, noise);
        match &self.last {
            Some(last) => {
                let x = match dropout {
                    Some(dropout) => drop(pass, dropout, self.dense.len(), x),
                    None => x,
                };
                last.apply(pass, x)
            }
            None => pass.stack(&self.convolutions, self.start, x),
        }
    }

    /// [`GeneratorNetwork::make`] computed by the CPU's kernels, for rows of as many cells as the grid has. A
    /// network with a single number as output puts it between two flow bins, which are 0.
    pub(super) fn decoder(&self, parameters: &Parameters, batch: usize) -> Network {
        let row = |cells| Shape { channels: 1, size: [1, 1, cells] };
        let mut network = Network::new(batch, self.dense[0].inputs, Isa::best());
        let Some(last) = &self.last else {
            let start = stack(&self.convolutions, self.start).input();
            add_all(&self.dense, &mut network, parameters, start);
            add_stack(&mut network, &self.convolutions, self.start, parameters);
            return network;
        };
        add_all(&self.dense, &mut network, parameters, Shape { channels: last.inputs, size: [1; 3] });
        if last.outputs > 1 {
            last.add_to(&mut network, parameters, row(last.outputs));
        } else {
            let [weights, bias] = last.weights(parameters);
            let nothing = vec![0.0; last.inputs];
            let weights = [&nothing[..], &weights, &nothing].concat();
            network.linear(&Linear::new(&weights, &[0.0, bias[0], 0.0]), row(3));
        }
        network
    }

    /// [`GeneratorNetwork::make`] in a graph of ONNX.
    pub(super) fn add_to_graph(&self, graph: &mut Graph<'_>, noise: &Value) -> Value {
        let x = self.dense.iter().fold(noise.clone(), |x, layer| layer.add_to_graph(graph, &x));
        match &self.last {
            Some(last) => last.add_to_graph(graph, &x),
            None => add_to_graph(graph, &self.convolutions, self.start, &x),
        }
    }
}

/// The critic of this configuration.
pub(super) fn critic_of(config: &GanConfig, layers: &Layers, cells: &[usize]) -> Result<Critic, ConfigError> {
    let observables = if config.label { 1 + 2 * config.dims } else { 0 };
    let minibatch = config.minibatch_discrimination.then(|| Minibatch::of(config.dims));
    let mut critic = Critic {
        minibatch,
        spectral_norm: config.spectral_norm,
        dropout: if config.dims == 1 { config.dropout } else { 0.0 },
        // Without axes the cells that the critic takes are the observables.
        sees_observables: config.label && config.dims > 0,
        ..Critic::new("critic.", padded(cells))
    };
    if layers.channels.is_empty() {
        let inputs = cells.iter().product::<usize>() + if config.dims == 0 { 0 } else { observables };
        critic.trunk = Dense::chain("critic.linear", inputs, &layers.linear, Activation::Elu, Norm::None);
        critic.set_head(&[], Activation::None, 0);
        return Ok(critic);
    }
    layers.after("model.critic", cells)?;
    let style =
        Style { prefix: critic.prefix, dims: config.dims, padding: 0, slope: config.leak, first_norm: None };
    critic.convolutions = layers.convolutions(&style);
    critic.set_head(&layers.linear, Activation::Leaky(config.leak), observables);
    Ok(critic)
}
