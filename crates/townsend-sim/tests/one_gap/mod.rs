//! A detector whose values are simple enough for closed forms.

use townsend_sim::Detector;

/// A detector of one foil without any spread, and the gap below it, with this gas and
/// this field above the foil.
pub(crate) fn one_gap(gap_mm: f64, field_kv_cm: f64, gas: &str, drift_kv_cm: f64) -> Detector {
    let text = format!(
        r#"
        name = "one gap"
        gas = {{ {gas} }}
        lattice = {{ pitch_um = 140.0 }}
        drift = {{ gap_mm = 5.0, field_kv_cm = {drift_kv_cm:?} }}
        foils = [{{
            collection = 1.0, gain = 20.0, theta = 1.0, extraction = 1.0, hole_spread_um = 0.0, exit_spread_um = 0.0,
            transit_ns = 0.0, common_time_spread_ns = 0.0, own_time_spread_ns = 0.0,
            gap_mm = {gap_mm:?}, field_kv_cm = {field_kv_cm:?},
        }}]
        "#
    );
    Detector::from_toml(&text).unwrap()
}
