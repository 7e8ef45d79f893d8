//! Billions of operations a second of every layer of the networks, beside a matrix product of the machine
//! (`gemm`, which Burn uses).
//!
//! `cargo bench -p townsend-kernels --features sgemm`

use std::hint::black_box;
use std::time::Instant;

use townsend_kernels::{Convolution, Isa, Shape, convolve, input_gradient, matrix_product, weight_gradient};

/// Seconds of CPU of all threads of this process, known to some milliseconds.
fn cpu_seconds() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").map(|tasks| {
        let nanoseconds = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        nanoseconds.sum::<f64>() * 1e-9
    });
    tasks.unwrap_or(f64::NAN)
}

/// Median wall and CPU seconds of a call, from 7 series of calls.
fn time(mut act: impl FnMut()) -> [f64; 2] {
    let started = Instant::now();
    act();
    let calls = (0.05 / started.elapsed().as_secs_f64()).clamp(1.0, 1000.0) as u32;
    let mut times: Vec<[f64; 2]> = (0..7)
        .map(|_| {
            let (wall, cpu) = (Instant::now(), cpu_seconds());
            (0..calls).for_each(|_| act());
            [wall.elapsed().as_secs_f64(), cpu_seconds() - cpu].map(|seconds| seconds / f64::from(calls))
        })
        .collect();
    [0, 1].map(|kind| {
        times.sort_by(|a, b| a[kind].total_cmp(&b[kind]));
        times[3][kind]
    })
}

fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|at| ((at * 37 % 101) as f32 - 50.0) / 50.0).collect()
}

fn layer(
    dims: usize,
    transposed: bool,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
) -> Convolution {
    let along = |value| if dims == 3 { [value; 3] } else { [1, value, value] };
    Convolution { transposed, inputs, outputs, kernel: along(kernel), stride: along(stride), padding: [0; 3] }
}

fn report(name: &str, operations: f64, [wall, cpu]: [f64; 2]) {
    println!(
        "  {name:<34} {:7.2} ms  {:6.1} GFLOP/s  {:6.1} a CPU second",
        wall * 1e3,
        operations / wall * 1e-9,
        operations / cpu * 1e-9
    );
}

/// Name, layer and cells along an axis of its input.
fn layers(dims: usize) -> [(String, Convolution, usize); 7] {
    [
        (false, 16, 32, 5, 3, 44),
        (false, 32, 64, 5, 3, 14),
        (false, 64, 128, 4, 1, 4),
        (true, 128, 64, 4, 1, 1),
        (true, 64, 32, 5, 3, 4),
        (true, 32, 16, 5, 3, 14),
        (true, 16, 1, 6, 2, 44),
    ]
    .map(|(transposed, inputs, outputs, kernel, stride, length)| {
        let kind = if transposed { "convT" } else { "conv" };
        let name = format!("{dims}D {kind} {inputs}→{outputs} k{kernel} s{stride}, {length} cells");
        (name, layer(dims, transposed, inputs, outputs, kernel, stride), length)
    })
}

fn measure(name: &str, layer: &Convolution, size: [usize; 3], batch: usize, isa: Isa) {
    let input = numbers(batch * Shape { channels: layer.inputs, size }.len());
    let output = Shape { channels: layer.outputs, size: layer.output_size(size).expect("fits") };
    let gradient = numbers(batch * output.len());
    let (weights, bias) = (numbers(layer.weights()), numbers(layer.outputs));
    let operations = 2.0 * (batch * layer.multiply_adds(size).expect("fits")) as f64;
    report(name, operations, time(|| drop(black_box(convolve(layer, size, &input, &weights, &bias, isa)))));
    report(
        "  gradient of the input",
        operations,
        time(|| drop(black_box(input_gradient(layer, size, &gradient, &weights, isa)))),
    );
    report(
        "  gradient of the weights",
        operations,
        time(|| drop(black_box(weight_gradient(layer, size, &input, &gradient, isa)))),
    );
}

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        println!("{threads} thread(s)");
        let n = 1024;
        let (a, b, mut c) = (numbers(n * n), numbers(n * n), numbers(n * n));
        let times = pool.install(|| {
            time(|| {
                matrix_product(n, &a, &b, &mut c);
                black_box(&c);
            })
        });
        report("sgemm 1024", 2.0 * (n * n * n) as f64, times);
        for isa in Isa::available() {
            if isa != Isa::best() && threads > 1 {
                continue;
            }
            for (dims, batch) in [(3, 8), (2, 50)] {
                println!(" {isa:?}, batch {batch}");
                for (name, layer, length) in layers(dims) {
                    let size = if dims == 3 { [length; 3] } else { [1, length, length] };
                    pool.install(|| measure(&name, &layer, size, batch, isa));
                }
            }
        }
    }
}
