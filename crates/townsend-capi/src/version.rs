//! Which library this is.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

/// The number of the interface, the last part of `libtownsend.so.0`. Programs that were compiled with another
/// number of this header cannot use the library.
pub const TOWNSEND_ABI_VERSION: u32 = 0;

/// What `townsend_version` returns.
static VERSION: LazyLock<CString> = LazyLock::new(|| CString::new(townsend::version()).unwrap_or_default());

/// `TOWNSEND_ABI_VERSION` of the library that the program runs with.
#[unsafe(no_mangle)]
pub extern "C" fn townsend_abi_version() -> u32 {
    TOWNSEND_ABI_VERSION
}

/// Version, commit and features of the library, in one line. The text is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn townsend_version() -> *const c_char {
    VERSION.as_ptr()
}
