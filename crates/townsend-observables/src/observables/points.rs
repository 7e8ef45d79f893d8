//! One avalanche as weighted points: its electrons, or the centres of its occupied bins. All observables of
//! its shape are computed here, in the same way for both.

use townsend_core::{Avalanche, Counts, Stream};

use super::frame::Frame;
use super::moments::{Moments, covariance};
use crate::random::{below, uniform};

/// Number of pairs drawn for the median distance of two electrons; up to this number all pairs are used.
/// Chosen, not fitted: the relative error of the median is then about 0.6%.
const PAIRS: u64 = 16_384;

/// The electrons of one avalanche, or its occupied cells with their numbers of electrons.
pub(super) struct Points {
    coordinates: Vec<Vec<f64>>,
    weights: Option<Vec<u32>>,
    /// Widths of the bins in x and z; none for electrons.
    widths: Option<[Vec<f64>; 2]>,
    electrons: u64,
}

impl Points {
    pub(super) fn of_electrons(avalanche: Avalanche<'_>) -> Self {
        let column = |values: &[f32]| values.iter().map(|&v| f64::from(v)).collect();
        Self {
            coordinates: vec![column(avalanche.x), column(avalanche.z), column(avalanche.t)],
            weights: None,
            widths: None,
            electrons: avalanche.len() as u64,
        }
    }

    pub(super) fn of_counts(counts: Counts<'_>, frame: &Frame) -> Self {
        let bins: Vec<[u32; 3]> = counts.cells.iter().map(|&cell| frame.grid().split(cell)).collect();
        let per_axis = |of: fn(&Frame, usize, u32) -> f64, d: usize| -> Vec<f64> {
            bins.iter().map(|bin| of(frame, d, bin[d])).collect()
        };
        let dimensions = frame.grid().dims();
        Self {
            coordinates: (0..dimensions).map(|d| per_axis(Frame::center, d)).collect(),
            weights: Some(counts.counts.to_vec()),
            widths: (dimensions > 1).then(|| [0, 1].map(|d| per_axis(Frame::width, d))),
            electrons: counts.electrons(),
        }
    }

    pub(super) fn electrons(&self) -> u64 {
        self.electrons
    }

    pub(super) fn dimensions(&self) -> usize {
        self.coordinates.len()
    }

    fn weight(&self, i: usize) -> u64 {
        self.weights.as_ref().map_or(1, |weights| u64::from(weights[i]))
    }

    /// Moments of every coordinate, for bins of the widths `bin_widths` (0 for electrons and for bins that
    /// are not equidistant).
    pub(super) fn moments(&self, bin_widths: [f64; 3]) -> Vec<Moments> {
        let weights = self.weights.as_deref();
        self.coordinates.iter().zip(bin_widths).map(|(values, h)| Moments::of(values, weights, h)).collect()
    }

    pub(super) fn covariance(&self, a: usize, b: usize, moments: &[Moments]) -> f64 {
        let (first, second) = (&self.coordinates[a], &self.coordinates[b]);
        covariance(first, moments[a].mean, second, moments[b].mean, self.weights.as_deref())
    }

    /// Radius about the transverse centroid that holds 90% of the electrons, rounded up to a whole electron.
    pub(super) fn r90(&self, moments: &[Moments]) -> f64 {
        let (x, z) = (&self.coordinates[0], &self.coordinates[1]);
        let radius = |i: usize| (x[i] - moments[0].mean).hypot(z[i] - moments[1].mean);
        // 0.9 N rounded up, in whole numbers: 0.9 is not a binary fraction.
        let rank = (self.electrons * 9).div_ceil(10);
        let Some(weights) = &self.weights else {
            let mut radii: Vec<f64> = (0..x.len()).map(radius).collect();
            return *radii.select_nth_unstable_by(rank as usize - 1, f64::total_cmp).1;
        };
        let mut radii: Vec<(f64, u32)> = (0..x.len()).map(|i| (radius(i), weights[i])).collect();
        radii.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut inside = 0;
        for (radius, weight) in &radii {
            inside += u64::from(*weight);
            if inside >= rank {
                return *radius;
            }
        }
        radii.last().map_or(0.0, |last| last.0)
    }

    /// Median distance of two different electrons in x and z. Electrons are distributed uniformly over their
    /// bins: centres of bins have only few distances, and the median would jump from one to the next.
    pub(super) fn pair_distance(&self, random: &mut Stream) -> f64 {
        let mut squares = if self.electrons.saturating_mul(self.electrons - 1) / 2 <= PAIRS {
            self.all_pairs(random)
        } else {
            self.random_pairs(random)
        };
        let middle = squares.len() / 2;
        let even = squares.len().is_multiple_of(2);
        let (below, &mut upper, _) = squares.select_nth_unstable_by(middle, f64::total_cmp);
        let lower = if even { below.iter().copied().fold(0.0, f64::max) } else { upper };
        0.5 * (lower.sqrt() + upper.sqrt())
    }

    fn all_pairs(&self, random: &mut Stream) -> Vec<f64> {
        // At most 181 electrons, each with a position of its own.
        let each =
            (0..self.coordinates[0].len()).flat_map(|i| std::iter::repeat_n(i, self.weight(i) as usize));
        let places: Vec<[f64; 2]> = each.map(|i| self.place(i, random)).collect();
        let pairs = places.iter().enumerate().flat_map(|(k, a)| places[..k].iter().map(move |b| (a, b)));
        pairs.map(|(a, b)| square_distance(a, b)).collect()
    }

    fn random_pairs(&self, random: &mut Stream) -> Vec<f64> {
        let ends: Option<Vec<u64>> = self.weights.as_ref().map(|weights| {
            let running = weights.iter().scan(0, |sum, &w| {
                *sum += u64::from(w);
                Some(*sum)
            });
            running.collect()
        });
        let point = |electron: u64| match &ends {
            Some(ends) => ends.partition_point(|&end| end <= electron),
            None => electron as usize,
        };
        (0..PAIRS)
            .map(|_| {
                let first = below(self.electrons, random);
                // The second electron differs from the first, whose number is skipped.
                let second = below(self.electrons - 1, random);
                let second = second + u64::from(second >= first);
                square_distance(&self.place(point(first), random), &self.place(point(second), random))
            })
            .collect()
    }

    /// Position in x and z of an electron of point `i`: the point itself, or a random position in its bin.
    fn place(&self, i: usize, random: &mut Stream) -> [f64; 2] {
        [0, 1].map(|d| {
            let center = self.coordinates[d][i];
            self.widths.as_ref().map_or(center, |widths| center + (uniform(random) - 0.5) * widths[d][i])
        })
    }
}

fn square_distance(a: &[f64; 2], b: &[f64; 2]) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}

#[cfg(test)]
mod tests {
    use townsend_core::{CountSet, Grid, Purpose, stream};

    use super::*;

    const TEST: Purpose = Purpose::new("points test");

    fn electrons(x: &[f32], z: &[f32]) -> Points {
        Points::of_electrons(Avalanche { x, z, t: &vec![0.0; x.len()] })
    }

    #[test]
    fn the_radius_holds_nine_tenths_rounded_up() {
        // Ten electrons on a line at −4.5, −3.5, ..., 4.5 about 0: nine lie within 4.5, five within 2.5.
        let line: Vec<f32> = (0..10).map(|i| i as f32 - 4.5).collect();
        let points = electrons(&line, &[0.0; 10]);
        assert_eq!(points.r90(&points.moments([0.0; 3])), 4.5);
        let points = electrons(&[0.0, 1.0], &[0.0, 0.0]);
        assert_eq!(points.r90(&points.moments([0.0; 3])), 0.5);
    }

    #[test]
    fn the_median_pair_of_three_points_is_the_middle_side() {
        let points = electrons(&[0.0, 3.0, 0.0], &[0.0, 0.0, 4.0]);
        assert_eq!(points.pair_distance(&mut stream(1, TEST, 0)), 4.0);
        // Sides 3, 4, 5 and 5, 4, 3 of a rectangle: the median of six lies between two fours.
        let points = electrons(&[0.0, 3.0, 0.0, 3.0], &[0.0, 0.0, 4.0, 4.0]);
        assert_eq!(points.pair_distance(&mut stream(1, TEST, 0)), 4.0);
    }

    #[test]
    fn random_pairs_find_the_median_of_all_pairs() {
        // 400 electrons, evenly on a circle: the median distance is 2 sin(π/4).
        let angle = |i: usize| 2.0 * std::f32::consts::PI * i as f32 / 400.0;
        let (x, z): (Vec<f32>, Vec<f32>) = (0..400).map(|i| (angle(i).cos(), angle(i).sin())).unzip();
        let median = electrons(&x, &z).pair_distance(&mut stream(3, TEST, 0));
        // The density of the distance d on the circle at √2 is 2/(π√(4 − d²)) = 0.45: the error is
        // 0.5/(0.45·128).
        assert!((median - 2f64.sqrt()).abs() < 4.0 * 0.0087, "{median}");
    }

    #[test]
    fn counts_and_the_electrons_at_their_centers_are_one() {
        let grid = Grid::standard(2).unwrap();
        let (x, z) = ([0.35f32, 0.35, -0.2, 1.0, 0.05], [0.25f32, 0.25, 0.0, -0.4, 0.05]);
        let mut cells: Vec<u32> =
            (0..5).map(|i| grid.cell([f64::from(x[i]), f64::from(z[i]), 0.0])).collect();
        cells.sort_unstable();
        let mut set = CountSet::new(grid.clone());
        set.push_cells(&cells);
        let counts = Points::of_counts(set.get(0), &Frame::new(grid.clone(), true));
        let centers: Vec<[f64; 3]> = cells.iter().map(|&cell| grid.center(cell)).collect();
        let column = |d: usize| centers.iter().map(|c| c[d] as f32).collect::<Vec<_>>();
        let points = electrons(&column(0), &column(1));
        let (a, b) = (counts.moments([0.0; 3]), points.moments([0.0; 3]));
        assert!((a[0].mean - b[0].mean).abs() < 1e-7 && (a[1].rms() - b[1].rms()).abs() < 1e-7);
        assert!((counts.covariance(0, 1, &a) - points.covariance(0, 1, &b)).abs() < 1e-7);
        assert!((counts.r90(&a) - points.r90(&b)).abs() < 1e-7);
        // Each of the two electrons is at most half a bin's diagonal from the centre.
        let median = |p: &Points| p.pair_distance(&mut stream(1, TEST, 0));
        let difference = (median(&counts) - median(&points)).abs();
        assert!(difference > 0.0 && difference < 2f64.sqrt() / 30.0, "{difference}");
    }
}
