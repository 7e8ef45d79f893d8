//! A network on the electrons of an avalanche as a set (Zaheer et al., arXiv:1703.06114): layers that every
//! electron passes through by itself, the mean over the electrons, layers for the avalanche. So it needs no
//! cells and no observables, and the order of electrons makes no difference.

use townsend_core::{Stream, Work};

use super::Classifier;
use super::layers::{Batch, Inputs, LEAK, Layers};
use super::training::{logit_gradient, sigmoid, train};

/// What is learned of each electron, and the neurons of hidden layers.
const LEARNED: usize = 32;
const EPOCHS: usize = 10;
const BATCH: usize = 64;
const LEARNING_RATE: f32 = 3e-3;

/// Electrons of one avalanche, all or some of them.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSet {
    /// Number of electrons of the avalanche.
    pub electrons: u64,
    /// x, z and t of those that are given; at least one.
    pub points: Vec<[f32; 3]>,
}

pub(super) struct PointNetwork {
    /// Mean and standard deviation of x, z and t, and of the logarithm of the number of electrons.
    scales: [(f32, f32); 4],
    of_electron: Layers,
    of_avalanche: Layers,
}

/// What the backward pass needs of a forward pass.
struct Kept {
    electrons: Inputs,
    /// Output of the layers of electrons, before its rectifier.
    learned: Batch,
    avalanches: Inputs,
}

impl Classifier for PointNetwork {
    type Row = PointSet;

    fn describe() -> String {
        format!("network on the set of electrons, {LEARNED} numbers of each, {EPOCHS} epochs of AdamW")
    }

    fn train(
        sets: &[&PointSet],
        labels: &[f64],
        random: &mut Stream,
        work: Work<'_>,
    ) -> Result<Self, String> {
        let mut network = Self::new(sets, random);
        train(sets.len(), (EPOCHS, BATCH), LEARNING_RATE, random, work, |chosen, step| {
            let sets: Vec<&PointSet> = chosen.iter().map(|&row| sets[row]).collect();
            let labels: Vec<f64> = chosen.iter().map(|&row| labels[row]).collect();
            let (kept, logits) = network.forward(&sets);
            let [of_electron, of_avalanche] =
                network.backward(&sets, &kept, logit_gradient(logits.as_slice(), &labels));
            network.of_electron.step(&of_electron, step);
            network.of_avalanche.step(&of_avalanche, step);
        })?;
        Ok(network)
    }

    fn probabilities(&self, sets: &[&PointSet]) -> Vec<f64> {
        let of_block = |sets: &[&PointSet]| self.forward(sets).1;
        let logits = sets.chunks(BATCH).map(of_block);
        logits
            .flat_map(|block| block.iter().map(|&logit| f64::from(sigmoid(logit))).collect::<Vec<_>>())
            .collect()
    }
}

impl PointNetwork {
    fn new(sets: &[&PointSet], random: &mut Stream) -> Self {
        let points = || sets.iter().flat_map(|set| &set.points);
        let along = |axis: usize| scale(|| points().map(move |point| f64::from(point[axis])));
        let scales = [along(0), along(1), along(2), scale(|| sets.iter().map(|set| size(set)))];
        Self {
            scales,
            of_electron: Layers::new(&[3, LEARNED, LEARNED, LEARNED], random),
            // Means of what is learned, and the number of electrons.
            of_avalanche: Layers::new(&[LEARNED + 1, LEARNED, 1], random),
        }
    }

    fn scaled(&self, value: f32, k: usize) -> f32 {
        let (mean, std) = self.scales[k];
        ((value - mean) / std).asinh()
    }

    /// A logit for each set.
    fn forward(&self, sets: &[&PointSet]) -> (Kept, Batch) {
        let points = || sets.iter().flat_map(|set| &set.points);
        let coordinates = points().flat_map(|point| (0..3).map(|axis| self.scaled(point[axis], axis)));
        let (electrons, learned) =
            self.of_electron.forward(Batch::from_iterator(3, points().count(), coordinates));
        let mut means = Batch::zeros(LEARNED + 1, sets.len());
        let mut first = 0;
        for (k, set) in sets.iter().enumerate() {
            let n = set.points.len();
            for (row, column) in learned.as_slice()[LEARNED * first..LEARNED * (first + n)]
                .chunks(LEARNED)
                .flat_map(|electron| electron.iter().enumerate())
            {
                means[(row, k)] += column.max(LEAK * column) / n as f32;
            }
            means[(LEARNED, k)] = self.scaled(size(set) as f32, 3);
            first += n;
        }
        let (avalanches, logits) = self.of_avalanche.forward(means);
        (Kept { electrons, learned, avalanches }, logits)
    }

    /// Gradients of both layers' weights from that of the logits.
    fn backward(&self, sets: &[&PointSet], kept: &Kept, logits: Batch) -> [Vec<Batch>; 2] {
        let (of_avalanche, by_means) = self.of_avalanche.backward(&kept.avalanches, logits);
        let mut by_learned = kept.learned.clone();
        let mut columns = by_learned.as_mut_slice().chunks_mut(LEARNED);
        for (k, set) in sets.iter().enumerate() {
            let n = set.points.len();
            for electron in columns.by_ref().take(n) {
                for (row, value) in electron.iter_mut().enumerate() {
                    let slope = if *value > 0.0 { 1.0 } else { LEAK };
                    *value = slope * by_means[(row, k)] / n as f32;
                }
            }
        }
        [self.of_electron.backward(&kept.electrons, by_learned).0, of_avalanche]
    }
}

fn size(set: &PointSet) -> f64 {
    (set.electrons as f64).ln_1p()
}

/// Mean and standard deviation; a standard deviation of 0 is replaced by 1.
fn scale<I: Iterator<Item = f64>>(values: impl Fn() -> I) -> (f32, f32) {
    let n = values().count().max(1) as f64;
    let mean = values().sum::<f64>() / n;
    let std = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean as f32, if std > 0.0 { std as f32 } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use rand_distr::{Distribution, StandardNormal};
    use townsend_core::{Purpose, stream};

    use super::*;
    use crate::multivariate::classifier::auc_by;

    const TEST: Purpose = Purpose::new("points test");

    /// Avalanches of 24 electrons whose x, z and t are normal, and independent in pairs. Those of `curved`
    /// ones are not independent all three together.
    fn sets(n: u64, seed: u64, curved: bool) -> Vec<PointSet> {
        let one = |index| {
            let mut random = stream(seed, TEST, index);
            let mut normal = || -> f32 { StandardNormal.sample(&mut random) };
            let points = (0..24)
                .map(|_| {
                    let [x, z, t] = [normal(), normal(), normal()];
                    // The sign of t is that of x·z: no two of the three know of each other.
                    if curved { [x, z, t.abs() * (x * z).signum()] } else { [x, z, t] }
                })
                .collect();
            PointSet { electrons: 24, points }
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn a_gradient_is_what_differences_give() {
        let sets = sets(6, 1, true);
        let sets: Vec<&PointSet> = sets.iter().collect();
        let labels = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0];
        let network = |scale: [f32; 2]| {
            let mut network = PointNetwork::new(&sets, &mut stream(2, TEST, 0));
            network.of_electron.scale_weights(scale[0]);
            network.of_avalanche.scale_weights(scale[1]);
            network
        };
        let loss = |scale: [f32; 2]| {
            let logits = network(scale).forward(&sets).1;
            let of_one =
                |(&logit, label): (&f32, &f64)| f64::from(logit).exp().ln_1p() - label * f64::from(logit);
            logits.iter().zip(&labels).map(of_one).sum::<f64>() / 6.0
        };
        let start = network([1.0; 2]);
        let (kept, logits) = start.forward(&sets);
        let gradients = start.backward(&sets, &kept, logit_gradient(logits.as_slice(), &labels));
        // Weights times 1 + h: the loss grows by h Σ weight · gradient.
        let layers = [&start.of_electron, &start.of_avalanche];
        for (k, (layers, gradients)) in layers.into_iter().zip(&gradients).enumerate() {
            let expected = layers.along_weights(gradients);
            let h = 1e-2;
            let at = |h: f32| loss(if k == 0 { [1.0 + h, 1.0] } else { [1.0, 1.0 + h] });
            let found = (at(h) - at(-h)) / (2.0 * f64::from(h));
            assert!((found - expected).abs() < 0.03 * expected.abs() + 1e-4, "{k}: {found} {expected}");
        }
    }

    #[test]
    fn it_sees_what_three_coordinates_know_of_each_other() {
        let auc = auc_by::<PointNetwork>(&sets(300, 3, false), &sets(300, 4, true), 1).unwrap();
        assert!(auc > 0.9, "{auc}");
        let auc = auc_by::<PointNetwork>(&sets(300, 3, false), &sets(300, 5, false), 1).unwrap();
        assert!((auc - 0.5).abs() < 4.0 * 0.41 / 300.0_f64.sqrt(), "{auc}");
    }
}
