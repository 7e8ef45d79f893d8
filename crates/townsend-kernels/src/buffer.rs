//! Memory for the maps of a batch that is kept and used again.
//!
//! The maps of a batch are tens of megabytes. The allocator gives such a piece back to the system and asks
//! for it anew every time, and the system fills it with zeros page by page, which takes as long as a good
//! part of the arithmetic.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers of fewer numbers than this (1 MB) are left to the allocator: they have few pages.
const LONG: usize = 1 << 18;
/// Unused buffers that are kept: about as many as a training step has at a time.
const KEPT: usize = 20;

static UNUSED: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Numbers, whose memory is kept for others when they are dropped.
#[derive(Debug, Default, PartialEq)]
pub struct Buffer(Vec<f32>);

impl Buffer {
    /// A buffer whose numbers are left from an earlier use, or 0.
    pub(crate) fn new(length: usize) -> Self {
        if length < LONG {
            return Self(vec![0.0; length]);
        }
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that is long enough, and not so long that maps of another layer would miss it.
        let fits =
            |(_, buffer): &(usize, &Vec<f32>)| (length..=length + length / 4).contains(&buffer.capacity());
        let found = unused.iter().enumerate().filter(fits).min_by_key(|(_, buffer)| buffer.capacity());
        let at = found.map(|(at, _)| at);
        let found = at.map(|at| unused.remove(at));
        drop(unused);
        // New memory is 0 as the system gives it, page by page to the thread that writes there first.
        let Some(mut buffer) = found else { return Self(vec![0.0; length]) };
        buffer.resize(length, 0.0);
        Self(buffer)
    }

    /// The numbers as a vector, whose memory is not kept for other buffers.
    pub(crate) fn into_vec(mut self) -> Vec<f32> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.0.capacity() < LONG {
            return;
        }
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        unused.push(std::mem::take(&mut self.0));
        // Of too many, the one that has been unused for the longest time is given back.
        let surplus = (unused.len() > KEPT).then(|| unused.remove(0));
        drop(unused);
        drop(surplus);
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(numbers: Vec<f32>) -> Self {
        Self(numbers)
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}
