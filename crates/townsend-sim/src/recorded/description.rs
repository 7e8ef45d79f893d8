//! The description of stages of recorded responses, the table `[recorded]` of a detector.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Cells, RecordedStage, ResponseTable, Symmetry};
use crate::detector::within;
use crate::{Arrangement, Drift, Gap, Gas, SimError};

/// Stages of recorded responses, instead of foils.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedStages {
    /// The npz that has the responses, from the folder of the description.
    pub file: String,
    /// The structures, from the top, each with the gap below it.
    pub stages: Vec<RecordedFoil>,
    /// The responses of each structure, once they are there.
    #[serde(skip)]
    loaded: Option<Loaded>,
}

/// The contents of the file, and the responses in it for each stage.
#[derive(Debug, Clone, PartialEq)]
struct Loaded {
    contents: Arc<Vec<u8>>,
    responses: Vec<Arc<ResponseTable>>,
}

/// A structure whose responses were recorded, and the gap below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFoil {
    /// The name of its responses in the file.
    pub responses: String,
    /// Height of the gap below, mm.
    pub gap_mm: f64,
    /// Electric field in that gap, kV/cm.
    pub field_kv_cm: f64,
    /// Length of that gap (and of the one above) that lies between the planes where responses start and end,
    /// mm.
    #[serde(default)]
    pub included_mm: f64,
    /// How a response is chosen.
    #[serde(default)]
    pub draw: ResponseDraw,
    /// What was counted when the responses were learned; nothing follows from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted: Option<Counted>,
}

/// How an electron chooses its response among those that were recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseDraw {
    /// Number k of the nearest responses that it takes one of.
    pub neighbours: usize,
    /// Symmetries of the structure and its fields, besides the translations of the lattice. Each is one of
    /// the responses' coordinates, about their origin.
    pub symmetry: Vec<Symmetry>,
    /// Whether the children of a response are moved anew each time that it is taken.
    pub smooth: bool,
    /// How the structure repeats.
    pub lattice: Arrangement,
    /// Distance between neighbouring holes, µm; without it that of the detector's lattice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pitch_um: Option<f64>,
    /// Angle of the rows of holes from x towards z, degrees.
    pub rotation_deg: f64,
}

impl Default for ResponseDraw {
    fn default() -> Self {
        Self {
            neighbours: 12,
            symmetry: Vec::new(),
            smooth: true,
            lattice: Arrangement::default(),
            pitch_um: None,
            rotation_deg: 0.0,
        }
    }
}

/// How many responses there are, and how many they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Number of responses.
    pub responses: usize,
    /// The number of equally frequent ones that would repeat as often ([`RecordedStage::effective`]).
    pub effective: f64,
}

impl ResponseDraw {
    pub(super) fn cells(&self, pitch_um: f64) -> Cells {
        Cells::new(self.lattice, self.pitch_um.unwrap_or(pitch_um) / 1000.0, self.rotation_deg)
    }

    /// Checks every value, and that the magnetic field of the gas leaves the symmetries.
    ///
    /// # Errors
    /// [`SimError::Range`] or [`SimError::Recorded`], which name the value after `at`.
    pub fn check(&self, gas: &Gas, at: &str) -> Result<(), SimError> {
        let largest = ResponseTable::MOST as f64;
        within(&format!("{at}.neighbours"), self.neighbours as f64, 1.0, largest)?;
        within(&format!("{at}.rotation_deg"), self.rotation_deg, -360.0, 360.0)?;
        if let Some(pitch) = self.pitch_um {
            within(&format!("{at}.pitch_um"), pitch, 1.0, 10_000.0)?;
        }
        let shift = gas.direction().vector();
        match self.symmetry.iter().find(|symmetry| !symmetry.keeps(shift)) {
            Some(broken) if gas.magnetic_field_t > 0.0 => Err(SimError::Recorded {
                what: format!(
                    "{at}.symmetry: {} is no symmetry at gas.magnetic_field_t = {}, which shifts electrons along \
                     gas.lorentz_shift_deg = {}",
                    broken.name(),
                    gas.magnetic_field_t,
                    gas.lorentz_shift_deg
                ),
                remedy: match [Symmetry::ReflectX, Symmetry::ReflectZ].iter().find(|kept| kept.keeps(shift)) {
                    Some(kept) => format!("only {} is left, the reflection along B", kept.name()),
                    None => "none is left".into(),
                },
            }),
            _ => Ok(()),
        }
    }
}

impl RecordedFoil {
    /// The gap below.
    pub fn gap(&self) -> Gap {
        Gap { gap_mm: self.gap_mm, field_kv_cm: self.field_kv_cm }
    }
}

impl RecordedStages {
    /// The stages of responses in an npz of this name that are to be loaded.
    pub fn new(file: &str, stages: Vec<RecordedFoil>) -> Self {
        Self { file: file.into(), stages, loaded: None }
    }

    /// Takes the responses of each stage, and the contents of the file called `name` that they came from.
    ///
    /// # Errors
    /// If there are not as many as stages.
    pub fn load(
        &mut self,
        name: &str,
        contents: Vec<u8>,
        responses: Vec<ResponseTable>,
    ) -> Result<(), SimError> {
        if responses.len() != self.stages.len() {
            return Err(SimError::Recorded {
                what: format!("there are {} stages and responses of {}", self.stages.len(), responses.len()),
                remedy: "give some for each stage".into(),
            });
        }
        self.file = name.into();
        let responses = responses.into_iter().map(Arc::new).collect();
        self.loaded = Some(Loaded { contents: Arc::new(contents), responses });
        Ok(())
    }

    /// The contents of the file, once it is loaded.
    pub fn contents(&self) -> Option<&[u8]> {
        self.loaded.as_ref().map(|loaded| loaded.contents.as_slice())
    }

    /// Stage `k`, with the drift through the gap below it. `pitch_um` is that of the detector's lattice.
    ///
    /// # Errors
    /// As [`RecordedStage::new`]; or the file is not loaded.
    pub fn stage(&self, k: usize, pitch_um: f64, drift: &Drift) -> Result<RecordedStage, SimError> {
        let stage = self.stages.get(k);
        let responses = self.loaded.as_ref().and_then(|loaded| loaded.responses.get(k));
        let (Some(stage), Some(responses)) = (stage, responses) else {
            return Err(SimError::Recorded {
                what: format!("the responses in {} were not read", self.file),
                remedy: "open the detector by its file, or the run that holds it".into(),
            });
        };
        let named = |error| SimError::Of { stage: stage.responses.clone(), source: Box::new(error) };
        RecordedStage::new(Arc::clone(responses), &stage.draw, pitch_um, drift).map_err(named)
    }

    /// The cells of the first structure, where primary electrons start.
    pub(crate) fn first_cells(&self, pitch_um: f64) -> Option<Cells> {
        self.stages.first().map(|stage| stage.draw.cells(pitch_um))
    }

    pub(crate) fn check(&self, gas: &Gas) -> Result<(), SimError> {
        for (k, stage) in self.stages.iter().enumerate() {
            let at = format!("recorded.stages[{k}]");
            stage.draw.check(gas, &format!("{at}.draw"))?;
            within(&format!("{at}.included_mm"), stage.included_mm, 0.0, stage.gap_mm)?;
            stage.gap().check(&at)?;
        }
        Ok(())
    }
}
