//! Reading many objects one after the other with the same memory.

use crate::RootFile;
use crate::error::{Error, Result};
use crate::file::Scratch;
use crate::histogram::{Cells, Contents, Histogram, HistogramClass, SparseContents, decode};
use crate::key::Key;

/// Reads objects of a file one after the other and uses its memory again for each of them.
///
/// A reader belongs to one thread; a file can have as many readers as there are threads.
pub struct Reader<'f> {
    file: &'f RootFile,
    pub(crate) scratch: Scratch,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reader").field("file", &self.file.path()).finish_non_exhaustive()
    }
}

impl RootFile {
    /// A reader of this file with its own memory.
    pub fn reader(&self) -> Reader<'_> {
        Reader { file: self, scratch: Scratch::default() }
    }

    /// Reads one histogram. To read many, a [`reader`](Self::reader) is faster.
    ///
    /// # Errors
    /// As [`Reader::read_histogram_into`].
    pub fn read_histogram(&self, key: &Key) -> Result<Histogram> {
        self.reader().read_histogram(key)
    }
}

impl<'f> Reader<'f> {
    /// The file that this reader reads.
    pub fn file(&self) -> &'f RootFile {
        self.file
    }

    /// Reads a histogram into new memory.
    ///
    /// # Errors
    /// As [`read_histogram_into`](Self::read_histogram_into).
    pub fn read_histogram(&mut self, key: &Key) -> Result<Histogram> {
        let mut histogram = Histogram::default();
        self.read_histogram_into(key, &mut histogram).map(|()| histogram)
    }

    /// Replaces `out` by a histogram of the file and uses the memory of `out` again. After an error the
    /// contents of `out` are meaningless.
    ///
    /// # Errors
    /// If the object is of another class ([`Error::WrongClass`]), damaged, or uses what this crate does not
    /// read.
    pub fn read_histogram_into(&mut self, key: &Key, histogram: &mut Histogram<Contents>) -> Result<()> {
        self.read_cells(key, histogram)
    }

    /// Reads only the cells that are not zero: faster, and a thousand times smaller for a fine grid with few
    /// entries.
    ///
    /// # Errors
    /// As [`read_histogram_into`](Self::read_histogram_into).
    pub fn read_sparse_into(&mut self, key: &Key, histogram: &mut Histogram<SparseContents>) -> Result<()> {
        self.read_cells(key, histogram)
    }

    fn read_cells<C: Cells>(&mut self, key: &Key, histogram: &mut Histogram<C>) -> Result<()> {
        let class = HistogramClass::from_name(key.class()).ok_or_else(|| Error::WrongClass {
            file: self.file.path().to_owned(),
            object: key.path(),
            found: key.class().to_owned(),
            wanted: "histogram (TH1, TH2 or TH3 of C, S, I, L, F or D)",
        })?;
        let Self { file, scratch } = self;
        file.read_record(&key.record, scratch)
            .and_then(|mut object| decode(&mut object, class, histogram))
            .map_err(|fault| fault.at(file.path(), key.path()))
    }
}
