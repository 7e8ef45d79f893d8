//! The currents of the strips of one view.

use townsend_kernels::{Vectorised, vectorised};

use crate::arrival::Arrivals;
use crate::cells::{Cells, PLACES, TOGETHER, add_convolved, next_of, pad};
use crate::induction::Induction;

/// Charge of one view, strip by strip; strips that nothing reaches have no bins.
pub(crate) struct Currents {
    pub(crate) first: i64,
    strips: Vec<Vec<f32>>,
    /// For each strip, how much of which hit ended there.
    from: Vec<Vec<(u32, f32)>>,
    /// Bins of a current, and with room behind for what is done side by side.
    bins: [usize; 2],
}

impl Currents {
    /// Room for all that ends between two places across the strips, in pitches, and is seen by so many strips
    /// on either side.
    pub(crate) fn between([low, high]: [f64; 2], neighbours: usize, bins: usize) -> Self {
        let first = low.floor() as i64 - neighbours as i64;
        let n = (high.floor() as i64 + neighbours as i64 - first + 1) as usize;
        Self {
            first,
            strips: vec![Vec::new(); n],
            from: vec![Vec::new(); n],
            bins: [bins, bins + 2 * TOGETHER],
        }
    }

    /// The strip of a place across the strips.
    pub(crate) fn strip(&self, at: f64) -> usize {
        (at - self.first as f64) as usize
    }

    /// The current of a strip; none where nothing reaches it.
    pub(crate) fn of(&mut self, strip: usize) -> Option<&mut [f32]> {
        self.strips[strip].get_mut(..self.bins[0])
    }

    /// How many strips there is room for.
    pub(crate) fn len(&self) -> usize {
        self.strips.len()
    }

    /// Adds to every strip these parts of the currents of its first and second neighbours.
    pub(crate) fn cross_talk(&mut self, parts: [f64; 2]) {
        if parts.iter().all(|part| *part <= 0.0) {
            return;
        }
        let own = self.strips.clone();
        for (strip, current) in own.iter().enumerate().filter(|(_, current)| !current.is_empty()) {
            for (part, by) in parts.into_iter().zip([1, 2]) {
                let neighbours = [strip.checked_sub(by), strip.checked_add(by).filter(|&k| k < own.len())];
                for neighbour in neighbours.into_iter().flatten() {
                    let row = &mut self.strips[neighbour];
                    row.resize(self.bins[1], 0.0);
                    row.iter_mut().zip(current).for_each(|(sum, charge)| *sum += part as f32 * charge);
                }
            }
        }
    }

    /// Notes that as much of a hit ended on a strip.
    pub(crate) fn note(&mut self, strip: usize, hit: u32, weight: f32) {
        match self.from[strip].iter_mut().rev().find(|(known, _)| *known == hit) {
            Some((_, sum)) => *sum += weight,
            None => self.from[strip].push((hit, weight)),
        }
    }

    /// Notes where families and clouds ended, in electrons; `each` is the mean number of a family's.
    pub(crate) fn note_all(&mut self, arrived: &Arrivals, here: &[Vec<usize>; 2], view: usize, each: f32) {
        for ((of, each), here) in [(&arrived.families, 1.0), (&arrived.clouds, each)].into_iter().zip(here) {
            for &i in here {
                self.note(self.strip(of.across[i][view]), of.hit[i], each * of.weight[i]);
            }
        }
    }

    /// The hit of which most ended on a strip, or on the nearest one where any ended.
    pub(crate) fn hit_of(&self, strip: usize) -> Option<u32> {
        let most = |of: &[(u32, f32)]| of.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|&(hit, _)| hit);
        let with_any = self.from.iter().enumerate().filter(|(_, of)| !of.is_empty());
        with_any.min_by_key(|(k, _)| k.abs_diff(strip)).and_then(|(_, of)| most(of))
    }

    /// The strips that see an electron end on this one, each with room for its current.
    fn around(&mut self, strip: usize, neighbours: usize) -> &mut [Vec<f32>] {
        let rows = &mut self.strips[strip - neighbours..=strip + neighbours];
        for row in rows.iter_mut().filter(|row| row.is_empty()) {
            row.resize(self.bins[1], 0.0);
        }
        rows
    }

    /// Adds the current of an electron that ends in a time bin at a place of a strip, by one of the table's
    /// two parts.
    #[inline]
    pub(crate) fn induce(
        &mut self,
        table: &Induction,
        values: &[f32],
        [strip, place, bin]: [usize; 3],
        weight: f32,
    ) {
        let lags = table.bins;
        let of_place = values[place * (2 * table.neighbours + 1) * lags..].chunks_exact(lags);
        for (row, values) in self.around(strip, table.neighbours).iter_mut().zip(of_place) {
            let current = row[bin + 1 - lags..=bin].iter_mut();
            current.zip(values).for_each(|(current, value)| *current += weight * value);
        }
    }

    /// Adds the currents of numbers of electrons in cells, whose first time bin is bin `lead` here.
    pub(crate) fn induce_all(&mut self, table: &Induction, cells: &Cells, lead: usize) {
        vectorised(Inducing { currents: self, table, cells, lead });
    }
}

/// A call of [`Currents::induce_all`].
struct Inducing<'a> {
    currents: &'a mut Currents,
    table: &'a Induction,
    cells: &'a Cells,
    lead: usize,
}

impl Vectorised for Inducing<'_> {
    #[inline(always)]
    fn work(self) {
        let Self { currents, table, cells, lead } = self;
        let lags = table.bins;
        // The current of the first numbers begins here.
        let from = lead + 1 - lags;
        let mut padded = Vec::new();
        for (number, numbers) in cells.rows() {
            pad(numbers, lags, &mut padded);
            let length = (numbers.len() + lags).next_multiple_of(TOGETHER);
            let place = number.rem_euclid(PLACES as i64) as usize;
            let strip = (number.div_euclid(PLACES as i64) - currents.first) as usize;
            let mut of_place = table.all[place * (2 * table.neighbours + 1) * lags..].chunks_exact(lags);
            let around = currents.around(strip, table.neighbours).iter_mut();
            let mut rows = around.map(|row| &mut row[from..from + length]);
            while let Some(rows) = next_of(&mut rows) {
                let Some(values) = next_of(&mut of_place) else { break };
                add_convolved(rows, values, &padded, lags);
            }
            for (row, values) in rows.zip(of_place) {
                add_convolved([row], [values], &padded, lags);
            }
        }
    }
}
