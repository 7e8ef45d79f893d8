//! Errors of the facade as exceptions of Python.

use std::io::ErrorKind;

use pyo3::prelude::*;
use pyo3::types::PyAnyMethods;
use townsend::{Choice, Error};

/// An option of reading as a keyword argument.
pub(crate) fn spelled(choice: &Choice) -> String {
    let option = if choice.option == "selection" { "where" } else { choice.option };
    format!("{option}={:?}", choice.value)
}

/// The exception of an error, with a line that says which argument settles it where one does.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let hint = hint(error).map_or(String::new(), |hint| format!("\n  hint: {hint}"));
    let class = match error.system() {
        Some(ErrorKind::NotFound) => "NotFoundError",
        Some(ErrorKind::AlreadyExists) => "ExistsError",
        Some(ErrorKind::PermissionDenied) => "AccessError",
        Some(ErrorKind::IsADirectory) => "FolderError",
        Some(ErrorKind::OutOfMemory) => "OutOfMemoryError",
        // The contents of a file and not the system are at fault.
        Some(kind) if !matches!(kind, ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => "FileError",
        _ if error.is_usage() => "UsageError",
        _ => "Error",
    };
    new(py, class, format!("{error}{hint}"))
}

/// An argument that cannot be.
pub(crate) fn usage(py: Python<'_>, message: impl Into<String>) -> PyErr {
    new(py, "UsageError", message.into())
}

/// An array that avalanches of the other kind have.
pub(crate) fn other_kind(py: Python<'_>, message: &str) -> PyErr {
    new(py, "KindError", message.into())
}

/// A panic, which is a defect of this library.
pub(crate) fn defect(py: Python<'_>, panic: &(dyn std::any::Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let what = "this is a defect of townsend, please report it with what led to it";
    new(py, "DefectError", format!("{what}: {text}"))
}

/// Warns the user of Python's way.
pub(crate) fn warn<'a>(py: Python<'_>, texts: impl IntoIterator<Item = &'a String>) -> PyResult<()> {
    let warn = py.import("warnings")?.getattr("warn")?;
    let class = class(py, "Warning")?;
    texts.into_iter().try_for_each(|text| warn.call1((text, &class, 1)).map(drop))
}

fn new(py: Python<'_>, name: &str, message: String) -> PyErr {
    match class(py, name).and_then(|class| class.call1((message,))) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("townsend._errors")?.getattr(name)
}

fn hint(error: &Error) -> Option<String> {
    use townsend_io::Error as Avalanches;
    match error {
        Error::In { source, .. } | Error::InData(source) | Error::HeldBack { source, .. } => hint(source),
        Error::Avalanches(avalanches) if !avalanches.choices().is_empty() => {
            let options: Vec<String> = avalanches.choices().iter().map(spelled).collect();
            Some(format!("{} reads it so", options.join(", ")))
        }
        Error::Avalanches(Avalanches::Content { what, .. })
            if what.ends_with("have their contents rounded") =>
        {
            Some("round=True rounds them".into())
        }
        Error::Avalanches(Avalanches::UnknownEnding { .. }) => {
            Some("format=\"root\" or format=\"npz\" says which it is".into())
        }
        Error::Run(townsend_core::RunError::Exists(_)) => {
            Some("resume=True goes on with the run, force=True replaces it".into())
        }
        Error::Memory { .. } => {
            Some("fewer at a time need less: n and first of generate, files of read; the command townsend writes any number to a file".into())
        }
        Error::NothingToResume => Some("leave out resume=True".into()),
        Error::FixedSetting { .. } => Some("leave out start and conditions".into()),
        error if error.system() == Some(ErrorKind::AlreadyExists) => Some("force=True overwrites it".into()),
        _ => None,
    }
}

/// Any other error.
pub(crate) fn new_error(py: Python<'_>, message: String) -> PyErr {
    new(py, "Error", message)
}

/// The same exception with one more line.
pub(crate) fn hinted(py: Python<'_>, error: &PyErr, hint: &str) -> PyErr {
    PyErr::from_type(error.get_type(py), format!("{}\n  hint: {hint}", error.value(py)))
}
