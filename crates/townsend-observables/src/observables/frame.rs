//! What observables need of a grid, computed once for all avalanches.

use townsend_core::{Axis, Grid};

/// Edge of the cells of [`super::Observable::Lumpiness`], mm.
pub(super) const LUMP_MM: f64 = 0.1;

/// A grid with its bin centres, the widths for Sheppard's corrections, and the 0.1 mm cell of every bin.
pub(super) struct Frame {
    grid: Grid,
    centers: Vec<Vec<f64>>,
    lumps: Option<[Vec<i32>; 2]>,
}

impl Frame {
    /// `millimetres` says whether x and z are in mm; without it there are no cells of 0.1 mm.
    pub(super) fn new(grid: Grid, millimetres: bool) -> Self {
        let centers = grid
            .axes()
            .iter()
            .map(|axis| (0..=axis.bins() + 1).map(|bin| axis.center(bin)).collect())
            .collect();
        let lumps = match grid.axes() {
            [x, z, ..] if millimetres => lumps_of(x).zip(lumps_of(z)).map(|(x, z)| [x, z]),
            _ => None,
        };
        Self { grid, centers, lumps }
    }

    pub(super) fn grid(&self) -> &Grid {
        &self.grid
    }

    pub(super) fn center(&self, axis: usize, bin: u32) -> f64 {
        self.centers[axis][bin as usize]
    }

    /// Width of a bin; 0 for flow bins.
    pub(super) fn width(&self, axis: usize, bin: u32) -> f64 {
        let axis = &self.grid.axes()[axis];
        if (1..=axis.bins()).contains(&bin) { axis.low_edge(bin + 1) - axis.low_edge(bin) } else { 0.0 }
    }

    /// Widths of the bins along axes with equidistant bins, for Sheppard's corrections; 0 along others, for
    /// which the corrections do not hold.
    pub(super) fn bin_widths(&self) -> [f64; 3] {
        std::array::from_fn(|d| match self.grid.axes().get(d) {
            Some(axis) if axis.edges().is_none() => (axis.high() - axis.low()) / f64::from(axis.bins()),
            _ => 0.0,
        })
    }

    /// The 0.1 mm cell that contains a cell of the grid; none if the bins cannot be grouped into such cells.
    /// Each flow bin is a cell of its own.
    pub(super) fn lump(&self, cell: u32) -> Option<(i32, i32)> {
        let [x, z] = self.lumps.as_ref()?;
        let bins = self.grid.split(cell);
        Some((x[bins[0] as usize], z[bins[1] as usize]))
    }

    pub(super) fn has_lumps(&self) -> bool {
        self.lumps.is_some()
    }
}

/// The number of the cell of size `edge_mm` that contains a position in mm.
pub(super) fn lump_at(position_mm: f64, edge_mm: f64) -> i32 {
    (position_mm / edge_mm).floor() as i32
}

/// The 0.1 mm cell of every bin of an axis, if its bins can be grouped into whole ones: every multiple of 0.1
/// mm between the ends of the axis is an edge of a bin, and both ends are such multiples.
fn lumps_of(axis: &Axis) -> Option<Vec<i32>> {
    let edges: Vec<f64> = (1..=axis.bins() + 1).map(|bin| axis.low_edge(bin) / LUMP_MM).collect();
    let whole = |edge: f64| (edge - edge.round()).abs() < 1e-6;
    let ends = whole(edges[0]) && whole(edges[edges.len() - 1]);
    let crossed = edges.windows(2).any(|bin| (bin[0] + 1e-6).floor() < (bin[1] - 1e-6).floor());
    if !ends || crossed {
        return None;
    }
    let inner = (1..=axis.bins()).map(|bin| lump_at(axis.center(bin), LUMP_MM));
    Some([i32::MIN].into_iter().chain(inner).chain([i32::MAX]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bins_of_the_standard_grid_make_a_lump() {
        let lumps = lumps_of(&Axis::uniform(90, -1.5, 1.5).unwrap()).unwrap();
        assert_eq!(lumps[..5], [i32::MIN, -15, -15, -15, -14]);
        assert_eq!(lumps[89..], [14, 14, i32::MAX]);
    }

    #[test]
    fn bins_that_cross_a_lump_have_none() {
        assert_eq!(lumps_of(&Axis::uniform(80, -1.5, 1.5).unwrap()), None);
        assert_eq!(lumps_of(&Axis::uniform(30, -1.45, 1.55).unwrap()), None);
        assert_eq!(lumps_of(&Axis::uniform(15, -1.5, 1.5).unwrap()), None);
        let edges = vec![0.0, 0.02, 0.1, 0.15, 0.2];
        assert_eq!(lumps_of(&Axis::variable(edges).unwrap()), Some(vec![i32::MIN, 0, 0, 1, 1, i32::MAX]));
    }

    #[test]
    fn without_millimetres_there_are_no_lumps() {
        let grid = Grid::standard(2).unwrap();
        assert!(!Frame::new(grid.clone(), false).has_lumps());
        assert_eq!(Frame::new(grid.clone(), true).lump(grid.cell([0.05, -0.05, 0.0])), Some((0, -1)));
    }
}
