//! The main job on avalanches that ship with the program.

use std::path::{Path, PathBuf};

use townsend::files::{self, CheckOptions, SampleOptions, TrainOptions};
use townsend::{Context, Error, Outcome, Report, Result};
use townsend_core::{OutputError, OutputFile};

const AVALANCHES: &[u8] = include_bytes!("../data/avalanches_2d.root");
const RESPONSES: &[u8] = include_bytes!("../data/single_foils.npz");
const STAGES: &str = include_str!("../configs/cascade-stages.toml");
const CASCADE: &str = include_str!("../configs/cascade.toml");
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
pub(crate) fn demo(out: &Path, set: &[String], context: &Context<'_>) -> Result<Demo> {
    make(out, set, context).map_err(|error| match error {
        Error::Stopped => Error::StoppedIn(out.into()),
        error => error,
    })
}

fn make(out: &Path, set: &[String], context: &Context<'_>) -> Result<Demo> {
    if out.exists() && !context.force {
        return Err(OutputError::Exists { path: out.into() }.into());
    }
    std::fs::create_dir_all(out).map_err(|source| Error::Io { path: out.into(), source })?;
    let [responses, real, generated, report] =
        ["responses.npz", "avalanches.root", "generated.root", "report"].map(|name| out.join(name));
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
    files::train(&stages_config, &responses, &stages, &TrainOptions::default(), context)?;
    let options = TrainOptions { set: set.into(), ..TrainOptions::default() };
    let training = files::train(&config, &real, &run, &options, context)?;
    let sample = SampleOptions { events: EVENTS, ..SampleOptions::default() };
    files::generate(&run, &generated, &sample, context)?;
    let options = CheckOptions { held_back: Some(run), ..CheckOptions::default() };
    let checked = files::check(&real, &generated, &report, &options, context)?;
    Ok(Demo { training, report: checked, page: report.join("report.html") })
}
