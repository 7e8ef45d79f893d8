//! The simulation agrees with closed forms.

mod one_gap;

use one_gap::one_gap;
use townsend_sim::{Condition, Detector, GasTable, Magnetic, SharedCondition, Simulation, Start, Workspace};

/// [`one_gap`] of the gas that ships.
fn in_field(gap_mm: f64, field_kv_cm: f64, magnetic_field_t: f64) -> Detector {
    let gas = format!("table = \"ar_ic4h10_90_10\", magnetic_field_t = {magnetic_field_t:?}");
    one_gap(gap_mm, field_kv_cm, &gas, 1.5)
}

/// Means and covariances (x, z, t) of the electrons of many avalanches that start on a hole's axis, and the
/// number of these electrons.
fn moments(detector: &Detector, avalanches: u64) -> ([f64; 3], [[f64; 3]; 3], f64) {
    let simulation = Simulation::new(detector).unwrap();
    let start = Start::At { x_um: 0.0, z_um: 0.0 };
    let (mut n, mut sums, mut products) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
    let mut workspace = Workspace::default();
    for index in 0..avalanches {
        let electrons = simulation.avalanche(1, index, start, &mut workspace);
        for i in 0..electrons.len() {
            let point = [electrons.x[i], electrons.z[i], electrons.t[i]].map(f64::from);
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

#[test]
fn drift_spreads_by_the_root_of_the_length_and_shifts_by_the_lorentz_angle() {
    for (gap_mm, field, magnetic) in [(0.5, 1.5, 1.0), (2.0, 3.0, 1.0), (8.0, 1.5, 1.0), (2.0, 5.0, 0.0)] {
        let table = GasTable::shipped("ar_ic4h10_90_10").unwrap().unwrap();
        let gas = table.transport(field, magnetic).unwrap();
        let (means, covariance, n) = moments(&in_field(gap_mm, field, magnetic), 20_000);
        let root_cm = f64::sqrt(gap_mm / 10.0);
        let tangent = gas.perpendicular_um_ns / gas.velocity_um_ns;
        let sigma_t = gas.longitudinal * root_cm / gas.velocity_um_ns;
        // An electron that arrives late by dt has been swept along E × B by v tan α dt more.
        let sigma_x =
            (gas.transverse[0] * root_cm / 1000.0).hypot(tangent * gas.longitudinal * root_cm / 1000.0);
        let sigma_z = gas.transverse[1] * root_cm / 1000.0;
        let expected = [gap_mm * tangent, 0.0, 1000.0 * gap_mm / gas.velocity_um_ns];
        for (k, sigma) in [sigma_x, sigma_z, sigma_t].into_iter().enumerate() {
            // Sums of single-precision numbers: allow for their rounding besides the statistical error.
            let error = 5.0 * sigma / n.sqrt() + 1e-5;
            assert!((means[k] - expected[k]).abs() < error, "mean {k}: {} {}", means[k], expected[k]);
            let ratio = covariance[k][k].sqrt() / sigma;
            assert!((ratio - 1.0).abs() < 5.0 / (2.0 * n).sqrt() + 1e-3, "spread {k}: {ratio}");
        }
        let swept = gas.velocity_um_ns / 1000.0 * tangent * sigma_t.powi(2);
        let error = 5.0 * sigma_x * sigma_t / n.sqrt();
        assert!((covariance[0][2] - swept).abs() < error, "{} {swept}", covariance[0][2]);
        assert!(covariance[0][1].abs() < 5.0 * sigma_x * sigma_z / n.sqrt());
    }
}

/// The third cumulants of what electrons have in common, and of each by itself, add up, and the gap adds
/// none.
#[test]
fn times_are_as_skewed_as_asked() {
    for skewness in [[0.0, 0.0], [0.8, 0.0], [0.0, 0.8], [-0.5, 0.9]] {
        let mut detector = in_field(0.5, 3.0, 0.0);
        let spread = [0.6f64, 0.5];
        let foil = &mut detector.foils[0];
        (foil.gain, foil.transit_ns) = (1.0, 7.0);
        [foil.common_time_spread_ns, foil.own_time_spread_ns] = spread;
        [foil.common_time_skewness, foil.own_time_skewness] = skewness;
        let simulation = Simulation::new(&detector).unwrap();
        let mut workspace = Workspace::default();
        let mut times = Vec::new();
        for index in 0..100_000 {
            let electrons =
                simulation.avalanche(1, index, Start::At { x_um: 0.0, z_um: 0.0 }, &mut workspace);
            times.extend(electrons.t.iter().map(|&t| f64::from(t)));
        }
        let n = times.len() as f64;
        let mean = times.iter().sum::<f64>() / n;
        let [variance, third] = [2, 3].map(|k| times.iter().map(|t| (t - mean).powi(k)).sum::<f64>() / n);
        let expected = (0..2).map(|k| skewness[k] * spread[k].powi(3)).sum::<f64>();
        let gas = detector.transport(3.0).unwrap();
        let sigma_gap = gas.longitudinal * f64::sqrt(0.05) / gas.velocity_um_ns;
        let square = spread[0].powi(2) + spread[1].powi(2) + sigma_gap.powi(2);
        assert!((variance / square - 1.0).abs() < 0.03, "{variance} {square}");
        // Electrons of a family are correlated; there are 1.7 times as many as families in effect.
        let error = 5.0 * f64::sqrt(1.7 * 15.0 / n) * square.powf(1.5);
        assert!((third - expected).abs() < error, "{skewness:?}: {third} {expected} ± {error}");
    }
}

/// If the stages multiply by n₁, n₂ … on average, with relative variances f₁, f₂ …, the number of electrons
/// after the last has the relative variance f = f₁ + f₂/n₁ + f₃/(n₁n₂) (arXiv:1602.01316). A stage that loses
/// electrons with probability 1 − c before a Polya gain of mean m has n = c·m and f = (1/m + 1/(1 + θ) + 1)/c
/// − 1.
#[test]
fn the_gain_of_a_cascade_varies_as_its_stages_say() {
    let mut detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    detector.gain = None;
    for foil in &mut detector.foils {
        foil.gain = 16.0;
        foil.collection_slope = 0.0;
    }
    let simulation = Simulation::new(&detector).unwrap();
    let sizes: Vec<f64> = simulation
        .blocks(1, 0..40_000, Start::Cell)
        .flat_map(|set| set.iter().map(|a| a.len() as f64).collect::<Vec<_>>())
        .collect();
    let (mut mean, mut relative) = (1.0, 0.0);
    for foil in &detector.foils {
        let (collection, polya) = (foil.collection, foil.gain * foil.extraction);
        let variance = (1.0 / polya + 1.0 / (1.0 + foil.theta) + 1.0) / collection - 1.0;
        relative += variance / mean;
        mean *= collection * polya;
    }
    let n = sizes.len() as f64;
    let found = sizes.iter().sum::<f64>() / n;
    assert!((found / mean - 1.0).abs() < 5.0 * (relative / n).sqrt(), "mean {found} {mean}");
    let squares: Vec<f64> = sizes.iter().map(|size| (size / mean - 1.0).powi(2)).collect();
    let variance = squares.iter().sum::<f64>() / n;
    let error = (squares.iter().map(|s| (s - variance).powi(2)).sum::<f64>() / n / n).sqrt();
    assert!((variance - relative).abs() < 5.0 * error, "relative variance {variance} ± {error}, {relative}");
}

/// Without diffusion, electrons arrive on the lattice, under the hole nearest to the start of the primary.
#[test]
fn electrons_come_down_under_the_nearest_hole() {
    let mut detector = in_field(0.0, 3.0, 0.0);
    detector.gas.transverse_scale = [0.0; 2];
    detector.gas.longitudinal_scale = 0.0;
    let simulation = Simulation::new(&detector).unwrap();
    let row = 140.0 * f64::sqrt(3.0) / 2.0;
    for (x_um, z_um, hole) in [
        (0.0, 60.0, [0.0, 0.0]),
        (65.0, 0.0, [0.0, 0.0]),
        (75.0, 0.0, [140.0, 0.0]),
        (70.0, 100.0, [70.0, row]),
        (-1000.0, -20.0, [-980.0, 0.0]),
    ] {
        let mut workspace = Workspace::default();
        let electrons = simulation.avalanche(1, 0, Start::At { x_um, z_um }, &mut workspace);
        assert!(!electrons.is_empty());
        for (x, z) in electrons.x.iter().zip(&electrons.z) {
            // Positions are relative to the start.
            let at = [f64::from(*x) * 1000.0 + x_um, f64::from(*z) * 1000.0 + z_um];
            assert!((at[0] - hole[0]).abs() < 0.01 && (at[1] - hole[1]).abs() < 0.01, "{at:?} {hole:?}");
        }
    }
}

/// The times of electrons that start in the drift gap are those of heights distributed uniformly.
#[test]
fn a_start_in_the_drift_gap_is_even_in_height() {
    let mut detector = in_field(0.0, 3.0, 0.0);
    detector.gas.longitudinal_scale = 0.0;
    let simulation = Simulation::new(&detector).unwrap();
    let mut workspace = Workspace::default();
    let times: Vec<f64> = (0..20_000)
        .filter_map(|index| simulation.avalanche(1, index, Start::Drift, &mut workspace).t.first().copied())
        .map(f64::from)
        .collect();
    let longest = 5000.0 / 36.9;
    assert!(times.iter().all(|t| (0.0..=longest + 1e-3).contains(t)));
    let n = times.len() as f64;
    let mean = times.iter().sum::<f64>() / n;
    let square = times.iter().map(|t| t * t).sum::<f64>() / n;
    assert!((mean / longest - 0.5).abs() < 5.0 / (12.0 * n).sqrt(), "{mean}");
    assert!((square / longest.powi(2) - 1.0 / 3.0).abs() < 5.0 * (4.0 / 45.0 / n).sqrt());
}

/// An electron from a height h is at the foil as late as h/v above it and the foil's transit time without the
/// drift that this holds already; likewise its shift, whether the foil's values hold that of the magnetic
/// field or not. Both also for those that start below the plane from which these values count.
#[test]
fn electrons_of_the_drift_gap_drift_as_far_as_the_response_of_the_first_foil() {
    let (included, transit, exit) = (0.12, 7.4, 0.05);
    let mut detector = in_field(2.0, 3.0, 1.0);
    detector.gas.transverse_scale = [0.0; 2];
    detector.gas.longitudinal_scale = 0.0;
    let foil = &mut detector.foils[0];
    (foil.included_mm, foil.transit_ns, foil.offset_retention) = (included, transit, 1.0);
    let magnetic = Magnetic { exit_shift_um: 1000.0 * exit, ..Magnetic::default() };
    let table = GasTable::shipped("ar_ic4h10_90_10").unwrap().unwrap();
    let [above, below] = [1.5, 3.0].map(|field| table.transport(field, 1.0).unwrap());
    for magnetic in [None, Some(magnetic)] {
        detector.foils[0].magnetic = magnetic;
        // Lengths that electrons are shifted over besides the foil's shift.
        let (held, shift) = if magnetic.is_some() { (included, exit) } else { (0.0, 0.0) };
        let simulation = Simulation::new(&detector).unwrap();
        let mut workspace = Workspace::default();
        let (mut n, mut sum, mut least) = (0.0, 0.0, f64::INFINITY);
        for index in 0..5_000 {
            let electrons = simulation.avalanche(3, index, Start::Drift, &mut workspace);
            let (Some(x), Some(t)) = (electrons.x.first(), electrons.t.first()) else { continue };
            let fixed = transit + (2.0 - included) * 1000.0 / below.velocity_um_ns;
            let height = included + (f64::from(*t) - fixed) * above.velocity_um_ns / 1000.0;
            assert!((-1e-3..5.001).contains(&height), "{height}");
            let expected =
                (height - held) * above.lorentz_tangent() + shift + (2.0 - held) * below.lorentz_tangent();
            assert!((f64::from(*x) - expected).abs() < 1e-3, "from {height}: {x} for {expected}");
            (n, sum, least) = (n + 1.0, sum + height, height.min(least));
        }
        assert!((sum / n - 2.5).abs() < 5.0 * 5.0 / f64::sqrt(12.0 * n), "{}", sum / n);
        assert!(least < included / 2.0, "{least}");
    }
}

#[test]
fn an_avalanche_is_a_function_of_seed_and_index() {
    let detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    let simulation = Simulation::new(&detector).unwrap();
    let whole: Vec<_> = simulation.blocks(7, 0..600, Start::Cell).flat_map(|set| owned(&set)).collect();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let parts: Vec<_> = one_thread.install(|| {
        [0..1, 1..300, 300..300, 300..600]
            .into_iter()
            .flat_map(|range| simulation.blocks(7, range, Start::Cell))
            .flat_map(|set| owned(&set))
            .collect()
    });
    assert!(whole == parts);
    let mut workspace = Workspace::default();
    let alone = simulation.avalanche(7, 311, Start::Cell, &mut workspace);
    assert!(whole[311] == (alone.x.clone(), alone.z.clone(), alone.t.clone()));
    assert!(whole.iter().any(|avalanche| !avalanche.0.is_empty()));
}

type Columns = (Vec<f32>, Vec<f32>, Vec<f32>);

fn owned(set: &townsend_core::ElectronSet) -> Vec<Columns> {
    set.iter().map(|a| (a.x.to_vec(), a.z.to_vec(), a.t.to_vec())).collect()
}

#[test]
fn every_detector_that_ships_can_be_simulated() {
    for name in Detector::names() {
        let detector = Detector::from_toml(Detector::shipped(name).unwrap()).unwrap();
        let simulation = Simulation::new(&detector).unwrap();
        for start in [Start::Cell, Start::Drift] {
            let set: Vec<_> = simulation.blocks(1, 0..20, start).collect();
            assert!(set.iter().any(|set| set.iter().any(|a| a.len() > 10)), "{name}");
        }
    }
}

/// Every number of a description has a range; a value outside is refused with its key and the range.
#[test]
fn bad_values_are_refused() {
    let good = Detector::shipped("cgem").unwrap();
    for (from, to, names) in [
        ("gap_mm = 5.0", "gap_mm = -1.0", vec!["drift.gap_mm", "-1", "from 0"]),
        ("theta = 0.4825", "theta = -7.6", vec!["foils[0].theta", "-7.6", "from -0.5 to 100"]),
        ("extraction = 0.573", "extraction = nan", vec!["foils[2].extraction", "NaN", "from 0 to 1"]),
        ("magnetic_field_t = 1.0", "magnetic_field_t = inf", vec!["gas.magnetic_field_t", "inf"]),
        ("included_mm = 0.12", "included_mm = 2.5", vec!["foils[2].included_mm", "2.5", "from 0 to 2"]),
        (
            "entry_shift_um = 42.9",
            "entry_shift_um = 1e9",
            vec!["foils[0].magnetic.entry_shift_um", "from -10000"],
        ),
        (
            "exit_correlation = 0.2234",
            "exit_correlation = 1.2",
            vec!["exit_correlation", "1.2", "from -1 to 1"],
        ),
        (
            "magnetic_field_t = 1.0",
            "lorentz_shift_deg = 720.0",
            vec!["gas.lorentz_shift_deg", "from -360 to 360"],
        ),
        ("offset_retention = ", "offset_retentoin = ", vec!["offset_retentoin"]),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        let error = Detector::from_toml(&text).unwrap_err().to_string();
        assert!(names.iter().all(|name| error.contains(name)), "{error}");
    }
    let detector =
        Detector::from_toml(&good.replace("magnetic_field_t = 1.0", "magnetic_field_t = 1.5")).unwrap();
    let error = Simulation::new(&detector).err().unwrap().to_string();
    assert!(error.contains("1.5 T"), "{error}");
}

/// The conditions that every foil depends on are listed, with the values set and the ranges of their data.
#[test]
fn conditions_of_all_foils_are_listed() {
    let mut detector = Detector::from_toml(Detector::shipped("reference2021").unwrap()).unwrap();
    assert!(detector.conditions().is_empty());
    let condition = |value| Condition {
        value,
        range: [value, value + 25.0],
        ln_gain: 0.02,
        collection_odds: 0.0,
        transit_ns: 0.0,
    };
    for (foil, value) in detector.foils.iter_mut().zip([275.0, 280.0, 285.0]) {
        foil.conditions.insert("voltage_v".into(), condition(value));
    }
    detector.foils[1].conditions.insert("pressure_mbar".into(), condition(1000.0));
    let warnings = detector.set_condition("voltage_v", &[290.0]).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let shared = SharedCondition {
        name: "voltage_v".into(),
        values: vec![290.0; 3],
        ranges: vec![[275.0, 300.0], [280.0, 305.0], [285.0, 310.0]],
    };
    assert_eq!(detector.conditions(), [shared]);
}

/// Values beyond the range of the data are extrapolated up to its width, with a warning, and no farther.
#[test]
fn conditions_far_from_what_is_known_are_refused() {
    let mut detector = Detector::from_toml(Detector::shipped("reference2021").unwrap()).unwrap();
    for foil in &mut detector.foils {
        let [ln_gain, collection_odds, transit_ns] = [0.02, 0.0, 0.0];
        let known = Condition { value: 275.0, range: [275.0, 300.0], ln_gain, collection_odds, transit_ns };
        foil.conditions.insert("voltage_v".into(), known);
    }
    for (volts, warnings) in [(275.0, 0), (300.0, 0), (250.0, 3), (325.0, 3)] {
        let said = detector.clone().set_condition("voltage_v", &[volts]).unwrap();
        assert_eq!(said.len(), warnings, "{said:?}");
    }
    for volts in [0.0, -280.0, 249.0, 326.0, 1e9, f64::NAN, f64::INFINITY] {
        let error = detector.clone().set_condition("voltage_v", &[280.0, volts, 280.0]).unwrap_err();
        let error = error.to_string();
        for names in ["foils[1]: voltage_v is", &volts.to_string(), "from 250 to 325", "from 275 to 300"] {
            assert!(error.contains(names), "{error}");
        }
    }
    // A range of positive values does not extend to 0, even if it is wide; one on both sides of 0 does.
    for (range, value, allowed) in [
        ([100.0, 300.0], 0.0, false),
        ([100.0, 300.0], 1.0, true),
        ([-300.0, -100.0], 0.0, false),
        ([-1.0, 1.0], -2.5, true),
        ([275.0, 275.0], 275.0, true),
        ([275.0, 275.0], 276.0, false),
    ] {
        for foil in &mut detector.foils {
            foil.conditions.get_mut("voltage_v").unwrap().range = range;
        }
        let set = detector.clone().set_condition("voltage_v", &[value]);
        // The gain that results may be refused as well; here only the condition's own error counts.
        let refused = set.is_err_and(|error| error.to_string().contains("its effect is known"));
        assert_eq!(refused, !allowed, "{value} of {range:?}");
    }
    for (range, says) in
        [([100.0, 300.0], "above 0 and at most 500"), ([-300.0, -100.0], "at least -500 and below 0")]
    {
        detector.foils[0].conditions.get_mut("voltage_v").unwrap().range = range;
        let error = detector.clone().set_condition("voltage_v", &[0.0]).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_start_is_written_as_it_is_read() {
    for text in ["cell", "drift", "35,-12.5"] {
        assert_eq!(text.parse::<Start>().unwrap().to_string(), text);
    }
}
