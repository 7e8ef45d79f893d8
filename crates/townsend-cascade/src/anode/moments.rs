//! Parameters of a simulation for which the mean features of its avalanches are those of the data.
//!
//! It is the generalised method of moments (Hansen, Econometrica 50, 1029, 1982), with all that it needs
//! learned from simulations. With features φ of an avalanche, their mean φ̄ in n avalanches of the data,
//! their mean μ and covariance Σ in simulations, and G = ∂μ/∂θ, the data's logarithmic likelihood of φ̄ has
//! at θ
//!
//! - the score U = n Gᵀ Σ⁻¹ (φ̄ − μ),
//! - the information A = n Gᵀ Σ⁻¹ G,
//!
//! which for parameters θ whose prior belief has mean 0 and variance 1 lead to the most probable parameters
//! by steps of (1 + A)⁻¹ (U − θ), and to their covariance (1 + A)⁻¹.
//!
//! **The derivative** takes no finite differences: avalanches are simulated each with parameters of its own,
//! θ + δ, where δ is normal with covariance Q. Then by Stein's lemma E[φ δᵀ] Q⁻¹ is the derivative, averaged
//! over δ. Every avalanche tells of every parameter, which is what regression of parameters on features does
//! for simulations without a likelihood (Fearnhead and Prangle, J. R. Stat. Soc. B 74, 419, 2012).
//!
//! **What simulations do not tell.** The noise of G would make any direction look told by the data, if A were
//! taken from one G. So G is made in parts, and A is the mean of n Gᵢᵀ Σ⁻¹ Gⱼ over i ≠ j, which noise does
//! not enlarge on average. Its eigenvalues are then as often negative as positive where there is but noise.
//! Only directions whose eigenvalue exceeds the most negative one in magnitude, and the 1 of the prior
//! belief, are followed; in the others the parameters stay at the guess.

use nalgebra::{Cholesky, DMatrix, DVector, SymmetricEigen};

/// Parts that the derivative is made in.
const PARTS: usize = 4;
/// Added to the diagonal of the features' correlation: features that are nearly functions of others count
/// little.
const RIDGE: f64 = 1e-3;
/// What simulated avalanches scatter by is what this many avalanches would leave unknown: avalanches of their
/// own tell that much more only of how the features change.
const SCATTER: f64 = 3.0;

/// Mean features of the data.
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

/// Mean and covariance of the features of simulated avalanches that have the same parameters.
#[derive(Debug)]
pub(super) struct Centre {
    mean: DVector<f64>,
    /// The features' standard deviations; infinite for those that never differ, so that they do not count.
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

    /// Rows in standard deviations.
    fn scaled(&self, mut matrix: DMatrix<f64>) -> DMatrix<f64> {
        for (mut row, std) in matrix.row_iter_mut().zip(self.std.iter()) {
            row /= *std;
        }
        matrix
    }

    /// The data's mean features less those of the simulation, in standard deviations of one avalanche.
    pub(super) fn pulls(&self, target: &Target) -> DVector<f64> {
        (&target.mean - &self.mean).component_div(&self.std)
    }

    /// What as many avalanches as the data's weigh, if the simulated mean has an error as well.
    pub(super) fn weight(&self, target: &Target) -> f64 {
        1.0 / (1.0 / target.avalanches as f64 + 1.0 / self.avalanches as f64)
    }

    /// χ² of the data's mean features.
    pub(super) fn chi_square(&self, target: &Target) -> f64 {
        let pulls = self.pulls(target);
        self.weight(target) * pulls.dot(&self.correlation.solve(&pulls))
    }
}

/// Derivatives of the mean features by the parameters, in [`PARTS`] parts made from different avalanches.
#[derive(Debug, Clone)]
pub(super) struct Derivative(Vec<DMatrix<f64>>);

impl Derivative {
    /// From avalanches whose parameters deviate by the rows of `deviations`, normal with covariance
    /// `scatter`.
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

    /// The mean of several.
    pub(super) fn mean(all: &[Self]) -> Self {
        let part = |part: usize| all.iter().map(|one| &one.0[part]).sum::<DMatrix<f64>>() / all.len() as f64;
        Self((0..PARTS).map(part).collect())
    }
}

/// How simulated avalanches' parameters scatter: a covariance, its root and its inverse.
#[derive(Debug)]
pub(super) struct Scatter {
    pub(super) root: DMatrix<f64>,
    inverse: DMatrix<f64>,
}

impl Scatter {
    /// The way from `here` to `there`, no longer than `longest` in units of the scatter; and how long it was.
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

    /// The same standard deviation in all directions.
    pub(super) fn even(parameters: usize, std: f64) -> Self {
        let identity = DMatrix::identity(parameters, parameters);
        Self { root: &identity * std, inverse: identity / (std * std) }
    }
}

/// What the data say about the parameters at one place.
#[derive(Debug)]
pub(super) struct Information {
    /// Eigenvalues of the information, the largest first, and their directions as columns; those alone that
    /// are told.
    values: DVector<f64>,
    directions: DMatrix<f64>,
    /// The score in these directions.
    score: DVector<f64>,
    /// All eigenvalues, none negative, of one avalanche, and all directions.
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

    /// Number of directions that the data tell.
    pub(super) fn told(&self) -> usize {
        self.values.len()
    }

    /// The most probable parameters, as it looks from `here`, and how far they are in standard errors.
    pub(super) fn most_probable(&self, here: &DVector<f64>) -> (DVector<f64>, f64) {
        let here = self.directions.tr_mul(here);
        let information = self.values.add_scalar(1.0);
        let step = (&self.score - &here).component_div(&information);
        let errors = step.component_mul(&step).dot(&information).sqrt();
        (&self.directions * (here + step), errors)
    }

    /// The parameters' covariance, given the data and the belief.
    pub(super) fn covariance(&self) -> DMatrix<f64> {
        let n = self.directions.nrows();
        let told = self.values.map(|value| value / (1.0 + value));
        DMatrix::identity(n, n)
            - &self.directions * DMatrix::from_diagonal(&told) * self.directions.transpose()
    }

    /// How parameters should scatter to learn from them: as widely as features change about linearly, and
    /// with a standard deviation of at most `most`.
    pub(super) fn scatter(&self, most: f64) -> Scatter {
        let (values, directions) = &self.all;
        let precision = values.map(|value| most.powi(-2) + SCATTER * value);
        let along = |of: fn(f64) -> f64| {
            directions * DMatrix::from_diagonal(&precision.map(of)) * directions.transpose()
        };
        Scatter { root: along(|precision| precision.sqrt().recip()), inverse: along(|precision| precision) }
    }
}
