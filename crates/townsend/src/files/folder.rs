//! A folder of outputs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use townsend_core::OutputFile;
use townsend_page::Figure;

use crate::{Context, Error, Result};

/// Refuses outputs below `out` that are there already, or cannot be since `out` is a file.
pub(super) fn refuse_outputs(out: &Path, names: &[&str], context: &Context<'_>) -> Result<()> {
    if let Some(file) = out.ancestors().find(|path| path.is_file()) {
        return Err(Error::Usage(format!(
            "{}: this needs a folder, and {} is a file",
            out.display(),
            file.display()
        )));
    }
    Ok(names.iter().try_for_each(|name| OutputFile::refuse_existing(&out.join(name), context.force))?)
}

/// Writes files below `out`, all of them or none; folders that were made for none go again.
pub(super) fn write_outputs(out: &Path, files: &[(String, Vec<u8>)], context: &Context<'_>) -> Result<()> {
    let paths: Vec<PathBuf> = files.iter().map(|(name, _)| out.join(name)).collect();
    let folders: BTreeSet<&Path> = paths.iter().filter_map(|path| path.parent()).collect();
    let new: Vec<&Path> = folders.iter().copied().filter(|folder| !folder.exists()).collect();
    for &folder in &folders {
        std::fs::create_dir_all(folder).map_err(|source| Error::Io { path: folder.into(), source })?;
    }
    let fill =
        |(path, (_, bytes)): (&PathBuf, &(String, Vec<u8>))| OutputFile::filled(path, bytes, context.force);
    let written: std::result::Result<Vec<_>, _> = paths.iter().zip(files).map(fill).collect();
    if written.is_err() {
        // What is in a folder by now is not ours, and keeps it.
        new.iter().rev().for_each(|folder| _ = std::fs::remove_dir(folder));
    }
    Ok(written?.into_iter().try_for_each(OutputFile::commit)?)
}

/// A figure as files of both formats in a folder.
pub(super) fn figure_files(folder: &str, figure: Figure) -> [(String, Vec<u8>); 2] {
    let Figure { name, svg, pdf } = figure;
    [(format!("{folder}{name}.svg"), svg.into_bytes()), (format!("{folder}{name}.pdf"), pdf)]
}
