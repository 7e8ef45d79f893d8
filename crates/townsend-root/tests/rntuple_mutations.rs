//! Damaged RNTuples. Their descriptions have checksums, which most damage does not get past. Here the
//! checksums are made right again after the damage, so that what reads the descriptions is reached.

#[path = "support/exercise.rs"]
mod exercise;
#[path = "support/random.rs"]
mod random;

#[path = "support/signed.rs"]
mod signed;

use std::ops::Range;
use std::path::Path;

use exercise::exercise;
use peak_alloc::PeakAlloc;
use random::{Random, inputs};
use signed::{HEADER, Signed, WORD, sign, small_file};
use townsend_root::RootFile;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const INPUTS: usize = 5000;
/// The limit of `check_content`, which zeros of fields that were added later reach, and half of it besides:
/// while numbers grow they are in memory twice, at their old size and at the new one.
const ALLOWANCE: usize = 96 << 20;
/// What reading may need beside that, a byte of the file: decompressors, descriptions.
const PER_BYTE: usize = 40;

/// Changes some bytes: single bits, numbers of extreme size, or copies from elsewhere.
fn damage(bytes: &mut [u8], random: &mut Random) {
    const EXTREMES: [u64; 10] =
        [0, 1, 2, u64::MAX, 1 << 63, (1 << 63) - 1, 1 << 31, (1 << 31) - 1, 0xffff_ffff, 1 << 40];
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let left = bytes.len() - at;
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => {
                let length = [1, 2, 4, 8][random.below(4)].min(left);
                let extreme = EXTREMES[random.below(EXTREMES.len())].to_le_bytes();
                bytes[at..at + length].copy_from_slice(&extreme[..length]);
            }
            3 => {
                let length = [1, 2, 4, 8][random.below(4)].min(left);
                let mut number = [0; WORD];
                number[..length].copy_from_slice(&bytes[at..at + length]);
                let change = random.below(9) as u64;
                let number = u64::from_le_bytes(number).wrapping_add(change.wrapping_sub(4)).to_le_bytes();
                bytes[at..at + length].copy_from_slice(&number[..length]);
            }
            _ => {
                let from = random.below(bytes.len());
                let length = (1 + random.below(40)).min(left).min(bytes.len() - from);
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

#[test]
fn damaged_descriptions_neither_panic_nor_take_the_memory() {
    let small = || Signed::new(small_file().unwrap());
    let uproot = || Signed::new(fixture("rntuple_uproot.root"));
    let plain = Signed::new(fixture("rntuple_plain.root"));
    let files = [small(), uproot(), plain, uproot(), small()];
    let mut random = Random(2026);
    let (mut failed, mut survived) = (0, 0);
    for input in 0..inputs(INPUTS) {
        let bytes = files[input % files.len()].changed(random.below(1000), |part| damage(part, &mut random));
        let (length, before) = (bytes.len(), MEMORY.current_usage());
        MEMORY.reset_peak_usage();
        match exercise(bytes, |_, _| true) {
            Ok(()) => survived += 1,
            Err(_) => failed += 1,
        }
        let peak = MEMORY.peak_usage() - before;
        assert!(peak <= ALLOWANCE + PER_BYTE * length, "input {input}: {peak} bytes for a file of {length}");
    }
    assert!(failed > INPUTS / 4 && survived > INPUTS / 50, "{failed} failed, {survived} survived");
}

#[test]
fn damage_that_checksums_do_not_cover_is_told() {
    let refused = |change: &dyn Fn(&mut Vec<u8>, &Signed), told: &str| {
        let whole = Signed::new(small_file().unwrap());
        let mut bytes = whole.bytes.clone();
        change(&mut bytes, &whole);
        let message = exercise(bytes, |_, _| true).unwrap_err().to_string();
        assert!(message.contains("avalanches") && message.contains(told), "{message}");
    };
    let envelope = |whole: &Signed, wanted| -> Range<usize> {
        whole.envelopes.iter().find(|(kind, _)| *kind == wanted).map(|(_, place)| place.clone()).unwrap()
    };
    refused(&|bytes, whole| bytes[whole.anchors[0] + 30] ^= 1, "the checksum of its anchor does not match");
    for kind in 1..=3 {
        refused(
            &|bytes, whole| bytes[envelope(whole, kind).start + 30] ^= 1,
            "the checksum of its description does not match",
        );
    }
    // The flag of a feature that is not known.
    let feature = |bytes: &mut Vec<u8>, whole: &Signed| {
        let place = envelope(whole, HEADER);
        bytes[place.start + WORD] = 4;
        sign(bytes, &place);
    };
    refused(&feature, "features of a newer format of RNTuple (flags 0x4)");
    // The last page is that of the last column.
    let page = |bytes: &mut Vec<u8>, whole: &Signed| {
        let list = envelope(whole, 3);
        let page = bytes[..list.start].windows(8).rposition(|window| window == 0.25_f64.to_le_bytes());
        bytes[page.unwrap()] ^= 1;
    };
    refused(&page, "the checksum of a page does not match");
}

#[test]
fn the_file_that_is_damaged_is_sound() {
    let file = RootFile::from_bytes("small", small_file().unwrap()).unwrap();
    assert_eq!(file.read_rntuple("avalanches").unwrap().entries(), 20);
}
