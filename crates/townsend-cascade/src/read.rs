//! Recorded responses of single foils, from npz files.

use std::collections::HashMap;
use std::path::Path;

use townsend_io::{has_array, read_array, read_array_of};

use crate::{CascadeError, Responses, Result};

/// Reads the responses called `name` of all files that have some, in the order of the files: jobs that record
/// responses number them from 0 in a file each. Of the array `<name>_start` the columns 0 to 2 are read:
/// number of the response, place of its electron above the foil (µm, a hole at the origin); of
/// `<name>_electrons` columns 0, 4, 5 and 7: number of the response, place of an electron below the foil
/// (µm), time since the start (ns).
///
/// # Errors
/// If a file cannot be read, no file has such responses, or the arrays do not have this form.
pub fn read_responses<P: AsRef<Path>>(paths: &[P], name: &str) -> Result<Responses> {
    let mut all: Option<Responses> = None;
    for path in paths.iter().map(AsRef::as_ref) {
        // A single file is read even if it lacks the array, so that the error says what it holds.
        if paths.len() == 1 || has_array(path, &format!("{name}_start"))? {
            let more = of_file(path, name)?;
            match &mut all {
                Some(all) => all.append(&more),
                None => all = Some(more),
            }
        }
    }
    all.ok_or_else(|| CascadeError::NotInFiles {
        name: name.into(),
        files: paths.iter().map(|path| path.as_ref().into()).collect(),
    })
}

/// The responses called `name` in an npz whose contents are in memory; `path` names it in errors.
pub(crate) fn responses_of_npz(contents: &[u8], path: &Path, name: &str) -> Result<Responses> {
    of_arrays(path, name, |array| read_array_of(contents, path, array))
}

fn of_file(path: &Path, name: &str) -> Result<Responses> {
    of_arrays(path, name, |array| read_array(path, array))
}

/// The responses called `name` of a file whose arrays `read` gives by their names.
fn of_arrays(
    path: &Path,
    name: &str,
    read: impl Fn(&str) -> townsend_io::Result<(Vec<usize>, Vec<f64>)>,
) -> Result<Responses> {
    let wrong = |array: &str, what: String| CascadeError::File {
        path: path.into(),
        what: format!("{name}_{array}: {what}"),
    };
    let rows = |array: &str, columns: usize| -> Result<Vec<Vec<f64>>> {
        match read(&format!("{name}_{array}"))? {
            (shape, values) if shape.len() == 2 && shape[1] >= columns => {
                Ok(values.chunks_exact(shape[1]).map(<[f64]>::to_vec).collect())
            }
            (shape, _) => {
                Err(wrong(array, format!("has the shape {shape:?}; {columns} columns or more are wanted")))
            }
        }
    };
    let (starts, electrons) = (rows("start", 3)?, rows("electrons", 8)?);
    let places: HashMap<u64, usize> =
        starts.iter().enumerate().map(|(place, start)| (start[0].to_bits(), place)).collect();
    if places.len() < starts.len() {
        return Err(wrong("start", "two responses have the same number".into()));
    }
    let mut families = vec![Vec::new(); starts.len()];
    for electron in &electrons {
        let place = places.get(&electron[0].to_bits());
        let place =
            place.ok_or_else(|| wrong("electrons", format!("response {} has no start", electron[0])))?;
        families[*place].push([electron[4], electron[5], electron[7]]);
    }
    let mut offsets = vec![0];
    offsets.extend(families.iter().scan(0, |end, family| {
        *end += family.len();
        Some(*end)
    }));
    let starts = starts.iter().map(|start| [start[1], start[2]]).collect();
    let responses = Responses::new(starts, offsets, families.concat());
    responses.map_err(|error| wrong("start", error.to_string()))
}
