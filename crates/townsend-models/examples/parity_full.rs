//! Compares the full-size 2D and 3D networks with PyTorch's outputs, losses and gradients.
//!
//! First `parity/full_size.py DIR` writes PyTorch's numbers, then `cargo run --release -p townsend-models
//! --example parity_full -- DIR` compares. It ends with an error if an output is off by more than 1e-5 of the
//! largest, or a gradient by more than 1e-3 of the largest in its tensor (or of a hundredth of the largest of
//! all: the gradient of a bias before a normalisation is nothing but rounding).

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use burn_tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use townsend_core::Grid;
use townsend_models::vae::{self, Likelihood, VaeConfig};
use townsend_models::{
    Batch, NetworkModel, Output, Parameters, Pass, Player, SamplerKind, Scaling, Schedule,
};

const OUTPUT: f32 = 1e-5;
const GRADIENT: f32 = 1e-3;

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn main() -> Result<(), Box<dyn Error>> {
    let folder =
        std::env::args_os().nth(1).ok_or("usage: parity_full DIR (written by parity/full_size.py)")?;
    println!(
        "{:<4} {:<12} {:>9} {:>9} {:>9}  worst gradient",
        "dims", "likelihood", "loss", "output", "gradient"
    );
    let mut within = true;
    for dims in [2, 3] {
        let expected = read(&Path::new(&folder).join(format!("{dims}d.safetensors")))?;
        for (likelihood, output) in
            [(Likelihood::Mse, Output::Relu), (Likelihood::Multinomial, Output::Softmax)]
        {
            within &= compare(dims, likelihood, output, &expected)?;
        }
    }
    if within { Ok(()) } else { Err("beyond the tolerance".into()) }
}

fn read(path: &Path) -> Result<Tensors, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let values = |data: &[u8]| data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let tensors = SafeTensors::deserialize(&bytes)?;
    Ok(tensors.iter().map(|(name, t)| (name.to_owned(), (t.shape().to_vec(), values(t.data())))).collect())
}

fn compare(
    dims: usize,
    likelihood: Likelihood,
    output: Output,
    expected: &Tensors,
) -> Result<bool, Box<dyn Error>> {
    let name = if likelihood == Likelihood::Mse { "mse" } else { "multinomial" };
    let beta = Schedule::constant(1.5);
    let config = VaeConfig {
        dims,
        likelihood,
        output,
        input: Scaling::Raw,
        beta,
        output_norm: true,
        sampler: SamplerKind::Normal,
        ..VaeConfig::default()
    };
    let model = config.check(&Grid::standard(dims)?)?;
    let mut parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    for spec in model.tensors().iter().filter(|spec| !spec.name.starts_with("output.")) {
        let (shape, values) = expected.get(&spec.name).ok_or_else(|| format!("{} is missing", spec.name))?;
        assert_eq!(shape, &spec.shape, "{}", spec.name);
        parameters.set(
            &spec.name,
            Tensor::from_data(TensorData::new(values.clone(), [spec.len()]), &Device::flex()),
        );
    }
    let tensor = |name: &str| {
        let (shape, values) = &expected[name];
        Tensor::<2>::from_data(TensorData::new(values.clone(), [shape[0], shape[1]]), &Device::flex())
            .autodiff()
    };
    let tracked = parameters.tracked(|_| true);
    let decoded = {
        let mut pass = Pass::training(&tracked);
        let features = model.encode(&mut pass, tensor("input"));
        let (mean, logvar) = model.posterior(&pass, features);
        host(model.decode(&mut pass, vae::sample(mean, logvar, tensor("noise"))))
    };
    let batch = Batch { counts: tensor("input"), noise: tensor("noise"), seed: 1, step: 1 };
    let losses = model.losses(&mut Pass::training(&tracked), &batch, Player::Generator, 0);
    let loss = deviation(&host(losses.total.clone()), &expected[&format!("{name}.loss")].1);
    let output = deviation(&decoded, &expected[&format!("{name}.output")].1);
    let mut gradients = losses.total.backward();
    let names: Vec<_> = tracked.trained().map(|spec| spec.name.clone()).collect();
    let found = tracked.gradients(&names, &mut gradients).into_iter().map(host);
    let found: Vec<_> = names.iter().map(|tensor| format!("{name}.gradient.{tensor}")).zip(found).collect();
    let floor = found.iter().map(|(name, _)| largest(&expected[name].1)).fold(0.0, f32::max) * 1e-2;
    let (worst, gradient) = found
        .iter()
        .map(|(name, got)| (name, difference(got, &expected[name].1) / largest(&expected[name].1).max(floor)))
        .fold(("", 0.0), |worst, (name, error)| if error > worst.1 { (name, error) } else { worst });
    println!("{dims:<4} {name:<12} {loss:>9.1e} {output:>9.1e} {gradient:>9.1e}  {worst}");
    Ok(loss < OUTPUT && output < OUTPUT && gradient < GRADIENT)
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("f32")
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |most: f32, v| most.max(v.abs()))
}

fn difference(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()))
}

fn deviation(got: &[f32], want: &[f32]) -> f32 {
    difference(got, want) / largest(want)
}
