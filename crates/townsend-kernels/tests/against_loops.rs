//! Every kernel on every instruction set of this CPU against loops over f64.

mod reference;

use proptest::prelude::*;
use reference::{assert_close, numbers};
use townsend_kernels::{
    Convolution, Isa, LinearTraining, Occupied, Shape, convolve, input_gradient, weight_gradient,
};

/// Products of a case, its channels and its cells along an axis, at most. Miri takes seconds for a tile,
/// however few of its numbers are needed.
const LIMIT: usize = if cfg!(miri) { 200 } else { 2_000_000 };
const CHANNELS: usize = if cfg!(miri) { 18 } else { 130 };
const CELLS: usize = if cfg!(miri) { 3 } else { 13 };

/// Layers, and maps on which they have at most some million products.
fn cases() -> impl Strategy<Value = (Convolution, [usize; 3], usize)> {
    let axis = || (1..=CELLS.min(7), 1..=4usize, 0..=3usize, 1..=CELLS);
    let channels = || prop_oneof![Just(1usize), 2..=CHANNELS.min(20), Just(CHANNELS.min(32)), 17..=CHANNELS];
    let flat = prop_oneof![Just((1, 1, 0, 1)), axis()];
    ((any::<bool>(), channels(), channels()), (flat, axis(), axis()), 0..=3usize).prop_filter_map(
        "the kernel fits and the loops end soon",
        |((transposed, inputs, outputs), (t, z, x), batch)| {
            let layer = Convolution {
                transposed,
                inputs,
                outputs,
                kernel: [t.0, z.0, x.0],
                stride: [t.1, z.1, x.1],
                padding: [t.2, z.2, x.2],
            };
            let size = [t.3, z.3, x.3];
            let multiply_adds = layer.multiply_adds(size)? * batch.max(1);
            let cells: usize =
                size.iter().product::<usize>() * layer.taps() * inputs * outputs * batch.max(1);
            (multiply_adds < LIMIT && cells < 10 * LIMIT).then_some((layer, size, batch))
        },
    )
}

/// Rows, inputs and outputs of a linear layer.
fn linear_cases() -> impl Strategy<Value = (usize, usize, usize)> {
    let [batch, inputs, outputs] = if cfg!(miri) { [9, 40, 20] } else { [70, 150, 130] };
    (0..=batch, LinearTraining::FEWEST_INPUTS..=inputs, 1..=outputs)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 300 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kernels_agree_with_loops((layer, size, batch) in cases(), seed in any::<u64>()) {
        let input_shape = Shape { channels: layer.inputs, size };
        let output_shape = Shape { channels: layer.outputs, size: layer.output_size(size).unwrap() };
        let input = numbers(seed, batch * input_shape.values());
        let gradient = numbers(seed ^ 1, batch * output_shape.values());
        let (weights, bias) = (numbers(seed ^ 2, layer.weights()), numbers(seed ^ 3, layer.outputs));
        let output = reference::convolve(&layer, size, &input, &weights, &bias);
        let back = reference::input_gradient(&layer, size, &gradient, &weights, batch);
        let sums = reference::weight_gradient(&layer, size, &input, &gradient, batch);
        for isa in Isa::available() {
            let (maps, gradients) = (input_shape.pack(&input), output_shape.pack(&gradient));
            let got = output_shape.unpack(&convolve(&layer, size, &maps, &weights, &bias, isa));
            assert_close("output", &got, &output, layer.taps() * layer.inputs);
            let got = input_shape.unpack(&input_gradient(&layer, size, &gradients, &weights, isa));
            assert_close("input gradient", &got, &back, layer.taps() * layer.outputs);
            let got = weight_gradient(&layer, size, &maps, &gradients, isa);
            assert_close("weight gradient", &got, &sums, batch * output_shape.cells().max(input_shape.cells()));
        }
    }

    #[test]
    fn occupied_cells_give_what_the_dense_map_gives((layer, size, batch) in cases(), seed in any::<u64>()) {
        let layer = Convolution { transposed: false, inputs: 1, outputs: layer.outputs.max(2), ..layer };
        prop_assume!(layer.output_size(size).is_some());
        let cells: usize = size.iter().product();
        let mut input = vec![0.0; batch * cells];
        for (at, value) in numbers(seed, input.len() / 20).into_iter().enumerate() {
            input[(at * 37 + seed as usize % 20) % (batch * cells)] = value;
        }
        let output_shape = Shape { channels: layer.outputs, size: layer.output_size(size).unwrap() };
        let gradient = numbers(seed ^ 1, batch * output_shape.values());
        let (weights, bias) = (numbers(seed ^ 2, layer.weights()), numbers(seed ^ 3, layer.outputs));
        let occupied = Occupied::find(&input, size).expect("one in 20 is occupied");
        prop_assert_eq!(occupied.batch(), batch);
        let output = output_shape.unpack(&occupied.convolve(&layer, &weights, &bias));
        assert_close("output", &output, &reference::convolve(&layer, size, &input, &weights, &bias), layer.taps());
        let sums = occupied.weight_gradient(&layer, &output_shape.pack(&gradient));
        let want = reference::weight_gradient(&layer, size, &input, &gradient, batch);
        assert_close("weight gradient", &sums, &want, batch * output_shape.cells());
    }

    #[test]
    fn linear_layers_agree_with_loops((batch, inputs, outputs) in linear_cases(), seed in any::<u64>()) {
        let (input, gradient) = (numbers(seed, batch * inputs), numbers(seed ^ 1, batch * outputs));
        let (weights, bias) = (numbers(seed ^ 2, outputs * inputs), numbers(seed ^ 3, outputs));
        let sum = |count: usize, product: &dyn Fn(usize) -> [f32; 2]| {
            (0..count).map(|k| product(k).map(f64::from).iter().product::<f64>()).sum::<f64>()
        };
        let matrix = |rows: usize, columns: usize, of: &dyn Fn(usize, usize) -> f64| {
            (0..rows * columns).map(|at| of(at / columns, at % columns)).collect::<Vec<f64>>()
        };
        let output = matrix(batch, outputs, &|b, o| {
            f64::from(bias[o]) + sum(inputs, &|i| [input[b * inputs + i], weights[o * inputs + i]])
        });
        let back = matrix(batch, inputs, &|b, i| sum(outputs, &|o| [gradient[b * outputs + o], weights[o * inputs + i]]));
        let sums = matrix(outputs, inputs, &|o, i| sum(batch, &|b| [gradient[b * outputs + o], input[b * inputs + i]]));
        for isa in Isa::available() {
            let layer = LinearTraining { batch, inputs, outputs, isa };
            assert_close("output", &layer.forward(&input, &weights, &bias), &output, inputs);
            assert_close("input gradient", &layer.input_gradient(&weights, &gradient), &back, outputs);
            assert_close("weight gradient", &layer.weight_gradient(&input, &gradient), &sums, batch);
        }
    }

    #[test]
    fn products_are_counted_without_those_of_padding((layer, size, _) in cases()) {
        prop_assert_eq!(layer.multiply_adds(size), Some(reference::count(&layer, size)));
    }
}

#[test]
fn gradients_are_what_finite_differences_give() {
    let layer = Convolution {
        transposed: true,
        inputs: 3,
        outputs: 2,
        kernel: if cfg!(miri) { [1, 2, 2] } else { [2, 3, 4] },
        stride: [1, 2, 3],
        padding: [0, 1, 1],
    };
    let size = if cfg!(miri) { [1, 2, 2] } else { [2, 3, 3] };
    let every = if cfg!(miri) { 5 } else { 1 };
    let input_shape = Shape { channels: 3, size };
    let output_shape = Shape { channels: 2, size: layer.output_size(size).unwrap() };
    let (input, weights) = (numbers(1, 2 * input_shape.values()), numbers(2, layer.weights()));
    let probe = numbers(3, 2 * output_shape.values());
    // A convolution is linear in both: a difference over a step of 1 is exact but for rounding.
    let loss = |input: &[f32], weights: &[f32]| -> f64 {
        let output = convolve(&layer, size, &input_shape.pack(input), weights, &[0.0; 2], Isa::best());
        output_shape.unpack(&output).iter().zip(&probe).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let differences = |values: &[f32], loss: &dyn Fn(&[f32]) -> f64| -> Vec<f64> {
        let moved = |at: usize| {
            let mut moved = values.to_vec();
            moved[at] += 1.0;
            loss(&moved) - loss(values)
        };
        (0..values.len()).step_by(every).map(moved).collect()
    };
    let compared = |gradient: Vec<f32>| gradient.into_iter().step_by(every).collect::<Vec<_>>();
    let probes = output_shape.pack(&probe);
    let got = compared(input_shape.unpack(&input_gradient(&layer, size, &probes, &weights, Isa::best())));
    assert_close("input gradient", &got, &differences(&input, &|moved| loss(moved, &weights)), 100);
    let got = compared(weight_gradient(&layer, size, &input_shape.pack(&input), &probes, Isa::best()));
    assert_close("weight gradient", &got, &differences(&weights, &|moved| loss(&input, moved)), 100);
}

#[test]
fn a_result_depends_neither_on_threads_nor_on_the_batch() {
    let (inputs, kernel, size) = if cfg!(miri) { (3, [1, 1, 2], [1, 2, 2]) } else { (32, [5; 3], [6; 3]) };
    let layer =
        Convolution { transposed: true, inputs, outputs: 16, kernel, stride: [3; 3], padding: [0; 3] };
    let shape = Shape { channels: inputs, size };
    let (input, weights, bias) =
        (shape.pack(&numbers(1, 3 * shape.values())), numbers(2, layer.weights()), numbers(3, 16));
    let gradient = numbers(4, 3 * 16 * layer.output_size(size).unwrap().iter().product::<usize>());
    let (of_row, of_sum) = if cfg!(miri) { (20, 18) } else { (100, 200) };
    let linear = LinearTraining { batch: 9, inputs: of_row, outputs: of_sum, isa: Isa::best() };
    let (rows, matrix, sums) = (numbers(5, 9 * of_row), numbers(6, of_sum * of_row), numbers(7, 9 * of_sum));
    let all = || {
        let of_linear = [
            linear.forward(&rows, &matrix, &sums[..of_sum]),
            linear.input_gradient(&matrix, &sums),
            linear.weight_gradient(&rows, &sums),
        ];
        let output = convolve(&layer, size, &input, &weights, &bias, Isa::best());
        let back = input_gradient(&layer, size, &gradient, &weights, Isa::best());
        (output, back, weight_gradient(&layer, size, &input, &gradient, Isa::best()), of_linear)
    };
    let with = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(all);
    let one = with(1);
    assert_eq!(with(2), one);
    assert_eq!(with(5), one);
    let last = convolve(&layer, size, &input[2 * shape.len()..], &weights, &bias, Isa::best());
    assert_eq!(last[..], one.0[2 * last.len()..]);
}
