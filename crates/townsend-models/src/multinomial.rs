//! Distribution of electrons over cells.

use rand::Rng;
use rand_distr::{Distribution, Exp1};

/// Number of partial sums that [`throw_each`] keeps in memory: enough for all but the largest avalanches.
pub(crate) const KEPT_SUMS: usize = 1 << 16;

/// Distributes `electrons` independently over cells with probabilities proportional to `weights` and returns
/// the cell of each, sorted; see [`throw_each`].
pub(crate) fn throw(weights: &[f32], electrons: u64, random: &mut (impl Rng + Clone)) -> Vec<u32> {
    let kept = electrons.min(KEPT_SUMS as u64) as usize;
    let mut cells = Vec::with_capacity(kept);
    throw_each(weights, electrons, random, &mut vec![0.0; kept], |cell| cells.push(cell));
    cells
}

/// Distributes `electrons` independently over cells with probabilities proportional to `weights`, and calls
/// `act` with the cell of each, in ascending order. This is an exact multinomial draw in O(cells +
/// electrons): sorted uniform numbers are the partial sums of exponential numbers divided by their total
/// (Devroye 1986, section V.3), and a single pass over the cumulative weights finds their cells.
///
/// Weights that are not positive and finite count as 0. If no weight is left, `act` is not called.
///
/// The partial sums of the first electrons are kept in `sums`; those of the others, if there are more, are
/// drawn a second time from a copy of `random`, so that memory does not grow with the number of electrons.
pub(crate) fn throw_each(
    weights: &[f32],
    electrons: u64,
    random: &mut (impl Rng + Clone),
    sums: &mut [f64],
    mut act: impl FnMut(u32),
) {
    let weight = |w: f32| if w > 0.0 && w.is_finite() { f64::from(w) } else { 0.0 };
    let total: f64 = weights.iter().copied().map(weight).sum();
    if total <= 0.0 || electrons == 0 {
        return;
    }
    let kept = electrons.min(sums.len() as u64);
    let mut sum = 0.0;
    for kept in &mut sums[..kept as usize] {
        sum += next(random);
        *kept = sum;
    }
    let (mut again, mut sum_again) = (random.clone(), sum);
    (kept..=electrons).for_each(|_| sum += next(random));
    let scale = total / sum;
    let last = weights.iter().rposition(|&w| weight(w) > 0.0).unwrap_or(0);
    let (mut cell, mut cumulative) = (0, weight(weights[0]));
    let mut fall = |sum: f64| {
        while sum * scale >= cumulative && cell < last {
            cell += 1;
            cumulative += weight(weights[cell]);
        }
        act(cell as u32);
    };
    sums[..kept as usize].iter().for_each(|sum| fall(*sum));
    for _ in kept..electrons {
        sum_again += next(&mut again);
        fall(sum_again);
    }
}

/// An exponential number of mean 1.
fn next(random: &mut impl Rng) -> f64 {
    Exp1.sample(random)
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;

    const TEST: Purpose = Purpose::new("multinomial test");

    #[test]
    fn electrons_fall_as_the_weights_say() {
        // The last and the first weights are 0; NaN counts as 0.
        let weights = [0.0, 1.0, 0.0, 5.0, -3.0, 2.0, f32::NAN, 2.0, 0.0];
        let probabilities = [0.0, 0.1, 0.0, 0.5, 0.0, 0.2, 0.0, 0.2, 0.0];
        let (throws, electrons) = (2000, 50);
        let mut counts = [0.0; 9];
        let mut squares = 0.0;
        for index in 0..throws {
            let cells = throw(&weights, electrons, &mut stream(1, TEST, index));
            assert!(cells.len() as u64 == electrons && cells.is_sorted());
            for &cell in &cells {
                counts[cell as usize] += 1.0;
            }
            let in_3 = cells.iter().filter(|&&cell| cell == 3).count() as f64;
            squares += (in_3 - 25.0).powi(2) / throws as f64;
        }
        let n = (throws * electrons) as f64;
        for (count, p) in counts.iter().zip(probabilities) {
            let error = 4.5 * (n * p * (1.0 - p)).sqrt();
            assert!((count - n * p).abs() <= error, "{counts:?}");
        }
        // The number in a cell is binomial: variance n p (1 − p), here 12.5, known to √(2 / throws).
        assert!((squares / 12.5 - 1.0).abs() < 4.5 * (2.0 / throws as f64).sqrt(), "{squares}");
    }

    #[test]
    fn memory_for_fewer_sums_makes_no_difference() {
        let weights = [0.5, 1.0, 0.0, 3.0];
        let thrown = |kept: usize| {
            let (mut cells, mut random) = (Vec::new(), stream(1, TEST, 3));
            throw_each(&weights, 30, &mut random, &mut vec![0.0; kept], |cell| cells.push(cell));
            (cells, random.next_u64())
        };
        assert!([0, 1, 29, 30, 31].into_iter().all(|kept| thrown(kept) == thrown(100)));
    }

    #[test]
    fn nothing_can_be_thrown_without_weights() {
        let random = &mut stream(1, TEST, 0);
        assert!(throw(&[0.0, -1.0, f32::NAN], 10, random).is_empty());
        assert!(throw(&[1.0], 0, random).is_empty());
        assert_eq!(throw(&[1e-30], 3, random), [0, 0, 0]);
    }
}
