use super::families::{FamilyParameters, Shifts};
use super::responses::Scaled;
use super::*;
use townsend_core::{Purpose, stream};
use townsend_sim::{Detector, Foil};

const PITCH_MM: f32 = 0.14;

/// That of E × B in the tests with a magnetic field.
fn direction() -> Direction {
    Direction::from_degrees(150.0)
}

fn foil() -> Foil {
    Foil {
        lattice: None,
        collection: 0.7,
        collection_slope: -1.5,
        gain: 30.0,
        theta: 0.5,
        extraction: 0.45,
        saturation: 0.0,
        hole_spread_um: 47.0,
        offset_retention: 0.09,
        common_spread_um: 14.0,
        exit_spread_um: 46.0,
        transit_ns: 7.2,
        transit_slope_ns: 0.8,
        common_time_spread_ns: 0.55,
        common_time_skewness: 0.25,
        own_time_spread_ns: 0.57,
        own_time_skewness: 0.3,
        gap_mm: 2.0,
        field_kv_cm: 3.0,
        included_mm: 0.24,
        magnetic: None,
        late: None,
        conditions: BTreeMap::new(),
    }
}

/// The same in a magnetic field.
fn in_field() -> Foil {
    let magnetic = Magnetic {
        entry_shift_um: 35.0,
        exit_shift_um: 18.0,
        exit_anisotropy: 0.03,
        exit_correlation: 0.2,
        transit_tilt_ns: -0.2,
    };
    Foil { magnetic: Some(magnetic), ..foil() }
}

/// The same with electrons that are late.
fn with_late() -> Foil {
    let late = Late { fraction: 0.1, delay_ns: 2.0, own_fraction: 0.06, own_delay_ns: 2.0 };
    Foil { late: Some(late), common_time_skewness: 0.0, own_time_skewness: 0.0, ..foil() }
}

fn recorded(responses: &Responses) -> Recorded<'_> {
    Recorded { responses, conditions: BTreeMap::new() }
}

fn known(foil: &Foil) -> KnownFoil {
    KnownFoil {
        extraction: foil.extraction,
        gap: foil.gap(),
        included_mm: foil.included_mm,
        magnetic: foil.magnetic.map(|_| direction()),
    }
}

/// Responses of a foil without a gap, to starts all over the cell of a hole away from the origin.
fn responses(foil: &Foil, starts: usize, index: u64) -> Responses {
    let lattice = Lattice::new(PITCH_MM);
    let mut random = stream(11, Purpose::new("test"), index);
    let hole = lattice.hole(3, -2);
    let um = |mm: f32| 1000.0 * f64::from(mm);
    let start = |_| {
        let (x, z) = lattice.point_in_cell(&mut random);
        [um(x + hole.0), um(z + hole.1)]
    };
    let starts: Vec<_> = (0..starts).map(start).collect();
    let offsets = vec![0; starts.len() + 1];
    Responses::new(starts, offsets, vec![]).unwrap().again(foil, (lattice, direction()), 1, index)
}

fn fit(responses: &Responses) -> Result<FittedFoil, CascadeError> {
    fit_foil(&[recorded(responses)], Lattice::new(PITCH_MM), &known(&foil()))
}

fn fit_in_field(responses: &Responses) -> Result<FittedFoil, CascadeError> {
    fit_foil(&[recorded(responses)], Lattice::new(PITCH_MM), &known(&in_field()))
}

fn values(foil: &Foil) -> Vec<(&'static str, f64)> {
    let mut values = vec![
        ("collection", foil.collection),
        ("collection_slope", foil.collection_slope),
        ("gain", foil.gain),
        ("theta", foil.theta),
        ("hole_spread_um", foil.hole_spread_um),
        ("offset_retention", foil.offset_retention),
        ("common_spread_um", foil.common_spread_um),
        ("exit_spread_um", foil.exit_spread_um),
        ("transit_ns", foil.transit_ns),
        ("transit_slope_ns", foil.transit_slope_ns),
        ("common_time_spread_ns", foil.common_time_spread_ns),
        ("own_time_spread_ns", foil.own_time_spread_ns),
    ];
    if let Some(magnetic) = foil.magnetic {
        values.extend([
            ("magnetic.entry_shift_um", magnetic.entry_shift_um),
            ("magnetic.exit_shift_um", magnetic.exit_shift_um),
            ("magnetic.exit_anisotropy", magnetic.exit_anisotropy),
            ("magnetic.exit_correlation", magnetic.exit_correlation),
            ("magnetic.transit_tilt_ns", magnetic.transit_tilt_ns),
        ]);
    }
    if let Some(late) = foil.late {
        values.extend([("late.fraction", late.fraction), ("late.delay_ns", late.delay_ns)]);
    } else {
        values.extend([
            ("common_time_skewness", foil.common_time_skewness),
            ("own_time_skewness", foil.own_time_skewness),
        ]);
    }
    values
}

#[test]
fn a_foil_is_found_again_from_its_responses() {
    for (foil, fit) in [(foil(), fit as fn(&_) -> _), (in_field(), fit_in_field)] {
        let responses = responses(&foil, 20_000, 0);
        let fitted = fit(&responses).unwrap();
        for ((name, found), (_, expected)) in values(&fitted.foil).into_iter().zip(values(&foil)) {
            let error = fitted.errors[name];
            assert!((found - expected).abs() < 4.0 * error, "{name}: {found} ± {error} for {expected}");
        }
        assert_eq!(fitted.errors.len(), values(&foil).len());
        assert!(fitted.foil.late.is_none());
        assert_eq!(
            (fitted.foil.extraction, fitted.foil.gap(), fitted.foil.included_mm),
            (0.45, foil.gap(), 0.24)
        );
        assert_eq!(fitted.starts, 20_000);
        assert_eq!(fitted, fit(&responses).unwrap());
        // Along E × B the fit explains the shift; along B nothing is there to be found.
        let [along, across] = [0, 1].map(|k| fitted.shift.unexplained_um.map(|pair| pair[k]));
        assert!(foil.magnetic.is_none() || along[0].abs() < along[1], "{along:?}");
        assert!(across[0].abs() < 4.0 * across[1] && across[1] < 0.3, "{across:?}");
    }
}

/// Late electrons are found where they make the times skewed. Those of single children are found from
/// differences that are not quite independent.
#[test]
fn late_electrons_are_found() {
    let foil = with_late();
    let fitted = fit(&responses(&foil, 10_000, 0)).unwrap();
    for ((name, found), (_, expected)) in values(&fitted.foil).into_iter().zip(values(&foil)) {
        let error = fitted.errors[name];
        let bias = if name == "transit_ns" {
            0.03
        } else if name == "own_time_spread_ns" {
            0.04
        } else {
            0.0
        };
        assert!((found - expected).abs() < 4.0 * error + bias, "{name}: {found} ± {error} for {expected}");
    }
    let (found, expected) = (fitted.foil.late.unwrap(), foil.late.unwrap());
    assert!((found.own_fraction / expected.own_fraction - 1.0).abs() < 0.3, "{found:?}");
    assert!((found.own_delay_ns / expected.own_delay_ns - 1.0).abs() < 0.2, "{found:?}");
}

/// Differences from the truth, divided by the standard errors, scatter by 1: over 36 samples by 1 ± 0.12, and
/// over all parameters of a foil together by 1 ± 0.03.
#[test]
fn standard_errors_are_true() {
    let samples = 36;
    for (foil, fit) in [(foil(), fit as fn(&_) -> _), (in_field(), fit_in_field)] {
        let truth = values(&foil);
        let mut squares = vec![0.0; truth.len()];
        for index in 0..samples {
            let fitted: FittedFoil = fit(&responses(&foil, 1500, index)).unwrap();
            for (k, (name, found)) in values(&fitted.foil).into_iter().enumerate() {
                squares[k] += ((found - truth[k].1) / fitted.errors[name]).powi(2);
            }
        }
        for ((name, _), square) in truth.iter().zip(&squares) {
            let spread = (square / samples as f64).sqrt();
            assert!((0.55..1.5).contains(&spread), "{name}: {spread}");
        }
        let all = (squares.iter().sum::<f64>() / (squares.len() as f64 * samples as f64)).sqrt();
        assert!((0.85..1.2).contains(&all), "{all}");
    }
}

/// Recorded without a field and fitted as with one, a foil has no shifts; and a field turned by 180° or
/// reflected along B gives the mirrored foil.
#[test]
fn symmetries_of_a_field_hold() {
    let without = responses(&foil(), 4000, 3);
    let fitted = fit_in_field(&without).unwrap();
    let magnetic = fitted.foil.magnetic.unwrap();
    let error = |name: &str| 4.0 * fitted.errors[&format!("magnetic.{name}")];
    for (name, value) in [
        ("entry_shift_um", magnetic.entry_shift_um),
        ("exit_shift_um", magnetic.exit_shift_um),
        ("exit_anisotropy", magnetic.exit_anisotropy),
        ("exit_correlation", magnetic.exit_correlation),
        ("transit_tilt_ns", magnetic.transit_tilt_ns),
    ] {
        assert!(value.abs() < error(name), "{name}: {value}");
    }
    let shifted = responses(&in_field(), 1500, 4);
    let along = fit_in_field(&shifted).unwrap().foil;
    let turned = KnownFoil { magnetic: Some(Direction::from_degrees(-30.0)), ..known(&in_field()) };
    let against = fit_foil(&[recorded(&shifted)], Lattice::new(PITCH_MM), &turned).unwrap().foil;
    let odd = [
        "magnetic.entry_shift_um",
        "magnetic.exit_shift_um",
        "magnetic.exit_correlation",
        "magnetic.transit_tilt_ns",
    ];
    for ((name, one), (_, other)) in values(&along).into_iter().zip(values(&against)) {
        let mirrored = if odd.contains(&name) { -other } else { other };
        assert!((one - mirrored).abs() < 1e-4 * one.abs().max(0.1), "{name}: {one} {other}");
    }
}

/// Responses at two voltages give a foil at the first, whose dependence leads back to the second.
#[test]
fn a_foil_depends_on_its_voltage() {
    let low = foil();
    let (gain, odds, transit) = (0.024, 0.015, -0.002);
    let mut detector = Detector::from_toml(Detector::shipped("microscopic_275").unwrap()).unwrap();
    let condition = Condition {
        value: 275.0,
        range: [275.0, 300.0],
        ln_gain: gain,
        collection_odds: odds,
        transit_ns: transit,
    };
    detector.foils = vec![Foil { conditions: [("voltage_v".into(), condition)].into(), ..low.clone() }];
    assert_eq!(detector.set_condition("voltage_v", &[300.0]).unwrap(), Vec::<String>::new());
    let high = detector.foils.remove(0);
    assert!((high.gain / low.gain - (25.0 * gain).exp()).abs() < 1e-9);

    let of = |foil: &Foil, voltage: f64| responses(foil, 10_000, voltage as u64);
    let (of_low, of_high) = (of(&low, 275.0), of(&high, 300.0));
    let at = |voltage: f64| [("voltage_v".to_owned(), voltage)].into();
    let recorded = [
        Recorded { responses: &of_low, conditions: at(275.0) },
        Recorded { responses: &of_high, conditions: at(300.0) },
    ];
    let fitted = fit_foil(&recorded, Lattice::new(PITCH_MM), &known(&low)).unwrap();
    let found = fitted.foil.conditions["voltage_v"];
    assert_eq!((found.value, found.range), (275.0, [275.0, 300.0]));
    for (name, found, expected) in [
        ("gain", fitted.foil.gain, low.gain),
        ("transit_ns", fitted.foil.transit_ns, low.transit_ns),
        ("conditions.voltage_v.ln_gain", found.ln_gain, gain),
        ("conditions.voltage_v.collection_odds", found.collection_odds, odds),
        ("conditions.voltage_v.transit_ns", found.transit_ns, transit),
    ] {
        let error = fitted.errors[name];
        assert!((found - expected).abs() < 4.0 * error, "{name}: {found} ± {error} for {expected}");
    }
    assert!(fitted.errors["conditions.voltage_v.ln_gain"] < 0.002);

    let same = [recorded[0].clone(), recorded[0].clone()];
    let none = [recorded[0].clone(), Recorded { conditions: BTreeMap::new(), ..recorded[1].clone() }];
    for (recorded, what) in [(same, "all responses have voltage_v = 275"), (none, "(voltage_v) and ()")] {
        let error = fit_foil(&recorded, Lattice::new(PITCH_MM), &known(&low)).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}

/// EM climbs from the first guess and from far off, and no point near its end is more likely.
#[test]
fn em_never_lowers_the_likelihood() {
    for (foil, direction) in [(foil(), None), (in_field(), Some(direction()))] {
        let responses = responses(&foil, 600, 0);
        let scaled = Scaled { responses: &responses, conditions: Vec::new() };
        let families = Families::new(&[scaled], Lattice::new(PITCH_MM), direction).unwrap();
        let far = FamilyParameters {
            hole_spread: 300.0,
            offset_retention: -0.5,
            common: 1.0,
            transit: 20.0,
            transit_slope: -5.0,
            common_time: 10.0,
            late: None,
            shifts: direction.map(|_| Shifts { entry: -60.0, exit: 80.0, tilt: 4.0 }),
            by_condition: Vec::new(),
        };
        for mut parameters in [families.first_guess(), far] {
            let mut before = f64::NEG_INFINITY;
            for step in 0..150 {
                let (next, log_likelihood) = families.step(&parameters).unwrap();
                assert!(
                    log_likelihood >= before - 1e-12 * before.abs().min(1e9),
                    "{step}: {log_likelihood} {before}"
                );
                (parameters, before) = (next, log_likelihood);
            }
        }
        let Maximum { parameters: best, log_likelihood: top, .. } = families.fit().unwrap();
        let value = |change: &dyn Fn(&mut FamilyParameters)| {
            let mut parameters = best.clone();
            change(&mut parameters);
            families.step(&parameters).unwrap().1
        };
        for factor in [0.98f64, 1.02] {
            assert!(value(&|p| p.hole_spread *= factor) < top);
            assert!(value(&|p| p.offset_retention *= factor.powi(5)) < top);
            assert!(value(&|p| p.common *= factor) < top);
            assert!(value(&|p| p.transit *= factor) < top);
            assert!(value(&|p| p.transit_slope *= factor.powi(5)) < top);
            assert!(value(&|p| p.common_time *= factor) < top);
            if direction.is_some() {
                let shifts = |change: &dyn Fn(&mut Shifts)| value(&|p| change(p.shifts.as_mut().unwrap()));
                assert!(shifts(&|shifts| shifts.entry *= factor) < top);
                assert!(shifts(&|shifts| shifts.exit *= factor) < top);
                assert!(shifts(&|shifts| shifts.tilt *= factor.powi(5)) < top);
            }
        }
    }
}

/// The probabilities of all numbers of children add up to 1 at any start, and that of no children is the
/// formula's.
#[test]
fn probabilities_of_numbers_add_up() {
    let lattice = Lattice::new(PITCH_MM);
    let by_condition = Vec::new();
    let parameters =
        number::NumberParameters { odds: 0.8, odds_slope: -1.5, mean: 3.0, shape: 1.5, by_condition };
    // A second start on the axis, without children, whose probability is known.
    let [at, axis] = [[60.0, 10.0], [0.0, 0.0]];
    let collected = |square: f64| 1.0 / (1.0 + (-0.8 + 1.5 * square).exp());
    let none = |c: f64| 1.0 - c + c * 3f64.powf(-1.5);
    let probability = |n: usize| {
        let responses = Responses::new(vec![at, axis], vec![0, n, n], vec![[0.0; 3]; n]).unwrap();
        let scaled = Scaled { responses: &responses, conditions: Vec::new() };
        Numbers::new(&[scaled], lattice, [0.0; 2]).unwrap().log_likelihood(&parameters).exp()
            / none(collected(0.0))
    };
    assert!((probability(0) - none(collected(3700.0 / 19_600.0))).abs() < 1e-6);
    assert!(((0..150).map(probability).sum::<f64>() - 1.0).abs() < 1e-6);
}

#[test]
fn responses_that_do_not_fit_together_are_refused() {
    for offsets in [vec![], vec![0, 1], vec![0, 2, 1], vec![1, 1, 1], vec![0, 0, 2], vec![0, 0, 0, 1]] {
        let error = Responses::new(vec![[0.0; 2]; 2], offsets, vec![[0.0; 3]]).unwrap_err().to_string();
        assert!(error.contains("offsets do not part 1 children among 2 starts"), "{error}");
    }
    for value in [f64::NAN, f64::INFINITY, 1e7] {
        assert!(Responses::new(vec![[0.0, value]], vec![0, 0], vec![]).is_err());
        assert!(Responses::new(vec![[0.0; 2]], vec![0, 1], vec![[0.0, 0.0, value]]).is_err());
    }
}

/// `families` starts along a line, each with these children, of which every second start has the first only.
fn alike(families: usize, step: f64, children: &[[f64; 3]]) -> Result<FittedFoil, CascadeError> {
    let starts = (0..families).map(|i| [step * (i % 40) as f64, 0.3 * step * (i % 7) as f64]).collect();
    let (mut offsets, mut all) = (vec![0], Vec::new());
    for i in 0..families {
        all.extend(children.iter().take(if i % 2 == 0 { children.len() } else { 1 }));
        offsets.push(all.len());
    }
    fit(&Responses::new(starts, offsets, all).unwrap())
}

#[test]
fn too_little_is_an_error_with_a_remedy() {
    let two = [[0.0, 1.0, 7.0], [3.0, 2.0, 8.0]];
    for (result, what) in [
        (fit(&Responses::new(vec![], vec![0], vec![]).unwrap()), "0 of 0 starts have children"),
        (alike(1000, 1.0, &[]), "0 of 1000 starts have children, 0 in all"),
        (alike(1, 1.0, &two), "1 of 1 starts have children, 2 in all"),
        (alike(1000, 1.0, &two[..1]), "1000 of 1000 starts have children, 1000 in all"),
        (alike(1000, 0.0, &two), "all starts are as far from a hole"),
    ] {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(what) && error.contains("hint: record"), "{error}");
    }
    let unknown = KnownFoil { extraction: 0.0, ..known(&foil()) };
    let some = responses(&foil(), 100, 0);
    let error = fit_foil(&[recorded(&some)], Lattice::new(PITCH_MM), &unknown).unwrap_err();
    assert!(error.to_string().contains("extraction is 0"), "{error}");
    assert!(fit_foil(&[recorded(&some)], Lattice::new(0.0), &known(&foil())).is_err());
}

/// Children that all arrive at one point or far away: a foil within the limits or an error, no panic and no
/// NaN.
#[test]
fn odd_responses_give_a_foil_or_an_error() {
    let far = [[1e6, -1e6, 1e6], [-1e6, 1e6, 0.0]];
    for children in [&[[0.0, 0.0, 7.0]; 5][..], &[[70.0, 0.0, -1.0]; 2], &far, &[[0.0, 0.0, 1e6]; 300]] {
        match alike(200, 1.7, children) {
            Ok(fitted) => assert!(fitted.foil.check("").is_ok() && fitted.family_log_likelihood.is_finite()),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("must be") || error.contains("hint"), "{error}");
            }
        }
    }
}
