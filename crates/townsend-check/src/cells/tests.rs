use rand_distr::{Distribution, Normal};
use townsend_core::{CountSet, ElectronSet, Grid, Silent};

use super::*;
use crate::multivariate::convolutional_auc;
use crate::{RowClassifier, classifier_auc};

const TEST: Purpose = Purpose::new("cells test");

/// Avalanches of 200 electrons: one Gaussian, or two that are `gap` apart in x with the same total spread.
fn avalanches(n: u64, gap: f64, seed: u64) -> Dataset {
    let mut set = ElectronSet::default();
    for index in 0..n {
        let mut random = stream(seed, TEST, index);
        let inner = (1.0f64 - 0.25 * gap * gap).sqrt();
        let normal = Normal::new(0.0, 1.0).unwrap();
        let mut axis = |gap: f64, scale: f64| -> Vec<f32> {
            let side = |k: usize| if k.is_multiple_of(2) { 0.5 * gap } else { -0.5 * gap };
            (0..200).map(|k| (0.25 * (side(k) + scale * normal.sample(&mut random))) as f32).collect()
        };
        let (x, z, t) = (axis(gap, inner), axis(0.0, 1.0), axis(0.0, 1.0));
        set.push(&x, &z, &t);
    }
    set.into()
}

#[test]
fn an_avalanche_in_cells() {
    // Cells of width 1: electrons at −2 and 2 lie in the cells 6 and 10.
    let mut set = ElectronSet::default();
    set.push(&[-2.0, -2.0, 2.0, 2.0], &[0.0; 4], &[0.0; 4]);
    let Image { size, occupied: cells } = image(&Places::of(&set.into(), 0), 1, &[1.0; 3]);
    assert_eq!(size, [1, 1, 16]);
    assert_eq!(cells, [(6, 2.0), (10, 2.0)]);
    let row = summary(&cells, 1);
    assert_eq!(row[0], 4f64.ln());
    assert_eq!(row[1..17].iter().sum::<f64>(), 1.0);
    assert_eq!((row[7], row[11]), (0.5, 0.5));
    // 14 of 16 cells are empty, two have two electrons; each of the two fullest has half of all electrons.
    assert_eq!(row[17..25], [14.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(row[25..28], [0.5, 0.5, 0.0]);
}

#[test]
fn components_keep_all_variance_of_rows_in_a_plane() {
    // √n of two cells, of 60 avalanches: two components hold their whole variance.
    let occupied = |k: u16| vec![(3, f32::from(k * k)), (7, f32::from((60 - k) * (k % 7)))];
    let all: Vec<Image> = (0..60).map(|k| Image { size: [1, 1, 16], occupied: occupied(k) }).collect();
    let found = components(&all, 16, 1);
    let n = all.len() as f64;
    let variance = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / n;
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n
    };
    let of_cells: f64 =
        (0..2).map(|c| variance(all.iter().map(|a| f64::from(a.occupied[c].1).sqrt()).collect())).sum();
    let of = |c: usize| variance(found.iter().map(|row| row[c]).collect());
    assert!((of(0) + of(1) - of_cells).abs() < 1e-9 * of_cells);
    assert!(of(0) >= of(1) && of(2) < 1e-9 * of_cells, "largest first");
}

#[test]
fn cells_see_a_shape_that_moments_do_not() {
    let real = avalanches(300, 0.0, 1);
    let auc = |generated: &Dataset| {
        let [real, generated] = cells(&real, generated, 1, &Silent).unwrap().summaries;
        classifier_auc(RowClassifier::Trees, &real, &generated, 1).unwrap()
    };
    let (same, split) = (auc(&avalanches(300, 0.0, 2)), auc(&avalanches(300, 1.8, 3)));
    assert!((same - 0.5).abs() < 0.1 && split > 0.95, "{same} {split}");
}

#[test]
fn counts_of_fewer_axes_have_fewer_cells() {
    let grid = Grid::standard(2).unwrap();
    let counted = |seed| Dataset::from(avalanches(120, 0.0, seed).to_counts(&grid).unwrap());
    let [rows, _] = cells(&counted(1), &counted(2), 1, &Silent).unwrap().summaries;
    assert_eq!(rows[0].len(), 1 + 2 * SIDE + SMALL + RANKS.len() + 32);
    let mut same = CountSet::new(grid);
    (0..200).for_each(|_| same.push([(4_000, 50)]));
    assert!(cells(&same.clone().into(), &same.into(), 1, &Silent).is_none(), "avalanches without spread");
    assert!(cells(&avalanches(120, 0.0, 1), &avalanches(50, 0.0, 2), 1, &Silent).is_none(), "too few");
}

/// Avalanches of 50 groups of four electrons at alternate corners of a cube of 0.13 mm: those at which an
/// even number of coordinates is the larger one, or their mirror image in t. Projections on every plane, all
/// distances and all numbers of electrons in cells have the same distributions in both; only neighbouring
/// cells in three dimensions differ.
fn handed(n: u64, mirrored: bool, seed: u64) -> Dataset {
    let mut set = ElectronSet::default();
    for index in 0..n {
        let mut random = stream(seed, TEST, index);
        let normal = Normal::new(0.0, 0.25).unwrap();
        let mut axes: [Vec<f32>; 3] = Default::default();
        for _ in 0..50 {
            let middle = [0; 3].map(|_| normal.sample(&mut random));
            for corner in [[-1.0, -1.0, -1.0], [1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]] {
                let side = if mirrored { [1.0, 1.0, -1.0] } else { [1.0; 3] };
                for (d, axis) in axes.iter_mut().enumerate() {
                    axis.push((middle[d] + 0.065 * side[d] * corner[d]) as f32);
                }
            }
        }
        set.push(&axes[0], &axes[1], &axes[2]);
    }
    set.into()
}

#[test]
fn a_convolutional_network_sees_patterns_that_trees_do_not() {
    let of = |generated| {
        let Cells { images: [a, b], summaries: [c, d] } =
            cells(&handed(400, false, 1), &generated, 1, &Silent).unwrap();
        [convolutional_auc(&a, &b, 1), classifier_auc(RowClassifier::Trees, &c, &d, 1)].map(Result::unwrap)
    };
    let [network, trees] = of(handed(400, true, 2));
    assert!(network > 0.8 && (trees - 0.5).abs() < 4.0 * 0.020, "{network} {trees}");
    // With the same handedness there is no difference. The error of the AUC of two sets of 400 is 0.020.
    let [network, trees] = of(handed(400, false, 3));
    assert!((network - 0.5).abs() < 4.0 * 0.020 && (trees - 0.5).abs() < 4.0 * 0.020, "{network} {trees}");
}
