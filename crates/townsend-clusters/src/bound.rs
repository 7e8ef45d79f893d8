//! A lower bound on the likelihood, to compare models and to follow training.

use rayon::prelude::*;
use townsend_core::{Purpose, stream};

use crate::gibbs::{GibbsState, Scratch};
use crate::model::{Normal, Ready};
use crate::samples::Sample;

const PURPOSE: Purpose = Purpose::new("cloud bound");
/// First power b of the likelihood after 0. Chosen, not fitted: the density then hardly differs from the
/// prior. A larger value makes the first step coarse and the bound lower; a smaller one leaves fewer steps
/// for the powers near 1.
const FIRST_POWER: f64 = 3e-5;

impl Normal {
    /// The normal distribution whose density is proportional to this one's raised to the power `power`.
    fn tempered(&self, power: f64) -> Self {
        Self {
            covariance: self.covariance / power,
            inverse: self.inverse * power,
            factor: self.factor / power.sqrt(),
            ln_height: self.ln_height + 1.5 * power.ln(),
        }
    }
}

/// The mean over electrons of a lower bound on ln p(x | N), by annealed importance sampling (Neal, Stat.
/// Comput. 11, 125 (2001)). Ancestors z are drawn from the model, and then by `steps` sweeps under p(x | z)ᵇ
/// with powers b that grow from 0 to 1. The sum of Δb ln p(x | z) over the steps has an expectation below ln
/// p(x | N); the difference is the Kullback–Leibler divergence between the sequence of states and its
/// reverse.
pub(crate) fn bound(ready: &Ready, samples: &[Sample], steps: usize, seed: u64) -> f64 {
    let powers: Vec<f64> =
        (0..=steps).map(|step| FIRST_POWER.powf(1.0 - step as f64 / steps as f64)).collect();
    let tempered: Vec<Ready> = powers
        .iter()
        .map(|&power| {
            let mut tempered = ready.clone();
            let electrons = tempered.levels.len();
            tempered.spreads[electrons] = ready.electrons().tempered(power);
            tempered
        })
        .collect();
    let of_sample = |(index, sample): (usize, &Sample)| {
        let mut scratch = Scratch::default();
        let mut state = GibbsState::from_prior(sample, ready, stream(seed, PURPOSE, index as u64));
        let (mut sum, mut before) = (0.0, 0.0);
        for (&power, tempered) in powers.iter().zip(&tempered) {
            sum += (power - before) * state.ln_density(ready.electrons());
            before = power;
            state.sweep(tempered, &mut scratch);
        }
        sum
    };
    let bounds: Vec<f64> = samples.par_iter().enumerate().map(of_sample).collect();
    let electrons: usize = samples.iter().map(|sample| sample.electrons.len()).sum();
    bounds.iter().sum::<f64>() / electrons as f64
}

#[cfg(test)]
mod tests {
    use nalgebra::{Matrix3, Vector3};

    use super::*;
    use crate::model::rows;
    use crate::{ClusterModel, NormalSpread, Root};
    use townsend_core::{FilledSizes, SizeModel, SizePart};

    /// Without levels ln p(x | N) has a closed form, which the bound must not exceed.
    #[test]
    fn it_is_below_the_likelihood_and_near_it() {
        let (own, of_root) =
            (Matrix3::from_diagonal(&Vector3::new(0.05, 0.04, 6.0)), Matrix3::identity() * 0.1);
        let model = ClusterModel {
            sizes: SizeModel {
                empty: 0.0,
                filled: FilledSizes::Parts(vec![SizePart { weight: 1.0, mean: 4.0, shape: 1.0 }]),
            },
            root: Root { mean: [0.1, 0.0, 170.0], covariance: rows(&of_root) },
            electrons: NormalSpread { covariance: rows(&own) },
            levels: Vec::new(),
        };
        let electrons = vec![[0.2, 0.1, 171.0], [0.3, -0.2, 169.0], [0.1, 0.0, 172.0], [0.5, 0.2, 170.0]];
        let n = electrons.len() as f64;
        let place = |at: &[f32; 3]| Vector3::from(at.map(f64::from));
        let mean = electrons.iter().map(place).sum::<Vector3<f64>>() / n;
        let within: f64 =
            electrons.iter().map(|at| Normal::new(&own).unwrap().ln_density(&(place(at) - mean))).sum();
        // Π N(x; r, V) = Π N(x; x̄, V) · N(x̄; r, V/n) / N(0; 0, V/n).
        let of_mean = Normal::new(&(own / n)).unwrap().ln_height;
        let between = Normal::new(&(of_root + own / n)).unwrap();
        let exact = within - of_mean + between.ln_density(&(mean - Vector3::from(model.root.mean)));
        let samples = vec![Sample { size: 4, electrons }; 200];
        let found = n * bound(&model.ready().unwrap(), &samples, 200, 1);
        assert!(found < exact + 0.1 && found > exact - 0.3, "{found} {exact}");
    }
}
