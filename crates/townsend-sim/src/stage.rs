//! A stage of an avalanche: what happens to an electron between the plane above a foil and the plane above
//! the next foil.

use rand::RngExt;
use townsend_core::{ElectronBuffer, Stream, fill_normal};

use crate::holes::HoleChoice;
use crate::{Drift, Foil, Lattice, Polya};

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
///    gap ([`Drift`]).
///
/// The displacements of step 5 are sums of normal numbers, so that one normal number per coordinate serves
/// for exit and drift together.
#[derive(Debug, Clone)]
pub struct FoilStage {
    lattice: Lattice,
    holes: HoleChoice,
    /// ln(c/(1 − c)) on the axis, and its change with r² in mm².
    collection: [f64; 2],
    number: Polya,
    offset_retention: f32,
    common_mm: f32,
    common_time_ns: f32,
    /// Increase of the time with r² in mm², ns/mm².
    time_slope: f32,
    mean: [f32; 3],
    sigma: [f32; 3],
    /// Shift along x per unit of the normal number that the time is made of, mm.
    sweep: f32,
}

impl FoilStage {
    /// The stage of a foil with holes on `lattice`, and of the `drift` through the gap below it.
    pub fn new(lattice: Lattice, foil: &Foil, drift: &Drift) -> Self {
        let mm = |um: f64| um / 1000.0;
        let pitch_squared = f64::from(lattice.pitch_mm()).powi(2);
        // Only a delay in the gap, not one in the hole, makes an electron drift along E × B for longer. Given
        // the sum of both delays, the delay in the gap is a share of the sum plus an independent normal rest.
        let sigma_t = foil.own_time_spread_ns.hypot(drift.sigma_t_ns);
        let share = if sigma_t > 0.0 { (drift.sigma_t_ns / sigma_t).powi(2) } else { 0.0 };
        let rest = drift.sweep_mm_ns * drift.sigma_t_ns * (1.0 - share).sqrt();
        let exit = mm(foil.exit_spread_um);
        let sigma = [drift.sigma_mm[0].hypot(exit).hypot(rest), drift.sigma_mm[1].hypot(exit), sigma_t];
        Self {
            lattice,
            holes: HoleChoice::new(lattice, mm(foil.hole_spread_um)),
            collection: [
                (foil.collection / (1.0 - foil.collection)).ln(),
                foil.collection_slope / pitch_squared,
            ],
            number: Polya::new(foil.gain * foil.extraction, foil.theta),
            offset_retention: foil.offset_retention as f32,
            common_mm: mm(foil.common_spread_um) as f32,
            common_time_ns: foil.common_time_spread_ns as f32,
            time_slope: (foil.transit_slope_ns / pitch_squared) as f32,
            mean: [drift.shift_mm as f32, 0.0, (foil.transit_ns + drift.time_ns) as f32],
            sigma: sigma.map(|sigma| sigma as f32),
            sweep: (drift.sweep_mm_ns * share * sigma_t) as f32,
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
                *x = mean[0] + self.sigma[0] * *x + self.sweep * *t;
                *z = mean[1] + self.sigma[1] * *z;
                *t = mean[2] + self.sigma[2] * *t;
            }
        }
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
    }

    /// The family of a parent at (x, z, t), without its common displacement; none if it has no children.
    fn family(&self, [x, z, t]: [f32; 3], random: &mut Stream) -> Option<Family> {
        let (nearest_x, nearest_z) = self.lattice.nearest(x, z);
        let (x, z) = (x - nearest_x, z - nearest_z);
        let odds = self.collection[0] + self.collection[1] * f64::from(x * x + z * z);
        if random.random::<f64>() >= 1.0 / (1.0 + (-odds).exp()) {
            return None;
        }
        let len = self.number.sample(random) as usize;
        if len == 0 {
            return None;
        }
        let (hole_x, hole_z) = self.holes.choose(x, z, random);
        let (dx, dz) = (x - hole_x, z - hole_z);
        let slope = self.time_slope * (dx * dx + dz * dz);
        let axis = [nearest_x + hole_x, nearest_z + hole_z];
        let kept = self.offset_retention;
        let mean = [axis[0] + kept * dx, axis[1] + kept * dz, t + slope];
        Some(Family { len, mean: [0, 1, 2].map(|k| mean[k] + self.mean[k]) })
    }
}
