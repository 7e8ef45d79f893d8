//! Drift through a gap.

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use townsend_core::{ElectronBuffer, Stream, fill_normal};

use crate::{Stage, StageWorkspace, Transport};

/// The direction in the plane of the foils in which a magnetic field shifts electrons, that of E × B, as a
/// unit vector (x, z); by default x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Direction {
    pub(crate) x: f64,
    pub(crate) z: f64,
}

impl Default for Direction {
    fn default() -> Self {
        Self { x: 1.0, z: 0.0 }
    }
}

impl Direction {
    /// The direction at this angle from x towards z, degrees.
    pub fn from_degrees(angle: f64) -> Self {
        let (z, x) = angle.to_radians().sin_cos();
        // At multiples of 90° the rounding of π leaves 10⁻¹⁶ where there should be nothing.
        let [x, z] = [x, z].map(|part| if part.abs() < 1e-12 { 0.0 } else { part });
        Self { x, z }
    }

    /// The unit vector (x, z).
    pub fn vector(self) -> [f64; 2] {
        [self.x, self.z]
    }

    /// The part of a vector (x, z) along this direction, and that along B, which is this direction turned
    /// from x towards z by a right angle.
    pub fn along_and_across(self, [x, z]: [f64; 2]) -> [f64; 2] {
        [self.x * x + self.z * z, self.x * z - self.z * x]
    }

    /// Displacement along x and z by each of three standard normal numbers, mm: the first spreads electrons
    /// by `across` along this direction, the second by `along` along B, and the third, which is that of the
    /// time, sweeps them by `sweep` along this direction.
    pub(crate) fn displacements(self, [across, along]: [f64; 2], sweep: f64) -> [[f32; 3]; 2] {
        let Self { x, z } = self;
        [[across * x, -along * z, sweep * x], [across * z, along * x, sweep * z]]
            .map(|of_axis| of_axis.map(|value| value as f32))
    }
}

/// Mean and spread of the displacement of an electron that drifts over some length of a gap; the default is a
/// length of 0.
///
/// For a length L along E, drift velocity v, Lorentz angle α and diffusion σ per root length, the mean time
/// is L/v, the mean shift along E × B is L·tan α, the transverse spread `σ_T√L` across and along B, and the
/// spread of the time `σ_L√L/v`. An electron that arrives late has been swept along E × B for longer: its
/// shift grows by v·tan α times its delay. If at a given time the displacements δ along the drift and along E
/// × B have the correlation ρ, those that are late by δt = −δ/v are shifted by `−ρσ_T/σ_L·v·δt` as well, and
/// what is left of the spread is `σ_T√(1 − ρ²)√L`. With an attachment coefficient η the part exp(−ηL)
/// survives.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// The part of the electrons that is not attached.
    pub survival: f64,
    /// That of E × B.
    pub direction: Direction,
}

impl Default for Drift {
    fn default() -> Self {
        Self {
            time_ns: 0.0,
            shift_mm: 0.0,
            sigma_t_ns: 0.0,
            sigma_mm: [0.0; 2],
            sweep_mm_ns: 0.0,
            survival: 1.0,
            direction: Direction::default(),
        }
    }
}

impl Drift {
    /// Drift over the length `length_mm` along the electric field, mm, which must not be negative.
    /// Multiplication in the gap is left out.
    pub fn over(length_mm: f64, transport: &Transport, direction: Direction) -> Self {
        // Diffusion is given in µm for 1 cm.
        let root_cm = (length_mm / 10.0).sqrt();
        let velocity_mm_ns = transport.velocity_um_ns / 1000.0;
        let tangent = transport.lorentz_tangent();
        let Transport { longitudinal, transverse: [across, along], correlation, .. } = *transport;
        let mixed = if longitudinal > 0.0 { correlation * across / longitudinal } else { 0.0 };
        let across = across * (1.0 - correlation * correlation).sqrt();
        Self {
            time_ns: length_mm / velocity_mm_ns,
            shift_mm: length_mm * tangent,
            sigma_t_ns: longitudinal / 1000.0 * root_cm / velocity_mm_ns,
            sigma_mm: [across, along].map(|sigma| sigma / 1000.0 * root_cm),
            sweep_mm_ns: velocity_mm_ns * (tangent - mixed),
            survival: (-transport.attachment_per_mm * length_mm).exp(),
            direction,
        }
    }
}

/// A length of gap in which electrons may be attached and may free others, one by one.
///
/// The distance to an electron's next attachment or ionisation is exponential, with the mean 1/(α + η). Both
/// electrons of an ionisation start where it happens.
#[derive(Debug, Clone)]
pub(crate) struct Multiplication {
    transport: Transport,
    direction: Direction,
}

impl Multiplication {
    pub(crate) fn new(transport: Transport, direction: Direction) -> Self {
        Self { transport, direction }
    }

    /// Mean number of electrons that one becomes over a length.
    pub(crate) fn mean(&self, length_mm: f64) -> f64 {
        ((self.transport.townsend_per_mm - self.transport.attachment_per_mm) * length_mm).exp()
    }

    /// Adds what becomes of an electron at (x, z, t), mm and ns, over this length.
    pub(crate) fn cross(
        &self,
        [mut x, mut z, mut t]: [f32; 3],
        mut length_mm: f64,
        electrons: &mut ElectronBuffer,
        random: &mut Stream,
    ) {
        let Transport { townsend_per_mm, attachment_per_mm, .. } = self.transport;
        let rate = townsend_per_mm + attachment_per_mm;
        loop {
            let next: f64 = Exp1.sample(random);
            let step = if rate > 0.0 { (next / rate).min(length_mm) } else { length_mm };
            let survives = Transport { attachment_per_mm: 0.0, ..self.transport };
            [x, z, t] = displaced([x, z, t], &Drift::over(step, &survives, self.direction), random);
            length_mm -= step;
            if length_mm <= 0.0 {
                electrons.push(x, z, t);
                return;
            }
            if random.random::<f64>() * rate < attachment_per_mm {
                return;
            }
            self.cross([x, z, t], length_mm, electrons, random);
        }
    }
}

/// An electron at (x, z, t), mm and ns, after a drift.
pub fn displaced([x, z, t]: [f32; 3], drift: &Drift, random: &mut Stream) -> [f32; 3] {
    let mut normal = [0.0; 3];
    fill_normal(random, &mut normal);
    let late = drift.sigma_t_ns as f32 * normal[2];
    let [shift, spread, swept] =
        [drift.shift_mm as f32, drift.sigma_mm[0] as f32 * normal[0], drift.sweep_mm_ns as f32 * late];
    let across = drift.sigma_mm[1] as f32 * normal[1];
    let (cosine, sine) = (drift.direction.x as f32, drift.direction.z as f32);
    [
        x + cosine * shift + cosine * spread + cosine * swept - sine * across,
        z + cosine * across + sine * (shift + spread + swept),
        t + (drift.time_ns as f32 + late),
    ]
}

/// A gap with multiplication, as a stage of its own.
#[derive(Debug, Clone)]
pub(crate) struct MultiplyingGap {
    pub(crate) multiplication: Multiplication,
    pub(crate) length_mm: f64,
}

impl Stage for MultiplyingGap {
    fn respond(
        &self,
        parents: &ElectronBuffer,
        children: &mut ElectronBuffer,
        _: &mut StageWorkspace,
        random: &mut Stream,
    ) {
        for i in 0..parents.len() {
            let parent = [parents.x[i], parents.z[i], parents.t[i]];
            self.multiplication.cross(parent, self.length_mm, children, random);
        }
    }
}
