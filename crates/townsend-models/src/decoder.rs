//! Decoding on the CPU without Burn: weights are packed once, and nothing is allocated for an avalanche.

use rayon::prelude::*;
use townsend_kernels::Network;

/// What takes the output of a network for one avalanche to weights of its cells, in place.
pub(crate) type ToWeights = Box<dyn Fn(&mut [f32]) + Send + Sync>;

/// From noise to weights of the cells.
pub struct Decoder {
    network: Network,
    to_weights: ToWeights,
}

impl Decoder {
    /// A network whose output is one channel, and what follows it.
    pub fn new(network: Network, to_weights: ToWeights) -> Self {
        Self { network, to_weights }
    }

    /// Additions with multiplication of an avalanche.
    pub fn products(&self) -> usize {
        self.network.products()
    }

    /// Noise `[batch, noise]` → weights of the cells `[batch, cells]`, not normalised; what is not positive is 0.
    pub fn weights(&mut self, noise: &[f32]) -> &[f32] {
        let cells = self.network.output().len();
        let weights = self.network.run(noise);
        weights.par_chunks_mut(cells).for_each(&self.to_weights);
        weights
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("network", &self.network).finish_non_exhaustive()
    }
}
