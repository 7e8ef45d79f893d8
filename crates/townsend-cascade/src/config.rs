//! A configuration of the fit of a cascade, as it stands in a file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use townsend_core::{HeldBack, Split};
use townsend_sim::Detector;

use crate::stages::{StageData, StagesFit};
use crate::{AnodeFit, CascadeError, FitConfig, Result};

/// A configuration: the table `[model]`, and for a fit to avalanches `[data]` and `[fit]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeConfig {
    /// The model.
    pub model: CascadeModel,
    /// What is held back; of avalanches, not of responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<HeldBack>,
    /// How to fit to avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<FitConfig>,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeModel {
    /// `cascade`.
    pub family: String,
    /// For responses: gas, lattice, gaps, and what responses do not tell of the foils: their extraction and
    /// `included_mm`. For avalanches: the guess that the fit starts from. A name, or a path from the
    /// configuration's folder or the current one, of a file or of a cascade's run.
    pub detector: PathBuf,
    /// For each foil its responses; without it the data are avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<StageData>>,
}

impl CascadeConfig {
    /// Refuses what cannot be, as far as it can be told without detector and data.
    pub fn check(&self) -> Result<()> {
        if self.model.stages.is_some() && (self.fit.is_some() || self.data.is_some()) {
            let what = "model.stages is for responses of foils, [data] and [fit] for avalanches";
            return Err(CascadeError::Config(what.into()));
        }
        let names_none = |stages: &Vec<StageData>| {
            stages.is_empty() || stages.iter().any(|stage| stage.names().is_empty())
        };
        if self.model.stages.as_ref().is_some_and(names_none) {
            let what = "model.stages names no responses for a foil; name some for each, or leave stages out \
                        to fit to avalanches";
            return Err(CascadeError::Config(what.into()));
        }
        self.split()?;
        self.fit.as_ref().map_or(Ok(()), FitConfig::check)
    }

    /// The names of the responses that it wants; none if it wants avalanches.
    pub fn responses(&self) -> Vec<String> {
        self.model.stages.iter().flatten().flat_map(StageData::names).collect()
    }

    /// Which avalanches are fitted to, and which are held back.
    pub fn split(&self) -> Result<Split> {
        Ok(self.data.unwrap_or_default().split()?)
    }
}

/// The detector that a fit starts from.
#[derive(Debug, Clone)]
pub struct Guess {
    /// The detector.
    pub detector: Detector,
    /// How its foils were fitted to responses before, if they were: what is believed of them.
    pub stages: Option<StagesFit>,
    /// True if it was made up, so that its gain may be off by orders of magnitude.
    pub guessed: bool,
}

/// What a cascade was fitted to, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum CascadeSummary {
    /// Recorded responses of each foil.
    Stages(StagesFit),
    /// Avalanches at the anode.
    Anode(AnodeFit),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(stages: &str) -> Result<()> {
        let text = format!("[model]\nfamily = \"cascade\"\ndetector = \"cgem\"\n{stages}");
        toml::from_str::<CascadeConfig>(&text).unwrap().check()
    }

    /// Without responses it would be a fit to avalanches, which nobody asked for.
    #[test]
    fn stages_without_responses_are_refused() {
        for stages in ["stages = []", "stages = [[], [], []]", "stages = [\"a1\", []]"] {
            let error = checked(stages).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("model.stages"), "{stages}: {error}");
        }
        for stages in ["", "stages = [\"a1\"]", "stages = [[{ name = \"a1\", voltage_v = 275.0 }]]"] {
            assert!(checked(stages).is_ok(), "{stages}");
        }
    }
}
