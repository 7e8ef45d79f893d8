//! The search that leads from a guessed detector to one whose simulated avalanches are like the data.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;
use townsend_core::{Dataset, ElectronSet, Grid, Purpose, Silent, Task, Work, fill_normal, stream};
use townsend_observables::{ObservableOptions, Observables};
use townsend_sim::{Detector, Simulation, Start, Workspace};

use super::FitConfig;
use super::features::{Features, Order};
use super::moments::{Centre, Derivative, Information, Scatter, Target};
use super::parameters::Parameters;
use crate::Result;

/// Purpose of the random stream that the deviations of the parameters are drawn from.
const DEVIATIONS: Purpose = Purpose::new("fit deviations");
/// Avalanches simulated as one piece of work of a thread, which then computes their observables together.
/// Chosen, not fitted. A larger number leaves threads idle at the end of a step, a smaller one computes
/// observables of fewer avalanches at a time. Each block has its own seed for the random pairs of electrons
/// that the median pair distance is taken from, so another number changes results within their statistical
/// error.
const BLOCK: usize = 16;
/// Number of the first simulated avalanche, which chooses its random numbers. Avalanches that a user
/// simulates or generates count from 0, so with the same seed they never share random numbers with those of a
/// fit.
const FIRST: u64 = 1 << 48;
/// Largest number of first steps. Chosen, not fitted: they end as soon as a step is shorter than the scatter.
/// With a smaller number a bad guess may not reach the data; a larger one takes time where the data cannot be
/// reached anyway.
const APPROACHES: usize = 10;
/// Standard deviation of the parameters in the first steps, as a fraction of [`FitConfig::scatter`]. Chosen,
/// not fitted. A larger one averages the derivatives over detectors whose features no longer change linearly;
/// a smaller one makes them noisier and, with [`LONGEST`], the steps shorter.
const FIRST_SCATTER: f64 = 0.5;
/// Longest step, in units of the scatter. Chosen, not fitted: derivatives are averages over the scatter, so
/// they say nothing of parameters much farther away. A larger value risks steps beyond the data, a smaller
/// one needs more steps.
const LONGEST: f64 = 3.0;

/// A search for the parameters whose simulated avalanches have the mean features of the data.
pub(super) struct Search<'a> {
    /// Free parameters of the detector.
    pub(super) parameters: &'a Parameters,
    /// Features that avalanches are compared by.
    pub(super) features: &'a Features,
    /// Observables of the data.
    pub(super) observed: &'a Observables,
    /// Grid that the data are counted on; none if they are electrons.
    pub(super) grid: Option<&'a Grid>,
    pub(super) config: &'a FitConfig,
    pub(super) work: Work<'a>,
    /// Avalanches simulated so far.
    pub(super) simulated: u64,
}

/// Where a search ended.
pub(super) struct Found {
    /// Parameters found, as standard parameters ([`Parameters`]).
    pub(super) standard: DVector<f64>,
    /// Information of the data about the parameters at this place.
    pub(super) information: Information,
    /// χ² of the mean features of the data.
    pub(super) chi_square: f64,
    /// Mean features of the data less the simulated ones, in standard errors, in the order of the features.
    pub(super) pulls: DVector<f64>,
}

impl Search<'_> {
    /// Approaches the data by first steps, then takes the configured number of steps, and simulates once more
    /// at the mean of the parameters after the steps of the second half. Derivatives are averaged over all
    /// steps since the last one that was longer than the scatter.
    pub(super) fn run(&mut self) -> Result<Found> {
        let (mut here, mut scatter) = self.approach()?;
        let FitConfig { avalanches, steps, .. } = *self.config;
        let target = self.target(Order::Second);
        let progress = self.work.progress;
        let task = progress.task("fitting", ((steps + 1) * avalanches) as u64);
        let mut derivatives = Vec::new();
        let mut mean = DVector::zeros(here.len());
        let mut far = 0.0;
        for step in 0..steps {
            if far > 1.0 {
                derivatives.clear();
            }
            let centre = self.centre(&here, avalanches / 2, Order::Second, &*task)?;
            derivatives.push(self.derivative(&here, &scatter, avalanches / 2, Order::Second, &*task)?);
            let information = Information::at(&centre, &Derivative::mean(&derivatives), &target);
            let (there, errors) = information.most_probable(&here);
            (here, far) = scatter.limit(&here, &there, LONGEST);
            task.message(&format!("{} directions, step of {errors:.1} errors", information.told()));
            scatter = information.scatter(self.config.scatter);
            if step >= steps / 2 {
                mean += &here / (steps - steps / 2) as f64;
            }
        }
        let centre = self.centre(&mean, avalanches, Order::Second, &*task)?;
        let information = Information::at(&centre, &Derivative::mean(&derivatives), &target);
        Ok(Found {
            standard: mean,
            information,
            chi_square: centre.chi_square(&target),
            pulls: centre.pulls(&target) * centre.weight(&target).sqrt(),
        })
    }

    /// First steps, each with few avalanches and with features that keep changing with the parameters however
    /// far the detector is from the data. Gives the parameters reached and the scatter for the next step.
    fn approach(&mut self) -> Result<(DVector<f64>, Scatter)> {
        let avalanches = self.config.approach;
        let target = self.target(Order::First);
        let progress = self.work.progress;
        let task = progress.task("approaching", (APPROACHES * avalanches) as u64);
        let mut here = DVector::zeros(self.parameters.len());
        let wide = Scatter::even(here.len(), FIRST_SCATTER * self.config.scatter);
        let mut scatter = Scatter::even(here.len(), FIRST_SCATTER * self.config.scatter);
        for _ in 0..APPROACHES {
            let centre = self.centre(&here, avalanches / 2, Order::First, &*task)?;
            let derivative = self.derivative(&here, &wide, avalanches / 2, Order::First, &*task)?;
            let information = Information::at(&centre, &derivative, &target);
            let (there, errors) = information.most_probable(&here);
            let (there, far) = wide.limit(&here, &there, LONGEST);
            task.message(&format!("{} directions, step of {errors:.1} errors", information.told()));
            here = there;
            scatter = information.scatter(self.config.scatter);
            if far < 1.0 {
                break;
            }
        }
        Ok((here, scatter))
    }

    /// Mean features of the data.
    fn target(&self, order: Order) -> Target {
        Target::of(&self.features.rows(self.observed, order))
    }

    /// Simulates avalanches with these standard parameters: the mean and covariance of their features.
    fn centre(
        &mut self,
        here: &DVector<f64>,
        avalanches: usize,
        order: Order,
        task: &dyn Task,
    ) -> Result<Centre> {
        let detector = self.parameters.detector(here);
        let features = self.simulate(avalanches, order, task, |_| detector.clone())?;
        Ok(Centre::of(&features))
    }

    /// Simulates avalanches each with parameters of its own, which scatter about these standard parameters:
    /// the derivatives of the mean features.
    fn derivative(
        &mut self,
        here: &DVector<f64>,
        scatter: &Scatter,
        avalanches: usize,
        order: Order,
        task: &dyn Task,
    ) -> Result<Derivative> {
        let (seed, parameters) = (self.config.seed, self.parameters);
        let deviation = |avalanche: u64| {
            let mut normal = vec![0.0; parameters.len()];
            fill_normal(&mut stream(seed, DEVIATIONS, avalanche), &mut normal);
            &scatter.root * DVector::from_iterator(normal.len(), normal.into_iter().map(f64::from))
        };
        let first = FIRST + self.simulated;
        let detector = |avalanche| parameters.detector(&(here + deviation(avalanche)));
        let features = self.simulate(avalanches, order, task, detector)?;
        let mut deviations = DMatrix::zeros(avalanches, parameters.len());
        for (mut row, avalanche) in deviations.row_iter_mut().zip(first..) {
            row.copy_from(&deviation(avalanche).transpose());
        }
        Ok(Derivative::of(&features, &deviations, scatter))
    }

    /// Features of simulated avalanches, one row each. `detector` gives the detector for an avalanche's
    /// number.
    fn simulate(
        &mut self,
        avalanches: usize,
        order: Order,
        task: &dyn Task,
        detector: impl Fn(u64) -> Detector + Sync,
    ) -> Result<DMatrix<f64>> {
        let first = FIRST + self.simulated;
        self.simulated += avalanches as u64;
        let starts: Vec<usize> = (0..avalanches).step_by(BLOCK).collect();
        let search = &*self;
        let block = |workspace: &mut Workspace, &start: &usize| {
            search.work.go_on()?;
            let len = BLOCK.min(avalanches - start);
            let first = first + start as u64;
            let rows = search.block(first..first + len as u64, order, &detector, workspace)?;
            task.advance(len as u64);
            Ok(rows)
        };
        let blocks: Result<Vec<DMatrix<f64>>> =
            starts.par_iter().map_init(Workspace::default, block).collect();
        let mut rows = DMatrix::zeros(avalanches, self.features.len(order));
        for (block, start) in blocks?.iter().zip(starts) {
            rows.rows_mut(start, block.nrows()).copy_from(block);
        }
        Ok(rows)
    }

    /// Features of the simulated avalanches with these numbers.
    fn block(
        &self,
        numbers: std::ops::Range<u64>,
        order: Order,
        detector: &impl Fn(u64) -> Detector,
        workspace: &mut Workspace,
    ) -> Result<DMatrix<f64>> {
        let mut set = ElectronSet::default();
        let pairs = ObservableOptions { seed: numbers.start, ..ObservableOptions::default() };
        for number in numbers {
            let simulation = Simulation::new(&detector(number))?;
            let electrons = simulation.avalanche(self.config.seed, number, Start::Cell, workspace);
            set.push(&electrons.x, &electrons.z, &electrons.t);
        }
        let data = match self.grid {
            Some(grid) => Dataset::from(set.to_counts(grid)),
            None => Dataset::from(set),
        };
        Ok(self.features.rows(&Observables::of(&data, &pairs, &Silent)?, order))
    }
}
