//! How often recorded responses are used again.

use townsend_core::{ElectronBuffer, Purpose, stream};

use super::{RecordedStage, RecordedStages};
use crate::{Detector, Drift, SimError, Stage, StageWorkspace};

/// How often the responses of a stage are used, by simulated avalanches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reuse {
    /// Mean number of electrons above the structure in an avalanche: responses that it takes.
    pub parents: f64,
    /// The part of these electrons whose response another electron of the same avalanche took before.
    pub repeated: f64,
}

impl RecordedStages {
    /// Simulates so many avalanches of single electrons that start all over the cell of the first structure,
    /// and counts how often those of each stage take the same response again. Multiplication in gaps is left
    /// out.
    ///
    /// # Errors
    /// If the responses are not loaded, or cannot be drawn from in this detector.
    pub fn reuse(&self, detector: &Detector, avalanches: u64, seed: u64) -> Result<Vec<Reuse>, SimError> {
        const PURPOSE: Purpose = Purpose::new("reuse of responses");
        let pitch_um = detector.lattice.pitch_um;
        let stages = self.stages.iter().enumerate().map(|(k, stage)| {
            let transport = detector.transport(stage.field_kv_cm)?;
            let length_mm = stage.gap_mm - stage.included_mm;
            self.stage(k, pitch_um, &Drift::over(length_mm, &transport, detector.gas.direction()))
        });
        let stages: Vec<RecordedStage> = stages.collect::<Result<_, SimError>>()?;
        let Some(cells) = self.first_cells(pitch_um) else { return Ok(Vec::new()) };
        let mut counts = vec![[0usize; 2]; stages.len()];
        let (mut now, mut next) = (ElectronBuffer::default(), ElectronBuffer::default());
        let mut workspace = StageWorkspace::default();
        let mut taken = Vec::new();
        for index in 0..avalanches {
            let mut random = stream(seed, PURPOSE, index);
            now.clear();
            let (x, z) = cells.point(&mut random);
            now.push(x, z, 0.0);
            for (stage, [parents, repeated]) in stages.iter().zip(&mut counts) {
                next.clear();
                stage.respond(&now, &mut next, &mut workspace, &mut random);
                taken.clear();
                taken.extend_from_slice(RecordedStage::chosen(&workspace));
                taken.sort_unstable();
                *parents += taken.len();
                *repeated += taken.windows(2).filter(|pair| pair[0] == pair[1]).count();
                std::mem::swap(&mut now, &mut next);
            }
        }
        let of = |[parents, repeated]: [usize; 2]| Reuse {
            parents: parents as f64 / avalanches.max(1) as f64,
            repeated: repeated as f64 / parents.max(1) as f64,
        };
        Ok(counts.into_iter().map(of).collect())
    }
}
