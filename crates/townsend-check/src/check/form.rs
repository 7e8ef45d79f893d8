//! Brings two sets into one form, so that every observable has the same definition for both.

use std::borrow::Cow;

use townsend_core::{Dataset, Grid, InputFile};

use crate::CheckError;
use crate::report::Form;

/// The two sets in one form, what that form is, and a note about how they were brought into it.
pub(super) type OneForm<'a> = (Cow<'a, Dataset>, Cow<'a, Dataset>, Form, String);

/// Brings both sets into one form: electrons with electrons, or counts with counts on one grid.
pub(super) fn in_one_form<'a>(
    real: &'a Dataset,
    generated: &'a Dataset,
    real_file: &InputFile,
    generated_file: &InputFile,
) -> Result<OneForm<'a>, CheckError> {
    if real.meta().units != generated.meta().units {
        return Err(CheckError::Units {
            real_file: real_file.file.clone(),
            real: real.meta().units.join(", "),
            generated_file: generated_file.file.clone(),
            generated: generated.meta().units.join(", "),
        });
    }
    let count = |data: &Dataset, grid: &Grid| data.to_counts(grid).map(|counts| Cow::Owned(counts.into()));
    let counted = |what: &str, grid: &Grid| {
        format!(
            "the {what} were counted on the grid of the other set [{grid}], so that one definition holds for both"
        )
    };
    match (real.grid(), generated.grid()) {
        (None, None) => {
            let note = "both sets are electrons";
            Ok((Cow::Borrowed(real), Cow::Borrowed(generated), Form::Electrons, note.into()))
        }
        (None, Some(grid)) => {
            Ok((count(real, grid)?, Cow::Borrowed(generated), Form::Counts, counted("real electrons", grid)))
        }
        (Some(grid), None) => Ok((
            Cow::Borrowed(real),
            count(generated, grid)?,
            Form::Counts,
            counted("generated electrons", grid),
        )),
        (Some(a), Some(b)) if a.same_cells(b) => {
            let note = format!("both sets are counts on the grid [{a}]");
            Ok((Cow::Borrowed(real), Cow::Borrowed(generated), Form::Counts, note))
        }
        (Some(a), Some(b)) => {
            let common = a.first(a.dims().min(b.dims()))?;
            match (count(real, &common), count(generated, &common)) {
                (Ok(real), Ok(generated)) => {
                    let note = format!("both sets were projected on the axes they have in common [{common}]");
                    Ok((real, generated, Form::Counts, note))
                }
                _ => Err(CheckError::Grids {
                    real_file: real_file.file.clone(),
                    real: a.to_string(),
                    generated_file: generated_file.file.clone(),
                    generated: b.to_string(),
                }),
            }
        }
    }
}

/// Training avalanches in the form in which the real ones are compared; an error says why this is impossible.
pub(super) fn in_the_form_of(data: &Dataset, real: &Dataset) -> Result<Dataset, String> {
    if data.meta().units != real.meta().units {
        return Err(format!("they are in {}", data.meta().units.join(", ")));
    }
    match (real.grid(), data.grid()) {
        (Some(grid), _) => data.to_counts(grid).map(Dataset::from).map_err(|error| error.to_string()),
        (None, None) => Ok(data.clone()),
        (None, Some(_)) => Err("they are counts, the others electrons".to_string()),
    }
}
