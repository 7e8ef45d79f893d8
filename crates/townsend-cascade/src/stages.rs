//! The fit of all stages of a cascade to recorded responses of single foils.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use townsend_core::Work;
use townsend_sim::{Arrangement, Detector, Direction, Foil, Gas, Lattice};

use crate::{CascadeConfig, CascadeError, FittedFoil, KnownFoil, Recorded, Responses, Result, fit_foil};

/// The responses of a stage, as a configuration (`model.stages`) names them.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a stage is the name of its responses, or a list such as [{ name = \"a1\", voltage_v = 275.0 }, …]"
)]
pub enum StageData {
    /// The name of the responses.
    Named(String),
    /// Responses under several conditions.
    Under(Vec<Conditioned>),
}

/// Responses and the conditions that they were recorded under.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Conditioned {
    /// The name of the responses.
    pub name: String,
    /// Conditions, such as a voltage, by name.
    #[serde(flatten)]
    pub conditions: BTreeMap<String, f64>,
}

impl StageData {
    fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Under(parts) => parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(" + "),
        }
    }

    /// The name of the first responses.
    fn first(&self) -> &str {
        match self {
            Self::Named(name) => name,
            Self::Under(parts) => parts.first().map_or("", |part| &part.name),
        }
    }

    /// The names of all its responses.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Named(name) => vec![name.clone()],
            Self::Under(parts) => parts.iter().map(|part| part.name.clone()).collect(),
        }
    }

    /// Looks up the stage's responses, by name, among those that were given.
    fn among<'a>(&self, responses: &'a BTreeMap<String, Responses>) -> Result<Vec<Recorded<'a>>> {
        let parts = match self {
            Self::Named(name) => &vec![Conditioned { name: name.clone(), conditions: BTreeMap::new() }],
            Self::Under(parts) => parts,
        };
        let find = |part: &Conditioned| {
            let found = responses.get(&part.name).ok_or_else(|| CascadeError::NoResponses {
                name: part.name.clone(),
                given: responses.keys().cloned().collect(),
            })?;
            Ok(Recorded { responses: found, conditions: part.conditions.clone() })
        };
        parts.iter().map(find).collect()
    }
}

/// The result of the fit of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageFit {
    /// The name of its responses; several are joined by ` + `.
    pub name: String,
    /// Number of responses.
    pub starts: usize,
    /// Responses with at least one electron.
    pub families: usize,
    /// ln of the probability of the numbers of children of all responses.
    pub number_log_likelihood: f64,
    /// ln of the density of the families' mean places and times, as in [`crate::FittedFoil`].
    pub family_log_likelihood: f64,
    /// Standard errors of the foil's parameters, by their names in `detector.toml`; those of parameters that
    /// the responses do not determine are missing.
    pub errors: BTreeMap<String, f64>,
}

/// The results of the fits of all stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagesFit {
    /// The stages, from the top.
    pub stages: Vec<StageFit>,
}

/// Electrons simulated from each recorded start, to compare the fitted foil with what was recorded. Chosen,
/// not fitted: ten times as many electrons as recorded have a much smaller statistical error.
const TIMES: usize = 10;

/// The distribution of one quantity of a stage's responses, such as the number of children: as recorded, and
/// as simulated with the fitted foil.
#[derive(Debug, Clone, PartialEq)]
pub struct StageDistribution {
    /// The names of the stage's responses and of the quantity.
    pub name: String,
    /// Its unit; empty for a pure number.
    pub unit: String,
    /// Its values in the recorded responses.
    pub recorded: Vec<f64>,
    /// Its values in responses of the fitted foil.
    pub fitted: Vec<f64>,
}

/// The distributions of the number of children, of their distance from the hole along x, and of their times.
fn distributions(
    name: &str,
    recorded: &Responses,
    foil: &Foil,
    (lattice, direction): (Lattice, Direction),
    seed: u64,
) -> Vec<StageDistribution> {
    let fitted = recorded.again(foil, (lattice, direction), TIMES, seed);
    let distribution = |what: &str, unit: &str, of: &dyn Fn(&Responses) -> Vec<f64>| StageDistribution {
        name: format!("{name}: {what}"),
        unit: unit.into(),
        recorded: of(recorded),
        fitted: of(&fitted),
    };
    vec![
        distribution("electrons below", "", &Responses::numbers),
        distribution("x from the hole", "µm", &|responses| responses.distances(lattice)),
        distribution("time", "ns", &Responses::times),
    ]
}

/// A cascade whose stages were fitted to responses.
#[derive(Debug)]
pub struct FittedStages {
    /// The detector with its foils as fitted.
    pub detector: Detector,
    /// The results of the fits.
    pub stages: StagesFit,
    /// For each stage, from the top, the recorded and fitted distributions under the first of its conditions.
    pub distributions: Vec<Vec<StageDistribution>>,
}

/// The shift along E × B, µm, that the gas would give an electron over the gap between the planes of a foil's
/// responses.
pub(crate) fn expected_shift_um(detector: &Detector, k: usize) -> Result<f64> {
    let gaps = detector.gaps();
    let [above_mm, below_mm] = detector.included_mm(k);
    let above_field = if k == 0 { detector.drift.field_kv_cm } else { gaps[k - 1].0.field_kv_cm };
    let tangent = |field: f64| Ok::<_, CascadeError>(detector.transport(field)?.lorentz_tangent());
    Ok(1000.0 * (above_mm * tangent(above_field)? + below_mm * tangent(gaps[k].0.field_kv_cm)?))
}

/// An error if there are more or fewer stages than the detector has.
pub(crate) fn refuse_other_number(stages: usize, detector: &Detector) -> Result<()> {
    let (what, number) = match &detector.recorded {
        Some(recorded) => ("recorded stages", recorded.stages.len()),
        None => ("foils", detector.foils.len()),
    };
    if stages == number {
        return Ok(());
    }
    Err(CascadeError::Config(format!(
        "model.stages has {stages} stages, and the detector has {number} {what}"
    )))
}

/// An error if what is fitted are foils, and the detector has recorded stages instead.
pub(crate) fn refuse_recorded(detector: &Detector) -> Result<()> {
    if detector.recorded.is_none() {
        return Ok(());
    }
    let what = "the detector has recorded stages, which have no parameters to fit; name one with foils, or set \
                model.kind = \"recorded\"";
    Err(CascadeError::Config(what.into()))
}

/// How many standard errors a shift has to be away from what it may be before it contradicts the gas.
const CERTAIN: f64 = 5.0;
/// The part of the shift expected of the gas between the planes that responses may be off by. The field in
/// the holes and near them is another than in the gaps: at 1 T in Ar/iC4H10 the shifts of three foils are
/// 0.80, 1.01 and 1.11 times those expected.
const TOLERATED: f64 = 0.6;
/// The same for shifts where none is expected, as a part of the pitch.
const TOLERATED_OF_PITCH: f64 = 0.04;

/// The angle of a vector from x towards z, whole degrees from 0 to 359.
fn degrees(x: f64, z: f64) -> f64 {
    z.atan2(x).to_degrees().round().rem_euclid(360.0)
}

/// The error if responses are shifted otherwise than a detector's magnetic field shifts electrons.
fn contradiction(fitted: &FittedFoil, gas: &Gas, lattice: Lattice, expected_um: f64) -> Option<CascadeError> {
    let beyond = |value: f64, error: f64, tolerated: f64| value.abs() - CERTAIN * error > tolerated;
    let [unexplained, errors] = fitted.shift.unexplained_um;
    let at_most = 1000.0 * f64::from(lattice.pitch_mm()) * TOLERATED_OF_PITCH;
    let [x, z] = fitted.shift.recorded_um;
    let recorded = format!("electrons are shifted by {x:.0} µm along x and {z:.0} µm along z on average");
    let Some(magnetic) = &fitted.foil.magnetic else {
        let shifted = (0..2).any(|k| beyond(unexplained[k], errors[k], at_most));
        return shifted.then(|| CascadeError::Contradiction {
            what: format!("{recorded}, but the detector has no magnetic field (gas.magnetic_field_t = 0)"),
            remedy: format!(
                "if the responses were recorded in a magnetic field, give the detector its strength and gas.lorentz_shift_deg = \
                 {:.0}; if not, see that a hole's centre is at the origin of their coordinates",
                degrees(x, z)
            ),
        });
    };
    if expected_um <= 0.0 {
        return None;
    }
    let along = magnetic.entry_shift_um + magnetic.exit_shift_um;
    let error = |name: &str| fitted.errors.get(name).copied().unwrap_or(0.0);
    let error = error("magnetic.entry_shift_um").hypot(error("magnetic.exit_shift_um"));
    let tolerated = (TOLERATED * expected_um).max(at_most);
    let shifted =
        beyond(along - expected_um, error, tolerated) || beyond(unexplained[1], errors[1], tolerated);
    shifted.then(|| CascadeError::Contradiction {
        what: format!(
            "{recorded}, ({along:.0} ± {error:.0}) µm along gas.lorentz_shift_deg = {}, but at gas.magnetic_field_t = {} the \
             gas shifts them by {expected_um:.0} µm that way between the planes of the responses",
            gas.lorentz_shift_deg, gas.magnetic_field_t
        ),
        remedy: if x.hypot(z) > 0.4 * expected_um {
            format!(
                "if the field is right, gas.lorentz_shift_deg = {:.0} is where they are shifted to; if the angle is, see \
                 gas.magnetic_field_t and included_mm",
                degrees(x, z)
            )
        } else {
            "if the responses were recorded without a magnetic field, set gas.magnetic_field_t = 0".into()
        },
    })
}

/// The error if responses that no law is fitted to are shifted otherwise than a detector's magnetic field
/// shifts electrons, by `expected_um` between their planes.
pub(crate) fn shift_contradiction(
    responses: &Responses,
    detector: &Detector,
    expected_um: f64,
) -> Option<CascadeError> {
    let gas = &detector.gas;
    let [[x, z], errors] = responses.mean_shift();
    let [along, across] = gas.direction().along_and_across([x, z]);
    let tolerated = (TOLERATED * expected_um).max(detector.lattice.pitch_um * TOLERATED_OF_PITCH);
    let error = errors[0].max(errors[1]);
    let beyond = |shift: f64| shift.abs() - CERTAIN * error > tolerated;
    let remedy = if x.hypot(z) > 0.4 * expected_um {
        format!(
            "gas.lorentz_shift_deg = {} is where they are shifted to; see gas.magnetic_field_t too",
            degrees(x, z)
        )
    } else {
        "if the responses were recorded without a magnetic field, set gas.magnetic_field_t = 0".into()
    };
    (beyond(along - expected_um) || beyond(across)).then(|| CascadeError::Contradiction {
        what: format!(
            "electrons are shifted by {x:.0} µm along x and {z:.0} µm along z on average, but at gas.magnetic_field_t = {} \
             the gas shifts them by {expected_um:.0} µm along gas.lorentz_shift_deg = {} between the planes of the responses",
            gas.magnetic_field_t, gas.lorentz_shift_deg
        ),
        remedy,
    })
}

/// Fits the foils of a detector to the responses that a configuration names, given by their names. `seed` is
/// that of the simulated responses in [`FittedStages::distributions`]; the fit itself draws no random
/// numbers.
///
/// # Errors
/// The configuration has a value that is not allowed, or not one stage for each foil; responses are missing
/// or do not determine a foil; the work was asked to stop.
pub fn fit_stages(
    config: &CascadeConfig,
    detector: &Detector,
    responses: &BTreeMap<String, Responses>,
    seed: u64,
    work: Work<'_>,
) -> Result<FittedStages> {
    config.check()?;
    let data_of = config.model.stages.as_deref().unwrap_or_default();
    let mut detector = detector.clone();
    refuse_recorded(&detector)?;
    refuse_other_number(data_of.len(), &detector)?;
    let lattices: Vec<Lattice> = (0..data_of.len()).map(|k| detector.lattice_of(k)).collect();
    if let Some(k) = lattices.iter().position(|lattice| lattice.arrangement() != Arrangement::Hexagonal) {
        return Err(CascadeError::Config(format!(
            "foils[{k}] has no hexagonal lattice of holes, and only foils that have one are fitted to responses"
        )));
    }
    let task = work.progress.task("fitting", data_of.len() as u64);
    let (mut stages, mut rows) = (Vec::new(), Vec::new());
    let direction = detector.gas.direction();
    let magnetic = (detector.gas.magnetic_field_t > 0.0).then_some(direction);
    let expected: Result<Vec<f64>> = (0..data_of.len()).map(|k| expected_shift_um(&detector, k)).collect();
    let gas = detector.gas.clone();
    let foils = detector.foils.iter_mut().zip(lattices);
    for (((foil, lattice), stage), expected_um) in foils.zip(data_of).zip(expected?) {
        work.go_on()?;
        let recorded = stage.among(responses)?;
        let known = KnownFoil {
            extraction: foil.extraction,
            gap: foil.gap(),
            included_mm: foil.included_mm,
            magnetic,
        };
        let fitted = fit_foil(&recorded, lattice, &known)
            .and_then(|fitted| match contradiction(&fitted, &gas, lattice, expected_um) {
                Some(contradiction) => Err(contradiction),
                None => Ok(fitted),
            })
            .map_err(|source| CascadeError::Stage { responses: stage.name(), source: source.into() })?;
        let first = recorded.first().map(|first| first.responses);
        rows.extend(
            first.map(|first| distributions(stage.first(), first, &fitted.foil, (lattice, direction), seed)),
        );
        // What responses of single electrons do not tell stays as it is described.
        *foil = Foil { lattice: foil.lattice, saturation: foil.saturation, ..fitted.foil };
        stages.push(StageFit {
            name: stage.name(),
            starts: fitted.starts,
            families: fitted.families,
            number_log_likelihood: fitted.number_log_likelihood,
            family_log_likelihood: fitted.family_log_likelihood,
            errors: fitted.errors,
        });
        task.advance(1);
    }
    drop(task);
    Ok(FittedStages { detector, stages: StagesFit { stages }, distributions: rows })
}
