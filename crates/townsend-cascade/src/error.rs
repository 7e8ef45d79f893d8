//! What can go wrong when a cascade is fitted.

use std::path::PathBuf;

use thiserror::Error;
use townsend_core::{GridError, SplitError, Stopped};
use townsend_sim::SimError;

/// Why a cascade cannot be fitted.
#[derive(Debug, Error)]
pub enum CascadeError {
    /// A configuration with a value outside its limits, or one that does not suit the detector.
    #[error("{0}")]
    Config(String),
    /// A description of a detector that cannot be simulated.
    #[error("detector: {0}")]
    Sim(#[from] SimError),
    /// Responses of a foil that do not determine its parameters.
    #[error("a foil cannot be fitted: {what}\n  hint: {remedy}")]
    Foil {
        /// What is wrong with them.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Responses that are shifted otherwise than the gas and the magnetic field of the detector shift
    /// electrons.
    #[error("the responses and the gas contradict each other: {what}\n  hint: {remedy}")]
    Contradiction {
        /// Both shifts.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// A value of recorded responses, or of a foil fitted to them, that is outside its limits.
    #[error(transparent)]
    Value(SimError),
    /// Responses that the configuration names, but that were not given.
    #[error("there are no responses called `{name}`; there are {}", names(given))]
    NoResponses {
        /// The name that the configuration has.
        name: String,
        /// The names of those that were given.
        given: Vec<String>,
    },
    /// Responses that the configuration names, but that no file has.
    #[error(
        "no responses are called `{name}` in {}\n  hint: a file has them as arrays `{name}_start` and `{name}_electrons`",
        paths(files)
    )]
    NotInFiles {
        /// The name that the configuration has.
        name: String,
        /// The files that were looked through.
        files: Vec<PathBuf>,
    },
    /// One stage of a cascade that cannot be fitted to its responses.
    #[error("{responses}: {source}")]
    Stage {
        /// The names of its responses.
        responses: String,
        /// What is wrong with them.
        source: Box<CascadeError>,
    },
    /// Avalanches that a cascade cannot be fitted to.
    #[error("{0}")]
    Avalanches(String),
    /// Observables of avalanches could not be computed.
    #[error(transparent)]
    Observables(#[from] GridError),
    /// A fraction of avalanches to hold back that is outside its limits.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Arrays of a file that do not have the form of responses.
    #[error("{}: {what}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The array and what is wrong with it.
        what: String,
    },
    /// A file of responses that cannot be read.
    #[error(transparent)]
    Io(#[from] townsend_io::Error),
    /// The work was asked to stop.
    #[error("the fit was stopped before it was done")]
    Stopped(#[from] Stopped),
}

impl CascadeError {
    /// True if the configuration or the detector is to blame, rather than the responses or avalanches.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Config(_) | Self::Sim(_) | Self::Split(_))
    }
}

/// A list of files for a message.
fn paths(paths: &[PathBuf]) -> String {
    names(&paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>())
}

/// A list of names for a message.
fn names(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
