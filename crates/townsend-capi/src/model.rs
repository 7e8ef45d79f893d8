//! Models: opened, asked what they are, closed.

use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::ptr::{null, null_mut};

use crate::error::{Error, Failure, answer, status};
use crate::grid::{Axis, KeptAxis};
use crate::pointers::{bytes, c_string, emptied, given};
use crate::setting::Setting;
use crate::threads::on_threads;

/// Something that avalanches can be drawn from: a trained model of any kind, or a detector of the Monte
/// Carlo. It never changes, so that any number of threads may use it at once.
pub struct Model {
    pub(crate) facade: Box<dyn townsend::Model>,
    family: CString,
    source: CString,
    units: [CString; 3],
    json: CString,
    axes: Vec<KeptAxis>,
    conditions: Vec<KeptCondition>,
}

/// What a model is. The pointers are valid as long as the model.
#[repr(C)]
#[derive(Debug)]
pub struct Description {
    /// The family, such as `cascade`, `clusters`, `vae`; `detector` for the Monte Carlo.
    pub family: *const c_char,
    /// Its name or what it was made from; may be empty.
    pub source: *const c_char,
    /// Units of x, z and t, as a rule `mm`, `mm`, `ns`.
    pub units: [*const c_char; 3],
    /// Number of conditions that it knows.
    pub conditions: usize,
    /// Number of cells of its grid, those below and above the axes included; 0 if it draws electrons.
    pub cells: usize,
    /// Number of axes of its grid, 1 to 3; 0 if it draws electrons.
    pub dims: u32,
    /// Bins of each axis, those below and above it included; 1 where the grid has no such axis. Cell
    /// `i_x + shape[0] * (i_z + shape[1] * i_t)` holds bin `i_x` of x, `i_z` of z and `i_t` of t.
    pub shape: [u32; 3],
    /// 1 if it draws electrons, 0 if it draws electrons in cells of its grid.
    pub draws_electrons: u8,
    /// 1 if the start of the primary electron can be chosen.
    pub starts: u8,
    /// 0.
    pub unused: [u8; 6],
}

impl Default for Description {
    fn default() -> Self {
        let empty = c"".as_ptr();
        Self {
            family: empty,
            source: empty,
            units: [empty; 3],
            conditions: 0,
            cells: 0,
            dims: 0,
            shape: [0; 3],
            draws_electrons: 0,
            starts: 0,
            unused: [0; 6],
        }
    }
}

/// A condition that a model knows, such as the voltage of its foils. The pointers are valid as long as the
/// model.
#[repr(C)]
#[derive(Debug)]
pub struct Condition {
    /// Its name, with the unit, such as `voltage_v`.
    pub name: *const c_char,
    /// Number of stages.
    pub stages: usize,
    /// Its value at each stage, if it is not set.
    pub values: *const f64,
    /// For each stage the least and the largest value that its effect was learned from: 2 numbers a stage.
    pub ranges: *const f64,
}

impl Default for Condition {
    fn default() -> Self {
        Self { name: c"".as_ptr(), stages: 0, values: null(), ranges: null() }
    }
}

struct KeptCondition {
    name: CString,
    values: Vec<f64>,
    ranges: Vec<[f64; 2]>,
}

impl Model {
    fn new(facade: Box<dyn townsend::Model>) -> Self {
        let about = facade.describe();
        let json = serde_json::to_string(about).expect("descriptions have a form in JSON");
        let condition = |known: &townsend::KnownCondition| KeptCondition {
            name: c_string(&known.name),
            values: known.values.clone(),
            ranges: known.ranges.clone(),
        };
        Self {
            family: c_string(&about.family),
            source: c_string(&about.source),
            units: about.units.each_ref().map(|unit| c_string(unit)),
            json: c_string(&json),
            axes: about.grid.iter().flat_map(townsend::Grid::axes).map(KeptAxis::new).collect(),
            conditions: about.conditions.iter().map(condition).collect(),
            facade,
        }
    }

    fn description(&self) -> Description {
        let about = self.facade.describe();
        let mut shape = [1; 3];
        for (bins, axis) in shape.iter_mut().zip(about.grid.iter().flat_map(townsend::Grid::axes)) {
            *bins = axis.bins() + 2;
        }
        Description {
            family: self.family.as_ptr(),
            source: self.source.as_ptr(),
            units: self.units.each_ref().map(|unit| unit.as_ptr()),
            conditions: self.conditions.len(),
            cells: about.grid.as_ref().map_or(0, townsend::Grid::cells),
            dims: self.axes.len() as u32,
            shape,
            draws_electrons: about.grid.is_none().into(),
            starts: about.starts.into(),
            unused: [0; 6],
        }
    }
}

/// Opens a run directory, a model in a single file, exported weights, or a detector by its file or by the
/// name of one that ships (`cgem`, `microscopic_275`). Close it with `townsend_model_close`; NULL on errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_open(path_or_name: *const c_char, error: *mut Error) -> *mut Model {
    answer(error, null_mut(), || {
        // SAFETY: as the header asks of every pointer.
        let path = unsafe { path(path_or_name, "path_or_name") }?;
        // Networks are made ready by the threads of a pool.
        let facade = on_threads(1, || <dyn townsend::Model>::open(&path))?;
        Ok(Box::into_raw(Box::new(Model::new(facade))))
    })
}

/// Closes a model; NULL is allowed. Workspaces that were used with it, batches and readouts are still good.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_close(model: *mut Model) {
    if !model.is_null() {
        // SAFETY: it is from `townsend_model_open` and not used any more.
        drop(unsafe { Box::from_raw(model) });
    }
}

/// What the model is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_describe(
    model: *const Model,
    description: *mut Description,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (description, model) = unsafe { (emptied(description, "description")?, given(model, "model")?) };
        *description = model.description();
        Ok(())
    })
}

/// The same as JSON, with grid, conditions and what the model was trained on. Valid as long as the model;
/// NULL if that is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_json(model: *const Model) -> *const c_char {
    // SAFETY: as the header asks of every pointer.
    unsafe { model.as_ref() }.map_or(null(), |model| model.json.as_ptr())
}

/// An axis of the model's grid: 0 is x, 1 is z, 2 is t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_axis(
    model: *const Model,
    number: u32,
    axis: *mut Axis,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (axis, model) = unsafe { (emptied(axis, "axis")?, given(model, "model")?) };
        *axis = numbered(&model.axes, number as usize, "axes")?.view();
        Ok(())
    })
}

/// A condition that the model knows, from 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_condition(
    model: *const Model,
    number: usize,
    condition: *mut Condition,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (condition, model) = unsafe { (emptied(condition, "condition")?, given(model, "model")?) };
        let known = numbered(&model.conditions, number, "conditions")?;
        *condition = Condition {
            name: known.name.as_ptr(),
            stages: known.values.len(),
            values: known.values.as_ptr(),
            ranges: known.ranges.as_ptr().cast(),
        };
        Ok(())
    })
}

/// Refuses a setting that the model cannot follow, and warns, such as of a voltage outside the range that its
/// effect was learned from. Warnings, a line each and often none, go to `warnings`, which holds `capacity`
/// bytes; `needed` is set to how many they need with the 0 at their end. Both may be NULL (with capacity 0).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_check(
    model: *const Model,
    setting: *const Setting,
    warnings: *mut c_char,
    capacity: usize,
    needed: *mut usize,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (model, setting) = unsafe { (given(model, "model")?, setting.as_ref()) };
        let default = townsend::Setting::default();
        let found = model.facade.check(setting.map_or(&default, |setting| &setting.0))?;
        let text = c_string(&found.join("\n"));
        let text = text.as_bytes_with_nul();
        // SAFETY: as the header asks of every pointer.
        if let Some(needed) = unsafe { needed.as_mut() } {
            *needed = text.len();
        }
        if warnings.is_null() && capacity == 0 {
            return Ok(());
        }
        if capacity < text.len() {
            return Err(Failure::size("bytes", capacity, text.len()));
        }
        // SAFETY: the caller's buffer holds `capacity` bytes.
        unsafe { crate::pointers::copy(text, warnings.cast(), "warnings") }
    })
}

/// A path of the caller.
///
/// # Safety
/// If it is not NULL it ends with a 0.
pub(crate) unsafe fn path(pointer: *const c_char, name: &str) -> Result<PathBuf, Failure> {
    // SAFETY: as promised by the caller.
    let bytes = unsafe { bytes(pointer, name) }?;
    if bytes.is_empty() {
        return Err(Failure::usage(format!("{name} is empty")));
    }
    #[cfg(unix)]
    return Ok(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes).into());
    #[cfg(not(unix))]
    match std::str::from_utf8(bytes) {
        Ok(path) => Ok(path.into()),
        Err(_) => Err(Failure::usage(format!("{name} is not UTF-8"))),
    }
}

fn numbered<'a, T>(all: &'a [T], number: usize, what: &str) -> Result<&'a T, Failure> {
    let there = all.len();
    all.get(number).ok_or_else(|| Failure::usage(format!("there are {there} {what}, and no number {number}")))
}
