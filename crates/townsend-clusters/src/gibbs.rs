//! Gibbs sampling of the ancestors of the electrons of one avalanche from their posterior.
//!
//! A sweep draws, each given everything else,
//!
//! - the centre of every electron;
//! - level by level from the last to the first: the number of centres (with the shares and the centres
//!   without children integrated out), the shares, and for every centre with electrons its parent (with the
//!   centre's own place integrated out) and its place;
//! - the root;
//! - the places of centres without electrons, given those of their parents.
//!
//! Each step leaves the posterior unchanged, and therefore the whole sweep does.

use nalgebra::{Matrix3, Vector3};
use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma};
use townsend_core::{Stream, ln_gamma};

use crate::leaves::Leaves;
use crate::model::{Normal, Ready, standard};
use crate::samples::Sample;

/// Largest number of centres of a level in a state. Chosen, not fitted: with more of them each has so few
/// electrons that the distribution of the electrons no longer changes. It bounds memory and time.
const MOST_CENTRES: usize = 20_000;
/// Numbers of centres whose ln P is lower than that of the most probable one by more than this are not
/// considered. Chosen, not fitted: they would be drawn about once in e²⁵ ≈ 10¹¹ times.
const NEGLIGIBLE: f64 = 25.0;

/// The centres of a level.
#[derive(Debug, Clone, Default)]
pub(crate) struct Centres {
    pub(crate) at: Vec<Vector3<f64>>,
    share: Vec<f64>,
    pub(crate) parent: Vec<u32>,
    /// Number of children, which are centres of the next level or electrons.
    pub(crate) children: Vec<u32>,
    /// True if the centre has descendants that are electrons.
    pub(crate) alive: Vec<bool>,
}

impl Centres {
    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    fn resize(&mut self, len: usize) {
        self.at.resize(len, Vector3::zeros());
        self.share.resize(len, 0.0);
        self.parent.resize(len, 0);
        self.children.resize(len, 0);
        self.alive.resize(len, false);
    }

    /// Draws the number of a centre by the shares.
    fn any(&self, random: &mut impl Rng) -> u32 {
        pick(&self.share, random)
    }
}

/// Draws an index with a probability proportional to its weight.
fn pick(weights: &[f64], random: &mut impl Rng) -> u32 {
    let mut left = random.random::<f64>() * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    found.unwrap_or(weights.len() - 1) as u32
}

/// Memory of one sweep, reused for the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    leaves: Leaves,
    weights: Vec<f64>,
    kept: Vec<u32>,
    sums: Vec<(Vector3<f64>, u32)>,
}

/// The sums over an avalanche that the maximisation needs: for each level, and then for the electrons, Σ d dᵀ
/// over the displacements d from the parents, and the number of displacements.
pub(crate) type Moments = Vec<(Matrix3<f64>, f64)>;

/// One avalanche and the current draw of its ancestors.
#[derive(Debug, Clone)]
pub(crate) struct GibbsState {
    pub(crate) electrons: Vec<[f32; 3]>,
    /// Number of electrons of the whole avalanche, of which `electrons` may be a part.
    pub(crate) size: f64,
    pub(crate) root: Vector3<f64>,
    pub(crate) levels: Vec<Centres>,
    /// For each electron the number of its centre in the last level.
    choice: Vec<u32>,
    random: Stream,
}

impl GibbsState {
    /// The state that training starts with: numbers of centres are drawn from the model, and each centre lies
    /// between the electrons' mean and an electron chosen at random.
    pub(crate) fn from_electrons(sample: &Sample, ready: &Ready, mut random: Stream) -> Self {
        let electrons = sample.electrons.clone();
        let place = |electron: [f32; 3]| Vector3::from(electron.map(f64::from));
        let root =
            electrons.iter().map(|&electron| place(electron)).sum::<Vector3<f64>>() / electrons.len() as f64;
        let mut levels = empty_levels(ready, sample.size as f64, &mut random);
        let depth = levels.len();
        for l in 0..depth {
            let shrink = ((l + 1) as f64 / (depth + 1) as f64).sqrt();
            let above = if l == 0 { 1 } else { levels[l - 1].len() };
            let centres = &mut levels[l];
            let equal = 1.0 / centres.len() as f64;
            for k in 0..centres.len() {
                let any = electrons[random.random_range(0..electrons.len())];
                centres.at[k] = root + (place(any) - root) * shrink;
                centres.share[k] = equal;
                centres.parent[k] = random.random_range(0..above) as u32;
            }
        }
        Self { choice: vec![0; electrons.len()], electrons, size: sample.size as f64, root, levels, random }
    }

    /// Draws ancestors from the model alone, independent of the electrons.
    pub(crate) fn from_prior(sample: &Sample, ready: &Ready, mut random: Stream) -> Self {
        let size = sample.size as f64;
        let root = ready.root.draw(&ready.mean, &mut random);
        let levels = empty_levels(ready, size, &mut random);
        let electrons = sample.electrons.clone();
        let mut state = Self { choice: vec![0; electrons.len()], electrons, size, root, levels, random };
        for l in 0..state.levels.len() {
            state.draw_shares(l, ready.levels[l].concentration);
            for k in 0..state.levels[l].len() {
                let parent = if l == 0 { 0 } else { state.levels[l - 1].any(&mut state.random) };
                state.levels[l].parent[k] = parent;
            }
        }
        state.place_dead(ready);
        if let Some(last) = state.levels.last() {
            for choice in &mut state.choice {
                *choice = last.any(&mut state.random);
            }
        }
        state
    }

    /// Draws all ancestors anew: one sweep.
    pub(crate) fn sweep(&mut self, ready: &Ready, scratch: &mut Scratch) {
        self.choose(ready, scratch);
        for l in (0..self.levels.len()).rev() {
            self.forget_childless(l, scratch);
            self.draw_number(l, ready, scratch);
            self.draw_shares(l, ready.levels[l].concentration);
            self.draw_parents_and_places(l, ready, scratch);
        }
        self.draw_root(ready);
        self.place_dead(ready);
    }

    /// Draws the centre of every electron.
    fn choose(&mut self, ready: &Ready, scratch: &mut Scratch) {
        let Some(last) = self.levels.last() else { return };
        let (normal, leaves) = (ready.electrons(), &mut scratch.leaves);
        leaves.set(normal, &self.root, last.at.iter().copied().zip(last.share.iter().copied()));
        for (choice, &electron) in self.choice.iter_mut().zip(&self.electrons) {
            *choice = leaves.choose(normal, &self.root, electron, &mut self.random);
        }
    }

    /// Removes the centres of a level that have no children, and marks those that have electrons among their
    /// descendants.
    fn forget_childless(&mut self, l: usize, scratch: &mut Scratch) {
        let (upper, lower) = self.levels.split_at_mut(l + 1);
        let centres = &mut upper[l];
        let (parents, alive) = match lower.first_mut() {
            Some(next) => (&mut next.parent, Some(&next.alive)),
            None => (&mut self.choice, None),
        };
        centres.children.fill(0);
        centres.alive.fill(false);
        for (child, &parent) in parents.iter().enumerate() {
            centres.children[parent as usize] += 1;
            centres.alive[parent as usize] |= alive.is_none_or(|alive| alive[child]);
        }
        let kept = &mut scratch.kept;
        kept.clear();
        let mut len = 0;
        for k in 0..centres.len() {
            kept.push(len as u32);
            if centres.children[k] > 0 {
                centres.at[len] = centres.at[k];
                centres.parent[len] = centres.parent[k];
                centres.children[len] = centres.children[k];
                centres.alive[len] = centres.alive[k];
                len += 1;
            }
        }
        centres.resize(len);
        for parent in parents {
            *parent = kept[*parent as usize];
        }
    }

    /// Draws the number m of centres of a level, given that K of them have children, n in all. With the
    /// shares integrated out, P(m) ∝ P(m | n) P(m′ | m) · m!/(m − K)! · Γ(am)/Γ(am + n), where a is the
    /// concentration and m′ the number of centres of the level above.
    fn draw_number(&mut self, l: usize, ready: &Ready, scratch: &mut Scratch) {
        let level = &ready.levels[l];
        let occupied = self.levels[l].len();
        let n = self.members(l);
        let prior_of = if l + 1 == self.levels.len() { self.size } else { n };
        let above = l.checked_sub(1).map(|above| (&ready.levels[above], self.levels[above].len() as f64));
        let ln_weight = |m: usize| {
            let (count, more) = (m as f64, (m - occupied + 1) as f64);
            let a = level.concentration * count;
            level.ln_probability(count, prior_of) + ln_gamma(count + 1.0) - ln_gamma(more) + ln_gamma(a)
                - ln_gamma(a + n)
                + above.map_or(0.0, |(level, centres)| level.ln_probability(centres, count))
        };
        let weights = &mut scratch.weights;
        weights.clear();
        let mut largest = f64::NEG_INFINITY;
        for m in occupied..=MOST_CENTRES.max(occupied) {
            let ln = ln_weight(m);
            weights.push(ln);
            largest = largest.max(ln);
            if ln < largest - NEGLIGIBLE {
                break;
            }
        }
        for weight in weights.iter_mut() {
            *weight = (*weight - largest).exp();
        }
        let number = occupied + pick(weights, &mut self.random) as usize;
        self.levels[l].resize(number);
    }

    /// Number of members of the level below: centres, or electrons below the last level.
    fn members(&self, l: usize) -> f64 {
        self.levels.get(l + 1).map_or(self.electrons.len(), Centres::len) as f64
    }

    /// Draws the shares of the centres of a level, given their numbers of children.
    fn draw_shares(&mut self, l: usize, concentration: f64) {
        let centres = &mut self.levels[l];
        let mut whole = 0.0;
        for (share, &children) in centres.share.iter_mut().zip(&centres.children) {
            let gamma = Gamma::new(concentration + f64::from(children), 1.0);
            *share = 1e-300 + gamma.map_or(0.0, |gamma| gamma.sample(&mut self.random));
            whole += *share;
        }
        centres.share.iter_mut().for_each(|share| *share /= whole);
    }

    /// Draws the parents of all centres of a level, and the places of those with electrons. For a centre with
    /// electrons its own place is integrated out when its parent is drawn.
    fn draw_parents_and_places(&mut self, l: usize, ready: &Ready, scratch: &mut Scratch) {
        self.sum_children(l, scratch);
        let (upper, lower) = self.levels.split_at_mut(l);
        let (above, centres) = (upper.last(), &mut lower[0]);
        let (own, below) = (&ready.spreads[l], &ready.spreads[l + 1]);
        for k in 0..centres.len() {
            let (sum, count) = scratch.sums[k];
            let Some(above) = above else {
                if count > 0 {
                    centres.at[k] = place(own, &self.root, below, &sum, count, &mut self.random);
                }
                continue;
            };
            let parent = if count > 0 {
                let covariance = own.covariance + below.covariance / f64::from(count);
                let mean = sum / f64::from(count);
                parent_weights(above, &covariance, &mean, &mut scratch.weights);
                pick(&scratch.weights, &mut self.random)
            } else {
                above.any(&mut self.random)
            };
            centres.parent[k] = parent;
            if count > 0 {
                let at = &above.at[parent as usize];
                centres.at[k] = place(own, at, below, &sum, count, &mut self.random);
            }
        }
    }

    /// For each centre of a level the sum of the places of those children that have electrons, and their
    /// number.
    fn sum_children(&self, l: usize, scratch: &mut Scratch) {
        let sums = &mut scratch.sums;
        sums.clear();
        sums.resize(self.levels[l].len(), (Vector3::zeros(), 0));
        let mut add = |parent: u32, at: Vector3<f64>| {
            let (sum, count) = &mut sums[parent as usize];
            *sum += at;
            *count += 1;
        };
        match self.levels.get(l + 1) {
            Some(next) => (0..next.len())
                .filter(|&child| next.alive[child])
                .for_each(|child| add(next.parent[child], next.at[child])),
            None => self
                .electrons
                .iter()
                .zip(&self.choice)
                .for_each(|(&at, &parent)| add(parent, Vector3::from(at.map(f64::from)))),
        }
    }

    /// Draws the place of the root.
    fn draw_root(&mut self, ready: &Ready) {
        let (mut sum, mut count) = (Vector3::zeros(), 0);
        let mut add = |at: Vector3<f64>| {
            sum += at;
            count += 1;
        };
        match self.levels.first() {
            Some(first) => {
                first.at.iter().zip(&first.alive).filter(|(_, alive)| **alive).for_each(|(&at, _)| add(at));
            }
            None => self.electrons.iter().for_each(|&at| add(Vector3::from(at.map(f64::from)))),
        }
        self.root = place(&ready.root, &ready.mean, &ready.spreads[0], &sum, count, &mut self.random);
    }

    /// Draws the places of centres without electrons, given those of their parents.
    fn place_dead(&mut self, ready: &Ready) {
        for l in 0..self.levels.len() {
            let (upper, lower) = self.levels.split_at_mut(l);
            let centres = &mut lower[0];
            for k in 0..centres.len() {
                if !centres.alive[k] {
                    let from = upper.last().map_or(&self.root, |above| &above.at[centres.parent[k] as usize]);
                    centres.at[k] = ready.spreads[l].draw(from, &mut self.random);
                }
            }
        }
    }

    /// Displacement of each electron from its centre.
    fn displacements(&self) -> impl Iterator<Item = Vector3<f64>> {
        let centre =
            |k: usize| self.levels.last().map_or(&self.root, |last| &last.at[self.choice[k] as usize]);
        self.electrons.iter().enumerate().map(move |(k, at)| Vector3::from(at.map(f64::from)) - centre(k))
    }

    /// ln of the density of the electrons given their centres.
    pub(crate) fn ln_density(&self, electrons: &Normal) -> f64 {
        self.displacements().map(|from| electrons.ln_density(&from)).sum()
    }

    /// The sums over the displacements ([`Moments`]); of the centres only those with electrons count.
    pub(crate) fn moments(&self) -> Moments {
        let mut moments = vec![(Matrix3::zeros(), 0.0); self.levels.len() + 1];
        for (l, centres) in self.levels.iter().enumerate() {
            for k in (0..centres.len()).filter(|&k| centres.alive[k]) {
                let above =
                    if l == 0 { &self.root } else { &self.levels[l - 1].at[centres.parent[k] as usize] };
                let d = centres.at[k] - above;
                moments[l].0 += d * d.transpose();
                moments[l].1 += 1.0;
            }
        }
        let (sum, count) = &mut moments[self.levels.len()];
        *count = self.electrons.len() as f64;
        self.displacements().for_each(|d| *sum += d * d.transpose());
        moments
    }
}

/// Levels with numbers of centres drawn from the model; everything else is still unset.
fn empty_levels(ready: &Ready, size: f64, random: &mut Stream) -> Vec<Centres> {
    let mut levels = vec![Centres::default(); ready.levels.len()];
    let mut children = size;
    for (level, centres) in ready.levels.iter().zip(&mut levels).rev() {
        let number = level.draw(children, random).min(MOST_CENTRES);
        centres.resize(number);
        children = number as f64;
    }
    levels
}

/// Weights proportional to share · density of `at` about each centre.
fn parent_weights(above: &Centres, covariance: &Matrix3<f64>, at: &Vector3<f64>, weights: &mut Vec<f64>) {
    weights.clear();
    // The sum of two covariances is always a covariance; this is for rounding.
    let Some(normal) = Normal::new(covariance) else { return weights.extend(&above.share) };
    let mut largest = f64::NEG_INFINITY;
    for (centre, share) in above.at.iter().zip(&above.share) {
        let ln = share.ln() + normal.ln_density(&(at - centre));
        weights.push(ln);
        largest = largest.max(ln);
    }
    for weight in weights {
        *weight = (*weight - largest).exp();
    }
}

/// Draws a place that is normal about `parent`, given the `sum` of `count` places that are normal about it:
/// normal with precision Λ = Σ⁻¹ + n Σ′⁻¹ and mean Λ⁻¹ (Σ⁻¹ parent + Σ′⁻¹ sum).
fn place(
    own: &Normal,
    parent: &Vector3<f64>,
    below: &Normal,
    sum: &Vector3<f64>,
    count: u32,
    random: &mut impl Rng,
) -> Vector3<f64> {
    let precision = own.inverse + below.inverse * f64::from(count);
    // The sum of two precisions is always positive definite; this is for rounding.
    let Some(cholesky) = precision.cholesky() else { return *parent };
    let mean = cholesky.solve(&(own.inverse * parent + below.inverse * sum));
    mean + cholesky.l().tr_solve_lower_triangular(&standard(random)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
