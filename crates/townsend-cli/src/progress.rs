//! Progress bars on standard error.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use townsend::{Progress, Task, wrap};

/// A line on standard error. If nobody reads that any more (`2>&1 | head`), the work goes on.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The widest line that is printed, unless a name is longer.
pub(crate) const WIDTH: usize = 80;

/// A text in lines behind a name, which ends with a blank.
pub(crate) fn wrap_behind(name: &str, text: &str) -> String {
    let indent = name.chars().count();
    // Words stand apart by one blank, so something else holds the place of the name.
    let place = "_".repeat(indent.saturating_sub(1));
    let lines = wrap(&format!("{place} {text}"), WIDTH, indent);
    format!("{name}{}", lines.get(indent..).unwrap_or_default())
}

/// Draws a bar a task; nothing with `--quiet`, and nothing but a line at the end where standard error is no
/// terminal.
#[derive(Clone)]
pub(crate) struct Bars {
    quiet: bool,
    all: MultiProgress,
    stop: Arc<AtomicBool>,
}

impl Bars {
    /// `stop` is set when the work is to stop before its end.
    pub(crate) fn new(quiet: bool, stop: Arc<AtomicBool>) -> Self {
        let target =
            if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
        Self { quiet, all: MultiProgress::with_draw_target(target), stop }
    }

    /// A line above the bars.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            self.all.suspend(|| say(text));
        }
    }
}

impl Progress for Bars {
    /// A warning is told to the quiet, too.
    fn warn(&self, text: &str) {
        self.all.suspend(|| say(&format!("warning: {text}")));
    }

    fn task(&self, name: &str, total: u64) -> Box<dyn Task + '_> {
        let bar = self.all.add(ProgressBar::new(total));
        let style =
            ProgressStyle::with_template("{prefix:>12} [{bar:30}] {pos}/{len} {elapsed} (left {eta}) {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_prefix(name.to_owned());
        let ticker = if bar.is_hidden() { None } else { tick(&bar) };
        Box::new(Bar { _ticker: ticker, drawn: bar, name: name.to_owned(), bars: self })
    }
}

/// Draws a bar again and again, so that its clock goes on during long steps, until what is returned is
/// dropped. Where the system gives no thread for it, the bar is drawn when there is progress.
fn tick(bar: &ProgressBar) -> Option<Sender<()>> {
    let (sender, stop) = mpsc::channel::<()>();
    let bar = bar.downgrade();
    let draw = move || {
        while stop.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
            let Some(bar) = bar.upgrade().filter(|bar| !bar.is_finished()) else { break };
            bar.tick();
        }
    };
    std::thread::Builder::new().name("progress".into()).spawn(draw).ok().map(|_| sender)
}

struct Bar<'a> {
    /// Dropped, it stops the thread that draws.
    _ticker: Option<Sender<()>>,
    drawn: ProgressBar,
    name: String,
    bars: &'a Bars,
}

impl Task for Bar<'_> {
    fn advance(&self, steps: u64) {
        self.drawn.inc(steps);
    }

    fn message(&self, text: &str) {
        self.drawn.set_message(text.to_owned());
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        let seconds = self.drawn.elapsed().as_secs_f64();
        let (position, length) = (self.drawn.position(), self.drawn.length().unwrap_or_default());
        let stopped = self.bars.stop.load(Ordering::Relaxed) && position < length;
        let done = if stopped { format!("stopped at {position} of {length}") } else { position.to_string() };
        self.drawn.finish_and_clear();
        if seconds > 1.0 {
            let message = self.drawn.message();
            let said = format!("{done} in {seconds:.1} s  {message}");
            self.bars.note(&wrap_behind(&format!("{:>12}  ", self.name), &said));
        }
    }
}
