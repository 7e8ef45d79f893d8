//! Cascades of recorded responses, from the file of the responses to avalanches.

use crate::support::{Desk, read, shipped};

const TRAIN: &str = "train recorded-1t.toml --data single_foils_1t.npz";

/// A desk with the shipped responses and the configuration, and the cascade in `run`.
fn recorded() -> Desk {
    let desk = Desk::with([shipped("single_foils_1t.npz"), shipped("../configs/recorded-1t.toml")]);
    let ran = desk.does(&format!("{TRAIN} --run run --json"));
    let told = ran.json();
    assert_eq!((&told["from"], &told["stages"][2]["starts"]), (&"recorded".into(), &2000.into()), "{told:#}");
    assert!(told["stages"][2]["repeated"].as_f64().unwrap() > 0.01);
    desk
}

/// Every time, on any number of threads, in shards, from the run, from one file, and as the detector that it
/// is.
#[test]
fn recorded_responses_give_the_same_avalanches_everywhere() {
    let desk = recorded();
    let said = desk.does(&format!("{TRAIN} --run again --threads 1"));
    let said = said.stdout + &said.stderr;
    assert!(said.contains("m3 (2000 responses, worth 1") && said.contains("% of them again"), "{said}");
    for name in ["config.toml", "detector.toml", "run.json", "responses.npz"] {
        assert!(desk.bytes(&format!("run/{name}")) == desk.bytes(&format!("again/{name}")), "{name}");
    }
    let detector = desk.text("run/detector.toml");
    assert!(
        detector.contains("file = \"responses.npz\"") && detector.contains("effective = 1"),
        "{detector}"
    );

    desk.does("generate --run run --events 100 --out whole.npz --threads 2");
    desk.does("generate --run run --events 100 --shard 2/2 --out half.npz --threads 1");
    desk.does("export --run run --out one.townsend");
    desk.does("generate --run one.townsend --events 100 --out one.npz --threads 1");
    desk.does("simulate --detector run/detector.toml --events 100 --out detector.npz");
    desk.does("export --run one.townsend --out two.townsend");
    assert!(desk.bytes("one.townsend") == desk.bytes("two.townsend"));
    let [whole, half, one, detector] =
        ["whole.npz", "half.npz", "one.npz", "detector.npz"].map(|name| read(desk.path(name), None));
    assert!((0..50).all(|index| half.electrons(index) == whole.electrons(50 + index)));
    assert_eq!((whole.digest(), whole.digest()), (one.digest(), detector.digest()));

    let said = desk.does("inspect whole.npz").stdout;
    assert!(said.contains("responses   m1: 2000, worth 1") && said.contains("of 12 nearest"), "{said}");
    desk.does("generate --run run --events 20 --out placed.npz --start 30,-20");
}

#[test]
fn what_recorded_responses_cannot_do_is_refused() {
    let desk = recorded();
    for (arguments, code, says) in [
        (format!("{TRAIN} --run other --set recorded.neighbours=0"), 2, "neighbours is 0"),
        (format!("{TRAIN} --run other --set recorded.neighbours=2001"), 1, "the number of responses, 2000"),
        (format!("{TRAIN} --run other --set recorded.symmetry=[\"mirror\"]"), 2, "unknown variant `mirror`"),
        (format!("{TRAIN} --run other --set recorded.symmetry=[\"rotate_60\"]"), 2, "only reflect_z is left"),
        (format!("{TRAIN} --run other --set model.kind=fitted"), 2, "[recorded] is for model.kind"),
        (format!("{TRAIN} --run other --set model.kind=both"), 2, "unknown variant `both`"),
        (format!("{TRAIN} --run other --set model.detector=microscopic_275"), 1, "contradict each other"),
        (
            "generate --run run --events 9 --out other --format npz --condition voltage_v=300".into(),
            2,
            "voltage_v",
        ),
    ] {
        let ran = desk.run(&arguments);
        assert_eq!(ran.code, Some(code), "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{arguments}: {}", ran.stderr);
        assert!(!desk.path("other").exists(), "{arguments}");
    }
    std::fs::rename(desk.path("run/responses.npz"), desk.path("moved.npz")).unwrap();
    for command in ["generate --run run", "simulate --detector run/detector.toml"] {
        let said = desk.fails(1, &format!("{command} --events 9 --out other.npz"));
        assert!(said.contains("responses.npz"), "{said}");
    }
    std::fs::copy(shipped("electrons.npz"), desk.path("run/responses.npz")).unwrap();
    let said = desk.fails(1, "generate --run run --events 9 --out other.npz");
    assert!(said.contains("m1_start"), "{said}");
}
