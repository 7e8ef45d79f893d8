//! The parameters of the model.

use nalgebra::{Cholesky, Const, Matrix3, Vector3};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};
use townsend_core::{SizeModel, ln_gamma, negative_binomial};

use crate::ClusterError;

/// Largest number of levels of a model.
pub(crate) const MOST_LEVELS: usize = 3;

/// A covariance by rows, 3 × 3 in the order x, z, t.
pub type Covariance = [[f64; 3]; 3];

/// The parameters of a hierarchical Neyman–Scott cluster process: centres around centres, and electrons
/// around the centres of the last level. Coordinates are x, z, t in the units of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterModel {
    /// The distribution of the number of electrons.
    pub sizes: SizeModel,
    /// The distribution of the root, from which the positions of an avalanche start.
    pub root: Root,
    /// The distribution of electrons around their centres.
    pub electrons: NormalSpread,
    /// The levels of centres from the root down; without any, electrons lie around the root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Level>,
}

/// The normal distribution of the root of an avalanche.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Its mean.
    pub mean: [f64; 3],
    /// Its covariance.
    pub covariance: Covariance,
}

/// A normal distribution about a given place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalSpread {
    /// Its covariance.
    pub covariance: Covariance,
}

/// A level of centres around those of the level above.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Given the number n of their children, the number M of centres is 1 plus a negative binomial number
    /// with mean exp(`ln_centres` + `power` · ln n).
    pub ln_centres: f64,
    /// See `ln_centres`.
    pub power: f64,
    /// The variance of M − 1 is its mean times 1 + `excess`.
    pub excess: f64,
    /// Parameter of the symmetric Dirichlet distribution of the probabilities with which children choose
    /// their centres; a small one makes families unequal.
    pub concentration: f64,
    /// Covariance of a centre about its parent.
    pub covariance: Covariance,
}

impl Level {
    /// Largest mean number of centres. Chosen, not fitted: it keeps a damaged model from exhausting memory.
    const MOST_CENTRES: f64 = 1e7;

    /// Mean of M − 1.
    pub(crate) fn mean(&self, children: f64) -> f64 {
        (self.ln_centres + self.power * children.ln()).exp().clamp(1e-8, Self::MOST_CENTRES)
    }

    /// ln P(M = `centres`) for this number of children.
    pub(crate) fn ln_probability(&self, centres: f64, children: f64) -> f64 {
        let (mean, more) = (self.mean(children), centres - 1.0);
        let shape = mean / self.excess;
        ln_gamma(more + shape) - ln_gamma(shape) - ln_gamma(centres) - shape * self.excess.ln_1p()
            + more * (self.excess / (1.0 + self.excess)).ln()
    }

    /// Draws M for this number of children.
    pub(crate) fn draw(&self, children: f64, random: &mut impl Rng) -> usize {
        1 + negative_binomial(self.mean(children), self.mean(children) / self.excess, random) as usize
    }
}

/// A normal distribution, prepared for drawing from it and for conditioning.
#[derive(Debug, Clone)]
pub(crate) struct Normal {
    pub(crate) covariance: Matrix3<f64>,
    pub(crate) inverse: Matrix3<f64>,
    /// Lower triangular C with C Cᵀ = covariance.
    pub(crate) factor: Matrix3<f64>,
    /// ln of the density at the mean.
    pub(crate) ln_height: f64,
}

impl Normal {
    /// None if the matrix is not positive definite, or too close to singular.
    pub(crate) fn new(covariance: &Matrix3<f64>) -> Option<Self> {
        let cholesky = Cholesky::<f64, Const<3>>::new(*covariance)?;
        let factor = cholesky.l();
        let ln_height = -factor.diagonal().map(f64::ln).sum() - 1.5 * std::f64::consts::TAU.ln();
        let inverse = cholesky.inverse();
        let finite = ln_height.is_finite() && inverse.iter().all(|value| value.is_finite());
        finite.then_some(Self { covariance: *covariance, inverse, factor, ln_height })
    }

    pub(crate) fn draw(&self, mean: &Vector3<f64>, random: &mut impl Rng) -> Vector3<f64> {
        mean + self.factor * standard(random)
    }

    pub(crate) fn ln_density(&self, from_mean: &Vector3<f64>) -> f64 {
        self.ln_height - 0.5 * from_mean.dot(&(self.inverse * from_mean))
    }
}

/// Three standard normal numbers.
pub(crate) fn standard(random: &mut impl Rng) -> Vector3<f64> {
    Vector3::from_fn(|_, _| StandardNormal.sample(random))
}

/// A checked model with its matrices factorised.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) levels: Vec<Level>,
    pub(crate) mean: Vector3<f64>,
    pub(crate) root: Normal,
    /// The distributions of each level's centres about their parents, and of electrons about their centres.
    pub(crate) spreads: Vec<Normal>,
}

impl Ready {
    /// The distribution of electrons about their centres.
    pub(crate) fn electrons(&self) -> &Normal {
        &self.spreads[self.levels.len()]
    }
}

pub(crate) fn matrix(rows: &Covariance) -> Matrix3<f64> {
    Matrix3::from_fn(|i, j| rows[i][j])
}

pub(crate) fn rows(matrix: &Matrix3<f64>) -> Covariance {
    std::array::from_fn(|i| std::array::from_fn(|j| matrix[(i, j)]))
}

impl ClusterModel {
    /// Checks every parameter and prepares the matrices.
    pub(crate) fn ready(&self) -> Result<Ready, ClusterError> {
        let wrong = |key: String, value: String, allowed| Err(ClusterError::Range { key, value, allowed });
        self.sizes.check()?;
        if self.levels.len() > MOST_LEVELS {
            return wrong("levels".into(), self.levels.len().to_string(), "at most 3 of them");
        }
        for (place, level) in self.levels.iter().enumerate() {
            let values = [
                ("ln_centres", level.ln_centres, -100.0..=100.0, "from -100 to 100"),
                ("power", level.power, -10.0..=10.0, "from -10 to 10"),
                ("excess", level.excess, 1e-6..=1e6, "from 1e-6 to 1e6"),
                ("concentration", level.concentration, 1e-3..=1e6, "from 0.001 to 1e6"),
            ];
            for (name, value, range, allowed) in values {
                if !range.contains(&value) {
                    return wrong(format!("levels[{place}].{name}"), value.to_string(), allowed);
                }
            }
        }
        if let Some(mean) = self.root.mean.iter().find(|mean| !mean.is_finite()) {
            return wrong("root.mean".into(), mean.to_string(), "finite");
        }
        let normal = |key: &str, covariance: &Covariance| {
            let symmetric =
                (0..3).all(|i| (0..i).all(|j| covariance[i][j].total_cmp(&covariance[j][i]).is_eq()));
            let made = symmetric.then(|| Normal::new(&matrix(covariance))).flatten();
            made.ok_or_else(|| ClusterError::Range {
                key: format!("{key}.covariance"),
                value: format!("{covariance:?}"),
                allowed: "symmetric and positive definite",
            })
        };
        let of_levels = self.levels.iter().enumerate();
        let spreads = of_levels.map(|(place, level)| normal(&format!("levels[{place}]"), &level.covariance));
        let electrons = std::iter::once_with(|| normal("electrons", &self.electrons.covariance));
        Ok(Ready {
            levels: self.levels.clone(),
            mean: Vector3::from(self.root.mean),
            root: normal("root", &self.root.covariance)?,
            spreads: spreads.chain(electrons).collect::<Result<_, _>>()?,
        })
    }

    /// Covariance of an electron of any avalanche, in the units of the data: the sum of the covariances of
    /// root, levels and electrons.
    pub fn covariance(&self) -> Covariance {
        let levels = self.levels.iter().map(|level| matrix(&level.covariance)).sum::<Matrix3<f64>>();
        rows(&(levels + matrix(&self.root.covariance) + matrix(&self.electrons.covariance)))
    }
}
