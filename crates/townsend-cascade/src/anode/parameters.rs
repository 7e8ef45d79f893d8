//! The free parameters of a detector in a fit, and their prior: what is believed of them before the data are
//! seen.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};
use townsend_sim::{Detector, Foil, Gas, Magnetic, Polya};

use crate::stages::StageFit;
use crate::{CascadeError, Result};

/// Prior widths of one kind of parameter: how far the guesses may be off, as standard deviations of a normal
/// distribution. They are relative for positive parameters (for θ of 1 + θ), of ln(c/(1 − c)) for a
/// probability c, and in the parameter's unit otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Width {
    /// Of an error that all foils have in common.
    pub shared: f64,
    /// Of an error of each foil by itself, in addition.
    pub own: Own,
}

/// Prior widths of one kind of parameter for each foil by itself.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(untagged, expecting = "`own` is a number, or a list with a number for each foil")]
pub enum Own {
    /// The same for all foils.
    Alike(f64),
    /// One for each foil, from the top.
    Each(Vec<f64>),
}

impl Own {
    fn of(&self, index: usize) -> Option<f64> {
        match self {
            Self::Alike(width) => Some(*width),
            Self::Each(widths) => widths.get(index).copied(),
        }
    }
}

/// The function of a parameter, called its coordinate, that has a normal prior. It may take any value, and
/// the parameter stays within its natural limits.
#[derive(Debug, Clone, Copy)]
enum Scale {
    /// The value itself.
    Plain,
    /// ln(value).
    Logarithm,
    /// ln(1 + value).
    LogarithmOfOneMore,
    /// ln(value/(1 − value)).
    LogOdds,
}

impl Scale {
    fn coordinate(self, value: f64) -> f64 {
        match self {
            Self::Plain => value,
            Self::Logarithm => value.ln(),
            Self::LogarithmOfOneMore => value.ln_1p(),
            Self::LogOdds => (value / (1.0 - value)).ln(),
        }
    }

    fn value(self, coordinate: f64) -> f64 {
        match self {
            Self::Plain => coordinate,
            Self::Logarithm => coordinate.exp(),
            Self::LogarithmOfOneMore => coordinate.exp_m1(),
            Self::LogOdds => 1.0 / (1.0 + (-coordinate).exp()),
        }
    }

    /// Derivative of the value by the coordinate.
    fn slope(self, value: f64) -> f64 {
        match self {
            Self::Plain => 1.0,
            Self::Logarithm => value,
            Self::LogarithmOfOneMore => 1.0 + value,
            Self::LogOdds => value * (1.0 - value),
        }
    }
}

/// A kind of parameter, such as the gain: it has one value for each foil, or for each scale of the gas.
struct Kind {
    name: &'static str,
    scale: Scale,
    /// Least and largest value; the fit's values are clamped to them.
    range: [f64; 2],
    /// Default prior widths, for a guess: shared and own.
    widths: [f64; 2],
    at: At,
}

/// Where the values of a kind of parameter stand in a detector.
enum At {
    Foils(fn(&mut Foil) -> &mut f64),
    /// For a detector all of whose foils know of a magnetic field.
    Magnetic(fn(&mut Magnetic) -> &mut f64),
    Gas(fn(&mut Gas) -> &mut [f64]),
}

/// All kinds of parameters that a fit may change: scale, range and default prior widths.
///
/// The ranges are those of a detector's description or narrower. The widths, for a detector that was guessed,
/// are chosen, not fitted. Gains, spreads and times may be off by 30% to 50% for all foils together, but by
/// about a third of that from foil to foil, since the foils of a detector are alike; a gas table is better
/// known than any foil, to 3%. Wider priors leave more to the data: parameters that these hardly constrain
/// move farther from the guess and have larger errors. Narrower ones keep a parameter near the guess even
/// where the data contradict it.
///
/// The extraction of a foil is not among them, because avalanches depend only on its product with the gain.
const KINDS: [Kind; 19] = {
    use Scale::{LogOdds, Logarithm, LogarithmOfOneMore, Plain};
    const fn foil(
        name: &'static str,
        scale: Scale,
        range: [f64; 2],
        widths: [f64; 2],
        at: fn(&mut Foil) -> &mut f64,
    ) -> Kind {
        Kind { name, scale, range, widths, at: At::Foils(at) }
    }
    const fn magnetic(
        name: &'static str,
        range: [f64; 2],
        widths: [f64; 2],
        at: fn(&mut Magnetic) -> &mut f64,
    ) -> Kind {
        Kind { name, scale: Plain, range, widths, at: At::Magnetic(at) }
    }
    const fn gas(name: &'static str, widths: [f64; 2], at: fn(&mut Gas) -> &mut [f64]) -> Kind {
        Kind { name, scale: Logarithm, range: [0.0, 10.0], widths, at: At::Gas(at) }
    }
    [
        foil("gain", Logarithm, [0.0, Polya::MAXIMUM_MEAN], [0.5, 0.15], |foil| &mut foil.gain),
        foil("theta", LogarithmOfOneMore, [-0.45, 100.0], [0.3, 0.1], |foil| &mut foil.theta),
        foil("collection", LogOdds, [0.0, 1.0], [0.5, 0.3], |foil| &mut foil.collection),
        foil("collection_slope", Plain, [-100.0, 100.0], [1.0, 0.5], |foil| &mut foil.collection_slope),
        foil("hole_spread_um", Logarithm, [0.0, 10_000.0], [0.3, 0.1], |foil| &mut foil.hole_spread_um),
        foil("offset_retention", Plain, [-1.0, 1.0], [0.1, 0.03], |foil| &mut foil.offset_retention),
        foil("common_spread_um", Logarithm, [0.0, 10_000.0], [0.4, 0.1], |foil| &mut foil.common_spread_um),
        foil("exit_spread_um", Logarithm, [0.0, 10_000.0], [0.3, 0.1], |foil| &mut foil.exit_spread_um),
        foil("transit_ns", Logarithm, [0.0, 1e6], [0.3, 0.1], |foil| &mut foil.transit_ns),
        foil("transit_slope_ns", Plain, [-1e6, 1e6], [0.5, 0.2], |foil| &mut foil.transit_slope_ns),
        foil("common_time_spread_ns", Logarithm, [0.0, 1e6], [0.4, 0.15], |foil| {
            &mut foil.common_time_spread_ns
        }),
        foil("own_time_spread_ns", Logarithm, [0.0, 1e6], [0.4, 0.15], |foil| &mut foil.own_time_spread_ns),
        magnetic("magnetic.entry_shift_um", [-10_000.0, 10_000.0], [10.0, 5.0], |field| {
            &mut field.entry_shift_um
        }),
        magnetic("magnetic.exit_shift_um", [-10_000.0, 10_000.0], [5.0, 3.0], |field| {
            &mut field.exit_shift_um
        }),
        magnetic("magnetic.exit_anisotropy", [-3.0, 3.0], [0.03, 0.01], |field| &mut field.exit_anisotropy),
        magnetic("magnetic.exit_correlation", [-0.99, 0.99], [0.1, 0.03], |field| {
            &mut field.exit_correlation
        }),
        magnetic("magnetic.transit_tilt_ns", [-1e6, 1e6], [0.2, 0.1], |field| &mut field.transit_tilt_ns),
        gas("transverse_scale", [0.03, 0.01], |gas| &mut gas.transverse_scale),
        gas("longitudinal_scale", [0.03, 0.0], |gas| std::slice::from_mut(&mut gas.longitudinal_scale)),
    ]
};

impl Kind {
    /// References to the values in a detector, from the top foil or the first axis.
    fn places<'a>(&self, detector: &'a mut Detector) -> Vec<&'a mut f64> {
        match self.at {
            At::Foils(value) => detector.foils.iter_mut().map(value).collect(),
            At::Magnetic(value) => {
                let of_foil = |foil: &'a mut Foil| foil.magnetic.as_mut().map(value);
                detector.foils.iter_mut().map(of_foil).collect::<Option<_>>().unwrap_or_default()
            }
            At::Gas(values) => values(&mut detector.gas).iter_mut().collect(),
        }
    }

    /// The name of a value in a detector's description, such as `foils[0].gain`.
    fn path(&self, index: usize) -> String {
        match self.at {
            At::Foils(_) | At::Magnetic(_) => format!("foils[{index}].{}", self.name),
            At::Gas(_) if self.name == "longitudinal_scale" => "gas.longitudinal_scale".into(),
            At::Gas(_) => format!("gas.{}[{index}]", self.name),
        }
    }
}

/// Default prior widths, by the names of the parameters.
pub(super) fn default_widths() -> BTreeMap<String, Width> {
    let width = |[shared, own]: [f64; 2]| Width { shared, own: Own::Alike(own) };
    KINDS.iter().map(|kind| (kind.name.to_owned(), width(kind.widths))).collect()
}

/// Prior widths for a detector whose foils were fitted to responses, by the names of the parameters: the
/// standard errors of those fits. A parameter is left out if its error is missing for one of the foils.
pub(super) fn widths_of(detector: &Detector, stages: &[StageFit]) -> BTreeMap<String, Width> {
    let mut detector = detector.clone();
    let of_kind = |kind: &Kind| {
        let values: Vec<f64> = kind.places(&mut detector).into_iter().map(|value| *value).collect();
        let error =
            |(value, stage): (f64, &StageFit)| Some(stage.errors.get(kind.name)? / kind.scale.slope(value));
        let own: Option<Vec<f64>> = values.into_iter().zip(stages).map(error).collect();
        let own = own.filter(|own| own.len() == stages.len() && own.iter().all(|width| width.is_finite()))?;
        Some((kind.name.to_owned(), Width { shared: 0.0, own: Own::Each(own) }))
    };
    KINDS.iter().filter_map(of_kind).collect()
}

/// One free value of the detector: its kind, as an index into [`KINDS`], and its number among the values of
/// that kind.
#[derive(Debug)]
struct Place {
    kind: usize,
    index: usize,
}

/// The free parameters of a detector, which are described in two ways.
///
/// A value's *coordinate* is a function of it ([`Scale`]) whose prior is normal about the guess. *Standard
/// parameters* are linear combinations of the coordinates' deviations from the guess that have by the prior
/// the mean 0, the variance 1 and no correlations: for each kind of parameter one for the error that its
/// values have in common, and one for the error of each value.
#[derive(Debug)]
pub(super) struct Parameters {
    detector: Detector,
    places: Vec<Place>,
    /// Coordinates of the free values in the guessed detector.
    guess: DVector<f64>,
    /// Change of each coordinate (row) by each standard parameter (column).
    widths: DMatrix<f64>,
}

/// A fitted value of the detector.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Estimate {
    /// Its name in a detector's description, such as `foils[0].gain`.
    pub name: String,
    /// Its value, in the unit of the description.
    pub value: f64,
    /// Its standard error, given the data and the prior.
    pub error: f64,
    /// Its standard error by the prior alone.
    pub believed_error: f64,
}

impl Parameters {
    /// The parameters of `detector` that `widths` names. All others stay as they are, and so does a value
    /// whose coordinate is not finite, such as a spread of 0.
    ///
    /// # Errors
    /// If a name is not that of a parameter, a width is out of range, or no parameter is free.
    pub(super) fn new(detector: Detector, widths: &BTreeMap<String, Width>) -> Result<Self> {
        check(widths, detector.clone())?;
        let mut places = Vec::new();
        let mut guess = Vec::new();
        // For each standard parameter the coordinates that it changes, and by how much.
        let mut changes: Vec<Vec<(usize, f64)>> = Vec::new();
        for (kind_index, kind) in KINDS.iter().enumerate() {
            let Some(width) = widths.get(kind.name) else { continue };
            let mut copy = detector.clone();
            let coordinates = kind.places(&mut copy).into_iter().map(|value| kind.scale.coordinate(*value));
            let mut shared = Vec::new();
            for (index, coordinate) in coordinates.enumerate().filter(|(_, c)| c.is_finite()) {
                let place = places.len();
                places.push(Place { kind: kind_index, index });
                guess.push(coordinate);
                shared.push((place, width.shared));
                changes.push(vec![(place, width.own.of(index).unwrap_or(0.0))]);
            }
            changes.push(shared);
        }
        changes.retain(|change| change.iter().any(|&(_, width)| width > 0.0));
        if changes.is_empty() {
            return Err(CascadeError::Config("fit.widths: no parameter is free".into()));
        }
        let mut matrix = DMatrix::zeros(places.len(), changes.len());
        for (column, change) in changes.iter().enumerate() {
            for &(place, width) in change {
                matrix[(place, column)] = width;
            }
        }
        Ok(Self { detector, places, guess: DVector::from_vec(guess), widths: matrix })
    }

    /// Number of standard parameters.
    pub(super) fn len(&self) -> usize {
        self.widths.ncols()
    }

    /// The detector with these standard parameters.
    pub(super) fn detector(&self, standard: &DVector<f64>) -> Detector {
        let coordinates = &self.guess + &self.widths * standard;
        let mut detector = self.detector.clone();
        for (place, &coordinate) in self.places.iter().zip(coordinates.iter()) {
            let kind = &KINDS[place.kind];
            let [low, high] = kind.range;
            *kind.places(&mut detector)[place.index] = kind.scale.value(coordinate).clamp(low, high);
        }
        detector
    }

    /// The values of the detector with these standard parameters, and their errors from the covariance of the
    /// standard parameters.
    pub(super) fn estimates(&self, standard: &DVector<f64>, covariance: &DMatrix<f64>) -> Vec<Estimate> {
        let mut detector = self.detector(standard);
        let posterior = &self.widths * covariance * self.widths.transpose();
        let believed = &self.widths * self.widths.transpose();
        let estimate = |(row, place): (usize, &Place)| {
            let kind = &KINDS[place.kind];
            let value = *kind.places(&mut detector)[place.index];
            let error = |matrix: &DMatrix<f64>| kind.scale.slope(value) * matrix[(row, row)].max(0.0).sqrt();
            let (error, believed_error) = (error(&posterior), error(&believed));
            Estimate { name: kind.path(place.index), value, error, believed_error }
        };
        self.places.iter().enumerate().map(estimate).collect()
    }

    /// The kinds of parameters that the data hardly constrain: the standard error of the mean of their values
    /// is after the fit more than `part` of the one before.
    pub(super) fn untold(&self, covariance: &DMatrix<f64>, part: f64) -> Vec<&'static str> {
        let told = |&(index, _): &(usize, &Kind)| {
            let of_kind = |place: &Place| if place.kind == index { 1.0 } else { 0.0 };
            let sum = DVector::from_iterator(self.places.len(), self.places.iter().map(of_kind));
            let change = self.widths.transpose() * sum;
            let believed = change.norm_squared();
            believed > 0.0 && change.dot(&(covariance * &change)) > part * part * believed
        };
        KINDS.iter().enumerate().filter(told).map(|(_, kind)| kind.name).collect()
    }
}

/// An error if a name is not that of a parameter, if a list has the wrong length, or if a width is out of
/// range.
fn check(widths: &BTreeMap<String, Width>, mut detector: Detector) -> Result<()> {
    for (name, width) in widths {
        let wrong = |what: String| Err(CascadeError::Config(format!("fit.widths.{name}{what}")));
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            return wrong(format!(": there is no such parameter; there are {}", names.join(", ")));
        };
        let values = kind.places(&mut detector).len();
        let own = match &width.own {
            Own::Alike(own) => std::slice::from_ref(own),
            Own::Each(own) if own.len() == values => own,
            Own::Each(own) => {
                return wrong(format!(".own has {} widths, and the detector {values} values", own.len()));
            }
        };
        if let Some(width) = own.iter().chain([&width.shared]).find(|width| !(0.0..=10.0).contains(*width)) {
            return wrong(format!(" is {width}, but must be from 0 to 10"));
        }
    }
    Ok(())
}
