//! One format into another.

use std::path::Path;

use super::input::{Input, PART};
use super::write::{Written, append_parts};
use crate::context::without_folder;
use crate::{Context, Result};
use serde::Serialize;
use townsend_core::{Provenance, Silent};

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Converted {
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Reads `input`, one file after the other, and writes `output`. Electrons can become counts, never the
/// reverse. Files are read in parts, so that the memory needed does not grow with them, but for texts and
/// Parquet, each of which is read whole.
pub fn convert(
    input: impl Into<Input>,
    output: &Path,
    written: &Written,
    context: &Context<'_>,
) -> Result<Converted> {
    convert_parts(input.into(), output, written, Some(PART), context)
}

/// Does that with parts of about so many electrons, or with whole files.
fn convert_parts(
    input: Input,
    output: &Path,
    written: &Written,
    most: Option<u64>,
    context: &Context<'_>,
) -> Result<Converted> {
    let input = input.with_dims(written.most_dims());
    let files: Vec<_> = input.files()?.iter().map(without_folder).collect();
    let mut avalanches = 0;
    let mut writer = None;
    let warnings = input.each(most, context, |data, _, _| {
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
        // Reading goes on with what is written.
        append_parts(writer, &data, &Silent, context)?;
        avalanches += data.len();
        Ok(())
    })?;
    if let Some(writer) = writer {
        writer.finish()?;
    }
    Ok(Converted { avalanches, warnings })
}

#[cfg(test)]
mod tests {
    use townsend_io::Format;

    use super::*;
    use crate::{Setting, simulate};

    /// The bytes that are written do not depend on the parts that are read.
    #[test]
    fn parts_are_written_as_the_whole() {
        let context = Context { force: true, ..Context::default() };
        let detector = crate::detector(None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let kind = |format, dims: &[usize]| Written { dims: dims.into(), grid: None, format: Some(format) };
        let written = [
            ("a.npz", kind(Format::Npz, &[])),
            ("a.root", kind(Format::Root, &[])),
            ("n.root", kind(Format::RNTuple, &[])),
            ("h.root", kind(Format::Root, &[1, 3])),
            ("c.npz", kind(Format::Npz, &[2])),
        ];
        let avalanches = simulate(&detector, 1, 0..7, &Setting::default()).unwrap();
        for (name, written) in &written {
            crate::files::write(&avalanches, &path(name), written, &context).unwrap();
        }
        let one = |name: &str| Input { files: vec![path(name)], ..Input::default() };
        let two = Input { files: vec![path("a.npz"), path("n.root")], ..Input::default() };
        let counts = [one("c.npz"), one("h.root")];
        for (from, to) in [one("a.npz"), one("a.root"), one("n.root"), two]
            .into_iter()
            .flat_map(|from| written.iter().map(move |to| (from.clone(), to)))
            .chain(counts.into_iter().map(|from| (from, &written[4])))
        {
            let write = |most| {
                let out = path("out").with_extension(to.0.split('.').next_back().unwrap_or_default());
                let converted = convert_parts(from.clone(), &out, &to.1, most, &context).unwrap();
                (std::fs::read(out).unwrap(), converted.avalanches, converted.warnings)
            };
            assert!(write(Some(1)) == write(None), "{} to {}", from.name(), to.0);
        }
    }
}
