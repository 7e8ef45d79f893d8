//! A network that only computes: everything that can be done once is done when it is made.

use rayon::prelude::*;

use crate::correlation::Correlation;
use crate::stack::Folded;
use crate::{Convolution, Isa, Shape, Stack};

/// Linear layers and [stacks](Stack) with fixed weights, for batches of a fixed size.
///
/// Weights are packed, normalisations folded into them, and linear layers without anything between them multiplied into one (where
/// that leaves fewer products) when a layer is added; [`Network::run`] itself allocates nothing. A row's output depends on that row
/// alone, bit for bit.
#[derive(Debug)]
pub struct Network {
    batch: usize,
    isa: Isa,
    inputs: usize,
    /// What the last layer gives, and what it takes in memory for one row.
    output: Shape,
    layers: Vec<Layer>,
    /// The last layer as it was given, if it is linear and gives a vector.
    last: Option<Linear>,
    maps: [Vec<f32>; 2],
    scratch: Vec<f32>,
}

#[derive(Debug)]
struct Layer {
    plan: Correlation,
    /// Additions with multiplication of a row.
    products: usize,
    weights: Vec<f32>,
    shift: Vec<f32>,
    slope: f32,
    /// Numbers of a row that the next layer reads.
    row: usize,
}

/// `outputs` sums over `inputs` numbers each.
#[derive(Debug)]
struct Linear {
    inputs: usize,
    /// `[outputs, inputs]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Both layers as one; sums are rounded once. None if one after the other they take no more products.
    fn then(&self, next: &Self) -> Option<Self> {
        let (hidden, outputs) = (next.inputs, next.bias.len());
        if self.inputs * outputs > hidden * (self.inputs + outputs) {
            return None;
        }
        let row = |(weights, bias): (&[f32], &f32)| {
            let mut sums = vec![0.0; self.inputs];
            for (weight, before) in weights.iter().zip(self.weights.chunks_exact(self.inputs.max(1))) {
                let weight = f64::from(*weight);
                sums.iter_mut().zip(before).for_each(|(sum, before)| *sum += weight * f64::from(*before));
            }
            let through = weights.iter().zip(&self.bias).map(|(a, b)| f64::from(*a) * f64::from(*b));
            let shift = f64::from(*bias) + through.sum::<f64>();
            (sums.into_iter().map(|sum| sum as f32).collect::<Vec<_>>(), shift as f32)
        };
        let rows = next.weights.par_chunks_exact(hidden).zip(&next.bias).map(row);
        let (weights, bias): (Vec<_>, Vec<_>) = rows.unzip();
        Some(Self { inputs: self.inputs, weights: weights.concat(), bias })
    }
}

impl Network {
    /// A network without layers, for batches of `batch` rows of `inputs` numbers.
    pub fn new(batch: usize, inputs: usize, isa: Isa) -> Self {
        let output = Shape { channels: inputs, size: [1; 3] };
        Self {
            batch,
            isa,
            inputs,
            output,
            layers: Vec::new(),
            last: None,
            maps: [vec![0.0; batch * output.len()], Vec::new()],
            scratch: Vec::new(),
        }
    }

    /// Adds a linear layer with weights `[outputs, inputs]`, whose outputs are a map `[channels, t, z, x]`.
    ///
    /// # Panics
    /// If the layer before does not give as many numbers as it takes, or a slice has not the right length.
    pub fn linear(&mut self, weights: &[f32], bias: &[f32], output: Shape) {
        let inputs = self.output.channels;
        assert!(self.output.cells() == 1, "a linear layer reads a vector");
        assert_eq!(weights.len(), inputs * output.values(), "weights of a linear layer");
        assert_eq!(bias.len(), output.values(), "bias of a linear layer");
        let mut linear = Linear { inputs, weights: weights.to_vec(), bias: bias.to_vec() };
        if let Some(folded) = self.last.take().and_then(|last| last.then(&linear)) {
            self.layers.pop();
            self.output = Shape { channels: folded.inputs, size: [1; 3] };
            linear = folded;
        }
        self.add_linear(&linear, output);
        self.last = (output.cells() == 1).then_some(linear);
    }

    /// Its outputs are computed in the order in which the map stands in memory.
    fn add_linear(&mut self, Linear { inputs, weights, bias }: &Linear, output: Shape) {
        let mut ordered = vec![0.0; inputs * output.len()];
        let mut shift = vec![0.0; output.len()];
        for channel in 0..output.channels {
            for cell in 0..output.cells() {
                let (from, to) = (channel * output.cells() + cell, output.at(channel, cell));
                ordered[to * inputs..][..*inputs].copy_from_slice(&weights[from * inputs..][..*inputs]);
                shift[to] = bias[from];
            }
        }
        let layer = Convolution {
            transposed: false,
            inputs: *inputs,
            outputs: output.len(),
            kernel: [1; 3],
            stride: [1; 3],
            padding: [0; 3],
        };
        self.add(&layer, &Folded { weights: &ordered, scale: None, shift }, 1.0);
        self.output = output;
        if let Some(layer) = self.layers.last_mut() {
            layer.row = output.len();
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
        let weights = plan.pack(folded.weights, folded.scale.as_deref());
        self.output = plan.output;
        self.scratch.resize(plan.scratch().max(self.scratch.len()), 0.0);
        let row = plan.output.len();
        let products = layer.products(plan.input.size).unwrap_or_default();
        self.layers.push(Layer { plan, products, weights, shift: folded.shift.clone(), slope, row });
        let map = &mut self.maps[self.layers.len() % 2];
        map.resize((self.batch * row).max(map.len()), 0.0);
    }

    /// Rows of a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Additions with multiplication that [`Network::run`] needs for a row.
    pub fn products(&self) -> usize {
        self.layers.iter().map(|layer| layer.products).sum()
    }

    /// What comes out for each row.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// Computes the outputs of a batch of inputs `[batch, inputs]`; each in the layout of its [`Shape`].
    ///
    /// # Panics
    /// If there are not as many inputs.
    pub fn run(&mut self, input: &[f32]) -> &mut [f32] {
        assert_eq!(input.len(), self.batch * self.inputs, "a batch of {} rows", self.batch);
        let padded = Shape { channels: self.inputs, size: [1; 3] }.len();
        for (to, from) in self.maps[0].chunks_mut(padded).zip(input.chunks(self.inputs.max(1))) {
            to[..self.inputs].copy_from_slice(from);
            to[self.inputs..].fill(0.0);
        }
        let [mut from, mut to] = self.maps.each_mut();
        let mut length = self.batch * padded;
        for Layer { plan, weights, shift, slope, row, .. } in &self.layers {
            let computed = plan.output.len();
            let (input, output) = (&from[..length], &mut to[..self.batch * computed]);
            plan.run(input, (weights, shift, *slope), &mut self.scratch, output);
            if *row < computed {
                (1..self.batch).for_each(|n| to.copy_within(n * computed..n * computed + row, n * row));
            }
            length = self.batch * row;
            std::mem::swap(&mut from, &mut to);
        }
        &mut from[..length]
    }
}
