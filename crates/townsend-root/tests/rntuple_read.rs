//! RNTuples that ROOT and uproot wrote are read as they are read there.

use std::path::PathBuf;

use townsend_root::{BranchKind, Column, ElementType, Error, RNTuple, RootFile, Values};

fn open(name: &str) -> RootFile {
    RootFile::open(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}

/// The values of each entry.
fn rows(ntuple: &RNTuple<'_>, name: &str) -> Vec<Vec<f64>> {
    let column = ntuple.read_column(name).unwrap();
    let values = column.values.to_f64();
    (0..column.entries()).map(|index| values[column.entry(index)].to_vec()).collect()
}

/// The number of an entry, as `make_rntuple.py` makes it.
fn number(i: usize) -> f64 {
    (if i % 2 == 1 { -1.0 } else { 1.0 }) * i as f64 / 7.0
}

fn single(i: usize) -> f64 {
    f64::from(number(i) as f32)
}

/// One row an entry.
fn filled(row: impl Fn(usize) -> Vec<f64>) -> Vec<Vec<f64>> {
    (0..60).map(row).collect()
}

#[test]
fn what_uproot_writes_by_default_is_read() {
    let file = open("rntuple_avalanches.root");
    let ntuple = file.read_rntuple("avalanches").unwrap();
    assert_eq!((ntuple.entries(), ntuple.path(), ntuple.description()), (6, "avalanches", ""));
    let fields: Vec<_> =
        ntuple.fields().iter().map(|field| (field.name(), field.kind().to_string())).collect();
    assert_eq!(fields, ["t", "x", "z"].map(|name| (name, "vector<f64>".to_owned())));
    for name in ["t", "x", "z"] {
        let lengths: Vec<_> = rows(&ntuple, name).iter().map(Vec::len).collect();
        assert_eq!(lengths, [8, 6, 7, 6, 5, 8], "{name}");
    }
}

#[test]
fn fields_say_what_they_hold() {
    let file = open("rntuple_root.root");
    let ntuple = file.read_rntuple("everything").unwrap();
    assert_eq!(ntuple.description(), "what ROOT writes");
    let told = |name: &str| {
        let field = ntuple.field(name).unwrap();
        format!("{} {} {}", field.type_name(), field.kind(), field.description())
    };
    assert_eq!(told("x"), "std::vector<float> vector<f32> x [mm]");
    assert_eq!(told("rvec"), "ROOT::VecOps::RVec<std::int32_t> vector<i32> ");
    assert_eq!(told("matrix"), "std::array<std::array<std::int16_t,3>,2> i16[6] ");
    assert_eq!(told("colour"), "Colour i16 ");
    assert_eq!(told("text"), "std::string text ");
    assert_eq!(told("child.d"), "std::vector<float> vector<f32> ");
    assert_eq!(told("items._1"), "std::int32_t vector<i32> ");
    assert_eq!(told("pairs._0"), "float f32[2] ");
    assert_eq!(told("n_x"), "ROOT::RNTupleCardinality<std::uint32_t> u32 ");
    assert_eq!(*ntuple.field("double32").unwrap().kind(), BranchKind::Scalar(ElementType::F64));
}

#[test]
fn numbers_of_all_encodings_are_read() {
    for name in ["rntuple_root.root", "rntuple_plain.root"] {
        let file = open(name);
        let ntuple = file.read_rntuple("everything").unwrap();
        for field in ["p_f32", "s_f32", "f64_as_f32", "double32", "point.a", "child.a", "pair._0"] {
            assert_eq!(rows(&ntuple, field), filled(|i| vec![single(i)]), "{name}: {field}");
        }
        for field in ["p_f64", "s_f64", "point.b"] {
            assert_eq!(rows(&ntuple, field), filled(|i| vec![number(i)]), "{name}: {field}");
        }
        for (field, relative) in [("half", 5e-4), ("half_f64", 5e-4), ("trunc10", 0.5), ("trunc31", 2e-7)] {
            let close =
                |(i, row): (usize, &Vec<f64>)| (row[0] - number(i)).abs() <= relative * number(i).abs();
            assert!(rows(&ntuple, field).iter().enumerate().all(close), "{name}: {field}");
        }
        for (field, bits) in [("quant1", 1), ("quant7", 7), ("quant12_f32", 12), ("quant32", 32)] {
            let step = 18.0 / f64::from(u32::MAX >> (32 - bits));
            let close = |(i, row): (usize, &Vec<f64>)| (row[0] - number(i)).abs() <= 0.501 * step;
            assert!(rows(&ntuple, field).iter().enumerate().all(close), "{name}: {field}");
        }
        // Real32, Real16 and SplitReal32, one cluster each.
        for (i, row) in rows(&ntuple, "changing").iter().enumerate() {
            let error = (row[0] - single(i)).abs();
            assert!(if (20..44).contains(&i) { error < 5e-3 } else { error == 0.0 }, "{name}: {i}");
        }
    }
}

#[test]
fn integers_keep_all_bits() {
    let file = open("rntuple_root.root");
    let ntuple = file.read_rntuple("everything").unwrap();
    let bits = |i: usize| {
        let sign = if i % 2 == 1 { u64::MAX } else { 0 };
        sign ^ 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(i as u64) >> (i % 3 * 20)
    };
    for kind in ["p", "s"] {
        let read = |name: &str| ntuple.read_column(&format!("{kind}_{name}")).unwrap().values;
        assert_eq!(read("i16"), Values::I16((0..60).map(|i| bits(i) as i16).collect()));
        assert_eq!(read("u16"), Values::U16((0..60).map(|i| bits(i) as u16).collect()));
        assert_eq!(read("i32"), Values::I32((0..60).map(|i| bits(i) as i32).collect()));
        assert_eq!(read("u32"), Values::U32((0..60).map(|i| bits(i) as u32).collect()));
        assert_eq!(read("i64"), Values::I64((0..60).map(|i| bits(i) as i64).collect()));
        assert_eq!(read("u64"), Values::U64((0..60).map(bits).collect()));
    }
    let read = |name: &str| ntuple.read_column(name).unwrap().values;
    assert_eq!(read("i8"), Values::I8((0..60).map(|i| bits(i) as i8).collect()));
    assert_eq!(read("byte"), Values::U8((0..60).map(|i| 200 + i % 50).collect()));
    assert_eq!(read("character"), Values::I8((0..60).map(|i| (b'a' + i % 20) as i8).collect()));
    assert_eq!(read("bit"), Values::Bool((0..60).map(|i| i % 3 == 1).collect()));
}

#[test]
fn vectors_arrays_and_texts_are_read() {
    let file = open("rntuple_root.root");
    let ntuple = file.read_rntuple("everything").unwrap();
    let lengths = |i: usize| if i.is_multiple_of(5) { 0 } else { 3 * i % 13 };
    for field in ["x", "alias"] {
        assert_eq!(rows(&ntuple, field), filled(|i| (i..i + lengths(i)).map(single).collect()), "{field}");
    }
    assert_eq!(rows(&ntuple, "n_x"), filled(|i| vec![lengths(i) as f64]));
    assert_eq!(
        rows(&ntuple, "bits"),
        filled(|i| (i..i + i % 11).map(|k| f64::from(u8::from(k % 3 == 1))).collect())
    );
    assert_eq!(rows(&ntuple, "narrow"), filled(|i| vec![number(i); i % 3]));
    assert_eq!(rows(&ntuple, "changing_vector"), filled(|i| vec![number(i); i % 7]));
    assert_eq!(rows(&ntuple, "array"), filled(|i| (i..i + 3).map(single).collect()));
    assert_eq!(rows(&ntuple, "bitset"), filled(|i| (0..11).map(|k| ((31 * i) >> k & 1) as f64).collect()));
    assert_eq!(rows(&ntuple, "items._0"), filled(|i| (i..i + i % 4).map(single).collect()));
    assert_eq!(rows(&ntuple, "pairs._1"), filled(|i| vec![i as f64, -(i as f64)]));
    assert_eq!(rows(&ntuple, "colour"), filled(|i| vec![if i % 2 == 1 { -3.0 } else { 5.0 }]));
    let texts = ntuple.read_column("text").unwrap();
    for entry in 0..60 {
        assert_eq!(texts.text(entry).unwrap(), "x".repeat(entry % 8 * 40) + &entry.to_string());
    }
}

#[test]
fn fields_that_were_added_later_are_zero_before() {
    let file = open("rntuple_root.root");
    let ntuple = file.read_rntuple("everything").unwrap();
    let after = |i: usize| if i < 30 { 0.0 } else { i as f64 };
    assert_eq!(rows(&ntuple, "late"), filled(|i| vec![after(i)]));
    assert_eq!(rows(&ntuple, "late_array"), filled(|i| vec![after(i), -after(i)]));
    assert_eq!(rows(&ntuple, "late_x"), filled(|i| vec![i as f64; if i < 30 { 0 } else { i % 4 }]));
}

#[test]
fn pages_in_several_pieces_and_none_at_all_are_read() {
    for name in ["rntuple_root.root", "rntuple_plain.root"] {
        let file = open(name);
        let ntuple = file.read_rntuple("long_pages").unwrap();
        let wanted: Vec<_> = (0..700).map(number).collect();
        assert_eq!(ntuple.read_column("y").unwrap().values.to_f64(), wanted);
        let empty = file.read_rntuple("sub/deep/empty;1").unwrap();
        assert_eq!((empty.entries(), empty.read_column("x").unwrap()), (0, Column::default()));
        assert_eq!(empty.read_column("gain").unwrap().entries(), 0);
    }
}

#[test]
fn snapshots_imported_trees_and_merged_files_are_read() {
    let file = open("rntuple_snapshot.root");
    let snapshot = file.read_rntuple("snapshot").unwrap();
    let halves = |i: i32| (0..i).map(|k| f64::from(k) / 2.0).collect();
    assert_eq!(rows(&snapshot, "x"), (0..20).map(halves).collect::<Vec<Vec<_>>>());
    assert_eq!(rows(&snapshot, "w"), (0..20).map(|i| vec![1.5; i % 3]).collect::<Vec<_>>());
    let file = open("rntuple_merged.root");
    let merged = file.read_rntuple("avalanches").unwrap();
    assert_eq!(merged.entries(), 40);
    let eighths = |i: i32| (0..i % 20 % 4).map(|k| f64::from(i % 20) + f64::from(k) / 8.0).collect();
    assert_eq!(rows(&merged, "x"), (0..40).map(eighths).collect::<Vec<Vec<_>>>());
    assert_eq!(rows(&merged, "n"), (0..40).map(|i| vec![f64::from(i % 20 % 4)]).collect::<Vec<_>>());
}

#[test]
fn pieces_are_the_whole() {
    let file = open("rntuple_root.root");
    let ntuple = file.read_rntuple("everything").unwrap();
    for name in ["x", "text", "bits", "changing_vector", "matrix", "s_i32", "quant7", "n_x", "late_x", "late"]
    {
        let whole = rows(&ntuple, name);
        let mut reader = ntuple.reader(name).unwrap();
        let mut column = Column::default();
        for length in [1, 7, 19, 20, 59] {
            let mut pieces = Vec::new();
            for start in (0..60).step_by(length) {
                reader.read(start..start + length as u64, &mut column).unwrap();
                let values = column.values.to_f64();
                pieces.extend((0..column.entries()).map(|index| values[column.entry(index)].to_vec()));
            }
            assert!(pieces == whole, "{name} in pieces of {length}");
        }
        // Backwards, and beyond the end.
        reader.read(13..15, &mut column).unwrap();
        assert_eq!(column.values.to_f64(), whole[13..15].concat(), "{name}");
        reader.read(58..5000, &mut column).unwrap();
        assert_eq!((column.entries(), column.values.to_f64()), (2, whole[58..].concat()), "{name}");
        reader.read(60..61, &mut column).unwrap();
        assert_eq!(column.entries(), 0);
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let file = open("rntuple_root.root");
    let ntuple = file.read_rntuple("everything").unwrap();
    let told = |result: Result<Column, Error>, parts: &[&str]| {
        let message = result.unwrap_err().to_string();
        for part in ["rntuple_root.root"].iter().chain(parts) {
            assert!(message.contains(part), "{message}");
        }
    };
    for (field, kind) in [
        ("optional", "a std::optional<float>"),
        ("variant", "a std::variant<float,std::int32_t>"),
        ("nested", "a std::vector<std::vector<float>>"),
        ("texts", "a std::vector<std::string>"),
        ("arrays", "a std::vector<std::array<float,2>>"),
        ("streamed", "a Point, stored as a whole by ROOT's streamer"),
    ] {
        assert_eq!(*ntuple.field(field).unwrap().kind(), BranchKind::Unsupported(kind.to_owned()));
        told(ntuple.read_column(field), &[&format!("everything/{field} cannot be read: it is {kind}")]);
    }
    told(ntuple.read_column("y"), &["\"everything/y\"", "the nearest are \"everything/x\""]);
    assert!(matches!(file.read_rntuple("sub"), Err(Error::WrongClass { wanted: "ROOT::RNTuple", .. })));
    let trees = open("tree_zlib.root");
    assert!(matches!(trees.read_rntuple("electrons"), Err(Error::WrongClass { .. })));
}

/// An anchor with its class renamed, or the first number of its version changed.
#[test]
fn older_formats_are_refused_with_the_remedy() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rntuple_avalanches.root");
    let bytes = std::fs::read(path).unwrap();
    let class = b"\x0dROOT::RNTuple";
    let at = bytes.windows(class.len()).position(|window| window == class).unwrap();
    let object = bytes[at..].windows(6).position(|window| window == b"\0\x02\0\x01\0\0").unwrap();
    let mut old = bytes;
    old[at + object + 3] = 0;
    let file = RootFile::from_bytes("old.root", old).unwrap();
    let message = file.read_rntuple("avalanches").unwrap_err().to_string();
    assert!(message.contains("avalanches") && message.contains("ROOT 6.34 or newer"), "{message}");
}
