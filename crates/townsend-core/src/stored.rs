//! A data set on disk, for one that is larger than memory.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::avalanche::incompatible;
use crate::dataset::{hash_counts, hash_grid, update};
use crate::provenance::hexadecimal;
use crate::{Coordinate, CountSet, Dataset, ElectronSet, Grid, GridError, Meta};

/// Bytes that are read or written at once.
const PIECE: usize = 1 << 18;

/// Why avalanches are not stored or not read again.
#[derive(Debug, Error)]
pub enum StoredError {
    /// They are of another kind, or counts on another grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The disk is full, or does not work.
    #[error("temporary file of avalanches: {0}")]
    Io(#[from] io::Error),
}

/// Avalanches that lie in unnamed files and are read by their numbers, in any order and from several threads.
/// In memory are 16 bytes of each. The files are gone when the set is, or when its process is killed.
#[derive(Debug)]
pub struct StoredSet {
    meta: Meta,
    grid: Option<Grid>,
    /// Where each avalanche begins in the files, in values, and where the last one ends.
    offsets: Vec<u64>,
    electrons: Vec<u64>,
    /// x, z and t of electrons as `f32`, or cells and counts as `u32`, little-endian.
    columns: Vec<File>,
}

/// A [`StoredSet`] that is being written.
#[derive(Debug)]
pub struct StoredSetWriter {
    set: StoredSet,
    columns: Vec<BufWriter<File>>,
}

impl StoredSetWriter {
    /// Begins a set of avalanches like those of `first`, with its units and provenance, on the disk of
    /// `folder`. None is stored yet.
    ///
    /// # Errors
    /// No file can be made there.
    pub fn new(folder: &Path, first: &Dataset) -> Result<Self, StoredError> {
        let count = if first.grid().is_some() { 2 } else { 3 };
        let files = (0..count).map(|_| tempfile::tempfile_in(folder)).collect::<io::Result<Vec<_>>>()?;
        let columns = files.iter().map(|file| Ok(BufWriter::with_capacity(PIECE, file.try_clone()?)));
        Ok(Self {
            columns: columns.collect::<io::Result<_>>()?,
            set: StoredSet {
                meta: first.meta().clone(),
                grid: first.grid().cloned(),
                offsets: vec![0],
                electrons: Vec::new(),
                columns: files,
            },
        })
    }

    /// Stores avalanches after those that are stored.
    ///
    /// # Errors
    /// They are of another kind or on another grid than the first, or the disk is full.
    pub fn append(&mut self, data: &Dataset) -> Result<(), StoredError> {
        match (data, &self.set.grid) {
            (Dataset::Electrons(set), None) => {
                for (column, coordinate) in self.columns.iter_mut().zip(Coordinate::ALL) {
                    write(column, set.column(coordinate), f32::to_le_bytes)?;
                }
            }
            (Dataset::Counts(set), Some(grid)) if set.grid().same_cells(grid) => {
                for counts in set.iter() {
                    let [cells, numbers] = &mut self.columns[..] else { continue };
                    write(cells, counts.cells, u32::to_le_bytes)?;
                    write(numbers, counts.counts, u32::to_le_bytes)?;
                }
            }
            (Dataset::Counts(set), Some(grid)) => return Err(incompatible(set.grid(), grid).into()),
            (other, grid) => {
                let have = if grid.is_some() { "counts" } else { "electrons" };
                return Err(GridError::MixedKinds { have, other: other.kind() }.into());
            }
        }
        for index in 0..data.len() {
            let values = match data {
                Dataset::Electrons(set) => set.get(index).len(),
                Dataset::Counts(set) => set.get(index).cells.len(),
            };
            let end = self.set.offsets.last().copied().unwrap_or(0) + values as u64;
            self.set.offsets.push(end);
            self.set.electrons.push(data.electrons(index));
        }
        Ok(())
    }

    /// Ends the set.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(mut self) -> Result<StoredSet, StoredError> {
        self.columns.iter_mut().try_for_each(Write::flush)?;
        Ok(self.set)
    }
}

impl StoredSet {
    /// Number of avalanches, empty ones included.
    pub fn len(&self) -> usize {
        self.electrons.len()
    }

    /// True if there is no avalanche at all.
    pub fn is_empty(&self) -> bool {
        self.electrons.is_empty()
    }

    /// Electrons in avalanche `index`, those outside the grid included.
    pub fn electrons(&self, index: usize) -> u64 {
        self.electrons[index]
    }

    /// Its units and provenance.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The grid, if the avalanches are counts.
    pub fn grid(&self) -> Option<&Grid> {
        self.grid.as_ref()
    }

    /// Reads the avalanches with these numbers, in this order.
    ///
    /// # Errors
    /// The disk does not work.
    ///
    /// # Panics
    /// If an index is not below [`StoredSet::len`].
    pub fn select(&self, indices: &[usize]) -> Result<Dataset, StoredError> {
        let values: u64 = indices.iter().map(|&index| self.offsets[index + 1] - self.offsets[index]).sum();
        let mut chosen = if let Some(grid) = &self.grid {
            let mut set = CountSet::new(grid.clone());
            set.reserve_exact(indices.len(), values as usize);
            Dataset::from(set)
        } else {
            let mut set = ElectronSet::default();
            set.reserve_exact(indices.len(), values as usize);
            Dataset::from(set)
        };
        chosen.meta_mut().clone_from(&self.meta);
        let (mut bytes, mut floats, mut words) =
            (Vec::new(), [const { Vec::new() }; 3], [const { Vec::new() }; 2]);
        for &index in indices {
            let (start, end) = (self.offsets[index], self.offsets[index + 1]);
            bytes.resize(4 * (end - start) as usize, 0);
            for (place, file) in self.columns.iter().enumerate() {
                read_exact_at(file, &mut bytes, 4 * start)?;
                let values = bytes.as_chunks().0.iter();
                match chosen {
                    Dataset::Electrons(_) => {
                        floats[place].clear();
                        floats[place].extend(values.map(|&value| f32::from_le_bytes(value)));
                    }
                    Dataset::Counts(_) => {
                        words[place].clear();
                        words[place].extend(values.map(|&value| u32::from_le_bytes(value)));
                    }
                }
            }
            match &mut chosen {
                Dataset::Electrons(set) => set.push(&floats[0], &floats[1], &floats[2]),
                Dataset::Counts(set) => set.push(words[0].iter().copied().zip(words[1].iter().copied())),
            }
        }
        Ok(chosen)
    }

    /// [`Dataset::digest`] of all avalanches.
    ///
    /// # Errors
    /// The disk does not work.
    pub fn digest(&self) -> Result<String, StoredError> {
        let mut hash = Sha256::new();
        if let Some(grid) = &self.grid {
            hash_grid(&mut hash, grid);
            let all: Vec<usize> = (0..self.len()).collect();
            for part in all.chunks(256) {
                if let Dataset::Counts(set) = self.select(part)? {
                    hash_counts(&mut hash, &set);
                }
            }
        } else {
            hash.update(b"electrons");
            update(&mut hash, &self.offsets, u64::to_le_bytes);
            let length = 4 * self.offsets.last().copied().unwrap_or(0);
            let mut piece = vec![0; PIECE];
            for file in &self.columns {
                for start in (0..length).step_by(PIECE) {
                    let piece = &mut piece[..(length - start).min(PIECE as u64) as usize];
                    read_exact_at(file, piece, start)?;
                    hash.update(&*piece);
                }
            }
        }
        Ok(hexadecimal(&hash.finalize()))
    }
}

fn write<T: Copy>(to: &mut impl Write, values: &[T], bytes: fn(T) -> [u8; 4]) -> io::Result<()> {
    values.iter().try_for_each(|&value| to.write_all(&bytes(value)))
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], start: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut start: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                bytes = &mut bytes[length..];
                start += length as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_on_disk_is_the_one_in_memory() {
        let mut electrons = ElectronSet::default();
        for k in 0..700u16 {
            let values: Vec<f32> = (0..k % 7).map(|n| f32::from(k * 7 + n) / 5000.0).collect();
            electrons.push(&values, &values, &values);
        }
        electrons.meta.provenance.seed = Some(3);
        let electrons = Dataset::from(electrons);
        let counts = Dataset::from(electrons.to_counts(&Grid::standard(2).unwrap()).unwrap());
        let folder = tempfile::tempdir().unwrap();
        for (data, other) in [(&electrons, &counts), (&counts, &electrons)] {
            let mut writer = StoredSetWriter::new(folder.path(), data).unwrap();
            for start in (0..700).step_by(300) {
                let part: Vec<usize> = (start..(start + 300).min(700)).collect();
                writer.append(&data.select(&part)).unwrap();
            }
            let refused = writer.append(other).unwrap_err();
            assert!(matches!(refused, StoredError::Grid(GridError::MixedKinds { .. })), "{refused}");
            let stored = writer.finish().unwrap();
            assert_eq!((stored.len(), stored.meta(), stored.grid()), (700, data.meta(), data.grid()));
            for chosen in [vec![], vec![699, 0, 6, 6, 350], (0..700).collect()] {
                assert_eq!(stored.select(&chosen).unwrap(), data.select(&chosen));
            }
            assert_eq!(stored.digest().unwrap(), data.digest());
            assert!((0..700).all(|index| stored.electrons(index) == data.electrons(index)));
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "unnamed files");
        let other_grid = Dataset::from(electrons.to_counts(&Grid::standard(3).unwrap()).unwrap());
        let mut writer = StoredSetWriter::new(folder.path(), &counts).unwrap();
        assert!(writer.append(&other_grid).is_err());
    }
}
