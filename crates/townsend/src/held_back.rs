//! What a model was trained on, and what was held back from it.

use townsend_core::{Dataset, Part};

use crate::{Error, Model, Result};

/// Why none of some avalanches was held back from a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotHeldBack {
    /// The model was not trained on avalanches.
    #[error("the model was not trained on avalanches, so nothing was held back from it")]
    NoAvalanches,
    /// The avalanches are not those that the model was trained on.
    #[error("these are not the avalanches that the model was trained on, so nothing of them was held back")]
    OtherAvalanches,
    /// The training held nothing back.
    #[error("the training held no avalanches back; set data.test in its configuration and train again")]
    Nothing,
}

/// The numbers of the avalanches that a model was trained on, and of those that were held back from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBack {
    /// Avalanches that it was trained on.
    pub training: Vec<usize>,
    /// Avalanches that neither trained it nor chose its best state.
    pub test: Vec<usize>,
}

/// Says which of these avalanches a model was trained on, and which were held back.
///
/// # Errors
/// They are not those of its training, or nothing was held back.
pub fn held_back(model: &dyn Model, data: &Dataset) -> Result<HeldBack> {
    let refused = |why| Err(Error::NotHeldBack(why));
    let Some(trained_on) = &model.describe().data else { return refused(NotHeldBack::NoAvalanches) };
    if trained_on.digest != data.digest() {
        return refused(NotHeldBack::OtherAvalanches);
    }
    let [training, test] =
        [Part::Training, Part::Test].map(|part| trained_on.split.indices(part, data.len()));
    if test.is_empty() {
        return refused(NotHeldBack::Nothing);
    }
    Ok(HeldBack { training, test })
}
