//! A ranking of several generators that were checked against the same real avalanches.

use serde::{Deserialize, Serialize};

use crate::{CheckError, Light, Report};
use townsend_observables::text::{align, significant};

/// Generators checked against the same real avalanches, the best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// Name and version of the format: [`Ranking::SCHEMA`].
    pub schema: String,
    /// Path of the real avalanches.
    pub real: String,
    /// The generators, ordered by the number of red lights, then of amber ones, then by the mean AUC of the
    /// classifiers, then by the mean W1/σ of the observables.
    pub generators: Vec<Ranked>,
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
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let aucs: Vec<f64> = report
            .c2st
            .iter()
            .flat_map(|test| {
                let others = [&test.auc_network, &test.auc_low_level, &test.auc_cells_trees];
                std::iter::once(&test.auc).chain(others.into_iter().flatten())
            })
            .map(|score| score.value)
            .collect();
        let distances: Vec<f64> =
            report.comparisons().filter_map(|(_, c)| Some(c.w1_over_sigma.as_ref()?.value)).collect();
        let count = |light| report.verdict.as_ref().map_or(0, |verdict| verdict.count(light));
        Self {
            generated: report.generated.file.clone(),
            report: folder.to_string(),
            light: report.verdict.as_ref().map_or(Light::Green, |verdict| verdict.light),
            lights: [Light::Green, Light::Amber, Light::Red].map(count),
            mean_auc: (!aucs.is_empty()).then(|| mean(&aucs)),
            mean_w1_over_sigma: mean(&distances),
            fpd: report.fpd.as_ref().map(|score| score.value),
            coverage: report.coverage.as_ref().map(|score| score.value),
        }
    }
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
        let real = reports.first().map_or(String::new(), |(_, report)| report.real.file.clone());
        Self { schema: Self::SCHEMA.to_string(), real, generators }
    }

    /// The ranking as JSON, ending with a line break.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, CheckError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The table as text: a row of headings, then one row for each generator, the best first.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let heading = ["", "light", "green", "amber", "red", "mean AUC", "mean W1/σ", "FPD", "coverage"];
        let number = |value: Option<f64>| value.map_or("none".to_string(), |value| significant(value, 3));
        let row = |of: &Ranked| {
            let [green, amber, red] = of.lights.map(|n| n.to_string());
            let light = of.light.name().to_string();
            let w1 = number(Some(of.mean_w1_over_sigma));
            vec![
                of.generated.clone(),
                light,
                green,
                amber,
                red,
                number(of.mean_auc),
                w1,
                number(of.fpd),
                number(of.coverage),
            ]
        };
        let rows = self.generators.iter().map(row);
        std::iter::once(heading.map(String::from).to_vec()).chain(rows).collect()
    }

    /// The table for a terminal, the best generator first.
    pub fn table(&self) -> String {
        format!("against {}, the best first\n\n{}\n", self.real, align(&self.rows()))
    }
}
