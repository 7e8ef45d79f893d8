//! Hits of a layer, followed to its anode.

use rand::RngExt;
use rand_distr::{Distribution, Gamma};
use townsend_core::{ElectronBuffer, Stream};
use townsend_sim::{Drift, Stage, StageWorkspace, displaced};

use crate::digit::Told;
use crate::digitiser::Digitiser;
use crate::geometry::Place;
use crate::primaries::{Hit, Ionise};

/// Families, or electrons, at the anode of a layer.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub(crate) x: Vec<f64>,
    pub(crate) z: Vec<f64>,
    pub(crate) t: Vec<f64>,
    pub(crate) weight: Vec<f32>,
    /// Place in the list of hits.
    pub(crate) hit: Vec<u32>,
    pub(crate) sheet: Vec<u32>,
}

impl Digitiser {
    /// Electrons in the drift gap whose avalanches are in memory at a time.
    const TOGETHER: usize = 256;

    /// Follows the electrons of a hit to the anode, or to the families of the last foil.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    pub(crate) fn arrive(
        &self,
        place: &Place,
        number: u32,
        hit: &Hit,
        one_by_one: bool,
        arrived: &mut Arrived,
        told: &mut Told,
        random: &mut Stream,
    ) {
        let mut points = Vec::new();
        self.ioniser.free(hit, &mut points, random);
        let no_length = self.ioniser.ionise == Ionise::Clusters && hit.length_mm() <= 0.0;
        told.hits_without_length += u64::from(no_length);
        for points in points.chunks(Self::TOGETHER) {
            let mut now = ElectronBuffer::default();
            self.drift(place, points, &mut now, told, random);
            self.multiply(place, number, hit.time_ns, one_by_one, now, arrived, told, random);
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

    /// Follows electrons above the first foil to the anode, or to the families of the last foil.
    #[allow(clippy::too_many_arguments, reason = "each is a part of the event in hand")]
    fn multiply(
        &self,
        place: &Place,
        number: u32,
        time_ns: f64,
        one_by_one: bool,
        mut now: ElectronBuffer,
        arrived: &mut Arrived,
        told: &mut Told,
        random: &mut Stream,
    ) {
        let (mut next, mut workspace) = (ElectronBuffer::default(), StageWorkspace::default());
        for (stage, &stretch) in self.upper.iter().zip(&place.stretch) {
            next.clear();
            stage.respond(&now, &mut next, &mut workspace, random);
            next.x.iter_mut().for_each(|x| *x *= stretch);
            std::mem::swap(&mut now, &mut next);
        }
        next.clear();
        if one_by_one {
            self.last.respond(&now, &mut next, &mut workspace, random);
        } else {
            self.last.places(&now, &mut next, &mut workspace, random);
        }
        let stretch = f64::from(place.stretch.last().copied().unwrap_or(1.0));
        let [mean, theta] = self.last.spread().number;
        // A mean of 0 has no gamma distribution, and no electrons.
        let gamma = Gamma::new(1.0 + theta, mean.max(1e-12) / (1.0 + theta)).ok();
        for i in 0..next.len() {
            let weight = match &gamma {
                Some(gamma) if !one_by_one => gamma.sample(random) as f32,
                _ => 1.0,
            };
            told.electrons += f64::from(weight);
            let (x, z) = (place.turned(f64::from(next.x[i]) * stretch), f64::from(next.z[i]));
            let sheet = place.sheet(x, z);
            let view = &place.sheets[sheet].1[0];
            let on = (0.0..f64::from(view.strips)).contains(&view.at(x, z));
            if !(place.z_mm[0]..=place.z_mm[1]).contains(&z) || !on {
                told.beside += f64::from(weight);
                continue;
            }
            arrived.x.push(x);
            arrived.z.push(z);
            arrived.t.push(time_ns + f64::from(next.t[i]));
            arrived.weight.push(weight);
            arrived.hit.push(number);
            arrived.sheet.push(sheet as u32);
        }
    }
}
