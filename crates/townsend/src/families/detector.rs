//! A detector of the Monte Carlo as a model: described by hand, or with foils that a cascade fitted.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use townsend_cascade::load_responses;
use townsend_core::{Avalanche, Dataset, InputFile, Meta, RunFiles, RunHeader};
use townsend_sim::{Detector, SharedCondition, Simulation};

use crate::context::without_folder;
use crate::family::{Configuration, Family, Outcome, Training, Wanted};
use crate::model::{Condition, Description, Drawn, KnownCondition, Model, Setting, Workspace};
use crate::{Error, Result};

/// The file of a run that holds the detector.
pub(super) const DETECTOR_FILE: &str = "detector.toml";

/// Detectors of the Monte Carlo. They are described, not trained.
pub(super) struct DetectorFamily;

impl DetectorFamily {
    const NAME: &'static str = "detector";
}

impl Family for DetectorFamily {
    fn names(&self) -> Vec<&'static str> {
        vec![Self::NAME]
    }

    fn is_trained(&self) -> bool {
        false
    }

    fn wants(&self, config: &Configuration) -> Result<Wanted> {
        Err(described(config))
    }

    fn train(&self, training: Training<'_>) -> Result<Outcome> {
        Err(described(training.config))
    }

    fn open(&self, header: RunHeader, files: RunFiles) -> Result<Box<dyn Model>> {
        Ok(Box::new(DetectorModel::of_run(header, &files)?))
    }

    fn open_other(&self, named: &Path) -> Result<Option<Box<dyn Model>>> {
        let ships = Detector::shipped(&named.to_string_lossy()).is_some();
        let is_toml = named.extension().is_some_and(|ending| ending == "toml");
        if !(ships || is_toml && named.exists()) {
            return Ok(None);
        }
        Ok(Some(Box::new(DetectorModel::new(crate::simulate::detector(Some(named))?)?)))
    }
}

/// The error of a configuration that wants a detector to be trained.
fn described(config: &Configuration) -> Error {
    config.blame(Error::Usage("a detector is described, not trained; simulate with it".into()))
}

/// A detector that avalanches are drawn from.
#[derive(Debug)]
pub struct DetectorModel {
    detector: Detector,
    simulation: Arc<Simulation>,
    description: Description,
    summary: serde_json::Value,
    /// The files that it was read from.
    inputs: Vec<InputFile>,
}

/// What an avalanche needs: the detector at these conditions, made by this model.
struct State {
    of: Arc<Simulation>,
    conditions: Vec<Condition>,
    simulation: Arc<Simulation>,
    memory: townsend_sim::Workspace,
}

/// The detector in the files of a run, with its recorded responses if it has some, and the files that it was
/// read from.
pub(super) fn detector_of_run(files: &RunFiles) -> Result<(Detector, Vec<InputFile>)> {
    let read = |name: &str| {
        let path = files.path(name);
        files.read(name).map_err(|source| Error::Io { path, source })
    };
    let bytes = read(DETECTOR_FILE)?;
    let path = || files.path(DETECTOR_FILE);
    let mut detector = Detector::of_model(&String::from_utf8_lossy(&bytes))
        .map_err(|error| Error::In { path: path(), source: Box::new(error.into()) })?;
    let mut inputs = vec![InputFile::of(DETECTOR_FILE, &bytes)];
    if let Some(name) = detector.recorded.as_ref().map(|recorded| recorded.file.clone()) {
        let contents = read(&name)?;
        inputs.push(InputFile::of(&name, &contents));
        load_responses(&mut detector, &name, contents)
            .map_err(|error| Error::In { path: path(), source: Box::new(error.into()) })?;
    }
    Ok((detector, inputs))
}

impl DetectorModel {
    /// A detector made ready to draw avalanches from.
    pub fn new(detector: Detector) -> Result<Self> {
        let none = serde_json::Value::Null;
        let header = RunHeader::new(DetectorFamily::NAME, Meta::default().units, None, none);
        let inputs = detector.files().iter().map(without_folder).collect();
        Self::with_header(detector, header, inputs)
    }

    /// The detector in the files of a run, with what its header says.
    pub(super) fn of_run(header: RunHeader, files: &RunFiles) -> Result<Self> {
        let (detector, inputs) = detector_of_run(files)?;
        Self::with_header(detector, header, inputs)
    }

    fn with_header(detector: Detector, header: RunHeader, inputs: Vec<InputFile>) -> Result<Self> {
        let known = |SharedCondition { name, values, ranges }| KnownCondition { name, values, ranges };
        let description = Description {
            family: header.family,
            source: detector.name.clone(),
            units: header.units,
            grid: None,
            conditions: detector.conditions().into_iter().map(known).collect(),
            starts: true,
            encoder: false,
            data: header.data,
        };
        let simulation = Arc::new(Simulation::new(&detector)?);
        Ok(Self { detector, simulation, description, summary: header.summary, inputs })
    }

    /// The description of the detector.
    pub fn detector(&self) -> &Detector {
        &self.detector
    }

    /// The detector at these conditions, and warnings.
    fn described_at(&self, conditions: &[Condition]) -> Result<(Detector, Vec<String>)> {
        let (mut detector, mut warnings) = (self.detector.clone(), Vec::new());
        for Condition { name, values } in conditions {
            warnings.extend(detector.set_condition(name, values)?);
        }
        Ok((detector, warnings))
    }

    /// The same, made ready.
    fn at(&self, conditions: &[Condition]) -> Result<(Arc<Simulation>, Vec<String>)> {
        if conditions.is_empty() {
            return Ok((Arc::clone(&self.simulation), Vec::new()));
        }
        let (detector, warnings) = self.described_at(conditions)?;
        Ok((Arc::new(Simulation::new(&detector)?), warnings))
    }
}

impl Model for DetectorModel {
    fn describe(&self) -> &Description {
        &self.description
    }

    fn summary(&self) -> &serde_json::Value {
        &self.summary
    }

    fn check(&self, setting: &Setting) -> Result<Vec<String>> {
        self.simulation.check_start(setting.start)?;
        Ok(self.at(&setting.conditions)?.1)
    }

    fn avalanche<'w>(
        &self,
        seed: u64,
        index: u64,
        setting: &Setting,
        workspace: &'w mut Workspace,
    ) -> Result<Drawn<'w>> {
        let state = workspace.state(
            |state: &State| {
                Arc::ptr_eq(&state.of, &self.simulation) && state.conditions == setting.conditions
            },
            || {
                Ok(State {
                    of: Arc::clone(&self.simulation),
                    conditions: setting.conditions.clone(),
                    simulation: self.at(&setting.conditions)?.0,
                    memory: townsend_sim::Workspace::default(),
                })
            },
        )?;
        state.simulation.check_start(setting.start)?;
        let electrons = state.simulation.avalanche(seed, index, setting.start, &mut state.memory);
        Ok(Drawn::Electrons(Avalanche { x: &electrons.x, z: &electrons.z, t: &electrons.t }))
    }

    fn blocks<'a>(
        &'a self,
        seed: u64,
        range: Range<u64>,
        setting: &Setting,
    ) -> Result<Box<dyn Iterator<Item = Dataset> + Send + 'a>> {
        let simulation = self.at(&setting.conditions)?.0;
        simulation.check_start(setting.start)?;
        Ok(Box::new(simulation.into_blocks(seed, range, setting.start).map(Dataset::from)))
    }

    fn detector_at(&self, setting: &Setting) -> Result<Option<Detector>> {
        Ok(Some(self.described_at(&setting.conditions)?.0))
    }

    fn files(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let text = toml::to_string(&self.detector).expect("descriptions of detectors have a form in TOML");
        let mut files = vec![(DETECTOR_FILE.into(), text.into_bytes())];
        let recorded = self.detector.recorded.iter();
        files.extend(recorded.filter_map(|of| Some((of.file.clone(), of.contents()?.to_vec()))));
        Ok(files)
    }

    fn inputs(&self) -> Result<Vec<InputFile>> {
        Ok(self.inputs.clone())
    }
}
