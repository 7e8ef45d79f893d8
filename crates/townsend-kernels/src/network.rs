//! Networks with fixed weights: whatever can be computed once is computed when a layer is added.

use std::sync::Arc;

use rayon::prelude::*;

use crate::activation::Activation;
use crate::correlation::Correlation;
use crate::isa::for_vectors;
use crate::norm::Affine;
use crate::stack::Folded;
use crate::{Convolution, Isa, Shape, Stack};

/// Linear layers and [stacks](Stack) with fixed weights, for batches of a fixed size.
///
/// When a layer is added its weights are packed, its normalisations are folded into them, and two linear
/// layers with nothing between them are multiplied into one, where that takes fewer multiplications.
/// [`Network::run`] allocates nothing but the memory in [`Maps`], the first time. The output of a row depends
/// on that row alone, bit for bit.
#[derive(Debug)]
pub struct Network {
    batch: usize,
    isa: Isa,
    inputs: usize,
    /// The output of the last layer.
    output: Shape,
    layers: Vec<Layer>,
    /// The last layer as it was given, if it is linear, gives a vector, and nothing follows it yet.
    last: Option<Product>,
    /// Numbers a row of each of the two maps that layers read and write in turn.
    lengths: [usize; 2],
    scratch: usize,
}

/// The memory that a [`Network`] computes in. It is empty at first, grows to what a network needs, and can be
/// used for one network after another.
#[derive(Debug, Default)]
pub struct Maps {
    maps: [Vec<f32>; 2],
    scratch: Vec<f32>,
}

impl Maps {
    /// Grows to what `network` needs, as [`Network::run`] does.
    pub fn fit(&mut self, network: &Network) {
        for (map, length) in self.maps.iter_mut().zip(network.lengths) {
            lengthen(map, network.batch * length);
        }
        lengthen(&mut self.scratch, network.scratch);
    }
}

/// Packed weights are shared by copies of a layer for batches of other sizes.
#[derive(Debug, Clone)]
struct Layer {
    plan: Correlation,
    /// Multiplications with addition for a row.
    multiply_adds: usize,
    weights: Arc<[f32]>,
    shift: Arc<[f32]>,
    /// Factor of negative outputs.
    slope: f32,
    after: Option<Arc<Elementwise>>,
    /// Numbers of a row that the next layer reads.
    row: usize,
}

/// What is done to each number of a vector after the sums, where kernels cannot do it in passing.
#[derive(Debug)]
struct Elementwise {
    activation: Activation,
    /// Scale and shift of each number after the activation.
    affine: Option<[Vec<f32>; 2]>,
}

impl Elementwise {
    fn apply(&self, row: &mut [f32]) {
        for x in &mut *row {
            *x = self.activation.of(*x);
        }
        if let Some([scale, shift]) = &self.affine {
            row.iter_mut().zip(scale).zip(shift).for_each(|((x, scale), shift)| *x = *x * scale + shift);
        }
    }
}

/// A linear layer, and what follows it.
#[derive(Debug, Clone, Copy)]
pub struct Linear<'a> {
    /// `[outputs, inputs]`.
    pub weights: &'a [f32],
    /// `[outputs]`.
    pub bias: &'a [f32],
    /// A batch normalisation of the sums, before the activation.
    pub norm_before: Option<Normalisation<'a>>,
    /// The activation.
    pub activation: Activation,
    /// A batch normalisation after the activation.
    pub norm_after: Option<Normalisation<'a>>,
}

impl<'a> Linear<'a> {
    /// A layer with weights `[outputs, inputs]` and nothing after it.
    pub fn new(weights: &'a [f32], bias: &'a [f32]) -> Self {
        Self { weights, bias, norm_before: None, activation: Activation::Leaky(1.0), norm_after: None }
    }

    fn is_plain(&self) -> bool {
        self.norm_before.is_none() && self.norm_after.is_none() && self.activation == Activation::Leaky(1.0)
    }
}

/// A batch normalisation with fixed statistics, of `[channels]` numbers each:
/// (x − mean) / √(variance + ε) · weight + bias.
#[derive(Debug, Clone, Copy)]
pub struct Normalisation<'a> {
    /// Factor of each channel.
    pub weight: &'a [f32],
    /// Addend of each channel.
    pub bias: &'a [f32],
    /// Running mean.
    pub mean: &'a [f32],
    /// Running variance.
    pub variance: &'a [f32],
    /// Added to the variance, ε.
    pub epsilon: f64,
}

impl Normalisation<'_> {
    /// Scale and shift of each channel.
    fn affine(&self) -> [Vec<f32>; 2] {
        let affine = Affine::new(self.mean.to_vec(), self.variance, self.epsilon, self.weight, self.bias);
        [affine.scale, affine.shift]
    }
}

/// `outputs` sums over `inputs` numbers each.
#[derive(Debug)]
struct Product {
    inputs: usize,
    /// `[outputs, inputs]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// Rows of weights that are multiplied together, so that what they are multiplied with is read once for all
/// of them.
const TOGETHER: usize = 4;

impl Product {
    /// Both layers as one, added up in double precision and rounded once. None if one after the other they
    /// take no more multiplications.
    fn then(&self, next: &Self) -> Option<Self> {
        let (hidden, outputs) = (next.inputs, next.bias.len());
        if self.inputs * outputs > hidden * (self.inputs + outputs) {
            return None;
        }
        let mut weights = vec![0.0; outputs * self.inputs];
        if self.inputs > 0 && hidden > 0 {
            let rows = weights.par_chunks_mut(TOGETHER * self.inputs);
            rows.zip(next.weights.par_chunks(TOGETHER * hidden)).for_each(|(to, next)| {
                let mut sums = vec![0.0; to.len()];
                multiply(Isa::best(), next, &self.weights, self.inputs, &mut sums);
                to.iter_mut().zip(sums).for_each(|(to, sum)| *to = sum as f32);
            });
        }
        let shift = |(at, bias): (usize, &f32)| {
            let row = &next.weights[at * hidden..][..hidden];
            let through = row.iter().zip(&self.bias).map(|(a, b)| f64::from(*a) * f64::from(*b));
            (f64::from(*bias) + through.sum::<f64>()) as f32
        };
        let bias = next.bias.iter().enumerate().map(shift).collect();
        Some(Self { inputs: self.inputs, weights, bias })
    }
}

for_vectors! {
    /// Adds the products of some rows of weights with a matrix of `columns` up, each sum in the order of the
    /// rows of the matrix.
    fn multiply(rows: &[f32], matrix: &[f32], columns: usize, sums: &mut [f64]) {
        let hidden = matrix.len() / columns;
        for (at, before) in matrix.chunks_exact(columns).enumerate() {
            for (row, sums) in rows.chunks_exact(hidden).zip(sums.chunks_exact_mut(columns)) {
                let weight = f64::from(row[at]);
                for (sum, before) in sums.iter_mut().zip(before) {
                    *sum += weight * f64::from(*before);
                }
            }
        }
    }
}

impl Network {
    /// A network without layers, for batches of `batch` rows of `inputs` numbers.
    pub fn new(batch: usize, inputs: usize, isa: Isa) -> Self {
        let output = Shape { channels: inputs, size: [1; 3] };
        let lengths = [output.len(), 0];
        Self { batch, isa, inputs, output, layers: Vec::new(), last: None, lengths, scratch: 0 }
    }

    /// The same network for one row at a time, computed by the thread that calls it alone. It shares the
    /// weights in memory and gives the same bits.
    #[must_use]
    pub fn single(&self) -> Self {
        let layers = self.layers.iter();
        let layers: Vec<Layer> =
            layers.map(|layer| Layer { plan: layer.plan.single(), ..layer.clone() }).collect();
        let scratch = layers.iter().map(|layer| layer.plan.scratch()).max().unwrap_or(0);
        Self { batch: 1, layers, last: None, scratch, ..*self }
    }

    /// Adds a linear layer, whose outputs are a map `[channels, t, z, x]`.
    ///
    /// # Panics
    /// If the layer before does not give as many numbers as it takes, or a slice has not the right length.
    pub fn linear(&mut self, layer: &Linear<'_>, output: Shape) {
        let inputs = self.output.channels;
        assert!(self.output.cells() == 1, "a linear layer reads a vector");
        assert_eq!(layer.weights.len(), inputs * output.values(), "weights of a linear layer");
        assert_eq!(layer.bias.len(), output.values(), "bias of a linear layer");
        let mut product = Product { inputs, weights: layer.weights.to_vec(), bias: layer.bias.to_vec() };
        if let Some(folded) = self.last.take().and_then(|last| last.then(&product)) {
            self.layers.pop();
            self.output = Shape { channels: folded.inputs, size: [1; 3] };
            product = folded;
        }
        if let Some(norm) = &layer.norm_before {
            product.scale_and_shift(&norm.affine());
        }
        self.add_product(&product, output, layer);
        self.last = (output.cells() == 1 && layer.is_plain()).then_some(product);
    }

    /// Adds a layer whose outputs are computed in the order in which the map stands in memory.
    fn add_product(&mut self, product: &Product, output: Shape, layer: &Linear<'_>) {
        let inputs = product.inputs;
        let mut ordered = vec![0.0; inputs * output.len()];
        for (from, to) in places(output) {
            ordered[to * inputs..][..inputs].copy_from_slice(&product.weights[from * inputs..][..inputs]);
        }
        let in_memory = |values: &[f32]| {
            let mut ordered = vec![0.0; output.len()];
            places(output).for_each(|(from, to)| ordered[to] = values[from]);
            ordered
        };
        let convolution = Convolution {
            transposed: false,
            inputs,
            outputs: output.len(),
            kernel: [1; 3],
            stride: [1; 3],
            padding: [0; 3],
        };
        let affine = layer.norm_after.map(|norm| norm.affine().map(|values| in_memory(&values)));
        let slope = layer.activation.slope();
        let folded = Folded { weights: &ordered, scale: None, shift: in_memory(&product.bias) };
        self.add(&convolution, &folded, slope.unwrap_or(1.0));
        self.output = output;
        if let Some(last) = self.layers.last_mut() {
            last.row = output.len();
            // Kernels multiply negative numbers by a slope; all else is done after them.
            let activation = if slope.is_some() { Activation::Leaky(1.0) } else { layer.activation };
            let more = slope.is_none() || affine.is_some();
            last.after = more.then(|| Arc::new(Elementwise { activation, affine }));
        }
    }

    /// Adds a stack with its parameters and running statistics.
    ///
    /// # Panics
    /// If the layer before does not give the map that it takes, or a slice has not the right length.
    pub fn stack(&mut self, stack: &Stack, parameters: &[f32], statistics: &[f32]) {
        assert_eq!(self.output, stack.input(), "a stack after another map");
        self.last = None;
        for (block, folded) in stack.blocks().iter().zip(stack.folded(parameters, statistics)) {
            self.add(&block.convolution, &folded, block.slope);
        }
    }

    fn add(&mut self, layer: &Convolution, folded: &Folded<'_>, slope: f32) {
        let plan =
            Correlation::forward(layer, self.output.size, self.batch, self.isa).expect("the kernel fits");
        let weights = plan.pack(folded.weights, folded.scale.as_deref()).into();
        self.output = plan.output;
        self.scratch = plan.scratch().max(self.scratch);
        let row = plan.output.len();
        let multiply_adds = layer.multiply_adds(plan.input.size).unwrap_or_default();
        let shift = folded.shift.as_slice().into();
        self.layers.push(Layer { plan, multiply_adds, weights, shift, slope, after: None, row });
        let length = &mut self.lengths[self.layers.len() % 2];
        *length = row.max(*length);
    }

    /// Rows of a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Multiplications with addition that [`Network::run`] needs for a row.
    pub fn multiply_adds(&self) -> usize {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }

    /// The output of each row.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// Computes the outputs of a batch of inputs `[batch, inputs]`; each stands in memory as its [`Shape`]
    /// says.
    ///
    /// # Panics
    /// If there are not as many inputs.
    pub fn run<'m>(&self, input: &[f32], maps: &'m mut Maps) -> &'m mut [f32] {
        assert_eq!(input.len(), self.batch * self.inputs, "a batch of {} rows", self.batch);
        maps.fit(self);
        let Maps { maps, scratch } = maps;
        let padded = Shape { channels: self.inputs, size: [1; 3] }.len();
        for (to, from) in maps[0].chunks_mut(padded).zip(input.chunks(self.inputs.max(1))) {
            to[..self.inputs].copy_from_slice(from);
            to[self.inputs..].fill(0.0);
        }
        let [mut from, mut to] = maps.each_mut();
        let mut length = self.batch * padded;
        for Layer { plan, weights, shift, slope, after, row, .. } in &self.layers {
            let computed = plan.output.len();
            let (input, output) = (&from[..length], &mut to[..self.batch * computed]);
            plan.run(input, (weights, shift, *slope), scratch, output);
            if *row < computed {
                (1..self.batch).for_each(|n| to.copy_within(n * computed..n * computed + row, n * row));
            }
            length = self.batch * row;
            if let Some(after) = after {
                to[..length].chunks_exact_mut(*row).for_each(|row| after.apply(row));
            }
            std::mem::swap(&mut from, &mut to);
        }
        &mut from[..length]
    }
}

impl Product {
    /// Multiplies each output by a scale and adds a shift.
    fn scale_and_shift(&mut self, [scale, shift]: &[Vec<f32>; 2]) {
        let rows = self.weights.chunks_mut(self.inputs.max(1));
        rows.zip(scale).for_each(|(row, scale)| row.iter_mut().for_each(|weight| *weight *= scale));
        let shifts = self.bias.iter_mut().zip(scale).zip(shift);
        shifts.for_each(|((bias, scale), shift)| *bias = *bias * scale + shift);
    }
}

/// The number of each value of a map among `[channels, t, z, x]`, and where it stands in memory.
fn places(map: Shape) -> impl Iterator<Item = (usize, usize)> {
    let cells = map.cells();
    (0..map.values()).map(move |from| (from, map.at(from / cells, from % cells)))
}

fn lengthen(numbers: &mut Vec<f32>, length: usize) {
    if numbers.len() < length {
        numbers.resize(length, 0.0);
    }
}
