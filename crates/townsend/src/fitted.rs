//! What models without networks have in common: the family that a configuration names, and the run directory.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use townsend_core::{Meta, RUN_VERSION, RunFiles, RunHeader, Split};
use townsend_train::{TrainError, load_config};

use crate::{Error, Result};

/// The `[data]` table: what is held back.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HeldBack {
    /// Fraction of the avalanches that is held back.
    test: f64,
    /// Seed of the choice of these.
    seed: u64,
}

impl Default for HeldBack {
    fn default() -> Self {
        Self { test: 0.2, seed: 1 }
    }
}

impl HeldBack {
    pub(crate) fn split(self) -> Result<Split> {
        Split::new(self.seed, 0.0, self.test).map_err(|error| Error::Usage(error.to_string()))
    }
}

/// `model.family` of a configuration. What is wrong with one that has none is for others to say.
pub(crate) fn family(path: &Path, set: &[String]) -> Option<String> {
    let table: toml::Table = load_config(path, set).ok()?;
    Some(table.get("model")?.get("family")?.as_str()?.to_owned())
}

/// Writes the files of a run directory, `run.json`, which makes it a run, last.
pub(crate) fn write(
    run: &Path,
    family: &str,
    files: impl IntoIterator<Item = (&'static str, Vec<u8>)>,
    summary: &impl Serialize,
) -> Result<()> {
    let header = RunHeader {
        version: RUN_VERSION,
        family: family.into(),
        units: Meta::default().units,
        data: None,
        summary: serde_json::to_value(summary).expect("a summary has a form in JSON"),
    };
    let contents = files.into_iter().chain([(RunHeader::FILE, header.to_bytes())]);
    let contents = contents.map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    Ok(RunFiles::Folder(run.into()).write(contents)?)
}

/// The summary in `run.json` of a run directory, if it is of this family; none otherwise: what is wrong then is said by those who open
/// runs of networks.
pub(crate) fn open<S: DeserializeOwned>(run: &Path, family: &str) -> Result<Option<S>> {
    let path = run.join(RunHeader::FILE);
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) else { return Ok(None) };
    if value.get("family").and_then(serde_json::Value::as_str) != Some(family) {
        return Ok(None);
    }
    let header = RunHeader::read(&RunFiles::Folder(run.into())).map_err(TrainError::from)?;
    let summary = serde_json::from_value(header.summary);
    Ok(Some(summary.map_err(|error| Error::Content { path, what: error.to_string() })?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fit {
        avalanches: usize,
    }

    #[test]
    fn a_run_is_opened_by_its_family_alone() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("deep/run");
        write(&run, "one", [("model.toml", b"a = 1".to_vec())], &Fit { avalanches: 7 }).unwrap();
        assert_eq!(std::fs::read(run.join("model.toml")).unwrap(), b"a = 1");
        assert_eq!(open(&run, "one").unwrap(), Some(Fit { avalanches: 7 }));
        assert_eq!(open::<Fit>(&run, "other").unwrap(), None);
        assert_eq!(open::<Fit>(folder.path(), "one").unwrap(), None);
    }

    #[test]
    fn a_run_of_another_version_or_with_something_missing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let said = |text: String| {
            std::fs::write(folder.path().join(RunHeader::FILE), text).unwrap();
            open::<Fit>(folder.path(), "one").unwrap_err().to_string()
        };
        let newer =
            said(format!("{{\"version\": {}, \"family\": \"one\", \"avalanches\": 7}}", RUN_VERSION + 1));
        assert!(newer.contains(&(RUN_VERSION + 1).to_string()), "{newer}");
        let missing = said(format!(
            "{{\"version\": {RUN_VERSION}, \"family\": \"one\", \"units\": [\"mm\", \"mm\", \"ns\"], \"summary\": {{}}}}"
        ));
        assert!(missing.contains("run.json: missing field `avalanches`"), "{missing}");
    }

    #[test]
    fn the_family_is_that_of_the_configuration_and_its_overrides() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, "[model]\nfamily = \"cascade\"\n").unwrap();
        assert_eq!(family(&path, &[]).as_deref(), Some("cascade"));
        assert_eq!(family(&path, &["model.family=cloud-vae".into()]).as_deref(), Some("cloud-vae"));
        for damaged in ["", "[model]\n", "[model]\nfamily = 3\n", "[model"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(family(&path, &[]), None);
        }
    }
}
