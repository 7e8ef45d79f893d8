//! Layers, losses and configuration of the InfoGAN on small grids; the numbers of the layers are compared
//! with PyTorch's in `tests/parity.rs`.

use burn_tensor::Device;
use townsend_core::{Axis, CountSet};
use townsend_kernels::Maps;

use super::*;
use crate::{Layers, ModelConfig, Output, Scaling};

fn grid(dims: usize) -> Grid {
    // 12 cells along each axis with the flow bins.
    Grid::new(vec![Axis::uniform(10, -1.0, 1.0).unwrap(); dims]).unwrap()
}

/// A network for 12 cells along each axis: 3 → 5 → 12; 12 → 6 → 3.
fn tiny(dims: usize) -> InfoGanConfig {
    InfoGanConfig {
        dims,
        noise: 3,
        classes: 4,
        codes: 2,
        generator: Layers::new(&[5, 2 * 3usize.pow(dims as u32)], &[3, 1], &[3, 4], &[1, 2]),
        critic: Layers::new(&[], &[3, 4], &[3, 3], &[2, 2]),
        ..InfoGanConfig::default()
    }
}

fn model(config: &InfoGanConfig) -> (InfoGan, Parameters) {
    let model = config.check(&grid(config.dims)).unwrap();
    let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    let mut set = CountSet::new(grid(config.dims));
    let cells = set.grid().cells() as u32;
    for k in 0..4 {
        set.push((0..cells).filter(|cell| (cell + k) % 3 == 1).map(|cell| (cell, 1 + cell % 4)));
    }
    model.prepare(&mut parameters, &set);
    (model, parameters)
}

fn tensor(values: Vec<f32>, columns: usize) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex())
}

fn batch(model: &InfoGan) -> Batch {
    let counts = (0..4 * model.cells).map(|i| ((i * i) % 5) as f32).collect();
    let noise = standard_normal(1, GENERATOR_NOISE, 7, 4 * model.noise());
    Batch { counts: tensor(counts, model.cells), noise: tensor(noise, model.noise()), seed: 1, step: 3 }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[test]
fn the_layers_are_those_of_the_reference() {
    let model = InfoGanConfig::default().check(&Grid::standard(3).unwrap()).unwrap();
    let shape = |name: &str| model.tensors().into_iter().find(|spec| spec.name == name).unwrap().shape;
    assert_eq!(shape("generator.linear1.weight"), [2048, 74]);
    assert_eq!(shape("generator.linear2.weight"), [1024, 2048]);
    assert_eq!(shape("generator.conv1.weight"), [128, 64, 3, 3, 3]);
    assert_eq!(shape("generator.norm3.weight"), [16]);
    assert_eq!(shape("generator.conv4.weight"), [16, 1, 6, 6, 6]);
    assert_eq!(shape("critic.conv4.weight"), [128, 64, 3, 3, 3]);
    assert_eq!(shape("critic.class.weight"), [10, 128 * 6 * 6 * 6]);
    let names: Vec<String> = model.tensors().into_iter().map(|spec| spec.name).collect();
    let has = |name: &str| names.iter().any(|other| other == name);
    assert!(!has("critic.norm1.weight") && has("critic.norm2.weight") && !has("generator.norm4.weight"));
    let mean = |name: &str, parameters: &Parameters| {
        let values = parameters.values(name);
        values.iter().sum::<f32>() / values.len() as f32
    };
    let (_, parameters) = self::model(&tiny(3));
    assert!((mean("critic.norm2.weight", &parameters) - 1.0).abs() < 0.05);
    assert!(mean("generator.conv1.weight", &parameters).abs() < 0.01);
}

#[test]
fn it_is_told_one_class_and_codes_from_minus_one_to_one() {
    let (model, _) = model(&InfoGanConfig { noise: 1, codes: 1, ..tiny(2) });
    let numbers = standard_normal(1, GENERATOR_NOISE, 0, 6 * 4000);
    let told = model.told(&tensor(numbers, 6));
    let classes = host(told.clone().slice([0..4000, 1..5]));
    let mut of_class = [0.0f32; 4];
    for row in classes.chunks(4) {
        assert_eq!(row.iter().sum::<f32>(), 1.0);
        of_class.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    // 1000 each, with a standard deviation of 27.
    assert!(of_class.iter().all(|n| (n - 1000.0).abs() < 125.0), "{of_class:?}");
    let codes = host(told.slice([0..4000, 5..6]));
    assert!(codes.iter().all(|code| code.abs() <= 1.0));
    let second = codes.iter().map(|code| code * code).sum::<f32>() / 4000.0;
    assert!((second - 1.0 / 3.0).abs() < 0.025, "the variance of a uniform number from −1 to 1: {second}");
}

#[test]
fn both_players_learn_and_the_generator_learns_to_be_guessed() {
    for dims in [2, 3] {
        for (output, input, joined) in
            [(Output::Softmax, Scaling::Log1p, true), (Output::Relu, Scaling::Raw, false)]
        {
            let (model, parameters) = model(&InfoGanConfig {
                output,
                input,
                label: joined,
                minibatch_discrimination: joined,
                critic: Layers { linear: if joined { vec![6] } else { vec![] }, ..tiny(dims).critic },
                ..tiny(dims)
            });
            let batch = batch(&model);
            for player in [Player::Generator, Player::Critic] {
                let tracked = parameters.tracked(|name| model.player(name) == player);
                let losses = model.losses(&mut Pass::training(&tracked), &batch, player, 0);
                let mut gradients = losses.total.backward();
                let names: Vec<String> = parameters.trained().map(|spec| spec.name.clone()).collect();
                let names: Vec<_> = names.into_iter().filter(|name| model.player(name) == player).collect();
                let found = tracked.gradients(&names, &mut gradients).into_iter().map(host);
                for (name, gradient) in names.iter().zip(found) {
                    let moves = gradient.iter().any(|g| *g != 0.0);
                    assert!(moves || name.ends_with("bias"), "{dims}D {output:?} {player:?}: {name}");
                }
            }
            let (guessed, wrong) = information(&model);
            assert!(guessed < 0.01 && wrong > 1.0);
        }
    }
}

/// The loss of guesses that are right, and of such that are not.
fn information(model: &InfoGan) -> (f32, f32) {
    let told = model.told(&batch(model).noise);
    let loss = |sign: f64| {
        let judged = Judged {
            validity: tensor(vec![0.0; 4], 1),
            classes: told.clone().slice([0..4, 3..7]) * (20.0 * sign),
            codes: told.clone().slice([0..4, 7..9]) * sign,
        };
        model.information(&judged, &told).into_iter().map(|loss| loss.into_scalar::<f32>()).sum()
    };
    (loss(1.0), loss(-1.0))
}

#[test]
fn shapes_are_those_that_it_is_trained_for() {
    let (model, parameters) = model(&tiny(2));
    let batch = batch(&model);
    let weights = host(model.shapes(&mut Pass::inference(&parameters), model.told(&batch.noise)));
    for row in weights.chunks(model.cells) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-4 && row.iter().all(|w| *w > 0.0));
    }
}

#[test]
fn errors_name_key_value_and_what_is_allowed() {
    let error = |change: fn(&mut InfoGanConfig)| {
        let mut config = tiny(2);
        change(&mut config);
        config.check(&grid(2)).unwrap_err().key
    };
    assert_eq!(error(|c| c.dims = 3), "model.dims");
    assert_eq!(error(|c| c.classes = 0), "model.classes");
    assert_eq!(error(|c| c.leak = 1.0), "model.leak");
    assert_eq!(error(|c| c.code_weight = 0.0), "model.code_weight");
    assert_eq!(error(|c| c.output = Output::Exp), "model.output");
    assert_eq!(error(|c| c.generator.linear = vec![7]), "model.generator");
    assert_eq!(error(|c| c.generator.strides = vec![1, 5]), "model.generator");
    assert_eq!(error(|c| c.critic.linear = vec![0]), "model.critic");
    assert_eq!(error(|c| c.critic.kernels = vec![3, 50]), "model.critic");
    let read = toml::from_str::<ModelConfig>("family = \"infogan\"\nclasses = 3").unwrap();
    assert_eq!(read, ModelConfig::InfoGan(InfoGanConfig { classes: 3, ..InfoGanConfig::default() }));
}

#[test]
fn the_decoder_of_the_cpu_gives_the_shapes_that_the_network_gives() {
    for dims in [2, 3] {
        for output in [Output::Softmax, Output::Relu] {
            let log_density_polynomial = output == Output::Softmax;
            let (model, mut parameters) =
                model(&InfoGanConfig { log_density_polynomial, output, ..tiny(dims) });
            for spec in model.tensors() {
                if spec.name.contains("running") || spec.name.contains("tilt") {
                    parameters.change(&spec.name, |values| {
                        for (i, value) in values.iter_mut().enumerate() {
                            *value += 0.02 * (i % 7) as f32;
                        }
                    });
                }
            }
            let sampler = model.sampler(&parameters);
            let normal = standard_normal(1, GENERATOR_NOISE, 3, 4 * model.noise());
            let points: Vec<f32> = normal.chunks(model.noise()).flat_map(|x| sampler.point(x)).collect();
            let told = host(model.told(&tensor(normal, model.noise())));
            assert!(points.iter().zip(&told).all(|(a, b)| (a - b).abs() < 1e-6), "{points:?} {told:?}");
            let got = model.decoder(&parameters, 4).weights(&points, &mut Maps::default()).to_vec();
            let want =
                host(model.shapes(&mut Pass::inference(&parameters), tensor(points, sampler.inputs())));
            for (got, want) in got.chunks(model.cells).zip(want.chunks(model.cells)) {
                let scale = want.iter().sum::<f32>() / got.iter().sum::<f32>();
                assert!(output == Output::Softmax || (scale - 1.0).abs() < 1e-4, "{dims}D: {scale}");
                let largest = want.iter().fold(0f32, |most, x| most.max(*x));
                assert!(got.iter().zip(want).all(|(got, want)| (got * scale - want).abs() <= 2e-5 * largest));
            }
        }
    }
}
