//! The electrons of one avalanche, in memory that is reused for the next.

use crate::Avalanche;

/// Electrons at one plane of a detector: three columns of the same length. A cleared buffer keeps its memory,
/// so that a generator which fills the same buffer again and again soon allocates nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ElectronBuffer {
    /// Transverse position, along the direction of the Lorentz drift, mm.
    pub x: Vec<f32>,
    /// Transverse position, along the magnetic field, mm.
    pub z: Vec<f32>,
    /// Time, ns.
    pub t: Vec<f32>,
}

impl ElectronBuffer {
    /// Number of electrons.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// True if there is no electron.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Adds an electron.
    pub fn push(&mut self, x: f32, z: f32, t: f32) {
        self.x.push(x);
        self.z.push(z);
        self.t.push(t);
    }

    /// Removes all electrons and keeps the memory.
    pub fn clear(&mut self) {
        self.resize(0);
    }

    /// Sets the number of electrons; new ones are at 0.
    pub fn resize(&mut self, len: usize) {
        for column in [&mut self.x, &mut self.z, &mut self.t] {
            column.resize(len, 0.0);
        }
    }

    /// The electrons as slices.
    pub fn as_avalanche(&self) -> Avalanche<'_> {
        Avalanche { x: &self.x, z: &self.z, t: &self.t }
    }
}
