//! Avalanches from the built-in Monte Carlo, in memory.

use std::ops::Range;
use std::path::Path;

use townsend_core::{Dataset, InputFile, nearest_first};
use townsend_sim::Detector;

use crate::families::DetectorModel;
use crate::{Error, Model, Result, Setting};

/// The description of a detector: of a file in TOML, or one that ships, by its name; `None` is the first of
/// these.
///
/// # Errors
/// There is no such file or name, or the description is not one of a detector.
pub fn detector(named: Option<&Path>) -> Result<Detector> {
    let name =
        named.map_or_else(|| Detector::names().next().unwrap_or_default().into(), Path::to_string_lossy);
    if let Some(text) = Detector::shipped(&name) {
        return Ok(Detector::from_toml(text)?);
    }
    let path = Path::new(&*name);
    if !path.exists() && path.extension().is_none() {
        return Err(Error::Usage(format!(
            "{name}: is neither a file nor a detector that comes with the program; these are {}",
            nearest_first(&name, Detector::names()).join(", ")
        )));
    }
    let mut detector = Detector::read(path)?;
    load_recorded(&mut detector, path)?;
    crate::anode_tables::load(&mut detector, path)?;
    Ok(detector)
}

/// Reads the recorded responses that the description in the file `path` names, if it names some. Afterwards
/// the detector has them by the name of their file without its folder.
fn load_recorded(detector: &mut Detector, path: &Path) -> Result<()> {
    let Some(recorded) = &detector.recorded else { return Ok(()) };
    let file = path.parent().unwrap_or(Path::new("")).join(&recorded.file);
    let contents = std::fs::read(&file).map_err(|source| Error::Io { path: file.clone(), source })?;
    detector.add_file(InputFile::of(&file.display().to_string(), &contents));
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    townsend_cascade::load_responses(detector, &name, contents)
        .map_err(|error| Error::In { path: path.into(), source: Box::new(error.into()) })
}

/// The electrons of simulated avalanches with these numbers.
///
/// # Errors
/// The detector does not know a condition of the setting, or a track is asked for and it says nothing of
/// tracks.
pub fn simulate(detector: &Detector, seed: u64, range: Range<u64>, setting: &Setting) -> Result<Dataset> {
    DetectorModel::new(detector.clone())?.generate(seed, range, setting)
}
