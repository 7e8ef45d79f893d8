//! What of a detector is free in a fit, and what is believed of it beforehand.

use std::collections::BTreeMap;

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};
use townsend_sim::{Detector, Foil, Gas, Polya};

use crate::stages::StageFit;
use crate::{CascadeError, Result};

/// What is believed of one kind of parameter before the data are seen: how far the guesses may be off, as
/// standard deviations of a normal distribution. They are relative ones where the parameter is positive (of
/// 1 + θ for θ), of ln(c/(1 − c)) for a probability c, and in the parameter's unit otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Width {
    /// Of all foils together.
    pub shared: f64,
    /// Of each foil by itself.
    pub own: Own,
}

/// Widths of one kind of parameter for each foil by itself.
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

/// A coordinate in which an error is about as likely upwards as downwards.
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

/// Parameters with one meaning, of each foil or of the gas.
struct Kind {
    name: &'static str,
    scale: Scale,
    /// Least and largest value.
    range: [f64; 2],
    /// What is believed by default: shared and own width.
    widths: [f64; 2],
    at: At,
}

enum At {
    Foils(fn(&mut Foil) -> &mut f64),
    Gas(fn(&mut Gas) -> &mut [f64]),
}

/// The gas table is better known than any foil. Of a foil, the extraction is not free, since only its product
/// with the gain shows.
const KINDS: [Kind; 14] = {
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
        gas("transverse_scale", [0.03, 0.01], |gas| &mut gas.transverse_scale),
        gas("longitudinal_scale", [0.03, 0.0], |gas| std::slice::from_mut(&mut gas.longitudinal_scale)),
    ]
};

impl Kind {
    /// Where its values stand.
    fn places<'a>(&self, detector: &'a mut Detector) -> Vec<&'a mut f64> {
        match self.at {
            At::Foils(value) => detector.foils.iter_mut().map(value).collect(),
            At::Gas(values) => values(&mut detector.gas).iter_mut().collect(),
        }
    }

    /// The name of a value, as in a detector's description.
    fn path(&self, index: usize) -> String {
        match self.at {
            At::Foils(_) => format!("foils[{index}].{}", self.name),
            At::Gas(_) if self.name == "longitudinal_scale" => "gas.longitudinal_scale".into(),
            At::Gas(_) => format!("gas.{}[{index}]", self.name),
        }
    }
}

/// What is believed by default, by the names of the parameters.
pub(super) fn default_widths() -> BTreeMap<String, Width> {
    let width = |[shared, own]: [f64; 2]| Width { shared, own: Own::Alike(own) };
    KINDS.iter().map(|kind| (kind.name.to_owned(), width(kind.widths))).collect()
}

/// What is believed of a detector whose foils were fitted to responses: the standard errors of these fits, by
/// the names of the parameters. A parameter of which an error is missing is not among them.
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

/// A free value of the detector.
#[derive(Debug)]
struct Place {
    kind: usize,
    index: usize,
}

/// The free parameters of a detector.
///
/// What is believed of them is a normal distribution about the detector's own values. A vector of *standard*
/// parameters, which have by this belief the mean 0, the variance 1 and no correlations, stands for a
/// detector: each kind of parameter has one for what its values have in common, and one for each value.
#[derive(Debug)]
pub(super) struct Parameters {
    detector: Detector,
    places: Vec<Place>,
    /// The places' coordinates in the detector as it was guessed.
    guess: DVector<f64>,
    /// Change of the places' coordinates by each standard parameter.
    widths: DMatrix<f64>,
}

/// A parameter as it was found.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Estimate {
    /// Its name, as in a detector's description.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its standard error, given the data and what was believed before.
    pub error: f64,
    /// Its standard error by what was believed before alone.
    pub believed_error: f64,
}

impl Parameters {
    /// The parameters that `widths` set free; of the others and of values that have no logarithm, nothing
    /// changes.
    pub(super) fn new(detector: Detector, widths: &BTreeMap<String, Width>) -> Result<Self> {
        check(widths, detector.clone())?;
        let mut places = Vec::new();
        let mut guess = Vec::new();
        // Of each standard parameter, the coordinates that it changes.
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

    /// The values with these standard parameters, and their errors by the standard parameters' covariance.
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

    /// The kinds of parameters of which the data tell little: what their values have in common, on average,
    /// keeps more than this part of its error.
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

/// An error if a width is no width, or is not that of a parameter.
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
