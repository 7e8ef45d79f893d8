//! The cells of a lattice, and the symmetries of what is in them.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use townsend_core::Stream;

use crate::{Arrangement, SimError};

/// A symmetry of a structure that leaves the origin of its responses as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Symmetry {
    /// x becomes −x.
    ReflectX,
    /// z becomes −z.
    ReflectZ,
    /// A turn by 60°.
    #[serde(rename = "rotate_60")]
    Rotate60,
    /// A turn by 90°.
    #[serde(rename = "rotate_90")]
    Rotate90,
    /// A turn by 120°.
    #[serde(rename = "rotate_120")]
    Rotate120,
    /// A turn by 180°.
    #[serde(rename = "rotate_180")]
    Rotate180,
}

impl Symmetry {
    fn map(self) -> Map {
        let turn = |degrees: f64| {
            let (sine, cosine) = degrees.to_radians().sin_cos();
            Map([[cosine, -sine], [sine, cosine]])
        };
        match self {
            Self::ReflectX => Map([[-1.0, 0.0], [0.0, 1.0]]),
            Self::ReflectZ => Map([[1.0, 0.0], [0.0, -1.0]]),
            Self::Rotate60 => turn(60.0),
            Self::Rotate90 => turn(90.0),
            Self::Rotate120 => turn(120.0),
            Self::Rotate180 => Map([[-1.0, 0.0], [0.0, -1.0]]),
        }
    }

    /// Its name, as in a description.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ReflectX => "reflect_x",
            Self::ReflectZ => "reflect_z",
            Self::Rotate60 => "rotate_60",
            Self::Rotate90 => "rotate_90",
            Self::Rotate120 => "rotate_120",
            Self::Rotate180 => "rotate_180",
        }
    }

    /// True if it leaves this vector as it is.
    pub fn keeps(self, vector: [f64; 2]) -> bool {
        let moved = self.map().apply(vector);
        (0..2).all(|k| (moved[k] - vector[k]).abs() < 1e-9)
    }
}

/// An orthogonal map of the plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Map([[f64; 2]; 2]);

impl Map {
    fn apply(self, [x, z]: [f64; 2]) -> [f64; 2] {
        self.0.map(|row| row[0] * x + row[1] * z)
    }

    /// First `other`, then this one.
    fn after(self, other: Self) -> Self {
        let columns = [0, 1].map(|k| self.apply([other.0[0][k], other.0[1][k]]));
        Self([0, 1].map(|k| [columns[0][k], columns[1][k]]))
    }

    fn is(self, other: Self) -> bool {
        self.0.as_flattened().iter().zip(other.0.as_flattened()).all(|(a, b)| (a - b).abs() < 1e-9)
    }

    /// The image of a point, and its matrix with single precision.
    pub(super) fn single(self) -> SingleMap {
        SingleMap(self.0.map(|row| row.map(|value| value as f32)))
    }

    pub(super) fn of(self, point: [f64; 2]) -> [f64; 2] {
        self.apply(point)
    }
}

/// An orthogonal map with single precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct SingleMap([[f32; 2]; 2]);

impl SingleMap {
    #[inline]
    pub(super) fn apply(self, [x, z]: [f32; 2]) -> [f32; 2] {
        self.0.map(|row| row[0] * x + row[1] * z)
    }

    /// Rows.
    #[inline]
    pub(super) fn matrix(self) -> [[f32; 2]; 2] {
        self.0
    }
}

/// The cells of a lattice: parallelograms between two lattice vectors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cells {
    /// The lattice vectors, mm; none if all places are alike.
    vectors: Option<[[f64; 2]; 2]>,
}

impl Cells {
    /// The cells of a lattice whose first vector has this length (mm) and this angle from x towards z.
    pub(crate) fn new(arrangement: Arrangement, pitch_mm: f64, rotation_deg: f64) -> Self {
        let vector = |degrees: f64| {
            let (sine, cosine) = (rotation_deg + degrees).to_radians().sin_cos();
            [pitch_mm * cosine, pitch_mm * sine]
        };
        let vectors = match arrangement {
            Arrangement::Hexagonal => Some([vector(0.0), vector(60.0)]),
            Arrangement::Square => Some([vector(0.0), vector(90.0)]),
            Arrangement::None => None,
        };
        Self { vectors }
    }

    pub(super) fn vectors(&self) -> Option<[[f64; 2]; 2]> {
        self.vectors
    }

    /// Rows of the matrix from places (mm) to parts of the lattice vectors.
    pub(super) fn to_parts(vectors: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
        let [[ax, az], [bx, bz]] = vectors;
        let determinant = ax * bz - az * bx;
        [[bz / determinant, -bx / determinant], [-az / determinant, ax / determinant]]
    }

    /// A point distributed evenly over the cell, mm, as near to the origin as translations bring it; the
    /// origin without a lattice.
    pub(crate) fn point(&self, random: &mut Stream) -> (f32, f32) {
        let Some([a, b]) = self.vectors else { return (0.0, 0.0) };
        let parts: [f64; 2] = [random.random(), random.random()];
        let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
        let from = |corner: [f64; 2]| {
            let [u, v] = [parts[0] - corner[0], parts[1] - corner[1]];
            [u * a[0] + v * b[0], u * a[1] + v * b[1]]
        };
        let square = |[x, z]: [f64; 2]| x * x + z * z;
        let nearest = corners.map(from).into_iter().min_by(|&p, &q| square(p).total_cmp(&square(q)));
        nearest.map_or((0.0, 0.0), |[x, z]| (x as f32, z as f32))
    }
}

/// All maps that these symmetries make together, the identity first.
///
/// # Errors
/// If one of them does not leave the lattice as it is.
pub(super) fn group(symmetries: &[Symmetry], cells: &Cells) -> Result<Vec<Map>, SimError> {
    let parts_after = |map: Map, vectors: [[f64; 2]; 2]| {
        let to_parts = Cells::to_parts(vectors);
        vectors.map(|vector| {
            let moved = map.apply(vector);
            to_parts.map(|row| row[0] * moved[0] + row[1] * moved[1])
        })
    };
    let whole = |part: &f64| (part - part.round()).abs() < 1e-6;
    for &symmetry in symmetries {
        let of_lattice = cells
            .vectors
            .is_none_or(|vectors| parts_after(symmetry.map(), vectors).as_flattened().iter().all(whole));
        if !of_lattice {
            return Err(SimError::Recorded {
                what: format!("symmetry: {} does not leave the lattice as it is", symmetry.name()),
                remedy: "leave it out, or see lattice and rotation_deg".into(),
            });
        }
    }
    let mut all = vec![Map([[1.0, 0.0], [0.0, 1.0]])];
    let mut seen = 0;
    while seen < all.len() {
        for symmetry in symmetries {
            let next = symmetry.map().after(all[seen]);
            if !all.iter().any(|known| known.is(next)) {
                all.push(next);
            }
        }
        seen += 1;
    }
    Ok(all)
}
