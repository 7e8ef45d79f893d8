//! Times that are skewed.

use std::f64::consts::SQRT_2;

/// A distribution of mean 0, variance 1 and a given skewness γ: a·z + b·(z² − 1) for a standard normal z,
/// with 6b − 4b³ = γ and a² = 1 − 2b² (the power method, of second order: A. I. Fleishman, Psychometrika 43
/// (1978) 521). For γ = 0 it is z.
#[derive(Debug, Clone, Copy)]
pub(super) struct Skewed {
    linear: f32,
    square: f32,
}

impl Skewed {
    /// The distribution of this skewness, which has to be between −√8 and √8: that of −χ² or χ² of one degree
    /// of freedom.
    pub(super) fn new(skewness: f64) -> Self {
        // With b = √2 sin φ it is √8 sin 3φ = γ.
        let square = SQRT_2 * ((0.5 * skewness / SQRT_2).asin() / 3.0).sin();
        Self { linear: (1.0 - 2.0 * square * square).sqrt() as f32, square: square as f32 }
    }

    /// Its value for that of a standard normal number.
    #[inline(always)]
    pub(super) fn of(self, normal: f32) -> f32 {
        self.linear * normal + self.square * (normal * normal - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moments by integration over z.
    #[test]
    fn moments_are_as_asked() {
        for skewness in [-1.0, -0.2, 0.0, 0.25, 1.0, 2.8] {
            let skewed = Skewed::new(skewness);
            let moment = |power: i32| {
                let step = 1e-3;
                let at = |k: i32| f64::from(k) * step;
                let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
                let term = |k| f64::from(skewed.of(at(k) as f32)).powi(power) * density(at(k)) * step;
                (-9_000..=9_000).map(term).sum::<f64>()
            };
            for (power, expected) in [(1, 0.0), (2, 1.0), (3, skewness)] {
                assert!((moment(power) - expected).abs() < 1e-5, "{skewness}: {power} {}", moment(power));
            }
        }
        let normal = Skewed::new(0.0);
        assert!([-3.25f32, 0.0, 0.1].iter().all(|&z| normal.of(z).to_bits() == z.to_bits()));
    }
}
