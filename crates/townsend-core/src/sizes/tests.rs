use proptest::prelude::*;

use super::*;
use crate::{Purpose, stream};

const TEST: Purpose = Purpose::new("size test");

fn avalanches(n: usize) -> Vec<u64> {
    let mut random = stream(1, TEST, 0);
    let gamma = Gamma::new(1.5, 1300.0).unwrap();
    (0..n).map(|i| if i % 4 == 0 { 0 } else { gamma.sample(&mut random) as u64 + 1 }).collect()
}

impl SizeModel {
    fn ln_quantile(&self, probability: f64) -> f64 {
        let FilledSizes::LnN(ln_n) = &self.filled else { panic!("{self:?}") };
        ln_quantile(ln_n, probability)
    }
}

#[test]
fn a_polya_has_the_moments_of_the_data() {
    let real = avalanches(4000);
    let model =
        SizeModel::fit(&real, &SizeConfig { form: SizeForm::Polya, ..SizeConfig::default() }).unwrap();
    let FilledSizes::Polya(PolyaSizes { mean, theta }) = model.filled else { panic!("{model:?}") };
    // The data are Gamma(1.5, 1300): Polya with θ = 0.5 and mean 1950, known to 1/√3000 of their spread.
    assert!((mean / 1950.0 - 1.0).abs() < 0.06 && (theta - 0.5).abs() < 0.15, "{mean} {theta}");
    let drawn: Vec<f64> = samples(&model, 20_000).into_iter().filter(|&n| n > 0).map(|n| n as f64).collect();
    let of = drawn.iter().sum::<f64>() / drawn.len() as f64;
    assert!((of / mean - 1.0).abs() < 0.03, "{of} for {mean}");
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<SizeModel>(&text).unwrap(), model);
    let alike =
        SizeModel::fit(&[7, 7, 7], &SizeConfig { form: SizeForm::Polya, ..SizeConfig::default() }).unwrap();
    assert_eq!(samples(&alike, 10), [7; 10]);
}

fn samples(model: &SizeModel, n: u64) -> Vec<u64> {
    let mut random = stream(2, TEST, 0);
    (0..n).map(|_| model.sample(&mut random)).collect()
}

/// Largest distance of the empirical distribution functions.
fn kolmogorov_smirnov(a: &[u64], b: &[u64]) -> f64 {
    let below = |list: &[u64], x: u64| list.iter().filter(|&&n| n <= x).count() as f64 / list.len() as f64;
    a.iter().map(|&x| (below(a, x) - below(b, x)).abs()).fold(0.0, f64::max)
}

#[test]
fn sizes_follow_those_of_the_training_data() {
    let real = avalanches(2000);
    let model = SizeModel::fit(&real, &SizeConfig::default()).unwrap();
    assert!((model.empty - 0.25).abs() < 1e-12);
    let drawn = samples(&model, 20_000);
    let empty = drawn.iter().filter(|&&n| n == 0).count() as f64 / 20_000.0;
    assert!((empty - 0.25).abs() < 4.0 * (0.25f64 * 0.75 / 20_000.0).sqrt());
    let kept = |list: &[u64]| list.iter().copied().filter(|&n| n > 0).collect::<Vec<_>>();
    let distance = kolmogorov_smirnov(&kept(&real), &kept(&drawn));
    // 1.36/√n is the 95% point for 15,000 draws from the very same distribution: 0.011.
    assert!(distance < 0.02, "{distance}");
}

#[test]
fn nothing_is_drawn_outside_the_training_range() {
    let real = avalanches(500);
    let model = SizeModel::fit(&real, &SizeConfig { knots: 16, ..SizeConfig::default() }).unwrap();
    let drawn = samples(&model, 20_000);
    let smallest = real.iter().filter(|&&n| n > 0).min();
    assert!(drawn.iter().filter(|&&n| n > 0).min() >= smallest);
    assert!(drawn.iter().max() <= real.iter().max());
    assert_eq!(model.ln_quantile(1.0).exp().round() as u64, *real.iter().max().unwrap());
    assert_eq!(model.ln_quantile(0.0).exp().round() as u64, *smallest.unwrap());
}

#[test]
fn the_probabilities_of_a_table_are_those_of_its_values() {
    let model = SizeModel::fit(&avalanches(300), &SizeConfig::default()).unwrap();
    let FilledSizes::LnN(ln_n) = &model.filled else { panic!("{model:?}") };
    let probabilities = model.probabilities().unwrap();
    assert_eq!((probabilities.len(), probabilities[0], probabilities[63]), (64, 0.0, 1.0));
    for (probability, ln_n) in probabilities.into_iter().zip(ln_n) {
        assert!((model.ln_quantile(probability) - ln_n).abs() < 1e-9, "{probability}");
    }
    let parts = SizeConfig { form: SizeForm::Polya, ..SizeConfig::default() };
    assert_eq!(SizeModel::fit(&avalanches(300), &parts).unwrap().probabilities(), None);
}

#[test]
fn one_avalanche_is_enough_and_none_is_an_error() {
    let model = SizeModel::fit(&[7], &SizeConfig::default()).unwrap();
    assert_eq!(samples(&model, 10), [7; 10]);
    assert!(matches!(
        SizeModel::fit(&[0, 0], &SizeConfig::default()),
        Err(SizeError::NothingToLearn { avalanches: 2 })
    ));
    assert!(matches!(
        SizeModel::fit(&[], &SizeConfig::default()),
        Err(SizeError::NothingToLearn { avalanches: 0 })
    ));
}

#[test]
fn damage_is_noticed() {
    let model = SizeModel::fit(&avalanches(100), &SizeConfig { knots: 4, ..SizeConfig::default() }).unwrap();
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<SizeModel>(&text).unwrap(), model);
    for bad in [
        r#"{"empty":1.0,"ln_n":[0.0,1.0]}"#,
        r#"{"empty":0.0,"ln_n":[2.0,1.0]}"#,
        r#"{"empty":0.0,"ln_n":[1.0]}"#,
        r#"{"empty":0.0,"polya":{"mean":1950.0,"theta":-1.5}}"#,
        r#"{"empty":0.0,"polya":{"mean":0.0,"theta":0.5}}"#,
        r#"{"empty":0.0,"polya":{"mean":1950.0,"theta":0.5},"ln_n":[0.0,1.0]}"#,
        r#"{"empty":0.0,"parts":[]}"#,
        r#"{"empty":0.0}"#,
    ] {
        assert!(serde_json::from_str::<SizeModel>(bad).is_err(), "{bad}");
    }
}

fn mixture_of(sizes: &[u64]) -> SizeModel {
    let config = SizeConfig { form: SizeForm::NegativeBinomialMixture, ..SizeConfig::default() };
    SizeModel::fit(sizes, &config).unwrap()
}

fn mixture_draws(sizes: &SizeModel, count: usize) -> Vec<u64> {
    let mut random = stream(1, Purpose::new("test"), 0);
    (0..count).map(|_| sizes.sample(&mut random)).collect()
}

/// Draws from the fit are as near to the numbers as other draws from the truth.
#[test]
fn a_mixture_is_found() {
    let part = |weight, mean, shape| SizePart { weight, mean, shape };
    let parts = vec![part(0.3, 100.0, 0.8), part(0.7, 2000.0, 3.0)];
    let truth = SizeModel { empty: 0.25, filled: FilledSizes::Parts(parts) };
    let drawn = mixture_draws(&truth, 20_000);
    let fitted = mixture_of(&drawn);
    fitted.check().unwrap();
    assert!((fitted.empty - 0.25).abs() < 0.01);
    let mut again = mixture_draws(&fitted, 20_000);
    let mut drawn = drawn;
    drawn.sort_unstable();
    again.sort_unstable();
    let distance: f64 =
        drawn.iter().zip(&again).map(|(&a, &b)| (a as f64 - b as f64).abs()).sum::<f64>() / 20_000.0;
    assert!(distance < 40.0, "{distance}");
}

#[test]
fn odd_numbers_give_a_distribution() {
    for odd in [vec![1], vec![1, 1, 1], vec![0, 5], vec![7; 30], vec![1, 1_000_000]] {
        let sizes = mixture_of(&odd);
        sizes.check().unwrap();
        let mean = mixture_draws(&sizes, 2000).iter().sum::<u64>() as f64 / 2000.0;
        let expected = odd.iter().sum::<u64>() as f64 / odd.len() as f64;
        assert!((mean - expected).abs() < 0.2 * expected, "{odd:?}: {mean} {sizes:?}");
    }
}

proptest! {
    #[test]
    fn quantiles_never_fall(sizes in prop::collection::vec(0u64..100_000, 1..200), knots in 2usize..80) {
        prop_assume!(sizes.iter().any(|&n| n > 0));
        let model = SizeModel::fit(&sizes, &SizeConfig { knots, ..SizeConfig::default() }).unwrap();
        let quantiles: Vec<f64> = (0..=1000).map(|i| model.ln_quantile(f64::from(i) / 1000.0)).collect();
        prop_assert!(quantiles.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
