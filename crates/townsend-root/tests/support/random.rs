//! Random numbers for damage that is the same each time.

/// How many damaged inputs are tried; `TOWNSEND_MUTATIONS` asks for more.
pub(crate) fn inputs(usual: usize) -> usize {
    let asked = std::env::var("TOWNSEND_MUTATIONS").ok().and_then(|number| number.parse().ok());
    asked.unwrap_or(usual)
}

/// The generator `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
