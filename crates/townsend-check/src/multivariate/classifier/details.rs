//! What the report has of the classifiers: their AUC, and the details beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::scores::{calibration, divergence, ratio, roc};
use super::{Classifier, CrossValidation, Importance};
use crate::score::Score;

/// Can a classifier tell the sets apart? Areas under the ROC curve, out of fold: 0.5 cannot, 1 always.
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
    /// More of each: `trees`, `network`, `cells` and `cells_trees`, in the order of the fields above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, ClassifierDetails>,
}

/// What the report has of a classifier beside its AUC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierDetails {
    /// AUC of each fold.
    pub folds: Vec<f64>,
    /// The ROC curve: share of real rows taken for generated, share of generated ones, from (0, 0) to (1, 1).
    pub roc: Vec<[f64; 2]>,
    /// In ten bins of equal numbers of rows: mean probability, share of generated rows, rows.
    pub calibration: Vec<[f64; 3]>,
    /// Jensen-Shannon divergence over ln 2, after isotonic calibration: `(ln 2 − cross entropy)/ln 2`; 0 the
    /// same, 1 disjoint.
    pub divergence: f64,
    /// Standard deviation over the generated rows of the density ratio real/generated from the calibrated
    /// probabilities; 0 if the sets are the same.
    pub ratio_spread: f64,
    /// Share of the generated rows that is left when they are weighted by that ratio: `(Σw)²/(n Σw²)`.
    pub effective_share: f64,
    /// What gave it away: columns by the loss of AUC when they alone are permuted. Of columns that say the
    /// same, none loses much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub importance: Vec<Importance>,
    /// AUC against the number of avalanches a set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning: Vec<Learning>,
    /// Avalanches a set from which, at this and every larger size, the AUC is three errors above 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wins_from: Option<usize>,
}

/// AUC of a classifier that was given few avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    /// Avalanches of each set, of which four fifths train.
    pub avalanches: usize,
    /// AUC, out of fold.
    pub auc: f64,
    /// Its error.
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
