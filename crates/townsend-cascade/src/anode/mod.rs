//! The fit of a cascade to avalanches at the anode alone, as electrons or as histograms of them.

mod features;
mod moments;
mod parameters;
mod search;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use townsend_core::{Dataset, Meta, Part, Work};
use townsend_observables::text::significant;
use townsend_observables::{ObservableOptions, Observables};
use townsend_sim::{Detector, Foil, Polya};

use crate::stages::{StageFit, refuse_recorded};
use crate::{CascadeConfig, CascadeError, Guess, Result};
use features::{Features, LEAST_ELECTRONS, Order, large};
pub use parameters::{Estimate, Own, Width};
use parameters::{Parameters, default_widths, widths_of};
use search::{Found, Search};

/// Fewest avalanches with at least [`LEAST_ELECTRONS`] electrons that a fit takes. Chosen, not fitted: the
/// mean of a feature over 200 avalanches is known to 7% (1/√200) of its spread. A larger number refuses data
/// that still carry information; with a smaller one the prior decides more and more of the result.
const FEWEST: usize = 200;
/// A kind of parameter is reported in [`AnodeFit::as_guessed`] if its standard error after the fit is more
/// than this fraction of the one before. Chosen, not fitted, and the fitted values do not depend on it:
/// nearer to 1 fewer kinds are reported, nearer to 0 more.
const AS_GUESSED: f64 = 0.9;
/// Largest fraction of the data's electrons that may lie outside the grid. Chosen, not fitted: from counts,
/// electrons outside enter the observables at the end of an axis, and where most electrons are outside, the
/// observables describe the grid rather than the avalanches. A smaller value refuses grids that only cut
/// tails, a larger one fits to such observables.
const MOST_OUTSIDE: f64 = 0.5;
/// χ² for each degree of freedom above which a warning says that no such detector makes these avalanches.
/// Chosen, not fitted: with some 50 degrees of freedom χ² of a true model scatters by √(2/50) = 0.2 for each,
/// so that a larger value is rare by chance alone. A smaller value warns of good fits, a larger one leaves
/// bad fits unmentioned; the fit is the same.
const POOR: f64 = 1.5;

/// The `[fit]` table: how a detector is fitted to avalanches.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitConfig {
    /// Avalanches simulated in each step: half of them with the parameters of the step, which give the mean
    /// features, and half with parameters that scatter about these, which give the derivatives.
    pub avalanches: usize,
    /// Number of steps. The result is the mean of the parameters after the steps of the second half.
    pub steps: usize,
    /// Avalanches simulated in each of the first steps (at most 10), which lead from the guess to the
    /// neighbourhood of the data.
    pub approach: usize,
    /// Largest standard deviation by which the parameters of simulated avalanches scatter, in units of their
    /// prior widths. The wider they scatter, the smaller is the statistical error of the derivatives, as long
    /// as the features change linearly over that width. Narrow priors, such as the errors of a fit to
    /// responses, allow a larger value.
    pub scatter: f64,
    /// Seed of the simulated avalanches and of the deviations of their parameters.
    pub seed: u64,
    /// Prior widths by the name of the parameter. Where the fit starts from the run of a fit to responses,
    /// the default is the standard errors of that fit.
    pub widths: BTreeMap<String, Width>,
}

impl Default for FitConfig {
    fn default() -> Self {
        Self { avalanches: 20_000, steps: 8, approach: 4_000, scatter: 2.0, seed: 1, widths: BTreeMap::new() }
    }
}

/// The result of a fit to avalanches: the data, χ² and the parameters with their errors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnodeFit {
    /// Number of avalanches fitted to; those held back are not among them.
    pub avalanches: usize,
    /// Number of these with at least 30 electrons, whose observables count; smaller ones are only counted.
    pub large: usize,
    /// χ² of the mean features of the data, given those of avalanches simulated with the result.
    pub chi_square: f64,
    /// Number of features less the number of directions.
    pub degrees_of_freedom: usize,
    /// Number of combinations of parameters (directions in the space of parameters) that the data determine;
    /// along all others the parameters stay as guessed.
    pub directions: usize,
    /// Names of the kinds of parameters that the data hardly constrain: they are nearly as guessed.
    pub as_guessed: Vec<String>,
    /// Every free parameter with its errors with and without the data.
    pub parameters: Vec<Estimate>,
}

impl FitConfig {
    /// Fills in the prior widths that the configuration does not name: the standard errors of `stages`, if
    /// the detector was fitted to responses before, or else the default widths of a guess.
    pub(super) fn resolved(mut self, stages: Option<(&Detector, &[StageFit])>) -> Result<Self> {
        let mut believed = default_widths();
        believed.extend(stages.map(|(detector, stages)| widths_of(detector, stages)).unwrap_or_default());
        for (name, width) in believed {
            self.widths.entry(name).or_insert(width);
        }
        self.check()?;
        Ok(self)
    }

    /// An error if a number of avalanches, the number of steps or the scatter is out of its range.
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
    /// χ², the parameters and their errors.
    pub fit: AnodeFit,
    /// The configuration, every default written out.
    pub config: CascadeConfig,
    /// What a user should know of the fit, such as a χ² that is too large.
    pub warnings: Vec<String>,
}

/// Fits the free parameters of a detector to those avalanches of `data` that are not held back. Data are
/// electrons in mm and ns, or counts on a grid in these units. The method is the generalised method of
/// moments (Hansen, Econometrica 50, 1029, 1982) with simulated moments; `docs/cascade.md` describes it.
///
/// # Errors
/// The configuration has a value outside its limits; there are too few avalanches, they are not in mm and ns,
/// or most of their electrons lie outside the grid; the work was asked to stop.
pub fn fit_avalanches(
    config: &CascadeConfig,
    guess: Guess,
    data: &Dataset,
    work: Work<'_>,
) -> Result<FittedAvalanches> {
    config.check()?;
    let Guess { mut detector, stages, guessed } = guess;
    refuse_recorded(&detector)?;
    if detector.gain.is_some() {
        return Err(CascadeError::Config(
            "the detector has a [gain] table, and avalanches at the anode tell the gain themselves\n  hint: begin with one that has none".into(),
        ));
    }
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

/// The number of avalanches with at least [`LEAST_ELECTRONS`] electrons. An error if there are too few of
/// them, or if too many electrons lie outside the grid.
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

/// Scales the gains of all foils by a common factor, so that avalanches have about the mean size of the data.
/// The search itself does not find the way over orders of magnitude.
fn scale_gain(detector: &mut Detector, size: f64) {
    let of_foil = |foil: &Foil| foil.gain * foil.extraction * foil.collection;
    let expected: f64 = detector.foils.iter().map(of_foil).product();
    let factor = (size / expected).powf(1.0 / detector.foils.len() as f64);
    if factor.is_normal() {
        detector.foils.iter_mut().for_each(|foil| foil.gain = (factor * foil.gain).min(Polya::MAXIMUM_MEAN));
    }
}

/// A warning if χ² is too large for the avalanches to come from a detector of this kind.
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
