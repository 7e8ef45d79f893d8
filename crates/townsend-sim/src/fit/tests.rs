use townsend_core::{Purpose, stream};

use super::families::FamilyParameters;
use super::*;
use crate::{Cloud, Drift, FoilStage, Stage, Transport};

const PITCH_MM: f32 = 0.14;

fn foil() -> Foil {
    Foil {
        collection: 0.7,
        collection_slope: -1.5,
        gain: 30.0,
        theta: 0.5,
        extraction: 0.45,
        hole_spread_um: 47.0,
        memory: 0.09,
        common_spread_um: 14.0,
        exit_spread_um: 46.0,
        transit_ns: 7.2,
        transit_slope_ns: 0.8,
        common_time_spread_ns: 0.55,
        own_time_spread_ns: 0.57,
        gap_mm: 2.0,
        field_kv_cm: 3.0,
        included_mm: 0.24,
    }
}

fn known(foil: &Foil) -> KnownFoil {
    KnownFoil { extraction: foil.extraction, gap: foil.gap(), included_mm: foil.included_mm }
}

/// Responses of a foil without a gap, to starts all over the cell of a hole away from the origin.
fn responses(foil: &Foil, starts: usize) -> Responses {
    let lattice = Lattice::new(PITCH_MM);
    let transport = Transport {
        velocity_um_ns: 35.0,
        perpendicular_um_ns: 0.0,
        transverse: [380.0; 2],
        longitudinal: 170.0,
    };
    let stage = FoilStage::new(lattice, foil, &Drift::over(0.0, &transport));
    let mut random = stream(11, Purpose::new("test"), 0);
    let hole = lattice.hole(3, -2);
    let um = |mm: f32| 1000.0 * f64::from(mm);
    let (mut places, mut offsets, mut all) = (Vec::new(), vec![0], Vec::new());
    for _ in 0..starts {
        let (x, z) = lattice.point_in_cell(&mut random);
        let (x, z) = (x + hole.0, z + hole.1);
        let (mut parent, mut children) = (Cloud::default(), Cloud::default());
        parent.push(x, z, 0.0);
        stage.respond(&parent, &mut children, &mut random);
        places.push([um(x), um(z)]);
        all.extend((0..children.len()).map(|i| [um(children.x[i]), um(children.z[i]), children.t[i].into()]));
        offsets.push(all.len());
    }
    Responses::new(places, offsets, all).unwrap()
}

fn fit(responses: &Responses) -> Result<FittedFoil, SimError> {
    fit_foil(responses, Lattice::new(PITCH_MM), &known(&foil()))
}

/// Within four standard errors, which are those of a bootstrap of 2469 responses of such a foil, scaled to 20,000: 0.35 times.
#[test]
fn a_foil_is_found_again_from_its_responses() {
    let foil = foil();
    let responses = responses(&foil, 20_000);
    let fitted = fit(&responses).unwrap();
    let found = fitted.foil;
    for (name, found, expected, error) in [
        // 0.094 of the log odds, times c(1 − c).
        ("collection", found.collection, foil.collection, 0.35 * 0.02),
        ("collection_slope", found.collection_slope, foil.collection_slope, 0.35 * 0.51),
        ("gain", found.gain, foil.gain, 0.35 * 0.87),
        ("theta", found.theta, foil.theta, 0.35 * 0.062),
        ("hole_spread", found.hole_spread_um, foil.hole_spread_um, 0.35 * 0.63),
        ("memory", found.memory, foil.memory, 0.35 * 0.009),
        ("common_spread", found.common_spread_um, foil.common_spread_um, 0.35 * 0.31),
        ("exit_spread", found.exit_spread_um, foil.exit_spread_um, 0.35 * 0.12),
        ("transit", found.transit_ns, foil.transit_ns, 0.35 * 0.017),
        ("transit_slope", found.transit_slope_ns, foil.transit_slope_ns, 0.35 * 0.067),
        ("common_time", found.common_time_spread_ns, foil.common_time_spread_ns, 0.35 * 0.0085),
        ("own_time", found.own_time_spread_ns, foil.own_time_spread_ns, 0.35 * 0.0015),
    ] {
        assert!((found - expected).abs() < 4.0 * error, "{name}: {found} for {expected} ± {error}");
    }
    assert_eq!((found.extraction, found.gap(), found.included_mm), (0.45, foil.gap(), 0.24));
    assert_eq!((fitted.starts, fitted), (20_000, fit(&responses).unwrap()));
}

/// Also from far off, and no neighbouring point is more likely than the end.
#[test]
fn em_never_lowers_the_likelihood() {
    let responses = responses(&foil(), 600);
    let families = Families::new(&responses, Lattice::new(PITCH_MM)).unwrap();
    let far = FamilyParameters {
        hole_spread: 300.0,
        memory: -0.5,
        common: 1.0,
        transit: 20.0,
        transit_slope: -5.0,
        common_time: 10.0,
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
    let (best, top) = families.fit().unwrap();
    let value = |change: &dyn Fn(&mut FamilyParameters)| {
        let mut parameters = best;
        change(&mut parameters);
        families.step(&parameters).unwrap().1
    };
    for factor in [0.98f64, 1.02] {
        assert!(value(&|p| p.hole_spread *= factor) < top);
        assert!(value(&|p| p.memory *= factor.powi(5)) < top);
        assert!(value(&|p| p.common *= factor) < top);
        assert!(value(&|p| p.transit *= factor) < top);
        assert!(value(&|p| p.transit_slope *= factor.powi(5)) < top);
        assert!(value(&|p| p.common_time *= factor) < top);
    }
}

/// The sum over numbers is the probability of something, at any place; and without children it is the formula's.
#[test]
fn probabilities_of_numbers_add_up() {
    let lattice = Lattice::new(PITCH_MM);
    let parameters = number::NumberParameters { odds: 0.8, odds_slope: -1.5, mean: 3.0, shape: 1.5 };
    // A second start on the axis, without children, whose probability is known.
    let [at, axis] = [[60.0, 10.0], [0.0, 0.0]];
    let collected = |square: f64| 1.0 / (1.0 + (-0.8 + 1.5 * square).exp());
    let none = |c: f64| 1.0 - c + c * 3f64.powf(-1.5);
    let probability = |n: usize| {
        let responses = Responses::new(vec![at, axis], vec![0, n, n], vec![[0.0; 3]; n]).unwrap();
        Numbers::new(&responses, lattice).unwrap().log_likelihood(&parameters).exp() / none(collected(0.0))
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
fn alike(families: usize, step: f64, children: &[[f64; 3]]) -> Result<FittedFoil, SimError> {
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
    let error = fit_foil(&responses(&foil(), 100), Lattice::new(PITCH_MM), &unknown).unwrap_err();
    assert!(error.to_string().contains("extraction is 0"), "{error}");
    assert!(fit_foil(&responses(&foil(), 100), Lattice::new(0.0), &known(&foil())).is_err());
}

/// Children that all arrive at one point or far away: a foil within the limits or an error, no panic and no NaN.
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
