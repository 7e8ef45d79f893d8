//! The comparison of two sets of avalanches, real and generated. [`check()`] computes distances between the
//! distributions of every observable, metrics of all observables together, and classifiers, each with the
//! floor that statistics alone give. The result is a report, as JSON and as a table of text, with a verdict
//! by thresholds.
//!
//! The observables and the distances of one-dimensional samples are those of `townsend-observables`. Nothing
//! is drawn here: `townsend-page` makes pages and figures from the public fields of [`Check`].
//!
//! ```
//! use townsend_check::{CheckOptions, check};
//! use townsend_core::{Dataset, ElectronSet, InputFile, Work};
//!
//! let avalanches = |width: f32| {
//!     let mut set = ElectronSet::default();
//!     for k in 0..40u16 {
//!         let along = |n: u16| width * f32::from((k * 7 + n * 13) % 31) / 31.0;
//!         let x: Vec<f32> = (0..20).map(along).collect();
//!         set.push(&x, &x, &[170.0; 20]);
//!     }
//!     Dataset::from(set)
//! };
//! let file = |name: &str| InputFile { file: name.into(), sha256: String::new() };
//! let result = check(
//!     &avalanches(1.0),
//!     &avalanches(1.2),
//!     file("real.npz"),
//!     file("generated.npz"),
//!     &CheckOptions { resamples: 50, ..CheckOptions::default() },
//!     Work::default(),
//! )?;
//! println!("{}", result.report.table());
//! let rms = &result.report.observables["rms_x"];
//! assert!((rms.generated.mean / rms.real.mean - 1.2).abs() < 1e-6);
//! assert!(!result.report.exceeds("w1_over_sigma.rms_x", 0.1)?.is_empty());
//! # Ok::<(), townsend_check::CheckError>(())
//! ```
//!
//! # One definition for both sets
//!
//! Electrons are compared with electrons, counts with counts on the same grid. If one set is counts, the
//! other is counted on its grid; if both are counts and one has more axes, it is projected on those of the
//! other. The report describes this in `compared`. Nothing is cut silently: electrons outside the grid enter
//! the observables (from counts, at the end of the axis), and their fraction is reported. An observable that
//! the data do not allow is left out and named in `warnings`.
//! [`Observable`](townsend_observables::Observable) has the definitions.
//!
//! # `report.json`
//!
//! Fields by their names:
//!
//! - `schema`: `townsend-report/2`; the number grows when a field is removed or changes its meaning
//! - `producer`, `seed`: program and version; seed of all random streams
//! - `real`, `generated`: `file`, `sha256`, `part` (what of the file was taken, if not all), `avalanches`,
//!   `empty_fraction`, `empty_fraction_error`,
//!   `electrons`, `fraction_outside`, and `warnings`: what was left out or looked odd when the file was read
//! - `compared`: `form` (`electrons` or `counts`), `grid`, `units`, `note`
//! - `empty`: `difference` of the empty fractions, generated less real, and its binomial `error`
//! - `observables.<name>`: `unit`; `real` and `generated`, each `mean`, `std`, `avalanches`, `left_out`;
//!   `w1_over_sigma`, `ks`, `separation_power`, each `value`, `floor`, `interval` (68%), `ks` with
//!   `p_value`
//! - `c2st.auc`, `c2st.auc_network`, `c2st.auc_low_level`, `c2st.auc_cells_trees`, `fpd`, `kpd`,
//!   `precision`, `recall`, `density`, `coverage`, `duplicates`, `memorisation`: `value`, `floor`, `error`,
//!   `avalanches` used, `method` in words
//! - `c2st.details.<classifier>`: ROC curve, calibration, divergence, density ratio, importance, AUC by
//!   number of avalanches: [`ClassifierDetails`]
//! - `correlations`: the correlation matrices of both sets and their differences: [`Correlations`]
//! - `pair_correlation`: g(r) of both sets and their difference: [`PairCorrelation`]
//! - `lumpiness_by_scale.<size>`, `strips.<name>`: as `observables.<name>`
//! - `conditional`: W1/σ of the observables in bins of conditions: [`Conditional`]
//! - `verdict`: `light` (`green`, `grey`, `amber`, `red`), `summary` in words, `judgements`, grey ones with
//!   `avalanches_to_decide`: [`Verdict`]
//! - `legacy.<name>`: `our_axis`, `binning`, `real` and `generated` (`in_range`, `of`), the three
//!   distances, and `reference`: the nearest published run
//! - `warnings`: what a reader must know before trusting the numbers
//!
//! What could not be computed is absent. The observable `empty` is 1 for an empty avalanche and 0 for
//! another. The `floor` of a distance is the distance between random halves of the real set, averaged over
//! [`Resampling::halvings`](townsend_observables::Resampling::halvings) and scaled to the numbers of
//! avalanches compared; [`Distance`](townsend_observables::Distance) and [`Score`] have the details.

#![cfg_attr(test, allow(clippy::float_cmp, reason = "tests mean exactly what they say"))]

mod cells;
mod check;
mod conditions;
mod error;
mod gallery;
mod legacy;
mod maps;
mod multivariate;
mod pairs;
mod places;
mod ranking;
mod report;
mod score;
mod strips;
mod verdict;

pub use check::{Check, CheckOptions, Curve, HistogramPair, NumberGroup, check};
pub use conditions::{Condition, ConditionBin, Conditional};
pub use error::CheckError;
pub use gallery::{AvalanchePoints, gallery};
pub use legacy::{InRange, Legacy, Published, ReferenceResult, legacy_values_about};
pub use maps::AvalancheMap;
pub use multivariate::{
    ClassifierDetails, ClassifierTest, Correlations, Importance, Learning, MatrixDistance, Neighbours,
    PointSet, RowClassifier, auc, classifier_auc, correlation_matrix, divergence, duplicates,
    frechet_distance, isotonic, kernel_distance, nearer_to_training, neighbours, physics_distances,
    point_set_auc,
};
pub use pairs::PairCorrelation;
pub use ranking::{Ranked, Ranking, RealAgainstReal};
pub use report::{Compared, Comparison, EmptyDifference, Excess, Form, Report, SampleSummary, SetSummary};
pub use score::Score;
pub use verdict::{Judgement, Light, Thresholds, Verdict};

/// The least number of avalanches with electrons that a comparison needs in each set. Chosen, not fitted: a
/// floor is the distance of two halves, and halves of fewer than five avalanches have none worth the name.
pub const MINIMUM_AVALANCHES: usize = 10;

/// Observables of several avalanches: one row for each avalanche, one column for each observable.
pub type FeatureRows = Vec<Vec<f64>>;
