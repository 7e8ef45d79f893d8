//! Currents through amplifiers.

use townsend_kernels::Vectorised;

use crate::cells::{TOGETHER, add_convolved};
use crate::chips::Response;

/// The convolution of a current with a response.
pub(crate) struct Shaping<'a> {
    pub(crate) current: &'a [f32],
    pub(crate) response: &'a [f32],
    pub(crate) output: &'a mut [f32],
}

impl Vectorised for Shaping<'_> {
    #[inline(always)]
    fn work(self) {
        for (chunk, output) in self.output.chunks_exact_mut(TOGETHER).enumerate() {
            // What came since the beginning, or for as long as the response lasts.
            let end = (TOGETHER * (chunk + 1)).min(self.current.len());
            let first = (TOGETHER * (chunk + 2)).saturating_sub(self.response.len());
            let from = TOGETHER * (chunk + 1) - first;
            add_convolved([output], [&self.current[first.min(end)..end]], self.response, from);
        }
    }
}

/// The response of the charge branch over its peak, for charges in the middles of time bins and times between
/// them.
#[derive(Debug, Clone)]
pub(crate) struct ChargeTable {
    bin_ns: f64,
    /// Values at each part of a bin, then a bin apart, backwards: the latest first.
    values: Vec<Vec<f32>>,
}

impl ChargeTable {
    /// Parts of a bin, between which straight lines are drawn: 2·10⁻⁵ of the peak beside the response.
    const PARTS: usize = 16;

    pub(crate) fn new(response: Response, bin_ns: f64) -> Self {
        let peak = response.peak()[0];
        let bins = (response.length_ns() / bin_ns).ceil() as usize;
        let value = |part: usize, bin: usize| {
            let time = (bin as f64 + part as f64 / Self::PARTS as f64) * bin_ns;
            (response.at(time) / peak) as f32
        };
        let of_part = |part| (0..bins).rev().map(|bin| value(part, bin)).collect();
        Self { bin_ns, values: (0..=Self::PARTS).map(of_part).collect() }
    }

    /// The output at a time after the beginning of the current.
    pub(crate) fn at(&self, current: &[f32], t_ns: f64) -> f64 {
        // Bins since a charge in the middle of the first one.
        let since = t_ns / self.bin_ns - 0.5;
        if since < 0.0 {
            return 0.0;
        }
        let (latest, part) = (since as usize, since.fract() * Self::PARTS as f64);
        let sum = |values: &Vec<f32>| {
            // The charge of bin k has waited `latest − k` bins.
            let first = (latest + 1).saturating_sub(values.len());
            let current = current.get(first..).unwrap_or_default();
            let values = &values[values.len() - 1 - (latest - first)..];
            dot(current, values)
        };
        let (low, rest) = (part as usize, part.fract());
        (1.0 - rest) * sum(&self.values[low]) + rest * sum(&self.values[low + 1])
    }
}

/// The sum of products, as far as both go, of sixteen sums side by side.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f32; 16];
    let n = a.len().min(b.len());
    let (a, b) = (a[..n].as_chunks::<16>(), b[..n].as_chunks::<16>());
    for (a, b) in a.0.iter().zip(b.0) {
        (0..16).for_each(|k| sums[k] += a[k] * b[k]);
    }
    let rest: f32 = a.1.iter().zip(b.1).map(|(a, b)| a * b).sum();
    f64::from(sums.iter().sum::<f32>() + rest)
}
