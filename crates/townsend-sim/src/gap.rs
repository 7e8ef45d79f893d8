//! Drift through a gap.

use crate::Transport;

/// Mean and spread of the displacement of an electron that drifts over some length of a gap; the default is a
/// length of 0.
///
/// For a length L along E, drift velocity v, Lorentz angle α and diffusion σ per root length, the mean time
/// is L/v, the mean shift along E × B is L·tan α, the transverse spread `σ_T√L` across and along B, and the
/// spread of the time `σ_L√L/v`. An electron that arrives late has been swept along E × B for longer: its
/// shift grows by v·tan α times its delay.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Drift {
    /// Mean time, ns.
    pub time_ns: f64,
    /// Mean shift along E × B, mm.
    pub shift_mm: f64,
    /// Spread of the arrival time, ns.
    pub sigma_t_ns: f64,
    /// Spread of x (across B) and z (along B), mm, for electrons that arrive at the same time.
    pub sigma_mm: [f64; 2],
    /// Additional shift along E × B for each ns by which an electron arrives late, mm/ns.
    pub sweep_mm_ns: f64,
}

impl Drift {
    /// Drift over the length `length_mm` along the electric field, mm, which must not be negative.
    pub fn over(length_mm: f64, transport: &Transport) -> Self {
        // Diffusion is given in µm for 1 cm.
        let root_cm = (length_mm / 10.0).sqrt();
        let velocity_mm_ns = transport.velocity_um_ns / 1000.0;
        let tangent = transport.lorentz_tangent();
        Self {
            time_ns: length_mm / velocity_mm_ns,
            shift_mm: length_mm * tangent,
            sigma_t_ns: transport.longitudinal / 1000.0 * root_cm / velocity_mm_ns,
            sigma_mm: transport.transverse.map(|sigma| sigma / 1000.0 * root_cm),
            sweep_mm_ns: velocity_mm_ns * tangent,
        }
    }
}
