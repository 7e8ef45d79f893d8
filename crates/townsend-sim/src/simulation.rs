//! The simulation of whole avalanches.

use std::fmt;
use std::ops::{Deref, Range};
use std::str::FromStr;
use std::sync::Arc;

use rand::RngExt;
use townsend_core::{ElectronBuffer, ElectronSet, Purpose, Stream, electron_blocks, stream};

use crate::detector::within;
use crate::gap::{Multiplication, MultiplyingGap, displaced};
use crate::{
    Cluster, Detector, Direction, Drift, FoilStage, Ionisation, Lattice, SimError, Stage, StageWorkspace,
    Transport,
};

/// Where the primary electron starts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Start {
    /// Distributed uniformly over the cell of a hole, just above the first foil.
    #[default]
    Cell,
    /// Distributed uniformly over such a cell and over the height of the drift gap.
    Drift,
    /// At this place above the first foil, µm from the centre of a hole.
    At {
        /// Along E × B.
        x_um: f64,
        /// Along B.
        z_um: f64,
    },
    /// A charged track crosses the drift gap, and the first foil at a point distributed uniformly over such a
    /// cell; all electrons that it frees are primary electrons. Positions are relative to where it crosses
    /// the foil.
    Track,
}

impl fmt::Display for Start {
    /// The form that is read from text; only [`Start::Track`] cannot be read, since it has an option of its
    /// own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell => f.write_str("cell"),
            Self::Drift => f.write_str("drift"),
            Self::At { x_um, z_um } => write!(f, "{x_um},{z_um}"),
            Self::Track => f.write_str("track"),
        }
    }
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
    direction: Direction,
    /// What happens in the drift gap besides drift, if something does.
    multiplication: Option<Multiplication>,
    track: Option<Ionisation>,
}

/// Memory of one avalanche, reused for the next: an avalanche allocates only if it needs more than all before
/// it.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The electrons above the stages with even numbers (counted from 0), and above those with odd numbers.
    buffers: [ElectronBuffer; 2],
    clusters: Vec<Cluster>,
    stage: StageWorkspace,
}

impl Simulation {
    const PURPOSE: Purpose = Purpose::new("simulate");
    /// Avalanches that one thread simulates before it hands them on. A track frees some 50 electrons and so
    /// makes as many avalanches, so an event of a track is a block of its own.
    const BLOCK: u64 = 32;
    /// Blocks that are simulated in parallel before the first of them is handed on.
    const BLOCKS_TOGETHER: u64 = 16;

    /// Prepares a detector.
    ///
    /// # Errors
    /// If the field of a gap is outside its gas table.
    pub fn new(detector: &Detector) -> Result<Self, SimError> {
        let lattice = Lattice::new((detector.lattice.pitch_um / 1000.0) as f32);
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        let direction = detector.gas.direction();
        for (k, foil) in detector.foils.iter().enumerate() {
            if let Some(stage) = FoilStage::of(detector, k)? {
                stages.push(Box::new(stage));
                continue;
            }
            let transport = detector.transport(foil.field_kv_cm)?;
            let length_mm = foil.gap_mm - foil.included_mm;
            let within_mm = if foil.magnetic.is_none() { foil.included_mm } else { 0.0 };
            let shift_mm = within_mm * transport.lorentz_tangent();
            let none = Drift { shift_mm, direction, ..Drift::default() };
            stages.push(Box::new(FoilStage::new(lattice, foil, &none)));
            let multiplication = Multiplication::new(transport, direction);
            Self::refuse_discharge(&format!("foils[{k}]"), &multiplication, length_mm)?;
            stages.push(Box::new(MultiplyingGap { multiplication, length_mm }));
        }
        let drift = detector.transport(detector.drift.field_kv_cm)?;
        let drift_mm = detector.drift.gap_mm;
        let multiplication = (drift.townsend_per_mm > 0.0 || drift.attachment_per_mm > 0.0)
            .then(|| Multiplication::new(drift, direction));
        if let Some(multiplication) = &multiplication {
            Self::refuse_discharge("drift", multiplication, drift_mm)?;
        }
        let track = detector.track.as_ref().map(|track| Ionisation::new(track, drift_mm));
        Ok(Self { lattice, stages, drift_mm, drift, direction, multiplication, track })
    }

    /// Refuses a gap in which one electron becomes more than 1,000. Chosen, not fitted: gaps of GEM detectors
    /// multiply by less than 10.
    fn refuse_discharge(at: &str, multiplication: &Multiplication, length_mm: f64) -> Result<(), SimError> {
        within(
            &format!(
                "the gain in the gap of {at}, by its field_kv_cm and the Townsend coefficient of the gas table,"
            ),
            multiplication.mean(length_mm),
            0.0,
            1_000.0,
        )
    }

    /// An error if avalanches cannot start like this: a track needs the detector's `[track]` table.
    pub fn check_start(&self, start: Start) -> Result<(), SimError> {
        if start == Start::Track && self.track.is_none() {
            return Err(SimError::Missing { table: "track", what: "how a track ionises the gas" });
        }
        Ok(())
    }

    /// The electrons at the anode of avalanche number `index`, in mm and ns: a function of seed, index and
    /// start alone. Positions are relative to the start of the primary electron, and times count from its
    /// start.
    ///
    /// With a start that [`Simulation::check_start`] refuses there are no electrons.
    pub fn avalanche<'a>(
        &self,
        seed: u64,
        index: u64,
        start: Start,
        workspace: &'a mut Workspace,
    ) -> &'a ElectronBuffer {
        let mut random = stream(seed, Self::PURPOSE, index);
        let Workspace { buffers: [now, next], clusters, stage: scratch } = workspace;
        // The references are exchanged rather than the buffers, so that the same avalanche finds the same
        // memory again.
        let (mut now, mut next) = (now, next);
        now.clear();
        let (x, z) = self.add_primaries(start, now, clusters, &mut random);
        for stage in &self.stages {
            next.clear();
            stage.respond(now, next, scratch, &mut random);
            std::mem::swap(&mut now, &mut next);
        }
        now.x.iter_mut().for_each(|value| *value -= x);
        now.z.iter_mut().for_each(|value| *value -= z);
        now
    }

    /// Places the primary electrons above the first foil and returns where they started, x and z in mm.
    fn add_primaries(
        &self,
        start: Start,
        electrons: &mut ElectronBuffer,
        clusters: &mut Vec<Cluster>,
        random: &mut Stream,
    ) -> (f32, f32) {
        let (x, z) = match start {
            Start::At { x_um, z_um } => ((x_um / 1000.0) as f32, (z_um / 1000.0) as f32),
            Start::Cell | Start::Drift | Start::Track => self.lattice.point_in_cell(random),
        };
        match start {
            Start::Cell | Start::At { .. } => electrons.push(x, z, 0.0),
            Start::Drift => {
                let height = self.drift_mm * random.random::<f64>();
                self.drift_down(electrons, [x, z], height, random);
            }
            Start::Track => {
                clusters.clear();
                if let Some(track) = &self.track {
                    clusters.extend(track.clusters(random));
                }
                for Cluster { height_mm, offset_mm, electrons: number } in clusters {
                    let start = [x + offset_mm[0], z + offset_mm[1]];
                    (0..*number).for_each(|_| self.drift_down(electrons, start, *height_mm, random));
                }
            }
        }
        (x, z)
    }

    /// Adds an electron above the first foil that has drifted down from a height above it.
    fn drift_down(
        &self,
        electrons: &mut ElectronBuffer,
        [x, z]: [f32; 2],
        height_mm: f64,
        random: &mut Stream,
    ) {
        if let Some(multiplication) = &self.multiplication {
            multiplication.cross([x, z, 0.0], height_mm, electrons, random);
        } else {
            let drift = Drift::over(height_mm, &self.drift, self.direction);
            let [x, z, t] = displaced([x, z, 0.0], &drift, random);
            electrons.push(x, z, t);
        }
    }

    /// The avalanches with the numbers of `range`, in order and in blocks of a few, simulated by all threads.
    /// Each is the one that [`Simulation::avalanche`] gives.
    pub fn blocks(
        &self,
        seed: u64,
        range: Range<u64>,
        start: Start,
    ) -> impl Iterator<Item = ElectronSet> + Send {
        Self::blocks_of(self, seed, range, start)
    }

    /// Like [`Simulation::blocks`], but the iterator owns the simulation.
    pub fn into_blocks(
        self: Arc<Self>,
        seed: u64,
        range: Range<u64>,
        start: Start,
    ) -> impl Iterator<Item = ElectronSet> + Send {
        Self::blocks_of(self, seed, range, start)
    }

    fn blocks_of(
        simulation: impl Deref<Target = Self> + Send + Sync,
        seed: u64,
        range: Range<u64>,
        start: Start,
    ) -> impl Iterator<Item = ElectronSet> + Send {
        let block = if start == Start::Track { 1 } else { Self::BLOCK };
        electron_blocks(range, block, Self::BLOCKS_TOGETHER, move |workspace, index| {
            simulation.avalanche(seed, index, start, workspace)
        })
    }
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("stages", &self.stages.len()).finish_non_exhaustive()
    }
}
