//! One avalanche after the other, in memory that is used again.

use std::ptr::null;

use townsend::{CountBuffer, Counts};

use crate::error::{Error, Failure, status_of};
use crate::grid::Grid;
use crate::model::Model;
use crate::pointers::{copy, emptied, given, given_mut, is_null};
use crate::setting::Setting;

/// Memory for one avalanche, used again for the next. One serves one thread, with one model after the other.
#[derive(Default)]
pub struct Workspace {
    drawn: townsend::Workspace,
    counted: CountBuffer,
}

/// The electrons of one avalanche, mm and ns: `n` values each.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Electrons {
    /// Transverse position, along the direction of the Lorentz drift, mm.
    pub x: *const f32,
    /// Transverse position, along the magnetic field, mm.
    pub z: *const f32,
    /// Time of arrival, ns.
    pub t: *const f32,
    /// Number of electrons.
    pub n: usize,
}

impl Default for Electrons {
    fn default() -> Self {
        Self { x: null(), z: null(), t: null(), n: 0 }
    }
}

impl From<townsend::Avalanche<'_>> for Electrons {
    fn from(electrons: townsend::Avalanche<'_>) -> Self {
        let [x, z, t] = [electrons.x, electrons.z, electrons.t].map(<[f32]>::as_ptr);
        Self { x, z, t, n: electrons.len() }
    }
}

/// The occupied cells of one avalanche, by increasing number, and the electrons in each: `n` values each.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Cells {
    /// Numbers of cells: `i_x + shape[0] * (i_z + shape[1] * i_t)`, as ROOT numbers the bins of a histogram.
    pub cells: *const u32,
    /// Electrons in each of these cells, never 0.
    pub counts: *const u32,
    /// Number of occupied cells.
    pub n: usize,
}

impl Default for Cells {
    fn default() -> Self {
        Self { cells: null(), counts: null(), n: 0 }
    }
}

impl From<Counts<'_>> for Cells {
    fn from(counts: Counts<'_>) -> Self {
        Self { cells: counts.cells.as_ptr(), counts: counts.counts.as_ptr(), n: counts.cells.len() }
    }
}

impl Workspace {
    /// Draws the electrons of an avalanche.
    ///
    /// # Safety
    /// The pointers are as the header asks.
    unsafe fn electrons(
        &mut self,
        model: *const Model,
        setting: *const Setting,
        [seed, index]: [u64; 2],
    ) -> Result<townsend::Avalanche<'_>, Failure> {
        // SAFETY: as promised by the caller.
        let (model, setting) = unsafe { (given(model, "model")?, setting.as_ref()) };
        let default = townsend::Setting::default();
        let setting = setting.map_or(&default, |setting| &setting.0);
        Ok(model.facade.avalanche(seed, index, setting, &mut self.drawn)?.electrons()?)
    }

    /// Draws an avalanche, in cells of its model's grid or counted on another; also says how many cells there
    /// are in all.
    ///
    /// # Safety
    /// The pointers are as the header asks.
    unsafe fn cells(
        &mut self,
        model: *const Model,
        setting: *const Setting,
        [seed, index]: [u64; 2],
        grid: *const Grid,
    ) -> Result<(Counts<'_>, usize), Failure> {
        // SAFETY: as promised by the caller.
        let (model, setting, grid) = unsafe { (given(model, "model")?, setting.as_ref(), grid.as_ref()) };
        let default = townsend::Setting::default();
        let setting = setting.map_or(&default, |setting| &setting.0);
        let grid = grid.map(|grid| &grid.0);
        let drawn = model.facade.cells(seed, index, setting, grid, &mut self.drawn, &mut self.counted);
        let (counts, grid) = drawn?;
        Ok((counts, grid.cells()))
    }
}

/// An empty workspace. Free it with `townsend_workspace_free`.
#[unsafe(no_mangle)]
pub extern "C" fn townsend_workspace_new() -> *mut Workspace {
    Box::into_raw(Box::default())
}

/// Frees a workspace and what was drawn into it; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_workspace_free(workspace: *mut Workspace) {
    if !workspace.is_null() {
        // SAFETY: it is from `townsend_workspace_new` and not used any more.
        drop(unsafe { Box::from_raw(workspace) });
    }
}

/// Draws the electrons of avalanche number `index` of a seed: always the same, byte for byte, whatever was
/// drawn before and on whichever thread. The view points into the workspace and is valid until that is used
/// again; on errors it is empty. A model that draws cells has no electrons: an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_avalanche(
    model: *const Model,
    setting: *const Setting,
    seed: u64,
    index: u64,
    workspace: *mut Workspace,
    electrons: *mut Electrons,
    error: *mut Error,
) -> i32 {
    status_of(error, workspace, || {
        // SAFETY: as the header asks of every pointer.
        let electrons = unsafe { emptied(electrons, "electrons") }?;
        // SAFETY: likewise.
        let workspace = unsafe { given_mut(workspace, "workspace") }?;
        // SAFETY: likewise.
        *electrons = unsafe { workspace.electrons(model, setting, [seed, index]) }?.into();
        Ok(())
    })
}

/// The same, copied into buffers of the caller that hold `capacity` electrons; `n` is set to how many the
/// avalanche has. With more than `capacity` nothing is written (`TOWNSEND_ERROR_SIZE`): call again with
/// buffers that are large enough, and the avalanche is the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_avalanche_into(
    model: *const Model,
    setting: *const Setting,
    seed: u64,
    index: u64,
    workspace: *mut Workspace,
    x: *mut f32,
    z: *mut f32,
    t: *mut f32,
    capacity: usize,
    n: *mut usize,
    error: *mut Error,
) -> i32 {
    status_of(error, workspace, || {
        // SAFETY: as the header asks of every pointer.
        let n = unsafe { emptied(n, "n") }?;
        // SAFETY: likewise.
        let workspace = unsafe { given_mut(workspace, "workspace") }?;
        // SAFETY: likewise.
        let drawn = unsafe { workspace.electrons(model, setting, [seed, index]) }?;
        let buffers = [("x", x, drawn.x), ("z", z, drawn.z), ("t", t, drawn.t)];
        for (name, to, _) in buffers {
            if to.is_null() && capacity > 0 {
                return Err(is_null(name));
            }
        }
        *n = drawn.len();
        if drawn.len() > capacity {
            return Err(Failure::size("electrons", capacity, drawn.len()));
        }
        for (name, to, values) in buffers {
            // SAFETY: each buffer holds `capacity` values.
            unsafe { copy(values, to, name) }?;
        }
        Ok(())
    })
}

/// Draws avalanche number `index` of a seed as occupied cells: of the model's grid if it draws cells;
/// electrons are counted on `grid`, which is NULL otherwise. The view points into the workspace and is valid
/// until that is used again; on errors it is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_cells(
    model: *const Model,
    setting: *const Setting,
    seed: u64,
    index: u64,
    grid: *const Grid,
    workspace: *mut Workspace,
    cells: *mut Cells,
    error: *mut Error,
) -> i32 {
    status_of(error, workspace, || {
        // SAFETY: as the header asks of every pointer.
        let cells = unsafe { emptied(cells, "cells") }?;
        // SAFETY: likewise.
        let workspace = unsafe { given_mut(workspace, "workspace") }?;
        // SAFETY: likewise.
        *cells = unsafe { workspace.cells(model, setting, [seed, index], grid) }?.0.into();
        Ok(())
    })
}

/// The same as one value for every cell of the grid, empty ones included, into a buffer of the caller that
/// holds `capacity` values; `n` is set to how many cells there are. With fewer than those nothing is written
/// (`TOWNSEND_ERROR_SIZE`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_dense(
    model: *const Model,
    setting: *const Setting,
    seed: u64,
    index: u64,
    grid: *const Grid,
    workspace: *mut Workspace,
    values: *mut f32,
    capacity: usize,
    n: *mut usize,
    error: *mut Error,
) -> i32 {
    status_of(error, workspace, || {
        // SAFETY: as the header asks of every pointer.
        let n = unsafe { emptied(n, "n") }?;
        // SAFETY: likewise.
        let workspace = unsafe { given_mut(workspace, "workspace") }?;
        // SAFETY: likewise.
        let (counts, cells) = unsafe { workspace.cells(model, setting, [seed, index], grid) }?;
        *n = cells;
        if cells > capacity {
            return Err(Failure::size("cells", capacity, cells));
        }
        if values.is_null() {
            return Err(is_null("values"));
        }
        // SAFETY: the buffer holds `capacity` values, of which no fewer are set here, so that all of the
        // slice have a value; for a float 0 is all bytes 0.
        let row = unsafe {
            values.write_bytes(0, cells);
            std::slice::from_raw_parts_mut(values, cells)
        };
        counts.fill(row);
        Ok(())
    })
}
