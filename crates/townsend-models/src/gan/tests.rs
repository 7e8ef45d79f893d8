//! Layers, losses and configuration of the GAN on small grids; the numbers of the layers are compared with
//! PyTorch's in `tests/parity.rs`.

use burn_tensor::{Device, Tensor, TensorData};
use townsend_core::{Axis, CountSet, Grid};
use townsend_kernels::Maps;

use super::*;
use crate::{Layers, ModelConfig, Number, Output, Scaling};

fn grid(dims: usize) -> Grid {
    // 12 cells along each axis with the flow bins.
    let bins = if dims == 0 { 1 } else { 10 };
    Grid::new(vec![Axis::uniform(bins, -1.0, 1.0).unwrap(); dims.max(1)]).unwrap()
}

/// A network for 12 cells along each axis.
fn tiny(dims: usize) -> GanConfig {
    let (generator, critic) = if dims < 2 {
        (Layers::new(&[5, 6], &[], &[], &[]), Layers::new(&[6, 5], &[], &[], &[]))
    } else {
        // 3 → 5 → 12; 12 → 5 → 3.
        (
            Layers::new(&[4, 2 * 3usize.pow(dims as u32)], &[3, 1], &[3, 4], &[1, 2]),
            Layers::new(&[7], &[3, 4], &[4, 3], &[2, 1]),
        )
    };
    let (generator, critic) = (Some(generator), Some(critic));
    GanConfig { dims, latent: 3, generator, critic, ..GanConfig::default() }
}

fn avalanches(dims: usize) -> CountSet {
    let mut set = CountSet::new(grid(dims));
    let cells = set.grid().cells() as u32;
    for k in 0..6u32 {
        if dims == 0 {
            set.push([(1, 10 + 7 * k)]);
        } else {
            set.push((0..cells).filter(|cell| (cell + k) % 5 == 1).map(|cell| (cell, 1 + (cell * k) % 4)));
        }
    }
    set
}

fn model(config: &GanConfig) -> (Gan, Parameters) {
    let model = config.check(&grid(config.dims)).unwrap();
    let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    model.prepare(&mut parameters, &avalanches(config.dims));
    (model, parameters)
}

fn tensor(values: Vec<f32>, columns: usize) -> Tensor<2> {
    let rows = values.len() / columns;
    Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex())
}

fn batch(config: &GanConfig) -> Batch {
    let set = avalanches(config.dims);
    let cells = set.grid().cells();
    let mut dense = vec![0.0; set.len() * cells];
    for (avalanche, row) in set.iter().zip(dense.chunks_mut(cells)) {
        avalanche.fill(row);
    }
    let noise = standard_normal(1, GENERATOR_NOISE, 7, set.len() * config.latent);
    Batch { counts: tensor(dense, cells), noise: tensor(noise, config.latent), seed: 1, step: 3 }
}

/// All combinations of the switches that a critic has, in all dimensions.
fn all() -> Vec<GanConfig> {
    let mut all = Vec::new();
    for dims in 0..=3 {
        for switches in 0..8 {
            let on = |bit: u32| switches >> bit & 1 == 1;
            all.push(GanConfig {
                minibatch_discrimination: on(0),
                label: on(1),
                spectral_norm: on(2),
                dropout: if on(2) { 0.3 } else { 0.0 },
                ..tiny(dims)
            });
        }
    }
    all
}

/// Cells and observables of a batch, as the critic sees them.
fn seen(model: &Gan, parameters: &Parameters, config: &GanConfig) -> (Tensor<2>, Option<Tensor<2>>) {
    let seen = model.real(&Pass::inference(parameters), &batch(config));
    (seen.cells, model.critic.seen(|| seen.observables))
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

#[test]
fn the_input_gradient_is_what_automatic_differentiation_gives() {
    for config in all() {
        let (model, parameters) = model(&config);
        let tracked = parameters.tracked(|_| true);
        let (cells, observables) = seen(&model, &parameters, &config);
        let batch = batch(&config);
        let with = (&batch, DROPOUTS[2]);

        let mut pass = Pass::training(&tracked);
        model.critic.begin(&mut pass);
        let (x, o) = (
            cells.clone().autodiff().require_grad(),
            observables.clone().map(|observables| observables.autodiff().require_grad()),
        );
        let gradients = model.critic.judge(&mut pass, x.clone(), o.clone(), with).score.sum().backward();
        let want = x.grad(&gradients).unwrap();
        let want = match o {
            Some(o) => Tensor::cat(vec![want, o.grad(&gradients).unwrap()], 1),
            None => want,
        };
        let mut pass = Pass::training(&tracked);
        model.critic.begin(&mut pass);
        let got = model.critic.gradient(&mut pass, &cells, observables, with);
        let (got, want) = (host(got.inner()), host(want));
        assert_eq!(got.len(), want.len());
        let largest = want.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!(largest > 1e-4);
        for (got, want) in got.iter().zip(&want) {
            assert!((got - want).abs() < 1e-5 * largest.max(1e-2), "{config:?}: {got} for {want}");
        }
    }
}

/// The penalty with one weight of a tensor moved by `step`.
fn penalty_at(
    model: &Gan,
    parameters: &Parameters,
    config: &GanConfig,
    moved: Option<(&str, usize, f32)>,
) -> f64 {
    let mut parameters = parameters.clone();
    if let Some((name, index, step)) = moved {
        let mut values = parameters.values(name);
        values[index] += step;
        let shape = [values.len()];
        parameters.set(name, Tensor::from_data(TensorData::new(values, shape), &Device::flex()));
    }
    let tracked = parameters.tracked(|_| true);
    let mut pass = Pass::training(&tracked);
    model.critic.begin(&mut pass);
    let (cells, observables) = seen(model, &parameters, config);
    let batch = batch(config);
    let gradient = model.critic.gradient(&mut pass, &cells, observables, (&batch, DROPOUTS[2]));
    f64::from(penalty(gradient).into_scalar::<f32>())
}

#[test]
fn the_penalty_has_the_derivatives_that_finite_differences_give() {
    // With minibatch discrimination signs of differences flip within every step that single precision can
    // resolve; there PyTorch's double backward is the judge (`tests/parity.rs`).
    for config in all().into_iter().filter(|config| !config.spectral_norm && !config.minibatch_discrimination)
    {
        let (model, parameters) = model(&config);
        let tracked = parameters.tracked(|name| model.player(name) == Player::Critic);
        let mut pass = Pass::training(&tracked);
        let (cells, observables) = seen(&model, &parameters, &config);
        let batch = batch(&config);
        let gradient = model.critic.gradient(&mut pass, &cells, observables, (&batch, DROPOUTS[2]));
        let mut gradients = penalty(gradient).backward();
        let names: Vec<String> = parameters.trained().map(|spec| spec.name.clone()).collect();
        let names: Vec<String> =
            names.into_iter().filter(|name| model.player(name) == Player::Critic).collect();
        let found = tracked.gradients(&names, &mut gradients);
        let found: Vec<(String, Vec<f32>)> = names.into_iter().zip(found.into_iter().map(host)).collect();
        let largest = found.iter().flat_map(|(_, values)| values).fold(0f32, |most, x| most.max(x.abs()));
        for (name, values) in &found {
            // The largest derivative of each tensor: others drown in the rounding of differences in single
            // precision.
            let greatest =
                values.iter().map(|x| x.abs()).enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            let index = greatest.0;
            let difference = |step: f32| {
                let at = |step| penalty_at(&model, &parameters, &config, Some((name, index, step)));
                (at(step) - at(-step)) / f64::from(2.0 * step)
            };
            // Steps of several lengths, as the sign of something may flip within one.
            let errors = [3e-3, 1e-3, 1e-4].map(|step| (difference(step) - f64::from(values[index])).abs());
            let error = errors.into_iter().fold(f64::INFINITY, f64::min);
            assert!(
                error < 0.02 * f64::from(largest) + 1e-3,
                "{config:?} {name}[{index}]: off by {error:e} of {}",
                values[index]
            );
        }
    }
}

#[test]
fn every_combination_trains_both_players() {
    let losses =
        [AdversarialLoss::Bce, AdversarialLoss::Lsgan, AdversarialLoss::WganClip, AdversarialLoss::WganGp];
    for switches in all() {
        for loss in losses {
            for rest in 0..8 {
                let on = |bit: u32| rest >> bit & 1 == 1;
                trains_both(&GanConfig {
                    loss,
                    feature_matching: on(0),
                    noise: if on(1) { Noise::Uniform } else { Noise::Normal },
                    output: if on(2) { Output::TwoSigmoid } else { Output::Softmax },
                    ..switches.clone()
                });
            }
        }
    }
}

/// Each player's loss has finite gradients, not all 0.
fn trains_both(config: &GanConfig) {
    let (model, parameters) = model(config);
    for player in [Player::Critic, Player::Generator] {
        let tracked = parameters.tracked(|name| model.player(name) == player);
        let losses = model.losses(&mut Pass::training(&tracked), &batch(config), player, 0);
        let mut gradients = losses.total.backward();
        let trained = parameters.trained().filter(|spec| model.player(&spec.name) == player);
        let names: Vec<String> = trained.map(|spec| spec.name.clone()).collect();
        let found: Vec<f32> = tracked.gradients(&names, &mut gradients).into_iter().flat_map(host).collect();
        assert!(found.iter().all(|x| x.is_finite()), "{config:?} {player:?}");
        assert!(found.iter().any(|x| *x != 0.0), "{config:?} {player:?} does not learn");
    }
}

#[test]
fn minibatch_discrimination_counts_the_others_that_are_near() {
    // All avalanches alike: each has 5 others at distance 0. Far apart: none.
    let config = GanConfig { minibatch_discrimination: true, label: false, ..tiny(2) };
    let (model, parameters) = model(&config);
    let minibatch = model.critic.minibatch.unwrap();
    let pass = Pass::inference(&parameters);
    let features = model.critic.features();
    let same = tensor(vec![0.3; 6 * features], features);
    let sums = host(model.critic.closeness(&pass, minibatch, &same).sums());
    assert!(sums.iter().all(|sum| (sum - 5.0).abs() < 1e-5), "{sums:?}");
    let apart: Vec<f32> =
        (0..6 * features).map(|i| 100.0 * (i * i % 17) as f32 * (i / features) as f32).collect();
    let sums = host(model.critic.closeness(&pass, minibatch, &tensor(apart, features)).sums());
    assert!(sums.iter().all(|sum| sum.abs() < 1e-5), "{sums:?}");
}

#[test]
fn a_spectral_norm_makes_the_largest_singular_value_1() {
    let config = GanConfig { spectral_norm: true, ..tiny(1) };
    let (model, mut parameters) = model(&config);
    let name = "critic.linear2.weight";
    for _ in 0..200 {
        let tracked = parameters.tracked(|_| true);
        let mut pass = Pass::training(&tracked);
        model.critic.begin(&mut pass);
        pass.running().into_iter().for_each(|(name, value)| parameters.set(&name, value));
    }
    let mut pass = Pass::inference(&parameters);
    model.critic.begin(&mut pass);
    let weight = nalgebra::DMatrix::from_row_slice(5, 6, &host(pass.flat(name)));
    assert!((weight.singular_values()[0] - 1.0).abs() < 1e-4);
}

#[test]
fn weights_are_clipped_for_the_critic_alone() {
    let config = GanConfig { loss: AdversarialLoss::WganClip, clip: 0.02, ..tiny(2) };
    let (model, mut parameters) = model(&config);
    let before = parameters.values("generator.linear1.weight");
    model.constrain(&mut parameters, Player::Critic);
    assert!(parameters.values("critic.conv1.weight").iter().all(|w| w.abs() <= 0.02));
    assert!(parameters.values("critic.conv1.weight").iter().any(|w| w.abs() == 0.02));
    assert_eq!(parameters.values("generator.linear1.weight"), before);
}

#[test]
fn uniform_noise_is_the_distribution_function_of_normal_noise() {
    let (model, _) = model(&GanConfig { noise: Noise::Uniform, ..tiny(2) });
    let got = host(model.shaped(tensor(vec![-8.0, 0.0, 1.0], 3)));
    for (got, want) in got.iter().zip([0.0, 0.5, 0.841_344_7]) {
        assert!((got - want).abs() < 1e-5);
    }
}

#[test]
fn observables_are_those_of_the_avalanche() {
    let (model, parameters) = model(&tiny(2));
    let mut counts = vec![0.0; 144];
    // Cells of 0.2 from −1: bins 1 and 3 of x (−0.9 and −0.5) and bin 4 of z.
    counts[4 * 12 + 1] = 1.0;
    counts[4 * 12 + 3] = 3.0;
    let raw = host(model.batch_observables.of(&Pass::inference(&parameters), &tensor(counts, 144)));
    let [mean, std] = ["observables.mean", "observables.std"].map(|name| parameters.values(name));
    let values: Vec<f32> =
        raw.iter().zip(mean.iter().zip(&std)).map(|(x, (mean, std))| x * std + mean).collect();
    let width = 0.2f32 * (0.75f32).sqrt() * 1.0;
    for (got, want) in values.iter().zip([5f32.ln(), -0.6, -0.3, width, 1e-4]) {
        assert!((got - want).abs() < 1e-4, "{values:?}");
    }
}

#[test]
fn without_axes_it_makes_numbers_of_electrons() {
    let config = tiny(0);
    let (model, parameters) = model(&config);
    assert!(model.draws_size());
    let shapes = host(model.shapes(&mut Pass::inference(&parameters), tensor(vec![0.1, 1.0, -2.0], 3)));
    assert!(shapes.len() == 3 && shapes[0] == 0.0 && shapes[1] > 1.0 && shapes[2] == 0.0, "{shapes:?}");
}

#[test]
fn the_layouts_fit_the_standard_grid() {
    let gan = |dims, layout| GanConfig { dims, layout, ..GanConfig::default() };
    let grid = |dims: usize| Grid::standard(dims.max(1)).unwrap();
    for (dims, layout) in [
        (1, Layout::Reference),
        (2, Layout::Reference),
        (2, Layout::Smooth),
        (3, Layout::Reference),
        (3, Layout::Deep),
        (3, Layout::Smooth),
    ] {
        gan(dims, layout).check(&grid(dims)).unwrap();
    }
    let model = gan(3, Layout::Reference).check(&grid(3)).unwrap();
    let shape = |name: &str| model.tensors().into_iter().find(|spec| spec.name == name).unwrap().shape;
    assert_eq!(shape("generator.conv1.weight"), [128, 64, 3, 3, 3]);
    assert_eq!(shape("critic.score1.weight"), [1, 512 + 7]);
}

#[test]
fn errors_name_key_value_and_what_is_allowed() {
    let error = |config: GanConfig| config.check(&grid(config.dims)).unwrap_err().to_string();
    assert!(
        error(GanConfig { latent: 0, ..tiny(2) })
            .starts_with("model.latent = 0 is not possible: must be from 1")
    );
    assert!(error(GanConfig { critic_steps: 0, ..tiny(2) }).starts_with("model.critic_steps = 0"));
    assert!(error(GanConfig { made_target: 1.5, ..tiny(2) }).starts_with("model.made_target = 1.5"));
    assert!(error(GanConfig { clip: f64::NAN, ..tiny(2) }).starts_with("model.clip = NaN"));
    assert!(error(GanConfig { generator: None, ..tiny(2) }).contains("[12, 12] cells"));
    assert!(
        error(GanConfig { critic: Some(Layers::new(&[], &[3], &[4, 3], &[2])), ..tiny(2) })
            .starts_with("model.critic = ")
    );
    assert!(
        error(GanConfig { generator: Some(Layers::new(&[7], &[1], &[4], &[2])), ..tiny(2) })
            .contains("a multiple of 25")
    );
    let standard = Grid::standard(3).unwrap();
    let message = GanConfig::default().check(&standard).unwrap_err().to_string();
    assert!(message.starts_with("model.dims = 2 is not possible: the grid of the data has 3"), "{message}");
}

#[test]
fn a_configuration_is_read_as_it_is_written() {
    let config: ModelConfig = toml::from_str("family = \"gan\"\nloss = \"lsgan\"\ninput = \"raw\"").unwrap();
    let want = GanConfig { loss: AdversarialLoss::Lsgan, input: Scaling::Raw, ..GanConfig::default() };
    assert_eq!(config, ModelConfig::Gan(want));
}

#[test]
fn symptoms_are_told() {
    let (model, _) = model(&tiny(2));
    let means = |name: &str, value| Numbers::from([(name.to_owned(), Number::One(value))]);
    assert!(model.symptoms(&means("critic_accuracy", 0.9)).is_empty());
    assert!(model.symptoms(&means("critic_accuracy", 1.0))[0].contains("always right"));
    assert!(model.symptoms(&means("diversity", 0.01))[0].contains("collapsed"));
}

#[test]
fn the_decoder_of_the_cpu_gives_the_shapes_that_the_network_gives() {
    for dims in 0..=3 {
        for (layout, noise, output) in [
            (Layout::Smooth, Noise::Normal, Output::Softmax),
            (Layout::Reference, Noise::Uniform, Output::Relu),
            (Layout::Reference, Noise::Normal, Output::TwoSigmoid),
        ] {
            let log_density_polynomial = dims > 0 && output == Output::Softmax;
            let config = GanConfig { noise, layout, log_density_polynomial, output, ..tiny(dims) };
            let (model, mut parameters) = model(&config);
            // Running statistics as after a training, where there are any.
            for spec in model.tensors() {
                if ["running", "tilt", "bias"].iter().any(|part| spec.name.contains(part)) {
                    parameters.change(&spec.name, |values| {
                        for (i, value) in values.iter_mut().enumerate() {
                            *value += 0.1 * (1 + i % 3) as f32;
                        }
                    });
                }
            }
            let sampler = model.sampler(&parameters);
            let normal = standard_normal(1, GENERATOR_NOISE, 3, 4 * model.noise());
            let points: Vec<f32> = normal.chunks(model.noise()).flat_map(|x| sampler.point(x)).collect();
            let shaped = host(model.shaped(tensor(normal, model.noise())));
            assert!(points.iter().zip(&shaped).all(|(a, b)| (a - b).abs() < 1e-6), "{points:?} {shaped:?}");
            let got = model.decoder(&parameters, 4).weights(&points, &mut Maps::default()).to_vec();
            let want =
                host(model.shapes(&mut Pass::inference(&parameters), tensor(points, sampler.inputs())));
            let cells = grid(dims).cells();
            for (got, want) in got.chunks(cells).zip(want.chunks(cells)) {
                // Weights of a softmax are not normalised.
                let scale = want.iter().sum::<f32>() / got.iter().sum::<f32>();
                let normalised = dims > 0 && output == Output::Softmax;
                assert!(normalised || (scale - 1.0).abs() < 1e-4, "{config:?}: {scale}");
                let largest = want.iter().fold(0f32, |most, x| most.max(*x));
                assert!(largest > 0.0);
                for (got, want) in got.iter().zip(want) {
                    assert!((got * scale - want).abs() <= 2e-5 * largest, "{config:?}: {got} for {want}");
                }
            }
        }
    }
}
