//! Files over 2 GB, where places in the file need 64 bits.

mod support;

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use support::run_python;
use townsend_root::{
    CellType, Compression, Histogram, HistogramAxis, RootFile, RootWriter, SparseContents, SparseHistogram,
};

/// A file in which zeros take no room on the disk: they become holes.
struct WithHoles(File);

impl Write for WithHoles {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for page in bytes.chunks(1 << 16) {
            if page.iter().all(|&byte| byte == 0) {
                self.0.seek_relative(page.len() as i64)?;
            } else {
                self.0.write_all(page)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A hole at the end becomes part of the file only when its length is set.
        let end = self.0.stream_position()?.max(self.0.metadata()?.len());
        self.0.set_len(end)
    }
}

impl Seek for WithHoles {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// A histogram of `bins` doubles with something in one bin.
fn histogram(name: &str, bins: usize) -> SparseHistogram {
    let contents = SparseContents {
        cell_type: CellType::D,
        cells: bins + 2,
        indices: vec![bins as u32 / 2],
        values: vec![3.5],
    };
    let mut histogram = Histogram::new(name, "", vec![HistogramAxis::new("x", bins, 0.0, 1.0)], contents);
    histogram.entries = 1.0;
    histogram.statistics = vec![3.5, 12.25, 1.75, 0.875];
    histogram
}

#[test]
fn objects_beyond_2_gb_are_written_and_read_by_townsend_root_and_uproot() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("big.root");
    let mut writer =
        RootWriter::new(WithHoles(File::create(&path).unwrap()), &path, Compression::None).unwrap();
    writer.write_histogram(&histogram("first", 10)).unwrap();
    writer.write_histogram_in("before", &histogram("small", 10)).unwrap();
    let large = histogram("large", 30_000_000);
    for _ in 0..9 {
        writer.write_histogram(&large).unwrap();
    }
    writer.write_histogram(&histogram("last", 10)).unwrap();
    writer.write_histogram_in("before", &histogram("late", 10)).unwrap();
    writer.write_histogram_in("after", &histogram("inner", 10)).unwrap();
    writer.finish().unwrap();

    let file = RootFile::open(&path).unwrap();
    assert!(file.length() > 2_160_000_000);
    let mut sparse = SparseHistogram::default();
    let mut paths = Vec::new();
    for key in file.keys().filter(|key| !key.is_directory() && key.name() != "large") {
        file.reader().read_sparse_into(key, &mut sparse).unwrap();
        assert_eq!(sparse, histogram(key.name(), 10));
        paths.push(key.path());
    }
    assert_eq!(paths, ["first", "before/small", "before/late", "last", "after/inner"]);
    file.reader().read_sparse_into(file.find("large;9").unwrap(), &mut sparse).unwrap();
    assert_eq!(sparse, large);

    let lines: Vec<String> = paths.iter().map(|path| format!("{path} 1.0 3.5")).collect();
    let expected = [lines.clone(), lines].concat().join("\n") + "\n";
    assert_eq!(run_python("read_big_files.py", &[&path]), expected);
}
