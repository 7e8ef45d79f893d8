//! Fits the parameters of one foil to its recorded responses, by maximum likelihood.

mod families;
mod late;
mod number;
mod responses;
mod standard_errors;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use families::{Families, FamilyParameters, Own, TimeShape};
use late::Delays;
use number::{NumberParameters, Numbers};
use responses::{Range, scale};
pub use responses::{Recorded, Responses};
use townsend_sim::{Condition, Direction, Foil, Gap, Late, Lattice, Magnetic, within};

use crate::CascadeError;

/// What has to be known of a foil beforehand, because responses do not determine it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownFoil {
    /// Probability that an electron in a hole leaves it at the lower side. Responses determine only the
    /// product of this and the gain.
    pub extraction: f64,
    /// The gap below.
    pub gap: Gap,
    /// The thickness of that gap, and of the one above, that lies between the foil and the planes at which
    /// the responses start and end, mm.
    pub included_mm: f64,
    /// The direction of E × B if the responses were recorded in a magnetic field; the foil's [`Magnetic`] is
    /// fitted then.
    pub magnetic: Option<Direction>,
}

/// A foil with the parameters that make its responses most likely.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedFoil {
    /// The fitted parameters.
    pub foil: Foil,
    /// Standard errors of the parameters, by their names in a detector's description (such as `gain` or
    /// `conditions.voltage_v.ln_gain`), in the parameters' units. The error of a parameter that the responses
    /// do not determine is missing.
    pub errors: BTreeMap<String, f64>,
    /// Number of responses.
    pub starts: usize,
    /// Number of responses with at least one child.
    pub families: usize,
    /// ln of the probability of the numbers of children of all responses.
    pub number_log_likelihood: f64,
    /// ln of the density of the families' mean places and times (µm, ns), without the terms ln 2π.
    pub family_log_likelihood: f64,
    /// Where the responses say that electrons are shifted to.
    pub shift: MeanShift,
}

/// How electrons are shifted on the whole way from above a foil to below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanShift {
    /// Mean displacement of the children from the start of their parent, along x and z, µm.
    pub recorded_um: [f64; 2],
    /// The part of a shift along x and z that the fitted foil does not explain, and its standard error, µm:
    /// without a magnetic field all of it, in one that along B.
    pub unexplained_um: [[f64; 2]; 2],
}

/// Fits the parameters of [`townsend_sim::FoilStage`], without its gap, to responses by maximum likelihood.
/// The likelihood is the product of two parts that share no parameter and are fitted one after the other.
///
/// **The number of children** n of a start at distance r from the nearest hole, with pitch p, is Polya
/// distributed with mean μ = gain·extraction and k = 1 + θ, and 0 if the electron is not collected, where c
/// is the probability that it is:
///
/// P(0) = 1 − c + c (k/(k + μ))ᵏ, P(n) = c Γ(n + k)/(Γ(k) n!) (k/(k + μ))ᵏ (μ/(k + μ))ⁿ, ln(c/(1 − c)) = a +
/// b (r/p)².
///
/// The simplex of Nelder and Mead (Computer J. 7, 308, 1965) finds a, b, ln μ and ln k.
///
/// **The family** of n children has the mean place x̄, the mean time t̄, and squared deviations from these.
/// The deviations of all families give the spreads w and u of one child about its family: w² = Σ(x −
/// x̄)²/(2Σ(n − 1)), u² = Σ(t − t̄)²/Σ(n − 1). The hole h, at distance dₕ from the start, is chosen with the
/// probability πₕ ∝ exp(−dₕ²/2s²); given the hole,
///
/// x̄ ~ normal(axisₕ + retention·dₕ, σ² + w²/n), t̄ ~ normal(transit + slope·(dₕ/p)², τ² + u²/n).
///
/// In a magnetic field, with places along E × B (x, the unit vector u) and along B (z), the start is shifted
/// by `entry`·u for the choice of the hole, so that πₕ ∝ exp(−|dₕ + entry·u|²/2s²) and the collection depends
/// on the distance r of the shifted start; exit·u is added to the mean of x̄ and tilt·(dₕ·u)/p to that of t̄,
/// where dₕ is that of the start itself. w² becomes the covariance W of a child's own (x, z, t), of which xx,
/// zz, tt and xt are not 0, and (x̄, z̄, t̄) has the covariance diag(σ², σ², τ²) + W/n given the hole.
/// `entry` is found with the family, where 500 responses tell it to 3 µm, and taken for the numbers, which
/// would tell it to 20. The anisotropy `ln(w_x/w_z)/2` and the correlation xt/√(xx·tt) are those of W.
///
/// The likelihood has normal times. They are a little skewed, those that families have in common and each
/// child's own; how much follows from third moments after the fit (`families/times.rs`). The mean time is
/// then moved to that of all electrons, as avalanches weigh it, so that families of many children may come
/// later or earlier than others.
///
/// Where the mean times of families have a skewness above 1, as with a part f of electrons that are held up
/// near the metal, an exponential delay of mean λ is added to the time of a family with probability f; the
/// delay is one more unobserved number, whose posterior is a normal distribution cut off below 0. Likewise
/// for the times of single children, whose differences from their family's mean are taken as independent.
///
/// The EM algorithm (Dempster, Laird and Rubin, J. R. Stat. Soc. B 39, 1, 1977) finds s, retention, σ,
/// transit, slope and τ; its unobserved data are the holes and the place and time that the children of a
/// family have in common. It stops when the log-likelihood grows by less than 10⁻¹⁰ of itself.
///
/// Where responses were recorded under several conditions, a, ln μ and transit change in proportion to each
/// condition; the other parameters are the same under all. The foil's values are those under the conditions
/// of the first responses.
///
/// Its M step finds the means by generalised least squares, then σ and τ, s, and entry, each with the others
/// fixed.
///
/// Standard errors come from the curvature of the log-likelihood at its maximum; those of w and u are
/// w/√(4Σ(n − 1)) and u/√(2Σ(n − 1)), in a magnetic field that of the anisotropy 1/√(4Σ(n − 1)) and that of
/// the correlation ρ (1 − ρ²)/√Σ(n − 1).
///
/// # Errors
/// If there are too few families, if all starts are at the same distance from a hole, if conditions are not
/// the same in all parts or do not differ between them, if no maximum is found, or if a parameter is outside
/// the limits of a foil's description.
pub fn fit_foil(
    recorded: &[Recorded<'_>],
    lattice: Lattice,
    known: &KnownFoil,
) -> Result<FittedFoil, CascadeError> {
    let pitch_um = 1000.0 * f64::from(lattice.pitch_mm());
    within("lattice.pitch_um", pitch_um, 1.0, 10_000.0).map_err(CascadeError::Value)?;
    // Responses determine gain·extraction alone: with an extraction of 0 the gain would have no limit.
    within("extraction", known.extraction, 1e-6, 1.0).map_err(CascadeError::Value)?;
    let (ranges, scaled) = scale(recorded)?;
    let families = Families::new(&scaled, lattice, known.magnetic)?;
    let mut numbers = Numbers::new(&scaled, lattice, [0.0; 2])?;
    let family = families.fit()?;
    let direction = known.magnetic.unwrap_or_default();
    if let Some(shifts) = &family.parameters.shifts {
        numbers = Numbers::new(&scaled, lattice, direction.vector().map(|part| shifts.entry * part))?;
    }
    let number = numbers.fit()?;
    let shift = MeanShift {
        recorded_um: recorded[0].responses.mean_shift()[0],
        unexplained_um: families.unexplained(&family.parameters),
    };
    let own_late = families.own_delays();
    let times = families.time_shape(&family.parameters, own_late);
    let mut foil = foil_of(&number.parameters, &family.parameters, (families.own(), own_late), &times, known);
    let mut errors = errors_of(&foil, &number, &family, (families.free(), &times));
    for (k, range) in ranges.iter().enumerate() {
        add_condition(&mut foil, &mut errors, (k, range), &number, &family);
    }
    foil.check("the fitted foil").map_err(CascadeError::Value)?;
    Ok(FittedFoil {
        foil,
        errors: errors.0,
        starts: recorded.iter().map(|set| set.responses.starts.len()).sum(),
        families: families.len(),
        number_log_likelihood: number.log_likelihood,
        family_log_likelihood: family.log_likelihood,
        shift,
    })
}

/// The maximum of a likelihood.
struct Maximum<P> {
    /// The most likely parameters.
    parameters: P,
    /// Standard errors in the order of the parameters' `free` form; none if the responses do not determine
    /// all of them.
    errors: Option<Vec<f64>>,
    log_likelihood: f64,
}

impl<P> Maximum<P> {
    /// The standard error of the free parameter `k`, if it is known.
    fn error(&self, k: usize) -> Option<f64> {
        self.errors.as_ref().map(|errors| errors[k])
    }
}

/// The foil with these parameters, without conditions.
fn foil_of(
    number: &NumberParameters,
    family: &FamilyParameters,
    (own, own_late): (Own, Option<Delays>),
    times: &TimeShape,
    known: &KnownFoil,
) -> Foil {
    let Own { place: [across, along], time: own_time, mixed } = own;
    let magnetic = family.shifts.map(|shifts| Magnetic {
        entry_shift_um: shifts.entry,
        exit_shift_um: shifts.exit,
        exit_anisotropy: 0.25 * (across / along).ln(),
        exit_correlation: mixed / (across * own_time).sqrt(),
        transit_tilt_ns: shifts.tilt,
    });
    let delays = family.late.into_iter().chain(own_late).next().map(|_| {
        let none = Delays { fraction: 0.0, delay: 0.0 };
        let [common, own] = [family.late, own_late].map(|delays| delays.unwrap_or(none));
        Late {
            fraction: common.fraction,
            delay_ns: common.delay,
            own_fraction: own.fraction,
            own_delay_ns: own.delay,
        }
    });
    // A foil's skewness ends at ±1. Beyond it are few responses by chance, and many that delays do not
    // describe.
    let skewness = |of: Option<[f64; 2]>| of.map_or(0.0, |[value, _]| value.clamp(-1.0, 1.0));
    // Mean times of families and spreads of children hold the delays of single ones.
    let [own_mean, own_variance] = own_late.map_or([0.0; 2], |delays| [delays.mean(), delays.variance()]);
    Foil {
        lattice: None,
        collection: 1.0 / (1.0 + (-number.odds).exp()),
        collection_slope: number.odds_slope,
        gain: number.mean / known.extraction,
        theta: number.shape - 1.0,
        extraction: known.extraction,
        saturation: 0.0,
        hole_spread_um: family.hole_spread,
        offset_retention: family.offset_retention,
        common_spread_um: family.common.sqrt(),
        // The geometric mean of both spreads.
        exit_spread_um: (across * along).sqrt().sqrt(),
        transit_ns: family.transit + times.later[0] - own_mean,
        transit_slope_ns: family.transit_slope,
        common_time_spread_ns: family.common_time.sqrt(),
        common_time_skewness: skewness(times.common),
        own_time_spread_ns: (own_time - own_variance).sqrt(),
        own_time_skewness: skewness(times.own),
        gap_mm: known.gap.gap_mm,
        field_kv_cm: known.gap.field_kv_cm,
        included_mm: known.included_mm,
        magnetic,
        late: delays,
        conditions: BTreeMap::new(),
    }
}

/// The standard errors of the foil's parameters, without those of its conditions.
fn errors_of(
    foil: &Foil,
    number: &Maximum<NumberParameters>,
    family: &Maximum<FamilyParameters>,
    (free, times): (f64, &TimeShape),
) -> Errors {
    let mut errors = Errors::default();
    errors.insert("collection", number.error(0), foil.collection * (1.0 - foil.collection));
    errors.insert("collection_slope", number.error(1), 1.0);
    errors.insert("gain", number.error(2), foil.gain);
    errors.insert("theta", number.error(3), number.parameters.shape);
    errors.insert("hole_spread_um", family.error(0), foil.hole_spread_um);
    errors.insert("offset_retention", family.error(1), 1.0);
    errors.insert("common_spread_um", family.error(2), 0.5 * foil.common_spread_um);
    errors.insert("transit_ns", family.error(3).map(|error| error.hypot(times.later[1])), 1.0);
    errors.insert("transit_slope_ns", family.error(4), 1.0);
    errors.insert("common_time_spread_ns", family.error(5), 0.5 * foil.common_time_spread_ns);
    errors.insert("common_time_skewness", times.common.map(|[_, error]| error), 1.0);
    errors.insert("own_time_skewness", times.own.map(|[_, error]| error), 1.0);
    let relative = Some((0.5 / free).sqrt());
    errors.insert("exit_spread_um", relative, foil.exit_spread_um / f64::sqrt(2.0));
    errors.insert("own_time_spread_ns", relative, foil.own_time_spread_ns);
    if let Some(magnetic) = &foil.magnetic {
        errors.insert("magnetic.entry_shift_um", family.error(6), 1.0);
        errors.insert("magnetic.exit_shift_um", family.error(7), 1.0);
        errors.insert("magnetic.transit_tilt_ns", family.error(8), 1.0);
        errors.insert("magnetic.exit_anisotropy", relative, f64::sqrt(0.5));
        let free = Some(free.sqrt().recip());
        errors.insert("magnetic.exit_correlation", free, 1.0 - magnetic.exit_correlation.powi(2));
    }
    if family.parameters.late.is_some()
        && let Some(late) = &foil.late
    {
        let from = family.parameters.late_from();
        errors.insert("late.fraction", family.error(from), late.fraction * (1.0 - late.fraction));
        errors.insert("late.delay_ns", family.error(from + 1), late.delay_ns);
    }
    errors
}

/// Adds the condition number `k` to the foil, and the standard errors of what changes with it. In the fit a
/// condition is in units of its recorded range; here it is converted to its own unit.
fn add_condition(
    foil: &mut Foil,
    errors: &mut Errors,
    (k, &Range { name, first, low, high }): (usize, &Range<'_>),
    number: &Maximum<NumberParameters>,
    family: &Maximum<FamilyParameters>,
) {
    let unit = 1.0 / (high - low);
    let [collection_odds, ln_gain] = number.parameters.by_condition[k].map(|by| by * unit);
    let transit_ns = family.parameters.by_condition[k] * unit;
    let condition = Condition { value: first, range: [low, high], ln_gain, collection_odds, transit_ns };
    foil.conditions.insert(name.to_owned(), condition);
    errors.insert(&format!("conditions.{name}.collection_odds"), number.error(4 + 2 * k), unit);
    errors.insert(&format!("conditions.{name}.ln_gain"), number.error(5 + 2 * k), unit);
    errors.insert(
        &format!("conditions.{name}.transit_ns"),
        family.error(family.parameters.conditions_from() + k),
        unit,
    );
}

/// Standard errors by the names of the parameters.
#[derive(Default)]
struct Errors(BTreeMap<String, f64>);

impl Errors {
    /// Adds the error of the parameter `name`, if it is known. `error` is that of the free parameter that the
    /// fit searched in, `slope` the derivative of the named parameter by the free one.
    fn insert(&mut self, name: &str, error: Option<f64>, slope: f64) {
        self.0.extend(error.map(|error| (name.to_owned(), error * slope.abs())));
    }
}

/// The error if the search found no maximum of the likelihood of `of`.
fn no_maximum(of: &str) -> CascadeError {
    CascadeError::Foil {
        what: format!("no maximum of the likelihood of {of} was found"),
        remedy: "record more responses, from starts all over a cell",
    }
}
