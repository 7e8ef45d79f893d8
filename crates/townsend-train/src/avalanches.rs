//! What is trained on: avalanches in memory or on disk, counted on the grid of the model.

use std::borrow::Cow;
use std::cell::RefCell;

use townsend_core::{CountSet, Counts, Dataset, Grid, InputFile, Meta, Split, StoredSet, TrainedOn, Work};
use townsend_models::EachAvalanche;

use crate::TrainError;

/// Avalanches to train on.
#[derive(Debug, Clone, Copy)]
pub enum Avalanches<'a> {
    /// In memory.
    Memory(&'a Dataset),
    /// On disk: batches are read as they come up, and counted then. The weights are the same to the bit.
    Stored(&'a StoredSet),
}

impl<'a> From<&'a Dataset> for Avalanches<'a> {
    fn from(data: &'a Dataset) -> Self {
        Self::Memory(data)
    }
}

impl<'a> From<&'a StoredSet> for Avalanches<'a> {
    fn from(data: &'a StoredSet) -> Self {
        Self::Stored(data)
    }
}

/// Avalanches that are read together where all are looked at.
pub(crate) const TOGETHER: usize = 256;

impl<'a> Avalanches<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Memory(data) => data.len(),
            Self::Stored(data) => data.len(),
        }
    }

    pub(crate) fn meta(self) -> &'a Meta {
        match self {
            Self::Memory(data) => data.meta(),
            Self::Stored(data) => data.meta(),
        }
    }

    pub(crate) fn grid(self) -> Option<&'a Grid> {
        match self {
            Self::Memory(data) => data.grid(),
            Self::Stored(data) => data.grid(),
        }
    }

    /// Describes them as what a run was trained on.
    pub(crate) fn described(self, file: Option<InputFile>, split: Split) -> Result<TrainedOn, TrainError> {
        let digest = match self {
            Self::Memory(data) => data.digest(),
            Self::Stored(data) => data.digest()?,
        };
        Ok(TrainedOn::of(file, self.meta(), digest, self.len(), split))
    }

    /// Counts them on a grid; with `alone`, all electrons of an avalanche in its one bin, wherever they are.
    pub(crate) fn counted(self, grid: &Grid, alone: bool) -> Result<Counted<'a>, TrainError> {
        match self {
            Self::Memory(data) => Ok(Counted::Memory(counted(data, grid, alone)?.into())),
            Self::Stored(data) => {
                // Another grid is refused before the first batch.
                counted(&data.select(&[])?, grid, alone)?;
                Ok(Counted::Stored { data, grid: grid.clone(), alone })
            }
        }
    }
}

/// Avalanches on the grid of a model.
#[derive(Debug)]
pub(crate) enum Counted<'a> {
    Memory(Box<CountSet>),
    Stored { data: &'a StoredSet, grid: Grid, alone: bool },
}

impl Counted<'_> {
    pub(crate) fn grid(&self) -> &Grid {
        match self {
            Self::Memory(set) => set.grid(),
            Self::Stored { grid, .. } => grid,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Memory(set) => set.len(),
            Self::Stored { data, .. } => data.len(),
        }
    }

    /// Electrons in avalanche `index`, those outside the grid included.
    pub(crate) fn electrons(&self, index: usize) -> u64 {
        match self {
            Self::Memory(set) => set.get(index).electrons(),
            Self::Stored { data, .. } => data.electrons(index),
        }
    }

    /// A set that has the avalanches with these numbers, and their numbers in it.
    pub(crate) fn with<'s>(
        &'s self,
        indices: &'s [usize],
    ) -> Result<(Cow<'s, CountSet>, Cow<'s, [usize]>), TrainError> {
        match self {
            Self::Memory(set) => Ok((Cow::Borrowed(set), Cow::Borrowed(indices))),
            Self::Stored { data, grid, alone } => {
                let set = counted(&data.select(indices)?, grid, *alone)?;
                Ok((Cow::Owned(set), (0..indices.len()).collect::<Vec<_>>().into()))
            }
        }
    }

    /// The avalanches with these numbers.
    pub(crate) fn select(&self, indices: &[usize]) -> Result<CountSet, TrainError> {
        match self.with(indices)? {
            (Cow::Owned(set), _) => Ok(set),
            (Cow::Borrowed(set), indices) => Ok(set.select(&indices)),
        }
    }

    /// Does something with those of them that have these numbers, one after the other, unless it is asked to
    /// stop.
    pub(crate) fn look(
        &self,
        indices: &[usize],
        work: Work<'_>,
        with: impl FnOnce(&dyn EachAvalanche),
    ) -> Result<(), TrainError> {
        let part = Part { of: self, indices, work, failed: RefCell::default() };
        with(&part);
        part.failed.into_inner().map_or(Ok(()), Err)
    }
}

/// Some of the avalanches, to be looked at one after the other.
struct Part<'a> {
    of: &'a Counted<'a>,
    indices: &'a [usize],
    work: Work<'a>,
    failed: RefCell<Option<TrainError>>,
}

impl EachAvalanche for Part<'_> {
    fn grid(&self) -> &Grid {
        self.of.grid()
    }

    fn each(&self, look: &mut dyn FnMut(Counts<'_>)) {
        let task = self.work.progress.task("look at avalanches", self.indices.len() as u64);
        for chosen in self.indices.chunks(TOGETHER) {
            let set = self.work.go_on().map_err(TrainError::from).and_then(|()| self.of.with(chosen));
            task.advance(chosen.len() as u64);
            match set {
                Ok((set, chosen)) => chosen.iter().for_each(|&index| look(set.get(index))),
                Err(error) => {
                    self.failed.replace(Some(error));
                    return;
                }
            }
        }
    }
}

/// Avalanches counted on a grid; with `alone`, all electrons of each in its one bin.
fn counted(data: &Dataset, grid: &Grid, alone: bool) -> Result<CountSet, TrainError> {
    if !alone {
        return Ok(data.to_counts(grid)?);
    }
    let mut counts = CountSet::new(grid.clone());
    for index in 0..data.len() {
        let electrons = u32::try_from(data.electrons(index)).unwrap_or(u32::MAX);
        counts.push((electrons > 0).then_some((1, electrons)));
    }
    Ok(counts)
}
