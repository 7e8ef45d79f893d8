//! Standard normal numbers for arrays.
//!
//! Every electron at the anode takes three of them, which makes this the inner loop of a simulation. The
//! method is Box and Muller's (Ann. Math. Stat. 29, 610, 1958): it needs neither tables nor rejection, so
//! that the compiler makes vector instructions of it. Elementary functions are short series, so that the
//! result has the same bits on every machine.

use rand::Rng;

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
        let (radii, angles) = bits[..2 * pairs].split_at(pairs);
        let (first, second) = block[..2 * pairs].split_at_mut(pairs);
        pairs_of(radii, angles, first, second);
        out.copy_from_slice(&block[..out.len()]);
    }
}

/// Box and Muller: radius √(−2 ln u) with u in (0, 1], in a uniformly distributed direction. All slices have
/// the same length.
#[inline]
fn pairs_of(radii: &[u32], angles: &[u32], first: &mut [f32], second: &mut [f32]) {
    for ((first, second), (&radius, &angle)) in first.iter_mut().zip(second).zip(radii.iter().zip(angles)) {
        let u = ((radius >> 1) as i32 as f32 + 0.5) * (1.0 / (1u64 << 31) as f32);
        let radius = (-2.0 * ln(u)).sqrt();
        (*first, *second) = direction(angle);
        *first *= radius;
        *second *= radius;
    }
}

/// Natural logarithm of a positive normal number, to 2 units in the last place: u = 2^e·m with m in [√½, √2),
/// and ln m = 2 artanh s = 2(s + s³/3 + …) with s = (m − 1)/(m + 1), |s| ≤ 0.172.
#[inline]
fn ln(u: f32) -> f32 {
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let shifted = u.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (shifted as i32 >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF));
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0))));
    exponent * std::f32::consts::LN_2 + 2.0 * (s + s * series)
}

/// A point on the unit circle in one of 2^32 directions: 30 bits place it within an eighth of a turn of an
/// axis (Taylor series of sine and cosine), one bit chooses the axis and one its sign.
#[inline]
fn direction(bits: u32) -> (f32, f32) {
    let a = (bits << 2) as i32 as f32 * (std::f32::consts::FRAC_PI_2 / (1u64 << 32) as f32);
    let q = a * a;
    let sine = a * (1.0 + q * (-1.0 / 6.0 + q * (1.0 / 120.0 + q * (-1.0 / 5040.0 + q * (1.0 / 362_880.0)))));
    let cosine = 1.0 + q * (-0.5 + q * (1.0 / 24.0 + q * (-1.0 / 720.0 + q * (1.0 / 40_320.0))));
    let axial = f32::from_bits(cosine.to_bits() ^ (bits & 0x8000_0000));
    if bits & 0x4000_0000 == 0 { (axial, sine) } else { (sine, axial) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, stream};

    #[test]
    fn the_logarithm_is_the_logarithm() {
        for i in 0..100_000u32 {
            let u = (i as f32 + 0.5) / 100_000.0;
            let (got, expected) = (f64::from(ln(u)), f64::from(u).ln());
            assert!((got - expected).abs() <= 2e-7 * expected.abs().max(0.3), "{u}: {got} {expected}");
        }
        assert_eq!(ln(1.0).to_bits(), 0);
        assert!((ln(0.5 / (1u64 << 31) as f32) + 22.18071).abs() < 1e-5);
    }

    #[test]
    fn directions_are_on_the_circle_and_even() {
        let (mut octants, n) = ([0u32; 8], 1u32 << 20);
        for i in 0..n {
            let (x, y) = direction((i << 12) | 0x800);
            assert!((x.hypot(y) - 1.0).abs() < 3e-7);
            octants[usize::from(x > 0.0) * 4 + usize::from(y > 0.0) * 2 + usize::from(x.abs() > y.abs())] +=
                1;
        }
        assert!(octants.iter().all(|&count| count == n / 8), "{octants:?}");
    }

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
