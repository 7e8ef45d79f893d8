use rand_distr::{Distribution, Normal};
use townsend_core::{ElectronSet, Grid, Silent};

use super::*;

const TEST: Purpose = Purpose::new("pairs test");
/// Spread of the centres of clusters, mm.
const S: f64 = 0.3;

/// Avalanches of 400 electrons in this many clusters, each of spread `s`, around centres of spread [`S`].
fn clustered(avalanches: u64, clusters: usize, s: f64, seed: u64) -> Dataset {
    let mut set = ElectronSet::default();
    for index in 0..avalanches {
        let mut random = stream(seed, TEST, index);
        let (wide, narrow) = (Normal::new(0.0, S).unwrap(), Normal::new(0.0, s).unwrap());
        let centers: Vec<[f64; 2]> =
            (0..clusters).map(|_| [wide.sample(&mut random), wide.sample(&mut random)]).collect();
        let mut along = |d: usize| -> Vec<f32> {
            (0..400).map(|k| (centers[k % clusters][d] + narrow.sample(&mut random)) as f32).collect()
        };
        let (x, z) = (along(0), along(1));
        set.push(&x, &z, &[170.0; 400]);
    }
    set.into()
}

fn g(real: &Dataset, generated: &Dataset) -> PairCorrelation {
    pair_correlation(real, generated, S, 1, &Silent).unwrap()
}

/// Each avalanche is a single Gaussian of independent electrons, so g is 1 at every distance.
#[test]
fn independent_electrons_have_none() {
    let set = clustered(400, 400, 1e-6, 1);
    let found = g(&set, &clustered(400, 400, 1e-6, 2));
    for bin in 1..40 {
        assert!((found.real[bin] - 1.0).abs() < 5.0 * found.real_error[bin], "{bin}: {found:?}");
        assert!(found.real_error[bin] < 0.1, "{bin}: {}", found.real_error[bin]);
    }
    assert!(found.difference < 3.0 * found.floor, "{found:?}");
    assert!(found.interval[0] <= found.difference && found.difference <= found.interval[1]);
}

/// Two electrons share one of m clusters of spread s with probability 1/m. The variance of their distance
/// along an axis is then 2s², and otherwise 2(S² + s²), which is also that of electrons of different
/// avalanches (but for the centroid, S²/m). So g(0) = (S² + s²)/(m s²) + 1 − 1/m.
#[test]
fn clusters_show_at_their_own_size() {
    let (m, s) = (40.0, 0.05);
    let found = g(&clustered(600, 40, s, 3), &clustered(600, 40, s, 4));
    let (wide, narrow) = (S * S + s * s, s * s);
    let between = |r: f64| {
        // Both are relative to the centroids, whose variances are S²/m and s²/400.
        let variance = wide - S * S / m;
        (-r * r / (4.0 * variance)).exp() / variance
    };
    let expected = |r: f64| {
        let near = (-r * r / (4.0 * narrow)).exp() / narrow;
        let far = (-r * r / (4.0 * wide)).exp() / wide;
        (near / m + far * (1.0 - 1.0 / m)) / between(r)
    };
    for bin in 1..20 {
        let r = 0.5 * (found.edges[bin] + found.edges[bin + 1]);
        let off = found.real[bin] - expected(r);
        assert!(
            off.abs() < 5.0 * found.real_error[bin] + 0.03 * expected(r),
            "{r}: {} {}",
            found.real[bin],
            expected(r)
        );
    }
    assert!(found.real[1] > 1.5);
    // Ten clusters are distinguished with a spread of 0.05 mm and of 0.1 mm, for which g(0) is 4.6 and 1.9.
    let few = |s: f64, seed| clustered(600, 10, s, seed);
    let blurred = g(&few(0.05, 3), &few(0.1, 4));
    let ratio = blurred.difference / blurred.floor;
    assert!(ratio > 3.0, "{ratio} {} {}", blurred.difference, found.difference);
}

#[test]
fn counts_see_what_their_bins_resolve() {
    let (a, b) = (clustered(300, 10, 0.1, 5), clustered(300, 10, 0.1, 6));
    let counted = |set: &Dataset| Dataset::from(set.to_counts(&Grid::standard(2).unwrap()).unwrap());
    let (electrons, counts) = (g(&a, &b), g(&counted(&a), &counted(&b)));
    for bin in 4..30 {
        let off = (electrons.real[bin] - counts.real[bin]).abs();
        assert!(off < 6.0 * electrons.real_error[bin] + 0.05, "{bin}");
    }
    let line = Dataset::from(a.to_counts(&Grid::standard(1).unwrap()).unwrap());
    assert_eq!(pair_correlation(&line, &line, S, 1, &Silent), None, "one axis has no distance in x and z");
}
