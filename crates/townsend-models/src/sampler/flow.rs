//! Rotation-based iterative Gaussianisation: rotations and monotone maps of each coordinate turn points into
//! normal numbers; in reverse order they turn normal numbers into points (Laparra, Camps-Valls and Malo 2011,
//! arXiv:1602.00229).

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand_distr::{Distribution, StandardNormal};
use townsend_core::{Purpose, stream};

use super::columns;
use crate::Parameters;
use crate::onnx::{Graph, Value};

const ROTATIONS: &str = "latent.rotations";
const KNOTS: &str = "latent.knots";
const TURNS: Purpose = Purpose::new("flow rotations");

/// Number of rotations, each followed by a map of every coordinate. Chosen, not fitted: with more of them the
/// fit is better, and the time for a point grows in proportion.
const LAYERS: usize = 32;
/// Standard normal numbers x at which a map is defined, with Φ(x): x is mapped to the quantile of the points
/// at Φ(x). Between and beyond these numbers the map is linear.
pub(super) const KNOWN: [(f64, f64); 11] = [
    (-2.0, 0.022_750_132),
    (-1.6, 0.054_799_292),
    (-1.2, 0.115_069_670),
    (-0.8, 0.211_855_399),
    (-0.4, 0.344_578_258),
    (0.0, 0.5),
    (0.4, 0.655_421_742),
    (0.8, 0.788_144_601),
    (1.2, 0.884_930_330),
    (1.6, 0.945_200_708),
    (2.0, 0.977_249_868),
];
/// Smallest slope of a map, so that it has an inverse where points coincide.
const LEAST_SLOPE: f64 = 1e-3;

type Knots = [f64; KNOWN.len()];

fn normal() -> Knots {
    KNOWN.map(|(x, _)| x)
}

#[derive(Debug, Clone)]
pub(super) struct Flow(Vec<Layer>);

#[derive(Debug, Clone)]
struct Layer {
    rotation: DMatrix<f64>,
    /// For each coordinate the values at the normal numbers of [`KNOWN`].
    maps: Vec<Knots>,
}

impl Flow {
    pub(super) fn shapes(latent: usize) -> Vec<(&'static str, Vec<usize>)> {
        vec![(ROTATIONS, vec![LAYERS, latent, latent]), (KNOTS, vec![LAYERS, latent, KNOWN.len()])]
    }

    /// The flow stored in the tensors of a model; none if nothing was fitted yet.
    pub(super) fn of(parameters: &Parameters, latent: usize) -> Option<Self> {
        let values = |name: &str| parameters.values(name).into_iter().map(f64::from).collect::<Vec<_>>();
        let (rotations, knots) = (values(ROTATIONS), values(KNOTS));
        let layers = rotations.chunks(latent * latent).zip(knots.chunks(latent * KNOWN.len())).map(
            |(rotation, knots)| Layer {
                rotation: DMatrix::from_row_slice(latent, latent, rotation),
                maps: knots.as_chunks().0.to_vec(),
            },
        );
        rotations.iter().any(|&x| x != 0.0).then(|| Self(layers.collect()))
    }

    pub(super) fn tensors(&self) -> Vec<(&'static str, Vec<f32>)> {
        let rotations = self.0.iter().map(|layer| layer.rotation.transpose()).collect::<Vec<_>>();
        vec![
            (ROTATIONS, rotations.iter().flat_map(|rotation| rotation.iter().map(|&x| x as f32)).collect()),
            (KNOTS, self.0.iter().flat_map(|layer| layer.maps.iter().flatten().map(|&x| x as f32)).collect()),
        ]
    }

    /// [`Flow::fill`] in a graph of ONNX. A map is a straight line with a bend at each inner number of
    /// [`KNOWN`]: a + b x + Σ c max(0, x − known). Of a flow that was fitted to few points, single precision
    /// would lose three digits on the way through all its layers.
    pub(super) fn add_to_graph(&self, graph: &mut Graph<'_>, noise: &Value) -> Value {
        const INNER: usize = KNOWN.len() - 2;
        let latent = self.dims();
        let from = normal();
        let bends_at = graph.doubles(&[INNER], &from[1..=INNER]);
        let mut x = graph.cast::<f64>(noise);
        for layer in self.0.iter().rev() {
            let (mut constants, mut firsts, mut bends) = (Vec::new(), Vec::new(), Vec::new());
            for to in &layer.maps {
                let slope = |i: usize| (to[i + 1] - to[i]) / (from[i + 1] - from[i]);
                constants.push(to[0] - from[0] * slope(0));
                firsts.push(slope(0));
                bends.extend((1..=INNER).map(|i| slope(i) - slope(i - 1)));
            }
            let [constants, firsts] = [constants, firsts].map(|values| graph.doubles(&[latent], &values));
            let bends = graph.doubles(&[latent, INNER], &bends);
            let column = graph.reshape(&[latent as i64, 1], &x);
            let beyond = graph.node("Sub", &[&column, &bends_at], &[]);
            let beyond = graph.node("Relu", &[&beyond], &[]);
            let bent = graph.node("Mul", &[&beyond, &bends], &[]);
            let bent = graph.sums(2, false, &bent);
            let straight = graph.node("Mul", &[&x, &firsts], &[]);
            let straight = graph.node("Add", &[&straight, &constants], &[]);
            let mapped = graph.node("Add", &[&straight, &bent], &[]);
            let rotation: Vec<f32> = layer.rotation.transpose().iter().map(|&x| x as f32).collect();
            let rotation = graph.numbers(&[latent, latent], &rotation);
            let rotation = graph.cast::<f64>(&rotation);
            x = graph.node("MatMul", &[&mapped, &rotation], &[]);
        }
        graph.cast::<f32>(&x)
    }

    pub(super) fn fit(points: &[f32], latent: usize, seed: u64) -> Self {
        let mut points = columns(points, latent);
        let layers = (0..LAYERS).map(|number| {
            let rotation =
                if number == 0 { principal_axes(&points) } else { turned(latent, seed, number as u64) };
            points = &rotation * &points;
            let maps: Vec<_> = points.row_iter().map(|row| map(row.iter().copied().collect())).collect();
            for (mut row, map) in points.row_iter_mut().zip(&maps) {
                row.iter_mut().for_each(|x| *x = interpolate(map, &normal(), *x));
            }
            Layer { rotation, maps }
        });
        Self(layers.collect())
    }

    /// Number of coordinates of a point.
    pub(super) fn dims(&self) -> usize {
        self.0[0].rotation.nrows()
    }

    /// Turns standard normal numbers into a point: layer after layer, beginning with the last.
    pub(super) fn fill(&self, noise: &[f32], [from, to]: &mut [DVector<f64>; 2], point: &mut [f32]) {
        from.iter_mut().zip(noise).for_each(|(to, x)| *to = f64::from(*x));
        for layer in self.0.iter().rev() {
            for (x, map) in from.iter_mut().zip(&layer.maps) {
                *x = interpolate(&normal(), map, *x);
            }
            layer.rotation.tr_mul_to(from, to);
            std::mem::swap(from, to);
        }
        point.iter_mut().zip(from.iter()).for_each(|(to, x)| *to = *x as f32);
    }
}

/// The axes of the covariance, as rows.
fn principal_axes(points: &DMatrix<f64>) -> DMatrix<f64> {
    let mean = points.column_mean();
    let mut centered = points.clone();
    centered.column_iter_mut().for_each(|mut column| column -= &mean);
    SymmetricEigen::new(&centered * centered.transpose()).eigenvectors.transpose()
}

/// A rotation drawn uniformly from all rotations: the orthogonal factor of a matrix of normal numbers.
fn turned(latent: usize, seed: u64, number: u64) -> DMatrix<f64> {
    let mut random = stream(seed, TURNS, number);
    let normal = DMatrix::from_fn(latent, latent, |_, _| StandardNormal.sample(&mut random));
    normal.qr().q()
}

/// Quantiles of a coordinate, strictly increasing.
fn map(mut values: Vec<f64>) -> Knots {
    values.sort_unstable_by(f64::total_cmp);
    let last = (values.len() - 1) as f64;
    let quantile = |p: f64| {
        let (at, below) = (p * last, (p * last) as usize);
        let above = values[(below + 1).min(values.len() - 1)];
        values[below] + (at - below as f64) * (above - values[below])
    };
    let mut knots = KNOWN.map(|(_, p)| quantile(p));
    for i in 1..knots.len() {
        knots[i] = knots[i].max(knots[i - 1] + LEAST_SLOPE * (KNOWN[i].0 - KNOWN[i - 1].0));
    }
    knots
}

/// Linear interpolation between the points (from, to), continued beyond the outermost ones.
fn interpolate(from: &Knots, to: &Knots, x: f64) -> f64 {
    let above = from.partition_point(|&knot| knot <= x).clamp(1, from.len() - 1);
    let slope = (to[above] - to[above - 1]) / (from[above] - from[above - 1]);
    to[above - 1] + (x - from[above - 1]) * slope
}
