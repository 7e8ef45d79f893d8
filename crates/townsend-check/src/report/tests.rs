use townsend_core::{Axis, Grid};

use super::*;
use crate::{InRange, ReferenceResult};

/// A small report with an example of every part, made of round numbers.
pub(crate) fn report() -> Report {
    let distance = |value: f64| Distance {
        value,
        floor: value / 4.0,
        interval: [value - 0.0625, value + 0.0625],
        p_value: None,
    };
    let sample = |mean| SampleSummary { mean, std: 0.5, avalanches: 75, left_out: 2 };
    let comparison = |unit: &str, w1: Option<f64>| Comparison {
        unit: unit.to_string(),
        real: sample(0.25),
        generated: sample(0.375),
        w1_over_sigma: w1.map(distance),
        ks: Distance { p_value: Some(0.125), ..distance(0.25) },
        separation_power: distance(0.125),
    };
    let set = |file: &str, empty_fraction| SetSummary {
        file: file.to_string(),
        sha256: "00ff".repeat(16),
        part: (file == "real.root").then(|| "the test part of run".to_string()),
        avalanches: 1_000,
        empty_fraction,
        empty_fraction_error: 0.0137,
        electrons: 1_234_567,
        fraction_outside: 0.0,
        warnings: if file == "real.root" { vec!["something was left aside".to_string()] } else { Vec::new() },
    };
    let score = |value: f64, error| Score {
        value,
        floor: value / 8.0,
        error,
        avalanches: [75, 74],
        method: "by hand".to_string(),
    };
    let legacy = Legacy {
        our_axis: Some("x".to_string()),
        binning: (1.0, 3.0, 400),
        real: InRange { in_range: 75, of: 75 },
        generated: InRange { in_range: 70, of: 75 },
        w1_over_sigma: Some(distance(0.5)),
        ks: Some(distance(0.25)),
        separation_power: Some(distance(0.125)),
        reference: Some(ReferenceResult {
            run: "a run".to_string(),
            w1_over_sigma: 0.5,
            ks: 0.25,
            separation_power: 0.125,
            produced_in_range: Some(5_000),
        }),
    };
    let axis = Axis::uniform(90, -1.5, 1.5).unwrap().with_label("x [mm]");
    Report {
        schema: Report::SCHEMA.to_string(),
        producer: "townsend 0.1.0".to_string(),
        seed: 1,
        real: set("real.root", 0.25),
        generated: set("generated.root", 0.125),
        compared: Compared {
            form: Form::Counts,
            grid: Grid::new(vec![axis]).unwrap(),
            units: ["mm", "mm", "ns"].map(String::from),
            note: "both sets are counts".to_string(),
        },
        empty: EmptyDifference { difference: -0.125, error: 0.0175 },
        observables: [("rms_x", comparison("mm", Some(0.5))), ("n_cells", comparison("", None))]
            .map(|(name, comparison)| (name.to_string(), comparison))
            .into(),
        c2st: Some(ClassifierTest {
            auc: score(0.75, Some(0.0625)),
            auc_network: None,
            auc_low_level: Some(score(0.625, Some(0.03125))),
            auc_cells_trees: Some(score(0.5625, Some(0.03125))),
            details: BTreeMap::new(),
        }),
        fpd: Some(score(0.0625, Some(0.0125))),
        kpd: Some(score(-0.0005, None)),
        precision: Some(score(0.5, None)),
        recall: None,
        density: None,
        coverage: None,
        correlations: None,
        duplicates: None,
        memorisation: None,
        pair_correlation: None,
        lumpiness_by_scale: BTreeMap::new(),
        strips: BTreeMap::new(),
        conditional: Vec::new(),
        verdict: None,
        legacy: [("z_mean".to_string(), legacy)].into(),
        warnings: vec!["take care".to_string()],
    }
}

/// The format is a contract with scripts: a change here is a change of the schema.
#[test]
fn the_schema_is_fixed() {
    let json = report().to_json().unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report());
    insta::assert_snapshot!("report_json", json);
}

#[test]
fn the_table_lines_up() {
    insta::assert_snapshot!("report_table", report().table());
}

#[test]
fn unknown_fields_are_refused() {
    let json = report().to_json().unwrap().replacen("\"seed\"", "\"sead\"", 1);
    assert!(serde_json::from_str::<Report>(&json).unwrap_err().to_string().contains("sead"));
}

/// Everything that a terminal is shown keeps to 80 columns; a path is as long as it is.
#[test]
fn tables_and_verdict_fit_80_columns() {
    let mut report = report();
    report.verdict = Some(crate::Verdict::of(&report, &crate::Thresholds::default()));
    let names = Observable::ALL.map(|observable| observable.name().to_string());
    let one = report.observables["rms_x"].clone();
    for (k, name) in names.into_iter().enumerate() {
        let mut comparison = Comparison { unit: "mm²".into(), ..one.clone() };
        comparison.real.mean = -1.234_56e-5 * 10f64.powi(k as i32 % 12);
        comparison.ks.p_value = Some(1.234e-12);
        report.observables.insert(name, comparison);
    }
    let ranking = crate::Ranking::of(&[("a".repeat(70), report.clone())]);
    for text in [report.table(), report.lights(), ranking.table()] {
        for line in text.lines().filter(|line| !line.starts_with("against")) {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }
    assert!(report.table().contains("the test part of run: 1,000, "), "{}", report.table());
    assert!(
        ranking.table().contains("real against real") && ranking.table().contains("the test part of run")
    );
}
