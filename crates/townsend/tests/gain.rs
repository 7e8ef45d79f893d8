//! The gain of detectors by their voltages.

use townsend::files::GainOptions;
use townsend::{Condition, Context, Families, Sample, Scan, Setting, files, gain, sample};

#[test]
fn a_scan_has_its_ends() {
    assert_eq!(
        "760:865:15".parse::<Scan>().unwrap().sums_v,
        [760.0, 775.0, 790.0, 805.0, 820.0, 835.0, 850.0, 865.0]
    );
    assert_eq!("1:1.3:0.1".parse::<Scan>().unwrap().sums_v.len(), 4);
    assert_eq!("5:5:1".parse::<Scan>().unwrap().sums_v, [5.0]);
    for wrong in ["", "1:2", "1:2:0", "2:1:1", "1:2:-1", "0:1e9:1", "a:b:c", "1:2:3:4", "1:inf:1", "1:2:nan"]
    {
        assert!(wrong.parse::<Scan>().unwrap_err().contains("FROM:TO:STEP"), "{wrong}");
    }
}

/// 226 electrons of 26.1 eV each.
#[test]
fn the_resolution_is_that_of_freed_electrons_and_their_avalanches() {
    let model = Families::shipped().open("cgem".as_ref()).unwrap();
    let curve = gain(&*model, &[Setting::default()], 300, &Context::default()).unwrap();
    let point = &curve.points[0];
    assert_eq!((&point.voltages_v[..], point.voltage_sum_v), (&[275.0; 3][..], Some(825.0)));
    let f = point.gain.relative_variance.unwrap();
    let expected = 2.355 * ((0.18 + f.value) / (5_900.0 / 26.1)).sqrt();
    let found = point.fwhm_55fe.unwrap();
    assert!((found.value - expected).abs() < 1e-12 && found.error > 0.0);
    assert!((found.error / found.value - 0.5 * f.error / (0.18 + f.value)).abs() < 1e-12);
    assert!(curve.table().lines().all(|line| line.chars().count() <= 80), "{}", curve.table());
    assert!(curve.page().unwrap().contains("relative variance"));
}

#[test]
fn models_without_voltages_have_a_gain_too() {
    let model = Families::shipped().open("reference2021".as_ref()).unwrap();
    let curve = gain(&*model, &[Setting::default()], 20, &Context::default()).unwrap();
    assert_eq!((curve.points[0].voltage_sum_v, curve.points[0].fwhm_55fe), (None, None));
    assert!(curve.figure().unwrap().svg.contains("setting"));
    let settings = "760:760:1".parse::<Scan>().unwrap().settings(&Setting::default());
    let error = gain(&*model, &settings, 20, &Context::default()).unwrap_err().to_string();
    assert!(error.contains("voltage_sum_v needs the voltage of every foil"), "{error}");
    let error = gain(&*model, &[Setting::default()], 1, &Context::default()).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("1 avalanches have no spread"));
}

/// A figure by its ending, whole or not at all, and never over another file.
#[test]
fn a_figure_is_what_its_ending_says() {
    let folder = tempfile::tempdir().unwrap();
    let context = Context::default();
    let draw = |name: &str| {
        let out = folder.path().join(name);
        let scan = Some("810:840:15".parse().unwrap());
        let options = GainOptions { scan, avalanches: 50, out: Some(out.clone()), ..GainOptions::default() };
        files::gain("microscopic_275".as_ref(), &options, &context).map(|_| std::fs::read(out).unwrap())
    };
    assert!(draw("gain.svg").unwrap().starts_with(b"<svg"));
    assert!(draw("gain.pdf").unwrap().starts_with(b"%PDF"));
    let page = String::from_utf8(draw("gain.html").unwrap()).unwrap();
    assert!(page.contains("<svg") && page.contains("<td>") && page.contains("840"));
    assert!(draw("gain.svg").is_err());
    let error = draw("gain.png").unwrap_err();
    assert!(error.is_usage() && error.to_string().contains(".svg, .pdf or .html"), "{error}");
}

/// What a file says of its conditions is what the foils had, whatever set them.
#[test]
fn the_sum_of_the_voltages_is_noted_as_the_voltage_of_each_foil() {
    let model = Families::shipped().open("microscopic_275".as_ref()).unwrap();
    let noted = |name: &str, values: &[f64]| {
        let conditions = vec![Condition { name: name.into(), values: values.into() }];
        let drawn = Sample::of(0..2, Setting { conditions, ..Setting::default() });
        let set = sample(&*model, "simulate", &drawn, &Context::default()).unwrap();
        set.meta().provenance.setting.clone().unwrap().conditions["voltage_v"].clone()
    };
    assert_eq!(noted("voltage_sum_v", &[834.0]), [278.0; 3]);
    assert_eq!(noted("voltage_v", &[278.0, 280.0, 275.0]), [278.0, 280.0, 275.0]);
}
