//! Draws new avalanches from a model.

use std::ops::Range;

use nalgebra::Matrix3;
use rand::Rng;
use rand_distr::{Binomial, Distribution, Gamma};
use townsend_core::{ElectronBuffer, ElectronSet, Purpose, SizeModel, electron_blocks, fill_normal, stream};

use crate::model::Ready;
use crate::{ClusterError, ClusterModel};

/// Draws avalanches from a model.
#[derive(Debug, Clone)]
pub struct Sampler {
    sizes: SizeModel,
    ready: Ready,
}

/// Memory of one avalanche, reused for the next: an avalanche allocates only if it needs more than all before
/// it.
#[derive(Debug, Default)]
pub struct Workspace {
    centres: Vec<[f32; 3]>,
    next: Vec<[f32; 3]>,
    numbers: Vec<usize>,
    shares: Vec<f64>,
    families: Vec<usize>,
    normals: Vec<f32>,
    electrons: ElectronBuffer,
}

/// The lower triangle of the Cholesky factor of a covariance: xx, zx, zz, tx, tz, tt.
fn triangle(factor: &Matrix3<f64>) -> [f32; 6] {
    [factor.m11, factor.m21, factor.m22, factor.m31, factor.m32, factor.m33].map(|value| value as f32)
}

impl Sampler {
    const PURPOSE: Purpose = Purpose::new("cloud");
    /// Avalanches that one thread draws before it hands them on, and number of such blocks drawn in parallel.
    const BLOCK: u64 = 32;
    const BLOCKS_TOGETHER: u64 = 16;

    /// Checks a model and prepares it for drawing.
    ///
    /// # Errors
    /// If a parameter is outside its limits or a covariance is not positive definite.
    pub fn new(model: &ClusterModel) -> Result<Self, ClusterError> {
        Ok(Self { sizes: model.sizes.clone(), ready: model.ready()? })
    }

    /// The electrons of avalanche number `index`: a function of seed and index alone, in the units of the
    /// data.
    pub fn avalanche<'a>(&self, seed: u64, index: u64, workspace: &'a mut Workspace) -> &'a ElectronBuffer {
        let mut random = stream(seed, Self::PURPOSE, index);
        let electrons = self.sizes.sample(&mut random) as usize;
        workspace.electrons.resize(electrons);
        if electrons == 0 {
            return &workspace.electrons;
        }
        self.draw_numbers(electrons, &mut workspace.numbers, &mut random);
        let root = self.ready.root.draw(&self.ready.mean, &mut random);
        workspace.centres.clear();
        workspace.centres.push([0, 1, 2].map(|k| root[k] as f32));
        for l in 0..self.ready.levels.len() {
            let children = workspace.numbers[l];
            self.share_out(l, children, workspace, &mut random);
            self.place_centres(l, children, workspace, &mut random);
        }
        self.share_out(self.ready.levels.len(), electrons, workspace, &mut random);
        self.place_electrons(workspace, &mut random);
        if self.ready.levels.len() % 2 == 1 {
            // Each level swaps the two buffers; swapped back, they serve the same avalanche again without
            // allocation.
            std::mem::swap(&mut workspace.centres, &mut workspace.next);
        }
        &workspace.electrons
    }

    /// Draws the numbers of centres, listed from the root down.
    fn draw_numbers(&self, electrons: usize, numbers: &mut Vec<usize>, random: &mut impl Rng) {
        numbers.clear();
        let mut children = electrons;
        for level in self.ready.levels.iter().rev() {
            children = level.draw(children as f64, random);
            numbers.push(children);
        }
        numbers.reverse();
    }

    /// Draws how many of the `children` (centres of level l, or electrons) each centre above has: multinomial
    /// with Dirichlet distributed shares, drawn one centre after the other.
    fn share_out(&self, l: usize, children: usize, workspace: &mut Workspace, random: &mut impl Rng) {
        let Workspace { centres, shares, families, .. } = workspace;
        families.clear();
        let Some(above) = l.checked_sub(1).map(|above| &self.ready.levels[above]) else {
            families.push(children);
            return;
        };
        shares.clear();
        if let Ok(gamma) = Gamma::new(above.concentration, 1.0) {
            shares.extend(centres.iter().map(|_| gamma.sample(random)));
        }
        let mut rest: f64 = shares.iter().sum();
        let mut left = children as u64;
        for share in &shares[..centres.len() - 1] {
            // Rounding may leave less than the share.
            let part = if rest > 0.0 { (share / rest).min(1.0) } else { 0.0 };
            rest -= share;
            let family = match left {
                0 => 0,
                _ => Binomial::new(left, part).map_or(0, |binomial| binomial.sample(random)),
            };
            families.push(family as usize);
            left -= family;
        }
        families.push(left as usize);
    }

    /// Draws the places of a level's centres about those above.
    fn place_centres(&self, l: usize, children: usize, workspace: &mut Workspace, random: &mut impl Rng) {
        let Workspace { centres, next, families, normals, .. } = workspace;
        normals.resize(3 * children, 0.0);
        fill_normal(random, normals);
        let c = triangle(&self.ready.spreads[l].factor);
        next.clear();
        let mut normals = normals.as_chunks::<3>().0.iter();
        for (&[x, z, t], &family) in centres.iter().zip(&*families) {
            next.extend(normals.by_ref().take(family).map(|n| {
                [x + c[0] * n[0], z + c[1] * n[0] + c[2] * n[1], t + c[3] * n[0] + c[4] * n[1] + c[5] * n[2]]
            }));
        }
        std::mem::swap(centres, next);
    }

    /// Draws the places of the electrons about their centres.
    fn place_electrons(&self, workspace: &mut Workspace, random: &mut impl Rng) {
        let ElectronBuffer { x, z, t } = &mut workspace.electrons;
        for column in [&mut *x, &mut *z, &mut *t] {
            fill_normal(random, column);
        }
        let c = triangle(&self.ready.electrons().factor);
        let mut first = 0;
        for (&[cx, cz, ct], &family) in workspace.centres.iter().zip(&workspace.families) {
            let own = first..first + family;
            first += family;
            for ((x, z), t) in x[own.clone()].iter_mut().zip(&mut z[own.clone()]).zip(&mut t[own]) {
                let n = [*x, *z, *t];
                *x = cx + c[0] * n[0];
                *z = cz + c[1] * n[0] + c[2] * n[1];
                *t = ct + c[3] * n[0] + c[4] * n[1] + c[5] * n[2];
            }
        }
    }

    /// The avalanches with the numbers of `range`, in order and in blocks of a few, drawn by all threads.
    /// Each is the one that [`Sampler::avalanche`] gives.
    pub fn blocks(&self, seed: u64, range: Range<u64>) -> impl Iterator<Item = ElectronSet> {
        electron_blocks(range, Self::BLOCK, Self::BLOCKS_TOGETHER, move |workspace, index| {
            self.avalanche(seed, index, workspace)
        })
    }
}

#[cfg(test)]
mod tests;
