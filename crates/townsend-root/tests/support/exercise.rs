//! Reading whatever a file holds, for files that may hold anything.

use townsend_root::{Column, Error, Histogram, Key, RootFile, SparseHistogram};

/// Opens a file and reads the keys that `wanted` picks, as histograms, trees and RNTuples. Errors are as good
/// as results here; a panic or an absurd use of memory is not. Gives back the first error.
pub(crate) fn exercise(bytes: Vec<u8>, wanted: impl Fn(usize, &Key) -> bool) -> Result<(), Error> {
    let file = RootFile::from_bytes("damaged.root", bytes)?;
    let mut reader = file.reader();
    let (mut histogram, mut sparse) = (Histogram::default(), SparseHistogram::default());
    let mut result = Ok(());
    assert!(file.newest().flat_map(|key| file.other_cycles(key)).count() <= file.keys().len());
    for (number, key) in file.keys().enumerate() {
        // A missing name is looked for among all others.
        let found = file.find(&key.path()).map(drop);
        if key.is_directory() || !wanted(number, key) {
            continue;
        }
        let read = match key.class() {
            "TTree" | "TNtuple" => read_tree(&file, key),
            "ROOT::RNTuple" => read_rntuple(&file, key),
            // The two ways share the decoder; one of them is enough for an object.
            _ if number % 2 == 0 => reader.read_histogram_into(key, &mut histogram),
            _ => reader.read_sparse_into(key, &mut sparse),
        };
        result = result.and(found).and(read);
    }
    result
}

fn read_tree(file: &RootFile, key: &Key) -> Result<(), Error> {
    let tree = file.read_tree_at(key)?;
    tree.branches().iter().try_for_each(|branch| tree.read_column(branch.name()).map(drop))
}

/// Reads each field whole and in part, and goes on after errors, so that damage in one field does not keep
/// the others from being read.
fn read_rntuple(file: &RootFile, key: &Key) -> Result<(), Error> {
    let ntuple = file.read_rntuple_at(key)?;
    let (mut column, mut result) = (Column::default(), Ok(()));
    for field in ntuple.fields() {
        let part = ntuple.reader(field.name())?.read(2..7, &mut column);
        result = result.and(part).and(ntuple.read_column(field.name()).map(drop));
    }
    result
}
