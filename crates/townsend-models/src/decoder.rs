//! Decoding on the CPU without Burn: weights are packed once, and nothing is allocated for an avalanche.

use rayon::prelude::*;
use townsend_kernels::Network;

use crate::tilt::FixedTilt;

/// What takes the output of a network for one avalanche to weights of its cells, in place.
pub(crate) type ToWeights = Box<dyn Fn(&mut [f32]) + Send + Sync>;

/// From noise to weights of the cells.
pub struct Decoder {
    network: Network,
    tilt: Option<FixedTilt>,
    to_weights: ToWeights,
}

impl Decoder {
    /// A network whose output is one channel, what is added to that, and what follows.
    pub(crate) fn new(network: Network, tilt: Option<FixedTilt>, to_weights: ToWeights) -> Self {
        Self { network, tilt, to_weights }
    }

    /// Additions with multiplication of an avalanche.
    pub fn products(&self) -> usize {
        self.network.products()
    }

    /// Noise `[batch, noise]` → weights of the cells `[batch, cells]`, not normalised; what is not positive is 0.
    pub fn weights(&mut self, noise: &[f32]) -> &[f32] {
        let cells = self.network.output().len();
        let weights = self.network.run(noise);
        let latent = noise.len() * cells / weights.len();
        weights.par_chunks_mut(cells).zip(noise.par_chunks(latent)).for_each(|(cells, noise)| {
            if let Some(tilt) = &self.tilt {
                tilt.add(noise, cells);
            }
            (self.to_weights)(cells);
        });
        weights
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("network", &self.network).finish_non_exhaustive()
    }
}
