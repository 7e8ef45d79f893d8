//! The electrons of one avalanche as points, whether the set holds electrons or counts.

use townsend_core::{Dataset, Stream};

use townsend_observables::random::{below, uniform};

/// x, z, t of a point and the number of electrons there.
type Point = ([f64; 3], u32);

/// One avalanche as points: its electrons, or its occupied cells with their numbers of electrons.
pub(crate) struct Places {
    /// x, z, t of each electron or of the centre of each cell; 0 for axes that counts do not have.
    pub(crate) points: Vec<Point>,
    /// Half widths in x and z of each cell; empty for electrons.
    halves: Vec<[f64; 2]>,
    /// Cumulative number of electrons, up to and with each point.
    ends: Vec<u64>,
}

impl Places {
    pub(crate) fn of(data: &Dataset, index: usize) -> Self {
        let (points, halves): (Vec<Point>, Vec<[f64; 2]>) = match data {
            Dataset::Electrons(set) => {
                let a = set.get(index);
                let point = |i: usize| ([a.x[i], a.z[i], a.t[i]].map(f64::from), 1);
                ((0..a.len()).map(point).collect(), Vec::new())
            }
            Dataset::Counts(set) => {
                let (counts, grid) = (set.get(index), set.grid());
                let half = |cell: u32| {
                    let bins = grid.split(cell);
                    [0, 1].map(|d| match grid.axes().get(d) {
                        Some(axis) if (1..=axis.bins()).contains(&bins[d]) => {
                            0.5 * (axis.low_edge(bins[d] + 1) - axis.low_edge(bins[d]))
                        }
                        _ => 0.0,
                    })
                };
                counts.occupied().map(|(cell, n)| ((grid.center(cell), n), half(cell))).unzip()
            }
        };
        let sum = |sum: &mut u64, point: &Point| {
            *sum += u64::from(point.1);
            Some(*sum)
        };
        let ends = points.iter().scan(0, sum).collect();
        Self { points, halves, ends }
    }

    pub(crate) fn electrons(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Mean of every coordinate.
    pub(crate) fn centroid(&self) -> [f64; 3] {
        let n = self.electrons().max(1) as f64;
        [0, 1, 2].map(|d| self.points.iter().map(|(at, w)| at[d] * f64::from(*w)).sum::<f64>() / n)
    }

    /// Root mean square of every coordinate about the centroid.
    pub(crate) fn rms(&self) -> [f64; 3] {
        let (n, mean) = (self.electrons().max(1) as f64, self.centroid());
        [0, 1, 2].map(|d| {
            let square = |(at, w): &Point| (at[d] - mean[d]).powi(2) * f64::from(*w);
            (self.points.iter().map(square).sum::<f64>() / n).sqrt()
        })
    }

    /// x and z of `wanted` different electrons (of all, if there are fewer), chosen at random; those of a
    /// cell are distributed uniformly over it.
    pub(crate) fn sample(&self, wanted: usize, random: &mut Stream) -> Vec<[f64; 2]> {
        let electrons = self.electrons();
        let wanted = (wanted as u64).min(electrons);
        let mut chosen = Vec::with_capacity(wanted as usize);
        // Floyd's algorithm for a random choice without repetition, with one draw for each number.
        for last in electrons - wanted..electrons {
            let drawn = below(last + 1, random);
            chosen.push(if chosen.contains(&drawn) { last } else { drawn });
        }
        chosen.into_iter().map(|electron| self.place(electron, random)).collect()
    }

    fn place(&self, electron: u64, random: &mut Stream) -> [f64; 2] {
        if self.halves.is_empty() {
            let at = self.points[electron as usize].0;
            return [at[0], at[1]];
        }
        let cell = self.ends.partition_point(|&end| end <= electron);
        let (center, halves) = (self.points[cell].0, self.halves[cell]);
        [0, 1].map(|d| center[d] + (2.0 * uniform(random) - 1.0) * halves[d])
    }
}
