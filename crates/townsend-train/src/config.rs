//! The configuration of a training, in TOML.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use townsend_core::{Dataset, Grid, Split};
use townsend_models::{ConfigError, Model, ModelConfig, SizeConfig};

use crate::TrainError;

/// A configuration file: `[model]`, `[size]`, `[data]` and `[training]`. Only `model.family` has no default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// The model of an avalanche's shape.
    pub model: ModelConfig,
    /// The model of its number of electrons.
    #[serde(default)]
    pub size: SizeConfig,
    /// What it learns from.
    #[serde(default)]
    pub data: DataConfig,
    /// How it learns.
    #[serde(default)]
    pub training: TrainingConfig,
}

/// The `[data]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Fraction of the avalanches that chooses the best checkpoint.
    pub validation: f64,
    /// Fraction that training never sees.
    pub test: f64,
    /// Seed of the split into these parts.
    pub seed: u64,
    /// The grid. By default that of the data, or for data without one the standard grid: x and z in 90 bins from
    /// −1.5 to 1.5 mm, t in 90 bins from 130 to 220 ns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<Grid>,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self { validation: 0.1, test: 0.2, seed: 1, grid: None }
    }
}

/// The `[training]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Passes over the training avalanches.
    pub epochs: u32,
    /// Avalanches a step.
    pub batch_size: usize,
    /// Step size of Adam.
    pub learning_rate: f64,
    /// How the step size changes.
    pub decay: Decay,
    /// Decay of Adam's mean of the gradient.
    pub beta1: f64,
    /// Decay of Adam's mean of the squared gradient.
    pub beta2: f64,
    /// Added to the root in Adam's denominator.
    pub epsilon: f64,
    /// Largest norm of the gradient; a longer one is shortened to it. 0: no limit.
    pub clip: f64,
    /// Mirror avalanches at the middle of the x and z axes at random: a detector that is symmetric gives four
    /// avalanches for one.
    pub augment_flips: bool,
    /// Seed of initial weights, order of avalanches and noise.
    pub seed: u64,
    /// `cpu`, or in builds with these features `cuda` or `wgpu`.
    pub device: String,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 25,
            learning_rate: 1e-3,
            decay: Decay::Cosine,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip: 0.0,
            augment_flips: false,
            seed: 1,
            device: "cpu".into(),
        }
    }
}

/// How the step size changes in the course of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Not at all.
    None,
    /// Along half a period of a cosine from `learning_rate` to 0 at the last step.
    Cosine,
}

impl TrainingConfig {
    /// The step size at `step` of `steps`, counted from 1.
    pub fn learning_rate_at(&self, step: u64, steps: u64) -> f64 {
        let done = (step - 1) as f64 / steps as f64;
        match self.decay {
            Decay::None => self.learning_rate,
            Decay::Cosine => self.learning_rate * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0,
        }
    }
}

/// A configuration that was checked against the data, with nothing left open.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: TrainConfig,
    pub(crate) grid: Grid,
    pub(crate) split: Split,
    pub(crate) model: Box<dyn Model>,
}

impl TrainConfig {
    /// Reads a file and then replaces values by `overrides` of the form `training.epochs=10`.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        load_config(path, overrides)
    }

    /// As [`TrainConfig::load`], of a text; `path` is only named in errors.
    pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        parse_config(text, path, overrides)
    }

    /// The configuration as TOML, every default written out.
    ///
    /// # Panics
    /// Never: all its values have a form in TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every configuration has a form in TOML")
    }

    /// Checks all values, and settles what depends on the data.
    pub(crate) fn check(&self, data: &Dataset) -> Result<Plan, TrainError> {
        let dims = self.model.dims();
        let grid = match (&self.data.grid, data.grid()) {
            (Some(grid), _) => grid.clone(),
            (None, Some(grid)) => grid.first(dims)?,
            (None, None) => Grid::standard(dims)?,
        };
        let model = self.model.check(&grid)?;
        self.size.check()?;
        self.training.check()?;
        let split = Split::new(self.data.seed, self.data.validation, self.data.test)?;
        let mut config = self.clone();
        config.data.grid = Some(grid.clone());
        Ok(Plan { config, grid, split, model })
    }
}

impl TrainingConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key: &str, value: &dyn std::fmt::Debug, allowed: &str| {
            Err(ConfigError::new(format!("training.{key}"), value, allowed))
        };
        if self.epochs == 0 {
            return wrong("epochs", &self.epochs, "must be at least 1");
        }
        if !(2..=65_536).contains(&self.batch_size) {
            return wrong("batch_size", &self.batch_size, "must be from 2 to 65536");
        }
        for (key, value) in [("learning_rate", self.learning_rate), ("epsilon", self.epsilon)] {
            if !(value.is_finite() && value > 0.0) {
                return wrong(key, &value, "must be finite and above 0");
            }
        }
        for (key, value) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                return wrong(key, &value, "must be from 0 to below 1");
            }
        }
        if !(self.clip.is_finite() && self.clip >= 0.0) {
            return wrong("clip", &self.clip, "must be finite and at least 0 (0: no limit)");
        }
        Ok(())
    }
}

/// Reads a configuration of any kind and then replaces values by `overrides` of the form `training.epochs=10`.
pub fn load_config<T: DeserializeOwned>(path: &Path, overrides: &[String]) -> Result<T, TrainError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| TrainError::Io { path: path.into(), source })?;
    parse_config(&text, path, overrides)
}

fn parse_config<T: DeserializeOwned>(text: &str, path: &Path, overrides: &[String]) -> Result<T, TrainError> {
    let wrong = |error: toml::de::Error| TrainError::Toml {
        path: path.into(),
        problem: error.to_string().trim_end().to_owned(),
    };
    // Without overrides the text itself is read, so that an error shows its line.
    if overrides.is_empty() {
        return toml::from_str(text).map_err(wrong);
    }
    let mut table: toml::Table = toml::from_str(text).map_err(wrong)?;
    for entry in overrides {
        set(&mut table, entry)?;
    }
    table.try_into().map_err(wrong)
}

/// Sets `a.b=value` in a table; a value that is not TOML is taken as text.
fn set(table: &mut toml::Table, entry: &str) -> Result<(), TrainError> {
    let wrong = || TrainError::Override(entry.to_owned());
    let (key, text) = entry.split_once('=').ok_or_else(wrong)?;
    let parsed = toml::from_str::<toml::Table>(&format!("value = {}", text.trim()));
    let value = match parsed {
        Ok(mut parsed) if parsed.len() == 1 => parsed.remove("value").ok_or_else(wrong)?,
        _ => toml::Value::String(text.trim().to_owned()),
    };
    let mut keys: Vec<&str> = key.trim().split('.').collect();
    let last = keys.pop().filter(|key| !key.is_empty()).ok_or_else(wrong)?;
    let mut at = table;
    for key in keys {
        let inner = at.entry(key).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        at = inner.as_table_mut().ok_or_else(wrong)?;
    }
    at.insert(last.to_owned(), value);
    Ok(())
}
