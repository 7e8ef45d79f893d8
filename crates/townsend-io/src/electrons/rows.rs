//! Where each avalanche begins among the electrons of a table.

use std::ops::Range;
use std::path::Path;

use super::chosen::Chosen;
use crate::Result;
use crate::columns::{ColumnKind, ColumnValues, Reading, Table, Values};
use crate::error::content;

/// Avalanches of some rows of a table, or of all.
pub(super) struct Rows {
    /// Which rows.
    pub(super) range: Range<u64>,
    /// Where each avalanche begins among the electrons, and where the last one ends.
    pub(super) offsets: Vec<u64>,
    pub(super) form: Form,
    /// The coordinates of a table of lists, which were read for their offsets.
    pub(super) coordinates: Option<[Values; 3]>,
}

/// How rows are electrons.
pub(super) enum Form {
    /// One row an electron. These are the columns that number the avalanche.
    Electrons { events: Vec<(String, Vec<i64>)> },
    /// One row an avalanche, in lists.
    Avalanches,
    /// One row an avalanche, in arrays of `length` values of which the first `used` are electrons.
    Padded { length: usize, used: Vec<usize> },
}

impl Rows {
    /// The value of a column of numbers that is one of those that number the avalanches, at a row.
    pub(super) fn numbers(&self) -> &[(String, Vec<i64>)] {
        match &self.form {
            Form::Electrons { events } => events,
            Form::Avalanches | Form::Padded { .. } => &[],
        }
    }

    /// True if a row is an electron.
    pub(super) fn of_electrons(&self) -> bool {
        matches!(self.form, Form::Electrons { .. })
    }

    /// The values of x, z and t of all electrons.
    pub(super) fn coordinates(
        &mut self,
        path: &Path,
        reading: &Reading<'_>,
        chosen: &Chosen,
    ) -> Result<[Values; 3]> {
        match self.coordinates.take() {
            Some(values) => Ok(values),
            None => at_once(chosen.coordinates, |index| self.electrons(path, reading, index)),
        }
    }

    /// The values of a column that has one an electron.
    pub(super) fn electrons(&self, path: &Path, reading: &Reading<'_>, index: usize) -> Result<Values> {
        let ColumnValues { offsets, mut values } = reading.read(index, &self.range)?;
        let Form::Padded { length, used } = &self.form else {
            if let Some(offsets) = offsets {
                as_long_as_x(path, reading.table, index, self.range.start, [&offsets, &self.offsets])?;
            }
            return Ok(values);
        };
        if values.len() != length * used.len() {
            let name = &reading.table.headers()[index].name;
            let what = format!("{name} has {} values, not {length} an entry", values.len());
            return Err(content(path, reading.table.describe(), what));
        }
        values.retain(|place| place % length < used[place / length]);
        Ok(values)
    }

    /// The values of a column for each avalanche, and how many of them an avalanche has.
    pub(super) fn condition(
        &self,
        path: &Path,
        reading: &Reading<'_>,
        index: usize,
    ) -> Result<(usize, Vec<f64>)> {
        let table = reading.table;
        if !self.of_electrons() {
            return each_row(path, table, index);
        }
        let values = self.electrons(path, reading, index)?.to_f64();
        let of_avalanche = |avalanche| {
            let what = format!("has no one value for all electrons of avalanche {avalanche}");
            content(path, format!("{} of {}", table.headers()[index].name, table.describe()), what)
        };
        Ok((1, of_avalanches(&values, &self.offsets).map_err(of_avalanche)?))
    }
}

/// The values of a column, and how many each row has.
pub(super) fn each_row(path: &Path, table: &dyn Table, index: usize) -> Result<(usize, Vec<f64>)> {
    let header = &table.headers()[index];
    let refused = |what: String| content(path, format!("{} of {}", header.name, table.describe()), what);
    if let ColumnKind::Other(what) = &header.kind {
        return Err(refused(format!("holds {what}; numbers are wanted")));
    }
    let column = table.read(index)?;
    let values = column.values.to_f64();
    let Some(offsets) = column.offsets else { return Ok((1, values)) };
    let lengths = || offsets.windows(2).map(|pair| pair[1] - pair[0]);
    let each = lengths().next().unwrap_or(1);
    match lengths().position(|length| length != each) {
        Some(entry) => Err(refused(format!(
            "has {each} values in entry 0 and others in entry {entry}; as many everywhere are wanted"
        ))),
        None => Ok((each as usize, values)),
    }
}

/// Does the same for the three coordinates, at the same time.
fn at_once<T: Send>(of: [usize; 3], read: impl Fn(usize) -> Result<T> + Sync) -> Result<[T; 3]> {
    let (x, (z, t)) = rayon::join(|| read(of[0]), || rayon::join(|| read(of[1]), || read(of[2])));
    Ok([x?, z?, t?])
}

/// The coordinates of rows of a table of lists, and where avalanches begin in them.
pub(super) fn lists(
    path: &Path,
    reading: &Reading<'_>,
    chosen: &Chosen,
    rows: &Range<u64>,
) -> Result<(Vec<u64>, [Values; 3])> {
    let unplaced = || content(path, reading.table.describe(), "its lists do not say where they begin");
    let [x, z, t] = at_once(chosen.coordinates, |index| reading.read(index, rows))?;
    let offsets = x.offsets.ok_or_else(unplaced)?;
    for (column, index) in [&z, &t].into_iter().zip(&chosen.coordinates[1..]) {
        let have = column.offsets.as_ref().ok_or_else(unplaced)?;
        as_long_as_x(path, reading.table, *index, rows.start, [have, &offsets])?;
    }
    Ok((offsets, [x.values, z.values, t.values]))
}

/// Refuses a column whose lists, from the entry `first` on, are not as long as those of x.
fn as_long_as_x(
    path: &Path,
    table: &dyn Table,
    index: usize,
    first: u64,
    [have, want]: [&Vec<u64>; 2],
) -> Result<()> {
    if have == want {
        return Ok(());
    }
    let lengths = |offsets: &[u64]| offsets.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    let (have, want) = (lengths(have), lengths(want));
    let differs = have.iter().zip(&want).position(|(a, b)| a != b);
    let entry = first + differs.unwrap_or(have.len().min(want.len())) as u64;
    let what = format!(
        "entry {entry} does not hold as many {} as x; each electron needs x, z and t",
        table.headers()[index].name
    );
    Err(content(path, table.describe(), what))
}

/// The value that all electrons of an avalanche have, NaN if there are none; or the avalanche whose electrons
/// do not agree.
fn of_avalanches(values: &[f64], offsets: &[u64]) -> std::result::Result<Vec<f64>, usize> {
    let of_avalanche = |(index, pair): (usize, &[u64])| {
        let of_electrons = values.get(pair[0] as usize..pair[1] as usize).ok_or(index)?;
        let Some(first) = of_electrons.first() else { return Ok(f64::NAN) };
        let agree = of_electrons.iter().all(|value| value.to_bits() == first.to_bits());
        if agree { Ok(*first) } else { Err(index) }
    };
    offsets.windows(2).enumerate().map(of_avalanche).collect()
}
