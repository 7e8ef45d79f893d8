//! How well a detector tells where tracks cross it.

use crate::support::{Desk, Transcript};

#[test]
fn the_resolution_of_a_chamber() {
    let desk = Desk::new();
    let asked = "resolution planar_triple_gem --angle 0,30 --tracks 400";
    let told = desk.does(asked).stdout;
    assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
    assert!(told.contains("centroid, µm") && told.contains("efficiency, %"), "{told}");
    let files = "--out all.csv --out all.json --out figure.svg --out page.html";
    let said = desk.does(&format!("{asked} --json {files}")).json();
    let points = said["points"].as_array().unwrap();
    let core = |k: usize, place: &str| points[k][place]["core_um"]["value"].as_f64().unwrap();
    // Charge is along the track, so that the centroid alone does not tell where an inclined one is.
    assert!(core(0, "centroid") < 100.0 && core(1, "centroid") > 2.0 * core(0, "centroid"), "{said}");
    assert!(core(1, "merged") < 0.8 * core(1, "centroid") && core(1, "merged") < core(1, "micro_tpc") + 10.0);
    assert_eq!(desk.text("all.csv").lines().count(), 3);
    assert!(desk.text("figure.svg").contains("µTPC") && desk.text("page.html").contains("efficiency, %"));
    assert!(desk.text("all.json").contains("\"pitch_mm\": 0.65"));
    // The same on any number of threads.
    desk.does(&format!("{asked} --out again.csv --threads 1"));
    assert_eq!(desk.text("again.csv"), desk.text("all.csv"));
}

#[test]
fn a_higher_gain_and_a_lower_threshold_see_more() {
    let desk = Desk::new();
    let said =
        desk.does("resolution planar_triple_gem --gain 300,3000 --threshold 1,3 --tracks 300 --json").json();
    let seen: Vec<f64> = said["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["efficiency"]["value"].as_f64().unwrap())
        .collect();
    assert!(seen[0] > seen[1] + 0.05 && seen[3] > seen[1] + 0.3 && seen[2] >= seen[3], "{seen:?}");
    let text = desk.does("resolution planar_triple_gem --voltage 275 --voltage 285 --tracks 64").stdout;
    assert!(text.starts_with("gain"), "{text}");
}

#[test]
fn what_has_no_resolution() {
    let desk = Desk::new();
    desk.does("resolution planar_triple_gem --tracks 64 --out there.csv");
    let mut said = Transcript::default();
    for (code, arguments) in [
        (2, "resolution"),
        (2, "resolution planar_triple_gem --angle 5:0:1"),
        (2, "resolution planar_triple_gem --angle 85"),
        (2, "resolution planar_triple_gem --gain 1000 --voltage 275"),
        (2, "resolution planar_triple_gem --out a.png"),
        (2, "resolution planar_triple_gem --gain 0"),
        (2, "resolution cgem"),
        (1, "resolution planar_triple_gem --out there.csv"),
    ] {
        said.fails(&desk, code, arguments);
    }
    insta::assert_snapshot!(said);
}
