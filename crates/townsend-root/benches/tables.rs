//! Reading the same avalanches from an RNTuple and from a tree: this crate and uproot, in turns, so that a
//! busy machine slows all of them.
//!
//! `TOWNSEND_PYTHON=<python with uproot> cargo bench -p townsend-root --bench tables`

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use townsend_root::{
    BranchSpec, BranchType, BranchValue, Column, Compression, RNTupleWriter, RootFile, RootWriter,
    TreeWriter, Values,
};

const AVALANCHES: usize = 20_000;
const ROUNDS: usize = 7;
const NAMES: [&str; 3] = ["x", "z", "t"];

/// Reads a file and gives back the seconds that it takes.
type Read<'f> = Box<dyn Fn() -> f64 + 'f>;

fn main() {
    // `cargo test --all-targets` starts benches as well, to see that they build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = |name: &str| directory.path().join(name);
    for compression in [Compression::None, Compression::Lz4, Compression::default()] {
        let (tree, ntuple) = (path("tree.root"), path("ntuple.root"));
        let start = Instant::now();
        let entries = write_tree(&tree, compression);
        let tree_written = start.elapsed().as_secs_f64();
        write_ntuple(&ntuple, compression);
        let ntuple_written = start.elapsed().as_secs_f64() - tree_written;
        let ways: [(&str, Read<'_>); 5] = [
            ("tree", Box::new(|| timed(|| read_tree(&tree)))),
            ("RNTuple", Box::new(|| timed(|| read_ntuple(&ntuple)))),
            ("RNTuple, 100 entries at a time", Box::new(|| timed(|| read_pieces(&ntuple)))),
            ("uproot, tree", Box::new(|| python(&tree))),
            ("uproot, RNTuple", Box::new(|| python(&ntuple))),
        ];
        let mut seconds = vec![Vec::new(); ways.len()];
        for _ in 0..ROUNDS {
            for (way, seconds) in ways.iter().zip(&mut seconds) {
                seconds.push(way.1());
            }
        }
        println!(
            "{compression:?}: {entries} electrons; written in {tree_written:.2} and {ntuple_written:.2} s;"
        );
        let sizes = [&tree, &ntuple].map(|path| path.metadata().map_or(0, |data| data.len()) as f64 / 1e6);
        println!("{:.1} and {:.1} MB", sizes[0], sizes[1]);
        println!("| reader | median ms | least | most |\n|---|---|---|---|");
        for ((name, _), seconds) in ways.iter().zip(&mut seconds) {
            seconds.sort_by(f64::total_cmp);
            let [least, middle, most] = [0, ROUNDS / 2, ROUNDS - 1].map(|index| seconds[index] * 1e3);
            println!("| {name} | {middle:.0} | {least:.0} | {most:.0} |");
        }
    }
}

/// Calls `fill` for each avalanche with its electrons; how many there are in all.
fn simulate(mut fill: impl FnMut(usize, [&[f32]; 3])) -> usize {
    let mut random = 0x9e37_79b9_u64;
    let mut even = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1 << 24) as f32
    };
    let mut entries = 0;
    for number in 0..AVALANCHES {
        let electrons = (50.0 - 400.0 * even().max(1e-6).ln()) as usize;
        let columns = [0.2, 0.2, 10.0].map(|spread| {
            let mut column = || (even() + even() + even() - 1.5) * spread;
            (0..electrons).map(|_| column()).collect::<Vec<_>>()
        });
        fill(number, [&columns[0], &columns[1], &columns[2]]);
        entries += electrons;
    }
    entries
}

fn specs() -> Vec<BranchSpec> {
    let mut specs = vec![BranchSpec::new("event", "", BranchType::I64)];
    specs.extend(NAMES.map(|name| BranchSpec::new(name, "", BranchType::VectorF32)));
    specs
}

fn values(number: usize, [x, z, t]: [&[f32]; 3]) -> [BranchValue<'_>; 4] {
    let vectors = [x, z, t].map(BranchValue::VectorF32);
    [BranchValue::I64(number as i64), vectors[0], vectors[1], vectors[2]]
}

fn write_tree(path: &Path, compression: Compression) -> usize {
    let root = RootWriter::create(path, compression).expect("a file");
    let mut tree = TreeWriter::new(root, "avalanches", "", &specs()).expect("a tree");
    let entries = simulate(|number, columns| tree.fill(&values(number, columns)).expect("an entry"));
    tree.finish().and_then(RootWriter::finish).expect("a finished file");
    entries
}

fn write_ntuple(path: &Path, compression: Compression) {
    let root = RootWriter::create(path, compression).expect("a file");
    let mut ntuple = RNTupleWriter::new(root, "avalanches", "", &specs()).expect("an RNTuple");
    simulate(|number, columns| ntuple.fill(&values(number, columns)).expect("an entry"));
    ntuple.finish().and_then(RootWriter::finish).expect("a finished file");
}

fn timed(read: impl FnOnce() -> usize) -> f64 {
    let start = Instant::now();
    let electrons = read();
    assert!(electrons > AVALANCHES, "{electrons} electrons");
    start.elapsed().as_secs_f64()
}

fn read_tree(path: &Path) -> usize {
    let file = RootFile::open(path).expect("a file");
    let tree = file.read_tree("avalanches").expect("a tree");
    NAMES.map(|name| electrons(&tree.read_column(name).expect("a column"))).into_iter().sum()
}

fn read_ntuple(path: &Path) -> usize {
    let file = RootFile::open(path).expect("a file");
    let ntuple = file.read_rntuple("avalanches").expect("an RNTuple");
    NAMES.map(|name| electrons(&ntuple.read_column(name).expect("a column"))).into_iter().sum()
}

fn read_pieces(path: &Path) -> usize {
    let file = RootFile::open(path).expect("a file");
    let ntuple = file.read_rntuple("avalanches").expect("an RNTuple");
    let mut readers = NAMES.map(|name| ntuple.reader(name).expect("a reader"));
    let mut column = Column::default();
    let mut sum = 0;
    for start in (0..ntuple.entries()).step_by(100) {
        for reader in &mut readers {
            reader.read(start..start + 100, &mut column).expect("a piece");
            sum += electrons(&column);
        }
    }
    sum
}

fn electrons(column: &Column) -> usize {
    match &column.values {
        Values::F32(values) => std::hint::black_box(values).len(),
        _ => 0,
    }
}

fn python(path: &Path) -> f64 {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/get_columns.py");
    let output = Command::new(python).arg(script).arg(path).output().expect("Python starts");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}
