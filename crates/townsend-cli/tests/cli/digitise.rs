//! Digits from hits.

use std::path::Path;

use crate::support::{Desk, Transcript, python};

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
    // Own names and units of columns.
    std::fs::write(desk.path("other.csv"), "n,a,b,c,loss\n4,0.3,-0.2,-0.75,5.9\n").unwrap();
    let other =
        "digitise --detector planar_triple_gem --hits other.csv --quiet --ionisation deposit --repeat 20";
    let stated = "--columns event=n,x=a,y=b,z=c,edep=loss --units cm";
    desk.does(&format!("{other} {stated} --out d.csv"));
    assert_eq!(desk.text("d.csv"), desk.text("a.csv"));
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
    file("several.csv", "A.position.x,A.position.y,A.position.z,B.position.x\n0,7,79,1\n");
    file("short.csv", "event,strip\n0,7\n");
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
        (2, "digitise --hits crossings.csv --out -"),
        (2, "digitise --hits crossings.csv --out a.npz --waveforms -"),
        (2, "digitise --hits crossings.csv --out a.npz --layout delphes"),
        (2, "digitise --hits crossings.csv --out a.npz --units parsec"),
        (2, "digitise --hits crossings.csv --out a.npz --columns q=charge"),
        (1, "digitise --hits crossings.csv --out a.npz --columns x0=nowhere"),
        (1, "digitise --hits crossings.csv --out a.npz --layout cygno"),
        (1, "digitise --hits several.csv --out a.npz --layout edm4hep"),
        (2, "digitise --hits crossings.csv --out a.parquet"),
        (1, "digitise --hits crossings.csv --out outside.npz"),
    ] {
        said.fails(&desk, code, arguments);
    }
    insta::assert_snapshot!(said);
}

/// Hits that ROOT writes as other programs lay them out.
#[test]
fn hits_of_other_programs_are_digitised() {
    let desk = Desk::with([crossings()]);
    python(&desk, "hits_of_others.py", "crossings.csv");
    let column = |file: &str, name: &str| townsend_io::read_array(&desk.path(file), name).unwrap().1;
    // Deposits at points.
    for (layout, hits) in [("geant4", 3.0), ("cygno", 3.0)] {
        let digitise =
            format!("digitise --detector planar_triple_gem --layout {layout} --hits {layout}.root");
        let said = desk.does(&format!("{digitise} --repeat 20 --out {layout}.npz --quiet --json")).json();
        let primaries = said["primaries"].as_f64().unwrap() / 20.0 / hits;
        assert!((primaries - 5900.0 / 26.1).abs() < 3.0, "{layout}: {primaries}");
        assert_eq!(said["hits"].as_f64(), Some(hits));
    }
    let npz = "geant4.npz";
    let tracks = column(npz, "event").into_iter().zip(column(npz, "track"));
    assert!(tracks.into_iter().all(|(event, track)| (track - event - 7.0).abs() < 1e-9));
    assert!(column("cygno.npz", "event").iter().all(|event| [0, 2].contains(&(*event as u64))));
    // Crossings, which are those of the text but for the precision of their numbers.
    let digits = "digitise --detector cgem_it --quiet --json";
    let plain = desk.does(&format!("{digits} --hits crossings.csv --out plain.npz")).json();
    let charge = |said: &serde_json::Value| -> f64 {
        said["views"].as_array().unwrap().iter().map(|view| view["charge_fc"].as_f64().unwrap()).sum()
    };
    for (file, layout) in [("edm4hep", "edm4hep"), ("edm4hep_rntuple", "edm4hep"), ("psimhit", "psimhit")] {
        let said =
            desk.does(&format!("{digits} --hits {file}.root --layout {layout} --out {file}.npz")).json();
        assert_eq!(
            (&said["hits"], &said["hits_outside"], &said["primaries_outside"]),
            (&30.into(), &0.into(), &0.into())
        );
        assert!((charge(&said) / charge(&plain) - 1.0).abs() < 0.1, "{file}: {said} {plain}");
        let [hits, tracks] = ["hit", "track"].map(|name| column(&format!("{file}.npz"), name));
        assert!(hits.iter().zip(tracks).all(|(hit, track)| (track - hit - 100.0).abs() < 1e-9), "{file}");
        let events = column(&format!("{file}.npz"), "event");
        // CMS's tree has no numbers of events but its entries'; those of the text count from 0 too.
        assert!(
            hits.iter().zip(events).all(|(hit, event)| ((hit / 3.0).floor() - event).abs() < 1e-9),
            "{file}"
        );
    }
}

/// Where strips are, names of `EDM4hep`, `RNTuple`s, and signals that say where they come from.
#[test]
fn digits_say_where_they_are_and_where_they_come_from() {
    let desk = Desk::with([crossings()]);
    let digitise = "digitise --detector cgem_it --hits crossings.csv --quiet";
    desk.does(&format!("{digitise} --positions --out own.npz --waveforms signals.npz"));
    desk.does(&format!("{digitise} --positions --names edm4hep --format rntuple --out named.root"));
    let column = |file: &str, name: &str| townsend_io::read_array(&desk.path(file), name).unwrap().1;
    for (own, other) in [
        ("event", "eventNumber"),
        ("charge_fC", "charge"),
        ("adc", "adcCounts"),
        ("hit", "simHit"),
        ("y_mm", "position_y"),
    ] {
        assert_eq!(column("own.npz", own), column("named.root", other), "{own}");
    }
    let place = ["strip", "view", "sheet", "layer"].map(|name| column("own.npz", name));
    for (k, cell) in column("named.root", "cellID").into_iter().enumerate() {
        let of = [0, 32, 40, 52].into_iter().zip(&place).map(|(bit, values)| values[k] * 2f64.powi(bit));
        assert!((of.sum::<f64>() / cell - 1.0).abs() < 1e-15);
    }
    // X strips are on their cylinder, V strips 55 um below.
    let [x, y, layer, view] = ["x_mm", "y_mm", "layer", "view"].map(|name| column("own.npz", name));
    for k in 0..x.len() {
        let radius = [90.14, 132.5, 175.195][layer[k] as usize];
        assert!((x[k].hypot(y[k]) - radius).abs() < 1e-3, "{} {}", view[k], x[k].hypot(y[k]));
    }
    let hits = column("signals.npz", "hit");
    let (events, layers) = (column("signals.npz", "event"), column("signals.npz", "layer"));
    assert!(
        hits.iter()
            .zip(events)
            .zip(layers)
            .all(|((hit, event), layer)| (hit - 3.0 * event - layer).abs() < 1e-9)
    );
}
