//! Lumpiness at several scales: the probability that two electrons share a cell, for cells of several sizes.

use rayon::prelude::*;
use townsend_core::{Dataset, Grid, GridError, Progress};

use super::frame::{Frame, lump_at};
use super::{packed, same_cell};
use crate::quantity::Quantity;

/// Edge lengths of the cells, mm, each twice the one before, so that cells nest.
const SCALES_MM: [f64; 5] = [0.05, 0.1, 0.2, 0.4, 0.8];
const BLOCK: usize = 256;

/// The probability that two electrons of an avalanche share a cell, one [`Quantity`] for each size of the
/// cells in x and z: 0.05, 0.1, 0.2, 0.4 and 0.8 mm; from counts only from 0.1 mm on. Empty if x and z are
/// not in mm, or if the bins of counts cannot be grouped into cells of 0.1 mm.
///
/// # Errors
/// If the standard grid cannot be made; never in practice.
pub fn lumpiness_by_scale(data: &Dataset, progress: &dyn Progress) -> Result<Vec<Quantity>, GridError> {
    let millimetres = data.meta().units[..2].iter().all(|unit| unit == "mm");
    let grid = data.grid().cloned().map_or_else(|| Grid::standard(2), Ok)?;
    let frame = Frame::new(grid, millimetres);
    let electrons = data.grid().is_none();
    if !millimetres || !(electrons || frame.has_lumps()) {
        return Ok(Vec::new());
    }
    let first = usize::from(!electrons);
    let task = progress.task("lumpiness", data.len() as u64);
    let mut rows: Vec<[f64; SCALES_MM.len()]> = Vec::with_capacity(data.len());
    for start in (0..data.len()).step_by(BLOCK) {
        let block = start..(start + BLOCK).min(data.len());
        task.advance(block.len() as u64);
        rows.par_extend(block.into_par_iter().map(|index| of_avalanche(data, index, &frame, first)));
    }
    let filled = (0..data.len()).filter(|&index| data.electrons(index) > 0).count();
    let quantity = |k: usize| {
        let mm = SCALES_MM[k];
        let definition = format!(
            "probability that two different electrons share a cell of {mm} mm in x and z: Σ n(n−1) / N(N−1)"
        );
        Quantity::new(&format!("{mm} mm"), "", &definition, rows.iter().map(|row| row[k]), filled)
    };
    Ok((first..SCALES_MM.len()).map(quantity).collect())
}

/// The values for all scales from number `first` on; NaN for smaller scales and for fewer than two electrons.
fn of_avalanche(data: &Dataset, index: usize, frame: &Frame, first: usize) -> [f64; SCALES_MM.len()] {
    let mut found = [f64::NAN; SCALES_MM.len()];
    if data.electrons(index) < 2 {
        return found;
    }
    let mut cells: Vec<((i32, i32), u64)> = match data {
        Dataset::Electrons(set) => {
            let a = set.get(index);
            let at = |v: f32| lump_at(f64::from(v), SCALES_MM[0]);
            let mut cells: Vec<u64> = a.x.iter().zip(a.z).map(|(&x, &z)| packed([at(x), at(z)])).collect();
            cells.sort_unstable();
            let unpacked = |cell: u64| (((cell >> 32) as u32).cast_signed(), (cell as u32).cast_signed());
            cells.chunk_by(|a, b| a == b).map(|run| (unpacked(run[0]), run.len() as u64)).collect()
        }
        Dataset::Counts(set) => {
            let cells = set.get(index).occupied();
            cells.filter_map(|(cell, n)| Some((frame.lump(cell)?, u64::from(n)))).collect()
        }
    };
    for (k, found) in found.iter_mut().enumerate().skip(first) {
        if k > first {
            // A cell of the next scale is twice as wide: its number is half of this one, rounded down.
            for ((x, z), _) in &mut cells {
                (*x, *z) = (*x >> 1, *z >> 1);
            }
        }
        cells.sort_unstable_by_key(|&(cell, _)| cell);
        cells.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        *found = same_cell(cells.iter().map(|&(_, n)| n));
    }
    found
}

#[cfg(test)]
mod tests {
    use townsend_core::{ElectronSet, Silent};

    use super::*;

    fn of(x: &[f32], z: &[f32]) -> Vec<f64> {
        let mut set = ElectronSet::default();
        set.push(x, z, &vec![0.0; x.len()]);
        let found = lumpiness_by_scale(&set.into(), &Silent).unwrap();
        found.iter().map(|quantity| quantity.values[0]).collect()
    }

    #[test]
    fn cells_that_grow_hold_ever_more_pairs() {
        // Electrons at 0.01, 0.06, 0.11 and 0.61 mm share no cell of 0.05 mm; in larger cells two, three and
        // at last, at 0.8 mm, all four are together.
        assert_eq!(of(&[0.01, 0.06, 0.11, 0.61], &[0.01; 4]), [0.0, 1.0 / 6.0, 0.5, 0.5, 1.0]);
        assert_eq!(of(&[-0.01, 0.01], &[0.0, 0.0]), [0.0; 5], "0 is an edge of every cell");
    }

    #[test]
    fn an_even_square_is_as_lumpy_as_it_has_cells() {
        // 64 × 64 electrons in a square of 0.8 mm: each cell of s mm contains (80 s)² of them.
        let side = |k: usize| (0.8 / 64.0) * (k as f32 + 0.5);
        let (x, z): (Vec<f32>, Vec<f32>) = (0..4096).map(|k| (side(k % 64), side(k / 64))).unzip();
        let n = 4096.0;
        for (found, scale) in of(&x, &z).into_iter().zip(SCALES_MM) {
            let in_cell: f64 = (80.0 * scale) * (80.0 * scale);
            assert!((found - (in_cell - 1.0) / (n - 1.0)).abs() < 1e-12, "{scale}: {found}");
        }
    }

    #[test]
    fn avalanches_of_one_electron_are_left_out_and_empty_ones_are_none() {
        let mut set = ElectronSet::default();
        for x in [&[0.01, 0.06][..], &[], &[0.2], &[0.3]] {
            set.push(x, x, x);
        }
        let found = lumpiness_by_scale(&set.into(), &Silent).unwrap();
        assert!(found.iter().all(|quantity| (quantity.values.len(), quantity.left_out) == (1, 2)));
    }

    #[test]
    fn there_is_none_in_other_units_and_of_bins_that_make_no_cells() {
        let mut set = ElectronSet::default();
        set.push(&[0.01, 0.06], &[0.01; 2], &[170.0; 2]);
        let axis = |bins, half: f64| townsend_core::Axis::uniform(bins, -half, half).unwrap();
        let grid = Grid::new(vec![axis(7, 1.0), axis(7, 1.0)]).unwrap();
        let found = lumpiness_by_scale(&set.to_counts(&grid).into(), &Silent).unwrap();
        assert_eq!(found, []);
        let mut set = Dataset::from(set);
        set.meta_mut().units[1] = "cm".into();
        assert_eq!(lumpiness_by_scale(&set, &Silent).unwrap(), []);
    }

    #[test]
    fn counts_begin_at_a_tenth_of_a_millimetre() {
        let mut set = ElectronSet::default();
        set.push(&[0.01, 0.06, 0.11, 0.61], &[0.01; 4], &[170.0; 4]);
        let counts = set.to_counts(&Grid::standard(3).unwrap());
        let found = lumpiness_by_scale(&counts.into(), &Silent).unwrap();
        let named: Vec<(&str, f64)> = found.iter().map(|q| (q.name.as_str(), q.values[0])).collect();
        assert_eq!(named, [("0.1 mm", 1.0 / 6.0), ("0.2 mm", 0.5), ("0.4 mm", 0.5), ("0.8 mm", 1.0)]);
    }
}
