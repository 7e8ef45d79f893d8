//! Electrons from a table of any format: which columns, in which unit, and where each avalanche begins.
//!
//! A row is an avalanche (columns of lists) or an electron (columns of numbers, with one or more that number
//! the avalanche).

mod chosen;
mod filter;
mod rows;

use std::path::Path;

use rayon::prelude::*;
use townsend_core::{Coordinate, ElectronSet, Meta, Progress};

use crate::columns::{Table, Values};
use crate::error::content;
use crate::notice::Notice;
use crate::reader::ReadOptions;
use crate::units::{Stated, unit_in_title};
use crate::{Choice, Error, Result};

use chosen::Chosen;
pub(crate) use chosen::{fits, list, suggestion};
use filter::Filter;
use rows::Rows;

/// Fewer steps of an `f32` than this over the spread of a coordinate are too coarse to keep its differences.
const FEWEST_STEPS: f64 = 1e4;

/// The largest whole number below which an `f64` has all whole numbers: 2⁵³.
const LARGEST_WHOLE: i64 = 1 << 53;

/// Reads the electrons of a table whose columns fit the names in `options`.
pub(crate) fn read(
    path: &Path,
    table: &dyn Table,
    options: &ReadOptions,
    progress: &dyn Progress,
    notices: &mut Vec<Notice>,
) -> Result<(ElectronSet, &'static str)> {
    let chosen = Chosen::new(path, table, &options.columns)?;
    notices.extend(table.notice());
    let task = progress.task("reading", 4);
    let mut rows = Rows::read(path, table, &chosen, options, notices)?;
    task.advance(1);
    let filter = Filter::new(path, table, &rows, &options.selection)?;
    let coordinates = rows.coordinates(path, table, &chosen)?;
    task.advance(2);
    let mut columns = Vec::with_capacity(3);
    let mut known = [false; 3];
    for (coordinate, values) in Coordinate::ALL.into_iter().zip(coordinates) {
        let scale = scale(table, &chosen, coordinate, options, notices);
        known[coordinate as usize] = scale.is_some();
        let scale = scale.unwrap_or(1.0);
        columns.push(filter.electrons(in_standard_units(values, scale, coordinate, notices)));
    }
    task.advance(1);
    tell_of_other_columns(table, &chosen, options, notices);
    let kind = rows.kind();
    let offsets = filter.offsets(rows.offsets);
    let [x, z, t] = columns.try_into().unwrap_or_default();
    let set = ElectronSet::from_arrays(offsets, x, z, t, Meta::default())
        .map_err(|what| content(path, table.describe(), what))?;
    refuse_drift_along_z(path, table, &set, options)?;
    look_odd(&set, known, notices);
    Ok((set, kind))
}

/// The values of a column for each avalanche of [`read`], and how many each has: a condition.
pub(crate) fn read_condition(
    path: &Path,
    table: &dyn Table,
    name: &str,
    options: &ReadOptions,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let chosen = Chosen::new(path, table, &options.columns)?;
    let rows = Rows::read(path, table, &chosen, options, &mut Vec::new())?;
    let filter = Filter::new(path, table, &rows, &options.selection)?;
    let index = find_column(path, table, name)?;
    let (each, values) = rows.condition(path, table, index)?;
    let values = filter.avalanches(&values, each);
    let avalanches = values.len() / each.max(1);
    Ok((if each == 1 { vec![avalanches] } else { vec![avalanches, each] }, values))
}

/// Of values that each avalanche of a table has, `each` of each, those of the avalanches of [`read`].
pub(crate) fn of_chosen_avalanches(
    path: &Path,
    table: &dyn Table,
    options: &ReadOptions,
    values: &[f64],
    each: usize,
) -> Result<Vec<f64>> {
    let chosen = Chosen::new(path, table, &options.columns)?;
    let rows = Rows::read(path, table, &chosen, options, &mut Vec::new())?;
    Ok(Filter::new(path, table, &rows, &options.selection)?.avalanches(values, each))
}

/// The place of the column of this name.
pub(crate) fn find_column(path: &Path, table: &dyn Table, name: &str) -> Result<usize> {
    chosen::find(table, name).ok_or_else(|| chosen::missing(path, table, &[name]))
}

/// The values of a column, and how many each row has.
///
/// # Errors
/// The column holds no numbers, or not as many in each row.
pub(crate) fn read_column(path: &Path, table: &dyn Table, index: usize) -> Result<(Vec<usize>, Vec<f64>)> {
    let (each, values) = rows::each_row(path, table, index)?;
    let rows = values.len() / each.max(1);
    Ok((if each == 1 { vec![rows] } else { vec![rows, each] }, values))
}

/// The size in mm or ns of the unit of a coordinate: the one stated, or the one that the file names; `None`
/// if there is neither.
fn scale(
    table: &dyn Table,
    chosen: &Chosen,
    coordinate: Coordinate,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
) -> Option<f64> {
    if let Some(stated) = options.units.scale(coordinate) {
        return Some(stated);
    }
    let header = &table.headers()[chosen.coordinates[coordinate as usize]];
    let unit = standard_unit(coordinate);
    let object = format!("column {}", header.name);
    let size =
        stated_size(unit_in_title(&header.name, &header.title, coordinate), &object, coordinate, notices);
    // Names alone do not tell: Garfield++ and most users of ROOT work in cm.
    if size.is_none() && options.columns.names_coordinates() && coordinate != Coordinate::T {
        let text = format!("{object} names no unit; {unit} is assumed");
        notices.push(Notice::from(text).settled_by("units", format!("{}={unit}", coordinate.name())));
    }
    size
}

/// The size that a title states; a unit that is not understood is told.
pub(crate) fn stated_size(
    stated: Stated,
    object: &str,
    coordinate: Coordinate,
    notices: &mut Vec<Notice>,
) -> Option<f64> {
    match stated {
        Stated::Size(size) => Some(size),
        Stated::Nothing => None,
        Stated::Unknown(unit) => {
            let (name, standard) = (coordinate.name(), standard_unit(coordinate));
            let text =
                format!("{object} has the unit `{unit}`, which is not understood; {standard} is assumed");
            notices.push(Notice::from(text).settled_by("units", format!("{name}={standard}")));
            Some(1.0)
        }
    }
}

/// The unit in which avalanches are kept.
pub(crate) fn standard_unit(coordinate: Coordinate) -> &'static str {
    if coordinate == Coordinate::T { "ns" } else { "mm" }
}

/// Values in mm or ns as `f32`. Where they lie so far from zero that an `f32` would lose their differences,
/// as times since 1970 do, whole mm or ns that all have in common are taken off.
#[allow(clippy::float_cmp, reason = "a scale is 1 or it is not, and an `f32` holds it or does not")]
pub(crate) fn in_standard_units(
    values: Values,
    scale: f64,
    coordinate: Coordinate,
    notices: &mut Vec<Notice>,
) -> Vec<f32> {
    // An `f32` of the file cannot lose differences that it does not have.
    if let Values::F32(mut values) = values {
        let short = scale as f32;
        if scale == 1.0 {
            return values;
        }
        if f64::from(short) == scale {
            // The product of two `f32` is exact in an `f64`, so that this rounds once, as the other does.
            values.par_iter_mut().with_min_len(1 << 16).for_each(|value| *value *= short);
        } else {
            for value in &mut values {
                *value = (f64::from(*value) * scale) as f32;
            }
        }
        return values;
    }
    let (values, taken_off) = match values {
        // Whole numbers lose nothing here; as floats they would lose what an i64 has beyond 2⁵³.
        Values::I64(values) => {
            let least = values.iter().copied().min().filter(|least| least.abs() > LARGEST_WHOLE).unwrap_or(0);
            (values.iter().map(|value| value.wrapping_sub(least) as f64).collect(), least as f64 * scale)
        }
        Values::F64(values) => (values, 0.0),
        values => (values.to_f64(), 0.0),
    };
    let finite = || values.iter().copied().filter(|value| value.is_finite()).map(|value| value * scale);
    let (low, high) =
        finite().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let step = f64::from(f32::EPSILON) * low.abs().max(high.abs());
    let coarse = high > low && step * FEWEST_STEPS > high - low;
    let offset = if coarse { low.floor() } else { 0.0 };
    if coarse || taken_off != 0.0 {
        let (name, unit) = (coordinate.name(), standard_unit(coordinate));
        let (low, high, offset) = (low + taken_off, high + taken_off, offset + taken_off);
        notices.push(
            format!(
                "{name} lies between {low} and {high} {unit}; {offset} {unit}, common to all, were taken off"
            )
            .into(),
        );
    }
    values.into_iter().map(|value| (value * scale - offset) as f32).collect()
}

/// Tells which columns are not read; one called y by itself, because it may be the one that is wanted.
fn tell_of_other_columns(
    table: &dyn Table,
    chosen: &Chosen,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
) {
    let compared = options.selection.columns();
    let used = |index: usize, name: &str| chosen.uses(index) || compared.contains(&name);
    let headers = table.headers().iter().enumerate();
    let left: Vec<&str> = headers
        .filter(|(index, header)| !used(*index, &header.name))
        .map(|(_, header)| &*header.name)
        .collect();
    if left.is_empty() {
        return;
    }
    notices.push(format!("columns that are not read: {}", left.join(", ")).into());
    if left.contains(&"y") && !options.columns.names_coordinates() {
        let text = "x and z were taken for the transverse directions, and there is a y: where electrons drift along z, as in Garfield++, x and y are";
        notices.push(Notice::from(text).settled_by("columns", "x=x,z=y,t=t"));
    }
}

/// A z that never changes beside a y that was not asked for: the drift goes along z, and x and y are wanted.
fn refuse_drift_along_z(
    path: &Path,
    table: &dyn Table,
    set: &ElectronSet,
    options: &ReadOptions,
) -> Result<()> {
    let z = set.column(Coordinate::Z);
    let never_changes = z.len() > 1 && never_changes(z);
    let has_y = table.headers().iter().any(|header| header.name == "y");
    if options.columns.names_coordinates() || !never_changes || !has_y {
        return Ok(());
    }
    Err(Error::Undecided {
        file: path.into(),
        what: format!(
            "{}: z is {} for every electron and there is a y: the drift goes along z there, so state which columns are the transverse ones",
            table.describe(),
            z[0]
        ),
        choices: vec![Choice::new("columns", "x=x,z=y,t=t")],
    })
}

fn never_changes(values: &[f32]) -> bool {
    values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits())
}

/// Widths of avalanches at an anode, in mm and ns, from just above that of a single foil to ten times that of
/// a triple GEM. What lies outside is most likely in another unit, if the file does not name it.
const PLAUSIBLE: [(Coordinate, f64, f64); 3] =
    [(Coordinate::X, 0.05, 10.0), (Coordinate::Z, 0.05, 10.0), (Coordinate::T, 0.02, 500.0)];
/// Where the unit is named, only what is ten times farther out is told.
const MARGIN: f64 = 10.0;
/// Avalanches of fewer electrons have no width that says anything.
const FEWEST_ELECTRONS: usize = 3;
/// So many avalanches tell their width well enough to see that it is in another unit.
const ENOUGH_AVALANCHES: usize = 20;

/// Tells of coordinates that never change, and of widths that are implausible for an avalanche.
fn look_odd(set: &ElectronSet, known: [bool; 3], notices: &mut Vec<Notice>) {
    for (coordinate, low, high) in PLAUSIBLE {
        let margin = if known[coordinate as usize] { MARGIN } else { 1.0 };
        let (low, high) = (low / margin, high * margin);
        let (name, unit) = (coordinate.name(), standard_unit(coordinate));
        let values = set.column(coordinate);
        if values.len() > 1 && never_changes(values) {
            let text = format!(
                "{name} is {} {unit} for every electron; name its column if it is another one",
                values[0]
            );
            notices.push(Notice::from(text).settled_by("columns", format!("{name}=…")));
            continue;
        }
        let Some(width) = mean_rms(set, coordinate) else { continue };
        if width > 0.0 && !(low..=high).contains(&width) {
            let text = format!(
                "avalanches are {width:.2e} {unit} wide in {name} (rms), and {low} to {high} {unit} are usual; is its unit another one?"
            );
            let other = if coordinate == Coordinate::T { "t=…".into() } else { format!("{name}=cm") };
            notices.push(Notice::from(text).settled_by("units", other));
        }
    }
}

/// The mean over avalanches of the root mean square about the avalanche's mean; `None` without avalanches of
/// some electrons.
fn mean_rms(set: &ElectronSet, coordinate: Coordinate) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u64);
    let wide = set.iter().filter(|avalanche| avalanche.len() >= FEWEST_ELECTRONS);
    for avalanche in wide.take(ENOUGH_AVALANCHES) {
        let values = avalanche.coordinate(coordinate);
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        sum += variance.sqrt();
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests;
