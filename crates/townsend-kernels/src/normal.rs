//! Standard normal numbers of random words.
//!
//! The method is Box and Muller's (Ann. Math. Stat. 29, 610, 1958): it needs neither tables nor rejection, so
//! that the compiler makes vector instructions of it. Elementary functions are short series of sums and
//! products, each of them rounded, so that the result has the same bits on every machine and with every set
//! of instructions.

use crate::isa::{Isa, for_vectors};

/// Makes standard normal numbers of as many random words, an even number of them. The largest magnitude is
/// 6.6.
///
/// Words of the first half and of the second are pairs, whose numbers stand at the same places: radius √(−2
/// ln u) with u in (0, 1] of the first word, in a uniformly distributed direction, that of the second.
///
/// # Panics
/// If the slices have different lengths, or an odd one.
pub fn normal_numbers(words: &[u32], normals: &mut [f32]) {
    normal_numbers_with(Isa::best(), words, normals);
}

/// Like [`normal_numbers`], with instructions that this CPU has.
fn normal_numbers_with(isa: Isa, words: &[u32], normals: &mut [f32]) {
    assert!(words.len() == normals.len() && words.len().is_multiple_of(2), "pairs of words and of numbers");
    let half = words.len() / 2;
    let (radii, angles) = words.split_at(half);
    let (first, second) = normals.split_at_mut(half);
    pairs_of(isa, radii, angles, first, second);
}

for_vectors! {
    fn pairs_of(radii: &[u32], angles: &[u32], first: &mut [f32], second: &mut [f32]) {
        for ((first, second), (&radius, &angle)) in first.iter_mut().zip(second).zip(radii.iter().zip(angles)) {
            let u = ((radius >> 1) as i32 as f32 + 0.5) * (1.0 / (1u64 << 31) as f32);
            let radius = (-2.0 * ln(u)).sqrt();
            (*first, *second) = direction(angle);
            *first *= radius;
            *second *= radius;
        }
    }
}

/// Natural logarithm of a positive normal number, to 2 units in the last place: u = 2^e·m with m in [√½, √2),
/// and ln m = 2 artanh s = 2(s + s³/3 + …) with s = (m − 1)/(m + 1), |s| ≤ 0.172.
#[inline(always)]
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
#[inline(always)]
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

    /// Words that have each value of the higher bits (under Miri, which is slow, few of them), and the
    /// largest and the smallest.
    fn words() -> Vec<u32> {
        let many = if cfg!(miri) { 1u32 << 10 } else { 1 << 16 };
        let even = (0..many).map(|k| (k << 16) | (k.wrapping_mul(40_503) & 0xffff));
        let ends = [0, 1, 2, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX];
        even.rev().chain(ends).chain((0..many).map(|k| k.wrapping_mul(2_654_435_769))).chain(ends).collect()
    }

    #[test]
    fn every_set_of_instructions_gives_the_same_bits() {
        let words = words();
        // The ends of slices whose lengths are no multiple of a vector's are done one by one.
        for len in [words.len(), 2 * 517, 2 * 17, 2, 0] {
            let numbers = |isa| {
                let mut numbers = vec![f32::NAN; len];
                normal_numbers_with(isa, &words[..len], &mut numbers);
                numbers.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let portable = numbers(Isa::Portable);
            for isa in Isa::available() {
                assert!(numbers(isa) == portable, "{isa:?}, {len} numbers");
            }
            assert!(portable.iter().all(|bits| f32::from_bits(*bits).abs() < 6.7));
        }
    }

    /// The bits are part of the contract: a file made with a seed can be made again by a later release.
    #[test]
    fn numbers_do_not_change_between_releases() {
        let words: Vec<u32> = (1..=8u32).map(|k| k.wrapping_mul(0x9e37_79b9)).collect();
        let mut numbers = [0.0; 8];
        normal_numbers(&words, &mut numbers);
        assert_eq!(
            numbers.map(f32::to_bits),
            [
                1_062_463_355,
                3_218_213_461,
                1_048_873_006,
                3_201_773_013,
                1_057_409_999,
                3_202_472_536,
                1_056_911_013,
                3_214_101_894
            ]
        );
    }

    #[test]
    fn the_logarithm_is_the_logarithm() {
        for i in (0..100_000u32).step_by(if cfg!(miri) { 97 } else { 1 }) {
            let u = (i as f32 + 0.5) / 100_000.0;
            let (got, expected) = (f64::from(ln(u)), f64::from(u).ln());
            assert!((got - expected).abs() <= 2e-7 * expected.abs().max(0.3), "{u}: {got} {expected}");
        }
        assert_eq!(ln(1.0).to_bits(), 0);
        assert!((ln(0.5 / (1u64 << 31) as f32) + 22.18071).abs() < 1e-5);
    }

    #[test]
    fn directions_are_on_the_circle_and_even() {
        let bits = if cfg!(miri) { 10 } else { 20 };
        let (mut octants, n) = ([0u32; 8], 1u32 << bits);
        for i in 0..n {
            let (x, y) = direction((2 * i + 1) << (31 - bits));
            assert!((x.hypot(y) - 1.0).abs() < 3e-7);
            octants[usize::from(x > 0.0) * 4 + usize::from(y > 0.0) * 2 + usize::from(x.abs() > y.abs())] +=
                1;
        }
        assert!(octants.iter().all(|&count| count == n / 8), "{octants:?}");
    }
}
