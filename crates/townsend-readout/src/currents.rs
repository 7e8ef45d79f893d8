//! The currents of the strips of one view.

use crate::digitiser::Tables;
use crate::induction::Induction;

/// Charge of one view, strip by strip; strips that nothing reaches have no bins.
pub(crate) struct Currents {
    pub(crate) first: i64,
    pub(crate) strips: Vec<Vec<f32>>,
    /// For each strip, how much of which hit ended there.
    pub(crate) from: Vec<Vec<(u32, f32)>>,
    pub(crate) bins: usize,
}

impl Currents {
    /// Room for all that ends at these places across the strips; none if there is nothing.
    pub(crate) fn for_all(across: &[(usize, f64)], tables: &Tables, bins: usize) -> Option<Self> {
        let places = || across.iter().map(|&(_, at)| at);
        let (low, high) = (places().reduce(f64::min)?, places().reduce(f64::max)?);
        let margin = (tables.blur.places / tables.cells.places + 2 + tables.cells.neighbours) as i64;
        let first = low.floor() as i64 - margin;
        let n = (high.floor() as i64 + margin - first + 1) as usize;
        Some(Self { first, strips: vec![Vec::new(); n], from: vec![Vec::new(); n], bins })
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
                    row.resize(self.bins, 0.0);
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

    /// The hit of which most ended on a strip, or on the nearest one where any ended.
    pub(crate) fn hit_of(&self, strip: usize) -> Option<u32> {
        let most = |of: &[(u32, f32)]| of.iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|&(hit, _)| hit);
        let with_any = self.from.iter().enumerate().filter(|(_, of)| !of.is_empty());
        with_any.min_by_key(|(k, _)| k.abs_diff(strip)).and_then(|(_, of)| most(of))
    }

    /// Adds the current of so many electrons that end in one time bin at one place of a strip: of `own` on
    /// this view, and of `other` on the other.
    #[inline]
    pub(crate) fn induce(
        &mut self,
        table: &Induction,
        [strip, place, bin]: [usize; 3],
        own: f32,
        other: f32,
    ) {
        let (around, lags) = (2 * table.neighbours + 1, table.bins);
        let from = place * around * lags;
        let to = bin + 1 - lags;
        for k in 0..around {
            let row = &mut self.strips[strip + k - table.neighbours];
            if row.is_empty() {
                row.resize(self.bins, 0.0);
            }
            let at = from + k * lags..from + (k + 1) * lags;
            let of = table.own[at.clone()].iter().zip(&table.other[at]);
            for (charge, (a, b)) in row[to..=bin].iter_mut().zip(of) {
                *charge += own * a + other * b;
            }
        }
    }
}
