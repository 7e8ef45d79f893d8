//! Layers, losses and configuration of the VAE on small grids; the numbers of the layers are compared with
//! PyTorch's in `tests/parity.rs`.

use burn_tensor::{Device, Tensor, TensorData};
use townsend_core::{Axis, CountSet, Grid};
use townsend_kernels::Maps;

use super::*;
use crate::{ModelConfig, Output, Scaling, Schedule};

fn grid(dims: usize, bins: u32) -> Grid {
    Grid::new(vec![Axis::uniform(bins, -1.0, 1.0).unwrap(); dims]).unwrap()
}

/// A network for 8 bins along each axis.
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
    // The third chooses a Gaussian of the sampler.
    let noise = tensor(vec![0.3, -1.0, 0.0, 0.5, 2.0, 0.0], 3);
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
    // The capacity term acts: it changes the loss by itself, with the epoch, and on both sides of the
    // divergence.
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
    let counts = VaeConfig { output: Output::Relu, likelihood: Likelihood::Mse, ..default() };
    assert!(
        error(VaeConfig { log_density_polynomial: true, ..counts })
            .starts_with("model.log_density_polynomial = true")
    );
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
fn the_loss_of_the_cpu_is_that_of_the_operations_with_its_derivatives() {
    let grid = grid(2, 8);
    let cells = grid.cells();
    let decoded: Vec<f32> = (0..2 * cells).map(|i| ((i * 7) % 11) as f32 * 0.3 - 1.5).collect();
    let counts = tensor((0..2 * cells).map(|i| (i % 4) as f32).collect(), cells);
    for (output, likelihood) in OUTPUTS {
        let model = VaeConfig { output, likelihood, ..tiny(2) }.check(&grid).unwrap();
        let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
        model.prepare(&mut parameters, &filled(&grid));
        let tracked = parameters.tracked(|_| true);
        let pass = Pass::training(&tracked);
        let profile = || pass.values(PROFILE);
        let input = || tensor(decoded.clone(), cells).autodiff().require_grad();
        let (fused, operations) = (input(), input());
        let one = loss::of_decoded(output, &fused, &counts, &counts, profile).unwrap();
        let made = output.apply(&pass, operations.clone());
        let other =
            loss::reconstruction(likelihood, made, counts.clone().autodiff(), counts.clone().autodiff());
        let (a, b) = (scalar(&one.clone().inner()), scalar(&other.clone().inner()));
        assert!((a - b).abs() < 1e-5 * b.abs(), "{output:?}: {a} for {b}");
        let [got, want] = [(one, fused), (other, operations)].map(|(loss, by)| {
            let gradient = by.grad(&loss.backward()).unwrap();
            gradient.into_data().try_into_vec::<f32>().unwrap()
        });
        let largest = want.iter().fold(0f32, |most, x| most.max(x.abs()));
        assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-5 * largest), "{output:?}");
    }
}

const OUTPUTS: [(Output, Likelihood); 4] = [
    (Output::Softmax, Likelihood::Multinomial),
    (Output::Exp, Likelihood::Poisson),
    (Output::Relu, Likelihood::Mse),
    (Output::TwoSigmoid, Likelihood::Mse),
];

/// A VAE with a critic, its initial weights, and two avalanches.
fn with_adversary(loss: AdversaryLoss, output: Output, likelihood: Likelihood) -> (Vae, Parameters, Batch) {
    let layers = crate::Layers::new(&[5], &[2, 3], &[4, 4], &[2, 1]);
    let adversary = Some(AdversaryConfig { loss, weight: 3.0, every: 2, layers });
    let grid = grid(2, 8);
    let config = VaeConfig { output, likelihood, adversary, ..tiny(2) };
    let model = config.check(&grid).unwrap();
    let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    model.prepare(&mut parameters, &filled(&grid));
    let counts = (0..2 * grid.cells()).map(|i| ((i * i) % 7) as f32).collect();
    let noise = tensor(vec![0.3, -1.0, 0.5, 2.0, -0.4, 0.1], 3);
    (model, parameters, Batch { counts: tensor(counts, grid.cells()), noise, seed: 1, step: 1 })
}

#[test]
fn an_adversary_teaches_the_decoder_and_is_taught() {
    for (output, likelihood) in OUTPUTS {
        for loss in [AdversaryLoss::CrossEntropy, AdversaryLoss::Feature] {
            let (model, parameters, batch) = with_adversary(loss, output, likelihood);
            assert_eq!(model.moves(0, 1), [Player::Generator], "it takes part in every other epoch");
            assert_eq!(model.moves(1, 1), [Player::Critic, Player::Generator]);
            let total = |parameters: &Parameters, player, epoch| {
                let losses = model.losses(&mut Pass::training(parameters), &batch, player, epoch);
                let part = |name| losses.parts.iter().find(|(part, _)| *part == name);
                let adversary = part("adversary").map(|(_, value)| scalar(&value.clone().inner()));
                (scalar(&losses.total.clone().inner()), adversary, losses.total)
            };
            for player in [Player::Generator, Player::Critic] {
                let tracked = parameters.tracked(|name| model.player(name) == player);
                let (_, _, loss) = total(&tracked, player, 1);
                let mut gradients = loss.backward();
                let names: Vec<String> = parameters.trained().map(|spec| spec.name.clone()).collect();
                let names: Vec<_> = names.into_iter().filter(|name| model.player(name) == player).collect();
                assert!(!names.is_empty());
                let moved = |(name, gradient): (&String, Tensor<1>)| {
                    (name.clone(), scalar(&gradient.abs().max()) > 0.0)
                };
                let moved: Vec<_> =
                    names.iter().zip(tracked.gradients(&names, &mut gradients)).map(moved).collect();
                let still = moved.iter().filter(|(name, moved)| !moved && name.ends_with("weight")).count();
                assert_eq!(still, 0, "{output:?} {loss:?} {player:?}: {moved:?}");
            }
            let tracked = parameters.tracked(|_| true);
            let ((without, nothing, _), (with, added, _)) =
                (total(&tracked, Player::Generator, 0), total(&tracked, Player::Generator, 1));
            assert_eq!(nothing, None);
            let added = added.unwrap();
            assert!(
                added > 0.0 && (with - without - 3.0 * added).abs() < 1e-4 * with.abs(),
                "{with} {without}"
            );
        }
    }
}

#[test]
fn the_adversary_of_the_reference_has_nine_convolutions() {
    let config = VaeConfig { dims: 3, adversary: Some(AdversaryConfig::default()), ..VaeConfig::default() };
    let model = config.check(&Grid::standard(3).unwrap()).unwrap();
    let shape = |name: &str| model.tensors().into_iter().find(|spec| spec.name == name).unwrap().shape;
    assert_eq!(shape("adversary.conv1.weight"), [12, 1, 4, 4, 4]);
    assert_eq!(shape("adversary.conv9.weight"), [128, 96, 3, 3, 3]);
    assert_eq!(shape("adversary.norm9.weight"), [128]);
    assert_eq!(shape("adversary.linear1.weight"), [64, 128]);
    assert_eq!(shape("adversary.score1.weight"), [1, 64]);
}

#[test]
fn latent_points_come_from_where_those_of_avalanches_are() {
    let grid = grid(2, 8);
    for sampler in [SamplerKind::Normal, SamplerKind::Gmm, SamplerKind::Flow] {
        let model = VaeConfig { sampler, components: 1, ..tiny(2) }.check(&grid).unwrap();
        let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
        // Whatever the avalanche, the posterior is N((3, −1), 0.01).
        for (name, values) in [("mu", [3.0f32, -1.0]), ("logvar", [0.01f32.ln(); 2])] {
            parameters.set(&format!("bottleneck.{name}.bias"), Tensor::from_data(values, &Device::flex()));
            let weights = Tensor::zeros([2 * 7], &Device::flex());
            parameters.set(&format!("bottleneck.{name}.weight"), weights);
        }
        let mut batches = (0..50).map(|step| {
            let noise = crate::standard_normal(1, ELECTRONS, step, 4 * model.noise());
            let counts = tensor(vec![1.0; 4 * grid.cells()], grid.cells());
            Batch { counts, noise: tensor(noise, model.noise()), seed: 1, step }
        });
        model.finish_epoch(&mut parameters, &mut batches);
        let point = model.sampler(&parameters).point(&[1.0, -1.0, 0.0][..model.noise()]);
        let want = if sampler == SamplerKind::Normal { [1.0, -1.0] } else { [3.0, -1.0] };
        let near = if sampler == SamplerKind::Normal { 1e-6 } else { 0.25 };
        assert!(point.iter().zip(want).all(|(x, want)| (x - want).abs() < near), "{sampler:?}: {point:?}");
    }
}

#[test]
fn the_decoder_of_the_cpu_gives_the_shapes_that_the_network_gives() {
    for dims in 1..=3 {
        let grid = grid(dims, 8);
        for (output, likelihood) in OUTPUTS {
            let log_density_polynomial = matches!(output, Output::Softmax | Output::Exp);
            let output_norm = output == Output::Relu;
            let config = VaeConfig { log_density_polynomial, output, output_norm, likelihood, ..tiny(dims) };
            let model = config.check(&grid).unwrap();
            let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
            model.prepare(&mut parameters, &filled(&grid));
            if log_density_polynomial {
                parameters.change("decoder.tilt.weight", |weights| {
                    for (i, weight) in weights.iter_mut().enumerate() {
                        *weight = 0.02 * (i % 7) as f32 - 0.05;
                    }
                });
            }
            let latent = vec![0.1, 0.2, -1.0, 1.0, 3.0, -2.0];
            let got = model.decoder(&parameters, 3).weights(&latent, &mut Maps::default()).to_vec();
            let latent = tensor(latent, 2);
            let shapes = model.shapes(&mut Pass::inference(&parameters), latent);
            let want = shapes.into_data().try_into_vec::<f32>().unwrap();
            for (got, want) in got.chunks(grid.cells()).zip(want.chunks(grid.cells())) {
                // Weights of a softmax are not normalised.
                let scale = want.iter().sum::<f32>() / got.iter().sum::<f32>();
                let largest = want.iter().fold(0f32, |most, x| most.max(*x));
                assert!(
                    output == Output::Softmax || output == Output::Exp || (scale - 1.0).abs() < 1e-5,
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
