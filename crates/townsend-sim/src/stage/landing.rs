//! Where the families of electrons are that arrive evenly over the cells of a foil's holes.

use townsend_core::ElectronBuffer;

use super::{Family, FoilStage, Places};
use crate::detector::Arrangement;

/// The law of where, and when, the children of an electron are on average, for electrons that arrive evenly
/// over the cells of the holes: behind a gap in which they spread by more than a third of the pitch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Landing {
    /// The part of the electrons that are collected.
    pub collected: f64,
    /// Mean of how far the common place of the children is from the electron, x and z in mm, and how much
    /// later their common time, ns.
    pub mean: [f64; 3],
    /// Covariance of these.
    pub covariance: [[f64; 3]; 3],
    /// The part of the families that is late in addition, by an exponential delay of this mean, ns.
    pub late: [f64; 2],
}

/// Places along each lattice vector of a cell, and random numbers for the choice of the hole at each of them.
/// Chosen, not fitted.
const PLACES: usize = 24;
const DRAWS: usize = 16;

impl FoilStage {
    /// The law for electrons that arrive evenly over the cells, by a sum over places in a cell and holes.
    pub fn landing(&self) -> Landing {
        let mut electrons = ElectronBuffer::default();
        let mut draws = Vec::new();
        let middle = |k: usize, of: usize| (k as f64 + 0.5) / of as f64;
        for k in 0..PLACES * PLACES * DRAWS {
            let at = [k / DRAWS % PLACES, k / DRAWS / PLACES].map(|k| middle(k, PLACES) as f32);
            let (x, z) = self.lattice.place_in_cell(at[0], at[1]);
            electrons.push(x, z, 0.0);
            draws.push(middle(k % DRAWS, DRAWS));
        }
        let mut places = Places::default();
        self.place(&electrons, &mut places);
        places.draws = draws;
        let mut families: Vec<Family> =
            (0..electrons.len()).map(|_| Family { len: 1, mean: [0.0; 3] }).collect();
        self.move_to_holes(&mut places, &mut families);
        let moved = |i: usize| {
            let [x, z, t] = families[i].mean;
            [x - electrons.x[i], z - electrons.z[i], t].map(f64::from)
        };
        let weight: f64 = places.collected.iter().sum();
        let (mut mean, mut covariance) = ([0.0; 3], [[0.0; 3]; 3]);
        for i in 0..electrons.len() {
            let by = moved(i);
            (0..3).for_each(|k| mean[k] += places.collected[i] / weight * by[k]);
        }
        for i in 0..electrons.len() {
            let by = moved(i);
            for (k, row) in covariance.iter_mut().enumerate() {
                for (l, sum) in row.iter_mut().enumerate() {
                    *sum += places.collected[i] / weight * (by[k] - mean[k]) * (by[l] - mean[l]);
                }
            }
        }
        for (k, common) in [self.common_mm, self.common_mm, self.common_time_ns].into_iter().enumerate() {
            covariance[k][k] += f64::from(common).powi(2);
        }
        Landing {
            collected: weight / electrons.len() as f64,
            mean,
            covariance,
            late: [self.late.fraction, self.late.delay_ns],
        }
    }

    /// By how much of its mean the density of electrons over the cells of this foil varies at most, if they
    /// are spread about one point by a normal distribution of this width, mm: the first Fourier components of
    /// the lattice, exp(−G²σ²/2) each, with G = 4π/(√3 p) or 2π/p for a pitch p. Zero where there is no
    /// lattice.
    pub fn unevenness(&self, sigma_mm: f64) -> f64 {
        let pitch = f64::from(self.lattice.pitch_mm());
        let (vectors, wave) = match self.lattice.arrangement() {
            Arrangement::Hexagonal => (6.0, 4.0 * std::f64::consts::PI / (3f64.sqrt() * pitch)),
            Arrangement::Square => (4.0, 2.0 * std::f64::consts::PI / pitch),
            Arrangement::None => return 0.0,
        };
        vectors * (-0.5 * (wave * sigma_mm).powi(2)).exp()
    }
}

#[cfg(test)]
mod tests {
    use townsend_core::{Purpose, fill_normal, stream};

    use super::*;
    use crate::{Detector, StageWorkspace};

    /// The law against families of electrons that are spread by 150 µm about one point, wherever it is.
    #[test]
    fn families_of_spread_electrons_land_as_told() {
        let detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
        let stage = FoilStage::of(&detector, 2).unwrap().unwrap();
        let law = stage.landing();
        assert!(stage.unevenness(0.15) < 1e-12 && stage.unevenness(0.02) > 1.0);
        for (number, from) in [[0.0f32, 0.0], [0.07, 0.0]].into_iter().enumerate() {
            let mut random = stream(1, Purpose::new("test"), number as u64);
            let n = 200_000;
            let mut normal = vec![0f32; 2 * n];
            fill_normal(&mut random, &mut normal);
            let mut electrons = ElectronBuffer::default();
            for [x, z] in normal.as_chunks::<2>().0 {
                electrons.push(from[0] + 0.15 * x, from[1] + 0.15 * z, 0.0);
            }
            let mut families = ElectronBuffer::default();
            stage.places(&electrons, &mut families, &mut StageWorkspace::default(), &mut random);
            let kept = families.len() as f64;
            assert!((kept / n as f64 / law.collected - 1.0).abs() < 0.01, "{kept} {}", law.collected);
            let columns = [&families.x, &families.z, &families.t];
            let expected = [f64::from(from[0]) + law.mean[0], f64::from(from[1]) + law.mean[1], law.mean[2]];
            for k in 0..3 {
                let values = || columns[k].iter().map(|&value| f64::from(value));
                let mean = values().sum::<f64>() / kept;
                assert!((mean - expected[k]).abs() < [0.002, 0.002, 0.02][k], "{k}: {mean} {}", expected[k]);
                let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / kept;
                let own = if k == 2 { 0.0 } else { 0.15f64.powi(2) };
                let told = own + law.covariance[k][k];
                assert!((variance / told - 1.0).abs() < 0.02, "{k}: {variance} {told}");
            }
        }
    }
}
