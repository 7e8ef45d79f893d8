//! What other names, units, a selection and several files cost when a tree is read, beside the same electrons
//! in one file of townsend's own names, all in turn: `cargo bench -p townsend-io --bench naming`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use townsend_core::{Dataset, ElectronSet, Meta, Silent};
use townsend_io::{AvalancheWriter, Error, ReadOptions, Source, WriteOptions, read_each};
use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RootWriter, TreeWriter};

const AVALANCHES: usize = 4000;
const ELECTRONS: usize = 1000;
const ROUNDS: usize = 15;

/// Electrons that look random to a compressor.
fn electrons(avalanches: usize) -> ElectronSet {
    let mut bits = 1_u32;
    let mut next = |scale: f32| {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (bits >> 8) as f32 / 16_777_216.0 * scale
    };
    let mut set = ElectronSet::default();
    for _ in 0..avalanches {
        let [x, z, t] = [1.0, 1.0, 20.0].map(|scale| (0..ELECTRONS).map(|_| next(scale)).collect::<Vec<_>>());
        set.push(&x, &z, &t);
    }
    set
}

fn write_own(path: &Path, set: ElectronSet) {
    let mut writer =
        AvalancheWriter::create(path, &Meta::default(), &WriteOptions::default()).expect("a file");
    writer.append(&set.into()).expect("room");
    writer.finish().expect("room");
}

/// The same under other names, in cm.
fn write_other(path: &Path, set: &ElectronSet) {
    let root = RootWriter::create(path, Compression::default()).expect("a file");
    let branches = ["xe [cm]", "ye [cm]", "te [ns]"]
        .map(|title| BranchSpec::new(title.split(' ').next().unwrap_or(""), title, BranchType::VectorF32));
    let mut tree = TreeWriter::new(root, "electrons", "", &branches).expect("a tree");
    for avalanche in set.iter() {
        tree.fill(&[avalanche.x, avalanche.z, avalanche.t].map(BranchValue::VectorF32)).expect("room");
    }
    tree.finish().expect("room").finish().expect("room");
}

fn seconds(files: &[PathBuf], options: &ReadOptions) -> f64 {
    let start = Instant::now();
    let sources: Vec<Source> = files.iter().map(Source::from).collect();
    let mut all: Option<Dataset> = None;
    read_each(&sources, options, None, &Silent, |_, loaded| -> Result<(), Error> {
        match &mut all {
            None => all = Some(loaded.data),
            Some(all) => all.append(&loaded.data).expect("the same kind"),
        }
        Ok(())
    })
    .expect("avalanches");
    assert_eq!(all.map(|data| data.len()), Some(AVALANCHES));
    start.elapsed().as_secs_f64()
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: String| folder.path().join(name);
    let (own, other) = (path("own.root".into()), path("other.root".into()));
    let set = electrons(AVALANCHES);
    write_other(&other, &set);
    write_own(&own, set);
    let parts = |files: usize| {
        let parts: Vec<PathBuf> = (0..files).map(|k| path(format!("{files}_{k}.root"))).collect();
        for part in &parts {
            write_own(part, electrons(AVALANCHES / files));
        }
        parts
    };
    let named = ReadOptions { columns: "x=xe,z=ye,t=te".parse().expect("names"), ..ReadOptions::default() };
    let chosen = ReadOptions { selection: "te > 1".parse().expect("a selection"), ..named.clone() };
    let plain = ReadOptions::default();
    let cases = [
        ("own names, one file", vec![own], &plain),
        ("other names in cm", vec![other.clone()], &named),
        ("other names in cm, a selection", vec![other], &chosen),
        ("own names, 10 files", parts(10), &plain),
        ("own names, 100 files", parts(100), &plain),
    ];
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, files, options), times) in cases.iter().zip(&mut times) {
            times.push(seconds(files, options));
        }
    }
    for ((what, ..), times) in cases.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        println!("{what:<32} {:7.1} ms, least {:7.1} ms", 1e3 * times[ROUNDS / 2], 1e3 * times[0]);
    }
}
