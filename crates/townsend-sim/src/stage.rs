//! What happens to one electron between the planes above one foil and above the next.

use rand::RngExt;
use townsend_core::Stream;

use crate::{Cloud, Drift, Foil, Lattice, Polya, fill_normal};

/// One stage of an avalanche: every electron above it becomes a number of electrons below it.
pub trait Stage: Send + Sync {
    /// Appends the offspring of all `parents` to `children`, parent by parent.
    fn respond(&self, parents: &Cloud, children: &mut Cloud, random: &mut Stream);
}

/// A foil and the gap below it, by a handful of parameters.
///
/// An electron gets into the nearest hole with the collection efficiency. The number of its children that leave the
/// hole below is Polya distributed with mean gain times extraction (see [`Polya`]). They start about the hole's axis with
/// the exit spread, at a time that has a part common to all and a part of each one, and drift through the gap: sums of
/// normal displacements, so that one normal number a coordinate serves for exit and drift together.
#[derive(Debug, Clone)]
pub struct FoilStage {
    lattice: Lattice,
    collection: f64,
    number: Polya,
    common_time_ns: f32,
    mean: [f32; 3],
    sigma: [f32; 3],
    sweep: f32,
}

impl FoilStage {
    /// A stage of a foil with these holes, and the drift through the gap below.
    pub fn new(lattice: Lattice, foil: &Foil, drift: &Drift) -> Self {
        let exit_mm = foil.exit_spread_um / 1000.0;
        // An electron that leaves the hole late is not swept along E × B for it: only the delay in the gap counts. The
        // common factor that lets one normal number serve for both delays is the regression of one on their sum.
        let sigma_t = foil.own_time_spread_ns.hypot(drift.sigma_t_ns);
        let share = if sigma_t > 0.0 { (drift.sigma_t_ns / sigma_t).powi(2) } else { 0.0 };
        let sweep = drift.sweep_mm_ns * share;
        let rest = drift.sweep_mm_ns * drift.sigma_t_ns * (1.0 - share).sqrt();
        let sigma_x = drift.sigma_mm[0].hypot(exit_mm).hypot(rest);
        let sigma_z = drift.sigma_mm[1].hypot(exit_mm);
        Self {
            lattice,
            collection: foil.collection,
            number: Polya::new(foil.gain * foil.extraction, foil.theta),
            common_time_ns: foil.common_time_spread_ns as f32,
            mean: [drift.shift_mm as f32, 0.0, (foil.transit_ns + drift.time_ns) as f32],
            sigma: [sigma_x, sigma_z, sigma_t].map(|sigma| sigma as f32),
            sweep: (sweep * sigma_t) as f32,
        }
    }
}

/// The children of one electron: how many, and where they are on average.
struct Family {
    len: usize,
    mean: [f32; 3],
}

impl Stage for FoilStage {
    fn respond(&self, parents: &Cloud, children: &mut Cloud, random: &mut Stream) {
        let families = self.families(parents, random);
        let first = children.len();
        children.resize(first + families.iter().map(|family| family.len).sum::<usize>());
        let (mut x, mut z, mut t) =
            (&mut children.x[first..], &mut children.z[first..], &mut children.t[first..]);
        for column in [&mut *x, &mut *z, &mut *t] {
            fill_normal(random, column);
        }
        for Family { len, mean } in families {
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
    fn families(&self, parents: &Cloud, random: &mut Stream) -> Vec<Family> {
        let mut common = vec![0.0; parents.len()];
        fill_normal(random, &mut common);
        let electrons = parents.x.iter().zip(&parents.z).zip(&parents.t).zip(common);
        let family = |(((&x, &z), &t), common): (((&f32, &f32), &f32), f32)| {
            let collected = random.random::<f64>() < self.collection;
            let len = if collected { self.number.sample(random) as usize } else { 0 };
            let (hole_x, hole_z) = self.lattice.nearest(x, z);
            let time = t + self.common_time_ns * common;
            Family { len, mean: [hole_x + self.mean[0], hole_z + self.mean[1], time + self.mean[2]] }
        };
        electrons.map(family).filter(|family| family.len > 0).collect()
    }
}
