//! Where each avalanche begins among the electrons of a table.

use std::path::Path;

use super::chosen::Chosen;
use crate::columns::{ColumnKind, ColumnValues, Table, Values};
use crate::error::content;
use crate::notice::Notice;
use crate::numbering::{self, Numbered};
use crate::reader::ReadOptions;
use crate::{Choice, Error, Result};

/// How the rows of a table are avalanches or electrons.
pub(super) struct Rows {
    /// Where each avalanche begins among the electrons, and where the last one ends.
    pub(super) offsets: Vec<u64>,
    form: Form,
    /// Number of rows of the table.
    length: usize,
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
    /// Finds where avalanches begin.
    pub(super) fn read(
        path: &Path,
        table: &dyn Table,
        chosen: &Chosen,
        options: &ReadOptions,
        notices: &mut Vec<Notice>,
    ) -> Result<Self> {
        let kinds = chosen.coordinates.map(|index| table.headers()[index].kind.clone());
        let rows = table.rows() as usize;
        match &kinds {
            [ColumnKind::Number, ColumnKind::Number, ColumnKind::Number] => {
                flat(path, table, chosen, options, notices)
            }
            [ColumnKind::List, ColumnKind::List, ColumnKind::List] => {
                tell_of_gaps(table, chosen, notices)?;
                let (offsets, coordinates) = lists(path, table, chosen)?;
                Ok(Self { offsets, form: Form::Avalanches, length: rows, coordinates: Some(coordinates) })
            }
            [ColumnKind::Array(x), ColumnKind::Array(z), ColumnKind::Array(t)] if x == z && x == t => {
                padded(path, table, chosen, *x, notices)
            }
            _ => Err(unlike(path, table, chosen)),
        }
    }

    /// How the table holds avalanches, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.form {
            Form::Electrons { .. } => "one entry an electron",
            Form::Avalanches | Form::Padded { .. } => "one entry an avalanche",
        }
    }

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
        table: &dyn Table,
        chosen: &Chosen,
    ) -> Result<[Values; 3]> {
        match self.coordinates.take() {
            Some(values) => Ok(values),
            None => at_once(chosen.coordinates, |index| self.electrons(path, table, index)),
        }
    }

    /// The values of a column that has one an electron.
    pub(super) fn electrons(&self, path: &Path, table: &dyn Table, index: usize) -> Result<Values> {
        let ColumnValues { offsets, mut values } = table.read(index)?;
        let Form::Padded { length, used } = &self.form else {
            if let Some(offsets) = offsets {
                as_long_as_x(path, table, index, &offsets, &self.offsets)?;
            }
            return Ok(values);
        };
        if values.len() != length * self.length {
            let what =
                format!("{} has {} values, not {length} an entry", table.headers()[index].name, values.len());
            return Err(content(path, table.describe(), what));
        }
        values.retain(|place| place % length < used[place / length]);
        Ok(values)
    }

    /// The values of a column for each avalanche, and how many of them an avalanche has.
    pub(super) fn condition(
        &self,
        path: &Path,
        table: &dyn Table,
        index: usize,
    ) -> Result<(usize, Vec<f64>)> {
        if !self.of_electrons() {
            return each_row(path, table, index);
        }
        let values = self.electrons(path, table, index)?.to_f64();
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

/// The coordinates of a table of lists, and where avalanches begin in them.
fn lists(path: &Path, table: &dyn Table, chosen: &Chosen) -> Result<(Vec<u64>, [Values; 3])> {
    let unplaced = || content(path, table.describe(), "its lists do not say where they begin");
    let [x, z, t] = at_once(chosen.coordinates, |index| table.read(index))?;
    let offsets = x.offsets.ok_or_else(unplaced)?;
    for (column, index) in [&z, &t].into_iter().zip(&chosen.coordinates[1..]) {
        as_long_as_x(path, table, *index, column.offsets.as_ref().ok_or_else(unplaced)?, &offsets)?;
    }
    Ok((offsets, [x.values, z.values, t.values]))
}

/// Refuses a column whose lists are not as long as those of x.
fn as_long_as_x(path: &Path, table: &dyn Table, index: usize, have: &[u64], want: &[u64]) -> Result<()> {
    if have == want {
        return Ok(());
    }
    let lengths = |offsets: &[u64]| offsets.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>();
    let (have, want) = (lengths(have), lengths(want));
    let differs = have.iter().zip(&want).position(|(a, b)| a != b);
    let entry = differs.unwrap_or(have.len().min(want.len()));
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
fn tell_of_gaps(table: &dyn Table, chosen: &Chosen, notices: &mut Vec<Notice>) -> Result<()> {
    let Some(&index) = chosen.events.last() else { return Ok(()) };
    let Ok(numbers) = whole(&table.read(index)?.values) else { return Ok(()) };
    let gap = numbers.windows(2).find(|pair| pair[1].checked_sub(pair[0]).is_some_and(|step| step > 1));
    if let Some(pair) = gap {
        let name = &table.headers()[index].name;
        let (before, after) = (pair[0], pair[1]);
        notices.push(
            format!("{name} goes from {before} to {after}; avalanches are counted as they come, so empty ones that were not written are missing")
                .into(),
        );
    }
    Ok(())
}

/// A table of one row an electron.
fn flat(
    path: &Path,
    table: &dyn Table,
    chosen: &Chosen,
    options: &ReadOptions,
    notices: &mut Vec<Notice>,
) -> Result<Rows> {
    if !chosen.stated.events
        && let Some(offsets) = table.avalanches()?
    {
        return placed(path, table, offsets);
    }
    let Some((&last, series)) = chosen.events.split_last() else { return Err(not_numbered(path, table)) };
    let name = |index: usize| table.headers()[index].name.clone();
    let numbers = |index: usize| {
        whole(&table.read(index)?.values).map_err(|(row, value)| {
            content(
                path,
                table.describe(),
                format!("{} is {value} in row {row}; numbers of avalanches are whole", name(index)),
            )
        })
    };
    let number = numbers(last)?;
    let series = series.iter().map(|&index| numbers(index)).collect::<Result<Vec<_>>>()?;
    let found = numbering::number(&number, &series)
        .map_err(|why| content(path, format!("{} of {}", name(last), table.describe()), why.to_string()))?;
    tell_of_numbers(&found, &name(last), notices);
    if let Some(run) = chosen.run.filter(|_| chosen.stated.events) {
        tell_of_runs(&numbers(run)?, &found.offsets, [&name(run), &options.columns.event.join("+")], notices);
    }
    let names = chosen.events.iter().map(|&index| name(index));
    let events = names.zip(series.into_iter().chain([number])).collect();
    Ok(Rows {
        offsets: found.offsets,
        form: Form::Electrons { events },
        length: table.rows() as usize,
        coordinates: None,
    })
}

/// A table of one row an electron that says where avalanches begin.
fn placed(path: &Path, table: &dyn Table, offsets: Vec<u64>) -> Result<Rows> {
    let rows = table.rows();
    let wrong = |what: String| Err(content(path, "offsets", what));
    if offsets.first() != Some(&0) || offsets.last() != Some(&rows) {
        return wrong(format!("must begin with 0 and end with the number of electrons, {rows}"));
    }
    if let Some(k) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
        return wrong(format!("decrease from {} to {} at avalanche {k}", offsets[k], offsets[k + 1]));
    }
    Ok(Rows {
        offsets,
        form: Form::Electrons { events: Vec::new() },
        length: rows as usize,
        coordinates: None,
    })
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

fn tell_of_numbers(found: &Numbered, name: &str, notices: &mut Vec<Notice>) {
    let avalanches = found.offsets.len() - 1;
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
    let electrons = found.offsets.last().copied().unwrap_or(0);
    if avalanches == 1 && electrons > 1 {
        tell(format!(
            "{name} is {} in all {electrons} rows, which makes one avalanche; if files of one avalanche each were merged, give the files one by one",
            found.first
        ));
    }
}

/// Tells of a run that changes within an avalanche: two avalanches of the same number in two runs.
fn tell_of_runs(runs: &[i64], offsets: &[u64], [run, event]: [&str; 2], notices: &mut Vec<Notice>) {
    let changes = |pair: &[u64]| {
        let of_avalanche = runs.get(pair[0] as usize..pair[1] as usize).unwrap_or_default();
        of_avalanche.windows(2).find(|pair| pair[0] != pair[1]).map(|pair| (pair[0], pair[1]))
    };
    if let Some((avalanche, (before, after))) =
        offsets.windows(2).enumerate().find_map(|(index, pair)| Some((index, changes(pair)?)))
    {
        let text = format!("{run} changes from {before} to {after} within avalanche {avalanche}");
        notices.push(Notice::from(text).settled_by("columns", format!("event={run}+{event}")));
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
/// are all alike were filled in part, and it must be stated how far.
fn padded(
    path: &Path,
    table: &dyn Table,
    chosen: &Chosen,
    length: usize,
    notices: &mut Vec<Notice>,
) -> Result<Rows> {
    let rows = table.read(chosen.coordinates[0])?.values.len() / length.max(1);
    let mut used = vec![length; rows];
    if let Some((name, counts)) = counts(path, table, chosen, [length, rows])? {
        if !chosen.stated.count {
            notices.push(format!("the first {name} of the {length} values of an entry were read").into());
        }
        used = counts;
    } else if is_padded(table, chosen, [length, rows])? {
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
    let mut offsets = vec![0_u64];
    offsets.extend(used.iter().scan(0, |end, &used| {
        *end += used as u64;
        Some(*end)
    }));
    Ok(Rows { offsets, form: Form::Padded { length, used }, length: rows, coordinates: None })
}

/// The numbers of values in use, if a column has them, and its name.
fn counts(
    path: &Path,
    table: &dyn Table,
    chosen: &Chosen,
    [length, rows]: [usize; 2],
) -> Result<Option<(String, Vec<usize>)>> {
    let Some(index) = chosen.count else { return Ok(None) };
    let name = table.headers()[index].name.clone();
    let numbers = whole(&table.read(index)?.values).unwrap_or_default();
    let numbers: Option<Vec<usize>> = numbers
        .iter()
        .map(|&number| usize::try_from(number).ok().filter(|&number| number <= length))
        .collect();
    match numbers.filter(|numbers| numbers.len() == rows) {
        Some(numbers) => Ok(Some((name, numbers))),
        None if chosen.stated.count => {
            let what = format!("{name} does not hold whole numbers from 0 to {length}, one an entry");
            Err(content(path, table.describe(), what))
        }
        None => Ok(None),
    }
}

/// True if the last two electrons of an entry are the same in every coordinate, which those of an avalanche
/// are not.
fn is_padded(table: &dyn Table, chosen: &Chosen, [length, rows]: [usize; 2]) -> Result<bool> {
    if length < 2 {
        return Ok(false);
    }
    let mut alike = vec![true; rows];
    for index in chosen.coordinates {
        let values = table.read(index)?.values.to_f64();
        for (alike, entry) in alike.iter_mut().zip(values.chunks_exact(length)) {
            *alike &= entry[length - 1].to_bits() == entry[length - 2].to_bits();
        }
    }
    Ok(alike.contains(&true))
}
