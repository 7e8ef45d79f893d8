//! Sets of avalanches as arrays of NumPy.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::ndarray::ArrayView1;
use numpy::{Element, PyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use townsend::files::Written;
use townsend::{
    Coordinate, CountSet, Dataset, ElectronSet, Format, Grid, Meta, Provenance, Units, observables,
};

use crate::arguments::{dims, floats, grid, number, parsed, to_python, whole};
use crate::avalanche::single;
use crate::dense::{dense, in_order, zeros};
use crate::errors::{exception, other_kind, usage};
use crate::work::{Call, short};

/// Avalanches: their electrons, or counts of them in the cells of a grid.
///
/// What `generate`, `simulate` and `read` return. Electrons are the arrays `offsets`, `x`, `z` and `t`,
/// counts the arrays `offsets`, `cells` and `counts`: avalanche k is what stands from `offsets[k]` to
/// `offsets[k + 1]`. The arrays are not copies: they show the memory of this object, keep it alive and cannot
/// be written to. x and z are transverse positions in mm, t is the time of arrival in ns.
///
/// >>> avalanches = townsend.load("microscopic_275").generate(100)
/// >>> len(avalanches), avalanches.x.dtype, avalanches.offsets.shape
/// (100, dtype('float32'), (101,))
/// >>> mean_x = [avalanche.x.mean() for avalanche in avalanches if len(avalanche) > 0]
/// >>> avalanches[10:20].save("ten.root", force=True)
#[pyclass(module = "townsend", frozen, name = "Avalanches")]
pub(crate) struct PyAvalanches {
    pub(crate) data: Arc<Dataset>,
}

impl From<Dataset> for PyAvalanches {
    fn from(data: Dataset) -> Self {
        Self { data: Arc::new(data) }
    }
}

/// Avalanches of an argument: an `Avalanches`, or what can be made one.
pub(crate) fn set(object: &Bound<'_, PyAny>) -> PyResult<Arc<Dataset>> {
    if let Ok(avalanches) = object.cast::<PyAvalanches>() {
        return Ok(Arc::clone(&avalanches.get().data));
    }
    let made = object.py().import("townsend._data")?.call_method1("avalanches", (object,))?;
    Ok(Arc::clone(&made.cast::<PyAvalanches>()?.get().data))
}

/// An array that shows memory of `owner`, which it keeps alive.
pub(crate) fn view<'py, T: Element>(
    owner: &Bound<'py, PyAvalanches>,
    values: &[T],
) -> PyResult<Bound<'py, PyArray1<T>>> {
    // SAFETY: every caller passes a slice of `owner.data`. That is an `Arc` in a frozen class, so the set
    // behind it is neither changed nor dropped while `owner` lives, and the array holds a reference to
    // `owner`. Nobody writes to it: the array is made read-only before anybody else sees it.
    let array = unsafe { PyArray1::borrow_from_array(&ArrayView1::from(values), owner.clone().into_any()) };
    Ok(read_only(array))
}

fn read_only<T: Element, D: numpy::ndarray::Dimension>(
    array: Bound<'_, PyArray<T, D>>,
) -> Bound<'_, PyArray<T, D>> {
    array.readwrite().make_nonwriteable();
    array
}

/// Offsets as NumPy wants them, signed.
fn signed(offsets: &[u64]) -> &[i64] {
    // SAFETY: `u64` and `i64` have the same size, alignment and no invalid bits, and the slice stays shared.
    // No offset is above `i64::MAX`: it is a number of electrons in memory.
    unsafe { std::slice::from_raw_parts(offsets.as_ptr().cast(), offsets.len()) }
}

impl PyAvalanches {
    fn electrons_of<'a>(&'a self, py: Python<'_>, array: &str) -> PyResult<&'a ElectronSet> {
        match &*self.data {
            Dataset::Electrons(set) => Ok(set),
            Dataset::Counts(_) => Err(other_kind(
                py,
                &format!(
                    "these avalanches are counts and have no {array}; they have cells and counts, and dense()"
                ),
            )),
        }
    }

    fn counts_of<'a>(&'a self, py: Python<'_>, array: &str) -> PyResult<&'a CountSet> {
        match &*self.data {
            Dataset::Counts(set) => Ok(set),
            Dataset::Electrons(_) => Err(other_kind(
                py,
                &format!(
                    "these avalanches are electrons and have no {array}; to_counts() counts them in the cells of a grid"
                ),
            )),
        }
    }

    /// The avalanches as counts on the grid that these arguments stand for.
    fn counted(
        &self,
        py: Python<'_>,
        dims: Option<usize>,
        grid: Option<&Bound<'_, PyAny>>,
        call: Call,
    ) -> PyResult<CountSet> {
        let grid = match (self::grid(grid)?, self.data.grid()) {
            (Some(grid), _) => Ok(grid),
            (None, Some(own)) => own.first(dims.unwrap_or(own.dims())),
            (None, None) => Grid::standard(dims.unwrap_or(3)),
        };
        let grid = grid.map_err(|error| exception(py, &error.into()))?;
        let grid = match dims {
            Some(dims) => grid.first(dims).map_err(|error| exception(py, &error.into()))?,
            None => grid,
        };
        let data = Arc::clone(&self.data);
        call.run(py, move |_| Ok(data.to_counts(&grid)?))
    }

    fn in_words(&self) -> String {
        let set = self.data.len();
        let electrons: u64 = (0..set).map(|index| self.data.electrons(index)).sum();
        let what = match &*self.data {
            Dataset::Electrons(_) => format!("electrons in {}", self.data.meta().units.join(", ")),
            Dataset::Counts(counts) => {
                let bins: Vec<String> =
                    counts.grid().axes().iter().map(|axis| axis.bins().to_string()).collect();
                format!("electrons counted in {} bins", bins.join(" × "))
            }
        };
        format!("{set} avalanches, {electrons} {what}")
    }
}

#[pymethods]
impl PyAvalanches {
    /// Avalanches of arrays that are in memory: of electrons `x`, `z`, `t`, or of counts `cells`, `counts`
    /// with their `grid`.
    ///
    /// Avalanche k is what stands from `offsets[k]` to `offsets[k + 1]`; there is one offset more than
    /// avalanches, the first is 0. Any type of numbers, order of bytes and stride is taken, and copied.
    /// `units` are those that x, z and t are in, as `"cm,ns"` or `{"x": "um", "t": "ns"}`; they become mm and
    /// ns.
    ///
    /// >>> avalanches = townsend.Avalanches.from_arrays([0, 2, 2, 3], x=[1, 2, 3], z=[0, 0, 0], t=[5, 6, 7])
    /// >>> avalanches.electrons
    /// array([2, 0, 1])
    #[staticmethod]
    #[pyo3(signature = (offsets, x=None, z=None, t=None, *, cells=None, counts=None, grid=None, units=None, source=""))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn from_arrays(
        py: Python<'_>,
        offsets: &Bound<'_, PyAny>,
        x: Option<&Bound<'_, PyAny>>,
        z: Option<&Bound<'_, PyAny>>,
        t: Option<&Bound<'_, PyAny>>,
        cells: Option<&Bound<'_, PyAny>>,
        counts: Option<&Bound<'_, PyAny>>,
        grid: Option<&Bound<'_, PyAny>>,
        units: Option<&Bound<'_, PyAny>>,
        source: &str,
    ) -> PyResult<Self> {
        let offsets = whole(offsets, "offsets")?;
        let provenance = Provenance { source: source.into(), ..Provenance::default() };
        let meta = Meta { provenance, ..Meta::default() };
        let made: Result<Dataset, String> = match (x, z, t, cells, counts, self::grid(grid)?) {
            (Some(x), Some(z), Some(t), None, None, None) => {
                let units: Units = parsed(units)?;
                let [x, z, t] =
                    [(x, Coordinate::X), (z, Coordinate::Z), (t, Coordinate::T)].map(|(array, of)| {
                        let mut values = floats(array, of.name())?;
                        if let Some(scale) = units.scale(of).filter(|&scale| scale != 1.0) {
                            values.iter_mut().for_each(|value| *value = (f64::from(*value) * scale) as f32);
                        }
                        PyResult::Ok(values)
                    });
                ElectronSet::from_arrays(offsets, x?, z?, t?, meta).map(Into::into)
            }
            (None, None, None, Some(cells), Some(counts), Some(grid)) => {
                let (cells, counts) = (whole(cells, "cells")?, whole(counts, "counts")?);
                CountSet::from_arrays(grid, &offsets, &cells, &counts, meta).map(Into::into)
            }
            _ => return Err(PyTypeError::new_err("give x, z and t, or cells, counts and grid")),
        };
        made.map(Into::into).map_err(|what| usage(py, what))
    }

    /// Avalanches of an Awkward array of records with x, z and t, one list of electrons an avalanche.
    ///
    /// `units` are those that they are in, as in `from_arrays`. Functions that take avalanches take such an
    /// array as it is, if it is in mm and ns.
    ///
    /// >>> import awkward as ak
    /// >>> array = ak.Array({"x": [[0.1, 0.2], []], "z": [[0, 0], []], "t": [[175, 176], []]})
    /// >>> townsend.Avalanches.from_awkward(array).electrons
    /// array([2, 0])
    #[staticmethod]
    #[pyo3(signature = (array, *, units=None, source=""))]
    fn from_awkward<'py>(
        array: &Bound<'py, PyAny>,
        units: Option<&Bound<'py, PyAny>>,
        source: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        array.py().import("townsend._data")?.call_method1("from_awkward", (array, units, source))
    }

    /// Where each avalanche begins, and after all where the last one ends: int64, one more than avalanches.
    ///
    /// >>> offsets = townsend.simulate(5).offsets
    /// >>> offsets.shape, offsets.dtype, int(offsets[0])
    /// ((6,), dtype('int64'), 0)
    #[getter]
    fn offsets<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<i64>>> {
        view(
            slf,
            signed(match &*slf.get().data {
                Dataset::Electrons(set) => set.offsets(),
                Dataset::Counts(set) => set.offsets(),
            }),
        )
    }

    /// Positions x of all electrons, mm: float32.
    ///
    /// >>> avalanches = townsend.simulate(5)
    /// >>> bool(avalanches.x.size == avalanches.offsets[-1])
    /// True
    #[getter]
    fn x<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        view(slf, slf.get().electrons_of(slf.py(), "x")?.column(Coordinate::X))
    }

    /// Positions z of all electrons, mm: float32.
    ///
    /// >>> townsend.simulate(5).z.flags.writeable
    /// False
    #[getter]
    fn z<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        view(slf, slf.get().electrons_of(slf.py(), "z")?.column(Coordinate::Z))
    }

    /// Times of arrival of all electrons, ns: float32.
    ///
    /// >>> bool((townsend.simulate(5).t > 0).all())
    /// True
    #[getter]
    fn t<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        view(slf, slf.get().electrons_of(slf.py(), "t")?.column(Coordinate::T))
    }

    /// The occupied cells of all avalanches: uint32, increasing within an avalanche.
    ///
    /// A cell is i_x + (n_x + 2) (i_z + (n_z + 2) i_t), flow bins included, as in ROOT.
    ///
    /// >>> townsend.simulate(5).to_counts().cells.dtype
    /// dtype('uint32')
    #[getter]
    fn cells<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        view(slf, slf.get().counts_of(slf.py(), "cells")?.cells())
    }

    /// Electrons in each of the occupied cells: uint32.
    ///
    /// >>> electrons = townsend.simulate(5)
    /// >>> int(electrons.to_counts().counts.sum()) == electrons.x.size
    /// True
    #[getter]
    fn counts<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        view(slf, slf.get().counts_of(slf.py(), "counts")?.counts())
    }

    /// The number of electrons of each avalanche: int64.
    ///
    /// >>> townsend.simulate(5).electrons.shape
    /// (5,)
    #[getter]
    fn electrons<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let numbers = (0..self.data.len()).map(|index| self.data.electrons(index).cast_signed());
        PyArray1::from_vec(py, numbers.collect())
    }

    /// The grid of counts as a dict, `{"axes": [{"bins", "low", "high", "label"}, ...]}`; None for electrons.
    ///
    /// >>> townsend.simulate(5).to_counts(2).grid["axes"][0]["bins"]
    /// 90
    #[getter]
    fn grid<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.data.grid())
    }

    /// The units of x, z and t.
    ///
    /// >>> townsend.simulate(5).units
    /// ('mm', 'mm', 'ns')
    #[getter]
    fn units<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.data.meta().units)
    }

    /// How they were made, as files of them say it: a dict.
    ///
    /// >>> townsend.simulate(5).provenance["seed"]
    /// 1
    #[getter]
    fn provenance<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.data.meta().provenance)
    }

    /// SHA-256 of the avalanches, in hexadecimal: the same for the same avalanches, however they were made.
    ///
    /// >>> townsend.simulate(5).digest == townsend.simulate(5).digest
    /// True
    #[getter]
    fn digest(&self, py: Python<'_>) -> PyResult<String> {
        short(py, || Ok(self.data.digest()))
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn __eq__(&self, other: &Self) -> bool {
        let units = self.data.meta().units == other.data.meta().units;
        units
            && match (&*self.data, &*other.data) {
                (Dataset::Electrons(a), Dataset::Electrons(b)) => {
                    a.offsets() == b.offsets()
                        && Coordinate::ALL.iter().all(|&of| a.column(of) == b.column(of))
                }
                (Dataset::Counts(a), Dataset::Counts(b)) => {
                    a.grid().same_cells(b.grid())
                        && (a.offsets(), a.cells(), a.counts()) == (b.offsets(), b.cells(), b.counts())
                }
                _ => false,
            }
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let builtins = slf.py().import("builtins")?;
        let numbers = builtins.call_method1("range", (slf.get().data.len(),))?;
        builtins.call_method1("map", (slf.getattr("__getitem__")?, numbers))
    }

    /// One avalanche by its number; several by a slice, a list of numbers or a mask, copied to a set of their
    /// own.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let data = &slf.get().data;
        let n = data.len();
        let is_mask = key.is_instance_of::<pyo3::types::PyBool>();
        if let (false, Ok(number)) = (is_mask, key.extract::<isize>()) {
            let place = if number < 0 { number.checked_add_unsigned(n) } else { Some(number) };
            let place = place.and_then(|place| usize::try_from(place).ok()).filter(|&place| place < n);
            let place = place
                .ok_or_else(|| PyIndexError::new_err(format!("there is no avalanche {number} of {n}")))?;
            return Ok(single(slf, place)?.into_pyobject(py)?.into_any());
        }
        let numbers = py.import("numpy")?.call_method1("arange", (n,))?.get_item(key)?;
        let numbers: PyReadonlyArray1<'_, i64> = numbers.extract()?;
        let numbers: Vec<usize> = numbers.as_array().iter().map(|&number| number as usize).collect();
        let chosen = short(py, || Ok(data.select(&numbers)))?;
        Ok(Self::from(chosen).into_pyobject(py)?.into_any())
    }

    /// The avalanches counted in the cells of a grid.
    ///
    /// `dims` are the axes to count on (1: x; 2: x and z; 3: x, z and t). `grid` is a dict
    /// `{"axes": [{"bins": 90, "low": -1.5, "high": 1.5}, ...]}` or the name of a file in TOML; otherwise it
    /// is the standard grid of 90 bins an axis. Counts can only be given on their own grid or its first axes.
    ///
    /// >>> townsend.simulate(5).to_counts(dims=2)
    /// <Avalanches: 5 avalanches, ... electrons counted in 90 × 90 bins>
    #[pyo3(signature = (dims=None, grid=None, *, threads=None))]
    fn to_counts(
        &self,
        py: Python<'_>,
        dims: Option<usize>,
        grid: Option<&Bound<'_, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let call = Call { threads, ..Call::default() };
        Ok(Dataset::from(self.counted(py, dims, grid, call)?).into())
    }

    /// The avalanches as one block of numbers, float32 of shape `[n, n_x + 2, n_z + 2, n_t + 2]` (or of fewer
    /// axes): with flow bins, `[n, 92, 92, 92]` on the standard grid; without them (`flow=False`)
    /// `[n, 90, 90, 90]`.
    ///
    /// An avalanche takes 3 MB on the standard grid of three axes. `dims` and `grid` as in `to_counts`.
    ///
    /// >>> townsend.simulate(5).dense().shape
    /// (5, 92, 92, 92)
    /// >>> townsend.simulate(5).dense(dims=2, flow=False).shape
    /// (5, 90, 90)
    #[pyo3(signature = (dims=None, grid=None, *, flow=true, threads=None))]
    fn dense<'py>(
        &self,
        py: Python<'py>,
        dims: Option<usize>,
        grid: Option<&Bound<'py, PyAny>>,
        flow: bool,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let counts = self.counted(py, dims, grid, Call { threads, ..Call::default() })?;
        dense(py, &counts, flow)
    }

    /// Electrons in each cell, summed over all avalanches: float64, with flow bins.
    #[pyo3(signature = (dims=None, grid=None))]
    fn _total<'py>(
        &self,
        py: Python<'py>,
        dims: Option<usize>,
        grid: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let counts = self.counted(py, dims, grid, Call::default())?;
        let total = zeros::<f64>(py, counts.grid().cells())?;
        {
            let mut total = total.readwrite();
            let total = total.as_slice_mut()?;
            for (&cell, &n) in counts.cells().iter().zip(counts.counts()) {
                total[cell as usize] += f64::from(n);
            }
        }
        Ok((in_order(total.as_any(), counts.grid(), None)?, to_python(py, counts.grid())?))
    }

    /// An Awkward array of these avalanches, without a copy: records of x, z and t (or of cells and counts),
    /// one list of them an avalanche.
    ///
    /// Needs the package awkward.
    ///
    /// >>> array = townsend.simulate(5).to_awkward()
    /// >>> len(array), array.fields
    /// (5, ['x', 'z', 't'])
    fn to_awkward<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("townsend._data")?.call_method1("to_awkward", (slf,))
    }

    /// A histogram `hist.Hist` of the electrons of all avalanches, with axes x, z and t and flow bins. `dims`
    /// and `grid` as in `to_counts`.
    ///
    /// Needs the package hist.
    ///
    /// >>> histogram = townsend.simulate(5).to_hist(dims=2)
    /// >>> [axis.name for axis in histogram.axes]
    /// ['x', 'z']
    #[pyo3(signature = (dims=None, grid=None))]
    fn to_hist<'py>(
        slf: &Bound<'py, Self>,
        dims: Option<usize>,
        grid: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let total = slf.get()._total(slf.py(), dims, grid)?;
        slf.py().import("townsend._data")?.call_method1("to_hist", total)
    }

    /// Writes them to a file, whole or not at all: `.root` or `.npz`, or as `format` says ("root", "npz",
    /// "rntuple").
    ///
    /// `dims` are the dimensions of the histograms that electrons become, such as 2 or [1, 2, 3] (counts on
    /// the standard grid); without it electrons stay electrons. A file that exists is overwritten with
    /// `force` alone. It is the file that `townsend generate` or `simulate` writes.
    ///
    /// >>> townsend.simulate(5).save("avalanches.npz", force=True)
    #[pyo3(signature = (path, *, force=false, format=None, dims=None, progress=None))]
    fn save(
        &self,
        py: Python<'_>,
        path: PathBuf,
        force: bool,
        format: Option<&str>,
        dims: Option<&Bound<'_, PyAny>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let format = format_of(py, format)?;
        let written = Written { dims: self::dims(dims)?, format, ..Written::default() };
        let data = Arc::clone(&self.data);
        let call = Call { force, progress, ..Call::default() };
        call.run(py, move |context| townsend::files::write(&data, &path, &written, context))
    }

    fn __repr__(&self) -> String {
        format!("<Avalanches: {}>", self.in_words())
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("townsend._html")?.call_method1("avalanches", (slf,))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let again = py.import("townsend._townsend")?.getattr("_avalanches")?;
        let meta =
            serde_json::to_string(slf.get().data.meta()).map_err(|error| usage(py, error.to_string()))?;
        let names: &[&str] = match &*slf.get().data {
            Dataset::Electrons(_) => &["offsets", "x", "z", "t"],
            Dataset::Counts(_) => &["offsets", "cells", "counts", "grid"],
        };
        let values: Vec<Bound<'_, PyAny>> =
            names.iter().map(|name| slf.getattr(*name)).collect::<PyResult<_>>()?;
        let all = std::iter::once(Ok(PyString::new(py, &meta).into_any())).chain(values.into_iter().map(Ok));
        Ok((again, PyTuple::new(py, all.collect::<PyResult<Vec<_>>>()?)?))
    }
}

/// The set of its pickled parts: metadata, offsets, and x, z and t or cells, counts and the grid.
#[pyfunction]
pub(crate) fn _avalanches(
    py: Python<'_>,
    meta: &str,
    offsets: &Bound<'_, PyAny>,
    first: &Bound<'_, PyAny>,
    second: &Bound<'_, PyAny>,
    third: &Bound<'_, PyAny>,
) -> PyResult<PyAvalanches> {
    let meta: Meta = serde_json::from_str(meta).map_err(|error| usage(py, error.to_string()))?;
    let offsets = whole(offsets, "offsets")?;
    let made: Result<Dataset, String> = if third.is_instance_of::<PyDict>() {
        let grid = grid(Some(third))?.unwrap_or_else(|| unreachable!("it was given"));
        CountSet::from_arrays(grid, &offsets, &whole(first, "cells")?, &whole(second, "counts")?, meta)
            .map(Into::into)
    } else {
        let [x, z, t] = [floats(first, "x")?, floats(second, "z")?, floats(third, "t")?];
        ElectronSet::from_arrays(offsets, x, z, t, meta).map(Into::into)
    };
    made.map(Into::into).map_err(|what| usage(py, what))
}

pub(crate) fn format_of(py: Python<'_>, name: Option<&str>) -> PyResult<Option<Format>> {
    name.map(|name| name.parse().map_err(|error: String| usage(py, error))).transpose()
}

/// The observables of every avalanche: a dict of arrays, float64, one value an avalanche and NaN where an
/// observable is not defined (of an empty avalanche, or one of too few electrons). Lengths are in mm, times
/// in ns.
///
/// With `frame=True` they are a DataFrame, which needs the package pandas. Their definitions are in
/// docs/metrics.md.
///
/// >>> observed = townsend.observables(townsend.simulate(20))
/// >>> observed["rms_x"].shape, "lumpiness" in observed
/// ((20,), True)
#[pyfunction(name = "observables")]
#[pyo3(signature = (avalanches, *, frame=false, seed=1, progress=None, threads=None))]
pub(crate) fn observables_of<'py>(
    py: Python<'py>,
    avalanches: &Bound<'py, PyAny>,
    frame: bool,
    #[pyo3(from_py_with = number)] seed: u64,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let data = set(avalanches)?;
    let n = data.len();
    let call = Call { seed, progress, threads, ..Call::default() };
    let observed = call.run(py, move |context| observables(&data, context))?;
    let columns = PyDict::new(py);
    for column in observed.columns() {
        columns.set_item(column.observable.name(), PyArray1::from_vec(py, column.by_avalanche(n)))?;
    }
    if frame {
        return py.import("townsend._data")?.call_method1("frame", (columns,));
    }
    Ok(columns.into_any())
}
