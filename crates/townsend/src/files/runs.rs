//! The runs below a folder, the best first.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::RunHeader;
use townsend_observables::text::{align, significant};

use crate::{Context, Error, Result};

/// Folders below each other that are searched.
const DEEPEST: usize = 8;

/// A run, and how good it is by its own account.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct FoundRun {
    /// Its folder.
    pub run: PathBuf,
    /// The family of its model; empty if it cannot be opened.
    pub family: String,
    /// The file that it was trained on.
    pub data: Option<String>,
    /// Avalanches in that file.
    pub avalanches: Option<usize>,
    /// Epochs or sweeps that its training did.
    pub epochs: Option<u64>,
    /// Smallest distance of the validation avalanches in an epoch (mean of W1/σ over the observables); `None`
    /// for families that are fitted without validation avalanches.
    pub distance: Option<f64>,
    /// Why it cannot be opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Finds the runs below a folder: those with the smallest distance first, then those that have none, by name.
/// Distances of runs on other data do not compare.
///
/// # Errors
/// The folder cannot be read, or has no run.
pub fn runs(folder: &Path, context: &Context<'_>) -> Result<Vec<FoundRun>> {
    let mut found = Vec::new();
    search(folder, DEEPEST, &mut found)?;
    if found.is_empty() {
        return Err(Error::Content {
            path: folder.into(),
            what: "there is no run in this folder\n  hint: `train --run` makes one".into(),
        });
    }
    let mut runs: Vec<FoundRun> = found.iter().map(|run| describe(run, context)).collect();
    // Those without a distance at the end; runs were found in the order of their names.
    runs.sort_by(|a, b| {
        let distance = |of: &FoundRun| of.distance.unwrap_or(f64::INFINITY);
        distance(a).total_cmp(&distance(b))
    });
    Ok(runs)
}

/// The runs as a table: one a line, in their order.
pub fn table_of_runs(runs: &[FoundRun]) -> String {
    let head = ["run", "family", "trained on", "epochs", "distance"].map(String::from).to_vec();
    let row = |of: &FoundRun| {
        let known = |value: Option<String>| value.unwrap_or_else(|| "-".into());
        vec![
            of.run.display().to_string(),
            if of.error.is_some() { "(damaged)".into() } else { of.family.clone() },
            known(of.data.clone()),
            known(of.epochs.map(|epochs| epochs.to_string())),
            known(of.distance.map(|distance| significant(distance, 4))),
        ]
    };
    align(&std::iter::once(head).chain(runs.iter().map(row)).collect::<Vec<_>>())
}

fn search(folder: &Path, deeper: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    if folder.join(RunHeader::FILE).is_file() {
        found.push(folder.into());
        return Ok(());
    }
    let failed = |source| Error::Io { path: folder.into(), source };
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A link may lead round in a circle.
        if entry.file_type().map_err(failed)?.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    match deeper.checked_sub(1) {
        Some(deeper) => folders.iter().try_for_each(|folder| search(folder, deeper, found)),
        None => Ok(()),
    }
}

fn describe(run: &Path, context: &Context<'_>) -> FoundRun {
    let failed = |error: Error| FoundRun { error: Some(error.to_string()), ..FoundRun::default() };
    FoundRun { run: run.into(), ..opened(run, context).unwrap_or_else(failed) }
}

/// What a run says of itself, but for where it is.
fn opened(run: &Path, context: &Context<'_>) -> Result<FoundRun> {
    let model = context.families.open(run)?;
    let (about, history) = (model.describe(), model.history()?);
    let data = about.data.as_ref();
    let last = history.curves.iter().filter_map(|curve| curve.points.last());
    let distance = history.curves.iter().find(|curve| curve.number == "distance");
    let distances = distance.into_iter().flat_map(|curve| &curve.points).map(|[_, distance]| *distance);
    Ok(FoundRun {
        family: about.family.clone(),
        data: data.and_then(|data| data.file.as_ref()).map(|file| file.file.clone()),
        avalanches: data.map(|data| data.avalanches),
        epochs: last.map(|[epoch, _]| *epoch as u64).max(),
        distance: distances.min_by(f64::total_cmp),
        ..FoundRun::default()
    })
}
