//! The configuration of a training, in TOML.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use townsend_core::{Axis, Grid, GridError, Split, with_nearest};
use townsend_models::{ConfigError, ModelConfig, NetworkModel, Player, SizeConfig};

use crate::TrainError;

/// A configuration file: `[model]`, `[size]`, `[data]` and `[training]`. Only `model.family` has no default.
///
/// `model.preset` chooses the values of the keys that are not given: `"improved"` (the default) has those
/// that worked best in this project, `"reference"` the layers, losses and hyperparameters of the reference. A
/// configuration that was read has values for all keys, and no preset any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// The model of the shape of an avalanche.
    pub model: ModelConfig,
    /// The model of the number of electrons.
    #[serde(default)]
    pub size: SizeConfig,
    /// The avalanches to train on.
    #[serde(default)]
    pub data: DataConfig,
    /// The settings of training.
    #[serde(default)]
    pub training: TrainingConfig,
}

/// The `[data]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Fraction of the avalanches for validation, by which the best epoch is chosen.
    pub validation: f64,
    /// Fraction that is held back from training.
    pub test: f64,
    /// Seed of the split into these parts.
    pub seed: u64,
    /// The grid. By default that of the data, or for data without one the standard grid: x and z in 90 bins
    /// from −1.5 to 1.5 mm, t in 90 bins from 130 to 220 ns.
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
    /// Number of avalanches in a step.
    pub batch_size: usize,
    /// The optimiser.
    pub optimiser: Method,
    /// Learning rate.
    pub learning_rate: f64,
    /// Learning rate of the critic, if the model has one; by default equal to `learning_rate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critic_learning_rate: Option<f64>,
    /// Change of the learning rate in the course of the training.
    pub decay: Decay,
    /// Decay β₁ of Adam's running mean of the gradient.
    pub beta1: f64,
    /// Decay β₂ of the running mean of the squared gradient (α of RMSprop).
    pub beta2: f64,
    /// ε, which is added to the root in the denominator of a step.
    pub epsilon: f64,
    /// Largest norm of the gradient; a gradient with a larger one is scaled down to it. 0: no limit.
    pub clip: f64,
    /// Decay of a running mean of the weights, with which avalanches are generated. 0: they are generated
    /// with the weights themselves.
    pub average: f64,
    /// The number by which the best epoch is chosen, whose weights are kept.
    pub select: Select,
    /// Number of epochs without a better checkpoint after which training ends. 0: it never ends early.
    pub patience: u32,
    /// Whether avalanches are mirrored at the middle of the x and z axes at random: in a detector that is
    /// symmetric about both, each avalanche then stands for four.
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
            optimiser: Method::Adam,
            learning_rate: 1e-3,
            critic_learning_rate: None,
            decay: Decay::Cosine,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip: 0.0,
            average: 0.0,
            select: Select::Distance,
            patience: 0,
            augment_flips: false,
            seed: 1,
            device: "cpu".into(),
        }
    }
}

/// An optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Adam (Kingma and Ba 2015).
    Adam,
    /// RMSprop (Tieleman and Hinton 2012); `beta2` is its α.
    Rmsprop,
}

/// The number by which the best epoch of a training is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Select {
    /// The mean of W1/σ over the observables, between generated avalanches and the validation avalanches.
    Distance,
    /// The loss of the validation avalanches, if the model has a loss that can be compared between epochs.
    Loss,
    /// None: the last epoch counts as the best.
    Last,
}

/// The change of the learning rate in the course of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decay {
    /// Constant.
    None,
    /// Along half a cosine from `learning_rate` to 0 at the last step.
    Cosine,
}

impl TrainingConfig {
    /// The learning rate of `player` at `step` of `steps`, counted from 1.
    pub fn learning_rate_at(&self, player: Player, step: u64, steps: u64) -> f64 {
        let rate = match player {
            Player::Generator => self.learning_rate,
            Player::Critic => self.critic_learning_rate.unwrap_or(self.learning_rate),
        };
        let done = (step - 1) as f64 / steps as f64;
        match self.decay {
            Decay::None => rate,
            Decay::Cosine => rate * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0,
        }
    }
}

/// A configuration that was checked against the data, with its grid, split and model.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: TrainConfig,
    pub(crate) grid: Grid,
    pub(crate) split: Split,
    pub(crate) model: Box<dyn NetworkModel>,
}

impl TrainConfig {
    /// Reads a file and then replaces values by `overrides` of the form `training.epochs=10`.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        Self::parse(&read_text(path)?, path, overrides)
    }

    /// As [`TrainConfig::load`], from a text; `path` is named in errors only.
    pub fn parse(text: &str, path: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        let table = parse_table(text, path, overrides)?;
        let filled = fill_in(table.clone())?;
        filled.try_into().map_err(|error| {
            // An error in the text itself is reported with its line.
            let read = parse_config::<Self>(text, path, overrides);
            read.err().unwrap_or_else(|| wrong(path, &error))
        })
    }

    /// The configuration as TOML, every default written out.
    ///
    /// # Panics
    /// Never: all its values have a form in TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every configuration has a form in TOML")
    }

    /// Checks all values; if the configuration has no grid, chooses that of the data or the standard one.
    pub(crate) fn check(&self, own: Option<&Grid>) -> Result<Plan, TrainError> {
        // A model of the number of electrons alone still needs an axis for its histograms, of one bin.
        let dims = self.model.dims().max(1);
        let grid = match (&self.data.grid, own) {
            (Some(grid), _) => grid.clone(),
            (None, Some(grid)) => grid.first(dims)?,
            (None, None) => Grid::standard(dims)?,
        };
        let grid = if self.model.dims() == 0 { one_bin(&grid)? } else { grid };
        let model = self.model.check(&grid)?;
        self.size.check()?;
        self.training.check()?;
        let split = Split::new(self.data.seed, self.data.validation, self.data.test)?;
        let mut config = self.clone();
        config.data.grid = Some(grid.clone());
        Ok(Plan { config, grid, split, model })
    }
}

/// The first axis of a grid as one bin.
fn one_bin(grid: &Grid) -> Result<Grid, TrainError> {
    let axis = &grid.axes()[0];
    let one = Axis::uniform(1, axis.low(), axis.high());
    Ok(Grid::new(vec![one.map_err(GridError::from)?])?)
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
        let critic = self.critic_learning_rate.unwrap_or(self.learning_rate);
        let rates = [("learning_rate", self.learning_rate), ("critic_learning_rate", critic)];
        for (key, value) in rates.into_iter().chain([("epsilon", self.epsilon)]) {
            if !(value.is_finite() && value > 0.0) {
                return wrong(key, &value, "must be finite and above 0");
            }
        }
        for (key, value) in [("beta1", self.beta1), ("beta2", self.beta2), ("average", self.average)] {
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

fn read_text(path: &Path) -> Result<String, TrainError> {
    std::fs::read_to_string(path).map_err(|source| TrainError::Io { path: path.into(), source })
}

/// Reads the text of a configuration of any kind and then replaces values by `overrides` of the form
/// `training.epochs=10`; `path` is only named in errors.
pub fn parse_config<T: DeserializeOwned>(
    text: &str,
    path: &Path,
    overrides: &[String],
) -> Result<T, TrainError> {
    // Without overrides the text itself is read, so that an error is reported with its line.
    if overrides.is_empty() {
        return toml::from_str(text).map_err(|error| wrong(path, &error));
    }
    parse_table(text, path, overrides)?.try_into().map_err(|error| wrong(path, &error))
}

fn parse_table(text: &str, path: &Path, overrides: &[String]) -> Result<toml::Table, TrainError> {
    let mut table: toml::Table = toml::from_str(text).map_err(|error| wrong(path, &error))?;
    for entry in overrides {
        set(&mut table, entry)?;
    }
    Ok(table)
}

fn wrong(path: &Path, error: &toml::de::Error) -> TrainError {
    TrainError::Toml { path: path.into(), problem: with_nearest(error.to_string().trim_end()) }
}

/// Takes `model.preset` out of a table and adds the keys of the preset that the table does not have.
fn fill_in(mut table: toml::Table) -> Result<toml::Table, ConfigError> {
    let text = |value: Option<&toml::Value>| value.and_then(toml::Value::as_str).map(str::to_owned);
    let Some(model) = table.get_mut("model").and_then(toml::Value::as_table_mut) else { return Ok(table) };
    let preset = match model.remove("preset") {
        Some(value) => text(Some(&value)).ok_or_else(|| ModelConfig::no_preset(&value.to_string()))?,
        None => ModelConfig::DEFAULT_PRESET.to_owned(),
    };
    let Some(family) = text(model.get("family")) else { return Ok(table) };
    if let Some(preset) = ModelConfig::preset(&family, &preset)? {
        let preset = toml::from_str(preset).expect("presets are TOML, as a test says");
        let preset = of_dims(preset, model);
        merge(&mut table, preset);
    }
    Ok(table)
}

/// The values of a preset for the dimensions of `model`: those of `[dims.N]` take precedence in N dimensions.
fn of_dims(mut preset: toml::Table, model: &toml::Table) -> toml::Table {
    let Some(toml::Value::Table(mut all)) = preset.remove("dims") else { return preset };
    let bare = model.clone().into_iter().filter(|(key, _)| matches!(key.as_str(), "family" | "dims"));
    // A wrong family or number is reported when the whole configuration is read.
    let dims = bare.collect::<toml::Table>().try_into::<ModelConfig>().map(|model| model.dims().to_string());
    let mut table = match dims.ok().and_then(|dims| all.remove(&dims)) {
        Some(toml::Value::Table(table)) => table,
        _ => toml::Table::new(),
    };
    merge(&mut table, preset);
    table
}

/// Adds the entries of `defaults` that `table` does not have, section by section. A value with several parts,
/// such as a schedule, is taken as a whole from one of the two.
fn merge(table: &mut toml::Table, defaults: toml::Table) {
    for (key, value) in defaults {
        match (table.get_mut(&key), value) {
            (None, value) => {
                table.insert(key, value);
            }
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) if is_section(&key) => {
                merge(inner, value);
            }
            (Some(_), _) => {}
        }
    }
}

fn is_section(key: &str) -> bool {
    matches!(key, "model" | "size" | "data" | "training")
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
