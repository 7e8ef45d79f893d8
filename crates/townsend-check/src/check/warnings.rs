//! Warnings: what a reader must know before trusting the numbers.

use townsend_core::InputFile;

use townsend_observables::Observables;
use townsend_observables::text::{percent, thousands};

/// Fraction of avalanches left out of an observable above which the report warns. Chosen, not fitted: one
/// avalanche in twenty, about which the distances then say nothing.
const LEFT_OUT: f64 = 0.05;

pub(super) fn warnings(
    real: &Observables,
    generated: &Observables,
    real_file: &InputFile,
    generated_file: &InputFile,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if real_file.sha256 == generated_file.sha256 {
        warnings.push("the real and the generated file are the same; all distances are 0".to_string());
    }
    for (name, set) in [("real", real), ("generated", generated)] {
        if set.outside > 0 {
            warnings.push(format!(
                "{} of the {name} electrons ({}) lie outside the grid [{}]; they are counted in its flow bins",
                thousands(set.outside),
                percent(set.fraction_outside()),
                set.grid
            ));
        }
    }
    for alike in real.absent.chunk_by(|a, b| a.1 == b.1) {
        let names: Vec<&str> = alike.iter().map(|(observable, _)| observable.name()).collect();
        warnings.push(format!("no {}: {}", names.join(", "), alike[0].1));
    }
    let left_out: Vec<String> = real
        .columns()
        .iter()
        .zip(generated.columns())
        .filter(|(a, b)| {
            [a, b].iter().any(|c| c.left_out as f64 > LEFT_OUT * (c.left_out + c.values.len()) as f64)
        })
        .map(|(a, b)| format!("{} (real {}, generated {})", a.observable.name(), a.left_out, b.left_out))
        .collect();
    if !left_out.is_empty() {
        warnings.push(format!(
            "more than 5% of the avalanches are too small or too narrow for {}",
            left_out.join(", ")
        ));
    }
    warnings
}
