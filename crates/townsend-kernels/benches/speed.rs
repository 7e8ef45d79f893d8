//! Every layer of the reference's networks beside what bounds it: the speed of arithmetic and that of memory.
//!
//! `cargo bench -p townsend-kernels --features sgemm -- [--isa avx2] [--threads 2] [--only NAME]`, where a
//! name may be a part of one, such as "16→1 k6 s2 in use".
//!
//! The bound of a layer is the smaller of two: the speed of a large product of matrices by the same inner
//! loop, and what memory can feed, if each number of input, output and weights goes through it once (S.
//! Williams, A. Waterman and D. Patterson, Communications of the ACM 52 (2009) 65). Both are measured anew
//! right after each layer.

use std::hint::black_box;
use std::time::Instant;

use townsend_kernels::{
    Block, Convolution, Isa, KernelsProduct, Linear, Maps, Network, Shape, Stack, convolve, input_gradient,
    matrix_product, weight_gradient,
};

const SERIES: usize = 7;

/// Median seconds of a call, from several series of calls.
fn time(mut act: impl FnMut()) -> f64 {
    act();
    let started = Instant::now();
    act();
    let calls = (0.04 / started.elapsed().as_secs_f64()).clamp(1.0, 1000.0) as u32;
    let mut times = [0.0; SERIES].map(|_| {
        let start = Instant::now();
        (0..calls).for_each(|_| act());
        start.elapsed().as_secs_f64() / f64::from(calls)
    });
    times.sort_by(f64::total_cmp);
    times[SERIES / 2]
}

fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|at| ((at * 37 % 101) as f32 - 50.0) / 50.0).collect()
}

/// What the machine can do with some threads and an instruction set.
struct Machine {
    isa: Isa,
    /// Operations a second of a product of matrices by the kernels, and by the library `gemm`, which chooses
    /// its instructions itself.
    product: f64,
    library: f64,
    /// Bytes a second that are read and written in copying.
    memory: f64,
}

impl Machine {
    fn measure(isa: Isa) -> Self {
        const N: usize = 1024;
        let operations = 2.0 * (N * N * N) as f64;
        let (a, b, mut c) = (numbers(N * N), numbers(N * N), numbers(N * N));
        let library = time(|| {
            matrix_product(N, &a, &b, &mut c);
            black_box(&c);
        });
        let mut kernels = KernelsProduct::new(isa);
        let product = time(|| {
            black_box(kernels.compute());
        });
        let parts = rayon::current_num_threads();
        let (from, mut to) = (numbers(1 << 25), vec![0f32; 1 << 25]);
        let each = from.len() / parts;
        let copy = time(|| {
            rayon::scope(|scope| {
                for (from, to) in from.chunks(each).zip(to.chunks_mut(each)) {
                    scope.spawn(move |_| to.copy_from_slice(from));
                }
            });
            black_box(&to);
        });
        let memory = (8 * from.len()) as f64 / copy;
        let product = 2.0 * KernelsProduct::MULTIPLY_ADDS as f64 / product;
        Self { isa, product, library: operations / library, memory }
    }

    fn report(&self, name: &str, operations: f64, bytes: f64, seconds: f64) {
        let bound = self.product.min(operations / bytes * self.memory);
        let speed = operations / seconds;
        println!(
            "| {name} | {:.2} | {:.1} | {:.0} | {:.3} | {:.0} | {:.2} | {:.2} |",
            1e-9 * operations,
            1e-6 * bytes,
            1e-9 * bound,
            1e3 * seconds,
            1e-9 * speed,
            speed / bound,
            speed / self.library
        );
    }

    /// A layer in use and in training.
    fn layer(&self, name: &str, layer: Convolution, size: [usize; 3], batch: usize) {
        let isa = self.isa;
        let input_shape = Shape { channels: layer.inputs, size };
        let output_shape =
            Shape { channels: layer.outputs, size: layer.output_size(size).expect("the kernel fits") };
        let input = numbers(batch * input_shape.len());
        let gradient = numbers(batch * output_shape.len());
        let (weights, bias) = (numbers(layer.weights()), numbers(layer.outputs));
        let operations = 2.0 * (batch * layer.multiply_adds(size).expect("the kernel fits")) as f64;
        let bytes = 4.0 * (input.len() + gradient.len() + weights.len()) as f64;

        // A network reads a vector: a linear layer, not measured, makes the map out of one number.
        let mut in_use = || {
            let stack = Stack::new(size, vec![Block { convolution: layer, norm: None, slope: 0.0 }]);
            let mut network = Network::new(batch, 1, isa);
            let (ones, zeros) = (numbers(input_shape.values()), vec![0.0; input_shape.values()]);
            network.linear(&Linear::new(&ones, &zeros), input_shape);
            let (mut maps, noise) = (Maps::default(), numbers(batch));
            let before = time(|| _ = black_box(network.run(&noise, &mut maps)));
            let parameters = [&weights[..], &bias].concat();
            network.stack(&stack.expect("the kernel fits"), &parameters, &[]);
            time(|| _ = black_box(network.run(&noise, &mut maps))) - before
        };
        let mut in_training =
            || time(|| drop(black_box(convolve(&layer, size, &input, &weights, &bias, isa))));
        let mut input_back =
            || time(|| drop(black_box(input_gradient(&layer, size, &gradient, &weights, isa))));
        let mut weights_back =
            || time(|| drop(black_box(weight_gradient(&layer, size, &input, &gradient, isa))));
        let measurements: [(&str, &mut dyn FnMut() -> f64); 4] = [
            ("in use", &mut in_use),
            ("in training", &mut in_training),
            ("∂ input", &mut input_back),
            ("∂ weights", &mut weights_back),
        ];
        for (what, measure) in measurements {
            let name = format!("{name} {what}");
            if option::<String>("--only").is_none_or(|only| name.contains(&only)) {
                let seconds = measure();
                // What the machine can do changes with its clock and with the other work on it.
                Self::measure(isa).report(&name, operations, bytes, seconds);
            }
        }
    }
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
        let along = |value| if dims == 3 { [value; 3] } else { [1, value, value] };
        let (name, kernel, stride) =
            (if transposed { "convT" } else { "conv" }, along(kernel), along(stride));
        let name = format!("{dims}D {name} {inputs}→{outputs} k{} s{}", kernel[2], stride[2]);
        (name, Convolution { transposed, inputs, outputs, kernel, stride, padding: [0; 3] }, length)
    })
}

/// The value of an option, such as that of `--isa avx2`.
fn option<T: std::str::FromStr>(name: &str) -> Option<T> {
    let value = std::env::args().skip_while(|argument| argument != name).nth(1)?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} {value} is not known here")))
}

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let threads = option("--threads").unwrap_or(1);
    let isa = option("--isa").unwrap_or_else(Isa::best);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    pool.install(|| {
        let machine = Machine::measure(isa);
        let giga = |value: f64| 1e-9 * value;
        println!(
            "{isa}, {threads} thread(s): product of matrices {:.0} GFLOP/s (of the library {:.0}), memory {:.1} GB/s\n",
            giga(machine.product),
            giga(machine.library),
            giga(machine.memory)
        );
        println!("| batch of 8 (3D), 50 (2D) | GFLOP | MB | bound, GFLOP/s | ms | GFLOP/s | of the bound | of the library |");
        println!("|---|---|---|---|---|---|---|---|");
        for (dims, batch) in [(3, 8), (2, 50)] {
            for (name, layer, length) in layers(dims) {
                let size = if dims == 3 { [length; 3] } else { [1, length, length] };
                machine.layer(&name, layer, size, batch);
            }
        }
    });
}
