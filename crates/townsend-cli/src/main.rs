//! The `townsend` command: reads arguments, calls the facade, prints.

mod arguments;
mod bench;
mod demo;
mod hints;
mod memory;
mod progress;
mod shipped;
mod signals;
mod verbs;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use townsend::{Context, Isa};

use crate::arguments::Arguments;
use crate::progress::{Bars, say};

fn main() -> ExitCode {
    memory::keep();
    let Arguments { common, verb } = Arguments::parse();
    let stop = Arc::new(AtomicBool::new(false));
    let bars = Bars::new(common.quiet, Arc::clone(&stop));
    if let Some(Err(error)) = common.isa.0.map(Isa::choose) {
        say(&format!("error: --isa: {error}"));
        return ExitCode::from(2);
    }
    match start_threads(common.threads).and_then(|()| signals::listen(&stop, &bars)).and_then(|()| {
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

fn start_threads(threads: usize) -> anyhow::Result<()> {
    // This thread is one of them: handing each of a network's many small operations over to another, and
    // waiting for it, costs time, and on a busy machine most of it.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
    // With one thread nothing is asked of the system, so the hint always helps.
    pool.build_global().map_err(|error| {
        anyhow::anyhow!("the system gives this program no more threads: {error}\n  hint: --threads 1 works with its own alone")
    })
}
