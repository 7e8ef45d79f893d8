//! One metric of two sets with its floor and its error.

use serde::{Deserialize, Serialize};
use townsend_observables::text::significant;

/// A metric of all observables together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The metric.
    pub value: f64,
    /// The same between halves of the real set.
    pub floor: f64,
    /// Its error, where the definition has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// Avalanches used: real, generated.
    pub avalanches: [usize; 2],
    /// How it was computed, in a line.
    pub method: String,
}

impl Score {
    /// Value and error as text, without the error where there is none: `0.512 ± 0.011`.
    pub fn with_error(&self) -> String {
        let value = significant(self.value, 3);
        self.error.map_or(value.clone(), |error| format!("{value} ± {}", significant(error, 2)))
    }
}
