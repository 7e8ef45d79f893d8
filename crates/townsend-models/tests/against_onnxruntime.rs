//! Networks as ONNX files: what they consist of, and the same cells by ONNX Runtime as by this crate
//! (`against_onnxruntime.py`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use burn_tensor::{Device, Tensor, TensorData};
use townsend_core::{Axis, CountSet, Grid, Meta, Purpose};
use townsend_kernels::Maps;
use townsend_models::onnx::Onnx;
use townsend_models::{
    Batch, CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Generator, ModelConfig, Moments, NetworkModel,
    Parameters, SizeConfig, SizeModel, TrainingState, standard_normal,
};

const TEST: Purpose = Purpose::new("onnx test");
/// Avalanches that are compared; also the largest batch.
const ROWS: usize = 7;

/// Every architecture, output function, scaling and distribution of latent points; the grid is the standard
/// one with 92 cells an axis.
const NETWORKS: [(&str, usize, &str); 12] = [
    (
        "vae-1d-exp-gmm",
        1,
        r#"{ "family": "vae", "dims": 1, "channels": [4, 8], "kernels": [8, 6], "strides": [4, 4], "hidden": 32, "latent": 5,
             "output": "exp", "likelihood": "poisson" }"#,
    ),
    (
        "vae-2d-adversary-gmm",
        2,
        r#"{ "family": "vae", "latent": 16, "hidden": 256, "input": "per_thousand", "log_density_polynomial": true,
             "kernels": [4, 6, 8, 4], "strides": [2, 3, 2, 1], "adversary": {} }"#,
    ),
    (
        "vae-2d-reference",
        2,
        r#"{ "family": "vae", "output": "two_sigmoid", "output_norm": true, "sampler": "normal", "likelihood": "mse",
             "input": "sqrt" }"#,
    ),
    (
        "vae-3d-flow",
        3,
        r#"{ "family": "vae", "dims": 3, "latent": 16, "hidden": 256, "log_density_polynomial": true, "sampler": "flow",
             "channels": [8, 16, 32, 64], "kernels": [8, 4, 4, 4], "strides": [4, 2, 2, 1] }"#,
    ),
    ("gan-0d", 0, r#"{ "family": "gan", "dims": 0, "latent": 8, "hidden": 64 }"#),
    (
        "gan-1d-selu",
        1,
        r#"{ "family": "gan", "dims": 1, "output": "relu", "input": "raw", "dropout": 0.5, "loss": "bce" }"#,
    ),
    (
        "gan-2d-reference",
        2,
        r#"{ "family": "gan", "dims": 2, "layout": "reference", "noise": "uniform", "output": "relu", "loss": "wgan_clip" }"#,
    ),
    ("gan-2d-polynomial", 2, r#"{ "family": "gan", "dims": 2, "log_density_polynomial": true }"#),
    (
        "gan-3d-reference",
        3,
        r#"{ "family": "gan", "dims": 3, "layout": "reference", "output": "two_sigmoid" }"#,
    ),
    (
        "gan-3d-nine-layers",
        3,
        r#"{ "family": "gan", "dims": 3, "loss": "lsgan", "generator": { "linear": [512, 64], "channels": [64, 48, 48, 32, 32, 24,
             12, 8, 1], "kernels": [2, 2, 2, 3, 3, 4, 3, 3, 8], "strides": [1, 1, 1, 1, 1, 2, 1, 1, 4] } }"#,
    ),
    ("infogan-2d", 2, r#"{ "family": "infogan", "dims": 2, "log_density_polynomial": true, "label": true }"#),
    ("infogan-3d-reference", 3, r#"{ "family": "infogan", "output": "relu", "input": "raw" }"#),
];

fn grid(dims: usize) -> Grid {
    match dims {
        0 => Grid::new(vec![Axis::uniform(1, -1.5, 1.5).unwrap()]).unwrap(),
        _ => Grid::standard(dims).unwrap(),
    }
}

/// Avalanches of 60 to 90 electrons, Gaussian about centres that vary.
fn avalanches(grid: &Grid) -> CountSet {
    let mut set = CountSet::new(grid.clone());
    for index in 0..30 {
        let numbers = standard_normal(1, TEST, index, 3 * 100);
        let (centre, electrons) = numbers.split_at(3);
        let mut cells: Vec<u32> = electrons
            .chunks_exact(3)
            .take(60 + index as usize)
            .map(|electron| {
                let axes = grid.axes().iter().zip(electron.iter().zip(centre)).rev();
                axes.fold(0, |cell, (axis, (x, centre))| {
                    let place = f64::midpoint(axis.low(), axis.high())
                        + (axis.high() - axis.low()) * f64::from(0.1 * x + 0.05 * centre);
                    cell * (axis.bins() + 2) + axis.bin(place)
                })
            })
            .collect();
        cells.sort_unstable();
        let mut counts: Vec<(u32, u32)> = Vec::new();
        for cell in cells {
            match counts.last_mut().filter(|(last, _)| *last == cell) {
                Some((_, count)) => *count += 1,
                None => counts.push((cell, 1)),
            }
        }
        set.push(counts);
    }
    set
}

/// Weights as after a short training: running statistics are no longer 0 and 1, the polynomial acts, the mean
/// avalanche and the distribution of latent points are learned.
fn weights(model: &dyn NetworkModel, set: &CountSet) -> Parameters {
    let device = Device::flex();
    let mut parameters = Parameters::initial(model.tensors(), 1, &device);
    model.prepare(&mut parameters, set);
    for (number, spec) in (0..).zip(model.tensors()) {
        let (centre, spread) = match &spec.name {
            name if name.ends_with("running_mean") => (0.0, 0.1),
            name if name.ends_with("running_var") => (1.0, 0.1),
            name if name.contains(".tilt.") => (0.0, 0.05),
            _ => continue,
        };
        let normal = standard_normal(3, TEST, number, spec.len());
        let values = normal.iter().map(|x| centre + spread * x.clamp(-5.0, 5.0)).collect();
        parameters.set(&spec.name, Tensor::from_data(TensorData::new(values, [spec.len()]), &device));
    }
    let indices: Vec<usize> = (0..set.len()).collect();
    let noise = standard_normal(2, TEST, 0, set.len() * model.noise());
    let batch = Batch::new(set, &indices, |_, cell| cell, noise, (1, 0), &device);
    model.finish_epoch(&mut parameters, &mut std::iter::once(batch));
    parameters
}

/// A network as an ONNX file, normal numbers for some avalanches, and the cells that this crate makes of
/// them, divided by their sum as those of the file are.
struct Case {
    onnx: Onnx,
    noise: Vec<f32>,
    cells: Vec<f32>,
}

fn case(dims: usize, config: &str) -> Case {
    let config: ModelConfig = serde_json::from_str(config).unwrap();
    let grid = grid(dims);
    let model = config.check(&grid).unwrap();
    let parameters = weights(&*model, &avalanches(&grid));
    let noise: Vec<f32> = standard_normal(4, TEST, 0, ROWS * model.noise());
    let sampler = model.sampler(&parameters);
    let points: Vec<f32> = noise.chunks(model.noise()).flat_map(|noise| sampler.point(noise)).collect();
    let mut maps = Maps::default();
    let mut cells = model.decoder(&parameters, ROWS).weights(&points, &mut maps).to_vec();
    if !model.draws_size() {
        for row in cells.chunks_mut(grid.cells()) {
            let sum: f64 = row.iter().map(|&x| f64::from(x)).sum();
            for x in row {
                *x = (f64::from(*x) / sum) as f32;
            }
        }
    }
    let header = CheckpointHeader {
        version: CHECKPOINT_VERSION,
        model: config,
        size: SizeModel::fit(&[0, 900, 1500, 4000], &SizeConfig::default()).unwrap(),
        grid,
        data: Meta::default(),
        training: TrainingState::default(),
    };
    let checkpoint = Checkpoint { header, parameters, moments: Moments::default() };
    Case { onnx: Generator::new(checkpoint, model).onnx(), noise, cells }
}

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn onnx_runtime_makes_the_same_cells() {
    let folder = tempfile::tempdir().unwrap();
    for (name, dims, config) in NETWORKS {
        let Case { onnx, noise, cells } = case(dims, config);
        for (ending, bytes) in [("onnx", onnx.bytes), ("noise", bytes(&noise)), ("cells", bytes(&cells))] {
            std::fs::write(folder.path().join(format!("{name}.{ending}")), bytes).unwrap();
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/against_onnxruntime.py");
    let output = Command::new(python()).arg(script).arg(folder.path()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    eprintln!("{printed}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(printed.lines().count(), NETWORKS.len());
}

/// The interpreter that has the test environment.
fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python test environment: run `cargo xtask test` once, which makes it under target/python, or set \
         TOWNSEND_PYTHON (looked for {})",
        python.display()
    );
    python
}

/// The values with a length of a field that may be there several times.
fn all(mut message: &[u8], field: u64) -> Vec<&[u8]> {
    fn varint(message: &mut &[u8]) -> u64 {
        let length = message.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let (number, rest) = message.split_at(length);
        *message = rest;
        number.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }
    let mut values = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            2 => varint(&mut message) as usize,
            5 => 4,
            kind => panic!("kind {kind} is not written"),
        };
        let (value, rest) = message.split_at(length);
        message = rest;
        if key == field << 3 | 2 {
            values.push(value);
        }
    }
    values
}

fn texts(message: &[u8], field: u64) -> Vec<String> {
    all(message, field).iter().map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).collect()
}

/// Operators that opset 13 has, with the number of inputs that they take here.
const OPERATORS: [(&str, usize); 29] = [
    ("Add", 2),
    ("And", 2),
    ("BatchNormalization", 5),
    ("Cast", 1),
    ("Clip", 3),
    ("Concat", 3),
    ("ConvTranspose", 3),
    ("Div", 2),
    ("Elu", 1),
    ("Erf", 1),
    ("Exp", 1),
    ("Gemm", 3),
    ("GreaterOrEqual", 2),
    ("Identity", 1),
    ("LeakyRelu", 1),
    ("Less", 2),
    ("MatMul", 2),
    ("Max", 2),
    ("Mul", 2),
    ("Pad", 2),
    ("ReduceMax", 1),
    ("ReduceSum", 2),
    ("Relu", 1),
    ("Reshape", 2),
    ("Selu", 1),
    ("Sigmoid", 1),
    ("Slice", 4),
    ("Where", 3),
    ("Sub", 2),
];
/// Of small networks of every kind: nodes only use what is there already, every tensor is used, and nothing
/// but the generator is in the file.
#[test]
fn the_graph_is_in_order_and_has_nothing_it_does_not_need() {
    for (name, dims, config) in NETWORKS.into_iter().filter(|(_, dims, _)| *dims < 3) {
        let file = case(dims, config).onnx;
        assert_eq!(file, case(dims, config).onnx, "{name}: the same network is the same bytes");
        let graph = all(&file.bytes, 7)[0];
        let names = |number, of: u64| -> Vec<String> {
            all(graph, number).iter().flat_map(|message| texts(message, of)).collect()
        };
        let tensors = names(5, 8);
        assert!(!tensors.iter().any(|tensor| {
            ["critic", "adversary", "encoder", "bottleneck", "observables"]
                .iter()
                .any(|other| tensor.starts_with(other))
        }));
        let mut known: BTreeSet<String> = tensors.iter().cloned().collect();
        assert_eq!(known.len(), tensors.len(), "{name}: names are given once");
        known.extend(names(11, 1));
        let mut used = BTreeSet::new();
        for node in all(graph, 1) {
            let (inputs, operator) = (texts(node, 1), texts(node, 4).remove(0));
            let takes = (operator.as_str(), inputs.len());
            assert!(OPERATORS.contains(&takes) || takes == ("Gemm", 2), "{name}: {takes:?}");
            assert!(inputs.iter().all(|input| known.contains(input)), "{name}: {inputs:?}");
            used.extend(inputs);
            assert!(texts(node, 2).into_iter().all(|output| known.insert(output)), "{name}: {operator}");
        }
        assert_eq!((names(11, 1), names(12, 1)), (vec!["noise".into()], vec!["cells".into()]));
        assert!(tensors.iter().all(|tensor| used.contains(tensor)), "{name}: all tensors are used");
        let keys: Vec<String> = all(&file.bytes, 14).iter().flat_map(|entry| texts(entry, 1)).collect();
        assert_eq!(keys, ["townsend", "family", "source", "units", "grid", "electrons"]);
        assert_eq!(file.notes.is_empty(), !(name.contains("gmm") || name.contains("infogan")), "{name}");
    }
}
