//! Grids that electrons are counted on.

use std::ffi::CString;
use std::ffi::c_char;

use crate::error::{Error, Failure, answer};
use crate::pointers::{c_string, values};

/// A grid of cells over x (mm), z (mm) and t (ns), or over the first one or two of these.
pub struct Grid(pub(crate) townsend::Grid);

/// An axis of a grid. The pointers are valid as long as what it was asked of.
#[repr(C)]
#[derive(Debug)]
pub struct Axis {
    /// Number of bins. In cells they have the numbers 1 to `bins`; 0 is what lies below the axis and
    /// `bins` + 1 what lies above.
    pub bins: u32,
    /// `bins` + 1 edges, increasing.
    pub edges: *const f64,
    /// Name and unit, such as `x [mm]`; may be empty.
    pub label: *const c_char,
}

impl Default for Axis {
    fn default() -> Self {
        Self { bins: 0, edges: std::ptr::null(), label: c"".as_ptr() }
    }
}

/// An axis with the memory that C's view of it points to.
pub(crate) struct KeptAxis {
    edges: Vec<f64>,
    label: CString,
}

impl KeptAxis {
    pub(crate) fn new(axis: &townsend::Axis) -> Self {
        let edges = (1..=axis.bins() + 1).map(|bin| axis.low_edge(bin)).collect();
        Self { edges, label: c_string(axis.label()) }
    }

    pub(crate) fn view(&self) -> Axis {
        Axis { bins: (self.edges.len() - 1) as u32, edges: self.edges.as_ptr(), label: self.label.as_ptr() }
    }
}

/// The grid of the reference data: 90 bins an axis, x and z from -1.5 to 1.5 mm, t from 130 to 220 ns. `dims`
/// is 1 (x), 2 (x, z) or 3 (x, z, t). Free it with `townsend_grid_free`; NULL on errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_grid_standard(dims: u32, error: *mut Error) -> *mut Grid {
    answer(error, std::ptr::null_mut(), || boxed(townsend::Grid::standard(dims as usize)))
}

/// A grid of `dims` axes with equal bins: `bins[k]` of them between `low[k]` and `high[k]`. Free it with
/// `townsend_grid_free`; NULL on errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_grid_new(
    dims: u32,
    bins: *const u32,
    low: *const f64,
    high: *const f64,
    error: *mut Error,
) -> *mut Grid {
    answer(error, std::ptr::null_mut(), || {
        if !(1..=3).contains(&dims) {
            return Err(Failure::usage(format!("a grid has 1, 2 or 3 axes (x; x, z; x, z, t), not {dims}")));
        }
        let n = dims as usize;
        // SAFETY: as the header asks of every pointer.
        let (bins, low, high) =
            unsafe { (values(bins, n, "bins")?, values(low, n, "low")?, values(high, n, "high")?) };
        let axes = (0..n).map(|k| townsend::Axis::uniform(bins[k], low[k], high[k]));
        let grid = axes.collect::<Result<_, _>>().map_err(Into::into).and_then(townsend::Grid::new);
        boxed(grid)
    })
}

/// A grid for the caller, who asked for it, so that a wrong one is no error of a file.
fn boxed(grid: Result<townsend::Grid, townsend::GridError>) -> Result<*mut Grid, Failure> {
    let grid = grid.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Box::into_raw(Box::new(Grid(grid))))
}

/// Frees a grid; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_grid_free(grid: *mut Grid) {
    if !grid.is_null() {
        // SAFETY: it is from this module and not used any more.
        drop(unsafe { Box::from_raw(grid) });
    }
}

/// Number of cells, those below and above the axes included: what a dense avalanche has values. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_grid_cells(grid: *const Grid) -> usize {
    // SAFETY: as the header asks of every pointer.
    unsafe { grid.as_ref() }.map_or(0, |grid| grid.0.cells())
}
