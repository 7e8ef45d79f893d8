//! Families of models: how one is trained and opened, and the list of those that there are.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use townsend_cascade::Responses;
use townsend_core::{Dataset, InputFile, OutputError, RunFiles, RunHeader, StoredSet, nearest_first};
use townsend_io::ReadOptions;

use crate::{Context, Error, Model, Result, families, model_file};

/// A family of models: one way to learn avalanches and to make new ones.
///
/// A new family is a type with this trait and one line in the list of those that ship, or one call of
/// [`Families::with`] in a program of your own.
pub trait Family: Send + Sync {
    /// What configurations call it in `model.family`; a family may have several names.
    fn names(&self) -> Vec<&'static str>;

    /// What a training with this configuration learns from. Errors of the configuration that can be told
    /// without data are told here.
    fn wants(&self, config: &Configuration) -> Result<Wanted>;

    /// Trains a model and leaves its files, all of them, in [`Training::run`].
    fn train(&self, training: Training<'_>) -> Result<Outcome>;

    /// True if its models are learned from data; a detector of the Monte Carlo is described.
    fn is_trained(&self) -> bool {
        true
    }

    /// True if a training that was stopped can go on where it was.
    fn can_resume(&self) -> bool {
        false
    }

    /// True if it can train on avalanches that are on disk.
    fn trains_from_disk(&self) -> bool {
        false
    }

    /// The model of a run of this family.
    fn open(&self, header: RunHeader, files: RunFiles) -> Result<Box<dyn Model>>;

    /// Opens what is no run, such as weights in a file of their own or a name that ships; `None` if it is
    /// nothing of this family.
    fn open_other(&self, _named: &Path) -> Result<Option<Box<dyn Model>>> {
        Ok(None)
    }
}

/// What a training learns from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Avalanches; of histograms those of so many dimensions, if it matters.
    Avalanches {
        /// The dimensions.
        dims: Option<usize>,
    },
    /// Recorded responses of single foils, by these names.
    Responses(Vec<String>),
}

/// What a training is given.
#[derive(Debug)]
pub enum TrainingData {
    /// Avalanches.
    Avalanches(Box<Dataset>),
    /// Avalanches on disk, more than there is memory for; only families that can train on them get them.
    Stored(Box<StoredSet>),
    /// Recorded responses of single foils, by name.
    Responses(BTreeMap<String, Responses>),
}

impl From<Dataset> for TrainingData {
    fn from(data: Dataset) -> Self {
        Self::Avalanches(Box::new(data))
    }
}

impl TrainingData {
    /// The avalanches.
    ///
    /// # Errors
    /// These are responses, or avalanches that are not in memory.
    pub fn avalanches(&self) -> Result<&Dataset> {
        match self {
            Self::Avalanches(data) => Ok(data),
            Self::Stored(_) => Err(Error::OtherTrainingData { wanted: "avalanches in memory" }),
            Self::Responses(_) => Err(Error::OtherTrainingData { wanted: "avalanches" }),
        }
    }

    /// The responses.
    ///
    /// # Errors
    /// These are avalanches.
    pub fn responses(&self) -> Result<&BTreeMap<String, Responses>> {
        match self {
            Self::Responses(responses) => Ok(responses),
            Self::Avalanches(_) | Self::Stored(_) => {
                Err(Error::OtherTrainingData { wanted: "responses of single foils" })
            }
        }
    }
}

/// A training to be done.
pub struct Training<'a> {
    /// The configuration.
    pub config: &'a Configuration,
    /// What to learn from.
    pub data: &'a TrainingData,
    /// The file that the data came from, if they came from one.
    pub file: Option<InputFile>,
    /// Where the files of the run go; with `resume`, where they are.
    pub run: &'a mut RunFiles,
    /// Go on with a run that was stopped.
    pub resume: bool,
    /// Progress, stop and threads. Seeds stand in the configuration.
    pub context: &'a Context<'a>,
}

impl Training<'_> {
    /// Says that an error is one of the data.
    pub fn blame_data(&self, error: impl Into<Error>) -> Error {
        let path = self.file.as_ref().map_or("the data", |file| &file.file);
        Error::In { path: path.into(), source: Box::new(error.into()) }
    }

    /// Writes the files of a run. That of an older one, `run.json`, which makes it a run, goes first, and the
    /// new one comes last, so that no mixture of the two is a run.
    pub fn write(
        &mut self,
        header: &RunHeader,
        files: Vec<(String, Vec<u8>)>,
    ) -> std::result::Result<(), OutputError> {
        let header = (RunHeader::FILE.to_owned(), header.to_bytes());
        self.run.replace(&[RunHeader::FILE], files.into_iter().chain([header]).collect())
    }
}

/// How a training ended.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Its numbers, as each family has them.
    #[serde(flatten)]
    pub numbers: serde_json::Value,
    /// The same in a sentence.
    #[serde(skip)]
    pub sentence: String,
    /// True if it was told to stop before its end, and can be resumed.
    #[serde(skip)]
    pub stopped: bool,
    /// What a user should know of the data.
    pub warnings: Vec<String>,
}

/// Names and texts of the files in `configs/`.
macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../configs/", $name, ".toml")))),+]
    };
}

/// The configurations that ship.
const SHIPPED: [(&str, &str); 27] = shipped![
    "beta-vae-3d-capacity",
    "beta-vae-3d-capacity-growing",
    "beta-vae-3d-constant",
    "beta-vae-3d-growing",
    "cascade",
    "cascade-1t",
    "cascade-anode",
    "cascade-ar-co2",
    "cascade-histograms",
    "cascade-stages",
    "cascade-voltages",
    "clusters",
    "gain-gan",
    "gan-1d",
    "gan-2d",
    "gan-3d",
    "gan-3d-deep",
    "infogan-3d",
    "recorded-1t",
    "vae-2d",
    "vae-2d-reference",
    "vae-3d",
    "vae-adversary-3d",
    "vae-adversary-3d-cross-entropy",
    "wgan-clip-2d",
    "wgan-gp-2d",
    "wgan-gp-3d",
];

/// A configuration of a training: a text in TOML, where it came from, and values that replace some of its
/// own.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// The text.
    pub text: String,
    /// The file that it came from, or a name for it: errors name it, and files that it names are looked for
    /// beside it.
    pub path: PathBuf,
    /// Values to replace, each `key=value`, such as `training.epochs=2`.
    pub set: Vec<String>,
}

impl Configuration {
    /// A configuration from its text.
    pub fn from_toml(text: impl Into<String>) -> Self {
        Self { text: text.into(), path: "configuration".into(), set: Vec::new() }
    }

    /// The names of the configurations that ship: those of the files in `configs/`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|&(name, _)| name)
    }

    /// A configuration that ships, by its name.
    pub fn shipped(name: &str) -> Option<Self> {
        let &(name, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
        Some(Self { text: text.into(), path: name.into(), set: Vec::new() })
    }

    /// A file, or a configuration that ships, by its name.
    ///
    /// # Errors
    /// There is no such file or name, or the file cannot be read.
    pub fn open(named: &Path) -> Result<Self> {
        let name = named.to_string_lossy();
        match Self::shipped(&name) {
            // A folder of this name may be the run of an earlier training.
            Some(shipped) if !named.is_file() => Ok(shipped),
            None if !named.exists() && named.extension().is_none() => Err(Error::Usage(format!(
                "{name}: is neither a file nor a configuration that comes with the program; these are {}",
                nearest_first(&name, Self::names()).join(", ")
            ))),
            _ => Self::read(named),
        }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            ErrorKind::InvalidData => {
                let what = "is no text, and a configuration is a text in TOML; is it a file of avalanches?";
                Error::In { path: path.into(), source: Box::new(Error::Usage(what.into())) }
            }
            _ => Error::Io { path: path.into(), source },
        })?;
        Ok(Self { text, path: path.into(), set: Vec::new() })
    }

    /// Replaces a value: `key=value`.
    #[must_use]
    pub fn set(mut self, change: impl Into<String>) -> Self {
        self.set.push(change.into());
        self
    }

    /// The configuration as a value of this type, every change made.
    ///
    /// # Errors
    /// The text is no TOML, or a key is unknown, missing or has a value of another kind; the error names the
    /// line.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(townsend_train::parse_config(&self.text, &self.path, &self.set)?)
    }

    /// Takes out the table `[input]`, which says how files of avalanches are read and is nothing to the
    /// model.
    ///
    /// # Errors
    /// A key of the table is unknown or has a value that cannot be.
    pub fn take_input(&mut self) -> Result<ReadOptions> {
        #[derive(serde::Deserialize)]
        struct WithInput {
            #[serde(default)]
            input: ReadOptions,
        }
        let mut table: toml::Table = self.parse()?;
        if table.remove("input").is_none() {
            return Ok(ReadOptions::default());
        }
        let WithInput { input } = self.parse()?;
        self.set.retain(|change| !change.trim_start().starts_with("input."));
        // Its lines become empty ones, so that errors of the others name the lines that the user sees.
        let mut inside = false;
        let kept = self.text.lines().map(|line| {
            let start = line.trim_start();
            inside = if start.starts_with('[') { start.starts_with("[input]") } else { inside };
            if inside { "" } else { line }
        });
        self.text = kept.collect::<Vec<_>>().join("\n") + "\n";
        if self.parse::<toml::Table>()? == table {
            return Ok(input);
        }
        Err(self.blame(Error::Usage(
            "input is a table of its own: write [input] on a line, and its keys below".into(),
        )))
    }

    /// `model.family`, if it can be read.
    fn family(&self) -> Option<String> {
        let table: toml::Table = self.parse().ok()?;
        Some(table.get("model")?.get("family")?.as_str()?.to_owned())
    }

    /// Says that an error is one of this configuration.
    pub fn blame(&self, error: impl Into<Error>) -> Error {
        Error::In { path: self.path.clone(), source: Box::new(error.into()) }
    }
}

/// The families of models that a program knows.
pub struct Families(Vec<Box<dyn Family>>);

impl Families {
    /// Those that ship.
    pub fn shipped() -> &'static Self {
        static SHIPPED: LazyLock<Families> = LazyLock::new(|| Families(families::shipped()));
        &SHIPPED
    }

    /// Those that ship and one more.
    pub fn with(family: impl Family + 'static) -> Self {
        let mut all = families::shipped();
        all.push(Box::new(family));
        Self(all)
    }

    /// The names of all families.
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().flat_map(|family| family.names()).collect()
    }

    fn by_name(&self, name: &str) -> Option<&dyn Family> {
        self.0.iter().find(|family| family.names().contains(&name)).map(AsRef::as_ref)
    }

    /// The family of a configuration.
    ///
    /// # Errors
    /// The configuration has none, or one that nobody knows.
    pub fn of(&self, config: &Configuration) -> Result<&dyn Family> {
        match config.family() {
            Some(name) => self.by_name(&name).ok_or_else(|| {
                let trained = self.0.iter().filter(|family| family.is_trained());
                let known: Vec<_> =
                    trained.flat_map(|family| family.names()).map(|name| format!("`{name}`")).collect();
                config.blame(Error::UnknownFamily { name, known: known.join(", ") })
            }),
            // What is wrong with it is said by those who read it whole.
            None => match config.parse::<toml::Table>() {
                Ok(_) => Err(config.blame(Error::NoFamily)),
                Err(error) => Err(error),
            },
        }
    }

    /// Opens a run directory, a single-file model, or what a family knows by a name or a file of its own:
    /// exported weights, a detector.
    ///
    /// # Errors
    /// It is none of these, or damaged.
    pub fn open(&self, path: &Path) -> Result<Box<dyn Model>> {
        if path.is_dir() {
            return self.open_run(RunFiles::Folder(path.into()));
        }
        if let Some(files) = model_file::read(path)? {
            return self
                .open_run(files)
                .map_err(|error| Error::In { path: path.into(), source: error.into() });
        }
        for family in &self.0 {
            if let Some(model) = family.open_other(path)? {
                return Ok(model);
            }
        }
        // That it is no run is what a missing folder is told.
        self.open_run(RunFiles::Folder(path.into()))
    }

    /// Opens a single-file model whose bytes are in memory.
    ///
    /// # Errors
    /// The bytes are not those of a model, or damaged.
    pub fn open_bytes(&self, bytes: Vec<u8>) -> Result<Box<dyn Model>> {
        let path = Path::new("model in memory");
        match model_file::from_bytes(bytes, path)? {
            Some(files) => self.open_run(files),
            None => Err(Error::Content { path: path.into(), what: "is no single-file model".into() }),
        }
    }

    /// Opens a run, from a folder or from memory.
    pub fn open_run(&self, files: RunFiles) -> Result<Box<dyn Model>> {
        let header = RunHeader::read(&files)?;
        match self.by_name(&header.family) {
            Some(family) => family.open(header, files),
            None => Err(Error::Content {
                path: files.path(RunHeader::FILE),
                what: format!("this program knows no family of models `{}`", header.family),
            }),
        }
    }
}

impl std::fmt::Debug for Families {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Families").field(&self.names()).finish()
    }
}
