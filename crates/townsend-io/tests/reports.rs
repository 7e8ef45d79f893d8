//! Files of others, made anew after public reports of what goes wrong with them: `fixtures/README.md`.

use std::path::PathBuf;

use townsend_core::{Coordinate, Dataset, ElectronSet, Silent};
use townsend_io::{Choice, Error, Loaded, ReadOptions, read};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn load(name: &str) -> Loaded {
    with(name, &ReadOptions::default())
}

fn with(name: &str, options: &ReadOptions) -> Loaded {
    read(fixture(name).as_path(), options, &Silent).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(name: &str) -> Error {
    read(fixture(name).as_path(), &ReadOptions::default(), &Silent).unwrap_err()
}

fn columns(text: &str) -> ReadOptions {
    ReadOptions { columns: text.parse().unwrap(), ..ReadOptions::default() }
}

fn sizes(loaded: &Loaded) -> Vec<u64> {
    (0..loaded.data.len()).map(|index| loaded.data.electrons(index)).collect()
}

fn electrons(loaded: &Loaded) -> &ElectronSet {
    match &loaded.data {
        Dataset::Electrons(set) => set,
        Dataset::Counts(_) => panic!("counts"),
    }
}

/// True if a notice has this text; the choices count as text.
fn told(loaded: &Loaded, text: &str) -> bool {
    loaded.notices.iter().any(|notice| notice.to_string().contains(text))
}

/// The sizes of the six avalanches that most of the files hold.
const SIX: [u64; 6] = [8, 6, 7, 6, 5, 8];

#[test]
fn centimetres_become_millimetres() {
    let loaded = load("t24e_cm_200.root");
    let x = electrons(&loaded).column(Coordinate::X);
    let rms = (x.iter().map(|x| f64::from(x * x)).sum::<f64>() / x.len() as f64).sqrt();
    assert!((0.25..0.35).contains(&rms), "0.03 cm are 0.3 mm: {rms}");
    assert_eq!(loaded.data.meta().units, ["mm", "mm", "ns"]);
    assert!(!told(&loaded, "is its unit another one"), "{:?}", loaded.notices);
    // The unit of the file goes for nothing where the user states one.
    let options = ReadOptions { units: "mm,ns".parse().unwrap(), ..ReadOptions::default() };
    let stated = with("t24e_cm_200.root", &options);
    let ratio = x[7] / electrons(&stated).column(Coordinate::X)[7];
    assert!((ratio - 10.0).abs() < 1e-5, "{ratio}");
}

#[test]
fn the_highest_cycle_of_a_tree_is_read() {
    assert_eq!(load("t04b_uproot_cycles.root").data.len(), 6);
}

#[test]
fn of_two_trees_the_one_left_out_is_told() {
    let loaded = load("t03_two_dirs.root");
    assert_eq!((loaded.data.len(), sizes(&loaded).iter().sum::<u64>()), (2, 14));
    assert!(told(&loaded, "there are avalanches in run2/avalanches too"), "{:?}", loaded.notices);
    assert!(told(&loaded, "tree = \"run2/avalanches\""), "{:?}", loaded.notices);
    let options = ReadOptions { tree: Some("run2/avalanches".into()), ..ReadOptions::default() };
    let other = with("t03_two_dirs.root", &options);
    assert_eq!((other.data.len(), sizes(&other).iter().sum::<u64>()), (4, 26));
    let options = ReadOptions { tree: Some("avalanches".into()), ..ReadOptions::default() };
    let error = read(fixture("t03_two_dirs.root").as_path(), &options, &Silent).unwrap_err();
    assert!(
        error.to_string().contains("several trees avalanches: run1/avalanches, run2/avalanches"),
        "{error}"
    );
}

#[test]
fn arrays_that_are_filled_in_part_end_with_their_number() {
    let loaded = load("t09_padded.root");
    assert_eq!(sizes(&loaded), SIX);
    assert!(told(&loaded, "the first n of the 20 values"), "{:?}", loaded.notices);
}

#[test]
fn a_number_that_goes_back_begins_another_file() {
    let loaded = load("t01_hadd_restart.root");
    assert_eq!(sizes(&loaded), SIX);
    assert!(told(&loaded, "goes back 1 times"), "{:?}", loaded.notices);
}

#[test]
fn avalanches_are_numbered_from_any_number() {
    assert_eq!(sizes(&load("t02_from_one.root")), SIX);
    assert_eq!(sizes(&load("t02c_runevent.root")), SIX);
}

#[test]
fn one_huge_avalanche_is_told() {
    let loaded = load("t01d_hadd_all_zero.root");
    assert_eq!(sizes(&loaded), [40]);
    assert!(told(&loaded, "is 0 in all 40 rows, which makes one avalanche"), "{:?}", loaded.notices);
}

#[test]
fn times_since_1970_keep_their_differences() {
    let loaded = load("t07_absolute_time.root");
    let t = electrons(&loaded).column(Coordinate::T);
    let mut different: Vec<f32> = t.to_vec();
    different.sort_by(f32::total_cmp);
    different.dedup();
    assert_eq!(different, [0.0, 1.0, 2.0, 3.0, 4.5]);
    assert!(told(&loaded, "1700000000 ns, common to all, were taken off"), "{:?}", loaded.notices);
}

#[test]
fn a_sum_of_histograms_is_no_avalanche() {
    let loaded = load("h06_summary.root");
    assert_eq!((loaded.data.len(), sizes(&loaded).iter().sum::<u64>()), (4, 26));
    assert!(told(&loaded, "left aside: h2_sum"), "{:?}", loaded.notices);
    let options = ReadOptions { histograms: Some("h2_sum".into()), ..ReadOptions::default() };
    assert_eq!(sizes(&with("h06_summary.root", &options)), [26]);
}

#[test]
fn a_full_cell_is_told() {
    let loaded = load("h14_th1c.root");
    assert!(told(&loaded, "a cell holds 127") && told(&loaded, "filled 300 times"), "{:?}", loaded.notices);
}

#[test]
fn a_drift_along_z_asks_for_the_columns() {
    let error = refused("t10c_drift_along_z.root");
    assert!(error.to_string().contains("z is -0.2 for every electron and there is a y"), "{error}");
    assert_eq!(error.choices()[0].to_string(), "columns = \"x=x,z=y,t=t\"");
    let loaded = with("t10c_drift_along_z.root", &columns("x=x,z=y,t=t"));
    assert_eq!(sizes(&loaded), [10, 11, 12, 13, 14]);
}

#[test]
fn a_tree_has_as_many_entries_as_it_says() {
    let loaded = load("t19b_entries.root");
    assert_eq!(loaded.data.len(), 4);
    assert!(told(&loaded, "says that it has 4 entries, and its branches have 6"), "{:?}", loaded.notices);
}

#[test]
fn columns_of_garfield_are_named() {
    let error = refused("t10_garfield_names.root");
    let Error::Undecided { what, choices, .. } = &error else { panic!("{error}") };
    for name in ["xe (", "ye (", "ze (", "te ("] {
        assert!(what.contains(name), "{what}");
    }
    assert!(choices.contains(&named("x=xe,z=ye,t=te")), "{choices:?}");
    let loaded = with("t10_garfield_names.root", &columns("x=xe,z=ye,t=te"));
    assert_eq!(sizes(&loaded), [2, 1]);
    assert!(told(&loaded, "names no unit; mm is assumed"), "{:?}", loaded.notices);
}

fn named(value: &str) -> Choice {
    Choice { option: "columns", value: value.into() }
}

#[test]
fn a_kept_cycle_is_not_the_newest() {
    let loaded = load("h12b_kept_cycle.root");
    assert_eq!((loaded.data.len(), sizes(&loaded).iter().sum::<u64>()), (2, 16));
}

#[test]
fn histograms_of_geant4_are_read() {
    assert_eq!(sizes(&load("h20_g4_th1d.root")), [15, 21, 27]);
}

#[test]
fn vectors_with_an_allocator_are_read() {
    assert_eq!(sizes(&load("t25_vector_allocator.root")), [0, 1, 2, 3]);
}

#[test]
fn an_rntuple_is_read() {
    let loaded = load("t17b_uproot_default.root");
    assert_eq!(sizes(&loaded), SIX);
    assert!(loaded.layout.starts_with("RNTuple "), "{}", loaded.layout);
}

#[test]
fn packed_numbers_and_offset_maps_are_read() {
    assert_eq!(sizes(&load("t05_float16.root")), SIX);
    assert_eq!(sizes(&load("t13_offsetmap.root")), SIX);
}

#[test]
fn a_tree_that_cannot_be_read_does_not_keep_from_histograms() {
    let loaded = load("h22_unreadable_tree_beside.root");
    assert_eq!(loaded.data.len(), 3);
}

#[test]
fn arrays_of_numpy_are_read() {
    for name in ["n01_meta_dict.npz", "n04_float16.npz", "n08b_nosuffix.npz"] {
        assert!(!load(name).data.is_empty(), "{name}");
    }
    assert!(told(&load("n01_meta_dict.npz"), "is set aside"));
    assert!(refused("n05b_lzma.npz").to_string().contains("hint: write the file anew"));
    let t = load("t07_absolute_time.npz");
    assert_eq!(electrons(&t).column(Coordinate::T)[..3], [0.0, 1.0, 2.0]);
}

#[test]
fn weighted_histograms_are_refused_or_rounded() {
    // 4 x 1.25 and 5 x 1.25 electrons: the first is a whole number, and weighted all the same.
    let error = refused("weighted.root").to_string();
    assert!(error.contains("h2_0: bin") && error.contains("have their contents rounded"), "{error}");
    let loaded = with("weighted.root", &ReadOptions { round: true, ..ReadOptions::default() });
    assert_eq!(sizes(&loaded), [5 + 4, 6]);
    assert!(told(&loaded, "3 cells that held no whole number"), "{:?}", loaded.notices);
    let grid = loaded.data.grid().unwrap();
    assert_eq!((grid.axes()[0].low(), grid.axes()[1].label()), (-1.5, "z [mm]"));
}
