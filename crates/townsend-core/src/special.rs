//! Mathematical functions for statistics that the standard library lacks.

/// ln Γ(x) of a positive number, to 12 digits: Stirling's series beyond 8, reached by Γ(x + 1) = x Γ(x).
#[inline]
pub fn ln_gamma(mut x: f64) -> f64 {
    let mut product = 1.0;
    while x < 8.0 {
        product *= x;
        x += 1.0;
    }
    let (inverse, half_ln_two_pi) = (1.0 / x, 0.918_938_533_204_672_8);
    let square = inverse * inverse;
    let series = inverse
        * (1.0 / 12.0
            - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square * (1.0 / 1680.0 - square / 1188.0))));
    (x - 0.5) * x.ln() - x + half_ln_two_pi + series - product.ln()
}

/// The derivative of ln Γ(x) for positive x, to 11 digits.
#[inline]
pub fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 8.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let series = square
        * (1.0 / 12.0
            - square * (1.0 / 120.0 - square * (1.0 / 252.0 - square * (1.0 / 240.0 - square / 132.0))));
    x.ln() - 0.5 / x - series - below
}

/// The zero, to 10⁻⁷, of a function that falls from positive to negative values in an interval, by bisection.
/// For a function that is positive throughout it is the upper end, for one that is negative throughout the
/// lower end.
#[inline]
pub fn zero_crossing(f: impl Fn(f64) -> f64, [mut low, mut high]: [f64; 2]) -> f64 {
    while high - low > 1e-7 {
        let middle = 0.5 * (low + high);
        if f(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factorials_and_halves() {
        let mut ln_factorial = 0.0;
        for n in 1..200 {
            assert!((ln_gamma(f64::from(n)) - ln_factorial).abs() < 1e-11 * ln_factorial.max(1.0), "{n}");
            ln_factorial += f64::from(n).ln();
        }
        assert!((ln_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-12);
        assert!((ln_gamma(1e-8) - 1e8f64.ln()).abs() < 1e-7);
    }

    #[test]
    fn digamma_is_the_derivative() {
        assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < 1e-11);
        for x in [0.01, 0.5, 3.0, 50.0, 1e4] {
            let step = 1e-4 * x;
            let slope = (ln_gamma(x + step) - ln_gamma(x - step)) / (2.0 * step);
            assert!((digamma(x) - slope).abs() < 1e-6 * slope.abs().max(1.0), "{x}");
        }
    }

    #[test]
    fn a_root_is_found_or_the_end() {
        assert!((zero_crossing(|x| 2.0 - x * x, [0.0, 5.0]) - 2f64.sqrt()).abs() < 1e-7);
        assert!((zero_crossing(|_| 1.0, [0.0, 5.0]) - 5.0).abs() < 1e-6);
        assert!(zero_crossing(|_| -1.0, [0.0, 5.0]) < 1e-6);
    }
}
