//! The lattice of the holes of a foil.

use rand::RngExt;

use crate::detector::{Arrangement, Holes};
use crate::holes::{HEXAGONAL, SQUARE};

/// A lattice of holes, one of them at the origin: hexagonal, with the lattice vectors (p, 0) and (p/2,
/// p√3/2), or square, with (p, 0) and (0, p), turned about the origin; or none, where every electron is on
/// the axis of a hole of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lattice {
    pitch_mm: f32,
    arrangement: Arrangement,
    /// Cosine and sine of the angle by which it is turned from x towards z, if it is.
    turned: Option<[f32; 2]>,
}

impl Lattice {
    /// A hexagonal lattice with this distance between neighbouring holes, in mm.
    pub fn new(pitch_mm: f32) -> Self {
        Self { pitch_mm, arrangement: Arrangement::Hexagonal, turned: None }
    }

    /// The lattice of these holes.
    pub fn of(holes: &Holes) -> Self {
        let (sine, cosine) = holes.rotation_deg.to_radians().sin_cos();
        Self {
            pitch_mm: (holes.pitch_um / 1000.0) as f32,
            arrangement: holes.kind,
            turned: (holes.rotation_deg != 0.0).then_some([cosine as f32, sine as f32]),
        }
    }

    /// How its holes are arranged.
    pub fn arrangement(self) -> Arrangement {
        self.arrangement
    }

    /// Distance between rows, mm.
    #[inline(always)]
    fn row_mm(self) -> f32 {
        match self.arrangement {
            Arrangement::Hexagonal => self.pitch_mm * (3f32.sqrt() / 2.0),
            Arrangement::Square | Arrangement::None => self.pitch_mm,
        }
    }

    /// Shift of a row against the one before it, in pitches.
    #[inline(always)]
    fn stagger(self) -> f32 {
        match self.arrangement {
            Arrangement::Hexagonal => 0.5,
            Arrangement::Square | Arrangement::None => 0.0,
        }
    }

    /// A vector of the lattice that is not turned, in the coordinates of the detector.
    #[inline(always)]
    fn to_detector(self, (x, z): (f32, f32)) -> (f32, f32) {
        match self.turned {
            Some([cosine, sine]) => (cosine * x - sine * z, sine * x + cosine * z),
            None => (x, z),
        }
    }

    /// The reverse of [`Lattice::to_detector`].
    #[inline(always)]
    fn to_lattice(self, (x, z): (f32, f32)) -> (f32, f32) {
        match self.turned {
            Some([cosine, sine]) => (cosine * x + sine * z, cosine * z - sine * x),
            None => (x, z),
        }
    }

    /// The centre of the hole nearest to (x, z), mm.
    #[inline(always)]
    pub fn nearest(self, x: f32, z: f32) -> (f32, f32) {
        if self.arrangement == Arrangement::None {
            return (x, z);
        }
        self.to_detector(self.nearest_straight(self.to_lattice((x, z))))
    }

    /// The same for a lattice that is not turned: of the nearest holes in the two rows beside the point, the
    /// nearer one.
    #[inline(always)]
    fn nearest_straight(self, (x, z): (f32, f32)) -> (f32, f32) {
        let below = (z / self.row_mm()).floor();
        let hole = |row: f32| {
            let shift = self.stagger() * self.pitch_mm * row;
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

    /// The centre of the hole that is `column` and `row` of the two lattice vectors from the origin, mm.
    pub fn hole(self, column: i32, row: i32) -> (f32, f32) {
        let along = self.pitch_mm * (column as f32 + self.stagger() * row as f32);
        self.to_detector((along, self.row_mm() * row as f32))
    }

    /// Column and row of the hole whose centre is nearest to this place, which is one but for rounding.
    pub(crate) fn numbers(self, x: f32, z: f32) -> [i32; 2] {
        let (x, z) = self.to_lattice((x, z));
        let row = (z / self.row_mm()).round();
        [(x / self.pitch_mm - self.stagger() * row).round() as i32, row as i32]
    }

    /// The centres of the 19 holes of a hexagonal lattice within two steps of the origin, itself included,
    /// mm.
    pub fn neighbours(self) -> [(f32, f32); 19] {
        HEXAGONAL.map(|(column, row)| self.hole(column.into(), row.into()))
    }

    /// Columns and rows of the holes that an electron at the origin may get into.
    pub(crate) fn about_the_origin(self) -> &'static [(i8, i8)] {
        match self.arrangement {
            Arrangement::Hexagonal => &HEXAGONAL,
            Arrangement::Square => &SQUARE,
            Arrangement::None => &[(0, 0)],
        }
    }

    /// A point distributed uniformly over the cell of the hole at the origin, which is all points that are
    /// nearest to this hole, mm; the origin where there is no lattice.
    pub fn point_in_cell(self, random: &mut impl rand::Rng) -> (f32, f32) {
        if self.arrangement == Arrangement::None {
            return (0.0, 0.0);
        }
        let (u, v): (f32, f32) = (random.random(), random.random());
        self.place_in_cell(u, v)
    }

    /// The point of that cell that is u and v of the lattice vectors from the axis of some hole, mm.
    pub(crate) fn place_in_cell(self, u: f32, v: f32) -> (f32, f32) {
        if self.arrangement == Arrangement::None {
            return (0.0, 0.0);
        }
        let (x, z) = ((u + self.stagger() * v) * self.pitch_mm, v * self.row_mm());
        let (hx, hz) = self.nearest_straight((x, z));
        self.to_detector((x - hx, z - hz))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use townsend_core::{Purpose, stream};

    use super::*;

    fn lattice(kind: Arrangement, rotation_deg: f64) -> Lattice {
        Lattice::of(&Holes { kind, pitch_um: 140.0, rotation_deg })
    }

    proptest! {
        /// In a square lattice, and in any that is turned, the nearest hole is that of a search, and its
        /// numbers lead back to it.
        #[test]
        fn no_hole_of_any_lattice_is_nearer(
            x in -1.0f32..1.0, z in -1.0f32..1.0, square in any::<bool>(), angle in -180.0f64..180.0,
        ) {
            let kind = if square { Arrangement::Square } else { Arrangement::Hexagonal };
            let lattice = lattice(kind, angle);
            let (hx, hz) = lattice.nearest(x, z);
            let distance = (x - hx).hypot(z - hz);
            for i in -25..=25 {
                for j in -25..=25 {
                    let (ox, oz) = lattice.hole(i, j);
                    prop_assert!(distance <= (x - ox).hypot(z - oz) + 1e-5);
                }
            }
            let [column, row] = lattice.numbers(hx, hz);
            let (ox, oz) = lattice.hole(column, row);
            prop_assert!((hx - ox).hypot(hz - oz) < 1e-5);
        }

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

    /// A square of the side p has the second moment p²/12 in every direction, however it is turned; a hexagon
    /// that is turned by 90° reaches as far along x as it did along z.
    #[test]
    fn cells_of_other_lattices_are_even() {
        let mut random = stream(2, Purpose::new("test"), 0);
        let n = 100_000u32;
        for (kind, angle, expected, reach) in [
            (Arrangement::Square, 0.0, 0.14f64.powi(2) / 12.0, 0.07),
            (Arrangement::Square, 45.0, 0.14f64.powi(2) / 12.0, 0.07 * 2f32.sqrt()),
            (Arrangement::Hexagonal, 90.0, 5.0 / 24.0 * 0.14f64.powi(2) / 3.0, 0.14 / 3f32.sqrt()),
        ] {
            let (mut square, mut far) = (0.0, 0f32);
            for _ in 0..n {
                let (x, _) = lattice(kind, angle).point_in_cell(&mut random);
                (square, far) = (square + f64::from(x).powi(2), far.max(x.abs()));
            }
            let found = square / f64::from(n);
            assert!((found / expected - 1.0).abs() < 0.015, "{kind:?} {angle}: {found} {expected}");
            assert!((far / reach - 1.0).abs() < 0.02, "{kind:?} {angle}: {far} {reach}");
        }
        let none = lattice(Arrangement::None, 0.0);
        assert_eq!((none.nearest(0.3, -0.7), none.point_in_cell(&mut random)), ((0.3, -0.7), (0.0, 0.0)));
    }
}
