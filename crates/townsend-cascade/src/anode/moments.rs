//! The generalised method of moments (Hansen, Econometrica 50, 1029, 1982): the parameters of a simulation
//! for which the mean features of its avalanches are those of the data. Means, covariances and derivatives of
//! the features come from simulations.
//!
//! With features φ of an avalanche, their mean φ̄ in n avalanches of the data, their mean μ and covariance Σ
//! in simulations, and G = ∂μ/∂θ, the log-likelihood of φ̄ has at the parameters θ
//!
//! - the score U = n Gᵀ Σ⁻¹ (φ̄ − μ),
//! - the information A = n Gᵀ Σ⁻¹ G,
//!
//! The prior of θ has mean 0 and variance 1. Steps of (1 + A)⁻¹ (U − θ) therefore lead to the most probable
//! parameters, and (1 + A)⁻¹ is their covariance.
//!
//! **The derivative** needs no finite differences: each avalanche is simulated with parameters of its own,
//! namely θ + δ with δ normal of covariance Q. By Stein's lemma E[φ δᵀ] Q⁻¹ is the derivative, averaged over
//! δ. So every avalanche contributes to the derivative by every parameter, as it does where parameters are
//! regressed on features of simulations without a likelihood (Fearnhead and Prangle, J. R. Stat. Soc. B 74,
//! 419, 2012).
//!
//! **Noise of the derivative.** A from a single estimate of G would contain the square of the noise of G, and
//! the data would seem to determine every direction. Therefore G is estimated in parts from different
//! avalanches, and A is the mean of n Gᵢᵀ Σ⁻¹ Gⱼ over i ≠ j, where noise averages to zero. Along directions
//! with nothing but noise its eigenvalues are as often negative as positive. Steps follow only directions
//! whose eigenvalue exceeds both the magnitude of the most negative one and the 1 of the prior; along the
//! others the parameters stay as guessed.

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

/// Number of parts that the derivative is estimated in, each from its own avalanches. Chosen, not fitted.
/// With P parts a fraction 1/P of the products, those of a part with itself, is not used; more parts use more
/// of them, but each part is noisier and A takes longer to compute. It must be at least 2.
const PARTS: usize = 4;
/// Added to the diagonal of the features' correlation matrix before it is inverted. Chosen, not fitted:
/// features that are nearly functions of others would make it singular. A larger value gives correlated
/// features less weight and makes errors larger; 0.01 and 0.1 made the sizes of avalanches no better
/// (`docs/cascade.md`). A smaller one lets the noise of the simulated covariance decide.
const RIDGE: f64 = 1e-3;
/// Scale of the scatter of simulated parameters: its covariance is the inverse of the information of this
/// many avalanches and the bound that is configured. The scatter then adds at most a third to the variance
/// that the features of one avalanche have anyway. Chosen, not fitted: a larger value makes the scatter
/// narrower and the derivatives noisier, a smaller one averages them over parameters for which features no
/// longer change linearly.
const SCATTER: f64 = 3.0;

/// Mean features of the data, and the number of avalanches that they are the mean of.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) mean: DVector<f64>,
    pub(super) avalanches: usize,
}

impl Target {
    pub(super) fn of(features: &DMatrix<f64>) -> Self {
        Self { mean: features.row_mean().transpose(), avalanches: features.nrows() }
    }
}

/// Mean and covariance of the features of avalanches simulated with the same parameters.
#[derive(Debug)]
pub(super) struct Centre {
    mean: DVector<f64>,
    /// Standard deviations of the features; infinite for those that never differ, which then have no weight.
    std: DVector<f64>,
    correlation: Cholesky<f64, nalgebra::Dyn>,
    avalanches: usize,
}

impl Centre {
    pub(super) fn of(features: &DMatrix<f64>) -> Self {
        let mean = features.row_mean().transpose();
        let mut centred = features.clone();
        for (mut column, mean) in centred.column_iter_mut().zip(mean.iter()) {
            column.add_scalar_mut(-mean);
        }
        let covariance = centred.tr_mul(&centred) / features.nrows() as f64;
        let std = covariance.diagonal().map(|v| if v > 1e-12 { v.sqrt() } else { f64::INFINITY });
        let mut correlation =
            DMatrix::from_fn(std.len(), std.len(), |i, j| covariance[(i, j)] / (std[i] * std[j]));
        correlation.fill_diagonal(1.0 + RIDGE);
        let correlation = correlation.cholesky().expect("a correlation with a ridge is positive definite");
        Self { mean, std, correlation, avalanches: features.nrows() }
    }

    /// Divides each row (feature) by the feature's standard deviation.
    fn scaled(&self, mut matrix: DMatrix<f64>) -> DMatrix<f64> {
        for (mut row, std) in matrix.row_iter_mut().zip(self.std.iter()) {
            row /= *std;
        }
        matrix
    }

    /// Mean features of the data less those of the simulation, in standard deviations of one avalanche.
    pub(super) fn pulls(&self, target: &Target) -> DVector<f64> {
        (&target.mean - &self.mean).component_div(&self.std)
    }

    /// The number of avalanches that counts as n: fewer than the data have, because the simulated mean has a
    /// statistical error as well.
    pub(super) fn weight(&self, target: &Target) -> f64 {
        1.0 / (1.0 / target.avalanches as f64 + 1.0 / self.avalanches as f64)
    }

    /// χ² of the mean features of the data.
    pub(super) fn chi_square(&self, target: &Target) -> f64 {
        let pulls = self.pulls(target);
        self.weight(target) * pulls.dot(&self.correlation.solve(&pulls))
    }
}

/// Derivatives of the mean features (rows) by the standard parameters (columns), in [`PARTS`] estimates from
/// different avalanches.
#[derive(Debug, Clone)]
pub(super) struct Derivative(Vec<DMatrix<f64>>);

impl Derivative {
    /// Estimates the derivatives from avalanches (rows) whose parameters deviate from the centre by the rows
    /// of `deviations`, which are normal with covariance `scatter`.
    pub(super) fn of(features: &DMatrix<f64>, deviations: &DMatrix<f64>, scatter: &Scatter) -> Self {
        let mean = features.row_mean();
        let part = |part: usize| {
            let rows: Vec<usize> = (part..features.nrows()).step_by(PARTS).collect();
            let mut features = features.select_rows(&rows);
            features.row_iter_mut().for_each(|mut row| row -= &mean);
            let product = features.tr_mul(&deviations.select_rows(&rows)) / rows.len() as f64;
            product * &scatter.inverse
        };
        Self((0..PARTS).map(part).collect())
    }

    /// The mean of several estimates, part by part.
    pub(super) fn mean(all: &[Self]) -> Self {
        let part = |part: usize| all.iter().map(|one| &one.0[part]).sum::<DMatrix<f64>>() / all.len() as f64;
        Self((0..PARTS).map(part).collect())
    }
}

/// The scatter of simulated parameters: square root and inverse of its covariance.
#[derive(Debug)]
pub(super) struct Scatter {
    pub(super) root: DMatrix<f64>,
    inverse: DMatrix<f64>,
}

impl Scatter {
    /// The point on the way from `here` to `there` that is at most `longest` away, and how far away `there`
    /// is, both in units of the scatter.
    pub(super) fn limit(
        &self,
        here: &DVector<f64>,
        there: &DVector<f64>,
        longest: f64,
    ) -> (DVector<f64>, f64) {
        let way = there - here;
        let length = way.dot(&(&self.inverse * &way)).sqrt();
        (here + way * (longest / length).min(1.0), length)
    }

    /// The scatter with standard deviation `std` along all directions.
    pub(super) fn even(parameters: usize, std: f64) -> Self {
        let identity = DMatrix::identity(parameters, parameters);
        Self { root: &identity * std, inverse: identity / (std * std) }
    }
}

/// The information of the data about the standard parameters, at one place.
#[derive(Debug)]
pub(super) struct Information {
    /// Eigenvalues of A that exceed their noise, the largest first, and their eigenvectors as columns.
    values: DVector<f64>,
    directions: DMatrix<f64>,
    /// The score U along these directions.
    score: DVector<f64>,
    /// All eigenvalues of the information of one avalanche, negative ones set to 0, and all eigenvectors.
    all: (DVector<f64>, DMatrix<f64>),
}

impl Information {
    pub(super) fn at(centre: &Centre, derivative: &Derivative, target: &Target) -> Self {
        let parts: Vec<DMatrix<f64>> = derivative.0.iter().map(|part| centre.scaled(part.clone())).collect();
        let sum: DMatrix<f64> = parts.iter().sum();
        let product = |g: &DMatrix<f64>| g.tr_mul(&centre.correlation.solve(g));
        let own: DMatrix<f64> = parts.iter().map(product).sum();
        let pairs = (PARTS * (PARTS - 1)) as f64;
        let eigen = SymmetricEigen::new((product(&sum) - own) / pairs);
        let weight = centre.weight(target);
        let noise = -eigen.eigenvalues.min();
        let mut told: Vec<usize> = (0..eigen.eigenvalues.len())
            .filter(|&k| eigen.eigenvalues[k] > noise.max(1.0 / weight))
            .collect();
        told.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let directions = eigen.eigenvectors.select_columns(&told);
        let weighted = centre.correlation.solve(&centre.pulls(target));
        let score = directions.tr_mul(&sum.tr_mul(&weighted)) * (weight / PARTS as f64);
        Self {
            values: eigen.eigenvalues.select_rows(&told) * weight,
            directions,
            score,
            all: (eigen.eigenvalues.map(|value| value.max(0.0)), eigen.eigenvectors),
        }
    }

    /// Number of directions that the data determine.
    pub(super) fn told(&self) -> usize {
        self.values.len()
    }

    /// The most probable parameters, from the information and score at `here`, and how far they are from it
    /// in standard errors.
    pub(super) fn most_probable(&self, here: &DVector<f64>) -> (DVector<f64>, f64) {
        let here = self.directions.tr_mul(here);
        let information = self.values.add_scalar(1.0);
        let step = (&self.score - &here).component_div(&information);
        let errors = step.component_mul(&step).dot(&information).sqrt();
        (&self.directions * (here + step), errors)
    }

    /// Covariance of the standard parameters, given the data and the prior.
    pub(super) fn covariance(&self) -> DMatrix<f64> {
        let n = self.directions.nrows();
        let told = self.values.map(|value| value / (1.0 + value));
        DMatrix::identity(n, n)
            - &self.directions * DMatrix::from_diagonal(&told) * self.directions.transpose()
    }

    /// The scatter of parameters to estimate derivatives with: so wide that it adds a little to the features'
    /// own variance ([`SCATTER`]), but at most `most` in any direction.
    pub(super) fn scatter(&self, most: f64) -> Scatter {
        let (values, directions) = &self.all;
        let precision = values.map(|value| most.powi(-2) + SCATTER * value);
        let along = |of: fn(f64) -> f64| {
            directions * DMatrix::from_diagonal(&precision.map(of)) * directions.transpose()
        };
        Scatter { root: along(|precision| precision.sqrt().recip()), inverse: along(|precision| precision) }
    }
}
