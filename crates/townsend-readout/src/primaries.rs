//! Electrons that hits free in a drift gap.

use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use townsend_core::Stream;
use townsend_sim::Ionisation;

/// How hits free electrons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ionise {
    /// Clusters along the way from entry to exit, by the detector's `[track]` table.
    #[default]
    Clusters,
    /// As many electrons as the deposit frees by W and Fano's factor, evenly along the way.
    Deposit,
    /// Each hit is one electron, at its entry.
    Electrons,
}

impl std::str::FromStr for Ionise {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "clusters" => Ok(Self::Clusters),
            "deposit" => Ok(Self::Deposit),
            "electrons" => Ok(Self::Electrons),
            _ => Err(format!("`{text}` is no kind of ionisation; there are clusters, deposit and electrons")),
        }
    }
}

/// A particle's way through a drift gap, or a step of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// What it is called in the output, such as its row in a file.
    pub number: u64,
    /// The particle's track, as the simulation numbers it.
    pub track: Option<u64>,
    /// The layer; `None` if it is that whose drift gap holds the middle.
    pub layer: Option<u32>,
    /// Where it begins, mm.
    pub entry_mm: [f64; 3],
    /// Where it ends, mm.
    pub exit_mm: [f64; 3],
    /// Energy left in the gas, keV.
    pub deposit_kev: f64,
    /// Time, ns.
    pub time_ns: f64,
}

impl Hit {
    /// A way without a deposit, at time 0, with number 0 and of no track.
    pub fn between(entry_mm: [f64; 3], exit_mm: [f64; 3]) -> Self {
        Self { number: 0, track: None, layer: None, entry_mm, exit_mm, deposit_kev: 0.0, time_ns: 0.0 }
    }

    /// A point of the way, `part` of it after the beginning.
    pub fn at(&self, part: f64) -> [f64; 3] {
        [0, 1, 2].map(|k| self.entry_mm[k] + part * (self.exit_mm[k] - self.entry_mm[k]))
    }

    /// Whether a hit begins farther from the end of this one than electrons spread on their way, so that what
    /// becomes of the two is not mixed.
    pub(crate) fn is_far_from(&self, next: &Self) -> bool {
        const FAR_MM: f64 = 3.0;
        let square: f64 = (0..3).map(|k| (next.entry_mm[k] - self.exit_mm[k]).powi(2)).sum();
        square > FAR_MM * FAR_MM
    }

    /// Its length, mm.
    pub fn length_mm(&self) -> f64 {
        (0..3).map(|k| (self.exit_mm[k] - self.entry_mm[k]).powi(2)).sum::<f64>().sqrt()
    }
}

/// What ionisation depends on.
#[derive(Debug, Clone)]
pub(crate) struct Ioniser {
    pub(crate) ionise: Ionise,
    pub(crate) clusters: Option<Ionisation>,
    pub(crate) w_ev: f64,
    pub(crate) fano: f64,
}

impl Ioniser {
    /// Puts the places of all electrons of a hit into `points`, mm.
    pub(crate) fn free(&self, hit: &Hit, points: &mut Vec<[f64; 3]>, random: &mut Stream) {
        points.clear();
        match (self.ionise, &self.clusters) {
            (Ionise::Electrons, _) => points.push(hit.entry_mm),
            (Ionise::Clusters, Some(clusters)) => {
                let length = hit.length_mm();
                for cluster in clusters.clusters_below(length, random) {
                    let at = hit.at(cluster.height_mm / length);
                    points.extend(std::iter::repeat_n(at, cluster.electrons as usize));
                }
            }
            _ => {
                let mean = 1000.0 * hit.deposit_kev / self.w_ev;
                let normal: f64 = StandardNormal.sample(random);
                let number = (mean + (self.fano * mean).sqrt() * normal).round().max(0.0) as u64;
                points.extend((0..number).map(|_| hit.at(random.random())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};
    use townsend_sim::Detector;

    use super::*;

    fn moments(ioniser: &Ioniser, hit: &Hit) -> [f64; 2] {
        let n = 4000u64;
        let mut points = Vec::new();
        let numbers = (0..n).map(|index| {
            ioniser.free(hit, &mut points, &mut stream(1, Purpose::new("test"), index));
            points.len() as f64
        });
        let (sum, square) = numbers.fold((0.0, 0.0), |(a, b), v| (a + v, b + v * v));
        let mean = sum / n as f64;
        [mean, square / n as f64 - mean * mean]
    }

    #[test]
    fn deposits_free_electrons_by_w_and_fano() {
        let ioniser = Ioniser { ionise: Ionise::Deposit, clusters: None, w_ev: 26.1, fano: 0.18 };
        let hit = Hit { deposit_kev: 5.9, ..Hit::between([0.0; 3], [0.0; 3]) };
        let [mean, variance] = moments(&ioniser, &hit);
        let expected = 5900.0 / 26.1;
        assert!((mean - expected).abs() < 0.5, "{mean}");
        // Whole numbers add 1/12.
        assert!((variance / (0.18 * expected + 1.0 / 12.0) - 1.0).abs() < 0.1, "{variance}");
    }

    #[test]
    fn clusters_are_along_the_way() {
        let detector = Detector::from_toml(Detector::shipped("cgem_it").unwrap()).unwrap();
        let clusters = detector.track.as_ref().map(|track| Ionisation::new(track, 1.0));
        let ioniser = Ioniser { ionise: Ionise::Clusters, clusters, w_ev: 26.1, fano: 0.18 };
        let hit = Hit::between([1.0, 0.0, 0.0], [1.0, 3.0, 4.0]);
        let size = ioniser.clusters.as_ref().unwrap().mean_cluster_size();
        let [mean, _] = moments(&ioniser, &hit);
        assert!((mean / (5.0 * 3.6 * size) - 1.0).abs() < 0.1, "{mean} {size}");
        let mut points = Vec::new();
        ioniser.free(&hit, &mut points, &mut stream(1, Purpose::new("test"), 0));
        assert!(points.iter().all(|p| (p[1] * 4.0 - p[2] * 3.0).abs() < 1e-9 && (0.0..3.0).contains(&p[1])));
        let none = Hit::between([1.0; 3], [1.0; 3]);
        ioniser.free(&none, &mut points, &mut stream(1, Purpose::new("test"), 0));
        assert!(points.is_empty());
    }
}
