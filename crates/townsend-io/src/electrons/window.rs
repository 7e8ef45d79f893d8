//! Avalanches of a table of one row an electron, by the columns that number them.

use std::ops::Range;
use std::path::Path;

use super::chosen::Chosen;
use super::parts::not_numbered;
use crate::Result;
use crate::columns::{Reading, Table, Values};
use crate::error::content;
use crate::notice::Notice;
use crate::numbering::{NotNumbered, Numbering, Told};
use crate::reader::ReadOptions;

/// Rows whose numbers were read, from the next part's first on.
#[derive(Default)]
pub(super) struct Window {
    pub(super) numbering: Numbering,
    /// The columns that number avalanches, of the rows of the window.
    events: Vec<(String, Vec<i64>)>,
    /// The run of each row of the window, if it is looked at.
    runs: Vec<i64>,
    /// A run that changes within an avalanche: its values, and the number of the avalanche.
    run_changes: Option<(i64, i64, usize)>,
    /// Avalanches before the window.
    avalanches: usize,
    /// True if its numbers are the last ones.
    pub(super) ended: bool,
}

impl Window {
    /// Rows whose numbers were read.
    pub(super) fn rows(&self) -> usize {
        self.events.first().map_or(0, |(_, numbers)| numbers.len())
    }

    /// Goes on with the numbers of more rows.
    pub(super) fn read(
        &mut self,
        path: &Path,
        reading: &Reading<'_>,
        chosen: &Chosen,
        rows: Range<u64>,
    ) -> Result<()> {
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
    pub(super) fn take(&mut self) -> (Vec<u64>, Vec<(String, Vec<i64>)>) {
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
    pub(super) fn tell(
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
pub(super) fn whole(values: &Values) -> std::result::Result<Vec<i64>, (usize, f64)> {
    if let Values::I64(numbers) = values {
        return Ok(numbers.clone());
    }
    let number = |(row, value): (usize, f64)| {
        let exact = value.fract() == 0.0 && value.abs() < 9e18;
        if exact { Ok(value as i64) } else { Err((row, value)) }
    };
    values.to_f64().into_iter().enumerate().map(number).collect()
}
