//! NumPy's npz: a zip archive of arrays.
//!
//! Electrons are `offsets` (n + 1), `x`, `z`, `t`; counts are `offsets`, `cells`, `counts`, with the grid in
//! `meta`. `meta` is a string of JSON. Files of others are tables: [`open`].

mod archive;
mod table;
mod write;

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
use crate::reader::{Label, Loaded, ReadOptions};

/// The JSON in the array `meta` as townsend writes it. Any other text in `meta` is kept as the provenance's
/// source.
#[derive(Serialize, Deserialize)]
struct MetaJson {
    townsend: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
}

/// Reads electrons or counts.
pub(crate) fn read(path: &Path, options: &ReadOptions, progress: &dyn Progress) -> Result<Loaded> {
    let mut arrays = Arrays::open(path)?;
    let mut notices = Vec::new();
    let (meta, grid) = meta(&mut arrays, &mut notices)?;
    if arrays.has("cells") && !options.columns.names_coordinates() {
        let data = read_counts(path, &mut arrays, grid, meta, progress)?.into();
        notices.extend(left(&arrays, &["offsets", "cells", "counts", "meta"]));
        return Ok(Loaded { data, layout: "npz, sparse counts".into(), notices });
    }
    let table = NpzTable::new(path, arrays, &meta.units, &options.columns)?;
    let (mut set, _) = electrons::read(path, &table, options, progress, &mut notices)?;
    set.meta.provenance = meta.provenance;
    Ok(Loaded { data: set.into(), layout: "npz, electrons".into(), notices })
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
    arrays: &mut Arrays,
    grid: Option<Grid>,
    meta: Meta,
    progress: &dyn Progress,
) -> Result<CountSet> {
    let task = progress.task("reading", 3);
    let [offsets, cells, counts] = ["offsets", "cells", "counts"].map(|name| {
        let values = arrays.unsigned(name);
        task.advance(1);
        values
    });
    let grid = grid.ok_or_else(|| content(path, "meta", "holds no grid, so the cells cannot be placed"))?;
    CountSet::from_arrays(grid, &offsets?, &cells?, &counts?, meta)
        .map_err(|what| content(path, "counts", what))
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
