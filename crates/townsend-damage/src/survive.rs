//! What must hold whatever was done to a file.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;

use crate::{changed, seeds, sign};

/// No file of the size of these takes longer.
const LONGEST: Duration = Duration::from_secs(1);
/// How often a file that took longer is tried again.
const AGAIN: usize = 8;
/// A reader that is not back after this time never comes back.
const HANGS: Duration = Duration::from_mins(1);
/// Memory may be so many times what the content can be.
const TIMES: usize = 4;

/// How many bytes of content a file can have, so that more memory is refused.
#[derive(Debug, Clone, Copy)]
pub struct Content {
    /// For each byte of the file: a text of digits and commas has a number of 8 bytes for two of its own,
    /// and deflate makes 1,032 bytes of one.
    pub per_byte: usize,
    /// In every file: blocks and windows that are as large however small the file is.
    pub always: usize,
}

/// How the changed files of a reader were taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct Survey {
    /// Read as if they were whole.
    pub taken: u64,
    /// Refused with an error.
    pub refused: u64,
    /// The most memory that any took, in units of what it may take.
    pub memory: f64,
    /// The longest that any took.
    pub longest: Duration,
}

/// How many changed files are tried; the variable `TOWNSEND_MUTATIONS` asks for more.
pub fn mutations(usual: u64) -> u64 {
    let asked = std::env::var("TOWNSEND_MUTATIONS").ok().and_then(|number| number.parse().ok());
    asked.unwrap_or(usual)
}

/// Held by each test of a process that measures the memory of that process: one at a time.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads the small whole files of `name` as they are, and then changed ones, and asks of each that there is
/// an answer or an error that names the file, no panic, no more than a second and no more memory than four
/// times what the file can hold.
///
/// # Panics
/// If one of these does not hold, with the number of the case, which tells the change.
pub fn survive(
    name: &str,
    cases: u64,
    memory: (PeakAlloc, Content),
    read: impl Fn(&Path) -> Result<(), String> + std::panic::RefUnwindSafe,
) -> Survey {
    let _alone = alone();
    let (wholes, names): (Vec<_>, Vec<_>) =
        seeds(name).into_iter().map(|(path, bytes)| (bytes, path)).unzip();
    let endings: Vec<_> = names.iter().filter_map(|path| path.extension()?.to_str()).collect();
    // A reader that tells formats by endings gets that of its files.
    let ending = endings.first().map_or(String::new(), |ending| format!(".{ending}"));
    let file = tempfile::Builder::new().prefix("damaged").suffix(&ending).tempfile().expect("a file");
    let path = file.path();
    let watch = Watch::default();
    let mut survey = Survey::default();
    std::thread::scope(|scope| {
        scope.spawn(|| watch.run(name));
        let _done = Done(&watch);
        let whole = wholes.iter().cloned().map(|bytes| (u64::MAX, bytes));
        let damaged = (0..cases).map(|case| {
            let mut bytes = changed(&wholes, case);
            // Every other archive has right checksums, so that damage comes to what is inside.
            if case % 2 == 0 {
                sign(&mut bytes);
            }
            (case, bytes)
        });
        for (case, bytes) in whole.chain(damaged) {
            fill(file.as_file(), &bytes).expect("room for a file");
            watch.begin(case);
            let allowed = TIMES * (memory.1.always + memory.1.per_byte * bytes.len());
            let (result, used, took) = tried(path, memory.0, &read);
            let result = result.unwrap_or_else(|()| panic!("{name}: case {case}: the reader panicked"));
            assert!(
                used <= allowed,
                "{name}: case {case}: {used} bytes of memory for a file of {}",
                bytes.len()
            );
            let took = least(took, || tried(path, memory.0, &read).2);
            assert!(took <= LONGEST, "{name}: case {case}: {took:?}");
            survey.memory = survey.memory.max(used as f64 / allowed as f64);
            survey.longest = survey.longest.max(took);
            match result {
                Ok(()) => survey.taken += 1,
                Err(error) => {
                    let named = error.contains(&*path.to_string_lossy());
                    assert!(named, "{name}: case {case}: an error that does not name the file: {error}");
                    survey.refused += 1;
                }
            }
        }
    });
    survey
}

/// Replaces the contents of a file. One that is cut to nothing first is written to the disk by some file
/// systems each time, which takes longer than reading it.
///
/// # Errors
/// The disk is full.
pub fn fill(mut file: &File, bytes: &[u8]) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

/// The time of a reader that took `first`: a machine that does something else for a moment, or lets others go
/// before, is no hang, so one that took long is tried again.
fn least(first: Duration, again: impl Fn() -> Duration) -> Duration {
    let mut least = first;
    for _ in 0..AGAIN {
        if least <= LONGEST {
            break;
        }
        least = least.min(again());
    }
    least
}

/// What came of a file (nothing where the reader panicked), how much memory it took and how long.
fn tried(
    path: &Path,
    memory: PeakAlloc,
    read: &(impl Fn(&Path) -> Result<(), String> + std::panic::RefUnwindSafe),
) -> (Result<Result<(), String>, ()>, usize, Duration) {
    memory.reset_peak_usage();
    let (before, start) = (memory.current_usage(), Instant::now());
    let result = std::panic::catch_unwind(|| read(path)).map_err(drop);
    (result, memory.peak_usage().saturating_sub(before), start.elapsed())
}

/// Ends the process where a reader never comes back, which a test could only wait for.
#[derive(Default)]
struct Watch {
    case: AtomicU64,
    begun: AtomicU64,
    done: AtomicBool,
}

impl Watch {
    fn begin(&self, case: u64) {
        self.case.store(case, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
    }

    fn run(&self, name: &str) {
        let (mut last, mut since) = (0, Instant::now());
        while !self.done.load(Ordering::Relaxed) {
            std::thread::park_timeout(Duration::from_millis(20));
            let begun = self.begun.load(Ordering::Relaxed);
            if begun != last {
                (last, since) = (begun, Instant::now());
            } else if since.elapsed() > HANGS {
                eprintln!("{name}: case {}: hangs", self.case.load(Ordering::Relaxed));
                std::process::abort();
            }
        }
    }
}

/// Tells the watch that there is nothing left to watch, after a panic too.
struct Done<'w>(&'w Watch);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_takes_long_each_time_is_a_hang_and_one_that_once_did_is_none() {
        let long = LONGEST * 2;
        assert_eq!(least(long, || long), long);
        assert_eq!(least(long, || LONGEST / 2), LONGEST / 2);
        assert_eq!(least(LONGEST, || unreachable!("it was quick enough")), LONGEST);
    }
}
