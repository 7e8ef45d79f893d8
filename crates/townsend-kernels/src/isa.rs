//! The instruction sets of CPUs, and which of them this CPU has.

/// An instruction set that there are kernels for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512: 32 registers of 16 numbers.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 and FMA: 16 registers of 8 numbers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// NEON: 32 registers of 4 numbers.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// The instructions that every CPU of the target has.
    Portable,
}

impl Isa {
    /// Columns of a tile, where columns are cells of a row of so many cells.
    pub(crate) fn cells(self, cells: usize) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if cells.div_ceil(48) * 48 <= cells.next_multiple_of(16) + 16 => 48,
            _ => 16,
        }
    }

    /// All instruction sets of this CPU, the fastest first.
    pub fn available() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2 && is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                all.push(Self::Avx512);
            }
            if avx2 {
                all.push(Self::Avx2);
            }
        }
        // Every aarch64 has NEON.
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        all.push(Self::Neon);
        all.push(Self::Portable);
        all
    }

    /// The fastest instruction set of this CPU.
    pub fn best() -> Self {
        static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// Columns of a tile, where there are so many columns in all, a multiple of 16.
    pub(crate) fn width(self, columns: usize) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if columns.is_multiple_of(32) => 32,
            _ => 16,
        }
    }
}

/// Defines functions that are compiled once for each instruction set; a call goes to the fastest that this
/// CPU has. All of them give the same bits.
macro_rules! for_vectors {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => {
        $($(#[$doc])* fn $name($($argument: $kind),*) {
            #[inline(always)]
            fn plain($($argument: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
            fn with_avx512($($argument: $kind),*) {
                plain($($argument),*);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn with_avx2($($argument: $kind),*) {
                plain($($argument),*);
            }

            match $crate::Isa::best() {
                // SAFETY: `Isa::best` is what this CPU has.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx512 => unsafe { with_avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::Isa::Avx2 => unsafe { with_avx2($($argument),*) },
                _ => plain($($argument),*),
            }
        })*
    };
}

pub(crate) use for_vectors;
