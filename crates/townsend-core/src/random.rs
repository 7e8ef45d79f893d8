//! Named, counter-based random streams.
//!
//! Every random number of the project comes from `stream(seed, purpose, index)`, a function of its three
//! arguments and nothing else. So results do not depend on the number of threads, the size of a batch, or the
//! division of work into shards, and two purposes never share random numbers.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A random stream: `ChaCha` with 8 rounds (Bernstein 2008), whose key is (seed, purpose) and whose stream
/// number is the index. It passes `BigCrush` and `PractRand`, and any of its 2^64 streams starts at once.
pub type Stream = ChaCha8Rng;

/// The purpose of a stream. Make it a constant, so that a name that is too long does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purpose([u8; 24]);

impl Purpose {
    /// A purpose with this name, at most 24 bytes.
    ///
    /// # Panics
    /// If the name is longer.
    pub const fn new(name: &str) -> Self {
        assert!(name.len() <= 24, "a purpose has at most 24 bytes");
        let mut bytes = [0; 24];
        let mut i = 0;
        while i < name.len() {
            bytes[i] = name.as_bytes()[i];
            i += 1;
        }
        Self(bytes)
    }
}

/// The stream number `index` for this seed and purpose; `index` usually is the number of an avalanche.
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> Stream {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..].copy_from_slice(&purpose.0);
    let mut stream = Stream::from_seed(key);
    stream.set_stream(index);
    stream
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    const A: Purpose = Purpose::new("a");
    const B: Purpose = Purpose::new("b");

    #[test]
    fn a_stream_is_a_function_of_its_arguments() {
        let first = |seed, purpose, index| stream(seed, purpose, index).next_u64();
        assert_eq!(first(1, A, 7), first(1, A, 7));
        let all = [first(1, A, 7), first(2, A, 7), first(1, B, 7), first(1, A, 8)];
        for i in 0..4 {
            for j in 0..i {
                assert_ne!(all[i], all[j]);
            }
        }
    }

    /// The bytes are part of the contract: a file made with seed 1 can be made again by a later release.
    #[test]
    fn streams_do_not_change_between_releases() {
        assert_eq!(stream(1, A, 0).next_u64(), 8_574_393_040_380_526_342);
    }

    #[test]
    fn neighbouring_streams_are_not_correlated() {
        let uniform = |index| (stream(3, A, index).next_u64() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        let n = 20_000;
        let sum: f64 = (0..n).map(|i| uniform(i) * uniform(i + 1)).sum();
        // Each product has variance 1/144.
        assert!((sum / n as f64).abs() < 4.0 / 12.0 / (n as f64).sqrt());
    }
}
