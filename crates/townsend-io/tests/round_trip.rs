//! What is written is read back the same; what is wrong is said.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use townsend_core::{Axis, CountSet, Dataset, ElectronSet, Grid, Provenance, Silent};
use townsend_io::{AvalancheWriter, Format, Loaded, ReadOptions, WriteOptions, read};
use townsend_root::{
    BranchSpec, BranchType, BranchValue, Compression, Contents, Histogram, HistogramAxis, RootWriter,
    TreeWriter,
};

fn load(path: &Path) -> Loaded {
    read(path, &ReadOptions::default(), &Silent).unwrap()
}

fn write(path: &Path, data: &Dataset, options: &WriteOptions) -> townsend_io::Result<()> {
    let mut writer = AvalancheWriter::create(path, data.meta(), options)?;
    writer.append(data)?;
    writer.finish()
}

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

fn electrons(avalanches: &[Vec<[f32; 3]>]) -> Dataset {
    let mut set = ElectronSet::default();
    for avalanche in avalanches {
        let [x, z, t] = [0, 1, 2].map(|d| avalanche.iter().map(|e| e[d]).collect::<Vec<_>>());
        set.push(&x, &z, &t);
    }
    set.into()
}

fn with_provenance(mut data: Dataset) -> Dataset {
    data.meta_mut().provenance =
        Provenance { producer: "a test".into(), seed: Some(7), ..Provenance::default() };
    data
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn electrons_come_back_from_npz_and_tree(
        avalanches in prop::collection::vec(prop::collection::vec(prop::array::uniform3(-300.0f32..300.0), 0..50), 1..12)
    ) {
        let folder = tempfile::tempdir().unwrap();
        let data = with_provenance(electrons(&avalanches));
        for name in ["a.npz", "a.root"] {
            let path = folder.path().join(name);
            write(&path, &data, &WriteOptions::default()).unwrap();
            let back = load(&path);
            prop_assert_eq!(&back.data, &data);
        }
    }

    #[test]
    fn counts_come_back_from_npz_and_histograms(
        avalanches in prop::collection::vec(prop::collection::vec(prop::array::uniform3(-2.0f32..2.0), 0..50), 1..8),
        dims in 1usize..=3,
        variable in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let labels = ["x [mm]", "z [mm]", "t [ns]"];
        let mut axes: Vec<Axis> =
            labels[..dims].iter().map(|label| Axis::uniform(7, -1.5, 1.5).unwrap().with_label(*label)).collect();
        if variable {
            axes[0] = Axis::variable(vec![-1.0, -0.5, 0.75, 1.0]).unwrap().with_label("x [mm]");
        }
        let grid = Grid::new(axes).unwrap();
        let data: Dataset = with_provenance(electrons(&avalanches)).to_counts(&grid).unwrap().into();
        for name in ["a.npz", "a.root"] {
            let path = folder.path().join(name);
            write(&path, &data, &WriteOptions { grid: Some(grid.clone()), ..WriteOptions::default() }).unwrap();
            prop_assert_eq!(&load(&path).data, &data);
        }
    }
}

#[test]
fn the_shipped_avalanches_are_as_their_readme_says() {
    let histograms = load(&shipped("avalanches_2d.root"));
    assert_eq!(histograms.data.len(), 3000);
    assert_eq!(histograms.layout, "ROOT histograms h2_i (TH2F)");
    assert!(histograms.notices.is_empty(), "{:?}", histograms.notices);
    assert!(histograms.data.grid().unwrap().same_cells(&Grid::standard(2).unwrap()));
    assert!(histograms.data.meta().provenance.source.contains("Garfield++"));
    let electrons = load(&shipped("electrons.npz"));
    assert_eq!((electrons.data.len(), electrons.data.grid()), (40, None));
    assert_eq!(electrons.data.meta().units, ["mm", "mm", "ns"]);
}

#[test]
fn several_dimensions_go_into_one_file_and_each_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("h.root");
    let data = load(&shipped("electrons.npz")).data;
    let grid = Grid::standard(3).unwrap();
    let options = WriteOptions { grid: Some(grid.clone()), dims: vec![1, 2, 3], ..WriteOptions::default() };
    write(&path, &data, &options).unwrap();
    for dims in 1..=3 {
        let read = read(&path, &ReadOptions { dims: Some(dims), ..ReadOptions::default() }, &Silent).unwrap();
        assert_eq!(read.data.to_counts(&grid.first(dims).unwrap()).unwrap().len(), data.len());
        let Dataset::Counts(counts) = &read.data else { panic!("electrons from histograms") };
        let direct = data.to_counts(&Grid::standard(dims).unwrap()).unwrap();
        assert!(counts.iter().eq(direct.iter()));
    }
    let all = load(&path);
    assert_eq!(all.data.grid().unwrap().dims(), 3);
    assert!(all.notices[0].text.contains("choose the dimension"), "{:?}", all.notices);
}

#[test]
fn the_same_avalanches_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let data = load(&shipped("electrons.npz")).data;
    let grid = Some(Grid::standard(2).unwrap());
    for (a, b, grid) in [("a.npz", "b.npz", None), ("a.root", "b.root", None), ("c.root", "d.root", grid)] {
        let options = WriteOptions { grid, ..WriteOptions::default() };
        write(&folder.path().join(a), &data, &options).unwrap();
        write(&folder.path().join(b), &data, &options).unwrap();
        let bytes = |name| std::fs::read(folder.path().join(name)).unwrap();
        assert!(bytes(a) == bytes(b), "{a}");
    }
}

#[test]
fn counts_never_become_electrons() {
    let folder = tempfile::tempdir().unwrap();
    let counts = Dataset::from(CountSet::new(Grid::standard(2).unwrap()));
    for name in ["a.npz", "a.root"] {
        let path = folder.path().join(name);
        let error = write(&path, &counts, &WriteOptions::default()).unwrap_err().to_string();
        assert!(error.contains("cannot be recovered"), "{error}");
        assert!(!path.exists());
    }
}

#[test]
fn an_ending_that_says_nothing_is_refused_unless_a_format_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let data = electrons(&[vec![[0.0, 0.0, 170.0]]]);
    let error = write(&path, &data, &WriteOptions::default()).unwrap_err().to_string();
    assert!(error.contains("it ends in .h5"), "{error}");
    for (name, said) in
        [("a.csv", "a.csv: text is read, not written"), ("a.parquet", "parquet is read, not written")]
    {
        let path = folder.path().join(name);
        let error = write(&path, &data, &WriteOptions::default()).unwrap_err().to_string();
        assert!(error.contains(said) && !path.exists(), "{error}");
    }
    write(&path, &data, &WriteOptions { format: Some(Format::Npz), ..WriteOptions::default() }).unwrap();
    assert_eq!(load(&path).data, data);
}

/// A part of a whole can hold no avalanche.
#[test]
fn no_avalanche_comes_back_as_none() {
    let folder = tempfile::tempdir().unwrap();
    let none = |grid: &Grid| Dataset::from(CountSet::new(grid.clone()));
    let grid = Grid::standard(3).unwrap();
    for (name, data, layout) in [
        ("e.npz", electrons(&[]), "npz, electrons"),
        ("e.root", electrons(&[]), "ROOT tree avalanches, one entry an avalanche"),
        ("c.npz", none(&grid), "npz, sparse counts"),
        ("c.root", none(&grid), "ROOT histograms h3_i"),
    ] {
        let path = folder.path().join(name);
        let data = with_provenance(data);
        write(&path, &data, &WriteOptions { grid: data.grid().cloned(), ..WriteOptions::default() }).unwrap();
        let back = load(&path);
        assert_eq!((&back.data, back.layout.as_str()), (&data, layout));
        assert_eq!(back.notices, ["holds no avalanche".into()]);
    }
    // Of several dimensions the highest, as with avalanches.
    let path = folder.path().join("h.root");
    let options = WriteOptions { grid: Some(grid), dims: vec![2, 1], ..WriteOptions::default() };
    write(&path, &electrons(&[]), &options).unwrap();
    assert!(load(&path).data.grid().unwrap().same_cells(&Grid::standard(2).unwrap()));
    let wanted = ReadOptions { dims: Some(3), ..ReadOptions::default() };
    assert!(read(&path, &wanted, &Silent).unwrap_err().to_string().contains("in 2 dimensions"));
}

#[test]
fn histograms_beside_a_tree_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.root");
    let root = RootWriter::create(&path, Compression::default()).unwrap();
    let branches = ["x", "z", "t"].map(|name| BranchSpec::new(name, "", BranchType::VectorF32));
    let mut tree = TreeWriter::new(root, "hits", "", &branches).unwrap();
    tree.fill(&[BranchValue::VectorF32(&[0.5, 0.25]); 3]).unwrap();
    let mut root = tree.finish().unwrap();
    let axes = vec![HistogramAxis::new("x [mm]", 2, -1.5, 1.5)];
    root.write_histogram(&Histogram::new("h1_0", "", axes, Contents::D(vec![0.0, 0.0, 1.0, 0.0]))).unwrap();
    root.finish().unwrap();
    let loaded = load(&path);
    assert_eq!(loaded.data.electrons(0), 2);
    assert!(
        loaded.notices[0].text.starts_with("holds histograms too; the electrons of ROOT tree hits"),
        "{:?}",
        loaded.notices
    );
    let wanted = read(&path, &ReadOptions { dims: Some(1), ..ReadOptions::default() }, &Silent).unwrap();
    assert_eq!((wanted.data.electrons(0), wanted.notices), (1, Vec::new()));
}

/// What a key of a ROOT file cannot hold is left out of the note, the longest first; the avalanches are
/// written.
#[test]
fn a_long_provenance_is_shortened() {
    let folder = tempfile::tempdir().unwrap();
    let mut data = with_provenance(electrons(&[vec![[0.0, 0.0, 170.0]]]));
    data.meta_mut().provenance.source = "Garfield++ at 275 V, ".repeat(5_000);
    for (name, whole) in [("a.npz", true), ("a.root", false)] {
        let path = folder.path().join(name);
        write(&path, &data, &WriteOptions::default()).unwrap();
        let back = load(&path).data;
        assert_eq!(back.digest(), data.digest());
        let Provenance { seed, source, .. } = &back.meta().provenance;
        assert_eq!((*seed, *source == data.meta().provenance.source), (Some(7), whole), "{name}");
        assert!(data.meta().provenance.source.starts_with(source) && source.len() > 10_000);
    }
}

#[test]
fn electrons_come_back_from_an_rntuple() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.root");
    let data = load(&shipped("electrons.npz")).data;
    let options = WriteOptions { format: Some(Format::RNTuple), ..WriteOptions::default() };
    write(&path, &data, &options).unwrap();
    let back = load(&path);
    assert_eq!((back.data, back.layout.as_str()), (data, "RNTuple avalanches, one entry an avalanche"));
    let histograms = WriteOptions { grid: Some(Grid::standard(2).unwrap()), ..options };
    let error = write(&folder.path().join("b.root"), &load(&path).data, &histograms).unwrap_err().to_string();
    assert!(error.contains("an RNTuple holds electrons"), "{error}");
}
