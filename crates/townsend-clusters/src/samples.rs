//! The avalanches to train on, each with a limited number of electrons.

use rand::RngExt;
use rand::seq::{SliceRandom, index};
use townsend_core::{Coordinate, Dataset, Grid, Purpose, Stream, stream};

use crate::ClusterError;

const CHOOSE: Purpose = Purpose::new("cloud avalanches");
const THIN: Purpose = Purpose::new("cloud electrons");

/// An avalanche with some of its electrons. Given the centres, electrons are independent and have the same
/// distribution, so a random part of them follows the same model with the same centres.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// Number of electrons of the whole avalanche.
    pub(crate) size: u64,
    /// x, z, t of the electrons chosen.
    pub(crate) electrons: Vec<[f32; 3]>,
}

impl Sample {
    /// Chooses avalanches of `data` among those with the numbers `indices`, in random order, until they have
    /// `budget` electrons together, with at most `most` electrons each.
    pub(crate) fn choose(
        data: &Dataset,
        indices: &[usize],
        [budget, most]: [usize; 2],
        seed: u64,
    ) -> Result<Vec<Self>, ClusterError> {
        if let Some(grid) = data.grid().filter(|grid| grid.dims() < 3) {
            return Err(ClusterError::Dims { dims: grid.dims() });
        }
        let mut order = indices.to_vec();
        order.shuffle(&mut stream(seed, CHOOSE, 0));
        let (mut samples, mut electrons) = (Vec::new(), 0);
        for index in order {
            let sample = Self::of(data, index, most, &mut stream(seed, THIN, index as u64));
            if !sample.electrons.is_empty() && electrons < budget {
                electrons += sample.electrons.len();
                samples.push(sample);
            }
        }
        match samples.len() {
            0 => Err(ClusterError::NoElectrons { avalanches: indices.len() }),
            _ => Ok(samples),
        }
    }

    /// The same avalanche with at most `most` of its electrons.
    pub(crate) fn thinned(&self, most: usize, random: &mut Stream) -> Self {
        let chosen = thin(self.electrons.len(), most, random);
        Self { size: self.size, electrons: chosen.into_iter().map(|place| self.electrons[place]).collect() }
    }

    fn of(data: &Dataset, avalanche: usize, most: usize, random: &mut Stream) -> Self {
        let size = data.electrons(avalanche);
        let electrons = match data {
            Dataset::Electrons(set) => {
                let all = set.get(avalanche);
                let columns = Coordinate::ALL.map(|coordinate| all.coordinate(coordinate));
                let chosen = thin(all.len(), most, random);
                chosen.into_iter().map(|place| columns.map(|column| column[place])).collect()
            }
            Dataset::Counts(set) => {
                let (counts, grid) = (set.get(avalanche), set.grid());
                let inside = || counts.occupied().filter(|&(cell, _)| !grid.is_flow(cell));
                let all = inside().map(|(_, count)| count as usize).sum();
                let chosen = thin(all, most, random);
                let mut cells = inside();
                let (mut end, mut current) = (0, 0);
                chosen
                    .into_iter()
                    .map(|place| {
                        while end <= place {
                            // `place` is below the sum of all counts, so that a cell is always found.
                            let Some((cell, count)) = cells.next() else { break };
                            (current, end) = (cell, end + count as usize);
                        }
                        within(grid, current, random)
                    })
                    .collect()
            }
        };
        Self { size, electrons }
    }
}

/// At most `most` of the numbers below `all`, chosen at random, in ascending order.
fn thin(all: usize, most: usize, random: &mut Stream) -> Vec<usize> {
    if all <= most {
        return (0..all).collect();
    }
    let mut chosen = index::sample(random, all, most).into_vec();
    chosen.sort_unstable();
    chosen
}

/// A random point in a cell, uniformly distributed.
fn within(grid: &Grid, cell: u32, random: &mut Stream) -> [f32; 3] {
    let bins = grid.split(cell);
    std::array::from_fn(|k| {
        let axis = &grid.axes()[k];
        let [low, high] = [bins[k], bins[k] + 1].map(|bin| axis.low_edge(bin));
        (low + (high - low) * random.random::<f64>()) as f32
    })
}
