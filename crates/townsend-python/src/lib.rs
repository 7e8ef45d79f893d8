//! The Python module `townsend`: a thin skin over the facade, arrays of NumPy in and out.
//!
//! Everything that takes time works on threads of the module's own ([`work`]), with the interpreter free
//! meanwhile. The package around it, `python/townsend`, has what is Python's alone: exceptions, Awkward
//! arrays, `hist` and the notebook.

mod arguments;
mod avalanches;
mod errors;
mod functions;
mod model;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _townsend {
    #[pymodule_export]
    use crate::avalanches::{_avalanches, PyAvalanche, PyAvalanches, observables_of};
    #[pymodule_export]
    use crate::functions::{PyCheck, check, inspect, read, readout, simulate};
    #[pymodule_export]
    use crate::model::{_model, PyModel, config, configs, detector, detectors, load, train};
    #[pymodule_export]
    use crate::work::{_after_fork, set_threads, threads};

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn version(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
