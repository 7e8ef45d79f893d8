//! The number of electrons of an avalanche.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma};
use serde::{Deserialize, Serialize};

use crate::{ConfigError, ModelError};

/// How the number of electrons is learned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SizeConfig {
    /// The form of the distribution.
    pub form: SizeForm,
    /// Points of the quantile function that are kept, with `quantiles`.
    pub knots: usize,
}

/// The form of the distribution of the number of electrons of avalanches that are not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeForm {
    /// Its quantile function at a few probabilities: no form is assumed.
    Quantiles,
    /// Polya's, with the mean and the variance of the data (the usual description of a single stage; several follow it badly).
    Polya,
}

impl Default for SizeConfig {
    fn default() -> Self {
        Self { form: SizeForm::Quantiles, knots: 64 }
    }
}

impl SizeConfig {
    /// Refuses a number of knots that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.knots {
            2..=65_536 => Ok(()),
            knots => Err(ConfigError::new("size.knots", knots, "must be from 2 to 65536")),
        }
    }
}

/// The distribution of the number of electrons: the fraction of empty avalanches, and for the others a form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSizeModel")]
pub struct SizeModel {
    empty: f64,
    #[serde(flatten)]
    filled: Filled,
}

/// Avalanches that are not empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Filled {
    /// The quantile function of ln n with straight lines between the probabilities (1 − cos(π i / (k − 1))) / 2, which lie close where
    /// the tails are steep.
    LnN(Vec<f64>),
    /// p(n) ∝ (n / mean)^theta exp(−(1 + theta) n / mean).
    Polya { mean: f64, theta: f64 },
}

#[derive(Deserialize)]
struct RawSizeModel {
    empty: f64,
    #[serde(flatten)]
    filled: Filled,
}

/// More electrons than a cell can count: 2³².
const MOST_LN_N: f64 = 22.2;

impl TryFrom<RawSizeModel> for SizeModel {
    type Error = String;

    fn try_from(RawSizeModel { empty, filled }: RawSizeModel) -> Result<Self, String> {
        let valid = match &filled {
            Filled::LnN(ln_n) => {
                let ascending = ln_n.windows(2).all(|pair| pair[0] <= pair[1]);
                ln_n.len() > 1 && ascending && ln_n.iter().all(|value| (0.0..=MOST_LN_N).contains(value))
            }
            Filled::Polya { mean, theta } => {
                *mean >= 1.0 && mean.ln() <= MOST_LN_N && *theta > -1.0 && theta.is_finite()
            }
        };
        if valid && (0.0..1.0).contains(&empty) {
            Ok(Self { empty, filled })
        } else {
            Err("the model of the number of electrons is damaged".into())
        }
    }
}

impl SizeModel {
    /// Learns from the numbers of electrons of avalanches, empty ones included.
    pub fn fit(sizes: &[u64], config: &SizeConfig) -> Result<Self, ModelError> {
        config.check()?;
        let filled: Vec<f64> = sizes.iter().filter(|&&n| n > 0).map(|&n| n as f64).collect();
        if filled.is_empty() {
            return Err(ModelError::NothingToLearn(sizes.len()));
        }
        let empty = 1.0 - filled.len() as f64 / sizes.len() as f64;
        let filled = match config.form {
            SizeForm::Quantiles => Filled::LnN(ln_quantiles(&filled, config.knots)),
            SizeForm::Polya => polya(&filled),
        };
        Ok(Self { empty, filled })
    }

    /// Fraction of avalanches without electrons.
    pub fn empty_fraction(&self) -> f64 {
        self.empty
    }

    /// Draws a number of electrons.
    pub fn sample(&self, random: &mut impl Rng) -> u64 {
        if random.random::<f64>() < self.empty {
            return 0;
        }
        let n = match &self.filled {
            Filled::LnN(ln_n) => ln_quantile(ln_n, random.random()).exp(),
            Filled::Polya { mean, theta } => {
                let shape = 1.0 + theta;
                // A checked model has a positive shape and scale.
                Gamma::new(shape, mean / shape).map_or(*mean, |gamma| gamma.sample(random))
            }
        };
        (n.min(MOST_LN_N.exp()).round() as u64).max(1)
    }
}

/// Quantiles of ln n at `knots` probabilities.
fn ln_quantiles(sizes: &[f64], knots: usize) -> Vec<f64> {
    let mut ln_n: Vec<f64> = sizes.iter().map(|n| n.ln()).collect();
    ln_n.sort_by(f64::total_cmp);
    (0..knots).map(|knot| interpolate(&ln_n, probability(knot, knots - 1))).collect()
}

/// Polya's distribution with the mean and the variance of `sizes`: 1 + θ = mean² / variance (Alkhazov 1970). Sizes that do not vary have a
/// narrow one.
fn polya(sizes: &[f64]) -> Filled {
    let n = sizes.len() as f64;
    let mean = sizes.iter().sum::<f64>() / n;
    let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / n;
    Filled::Polya { mean, theta: mean * mean / variance.max(1e-6 * mean * mean) - 1.0 }
}

/// The quantile of ln n at a `probability` from 0 to 1.
fn ln_quantile(ln_n: &[f64], probability: f64) -> f64 {
    let last = ln_n.len() - 1;
    // The inverse of `probability(knot, last)`.
    let angle = (1.0 - 2.0 * probability.clamp(0.0, 1.0)).acos();
    let knot = ((angle / std::f64::consts::PI * last as f64) as usize).min(last - 1);
    let (low, high) = (self::probability(knot, last), self::probability(knot + 1, last));
    let part = ((probability - low) / (high - low)).clamp(0.0, 1.0);
    ln_n[knot] + part * (ln_n[knot + 1] - ln_n[knot])
}

fn probability(knot: usize, last: usize) -> f64 {
    (1.0 - (std::f64::consts::PI * knot as f64 / last as f64).cos()) / 2.0
}

/// Quantile of sorted values with straight lines between them.
fn interpolate(sorted: &[f64], probability: f64) -> f64 {
    let position = probability * (sorted.len() - 1) as f64;
    let below = (position as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use townsend_core::{Purpose, stream};

    use super::*;

    const TEST: Purpose = Purpose::new("size test");

    fn avalanches(n: usize) -> Vec<u64> {
        let mut random = stream(1, TEST, 0);
        let gamma = Gamma::new(1.5, 1300.0).unwrap();
        (0..n).map(|i| if i % 4 == 0 { 0 } else { gamma.sample(&mut random) as u64 + 1 }).collect()
    }

    impl SizeModel {
        fn ln_quantile(&self, probability: f64) -> f64 {
            let Filled::LnN(ln_n) = &self.filled else { panic!("{self:?}") };
            ln_quantile(ln_n, probability)
        }
    }

    #[test]
    fn a_polya_has_the_moments_of_the_data() {
        let real = avalanches(4000);
        let model =
            SizeModel::fit(&real, &SizeConfig { form: SizeForm::Polya, ..SizeConfig::default() }).unwrap();
        let Filled::Polya { mean, theta } = model.filled else { panic!("{model:?}") };
        // The data are Gamma(1.5, 1300): Polya with θ = 0.5 and mean 1950, known to 1/√3000 of their spread.
        assert!((mean / 1950.0 - 1.0).abs() < 0.06 && (theta - 0.5).abs() < 0.15, "{mean} {theta}");
        let drawn: Vec<f64> =
            samples(&model, 20_000).into_iter().filter(|&n| n > 0).map(|n| n as f64).collect();
        let of = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((of / mean - 1.0).abs() < 0.03, "{of} for {mean}");
        let text = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<SizeModel>(&text).unwrap(), model);
        let alike =
            SizeModel::fit(&[7, 7, 7], &SizeConfig { form: SizeForm::Polya, ..SizeConfig::default() })
                .unwrap();
        assert_eq!(samples(&alike, 10), [7; 10]);
    }

    fn samples(model: &SizeModel, n: u64) -> Vec<u64> {
        let mut random = stream(2, TEST, 0);
        (0..n).map(|_| model.sample(&mut random)).collect()
    }

    /// Largest distance of the empirical distribution functions.
    fn kolmogorov_smirnov(a: &[u64], b: &[u64]) -> f64 {
        let below =
            |list: &[u64], x: u64| list.iter().filter(|&&n| n <= x).count() as f64 / list.len() as f64;
        a.iter().map(|&x| (below(a, x) - below(b, x)).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn sizes_follow_those_of_the_training_data() {
        let real = avalanches(2000);
        let model = SizeModel::fit(&real, &SizeConfig::default()).unwrap();
        assert!((model.empty_fraction() - 0.25).abs() < 1e-12);
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
    fn one_avalanche_is_enough_and_none_is_an_error() {
        let model = SizeModel::fit(&[7], &SizeConfig::default()).unwrap();
        assert_eq!(samples(&model, 10), [7; 10]);
        assert!(matches!(
            SizeModel::fit(&[0, 0], &SizeConfig::default()),
            Err(ModelError::NothingToLearn(2))
        ));
        assert!(matches!(SizeModel::fit(&[], &SizeConfig::default()), Err(ModelError::NothingToLearn(0))));
    }

    #[test]
    fn damage_is_noticed() {
        let model =
            SizeModel::fit(&avalanches(100), &SizeConfig { knots: 4, ..SizeConfig::default() }).unwrap();
        let text = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<SizeModel>(&text).unwrap(), model);
        for bad in [
            r#"{"empty":1.0,"ln_n":[0.0,1.0]}"#,
            r#"{"empty":0.0,"ln_n":[2.0,1.0]}"#,
            r#"{"empty":0.0,"ln_n":[1.0]}"#,
            r#"{"empty":0.0,"polya":{"mean":1950.0,"theta":-1.5}}"#,
            r#"{"empty":0.0,"polya":{"mean":0.0,"theta":0.5}}"#,
        ] {
            assert!(serde_json::from_str::<SizeModel>(bad).is_err(), "{bad}");
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
}
