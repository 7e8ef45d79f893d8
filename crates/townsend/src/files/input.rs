//! Files of avalanches that are read as one set.

use std::path::{Path, PathBuf};

use townsend_core::{Dataset, InputFile};
use townsend_io::{ReadOptions, Source, read_each, sources};

use crate::context::input_file;
use crate::sample::append;
use crate::{Context, Error, Result};

/// Files of avalanches, read as one set in the order given, and how they are to be read.
///
/// A name may be a pattern (`run*/out_*.root`) and may have a tree behind it (`run.root:events`).
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// Names of files, and patterns.
    pub files: Vec<PathBuf>,
    /// Which columns, units, trees and electrons.
    pub options: ReadOptions,
}

impl<P: AsRef<Path>> From<P> for Input {
    fn from(file: P) -> Self {
        Self { files: vec![file.as_ref().into()], options: ReadOptions::default() }
    }
}

/// A set of avalanches, and what was noticed on reading it.
#[derive(Debug, Clone)]
pub struct Read {
    /// The avalanches.
    pub data: Dataset,
    /// How the first file holds them.
    pub layout: String,
    /// What a user should know of the files.
    pub warnings: Vec<String>,
}

/// Electrons of a part, where files are read in parts: some 100 MB while it is read and written.
pub(super) const PART: u64 = 1 << 20;

impl Input {
    /// A name for all files together: the first one, and how many more.
    pub fn name(&self) -> String {
        let first = self.files.first().map_or_else(String::new, |file| file.display().to_string());
        match self.files.len() {
            0 | 1 => first,
            several => format!("{first} and {} more", several - 1),
        }
    }

    /// The name as a path, for errors.
    pub(super) fn path(&self) -> PathBuf {
        self.name().into()
    }

    /// The same files, read with these dimensions of histograms.
    #[must_use]
    pub(super) fn with_dims(mut self, dims: Option<usize>) -> Self {
        self.options.dims = self.options.dims.or(dims);
        self
    }

    pub(super) fn sources(&self) -> Result<Vec<Source>> {
        let sources = sources(&self.files)?;
        if sources.is_empty() {
            Err(Error::Usage("no file of avalanches was named".into()))
        } else {
            Ok(sources)
        }
    }

    /// Reads all files into one set.
    ///
    /// # Errors
    /// No file was named, or one cannot be read, is damaged, or holds other avalanches than the first.
    pub fn read(&self, context: &Context<'_>) -> Result<Read> {
        let mut all: Option<Dataset> = None;
        let mut layout = String::new();
        let warnings = self.each(None, context, |data, of_file, source| {
            match &mut all {
                None => (all, layout) = (Some(data), of_file),
                Some(all) => append(all, &data)
                    .map_err(|error| Error::In { path: source.path.clone(), source: Box::new(error) })?,
            }
            Ok(())
        })?;
        let data = all.unwrap_or_else(|| Dataset::Electrons(townsend_core::ElectronSet::default()));
        Ok(Read { data, layout, warnings })
    }

    /// Reads the files and hands each on in its turn, with the words for how it holds avalanches: whole, of
    /// which no more are in memory than there are threads, or with `most` in parts of about so many
    /// electrons. Returns the warnings.
    pub(super) fn each(
        &self,
        most: Option<u64>,
        context: &Context<'_>,
        mut take: impl FnMut(Dataset, String, &Source) -> Result<()> + Send,
    ) -> Result<Vec<String>> {
        let sources = self.sources()?;
        let mut noticed: Vec<(PathBuf, String)> = Vec::new();
        context.on_its_threads(|| {
            read_each(&sources, &self.options, most, context.progress, |source, loaded| {
                context.go_on()?;
                let spelled = loaded.notices.iter().map(|notice| notice.spelled(context.spelled));
                noticed.extend(spelled.map(|text| (source.path.clone(), text)));
                take(loaded.data, loaded.layout, source)
            })
        })?;
        Ok(together(noticed, sources.len()))
    }

    /// Path and hash of every file.
    pub(super) fn files(&self) -> Result<Vec<InputFile>> {
        self.sources()?.iter().map(|source| input_file(&source.path)).collect()
    }

    /// Path and hash of all files as if they were one.
    pub(super) fn file(&self) -> Result<InputFile> {
        Ok(InputFile::together(&self.files()?))
    }
}

/// The notices of one file as they are; of several, each once with the name of the first file that it is
/// about, and how many others.
fn together(noticed: Vec<(PathBuf, String)>, files: usize) -> Vec<String> {
    if files == 1 {
        return noticed.into_iter().map(|(_, text)| text).collect();
    }
    let mut once: Vec<(PathBuf, String, usize)> = Vec::new();
    for (file, text) in noticed {
        match once.iter_mut().find(|(_, known, _)| *known == text) {
            Some((.., others)) => *others += 1,
            None => once.push((file, text, 0)),
        }
    }
    let said = |(file, text, others): (PathBuf, String, usize)| match others {
        0 => format!("{}: {text}", file.display()),
        others => format!("{} and {others} more: {text}", file.display()),
    };
    once.into_iter().map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_several_files_is_said_once() {
        let noticed =
            |files: &[(&str, &str)]| files.iter().map(|&(file, text)| (file.into(), text.into())).collect();
        assert_eq!(together(noticed(&[("a", "odd")]), 1), ["odd"]);
        let all = noticed(&[("a", "odd"), ("b", "odd"), ("b", "wide"), ("c", "odd")]);
        assert_eq!(together(all, 3), ["a and 2 more: odd", "b: wide"]);
    }
}
