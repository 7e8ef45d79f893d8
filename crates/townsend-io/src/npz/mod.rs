//! NumPy's npz: a zip archive of arrays.
//!
//! Electrons are `offsets` (n + 1), `x`, `z`, `t`; counts are `offsets`, `cells`, `counts`, with the grid in
//! `meta`. `meta` is a string of JSON. Files of others are tables: [`open`].

mod archive;
mod table;
mod write;

use std::path::Path;

use serde::{Deserialize, Serialize};
use townsend_core::{Coordinate, CountSet, Dataset, ElectronSet, Grid, Meta, Progress, Provenance};

pub(crate) use archive::Arrays;
pub(crate) use table::open;
pub(crate) use write::{Column, NpzCountWriter, NpzElectronWriter, meta_text, pack};

use crate::columns::Values;
use crate::error::{Result, content};

/// The JSON in the array `meta` as townsend writes it. Any other text in `meta` is kept as the provenance's
/// source.
#[derive(Serialize, Deserialize)]
struct MetaJson {
    townsend: Meta,
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<Grid>,
}

/// Reads electrons or counts. The warnings name what was not read.
pub(crate) fn read(path: &Path, progress: &dyn Progress) -> Result<(Dataset, Vec<String>)> {
    let mut arrays = Arrays::open(path)?;
    let task = progress.task("reading", 4);
    let mut warnings = Vec::new();
    let (meta, grid) = meta(&mut arrays, &mut warnings)?;
    let offsets = arrays.unsigned("offsets")?;
    task.advance(1);
    let (data, used): (Dataset, &[&str]) = if arrays.has("cells") {
        let cells = arrays.unsigned("cells")?;
        task.advance(1);
        let counts = arrays.unsigned("counts")?;
        let grid =
            grid.ok_or_else(|| content(path, "meta", "holds no grid, so the cells cannot be placed"))?;
        (
            counts_of(path, &offsets, &cells, &counts, grid, meta)?.into(),
            &["offsets", "cells", "counts", "meta"],
        )
    } else {
        let [x, z, t] = Coordinate::ALL.map(|coordinate| {
            let values = arrays.column(coordinate.name());
            task.advance(1);
            values.map(Values::into_f32)
        });
        let set = ElectronSet::from_arrays(offsets, x?, z?, t?, meta)
            .map_err(|what| content(path, "electrons", what))?;
        (set.into(), &["offsets", "x", "z", "t", "meta"])
    };
    let left: Vec<_> = arrays.names().filter(|name| !used.contains(name)).collect();
    if !left.is_empty() {
        warnings.push(format!("arrays that are not read: {}", left.join(", ")));
    }
    Ok((data, warnings))
}

/// What the array `meta` says of the avalanches, and the grid of counts. A `meta` of another program is kept
/// as the source if it is a text, and set aside with a warning otherwise.
fn meta(arrays: &mut Arrays, warnings: &mut Vec<String>) -> Result<(Meta, Option<Grid>)> {
    if !arrays.has("meta") {
        return Ok((Meta::default(), None));
    }
    let Some(text) = arrays.text("meta")? else {
        warnings.push(format!(
            "array meta holds {}, not a text, and is set aside",
            arrays.header("meta")?.type_name()
        ));
        return Ok((Meta::default(), None));
    };
    if let Ok(ours) = serde_json::from_str::<MetaJson>(&text) {
        return Ok((ours.townsend, ours.grid));
    }
    let provenance = Provenance { source: text, ..Provenance::default() };
    Ok((Meta { provenance, ..Meta::default() }, None))
}

fn counts_of(
    path: &Path,
    offsets: &[u64],
    cells: &[u64],
    counts: &[u64],
    grid: Grid,
    meta: Meta,
) -> Result<CountSet> {
    let bad = |what: String| content(path, "counts", what);
    if cells.len() != counts.len() {
        return Err(bad(format!("{} cells and {} counts; there must be as many", cells.len(), counts.len())));
    }
    if offsets.first() != Some(&0) || offsets.last() != Some(&(cells.len() as u64)) {
        return Err(bad(format!(
            "offsets must begin with 0 and end with the number of cells, {}",
            cells.len()
        )));
    }
    let all = grid.cells() as u64;
    let mut set = CountSet::new(grid);
    set.meta = meta;
    for (k, pair) in offsets.windows(2).enumerate() {
        let range = pair[0] as usize..pair[1] as usize;
        let (Some(cells), Some(counts)) = (cells.get(range.clone()), counts.get(range)) else {
            return Err(bad(format!("offsets run from {} to {} at avalanche {k}", pair[0], pair[1])));
        };
        let in_order = cells.windows(2).all(|pair| pair[0] < pair[1]);
        let in_range = cells.last().is_none_or(|&cell| cell < all)
            && counts.iter().all(|&n| n > 0 && u32::try_from(n).is_ok());
        if !(in_order && in_range) {
            return Err(bad(format!(
                "avalanche {k}: cells must increase and lie below {all}, counts must be at least 1"
            )));
        }
        set.push(cells.iter().zip(counts).map(|(&cell, &n)| (cell as u32, n as u32)));
    }
    Ok(set)
}

#[cfg(test)]
mod tests;
