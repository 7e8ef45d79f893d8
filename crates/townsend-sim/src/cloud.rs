//! The electrons of one avalanche at one plane of the detector.

/// Electrons at a plane: three columns of the same length. Positions are in mm, relative to the centre of a hole of
/// the foil above; times in ns since the primary electron started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cloud {
    /// Transverse, along the direction of the Lorentz drift, mm.
    pub x: Vec<f32>,
    /// Transverse, along the magnetic field, mm.
    pub z: Vec<f32>,
    /// Time, ns.
    pub t: Vec<f32>,
}

impl Cloud {
    /// Number of electrons.
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Adds an electron.
    pub fn push(&mut self, x: f32, z: f32, t: f32) {
        self.x.push(x);
        self.z.push(z);
        self.t.push(t);
    }

    /// Forgets all electrons and keeps the memory.
    pub fn clear(&mut self) {
        self.resize(0);
    }

    /// Makes room for `len` electrons; new ones are at 0.
    pub fn resize(&mut self, len: usize) {
        for column in [&mut self.x, &mut self.z, &mut self.t] {
            column.resize(len, 0.0);
        }
    }
}
