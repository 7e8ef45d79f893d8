//! What can go wrong, in one type.

use std::io::ErrorKind;
use std::path::PathBuf;

use thiserror::Error;
use townsend_cascade::CascadeError;
use townsend_check::CheckError;
use townsend_clusters::ClusterError;
use townsend_core::{GridError, OutputError, RunError, SplitError, Stopped};
use townsend_models::ModelError;
use townsend_page::PageError;
use townsend_sim::SimError;
use townsend_train::TrainError;

use crate::NotHeldBack;

/// The result of a function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why it failed.
#[derive(Debug, Error)]
pub enum Error {
    /// A file of avalanches.
    #[error(transparent)]
    Avalanches(#[from] townsend_io::Error),
    /// Training, or the run directory.
    #[error(transparent)]
    Train(TrainError),
    /// A model or its checkpoint.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The detector.
    #[error("detector: {0}")]
    Detector(#[from] SimError),
    /// The comparison.
    #[error(transparent)]
    Check(CheckError),
    /// An output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Something wrong with a file, where the rest of the message does not name it.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// Contents of a file that cannot be what they should.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An argument or a configuration that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A page or a figure.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Fractions of avalanches to hold back.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A run and its files.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The fit of a cascade.
    #[error(transparent)]
    Cascade(#[from] CascadeError),
    /// The training of clusters.
    #[error(transparent)]
    Clusters(#[from] ClusterError),
    /// Something wrong with the data that a training was given.
    #[error("the data: {0}")]
    InData(Box<Error>),
    /// Data of another kind than a training needs.
    #[error("the model that the configuration describes learns from {wanted}")]
    OtherTrainingData {
        /// What it learns from.
        wanted: &'static str,
    },
    /// Avalanches that cannot be used as they are.
    #[error("{0}")]
    Unsuited(String),
    /// A configuration without `model.family`.
    #[error("names no model; write family = \"…\" under [model]")]
    NoFamily,
    /// A family that the program does not know.
    #[error("model.family = `{name}`: there is no such family of models; there are {known}")]
    UnknownFamily {
        /// The name found.
        name: String,
        /// The names of all families.
        known: String,
    },
    /// A training that is done in one go was to be resumed.
    #[error("a model of this family is trained in one go, so there is nothing to resume")]
    NothingToResume,
    /// A start or conditions for a model that knows only those of its training.
    #[error("was trained without conditions and on one kind of start ({family}), so neither can be chosen")]
    FixedSetting {
        /// The family of the model.
        family: String,
    },
    /// A model without an encoder was to show avalanches as it describes them.
    #[error("{}: has no encoder; only a vae can reconstruct avalanches", path.display())]
    NoEncoder {
        /// The model.
        path: PathBuf,
    },
    /// A grid for avalanches that are counts already.
    #[error("{}: a grid is for electrons; counts stay on the grid that they were counted on", path.display())]
    GridOfCounts {
        /// The file with the grid.
        path: PathBuf,
    },
    /// Avalanches of which nothing was held back from a model.
    #[error("{0}")]
    NotHeldBack(NotHeldBack),
    /// The same, with the files.
    #[error("{}, of the model {}: {source}", real.display(), model.display())]
    HeldBack {
        /// The avalanches.
        real: PathBuf,
        /// The model.
        model: PathBuf,
        /// What is wrong.
        source: Box<Error>,
    },
    /// Avalanches that outgrow the memory.
    #[error(
        "out of memory: {avalanches} avalanches of {electrons} electrons are in memory, and the system gives no room for more"
    )]
    Memory {
        /// Avalanches that are in memory.
        avalanches: usize,
        /// Their electrons.
        electrons: u64,
    },
    /// The work was asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<TrainError> for Error {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Stopped(_) => Self::Stopped,
            error => Self::Train(error),
        }
    }
}

impl From<CheckError> for Error {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Stopped(_) => Self::Stopped,
            error => Self::Check(error),
        }
    }
}

impl Error {
    /// True if what was asked for was wrong, rather than what was found: exit code 2.
    pub fn is_usage(&self) -> bool {
        use CheckError::UnknownMetric;
        use TrainError::{Config, Override, Split, Toml};
        match self {
            Self::In { source, .. } | Self::InData(source) => return source.is_usage(),
            Self::Cascade(error) => return error.is_usage(),
            // A file that cannot be read is found so, whatever should be in it.
            Self::Detector(SimError::Read { .. }) => return false,
            _ => {}
        }
        matches!(
            self,
            Self::Usage(_)
                | Self::Split(_)
                | Self::NoFamily
                | Self::UnknownFamily { .. }
                | Self::NothingToResume
                | Self::FixedSetting { .. }
                | Self::NoEncoder { .. }
                | Self::GridOfCounts { .. }
                | Self::NotHeldBack(_)
                | Self::HeldBack { .. }
                | Self::Unsuited(_)
                | Self::Clusters(ClusterError::Range { .. } | ClusterError::Split(_))
                | Self::Detector(_)
                | Self::Avalanches(
                    townsend_io::Error::UnknownEnding { .. } | townsend_io::Error::NotWritten { .. },
                )
                | Self::Check(UnknownMetric { .. } | CheckError::Thresholds(_))
                | Self::Model(ModelError::Config(_) | ModelError::Device { .. })
                | Self::Train(
                    Config(_)
                        | Override(_)
                        | Split(_)
                        | Toml { .. }
                        | TrainError::Model(ModelError::Config(_) | ModelError::Device { .. })
                )
        )
    }

    /// What the system said, where it or a file that is there already is the cause: a file that does not
    /// exist, one that exists, one that may not be read, memory that is not there.
    pub fn system(&self) -> Option<ErrorKind> {
        match self {
            Self::InData(source) | Self::In { source, .. } | Self::HeldBack { source, .. } => source.system(),
            Self::Output(error)
            | Self::Avalanches(townsend_io::Error::Output(error))
            | Self::Train(TrainError::Output(error)) => of_output(error),
            Self::Run(error) | Self::Train(TrainError::Run(error)) => of_run(error),
            Self::Memory { .. } => Some(ErrorKind::OutOfMemory),
            error => of_chain(error),
        }
    }
}

fn of_output(error: &OutputError) -> Option<ErrorKind> {
    match error {
        OutputError::Exists { .. } => Some(ErrorKind::AlreadyExists),
        OutputError::IsFolder { .. } => Some(ErrorKind::IsADirectory),
        OutputError::NoFolder { .. } => Some(ErrorKind::NotFound),
        error => of_chain(error).or(Some(ErrorKind::Other)),
    }
}

fn of_run(error: &RunError) -> Option<ErrorKind> {
    match error {
        RunError::Exists(_) | RunError::Occupied(_) => Some(ErrorKind::AlreadyExists),
        RunError::NotARun { path, .. } if !path.exists() => Some(ErrorKind::NotFound),
        error => of_chain(error),
    }
}

/// The system's error among the causes of another.
fn of_chain(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|error| error.downcast_ref::<std::io::Error>().map(std::io::Error::kind))
}
