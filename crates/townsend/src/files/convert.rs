//! One format into another.

use std::path::Path;

use serde::Serialize;
use townsend_io::ReadOptions;

use super::write::{Written, append_all};
use crate::context::named_input;
use crate::{Context, Result};

/// Avalanches that are read and written again at a time.
const BLOCK: usize = 256;

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Converted {
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Reads `input` and writes `output`. Electrons can become counts, never the reverse.
pub fn convert(input: &Path, output: &Path, written: &Written, context: &Context<'_>) -> Result<Converted> {
    let options = ReadOptions { dims: written.most_dims(), ..ReadOptions::default() };
    let loaded = context.read(input, &options)?;
    let data = &loaded.data;
    let meta = context.meta("convert", false, data.meta(), vec![named_input(input)?]);
    let mut writer = written.create(output, &meta, data.grid(), 0, context)?;
    let task = context.progress.task("writing", data.len() as u64);
    let all: Vec<usize> = (0..data.len()).collect();
    append_all(&mut writer, all.chunks(BLOCK).map(|part| data.select(part)), &*task, context)?;
    writer.finish()?;
    Ok(Converted { avalanches: data.len(), warnings: loaded.warnings })
}
