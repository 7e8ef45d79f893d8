//! Decoding on the CPU without Burn: weights are packed once, and no memory is allocated for an avalanche.

use std::sync::Arc;

use rayon::prelude::*;
use townsend_kernels::{Maps, Network};

use crate::polynomial::FixedPolynomial;

/// A function that turns the output of a network for one avalanche into weights of its cells, in place.
pub(crate) type ToWeights = Arc<dyn Fn(&mut [f32]) + Send + Sync>;

/// The part of a model that turns latent points into weights of cells, with fixed weights, computed by the
/// CPU's kernels.
pub struct Decoder {
    network: Network,
    polynomial: Option<Arc<FixedPolynomial>>,
    to_weights: ToWeights,
}

impl Decoder {
    /// A decoder of a network with one output channel, a polynomial that is added to its output, and the
    /// function after both.
    pub(crate) fn new(network: Network, polynomial: Option<FixedPolynomial>, to_weights: ToWeights) -> Self {
        Self { network, polynomial: polynomial.map(Arc::new), to_weights }
    }

    /// A decoder of one point at a time, computed by the calling thread alone. It shares the weights in
    /// memory and gives the same bits.
    #[must_use]
    pub fn single(&self) -> Self {
        Self {
            network: self.network.single(),
            polynomial: self.polynomial.clone(),
            to_weights: Arc::clone(&self.to_weights),
        }
    }

    /// Number of multiply-adds for an avalanche.
    pub fn multiply_adds(&self) -> usize {
        self.network.multiply_adds()
    }

    /// Resizes `maps` for [`Decoder::weights`].
    pub(crate) fn fit(&self, maps: &mut Maps) {
        maps.fit(&self.network);
    }

    /// Latent points `[batch, inputs]`, as the model's [`Sampler`](crate::Sampler) gives them → weights of
    /// the cells `[batch, cells]`, not normalised; a weight that is not positive counts as 0.
    pub fn weights<'m>(&self, points: &[f32], maps: &'m mut Maps) -> &'m [f32] {
        let cells = self.network.output().len();
        let weights = self.network.run(points, maps);
        let inputs = points.len() / self.network.batch();
        let finish = |(cells, point): (&mut [f32], &[f32])| {
            if let Some(polynomial) = &self.polynomial {
                polynomial.add(point, cells);
            }
            (self.to_weights)(cells);
        };
        if self.network.batch() == 1 {
            finish((weights, points));
        } else {
            weights.par_chunks_mut(cells).zip(points.par_chunks(inputs)).for_each(finish);
        }
        weights
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("network", &self.network).finish_non_exhaustive()
    }
}
