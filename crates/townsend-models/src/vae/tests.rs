//! Layers, losses and configuration of the VAE on small grids; the numbers of the layers are compared with PyTorch's in
//! `tests/parity.rs`.

use burn_tensor::{Device, Tensor, TensorData};
use townsend_core::{Axis, Grid};

use super::*;
use crate::{ModelConfig, Output, Scaling, Schedule};

fn grid(dims: usize, bins: u32) -> Grid {
    Grid::new(vec![Axis::uniform(bins, -1.0, 1.0).unwrap(); dims]).unwrap()
}

/// A network for 8 bins an axis.
fn tiny(dims: usize) -> VaeConfig {
    VaeConfig {
        dims,
        channels: vec![3, 4],
        kernels: vec![4, 4],
        strides: vec![2, 1],
        hidden: 7,
        latent: 2,
        ..VaeConfig::default()
    }
}

fn tensor(values: Vec<f32>, columns: usize) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex())
}

/// An avalanche with electrons in every cell, in each another number.
fn filled(grid: &Grid) -> CountSet {
    let mut set = CountSet::new(grid.clone());
    set.push((0..grid.cells() as u32).map(|cell| (cell, cell + 1)));
    set
}

fn scalar(tensor: &Tensor<1>) -> f64 {
    f64::from(tensor.clone().into_scalar::<f32>())
}

/// Total, reconstruction and KL of two avalanches with initial weights.
fn losses(config: &VaeConfig, epoch: u32) -> [f64; 3] {
    let grid = grid(config.dims, 8);
    let model = config.check(&grid).unwrap();
    let parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    let cells = grid.cells();
    let counts = (0..2 * cells).map(|i| (i % 7) as f32).collect();
    let noise = tensor(vec![0.3, -1.0, 0.5, 2.0], 2);
    let batch = Batch { counts: tensor(counts, cells), noise, seed: 1, step: 1 };
    let losses = model.losses(&mut Pass::inference(&parameters), &batch, Player::Generator, epoch);
    let part = |name| &losses.parts.iter().find(|(part, _)| *part == name).unwrap().1;
    [&losses.total, part("reconstruction"), part("kl")].map(scalar)
}

#[test]
fn the_layers_are_those_of_the_reference() {
    let config = VaeConfig { output_norm: true, ..VaeConfig::default() };
    let model = config.check(&Grid::standard(2).unwrap()).unwrap();
    let trained = |specs: &[TensorSpec]| -> usize {
        specs.iter().filter(|s| s.is_trained()).map(TensorSpec::len).sum()
    };
    // Convolutions, their biases and normalisations; the linear layers; the way back.
    let encoder = (36 + 3) * 16 + (16 * 25 + 3) * 32 + (32 * 25 + 3) * 64 + (64 * 16 + 3) * 128;
    let bottleneck = 129 * 3000 + 2 * 3001 * 300;
    let decoder = 301 * 3000
        + 3001 * 128
        + (128 * 16 + 3) * 64
        + (64 * 25 + 3) * 32
        + (32 * 25 + 3) * 16
        + (16 * 36 + 3);
    assert_eq!(trained(&model.tensors()), encoder + bottleneck + decoder);
    let shape = |name: &str| model.tensors().into_iter().find(|spec| spec.name == name).unwrap().shape;
    assert_eq!(shape("encoder.conv2.weight"), [32, 16, 5, 5]);
    assert_eq!(shape("decoder.conv4.weight"), [16, 1, 6, 6]);
    assert_eq!(shape("bottleneck.mu.weight"), [300, 3000]);
    let volume = VaeConfig { dims: 3, ..VaeConfig::default() }.check(&Grid::standard(3).unwrap()).unwrap();
    let kernel = volume.tensors().into_iter().find(|spec| spec.name == "encoder.conv2.weight").unwrap();
    assert_eq!(kernel.shape, [32, 16, 5, 5, 5]);
}

#[test]
fn one_code_path_serves_all_dimensions() {
    for dims in 1..=3 {
        let [total, reconstruction, kl] = losses(&tiny(dims), 0);
        assert!(reconstruction > 0.0 && kl > 0.0);
        assert!((total - reconstruction - kl).abs() < 1e-4 * total);
    }
}

#[test]
fn beta_weighs_and_capacity_takes_the_place_of_the_divergence() {
    let warm_up = Schedule { start: 0.5, slope: 0.25, stop: Some(2.0) };
    let config = VaeConfig { beta: warm_up, ..tiny(2) };
    for (epoch, beta) in [(0, 0.5), (2, 1.0), (100, 2.0)] {
        let [total, reconstruction, kl] = losses(&config, epoch);
        assert!((total - reconstruction - beta * kl).abs() < 1e-4 * total, "epoch {epoch}");
    }
    // The capacity term acts: it changes the loss by itself, with the epoch, and on both sides of the divergence.
    let [_, reconstruction, kl] = losses(&config, 0);
    let capacity = Schedule { start: 0.0, slope: 10.0 * kl, stop: None };
    let config = VaeConfig { beta: Schedule::constant(1.5), capacity: Some(capacity), ..tiny(2) };
    for (epoch, penalty) in [(0, kl), (1, 9.0 * kl), (2, 19.0 * kl)] {
        let [total, ..] = losses(&config, epoch);
        assert!((total - reconstruction - 1.5 * penalty).abs() < 1e-4 * total, "epoch {epoch}");
    }
}

#[test]
fn the_divergence_is_a_sum_of_nats_or_the_references_mean() {
    // KL(N(1, 1) ‖ N(0, 1)) = 1/2; KL(N(0, e) ‖ N(0, 1)) = (e − 2) / 2.
    let (mean, logvar) = (tensor(vec![1.0, 0.0], 2), tensor(vec![0.0, 1.0], 2));
    let sum = 0.5 + (std::f64::consts::E - 2.0) / 2.0;
    let nats = nats(mean, logvar);
    assert!((scalar(&divergence(Likelihood::Multinomial, nats.clone())) - sum).abs() < 1e-6);
    assert!((scalar(&divergence(Likelihood::Mse, nats)) - sum / 2.0).abs() < 1e-6);
}

#[test]
fn the_multinomial_loss_is_in_nats_of_an_avalanche() {
    // Two avalanches: 3 electrons at p = 1/4, and 2 at 1/2.
    let log_p = tensor([0.25f32, 0.75, 0.5, 0.5].map(f32::ln).into(), 2);
    let counts = tensor(vec![3.0, 0.0, 1.0, 1.0], 2);
    let nats = f64::midpoint(3.0 * 4f64.ln(), 2.0 * 2f64.ln());
    assert!(
        (scalar(&reconstruction(Likelihood::Multinomial, log_p, counts.clone(), counts)) - nats).abs() < 1e-6
    );
}

#[test]
fn decoded_shapes_are_probabilities_or_counts() {
    let grid = grid(2, 8);
    let noise = || tensor(vec![0.1, 0.2, -1.0, 1.0], 2);
    let shapes = |config: &VaeConfig| {
        let model = config.check(&grid).unwrap();
        let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
        model.prepare(&mut parameters, &filled(&grid));
        let shapes = model.shapes(&mut Pass::inference(&parameters), noise());
        shapes.into_data().try_into_vec::<f32>().unwrap()
    };
    for row in shapes(&tiny(2)).chunks(100) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    for input in [Scaling::Raw, Scaling::Sqrt, Scaling::Log1p] {
        let config = VaeConfig { output: Output::Relu, likelihood: Likelihood::Mse, input, ..tiny(2) };
        assert!(shapes(&config).iter().all(|&count| count >= 0.0 && count.is_finite()));
    }
}

#[test]
fn errors_name_key_value_and_what_is_allowed() {
    let standard = Grid::standard(2).unwrap();
    let error = |config: VaeConfig| config.check(&standard).unwrap_err().to_string();
    let default = VaeConfig::default;
    assert!(
        error(VaeConfig { dims: 3, ..default() })
            .starts_with("model.dims = 3 is not possible: the grid of the data has 2")
    );
    assert!(
        error(VaeConfig { latent: 0, ..default() })
            .starts_with("model.latent = 0 is not possible: must be from 1")
    );
    assert!(error(VaeConfig { strides: vec![2], ..default() }).starts_with("model.strides = [2]"));
    assert!(
        error(VaeConfig { channels: vec![16, 32, 64, 1 << 40], ..default() }).starts_with("model.channels")
    );
    assert!(
        error(VaeConfig { hidden: 65_536, latent: 65_536, ..default() })
            .contains("at most 268435456 are allowed")
    );
    assert!(error(VaeConfig { output: Output::Relu, ..default() }).contains("needs \"softmax\""));
    assert!(
        error(VaeConfig { likelihood: Likelihood::Mse, ..default() }).contains("\"relu\" or \"two_sigmoid\"")
    );
    assert!(
        error(VaeConfig { beta: Schedule::constant(f64::NAN), ..default() })
            .starts_with("model.beta.start = NaN")
    );
    assert!(error(VaeConfig { kernels: vec![6, 5, 5, 5], ..default() }).contains("[92, 92] cells"));
}

#[test]
fn an_unknown_key_is_refused() {
    let read = |text: &str| toml::from_str::<ModelConfig>(text);
    assert_eq!(
        read("family = \"vae\"\nlatent = 8").unwrap(),
        ModelConfig::Vae(VaeConfig { latent: 8, ..VaeConfig::default() })
    );
    assert!(read("family = \"vae\"\nlatnet = 8").unwrap_err().to_string().contains("unknown field `latnet`"));
    assert!(read("family = \"diffusion\"").unwrap_err().to_string().contains("`vae`"));
}

#[test]
fn the_decoder_of_the_cpu_gives_the_shapes_that_the_network_gives() {
    for dims in 1..=3 {
        let grid = grid(dims, 8);
        let outputs = [
            (Output::Softmax, Likelihood::Multinomial, true, false),
            (Output::Relu, Likelihood::Mse, false, true),
            (Output::TwoSigmoid, Likelihood::Mse, true, true),
        ];
        for (output, likelihood, latent_moments, output_norm) in outputs {
            let config = VaeConfig { output, output_norm, latent_moments, likelihood, ..tiny(dims) };
            let model = config.check(&grid).unwrap();
            let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
            model.prepare(&mut parameters, &filled(&grid));
            if latent_moments {
                parameters.set("latent.running_mean", Tensor::from_data([0.5f32, -0.25], &Device::flex()));
                let excess = Tensor::from_data([1.0f32, 0.5, 0.5, 0.25], &Device::flex());
                parameters.set("latent.running_excess", excess);
            }
            let noise = vec![0.1, 0.2, -1.0, 1.0, 3.0, -2.0];
            let got = model.decoder(&parameters, 3).unwrap().weights(&noise).to_vec();
            let mut latent = tensor(noise, 2);
            if let Some(map) = model.latent_map(&parameters) {
                latent = map.apply(latent);
            }
            let shapes = model.shapes(&mut Pass::inference(&parameters), latent);
            let want = shapes.into_data().try_into_vec::<f32>().unwrap();
            for (got, want) in got.chunks(grid.cells()).zip(want.chunks(grid.cells())) {
                // Weights of a softmax are not normalised.
                let scale = want.iter().sum::<f32>() / got.iter().sum::<f32>();
                let largest = want.iter().fold(0f32, |most, x| most.max(*x));
                assert!(
                    output == Output::Softmax || (scale - 1.0).abs() < 1e-5,
                    "{dims}D {output:?}: {scale}"
                );
                for (got, want) in got.iter().zip(want) {
                    assert!(
                        (got * scale - want).abs() <= 2e-5 * largest,
                        "{dims}D {output:?}: {got} for {want}"
                    );
                }
            }
        }
    }
}
