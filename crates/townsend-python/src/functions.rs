//! What is done with avalanches: simulated, read, inspected, read out and checked.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use townsend::files::write_check;
use townsend::{
    Check, CheckOptions, ComparedCondition, Light, ReadOptions, Scan, StripHit, Thresholds,
    inspect as inspect_set,
};

use crate::arguments::{self, described, detector, doubles, number, parsed, setting, to_python};
use crate::avalanches::{PyAvalanches, format_of, set};
use crate::errors::{exception, usage, warn};
use crate::model::{draw, from_number};
use crate::work::{Call, short};

/// Simulates `n` avalanches in a detector of the Monte Carlo, those with the numbers from `first` on.
///
/// `detector` is the name of one that ships (`townsend.detectors()`), a file in TOML, or a dict or text of
/// its own; None is the first that ships. Start and conditions as in `Model.generate`.
///
/// >>> townsend.simulate(100, "cgem", seed=3)
/// <Avalanches: 100 avalanches, ... electrons in mm, mm, ns>
#[pyfunction]
#[pyo3(signature = (n, detector=None, seed=1, first=0, start=None, *, progress=None, threads=None, **conditions))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn simulate(
    py: Python<'_>,
    #[pyo3(from_py_with = number)] n: u64,
    detector: Option<&Bound<'_, PyAny>>,
    #[pyo3(from_py_with = number)] seed: u64,
    #[pyo3(from_py_with = number)] first: u64,
    start: Option<&Bound<'_, PyAny>>,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
    conditions: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyAvalanches> {
    let detector = self::detector(detector)?;
    let model = short(py, || townsend::DetectorModel::new(detector))?;
    let call = Call { seed, progress, threads, ..Call::default() };
    let model: Arc<dyn townsend::Model> = Arc::new(model);
    draw(py, &model, "simulate", from_number(py, n, first, setting(start, conditions)?)?, call)
}

/// Reads avalanches of files into one set: ROOT (trees, RNTuples, histograms), npz, text, all that the
/// command line reads.
///
/// `files` is a name or a pattern (`"run*/out_*.root"`), also with a tree (`"run.root:events"`), or a list of
/// them. `columns` say which columns are what, `"x=xe,z=ye,t=te,event=run+ev"` or a dict of the same; `units`
/// in which units they are, `"cm,ns"` or `{"x": "cm"}`; `where` which electrons are read, `"status == -5"`;
/// `tree` and `histograms` (a pattern of names) what in a ROOT file; `dims` histograms of how many
/// dimensions; `round=True` rounds the contents of weighted histograms; `format` is "root", "rntuple", "npz"
/// or "text" where the first bytes do not tell. What should be known of a file is told by `warnings`, as
/// `townsend.Warning`.
///
/// >>> townsend.simulate(5).save("five.root", force=True)
/// >>> townsend.read("five.root") == townsend.simulate(5)
/// True
#[pyfunction]
#[pyo3(signature = (files, *, columns=None, units=None, r#where=None, tree=None, histograms=None, dims=None, round=false, format=None, progress=None, threads=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn read(
    py: Python<'_>,
    files: &Bound<'_, PyAny>,
    columns: Option<&Bound<'_, PyAny>>,
    units: Option<&Bound<'_, PyAny>>,
    r#where: Option<&Bound<'_, PyAny>>,
    tree: Option<String>,
    histograms: Option<String>,
    dims: Option<usize>,
    round: bool,
    format: Option<&str>,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<PyAvalanches> {
    let options = ReadOptions {
        format: format_of(py, format)?,
        dims,
        columns: parsed(columns)?,
        tree,
        histograms,
        units: parsed(units)?,
        selection: parsed(r#where)?,
        round,
    };
    let input = arguments::input(files, options)?;
    let call = Call { progress, threads, ..Call::default() };
    let read = call.run(py, move |context| input.read(context))?;
    warn(py, &read.warnings)?;
    Ok(read.data.into())
}

/// What a set of avalanches holds: a dict with their number, the gain with its error, the mean and spread of
/// every observable, and warnings.
///
/// >>> about = townsend.inspect(townsend.simulate(50))
/// >>> about["avalanches"], about["observables"][0]["name"]
/// (50, 'n_electrons')
#[pyfunction]
#[pyo3(signature = (avalanches, *, progress=None, threads=None))]
pub(crate) fn inspect<'py>(
    py: Python<'py>,
    avalanches: &Bound<'py, PyAny>,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let data = set(avalanches)?;
    let call = Call { progress, threads, ..Call::default() };
    to_python(py, &call.run(py, move |context| inspect_set(&data, context))?)
}

/// The gain of a detector, at its own voltages or at many: a dict with `points`, a dict each, and `warnings`.
///
/// A point has `effective` (electrons at the anode for an electron over the first foil), `relative_variance`
/// and `empty`, each a dict of `value` and `error`, `fwhm_55fe`, the resolution of X-rays of 5.9 keV, where
/// the gas says what it needs (`w_ev`, `fano`), `voltages_v` and `voltage_sum_v`. `detector` as in
/// `simulate`; `scan` are sums of the foils' voltages, `n` the avalanches of each point. Other conditions,
/// such as `voltage_v=[280, 275, 275]`, as in `Model.generate`.
///
/// >>> curve = townsend.gain("microscopic_275", scan=[810, 840], n=200)
/// >>> [point["voltage_sum_v"] for point in curve["points"]]
/// [810.0, 840.0]
#[pyfunction]
#[pyo3(signature = (detector=None, scan=None, n=5000, seed=1, *, progress=None, threads=None, **conditions))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn gain<'py>(
    py: Python<'py>,
    detector: Option<&Bound<'py, PyAny>>,
    scan: Option<&Bound<'py, PyAny>>,
    #[pyo3(from_py_with = number)] n: u64,
    #[pyo3(from_py_with = number)] seed: u64,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
    conditions: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let detector = self::detector(detector)?;
    let model = short(py, || townsend::DetectorModel::new(detector))?;
    let setting = setting(None, conditions)?;
    let settings = match scan {
        Some(sums) => Scan { sums_v: doubles(sums, "scan")? }.settings(&setting),
        None => vec![setting],
    };
    let call = Call { seed, progress, threads, ..Call::default() };
    to_python(py, &call.run(py, move |context| townsend::gain(&model, &settings, n, context))?)
}

/// Reads avalanches out with the strips of a detector: the hits, a dict of arrays with one value a hit, and a
/// summary.
///
/// The hits are sorted by `event` (int64, the place in the set), `view` (uint8: 0 for X, 1 for V) and `strip`
/// (uint32), and have `layer` and `sheet` (uint8), `charge_fC` and `time_ns` (float32). `detector` as in
/// `simulate`.
///
/// >>> hits, summary = townsend.readout(townsend.simulate(20))
/// >>> len(hits["charge_fC"]) == summary["hits"]
/// True
#[pyfunction]
#[pyo3(signature = (avalanches, detector=None, seed=1, *, progress=None, threads=None))]
pub(crate) fn readout<'py>(
    py: Python<'py>,
    avalanches: &Bound<'py, PyAny>,
    detector: Option<&Bound<'py, PyAny>>,
    #[pyo3(from_py_with = number)] seed: u64,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyDict>, Bound<'py, PyAny>)> {
    let (data, detector) = (set(avalanches)?, self::detector(detector)?);
    let call = Call { seed, progress, threads, ..Call::default() };
    let (hits, summary) = call.run(py, move |context| townsend::readout(&data, &detector, context))?;
    let columns = PyDict::new(py);
    columns.set_item("event", column(py, &hits, |hit| hit.event.cast_signed()))?;
    columns.set_item("layer", column(py, &hits, |hit| hit.layer))?;
    columns.set_item("sheet", column(py, &hits, |hit| hit.sheet))?;
    columns.set_item("view", column(py, &hits, |hit| hit.view))?;
    columns.set_item("strip", column(py, &hits, |hit| hit.strip))?;
    columns.set_item("charge_fC", column(py, &hits, |hit| hit.charge_fc))?;
    columns.set_item("time_ns", column(py, &hits, |hit| hit.time_ns))?;
    Ok((columns, to_python(py, &summary)?))
}

fn column<'py, T: numpy::Element>(
    py: Python<'py>,
    hits: &[StripHit],
    of: impl Fn(&StripHit) -> T,
) -> Bound<'py, PyArray1<T>> {
    PyArray1::from_vec(py, hits.iter().map(of).collect())
}

/// The comparison of generated avalanches with real ones: what `townsend.check` returns.
///
/// `str()` is the table of distances with the verdict, `to_dict()` every number of `report.json`; in a
/// notebook it is the page.
///
/// >>> real, generated = townsend.simulate(60), townsend.simulate(60, seed=2)
/// >>> check = townsend.check(real, generated, classifiers=False)
/// >>> check.verdict in ("green", "grey", "amber", "red")
/// True
#[pyclass(module = "townsend", frozen, name = "Check")]
pub(crate) struct PyCheck(Arc<Check>);

#[pymethods]
impl PyCheck {
    /// Every number, as `report.json` has them: a dict. docs/metrics.md says what they are.
    ///
    /// >>> real, generated = townsend.simulate(60), townsend.simulate(60, seed=2)
    /// >>> report = townsend.check(real, generated, classifiers=False).to_dict()
    /// >>> sorted(report["observables"]["rms_x"]["ks"])
    /// ['floor', 'interval', 'p_value', 'value']
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.report)
    }

    /// The worst of all lights: "green", "grey" (undecided), "amber" or "red".
    ///
    /// >>> real = townsend.simulate(60)
    /// >>> townsend.check(real, real, classifiers=False).verdict  # 60 avalanches prove little
    /// 'grey'
    #[getter]
    fn verdict(&self) -> Option<&'static str> {
        self.0.report.verdict.as_ref().map(|verdict| Light::name(verdict.light))
    }

    /// What a reader must know before trusting the numbers: sentences.
    ///
    /// >>> real = townsend.simulate(60)
    /// >>> type(townsend.check(real, real, classifiers=False).warnings)
    /// <class 'list'>
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.report.warnings.clone()
    }

    /// The distances of this name that are above a limit: a list of (name, value, limit). `metric` is one of
    /// all observables (`"ks"`) or of one (`"ks.rms_x"`), or of all together, such as `"c2st.auc"`. A value
    /// is None where it is beyond any number.
    ///
    /// >>> real = townsend.simulate(60)
    /// >>> townsend.check(real, real, classifiers=False).exceeds("ks", 0.1)
    /// []
    fn exceeds(&self, py: Python<'_>, metric: &str, limit: f64) -> PyResult<Vec<(String, Option<f64>, f64)>> {
        let found = self.0.report.exceeds(metric, limit);
        let found = found.map_err(|error| exception(py, &error.into()))?;
        Ok(found.into_iter().map(|excess| (excess.metric, excess.value, excess.limit)).collect())
    }

    /// The page with all numbers and figures: one HTML document of 5 MB that needs no other file.
    ///
    /// >>> real = townsend.simulate(60)
    /// >>> townsend.check(real, real, classifiers=False).page().startswith("<!DOCTYPE html>")
    /// True
    fn page(&self, py: Python<'_>) -> PyResult<String> {
        short(py, || townsend::page(&self.0))
    }

    /// Writes `report.json`, `report.html`, an overview and a figure of every number to a folder, as
    /// `townsend check` does.
    ///
    /// >>> real = townsend.simulate(60)
    /// >>> townsend.check(real, real, classifiers=False).save("report", force=True)
    #[pyo3(signature = (folder, *, force=false))]
    fn save(&self, py: Python<'_>, folder: PathBuf, force: bool) -> PyResult<()> {
        let check = Arc::clone(&self.0);
        let call = Call { force, ..Call::default() };
        call.run(py, move |context| write_check(&check, &folder, context))
    }

    fn __str__(&self) -> String {
        self.0.report.table() + &self.0.report.lights()
    }

    fn __repr__(&self) -> String {
        let [real, generated] = [&self.0.report.real, &self.0.report.generated].map(|set| set.avalanches);
        let verdict = self.verdict().unwrap_or("none");
        format!("<Check: {generated} generated avalanches with {real} real ones, verdict {verdict}>")
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("townsend._html")?.call_method1("check", (slf,))
    }
}

/// Compares generated avalanches with real ones: distances of every observable, each with what statistics
/// alone give, classifiers that try to tell them apart, and a verdict.
///
/// Both are avalanches or names of files. `training` are the avalanches that the generator was trained on, to
/// see whether it learnt them by heart; the real ones must not be among them (`Model.held_back`).
/// `conditions` are numbers known beforehand in bins of which the observables are compared too, by name:
/// arrays of one value an avalanche, (of the real, of the generated). `classifiers=False` trains none, which
/// takes most of the time. `thresholds` are the limits of the lights, as `configs/check/default.toml`: a
/// file, text or dict. `halvings` and `resamples` are the random halvings and bootstrap samples behind floors
/// and intervals.
///
/// >>> real, generated = townsend.simulate(60), townsend.simulate(60, seed=2)
/// >>> check = townsend.check(real, generated, classifiers=False)
/// >>> print(check)
/// real: real...
#[pyfunction]
#[pyo3(signature = (real, generated, *, seed=1, classifiers=true, training=None, conditions=None, thresholds=None, grid=None, halvings=None, resamples=None, progress=None, threads=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn check(
    py: Python<'_>,
    real: &Bound<'_, PyAny>,
    generated: &Bound<'_, PyAny>,
    #[pyo3(from_py_with = number)] seed: u64,
    classifiers: bool,
    training: Option<&Bound<'_, PyAny>>,
    conditions: Option<&Bound<'_, PyDict>>,
    thresholds: Option<&Bound<'_, PyAny>>,
    grid: Option<&Bound<'_, PyAny>>,
    halvings: Option<u32>,
    resamples: Option<u32>,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<PyCheck> {
    let (real, generated) = (set(real)?, set(generated)?);
    let training = training.map(set).transpose()?;
    let conditions = conditions.map(compared).transpose()?.unwrap_or_default();
    let thresholds = match thresholds {
        Some(thresholds) => self::thresholds(thresholds)?,
        None => Thresholds::default(),
    };
    let grid = arguments::grid(grid)?;
    let call = Call { seed, progress, threads, ..Call::default() };
    let checked = call.run(py, move |context| {
        let usual = CheckOptions::default();
        let options = CheckOptions {
            seed: context.seed,
            grid,
            halvings: halvings.unwrap_or(usual.halvings),
            resamples: resamples.unwrap_or(usual.resamples),
            classifiers,
            training: training.as_deref(),
            conditions: &conditions,
            thresholds,
        };
        townsend::check(&real, &generated, &options, context)
    })?;
    Ok(PyCheck(Arc::new(checked)))
}

fn thresholds(object: &Bound<'_, PyAny>) -> PyResult<Thresholds> {
    let value: toml::Value = described(object, "thresholds")?;
    let text = toml::to_string(&value).map_err(|error| usage(object.py(), error.to_string()))?;
    Thresholds::from_toml(&text).map_err(|error| exception(object.py(), &error.into()))
}

fn compared(conditions: &Bound<'_, PyDict>) -> PyResult<Vec<ComparedCondition>> {
    let of = |(name, values): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name: String = name.extract()?;
        let (real, generated): (Bound<'_, PyAny>, Bound<'_, PyAny>) = values.extract().map_err(|_| {
            usage(
                values.py(),
                format!("conditions: `{name}` must be two arrays, (of the real, of the generated)"),
            )
        })?;
        let (real, generated) = (doubles(&real, &name)?, doubles(&generated, &name)?);
        Ok(ComparedCondition { name, real, generated })
    };
    conditions.iter().map(of).collect()
}
