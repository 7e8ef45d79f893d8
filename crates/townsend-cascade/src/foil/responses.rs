//! Recorded responses of a foil.

use std::collections::BTreeMap;

use townsend_core::{ElectronBuffer, Purpose, stream};
use townsend_sim::{
    Direction, Drift, Foil, FoilStage, Lattice, ResponseTable, SimError, Stage, StageWorkspace, within,
};

use crate::CascadeError;

/// Responses of one foil, as a microscopic simulation records them: electrons that start above the foil one
/// by one, and the children of each at a plane below.
#[derive(Debug, Clone, PartialEq)]
pub struct Responses {
    pub(super) starts: Vec<[f64; 2]>,
    offsets: Vec<usize>,
    pub(super) children: Vec<[f64; 3]>,
}

impl Responses {
    /// Largest distance of an electron from the origin along x or z, µm, and longest time, ns: a metre and a
    /// millisecond, far beyond any detector. A larger value is a mistake, such as another unit.
    const FARTHEST: f64 = 1e6;

    /// Takes the starts (x, z) in µm, with a hole at the origin, and the children (x, z, t) in µm and ns
    /// after the start: those of start i are `offsets[i]..offsets[i + 1]`.
    ///
    /// # Errors
    /// If the offsets do not begin with 0, decrease or do not end with the number of children, or if a
    /// coordinate is not a number or beyond 10⁶.
    pub fn new(
        starts: Vec<[f64; 2]>,
        offsets: Vec<usize>,
        children: Vec<[f64; 3]>,
    ) -> Result<Self, CascadeError> {
        let fits = offsets.len() == starts.len() + 1
            && offsets[0] == 0
            && offsets[starts.len()] == children.len()
            && offsets.is_sorted();
        if !fits {
            return Err(CascadeError::Foil {
                what: format!(
                    "{} offsets do not part {} children among {} starts",
                    offsets.len(),
                    children.len(),
                    starts.len()
                ),
                remedy: "give for each start where its children begin, from 0, and at last the number of children",
            });
        }
        for value in starts.as_flattened().iter().chain(children.as_flattened()) {
            within("a coordinate of a response", *value, -Self::FARTHEST, Self::FARTHEST)
                .map_err(CascadeError::Value)?;
        }
        Ok(Self { starts, offsets, children })
    }

    /// Adds the responses of another record of the same foil.
    pub(crate) fn append(&mut self, more: &Self) {
        let before = self.children.len();
        self.starts.extend(&more.starts);
        self.offsets.extend(more.offsets.iter().skip(1).map(|end| before + end));
        self.children.extend(&more.children);
    }

    /// Simulated responses of `foil` to `times` electrons from each of the same starts, without drift in a
    /// gap, so that they can be compared with these.
    #[must_use]
    pub fn again(
        &self,
        foil: &Foil,
        (lattice, direction): (Lattice, Direction),
        times: usize,
        seed: u64,
    ) -> Self {
        const PURPOSE: Purpose = Purpose::new("responses");
        let stage = FoilStage::new(lattice, foil, &Drift { direction, ..Drift::default() });
        let (mut starts, mut offsets, mut all) = (Vec::new(), vec![0], Vec::new());
        let (mut parent, mut children) = (ElectronBuffer::default(), ElectronBuffer::default());
        let mut workspace = StageWorkspace::default();
        for (index, &start) in self.starts.iter().enumerate() {
            let mut random = stream(seed, PURPOSE, index as u64);
            for _ in 0..times {
                parent.clear();
                children.clear();
                let [x, z] = start.map(|um| (um / 1000.0) as f32);
                parent.push(x, z, 0.0);
                stage.respond(&parent, &mut children, &mut workspace, &mut random);
                starts.push(start);
                let um = |mm: f32| 1000.0 * f64::from(mm);
                all.extend(
                    (0..children.len()).map(|i| [um(children.x[i]), um(children.z[i]), children.t[i].into()]),
                );
                offsets.push(all.len());
            }
        }
        Self { starts, offsets, children: all }
    }

    /// The number of children of each start.
    pub fn numbers(&self) -> Vec<f64> {
        self.offsets.windows(2).map(|range| (range[1] - range[0]) as f64).collect()
    }

    /// The distance along x of each child from the axis of the hole nearest to its start, µm.
    pub fn distances(&self, lattice: Lattice) -> Vec<f64> {
        self.about_holes(lattice, [0.0; 2]).flat_map(|(_, children)| children).map(|child| child[0]).collect()
    }

    /// The time of each child after the start of its parent, ns.
    pub fn times(&self) -> Vec<f64> {
        self.children.iter().map(|child| child[2]).collect()
    }

    /// Mean displacement of children from the start of their parent, the same weight for each family, and its
    /// standard error, µm; 0 without children.
    pub(crate) fn mean_shift(&self) -> [[f64; 2]; 2] {
        let (mut sums, mut squares, mut families) = ([0.0; 2], [0.0; 2], 0.0);
        for (start, range) in self.starts.iter().zip(self.offsets.windows(2)) {
            let children = &self.children[range[0]..range[1]];
            if !children.is_empty() {
                families += 1.0;
                for k in 0..2 {
                    let mean = children.iter().map(|child| child[k]).sum::<f64>() / children.len() as f64;
                    sums[k] += mean - start[k];
                    squares[k] += (mean - start[k]).powi(2);
                }
            }
        }
        if families == 0.0 {
            return [[0.0; 2]; 2];
        }
        let mean = sums.map(|sum| sum / families);
        let error = |k: usize| ((squares[k] / families - mean[k] * mean[k]).max(0.0) / families).sqrt();
        [mean, [error(0), error(1)]]
    }

    /// The responses in the form that a stage draws them from.
    pub(crate) fn table(&self) -> Result<ResponseTable, SimError> {
        ResponseTable::new(&self.starts, &self.offsets, &self.children)
    }

    /// The arrays of an npz that has these responses by this name, as [`crate::read_responses`] reads them:
    /// name, number of columns, and values row by row.
    pub(crate) fn arrays(&self, name: &str) -> [(String, usize, Vec<f64>); 2] {
        let numbered = self.starts.iter().enumerate();
        let starts = numbered.flat_map(|(number, &[x, z])| [number as f64, x, z]).collect();
        let families = self.offsets.windows(2).enumerate();
        let electrons = families.flat_map(|(number, range)| {
            let row = move |&[x, z, t]: &[f64; 3]| [number as f64, 0.0, 0.0, 0.0, x, z, 0.0, t];
            self.children[range[0]..range[1]].iter().flat_map(row)
        });
        [(format!("{name}_start"), 3, starts), (format!("{name}_electrons"), 8, electrons.collect())]
    }

    /// Every start, relative to the hole nearest to it shifted by `shift` (µm), with its children relative to
    /// that hole.
    pub(super) fn about_holes(
        &self,
        lattice: Lattice,
        shift: [f64; 2],
    ) -> impl Iterator<Item = ([f64; 2], Vec<[f64; 3]>)> + '_ {
        self.starts.iter().zip(self.offsets.windows(2)).map(move |(&[x, z], range)| {
            let (hole_x, hole_z) =
                lattice.nearest(((x + shift[0]) / 1000.0) as f32, ((z + shift[1]) / 1000.0) as f32);
            let (hole_x, hole_z) = (1000.0 * f64::from(hole_x), 1000.0 * f64::from(hole_z));
            let children = &self.children[range[0]..range[1]];
            let children = children.iter().map(|&[x, z, t]| [x - hole_x, z - hole_z, t]).collect();
            ([x - hole_x, z - hole_z], children)
        })
    }
}

/// Responses and the conditions under which they were recorded, such as a voltage.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<'a> {
    /// The responses.
    pub responses: &'a Responses,
    /// The value of each condition by its name; empty if the foil is to depend on none.
    pub conditions: BTreeMap<String, f64>,
}

/// Responses whose conditions are given as differences from those of the first responses, in units of the
/// range that was recorded.
pub(super) struct Scaled<'a> {
    pub(super) responses: &'a Responses,
    pub(super) conditions: Vec<f64>,
}

/// The range of a condition: its value for the first responses, the least and the largest.
pub(super) struct Range<'a> {
    pub(super) name: &'a str,
    pub(super) first: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The range of each condition, and the responses with their conditions scaled to these ranges.
pub(super) fn scale<'a>(
    recorded: &'a [Recorded<'a>],
) -> Result<(Vec<Range<'a>>, Vec<Scaled<'a>>), CascadeError> {
    let Some(first) = recorded.first() else {
        return Err(CascadeError::Foil { what: "there are no responses".into(), remedy: "record some" });
    };
    if let Some(set) = recorded.iter().find(|set| !set.conditions.keys().eq(first.conditions.keys())) {
        let names =
            |set: &Recorded<'_>| set.conditions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(CascadeError::Foil {
            what: format!("responses have the conditions ({}) and ({})", names(first), names(set)),
            remedy: "give all responses of a foil the same conditions",
        });
    }
    let ranges: Result<Vec<_>, _> =
        first.conditions.iter().map(|(name, &value)| range(recorded, name, value)).collect();
    let ranges = ranges?;
    let fraction = |set: &Recorded<'_>, range: &Range<'_>| {
        (set.conditions[range.name] - range.first) / (range.high - range.low)
    };
    let scaled = recorded.iter().map(|set| Scaled {
        responses: set.responses,
        conditions: ranges.iter().map(|range| fraction(set, range)).collect(),
    });
    let scaled = scaled.collect();
    Ok((ranges, scaled))
}

/// The range of the condition `name`, which is `first` for the first responses.
fn range<'a>(recorded: &[Recorded<'_>], name: &'a str, first: f64) -> Result<Range<'a>, CascadeError> {
    let mut range = Range { name, first, low: first, high: first };
    for set in recorded {
        let value = set.conditions[name];
        within(name, value, -1e12, 1e12).map_err(CascadeError::Value)?;
        range = Range { low: range.low.min(value), high: range.high.max(value), ..range };
    }
    if range.high <= range.low {
        return Err(CascadeError::Foil {
            what: format!("all responses have {name} = {first}, which tells nothing of how it matters"),
            remedy: "leave it out, or record responses at another value",
        });
    }
    Ok(range)
}
