//! The simulation of whole avalanches.

use std::fmt;
use std::ops::{Deref, Range};
use std::str::FromStr;
use std::sync::Arc;

use rand::RngExt;
use townsend_core::{ElectronBuffer, ElectronSet, Purpose, Stream, electron_blocks, stream};

use crate::detector::within;
use crate::gap::{Multiplication, MultiplyingGap, displaced};
use crate::recorded::Cells;
use crate::{
    Cluster, Detector, Direction, Drift, Foil, FoilStage, Gap, Ionisation, Lattice, SimError, Stage,
    StageWorkspace, Transport,
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
    /// The cells of the first structure, where its responses were recorded.
    recorded_cells: Option<Cells>,
    stages: Vec<Box<dyn Stage>>,
    drift_mm: f64,
    /// The length of the drift gap, above the first foil, that the foil's values already hold.
    included_mm: f64,
    /// What of this length these values do not hold the shift of.
    unshifted_mm: f64,
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
    /// If the field of a gap is outside its gas table, or the gain that the detector shall have cannot be
    /// reached.
    pub fn new(detector: &Detector) -> Result<Self, SimError> {
        let mut stages: Vec<Box<dyn Stage>> = Vec::new();
        let direction = detector.gas.direction();
        for (k, foil) in detector.calibrated_foils()?.iter().enumerate() {
            let lattice = detector.lattice_of(k);
            let below = Below::of_foil(detector, k, foil)?;
            stages.push(Box::new(FoilStage::new(lattice, foil, &below.drift)));
            stages.extend(below.multiplying.map(|gap| Box::new(gap) as Box<dyn Stage>));
        }
        let pitch_um = detector.lattice.pitch_um;
        let recorded = detector.recorded.as_ref();
        if let Some(recorded) = recorded {
            for (k, stage) in recorded.stages.iter().enumerate() {
                let at = format!("recorded.stages[{k}]");
                let below = Below::new(detector, &at, stage.gap(), stage.included_mm, 0.0)?;
                stages.push(Box::new(recorded.stage(k, pitch_um, &below.drift)?));
                stages.extend(below.multiplying.map(|gap| Box::new(gap) as Box<dyn Stage>));
            }
        }
        let recorded_cells = recorded.and_then(|recorded| recorded.first_cells(pitch_um));
        let drift = detector.transport(detector.drift.field_kv_cm)?;
        let drift_mm = detector.drift.gap_mm;
        let [included_mm, _] = detector.included_mm(0);
        let symmetric = detector.foils.first().is_some_and(|foil| foil.magnetic.is_none());
        let unshifted_mm = if symmetric { included_mm } else { 0.0 };
        let multiplication = (drift.townsend_per_mm > 0.0 || drift.attachment_per_mm > 0.0)
            .then(|| Multiplication::new(drift, direction));
        if let Some(multiplication) = &multiplication {
            refuse_discharge("drift", multiplication, drift_mm)?;
        }
        let track = detector.track.as_ref().map(|track| Ionisation::new(track, drift_mm));
        Ok(Self {
            lattice: detector.lattice_of(0),
            recorded_cells,
            stages,
            drift_mm,
            included_mm,
            unshifted_mm,
            drift,
            direction,
            multiplication,
            track,
        })
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
            Start::Cell | Start::Drift | Start::Track => match &self.recorded_cells {
                Some(cells) => cells.point(random),
                None => self.lattice.point_in_cell(random),
            },
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

    /// Adds an electron above the first foil that has drifted down from a height above it, to the plane from
    /// which the values of this foil count. One that starts below that plane is ahead of those there by the
    /// time and the shift of what it does not have to drift.
    fn drift_down(
        &self,
        electrons: &mut ElectronBuffer,
        [x, z]: [f32; 2],
        height_mm: f64,
        random: &mut Stream,
    ) {
        let above_mm = height_mm - self.included_mm;
        let (length_mm, below_mm) = (above_mm.max(0.0), above_mm.min(0.0));
        let shift_mm = (below_mm + self.unshifted_mm) * self.drift.lorentz_tangent();
        let [along_x, along_z] = self.direction.vector().map(|part| (shift_mm * part) as f32);
        let ahead_ns = below_mm / (self.drift.velocity_um_ns / 1000.0);
        let start = [x + along_x, z + along_z, ahead_ns as f32];
        if let Some(multiplication) = &self.multiplication {
            multiplication.cross(start, length_mm, electrons, random);
        } else {
            let drift = Drift::over(length_mm, &self.drift, self.direction);
            let [x, z, t] = displaced(start, &drift, random);
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

/// The gap below a foil: what electrons drift through together with it, and what is left to a stage of its
/// own because electrons multiply there.
pub(crate) struct Below {
    pub(crate) drift: Drift,
    pub(crate) multiplying: Option<MultiplyingGap>,
}

impl Below {
    /// The gap below foil `k`.
    pub(crate) fn of_foil(detector: &Detector, k: usize, foil: &Foil) -> Result<Self, SimError> {
        // Below a mesh there may be no gap, and its field, where the mesh multiplies, is in no gas table.
        if foil.gap_mm == 0.0 {
            let drift = Drift { direction: detector.gas.direction(), ..Drift::default() };
            return Ok(Self { drift, multiplying: None });
        }
        // A foil whose parameters know nothing of a magnetic field is symmetric, so the shift by the field
        // within its region is added in the gap.
        let within_mm = if foil.magnetic.is_none() { foil.included_mm } else { 0.0 };
        Self::new(detector, &format!("foils[{k}]"), foil.gap(), foil.included_mm, within_mm)
    }

    /// The gap of `at`, without the length that the foil's values include; over `within_mm` of this the gap's
    /// shift by a magnetic field is added.
    fn new(
        detector: &Detector,
        at: &str,
        gap: Gap,
        included_mm: f64,
        within_mm: f64,
    ) -> Result<Self, SimError> {
        let direction = detector.gas.direction();
        let transport = detector.transport(gap.field_kv_cm)?;
        let length_mm = gap.gap_mm - included_mm;
        if transport.townsend_per_mm <= 0.0 || length_mm <= 0.0 {
            let mut drift = Drift::over(length_mm, &transport, direction);
            drift.shift_mm = (length_mm + within_mm) * transport.lorentz_tangent();
            return Ok(Self { drift, multiplying: None });
        }
        let shift_mm = within_mm * transport.lorentz_tangent();
        let multiplication = Multiplication::new(transport, direction);
        refuse_discharge(at, &multiplication, length_mm)?;
        Ok(Self {
            drift: Drift { shift_mm, direction, ..Drift::default() },
            multiplying: Some(MultiplyingGap { multiplication, length_mm }),
        })
    }
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

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("stages", &self.stages.len()).finish_non_exhaustive()
    }
}
