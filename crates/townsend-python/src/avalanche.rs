//! Single avalanches as arrays of NumPy.

use std::sync::Arc;

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use townsend::{Coordinate, Dataset, Grid};

use crate::avalanches::{PyAvalanches, view};
use crate::dense::{in_order, zeros};
use crate::errors::other_kind;

/// One avalanche: its electrons, or counts of them in the cells of a grid.
///
/// What a set of avalanches holds and what `Model.avalanche` draws. `len()` is the number of electrons.
///
/// >>> avalanche = townsend.load("microscopic_275").avalanche(7)
/// >>> len(avalanche) == avalanche.x.size
/// True
#[pyclass(module = "townsend", frozen, name = "Avalanche")]
pub(crate) struct PyAvalanche(pub(crate) Single);

/// The arrays of one avalanche.
pub(crate) enum Single {
    Electrons([Py<PyArray1<f32>>; 3]),
    Counts { cells: Py<PyArray1<u32>>, counts: Py<PyArray1<u32>>, grid: Arc<Grid> },
}

/// Avalanche `index` of a set, as views.
pub(crate) fn single(of: &Bound<'_, PyAvalanches>, index: usize) -> PyResult<PyAvalanche> {
    Ok(PyAvalanche(match &*of.get().data {
        Dataset::Electrons(set) => {
            let one = set.get(index);
            Single::Electrons([
                view(of, one.x)?.unbind(),
                view(of, one.z)?.unbind(),
                view(of, one.t)?.unbind(),
            ])
        }
        Dataset::Counts(set) => {
            let one = set.get(index);
            let (cells, counts) = (view(of, one.cells)?.unbind(), view(of, one.counts)?.unbind());
            Single::Counts { cells, counts, grid: Arc::new(set.grid().clone()) }
        }
    }))
}

impl PyAvalanche {
    fn coordinate(&self, py: Python<'_>, of: Coordinate) -> PyResult<Py<PyArray1<f32>>> {
        match &self.0 {
            Single::Electrons(arrays) => Ok(arrays[of as usize].clone_ref(py)),
            Single::Counts { .. } => {
                let what =
                    format!("this avalanche is counts and has no {}; it has cells and counts", of.name());
                Err(other_kind(py, &what))
            }
        }
    }

    fn sparse(&self, py: Python<'_>) -> PyResult<[&Py<PyArray1<u32>>; 2]> {
        match &self.0 {
            Single::Counts { cells, counts, .. } => Ok([cells, counts]),
            Single::Electrons(_) => {
                Err(other_kind(py, "this avalanche is electrons and has no cells; it has x, z and t"))
            }
        }
    }
}

#[pymethods]
impl PyAvalanche {
    /// Positions x of the electrons, mm: float32.
    ///
    /// >>> townsend.simulate(5)[0].x.dtype
    /// dtype('float32')
    #[getter]
    fn x(&self, py: Python<'_>) -> PyResult<Py<PyArray1<f32>>> {
        self.coordinate(py, Coordinate::X)
    }

    /// Positions z of the electrons, mm: float32.
    ///
    /// >>> townsend.simulate(5)[0].z.ndim
    /// 1
    #[getter]
    fn z(&self, py: Python<'_>) -> PyResult<Py<PyArray1<f32>>> {
        self.coordinate(py, Coordinate::Z)
    }

    /// Times of arrival of the electrons, ns: float32.
    ///
    /// >>> townsend.simulate(5)[0].t.ndim
    /// 1
    #[getter]
    fn t(&self, py: Python<'_>) -> PyResult<Py<PyArray1<f32>>> {
        self.coordinate(py, Coordinate::T)
    }

    /// The occupied cells, increasing: uint32.
    ///
    /// >>> townsend.simulate(5).to_counts()[0].cells.dtype
    /// dtype('uint32')
    #[getter]
    fn cells(&self, py: Python<'_>) -> PyResult<Py<PyArray1<u32>>> {
        Ok(self.sparse(py)?[0].clone_ref(py))
    }

    /// Electrons in each of the occupied cells: uint32.
    ///
    /// >>> townsend.simulate(5).to_counts()[0].counts.dtype
    /// dtype('uint32')
    #[getter]
    fn counts(&self, py: Python<'_>) -> PyResult<Py<PyArray1<u32>>> {
        Ok(self.sparse(py)?[1].clone_ref(py))
    }

    /// Counts as one block of numbers: float32 with the axes of the grid (x, z, t), flow bins included.
    ///
    /// >>> townsend.simulate(5).to_counts(2)[0].dense().shape
    /// (92, 92)
    fn dense<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let [cells, counts] = self.sparse(py)?;
        let Single::Counts { grid, .. } = &self.0 else { unreachable!("it is sparse") };
        let (cells, counts) = (cells.bind(py).readonly(), counts.bind(py).readonly());
        let row = zeros::<f32>(py, grid.cells())?;
        townsend::Counts { cells: cells.as_slice()?, counts: counts.as_slice()? }
            .fill(row.readwrite().as_slice_mut()?);
        in_order(row.as_any(), grid, None)
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        match &self.0 {
            Single::Electrons([x, ..]) => x.bind(py).len().unwrap_or_default(),
            Single::Counts { counts, .. } => {
                counts.bind(py).readonly().as_array().iter().map(|&n| n as usize).sum()
            }
        }
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let n = self.__len__(py);
        match &self.0 {
            Single::Electrons(_) => format!("<Avalanche: {n} electrons>"),
            Single::Counts { cells, .. } => {
                format!("<Avalanche: {n} electrons in {} cells>", cells.bind(py).len().unwrap_or_default())
            }
        }
    }
}
