//! The gain of a detector: scaled to what is measured, by voltage, pressure and temperature.

use townsend_sim::{Condition, Detector, EffectiveGain, Foil, MeasuredGain, Simulation, Start};

fn shipped(name: &str) -> Detector {
    Detector::from_toml(Detector::shipped(name).unwrap()).unwrap()
}

fn effective(gain: f64) -> EffectiveGain {
    let none =
        EffectiveGain { effective: None, measured: Vec::new(), pressure_torr: None, temperature_k: None };
    EffectiveGain { effective: Some(gain), ..none }
}

fn measured(points: &[[f64; 2]]) -> EffectiveGain {
    let measured = points.iter().map(|&[voltage_sum_v, gain]| MeasuredGain { voltage_sum_v, gain }).collect();
    EffectiveGain { effective: None, measured, pressure_torr: None, temperature_k: None }
}

fn sizes(detector: &Detector, avalanches: u64) -> Vec<f64> {
    let blocks = Simulation::new(detector).unwrap();
    let blocks = blocks.blocks(1, 0..avalanches, Start::Cell);
    blocks.flat_map(|set| set.iter().map(|a| a.len() as f64).collect::<Vec<_>>()).collect()
}

fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} instead of {expected}");
}

/// With attachment (Ar/CO2), with a magnetic field, and with gaps that multiply.
#[test]
fn avalanches_have_the_effective_gain_that_is_asked_for() {
    for (name, gain) in [("cgem", 400.0), ("triple_gem_ar_co2", 250.0), ("microscopic_275", 100.0)] {
        let mut detector = shipped(name);
        detector.gain = Some(effective(gain));
        close(detector.effective_gain().unwrap(), gain);
        let sizes = sizes(&detector, 20_000);
        let n = sizes.len() as f64;
        let mean = sizes.iter().sum::<f64>() / n;
        let spread = (sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / n / n).sqrt();
        assert!((mean - gain).abs() < 4.0 * spread, "{name}: {mean} ± {spread} instead of {gain}");
    }
    // Without the table the gain is that of the foils' own values, told by the same product.
    let detector = shipped("microscopic_275");
    let sizes = sizes(&detector, 20_000);
    let (n, mean) = (sizes.len() as f64, sizes.iter().sum::<f64>() / sizes.len() as f64);
    let gain = detector.effective_gain().unwrap();
    assert!((mean / gain - 1.0).abs() < 4.0 * (1.2 / n).sqrt(), "{mean} {gain}");
}

/// Eight times the gain of three foils is twice that of each, and nothing else is different.
#[test]
fn every_foil_is_scaled_by_the_same_factor() {
    let own = shipped("microscopic_275");
    let mut by_hand = own.clone();
    by_hand.foils.iter_mut().for_each(|foil| foil.gain *= 2.0);
    let mut scaled = own.clone();
    scaled.gain = Some(effective(8.0 * own.effective_gain().unwrap()));
    assert_eq!(sizes(&scaled, 40), sizes(&by_hand, 40));
}

#[test]
fn voltages_change_the_gain_by_the_slopes_of_the_foils() {
    for gain in [None, Some(effective(5_000.0))] {
        let mut detector = shipped("microscopic_275");
        detector.gain = gain;
        detector.foils.iter_mut().for_each(|foil| {
            foil.conditions.get_mut("voltage_v").unwrap().collection_odds = 0.0;
        });
        let slopes: Vec<f64> =
            detector.foils.iter().map(|foil| foil.conditions["voltage_v"].ln_gain).collect();
        let at = |name: &str, values: &[f64]| {
            let mut set = detector.clone();
            let warnings = set.set_condition(name, values).unwrap();
            (set.effective_gain().unwrap() / detector.effective_gain().unwrap(), warnings)
        };
        let (ratio, warnings) = at("voltage_v", &[290.0, 280.0, 275.0]);
        close(ratio, (15.0 * slopes[0] + 5.0 * slopes[1]).exp());
        assert!(warnings.is_empty());
        // The sum raises all foils by as much.
        let (ratio, _) = at("voltage_sum_v", &[834.0]);
        close(ratio, (3.0 * slopes.iter().sum::<f64>()).exp());
        let (ratio, warnings) = at("voltage_sum_v", &[789.0]);
        close(ratio, (-12.0 * slopes.iter().sum::<f64>()).exp());
        assert_eq!(warnings.len(), 3);
        // One after the other is the same as at once, and back again is where it began.
        let mut twice = detector.clone();
        for sum in [834.0, 870.0, 825.0] {
            twice.set_condition("voltage_sum_v", &[sum]).unwrap();
        }
        close(twice.effective_gain().unwrap(), detector.effective_gain().unwrap());
        // What a description of it says is the same detector.
        twice.set_condition("voltage_sum_v", &[834.0]).unwrap();
        let again = Detector::from_toml(&toml::to_string(&twice).unwrap()).unwrap();
        close(again.effective_gain().unwrap(), twice.effective_gain().unwrap());
    }
    let mut detector = shipped("microscopic_275");
    let error = detector.set_condition("voltage_sum_v", &[800.0, 830.0]).unwrap_err().to_string();
    assert!(error.starts_with("2 values of voltage_sum_v, which is one number"), "{error}");
    detector.foils[1].conditions.clear();
    let error = detector.set_condition("voltage_sum_v", &[800.0]).unwrap_err().to_string();
    assert!(error.contains("the voltage of every foil") && error.contains("[foils.conditions.voltage_v]"));
}

#[test]
fn measured_gains_are_interpolated_in_their_logarithm() {
    let mut detector = shipped("cgem");
    detector.gain = Some(measured(&[[800.0, 2_000.0], [830.0, 6_000.0], [850.0, 9_000.0]]));
    let at = |sum: f64| {
        let mut set = detector.clone();
        let warnings = set.set_condition("voltage_sum_v", &[sum]).unwrap();
        (set.effective_gain().unwrap(), warnings.len())
    };
    close(detector.effective_gain().unwrap(), 2_000.0 * 3f64.powf(25.0 / 30.0));
    for (sum, gain) in
        [(800.0, 2_000.0), (815.0, 2_000.0 * 3f64.sqrt()), (830.0, 6_000.0), (840.0, 6_000.0 * 1.5f64.sqrt())]
    {
        close(at(sum).0, gain);
        assert_eq!(at(sum).1, 0, "{sum}");
    }
    // Beyond the ends as in the last interval, with a warning.
    close(at(860.0).0, 9_000.0 * 1.5f64.sqrt());
    close(at(785.0).0, 2_000.0 / 3f64.sqrt());
    assert!(at(860.0).1 > 0 && at(785.0).1 > 0);
    // A single measurement goes with the foils' own slopes.
    detector.gain = Some(measured(&[[825.0, 4_000.0]]));
    close(detector.effective_gain().unwrap(), 4_000.0);
    detector.set_condition("voltage_v", &[280.0]).unwrap();
    close(detector.effective_gain().unwrap(), 4_000.0 * (15.0f64 * 0.0284).exp());
    detector.gain = Some(measured(&[[800.0, 2_000.0], [801.0, 2_100.0]]));
    let error = detector.set_condition("voltage_sum_v", &[830.0]).unwrap_err().to_string();
    assert!(error.contains("the sum of the foils' voltages is 830, but must be from 799 to 802"), "{error}");
}

/// ln g = n (ln g₀ − s V₀) + s V for each foil, at n times the density.
#[test]
fn a_denser_gas_has_a_lower_gain() {
    let one: &dyn Fn(&mut Foil) = &|foil| {
        foil.conditions.insert(
            "voltage_v".into(),
            Condition {
                value: 300.0,
                range: [250.0, 350.0],
                ln_gain: 0.02,
                collection_odds: 0.0,
                transit_ns: 0.0,
            },
        );
    };
    let mut detector = shipped("reference2021");
    detector.foils.truncate(1);
    detector.foils.iter_mut().for_each(one);
    let collected = detector.collected() * detector.foils[0].extraction;
    detector.gain = Some(effective(50.0 * collected));
    for (pressure, temperature) in [(760.0, 293.15), (790.0, 293.15), (760.0, 303.15), (740.0, 288.15)] {
        let n: f64 = pressure / 760.0 * (293.15 / temperature);
        detector.gas.pressure_torr = Some(pressure);
        detector.gas.temperature_k = Some(temperature);
        // Fields of the gap follow the density too, to stay within the table.
        detector.foils[0].field_kv_cm = 3.0 * n;
        detector.gas.magnetic_field_t = n;
        let law = (n * (50f64.ln() - 0.02 * 300.0) + 0.02 * 300.0).exp();
        close(detector.effective_gain().unwrap() / collected, law);
    }
    // Gains that were measured in this gas hold for it.
    if let Some(gain) = &mut detector.gain {
        (gain.pressure_torr, gain.temperature_k) = (Some(740.0), Some(288.15));
    }
    close(detector.effective_gain().unwrap(), 50.0 * collected);
    // Without the table the foils' gains are what they are, in any gas.
    let mut plain = detector.clone();
    plain.gain = None;
    close(plain.effective_gain().unwrap(), plain.foils[0].gain * collected);
    detector.gas.pressure_torr = Some(750.0);
    detector.foils[0].conditions.clear();
    let error = detector.effective_gain().unwrap_err().to_string();
    assert!(error.contains("times the density that [gain] holds for, and foils[0]"), "{error}");
}

/// The gain of PARSIFAL by the slope of `cgem`, for each collected electron, and its relative variance: from
/// the closed form of a cascade, f = f₁ + f₂/n₁ + f₃/(n₁n₂) (arXiv:1602.01316), with the first foil's
/// electrons collected.
#[test]
fn calibrated_at_one_voltage_the_gain_is_that_of_parsifal_at_all() {
    let text = include_str!("../../../data/parsifal_gain.csv");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert_eq!(rows.len(), 8);
    let mut detector = shipped("cgem");
    let collected = detector.collected();
    // Its points scatter by 4% about an exponential, so it matters a little where one is calibrated.
    for (calibrated, tolerance) in [(775.0, 0.045), (825.0, 0.052)] {
        let row = rows.iter().find(|row| row[0].to_bits() == f64::to_bits(calibrated)).unwrap();
        let mut at = detector.clone();
        at.gain = None;
        at.set_condition("voltage_sum_v", &[calibrated]).unwrap();
        at.gain = Some(effective(row[3] * collected));
        for row in &rows {
            at.set_condition("voltage_sum_v", &[row[0]]).unwrap();
            let gain = at.effective_gain().unwrap() / collected;
            assert!((gain / row[3] - 1.0).abs() < tolerance, "{} V: {gain} instead of {}", row[0], row[3]);
        }
    }
    detector.gain = Some(effective(5_115.4 * collected));
    for row in &rows {
        let mut at = detector.clone();
        at.set_condition("voltage_sum_v", &[row[0]]).unwrap();
        let gain = at.effective_gain().unwrap() / collected;
        let mut own = at.clone();
        own.gain = None;
        let own = own.effective_gain().unwrap();
        let factor = (gain * collected / own).cbrt();
        let (mut mean, mut relative) = (1.0, 0.0);
        for (k, foil) in at.foils.iter().enumerate() {
            let mut alone = at.clone();
            alone.foils = vec![foil.clone()];
            let collection = if k == 0 { 1.0 } else { alone.collected() };
            let polya = factor * foil.gain * foil.extraction;
            relative += ((1.0 / polya + 1.0 / (1.0 + foil.theta) + 1.0) / collection - 1.0) / mean;
            mean *= collection * polya;
        }
        assert!((relative - row[4]).abs() < 0.08, "{} V: {relative} instead of {}", row[0], row[4]);
    }
}

#[test]
fn wrong_values_are_refused_with_what_is_allowed() {
    let good = Detector::shipped("cgem").unwrap();
    for (with, said) in [
        ("effective = -1.0", "gain.effective is -1, but must be from 0.000001 to 100000000"),
        ("effective = nan", "gain.effective is NaN"),
        ("effective = 1e9", "gain.effective is 1000000000, but must be from 0.000001 to 100000000"),
        ("", "gain.effective is missing, but must be from 1e-6 to 1e8, or gain.measured a list"),
        ("measured = [{ voltage_sum_v = 800.0, gain = 0.0 }]", "gain.measured[0].gain is 0, but must be"),
        (
            "measured = [{ voltage_sum_v = 800.0, gain = 1.0 }, { voltage_sum_v = 790.0, gain = 2.0 }]",
            "gain.measured[1].voltage_sum_v is 790, but must be from 800.001",
        ),
        ("effective = 10.0\npressure_torr = 0.0", "gain.pressure_torr is 0, but must be from 1 to 100000"),
        ("efective = 10.0", "unknown field `efective`"),
    ] {
        let text = good.replace("effective = 10000.0", with);
        assert_ne!(text, good);
        let error = Detector::from_toml(&text).and_then(|detector| Simulation::new(&detector).map(|_| ()));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
    let text = good.replace("w_ev = 26.1", "w_ev = 0.0");
    let error = Detector::from_toml(&text).unwrap_err().to_string();
    assert!(error.contains("gas.w_ev is 0, but must be from 1 to 1000"), "{error}");
    let mut detector = shipped("cgem");
    detector.foils.truncate(1);
    detector.gain = Some(effective(1e5));
    let error = Simulation::new(&detector).map(|_| ()).unwrap_err().to_string();
    let said = "foils[0].gain, scaled to [gain] and the density of the gas, is";
    assert!(error.contains(said) && error.contains("must be from 0 to 10000"), "{error}");
    // Foils that multiply nothing cannot be scaled to anything.
    let mut detector = shipped("cgem");
    detector.foils[0].extraction = 0.0;
    let error = Simulation::new(&detector).unwrap_err().to_string();
    assert!(error.contains("the gain of the foils' own values is 0"), "{error}");
}
