//! The value of a metric with its floor and its error.

use serde::{Deserialize, Serialize};
use townsend_observables::text::significant;

/// A metric of all observables together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The value of the metric.
    pub value: f64,
    /// The metric between halves of the real set: what statistics alone give.
    pub floor: f64,
    /// Standard error of the value, where the definition gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// Avalanches used of the real and of the generated set.
    pub avalanches: [usize; 2],
    /// The method, in a line of words.
    pub method: String,
}

impl Score {
    /// Value and error as text, without the error where there is none: `0.512 ± 0.011`.
    pub fn with_error(&self) -> String {
        let value = significant(self.value, 3);
        self.error.map_or(value.clone(), |error| format!("{value} ± {}", significant(error, 2)))
    }
}
