//! Long work: on threads of the module's own, with the interpreter free meanwhile, told of its progress, and
//! stopped by ctrl-C.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use townsend::{Context, Progress, Result, Silent, Task};

use crate::errors::{defect, exception, new_error, spelled};

/// How often Python is asked for signals.
const POLL: Duration = Duration::from_millis(20);
/// How long stopped work is waited for before its threads are left to end by themselves.
const PATIENCE: Duration = Duration::from_millis(100);
/// The least time between two reports of progress.
const BETWEEN_REPORTS: Duration = Duration::from_millis(20);
/// Memory for the stack of a thread, bytes: as much as a program's first thread has.
const STACK: usize = 8 << 20;

/// What every long function takes besides its own arguments.
pub(crate) struct Call {
    pub(crate) seed: u64,
    pub(crate) force: bool,
    pub(crate) progress: Option<Py<PyAny>>,
    pub(crate) threads: Option<usize>,
}

impl Default for Call {
    fn default() -> Self {
        Self { seed: 1, force: false, progress: None, threads: None }
    }
}

/// What the threads that work say to the one that waits.
enum News<T> {
    Progress { task: String, done: u64, total: u64, message: String },
    Done(std::thread::Result<Result<T>>),
}

impl Call {
    /// Does `work` on threads, without the interpreter. An exception of the progress function or a signal
    /// stops it.
    pub(crate) fn run<T: Send + 'static>(
        self,
        py: Python<'_>,
        work: impl FnOnce(&Context<'_>) -> Result<T> + Send + 'static,
    ) -> PyResult<T> {
        let Self { seed, force, progress, threads } = self;
        let pool = pool(py, threads)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel();
        let (stopped, told) = (Arc::clone(&stop), progress.is_some());
        pool.spawn(move || {
            let reporter = Reporter { to: sender.clone() };
            let progress: &dyn Progress = if told { &reporter } else { &Silent };
            let context = Context { seed, force, progress, stop: &stopped, spelled, ..Context::default() };
            let done = catch_unwind(AssertUnwindSafe(|| work(&context)));
            // Whoever asked may have left.
            let _ = sender.send(News::Done(done));
        });
        let interrupted = match wait(py, receiver, progress.as_ref()) {
            Ok(Ok(Ok(value))) => return Ok(value),
            Ok(Ok(Err(error))) => return Err(exception(py, &error)),
            Ok(Err(panic)) => return Err(defect(py, &*panic)),
            Err(interrupted) => interrupted,
        };
        stop.store(true, Ordering::Relaxed);
        let Interrupted { error, receiver } = interrupted;
        if !py.detach(move || ends(&receiver)) {
            // Its threads end when they next look whether to stop; other work gets new ones.
            forget(&pool);
        }
        Err(error)
    }
}

struct Interrupted<T> {
    error: PyErr,
    receiver: Receiver<News<T>>,
}

/// Waits for the result, passing progress on.
fn wait<T: Send>(
    py: Python<'_>,
    mut receiver: Receiver<News<T>>,
    progress: Option<&Py<PyAny>>,
) -> std::result::Result<std::thread::Result<Result<T>>, Interrupted<T>> {
    loop {
        let news;
        (receiver, news) = py.detach(move || {
            let news = receiver.recv_timeout(POLL);
            (receiver, news)
        });
        let told = match news {
            Ok(News::Done(done)) => return Ok(done),
            Ok(News::Progress { task, done, total, message }) => {
                progress.map_or(Ok(()), |told| told.call1(py, (task, done, total, message)).map(drop))
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                let lost: Box<dyn Any + Send> = Box::new("a thread ended without a result");
                return Ok(Err(lost));
            }
        };
        if let Err(error) = told.and_then(|()| py.check_signals()) {
            return Err(Interrupted { error, receiver });
        }
    }
}

/// True if the work ends in time.
fn ends<T>(receiver: &Receiver<News<T>>) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(News::Progress { .. }) => {}
            Ok(News::Done(_)) | Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// Does something short without the interpreter and without threads; a panic becomes an exception.
pub(crate) fn short<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(done) => done.map_err(|error| exception(py, &error)),
        Err(panic) => Err(defect(py, &*panic)),
    }
}

/// Hands progress on to the thread that waits.
struct Reporter<T> {
    to: Sender<News<T>>,
}

struct Reported<'a, T> {
    to: &'a Sender<News<T>>,
    name: String,
    total: u64,
    done: AtomicU64,
    /// When it was last told, and what is shown beside the numbers.
    last: Mutex<(Instant, String)>,
}

impl<T: Send> Progress for Reporter<T> {
    fn task(&self, name: &str, total: u64) -> Box<dyn Task + '_> {
        let last = Mutex::new((Instant::now(), String::new()));
        let reported = Reported { to: &self.to, name: name.into(), total, done: AtomicU64::new(0), last };
        reported.tell(true);
        Box::new(reported)
    }
}

impl<T: Send> Reported<'_, T> {
    fn tell(&self, always: bool) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if always || last.0.elapsed() >= BETWEEN_REPORTS {
            last.0 = Instant::now();
            let (task, done, total) = (self.name.clone(), self.done.load(Ordering::Relaxed), self.total);
            let _ = self.to.send(News::Progress { task, done, total, message: last.1.clone() });
        }
    }
}

impl<T: Send> Task for Reported<'_, T> {
    fn advance(&self, steps: u64) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        self.tell(done >= self.total);
    }

    fn message(&self, text: &str) {
        text.clone_into(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner).1);
    }
}

/// The module's threads. Those of a process are not there in a process that was forked from it, so they
/// belong to one process.
struct Threads {
    process: u32,
    pool: Arc<ThreadPool>,
}

/// Locked only by a thread that holds the interpreter and does not let go of it meanwhile. A fork of Python
/// holds it too, so that no lock is ever taken over by a forked process.
static THREADS: Mutex<Option<Threads>> = Mutex::new(None);
/// How many there shall be; 0 is as many as the machine has.
static WANTED: AtomicUsize = AtomicUsize::new(0);

fn pool(py: Python<'_>, threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    if let Some(threads) = threads {
        return build(py, threads);
    }
    let process = std::process::id();
    let mut kept = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    match kept.take() {
        Some(ours) if ours.process == process => {
            let pool = Arc::clone(&ours.pool);
            *kept = Some(ours);
            Ok(pool)
        }
        others => {
            // To end them would be to wait for threads that are not there.
            std::mem::forget(others);
            let pool = build(py, WANTED.load(Ordering::Relaxed))?;
            *kept = Some(Threads { process, pool: Arc::clone(&pool) });
            Ok(pool)
        }
    }
}

fn build(py: Python<'_>, threads: usize) -> PyResult<Arc<ThreadPool>> {
    let builder = ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK);
    let named = builder.thread_name(|number| format!("townsend-{number}"));
    named.build().map(Arc::new).map_err(|error| {
        new_error(
            py,
            format!("the system gives this program no more threads: {error}\n  hint: threads=1 asks for one"),
        )
    })
}

/// Other work shall have other threads than these.
fn forget(pool: &Arc<ThreadPool>) {
    let mut kept = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.as_ref().is_some_and(|threads| Arc::ptr_eq(&threads.pool, pool)) {
        *kept = None;
    }
}

/// Says how many threads work; `None` is as many as the machine has.
///
/// A number that is given to a function as `threads=` goes before it. In a process with several workers, such
/// as those of a data loader, each has threads of its own: give them one each.
///
/// >>> townsend.set_threads(2)
/// >>> townsend.threads()
/// 2
/// >>> townsend.set_threads(None)
#[pyfunction]
#[pyo3(signature = (threads))]
pub(crate) fn set_threads(py: Python<'_>, threads: Option<usize>) -> PyResult<()> {
    if WANTED.swap(threads.unwrap_or(0), Ordering::Relaxed) != threads.unwrap_or(0) {
        // Those of another process are left alone.
        let current = pool(py, None)?;
        forget(&current);
    }
    Ok(())
}

/// The number of threads that work.
///
/// >>> townsend.threads() >= 1
/// True
#[pyfunction]
pub(crate) fn threads(py: Python<'_>) -> PyResult<usize> {
    Ok(pool(py, None)?.current_num_threads())
}

/// Called in a process that was forked: its threads are made when they are first needed.
#[pyfunction]
pub(crate) fn _after_fork() {
    let mut kept = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::forget(kept.take());
}
