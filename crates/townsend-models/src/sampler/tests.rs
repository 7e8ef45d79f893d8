use burn_tensor::Device;
use townsend_core::{Purpose, stream};

use super::*;
use crate::standard_normal;

const TEST: Purpose = Purpose::new("sampler test");

fn spec(kind: SamplerKind) -> SamplerSpec {
    SamplerSpec { kind, latent: 2, components: 3 }
}

fn parameters(spec: SamplerSpec) -> Parameters {
    Parameters::initial(spec.tensors(), 1, &Device::flex())
}

/// Points on a bent line, two thirds of them on one half of it.
fn bent(n: usize) -> Vec<f32> {
    let normal = standard_normal(1, TEST, 0, 2 * n);
    let point = |(i, noise): (usize, &[f32])| {
        let along = if i % 3 == 0 { -1.5 } else { 1.0 } + 0.4 * noise[0];
        [along + 5.0, along * along + 0.2 * noise[1]]
    };
    normal.chunks(2).enumerate().flat_map(point).collect()
}

fn drawn(spec: SamplerSpec, parameters: &Parameters, n: u64) -> Vec<f32> {
    let sampler = spec.sampler(parameters);
    (0..n).flat_map(|index| sampler.point(&standard_normal(2, TEST, 1 + index, spec.noise()))).collect()
}

fn column(points: &[f32], which: usize) -> Vec<f64> {
    let mut column: Vec<f64> = points.iter().skip(which).step_by(2).map(|&x| f64::from(x)).collect();
    column.sort_by(f64::total_cmp);
    column
}

/// Kolmogorov's distance of two samples of the same size.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let below = |list: &[f64], x: f64| list.partition_point(|&y| y <= x) as f64 / list.len() as f64;
    a.iter().map(|&x| (below(a, x) - below(b, x)).abs()).fold(0.0, f64::max)
}

#[test]
fn before_it_is_fitted_points_are_normal() {
    for kind in [SamplerKind::Normal, SamplerKind::Gmm, SamplerKind::Flow] {
        let spec = spec(kind);
        let point = spec.sampler(&parameters(spec)).point(&[1.0, -2.0, 0.5][..spec.noise()]);
        assert_eq!(point, [1.0, -2.0], "{kind:?}");
    }
}

#[test]
fn points_are_distributed_as_those_it_was_fitted_to() {
    let real = bent(3000);
    // Gaussians are far from them along the bent line; rotations approach the gap in it step by step.
    for (kind, most) in [(SamplerKind::Gmm, 0.06), (SamplerKind::Flow, 0.08)] {
        let spec = spec(kind);
        let mut parameters = parameters(spec);
        spec.fit(&mut parameters, &real, 1);
        let made = drawn(spec, &parameters, 3000);
        for which in 0..2 {
            let found = distance(&column(&real, which), &column(&made, which));
            // Two samples of 3000 from one distribution are 0.035 apart at most in 95 of 100 cases.
            assert!(found < most, "{kind:?}: {found} in coordinate {which}");
        }
        // The bend: y − (x − 5)² is narrow.
        let off: f64 =
            made.chunks(2).map(|p| f64::from((p[1] - (p[0] - 5.0).powi(2)).abs())).sum::<f64>() / 3000.0;
        assert!(off < 0.45, "{kind:?}: {off}");
    }
}

#[test]
fn few_points_and_points_in_a_plane_are_enough() {
    for kind in [SamplerKind::Gmm, SamplerKind::Flow] {
        let spec = spec(kind);
        for points in [vec![1.0, 2.0], vec![0.5; 8], vec![0.0, 1.0, 0.0, 3.0, 0.0, -2.0]] {
            let mut parameters = parameters(spec);
            spec.fit(&mut parameters, &points, 1);
            let made = drawn(spec, &parameters, 20);
            assert!(made.iter().all(|x| x.is_finite()), "{kind:?} {points:?}");
            if points.len() == 6 {
                assert!(made.chunks(2).all(|point| point[0].abs() < 0.1), "{kind:?} {made:?}");
            }
        }
    }
}

#[test]
fn the_probabilities_are_those_of_normal_numbers() {
    use rand_distr::{Distribution, StandardNormal};
    let n = 200_000;
    let mut random = stream(3, TEST, 0);
    let mut values: Vec<f64> = (0..n).map(|_| StandardNormal.sample(&mut random)).collect();
    values.sort_by(f64::total_cmp);
    for (x, p) in flow::KNOWN {
        let below = values.partition_point(|&value| value < x) as f64 / f64::from(n);
        assert!((below - p).abs() < 4.5 * (p * (1.0 - p) / f64::from(n)).sqrt());
        assert!((distribution_function(x) - p).abs() < 1e-7);
    }
}
