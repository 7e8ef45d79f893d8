//! Foils in a magnetic field, gaps that attach and multiply, and late electrons against closed forms.

mod one_gap;

use one_gap::one_gap;
use townsend_sim::{Detector, Late, Magnetic, Simulation, Start, Workspace};

/// Ar/iC4H10 at 1 T, with the direction of E × B.
fn in_field(gap_mm: f64, field_kv_cm: f64, degrees: f64) -> Detector {
    let gas = format!(
        "table = \"ar_ic4h10_90_10_microscopic\", magnetic_field_t = 1.0, lorentz_shift_deg = {degrees:?}"
    );
    one_gap(gap_mm, field_kv_cm, &gas, 3.0)
}

/// Means and covariances of all electrons (along E × B, along B, time; mm, ns) of avalanches that start on a
/// hole's axis, and the number of electrons.
fn moments(detector: &Detector, avalanches: u64) -> ([f64; 3], [[f64; 3]; 3], f64) {
    let simulation = Simulation::new(detector).unwrap();
    let (sine, cosine) = detector.gas.lorentz_shift_deg.to_radians().sin_cos();
    let (mut n, mut sums, mut products) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
    let mut workspace = Workspace::default();
    for index in 0..avalanches {
        let start = Start::At { x_um: 0.0, z_um: 0.0 };
        let electrons = simulation.avalanche(1, index, start, &mut workspace);
        for i in 0..electrons.len() {
            let [x, z, t] = [electrons.x[i], electrons.z[i], electrons.t[i]].map(f64::from);
            let point = [cosine * x + sine * z, cosine * z - sine * x, t];
            n += 1.0;
            for a in 0..3 {
                sums[a] += point[a];
                (0..3).for_each(|b| products[a][b] += point[a] * point[b]);
            }
        }
    }
    let means = sums.map(|sum| sum / n);
    let covariance = [0, 1, 2].map(|a| [0, 1, 2].map(|b| products[a][b] / n - means[a] * means[b]));
    (means, covariance, n)
}

fn assert_close(found: f64, expected: f64, error: f64, what: &str) {
    assert!((found - expected).abs() < error, "{what}: {found} for {expected} ± {error}");
}

/// Spreads on a plane and the correlation there with the time, as measured at 1 T, for which the table has
/// the tensor at a given time; whatever the direction of E × B.
#[test]
fn the_diffusion_tensor_makes_what_is_seen_on_a_plane() {
    for (field, spread, along_b, late, correlation, degrees) in [
        (1.5, 442.0, 395.0, 182.0 / 34.38, 0.46, 250.0),
        (3.0, 390.0, 379.0, 169.0 / 34.54, 0.22, 180.0),
        (5.0, 359.0, 356.0, 156.0 / 35.11, 0.16, 33.0),
    ] {
        let detector = in_field(10.0, field, degrees);
        let (means, covariance, n) = moments(&detector, 20_000);
        let tangent = detector.transport(field).unwrap().lorentz_tangent();
        assert_close(means[0], 10.0 * tangent, 0.01, "shift");
        assert_close(means[1], 0.0, 0.01, "along B");
        let sigma = [0, 1, 2].map(|k| covariance[k][k].sqrt());
        let error = 5.0 / n.sqrt() + 2e-3;
        for (k, expected) in [spread / 1000.0, along_b / 1000.0, late].into_iter().enumerate() {
            assert_close(sigma[k] / expected, 1.0, error, "spread");
        }
        assert_close(covariance[0][2] / sigma[0] / sigma[2], correlation, error, "correlation");
        assert_close(covariance[1][2] / sigma[1] / sigma[2], 0.0, error, "correlation along B");
        assert_close(covariance[0][1] / sigma[0] / sigma[1], 0.0, error, "correlation across");
    }
}

/// An electron comes down under the hole nearest to where it was shifted to, and as much farther on behind
/// it.
#[test]
fn a_field_shifts_electrons_before_and_behind_a_hole() {
    let mut detector = in_field(0.0, 3.0, 180.0);
    detector.foils[0].magnetic =
        Some(Magnetic { entry_shift_um: 45.0, exit_shift_um: 20.0, ..Magnetic::default() });
    let simulation = Simulation::new(&detector).unwrap();
    let mut workspace = Workspace::default();
    for (x_um, hole) in [(-20.0, 0.0), (-40.0, -140.0), (100.0, 0.0), (120.0, 140.0)] {
        let electrons = simulation.avalanche(1, 0, Start::At { x_um, z_um: 0.0 }, &mut workspace);
        assert!(!electrons.is_empty());
        for x in &electrons.x {
            assert_close(f64::from(*x) * 1000.0 + x_um, hole - 20.0, 0.01, "place");
        }
    }
}

/// What a foil knows of a field is not done by the gap once more: without it the whole gap shifts electrons,
/// with it only what is not included.
#[test]
fn included_lengths_shift_once() {
    let mut detector = in_field(2.0, 3.0, 0.0);
    detector.foils[0].included_mm = 0.5;
    let tangent = detector.transport(3.0).unwrap().lorentz_tangent();
    assert_close(moments(&detector, 4_000).0[0], 2.0 * tangent, 0.005, "symmetric foil");
    detector.foils[0].magnetic = Some(Magnetic { exit_shift_um: 30.0, ..Magnetic::default() });
    assert_close(moments(&detector, 4_000).0[0], 1.5 * tangent + 0.03, 0.005, "foil in a field");
}

/// The covariance of a child's place and time is the sum of that of the foil and that of the gap.
#[test]
fn covariances_of_foil_and_gap_add_up() {
    for (gap_mm, degrees) in [(0.0, 0.0), (2.0, 0.0), (2.0, 180.0), (2.0, 75.0)] {
        let mut detector = in_field(gap_mm, 3.0, degrees);
        let gas = detector.transport(3.0).unwrap();
        let foil = &mut detector.foils[0];
        (foil.exit_spread_um, foil.own_time_spread_ns, foil.transit_ns) = (47.0, 0.6, 7.0);
        let magnetic = Magnetic { exit_anisotropy: 0.1, exit_correlation: -0.3, ..Magnetic::default() };
        foil.magnetic = Some(magnetic);
        let (means, covariance, n) = moments(&detector, 20_000);
        let root_cm = f64::sqrt(gap_mm / 10.0);
        let exit = [0.1f64, -0.1].map(|a| 0.047 * a.exp());
        let sigma_t = gas.longitudinal * root_cm / gas.velocity_um_ns;
        let squares = [
            exit[0].powi(2) + (0.390 * root_cm).powi(2),
            exit[1].powi(2) + (0.379 * root_cm).powi(2),
            0.36 + sigma_t.powi(2),
        ];
        let error = 7.0 / n.sqrt() + 2e-3;
        for (k, square) in squares.into_iter().enumerate() {
            assert_close(covariance[k][k] / square, 1.0, error, "variance");
        }
        let mixed = -0.3 * exit[0] * 0.6 + 0.22 * 0.390 * root_cm * sigma_t;
        assert_close(covariance[0][2], mixed, error * (squares[0] * squares[2]).sqrt(), "covariance");
        assert_close(means[0], gap_mm * gas.lorentz_tangent(), 0.005, "shift");
    }
}

/// A gas that attaches and multiplies electrons, per mm.
fn changing_numbers(attachment: f64, townsend: f64) -> Detector {
    let point = format!(
        "e_kv_cm = 3.0, b_t = 0.0, velocity_um_ns = 35.0, perpendicular_um_ns = 0.0, longitudinal = 170.0, \
         transverse = [380.0, 380.0], attachment_per_mm = {attachment:?}, townsend_per_mm = {townsend:?}"
    );
    let gas = format!("table = {{ name = \"a\", source = \"b\", points = [{{ {point} }}] }}");
    one_gap(2.0, 3.0, &gas, 3.0)
}

/// By the closed form of a linear birth and death process one electron becomes m = exp((α − η)L) on average,
/// with the variance v = (α + η)/(α − η)·m(m − 1), and without ionisation a Bernoulli number. A Polya
/// distributed family of mean G and variance V then has the mean Gm and the variance Gv + Vm².
#[test]
fn gaps_attach_and_multiply() {
    for (attachment, townsend) in [(0.0, 0.0), (0.15, 0.0), (0.0, 0.4), (0.2, 0.5), (0.3, 0.1)] {
        let detector = changing_numbers(attachment, townsend);
        let m = f64::exp((townsend - attachment) * 2.0);
        let v = if townsend == 0.0 {
            m * (1.0 - m)
        } else {
            (townsend + attachment) / (townsend - attachment) * m * (m - 1.0)
        };
        let (mean, variance) = (20.0 * m, 20.0 * v + (20.0 + 400.0 / 2.0) * m * m);
        let simulation = Simulation::new(&detector).unwrap();
        let mut workspace = Workspace::default();
        let start = Start::At { x_um: 0.0, z_um: 0.0 };
        let sizes: Vec<f64> =
            (0..20_000).map(|i| simulation.avalanche(1, i, start, &mut workspace).len() as f64).collect();
        let n = sizes.len() as f64;
        let found = sizes.iter().sum::<f64>() / n;
        let what = format!("{attachment} {townsend}");
        assert_close(found, mean, 5.0 * (variance / n).sqrt(), &what);
        let squares: Vec<f64> = sizes.iter().map(|size| (size - mean).powi(2)).collect();
        let spread = squares.iter().sum::<f64>() / n;
        let error = (squares.iter().map(|s| (s - spread).powi(2)).sum::<f64>() / n / n).sqrt();
        assert_close(spread, variance, 5.0 * error, &what);
        // Places and times are those of drift, wherever the electrons were freed.
        let (means, covariance, _) = moments(&detector, 4_000);
        assert_close(means[2], 2000.0 / 35.0, 0.1, &what);
        assert_close(covariance[0][0].sqrt() / (0.380 * f64::sqrt(0.2)), 1.0, 0.06, &what);
    }
    let error = Simulation::new(&changing_numbers(0.0, 5.0)).err().unwrap().to_string();
    assert!(error.contains("the gain in the gap of foils[0]") && error.contains("from 0 to 1000"), "{error}");
}

/// The drift gap of 5 mm attaches primary electrons, which start evenly in it: (1 − exp(−ηL))/ηL of them
/// survive.
#[test]
fn the_drift_gap_attaches_primary_electrons() {
    for attachment in [0.0, 0.15] {
        let simulation = Simulation::new(&changing_numbers(attachment, 0.0)).unwrap();
        let mut workspace = Workspace::default();
        let n = 20_000;
        let arrived =
            (0..n).filter(|&i| !simulation.avalanche(2, i, Start::Drift, &mut workspace).is_empty()).count();
        let rate = 5.0 * attachment;
        let survive = if rate > 0.0 { -f64::exp_m1(-rate) / rate } else { 1.0 };
        // Of a Polya number of mean g and θ = 1, none is left with probability (1 + g/2)⁻².
        let empty = f64::powi(1.0 + 20.0 * f64::exp(-2.0 * attachment) / 2.0, -2);
        let expected = survive * (1.0 - empty);
        assert_close(arrived as f64 / n as f64, expected, 5.0 * (0.25 / n as f64).sqrt(), "arrived");
    }
}

/// The part of families, and of children by themselves, that is late, and by how much.
#[test]
fn late_electrons_are_late() {
    let mut detector = one_gap(0.0, 3.0, "table = \"ar_ic4h10_90_10\"", 3.0);
    detector.foils[0].late =
        Some(Late { fraction: 0.3, delay_ns: 2.0, own_fraction: 0.1, own_delay_ns: 3.0 });
    let simulation = Simulation::new(&detector).unwrap();
    let mut workspace = Workspace::default();
    let [mut families, mut children, mut own, mut sum, mut own_sum] = [0.0; 5];
    for index in 0..40_000 {
        let electrons = simulation.avalanche(1, index, Start::Cell, &mut workspace);
        // The earliest of many children is not late by itself.
        let earliest = electrons.t.iter().copied().reduce(f32::min).filter(|_| electrons.len() > 12);
        let Some(first) = earliest else { continue };
        (families, sum) = (families + 1.0, sum + f64::from(first));
        children += electrons.len() as f64;
        for t in electrons.t.iter().filter(|&&t| t > first) {
            (own, own_sum) = (own + 1.0, own_sum + f64::from(t - first));
        }
    }
    assert_close(sum / families, 0.6, 5.0 * f64::sqrt((0.3 * 8.0 - 0.36) / families), "families");
    assert_close(own / children, 0.1, 5.0 * f64::sqrt(0.09 / children), "children");
    assert_close(own_sum / own, 3.0, 5.0 * 3.0 / f64::sqrt(own), "their delay");
}
