//! Electrons from a table of any format: which columns, in which unit, and where each avalanche begins.
//!
//! A row is an avalanche (columns of lists) or an electron (columns of numbers, with one or more that number
//! the avalanche).

mod chosen;
mod filter;
mod parts;
mod rows;
mod window;

use std::ops::ControlFlow;
use std::path::Path;

use rayon::prelude::*;
use townsend_core::{Coordinate, ElectronSet, Meta, Progress};

use crate::columns::{Reading, Table, Values};
use crate::error::content;
use crate::notice::Notice;
use crate::reader::ReadOptions;
use crate::units::{Stated, unit_in_title};
use crate::{Choice, Error, Result};

use chosen::Chosen;
pub(crate) use chosen::{fits, list, suggestion};
use filter::{Before, Filter};
use parts::Parts;
use rows::Rows;

/// Fewer steps of an `f32` than this over the spread of a coordinate are too coarse to keep its differences.
const FEWEST_STEPS: f64 = 1e4;

/// The largest whole number below which an `f64` has all whole numbers: 2⁵³.
const LARGEST_WHOLE: i64 = 1 << 53;

/// Electrons of a table, or of a part of it.
pub(crate) struct Electrons {
    /// The avalanches.
    pub(crate) set: ElectronSet,
    /// How the table holds them, in words.
    pub(crate) kind: &'static str,
    /// What a user should know of the table; it comes with the last part.
    pub(crate) notices: Vec<Notice>,
    /// False if more electrons follow.
    pub(crate) last: bool,
}

/// Reads the electrons of a table whose columns fit the names in `options`, and hands them on: all at once,
/// or parts of at most `most` electrons each where the format allows it, unless one avalanche has more. It
/// ends early if `take` breaks.
pub(crate) fn read(
    path: &Path,
    table: &dyn Table,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut dyn FnMut(Electrons) -> ControlFlow<()>,
) -> Result<()> {
    let chosen = Chosen::new(path, table, &options.columns)?;
    let reading = Reading::new(path, table, most.is_some());
    let of_rows = || Parts::new(path, &reading, &chosen, options, most.unwrap_or(u64::MAX));
    let mut parts = of_rows()?;
    let scales = Coordinate::ALL.map(|coordinate| {
        let mut notices = Vec::new();
        (scale(table, &chosen, coordinate, options, &mut notices), notices)
    });
    // What is taken off all values of a coordinate follows from all of them.
    let mut spans = [Span::default(); 3];
    let in_advance = reading.in_parts() && of_doubles(&reading, &chosen)?;
    if in_advance {
        let mut parts = of_rows()?;
        loop {
            let (mut rows, last) = parts.next()?;
            let values = rows.coordinates(path, &reading, &chosen)?;
            spans.iter_mut().zip(&values).for_each(|(span, values)| span.extend(values));
            if last {
                break;
            }
        }
    }
    let task = progress.task("reading", if reading.in_parts() { table.rows() } else { 3 });
    let (mut before, mut looks, mut electrons) = (Before::new(), Looks::default(), 0);
    loop {
        let (mut rows, last) = parts.next()?;
        let read = rows.range.end.min(table.rows()).saturating_sub(rows.range.start);
        let step = if reading.in_parts() { read } else { 3 };
        let filter = Filter::new(path, &reading, &rows, &options.selection, &mut before)?;
        let coordinates = rows.coordinates(path, &reading, &chosen)?;
        if !in_advance {
            spans.iter_mut().zip(&coordinates).for_each(|(span, values)| span.extend(values));
        }
        let scaled = coordinates.into_iter().zip(&spans).zip(&scales);
        let columns: Vec<Vec<f32>> = scaled
            .map(|((values, span), (scale, _))| {
                filter.electrons(in_standard_units(values, scale.unwrap_or(1.0), span))
            })
            .collect();
        let [x, z, t] = columns.try_into().unwrap_or_default();
        let set = ElectronSet::from_arrays(filter.offsets(rows.offsets), x, z, t, Meta::default());
        let set = set.map_err(|what| {
            let counted =
                if electrons > 0 { format!("; counted from electron {electrons}") } else { String::new() };
            content(path, table.describe(), what + &counted)
        })?;
        electrons += set.column(Coordinate::X).len();
        looks.extend(&set);
        let mut notices = Vec::new();
        if last {
            looks.refuse_drift_along_z(path, table, options)?;
            notices.extend(table.notice());
            notices.append(&mut parts.notices);
            for (coordinate, ((scale, told), span)) in
                Coordinate::ALL.into_iter().zip(scales.iter().zip(&spans))
            {
                notices.extend(told.iter().cloned());
                notices.extend(span.notice(scale.unwrap_or(1.0), coordinate));
            }
            tell_of_other_columns(table, &chosen, options, &mut notices);
            looks.tell(scales.each_ref().map(|(scale, _)| scale.is_some()), &mut notices);
        }
        let taken = take(Electrons { set, kind: parts.kind(), notices, last });
        task.advance(step);
        if last || taken.is_break() {
            return Ok(());
        }
    }
}

/// True if a coordinate is not of `f32`.
fn of_doubles(reading: &Reading<'_>, chosen: &Chosen) -> Result<bool> {
    for index in chosen.coordinates {
        if !matches!(reading.read(index, &(0..0))?.values, Values::F32(_)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// All rows of a table, and what the selection keeps of them.
fn chosen_rows<T>(
    path: &Path,
    table: &dyn Table,
    options: &ReadOptions,
    of: impl FnOnce(&Reading<'_>, &Rows, &Filter) -> Result<T>,
) -> Result<T> {
    let chosen = Chosen::new(path, table, &options.columns)?;
    let reading = Reading::new(path, table, false);
    let (rows, _) = Parts::new(path, &reading, &chosen, options, u64::MAX)?.next()?;
    let filter = Filter::new(path, &reading, &rows, &options.selection, &mut Before::new())?;
    of(&reading, &rows, &filter)
}

/// The values of a column for each avalanche of [`read`], and how many each has: a condition.
pub(crate) fn read_condition(
    path: &Path,
    table: &dyn Table,
    name: &str,
    options: &ReadOptions,
) -> Result<(Vec<usize>, Vec<f64>)> {
    chosen_rows(path, table, options, |reading, rows, filter| {
        let index = find_column(path, table, name)?;
        let (each, values) = rows.condition(path, reading, index)?;
        let values = filter.avalanches(&values, each);
        let avalanches = values.len() / each.max(1);
        Ok((if each == 1 { vec![avalanches] } else { vec![avalanches, each] }, values))
    })
}

/// Of values that each avalanche of a table has, `each` of each, those of the avalanches of [`read`].
pub(crate) fn of_chosen_avalanches(
    path: &Path,
    table: &dyn Table,
    options: &ReadOptions,
    values: &[f64],
    each: usize,
) -> Result<Vec<f64>> {
    chosen_rows(path, table, options, |_, _, filter| Ok(filter.avalanches(values, each)))
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

/// Between which values a coordinate lies, in the unit of the file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    /// Of whole numbers, which lose nothing here; as floats they would lose what an `i64` has beyond 2⁵³.
    whole: Option<(i64, i64)>,
    /// Of others, those that are finite. An `f32` of the file cannot lose differences that it does not have.
    floats: Option<(f64, f64)>,
}

impl Span {
    fn extend(&mut self, values: &Values) {
        match values {
            Values::F32(_) => {}
            Values::I64(values) => {
                let all = values.iter().map(|&value| (value, value)).chain(self.whole);
                self.whole = all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            }
            Values::F64(values) => self.extend_floats(values.iter().copied()),
            values => self.extend_floats(values.to_f64().into_iter()),
        }
    }

    fn extend_floats(&mut self, values: impl Iterator<Item = f64>) {
        let finite = values.filter(|value| value.is_finite()).map(|value| (value, value));
        self.floats = finite.chain(self.floats).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }

    /// What whole numbers have in common where an `f64` does not hold them.
    fn least(&self) -> i64 {
        self.whole.map(|(least, _)| least).filter(|least| least.abs() > LARGEST_WHOLE).unwrap_or(0)
    }

    /// The lowest and the highest value in mm or ns, after the least whole number was taken off.
    fn ends(&self, scale: f64) -> Option<(f64, f64)> {
        let least = self.least();
        let whole =
            |(low, high): (i64, i64)| (low.wrapping_sub(least) as f64, high.wrapping_sub(least) as f64);
        let (low, high) = self.whole.map(whole).or(self.floats)?;
        Some((low * scale, high * scale))
    }

    /// What all have in common, where an `f32` would lose the differences: whole mm or ns.
    fn offset(&self, scale: f64) -> f64 {
        let Some((low, high)) = self.ends(scale) else { return 0.0 };
        let step = f64::from(f32::EPSILON) * low.abs().max(high.abs());
        let coarse = high > low && step * FEWEST_STEPS > high - low;
        if coarse { low.floor() } else { 0.0 }
    }

    /// Tells what was taken off.
    fn notice(&self, scale: f64, coordinate: Coordinate) -> Option<Notice> {
        let ((low, high), offset) = (self.ends(scale)?, self.offset(scale));
        let taken_off = self.least() as f64 * scale;
        if offset == 0.0 && taken_off == 0.0 {
            return None;
        }
        let (name, unit) = (coordinate.name(), standard_unit(coordinate));
        let (low, high, offset) = (low + taken_off, high + taken_off, offset + taken_off);
        Some(
            format!(
                "{name} lies between {low} and {high} {unit}; {offset} {unit}, common to all, were taken off"
            )
            .into(),
        )
    }
}

/// Values in mm or ns as `f32`. Where they lie so far from zero that an `f32` would lose their differences,
/// as times since 1970 do, whole mm or ns that all have in common are taken off.
#[allow(clippy::float_cmp, reason = "a scale is 1 or it is not, and an `f32` holds it or does not")]
pub(crate) fn in_standard_units(values: Values, scale: f64, span: &Span) -> Vec<f32> {
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
    let least = span.least();
    let values = match values {
        Values::I64(values) => values.iter().map(|value| value.wrapping_sub(least) as f64).collect(),
        Values::F64(values) => values,
        values => values.to_f64(),
    };
    let offset = span.offset(scale);
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

/// What may look odd about the coordinates of avalanches.
#[derive(Debug, Default)]
struct Looks([Look; 3]);

/// What may look odd about one of them.
#[derive(Debug, Default)]
struct Look {
    first: Option<f32>,
    electrons: usize,
    changes: bool,
    /// The sum of the widths of the first avalanches of some electrons, and their number.
    widths: (f64, usize),
}

impl Looks {
    fn extend(&mut self, set: &ElectronSet) {
        for (look, coordinate) in self.0.iter_mut().zip(Coordinate::ALL) {
            let values = set.column(coordinate);
            look.electrons += values.len();
            look.first = look.first.or(values.first().copied());
            if let (Some(first), false) = (look.first, look.changes) {
                look.changes = values.iter().any(|value| value.to_bits() != first.to_bits());
            }
            let wide = set.iter().filter(|avalanche| avalanche.len() >= FEWEST_ELECTRONS);
            for avalanche in wide.take(ENOUGH_AVALANCHES - look.widths.1) {
                look.widths.0 += rms(avalanche.coordinate(coordinate));
                look.widths.1 += 1;
            }
        }
    }

    /// A z that never changes beside a y that was not asked for: the drift goes along z, and x and y are
    /// wanted.
    fn refuse_drift_along_z(&self, path: &Path, table: &dyn Table, options: &ReadOptions) -> Result<()> {
        let z = &self.0[Coordinate::Z as usize];
        let has_y = table.headers().iter().any(|header| header.name == "y");
        let (Some(value), false, true) = (z.constant(), options.columns.names_coordinates(), has_y) else {
            return Ok(());
        };
        Err(Error::Undecided {
            file: path.into(),
            what: format!(
                "{}: z is {value} for every electron and there is a y: the drift goes along z there, so state which columns are the transverse ones",
                table.describe()
            ),
            choices: vec![Choice::new("columns", "x=x,z=y,t=t")],
        })
    }

    /// Tells of coordinates that never change, and of widths that are implausible for an avalanche.
    fn tell(&self, known: [bool; 3], notices: &mut Vec<Notice>) {
        for (coordinate, low, high) in PLAUSIBLE {
            let margin = if known[coordinate as usize] { MARGIN } else { 1.0 };
            let (low, high) = (low / margin, high * margin);
            let (name, unit) = (coordinate.name(), standard_unit(coordinate));
            let look = &self.0[coordinate as usize];
            if let Some(value) = look.constant() {
                let text = format!(
                    "{name} is {value} {unit} for every electron; name its column if it is another one"
                );
                notices.push(Notice::from(text).settled_by("columns", format!("{name}=…")));
                continue;
            }
            let (sum, avalanches) = look.widths;
            let width = sum / avalanches.max(1) as f64;
            if width > 0.0 && !(low..=high).contains(&width) {
                let text = format!(
                    "avalanches are {width:.2e} {unit} wide in {name} (rms), and {low} to {high} {unit} are usual; is its unit another one?"
                );
                let other = if coordinate == Coordinate::T { "t=…".into() } else { format!("{name}=cm") };
                notices.push(Notice::from(text).settled_by("units", other));
            }
        }
    }
}

impl Look {
    /// The value that all electrons have, if there are several.
    fn constant(&self) -> Option<f32> {
        self.first.filter(|_| self.electrons > 1 && !self.changes)
    }
}

/// The root mean square about the mean.
fn rms(values: &[f32]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    variance.sqrt()
}

#[cfg(test)]
mod tests;
