//! What a written file promises, apart from what is in it.

use std::io::Cursor;

use townsend_root::{
    CellType, Compression, Contents, Date, Error, Histogram, HistogramAxis, Key, RootFile, RootWriter,
};

fn histogram(name: &str) -> Histogram {
    let mut cells = vec![0.0; 12];
    cells[5] = 7.0;
    Histogram::new(name, "title", vec![HistogramAxis::new("x", 10, 0.0, 1.0)], Contents::F(cells))
}

fn writer(compression: Compression) -> RootWriter<Cursor<Vec<u8>>> {
    RootWriter::new(Cursor::new(Vec::new()), "in memory", compression).unwrap()
}

fn written(names: &[&str]) -> Vec<u8> {
    let mut writer = writer(Compression::default());
    for name in names {
        writer.write_histogram(&histogram(name)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn the_same_calls_give_the_same_bytes_and_others_another_id() {
    assert_eq!(written(&["a", "b"]), written(&["a", "b"]));
    // Version (2 bytes) and 16 bytes of UUID end the 63 bytes of a small header.
    let id = |bytes: &[u8]| bytes[47..63].to_vec();
    assert_ne!(id(&written(&["a", "b"])), id(&written(&["a", "c"])));
}

#[test]
fn a_date_is_written_only_if_given() {
    let with_date = |date: Option<Date>| {
        let mut writer = writer(Compression::None);
        if let Some(date) = date {
            writer = writer.with_date(date);
        }
        writer.write_histogram(&histogram("a")).unwrap();
        writer.finish().unwrap().into_inner()
    };
    assert_eq!(with_date(None), with_date(Some(Date::default())));
    assert_ne!(with_date(None), with_date(Date::new(2026, 11, 23, 12, 0, 0)));
}

#[test]
fn an_empty_file_can_be_read() {
    let file = RootFile::from_bytes("empty", written(&[])).unwrap();
    assert_eq!(file.keys().len(), 0);
    assert!(file.find("h3_0").unwrap_err().to_string().contains("it has no objects at all"));
}

#[test]
fn a_file_that_was_not_finished_is_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("unfinished.root");
    let mut on_disk = RootWriter::create(&path, Compression::None).unwrap();
    on_disk.write_histogram(&histogram("a")).unwrap();
    drop(on_disk);
    assert!(matches!(RootFile::open(&path), Err(Error::NotRoot { .. } | Error::NotClosed { .. })));
}

#[test]
fn what_does_not_fit_together_is_not_written() {
    let good = histogram("a");
    let x = good.axes[0].clone();
    let no_bins = HistogramAxis { bins: 0, ..x.clone() };
    let falling = HistogramAxis::with_edges("x", vec![0.0, 2.0, 1.0]);
    let not_a_number = HistogramAxis { high: f64::NAN, ..x.clone() };
    let bad = [
        ("cells", Histogram { contents: Contents::zeros(CellType::F, 11), ..good.clone() }),
        ("axes", Histogram { axes: vec![], ..good.clone() }),
        ("axes", Histogram { axes: vec![x.clone(), x.clone(), x.clone(), x], ..good.clone() }),
        ("squared weights", Histogram { sumw2: vec![1.0], ..good.clone() }),
        ("statistics", Histogram { statistics: vec![0.0; 7], ..good.clone() }),
        (
            "no bins",
            Histogram { axes: vec![no_bins], contents: Contents::zeros(CellType::F, 2), ..good.clone() },
        ),
        (
            "no bins",
            Histogram { axes: vec![falling], contents: Contents::zeros(CellType::F, 4), ..good.clone() },
        ),
        ("no bins", Histogram { axes: vec![not_a_number], ..good.clone() }),
        ("name and title", Histogram { name: "n".repeat(40_000), ..good.clone() }),
    ];
    let mut writer = writer(Compression::default());
    for (reason, histogram) in bad {
        let error = writer.write_histogram(&histogram).unwrap_err();
        assert!(matches!(&error, Error::Invalid { .. }) && error.to_string().contains(reason), "{error}");
    }
    writer.write_histogram(&good).unwrap();
    let file = RootFile::from_bytes("good", writer.finish().unwrap().into_inner()).unwrap();
    assert_eq!(file.keys().map(Key::path).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn a_level_that_does_not_exist_is_refused() {
    for compression in [Compression::Zlib { level: 12 }, Compression::Zstd { level: 60 }] {
        let error = RootWriter::new(Cursor::new(Vec::new()), "x.root", compression).err().unwrap();
        assert!(error.to_string().contains("level"), "{error}");
    }
}

#[test]
fn a_full_disk_is_reported_with_the_file() {
    let mut buffer = [0_u8; 400];
    let mut writer = RootWriter::new(Cursor::new(&mut buffer[..]), "full.root", Compression::None).unwrap();
    let error = (0..10).find_map(|_| writer.write_histogram(&histogram("a")).err()).unwrap();
    assert!(
        matches!(&error, Error::Io { action: "write", .. }) && error.to_string().contains("full.root"),
        "{error}"
    );
}
