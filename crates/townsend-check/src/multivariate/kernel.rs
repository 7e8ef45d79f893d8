//! The kernel physics distance (Kansal et al., arXiv:2211.10295), as JetNet defines it.

use rayon::prelude::*;
use townsend_core::Purpose;

use super::{Draws, by_largest, choose, floor};
use crate::FeatureRows;
use crate::score::Score;

/// The settings of JetNet: number of batches, and rows in a batch.
const BATCHES: u64 = 10;
const BATCH: usize = 5_000;

const FLOOR: Purpose = Purpose::new("kpd halves");
const DRAW: Purpose = Purpose::new("kpd batch");

/// Unbiased estimate of the squared maximum mean discrepancy with the kernel `(x·y/d + 1)⁴`, for rows of d
/// numbers. Being unbiased, it can be negative.
pub fn kernel_distance(real: &FeatureRows, generated: &FeatureRows) -> f64 {
    let (n, m) = (real.len() as f64, generated.len() as f64);
    within(real) / (n * (n - 1.0)) + within(generated) / (m * (m - 1.0))
        - 2.0 * across(real, generated) / (n * m)
}

fn kernel(a: &[f64], b: &[f64]) -> f64 {
    let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    (product / a.len() as f64 + 1.0).powi(4)
}

/// Sum of the kernel over all ordered pairs of different rows. It is summed row by row in order, so that it
/// does not depend on the threads.
fn within(rows: &FeatureRows) -> f64 {
    let of_row = |i: usize| 2.0 * rows[..i].iter().map(|other| kernel(&rows[i], other)).sum::<f64>();
    (0..rows.len()).into_par_iter().map(of_row).collect::<Vec<_>>().iter().sum()
}

fn across(a: &FeatureRows, b: &FeatureRows) -> f64 {
    let of_row = |row: &Vec<f64>| b.iter().map(|other| kernel(row, other)).sum::<f64>();
    a.par_iter().map(of_row).collect::<Vec<_>>().iter().sum()
}

/// KPD of two sets: the median over ten random batches of 5,000 rows, or of half of the smaller set if that
/// is less; the error is half of their 16–84% range. No batch contains a row twice.
pub(super) fn score(real: &FeatureRows, generated: &FeatureRows, seed: u64) -> Score {
    let (real, generated) = by_largest(real, generated);
    let batch = BATCH.min(real.len() / 2).min(generated.len() / 2);
    let draws = Draws::new(seed, DRAW);
    let of_batch = |index: u64| {
        let mut random = draws.stream(index);
        let first = choose(&real, batch, &mut random);
        kernel_distance(&first, &choose(&generated, batch, &mut random))
    };
    let mut values: Vec<f64> = (0..BATCHES).map(of_batch).collect();
    values.sort_unstable_by(f64::total_cmp);
    let at = |p: f64| {
        let rank = p * (values.len() - 1) as f64;
        let (low, high) = (values[rank.floor() as usize], values[rank.ceil() as usize]);
        low + (high - low) * rank.fract()
    };
    // Between halves the values scatter about 0; their mean absolute value is what statistics give.
    let [floor] = floor(&real, Draws::new(seed, FLOOR), |a, b, _| [kernel_distance(a, b).abs()]);
    Score {
        value: at(0.5),
        floor,
        error: Some(0.5 * (at(0.837_25) - at(0.162_75))),
        avalanches: [real.len(), generated.len()],
        method: format!(
            "median of {BATCHES} batches of {batch} avalanches a set, unbiased; features over their largest absolute \
             real value; the floor is the mean absolute value between halves of the real set"
        ),
    }
}
