//! The choice of the hole that an electron gets into.

use rand::{Rng, RngExt};
use townsend_kernels::exp;

use crate::Lattice;
use crate::detector::Arrangement;

/// Chooses one of the holes about the nearest one (19 of a hexagonal lattice, 25 of a square one), with a
/// probability in proportion to exp(−r²/2s²), where r is the electron's distance from the hole's axis and s
/// the spread of its diffusion on the way to the hole.
///
/// With a hole at i·a + j·b and the electron at q, exp(−|q − ia − jb|²/2s²) ∝ `K_ij·A^i·B^j`, where A =
/// exp(q·a/s²) and B = exp(q·b/s²) depend on q and `K_ij` does not: two exponentials serve for all holes.
#[derive(Debug, Clone)]
pub(crate) struct HoleChoice {
    lattice: Lattice,
    /// 1/s² in mm⁻²; infinite if always the nearest hole is chosen.
    inverse_square: f64,
    /// `K_ij`, as many as there are holes.
    weights: [f64; MOST],
    /// The centres (x, z) of the holes, mm.
    centres: [[f64; 2]; MOST],
}

/// Electrons whose holes are chosen side by side.
const LANES: usize = 8;

/// Most holes that are chosen among.
const MOST: usize = 25;

/// Columns and rows of the 25 holes of a square lattice that are at most two columns and two rows from the
/// origin.
pub(crate) const SQUARE: [(i8, i8); MOST] = {
    let mut all = [(0, 0); MOST];
    let mut n = 0;
    while n < MOST {
        all[n] = ((n % 5) as i8 - 2, (n / 5) as i8 - 2);
        n += 1;
    }
    all
};

/// Columns and rows of the 19 holes of a hexagonal lattice within two steps of the origin.
pub(crate) const HEXAGONAL: [(i8, i8); 19] = {
    let mut all = [(0, 0); 19];
    let (mut n, mut row) = (0, -2i8);
    while row <= 2 {
        let mut column = -2i8;
        while column <= 2 {
            // Steps along (1, 0), (0, 1) and (1, −1).
            if (column + row).abs() <= 2 {
                all[n] = (column, row);
                n += 1;
            }
            column += 1;
        }
        row += 1;
    }
    all
};

impl HoleChoice {
    /// With a spread below this fraction of the pitch the nearest hole is always taken, because the
    /// exponentials would overflow. It makes little difference: only electrons within s²/pitch of the border
    /// of two cells would choose another hole.
    const SMALLEST: f64 = 0.05;

    pub(crate) fn new(lattice: Lattice, spread_mm: f64) -> Self {
        let pitch = f64::from(lattice.pitch_mm());
        let alone = lattice.about_the_origin().len() == 1;
        let inverse_square =
            if alone || spread_mm < Self::SMALLEST * pitch { f64::INFINITY } else { spread_mm.powi(-2) };
        let (mut weights, mut centres) = ([0.0; MOST], [[0.0; 2]; MOST]);
        let holes = lattice.about_the_origin();
        for ((weight, centre), &(column, row)) in weights.iter_mut().zip(&mut centres).zip(holes) {
            let (x, z) = lattice.hole(column.into(), row.into());
            *weight = (-0.5 * inverse_square * (f64::from(x).powi(2) + f64::from(z).powi(2))).exp();
            *centre = [x.into(), z.into()];
        }
        Self { lattice, inverse_square, weights, centres }
    }

    /// A random number that the choice depends on, if it depends on one.
    #[inline(always)]
    pub(crate) fn draw(&self, random: &mut impl Rng) -> f64 {
        if self.inverse_square.is_infinite() { 0.0 } else { random.random() }
    }

    /// Replaces the place (x, z) of each electron, relative to the hole nearest to it, by the centre of the
    /// hole that it chooses by a random number of [`HoleChoice::draw`], mm.
    #[inline(always)]
    pub(crate) fn choose_all(&self, x: &mut [f32], z: &mut [f32], draws: &[f64]) {
        if self.inverse_square.is_infinite() {
            x.fill(0.0);
            z.fill(0.0);
            return;
        }
        let parts = x.chunks_mut(LANES).zip(z.chunks_mut(LANES)).zip(draws.chunks(LANES));
        for ((x, z), draws) in parts {
            // The number of holes is known where the loops are compiled.
            match self.lattice.arrangement() {
                Arrangement::Square => self.choose(&SQUARE, x, z, draws),
                Arrangement::Hexagonal | Arrangement::None => self.choose(&HEXAGONAL, x, z, draws),
            }
        }
    }

    /// Powers from −2 to 2 of exp(q·h/s²) for the electrons at q and a hole at h.
    #[inline(always)]
    fn powers(&self, x: &[f32; LANES], z: &[f32; LANES], (hx, hz): (f32, f32)) -> [[f64; LANES]; 5] {
        let mut powers = [[1.0; LANES]; 5];
        for lane in 0..LANES {
            let one = exp(self.inverse_square * f64::from(x[lane] * hx + z[lane] * hz));
            let inverse = 1.0 / one;
            powers[0][lane] = inverse * inverse;
            powers[1][lane] = inverse;
            powers[3][lane] = one;
            powers[4][lane] = one * one;
        }
        powers
    }

    /// The same for at most [`LANES`] electrons, side by side and without branches, so that loops become
    /// vector instructions.
    #[inline(always)]
    fn choose<const N: usize>(&self, holes: &[(i8, i8); N], x: &mut [f32], z: &mut [f32], draws: &[f64]) {
        let (mut at_x, mut at_z, mut limit) = ([0f32; LANES], [0f32; LANES], [0.0; LANES]);
        at_x[..x.len()].copy_from_slice(x);
        at_z[..z.len()].copy_from_slice(z);
        limit[..draws.len()].copy_from_slice(draws);
        let (a, b) = (
            self.powers(&at_x, &at_z, self.lattice.hole(1, 0)),
            self.powers(&at_x, &at_z, self.lattice.hole(0, 1)),
        );
        let mut cumulative = [[0.0; LANES]; N];
        let mut sum = [0.0; LANES];
        for ((cumulative, weight), (column, row)) in cumulative.iter_mut().zip(&self.weights).zip(holes) {
            let (a, b) = (&a[(column + 2) as usize], &b[(row + 2) as usize]);
            for lane in 0..LANES {
                sum[lane] += weight * a[lane] * b[lane];
            }
            *cumulative = sum;
        }
        for lane in 0..LANES {
            limit[lane] *= sum[lane];
        }
        // The first hole up to which the sum is above the limit.
        let (mut chosen_x, mut chosen_z) = ([self.centres[0][0]; LANES], [self.centres[0][1]; LANES]);
        for (cumulative, [next_x, next_z]) in cumulative[..N - 1].iter().zip(&self.centres[1..]) {
            for lane in 0..LANES {
                let beyond = cumulative[lane] <= limit[lane];
                chosen_x[lane] = if beyond { *next_x } else { chosen_x[lane] };
                chosen_z[lane] = if beyond { *next_z } else { chosen_z[lane] };
            }
        }
        x.iter_mut().zip(chosen_x).for_each(|(x, chosen)| *x = chosen as f32);
        z.iter_mut().zip(chosen_z).for_each(|(z, chosen)| *z = chosen as f32);
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;
    use crate::detector::Holes;

    #[test]
    fn the_neighbours_are_the_nearest_nineteen() {
        let lattice = Lattice::new(1.0);
        let mut squares: Vec<f32> = HEXAGONAL
            .iter()
            .map(|&(column, row)| {
                let (x, z) = lattice.hole(column.into(), row.into());
                x * x + z * z
            })
            .collect();
        squares.sort_by(f32::total_cmp);
        // 1 at the origin, 6 at distance 1, 6 at √3, 6 at 2.
        for (n, square) in squares.iter().enumerate() {
            let expected = [0.0, 1.0, 3.0, 4.0][n.div_ceil(6)];
            assert!((square - expected).abs() < 1e-5, "{n}: {square}");
        }
    }

    /// The frequencies of the chosen holes agree with the probabilities, which are computed one by one here.
    #[test]
    fn holes_are_chosen_by_their_distance() {
        let turned = |kind, rotation_deg| Lattice::of(&Holes { kind, pitch_um: 140.0, rotation_deg });
        for (lattice, spread, x, z) in [
            (Lattice::new(0.14), 0.047, 0.05, 0.03),
            (Lattice::new(0.14), 0.2, -0.06, 0.01),
            (Lattice::new(0.14), 0.0075, 0.069, 0.0),
            (turned(Arrangement::Hexagonal, 90.0), 0.047, 0.03, 0.05),
            (turned(Arrangement::Square, 0.0), 0.06, 0.05, 0.06),
            (turned(Arrangement::Square, 30.0), 0.047, 0.05, 0.03),
        ] {
            let holes = lattice.about_the_origin();
            let choice = HoleChoice::new(lattice, spread);
            let mut random = stream(5, Purpose::new("test"), 0);
            let n = 200_000u64;
            let mut counts = vec![0f64; holes.len()];
            for _ in 0..n {
                let (mut x, mut z) = ([x], [z]);
                choice.choose_all(&mut x, &mut z, &[choice.draw(&mut random)]);
                let at = holes.iter().position(|&(c, r)| lattice.hole(c.into(), r.into()) == (x[0], z[0]));
                counts[at.unwrap()] += 1.0;
            }
            let weight = |(c, r): (i8, i8)| {
                let (hx, hz) = lattice.hole(c.into(), r.into());
                (-0.5 * f64::from((x - hx).powi(2) + (z - hz).powi(2)) / spread.powi(2)).exp()
            };
            let sum: f64 = holes.iter().map(|&hole| weight(hole)).sum();
            for (hole, count) in holes.iter().zip(counts) {
                let expected = n as f64 * weight(*hole) / sum;
                assert!(
                    (count - expected).abs() <= 5.0 * expected.sqrt() + 1.0,
                    "{hole:?}: {count} {expected}"
                );
            }
        }
        let (mut x, mut z) = ([0.069], [0.01]);
        HoleChoice::new(Lattice::new(0.14), 0.0).choose_all(&mut x, &mut z, &[0.0]);
        assert_eq!((x, z), ([0.0], [0.0]));
    }
}
