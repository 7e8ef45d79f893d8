//! How well a detector tells where particles crossed it: tracks are digitised, their strips made clusters,
//! and places compared with true ones.

mod residuals;
mod table;

use std::str::FromStr;

use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;
use townsend_core::{Purpose, stream};
use townsend_observables::Measured;
use townsend_readout::{Cluster, Digitiser, Hit, Ionise, MicroTpc, Place, clusters};
use townsend_sim::{Detector, EffectiveGain};

pub use residuals::Residuals;
use residuals::{core, measured, moments};

use crate::families::DetectorModel;
use crate::model::Condition;
use crate::{Context, Error, Model, Result, Setting};

/// Numbers that are gone through; written `0:45:5` (from, to, step) or `0,10,45`.
#[derive(Debug, Clone, PartialEq)]
pub struct Values(pub Vec<f64>);

/// Most values of a list. Chosen, not fitted.
const MOST_VALUES: usize = 1_000;

impl FromStr for Values {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let numbers = |separator: char| -> Option<Vec<f64>> {
            let number = |part: &str| part.trim().parse().ok().filter(|value: &f64| value.is_finite());
            text.split(separator).map(number).collect()
        };
        if let Some([from, to, step]) = numbers(':').as_deref() {
            // The end belongs to it, if the step leads there within rounding.
            let steps = ((to - from) / step + 1e-9).floor();
            if *step > 0.0 && (0.0..MOST_VALUES as f64).contains(&steps) {
                return Ok(Self((0..=steps as u32).map(|k| from + f64::from(k) * step).collect()));
            }
        }
        numbers(',').filter(|values| values.len() <= MOST_VALUES).map(Self).ok_or_else(|| {
            format!("`{text}` is neither FROM:TO:STEP with a step above 0 nor numbers with commas between them, at most {MOST_VALUES}")
        })
    }
}

/// What the resolution is looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolutionOptions {
    /// Angles between track and drift direction, in the plane across the strips, degrees; those above 0 lean
    /// such that the track moves to larger strips on its way to the foils.
    pub angles_deg: Vec<f64>,
    /// Magnetic fields, T; none for that of the detector.
    pub fields_t: Vec<f64>,
    /// Effective gains; none for that of the detector.
    pub gains: Vec<f64>,
    /// Conditions of the foils, such as `voltage_v`, each of which is another setting; none for that of the
    /// detector.
    pub conditions: Vec<Condition>,
    /// Thresholds, fC; none for that of the detector's chip.
    pub thresholds_fc: Vec<f64>,
    /// The strips: 0 for X, 1 for V.
    pub view: u8,
    /// Tracks of each point.
    pub tracks: u64,
}

impl Default for ResolutionOptions {
    fn default() -> Self {
        Self {
            angles_deg: vec![0.0],
            fields_t: Vec::new(),
            gains: Vec::new(),
            conditions: Vec::new(),
            thresholds_fc: Vec::new(),
            view: 0,
            tracks: 5000,
        }
    }
}

/// What was found under one setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResolutionPoint {
    /// Angle of the tracks, degrees.
    pub angle_deg: f64,
    /// Magnetic field, T.
    pub field_t: f64,
    /// Electrons at the anode for each that arrives anywhere over the first foil.
    pub gain: f64,
    /// Threshold, fC of a charge that arrives at once.
    pub threshold_fc: f64,
    /// Part of the tracks with a cluster within 5 mm.
    pub efficiency: Measured,
    /// Mean number of strips of the largest cluster, by its charge, as all that follows.
    pub strips: Measured,
    /// Its mean charge, fC.
    pub charge_fc: Measured,
    /// Mean of its earliest time after the track, ns.
    pub time_ns: Measured,
    /// Width of the core of these times, ns.
    pub time_width_ns: Measured,
    /// Of the charge centroid; none where too few tracks were seen, as in the next two.
    pub centroid: Option<Residuals>,
    /// Of the place by the times of the strips (`µTPC`), for clusters of two strips and more.
    pub micro_tpc: Option<Residuals>,
    /// Of both, merged cluster size by cluster size with the weights that make the variance least.
    pub merged: Option<Residuals>,
}

/// The resolution under several settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Resolution {
    /// The name of the detector, in words of its author.
    pub source: String,
    /// The strips, `X` or `V`.
    pub view: String,
    /// Distance between them, mm.
    pub pitch_mm: f64,
    /// Tracks of each point.
    pub tracks: u64,
    /// The points: angles are gone through first, then fields, gains, conditions, thresholds.
    pub points: Vec<ResolutionPoint>,
}

const PURPOSE: Purpose = Purpose::new("resolution");
/// A cluster farther from the track than this is not of it, mm.
const NEAR_MM: f64 = 5.0;
/// Standard error of a strip's time that the line through the times reckons with, ns. Chosen, not fitted.
const TIME_SPREAD_NS: f64 = 10.0;
/// Tracks that are digitised in parallel before it is asked whether to go on.
const BLOCK: u64 = 1024;
/// Clusters of a size that have weights of their own for merging.
const FEWEST: usize = 100;

/// The resolution of the first layer of a detector with a `[digitisation]` table, from tracks through the
/// middle of its first sheet.
///
/// True is where the track crosses the middle of the drift gap; expected is where electrons from there end on
/// average, with the Lorentz drift in gaps and foils, as it follows from the description.
///
/// ```
/// use townsend::{Context, ResolutionOptions, resolution};
///
/// let detector = townsend::detector(Some("planar_triple_gem".as_ref()))?;
/// let options = ResolutionOptions { tracks: 200, ..ResolutionOptions::default() };
/// let found = resolution(&detector, &options, &Context::default())?;
/// assert!(found.points[0].efficiency.value > 0.9);
/// println!("{}", found.table());
/// # Ok::<(), townsend::Error>(())
/// ```
///
/// # Errors
/// The detector has no `[digitisation]` or `[track]` table, a value is outside its limits, or the work was
/// stopped.
pub fn resolution(
    detector: &Detector,
    options: &ResolutionOptions,
    context: &Context<'_>,
) -> Result<Resolution> {
    if options.view > 1 {
        return Err(Error::Usage("strips are of view 0 (X) or 1 (V)".into()));
    }
    if let Some(angle) = options.angles_deg.iter().find(|angle| !(-80.0..=80.0).contains(*angle)) {
        return Err(Error::Usage(format!("an angle of {angle} degrees; it must be from -80 to 80")));
    }
    let settings = settings(detector, options)?;
    let task =
        context.progress.task("tracks", options.tracks * (settings.len() * options.angles_deg.len()) as u64);
    let mut points = Vec::new();
    let mut pitch_mm = 0.0;
    for setting in &settings {
        let digitiser = Digitiser::new(setting, Ionise::Clusters)?;
        let first = &digitiser.places()[0];
        if first.pads[0] || usize::from(options.view) >= first.views() {
            return Err(Error::Unsuited(format!(
                "the first sheet has no strips of view {}\n  hint: the resolution is that of strips; choose another view or detector",
                options.view
            )));
        }
        for &angle_deg in &options.angles_deg {
            let beam = Beam::new(&digitiser, options.view, angle_deg);
            pitch_mm = beam.pitch_mm();
            let mut seen = Vec::new();
            let mut next = 0;
            while next < options.tracks {
                context.go_on()?;
                let block = next..options.tracks.min(next + BLOCK);
                next = block.end;
                task.advance(block.end - block.start);
                let track = |index| beam.track(context.seed, index);
                seen.extend(context.on_its_threads(|| block.into_par_iter().map(track).collect::<Vec<_>>()));
            }
            points.push(ResolutionPoint {
                angle_deg,
                field_t: setting.gas.magnetic_field_t,
                gain: setting.effective_gain()?,
                threshold_fc: digitiser.threshold_fc(),
                ..point(&seen, pitch_mm)
            });
        }
    }
    let view = if options.view == 0 { "X" } else { "V" };
    Ok(Resolution {
        source: detector.name.clone(),
        view: view.into(),
        pitch_mm,
        tracks: options.tracks,
        points,
    })
}

/// The detector under every combination of fields, gains, conditions and thresholds.
fn settings(detector: &Detector, options: &ResolutionOptions) -> Result<Vec<Detector>> {
    let mut all = vec![detector.clone()];
    let each = |all: &[Detector], values: &[f64], set: &dyn Fn(&mut Detector, f64) -> Result<()>| {
        if values.is_empty() {
            return Ok(all.to_vec());
        }
        let mut made = Vec::new();
        for detector in all {
            for &value in values {
                let mut detector = detector.clone();
                set(&mut detector, value)?;
                made.push(detector);
            }
        }
        Ok::<_, Error>(made)
    };
    all = each(&all, &options.fields_t, &|detector, field| {
        detector.gas.magnetic_field_t = field;
        Ok(())
    })?;
    all = each(&all, &options.gains, &|detector, gain| {
        townsend_sim::within("gain", gain, 1e-6, 1e8)?;
        let (pressure_torr, temperature_k) =
            detector.gain.as_ref().map_or((None, None), |of| (of.pressure_torr, of.temperature_k));
        detector.gain =
            Some(EffectiveGain { effective: Some(gain), measured: Vec::new(), pressure_torr, temperature_k });
        Ok(())
    })?;
    if !options.conditions.is_empty() {
        let at = |detector: &Detector, condition: &Condition| {
            let setting = Setting { conditions: vec![condition.clone()], ..Setting::default() };
            let model = DetectorModel::new(detector.clone())?;
            Ok(model.detector_at(&setting)?.unwrap_or_else(|| detector.clone()))
        };
        let pairs = all.iter().flat_map(|detector| options.conditions.iter().map(move |one| (detector, one)));
        all = pairs.map(|(detector, condition)| at(detector, condition)).collect::<Result<_>>()?;
    }
    each(&all, &options.thresholds_fc, &|detector, threshold| {
        let electronics = detector.digitisation.as_mut().and_then(|table| table.get_mut("electronics"));
        // A detector without them is refused, with the remedy, when it is prepared.
        if let Some(electronics) = electronics.and_then(|table| table.as_table_mut()) {
            electronics.insert("threshold_fc".into(), threshold.into());
        }
        Ok(())
    })
}

/// Tracks of one angle through the middle of a sheet.
struct Beam<'a> {
    digitiser: &'a Digitiser,
    place: &'a Place,
    view: usize,
    /// Where tracks cross the middle of the drift gap in the middle of the sheet: local x and z.
    middle: [f64; 2],
    /// Direction across the strips, and how far tracks go along it for each mm towards the foils.
    across: [f64; 2],
    slope: f64,
}

/// What is seen of one track.
struct Seen {
    /// The largest cluster.
    cluster: Cluster,
    /// Where it is expected, pitches.
    expected: f64,
}

impl<'a> Beam<'a> {
    fn new(digitiser: &'a Digitiser, view: u8, angle_deg: f64) -> Self {
        // A detector that could be prepared has a layer with a sheet.
        let place = &digitiser.places()[0];
        let views = &place.sheets[0].1;
        let stretch: f64 = place.stretch.iter().map(|&stretch| f64::from(stretch)).product();
        let z = 0.5 * (place.z_mm[0] + place.z_mm[1]);
        let [x_part, z_part] = views[0].across;
        let x = (views[0].middle_mm() - z * z_part) / x_part;
        let of = views[usize::from(view)].across;
        let length = of[0].hypot(of[1]);
        Self {
            digitiser,
            place,
            view: view.into(),
            middle: [x / stretch, z],
            across: [of[0] / length, of[1] / length],
            slope: angle_deg.to_radians().tan(),
        }
    }

    fn pitch_mm(&self) -> f64 {
        self.place.sheets[0].1[self.view].pitch_mm
    }

    /// The track with this number: it crosses the middle of the gap anywhere over four pitches by four.
    fn track(&self, seed: u64, index: u64) -> Option<Seen> {
        let mut random = stream(seed, PURPOSE, index);
        let half = 2.0 * self.pitch_mm();
        let [x, z] = self.middle.map(|at| at + half * (2.0 * random.random::<f64>() - 1.0));
        let end = |height: f64| {
            let by = self.slope * (0.5 * self.place.drift_mm - height);
            self.place.point([x + by * self.across[0], z + by * self.across[1], height])
        };
        let hit = Hit { layer: Some(self.place.layer), ..Hit::between(end(self.place.drift_mm), end(0.0)) };
        let digitised = self.digitiser.event(seed, index, &[hit]);
        let [x, z] = self.digitiser.expected_end(self.place, hit.at(0.5));
        let sheet = &self.place.sheets[self.place.sheet(x, z)];
        let view = &sheet.1[self.view];
        let expected = view.at(x, z);
        let near = |cluster: &Cluster| {
            usize::from(cluster.view) == self.view
                && cluster.sheet == sheet.0
                && (cluster.centroid - expected).abs() * view.pitch_mm < NEAR_MM
        };
        let found = clusters(&digitised.digits).into_iter().filter(near);
        let cluster = found.max_by(|a, b| a.charge_fc.total_cmp(&b.charge_fc))?;
        Some(Seen { cluster, expected })
    }
}

/// Numbers of the tracks of a point, without its setting.
fn point(tracks: &[Option<Seen>], pitch_mm: f64) -> ResolutionPoint {
    let seen: Vec<&Seen> = tracks.iter().flatten().collect();
    let each = |of: &dyn Fn(&Seen) -> f64| seen.iter().map(|seen| of(seen)).collect::<Vec<f64>>();
    let mean = |values: &[f64]| moments(values)[0];
    let of_mean = |of: &dyn Fn(&Seen) -> f64| measured(&each(of), mean);
    let times = each(&|seen| seen.cluster.time_ns);
    // On average the charge of all clusters together is that of the middle of the gap.
    let middle_ns = mean(&each(&|seen| seen.cluster.mean_time_ns));
    let by = MicroTpc { middle_ns, time_spread_ns: TIME_SPREAD_NS };
    let um = 1000.0 * pitch_mm;
    let centroid = each(&|seen| um * (seen.cluster.centroid - seen.expected));
    let micro_tpc = seen.iter().map(|seen| seen.cluster.micro_tpc(&by).map(|at| um * (at - seen.expected)));
    let micro_tpc: Vec<Option<f64>> = micro_tpc.collect();
    let sizes: Vec<usize> = seen.iter().map(|seen| seen.cluster.strips.len()).collect();
    let merged = merged(&centroid, &micro_tpc, &sizes);
    ResolutionPoint {
        angle_deg: 0.0,
        field_t: 0.0,
        gain: 0.0,
        threshold_fc: 0.0,
        efficiency: fraction(seen.len(), tracks.len()),
        strips: of_mean(&|seen| seen.cluster.strips.len() as f64),
        charge_fc: of_mean(&|seen| seen.cluster.charge_fc),
        time_ns: of_mean(&|seen| seen.cluster.time_ns),
        time_width_ns: measured(&times, |times| core(times)[1]),
        centroid: Residuals::of(&centroid),
        micro_tpc: Residuals::of(&micro_tpc.iter().flatten().copied().collect::<Vec<_>>()),
        merged: Residuals::of(&merged),
    }
}

/// Both residuals with weights that sum to 1 and make the variance least, for every cluster size by itself if
/// there are enough of it: w = (v − c)/(u + v − 2c) for the centroid, with its variance u, that of the place
/// by times v, and their covariance c, of those within three core widths of both. Where there is no place by
/// times the centroid counts alone.
fn merged(centroid: &[f64], micro_tpc: &[Option<f64>], sizes: &[usize]) -> Vec<f64> {
    let pairs = |of: &dyn Fn(usize) -> bool| -> Vec<[f64; 2]> {
        let all = centroid.iter().zip(micro_tpc).zip(sizes);
        all.filter(|(_, size)| of(**size)).filter_map(|((&a, b), _)| b.map(|b| [a, b])).collect()
    };
    let weight = |pairs: &[[f64; 2]]| {
        let cores = [0, 1].map(|k| core(&pairs.iter().map(|pair| pair[k]).collect::<Vec<_>>()));
        let from = |pair: &[f64; 2]| [0, 1].map(|k| pair[k] - cores[k][0]);
        let inside = |by: &[f64; 2]| (0..2).all(|k| by[k].abs() <= 3.0 * cores[k][1]);
        let (mut u, mut v, mut c) = (0.0, 0.0, 0.0);
        for [a, b] in pairs.iter().map(from).filter(inside) {
            (u, v, c) = (u + a * a, v + b * b, c + a * b);
        }
        let sum = u + v - 2.0 * c;
        if sum > 0.0 { (v - c) / sum } else { 1.0 }
    };
    let of_all = weight(&pairs(&|_| true));
    let most = sizes.iter().copied().max().unwrap_or(0);
    let weights: Vec<f64> = (0..=most)
        .map(|size| {
            let of_size = pairs(&|other| other == size);
            if of_size.len() < FEWEST { of_all } else { weight(&of_size) }
        })
        .collect();
    let merge = |((&a, b), &size): ((&f64, &Option<f64>), &usize)| {
        b.map_or(a, |b| weights[size] * a + (1.0 - weights[size]) * b)
    };
    centroid.iter().zip(micro_tpc).zip(sizes).map(merge).collect()
}

/// A part of some, with the standard deviation of the true part given these numbers and a uniform prior
/// (Ullrich and Xu, arXiv:physics/0701199).
fn fraction(some: usize, all: usize) -> Measured {
    let (k, n) = (some as f64, all as f64);
    let mean = (k + 1.0) / (n + 2.0);
    let variance = mean * ((k + 2.0) / (n + 3.0) - mean);
    Measured { value: k / n.max(1.0), error: variance.max(0.0).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let values = |text: &str| text.parse::<Values>().map(|values| values.0);
        assert_eq!(values("0:45:15"), Ok(vec![0.0, 15.0, 30.0, 45.0]));
        assert_eq!(values("0, 1"), Ok(vec![0.0, 1.0]));
        assert_eq!(values("-10:10:20"), Ok(vec![-10.0, 10.0]));
        for wrong in ["", "0:45", "0:45:0", "5:0:1", "a", "1,b", "nan", "0:1e9:1e-9"] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }

    /// Two unbiased places with independent errors: the merged one has the width of both together; where one
    /// is missing the other counts.
    #[test]
    fn merging_is_as_good_as_the_weights() {
        let mut normal = vec![0f32; 8000];
        townsend_core::fill_normal(&mut stream(1, Purpose::new("test"), 0), &mut normal);
        let (a, b) = normal.split_at(4000);
        let a: Vec<f64> = a.iter().map(|&a| 60.0 * f64::from(a)).collect();
        let b: Vec<Option<f64>> = b.iter().map(|&b| Some(80.0 * f64::from(b))).collect();
        let [_, width] = moments(&merged(&a, &b, &vec![3; 4000]));
        assert!((width / 48.0 - 1.0).abs() < 0.05, "{width}");
        assert_eq!(merged(&a[..2], &[None, None], &[1, 1]), a[..2]);
    }

    #[test]
    fn fractions_have_errors_at_their_ends() {
        let all = fraction(1000, 1000);
        assert!(all.value > 0.9999 && all.error > 5e-4 && all.error < 2e-3);
        assert!((fraction(500, 1000).error - 0.0158).abs() < 1e-4);
    }
}
