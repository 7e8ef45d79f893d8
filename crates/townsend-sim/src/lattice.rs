//! The lattice of the holes of a foil.

use rand::RngExt;

use crate::holes::NEIGHBOURS;

/// A hexagonal lattice of holes, one of them at the origin; lattice vectors (p, 0) and (p/2, p√3/2).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    pitch_mm: f32,
}

impl Lattice {
    /// A lattice with this distance between neighbouring holes, in mm.
    pub fn new(pitch_mm: f32) -> Self {
        Self { pitch_mm }
    }

    /// Distance between rows, mm.
    #[inline(always)]
    fn row_mm(self) -> f32 {
        self.pitch_mm * (3f32.sqrt() / 2.0)
    }

    /// The centre of the hole nearest to (x, z), mm: of the nearest holes in the two rows beside the point,
    /// the nearer one.
    #[inline(always)]
    pub fn nearest(self, x: f32, z: f32) -> (f32, f32) {
        let below = (z / self.row_mm()).floor();
        let hole = |row: f32| {
            let shift = 0.5 * self.pitch_mm * row;
            let (hx, hz) =
                (((x - shift) / self.pitch_mm).round() * self.pitch_mm + shift, row * self.row_mm());
            (hx, hz, (x - hx).powi(2) + (z - hz).powi(2))
        };
        let (a, b) = (hole(below), hole(below + 1.0));
        if a.2 <= b.2 { (a.0, a.1) } else { (b.0, b.1) }
    }

    /// Distance between neighbouring holes, mm.
    pub fn pitch_mm(self) -> f32 {
        self.pitch_mm
    }

    /// The centre of the hole `column`·(p, 0) + `row`·(p/2, p√3/2), mm.
    pub fn hole(self, column: i32, row: i32) -> (f32, f32) {
        (self.pitch_mm * (column as f32 + 0.5 * row as f32), self.row_mm() * row as f32)
    }

    /// The centres of the 19 holes within two steps of the origin, itself included, mm.
    pub fn neighbours(self) -> [(f32, f32); 19] {
        NEIGHBOURS.map(|(column, row)| self.hole(column.into(), row.into()))
    }

    /// A point distributed uniformly over the cell of the hole at the origin, which is the hexagon of the
    /// points that are nearest to this hole, mm.
    pub fn point_in_cell(self, random: &mut impl rand::Rng) -> (f32, f32) {
        let (u, v): (f32, f32) = (random.random(), random.random());
        let (x, z) = ((u + 0.5 * v) * self.pitch_mm, v * self.row_mm());
        let (hx, hz) = self.nearest(x, z);
        (x - hx, z - hz)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use townsend_core::{Purpose, stream};

    use super::*;

    proptest! {
        /// The nearest hole is the one that a search among all holes around finds.
        #[test]
        fn no_hole_is_nearer(x in -1.0f32..1.0, z in -1.0f32..1.0) {
            let lattice = Lattice::new(0.14);
            let (hx, hz) = lattice.nearest(x, z);
            let distance = (x - hx).hypot(z - hz);
            for i in -20..=20 {
                for j in -10..=10 {
                    let (ox, oz) = lattice.hole(i, j);
                    prop_assert!(distance <= (x - ox).hypot(z - oz) + 1e-6);
                }
            }
            // It is a hole: a whole number of lattice vectors from the origin.
            let row = (hz / lattice.row_mm()).round();
            let column = hx / 0.14 - 0.5 * row;
            prop_assert!((column - column.round()).abs() < 1e-4);
        }
    }

    /// The second moment of a regular hexagon is 5/24 of the square of its side p/√3, in every direction.
    #[test]
    fn points_fill_the_cell_evenly() {
        let lattice = Lattice::new(0.14);
        let mut random = stream(1, Purpose::new("test"), 0);
        let n = 200_000u64;
        let (mut sums, mut squares) = ([0.0f64; 2], [0.0f64; 2]);
        for _ in 0..n {
            let (x, z) = lattice.point_in_cell(&mut random);
            assert!(x.abs() <= 0.0701 && z.abs() <= 0.0809, "outside the hexagon: {x} {z}");
            for (k, v) in [x, z].into_iter().enumerate() {
                sums[k] += f64::from(v);
                squares[k] += f64::from(v).powi(2);
            }
        }
        let expected = 5.0 / 24.0 * (0.14f64.powi(2) / 3.0);
        for k in 0..2 {
            assert!((sums[k] / n as f64).abs() < 5.0 * (expected / n as f64).sqrt());
            assert!(
                (squares[k] / n as f64 / expected - 1.0).abs() < 0.01,
                "{}",
                squares[k] / n as f64 / expected
            );
        }
    }
}
