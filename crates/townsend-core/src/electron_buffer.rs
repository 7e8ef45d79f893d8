//! The electrons of one avalanche, in memory that is used again for the next.

use crate::Avalanche;

/// Electrons at one plane of a detector: three columns of the same length. A buffer that is cleared keeps its
/// memory, so a generator that fills the same buffer again and again soon allocates nothing.
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

    /// Adds the electrons of an avalanche, moved by x, z (mm) and t (ns).
    pub fn extend_moved(&mut self, electrons: Avalanche<'_>, by: [f64; 3]) {
        let from = [electrons.x, electrons.z, electrons.t];
        for ((column, values), by) in [&mut self.x, &mut self.z, &mut self.t].into_iter().zip(from).zip(by) {
            column.extend(values.iter().map(|&value| (f64::from(value) + by) as f32));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn electrons_are_moved_as_they_are_added() {
        let mut buffer = ElectronBuffer::default();
        buffer.push(1.0, 2.0, 3.0);
        let more = Avalanche { x: &[0.5, -0.5], z: &[0.25, 0.0], t: &[170.0, 171.0] };
        buffer.extend_moved(more, [100.0, -50.0, 1e3]);
        assert_eq!(buffer.x, [1.0, 100.5, 99.5]);
        assert_eq!(buffer.z, [2.0, -49.75, -50.0]);
        assert_eq!(buffer.t, [3.0, 1170.0, 1171.0]);
    }
}
