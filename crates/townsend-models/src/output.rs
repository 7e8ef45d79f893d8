//! The scaling of a network's input counts, and the output function that gives counts or probabilities.

use std::sync::Arc;

use burn_tensor::{Tensor, TensorData, activation};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::{Purpose, stream};
use townsend_kernels::exponentials;

use crate::decoder::ToWeights;
use crate::family::EachAvalanche;
use crate::layers::Pass;
use crate::multinomial::throw;
use crate::onnx::{Attribute, Graph, Value};
use crate::parameters::{to_host, without_gradient};
use crate::{Batch, Parameters, Role, TensorSpec, fused};

/// The tensor with the logarithm of the mean avalanche in each cell: of its probabilities if the output is
/// `softmax`, of its counts if it is `exp`.
pub(crate) const PROFILE: &str = "output.log_profile";

/// The output function of a network that makes avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// max(0, x): counts, scaled like the input.
    Relu,
    /// 2 / (1 + exp(−x)): counts, scaled like the input.
    TwoSigmoid,
    /// exp(x) divided by its sum over all cells: probabilities.
    Softmax,
    /// exp(x) times the mean avalanche: expected counts.
    Exp,
}

/// The scaling of a network's input counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// n.
    Raw,
    /// √n.
    Sqrt,
    /// ln(1 + n).
    Log1p,
    /// n divided by the number of electrons of the avalanche, times a thousand: the shape alone.
    PerThousand,
}

impl Scaling {
    /// Scales counts for the input of the network.
    pub(crate) fn scale(self, counts: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Raw => counts,
            Self::Sqrt => counts.sqrt(),
            Self::Log1p => counts.log1p(),
            Self::PerThousand => counts.clone() * (counts.sum_dim(1).clamp_min(1.0).recip() * 1000.0),
        }
    }

    /// The inverse of [`Scaling::scale`]: counts from scaled ones. For [`Scaling::PerThousand`] it gives the
    /// shape only, not the number of electrons.
    pub(crate) fn unscale(self, scaled: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Raw | Self::PerThousand => scaled,
            Self::Sqrt => scaled.square(),
            Self::Log1p => scaled.exp() - 1.0,
        }
    }

    /// Like [`Scaling::unscale`] for a single number.
    pub(crate) fn unscaled(self, scaled: f32) -> f32 {
        match self {
            Self::Raw | Self::PerThousand => scaled,
            Self::Sqrt => scaled * scaled,
            Self::Log1p => scaled.exp() - 1.0,
        }
    }
}

impl Output {
    /// The tensor that is computed from the training avalanches, if there is one.
    pub(crate) fn specs(self, cells: usize) -> Option<TensorSpec> {
        let profile = TensorSpec { name: PROFILE.into(), shape: vec![cells], role: Role::Buffer(0.0) };
        self.has_profile().then_some(profile)
    }

    /// True if the output of the network is added to the logarithm of the mean avalanche.
    fn has_profile(self) -> bool {
        matches!(self, Self::Softmax | Self::Exp)
    }

    /// Computes this tensor from the training avalanches.
    pub(crate) fn prepare(self, parameters: &mut Parameters, training: &dyn EachAvalanche) {
        if self.has_profile() {
            let (mut profile, electrons) = log_profile(training);
            if self == Self::Exp {
                for x in &mut profile {
                    *x += electrons.ln();
                }
            }
            let profile = TensorData::new(profile, [training.grid().cells()]);
            parameters.set(PROFILE, Tensor::from_data(profile, parameters.device()));
        }
    }

    /// The output function of `[batch, cells]`; for `softmax` and `exp` its logarithm. With these two the
    /// output of the network is added to the logarithm of the mean avalanche, so that cells which are always
    /// empty are empty from the first step.
    pub(crate) fn apply(self, pass: &Pass<'_>, made: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Relu => activation::relu(made),
            Self::TwoSigmoid => activation::sigmoid(made) * 2.0,
            Self::Softmax => {
                let [_, cells] = made.dims();
                activation::log_softmax(made + pass.tensor(PROFILE, [1, cells]), 1)
            }
            Self::Exp => {
                let [_, cells] = made.dims();
                made + pass.tensor(PROFILE, [1, cells])
            }
        }
    }

    /// Weights of the cells, not normalised, from the result of [`Output::apply`].
    pub(crate) fn weights(self, scaling: Scaling, made: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Softmax | Self::Exp => made.exp(),
            Self::Relu | Self::TwoSigmoid => scaling.unscale(made),
        }
    }

    /// Avalanches for a critic, from the arguments of the output function, `[batch, cells]`: scaled, and as
    /// counts. From probabilities or expected numbers, whole electrons are drawn, as many as the avalanches
    /// of the batch have.
    pub(crate) fn shown(
        self,
        scaling: Scaling,
        pass: &Pass<'_>,
        made: Tensor<2>,
        (batch, purpose): (&Batch, Purpose),
    ) -> [Tensor<2>; 2] {
        match self {
            Self::Softmax | Self::Exp => {
                let counts = thrown(pass, &made, batch, purpose);
                [scaling.scale(counts.clone()), counts]
            }
            Self::Relu | Self::TwoSigmoid => {
                let made = self.apply(pass, made);
                [made.clone(), scaling.unscale(made)]
            }
        }
    }

    /// Output function and [`Output::weights`] together, without Burn.
    pub(crate) fn to_weights(self, scaling: Scaling, parameters: &Parameters) -> ToWeights {
        let profile = if self.has_profile() { parameters.values(PROFILE) } else { Vec::new() };
        Arc::new(move |cells: &mut [f32]| match self {
            Self::Softmax | Self::Exp => {
                exponentials(cells, &profile);
            }
            Self::Relu => cells.iter_mut().for_each(|x| *x = scaling.unscaled(x.max(0.0))),
            Self::TwoSigmoid => {
                for x in cells {
                    *x = scaling.unscaled(2.0 / (1.0 + (-*x).exp()));
                }
            }
        })
    }

    /// The same in a graph of ONNX, `[batch, cells]`.
    pub(crate) fn add_to_graph(self, scaling: Scaling, graph: &mut Graph<'_>, made: &Value) -> Value {
        let counts = match self {
            Self::Softmax | Self::Exp => {
                let profile = graph.tensor(PROFILE);
                let made = graph.node("Add", &[made, &profile], &[]);
                let along = [("axes", Attribute::Integers(&[1])), ("keepdims", Attribute::Integer(1))];
                let largest = graph.node("ReduceMax", &[&made], &along);
                let below = graph.node("Sub", &[&made, &largest], &[]);
                return graph.node("Exp", &[&below], &[]);
            }
            Self::Relu => graph.node("Relu", &[made], &[]),
            Self::TwoSigmoid => {
                let sigmoid = graph.node("Sigmoid", &[made], &[]);
                graph.with_number("Mul", &sigmoid, 2.0)
            }
        };
        match scaling {
            Scaling::Raw | Scaling::PerThousand => counts,
            Scaling::Sqrt => graph.node("Mul", &[&counts, &counts], &[]),
            Scaling::Log1p => {
                let exponentials = graph.node("Exp", &[&counts], &[]);
                graph.with_number("Sub", &exponentials, 1.0)
            }
        }
    }
}

/// Fraction of the electrons of the mean avalanche that are distributed as if its axes were independent.
/// Chosen, not fitted: at the edges of avalanches most cells contain no electron of the training avalanches,
/// although other cells as far out do. One electron in a hundred fills these gaps and hardly changes the
/// middle.
const INDEPENDENT: f64 = 0.01;
/// Fraction of the electrons that are distributed uniformly over all cells, so that no cell is impossible.
/// Chosen, not fitted: electrons far from all others widen an avalanche, and with this fraction fewer than
/// one in a hundred avalanches of a few thousand electrons have any.
const ANYWHERE: f64 = 1e-6;

/// ln p of the mean avalanche, smoothed; and the mean number of electrons of avalanches that have any.
pub(crate) fn log_profile(training: &dyn EachAvalanche) -> (Vec<f32>, f32) {
    let grid = training.grid();
    let mut electrons = vec![0u64; grid.cells()];
    let mut filled = 0u64;
    training.each(&mut |avalanche| {
        avalanche.occupied().for_each(|(cell, n)| electrons[cell as usize] += u64::from(n));
        filled += u64::from(avalanche.electrons() > 0);
    });
    let (all, cells) = (electrons.iter().sum::<u64>().max(1) as f64, electrons.len() as f64);
    let mut along_axes: Vec<Vec<f64>> = grid.shape().iter().map(|&bins| vec![0.0; bins]).collect();
    for (cell, &n) in (0..).zip(&electrons) {
        for (along, bin) in along_axes.iter_mut().zip(grid.split(cell)) {
            along[bin as usize] += n as f64 / all;
        }
    }
    let ln_p = |(cell, &n): (u32, &u64)| {
        let independent: f64 =
            along_axes.iter().zip(grid.split(cell)).map(|(along, bin)| along[bin as usize]).product();
        let found = (1.0 - INDEPENDENT - ANYWHERE) * n as f64 / all;
        (found + INDEPENDENT * independent + ANYWHERE / cells).ln() as f32
    };
    ((0..).zip(&electrons).map(ln_p).collect(), (all / filled.max(1) as f64) as f32)
}

/// Electrons distributed over cells with the probabilities softmax(`made`), `[batch, cells]`, as many as the
/// avalanches of the batch have. Gradients are those of the expected counts (a straight-through estimate:
/// Bengio et al. 2013, arXiv:1308.3432), so that a network learns from the critic's judgement of whole
/// electrons.
fn thrown(pass: &Pass<'_>, made: &Tensor<2>, batch: &Batch, purpose: Purpose) -> Tensor<2> {
    let sizes = to_host(without_gradient(batch.counts.clone()).sum_dim(1));
    let first = batch.step.wrapping_mul(sizes.len() as u64);
    let throw_row = |row: usize, expected: &[f32]| {
        let random = &mut stream(batch.seed, purpose, first.wrapping_add(row as u64));
        throw(expected, sizes[row] as u64, random)
    };
    let profile = pass.values(PROFILE);
    let counts = fused::thrown(made, |row, cells| {
        exponentials(cells, &profile);
        let sum: f64 = cells.iter().copied().map(f64::from).sum();
        let scale = (f64::from(sizes[row]) / sum) as f32;
        for cell in &mut *cells {
            *cell *= scale;
        }
        throw_row(row, cells)
    });
    counts.unwrap_or_else(|| thrown_by_operations(pass, made.clone(), &sizes, throw_row))
}

/// Like [`thrown`] in tensor operations, for backends other than the CPU's.
fn thrown_by_operations(
    pass: &Pass<'_>,
    made: Tensor<2>,
    sizes: &[f32],
    throw_row: impl Fn(usize, &[f32]) -> Vec<u32> + Sync,
) -> Tensor<2> {
    let [rows, cells] = made.dims();
    let device = made.device();
    let n = Tensor::<2>::from_data(TensorData::new(sizes.to_vec(), [rows, 1]), &device);
    let expected = Output::Softmax.apply(pass, made).exp() * n;
    let weights = to_host(without_gradient(expected.clone()));
    let mut excess: Vec<f32> = weights.iter().map(|expected| -expected).collect();
    let of_rows = excess.par_chunks_mut(cells).zip(weights.par_chunks(cells)).enumerate();
    of_rows.for_each(|(row, (excess, weights))| {
        for cell in throw_row(row, weights) {
            excess[cell as usize] += 1.0;
        }
    });
    let excess = Tensor::from_data(TensorData::new(excess, [rows, cells]), &device);
    expected + excess
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;
    use townsend_core::{Axis, CountSet, Grid};

    use super::*;

    fn tensor(values: Vec<f32>, columns: usize) -> Tensor<2> {
        let rows = values.len() / columns;
        Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex())
    }

    #[test]
    fn scalings_have_inverses() {
        for scaling in [Scaling::Raw, Scaling::Sqrt, Scaling::Log1p] {
            let counts = vec![0.0, 1.0, 7.0, 40_000.0];
            let back = to_host(scaling.unscale(scaling.scale(tensor(counts.clone(), 4))));
            for (got, want) in back.iter().zip(counts) {
                assert!((got - want).abs() <= 1e-5 * want.max(1.0), "{scaling:?}: {got} for {want}");
            }
        }
    }

    #[test]
    fn the_profile_is_the_mean_avalanche() {
        // 3 × 3 cells, of which 0 and 4 hold 10 and 30 electrons: of the electrons a quarter is in the first
        // bin of each axis, the rest in the second.
        let mut set = CountSet::new(Grid::new(vec![Axis::uniform(1, 0.0, 1.0).unwrap(); 2]).unwrap());
        set.push([(0, 4), (4, 30)]);
        set.push([(0, 6)]);
        let (profile, electrons) = log_profile(&set);
        assert!((electrons - 20.0).abs() < 1e-5);
        let near = |cell: usize, p: f32| assert!((profile[cell].exp() / p - 1.0).abs() < 1e-4, "cell {cell}");
        near(0, 0.99 / 4.0 + 0.01 / 16.0);
        near(4, 0.99 * 0.75 + 0.01 * 9.0 / 16.0);
        near(1, 0.01 * 3.0 / 16.0);
        near(8, 1e-6 / 9.0);
        assert!((profile.iter().map(|ln_p| ln_p.exp()).sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn electrons_are_thrown_and_gradients_are_those_of_the_expectation() {
        const TEST: Purpose = Purpose::new("thrown test");
        // With the profile: probabilities 1/4 and 3/4, and both the same.
        let profile = [0.5f32.ln(), 0.25f32.ln()];
        let spec = Output::Softmax.specs(2).unwrap();
        let parameters = Parameters::from_values(vec![spec], vec![profile.to_vec()], &Device::flex());
        let pass = Pass::inference(&parameters);
        let made = tensor(vec![0.0, 6f32.ln(), 3.0, 3.0 + 2f32.ln()], 2);
        let sizes = [8.0, 1000.0];
        let real = tensor(vec![3.0, 5.0, 0.0, 1000.0], 2);
        let batch = Batch { counts: real, noise: tensor(vec![0.0; 2], 1), seed: 1, step: 0 };
        let by_operations = |made: Tensor<2>| {
            let throw_row = |row: usize, expected: &[f32]| {
                throw(expected, sizes[row] as u64, &mut stream(1, TEST, row as u64))
            };
            thrown_by_operations(&pass, made, &sizes, throw_row)
        };
        let found = [thrown(&pass, &made, &batch, TEST), by_operations(made.clone())];
        let [fused, operations] = found.map(to_host);
        assert!(fused.iter().zip(&operations).all(|(a, b)| (a - b).abs() < 1e-3), "{fused:?} {operations:?}");
        for (row, size) in fused.chunks(2).zip(sizes) {
            assert!(row[0] + row[1] == size && row.iter().all(|n| n.fract() == 0.0), "{row:?}");
        }
        let derivatives = |act: &dyn Fn(Tensor<2>) -> Tensor<2>| {
            let tracked = made.clone().autodiff().require_grad();
            let first = act(tracked.clone()).slice([0..2, 0..1]).sum();
            to_host(tracked.grad(&first.backward()).unwrap())
        };
        for got in [derivatives(&|made| thrown(&pass, &made, &batch, TEST)), derivatives(&by_operations)] {
            // Of λ₁ = N p₁ by what stands before the softmax: λ₁ (1 − p₁) and −λ₁ p₂.
            for (got, want) in got.iter().zip([1.5, -1.5, 250.0, -250.0]) {
                assert!((got - want).abs() < 1e-3, "{got} for {want}");
            }
        }
    }

    #[test]
    fn a_shape_alone_is_scaled_to_a_thousand() {
        let scaled = Scaling::PerThousand.scale(tensor(vec![1.0, 3.0, 0.0, 0.0, 0.0, 50.0], 3));
        assert_eq!(to_host(scaled), [250.0, 750.0, 0.0, 0.0, 0.0, 1000.0]);
        assert_eq!(to_host(Scaling::PerThousand.scale(tensor(vec![0.0; 2], 2))), [0.0; 2], "an empty one");
    }
}
