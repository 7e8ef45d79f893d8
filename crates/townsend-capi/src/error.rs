//! Errors: what went wrong, in memory of the caller.

use std::any::Any;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// All went well.
pub const TOWNSEND_OK: i32 = 0;
/// What was found is wrong: a file that is damaged, or that cannot be read.
pub const TOWNSEND_ERROR_FOUND: i32 = 1;
/// What was asked for is wrong: an argument, a condition that the model does not know.
pub const TOWNSEND_ERROR_USAGE: i32 = 2;
/// The caller's buffer is too small; the size that it needs was returned, and nothing was written to it.
pub const TOWNSEND_ERROR_SIZE: i32 = 3;
/// A defect of the library, which asks for a report. Everything can be used further.
pub const TOWNSEND_ERROR_DEFECT: i32 = 4;

/// Bytes of a message, the 0 at its end included.
pub const TOWNSEND_MESSAGE_SIZE: usize = 2044;

/// What went wrong. Belongs to the caller; every function that takes one sets it, to 0 and an empty message
/// when all went well. NULL in its place is allowed.
#[repr(C)]
#[derive(Debug)]
pub struct Error {
    /// `TOWNSEND_OK` or one of the `TOWNSEND_ERROR_`s.
    pub code: i32,
    /// What went wrong, in UTF-8, and often what to do: it may have several lines. Cut where it is too long.
    pub message: [c_char; TOWNSEND_MESSAGE_SIZE],
}

impl Default for Error {
    fn default() -> Self {
        Self { code: TOWNSEND_OK, message: [0; TOWNSEND_MESSAGE_SIZE] }
    }
}

impl Error {
    fn set(&mut self, code: i32, message: &str) {
        let mut end = message.len().min(TOWNSEND_MESSAGE_SIZE - 1);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        let bytes = message[..end].bytes().map(|byte| if byte == 0 { b' ' } else { byte });
        for (place, byte) in self.message.iter_mut().zip(bytes.chain([0])) {
            *place = byte as c_char;
        }
        self.code = code;
    }
}

/// Why a function fails.
pub(crate) struct Failure {
    code: i32,
    message: String,
}

impl Failure {
    /// An argument that cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { code: TOWNSEND_ERROR_USAGE, message: message.into() }
    }

    /// Something that the system refuses.
    pub(crate) fn found(message: impl Into<String>) -> Self {
        Self { code: TOWNSEND_ERROR_FOUND, message: message.into() }
    }

    /// A buffer of the caller that holds less than is needed.
    pub(crate) fn size(what: &str, holds: usize, needed: usize) -> Self {
        let message = format!("the buffer holds {holds} {what}, and {needed} are needed");
        Self { code: TOWNSEND_ERROR_SIZE, message }
    }

    fn defect(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let message = format!("townsend has a defect; please report it: {text}");
        Self { code: TOWNSEND_ERROR_DEFECT, message }
    }
}

impl From<townsend::Error> for Failure {
    fn from(error: townsend::Error) -> Self {
        let code = if error.is_usage() { TOWNSEND_ERROR_USAGE } else { TOWNSEND_ERROR_FOUND };
        Self { code, message: error.to_string() }
    }
}

/// Does the work of a function that returns something: that, or `failed`. Panics end here.
pub(crate) fn answer<T>(error: *mut Error, failed: T, work: impl FnOnce() -> Result<T, Failure>) -> T {
    // What a panic may leave half done are workspaces and events, and `status_of` makes those anew.
    let done = catch_unwind(AssertUnwindSafe(work));
    let done = done.unwrap_or_else(|panic| Err(Failure::defect(&*panic)));
    // SAFETY: the header asks for NULL or an error that can be written.
    let error = unsafe { error.as_mut() };
    match done {
        Ok(value) => {
            if let Some(error) = error {
                (error.code, error.message[0]) = (TOWNSEND_OK, 0);
            }
            value
        }
        Err(failure) => {
            if let Some(error) = error {
                error.set(failure.code, &failure.message);
            }
            failed
        }
    }
}

/// Does the work of a function that returns a code.
pub(crate) fn status(error: *mut Error, work: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let mut code = TOWNSEND_ERROR_DEFECT;
    let noted = || {
        let done = work();
        code = done.as_ref().map_or_else(|failure| failure.code, |()| TOWNSEND_OK);
        done
    };
    answer(error, (), noted);
    code
}

/// Does the work of a function that returns a code and works in `memory`, which is made anew after a panic.
pub(crate) fn status_of<M: Default>(
    error: *mut Error,
    memory: *mut M,
    work: impl FnOnce() -> Result<(), Failure>,
) -> i32 {
    let code = status(error, work);
    if code == TOWNSEND_ERROR_DEFECT {
        // SAFETY: the header asks for NULL or memory that nobody else uses during the call.
        if let Some(memory) = unsafe { memory.as_mut() } {
            *memory = M::default();
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn message(error: &Error) -> &str {
        // SAFETY: messages end with a 0.
        unsafe { CStr::from_ptr(error.message.as_ptr()) }.to_str().unwrap()
    }

    #[test]
    fn a_panic_is_an_error_and_the_memory_is_new() {
        let (mut error, mut memory) = (Error::default(), 1);
        let at = &raw mut memory;
        let code = status_of(&raw mut error, at, || {
            // SAFETY: it is this function's own.
            unsafe { *at = 2 };
            panic!("number {}", 7)
        });
        assert_eq!((code, error.code, memory), (TOWNSEND_ERROR_DEFECT, TOWNSEND_ERROR_DEFECT, 0));
        assert_eq!(message(&error), "townsend has a defect; please report it: number 7");
        assert_eq!(answer(&raw mut error, 1, || Ok(2)), 2);
        assert_eq!((error.code, message(&error)), (TOWNSEND_OK, ""));
        assert_eq!(answer(std::ptr::null_mut(), 1, || panic!("nobody listens")), 1);
    }

    #[test]
    fn messages_are_cut_between_characters_and_hold_no_zero() {
        let mut error = Error::default();
        error.set(2, &"é".repeat(TOWNSEND_MESSAGE_SIZE));
        assert_eq!(message(&error), "é".repeat(TOWNSEND_MESSAGE_SIZE / 2 - 1));
        error.set(1, "a\0b");
        assert_eq!(message(&error), "a b");
    }
}
