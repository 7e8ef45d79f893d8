//! Vectors of the instruction sets, behind one trait.

use crate::Isa;

/// A vector of `LANES` numbers in a register.
///
/// # Safety
/// Every function may be called only on a CPU that has the instruction set; pointers are valid for `LANES`
/// numbers (`splat`: one).
pub(crate) trait Simd: Copy {
    const LANES: usize;
    unsafe fn zero() -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self` · `factor` + `sum`, rounded once where the CPU can.
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self;
    /// max(x, 0) + `slope` · min(x, 0).
    unsafe fn leaky(self, slope: f32) -> Self;
}

/// Implements [`Simd`] by intrinsics, which have the same form in all instruction sets.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_intrinsics {
    ($name:ident, $vector:ty, $lanes:literal, $zero:expr, $load:ident, $splat:ident, $store:ident,
     |$a:ident, $b:ident, $c:ident| $fma:expr, $dup:ident, $max:ident, $min:ident) => {
        #[derive(Clone, Copy)]
        pub(crate) struct $name($vector);

        impl Simd for $name {
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $zero })
            }

            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: as promised by the caller.
                Self(unsafe { $load(from) })
            }

            #[inline(always)]
            unsafe fn splat(from: *const f32) -> Self {
                // SAFETY: as promised by the caller.
                Self(unsafe { $splat(&*from) })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: as promised by the caller.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
                let ($a, $b, $c) = (self.0, factor.0, sum.0);
                // SAFETY: the caller has the instruction set.
                Self(unsafe { $fma })
            }

            #[inline(always)]
            unsafe fn leaky(self, slope: f32) -> Self {
                // SAFETY: the caller has the instruction set.
                unsafe {
                    let negative = Self($min(self.0, $zero));
                    negative.multiply_add(Self($dup(slope)), Self($max(self.0, $zero)))
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps,
        _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps,
        _mm256_unpackhi_ps, _mm256_unpacklo_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_max_ps,
        _mm512_min_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::Simd;

    #[inline(always)]
    unsafe fn broadcast512(from: &f32) -> __m512 {
        // SAFETY: the caller has AVX-512.
        unsafe { _mm512_set1_ps(*from) }
    }

    #[inline(always)]
    unsafe fn broadcast256(from: &f32) -> __m256 {
        // SAFETY: the caller has AVX.
        unsafe { _mm256_set1_ps(*from) }
    }

    by_intrinsics!(
        F32x16,
        __m512,
        16,
        _mm512_setzero_ps(),
        _mm512_loadu_ps,
        broadcast512,
        _mm512_storeu_ps,
        |a, b, c| _mm512_fmadd_ps(a, b, c),
        _mm512_set1_ps,
        _mm512_max_ps,
        _mm512_min_ps
    );
    by_intrinsics!(
        F32x8,
        __m256,
        8,
        _mm256_setzero_ps(),
        _mm256_loadu_ps,
        broadcast256,
        _mm256_storeu_ps,
        |a, b, c| _mm256_fmadd_ps(a, b, c),
        _mm256_set1_ps,
        _mm256_max_ps,
        _mm256_min_ps
    );

    /// Turns eight rows of eight numbers, `from_row` apart, into eight columns, which are rows `to_row`
    /// apart.
    ///
    /// # Safety
    /// The CPU has AVX2; all rows can be read and written.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn turn_eight(from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        // SAFETY: as promised by the caller.
        unsafe {
            let rows: [__m256; 8] = std::array::from_fn(|k| _mm256_loadu_ps(from.add(k * from_row)));
            // Pairs of numbers, then four of them, of rows k, k + 1, k + 2 and k + 3 in both halves.
            let pair = |k: usize| {
                [_mm256_unpacklo_ps(rows[k], rows[k + 1]), _mm256_unpackhi_ps(rows[k], rows[k + 1])]
            };
            let four = |k: usize| {
                let [[low, high], [next_low, next_high]] = [pair(k), pair(k + 2)];
                [
                    _mm256_shuffle_ps::<0x44>(low, next_low),
                    _mm256_shuffle_ps::<0xee>(low, next_low),
                    _mm256_shuffle_ps::<0x44>(high, next_high),
                    _mm256_shuffle_ps::<0xee>(high, next_high),
                ]
            };
            let (first, last) = (four(0), four(4));
            for k in 0..4 {
                let [low, high] = [first[k], last[k]];
                _mm256_storeu_ps(to.add(k * to_row), _mm256_permute2f128_ps::<0x20>(low, high));
                _mm256_storeu_ps(to.add((k + 4) * to_row), _mm256_permute2f128_ps::<0x31>(low, high));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{F32x8, F32x16};

#[cfg(target_arch = "aarch64")]
mod neon {
    use std::arch::aarch64::{
        float32x4_t, vdupq_n_f32, vfmaq_f32, vld1q_dup_f32, vld1q_f32, vmaxq_f32, vminq_f32, vst1q_f32,
    };

    use super::Simd;

    by_intrinsics!(
        F32x4,
        float32x4_t,
        4,
        vdupq_n_f32(0.0),
        vld1q_f32,
        vld1q_dup_f32,
        vst1q_f32,
        |a, b, c| vfmaq_f32(c, a, b),
        vdupq_n_f32,
        vmaxq_f32,
        vminq_f32
    );
}

#[cfg(target_arch = "aarch64")]
pub(crate) use neon::F32x4;

/// An array of numbers for CPUs without these instruction sets. The compiler makes vectors of it where it
/// can; products are rounded before they are added.
#[derive(Clone, Copy)]
pub(crate) struct Array([f32; 8]);

impl Simd for Array {
    const LANES: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 8])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: as promised by the caller; an array of f32 needs no more alignment than f32.
        Self(unsafe { *from.cast() })
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: as promised by the caller.
        Self([unsafe { *from }; 8])
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as promised by the caller; an array of f32 needs no more alignment than f32.
        unsafe { *to.cast() = self.0 }
    }

    #[inline(always)]
    unsafe fn multiply_add(self, factor: Self, sum: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * factor.0[lane] + sum.0[lane]))
    }

    #[inline(always)]
    unsafe fn leaky(self, slope: f32) -> Self {
        Self(self.0.map(|x| slope * x.min(0.0) + x.max(0.0)))
    }
}

/// From cells of `block` channels each to a row of cells for each of the first `channels`; rows begin `row`
/// numbers after each other.
///
/// # Panics
/// If the rows are too short for the cells.
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, unused_mut, reason = "number by number"))]
pub(crate) fn turn(isa: Isa, cells: &[f32], block: usize, rows: &mut [f32], row: usize, channels: usize) {
    let count = cells.len() / block;
    assert!(channels <= block && (channels == 0 || rows.len() >= (channels - 1) * row + count));
    let mut turned = 0;
    #[cfg(target_arch = "x86_64")]
    if matches!(isa, Isa::Avx2 | Isa::Avx512) && count >= 8 {
        turned = channels / 8 * 8;
        // The last eight cells may be turned in part a second time.
        for cell in (0..count - 8).step_by(8).chain([count - 8]) {
            for channel in (0..turned).step_by(8) {
                let from = &cells[cell * block + channel..];
                let to = &mut rows[channel * row + cell..];
                assert!(from.len() >= 7 * block + 8 && to.len() >= 7 * row + 8);
                // SAFETY: this CPU has AVX2, which is a part of AVX-512 as the crate uses it; eight rows of
                // eight numbers can be read and written, as was just seen.
                unsafe { x86::turn_eight(from.as_ptr(), block, to.as_mut_ptr(), row) };
            }
        }
    }
    for channel in turned..channels {
        let values = cells[channel..].iter().step_by(block);
        rows[channel * row..][..count].iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    }
}
