//! Which electrons and avalanches a selection keeps.

use std::collections::BTreeMap;
use std::path::Path;

use super::chosen::{find, missing};
use super::rows::Rows;
use crate::columns::{ColumnKind, Reading};
use crate::error::content;
use crate::{Result, Selection};

/// What a selection keeps of rows. Comparisons of columns that have one value an avalanche (the number of an
/// avalanche or a run; columns of numbers beside lists) choose avalanches, others choose electrons: an
/// avalanche of which no electron is chosen stays, and is empty.
#[derive(Default)]
pub(super) struct Filter {
    /// Where avalanches begin, before the selection, and which electrons are kept; `None` for all.
    electrons: Option<Vec<bool>>,
    /// Which avalanches are kept.
    avalanches: Option<Vec<bool>>,
}

/// A column that is compared: its values, one an electron or one an avalanche.
struct Compared {
    name: String,
    values: Vec<f64>,
    of_avalanches: bool,
}

/// The numbers of the last avalanche so far, by the names of their columns.
pub(super) type Before = BTreeMap<String, f64>;

impl Filter {
    /// What the selection keeps of these rows, which follow on those that were filtered with `before`.
    pub(super) fn new(
        path: &Path,
        reading: &Reading<'_>,
        rows: &Rows,
        selection: &Selection,
        before: &mut Before,
    ) -> Result<Self> {
        let compared: Vec<Compared> = selection
            .columns()
            .into_iter()
            .map(|name| compared(path, reading, rows, name, before))
            .collect::<Result<_>>()?;
        if compared.is_empty() {
            return Ok(Self::default());
        }
        let mut electrons = Vec::new();
        let mut avalanches = Vec::new();
        for (avalanche, pair) in rows.offsets.windows(2).enumerate() {
            let value = |name: &str, electron: Option<usize>| {
                let column = compared.iter().find(|column| column.name == name)?;
                let place = if column.of_avalanches { Some(avalanche) } else { electron };
                column.values.get(place?).copied()
            };
            let kept = selection.holds(|name| value(name, None));
            avalanches.push(kept);
            let of_avalanche = pair[0] as usize..pair[1] as usize;
            electrons.extend(
                of_avalanche.map(|electron| kept && selection.holds(|name| value(name, Some(electron)))),
            );
        }
        Ok(Self { electrons: Some(electrons), avalanches: Some(avalanches) })
    }

    /// The values of the electrons that are kept.
    pub(super) fn electrons(&self, mut values: Vec<f32>) -> Vec<f32> {
        if let Some(kept) = &self.electrons {
            let mut kept = kept.iter();
            values.retain(|_| kept.next() == Some(&true));
        }
        values
    }

    /// The values of the avalanches that are kept, `each` of each.
    pub(super) fn avalanches(&self, values: &[f64], each: usize) -> Vec<f64> {
        let Some(kept) = &self.avalanches else { return values.to_vec() };
        let rows = values.chunks_exact(each.max(1)).zip(kept);
        rows.filter(|(_, kept)| **kept).flat_map(|(row, _)| row.iter().copied()).collect()
    }

    /// Where each avalanche that is kept begins among the electrons that are kept.
    pub(super) fn offsets(&self, offsets: Vec<u64>) -> Vec<u64> {
        let (Some(electrons), Some(avalanches)) = (&self.electrons, &self.avalanches) else { return offsets };
        let mut chosen = vec![0];
        let mut end = 0;
        for (pair, kept) in offsets.windows(2).zip(avalanches) {
            if *kept {
                let of_avalanche = &electrons[pair[0] as usize..pair[1] as usize];
                end += of_avalanche.iter().filter(|kept| **kept).count() as u64;
                chosen.push(end);
            }
        }
        chosen
    }
}

fn compared(
    path: &Path,
    reading: &Reading<'_>,
    rows: &Rows,
    name: &str,
    before: &mut Before,
) -> Result<Compared> {
    let table = reading.table;
    let index = find(table, name).ok_or_else(|| missing(path, table, &[name]))?;
    let header = &table.headers()[index];
    let owned = name.to_owned();
    if let Some((place, (_, numbers))) =
        rows.numbers().iter().enumerate().find(|(_, (number, _))| *number == header.name)
    {
        // An avalanche without rows has the number after the one before it, and the run of that.
        let step = if place + 1 == rows.numbers().len() { 1.0 } else { 0.0 };
        let mut last = before.get(name).copied().unwrap_or(f64::NAN);
        let number = |pair: &[u64]| {
            last = if pair[0] < pair[1] { numbers[pair[0] as usize] as f64 } else { last + step };
            last
        };
        let values = rows.offsets.windows(2).map(number).collect();
        before.insert(owned.clone(), last);
        return Ok(Compared { name: owned, values, of_avalanches: true });
    }
    match &header.kind {
        ColumnKind::Other(what) => {
            let what = format!("{name} is {what} and cannot be compared with a number");
            Err(content(path, table.describe(), what))
        }
        ColumnKind::Number if !rows.of_electrons() => {
            let values = reading.read(index, &rows.range)?.values.to_f64();
            Ok(Compared { name: owned, values, of_avalanches: true })
        }
        _ => {
            let values = rows.electrons(path, reading, index)?.to_f64();
            Ok(Compared { name: owned, values, of_avalanches: false })
        }
    }
}
