//! NumPy's npz: a zip archive of arrays.
//!
//! Electrons are `offsets` (n + 1), `x`, `z`, `t`; counts are `offsets`, `cells`, `counts`, with the grid in
//! `meta`. `meta` is a string of JSON. Files of others are tables: [`open`].

mod archive;
mod member;
mod table;
mod write;

use std::ops::ControlFlow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::{Coordinate, CountSet, Grid, Meta, Progress, Provenance};

pub(crate) use archive::Arrays;
pub(crate) use table::NpzTable;
pub(crate) use write::{Column, NpzCountWriter, NpzElectronWriter, meta_text, of_tables, pack};

use crate::Format;
use crate::electrons;
use crate::error::{Result, content};
use crate::notice::Notice;
use crate::reader::{Label, Loaded, ReadOptions, Take, read_table};

/// The JSON in the array `meta` as townsend writes it. Any other text in `meta` is kept as the provenance's
/// source.
#[derive(Serialize, Deserialize)]
struct MetaJson {
    townsend: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
}

/// Reads electrons or counts and hands them on, all at once or in parts of at most so many electrons or
/// cells.
pub(crate) fn read(
    path: &Path,
    options: &ReadOptions,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut Take<'_>,
) -> Result<()> {
    let mut arrays = Arrays::open(path)?;
    let mut notices = Vec::new();
    let (meta, grid) = meta(&mut arrays, &mut notices)?;
    if arrays.has("cells") && !options.columns.names_coordinates() {
        notices.extend(left(&arrays, &["offsets", "cells", "counts", "meta"]));
        return read_counts(path, arrays, grid, meta, most, progress, &mut |set, last| {
            let notices = if last { std::mem::take(&mut notices) } else { Vec::new() };
            take(Loaded { data: set.into(), layout: "npz, sparse counts".into(), notices, last })
        });
    }
    let table = NpzTable::new(path, arrays, &meta.units, &options.columns)?;
    read_table(path, &table, options, most, progress, notices, &mut |mut loaded| {
        loaded.data.meta_mut().provenance.clone_from(&meta.provenance);
        loaded.layout = "npz, electrons".into();
        take(loaded)
    })
}

/// The array `name`, one value (or several) an avalanche of [`read`].
pub(crate) fn read_condition(
    path: &Path,
    name: &str,
    options: &ReadOptions,
) -> Result<(Vec<usize>, Vec<f64>)> {
    let (mut shape, values) = crate::array::of_npz(path, name)?;
    if options.selection.is_everything() {
        return Ok((shape, values));
    }
    let mut arrays = Arrays::open(path)?;
    let (meta, _) = meta(&mut arrays, &mut Vec::new())?;
    let table = NpzTable::new(path, arrays, &meta.units, &options.columns)?;
    let each = shape.iter().skip(1).product();
    let values = electrons::of_chosen_avalanches(path, &table, options, &values, each)?;
    if let Some(avalanches) = shape.first_mut() {
        *avalanches = values.len() / each.max(1);
    }
    Ok((shape, values))
}

/// What the file says of its avalanches, and how it holds them.
pub(crate) fn label(path: &Path) -> Result<Label> {
    let (meta, grid) = meta(&mut Arrays::open(path)?, &mut Vec::new())?;
    Ok(Label { meta, format: Format::Npz, dims: grid.iter().map(Grid::dims).collect() })
}

/// A notice of the arrays that are not read.
fn left(arrays: &Arrays, used: &[&str]) -> Option<Notice> {
    let left: Vec<_> = arrays.names().filter(|name| !used.contains(name)).collect();
    (!left.is_empty()).then(|| format!("arrays that are not read: {}", left.join(", ")).into())
}

fn read_counts(
    path: &Path,
    mut arrays: Arrays,
    grid: Option<Grid>,
    meta: Meta,
    most: Option<u64>,
    progress: &dyn Progress,
    take: &mut dyn FnMut(CountSet, bool) -> ControlFlow<()>,
) -> Result<()> {
    let no_grid = || content(path, "meta", "holds no grid, so the cells cannot be placed");
    let refused = |what: String| content(path, "counts", what);
    let in_parts = most.and_then(|most| {
        let names = ["cells", "counts"];
        let [cells, counts] = names.map(|name| arrays.member_reader(name).transpose());
        Some((most, cells?, counts?))
    });
    let Some((most, cells, counts)) = in_parts else {
        let task = progress.task("reading", 3);
        let [offsets, cells, counts] = ["offsets", "cells", "counts"].map(|name| {
            let values = arrays.unsigned(name);
            task.advance(1);
            values
        });
        let set = CountSet::from_arrays(grid.ok_or_else(no_grid)?, &offsets?, &cells?, &counts?, meta);
        let _ = take(set.map_err(refused)?, true);
        return Ok(());
    };
    let (mut cells, mut counts, offsets) = (cells?, counts?, arrays.unsigned("offsets")?);
    let grid = grid.ok_or_else(no_grid)?;
    let all = cells.rows();
    if counts.rows() != all {
        return Err(refused(format!("{all} cells and {} counts; there must be as many", counts.rows())));
    }
    if offsets.first() != Some(&0) || offsets.last() != Some(&all) {
        return Err(refused(format!("offsets must begin with 0 and end with the number of cells, {all}")));
    }
    if let Some(k) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
        let pair = (offsets[k], offsets[k + 1]);
        return Err(refused(format!("offsets run from {} to {} at avalanche {k}", pair.0, pair.1)));
    }
    let task = progress.task("reading", all);
    let mut begins = &offsets[..];
    loop {
        let start = begins[0];
        let within = begins.partition_point(|&end| end - start <= most);
        let part = &begins[..within.max(2).min(begins.len())];
        let last = part.len() == begins.len();
        let end = if last { u64::MAX } else { part[part.len() - 1] };
        let [cells, counts] = [&mut cells, &mut counts].map(|member| member.unsigned(start..end));
        let from_0: Vec<u64> = part.iter().map(|offset| offset - start).collect();
        let set = CountSet::from_arrays(grid.clone(), &from_0, &cells?, &counts?, meta.clone());
        let first = offsets.len() - begins.len();
        let counted = if first > 0 { format!("; counted from avalanche {first}") } else { String::new() };
        let taken = take(set.map_err(|what| refused(what + &counted))?, last);
        task.advance(part[part.len() - 1] - start);
        if last || taken.is_break() {
            return Ok(());
        }
        begins = &begins[part.len() - 1..];
    }
}

/// What the array `meta` says of the avalanches, and the grid of counts. A `meta` of another program is kept
/// as the source if it is a text, and set aside with a notice otherwise.
fn meta(arrays: &mut Arrays, notices: &mut Vec<Notice>) -> Result<(Meta, Option<Grid>)> {
    if !arrays.has("meta") {
        return Ok((silent(), None));
    }
    let Some(text) = arrays.text("meta")? else {
        let type_name = arrays.header("meta")?.type_name();
        notices.push(format!("array meta holds {type_name}, not a text, and is set aside").into());
        return Ok((silent(), None));
    };
    if let Ok(ours) = serde_json::from_str::<MetaJson>(&text) {
        return Ok((ours.townsend, ours.grid));
    }
    let units = stated_units(&text).unwrap_or_default();
    let provenance = Provenance { source: text, ..Provenance::default() };
    Ok((Meta { provenance, units }, None))
}

/// What is known without a `meta`: no units either.
fn silent() -> Meta {
    Meta { units: Default::default(), ..Meta::default() }
}

/// The units of x, z and t in a text of JSON of another program: `{"units": ["cm", "cm", "ns"]}` or
/// `{"units": {"x": "cm", "t": "ns"}}`; empty where it has none.
fn stated_units(text: &str) -> Option<[String; 3]> {
    let meta: serde_json::Value = serde_json::from_str(text).ok()?;
    let units = meta.get("units")?;
    let unit = |of: Coordinate| {
        let unit = if units.is_array() { units.get(of as usize) } else { units.get(of.name()) };
        unit.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    Some(Coordinate::ALL.map(unit))
}

#[cfg(test)]
mod tests;
