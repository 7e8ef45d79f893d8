//! Metrics of rows of numbers agree with a second implementation of their definitions in NumPy, SciPy and
//! scikit-learn (`against_scipy.py`).

mod common;

use std::sync::LazyLock;

use common::computed_by;
use rand_distr::{Distribution, Normal};
use serde_json::{Value, json};
use townsend_check::{
    FeatureRows, RowClassifier, auc, classifier_auc, frechet_distance, kernel_distance, neighbours,
};
use townsend_core::{Purpose, stream};

const TEST: Purpose = Purpose::new("against scipy");

/// The data that both implementations are given.
struct Case {
    real: FeatureRows,
    generated: FeatureRows,
    scores: (Vec<f64>, Vec<f64>),
}

fn normal(n: usize, mean: f64, sigma: f64, index: u64) -> Vec<f64> {
    Normal::new(mean, sigma).unwrap().sample_iter(stream(1, TEST, index)).take(n).collect()
}

fn case() -> Case {
    let rows = |n: usize, shift: f64, index: u64| -> FeatureRows {
        let base: Vec<Vec<f64>> =
            (0..4).map(|c| normal(n, shift * f64::from(c), 1.0, index + c as u64)).collect();
        (0..n)
            .map(|i| vec![base[0][i], base[0][i] + base[1][i], base[2][i] * base[1][i], base[3][i]])
            .collect()
    };
    let scores = (normal(200, 1.0, 1.0, 1_004), normal(300, 0.0, 1.0, 1_005));
    let tied = |v: Vec<f64>| v.into_iter().map(|v| (v * 4.0).round()).collect();
    Case {
        real: rows(900, 0.0, 2_000),
        generated: rows(700, 0.2, 3_000),
        scores: (tied(scores.0), tied(scores.1)),
    }
}

/// The data and the results of Python, computed once.
static BOTH: LazyLock<(Case, Value)> = LazyLock::new(|| {
    let case = case();
    let given = json!({
        "rows": [case.real, case.generated], "scores": [case.scores.0, case.scores.1],
    });
    let found = computed_by("tests/against_scipy.py", &given);
    (case, found)
});

fn assert_close(name: &str, ours: f64, theirs: f64, relative: f64) {
    let scale = ours.abs().max(theirs.abs()).max(1e-9);
    assert!((ours - theirs).abs() <= relative * scale, "{name}: {ours} here, {theirs} there");
}

#[test]
fn metrics_of_rows_are_scipys_and_sklearns() {
    let (case, theirs) = &*BOTH;
    let their = |name: &str| theirs[name].as_f64().unwrap();
    assert_close("Fréchet", frechet_distance(&case.real, &case.generated), their("frechet"), 1e-8);
    assert_close("kernel", kernel_distance(&case.real, &case.generated), their("kernel"), 1e-8);
    let found = neighbours(&case.real, &case.generated);
    for (name, value) in [
        ("precision", found.precision),
        ("recall", found.recall),
        ("density", found.density),
        ("coverage", found.coverage),
    ] {
        assert_close(name, value, theirs["neighbours"][name].as_f64().unwrap(), 1e-12);
    }
    assert_close("auc", auc(&case.scores.0, &case.scores.1), their("auc"), 1e-12);
}

/// Trees and folds are different, so the result is the same within the statistics of 1,600 rows (± 0.015).
#[test]
fn trees_tell_as_well_as_sklearns() {
    let (case, theirs) = &*BOTH;
    let ours = classifier_auc(RowClassifier::Trees, &case.real, &case.generated, 1).unwrap();
    let theirs = theirs["trees"].as_f64().unwrap();
    assert!(theirs > 0.6 && (ours - theirs).abs() < 0.03, "{ours} here, {theirs} there");
}
