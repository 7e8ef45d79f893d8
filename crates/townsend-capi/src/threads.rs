//! Threads that begin and end with a call.

use crate::error::Failure;

/// The most threads that a call may be asked to work with.
const MOST: usize = 1024;

/// Does work on so many threads (0: as many as the machine has), which end before this returns. Without them
/// the work would be done by a pool that stays, which a program would neither expect nor find after `fork`.
pub(crate) fn on_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> townsend::Result<T> + Send,
) -> Result<T, Failure> {
    if threads > MOST {
        return Err(Failure::usage(format!(
            "{threads} threads, but there can be 1 to {MOST}, or 0 for as many as the machine has"
        )));
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let done = builder.build_scoped(rayon::ThreadBuilder::run, |pool| pool.install(work));
    let refused = |error| Failure::found(format!("the system gives this program no more threads: {error}"));
    Ok(done.map_err(refused)??)
}
