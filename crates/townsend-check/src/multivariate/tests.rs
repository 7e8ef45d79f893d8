use rand_distr::{Distribution, Normal};

use super::*;

const TEST: Purpose = Purpose::new("multivariate test");

/// `n` rows of independent Gaussians with these means and spreads.
fn gaussians(n: usize, means: &[f64], sigmas: &[f64], index: u64) -> FeatureRows {
    let mut random = stream(5, TEST, index);
    let normals: Vec<_> = means.iter().zip(sigmas).map(|(&m, &s)| Normal::new(m, s).unwrap()).collect();
    (0..n).map(|_| normals.iter().map(|normal| normal.sample(&mut random)).collect()).collect()
}

#[test]
fn frechet_of_a_shift_is_its_square() {
    let a = gaussians(400, &[0.0, 1.0, 2.0], &[1.0, 2.0, 0.5], 0);
    let moved: FeatureRows = a.iter().map(|row| vec![row[0] + 3.0, row[1], row[2] - 4.0]).collect();
    assert!(frechet_distance(&a, &a) < 1e-10);
    assert!((frechet_distance(&a, &moved) - 25.0).abs() < 1e-10);
}

/// Between N(0, σ²) and N(0, s²σ²) it is (1 − s)² σ², in any rotated frame.
#[test]
fn frechet_of_a_scale_is_that_of_the_spreads() {
    let a = gaussians(400, &[0.0, 0.0], &[1.0, 3.0], 1);
    let scaled: FeatureRows = a.iter().map(|row| row.iter().map(|v| 1.5 * v).collect()).collect();
    let variance: f64 = (0..2)
        .map(|c| {
            let mean = a.iter().map(|row| row[c]).sum::<f64>() / 400.0;
            a.iter().map(|row| (row[c] - mean).powi(2)).sum::<f64>() / 399.0
        })
        .sum();
    let means: f64 = (0..2).map(|c| (0.5 * a.iter().map(|row| row[c]).sum::<f64>() / 400.0).powi(2)).sum();
    let expected = 0.25 * variance + means;
    assert!((frechet_distance(&a, &scaled) - expected).abs() < 1e-10);
    let rotate = |rows: &FeatureRows| -> FeatureRows {
        rows.iter().map(|r| vec![0.6 * r[0] - 0.8 * r[1], 0.8 * r[0] + 0.6 * r[1]]).collect()
    };
    assert!((frechet_distance(&rotate(&a), &rotate(&scaled)) - expected).abs() < 1e-10);
}

/// For 20,000 rows the extrapolation gives the distance of the distributions: 0.3² over the square of the
/// scale.
#[test]
fn frechet_extrapolates_where_it_can() {
    let real = gaussians(20_000, &[0.0], &[1.0], 2);
    let generated = gaussians(20_000, &[0.3], &[1.0], 3);
    let score = frechet::score(&real, &generated, 1);
    let largest = real.iter().map(|row| row[0].abs()).fold(0.0, f64::max);
    let (value, error) = (score.value * largest * largest, 4.0 * 2.0 * 0.3 * (2.0f64 / 20_000.0).sqrt());
    assert!((value - 0.09).abs() < error, "{value}");
    assert!(score.method.contains("extrapolated to") && score.floor < 0.1 * score.value);
    let few = frechet::score(&real[..500].to_vec(), &generated[..500].to_vec(), 1);
    assert!(few.method.contains("not extrapolated") && few.floor > 0.0);
}

#[test]
fn a_line_is_fitted_within_its_bounds() {
    let (at_zero, error) = frechet::intercept(&[1.0, 2.0, 3.0], &[3.0, 5.0, 7.0]);
    assert!((at_zero - 1.0).abs() < 1e-12 && error < 1e-6);
    assert!((frechet::intercept(&[1.0, 2.0, 3.0], &[7.0, 5.0, 3.0]).0 - 5.0).abs() < 1e-12);
    assert_eq!(frechet::intercept(&[1.0, 2.0, 3.0], &[0.5, 2.0, 4.5]).0, 0.0);
}

/// The definition by hand, for two rows in each set: k(x, y) = (xy + 1)⁴ in one dimension.
#[test]
fn kernel_distance_by_hand() {
    let (a, b): (FeatureRows, FeatureRows) = (vec![vec![0.0], vec![1.0]], vec![vec![1.0], vec![2.0]]);
    // Within: k(0,1) = 1 and k(1,2) = 81. Across: k(0,1) + k(0,2) + k(1,1) + k(1,2) = 1 + 1 + 16 + 81.
    assert!((kernel_distance(&a, &b) - (1.0 + 81.0 - 2.0 * 99.0 / 4.0)).abs() < 1e-12);
}

/// Sets of different sizes, in two dimensions: within 3 rows the kernel sums to 44.125 over the 6 ordered
/// pairs, within 4 rows to 216.375 over 12, across to 132.1875 over 12.
#[test]
fn kernel_distance_by_hand_of_sets_of_different_sizes() {
    let rows = |rows: &[[f64; 2]]| -> FeatureRows { rows.iter().map(|row| row.to_vec()).collect() };
    let a = rows(&[[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]]);
    let b = rows(&[[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0], [1.0, 2.0]]);
    let want = 44.125 / 6.0 + 216.375 / 12.0 - 2.0 * 132.1875 / 12.0;
    assert!((kernel_distance(&a, &b) - want).abs() < 1e-12 && (kernel_distance(&b, &a) - want).abs() < 1e-12);
}

/// The score is the median of ten batches of half of the smaller set, its error half of their 16–84% range.
#[test]
fn a_score_of_the_kernel_distance_is_its_batches_in_order() {
    for (n, m) in [(20, 51), (41, 30)] {
        let (real, generated) = (gaussians(n, &[0.0], &[1.0], 20), gaussians(m, &[0.5], &[1.0], 21));
        let found = kernel::score(&real, &generated, 3);
        let batch = n.min(m) / 2;
        assert!(found.method.contains(&format!("10 batches of {batch} avalanches")), "{}", found.method);
        let (real, generated) = by_largest(&real, &generated);
        let draws = Draws::new(3, Purpose::new("kpd batch"));
        let mut values: Vec<f64> = (0..10)
            .map(|index| {
                let mut random = draws.stream(index);
                let first = choose(&real, batch, &mut random);
                kernel_distance(&first, &choose(&generated, batch, &mut random))
            })
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        let between = |low: usize, part: f64| values[low] + (values[low + 1] - values[low]) * part;
        assert!((found.value - between(4, 0.5)).abs() < 1e-12);
        // Ranks 0.16275 · 9 and 0.83725 · 9.
        let error = 0.5 * (between(7, 0.535_25) - between(1, 0.464_75));
        assert!((found.error.unwrap() - error).abs() < 1e-12 && error > 0.0);
    }
}

#[test]
fn kernel_distance_sees_a_shift_and_no_difference() {
    let real = gaussians(1_000, &[0.0, 0.0], &[1.0, 1.0], 4);
    let same = kernel::score(&real, &gaussians(1_000, &[0.0, 0.0], &[1.0, 1.0], 5), 1);
    assert!(same.value.abs() < 5.0 * same.floor + 5.0 * same.error.unwrap());
    let moved = kernel::score(&real, &gaussians(1_000, &[1.0, 0.0], &[1.0, 1.0], 6), 1);
    assert!(moved.value > 10.0 * same.value.abs() && moved.value > 10.0 * moved.floor);
}

#[test]
fn neighbours_of_equal_and_of_disjoint_sets() {
    let a = gaussians(300, &[0.0, 0.0], &[1.0, 1.0], 7);
    let same = neighbours(&a, &a);
    // Every row lies at distance 0 from itself, within the k-th neighbour's distance.
    assert_eq!((same.precision, same.recall, same.coverage), (1.0, 1.0, 1.0));
    let far = neighbours(&a, &gaussians(300, &[100.0, 0.0], &[1.0, 1.0], 8));
    assert_eq!((far.precision, far.recall, far.density, far.coverage), (0.0, 0.0, 0.0, 0.0));
}

/// Each of two rows occurs a hundred times: the sixth nearest is at distance 0, and equal rows still lie
/// within.
#[test]
fn rows_that_repeat_cover_each_other() {
    let repeated: FeatureRows = (0..200).map(|i| vec![f64::from(i % 2)]).collect();
    let same = neighbours(&repeated, &repeated);
    assert_eq!((same.precision, same.recall, same.coverage), (1.0, 1.0, 1.0));
    let one: FeatureRows = vec![vec![0.0]; 200];
    let half = neighbours(&repeated, &one);
    assert_eq!((half.precision, half.recall, half.coverage), (1.0, 0.5, 0.5));
}

/// A single generated point, repeated, is precise but covers almost nothing: coverage shows this, precision
/// does not.
#[test]
fn a_collapsed_generator_is_precise_and_covers_nothing() {
    let real = gaussians(500, &[0.0, 0.0], &[1.0, 1.0], 9);
    let collapsed = gaussians(500, &[0.0, 0.0], &[1e-3, 1e-3], 10);
    let found = neighbours(&real, &collapsed);
    assert!(found.precision == 1.0 && found.coverage < 0.1 && found.recall < 0.1);
}

#[test]
fn auc_by_hand() {
    assert_eq!(auc(&[3.0, 4.0], &[1.0, 2.0]), 1.0);
    assert_eq!(auc(&[1.0, 1.0], &[1.0, 1.0]), 0.5);
    assert_eq!(auc(&[2.0, 1.0], &[1.0, 3.0]), (0.5 + 1.0) / 4.0);
}

/// The best possible AUC of Gaussians s apart is Φ(s/√2); trees nearly reach it.
#[test]
fn trees_reach_the_best_auc_of_shifted_gaussians() {
    let real = gaussians(1_500, &[0.0, 0.0, 0.0], &[1.0; 3], 11);
    let best = 0.760_25; // Φ(1/√2)
    let found =
        classifier_auc(RowClassifier::Trees, &real, &gaussians(1_500, &[1.0, 0.0, 0.0], &[1.0; 3], 12), 1)
            .unwrap();
    assert!(found > best - 0.04 && found < best + 0.03, "{found}");
    let same =
        classifier_auc(RowClassifier::Trees, &real, &gaussians(1_500, &[0.0; 3], &[1.0; 3], 13), 1).unwrap();
    assert!((same - 0.5).abs() < 4.0 * 0.0105, "{same}");
}

/// Means and spreads are equal, correlations opposite: only a classifier that combines both columns finds
/// this.
#[test]
fn trees_see_a_correlation() {
    let bent = |rows: FeatureRows, sign: f64| -> FeatureRows {
        rows.into_iter().map(|row| vec![row[0], sign * row[0] + 0.5 * row[1]]).collect()
    };
    let real = bent(gaussians(1_000, &[0.0; 2], &[1.0; 2], 14), 1.0);
    let generated = bent(gaussians(1_000, &[0.0; 2], &[1.0; 2], 15), -1.0);
    assert!(classifier_auc(RowClassifier::Trees, &real, &generated, 1).unwrap() > 0.85);
}

/// A network finds a shift and a correlation as well as trees do.
#[test]
fn a_network_reaches_the_best_auc_too() {
    let of = |real: &FeatureRows, generated: &FeatureRows| {
        classifier_auc(RowClassifier::Network, real, generated, 1).unwrap()
    };
    let real = gaussians(1_500, &[0.0, 0.0, 0.0], &[1.0; 3], 11);
    let found = of(&real, &gaussians(1_500, &[1.0, 0.0, 0.0], &[1.0; 3], 12));
    assert!(found > 0.760_25 - 0.04 && found < 0.760_25 + 0.03, "{found}");
    let same = of(&real, &gaussians(1_500, &[0.0; 3], &[1.0; 3], 13));
    assert!((same - 0.5).abs() < 4.0 * 0.0105, "{same}");
    let bent = |rows: FeatureRows, sign: f64| -> FeatureRows {
        rows.into_iter().map(|row| vec![row[0], sign * row[0] + 0.5 * row[1]]).collect()
    };
    let up = bent(gaussians(1_000, &[0.0; 2], &[1.0; 2], 14), 1.0);
    let down = bent(gaussians(1_000, &[0.0; 2], &[1.0; 2], 15), -1.0);
    assert!(of(&up, &down) > 0.85);
}

#[test]
fn isotonic_pools_what_falls() {
    assert_eq!(isotonic(&[0.0, 1.0, 0.0, 1.0]), [0.0, 0.5, 0.5, 1.0]);
    assert_eq!(isotonic(&[1.0, 0.0, 0.0]), [1.0 / 3.0; 3]);
    assert_eq!(isotonic(&[]), [0.0; 0]);
}

/// The divergence of Gaussians one σ apart from their true probabilities is 0.1591 bit (numerical integral).
#[test]
fn divergence_of_known_probabilities() {
    let column = |shift: f64, index| -> Vec<f64> {
        gaussians(20_000, &[shift], &[1.0], index).into_iter().map(|row| row[0]).collect()
    };
    let probability = |x: &f64| 1.0 / (1.0 + (0.5 - x).exp());
    let of = |values: Vec<f64>| values.iter().map(probability).collect::<Vec<f64>>();
    let (real, generated) = (of(column(0.0, 20)), of(column(1.0, 21)));
    let found = divergence(&generated, &real);
    assert!((found - jensen_shannon(1.0)).abs() < 0.008, "{found} {}", jensen_shannon(1.0));
    // The calibration undoes any monotonic change of the probabilities.
    let bent = |p: &[f64]| p.iter().map(|p| p.powi(5)).collect::<Vec<f64>>();
    assert!((divergence(&bent(&generated), &bent(&real)) - found).abs() < 1e-12);
    assert!(divergence(&of(column(0.0, 22)), &real) < 0.004);
}

/// Jensen-Shannon divergence of two Gaussians by numerical integration, in bits.
fn jensen_shannon(shift: f64) -> f64 {
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let part = |x: f64| {
        let (p, q) = (density(x), density(x - shift));
        0.5 * (p * (2.0 * p / (p + q)).log2() + q * (2.0 * q / (p + q)).log2())
    };
    (-800..=1_000).map(|k| part(f64::from(k) * 0.01) * 0.01).sum()
}

#[test]
fn a_classifier_says_what_gave_it_away_and_how_many_it_needed() {
    let names = ["a", "b", "c"].map(String::from);
    let told = |real, generated| {
        classifier::test_columns::<Trees>("rows", &names, [real, generated], 1, Work::default()).unwrap()
    };
    let real = gaussians(1_100, &[0.0; 3], &[1.0; 3], 23);
    let moved = gaussians(1_100, &[0.0, 0.8, 0.0], &[1.0; 3], 24);
    let (score, details) = told(&real, &moved);
    // The best possible AUC is Φ(0.8/√2) = 0.714; with so few rows trees overfit. The floor is 0.5 within its
    // error.
    assert!(score.value > 0.63 && score.value < 0.73 && (score.floor - 0.5).abs() < 0.05, "{score:?}");
    let error = score.error.unwrap();
    assert!(error > 0.008 && error < 0.014, "{error}");
    assert_eq!(details.importance[0].name, "b");
    assert!(details.importance[0].loss_of_auc > 0.1 && details.importance[1].loss_of_auc < 0.03);
    assert_eq!(
        details.learning.iter().map(|l| l.avalanches).collect::<Vec<_>>(),
        [125, 250, 500, 1_000, 1_100]
    );
    assert!(details.wins_from.unwrap() <= 500, "{:?}", details.learning);
    assert_eq!(details.roc[0], [0.0, 0.0]);
    assert_eq!(details.roc.last(), Some(&[1.0, 1.0]));
    assert!(details.roc.windows(2).all(|w| w[0][0] <= w[1][0] && w[0][1] <= w[1][1]));
    assert!(details.calibration.iter().map(|bin| bin[2]).sum::<f64>() == 2_200.0);
    assert!(details.divergence > 0.02 && details.divergence < 0.12, "{}", details.divergence);
    assert!(
        details.ratio_spread > 0.5 && details.effective_share < 0.8,
        "{} {}",
        details.ratio_spread,
        details.effective_share
    );
    let same = gaussians(1_100, &[0.0; 3], &[1.0; 3], 25);
    let (_, none) = told(&real, &same);
    assert_eq!(none.wins_from, None);
    assert!(none.divergence < 0.01 && none.ratio_spread < 0.3, "{} {}", none.divergence, none.ratio_spread);
}

#[test]
fn correlations_of_known_rows() {
    let mix = |rows: FeatureRows, r: f64| -> FeatureRows {
        let rest = (1.0 - r * r).sqrt();
        rows.into_iter().map(|row| vec![row[0], r * row[0] + rest * row[1], row[2]]).collect()
    };
    let real = mix(gaussians(4_000, &[0.0; 3], &[1.0; 3], 26), 0.8);
    let same = mix(gaussians(4_000, &[0.0; 3], &[1.0; 3], 27), 0.8);
    let other = mix(gaussians(4_000, &[0.0; 3], &[1.0; 3], 28), 0.5);
    let names = ["a", "b", "c"].map(String::from);
    let same = correlation::correlations(&names, &real, &same, 1).unwrap();
    // The error of a coefficient r is (1 − r²)/√n.
    assert!((same.real[0][1] - 0.8).abs() < 4.0 * 0.36 / 4_000f64.sqrt());
    assert_eq!((same.real[0][1], same.real[2][2]), (same.real[1][0], 1.0));
    let distance = same.largest_difference;
    assert!(distance.value < 4.0 * distance.floor && distance.floor < 0.06, "{distance:?}");
    let other = correlation::correlations(&names, &real, &other, 1).unwrap();
    assert!((other.largest_difference.value - 0.3).abs() < 0.05, "{:?}", other.largest_difference);
    assert_eq!(other.largest_pair, ["a", "b"]);
    let rms = other.largest_difference.value / 3f64.sqrt();
    assert!((other.rms_difference.value - rms).abs() < 0.01);
    assert_eq!(
        correlation_matrix(&vec![vec![1.0, 2.0], vec![1.0, 3.0]])[0][1],
        0.0,
        "no spread, no correlation"
    );
}

#[test]
fn a_generator_that_repeats_itself_is_found() {
    let real = gaussians(1_000, &[0.0; 4], &[1.0; 4], 29);
    let fresh = gaussians(1_000, &[0.0; 4], &[1.0; 4], 30);
    // By construction it is a hundredth for the real rows, and about as much for new ones.
    assert_eq!(duplicates(&real, &real), 0.01);
    assert!(duplicates(&real, &fresh) < 0.03);
    // A tenth of the rows occurs twice: 200 of 1,000 have a twin.
    let twice: FeatureRows = fresh[..900].iter().chain(&fresh[..100]).cloned().collect();
    let found = duplicates(&real, &twice);
    assert!((0.2..0.23).contains(&found), "{found}");
    let score = memorisation::duplicates_score(&real, &twice, 1);
    assert!(score.value > 0.19 && score.floor < 0.03 && score.error.unwrap() < 0.02, "{score:?}");
}

#[test]
fn a_generator_that_learnt_by_heart_is_found() {
    let held_back = gaussians(800, &[0.0; 4], &[1.0; 4], 31);
    let training = gaussians(800, &[0.0; 4], &[1.0; 4], 32);
    let honest = gaussians(800, &[0.0; 4], &[1.0; 4], 33);
    assert_eq!(nearer_to_training(&held_back, &training, &training), 1.0);
    assert_eq!(nearer_to_training(&held_back, &held_back, &honest), 0.5, "ties are halves");
    let score = memorisation::memorisation_score(&held_back, &training, &honest, 1);
    assert!((score.value - 0.5).abs() < 4.0 * score.error.unwrap(), "{score:?}");
    // Half of the rows are training avalanches with a little noise, so that the fraction is ¾.
    let noise = gaussians(800, &[0.0; 4], &[1e-3; 4], 34);
    let copied: FeatureRows = (0..800)
        .map(|k| {
            if k % 2 == 0 {
                training[k].iter().zip(&noise[k]).map(|(a, b)| a + b).collect()
            } else {
                honest[k].clone()
            }
        })
        .collect();
    let score = memorisation::memorisation_score(&held_back, &training, &copied, 1);
    assert!((score.value - 0.75).abs() < 4.0 * score.error.unwrap(), "{score:?}");
}

/// Rows of one distribution cannot be told apart, however few they are: the mean AUC of many pairs of sets is
/// 0.5. Compared over all folds at once 50 rows a set gave 0.493 ± 0.004.
#[test]
fn the_auc_of_equal_sets_is_a_half_for_few_rows_too() {
    for (n, m) in [(12, 17), (50, 73)] {
        for kind in [RowClassifier::Trees, RowClassifier::Network] {
            let sets = 40;
            let of = |k: u64| {
                let (a, b) = (
                    gaussians(n, &[0.0; 4], &[1.0; 4], 1_000 + 2 * k),
                    gaussians(m, &[0.0; 4], &[1.0; 4], 1_001 + 2 * k),
                );
                classifier_auc(kind, &a, &b, k).unwrap()
            };
            let aucs: Vec<f64> = (0..sets).map(of).collect();
            let mean = aucs.iter().sum::<f64>() / sets as f64;
            let variance = aucs.iter().map(|auc| (auc - mean).powi(2)).sum::<f64>() / (sets - 1) as f64;
            let error = (variance / sets as f64).sqrt();
            assert!((mean - 0.5).abs() <= 4.0 * error, "{n}, {m}: {mean} ± {error}");
        }
    }
    let few = gaussians(4, &[0.0], &[1.0], 0);
    assert!(classifier_auc(RowClassifier::Trees, &few, &few, 1).unwrap_err().contains("4 and 4 rows"));
}
