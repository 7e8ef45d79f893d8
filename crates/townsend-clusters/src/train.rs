//! Training: stochastic approximation of expectation–maximisation (Delyon, Lavielle and Moulines, Ann. Stat.
//! 27, 94 (1999)).
//!
//! Each sweep draws the ancestors of all electrons from their posterior and then moves the parameters towards
//! the maximum of the joint likelihood of electrons and ancestors. In the first half of the sweeps parameters
//! move all the way; afterwards steps become smaller, so that the noise of the draws averages out.

use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::{
    Dataset, Purpose, SizeConfig, SizeForm, SizeModel, Work, digamma, minimise, stream, zero_crossing,
};

use crate::bound::bound;
use crate::gibbs::{GibbsState, Moments, Scratch};
use crate::model::{Level, MOST_LEVELS, Ready, matrix, rows};
use crate::samples::Sample;
use crate::start::start;
use crate::{ClusterError, ClusterModel};

const PURPOSE: Purpose = Purpose::new("cloud ancestors");
const BOUNDED: Purpose = Purpose::new("cloud bound electrons");
/// The form of the distribution of the number of electrons.
const SIZES: SizeConfig = SizeConfig { form: SizeForm::NegativeBinomialMixture, knots: 64 };
/// Sweeps before the parameters move at all, in which the ancestors leave the rough state they start in.
/// Chosen, not fitted.
const WARM: usize = 5;
/// Power of the number of the sweep by which steps decrease in the second half. Chosen, not fitted: it must
/// be above 1/2 and at most 1 for the averages to converge (Delyon et al.); a larger value averages over
/// fewer sweeps.
const DECREASE: f64 = 0.7;
/// Number of displacements with the start's covariance that each covariance counts besides those of the data.
/// Chosen, not fitted: it keeps covariances positive definite, and is negligible beside thousands of
/// electrons.
const PRIOR_COUNT: f64 = 2.0;
/// Number of avalanches that the bound is computed for, largest number of electrons of each, and steps of the
/// annealing.
const BOUND_AVALANCHES: usize = 24;
const BOUND_ELECTRONS: usize = 200;
const BOUND_STEPS: usize = 600;
/// Number of times the bound is computed in a training, besides after the first sweep.
const BOUNDS: usize = 2;

/// The settings of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterTraining {
    /// Levels of centres, 0 to 3.
    pub levels: usize,
    /// Number of sweeps over all electrons.
    pub sweeps: usize,
    /// About how many electrons to train on.
    pub electrons: usize,
    /// Largest number of electrons to use of one avalanche.
    pub most_electrons: usize,
    /// Seed of all random numbers.
    pub seed: u64,
}

impl Default for ClusterTraining {
    fn default() -> Self {
        Self { levels: 2, sweeps: 300, electrons: 1_000_000, most_electrons: 800, seed: 1 }
    }
}

impl ClusterTraining {
    /// Checks that every setting is within its limits.
    ///
    /// # Errors
    /// [`ClusterError::Range`] with the name of the setting.
    pub fn check(&self) -> Result<(), ClusterError> {
        let checks = [
            ("model.levels", self.levels, 0..=MOST_LEVELS, "from 0 to 3"),
            ("training.sweeps", self.sweeps, 10..=1_000_000, "from 10 to 1000000"),
            ("training.electrons", self.electrons, 1..=1_000_000_000, "from 1 to 1000000000"),
            ("training.most_electrons", self.most_electrons, 2..=1_000_000, "from 2 to 1000000"),
        ];
        for (key, value, range, allowed) in checks {
            if !range.contains(&value) {
                let (key, value) = (key.to_string(), value.to_string());
                return Err(ClusterError::Range { key, value, allowed });
            }
        }
        Ok(())
    }
}

/// The state of training after a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepMetrics {
    /// Number of the sweep, from 1.
    pub sweep: usize,
    /// Mean over electrons of ln p(x | z), the density of the electrons given the ancestors drawn, with
    /// coordinates in the units of the data.
    pub ln_density: f64,
    /// Mean over electrons of a lower bound on ln p(x | N), for a few avalanches; only after some sweeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Mean number of centres of each level, from the root down.
    pub centres: Vec<f64>,
    /// Standard deviations in x, z, t: of the centres of each level about their parents, then of electrons
    /// about their centres. Units are those of the data.
    pub spreads: Vec<[f64; 3]>,
    /// The parameter `concentration` of each level.
    pub concentrations: Vec<f64>,
    /// Standard deviations of the root in x, z, t, in the units of the data.
    pub root: [f64; 3],
}

/// A training in progress.
pub struct Trainer {
    options: ClusterTraining,
    /// The parameters that it started from.
    start: ClusterModel,
    model: ClusterModel,
    ready: Ready,
    states: Vec<GibbsState>,
    /// Avalanches, with few electrons, that the bound is computed for.
    bounded: Vec<Sample>,
    sweep: usize,
    averaged: Option<Averages>,
}

/// Sums over all avalanches, averaged over sweeps.
struct Averages {
    moments: Moments,
    root: (Vector3<f64>, Matrix3<f64>),
}

impl Trainer {
    /// Chooses what to train on among the avalanches with the numbers `indices`, learns the distribution of
    /// the number of electrons from all of these, and estimates the parameters to start from.
    ///
    /// # Errors
    /// If a setting is outside its limits, there are no electrons, a coordinate is missing or has no spread,
    /// or the work was asked to stop.
    pub fn new(
        data: &Dataset,
        indices: &[usize],
        options: ClusterTraining,
        work: Work<'_>,
    ) -> Result<Self, ClusterError> {
        options.check()?;
        let budget = [options.electrons, options.most_electrons];
        let samples = Sample::choose(data, indices, budget, options.seed)?;
        let sizes: Vec<u64> = indices.iter().map(|&index| data.electrons(index)).collect();
        let model = start(&samples, SizeModel::fit(&sizes, &SIZES)?, options.levels, options.seed, work)?;
        let ready = model.ready()?;
        let states = samples.iter().enumerate().map(|(index, sample)| {
            GibbsState::from_electrons(sample, &ready, stream(options.seed, PURPOSE, index as u64))
        });
        let states = states.collect();
        let mut random = stream(options.seed, BOUNDED, 0);
        let few = samples.iter().take(BOUND_AVALANCHES);
        let bounded = few.map(|sample| sample.thinned(BOUND_ELECTRONS, &mut random)).collect();
        Ok(Self { options, start: model.clone(), model, ready, states, bounded, sweep: 0, averaged: None })
    }

    /// The parameters after the sweeps so far.
    pub fn model(&self) -> &ClusterModel {
        &self.model
    }

    /// Number of avalanches, and number of their electrons, that are trained on.
    pub fn learns_from(&self) -> [usize; 2] {
        [self.states.len(), self.states.iter().map(|state| state.electrons.len()).sum()]
    }

    /// Makes one sweep and returns the state after it; none if all sweeps are done.
    ///
    /// # Errors
    /// If a parameter is no longer within its limits.
    pub fn step(&mut self) -> Result<Option<SweepMetrics>, ClusterError> {
        if self.sweep == self.options.sweeps {
            return Ok(None);
        }
        let ready = &self.ready;
        let sums = |scratch: &mut Scratch, state: &mut GibbsState| {
            state.sweep(ready, scratch);
            (state.moments(), state.ln_density(ready.electrons()))
        };
        // Sums are added in the order of the avalanches, so that the result does not depend on the threads.
        let of_states: Vec<(Moments, f64)> =
            self.states.par_iter_mut().map_init(Scratch::default, sums).collect();
        let ln_density = of_states.iter().map(|(_, ln)| ln).sum::<f64>() / self.learns_from()[1] as f64;
        let burn = self.options.sweeps / 2;
        let gain = if self.sweep < burn { 1.0 } else { ((self.sweep - burn + 1) as f64).powf(-DECREASE) };
        self.average(of_states.into_iter().map(|(moments, _)| moments), gain);
        if self.sweep >= WARM {
            self.maximise(gain);
        }
        let every = (self.options.sweeps / BOUNDS).max(1);
        let first = self.sweep == 0;
        self.sweep += 1;
        let bound = (first || self.sweep.is_multiple_of(every)).then(|| self.bound());
        self.ready = self.model.ready()?;
        Ok(Some(self.metrics(ln_density, bound)))
    }

    /// A lower bound on the mean of ln p(x | N) over the electrons of a few avalanches.
    fn bound(&self) -> f64 {
        bound(&self.ready, &self.bounded, BOUND_STEPS, self.options.seed)
    }

    fn metrics(&self, ln_density: f64, bound: Option<f64>) -> SweepMetrics {
        let deviations = |covariance: &[[f64; 3]; 3]| [0, 1, 2].map(|k| covariance[k][k].sqrt());
        let levels = &self.model.levels;
        let spreads = levels.iter().map(|level| &level.covariance).chain([&self.model.electrons.covariance]);
        let mean_number = |l: usize| {
            let all: usize = self.states.iter().map(|state| state.levels[l].len()).sum();
            all as f64 / self.states.len() as f64
        };
        SweepMetrics {
            sweep: self.sweep,
            ln_density,
            bound,
            centres: (0..levels.len()).map(mean_number).collect(),
            spreads: spreads.map(deviations).collect(),
            concentrations: levels.iter().map(|level| level.concentration).collect(),
            root: deviations(&self.model.root.covariance),
        }
    }

    fn average(&mut self, of_states: impl Iterator<Item = Moments>, gain: f64) {
        let mut moments = vec![(Matrix3::zeros(), 0.0); self.options.levels + 1];
        for of_state in of_states {
            for (sum, of) in moments.iter_mut().zip(of_state) {
                sum.0 += of.0;
                sum.1 += of.1;
            }
        }
        let origin = Vector3::from(self.start.root.mean);
        let mut root = (Vector3::zeros(), Matrix3::zeros());
        for state in &self.states {
            let d = state.root - origin;
            root.0 += d;
            root.1 += d * d.transpose();
        }
        match &mut self.averaged {
            None => self.averaged = Some(Averages { moments, root }),
            Some(averages) => {
                for (old, new) in averages.moments.iter_mut().zip(moments) {
                    old.0 += (new.0 - old.0) * gain;
                    old.1 += (new.1 - old.1) * gain;
                }
                averages.root.0 += (root.0 - averages.root.0) * gain;
                averages.root.1 += (root.1 - averages.root.1) * gain;
            }
        }
    }

    /// Moves the parameters to the most likely ones. Covariances follow from the averaged sums. The other
    /// parameters have no sums of fixed length to average, so their maximisers themselves are averaged.
    fn maximise(&mut self, gain: f64) {
        let Some(Averages { moments, root: (sum, squares) }) = &self.averaged else { return };
        let covariance = |start: &[[f64; 3]; 3], squares: &Matrix3<f64>, count: f64| {
            rows(&((squares + matrix(start) * PRIOR_COUNT) / (count + PRIOR_COUNT)))
        };
        let n = self.states.len() as f64;
        let mean = sum / n;
        let about_mean = squares - mean * mean.transpose() * n;
        self.model.root.mean = (Vector3::from(self.start.root.mean) + mean).into();
        self.model.root.covariance = covariance(&self.start.root.covariance, &about_mean, n);
        let (of_electrons, of_levels) = (&moments[self.options.levels], &moments[..self.options.levels]);
        self.model.electrons.covariance =
            covariance(&self.start.electrons.covariance, &of_electrons.0, of_electrons.1);
        for (l, (squares, count)) in of_levels.iter().enumerate() {
            let start = &self.start.levels[l];
            let level = &mut self.model.levels[l];
            level.covariance = covariance(&start.covariance, squares, *count);
            let families = Families::of(&self.states, l);
            let ratio = families.concentration() / level.concentration;
            level.concentration *= ratio.powf(gain);
            // This is the slowest step, and these parameters change slowly.
            if self.sweep < 20 || self.sweep.is_multiple_of(3) {
                families.numbers(level, start, gain);
            }
        }
    }
}

/// The families of one level in all states.
struct Families {
    /// How many centres have 0, 1, 2, … children.
    with_children: Vec<f64>,
    /// For each avalanche the number of centres, the number of their children, and the number that the number
    /// of centres depends on (electrons of the whole avalanche for the last level).
    numbers: Vec<[f64; 3]>,
}

impl Families {
    fn of(states: &[GibbsState], l: usize) -> Self {
        let (mut with_children, mut numbers) = (Vec::new(), Vec::with_capacity(states.len()));
        for state in states {
            for &children in &state.levels[l].children {
                let children = children as usize;
                with_children.resize(with_children.len().max(children + 1), 0.0);
                with_children[children] += 1.0;
            }
            let centres = state.levels[l].len() as f64;
            let next = state.levels.get(l + 1).map(|next| next.len() as f64);
            let electrons = state.electrons.len() as f64;
            numbers.push([centres, next.unwrap_or(electrons), next.unwrap_or(state.size)]);
        }
        Self { with_children, numbers }
    }

    /// The most likely parameter of the Dirichlet distribution of the shares, which are integrated out. The
    /// prior of its logarithm is 0 ± 1.5, chosen to be wide.
    fn concentration(&self) -> f64 {
        let slope = |ln: f64| {
            let a = ln.exp();
            let of_numbers: f64 = self
                .numbers
                .iter()
                .map(|&[centres, children, _]| {
                    centres * (digamma(a * centres) - digamma(a * centres + children))
                })
                .sum();
            let at_zero = digamma(a);
            let of_children: f64 = (self.with_children.iter().enumerate().skip(1))
                .filter(|(_, count)| **count > 0.0)
                .map(|(children, count)| count * (digamma(a + children as f64) - at_zero))
                .sum();
            a * (of_numbers + of_children) - ln / 2.25
        };
        zero_crossing(slope, [-4.0, 5.0]).exp()
    }

    /// Moves the parameters of the number of centres towards the most likely ones. Priors, chosen to be wide:
    /// the power is 1 ± 1, ln of the excess 0 ± 2, and ln of the number at the typical size that of the start
    /// ± 3.
    fn numbers(&self, level: &mut Level, start: &Level, gain: f64) {
        let with = |free: &[f64]| Level {
            ln_centres: free[0],
            power: free[1],
            excess: free[2].exp(),
            ..level.clone()
        };
        let typical = self.numbers.iter().map(|[_, _, n]| n.ln()).sum::<f64>() / self.numbers.len() as f64;
        let at_typical = |free: &[f64]| free[0] + free[1] * typical;
        let expected = at_typical(&[start.ln_centres, start.power]);
        let cost = |free: &[f64]| {
            if !(-6.0..=6.0).contains(&free[2]) || free[0].abs() > 90.0 || free[1].abs() > 9.0 {
                return f64::INFINITY;
            }
            let level = with(free);
            let ln: f64 = self.numbers.iter().map(|&[m, _, n]| level.ln_probability(m, n)).sum();
            0.5 * (free[1] - 1.0).powi(2)
                + 0.125 * free[2].powi(2)
                + (at_typical(free) - expected).powi(2) / 18.0
                - ln
        };
        let now = [level.ln_centres, level.power, level.excess.ln().clamp(-6.0, 6.0)];
        // The first simplex changes the number at the typical size by some 10%, in ln_centres and in the
        // power alike.
        if let Some((found, _)) = minimise(cost, &now, &[0.1, 0.02, 0.2], 1e-7) {
            let moved: [f64; 3] = std::array::from_fn(|k| now[k] + gain * (found[k] - now[k]));
            *level = with(&moved);
        }
    }
}

#[cfg(test)]
mod tests;
