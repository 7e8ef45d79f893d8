//! Measuring this machine. What comes out differs from run to run, but not what is measured.

use serde_json::Value;

use crate::support::Desk;

/// The speed of a measurement: three positive numbers in order.
fn assert_spread(of: &Value) {
    let [least, median, most] = ["least", "median", "most"].map(|name| of[name].as_f64().unwrap());
    assert!(0.0 < least && least <= median && median <= most && most.is_finite(), "{of}");
}

#[test]
fn everything_is_measured() {
    let desk = Desk::new();
    let ran = desk.does("bench --rounds 1 --json --quiet --threads 2 --seed 3");
    assert_eq!(ran.stderr, "");
    let measured = ran.json();
    assert_eq!(
        (&measured["rounds"], &measured["threads"], &measured["seed"]),
        (&1.into(), &2.into(), &3.into())
    );
    assert_spread(&measured["matrix_product_gflops"]);
    assert_spread(&measured["kernels_product_gflops"]);
    assert!(!measured["processor"].as_str().unwrap().is_empty());
    let all = measured["measurements"].as_array().unwrap();
    let parts: Vec<&str> = all.iter().map(|one| one["part"].as_str().unwrap()).collect();
    assert_eq!(
        parts,
        [
            "reading",
            "reading",
            "simulating",
            "generating",
            "generating",
            "generating",
            "training",
            "training"
        ]
    );
    for one in all {
        assert_spread(&one["per_second"]);
        let is_network = one["what"].as_str().unwrap().contains("batch");
        assert_eq!(one["gflops"].is_object(), is_network, "{one}");
        if is_network {
            assert_spread(&one["gflops"]);
            assert_spread(&one["share"]);
        }
    }
    // Whatever was written to be read is gone.
    assert_eq!(desk.listing(), "");
}

#[test]
fn the_median_stands_in_a_table() {
    let ran = Desk::new().does("bench reading --rounds 3");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[1].ends_with("of 3 rounds"), "{}", ran.stdout);
    assert!(ran.stdout.contains("GFLOP") && ran.stdout.contains("avalanches"), "{}", ran.stdout);
    assert_eq!(lines.len(), 7, "{}", ran.stdout);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let desk = Desk::new();
    let said = desk.fails(2, "bench writing");
    assert!(said.contains("reading, simulating, generating, training"), "{said}");
    desk.fails(2, "bench --rounds 0");
}
