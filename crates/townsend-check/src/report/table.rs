//! The report as a table for a terminal.

use super::{Comparison, Report, SampleSummary, SetSummary};
use crate::score::Score;
use crate::{Judgement, Light};
use townsend_observables::Observable;
use townsend_observables::text::{align, decimal, percent, significant, thousands, wrap};

/// Columns of a terminal that tables and texts keep to.
const WIDTH: usize = 80;

impl Report {
    /// The table of distances and scores, with the warnings, in lines of 80 columns. What is too wide for
    /// that, the separation power and the floors of KS, stands on the page and in `report.json`.
    pub fn table(&self) -> String {
        let header = ["", "real", "generated", "W1/σ", "floor", "KS", "p"];
        let mut rows = vec![header.map(String::from).to_vec()];
        rows.extend(self.comparisons().map(|(observable, comparison)| row(observable, comparison)));
        let mut lines = vec![self.headline(), String::new(), align(&rows)];
        let scores: Vec<Vec<String>> = self.scores().map(|(name, score)| score_row(name, score)).collect();
        if !scores.is_empty() {
            let header =
                vec!["all observables".to_string(), "value".into(), "floor".into(), "avalanches".into()];
            lines.extend([String::new(), align(&[vec![header], scores].concat())]);
        }
        lines.push("\nfloor: the same between halves of the real set; ±: 68%".to_string());
        lines.push("p: chance of such a KS distance between sets of one distribution".to_string());
        lines.extend(self.warnings.iter().map(|warning| wrap(&format!("warning: {warning}"), WIDTH, 2)));
        lines.join("\n") + "\n"
    }

    /// The verdict for a terminal: the summary, and the questions whose light is not green.
    pub fn lights(&self) -> String {
        let Some(verdict) = &self.verdict else { return String::new() };
        let bad = verdict.judgements.iter().filter(|judgement| judgement.light != Light::Green);
        let line = |judgement: &Judgement| {
            let Judgement { light, question, metric, .. } = judgement;
            let needed = judgement.avalanches_to_decide.map_or(String::new(), |n| {
                format!("; about {} avalanches would decide", thousands(n as u64))
            });
            wrap(&format!("{}: {question} ({metric}{needed})", light.name()), WIDTH, 2)
        };
        let summary = format!("\n{}", wrap(&format!("verdict: {}", verdict.summary), WIDTH, 2));
        std::iter::once(summary).chain(bad.map(line)).collect::<Vec<_>>().join("\n") + "\n"
    }

    fn headline(&self) -> String {
        let set = |name: &str, set: &SetSummary| {
            let found = format!(
                "{}: {}, ({} ± {})% empty",
                set.taken(),
                thousands(set.avalanches as u64),
                significant(100.0 * set.empty_fraction, 3),
                significant(100.0 * set.empty_fraction_error, 2),
            );
            format!("{name}: {}\n  {}", set.file, wrap(&found, WIDTH - 2, 2))
        };
        let difference = &self.empty;
        format!(
            "{}\n{}\nempty, generated less real: {difference}",
            set("real", &self.real),
            set("generated", &self.generated)
        )
    }

    /// The metrics of all observables together, as far as they were computed, with their names in tables.
    pub fn scores(&self) -> impl Iterator<Item = (&'static str, &Score)> {
        let c2st = self.c2st.as_ref();
        let scores = [
            ("classifier AUC", c2st.map(|test| &test.auc)),
            ("AUC of a network", c2st.and_then(|test| test.auc_network.as_ref())),
            ("AUC on cells", c2st.and_then(|test| test.auc_low_level.as_ref())),
            ("AUC of trees on cells", c2st.and_then(|test| test.auc_cells_trees.as_ref())),
            ("FPD", self.fpd.as_ref()),
            ("KPD", self.kpd.as_ref()),
            ("precision", self.precision.as_ref()),
            ("recall", self.recall.as_ref()),
            ("density", self.density.as_ref()),
            ("coverage", self.coverage.as_ref()),
            ("duplicates", self.duplicates.as_ref()),
            ("memorisation", self.memorisation.as_ref()),
        ];
        scores.into_iter().filter_map(|(name, score)| Some((name, score?)))
    }
}

fn row(observable: Observable, comparison: &Comparison) -> Vec<String> {
    let unit = if comparison.unit.is_empty() { String::new() } else { format!(" [{}]", comparison.unit) };
    let mean = |sample: &SampleSummary| {
        if observable == Observable::Empty { percent(sample.mean) } else { significant(sample.mean, 4) }
    };
    let mut row =
        vec![format!("{}{unit}", observable.name()), mean(&comparison.real), mean(&comparison.generated)];
    let w1 = comparison.w1_over_sigma;
    row.push(w1.map_or("none".to_string(), |d| d.with_error()));
    row.push(w1.map_or(String::new(), |d| decimal(d.floor)));
    row.push(decimal(comparison.ks.value));
    row.push(comparison.ks.p_value.map_or(String::new(), |p| significant(p, 2)));
    row
}

fn score_row(name: &str, score: &Score) -> Vec<String> {
    let [real, generated] = score.avalanches.map(|n| thousands(n as u64));
    vec![name.to_string(), score.with_error(), significant(score.floor, 3), format!("{real} / {generated}")]
}
