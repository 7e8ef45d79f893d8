//! A polynomial of the position, added to the logarithm of the probabilities.
//!
//! Σ aᵢ uᵢ + Σ qᵢⱼ uᵢ uⱼ is added to ln p(cell), where u is the position relative to the mean avalanche: the
//! distance from its centre divided by its width, clamped to ± [`REACH`]. For a Gaussian avalanche these
//! terms are exactly a shift and a change of widths (the inverse of its covariance changes by −2q, and for
//! q = 0 its mean by a); the convolutions of the network add everything else. Convolutions alone have to
//! learn cell by cell that an avalanche is at another place or wider.

use burn_tensor::{Tensor, TensorData};
use townsend_core::Grid;

use crate::batch_observables::BatchObservables;
use crate::layers::Pass;
use crate::onnx::{Graph, Value};
use crate::{ConfigError, Output, Parameters, Role, TensorSpec};

/// Terms in three dimensions: 3 of single axes and 6 of pairs.
const MOST_TERMS: usize = 9;
/// Powers of x within a row of cells: 1, x, x².
const POWERS: usize = 3;

/// The distance, in widths of the mean avalanche, beyond which the polynomial is constant. Chosen, not
/// fitted: without a limit a square term brings electrons to places where no avalanche has any (ten widths
/// out, q = 0.05 is a factor of exp(5) ≈ 150), and all but one in ten thousand electrons of a Gaussian
/// avalanche are within four widths.
const REACH: f32 = 4.0;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogDensityPolynomial {
    name: String,
    /// Positions of the bins of each axis of the grid, from −1 to 1.
    axes: Vec<Vec<f32>>,
    latent: usize,
}

/// The powers of the position that the coefficients are multiplied with.
struct Tables {
    /// Each term as a polynomial of x in each row of cells along x: `[terms, rows, POWERS]`.
    of_rows: Vec<f32>,
    /// The powers of x in each cell of a row: `[POWERS, cells of a row]`.
    of_x: Vec<f32>,
}

impl LogDensityPolynomial {
    /// A polynomial whose coefficients are linear in `latent` numbers; the names of its tensors begin with
    /// that of the `network` that it belongs to.
    pub(crate) fn new(network: &str, grid: &Grid, latent: usize) -> Self {
        let axes = grid.axes().iter().map(BatchObservables::positions).collect();
        Self { name: format!("{network}.tilt"), axes, latent }
    }

    /// The number of coefficients: one for each axis, and one for each pair of axes.
    fn terms(&self) -> usize {
        let dims = self.axes.len();
        dims + dims * (dims + 1) / 2
    }

    /// All weights are 0 at first: random ones, as in other layers, would put the first avalanches at the
    /// ends of the grid.
    pub(crate) fn specs(&self) -> [TensorSpec; 2] {
        [("weight", vec![self.terms(), self.latent]), ("bias", vec![self.terms()])].map(|(part, shape)| {
            TensorSpec { name: format!("{}.{part}", self.name), shape, role: Role::Constant(0.0) }
        })
    }

    /// The polynomial in each cell, `[batch, cells]`, for latent points `[batch, latent]`. The model must
    /// have the tensors of [`BatchObservables`], which contain centre and width of the mean avalanche.
    pub(crate) fn of(&self, pass: &Pass<'_>, latent: Tensor<2>) -> Tensor<2> {
        let device = latent.device();
        let [batch, _] = latent.dims();
        let tensor = |values: Vec<f32>, rows: usize| {
            let columns = values.len() / rows;
            Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), &device)
        };
        let Tables { of_rows, of_x } = self.tables(&BatchObservables::units(pass));
        let (rows, cells) = (of_rows.len() / self.terms() / POWERS, of_x.len() / POWERS);
        let coefficients = pass.linear(&self.name, self.terms(), latent);
        let polynomials = coefficients.matmul(tensor(of_rows, self.terms()));
        let added = polynomials.reshape([batch * rows, POWERS]).matmul(tensor(of_x, POWERS));
        added.reshape([batch, rows * cells])
    }

    /// The same polynomial without Burn, with these weights.
    pub(crate) fn fixed(&self, parameters: &Parameters) -> FixedPolynomial {
        let [weight, bias] =
            ["weight", "bias"].map(|part| parameters.values(&format!("{}.{part}", self.name)));
        FixedPolynomial {
            weight,
            bias,
            tables: self.tables(&BatchObservables::units(&Pass::inference(parameters))),
        }
    }

    /// The same polynomial added to `cells` `[batch, cells]` in a graph of ONNX.
    pub(crate) fn add_to_graph(&self, graph: &mut Graph<'_>, latent: &Value, cells: &Value) -> Value {
        let units = BatchObservables::units(&Pass::inference(graph.parameters()));
        let Tables { of_rows, of_x } = self.tables(&units);
        let coefficients = graph.linear(&self.name, latent);
        let of_rows = graph.numbers(&[self.terms(), of_rows.len() / self.terms()], &of_rows);
        let of_x = graph.numbers(&[POWERS, of_x.len() / POWERS], &of_x);
        let powers = graph.node("MatMul", &[&coefficients, &of_rows], &[]);
        let powers = graph.reshape(&[-1, POWERS as i64], &powers);
        let added = graph.node("MatMul", &[&powers, &of_x], &[]);
        let added = graph.reshape(&[-1], &added);
        graph.node("Add", &[cells, &added], &[])
    }

    fn tables(&self, units: &[[f32; 2]]) -> Tables {
        let axes: Vec<Vec<f32>> = self
            .axes
            .iter()
            .zip(units)
            .map(|(axis, [centre, width])| {
                axis.iter().map(|position| ((position - centre) / width).clamp(-REACH, REACH)).collect()
            })
            .collect();
        let dims = axes.len();
        let rows: usize = axes.iter().skip(1).map(Vec::len).product();
        let terms =
            (0..dims).map(|i| (i, None)).chain((0..dims).flat_map(|i| (i..dims).map(move |j| (i, Some(j)))));
        let mut of_rows = vec![0.0; self.terms() * rows * POWERS];
        for ((i, j), of_rows) in terms.zip(of_rows.chunks_mut(rows * POWERS)) {
            for (row, powers) in of_rows.chunks_mut(POWERS).enumerate() {
                let (mut factor, mut power, mut rest) = (1.0, 0, row);
                for (axis, positions) in axes.iter().enumerate() {
                    let times = usize::from(i == axis) + usize::from(j == Some(axis));
                    if axis == 0 {
                        power = times;
                        continue;
                    }
                    factor *= positions[rest % positions.len()].powi(times as i32);
                    rest /= positions.len();
                }
                powers[power] = factor;
            }
        }
        let of_x = (0..POWERS).flat_map(|power| axes[0].iter().map(move |x| x.powi(power as i32))).collect();
        Tables { of_rows, of_x }
    }
}

/// A [`LogDensityPolynomial`] with fixed weights, on the host.
pub(crate) struct FixedPolynomial {
    weight: Vec<f32>,
    bias: Vec<f32>,
    tables: Tables,
}

impl FixedPolynomial {
    /// Adds the polynomial of a latent point to the cells of an avalanche.
    pub(crate) fn add(&self, latent: &[f32], cells: &mut [f32]) {
        let mut all = [0.0; MOST_TERMS];
        let coefficients = &mut all[..self.bias.len()];
        let rows = self.weight.chunks_exact(latent.len()).zip(&self.bias);
        for (coefficient, (row, bias)) in coefficients.iter_mut().zip(rows) {
            *coefficient = bias + row.iter().zip(latent).map(|(w, z)| w * z).sum::<f32>();
        }
        let n = self.tables.of_x.len() / POWERS;
        let (x, square) = (&self.tables.of_x[n..2 * n], &self.tables.of_x[2 * n..]);
        let of_term = self.tables.of_rows.len() / coefficients.len();
        for (row, cells) in cells.chunks_exact_mut(n).enumerate() {
            let mut powers = [0.0f32; POWERS];
            for (term, coefficient) in coefficients.iter().enumerate() {
                let of_row = &self.tables.of_rows[term * of_term + row * POWERS..][..POWERS];
                powers.iter_mut().zip(of_row).for_each(|(sum, power)| *sum += coefficient * power);
            }
            for ((cell, x), square) in cells.iter_mut().zip(x).zip(square) {
                *cell += powers[0] + powers[1] * x + powers[2] * square;
            }
        }
    }
}

/// An error if a polynomial is wanted but the output has no logarithm that it could be added to.
pub(crate) fn check_polynomial(wanted: bool, output: Output, dims: usize) -> Result<(), ConfigError> {
    if wanted && (dims == 0 || !matches!(output, Output::Softmax | Output::Exp)) {
        let allowed = "needs axes, and output = \"softmax\" or \"exp\", which have logarithms of probabilities to add to";
        return Err(ConfigError::new("model.log_density_polynomial", wanted, allowed));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn_tensor::Device;
    use townsend_core::{Axis, CountSet};

    use super::*;
    use crate::output::log_profile;
    use crate::parameters::to_host;

    const LATENT: usize = 2;

    fn tensor(values: Vec<f32>, columns: usize) -> Tensor<2> {
        let rows = values.len() / columns;
        Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex())
    }

    /// A Gaussian avalanche of width 0.2 about 0.1 along each axis, in a grid from −1 to 1.
    fn gaussian(dims: usize, bins: u32) -> CountSet {
        let axes = (0..dims).map(|_| Axis::uniform(bins, -1.0, 1.0).unwrap()).collect();
        let mut set = CountSet::new(Grid::new(axes).unwrap());
        let grid = set.grid().clone();
        let middles = BatchObservables::positions(&grid.axes()[0]);
        let count = |cell: u32| {
            let bins = grid.split(cell);
            let squares = bins.iter().take(dims).map(|&bin| ((middles[bin as usize] - 0.1) / 0.2).powi(2));
            (1e6 * (-0.5 * squares.sum::<f32>()).exp()).round() as u32
        };
        let cells: Vec<(u32, u32)> = (0..grid.cells() as u32).map(|cell| (cell, count(cell))).collect();
        set.push(cells.into_iter().filter(|(_, n)| *n > 0));
        set
    }

    /// A polynomial, what it needs to know of the avalanches of `set`, and coefficients: the first latent
    /// number times `coefficients`.
    fn polynomial_of(set: &CountSet, coefficients: &[f32]) -> (LogDensityPolynomial, Parameters) {
        let dims = set.grid().dims();
        let (polynomial, batch_observables) = (
            LogDensityPolynomial::new("network", set.grid(), LATENT),
            BatchObservables::new(set.grid(), dims),
        );
        let specs = polynomial.specs().into_iter().chain(batch_observables.specs()).collect();
        let mut parameters = Parameters::initial(specs, 1, &Device::flex());
        batch_observables.prepare(&mut parameters, set);
        assert!(parameters.values("network.tilt.weight").iter().all(|w| *w == 0.0), "it begins with nothing");
        parameters.change("network.tilt.weight", |weights| {
            for (weights, coefficient) in weights.chunks_mut(LATENT).zip(coefficients) {
                weights[0] = *coefficient;
            }
        });
        (polynomial, parameters)
    }

    /// Each axis, then each pair of axes, of a position.
    fn monomials(u: &[f32]) -> Vec<f32> {
        let pairs = (0..u.len()).flat_map(|i| (i..u.len()).map(move |j| (i, j)));
        u.iter().copied().chain(pairs.map(|(i, j)| u[i] * u[j])).collect()
    }

    #[test]
    fn it_is_the_polynomial_with_and_without_burn() {
        for dims in 1..=3 {
            let set = gaussian(dims, 9);
            let terms = dims + dims * (dims + 1) / 2;
            let coefficients: Vec<f32> = (0..terms).map(|i| 0.3 - 0.1 * i as f32).collect();
            let (polynomial, parameters) = polynomial_of(&set, &coefficients);
            let pass = Pass::inference(&parameters);
            let got = to_host(polynomial.of(&pass, tensor(vec![1.0, 5.0, -2.0, 7.0], LATENT)));
            let units = BatchObservables::units(&pass);
            let cells = set.grid().cells();
            let mut fixed = vec![1.0; 2 * cells];
            for (row, latent) in fixed.chunks_mut(cells).zip([[1.0, 5.0], [-2.0, 7.0]]) {
                polynomial.fixed(&parameters).add(&latent, row);
            }
            for cell in 0..cells {
                let bins = set.grid().split(cell as u32);
                let place = |(axis, unit): (usize, &[f32; 2])| {
                    let position = BatchObservables::positions(&set.grid().axes()[axis])[bins[axis] as usize];
                    ((position - unit[0]) / unit[1]).clamp(-REACH, REACH)
                };
                let u: Vec<f32> = units.iter().enumerate().map(place).collect();
                let want: f32 = monomials(&u).iter().zip(&coefficients).map(|(u, c)| u * c).sum();
                for (row, factor) in [1.0, -2.0].into_iter().enumerate() {
                    let (burn, fixed) = (got[row * cells + cell], fixed[row * cells + cell] - 1.0);
                    let near = 1e-4 * (1.0 + (factor * want).abs());
                    assert!((burn - factor * want).abs() < near, "{dims}D {cell}: {burn} for {want}");
                    assert!((fixed - factor * want).abs() < near, "{dims}D {cell}: {fixed} for {want}");
                }
            }
        }
    }

    /// Mean and width along the first axis, and the correlation with the last, of ln p.
    fn moments(grid: &Grid, ln_p: &[f32]) -> [f64; 3] {
        let (mut n, mut sums) = (0.0, [0.0; 5]);
        for (cell, ln_p) in ln_p.iter().enumerate() {
            let bins = grid.split(cell as u32);
            let place =
                |axis: usize| f64::from(BatchObservables::positions(&grid.axes()[axis])[bins[axis] as usize]);
            let (p, x, y) = (f64::from(*ln_p).exp(), place(0), place(grid.dims() - 1));
            n += p;
            for (sum, value) in sums.iter_mut().zip([x, y, x * x, y * y, x * y]) {
                *sum += p * value;
            }
        }
        let [x, y, xx, yy, xy] = sums.map(|sum| sum / n);
        let (of_x, of_y) = ((xx - x * x).sqrt(), (yy - y * y).sqrt());
        [x, of_x, (xy - x * y) / (of_x * of_y)]
    }

    #[test]
    fn a_gaussian_avalanche_moves_widens_and_turns_as_it_should() {
        let set = gaussian(2, 60);
        let ln_p = log_profile(&set).0;
        // With coefficients x, z, xx, xz, zz: its inverse covariance [[1, 0], [0, 1]] becomes [[1 − 2 xx,
        // −xz], [−xz, 1 − 2 zz]] (units of its width).
        for (coefficients, mean, width, correlation) in [
            ([0.5, 0.0, 0.0, 0.0, 0.0], 0.1 + 0.5 * 0.2, 0.2, 0.0),
            ([0.0, 0.0, 0.18, 0.0, 0.0], 0.1, 0.2 / (1.0f64 - 0.36).sqrt(), 0.0),
            ([0.0, 0.0, 0.0, 0.2, 0.0], 0.1, 0.2 / (1.0f64 - 0.04).sqrt(), 0.2),
        ] {
            let (polynomial, parameters) = polynomial_of(&set, &coefficients);
            let added = to_host(polynomial.of(&Pass::inference(&parameters), tensor(vec![1.0, 0.0], LATENT)));
            let moved: Vec<f32> = ln_p.iter().zip(added).map(|(ln_p, added)| ln_p + added).collect();
            let got = moments(set.grid(), &moved);
            for (got, want) in got.into_iter().zip([mean, width, correlation]) {
                assert!((got - want).abs() < 5e-3, "{coefficients:?}: {got} for {want}");
            }
        }
    }

    #[test]
    fn derivatives_are_differences() {
        let set = gaussian(2, 9);
        let coefficients = [0.3, -0.2, 0.1, 0.05, -0.1];
        let (polynomial, parameters) = polynomial_of(&set, &coefficients);
        let latent = || tensor(vec![0.7, -0.3], LATENT);
        let weights: Vec<f32> = (0..set.grid().cells()).map(|i| ((i * 7) % 5) as f32 - 2.0).collect();
        let value = |parameters: &Parameters, latent: Tensor<2>| {
            let weights = tensor(weights.clone(), weights.len());
            let weights = if latent.is_autodiff() { weights.autodiff() } else { weights };
            (polynomial.of(&Pass::inference(parameters), latent) * weights).sum()
        };
        let tracked = parameters.tracked(|_| true);
        let mut gradients = value(&tracked, latent().autodiff()).backward();
        let names = ["network.tilt.weight".to_owned(), "network.tilt.bias".to_owned()];
        let found = tracked.gradients(&names, &mut gradients);
        for (name, gradient) in names.iter().zip(found) {
            let found = to_host(gradient);
            let near = 1e-4 * found.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            for (i, got) in found.into_iter().enumerate() {
                let at = |step: f32| {
                    let mut parameters = parameters.clone();
                    parameters.change(name, |values| values[i] += step);
                    value(&parameters, latent()).into_scalar::<f32>()
                };
                // It is linear in the weights: the step need not be small.
                let want = (at(1.0) - at(-1.0)) / 2.0;
                assert!((got - want).abs() < near, "{name} {i}: {got} for {want}");
            }
        }
    }
}
