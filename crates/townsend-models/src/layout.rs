//! Layers as listed in a configuration, and the layers of a network made from them.

use serde::{Deserialize, Serialize};

use crate::ConfigError;
use crate::layers::{Convolution, Layer};

/// Added to the variance in a batch normalisation (PyTorch's default).
pub(crate) const EPSILON: f64 = 1e-5;

const MOST_UNITS: usize = 65_536;
const MOST_LAYERS: usize = 16;

/// Layers of a generator (linear ones first) or of a critic (linear ones last).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layers {
    /// Outputs of the linear layers; for a critic without the last layer, which has one output.
    #[serde(default)]
    pub linear: Vec<usize>,
    /// Channels after each convolution.
    #[serde(default)]
    pub channels: Vec<usize>,
    /// Number of cells of each kernel along an axis.
    #[serde(default)]
    pub kernels: Vec<usize>,
    /// Stride of each kernel.
    #[serde(default)]
    pub strides: Vec<usize>,
}

/// The properties that all convolutions of a network have in common.
pub(crate) struct Style<'a> {
    /// Prefix of their names, with a dot.
    pub(crate) prefix: &'a str,
    pub(crate) dims: usize,
    /// Number of zeros added at each end of each axis.
    pub(crate) padding: usize,
    /// Slope of the activation after each layer for negative numbers.
    pub(crate) slope: f64,
    /// The first layer, counted from 0, with a batch normalisation; all later ones have one too.
    pub(crate) first_norm: Option<usize>,
}

impl Layers {
    pub(crate) fn new(linear: &[usize], channels: &[usize], kernels: &[usize], strides: &[usize]) -> Self {
        let [linear, channels, kernels, strides] =
            [linear, channels, kernels, strides].map(<[usize]>::to_vec);
        Self { linear, channels, kernels, strides }
    }

    /// An error if the lists do not describe a network; `key` is their key in the configuration.
    pub(crate) fn check(
        &self,
        key: &str,
        has_convolutions: bool,
        may_lack_linear: bool,
    ) -> Result<(), ConfigError> {
        let convolutions = [&self.channels, &self.kernels, &self.strides];
        let same = convolutions.iter().all(|list| list.len() == self.channels.len());
        let all = convolutions.into_iter().chain([&self.linear]).flatten();
        let in_range = all.clone().all(|value| (1..=MOST_UNITS).contains(value));
        let wanted = if has_convolutions {
            (1..=MOST_LAYERS).contains(&self.channels.len())
        } else {
            self.channels.is_empty()
        };
        let linear = self.linear.len() <= MOST_LAYERS && (may_lack_linear || !self.linear.is_empty());
        if same && in_range && wanted && linear {
            return Ok(());
        }
        let allowed = "channels, kernels and strides are lists of the same length (1 to 16; in one dimension and none empty), linear is a \
                       list of up to 16 (not empty, save for what judges in two and three dimensions), and all numbers are from 1 to 65536";
        Err(ConfigError::new(key, self, allowed))
    }

    /// Convolutions of maps with one input channel.
    pub(crate) fn convolutions(&self, style: &Style<'_>) -> Vec<Layer> {
        let inputs = std::iter::once(1).chain(self.channels.iter().copied());
        let layers =
            inputs.zip(0..self.channels.len()).map(|(inputs, i)| self.layer(style, i, inputs, false));
        layers.collect()
    }

    /// Transposed convolutions of maps with `inputs` channels; the last has neither normalisation nor
    /// activation, because the output function follows.
    pub(crate) fn transposed(&self, style: &Style<'_>, inputs: usize) -> Vec<Layer> {
        let last = self.channels.len() - 1;
        let inputs = std::iter::once(inputs).chain(self.channels.iter().copied());
        let layers = inputs.take(last + 1).enumerate().map(|(i, inputs)| {
            let layer = self.layer(style, i, inputs, true);
            if i < last { layer } else { Layer { norm: None, slope: 1.0, ..layer } }
        });
        layers.collect()
    }

    fn layer(&self, style: &Style<'_>, i: usize, inputs: usize, transposed: bool) -> Layer {
        let norm = format!("{}norm{}", style.prefix, i + 1);
        Layer {
            convolution: Convolution {
                name: format!("{}conv{}", style.prefix, i + 1),
                dims: style.dims,
                inputs,
                outputs: self.channels[i],
                kernel: self.kernels[i],
                stride: self.strides[i],
                padding: style.padding,
            },
            transposed,
            norm: style.first_norm.is_some_and(|first| i >= first).then_some((norm, EPSILON)),
            slope: style.slope,
        }
    }

    /// Number of cells along each axis after convolutions, which must tile `cells` without a remainder.
    pub(crate) fn after(&self, key: &str, cells: &[usize]) -> Result<Vec<usize>, ConfigError> {
        let through = |layers: &mut dyn Iterator<Item = (&usize, &usize)>, mut length: usize| {
            for (kernel, stride) in layers {
                let steps = length.checked_sub(*kernel)?;
                length = (steps % stride == 0).then_some(steps / stride + 1)?;
            }
            Some(length)
        };
        let after = |&length: &usize| through(&mut self.kernels.iter().zip(&self.strides), length);
        cells.iter().map(after).collect::<Option<_>>().ok_or_else(|| self.does_not_fit(key, cells))
    }

    /// Number of cells along each axis from which transposed convolutions lead to `cells`.
    pub(crate) fn before(&self, key: &str, cells: &[usize]) -> Result<Vec<usize>, ConfigError> {
        let reversed = |list: &[usize]| list.iter().rev().copied().collect::<Vec<_>>();
        let mirrored = Self::new(&[], &[], &reversed(&self.kernels), &reversed(&self.strides));
        mirrored.after(key, cells).map_err(|_| self.does_not_fit(key, cells))
    }

    fn does_not_fit(&self, key: &str, cells: &[usize]) -> ConfigError {
        let allowed = format!(
            "these kernels and strides do not tile a grid of {cells:?} cells (flow bins included): each axis needs (cells − kernel) \
             divisible by the stride at every layer, as 92 cells (90 bins) have for the layers that are there if none are given"
        );
        ConfigError::new(key, self, allowed)
    }
}
