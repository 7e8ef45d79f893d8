//! Ctrl-C and its kin.

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::progress::Bars;

/// The first ctrl-C, SIGTERM or hang-up sets `stop`, and says that it was heard; a second one ends the
/// program at once. A hang-up that the program was started to ignore stays ignored, so that `nohup` works.
pub(crate) fn listen(stop: &Arc<AtomicBool>, bars: &Bars) -> anyhow::Result<()> {
    let (mut heard, handler) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if signal == SIGHUP && ignores_hang_up() {
            continue;
        }
        // In this order, so that the first signal does not find the flag that it sets.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(stop))?;
        flag::register(signal, Arc::clone(stop))?;
        low_level::pipe::register(signal, handler.try_clone()?)?;
    }
    let bars = bars.clone();
    // Without a thread nothing is said; the work stops all the same.
    let _ = std::thread::Builder::new().name("signals".into()).spawn(move || {
        if heard.read_exact(&mut [0]).is_ok() {
            bars.note("stopping; a second ctrl-C ends at once");
        }
    });
    Ok(())
}

/// What the system says of this process: a mask in hexadecimal, whose first bit is that of the first signal,
/// the hang-up.
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
