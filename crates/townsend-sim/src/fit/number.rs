//! How many children an electron has.

use super::{Responses, no_maximum};
use crate::{Lattice, Polya, SimError};

/// What the likelihood of the numbers depends on.
pub(super) struct Numbers {
    /// (r/p)² of the starts without children, and of those with.
    squares: [Vec<f64>; 2],
    /// At j, how many starts have more than j children: Σ ln(Γ(n + k)/(Γ(k) n!)) is the sum of these times
    /// ln((k + j)/(1 + j)).
    more_than: Vec<f64>,
    /// Number of children.
    children: f64,
}

/// Parameters of the numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberParameters {
    /// ln(c/(1 − c)) on a hole's axis.
    pub(super) odds: f64,
    /// Its change by (r/p)².
    pub(super) odds_slope: f64,
    /// Mean μ of the Polya distribution.
    pub(super) mean: f64,
    /// k = 1 + θ.
    pub(super) shape: f64,
}

impl Numbers {
    pub(super) fn new(responses: &Responses, lattice: Lattice) -> Result<Self, SimError> {
        let pitch = 1000.0 * f64::from(lattice.pitch_mm());
        let mut squares = [Vec::new(), Vec::new()];
        let mut more_than = Vec::new();
        for (start, children) in responses.about_holes(lattice) {
            let square = (start[0] / pitch).powi(2) + (start[1] / pitch).powi(2);
            squares[usize::from(!children.is_empty())].push(square);
            more_than.resize(more_than.len().max(children.len()), 0.0);
            more_than[..children.len()].iter_mut().for_each(|count| *count += 1.0);
        }
        let all = || squares.iter().flatten();
        let (low, high) =
            all().fold((f64::INFINITY, 0.0f64), |(low, high), &square| (low.min(square), high.max(square)));
        if high - low < 1e-6 {
            return Err(SimError::Fit {
                what: "all starts are as far from a hole".into(),
                remedy: "record responses from starts all over a cell",
            });
        }
        Ok(Self { squares, more_than, children: responses.children.len() as f64 })
    }

    /// ln of the probability of all numbers; −∞ beyond what a foil's description allows.
    pub(super) fn log_likelihood(&self, p: &NumberParameters) -> f64 {
        let allowed = p.odds.abs() <= 30.0
            && p.odds_slope.abs() <= 1000.0
            && (1e-9..=Polya::MAXIMUM_MEAN).contains(&p.mean)
            && (0.5..=101.0).contains(&p.shape);
        if !allowed {
            return f64::NEG_INFINITY;
        }
        let [empty, full] = &self.squares;
        let none = -p.shape * (p.mean / p.shape).ln_1p();
        let odds = |square: &f64| p.odds + p.odds_slope * square;
        // ln(1 − c + c·P) = ln(1 + exp(odds)·P) − ln(1 + exp(odds)) and ln c = −ln(1 + exp(−odds)).
        let of_empty: f64 = empty.iter().map(odds).map(|odds| softplus(odds + none) - softplus(odds)).sum();
        let of_full: f64 = full.iter().map(odds).map(|odds| none - softplus(-odds)).sum();
        let of_children: f64 = self
            .more_than
            .iter()
            .enumerate()
            .map(|(j, count)| count * ((p.shape + j as f64) / (1.0 + j as f64)).ln())
            .sum();
        of_empty + of_full + of_children - self.children * (p.shape / p.mean).ln_1p()
    }

    /// The most likely parameters and their log-likelihood.
    pub(super) fn fit(&self) -> Result<(NumberParameters, f64), SimError> {
        let parameters = |p: &[f64; 4]| NumberParameters {
            odds: p[0],
            odds_slope: p[1],
            mean: p[2].exp(),
            shape: p[3].exp(),
        };
        let mean = (self.children / self.squares[1].len() as f64).clamp(1e-6, 0.5 * Polya::MAXIMUM_MEAN);
        let objective = |p: &[f64; 4]| -self.log_likelihood(&parameters(p));
        let mut best = [1.0, 0.0, mean.ln(), 0.4];
        let mut value = f64::INFINITY;
        // A simplex can collapse before the minimum: it starts anew until that gains nothing.
        for _ in 0..20 {
            let (point, found) = minimise(objective, best, [0.5, 1.0, 0.2, 0.2])
                .ok_or_else(|| no_maximum("the numbers of children"))?;
            let gained = value - found;
            (best, value) = (point, found);
            if gained < 1e-6 {
                return Ok((parameters(&best), -value));
            }
        }
        Err(no_maximum("the numbers of children"))
    }
}

/// ln(1 + eˣ).
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The minimum of `f` by the simplex of Nelder and Mead, from `start` and points at `steps` from it; `None` if there is no
/// end. A value that is no number counts as infinite.
fn minimise<const N: usize>(
    f: impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
    steps: [f64; N],
) -> Option<([f64; N], f64)> {
    let vertex = |point: [f64; N]| {
        let value = f(&point);
        (point, if value.is_nan() { f64::INFINITY } else { value })
    };
    let mut simplex = vec![vertex(start)];
    simplex.extend((0..N).map(|k| {
        let mut point = start;
        point[k] += steps[k];
        vertex(point)
    }));
    for _ in 0..5000 {
        simplex.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (best, second, worst) = (simplex[0], simplex[N - 1], simplex[N]);
        if worst.1 - best.1 <= 1e-12 * (1.0 + best.1.abs()) {
            return Some(best);
        }
        let centre: [f64; N] =
            std::array::from_fn(|k| simplex[..N].iter().map(|(p, _)| p[k]).sum::<f64>() / N as f64);
        // On the line from the worst point through the centre of the others, which is at 0.
        let along = |step: f64| vertex(std::array::from_fn(|k| centre[k] + step * (centre[k] - worst.0[k])));
        let reflected = along(1.0);
        let new = if reflected.1 < best.1 {
            let expanded = along(2.0);
            if expanded.1 < reflected.1 { expanded } else { reflected }
        } else if reflected.1 < second.1 {
            reflected
        } else {
            along(if reflected.1 < worst.1 { 0.5 } else { -0.5 })
        };
        if new.1 < worst.1.min(reflected.1) || new == reflected && reflected.1 < second.1 {
            simplex[N] = new;
        } else {
            for (point, value) in &mut simplex[1..] {
                (*point, *value) = vertex(std::array::from_fn(|k| 0.5 * (point[k] + best.0[k])));
            }
        }
    }
    None
}
