//! A trained model: what it is, and new avalanches from it.

use std::any::Any;
use std::ops::Range;

use serde::Serialize;
use townsend_core::{
    Avalanche, CountBuffer, CountSet, Counts, Dataset, ElectronSet, Grid, InputFile, SettingNote, TrainedOn,
};
use townsend_kernels::Isa;
use townsend_models::onnx::Onnx;
use townsend_sim::Detector;

use crate::sample::append;
use crate::{Error, Result, Start};

/// Something that avalanches can be drawn from: a trained model of any family, or a detector of the Monte
/// Carlo.
///
/// Avalanche number `index` of a seed and a setting is always the same, byte for byte: drawn alone or in a
/// range, on any number of threads.
///
/// ```
/// use townsend::{Drawn, Families, Setting, Workspace};
///
/// let model = Families::shipped().open("microscopic_275".as_ref())?;
/// let (setting, mut workspace) = (Setting::default(), Workspace::default());
/// let alone = match model.avalanche(1, 7, &setting, &mut workspace)? {
///     Drawn::Electrons(electrons) => electrons.len() as u64,
///     Drawn::Counts(counts) => counts.electrons(),
/// };
/// let together = model.generate(1, 0..10, &setting)?;
/// assert_eq!(together.electrons(7), alone);
/// # Ok::<(), townsend::Error>(())
/// ```
pub trait Model: std::fmt::Debug + Send + Sync {
    /// What it is and what can be asked of it.
    fn describe(&self) -> &Description;

    /// Refuses a setting that the model cannot follow; by default any but that of its training. Returns
    /// warnings, such as a voltage outside the range that its effect was learned from.
    fn check(&self, setting: &Setting) -> Result<Vec<String>> {
        setting.refuse_any(self.describe()).map(|()| Vec::new())
    }

    /// Draws one avalanche into the memory of the workspace. The first call with a workspace, and the first
    /// after another model or other conditions, prepares what is needed; later calls allocate nothing.
    fn avalanche<'w>(
        &self,
        seed: u64,
        index: u64,
        setting: &Setting,
        workspace: &'w mut Workspace,
    ) -> Result<Drawn<'w>>;

    /// The avalanches with these numbers, in order, some hundred at a time, so that memory does not grow with
    /// their number. All threads of the pool that asks for them draw together.
    fn blocks<'a>(
        &'a self,
        seed: u64,
        range: Range<u64>,
        setting: &Setting,
    ) -> Result<Box<dyn Iterator<Item = Dataset> + Send + 'a>>;

    /// The avalanches with these numbers, in memory.
    fn generate(&self, seed: u64, range: Range<u64>, setting: &Setting) -> Result<Dataset> {
        let mut all = match &self.describe().grid {
            Some(grid) => Dataset::from(CountSet::new(grid.clone())),
            None => Dataset::from(ElectronSet::default()),
        };
        all.meta_mut().units.clone_from(&self.describe().units);
        for block in self.blocks(seed, range, setting)? {
            append(&mut all, &block)?;
        }
        Ok(all)
    }

    /// The files that the model consists of, by name, without `run.json`: what a single-file model holds.
    fn files(&self) -> Result<Vec<(String, Vec<u8>)>>;

    /// What its family keeps of how it was made: `summary` of `run.json`.
    fn summary(&self) -> &serde_json::Value {
        &serde_json::Value::Null
    }

    /// The detector that avalanches of this setting are drawn in, with every condition applied; `None` if the
    /// model describes none.
    fn detector_at(&self, _setting: &Setting) -> Result<Option<Detector>> {
        Ok(None)
    }

    /// The files that its avalanches follow from, for the provenance of what is made with it.
    fn inputs(&self) -> Result<Vec<InputFile>> {
        Ok(self.files()?.iter().map(|(name, bytes)| InputFile::of(name, bytes)).collect())
    }

    /// The instruction set that the last bits of its avalanches depend on; `None` if they depend on none.
    fn instructions(&self) -> Option<Isa> {
        None
    }

    /// The weights as safetensors with the names of a PyTorch state dict; `None` if the model is no network.
    fn weights(&self) -> Result<Option<Weights>> {
        Ok(None)
    }

    /// The network from normal numbers to cells as a file of ONNX; `None` if the model is no network.
    fn onnx(&self) -> Result<Option<Onnx>> {
        Ok(None)
    }

    /// The avalanches of `real` as the model describes them after it has seen them, each with as many
    /// electrons as it has; `None` if the model has no encoder. They are not new avalanches.
    fn reconstruct(&self, _seed: u64, _real: &Dataset) -> Result<Option<Dataset>> {
        Ok(None)
    }

    /// How its training went.
    fn history(&self) -> Result<History> {
        Ok(History::default())
    }
}

impl dyn Model {
    /// Opens a run directory, a single-file model, exported weights, or a detector, of the families that
    /// ship; [`Families`](crate::Families) opens those of others too.
    pub fn open(path: &std::path::Path) -> Result<Box<Self>> {
        crate::Families::shipped().open(path)
    }

    /// Draws one avalanche as electrons in cells, and says of which grid: the model's own, or `grid`, on
    /// which the electrons of a model that draws these are counted.
    ///
    /// # Errors
    /// The model draws electrons and there is no grid; or it draws cells, and the grid is another.
    pub fn cells<'w>(
        &'w self,
        seed: u64,
        index: u64,
        setting: &Setting,
        grid: Option<&'w Grid>,
        workspace: &'w mut Workspace,
        counted: &'w mut CountBuffer,
    ) -> Result<(Counts<'w>, &'w Grid)> {
        let own = self.describe().grid.as_ref();
        let cells = match (own, grid) {
            (None, None) => {
                return Err(Error::Usage("the model draws electrons: name a grid to count them on".into()));
            }
            (Some(own), Some(grid)) if !own.same_cells(grid) => {
                return Err(Error::Usage(format!(
                    "the model draws cells of the grid [{own}]; they cannot be given on [{grid}]"
                )));
            }
            (Some(grid), _) | (None, Some(grid)) => grid,
        };
        Ok(match self.avalanche(seed, index, setting, workspace)? {
            Drawn::Counts(counts) => (counts, cells),
            Drawn::Electrons(electrons) => (counted.count(electrons, cells), cells),
        })
    }

    /// The bytes of a single-file model, which [`Families::open_bytes`](crate::Families::open_bytes) opens:
    /// what one program hands to another without a file.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        crate::model_file::to_bytes(self)
    }
}

/// What a model is and what can be asked of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// The family, as a configuration names it in `model.family`; `detector` for the Monte Carlo.
    pub family: String,
    /// Its name or what it was made from, in words of its author; may be empty.
    pub source: String,
    /// Units of x, z and t.
    pub units: [String; 3],
    /// The grid of its avalanches; `None` if it draws electrons.
    pub grid: Option<Grid>,
    /// What its avalanches can be made to depend on.
    pub conditions: Vec<KnownCondition>,
    /// True if the primary electron can start elsewhere than where it did in training.
    pub starts: bool,
    /// True if it can show avalanches as it describes them.
    pub encoder: bool,
    /// The avalanches that it was trained on, and which of them were held back.
    pub data: Option<TrainedOn>,
}

/// A condition that a model knows, such as the voltage of a foil.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownCondition {
    /// Its name, with the unit.
    pub name: String,
    /// Its value at each stage, if it is not set.
    pub values: Vec<f64>,
    /// The least and the largest value at each stage that its effect was learned from.
    pub ranges: Vec<[f64; 2]>,
}

/// What avalanches shall be like, of what a model lets one choose.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Setting {
    /// Where the primary electron starts.
    pub start: Start,
    /// Values of conditions; those that are not named stay as in training.
    pub conditions: Vec<Condition>,
}

/// A condition and its values: one for all stages, or one for each. Written `voltage_v=300,300,275`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its name, with the unit.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

impl std::str::FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |text: &str| text.trim().parse().ok().filter(|value: &f64| value.is_finite());
        let parts = text.split_once('=').filter(|(name, _)| !name.trim().is_empty());
        let parts = parts
            .and_then(|(name, values)| Some((name, values.split(',').map(number).collect::<Option<_>>()?)));
        match parts {
            Some((name, values)) => Ok(Self { name: name.trim().to_owned(), values }),
            None => Err(format!("`{text}` is not NAME=VALUE or NAME=VALUE,VALUE,…, with numbers")),
        }
    }
}

impl Setting {
    /// Refuses everything but the default, for models that learned no conditions and one kind of start.
    pub fn refuse_any(&self, model: &Description) -> Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        Err(Error::FixedSetting { family: model.family.clone() })
    }

    /// The setting as files of avalanches say it: the start, where there are several, and every condition of
    /// the model with a value for each stage. None if nothing could be chosen.
    pub(crate) fn note(&self, model: &Description) -> Option<SettingNote> {
        let start = model.starts.then(|| self.start.to_string());
        let value = |known: &KnownCondition| {
            let chosen = self.conditions.iter().rev().find(|condition| condition.name == known.name);
            let values = match chosen.map(|condition| &condition.values[..]) {
                Some(&[one]) => vec![one; known.values.len()],
                Some(each) => each.into(),
                None => known.values.clone(),
            };
            (known.name.clone(), values)
        };
        let note = SettingNote { start, conditions: model.conditions.iter().map(value).collect() };
        (note != SettingNote::default()).then_some(note)
    }
}

/// One avalanche, in the memory of a [`Workspace`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drawn<'w> {
    /// Its electrons.
    Electrons(Avalanche<'w>),
    /// Electrons in the cells of the model's grid.
    Counts(Counts<'w>),
}

impl<'w> Drawn<'w> {
    /// The electrons.
    ///
    /// # Errors
    /// The model draws cells.
    pub fn electrons(self) -> Result<Avalanche<'w>> {
        match self {
            Self::Electrons(electrons) => Ok(electrons),
            Self::Counts(_) => Err(Error::Usage("the model draws cells of a grid, not electrons".into())),
        }
    }
}

/// Memory for one avalanche, to be used again for the next. One workspace serves one thread; it may be used
/// with one model after the other.
#[derive(Default)]
pub struct Workspace(Option<Box<dyn Any + Send>>);

impl Workspace {
    /// The state of this kind that a model left here, if `fits` says that it can be used; otherwise a new
    /// one.
    ///
    /// # Errors
    /// Those of `make`.
    ///
    /// # Panics
    /// Never: a state of this type is there by then.
    pub fn state<S: Any + Send>(
        &mut self,
        fits: impl FnOnce(&S) -> bool,
        make: impl FnOnce() -> Result<S>,
    ) -> Result<&mut S> {
        let usable = self.0.as_ref().and_then(|state| state.downcast_ref()).is_some_and(fits);
        if !usable {
            self.0 = Some(Box::new(make()?));
        }
        let state = self.0.as_mut().and_then(|state| state.downcast_mut());
        Ok(state.expect("the state was made with this type a moment ago"))
    }
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workspace").field("used", &self.0.is_some()).finish()
    }
}

/// Weights of a network as safetensors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Contents of the file.
    pub bytes: Vec<u8>,
    /// Tensors, those that are not trained (running statistics) included.
    pub tensors: usize,
    /// Numbers in them.
    pub numbers: usize,
    /// Epochs that the training had done.
    pub epochs: u32,
}

/// How a training went.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Numbers by epoch or sweep.
    pub curves: Vec<townsend_check::Curve>,
    /// What went wrong, in sentences.
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_a_name_and_numbers() {
        let condition = |name: &str, values: &[f64]| Condition { name: name.into(), values: values.into() };
        assert_eq!("voltage_v=300".parse(), Ok(condition("voltage_v", &[300.0])));
        assert_eq!(" v = 1, -2.5,3e1".parse(), Ok(condition("v", &[1.0, -2.5, 30.0])));
        for wrong in ["", "v", "v=", "=1", "v=a", "v=1,", "v=nan", "v=inf"] {
            assert!(wrong.parse::<Condition>().unwrap_err().contains("NAME=VALUE"), "{wrong}");
        }
    }

    #[test]
    fn a_setting_is_noted_with_what_was_not_chosen() {
        let known = |name: &str, values: &[f64]| KnownCondition {
            name: name.into(),
            values: values.into(),
            ranges: vec![[0.0, 1.0]; values.len()],
        };
        let mut model = Description {
            family: "test".into(),
            source: String::new(),
            units: ["mm", "mm", "ns"].map(String::from),
            grid: None,
            conditions: vec![known("v", &[1.0, 2.0, 3.0]), known("p", &[7.0, 7.0, 7.0])],
            starts: true,
            encoder: false,
            data: None,
        };
        let mut setting = Setting::default();
        setting.conditions.push("v=5".parse().unwrap());
        let note = setting.note(&model).unwrap();
        assert_eq!(note.start.as_deref(), Some("cell"));
        assert_eq!(note.conditions["v"], [5.0; 3]);
        assert_eq!(note.conditions["p"], [7.0; 3]);
        setting.conditions[0].values = vec![1.0, 2.0, 4.0];
        assert_eq!(setting.note(&model).unwrap().conditions["v"], [1.0, 2.0, 4.0]);
        (model.conditions, model.starts) = (Vec::new(), false);
        assert_eq!(Setting::default().note(&model), None);
    }

    #[test]
    fn a_workspace_keeps_the_state_that_fits_and_replaces_any_other() {
        let mut workspace = Workspace::default();
        *workspace.state(|_: &u32| true, || Ok(1)).unwrap() += 1;
        assert_eq!(*workspace.state(|_: &u32| true, || Ok(7)).unwrap(), 2);
        assert_eq!(*workspace.state(|_: &u32| false, || Ok(7)).unwrap(), 7);
        assert_eq!(*workspace.state(|_: &String| true, || Ok(String::from("s"))).unwrap(), "s");
        assert!(workspace.state(|_: &u32| true, || Err(Error::Stopped)).is_err());
    }
}
