//! What is not as it was.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Figure;

/// A figure that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// It is farther from what it was than the error of the difference.
    Moved {
        name: String,
        value: f64,
        was: f64,
        /// In errors of the difference; more than any number where both errors are 0.
        by: f64,
    },
    /// It is measured in another unit.
    Unit { name: String, unit: String, was: String },
    /// It was not measured this time.
    Gone { name: String },
    /// It was not measured before.
    New { name: String },
}

/// Stands for a distance in errors that are 0.
const NO_ERROR: f64 = 1e9;

impl Change {
    /// True of what somebody must look at: all but what is new.
    pub(super) fn fails(&self) -> bool {
        !matches!(self, Self::New { .. })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved { name, value, was, by } if *by >= NO_ERROR => {
                write!(f, "moved: {name} is {value:.5}, was {was:.5}, without any error")
            }
            Self::Moved { name, value, was, by } => {
                write!(f, "moved: {name} is {value:.5}, was {was:.5}: by {by:.1} errors")
            }
            Self::Unit { name, unit, was } => write!(f, "moved: {name} is in {unit}, was in {was}"),
            Self::Gone { name } => write!(f, "gone: {name} was not measured"),
            Self::New { name } => write!(f, "new: {name} was not measured before"),
        }
    }
}

/// What is not as it was: first what moved, farthest first, then what is gone, then what is new.
///
/// A figure moved if it is farther from what it was than the error of their difference. Of figures that were
/// drawn anew three in ten are, by chance; of the same program with the same seeds none but speeds can be.
pub(super) fn compare(now: &[Figure], before: &[Figure]) -> Vec<Change> {
    let by_name = |figures: &[Figure]| -> BTreeMap<String, Figure> {
        figures.iter().map(|figure| (figure.name.clone(), figure.clone())).collect()
    };
    let (now, before) = (by_name(now), by_name(before));
    let mut changes: Vec<Change> = before
        .values()
        .filter_map(|was| match now.get(&was.name) {
            Some(is) => moved(is, was),
            None => Some(Change::Gone { name: was.name.clone() }),
        })
        .collect();
    let new = now.keys().filter(|name| !before.contains_key(*name));
    changes.extend(new.map(|name| Change::New { name: name.clone() }));
    let rank = |change: &Change| match change {
        Change::Unit { .. } => f64::NEG_INFINITY,
        Change::Moved { by, .. } => -by,
        Change::Gone { .. } => 1.0,
        Change::New { .. } => 2.0,
    };
    changes.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    changes
}

fn moved(is: &Figure, was: &Figure) -> Option<Change> {
    let name = is.name.clone();
    if is.unit != was.unit {
        return Some(Change::Unit { name, unit: is.unit.clone(), was: was.unit.clone() });
    }
    let (distance, error) = ((is.value - was.value).abs(), is.error.hypot(was.error));
    let far = distance > error;
    let by = if error > 0.0 { (distance / error).min(NO_ERROR) } else { NO_ERROR };
    far.then_some(Change::Moved { name, value: is.value, was: was.value, by })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, value: f64, error: f64) -> Figure {
        Figure {
            name: name.into(),
            value,
            error,
            unit: "mm".into(),
            command: "townsend inspect".into(),
            expected: None,
        }
    }

    #[test]
    fn what_moved_by_more_than_its_error_is_found_and_nothing_else() {
        let before = [figure("a", 1.0, 0.3), figure("b", 5.0, 0.4), figure("c", 2.0, 0.0)];
        assert_eq!(compare(&before, &before), []);
        // The error of the difference of two numbers of error 0.3 and 0.4 is 0.5.
        let near = [figure("a", 1.42, 0.3), figure("b", 5.49, 0.3), figure("c", 2.0, 0.0)];
        assert_eq!(compare(&near, &before), []);
        let far = [figure("a", 1.43, 0.3), figure("b", 4.0, 0.3), figure("c", 2.0, 0.0)];
        let found = compare(&far, &before);
        let [Change::Moved { name, by, .. }, Change::Moved { name: second, .. }] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!((name.as_str(), second.as_str()), ("b", "a"));
        assert!((by - 2.0).abs() < 1e-12 && found.iter().all(Change::fails));
        assert!(found[0].to_string().contains("b is 4.00000, was 5.00000: by 2.0 errors"), "{}", found[0]);
    }

    #[test]
    fn without_an_error_every_difference_counts() {
        let found = compare(&[figure("c", 2.000_001, 0.0)], &[figure("c", 2.0, 0.0)]);
        assert!(matches!(&found[..], [Change::Moved { by, .. }] if *by >= NO_ERROR), "{found:?}");
    }

    #[test]
    fn what_is_gone_is_told_and_what_is_new_does_not_fail() {
        let found = compare(&[figure("new", 1.0, 0.1)], &[figure("old", 1.0, 0.1)]);
        assert_eq!(found, [Change::Gone { name: "old".into() }, Change::New { name: "new".into() }]);
        assert_eq!(found.iter().map(Change::fails).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn another_unit_is_another_number() {
        let mut other = figure("a", 1.0, 0.3);
        other.unit = "µm".into();
        let found = compare(&[other], &[figure("a", 1.0, 0.3)]);
        assert!(matches!(&found[..], [change @ Change::Unit { .. }] if change.fails()), "{found:?}");
    }
}
