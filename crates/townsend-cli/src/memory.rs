//! How the program gets memory, and what it says where there is none.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;

/// Maps of a batch in three dimensions take 60 MB each. glibc gives every one of them back to the kernel, and
/// getting them again, page after page, takes a quarter of a training step: it is told to keep them.
#[cfg(target_env = "gnu")]
pub(crate) fn keep() {
    // SAFETY: nothing but settings of the allocator, before there are other threads. Where one is refused, it
    // stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_MAX, 0);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
    }
}

#[cfg(not(target_env = "gnu"))]
pub(crate) fn keep() {}

/// The system's allocator. Where it has no memory left, as under `ulimit -v`, the program ends with an error
/// like all others; without this it would be aborted.
struct OrEnd;

#[global_allocator]
static ALLOCATOR: OrEnd = OrEnd;

// SAFETY: all calls go to the system's allocator as they are, and so does what it returns, except null.
unsafe impl GlobalAlloc for OrEnd {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the method that is called; so in the others.
        had(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: see above.
        had(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: see above.
        had(unsafe { System.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: see above.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn had(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() {
        end(bytes);
    }
    memory
}

/// Ends the program. What it was writing stays under its temporary name, and goes with the next attempt.
#[cold]
fn end(bytes: usize) -> ! {
    // Nothing here may ask for memory.
    let mut text = [0; 400];
    let mut rest = &mut text[..];
    // The text has room for every number.
    let _ = write!(
        rest,
        "error: out of memory: the system does not give {bytes} bytes more\n  hint: less at a time needs less: \
         fewer threads (--threads), a part of the events (--shard), smaller batches (training.batch_size)\n"
    );
    let left = rest.len();
    let said = text.len() - left;
    // SAFETY: the text is that long. Whether anybody reads it does not matter; the process ends without
    // running anything that might ask for memory.
    unsafe {
        libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), said);
        libc::_exit(1)
    }
}
