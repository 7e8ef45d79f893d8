//! What avalanches are compared by: numbers of each avalanche whose means over many tell their distributions
//! apart.

use nalgebra::DMatrix;
use townsend_observables::{Column, Observable, Observables};

/// An avalanche with fewer electrons is only counted: its shape says little.
pub(super) const LEAST_ELECTRONS: f64 = 30.0;

/// Which features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Those that show where a detector far from the data has to go: whether an avalanche is empty or small,
    /// and its observables.
    First,
    /// With squares of the observables, and their products with the number of electrons.
    Second,
}

impl Order {
    /// Observables are cut here, in standard deviations of the data: no avalanche alone shall decide.
    fn limit(self) -> f64 {
        match self {
            Self::First => 30.0,
            Self::Second => 4.0,
        }
    }
}

/// The features: an observable less its mean in the data, in standard deviations, and what is made of that.
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
    /// The features for data with these observables. The first observable is the number of electrons.
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
        // Grids that are too coarse leave observables that never differ.
        let differs = |scale: &Scale| scale.std.is_normal() && scale.std > 1e-9 * scale.mean.abs();
        Self { scales: wanted.map(scale).filter(differs).collect() }
    }

    /// One row an avalanche, one column a feature.
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

    /// What a feature of the second order is, in words.
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

/// The values of an observable and the avalanches that they belong to; logarithms of what is a size.
fn values(column: &Column) -> impl Iterator<Item = (usize, f64)> {
    use Observable::{Cells, Electrons, Lumpiness, MaxCell, PairDistance, R90, Rms};
    let is_size =
        matches!(column.observable, Electrons | Cells | MaxCell | PairDistance | R90 | Rms(_) | Lumpiness);
    // The least value that is told from 0.
    let value = move |value: f64| if is_size { value.max(1e-6).ln() } else { value };
    column.avalanches.iter().zip(&column.values).map(move |(&row, &v)| (row as usize, value(v)))
}

/// The avalanches with electrons, and their numbers.
fn electrons(observables: &Observables) -> impl Iterator<Item = (usize, f64)> {
    let column = observables.column(Observable::Electrons);
    column.into_iter().flat_map(|column| {
        column.avalanches.iter().zip(&column.values).map(|(&row, &electrons)| (row as usize, electrons))
    })
}

/// Whether each avalanche has electrons enough for its shape to count.
pub(super) fn large(observables: &Observables) -> Vec<bool> {
    let mut large = vec![false; observables.avalanches];
    electrons(observables).for_each(|(row, electrons)| large[row] = electrons >= LEAST_ELECTRONS);
    large
}
