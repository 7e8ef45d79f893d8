//! How long computations report their progress, independent of who shows it.

/// Receives the progress of computations.
pub trait Progress: Sync {
    /// A task begins that has `total` steps; it ends when the returned value is dropped.
    fn task(&self, name: &str, total: u64) -> Box<dyn Task + '_>;
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
