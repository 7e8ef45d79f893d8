//! Electron avalanches from C and C++: the facade `townsend` with a C interface.
//!
//! Programs include `townsend/townsend.h`, which cbindgen makes of this crate (`cargo xtask header`), or the
//! wrapper for C++17 around it, `townsend/townsend.hpp`. Nothing is decided here: every function checks its
//! pointers, calls the facade and hands over what that answers.
//!
//! Functions of this crate can be called from Rust as well, which its bench does:
//!
//! ```
//! use std::ptr::null_mut;
//!
//! // SAFETY: the name ends with a 0, and nothing is used after it is closed.
//! let families = unsafe {
//!     let model = townsend_capi::townsend_model_open(c"microscopic_275".as_ptr(), null_mut());
//!     let mut about = townsend_capi::Description::default();
//!     townsend_capi::townsend_model_describe(model, &raw mut about, null_mut());
//!     let family = std::ffi::CStr::from_ptr(about.family).to_owned();
//!     townsend_capi::townsend_model_close(model);
//!     family
//! };
//! assert_eq!(families.to_str(), Ok("detector"));
//! ```

#![allow(unsafe_code, reason = "C hands over pointers")]
#![allow(
    clippy::missing_safety_doc,
    reason = "the header says once what holds for every pointer, and its readers know no `# Safety`"
)]
#![allow(clippy::too_many_arguments, reason = "C has neither options nor several results")]

mod batch;
mod error;
mod grid;
mod model;
mod pointers;
mod readout;
mod setting;
mod threads;
mod version;
mod workspace;

pub use batch::*;
pub use error::*;
pub use grid::*;
pub use model::*;
pub use readout::*;
pub use setting::*;
pub use version::*;
pub use workspace::*;
