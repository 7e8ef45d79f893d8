//! The gain of a detector by its voltages, and what it makes of an X-ray's energy.

use std::str::FromStr;

use serde::Serialize;
use townsend_observables::text::{align, significant};
use townsend_observables::{Gain, Measured};
use townsend_page::{Figure, Trace, figure_page};
use townsend_sim::Detector;

use crate::model::Condition;
use crate::{Context, Error, Model, Result, Setting};

/// The X-rays of an iron-55 source, eV: the mean of manganese's Kα lines.
const IRON_55_EV: f64 = 5_900.0;
/// The full width at half maximum of a normal distribution, in standard deviations.
const FWHM: f64 = 2.355;
/// Most points of a scan. Chosen, not fitted.
const MOST_POINTS: f64 = 1_000.0;

/// Sums of the foils' voltages from one value to another; written `760:865:15`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The sums, V.
    pub sums_v: Vec<f64>,
}

impl FromStr for Scan {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts: Option<Vec<f64>> = text
            .split(':')
            .map(|part| part.trim().parse().ok().filter(|value: &f64| value.is_finite()))
            .collect();
        let Some([from, to, step]) = parts.as_deref() else {
            return Err(format!("`{text}` is not FROM:TO:STEP, with numbers of volts, such as 760:865:15"));
        };
        // The end belongs to it, if the step leads there within rounding.
        let steps = ((to - from) / step + 1e-9).floor();
        if !(*step > 0.0 && (0.0..MOST_POINTS).contains(&steps)) {
            return Err(format!(
                "`{text}` has no voltages or more than {MOST_POINTS}; write FROM:TO:STEP with a step above 0"
            ));
        }
        Ok(Self { sums_v: (0..=steps as u32).map(|k| from + f64::from(k) * step).collect() })
    }
}

impl Scan {
    /// A setting for each of its sums, over what else shall be.
    pub fn settings(&self, over: &Setting) -> Vec<Setting> {
        let at = |&sum: &f64| {
            let mut setting = over.clone();
            setting.conditions.push(Condition { name: "voltage_sum_v".into(), values: vec![sum] });
            setting
        };
        self.sums_v.iter().map(at).collect()
    }
}

/// The gain under one setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GainPoint {
    /// The voltage of each foil, V; empty where the detector does not say how it depends on them.
    pub voltages_v: Vec<f64>,
    /// Their sum.
    pub voltage_sum_v: Option<f64>,
    /// The gain and its fluctuation, of single electrons.
    #[serde(flatten)]
    pub gain: Gain,
    /// Full width at half maximum of the charge that an X-ray of 5.9 keV makes, over its mean: 2.355 √((F +
    /// f)/n) with the n = 5.9 keV/W electrons that it frees, their Fano factor F and the relative variance f
    /// of what one of them becomes (Alkhazov, Nucl. Instrum. Methods 89, 155, 1970). None where W and F of
    /// the gas are not known, or nothing reaches the anode.
    pub fwhm_55fe: Option<Measured>,
}

/// The gain under several settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GainCurve {
    /// The name of the detector, in words of its author.
    pub source: String,
    /// Avalanches of each point.
    pub avalanches: u64,
    /// The points, in the order of the settings.
    pub points: Vec<GainPoint>,
    /// What a user should know, such as a voltage outside the range that its effect is known in.
    pub warnings: Vec<String>,
}

/// The gain of a model of avalanches under each of these settings, from `avalanches` of them at each, at
/// least two. Every setting has the same random numbers, so that a curve is smoother than its errors.
///
/// ```
/// use townsend::{Context, Families, Scan, Setting, gain};
///
/// let detector = Families::shipped().open("microscopic_275".as_ref())?;
/// let scan: Scan = "795:855:30".parse().unwrap();
/// let curve = gain(&*detector, &scan.settings(&Setting::default()), 200, &Context::default())?;
/// let gains: Vec<f64> = curve.points.iter().map(|point| point.gain.effective.value).collect();
/// assert!(gains[0] < gains[1] && gains[1] < gains[2]);
/// println!("{}", curve.table());
/// # Ok::<(), townsend::Error>(())
/// ```
///
/// # Errors
/// The model cannot follow a setting, there are less than two avalanches, or the work was stopped.
pub fn gain(
    model: &dyn Model,
    settings: &[Setting],
    avalanches: u64,
    context: &Context<'_>,
) -> Result<GainCurve> {
    let mut warnings: Vec<String> = Vec::new();
    for setting in settings {
        for warning in model.check(setting)? {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    let task = context.progress.task("simulating", avalanches * settings.len() as u64);
    let point = |setting: &Setting| {
        let mut sizes = Vec::new();
        context.on_its_threads(|| {
            for block in model.blocks(context.seed, 0..avalanches, setting)? {
                sizes.extend((0..block.len()).map(|index| block.electrons(index)));
                task.advance(block.len() as u64);
                context.go_on()?;
            }
            Ok::<_, Error>(())
        })?;
        let gain = Gain::of(&sizes).ok_or_else(|| {
            Error::Usage(format!(
                "{avalanches} avalanches have no spread; two are the least, some thousand tell a gain"
            ))
        })?;
        let detector = model.detector_at(setting)?;
        let voltages_v = detector.as_ref().and_then(Detector::voltages).unwrap_or_default();
        let freed = detector.and_then(|detector| detector.gas.freed(IRON_55_EV));
        let fwhm_55fe = freed.zip(gain.relative_variance).map(|((fano, n), f)| {
            let value = FWHM * (fano + f.value / n).sqrt();
            Measured { value, error: 0.5 * FWHM * FWHM * f.error / n / value }
        });
        let voltage_sum_v = (!voltages_v.is_empty()).then(|| voltages_v.iter().sum());
        Ok(GainPoint { voltages_v, voltage_sum_v, gain, fwhm_55fe })
    };
    let points = settings.iter().map(point).collect::<Result<_>>()?;
    Ok(GainCurve { source: model.describe().source.clone(), avalanches, points, warnings })
}

impl GainCurve {
    /// The table of all points, its head first.
    fn rows(&self) -> Vec<Vec<String>> {
        let head = ["sum of V", "gain", "relative variance", "empty, %", "FWHM 55Fe, %"];
        let mut rows = vec![head.map(String::from).to_vec()];
        let percent =
            |of: Measured| Measured { value: 100.0 * of.value, error: 100.0 * of.error }.to_string();
        let maybe = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        rows.extend(self.points.iter().map(|point| {
            vec![
                maybe(
                    point
                        .voltage_sum_v
                        .map(|sum| significant(sum, 6).trim_end_matches('0').trim_end_matches('.').into()),
                ),
                point.gain.effective.to_string(),
                maybe(point.gain.relative_variance.map(|f| f.to_string())),
                percent(point.gain.empty),
                maybe(point.fwhm_55fe.map(percent)),
            ]
        }));
        rows
    }

    /// The points as lines of text, at most 80 columns wide.
    pub fn table(&self) -> String {
        align(&self.rows())
    }

    /// Gain, relative variance, fraction of empty avalanches and resolution against the sum of the voltages,
    /// or where this is not known, the number of the setting.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn figure(&self) -> Result<Figure> {
        let known = self.points.iter().all(|point| point.voltage_sum_v.is_some());
        let trace = |title: &str, of: &dyn Fn(&GainPoint) -> Option<Measured>| Trace {
            title: title.into(),
            points: (1..)
                .zip(&self.points)
                .filter_map(|(number, point)| {
                    let at = point.voltage_sum_v.filter(|_| known).unwrap_or(f64::from(number));
                    of(point).map(|Measured { value, error }| [at, value, error])
                })
                .collect(),
        };
        let logarithm = |of: Measured| {
            (of.value > 0.0).then(|| Measured {
                value: of.value.log10(),
                error: of.error / of.value / std::f64::consts::LN_10,
            })
        };
        let traces = [
            trace("log10 of the gain", &|point| logarithm(point.gain.effective)),
            trace("relative variance", &|point| point.gain.relative_variance),
            trace("empty avalanches", &|point| Some(point.gain.empty)),
            trace("FWHM of 55Fe", &|point| point.fwhm_55fe),
        ];
        let traces: Vec<Trace> = traces.into_iter().filter(|trace| !trace.points.is_empty()).collect();
        let x = if known { "sum of the foils' voltages [V]" } else { "setting" };
        Ok(Figure::of_traces("gain", x, &traces)?)
    }

    /// The table and the figure as a page that needs no other file.
    ///
    /// # Errors
    /// If the figure cannot be drawn.
    pub fn page(&self) -> Result<String> {
        let title = format!("Gain of {}", self.source);
        Ok(figure_page(&title, &self.warnings, &self.rows(), &self.figure()?))
    }
}
