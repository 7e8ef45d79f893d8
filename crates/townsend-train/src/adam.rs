//! Adam (Kingma and Ba 2015), with PyTorch's conventions.
//!
//! The step is taken on the host in one pass over each tensor: written in tensor operations it would go over the
//! memory a dozen times, half of the time of a training step. The moments are there already when a checkpoint is
//! written, and are the same bits on every device.

use burn_tensor::{Tensor, TensorData};
use rayon::prelude::*;
use townsend_models::{Moments, Parameters};

use crate::TrainingConfig;

/// Values that a thread works on at a time.
const BLOCK: usize = 1 << 14;

#[derive(Debug)]
pub(crate) struct Adam<'a> {
    config: &'a TrainingConfig,
    moments: Moments,
}

/// Factors of one step.
struct Factors {
    beta1: f32,
    beta2: f32,
    /// What gradients are multiplied by, to shorten them.
    gradient: f32,
    /// Learning rate over (1 − β₁ᵗ).
    step: f32,
    /// 1 / √(1 − β₂ᵗ).
    root: f32,
    epsilon: f32,
}

impl<'a> Adam<'a> {
    /// Goes on from these moments; without any, they begin at 0.
    pub(crate) fn new(config: &'a TrainingConfig, parameters: &Parameters, mut moments: Moments) -> Self {
        for spec in parameters.trained() {
            for map in [&mut moments.first, &mut moments.second] {
                map.entry(spec.name.clone()).or_insert_with(|| vec![0.0; spec.len()]);
            }
        }
        Self { config, moments }
    }

    pub(crate) fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Changes every trained tensor by its gradient, in the order of [`Parameters::trained`]; `step` counts from 1 and `rate` is the
    /// learning rate.
    pub(crate) fn step(
        &mut self,
        parameters: &mut Parameters,
        gradients: Vec<Tensor<1>>,
        step: u64,
        rate: f64,
    ) {
        let names: Vec<String> = parameters.trained().map(|spec| spec.name.clone()).collect();
        let gradients: Vec<Vec<f32>> = gradients.into_iter().map(to_host).collect();
        let factors = self.factors(&gradients, step, rate);
        for (name, gradient) in names.iter().zip(&gradients) {
            let mut values = parameters.values(name);
            let (first, second) = (self.moments.first.get_mut(name), self.moments.second.get_mut(name));
            let (first, second) = (first.expect("made in new"), second.expect("made in new"));
            let blocks = values.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK));
            let moments = first.par_chunks_mut(BLOCK).zip(second.par_chunks_mut(BLOCK));
            blocks.zip(moments).for_each(|((v, g), (m1, m2))| factors.apply(v, g, m1, m2));
            let length = values.len();
            let value = Tensor::from_data(TensorData::new(values, [length]), parameters.device());
            parameters.set(name, value);
        }
    }

    fn factors(&self, gradients: &[Vec<f32>], step: u64, rate: f64) -> Factors {
        let (beta1, beta2) = (self.config.beta1, self.config.beta2);
        let t = i32::try_from(step).unwrap_or(i32::MAX);
        Factors {
            beta1: beta1 as f32,
            beta2: beta2 as f32,
            gradient: shortening(gradients, self.config.clip),
            step: (rate / (1.0 - beta1.powi(t))) as f32,
            root: (1.0 / (1.0 - beta2.powi(t)).sqrt()) as f32,
            epsilon: self.config.epsilon as f32,
        }
    }
}

impl Factors {
    fn apply(&self, values: &mut [f32], gradients: &[f32], first: &mut [f32], second: &mut [f32]) {
        let moments = first.iter_mut().zip(second);
        for ((value, gradient), (m1, m2)) in values.iter_mut().zip(gradients).zip(moments) {
            let gradient = gradient * self.gradient;
            *m1 = self.beta1 * *m1 + (1.0 - self.beta1) * gradient;
            *m2 = self.beta2 * *m2 + (1.0 - self.beta2) * gradient * gradient;
            *value -= self.step * *m1 / (m2.sqrt() * self.root + self.epsilon);
        }
    }
}

/// The factor that brings the norm of all gradients together down to `limit`; 1 if it is below, or without limit.
fn shortening(gradients: &[Vec<f32>], limit: f64) -> f32 {
    if limit == 0.0 {
        return 1.0;
    }
    // Sums of blocks, added in order: the same bits for any number of threads.
    let squares = |values: &[f32]| values.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>();
    let sums: Vec<f64> =
        gradients.iter().flat_map(|g| g.chunks(BLOCK).map(squares).collect::<Vec<_>>()).collect();
    let norm = sums.iter().sum::<f64>().sqrt();
    if norm > limit { (limit / norm) as f32 } else { 1.0 }
}

fn to_host(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("all tensors of a model are f32")
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;
    use townsend_models::{Role, TensorSpec};

    use super::*;

    fn minimise(config: &TrainingConfig, gradient: impl Fn(f32) -> f32, steps: u64) -> (Vec<f32>, Moments) {
        let spec = TensorSpec { name: "w".into(), shape: vec![1], role: Role::Constant(1.0) };
        let mut parameters = Parameters::initial(vec![spec], 1, &Device::flex());
        let mut adam = Adam::new(config, &parameters, Moments::default());
        let path = (1..=steps).map(|step| {
            let value = parameters.values("w")[0];
            let g = Tensor::from_data(TensorData::new(vec![gradient(value)], [1]), &Device::flex());
            adam.step(&mut parameters, vec![g], step, config.learning_rate);
            parameters.values("w")[0]
        });
        let path = path.collect();
        (path, adam.moments().clone())
    }

    /// torch.optim.Adam([w], lr=0.1, betas=(0.5, 0.9)) with w = 1 and the gradient 2 w³, in PyTorch 2.15.
    #[test]
    fn steps_are_those_of_pytorch() {
        let config =
            TrainingConfig { learning_rate: 0.1, beta1: 0.5, beta2: 0.9, ..TrainingConfig::default() };
        let (path, _) = minimise(&config, |w| 2.0 * w.powi(3), 4);
        for (got, want) in path.iter().zip(PYTORCH) {
            assert!((got - want).abs() < 1e-6, "{path:?}");
        }
    }
    const PYTORCH: [f32; 4] = [0.9, 0.805_604_6, 0.719_990_9, 0.645_038_54];

    #[test]
    fn long_gradients_are_shortened() {
        assert_eq!(shortening(&[vec![3.0], vec![4.0]], 0.0), 1.0);
        assert_eq!(shortening(&[vec![3.0], vec![4.0]], 10.0), 1.0);
        assert!((shortening(&[vec![3.0], vec![4.0]], 1.0) - 0.2).abs() < 1e-7);
        let config = TrainingConfig { clip: 1.0, ..TrainingConfig::default() };
        let (_, moments) = minimise(&config, |_| 50.0, 1);
        assert!((moments.first["w"][0] - 0.1).abs() < 1e-6);
    }
}
