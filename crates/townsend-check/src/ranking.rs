//! A ranking of several generators that were checked against the same real avalanches.

use serde::{Deserialize, Serialize};

use crate::{CheckError, Light, Report, Score};
use townsend_observables::Distance;
use townsend_observables::statistics::mean;
use townsend_observables::text::{align, significant};

/// Columns of a terminal for the name of a generator, so that the table has at most 80.
const NAME: usize = 24;

/// Generators checked against the same real avalanches, the best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// Name and version of the format: [`Ranking::SCHEMA`].
    pub schema: String,
    /// Path of the real avalanches.
    pub real: String,
    /// Which part of them was taken, in words; none if all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_part: Option<String>,
    /// What the same numbers are between halves of the real avalanches, scaled to the number of the first
    /// generator's: what a perfect generator reaches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_against_real: Option<RealAgainstReal>,
    /// The generators, ordered by the number of red lights, then of amber ones, then by the mean AUC of the
    /// classifiers, then by the mean W1/σ of the observables.
    pub generators: Vec<Ranked>,
}

/// The floors of the numbers by which generators are ranked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealAgainstReal {
    /// Mean floor of the AUC of the classifiers that were trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_auc: Option<f64>,
    /// Mean floor of W1/σ over the observables that have one.
    pub mean_w1_over_sigma: f64,
    /// Floor of the Fréchet distance of the observables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fpd: Option<f64>,
    /// Coverage of one half of the real avalanches by the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
}

/// One generator in a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranked {
    /// Path of its avalanches.
    pub generated: String,
    /// Folder of its report, relative to the ranking.
    pub report: String,
    /// Its worst light.
    pub light: Light,
    /// Numbers of green, amber and red lights.
    pub lights: [usize; 3],
    /// Number of grey lights: undecided, because there are too few avalanches.
    #[serde(default)]
    pub undecided: usize,
    /// Mean AUC of the classifiers that were trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_auc: Option<f64>,
    /// Mean W1/σ over the observables that have one.
    pub mean_w1_over_sigma: f64,
    /// Fréchet distance of the observables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fpd: Option<f64>,
    /// Coverage: fraction of real neighbourhoods that contain a generated avalanche.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
}

impl Ranked {
    fn of(folder: &str, report: &Report) -> Self {
        let count = |light| report.verdict.as_ref().map_or(0, |verdict| verdict.count(light));
        Self {
            generated: report.generated.file.clone(),
            report: folder.to_string(),
            light: report.verdict.as_ref().map_or(Light::Green, |verdict| verdict.light),
            lights: [Light::Green, Light::Amber, Light::Red].map(count),
            undecided: count(Light::Grey),
            mean_auc: mean_auc(report, |score| score.value),
            mean_w1_over_sigma: mean_w1(report, |distance| distance.value),
            fpd: report.fpd.as_ref().map(|score| score.value),
            coverage: report.coverage.as_ref().map(|score| score.value),
        }
    }
}

impl RealAgainstReal {
    fn of(report: &Report) -> Self {
        Self {
            mean_auc: mean_auc(report, |score| score.floor),
            mean_w1_over_sigma: mean_w1(report, |distance| distance.floor),
            fpd: report.fpd.as_ref().map(|score| score.floor),
            coverage: report.coverage.as_ref().map(|score| score.floor),
        }
    }
}

/// Mean over the classifiers that were trained; none if there are none.
fn mean_auc(report: &Report, of: impl Fn(&Score) -> f64) -> Option<f64> {
    let test = report.c2st.as_ref()?;
    let others = [&test.auc_network, &test.auc_low_level, &test.auc_cells_trees];
    let all = std::iter::once(&test.auc).chain(others.into_iter().flatten());
    Some(mean(&all.map(of).collect::<Vec<_>>()))
}

/// Mean over the observables that have W1/σ; 0 if there are none.
fn mean_w1(report: &Report, of: impl Fn(&Distance) -> f64) -> f64 {
    let all = report.comparisons().filter_map(|(_, c)| c.w1_over_sigma.as_ref());
    let all: Vec<f64> = all.map(of).collect();
    if all.is_empty() { 0.0 } else { mean(&all) }
}

impl Ranking {
    /// Name and version of the format.
    pub const SCHEMA: &'static str = "townsend-ranking/1";

    /// Ranks reports, each with the name of its folder. All must be of the same real avalanches.
    pub fn of(reports: &[(String, Report)]) -> Self {
        let mut generators: Vec<Ranked> =
            reports.iter().map(|(folder, report)| Ranked::of(folder, report)).collect();
        generators.sort_by(|a, b| {
            let lights = |r: &Ranked| (r.lights[2], r.lights[1]);
            let auc = |r: &Ranked| r.mean_auc.unwrap_or(f64::INFINITY);
            let by_lights = lights(a).cmp(&lights(b)).then(auc(a).total_cmp(&auc(b)));
            by_lights.then(a.mean_w1_over_sigma.total_cmp(&b.mean_w1_over_sigma))
        });
        let first = reports.first().map(|(_, report)| report);
        Self {
            schema: Self::SCHEMA.to_string(),
            real: first.map_or(String::new(), |report| report.real.file.clone()),
            real_part: first.and_then(|report| report.real.part.clone()),
            real_against_real: first.map(RealAgainstReal::of),
            generators,
        }
    }

    /// The ranking as JSON, ending with a line break.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, CheckError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The table as text: a row of headings, then one row for each generator, the best first, then one of the
    /// real avalanches against themselves.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let heading =
            ["", "light", "green", "grey", "amber", "red", "mean AUC", "mean W1/σ", "FPD", "coverage"];
        let number = |value: Option<f64>| value.map_or("none".to_string(), |value| significant(value, 3));
        let numbers = |auc, w1, fpd, coverage| [auc, Some(w1), fpd, coverage].map(number);
        let row = |of: &Ranked| {
            let [green, amber, red] = of.lights;
            let lights = [green, of.undecided, amber, red].map(|n| n.to_string());
            let numbers = numbers(of.mean_auc, of.mean_w1_over_sigma, of.fpd, of.coverage);
            let name = [of.generated.clone(), of.light.name().to_string()];
            name.into_iter().chain(lights).chain(numbers).collect()
        };
        let real = self.real_against_real.as_ref().map(|of| {
            let numbers = numbers(of.mean_auc, of.mean_w1_over_sigma, of.fpd, of.coverage);
            let none = ["real against real", "", "", "", "", ""].map(String::from);
            none.into_iter().chain(numbers).collect()
        });
        let rows = self.generators.iter().map(row).chain(real);
        std::iter::once(heading.map(String::from).to_vec()).chain(rows).collect()
    }

    /// The table for a terminal, the best generator first, without FPD and coverage, for which 80 columns are
    /// too few. Of a long name the end stands.
    pub fn table(&self) -> String {
        let short = |mut row: Vec<String>| {
            row.truncate(8);
            let length = row[0].chars().count();
            if length > NAME {
                row[0] = std::iter::once('…').chain(row[0].chars().skip(length - NAME + 1)).collect();
            }
            row
        };
        let rows: Vec<Vec<String>> = self.rows().into_iter().map(short).collect();
        let part = self.real_part.as_deref().unwrap_or("all avalanches");
        format!("against {} ({part}), the best first\n\n{}\n", self.real, align(&rows))
    }
}
