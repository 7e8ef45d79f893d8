//! Damaged files: whatever is done to the bytes, there is an answer or an error, never a panic, and never
//! more memory than the file can justify.

#[path = "support/exercise.rs"]
mod exercise;
#[path = "support/random.rs"]
mod random;

use std::io::Cursor;
use std::path::Path;

use exercise::exercise;
use peak_alloc::PeakAlloc;
use random::{Random, inputs};
use townsend_root::{
    BranchSpec, BranchType, BranchValue, CellType, Compression, Histogram, HistogramAxis, Key, RootFile,
    RootWriter, SparseContents, TreeWriter,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const INPUTS: usize = 20_500;
/// What reading may need beside a multiple of the file: the largest object of the fixtures, decompressed and
/// decoded.
const ALLOWANCE: usize = 64 << 20;
const PER_BYTE: usize = 40;

/// A file, and about where each of its keys' objects starts.
struct Whole {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Whole {
    fn new(bytes: Vec<u8>) -> Self {
        let file = RootFile::from_bytes("whole", bytes.clone()).unwrap();
        let mut start = 200;
        let starts = file
            .keys()
            .map(|key| {
                start += 60 + key.name().len() + key.title().len() + key.stored_length() as usize;
                start - key.stored_length() as usize
            })
            .collect();
        Self { bytes, starts }
    }

    /// The number of the object that byte `at` belongs to, or of a neighbour.
    fn object_at(&self, at: usize) -> usize {
        self.starts.partition_point(|&start| start <= at).saturating_sub(1)
    }
}

/// Files of ROOT with every compression and small ones of this crate, which have the most structure in the
/// fewest bytes.
fn whole_files() -> Vec<Whole> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut paths: Vec<_> = fixtures.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "root"));
    paths.sort();
    let mut files: Vec<_> = paths.iter().map(|path| Whole::new(std::fs::read(path).unwrap())).collect();
    assert!(files.len() >= 10);
    let zlib = Compression::Zlib { level: 6 };
    for compression in [Compression::None, zlib, Compression::Lz4, Compression::default()] {
        // Small files are worth more inputs.
        for _ in 0..6 {
            files.push(Whole::new(small_file(compression)));
        }
    }
    files
}

fn small_file(compression: Compression) -> Vec<u8> {
    let mut writer = RootWriter::new(Cursor::new(Vec::new()), "small", compression).unwrap();
    for dimensions in 1..=3 {
        let axes = vec![HistogramAxis::with_edges("x", vec![0.0, 1.0, 2.0, 4.0]); dimensions];
        let cells = 5_usize.pow(dimensions as u32);
        let contents = SparseContents { cell_type: CellType::F, cells, indices: vec![3], values: vec![2.0] };
        let mut histogram = Histogram::new(format!("h{dimensions}"), "title", axes, contents);
        histogram.sumw2 = vec![1.0; cells];
        writer.write_histogram_in(["", "sub", "sub/deep"][dimensions - 1], &histogram).unwrap();
    }
    let branches =
        [BranchSpec::new("x", "x [mm]", BranchType::VectorF32), BranchSpec::new("n", "", BranchType::I32)];
    let mut tree = TreeWriter::new(writer, "avalanche", "title", &branches).unwrap();
    for number in 0..20 {
        tree.fill(&[BranchValue::VectorF32(&[0.5; 3]), BranchValue::I32(number)]).unwrap();
    }
    tree.finish().unwrap().finish().unwrap().into_inner()
}

/// Damages `bytes` in one of many ways; about where.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) -> usize {
    const EXTREMES: [u32; 8] =
        [0, 1, u32::MAX, 0x7fff_ffff, 0x8000_0000, 0x4000_0000, 0x4fff_ffff, 0x00ff_ffff];
    let at = place(bytes.len(), random);
    match random.below(8) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.below(6)],
        3 | 4 => {
            let value = EXTREMES[random.below(EXTREMES.len())].wrapping_add(random.below(3) as u32);
            let end = bytes.len().min(at + 4);
            bytes[at..end].copy_from_slice(&value.to_be_bytes()[..end - at]);
        }
        5 => truncate(bytes, at, random),
        6 => splice(bytes, at, random),
        _ => {
            for _ in 0..=random.below(16) {
                let at = place(bytes.len(), random);
                bytes[at] = random.next() as u8;
            }
        }
    }
    at
}

/// Half of the damage goes where the structure is: the start and the end of the file.
fn place(length: usize, random: &mut Random) -> usize {
    match random.below(4) {
        0 => random.below(length.min(400)),
        1 => length - 1 - random.below(length.min(4000)),
        _ => random.below(length),
    }
}

/// Shortens the file, and in half of the cases tells its header so.
fn truncate(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    bytes.truncate(at);
    if random.below(2) == 0 && at > 16 {
        let end = bytes.len() as u32;
        bytes[12..16].copy_from_slice(&end.to_be_bytes());
    }
}

/// Copies a piece of the file to somewhere else, over what is there or in between.
fn splice(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let from = random.below(bytes.len());
    let length = (1 + random.below(200)).min(bytes.len() - from);
    let piece = bytes[from..from + length].to_vec();
    let replaced = if random.below(2) == 0 { at } else { bytes.len().min(at + length) };
    bytes.splice(at..replaced, piece);
}

#[test]
fn damaged_files_neither_panic_nor_take_the_memory() {
    let files = whole_files();
    let mut random = Random(2024);
    let (mut failed, mut survived) = (0, 0);
    for input in 0..inputs(INPUTS) {
        let whole = &files[input % files.len()];
        let mut bytes = whole.bytes.clone();
        let object = whole.object_at(mutate(&mut bytes, &mut random));
        let near = |number: usize, _: &Key| number.abs_diff(object) <= 1;
        let (length, before) = (bytes.len(), MEMORY.current_usage());
        MEMORY.reset_peak_usage();
        match exercise(bytes, near) {
            Ok(()) => survived += 1,
            Err(_) => failed += 1,
        }
        let peak = MEMORY.peak_usage() - before;
        assert!(peak <= ALLOWANCE + PER_BYTE * length, "input {input}: {peak} bytes for a file of {length}");
    }
    // Damage that is never or always noticed would mean that the test does not reach the decoders.
    assert!(
        failed > inputs(INPUTS) / 4 && survived > inputs(INPUTS) / 8,
        "{failed} failed, {survived} survived"
    );
}
