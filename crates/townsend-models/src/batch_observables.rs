//! Observables of a batch of avalanches in tensor operations: number of electrons, mean and width along each
//! axis.

use std::iter;
use std::sync::OnceLock;

use burn_tensor::{Tensor, TensorData};
use townsend_core::{Axis, Counts, Grid};

use crate::family::EachAvalanche;
use crate::layers::Pass;
use crate::onnx::{Graph, Value};
use crate::{Parameters, Role, TensorSpec};

const MEAN: &str = "observables.mean";
const STD: &str = "observables.std";

/// Largest ln(1 + n) of generated avalanches: e^22.2 is just above 2³², which is more than a cell can count.
const MOST_LN_N: f64 = 22.2;

/// Added to a variance (in units of half an axis) before the root is taken, whose derivative diverges at 0.
/// It is the variance for a width of a ten thousandth of half an axis, far below a bin.
const VARIANCE: f64 = 1e-8;

/// ln(1 + n), and mean and standard deviation of the electrons along each axis, standardised to mean 0 and
/// standard deviation 1 over the training avalanches. Electrons in flow bins count at one bin beyond the end
/// of the axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchObservables {
    grid: Grid,
    dims: usize,
    /// See [`BatchObservables::powers`].
    powers: OnceLock<Vec<f32>>,
}

impl BatchObservables {
    /// The observables of avalanches on `grid`, along its first `dims` axes.
    pub(crate) fn new(grid: &Grid, dims: usize) -> Self {
        Self { grid: grid.clone(), dims, powers: OnceLock::new() }
    }

    /// For each cell 1, its position along each axis, from −1 to 1 over the axis, and the squares of these:
    /// `[cells, 1 + 2 axes]`. The table is as large as several avalanches and is not needed for generation,
    /// so it is made when it is first used.
    fn powers(&self) -> &[f32] {
        self.powers.get_or_init(|| {
            let axes = self.axes();
            let mut powers = Vec::with_capacity(self.grid.cells() * self.len());
            for cell in 0..self.grid.cells() as u32 {
                let positions = axes.iter().zip(self.grid.split(cell)).map(|(axis, bin)| axis[bin as usize]);
                powers.push(1.0);
                powers.extend(positions.clone());
                powers.extend(positions.map(|position| position * position));
            }
            powers
        })
    }

    /// [`BatchObservables::positions`] of the axes that count.
    fn axes(&self) -> Vec<Vec<f32>> {
        self.grid.axes().iter().take(self.dims).map(Self::positions).collect()
    }

    /// Positions of the bins of an axis, flow bins included, from −1 to 1 over the axis.
    pub(crate) fn positions(axis: &Axis) -> Vec<f32> {
        let bins = f64::from(axis.bins());
        (0..axis.bins() + 2).map(|bin| ((2.0 * f64::from(bin) - 1.0 - bins) / bins) as f32).collect()
    }

    /// Mean and width of the training avalanches along each axis, in the units of
    /// [`BatchObservables::positions`]. A width is at least a thousandth of half an axis, a twentieth of a
    /// bin of the standard grid, so that avalanches within one bin have a width as well.
    pub(crate) fn units(pass: &Pass<'_>) -> Vec<[f32; 2]> {
        let means = pass.values(MEAN);
        let (centres, widths) = means[1..].split_at(means.len() / 2);
        centres.iter().zip(widths).map(|(centre, width)| [*centre, width.max(1e-3)]).collect()
    }

    /// The number of observables.
    pub(crate) fn len(&self) -> usize {
        1 + 2 * self.dims
    }

    pub(crate) fn specs(&self) -> [TensorSpec; 2] {
        [(MEAN, 0.0), (STD, 1.0)].map(|(name, value)| TensorSpec {
            name: name.into(),
            shape: vec![self.len()],
            role: Role::Buffer(value),
        })
    }

    /// Sets mean and standard deviation of each observable to those of the training avalanches with
    /// electrons.
    pub(crate) fn prepare(&self, parameters: &mut Parameters, training: &dyn EachAvalanche) {
        let device = parameters.device().clone();
        let axes = self.axes();
        let (mut sums, mut squares, mut n) = (vec![0.0f64; self.len()], vec![0.0f64; self.len()], 0.0f64);
        training.each(&mut |avalanche| {
            if avalanche.electrons() == 0 {
                return;
            }
            for (i, value) in self.of_cells(avalanche, &axes).into_iter().enumerate() {
                sums[i] += value;
                squares[i] += value * value;
            }
            n += 1.0;
        });
        let mean: Vec<f32> = sums.iter().map(|sum| (sum / n.max(1.0)) as f32).collect();
        let std = sums.iter().zip(&squares).map(|(sum, square)| {
            let variance = square / n.max(1.0) - (sum / n.max(1.0)).powi(2);
            // An observable that does not vary (but for rounding) keeps its unit.
            if variance > 1e-12 { variance.sqrt() as f32 } else { 1.0 }
        });
        for (name, values) in [(MEAN, mean), (STD, std.collect())] {
            parameters.set(name, Tensor::from_data(TensorData::new(values, [self.len()]), &device));
        }
    }

    /// Counts `[batch, cells]` → observables `[batch, observables]`.
    pub(crate) fn of(&self, pass: &Pass<'_>, counts: &Tensor<2>) -> Tensor<2> {
        let (mean, std) = (pass.tensor(MEAN, [1, self.len()]), pass.tensor(STD, [1, self.len()]));
        (self.values(counts) - mean) / std
    }

    /// The observables before they are standardised.
    fn values(&self, counts: &Tensor<2>) -> Tensor<2> {
        let [batch, _] = counts.dims();
        let powers = TensorData::new(self.powers().to_vec(), [self.grid.cells(), self.len()]);
        let sums = counts.clone().matmul(Tensor::from_data(powers, &counts.device()));
        let part = |from: usize, n: usize| sums.clone().slice([0..batch, from..from + n]);
        let n = part(0, 1);
        if self.dims == 0 {
            return n.log1p();
        }
        // For an empty avalanche the sums are 0 as well, so any number above 0 will do.
        let electrons = n.clone().clamp_min(1e-6);
        let mean = part(1, self.dims) / electrons.clone();
        let square = part(1 + self.dims, self.dims) / electrons;
        let width = ((square - mean.clone().square()).clamp_min(0.0) + VARIANCE).sqrt();
        Tensor::cat(vec![n.clamp_min(0.0).log1p(), mean, width], 1)
    }

    /// The same of one avalanche with electrons, from its occupied cells alone. `axes` are those of
    /// [`BatchObservables::axes`].
    fn of_cells(&self, avalanche: Counts<'_>, axes: &[Vec<f32>]) -> Vec<f64> {
        let mut sums = [[0.0f64; 2]; 3];
        for (cell, n) in avalanche.occupied() {
            for ((sums, axis), bin) in sums.iter_mut().zip(axes).zip(self.grid.split(cell)) {
                let position = f64::from(axis[bin as usize]);
                sums[0] += f64::from(n) * position;
                sums[1] += f64::from(n) * position * position;
            }
        }
        let n = avalanche.electrons() as f64;
        let along = &sums[..self.dims];
        let width =
            |[sum, squares]: &[f64; 2]| ((squares / n - (sum / n).powi(2)).max(0.0) + VARIANCE).sqrt();
        let means = along.iter().map(|[sum, _]| sum / n);
        iter::once(n.ln_1p()).chain(means).chain(along.iter().map(width)).collect()
    }

    /// The number of electrons n, from the first observable, `[batch, 1]`.
    pub(crate) fn electrons(&self, pass: &Pass<'_>, first: Tensor<2>) -> Tensor<2> {
        let of_first = |name| pass.tensor(name, [1, self.len()]).slice([0..1, 0..1]);
        (first * of_first(STD) + of_first(MEAN)).clamp(0.0, MOST_LN_N).exp() - 1.0
    }

    /// Like [`BatchObservables::electrons`] for a single number, without Burn.
    pub(crate) fn fixed_electrons(parameters: &Parameters) -> impl Fn(f32) -> f32 + use<> {
        let [std, mean] = [STD, MEAN].map(|name| parameters.values(name)[0]);
        move |first| (first * std + mean).clamp(0.0, MOST_LN_N as f32).exp() - 1.0
    }

    /// [`BatchObservables::electrons`] in a graph of ONNX.
    pub(crate) fn electrons_in_graph(graph: &mut Graph<'_>, first: &Value) -> Value {
        let [std, mean] = [STD, MEAN].map(|name| f64::from(graph.parameters().values(name)[0]));
        let x = graph.with_number("Mul", first, std);
        let x = graph.with_number("Add", &x, mean);
        let (least, most) = (graph.number(0.0), graph.number(MOST_LN_N));
        let x = graph.node("Clip", &[&x, &least, &most], &[]);
        let x = graph.node("Exp", &[&x], &[]);
        graph.with_number("Sub", &x, 1.0)
    }

    /// Variation of the means along the axes (without axes: of the numbers of electrons) over a batch of
    /// observables, as a fraction of that over training avalanches: 0 if all are alike.
    pub(crate) fn diversity(&self, observables: Tensor<2>) -> Tensor<1> {
        let [batch, _] = observables.dims();
        let means = observables.slice([0..batch, if self.dims == 0 { 0..1 } else { 1..1 + self.dims }]);
        let deviations = means.clone() - means.mean_dim(0);
        deviations.square().mean_dim(0).sqrt().mean()
    }
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;
    use townsend_core::CountSet;

    use super::*;
    use crate::parameters::to_host;

    #[test]
    fn occupied_cells_say_what_all_cells_say() {
        for dims in 0..=3 {
            let axes =
                [(5, -1.0, 2.0), (4, 0.0, 1.0), (3, -2.0, 0.0)].map(|(n, a, b)| Axis::uniform(n, a, b));
            let grid = Grid::new(axes.into_iter().take(dims.max(1)).map(Result::unwrap).collect()).unwrap();
            let mut set = CountSet::new(grid.clone());
            let last = grid.cells() as u32 - 1;
            set.push([(0, 7), (last / 2, 40), (last, 3)]);
            set.push([(last / 3, 1)]);
            let observables = BatchObservables::new(&grid, dims);
            for avalanche in set.iter() {
                let mut dense = vec![0.0; grid.cells()];
                avalanche.fill(&mut dense);
                let dense = Tensor::from_data(TensorData::new(dense, [1, grid.cells()]), &Device::flex());
                let all = to_host(observables.values(&dense));
                let occupied = observables.of_cells(avalanche, &observables.axes());
                assert_eq!(all.len(), occupied.len());
                for (all, occupied) in all.into_iter().zip(occupied) {
                    assert!((f64::from(all) - occupied).abs() < 2e-4, "{dims}: {all} for {occupied}");
                }
            }
        }
    }
}
