//! A stage of recorded responses: no law of what a structure does to an electron, but what a microscopic
//! simulation recorded of it.

mod description;
mod nearest;
mod responses;
mod reuse;
mod symmetry;

use std::sync::Arc;

use rand::Rng;
use rand_distr::{Distribution, Exp1};
use townsend_core::{ElectronBuffer, Stream, fill_normal};

pub use description::{Counted, RecordedFoil, RecordedStages, ResponseDraw};
use nearest::Nearest;
pub use responses::ResponseTable;
pub use reuse::Reuse;
pub(crate) use symmetry::Cells;
pub use symmetry::Symmetry;

use crate::{Drift, SimError, Stage, StageWorkspace};

/// A structure whose responses were recorded, a GEM, a thick GEM, a well or a mesh, and the gap
/// below it.
///
/// An electron takes one of the k recorded responses that started nearest to where it is in the cell of the
/// lattice, each with the probability 1/k, after the translations of the lattice and the symmetries that the
/// structure has ([`ResponseDraw`]). The response is moved by these alone, so that it stays with its hole;
/// without a lattice it is moved with the electron, which takes any response then.
///
/// **Smoothing.** The n children of a response have the mean place and time m and deviations dᵢ from it, as
/// rows of a matrix D of n × 3 numbers. They become the rows of R·D with R = 1 − 2vvᵀ, where the unit vector
/// v is random and at right angles to (1, …, 1). R is orthogonal and leaves (1, …, 1) as it is, so the mean m
/// and the sums of squares and products, `DᵀRᵀRD = DᵀD`, are those of the record, of each family and not only
/// on average. Where deviations are normal, families with the same m and `DᵀD` are equally probable, so that
/// nothing of their distribution changes. One or two children are left as they are, because their mean and
/// their squares determine them.
///
/// Each child then drifts through the gap by itself ([`Drift`]), where it may be attached.
#[derive(Debug, Clone)]
pub struct RecordedStage {
    responses: Arc<ResponseTable>,
    nearest: Nearest,
    smooth: bool,
    /// Shift and time of the gap, mm and ns.
    shift: [f32; 3],
    /// Displacement along x and z by each of three normal numbers, the third of which is that of the time,
    /// mm.
    along_x: [f32; 3],
    along_z: [f32; 3],
    sigma_t: f32,
    /// Mean number of children between two that are attached; infinite without attachment.
    between_attached: f64,
}

/// The children of one electron.
#[derive(Debug)]
struct Family {
    first: usize,
    len: usize,
    /// Number of the symmetry that the response is seen through.
    symmetry: usize,
    /// Mean place (x, z, mm) and time (ns), drift included.
    mean: [f32; 3],
}

/// Memory of a stage of recorded responses.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    families: Vec<Family>,
    /// The number of the response of each parent.
    chosen: Vec<u32>,
    /// A random number for each child: the direction v of the smoothing before it is made one.
    direction: Vec<u8>,
}

impl RecordedStage {
    /// The stage of a structure with these responses, and of the `drift` through the gap below it. `pitch_um`
    /// is the pitch where `draw` has none.
    ///
    /// # Errors
    /// If there are fewer responses than neighbours, a symmetry is none of the lattice, or the starts leave a
    /// part of the cell out.
    pub fn new(
        responses: Arc<ResponseTable>,
        draw: &ResponseDraw,
        pitch_um: f64,
        drift: &Drift,
    ) -> Result<Self, SimError> {
        let cells = draw.cells(pitch_um);
        let symmetries = symmetry::group(&draw.symmetry, &cells)?;
        let nearest = Nearest::new(responses.starts(), cells, symmetries, draw.neighbours)?;
        let (cosine, sine) = (drift.direction.x, drift.direction.z);
        let sweep = drift.sweep_mm_ns * drift.sigma_t_ns;
        let [along_x, along_z] = drift.direction.displacements(drift.sigma_mm, sweep);
        let narrow = |values: [f64; 3]| values.map(|value| value as f32);
        Ok(Self {
            responses,
            nearest,
            smooth: draw.smooth,
            shift: narrow([drift.shift_mm * cosine, drift.shift_mm * sine, drift.time_ns]),
            along_x,
            along_z,
            sigma_t: drift.sigma_t_ns as f32,
            between_attached: -1.0 / drift.survival.ln(),
        })
    }

    /// Its responses.
    pub fn responses(&self) -> &ResponseTable {
        &self.responses
    }

    /// How often electrons that are distributed evenly over the cell take each response, as parts of one.
    pub fn shares(&self) -> Vec<f64> {
        self.nearest.shares()
    }

    /// The number of equally frequent responses that would repeat as often as these: 1/Σw², where w are their
    /// shares ([`RecordedStage::shares`]).
    pub fn effective(&self) -> f64 {
        1.0 / self.shares().iter().map(|share| share * share).sum::<f64>()
    }

    /// The numbers of the responses that the parents of the last call of [`Stage::respond`] took, in their
    /// order, if that was a call of a stage of this kind.
    pub fn chosen(workspace: &StageWorkspace) -> &[u32] {
        &workspace.recorded.chosen
    }

    /// Draws the families of all parents; parents without children have none.
    fn choose(&self, parents: &ElectronBuffer, scratch: &mut Scratch, random: &mut Stream) {
        let Scratch { families, chosen, .. } = scratch;
        families.clear();
        chosen.clear();
        for ((&x, &z), &t) in parents.x.iter().zip(&parents.z).zip(&parents.t) {
            let nearest::Chosen { response, symmetry, place } = self.nearest.choose([x, z], random);
            chosen.push(response as u32);
            let (children, mean) = self.responses.family(response);
            if !children.is_empty() {
                let moved = self.nearest.symmetry(symmetry).apply([mean[0], mean[1]]);
                let mean = [place[0] + moved[0], place[1] + moved[1], t + mean[2]];
                let mean = [0, 1, 2].map(|k| mean[k] + self.shift[k]);
                families.push(Family { first: children.start, len: children.len(), symmetry, mean });
            }
        }
    }

    /// Removes children that are attached in the gap from those after the first `kept`.
    fn attach(&self, children: &mut ElectronBuffer, mut kept: usize, random: &mut Stream) {
        if self.between_attached.is_infinite() {
            return;
        }
        // The numbers of children that come through between two attached ones are geometrically distributed.
        let mut at = kept;
        loop {
            let passed: f64 = Exp1.sample(random);
            let passed = (passed * self.between_attached).floor().min((children.len() - at) as f64) as usize;
            for column in [&mut children.x, &mut children.z, &mut children.t] {
                column.copy_within(at..at + passed, kept);
            }
            kept += passed;
            at += passed + 1;
            if at > children.len() {
                children.resize(kept);
                return;
            }
        }
    }
}

impl Stage for RecordedStage {
    fn respond(
        &self,
        parents: &ElectronBuffer,
        children: &mut ElectronBuffer,
        workspace: &mut StageWorkspace,
        random: &mut Stream,
    ) {
        let scratch = &mut workspace.recorded;
        self.choose(parents, scratch, random);
        let first = children.len();
        let number = scratch.families.iter().map(|family| family.len).sum::<usize>();
        children.resize(first + number);
        let [mut x, mut z, mut t] =
            [&mut children.x, &mut children.z, &mut children.t].map(|column| &mut column[first..]);
        for column in [&mut *x, &mut *z, &mut *t] {
            fill_normal(random, column);
        }
        scratch.direction.clear();
        scratch.direction.resize(number, 0);
        if self.smooth {
            random.fill_bytes(&mut scratch.direction);
        }
        let mut direction = &scratch.direction[..];
        for family in &scratch.families {
            let own;
            (own, direction) = direction.split_at(family.len);
            let (own_x, own_z, own_t);
            (own_x, x) = x.split_at_mut(family.len);
            (own_z, z) = z.split_at_mut(family.len);
            (own_t, t) = t.split_at_mut(family.len);
            self.place(family, own, [own_x, own_z, own_t]);
        }
        self.attach(children, first, random);
    }
}

impl RecordedStage {
    /// Turns the normal numbers in the columns of a family's children into the children.
    fn place(&self, family: &Family, direction: &[u8], [x, z, t]: [&mut [f32]; 3]) {
        let [dx, dz, dt] = self.responses.deviations(family.first..family.first + family.len);
        let (direction_mean, back) = reflection(direction, [dx, dz, dt]);
        let turn = self.nearest.symmetry(family.symmetry).matrix();
        let [mean_x, mean_z, mean_t] = family.mean;
        let own = x.iter_mut().zip(z).zip(t).zip(dx.iter().zip(dz).zip(dt).zip(direction));
        for (((x, z), t), (((&dx, &dz), &dt), &u)) in own {
            let v = f32::from(u) - direction_mean;
            let [dx, dz, dt] = [dx - v * back[0], dz - v * back[1], dt - v * back[2]];
            let normal = [*x, *z, *t];
            let moved = |by: &[f32; 3]| by[0] * normal[0] + by[1] * normal[1] + by[2] * normal[2];
            *x = mean_x + (turn[0][0] * dx + turn[0][1] * dz) + moved(&self.along_x);
            *z = mean_z + (turn[1][0] * dx + turn[1][1] * dz) + moved(&self.along_z);
            *t = mean_t + dt + self.sigma_t * normal[2];
        }
    }
}

/// The reflection of deviations (columns of sum 0) at the plane at right angles to v ∝ u − ū, where u are
/// random numbers: ū, and for each column the factor 2 (u − ū)·d/|u − ū|² of (u − ū) that is to be
/// subtracted; 0 if all u are equal, as without smoothing.
fn reflection(direction: &[u8], deviations: [&[f32]; 3]) -> (f32, [f32; 3]) {
    let n = direction.len() as f64;
    let whole: u64 = direction.iter().map(|&u| u64::from(u)).sum();
    let squares: u64 = direction.iter().map(|&u| u64::from(u) * u64::from(u)).sum();
    let mean = whole as f64 / n;
    // At least 1/2 if u differ, and 0 but for rounding otherwise.
    let square = squares as f64 - mean * whole as f64;
    if square < 0.25 {
        return (mean as f32, [0.0; 3]);
    }
    // As deviations add up to 0, any number may be subtracted from u. Sums go in lanes, since the order of
    // additions counts and one after the other they would wait for each other.
    let along = |d: &[f32]| {
        let (u, u_rest) = direction.as_chunks::<LANES>();
        let (d, d_rest) = d.as_chunks::<LANES>();
        let product = |u: u8, d: f32| (f32::from(u) - 127.5) * d;
        let mut lanes = [0f32; LANES];
        for (u, d) in u.iter().zip(d) {
            (0..LANES).for_each(|k| lanes[k] += product(u[k], d[k]));
        }
        for (lane, (&u, &d)) in lanes.iter_mut().zip(u_rest.iter().zip(d_rest)) {
            *lane += product(u, d);
        }
        lanes.iter().sum::<f32>()
    };
    (mean as f32, deviations.map(|d| 2.0 * along(d) / square as f32))
}

/// Sums that are added up side by side.
const LANES: usize = 8;
