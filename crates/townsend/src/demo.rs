//! The main job on avalanches that ship with the program.

use std::path::{Path, PathBuf};

use townsend_check::Report;
use townsend_core::{OutputError, OutputFile};

use crate::{CheckOptions, Context, Error, Result, SampleOptions, TrainOptions, Trained};

const AVALANCHES: &[u8] = include_bytes!("../../../data/avalanches_2d.root");
const CONFIG: &str = include_str!("../../../configs/vae-2d.toml");
/// Avalanches to generate.
const EVENTS: u64 = 3000;

/// What the demo made.
#[derive(Debug, Clone)]
pub struct Demo {
    /// How the training went.
    pub training: Trained,
    /// The comparison with the avalanches that were held back from training.
    pub report: Report,
    /// The page.
    pub page: PathBuf,
}

/// Writes the shipped avalanches and the configuration to the folder `out`, then does there what a user would do:
/// trains, generates, and checks against the avalanches held back from training.
pub fn demo(out: &Path, set: &[String], context: &Context<'_>) -> Result<Demo> {
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
    let [real, config, run, generated, report] =
        ["avalanches.root", "vae-2d.toml", "run", "generated.root", "report"].map(|name| out.join(name));
    OutputFile::write(&real, AVALANCHES, context.force)?;
    OutputFile::write(&config, CONFIG.as_bytes(), context.force)?;
    let training = crate::train(
        &config,
        &real,
        &run,
        &TrainOptions { set: set.into(), ..TrainOptions::default() },
        context,
    )?;
    context.go_on()?;
    crate::generate(
        &run,
        &generated,
        &SampleOptions { events: EVENTS, ..SampleOptions::default() },
        context,
    )?;
    let options = CheckOptions { held_back: Some(run), ..CheckOptions::default() };
    let checked = crate::check(&real, &generated, &report, &options, context)?;
    Ok(Demo { training, report: checked, page: report.join("report.html") })
}
