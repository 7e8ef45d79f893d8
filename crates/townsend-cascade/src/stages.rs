//! Stages from recorded responses of single foils.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_check::{Distribution, Figure};
use townsend_core::InputFile;
use townsend_sim::{Detector, Foil, KnownFoil, Lattice, Recorded, Responses, fit_foil};

use super::responses::read_responses;
use crate::context::named_input;
use crate::{Context, Error, Result};

/// The responses of a stage, as a configuration names them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a stage is the name of its responses, or a list such as [{ name = \"a1\", voltage_v = 275.0 }, …]"
)]
pub(super) enum StageData {
    /// Their name.
    Named(String),
    /// Responses under several conditions.
    Under(Vec<Conditioned>),
}

/// Responses and the conditions that they were recorded under.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Conditioned {
    name: String,
    #[serde(flatten)]
    conditions: BTreeMap<String, f64>,
}

impl StageData {
    fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Under(parts) => parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" + "),
        }
    }

    /// The name of the first responses.
    fn first(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Under(parts) => parts.first().map_or("", |part| &part.name),
        }
    }

    fn read(&self, path: &Path) -> Result<Vec<Recorded>> {
        let parts = match self {
            Self::Named(name) => &vec![Conditioned { name: name.clone(), conditions: BTreeMap::new() }],
            Self::Under(parts) => parts,
        };
        let read = |part: &Conditioned| {
            Ok(Recorded { responses: read_responses(path, &part.name)?, conditions: part.conditions.clone() })
        };
        parts.iter().map(read).collect()
    }
}

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
    /// Standard errors of the foil's parameters, by their names in `detector.toml`; what the responses do not tell is missing.
    pub errors: BTreeMap<String, f64>,
}

/// What the stages were fitted to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagesFit {
    /// The file of responses.
    pub data: InputFile,
    /// The stages, from the top.
    pub stages: Vec<StageFit>,
}

/// Electrons that the figure sends from each recorded start through the fitted foil.
const TIMES: usize = 10;

/// Of a stage: how many children electrons have, where and when they come down; recorded and by the fitted foil.
fn distributions(
    name: &str,
    recorded: &Recorded,
    foil: &Foil,
    lattice: Lattice,
    seed: u64,
) -> Vec<Distribution> {
    let fitted = recorded.responses.again(foil, lattice, TIMES, seed);
    let distribution = |what: &str, unit: &str, of: &dyn Fn(&Responses) -> Vec<f64>| Distribution {
        name: format!("{name}: {what}"),
        unit: unit.into(),
        real: of(&recorded.responses),
        generated: of(&fitted),
    };
    vec![
        distribution("children", "", &Responses::numbers),
        distribution("x from the hole", "µm", &|responses| responses.distances(lattice)),
        distribution("time", "ns", &Responses::times),
    ]
}

/// Fits the foils of a detector to these responses. Also returns a figure: fitted against recorded, under the first of each
/// stage's conditions.
pub(super) fn fit(
    detector: &mut Detector,
    data_of: &[StageData],
    data: &Path,
    context: &Context<'_>,
) -> Result<(StagesFit, Figure)> {
    let lattice = Lattice::new((detector.lattice.pitch_um / 1000.0) as f32);
    let task = context.progress.task("fitting", data_of.len() as u64);
    let (mut stages, mut rows) = (Vec::new(), Vec::new());
    for (foil, stage) in detector.foils.iter_mut().zip(data_of) {
        context.go_on()?;
        let recorded = stage.read(data)?;
        let known = KnownFoil { extraction: foil.extraction, gap: foil.gap(), included_mm: foil.included_mm };
        let fitted = fit_foil(&recorded, lattice, &known).map_err(|error| Error::Content {
            path: data.into(),
            what: format!("{}: {error}", stage.name()),
        })?;
        let first = recorded
            .first()
            .map(|first| distributions(stage.first(), first, &fitted.foil, lattice, context.seed));
        rows.extend(first);
        *foil = fitted.foil;
        stages.push(StageFit {
            name: stage.name(),
            starts: fitted.starts,
            families: fitted.families,
            number_log_likelihood: fitted.number_log_likelihood,
            family_log_likelihood: fitted.family_log_likelihood,
            errors: fitted.errors,
        });
        task.advance(1);
    }
    let figure = Figure::of_distributions("stages", &rows)?;
    Ok((StagesFit { data: named_input(data)?, stages }, figure))
}
