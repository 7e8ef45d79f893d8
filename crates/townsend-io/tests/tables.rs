//! Tables of numbers in all formats.

use townsend_core::Meta;
use townsend_io::{Cell, ColumnType, TableColumn, TableWriter};
use townsend_root::RootFile;

const COLUMNS: [TableColumn; 3] = [
    TableColumn { name: "event", title: "number", kind: ColumnType::U64 },
    TableColumn { name: "strip", title: "strip", kind: ColumnType::U32 },
    TableColumn { name: "charge_fC", title: "charge [fC]", kind: ColumnType::F32 },
];

fn row(k: u32) -> [Cell; 3] {
    [Cell::U64(u64::from(k) << 33), Cell::U32(u32::MAX - k), Cell::F32(0.25 * k as f32)]
}

fn write(path: &std::path::Path, rows: u32) {
    let meta = Meta::default();
    let mut table = TableWriter::create(path, ["hits", "a title"], &COLUMNS, &meta, None, false).unwrap();
    (0..rows).try_for_each(|k| table.push(&row(k))).unwrap();
    table.finish().unwrap();
}

#[test]
fn a_tree_holds_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    for rows in [0, 1, 100_000] {
        let path = folder.path().join(format!("{rows}.root"));
        write(&path, rows);
        let file = RootFile::open(&path).unwrap();
        let tree = file.read_tree("hits").unwrap();
        assert_eq!((tree.entries(), tree.title()), (rows.into(), "a title"));
        assert_eq!(tree.branch("charge_fC").unwrap().title(), "charge [fC]");
        let column = |name| tree.read_column(name).unwrap().values.to_f64();
        let wanted = |f: fn(u32) -> f64| (0..rows).map(f).collect::<Vec<_>>();
        assert_eq!(column("event"), wanted(|k| f64::from(k) * 2f64.powi(33)));
        assert_eq!(column("strip"), wanted(|k| f64::from(u32::MAX - k)));
        assert_eq!(column("charge_fC"), wanted(|k| 0.25 * f64::from(k)));
    }
}

#[test]
fn the_same_rows_give_the_same_bytes_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for ending in ["root", "npz", "csv"] {
        let path = |name: &str| folder.path().join(format!("{name}.{ending}"));
        write(&path("a"), 1_000);
        write(&path("b"), 1_000);
        let bytes = |name| std::fs::read(path(name)).unwrap();
        // The name of a ROOT file stands in it.
        assert!(bytes("a") == bytes("b") || (ending == "root" && bytes("a").len() == bytes("b").len()));
        let again = TableWriter::create(&path("a"), ["hits", ""], &COLUMNS, &Meta::default(), None, false);
        assert!(again.err().unwrap().to_string().contains("exists already"));
    }
    let packed = folder.path().join("a.csv.gz");
    let packed = TableWriter::create(&packed, ["", ""], &COLUMNS, &Meta::default(), None, false);
    assert!(packed.err().unwrap().to_string().contains("text is read, not written"));
}

#[test]
fn a_text_holds_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    write(&path, 3);
    let text = std::fs::read_to_string(&path).unwrap();
    let wanted =
        "event,strip,charge_fC\n0,4294967295,0\n8589934592,4294967294,0.25\n17179869184,4294967293,0.5\n";
    assert_eq!(text, wanted);
}
