//! Settings: where primary electrons start, and conditions such as a voltage.

use std::ffi::c_char;

use townsend::{Condition, Start};

use crate::error::{Error, Failure, status};
use crate::pointers::{given_mut, text, values};

/// Where the primary electron starts and values of conditions; NULL in its place is as in training.
#[derive(Default)]
pub struct Setting(pub(crate) townsend::Setting);

/// A setting with everything as in training. Free it with `townsend_setting_free`.
#[unsafe(no_mangle)]
pub extern "C" fn townsend_setting_new() -> *mut Setting {
    Box::into_raw(Box::default())
}

/// Frees a setting; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_setting_free(setting: *mut Setting) {
    if !setting.is_null() {
        // SAFETY: it is from `townsend_setting_new` and not used any more.
        drop(unsafe { Box::from_raw(setting) });
    }
}

/// Where the primary electron starts, in words: `cell` (evenly over the cell of a hole, just above the first
/// foil), `drift` (the same and evenly over the height of the drift gap) or `X,Z` (at that place, µm from the
/// centre of a hole).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_setting_set_start(
    setting: *mut Setting,
    start: *const c_char,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (setting, start) = unsafe { (given_mut(setting, "setting")?, text(start, "start")?) };
        setting.0.start = start.parse().map_err(Failure::usage)?;
        Ok(())
    })
}

/// The primary electron starts just above the first foil at this place, µm from the centre of a hole. Other
/// than with a text nothing is allocated, so it may change with every electron.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_setting_set_start_at(
    setting: *mut Setting,
    x_um: f64,
    z_um: f64,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let setting = unsafe { given_mut(setting, "setting") }?;
        if !(x_um.is_finite() && z_um.is_finite()) {
            return Err(Failure::usage(format!("the start is {x_um}, {z_um} µm, which is no place")));
        }
        setting.0.start = Start::At { x_um, z_um };
        Ok(())
    })
}

/// Not one electron starts but a charged track crosses the drift gap, as the detector describes it: all
/// electrons that it frees are primary electrons of one avalanche.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_setting_set_start_track(setting: *mut Setting, error: *mut Error) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        unsafe { given_mut(setting, "setting") }?.0.start = Start::Track;
        Ok(())
    })
}

/// Sets a condition, such as `voltage_v`: one value for all stages, or one for each. Names and ranges are
/// those of `townsend_model_condition`; whether the model can follow is told when it is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_setting_set_condition(
    setting: *mut Setting,
    name: *const c_char,
    of_stages: *const f64,
    n: usize,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (setting, name, values) = unsafe {
            (given_mut(setting, "setting")?, text(name, "name")?, values(of_stages, n, "of_stages")?)
        };
        if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
            return Err(Failure::usage(format!("{name} needs values, and finite ones")));
        }
        setting.0.conditions.retain(|condition| condition.name != name);
        setting.0.conditions.push(Condition { name: name.into(), values: values.into() });
        Ok(())
    })
}
