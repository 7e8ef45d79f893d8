//! Arguments as Python gives them, as values of the facade.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use numpy::{PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use townsend::files::Input;
use townsend::{Condition, Configuration, Detector, Grid, ReadOptions, Setting, Start};

use crate::errors::{exception, usage};

/// A number that counts something: 0 or more.
pub(crate) fn number(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    object.extract().map_err(|error: PyErr| {
        let py = object.py();
        let too_far = error.is_instance_of::<pyo3::exceptions::PyOverflowError>(py);
        if too_far { usage(py, format!("{object} is no number from 0 to {}", u64::MAX)) } else { error }
    })
}

/// A value that Python knows as its JSON.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(value).map_err(|error| usage(py, error.to_string()))?;
    py.import("json")?.call_method1("loads", (text,))
}

/// The value of a dict, or of a text in TOML, or of the file of this name.
pub(crate) fn described<T: DeserializeOwned>(object: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let py = object.py();
    toml::from_str(&toml_text(object, what)?.0).map_err(|error| usage(py, format!("{what}: {error}")))
}

/// A text in TOML, and the file that it comes from, if it does: of a dict, of a text of several lines, or of
/// a file.
fn toml_text(object: &Bound<'_, PyAny>, what: &str) -> PyResult<(String, Option<PathBuf>)> {
    let py = object.py();
    if object.is_instance_of::<PyDict>() {
        let value: toml::Value = from_dict(object, what)?;
        let text = toml::to_string(&value).map_err(|error| usage(py, format!("{what}: {error}")))?;
        return Ok((text, None));
    }
    if let Ok(text) = object.cast::<PyString>()
        && text.to_string().contains('\n')
    {
        return Ok((text.to_string(), None));
    }
    let path: PathBuf = object.extract()?;
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|source| exception(py, &townsend::Error::Io { path: path.clone(), source }))?;
    Ok((text, Some(path)))
}

/// A dict as a value, by way of its JSON, into which NumPy's numbers go too.
fn from_dict<T: DeserializeOwned>(object: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let py = object.py();
    let text: String = py.import("townsend._data")?.call_method1("to_json", (object, what))?.extract()?;
    serde_json::from_str(&text).map_err(|error| {
        usage(py, format!("{what}: {error}\n  hint: a dict holds numbers, texts, True and False, lists and dicts; leave out what is None"))
    })
}

/// Start and conditions, as keyword arguments give them.
pub(crate) fn setting(
    start: Option<&Bound<'_, PyAny>>,
    conditions: Option<&Bound<'_, PyDict>>,
) -> PyResult<Setting> {
    let mut setting = Setting::default();
    if let Some(start) = start {
        setting.start = self::start(start)?;
    }
    for (name, values) in conditions.into_iter().flatten() {
        let name: String = name.extract()?;
        let wrong =
            |_| usage(values.py(), format!("{name} is {values}; it must be a number, or one a stage"));
        let values = match values.extract::<f64>() {
            Ok(value) => vec![value],
            Err(_) => values.extract().map_err(wrong)?,
        };
        setting.conditions.push(Condition { name, values });
    }
    Ok(setting)
}

fn start(object: &Bound<'_, PyAny>) -> PyResult<Start> {
    if let Ok((x_um, z_um)) = object.extract() {
        return Ok(Start::At { x_um, z_um });
    }
    let text = object.to_string();
    if text == "track" {
        return Ok(Start::Track);
    }
    let hint = "in Python also \"track\", and a place as (x, z) in µm";
    Start::from_str(&text).map_err(|error| usage(object.py(), format!("{error}\n  hint: {hint}")))
}

/// The grid of a dict `{"axes": [...]}`, of a text in TOML, or of a file.
pub(crate) fn grid(object: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Grid>> {
    object.map(|object| described(object, "grid")).transpose()
}

/// A detector by its name or file, or as a dict or text of its own; `None` is the first that ships.
pub(crate) fn detector(object: Option<&Bound<'_, PyAny>>) -> PyResult<Detector> {
    let Some(object) = object else { return facade(None) };
    let py = object.py();
    let named = |path: &Path| townsend::detector(Some(path)).map_err(|error| exception(py, &error));
    if object.is_instance_of::<PyDict>() || object.to_string().contains('\n') {
        let (text, _) = toml_text(object, "detector")?;
        return Detector::from_toml(&text).map_err(|error| exception(py, &error.into()));
    }
    named(&object.extract::<PathBuf>()?)
}

fn facade(named: Option<&Path>) -> PyResult<Detector> {
    townsend::detector(named).map_err(|error| Python::attach(|py| exception(py, &error)))
}

/// A configuration of a training: a dict, a text in TOML, a name that ships, or a file.
pub(crate) fn configuration(object: &Bound<'_, PyAny>) -> PyResult<Configuration> {
    if let Some(shipped) = object.extract().ok().and_then(|name: String| Configuration::shipped(&name)) {
        return Ok(shipped);
    }
    let py = object.py();
    let (text, path) = toml_text(object, "config").map_err(|error| {
        let missing = error.is_instance_of::<pyo3::exceptions::PyFileNotFoundError>(py);
        let names: Vec<_> = Configuration::names().collect();
        let hint = format!("configurations that ship are {}", names.join(", "));
        if missing { crate::errors::hinted(py, &error, &hint) } else { error }
    })?;
    let config = Configuration::from_toml(text);
    Ok(match path {
        Some(path) => Configuration { path, ..config },
        None => config,
    })
}

/// Files of avalanches: one name or pattern, or several.
pub(crate) fn input(files: &Bound<'_, PyAny>, options: ReadOptions) -> PyResult<Input> {
    let files = match files.extract::<PathBuf>() {
        Ok(file) => vec![file],
        Err(_) => files.extract()?,
    };
    Ok(Input { files, options })
}

/// A value that has a form as text: the text itself, or a dict of its parts, `{"x": "xe"}` for `x=xe`.
pub(crate) fn parsed<T: FromStr<Err = String> + Default>(object: Option<&Bound<'_, PyAny>>) -> PyResult<T> {
    let Some(object) = object else { return Ok(T::default()) };
    let text = match object.cast::<PyDict>() {
        Ok(parts) => {
            let part = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| format!("{key}={value}");
            parts.iter().map(part).collect::<Vec<_>>().join(",")
        }
        Err(_) => object.extract()?,
    };
    text.parse().map_err(|error| usage(object.py(), error))
}

/// The dimensions of histograms: one number, or several.
pub(crate) fn dims(object: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<usize>> {
    let Some(object) = object else { return Ok(Vec::new()) };
    match object.extract() {
        Ok(one) => Ok(vec![one]),
        Err(_) => object.extract(),
    }
}

/// Numbers of any type, order of bytes and layout, as one array in memory; `dtype` is what they become.
fn array<'py>(object: &Bound<'py, PyAny>, name: &str, dtype: &str) -> PyResult<Bound<'py, PyAny>> {
    object.py().import("townsend._data")?.call_method1("flat", (object, name, dtype))
}

/// Coordinates.
pub(crate) fn floats(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<f32>> {
    let array: PyReadonlyArray1<'_, f32> = array(object, name, "float32")?.extract()?;
    Ok(array.to_vec()?)
}

/// Values of a condition.
pub(crate) fn doubles(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<f64>> {
    let array: PyReadonlyArray1<'_, f64> = array(object, name, "float64")?.extract()?;
    Ok(array.to_vec()?)
}

/// Numbers from 0 on.
pub(crate) fn whole(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<u64>> {
    let array: PyReadonlyArray1<'_, u64> = array(object, name, "uint64")?.extract()?;
    Ok(array.to_vec()?)
}
