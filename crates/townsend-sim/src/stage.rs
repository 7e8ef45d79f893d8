//! A stage of an avalanche: what happens to an electron between the plane above a foil and the plane above
//! the next foil.

mod landing;
mod skewed;

use std::collections::HashMap;

use rand::RngExt;
use rand_distr::{Binomial, Distribution, Exp1};
use townsend_core::{ElectronBuffer, Stream, fill_normal};
use townsend_kernels::{Vectorised, exp, vectorised};

use crate::holes::HoleChoice;
use crate::simulation::Below;
use crate::{Detector, Drift, Foil, Late, Lattice, Polya, SimError};

pub use landing::Landing;
use skewed::Skewed;

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
    places: Places,
    families: Vec<Family>,
    /// Three standard normal numbers for each family.
    common: Vec<f32>,
    pub(crate) recorded: crate::recorded::Scratch,
    /// Where the gain saturates, how many electrons got into each hole.
    entered: HashMap<[i32; 2], u32>,
}

/// The electrons above a foil, and then those of them that have children.
#[derive(Debug, Default)]
struct Places {
    /// Probability to be collected.
    collected: Vec<f64>,
    /// The axis of the hole nearest to each.
    axis_x: Vec<f32>,
    axis_z: Vec<f32>,
    /// Places relative to that.
    x: Vec<f32>,
    z: Vec<f32>,
    /// Centres of the chosen holes relative to the nearest ones, and the random numbers that they follow
    /// from.
    hole_x: Vec<f32>,
    hole_z: Vec<f32>,
    draws: Vec<f64>,
}

impl Places {
    /// Makes room for `n` electrons.
    fn resize(&mut self, n: usize) {
        let Self { collected, axis_x, axis_z, x, z, hole_x, hole_z, draws } = self;
        for column in [collected, draws] {
            column.resize(n, 0.0);
        }
        for column in [axis_x, axis_z, x, z, hole_x, hole_z] {
            column.resize(n, 0.0);
        }
    }
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
///    time `T = transit + transit_slope·(|d|/p)² + skewed(common_time_spread, common_time_skewness)`;
/// 5. each child leaves at `m + normal(exit_spread)`, `T + skewed(own_time_spread, own_time_skewness)`, and
///    drifts through the gap ([`Drift`]), where it may be attached.
///
/// `skewed(σ, γ)` is σ·(a·z + b·(z² − 1)) for a standard normal z, with mean 0, spread σ and skewness γ.
///
/// In a magnetic field ([`crate::Magnetic`]), with the unit vector u along E × B, steps 1 and 3 are those of
/// an electron at q + `entry_shift`·u, m grows by `exit_shift`·u and T by `transit_tilt`·(d·u)/p; the
/// displacements of step 5 along and across u have spreads of their own, and the first is correlated with the
/// time.
///
/// A part of the families, and a part of the children by themselves, is late in addition ([`Late`]).
///
/// Where the gain saturates ([`Foil::saturation`]), the electrons of all parents that are collected choose
/// their holes first, and each of a family's children is kept with the probability 1/(1 + β·n·gain), for the
/// n electrons of its hole: what is kept is Polya distributed, with the mean gain/(1 + β·n·gain) times the
/// extraction.
///
/// The displacements of step 5 are sums of normal numbers, in time of a skewed and a normal one, so that one
/// number per coordinate serves for exit and drift together; that in time has the third cumulant of the sum.
/// Attachment keeps each child by itself, and what is kept of a Polya distributed number is Polya
/// distributed, so that it only scales the mean of step 2.
#[derive(Debug, Clone)]
pub struct FoilStage {
    lattice: Lattice,
    holes: HoleChoice,
    /// ln(c/(1 − c)) on the axis, and its change with r² in mm².
    collection: [f64; 2],
    number: Polya,
    /// β·gain.
    saturation: f64,
    /// Shift before the hole, mm.
    entry: [f32; 2],
    offset_retention: f32,
    common_mm: f32,
    common_time_ns: f32,
    common_time: Skewed,
    /// Increase of the time with r² in mm², ns/mm², and with the distance from the axis along x and z, ns/mm.
    time_slope: f32,
    time_tilt: [f32; 2],
    mean: [f32; 3],
    /// Displacement along x and z by two normal numbers and by the time over its spread, mm.
    along_x: [f32; 3],
    along_z: [f32; 3],
    sigma_t: f32,
    own_time: Skewed,
    late: Late,
}

/// How the children of one electron spread about their common place and time, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FamilySpread {
    /// Mean and θ of their Polya distributed number.
    pub number: [f64; 2],
    /// Displacement along x and z by two standard normal numbers and by the time over its spread, mm.
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
        let foil = &detector.calibrated_foils()?[k];
        let lattice = detector.lattice_of(k);
        let below = Below::of_foil(detector, k, foil)?;
        Ok(below.multiplying.is_none().then(|| Self::new(lattice, foil, &below.drift)))
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
        vectorised(Founding { stage: self, parents, workspace, random });
        workspace.families.iter().for_each(|family| {
            let [x, z, t] = family.mean;
            places.push(x, z, t);
        });
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
        // Diffusion in the gap is not skewed.
        let hole_part = if sigma_t > 0.0 { foil.own_time_spread_ns / sigma_t } else { 0.0 };
        let (cosine, sine) = (drift.direction.x, drift.direction.z);
        let shift = drift.shift_mm + mm(field.exit_shift_um);
        let narrow = |values: [f64; 3]| values.map(|value| value as f32);
        let [along_x, along_z] = drift.direction.displacements([across, along], sweep);
        Self {
            lattice,
            holes: HoleChoice::new(lattice, mm(foil.hole_spread_um)),
            collection: [
                (foil.collection / (1.0 - foil.collection)).ln(),
                foil.collection_slope / pitch_squared,
            ],
            number: Polya::new(foil.gain * foil.extraction * drift.survival, foil.theta),
            saturation: foil.saturation * foil.gain,
            entry: [cosine, sine].map(|part| (mm(field.entry_shift_um) * part) as f32),
            offset_retention: foil.offset_retention as f32,
            common_mm: mm(foil.common_spread_um) as f32,
            common_time_ns: foil.common_time_spread_ns as f32,
            common_time: Skewed::new(foil.common_time_skewness),
            time_slope: (foil.transit_slope_ns / pitch_squared) as f32,
            time_tilt: [cosine, sine].map(|part| (field.transit_tilt_ns / pitch * part) as f32),
            mean: narrow([shift * cosine, shift * sine, foil.transit_ns + drift.time_ns]),
            along_x,
            along_z,
            sigma_t: sigma_t as f32,
            own_time: Skewed::new(foil.own_time_skewness * hole_part.powi(3)),
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
        vectorised(Response { stage: self, parents, children, workspace, random });
    }
}

/// A call of [`Stage::respond`].
struct Response<'a> {
    stage: &'a FoilStage,
    parents: &'a ElectronBuffer,
    children: &'a mut ElectronBuffer,
    workspace: &'a mut StageWorkspace,
    random: &'a mut Stream,
}

impl Vectorised for Response<'_> {
    #[inline(always)]
    fn work(self) {
        let Self { stage, parents, children, workspace, random } = self;
        stage.children_of(parents, children, workspace, random);
    }
}

/// The part of [`FoilStage::places`] that loops over parents.
struct Founding<'a> {
    stage: &'a FoilStage,
    parents: &'a ElectronBuffer,
    workspace: &'a mut StageWorkspace,
    random: &'a mut Stream,
}

impl Vectorised for Founding<'_> {
    #[inline(always)]
    fn work(self) {
        let Self { stage, parents, workspace, random } = self;
        stage.found_families(parents, workspace, |_| 1, random);
    }
}

impl FoilStage {
    #[inline(always)]
    fn children_of(
        &self,
        parents: &ElectronBuffer,
        children: &mut ElectronBuffer,
        workspace: &mut StageWorkspace,
        random: &mut Stream,
    ) {
        self.found_families(parents, workspace, |random| self.number.sample(random) as usize, random);
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
                let drawn = [*x, *z, self.own_time.of(*t)];
                let moved =
                    |mean: f32, by: &[f32; 3]| mean + by[0] * drawn[0] + by[1] * drawn[1] + by[2] * drawn[2];
                *x = moved(mean[0], &self.along_x);
                *z = moved(mean[1], &self.along_z);
                *t = mean[2] + self.sigma_t * drawn[2];
            }
        }
        let Late { own_fraction, own_delay_ns, .. } = self.late;
        let times = &mut children.t[first..];
        each_of_a_part(own_fraction, times.len(), random, |k, random| {
            times[k] += delay(own_delay_ns, random);
        });
    }

    /// Draws the families of all parents, with as many children as `number` draws; parents without children
    /// have none.
    #[inline(always)]
    fn found_families(
        &self,
        parents: &ElectronBuffer,
        workspace: &mut StageWorkspace,
        number: impl Fn(&mut Stream) -> usize,
        random: &mut Stream,
    ) {
        let StageWorkspace { places, families, common, entered, .. } = workspace;
        families.clear();
        self.place(parents, places);
        for i in 0..parents.len() {
            if random.random::<f64>() >= places.collected[i] {
                continue;
            }
            let len = number(random);
            // Where the gain saturates, electrons without children take their part of a hole.
            if len == 0 && self.saturation <= 0.0 {
                continue;
            }
            let at = families.len();
            for column in [&mut places.axis_x, &mut places.axis_z, &mut places.x, &mut places.z] {
                column[at] = column[i];
            }
            places.draws[at] = self.holes.draw(random);
            families.push(Family { len, mean: [0.0, 0.0, parents.t[i]] });
        }
        self.move_to_holes(places, families);
        if self.saturation > 0.0 {
            self.saturate(places, families, entered, random);
        }
        common.resize(3 * families.len(), 0.0);
        fill_normal(random, common);
        for (family, common) in families.iter_mut().zip(common.as_chunks::<3>().0) {
            let common = [common[0], common[1], self.common_time.of(common[2])];
            let sigma = [self.common_mm, self.common_mm, self.common_time_ns];
            (0..3).for_each(|k| family.mean[k] += sigma[k] * common[k]);
        }
        let Late { fraction, delay_ns, .. } = self.late;
        each_of_a_part(fraction, families.len(), random, |k, random| {
            families[k].mean[2] += delay(delay_ns, random);
        });
    }

    /// Where parents are relative to the hole nearest to them when they choose one, and the probabilities
    /// that they are collected.
    #[inline(always)]
    fn place(&self, parents: &ElectronBuffer, places: &mut Places) {
        let n = parents.len();
        places.resize(n);
        let Places { collected, axis_x, axis_z, x, z, .. } = places;
        let columns = [axis_x, axis_z, x, z].map(|column| &mut column[..n]);
        let [axis_x, axis_z, x, z] = columns;
        let (from_x, from_z, collected) = (&parents.x[..n], &parents.z[..n], &mut collected[..n]);
        for i in 0..n {
            let (at_x, at_z) = (from_x[i] + self.entry[0], from_z[i] + self.entry[1]);
            (axis_x[i], axis_z[i]) = self.lattice.nearest(at_x, at_z);
            (x[i], z[i]) = (at_x - axis_x[i], at_z - axis_z[i]);
            let odds = self.collection[0] + self.collection[1] * f64::from(x[i] * x[i] + z[i] * z[i]);
            collected[i] = 1.0 / (1.0 + exp(-odds));
        }
    }

    /// Chooses holes, and gives families their mean places and times, without the common displacement.
    #[inline(always)]
    fn move_to_holes(&self, places: &mut Places, families: &mut [Family]) {
        let n = families.len();
        let Places { axis_x, axis_z, x, z, hole_x, hole_z, draws, .. } = places;
        let (hole_x, hole_z) = (&mut hole_x[..n], &mut hole_z[..n]);
        hole_x.copy_from_slice(&x[..n]);
        hole_z.copy_from_slice(&z[..n]);
        self.holes.choose_all(hole_x, hole_z, &draws[..n]);
        for (i, family) in families.iter_mut().enumerate() {
            let (dx, dz) = (x[i] - hole_x[i] - self.entry[0], z[i] - hole_z[i] - self.entry[1]);
            let late =
                self.time_slope * (dx * dx + dz * dz) + (self.time_tilt[0] * dx + self.time_tilt[1] * dz);
            let axis = [axis_x[i] + hole_x[i], axis_z[i] + hole_z[i]];
            let kept = self.offset_retention;
            let mean = [axis[0] + kept * dx, axis[1] + kept * dz, family.mean[2] + late];
            family.mean = [0, 1, 2].map(|k| mean[k] + self.mean[k]);
        }
    }

    /// Thins the families of each hole by how many electrons got into it.
    fn saturate(
        &self,
        places: &Places,
        families: &mut Vec<Family>,
        entered: &mut HashMap<[i32; 2], u32>,
        random: &mut Stream,
    ) {
        let Places { axis_x, axis_z, hole_x, hole_z, .. } = places;
        let hole = |i: usize| self.lattice.numbers(axis_x[i] + hole_x[i], axis_z[i] + hole_z[i]);
        entered.clear();
        (0..families.len()).for_each(|i| *entered.entry(hole(i)).or_insert(0) += 1);
        for (i, family) in families.iter_mut().enumerate().filter(|(_, family)| family.len > 0) {
            let together = f64::from(entered[&hole(i)]);
            let kept = Binomial::new(family.len as u64, 1.0 / (1.0 + together * self.saturation));
            // A probability above 0 and below 1 is one that the distribution takes.
            family.len = kept.map_or(family.len, |kept| kept.sample(random) as usize);
        }
        families.retain(|family| family.len > 0);
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
