//! Hits of a layer, followed to its anode.

use rand::RngExt;
use rand_distr::{Distribution, Gamma};
use townsend_core::{ElectronBuffer, Stream};
use townsend_sim::{Drift, Stage, StageWorkspace, displaced};

use crate::digit::Told;
use crate::digitiser::Digitiser;
use crate::geometry::{MOST_VIEWS, Place};
use crate::primaries::{Hit, Ionise};
use crate::tables::Cloud;

/// What arrives at the anode of a layer.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Electrons, where they are counted one by one.
    pub(crate) electrons: Arrived,
    /// Families of the last foil, with the mean number of each.
    pub(crate) families: Arrived,
    /// What families of the foil before the last one become, with the mean number of families of the last
    /// foil of each.
    pub(crate) clouds: Arrived,
}

/// Mean places and times at the anode.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    /// Across the strips of the views of its sheet, in pitches, as far as it has so many; of pads their
    /// columns and rows.
    pub(crate) across: Vec<[f64; MOST_VIEWS]>,
    pub(crate) t: Vec<f64>,
    pub(crate) weight: Vec<f32>,
    /// Place in the list of hits.
    pub(crate) hit: Vec<u32>,
    /// The same for all hits that are next to the one before.
    pub(crate) group: Vec<u32>,
    pub(crate) sheet: Vec<u32>,
}

impl Arrived {
    /// The numbers of those that end on a sheet and in time.
    pub(crate) fn on(&self, sheet: usize) -> Vec<usize> {
        (0..self.t.len()).filter(|&i| self.sheet[i] as usize == sheet && self.weight[i] > 0.0).collect()
    }

    /// The least and the largest place across the strips of each view.
    pub(crate) fn ends(&self, numbers: &[usize]) -> Option<[[f64; 2]; MOST_VIEWS]> {
        let first = self.across[*numbers.first()?];
        let mut ends = first.map(|at| [at, at]);
        for &i in numbers {
            for ([low, high], &at) in ends.iter_mut().zip(&self.across[i]) {
                *low = if at < *low { at } else { *low };
                *high = if at > *high { at } else { *high };
            }
        }
        Some(ends)
    }
}

/// A hit on its way to the anode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnItsWay<'a> {
    pub(crate) place: &'a Place,
    /// Place in the list of hits.
    pub(crate) number: u32,
    /// [`Arrived::group`].
    pub(crate) group: u32,
    pub(crate) hit: &'a Hit,
    pub(crate) one_by_one: bool,
}

impl Digitiser {
    /// Electrons in the drift gap whose avalanches are in memory at a time.
    const TOGETHER: usize = 256;

    /// Follows the electrons of a hit to the anode, or to the families of the last foils.
    pub(crate) fn arrive(
        &self,
        on_its_way: OnItsWay<'_>,
        arrived: &mut Arrivals,
        told: &mut Told,
        random: &mut Stream,
    ) {
        let OnItsWay { place, hit, .. } = on_its_way;
        let mut points = Vec::new();
        self.ioniser.free(hit, &mut points, random);
        let no_length = self.ioniser.ionise == Ionise::Clusters && hit.length_mm() <= 0.0;
        told.hits_without_length += u64::from(no_length);
        for points in points.chunks(Self::TOGETHER) {
            let mut now = ElectronBuffer::default();
            self.drift(place, points, &mut now, told, random);
            self.multiply(on_its_way, now, arrived, told, random);
        }
    }

    /// Follows electrons to the first foil.
    fn drift(
        &self,
        place: &Place,
        points: &[[f64; 3]],
        now: &mut ElectronBuffer,
        told: &mut Told,
        random: &mut Stream,
    ) {
        for point in points {
            let [x, z, height] = place.local(*point);
            if !place.holds(height) {
                told.primaries_outside += 1;
                continue;
            }
            told.primaries += 1;
            let drift = Drift::over(height.max(0.0), &self.drift, self.direction);
            if drift.survival < 1.0 && random.random::<f64>() >= drift.survival {
                continue;
            }
            let [x, z, t] = displaced([x as f32, z as f32, 0.0], &drift, random);
            now.push(x, z, t);
        }
    }

    /// Where electrons of this place above the first foil end on average, on the anode.
    fn below(&self, place: &Place, [mut x, mut z]: [f64; 2]) -> [f64; 2] {
        for (mean, &stretch) in self.moved.iter().zip(&place.stretch) {
            (x, z) = ((x + mean[0]) * f64::from(stretch), z + mean[1]);
        }
        [place.turned(x), z]
    }

    /// Where electrons that are freed at a point in space in the drift gap of a layer end on average, x and z
    /// on its anode, mm: with the shift by a magnetic field in all gaps and foils.
    pub fn expected_end(&self, place: &Place, point: [f64; 3]) -> [f64; 2] {
        let [x, z, height] = place.local(point);
        let shift = Drift::over(height.max(0.0), &self.drift, self.direction).shift_mm;
        let [along_x, along_z] = self.direction.vector();
        self.below(place, [x + shift * along_x, z + shift * along_z])
    }

    /// Whether what becomes of electrons above the first foil ends on strips for certain, and far from where
    /// one sheet ends and the next begins.
    fn far_from_edges(&self, place: &Place, electrons: &ElectronBuffer) -> bool {
        (0..electrons.len()).all(|i| {
            let [x, z] = self.below(place, [electrons.x[i], electrons.z[i]].map(f64::from));
            let view = &place.sheets[place.sheet(x, z)].1[0];
            let inside =
                |at: f64, [low, high]: [f64; 2]| (low + self.far_mm..=high - self.far_mm).contains(&at);
            let strips = f64::from(view.strips) * view.pitch_mm;
            inside(view.at(x, z) * view.pitch_mm, [0.0, strips]) && inside(z, place.z_mm)
        })
    }

    /// Follows electrons above the first foil to the anode, or to the families of the last foil, or to those
    /// of the foil before it where the children of these spread evenly over holes and end on strips.
    fn multiply(
        &self,
        on_its_way: OnItsWay<'_>,
        mut now: ElectronBuffer,
        arrived: &mut Arrivals,
        told: &mut Told,
        random: &mut Stream,
    ) {
        let OnItsWay { place, one_by_one, .. } = on_its_way;
        let cloud = self.cloud.as_ref().filter(|_| !one_by_one && self.far_from_edges(place, &now));
        let (mut next, mut workspace) = (ElectronBuffer::default(), StageWorkspace::default());
        let whole = self.upper.len() - usize::from(cloud.is_some());
        for (stage, &stretch) in self.upper[..whole].iter().zip(&place.stretch) {
            next.clear();
            stage.respond(&now, &mut next, &mut workspace, random);
            next.x.iter_mut().for_each(|x| *x *= stretch);
            std::mem::swap(&mut now, &mut next);
        }
        next.clear();
        let number = match cloud {
            Some(Cloud { before, landing }) => {
                before.places(&now, &mut next, &mut workspace, random);
                let [x, z, t] = landing.mean.map(|mean| mean as f32);
                next.x.iter_mut().for_each(|at| *at = *at * place.stretch[whole] + x);
                next.z.iter_mut().for_each(|at| *at += z);
                next.t.iter_mut().for_each(|at| *at += t);
                let [mean, theta] = before.spread().number;
                Some([mean * landing.collected, theta])
            }
            None if one_by_one => {
                self.last.respond(&now, &mut next, &mut workspace, random);
                None
            }
            None => {
                self.last.places(&now, &mut next, &mut workspace, random);
                Some(self.last.spread().number)
            }
        };
        let (to, each) = match (cloud, number) {
            (Some(_), _) => (&mut arrived.clouds, self.last.spread().number[0]),
            (None, Some(_)) => (&mut arrived.families, 1.0),
            (None, None) => (&mut arrived.electrons, 1.0),
        };
        // A mean of 0 has no gamma distribution, and no electrons.
        let gamma =
            number.and_then(|[mean, theta]| Gamma::new(1.0 + theta, mean.max(1e-12) / (1.0 + theta)).ok());
        to.take(on_its_way, &next, each, told, || gamma.map_or(1.0, |gamma| gamma.sample(random) as f32));
    }
}

impl Arrived {
    /// Takes what arrives on strips. `each` is the mean number of electrons of a weight of 1.
    fn take(
        &mut self,
        OnItsWay { place, number, group, hit, .. }: OnItsWay<'_>,
        arriving: &ElectronBuffer,
        each: f64,
        told: &mut Told,
        mut weight: impl FnMut() -> f32,
    ) {
        let stretch = f64::from(place.stretch.last().copied().unwrap_or(1.0));
        for i in 0..arriving.len() {
            let weight = weight();
            told.electrons += each * f64::from(weight);
            let (x, z) = (place.turned(f64::from(arriving.x[i]) * stretch), f64::from(arriving.z[i]));
            let sheet = place.sheet(x, z);
            let views = &place.sheets[sheet].1;
            let across = std::array::from_fn(|view| views.get(view).map_or(0.0, |view| view.at(x, z)));
            let on_x = (0.0..f64::from(views[0].strips)).contains(&across[0]);
            if !(place.z_mm[0]..=place.z_mm[1]).contains(&z) || !on_x {
                told.beside += each * f64::from(weight);
                continue;
            }
            self.across.push(across);
            self.t.push(hit.time_ns + f64::from(arriving.t[i]));
            self.weight.push(weight);
            self.hit.push(number);
            self.group.push(group);
            self.sheet.push(sheet as u32);
        }
    }
}
