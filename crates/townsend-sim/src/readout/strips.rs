//! Strip hits of the electrons of an event.

use std::ops::Range;

use rand::{Rng, RngExt};
use rayon::prelude::*;
use townsend_core::{Avalanche, ElectronSet, Purpose, fill_normal, stream};

use super::{ELEMENTARY_FC, Readout};
use crate::{Detector, SimError};

/// The hit of one strip in one event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StripHit {
    /// Number of the event.
    pub event: u64,
    /// Number of the layer.
    pub layer: u8,
    /// Number of the sheet in the layer.
    pub sheet: u8,
    /// 0 for X, 1 for V.
    pub view: u8,
    /// Number of the strip in its view, from 0.
    pub strip: u32,
    /// Charge, fC.
    pub charge_fc: f32,
    /// Time, ns.
    pub time_ns: f32,
}

/// Electrons whose strips are found at once, with one draw of random bytes. The numbers drawn do not depend
/// on it.
const BLOCK: usize = 1024;
/// The number that stands for no strip, for an electron beside all strips.
const NOWHERE: u32 = u32::MAX;

/// The strips of a detector, prepared for reading events out.
///
/// ```
/// use townsend_core::Avalanche;
/// use townsend_sim::{Detector, StripReadout, StripWorkspace};
///
/// let detector = Detector::from_toml(Detector::shipped("cgem").unwrap())?;
/// let strips = StripReadout::new(&detector)?;
/// // 200,000 electrons at one point: one X and one V strip.
/// let (x, z, t) = (vec![0.0; 200_000], vec![0.0; 200_000], vec![170.0; 200_000]);
/// let mut hits = Vec::new();
/// let avalanche = Avalanche { x: &x, z: &z, t: &t };
/// let lost = strips.read(1, 0, avalanche, &mut StripWorkspace::default(), &mut hits);
/// assert_eq!((hits[0].view, hits[1].view, hits.len(), lost), (0, 1, 2, 0));
/// # Ok::<(), townsend_sim::SimError>(())
/// ```
#[derive(Debug, Clone)]
pub struct StripReadout {
    of: Readout,
    region_mm: [f64; 2],
    /// Numbers of the strips of both views together: X strips are those below the first of these values, V
    /// strips those from there to the second.
    ends: [u32; 2],
    /// Change of the strip number with x and with z for each view, strips/mm.
    slopes: [[f32; 2]; 2],
    /// Fewest electrons whose charge reaches the threshold.
    needed: usize,
    /// An electron belongs to an X strip if a random number of 32 bits is below this.
    x_bits: u64,
}

/// Memory of one event, reused for the next.
#[derive(Debug, Default)]
pub struct StripWorkspace {
    /// The strip of each electron.
    strips: Vec<u32>,
    /// Number of electrons on each strip, X strips first; all 0 between events. While times are sorted it is
    /// where the times of each strip end.
    counts: Vec<u32>,
    times: Vec<f32>,
    jitter: Vec<f32>,
}

impl StripReadout {
    const PURPOSE: Purpose = Purpose::new("readout");

    /// The strips of a detector.
    ///
    /// # Errors
    /// If its description has no `[readout]` table.
    pub fn new(detector: &Detector) -> Result<Self, SimError> {
        let missing = SimError::Missing { table: "readout", what: "which strips there are" };
        let of = detector.readout.clone().ok_or(missing)?;
        let per_mm = 1000.0 / of.pitch_um;
        let (sin, cos) = of.stereo_deg.to_radians().sin_cos();
        Ok(Self {
            region_mm: of.region_mm(),
            ends: [of.strips[0], of.strips[0] + of.strips[1]],
            slopes: [[1.0, 0.0], [cos, sin]].map(|view| view.map(|slope| (slope * per_mm) as f32)),
            needed: ((of.threshold_fc / ELEMENTARY_FC).ceil() as usize).max(1),
            x_bits: (of.x_share * (1u64 << 32) as f64) as u64,
            of,
        })
    }

    /// Appends the hits of event number `event`, ordered by view and strip: a function of seed, number and
    /// electrons alone. Positions are in mm, times in ns. Returns the number of electrons that arrive beside
    /// the strips.
    ///
    /// The event is placed on the sheet at random, and each electron is assigned to the X or V strips at
    /// random. The charge of a strip is that of its electrons, and its time that of the electron with which
    /// it reaches the threshold, with jitter.
    ///
    /// # Panics
    /// If there are 2³² electrons or more.
    pub fn read(
        &self,
        seed: u64,
        event: u64,
        electrons: Avalanche<'_>,
        workspace: &mut StripWorkspace,
        hits: &mut Vec<StripHit>,
    ) -> u64 {
        let mut random = stream(seed, Self::PURPOSE, event);
        let place = self.place(&mut random);
        self.read_at(place, event, electrons, &mut random, workspace, hits)
    }

    /// The same for electrons that are where they were given, in mm from the centre of the sheet: as with a
    /// region of no extent about the centre.
    ///
    /// # Panics
    /// As [`StripReadout::read`].
    pub fn read_as_placed(
        &self,
        seed: u64,
        event: u64,
        electrons: Avalanche<'_>,
        workspace: &mut StripWorkspace,
        hits: &mut Vec<StripHit>,
    ) -> u64 {
        let mut random = stream(seed, Self::PURPOSE, event);
        // What the electrons draw is the same, wherever they are.
        self.place(&mut random);
        self.read_at([0.0; 2], event, electrons, &mut random, workspace, hits)
    }

    /// A place on the sheet, mm from its centre.
    fn place(&self, random: &mut impl Rng) -> [f64; 2] {
        [0, 1].map(|k| {
            let along: f64 = random.random();
            self.of.center_mm[k] + (along - 0.5) * self.region_mm[k]
        })
    }

    fn read_at(
        &self,
        place: [f64; 2],
        event: u64,
        electrons: Avalanche<'_>,
        random: &mut impl Rng,
        workspace: &mut StripWorkspace,
        hits: &mut Vec<StripHit>,
    ) -> u64 {
        assert!(u32::try_from(electrons.len()).is_ok(), "electrons of an event");
        // The readout of another detector may have used the workspace.
        workspace.counts.resize(self.ends[1] as usize, 0);
        self.find_strips(electrons, place, random, workspace);
        let (touched, lost) = workspace.count();
        workspace.sort_times(electrons.t, touched.clone());
        let first = hits.len();
        let mut start = 0;
        for strip in touched.clone() {
            let end = workspace.counts[strip] as usize;
            hits.extend(self.hit(event, strip as u32, &mut workspace.times[start..end]));
            start = end;
        }
        workspace.counts[touched].fill(0);
        workspace.jitter.resize(hits.len() - first, 0.0);
        fill_normal(random, &mut workspace.jitter);
        for (hit, jitter) in hits[first..].iter_mut().zip(&workspace.jitter) {
            hit.time_ns += self.of.jitter_ns as f32 * jitter;
        }
        lost
    }

    /// Reads out the avalanches at these places by all threads: for each its hits, and the number of its
    /// electrons that arrive beside the strips. `first` is the number of the event at place 0.
    ///
    /// # Panics
    /// If a place is not that of an avalanche.
    pub fn read_all(
        &self,
        seed: u64,
        electrons: &ElectronSet,
        places: Range<usize>,
        first: u64,
    ) -> Vec<(Vec<StripHit>, u64)> {
        let read = |workspace: &mut StripWorkspace, place: usize| {
            let mut hits = Vec::new();
            let event = first + place as u64;
            let beside = self.read(seed, event, electrons.get(place), workspace, &mut hits);
            (hits, beside)
        };
        places.into_par_iter().map_init(StripWorkspace::default, read).collect()
    }

    /// Finds the strip of every electron, X strips first.
    fn find_strips(
        &self,
        electrons: Avalanche<'_>,
        [x0, z0]: [f64; 2],
        random: &mut impl Rng,
        workspace: &mut StripWorkspace,
    ) {
        let per_mm = 1000.0 / self.of.pitch_um;
        let (sin, cos) = self.of.stereo_deg.to_radians().sin_cos();
        let middle = self.of.strips.map(|n| 0.5 * f64::from(n));
        let start = [x0 * per_mm + middle[0], (x0 * cos + z0 * sin) * per_mm + middle[1]].map(|v| v as f32);
        let (z0, half) = (z0 as f32, (0.5 * self.of.length_mm) as f32);
        let counts = self.of.strips.map(|n| n as f32);
        let firsts = [0, self.ends[0]];
        workspace.strips.clear();
        let mut bytes = [0u8; 4 * BLOCK];
        for (x, z) in electrons.x.chunks(BLOCK).zip(electrons.z.chunks(BLOCK)) {
            random.fill_bytes(&mut bytes[..4 * x.len()]);
            let bits = bytes.as_chunks().0.iter().map(|&bytes| u64::from(u32::from_le_bytes(bytes)));
            workspace.strips.extend(x.iter().zip(z).zip(bits).map(|((x, z), bits)| {
                let view = usize::from(bits >= self.x_bits);
                let [a, b] = self.slopes[view];
                let strip = (x * a + z * b + start[view]).floor();
                let inside = strip >= 0.0 && strip < counts[view] && (z + z0).abs() <= half;
                if inside { firsts[view] + strip as u32 } else { NOWHERE }
            }));
        }
    }

    /// The hit of a strip on which electrons arrive at these times, if they reach the threshold.
    fn hit(&self, event: u64, number: u32, times: &mut [f32]) -> Option<StripHit> {
        if times.len() < self.needed {
            return None;
        }
        let (_, &mut time, _) = times.select_nth_unstable_by(self.needed - 1, f32::total_cmp);
        let view = number >= self.ends[0];
        Some(StripHit {
            event,
            layer: self.of.layer,
            sheet: self.of.sheet,
            view: view.into(),
            strip: if view { number - self.ends[0] } else { number },
            charge_fc: (times.len() as f64 * ELEMENTARY_FC).min(self.of.saturation_fc) as f32,
            time_ns: time + self.of.time_offset_ns as f32,
        })
    }
}

impl StripWorkspace {
    /// Counts the electrons of every strip. Returns the range of strips from the first to the last with
    /// electrons, and the number of electrons beside all strips.
    fn count(&mut self) -> (Range<usize>, u64) {
        let (mut first, mut end, mut lost) = (usize::MAX, 0, 0);
        for &strip in &self.strips {
            if let Some(count) = self.counts.get_mut(strip as usize) {
                *count += 1;
                first = first.min(strip as usize);
                end = end.max(strip as usize + 1);
            } else {
                lost += 1;
            }
        }
        (first.min(end)..end, lost)
    }

    /// Groups the times by strip; the counts become the positions at which the groups end.
    fn sort_times(&mut self, times: &[f32], touched: Range<usize>) {
        let mut sum = 0;
        for count in &mut self.counts[touched] {
            sum += std::mem::replace(count, sum);
        }
        self.times.resize(sum as usize, 0.0);
        for (&strip, &time) in self.strips.iter().zip(times) {
            if let Some(place) = self.counts.get_mut(strip as usize) {
                self.times[*place as usize] = time;
                *place += 1;
            }
        }
    }
}
