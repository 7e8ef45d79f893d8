//! A number of every avalanche that is not one of the [observables](crate::Observable), such as what a strip
//! records. It is compared in the same way.

/// A number of every avalanche of a set that has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Its name in the report.
    pub name: String,
    /// Its unit; empty for pure numbers.
    pub unit: String,
    /// What it is, in a line.
    pub definition: String,
    /// Its values; never NaN.
    pub values: Vec<f64>,
    /// Number of avalanches with electrons that do not have it.
    pub left_out: usize,
}

impl Quantity {
    /// Keeps the values that are not NaN; `filled` is the number of avalanches with electrons, which tells
    /// how many are left out.
    pub fn new(
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
}
