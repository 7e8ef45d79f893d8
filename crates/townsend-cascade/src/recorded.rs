//! A cascade of recorded responses as they are, without a law that is fitted to them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::Work;
use townsend_sim::{
    Counted, Detector, Drift, RecordedFoil, RecordedStages, ResponseTable, Reuse, SimError, Simulation,
};

use crate::read::responses_of_npz;
use crate::stages::{expected_shift_um, refuse_other_number, shift_contradiction};
use crate::{CascadeConfig, CascadeError, Responses, Result};

/// What the recorded responses of a stage are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedStageSummary {
    /// The name of the responses.
    pub name: String,
    /// Number of responses.
    pub starts: usize,
    /// Responses with at least one electron.
    pub families: usize,
    /// The number of equally frequent responses that would repeat as often as these do.
    pub effective: f64,
    /// Mean number of electrons of a response.
    pub gain: f64,
    /// Its standard error: the record is finite, and no number of avalanches makes it better known.
    pub gain_error: f64,
    /// Mean number of responses that an avalanche takes.
    pub taken: f64,
    /// The part of these that the same avalanche took before.
    pub repeated: f64,
    /// How often each response is taken in 1,000 avalanches, on average.
    pub uses_in_1000: f64,
}

/// What the recorded responses of all stages are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedSummary {
    /// The stages, from the top.
    pub stages: Vec<RecordedStageSummary>,
    /// Relative standard error of the mean size of avalanches, from those of the gains.
    pub relative_size_error: f64,
}

/// A cascade whose stages are recorded responses.
#[derive(Debug)]
pub struct RecordedCascade {
    /// The detector, with its responses.
    pub detector: Detector,
    /// The file of the responses that its description names: name and contents.
    pub file: (String, Vec<u8>),
    /// What they are worth.
    pub summary: RecordedSummary,
}

/// The file of a run that holds the responses.
const FILE: &str = "responses.npz";

/// Avalanches that are simulated to count how often responses are used again. Chosen, not fitted: the parts
/// that are counted are known to some per cent then, in less than a second.
const COUNTED: u64 = 1000;

/// Makes a cascade of the responses that a configuration names, given by their names. Gas, lattice and gaps
/// are those of `detector`. `seed` is that of the simulated avalanches by which the use of responses is
/// counted.
///
/// # Errors
/// The configuration has a value that is not allowed, or not one stage for each of the detector; responses
/// are missing, too few, or contradict gas and symmetry; the work was asked to stop.
pub fn record_stages(
    config: &CascadeConfig,
    detector: &Detector,
    responses: &BTreeMap<String, Responses>,
    seed: u64,
    work: Work<'_>,
) -> Result<RecordedCascade> {
    config.check()?;
    let names = config.responses();
    refuse_other_number(names.len(), detector)?;
    let task = work.progress.task("preparing", names.len() as u64);
    let mut tables = Vec::new();
    for (k, name) in names.iter().enumerate() {
        work.go_on()?;
        let recorded = responses.get(name).ok_or_else(|| CascadeError::NoResponses {
            name: name.clone(),
            given: responses.keys().cloned().collect(),
        })?;
        let of_stage = |source| CascadeError::Stage { responses: name.clone(), source: Box::new(source) };
        shift_contradiction(recorded, detector, expected_shift_um(detector, k)?)
            .map_or(Ok(()), Err)
            .map_err(of_stage)?;
        if !names[..k].contains(name) {
            tables.extend(recorded.arrays(name));
        }
        task.advance(1);
    }
    let contents = townsend_io::npz_of(&tables)
        .map_err(|error| CascadeError::Config(format!("the responses cannot be written: {error}")))?;
    let mut made = described(config, detector, names)?;
    // As the file has them, so that a run that is opened draws the same avalanches.
    load_responses(&mut made, FILE, contents.clone())?;
    Simulation::new(&made).map_err(CascadeError::Value)?;
    let summary = count(&mut made, seed)?;
    Ok(RecordedCascade { detector: made, file: (FILE.into(), contents), summary })
}

/// The description of the detector with stages of responses in place of what it had.
fn described(config: &CascadeConfig, detector: &Detector, names: Vec<String>) -> Result<Detector> {
    let mut made = detector.clone();
    let own = detector.recorded.iter().flat_map(|recorded| recorded.stages.iter().map(|stage| &stage.draw));
    let own: Vec<_> = own.cloned().collect();
    let stage = |(k, (responses, (gap, included_mm))): (usize, (String, _))| {
        let gap: townsend_sim::Gap = gap;
        let draw = config.recorded.clone().or_else(|| own.get(k).cloned()).unwrap_or_default();
        let in_config = |error: SimError| CascadeError::Config(error.to_string());
        draw.check(&detector.gas, "recorded").map_err(in_config)?;
        let (gap_mm, field_kv_cm) = (gap.gap_mm, gap.field_kv_cm);
        Ok(RecordedFoil { responses, gap_mm, field_kv_cm, included_mm, draw, counted: None })
    };
    let stages: Result<Vec<_>> = names.into_iter().zip(detector.gaps()).enumerate().map(stage).collect();
    made.foils.clear();
    // Recorded responses have the gain that they were recorded with.
    made.gain = None;
    made.recorded = Some(RecordedStages::new(FILE, stages?));
    Ok(made)
}

/// Reads the responses that the description of a detector names from the contents of an npz called `name`.
/// A detector without recorded stages is left as it is.
///
/// # Errors
/// If the npz is damaged, lacks some of the responses, or holds them in another form.
pub fn load_responses(detector: &mut Detector, name: &str, contents: Vec<u8>) -> Result<()> {
    let Some(recorded) = &mut detector.recorded else { return Ok(()) };
    let table = |stage: &RecordedFoil| {
        let responses = responses_of_npz(&contents, Path::new(name), &stage.responses)?;
        responses.table().map_err(CascadeError::Value)
    };
    let tables: Result<Vec<ResponseTable>> = recorded.stages.iter().map(table).collect();
    let tables = tables?;
    recorded.load(name, contents, tables).map_err(CascadeError::Value)
}

/// Counts what the responses of a detector are worth, and notes it in its description.
fn count(detector: &mut Detector, seed: u64) -> Result<RecordedSummary> {
    let pitch_um = detector.lattice.pitch_um;
    let Some(recorded) = &detector.recorded else {
        return Ok(RecordedSummary { stages: Vec::new(), relative_size_error: 0.0 });
    };
    let reuse = recorded.reuse(detector, COUNTED, seed).map_err(CascadeError::Value)?;
    let mut stages = Vec::new();
    for (k, Reuse { parents, repeated }) in reuse.into_iter().enumerate() {
        let stage = recorded.stage(k, pitch_um, &Drift::default()).map_err(CascadeError::Value)?;
        let table = stage.responses();
        let [gain, variance] = table.number();
        let (starts, effective) = (table.len(), stage.effective());
        stages.push(RecordedStageSummary {
            name: recorded.stages[k].responses.clone(),
            starts,
            families: table.families(),
            effective,
            gain,
            gain_error: (variance / starts as f64).sqrt(),
            taken: parents,
            repeated,
            uses_in_1000: 1000.0 * parents / starts as f64,
        });
    }
    let relative =
        |stage: &RecordedStageSummary| (stage.gain_error / stage.gain.max(f64::MIN_POSITIVE)).powi(2);
    let relative_size_error = stages.iter().map(relative).sum::<f64>().sqrt();
    if let Some(recorded) = &mut detector.recorded {
        for (stage, summary) in recorded.stages.iter_mut().zip(&stages) {
            stage.counted = Some(Counted { responses: summary.starts, effective: summary.effective });
        }
    }
    Ok(RecordedSummary { stages, relative_size_error })
}
