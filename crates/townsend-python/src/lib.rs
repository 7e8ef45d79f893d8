//! The Python module `townsend`: a thin skin over the facade, arrays of NumPy in and out.
//!
//! Everything that takes time works on threads of the module's own ([`work`]), with the interpreter free
//! meanwhile. The package around it, `python/townsend`, has what is Python's alone: exceptions, Awkward
//! arrays, `hist` and the notebook.

mod arguments;
mod avalanche;
mod avalanches;
mod dense;
mod errors;
mod functions;
mod model;
mod work;

use numpy::PyArray1;
use pyo3::prelude::*;

#[pymodule]
mod _townsend {
    #[pymodule_export]
    use crate::avalanche::PyAvalanche;
    #[pymodule_export]
    use crate::avalanches::{_avalanches, PyAvalanches, observables_of};
    #[pymodule_export]
    use crate::functions::{PyCheck, check, gain, inspect, read, readout, simulate};
    #[pymodule_export]
    use crate::model::{_model, PyModel, config, configs, detector, detectors, load, train};
    #[pymodule_export]
    use crate::work::{_after_fork, set_threads, threads};

    use super::{Bound, PyArray1, PyModule, PyModuleMethods, PyResult, Python};

    #[pymodule_init]
    fn begin(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // The first array looks up the functions of NumPy, and panics if it is not there or if ctrl-C is
        // pressed meanwhile: so it is made now, when NumPy is known to be loaded.
        let py: Python<'_> = module.py();
        py.import("numpy")?;
        PyArray1::<f32>::zeros(py, 0, false);
        module.add("__build__", townsend::version())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
