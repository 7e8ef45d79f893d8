//! Pointers from C: what may be NULL and what not.

use std::ffi::{CStr, CString, c_char};
use std::slice;

use crate::error::Failure;

/// An argument that must not be NULL.
///
/// # Safety
/// If it is not NULL it points to a `T` that nobody changes while the reference is used.
pub(crate) unsafe fn given<'a, T>(pointer: *const T, name: &str) -> Result<&'a T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { pointer.as_ref() }.ok_or_else(|| is_null(name))
}

/// An argument that must not be NULL and is written to.
///
/// # Safety
/// If it is not NULL it points to a `T` that nobody else uses while the reference is used.
pub(crate) unsafe fn given_mut<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { pointer.as_mut() }.ok_or_else(|| is_null(name))
}

/// An argument that the function answers by, empty until it has.
///
/// # Safety
/// As [`given_mut`].
pub(crate) unsafe fn emptied<'a, T: Default>(pointer: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    // SAFETY: as promised by the caller.
    let place = unsafe { given_mut(pointer, name) }?;
    *place = T::default();
    Ok(place)
}

/// `n` values of the caller; NULL is allowed where there are none.
///
/// # Safety
/// If it is not NULL it points to `n` values that nobody changes while the slice is used.
pub(crate) unsafe fn values<'a, T>(pointer: *const T, n: usize, name: &str) -> Result<&'a [T], Failure> {
    if n == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(is_null(name));
    }
    fits::<T>(n, name)?;
    // SAFETY: as promised by the caller; the size fits into the address space.
    Ok(unsafe { slice::from_raw_parts(pointer, n) })
}

/// Copies values into a buffer of the caller that was found to be large enough.
///
/// # Safety
/// If it is not NULL as many values can be written there.
pub(crate) unsafe fn copy<T: Copy>(from: &[T], to: *mut T, name: &str) -> Result<(), Failure> {
    if from.is_empty() {
        return Ok(());
    }
    if to.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: as promised by the caller; memory of the library is none of the caller's.
    unsafe { to.copy_from_nonoverlapping(from.as_ptr(), from.len()) };
    Ok(())
}

/// A text of the caller.
///
/// # Safety
/// If it is not NULL it ends with a 0, and nobody changes it while the reference is used.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str, Failure> {
    // SAFETY: as promised by the caller.
    let text = unsafe { bytes(pointer, name) }?;
    std::str::from_utf8(text).map_err(|_| Failure::usage(format!("{name} is not UTF-8")))
}

/// A text of the caller in whatever encoding.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn bytes<'a>(pointer: *const c_char, name: &str) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: as promised by the caller.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// A text for the caller. C's end where they have a 0, so it becomes a blank.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}

fn fits<T>(n: usize, name: &str) -> Result<(), Failure> {
    match n.checked_mul(size_of::<T>()) {
        Some(size) if isize::try_from(size).is_ok() => Ok(()),
        _ => Err(Failure::usage(format!("{n} values of {name} are more than memory can hold"))),
    }
}

pub(crate) fn is_null(name: &str) -> Failure {
    Failure::usage(format!("{name} is NULL"))
}
