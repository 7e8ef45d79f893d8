//! Steps of Adam over slices of numbers.

use crate::isa::{Isa, for_vectors};

/// One step of Adam (Kingma and Ba 2015, arXiv:1412.6980), with `PyTorch`'s conventions and, if wanted,
/// decoupled weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101).
///
/// With g = `gradient_factor` · gradient, each number v and its two moments become
///
/// m₁ ← β₁ m₁ + (1 − β₁) g,  m₂ ← β₂ m₂ + (1 − β₂) g²,  v ← `keep` · v − `step` · m₁ / (√m₂ · `root` + ε).
///
/// `RMSprop` (Tieleman and Hinton 2012) is the same with β₁ = 0, `step` the learning rate and `root` 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// Decay of the mean of the gradients, β₁.
    pub beta1: f32,
    /// Decay of the mean of the squared gradients, β₂.
    pub beta2: f32,
    /// What gradients are multiplied by first: below 1 where a long gradient is to be shortened.
    pub gradient_factor: f32,
    /// The learning rate over 1 − β₁ᵗ, in step t counted from 1.
    pub step: f32,
    /// 1 / √(1 − β₂ᵗ).
    pub root: f32,
    /// Added to the denominator, ε.
    pub epsilon: f32,
    /// What each number is multiplied by: 1 minus learning rate times weight decay.
    pub keep: f32,
}

impl AdamStep {
    /// Step number `t`, counted from 1, with this learning rate; gradients are not shortened, and weights do
    /// not decay.
    pub fn new(learning_rate: f64, [beta1, beta2]: [f64; 2], epsilon: f64, t: u64) -> Self {
        let t = i32::try_from(t).unwrap_or(i32::MAX);
        Self {
            step: (learning_rate / (1.0 - beta1.powi(t))) as f32,
            root: (1.0 / (1.0 - beta2.powi(t)).sqrt()) as f32,
            ..Self::uncorrected(learning_rate, [beta1, beta2], epsilon)
        }
    }

    /// A step without the corrections for the first steps: `step` is the learning rate and `root` 1.
    pub fn uncorrected(learning_rate: f64, [beta1, beta2]: [f64; 2], epsilon: f64) -> Self {
        Self {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            gradient_factor: 1.0,
            step: learning_rate as f32,
            root: 1.0,
            epsilon: epsilon as f32,
            keep: 1.0,
        }
    }

    /// Takes the step: changes numbers and both of their moments by the gradients.
    ///
    /// # Panics
    /// If the slices are of different lengths.
    pub fn apply(&self, values: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]) {
        let lengths = [gradients.len(), first.len(), second.len()];
        assert_eq!(lengths, [values.len(); 3], "a gradient and two moments for each number");
        apply(Isa::best(), self, values, gradients, first, second);
    }
}

for_vectors! {
    fn apply(step: &AdamStep, values: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]) {
        let moments = first.iter_mut().zip(second);
        for ((value, gradient), (m1, m2)) in values.iter_mut().zip(gradients).zip(moments) {
            let gradient = gradient * step.gradient_factor;
            *m1 = step.beta1 * *m1 + (1.0 - step.beta1) * gradient;
            *m2 = step.beta2 * *m2 + (1.0 - step.beta2) * gradient * gradient;
            *value = step.keep * *value - step.step * *m1 / (m2.sqrt() * step.root + step.epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formulas of the papers in double precision.
    #[test]
    fn steps_are_those_of_double_precision() {
        let (rate, betas, epsilon, decay) = (0.1, [0.5, 0.9], 1e-8, 0.01);
        let gradient = |w: f64| 2.0 * w.powi(3);
        let (mut value, mut first, mut second) = ([1.0f32; 37], [0.0; 37], [0.0; 37]);
        let (mut w, mut m, mut v) = (1.0f64, 0.0, 0.0);
        for t in 1..=20 {
            let step =
                AdamStep { keep: (1.0 - rate * decay) as f32, ..AdamStep::new(rate, betas, epsilon, t) };
            let gradients = value.map(|w| gradient(f64::from(w)) as f32);
            step.apply(&mut value, &gradients, &mut first, &mut second);
            let g = gradient(w);
            m = betas[0] * m + (1.0 - betas[0]) * g;
            v = betas[1] * v + (1.0 - betas[1]) * g * g;
            let corrected = [m / (1.0 - betas[0].powi(t as i32)), v / (1.0 - betas[1].powi(t as i32))];
            w -= rate * decay * w + rate * corrected[0] / (corrected[1].sqrt() + epsilon);
            assert!(value.iter().all(|value| (f64::from(*value) - w).abs() < 1e-5), "{value:?} for {w}");
        }
    }
}
