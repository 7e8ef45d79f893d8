//! Stacks of convolutions, each with batch normalisation and activation, in training and with fixed
//! statistics.

use crate::buffer::Buffer;
use crate::correlation::Correlation;
use crate::norm::{self, Affine};
use crate::{Convolution, Isa, Occupied, Shape, weight_gradient};

/// A convolution with the normalisation and the activation after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// The convolution, always with a bias.
    pub convolution: Convolution,
    /// Batch normalisation with this number added to the variance.
    pub norm: Option<f64>,
    /// Factor of negative numbers at the end, not negative: 0 is `ReLU`, 1 leaves all numbers as they are.
    pub slope: f32,
}

/// Blocks one after the other.
///
/// All parameters stand in one slice: for each block the weights, the bias and, with a normalisation, its
/// weight and bias. So do the statistics: for each normalisation the mean and the variance of every channel.
/// Inputs and outputs are `[batch, channels, t, z, x]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    blocks: Vec<Block>,
    /// The shape of the map before each block, and after the last.
    shapes: Vec<Shape>,
    isa: Isa,
}

/// The maps of a forward pass that the gradients are computed from.
#[derive(Debug)]
pub struct Tape {
    batch: usize,
    input: Input,
    /// The output of each convolution; without a normalisation, that of the activation after it. The last one
    /// is left out if no normalisation and no activation follows it.
    raw: Vec<Buffer>,
    /// With a normalisation, the output of the block, for all blocks but the last.
    activated: Vec<Option<Buffer>>,
    affine: Vec<Option<Affine>>,
}

#[derive(Debug)]
enum Input {
    Occupied(Occupied),
    Dense(Buffer),
}

/// The input of a convolution.
#[derive(Clone, Copy)]
enum Source<'a> {
    Occupied(&'a Occupied),
    Dense(&'a [f32]),
}

impl Input {
    fn source(&self) -> Source<'_> {
        match self {
            Self::Occupied(cells) => Source::Occupied(cells),
            Self::Dense(map) => Source::Dense(map),
        }
    }
}

/// The results of a forward pass in training.
#[derive(Debug)]
pub struct Trained {
    /// The output.
    pub output: Vec<f32>,
    /// Mean and variance (over n) of the batch.
    pub statistics: Vec<f32>,
    /// For [`Stack::backward`].
    pub tape: Tape,
}

/// Gradients of a loss.
#[derive(Debug, Clone, PartialEq)]
pub struct StackGradients {
    /// With respect to the input; none if it was not wanted.
    pub input: Option<Vec<f32>>,
    /// With respect to the parameters, in their order.
    pub parameters: Vec<f32>,
}

/// A block with fixed statistics: its normalisation became a factor of the weights of each output channel,
/// and a part of the shift.
pub(crate) struct Folded<'a> {
    pub(crate) weights: &'a [f32],
    pub(crate) scale: Option<Vec<f32>>,
    pub(crate) shift: Vec<f32>,
}

/// The parameters of a block.
struct Parameters<'a> {
    weights: &'a [f32],
    bias: &'a [f32],
    norm_weight: &'a [f32],
    norm_bias: &'a [f32],
}

impl Stack {
    /// The blocks on maps of `size` cells; `None` if a kernel does not fit, or a block does not take the
    /// channels that the one before it gives.
    pub fn new(size: [usize; 3], blocks: Vec<Block>) -> Option<Self> {
        let mut shapes = vec![Shape { channels: blocks.first()?.convolution.inputs, size }];
        for block in &blocks {
            let before = shapes.last()?;
            let size = block.convolution.output_size(before.size)?;
            if block.convolution.inputs != before.channels {
                return None;
            }
            shapes.push(Shape { channels: block.convolution.outputs, size });
        }
        Some(Self { blocks, shapes, isa: Isa::best() })
    }

    /// The same stack, computed with another instruction set of this CPU.
    #[must_use]
    pub fn on(self, isa: Isa) -> Self {
        Self { isa, ..self }
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The map that goes in.
    pub fn input(&self) -> Shape {
        self.shapes[0]
    }

    /// The map that comes out.
    pub fn output(&self) -> Shape {
        self.shapes[self.blocks.len()]
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        self.blocks.iter().map(Block::parameters).sum()
    }

    /// Multiplications with addition that the convolution of each block takes for one input.
    pub fn multiply_adds(&self) -> impl Iterator<Item = usize> {
        let layers = self.blocks.iter().zip(&self.shapes);
        layers.map(|(block, before)| block.convolution.multiply_adds(before.size).unwrap_or_default())
    }

    fn split<'a>(&self, mut parameters: &'a [f32]) -> Vec<Parameters<'a>> {
        assert_eq!(parameters.len(), self.parameters(), "the parameters are of another stack");
        let mut take = |length: usize| {
            let (first, rest) = parameters.split_at(length);
            parameters = rest;
            first
        };
        let blocks = self.blocks.iter().map(|block| {
            let (weights, outputs) = (block.convolution.weights(), block.convolution.outputs);
            let norm = if block.norm.is_some() { outputs } else { 0 };
            Parameters {
                weights: take(weights),
                bias: take(outputs),
                norm_weight: take(norm),
                norm_bias: take(norm),
            }
        });
        blocks.collect()
    }

    /// The blocks with these running statistics.
    pub(crate) fn folded<'a>(&self, parameters: &'a [f32], mut statistics: &[f32]) -> Vec<Folded<'a>> {
        let blocks = self.blocks.iter().zip(self.split(parameters));
        blocks.map(|(block, parameters)| block.fold(&parameters, &mut statistics)).collect()
    }

    fn enter(&self, input: &[f32]) -> (usize, Input) {
        let shape = self.input();
        let batch = shape.batch(input.len(), shape.values());
        let first = self.blocks[0].convolution;
        if !first.transposed
            && first.inputs == 1
            && first.outputs > 1
            && let Some(occupied) = Occupied::find(input, shape.size)
        {
            return (batch, Input::Occupied(occupied));
        }
        (batch, Input::Dense(shape.pack(input)))
    }

    /// The convolution of block `index` plus the shift, negative results multiplied by `slope`.
    fn convolve(
        &self,
        index: usize,
        batch: usize,
        input: Source<'_>,
        folded: &Folded<'_>,
        slope: f32,
    ) -> Buffer {
        let layer = &self.blocks[index].convolution;
        let Folded { weights, scale, shift } = folded;
        let mut output = Buffer::new(batch * self.shapes[index + 1].len());
        match input {
            Source::Occupied(cells) => {
                let factor = |at: usize| scale.as_ref().map_or(1.0, |scale| scale[at / layer.taps()]);
                let scaled: Vec<f32> =
                    weights.iter().enumerate().map(|(at, weight)| weight * factor(at)).collect();
                cells.convolve_into(layer, &scaled, shift, &mut output);
                if slope != 1.0 {
                    norm::leak(&mut output, slope);
                }
            }
            Source::Dense(input) => {
                let plan = Correlation::forward(layer, self.shapes[index].size, batch, self.isa)
                    .expect("the kernel fits, as `new` has seen");
                let weights = plan.pack(weights, scale.as_deref());
                let mut scratch = Buffer::new(plan.scratch());
                plan.run(input, (&weights, shift, slope), &mut scratch, &mut output);
            }
        }
        output
    }

    /// The output of a batch with the running `statistics`.
    ///
    /// # Panics
    /// If a slice has not the length that it should have.
    pub fn infer(&self, input: &[f32], parameters: &[f32], statistics: &[f32]) -> Vec<f32> {
        let (batch, input) = self.enter(input);
        let mut map: Option<Buffer> = None;
        for (index, folded) in self.folded(parameters, statistics).iter().enumerate() {
            let source = map.as_deref().map_or(input.source(), Source::Dense);
            map = Some(self.convolve(index, batch, source, folded, self.blocks[index].slope));
        }
        self.leave(map.unwrap_or_default())
    }

    fn leave(&self, output: Buffer) -> Vec<f32> {
        if self.output().channels == 1 { output.into_vec() } else { self.output().unpack(&output) }
    }

    /// The output of a batch in training: normalisations use the statistics of the batch.
    ///
    /// # Panics
    /// If a slice has not the length that it should have.
    pub fn train(&self, input: &[f32], parameters: &[f32]) -> Trained {
        let (batch, input) = self.enter(input);
        let (raw, activated, affine) = (Vec::new(), Vec::new(), Vec::new());
        let mut tape = Tape { batch, input, raw, activated, affine };
        let mut statistics = Vec::new();
        for (index, parameters) in self.split(parameters).iter().enumerate() {
            let (block, shape) = (&self.blocks[index], self.shapes[index + 1]);
            let slope = if block.norm.is_some() { 1.0 } else { block.slope };
            let plain = Folded { weights: parameters.weights, scale: None, shift: parameters.bias.to_vec() };
            let raw = self.convolve(index, batch, tape.entering(index), &plain, slope);
            let affine = block.norm.map(|epsilon| {
                let (mean, variance) = norm::moments(shape, &raw);
                statistics.extend_from_slice(&mean[..shape.channels]);
                statistics.extend_from_slice(&variance[..shape.channels]);
                Affine::new(mean, &variance, epsilon, parameters.norm_weight, parameters.norm_bias)
            });
            let activated = affine.as_ref().map(|affine| norm::activate(shape, &raw, affine, block.slope));
            tape.raw.push(raw);
            tape.activated.push(activated);
            tape.affine.push(affine);
        }
        let is_plain = self.blocks.last().is_some_and(|block| block.slope == 1.0);
        let output = match (tape.activated.pop().flatten(), is_plain) {
            (Some(activated), _) => activated,
            (None, true) => tape.raw.pop().unwrap_or_default(),
            (None, false) => Buffer::from(tape.raw.last().map_or_else(Vec::new, |raw| raw.to_vec())),
        };
        Trained { output: self.leave(output), statistics, tape }
    }

    /// The gradients of a loss with respect to the parameters and, if `want_input`, to the input, from its
    /// gradient with respect to the output.
    ///
    /// # Panics
    /// If a slice has not the length that it should have.
    pub fn backward(
        &self,
        tape: &Tape,
        parameters: &[f32],
        output_gradient: &[f32],
        want_input: bool,
    ) -> StackGradients {
        let split = self.split(parameters);
        let mut of_blocks: Vec<[Vec<f32>; 4]> = Vec::new();
        let mut gradient = self.output().pack(output_gradient);
        for index in (0..self.blocks.len()).rev() {
            let (block, shape) = (&self.blocks[index], self.shapes[index + 1]);
            let (mut norm_weight, mut norm_bias) = (Vec::new(), Vec::new());
            let bias = if let Some(affine) = &tape.affine[index] {
                (norm_weight, norm_bias) =
                    norm::normalise_backward(shape, &tape.raw[index], affine, block.slope, &mut gradient);
                // A bias has no gradient: normalisation subtracts the mean of the batch, and the bias with
                // it.
                vec![0.0; shape.channels]
            } else {
                if block.slope != 1.0 {
                    norm::leak_backward(&tape.raw[index], block.slope, &mut gradient);
                }
                norm::bias_gradient(shape, &gradient)
            };
            let weights = self.weight_gradient(index, tape, &gradient);
            of_blocks.push([weights, bias, norm_weight, norm_bias]);
            if index > 0 || want_input {
                let plan =
                    Correlation::backward(&block.convolution, self.shapes[index].size, tape.batch, self.isa)
                        .expect("the kernel fits, as `new` has seen");
                let mut before = Buffer::new(tape.batch * plan.output.len());
                let weights = plan.pack(split[index].weights, None);
                let zeros = vec![0.0; plan.output.channels];
                let mut scratch = Buffer::new(plan.scratch());
                plan.run(&gradient, (&weights, &zeros, 1.0), &mut scratch, &mut before);
                gradient = before;
            }
        }
        let parameters = of_blocks.iter().rev().flatten().map(Vec::as_slice).collect::<Vec<_>>().concat();
        let input = want_input.then(|| self.input().unpack(&gradient));
        StackGradients { input, parameters }
    }

    fn weight_gradient(&self, index: usize, tape: &Tape, gradient: &[f32]) -> Vec<f32> {
        let layer = &self.blocks[index].convolution;
        match tape.entering(index) {
            Source::Occupied(cells) => cells.weight_gradient(layer, gradient),
            Source::Dense(input) => {
                weight_gradient(layer, self.shapes[index].size, input, gradient, self.isa)
            }
        }
    }
}

impl Tape {
    /// What goes into the convolution of block `index`.
    fn entering(&self, index: usize) -> Source<'_> {
        match (index.checked_sub(1), &self.input) {
            (Some(before), _) => {
                Source::Dense(self.activated[before].as_deref().unwrap_or(&self.raw[before]))
            }
            (None, Input::Occupied(cells)) => Source::Occupied(cells),
            (None, Input::Dense(map)) => Source::Dense(map),
        }
    }
}

impl Block {
    fn parameters(&self) -> usize {
        let outputs = self.convolution.outputs;
        self.convolution.weights() + if self.norm.is_some() { 3 * outputs } else { outputs }
    }

    fn fold<'a>(&self, parameters: &Parameters<'a>, statistics: &mut &[f32]) -> Folded<'a> {
        let (weights, bias) = (parameters.weights, parameters.bias);
        let Some(epsilon) = self.norm else { return Folded { weights, scale: None, shift: bias.to_vec() } };
        let (mean, rest) = statistics.split_at(self.convolution.outputs);
        let (variance, rest) = rest.split_at(self.convolution.outputs);
        *statistics = rest;
        let affine =
            Affine::new(mean.to_vec(), variance, epsilon, parameters.norm_weight, parameters.norm_bias);
        let shift = bias.iter().zip(&affine.scale).zip(&affine.shift);
        let shift = shift.map(|((bias, scale), shift)| bias * scale + shift).collect();
        Folded { weights, scale: Some(affine.scale), shift }
    }
}
