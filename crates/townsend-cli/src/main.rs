//! The `townsend` command: reads arguments, calls the facade, prints.

mod arguments;
mod bench;
mod demo;
mod hints;
mod progress;
mod verbs;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use townsend::Context;

use crate::arguments::Arguments;
use crate::progress::{Bars, say};

/// Maps of a batch in three dimensions take 60 MB each. glibc gives every one of them back to the kernel, and
/// getting them again, page after page, takes a quarter of a training step: it is told to keep them.
#[cfg(target_env = "gnu")]
#[allow(unsafe_code)]
fn keep_memory() {
    // SAFETY: nothing but settings of the allocator, before there are other threads. Where one is refused, it
    // stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep_memory() {}

fn main() -> ExitCode {
    keep_memory();
    let Arguments { common, verb } = Arguments::parse();
    match prepare(common.threads).and_then(|stop| {
        let bars = Bars::new(common.quiet);
        let seed = common.seed.unwrap_or(Context::default().seed);
        let context = Context {
            seed,
            force: common.force,
            progress: &bars,
            stop: &stop,
            spelled: hints::spelled,
            ..Context::default()
        };
        verbs::run(verb, &common, &context, &bars)
    }) {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error}"));
            if let Some(hint) = error.downcast_ref().and_then(hints::hint) {
                say(&format!("  hint: {hint}"));
            }
            ExitCode::from(if error.downcast_ref().is_some_and(townsend::Error::is_usage) { 2 } else { 1 })
        }
    }
}

/// Threads and signals. The first ctrl-C or SIGTERM asks the work to stop, a second one ends the program at
/// once. A hang-up is left alone, so that `nohup` works.
fn prepare(threads: usize) -> anyhow::Result<Arc<AtomicBool>> {
    // This thread is one of them: handing each of a network's many small operations over to another, and
    // waiting for it, costs time, and on a busy machine most of it.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    // With one thread nothing is asked of the system, so the hint always helps.
    pool.build_global().map_err(|error| {
        anyhow::anyhow!("the system gives this program no more threads: {error}\n  hint: --threads 1 works with its own alone")
    })?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first signal does not find the flag that it sets.
        flag::register_conditional_shutdown(signal, 130, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
