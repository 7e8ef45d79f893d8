//! Other anodes than two views of strips: three views, one, and pads.

use townsend_readout::{Digit, Digitiser, Hit, Ionise};
use townsend_sim::Detector;

/// The planar detector with other sheets, an ideal chip without a threshold that matters, and small gains,
/// because these anodes count electrons.
fn with(sheet: &str, more: &str) -> Result<Digitiser, townsend_sim::SimError> {
    let text = Detector::shipped("planar_triple_gem").unwrap();
    let text = text.replace("chip = \"apv25\"", "chip = \"ideal\"\nthreshold_fc = 0.001");
    let text = text.replace("effective = 10000.0", "effective = 1000.0");
    let sheets = text.find("[[digitisation.layers.sheets]]").unwrap();
    let text = format!("{}[[digitisation.layers.sheets]]\nsheet = 0\n{sheet}", &text[..sheets]);
    let text = text.replace("[digitisation]", &format!("[digitisation]\n{more}"));
    Digitiser::new(&Detector::from_toml(&text)?, Ionise::Electrons)
}

/// Electrons above one place, below which the others are shown.
fn electrons(x: f64, z: f64) -> Vec<Hit> {
    (0..12).map(|number| Hit { number, ..Hit::between([x, z, -7.0], [x, z, -7.0]) }).collect()
}

fn charge<'a>(digits: impl IntoIterator<Item = &'a Digit>) -> f64 {
    digits.into_iter().map(|digit| f64::from(digit.charge_fc)).sum()
}

/// The mean of the middles of all strips of a view, weighted by charge, along one axis of space.
fn centroid(of: &Digitiser, digits: &[Digit], view: u8, axis: usize) -> f64 {
    let here = || digits.iter().filter(|digit| digit.view == view);
    let places = here().map(|d| f64::from(d.charge_fc) * d.place(of.places()).unwrap().centre_mm[axis]);
    places.sum::<f64>() / charge(here())
}

const ELECTRON_FC: f64 = townsend_readout::ELECTRON_FC;

/// X, Y and U at 45°: each sees its share, all see all, and all see the same place.
#[test]
fn three_views_share_the_charge() {
    let strips = |angle: f64, strips: u32| {
        let first = -0.5 * 0.65 * f64::from(strips - 1);
        format!("{{ pitch_um = 650.0, angle_deg = {angle}, first_mm = {first}, strips = {strips} }}")
    };
    let views = format!("views = [{}, {}, {}]\n", strips(0.0, 154), strips(90.0, 154), strips(45.0, 217));
    let of = with(&views, "shares = [0.4, 0.35, 0.25]\n").unwrap();
    let digitised: Vec<_> = (0..25).map(|index| of.event(1, index, &electrons(3.1, -4.3))).collect();
    let digits: Vec<Digit> = digitised.iter().flat_map(|event| event.digits.clone()).collect();
    let at_anode: f64 = digitised.iter().map(|event| event.told.electrons).sum();
    assert!((charge(&digits) / (at_anode * ELECTRON_FC) - 1.0).abs() < 0.02);
    for (view, share) in [0.4, 0.35, 0.25].into_iter().enumerate() {
        let part = charge(digits.iter().filter(|digit| usize::from(digit.view) == view)) / charge(&digits);
        assert!((part - share).abs() < 0.02, "{view}: {part}");
    }
    let x = centroid(&of, &digits, 0, 0);
    let y = centroid(&of, &digits, 1, 1);
    assert!((x - 3.1).abs() < 0.05 && (y + 4.3).abs() < 0.05, "{x} {y}");
    // The third one sees x cos 45° + y sin 45°.
    let u = digits.iter().filter(|digit| digit.view == 2).map(|digit| {
        let [a, b, _] = digit.place(of.places()).unwrap().centre_mm;
        f64::from(digit.charge_fc) * (a + b) / 2f64.sqrt()
    });
    let u = u.sum::<f64>() / charge(digits.iter().filter(|digit| digit.view == 2));
    assert!((u - (3.1 - 4.3) / 2f64.sqrt()).abs() < 0.05, "{u}");
    assert!(with(&views, "").unwrap_err().to_string().contains("digitisation.shares"));
    let one = with(&format!("views = [{}]\n", strips(0.0, 154)), "").unwrap();
    let digits = one.event(1, 0, &electrons(3.1, -4.3)).digits;
    assert!(!digits.is_empty() && digits.iter().all(|digit| digit.view == 0));
}

#[test]
fn pads_collect_the_charge_above_them() {
    let pads = "pads = { pitch_um = [2000.0, 3000.0], first_mm = [-19.0, -28.5], number = [20, 20] }\n";
    let of = with(pads, "").unwrap();
    // The middle of the pad in column 11 and row 8.
    let (x, z) = (11.0f64.mul_add(2.0, -19.0), 8.0f64.mul_add(3.0, -28.5));
    let digitised: Vec<_> = (0..25).map(|index| of.event(1, index, &electrons(x, z))).collect();
    let digits: Vec<Digit> = digitised.iter().flat_map(|event| event.digits.clone()).collect();
    let at_anode: f64 = digitised.iter().map(|event| event.told.electrons).sum();
    assert!((charge(&digits) / (at_anode * ELECTRON_FC) - 1.0).abs() < 0.02);
    let hit = |digit: &&Digit| digit.strip == 8 * 20 + 11;
    let collected = charge(digits.iter().filter(hit)) / charge(&digits);
    assert!(collected > 0.95, "{collected}");
    let at = digits.iter().find(hit).unwrap().place(of.places()).unwrap();
    assert!((at.centre_mm[0] - x).abs() < 1e-9 && (at.centre_mm[1] - z).abs() < 1e-9, "{at:?}");
    assert!(digits.iter().filter(hit).all(|digit| digit.hit < 12));
    // On the border of two pads both have half.
    let halves: Vec<Digit> =
        (0..40).flat_map(|index| of.event(2, index, &electrons(x + 1.0, z)).digits).collect();
    let part = charge(halves.iter().filter(hit)) / charge(&halves);
    assert!((part - 0.5).abs() < 0.05, "{part}");
    // Beside the pads it is told.
    let beside = of.event(1, 0, &electrons(-40.0, 0.0));
    assert!(beside.digits.is_empty() && beside.told.beside > 0.0);
    let talking = with(pads, "").map(|_| ()).and_then(|()| {
        let text = Detector::shipped("planar_triple_gem").unwrap();
        let sheets = text.find("[[digitisation.layers.sheets]]").unwrap();
        let text = format!("{}[[digitisation.layers.sheets]]\nsheet = 0\n{pads}", &text[..sheets]);
        let text = text.replace("chip = \"apv25\"", "chip = \"tiger\"\ncrosstalk = [0.1, 0.0]");
        Digitiser::new(&Detector::from_toml(&text)?, Ionise::Electrons)
    });
    assert!(talking.unwrap_err().to_string().contains("a sheet has pads"));
}
