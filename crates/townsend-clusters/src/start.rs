//! The parameters that training starts from, estimated from the distances of pairs of electrons.
//!
//! A pair with the same centre in the last level is closer than one that shares only a centre further up.
//! Choose coordinates in which electrons have unit covariance within their avalanche, and let the covariances
//! of the levels differ only by factors. Then d²/2 of a pair whose lines of descent meet after a variance v
//! is v times χ² with 3 degrees of freedom. In a level of M centres a pair has the same centre with
//! probability 2/(1 + M) (for Dirichlet distributed shares of parameter 1). So the distribution of the
//! distances, in classes of avalanches by size, determines variances and numbers of centres by maximum
//! likelihood, like Ripley's K function for a process with clusters of clusters.

use nalgebra::{Matrix3, Vector3};
use rand::RngExt;
use townsend_core::{Coordinate, Purpose, SizeModel, Stopped, Work, minimise, stream};

use crate::model::{Level, NormalSpread, Root, rows};
use crate::samples::Sample;
use crate::{ClusterError, ClusterModel};

const PAIRS: Purpose = Purpose::new("cloud pairs");
/// Pairs drawn from each avalanche, and fewest electrons of an avalanche whose pairs count. Chosen, not
/// fitted: more pairs take longer, and those of small avalanches repeat each other.
const PAIRS_EACH: usize = 2000;
const FEWEST: usize = 30;
/// Number of classes by size; number of bins of d²/2, the first of which begins at NEAREST and each of which
/// is wider than the one before by FACTOR. Chosen, not fitted: the bins cover d²/2 from 10⁻³ to 93, where 1
/// is the variance within an avalanche.
const CLASSES: usize = 8;
const BINS: usize = 120;
const NEAREST: f64 = 1e-3;
const FACTOR: f64 = 1.1;
/// Electrons per centre of the last level, and centres per centre of the level above, with which the search
/// starts. Chosen, not fitted: the search runs from each value of `PER_LEAF` and keeps the best result.
const PER_LEAF: [f64; 3] = [10.0, 18.0, 32.0];
const PER_CENTRE: f64 = 6.0;
/// Number of electrons for which the search parametrises the numbers of centres.
const TYPICAL: f64 = 1000.0;

/// Mean and covariances of the electrons, in the units of the data.
struct Scatter {
    /// Covariance of the electrons within an avalanche.
    within: Matrix3<f64>,
    /// Mean and covariance of the avalanches' mean positions.
    mean: Vector3<f64>,
    between: Matrix3<f64>,
}

impl Scatter {
    /// Each covariance counts one additional degree of freedom with the variances of all electrons, so that
    /// it is positive definite even if there are few data.
    fn of(samples: &[Sample]) -> Result<Self, ClusterError> {
        let place = |at: &[f32; 3]| Vector3::from(at.map(f64::from));
        let mean_of = |places: &[Vector3<f64>]| places.iter().sum::<Vector3<f64>>() / places.len() as f64;
        let scatter = |places: &[Vector3<f64>], mean: &Vector3<f64>| -> Matrix3<f64> {
            places.iter().map(|at| (at - mean) * (at - mean).transpose()).sum()
        };
        let all: Vec<Vec<Vector3<f64>>> =
            samples.iter().map(|sample| sample.electrons.iter().map(place).collect()).collect();
        let flat = all.concat();
        let total = scatter(&flat, &mean_of(&flat)).diagonal() / flat.len() as f64;
        for (k, coordinate) in Coordinate::ALL.into_iter().enumerate() {
            let first = flat[0][k];
            if flat.iter().all(|at| (at[k] - first).abs() <= 0.0) {
                return Err(ClusterError::Flat { coordinate: coordinate.name(), value: first });
            }
        }
        let one = Matrix3::from_diagonal(&total);
        let means: Vec<Vector3<f64>> = all.iter().map(|places| mean_of(places)).collect();
        let within: Matrix3<f64> = all.iter().zip(&means).map(|(places, mean)| scatter(places, mean)).sum();
        let free = flat.len() - all.len();
        let mean = mean_of(&means);
        Ok(Self {
            within: (within + one) / (free + 1) as f64,
            mean,
            between: (scatter(&means, &mean) + one) / means.len() as f64,
        })
    }
}

/// Pairs of electrons: the number of pairs of each class in each bin of d²/2.
struct Pairs {
    /// For each class the mean number of electrons, and the counts in the bins.
    classes: Vec<(f64, Vec<f64>)>,
    /// Number of all pairs.
    all: f64,
}

impl Pairs {
    /// Draws pairs and counts them; none if no avalanche has enough electrons.
    fn count(samples: &[Sample], within: &Matrix3<f64>, seed: u64) -> Option<Self> {
        let whiten = within.cholesky()?.l().try_inverse()?;
        let mut large: Vec<&Sample> =
            samples.iter().filter(|sample| sample.electrons.len() >= FEWEST).collect();
        large.sort_by_key(|sample| sample.size);
        let mut classes = Vec::new();
        for (class, members) in large.chunks(large.len().div_ceil(CLASSES).max(1)).enumerate() {
            let mut counts = vec![0.0; BINS];
            for (place, sample) in members.iter().enumerate() {
                let electrons = &sample.electrons;
                let n = electrons.len();
                let mut random = stream(seed, PAIRS, (class << 32 | place) as u64);
                for _ in 0..PAIRS_EACH {
                    let first = random.random_range(0..n);
                    let second = (first + random.random_range(1..n)) % n;
                    let [a, b] = [first, second].map(|k| Vector3::from(electrons[k].map(f64::from)));
                    let half_square = 0.5 * (whiten * (a - b)).norm_squared();
                    let bin = (half_square / NEAREST).ln() / FACTOR.ln();
                    if (0.0..BINS as f64).contains(&bin) {
                        counts[bin as usize] += 1.0;
                    }
                }
            }
            let size = members.iter().map(|sample| sample.size as f64).sum::<f64>() / members.len() as f64;
            classes.push((size, counts));
        }
        let all: f64 = classes.iter().flat_map(|(_, counts)| counts).sum();
        (all > 0.0).then_some(Self { classes, all })
    }

    /// Minus the mean of ln of the probability of a pair, and a penalty where a level has more centres than
    /// the one below.
    fn cost(&self, guess: &Guess) -> f64 {
        let densities: Vec<Vec<f64>> = guess.variances().into_iter().map(bin_probabilities).collect();
        let mut cost = 0.0;
        for (size, counts) in &self.classes {
            let (probabilities, below) = guess.meeting(*size);
            cost += 10.0 * below;
            for (bin, count) in counts.iter().enumerate() {
                let of_level = probabilities.iter().zip(&densities).map(|(p, density)| p * density[bin]);
                cost -= count / self.all * (of_level.sum::<f64>() + 1e-12).ln();
            }
        }
        cost
    }
}

/// Probability of each bin for y = d²/2, where y/v is χ² distributed with 3 degrees of freedom: density ∝ √y
/// exp(−y/(2v)).
fn bin_probabilities(variance: f64) -> Vec<f64> {
    let middle = |bin: usize| NEAREST * FACTOR.powf(bin as f64 + 0.5);
    // The width of a bin is proportional to y.
    let weights: Vec<f64> =
        (0..BINS).map(middle).map(|y| (y / variance).powf(1.5) * (-0.5 * y / variance).exp()).collect();
    let whole = weights.iter().sum::<f64>() + 1e-300;
    weights.into_iter().map(|weight| weight / whole).collect()
}

/// Parameters of the search; lists begin at the last level.
struct Guess {
    /// Contributions to the variance: that of electrons about their centres, that of the last level, and so
    /// on.
    parts: Vec<f64>,
    /// ln of (M − 1) for an avalanche of [`TYPICAL`] electrons, and the power of the size that M − 1 grows
    /// with.
    ln_numbers: Vec<f64>,
    powers: Vec<f64>,
}

impl Guess {
    fn from_free(free: &[f64]) -> Self {
        let depth = (free.len() - 1) / 3;
        let (parts, rest) = free.split_at(depth + 1);
        let (ln_numbers, powers) = rest.split_at(depth);
        Self {
            parts: parts.iter().map(|part| part.exp()).collect(),
            ln_numbers: ln_numbers.into(),
            powers: powers.into(),
        }
    }

    /// Variances of pairs that meet in the last level, in the one above it, and so on up to the root.
    fn variances(&self) -> Vec<f64> {
        let sums = self.parts.iter().scan(0.0, |sum, part| {
            *sum += part;
            Some(*sum)
        });
        sums.collect()
    }

    /// Probabilities that a pair meets in each level, and the sum of squares by which they would be negative:
    /// a level cannot have more centres than the one below it.
    fn meeting(&self, size: f64) -> (Vec<f64>, f64) {
        let number = |(ln, power): (&f64, &f64)| 1.0 + (ln + power * (size / TYPICAL).ln()).exp();
        let meet = self.ln_numbers.iter().zip(&self.powers).map(number).map(|number| 2.0 / (1.0 + number));
        let (mut before, mut below) = (0.0, 0.0);
        let mut probabilities: Vec<f64> = Vec::new();
        for cumulative in meet.chain([1.0]) {
            let here: f64 = cumulative - before;
            below += here.min(0.0).powi(2);
            probabilities.push(here.max(1e-9));
            before = cumulative;
        }
        (probabilities, below)
    }

    /// The levels from the root down. M of the last level depends on the number of electrons, M of the others
    /// on the number of centres of the level below.
    fn levels(&self, within: &Matrix3<f64>) -> Vec<Level> {
        let mut levels: Vec<Level> = Vec::new();
        let (mut constant, mut power) = (0.0, 1.0);
        for l in 0..self.ln_numbers.len() {
            let of_size = (self.ln_numbers[l] - self.powers[l] * TYPICAL.ln(), self.powers[l]);
            let relative = of_size.1 / power;
            levels.push(Level {
                ln_centres: (of_size.0 - relative * constant).clamp(-50.0, 50.0),
                power: relative.clamp(-5.0, 5.0),
                excess: 1.0,
                concentration: 1.0,
                covariance: rows(&(within * self.parts[l + 1])),
            });
            (constant, power) = of_size;
        }
        levels.reverse();
        levels
    }
}

/// The parameters that training starts from.
pub(crate) fn start(
    samples: &[Sample],
    sizes: SizeModel,
    depth: usize,
    seed: u64,
    work: Work<'_>,
) -> Result<ClusterModel, ClusterError> {
    let scatter = Scatter::of(samples)?;
    let guess =
        if depth == 0 { Guess::from_free(&[0.0]) } else { search(samples, &scatter, depth, seed, work)? };
    let share = if depth == 0 { 1.0 } else { 0.3 };
    Ok(ClusterModel {
        sizes,
        root: Root { mean: scatter.mean.into(), covariance: rows(&(scatter.between * share)) },
        electrons: NormalSpread { covariance: rows(&(scatter.within * guess.parts[0])) },
        levels: guess.levels(&scatter.within),
    })
}

/// Searches the parameters whose distribution of pair distances is the most likely.
fn search(
    samples: &[Sample],
    scatter: &Scatter,
    depth: usize,
    seed: u64,
    work: Work<'_>,
) -> Result<Guess, Stopped> {
    let starts = PER_LEAF.map(|per_leaf| {
        let parts = vec![-((depth + 1) as f64).ln(); depth + 1];
        let numbers = (0..depth).map(|l| (TYPICAL / per_leaf / PER_CENTRE.powi(l as i32)).ln());
        [parts, numbers.collect(), vec![1.0; depth]].concat()
    });
    let Some(pairs) = Pairs::count(samples, &scatter.within, seed) else {
        return Ok(Guess::from_free(&starts[1]));
    };
    let steps = [vec![0.3; depth + 1], vec![0.5; depth], vec![0.1; depth]].concat();
    // A weak pull to the start keeps parameters that the pairs do not determine from running away.
    let away = |free: &[f64]| -> f64 { free.iter().zip(&starts[1]).map(|(a, b)| (a - b).powi(2)).sum() };
    let cost = |free: &[f64]| match away(free) {
        far if far > 100.0 || work.go_on().is_err() => f64::INFINITY,
        near => pairs.cost(&Guess::from_free(free)) + 1e-4 * near,
    };
    let mut best = (starts[1].clone(), f64::INFINITY);
    for start in &starts {
        let mut point = start.clone();
        // A simplex can collapse before it is at the minimum, so the search is repeated from its end.
        for _ in 0..3 {
            work.go_on()?;
            if let Some((found, value)) = minimise(cost, &point, &steps, 1e-9) {
                point.clone_from(&found);
                if value < best.1 {
                    best = (found, value);
                }
            }
        }
    }
    Ok(Guess::from_free(&best.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of normal electrons have the closed form of the bins: the mean of d²/2 is 3v.
    #[test]
    fn pairs_of_one_cluster_are_chi_square() {
        for variance in [0.1, 0.5, 1.0] {
            let mean: f64 = bin_probabilities(variance)
                .iter()
                .enumerate()
                .map(|(bin, p)| p * NEAREST * FACTOR.powf(bin as f64 + 0.5))
                .sum();
            assert!((mean - 3.0 * variance).abs() < 0.01 * mean, "{mean}");
        }
    }

    #[test]
    fn probabilities_to_meet_are_a_distribution() {
        let guess = Guess { parts: vec![0.3; 3], ln_numbers: vec![4.0, 2.0], powers: vec![1.0, 0.8] };
        for size in [30.0, 1000.0, 1e5] {
            let (probabilities, below) = guess.meeting(size);
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12 && below == 0.0);
        }
        let (_, below) = Guess { ln_numbers: vec![2.0, 4.0], ..guess }.meeting(1000.0);
        assert!(below > 0.0);
    }

    /// The levels, from the root down, have the numbers of centres of the search.
    #[test]
    fn levels_give_back_the_numbers() {
        let guess = Guess { parts: vec![0.3; 3], ln_numbers: vec![4.0, 2.0], powers: vec![1.1, 0.8] };
        let levels = guess.levels(&Matrix3::identity());
        for size in [100.0, 1000.0] {
            let last = levels[1].mean(size);
            let first = levels[0].mean(last);
            let expected = |l: usize| (guess.ln_numbers[l] + guess.powers[l] * (size / TYPICAL).ln()).exp();
            assert!((last / expected(0) - 1.0).abs() < 1e-9 && (first / expected(1) - 1.0).abs() < 1e-9);
        }
    }
}
