//! Exponentials of many numbers.

use crate::isa::for_vectors;

/// Numbers that are computed together; every instruction set gives the same bits.
const LANES: usize = 16;

/// Replaces each number x by exp(x + shift − m), where m is the largest x + shift: weights of a softmax, not normalised. Without `shift` it is 0.
///
/// # Panics
/// If there is a shift for some numbers only.
pub fn exponentials(numbers: &mut [f32], shift: &[f32]) {
    assert!(shift.is_empty() || shift.len() == numbers.len(), "one shift a number");
    compute(numbers, shift);
}

for_vectors! {
    fn compute(numbers: &mut [f32], shift: &[f32]) {
        numbers.iter_mut().zip(shift).for_each(|(number, shift)| *number += shift);
        let (blocks, rest) = numbers.as_chunks_mut::<LANES>();
        let mut most = [f32::NEG_INFINITY; LANES];
        for block in &*blocks {
            for lane in 0..LANES {
                most[lane] = if block[lane] > most[lane] { block[lane] } else { most[lane] };
            }
        }
        let most = most.iter().chain(&*rest).fold(f32::NEG_INFINITY, |most, &x| if x > most { x } else { most });
        for block in blocks {
            for lane in 0..LANES {
                block[lane] = exponential(block[lane] - most);
            }
        }
        for x in rest {
            *x = exponential(*x - most);
        }
    }
}

/// exp(x) for x ≤ 0 to 1e-7 of itself; 0 below the smallest normal number.
///
/// x = n ln 2 + r with a whole n and |r| ≤ ln 2 / 2; exp(r) is its Taylor series to r⁷, whose rest is below 6e-9, and 2ⁿ is
/// made of the bits of its exponent.
#[inline(always)]
fn exponential(x: f32) -> f32 {
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn what_is_no_number_or_far_below_is_0() {
        let mut numbers = [f32::NEG_INFINITY, -1e30, 0.0, f32::NAN];
        exponentials(&mut numbers, &[]);
        assert_eq!(numbers, [0.0, 0.0, 1.0, 0.0]);
    }
}
