//! The configuration of a fit of a cascade, as it stands in a TOML file.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use townsend_core::{HeldBack, Split};
use townsend_sim::{Detector, ResponseDraw};

use crate::stages::{StageData, StagesFit};
use crate::{AnodeFit, CascadeError, FitConfig, RecordedSummary, Result};

/// A configuration: the table `[model]`, for a fit to avalanches `[data]` and `[fit]`, and for recorded
/// stages `[recorded]`.
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
    /// How recorded responses are chosen, for all stages; without it as the detector has it, if its stages
    /// are recorded, and by default otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<ResponseDraw>,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CascadeModel {
    /// The name of the family: `cascade`.
    pub family: String,
    /// What is made of responses.
    #[serde(default)]
    pub kind: StageKind,
    /// The detector that the fit starts from. For a fit to responses it gives what these do not determine:
    /// gas, lattice, gaps, and the `extraction` and `included_mm` of the foils. For a fit to avalanches it is
    /// the first guess of everything. It is the name of a shipped detector, or the path of a file or of a
    /// cascade's run, from the configuration's folder or the current one.
    pub detector: PathBuf,
    /// The responses of each foil, from the top; without it the data are avalanches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<StageData>>,
}

/// What stages are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// Foils that are fitted to responses or to avalanches.
    #[default]
    Fitted,
    /// The recorded responses themselves.
    Recorded,
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
        self.check_kind()?;
        self.split()?;
        self.fit.as_ref().map_or(Ok(()), FitConfig::check)
    }

    /// An error if it has what is not for its kind of stages.
    fn check_kind(&self) -> Result<()> {
        let refused = |what: &str| Err(CascadeError::Config(what.into()));
        match (self.model.kind, &self.model.stages) {
            (StageKind::Fitted, _) if self.recorded.is_some() => {
                refused("[recorded] is for model.kind = \"recorded\"; leave it out, or set that")
            }
            (StageKind::Recorded, None) => {
                refused("model.kind = \"recorded\" needs responses; name those of each stage in model.stages")
            }
            (StageKind::Recorded, Some(stages))
                if stages.iter().any(|stage| !matches!(stage, StageData::Named(_))) =>
            {
                refused(
                    "recorded responses depend on no condition; give one name for each stage in model.stages, or set \
                     model.kind = \"fitted\"",
                )
            }
            _ => Ok(()),
        }
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
    /// Recorded responses of each stage, as they are.
    Recorded(RecordedSummary),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_a_kind_is_refused() {
        for (more, said) in [
            ("kind = \"recorded\"", "needs responses"),
            ("kind = \"recorded\"\nstages = [[{ name = \"a1\", voltage_v = 275.0 }]]", "no condition"),
            ("stages = [\"a1\"]\n[recorded]\nneighbours = 3", "[recorded] is for model.kind"),
            ("[recorded]\nneighbours = 3", "[recorded] is for model.kind"),
        ] {
            let error = checked(more).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(said), "{more}: {error}");
        }
        checked("kind = \"recorded\"\nstages = [\"a1\"]\n[recorded]\nsymmetry = [\"reflect_z\"]").unwrap();
        let unknown =
            "[model]\nfamily = \"cascade\"\ndetector = \"cgem\"\n[recorded]\nsymmetry = [\"mirror\"]";
        let error = toml::from_str::<CascadeConfig>(unknown).unwrap_err().to_string();
        assert!(
            error.contains("mirror") && error.contains("`reflect_x`, `reflect_z`, `rotate_60`"),
            "{error}"
        );
    }

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
