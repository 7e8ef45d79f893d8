//! Clusters of neighbouring strips, and where the particle crossed the middle of the drift gap.

use std::ops::Range;

use crate::digit::Digit;

/// Neighbouring strips of a view with digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Layer, sheet and view of its strips.
    pub layer: u32,
    /// The sheet in the layer.
    pub sheet: u32,
    /// 0 for X, 1 for V.
    pub view: u8,
    /// Its strips.
    pub strips: Range<u32>,
    /// The sum of their charges, fC.
    pub charge_fc: f64,
    /// The earliest of their times, ns.
    pub time_ns: f64,
    /// The middle of the strips weighted by their charges, in pitches: strip i is from i to i + 1.
    pub centroid: f64,
    /// Mean time weighted by charge, ns.
    pub mean_time_ns: f64,
    /// How far places and times deviate from their means, weighted by charge: variance of the place
    /// (pitches²), covariance with the time (pitches·ns), variance of the time (ns²).
    pub moments: [f64; 3],
}

/// The clusters of the digits of an event, which are by layer, sheet, view and strip, as
/// [`crate::Digitised::digits`] are: strips without one between them.
///
/// ```
/// # use townsend_readout::{Digit, clusters};
/// # let [layer, sheet, adc, tdc, strip] = [0; 5];
/// # let (view, hit, charge_fc, time_ns) = (0, 0, 0.0, 100.0);
/// # let all = Digit { layer, sheet, view, strip, charge_fc, time_ns, adc, tdc, hit, track: None };
/// # let digit = |strip, charge_fc| Digit { strip, charge_fc, ..all };
/// let found = clusters(&[digit(7, 10.0), digit(8, 30.0), digit(11, 5.0)]);
/// assert_eq!((found[0].strips.clone(), found[0].centroid, found[1].charge_fc), (7..9, 8.25, 5.0));
/// ```
pub fn clusters(digits: &[Digit]) -> Vec<Cluster> {
    let place = |digit: &Digit| (digit.layer, digit.sheet, digit.view);
    digits.chunk_by(|a, b| place(a) == place(b) && a.strip + 1 == b.strip).map(Cluster::of).collect()
}

impl Cluster {
    /// The cluster of neighbouring digits, at least one.
    fn of(digits: &[Digit]) -> Self {
        let first = digits[0];
        let charge_fc: f64 = digits.iter().map(|digit| f64::from(digit.charge_fc)).sum();
        let points = || {
            digits.iter().map(|digit| {
                // Strips without any charge, as rounded, weigh the same.
                let weight = if charge_fc > 0.0 {
                    f64::from(digit.charge_fc) / charge_fc
                } else {
                    1.0 / digits.len() as f64
                };
                [f64::from(digit.strip) + 0.5, f64::from(digit.time_ns), weight]
            })
        };
        let mean = |k: usize| points().map(|point| point[2] * point[k]).sum::<f64>();
        let (centroid, mean_time_ns) = (mean(0), mean(1));
        let moment = |of: fn([f64; 2]) -> f64| {
            points().map(|[at, t, weight]| weight * of([at - centroid, t - mean_time_ns])).sum::<f64>()
        };
        Self {
            layer: first.layer,
            sheet: first.sheet,
            view: first.view,
            strips: first.strip..first.strip + digits.len() as u32,
            charge_fc,
            time_ns: digits.iter().map(|digit| f64::from(digit.time_ns)).fold(f64::INFINITY, f64::min),
            centroid,
            mean_time_ns,
            moments: [moment(|[x, _]| x * x), moment(|[x, t]| x * t), moment(|[_, t]| t * t)],
        }
    }

    /// Where the track is in the middle of the drift gap, in pitches, by the times of the strips: a straight
    /// line through the points (strip, drift velocity × time), weighted by charge, with errors in both (W. E.
    /// Deming, Statistical Adjustment of Data, 1943), at the time of electrons from the middle of the gap. It
    /// is the centroid, moved along the line by how far from the middle the charge is on average, and at most
    /// to the end of the cluster, since all charge of the track is in it. None for a strip alone, or if
    /// strips and times are not correlated.
    pub fn micro_tpc(&self, by: &MicroTpc) -> Option<f64> {
        let [places, both, times] = self.moments;
        if self.strips.len() < 2 || both == 0.0 {
            return None;
        }
        // In pitches for each ns; errors of a strip's place and of its time.
        let ratio = PLACE_VARIANCE / by.time_spread_ns.powi(2);
        let difference = places - ratio * times;
        let slope = (difference + (difference.powi(2) + 4.0 * ratio * both.powi(2)).sqrt()) / (2.0 * both);
        let at = self.centroid + slope * (by.middle_ns - self.mean_time_ns);
        Some(at.clamp(f64::from(self.strips.start), f64::from(self.strips.end)))
    }
}

/// Variance of a place within a strip, pitches².
const PLACE_VARIANCE: f64 = 1.0 / 12.0;

/// What the place by times depends on, besides the strips. The drift velocity is not among it: a line through
/// places and times at a time needs none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MicroTpc {
    /// When strips see electrons from the middle of the drift gap, ns.
    pub middle_ns: f64,
    /// Standard error of a strip's time, ns.
    pub time_spread_ns: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digit(strip: u32, charge_fc: f32, time_ns: f32) -> Digit {
        Digit { layer: 1, sheet: 0, view: 0, strip, charge_fc, time_ns, adc: 0, tdc: 0, hit: 0, track: None }
    }

    /// Strips on a straight line, in place and time: the place at any time is that of the line, whatever the
    /// charges are.
    #[test]
    fn a_line_is_found_again() {
        let digits: Vec<Digit> = [5.0, 20.0, 3.0, 11.0]
            .iter()
            .zip(10..)
            .map(|(&q, k)| digit(k, q, 200.0 + 20.0 * k as f32))
            .collect();
        let found = clusters(&digits);
        assert_eq!((found.len(), found[0].strips.clone(), found[0].charge_fc), (1, 10..14, 39.0));
        for (middle_ns, at) in [(400.0, 10.5), (430.0, 12.0), (700.0, 14.0)] {
            let place = found[0].micro_tpc(&MicroTpc { middle_ns, time_spread_ns: 10.0 }).unwrap();
            assert!((place - at).abs() < 1e-6, "{place}");
        }
        assert!((found[0].time_ns - 400.0).abs() < 1e-9);
    }

    #[test]
    fn gaps_and_views_part_clusters() {
        let other = Digit { view: 1, ..digit(4, 1.0, 1.0) };
        let found = clusters(&[digit(1, 1.0, 1.0), digit(2, 3.0, 9.0), digit(4, 1.0, 1.0), other]);
        assert_eq!(found.iter().map(|c| c.strips.len()).collect::<Vec<_>>(), [2, 1, 1]);
        assert!((found[0].centroid - 2.25).abs() < 1e-12 && (found[0].mean_time_ns - 7.0).abs() < 1e-12);
        assert_eq!(found[1].micro_tpc(&MicroTpc { middle_ns: 0.0, time_spread_ns: 5.0 }), None);
        assert!(clusters(&[]).is_empty());
    }
}
