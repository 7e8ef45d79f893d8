//! The layers of an InfoGAN, with the numbers of the reference.
//!
//! - Generator: linear 74→2048→1024, batch normalisation and LeakyReLU(0.2) after each; transposed
//!   convolutions 128→64 k3 (→4 cells), 64→32 k5 s3 (→14), 32→16 k5 s3 (→44), batch normalisation and
//!   LeakyReLU(0.2) after each; 16→1 k6 s2 (→92).
//! - Critic: convolutions 1→16→32→64→128, k3 s2 with a zero at each end (→46→23→12→6 cells), LeakyReLU(0.2),
//!   batch normalisation from the second on.
//! - Heads: linear layers with LeakyReLU, if there are any, of the features and all that is added to them;
//!   from these, three linear layers to 1 validity, 10 classes and 2 codes.
//!
//! Here k is the number of cells of a kernel along an axis, and s its stride.

use burn_tensor::Tensor;
use townsend_core::Grid;
use townsend_kernels::{Isa, Network};

use super::InfoGanConfig;
use crate::critic::{Critic, Minibatch};
use crate::dense::{Activation, Dense, Norm, add_all, apply_all};
use crate::layers::{Layer, Pass, add_stack, add_to_graph, padded, stack, stack_of};
use crate::layout::Style;
use crate::onnx::{Graph, Value};
use crate::{ConfigError, Parameters, Role, TensorSpec};

/// Standard deviation of initial weights, N(0, 0.02²), including those of minibatch discrimination, and of
/// the scales of normalisations, N(1, 0.02²), as in DCGAN (Radford et al. 2015, arXiv:1511.06434).
const STD: f32 = 0.02;

pub(super) const CRITIC: &str = "critic.";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Networks {
    dense: Vec<Dense>,
    start: [usize; 3],
    transposed: Vec<Layer>,
    pub(super) critic: Critic,
    heads: [Dense; 3],
}

/// The judgement of the critic.
#[derive(Debug)]
pub struct Judged {
    /// The validity, near 1 for avalanches judged to be real and near 0 for others, `[batch, 1]`.
    pub validity: Tensor<2>,
    /// Logarithms of the probabilities of the classes, up to a constant, `[batch, classes]`.
    pub classes: Tensor<2>,
    /// Guessed codes, `[batch, codes]`.
    pub codes: Tensor<2>,
}

impl Networks {
    pub(super) fn new(config: &InfoGanConfig, grid: &Grid) -> Result<Self, ConfigError> {
        let shape = grid.shape();
        let layers = &config.generator;
        layers.check("model.generator", true, false)?;
        let start = layers.before("model.generator", &shape)?;
        let (maps, width) = (start.iter().product::<usize>(), layers.linear[layers.linear.len() - 1]);
        if width % maps != 0 || layers.channels.last() != Some(&1) {
            let allowed = format!(
                "the last linear layer fills maps of {start:?} cells, so its outputs must be a multiple of {maps}, and the last \
                 convolution has 1 channel"
            );
            return Err(ConfigError::new("model.generator", layers, allowed));
        }
        let style = |prefix, padding, first_norm| Style {
            prefix,
            dims: config.dims,
            padding,
            slope: config.leak,
            first_norm,
        };
        let inputs = config.noise + config.classes + config.codes;
        let leaky = Activation::Leaky(config.leak);
        let critic = &config.critic;
        critic.check("model.critic", true, true)?;
        let convolutions = critic.convolutions(&style(CRITIC, config.padding, Some(1)));
        let cells = padded(&shape);
        if stack_of(&convolutions, cells).is_none() {
            let allowed = format!("these kernels are larger than what is left of {shape:?} cells");
            return Err(ConfigError::new("model.critic", critic, allowed));
        }
        let linear = &critic.linear;
        let mut critic = Critic {
            convolutions,
            minibatch: config.minibatch_discrimination.then(|| Minibatch::of(config.dims)),
            sees_observables: config.label,
            ..Critic::new(CRITIC, cells)
        };
        let joined = critic.joined(if config.label { 1 + 2 * config.dims } else { 0 });
        critic.head = Dense::chain(&format!("{CRITIC}linear"), joined, linear, leaky, Norm::None);
        let judged = linear.last().copied().unwrap_or(joined);
        let head = |name: &str, outputs| Dense {
            name: format!("{CRITIC}{name}"),
            inputs: judged,
            outputs,
            activation: Activation::None,
            norm: Norm::None,
        };
        Ok(Self {
            dense: Dense::chain("generator.linear", inputs, &layers.linear, leaky, Norm::Before),
            start: padded(&start),
            transposed: layers.transposed(&style("generator.", 0, Some(0)), width / maps),
            critic,
            heads: [head("validity", 1), head("class", config.classes), head("code", config.codes)],
        })
    }

    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        let generator =
            self.dense.iter().flat_map(Dense::specs).chain(self.transposed.iter().flat_map(Layer::specs));
        let critic = self.critic.specs().into_iter().chain(self.heads.iter().flat_map(Dense::specs));
        let narrow = |spec: TensorSpec| {
            let role = match spec.role {
                Role::Weight { .. } if spec.name.ends_with(".weight") => Role::Normal { mean: 0.0, std: STD },
                Role::Constant(mean) if spec.name.ends_with(".weight") => Role::Normal { mean, std: STD },
                // After normalisations features are so large that with weights of N(0, 1) no two avalanches
                // would be close to each other.
                Role::Normal { mean, .. } => Role::Normal { mean, std: STD },
                role => role,
            };
            TensorSpec { role, ..spec }
        };
        generator.chain(critic).map(narrow).collect()
    }

    /// `[batch, noise + classes + codes]` → arguments of the output function, `[batch, cells]`.
    pub(super) fn make(&self, pass: &mut Pass<'_>, input: Tensor<2>) -> Tensor<2> {
        let x = apply_all(&self.dense, pass, None, input);
        pass.stack(&self.transposed, self.start, x)
    }

    /// [`Networks::make`] computed by the CPU's kernels.
    pub(super) fn decoder(&self, parameters: &Parameters, batch: usize) -> Network {
        let mut network = Network::new(batch, self.dense[0].inputs, Isa::best());
        let start = stack(&self.transposed, self.start).input();
        add_all(&self.dense, &mut network, parameters, start);
        add_stack(&mut network, &self.transposed, self.start, parameters);
        network
    }

    /// [`Networks::make`] in a graph of ONNX.
    pub(super) fn add_to_graph(&self, graph: &mut Graph<'_>, input: &Value) -> Value {
        let x = self.dense.iter().fold(input.clone(), |x, layer| layer.add_to_graph(graph, &x));
        add_to_graph(graph, &self.transposed, self.start, &x)
    }

    /// Judges avalanches `[batch, cells]`, with observables if the critic uses any.
    pub(super) fn judge(
        &self,
        pass: &mut Pass<'_>,
        cells: Tensor<2>,
        observables: Option<Tensor<2>>,
    ) -> Judged {
        let features = pass.stack(&self.critic.convolutions, self.critic.cells, cells);
        let joined = self.critic.join_all(pass, features, observables);
        let judged = apply_all(&self.critic.head, pass, None, joined);
        let [validity, classes, codes] = &self.heads;
        Judged {
            validity: validity.apply(pass, judged.clone()),
            classes: classes.apply(pass, judged.clone()),
            codes: codes.apply(pass, judged),
        }
    }
}
