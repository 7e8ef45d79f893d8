//! Counts as blocks of numbers.

use numpy::{Element, PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use townsend::{CountSet, Grid};

use crate::work::short;

/// Zeros of NumPy, which raises a `MemoryError` where there is not the memory.
pub(crate) fn zeros<T: Element>(py: Python<'_>, n: usize) -> PyResult<Bound<'_, PyArray1<T>>> {
    let zeros = py.import("numpy")?.call_method1("zeros", (n, numpy::dtype::<T>(py)))?;
    Ok(zeros.cast_into()?)
}

/// A block of zeros that counts are written to; axes as in `in_order`.
pub(crate) fn dense<'py>(py: Python<'py>, counts: &CountSet, flow: bool) -> PyResult<Bound<'py, PyAny>> {
    let cells = counts.grid().cells();
    let zeros = zeros::<f32>(py, counts.len().saturating_mul(cells))?;
    {
        let mut block = zeros.readwrite();
        let block = block.as_slice_mut()?;
        short(py, || {
            counts.iter().zip(block.chunks_mut(cells)).for_each(|(counts, row)| counts.fill(row));
            Ok(())
        })?;
    }
    let block = in_order(zeros.as_any(), counts.grid(), Some(counts.len()))?;
    if flow {
        return Ok(block);
    }
    let inner = pyo3::types::PySlice::new(py, 1, -1, 1).into_any();
    let all = pyo3::types::PySlice::full(py).into_any();
    let key: Vec<_> = std::iter::once(all).chain(vec![inner; counts.grid().dims()]).collect();
    block.get_item(PyTuple::new(py, key)?)
}

/// Rows of cells, in which x is fastest, with the axes of the grid: (avalanche,) x, z, t.
pub(crate) fn in_order<'py>(
    cells: &Bound<'py, PyAny>,
    grid: &Grid,
    avalanches: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let slowest_first = avalanches.into_iter().chain(grid.shape().into_iter().rev());
    let shaped = cells.call_method1("reshape", (slowest_first.collect::<Vec<_>>(),))?;
    let (rows, axes) = (usize::from(avalanches.is_some()), grid.dims());
    let order = (0..rows).chain((rows..rows + axes).rev());
    shaped.call_method1("transpose", (order.collect::<Vec<_>>(),))
}
