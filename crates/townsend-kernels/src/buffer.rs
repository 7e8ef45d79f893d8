//! Memory that is used again.
//!
//! The maps of a batch are tens of megabytes. The allocator gives such a piece back to the system and asks for it anew every
//! time, and the system fills it with zeros page by page, which takes as long as a good part of the arithmetic.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Shorter ones are left to the allocator.
const LONG: usize = 1 << 18;
/// Unused pieces that are kept: those of a training step.
const KEPT: usize = 12;

static UNUSED: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Numbers for a while. What they are at first is left from an earlier use.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<f32>);

impl Buffer {
    pub(crate) fn new(length: usize) -> Self {
        if length < LONG {
            return Self(vec![0.0; length]);
        }
        let mut unused = UNUSED.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |buffer: &Vec<f32>| (length..=2 * length).contains(&buffer.capacity());
        let found = unused.iter().position(fits).map(|at| unused.swap_remove(at));
        drop(unused);
        let mut buffer = found.unwrap_or_default();
        buffer.resize(length, 0.0);
        Self(buffer)
    }

    /// The numbers, not to be used again by others.
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
        // The longest unused one goes.
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
