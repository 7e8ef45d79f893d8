//! What differs from channel to channel, and what channels do to each other, seen in digits.

use townsend_readout::{Digit, Digitiser, Hit, Ionise};
use townsend_sim::Detector;

const EVENTS: u64 = 60;

/// The planar detector with VMM3 and some keys of `[digitisation]` in addition.
fn with(more: &str) -> Detector {
    let text = Detector::shipped("planar_triple_gem").unwrap();
    let text = text.replace("chip = \"apv25\"", "chip = \"vmm3\"\nthreshold_fc = 1.5\nnoise_e = 800.0");
    let mut detector = Detector::from_toml(&text).unwrap();
    let table = detector.digitisation.as_mut().unwrap();
    let more: toml::Table = more.parse().unwrap();
    for (key, value) in more {
        match (table.get_mut(&key).and_then(toml::Value::as_table_mut), value) {
            (Some(there), toml::Value::Table(value)) => there.extend(value),
            (_, value) => drop(table.insert(key, value)),
        }
    }
    detector
}

fn digitiser(more: &str) -> Digitiser {
    Digitiser::new(&with(more), Ionise::Clusters).unwrap()
}

/// No noise, no threshold that matters, and charges as they are.
const IDEAL: &str = "[electronics]\nchip = \"ideal\"\nnoise_e = 0.0\nthreshold_fc = 0.02\n";

/// A track through the middle of X strip 80.
fn hit() -> Hit {
    let mut hit = Hit::between([2.275, 0.1, -9.0], [2.275, 0.1, -6.0]);
    (hit.number, hit.track) = (5, Some(3));
    hit
}

fn digits(of: &Digitiser) -> Vec<Digit> {
    (0..EVENTS).flat_map(|index| of.event(1, index, &[hit()]).digits).collect()
}

fn charge<'a>(digits: impl IntoIterator<Item = &'a Digit>) -> f64 {
    digits.into_iter().map(|digit| f64::from(digit.charge_fc)).sum()
}

#[test]
fn dead_channels_are_silent_and_gains_are_factors() {
    let plain = digits(&digitiser(""));
    assert!(plain.iter().all(|digit| (digit.hit, digit.track) == (5, Some(3))));
    let dead = digits(&digitiser("[[channels.rows]]\nview = 0\nstrips = [75, 80]\ndead = true\n"));
    let in_range = |digit: &&Digit| digit.view == 0 && (75..=80).contains(&digit.strip);
    assert!(plain.iter().filter(in_range).count() > EVENTS as usize);
    assert_eq!(dead.iter().filter(in_range).count(), 0);
    // All gains twice as large, and the threshold and noise with them, make every charge twice as large.
    let rows = "[[channels.rows]]\ngain = 2.0\nthreshold_fC = 3.0\nnoise_e = 1600.0\n".replace("_fC", "_fc");
    let doubled = digits(&digitiser(&rows));
    assert_eq!(doubled.len(), plain.len());
    for (two, one) in doubled.iter().zip(&plain).filter(|(two, _)| two.charge_fc < 100.0) {
        assert_eq!(two.strip, one.strip);
        // One unit of the ADC is 0.11 fC.
        assert!((two.charge_fc - 2.0 * one.charge_fc).abs() < 0.2, "{two:?} {one:?}");
        assert!((two.time_ns - one.time_ns).abs() < 1.1, "{two:?} {one:?}");
    }
}

#[test]
fn gains_and_thresholds_spread_as_said() {
    // A strip's gain is the same in every event, so that ratios with and without the spread have its width.
    let even = digits(&digitiser(IDEAL));
    let spread = digits(&digitiser(&format!("{IDEAL}[channels]\ngain_spread = 0.1\nseed = 7\n")));
    let mut ratios = Vec::new();
    for view in 0..2 {
        for strip in 0..154 {
            let of = |digits: &[Digit]| {
                let here = |digit: &&Digit| (digit.view, digit.strip) == (view, strip);
                let here: Vec<_> = digits.iter().filter(here).copied().collect();
                (charge(&here), here.len())
            };
            let ((one, n), (other, m)) = (of(&even), of(&spread));
            // A unit of the ADC is 0.001 fC.
            if n > 20 && n == m && one > 0.3 * n as f64 {
                ratios.push(other / one);
            }
        }
    }
    assert!(ratios.len() >= 4, "{ratios:?}");
    assert!(ratios.iter().all(|ratio| (0.6..1.4).contains(ratio)), "{ratios:?}");
    let widest = ratios.iter().map(|ratio| (ratio - 1.0).abs()).fold(0.0, f64::max);
    assert!(widest > 0.02, "{ratios:?}");
    // The seed of the channels is not that of the events.
    let again = digits(&digitiser(&format!("{IDEAL}[channels]\ngain_spread = 0.1\nseed = 8\n")));
    assert!((charge(&again) - charge(&spread)).abs() > 0.1);
    // Thresholds that differ let pass other charges, on average the same.
    let thresholds = digits(&digitiser("[channels]\nthreshold_spread_fc = 0.3\n"));
    let plain = digits(&digitiser(""));
    assert!(thresholds != plain && (thresholds.len() as f64 / plain.len() as f64 - 1.0).abs() < 0.2);
}

/// Each strip's charge appears on its neighbours too, so that with all strips read the sum grows by
/// 1 + 2·(c₁ + c₂).
#[test]
fn cross_talk_adds_parts_of_neighbours() {
    let plain = digits(&digitiser(IDEAL));
    let talking = digits(&digitiser(&format!("{IDEAL}crosstalk = [0.1, 0.03]\n")));
    let view = |digits: &[Digit]| charge(digits.iter().filter(|digit| digit.view == 0));
    let ratio = view(&talking) / view(&plain);
    assert!((ratio - 1.26).abs() < 0.005, "{ratio}");
    assert!(talking.len() > plain.len());
}

#[test]
fn noise_alone_has_the_rate_of_rice_and_changes_nothing_else() {
    let quiet = digitiser("");
    let of = digitiser("[electronics]\nnoise_hits = true\nnoise_e = 2500.0\n");
    // Without hits there is noise only: 308 channels and a window of 1 µs.
    let events = 400;
    let mut found = 0.0;
    for index in 0..events {
        let digits = of.event(1, index, &[]).digits;
        assert!(digits.iter().all(|digit| digit.hit == Digit::NOISE && digit.track.is_none()));
        assert!(digits.is_sorted_by_key(|digit| (digit.layer, digit.sheet, digit.view, digit.strip)));
        assert!(digits.iter().all(|digit| (0.0..1001.0).contains(&digit.time_ns)));
        // What the discriminator saw is above its threshold, but for half a unit of the ADC.
        assert!(digits.iter().all(|digit| digit.charge_fc > 1.44), "{digits:?}");
        found += digits.len() as f64;
        assert_eq!(of.event(1, index, &[]).digits, digits);
    }
    let electronics = townsend_readout::Digitisation::of(&with("[electronics]\nnoise_e = 2500.0\n")).unwrap();
    let chip = townsend_readout::FrontEnd::new(&electronics.electronics, electronics.time_bin_ns).unwrap();
    let expected = chip.noise_rate_per_ns(1.5, 2500.0) * 1000.0 * 308.0 * events as f64;
    assert!(expected > 100.0 && (found - expected).abs() < 5.0 * expected.sqrt(), "{found} {expected}");
    // Hits of noise come in addition, with waveforms at their digits.
    let noisy =
        digitiser("[electronics]\nnoise_hits = true\n[[channels.rows]]\nstrips = [0, 9]\nnoise_e = 9000.0\n");
    let mut added = 0;
    for index in 0..20 {
        let (one, other) = (quiet.event(1, index, &[hit()]).digits, noisy.event(1, index, &[hit()]).digits);
        let signals: Vec<_> = other.iter().filter(|digit| digit.hit != Digit::NOISE).copied().collect();
        assert_eq!(one, signals);
        added += other.len() - one.len();
    }
    assert!(added > 0);
    let noisy = noisy.with_waveforms();
    let digitised = (0..50)
        .map(|index| noisy.event(1, index, &[hit()]))
        .find(|event| event.digits.first().is_some_and(|digit| digit.hit == Digit::NOISE));
    for waveform in &digitised.as_ref().unwrap().waveforms {
        let digit = &digitised.as_ref().unwrap().digits[waveform.digit];
        let peak = waveform.output_fc.iter().copied().fold(0.0, f32::max);
        assert!(digit.hit != Digit::NOISE && (digit.charge_fc - peak).abs() < 0.2, "{digit:?} {peak}");
    }
}

#[test]
fn two_tracks_give_two_digits_of_a_strip() {
    let late = Hit { time_ns: 700.0, number: 6, ..hit() };
    let single = digitiser("window_ns = 2000.0\n");
    let several = digitiser("window_ns = 2000.0\n[electronics]\ndead_time_ns = 250.0\n");
    let on_strip = |of: &Digitiser, index: u64| {
        let digits = of.event(1, index, &[hit(), late]).digits;
        digits.into_iter().filter(|digit| (digit.view, digit.strip) == (0, 80)).collect::<Vec<_>>()
    };
    let mut pairs = 0;
    for index in 0..20 {
        assert!(on_strip(&single, index).len() <= 1);
        let both = on_strip(&several, index);
        if let [first, second] = &both[..] {
            pairs += 1;
            assert!((second.time_ns - first.time_ns - 700.0).abs() < 120.0, "{both:?}");
        }
    }
    assert!(pairs >= 10, "{pairs}");
}

#[test]
fn wrong_channels_are_refused() {
    for (more, said) in [
        ("[channels]\ngain_spread = 2.0\n", "digitisation.channels.gain_spread"),
        ("[[channels.rows]]\nstrips = [9, 3]\n", "digitisation.channels.rows[0].strips[1]"),
        ("[[channels.rows]]\nlayer = 3\n", "row 0 names no channel"),
        ("[[channels.rows]]\ncolour = 3\n", "colour"),
        ("[electronics]\ncrosstalk = [1.5, 0.0]\n", "digitisation.electronics.crosstalk[0]"),
    ] {
        let error = Digitiser::new(&with(more), Ionise::Clusters).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
