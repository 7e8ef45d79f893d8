//! A foil's parameters from recorded responses, by maximum likelihood.

mod errors;
mod families;
mod number;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use families::Families;
use number::Numbers;
use townsend_core::{ElectronBuffer, Purpose, stream};

use crate::detector::within;
use crate::{Condition, Drift, Foil, FoilStage, Gap, Lattice, SimError, Stage, StageWorkspace};

/// Responses of one foil, as a microscopic simulation records them: electrons that started above it one by one, and the
/// children of each at a plane below.
#[derive(Debug, Clone, PartialEq)]
pub struct Responses {
    starts: Vec<[f64; 2]>,
    offsets: Vec<usize>,
    children: Vec<[f64; 3]>,
}

impl Responses {
    /// Farthest from the origin that an electron can be, µm, and longest time, ns.
    const FARTHEST: f64 = 1e6;

    /// Takes the starts (x, z) in µm, with a hole at the origin, and the children (x, z, t) in µm and ns after the start:
    /// those of start i are `offsets[i]..offsets[i + 1]`.
    ///
    /// # Errors
    /// If the offsets do not begin with 0, decrease or do not end with the number of children, or if a coordinate is not a
    /// number or beyond 10⁶.
    pub fn new(
        starts: Vec<[f64; 2]>,
        offsets: Vec<usize>,
        children: Vec<[f64; 3]>,
    ) -> Result<Self, SimError> {
        let fits = offsets.len() == starts.len() + 1
            && offsets[0] == 0
            && offsets[starts.len()] == children.len()
            && offsets.is_sorted();
        if !fits {
            return Err(SimError::Fit {
                what: format!(
                    "{} offsets do not part {} children among {} starts",
                    offsets.len(),
                    children.len(),
                    starts.len()
                ),
                remedy: "give for each start where its children begin, from 0, and at last the number of children",
            });
        }
        for value in starts.as_flattened().iter().chain(children.as_flattened()) {
            within("a coordinate of a response", *value, -Self::FARTHEST, Self::FARTHEST)?;
        }
        Ok(Self { starts, offsets, children })
    }

    /// What a foil does to `times` electrons from each of the same starts: the responses that it would have recorded.
    #[must_use]
    pub fn again(&self, foil: &Foil, lattice: Lattice, times: usize, seed: u64) -> Self {
        const PURPOSE: Purpose = Purpose::new("responses");
        let stage = FoilStage::new(lattice, foil, &Drift::default());
        let (mut starts, mut offsets, mut all) = (Vec::new(), vec![0], Vec::new());
        let (mut parent, mut children) = (ElectronBuffer::default(), ElectronBuffer::default());
        let mut workspace = StageWorkspace::default();
        for (index, &start) in self.starts.iter().enumerate() {
            let mut random = stream(seed, PURPOSE, index as u64);
            for _ in 0..times {
                parent.clear();
                children.clear();
                let [x, z] = start.map(|um| (um / 1000.0) as f32);
                parent.push(x, z, 0.0);
                stage.respond(&parent, &mut children, &mut workspace, &mut random);
                starts.push(start);
                let um = |mm: f32| 1000.0 * f64::from(mm);
                all.extend(
                    (0..children.len()).map(|i| [um(children.x[i]), um(children.z[i]), children.t[i].into()]),
                );
                offsets.push(all.len());
            }
        }
        Self { starts, offsets, children: all }
    }

    /// How many children each start has.
    pub fn numbers(&self) -> Vec<f64> {
        self.offsets.windows(2).map(|range| (range[1] - range[0]) as f64).collect()
    }

    /// How far each child is from the axis of the hole nearest to its start, along x, in µm.
    pub fn distances(&self, lattice: Lattice) -> Vec<f64> {
        self.about_holes(lattice).flat_map(|(_, children)| children).map(|child| child[0]).collect()
    }

    /// The time of each child, in ns.
    pub fn times(&self) -> Vec<f64> {
        self.children.iter().map(|child| child[2]).collect()
    }

    /// Every start, relative to the nearest hole, with its children relative to that hole.
    fn about_holes(&self, lattice: Lattice) -> impl Iterator<Item = ([f64; 2], Vec<[f64; 3]>)> + '_ {
        self.starts.iter().zip(self.offsets.windows(2)).map(move |(&[x, z], range)| {
            let (hole_x, hole_z) = lattice.nearest((x / 1000.0) as f32, (z / 1000.0) as f32);
            let (hole_x, hole_z) = (1000.0 * f64::from(hole_x), 1000.0 * f64::from(hole_z));
            let children = &self.children[range[0]..range[1]];
            let children = children.iter().map(|&[x, z, t]| [x - hole_x, z - hole_z, t]).collect();
            ([x - hole_x, z - hole_z], children)
        })
    }
}

/// Responses, and the conditions that they were recorded under, by name, such as a voltage.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The responses.
    pub responses: Responses,
    /// The conditions; empty if nothing is to depend on any.
    pub conditions: BTreeMap<String, f64>,
}

/// Responses with their conditions less those of the first responses, as fractions of the range recorded.
struct Scaled<'a> {
    responses: &'a Responses,
    conditions: Vec<f64>,
}

/// What responses do not tell about a foil.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownFoil {
    /// Probability that an electron in a hole gets out below: only its product with the gain shows.
    pub extraction: f64,
    /// The gap below.
    pub gap: Gap,
    /// The part of it, and of the gap above, between the foil and the planes of the responses, mm.
    pub included_mm: f64,
}

/// A foil with the parameters that make its responses most likely.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedFoil {
    /// The parameters.
    pub foil: Foil,
    /// Their standard errors, by the names that they have in a detector's description (`conditions.voltage_v.ln_gain`). What
    /// the responses do not tell is missing.
    pub errors: BTreeMap<String, f64>,
    /// Number of responses.
    pub starts: usize,
    /// Those with children.
    pub families: usize,
    /// ln of the probability of all numbers of children.
    pub number_log_likelihood: f64,
    /// ln of the density of the families' mean places and times (µm, ns), without the terms ln 2π.
    pub family_log_likelihood: f64,
}

/// Fits the model of [`crate::FoilStage`] to responses without a gap, by maximum likelihood. It falls into two.
///
/// The number n of children of a start at distance r from the nearest hole, with pitch p, is Polya distributed with mean
/// μ = gain·extraction and k = 1 + θ, and 0 if the electron is not collected:
///
/// P(0) = 1 − c + c (k/(k + μ))ᵏ, P(n) = c Γ(n + k)/(Γ(k) n!) (k/(k + μ))ᵏ (μ/(k + μ))ⁿ, ln(c/(1 − c)) = a + b (r/p)².
///
/// The simplex of Nelder and Mead (Computer J. 7, 308, 1965) finds a, b, ln μ and ln k.
///
/// A family of n children gives the mean x̄ of their places and t̄ of their times, and squared deviations from these. The
/// deviations, pooled, give the spreads of each child by itself, w and u: w² = Σ(x − x̄)²/(2Σ(n − 1)), u² = Σ(t − t̄)²/Σ(n − 1).
/// The means are distributed as, over holes h at distance dₕ from the start with the probability
/// πₕ ∝ exp(−dₕ²/2s²),
///
/// x̄ ~ normal(axisₕ + retention·dₕ, σ² + w²/n), t̄ ~ normal(transit + slope·(dₕ/p)², τ² + u²/n).
///
/// The algorithm EM (Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1, 1977) finds s, retention, σ, transit, slope and τ:
/// the holes and the common places and times are what is not seen. It stops when the log-likelihood grows by less than
/// 10⁻¹⁰ of itself.
///
/// Where responses were recorded under several conditions v, a, ln μ and transit change in proportion to each of these; the
/// other parameters are the same for all. The foil's values are those under the conditions of the first responses.
///
/// Standard errors come from the curvature of the log-likelihood at its maximum; of w and u they are w/√(4Σ(n − 1)) and u/√(2Σ(n − 1)).
///
/// # Errors
/// If there are too few families to tell, if starts do not differ, if conditions are not the same in all parts or do not
/// differ between them, if no maximum is found, or if a parameter is outside what a foil's description allows.
pub fn fit_foil(recorded: &[Recorded], lattice: Lattice, known: &KnownFoil) -> Result<FittedFoil, SimError> {
    within("lattice.pitch_um", 1000.0 * f64::from(lattice.pitch_mm()), 1.0, 10_000.0)?;
    within("extraction", known.extraction, 1e-6, 1.0)?;
    let (ranges, scaled) = scale(recorded)?;
    let families = Families::new(&scaled, lattice)?;
    let (number, number_errors, number_log_likelihood) = Numbers::new(&scaled, lattice)?.fit()?;
    let (place, place_errors, family_log_likelihood) = families.fit()?;
    let number_error = |k: usize| number_errors.as_ref().map(|errors| errors[k]);
    let place_error = |k: usize| place_errors.as_ref().map(|errors| errors[k]);
    let mut foil = Foil {
        collection: 1.0 / (1.0 + (-number.odds).exp()),
        collection_slope: number.odds_slope,
        gain: number.mean / known.extraction,
        theta: number.shape - 1.0,
        extraction: known.extraction,
        hole_spread_um: place.hole_spread,
        offset_retention: place.offset_retention,
        common_spread_um: place.common.sqrt(),
        exit_spread_um: families.own().sqrt(),
        transit_ns: place.transit,
        transit_slope_ns: place.transit_slope,
        common_time_spread_ns: place.common_time.sqrt(),
        own_time_spread_ns: families.own_time().sqrt(),
        gap_mm: known.gap.gap_mm,
        field_kv_cm: known.gap.field_kv_cm,
        included_mm: known.included_mm,
        conditions: BTreeMap::new(),
    };
    let mut errors = Errors::default();
    errors.insert("collection", number_error(0), foil.collection * (1.0 - foil.collection));
    errors.insert("collection_slope", number_error(1), 1.0);
    errors.insert("gain", number_error(2), foil.gain);
    errors.insert("theta", number_error(3), number.shape);
    errors.insert("hole_spread_um", place_error(0), foil.hole_spread_um);
    errors.insert("offset_retention", place_error(1), 1.0);
    errors.insert("common_spread_um", place_error(2), 0.5 * foil.common_spread_um);
    errors.insert("transit_ns", place_error(3), 1.0);
    errors.insert("transit_slope_ns", place_error(4), 1.0);
    errors.insert("common_time_spread_ns", place_error(5), 0.5 * foil.common_time_spread_ns);
    let relative = Some((0.5 / families.free()).sqrt());
    errors.insert("exit_spread_um", relative, foil.exit_spread_um / f64::sqrt(2.0));
    errors.insert("own_time_spread_ns", relative, foil.own_time_spread_ns);
    for (k, Range { name, first, low, high }) in ranges.iter().enumerate() {
        let unit = 1.0 / (high - low);
        let [collection_odds, ln_gain] = number.by_condition[k].map(|by| by * unit);
        let transit_ns = place.by_condition[k] * unit;
        let condition =
            Condition { value: *first, range: [*low, *high], ln_gain, collection_odds, transit_ns };
        foil.conditions.insert((*name).to_owned(), condition);
        errors.insert(&format!("conditions.{name}.collection_odds"), number_error(4 + 2 * k), unit);
        errors.insert(&format!("conditions.{name}.ln_gain"), number_error(5 + 2 * k), unit);
        errors.insert(&format!("conditions.{name}.transit_ns"), place_error(6 + k), unit);
    }
    foil.check("the fitted foil")?;
    let starts = recorded.iter().map(|set| set.responses.starts.len()).sum();
    let families = families.len();
    Ok(FittedFoil { foil, errors: errors.0, starts, families, number_log_likelihood, family_log_likelihood })
}

/// Standard errors by name.
#[derive(Default)]
struct Errors(BTreeMap<String, f64>);

impl Errors {
    /// Notes an error, if it is known, of something that changes by `by` with what it is the error of.
    fn insert(&mut self, name: &str, error: Option<f64>, by: f64) {
        self.0.extend(error.map(|error| (name.to_owned(), error * by.abs())));
    }
}

/// A condition: its value for the first responses, the least and the largest.
struct Range<'a> {
    name: &'a str,
    first: f64,
    low: f64,
    high: f64,
}

/// The range of each condition, and the responses with the conditions scaled to these, 0 those of the first responses.
fn scale(recorded: &[Recorded]) -> Result<(Vec<Range<'_>>, Vec<Scaled<'_>>), SimError> {
    let Some(first) = recorded.first() else {
        return Err(SimError::Fit { what: "there are no responses".into(), remedy: "record some" });
    };
    if let Some(set) = recorded.iter().find(|set| !set.conditions.keys().eq(first.conditions.keys())) {
        let names = |set: &Recorded| set.conditions.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(SimError::Fit {
            what: format!("responses have the conditions ({}) and ({})", names(first), names(set)),
            remedy: "give all responses of a foil the same conditions",
        });
    }
    let mut ranges = Vec::new();
    for (name, &value) in &first.conditions {
        let mut range = Range { name, first: value, low: value, high: value };
        for set in recorded {
            let value = set.conditions[name];
            within(name, value, -1e12, 1e12)?;
            range = Range { low: range.low.min(value), high: range.high.max(value), ..range };
        }
        if range.high <= range.low {
            return Err(SimError::Fit {
                what: format!("all responses have {name} = {value}, which tells nothing of how it matters"),
                remedy: "leave it out, or record responses at another value",
            });
        }
        ranges.push(range);
    }
    let fraction =
        |set: &Recorded, range: &Range| (set.conditions[range.name] - range.first) / (range.high - range.low);
    let scaled = recorded.iter().map(|set| Scaled {
        responses: &set.responses,
        conditions: ranges.iter().map(|range| fraction(set, range)).collect(),
    });
    let scaled = scaled.collect();
    Ok((ranges, scaled))
}

/// The search for a maximum did not end.
fn no_maximum(of: &str) -> SimError {
    SimError::Fit {
        what: format!("no maximum of the likelihood of {of} was found"),
        remedy: "record more responses, from starts all over a cell",
    }
}
