//! Stages from recorded responses of single foils.

use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::InputFile;
use townsend_sim::{Detector, KnownFoil, Lattice, fit_foil};

use super::responses::read_responses;
use crate::context::named_input;
use crate::{Context, Error, Result};

/// How the fit of a stage ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageFit {
    /// The name of its responses.
    pub name: String,
    /// Number of responses.
    pub starts: usize,
    /// Responses with at least one electron.
    pub families: usize,
    /// ln of the probability of all numbers of electrons.
    pub number_log_likelihood: f64,
    /// ln of the density of the families' mean places and times.
    pub family_log_likelihood: f64,
}

/// What the stages were fitted to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagesFit {
    /// The file of responses.
    pub data: InputFile,
    /// The stages, from the top.
    pub stages: Vec<StageFit>,
}

/// Fits the foils of a detector to the responses with these names, one a foil.
pub(super) fn fit(
    detector: &mut Detector,
    names: &[String],
    data: &Path,
    context: &Context<'_>,
) -> Result<StagesFit> {
    let lattice = Lattice::new((detector.lattice.pitch_um / 1000.0) as f32);
    let task = context.progress.task("fitting", names.len() as u64);
    let mut stages = Vec::new();
    for (foil, name) in detector.foils.iter_mut().zip(names) {
        context.go_on()?;
        let responses = read_responses(data, name)?;
        let known = KnownFoil { extraction: foil.extraction, gap: foil.gap(), included_mm: foil.included_mm };
        let fitted = fit_foil(&responses, lattice, &known)
            .map_err(|error| Error::Content { path: data.into(), what: format!("{name}: {error}") })?;
        *foil = fitted.foil;
        stages.push(StageFit {
            name: name.clone(),
            starts: fitted.starts,
            families: fitted.families,
            number_log_likelihood: fitted.number_log_likelihood,
            family_log_likelihood: fitted.family_log_likelihood,
        });
        task.advance(1);
    }
    Ok(StagesFit { data: named_input(data)?, stages })
}
