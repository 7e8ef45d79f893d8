//! Who works with a file or a folder.
//!
//! Locks are those of the operating system on an open file, because they end with their process, however it
//! ends: what a killed process left is told from what one at work holds, on this machine and, where a network
//! file system has locks (NFS, Lustre with `flock`), on others. The text in the file only names the holder.

use std::fs::{File, Metadata, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{OutputError, RunError};

/// The outcome of asking for a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// This process has it, until the file is closed.
    Ours,
    /// Another open file has it.
    Others,
    /// This file system has no locks.
    Unsupported,
}

impl Lock {
    /// Asks for the lock of a file, which must be open for writing, as network file systems want it.
    pub(crate) fn on(file: &File) -> Self {
        match file.try_lock() {
            Ok(()) => Self::Ours,
            Err(TryLockError::WouldBlock) => Self::Others,
            Err(TryLockError::Error(_)) => Self::Unsupported,
        }
    }
}

/// What tells a file from all others, whatever its name is.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "it is not known everywhere")]
pub(crate) fn identity(of: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((of.dev(), of.ino()))
}

/// What tells a file from all others, whatever its name is; not known here.
#[cfg(not(unix))]
pub(crate) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Whether `path` is still the name of this file, or another process has removed it.
pub(crate) fn is_named(file: &File, path: &Path) -> bool {
    let (Ok(file), Ok(named)) = (file.metadata(), path.symlink_metadata()) else { return false };
    identity(&file) == identity(&named)
}

/// The process that writes to a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The name of its machine.
    pub host: String,
    /// Its number there.
    pub process: u32,
    /// When it began.
    pub since: String,
}

impl Holder {
    /// This process, from now on.
    fn this() -> Self {
        Self { host: host(), process: std::process::id(), since: utc(SystemTime::now()) }
    }

    /// The process that a lock file names, if it does.
    fn named_in(mut file: &File) -> Option<Self> {
        let mut text = Vec::new();
        file.take(1 << 12).read_to_end(&mut text).ok()?;
        file.rewind().ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether it was a process of this machine.
    pub fn is_here(&self) -> bool {
        self.host == host()
    }

    /// Whether a process of this machine has its number. Where that cannot be seen, there may be one.
    fn may_live(&self) -> bool {
        !Path::new("/proc/self").exists() || Path::new(&format!("/proc/{}", self.process)).exists()
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, process, since } = self;
        write!(f, "process {process} on {host}, since {since}")
    }
}

/// The right to write to a folder, which one process has at a time. Dropped, it is given up, and the folder
/// goes again if it was made for it and nothing was written there.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    /// Open as long as the right is held.
    file: Option<File>,
    /// Folders that were made, the outermost first.
    made: Vec<PathBuf>,
    left: Option<Holder>,
}

impl Claim {
    /// The name of the file that is locked; it is there as long as somebody writes to the folder, and after a
    /// process that was killed.
    pub const FILE: &str = "run.lock";

    /// An error if another process writes to this folder.
    pub(crate) fn refuse_held(folder: &Path) -> Result<(), RunError> {
        let Ok(file) = File::options().read(true).write(true).open(folder.join(Self::FILE)) else {
            return Ok(());
        };
        Self::refuse(folder, &file).map(drop)
    }

    /// The right to write to this folder, which is made if it does not exist.
    pub(crate) fn of(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(Self::FILE);
        let mut claim = Self { path: path.clone(), file: None, made: Vec::new(), left: None };
        crate::run::make_folder(folder, &mut claim.made)?;
        loop {
            let opened = File::options().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = opened.map_err(|source| OutputError::Io { path: folder.into(), source })?;
            let (lock, left) = Self::refuse(folder, &file)?;
            // Its holder may have removed it after it was opened here; then another is made.
            if lock == Lock::Ours && !is_named(&file, &path) {
                continue;
            }
            let text = serde_json::to_string(&Holder::this()).expect("names and numbers have a form in JSON");
            // A full disk will be told of by what is written next; the lock counts without its text.
            let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
            (claim.left, claim.file) = (left, Some(file));
            return Ok(claim);
        }
    }

    /// The process that had the right before and was killed, if it was.
    pub fn left_by(&self) -> Option<&Holder> {
        self.left.as_ref()
    }

    /// An error if somebody has the lock of this file. Where there are no locks, its text counts. Returns who
    /// had it before.
    fn refuse(folder: &Path, file: &File) -> Result<(Lock, Option<Holder>), RunError> {
        let (lock, holder) = (Lock::on(file), Holder::named_in(file));
        let folder = folder.to_owned();
        match (lock, holder) {
            (Lock::Others, holder) => Err(RunError::InUse { path: folder, holder }),
            (Lock::Unsupported, Some(holder)) if !holder.is_here() => {
                Err(RunError::MayBeInUse { file: folder.join(Self::FILE), path: folder, holder })
            }
            (Lock::Unsupported, Some(holder)) if holder.may_live() => {
                Err(RunError::InUse { path: folder, holder: Some(holder) })
            }
            (lock, left) => Ok((lock, left)),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed while it is locked, so that it is nobody else's.
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
        for folder in self.made.iter().rev() {
            // Only an empty folder is removed.
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// The name of this machine.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "a machine without a name".into() } else { name.into() }
}

/// A time as `2026-11-28 20:39:12 UTC`. Days are counted from 1 March, so that the day that some years have
/// more is the last of a year.
fn utc(time: SystemTime) -> String {
    // A clock may be wrong, but not so wrong that this matters.
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    // 719,468 days from 1 March of the year 0 to 1970; 146,097 days are 400 years.
    let days = seconds / 86_400 + 719_468;
    let (centuries, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Five months have 153 days, again and again from March.
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (400 * centuries + year + month / 10, (month + 2) % 12 + 1);
    let [hour, minute, second] = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60];
    format!("{year}-{month:02}-{date:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn locked(folder: &Path) -> PathBuf {
        folder.join(Claim::FILE)
    }

    /// What a process of this name leaves that is killed.
    fn leave(folder: &Path, host: &str, process: u32) {
        let holder = Holder { host: host.into(), process, since: "long ago".into() };
        std::fs::write(locked(folder), serde_json::to_vec(&holder).unwrap()).unwrap();
    }

    #[test]
    fn one_process_at_a_time_writes_to_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("deep/run");
        Claim::refuse_held(&run).unwrap();
        let claim = Claim::of(&run).unwrap();
        assert_eq!(claim.left_by(), None);
        for refused in [Claim::refuse_held(&run).unwrap_err(), Claim::of(&run).unwrap_err()] {
            let RunError::InUse { holder: Some(holder), .. } = &refused else { panic!("{refused}") };
            assert!(holder.is_here() && holder.process == std::process::id());
            let said = refused.to_string();
            assert!(said.contains(&format!("process {} on {}, since 2", holder.process, host())), "{said}");
        }
        // Given up, nothing remains where nothing was written.
        drop(claim);
        assert!(!folder.path().join("deep").exists());
        let claim = Claim::of(&run).unwrap();
        std::fs::write(run.join("work"), "").unwrap();
        drop(claim);
        assert!(run.join("work").exists() && !locked(&run).exists());
    }

    #[test]
    fn what_a_killed_process_left_is_taken_over_and_told() {
        let folder = tempfile::tempdir().unwrap();
        for (host, here) in [(host(), true), ("elsewhere".into(), false)] {
            leave(folder.path(), &host, 1);
            let claim = Claim::of(folder.path()).unwrap();
            let left = claim.left_by().unwrap();
            assert_eq!((left.is_here(), left.process), (here, 1));
        }
        // A file that it had no time to fill.
        std::fs::write(locked(folder.path()), "").unwrap();
        assert_eq!(Claim::of(folder.path()).unwrap().left_by(), None);
    }

    /// The right is not had by a file that its last holder has removed meanwhile.
    #[test]
    fn a_file_without_a_name_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let file = File::create(&path).unwrap();
        assert!(is_named(&file, &path));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_named(&file, &path));
        let _other = File::create(&path).unwrap();
        assert!(!is_named(&file, &path));
    }

    #[test]
    fn times_are_told_as_people_write_them() {
        for (seconds, told) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (1_795_898_352, "2026-11-28 20:39:12 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), told);
        }
        // A machine whose clock was set to before the beginning.
        assert_eq!(utc(UNIX_EPOCH - Duration::from_secs(9)), "1970-01-01 00:00:00 UTC");
    }
}
