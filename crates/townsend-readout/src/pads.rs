//! Rectangular pads: their weighting potential, and how they are read.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use townsend_core::Stream;

use crate::arrival::Arrived;
use crate::by_families::Span;
use crate::digit::Digitised;
use crate::digitiser::Digitiser;
use crate::geometry::{Place, View};
use crate::primaries::Hit;
use crate::tables::Below;

/// Pads as far away as so many gaps see next to nothing.
const REACH: f64 = 1.5;

/// The weighting potential of a rectangular pad with these widths in a grounded plane, with another plane at
/// the distance `gap`, for a point at `[x, z]` from the middle of the pad and at `height` above it (all in
/// the same unit).
///
/// Without the other plane it is the solid angle of the pad over 2π; the other plane is made of images of the
/// point at `height + 2n·gap` (W. Riegler, arXiv:1602.07949, has layered geometries). The last images are
/// summed as those of a pad without size.
pub fn pad_potential([x, z]: [f64; 2], height: f64, widths: [f64; 2], gap: f64) -> f64 {
    if height <= 0.0 {
        let inside = |at: f64, width: f64| (-0.5..0.5).contains(&(at / width));
        return if inside(x, widths[0]) && inside(z, widths[1]) { 1.0 } else { 0.0 };
    }
    if height >= gap {
        return 0.0;
    }
    let open = |height: f64| {
        let corner = |x: f64, z: f64| (x * z / (height * (x * x + z * z + height * height).sqrt())).atan();
        let [a, b] = [widths[0] / 2.0, widths[1] / 2.0];
        (corner(x + a, z + b) - corner(x - a, z + b) - corner(x + a, z - b) + corner(x - a, z - b))
            / (2.0 * PI)
    };
    let image = |n: u32| 2.0 * f64::from(n) * gap;
    // From many times as far as the pad is long or away, it has no size.
    let images = ((7.0 * (x.hypot(z) + widths[0] + widths[1]) / gap).ceil() as u32).max(8);
    let near: f64 = (0..images).map(|n| open(image(n) + height) - open(image(n + 1) - height)).sum();
    let part = height / (2.0 * gap);
    let area = widths[0] * widths[1] / (8.0 * PI * gap * gap);
    let images = f64::from(images);
    near + area * (trigamma(images + part) - trigamma(images + 1.0 - part))
}

/// The sum of 1/(x + n)² over all n from 0, for x that is not small (Abramowitz and Stegun 6.4.12).
fn trigamma(x: f64) -> f64 {
    1.0 / x + 0.5 / (x * x) + 1.0 / (6.0 * x.powi(3)) - 1.0 / (30.0 * x.powi(5))
}

/// What the induction on pads depends on.
#[derive(Debug, Clone, Copy)]
struct PadCrossing {
    pitch_mm: [f64; 2],
    gap_mm: f64,
    velocity_mm_ns: f64,
    /// By how much an electron moves along x and z for each mm that it falls.
    tangents: [f64; 2],
    bin_ns: f64,
    /// How far away pads are followed.
    reach_mm: f64,
}

/// The charge that arrives on the pads around an electron, in each time bin before it ends.
#[derive(Debug)]
pub(crate) struct PadInduction {
    /// Pads on either side, along x and z.
    around: [usize; 2],
    bins: usize,
    /// `[place x][place z][pad z][pad x][bin]`, the earliest bin first.
    charge: Vec<f32>,
}

impl PadInduction {
    /// Places within a pad that are told apart, along x and along z.
    const PLACES: usize = 8;

    /// Those of the sheets of a layer that have pads.
    pub(crate) fn of(place: &Place, below: &Below<'_>) -> Vec<Option<Self>> {
        let of_sheet = |((_, views), pads): (&(u32, Vec<View>), &bool)| {
            let crossing = PadCrossing {
                pitch_mm: [0, 1].map(|k| views.get(k).map_or(1.0, |view| view.pitch_mm)),
                gap_mm: below.gap_mm,
                velocity_mm_ns: below.transport.velocity_um_ns / 1000.0,
                tangents: below.direction.vector().map(|along| along * below.transport.lorentz_tangent()),
                bin_ns: below.described.time_bin_ns,
                reach_mm: below.gap_mm * REACH,
            };
            pads.then(|| Self::new(&crossing))
        };
        place.sheets.iter().zip(&place.pads).map(of_sheet).collect()
    }

    fn new(crossing: &PadCrossing) -> Self {
        let PadCrossing { pitch_mm, gap_mm, velocity_mm_ns, tangents, bin_ns, reach_mm } = *crossing;
        let around = pitch_mm.map(|pitch| ((reach_mm / pitch).ceil() as usize).clamp(1, 6));
        let bins = (gap_mm / velocity_mm_ns / bin_ns + 0.5).ceil() as usize;
        let within =
            |place: usize, k: usize| ((place as f64 + 0.5) / Self::PLACES as f64 - 0.5) * pitch_mm[k];
        let mut charge = Vec::new();
        for place in 0..Self::PLACES * Self::PLACES {
            let end = [within(place / Self::PLACES, 0), within(place % Self::PLACES, 1)];
            for pad_z in -(around[1] as i64)..=around[1] as i64 {
                for pad_x in -(around[0] as i64)..=around[0] as i64 {
                    let from = [end[0] - pad_x as f64 * pitch_mm[0], end[1] - pad_z as f64 * pitch_mm[1]];
                    // An electron ends in the middle of a time bin.
                    let seen = |edge: usize| {
                        let height = (velocity_mm_ns * (edge as f64 - 0.5) * bin_ns).max(0.0);
                        let at = [0, 1].map(|k| from[k] - height * tangents[k]);
                        pad_potential(at, height, pitch_mm, gap_mm)
                    };
                    charge.extend((0..bins).rev().map(|bin| (seen(bin) - seen(bin + 1)) as f32));
                }
            }
        }
        Self { around, bins, charge }
    }
}

/// An electron's cell: column and row of its pad, the place within it, and the time bin.
type Cell = (i32, i32, u8, u32);

impl Digitiser {
    /// Reads the pads of a sheet.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    pub(crate) fn read_pads(
        &self,
        [layer, sheet]: [usize; 2],
        table: &PadInduction,
        hits: &[Hit],
        (arrived, numbers): (&Arrived, &[usize]),
        span: Span,
        digitised: &mut Digitised,
        random: &mut Stream,
    ) {
        let lead = table.bins + self.front_end.bins_before();
        let start = span.start - lead as i64;
        let bins = lead + span.bins + self.front_end.bins_after();
        let [columns, rows] = [0, 1].map(|k| &self.places[layer].sheets[sheet].1[k]);
        let mut cells: Vec<(Cell, u32)> = numbers
            .iter()
            .map(|&i| {
                let at = arrived.across[i];
                let within = at.map(|at| {
                    ((at - at.floor()) * PadInduction::PLACES as f64) as usize % PadInduction::PLACES
                });
                let bin = ((arrived.t[i] / self.bin_ns).floor() as i64 - start) as u32;
                let place = within[0] * PadInduction::PLACES + within[1];
                ((at[0].floor() as i32, at[1].floor() as i32, place as u8, bin), arrived.hit[i])
            })
            .collect();
        cells.sort_unstable();
        let mut currents: BTreeMap<(i32, i32), Vec<f32>> = BTreeMap::new();
        let mut ended: BTreeMap<(i32, i32), BTreeMap<u32, usize>> = BTreeMap::new();
        let [around_x, around_z] = table.around.map(|around| around as i32);
        for same in cells.chunk_by(|a, b| a.0 == b.0) {
            let (column, row, place, bin) = same[0].0;
            let mut pads = table.charge.chunks_exact(table.bins);
            let of_place = (2 * table.around[0] + 1) * (2 * table.around[1] + 1);
            let mut pads = pads.by_ref().skip(usize::from(place) * of_place);
            for pad_z in -around_z..=around_z {
                for pad_x in -around_x..=around_x {
                    let Some(charge) = pads.next() else { continue };
                    let at = (row + pad_z, column + pad_x);
                    if !(0..rows.strips as i32).contains(&at.0) || !(0..columns.strips as i32).contains(&at.1)
                    {
                        continue;
                    }
                    let current = currents.entry(at).or_insert_with(|| vec![0.0; bins]);
                    let to = bin as usize + 1 - table.bins;
                    let into = current[to..=bin as usize].iter_mut();
                    into.zip(charge).for_each(|(sum, charge)| *sum += same.len() as f32 * charge);
                }
            }
            for (_, hit) in same {
                *ended.entry((row, column)).or_default().entry(*hit).or_default() += 1;
            }
        }
        for ((row, column), mut current) in currents {
            // The hit of which most ended on the pad, or on the nearest one where any ended.
            let nearest = ended.iter().min_by_key(|((r, c), _)| (r - row).pow(2) + (c - column).pow(2));
            let most = nearest.and_then(|(_, of)| of.iter().max_by_key(|(_, number)| **number));
            let hit = most.map(|(hit, _)| &hits[*hit as usize]);
            let pad = (row as u32 * columns.strips + column as u32) as usize;
            self.read_strip([layer, sheet, 0, pad], hit, &mut current, start, digitised, random);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::induction::weighting_potential;

    const GAP: f64 = 2.0;

    /// All pads together see 1 − z/d, wherever the charge is.
    #[test]
    fn pads_see_the_whole_charge() {
        let widths = [1.3, 2.1];
        for at in [[0.0, 0.0], [0.5, -0.9], [0.65, 1.05]] {
            for height in [0.05, 0.3, 1.0, 1.7] {
                let mut sum = 0.0;
                for i in -20..=20 {
                    for k in -14..=14 {
                        let from = [at[0] - f64::from(i) * widths[0], at[1] - f64::from(k) * widths[1]];
                        sum += pad_potential(from, height, widths, GAP);
                    }
                }
                assert!((sum - (1.0 - height / GAP)).abs() < 1e-4, "{at:?} {height}: {sum}");
            }
        }
    }

    /// A pad that is long one way is a strip, and no pad above the other plane or beside itself sees
    /// anything.
    #[test]
    fn a_long_pad_is_a_strip() {
        for x in [0.0, 0.2, 0.65, 1.3] {
            for height in [0.05, 0.5, 1.0, 1.9] {
                let pads = (-8..=8).map(|k| pad_potential([x, 4.0 * f64::from(k)], height, [0.65, 4.0], GAP));
                let pad: f64 = pads.sum();
                let strip = weighting_potential(x, height, 0.65, GAP);
                assert!((pad - strip).abs() < 1e-4, "{x} {height}: {pad} {strip}");
            }
        }
        assert_eq!(pad_potential([0.0; 2], 2.5, [1.0; 2], GAP).to_bits(), 0f64.to_bits());
        assert_eq!(pad_potential([0.9, 0.0], 0.0, [1.0; 2], GAP).to_bits(), 0f64.to_bits());
    }

    /// In the end the pad that collects has all of the charge, and others nothing.
    #[test]
    fn tables_end_with_the_collected_charge() {
        let table = PadInduction::new(&PadCrossing {
            pitch_mm: [2.0, 3.0],
            gap_mm: GAP,
            velocity_mm_ns: 0.035,
            tangents: [0.1, 0.0],
            bin_ns: 5.0,
            reach_mm: 3.0,
        });
        assert_eq!(table.around, [2, 1]);
        for (k, charge) in table.charge.chunks_exact(table.bins).enumerate() {
            let collected = if k % 15 == 7 { 1.0 } else { 0.0 };
            assert!((charge.iter().sum::<f32>() - collected).abs() < 1e-5, "{k}: {charge:?}");
        }
    }
}
