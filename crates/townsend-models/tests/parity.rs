//! The layers against PyTorch: the files under `parity/` hold weights, inputs, outputs and gradients that
//! PyTorch computed in double precision (the exporters stand beside them).

use std::collections::HashMap;
use std::path::PathBuf;

use burn_tensor::{Device, Tensor, TensorData, activation};
use safetensors::SafeTensors;
use townsend_core::{Axis, Grid};
use townsend_models::gan::{Gan, GanConfig, Layout};
use townsend_models::infogan::{InfoGan, InfoGanConfig};
use townsend_models::vae::{self, Likelihood, Vae, VaeConfig};
use townsend_models::{
    AdversarialLoss, Batch, Layers, NetworkModel, Output, Parameters, Pass, SamplerKind, Scaling,
};

/// Largest deviation of an output relative to the largest output.
const OUTPUT: f32 = 1e-5;
/// Largest deviation of a gradient relative to the largest in its tensor, or to a hundredth of the largest of
/// all: the gradient of a bias before a normalisation is nothing but rounding.
const GRADIENT: f32 = 1e-3;

struct Expected(HashMap<String, (Vec<usize>, Vec<f32>)>);

impl Expected {
    fn load(file: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("parity").join(file);
        let bytes = std::fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let read = |data: &[u8]| data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        Self(
            tensors.iter().map(|(name, t)| (name.to_owned(), (t.shape().to_vec(), read(t.data())))).collect(),
        )
    }

    fn values(&self, name: &str) -> &[f32] {
        &self.0[name].1
    }

    fn tensor(&self, name: &str, device: &Device) -> Tensor<2> {
        let (shape, values) = &self.0[name];
        Tensor::from_data(TensorData::new(values.clone(), [shape[0], shape[1]]), device)
    }

    /// The parameters of a model, those of `stack` as PyTorch had them.
    fn parameters(&self, model: &dyn NetworkModel, stack: &str) -> Parameters {
        let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
        for spec in model.tensors().iter().filter(|spec| spec.name.starts_with(stack)) {
            let (shape, values) = &self.0[&spec.name];
            assert_eq!(shape, &spec.shape, "{}", spec.name);
            parameters.set(
                &spec.name,
                Tensor::from_data(TensorData::new(values.clone(), [spec.len()]), &Device::flex()),
            );
        }
        parameters
    }

    fn compare(&self, name: &str, got: &[f32]) {
        let want = self.values(name);
        let error = deviation(got, want) / largest(want);
        assert!(error < OUTPUT, "{name}: off by {error:e}");
        eprintln!("{name}: {error:.1e}");
    }

    /// Gradients of the sum of outputs, each times its weight in the exporters' `probe`.
    fn compare_gradients(&self, prefix: &str, stack: &str, parameters: &Parameters, output: Tensor<2>) {
        let [rows, columns] = output.dims();
        let probe = (0..rows * columns).map(|n| ((7 * n) % 13) as f32 - 6.0).collect::<Vec<_>>();
        let probe =
            Tensor::<2>::from_data(TensorData::new(probe, [rows, columns]), &Device::flex()).autodiff();
        self.compare_gradients_of(prefix, stack, parameters, &(output * probe).sum());
    }

    /// Gradients of a loss.
    fn compare_gradients_of(&self, prefix: &str, stack: &str, parameters: &Parameters, loss: &Tensor<1>) {
        let mut gradients = loss.backward();
        let names: Vec<_> = parameters.trained().map(|spec| spec.name.clone()).collect();
        let found = names
            .iter()
            .zip(parameters.gradients(&names, &mut gradients))
            .filter(|(name, _)| name.starts_with(stack));
        let found: Vec<_> = found.map(|(name, g)| (format!("{prefix}gradient.{name}"), host(g))).collect();
        let greatest = found.iter().map(|(name, _)| largest(self.values(name))).fold(0.0, f32::max);
        for (name, got) in &found {
            let want = self.values(name);
            let error = deviation(got, want) / largest(want).max(greatest * 1e-2);
            assert!(error < GRADIENT, "{name}: off by {error:e}");
            eprintln!("{name}: {error:.1e}");
        }
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most: f32, v| most.max(v.abs()))
}

fn deviation(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()))
}

/// The networks of `SMALL` in `parity/reference.py`.
fn small(dims: usize, output: Output) -> Vae {
    let (bins, layers) = match dims {
        2 => (90, (vec![2, 3, 4, 5], vec![6, 5, 5, 4], vec![2, 3, 3, 1])),
        _ => (30, (vec![2, 3, 4], vec![6, 5, 4], vec![2, 3, 1])),
    };
    let grid = Grid::new(vec![Axis::uniform(bins, 0.0, 1.0).unwrap(); dims]).unwrap();
    let config = VaeConfig {
        dims,
        channels: layers.0,
        kernels: layers.1,
        strides: layers.2,
        hidden: 12,
        latent: 6,
        output,
        likelihood: if output == Output::Softmax { Likelihood::Multinomial } else { Likelihood::Mse },
        output_norm: true,
        sampler: SamplerKind::Normal,
        ..VaeConfig::default()
    };
    config.check(&grid).unwrap()
}

#[test]
fn encoder() {
    for dims in [2, 3] {
        let expected = Expected::load(&format!("encoder/{dims}d.safetensors"));
        let model = small(dims, Output::Softmax);
        let parameters = expected.parameters(&model, "encoder.");
        let input = expected.tensor("input", &Device::flex());
        expected.compare("inference", &host(model.encode(&mut Pass::inference(&parameters), input.clone())));

        let tracked = parameters.tracked(|_| true);
        let mut pass = Pass::training(&tracked);
        let output = model.encode(&mut pass, input.autodiff());
        expected.compare("training", &host(output.clone()));
        let running = pass.running();
        assert_eq!(running.len(), 2 * (dims + if dims == 2 { 2 } else { 0 }));
        for (name, value) in running {
            expected.compare(&format!("after.{name}"), &host(value));
        }
        expected.compare_gradients("", "encoder.", &tracked, output);
    }
}

#[test]
fn bottleneck() {
    let expected = Expected::load("bottleneck/expected.safetensors");
    let model = small(2, Output::Softmax);
    let parameters = expected.parameters(&model, "bottleneck.").tracked(|_| true);
    let pass = Pass::training(&parameters);
    let input = expected.tensor("input", &Device::flex()).autodiff();
    let (mean, logvar) = model.posterior(&pass, input);
    expected.compare("mean", &host(mean.clone()));
    expected.compare("logvar", &host(logvar.clone()));
    let latent = vae::sample(mean, logvar, expected.tensor("noise", &Device::flex()).autodiff());
    expected.compare("latent", &host(latent.clone()));
    expected.compare_gradients("", "bottleneck.", &parameters, latent);
}

#[test]
fn decoder() {
    let outputs = [(Output::Softmax, "softmax"), (Output::Relu, "relu"), (Output::TwoSigmoid, "two_sigmoid")];
    for (dims, outputs) in [(2, &outputs[..]), (3, &outputs[..1])] {
        let expected = Expected::load(&format!("decoder/{dims}d.safetensors"));
        for &(output, name) in outputs {
            let model = small(dims, output);
            let parameters = expected.parameters(&model, "decoder.");
            let input = expected.tensor("input", &Device::flex());
            if output == Output::Softmax {
                let decoded = model.decode(&mut Pass::inference(&parameters), input.clone());
                expected.compare("inference", &host(decoded));
            }
            let tracked = parameters.tracked(|_| true);
            let decoded = model.decode(&mut Pass::training(&tracked), input.autodiff());
            expected.compare(&format!("{name}.training"), &host(decoded.clone()));
            expected.compare_gradients(&format!("{name}."), "decoder.", &tracked, decoded);
        }
    }
}

#[test]
fn losses() {
    let expected = Expected::load("loss/expected.safetensors");
    let cases = [
        (Likelihood::Mse, "mse"),
        (Likelihood::Multinomial, "multinomial"),
        (Likelihood::Poisson, "poisson"),
    ];
    for (likelihood, name) in cases {
        let inputs = ["decoded", "mean", "logvar"];
        let [decoded, mean, logvar] =
            inputs.map(|part| expected.tensor(part, &Device::flex()).autodiff().require_grad());
        let counts = expected.tensor("counts", &Device::flex()).autodiff();
        let output = match likelihood {
            Likelihood::Mse => activation::relu(decoded.clone()),
            Likelihood::Multinomial => activation::log_softmax(decoded.clone(), 1),
            Likelihood::Poisson => decoded.clone(),
        };
        let loss = vae::reconstruction(likelihood, output, counts.clone(), counts)
            + vae::divergence(likelihood, vae::nats(mean.clone(), logvar.clone())) * 1.5;
        expected.compare(&format!("{name}.loss"), &host(loss.clone()));
        let gradients = loss.backward();
        for (part, input) in inputs.into_iter().zip([decoded, mean, logvar]) {
            expected.compare(&format!("{name}.gradient.{part}"), &host(input.grad(&gradients).unwrap()));
        }
    }
}

/// The networks of `GENERATOR` and `CRITIC` in `parity/adversarial.py`.
fn small_gan(dims: usize) -> Gan {
    let (bins, generator, critic) = match dims {
        2 => (
            90,
            Layers {
                linear: vec![9, 8, 12],
                channels: vec![4, 3, 3, 2, 1],
                kernels: vec![3, 3, 5, 5, 4],
                strides: vec![1, 2, 2, 2, 2],
            },
            Layers {
                linear: vec![7, 6],
                channels: vec![2, 3, 4, 5],
                kernels: vec![6, 5, 5, 4],
                strides: vec![2, 3, 3, 1],
            },
        ),
        _ => (
            30,
            Layers {
                linear: vec![9, 24],
                channels: vec![3, 2, 1],
                kernels: vec![3, 5, 6],
                strides: vec![1, 3, 2],
            },
            Layers {
                linear: vec![],
                channels: vec![2, 3, 4],
                kernels: vec![6, 5, 3],
                strides: vec![2, 3, 1],
            },
        ),
    };
    let grid = Grid::new(vec![Axis::uniform(bins, 0.0, 1.0).unwrap(); dims]).unwrap();
    let config = GanConfig {
        dims,
        latent: 7,
        layout: Layout::Reference,
        generator: Some(generator),
        critic: Some(critic),
        loss: AdversarialLoss::WganGp,
        minibatch_discrimination: true,
        label: true,
        leak: 0.01,
        output: Output::Relu,
        input: Scaling::Sqrt,
        ..GanConfig::default()
    };
    config.check(&grid).unwrap()
}

fn columns(tensor: Tensor<2>) -> Batch {
    Batch { counts: tensor.clone(), noise: tensor, seed: 1, step: 1 }
}

#[test]
fn gan() {
    for dims in [2, 3] {
        let expected = Expected::load(&format!("gan/{dims}d.safetensors"));
        let model = small_gan(dims);
        let [noise, cells, observables] =
            ["noise", "cells", "observables"].map(|name| expected.tensor(name, &Device::flex()));
        let parameters = expected.parameters(&model, "generator.");
        expected
            .compare("made.inference", &host(model.make(&mut Pass::inference(&parameters), noise.clone())));
        let tracked = parameters.tracked(|_| true);
        let made = model.make(&mut Pass::training(&tracked), noise.autodiff());
        expected.compare("made.training", &host(made.clone()));
        expected.compare_gradients("made.", "generator.", &tracked, made);

        let tracked = expected.parameters(&model, "critic.").tracked(|_| true);
        let batch = columns(cells.clone());
        let mut pass = Pass::training(&tracked);
        let score =
            model.score(&mut pass, cells.clone().autodiff(), Some(observables.clone().autodiff()), &batch);
        expected.compare("score", &host(score.clone()));
        expected.compare_gradients("score.", "critic.", &tracked, score);

        let mut pass = Pass::training(&tracked);
        let (gradient, penalty) = model.input_gradient(&mut pass, &cells, Some(observables), &batch);
        expected.compare("input_gradient", &host(gradient));
        expected.compare("penalty", &host(penalty.clone()));
        expected.compare_gradients_of("penalty.", "critic.", &tracked, &penalty);
    }
}

/// The networks of `INFO_GENERATOR` and `INFO_CRITIC` in `parity/adversarial.py`.
fn small_infogan() -> InfoGan {
    let grid = Grid::new(vec![Axis::uniform(30, 0.0, 1.0).unwrap(); 3]).unwrap();
    let config = InfoGanConfig {
        noise: 3,
        classes: 4,
        codes: 2,
        generator: Layers {
            linear: vec![11, 24],
            channels: vec![3, 2, 1],
            kernels: vec![3, 5, 6],
            strides: vec![1, 3, 2],
        },
        critic: Layers { linear: vec![], channels: vec![2, 3, 4], kernels: vec![3; 3], strides: vec![2; 3] },
        output: Output::Relu,
        input: Scaling::Sqrt,
        ..InfoGanConfig::default()
    };
    config.check(&grid).unwrap()
}

#[test]
fn infogan() {
    let expected = Expected::load("infogan/expected.safetensors");
    let model = small_infogan();
    let told = expected.tensor("told", &Device::flex());
    let parameters = expected.parameters(&model, "generator.");
    expected.compare("made.inference", &host(model.make(&mut Pass::inference(&parameters), told.clone())));
    let tracked = parameters.tracked(|_| true);
    let made = model.make(&mut Pass::training(&tracked), told.clone().autodiff());
    expected.compare("made.training", &host(made.clone()));
    expected.compare_gradients("made.", "generator.", &tracked, made);

    let tracked = expected.parameters(&model, "critic.").tracked(|_| true);
    let cells = expected.tensor("cells", &Device::flex()).autodiff();
    let judged = model.judge(&mut Pass::training(&tracked), cells, None);
    for (name, got) in
        [("validity", &judged.validity), ("classes", &judged.classes), ("codes", &judged.codes)]
    {
        expected.compare(name, &host(got.clone()));
    }
    let validity = (judged.validity.clone() - 1.0).square().mean() * 0.5;
    let [class, code] = model.information(&judged, &told.autodiff());
    let loss = validity + class + code;
    expected.compare("loss", &host(loss.clone()));
    expected.compare_gradients_of("loss.", "critic.", &tracked, &loss);
}
