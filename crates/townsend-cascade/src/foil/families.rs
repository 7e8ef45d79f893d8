//! Where and when the children of an electron arrive.

use std::rc::Rc;

use nalgebra::{DMatrix, DVector};

use townsend_sim::Lattice;

use super::responses::Scaled;
use super::standard_errors::standard_errors;
use super::{Maximum, no_maximum};
use crate::CascadeError;

/// One value for each of the holes that [`Lattice::neighbours`] gives.
type PerHole<T> = [T; 19];

/// The families: all responses with children, in µm and ns, relative to the hole nearest to the start.
pub(super) struct Families {
    all: Vec<Family>,
    /// Axes of the 19 holes about the nearest one.
    holes: PerHole<[f64; 2]>,
    /// Pitch of the lattice, µm.
    pitch: f64,
    /// Pooled variances of the children about the mean of their family: of places along one direction, µm²,
    /// and of times, ns².
    own: f64,
    own_time: f64,
    /// Children beyond the first of each family, in all: the degrees of freedom of these variances.
    free: f64,
}

/// A response with children.
struct Family {
    start: [f64; 2],
    /// Number of children.
    len: f64,
    /// Mean place and time of the children.
    place: [f64; 2],
    time: f64,
    conditions: Rc<[f64]>,
}

/// A family and a hole that its children may have come through.
struct HoleHypothesis<'a> {
    family: &'a Family,
    /// The start and the mean place of the children, relative to the hole's axis, µm.
    start: [f64; 2],
    place: [f64; 2],
    /// Square of the start's distance from the axis, in pitches.
    square: f64,
}

/// Parameters of the distribution of the families' mean places and times, which are in the letters of
/// [`super::fit_foil`] s (µm), retention, σ² (µm²), transit (ns), slope (ns) and τ² (ns²).
#[derive(Debug, Clone)]
pub(super) struct FamilyParameters {
    pub(super) hole_spread: f64,
    pub(super) offset_retention: f64,
    pub(super) common: f64,
    pub(super) transit: f64,
    pub(super) transit_slope: f64,
    pub(super) common_time: f64,
    /// For each condition the change of `transit` over its recorded range, ns.
    pub(super) by_condition: Vec<f64>,
}

impl FamilyParameters {
    /// The free parameters of the search, each of which may be any number: ln s, retention, ln σ², transit,
    /// slope, ln τ², and one for each condition.
    fn free(&self) -> Vec<f64> {
        let six = [
            self.hole_spread.ln(),
            self.offset_retention,
            self.common.ln(),
            self.transit,
            self.transit_slope,
            self.common_time.ln(),
        ];
        [&six, &self.by_condition[..]].concat()
    }

    fn from_free(free: &[f64]) -> Self {
        Self {
            hole_spread: free[0].exp(),
            offset_retention: free[1],
            common: free[2].exp(),
            transit: free[3],
            transit_slope: free[4],
            common_time: free[5].exp(),
            by_condition: free[6..].to_vec(),
        }
    }

    /// Mean time of arrival through this hole.
    fn time(&self, hypothesis: &HoleHypothesis<'_>) -> f64 {
        let by_condition =
            hypothesis.family.conditions.iter().zip(&self.by_condition).map(|(value, by)| value * by);
        self.transit + self.transit_slope * hypothesis.square + by_condition.sum::<f64>()
    }
}

/// Adds up arrays.
fn total<const N: usize>(terms: impl Iterator<Item = [f64; N]>) -> [f64; N] {
    terms.fold([0.0; N], |sum, term| std::array::from_fn(|k| sum[k] + term[k]))
}

fn dot(a: [f64; 2], b: [f64; 2]) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

impl Families {
    /// Fewest families, and fewest children beyond the first of each family, that a fit takes. Chosen, not
    /// fitted: fewer hardly determine six parameters.
    const FEWEST: usize = 20;
    /// Variances are at least this: children that all come to one point would have an infinite likelihood.
    const SMALLEST: f64 = 1e-9;

    pub(super) fn new(recorded: &[Scaled<'_>], lattice: Lattice) -> Result<Self, CascadeError> {
        let mut families = Vec::new();
        let (mut squares, mut time_squares, mut free) = (0.0, 0.0, 0.0);
        let responses = recorded.iter().flat_map(|Scaled { responses, conditions }| {
            let conditions: Rc<[f64]> = conditions.as_slice().into();
            responses.about_holes(lattice).map(move |(start, children)| (start, children, conditions.clone()))
        });
        for (start, children, conditions) in responses.filter(|(_, children, _)| !children.is_empty()) {
            let len = children.len() as f64;
            let [x, z, time] = total(children.iter().copied()).map(|sum| sum / len);
            let [square, time_square] = total(
                children.iter().map(|c| [(c[0] - x).powi(2) + (c[1] - z).powi(2), (c[2] - time).powi(2)]),
            );
            squares += square;
            time_squares += time_square;
            free += len - 1.0;
            families.push(Family { start, len, place: [x, z], time, conditions });
        }
        if families.len() < Self::FEWEST || free < Self::FEWEST as f64 {
            return Err(CascadeError::Foil {
                what: format!(
                    "{} of {} starts have children, {} in all",
                    families.len(),
                    recorded.iter().map(|set| set.responses.starts.len()).sum::<usize>(),
                    recorded.iter().map(|set| set.responses.children.len()).sum::<usize>()
                ),
                remedy: "record more responses: at least 20 with children, most with more than one",
            });
        }
        let holes = lattice.neighbours().map(|(x, z)| [1000.0 * f64::from(x), 1000.0 * f64::from(z)]);
        let pitch = 1000.0 * f64::from(lattice.pitch_mm());
        let own = (squares / (2.0 * free)).max(Self::SMALLEST);
        let own_time = (time_squares / free).max(Self::SMALLEST);
        Ok(Self { all: families, holes, pitch, own, own_time, free })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Children beyond the first of each family, in all: the degrees of freedom of the spreads within
    /// families.
    pub(super) fn free(&self) -> f64 {
        self.free
    }

    /// Variance of a child's place about the mean of its family, along one direction, µm².
    pub(super) fn own(&self) -> f64 {
        self.own
    }

    /// Variance of a child's time about the mean of its family, ns².
    pub(super) fn own_time(&self) -> f64 {
        self.own_time
    }

    /// Where the search begins: near what foils with holes of 70 µm and a pitch of 140 µm gave. The EM
    /// algorithm climbs from anywhere (a test starts far off), so this only saves steps.
    pub(super) fn first_guess(&self) -> FamilyParameters {
        let [time] = total(self.all.iter().map(|family| [family.time]));
        FamilyParameters {
            hole_spread: 0.4 * self.pitch,
            offset_retention: 0.1,
            common: 0.2 * self.own,
            transit: time / self.all.len() as f64,
            transit_slope: 0.0,
            common_time: self.own_time,
            by_condition: vec![0.0; self.all[0].conditions.len()],
        }
    }

    /// The most likely parameters; the errors are those of [`FamilyParameters::free`].
    pub(super) fn fit(&self) -> Result<Maximum<FamilyParameters>, CascadeError> {
        let mut parameters = self.first_guess();
        let mut before = f64::NEG_INFINITY;
        for _ in 0..3_000 {
            let (next, log_likelihood) = self.step(&parameters)?;
            if log_likelihood - before <= 1e-10 * (1.0 + log_likelihood.abs()) {
                let of_free = |free: &[f64]| self.expect(&FamilyParameters::from_free(free)).1;
                let errors = standard_errors(of_free, &parameters.free());
                return Ok(Maximum { parameters, errors, log_likelihood });
            }
            (parameters, before) = (next, log_likelihood);
        }
        Err(no_maximum("the places and times of children"))
    }

    /// One step of EM: better parameters, and the log-likelihood of the given ones.
    pub(super) fn step(&self, p: &FamilyParameters) -> Result<(FamilyParameters, f64), CascadeError> {
        let (weights, log_likelihood) = self.expect(p);
        let (offset_retention, common) = self.places(&weights, p.common);
        let hole_spread = self.hole_spread(&weights, p.hole_spread);
        let next = FamilyParameters { hole_spread, offset_retention, common, ..p.clone() };
        // If all starts lie on the axis of the hole that their children come through, neither retention nor
        // slope is determined.
        match self.times(&weights, next) {
            Some(next) if next.free().iter().all(|value| value.is_finite()) => Ok((next, log_likelihood)),
            _ => Err(no_maximum("the places and times of children")),
        }
    }

    fn hypotheses<'a>(&'a self, family: &'a Family) -> PerHole<HoleHypothesis<'a>> {
        self.holes.map(|hole| {
            let from_axis = |point: [f64; 2]| [point[0] - hole[0], point[1] - hole[1]];
            let start = from_axis(family.start);
            let square = dot(start, start) / self.pitch.powi(2);
            HoleHypothesis { family, start, place: from_axis(family.place), square }
        })
    }

    /// The E step: for each family the probabilities of the holes that its children came through, and the
    /// log-likelihood.
    fn expect(&self, p: &FamilyParameters) -> (Vec<PerHole<f64>>, f64) {
        let inverse = self.inverse(p.hole_spread);
        let mut log_likelihood = 0.0;
        let weights = self.all.iter().map(|family| {
            let hypotheses = self.hypotheses(family);
            let mut logs = hypotheses.each_ref().map(|hypothesis| -inverse * hypothesis.square);
            let (_, norm) = softmax(logs);
            for (log, hypothesis) in logs.iter_mut().zip(&hypotheses) {
                let e = [0, 1].map(|k| hypothesis.place[k] - p.offset_retention * hypothesis.start[k]);
                let e_time = family.time - p.time(hypothesis);
                let (v, v_time) =
                    (p.common + self.own / family.len, p.common_time + self.own_time / family.len);
                *log -= norm + 0.5 * (dot(e, e) / v + e_time * e_time / v_time) + v.ln() + 0.5 * v_time.ln();
            }
            let (weights, log) = softmax(logs);
            log_likelihood += log;
            weights
        });
        (weights.collect(), log_likelihood)
    }

    /// Σ over families and holes of a term, weighted with the hole's probability.
    fn sum<const N: usize>(
        &self,
        weights: &[PerHole<f64>],
        term: impl Fn(&HoleHypothesis<'_>) -> [f64; N],
    ) -> [f64; N] {
        total(self.all.iter().zip(weights).map(|(family, weights)| {
            let hypotheses = self.hypotheses(family);
            total(
                hypotheses
                    .iter()
                    .zip(weights)
                    .map(|(hypothesis, weight)| term(hypothesis).map(|term| weight * term)),
            )
        }))
    }

    /// The M step for places: the retention by weighted least squares, and σ² as the mean square of the place
    /// that the children of a family have in common, given the responses and the previous σ², `common`.
    fn places(&self, weights: &[PerHole<f64>], common: f64) -> (f64, f64) {
        let variance = |hypothesis: &HoleHypothesis<'_>| common + self.own / hypothesis.family.len;
        let [products, squares] = self.sum(weights, |hypothesis| {
            let v = variance(hypothesis);
            [dot(hypothesis.place, hypothesis.start) / v, dot(hypothesis.start, hypothesis.start) / v]
        });
        let offset_retention = products / squares;
        let [square] = self.sum(weights, |hypothesis| {
            let e = [0, 1].map(|k| hypothesis.place[k] - offset_retention * hypothesis.start[k]);
            let share = common / variance(hypothesis);
            [0.5 * dot(e, e) * share.powi(2) + share * self.own / hypothesis.family.len]
        });
        (offset_retention, (square / self.len() as f64).max(Self::SMALLEST))
    }

    /// The M step for times, in the same way: transit, slope, changes with conditions, and τ². None if the
    /// families do not determine them.
    fn times(&self, weights: &[PerHole<f64>], mut p: FamilyParameters) -> Option<FamilyParameters> {
        let variance =
            |hypothesis: &HoleHypothesis<'_>| p.common_time + self.own_time / hypothesis.family.len;
        let unknown = 2 + p.by_condition.len();
        let (mut normal, mut moments) = (DMatrix::zeros(unknown, unknown), DVector::zeros(unknown));
        let mut row = DVector::from_element(unknown, 1.0);
        for (family, weights) in self.all.iter().zip(weights) {
            row.as_mut_slice()[2..].copy_from_slice(&family.conditions);
            for (hypothesis, weight) in self.hypotheses(family).iter().zip(weights) {
                row[1] = hypothesis.square;
                let weight = weight / variance(hypothesis);
                normal.syger(weight, &row, &row, 1.0);
                moments.axpy(weight * family.time, &row, 1.0);
            }
        }
        let solved = normal.cholesky()?.solve(&moments);
        let common = p.common_time;
        (p.transit, p.transit_slope) = (solved[0], solved[1]);
        p.by_condition = solved.iter().skip(2).copied().collect();
        let [square] = self.sum(weights, |hypothesis| {
            let e = hypothesis.family.time - p.time(hypothesis);
            let share = common / (common + self.own_time / hypothesis.family.len);
            [e * e * share.powi(2) + share * self.own_time / hypothesis.family.len]
        });
        p.common_time = (square / self.len() as f64).max(Self::SMALLEST);
        Some(p)
    }

    /// β = p²/2s².
    fn inverse(&self, hole_spread: f64) -> f64 {
        0.5 * (self.pitch / hole_spread).powi(2)
    }

    /// The spread s of the choice of holes. Σ ln πₕ is concave in β = p²/2s², and its derivative is the mean
    /// square distance by π less that of the holes chosen. Its zero is found by Newton's steps; where one
    /// would leave the interval that holds the zero, the interval is halved instead.
    fn hole_spread(&self, weights: &[PerHole<f64>], before: f64) -> f64 {
        let [chosen] = self.sum(weights, |hypothesis| [hypothesis.square]);
        // From a spread of 20 pitches, with which all holes are about equally likely, to one of a twentieth,
        // with which it is always the nearest.
        let (mut low, mut high) = (1.0 / 800.0, 200.0);
        let mut beta = self.inverse(before).clamp(low, high);
        for _ in 0..60 {
            let [mean, variance] = total(self.all.iter().map(|family| {
                let squares = self.hypotheses(family).map(|hypothesis| hypothesis.square);
                let (weights, _) = softmax(squares.map(|square| -beta * square));
                let [one, two] =
                    total(squares.iter().zip(weights).map(|(&u, weight)| [weight * u, weight * u * u]));
                [one, two - one * one]
            }));
            *(if mean > chosen { &mut low } else { &mut high }) = beta;
            let newton = beta + (mean - chosen) / variance;
            let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
            let change = (next - beta).abs();
            beta = next;
            if change < 1e-12 * beta {
                break;
            }
        }
        self.pitch / (2.0 * beta).sqrt()
    }
}

/// The exponential of each value divided by the sum of all of them, and the logarithm of that sum.
fn softmax(logs: PerHole<f64>) -> (PerHole<f64>, f64) {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = logs.map(|log| (log - largest).exp());
    let sum: f64 = weights.iter().sum();
    (weights.map(|weight| weight / sum), largest + sum.ln())
}
