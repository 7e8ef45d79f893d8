//! The verdict on a report: traffic lights by thresholds from a file, and a summary in words.
//!
//! One rule makes a light of a value with its error and its floor. Green: even `errors` standard errors above
//! it, the value is within the green limit, so that the data show it. Amber or red: the value is above the
//! green limit, and more than `errors` standard errors above its floor, so that statistics do not explain it;
//! amber up to the amber limit, red above. Grey, undecided: neither, because there are too few avalanches.

use serde::{Deserialize, Serialize};

use crate::CheckError;
use crate::report::{FloorFalls, Measure, Report};
use townsend_observables::Observable;
use townsend_observables::text::{significant, thousands};

/// Numbers of avalanches that are tried for a decision: each a tenth more than the one before, up to a
/// thousand times those there are.
const STEP: f64 = 1.1;
const STEPS: i32 = 73;

/// Thresholds as they stand in a TOML file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Number of standard errors that decide: above the value for green, above the floor for amber and red.
    errors: f64,
    /// One light for each question.
    light: Vec<Question>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    #[serde(rename = "question")]
    asked: String,
    metric: String,
    green: f64,
    amber: f64,
}

/// The colours, from good to bad; undecided stands between good and bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// Within its limit, beyond doubt.
    Green,
    /// Undecided: not beyond doubt within its limit, nor above what statistics alone give.
    Grey,
    /// Beyond the green limit: to be looked at.
    Amber,
    /// Beyond the amber limit: not to be used where it matters.
    Red,
}

impl Light {
    /// `green`, `grey`, `amber` or `red`.
    pub fn name(self) -> &'static str {
        ["green", "grey", "amber", "red"][self as usize]
    }
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// The question.
    pub question: String,
    /// The full name of the worst number that the question asks for.
    pub metric: String,
    /// Its value; none where it is infinite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The value that statistics alone give.
    pub floor: f64,
    /// Its standard error.
    pub error: f64,
    /// Limit of green.
    pub green: f64,
    /// Limit of amber.
    pub amber: f64,
    /// The answer.
    pub light: Light,
    /// For a grey light: about how many avalanches in each set, empty ones included, would decide it if the
    /// generator is as far from the real ones as it seems. None where a thousand times as many would not, or
    /// the metric never takes so many: the value lies at its limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avalanches_to_decide: Option<usize>,
}

/// The answers to all questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The worst of all lights.
    pub light: Light,
    /// The verdict in words.
    pub summary: String,
    /// Number of standard errors that decide.
    #[serde(default = "default_errors")]
    pub errors: f64,
    /// One answer for each question that the data allow.
    pub judgements: Vec<Judgement>,
}

/// The number of errors in reports that do not tell it.
fn default_errors() -> f64 {
    Thresholds::default().errors
}

impl Default for Thresholds {
    /// Those of `configs/check/default.toml`.
    fn default() -> Self {
        Self::from_toml(include_str!("../configs/check/default.toml")).unwrap_or_else(|_| unreachable!())
    }
}

impl Thresholds {
    /// Reads thresholds from the text of a TOML file.
    ///
    /// # Errors
    /// If the text is not TOML, has other keys, names an unknown metric, has an amber limit below the green
    /// one, or a number of errors that is negative.
    pub fn from_toml(text: &str) -> Result<Self, CheckError> {
        let thresholds: Self = toml::from_str(text)
            .map_err(|error| CheckError::Thresholds(error.to_string().trim_end().into()))?;
        let wrong = |question: &&Question| {
            !Report::is_metric(&question.metric)
                || question.green.partial_cmp(&question.amber).is_none_or(std::cmp::Ordering::is_gt)
        };
        match thresholds.light.iter().find(wrong) {
            Some(q) if !Report::is_metric(&q.metric) => {
                Err(CheckError::Thresholds(format!("there is no metric `{}` (\"{}\")", q.metric, q.asked)))
            }
            Some(q) => Err(CheckError::Thresholds(format!(
                "`{}`: amber = {} must be a number not below green = {}",
                q.metric, q.amber, q.green
            ))),
            None if thresholds.errors.is_nan() || thresholds.errors < 0.0 => Err(CheckError::Thresholds(
                format!("errors = {} must be a number, 0 or more", thresholds.errors),
            )),
            None => Ok(thresholds),
        }
    }

    fn light(&self, question: &Question, measure: &Measure) -> Light {
        let Some(value) = measure.value else { return Light::Red };
        if value + self.errors * measure.error <= question.green {
            Light::Green
        } else if value <= question.green.max(measure.floor + self.errors * measure.error) {
            Light::Grey
        } else if value <= question.amber {
            Light::Amber
        } else {
            Light::Red
        }
    }

    /// The number of avalanches in each set that would decide an undecided measure, of which `report` has the
    /// whole numbers.
    fn to_decide(&self, question: &Question, measure: &Measure, report: &Report) -> Option<usize> {
        let decided =
            |times: &f64| self.light(question, &projected(measure, *times, self.errors)) != Light::Grey;
        let times = (1..=STEPS).map(|k| STEP.powi(k)).find(decided)?;
        (times * common(measure.avalanches) <= measure.most as f64)
            .then(|| two_digits_up(times * common(report.avalanches())))
    }

    /// The answer by the worst number; none if the report does not have the metric.
    fn judge(&self, question: &Question, measures: &[Measure], report: &Report) -> Option<Judgement> {
        let of = |measure: &&Measure| measure.is(&question.metric);
        let judged = measures.iter().filter(of).map(|measure| {
            let light = self.light(question, measure);
            let to_decide =
                if light == Light::Grey { self.to_decide(question, measure, report) } else { None };
            (measure, light, to_decide)
        });
        // Of several grey numbers that which needs most avalanches.
        let rank = |&(measure, light, to_decide): &(&Measure, Light, Option<usize>)| {
            let needed = if light == Light::Grey { to_decide.unwrap_or(usize::MAX) } else { 0 };
            (light, needed, measure.value.unwrap_or(f64::INFINITY))
        };
        let (worst, light, avalanches_to_decide) = judged.max_by(|a, b| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
        })?;
        Some(Judgement {
            question: question.asked.clone(),
            metric: worst.name.clone(),
            value: worst.value,
            floor: worst.floor,
            error: worst.error,
            green: question.green,
            amber: question.amber,
            light,
            avalanches_to_decide,
        })
    }
}

/// What a measure would be with `times` as many avalanches, if what it is above its floor is a difference of
/// the generator: the floor falls as it does, and the error as 1/√n. Of a square that is at its floor the
/// error falls as 1/n, because there it is a square of fluctuations too.
fn projected(measure: &Measure, times: f64, errors: f64) -> Measure {
    let floor = match measure.floor_falls {
        FloorFalls::AsRoot => measure.floor / times.sqrt(),
        FloorFalls::AsSquare => measure.floor / times,
        FloorFalls::Never => measure.floor,
    };
    let at_floor = measure.value.is_some_and(|value| value <= measure.floor + errors * measure.error);
    let error = match measure.floor_falls {
        FloorFalls::AsSquare if at_floor => measure.error / times,
        _ => measure.error / times.sqrt(),
    };
    let value = measure.value.map(|value| match measure.floor_falls {
        // What does not fall is not part of the value either.
        FloorFalls::Never => value,
        FloorFalls::AsRoot | FloorFalls::AsSquare => (value - measure.floor).max(0.0) + floor,
    });
    Measure { value, floor, error, ..measure.clone() }
}

/// Of two sets of n and m avalanches the number in each of two equal sets with the same errors: 2/(1/n +
/// 1/m).
fn common([n, m]: [usize; 2]) -> f64 {
    2.0 / (1.0 / n as f64 + 1.0 / m as f64)
}

/// A number rounded up to two significant digits.
fn two_digits_up(number: f64) -> usize {
    let unit = 10f64.powf(number.log10().floor() - 1.0).max(1.0);
    ((number / unit).ceil() * unit) as usize
}

impl Verdict {
    /// Judges a report by thresholds.
    pub fn of(report: &Report, thresholds: &Thresholds) -> Self {
        let measures = report.measures();
        let judgements: Vec<Judgement> = thresholds
            .light
            .iter()
            .filter_map(|question| thresholds.judge(question, &measures, report))
            .collect();
        let light = judgements.iter().map(|judgement| judgement.light).max().unwrap_or(Light::Green);
        let summary = summary(report, &judgements, light);
        Self { light, summary, errors: thresholds.errors, judgements }
    }

    /// Number of lights of this colour.
    pub fn count(&self, light: Light) -> usize {
        self.judgements.iter().filter(|judgement| judgement.light == light).count()
    }
}

fn summary(report: &Report, judgements: &[Judgement], light: Light) -> String {
    let mut said = vec![overall(judgements, light)];
    said.extend(sizes(report));
    said.extend(worst(judgements));
    said.extend(variety(report));
    said.extend(classifier(report));
    said.extend(on_cells(report));
    said.join(" ")
}

fn overall(judgements: &[Judgement], light: Light) -> String {
    let count = |wanted: Light| judgements.iter().filter(|j| j.light == wanted).count();
    let [green, grey, amber, red] = [Light::Green, Light::Grey, Light::Amber, Light::Red].map(count);
    let all = judgements.len();
    let undecided = if grey > 0 { format!(", {grey} undecided") } else { String::new() };
    let told = match light {
        Light::Green => return format!("All {all} lights are green."),
        Light::Grey => format!("{green} of {all} lights are green, none amber or red{undecided}."),
        Light::Amber => format!("{green} of {all} lights are green, {amber} amber, none red{undecided}."),
        Light::Red => format!("{red} of {all} lights are red, {amber} amber, {green} green{undecided}."),
    };
    [Some(told), would_decide(judgements)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// How many avalanches would decide the grey lights.
fn would_decide(judgements: &[Judgement]) -> Option<String> {
    let grey = judgements.iter().filter(|j| j.light == Light::Grey);
    let (within, beyond): (Vec<_>, Vec<_>) = grey.map(|j| j.avalanches_to_decide).partition(Option::is_some);
    let most = within.iter().flatten().max().map(|&n| thousands(n as u64));
    match (most, beyond.len()) {
        (None, 0) => None,
        (Some(most), 0) => {
            Some(format!("For these there are too few avalanches: about {most} in each set would decide."))
        }
        (Some(most), _) => Some(format!(
            "About {most} avalanches in each set would decide {}; the others lie at their limits.",
            within.len()
        )),
        (None, _) => Some("These lie at their limits; more avalanches hardly decide.".to_string()),
    }
}

/// The differences of the means that are asked for first: size, width and spread in time.
fn sizes(report: &Report) -> Option<String> {
    let relative = |name: &str, what: &str| {
        let found = report.observables.get(name)?;
        let (real, generated) = (found.real, found.generated);
        let change = 100.0 * (generated.mean / real.mean - 1.0);
        // Relative variance of a mean, for the error of the ratio of two means.
        let error = |s: crate::SampleSummary| (s.std / s.mean).powi(2) / s.avalanches as f64;
        let error = 100.0 * (error(real) + error(generated)).sqrt();
        (change.is_finite() && error.is_finite()).then(|| format!("{what} by {change:+.1} ± {error:.1}%"))
    };
    let parts: Vec<String> = [("n_electrons", "size"), ("rms_x", "width in x"), ("rms_t", "spread in time")]
        .into_iter()
        .filter_map(|(name, what)| relative(name, what))
        .collect();
    (!parts.is_empty()).then(|| format!("Generated means differ from the real ones: {}.", parts.join(", ")))
}

fn worst(judgements: &[Judgement]) -> Option<String> {
    let bad: Vec<String> = judgements
        .iter()
        .filter(|judgement| judgement.light > Light::Grey)
        .map(|j| {
            let value = j.value.map_or("no number".to_string(), |value| significant(value, 2));
            format!("{} = {value} (floor {}, {})", j.metric, significant(j.floor, 2), j.light.name())
        })
        .collect();
    (!bad.is_empty()).then(|| format!("What is off: {}.", bad.join("; ")))
}

fn variety(report: &Report) -> Option<String> {
    let (coverage, precision) = (report.coverage.as_ref()?, report.precision.as_ref()?);
    // If the halves of the real set have no variety, there is nothing to compare with.
    if !(coverage.floor > 0.0 && precision.floor > 0.0) {
        return None;
    }
    let of =
        |score: &crate::Score| format!("{:.0}% of what real halves reach", 100.0 * score.value / score.floor);
    Some(format!("It covers {} and is precise to {}.", of(coverage), of(precision)))
}

fn classifier(report: &Report) -> Option<String> {
    let test = report.c2st.as_ref()?;
    let details = test.details.get("trees")?;
    let auc = format!("{:.3} ± {:.3}", test.auc.value, test.auc.error.unwrap_or(0.0));
    let largest = details.learning.last()?.avalanches;
    let Some(from) = details.wins_from else {
        return Some(format!(
            "Trees do not tell {largest} avalanches from as many real ones by more than three errors (AUC {auc})."
        ));
    };
    let clear = details.importance.iter().filter(|i| i.loss_of_auc > 2.0 * i.error).take(3);
    let names: Vec<&str> =
        clear.map(|i| i.name.as_str()).filter(|n| Observable::named(n).is_some()).collect();
    let by = if names.is_empty() { String::new() } else { format!(", most by {}", names.join(", ")) };
    Some(format!("Trees tell it from real with AUC {auc}{by}; {from} avalanches a set are enough for that."))
}

fn on_cells(report: &Report) -> Option<String> {
    let test = report.c2st.as_ref()?;
    let auc = |score: &crate::Score| format!("{:.3} ± {:.3}", score.value, score.error.unwrap_or(0.0));
    let (network, trees) = (test.auc_low_level.as_ref()?, test.auc_cells_trees.as_ref()?);
    Some(format!(
        "From the cells a convolutional network gets AUC {}, trees on summaries of them {}.",
        auc(network),
        auc(trees)
    ))
}

#[cfg(test)]
mod tests;
