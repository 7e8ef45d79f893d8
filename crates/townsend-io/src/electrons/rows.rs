//! Where each avalanche begins among the electrons of a table.

use std::ops::Range;
use std::path::Path;

use super::chosen::Chosen;
use crate::columns::{ALL, ColumnKind, ColumnValues, Reading, Table, Values};
use crate::error::content;
use crate::notice::Notice;
use crate::numbering::{NotNumbered, Numbering, Told};
use crate::reader::ReadOptions;
use crate::{Choice, Error, Result};

/// Avalanches of some rows of a table, or of all.
pub(super) struct Rows {
    /// Which rows.
    pub(super) range: Range<u64>,
    /// Where each avalanche begins among the electrons, and where the last one ends.
    pub(super) offsets: Vec<u64>,
    form: Form,
    /// The coordinates of a table of lists, which were read for their offsets.
    coordinates: Option<[Values; 3]>,
}

enum Form {
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

/// Rows whose numbers were read, from the next part's first on.
#[derive(Default)]
struct Window {
    numbering: Numbering,
    /// The columns that number avalanches, of the rows of the window.
    events: Vec<(String, Vec<i64>)>,
    /// The run of each row of the window, if it is looked at.
    runs: Vec<i64>,
    /// A run that changes within an avalanche: its values, and the number of the avalanche.
    run_changes: Option<(i64, i64, usize)>,
    /// Avalanches before the window.
    avalanches: usize,
    /// True if its numbers are the last ones.
    ended: bool,
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

impl Window {
    /// Rows whose numbers were read.
    fn rows(&self) -> usize {
        self.events.first().map_or(0, |(_, numbers)| numbers.len())
    }

    /// Goes on with the numbers of more rows.
    fn read(&mut self, path: &Path, reading: &Reading<'_>, chosen: &Chosen, rows: Range<u64>) -> Result<()> {
        let table = reading.table;
        let name = |index: usize| table.headers()[index].name.clone();
        let numbers = |index: usize| {
            whole(&reading.read(index, &rows)?.values).map_err(|(row, value)| {
                let row = rows.start + row as u64;
                let what =
                    format!("{} is {value} in row {row}; numbers of avalanches are whole", name(index));
                content(path, table.describe(), what)
            })
        };
        let Some((&last, before)) = chosen.events.split_last() else { return Err(not_numbered(path, table)) };
        let number = numbers(last)?;
        let series = before.iter().map(|&index| numbers(index)).collect::<Result<Vec<_>>>()?;
        if let Some(place) = series.iter().position(|column| column.len() != number.len()) {
            let (all, name) = (number.len(), [name(before[place]), name(last)]);
            let what = format!("{} has {} rows, {} has {all}", name[0], series[place].len(), name[1]);
            return Err(content(path, table.describe(), what));
        }
        let refused = |why: NotNumbered| {
            content(path, format!("{} of {}", name(last), table.describe()), why.to_string())
        };
        self.numbering.extend(&number, &series).map_err(refused)?;
        self.ended = (number.len() as u64) < rows.end - rows.start || rows.end >= table.rows();
        if self.ended {
            self.numbering.finish().map_err(refused)?;
        }
        if let Some(run) = chosen.run.filter(|_| chosen.stated.events && self.run_changes.is_none()) {
            self.runs.extend(numbers(run)?);
            self.look_for_runs(rows.start - self.rows() as u64);
        }
        let read = series.into_iter().chain([number]);
        if self.events.is_empty() {
            self.events = chosen.events.iter().map(|&index| name(index)).zip(read).collect();
        } else {
            self.events.iter_mut().zip(read).for_each(|((_, have), more)| have.extend(more));
        }
        Ok(())
    }

    /// Looks for a run that changes within an avalanche: two avalanches of the same number in two runs. The
    /// window begins with the row `first`.
    fn look_for_runs(&mut self, first: u64) {
        let place = |row: u64| (row.saturating_sub(first) as usize).min(self.runs.len());
        let begins = self.numbering.offsets.iter().map(|&row| place(row));
        let ends = begins.clone().skip(1).chain([self.runs.len()]);
        self.run_changes = begins.zip(ends).enumerate().find_map(|(avalanche, (start, end))| {
            let pair = self.runs.get(start..end)?.windows(2).find(|pair| pair[0] != pair[1])?;
            Some((pair[0], pair[1], self.avalanches + avalanche))
        });
    }

    /// Takes the avalanches that are whole out of the window: where they begin, from 0 on, and their numbers.
    fn take(&mut self) -> (Vec<u64>, Vec<(String, Vec<i64>)>) {
        let offsets = &mut self.numbering.offsets;
        let (start, end) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
        self.avalanches += offsets.len().saturating_sub(1);
        let rest = if self.ended { Vec::new() } else { vec![end] };
        let taken = std::mem::replace(offsets, rest).into_iter().map(|offset| offset - start).collect();
        let rows = (end - start) as usize;
        self.runs.drain(..rows.min(self.runs.len()));
        let of_rows = |(name, numbers): &mut (String, Vec<i64>)| {
            let rest = numbers.split_off(rows.min(numbers.len()));
            (name.clone(), std::mem::replace(numbers, rest))
        };
        (taken, self.events.iter_mut().map(of_rows).collect())
    }

    /// Tells what the numbers of all rows showed.
    fn tell(
        &self,
        electrons: u64,
        table: &dyn Table,
        chosen: &Chosen,
        options: &ReadOptions,
        notices: &mut Vec<Notice>,
    ) {
        let name = |index: usize| table.headers()[index].name.clone();
        let Some(&last) = chosen.events.last() else { return };
        tell_of_numbers(self.numbering.told, electrons, &name(last), notices);
        if let (Some(run), Some((before, after, avalanche))) = (chosen.run, self.run_changes) {
            let run = name(run);
            let text = format!("{run} changes from {before} to {after} within avalanche {avalanche}");
            let event = options.columns.event.join("+");
            notices.push(Notice::from(text).settled_by("columns", format!("event={run}+{event}")));
        }
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
fn lists(
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
fn not_numbered(path: &Path, table: &dyn Table) -> Error {
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

fn tell_of_numbers(found: Told, electrons: u64, name: &str, notices: &mut Vec<Notice>) {
    let mut tell = |text: String| notices.push(text.into());
    tell(format!(
        "a table of electrons does not show avalanches without electrons before the first and after the last; {} numbers of {name} without a row were taken as empty",
        found.empty
    ));
    if found.restarts > 0 {
        tell(format!(
            "{name} goes back {} times; each time was taken for the beginning of another file that was merged into this one",
            found.restarts
        ));
    }
    if found.jumps > 0 {
        tell(format!(
            "{name} jumps {} times by more than a thousand; no empty avalanches were put in between",
            found.jumps
        ));
    }
    if found.avalanches == 1 && electrons > 1 {
        tell(format!(
            "{name} is {} in all {electrons} rows, which makes one avalanche; if files of one avalanche each were merged, give the files one by one",
            found.first
        ));
    }
}

/// Whole numbers; or the first row whose number is none, with it.
fn whole(values: &Values) -> std::result::Result<Vec<i64>, (usize, f64)> {
    if let Values::I64(numbers) = values {
        return Ok(numbers.clone());
    }
    let number = |(row, value): (usize, f64)| {
        let exact = value.fract() == 0.0 && value.abs() < 9e18;
        if exact { Ok(value as i64) } else { Err((row, value)) }
    };
    values.to_f64().into_iter().enumerate().map(number).collect()
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
