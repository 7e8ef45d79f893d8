//! Maps: a few avalanches of a set counted in the cells of a grid in x and z, for figures.

use townsend_core::{Axis, Dataset, Grid};

/// One avalanche counted in the cells of the grid's first two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct AvalancheMap {
    /// Its number in the set.
    pub index: usize,
    /// Number of its electrons.
    pub electrons: u64,
    /// The first axis of the grid.
    pub x: Axis,
    /// The second axis of the grid.
    pub z: Axis,
    /// Occupied cells: bin along x and bin along z, counted from 1, and number of electrons. Flow bins are
    /// left out.
    pub cells: Vec<(u32, u32, u32)>,
}

impl AvalancheMap {
    /// Number of electrons in the fullest cell.
    pub fn fullest(&self) -> u32 {
        self.cells.iter().map(|cell| cell.2).max().unwrap_or(0)
    }
}

/// Maps of the avalanches at evenly spaced quantiles of the set's own sizes (for four: 20%, 40%, 60%, 80% of
/// the avalanches with electrons), so that two sets show comparable ones and none is hand-picked. Empty if
/// the data have no z.
pub(crate) fn maps(data: &Dataset, grid: &Grid, wanted: usize) -> Vec<AvalancheMap> {
    let Ok(grid) = grid.first(2) else { return Vec::new() };
    let mut sizes: Vec<(u64, usize)> = (0..data.len()).map(|index| (data.electrons(index), index)).collect();
    sizes.retain(|size| size.0 > 0);
    sizes.sort_unstable();
    let chosen: Vec<(u64, usize)> =
        (1..=wanted).filter_map(|k| sizes.get(sizes.len() * k / (wanted + 1)).copied()).collect();
    let indices: Vec<usize> = chosen.iter().map(|size| size.1).collect();
    let Ok(counts) = data.select(&indices).to_counts(&grid) else { return Vec::new() };
    let map = |(position, &(electrons, index)): (usize, &(u64, usize))| {
        let avalanche = counts.get(position);
        let cells = avalanche.occupied().filter(|&(cell, _)| !grid.is_flow(cell));
        let cells = cells.map(|(cell, n)| (grid.split(cell)[0], grid.split(cell)[1], n)).collect();
        AvalancheMap { index, electrons, x: grid.axes()[0].clone(), z: grid.axes()[1].clone(), cells }
    };
    chosen.iter().enumerate().map(map).collect()
}

#[cfg(test)]
mod tests {
    use townsend_core::ElectronSet;

    use super::*;

    #[test]
    fn the_middle_sizes_are_shown() {
        let mut set = ElectronSet::default();
        for n in [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 0] {
            set.push(&vec![0.01; n], &vec![0.02; n], &vec![170.0; n]);
        }
        let grid = Grid::standard(3).unwrap();
        let shown = maps(&Dataset::from(set), &grid, 4);
        assert_eq!(shown.iter().map(|m| m.electrons).collect::<Vec<_>>(), [30, 50, 70, 90]);
        assert_eq!((shown[0].index, shown[0].cells.as_slice()), (3, &[(46, 46, 30)][..]));
        assert_eq!(shown[3].fullest(), 90);
    }

    #[test]
    fn one_axis_makes_no_map() {
        let mut set = ElectronSet::default();
        set.push(&[0.0], &[0.0], &[0.0]);
        let counts = set.to_counts(&Grid::standard(1).unwrap());
        assert_eq!(maps(&Dataset::from(counts), &Grid::standard(1).unwrap(), 4), []);
    }
}
