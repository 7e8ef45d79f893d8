//! One format into another.

use std::path::Path;

use super::input::Input;
use super::write::{Written, append_parts};
use crate::context::without_folder;
use crate::{Context, Result};
use serde::Serialize;
use townsend_core::Provenance;

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Converted {
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Reads `input`, one file after the other, and writes `output`. Electrons can become counts, never the
/// reverse.
pub fn convert(
    input: impl Into<Input>,
    output: &Path,
    written: &Written,
    context: &Context<'_>,
) -> Result<Converted> {
    let input = input.into().with_dims(written.most_dims());
    let files: Vec<_> = input.files()?.iter().map(without_folder).collect();
    let mut avalanches = 0;
    let mut writer = None;
    let warnings = input.each(context, |data, _, _| {
        let writer = match &mut writer {
            Some(writer) => writer,
            none => {
                let mut of = data.meta().clone();
                if files.len() > 1 {
                    // What holds for the first file is not known to hold for the others.
                    of.provenance.keep_common(&Provenance::default());
                }
                let meta = context.meta("convert", false, &of, files.clone());
                none.insert(written.create(output, &meta, data.grid(), 0, context)?)
            }
        };
        let task = context.progress.task("writing", data.len() as u64);
        append_parts(writer, &data, &*task, context)?;
        avalanches += data.len();
        Ok(())
    })?;
    if let Some(writer) = writer {
        writer.finish()?;
    }
    Ok(Converted { avalanches, warnings })
}
