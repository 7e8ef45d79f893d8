//! A data set: avalanches as electrons or as counts.

use std::collections::TryReserveError;

use sha2::{Digest, Sha256};

use crate::avalanche::incompatible;
use crate::provenance::hexadecimal;
use crate::{Coordinate, CountSet, ElectronSet, Grid, GridError, Meta};

/// Avalanches in memory: their electrons or their sparse counts, never dense blocks. 10,000 avalanches of
/// 6,000 electrons take 720 MB as electrons and at most 480 MB as counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Dataset {
    /// Every electron.
    Electrons(ElectronSet),
    /// Electrons counted in cells.
    Counts(CountSet),
}

impl From<ElectronSet> for Dataset {
    fn from(set: ElectronSet) -> Self {
        Self::Electrons(set)
    }
}

impl From<CountSet> for Dataset {
    fn from(set: CountSet) -> Self {
        Self::Counts(set)
    }
}

impl Dataset {
    /// Number of avalanches, empty ones included.
    pub fn len(&self) -> usize {
        match self {
            Self::Electrons(set) => set.len(),
            Self::Counts(set) => set.len(),
        }
    }

    /// True if there is no avalanche at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Electrons in avalanche `index`, those outside the grid included.
    pub fn electrons(&self, index: usize) -> u64 {
        match self {
            Self::Electrons(set) => set.get(index).len() as u64,
            Self::Counts(set) => set.get(index).electrons(),
        }
    }

    /// Bytes that its electrons or occupied cells take in memory.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Electrons(set) => 12 * set.column(Coordinate::X).len() as u64,
            Self::Counts(set) => set.iter().map(|counts| 8 * counts.cells.len() as u64).sum(),
        }
    }

    /// Its units and provenance.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Electrons(set) => &set.meta,
            Self::Counts(set) => &set.meta,
        }
    }

    /// Its units and provenance, for changing them.
    pub fn meta_mut(&mut self) -> &mut Meta {
        match self {
            Self::Electrons(set) => &mut set.meta,
            Self::Counts(set) => &mut set.meta,
        }
    }

    /// The grid, if the avalanches are counts.
    pub fn grid(&self) -> Option<&Grid> {
        match self {
            Self::Electrons(_) => None,
            Self::Counts(set) => Some(set.grid()),
        }
    }

    /// The avalanches counted on `grid`. Counts can be given on their own grid or on its first axes only: on
    /// a finer or shifted grid positions would have to be invented.
    pub fn to_counts(&self, grid: &Grid) -> Result<CountSet, GridError> {
        match self {
            Self::Electrons(set) => Ok(set.to_counts(grid)),
            Self::Counts(set) if set.grid().same_cells(grid) => Ok(set.clone()),
            Self::Counts(set) => match set.grid().first(grid.dims()) {
                Ok(first) if first.same_cells(grid) => set.project(grid.dims()),
                _ => Err(incompatible(set.grid(), grid)),
            },
        }
    }

    /// Appends all avalanches of `other`: electrons to electrons, counts to counts on the same grid. Units
    /// and provenance stay as they are.
    ///
    /// # Errors
    /// If one holds electrons and the other counts, or if the grids differ; nothing is appended then.
    pub fn append(&mut self, other: &Self) -> Result<(), GridError> {
        match (&mut *self, other) {
            (Self::Electrons(set), Self::Electrons(other)) => {
                set.append(other);
                Ok(())
            }
            (Self::Counts(set), Self::Counts(other)) => set.append(other),
            (set, other) => Err(GridError::MixedKinds { have: set.kind(), other: other.kind() }),
        }
    }

    /// Room for all avalanches of `other`, so that [`Dataset::append`] cannot fail for want of memory, which
    /// would end the program.
    ///
    /// # Errors
    /// The system does not give the memory; the set is as it was.
    pub fn try_reserve(&mut self, other: &Self) -> Result<(), TryReserveError> {
        match (self, other) {
            (Self::Electrons(set), Self::Electrons(other)) => set.try_reserve(other),
            (Self::Counts(set), Self::Counts(other)) => set.try_reserve(other),
            _ => Ok(()),
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Electrons(_) => "electrons",
            Self::Counts(_) => "counts",
        }
    }

    /// The avalanches with these numbers, in this order. Their provenance is that of the set, but for their
    /// place in a whole, which a choice of them no longer has.
    ///
    /// # Panics
    /// If an index is not below [`Dataset::len`].
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut chosen = self.chosen(indices);
        let provenance = &mut chosen.meta_mut().provenance;
        (provenance.events, provenance.shard, provenance.first) = (None, None, None);
        chosen
    }

    fn chosen(&self, indices: &[usize]) -> Self {
        match self {
            Self::Electrons(set) => {
                let mut chosen = ElectronSet::default();
                chosen.meta = set.meta.clone();
                for electrons in indices.iter().map(|&index| set.get(index)) {
                    chosen.push(electrons.x, electrons.z, electrons.t);
                }
                chosen.into()
            }
            Self::Counts(set) => set.select(indices).into(),
        }
    }

    /// SHA-256 of the avalanches alone, in hexadecimal: it is the same in whatever file they come, and does
    /// not depend on units and provenance.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        match self {
            Self::Electrons(set) => {
                hash.update(b"electrons");
                update(&mut hash, set.offsets(), u64::to_le_bytes);
                for coordinate in Coordinate::ALL {
                    update(&mut hash, set.column(coordinate), f32::to_le_bytes);
                }
            }
            Self::Counts(set) => {
                hash_grid(&mut hash, set.grid());
                hash_counts(&mut hash, set);
            }
        }
        hexadecimal(&hash.finalize())
    }
}

/// The first part of the digest of counts.
pub(crate) fn hash_grid(hash: &mut Sha256, grid: &Grid) {
    hash.update(b"counts");
    for axis in grid.axes() {
        let edges: Vec<f64> = (1..=axis.bins() + 1).map(|bin| axis.low_edge(bin)).collect();
        update(hash, &edges, f64::to_le_bytes);
    }
}

/// The rest of it, which may be made of one part of a set after the other.
pub(crate) fn hash_counts(hash: &mut Sha256, set: &CountSet) {
    for avalanche in set.iter() {
        update(hash, &[avalanche.cells.len() as u64], u64::to_le_bytes);
        update(hash, avalanche.cells, u32::to_le_bytes);
        update(hash, avalanche.counts, u32::to_le_bytes);
    }
}

/// Hashes numbers, some thousand at a time.
pub(crate) fn update<T: Copy, const N: usize>(hash: &mut Sha256, values: &[T], bytes: impl Fn(T) -> [u8; N]) {
    for block in values.chunks(4096) {
        let block: Vec<u8> = block.iter().flat_map(|&value| bytes(value)).collect();
        hash.update(&block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CountBuffer;
    use proptest::prelude::*;

    fn electrons(avalanches: &[Vec<(f32, f32, f32)>]) -> ElectronSet {
        let mut set = ElectronSet::default();
        for a in avalanches {
            let column = |f: fn(&(f32, f32, f32)) -> f32| a.iter().map(f).collect::<Vec<_>>();
            set.push(&column(|e| e.0), &column(|e| e.1), &column(|e| e.2));
        }
        set
    }

    fn any_avalanches() -> impl Strategy<Value = Vec<Vec<(f32, f32, f32)>>> {
        let electron = (-2.0f32..2.0, -2.0f32..2.0, 120.0f32..230.0);
        prop::collection::vec(prop::collection::vec(electron, 0..60), 0..20)
    }

    proptest! {
        #[test]
        fn counting_loses_no_electron_and_commutes_with_projection(avalanches in any_avalanches()) {
            let data = Dataset::from(electrons(&avalanches));
            let fine = data.to_counts(&Grid::standard(3).unwrap()).unwrap();
            let (grid, mut alone) = (Grid::standard(3).unwrap(), CountBuffer::default());
            for (k, avalanche) in avalanches.iter().enumerate() {
                prop_assert_eq!(alone.count(electrons(&avalanches).get(k), &grid), fine.get(k));
                prop_assert_eq!(fine.get(k).electrons(), avalanche.len() as u64);
                prop_assert_eq!(data.electrons(k), avalanche.len() as u64);
            }
            for dims in 1..=3 {
                let direct = data.to_counts(&Grid::standard(dims).unwrap()).unwrap();
                prop_assert_eq!(&fine.project(dims).unwrap(), &direct);
            }
        }

        #[test]
        fn selection_and_append_are_inverse(avalanches in any_avalanches(), cut in 0usize..20) {
            let data = Dataset::from(electrons(&avalanches));
            let cut = cut.min(data.len());
            let grid = Grid::standard(2).unwrap();
            let (head, tail): (Vec<_>, Vec<_>) = (0..data.len()).partition(|&i| i < cut);
            let mut joined = data.select(&head).to_counts(&grid).unwrap();
            joined.append(&data.select(&tail).to_counts(&grid).unwrap()).unwrap();
            prop_assert_eq!(&joined, &data.to_counts(&grid).unwrap());
            let mut electrons = data.select(&head);
            electrons.append(&data.select(&tail)).unwrap();
            prop_assert_eq!(&electrons, &data);
            let mut counts = Dataset::from(data.select(&head).to_counts(&grid).unwrap());
            counts.append(&data.select(&tail).to_counts(&grid).unwrap().into()).unwrap();
            prop_assert_eq!(counts, Dataset::from(joined));
        }
    }

    #[test]
    fn the_digest_sees_every_electron() {
        let a = Dataset::from(electrons(&[vec![(0.0, 0.1, 170.0)], vec![]]));
        let moved = Dataset::from(electrons(&[vec![(0.0, 0.1, 170.1)], vec![]]));
        let regrouped = Dataset::from(electrons(&[vec![], vec![(0.0, 0.1, 170.0)]]));
        assert_eq!(a.digest(), a.clone().digest());
        assert_ne!(a.digest(), moved.digest());
        assert_ne!(a.digest(), regrouped.digest());
    }

    #[test]
    fn electrons_and_counts_are_not_mixed() {
        let electrons = Dataset::from(electrons(&[vec![(0.0, 0.0, 170.0)]]));
        let counts = |dims| Dataset::from(electrons.to_counts(&Grid::standard(dims).unwrap()).unwrap());
        let mut joined = electrons.clone();
        let mixed = joined.append(&counts(2)).unwrap_err();
        assert_eq!(mixed, GridError::MixedKinds { have: "electrons", other: "counts" });
        assert_eq!(joined, electrons);
        assert!(matches!(counts(2).append(&counts(3)), Err(GridError::Incompatible { .. })));
    }

    #[test]
    fn arrays_are_taken_out_as_they_went_in() {
        let set = electrons(&[vec![(0.0, 0.1, 170.0), (0.5, -0.1, 171.0)], vec![]]);
        let (offsets, x, z, t) = set.clone().into_arrays();
        assert_eq!(offsets, [0, 2, 2]);
        assert_eq!(ElectronSet::from_arrays(offsets, x, z, t, Meta::default()), Ok(set.clone()));
        let counts = set.to_counts(&Grid::standard(1).unwrap());
        assert_eq!(counts.into_arrays(), (vec![0, 2, 2], vec![46, 61], vec![1, 1]));
    }

    #[test]
    fn counts_are_not_given_on_another_grid() {
        let data = Dataset::from(electrons(&[vec![(0.0, 0.0, 170.0)]]));
        let counts = Dataset::from(data.to_counts(&Grid::standard(2).unwrap()).unwrap());
        assert!(matches!(counts.to_counts(&Grid::standard(3).unwrap()), Err(GridError::Incompatible { .. })));
        assert_eq!(counts.to_counts(&Grid::standard(1).unwrap()).unwrap().get(0).electrons(), 1);
    }

    #[test]
    fn a_projection_that_cannot_be_counted_is_refused() {
        let grid = Grid::standard(2).unwrap();
        let mut set = CountSet::new(grid.clone());
        set.push([(grid.join([3, 1, 0]), u32::MAX), (grid.join([3, 2, 0]), 1)]);
        assert_eq!(set.project(1), Err(GridError::TooManyElectrons));
        assert_eq!(set.project(2).unwrap(), set);
    }

    #[test]
    fn damaged_arrays_are_refused() {
        let wrong = |offsets: Vec<u64>, x: Vec<f32>| {
            let n = x.len();
            ElectronSet::from_arrays(offsets, x, vec![0.0; n], vec![0.0; n], Meta::default()).unwrap_err()
        };
        assert!(wrong(vec![0, 3], vec![0.0; 2]).contains("end with the number of electrons, 2"));
        assert!(wrong(vec![0, 2, 1, 2], vec![0.0; 2]).contains("decrease from 2 to 1 at avalanche 1"));
        assert!(wrong(vec![0, 2], vec![0.0, f32::NAN]).contains("x of electron 1 is NaN"));
    }
}
