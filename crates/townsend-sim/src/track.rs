//! A charged track through the drift gap and the clusters of electrons that it frees.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use crate::SimError;
use crate::detector::within;

/// The `[track]` table: how a charged particle ionises the gas, and its direction.
///
/// The particle frees clusters of electrons at places independent of each other, so that their number along a
/// path is a Poisson number. The electrons of a cluster start at one point, and all clusters at time 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// Mean number of clusters per mm of path.
    pub clusters_per_mm: f64,
    /// Relative frequency of clusters of 1, 2, 3, … electrons.
    pub cluster_size: Vec<f64>,
    /// Tail of these frequencies: that of a larger cluster of n electrons is this value over n².
    pub cluster_tail: f64,
    /// Electrons in the largest cluster. The tail has to end somewhere, because its mean grows without limit.
    pub largest_cluster: u32,
    /// Angle between the track and the normal of the foils, degrees.
    #[serde(default)]
    pub inclination_deg: f64,
    /// Direction of the inclination, degrees: 0 is x (along E × B), 90 is z (along B). Seen from the first
    /// foil, the track comes from this direction.
    #[serde(default)]
    pub azimuth_deg: f64,
}

impl Track {
    pub(crate) fn check(&self) -> Result<(), SimError> {
        within("track.clusters_per_mm", self.clusters_per_mm, 0.001, 1_000.0)?;
        for (k, &frequency) in self.cluster_size.iter().enumerate() {
            within(&format!("track.cluster_size[{k}]"), frequency, 0.0, 1e6)?;
        }
        within("track.cluster_tail", self.cluster_tail, 0.0, 1e6)?;
        let listed = self.cluster_size.len().max(1) as f64;
        within("track.largest_cluster", self.largest_cluster.into(), listed, 100_000.0)?;
        within("the sum of track.cluster_size and the tail", self.frequencies().sum(), 1e-6, 1e12)?;
        within("track.inclination_deg", self.inclination_deg, 0.0, 89.0)?;
        within("track.azimuth_deg", self.azimuth_deg, -360.0, 360.0)
    }

    /// Relative frequencies of clusters of 1, 2, … electrons up to the largest.
    fn frequencies(&self) -> impl Iterator<Item = f64> {
        let tail = |n| self.cluster_tail / f64::from(n).powi(2);
        (1..=self.largest_cluster)
            .map(move |n| self.cluster_size.get(n as usize - 1).copied().unwrap_or_else(|| tail(n)))
    }
}

/// Electrons that a track frees at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// Height above the first foil, mm.
    pub height_mm: f64,
    /// Distance in x and z from where the track crosses the first foil, mm.
    pub offset_mm: [f32; 2],
    /// Number of electrons.
    pub electrons: u32,
}

/// A track through a gap, prepared for drawing its clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Ionisation {
    gap_mm: f64,
    /// Mean difference in height between neighbouring clusters, mm.
    spacing_mm: f64,
    /// Shift in x and z per unit of height.
    slope: [f64; 2],
    /// P(cluster has at most n electrons), for n from 1.
    cumulative: Vec<f64>,
}

impl Ionisation {
    /// A track through a gap of the height `gap_mm`, mm.
    pub fn new(track: &Track, gap_mm: f64) -> Self {
        let (inclination, azimuth) = (track.inclination_deg.to_radians(), track.azimuth_deg.to_radians());
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = track
            .frequencies()
            .map(|frequency| {
                sum += frequency;
                sum
            })
            .collect();
        for value in &mut cumulative {
            *value /= sum;
        }
        Self {
            gap_mm,
            spacing_mm: inclination.cos() / track.clusters_per_mm,
            slope: [azimuth.cos(), azimuth.sin()].map(|part| inclination.tan() * part),
            cumulative,
        }
    }

    /// Mean number of clusters in the gap.
    pub fn mean_clusters(&self) -> f64 {
        self.gap_mm / self.spacing_mm
    }

    /// Mean number of electrons of a cluster: the sum over n of P(electrons > n).
    pub fn mean_cluster_size(&self) -> f64 {
        1.0 + self.cumulative.iter().map(|c| 1.0 - c).sum::<f64>()
    }

    /// Draws the clusters of one track, from the first foil upwards. The distances between neighbours are
    /// exponential.
    pub fn clusters<'a>(&'a self, random: &'a mut impl Rng) -> impl Iterator<Item = Cluster> + 'a {
        self.clusters_below(self.gap_mm, random)
    }

    /// The same up to the height `end_mm`, mm, instead of that of the gap.
    pub fn clusters_below<'a>(
        &'a self,
        end_mm: f64,
        random: &'a mut impl Rng,
    ) -> impl Iterator<Item = Cluster> + 'a {
        let mut height = 0.0;
        std::iter::from_fn(move || {
            let step: f64 = Exp1.sample(random);
            height += step * self.spacing_mm;
            (height < end_mm).then(|| {
                let u: f64 = random.random();
                Cluster {
                    height_mm: height,
                    offset_mm: self.slope.map(|slope| (slope * height) as f32),
                    electrons: 1 + self.cumulative.partition_point(|&c| c <= u) as u32,
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, stream};

    use super::*;
    use crate::Detector;

    fn track() -> Track {
        Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap().track.unwrap()
    }

    fn draw(ionisation: &Ionisation, tracks: u64) -> Vec<Vec<Cluster>> {
        (0..tracks)
            .map(|index| ionisation.clusters(&mut stream(1, Purpose::new("test"), index)).collect())
            .collect()
    }

    fn mean_and_variance(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let n = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / n;
        (mean, values.map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }

    /// Poisson's law: mean and variance are equal, λ. The sample variance of n tracks has the variance (2 +
    /// 1/λ) λ²/n.
    #[test]
    fn the_number_of_clusters_follows_poisson() {
        let (n, lambda) = (50_000u32, 19.5);
        let ionisation = Ionisation::new(&Track { clusters_per_mm: 3.9, ..track() }, 5.0);
        assert!((ionisation.mean_clusters() - lambda).abs() < 1e-9);
        let tracks = draw(&ionisation, n.into());
        let (mean, variance) = mean_and_variance(tracks.iter().map(|clusters| clusters.len() as f64));
        assert!((mean - lambda).abs() < 4.5 * (lambda / f64::from(n)).sqrt(), "{mean}");
        let error = lambda * ((2.0 + 1.0 / lambda) / f64::from(n)).sqrt();
        assert!((variance - lambda).abs() < 4.5 * error, "{variance}");
        // Heights are uniform: largest difference of their distribution from a straight line (Kolmogorov).
        let mut depths: Vec<f64> = tracks.iter().flatten().map(|cluster| cluster.height_mm / 5.0).collect();
        depths.sort_by(f64::total_cmp);
        let n = depths.len() as f64;
        let distance = depths.iter().enumerate().map(|(i, d)| (d - i as f64 / n).abs()).fold(0.0, f64::max);
        assert!(distance * n.sqrt() < 2.2, "{distance}");
    }

    /// The default track in 5 mm: about 55 electrons. The large variance of the number is computed from its
    /// distribution.
    #[test]
    fn a_default_track_frees_55_electrons() {
        let (n, track) = (50_000, track());
        let ionisation = Ionisation::new(&track, 5.0);
        let expected = ionisation.mean_clusters() * ionisation.mean_cluster_size();
        assert!((expected - 55.0).abs() < 1.0, "{expected}");
        let sum: f64 = track.frequencies().sum();
        let square: f64 = track.frequencies().zip(1u32..).map(|(f, k)| f / sum * f64::from(k).powi(2)).sum();
        let tracks = draw(&ionisation, n);
        let electrons =
            |clusters: &Vec<Cluster>| clusters.iter().map(|c| f64::from(c.electrons)).sum::<f64>();
        let (mean, _) = mean_and_variance(tracks.iter().map(electrons));
        let error = (ionisation.mean_clusters() * square / n as f64).sqrt();
        assert!((mean - expected).abs() < 4.5 * error, "{mean} instead of {expected}");
        let clusters = tracks.iter().map(Vec::len).sum::<usize>() as f64;
        let singles = tracks.iter().flatten().filter(|c| c.electrons == 1).count() as f64;
        let probability = 65.6 / sum;
        assert!((singles / clusters - probability).abs() < 4.5 * (0.25 / clusters).sqrt());
        assert!(tracks.iter().flatten().all(|c| (1..=track.largest_cluster).contains(&c.electrons)));
    }

    #[test]
    fn an_inclined_track_is_longer_and_leans() {
        let leaning = Track { inclination_deg: 60.0, azimuth_deg: 90.0, ..track() };
        let ionisation = Ionisation::new(&leaning, 5.0);
        let straight = Ionisation::new(&track(), 5.0);
        assert!((ionisation.mean_clusters() / straight.mean_clusters() - 2.0).abs() < 1e-9);
        for cluster in draw(&ionisation, 100).iter().flatten() {
            let [x, z] = cluster.offset_mm.map(f64::from);
            assert!(x.abs() < 1e-6 && (z - 3f64.sqrt() * cluster.height_mm).abs() < 1e-5);
        }
        for cluster in draw(&straight, 10).iter().flatten() {
            assert!(cluster.offset_mm.iter().all(|part| part.abs() < 1e-9));
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        let whole = track();
        for (track, said) in [
            (
                Track { clusters_per_mm: 0.0, ..whole.clone() },
                "track.clusters_per_mm is 0, but must be from 0.001 to 1000",
            ),
            (Track { cluster_size: vec![0.5, f64::NAN], ..whole.clone() }, "track.cluster_size[1] is NaN"),
            (Track { cluster_tail: -1.0, ..whole.clone() }, "track.cluster_tail is -1"),
            (
                Track { largest_cluster: 18, ..whole.clone() },
                "track.largest_cluster is 18, but must be from 19 to",
            ),
            (
                Track { cluster_size: vec![], cluster_tail: 0.0, ..whole.clone() },
                "the sum of track.cluster_size",
            ),
            (
                Track { inclination_deg: 90.0, ..whole.clone() },
                "track.inclination_deg is 90, but must be from 0 to 89",
            ),
            (Track { azimuth_deg: f64::INFINITY, ..whole }, "track.azimuth_deg is inf"),
        ] {
            let error = track.check().unwrap_err().to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
