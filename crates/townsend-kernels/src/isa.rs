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
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "one width is all there is"))]
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

    /// The fastest instruction set of this CPU, or the one that was [chosen](Self::choose).
    pub fn best() -> Self {
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// Lets [`Isa::best`] be this one from now on, so that several machines give the same bits.
    ///
    /// # Errors
    /// This CPU does not have it, or work with another one has begun.
    pub fn choose(self) -> Result<(), String> {
        if !Self::available().contains(&self) {
            return Err(format!("this CPU does not have `{self}`"));
        }
        match *BEST.get_or_init(|| self) {
            best if best == self => Ok(()),
            best => Err(format!("work with `{best}` has begun, so `{self}` cannot be chosen any more")),
        }
    }

    /// Columns of a tile, where there are so many columns in all, a multiple of 16.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "one width is all there is"))]
    pub(crate) fn width(self, columns: usize) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if columns.is_multiple_of(32) => 32,
            _ => 16,
        }
    }
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon => "neon",
            Self::Portable => "portable",
        })
    }
}

impl std::str::FromStr for Isa {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let available = Self::available();
        let known = available.iter().find(|isa| isa.to_string() == name);
        known.copied().ok_or_else(|| {
            let known: Vec<String> = available.iter().map(Self::to_string).collect();
            format!("this CPU has no instruction set `{name}`; it has {}", known.join(", "))
        })
    }
}

/// What [`Isa::best`] is.
static BEST: std::sync::OnceLock<Isa> = std::sync::OnceLock::new();

/// Defines functions that are compiled once for each instruction set, and take one that this CPU has as their
/// first argument. All of them give the same bits.
macro_rules! for_vectors {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => {
        $($(#[$doc])* fn $name(isa: $crate::Isa, $($argument: $kind),*) {
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

            match isa {
                // SAFETY: the caller has it of `Isa::best` or `Isa::available`, so this CPU has it.
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

/// Work whose loops become vector instructions: see [`vectorised`].
pub trait Vectorised {
    /// Does the work. It must be `#[inline(always)]`, and so must be what its loops call; what is not is
    /// compiled for every CPU of the target, and as right.
    fn work(self);
}

/// Does some work by the fastest instructions that this CPU has: it is compiled once for each set of them.
/// Sums and products are rounded one by one whatever they are, so that all of them give the same bits.
///
/// ```
/// use townsend_kernels::{Vectorised, vectorised};
///
/// struct Square<'a>(&'a mut [f32]);
///
/// impl Vectorised for Square<'_> {
///     #[inline(always)]
///     fn work(self) {
///         self.0.iter_mut().for_each(|x| *x *= *x);
///     }
/// }
///
/// let mut numbers = [1.0, 2.0, 3.0];
/// vectorised(Square(&mut numbers));
/// assert_eq!(numbers, [1.0, 4.0, 9.0]);
/// ```
pub fn vectorised(work: impl Vectorised) {
    vectorised_with(Isa::best(), work);
}

pub(crate) fn vectorised_with(isa: Isa, work: impl Vectorised) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
    fn with_avx512(work: impl Vectorised) {
        work.work();
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn with_avx2(work: impl Vectorised) {
        work.work();
    }

    match isa {
        // SAFETY: the caller has it of `Isa::best` or `Isa::available`, so this CPU has it.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { with_avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { with_avx2(work) },
        _ => work.work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_set_is_chosen_by_its_name_and_once() {
        for isa in Isa::available() {
            assert_eq!(isa.to_string().parse(), Ok(isa));
        }
        assert!("mmx".parse::<Isa>().unwrap_err().contains("it has"), "the known ones are listed");
        let best = Isa::best();
        assert_eq!(best.choose(), Ok(()));
        for other in Isa::available().into_iter().filter(|&isa| isa != best) {
            assert!(other.choose().unwrap_err().contains("has begun"));
        }
    }
}
