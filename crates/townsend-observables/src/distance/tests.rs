use proptest::prelude::*;
use rand_distr::{Distribution, Normal};
use townsend_core::{Purpose, stream};

use super::*;

const TEST: Purpose = Purpose::new("distance test");

fn normal(n: usize, mean: f64, sigma: f64, index: u64) -> Vec<f64> {
    let mut random = stream(11, TEST, index);
    Normal::new(mean, sigma).unwrap().sample_iter(&mut random).take(n).collect()
}

fn distances(a: &[f64], b: &[f64]) -> Distances {
    Resampling::new(1).distances(a, b, &Binning::of(a, b), 0)
}

#[test]
fn a_shift_is_its_own_distance() {
    let a = normal(3_000, 2.0, 0.5, 0);
    let sigma = Sample::new(&a, &Binning::of(&a, &a)).std(&vec![1; a.len()]);
    for s in [0.1, 1.0, 3.0] {
        let b: Vec<f64> = a.iter().map(|v| v + s * sigma).collect();
        assert!((distances(&a, &b).w1_over_sigma.unwrap().value - s).abs() < 1e-12);
    }
}

/// KS of Gaussians s apart is 2Φ(s/2) − 1.
#[test]
fn shifted_gaussians_have_the_ks_of_theory() {
    let (a, b) = (normal(40_000, 0.0, 1.0, 0), normal(60_000, 0.5, 1.0, 1));
    let expected = 0.197_413; // 2Φ(0.25) − 1
    let error = (1.0f64 / 40_000.0 + 1.0 / 60_000.0).sqrt() * 0.5;
    assert!((kolmogorov_smirnov(&a, &b) - expected).abs() < 4.0 * error);
    // W1/σ of independent samples is the shift within its error.
    assert!((wasserstein(&a, &b) - 0.5).abs() < 4.0 * 2.0 * error);
}

/// W1 between N(0, 1) and N(0, s²) is (s − 1) E|X| = (s − 1) √(2/π).
#[test]
fn a_scale_moves_the_mean_absolute_value() {
    let a = normal(50_000, 0.0, 1.0, 3);
    let b: Vec<f64> = a.iter().map(|v| 1.5 * v).collect();
    let mean_absolute = a.iter().map(|v| v.abs()).sum::<f64>() / a.len() as f64;
    assert!((wasserstein(&a, &b) - 0.5 * mean_absolute).abs() < 1e-12);
    assert!((mean_absolute - (2.0 / std::f64::consts::PI).sqrt()).abs() < 0.01);
}

#[test]
fn identical_sets_are_nothing_apart() {
    let a = normal(500, 1.0, 2.0, 4);
    let mut shuffled = a.clone();
    shuffled.reverse();
    let d = distances(&a, &shuffled);
    assert_eq!((d.w1_over_sigma.unwrap().value, d.ks.value, d.separation_power.value), (0.0, 0.0, 0.0));
    assert_eq!(d.ks.p_value, Some(1.0));
    assert!(d.ks.floor > 0.0 && d.separation_power.interval[0] >= 0.0);
}

#[test]
fn disjoint_sets_are_as_far_as_can_be() {
    let (a, b) = (normal(500, 0.0, 1.0, 5), normal(300, 50.0, 1.0, 6));
    let d = distances(&a, &b);
    assert_eq!((d.ks.value, d.separation_power.value), (1.0, 1.0));
    assert!(d.ks.p_value.unwrap() < 1e-100);
}

#[test]
fn whole_numbers_have_a_bin_each() {
    let binning = Binning::of(&[3.0, 4.0, 4.0], &[7.0, 5.0]);
    assert_eq!((binning.low, binning.high, binning.bins), (2.5, 7.5, 5));
    assert_eq!(Sample::new(&[3.0, 4.0, 4.0], &binning).histogram(), [0, 1, 2, 0, 0, 0, 0]);
    assert_eq!(Binning::of(&[0.0, 100.0], &[1.0]).bins, 50);
    assert_eq!(Binning::of(&[0.5, 0.5], &[0.5]), Binning { low: 0.0, high: 1.0, bins: 50 });
}

#[test]
fn figures_of_few_values_have_few_bins() {
    let values = |n: usize| normal(n, 0.0, 1.0, 7);
    assert_eq!([5, 28, 1_000, 100_000].map(|n| Binning::for_figure(&values(n)).bins), [5, 6, 20, 50]);
    // 0 to 999 in 20 bins of 50 whole numbers each, less what lies beyond the outermost 0.1%.
    let whole: Vec<f64> = (0..1_000).map(f64::from).collect();
    let binning = Binning::for_figure(&whole);
    assert_eq!((binning.low.fract().abs(), binning.width()), (0.5, 50.0), "{binning:?}");
    assert_eq!(Binning::for_figure(&[4.0; 9]), Binning { low: 3.5, high: 4.5, bins: 1 });
}

#[test]
fn sizes_need_not_agree() {
    // F of {0, 1} and {0, 0, 1, 1, 1}: differ by 0.1 between 0 and 1.
    let (a, b) = ([0.0, 1.0], [0.0, 0.0, 1.0, 1.0, 1.0]);
    assert!((wasserstein(&a, &b) - 0.1).abs() < 1e-15);
    assert!((kolmogorov_smirnov(&a, &b) - 0.1).abs() < 1e-15);
    // Histograms {0.5, 0.5} and {0.4, 0.6}.
    let expected = 0.5 * (0.01 / 0.9 + 0.01 / 1.1);
    assert!((separation_power(&a, &b) - expected).abs() < 1e-15);
}

/// The floor is the mean distance of two sets of one distribution, of the sizes compared: tried on such sets.
#[test]
fn the_floor_is_what_two_real_sets_are_apart() {
    for (n, m) in [(1_000, 1_000), (4_000, 1_000), (300, 600)] {
        let (mut sums, mut floors) = ([0.0; 3], [0.0; 3]);
        for trial in 0..30 {
            let (a, b) = (normal(n, 0.0, 1.0, 100 + 2 * trial), normal(m, 0.0, 1.0, 101 + 2 * trial));
            let d = Resampling { seed: trial, halvings: 20, resamples: 0 }.distances(
                &a,
                &b,
                &Binning::of(&a, &b),
                0,
            );
            for (k, distance) in [d.w1_over_sigma.unwrap(), d.ks, d.separation_power].into_iter().enumerate()
            {
                sums[k] += distance.value;
                floors[k] += distance.floor;
            }
        }
        for (k, name) in ["W1", "KS", "separation power"].into_iter().enumerate() {
            let ratio = floors[k] / sums[k];
            assert!((0.8..1.2).contains(&ratio), "{name} of {n} against {m}: floor/distance = {ratio}");
        }
    }
}

/// The interval covers the true distance about as often as it says.
#[test]
fn the_interval_covers_the_truth_two_times_in_three() {
    let covered = (0..100)
        .filter(|trial| {
            let (a, b) = (normal(400, 0.0, 1.0, 1_000 + 2 * trial), normal(400, 0.6, 1.0, 1_001 + 2 * trial));
            let [low, high] = distances(&a, &b).w1_over_sigma.unwrap().interval;
            (low..high).contains(&0.6)
        })
        .count();
    // Binomial of 100 trials at 68%: ± 4.7.
    assert!((50..=85).contains(&covered), "{covered}");
}

#[test]
fn no_spread_means_no_ratio() {
    let d = distances(&[1.0; 20], &[2.0; 20]);
    assert_eq!(d.w1_over_sigma, None);
    assert_eq!(d.ks.value, 1.0);
    let same = distances(&[1.0; 20], &[1.0; 20]).w1_over_sigma.unwrap();
    assert_eq!((same.value, same.floor), (0.0, 0.0));
}

#[test]
fn the_seed_decides() {
    let (a, b) = (normal(200, 0.0, 1.0, 7), normal(200, 0.1, 1.0, 8));
    let with = |seed| Resampling::new(seed).distances(&a, &b, &Binning::of(&a, &b), 3);
    assert_eq!(with(1), with(1));
    assert_ne!(with(1).ks.interval, with(2).ks.interval);
    assert_ne!(with(1).ks.floor, with(2).ks.floor);
}

proptest! {
    /// Against the definition: integral and supremum of |F − G| over all steps.
    #[test]
    fn one_walk_is_the_definition(
        a in prop::collection::vec(-20i32..20, 1..40),
        b in prop::collection::vec(-20i32..20, 1..40),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) =
            (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
        let below = |s: &[f64], x: f64| s.iter().filter(|&&v| v <= x).count() as f64 / s.len() as f64;
        let steps: Vec<f64> = (-20..20).map(|k| (below(&a, f64::from(k)) - below(&b, f64::from(k))).abs()).collect();
        prop_assert!((wasserstein(&a, &b) - steps.iter().sum::<f64>()).abs() < 1e-12);
        prop_assert!((kolmogorov_smirnov(&a, &b) - steps.iter().copied().fold(0.0, f64::max)).abs() < 1e-12);
    }

    #[test]
    fn distances_stay_in_their_range(
        a in prop::collection::vec(-1e3f64..1e3, 10..60),
        b in prop::collection::vec(-1e3f64..1e3, 10..60),
    ) {
        let d = distances(&a, &b);
        for distance in [d.ks, d.separation_power] {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&distance.value));
            prop_assert!((0.0..=1.0).contains(&distance.floor));
        }
        let w1 = d.w1_over_sigma.unwrap();
        prop_assert!(w1.interval[0] <= w1.value && w1.value <= w1.interval[1]);
    }
}
