//! Times of electrons beyond what the likelihood of families has of them: delays that only some have,
//! skewness, and their mean as avalanches weigh it.

use super::super::late::{Delays, delays_among, skewness};
use super::{Families, Family, FamilyParameters, PerHole, Posterior};

/// Skewness of times from which on delays are searched for. Chosen, not fitted: that of foils in Ar/iC₄H₁₀ is
/// 0.2 to 0.4, as of times of drift with diffusion, and a polynomial of a normal number has it; of those in
/// Ar/CO₂ it is 1.5 to 5, as of electrons that are held up.
const SKEWED: f64 = 1.0;

/// What the normal distributions of the likelihood leave out of the times. Each value has its standard error
/// after it.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct TimeShape {
    /// Skewness of the time that the children of a family have in common; none where delays are what makes it
    /// skewed.
    pub(in super::super) common: Option<[f64; 2]>,
    /// Skewness of the time of each child about its family's; none where there are delays of single children,
    /// or no family of three.
    pub(in super::super) own: Option<[f64; 2]>,
    /// By how much electrons come later on average than is expected of families, ns.
    pub(in super::super) later: [f64; 2],
}

impl Families {
    /// Whether families' mean times about what is expected of them are so skewed that delays have to be
    /// searched for.
    pub(super) fn are_delayed(&self, p: &FamilyParameters) -> bool {
        let (weights, _) = self.expect(p);
        let residual = |(family, weights): (&Family, &PerHole<Posterior>)| {
            let hypotheses = self.hypotheses(family);
            hypotheses
                .iter()
                .zip(weights)
                .map(|(hypothesis, posterior)| posterior.weight * p.residuals(hypothesis, self.pitch)[2])
                .sum::<f64>()
        };
        let residuals: Vec<f64> = self.all.iter().zip(&weights).map(residual).collect();
        skewness(&residuals) >= SKEWED
    }

    /// Delays of single children, if their times about the mean of their family are so skewed that it shows
    /// at the anode. They are found by maximum likelihood as if these differences, scaled by √(n/(n − 1)) so
    /// that their variance is that of a child, were independent.
    pub(in super::super) fn own_delays(&self) -> Option<Delays> {
        let delays = if skewness(&self.own_times) < SKEWED { None } else { delays_among(&self.own_times) };
        // Some of the spread has to be left for those that are not late.
        delays.filter(|delays| delays.variance() < 0.9 * self.own.time)
    }

    /// Moments of the times, by the holes that these parameters make probable.
    ///
    /// The third cumulant of a child's own time is ΣΣ(t − t̄)³/Σ((n − 1)(n − 2)/n), over families of n
    /// children and their children. That of a mean time t̄ is the one that is common and 1/n² of a child's
    /// own. Errors are those of normal times, whose third moments have the variance 6σ⁶.
    ///
    /// The likelihood weighs families by what they tell of the mean time, an avalanche weighs them by their
    /// electrons. Weights n differ from the best, 1/V with the variance V of t̄, by a part whose variance is
    /// Σn²V/(Σn)² − 1/Σ(1/V), independent of the error of the best.
    pub(in super::super) fn time_shape(&self, p: &FamilyParameters, own_delays: Option<Delays>) -> TimeShape {
        let delayed = p.late.map_or([0.0; 2], |late| [late.mean(), late.variance()]);
        let (weights, _) = self.expect(p);
        let [one, two, three, of_electrons, electrons, inverse_square, v_cubed, n_square_v, precision] = self
            .sum(&weights, |hypothesis, _| {
                let n = hypothesis.family.len;
                let [.., t] = p.residuals(hypothesis, self.pitch);
                let v = p.common_time + self.own.time / n + delayed[1];
                [t, t * t, t.powi(3), n * t, n, (n * n).recip(), v.powi(3), n * n * v, v.recip()]
            });
        let families = self.len() as f64;
        let [one, two, three] = [one, two, three].map(|sum| sum / families);
        let of_mean = three - 3.0 * one * two + 2.0 * one.powi(3);
        let common = of_mean - self.own_third * inverse_square / families;
        let over_cube = |third: f64, variance: f64| third / variance.powf(1.5);
        let later_variance = n_square_v / (electrons * electrons) - precision.recip();
        TimeShape {
            common: p.late.is_none().then(|| {
                [common, (6.0 * v_cubed).sqrt() / families].map(|third| over_cube(third, p.common_time))
            }),
            own: (own_delays.is_none() && self.triples > 0.0)
                .then(|| [over_cube(self.own_third, self.own.time), (6.0 / self.triples).sqrt()]),
            later: [of_electrons / electrons - delayed[0], later_variance.max(0.0).sqrt()],
        }
    }
}
