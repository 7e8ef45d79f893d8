//! A mixture of Gaussians by expectation–maximisation (Dempster, Laird and Rubin 1977).

use nalgebra::{Cholesky, DMatrix, DVector};
use rand::RngExt;
use townsend_core::{Purpose, Stream, stream};

use super::{columns, distribution_function};
use crate::Parameters;
use crate::onnx::{Attribute, Graph, Value};

const SHARES: &str = "latent.shares";
const MEANS: &str = "latent.means";
const FACTORS: &str = "latent.factors";
const STARTS: Purpose = Purpose::new("mixture starts");

/// Number of steps of expectation–maximisation. Chosen, not fitted: a fixed number instead of a test of
/// convergence, so that the end of an epoch always takes the same time.
const STEPS: usize = 50;
/// Added to variances (of latent points, which are of order 1), so that the density stays finite if all
/// points lie in a plane.
const LEAST_VARIANCE: f64 = 1e-6;

/// Weights, means and triangular factors L of the covariances L Lᵀ.
#[derive(Debug, Clone)]
pub(super) struct Mixture {
    shares: Vec<f64>,
    means: Vec<DVector<f64>>,
    factors: Vec<DMatrix<f64>>,
}

impl Mixture {
    pub(super) fn shapes(latent: usize, components: usize) -> Vec<(&'static str, Vec<usize>)> {
        vec![
            (SHARES, vec![components]),
            (MEANS, vec![components, latent]),
            (FACTORS, vec![components, latent, latent]),
        ]
    }

    /// The mixture stored in the tensors of a model; none if nothing was fitted yet.
    pub(super) fn of(parameters: &Parameters, latent: usize) -> Option<Self> {
        let values = |name: &str| parameters.values(name).into_iter().map(f64::from).collect::<Vec<_>>();
        let (shares, means, factors) = (values(SHARES), values(MEANS), values(FACTORS));
        (shares.iter().sum::<f64>() > 0.0).then(|| Self {
            shares,
            means: means.chunks(latent).map(DVector::from_column_slice).collect(),
            factors: factors
                .chunks(latent * latent)
                .map(|l| DMatrix::from_row_slice(latent, latent, l))
                .collect(),
        })
    }

    pub(super) fn tensors(&self) -> Vec<(&'static str, Vec<f32>)> {
        let narrow = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x as f32).collect::<Vec<f32>>();
        // Factors row by row.
        let factors = self.factors.iter().map(DMatrix::transpose).collect::<Vec<_>>();
        vec![
            (SHARES, narrow(&mut self.shares.iter().copied())),
            (MEANS, narrow(&mut self.means.iter().flat_map(|mean| mean.iter().copied()))),
            (FACTORS, narrow(&mut factors.iter().flat_map(|factor| factor.iter().copied()))),
        ]
    }

    /// Number of coordinates of a point.
    pub(super) fn dims(&self) -> usize {
        self.means[0].len()
    }

    /// Turns standard normal numbers into a point; the last of them selects the Gaussian.
    pub(super) fn fill(&self, noise: &[f32], [normal, product]: &mut [DVector<f64>; 2], point: &mut [f32]) {
        let latent = self.dims();
        normal.iter_mut().zip(&noise[..latent]).for_each(|(to, x)| *to = f64::from(*x));
        let mut rest = distribution_function(f64::from(noise[latent])) * self.shares.iter().sum::<f64>();
        let mut chosen = self.shares.len() - 1;
        for (index, share) in self.shares.iter().enumerate() {
            if rest < *share {
                chosen = index;
                break;
            }
            rest -= share;
        }
        self.factors[chosen].mul_to(normal, product);
        let sums = self.means[chosen].iter().zip(product.iter());
        point.iter_mut().zip(sums).for_each(|(to, (mean, x))| *to = (mean + x) as f32);
    }

    /// [`Mixture::fill`] in a graph of ONNX: the points of all Gaussians, times 1 for the one that is chosen
    /// and 0 for the others, are added up.
    pub(super) fn add_to_graph(&self, graph: &mut Graph<'_>, noise: &Value) -> Value {
        let (latent, components) = (self.dims(), self.shares.len());
        let total: f64 = self.shares.iter().sum();
        let ends = self.shares.iter().scan(0.0, |sum, share| {
            *sum += share / total;
            Some(*sum as f32)
        });
        // Beyond what a distribution function can be, so that rounding leaves none without a Gaussian.
        let ends: Vec<f32> = std::iter::once(-1.0).chain(ends.take(components - 1)).chain([2.0]).collect();
        let chooses = graph.columns(latent, latent + 1, noise);
        let chooses = graph.uniform(&chooses);
        let [from, to] = [&ends[..components], &ends[1..]].map(|ends| graph.numbers(&[components], ends));
        let above = graph.node("GreaterOrEqual", &[&chooses, &from], &[]);
        let below = graph.node("Less", &[&chooses, &to], &[]);
        let chosen = graph.node("And", &[&above, &below], &[]);
        let chosen = graph.cast::<f32>(&chosen);
        let chosen = graph.reshape(&[components as i64, 1], &chosen);
        let normal = graph.columns(0, latent, noise);
        let means = graph.tensor(MEANS);
        let factors = graph.parameters().values(FACTORS);
        let factors = graph.numbers(&[components * latent, latent], &factors);
        let points = graph.node("Gemm", &[&normal, &factors], &[("transB", Attribute::Integer(1))]);
        let points = graph.reshape(&[components as i64, latent as i64], &points);
        let points = graph.node("Add", &[&points, &means], &[]);
        let points = graph.node("Mul", &[&points, &chosen], &[]);
        graph.sums(1, false, &points)
    }

    /// The mixture of maximum likelihood with a prior on the covariances: each Gaussian has `latent` + 2
    /// additional points with the covariance of all points, scaled to its part of the space.
    pub(super) fn fit(points: &[f32], latent: usize, components: usize, seed: u64) -> Self {
        let points = columns(points, latent);
        let n = points.ncols();
        let all = covariance(&points, &vec![1.0; n], &points.column_mean()) / n as f64;
        let prior_points = latent as f64 + 2.0;
        let prior = &all * (components as f64).powf(-2.0 / latent as f64);
        let mut random = stream(seed, STARTS, 0);
        let mut mixture = Self {
            shares: vec![1.0 / components as f64; components],
            means: starts(&points, components, &mut random),
            factors: vec![factor(prior.clone()); components],
        };
        for _ in 0..STEPS {
            let belongs = mixture.responsibilities(&points);
            for (k, weights) in belongs.iter().enumerate() {
                let total: f64 = weights.iter().sum();
                mixture.shares[k] = total / n as f64;
                if total < 1e-9 {
                    continue;
                }
                let mean = &points * DVector::from_column_slice(weights) / total;
                let own = covariance(&points, weights, &mean);
                mixture.factors[k] = factor((own + &prior * prior_points) / (total + prior_points));
                mixture.means[k] = mean;
            }
        }
        mixture
    }

    /// The probability that each point belongs to each Gaussian, one list for each Gaussian.
    fn responsibilities(&self, points: &DMatrix<f64>) -> Vec<Vec<f64>> {
        let log_densities =
            self.shares.iter().zip(&self.means).zip(&self.factors).map(|((share, mean), factor)| {
                let constant = share.max(1e-300).ln() - factor.diagonal().iter().map(|x| x.ln()).sum::<f64>();
                let mut centered = points.clone();
                centered.column_iter_mut().for_each(|mut column| column -= mean);
                // A triangular factor with a positive diagonal always has an inverse.
                factor.solve_lower_triangular_mut(&mut centered);
                centered
                    .column_iter()
                    .map(|column| constant - 0.5 * column.norm_squared())
                    .collect::<Vec<f64>>()
            });
        let mut all: Vec<Vec<f64>> = log_densities.collect();
        for point in 0..points.ncols() {
            let most = all.iter().map(|list| list[point]).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = all.iter().map(|list| (list[point] - most).exp()).sum();
            for list in &mut all {
                list[point] = (list[point] - most).exp() / sum;
            }
        }
        all
    }
}

/// Σ w (x − m)(x − m)ᵀ.
fn covariance(points: &DMatrix<f64>, weights: &[f64], mean: &DVector<f64>) -> DMatrix<f64> {
    let mut scaled = points.clone();
    for (mut column, weight) in scaled.column_iter_mut().zip(weights) {
        column -= mean;
        column *= weight.sqrt();
    }
    &scaled * scaled.transpose()
}

/// The lower triangular factor of a covariance.
fn factor(mut covariance: DMatrix<f64>) -> DMatrix<f64> {
    let latent = covariance.nrows();
    let mut added = LEAST_VARIANCE;
    loop {
        covariance += DMatrix::identity(latent, latent) * added;
        if let Some(found) = Cholesky::new(covariance.clone()) {
            return found.unpack();
        }
        if added > 1e6 || !covariance.iter().all(|x| x.is_finite()) {
            return DMatrix::identity(latent, latent);
        }
        added *= 10.0;
    }
}

/// Points far from each other, as initial means (k-means++: Arthur and Vassilvitskii 2007).
fn starts(points: &DMatrix<f64>, components: usize, random: &mut Stream) -> Vec<DVector<f64>> {
    let mut starts = vec![points.column(random.random_range(0..points.ncols())).into_owned()];
    let mut squares = vec![f64::INFINITY; points.ncols()];
    while starts.len() < components {
        let last = &starts[starts.len() - 1];
        for (square, point) in squares.iter_mut().zip(points.column_iter()) {
            *square = square.min((point - last).norm_squared());
        }
        let mut rest = random.random::<f64>() * squares.iter().sum::<f64>();
        let chosen = squares.iter().position(|square| {
            rest -= square;
            rest < 0.0
        });
        starts.push(points.column(chosen.unwrap_or(0)).into_owned());
    }
    starts
}
