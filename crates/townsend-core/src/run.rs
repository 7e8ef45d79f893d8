//! A run: the files that a training writes, in a folder or in memory, and the header that describes them.
//!
//! Every family of models has one and the same layout: `run.json` ([`RunHeader`]) names the family and the
//! avalanches that it was trained on, and the other files are the family's own.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::output::synchronise;
use crate::{
    Claim, Dataset, Holder, InputFile, Meta, OutputError, OutputFile, Provenance, SettingNote, Split,
};

/// Version of the layout of a run. A change that an older program would misread raises it.
pub const RUN_VERSION: u64 = 3;

/// Why a run cannot be opened, or cannot be written where it was asked for.
#[derive(Debug, Error)]
pub enum RunError {
    /// A folder (or files in memory) without the file that makes it a run.
    #[error(
        "{}: is not a run: it has no {missing}; give a folder that a training made", path.display()
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// The file that is missing.
        missing: &'static str,
    },
    /// A run that another version of this program wrote.
    #[error(
        "{}: is a run of version {found}; this program reads version {expected}: use the townsend that made it, \
         or train again", path.display()
    )]
    Version {
        /// The file that states the version.
        path: PathBuf,
        /// The version of the run.
        found: u64,
        /// The version that this program reads, [`RUN_VERSION`].
        expected: u64,
    },
    /// A file of a run has invalid contents.
    #[error("{}: is damaged: {problem}; restore it from a copy, or train again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A run already exists where a new one was to be written.
    #[error("{}: exists already; resume this run, replace it, or choose another name", .0.display())]
    Exists(PathBuf),
    /// Other files exist in the folder where a new run was to be written.
    #[error(
        "{}: is neither empty nor a run (it has no {}), so nothing is written there; choose another name",
        .0.display(), RunHeader::FILE
    )]
    Occupied(PathBuf),
    /// Another process writes to the folder.
    #[error(
        "{}: {} is writing here; wait for its end, or choose another name",
        path.display(), holder.as_ref().map_or_else(|| "another process".into(), Holder::to_string)
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who it is, if that can be read.
        holder: Option<Holder>,
    },
    /// A process of another machine has said that it writes to the folder, and the file system has no locks
    /// that would tell whether it still does.
    #[error(
        "{}: {holder}, says that it is writing here, and this file system has no locks to tell whether it still \
         does; if not, remove {}", path.display(), file.display()
    )]
    MayBeInUse {
        /// The folder.
        path: PathBuf,
        /// The file that says so.
        file: PathBuf,
        /// Who it is.
        holder: Holder,
    },
    /// The folder cannot be made or written to.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The operating system could not read a file.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason that it gives.
        source: io::Error,
    },
}

/// The files of a run (or of an exported model) by name, such as `checkpoints/best.safetensors`: in a folder
/// or in memory. Names are relative, with `/` between folders on every system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunFiles {
    /// Files below this folder, which need not exist yet.
    Folder(PathBuf),
    /// The contents of each file.
    Memory(BTreeMap<String, Vec<u8>>),
}

impl RunFiles {
    /// No files yet, to be kept in memory.
    pub fn memory() -> Self {
        Self::Memory(BTreeMap::new())
    }

    /// The contents of a file. Names come from files too, such as the description of a detector: one that
    /// leads out of the run is refused, so that a model reads nothing but itself.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of this name, [`ErrorKind::InvalidInput`] if the name leads
    /// out of the run; in a folder, whatever the system says.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if !Path::new(name).components().all(inside) {
            let what =
                format!("the name `{name}` leads out of the run; a model consists of its own files alone");
            return Err(io::Error::new(ErrorKind::InvalidInput, what));
        }
        match self {
            Self::Folder(folder) => std::fs::read(folder.join(name)),
            Self::Memory(files) => {
                files.get(name.trim_start_matches("./")).cloned().ok_or_else(|| ErrorKind::NotFound.into())
            }
        }
    }

    /// True if there is a file of this name.
    pub fn exists(&self, name: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(name).is_file(),
            Self::Memory(files) => files.contains_key(name),
        }
    }

    /// Writes files, replacing older ones of the same names, and makes the folders that they need. All
    /// contents are on the disk before the first file is moved to its place, in the order given, so that a
    /// full disk leaves everything unchanged.
    ///
    /// # Errors
    /// A folder or a file cannot be written. Folders that were made for it are removed again.
    pub fn write(&mut self, files: Vec<(String, Vec<u8>)>) -> Result<(), OutputError> {
        self.replace(&[], files)
    }

    /// Like [`RunFiles::write`], and removes the files named `stale`, after all contents are on the disk and
    /// before the first new file is moved to its place.
    ///
    /// # Errors
    /// As [`RunFiles::write`]; or a stale file cannot be removed.
    pub fn replace(&mut self, stale: &[&str], files: Vec<(String, Vec<u8>)>) -> Result<(), OutputError> {
        match self {
            Self::Folder(folder) => {
                let mut made = Vec::new();
                let written = replace_in(folder, stale, &files, &mut made);
                if written.is_err() {
                    // The innermost folder was made last. Only empty folders are removed, so one that
                    // contains a file by now stays.
                    for folder in made.iter().rev() {
                        let _ = std::fs::remove_dir(folder);
                    }
                }
                written
            }
            Self::Memory(memory) => {
                memory.retain(|name, _| !stale.contains(&name.as_str()));
                memory.extend(files);
                Ok(())
            }
        }
    }

    /// Appends to a file, which is made if it does not exist, and waits until the bytes are on the disk. Its
    /// folder must exist.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let file = OpenOptions::new().create(true).append(true).open(&path);
                let written =
                    file.and_then(|mut file| file.write_all(bytes).and_then(|()| synchronise(&file)));
                written.map_err(|source| OutputError::Io { path, source })
            }
            Self::Memory(files) => {
                files.entry(name.to_owned()).or_default().extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Removes a file, if it exists.
    ///
    /// # Errors
    /// The operating system cannot remove it.
    pub fn remove(&mut self, name: &str) -> io::Result<()> {
        match self {
            Self::Folder(folder) => remove_file(&folder.join(name)),
            Self::Memory(files) => {
                files.remove(name);
                Ok(())
            }
        }
    }

    /// The path of a file as it is named in messages: below the folder, or in memory the bare name.
    pub fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Memory(_) => name.into(),
        }
    }

    /// The folder as it is named in messages.
    fn folder(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.clone(),
            Self::Memory(_) => "files in memory".into(),
        }
    }

    /// An error if a new run cannot be written to `path` because something exists there. With `force` an
    /// older run may be replaced, but no other file or folder. A training that was killed before it was a run
    /// is no run yet, and may be begun anew.
    ///
    /// # Errors
    /// [`RunError::Exists`] for a run, [`RunError::Occupied`] for anything else.
    pub fn refuse_occupied(path: &Path, force: bool) -> Result<(), RunError> {
        if path.join(RunHeader::FILE).is_file() {
            return if force { Ok(()) } else { Err(RunError::Exists(path.into())) };
        }
        let occupied = path.is_file() || path.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        // Only a process that found nothing there leaves this file without a run.
        if occupied && !path.join(Claim::FILE).is_file() {
            return Err(RunError::Occupied(path.into()));
        }
        Ok(())
    }

    /// The right to write a run, which one process has at a time: with `resume` to go on with one, else to
    /// begin one as [`refuse_occupied`](Self::refuse_occupied) allows it. None for files in memory, which are
    /// nobody else's.
    ///
    /// # Errors
    /// [`RunError::InUse`] or [`RunError::MayBeInUse`] if another process writes there; those of
    /// `refuse_occupied`; the folder cannot be made or written to.
    pub fn claim(&self, resume: bool, force: bool) -> Result<Option<Claim>, RunError> {
        let Self::Folder(folder) = self else { return Ok(None) };
        Claim::refuse_held(folder)?;
        if resume {
            // What is no run is not written to.
            RunHeader::read(self)?;
        } else {
            Self::refuse_occupied(folder, force)?;
        }
        Claim::of(folder).map(Some)
    }
}

/// Writes files below `folder`. The folders that it makes are added to `made`, the outermost first.
fn replace_in(
    folder: &Path,
    stale: &[&str],
    files: &[(String, Vec<u8>)],
    made: &mut Vec<PathBuf>,
) -> Result<(), OutputError> {
    let mut filled = Vec::with_capacity(files.len());
    for (name, contents) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            make_folder(parent, made)?;
        }
        filled.push(OutputFile::filled(&path, contents, true)?);
    }
    for name in stale {
        let path = folder.join(name);
        remove_file(&path).map_err(|source| OutputError::Io { path, source })?;
    }
    filled.into_iter().try_for_each(OutputFile::commit)
}

/// Makes a folder and those that it lies in, where they are missing.
pub(crate) fn make_folder(path: &Path, made: &mut Vec<PathBuf>) -> Result<(), OutputError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folder(parent, made)?;
    }
    std::fs::create_dir(path).map_err(|source| OutputError::Io { path: path.into(), source })?;
    made.push(path.into());
    Ok(())
}

fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// `run.json`, which makes a folder a run. It is the last file of a run to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// [`RUN_VERSION`] of the program that wrote the run.
    pub version: u64,
    /// The family of the model, as `model.family` of its configuration names it.
    pub family: String,
    /// Units of x, z and t of the avalanches that the model makes.
    pub units: [String; 3],
    /// The avalanches that the model was trained on; none if it was fitted to something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<TrainedOn>,
    /// What the family records about the training.
    pub summary: serde_json::Value,
}

/// The avalanches that a model was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// The file that they were read from; none if they were given in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<InputFile>,
    /// [`Dataset::digest`](crate::Dataset::digest) of all of them.
    pub digest: String,
    /// Number of avalanches, those held back and empty ones included.
    pub avalanches: usize,
    /// Which of them were trained on, and which were held back.
    pub split: Split,
    /// The start and the conditions with which they were drawn, if the data contain them. Avalanches of a
    /// model without conditions of its own are for these conditions, in this detector and this gas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<SettingNote>,
    /// The detector that they were drawn in, as [`Provenance::detector`](crate::Provenance::detector) has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<serde_json::Value>,
    /// The gas of that detector, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gas: Option<String>,
}

impl TrainedOn {
    /// Describes `data`, which were read from `file` and divided by `split`.
    pub fn new(file: Option<InputFile>, data: &Dataset, split: Split) -> Self {
        Self::of(file, data.meta(), data.digest(), data.len(), split)
    }

    /// Describes so many avalanches with this digest.
    pub fn of(file: Option<InputFile>, meta: &Meta, digest: String, avalanches: usize, split: Split) -> Self {
        let Provenance { setting, detector, gas, .. } = meta.provenance.clone();
        Self { file, digest, avalanches, split, setting, detector, gas }
    }
}

impl RunHeader {
    /// A header of this version.
    pub fn new(
        family: &str,
        units: [String; 3],
        data: Option<TrainedOn>,
        summary: serde_json::Value,
    ) -> Self {
        Self { version: RUN_VERSION, family: family.to_owned(), units, data, summary }
    }

    /// The name of the file.
    pub const FILE: &str = "run.json";

    /// Reads `run.json`; its version is checked first.
    ///
    /// # Errors
    /// There is no such file, it is of another version, damaged, or cannot be read.
    pub fn read(files: &RunFiles) -> Result<Self, RunError> {
        let path = files.path(Self::FILE);
        let bytes = files.read(Self::FILE).map_err(|source| match source.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                RunError::NotARun { path: files.folder(), missing: Self::FILE }
            }
            _ => RunError::Io { path: path.clone(), source },
        })?;
        let damaged = |problem: String| RunError::Damaged { path: path.clone(), problem };
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(RUN_VERSION) => serde_json::from_value(value).map_err(|error| damaged(error.to_string())),
            Some(found) => Err(RunError::Version { path, found, expected: RUN_VERSION }),
            None => Err(damaged("its version is missing".into())),
        }
    }

    /// The contents of `run.json`: indented JSON with a line end.
    ///
    /// # Panics
    /// Never: all its values can be written as JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("a header has a form in JSON");
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> RunHeader {
        RunHeader {
            version: RUN_VERSION,
            family: "vae".into(),
            units: ["mm", "mm", "ns"].map(String::from),
            data: Some(TrainedOn {
                file: None,
                digest: "ab".into(),
                avalanches: 9,
                split: Split::new(1, 0.1, 0.2).unwrap(),
                setting: None,
                detector: None,
                gas: None,
            }),
            summary: serde_json::json!({ "used": 7 }),
        }
    }

    fn both(folder: &Path) -> [RunFiles; 2] {
        [RunFiles::Folder(folder.join("deep/run")), RunFiles::memory()]
    }

    #[test]
    fn files_are_written_read_appended_to_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        for mut files in both(folder.path()) {
            assert_eq!(files.read("a").unwrap_err().kind(), ErrorKind::NotFound);
            files.write(vec![("a".into(), b"1".to_vec()), ("in/b".into(), b"2".to_vec())]).unwrap();
            files.append("lines", b"x").unwrap();
            files.append("lines", b"y").unwrap();
            assert_eq!(files.read("in/b").unwrap(), b"2");
            assert_eq!(files.read("lines").unwrap(), b"xy");
            files.replace(&["lines", "none"], vec![("a".into(), b"3".to_vec())]).unwrap();
            assert_eq!(files.read("a").unwrap(), b"3");
            assert!(!files.exists("lines") && files.exists("in/b"));
            files.remove("in/b").unwrap();
            files.remove("in/b").unwrap();
            assert!(!files.exists("in/b"));
            assert!(files.path("in/b").ends_with("in/b"));
        }
    }

    #[test]
    fn nothing_outside_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("secret");
        std::fs::write(&outside, "secret").unwrap();
        for mut files in both(folder.path()) {
            files.write(vec![("in/b".into(), b"2".to_vec())]).unwrap();
            assert_eq!(files.read("./in/b").unwrap(), b"2");
            for name in ["../../secret", "in/../../../secret", outside.to_str().unwrap()] {
                let error = files.read(name).unwrap_err();
                assert!(error.to_string().contains("leads out of the run"), "{name}: {error}");
            }
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = RunFiles::Folder(folder.path().join("run"));
        // The second name is a folder, which no file replaces.
        let wrong = vec![("in/a".into(), b"1".to_vec()), ("in".into(), b"2".to_vec())];
        assert!(matches!(files.write(wrong), Err(OutputError::IsFolder { .. })));
        assert!(!folder.path().join("run").exists());
        std::fs::create_dir(folder.path().join("run")).unwrap();
        std::fs::write(folder.path().join("run/in"), "a file").unwrap();
        assert!(files.write(vec![("in/a".into(), Vec::new())]).is_err());
        assert_eq!(std::fs::read(folder.path().join("run/in")).unwrap(), b"a file");
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        for mut files in both(folder.path()) {
            assert!(matches!(RunHeader::read(&files), Err(RunError::NotARun { .. })));
            files.write(vec![(RunHeader::FILE.into(), header().to_bytes())]).unwrap();
            assert_eq!(RunHeader::read(&files).unwrap(), header());
            let later = RunHeader { version: RUN_VERSION + 1, ..header() };
            files.write(vec![(RunHeader::FILE.into(), later.to_bytes())]).unwrap();
            let message = RunHeader::read(&files).unwrap_err().to_string();
            assert!(message.contains("version 4") && message.contains("version 3"), "{message}");
            for damaged in ["{", "{}", "{\"version\": 3}"] {
                files.write(vec![(RunHeader::FILE.into(), damaged.into())]).unwrap();
                assert!(matches!(RunHeader::read(&files), Err(RunError::Damaged { .. })), "{damaged}");
            }
        }
    }

    #[test]
    fn what_training_data_were_drawn_with_is_kept() {
        let mut data = Dataset::from(crate::ElectronSet::default());
        let split = Split::new(1, 0.1, 0.2).unwrap();
        let written = serde_json::to_string(&TrainedOn::new(None, &data, split)).unwrap();
        assert!(!written.contains("setting") && !written.contains("gas"), "{written}");
        data.meta_mut().provenance.gas = Some("Ar".into());
        let trained_on = TrainedOn::new(None, &data, split);
        let written = serde_json::to_string(&trained_on).unwrap();
        assert_eq!(serde_json::from_str::<TrainedOn>(&written).unwrap(), trained_on);
        assert_eq!(trained_on.gas.as_deref(), Some("Ar"));
    }

    #[test]
    fn a_training_that_was_killed_before_it_was_a_run_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let files = RunFiles::Folder(folder.path().into());
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("config.toml"), "").unwrap();
        assert!(matches!(files.claim(false, true), Err(RunError::Occupied(_))));
        std::fs::write(at(Claim::FILE), "").unwrap();
        assert!(matches!(files.claim(true, false), Err(RunError::NotARun { .. })));
        let claim = files.claim(false, false).unwrap().unwrap();
        assert!(matches!(files.claim(false, false), Err(RunError::InUse { .. })));
        drop(claim);
        assert!(at("config.toml").exists() && !at(Claim::FILE).exists());
        assert!(RunFiles::memory().claim(false, false).unwrap().is_none());
    }

    #[test]
    fn only_an_older_run_is_replaced_and_only_if_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        RunFiles::refuse_occupied(&path, false).unwrap();
        std::fs::create_dir(&path).unwrap();
        RunFiles::refuse_occupied(&path, false).unwrap();
        std::fs::write(path.join("thesis.tex"), "years of work").unwrap();
        assert!(matches!(RunFiles::refuse_occupied(&path, true), Err(RunError::Occupied(_))));
        std::fs::write(path.join(RunHeader::FILE), header().to_bytes()).unwrap();
        assert!(matches!(RunFiles::refuse_occupied(&path, false), Err(RunError::Exists(_))));
        RunFiles::refuse_occupied(&path, true).unwrap();
        assert!(matches!(
            RunFiles::refuse_occupied(&path.join("thesis.tex"), true),
            Err(RunError::Occupied(_))
        ));
    }
}
