//! The `townsend` command: reads arguments, calls the facade, prints.

mod arguments;
mod progress;
mod verbs;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use townsend::Context;

use crate::arguments::Arguments;
use crate::progress::Bars;

/// Set by ctrl-C and SIGTERM.
static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let Arguments { common, verb } = Arguments::parse();
    match prepare(common.threads).and_then(|()| {
        let bars = Bars::new(common.quiet);
        let context = Context { seed: common.seed, force: common.force, progress: &bars, stop: &STOP };
        verbs::run(verb, &context, &bars, common.json)
    }) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.downcast_ref().is_some_and(townsend::Error::is_usage) { 2 } else { 1 })
        }
    }
}

/// Threads and signals. The first signal asks the work to stop, a second one ends the program at once.
fn prepare(threads: usize) -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    Ok(())
}
