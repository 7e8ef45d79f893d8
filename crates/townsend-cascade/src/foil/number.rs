//! The likelihood of the numbers of children.

use townsend_core::minimise;
use townsend_sim::{Lattice, Polya};

use super::responses::Scaled;
use super::standard_errors::standard_errors;
use super::{Maximum, no_maximum};
use crate::CascadeError;

/// What the likelihood of the numbers of children depends on in the responses.
pub(super) struct Numbers {
    /// Responses that were recorded under the same conditions form one set.
    sets: Vec<Set>,
    /// Element j is the number of starts with more than j children, in all sets. With it, the sum of ln(Γ(n +
    /// k)/(Γ(k) n!)) over all starts is the sum over j of this number times ln((k + j)/(1 + j)).
    more_than: Vec<f64>,
}

/// Responses that were recorded under the same conditions.
struct Set {
    /// (r/p)² of the starts without children, and of those with children.
    squares: [Vec<f64>; 2],
    /// Total number of children.
    children: f64,
    /// The conditions, relative to those of the first responses and in units of the recorded range.
    conditions: Vec<f64>,
}

/// Parameters of the distribution of the number of children; the formula is that of [`super::fit_foil`].
#[derive(Debug, Clone)]
pub(super) struct NumberParameters {
    /// a = ln(c/(1 − c)) for a start on a hole's axis, where c is the probability of collection.
    pub(super) odds: f64,
    /// b, the change of `odds` with (r/p)².
    pub(super) odds_slope: f64,
    /// Mean μ of the Polya distribution, over collected electrons.
    pub(super) mean: f64,
    /// k = 1 + θ.
    pub(super) shape: f64,
    /// For each condition the changes of `odds` and of ln μ over its recorded range.
    pub(super) by_condition: Vec<[f64; 2]>,
}

impl NumberParameters {
    /// From the free parameters of the search, each of which may be any number: odds, their slope, ln μ, ln
    /// k, and for each condition the changes of odds and ln μ.
    fn from_free(free: &[f64]) -> Self {
        Self {
            odds: free[0],
            odds_slope: free[1],
            mean: free[2].exp(),
            shape: free[3].exp(),
            by_condition: free[4..].as_chunks().0.to_vec(),
        }
    }
}

impl Numbers {
    /// The numbers of children of these responses. Electrons are collected as if they started `shift` farther
    /// on, µm.
    pub(super) fn new(
        recorded: &[Scaled<'_>],
        lattice: Lattice,
        shift: [f64; 2],
    ) -> Result<Self, CascadeError> {
        let pitch = 1000.0 * f64::from(lattice.pitch_mm());
        let (mut sets, mut more_than) = (Vec::new(), Vec::new());
        for Scaled { responses, conditions } in recorded {
            let mut squares = [Vec::new(), Vec::new()];
            for (start, children) in responses.about_holes(lattice, shift) {
                let square = [0, 1].map(|k| ((start[k] + shift[k]) / pitch).powi(2)).iter().sum();
                squares[usize::from(!children.is_empty())].push(square);
                more_than.resize(more_than.len().max(children.len()), 0.0);
                more_than[..children.len()].iter_mut().for_each(|count| *count += 1.0);
            }
            let children = responses.children.len() as f64;
            sets.push(Set { squares, children, conditions: conditions.clone() });
        }
        let all = sets.iter().flat_map(|set| set.squares.iter().flatten());
        let (low, high) =
            all.fold((f64::INFINITY, 0.0f64), |(low, high), &square| (low.min(square), high.max(square)));
        if high - low < 1e-6 {
            return Err(CascadeError::Foil {
                what: "all starts are as far from a hole".into(),
                remedy: "record responses from starts all over a cell",
            });
        }
        Ok(Self { sets, more_than })
    }

    /// ln of the probability of all numbers of children; −∞ far from the parameters of any foil.
    pub(super) fn log_likelihood(&self, p: &NumberParameters) -> f64 {
        let of_sets: f64 = self.sets.iter().map(|set| set.log_likelihood(p)).sum();
        let of_children: f64 = self
            .more_than
            .iter()
            .enumerate()
            .map(|(j, count)| count * ((p.shape + j as f64) / (1.0 + j as f64)).ln())
            .sum();
        of_sets + of_children
    }

    /// The most likely parameters, with the standard errors of the free ones
    /// ([`NumberParameters::from_free`]).
    pub(super) fn fit(&self) -> Result<Maximum<NumberParameters>, CascadeError> {
        let children: f64 = self.sets.iter().map(|set| set.children).sum();
        let families: usize = self.sets.iter().map(|set| set.squares[1].len()).sum();
        let mean = (children / families as f64).clamp(1e-6, 0.5 * Polya::MAXIMUM_MEAN);
        let log_likelihood = |free: &[f64]| self.log_likelihood(&NumberParameters::from_free(free));
        let conditions = 2 * self.sets[0].conditions.len();
        // The search begins at a collection of three quarters everywhere (odds of 3, ln 3 ≈ 1), the mean of
        // the families found, and θ = 0.5 (ln 1.5 ≈ 0.4), half-way between an exponential distribution and a
        // peaked one.
        let mut best = [1.0, 0.0, mean.ln(), 0.4].to_vec();
        let mut steps = [0.5, 1.0, 0.2, 0.2].to_vec();
        best.resize(4 + conditions, 0.0);
        steps.resize(4 + conditions, 0.2);
        let mut value = f64::INFINITY;
        // A simplex can collapse before it is at the minimum, so the search starts anew until that gains
        // nothing; 20 is a limit against an endless loop.
        for _ in 0..20 {
            let (point, found) = minimise(|free| -log_likelihood(free), &best, &steps, 1e-12)
                .ok_or_else(|| no_maximum("the numbers of children"))?;
            let gained = value - found;
            (best, value) = (point, found);
            if gained < 1e-6 {
                let errors = standard_errors(log_likelihood, &best);
                let parameters = NumberParameters::from_free(&best);
                return Ok(Maximum { parameters, errors, log_likelihood: -value });
            }
        }
        Err(no_maximum("the numbers of children"))
    }
}

impl Set {
    /// The part of the log-likelihood that depends on this set alone; −∞ far from the parameters of any foil.
    fn log_likelihood(&self, p: &NumberParameters) -> f64 {
        let [odds, ln_mean] = self
            .conditions
            .iter()
            .zip(&p.by_condition)
            .fold([p.odds, p.mean.ln()], |sum, (value, by)| [0, 1].map(|k| sum[k] + by[k] * value));
        let mean = ln_mean.exp();
        // Limits of the search, at about those of a foil's description: θ from −0.5 to 100, the slope to
        // 1000, and the largest mean. Odds of e³⁰ are 0 or 1 in all digits that matter.
        let allowed = odds.abs() <= 30.0
            && p.odds_slope.abs() <= 1000.0
            && (1e-9..=Polya::MAXIMUM_MEAN).contains(&mean)
            && (0.5..=101.0).contains(&p.shape);
        if !allowed {
            return f64::NEG_INFINITY;
        }
        let [empty, full] = &self.squares;
        let none = -p.shape * (mean / p.shape).ln_1p();
        let odds = |square: &f64| odds + p.odds_slope * square;
        // ln(1 − c + c·P) = ln(1 + exp(odds)·P) − ln(1 + exp(odds)) and ln c = −ln(1 + exp(−odds)).
        let of_empty: f64 = empty.iter().map(odds).map(|odds| softplus(odds + none) - softplus(odds)).sum();
        let of_full: f64 = full.iter().map(odds).map(|odds| none - softplus(-odds)).sum();
        of_empty + of_full - self.children * (p.shape / mean).ln_1p()
    }
}

/// ln(1 + eˣ).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
