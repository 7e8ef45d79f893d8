//! Other structures than a triple GEM: lattices, numbers of foils, meshes, and a gain that saturates.

use townsend_core::{Coordinate, Dataset, ElectronBuffer, ElectronSet, Purpose, stream};
use townsend_sim::{
    Arrangement, Detector, Drift, Foil, FoilStage, Holes, Lattice, Simulation, Stage, StageWorkspace, Start,
    Workspace,
};

fn shipped(name: &str) -> Detector {
    Detector::from_toml(Detector::shipped(name).unwrap()).unwrap()
}

fn drawn(detector: &Detector, avalanches: u64) -> ElectronSet {
    let mut set = ElectronSet::default();
    Simulation::new(detector)
        .unwrap()
        .blocks(3, 0..avalanches, Start::Cell)
        .for_each(|block| set.append(&block));
    set
}

fn digest(detector: &Detector) -> String {
    Dataset::from(drawn(detector, 30)).digest()
}

/// Without any spread electrons come down under the hole that is nearest to their start, on every foil's own
/// lattice.
#[test]
fn every_foil_has_its_own_lattice() {
    let mut detector = shipped("single_gem");
    let foil = &mut detector.foils[0];
    (foil.hole_spread_um, foil.exit_spread_um, foil.common_spread_um) = (0.0, 0.0, 0.0);
    (foil.offset_retention, foil.gap_mm, foil.included_mm) = (0.0, 0.0, 0.0);
    let come_down_at = |detector: &Detector, x_um: f64, z_um: f64| {
        let simulation = Simulation::new(detector).unwrap();
        let mut workspace = Workspace::default();
        let start = Start::At { x_um, z_um };
        let index = (0..100).find(|&index| !simulation.avalanche(1, index, start, &mut workspace).is_empty());
        let electrons = simulation.avalanche(1, index.unwrap(), start, &mut workspace);
        [f64::from(electrons.x[0]) * 1000.0 + x_um, f64::from(electrons.z[0]) * 1000.0 + z_um]
    };
    let root = 3f64.sqrt() / 2.0;
    for (kind, rotation_deg, at, hole) in [
        (Arrangement::Hexagonal, 0.0, [80.0, 100.0], [70.0, 140.0 * root]),
        (Arrangement::Hexagonal, 90.0, [100.0, 80.0], [140.0 * root, 70.0]),
        (Arrangement::Square, 0.0, [80.0, 100.0], [140.0, 140.0]),
        (Arrangement::Square, 45.0, [80.0, 100.0], [140.0 / 2f64.sqrt(); 2]),
        (Arrangement::None, 0.0, [80.0, 100.0], [80.0, 100.0]),
    ] {
        detector.foils[0].lattice = Some(Holes { kind, pitch_um: 140.0, rotation_deg });
        let found = come_down_at(&detector, at[0], at[1]);
        assert!(
            (found[0] - hole[0]).abs() < 0.05 && (found[1] - hole[1]).abs() < 0.05,
            "{kind:?} {rotation_deg}: {found:?} instead of {hole:?}"
        );
    }
    // A foil's own lattice that is that of the detector changes nothing, and one that is turned does.
    let plain = shipped("triple_gem_ar_co2");
    let mut own = plain.clone();
    own.foils[1].lattice = Some(own.lattice);
    assert_eq!(digest(&own), digest(&plain));
    own.foils[1].lattice = Some(Holes { rotation_deg: 90.0, ..own.lattice });
    assert_ne!(digest(&own), digest(&plain));
    let text = toml::to_string(&own).unwrap();
    assert_eq!(digest(&Detector::from_toml(&text).unwrap()), digest(&own), "{text}");
}

/// Turning the lattice of every foil turns the avalanches: their mean sizes stay.
#[test]
fn a_stack_of_four_foils_has_the_gain_of_its_foils() {
    let detector = shipped("quadruple_gem");
    assert_eq!(detector.foils.len(), 4);
    let mut detector = detector;
    for foil in &mut detector.foils {
        foil.gain *= 0.4;
    }
    let sizes: Vec<f64> = drawn(&detector, 8_000).iter().map(|avalanche| avalanche.len() as f64).collect();
    let (n, mean) = (sizes.len() as f64, sizes.iter().sum::<f64>() / sizes.len() as f64);
    let spread = (sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / n / n).sqrt();
    let expected = detector.effective_gain().unwrap();
    assert!((mean - expected).abs() < 4.0 * spread, "{mean} ± {spread} instead of {expected}");
}

/// A mesh: Bernoulli's law for its transparency, Polya's for the gain, electrons where they come down.
#[test]
fn a_mesh_is_transparent_and_multiplies() {
    let mut detector = shipped("micromegas");
    detector.foils[0].gain = 400.0;
    let set = drawn(&detector, 20_000);
    let sizes: Vec<f64> = set.iter().map(|avalanche| avalanche.len() as f64).collect();
    let n = sizes.len() as f64;
    let (mean, empty) = (sizes.iter().sum::<f64>() / n, sizes.iter().filter(|&&size| size == 0.0).count());
    let variance = sizes.iter().map(|size| (size / mean - 1.0).powi(2)).sum::<f64>() / n;
    // The relative variance of a part c of Polya numbers of the mean m: (1/m + 1/(1 + θ) + 1)/c − 1.
    let expected = (1.0 / 400.0 + 1.0 / 3.2 + 1.0) / 0.95 - 1.0;
    assert!((mean / 380.0 - 1.0).abs() < 4.0 * (expected / n).sqrt(), "{mean}");
    assert!((variance / expected - 1.0).abs() < 0.05, "{variance} {expected}");
    assert!((empty as f64 / n - 0.05).abs() < 4.0 * (0.05 * 0.95 / n).sqrt(), "{empty}");
    let square = set.column(Coordinate::X).iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let spread = (square / set.column(Coordinate::X).len() as f64).sqrt();
    assert!((spread / 0.0389 - 1.0).abs() < 0.01, "{spread}");
}

/// A foil whose electrons all get into the hole that they are above.
fn saturating(saturation: f64) -> Foil {
    let foil = shipped("single_gem").foils[0].clone();
    Foil {
        collection: 1.0,
        collection_slope: 0.0,
        gain: 40.0,
        theta: 0.5,
        extraction: 0.5,
        saturation,
        hole_spread_um: 0.0,
        ..foil
    }
}

/// Mean number of electrons that n together become, with its error.
fn mean_of(foil: &Foil, places: &[[f32; 2]], times: u64) -> (f64, f64) {
    let stage = FoilStage::new(Lattice::new(0.14), foil, &Drift::default());
    let mut workspace = StageWorkspace::default();
    let (mut parents, mut children) = (ElectronBuffer::default(), ElectronBuffer::default());
    for &[x, z] in places {
        parents.push(x, z, 0.0);
    }
    let (mut sum, mut square) = (0.0, 0.0);
    for index in 0..times {
        children.clear();
        stage.respond(&parents, &mut children, &mut workspace, &mut stream(1, Purpose::new("test"), index));
        let n = children.len() as f64;
        (sum, square) = (sum + n, square + n * n);
    }
    let (n, mean) = (times as f64, sum / times as f64);
    (mean, ((square / n - mean * mean) / n).sqrt())
}

/// n electrons of a hole become n·G/(1 + β·n·G) on average, times the extraction; those of other holes do not
/// count.
#[test]
fn the_gain_of_a_hole_saturates() {
    let (beta, g) = (1e-3, 40.0);
    for n in [1u16, 2, 25, 400] {
        let places: Vec<[f32; 2]> = (0..n).map(|k| [f32::from(k % 5) * 0.005, 0.002]).collect();
        let (mean, error) = mean_of(&saturating(beta), &places, 40_000 / u64::from(n));
        let n = f64::from(n);
        let expected = 0.5 * n * g / (1.0 + beta * n * g);
        assert!((mean - expected).abs() < 4.0 * error, "{n}: {mean} ± {error} instead of {expected}");
    }
    // Two holes with 10 electrons each, and one with 20.
    let apart: Vec<[f32; 2]> = (0..20u8).map(|k| [if k < 10 { 0.0 } else { 0.14 }, 0.0]).collect();
    let (mean, error) = mean_of(&saturating(beta), &apart, 4_000);
    let expected = 2.0 * 0.5 * 10.0 * g / (1.0 + beta * 10.0 * g);
    assert!((mean - expected).abs() < 4.0 * error, "{mean} ± {error} instead of {expected}");
    // Where it saturates altogether, a hole makes 1/β electrons, however many come.
    for n in [100usize, 1_000] {
        let (mean, error) = mean_of(&saturating(0.1), &vec![[0.0, 0.0]; n], 2_000);
        let limit = 0.5 / 0.1;
        let expected = limit * (n as f64 * g * 0.1) / (1.0 + n as f64 * g * 0.1);
        assert!((mean - expected).abs() < 4.0 * error, "{n}: {mean} ± {error} instead of {expected}");
        assert!((mean / limit - 1.0).abs() < 0.05);
    }
}

/// A saturation of 0 is none, to the byte; one that is negligible gives the same numbers of electrons on
/// average, and any gives the same bytes with any number of threads.
#[test]
fn saturation_is_off_unless_asked_for() {
    let plain = shipped("triple_gem_1t");
    let with = |saturation: f64| {
        let mut detector = plain.clone();
        detector.foils[2].saturation = saturation;
        detector
    };
    assert_eq!(digest(&with(0.0)), digest(&plain));
    let size = |detector: &Detector| {
        let set = drawn(detector, 3_000);
        (set.column(Coordinate::X).len() as f64 / 3_000.0).ln()
    };
    let [none, little, much] = [0.0, 1e-12, 1e-3].map(|saturation| size(&with(saturation)));
    // The first two foils are the same avalanches; the last one's numbers are others.
    assert!((none - little).abs() < 0.1 && much < none - 0.03, "{none} {little} {much}");
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let detector = with(1e-3);
    assert_eq!(pool(1).install(|| digest(&detector)), pool(3).install(|| digest(&detector)));
}

#[test]
fn wrong_values_are_refused_with_what_is_allowed() {
    let good = Detector::shipped("quadruple_gem").unwrap();
    for (from, to, said) in [
        (
            "rotation_deg = 90.0",
            "rotation_deg = 400.0",
            "foils[1].lattice.rotation_deg is 400, but must be from -360 to 360",
        ),
        (
            "pitch_um = 140.0, rot",
            "pitch_um = 0.0, rot",
            "foils[1].lattice.pitch_um is 0, but must be from 1 to 10000",
        ),
        (
            "rotation_deg = 90.0",
            "kind = \"round\"",
            "unknown variant `round`, expected one of `hexagonal`, `square`, `none`",
        ),
        (
            "gap_mm = 2.0",
            "gap_mm = 2.0\nsaturation = -1.0",
            "foils[0].saturation is -1, but must be from 0 to 1",
        ),
        (
            "rotation_deg = 90.0 }",
            "kind = \"none\" }\nsaturation = 0.1",
            "foils[1].saturation, of a foil without a lattice of holes, is 0.1, but must be from 0 to 0",
        ),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good);
        let error = Detector::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
    let none = good.split("[[foils]]").next().unwrap().to_owned() + "foils = []";
    let none = none.replace("name =", "foils = []\nname =").replace("\nfoils = []", "");
    assert!(
        Detector::from_toml(&format!("foils = []\n{none}")).unwrap_err().to_string().contains("from 1 to 10")
    );
}
