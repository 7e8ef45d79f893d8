//! Numbers of avalanches other than the observables: they are compared in the same way.

/// A number of every avalanche of a set that has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quantity {
    /// Its name in the report.
    pub(crate) name: String,
    /// Its unit; empty for pure numbers.
    pub(crate) unit: String,
    /// What it is, in a line.
    pub(crate) definition: String,
    /// Its values; never NaN.
    pub(crate) values: Vec<f64>,
    /// Avalanches with electrons that do not have it.
    pub(crate) left_out: usize,
}

impl Quantity {
    /// The values that are numbers, of avalanches of which `filled` have electrons.
    pub(crate) fn new(
        name: &str,
        unit: &str,
        definition: &str,
        values: impl Iterator<Item = f64>,
        filled: usize,
    ) -> Self {
        let values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
        let left_out = filled.saturating_sub(values.len());
        Self { name: name.into(), unit: unit.into(), definition: definition.into(), values, left_out }
    }

    pub(crate) fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    pub(crate) fn std(&self) -> f64 {
        let mean = self.mean();
        (self.values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / self.values.len() as f64).sqrt()
    }
}
