use rand_distr::{Distribution, Normal};

use super::*;

const TEST: Purpose = Purpose::new("multivariate test");

/// `n` rows of independent Gaussians with these means and spreads.
fn gaussians(n: usize, means: &[f64], sigmas: &[f64], index: u64) -> Rows {
    let mut random = stream(5, TEST, index);
    let normals: Vec<_> = means.iter().zip(sigmas).map(|(&m, &s)| Normal::new(m, s).unwrap()).collect();
    (0..n).map(|_| normals.iter().map(|normal| normal.sample(&mut random)).collect()).collect()
}

#[test]
fn frechet_of_a_shift_is_its_square() {
    let a = gaussians(400, &[0.0, 1.0, 2.0], &[1.0, 2.0, 0.5], 0);
    let moved: Rows = a.iter().map(|row| vec![row[0] + 3.0, row[1], row[2] - 4.0]).collect();
    assert!(frechet_distance(&a, &a) < 1e-10);
    assert!((frechet_distance(&a, &moved) - 25.0).abs() < 1e-10);
}

/// Between N(0, σ²) and N(0, s²σ²) it is (1 − s)² σ², in any rotated frame.
#[test]
fn frechet_of_a_scale_is_that_of_the_spreads() {
    let a = gaussians(400, &[0.0, 0.0], &[1.0, 3.0], 1);
    let scaled: Rows = a.iter().map(|row| row.iter().map(|v| 1.5 * v).collect()).collect();
    let variance: f64 = (0..2)
        .map(|c| {
            let mean = a.iter().map(|row| row[c]).sum::<f64>() / 400.0;
            a.iter().map(|row| (row[c] - mean).powi(2)).sum::<f64>() / 399.0
        })
        .sum();
    let means: f64 = (0..2).map(|c| (0.5 * a.iter().map(|row| row[c]).sum::<f64>() / 400.0).powi(2)).sum();
    let expected = 0.25 * variance + means;
    assert!((frechet_distance(&a, &scaled) - expected).abs() < 1e-10);
    let rotate = |rows: &Rows| -> Rows {
        rows.iter().map(|r| vec![0.6 * r[0] - 0.8 * r[1], 0.8 * r[0] + 0.6 * r[1]]).collect()
    };
    assert!((frechet_distance(&rotate(&a), &rotate(&scaled)) - expected).abs() < 1e-10);
}

/// Of 20,000 rows the extrapolation finds the distance of the distributions: 0.3² over the square of the scale.
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

/// By the definition on two rows a set: k(x, y) = (xy + 1)⁴ in one dimension.
#[test]
fn kernel_distance_by_hand() {
    let (a, b): (Rows, Rows) = (vec![vec![0.0], vec![1.0]], vec![vec![1.0], vec![2.0]]);
    // Within: k(0,1) = 1 and k(1,2) = 81. Across: k(0,1) + k(0,2) + k(1,1) + k(1,2) = 1 + 1 + 16 + 81.
    assert!((kernel_distance(&a, &b) - (1.0 + 81.0 - 2.0 * 99.0 / 4.0)).abs() < 1e-12);
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

/// One generated point repeated covers almost nothing although it is precise: coverage tells, precision does not.
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

/// Gaussians s apart have AUC Φ(s/√2) at best; trees come near it from below.
#[test]
fn trees_reach_the_best_auc_of_shifted_gaussians() {
    let real = gaussians(1_500, &[0.0, 0.0, 0.0], &[1.0; 3], 11);
    let best = 0.760_25; // Φ(1/√2)
    let found = classifier_auc(&real, &gaussians(1_500, &[1.0, 0.0, 0.0], &[1.0; 3], 12), 1).unwrap();
    assert!(found > best - 0.04 && found < best + 0.03, "{found}");
    let same = classifier_auc(&real, &gaussians(1_500, &[0.0; 3], &[1.0; 3], 13), 1).unwrap();
    assert!((same - 0.5).abs() < 4.0 * 0.0105, "{same}");
}

/// Equal means and spreads, opposite correlation: only a classifier that looks at both columns tells.
#[test]
fn trees_see_a_correlation() {
    let bent = |rows: Rows, sign: f64| -> Rows {
        rows.into_iter().map(|row| vec![row[0], sign * row[0] + 0.5 * row[1]]).collect()
    };
    let real = bent(gaussians(1_000, &[0.0; 2], &[1.0; 2], 14), 1.0);
    let generated = bent(gaussians(1_000, &[0.0; 2], &[1.0; 2], 15), -1.0);
    assert!(classifier_auc(&real, &generated, 1).unwrap() > 0.85);
}
