//! Numbers drawn family by family have the distribution of electrons counted one by one.

use townsend_readout::{Digit, Digitiser, Hit, Ionise};
use townsend_sim::Detector;

/// Events drawn either way: 1,200, or as many as the environment's `EXACT_EVENTS` says.
fn events() -> u64 {
    std::env::var("EXACT_EVENTS").ok().and_then(|events| events.parse().ok()).unwrap_or(1200)
}

/// The CGEM-IT at the gains of microscopic simulation, so that electrons can be followed, with a threshold
/// and a gain of the chip that go with it, and without noise, which would hide differences.
fn digitiser(bin_ns: f64) -> Digitiser {
    let text = Detector::shipped("cgem_it").unwrap();
    let mut detector = Detector::from_toml(text).unwrap();
    detector.gain = None;
    let table = detector.digitisation.as_mut().unwrap();
    table.insert("time_bin_ns".into(), bin_ns.into());
    let electronics = table["electronics"].as_table_mut().unwrap();
    electronics.insert("noise_e".into(), 0.0.into());
    electronics.insert("threshold_fc".into(), 0.1.into());
    Digitiser::new(&detector, Ionise::Clusters).unwrap()
}

/// A crossing that leans along φ and along z.
fn crossing() -> Hit {
    Hit::between([77.0, 16.6, 20.0], [82.0, 18.8, 22.0])
}

/// What events are compared by.
const NAMES: [&str; 13] = [
    "X charge",
    "V charge",
    "X strips",
    "V strips",
    "X centroid",
    "V centroid",
    "first time",
    "last time",
    "largest charge",
    "charge beside the largest",
    "product of neighbours",
    "mean time",
    "X over V charge",
];

fn observed(digits: &[Digit]) -> [f64; 13] {
    let charge = |d: &Digit| f64::from(d.charge_fc);
    let view = |v: u8| digits.iter().filter(move |d| d.view == v);
    let sum = |v| view(v).map(charge).sum::<f64>();
    let centroid = |v| view(v).map(|d| charge(d) * f64::from(d.strip)).sum::<f64>() / sum(v).max(1e-9);
    let times = || digits.iter().map(|d| f64::from(d.time_ns));
    let largest = view(0).max_by(|a, b| a.charge_fc.total_cmp(&b.charge_fc));
    let at = |strip: u32| view(0).find(|d| d.strip == strip).map_or(0.0, charge);
    let [peak, beside] = largest.map_or([0.0; 2], |d| [charge(d), at(d.strip + 1)]);
    let neighbours = view(0).map(|d| charge(d) * at(d.strip + 1)).sum::<f64>();
    [
        sum(0),
        sum(1),
        view(0).count() as f64,
        view(1).count() as f64,
        centroid(0),
        centroid(1),
        times().fold(f64::INFINITY, f64::min).min(1e4),
        times().fold(0.0, f64::max),
        peak,
        beside,
        neighbours,
        times().sum::<f64>() / (digits.len().max(1) as f64),
        sum(0) / sum(1).max(1e-9),
    ]
}

/// χ² of two samples of the same size in bins that hold about as many of both together, and the number of
/// bins less one.
fn chi_squared(a: &[f64], b: &[f64]) -> (f64, f64) {
    let mut all: Vec<f64> = a.iter().chain(b).copied().collect();
    all.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (1..16).map(|k| all[k * all.len() / 16]).collect();
    edges.dedup();
    let counts = |of: &[f64]| {
        let mut counts = vec![0f64; edges.len() + 1];
        for value in of {
            counts[edges.partition_point(|edge| edge <= value)] += 1.0;
        }
        counts
    };
    let pairs = || counts(a).into_iter().zip(counts(b)).filter(|(a, b)| a + b > 0.0);
    (pairs().map(|(a, b)| (a - b).powi(2) / (a + b)).sum(), pairs().count() as f64 - 1.0)
}

#[test]
fn families_and_electrons_agree() {
    // Electrons have finer bins of time, and 64 places within a strip instead of 8.
    let (by_families, by_electrons) = (digitiser(5.0), digitiser(2.5));
    let (hits, events) = ([crossing()], events());
    let (mut fast, mut slow): ([Vec<f64>; 13], [Vec<f64>; 13]) = Default::default();
    for index in 0..events {
        // Other indices, so that the two share no random numbers.
        let families = observed(&by_families.event(3, index, &hits).digits);
        let electrons = observed(&by_electrons.event_by_electrons(3, events + index, &hits).digits);
        fast.iter_mut().zip(families).for_each(|(column, value)| column.push(value));
        slow.iter_mut().zip(electrons).for_each(|(column, value)| column.push(value));
    }
    let mut wrong = Vec::new();
    for (name, (a, b)) in NAMES.iter().zip(fast.iter().zip(&slow)) {
        let (chi, degrees) = chi_squared(a, b);
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
        println!("{name:26} {:8.3} {:8.3}  {chi:6.1} / {degrees}", mean(a), mean(b));
        // Four standard deviations of χ².
        if chi > degrees + 4.0 * (2.0 * degrees).sqrt() {
            wrong.push(format!("{name}: {chi} / {degrees}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The comparison sees a change of the gain by a tenth.
#[test]
fn the_comparison_can_fail() {
    let values = |scale: f64| -> Vec<f64> {
        let of = digitiser(5.0);
        let charge = |index| observed(&of.event(4, index, &[crossing()]).digits)[0];
        (0..events()).map(|index| scale * charge(index)).collect()
    };
    let (chi, degrees) = chi_squared(&values(1.0), &values(1.25));
    assert!(chi > degrees + 4.0 * (2.0 * degrees).sqrt(), "{chi} {degrees}");
}
