//! The cascade, from recorded responses to avalanches.

use crate::support::{Desk, assert_like_the_shipped, read, shipped};

const CONFIG: &str = "../configs/cascade-stages.toml";

/// A desk with the shipped responses and the configuration, and the cascade in `run`.
fn fitted() -> Desk {
    let desk = Desk::with([shipped("single_foils.npz"), shipped(CONFIG)]);
    desk.does("train cascade-stages.toml --data single_foils.npz --run run");
    desk
}

/// Against real avalanches, none of which it was fitted to.
#[test]
fn what_it_generates_is_like_the_shipped_avalanches() {
    let desk = fitted();
    desk.does("generate --run run --events 1500 --out generated.root");
    assert_like_the_shipped(&desk, "generated.root");
}

/// A figure shows each stage: fitted against recorded.
#[test]
fn a_figure_shows_the_stages() {
    let desk = fitted();
    let figure = desk.text("run/stages.svg");
    for name in ["a1: electrons below", "a2: x from the hole", "a3: time", "recorded", "fitted"] {
        assert!(figure.contains(name), "{name}");
    }
    assert!(desk.bytes("run/stages.pdf").starts_with(b"%PDF"));
}

/// Avalanches in two dimensions, without and with a fit to responses before; small, to be quick.
#[test]
fn a_cascade_is_learned_from_avalanches() {
    let desk = fitted();
    let data = shipped("avalanches_2d.root");
    let small = "--set fit.avalanches=1200 --set fit.steps=3 --set fit.approach=600";
    for (config, more) in [("cascade-histograms", ""), ("cascade-anode", "--set model.detector=run")] {
        let train = format!("train {config} --data {} {more} {small}", data.display());
        let ran = desk.does(&format!("{train} --run {config}"));
        assert!(ran.stderr.contains("fitted to 2"), "{}", ran.stderr);
        desk.does(&format!("{train} --run again --force --threads 1"));
        assert!(
            desk.bytes(&format!("{config}/detector.toml")) == desk.bytes("again/detector.toml"),
            "{config}"
        );
        desk.does(&format!("generate --run {config} --events 2000 --out {config}.root"));
        let real = data.display();
        let check = format!(
            "check --real {real} --held-back {config} --generated {config}.root --out report-{config}"
        );
        desk.does(&format!("{check} --no-classifiers --fail-above w1_over_sigma.n_electrons=0.35"));
    }
}

#[test]
fn avalanches_that_tell_nothing_are_refused() {
    let desk = fitted();
    std::fs::copy(shipped("../configs/cascade-anode.toml"), desk.path("end.toml")).unwrap();
    let few = shipped("electrons.npz");
    let train = format!("train end.toml --data {} --run other --set model.detector=run", few.display());
    for (more, code, says) in [
        ("", 1, "are not enough to fit to; 200 are wanted"),
        ("--set fit.steps=1", 2, "fit.steps is 1"),
        ("--set fit.widths.gian.shared=1", 2, "gian"),
        ("--set model.stages=[\"a1\",\"a2\",\"a3\"]", 2, "for avalanches"),
        ("--set data.test=2", 2, "test"),
    ] {
        let ran = desk.run(&format!("{train} {more}"));
        assert_eq!(ran.code, Some(code), "{more}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{more}: {}", ran.stderr);
        assert!(!desk.path("other").exists(), "{more}");
    }
}

/// The foils of the detector that ships are those that the fit gives, to the digits that are written there.
#[test]
fn the_shipped_detector_is_reproduced() {
    let desk = fitted();
    let fitted: toml::Table = desk.text("run/detector.toml").parse().unwrap();
    let shipped = std::fs::read_to_string(shipped("../configs/detector/microscopic_275.toml")).unwrap();
    let shipped: toml::Table = shipped.parse().unwrap();
    let foils = |table: &toml::Table| table["foils"].as_array().unwrap().clone();
    for (fitted, shipped) in foils(&fitted).iter().zip(&foils(&shipped)) {
        // Slopes by voltage are those of other responses.
        for (key, value) in shipped.as_table().unwrap().iter().filter(|(key, _)| *key != "conditions") {
            let (value, found) = (value.as_float().unwrap(), fitted[key].as_float().unwrap());
            // Four digits; the shipped responses were rounded after the fit.
            assert!((found - value).abs() <= 2e-3 * value.abs() + 1e-9, "{key}: {found} {value}");
        }
    }
}

#[test]
fn a_fit_is_the_same_every_time_and_its_shards_are_the_whole() {
    let desk = fitted();
    desk.does("train cascade-stages.toml --data single_foils.npz --run again --threads 1");
    for name in ["config.toml", "detector.toml", "run.json"] {
        assert!(desk.bytes(&format!("run/{name}")) == desk.bytes(&format!("again/{name}")), "{name}");
    }
    desk.does("generate --run run --events 100 --out whole.npz");
    desk.does("generate --run run --events 100 --shard 2/2 --out half.npz --threads 1");
    let [whole, half] = ["whole.npz", "half.npz"].map(|name| crate::support::read(desk.path(name), None));
    assert_eq!(half.len(), 50);
    assert!((0..50).all(|index| half.electrons(index) == whole.electrons(50 + index)));
}

/// Mean number of electrons of 3000 avalanches of a run.
fn mean_size(desk: &Desk, run: &str, more: &str) -> f64 {
    desk.does(&format!("generate --run {run} --events 3000 --out size.npz --force {more}"));
    let set = crate::support::read(desk.path("size.npz"), None);
    (0..set.len()).map(|index| set.electrons(index) as f64).sum::<f64>() / 3000.0
}

/// The gain grows with the voltage, and at each end it is within 5% of a fit to the responses of that end
/// alone.
#[test]
fn voltages_are_interpolated() {
    let desk = fitted();
    std::fs::copy(shipped("../configs/cascade-voltages.toml"), desk.path("voltages.toml")).unwrap();
    desk.does("train voltages.toml --data single_foils.npz --run voltages");
    let train = "train cascade-stages.toml --data single_foils.npz --run high";
    desk.does(&format!("{train} --set model.stages=[\"h1\",\"h2\",\"h3\"]"));

    let at = |volts: &str| mean_size(&desk, "voltages", &format!("--condition voltage_v={volts}"));
    let sizes: Vec<f64> =
        ["275", "280", "285", "290,290,285", "290", "295", "300"].into_iter().map(at).collect();
    assert!(sizes.is_sorted(), "{sizes:?}");
    for (run, interpolated) in [("run", sizes[0]), ("high", sizes[6])] {
        let alone = mean_size(&desk, run, "");
        assert!((interpolated / alone - 1.0).abs() < 0.05, "{run}: {interpolated} {alone}");
    }

    let beyond = desk.run("generate --run voltages --events 9 --out beyond.npz --condition voltage_v=310");
    assert_eq!(beyond.code, Some(0));
    assert!(beyond.stderr.contains("310 is outside 275 to 300"), "{}", beyond.stderr);
    for volts in ["0", "-280", "1e9", "275,0,275"] {
        let other =
            format!("generate --run voltages --events 9 --out other.npz --condition voltage_v={volts}");
        let said = desk.fails(2, &other);
        assert!(said.contains("from 250 to 325") && said.contains("from 275 to 300"), "{said}");
    }
    says_what_it_was_made_with(&desk);
}

/// Also after it was converted, and whether conditions were chosen or not.
fn says_what_it_was_made_with(desk: &Desk) {
    let generate = "generate --run voltages --events 20 --seed 4 --shard 2/3 --force";
    desk.does(&format!("{generate} --out part.npz --condition voltage_v=280,285.5,290 --start 30,-7.5"));
    desk.does("convert part.npz part.root --dims 2");
    desk.does(&format!("{generate} --out plain.root"));
    for (file, start, volts) in [
        ("part.npz", "30,-7.5", [280.0, 285.5, 290.0]),
        ("part.root", "30,-7.5", [280.0, 285.5, 290.0]),
        ("plain.root", "cell", [275.0; 3]),
    ] {
        let said = desk.does(&format!("inspect {file} --json")).json();
        let provenance = &said["provenance"];
        assert_eq!(provenance["seed"], 4, "{provenance:#}");
        assert_eq!(provenance["setting"]["start"], start);
        assert_eq!(provenance["setting"]["conditions"]["voltage_v"], serde_json::json!(volts));
        assert_eq!(provenance["events"], 20);
        assert_eq!(provenance["first"], 6);
        assert_eq!(provenance["shard"], serde_json::json!({ "index": 2, "count": 3 }));
        let detector = &provenance["detector"];
        for (foil, volts) in volts.into_iter().enumerate() {
            assert_eq!(detector["foils"][foil]["conditions"]["voltage_v"]["value"], volts);
        }
        assert_eq!(detector["gas"]["table"]["sha256"].as_str().unwrap().len(), 64);
        assert!(provenance["gas"].as_str().unwrap().contains("B = "), "{provenance:#}");
    }
    let said = desk.does("inspect part.root").stdout;
    for line in [
        "start       30,-7.5",
        "condition   voltage_v = 280, 285.5, 290",
        "part        2 of 3 of 20 avalanches, from number 6",
        "gain        ",
    ] {
        assert!(said.contains(line), "{said}");
    }
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let desk = fitted();
    let train = "train cascade-stages.toml --data single_foils.npz";
    for (arguments, code, says) in [
        (format!("{train} --run run"), 1, "--force"),
        (format!("{train} --run other --resume"), 2, "nothing to resume"),
        (
            format!("{train} --run other --set model.stages=[\"a1\"]"),
            2,
            "has 1 stages, and the detector has 3 foils",
        ),
        (format!("{train} --run other --set model.stages=[\"a1\",\"a2\",\"b3\"]"), 1, "b3_start"),
        (
            format!("{train} --run other --set model.stages=[1,2,3]"),
            2,
            "a stage is the name of its responses",
        ),
        (format!("{train} --run other --set model.latent=3"), 2, "latent"),
        ("generate --run run --events 9 --out other --condition v".into(), 2, "NAME=VALUE"),
        (
            "generate --run run --events 9 --out other --format npz --condition v=1".into(),
            2,
            "foils[0] does not depend on v",
        ),
        (format!("{train} --run other --set model.detector=gem"), 2, "gem: is neither a file nor a detector"),
        (
            format!("train cascade-stages.toml --data {} --run other", shipped("electrons.npz").display()),
            2,
            "this configuration is fitted to recorded responses of single foils",
        ),
        (
            format!(
                "check --real {} --held-back run --generated x.npz --out r",
                shipped("electrons.npz").display()
            ),
            2,
            "nothing was held back",
        ),
    ] {
        let ran = desk.run(&arguments);
        assert_eq!(ran.code, Some(code), "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{arguments}: {}", ran.stderr);
        assert!(!desk.path("other").exists(), "{arguments}");
    }
}

/// Histograms of generated avalanches are those of their electrons, on the standard grid and on another.
#[test]
fn histograms_are_those_of_the_electrons() {
    let desk = fitted();
    let axis = "[[axes]]\nbins = 30\nlow = -1.0\nhigh = 1.0\nlabel = \"x [mm]\"\n";
    std::fs::write(desk.path("grid.toml"), axis.to_owned() + &axis.replace("x [mm]", "z [mm]")).unwrap();
    desk.does("generate --run run --events 40 --out electrons.npz");
    for (dims, grid) in [("1,2,3", ""), ("1,2", "--grid grid.toml")] {
        desk.does(&format!("convert electrons.npz converted.root --dims {dims} {grid} --force"));
        desk.does(&format!(
            "generate --run run --events 40 --out generated.root --dims {dims} {grid} --force"
        ));
        for dims in dims.split(',').map(|dims| dims.parse().ok()) {
            let [generated, converted] =
                ["generated.root", "converted.root"].map(|file| read(desk.path(file), dims));
            assert!(generated.len() == 40 && generated.grid() == converted.grid());
            assert_eq!(generated.digest(), converted.digest());
        }
    }
}
