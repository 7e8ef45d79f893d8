//! A family of models that townsend does not ship: what somebody writes who adds one. It is trained, resumed,
//! generated from, checked and exported through the functions of the facade, none of which knows it.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend::files::{self, CheckOptions, Exported, SampleOptions};
use townsend::{
    Avalanche, Configuration, Context, Dataset, Description, Drawn, ElectronSet, Error, Families, Family,
    Meta, Model, Outcome, Part, Result, RunFiles, RunHeader, Setting, Split, TrainedOn, Training, Wanted,
    Workspace,
};

/// New avalanches are copies of those of the training part, in turn: as good as real ones, and learnt by
/// heart.
struct CopyFamily;

#[derive(Deserialize, Serialize)]
struct CopyConfig {
    model: CopyModelConfig,
}

#[derive(Deserialize, Serialize)]
struct CopyModelConfig {
    family: String,
    /// Avalanches to learn in one go; a training then stops, and can be resumed.
    at_once: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Copies {
    avalanches: Vec<[Vec<f32>; 3]>,
}

impl Family for CopyFamily {
    fn names(&self) -> Vec<&'static str> {
        vec!["copy"]
    }

    fn wants(&self, config: &Configuration) -> Result<Wanted> {
        config.parse::<CopyConfig>()?;
        Ok(Wanted::Avalanches { dims: None })
    }

    fn can_resume(&self) -> bool {
        true
    }

    fn train(&self, mut training: Training<'_>) -> Result<Outcome> {
        let config: CopyConfig = training.config.parse()?;
        let data = training.data.avalanches()?;
        let Dataset::Electrons(electrons) = data else {
            return Err(Error::Unsuited("holds counts, and copies are of electrons".into()));
        };
        let mut copies = Copies { avalanches: Vec::new() };
        if training.resume {
            let stored = training.run.read("copies.json").expect("a run to resume");
            copies = serde_json::from_slice(&stored).expect("a run of this family");
        }
        let split = Split::new(1, 0.0, 0.5).expect("fractions");
        let wanted = split.indices(Part::Training, data.len());
        let begun = copies.avalanches.len();
        for &index in wanted.iter().skip(begun).take(config.model.at_once) {
            let Avalanche { x, z, t } = electrons.get(index);
            copies.avalanches.push([x, z, t].map(<[f32]>::to_vec));
        }
        let data = TrainedOn::new(training.file.clone(), data, split);
        let summary = serde_json::json!({ "copies": copies.avalanches.len() });
        let header = RunHeader::new(&config.model.family, Meta::default().units, Some(data), summary);
        training.write(&header, vec![("copies.json".into(), copies.to_bytes())])?;
        Ok(Outcome {
            numbers: header.summary,
            sentence: format!("copied {} avalanches", copies.avalanches.len()),
            stopped: copies.avalanches.len() < wanted.len(),
            warnings: Vec::new(),
        })
    }

    fn open(&self, header: RunHeader, files: RunFiles) -> Result<Box<dyn Model>> {
        let bytes = files.read("copies.json").expect("a run of this family");
        let copies = serde_json::from_slice(&bytes).expect("a run of this family");
        let description = Description {
            family: header.family,
            source: String::new(),
            units: header.units,
            grid: None,
            conditions: Vec::new(),
            starts: false,
            encoder: false,
            data: header.data,
        };
        Ok(Box::new(CopyModel { copies, description, summary: header.summary }))
    }
}

impl Copies {
    fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers have a form in JSON")
    }
}

#[derive(Debug)]
struct CopyModel {
    copies: Copies,
    description: Description,
    summary: serde_json::Value,
}

impl Model for CopyModel {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn summary(&self) -> &serde_json::Value {
        &self.summary
    }

    fn avalanche<'w>(
        &self,
        seed: u64,
        index: u64,
        setting: &Setting,
        workspace: &'w mut Workspace,
    ) -> Result<Drawn<'w>> {
        setting.refuse_any(&self.description)?;
        let chosen = (seed + index) as usize % self.copies.avalanches.len();
        let memory = workspace.state(|_| true, || Ok(<[Vec<f32>; 3]>::default()))?;
        memory.clone_from(&self.copies.avalanches[chosen]);
        let [x, z, t] = memory;
        Ok(Drawn::Electrons(Avalanche { x, z, t }))
    }

    fn blocks<'a>(
        &'a self,
        seed: u64,
        range: Range<u64>,
        setting: &Setting,
    ) -> Result<Box<dyn Iterator<Item = Dataset> + Send + 'a>> {
        setting.refuse_any(&self.description)?;
        Ok(Box::new(range.map(move |index| {
            let [x, z, t] = &self.copies.avalanches[(seed + index) as usize % self.copies.avalanches.len()];
            let mut set = ElectronSet::default();
            set.push(x, z, t);
            set.into()
        })))
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        Ok(vec![("copies.json".into(), self.copies.to_bytes())])
    }
}

fn sample(events: u64) -> SampleOptions {
    SampleOptions { events, ..SampleOptions::default() }
}

#[test]
fn a_family_of_somebody_elses_goes_through_every_verb() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let families = Families::with(CopyFamily);
    let context = Context { families: &families, ..Context::default() };
    let (config, data, run) = (path("copy.toml"), path("data.npz"), path("run"));
    std::fs::write(&config, "[model]\nfamily = \"copy\"\nat_once = 60\n").unwrap();
    files::simulate(None, &data, &sample(200), &context).unwrap();

    let first = files::train(&config, &data, &run, &[], &context).unwrap();
    assert!(first.stopped, "{}", first.sentence);
    let set = ["model.at_once=1000".into()];
    let rest = files::resume(Some(&config), Some((&data).into()), &run, &set, &context).unwrap();
    assert!(!rest.stopped, "{}", rest.sentence);

    files::generate(&run, &path("generated.npz"), &sample(100), &context).unwrap();
    let options =
        CheckOptions { held_back: Some(run.clone()), without_classifiers: true, ..CheckOptions::default() };
    let report = files::check(&data, path("generated.npz"), &path("report"), &options, &context).unwrap();
    assert_eq!(report.generated.avalanches, 100);
    assert!(report.real.avalanches < 150, "the training part is left out");

    let exported = files::export(&run, &path("copy.townsend"), &context).unwrap();
    assert!(matches!(exported, Exported::Model { family, .. } if family == "copy"));
    files::generate(&path("copy.townsend"), &path("again.npz"), &sample(100), &context).unwrap();
    let read = |name: &str| same_electrons(&path(name), &context);
    assert_eq!(read("generated.npz"), read("again.npz"));

    let without = Context::default();
    let message = files::generate(&run, &path("none.npz"), &sample(1), &without).unwrap_err().to_string();
    assert!(message.contains("no family of models `copy`"), "{message}");
}

/// The digest of a file's avalanches.
fn same_electrons(path: &Path, context: &Context<'_>) -> String {
    let inspection = files::inspect(path, &files::InspectOptions::default(), context).unwrap();
    format!("{} {:?}", inspection.inspection.electrons, inspection.inspection.observables[2])
}

#[test]
fn a_family_that_nobody_knows_is_refused_by_name() {
    let config = Configuration::from_toml("[model]\nfamily = \"cpoy\"\n");
    let message = Families::with(CopyFamily).of(&config).err().unwrap().to_string();
    assert!(message.contains("cpoy") && message.contains("`copy`") && message.contains("`vae`"), "{message}");
}
