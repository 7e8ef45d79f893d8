use std::collections::BTreeMap;

use proptest::prelude::*;
use townsend_core::Avalanche;

use super::*;
use crate::Detector;

/// The default readout, with all events at the centre of the sheet and no jitter.
fn plain() -> Readout {
    let detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    Readout { region_mm: Some([0.0; 2]), jitter_ns: 0.0, threshold_fc: 0.3, ..detector.readout.unwrap() }
}

fn strips(readout: Readout) -> StripReadout {
    let mut detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    detector.readout = Some(readout);
    detector.readout.as_ref().unwrap().check().unwrap();
    StripReadout::new(&detector).unwrap()
}

fn read(strips: &StripReadout, event: u64, [x, z, t]: [&[f32]; 3]) -> (Vec<StripHit>, u64) {
    let mut hits = Vec::new();
    let lost = strips.read(1, event, Avalanche { x, z, t }, &mut StripWorkspace::default(), &mut hits);
    (hits, lost)
}

/// Numbers of the strips hit by electrons at one place, X then V, each with its view.
fn strips_at(readout: &Readout, x: f32, z: f32) -> Vec<(u8, u32)> {
    let (hits, _) =
        read(&strips(readout.clone()), 0, [&vec![x; 20_000], &vec![z; 20_000], &vec![0.0; 20_000]]);
    hits.iter().map(|hit| (hit.view, hit.strip)).collect()
}

#[test]
fn strips_are_counted_from_the_edge() {
    let readout = plain();
    // 856 X strips: strip 428 begins at the centre. 1173 V strips: the centre is in the middle of strip 586.
    assert_eq!(strips_at(&readout, 0.001, 0.0), [(0, 428), (1, 586)]);
    assert_eq!(strips_at(&readout, -0.001, 0.0), [(0, 427), (1, 586)]);
    assert_eq!(strips_at(&readout, 0.001 + 3.0 * 0.65, 0.0)[0], (0, 431));
    let along = |v: f64| (v / 46.7f64.to_radians().sin()) as f32;
    assert_eq!(strips_at(&readout, 0.001, along(0.324))[1], (1, 586));
    assert_eq!(strips_at(&readout, 0.001, along(0.327))[1], (1, 587));
    let moved = Readout { center_mm: [1.3, 0.0], ..readout };
    assert_eq!(strips_at(&moved, 0.001, 0.0)[0], (0, 430));
}

#[test]
fn electrons_beside_the_strips_are_counted() {
    let readout = Readout { x_share: 1.0, ..plain() };
    let edge = 428.0 * 0.65;
    let x = [edge + 0.01, -edge - 0.01, 0.0, 0.0, 0.0, 1e30, edge - 0.01];
    let z = [0.0, 0.0, 266.01, -266.01, 265.99, 0.0, 0.0];
    assert_eq!(read(&strips(readout), 0, [&x, &z, &[0.0; 7]]).1, 5);
}

#[test]
fn the_time_is_that_of_the_electron_that_reaches_the_threshold() {
    // 1.6e-4 fC an electron: the threshold of 0.1 fC is reached with the 625th, as 624 are 0.099976 fC.
    let readout = Readout { x_share: 1.0, threshold_fc: 0.1, time_offset_ns: 1000.0, ..plain() };
    let times: Vec<f32> = (0..5_000).map(|i| ((i * 2_003) % 5_000) as f32).collect();
    let zero = vec![0.0; 5_000];
    let (hits, _) = read(&strips(readout.clone()), 0, [&zero, &zero, &times]);
    assert_eq!(hits.len(), 1);
    assert!(
        (hits[0].time_ns - 1624.0).abs() < 1e-3 && (hits[0].charge_fc - 0.801_088_3).abs() < 1e-6,
        "{hits:?}"
    );
    let below = read(&strips(readout.clone()), 0, [&zero[..624], &zero[..624], &times[..624]]);
    assert_eq!(below, (vec![], 0));
    let saturated = Readout { saturation_fc: 0.2, ..readout };
    assert!((read(&strips(saturated), 0, [&zero, &zero, &times]).0[0].charge_fc - 0.2).abs() < 1e-6);
}

#[test]
fn charge_is_shared_between_the_views() {
    let n = 400_000;
    let zero = vec![0.0; n];
    let (hits, _) = read(&strips(Readout { saturation_fc: 1e6, ..plain() }), 0, [&zero, &zero, &zero]);
    let share = f64::from(hits[0].charge_fc) / f64::from(hits[0].charge_fc + hits[1].charge_fc);
    assert!((share - 0.595).abs() < 4.5 * (0.595 * 0.405 / n as f64).sqrt(), "{share}");
    let all = f64::from(hits[0].charge_fc + hits[1].charge_fc);
    assert!((all / (n as f64 * 1.602_176_634e-4) - 1.0).abs() < 1e-5, "{all}");
}

/// Over a period of both views events fall on every position relative to the strips with equal probability.
#[test]
fn events_are_placed_evenly_over_a_period() {
    let readout = Readout { region_mm: None, threshold_fc: 0.0, ..plain() };
    let [width, height] = readout.region_mm();
    assert!((width - 0.65).abs() < 1e-12 && (height - 0.893_1).abs() < 1e-3);
    let strips = strips(readout);
    // Two groups of electrons a third of a strip apart share a strip in two of three events.
    let events = 30_000;
    for shift in [[0.65f32 / 3.0, 0.0], [0.0, 0.65 / 3.0 / 46.7f32.to_radians().sin()]] {
        let view = u8::from(shift[0] == 0.0);
        let (x, z) =
            ([vec![0.0; 40], vec![shift[0]; 40]].concat(), [vec![0.0; 40], vec![shift[1]; 40]].concat());
        let shared = (0..events)
            .filter(|&event| {
                let (hits, _) = read(&strips, event, [&x, &z, &[0.0; 80]]);
                hits.iter().filter(|hit| hit.view == view).count() == 1
            })
            .count() as f64;
        let probability = shared / events as f64;
        assert!((probability - 2.0 / 3.0).abs() < 0.0125, "view {view}: {probability}");
    }
}

#[test]
fn times_have_the_jitter_of_the_electronics() {
    let strips = strips(Readout { jitter_ns: 4.0, threshold_fc: 0.0, ..plain() });
    let (mut n, mut sum, mut square) = (0.0, 0.0, 0.0);
    for event in 0..20_000 {
        for hit in read(&strips, event, [&[0.0; 20], &[0.0; 20], &[100.0; 20]]).0 {
            let time = f64::from(hit.time_ns) - 100.0;
            (n, sum, square) = (n + 1.0, sum + time, square + time * time);
        }
    }
    assert!((sum / n).abs() < 4.5 * 4.0 / f64::sqrt(n), "{}", sum / n);
    assert!((square / n - 16.0).abs() < 4.5 * 16.0 * f64::sqrt(2.0 / n), "{}", square / n);
}

#[test]
fn an_event_without_electrons_has_no_hits() {
    assert_eq!(read(&strips(plain()), 0, [&[], &[], &[]]), (vec![], 0));
}

proptest! {
    /// Hits agree with a count electron by electron, where all charge goes to one view, also with reused
    /// memory.
    #[test]
    fn hits_are_what_counting_by_hand_gives(
        electrons in prop::collection::vec((-300f32..300.0, -300f32..300.0, 0f32..500.0), 0..300),
        spread in prop::sample::select(vec![0.001f32, 0.01, 1.0]),
        in_x in any::<bool>(), needed in 1usize..6,
    ) {
        let readout = Readout {
            x_share: if in_x { 1.0 } else { 0.0 },
            threshold_fc: (needed as f64 - 0.5) * 1.602_176_634e-4,
            saturation_fc: 1e6,
            ..plain()
        };
        let column = |k: fn(&(f32, f32, f32)) -> f32, scale: f32| electrons.iter().map(|e| scale * k(e)).collect::<Vec<_>>();
        let [x, z, t] = [column(|e| e.0, spread), column(|e| e.1, spread), column(|e| e.2, 1.0)];
        let (sin, cos) = 46.7f64.to_radians().sin_cos();
        let mut by_strip: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        let mut lost = 0;
        for ((&x, &z), &t) in x.iter().zip(&z).zip(&t) {
            let (v, n) = if in_x { (f64::from(x), 856.0) } else { (f64::from(x) * cos + f64::from(z) * sin, 1173.0) };
            let strip = v / 0.65 + n / 2.0;
            // So close to an edge rounding decides, and either strip is right.
            prop_assume!((strip - strip.round()).abs() > 1e-3);
            if strip < 0.0 || strip >= n || z.abs() > 266.0 {
                lost += 1;
            } else {
                by_strip.entry(strip as u32).or_default().push(t);
            }
        }
        let strips = strips(readout);
        let mut workspace = StripWorkspace::default();
        let mut hits = Vec::new();
        for event in [7, 8] {
            hits.clear();
            let avalanche = Avalanche { x: &x, z: &z, t: &t };
            prop_assert_eq!(strips.read(1, event, avalanche, &mut workspace, &mut hits), lost);
            let mut hits = hits.iter();
            for (strip, times) in &mut by_strip {
                times.sort_by(f32::total_cmp);
                if times.len() >= needed {
                    let hit = hits.next().unwrap();
                    prop_assert_eq!((hit.event, hit.view, hit.strip), (event, u8::from(!in_x), *strip));
                    prop_assert_eq!(hit.time_ns.to_bits(), times[needed - 1].to_bits());
                    prop_assert!((f64::from(hit.charge_fc) / times.len() as f64 / 1.602_176_634e-4 - 1.0).abs() < 1e-5);
                }
            }
            prop_assert!(hits.next().is_none());
        }
    }
}

#[test]
fn electrons_with_a_place_are_not_placed() {
    let detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    let jittered = Readout { jitter_ns: 4.0, ..plain() };
    let placed_at_random = strips(Readout { center_mm: [5.0, 3.0], ..detector.readout.unwrap() });
    let (x, t) = (vec![1.0; 60_000], vec![170.0; 60_000]);
    let electrons = Avalanche { x: &x, z: &x, t: &t };
    let (mut workspace, mut hits) = (StripWorkspace::default(), Vec::new());
    strips(jittered).read(1, 7, electrons, &mut workspace, &mut hits);
    let mut as_given = Vec::new();
    placed_at_random.read_as_placed(1, 7, electrons, &mut workspace, &mut as_given);
    let placed = |hits: &[StripHit]| hits.iter().map(|hit| (hit.view, hit.strip)).collect::<Vec<_>>();
    assert_eq!(placed(&as_given), placed(&hits));
    assert_eq!(as_given[0].time_ns.to_bits(), hits[0].time_ns.to_bits());
    hits.clear();
    placed_at_random.read(1, 7, electrons, &mut workspace, &mut hits);
    assert_ne!(placed(&as_given), placed(&hits));
}

#[test]
fn wrong_values_are_refused_with_what_is_allowed() {
    for (readout, said) in [
        (Readout { pitch_um: 0.0, ..plain() }, "readout.pitch_um is 0, but must be from 1 to 100000"),
        (Readout { strips: [856, 0], ..plain() }, "readout.strips[1] is 0, but must be from 1"),
        (Readout { x_share: 1.1, ..plain() }, "readout.x_share is 1.1, but must be from 0 to 1"),
        (Readout { saturation_fc: 0.2, ..plain() }, "readout.saturation_fc is 0.2, but must be from 0.3 to"),
        (Readout { jitter_ns: -1.0, ..plain() }, "readout.jitter_ns is -1"),
        (Readout { region_mm: Some([1.0, -1.0]), ..plain() }, "readout.region_mm[1] is -1"),
        (Readout { center_mm: [f64::INFINITY, 0.0], ..plain() }, "readout.center_mm[0] is inf"),
    ] {
        let error = readout.check().unwrap_err().to_string();
        assert!(error.contains(said), "{said}: {error}");
    }
    let mut detector = Detector::from_toml(Detector::shipped("cgem").unwrap()).unwrap();
    detector.readout = None;
    let error = StripReadout::new(&detector).unwrap_err().to_string();
    assert!(error.starts_with("there is no [readout] table, which says which strips there are"), "{error}");
}
