//! The AUC of classifiers between two large sets of avalanches, where `townsend check` looks at no more than
//! 5,000 of each.
//!
//! `large_auc trees REAL GENERATED`: gradient-boosted trees on observables, from files that `--reduce
//! observables` wrote. `large_auc points REAL GENERATED`: a network on sets of at most 64 electrons, from
//! files of avalanches. Run it by `cargo run --release -p townsend-check --example large_auc -- ...`.

use std::path::Path;

use townsend_check::{FeatureRows, PointSet, RowClassifier, classifier_auc, point_set_auc};
use townsend_core::{Coordinate, Dataset, Purpose, Silent, stream};
use townsend_io::{ReadOptions, Source, read, read_number_table};
use townsend_observables::Observable;
use townsend_observables::random::some_of;

type Failure = Box<dyn std::error::Error>;

/// Electrons of an avalanche that the network sees.
const ELECTRONS: usize = 64;
const CHOOSE: Purpose = Purpose::new("electrons of a large set");

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [classifier, real, generated] = &arguments[..] else {
        return Err("give `trees` or `points`, and two files".into());
    };
    let (real, generated) = (Path::new(real), Path::new(generated));
    let (auc, sizes) = match classifier.as_str() {
        "trees" => {
            let [real, generated] = [rows(real)?, rows(generated)?];
            let auc = classifier_auc(RowClassifier::Trees, &real, &generated, 1)?;
            (auc, [real.len(), generated.len()])
        }
        "points" => {
            let [real, generated] = [sets(real)?, sets(generated)?];
            (point_set_auc(&real, &generated, 1)?, [real.len(), generated.len()])
        }
        other => return Err(format!("`{other}` is neither `trees` nor `points`").into()),
    };
    // Of two equal distributions the AUC has the variance (1/n + 1/m)/12.
    let error = (sizes.iter().map(|&n| 1.0 / n as f64).sum::<f64>() / 12.0).sqrt();
    println!("{classifier}: AUC {auc:.4} ± {error:.4} of {} and {} avalanches", sizes[0], sizes[1]);
    Ok(())
}

/// All observables of the avalanches that have all of them.
fn rows(path: &Path) -> Result<FeatureRows, Failure> {
    let wanted = |name: &str| Observable::ALL.iter().any(|of| of.name() == name && *of != Observable::Empty);
    let table = read_number_table(&Source::from(path), wanted)?;
    let row = |k: usize| table.columns.iter().map(|column| column.values[k]).collect::<Vec<f64>>();
    let rows = (0..usize::try_from(table.rows)?).map(row);
    Ok(rows.filter(|row| row.iter().all(|value| value.is_finite())).collect())
}

/// Some electrons of every avalanche that has any.
fn sets(path: &Path) -> Result<Vec<PointSet>, Failure> {
    let Dataset::Electrons(set) = read(path, &ReadOptions::default(), &Silent)?.data else {
        return Err(format!("{}: there are no electrons in it, but counts", path.display()).into());
    };
    let some = |(index, avalanche): (usize, townsend_core::Avalanche<'_>)| {
        let of = Coordinate::ALL.map(|coordinate| avalanche.coordinate(coordinate));
        let mut random = stream(1, CHOOSE, index as u64);
        let chosen = some_of(avalanche.len(), ELECTRONS, &mut random);
        let points = chosen.into_iter().map(|k| of.map(|values| values[k])).collect();
        PointSet { electrons: avalanche.len() as u64, points }
    };
    Ok(set.iter().enumerate().filter(|(_, avalanche)| !avalanche.is_empty()).map(some).collect())
}
