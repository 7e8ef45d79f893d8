//! Training from files into a run directory.

use std::collections::BTreeMap;
use std::path::Path;

use townsend_core::{Dataset, ElectronSet, RunFiles, RunHeader, StoredError, StoredSetWriter};
use townsend_io::ReadOptions;
use townsend_train::Run;

use super::input::{Input, PART, Read};
use crate::context::without_folder;
use crate::family::{Configuration, Outcome, Training, TrainingData, Wanted};
use crate::train::{Trained, prepare};
use crate::{Context, Error, Result};

/// Trains the model that `config` describes, a file or the name of a configuration that ships, on the files
/// `data` and leaves everything in the directory `run`. How files are read may stand in the table `[input]`
/// of the configuration; what `data` has goes before it. `set` are values of the configuration to change,
/// each `key=value`.
///
/// Every seed of a run is in its configuration: [`Context::seed`] is not used, so that the file alone says
/// what a run is.
pub fn train(
    config: &Path,
    data: impl Into<Input>,
    run: &Path,
    set: &[String],
    context: &Context<'_>,
) -> Result<Outcome> {
    let config = Configuration { set: set.into(), ..Configuration::open(config)? };
    Ok(train_configured(config, data.into(), RunFiles::Folder(run.into()), false, context)?.outcome)
}

/// Goes on with a run that was stopped. Without `config` its own is taken; without `data` the file that it
/// began with, if one of that name is in the current folder. The number of epochs may grow
/// (`training.epochs=100` in `set`); where the learning rate falls towards the last of them, the end is then
/// not that of a training which had so many from the beginning.
///
/// # Errors
/// Those of [`train`]; the run does not say what it was trained on, or the file is not there.
pub fn resume(
    config: Option<&Path>,
    data: Option<Input>,
    run: &Path,
    set: &[String],
    context: &Context<'_>,
) -> Result<Outcome> {
    let files = RunFiles::Folder(run.into());
    let own = files.path(Run::CONFIG);
    let config = config.map_or_else(|| Configuration::read(&own), Configuration::open)?;
    let config = Configuration { set: set.into(), ..config };
    let data = data.map_or_else(|| data_of(&files), Ok)?;
    Ok(train_configured(config, data, files, true, context)?.outcome)
}

/// The file that a run was trained on, by the name that the run has of it, in the current folder: a run names
/// nothing elsewhere.
fn data_of(run: &RunFiles) -> Result<Input> {
    let file = RunHeader::read(run)?.data.and_then(|data| data.file).map(|file| file.file);
    match file.as_deref().and_then(|file| Path::new(file).file_name()).map(Path::new) {
        Some(file) if file.is_file() => Ok(file.into()),
        file => Err(Error::In {
            path: run.path(RunHeader::FILE),
            source: Box::new(Error::Usage(match file {
                Some(file) => {
                    format!("it was trained on {}, which is not here: say where it is", file.display())
                }
                None => "it does not say what it was trained on: name the avalanches".into(),
            })),
        }),
    }
}

/// Trains the model of a configuration that is read already on files, as [`train`] does, into the files of a
/// run in a folder or in memory.
pub fn train_configured(
    mut config: Configuration,
    mut data: Input,
    mut run: RunFiles,
    resume: bool,
    context: &Context<'_>,
) -> Result<Trained> {
    let input = config.take_input()?;
    let family = context.families.of(&config)?;
    let wanted = family.wants(&config)?;
    let _claim = prepare(family, &config, &run, resume, context)?;
    data.options = data.options.or(input);
    let folder = match &run {
        RunFiles::Folder(run) if family.trains_from_disk() => Some(run.as_path()),
        _ => None,
    };
    let (from_file, mut warnings) = read(data.clone(), &wanted, folder, context)?;
    let file = Some(without_folder(&data.file()?));
    let training = Training { config: &config, data: &from_file, file, run: &mut run, resume, context };
    let outcome = context.on_its_threads(|| family.train(training)).map_err(|error| match error {
        Error::InData(source) => Error::In { path: data.path(), source },
        error => error,
    })?;
    warnings.extend(outcome.warnings);
    Ok(Trained { run, outcome: Outcome { warnings, ..outcome } })
}

/// Reads what a training wants; with warnings. Avalanches that take more memory than the context allows go to
/// the disk of `folder`, if there is one.
fn read(
    input: Input,
    wanted: &Wanted,
    folder: Option<&Path>,
    context: &Context<'_>,
) -> Result<(TrainingData, Vec<String>)> {
    match (wanted, folder) {
        (Wanted::Avalanches { dims }, Some(folder)) if may_be_large(&input, context)? => {
            read_large(&input.with_dims(*dims), folder, context)
        }
        (Wanted::Avalanches { dims }, _) => {
            let Read { data, warnings, .. } = input.with_dims(*dims).read(context)?;
            Ok((data.into(), warnings))
        }
        (Wanted::Responses(names), _) => {
            let paths: Vec<_> = input.sources()?.into_iter().map(|source| source.path).collect();
            if input.options != ReadOptions::default() {
                let what = "columns, units and the like are for avalanches; responses of single foils have names and units of their own";
                return Err(Error::In { path: input.path(), source: Box::new(Error::Usage(what.into())) });
            }
            let mut responses = BTreeMap::new();
            for name in names {
                let read = townsend_cascade::read_responses(&paths, name);
                responses
                    .insert(name.clone(), read.map_err(|error| what_it_is(&input, error.into(), context))?);
            }
            Ok((TrainingData::Responses(responses), Vec::new()))
        }
    }
}

/// Numbers of avalanches are seldom packed into less than this part of their bytes.
const PACKED: u64 = 16;

/// True if files may hold more avalanches than are kept in memory.
fn may_be_large(input: &Input, context: &Context<'_>) -> Result<bool> {
    let bytes = |source: &townsend_io::Source| std::fs::metadata(&source.path).map_or(0, |file| file.len());
    let bytes: u64 = input.sources()?.iter().map(bytes).sum();
    Ok(bytes.saturating_mul(PACKED) > context.in_memory)
}

/// Reads avalanches in parts to unnamed files in `folder`, and from there into memory if they fit: only then
/// is known how many there are, and a set that grows takes much more memory than it holds.
fn read_large(input: &Input, folder: &Path, context: &Context<'_>) -> Result<(TrainingData, Vec<String>)> {
    let failed = |error: StoredError| Error::In {
        path: folder.into(),
        source: Box::new(townsend_train::TrainError::from(error).into()),
    };
    let (mut stored, mut bytes): (Option<StoredSetWriter>, _) = (None, 0);
    let warnings = input.each(Some(PART), context, |data, _, source| {
        bytes += data.bytes();
        let stored = match &mut stored {
            Some(stored) => stored,
            None => stored.insert(StoredSetWriter::new(folder, &data).map_err(failed)?),
        };
        stored.append(&data).map_err(|error| match error {
            StoredError::Grid(error) => {
                Error::In { path: source.path.clone(), source: Box::new(error.into()) }
            }
            full @ StoredError::Io(_) => failed(full),
        })
    })?;
    let Some(stored) = stored else { return Ok((Dataset::from(ElectronSet::default()).into(), warnings)) };
    let stored = stored.finish().map_err(failed)?;
    if bytes <= context.in_memory {
        let all: Vec<usize> = (0..stored.len()).collect();
        return Ok((stored.select(&all).map_err(failed)?.into(), warnings));
    }
    context.progress.warn(&format!(
        "the avalanches take {:.1} GB and are read from an unnamed file in {} while training",
        bytes as f64 / 1e9,
        folder.display()
    ));
    Ok((TrainingData::Stored(Box::new(stored)), warnings))
}

/// The error of files that hold no responses of single foils: if they hold avalanches, this is said instead.
fn what_it_is(input: &Input, error: Error, context: &Context<'_>) -> Error {
    let Ok(Read { data, layout, .. }) = input.read(context) else { return error };
    let what = format!(
        "holds {} avalanches ({layout}), and this configuration is fitted to recorded responses of single foils; \
         cascade-anode and cascade-histograms are fitted to avalanches",
        data.len()
    );
    Error::In { path: input.path(), source: Box::new(Error::Usage(what)) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{Setting, simulate};

    /// A set that is larger than what may be in memory gives the same run, to the byte, and leaves nothing
    /// else.
    #[test]
    fn a_large_set_is_trained_on_from_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let config =
            PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../townsend-cli/tests/cli/tiny.toml"));
        let avalanches = simulate(&crate::detector(None).unwrap(), 1, 0..60, &Setting::default()).unwrap();
        let all = Context::default();
        for name in ["a.npz", "b.root"] {
            super::super::write(&avalanches, &path(name), &super::super::Written::default(), &all).unwrap();
        }
        let input = Input { files: vec![path("a.npz"), path("b.root")], ..Input::default() };
        let set = ["training.epochs=2".to_owned()];
        let little = Context { in_memory: 1000, ..Context::default() };
        let wanted = Wanted::Avalanches { dims: None };
        let read = |context| read(input.clone(), &wanted, Some(folder.path()), context).unwrap().0;
        assert!(matches!(read(&little), TrainingData::Stored(_)));
        let whole = input.read(&all).unwrap().data;
        let room = Context { in_memory: whole.bytes(), ..Context::default() };
        assert!(may_be_large(&input, &room).unwrap());
        let TrainingData::Avalanches(fits) = read(&room) else { panic!("not in memory") };
        assert!(*fits == whole);
        for (context, run) in [(&all, "memory"), (&little, "disk")] {
            train(&config, input.clone(), &path(run), &set, context).unwrap();
        }
        for file in [Run::CONFIG, RunHeader::FILE, Run::LAST, Run::BEST] {
            let [memory, disk] = ["memory", "disk"].map(|run| std::fs::read(path(run).join(file)).unwrap());
            assert!(memory == disk, "{file}");
        }
        let count = |run: &str| path(run).read_dir().unwrap().count();
        assert_eq!(count("memory"), count("disk"));
    }
}
