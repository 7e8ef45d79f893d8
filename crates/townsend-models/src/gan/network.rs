//! The layers of a GAN.
//!
//! | | generator | critic |
//! |---|---|---|
//! | 1D | linear layers, SELU and dropout after each, a last one to the cells | linear layers of cells and observables, ELU and dropout, a last one to the score |
//! | 2D, 3D | linear layers, transposed convolutions, ReLU after all but the last; in the reference's 2D batch normalisation after the linear ones | convolutions, LeakyReLU; linear layers of features and what is joined to them, LeakyReLU, a last one to the score |
//! | number of electrons alone | linear layers, CELU (which is ELU) | linear layers, ELU |

use burn_tensor::Tensor;
use townsend_core::Purpose;

use super::{GanConfig, Layers, Layout};
use crate::critic::{Critic, Minibatch};
use crate::dense::{Activation, Dense, Norm, apply_all, drop};
use crate::layers::{Convolution, Layer, Pass, padded};
use crate::{Batch, ConfigError, TensorSpec};

const DROPOUT: Purpose = Purpose::new("generator dropout");

/// What makes avalanches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Generators {
    dense: Vec<Dense>,
    /// The last layer where there are no convolutions.
    last: Option<Dense>,
    /// `[t, z, x]` before the convolutions.
    start: [usize; 3],
    convolutions: Vec<Layer>,
    dropout: f64,
}

impl Generators {
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
        let start = cells.iter().map(|&cells| before(cells, layers)).collect::<Option<Vec<_>>>();
        let start = start.ok_or_else(|| does_not_fit("generator", layers, cells))?;
        let maps: usize = start.iter().product();
        if width % maps != 0 || layers.channels.last() != Some(&1) {
            let allowed = format!(
                "the last linear layer fills maps of {start:?} cells, so its outputs must be a multiple of {maps}, and the last convolution has 1 channel"
            );
            return Err(ConfigError::new("model.generator", layers, allowed));
        }
        let last = layers.channels.len() - 1;
        let inputs = std::iter::once(width / maps).chain(layers.channels.iter().copied());
        let convolutions = inputs.take(last + 1).enumerate().map(|(i, inputs)| Layer {
            convolution: Convolution {
                name: format!("generator.conv{}", i + 1),
                dims: config.dims,
                inputs,
                outputs: layers.channels[i],
                kernel: layers.kernels[i],
                stride: layers.strides[i],
                padding: 0,
            },
            transposed: true,
            norm: None,
            slope: if i < last { 0.0 } else { 1.0 },
        });
        Ok(Self { dense, last: None, start: padded(&start), convolutions: convolutions.collect(), dropout })
    }

    pub(super) fn specs(&self) -> Vec<TensorSpec> {
        let dense = self.dense.iter().chain(&self.last).flat_map(Dense::specs);
        dense.chain(self.convolutions.iter().flat_map(Layer::specs)).collect()
    }

    /// Noise `[batch, latent]` → what stands before the output function, `[batch, cells]`; `batch` is what dropout draws from.
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
}

/// Makes critics.
pub(super) struct Critics;

impl Critics {
    pub(super) fn new(config: &GanConfig, layers: &Layers, cells: &[usize]) -> Result<Critic, ConfigError> {
        let observables = if config.label { 1 + 2 * config.dims } else { 0 };
        let minibatch = config
            .minibatch_discrimination
            .then_some(Minibatch { rows: if config.dims == 3 { 64 } else { 48 }, columns: 16 });
        let mut critic = Critic {
            prefix: "critic.",
            cells: padded(cells),
            convolutions: Vec::new(),
            trunk: Vec::new(),
            head: Vec::new(),
            minibatch,
            spectral_norm: config.spectral_norm,
            dropout: if config.dims == 1 { config.dropout } else { 0.0 },
        };
        let closeness = minibatch.map_or(0, |minibatch| minibatch.rows);
        if layers.channels.is_empty() {
            let inputs = cells.iter().product::<usize>() + if config.dims == 0 { 0 } else { observables };
            critic.trunk = Dense::chain("critic.linear", inputs, &layers.linear, Activation::Elu, Norm::None);
            let features = critic.features() + closeness;
            critic.head = Dense::chain("critic.score", features, &[1], Activation::None, Norm::None);
            return Ok(critic);
        }
        critic.convolutions = convolutions(config, layers, cells)?;
        let inputs = critic.features() + closeness + observables;
        let leaky = Activation::Leaky(config.leak);
        critic.head = Dense::chain("critic.linear", inputs, &layers.linear, leaky, Norm::None);
        let width = layers.linear.last().copied().unwrap_or(inputs);
        critic.head.extend(Dense::chain("critic.score", width, &[1], Activation::None, Norm::None));
        Ok(critic)
    }
}

/// The critic's convolutions.
fn convolutions(config: &GanConfig, layers: &Layers, cells: &[usize]) -> Result<Vec<Layer>, ConfigError> {
    let mut shape = cells.to_vec();
    for (kernel, stride) in layers.kernels.iter().zip(&layers.strides) {
        for length in &mut shape {
            let steps = length.checked_sub(*kernel);
            let steps = steps.ok_or_else(|| does_not_fit("critic", layers, cells))?;
            *length = steps / stride + 1;
            if steps % stride != 0 {
                return Err(does_not_fit("critic", layers, cells));
            }
        }
    }
    let inputs = std::iter::once(1).chain(layers.channels.iter().copied());
    let layers = inputs.zip(0..layers.channels.len()).map(|(inputs, i)| Layer {
        convolution: Convolution {
            name: format!("critic.conv{}", i + 1),
            dims: config.dims,
            inputs,
            outputs: layers.channels[i],
            kernel: layers.kernels[i],
            stride: layers.strides[i],
            padding: 0,
        },
        transposed: false,
        norm: None,
        slope: config.leak,
    });
    Ok(layers.collect())
}

/// Cells an axis before transposed convolutions that end at `cells`.
fn before(cells: usize, layers: &Layers) -> Option<usize> {
    let mut length = cells;
    for (kernel, stride) in layers.kernels.iter().zip(&layers.strides).rev() {
        let steps = length.checked_sub(*kernel)?;
        length = (steps % stride == 0).then_some(steps / stride + 1)?;
    }
    Some(length)
}

fn does_not_fit(key: &str, layers: &Layers, cells: &[usize]) -> ConfigError {
    let allowed = format!(
        "these kernels and strides do not tile a grid of {cells:?} cells (flow bins included): each axis needs (cells − kernel) divisible by \
         the stride at every layer, as 92 cells (90 bins) have for the layers of every layout"
    );
    ConfigError::new(format!("model.{key}"), layers, allowed)
}
