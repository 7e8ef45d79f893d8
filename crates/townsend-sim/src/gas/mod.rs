//! Transport of electrons in the gas.

mod garfield;
mod table;

pub use table::GasTable;
pub(crate) use table::{State, WrittenTable, is_zero};

/// Transport coefficients of electrons for one pair of fields (E, B), with B perpendicular to E.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transport {
    /// Drift velocity along the electric field, µm/ns.
    pub velocity_um_ns: f64,
    /// Drift velocity along E × B, µm/ns.
    pub perpendicular_um_ns: f64,
    /// Diffusion along the electric field, µm after a drift of 1 cm; it grows with the square root of the
    /// length.
    pub longitudinal: f64,
    /// Diffusion transverse to the electric field, across B and along B, µm after a drift of 1 cm.
    pub transverse: [f64; 2],
    /// Correlation of the displacements along the drift and along E × B at a given time: the mixed term of
    /// the diffusion tensor. It is negative where electrons that are ahead have been shifted less.
    pub correlation: f64,
    /// Electrons lost by attachment, a mm of drift along E.
    pub attachment_per_mm: f64,
    /// Electrons freed by ionisation, a mm of drift along E (the Townsend coefficient).
    pub townsend_per_mm: f64,
}

impl Transport {
    /// Tangent of the Lorentz angle.
    pub fn lorentz_tangent(&self) -> f64 {
        self.perpendicular_um_ns / self.velocity_um_ns
    }
}
