//! Functions of single numbers after a layer.

/// λ and α of SELU (Klambauer et al. 2017, arXiv:1706.02515).
pub const SELU: [f64; 2] = [1.050_700_987_355_480_5, 1.673_263_242_354_377_2];

/// A function that is applied to each number that a layer gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// Negative numbers are multiplied by this slope, which is not negative: 0 is `ReLU`, 1 leaves all
    /// numbers as they are.
    Leaky(f32),
    /// eˣ − 1 for negative x, x for others.
    Elu,
    /// λ α (eˣ − 1) for negative x, λ x for others; see [`SELU`].
    Selu,
}

impl Activation {
    /// The slope of negative numbers, if that is all there is to the function.
    pub(crate) fn slope(self) -> Option<f32> {
        match self {
            Self::Leaky(slope) => Some(slope),
            Self::Elu | Self::Selu => None,
        }
    }

    /// The function of one number.
    pub(crate) fn of(self, x: f32) -> f32 {
        let [lambda, alpha] = SELU;
        match self {
            Self::Leaky(slope) => {
                if x > 0.0 {
                    x
                } else {
                    slope * x
                }
            }
            Self::Elu => {
                if x > 0.0 {
                    x
                } else {
                    x.exp() - 1.0
                }
            }
            Self::Selu => {
                if x > 0.0 {
                    lambda as f32 * x
                } else {
                    (lambda * alpha) as f32 * (x.exp() - 1.0)
                }
            }
        }
    }
}
