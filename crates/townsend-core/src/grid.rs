//! A grid of cells over one, two or three coordinates, in ROOT's order.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Axis, AxisError};

/// Why a grid cannot be made, or why grids do not fit together.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum GridError {
    /// Not one to three axes.
    #[error("a grid has 1, 2 or 3 axes (x; x, z; x, z, t), not {0}")]
    Dimensions(usize),
    /// More axes were asked for than there are.
    #[error(
        "the grid has {have} of the axes x, z, t, and {wanted} were asked for: that takes data, or a model, of {wanted}"
    )]
    FewerAxes {
        /// Axes that there are.
        have: usize,
        /// Axes that were asked for.
        wanted: usize,
    },
    /// An axis is wrong.
    #[error(transparent)]
    Axis(#[from] AxisError),
    /// More cells than can be numbered.
    #[error("the grid has more than 4,294,967,295 cells; use fewer bins")]
    TooManyCells,
    /// Counts on one grid were asked for on another.
    #[error(
        "the avalanches are counted on the grid [{have}]; they cannot be given on [{wanted}], only on their own grid or on its first axes"
    )]
    Incompatible {
        /// The grid of the data.
        have: String,
        /// The grid that was asked for.
        wanted: String,
    },
    /// A cell of a projection would hold more than can be counted.
    #[error("a cell of the projected histogram would hold more than 4,294,967,295 electrons")]
    TooManyElectrons,
    /// Electrons were asked for where only counts exist.
    #[error("histograms hold counts; the electrons' positions cannot be recovered from them")]
    NoElectrons,
    /// Electrons and counts cannot be one data set.
    #[error(
        "some avalanches are {have} and others {other}; count the electrons on the grid of the others first"
    )]
    MixedKinds {
        /// What the first avalanches are.
        have: &'static str,
        /// What those to be appended are.
        other: &'static str,
    },
}

/// Cells over the first `dims` of the coordinates x, z, t. A cell's number is ROOT's global bin:
/// `i_x + (bins_x + 2) · (i_z + (bins_z + 2) · i_t)`, flow bins included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawGrid", into = "RawGrid")]
pub struct Grid {
    axes: Vec<Axis>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGrid {
    axes: Vec<Axis>,
}

impl TryFrom<RawGrid> for Grid {
    type Error = GridError;

    fn try_from(raw: RawGrid) -> Result<Self, GridError> {
        Self::new(raw.axes)
    }
}

impl From<Grid> for RawGrid {
    fn from(grid: Grid) -> Self {
        Self { axes: grid.axes }
    }
}

impl Grid {
    /// A grid of one to three axes: x, then z, then t.
    pub fn new(axes: Vec<Axis>) -> Result<Self, GridError> {
        if !(1..=3).contains(&axes.len()) {
            return Err(GridError::Dimensions(axes.len()));
        }
        let cells = axes.iter().try_fold(1u32, |cells, axis| cells.checked_mul(axis.bins() + 2));
        if cells.is_none() {
            return Err(GridError::TooManyCells);
        }
        Ok(Self { axes })
    }

    /// The grid of the reference data, for the first `dims` of x, z and t: 90 bins along each axis, x and z
    /// from −1.5 to 1.5 mm, t from 130 to 220 ns, around the 175 ns that electrons take from the first GEM to
    /// the anode.
    ///
    /// # Errors
    /// If `dims` is not 1, 2 or 3.
    pub fn standard(dims: usize) -> Result<Self, GridError> {
        let transverse =
            |name| Axis::uniform(90, -1.5, 1.5).map(|axis| axis.with_label(format!("{name} [mm]")));
        let axes =
            vec![transverse("x")?, transverse("z")?, Axis::uniform(90, 130.0, 220.0)?.with_label("t [ns]")];
        if dims > 3 {
            return Err(GridError::Dimensions(dims));
        }
        Self::new(axes.into_iter().take(dims).collect())
    }

    /// Number of axes.
    pub fn dims(&self) -> usize {
        self.axes.len()
    }

    /// The axes: x, z, t.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Number of cells, flow bins included.
    pub fn cells(&self) -> usize {
        self.axes.iter().map(|axis| axis.bins() as usize + 2).product()
    }

    /// Number of bins with the flow bins along each axis.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.bins() as usize + 2).collect()
    }

    /// The cell that contains a point (x, z, t); coordinates beyond the dimensions of the grid have no
    /// influence.
    pub fn cell(&self, point: [f64; 3]) -> u32 {
        self.join(std::array::from_fn(|d| self.axes.get(d).map_or(0, |axis| axis.bin(point[d]))))
    }

    /// The cell with these bins along x, z, t (0 where the grid has no such axis).
    pub fn join(&self, bins: [u32; 3]) -> u32 {
        self.axes.iter().zip(bins).rev().fold(0, |cell, (axis, bin)| cell * (axis.bins() + 2) + bin)
    }

    /// The bins of a cell along x, z, t; 0 where the grid has no such axis.
    pub fn split(&self, cell: u32) -> [u32; 3] {
        let mut rest = cell;
        std::array::from_fn(|d| {
            self.axes.get(d).map_or(0, |axis| {
                let bin = rest % (axis.bins() + 2);
                rest /= axis.bins() + 2;
                bin
            })
        })
    }

    /// The bin centres of a cell (see [`Axis::center`] for flow bins); 0 where the grid has no such axis.
    pub fn center(&self, cell: u32) -> [f64; 3] {
        let bins = self.split(cell);
        std::array::from_fn(|d| self.axes.get(d).map_or(0.0, |axis| axis.center(bins[d])))
    }

    /// True if a cell is an underflow or overflow cell of any axis.
    pub fn is_flow(&self, cell: u32) -> bool {
        let bins = self.split(cell);
        self.axes.iter().zip(bins).any(|(axis, bin)| bin == 0 || bin > axis.bins())
    }

    /// The grid of the first `dims` axes.
    pub fn first(&self, dims: usize) -> Result<Self, GridError> {
        if dims > self.dims() {
            return Err(GridError::FewerAxes { have: self.dims(), wanted: dims });
        }
        Self::new(self.axes[..dims].to_vec())
    }

    /// True if both have the same bins along every axis.
    pub fn same_cells(&self, other: &Self) -> bool {
        self.dims() == other.dims() && self.axes.iter().zip(&other.axes).all(|(a, b)| a.same_bins(b))
    }
}

impl std::fmt::Display for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (d, (axis, name)) in self.axes.iter().zip(["x", "z", "t"]).enumerate() {
            write!(f, "{}{name}: {axis}", if d > 0 { "; " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_numbered_as_in_root() {
        let grid = Grid::standard(3).unwrap();
        assert_eq!(grid.cells(), 92 * 92 * 92);
        // TH3::GetBin(binx, biny, binz) = binx + (nx + 2) * (biny + (ny + 2) * binz)
        assert_eq!(grid.join([3, 5, 7]), 3 + 92 * (5 + 92 * 7));
        for cell in [0, 1, 91, 92, 8_463, 778_687] {
            assert_eq!(grid.join(grid.split(cell)), cell);
        }
        assert!(grid.is_flow(0) && grid.is_flow(778_687) && !grid.is_flow(grid.join([1, 90, 45])));
    }

    #[test]
    fn a_point_is_found_in_the_cell_around_it() {
        let grid = Grid::standard(2).unwrap();
        let cell = grid.cell([0.01, -0.02, 1e9]);
        let center = grid.center(cell);
        assert!((center[0] - 1.0 / 60.0).abs() < 1e-12 && (center[1] + 1.0 / 60.0).abs() < 1e-12);
        assert_eq!(grid.cell([-2.0, 2.0, 0.0]), grid.join([0, 91, 0]));
    }

    #[test]
    fn impossible_grids_are_refused() {
        assert_eq!(Grid::new(vec![]), Err(GridError::Dimensions(0)));
        assert_eq!(Grid::standard(4), Err(GridError::Dimensions(4)));
        let axis = Axis::uniform(100_000, 0.0, 1.0).unwrap();
        assert_eq!(Grid::new(vec![axis.clone(), axis]), Err(GridError::TooManyCells));
    }
}
