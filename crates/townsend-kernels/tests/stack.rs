//! Stacks of layers against the same in loops over f64, and their gradients against finite differences of
//! these.

mod reference;

use reference::numbers;
use townsend_kernels::{
    Activation, Block, Convolution, Isa, Linear, Maps, Network, Normalisation, Shape, Stack,
};

const EPSILON: f64 = 1e-3;

fn block(
    transposed: bool,
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
    norm: bool,
    slope: f32,
) -> Block {
    let convolution = Convolution {
        transposed,
        inputs: channels.0,
        outputs: channels.1,
        kernel: [kernel; 3],
        stride: [stride; 3],
        padding: [0; 3],
    };
    Block { convolution, norm: norm.then_some(EPSILON), slope }
}

/// Under Miri, which takes seconds for a tile, with fewer cells, as [`decoders`].
fn encoder() -> Stack {
    let (size, last) = if cfg!(miri) { ([3, 3, 5], 1) } else { ([7; 3], 2) };
    let blocks = vec![block(false, (1, 3), 3, 2, true, 0.01), block(false, (3, 18), last, 1, true, 0.01)];
    Stack::new(size, blocks).unwrap()
}

/// With and without a normalisation at the end, with an activation of its own, and with padding in between;
/// under Miri the first of these.
fn decoders() -> Vec<Stack> {
    let (channels, [one, two, three]) =
        if cfg!(miri) { (3, [(1, 1), (2, 1), (2, 1)]) } else { (17, [(2, 1), (3, 2), (4, 2)]) };
    let first = block(true, (5, channels), one.0, one.1, true, 0.0);
    let mut middle = block(true, (channels, 4), two.0, two.1, false, 0.2);
    middle.convolution.padding = [0, 1, 0];
    let last = |norm, slope| block(true, (4, 1), three.0, three.1, norm, slope);
    let ends = [(true, 1.0), (false, 1.0), (false, 0.0)];
    let ends = ends.into_iter().take(if cfg!(miri) { 1 } else { 3 });
    ends.map(|(norm, slope)| Stack::new([1, 2, 1], vec![first, middle, last(norm, slope)]).unwrap()).collect()
}

/// As [`Stack::train`] in f64: the output, and the mean and variance of each channel.
fn train(stack: &Stack, input: &[f64], parameters: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut map, mut at, mut size, mut statistics) = (input.to_vec(), 0, stack.input().size, Vec::new());
    for block in stack.blocks() {
        let layer = &block.convolution;
        let mut take = |length: usize| {
            at += length;
            &parameters[at - length..at]
        };
        let (weights, bias) = (take(layer.weights()), take(layer.outputs));
        map = reference::convolve(layer, size, &map, weights, bias);
        size = layer.output_size(size).unwrap();
        let cells: usize = size.iter().product();
        if block.norm.is_some() {
            let (weight, bias) = (take(layer.outputs), take(layer.outputs));
            let of = |channel: usize| (0..map.len()).filter(move |at| at / cells % layer.outputs == channel);
            let mut variances = Vec::new();
            let mut normalised = map.clone();
            for channel in 0..layer.outputs {
                let n = of(channel).count() as f64;
                let mean = of(channel).map(|at| map[at]).sum::<f64>() / n;
                let variance = of(channel).map(|at| (map[at] - mean).powi(2)).sum::<f64>() / n;
                let scale = weight[channel] / (variance + EPSILON).sqrt();
                of(channel).for_each(|at| normalised[at] = (map[at] - mean) * scale + bias[channel]);
                statistics.push(mean);
                variances.push(variance);
            }
            statistics.extend(variances);
            map = normalised;
        }
        for x in map.iter_mut().filter(|x| **x <= 0.0) {
            *x *= f64::from(block.slope);
        }
    }
    (map, statistics)
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn assert_near(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(*got) - want).abs() <= tolerance * largest, "{what} at {at}: {got} for {want}");
    }
}

/// Every fifth number is kept: the first layer of the encoder meets occupied cells, or all with `keep` 1.
fn input(stack: &Stack, batch: usize, keep: usize) -> Vec<f32> {
    let all = numbers(5, batch * stack.input().values());
    all.iter().enumerate().map(|(at, x)| if at % keep == 0 { *x } else { 0.0 }).collect()
}

fn check(stack: &Stack, keep: usize) {
    let batch = 3;
    let (input, parameters) = (input(stack, batch, keep), numbers(6, stack.parameters()));
    let probe = numbers(7, batch * stack.output().values());
    let trained = stack.train(&input, &parameters);
    let (output, statistics) = train(stack, &wide(&input), &wide(&parameters));
    assert_near("output", &trained.output, &output, 1e-5);
    assert_near("statistics", &trained.statistics, &statistics, 1e-5);
    let found = stack.backward(&trained.tape, &parameters, &probe, true);
    let loss = |input: &[f64], parameters: &[f64]| -> f64 {
        train(stack, input, parameters).0.iter().zip(&probe).map(|(x, p)| x * f64::from(*p)).sum()
    };
    let difference = |values: &[f32], loss: &dyn Fn(&[f64]) -> f64, at: usize| {
        let step = 1e-6;
        let moved = |by: f64| {
            let mut moved = wide(values);
            moved[at] += by;
            loss(&moved)
        };
        (moved(step) - moved(-step)) / (2.0 * step)
    };
    let (wide_input, wide_parameters) = (wide(&input), wide(&parameters));
    let compare = |what: &str, values: &[f32], got: &[f32], loss: &dyn Fn(&[f64]) -> f64| {
        // Some forty of them: each difference takes two passes in loops, under Miri some seconds.
        let few = if cfg!(miri) { 1 } else { 40 };
        let chosen: Vec<usize> = (0..values.len()).step_by(values.len().div_ceil(few)).collect();
        let want: Vec<f64> = chosen.iter().map(|&at| difference(values, loss, at)).collect();
        let got: Vec<f32> = chosen.iter().map(|&at| got[at]).collect();
        assert_near(what, &got, &want, 1e-3);
    };
    compare("gradient of the input", &input, found.input.as_ref().unwrap(), &|x| loss(x, &wide_parameters));
    compare("gradient of the parameters", &parameters, &found.parameters, &|p| loss(&wide_input, p));
    let without = stack.backward(&trained.tape, &parameters, &probe, false);
    assert_eq!((without.input, without.parameters), (None, found.parameters));
}

#[test]
fn training_is_what_loops_give_and_gradients_what_differences_give() {
    for isa in Isa::available() {
        check(&encoder().on(isa), 1);
        check(&encoder().on(isa), 20);
        for decoder in decoders() {
            check(&decoder.on(isa), 1);
        }
    }
}

#[test]
fn in_use_the_statistics_given_take_the_place_of_those_of_the_batch() {
    for stack in decoders().into_iter().chain([encoder()]) {
        for keep in [1, 20] {
            let (input, parameters) = (input(&stack, 4, keep), numbers(6, stack.parameters()));
            let trained = stack.train(&input, &parameters);
            let used = stack.infer(&input, &parameters, &trained.statistics);
            assert_near("output", &used, &wide(&trained.output), 1e-5);
        }
    }
}

#[test]
fn a_network_is_its_layers_one_after_the_other() {
    // With 3 numbers between them two linear layers stay two, with 21 they become one.
    for (stack, hidden) in decoders().into_iter().flat_map(|stack| [(stack.clone(), 3), (stack, 21)]) {
        let map = stack.input();
        let (batch, inputs) = (5, 7);
        let (first, second) = (numbers(1, hidden * inputs), numbers(2, map.values() * hidden));
        let (bias, map_bias) = (numbers(3, hidden), numbers(4, map.values()));
        let parameters = numbers(6, stack.parameters());
        let noise = numbers(8, batch * inputs);
        let linear = |weights: &[f32], bias: &[f32], input: &[f32]| -> Vec<f32> {
            let columns = weights.len() / bias.len();
            let row = |input: &[f32], at: usize| {
                let weights = &weights[at * columns..][..columns];
                weights.iter().zip(input).map(|(a, b)| a * b).sum::<f32>() + bias[at]
            };
            input
                .chunks(columns)
                .flat_map(|input| (0..bias.len()).map(|at| row(input, at)).collect::<Vec<_>>())
                .collect()
        };
        let features = linear(&second, &map_bias, &linear(&first, &bias, &noise));
        let statistics = stack.train(&features, &parameters).statistics;
        let want = stack.infer(&features, &parameters, &statistics);

        let mut network = Network::new(batch, inputs, Isa::best());
        network.linear(&Linear::new(&first, &bias), Shape { channels: hidden, size: [1; 3] });
        network.linear(&Linear::new(&second, &map_bias), map);
        network.stack(&stack, &parameters, &statistics);
        assert_eq!((network.batch(), network.output()), (batch, stack.output()));
        let mut maps = Maps::default();
        let got = network.run(&noise, &mut maps).to_vec();
        assert_near("output", &got, &wide(&want), 1e-5);
        // A row does not depend on the others, nor on what was computed before.
        let mut turned = noise.clone();
        turned.rotate_left(inputs);
        let mut rows = network.run(&turned, &mut maps).to_vec();
        rows.rotate_right(stack.output().len());
        assert_eq!(rows, got);
        // Nor on how many there are.
        let single = network.single();
        for (row, got) in noise.chunks(inputs).zip(got.chunks(stack.output().len())) {
            assert_eq!(single.run(row, &mut maps), got);
        }
    }
}

#[test]
fn linear_layers_are_normalised_and_activated() {
    let (batch, inputs, outputs) = if cfg!(miri) { (2, 6, 19) } else { (20, 6, 19) };
    let (weights, bias) = (numbers(1, outputs * inputs), numbers(2, outputs));
    let [weight, shift, mean] = [3, 4, 5].map(|seed| numbers(seed, outputs));
    let variance: Vec<f32> = numbers(6, outputs).iter().map(|x| x * x + 0.1).collect();
    let norm =
        Normalisation { weight: &weight, bias: &shift, mean: &mean, variance: &variance, epsilon: EPSILON };
    let normalised = |at: usize, x: f64| {
        let [weight, shift, mean, variance] =
            [&weight, &shift, &mean, &variance].map(|values| f64::from(values[at]));
        (x - mean) / (variance + EPSILON).sqrt() * weight + shift
    };
    let activated = |activation, x: f64| match activation {
        Activation::Leaky(slope) => x.max(0.0) + f64::from(slope) * x.min(0.0),
        Activation::Elu => x.max(0.0) + x.min(0.0).exp_m1(),
        Activation::Selu => 1.050_700_987 * (x.max(0.0) + 1.673_263_242 * x.min(0.0).exp_m1()),
    };
    let input = numbers(7, batch * inputs);
    for activation in [Activation::Leaky(0.2), Activation::Leaky(0.0), Activation::Elu, Activation::Selu] {
        // Under Miri neither, or both.
        for norms in (0..4).step_by(if cfg!(miri) { 3 } else { 1 }) {
            let [norm_before, norm_after] = [1, 2].map(|bit| (norms & bit != 0).then_some(norm));
            let layer = Linear { norm_before, activation, norm_after, ..Linear::new(&weights, &bias) };
            let mut network = Network::new(batch, inputs, Isa::best());
            // A map of one channel, whose numbers stand together.
            network.linear(&layer, Shape { channels: 1, size: [1, 1, outputs] });
            let mut maps = Maps::default();
            let got = network.run(&input, &mut maps).to_vec();
            let want = input
                .chunks(inputs)
                .flat_map(|row| (0..outputs).map(move |at| (row, at)).collect::<Vec<_>>());
            let want = want.map(|(row, at)| {
                let products = row.iter().zip(&weights[at * inputs..]);
                let sum =
                    products.map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>() + f64::from(bias[at]);
                let before = if norm_before.is_some() { normalised(at, sum) } else { sum };
                let x = activated(activation, before);
                if norm_after.is_some() { normalised(at, x) } else { x }
            });
            assert_near("output", &got, &want.collect::<Vec<_>>(), 1e-5);
            let single = network.single();
            for (row, got) in input.chunks(inputs).zip(got.chunks(outputs)) {
                assert_eq!(single.run(row, &mut maps), got);
            }
        }
    }
}

#[test]
fn layers_that_do_not_fit_make_no_stack() {
    assert_eq!(Stack::new([2; 3], vec![block(false, (1, 2), 3, 1, false, 1.0)]), None);
    let mismatched = vec![block(false, (1, 2), 1, 1, false, 1.0), block(false, (3, 2), 1, 1, false, 1.0)];
    assert_eq!(Stack::new([2; 3], mismatched), None);
    assert_eq!(Stack::new([2; 3], Vec::new()), None);
}
