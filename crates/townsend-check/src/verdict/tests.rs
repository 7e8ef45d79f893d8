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

#[test]
fn a_light_by_its_limits_and_by_statistics() {
    let thresholds = Thresholds::from_toml(&format!("errors = 2\n{}", light("ks", 0.1, 0.2))).unwrap();
    let of = |value, floor, error| {
        let measure = Measure { name: "ks.rms_x".into(), value, floor, error };
        thresholds.light(&thresholds.light[0], &measure)
    };
    assert_eq!(of(Some(0.1), 0.0, 0.0), Light::Green);
    assert_eq!(of(Some(0.11), 0.0, 0.0), Light::Amber);
    assert_eq!(of(Some(0.21), 0.0, 0.0), Light::Red);
    // 0.3 is within two errors of the floor, so statistics explain it, whatever the limits.
    assert_eq!(of(Some(0.3), 0.1, 0.1), Light::Green);
    assert_eq!(of(Some(0.31), 0.1, 0.1), Light::Red);
    assert_eq!(of(None, 0.1, 0.1), Light::Red);
}

#[test]
fn the_worst_number_answers_for_its_family() {
    let thresholds = Thresholds::from_toml(&format!("errors = 0\n{}", light("ks", 0.1, 0.2))).unwrap();
    let measure =
        |name: &str, value| Measure { name: name.into(), value: Some(value), floor: 0.0, error: 0.0 };
    let all = [measure("ks.a", 0.05), measure("ks.b", 0.15), measure("w1_over_sigma.a", 9.0)];
    let found = thresholds.judge(&thresholds.light[0], &all).unwrap();
    assert_eq!((found.metric.as_str(), found.light), ("ks.b", Light::Amber));
    assert_eq!(thresholds.judge(&thresholds.light[0], &all[2..]), None);
}
