//! Blocks of avalanches that are drawn by all threads and returned in order.

use std::ops::Range;

use rayon::prelude::*;

use crate::{ElectronBuffer, ElectronSet};

/// The avalanches with the numbers of `range`, in order and in blocks of `block_size`. `blocks_together`
/// blocks are drawn in parallel before the first of them is returned, so memory does not grow with the range.
///
/// `avalanche` draws the avalanche of one number into the workspace of its thread. If it is a function of the
/// number alone, the result depends neither on the number of threads nor on the size of a block.
///
/// ```
/// use townsend_core::{ElectronBuffer, electron_blocks};
///
/// fn draw(buffer: &mut ElectronBuffer, index: u64) -> &ElectronBuffer {
///     buffer.clear();
///     (0..index).for_each(|k| buffer.push(k as f32, 0.0, 1.0));
///     buffer
/// }
/// let sizes: Vec<usize> = electron_blocks(3..8, 2, 4, draw).map(|block| block.len()).collect();
/// assert_eq!(sizes, [2, 2, 1]);
/// ```
///
/// # Panics
/// If a size is 0, which is a mistake in the calling code.
pub fn electron_blocks<W, F>(
    range: Range<u64>,
    block_size: u64,
    blocks_together: u64,
    avalanche: F,
) -> impl Iterator<Item = ElectronSet>
where
    W: Default,
    F: for<'w> Fn(&'w mut W, u64) -> &'w ElectronBuffer + Sync,
{
    assert!(block_size > 0 && blocks_together > 0, "a block holds an avalanche or more");
    let Range { start, end } = range;
    let together = block_size.saturating_mul(blocks_together);
    let starts = std::iter::successors(Some(start), move |first| first.checked_add(together));
    starts.take_while(move |&first| first < end).flat_map(move |first| {
        let last = end.min(first.saturating_add(together));
        let block = |workspace: &mut W, first: u64| {
            let mut set = ElectronSet::default();
            for index in first..last.min(first.saturating_add(block_size)) {
                let electrons = avalanche(workspace, index);
                set.push(&electrons.x, &electrons.z, &electrons.t);
            }
            set
        };
        let firsts: Vec<u64> = (first..last).step_by(block_size as usize).collect();
        firsts.into_par_iter().map_init(W::default, block).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(buffer: &mut ElectronBuffer, index: u64) -> &ElectronBuffer {
        buffer.clear();
        (0..index % 5).for_each(|_| buffer.push(index as f32, 0.0, 0.0));
        buffer
    }

    #[test]
    fn blocks_are_the_range_in_order() {
        for (range, size, together) in [(0..100, 7, 3), (5..6, 32, 16), (9..9, 1, 1), (3..40, 1, 16)] {
            let blocks: Vec<ElectronSet> = electron_blocks(range.clone(), size, together, numbered).collect();
            assert!(blocks.iter().rev().skip(1).all(|block| block.len() as u64 == size || together > 1));
            let avalanches: Vec<Vec<f32>> =
                blocks.iter().flat_map(|set| set.iter().map(|a| a.x.to_vec()).collect::<Vec<_>>()).collect();
            let expected: Vec<Vec<f32>> =
                range.map(|index| vec![index as f32; (index % 5) as usize]).collect();
            assert_eq!(avalanches, expected);
        }
    }

    #[test]
    fn the_largest_numbers_are_no_overflow() {
        let all: usize = electron_blocks(u64::MAX - 3..u64::MAX, 2, 2, numbered).map(|set| set.len()).sum();
        assert_eq!(all, 3);
    }
}
