//! Official simulated events of the CGEM-IT, replayed: `tests/data/README.md`.

use townsend_readout::{Digit, Digitiser, Hit, Ionise};
use townsend_sim::Detector;

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split(',').collect())
}

struct Official {
    event: u64,
    layer: u32,
    hit: Hit,
}

fn crossings() -> Vec<Official> {
    rows(include_str!("data/crossings.csv"))
        .enumerate()
        .map(|(row, f)| {
            let number = |k: usize| f[k].parse::<f64>().unwrap();
            let layer = f[1].parse().unwrap();
            let mut hit = Hit::between([2, 3, 4].map(number), [5, 6, 7].map(number));
            hit.number = row as u64;
            hit.layer = Some(layer);
            hit.deposit_kev = 1000.0 * number(11);
            Official { event: f[0].parse().unwrap(), layer, hit }
        })
        .collect()
}

fn official_digits() -> Vec<(u64, u32, Digit)> {
    rows(include_str!("data/hits.csv"))
        .map(|f| {
            let digit = Digit {
                layer: f[1].parse().unwrap(),
                sheet: f[2].parse().unwrap(),
                view: u8::from(f[3] == "V"),
                strip: f[4].parse().unwrap(),
                charge_fc: f[5].parse().unwrap(),
                time_ns: f[6].parse().unwrap(),
                adc: 0,
                tdc: 0,
                hit: 0,
                track: None,
            };
            (f[0].parse().unwrap(), digit.layer, digit)
        })
        .collect()
}

fn centroid<'a>(digits: impl Iterator<Item = &'a Digit> + Clone) -> Option<f64> {
    let charge: f64 = digits.clone().map(|d| f64::from(d.charge_fc)).sum();
    (charge > 0.0).then(|| digits.map(|d| f64::from(d.charge_fc) * f64::from(d.strip)).sum::<f64>() / charge)
}

/// Mean and spread.
fn moments(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    [mean, (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()]
}

/// Sums over crossings, by view.
#[derive(Default)]
struct Sums {
    crossings: f64,
    charge: [f64; 2],
    strips: [f64; 2],
    time: [f64; 2],
}

impl Sums {
    fn add<'a>(&mut self, digits: impl Iterator<Item = &'a Digit>) {
        self.crossings += 1.0;
        for digit in digits {
            let view = usize::from(digit.view);
            self.charge[view] += f64::from(digit.charge_fc);
            self.strips[view] += 1.0;
            self.time[view] += f64::from(digit.time_ns);
        }
    }

    /// Charge of X and V a crossing, X/V, strips a crossing, mean times.
    fn means(&self) -> [f64; 7] {
        let [x, v] = self.charge;
        let a = |of: [f64; 2]| of.map(|sum| sum / self.crossings);
        let [strips_x, strips_v] = a(self.strips);
        let time = |view: usize| self.time[view] / self.strips[view];
        [x / self.crossings, v / self.crossings, x / v, strips_x, strips_v, time(0), time(1)]
    }
}

/// Each crossing 200 times, beside the official hits: charges, their division, times and places, of which
/// `docs/readout.md` has the table for 1,000 times. The numbers of strips are the ones that do not agree, so
/// that for them ours are kept as they are.
#[test]
fn official_events_are_replayed() {
    const REPEATS: u64 = 200;
    let detector = Detector::from_toml(Detector::shipped("cgem_it").unwrap()).unwrap();
    let digitiser = Digitiser::new(&detector, Ionise::Clusters).unwrap();
    let official = official_digits();
    let (mut ours, mut theirs) = (Sums::default(), Sums::default());
    let mut by_layer: Vec<[Vec<f64>; 2]> = vec![Default::default(); 3];
    let (mut pulls, mut parts) = (Vec::new(), Vec::new());
    for (k, Official { event, layer, hit }) in crossings().iter().enumerate() {
        let of_crossing = |(e, l, _): &&(u64, u32, Digit)| (*e, *l) == (*event, *layer);
        let hits: Vec<Digit> = official.iter().filter(of_crossing).map(|(_, _, digit)| *digit).collect();
        theirs.add(hits.iter());
        by_layer[*layer as usize][1].push(hits.iter().map(|d| f64::from(d.charge_fc)).sum());
        let mut centroids: [Vec<f64>; 2] = Default::default();
        let their: f64 = hits.iter().map(|d| f64::from(d.charge_fc)).sum();
        let mut smaller = 0.0;
        for repeat in 0..REPEATS {
            let digitised = digitiser.event(1, (k as u64) << 24 | repeat, &[*hit]);
            assert_eq!((digitised.told.hits_outside, digitised.told.primaries_outside), (0, 0));
            ours.add(digitised.digits.iter());
            let charge = digitised.digits.iter().map(|d| f64::from(d.charge_fc)).sum();
            smaller += f64::from(charge < their);
            by_layer[*layer as usize][0].push(charge);
            for (view, centroids) in centroids.iter_mut().enumerate() {
                centroids.extend(centroid(digitised.digits.iter().filter(|d| usize::from(d.view) == view)));
            }
        }
        parts.push(smaller / REPEATS as f64);
        for (view, centroids) in centroids.iter().enumerate() {
            let [mean, spread] = moments(centroids);
            if let Some(their) = centroid(hits.iter().filter(|d| usize::from(d.view) == view)) {
                pulls.push((their - mean, (their - mean) / spread));
            }
        }
    }
    let (ours, theirs) = (ours.means(), theirs.means());
    println!("ours {ours:.2?}\nofficial {theirs:.2?}");
    // The charge of the whole is what the gains were set by.
    assert!(((ours[0] + ours[1]) / 85.09 - 1.0).abs() < 0.06, "{ours:?}");
    // The statistical error of the official X/V is a tenth.
    assert!((ours[2] / theirs[2] - 1.0).abs() < 0.1, "{ours:?} {theirs:?}");
    // After one offset of the times.
    let offset = 0.5 * (ours[5] + ours[6] - theirs[5] - theirs[6]);
    println!("offset {offset:.1} ns");
    assert!((ours[5] - offset - theirs[5]).abs() < 8.0, "{ours:?} {theirs:?}");
    assert!((ours[3] - 4.8).abs() < 0.3 && (ours[4] - 3.75).abs() < 0.3, "{ours:?}");
    for (layer, [ours, theirs]) in by_layer.iter().enumerate() {
        let ([our, _], [their, spread]) = (moments(ours), moments(theirs));
        let error = spread / (theirs.len() as f64).sqrt();
        println!("layer {layer}: {our:.1} fC, official {their:.1} +- {error:.1} fC");
        assert!((our - their).abs() < 2.0 * error, "layer {layer}");
    }
    // The part of our charges that is smaller than the official one is anything from 0 to 1 as often
    // (Kolmogorov; 1% of samples are beyond 1.63).
    parts.sort_by(f64::total_cmp);
    let n = parts.len() as f64;
    let apart = |(k, part): (usize, &f64)| (part - k as f64 / n).abs().max((part - (k + 1) as f64 / n).abs());
    let farthest = parts.iter().enumerate().map(apart).fold(0.0, f64::max) * n.sqrt();
    println!("charges of crossings: Kolmogorov's D times the root of n {farthest:.2}");
    assert!(farthest < 1.63, "{parts:?}");
    // Places: in the mean of all there is no shift, along φ or along the V strips; and within three standard
    // deviations of ours are nearly all.
    let [shift, spread] = moments(&pulls.iter().map(|pull| pull.0).collect::<Vec<_>>());
    let outside = pulls.iter().filter(|pull| pull.1.abs() > 3.0).count();
    println!(
        "{} centroids: {shift:.2} +- {spread:.2} strips, {outside} beyond 3 standard deviations",
        pulls.len()
    );
    assert_eq!(pulls.len(), 59);
    assert!(shift.abs() < 3.0 * spread / 59f64.sqrt() && spread < 1.6 && outside <= 14);
}
