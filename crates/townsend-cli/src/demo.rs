//! The main job on avalanches that ship with the program.

use std::path::{Path, PathBuf};

use townsend::files::{self, CheckOptions, SampleOptions};
use townsend::{Context, Error, Outcome, Report, Result};
use townsend_core::{OutputError, OutputFile};

use crate::progress::Bars;

const AVALANCHES: &[u8] = include_bytes!("../data/avalanches.npz");
const RESPONSES: &[u8] = include_bytes!("../data/single_foils.npz");
const STAGES: &str = include_str!("../configs/cascade-stages.toml");
const CASCADE: &str = include_str!("../configs/cascade.toml");
/// Part of the real avalanches that is held back: the more there are, the more a check can see, and most of
/// what the fit knows it has from the responses.
const HELD_BACK: &str = "data.test=0.4";
/// Avalanches to generate.
const EVENTS: u64 = 3000;

/// What the demo made.
pub(crate) struct Demo {
    /// How the training went.
    pub(crate) training: Outcome,
    /// The comparison with the avalanches that were held back from training.
    pub(crate) report: Report,
    /// The page.
    pub(crate) page: PathBuf,
}

/// Writes the shipped responses, avalanches and configurations to the folder `out`, then does there what a
/// user would do: fits the stages of a cascade to the responses and all of it to the avalanches, generates,
/// and checks against avalanches held back. `set` changes the second configuration.
///
/// A folder that it made goes again if it comes to no end.
pub(crate) fn demo(out: &Path, set: &[String], context: &Context<'_>, bars: &Bars) -> Result<Demo> {
    let new = !out.exists();
    if !new && !context.force {
        return Err(OutputError::Exists { path: out.into() }.into());
    }
    make(out, set, context, bars).inspect_err(|_| {
        if new {
            // The error that is told is the first one.
            let _ = std::fs::remove_dir_all(out);
        }
    })
}

fn make(out: &Path, set: &[String], context: &Context<'_>, bars: &Bars) -> Result<Demo> {
    std::fs::create_dir_all(out).map_err(|source| Error::Io { path: out.into(), source })?;
    let [responses, real, generated, report] =
        ["responses.npz", "avalanches.npz", "generated.root", "report"].map(|name| out.join(name));
    let [stages_config, stages, config, run] =
        ["cascade-stages.toml", "stages", "cascade.toml", "run"].map(|name| out.join(name));
    for (path, contents) in [
        (&responses, RESPONSES),
        (&real, AVALANCHES),
        (&stages_config, STAGES.as_bytes()),
        (&config, CASCADE.as_bytes()),
    ] {
        OutputFile::write(path, contents, context.force)?;
    }
    bars.note("1 of 4: fits each foil to recorded responses of single foils");
    files::train(&stages_config, &responses, &stages, &[], context)?;
    bars.note("2 of 4: fits the cascade of these foils to real avalanches");
    let set = [&[HELD_BACK.to_owned()], set].concat();
    let training = files::train(&config, &real, &run, &set, context)?;
    bars.note("3 of 4: draws new avalanches");
    let sample = SampleOptions { events: EVENTS, ..SampleOptions::default() };
    files::generate(&run, &generated, &sample, context)?;
    bars.note("4 of 4: compares them with real avalanches that were held back from the fit");
    let options = CheckOptions { held_back: Some(run), ..CheckOptions::default() };
    let checked = files::check(&real, &generated, &report, &options, context)?;
    Ok(Demo { training, report: checked, page: report.join("report.html") })
}
