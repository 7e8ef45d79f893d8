//! The inner loop of all kernels: a tile of sums in registers.
//!
//! Every operation of this crate is brought to the form `sum[m][n] = Σ_runs Σ_i a[m][run.a + i · a_step] ·
//! b[run.b + i · b_step + n]`: `a` is read number by number, each multiplied with a vector of `b`. For a
//! convolution m are cells of the output, n channels of the output and runs the taps of the kernel; for the
//! gradient of its weights m are taps and input channels, n output channels, and runs the rows of cells that
//! are summed over. Each sum is added up in the order of the runs, so a result depends neither on how outputs
//! are shared out to tiles and threads nor on the width of the CPU's vectors.

use crate::isa::Isa;
use crate::simd::Simd;

/// Most rows of a tile.
pub(crate) const MOST_ROWS: usize = 24;
/// Most columns of a tile.
pub(crate) const MOST_COLUMNS: usize = 32;

/// A part of a sum: where it begins, counted in numbers from the pointers of the tile, and how many products
/// it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) a: isize,
    pub(crate) b: isize,
    pub(crate) length: usize,
}

/// The inputs of a tile and the place of its outputs. Only the first `rows` entries of `a` and `out` are
/// used.
///
/// The columns of a tile are `width` = 8, 16, 32 or 48 numbers; each 16 of them stand `b_block` and
/// `out_block` numbers after the 16 before.
pub(crate) struct Tile<'a> {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) a: [*const f32; MOST_ROWS],
    pub(crate) out: [*mut f32; MOST_ROWS],
    pub(crate) b: *const f32,
    pub(crate) runs: &'a [Run],
    pub(crate) a_step: usize,
    /// How many rows at a time, beginning with the first, read numbers that stand side by side.
    pub(crate) beside: usize,
    pub(crate) b_step: usize,
    pub(crate) b_block: usize,
    pub(crate) out_block: usize,
    /// The `width` numbers that the sums of each row begin with; `None` if they begin with the numbers in
    /// `out`.
    pub(crate) start: Option<&'a [f32]>,
    /// Factor of negative sums at the end; 1 leaves them as they are.
    pub(crate) slope: f32,
}

/// How a tile reads `a`: ways for which the compiler makes faster code.
mod reading {
    /// The next number of each row (`a_step` is 1).
    pub(super) const NEXT: u8 = 0;
    /// The numbers of all rows stand side by side: row m is read at `a[0]` + m.
    pub(super) const TOGETHER: u8 = 1;
    /// Those of three rows do, which leaves registers enough for the places of 12 rows.
    pub(super) const BY_THREES: u8 = 2;
    /// In any other way.
    pub(super) const APART: u8 = 3;
}

/// The distance of vector `v` of a row from the first.
#[inline(always)]
fn column<S: Simd>(v: usize, block: usize) -> usize {
    let lane = v * S::LANES;
    lane / 16 * block + lane % 16
}

/// Computes `M` rows of `N` vectors.
///
/// # Safety
/// The CPU has `S`. For every row m < M and every run, `a[m] + run.a + i · a_step` for i < `run.length` can
/// be read, and so can the vectors at `b + run.b + i · b_step`; those at `out[m]` can be written by this
/// thread alone (and read, without `start`). Rows may have the same `out` only if they have the same `a`.
#[inline(always)]
unsafe fn compute<S: Simd, const M: usize, const N: usize, const READING: u8>(tile: &Tile<'_>) {
    // SAFETY: all reads and writes are those that the caller allows.
    unsafe {
        let mut sums = [[S::zero(); N]; M];
        for m in 0..M {
            for v in 0..N {
                sums[m][v] = match tile.start {
                    Some(start) => S::load(start.as_ptr().add(v * S::LANES)),
                    None => S::load(tile.out[m].add(column::<S>(v, tile.out_block))),
                };
            }
        }
        let a_step = if READING == reading::NEXT { 1 } else { tile.a_step };
        for run in tile.runs {
            let mut b = tile.b.offset(run.b);
            let mut at = run.a;
            for _ in 0..run.length {
                let mut vectors = [S::zero(); N];
                for v in 0..N {
                    vectors[v] = S::load(b.add(column::<S>(v, tile.b_block)));
                }
                for m in 0..M {
                    let row = match READING {
                        reading::TOGETHER => tile.a[0].add(m),
                        reading::BY_THREES => tile.a[m / 3 * 3].add(m % 3),
                        _ => tile.a[m],
                    };
                    let factor = S::splat(row.offset(at));
                    for v in 0..N {
                        sums[m][v] = factor.multiply_add(vectors[v], sums[m][v]);
                    }
                }
                // Not `add`: after the last product it may lie beyond the end.
                b = b.wrapping_add(tile.b_step);
                at += a_step as isize;
            }
        }
        for m in 0..M {
            for v in 0..N {
                let sum = if tile.slope == 1.0 { sums[m][v] } else { sums[m][v].leaky(tile.slope) };
                sum.store(tile.out[m].add(column::<S>(v, tile.out_block)));
            }
        }
    }
}

/// A function for an instruction set that takes a tile to the instance of [`compute`] with the fewest rows
/// that hold it.
macro_rules! for_instructions {
    ($name:ident, $($feature:literal)?, $(($width:literal, $vector:ty, $count:literal, [$($rows:literal),*])),*) => {
        $(#[target_feature(enable = $feature)])?
        unsafe fn $name(tile: &mut Tile<'_>) {
            $(if tile.width == $width {
                $(if tile.rows <= $rows {
                    // An instance with more rows computes the last one again.
                    for m in tile.rows..$rows {
                        tile.a[m] = tile.a[tile.rows - 1];
                        tile.out[m] = tile.out[tile.rows - 1];
                    }
                    // SAFETY: as promised by the caller.
                    return unsafe {
                        if tile.beside == $rows {
                            compute::<$vector, $rows, $count, { reading::TOGETHER }>(tile)
                        } else if $rows == 12 && tile.rows == $rows && tile.beside == 3 {
                            compute::<$vector, $rows, $count, { reading::BY_THREES }>(tile)
                        } else if tile.a_step == 1 {
                            compute::<$vector, $rows, $count, { reading::NEXT }>(tile)
                        } else {
                            compute::<$vector, $rows, $count, { reading::APART }>(tile)
                        }
                    };
                })*
            })*
            unreachable!("no tile of {} rows and {} columns", tile.rows, tile.width);
        }
    };
}

#[cfg(target_arch = "x86_64")]
for_instructions!(
    avx512,
    "avx512f,avx512vl,avx2,fma",
    (48, crate::simd::F32x16, 3, [1, 2, 4, 8]),
    (32, crate::simd::F32x16, 2, [1, 2, 4, 8, 14]),
    (16, crate::simd::F32x16, 1, [1, 2, 4, 8, 12, 16, 24]),
    (8, crate::simd::F32x8, 1, [1, 4, 8, 12, 16, 24])
);

#[cfg(target_arch = "x86_64")]
for_instructions!(
    avx2,
    "avx2,fma",
    (16, crate::simd::F32x8, 2, [1, 2, 4, 6]),
    (8, crate::simd::F32x8, 1, [1, 4, 12])
);

#[cfg(target_arch = "aarch64")]
for_instructions!(
    neon,
    "neon",
    (16, crate::simd::F32x4, 4, [1, 2, 4, 6]),
    (8, crate::simd::F32x4, 2, [1, 4, 12])
);

for_instructions!(portable, , (16, crate::simd::Array, 2, [1, 2]), (8, crate::simd::Array, 1, [1, 2]));

impl Tile<'_> {
    /// Most rows of a tile of this width.
    pub(crate) fn most_rows(isa: Isa, width: usize) -> usize {
        match (isa, width) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, 48) => 8,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, 32) => 14,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, _) => 24,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, 16) => 6,
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx2, _) => 12,
            #[cfg(target_arch = "aarch64")]
            (Isa::Neon, 16) => 6,
            #[cfg(target_arch = "aarch64")]
            (Isa::Neon, _) => 12,
            (Isa::Portable, _) => 2,
        }
    }

    /// Most rows of a tile that is read and written again and again, and whose rows stand wherever they do:
    /// as many as there are registers for their places.
    pub(crate) fn most_rows_of_sums(isa: Isa, width: usize) -> usize {
        match (isa, width) {
            #[cfg(target_arch = "x86_64")]
            (Isa::Avx512, 8 | 16) => 12,
            _ => Self::most_rows(isa, width),
        }
    }

    /// Computes the tile.
    ///
    /// # Safety
    /// `isa` is one that this CPU has; `a`, `b`, `out` and `runs` are as [`compute`] wants them for `rows`
    /// rows.
    pub(crate) unsafe fn run(&mut self, isa: Isa) {
        // SAFETY: as promised by the caller.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => avx512(self),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => avx2(self),
                #[cfg(target_arch = "aarch64")]
                Isa::Neon => neon(self),
                Isa::Portable => portable(self),
            }
        }
    }
}
