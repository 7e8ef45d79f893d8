//! Exponentials of many numbers.

use crate::isa::{Isa, for_vectors};

/// Numbers that are added up side by side, on every instruction set alike, so that all give the same bits.
const LANES: usize = 16;

/// Replaces each number x by exp(x + shift − m), where m is the largest x + shift: the weights of a softmax
/// before they are normalised. An empty `shift` stands for zeros. Returns m.
///
/// # Panics
/// If there is a shift for some numbers only.
pub fn exponentials(numbers: &mut [f32], shift: &[f32]) -> f32 {
    assert!(shift.is_empty() || shift.len() == numbers.len(), "one shift a number");
    numbers.iter_mut().zip(shift).for_each(|(number, shift)| *number += shift);
    let mut most = f32::NEG_INFINITY;
    largest(Isa::best(), numbers, &mut most);
    powers(Isa::best(), numbers, most);
    most
}

/// Returns −Σ n ln p with p = softmax(x + shift) and counts n, and writes its derivatives by the numbers x
/// into `gradient`.
///
/// # Panics
/// If the slices are of different lengths (`shift` may be empty).
pub fn softmax_loss(numbers: &[f32], shift: &[f32], counts: &[f32], gradient: &mut [f32]) -> f64 {
    assert_eq!(numbers.len(), counts.len(), "one count a number");
    gradient.copy_from_slice(numbers);
    let most = f64::from(exponentials(gradient, shift));
    let mut sums = [0.0; 2];
    add_up(Isa::best(), gradient, counts, &mut sums);
    let [total, electrons] = sums;
    let shift = |at: usize| shift.get(at).map_or(0.0, |shift| f64::from(*shift));
    let occupied = numbers.iter().zip(counts).enumerate().filter(|(_, (_, count))| **count != 0.0);
    let terms = occupied.map(|(at, (x, count))| f64::from(*count) * (f64::from(*x) + shift(at) - most));
    let loss = electrons * total.ln() - terms.sum::<f64>();
    differences(Isa::best(), gradient, counts, (electrons / total) as f32);
    loss
}

for_vectors! {
    fn largest(numbers: &[f32], most: &mut f32) {
        let (blocks, rest) = numbers.as_chunks::<LANES>();
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for block in blocks {
            for lane in 0..LANES {
                lanes[lane] = if block[lane] > lanes[lane] { block[lane] } else { lanes[lane] };
            }
        }
        *most = lanes.iter().chain(rest).fold(*most, |most, &x| if x > most { x } else { most });
    }

    fn powers(numbers: &mut [f32], most: f32) {
        for x in numbers {
            *x = exponential(*x - most);
        }
    }

    /// The sums of both slices.
    fn add_up(first: &[f32], second: &[f32], sums: &mut [f64; 2]) {
        for (sum, numbers) in sums.iter_mut().zip([first, second]) {
            for part in numbers.chunks(64 * LANES) {
                let (blocks, rest) = part.as_chunks::<LANES>();
                let mut lanes = [0f32; LANES];
                for block in blocks {
                    for lane in 0..LANES {
                        lanes[lane] += block[lane];
                    }
                }
                *sum += lanes.iter().chain(rest).map(|x| f64::from(*x)).sum::<f64>();
            }
        }
    }

    fn differences(numbers: &mut [f32], counts: &[f32], factor: f32) {
        for (x, count) in numbers.iter_mut().zip(counts) {
            *x = *x * factor - count;
        }
    }
}

/// exp(x) for x ≤ 0 to 1.5e-7 of itself, without a branch, so that loops over it become vector instructions;
/// 0 below −87, near the smallest normal number, and for what is no number.
///
/// x = n ln 2 + r with a whole n and |r| ≤ ln 2 / 2; exp(r) is its Taylor series to r⁷, whose rest is below
/// 6e-9, and 2ⁿ is made of the bits of its exponent.
#[inline(always)]
pub fn exponential(x: f32) -> f32 {
    /// Added and taken away again, it leaves the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first short enough for n times it to be exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let clamped = if x > -87.0 { x } else { -87.0 };
    let n = clamped * std::f32::consts::LOG2_E + ROUND - ROUND;
    let r = clamped - n * LN_2[0] - n * LN_2[1];
    let mut series = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * r + factor;
    }
    let power = f32::from_bits(((n as i32 + 127) << 23) as u32);
    if x > -87.0 { series * power } else { 0.0 }
}

/// exp(x) in double precision, to 3e-16 of itself, without a branch, so that loops over it become vector
/// instructions; the same bits on every machine. Below −707 and above 709 it is what it is there.
///
/// As [`exponential`], with the Taylor series to r¹³, whose rest is below 5e-18.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    /// Added, it leaves the nearest whole number in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// ln 2 in two parts, the first short enough for n times it to be exact.
    const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];
    let clamped = if x > -707.0 { x } else { -707.0 };
    let clamped = if clamped < 709.0 { clamped } else { 709.0 };
    let shifted = clamped * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = clamped - n * LN_2[0] - n * LN_2[1];
    let mut series = 1.0 / 6_227_020_800.0;
    for factor in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        series = series * r + factor;
    }
    series * f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_double_precision_it_is_the_exponential() {
        for k in (-70_000..=70_900).step_by(if cfg!(miri) { 97 } else { 1 }) {
            let x = f64::from(k) * 0.01 + 0.001_234_567;
            let x = x.clamp(-707.0, 709.0);
            let (got, want) = (exp(x), x.exp());
            assert!((got / want - 1.0).abs() < 4e-16, "exp({x}): {got} for {want}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!([exp(f64::NEG_INFINITY), exp(f64::INFINITY)], [exp(-707.0), exp(709.0)]);
        assert!(exp(-707.0) < 1e-307 && exp(709.0) > 1e307);
    }

    #[test]
    fn they_are_those_of_double_precision() {
        let numbers: Vec<f32> = (0..=9000).map(|k| k as f32 * -0.01 + 3.0).collect();
        let shift: Vec<f32> = (0..=9000).map(|k| (k % 7) as f32 * 0.1).collect();
        let mut got = numbers.clone();
        exponentials(&mut got, &shift);
        let most = numbers.iter().zip(&shift).map(|(x, s)| x + s).fold(f32::MIN, f32::max);
        for ((x, s), got) in numbers.iter().zip(&shift).zip(&got) {
            let want = f64::from(x + s - most).exp();
            let error = (f64::from(*got) - want).abs();
            assert!(
                error <= 1.5e-7 * want || (want < 2e-38 && *got == 0.0),
                "exp({}): {got} for {want}",
                x + s - most
            );
        }
    }

    #[test]
    fn the_loss_and_its_derivatives_are_those_of_double_precision() {
        let n = 1000;
        let numbers: Vec<f32> = (0..n).map(|k| ((k * 37) % 101) as f32 * 0.1 - 5.0).collect();
        let shift: Vec<f32> = (0..n).map(|k| (k % 13) as f32 * -0.3).collect();
        let counts: Vec<f32> = (0..n).map(|k| if k % 9 == 0 { (k % 5) as f32 } else { 0.0 }).collect();
        for shift in [&shift[..], &[]] {
            let shifted = |at: usize| f64::from(numbers[at]) + shift.get(at).map_or(0.0, |s| f64::from(*s));
            let total: f64 = (0..n).map(|at| shifted(at).exp()).sum();
            let electrons: f64 = counts.iter().map(|x| f64::from(*x)).sum();
            let want: f64 = (0..n).map(|at| f64::from(counts[at]) * (total.ln() - shifted(at))).sum();
            let mut gradient = vec![0.0; n];
            let got = softmax_loss(&numbers, shift, &counts, &mut gradient);
            assert!((got - want).abs() < 1e-6 * want, "{got} for {want}");
            for (at, got) in gradient.iter().enumerate() {
                let want = electrons * shifted(at).exp() / total - f64::from(counts[at]);
                assert!((f64::from(*got) - want).abs() < 1e-6 * (1.0 + want.abs()), "{got} for {want}");
            }
        }
    }

    #[test]
    fn what_is_no_number_or_far_below_is_0() {
        let mut numbers = [f32::NEG_INFINITY, -1e30, 0.0, f32::NAN];
        exponentials(&mut numbers, &[]);
        assert_eq!(numbers, [0.0, 0.0, 1.0, 0.0]);
    }
}
