//! Models: opened, trained, asked and drawn from.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use townsend::files::{Input, train_configured, write_model};
use townsend::{
    Drawn, Families, Model, ReadOptions, RunFiles, Sample, Setting, Trained, Workspace, sample, train_into,
};

use crate::arguments::{self, configuration, number, setting, to_python};
use crate::avalanche::{PyAvalanche, Single};
use crate::avalanches::{PyAvalanches, set};
use crate::errors::{usage, warn};
use crate::work::{Call, short};

/// Something that avalanches can be drawn from: a trained model of any family, or a detector of the Monte
/// Carlo.
///
/// `townsend.load` opens one, `townsend.train` makes one. Avalanche `index` of a `seed` and of the same
/// conditions is always the same, bit for bit: alone or together with others, on any number of threads, from
/// Python or from the command line.
///
/// >>> model = townsend.load("microscopic_275")
/// >>> model.family, model.units, model.starts
/// ('detector', ('mm', 'mm', 'ns'), True)
/// >>> model.generate(1000, seed=2, start="drift")
/// <Avalanches: 1000 avalanches, ... electrons in mm, mm, ns>
#[pyclass(module = "townsend", frozen, name = "Model")]
pub(crate) struct PyModel {
    model: Arc<dyn Model>,
    /// The name or file that it was opened from.
    origin: Option<PathBuf>,
    /// The numbers of the training that it comes from.
    training: Option<serde_json::Value>,
    /// Memory for single avalanches, for as many threads as draw at once. Locked for moments only, and by a
    /// thread that holds the interpreter, so that a fork never finds it locked.
    workspaces: Mutex<Vec<Workspace>>,
}

impl PyModel {
    fn new(model: Arc<dyn Model>, origin: Option<PathBuf>) -> Self {
        Self { model, origin, training: None, workspaces: Mutex::default() }
    }
}

/// Avalanches of a model, and warnings of its setting.
pub(crate) fn draw(
    py: Python<'_>,
    model: &Arc<dyn Model>,
    action: &'static str,
    wanted: Sample,
    call: Call,
) -> PyResult<PyAvalanches> {
    warn(py, &short(py, || model.check(&wanted.setting))?)?;
    let model = Arc::clone(model);
    Ok(call.run(py, move |context| sample(&*model, action, &wanted, context))?.into())
}

/// The `n` avalanches from number `first` on.
pub(crate) fn from_number(py: Python<'_>, n: u64, first: u64, setting: Setting) -> PyResult<Sample> {
    let last = first.checked_add(n);
    let last = last.ok_or_else(|| usage(py, format!("there is no avalanche number {first} + {n}")))?;
    Ok(Sample::of(first..last, setting))
}

#[pymethods]
impl PyModel {
    /// Draws `n` avalanches, those with the numbers from `first` on.
    ///
    /// `start` is where primary electrons start: "cell" (over the cell of a hole, the default), "drift" (over
    /// the drift gap too), "track", or a place (x, z) in µm. Further keywords are conditions of the model,
    /// such as `voltage_v=280` or one value a stage, `voltage_v=[280, 275, 275]`. `progress(task, done,
    /// total, message)` is called as the work goes on. All are in memory at the end (12 bytes an electron):
    /// of very many, draw some at a time by `first`. With `shard="3/8"` it draws the third of eight parts of
    /// the `n`; saved, the parts are what `townsend merge` puts together.
    ///
    /// >>> model = townsend.load("microscopic_275")
    /// >>> model.generate(20)[10:] == model.generate(10, first=10) == model.generate(20, shard="2/2")
    /// True
    #[pyo3(signature = (n, seed=1, first=0, start=None, *, shard=None, progress=None, threads=None, **conditions))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn generate(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = number)] n: u64,
        #[pyo3(from_py_with = number)] seed: u64,
        #[pyo3(from_py_with = number)] first: u64,
        start: Option<&Bound<'_, PyAny>>,
        shard: Option<&str>,
        progress: Option<Py<PyAny>>,
        threads: Option<usize>,
        conditions: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyAvalanches> {
        let call = Call { seed, progress, threads, ..Call::default() };
        let setting = setting(start, conditions)?;
        let wanted = match shard {
            None => from_number(py, n, first, setting)?,
            Some(_) if first > 0 => {
                return Err(usage(py, "a shard says which avalanches it has: leave `first` out"));
            }
            Some(shard) => Sample::shard(n, shard.parse().map_err(|what| usage(py, what))?, setting),
        };
        draw(py, &self.model, "generate", wanted, call)
    }

    /// Draws avalanche number `index` alone, at once and on the thread that asks: what a program needs that
    /// goes event by event. Start and conditions as in `generate`.
    ///
    /// >>> model = townsend.load("microscopic_275")
    /// >>> bool((model.avalanche(7).x == model.generate(10)[7].x).all())
    /// True
    #[pyo3(signature = (index, seed=1, start=None, **conditions))]
    fn avalanche(
        &self,
        py: Python<'_>,
        #[pyo3(from_py_with = number)] index: u64,
        #[pyo3(from_py_with = number)] seed: u64,
        start: Option<&Bound<'_, PyAny>>,
        conditions: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyAvalanche> {
        let setting = setting(start, conditions)?;
        let kept = || self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workspace = kept().pop().unwrap_or_default();
        // After a panic the memory is not used again.
        let drawn = short(py, || self.model.avalanche(seed, index, &setting, &mut workspace))?;
        let single = match drawn {
            Drawn::Electrons(one) => Single::Electrons(
                [one.x, one.z, one.t].map(|values| PyArray1::from_slice(py, values).unbind()),
            ),
            Drawn::Counts(one) => {
                let [cells, counts] =
                    [one.cells, one.counts].map(|values| PyArray1::from_slice(py, values).unbind());
                let grid = self.model.describe().grid.clone();
                let grid = Arc::new(grid.ok_or_else(|| usage(py, "the model names no grid"))?);
                Single::Counts { cells, counts, grid }
            }
        };
        kept().push(workspace);
        Ok(PyAvalanche(single))
    }

    /// Avalanches of `real` as a model with an encoder describes them, each with as many electrons as it has.
    /// They are not new avalanches. Only a vae has an encoder.
    ///
    /// >>> townsend.load("microscopic_275").encoder
    /// False
    #[pyo3(signature = (real, seed=1, *, progress=None, threads=None))]
    fn reconstruct(
        &self,
        py: Python<'_>,
        real: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = number)] seed: u64,
        progress: Option<Py<PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<PyAvalanches> {
        let (model, real) = (Arc::clone(&self.model), set(real)?);
        let call = Call { seed, progress, threads, ..Call::default() };
        let made = call.run(py, move |context| {
            let made = model.reconstruct(context.seed, &real)?;
            made.ok_or_else(|| townsend::Error::NoEncoder { path: "the model".into() })
        })?;
        Ok(made.into())
    }

    /// The numbers of the avalanches that the model was trained on (`"training"`) and of those that were held
    /// back from it (`"test"`), of the avalanches of its training: a dict of int64 arrays.
    ///
    /// >>> data = townsend.simulate(60, seed=5)
    /// >>> small = {"model": {"family": "clusters"}, "training": {"sweeps": 10, "electrons": 4000}}
    /// >>> parts = townsend.train(small, data).held_back(data)
    /// >>> len(parts["training"]) + len(parts["test"]) <= 60
    /// True
    fn held_back<'py>(&self, py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let data = set(data)?;
        let parts = short(py, || townsend::held_back(&*self.model, &data))?;
        let numbers = |part: Vec<usize>| PyArray1::from_vec(py, part.into_iter().map(|k| k as i64).collect());
        let of = PyDict::new(py);
        of.set_item("training", numbers(parts.training))?;
        of.set_item("test", numbers(parts.test))?;
        Ok(of)
    }

    /// Writes the model to a single file: `.townsend`, which `load` and the command line open, or the weights
    /// of a network as `.safetensors` with the names of a PyTorch state dict. Returns what was written.
    ///
    /// >>> townsend.load("microscopic_275").export("model.townsend", force=True)["family"]
    /// 'detector'
    #[pyo3(signature = (path, *, force=false))]
    fn export<'py>(&self, py: Python<'py>, path: PathBuf, force: bool) -> PyResult<Bound<'py, PyAny>> {
        let model = Arc::clone(&self.model);
        let call = Call { force, ..Call::default() };
        to_python(py, &call.run(py, move |context| write_model(&*model, &path, context))?)
    }

    /// The weights of a network, as the bytes of a safetensors file; None if the model is no network.
    ///
    /// `safetensors.numpy.load(model.weights())` is a dict of arrays.
    ///
    /// >>> townsend.load("microscopic_275").weights() is None
    /// True
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let weights = short(py, || self.model.weights())?;
        Ok(weights.map(|weights| PyBytes::new(py, &weights.bytes)))
    }

    /// How the training went: a list of curves, each with what it shows (`number`), its `name` and `points`
    /// (epoch, value).
    ///
    /// >>> townsend.load("microscopic_275").history()
    /// []
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &short(py, || self.model.history())?.curves)
    }

    /// What the model is and what can be asked of it, all together: a dict.
    ///
    /// >>> townsend.load("microscopic_275").describe()["starts"]
    /// True
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, self.model.describe())
    }

    /// The family, as a configuration names it; "detector" for the Monte Carlo.
    ///
    /// >>> townsend.load("cgem").family
    /// 'detector'
    #[getter]
    fn family(&self) -> &str {
        &self.model.describe().family
    }

    /// Its name, or what it was made from, in words of its author.
    ///
    /// >>> townsend.load("cgem").source != ""
    /// True
    #[getter]
    fn source(&self) -> &str {
        &self.model.describe().source
    }

    /// The units of x, z and t.
    ///
    /// >>> townsend.load("cgem").units
    /// ('mm', 'mm', 'ns')
    #[getter]
    fn units<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.model.describe().units)
    }

    /// The grid of its avalanches as a dict; None if it draws electrons.
    ///
    /// >>> townsend.load("cgem").grid is None
    /// True
    #[getter]
    fn grid<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.model.describe().grid)
    }

    /// What its avalanches can be made to depend on: a dict by name, with the value at each stage if it is
    /// not set (`values`), and the least and largest that its effect was learned from (`ranges`).
    ///
    /// A cascade that was trained with responses at several voltages has `voltage_v`, for one.
    ///
    /// >>> townsend.load("microscopic_275").conditions["voltage_v"]["values"]
    /// [275.0, 275.0, 275.0]
    #[getter]
    fn conditions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let of = PyDict::new(py);
        for known in &self.model.describe().conditions {
            let values = serde_json::json!({ "values": known.values, "ranges": known.ranges });
            of.set_item(&known.name, to_python(py, &values)?)?;
        }
        Ok(of)
    }

    /// True if the primary electron can start elsewhere than it did in training.
    ///
    /// >>> townsend.load("cgem").starts
    /// True
    #[getter]
    fn starts(&self) -> bool {
        self.model.describe().starts
    }

    /// True if it can show avalanches as it describes them (`reconstruct`).
    ///
    /// >>> townsend.load("cgem").encoder
    /// False
    #[getter]
    fn encoder(&self) -> bool {
        self.model.describe().encoder
    }

    /// The avalanches that it was trained on: a dict with their file, digest and split; None if it was not
    /// trained on avalanches.
    ///
    /// >>> townsend.load("cgem").data is None
    /// True
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.model.describe().data)
    }

    /// The numbers of its training, as its family has them, and `sentence`, the same in words; None if it was
    /// opened and not trained.
    ///
    /// >>> townsend.load("cgem").training is None
    /// True
    #[getter]
    fn training<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.training)
    }

    fn __repr__(&self) -> String {
        let about = self.model.describe();
        let source = if about.source.is_empty() { String::new() } else { format!(" \"{}\"", about.source) };
        let draws = if about.grid.is_some() { "counts" } else { "electrons" };
        let conditions: Vec<&str> = about.conditions.iter().map(|known| known.name.as_str()).collect();
        let conditions = if conditions.is_empty() {
            String::new()
        } else {
            format!(", conditions {}", conditions.join(", "))
        };
        format!("<Model: {}{source}, draws {draws}{conditions}>", about.family)
    }

    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("townsend._html")?.call_method1("model", (slf,))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let module = py.import("townsend._townsend")?;
        Ok(match &self.origin {
            Some(origin) => (module.getattr("load")?, PyTuple::new(py, [origin])?),
            None => {
                let bytes = short(py, || self.model.to_bytes())?;
                (module.getattr("_model")?, PyTuple::new(py, [PyBytes::new(py, &bytes)])?)
            }
        })
    }
}

/// Opens a model: a run directory, a file of `export`, or a detector by its name or its file in TOML.
///
/// >>> townsend.load("microscopic_275")
/// <Model: detector "..., draws electrons, conditions voltage_v>
/// >>> townsend.load("nowhere")
/// Traceback (most recent call last):
/// townsend.NotFoundError: nowhere: is not a run: it has no run.json; give a folder that a training made
#[pyfunction]
pub(crate) fn load(py: Python<'_>, path: PathBuf) -> PyResult<PyModel> {
    let model = {
        let path = path.clone();
        Call::default().run(py, move |context| context.families.open(&path))?
    };
    // A process that is started anew may have another folder.
    let origin = if path.exists() { std::path::absolute(&path).unwrap_or(path) } else { path };
    Ok(PyModel::new(model.into(), Some(origin)))
}

/// The model of its pickled bytes.
#[pyfunction]
pub(crate) fn _model(py: Python<'_>, bytes: &[u8]) -> PyResult<PyModel> {
    let bytes = bytes.to_vec();
    let model = Call::default().run(py, move |_| Families::shipped().open_bytes(bytes))?;
    Ok(PyModel::new(model.into(), None))
}

/// Trains a model, and returns it.
///
/// `config` is a dict, a text in TOML, a file, or the name of a configuration that ships
/// (`townsend.configs()`); `set` replaces values of it, as `{"training.epochs": 2}`, and `seed` its seed.
/// `data` are avalanches, or the names of files, which also the recorded responses of single foils come from.
/// With `run` the files of the training are left in that folder, which `townsend.load` opens and
/// `resume=True` goes on with if it was stopped; otherwise they are in memory. `progress(task, done, total,
/// message)` is called as the work goes on.
///
/// >>> small = {"model": {"family": "clusters"}, "training": {"sweeps": 10, "electrons": 4000}}
/// >>> model = townsend.train(small, townsend.simulate(60, seed=5))
/// >>> model.generate(100)
/// <Avalanches: 100 avalanches, ... electrons in mm, mm, ns>
#[pyfunction]
#[pyo3(signature = (config, data, run=None, *, set=None, seed=None, resume=false, force=false, progress=None, threads=None))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments of Python")]
pub(crate) fn train(
    py: Python<'_>,
    config: &Bound<'_, PyAny>,
    data: &Bound<'_, PyAny>,
    run: Option<PathBuf>,
    set: Option<&Bound<'_, PyDict>>,
    seed: Option<u64>,
    resume: bool,
    force: bool,
    progress: Option<Py<PyAny>>,
    threads: Option<usize>,
) -> PyResult<PyModel> {
    let mut config = configuration(config)?;
    for (key, value) in set.into_iter().flatten() {
        let value: String =
            py.import("townsend._data")?.call_method1("to_json", (value, "set"))?.extract()?;
        config.set.push(format!("{key}={value}"));
    }
    config.set.extend(seed.map(|seed| format!("training.seed={seed}")));
    let files = run.clone().map_or_else(RunFiles::memory, RunFiles::Folder);
    let call = Call { force, progress, threads, ..Call::default() };
    let (trained, model) = match named_files(data)? {
        Some(input) => call.run(py, move |context| {
            with_model(train_configured(config, input, files, resume, context)?, context)
        }),
        None => {
            let data = crate::avalanches::set(data)?;
            call.run(py, move |context| {
                let data = (*data).clone().into();
                with_model(train_into(&config, &data, files, resume, context)?, context)
            })
        }
    }?;
    warn(py, &trained.outcome.warnings)?;
    let mut numbers = trained.outcome.numbers;
    if let Some(numbers) = numbers.as_object_mut() {
        numbers.insert("sentence".into(), trained.outcome.sentence.into());
    }
    let origin = run.map(|run| std::path::absolute(&run).unwrap_or(run));
    Ok(PyModel { training: Some(numbers), ..PyModel::new(model.into(), origin) })
}

fn with_model(
    trained: Trained,
    context: &townsend::Context<'_>,
) -> townsend::Result<(Trained, Box<dyn Model>)> {
    context.go_on()?;
    let model = trained.model(context)?;
    Ok((trained, model))
}

/// The files that data are named by, if they are names and not avalanches.
fn named_files(data: &Bound<'_, PyAny>) -> PyResult<Option<Input>> {
    let names: bool = data.py().import("townsend._data")?.call_method1("are_files", (data,))?.extract()?;
    names.then(|| arguments::input(data, ReadOptions::default())).transpose()
}

/// The names of the detectors that ship, the default first.
///
/// >>> "cgem" in townsend.detectors()
/// True
#[pyfunction]
pub(crate) fn detectors() -> Vec<String> {
    townsend::Detector::names().map(String::from).collect()
}

/// The text of a detector that ships, in TOML: what to begin one's own with.
///
/// >>> townsend.detector("cgem").count("[[foils]]") > 0 or "foil" in townsend.detector("cgem")
/// True
#[pyfunction]
pub(crate) fn detector(py: Python<'_>, name: &str) -> PyResult<&'static str> {
    let text = townsend::Detector::shipped(name);
    text.ok_or_else(|| {
        usage(py, format!("there is no detector `{name}`; there are {}", detectors().join(", ")))
    })
}

/// The names of the configurations that ship.
///
/// >>> "clusters" in townsend.configs()
/// True
#[pyfunction]
pub(crate) fn configs() -> Vec<&'static str> {
    townsend::Configuration::names().collect()
}

/// The text of a configuration that ships, in TOML, every key with what it means.
///
/// >>> "family" in townsend.config("clusters")
/// True
#[pyfunction]
pub(crate) fn config(py: Python<'_>, name: &str) -> PyResult<String> {
    let config = townsend::Configuration::shipped(name);
    let config = config.ok_or_else(|| {
        usage(py, format!("there is no configuration `{name}`; there are {}", configs().join(", ")))
    })?;
    Ok(config.text)
}
