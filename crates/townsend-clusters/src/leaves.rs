//! The choice of the centre that an electron belongs to. It is the inner loop of training, written for arrays
//! of 16 so that the compiler makes vector instructions of it.

use nalgebra::Vector3;
use rand::{Rng, RngExt};
use townsend_kernels::exponential;

use crate::model::Normal;

const LANES: usize = 16;

/// 16 centres in coordinates in which an electron's distribution about its centre is standard normal, and the
/// logarithms of their shares.
#[derive(Debug, Clone)]
struct Block {
    at: [[f32; LANES]; 3],
    ln_share: [f32; LANES],
    /// Probability of each centre for the current electron, not normalised.
    weight: [f32; LANES],
}

/// The centres of the last level of one avalanche.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    blocks: Vec<Block>,
    len: usize,
}

/// Coordinates relative to `origin` in which `normal` is standard normal. They are clamped to 10¹⁵, so that
/// squares stay finite.
fn whiten(normal: &Normal, origin: &Vector3<f64>, at: &Vector3<f64>) -> [f32; 3] {
    let c = &normal.factor;
    let d = at - origin;
    let x = d.x / c.m11;
    let y = (d.y - c.m21 * x) / c.m22;
    let z = (d.z - c.m31 * x - c.m32 * y) / c.m33;
    [x, y, z].map(|value| value.clamp(-1e15, 1e15) as f32)
}

impl Leaves {
    /// Replaces the centres by these, each with its share.
    pub(crate) fn set(
        &mut self,
        normal: &Normal,
        origin: &Vector3<f64>,
        centres: impl ExactSizeIterator<Item = (Vector3<f64>, f64)>,
    ) {
        let none = Block { at: [[0.0; LANES]; 3], ln_share: [-1e30; LANES], weight: [0.0; LANES] };
        self.len = centres.len();
        self.blocks.clear();
        self.blocks.resize(self.len.div_ceil(LANES), none);
        for (place, (at, share)) in centres.enumerate() {
            let block = &mut self.blocks[place / LANES];
            let at = whiten(normal, origin, &at);
            (0..3).for_each(|k| block.at[k][place % LANES] = at[k]);
            block.ln_share[place % LANES] = (share.max(1e-30)).ln() as f32;
        }
    }

    /// Draws the centre of an electron, with a probability proportional to share · density.
    pub(crate) fn choose(
        &mut self,
        normal: &Normal,
        origin: &Vector3<f64>,
        electron: [f32; 3],
        random: &mut impl Rng,
    ) -> u32 {
        let electron = Vector3::from(electron.map(f64::from));
        let [x, y, z] = whiten(normal, origin, &electron);
        let mut largest = [f32::NEG_INFINITY; LANES];
        for block in &mut self.blocks {
            for (lane, largest) in largest.iter_mut().enumerate() {
                let (a, b, c) = (block.at[0][lane] - x, block.at[1][lane] - y, block.at[2][lane] - z);
                let ln = block.ln_share[lane] - 0.5 * (a * a + b * b + c * c);
                block.weight[lane] = ln;
                *largest = if ln > *largest { ln } else { *largest };
            }
        }
        let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let mut sums = [0.0; LANES];
        for block in &mut self.blocks {
            for (weight, sum) in block.weight.iter_mut().zip(&mut sums) {
                *weight = exponential(*weight - largest);
                *sum += *weight;
            }
        }
        self.pick(random.random::<f32>() * sums.iter().sum::<f32>())
    }

    /// The centre at which the cumulative sum of the weights exceeds `left`.
    fn pick(&self, mut left: f32) -> u32 {
        for (place, block) in self.blocks.iter().enumerate() {
            let sum: f32 = block.weight.iter().sum();
            // Rounding may leave a remainder after the last centre, which then is chosen.
            if left < sum || place + 1 == self.blocks.len() {
                let within = block.weight.iter().position(|weight| {
                    left -= weight;
                    left < 0.0
                });
                let found = place * LANES + within.unwrap_or(LANES - 1);
                return found.min(self.len - 1) as u32;
            }
            left -= sum;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Matrix3;
    use townsend_core::{Purpose, stream};

    use super::*;

    #[test]
    fn an_electron_chooses_in_proportion() {
        let covariance = Matrix3::new(0.5, 0.2, 0.1, 0.2, 0.4, -0.1, 0.1, -0.1, 60.0);
        let normal = Normal::new(&covariance).unwrap();
        let origin = Vector3::new(1.0, 0.0, 170.0);
        let centres: Vec<(Vector3<f64>, f64)> = (0..19)
            .map(|k| {
                let angle = f64::from(k);
                (Vector3::new(angle.sin(), angle.cos(), 170.0 + 9.0 * (2.0 * angle).sin()), 1.0 + angle)
            })
            .collect();
        let mut leaves = Leaves::default();
        leaves.set(&normal, &origin, centres.iter().copied());
        let electron = [0.5f32, 0.25, 165.0];
        let at = Vector3::from(electron.map(f64::from));
        let weights: Vec<f64> =
            centres.iter().map(|(centre, share)| share * normal.ln_density(&(at - centre)).exp()).collect();
        let whole: f64 = weights.iter().sum();
        let (mut counts, mut random, n) = (vec![0.0; 19], stream(1, Purpose::new("test"), 0), 100_000.0);
        for _ in 0..n as usize {
            counts[leaves.choose(&normal, &origin, electron, &mut random) as usize] += 1.0;
        }
        let chi_square: f64 = counts
            .iter()
            .zip(&weights)
            .map(|(count, weight)| (count - n * weight / whole).powi(2) / (n * weight / whole))
            .sum();
        assert!(chi_square < 18.0 + 5.0 * 6.0, "{chi_square}");
    }

    #[test]
    fn far_away_there_is_still_a_choice() {
        let normal = Normal::new(&Matrix3::identity()).unwrap();
        let mut leaves = Leaves::default();
        let origin = Vector3::zeros();
        leaves.set(&normal, &origin, [(origin, 0.5), (origin, 0.5)].into_iter());
        let mut random = stream(1, Purpose::new("test"), 0);
        for _ in 0..1000 {
            assert!(leaves.choose(&normal, &origin, [f32::MAX, 0.0, -f32::MAX], &mut random) < 2);
        }
    }
}
