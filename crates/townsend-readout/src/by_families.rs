//! The fast path: numbers of electrons in cells of place and time, without electrons.

use townsend_core::Stream;

use crate::arrival::{Arrivals, Arrived};
use crate::cells::Cells;
use crate::digitiser::Digitiser;
use crate::draws::{GammaSum, poisson};
use crate::tables::Tables;

/// Time bins that hold all that arrives at a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// Number of the first bin, from time 0.
    pub(crate) start: i64,
    /// How many there are.
    pub(crate) bins: usize,
}

impl Digitiser {
    /// The expected numbers of electrons in the cells of both views of a sheet, given what came before the
    /// last draw of all; none if nothing comes there.
    pub(crate) fn expected(
        &self,
        [layer, sheet]: [usize; 2],
        arrived: &Arrivals,
        [families_here, clouds_here]: &[Vec<usize>; 2],
        span: Span,
        random: &mut Stream,
    ) -> Option<[Cells; 2]> {
        let tables: &[Tables; 2] = self.views[layer][sheet].as_slice().try_into().ok()?;
        let Arrivals { families, clouds, .. } = arrived;
        let of_families = families.ends(families_here);
        let of_all = [of_families, clouds.ends(clouds_here)].into_iter().flatten();
        let of_all = of_all.reduce(|a, b| {
            std::array::from_fn(|view| [a[view][0].min(b[view][0]), a[view][1].max(b[view][1])])
        })?;
        let mut cells = [0, 1].map(|view| Cells::around(of_all[view], tables[view].rows(), span.bins));
        if let Some(ends) = of_families {
            for (view, (cells, of)) in cells.iter_mut().zip(tables).enumerate() {
                let at = self.in_cells(families, families_here, (view, ends[view]), span);
                cells.add_spread(&at, &of.of_family);
            }
        }
        for group in clouds_here.chunk_by(|&a, &b| clouds.group[a] == clouds.group[b]) {
            let drawn = self.drawn(clouds, group, tables, span, random);
            for ((cells, of), drawn) in cells.iter_mut().zip(tables).zip(drawn) {
                cells.add_spread(&drawn, &of.of_child);
            }
        }
        Some(cells)
    }

    /// Weights in the cells that they fall into.
    fn in_cells(
        &self,
        of: &Arrived,
        numbers: &[usize],
        (view, ends): (usize, [f64; 2]),
        span: Span,
    ) -> Cells {
        let mut cells = Cells::around(ends, 2, span.bins);
        for &i in numbers {
            cells.add(of.across[i][view], of.t[i] / self.bin_ns - span.start as f64, of.weight[i]);
        }
        cells
    }

    /// The sums of the means of all families of the last foil whose own means are in a cell, for the clouds
    /// of one group: in X by their law, and in V such that the sums of both over each time bin are the same,
    /// because the families are.
    fn drawn(
        &self,
        clouds: &Arrived,
        group: &[usize],
        tables: &[Tables; 2],
        span: Span,
        random: &mut Stream,
    ) -> [Cells; 2] {
        let [mean, theta] = self.last.spread().number;
        let sum = GammaSum { shape: 1.0 + theta, scale: mean / (1.0 + theta) };
        let ends = clouds.ends(group).unwrap_or_default();
        let [mut x, mut v] = [0, 1].map(|view| {
            let kernel = &tables[view].of_cloud;
            let mut spread = Cells::around(ends[view], kernel.places + 3, span.bins);
            spread.add_spread(&self.in_cells(clouds, group, (view, ends[view]), span), kernel);
            spread
        });
        draw(&mut x, sum, random);
        let means = v.clone();
        draw(&mut v, sum, random);
        let (wanted, found, mean) = (x.by_bin(), v.by_bin(), means.by_bin());
        for (row, means) in v.values.chunks_exact_mut(span.bins).zip(means.values.chunks_exact(span.bins)) {
            for bin in 0..span.bins {
                if found[bin] > 0.0 {
                    row[bin] *= wanted[bin] / found[bin];
                } else if mean[bin] > 0.0 {
                    row[bin] = means[bin] * wanted[bin] / mean[bin];
                }
            }
        }
        [x, v]
    }

    /// The numbers of electrons of a view in cells, of which this is the mean of both views: those that end
    /// on it, or if none does, of all.
    pub(crate) fn count(&self, view: usize, cells: &mut Cells, random: &mut Stream) {
        let share = self.share[view];
        if share > 0.0 {
            for value in cells.values.iter_mut().filter(|value| **value > 0.0) {
                *value = if *value > LEAST { poisson(share * f64::from(*value), random) as f32 } else { 0.0 };
            }
        }
    }
}

/// Numbers whose mean is below this are 0.
const LEAST: f32 = 1e-6;

fn draw(cells: &mut Cells, sum: GammaSum, random: &mut Stream) {
    for value in cells.values.iter_mut().filter(|value| **value > 0.0) {
        *value = if *value > LEAST { sum.draw(f64::from(*value), random) } else { 0.0 };
    }
}
