//! Digits from hits.

use std::path::Path;

use crate::support::{Desk, Transcript};

/// Thirty crossings of the CGEM-IT by official simulation.
fn crossings() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../townsend-readout/tests/data/crossings.csv")
}

#[test]
fn official_crossings_become_digits_in_every_format() {
    let desk = Desk::with([crossings()]);
    let digits = "digitise --detector cgem_it --hits crossings.csv --quiet";
    let said = desk.does(&format!("{digits} --out digits.csv --json")).json();
    assert_eq!((&said["events"], &said["hits"], &said["hits_outside"]), (&10.into(), &30.into(), &0.into()));
    let text = desk.text("digits.csv");
    let mut lines = text.lines();
    let names = "event,repeat,layer,sheet,view,strip,charge_fC,time_ns,adc,tdc,hit";
    assert_eq!(lines.next(), Some(names));
    assert_eq!(lines.clone().count() as u64, said["digits"].as_u64().unwrap());
    // Three layers of an event, each by the hit in it.
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |k: usize| fields[k].parse::<u64>().unwrap();
        assert_eq!(number(10), 3 * number(0) + number(2), "{line}");
    }
    // The same on any number of threads, and in other formats.
    for threads in [1, 2] {
        desk.does(&format!("{digits} --out again.csv --force --threads {threads}"));
        assert_eq!(desk.text("again.csv"), text);
    }
    desk.does(&format!("{digits} --out digits.npz"));
    desk.does(&format!("{digits} --out digits.root --waveforms signals.root"));
    let folder = desk.path("");
    // A text has as many digits as tell one single-precision number from the next.
    let column = |file: &str, name: &str| -> Vec<f32> {
        let (_, values) = townsend_io::read_array(&folder.join(file), name).unwrap();
        values.into_iter().map(|value| value as f32).collect()
    };
    for name in names.split(',') {
        let wanted = column("digits.csv", name);
        for file in ["digits.npz", "digits.root"] {
            assert_eq!(column(file, name), wanted, "{file} {name}");
        }
    }
    let outputs = column("signals.root", "output_fC");
    assert!(outputs.len() > 100 * 200 && outputs.iter().any(|output| *output > 10.0));
    desk.does(&format!("{digits} --out more.csv --repeat 2 --seed 2"));
    assert_ne!(desk.text("more.csv").lines().nth(1), text.lines().nth(1));
}

#[test]
fn steps_and_electrons_are_digitised_in_a_plane() {
    let desk = Desk::new();
    std::fs::write(desk.path("steps.csv"), "event,x [mm],y [mm],z [cm],edep_eV\n4,3,-2,-0.75,5900\n")
        .unwrap();
    let steps = "digitise --detector planar_triple_gem --hits steps.csv --quiet";
    let said = desk.does(&format!("{steps} --ionisation deposit --repeat 20 --out a.csv --json")).json();
    let primaries = said["primaries"].as_f64().unwrap() / 20.0;
    assert!((primaries - 5900.0 / 26.1).abs() < 6.0, "{primaries}");
    let said = desk.does(&format!("{steps} --ionisation electrons --repeat 20 --out b.csv --json")).json();
    assert_eq!(said["primaries"], 20);
    let ran = desk.does(&format!("{steps} --out c.csv"));
    assert!(ran.stderr.contains("1 of 1 hits have no length"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_digitised() {
    let desk = Desk::with([crossings()]);
    let file = |name: &str, text: &str| std::fs::write(desk.path(name), text).unwrap();
    file("outside.csv", "event,x0,y0,z0,x1,y1,z1\n0,1,0,0,2,0,0\n");
    let ran = desk.does("digitise --hits outside.csv --out outside.npz --quiet");
    assert_eq!(ran.stderr, "warning: outside.csv: 1 of 1 hits are in no drift gap\n");
    file("negative.csv", "event,x,y,z,edep\n0,79,0,0,1\n0,79,0,0,-2\n");
    file("nan.csv", "event,x,y,z\n0,79,nan,0\n");
    file("layer.csv", "event,layer,x,y,z\n0,7,79,0,0\n");
    file("columns.csv", "event,u,v\n0,7,79\n");
    let detector = include_str!("../../configs/detector/cgem_it.toml");
    file("chip.toml", &detector.replace("\"tiger\"", "\"lion\""));
    let moved = detector.replace("first_mm = 0.60389", "first_mm = -100.0");
    file("overlap.toml", &moved);
    let mut said = Transcript::default();
    for (code, arguments) in [
        (2, "digitise --hits negative.csv --ionisation deposit --out a.npz"),
        (2, "digitise --hits nan.csv --out a.npz"),
        (2, "digitise --hits layer.csv --out a.npz"),
        (1, "digitise --hits columns.csv --out a.npz"),
        (1, "digitise --hits nan.csv --ionisation deposit --out a.npz"),
        (1, "digitise --hits absent.csv --out a.npz"),
        (2, "digitise --hits crossings.csv --out a.npz --detector cgem"),
        (2, "digitise --hits crossings.csv --out a.npz --detector chip.toml"),
        (2, "digitise --hits crossings.csv --out a.npz --detector overlap.toml"),
        (2, "digitise --hits crossings.csv --out a.npz --waveforms a.npz"),
        (1, "digitise --hits crossings.csv --out outside.npz"),
    ] {
        said.fails(&desk, code, arguments);
    }
    insta::assert_snapshot!(said);
}
