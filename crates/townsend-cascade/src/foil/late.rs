//! Delays that only some electrons have.

/// Delays of a part of all electrons, exponentially distributed: to a normal time with probability `fraction`
/// a delay of mean `delay` is added.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delays {
    pub(super) fraction: f64,
    pub(super) delay: f64,
}

/// What a time says of its delay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delayed {
    /// ln of the density of the time, divided by the density without delays.
    pub(super) log_factor: f64,
    /// The probability that there is a delay.
    pub(super) probability: f64,
    /// Means of the delay and of its square, where no delay counts as 0.
    pub(super) moments: [f64; 2],
}

impl Delayed {
    /// Of a time without delays.
    pub(super) const NEVER: Self = Self { log_factor: 0.0, probability: 0.0, moments: [0.0; 2] };
}

impl Delays {
    /// Where a search begins: a tenth is late by twice the spread of all.
    pub(super) fn guess(variance: f64) -> Self {
        Self { fraction: 0.1, delay: 2.0 * variance.sqrt() }
    }

    /// Of a time whose delay d has the likelihood exp(`slope`·d − `precision`·d²/2), compared with none: a
    /// normal time e above its mean with variance v has the slope e/v and the precision 1/v.
    ///
    /// The delay is then normal with mean m = (slope − 1/λ)/precision and variance s² = 1/precision, cut off
    /// below 0, where λ is the mean delay. With x = m/s and Mills' ratio M(x) = Φ(x)/φ(x) the factor for a
    /// delay is (s/λ)·M(x), the mean delay m + s/M(x) and its mean square s² + m·(m + s/M(x)).
    pub(super) fn told(self, slope: f64, precision: f64) -> Delayed {
        let s = precision.sqrt().recip();
        let m = (slope - self.delay.recip()) / precision;
        let log_mills = log_mills(m / s);
        let log_late = self.fraction.ln() + (s / self.delay).ln() + log_mills;
        let log_never = (-self.fraction).ln_1p();
        let largest = log_late.max(log_never);
        let log_factor = largest + ((log_late - largest).exp() + (log_never - largest).exp()).ln();
        let probability = (log_late - log_factor).exp();
        let mean = (m + s * (-log_mills).exp()).max(0.0);
        let square = (s * s + m * mean).max(mean * mean);
        Delayed { log_factor, probability, moments: [probability * mean, probability * square] }
    }

    /// The most likely ones, given what times say of their delays: from the sums of probabilities and of
    /// delays.
    pub(super) fn of_sums(probability: f64, delay: f64, n: f64) -> Self {
        // Limits against parameters that run away where nothing is late.
        Self {
            fraction: (probability / n).clamp(1e-6, 0.5),
            delay: (delay / probability.max(1e-300)).clamp(1e-6, 1e6),
        }
    }

    pub(super) fn mean(self) -> f64 {
        self.fraction * self.delay
    }

    pub(super) fn variance(self) -> f64 {
        2.0 * self.fraction * self.delay.powi(2) - self.mean().powi(2)
    }
}

/// ln(Φ(x)/φ(x)), with the normal distribution function Φ and density φ.
fn log_mills(x: f64) -> f64 {
    const LN_ROOT_2_PI: f64 = 0.918_938_533_204_672_8;
    if x < -2.0 {
        // Laplace's continued fraction 1/(y + 1/(y + 2/(y + …))), from far within outwards.
        let y = -x;
        let tail = (1..=60).rev().fold(y, |inner, k| y + f64::from(k) / inner);
        return -tail.ln();
    }
    if x > 6.0 {
        // 1 − Φ(6) is 10⁻⁹.
        return 0.5 * x * x + LN_ROOT_2_PI;
    }
    // Φ(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/(3·5) + …).
    let (mut term, mut sum) = (x, 0.0);
    let mut k = 1.0;
    while term.abs() > 1e-17 * (1.0 + f64::abs(sum)) {
        sum += term;
        k += 2.0;
        term *= x * x / k;
    }
    (0.5 * (0.5 * x * x + LN_ROOT_2_PI).exp() + sum).ln()
}

/// Normal times with delays, found in `times` by the EM algorithm: the delays only, since spreads are taken
/// from elsewhere. None if there are no times.
pub(super) fn delays_among(times: &[f64]) -> Option<Delays> {
    let n = times.len() as f64;
    let mut mean = times.iter().sum::<f64>() / n;
    let mut variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / n;
    if !(variance > 0.0 && variance.is_finite()) {
        return None;
    }
    let mut delays = Delays::guess(variance);
    let mut before = f64::NEG_INFINITY;
    for _ in 0..3_000 {
        let (mut sums, mut log_likelihood) = ([0.0; 4], 0.0);
        for &time in times {
            let e = time - mean;
            let told = delays.told(e / variance, 1.0 / variance);
            let [delay, square] = told.moments;
            for (sum, term) in sums.iter_mut().zip([told.probability, delay, time - delay, square]) {
                *sum += term;
            }
            log_likelihood += told.log_factor - 0.5 * (e * e / variance + variance.ln());
        }
        let next = sums[2] / n;
        let squares: f64 = times
            .iter()
            .map(|&time| {
                let [delay, square] = delays.told((time - mean) / variance, 1.0 / variance).moments;
                (time - next).powi(2) - 2.0 * (time - next) * delay + square
            })
            .sum();
        delays = Delays::of_sums(sums[0], sums[1], n);
        (mean, variance) = (next, (squares / n).max(1e-12));
        if log_likelihood - before <= 1e-9 * (1.0 + log_likelihood.abs()) {
            return Some(delays);
        }
        before = log_likelihood;
    }
    None
}

/// Third moment of values about their mean over the cube of their spread.
pub(super) fn skewness(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |k| values.iter().map(|value| (value - mean).powi(k)).sum::<f64>() / n;
    moment(3) / moment(2).powf(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ and φ by numerical integration.
    #[test]
    fn mills_ratio_is_that_of_the_integral() {
        for x in [-9.0f64, -4.0, -2.001, -1.999, -0.5, 0.0, 1.0, 5.9, 6.1, 8.0] {
            let steps = 400_000;
            let (low, width) = (x - 14.0, 14.0 / f64::from(steps));
            let density = |at: f64| (0.5 * (x * x - at * at)).exp();
            let sum: f64 = (0..steps).map(|i| density(low + (f64::from(i) + 0.5) * width)).sum();
            let found = log_mills(x);
            // Below x − 14 nothing is left of the integral for x < 6.
            assert!((found - (sum * width).ln()).abs() < 1e-7, "{x}: {found}");
        }
    }

    /// Against sums over delays.
    #[test]
    fn what_a_time_says_is_that_of_sums_over_delays() {
        let delays = Delays { fraction: 0.2, delay: 0.7 };
        for (e, v) in [(-1.0, 0.3), (0.4, 0.09), (3.0, 0.2)] {
            let told = delays.told(e / v, 1.0 / v);
            let step = 1e-4;
            let [zero, one, two] = [0, 1, 2].map(|power| {
                (0..300_000)
                    .map(|i| {
                        let d = (f64::from(i) + 0.5) * step;
                        d.powi(power) * (d * e / v - 0.5 * d * d / v - d / 0.7).exp() / 0.7 * step
                    })
                    .sum::<f64>()
            });
            let factor = 0.8 + 0.2 * zero;
            for (found, expected) in [
                (told.log_factor.exp(), factor),
                (told.probability, 0.2 * zero / factor),
                (told.moments[0], 0.2 * one / factor),
                (told.moments[1], 0.2 * two / factor),
            ] {
                assert!((found / expected - 1.0).abs() < 1e-5, "{e} {v}: {found} {expected}");
            }
        }
    }
}
