//! The AUC of classifiers between two sets of one distribution, whose mean must be 0.5 for any number of
//! rows: `cargo run -p townsend-check --example null_auc`.

use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use townsend_check::{FeatureRows, RowClassifier, classifier_auc};
use townsend_core::{Purpose, stream};

const ROWS: Purpose = Purpose::new("null rows");
/// Columns, every other one with a heavy tail as observables have.
const COLUMNS: usize = 8;

fn rows(n: usize, index: u64) -> FeatureRows {
    let mut random = stream(1, ROWS, index);
    let row = |_| {
        let mut value = |column| {
            let normal: f64 = StandardNormal.sample(&mut random);
            if column % 2 == 0 { normal } else { normal.exp() }
        };
        (0..COLUMNS).map(&mut value).collect()
    };
    (0..n).map(row).collect()
}

fn main() -> Result<(), String> {
    println!("real  generated  classifier  sets  mean AUC");
    for (n, m, sets) in [(50, 50, 200), (103, 250, 100), (500, 500, 40), (2_500, 2_500, 8)] {
        for classifier in [RowClassifier::Trees, RowClassifier::Network] {
            let one = |k: u64| classifier_auc(classifier, &rows(n, 2 * k), &rows(m, 2 * k + 1), k);
            let aucs: Vec<f64> = (0..sets).into_par_iter().map(one).collect::<Result<_, _>>()?;
            let mean = aucs.iter().sum::<f64>() / sets as f64;
            let square = aucs.iter().map(|auc| (auc - mean).powi(2)).sum::<f64>();
            let error = (square / (sets - 1) as f64 / sets as f64).sqrt();
            println!("{n:>4}  {m:>9}  {classifier:<10?}  {sets:>4}  {mean:.4} ± {error:.4}");
        }
    }
    Ok(())
}
