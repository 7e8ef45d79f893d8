//! More metrics agree with a second implementation of their definitions in NumPy, SciPy and scikit-learn, and
//! those of JetNet with JetNet (`against_sklearn.py`).

mod common;

use std::sync::LazyLock;

use common::{computed_by, file};
use rand_distr::{Distribution, Normal};
use serde_json::{Value, json};
use townsend_check::{
    CheckOptions, FeatureRows, Report, RowClassifier, check, classifier_auc, correlation_matrix, duplicates,
    frechet_distance, isotonic, kernel_distance, nearer_to_training,
};
use townsend_core::{Dataset, ElectronSet, Purpose, Work, stream};

const TEST: Purpose = Purpose::new("against sklearn");

/// Rows of four observables, two of them correlated, one heavy-tailed.
fn rows(n: usize, shift: f64, index: u64) -> FeatureRows {
    let normal = Normal::new(0.0, 1.0).unwrap();
    let mut random = stream(1, TEST, index);
    let row = |_| {
        let [a, b, c, d] = [0; 4].map(|_| normal.sample(&mut random));
        vec![a + shift, a + b, (b * c).powi(3), d + 2.0 * shift]
    };
    (0..n).map(row).collect()
}

/// Avalanches of 5 to 64 electrons, few enough that all pairs are used.
fn small_avalanches() -> ElectronSet {
    let mut set = ElectronSet::default();
    for index in 0..300u64 {
        let mut random = stream(2, TEST, index);
        let normal = Normal::new(0.0, 0.3).unwrap();
        let n = 5 + (index * 7 % 60) as usize;
        let mut axis = || -> Vec<f32> { (0..n).map(|_| normal.sample(&mut random) as f32).collect() };
        let (x, z, t) = (axis(), axis(), axis());
        set.push(&x, &z, &t);
    }
    set
}

struct Case {
    rows: [FeatureRows; 3],
    labels: Vec<f64>,
    many: [FeatureRows; 2],
    report: Report,
}

static BOTH: LazyLock<(Case, Value)> = LazyLock::new(|| {
    let set = small_avalanches();
    let data = Dataset::from(set.clone());
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    let report = check(&data, &data, file("a"), file("bb"), &options, Work::default()).unwrap().report;
    let case = Case {
        rows: [rows(700, 0.0, 0), rows(650, 0.2, 1), rows(700, 0.0, 2)],
        labels: (0..200u32).map(|k| f64::from(u8::from(k * k % 211 < k))).collect(),
        // One scale for both, so that the largest value does not decide.
        many: [rows(20_000, 0.0, 3), rows(20_000, 0.3, 4)]
            .map(|rows: FeatureRows| rows.into_iter().map(|row| vec![row[0], row[1], row[3]]).collect()),
        report,
    };
    let avalanches: Vec<Vec<[f64; 2]>> =
        set.iter().map(|a| (0..a.len()).map(|i| [a.x[i], a.z[i]].map(f64::from)).collect()).collect();
    let edges = &case.report.pair_correlation.as_ref().unwrap().edges;
    let given = json!({ "rows": case.rows, "labels": case.labels, "many": case.many, "avalanches": avalanches, "edges": edges });
    let found = computed_by("tests/against_sklearn.py", &given);
    (case, found)
});

fn close(name: &str, ours: f64, theirs: &Value, relative: f64) {
    let theirs = theirs.as_f64().unwrap();
    let scale = ours.abs().max(theirs.abs()).max(1e-9);
    assert!((ours - theirs).abs() <= relative * scale, "{name}: {ours} here, {theirs} there");
}

#[test]
fn correlations_are_numpys_and_isotonic_is_sklearns() {
    let (case, theirs) = &*BOTH;
    for (a, line) in correlation_matrix(&case.rows[0]).iter().enumerate() {
        line.iter().enumerate().for_each(|(b, &r)| close("r", r, &theirs["correlations"][a][b], 1e-9));
    }
    for (k, &value) in isotonic(&case.labels).iter().enumerate() {
        close("isotonic", value, &theirs["isotonic"][k], 1e-12);
    }
}

#[test]
fn neighbours_are_those_of_a_tree_search() {
    let ([a, b, c], theirs) = (&BOTH.0.rows, &BOTH.1);
    close("duplicates", duplicates(a, b), &theirs["duplicates"], 1e-12);
    close("memorisation", nearer_to_training(a, c, b), &theirs["nearer_to_training"], 1e-12);
}

/// Starts and folds are different, so the result is the same within the statistics of 1,350 rows.
#[test]
fn a_network_tells_as_well_as_sklearns() {
    let ([a, b, _], theirs) = (&BOTH.0.rows, &BOTH.1);
    let ours = classifier_auc(RowClassifier::Network, a, b, 1).unwrap();
    let theirs = theirs["network"].as_f64().unwrap();
    assert!(theirs > 0.55 && (ours - theirs).abs() < 0.04, "{ours} here, {theirs} there");
}

#[test]
fn pairs_and_lumps_are_numpys() {
    let (case, theirs) = &*BOTH;
    let g = &case.report.pair_correlation.as_ref().unwrap().real;
    // Electrons are in single precision: a distance near the edge of a bin may fall on either side.
    for (bin, &value) in g.iter().enumerate().skip(1) {
        close(&format!("g in bin {bin}"), value, &theirs["g"][bin], 2e-3);
    }
    for (k, scale) in ["0.05 mm", "0.1 mm", "0.2 mm", "0.4 mm", "0.8 mm"].into_iter().enumerate() {
        let of_all = theirs["lumpiness"][k].as_array().unwrap();
        let mean = of_all.iter().map(|v| v.as_f64().unwrap()).sum::<f64>() / of_all.len() as f64;
        close(scale, case.report.lumpiness_by_scale[scale].real.mean, &mean.into(), 1e-9);
    }
}

#[test]
fn fpd_and_kpd_are_jetnets() {
    let ([a, b, _], theirs) = (&BOTH.0.rows, &BOTH.1["jetnet"]);
    close("Fréchet", frechet_distance(a, b), &theirs["frechet"], 1e-6);
    close("kernel", kernel_distance(a, b), &theirs["kernel"], 1e-9);
    let [fpd, kpd] = townsend_check::physics_distances(&BOTH.0.many[0], &BOTH.0.many[1], 1);
    // Random batches are different: equal within the statistics of 20 batches for each sample size.
    close("FPD", fpd.value, &theirs["fpd"], 0.1);
    close("KPD", kpd.value, &theirs["kpd"], 0.3);
}
