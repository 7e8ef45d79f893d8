//! Quantities: numbers of avalanches that are not among the [observables](crate::Observable), such as the
//! charge on strips, but are compared in the same way.

/// The values of one quantity, for all avalanches of a set for which it is defined.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Its name in the report.
    pub name: String,
    /// Its unit; empty for pure numbers.
    pub unit: String,
    /// Its definition, in a line.
    pub definition: String,
    /// Its values; never NaN.
    pub values: Vec<f64>,
    /// Number of avalanches with electrons for which it is not defined.
    pub left_out: usize,
}

impl Quantity {
    /// Keeps the values that are not NaN. `filled` is the number of avalanches with electrons; those without
    /// a value are counted in `left_out`.
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
