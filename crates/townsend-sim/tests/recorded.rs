//! Stages of recorded responses against closed forms and searches through all responses.

use std::sync::Arc;

use proptest::prelude::*;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use townsend_core::{ElectronBuffer, Purpose, Stream, stream};
use townsend_sim::{
    Arrangement, Detector, Drift, RecordedFoil, RecordedStage, RecordedStages, ResponseDraw, ResponseTable,
    SimError, Simulation, Stage, StageWorkspace, Start, Symmetry, Workspace,
};

const PITCH_UM: f64 = 140.0;

fn random(index: u64) -> Stream {
    stream(1, Purpose::new("test"), index)
}

/// Responses to starts (µm), the children of each given relative to it (µm, ns).
fn table(responses: &[([f64; 2], Vec<[f64; 3]>)]) -> ResponseTable {
    let (mut starts, mut offsets, mut children) = (Vec::new(), vec![0], Vec::new());
    for ([x, z], own) in responses {
        starts.push([*x, *z]);
        children.extend(own.iter().map(|child| [x + child[0], z + child[1], child[2]]));
        offsets.push(children.len());
    }
    ResponseTable::new(&starts, &offsets, &children).unwrap()
}

fn stage(responses: ResponseTable, draw: &ResponseDraw) -> RecordedStage {
    RecordedStage::new(Arc::new(responses), draw, PITCH_UM, &Drift::default()).unwrap()
}

fn draw(neighbours: usize, lattice: Arrangement, symmetry: &[Symmetry]) -> ResponseDraw {
    ResponseDraw { neighbours, lattice, symmetry: symmetry.into(), ..ResponseDraw::default() }
}

/// The children of electrons at these places (mm), in their order.
fn respond(stage: &RecordedStage, places: &[[f32; 2]], random: &mut Stream) -> ElectronBuffer {
    let (mut parents, mut children) = (ElectronBuffer::default(), ElectronBuffer::default());
    for &[x, z] in places {
        parents.push(x, z, 100.0);
    }
    stage.respond(&parents, &mut children, &mut StageWorkspace::default(), random);
    children
}

/// Starts all over a square that holds the cells of the lattices here, µm.
fn starts(number: usize, random: &mut Stream) -> Vec<[f64; 2]> {
    let mut place = || (random.random::<f64>() - 0.5) * 4.0 * PITCH_UM;
    (0..number).map(|_| [place(), place()]).collect()
}

fn near(found: f32, expected: f64, tolerance: f64) {
    assert!((f64::from(found) - expected).abs() <= tolerance, "{found} {expected}");
}

/// One electron comes through, displaced and delayed: so do all.
#[test]
fn one_response_of_one_electron_is_taken_by_all() {
    let one = table(&[([10.0, -5.0], vec![[30.0, -20.0, 7.5]])]);
    let stage = stage(one, &draw(1, Arrangement::None, &[]));
    let places = [[0.0, 0.0], [1.25, -3.5]];
    let children = respond(&stage, &places, &mut random(0));
    assert_eq!(children.len(), 2);
    for (k, place) in places.into_iter().enumerate() {
        near(children.x[k], f64::from(place[0]) + 0.03, 1e-6);
        near(children.z[k], f64::from(place[1]) - 0.02, 1e-6);
        near(children.t[k], 107.5, 1e-5);
    }
    assert!((stage.effective() - 1.0).abs() < 1e-12);
}

/// The mean number is that of the record weighted by the shares, and within its error that of the record.
#[test]
fn the_mean_number_is_the_recorded_one() {
    let mut random = random(1);
    let responses: Vec<_> = starts(1500, &mut random)
        .into_iter()
        .map(|start| {
            // A third is empty; the others have 1 to 20.
            let number = if random.random::<f64>() < 0.33 { 0 } else { random.random_range(1..=20) };
            (start, vec![[0.0, 0.0, 1.0]; number])
        })
        .collect();
    let numbers: Vec<f64> = responses.iter().map(|(_, own)| own.len() as f64).collect();
    let table = table(&responses);
    let [mean, variance] = table.number();
    assert!((mean - numbers.iter().sum::<f64>() / 1500.0).abs() < 1e-12);
    let stage = stage(table, &draw(12, Arrangement::Hexagonal, &[Symmetry::ReflectZ]));
    let shares = stage.shares();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    let weighted: f64 = shares.iter().zip(&numbers).map(|(share, number)| share * number).sum();
    assert!((weighted - mean).abs() < 3.0 * (variance / stage.effective()).sqrt(), "{weighted} {mean}");
    assert!(stage.effective() > 1000.0 && stage.effective() < 1500.0, "{}", stage.effective());

    let n = 60_000u32;
    let place = |random: &mut Stream| (random.random::<f32>() - 0.5) * 14.0;
    let places: Vec<_> = (0..n).map(|_| [place(&mut random), place(&mut random)]).collect();
    let drawn = respond(&stage, &places, &mut random).len() as f64 / f64::from(n);
    assert!((drawn - weighted).abs() < 4.0 * (variance / f64::from(n)).sqrt(), "{drawn} {weighted}");
}

/// A symmetry is applied to the place where a response starts and to its children alike: what is recorded at
/// one place happens in the mirror at the mirrored one.
#[test]
fn symmetries_move_start_and_children_together() {
    let mut random = random(2);
    // A response's child goes by a vector that depends on the place, in half of the plane only.
    let there = |[x, z]: [f64; 2]| [0.2 * x + 0.1 * z, 0.3 * z, 5.0];
    let half = |[x, z]: &[f64; 2]| {
        let (x, z) = (x.rem_euclid(PITCH_UM), z.rem_euclid(PITCH_UM));
        (x > 0.5 * PITCH_UM, z <= 0.5 * PITCH_UM) == (false, true)
    };
    let quarter: Vec<_> = starts(4000, &mut random)
        .into_iter()
        .filter(half)
        .map(|[x, z]| [x.rem_euclid(PITCH_UM), z.rem_euclid(PITCH_UM)])
        .map(|start| (start, vec![there(start)]))
        .collect();
    assert!(quarter.len() > 700);
    let mirrors = [Symmetry::ReflectX, Symmetry::ReflectZ];
    let stage = stage(table(&quarter), &draw(1, Arrangement::Square, &mirrors));
    for [sign_x, sign_z] in [[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]] {
        for place in [[20.0, 30.0], [65.0, 5.0], [40.0, 66.0]] {
            let [x, z] = [sign_x * place[0], sign_z * place[1]];
            let children = respond(&stage, &[[(x / 1000.0) as f32, (z / 1000.0) as f32]], &mut random);
            let [dx, dz, _] = there(place);
            // The nearest start is some 3 µm away.
            near(children.x[0], (x + sign_x * dx) / 1000.0, 0.012);
            near(children.z[0], (z + sign_z * dz) / 1000.0, 0.012);
        }
    }
}

/// Σ over a family: number, mean, and the six sums of products of deviations.
fn moments(x: &[f32], z: &[f32], t: &[f32]) -> ([f64; 3], [f64; 6]) {
    let columns = [x, z, t].map(|column| column.iter().map(|&v| f64::from(v)).collect::<Vec<_>>());
    let n = x.len() as f64;
    let mean = [0, 1, 2].map(|k| columns[k].iter().sum::<f64>() / n);
    let product = |(j, k): (usize, usize)| {
        columns[j].iter().zip(&columns[k]).map(|(a, b)| (a - mean[j]) * (b - mean[k])).sum::<f64>()
    };
    (mean, [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)].map(product))
}

/// Every family keeps its mean and all its second moments, each time anew, and is another one each time if it
/// has three children or more.
#[test]
fn smoothing_keeps_the_moments_of_every_family() {
    let mut random = random(3);
    for n in [1, 2, 3, 5, 14, 60] {
        let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
        let family: Vec<_> = (0..n)
            .map(|_| {
                let [a, b, c] = [normal(), normal(), normal()];
                [50.0 * a, 48.0 * b, 8.0 + 0.6 * c - 0.2 * a]
            })
            .collect();
        let smooth = draw(1, Arrangement::None, &[]);
        let rough = ResponseDraw { smooth: false, ..smooth.clone() };
        let one = [([0.0; 2], family)];
        let recorded = respond(&stage(table(&one), &rough), &[[0.0; 2]], &mut random);
        let (mean, squares) = moments(&recorded.x, &recorded.z, &recorded.t);
        let stage = stage(table(&one), &smooth);
        for _ in 0..20 {
            let moved = respond(&stage, &[[0.0; 2]], &mut random);
            let (moved_mean, moved_squares) = moments(&moved.x, &moved.z, &moved.t);
            for k in 0..3 {
                assert!((moved_mean[k] - mean[k]).abs() < 2e-5, "{n}: {moved_mean:?} {mean:?}");
            }
            let scale = [0.05, 0.05, 0.6].map(|sigma: f64| sigma * sigma * f64::from(n));
            for (k, of) in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
                let tolerance = 1e-4 * (scale[of.0] * scale[of.1]).sqrt() + 1e-9;
                assert!(
                    (moved_squares[k] - squares[k]).abs()
                        < tolerance.max(3e-4 * scale[2] * f64::from(k == 2)),
                    "{n}: {moved_squares:?} {squares:?}"
                );
            }
            let mut sorted = [&recorded, &moved].map(|of| of.x.clone());
            for x in &mut sorted {
                x.sort_by(f32::total_cmp);
            }
            let largest = sorted[0].iter().zip(&sorted[1]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            if n < 3 { assert!(largest < 1e-6, "{n}: {largest}") } else { assert!(largest > 1e-4, "{n}") }
        }
    }
}

/// Deviations that are normal stay normal: kurtosis and skewness of many families after smoothing are those
/// of normal numbers about the mean of their family.
#[test]
fn smoothing_leaves_normal_families_normal() {
    let mut random = random(4);
    let n = 6;
    let families: Vec<_> = (0..4000)
        .map(|_| {
            let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
            ([0.0; 2], (0..n).map(|_| [50.0 * normal(), 0.0, 0.0]).collect::<Vec<_>>())
        })
        .collect();
    let stage = stage(table(&families), &draw(1, Arrangement::None, &[]));
    let children = respond(&stage, &vec![[0.0; 2]; 40_000], &mut random);
    let mut sums = [0.0; 5];
    for family in children.x.chunks(n) {
        let mean = family.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
        for &x in family {
            (0..5).for_each(|k| sums[k] += ((f64::from(x) - mean) / 0.05).powi(k as i32));
        }
    }
    let [count, _, second, third, fourth] = sums;
    // 4,000 families are known to about 1/√(4000·5), the same in the record and after.
    assert!((second / count - 5.0 / 6.0).abs() < 0.03, "{}", second / count);
    assert!((third / count).abs() < 0.06, "{}", third / count);
    assert!((fourth / count - 3.0 * (5.0f64 / 6.0).powi(2)).abs() < 0.15, "{}", fourth / count);
}

#[test]
fn electrons_are_attached_in_the_gap() {
    let mut random = random(5);
    let responses = table(&[([0.0; 2], vec![[0.0, 0.0, 1.0]; 10])]);
    for survival in [1.0, 0.9, 0.3, 0.0] {
        let drift = Drift { survival, time_ns: 50.0, ..Drift::default() };
        let draw = draw(1, Arrangement::None, &[]);
        let stage = RecordedStage::new(Arc::new(responses.clone()), &draw, PITCH_UM, &drift).unwrap();
        let places: Vec<_> = (0..4000u16).map(|k| [f32::from(k), 0.0]).collect();
        let children = respond(&stage, &places, &mut random);
        let error = (40_000.0 * survival * (1.0 - survival)).sqrt();
        assert!((children.len() as f64 - 40_000.0 * survival).abs() <= 4.0 * error, "{survival}");
        assert!(children.x.is_sorted() && children.t.iter().all(|&t| (t - 151.0).abs() < 1e-4));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Of all responses, symmetries and translations there are fewer than k that start nearer than the one
    /// that was taken, but for half a bin on either side; and an electron a lattice vector farther on takes
    /// the same there.
    #[test]
    fn one_of_the_nearest_is_taken(
        seed in 0u64..1000,
        number in 150usize..400,
        neighbours in 1usize..20,
        square in any::<bool>(),
        mirror in any::<bool>(),
        rotation_deg in prop::sample::select(vec![0.0, 30.0, 90.0]),
        x in -0.3f32..0.3,
        z in -0.3f32..0.3,
    ) {
        // A square lattice that is turned by 30° is another in the mirror.
        let rotation_deg = if square && mirror { 0.0 } else { rotation_deg };
        let mut random = random(seed);
        let starts = starts(number, &mut random);
        let responses: Vec<_> = starts.iter().map(|&start| (start, vec![[0.0; 3]])).collect();
        let lattice = if square { Arrangement::Square } else { Arrangement::Hexagonal };
        let symmetry = if mirror { vec![Symmetry::ReflectZ] } else { vec![] };
        let draw = ResponseDraw { neighbours, lattice, symmetry, rotation_deg, ..ResponseDraw::default() };
        let stage = stage(table(&responses), &draw);
        let taken = respond(&stage, &[[x, z]], &mut random.clone());
        let vector = |degrees: f64| {
            let (sine, cosine) = (rotation_deg + degrees).to_radians().sin_cos();
            [PITCH_UM / 1000.0 * cosine, PITCH_UM / 1000.0 * sine]
        };
        let (a, b) = (vector(0.0), vector(if square { 90.0 } else { 60.0 }));

        let moved = [x + (2.0 * a[0] - b[0]) as f32, z + (2.0 * a[1] - b[1]) as f32];
        let there = respond(&stage, &[moved], &mut random.clone());
        // Rounding may move it to the bin beside, so that another is taken, no farther away than two bins.
        let apart = (there.x[0] - taken.x[0] - (2.0 * a[0] - b[0]) as f32)
            .hypot(there.z[0] - taken.z[0] - (2.0 * a[1] - b[1]) as f32);
        prop_assert!(apart < 0.08);

        let away = |[sx, sz]: [f64; 2]| (sx - f64::from(x)).hypot(sz - f64::from(z));
        let distance = away([f64::from(taken.x[0]), f64::from(taken.z[0])]);
        let images = starts.iter().flat_map(|&[sx, sz]| [Some([sx, sz]), mirror.then_some([sx, -sz])]);
        let mut distances = Vec::new();
        for [sx, sz] in images.flatten() {
            for i in -14..=14 {
                for j in -14..=14 {
                    let [i, j] = [f64::from(i), f64::from(j)];
                    distances.push(away([
                        sx / 1000.0 + i * a[0] + j * b[0],
                        sz / 1000.0 + i * a[1] + j * b[1],
                    ]));
                }
            }
        }
        distances.sort_by(f64::total_cmp);
        let bins = (2.0 * ((number * if mirror { 2 } else { 1 }) as f64).sqrt()).ceil().max(32.0);
        prop_assert!(distance <= distances[neighbours - 1] + 2.0 * 0.14 / bins, "{distance}");
        prop_assert!(distances.iter().any(|d| (d - distance).abs() < 1e-5), "it is one of them");
    }
}

fn said(result: Result<impl Sized, SimError>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn what_cannot_be_drawn_from_is_refused() {
    let mut random = random(6);
    let all = starts(300, &mut random);
    let responses = |keep: &dyn Fn(&[f64; 2]) -> bool| {
        let kept = all.iter().filter(|start| keep(start)).map(|&start| (start, vec![]));
        Arc::new(table(&kept.collect::<Vec<_>>()))
    };
    let refused = |responses: Arc<ResponseTable>, draw: &ResponseDraw| {
        said(RecordedStage::new(responses, draw, PITCH_UM, &Drift::default()))
    };
    let whole = responses(&|_| true);
    let none = |neighbours| draw(neighbours, Arrangement::Hexagonal, &[]);
    assert_eq!(
        refused(Arc::clone(&whole), &none(0)),
        "neighbours is 0, but must be from 1 to the number of responses, 300"
    );
    assert!(refused(Arc::clone(&whole), &none(301)).contains("neighbours is 301"));
    assert!(refused(responses(&|_| false), &none(1)).contains("the number of responses, 0"));
    assert!(
        refused(Arc::clone(&whole), &draw(1, Arrangement::Hexagonal, &[Symmetry::Rotate90]))
            .contains("rotate_90 does not leave the lattice as it is")
    );
    assert!(
        refused(Arc::clone(&whole), &draw(1, Arrangement::Square, &[Symmetry::Rotate60]))
            .contains("rotate_60")
    );
    let near_a_hole = responses(&|&[x, z]| x.hypot(z) < 30.0);
    assert!(refused(near_a_hole, &none(1)).contains("no response starts within 28 µm of"));
    assert!(said(ResponseTable::new(&[[0.0; 2]], &[0, 2], &[[0.0; 3]])).contains("1 starts with 2 offsets"));
    assert!(said(ResponseTable::new(&[[f64::NAN, 0.0]], &[0, 0], &[])).contains("finite"));
}

const DETECTOR: &str = r#"
name = "a structure that was recorded"
[gas]
table = "ar_ic4h10_90_10_microscopic"
magnetic_field_t = 1.0
lorentz_shift_deg = 180.0
[lattice]
pitch_um = 140.0
[drift]
gap_mm = 3.0
field_kv_cm = 1.5
[recorded]
file = "responses.npz"
[[recorded.stages]]
responses = "one"
gap_mm = 2.0
field_kv_cm = 3.0
included_mm = 0.24
draw = { neighbours = 2, symmetry = ["reflect_z"] }
"#;

#[test]
fn a_description_of_recorded_stages_is_read_and_checked() {
    let mut detector = Detector::from_toml(DETECTOR).unwrap();
    let refused = said(Simulation::new(&detector));
    assert!(refused.contains("the responses in responses.npz were not read"), "{refused}");
    assert!(said(detector.set_condition("voltage_v", &[3.0])).contains("do not depend on voltage_v"));
    let mut random = random(7);
    let responses: Vec<_> =
        starts(400, &mut random).into_iter().map(|start| (start, vec![[-30.0, 0.0, 7.0]; 3])).collect();
    let recorded = detector.recorded.as_mut().unwrap();
    assert!(recorded.load("r.npz", Vec::new(), Vec::new()).is_err());
    recorded.load("r.npz", b"contents".to_vec(), vec![table(&responses)]).unwrap();
    assert_eq!((recorded.file.as_str(), recorded.contents()), ("r.npz", Some(&b"contents"[..])));

    let simulation = Simulation::new(&detector).unwrap();
    let mut workspace = Workspace::default();
    let transport = detector.transport(3.0).unwrap();
    let (mut sum, n) = ([0.0; 2], 3000);
    for index in 0..n {
        let electrons = simulation.avalanche(1, index, Start::Cell, &mut workspace);
        assert_eq!(electrons.len(), 3);
        sum[0] += electrons.x.iter().map(|&x| f64::from(x)).sum::<f64>() / (3 * n) as f64;
        sum[1] += electrons.t.iter().map(|&t| f64::from(t)).sum::<f64>() / (3 * n) as f64;
    }
    // The gap drifts what is left of it; the planes' own shift and time are in the record.
    let shift = -0.03 - 1.76 * transport.lorentz_tangent();
    assert!((sum[0] - shift).abs() < 0.01, "{sum:?} {shift}");
    assert!((sum[1] - 7.0 - 1.76e3 / transport.velocity_um_ns).abs() < 0.2, "{sum:?}");
    let reuse = detector.recorded.as_ref().unwrap().reuse(&detector, 50, 1).unwrap();
    assert!((reuse[0].parents, reuse[0].repeated) == (1.0, 0.0));

    let text = toml::to_string(&detector).unwrap();
    let again = Detector::from_toml(&text).unwrap();
    assert_eq!(again.recorded.as_ref().unwrap().stages, detector.recorded.as_ref().unwrap().stages);
    for (from, to, says) in [
        ("neighbours = 2", "neighbours = 0", "recorded.stages[0].draw.neighbours is 0, but must be from 1"),
        ("[\"reflect_z\"]", "[\"reflect_x\"]", "only reflect_z is left, the reflection along B"),
        ("[\"reflect_z\"]", "[\"rotate_180\"]", "rotate_180 is no symmetry at gas.magnetic_field_t = 1"),
        ("[\"reflect_z\"]", "[\"mirror\"]", "unknown variant `mirror`"),
        ("included_mm = 0.24", "included_mm = 2.4", "recorded.stages[0].included_mm is 2.4"),
        ("responses = \"one\"", "response = \"one\"", "unknown field `response`"),
        ("field_kv_cm = 3.0", "field_kv_cm = 90.0", "no transport at 90 kV/cm"),
    ] {
        assert!(DETECTOR.contains(from), "{from}");
        let changed = Detector::from_toml(&DETECTOR.replace(from, to));
        let refused = match changed {
            Ok(detector) => said(Simulation::new(&detector)),
            Err(error) => error.to_string(),
        };
        assert!(refused.contains(says), "{to}: {refused}");
    }
    detector.foils = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap().foils;
    let both = toml::to_string(&detector).unwrap();
    assert!(said(Detector::from_toml(&both)).contains("there are foils and recorded stages"));
    detector.foils.clear();
    let none = RecordedStages::new("r.npz", Vec::<RecordedFoil>::new());
    detector.recorded = Some(none);
    let empty = toml::to_string(&detector).unwrap();
    assert!(said(Detector::from_toml(&empty)).contains("the number of recorded stages is 0"));
}
