//! One avalanche after the other through C's functions takes no memory after the first ones, the readout of
//! events neither.

#![allow(unsafe_code, reason = "C's functions are called")]

#[path = "../../townsend-kernels/tests/counting/mod.rs"]
mod counting;

use std::ptr::{null, null_mut};

use counting::allocations;
use townsend_capi::*;

/// All in one test: another one beside it would allocate too.
#[test]
fn avalanches_and_events_after_the_first_ones_allocate_nothing() {
    let mut error = Error::default();
    let e = &raw mut error;
    // SAFETY: every pointer is to an object of this function or one that the library made.
    unsafe {
        let model = townsend_model_open(c"cgem".as_ptr(), e);
        let readout = townsend_readout_of_model(model, e);
        let (workspace, event, setting) =
            (townsend_workspace_new(), townsend_event_new(), townsend_setting_new());
        let grid = townsend_grid_standard(3, e);
        let (mut electrons, mut cells) = (Electrons::default(), Cells::default());
        let (mut hits, mut n) = (null(), 0);
        let mut dense = vec![0.0; townsend_grid_cells(grid)];
        let mut draw = || {
            for index in 0..200 {
                assert_eq!(townsend_setting_set_start_at(setting, index as f64 / 10.0, 0.0, e), TOWNSEND_OK);
                let drawn =
                    townsend_model_avalanche(model, setting, 1, index, workspace, &raw mut electrons, e);
                assert_eq!(drawn, TOWNSEND_OK);
                townsend_event_clear(event);
                let one = &raw const electrons;
                for k in 0..5 {
                    assert_eq!(townsend_event_add(event, one, f64::from(k), 0.0, 10.0, e), TOWNSEND_OK);
                }
                let place = TOWNSEND_PLACE_AS_GIVEN;
                let read = townsend_event_read(
                    event,
                    readout,
                    1,
                    index,
                    place,
                    &raw mut hits,
                    &raw mut n,
                    null_mut(),
                    e,
                );
                assert_eq!(read, TOWNSEND_OK);
                let drawn =
                    townsend_model_cells(model, setting, 1, index, grid, workspace, &raw mut cells, e);
                assert_eq!(drawn, TOWNSEND_OK);
            }
            let (to, capacity) = (dense.as_mut_ptr(), dense.len());
            let drawn =
                townsend_model_dense(model, setting, 1, 7, grid, workspace, to, capacity, &raw mut n, e);
            assert_eq!(drawn, TOWNSEND_OK);
            allocations()
        };
        let (before, after) = (draw(), draw());
        assert_eq!(after - before, 0);
        townsend_grid_free(grid);
        townsend_setting_free(setting);
        townsend_event_free(event);
        townsend_workspace_free(workspace);
        townsend_readout_close(readout);
        townsend_model_close(model);
    }
}
