//! Critics: networks that distinguish generated from real avalanches.
//!
//! Convolutions (or linear layers) compute features of an avalanche. The configuration may add to the
//! features how close the avalanche is to the others of its batch (minibatch discrimination), and observables
//! of the avalanche. Linear layers turn all of these into a score.

use burn_tensor::Tensor;
use townsend_core::Purpose;

use crate::dense::{Activation, Dense, Norm, apply_all, mask};
use crate::layers::{Layer, Pass};
use crate::parameters::without_gradient;
use crate::{Batch, Role, TensorSpec};

/// Random streams of the dropout in a critic: for the real and for the generated avalanches of a step, and
/// for points between them.
pub(crate) const DROPOUTS: [Purpose; 3] =
    [Purpose::new("dropout, real"), Purpose::new("dropout, made"), Purpose::new("dropout, between")];

/// Weight of the newest direction in the running direction of a spectral norm: each step of the power
/// iteration continues from the last.
const NEWEST: f64 = 1.0;

/// How close each avalanche of a batch is to the others (Salimans et al. 2016): M = f T with `rows` rows of
/// `columns`, and `o_b(i) = Σ_{j≠i} exp(−‖M_ib − M_jb‖₁)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Minibatch {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Minibatch {
    /// The sizes in the reference's critics of avalanches with `dims` axes.
    pub(crate) fn of(dims: usize) -> Self {
        Self { rows: if dims == 3 { 64 } else { 48 }, columns: 16 }
    }
}

/// A critic.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Critic {
    /// Prefix of the names of its tensors, with a dot.
    pub(crate) prefix: &'static str,
    /// Cells of an avalanche, `[t, z, x]`.
    pub(crate) cells: [usize; 3],
    pub(crate) convolutions: Vec<Layer>,
    /// Linear layers instead of convolutions. Observables are then added to the cells rather than to the
    /// features.
    pub(crate) trunk: Vec<Dense>,
    pub(crate) head: Vec<Dense>,
    pub(crate) minibatch: Option<Minibatch>,
    pub(crate) spectral_norm: bool,
    /// Fraction of the numbers that are dropped in training after each linear layer of the trunk but the
    /// last.
    pub(crate) dropout: f64,
    /// True if observables are added.
    pub(crate) sees_observables: bool,
}

/// The judgement of a critic.
pub(crate) struct Judged {
    /// Features `[batch, features]`, before anything is added to them.
    pub(crate) features: Tensor<2>,
    /// The score `[batch, 1]`; the larger, the more real.
    pub(crate) score: Tensor<2>,
}

impl Critic {
    /// A critic without layers, of avalanches with these cells; its tensors are named after `prefix`.
    pub(crate) fn new(prefix: &'static str, cells: [usize; 3]) -> Self {
        Self {
            prefix,
            cells,
            convolutions: Vec::new(),
            trunk: Vec::new(),
            head: Vec::new(),
            minibatch: None,
            spectral_norm: false,
            dropout: 0.0,
            sees_observables: false,
        }
    }

    /// The observables of avalanches, if the critic uses any; otherwise they are not computed.
    pub(crate) fn seen(&self, observables: impl FnOnce() -> Tensor<2>) -> Option<Tensor<2>> {
        self.sees_observables.then(observables)
    }

    /// Number of features before anything is added.
    pub(crate) fn features(&self) -> usize {
        match (self.convolutions.is_empty(), self.trunk.last()) {
            (true, Some(last)) => last.outputs,
            (true, None) => self.cells.iter().product(),
            (false, _) => crate::layers::stack(&self.convolutions, self.cells).output().values(),
        }
    }

    /// Number of features with everything that is added to them, including `observables` numbers.
    pub(crate) fn joined(&self, observables: usize) -> usize {
        self.features() + self.minibatch.map_or(0, |minibatch| minibatch.rows) + observables
    }

    /// Sets the linear layers from the features and all that is added to them, including `observables`
    /// numbers, through `widths` to the score.
    pub(crate) fn set_head(&mut self, widths: &[usize], activation: Activation, observables: usize) {
        let inputs = self.joined(observables);
        self.head = Dense::chain(&format!("{}linear", self.prefix), inputs, widths, activation, Norm::None);
        let width = widths.last().copied().unwrap_or(inputs);
        self.head.extend(Dense::chain(
            &format!("{}score", self.prefix),
            width,
            &[1],
            Activation::None,
            Norm::None,
        ));
    }

    pub(crate) fn specs(&self) -> Vec<TensorSpec> {
        let mut specs: Vec<_> = self.convolutions.iter().flat_map(Layer::specs).collect();
        specs.extend(self.trunk.iter().chain(&self.head).flat_map(Dense::specs));
        if self.spectral_norm {
            let weights: Vec<_> = specs.iter().filter(|spec| spec.name.ends_with(".weight")).collect();
            let weights = weights.into_iter().filter(|spec| spec.shape.len() > 1);
            // The running directions begin as unit vectors.
            let directions = weights.map(|spec| TensorSpec {
                name: direction(&spec.name),
                shape: vec![spec.shape[0]],
                role: Role::Buffer(1.0 / (spec.shape[0] as f32).sqrt()),
            });
            let directions: Vec<_> = directions.collect();
            specs.extend(directions);
        }
        if let Some(Minibatch { rows, columns }) = self.minibatch {
            // N(0, 1), as in PyTorch's implementations.
            let shape = vec![self.features(), rows * columns];
            specs.push(TensorSpec { name: self.tensor(), shape, role: Role::Normal { mean: 0.0, std: 1.0 } });
        }
        specs
    }

    fn tensor(&self) -> String {
        format!("{}minibatch.T", self.prefix)
    }

    /// Divides each weight by its largest singular value (Miyato et al. 2018), estimated by one step of a
    /// power iteration, for the rest of the evaluation.
    pub(crate) fn begin(&self, pass: &mut Pass<'_>) {
        if !self.spectral_norm {
            return;
        }
        let shapes: Vec<_> =
            pass.specs().iter().map(|spec| (spec.name.clone(), spec.shape.clone())).collect();
        for (name, shape) in shapes {
            if !name.starts_with(self.prefix) || !name.ends_with(".weight") || shape.len() < 2 {
                continue;
            }
            let rest: usize = shape[1..].iter().product();
            let weight: Tensor<2> = pass.tensor(&name, [shape[0], rest]);
            let constant = without_gradient(weight.clone());
            let old = without_gradient(pass.tensor(&direction(&name), [shape[0], 1]));
            let right = unit(constant.clone().transpose().matmul(old));
            let left = unit(constant.matmul(right.clone()));
            pass.remember(&direction(&name), NEWEST, left.clone().reshape([shape[0]]));
            let norm = (left.transpose().matmul(weight.clone()).matmul(right)).reshape([1, 1]);
            pass.replace(&name, (weight / norm).reshape([shape[0] * rest]));
        }
    }

    /// Judges avalanches `[batch, cells]` with observables `[batch, observables]`, if it uses any. `purpose`
    /// is that of the random streams of its dropout.
    pub(crate) fn judge(
        &self,
        pass: &mut Pass<'_>,
        cells: Tensor<2>,
        observables: Option<Tensor<2>>,
        (batch, purpose): (&Batch, Purpose),
    ) -> Judged {
        let features = if self.convolutions.is_empty() {
            let input = join(cells, observables.clone());
            apply_all(&self.trunk, pass, Some((batch, purpose, self.dropout)), input)
        } else {
            pass.stack(&self.convolutions, self.cells, cells)
        };
        let joined = self.join_all(pass, features.clone(), observables);
        Judged { features, score: apply_all(&self.head, pass, None, joined) }
    }

    /// The input of the head.
    pub(crate) fn join_all(
        &self,
        pass: &Pass<'_>,
        features: Tensor<2>,
        observables: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let closeness = self.minibatch.map(|minibatch| self.closeness(pass, minibatch, &features).sums());
        let observables = observables.filter(|_| !self.convolutions.is_empty());
        join(join(features, closeness), observables)
    }

    pub(crate) fn closeness(&self, pass: &Pass<'_>, minibatch: Minibatch, features: &Tensor<2>) -> Closeness {
        let Minibatch { rows, columns } = minibatch;
        let [batch, inputs] = features.dims();
        let tensor: Tensor<2> = pass.tensor(&self.tensor(), [inputs, rows * columns]);
        let projected = features.clone().matmul(tensor.clone());
        let one = projected.clone().reshape([batch, 1, rows, columns]);
        let other = projected.reshape([1, batch, rows, columns]);
        let difference = one - other;
        let nearness = (difference.clone().abs().sum_dim(3).neg()).exp();
        Closeness { tensor, difference, nearness }
    }

    /// The gradient of the sum of the scores by cells and observables, `[batch, cells + observables]`, in
    /// operations that can be differentiated by the parameters: layers transposed and the derivatives of
    /// their activations. It is exact, minibatch discrimination included, where avalanches of a batch enter
    /// each other's scores. Critics with batch normalisation have none.
    pub(crate) fn gradient(
        &self,
        pass: &mut Pass<'_>,
        cells: &Tensor<2>,
        observables: Option<Tensor<2>>,
        (batch, purpose): (&Batch, Purpose),
    ) -> Tensor<2> {
        let n_observables = observables.as_ref().map_or(0, |observables| observables.dims()[1]);
        let (features, trunk) = self.forth(pass, cells, observables.clone(), (batch, purpose));
        let joined = self.join_all(pass, features.clone(), observables);
        let gradient = self.gradient_of_head(pass, joined);
        let [rows, _] = gradient.dims();
        let (n_features, n_closeness) =
            (self.features(), self.minibatch.map_or(0, |minibatch| minibatch.rows));
        let part = |from: usize, n: usize| gradient.clone().slice([0..rows, from..from + n]);
        let mut of_features = part(0, n_features);
        if let Some(minibatch) = self.minibatch {
            let closeness = self.closeness(pass, minibatch, &features);
            of_features = of_features + closeness.pull_back(part(n_features, n_closeness));
        }
        let of_input = self.back(pass, trunk, of_features);
        // Without convolutions the observables are part of the trunk's input.
        let joined = n_observables > 0 && !self.convolutions.is_empty();
        join(of_input, joined.then(|| part(n_features + n_closeness, n_observables)))
    }

    /// The features as [`Critic::judge`] computes them, and the derivatives that lead back from them.
    fn forth(
        &self,
        pass: &mut Pass<'_>,
        cells: &Tensor<2>,
        observables: Option<Tensor<2>>,
        (batch, purpose): (&Batch, Purpose),
    ) -> (Tensor<2>, Trunk) {
        let mut trunk = Trunk::default();
        if self.convolutions.is_empty() {
            let mut x = join(cells.clone(), observables);
            for (number, layer) in self.trunk.iter().enumerate() {
                let before = pass.linear(&layer.name, layer.outputs, x);
                x = layer.activation.apply(before.clone());
                let mut slope = layer.activation.derivative(before);
                // Dropout acts at the same places as in `apply_all`.
                let dropout = if number + 1 < self.trunk.len() { self.dropout } else { 0.0 };
                if let Some(mask) = mask(pass, (batch, purpose, dropout), number, &x) {
                    x = x * mask.clone();
                    slope = slope * mask;
                }
                trunk.slopes.push(slope);
            }
            return (x, trunk);
        }
        let (mut x, mut size) = (cells.clone(), self.cells);
        for layer in &self.convolutions {
            let linear = Layer { slope: 1.0, ..layer.clone() };
            let before = pass.stack(std::slice::from_ref(&linear), size, x);
            trunk.sizes.push(size);
            size = crate::layers::stack(std::slice::from_ref(layer), size).output().size;
            let activation = Activation::Leaky(layer.slope);
            x = activation.apply(before.clone());
            trunk.slopes.push(activation.derivative(before));
        }
        (x, trunk)
    }

    /// From the gradient by the features to the gradient by the input of the trunk.
    fn back(&self, pass: &mut Pass<'_>, trunk: Trunk, of_features: Tensor<2>) -> Tensor<2> {
        let mut gradient = of_features;
        if self.convolutions.is_empty() {
            for (layer, slope) in self.trunk.iter().zip(trunk.slopes).rev() {
                gradient = through(pass, layer, gradient * slope);
            }
            return gradient;
        }
        let layers = self.convolutions.iter().zip(trunk.slopes).zip(trunk.sizes);
        for ((layer, slope), size) in layers.rev() {
            gradient = pass.pull_back(&layer.convolution, size, gradient * slope);
        }
        gradient
    }

    /// The gradient of the sum of the scores with respect to the input of the head.
    fn gradient_of_head(&self, pass: &Pass<'_>, joined: Tensor<2>) -> Tensor<2> {
        let (mut x, mut slopes) = (joined, Vec::new());
        for layer in &self.head {
            let before = pass.linear(&layer.name, layer.outputs, x);
            x = layer.activation.apply(before.clone());
            slopes.push(layer.activation.derivative(before));
        }
        let mut gradient = x.ones_like();
        for (layer, slope) in self.head.iter().zip(slopes).rev() {
            gradient = through(pass, layer, gradient * slope);
        }
        gradient
    }
}

/// Derivatives of the activations of a trunk, and the sizes of maps before its convolutions.
#[derive(Default)]
struct Trunk {
    slopes: Vec<Tensor<2>>,
    sizes: Vec<[usize; 3]>,
}

/// Pairs of avalanches of a batch.
pub(crate) struct Closeness {
    /// T, `[features, rows · columns]`.
    tensor: Tensor<2>,
    /// `M_ib − M_jb`, `[i, j, b, c]`.
    difference: Tensor<4>,
    /// `exp(−‖M_ib − M_jb‖₁)`, `[i, j, b, 1]`.
    nearness: Tensor<4>,
}

impl Closeness {
    /// `o_b(i)`, without the nearness of an avalanche to itself, which is 1.
    pub(crate) fn sums(self) -> Tensor<2> {
        let [batch, _, rows, _] = self.nearness.dims();
        self.nearness.sum_dim(1).reshape([batch, rows]) - 1.0
    }

    /// From the gradient by `o_b(i)` to the gradient by the features. Each pair (i, j) contributes to
    /// `o_b(i)` and to `o_b(j)`.
    fn pull_back(self, gradient: Tensor<2>) -> Tensor<2> {
        let [batch, _, rows, columns] = self.difference.dims();
        let one = gradient.clone().reshape([batch, 1, rows, 1]);
        let other = gradient.reshape([1, batch, rows, 1]);
        let of_pairs = (one + other) * self.nearness * self.difference.sign().neg();
        let of_projected = of_pairs.sum_dim(1).reshape([batch, rows * columns]);
        of_projected.matmul(self.tensor.transpose())
    }
}

/// From the gradient by the linear output of a layer to the gradient by its input.
fn through(pass: &Pass<'_>, layer: &Dense, gradient: Tensor<2>) -> Tensor<2> {
    gradient.matmul(pass.tensor(&format!("{}.weight", layer.name), [layer.outputs, layer.inputs]))
}

fn join(left: Tensor<2>, right: Option<Tensor<2>>) -> Tensor<2> {
    match right {
        Some(right) => Tensor::cat(vec![left, right], 1),
        None => left,
    }
}

fn direction(weight: &str) -> String {
    format!("{weight}_u")
}

fn unit(column: Tensor<2>) -> Tensor<2> {
    let norm = column.clone().square().sum().sqrt().clamp_min(1e-12);
    column / norm.reshape([1, 1])
}
