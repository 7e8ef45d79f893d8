//! Where and when the children of an electron arrive.

mod times;

use std::rc::Rc;

use nalgebra::{DMatrix, DVector};

use townsend_sim::{Direction, Lattice};

use super::late::{Delayed, Delays};
use super::responses::Scaled;
use super::standard_errors::standard_errors;
use super::{Maximum, no_maximum};
use crate::CascadeError;
pub(super) use times::TimeShape;

/// One value for each of the holes that [`Lattice::neighbours`] gives.
type PerHole<T> = [T; 19];

/// The families: all responses with children, in µm and ns, relative to a hole near the start: without a
/// magnetic field to the nearest one. Places have two components: along E × B and along B in a magnetic
/// field, along x and z without one.
pub(super) struct Families {
    all: Vec<Family>,
    /// Axes of the 19 holes about that one.
    holes: PerHole<[f64; 2]>,
    /// Pitch of the lattice, µm.
    pitch: f64,
    own: Own,
    /// Times of the children about the mean of their family, ns, scaled to the variance of a child.
    own_times: Vec<f64>,
    /// The shift along E × B, µm, that the search begins with; none without a magnetic field, where no shift
    /// is searched for.
    shift: Option<f64>,
    /// Children beyond the first of each family, in all: the degrees of freedom of these variances.
    free: f64,
    /// Third cumulant of a child's own time, ns³, and Σ((n − 1)(n − 2)/n) over families, which it is known
    /// from.
    own_third: f64,
    triples: f64,
}

/// Pooled variances of the children about the mean of their family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    /// Of the two components of places, µm²; without a magnetic field they are the same.
    pub(super) place: [f64; 2],
    /// Of times, ns².
    pub(super) time: f64,
    /// Covariance of the first component of places with times, µm ns; 0 without a magnetic field.
    pub(super) mixed: f64,
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

/// What a response says of a hole: the probability that its children came through it, and of their delay if
/// they did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posterior {
    weight: f64,
    delayed: Delayed,
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
    /// Delays of a part of the families, if their times are skewed.
    pub(super) late: Option<Delays>,
    /// What a magnetic field adds, if there is one.
    pub(super) shifts: Option<Shifts>,
    /// For each condition the change of `transit` over its recorded range, ns.
    pub(super) by_condition: Vec<f64>,
}

/// What a magnetic field adds to [`FamilyParameters`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Shifts {
    /// Shift before the hole, µm.
    pub(super) entry: f64,
    /// Shift of the children from the axis, µm.
    pub(super) exit: f64,
    /// Increase of the time for each pitch along E × B, ns.
    pub(super) tilt: f64,
}

impl FamilyParameters {
    /// The free parameters of the search, each of which may be any number: ln s, retention, ln σ², transit,
    /// slope, ln τ², in a magnetic field entry, exit and tilt, one for each condition, and of delays ln(f/(1
    /// − f)) of the part f that is late and ln of the mean delay.
    fn free(&self) -> Vec<f64> {
        let six = [
            self.hole_spread.ln(),
            self.offset_retention,
            self.common.ln(),
            self.transit,
            self.transit_slope,
            self.common_time.ln(),
        ];
        let shifts = self.shifts.map(|shifts| [shifts.entry, shifts.exit, shifts.tilt]);
        let late = self.late.map(|late| [(late.fraction / (1.0 - late.fraction)).ln(), late.delay.ln()]);
        [&six, shifts.as_slice().as_flattened(), &self.by_condition[..], late.as_slice().as_flattened()]
            .concat()
    }

    /// Number of the first free parameter of a condition.
    pub(super) fn conditions_from(&self) -> usize {
        if self.shifts.is_some() { 9 } else { 6 }
    }

    /// Number of the first free parameter of delays.
    pub(super) fn late_from(&self) -> usize {
        self.conditions_from() + self.by_condition.len()
    }

    /// The parameters with these free ones, with as many of each kind as these have.
    fn with_free(&self, free: &[f64]) -> Self {
        Self {
            hole_spread: free[0].exp(),
            offset_retention: free[1],
            common: free[2].exp(),
            transit: free[3],
            transit_slope: free[4],
            common_time: free[5].exp(),
            shifts: self.shifts.map(|_| Shifts { entry: free[6], exit: free[7], tilt: free[8] }),
            by_condition: free[self.conditions_from()..self.late_from()].to_vec(),
            late: self.late.map(|_| {
                let [odds, delay] = [0, 1].map(|k| free[self.late_from() + k]);
                Delays { fraction: 1.0 / (1.0 + (-odds).exp()), delay: delay.exp() }
            }),
        }
    }

    fn entry(&self) -> f64 {
        self.shifts.map_or(0.0, |shifts| shifts.entry)
    }

    /// Differences of a family's mean place and time from what is expected through this hole.
    fn residuals(&self, hypothesis: &HoleHypothesis<'_>, pitch: f64) -> [f64; 3] {
        let Shifts { exit, tilt, .. } = self.shifts.unwrap_or(Shifts { entry: 0.0, exit: 0.0, tilt: 0.0 });
        let HoleHypothesis { family, start, place, square } = hypothesis;
        let by_condition = family.conditions.iter().zip(&self.by_condition).map(|(value, by)| value * by);
        let time =
            self.transit + self.transit_slope * square + tilt * start[0] / pitch + by_condition.sum::<f64>();
        [
            place[0] - exit - self.offset_retention * start[0],
            place[1] - self.offset_retention * start[1],
            family.time - time,
        ]
    }

    /// The covariance of a family of n children about what is expected of it.
    fn spread(&self, own: &Own, n: f64) -> Spread {
        let place = own.place.map(|own| self.common + own / n);
        Spread::new(place, self.common_time + own.time / n, own.mixed / n)
    }
}

/// The covariance of a family's mean place and time, inverted: of the two components of the place only the
/// first is correlated with the time.
struct Spread {
    /// Elements of the inverse: of the first component, of the second, of the time, and of the first with the
    /// time.
    inverse: [f64; 4],
    /// ln of the determinant.
    log_determinant: f64,
}

impl Spread {
    fn new([x, z]: [f64; 2], time: f64, mixed: f64) -> Self {
        let determinant = x * time - mixed * mixed;
        Self {
            inverse: [time / determinant, 1.0 / z, x / determinant, -mixed / determinant],
            log_determinant: z.ln() + determinant.ln(),
        }
    }

    /// What the residuals, given as the inverse times them, say of the delay of the time.
    fn delayed(&self, late: Option<Delays>, times: [f64; 3]) -> Delayed {
        late.map_or(Delayed::NEVER, |late| late.told(times[2], self.inverse[2]))
    }

    /// The inverse times a vector.
    fn times(&self, [x, z, time]: [f64; 3]) -> [f64; 3] {
        let [xx, zz, tt, xt] = self.inverse;
        [xx * x + xt * time, zz * z, xt * x + tt * time]
    }
}

/// Adds up arrays.
fn total<const N: usize>(terms: impl Iterator<Item = [f64; N]>) -> [f64; N] {
    terms.fold([0.0; N], |sum, term| std::array::from_fn(|k| sum[k] + term[k]))
}

fn dot<const N: usize>(a: [f64; N], b: [f64; N]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Families {
    /// Fewest families, and fewest children beyond the first of each family, that a fit takes. Chosen, not
    /// fitted: fewer hardly determine six parameters.
    const FEWEST: usize = 20;
    /// Variances are at least this: children that all come to one point would have an infinite likelihood.
    const SMALLEST: f64 = 1e-9;

    /// The families of these responses. In a magnetic field `magnetic` is the direction of E × B.
    pub(super) fn new(
        recorded: &[Scaled<'_>],
        lattice: Lattice,
        magnetic: Option<Direction>,
    ) -> Result<Self, CascadeError> {
        // The 19 holes have to be those about where electrons go, which may be some pitches from where they
        // start.
        let direction = magnetic.unwrap_or_default();
        let turned = |place: [f64; 2]| direction.along_and_across(place);
        let mean = |set: &Scaled<'_>| turned(set.responses.mean_shift()[0])[0] / recorded.len() as f64;
        let shift = magnetic.map(|_| recorded.iter().map(mean).sum::<f64>());
        let by = direction.vector().map(|part| shift.unwrap_or(0.0) * part);
        let mut families = Vec::new();
        let mut free = 0.0;
        // Σ of the squares of differences from the mean, of the two components and of times, and of the
        // products of the first with times; and of the cubes of differences in time.
        let mut sums = [0.0; 5];
        let mut triples = 0.0;
        let mut own_times = Vec::new();
        let responses = recorded.iter().flat_map(|Scaled { responses, conditions }| {
            let conditions: Rc<[f64]> = conditions.as_slice().into();
            responses
                .about_holes(lattice, by)
                .map(move |(start, children)| (start, children, conditions.clone()))
        });
        for (start, mut children, conditions) in responses.filter(|(_, children, _)| !children.is_empty()) {
            let len = children.len() as f64;
            for [x, z, _] in &mut children {
                [*x, *z] = turned([*x, *z]);
            }
            let [x, z, time] = total(children.iter().copied()).map(|sum| sum / len);
            let own = total(children.iter().map(|c| {
                let [x, z, time] = [c[0] - x, c[1] - z, c[2] - time];
                [x * x, z * z, time * time, x * time, time.powi(3)]
            }));
            sums = total([sums, own].into_iter());
            if len > 1.0 {
                let scale = (len / (len - 1.0)).sqrt();
                own_times.extend(children.iter().map(|child| scale * (child[2] - time)));
            }
            free += len - 1.0;
            triples += (len - 1.0) * (len - 2.0) / len;
            families.push(Family { start: turned(start), len, place: [x, z], time, conditions });
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
        let holes = lattice.neighbours().map(|(x, z)| turned([x, z].map(|mm| 1000.0 * f64::from(mm))));
        let pitch = 1000.0 * f64::from(lattice.pitch_mm());
        let [x, z, time, mixed, cubes] = sums;
        let own = Own {
            place: if magnetic.is_some() { [x, z] } else { [0.5 * (x + z); 2] }
                .map(|sum| (sum / free).max(Self::SMALLEST)),
            time: (time / free).max(Self::SMALLEST),
            mixed: if magnetic.is_some() { mixed / free } else { 0.0 },
        };
        // Families of two children tell nothing of a third moment.
        let own_third = if triples > 0.0 { cubes / triples } else { 0.0 };
        Ok(Self { all: families, holes, pitch, own, own_times, shift, free, own_third, triples })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Children beyond the first of each family, in all: the degrees of freedom of the spreads within
    /// families.
    pub(super) fn free(&self) -> f64 {
        self.free
    }

    /// Variances of the children about the mean of their family.
    pub(super) fn own(&self) -> Own {
        self.own
    }

    /// Where the search begins: near what foils with holes of 70 µm and a pitch of 140 µm gave. The EM
    /// algorithm climbs from anywhere (a test starts far off), so this only saves steps.
    pub(super) fn first_guess(&self) -> FamilyParameters {
        let [time] = total(self.all.iter().map(|family| [family.time]));
        FamilyParameters {
            hole_spread: 0.4 * self.pitch,
            offset_retention: 0.1,
            common: 0.1 * (self.own.place[0] + self.own.place[1]),
            transit: time / self.all.len() as f64,
            transit_slope: 0.0,
            common_time: self.own.time,
            late: None,
            shifts: self.shift.map(|entry| Shifts { entry, exit: 0.0, tilt: 0.0 }),
            by_condition: vec![0.0; self.all[0].conditions.len()],
        }
    }

    /// The most likely parameters; the errors are those of [`FamilyParameters::free`].
    ///
    /// Delays are searched for where times are very skewed.
    pub(super) fn fit(&self) -> Result<Maximum<FamilyParameters>, CascadeError> {
        let without = self.climb(self.first_guess())?;
        if !self.are_delayed(&without.parameters) {
            return Ok(without);
        }
        let mut guess = without.parameters;
        guess.late = Some(Delays::guess(guess.common_time));
        self.climb(guess)
    }

    /// Climbs by EM to the maximum of the likelihood.
    fn climb(&self, mut parameters: FamilyParameters) -> Result<Maximum<FamilyParameters>, CascadeError> {
        let mut before = f64::NEG_INFINITY;
        for _ in 0..20_000 {
            let (next, log_likelihood) = self.step(&parameters)?;
            if log_likelihood - before <= 1e-10 * (1.0 + log_likelihood.abs()) {
                let of_free = |free: &[f64]| self.expect(&parameters.with_free(free)).1;
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
        // If all starts lie on the axis of the hole that their children come through, neither retention nor
        // slope is determined.
        let next = self.means(&weights, p).map(|p| self.variances(&weights, p));
        match next.map(|p| self.choice(&weights, p)) {
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
    fn expect(&self, p: &FamilyParameters) -> (Vec<PerHole<Posterior>>, f64) {
        let inverse = self.inverse(p.hole_spread);
        let mut log_likelihood = 0.0;
        let weights = self.all.iter().map(|family| {
            let hypotheses = self.hypotheses(family);
            let mut logs = hypotheses
                .each_ref()
                .map(|hypothesis| -inverse * hypothesis.square_from(p.entry(), self.pitch));
            let (_, norm) = softmax(logs);
            let spread = p.spread(&self.own, family.len);
            let mut delayed = [Delayed::NEVER; 19];
            for ((log, hypothesis), delayed) in logs.iter_mut().zip(&hypotheses).zip(&mut delayed) {
                let e = p.residuals(hypothesis, self.pitch);
                let times = spread.times(e);
                *delayed = spread.delayed(p.late, times);
                *log -= norm + 0.5 * (dot(e, times) + spread.log_determinant) - delayed.log_factor;
            }
            let (weights, log) = softmax(logs);
            log_likelihood += log;
            std::array::from_fn(|k| Posterior { weight: weights[k], delayed: delayed[k] })
        });
        (weights.collect(), log_likelihood)
    }

    /// The mean difference of families' places from what is expected of them, weighted with the probabilities
    /// of the holes, and its standard errors, µm.
    pub(super) fn unexplained(&self, p: &FamilyParameters) -> [[f64; 2]; 2] {
        let (weights, _) = self.expect(p);
        let n = self.len() as f64;
        let [x, z, square_x, square_z] = self.sum(&weights, |hypothesis, _| {
            let [x, z, _] = p.residuals(hypothesis, self.pitch);
            [x, z, x * x, z * z]
        });
        [[x / n, z / n], [square_x.sqrt() / n, square_z.sqrt() / n]]
    }

    /// Σ over families and holes of a term, weighted with the hole's probability.
    fn sum<const N: usize>(
        &self,
        weights: &[PerHole<Posterior>],
        term: impl Fn(&HoleHypothesis<'_>, &Delayed) -> [f64; N],
    ) -> [f64; N] {
        total(self.all.iter().zip(weights).map(|(family, weights)| {
            let hypotheses = self.hypotheses(family);
            total(hypotheses.iter().zip(weights).map(|(hypothesis, Posterior { weight, delayed })| {
                term(hypothesis, delayed).map(|term| weight * term)
            }))
        }))
    }

    /// The M step for the means: retention, transit, slope, changes with conditions, exit and tilt by
    /// generalised least squares. None if the families do not determine them.
    fn means(&self, weights: &[PerHole<Posterior>], p: &FamilyParameters) -> Option<FamilyParameters> {
        let conditions = p.by_condition.len();
        let unknown = 3 + conditions + if p.shifts.is_some() { 2 } else { 0 };
        let (mut normal, mut moments) = (DMatrix::zeros(unknown, unknown), DVector::zeros(unknown));
        // The derivatives of the mean place's components and of the mean time by the unknowns.
        let mut rows = [0, 1, 2].map(|_| DVector::zeros(unknown));
        rows[2][1] = 1.0;
        for (family, weights) in self.all.iter().zip(weights) {
            rows[2].as_mut_slice()[3..3 + conditions].copy_from_slice(&family.conditions);
            let spread = p.spread(&self.own, family.len);
            let [xx, zz, tt, xt] = spread.inverse;
            for (hypothesis, &Posterior { weight, delayed }) in self.hypotheses(family).iter().zip(weights) {
                let HoleHypothesis { start, place, square, .. } = hypothesis;
                (rows[0][0], rows[1][0], rows[2][2]) = (start[0], start[1], *square);
                if p.shifts.is_some() {
                    rows[0][unknown - 2] = 1.0;
                    rows[2][unknown - 1] = start[0] / self.pitch;
                }
                let [x, z, time] = &rows;
                for (element, a, b) in [(xx, x, x), (zz, z, z), (tt, time, time)] {
                    normal.syger(weight * element, a, b, 1.0);
                }
                if xt != 0.0 {
                    normal.syger(weight * xt, x, time, 1.0);
                    normal.syger(weight * xt, time, x, 1.0);
                }
                let weighted = spread.times([place[0], place[1], family.time - delayed.moments[0]]);
                for (row, value) in rows.iter().zip(weighted) {
                    moments.axpy(weight * value, row, 1.0);
                }
            }
        }
        let solved = normal.cholesky()?.solve(&moments);
        let shifts =
            p.shifts.map(|shifts| Shifts { exit: solved[unknown - 2], tilt: solved[unknown - 1], ..shifts });
        Some(FamilyParameters {
            offset_retention: solved[0],
            transit: solved[1],
            transit_slope: solved[2],
            by_condition: solved.as_slice()[3..3 + conditions].to_vec(),
            shifts,
            ..p.clone()
        })
    }

    /// The M step for σ² and τ²: the mean squares of the place and the time that the children of a family
    /// have in common, given the responses and the previous σ² and τ²; and for delays.
    fn variances(&self, weights: &[PerHole<Posterior>], p: FamilyParameters) -> FamilyParameters {
        let (common, common_time) = (p.common, p.common_time);
        let [square, time_square, late, delay] = self.sum(weights, |hypothesis, delayed| {
            let spread = p.spread(&self.own, hypothesis.family.len);
            let [x, z, time] = spread.times(p.residuals(hypothesis, self.pitch));
            let [xx, zz, tt, xt] = spread.inverse;
            let left = |variance: f64, inverse: f64| variance * (1.0 - variance * inverse);
            // The mean square of `value` less `by` times the delay.
            let [one, two] = delayed.moments;
            let square = |value: f64, by: f64| value * value - 2.0 * value * by * one + by * by * two;
            [
                0.5 * (common.powi(2) * (square(x, xt) + z * z) + left(common, xx) + left(common, zz)),
                common_time.powi(2) * square(time, tt) + left(common_time, tt),
                delayed.probability,
                one,
            ]
        });
        let n = self.len() as f64;
        FamilyParameters {
            common: (square / n).max(Self::SMALLEST),
            common_time: (time_square / n).max(Self::SMALLEST),
            late: p.late.map(|_| Delays::of_sums(late, delay, n)),
            ..p
        }
    }

    /// β = p²/2s².
    fn inverse(&self, hole_spread: f64) -> f64 {
        0.5 * (self.pitch / hole_spread).powi(2)
    }

    /// The M step for the choice of holes: its spread s, and in a magnetic field the shift before it, one
    /// after the other. Σ ln πₕ is concave in β = p²/2s², and its derivative is the mean square distance by π
    /// less that of the holes chosen; it is concave in the shift too, where the distance along E × B takes
    /// the place of its square.
    fn choice(&self, weights: &[PerHole<Posterior>], mut p: FamilyParameters) -> FamilyParameters {
        let entry = p.entry();
        let [chosen] = self.sum(weights, |hypothesis, _| [hypothesis.square_from(entry, self.pitch)]);
        // From a spread of 20 pitches, with which all holes are about equally likely, to one of a twentieth,
        // with which it is always the nearest.
        let limits = [1.0 / 800.0, 200.0];
        let beta = crossing(limits, self.inverse(p.hole_spread), chosen, |beta| {
            total(self.all.iter().map(|family| {
                let squares =
                    self.hypotheses(family).map(|hypothesis| hypothesis.square_from(entry, self.pitch));
                let (weights, _) = softmax(squares.map(|square| -beta * square));
                mean_and_variance(squares, weights)
            }))
        });
        p.hole_spread = self.pitch / (2.0 * beta).sqrt();
        if let (Some(shifts), Some(guess)) = (&mut p.shifts, self.shift) {
            let [chosen] = self.sum(weights, |hypothesis, _| [hypothesis.start[0] / self.pitch]);
            let slope = 2.0 * beta / self.pitch;
            // Within a pitch of the guess the holes that matter are among the 19.
            let limits = [guess - self.pitch, guess + self.pitch];
            shifts.entry = crossing(limits, shifts.entry, chosen, |entry| {
                let [mean, variance] = total(self.all.iter().map(|family| {
                    let hypotheses = self.hypotheses(family);
                    let squares =
                        hypotheses.each_ref().map(|hypothesis| hypothesis.square_from(entry, self.pitch));
                    let (weights, _) = softmax(squares.map(|square| -beta * square));
                    mean_and_variance(hypotheses.map(|hypothesis| hypothesis.start[0] / self.pitch), weights)
                }));
                [mean, slope * variance]
            });
        }
        p
    }
}

impl HoleHypothesis<'_> {
    /// Square of the start's distance from the axis, in pitches, if it is shifted by `entry` before.
    fn square_from(&self, entry: f64, pitch: f64) -> f64 {
        if entry == 0.0 {
            return self.square;
        }
        ((self.start[0] + entry).powi(2) + self.start[1].powi(2)) / pitch.powi(2)
    }
}

/// Mean and variance of values with these probabilities.
fn mean_and_variance(values: PerHole<f64>, weights: PerHole<f64>) -> [f64; 2] {
    let [one, two] =
        total(values.iter().zip(weights).map(|(&value, weight)| [weight * value, weight * value * value]));
    [one, two - one * one]
}

/// Where a decreasing function, given with the negative of its derivative, is `value`. It is found by
/// Newton's steps; where one would leave the interval that holds it, the interval is halved instead.
fn crossing([mut low, mut high]: [f64; 2], before: f64, value: f64, f: impl Fn(f64) -> [f64; 2]) -> f64 {
    let mut at = before.clamp(low, high);
    for _ in 0..60 {
        let [found, descent] = f(at);
        *(if found > value { &mut low } else { &mut high }) = at;
        let newton = at + (found - value) / descent;
        let next = if newton > low && newton < high { newton } else { 0.5 * (low + high) };
        let change = (next - at).abs();
        at = next;
        if change < 1e-12 * at.abs() {
            break;
        }
    }
    at
}

/// The exponential of each value divided by the sum of all of them, and the logarithm of that sum.
fn softmax(logs: PerHole<f64>) -> (PerHole<f64>, f64) {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights = logs.map(|log| (log - largest).exp());
    let sum: f64 = weights.iter().sum();
    (weights.map(|weight| weight / sum), largest + sum.ln())
}
