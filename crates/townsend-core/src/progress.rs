//! How long computations report their progress and are asked to stop, independent of who shows it and asks.

use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;

/// Receives the progress of computations.
pub trait Progress: Sync {
    /// A task begins that has `total` steps; it ends when the returned value is dropped.
    fn task(&self, name: &str, total: u64) -> Box<dyn Task + '_>;

    /// Something that a user should know before the work is done.
    fn warn(&self, _text: &str) {}
}

/// One task in progress.
pub trait Task: Send + Sync {
    /// Reports that `steps` more steps are done.
    fn advance(&self, steps: u64);

    /// Shows a short text beside the progress bar, such as the current loss.
    fn message(&self, _text: &str) {}
}

/// Ignores all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn task(&self, _name: &str, _total: u64) -> Box<dyn Task + '_> {
        Box::new(Self)
    }
}

impl Task for Silent {
    fn advance(&self, _steps: u64) {}
}

/// Whom a long computation tells how far it is, and who may stop it.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    /// Receives the progress.
    pub progress: &'a dyn Progress,
    /// The work stops soon after this becomes true.
    pub stop: &'a AtomicBool,
}

/// Nobody is told, and nothing is stopped.
impl Default for Work<'_> {
    fn default() -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self { progress: &Silent, stop: &NEVER }
    }
}

impl Work<'_> {
    /// An error if the work was asked to stop.
    pub fn go_on(&self) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) { Err(Stopped) } else { Ok(()) }
    }
}

/// The work was asked to stop, and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("stopped")]
pub struct Stopped;
