use super::*;

fn error(text: &str) -> String {
    Thresholds::from_toml(text).unwrap_err().to_string()
}

fn light(metric: &str, green: f64, amber: f64) -> String {
    format!("[[light]]\nquestion = \"Is it?\"\nmetric = \"{metric}\"\ngreen = {green}\namber = {amber}\n")
}

#[test]
fn the_shipped_thresholds_are_read_and_ask_for_everything() {
    let thresholds = Thresholds::default();
    assert!(thresholds.light.len() >= 15);
    for metric in [
        "empty",
        "c2st.auc_low_level",
        "c2st.auc_cells_trees",
        "pair_correlation",
        "strips",
        "conditional",
        "memorisation",
    ] {
        assert!(thresholds.light.iter().any(|light| light.metric == metric), "{metric}");
    }
}

#[test]
fn thresholds_that_make_no_sense_are_refused() {
    assert!(error("errors = 3").contains("missing field `light`"));
    assert!(error(&format!("errors = 3\n{}", light("kz", 0.1, 0.2))).contains("no metric `kz`"));
    let text = error(&format!("errors = 3\n{}", light("ks", 0.2, 0.1)));
    assert!(text.contains("`ks`: amber = 0.1 must be a number not below green = 0.2"), "{text}");
    assert!(error(&format!("errors = -1\n{}", light("ks", 0.1, 0.2))).contains("errors = -1"));
    assert!(error(&format!("errors = nan\n{}", light("ks", 0.1, 0.2))).contains("errors = NaN"));
    assert!(error("errors = 1\nlight = []\ngreen = 2").contains("unknown field `green`"));
}

fn measure(name: &str, value: Option<f64>, floor: f64, error: f64) -> Measure {
    let (floor_falls, avalanches, most) = (FloorFalls::AsRoot, [100, 100], usize::MAX);
    Measure { name: name.into(), value, floor, error, floor_falls, avalanches, most }
}

#[test]
fn a_light_by_its_limits_and_by_statistics() {
    let thresholds = Thresholds::from_toml(&format!("errors = 2\n{}", light("ks", 0.1, 0.2))).unwrap();
    let of = |value, floor, error| {
        thresholds.light(&thresholds.light[0], &measure("ks.rms_x", value, floor, error))
    };
    assert_eq!(of(Some(0.1), 0.0, 0.0), Light::Green);
    assert_eq!(of(Some(0.11), 0.0, 0.0), Light::Amber);
    assert_eq!(of(Some(0.21), 0.0, 0.0), Light::Red);
    // Two errors above 0.05 are within 0.1, two errors above 0.06 are not.
    assert_eq!(of(Some(0.05), 0.05, 0.025), Light::Green);
    assert_eq!(of(Some(0.06), 0.05, 0.025), Light::Grey);
    // 0.3 is within two errors of the floor: statistics explain it, and nothing is known of the limits.
    assert_eq!(of(Some(0.3), 0.1, 0.1), Light::Grey);
    assert_eq!(of(Some(0.31), 0.1, 0.1), Light::Red);
    assert_eq!(of(None, 0.1, 0.1), Light::Red);
}

/// Limits, value, floor and error of the demo's classifier and of three numbers above their amber limit.
#[test]
fn what_few_avalanches_allow_is_not_green() {
    for (green, amber, value, floor, error) in [
        (0.55, 0.7, 0.539, 0.5, 0.015),
        (0.05, 0.15, 0.17, 0.12, 0.03),
        (0.0005, 0.005, 0.0061, 0.005, 0.001),
    ] {
        let thresholds =
            Thresholds::from_toml(&format!("errors = 3\n{}", light("ks", green, amber))).unwrap();
        let found = thresholds.light(&thresholds.light[0], &measure("ks.a", Some(value), floor, error));
        assert_eq!(found, Light::Grey, "{value}");
    }
}

/// A value at its floor: with s times as many avalanches floor and errors are 1/√s of what they are, and
/// 0.1/√s + 2 × 0.05/√s is 0.05 for s = 16.
#[test]
fn the_number_that_decides_follows_from_errors_and_floor() {
    let thresholds = Thresholds::from_toml(&format!("errors = 2\n{}", light("ks", 0.05, 0.2))).unwrap();
    let question = &thresholds.light[0];
    let report = crate::report::tests::report();
    let needed = |measure: &Measure| thresholds.to_decide(question, measure, &report);
    let at_floor = measure("ks.a", Some(0.1), 0.1, 0.05);
    // The report is of 1,000 avalanches a set. Numbers are tried in steps of a tenth.
    assert!((16_000..=18_000).contains(&needed(&at_floor).unwrap()), "{:?}", needed(&at_floor));
    // Squares of fluctuations fall as 1/n.
    let square = Measure { floor_falls: FloorFalls::AsSquare, ..at_floor.clone() };
    assert!((4_000..=4_500).contains(&needed(&square).unwrap()), "{:?}", needed(&square));
    // 0.04 above the floor: 0.06 + 2 × 0.05/√s is never below 0.05, and from (0.1/0.04)² on it is amber.
    let off = measure("ks.a", Some(0.16), 0.1, 0.05);
    assert_eq!(thresholds.light(question, &off), Light::Grey);
    assert!((2_700..=3_100).contains(&needed(&off).unwrap()), "{:?}", needed(&off));
    // What lies at its limit is not decided, nor what takes more avalanches than the metric looks at.
    let at_limit = Measure { floor_falls: FloorFalls::Never, ..measure("ks.a", Some(0.05), 0.0, 0.05) };
    assert_eq!(needed(&at_limit), None);
    assert_eq!(needed(&Measure { most: 1_000, ..at_floor }), None);
    // Twice as many avalanches in one set alone do little: 2/(1/100 + 1/300) is 150.
    assert!((common([100, 300]) - 150.0).abs() < 1e-9);
    assert_eq!([7.2, 1_234.0, 1_200.0].map(two_digits_up), [8, 1_300, 1_200]);
}

#[test]
fn the_worst_number_answers_for_its_family() {
    let thresholds = Thresholds::from_toml(&format!("errors = 1\n{}", light("ks", 0.1, 0.2))).unwrap();
    let report = crate::report::tests::report();
    let judge = |all: &[Measure]| thresholds.judge(&thresholds.light[0], all, &report);
    let of = |name: &str, value, error| measure(name, Some(value), 0.0, error);
    let all = [
        of("ks.a", 0.05, 0.0),
        of("ks.c", 0.09, 0.1),
        of("ks.b", 0.15, 0.0),
        of("w1_over_sigma.a", 9.0, 0.0),
    ];
    let found = judge(&all).unwrap();
    assert_eq!((found.metric.as_str(), found.light), ("ks.b", Light::Amber));
    assert_eq!(found.avalanches_to_decide, None);
    // What is undecided is worse than green, and says how many avalanches it needs.
    let found = judge(&all[..2]).unwrap();
    assert_eq!((found.metric.as_str(), found.light), ("ks.c", Light::Grey));
    assert!(found.avalanches_to_decide.unwrap() > 1_000, "{found:?}");
    assert_eq!(judge(&all[3..]), None);
}

#[test]
fn the_words_count_what_is_undecided() {
    let of = |light, avalanches_to_decide| Judgement {
        question: "Is it?".into(),
        metric: "ks.rms_x".into(),
        value: Some(0.1),
        floor: 0.0,
        error: 0.0,
        green: 0.1,
        amber: 0.2,
        light,
        avalanches_to_decide,
    };
    let (green, grey) = (of(Light::Green, None), of(Light::Grey, Some(4_200)));
    assert_eq!(overall(std::slice::from_ref(&green), Light::Green), "All 1 lights are green.");
    assert_eq!(
        overall(&[green.clone(), grey.clone()], Light::Grey),
        "1 of 2 lights are green, none amber or red, 1 undecided. For these there are too few avalanches: about 4,200 in \
         each set would decide."
    );
    let said = overall(&[green, grey, of(Light::Grey, None), of(Light::Red, None)], Light::Red);
    assert!(said.starts_with("1 of 4 lights are red, 0 amber, 1 green, 2 undecided. About 4,200"), "{said}");
    assert!(said.ends_with("would decide 1; the others lie at their limits."), "{said}");
}
