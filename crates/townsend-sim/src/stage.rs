//! A stage of an avalanche: what happens to an electron between the plane above a foil and the plane above
//! the next foil.

use rand::RngExt;
use rand_distr::{Distribution, Exp1};
use townsend_core::{ElectronBuffer, Stream, fill_normal};

use crate::holes::HoleChoice;
use crate::{Detector, Drift, Foil, Late, Lattice, Polya, SimError};

/// One stage of an avalanche: every electron above it becomes a number of electrons below it.
pub trait Stage: Send + Sync {
    /// Appends the children of all `parents` to `children`, parent by parent, in mm and ns. Nothing that the
    /// workspace held before has an influence.
    fn respond(
        &self,
        parents: &ElectronBuffer,
        children: &mut ElectronBuffer,
        workspace: &mut StageWorkspace,
        random: &mut Stream,
    );
}

/// Memory that a stage needs besides the electrons, reused by the next stage.
#[derive(Debug, Default)]
pub struct StageWorkspace {
    families: Vec<Family>,
    /// Three standard normal numbers for each family.
    common: Vec<f32>,
}

/// A foil and the gap below it.
///
/// An electron at distance r from the axis of the nearest hole, of a lattice with pitch p,
///
/// 1. is collected and multiplied with probability c, where ln(c/(1 − c)) grows by `collection_slope`·(r/p)²;
/// 2. becomes N electrons that leave the foil below, N Polya distributed (see [`Polya`]) with mean
///    gain·extraction;
/// 3. chooses a hole (see [`Foil::hole_spread_um`]); d is the vector to the electron from that hole's axis;
/// 4. its children have a common place `m = axis + offset_retention·d + normal(common_spread)` and a common
///    time `T = transit + transit_slope·(|d|/p)² + normal(common_time_spread)`;
/// 5. each child leaves at `m + normal(exit_spread)`, `T + normal(own_time_spread)`, and drifts through the
///    gap ([`Drift`]), where it may be attached.
///
/// In a magnetic field ([`crate::Magnetic`]), with the unit vector u along E × B, steps 1 and 3 are those of
/// an electron at q + `entry_shift`·u, m grows by `exit_shift`·u and T by `transit_tilt`·(d·u)/p; the
/// displacements of step 5 along and across u have spreads of their own, and the first is correlated with the
/// time.
///
/// A part of the families, and a part of the children by themselves, is late in addition ([`Late`]).
///
/// The displacements of step 5 are sums of normal numbers, so that one normal number per coordinate serves
/// for exit and drift together. Attachment keeps each child by itself, and what is kept of a Polya
/// distributed number is Polya distributed, so that it only scales the mean of step 2.
#[derive(Debug, Clone)]
pub struct FoilStage {
    lattice: Lattice,
    holes: HoleChoice,
    /// ln(c/(1 − c)) on the axis, and its change with r² in mm².
    collection: [f64; 2],
    number: Polya,
    /// Shift before the hole, mm.
    entry: [f32; 2],
    offset_retention: f32,
    common_mm: f32,
    common_time_ns: f32,
    /// Increase of the time with r² in mm², ns/mm², and with the distance from the axis along x and z, ns/mm.
    time_slope: f32,
    time_tilt: [f32; 2],
    mean: [f32; 3],
    /// Displacement along x and z by each of three normal numbers, the third of which is that of the time,
    /// mm.
    along_x: [f32; 3],
    along_z: [f32; 3],
    sigma_t: f32,
    late: Late,
}

/// How the children of one electron spread about their common place and time, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FamilySpread {
    /// Mean and θ of their Polya distributed number.
    pub number: [f64; 2],
    /// Displacement along x and z by each of three standard normal numbers, the third of which is that of the
    /// time, mm.
    pub along: [[f32; 3]; 2],
    /// Spread of their times, ns.
    pub sigma_t_ns: f32,
    /// Children that are late by themselves are a part of this size, by an exponential delay of this mean,
    /// ns.
    pub late: [f64; 2],
}

impl FoilStage {
    /// The stage of foil number `k` of a detector, counted from 0 at the top; none if electrons multiply in
    /// the gap below it, which takes a stage of its own.
    ///
    /// # Errors
    /// If the field of the gap is outside the gas table.
    pub fn of(detector: &Detector, k: usize) -> Result<Option<Self>, SimError> {
        let foil = &detector.foils[k];
        let transport = detector.transport(foil.field_kv_cm)?;
        let length_mm = foil.gap_mm - foil.included_mm;
        if transport.townsend_per_mm > 0.0 && length_mm > 0.0 {
            return Ok(None);
        }
        let mut drift = Drift::over(length_mm, &transport, detector.gas.direction());
        // A foil whose parameters know nothing of a magnetic field is symmetric, so the shift by the field
        // within its region is added in the gap.
        let within_mm = if foil.magnetic.is_none() { foil.included_mm } else { 0.0 };
        drift.shift_mm = (length_mm + within_mm) * transport.lorentz_tangent();
        let lattice = Lattice::new((detector.lattice.pitch_um / 1000.0) as f32);
        Ok(Some(Self::new(lattice, foil, &drift)))
    }

    /// How the children of each electron spread.
    pub fn spread(&self) -> FamilySpread {
        FamilySpread {
            number: [self.number.mean(), self.number.theta()],
            along: [self.along_x, self.along_z],
            sigma_t_ns: self.sigma_t,
            late: [self.late.own_fraction, self.late.own_delay_ns],
        }
    }

    /// Appends the common place and time of the children of every parent that is collected, as if each were
    /// an electron, mm and ns. How many children there are and how each deviates ([`FoilStage::spread`]) is
    /// left to be drawn, independently of each other and of the place.
    pub fn places(
        &self,
        parents: &ElectronBuffer,
        places: &mut ElectronBuffer,
        workspace: &mut StageWorkspace,
        random: &mut Stream,
    ) {
        let first = places.len();
        for i in 0..parents.len() {
            let parent = [parents.x[i], parents.z[i], parents.t[i]];
            if let Some(at) = self.collected(parent, random) {
                let [x, z, t] = self.place(at, parent[2], random);
                places.push(x, z, t);
            }
        }
        let n = places.len() - first;
        workspace.common.resize(3 * n, 0.0);
        fill_normal(random, &mut workspace.common);
        for (k, normal) in workspace.common.as_chunks::<3>().0.iter().enumerate() {
            places.x[first + k] += self.common_mm * normal[0];
            places.z[first + k] += self.common_mm * normal[1];
            places.t[first + k] += self.common_time_ns * normal[2];
        }
        let Late { fraction, delay_ns, .. } = self.late;
        each_of_a_part(fraction, n, random, |k, random| places.t[first + k] += delay(delay_ns, random));
    }

    /// The stage of a foil with holes on `lattice`, and of the `drift` through the gap below it.
    pub fn new(lattice: Lattice, foil: &Foil, drift: &Drift) -> Self {
        let mm = |um: f64| um / 1000.0;
        let pitch = f64::from(lattice.pitch_mm());
        let pitch_squared = pitch.powi(2);
        let field = foil.magnetic.unwrap_or_default();
        let exit = [1.0, -1.0].map(|sign| mm(foil.exit_spread_um) * (sign * field.exit_anisotropy).exp());
        // Given the sum of a child's delays in the hole and in the gap, the delay in the gap is a share of
        // the sum plus an independent normal rest, and the delay in the hole is what then remains of the sum.
        // Each moves the child along E × B in a proportion of its own.
        let sigma_t = foil.own_time_spread_ns.hypot(drift.sigma_t_ns);
        let share = if sigma_t > 0.0 { (drift.sigma_t_ns / sigma_t).powi(2) } else { 0.0 };
        let in_hole = if foil.own_time_spread_ns > 0.0 {
            field.exit_correlation * exit[0] / foil.own_time_spread_ns
        } else {
            0.0
        };
        let rest = (drift.sweep_mm_ns - in_hole) * drift.sigma_t_ns * (1.0 - share).sqrt();
        let free = exit[0] * (1.0 - field.exit_correlation.powi(2)).sqrt();
        let [across, along] = [drift.sigma_mm[0].hypot(free).hypot(rest), drift.sigma_mm[1].hypot(exit[1])];
        let sweep = (drift.sweep_mm_ns * share + in_hole * (1.0 - share)) * sigma_t;
        let (cosine, sine) = (drift.direction.x, drift.direction.z);
        let shift = drift.shift_mm + mm(field.exit_shift_um);
        let narrow = |values: [f64; 3]| values.map(|value| value as f32);
        Self {
            lattice,
            holes: HoleChoice::new(lattice, mm(foil.hole_spread_um)),
            collection: [
                (foil.collection / (1.0 - foil.collection)).ln(),
                foil.collection_slope / pitch_squared,
            ],
            number: Polya::new(foil.gain * foil.extraction * drift.survival, foil.theta),
            entry: [cosine, sine].map(|part| (mm(field.entry_shift_um) * part) as f32),
            offset_retention: foil.offset_retention as f32,
            common_mm: mm(foil.common_spread_um) as f32,
            common_time_ns: foil.common_time_spread_ns as f32,
            time_slope: (foil.transit_slope_ns / pitch_squared) as f32,
            time_tilt: [cosine, sine].map(|part| (field.transit_tilt_ns / pitch * part) as f32),
            mean: narrow([shift * cosine, shift * sine, foil.transit_ns + drift.time_ns]),
            along_x: narrow([across * cosine, -along * sine, sweep * cosine]),
            along_z: narrow([across * sine, along * cosine, sweep * sine]),
            sigma_t: sigma_t as f32,
            late: foil.late.unwrap_or_default(),
        }
    }
}

/// The children of one electron: their number, and their mean place (x, z, mm) and time (ns).
#[derive(Debug)]
struct Family {
    len: usize,
    mean: [f32; 3],
}

impl Stage for FoilStage {
    fn respond(
        &self,
        parents: &ElectronBuffer,
        children: &mut ElectronBuffer,
        workspace: &mut StageWorkspace,
        random: &mut Stream,
    ) {
        self.found_families(parents, workspace, random);
        let families = &workspace.families;
        let first = children.len();
        children.resize(first + families.iter().map(|family| family.len).sum::<usize>());
        let [mut x, mut z, mut t] =
            [&mut children.x, &mut children.z, &mut children.t].map(|column| &mut column[first..]);
        for column in [&mut *x, &mut *z, &mut *t] {
            fill_normal(random, column);
        }
        for &Family { len, mean } in families {
            let (own_x, own_z, own_t);
            (own_x, x) = x.split_at_mut(len);
            (own_z, z) = z.split_at_mut(len);
            (own_t, t) = t.split_at_mut(len);
            for ((x, z), t) in own_x.iter_mut().zip(own_z).zip(own_t) {
                let normal = [*x, *z, *t];
                let moved = |mean: f32, by: &[f32; 3]| {
                    mean + by[0] * normal[0] + by[1] * normal[1] + by[2] * normal[2]
                };
                *x = moved(mean[0], &self.along_x);
                *z = moved(mean[1], &self.along_z);
                *t = mean[2] + self.sigma_t * normal[2];
            }
        }
        let Late { own_fraction, own_delay_ns, .. } = self.late;
        let times = &mut children.t[first..];
        each_of_a_part(own_fraction, times.len(), random, |k, random| {
            times[k] += delay(own_delay_ns, random);
        });
    }
}

impl FoilStage {
    /// Draws the families of all parents; parents without children have none.
    fn found_families(&self, parents: &ElectronBuffer, workspace: &mut StageWorkspace, random: &mut Stream) {
        let StageWorkspace { families, common } = workspace;
        families.clear();
        families.extend(
            (0..parents.len())
                .filter_map(|i| self.family([parents.x[i], parents.z[i], parents.t[i]], random)),
        );
        common.resize(3 * families.len(), 0.0);
        fill_normal(random, common);
        for (family, common) in families.iter_mut().zip(common.as_chunks::<3>().0) {
            let sigma = [self.common_mm, self.common_mm, self.common_time_ns];
            (0..3).for_each(|k| family.mean[k] += sigma[k] * common[k]);
        }
        let Late { fraction, delay_ns, .. } = self.late;
        each_of_a_part(fraction, families.len(), random, |k, random| {
            families[k].mean[2] += delay(delay_ns, random);
        });
    }

    /// The family of a parent at (x, z, t), without its common displacement; none if it has no children.
    fn family(&self, parent: [f32; 3], random: &mut Stream) -> Option<Family> {
        let at = self.collected(parent, random)?;
        let len = self.number.sample(random) as usize;
        (len > 0).then(|| Family { len, mean: self.place(at, parent[2], random) })
    }

    /// The nearest hole of a parent when it chooses one, and its place from there; none if it is not
    /// collected.
    #[inline]
    fn collected(&self, [x, z, _]: [f32; 3], random: &mut Stream) -> Option<[(f32, f32); 2]> {
        let (x, z) = (x + self.entry[0], z + self.entry[1]);
        let (nearest_x, nearest_z) = self.lattice.nearest(x, z);
        let (x, z) = (x - nearest_x, z - nearest_z);
        let odds = self.collection[0] + self.collection[1] * f64::from(x * x + z * z);
        (random.random::<f64>() < 1.0 / (1.0 + (-odds).exp())).then_some([(nearest_x, nearest_z), (x, z)])
    }

    /// The common place and time of the children of a collected parent, before their common displacement.
    #[inline]
    fn place(
        &self,
        [(nearest_x, nearest_z), (x, z)]: [(f32, f32); 2],
        t: f32,
        random: &mut Stream,
    ) -> [f32; 3] {
        let (hole_x, hole_z) = self.holes.choose(x, z, random);
        let (dx, dz) = (x - hole_x - self.entry[0], z - hole_z - self.entry[1]);
        let late = self.time_slope * (dx * dx + dz * dz) + (self.time_tilt[0] * dx + self.time_tilt[1] * dz);
        let axis = [nearest_x + hole_x, nearest_z + hole_z];
        let kept = self.offset_retention;
        let mean = [axis[0] + kept * dx, axis[1] + kept * dz, t + late];
        [0, 1, 2].map(|k| mean[k] + self.mean[k])
    }
}

/// Calls `work` with each number below `n` that belongs to a part of this fraction, chosen at random. The
/// numbers between two of them are geometrically distributed, so that a small part takes few random numbers
/// and none takes none.
fn each_of_a_part(fraction: f64, n: usize, random: &mut Stream, mut work: impl FnMut(usize, &mut Stream)) {
    if fraction <= 0.0 {
        return;
    }
    let per_number = -(-fraction).ln_1p();
    let mut at = 0.0;
    loop {
        let skipped: f64 = Exp1.sample(random);
        at += (skipped / per_number).floor();
        if at >= n as f64 {
            return;
        }
        work(at as usize, random);
        at += 1.0;
    }
}

/// An exponential delay of this mean, ns.
fn delay(mean_ns: f64, random: &mut Stream) -> f32 {
    let times: f64 = Exp1.sample(random);
    (mean_ns * times) as f32
}
