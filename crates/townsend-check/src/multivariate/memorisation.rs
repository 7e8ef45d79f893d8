//! Whether a generator repeats its own avalanches, or those that it was trained on.

use rayon::prelude::*;
use townsend_core::Purpose;

use super::{Draws, choose, floor_of};
use crate::FeatureRows;
use crate::multivariate::neighbours::{square, standardised};
use crate::score::Score;

/// Fraction of real avalanches whose nearest neighbour is close enough to be called a twin. Chosen, not
/// fitted: these are 50 of 5,000 avalanches, a number that fluctuates by 14%.
const TWINS: f64 = 0.01;
const HALVINGS: u32 = 4;
const FLOOR: Purpose = Purpose::new("duplicates halves");
const SAME_SIZE: Purpose = Purpose::new("memory same size");

/// Squared distance of every row to the nearest row of `others`, without itself if `others` is the `same`
/// set.
fn nearest(rows: &FeatureRows, others: &FeatureRows, same: bool) -> Vec<f64> {
    let of_row = |(index, row): (usize, &Vec<f64>)| {
        let other = others.iter().enumerate().filter(|(k, _)| !(same && *k == index));
        other.map(|(_, other)| square(row, other)).fold(f64::INFINITY, f64::min)
    };
    rows.par_iter().enumerate().map(of_row).collect()
}

/// Fraction of the rows of `generated` that are closer to their nearest other generated row than 99% of the
/// real rows are to theirs, for two sets of one size. Without duplicates it is 0.01.
pub fn duplicates(real: &FeatureRows, generated: &FeatureRows) -> f64 {
    let mut of_real = nearest(real, real, true);
    of_real.sort_unstable_by(f64::total_cmp);
    // The limit lies between two real distances, so that exactly a hundredth of the real ones are below it.
    let twins = ((TWINS * of_real.len() as f64).round() as usize).min(of_real.len() - 1);
    let edge = of_real[twins];
    let close = nearest(generated, generated, true).into_iter().filter(|&d| d < edge).count();
    close as f64 / generated.len() as f64
}

/// A birthday-paradox test (Arora and Zhang, arXiv:1706.08224) relative to real data: the fraction of
/// generated avalanches with a twin, where that of real ones is a hundredth.
pub(super) fn duplicates_score(real: &FeatureRows, generated: &FeatureRows, seed: u64) -> Score {
    let (real, generated) = standardised(real, generated);
    let size = real.len().min(generated.len());
    let draws = Draws::new(seed, SAME_SIZE);
    let part = |rows: &FeatureRows, index| choose(rows, size, &mut draws.stream(index));
    let (first, second) = (part(&real, 0), part(&generated, 1));
    let value = duplicates(&first, &second);
    let [floor] = floor_of(HALVINGS, &real, Draws::new(seed, FLOOR), |a, b, _| [duplicates(a, b)]);
    let n = size as f64;
    Score {
        value,
        floor,
        // The error of the difference of both fractions, because the real one defines the scale.
        error: Some((value * (1.0 - value) / n + TWINS * (1.0 - TWINS) / n).sqrt()),
        avalanches: [size, size],
        method: "share of generated avalanches whose nearest generated neighbour, in standardised observables, is as \
                 near as only 1% of the real ones are to theirs; binomial error"
            .to_string(),
    }
}

/// Fraction of the rows of `generated` that are nearer to a row of `training` than to one of `held_back`, two
/// sets of one size; ties count one half.
pub fn nearer_to_training(held_back: &FeatureRows, training: &FeatureRows, generated: &FeatureRows) -> f64 {
    let (to_training, to_held_back) =
        (nearest(generated, training, false), nearest(generated, held_back, false));
    let nearer = to_training.iter().zip(&to_held_back).map(|(t, h)| match t.total_cmp(h) {
        std::cmp::Ordering::Less => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Greater => 0.0,
    });
    nearer.sum::<f64>() / generated.len() as f64
}

/// Compares the nearest training avalanche with the nearest held-back one (after Meehan et al.,
/// arXiv:2004.05675).
pub(super) fn memorisation_score(
    held_back: &FeatureRows,
    training: &FeatureRows,
    generated: &FeatureRows,
    seed: u64,
) -> Score {
    let (held_back_scaled, generated) = standardised(held_back, generated);
    let (_, training) = standardised(held_back, training);
    let size = held_back_scaled.len().min(training.len());
    let draws = Draws::new(seed, SAME_SIZE);
    let part = |rows: &FeatureRows, index| choose(rows, size, &mut draws.stream(index));
    let value = nearer_to_training(&part(&held_back_scaled, 2), &part(&training, 3), &generated);
    Score {
        value,
        floor: 0.5,
        error: Some((0.25 / generated.len() as f64 + 0.25 / size as f64).sqrt()),
        avalanches: [size, generated.len()],
        method: format!(
            "share of generated avalanches nearer to one of {size} training avalanches than to one of as many held \
             back, in standardised observables; 0.5 if nothing was learnt by heart"
        ),
    }
}
