//! Features of avalanches: numbers made of each avalanche, whose means over many avalanches characterise
//! their distributions.

use nalgebra::DMatrix;
use townsend_observables::{Column, Observable, Observables};

/// Fewest electrons of an avalanche whose observables are used; smaller avalanches are only counted. Chosen,
/// not fitted: centroid and widths of a few electrons are hardly more than their own fluctuation. A larger
/// number leaves more avalanches out; a smaller one adds avalanches that widen the distributions and carry
/// little information about the detector.
pub(super) const LEAST_ELECTRONS: f64 = 30.0;

/// The set of features: `First` for the first steps of a search, `Second` for all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Whether an avalanche is empty, whether it is small, and its observables. They keep changing with the
    /// parameters however far the detector is from the data.
    First,
    /// Those of `First`, the squares of the observables, and their products with the number of electrons.
    Second,
}

impl Order {
    /// Observables are clamped to this many standard deviations of the data, so that no single avalanche
    /// decides. Both numbers are chosen, not fitted. A detector far from the data has observables many
    /// standard deviations off, and clamped to less than that they would not change with the parameters;
    /// hence 30 in the first steps. Near the data, 4 limits the contribution of outliers to the squares; a
    /// larger limit lets rare avalanches decide, a smaller one hides tails.
    fn limit(self) -> f64 {
        match self {
            Self::First => 30.0,
            Self::Second => 4.0,
        }
    }
}

/// The observables that features are made of, each with its mean and standard deviation in the data. A
/// feature is an observable less that mean, in units of that standard deviation, or a product of such
/// numbers.
#[derive(Debug)]
pub(super) struct Features {
    scales: Vec<Scale>,
}

#[derive(Debug)]
struct Scale {
    observable: Observable,
    mean: f64,
    std: f64,
}

impl Features {
    /// The features for data with these observables, of which the first is the number of electrons.
    pub(super) fn of(data: &Observables) -> Self {
        let large = large(data);
        let scale = |column: &Column| {
            let values: Vec<f64> =
                values(column).filter(|&(row, _)| large[row]).map(|(_, value)| value).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance =
                values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
            Scale { observable: column.observable, mean, std: variance.sqrt() }
        };
        let wanted = data.columns().iter().filter(|column| column.observable != Observable::Empty);
        // On a grid that is too coarse some observables have the same value in all avalanches.
        let differs = |scale: &Scale| scale.std.is_normal() && scale.std > 1e-9 * scale.mean.abs();
        Self { scales: wanted.map(scale).filter(differs).collect() }
    }

    /// The features of avalanches, one row each.
    ///
    /// Columns with n observables: 1 if the avalanche is empty; 1 if it is small; n observables (0 for an
    /// avalanche that is empty or small). To the second order follow n squares less their mean 1, and n − 1
    /// products of the other observables with the number of electrons.
    pub(super) fn rows(&self, observables: &Observables, order: Order) -> DMatrix<f64> {
        let large = large(observables);
        let mut rows = DMatrix::zeros(large.len(), self.len(order));
        rows.column_mut(0).fill(1.0);
        for (row, electrons) in electrons(observables) {
            rows[(row, 0)] = 0.0;
            rows[(row, 1)] = f64::from(u8::from(electrons < LEAST_ELECTRONS));
        }
        for (k, scale) in self.scales.iter().enumerate() {
            let Some(column) = observables.column(scale.observable) else { continue };
            for (row, value) in values(column).filter(|&(row, _)| large[row]) {
                let limit = order.limit();
                rows[(row, 2 + k)] = ((value - scale.mean) / scale.std).clamp(-limit, limit);
            }
        }
        if order == Order::Second {
            self.add_products(&mut rows, &large);
        }
        rows
    }

    /// Adds the columns of the second order to the rows of large avalanches.
    fn add_products(&self, rows: &mut DMatrix<f64>, large: &[bool]) {
        let n = self.scales.len();
        for row in (0..large.len()).filter(|&row| large[row]) {
            for k in 0..n {
                let value = rows[(row, 2 + k)];
                rows[(row, 2 + n + k)] = value * value - 1.0;
                if k > 0 {
                    rows[(row, 1 + 2 * n + k)] = value * rows[(row, 2)];
                }
            }
        }
    }

    /// Number of features.
    pub(super) fn len(&self, order: Order) -> usize {
        let n = self.scales.len();
        match order {
            Order::First => 2 + n,
            Order::Second => 1 + 3 * n,
        }
    }

    /// The name of a feature of the second order, for messages.
    pub(super) fn name(&self, feature: usize) -> String {
        let n = self.scales.len();
        let name = |k: usize| self.scales[k].observable.name();
        match feature {
            0 => "empty avalanches".into(),
            1 => format!("avalanches of fewer than {LEAST_ELECTRONS} electrons"),
            _ if feature < 2 + n => format!("mean of {}", name(feature - 2)),
            _ if feature < 2 + 2 * n => format!("spread of {}", name(feature - 2 - n)),
            _ => format!("{} of avalanches by their size", name(feature - 1 - 2 * n)),
        }
    }
}

/// The values of an observable with the numbers of their avalanches. Observables that are positive (sizes and
/// widths) come as logarithms.
fn values(column: &Column) -> impl Iterator<Item = (usize, f64)> {
    use Observable::{Cells, Electrons, Lumpiness, MaxCell, PairDistance, R90, Rms};
    let is_size =
        matches!(column.observable, Electrons | Cells | MaxCell | PairDistance | R90 | Rms(_) | Lumpiness);
    // Keeps the logarithm finite where an observable is 0.
    let value = move |value: f64| if is_size { value.max(1e-6).ln() } else { value };
    column.avalanches.iter().zip(&column.values).map(move |(&row, &v)| (row as usize, value(v)))
}

/// The numbers of the avalanches with electrons, and how many electrons each has.
fn electrons(observables: &Observables) -> impl Iterator<Item = (usize, f64)> {
    let column = observables.column(Observable::Electrons);
    column.into_iter().flat_map(|column| {
        column.avalanches.iter().zip(&column.values).map(|(&row, &electrons)| (row as usize, electrons))
    })
}

/// For each avalanche whether it has at least [`LEAST_ELECTRONS`] electrons.
pub(super) fn large(observables: &Observables) -> Vec<bool> {
    let mut large = vec![false; observables.avalanches];
    electrons(observables).for_each(|(row, electrons)| large[row] = electrons >= LEAST_ELECTRONS);
    large
}
