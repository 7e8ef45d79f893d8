//! Damaged texts, npz and Parquet files: whatever is done to the bytes, there is a table or an error, never a
//! panic, and never more memory than the file can justify.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use peak_alloc::PeakAlloc;
use rand::Rng;
use townsend_core::{Purpose, Silent, stream};
use townsend_io::{Format, ReadOptions, read};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One test at a time measures memory.
static ALONE: Mutex<()> = Mutex::new(());

/// `TOWNSEND_MUTATIONS` asks for more.
const MUTATIONS: u64 = 5000;
/// What reading may need beside a multiple of the file: blocks, and the window of gzip.
const ALLOWANCE: usize = 64 << 20;
const PER_BYTE: usize = 4000;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Changes, cuts, repeats or replaces a few bytes.
fn mutated(whole: &[u8], case: u64) -> Vec<u8> {
    let mut random = stream(1, Purpose::new("mutations"), case);
    let mut below = |limit: usize| random.next_u32() as usize % limit.max(1);
    let mut bytes = whole.to_vec();
    for _ in 0..=below(4) {
        let at = below(bytes.len());
        let end = (at + below(40)).min(bytes.len());
        match below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let words: [&[u8]; 9] = [
                    b"\n",
                    b",",
                    b"\xff\xff\xff\xff",
                    b"nan",
                    b"-",
                    b"#",
                    b"9999999999999999999999",
                    b"\0",
                    b"e",
                ];
                bytes.splice(at..at, words[below(words.len())].iter().copied());
            }
            _ => bytes[at..end].iter_mut().take(1 + below(2)).for_each(|byte| *byte ^= 1 << below(8)),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

/// Reads mutations of the files as what they were, and as what they look like.
fn survive(names: &[&str], columns: &str, format: Format) {
    let _alone = ALONE.lock();
    let mutations = std::env::var("TOWNSEND_MUTATIONS").ok().and_then(|number| number.parse().ok());
    let wholes: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(fixture(name)).unwrap()).collect();
    let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    // Columns by their place, so that a damaged name does not keep from reading them.
    let by_place =
        ReadOptions { format: Some(format), columns: columns.parse().unwrap(), ..ReadOptions::default() };
    let (mut tables, mut errors) = (0, 0);
    for case in 0..mutations.unwrap_or(MUTATIONS) {
        let whole = &wholes[case as usize % wholes.len()];
        let bytes = mutated(whole, case);
        std::fs::write(&path, &bytes).unwrap();
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        match read(&path, &by_place, &Silent) {
            Ok(_) => tables += 1,
            Err(e) => {
                assert!(e.to_string().starts_with(&path.display().to_string()), "{e}");
                errors += 1;
            }
        }
        let _ = read(&path, &ReadOptions::default(), &Silent);
        let used = MEMORY.peak_usage().saturating_sub(before);
        assert!(used < ALLOWANCE + PER_BYTE * bytes.len(), "case {case}: {used} bytes for {}", bytes.len());
    }
    assert!(tables > 0 && errors > 0, "{tables} tables, {errors} errors");
}

#[test]
fn texts() {
    survive(&["short.csv", "savetxt.txt", "short.csv.gz"], "event=1,x=2,z=3,t=4", Format::Text);
}

#[test]
fn npz() {
    let names = [
        "n01_meta_dict.npz",
        "n04_float16.npz",
        "big_endian.npz",
        "other_names.npz",
        "records.npz",
        "integers.npz",
    ];
    survive(&names, "x=1,z=2,t=3", Format::Npz);
}

#[test]
#[cfg(feature = "parquet")]
fn parquet() {
    survive(&["lists_snappy.parquet", "flat_zstd.parquet"], "x=1,z=2,t=3", Format::Parquet);
}
