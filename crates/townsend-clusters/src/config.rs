//! The configuration of training, as it stands in a TOML file.

use serde::{Deserialize, Serialize};
use townsend_core::HeldBack;

use crate::{ClusterError, ClusterTraining};

/// The configuration of training: the tables `[model]`, `[data]` and `[training]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterConfig {
    /// The model.
    pub model: ModelTable,
    /// Which avalanches are held back.
    #[serde(default)]
    pub data: HeldBack,
    /// The settings of training.
    #[serde(default)]
    pub training: TrainingTable,
}

/// The `[model]` table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// The family of the model: [`ClusterConfig::FAMILY`].
    pub family: String,
    /// Levels of centres, 0 to 3.
    #[serde(default = "default_levels")]
    pub levels: usize,
}

/// The `[training]` table; see [`ClusterTraining`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingTable {
    /// Number of sweeps over all electrons.
    pub sweeps: usize,
    /// About how many electrons to train on.
    pub electrons: usize,
    /// Largest number of electrons to use of one avalanche.
    pub most_electrons: usize,
    /// Seed of all random numbers.
    pub seed: u64,
}

fn default_levels() -> usize {
    ClusterTraining::default().levels
}

impl Default for TrainingTable {
    fn default() -> Self {
        let ClusterTraining { sweeps, electrons, most_electrons, seed, .. } = ClusterTraining::default();
        Self { sweeps, electrons, most_electrons, seed }
    }
}

impl ClusterConfig {
    /// The name of the family in configurations and runs.
    pub const FAMILY: &str = "clusters";

    /// Checks the configuration and returns the settings of training.
    ///
    /// # Errors
    /// If a value is outside its limits, or the fraction held back is not valid.
    pub fn check(&self) -> Result<ClusterTraining, ClusterError> {
        if self.model.family != Self::FAMILY {
            return Err(ClusterError::Range {
                key: "model.family".into(),
                value: self.model.family.clone(),
                allowed: Self::FAMILY,
            });
        }
        let TrainingTable { sweeps, electrons, most_electrons, seed } = self.training;
        let training = ClusterTraining { levels: self.model.levels, sweeps, electrons, most_electrons, seed };
        training.check()?;
        self.data.split()?;
        Ok(training)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<ClusterTraining, String> {
        let config: ClusterConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        assert_eq!(checked("model.family = \"clusters\""), Ok(ClusterTraining::default()));
        let shipped = include_str!("../configs/clusters.toml");
        assert_eq!(checked(shipped), Ok(ClusterTraining::default()));
        let config: ClusterConfig = toml::from_str(shipped).unwrap();
        let written: ClusterConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(written, config);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, said) in [
            ("family = \"vae\"", "model.family is vae, but must be clusters"),
            ("family = \"clusters\"\nlevels = 4", "model.levels is 4, but must be from 0 to 3"),
            ("family = \"clusters\"\nlevel = 2", "unknown field `level`"),
            ("family = \"clusters\"\n[data]\ntest = 1.5", "the validation and test fractions are 0 and 1.5"),
            ("family = \"clusters\"\n[training]\nsweeps = 3", "training.sweeps is 3, but must be from 10"),
        ] {
            let error = checked(&format!("[model]\n{text}")).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
