//! The same seed, the same bytes: whatever threads and shards.

use townsend_core::Dataset;

use crate::support::{Desk, TRAINED, read, tiny};

#[test]
fn generated_files_do_not_depend_on_threads() {
    let desk = Desk::with([&TRAINED.run]);
    for ending in ["root", "npz"] {
        let [one, two, other] = ["--threads 1", "--threads 2", "--seed 2"].map(|option| {
            let name = format!("{}.{ending}", option.replace([' ', '-'], ""));
            desk.does(&format!("generate --run run --events 150 --out {name} {option}"));
            desk.bytes(&name)
        });
        assert!(one == two, "{ending}");
        assert!(one != other, "another seed gives other avalanches");
    }
}

#[test]
fn shards_are_the_whole() {
    let desk = Desk::with([&TRAINED.run]);
    desk.does("generate --run run --events 100 --out whole.root");
    let mut joined: Option<townsend_core::CountSet> = None;
    let mut names = Vec::new();
    for shard in 1..=3 {
        let file = format!("part-{shard}.root");
        desk.does(&format!("generate --run run --events 100 --shard {shard}/3 --out {file}"));
        let root = townsend_root::RootFile::open(desk.path(&file)).unwrap();
        names.extend(root.keys().filter(|key| key.class() == "TH2F").map(|key| key.name().to_owned()));
        let Dataset::Counts(part) = read(desk.path(&file), None) else { panic!("electrons") };
        match &mut joined {
            None => joined = Some(part),
            Some(all) => all.append(&part).unwrap(),
        }
    }
    assert_eq!(names, (0..100).map(|index| format!("h2_{index}")).collect::<Vec<_>>());
    assert_eq!(Dataset::from(joined.unwrap()).digest(), read(desk.path("whole.root"), None).digest());
}

#[test]
fn training_does_not_depend_on_threads() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    for threads in [1, 2] {
        desk.does(&format!(
            "train tiny.toml --data avalanches.root --run run-{threads} --threads {threads} --set training.augment_flips=true"
        ));
    }
    for name in ["checkpoints/last.safetensors", "checkpoints/best.safetensors", "config.toml", "run.json"] {
        assert!(desk.bytes(&format!("run-1/{name}")) == desk.bytes(&format!("run-2/{name}")), "{name}");
    }
}

#[test]
fn a_seed_on_the_command_line_is_that_of_the_training_and_recorded() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    desk.does("train tiny.toml --data avalanches.root --run a --seed 5 --set training.epochs=1");
    desk.does("train tiny.toml --data avalanches.root --run b --set training.seed=5 --set training.epochs=1");
    assert!(desk.text("a/config.toml").contains("\nseed = 5\n"), "{}", desk.text("a/config.toml"));
    assert!(desk.bytes("a/checkpoints/last.safetensors") == desk.bytes("b/checkpoints/last.safetensors"));
    desk.does("generate --run a --events 5 --out g.root --seed 9");
    assert_eq!(read(desk.path("g.root"), None).meta().provenance.seed, Some(9));
}

#[test]
fn reports_do_not_depend_on_threads() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    desk.does("generate --run run --events 60 --out generated.root");
    for threads in [1, 2] {
        desk.does(&format!(
            "check --real avalanches.root --generated generated.root --out report-{threads} --threads {threads}"
        ));
    }
    for name in ["report.json", "report.html", "overview.svg"] {
        assert!(desk.bytes(&format!("report-1/{name}")) == desk.bytes(&format!("report-2/{name}")), "{name}");
    }
}

#[test]
fn conversions_do_not_depend_on_threads() {
    let desk = Desk::with([crate::support::shipped("electrons.npz")]);
    for threads in [1, 2] {
        desk.does(&format!("convert electrons.npz h{threads}.root --dims 1,2,3 --threads {threads}"));
    }
    assert!(desk.bytes("h1.root") == desk.bytes("h2.root"));
}
