use rayon::ThreadPoolBuilder;
use townsend_core::{Purpose, stream};

use super::*;
use crate::multivariate::classifier::auc_by;
use townsend_observables::random::below;

const TEST: Purpose = Purpose::new("convolutions test");

/// Cubes, or squares, of 16 cells along each axis, with some electrons anywhere.
fn scattered(n: u64, dims: usize, seed: u64) -> Vec<Image> {
    let size = [2, 1, 0].map(|axis| if axis < dims { 16 } else { 1 });
    let image = |index| {
        let mut random = stream(seed, TEST, index);
        let mut electrons = [0.0; 4096];
        (0..150).for_each(|_| {
            electrons[below(size.iter().product::<usize>() as u64, &mut random) as usize] += 1.0;
        });
        let occupied = electrons.iter().enumerate().filter(|(_, n)| **n > 0.0);
        Image { size, occupied: occupied.map(|(cell, &n)| (cell as u16, n)).collect() }
    };
    (0..n).map(image).collect()
}

/// Mean cross entropy of a batch that is normalised by its own statistics.
fn loss(network: &ConvolutionalNetwork, images: &[&Image], labels: &[f64]) -> f64 {
    let maps = network.stack.train(&network.dense(images), &network.parameters).output;
    let (_, logits) = network.head.forward(means(network.stack.output(), &maps));
    let of_one = |(&logit, label): (&f32, &f64)| {
        let logit = f64::from(logit);
        logit.exp().ln_1p() - label * logit
    };
    logits.iter().zip(labels).map(of_one).sum::<f64>() / labels.len() as f64
}

/// In every block a step along the gradient changes the loss in proportion to the gradient's square.
#[test]
fn gradients_are_what_differences_give() {
    for dims in [1, 2, 3] {
        let images = scattered(12, dims, 1);
        let images: Vec<&Image> = images.iter().collect();
        let labels: Vec<f64> = (0..12).map(|k| f64::from(k % 2)).collect();
        let mut network = ConvolutionalNetwork::new(&images, &mut stream(2, TEST, 0)).unwrap();
        let trained = network.stack.train(&network.dense(&images), &network.parameters);
        let gradient = network.gradients(&trained, &labels).convolutions;
        let blocks: Vec<usize> = network
            .stack
            .blocks()
            .iter()
            .map(|b| b.convolution.weights() + 3 * b.convolution.outputs)
            .collect();
        let mut first = 0;
        for length in blocks {
            let of_block = &gradient[first..first + length];
            let square: f64 = of_block.iter().map(|g| f64::from(*g).powi(2)).sum();
            let step = 2e-3 / square.sqrt();
            let start = network.parameters.clone();
            let mut at = |by: f64| {
                network.parameters.clone_from(&start);
                let parameters = network.parameters[first..first + length].iter_mut();
                parameters.zip(of_block).for_each(|(p, g)| *p += (by * f64::from(*g)) as f32);
                loss(&network, &images, &labels)
            };
            let difference = (at(step) - at(-step)) / (2.0 * step);
            assert!((difference - square).abs() < 0.02 * square, "{dims}D: {difference} for {square}");
            network.parameters = start;
            first += length;
        }
        assert_eq!(first, gradient.len());
    }
}

#[test]
fn identical_distributions_cannot_be_told_apart_whatever_the_number_of_threads() {
    let (a, b) = (scattered(400, 2, 3), scattered(400, 2, 4));
    let in_threads = |threads| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| auc_by::<ConvolutionalNetwork>(&a, &b, 1).unwrap())
    };
    let auc = in_threads(1);
    // The error of the AUC of two sets of 400 is 0.020.
    assert!((auc - 0.5).abs() < 4.0 * 0.020, "{auc}");
    assert_eq!(auc.to_bits(), in_threads(3).to_bits());
}

#[test]
fn images_that_are_too_small_are_refused() {
    let image = Image { size: [2; 3], occupied: vec![(3, 1.0)] };
    assert!(
        auc_by::<ConvolutionalNetwork>(&vec![image; 20], &scattered(20, 3, 1), 1)
            .unwrap_err()
            .contains("too few")
    );
}
