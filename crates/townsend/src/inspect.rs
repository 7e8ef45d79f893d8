//! What a set of avalanches holds, in memory.

use serde::Serialize;
use townsend_core::{Dataset, Grid, Provenance};
use townsend_observables::text::{significant, thousands, with_error};
use townsend_observables::{Gain, Measured, ObservableOptions, Observables};

use crate::{Context, Result};

/// What a set of avalanches holds.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// What its author said of it.
    pub source: String,
    /// How it was made, as far as it says so.
    pub provenance: Provenance,
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// Number of avalanches without electrons.
    pub empty: usize,
    /// Electrons in all avalanches.
    pub electrons: u64,
    /// The gain and its fluctuation; none for fewer than two avalanches.
    pub gain: Option<Gain>,
    /// The grid, if the avalanches are counts.
    pub grid: Option<Grid>,
    /// Fraction of the electrons outside the grid (of the standard grid, for electrons).
    pub fraction_outside: f64,
    /// Units of x, z, t.
    pub units: [String; 3],
    /// Mean and spread of every observable that the data allow.
    pub observables: Vec<ObservableSummary>,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Mean and spread of an observable over the avalanches.
#[derive(Debug, Clone, Serialize)]
pub struct ObservableSummary {
    /// Its name.
    pub name: &'static str,
    /// Its unit; empty for a pure number.
    pub unit: String,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// Avalanches that have it.
    pub avalanches: usize,
}

/// Says what a set of avalanches holds: how many, how large, and the mean and spread of every observable.
///
/// ```
/// use townsend::{Context, Setting, inspect, simulate};
///
/// let avalanches = simulate(&townsend::detector(None)?, 1, 0..50, &Setting::default())?;
/// let inspection = inspect(&avalanches, &Context::default())?;
/// assert_eq!(inspection.avalanches, 50);
/// assert!(inspection.observables.iter().any(|observable| observable.name == "rms_x"));
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn inspect(data: &Dataset, context: &Context<'_>) -> Result<Inspection> {
    Ok(of_observables(data, &observables(data, context)?))
}

/// The observables of every avalanche.
///
/// ```
/// use townsend::{Context, Setting, observables, simulate};
///
/// let avalanches = simulate(&townsend::detector(None)?, 1, 0..50, &Setting::default())?;
/// let observed = observables(&avalanches, &Context::default())?;
/// assert!(observed.columns().iter().any(|column| column.observable.name() == "rms_x"));
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn observables(data: &Dataset, context: &Context<'_>) -> Result<Observables> {
    let options = ObservableOptions { seed: context.seed, ..ObservableOptions::default() };
    Ok(context.on_its_threads(|| Observables::of(data, &options, context.progress))?)
}

/// What the observables of a set say of it.
pub(crate) fn of_observables(data: &Dataset, observed: &Observables) -> Inspection {
    let mut warnings = Vec::new();
    if observed.outside > 0 {
        warnings.push(format!(
            "{} electrons ({}% of all) lie outside the grid, in its flow bins",
            observed.outside,
            significant(100.0 * observed.fraction_outside(), 2)
        ));
    }
    if observed.avalanches > 0 && observed.empty == observed.avalanches {
        warnings.push("all avalanches are empty".into());
    }
    let filled = observed.columns().iter().filter(|column| !column.values.is_empty());
    let sizes: Vec<u64> = (0..data.len()).map(|index| data.electrons(index)).collect();
    Inspection {
        source: data.meta().provenance.source.clone(),
        provenance: data.meta().provenance.clone(),
        avalanches: observed.avalanches,
        empty: observed.empty,
        electrons: observed.electrons,
        gain: Gain::of(&sizes),
        grid: data.grid().cloned(),
        fraction_outside: observed.fraction_outside(),
        units: data.meta().units.clone(),
        observables: filled
            .map(|column| ObservableSummary {
                name: column.observable.name(),
                unit: column.unit.clone(),
                mean: column.mean(),
                std: column.std(),
                avalanches: column.values.len(),
            })
            .collect(),
        warnings,
    }
}

impl Inspection {
    /// What is said of the set as a whole: names and values.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if !self.source.is_empty() {
            facts.push(("source", self.source.clone()));
        }
        facts.extend(made_with(&self.provenance));
        facts.push(("avalanches", self.avalanches.to_string()));
        facts.push(("empty", empty(self.empty, self.avalanches, self.gain.as_ref())));
        facts.push(("electrons", self.electrons.to_string()));
        facts.extend(self.gain.iter().flat_map(gain));
        facts.extend(self.grid.as_ref().map(|grid| ("grid", grid.to_string())));
        facts
    }
}

/// How a set was made, as far as it says so.
fn made_with(of: &Provenance) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if !of.producer.is_empty() {
        let seed = of.seed.map_or(String::new(), |seed| format!(", seed {seed}"));
        facts.push(("made by", format!("{} {}{seed}", of.producer, of.action)));
    }
    if let Some(setting) = &of.setting {
        facts.extend(setting.start.clone().map(|start| ("start", start)));
        for (name, values) in &setting.conditions {
            let values: Vec<String> = values.iter().map(f64::to_string).collect();
            facts.push(("condition", format!("{name} = {}", values.join(", "))));
        }
    }
    if let (Some(shard), Some(events)) = (of.shard, of.events) {
        let first = of.first.map_or(String::new(), |first| format!(", from number {}", thousands(first)));
        let part = format!("{} of {} of {} avalanches{first}", shard.index, shard.count, thousands(events));
        facts.push(("part", part));
    }
    let detector = of.detector.as_ref().and_then(|detector| detector.get("name")?.as_str());
    facts.extend(detector.map(|name| ("detector", name.to_owned())));
    facts.extend(recorded(of));
    facts.extend(of.gas.clone().map(|gas| ("gas", gas)));
    facts
}

/// What the recorded responses that avalanches were drawn from are worth, a fact for each stage.
fn recorded(of: &Provenance) -> Vec<(&'static str, String)> {
    let stages = of.detector.as_ref().and_then(|detector| detector.pointer("/recorded/stages")?.as_array());
    let fact = |stage: &serde_json::Value| {
        let (name, neighbours) = (stage["responses"].as_str()?, stage.pointer("/draw/neighbours")?);
        let (all, effective) = (stage.pointer("/counted/responses")?, stage.pointer("/counted/effective")?);
        let effective = effective.as_f64()?;
        let what =
            format!("{name}: {all}, worth {effective:.0} equally frequent ones; of {neighbours} nearest");
        Some(("responses", what))
    };
    stages.into_iter().flatten().filter_map(fact).collect()
}

fn empty(number: usize, avalanches: usize, gain: Option<&Gain>) -> String {
    let percent = match gain.map(|gain| gain.empty) {
        Some(Measured { value, error }) => with_error(100.0 * value, 100.0 * error),
        None => format!("{:.2}", 100.0 * number as f64 / avalanches.max(1) as f64),
    };
    format!("{number} ({percent}%)")
}

/// The gain of a set; what cannot be told is left out.
fn gain(of: &Gain) -> Vec<(&'static str, String)> {
    let Gain { effective, relative_variance, theta, .. } = of;
    let mut facts = vec![("gain", format!("{effective} electrons an avalanche, empty ones included"))];
    facts.extend(
        relative_variance
            .map(|f| ("variance", format!("{f} times the square of the gain, empty ones included"))),
    );
    facts.extend(theta.map(|theta| ("Polya θ", format!("{theta} of the avalanches that are not empty"))));
    facts
}

#[cfg(test)]
mod tests {
    use townsend_core::{ElectronSet, SettingNote, ShardNote};

    use super::*;

    fn set(sizes: &[usize]) -> Dataset {
        let mut electrons = ElectronSet::default();
        for &n in sizes {
            electrons.push(&vec![0.0; n], &vec![0.0; n], &vec![170.0; n]);
        }
        electrons.into()
    }

    #[test]
    fn the_gain_is_told_as_far_as_it_can_be() {
        let facts = |sizes: &[usize]| inspect(&set(sizes), &Context::default()).unwrap().facts();
        let told = facts(&[0, 2, 4, 6]);
        let told: Vec<_> = told.iter().map(|(name, value)| (*name, &**value)).collect();
        assert_eq!(told[1], ("empty", "1 (25 ± 18%)"));
        assert_eq!(told[3], ("gain", "3.0 ± 1.3 electrons an avalanche, empty ones included"));
        assert!(told[4].0 == "variance" && told[4].1.starts_with("0.74 ± "), "{told:?}");
        assert!(told[5].0 == "Polya θ" && told[5].1.starts_with("3.0 ± "), "{told:?}");
        let names = |sizes: &[usize]| facts(sizes).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(&[]), ["avalanches", "empty", "electrons"]);
        assert_eq!(names(&[3]), ["avalanches", "empty", "electrons"]);
        assert_eq!(names(&[0, 0]), ["avalanches", "empty", "electrons", "gain"]);
        assert_eq!(names(&[5, 5]), ["avalanches", "empty", "electrons", "gain", "variance"]);
    }

    #[test]
    fn what_avalanches_were_made_with_is_told() {
        let mut data = set(&[1, 2]);
        let setting =
            SettingNote { start: Some("cell".into()), conditions: [("v".into(), vec![280.0, 275.5])].into() };
        data.meta_mut().provenance = Provenance {
            producer: "townsend 1".into(),
            action: "generate".into(),
            seed: Some(9),
            setting: Some(setting),
            events: Some(1000),
            shard: Some(ShardNote { index: 3, count: 8 }),
            first: Some(250),
            detector: Some(serde_json::json!({ "name": "a GEM" })),
            gas: Some("Ar, B = 1 T".into()),
            ..Provenance::default()
        };
        let facts = inspect(&data, &Context::default()).unwrap().facts();
        let told: Vec<_> = facts.iter().take(6).map(|(name, value)| (*name, &**value)).collect();
        let wanted = [
            ("made by", "townsend 1 generate, seed 9"),
            ("start", "cell"),
            ("condition", "v = 280, 275.5"),
            ("part", "3 of 8 of 1,000 avalanches, from number 250"),
            ("detector", "a GEM"),
            ("gas", "Ar, B = 1 T"),
        ];
        assert_eq!(told, wanted);
    }
}
