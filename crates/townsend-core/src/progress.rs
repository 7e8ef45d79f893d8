//! How long work tells how far it is, without knowing who listens.

/// Somebody who is told how far work has come.
pub trait Progress: Sync {
    /// A task begins that has `total` steps; it ends when the returned value is dropped.
    fn task(&self, name: &str, total: u64) -> Box<dyn Task + '_>;
}

/// One task under way.
pub trait Task: Send + Sync {
    /// `steps` more are done.
    fn advance(&self, steps: u64);

    /// A short text to be shown beside the bar, such as the current loss.
    fn message(&self, _text: &str) {}
}

/// Nobody listens.
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
