//! How the children of a family spread over places across the strips and over time bins.

use townsend_sim::FamilySpread;

/// The probabilities that a child ends so many places and time bins from the cell of its family's mean.
#[derive(Debug, Clone)]
pub(crate) struct Blur {
    /// Places from `-places` to `places`.
    pub(crate) places: usize,
    /// Time bins from `-bins_before`, as many as `bins`.
    pub(crate) bins_before: usize,
    pub(crate) bins: usize,
    /// `[place][bin]`.
    pub(crate) weights: Vec<f32>,
}

/// Cells end where this many standard deviations do.
const REACH: f64 = 5.0;
/// Parts of a place within which the time's dependence on the place is taken as its middle.
const SLICES: i32 = 4;

impl Blur {
    /// `across` is the direction across the strips (x scaled as geometry scales it), cells are
    /// `place_mm` and `bin_ns` wide. Families are put into the cell that holds their mean, which adds a
    /// twelfth of a cell's square to the variance; as much is taken off here.
    pub(crate) fn new(spread: &FamilySpread, across: [f64; 2], place_mm: f64, bin_ns: f64) -> Self {
        let [x, z] = spread.along;
        let by = |k: usize| (across[0] * f64::from(x[k]) + across[1] * f64::from(z[k])) / place_mm;
        let late = f64::from(spread.sigma_t_ns) / bin_ns;
        let covariance = by(2) * late;
        let variance = |square: f64| (square - 1.0 / 12.0).max(1e-3);
        let place = variance((0..3).map(|k| by(k).powi(2)).sum());
        let time = variance(late * late);
        let slope = covariance / place;
        let rest = (time - covariance * slope).max(1e-3).sqrt();
        let [tail, tail_weight] = [spread.late[1] / bin_ns, spread.late[0]];
        let places = (REACH * place.sqrt()).ceil() as usize + 1;
        let bins_before = (REACH * time.sqrt()).ceil() as usize + 1;
        let after = if tail_weight > 0.0 { (7.0 * tail).ceil() as usize } else { 0 };
        let bins = 2 * bins_before + 1 + after;
        let mut weights = vec![0f64; (2 * places + 1) * bins];
        for (row, weights) in weights.chunks_exact_mut(bins).enumerate() {
            let middle = row as f64 - places as f64;
            for slice in 0..SLICES {
                let from = middle - 0.5 + f64::from(slice) / f64::from(SLICES);
                let to = from + 1.0 / f64::from(SLICES);
                let mass = normal(to / place.sqrt()) - normal(from / place.sqrt());
                let mean = slope * 0.5 * (from + to);
                for (bin, weight) in weights.iter_mut().take(2 * bins_before + 1).enumerate() {
                    let at = bin as f64 - bins_before as f64 - mean;
                    *weight += mass * (normal((at + 0.5) / rest) - normal((at - 0.5) / rest));
                }
            }
            if after > 0 {
                let prompt = weights.to_vec();
                for weight in weights.iter_mut() {
                    *weight *= 1.0 - tail_weight;
                }
                for (bin, mass) in prompt.iter().enumerate() {
                    for (by, weight) in weights[bin..].iter_mut().enumerate() {
                        let edge = |at: f64| if at <= 0.0 { 0.0 } else { 1.0 - (-at / tail).exp() };
                        let part = edge(by as f64 + 0.5) - edge(by as f64 - 0.5);
                        *weight += tail_weight * mass * part;
                    }
                }
            }
        }
        let sum: f64 = weights.iter().sum();
        let weights = weights.into_iter().map(|weight| (weight / sum) as f32).collect();
        Self { places, bins_before, bins, weights }
    }
}

/// The distribution function of the normal distribution to 10⁻⁷, by the error function of Abramowitz and
/// Stegun, 7.1.26.
fn normal(x: f64) -> f64 {
    let y = x.abs() * std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * y);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    let beyond = 0.5 * series * (-y * y).exp();
    if x < 0.0 { beyond } else { 1.0 - beyond }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments of the cells, with a family anywhere in its cell, are those of the children.
    #[test]
    fn moments_are_kept() {
        let spread = FamilySpread {
            number: [10.0, 0.5],
            along: [[0.15, 0.0, 0.05], [0.0, 0.12, 0.0]],
            sigma_t_ns: 3.0,
            late: [0.0, 0.0],
        };
        let (place_mm, bin_ns) = (0.08, 5.0);
        let blur = Blur::new(&spread, [1.0, 0.0], place_mm, bin_ns);
        let (mut u2, mut t2, mut ut) = (1.0 / 12.0, 1.0 / 12.0, 0.0);
        for (row, weights) in blur.weights.chunks(blur.bins).enumerate() {
            for (bin, &weight) in weights.iter().enumerate() {
                let u = row as f64 - blur.places as f64;
                let t = bin as f64 - blur.bins_before as f64;
                // Cells are flat: each holds a twelfth of its square of variance, which summing over
                // middles counts already as the spread of what was rounded to it.
                u2 += f64::from(weight) * (u * u - 1.0 / 12.0);
                t2 += f64::from(weight) * (t * t - 1.0 / 12.0);
                ut += f64::from(weight) * u * t;
            }
        }
        let (u2, t2, ut) = (u2 * place_mm * place_mm, t2 * bin_ns * bin_ns, ut * place_mm * bin_ns);
        assert!((u2 / (0.15f64.powi(2) + 0.05f64.powi(2)) - 1.0).abs() < 0.01, "{u2}");
        assert!((t2 / 9.0 - 1.0).abs() < 0.05, "{t2}");
        assert!((ut / 0.15 - 1.0).abs() < 0.05, "{ut}");
    }

    #[test]
    fn a_late_part_comes_later() {
        let spread = FamilySpread {
            number: [10.0, 0.5],
            along: [[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]],
            sigma_t_ns: 2.0,
            late: [0.3, 20.0],
        };
        let blur = Blur::new(&spread, [0.0, 1.0], 0.08, 5.0);
        let at = |k: usize| (k % blur.bins) as f64 - blur.bins_before as f64;
        let mean: f64 = blur.weights.iter().enumerate().map(|(k, &w)| f64::from(w) * at(k) * 5.0).sum();
        assert!((mean - 6.0).abs() < 0.1, "{mean}");
    }

    #[test]
    fn the_normal_distribution() {
        for (x, value) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9), (4.0, 0.999_968_3)] {
            assert!((normal(x) - value).abs() < 2e-7);
        }
    }
}
