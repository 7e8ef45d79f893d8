//! The gallery: avalanches as points, for figures in three dimensions.

use townsend_core::{Dataset, Purpose, stream};
use townsend_observables::random::some_of;

use crate::places::Places;

/// Avalanches of each set. Chosen, not fitted: a reader still leafs through fifty in all.
const SHOWN: usize = 25;
/// Largest number of points of one avalanche. Chosen, not fitted: 50 avalanches of this size take about 1 MB
/// of a page.
const MOST_POINTS: usize = 1_500;

const CHOOSE: Purpose = Purpose::new("points in the gallery");

/// One avalanche as points in three dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct AvalanchePoints {
    /// Its number in the set.
    pub index: usize,
    /// Number of its electrons.
    pub electrons: u64,
    /// x, z and t, in the units of the set, of at most 1,500 of its electrons, or of the centres of its
    /// occupied cells, chosen at random. Of counts of two axes t is 0.
    pub points: Vec<[f64; 3]>,
}

/// At most 25 avalanches at evenly spaced quantiles of the set's own sizes, so that two sets show comparable
/// ones and none is hand-picked. `seed` is that of the points chosen. Empty if the data have one axis only.
pub fn gallery(data: &Dataset, seed: u64) -> Vec<AvalanchePoints> {
    if data.grid().is_some_and(|grid| grid.dims() < 2) {
        return Vec::new();
    }
    let mut sizes: Vec<(u64, usize)> = (0..data.len()).map(|index| (data.electrons(index), index)).collect();
    sizes.retain(|size| size.0 > 0);
    sizes.sort_unstable();
    let wanted = SHOWN.min(sizes.len());
    let chosen = (0..wanted).map(|k| sizes[(2 * k + 1) * sizes.len() / (2 * wanted)]);
    let one = |(electrons, index): (u64, usize)| {
        let places = Places::of(data, index);
        let few = some_of(places.points.len(), MOST_POINTS, &mut stream(seed, CHOOSE, index as u64));
        AvalanchePoints { index, electrons, points: few.into_iter().map(|k| places.points[k].0).collect() }
    };
    chosen.map(one).collect()
}
