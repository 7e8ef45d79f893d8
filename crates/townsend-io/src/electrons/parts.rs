//! How the rows of a table are divided into avalanches, part after part.

use std::ops::Range;
use std::path::Path;

use super::chosen::Chosen;
use super::rows::{Form, Rows, lists};
use super::window::{Window, whole};
use crate::columns::{ALL, ColumnKind, Reading, Table};
use crate::error::content;
use crate::notice::Notice;
use crate::reader::ReadOptions;
use crate::{Choice, Error, Result};

/// Avalanches from a table, those of some rows after those of others.
pub(super) struct Parts<'a, 't> {
    path: &'a Path,
    reading: &'a Reading<'t>,
    chosen: &'a Chosen,
    options: &'a ReadOptions,
    /// Electrons that a part has, unless one avalanche has more.
    most: u64,
    /// The first row of the next part.
    next: u64,
    division: Division,
    /// What a user should know of how rows are divided.
    pub(super) notices: Vec<Notice>,
}

/// How far the rows of a table are divided into avalanches.
enum Division {
    /// One row an electron, with numbers.
    Numbered(Box<Window>),
    /// One row an electron; where avalanches begin is known. The next part begins with this one.
    Placed { offsets: Vec<u64>, avalanche: usize },
    /// One row an avalanche, in lists. The next part has so many.
    Lists { entries: u64 },
    /// One row an avalanche, in arrays.
    Padded { length: usize, used: Vec<usize> },
}

/// Entries of the first part of a table of lists, before it is known how many electrons they have.
const FIRST_ENTRIES: u64 = 64;
/// The next part has at most so many times the entries of the one before.
const GROWTH: u64 = 4;

impl<'a, 't> Parts<'a, 't> {
    /// Finds out how the rows of a table are avalanches. A part has at most so many electrons if they can be
    /// read in parts.
    pub(super) fn new(
        path: &'a Path,
        reading: &'a Reading<'t>,
        chosen: &'a Chosen,
        options: &'a ReadOptions,
        most: u64,
    ) -> Result<Self> {
        let table = reading.table;
        let mut notices = Vec::new();
        let most = if reading.in_parts() { most.max(1) } else { u64::MAX };
        let kinds = chosen.coordinates.map(|index| table.headers()[index].kind.clone());
        let division = match &kinds {
            [ColumnKind::Number, ColumnKind::Number, ColumnKind::Number] => flat(path, table, chosen)?,
            [ColumnKind::List, ColumnKind::List, ColumnKind::List] => {
                tell_of_gaps(reading, chosen, most, &mut notices)?;
                Division::Lists { entries: FIRST_ENTRIES.min(most) }
            }
            [ColumnKind::Array(x), ColumnKind::Array(z), ColumnKind::Array(t)] if x == z && x == t => {
                padded(path, reading, chosen, [*x, rows_of_arrays(most, *x) as usize], &mut notices)?
            }
            _ => return Err(unlike(path, table, chosen)),
        };
        Ok(Self { path, reading, chosen, options, most, next: 0, division, notices })
    }

    /// How the table holds avalanches, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.division {
            Division::Numbered(_) | Division::Placed { .. } => "one entry an electron",
            Division::Lists { .. } | Division::Padded { .. } => "one entry an avalanche",
        }
    }

    /// The next part, and whether it is the last one.
    pub(super) fn next(&mut self) -> Result<(Rows, bool)> {
        let (path, reading, chosen, start) = (self.path, self.reading, self.chosen, self.next);
        let (rows, last) = match &mut self.division {
            Division::Numbered(window) => {
                while !window.ended && window.numbering.offsets.len() < 2 {
                    let rows = rows_from(start + window.rows() as u64, self.most);
                    window.read(path, reading, chosen, rows)?;
                }
                let (offsets, events) = window.take();
                let rows = start..start + offsets.last().copied().unwrap_or(0);
                (
                    Rows { range: rows, offsets, form: Form::Electrons { events }, coordinates: None },
                    window.ended,
                )
            }
            Division::Placed { offsets, avalanche } => {
                let begins = offsets.get(*avalanche..).unwrap_or_default();
                let within = begins.partition_point(|&end| end - start <= self.most);
                let part = &begins[..within.max(2).min(begins.len())];
                let end = part.last().copied().unwrap_or(start);
                let last = part.len() == begins.len();
                *avalanche += part.len().saturating_sub(1);
                let offsets = part.iter().map(|offset| offset - start).collect();
                let form = Form::Electrons { events: Vec::new() };
                (Rows { range: start..end, offsets, form, coordinates: None }, last)
            }
            Division::Lists { entries } => {
                let asked = if reading.in_parts() { *entries } else { u64::MAX };
                let rows = rows_from(start, asked);
                let (offsets, coordinates) = lists(path, reading, chosen, &rows)?;
                let (read, electrons) =
                    (offsets.len() as u64 - 1, offsets.last().copied().unwrap_or_default());
                let fit = self.most.saturating_mul(asked) / electrons.max(1);
                *entries = fit.clamp(1, asked.saturating_mul(GROWTH));
                let last = read < asked || rows.end >= reading.table.rows();
                (Rows { range: rows, offsets, form: Form::Avalanches, coordinates: Some(coordinates) }, last)
            }
            Division::Padded { length, used } => {
                let all = used.len() as u64;
                let rows = rows_from(start, rows_of_arrays(self.most, *length));
                let rows = start..rows.end.min(all);
                let used = used[start as usize..rows.end as usize].to_vec();
                let mut offsets = vec![0_u64];
                offsets.extend(used.iter().scan(0, |end, &used| {
                    *end += used as u64;
                    Some(*end)
                }));
                let last = rows.end == all;
                // What comes after the last array of x is refused.
                let rows = rows.start..if last { u64::MAX } else { rows.end };
                (
                    Rows {
                        range: rows,
                        offsets,
                        form: Form::Padded { length: *length, used },
                        coordinates: None,
                    },
                    last,
                )
            }
        };
        self.next = rows.range.end;
        if last && let Division::Numbered(window) = &self.division {
            window.tell(self.next, reading.table, chosen, self.options, &mut self.notices);
        }
        Ok((rows, last))
    }
}

/// So many rows from the first.
fn rows_from(first: u64, count: u64) -> Range<u64> {
    first..first.saturating_add(count)
}

/// How many arrays of this length hold so many values.
fn rows_of_arrays(values: u64, length: usize) -> u64 {
    (values / length.max(1) as u64).max(1)
}

/// The error for coordinates of which some are lists and others are not, or that cannot be read.
fn unlike(path: &Path, table: &dyn Table, chosen: &Chosen) -> Error {
    let headers = chosen.coordinates.map(|index| &table.headers()[index]);
    let types: Vec<_> =
        headers.iter().map(|header| format!("{} ({})", header.name, header.type_name)).collect();
    let reasons: Vec<_> = headers
        .iter()
        .filter_map(|header| match &header.kind {
            ColumnKind::Other(what) => Some(format!("{} is {what}", header.name)),
            _ => None,
        })
        .collect();
    let what = if reasons.is_empty() {
        "x, z and t must all be lists, one entry an avalanche, or all be numbers, one entry an electron"
            .into()
    } else {
        reasons.join(", ")
    };
    content(path, table.describe(), format!("has {}: {what}", types.join(", ")))
}

/// Tells of numbers of avalanches that are left out in a table of lists: they may be empty avalanches that
/// were not written.
fn tell_of_gaps(reading: &Reading<'_>, chosen: &Chosen, most: u64, notices: &mut Vec<Notice>) -> Result<()> {
    let Some(&index) = chosen.events.last() else { return Ok(()) };
    let (mut last, mut gap) = (None, None);
    for rows in ranges(reading, most) {
        let column = reading.read(index, &rows)?;
        let Ok(numbers) = whole(&column.values) else { return Ok(()) };
        let before: Vec<i64> = last.into_iter().chain(numbers).collect();
        let follows = |pair: &&[i64]| pair[1].checked_sub(pair[0]).is_some_and(|step| step > 1);
        gap = gap.or_else(|| before.windows(2).find(follows).map(|pair| (pair[0], pair[1])));
        last = before.last().copied();
        if column.values.is_empty() {
            break;
        }
    }
    if let Some((before, after)) = gap {
        let name = &reading.table.headers()[index].name;
        notices.push(
            format!("{name} goes from {before} to {after}; avalanches are counted as they come, so empty ones that were not written are missing")
                .into(),
        );
    }
    Ok(())
}

/// The rows of a table, so many at a time; all at once where its format cannot be read in parts.
fn ranges(reading: &Reading<'_>, most: u64) -> impl Iterator<Item = Range<u64>> {
    let all = reading.table.rows();
    let most = if reading.in_parts() { most } else { u64::MAX };
    let mut start = Some(0_u64);
    std::iter::from_fn(move || {
        let rows = rows_from(start?, most);
        start = Some(rows.end).filter(|&end| end < all);
        Some(rows)
    })
}

/// How a table of one row an electron is divided.
fn flat(path: &Path, table: &dyn Table, chosen: &Chosen) -> Result<Division> {
    if !chosen.stated.events
        && let Some(offsets) = table.avalanches()?
    {
        return placed(path, table, offsets);
    }
    if chosen.events.is_empty() {
        return Err(not_numbered(path, table));
    }
    Ok(Division::Numbered(Box::default()))
}

/// A table of one row an electron that says where avalanches begin.
fn placed(path: &Path, table: &dyn Table, offsets: Vec<u64>) -> Result<Division> {
    let rows = table.rows();
    let wrong = |what: String| Err(content(path, "offsets", what));
    if offsets.first() != Some(&0) || offsets.last() != Some(&rows) {
        return wrong(format!("must begin with 0 and end with the number of electrons, {rows}"));
    }
    if let Some(k) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
        return wrong(format!("decrease from {} to {} at avalanche {k}", offsets[k], offsets[k + 1]));
    }
    Ok(Division::Placed { offsets, avalanche: 0 })
}

/// The error for a table of one row an electron in which nothing numbers the avalanches.
pub(super) fn not_numbered(path: &Path, table: &dyn Table) -> Error {
    let integers = table
        .headers()
        .iter()
        .filter(|header| header.kind == ColumnKind::Number && header.type_name.starts_with(['i', 'u']));
    let candidate = integers.map(|header| header.name.clone()).next();
    let what = format!(
        "{} has one entry an electron and no column that says which avalanche it belongs to; name it, or add one called avalanche; it has {}",
        table.describe(),
        super::chosen::list(table.headers(), &["event"])
    );
    let choices = candidate.map(|name| Choice::new("columns", format!("event={name}"))).into_iter().collect();
    Error::Undecided { file: path.into(), what, choices }
}

/// Arrays of fixed length. The numbers in use come from a column; without one, arrays whose last electrons
/// are all alike were filled in part, and it must be stated how far. So many rows are looked at at a time.
fn padded(
    path: &Path,
    reading: &Reading<'_>,
    chosen: &Chosen,
    [length, most]: [usize; 2],
    notices: &mut Vec<Notice>,
) -> Result<Division> {
    let mut rows = 0;
    for range in ranges(reading, most as u64) {
        let read = reading.read(chosen.coordinates[0], &range)?.values.len() / length.max(1);
        rows += read;
        if read == 0 {
            break;
        }
    }
    let mut used = vec![length; rows];
    if let Some((name, counts)) = counts(path, reading, chosen, [length, rows])? {
        if !chosen.stated.count {
            notices.push(format!("the first {name} of the {length} values of an entry were read").into());
        }
        used = counts;
    } else if is_padded(reading, chosen, [length, rows, most])? {
        let table = reading.table;
        return Err(Error::Undecided {
            file: path.into(),
            what: format!(
                "{}: entries have {length} values, and the last ones of some are all alike, as those of arrays that are filled in part; state which column says how many are in use, of {}",
                table.describe(),
                super::chosen::list(table.headers(), &["n"])
            ),
            choices: vec![Choice::new("columns", "n=…")],
        });
    }
    Ok(Division::Padded { length, used })
}

/// The numbers of values in use, if a column has them, and its name.
fn counts(
    path: &Path,
    reading: &Reading<'_>,
    chosen: &Chosen,
    [length, rows]: [usize; 2],
) -> Result<Option<(String, Vec<usize>)>> {
    let Some(index) = chosen.count else { return Ok(None) };
    let name = reading.table.headers()[index].name.clone();
    let numbers = whole(&reading.read(index, &ALL)?.values).unwrap_or_default();
    let numbers: Option<Vec<usize>> = numbers
        .iter()
        .map(|&number| usize::try_from(number).ok().filter(|&number| number <= length))
        .collect();
    match numbers.filter(|numbers| numbers.len() == rows) {
        Some(numbers) => Ok(Some((name, numbers))),
        None if chosen.stated.count => {
            let what = format!("{name} does not hold whole numbers from 0 to {length}, one an entry");
            Err(content(path, reading.table.describe(), what))
        }
        None => Ok(None),
    }
}

/// True if the last two electrons of an entry are the same in every coordinate, which those of an avalanche
/// are not.
fn is_padded(reading: &Reading<'_>, chosen: &Chosen, [length, rows, most]: [usize; 3]) -> Result<bool> {
    if length < 2 {
        return Ok(false);
    }
    for range in ranges(reading, most as u64) {
        let mut alike = vec![true; rows.saturating_sub(range.start as usize).min(most)];
        for index in chosen.coordinates {
            let values = reading.read(index, &range)?.values.to_f64();
            for (alike, entry) in alike.iter_mut().zip(values.chunks_exact(length)) {
                *alike &= entry[length - 1].to_bits() == entry[length - 2].to_bits();
            }
        }
        if alike.is_empty() {
            break;
        }
        if alike.contains(&true) {
            return Ok(true);
        }
    }
    Ok(false)
}
