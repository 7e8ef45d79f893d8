//! Adam (Kingma and Ba 2015) and RMSprop (Tieleman and Hinton 2012), with PyTorch's conventions. RMSprop is
//! Adam without a mean of the gradient and without corrections for the first steps.
//!
//! A step is computed on the host in one pass over each tensor: as tensor operations it would pass over the
//! memory a dozen times, which takes half of the time of a training step. So the moments are on the host when
//! a checkpoint is written, and have the same bits on every device.

use burn_tensor::{Tensor, TensorData};
use rayon::prelude::*;
use townsend_kernels::AdamStep;
use townsend_models::{Moments, Parameters};

use crate::config::{Method, TrainingConfig};

/// Number of values that a thread works on at a time.
const BLOCK: usize = 1 << 14;

#[derive(Debug)]
pub(crate) struct Optimiser<'a> {
    config: &'a TrainingConfig,
    moments: Moments,
}

impl<'a> Optimiser<'a> {
    /// An optimiser that continues from these moments; missing ones begin at 0.
    pub(crate) fn new(config: &'a TrainingConfig, parameters: &Parameters, mut moments: Moments) -> Self {
        for spec in parameters.trained() {
            for map in [&mut moments.first, &mut moments.second] {
                map.entry(spec.name.clone()).or_insert_with(|| vec![0.0; spec.len()]);
            }
        }
        Self { config, moments }
    }

    /// Moves the running mean of these tensors, if there is one, towards their values.
    pub(crate) fn average(&mut self, parameters: &Parameters, names: &[String]) {
        let keep = self.config.average as f32;
        if keep == 0.0 {
            return;
        }
        for name in names {
            let values = parameters.values(name);
            let average = self.moments.average.entry(name.clone()).or_insert_with(|| values.clone());
            let pairs = average.par_chunks_mut(BLOCK).zip(values.par_chunks(BLOCK));
            pairs.for_each(|(average, values)| {
                average.iter_mut().zip(values).for_each(|(a, v)| *a = keep * *a + (1.0 - keep) * v);
            });
        }
    }

    pub(crate) fn moments(&self) -> &Moments {
        &self.moments
    }

    /// Changes the tensors `names` by their gradients. `step` counts the updates of these tensors from 1, and
    /// `rate` is the learning rate. Returns false, and changes nothing, if a gradient is not finite.
    pub(crate) fn step(
        &mut self,
        parameters: &mut Parameters,
        names: &[String],
        gradients: Vec<Tensor<1>>,
        step: u64,
        rate: f64,
    ) -> bool {
        let gradients: Vec<TensorData> = gradients.into_iter().map(Tensor::into_data).collect();
        let gradients: Vec<&[f32]> = gradients.iter().map(on_host).collect();
        if !gradients.iter().all(|gradient| gradient.par_chunks(BLOCK).all(are_finite)) {
            return false;
        }
        let adam = self.adam_step(&gradients, step, rate);
        for (name, gradient) in names.iter().zip(gradients) {
            let (first, second) = (self.moments.first.get_mut(name), self.moments.second.get_mut(name));
            let (first, second) = (first.expect("made in new"), second.expect("made in new"));
            parameters.change(name, |values| {
                let blocks = values.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK));
                let moments = first.par_chunks_mut(BLOCK).zip(second.par_chunks_mut(BLOCK));
                blocks.zip(moments).for_each(|((v, g), (m1, m2))| adam.apply(v, g, m1, m2));
            });
        }
        true
    }

    fn adam_step(&self, gradients: &[&[f32]], step: u64, rate: f64) -> AdamStep {
        let TrainingConfig { beta1, beta2, epsilon, .. } = *self.config;
        let adam = match self.config.optimiser {
            Method::Adam => AdamStep::new(rate, [beta1, beta2], epsilon, step),
            Method::Rmsprop => AdamStep::uncorrected(rate, [0.0, beta2], epsilon),
        };
        AdamStep { gradient_factor: shortening(gradients, self.config.clip), ..adam }
    }
}

/// The factor that scales the norm of all gradients together down to `limit`; 1 if it is smaller, or if there
/// is no limit.
fn shortening(gradients: &[&[f32]], limit: f64) -> f32 {
    if limit == 0.0 {
        return 1.0;
    }
    // Sums of blocks are added in order, so that the result does not depend on the number of threads.
    let squares = |values: &[f32]| values.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>();
    let sums: Vec<f64> =
        gradients.iter().flat_map(|g| g.chunks(BLOCK).map(squares).collect::<Vec<_>>()).collect();
    let norm = sums.iter().sum::<f64>().sqrt();
    if norm > limit { (limit / norm) as f32 } else { 1.0 }
}

fn on_host(data: &TensorData) -> &[f32] {
    data.as_slice().expect("all tensors of a model are f32")
}

/// True if all numbers are finite. All of them are tested: vector instructions for that are faster than
/// stopping at the first that is not.
fn are_finite(numbers: &[f32]) -> bool {
    numbers.iter().fold(true, |all, x| all & x.is_finite())
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;
    use townsend_models::{Role, TensorSpec};

    use super::*;

    fn minimise(config: &TrainingConfig, gradient: impl Fn(f32) -> f32, steps: u64) -> (Vec<f32>, Moments) {
        let spec = TensorSpec { name: "w".into(), shape: vec![1], role: Role::Constant(1.0) };
        let mut parameters = Parameters::initial(vec![spec], 1, &Device::flex());
        let mut optimiser = Optimiser::new(config, &parameters, Moments::default());
        let path = (1..=steps).map(|step| {
            let value = parameters.values("w")[0];
            let g = Tensor::from_data(TensorData::new(vec![gradient(value)], [1]), &Device::flex());
            optimiser.step(&mut parameters, &["w".to_owned()], vec![g], step, config.learning_rate);
            parameters.values("w")[0]
        });
        let path = path.collect();
        (path, optimiser.moments().clone())
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

    /// torch.optim.RMSprop([w], lr=0.1, alpha=0.9) with w = 1 and the gradient 2 w³, by the formula
    /// v ← α v + (1 − α) g², w ← w − lr g / (√v + ε).
    #[test]
    fn rmsprop_is_that_of_pytorch() {
        let config = TrainingConfig {
            optimiser: Method::Rmsprop,
            learning_rate: 0.1,
            beta2: 0.9,
            ..TrainingConfig::default()
        };
        let (path, _) = minimise(&config, |w| 2.0 * w.powi(3), 3);
        let (mut w, mut v) = (1.0f64, 0.0);
        for got in path {
            let g = 2.0 * w.powi(3);
            v = 0.9 * v + 0.1 * g * g;
            w -= 0.1 * g / (v.sqrt() + config.epsilon);
            assert!((f64::from(got) - w).abs() < 1e-6, "{got} for {w}");
        }
    }

    #[test]
    fn a_running_mean_follows_the_values() {
        let config = TrainingConfig { average: 0.75, ..TrainingConfig::default() };
        let spec = TensorSpec { name: "w".into(), shape: vec![1], role: Role::Constant(1.0) };
        let mut parameters = Parameters::initial(vec![spec], 1, &Device::flex());
        let mut optimiser = Optimiser::new(&config, &parameters, Moments::default());
        let names = ["w".to_owned()];
        optimiser.average(&parameters, &names);
        assert_eq!(optimiser.moments().average["w"], [1.0]);
        parameters.set("w", Tensor::from_data(TensorData::new(vec![5.0f32], [1]), &Device::flex()));
        optimiser.average(&parameters, &names);
        assert_eq!(optimiser.moments().average["w"], [2.0]);
    }

    #[test]
    fn long_gradients_are_shortened() {
        assert_eq!(shortening(&[&[3.0], &[4.0]], 0.0), 1.0);
        assert_eq!(shortening(&[&[3.0], &[4.0]], 10.0), 1.0);
        assert!((shortening(&[&[3.0], &[4.0]], 1.0) - 0.2).abs() < 1e-7);
        let config = TrainingConfig { clip: 1.0, ..TrainingConfig::default() };
        let (_, moments) = minimise(&config, |_| 50.0, 1);
        assert!((moments.first["w"][0] - 0.1).abs() < 1e-6);
    }
}
