//! The recorded responses that started nearest to a place in the cell.

use rand::RngExt;
use townsend_core::Stream;

use super::symmetry::{Cells, Map, SingleMap};
use crate::SimError;

/// For each of many small bins of the cell the k images of responses, by symmetries and translations, that
/// start nearest to its centre.
#[derive(Debug, Clone)]
pub(super) struct Nearest {
    lattice: Option<Lattice>,
    neighbours: usize,
    symmetries: Vec<SingleMap>,
    responses: usize,
}

/// What there is with a lattice.
#[derive(Debug, Clone)]
struct Lattice {
    vectors: [[f32; 2]; 2],
    to_parts: [[f32; 2]; 2],
    /// Bins along each lattice vector.
    bins: usize,
    /// For each bin its k neighbours: 9 times the number of the image, and a number from 0 to 8 for the
    /// translation by −1, 0 or 1 of each lattice vector.
    codes: Vec<u32>,
    /// Where the image starts in the cell, mm; those of one response by all symmetries are neighbours.
    images: Vec<[f32; 2]>,
}

/// A response that was chosen.
pub(super) struct Chosen {
    pub(super) response: usize,
    pub(super) symmetry: usize,
    /// What the children's places are relative to, mm.
    pub(super) place: [f32; 2],
}

/// The image of a start in the cell, as parts of the lattice vectors.
type Part = [f64; 2];

impl Nearest {
    /// Bins are at most half as wide as images are apart on average; the largest number along a lattice
    /// vector bounds memory and the time to prepare, and the least keeps few responses apart.
    const BINS: [usize; 2] = [32, 512];
    /// Starts leave a part of the cell out if a place is farther than this part of the pitch from all of
    /// them. Chosen, not fitted: 100 starts all over the cell of a GEM leave no such place.
    const FARTHEST: f64 = 0.2;

    pub(super) fn new(
        starts: &[[f64; 2]],
        cells: Cells,
        symmetries: Vec<Map>,
        neighbours: usize,
    ) -> Result<Self, SimError> {
        if starts.is_empty() || neighbours == 0 || neighbours > starts.len() {
            return Err(SimError::Range {
                key: "neighbours".into(),
                value: neighbours.to_string(),
                allowed: format!("from 1 to the number of responses, {}", starts.len()),
            });
        }
        let lattice = match cells.vectors() {
            Some(vectors) => Some(Lattice::new(starts, vectors, &symmetries, neighbours)?),
            None => None,
        };
        let symmetries = symmetries.into_iter().map(Map::single).collect();
        Ok(Self { lattice, neighbours, symmetries, responses: starts.len() })
    }

    #[inline]
    pub(super) fn symmetry(&self, number: usize) -> SingleMap {
        self.symmetries[number]
    }

    /// One of the k nearest responses of a place, mm.
    #[inline]
    pub(super) fn choose(&self, place: [f32; 2], random: &mut Stream) -> Chosen {
        let below =
            |n: usize, random: &mut Stream| ((u64::from(random.random::<u32>()) * n as u64) >> 32) as usize;
        let Some(lattice) = &self.lattice else {
            let image = below(self.responses * self.symmetries.len(), random);
            let (response, symmetry) = (image / self.symmetries.len(), image % self.symmetries.len());
            return Chosen { response, symmetry, place };
        };
        let parts = lattice.to_parts.map(|row| row[0] * place[0] + row[1] * place[1]);
        let cell = parts.map(f32::floor);
        let bin =
            [0, 1].map(|k| (((parts[k] - cell[k]) * lattice.bins as f32) as usize).min(lattice.bins - 1));
        let at = (bin[0] * lattice.bins + bin[1]) * self.neighbours;
        let code = lattice.codes[at + below(self.neighbours, random)] as usize;
        let (image, by) = (code / 9, code % 9);
        let by = [cell[0] + (by / 3) as f32 - 1.0, cell[1] + (by % 3) as f32 - 1.0];
        let [a, b] = lattice.vectors;
        let start = lattice.images[image];
        Chosen {
            response: image / self.symmetries.len(),
            symmetry: image % self.symmetries.len(),
            place: [0, 1].map(|k| start[k] + (by[0] * a[k] + by[1] * b[k])),
        }
    }

    /// The part of electrons all over the cell that takes each response.
    pub(super) fn shares(&self) -> Vec<f64> {
        let Some(lattice) = &self.lattice else {
            return vec![1.0 / self.responses as f64; self.responses];
        };
        let mut shares = vec![0.0; self.responses];
        let one = 1.0 / lattice.codes.len() as f64;
        for &code in &lattice.codes {
            shares[code as usize / 9 / self.symmetries.len()] += one;
        }
        shares
    }
}

impl Lattice {
    fn new(
        starts: &[[f64; 2]],
        vectors: [[f64; 2]; 2],
        symmetries: &[Map],
        neighbours: usize,
    ) -> Result<Self, SimError> {
        let to_parts = Cells::to_parts(vectors);
        let parts = |start: &[f64; 2], map: &Map| -> Part {
            let [x, z] = map.of(*start);
            // What rounding leaves at 1 is 0 of the next cell.
            to_parts.map(|row| row[0] * x + row[1] * z).map(|part| part - part.floor()).map(|part| part % 1.0)
        };
        let images: Vec<Part> =
            starts.iter().flat_map(|start| symmetries.iter().map(move |map| parts(start, map))).collect();
        let place = |[u, v]: Part| [0, 1].map(|k| u * vectors[0][k] + v * vectors[1][k]);
        let bins = (2.0 * (images.len() as f64).sqrt()).ceil() as usize;
        let bins = bins.clamp(Nearest::BINS[0], Nearest::BINS[1]);
        let buckets = Buckets::new(&images, vectors);
        let (mut codes, mut found) = (Vec::with_capacity(bins * bins * neighbours), Vec::new());
        let farthest = Nearest::FARTHEST * vectors[0][0].hypot(vectors[0][1]);
        for bin in 0..bins * bins {
            let centre = [bin / bins, bin % bins].map(|number| (number as f64 + 0.5) / bins as f64);
            buckets.nearest(centre, neighbours, &mut found);
            if found[0].0 > farthest * farthest {
                let [x, z] = place(centre).map(|mm| (1000.0 * mm).round());
                return Err(SimError::Recorded {
                    what: format!(
                        "no response starts within {:.0} µm of ({x}, {z}) µm in the cell of the lattice, with its symmetries",
                        1000.0 * farthest
                    ),
                    remedy: "record responses to electrons that start all over the cell, or see lattice, pitch_um and \
                             rotation_deg"
                        .into(),
                });
            }
            codes.extend(found.iter().map(|&(_, code)| code));
        }
        Ok(Self {
            vectors: vectors.map(|vector| vector.map(|mm| mm as f32)),
            to_parts: to_parts.map(|row| row.map(|value| value as f32)),
            bins,
            codes,
            images: images.iter().map(|&part| place(part).map(|mm| mm as f32)).collect(),
        })
    }
}

/// Images by the part of the cell that they are in, to be searched outwards from a place.
struct Buckets<'a> {
    images: &'a [Part],
    vectors: [[f64; 2]; 2],
    /// Along each lattice vector.
    number: usize,
    /// Numbers of the images of each bucket.
    members: Vec<Vec<u32>>,
    /// The least distance between opposite sides of a bucket, mm.
    height: f64,
}

impl<'a> Buckets<'a> {
    fn new(images: &'a [Part], vectors: [[f64; 2]; 2]) -> Self {
        // Some four images in each.
        let number = ((images.len() as f64).sqrt() / 2.0).ceil() as usize;
        let mut members = vec![Vec::new(); number * number];
        let bucket = |part: f64| ((part * number as f64) as usize).min(number - 1);
        for (image, part) in images.iter().enumerate() {
            members[bucket(part[0]) * number + bucket(part[1])].push(image as u32);
        }
        let [[ax, az], [bx, bz]] = vectors;
        let area = (ax * bz - az * bx).abs();
        let height = area / ax.hypot(az).max(bx.hypot(bz)) / number as f64;
        Self { images, vectors, number, members, height }
    }

    /// Squared distance, mm², and code of the `k` images nearest to a place in the cell, nearest first.
    fn nearest(&self, at: Part, k: usize, found: &mut Vec<(f64, u32)>) {
        let number = self.number as isize;
        let home = at.map(|part| ((part * self.number as f64) as isize).min(number - 1));
        found.clear();
        // What is one whole cell away or less is one translation away or less.
        for ring in 0..=number {
            // All that is not yet seen is at least so far away.
            let seen = (ring - 1).max(0) as f64 * self.height;
            if found.len() >= k && found[k - 1].0 < seen * seen {
                break;
            }
            for i in -ring..=ring {
                let step = if i.abs() == ring { 1 } else { (2 * ring).max(1) };
                let mut j = -ring;
                while j <= ring {
                    self.look([home[0] + i, home[1] + j], at, found);
                    j += step;
                }
            }
            found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            found.truncate(k);
        }
    }

    /// Adds the images of a bucket, which may be one of a cell beside.
    fn look(&self, bucket: [isize; 2], at: Part, found: &mut Vec<(f64, u32)>) {
        let number = self.number as isize;
        let cell = bucket.map(|at| at.div_euclid(number));
        let [i, j] = bucket.map(|at| at.rem_euclid(number) as usize);
        let translation = ((cell[0] + 1) * 3 + cell[1] + 1) as u32;
        for &image in &self.members[i * self.number + j] {
            let part = self.images[image as usize];
            let away = [0, 1].map(|k| part[k] + cell[k] as f64 - at[k]);
            let mm = |k: usize| away[0] * self.vectors[0][k] + away[1] * self.vectors[1][k];
            found.push((mm(0).powi(2) + mm(1).powi(2), 9 * image + translation));
        }
    }
}
