//! Means and standard deviations, summed in the order of the values.

/// Mean of the values; NaN if there are none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of the values themselves: the sum of squares is divided by n, as in NumPy.
pub fn standard_deviation(values: &[f64]) -> f64 {
    (squares(values) / values.len() as f64).sqrt()
}

/// Estimate of the standard deviation of the distribution that the values were drawn from: the sum of squares
/// is divided by n − 1.
pub fn sample_standard_deviation(values: &[f64]) -> f64 {
    (squares(values) / (values.len() - 1) as f64).sqrt()
}

/// Sum of the squared deviations from the mean.
fn squares(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_deviations_of_a_small_sample() {
        // Deviations −1.5, −0.5, 0.5, 1.5: squares sum to 5.
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(mean(&values), 2.5);
        assert_eq!(standard_deviation(&values), 1.25f64.sqrt());
        assert_eq!(sample_standard_deviation(&values), (5.0f64 / 3.0).sqrt());
    }
}
