use rand_distr::{Distribution, Normal};
use townsend_core::{Dataset, ElectronSet, Purpose, Silent, stream};

use super::*;
use townsend_observables::ObservableOptions;

const TEST: Purpose = Purpose::new("conditions test");

/// Avalanches with conditions spaced evenly from 0 to 1, whose mean in x follows the condition or its
/// reverse.
fn avalanches(n: usize, reverse: bool, seed: u64) -> (Observables, Vec<f64>) {
    let mut set = ElectronSet::default();
    let conditions: Vec<f64> = (0..n).map(|k| (k as f64 + 0.5) / n as f64).collect();
    for (k, &condition) in conditions.iter().enumerate() {
        let mut random = stream(seed, TEST, k as u64);
        let center = if reverse { 1.0 - condition } else { condition };
        let normal = Normal::new(center, 0.2).unwrap();
        let mut draw = || -> Vec<f32> { (0..30).map(|_| normal.sample(&mut random) as f32).collect() };
        let (x, z) = (draw(), draw());
        if k % 10 == 0 { set.push(&[], &[], &[]) } else { set.push(&x, &z, &[170.0; 30]) }
    }
    (Observables::of(&Dataset::from(set), &ObservableOptions::default(), &Silent).unwrap(), conditions)
}

#[test]
fn right_on_average_and_wrong_everywhere() {
    let ((real, real_at), (generated, generated_at)) =
        (avalanches(1_000, false, 1), avalanches(1_000, true, 2));
    let resampling = Resampling::new(1);
    let of = |observables: &Observables| observables.column(Observable::ALL[2]).unwrap().values.clone();
    let (a, b) = (of(&real), of(&generated));
    let whole = resampling.distances(&a, &b, &Binning::of(&a, &b), 0).w1_over_sigma.unwrap();
    assert!(whole.value < 4.0 * whole.floor, "the same over all conditions: {whole:?}");
    let condition = Condition { name: "place".into(), real: real_at, generated: generated_at };
    let found = by_condition(&condition, &real, &generated, &resampling).unwrap();
    assert_eq!(found.bins.len(), 5);
    // In the first bin the mean of real avalanches in x is 0.1, that of generated ones 0.9; its σ is made of
    // 0.2/√12 for the conditions in the bin and 0.2/√30 for the mean of 30 electrons.
    let first = &found.bins[0].w1_over_sigma["mean_x"];
    let sigma = (0.2f64.powi(2) / 12.0 + 0.04 / 30.0).sqrt();
    assert!((first.value - 0.8 / sigma).abs() < 1.0, "{first:?}");
    assert!(found.bins.iter().flat_map(|bin| bin.empty_fractions).all(|empty| (empty - 0.1).abs() < 0.001));
    assert_eq!(found.bins.iter().map(|bin| bin.avalanches[0]).sum::<usize>(), 1_000);
    assert!(found.bins[2].w1_over_sigma["mean_x"].value < 1.0, "in the middle they agree");
    assert!(found.bins[0].w1_over_sigma["rms_x"].value < 4.0 * found.bins[0].w1_over_sigma["rms_x"].floor);
}

#[test]
fn without_enough_different_values_there_are_no_bins() {
    let (real, at) = avalanches(1_000, false, 1);
    let of = |values: Vec<f64>| {
        let condition = Condition { name: "c".into(), real: values, generated: at.clone() };
        by_condition(&condition, &real, &real, &Resampling::new(1))
    };
    assert_eq!(of(vec![1.0; 1_000]), None);
    assert_eq!(of(vec![f64::NAN; 1_000]), None);
    let two: Vec<f64> = (0..1_000).map(|k| f64::from(k % 2)).collect();
    assert_eq!(of(two).unwrap().bins.len(), 1, "two values make one bin from 0 to 1");
    let sizes = by_size(&real, &real, &Resampling::new(1));
    assert_eq!(sizes, None, "all avalanches are as large");
}
