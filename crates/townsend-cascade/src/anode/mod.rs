//! The fit of a cascade to avalanches at the anode alone, as electrons or as histograms of them.

mod features;
mod moments;
mod parameters;
mod search;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use townsend_core::{Dataset, Meta, Part};
use townsend_observables::text::significant;
use townsend_observables::{ObservableOptions, Observables};
use townsend_sim::{Detector, Foil, Polya};

use crate::stages::StageFit;
use crate::{CascadeConfig, CascadeError, Guess, Result, Work};
use features::{Features, LEAST_ELECTRONS, Order, large};
pub use parameters::{Estimate, Own, Width};
use parameters::{Parameters, default_widths, widths_of};
use search::{Found, Search};

/// Fewest avalanches whose shape counts to fit to.
const FEWEST: usize = 200;
/// A kind of parameter is as guessed if the data leave more than this part of its error.
const AS_GUESSED: f64 = 0.9;
/// Largest fraction of the electrons outside the grid.
const MOST_OUTSIDE: f64 = 0.5;
/// χ² a degree of freedom above which the data are not what such a detector makes.
const POOR: f64 = 1.5;

/// The `[fit]` table: how a detector is fitted to avalanches.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitConfig {
    /// Avalanches simulated at each step, half of them with the same parameters and half to learn what
    /// parameters change.
    pub avalanches: usize,
    /// Steps. The result is the mean over the second half of them.
    pub steps: usize,
    /// Avalanches simulated at each of the first steps, which lead from the guess to where the data are.
    pub approach: usize,
    /// How widely the parameters of simulated avalanches scatter at most, in units of what is believed of
    /// them. The wider, the better derivatives are known, as long as features change linearly; where much is
    /// believed, they do over more.
    pub scatter: f64,
    /// Seed of the simulations.
    pub seed: u64,
    /// What is believed of the parameters before; by default the errors of the run that the fit starts from.
    pub widths: BTreeMap<String, Width>,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { avalanches: 20_000, steps: 8, approach: 4_000, scatter: 2.0, seed: 1, widths: BTreeMap::new() }
    }
}

/// What the stages were fitted to, and how well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnodeFit {
    /// Avalanches that it was fitted to.
    pub avalanches: usize,
    /// Those with electrons enough for their shape to count.
    pub large: usize,
    /// χ² of the means of all features of an avalanche.
    pub chi_square: f64,
    /// Number of features less that of the directions.
    pub degrees_of_freedom: usize,
    /// Combinations of parameters that the data tell.
    pub directions: usize,
    /// Kinds of parameters that the data tell little of: they are as they were guessed.
    pub as_guessed: Vec<String>,
    /// The parameters.
    pub parameters: Vec<Estimate>,
}

impl FitConfig {
    /// With what is believed of the parameters that it does not name: as well as the stages that the detector
    /// comes from tell them, or what is believed of a guess.
    pub(super) fn resolved(mut self, stages: Option<(&Detector, &[StageFit])>) -> Result<Self> {
        let mut believed = default_widths();
        believed.extend(stages.map(|(detector, stages)| widths_of(detector, stages)).unwrap_or_default());
        for (name, width) in believed {
            self.widths.entry(name).or_insert(width);
        }
        self.check()?;
        Ok(self)
    }

    /// Refuses values that cannot be.
    pub(super) fn check(&self) -> Result<()> {
        let least = |key: &str, value: usize, least: usize| {
            let what = format!("fit.{key} is {value}, but must be at least {least}");
            if value < least { Err(CascadeError::Config(what)) } else { Ok(()) }
        };
        least("avalanches", self.avalanches, 400)?;
        least("approach", self.approach, 400)?;
        least("steps", self.steps, 2)?;
        if !(0.1..=100.0).contains(&self.scatter) {
            return Err(CascadeError::Config(format!(
                "fit.scatter is {}, but must be from 0.1 to 100",
                self.scatter
            )));
        }
        Ok(())
    }
}

/// A cascade fitted to avalanches.
#[derive(Debug)]
pub struct FittedAvalanches {
    /// The detector with the parameters found.
    pub detector: Detector,
    /// How well.
    pub fit: AnodeFit,
    /// The configuration, every default written out.
    pub config: CascadeConfig,
    /// What a user should know of the data.
    pub warnings: Vec<String>,
}

/// Fits the free parameters of a detector to those of the avalanches in `data` that are not held back.
///
/// # Errors
/// The configuration has a value that cannot be; the avalanches are too few, not in mm and ns, or mostly
/// outside their grid; the work was asked to stop.
pub fn fit_avalanches(
    config: &CascadeConfig,
    guess: Guess,
    data: &Dataset,
    work: Work<'_>,
) -> Result<FittedAvalanches> {
    config.check()?;
    let Guess { mut detector, stages, guessed } = guess;
    let stages = stages.as_ref().map(|fit| (&detector, &fit.stages[..]));
    let settings = config.fit.clone().unwrap_or_default().resolved(stages)?;
    let parts = config.data.unwrap_or_default();
    let wrong = |what: String| CascadeError::Avalanches(what);
    if data.meta().units != Meta::default().units {
        let units = data.meta().units.join(", ");
        return Err(wrong(format!("the units are {units}; a detector is described in mm, mm and ns")));
    }
    let training = data.select(&config.split()?.indices(Part::Training, data.len()));
    let observed = Observables::of(&training, &ObservableOptions::default(), work.progress)?;
    let large = enough(&observed)?;
    let features = Features::of(&observed);
    if guessed {
        scale_gain(&mut detector, observed.electrons as f64 / observed.avalanches as f64);
    }
    let parameters = Parameters::new(detector.clone(), &settings.widths)?;
    let search = Search {
        parameters: &parameters,
        features: &features,
        observed: &observed,
        grid: data.grid(),
        config: &settings,
        work,
        simulated: 0,
    };
    let found = { search }.run()?;
    let covariance = found.information.covariance();
    let degrees_of_freedom = features.len(Order::Second) - found.information.told();
    let fit = AnodeFit {
        avalanches: training.len(),
        large,
        chi_square: found.chi_square,
        degrees_of_freedom,
        directions: found.information.told(),
        as_guessed: parameters.untold(&covariance, AS_GUESSED).into_iter().map(String::from).collect(),
        parameters: parameters.estimates(&found.standard, &covariance),
    };
    Ok(FittedAvalanches {
        detector: parameters.detector(&found.standard),
        fit,
        warnings: poor(&found, &features, degrees_of_freedom).into_iter().collect(),
        config: CascadeConfig { data: Some(parts), fit: Some(settings), ..config.clone() },
    })
}

/// The number of avalanches whose shape counts; an error if it or their part on the grid is too small to fit
/// to.
fn enough(observed: &Observables) -> Result<usize> {
    let large = large(observed).into_iter().filter(|&large| large).count();
    if large < FEWEST {
        return Err(CascadeError::Avalanches(format!(
            "{large} avalanches of {LEAST_ELECTRONS} electrons or more are not enough to fit to; {FEWEST} are wanted"
        )));
    }
    let outside = observed.fraction_outside();
    if outside > MOST_OUTSIDE {
        let percent = significant(100.0 * outside, 2);
        return Err(CascadeError::Avalanches(format!("{percent}% of the electrons lie outside the grid")));
    }
    Ok(large)
}

/// Scales the gains of all foils so that avalanches have about the mean size of the data: orders of magnitude
/// are beyond a search.
fn scale_gain(detector: &mut Detector, size: f64) {
    let of_foil = |foil: &Foil| foil.gain * foil.extraction * foil.collection;
    let expected: f64 = detector.foils.iter().map(of_foil).product();
    let factor = (size / expected).powf(1.0 / detector.foils.len() as f64);
    if factor.is_normal() {
        detector.foils.iter_mut().for_each(|foil| foil.gain = (factor * foil.gain).min(Polya::MAXIMUM_MEAN));
    }
}

/// A warning if the data are not what such a detector makes.
fn poor(found: &Found, features: &Features, degrees_of_freedom: usize) -> Option<String> {
    let chi_square = found.chi_square / degrees_of_freedom as f64;
    let largest = found.pulls.iamax();
    (chi_square > POOR).then(|| {
        format!(
            "the avalanches are not quite what such a detector makes: χ² is {} a degree of freedom; what differs most is the {}, by {} errors",
            significant(chi_square, 3),
            features.name(largest),
            significant(found.pulls[largest].abs(), 2),
        )
    })
}
