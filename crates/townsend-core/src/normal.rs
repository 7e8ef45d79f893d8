//! Standard normal numbers for arrays.
//!
//! Every electron at the anode takes three of them, which makes this the inner loop of a simulation. Here are
//! the random words; what is made of them is arithmetic, and in [`townsend_kernels::normal_numbers`].

use rand::Rng;
use townsend_kernels::normal_numbers;

/// Pairs made at once.
const PAIRS: usize = 256;

/// Fills `out` with independent standard normal numbers. Each takes 32 random bits; the largest magnitude is
/// 6.6.
///
/// Numbers are made in blocks, so a call takes as many random bits as whole blocks do.
pub fn fill_normal(random: &mut impl Rng, out: &mut [f32]) {
    let mut bytes = [0u8; 8 * PAIRS];
    let mut bits = [0u32; 2 * PAIRS];
    let mut block = [0f32; 2 * PAIRS];
    for out in out.chunks_mut(2 * PAIRS) {
        // The last block may be shorter: only as many pairs are made as needed, rounded up to a multiple of
        // 16.
        let pairs = out.len().div_ceil(2).next_multiple_of(16).min(PAIRS);
        random.fill_bytes(&mut bytes[..8 * pairs]);
        for (bits, bytes) in bits.iter_mut().zip(bytes[..8 * pairs].as_chunks().0) {
            *bits = u32::from_le_bytes(*bytes);
        }
        normal_numbers(&bits[..2 * pairs], &mut block[..2 * pairs]);
        out.copy_from_slice(&block[..out.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, stream};

    /// Moments, tails and independence of neighbours against the normal distribution.
    #[test]
    fn numbers_are_normal() {
        let mut random = stream(1, Purpose::new("test"), 0);
        let mut out = vec![0f32; 4_000_001];
        fill_normal(&mut random, &mut out);
        let n = out.len() as f64;
        let moment = |k: i32| out.iter().map(|&v| f64::from(v).powi(k)).sum::<f64>() / n;
        // Variances of the sample moments: 1, 2, 15, 96, (10395 - 225).
        for (k, expected, variance) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0), (6, 15.0, 10_170.0f64)]
        {
            assert!((moment(k) - expected).abs() < 4.5 * (variance / n).sqrt(), "moment {k}: {}", moment(k));
        }
        for (limit, probability) in
            [(1.0, 0.317_310_5), (2.0, 0.045_500_26), (3.0, 0.002_699_796), (4.0, 6.334e-5f64)]
        {
            let fraction = out.iter().filter(|v| f64::from(v.abs()) > limit).count() as f64 / n;
            assert!(
                (fraction - probability).abs() < 4.5 * (probability / n).sqrt(),
                "above {limit}: {fraction}"
            );
        }
        for step in [1, 2, 16, 128, 256, 512] {
            let product: f64 = out.iter().zip(&out[step..]).map(|(&a, &b)| f64::from(a * b)).sum();
            assert!((product / n).abs() < 4.5 / n.sqrt(), "correlation at {step}: {}", product / n);
        }
    }

    #[test]
    fn short_and_long_requests_are_filled() {
        for len in [0, 1, 2, 31, 32, 33, 511, 512, 513, 1500] {
            let mut out = vec![f32::NAN; len];
            fill_normal(&mut stream(1, Purpose::new("test"), 0), &mut out);
            assert!(out.iter().all(|v| v.is_finite()), "{len}");
        }
    }
}
