//! Reading 1,000 ZSTD `TH3F` of 90³ bins with 3,000 electrons each: this crate, ROOT's C++ `TFile::Get` and
//! uproot, in turns, so that a busy machine slows all of them.
//!
//! `TOWNSEND_PYTHON=<python with ROOT and uproot> cargo bench -p townsend-root --bench against_root`; needs
//! g++.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use townsend_root::{
    CellType, Compression, Histogram, HistogramAxis, RootFile, RootWriter, SparseContents, SparseHistogram,
};

const HISTOGRAMS: usize = 1000;
const ELECTRONS: usize = 3000;
const BINS: usize = 90;
const ROUNDS: usize = 7;

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("avalanches.root");
    write(&path);
    let python = python();
    let reader = build_root_reader(&python, directory.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/get_all.py");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);

    let ways: [(String, Box<dyn Fn() -> f64>); 5] = [
        ("ROOT C++ TFile::Get".to_owned(), Box::new(|| run(Command::new(&reader).arg(&path)))),
        ("townsend, all cells".to_owned(), Box::new(|| timed(|| read_dense(&path)))),
        ("townsend, cells that are not zero".to_owned(), Box::new(|| timed(|| read_sparse(&path, 1)))),
        (format!("the same, {threads} threads"), Box::new(|| timed(|| read_sparse(&path, threads)))),
        ("uproot".to_owned(), Box::new(|| run(Command::new(&python).arg(&script).arg(&path)))),
    ];
    let mut seconds: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (number, (_, way)) in ways.iter().enumerate() {
            seconds.entry(number).or_default().push(way());
        }
    }
    print_table(&ways.map(|(name, _)| name), &mut seconds);
}

fn print_table(names: &[String], seconds: &mut BTreeMap<usize, Vec<f64>>) {
    for runs in seconds.values_mut() {
        runs.sort_by(f64::total_cmp);
    }
    let median = |number: usize| seconds[&number][ROUNDS / 2];
    println!(
        "{HISTOGRAMS} TH3F of {BINS}^3 bins, {ELECTRONS} electrons each, ZSTD; ms a histogram, {ROUNDS} rounds"
    );
    println!("| reader | median | least | most | times faster than ROOT | than uproot |");
    println!("|---|---|---|---|---|---|");
    for (number, name) in names.iter().enumerate() {
        let runs = &seconds[&number];
        let [middle, least, most] =
            [median(number), runs[0], runs[ROUNDS - 1]].map(|s| s * 1e3 / HISTOGRAMS as f64);
        let (root, uproot) = (median(0) / median(number), median(names.len() - 1) / median(number));
        println!("| {name} | {middle:.3} | {least:.3} | {most:.3} | {root:.1} | {uproot:.1} |");
    }
}

/// Clouds of electrons, written with ROOT's default compression level of ZSTD.
fn write(path: &Path) {
    let mut random = 0x9e37_79b9_u64;
    let mut writer = RootWriter::create(path, Compression::Zstd { level: 5 }).expect("a file");
    let side = BINS + 2;
    for number in 0..HISTOGRAMS {
        let mut cells = BTreeMap::<u32, f64>::new();
        for _ in 0..ELECTRONS {
            let [x, y, z] = [12.0, 12.0, 8.0].map(|spread| position(spread, &mut random));
            *cells.entry((x + side * (y + side * z)) as u32).or_default() += 1.0;
        }
        let (indices, values) = cells.into_iter().unzip();
        let contents = SparseContents { cell_type: CellType::F, cells: side.pow(3), indices, values };
        let axes =
            ["x [mm]", "z [mm]", "t [ns]"].map(|title| HistogramAxis::new(title, BINS, 0.0, 90.0)).to_vec();
        let mut histogram = Histogram::new(format!("h3_{number}"), "electrons", axes, contents);
        histogram.entries = ELECTRONS as f64;
        writer.write_histogram(&histogram).expect("a histogram");
    }
    writer.finish().expect("a finished file");
}

/// The cell of an electron that is about `spread` bins from the middle: the sum of twelve even numbers is
/// nearly normal.
fn position(spread: f64, random: &mut u64) -> usize {
    let sum: f64 = (0..12)
        .map(|_| {
            *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*random >> 11) as f64 / (1_u64 << 53) as f64
        })
        .sum();
    ((sum - 6.0) * spread + BINS as f64 / 2.0).clamp(0.0, BINS as f64 + 1.0) as usize
}

fn timed(read: impl FnOnce() -> f64) -> f64 {
    let start = Instant::now();
    let entries = read();
    let seconds = start.elapsed().as_secs_f64();
    check(entries);
    seconds
}

/// Runs a program that prints its seconds and the sum of all entries.
fn run(command: &mut Command) -> f64 {
    let output = command.output().expect("the reader starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [seconds, entries] = numbers[..] else {
        panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
    };
    check(entries);
    seconds
}

/// Whoever does not read everything has not been timed.
fn check(entries: f64) {
    assert!((entries - (HISTOGRAMS * ELECTRONS) as f64).abs() < 0.5, "{entries} entries");
}

fn read_dense(path: &Path) -> f64 {
    let file = RootFile::open(path).expect("a file");
    let (mut reader, mut histogram) = (file.reader(), Histogram::default());
    file.keys()
        .map(|key| {
            reader.read_histogram_into(key, &mut histogram).expect("a histogram");
            histogram.entries
        })
        .sum()
}

/// Sums the cells themselves, since they are what a user wants next.
fn read_sparse(path: &Path, threads: usize) -> f64 {
    let file = RootFile::open(path).expect("a file");
    let read = |first: usize| {
        let (mut reader, mut histogram) = (file.reader(), SparseHistogram::default());
        let keys = file.keys().skip(first).step_by(threads);
        keys.map(|key| {
            reader.read_sparse_into(key, &mut histogram).expect("a histogram");
            histogram.contents.sum()
        })
        .sum::<f64>()
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|first| scope.spawn(move || read(first))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    })
}

fn python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python test environment: run `cargo xtask test` once, or set TOWNSEND_PYTHON"
    );
    python
}

/// Compiles the C++ reader against the ROOT that Python has.
fn build_root_reader(python: &Path, directory: &Path) -> PathBuf {
    let find = "import importlib.util; print(importlib.util.find_spec('ROOT').submodule_search_locations[0])";
    let output = Command::new(python).args(["-c", find]).output().expect("Python starts");
    let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let program = directory.join("get_all");
    let libraries = root.join("lib");
    let status = Command::new("g++")
        .args(["-O2", "-std=c++17"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/get_all.cpp"))
        .arg(format!("-I{}", root.join("include").display()))
        .arg(format!("-L{}", libraries.display()))
        .arg(format!("-Wl,-rpath,{}", libraries.display()))
        .args(["-lCore", "-lRIO", "-lHist", "-lTree", "-lMathCore", "-lThread", "-lROOTNTuple", "-lImt"])
        .arg("-o")
        .arg(&program)
        .status()
        .expect("g++ starts; install it to compare with ROOT");
    assert!(status.success(), "g++ cannot build against {}", root.display());
    program
}
