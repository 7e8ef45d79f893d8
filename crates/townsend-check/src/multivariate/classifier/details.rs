//! The results of the classifiers as a report has them: AUC and details.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scores::{calibration, divergence, ratio, roc};
use super::{Classifier, CrossValidation, Importance};
use crate::score::Score;

/// The classifier two-sample test: areas under the ROC curve (AUC), the mean over folds of which each is
/// judged by a classifier that was trained on the others. 0.5: the sets cannot be told apart; 1: they always
/// can.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierTest {
    /// Boosted trees on the observables.
    pub auc: Score,
    /// A small network on the observables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_network: Option<Score>,
    /// A small convolutional network on cells about the centroid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_low_level: Option<Score>,
    /// Boosted trees on summaries of these cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc_cells_trees: Option<Score>,
    /// Details of each classifier: `trees`, `network`, `cells` and `cells_trees`, in the order of the fields
    /// above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, ClassifierDetails>,
}

/// Details of a classifier's result beside its AUC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierDetails {
    /// AUC of each fold.
    pub folds: Vec<f64>,
    /// The ROC curve from (0, 0) to (1, 1): fraction of the real rows taken for generated, fraction of the
    /// generated rows taken for generated.
    pub roc: Vec<[f64; 2]>,
    /// Calibration in ten bins of equal numbers of rows: mean probability, fraction of generated rows, number
    /// of rows.
    pub calibration: Vec<[f64; 3]>,
    /// Jensen-Shannon divergence over ln 2 after isotonic calibration, `(ln 2 − cross entropy)/ln 2`: 0 for
    /// equal sets, 1 for disjoint ones.
    pub divergence: f64,
    /// Standard deviation over the generated rows of the density ratio real/generated, which follows from the
    /// calibrated probabilities; 0 if the sets are equal.
    pub ratio_spread: f64,
    /// Effective fraction of the generated rows if they are weighted by that ratio: `(Σw)²/(n Σw²)`.
    pub effective_share: f64,
    /// Permutation importance: the loss of AUC when one column alone is permuted. Where several columns carry
    /// the same information, none of them loses much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub importance: Vec<Importance>,
    /// AUC against the number of avalanches in each set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning: Vec<Learning>,
    /// Smallest number of avalanches in each set from which on the AUC is three errors above 0.5; none if it
    /// is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wins_from: Option<usize>,
}

/// AUC of a classifier for a given number of avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    /// Number of avalanches of each set, of which four fifths are trained on.
    pub avalanches: usize,
    /// AUC of rows that the classifier was not trained on.
    pub auc: f64,
    /// Its standard error.
    pub error: f64,
}

impl ClassifierDetails {
    pub(super) fn of<C: Classifier>(validated: &CrossValidation<C>) -> Self {
        let (generated, real) = (&validated.generated, &validated.real);
        let (ratio_spread, effective_share) = ratio(generated, real);
        Self {
            folds: validated.folds.iter().map(|fold| fold.auc).collect(),
            roc: roc(generated, real),
            calibration: calibration(generated, real),
            divergence: divergence(generated, real),
            ratio_spread,
            effective_share,
            importance: Vec::new(),
            learning: Vec::new(),
            wins_from: None,
        }
    }
}
