//! Draws from a random stream: whole numbers, uniform numbers, and subsets.

use rand::Rng;
use townsend_core::Stream;

/// A random whole number from 0 to `bound` − 1: the upper 64 bits of the product of a random 64-bit number
/// and `bound`. The probabilities of the numbers differ by less than a relative `bound`/2⁶⁴.
pub fn below(bound: u64, random: &mut Stream) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// A uniform number from 0 (included) to 1 (excluded), with 53 random bits.
pub fn uniform(random: &mut Stream) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// `wanted` different numbers from 0 to `n` − 1 in random order; all `n` of them if `wanted` is more.
pub fn some_of(n: usize, wanted: usize, random: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let wanted = wanted.min(n);
    for k in 0..wanted {
        order.swap(k, k + below((n - k) as u64, random) as usize);
    }
    order.truncate(wanted);
    order
}

/// A random half of `n` values: 1 for each value that is in it, 0 for each that is not.
pub fn half(n: usize, random: &mut Stream) -> Vec<u32> {
    let mut weights = vec![0; n];
    for chosen in some_of(n, n / 2, random) {
        weights[chosen] = 1;
    }
    weights
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;

    #[test]
    fn every_number_is_drawn_once_and_evenly() {
        let mut random = stream(1, Purpose::new("draws"), 0);
        let mut all = some_of(50, 80, &mut random);
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
        let mut drawn = [0; 10];
        (0..3_000).for_each(|_| some_of(10, 3, &mut random).into_iter().for_each(|k| drawn[k] += 1));
        // Each of ten in 3 of 10 of 3,000 draws: 900 ± 25.
        assert!(drawn.iter().all(|&n| (800..1_000).contains(&n)), "{drawn:?}");
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut random = stream(2, Purpose::new("draws"), 0);
        assert!((0..1_000).all(|_| below(3, &mut random) < 3 && (0.0..1.0).contains(&uniform(&mut random))));
        assert_eq!(below(1, &mut random), 0);
    }
}
