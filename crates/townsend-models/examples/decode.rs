//! Writes the shapes of avalanches from a network with exported weights, together with its inputs, for the
//! comparison with PyTorch by `parity/exported.py`: `cargo run --release -p townsend-models --example decode
//! -- WEIGHTS.safetensors OUT.safetensors`.

use std::error::Error;
use std::path::PathBuf;

use burn_tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView};
use townsend_core::Purpose;
use townsend_models::{Checkpoint, Pass, standard_normal};

const NOISE: Purpose = Purpose::new("noise of an example");
const ROWS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [weights, out] = &paths[..] else { return Err("usage: decode WEIGHTS OUT".into()) };
    let (Checkpoint { header, parameters, .. }, model) =
        Checkpoint::from_bytes(&std::fs::read(weights)?, weights, &Device::flex())?;
    // Inputs of the network, from the distribution that those of new avalanches are drawn from.
    let sampler = model.sampler(&parameters);
    let points = (0..ROWS as u64).map(|row| sampler.point(&standard_normal(1, NOISE, row, model.noise())));
    let points: Vec<f32> = points.flatten().collect();
    let columns = points.len() / ROWS;
    let input = Tensor::from_data(TensorData::new(points.clone(), [ROWS, columns]), &Device::flex());
    let shapes = model.shapes(&mut Pass::inference(&parameters), input);
    let shapes: Vec<f32> = shapes.into_data().try_into_vec()?;
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let (points, shapes) = (bytes(&points), bytes(&shapes));
    let views = [
        ("noise", TensorView::new(Dtype::F32, vec![ROWS, columns], &points)?),
        ("shapes", TensorView::new(Dtype::F32, vec![ROWS, header.grid.cells()], &shapes)?),
    ];
    std::fs::write(out, safetensors::serialize(views, None)?)?;
    Ok(())
}
