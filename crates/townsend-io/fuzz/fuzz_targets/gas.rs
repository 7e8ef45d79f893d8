//! Reads whatever the fuzzer makes of a gas file of Garfield++.

#![no_main]

use libfuzzer_sys::fuzz_target;
use townsend_sim::GasTable;

fuzz_target!(|bytes: &[u8]| {
    let _ = GasTable::from_gas_file(&String::from_utf8_lossy(bytes));
});
