//! Files as pyarrow and awkward write them: `tests/python/make_parquet.py` made them.

use std::path::{Path, PathBuf};

use super::open;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
#[cfg(not(feature = "parquet"))]
fn without_the_feature_the_remedy_is_told() {
    let message = open(&fixture("flat_zstd.parquet")).err().unwrap().to_string();
    assert!(message.contains("flat_zstd.parquet: is a Parquet file"), "{message}");
    assert!(message.contains("--features parquet") && message.contains("numpy.savez"), "{message}");
}

#[cfg(feature = "parquet")]
mod with_the_feature {
    use super::*;
    use crate::columns::{ColumnKind, Table, Values};

    const X: [f32; 5] = [-0.5, 0.25, 1.0, -1.5, 2.0];
    const Z: [f32; 5] = [0.0, 0.5, -0.25, 3.0, 0.125];
    const T: [f32; 5] = [170.0, 171.5, 169.0, 180.25, 175.0];

    fn double(values: [f32; 5]) -> Values {
        Values::F64(values.map(f64::from).into())
    }

    fn names(table: &dyn Table) -> Vec<(&str, &str)> {
        table.headers().iter().map(|header| (header.name.as_str(), header.type_name.as_str())).collect()
    }

    /// The library would count through all of a list of 2³¹ booleans, and through lists of such lists.
    #[test]
    fn a_header_that_would_take_for_ever_is_refused() {
        let header = [0xf9, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0];
        let length = (header.len() as u32).to_le_bytes();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [b"PAR1", &header[..], &length, b"PAR1"].concat()).unwrap();
        let said = open(file.path()).err().unwrap().to_string();
        assert!(said.contains("Parquet: cannot be read: a header is not one of Parquet"), "{said}");
    }

    /// The library reads by one place of the open file, whoever asks.
    #[test]
    fn columns_are_read_from_several_threads() {
        let table = open(&fixture("lists_snappy.parquet")).unwrap();
        let read = |index: usize| table.read(index).unwrap().values;
        let alone: Vec<Values> = (0..3).map(read).collect();
        std::thread::scope(|scope| {
            for (index, alone) in alone.iter().enumerate() {
                scope.spawn(move || (0..300).for_each(|_| assert_eq!(read(index), *alone)));
            }
        });
    }

    #[test]
    fn lists_are_avalanches() {
        for name in ["lists_snappy.parquet", "lists_gzip.parquet"] {
            let table = open(&fixture(name)).unwrap();
            let known = [
                ("x", "list<float>"),
                ("z", "list<double>"),
                ("t", "list<float>"),
                ("event", "int64"),
                ("gas", "text"),
            ];
            assert_eq!((names(&*table), table.rows()), (known.to_vec(), 3), "{name}");
            assert_eq!(table.headers()[0].kind, ColumnKind::List);
            let offsets = Some(vec![0, 2, 2, 5]);
            for (column, values) in [(0, Values::F32(X.into())), (1, double(Z)), (2, Values::F32(T.into()))] {
                let read = table.read(column).unwrap();
                assert_eq!((&read.offsets, read.values), (&offsets, values), "{name}");
            }
            assert_eq!(table.read(3).unwrap().values, Values::I64(vec![7, 8, 9]));
            assert!(table.read(4).unwrap_err().to_string().contains("gas: holds text; numbers are wanted"));
        }
        let awkward = open(&fixture("awkward.parquet")).unwrap();
        assert_eq!(names(&*awkward)[0], ("x", "list<double>"));
        let x = awkward.read(0).unwrap();
        assert_eq!((x.offsets, x.values), (Some(vec![0, 2, 2, 5]), double(X)));
    }

    #[test]
    fn flat_columns_are_numbers() {
        for name in ["flat_zstd.parquet", "flat_none.parquet"] {
            let table = open(&fixture(name)).unwrap();
            assert_eq!((table.headers()[1].title.as_str(), table.rows()), ("x [cm]", 5));
            for (column, values) in [
                (0, Values::I32(vec![7, 7, 9, 9, 9])),
                (1, double(X)),
                (2, Values::F32(Z.into())),
                (3, double(T)),
                (4, Values::Bool(vec![true, false, true, true, false])),
                (5, Values::U32(vec![1, 2, 3, 4, 255])),
            ] {
                let read = table.read(column).unwrap();
                assert_eq!((read.offsets, read.values), (None, values), "{name} {column}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let nulls = open(&fixture("nulls.parquet")).unwrap();
        for (column, said) in
            [(0, "x: row 1 holds a null"), (1, "z: row 1 holds a null"), (2, "t: row 1 holds a null")]
        {
            let message = nulls.read(column).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
        let nested = open(&fixture("nested.parquet")).unwrap();
        assert_eq!(nested.headers()[0].kind, ColumnKind::Other("lists of lists".into()));
        assert_eq!(names(&*nested)[1], ("p.x", "double"));
        assert_eq!(nested.read(1).unwrap().values, Values::F64(vec![1.0, 2.0, 3.0]));
        let brotli = open(&fixture("flat_brotli.parquet")).unwrap();
        let message = brotli.read(1).unwrap_err().to_string();
        assert!(message.contains("hint: write it with compression"), "{message}");
    }
}
