//! Recorded responses in the form that they are drawn from.

use std::ops::Range;

use crate::SimError;

/// Recorded responses of a structure: where electrons started above it, and the children of each below it,
/// none for some.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseTable {
    /// mm, from the origin of the lattice.
    starts: Vec<[f64; 2]>,
    /// Where the children of each response begin, and at last their number.
    offsets: Vec<usize>,
    /// Mean place of the children of each response relative to its start (mm), and mean time (ns).
    means: Vec<[f32; 3]>,
    /// Deviations of the children from that mean: x, z (mm), t (ns).
    deviations: [Vec<f32>; 3],
}

impl ResponseTable {
    /// The largest number of responses: each is seen through up to 12 symmetries, and these images are
    /// counted with 28 bits.
    pub const MOST: usize = 10_000_000;

    /// Takes the starts (x, z) in µm, with the origin of the lattice at (0, 0), and the children (x, z, t) in
    /// µm and ns after the start: those of start i are `offsets[i]..offsets[i + 1]`.
    ///
    /// # Errors
    /// If the offsets do not part the children, a number is not finite, or there are more than
    /// [`ResponseTable::MOST`].
    pub fn new(starts: &[[f64; 2]], offsets: &[usize], children: &[[f64; 3]]) -> Result<Self, SimError> {
        let parted = offsets.len() == starts.len() + 1
            && offsets.first() == Some(&0)
            && offsets.last() == Some(&children.len())
            && offsets.is_sorted();
        let finite = |value: &f64| value.is_finite();
        let finite = starts.as_flattened().iter().all(finite) && children.as_flattened().iter().all(finite);
        if !parted || !finite || starts.len() > Self::MOST {
            return Err(SimError::Recorded {
                what: format!(
                    "{} starts with {} offsets and {} children are no responses",
                    starts.len(),
                    offsets.len(),
                    children.len()
                ),
                remedy: format!(
                    "give for each of at most {} starts where its children begin, from 0, and at last the number of \
                     children, all as finite numbers",
                    Self::MOST
                ),
            });
        }
        let starts: Vec<[f64; 2]> = starts.iter().map(|start| start.map(|um| um / 1000.0)).collect();
        let mut means = Vec::with_capacity(starts.len());
        let mut deviations: [Vec<f32>; 3] = std::array::from_fn(|_| Vec::with_capacity(children.len()));
        for (start, range) in starts.iter().zip(offsets.windows(2)) {
            let own = &children[range[0]..range[1]];
            let mm =
                |child: &[f64; 3]| [child[0] / 1000.0 - start[0], child[1] / 1000.0 - start[1], child[2]];
            let mut mean = [0.0; 3];
            for child in own {
                let relative = mm(child);
                (0..3).for_each(|k| mean[k] += relative[k] / own.len() as f64);
            }
            means.push(mean.map(|value| value as f32));
            for child in own {
                let relative = mm(child);
                (0..3).for_each(|k| deviations[k].push((relative[k] - mean[k]) as f32));
            }
        }
        Ok(Self { starts, offsets: offsets.to_vec(), means, deviations })
    }

    /// Number of responses, those without children included.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Mean number of children and its variance over the responses; 0 without responses.
    pub fn number(&self) -> [f64; 2] {
        let n = self.len().max(1) as f64;
        let numbers = || self.offsets.windows(2).map(|range| (range[1] - range[0]) as f64);
        let mean = numbers().sum::<f64>() / n;
        [mean, numbers().map(|number| (number - mean).powi(2)).sum::<f64>() / n]
    }

    /// Number of responses with at least one child.
    pub fn families(&self) -> usize {
        self.offsets.windows(2).filter(|range| range[1] > range[0]).count()
    }

    pub(super) fn starts(&self) -> &[[f64; 2]] {
        &self.starts
    }

    /// Where the children of a response are among all, and their mean.
    #[inline]
    pub(super) fn family(&self, response: usize) -> (Range<usize>, [f32; 3]) {
        (self.offsets[response]..self.offsets[response + 1], self.means[response])
    }

    #[inline]
    pub(super) fn deviations(&self, range: Range<usize>) -> [&[f32]; 3] {
        let [x, z, t] = &self.deviations;
        [&x[range.clone()], &z[range.clone()], &t[range]]
    }
}
