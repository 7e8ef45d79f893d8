//! The layers of the VAE, with the numbers of the reference for 92 cells along each axis.
//!
//! - Encoder: convolutions 1→16 k6 s2 (→44 cells), 16→32 k5 s3 (→14), 32→64 k5 s3 (→4), 64→128 k4 s1 (→1);
//!   batch normalisation and LeakyReLU(0.01) after each.
//! - Bottleneck: linear 128→3000; from there mean 3000→300 and log variance 3000→300.
//! - Decoder: linear 300→3000, 3000→128; transposed convolutions 128→64 k4 s1 (→4), 64→32 k5 s3 (→14), 32→16
//!   k5 s3 (→44), 16→1 k6 s2 (→92); batch normalisation after each, ReLU between them.
//!
//! Here k is the number of cells of a kernel along an axis, and s its stride.

use burn_tensor::Tensor;
use townsend_kernels::{Isa, Linear, Shape};

use super::VaeConfig;
use crate::layers::{Convolution, Layer, Pass, add_stack, add_to_graph, linear_specs, padded, stack};
use crate::layout::EPSILON;
use crate::onnx::{Graph, Value};
use crate::{Output, Parameters, TensorSpec};

const LEAKY_SLOPE: f64 = 0.01;
/// Added to the variance in the decoder's first normalisation, as in the reference.
const FIRST_DECODER_EPSILON: f64 = 1e-3;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    /// `[t, z, x]`, 1 along axes that the grid does not have.
    cells: [usize; 3],
    /// `[channels, t, z, x]` of the innermost features.
    innermost: [usize; 4],
    observables: usize,
    encoder: Vec<Layer>,
    decoder: Vec<Layer>,
    hidden: usize,
    latent: usize,
    output: Output,
}

impl Network {
    /// The layers of `config` on a grid of `cells`, which the encoder reduces to `innermost`. The bottleneck
    /// takes these features and this number of `observables`.
    pub(super) fn new(config: &VaeConfig, cells: &[usize], innermost: &[usize], observables: usize) -> Self {
        let last = config.channels.len() - 1;
        let convolutions: Vec<_> = (0..=last)
            .map(|i| Convolution {
                name: format!("encoder.conv{}", i + 1),
                dims: config.dims,
                inputs: if i == 0 { 1 } else { config.channels[i - 1] },
                outputs: config.channels[i],
                kernel: config.kernels[i],
                stride: config.strides[i],
                padding: 0,
            })
            .collect();
        let decoder = convolutions.iter().rev().enumerate().map(|(i, mirrored)| {
            let name = format!("decoder.conv{}", i + 1);
            let epsilon = if i == 0 { FIRST_DECODER_EPSILON } else { EPSILON };
            let norm = (config.output_norm || i < last).then(|| (norm(&name), epsilon));
            let (inputs, outputs) = (mirrored.outputs, mirrored.inputs);
            let convolution = Convolution { name, inputs, outputs, ..mirrored.clone() };
            Layer { convolution, transposed: true, norm, slope: if i < last { 0.0 } else { 1.0 } }
        });
        let decoder = decoder.collect();
        let encoder = convolutions.into_iter().map(|convolution| {
            let norm = Some((norm(&convolution.name), EPSILON));
            Layer { convolution, transposed: false, norm, slope: LEAKY_SLOPE }
        });
        let encoder = encoder.collect();
        let [t, z, x] = padded(innermost);
        Self {
            cells: padded(cells),
            innermost: [config.channels[last], t, z, x],
            observables,
            decoder,
            encoder,
            hidden: config.hidden,
            latent: config.latent,
            output: config.output,
        }
    }

    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        let features = self.innermost.iter().product();
        let mut specs = Vec::new();
        specs.extend(self.encoder.iter().flat_map(Layer::specs));
        specs.extend(linear_specs("bottleneck.hidden", features + self.observables, self.hidden));
        specs.extend(linear_specs("bottleneck.mu", self.hidden, self.latent));
        specs.extend(linear_specs("bottleneck.logvar", self.hidden, self.latent));
        specs.extend(linear_specs("decoder.hidden", self.latent, self.hidden));
        specs.extend(linear_specs("decoder.features", self.hidden, features));
        specs.extend(self.decoder.iter().flat_map(Layer::specs));
        specs.extend(self.output.specs(self.cells.iter().product()));
        specs
    }

    /// Scaled counts `[batch, cells]` → features `[batch, features]`.
    pub(crate) fn encode(&self, pass: &mut Pass<'_>, input: Tensor<2>) -> Tensor<2> {
        pass.stack(&self.encoder, self.cells, input)
    }

    /// Features and observables → mean and log variance of the posterior, `[batch, latent]` each.
    pub(crate) fn posterior(&self, pass: &Pass<'_>, features: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let hidden = pass.linear("bottleneck.hidden", self.hidden, features);
        let mean = pass.linear("bottleneck.mu", self.latent, hidden.clone());
        (mean, pass.linear("bottleneck.logvar", self.latent, hidden))
    }

    /// Latent `[batch, latent]` → arguments of the output function, `[batch, cells]`.
    pub(crate) fn decode(&self, pass: &mut Pass<'_>, latent: Tensor<2>) -> Tensor<2> {
        let hidden = pass.linear("decoder.hidden", self.hidden, latent);
        let features = pass.linear("decoder.features", self.innermost.iter().product(), hidden);
        let [_, t, z, x] = self.innermost;
        pass.stack(&self.decoder, [t, z, x], features)
    }

    /// As [`crate::NetworkModel::step_multiply_adds`].
    pub(super) fn step_multiply_adds(&self) -> usize {
        let [channels, t, z, x] = self.innermost;
        let (features, widths) = (channels * t * z * x, self.hidden * self.latent);
        let linear = 2 * features * self.hidden + 3 * widths;
        let encoder = stack(&self.encoder, self.cells).multiply_adds().skip(1).sum::<usize>();
        3 * (linear + encoder + stack(&self.decoder, [t, z, x]).multiply_adds().sum::<usize>())
    }

    /// [`Network::decode`] with running statistics, computed by the CPU's kernels.
    pub(super) fn decoder(&self, parameters: &Parameters, batch: usize) -> townsend_kernels::Network {
        let [channels, t, z, x] = self.innermost;
        let mut network = townsend_kernels::Network::new(batch, self.latent, Isa::best());
        for (name, output) in [
            ("decoder.hidden", Shape { channels: self.hidden, size: [1; 3] }),
            ("decoder.features", Shape { channels, size: [t, z, x] }),
        ] {
            let [weights, bias] = ["weight", "bias"].map(|part| parameters.values(&format!("{name}.{part}")));
            network.linear(&Linear::new(&weights, &bias), output);
        }
        add_stack(&mut network, &self.decoder, [t, z, x], parameters);
        network
    }

    /// [`Network::decode`] in a graph of ONNX.
    pub(super) fn add_to_graph(&self, graph: &mut Graph<'_>, latent: &Value) -> Value {
        let hidden = graph.linear("decoder.hidden", latent);
        let features = graph.linear("decoder.features", &hidden);
        let [_, t, z, x] = self.innermost;
        add_to_graph(graph, &self.decoder, [t, z, x], &features)
    }
}

/// The name of the normalisation after a convolution.
fn norm(convolution: &str) -> String {
    convolution.replace("conv", "norm")
}
