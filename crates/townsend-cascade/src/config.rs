//! The configuration of a fit of a cascade, as it stands in a TOML file.

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
    /// Which avalanches are held back from the fit, for a fit to avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<HeldBack>,
    /// The settings of a fit to avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<FitConfig>,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeModel {
    /// The name of the family: `cascade`.
    pub family: String,
    /// The detector that the fit starts from. For a fit to responses it gives what these do not determine:
    /// gas, lattice, gaps, and the `extraction` and `included_mm` of the foils. For a fit to avalanches it is
    /// the first guess of everything. It is the name of a shipped detector, or the path of a file or of a
    /// cascade's run, from the configuration's folder or the current one.
    pub detector: PathBuf,
    /// The responses of each foil, from the top; without it the data are avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<StageData>>,
}

impl CascadeConfig {
    /// An error if the configuration contradicts itself or has a value outside its limits, as far as this
    /// shows without detector and data.
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

    /// The names of the responses that it asks for; none for a fit to avalanches.
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
    /// The fit of its foils to responses, if there was one: its standard errors are the prior of the fit to
    /// avalanches.
    pub stages: Option<StagesFit>,
    /// True if its values are a rough guess, so that its gain may be off by orders of magnitude; the gain is
    /// then scaled to the mean size of the avalanches before the fit.
    pub guessed: bool,
}

/// The data that a cascade was fitted to, and the quality of the fit.
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

    /// A list of no responses must not be taken for a fit to avalanches, which nobody asked for.
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
