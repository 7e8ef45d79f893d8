//! Files as NumPy writes them for others: `tests/python/make_npz.py` made them.

use std::path::{Path, PathBuf};

use townsend_core::{Dataset, ElectronSet, OutputFile, Silent};

use super::*;
use crate::Columns;
use crate::columns::{ColumnKind, Table, Values};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn electrons(name: &str) -> (ElectronSet, Vec<String>) {
    let loaded = crate::read(fixture(name), &ReadOptions::default(), &Silent).unwrap();
    let told = loaded.notices.iter().map(ToString::to_string).collect();
    match loaded.data {
        Dataset::Electrons(set) => (set, told),
        Dataset::Counts(_) => panic!("{name} holds electrons"),
    }
}

fn open(name: &str) -> NpzTable {
    let path = fixture(name);
    let units = Meta::default().units;
    NpzTable::new(&path, Arrays::open(&path).unwrap(), &units, &Columns::default()).unwrap()
}

fn refused(name: &str) -> String {
    crate::read(fixture(name), &ReadOptions::default(), &Silent).unwrap_err().to_string()
}

#[test]
fn every_type_of_number_is_read() {
    for (name, x, t) in [
        ("big_endian.npz", [1.0, -1.5, 2.0], [169.0, 180.25, 175.0]),
        ("integers.npz", [1.0, -2.0, 2.0], [169.0, 180.0, 175.0]),
    ] {
        let (set, warnings) = electrons(name);
        let sizes: Vec<usize> = set.iter().map(|avalanche| avalanche.len()).collect();
        let last = set.iter().last().unwrap();
        assert_eq!((sizes, last.x, last.t), (vec![2, 0, 3], &x[..], &t[..]), "{name}");
        assert_eq!((last.z, warnings), (&[-0.25, 3.0, 0.125][..], vec![]), "{name}");
    }
    // 0.33325195 is the half nearest to a third.
    let (halves, _) = electrons("n04_float16.npz");
    assert_eq!(halves.iter().map(|avalanche| avalanche.len()).sum::<usize>(), 5);
}

#[test]
fn members_need_no_ending() {
    let (set, warnings) = electrons("n08b_nosuffix.npz");
    assert_eq!((set.iter().map(|avalanche| avalanche.len()).sum::<usize>(), warnings), (5, vec![]));
}

#[test]
fn a_meta_that_is_no_text_is_set_aside() {
    let (set, warnings) = electrons("n01_meta_dict.npz");
    assert_eq!(set.iter().count(), 3);
    assert_eq!(warnings, ["array meta holds Python objects, not a text, and is set aside"]);
}

#[test]
fn units_of_another_program_may_stand_in_its_meta() {
    let of = |text: &str| stated_units(text).map(|units| units.join(","));
    assert_eq!(of(r#"{"units": ["cm", "cm", "ns"]}"#).unwrap(), "cm,cm,ns");
    assert_eq!(of(r#"{"units": {"x": "um", "t": "ps"}, "gas": "Ar"}"#).unwrap(), "um,,ps");
    assert_eq!((of("made by hand"), of("{}")), (None, None));
}

#[test]
fn what_is_not_read_comes_with_a_remedy() {
    for (name, said) in [
        ("n05b_lzma.npz", "is compressed with LZMA"),
        ("n05b_lzma.npz", "hint: write the file anew with np.savez_compressed or np.savez"),
        ("bzip2.npz", "is compressed with BZIP2"),
        ("float128.npz", "x is float128, not numbers that can be read\n  hint: store float64"),
        ("objects.npz", "x is Python objects, not numbers that can be read\n  hint: store numbers: np.conc"),
        ("records.npz", "has no column x, z, t; it has electrons (records)"),
    ] {
        let message = refused(name);
        assert!(message.contains(said) && !message.contains("damaged"), "{name}: {message}");
    }
}

#[test]
fn arrays_of_any_name_are_columns() {
    let table = open("other_names.npz");
    assert_eq!(table.rows(), 5);
    let known: Vec<(&str, &str, ColumnKind)> = table
        .headers()
        .iter()
        .map(|header| (header.name.as_str(), header.type_name.as_str(), header.kind.clone()))
        .collect();
    let other = |what: &str| ColumnKind::Other(what.into());
    assert_eq!(
        known,
        [
            ("xe", "float64", ColumnKind::Number),
            ("ze", "float64", ColumnKind::Number),
            ("te", "float64", ColumnKind::Number),
            ("ev", "uint16", ColumnKind::Number),
            ("positions", "float64", ColumnKind::Array(2)),
            ("gain", "float64", other("of 2 values")),
            ("gas", "text", other("text")),
            ("pressure", "float64", other("a single value")),
            ("hit", "bool", ColumnKind::Number),
        ]
    );
    let te = table.read(2).unwrap();
    assert_eq!(te.values, Values::F64([170.0, 171.5, 169.0, 180.25, 175.0].map(|t| 1.7e9 + t).into()));
    assert_eq!(table.read(3).unwrap().values, Values::U16(vec![7, 7, 9, 9, 9]));
    // Stored with columns first.
    let positions = table.read(4).unwrap();
    assert_eq!(positions.offsets, Some(vec![0, 2, 4, 6, 8, 10]));
    assert_eq!(positions.values.to_f64()[..4], [-0.5, 0.0, 0.25, 0.5]);
    let message = table.read(5).unwrap_err().to_string();
    assert!(message.contains("gain: of 2 values; it is no column of 5 rows"), "{message}");
    let mut arrays = Arrays::open(&fixture("other_names.npz")).unwrap();
    assert_eq!(arrays.text("gas").unwrap().as_deref(), Some("ArCO2"));
}

#[test]
fn records_and_offsets_are_listed() {
    let table = open("records.npz");
    assert_eq!((table.rows(), &table.headers()[0].kind), (0, &ColumnKind::Other("records, not numbers that can be read\n  hint: store each field under its name: np.savez(file, **{n: a[n] for n in a.dtype.names})".into())));
    let table = open("big_endian.npz");
    assert_eq!((table.rows(), table.avalanches().unwrap()), (5, Some(vec![0, 2, 2, 5])));
    assert!(
        table.headers().iter().all(|header| header.name != "offsets" && header.kind == ColumnKind::Number)
    );
}

#[test]
fn offsets_are_written_as_signed_integers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let output = OutputFile::create(&path, false).unwrap();
    let mut writer = NpzElectronWriter::new(output, &Meta::default()).unwrap();
    let mut set = ElectronSet::default();
    set.push(&[1.0], &[2.0], &[3.0]);
    writer.push(set.iter().next().unwrap()).unwrap();
    writer.finish().unwrap();
    let mut arrays = Arrays::open(&path).unwrap();
    assert_eq!(arrays.numbers("offsets").unwrap(), (vec![2], Values::I64(vec![0, 1])));
    assert_eq!(crate::read(&path, &ReadOptions::default(), &Silent).unwrap().data, set.into());
}
