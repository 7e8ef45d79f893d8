//! Whole avalanches.

use std::ops::Range;
use std::str::FromStr;

use rand::RngExt;
use rayon::prelude::*;
use townsend_core::{ElectronSet, Purpose, Stream, stream};

use crate::{
    Cloud, Cluster, Detector, Drift, FoilStage, GasTable, Ionisation, Lattice, SimError, Stage, Transport,
    fill_normal,
};

/// Where the primary electron starts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Start {
    /// Evenly over the cell of a hole, just above the first foil.
    #[default]
    Cell,
    /// Evenly over such a cell and over the height of the drift gap.
    Drift,
    /// At this place above the first foil, µm from the centre of a hole.
    At {
        /// Along E × B.
        x_um: f64,
        /// Along B.
        z_um: f64,
    },
    /// A charged track crosses the drift gap and the first foil evenly over such a cell; all electrons that it frees are
    /// primary electrons. Positions are relative to where it crosses the foil.
    Track,
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.trim().parse().ok().filter(|value: &f64| value.is_finite());
        match text {
            "cell" => Ok(Self::Cell),
            "drift" => Ok(Self::Drift),
            _ => match text.split_once(',').and_then(|(x, z)| Some((number(x)?, number(z)?))) {
                Some((x_um, z_um)) => Ok(Self::At { x_um, z_um }),
                None => Err(format!(
                    "`{text}` is no start; write cell, drift, or X,Z in µm from the centre of a hole"
                )),
            },
        }
    }
}

/// A detector made ready to be simulated.
pub struct Simulation {
    lattice: Lattice,
    stages: Vec<Box<dyn Stage>>,
    drift_mm: f64,
    drift: Transport,
    start: Start,
    track: Option<Ionisation>,
}

/// Memory for one avalanche under way, to be used again for the next.
#[derive(Debug, Default)]
pub struct Workspace {
    now: Cloud,
    next: Cloud,
}

impl Simulation {
    const PURPOSE: Purpose = Purpose::new("simulate");
    /// Avalanches that one thread simulates before it hands them on; of events of a track, which are some 50 avalanches
    /// each, it is one.
    const BLOCK: u64 = 32;
    /// Blocks that are simulated in parallel.
    const BLOCKS_TOGETHER: u64 = 16;

    /// Prepares a detector, with primary electrons at `start`.
    pub fn new(detector: &Detector, start: Start) -> Result<Self, SimError> {
        Self::with_gas(detector, &detector.gas_table()?, start)
    }

    /// The same with a gas table that was read before, for those who simulate many detectors with one gas.
    pub fn with_gas(detector: &Detector, table: &GasTable, start: Start) -> Result<Self, SimError> {
        let lattice = Lattice::new((detector.lattice.pitch_um / 1000.0) as f32);
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        for foil in &detector.foils {
            let transport = detector.transport(table, foil.field_kv_cm)?;
            let mut drift = Drift::over(foil.gap_mm - foil.included_mm, &transport);
            // The response of a foil is symmetric; what the magnetic field does within it is left to the gap.
            drift.shift_mm = foil.gap_mm * transport.lorentz_tangent();
            stages.push(Box::new(FoilStage::new(lattice, foil, &drift)));
        }
        let drift = detector.transport(table, detector.drift.field_kv_cm)?;
        let drift_mm = detector.drift.gap_mm;
        let track = detector.track.as_ref().map(|track| Ionisation::new(track, drift_mm));
        if start == Start::Track && track.is_none() {
            return Err(SimError::Missing { table: "track", what: "how a track ionises the gas" });
        }
        Ok(Self { lattice, stages, drift_mm, drift, start, track })
    }

    /// The electrons at the anode of avalanche number `index`: a function of seed and index alone. Positions are relative
    /// to the start of the primary electron.
    pub fn avalanche<'a>(&self, seed: u64, index: u64, workspace: &'a mut Workspace) -> &'a Cloud {
        let mut random = stream(seed, Self::PURPOSE, index);
        let Workspace { now, next } = workspace;
        now.clear();
        let (x, z) = self.primary(now, &mut random);
        for stage in &self.stages {
            next.clear();
            stage.respond(now, next, &mut random);
            std::mem::swap(now, next);
        }
        now.x.iter_mut().for_each(|value| *value -= x);
        now.z.iter_mut().for_each(|value| *value -= z);
        now
    }

    /// Puts the primary electrons above the first foil and returns where they started.
    fn primary(&self, cloud: &mut Cloud, random: &mut Stream) -> (f32, f32) {
        let (x, z) = match self.start {
            Start::At { x_um, z_um } => ((x_um / 1000.0) as f32, (z_um / 1000.0) as f32),
            Start::Cell | Start::Drift | Start::Track => self.lattice.point_in_cell(random),
        };
        match (self.start, &self.track) {
            (Start::Drift, _) => {
                let height = self.drift_mm * random.random::<f64>();
                self.drift_down(cloud, [x, z], height, random);
            }
            (Start::Track, Some(track)) => {
                let clusters: Vec<Cluster> = track.clusters(random).collect();
                for Cluster { height_mm, offset_mm, electrons } in clusters {
                    let start = [x + offset_mm[0], z + offset_mm[1]];
                    (0..electrons).for_each(|_| self.drift_down(cloud, start, height_mm, random));
                }
            }
            _ => cloud.push(x, z, 0.0),
        }
        (x, z)
    }

    /// Adds an electron that drifted from a height above the first foil.
    fn drift_down(&self, cloud: &mut Cloud, [x, z]: [f32; 2], height_mm: f64, random: &mut Stream) {
        let drift = Drift::over(height_mm, &self.drift);
        let mut normal = [0.0; 3];
        fill_normal(random, &mut normal);
        let late = drift.sigma_t_ns as f32 * normal[2];
        cloud.push(
            x + drift.shift_mm as f32
                + drift.sigma_mm[0] as f32 * normal[0]
                + drift.sweep_mm_ns as f32 * late,
            z + drift.sigma_mm[1] as f32 * normal[1],
            drift.time_ns as f32 + late,
        );
    }

    /// The avalanches with these numbers, in order, a few at a time; all threads simulate together.
    pub fn blocks(&self, seed: u64, range: Range<u64>) -> impl Iterator<Item = ElectronSet> {
        let Range { start, end } = range;
        let size = if self.start == Start::Track { 1 } else { Self::BLOCK };
        let together = size * Self::BLOCKS_TOGETHER;
        (start..end).step_by(together as usize).flat_map(move |first| {
            let last = end.min(first + together);
            let firsts: Vec<u64> = (first..last).step_by(size as usize).collect();
            let simulate = |workspace: &mut Workspace, first: u64| {
                let mut set = ElectronSet::default();
                for index in first..last.min(first + size) {
                    let cloud = self.avalanche(seed, index, workspace);
                    set.push(&cloud.x, &cloud.z, &cloud.t);
                }
                set
            };
            firsts.into_par_iter().map_init(Workspace::default, simulate).collect::<Vec<_>>()
        })
    }
}
