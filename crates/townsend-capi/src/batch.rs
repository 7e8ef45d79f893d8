//! Many avalanches at once, by several threads.

use std::ptr::{null, null_mut};

use townsend::Dataset;

use crate::error::{Error, Failure, answer, status};
use crate::model::Model;
use crate::pointers::{emptied, given};
use crate::setting::Setting;
use crate::threads::on_threads;

/// Avalanches in memory. It never changes, so that any number of threads may read it.
pub struct Batch(Arrays);

enum Arrays {
    Electrons { offsets: Vec<u64>, x: Vec<f32>, z: Vec<f32>, t: Vec<f32> },
    Cells { offsets: Vec<u64>, cells: Vec<u32>, counts: Vec<u32> },
}

/// The electrons of many avalanches: avalanche k has those from `offsets[k]` up to `offsets[k + 1]`. The
/// pointers are valid as long as the batch.
#[repr(C)]
#[derive(Debug)]
pub struct ElectronSet {
    /// Where each avalanche begins, and the end of the last: `n` + 1 numbers.
    pub offsets: *const i64,
    /// Transverse position of every electron, along the direction of the Lorentz drift, mm.
    pub x: *const f32,
    /// Transverse position, along the magnetic field, mm.
    pub z: *const f32,
    /// Time of arrival, ns.
    pub t: *const f32,
    /// Number of avalanches.
    pub n: usize,
}

impl Default for ElectronSet {
    fn default() -> Self {
        Self { offsets: null(), x: null(), z: null(), t: null(), n: 0 }
    }
}

/// The occupied cells of many avalanches: avalanche k has those from `offsets[k]` up to `offsets[k + 1]`. The
/// pointers are valid as long as the batch.
#[repr(C)]
#[derive(Debug)]
pub struct CellSet {
    /// Where each avalanche begins, and the end of the last: `n` + 1 numbers.
    pub offsets: *const i64,
    /// Numbers of cells, increasing in an avalanche.
    pub cells: *const u32,
    /// Electrons in each of these cells, never 0.
    pub counts: *const u32,
    /// Number of avalanches.
    pub n: usize,
}

impl Default for CellSet {
    fn default() -> Self {
        Self { offsets: null(), cells: null(), counts: null(), n: 0 }
    }
}

impl From<Dataset> for Batch {
    fn from(data: Dataset) -> Self {
        match data {
            Dataset::Electrons(set) => {
                let (offsets, x, z, t) = set.into_arrays();
                Self(Arrays::Electrons { offsets, x, z, t })
            }
            Dataset::Counts(set) => {
                let (offsets, cells, counts) = set.into_arrays();
                Self(Arrays::Cells { offsets, cells, counts })
            }
        }
    }
}

/// Draws the `n` avalanches of a seed from number `first` on, by so many threads of this call's own, which
/// end with it (0: as many as the machine has): the same bytes as one by one, with any number of threads.
/// What avalanches take of memory is 12 bytes an electron. Free the batch with `townsend_batch_free`; NULL on
/// errors.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_model_generate(
    model: *const Model,
    setting: *const Setting,
    seed: u64,
    first: u64,
    n: u64,
    threads: u32,
    error: *mut Error,
) -> *mut Batch {
    answer(error, null_mut(), || {
        // SAFETY: as the header asks of every pointer.
        let (model, setting) = unsafe { (given(model, "model")?, setting.as_ref()) };
        let default = townsend::Setting::default();
        let setting = setting.map_or(&default, |setting| &setting.0);
        let end = first.checked_add(n).ok_or_else(|| {
            Failure::usage(format!("{n} avalanches from number {first} on have numbers above 2^64"))
        })?;
        let data = on_threads(threads as usize, || model.facade.generate(seed, first..end, setting))?;
        Ok(Box::into_raw(Box::new(data.into())))
    })
}

/// Frees a batch; NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_batch_free(batch: *mut Batch) {
    if !batch.is_null() {
        // SAFETY: it is from `townsend_model_generate` and not used any more.
        drop(unsafe { Box::from_raw(batch) });
    }
}

/// The electrons of a batch; an error if its model draws cells.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_batch_electrons(
    batch: *const Batch,
    electrons: *mut ElectronSet,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (electrons, batch) = unsafe { (emptied(electrons, "electrons")?, given(batch, "batch")?) };
        let Arrays::Electrons { offsets, x, z, t } = &batch.0 else {
            return Err(Failure::usage("the batch holds cells of a grid, not electrons"));
        };
        let [x, z, t] = [x, z, t].map(Vec::as_ptr);
        // Offsets are far below 2^63.
        *electrons = ElectronSet { offsets: offsets.as_ptr().cast(), x, z, t, n: offsets.len() - 1 };
        Ok(())
    })
}

/// The occupied cells of a batch; an error if its model draws electrons.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn townsend_batch_cells(
    batch: *const Batch,
    cells: *mut CellSet,
    error: *mut Error,
) -> i32 {
    status(error, || {
        // SAFETY: as the header asks of every pointer.
        let (out, batch) = unsafe { (emptied(cells, "cells")?, given(batch, "batch")?) };
        let Arrays::Cells { offsets, cells, counts } = &batch.0 else {
            return Err(Failure::usage("the batch holds electrons, not cells of a grid"));
        };
        *out = CellSet {
            // Offsets are far below 2^63.
            offsets: offsets.as_ptr().cast(),
            cells: cells.as_ptr(),
            counts: counts.as_ptr(),
            n: offsets.len() - 1,
        };
        Ok(())
    })
}
