//! From a file to a checked generator, verb by verb.

use townsend_core::{Dataset, Grid};

use crate::support::{Desk, SMALL_DEMO, TRAINED, read, shipped, tiny};

#[test]
fn inspect_describes_a_file_of_histograms() {
    let desk = Desk::with([shipped("avalanches_2d.root")]);
    let ran = desk.does("inspect avalanches_2d.root --quiet");
    assert_eq!(ran.stderr, "", "nothing to warn of");
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn inspect_describes_a_file_of_electrons() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let ran = desk.does("inspect electrons.npz --quiet");
    assert_eq!(ran.stderr, "", "nothing to warn of");
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn inspect_speaks_json() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let said = desk.does("inspect electrons.npz --json").json();
    let data = read(shipped("electrons.npz"), None);
    let sizes = (0..data.len()).map(|index| data.electrons(index));
    assert_eq!(said["avalanches"], data.len());
    assert_eq!(said["empty"], sizes.clone().filter(|&n| n == 0).count());
    assert_eq!(said["electrons"], sizes.sum::<u64>());
    assert_eq!(said["units"], serde_json::json!(["mm", "mm", "ns"]));
    assert_eq!(said["warnings"], serde_json::json!([]));
    let names = said["observables"].as_array().unwrap().iter().map(|o| o["name"].as_str().unwrap());
    let names: Vec<_> = names.collect();
    insta::assert_snapshot!(names.join(" "));
}

#[test]
fn electrons_become_histograms_of_every_dimension() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let electrons = read(desk.path("electrons.npz"), None);
    let ran = desk.does("convert electrons.npz histograms.root --dims 1,2,3");
    assert!(ran.stderr.ends_with("40 avalanches to histograms.root\n"), "{}", ran.stderr);
    for dims in 1..=3 {
        let grid = Grid::standard(dims).unwrap();
        let wanted = electrons.to_counts(&grid).unwrap();
        let Dataset::Counts(got) = read(desk.path("histograms.root"), Some(dims)) else {
            panic!("electrons")
        };
        assert!(got.grid().same_cells(&grid) && got.iter().eq(wanted.iter()), "{dims} dimensions");

        desk.does(&format!("convert histograms.root counts{dims}.npz --dims {dims}"));
        desk.does(&format!("convert electrons.npz direct{dims}.npz --dims {dims}"));
        let [of_counts, direct] = ["counts", "direct"].map(|name| desk.path(format!("{name}{dims}.npz")));
        assert_eq!(read(of_counts, None).digest(), Dataset::from(wanted.clone()).digest());
        assert_eq!(read(direct, None).digest(), Dataset::from(wanted).digest());
    }
}

#[test]
fn electrons_stay_the_same_through_a_tree() {
    let desk = Desk::with([shipped("electrons.npz")]);
    desk.does("convert electrons.npz tree.root --quiet");
    let ran = desk.does("convert tree.root back.npz --json --quiet");
    assert_eq!(ran.json(), serde_json::json!({ "avalanches": 40, "warnings": [] }));
    assert_eq!(ran.stderr, "");
    let [there, back] = ["electrons.npz", "back.npz"].map(|name| read(desk.path(name), None));
    assert_eq!((there.digest(), &there.meta().units), (back.digest(), &back.meta().units));
    assert_eq!(there.meta().provenance.source, back.meta().provenance.source);
    assert_eq!(back.meta().provenance.inputs[0].file, "tree.root");
}

#[test]
fn electrons_are_counted_on_the_grid_of_a_file() {
    let desk = Desk::with([shipped("electrons.npz")]);
    let grid =
        "[[axes]]\nbins = 30\nlow = -1\nhigh = 1\nlabel = \"x [mm]\"\n[[axes]]\nedges = [-1, -0.2, 0.2, 1]\n";
    std::fs::write(desk.path("grid.toml"), grid).unwrap();
    desk.does("convert electrons.npz coarse.root --grid grid.toml");
    let said = desk.does("inspect coarse.root");
    assert!(said.stdout.contains("30 bins") && said.stdout.contains("3 bins"), "{}", said.stdout);
    let counts = read(desk.path("coarse.root"), None);
    assert_eq!(counts.grid().unwrap().shape(), [32, 5]);
    let electrons = read(desk.path("electrons.npz"), None);
    assert!((0..40).all(|index| counts.electrons(index) == electrons.electrons(index)), "flow bins keep all");
}

#[test]
fn a_format_can_be_forced_where_the_ending_says_nothing() {
    let desk = Desk::with([shipped("electrons.npz")]);
    desk.does("convert electrons.npz out.dat --format root --dims 2");
    assert!(desk.bytes("out.dat").starts_with(b"root"));
    assert!(desk.does("inspect out.dat --format root").stdout.contains("ROOT histograms h2_i"));
}

#[test]
fn train_generate_check() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let trained =
        desk.does("train tiny.toml --data avalanches.root --run run --set training.epochs=3 --json");
    let summary = trained.json();
    assert_eq!((&summary["epochs"], &summary["stopped"]), (&3.into(), &false.into()));
    assert!(desk.text("run/config.toml").contains("epochs = 3"), "the configuration is written out");
    let lines = desk.text("run/metrics.jsonl");
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let epochs: Vec<_> = lines.filter(|line| line["kind"] == "epoch").collect();
    assert_eq!(epochs.len(), 3);
    for part in ["loss", "reconstruction", "kl"] {
        assert!(
            epochs.iter().all(|epoch| epoch[part].is_f64() && epoch["validation"][part].is_f64()),
            "{part}"
        );
    }

    let generated = desk.does("generate --run run --events 150 --out generated.root --json");
    assert_eq!(generated.json()["avalanches"], 150);
    let said = desk.does("inspect generated.root --json").json();
    assert_eq!((&said["avalanches"], &said["electrons"]), (&150.into(), &generated.json()["electrons"]));

    let checked = desk.does("check --real avalanches.root --generated generated.root --out report --seed 7");
    assert!(
        checked.stdout.contains("rms_x") && checked.stderr.contains("report/report.html"),
        "{}",
        checked.stdout
    );
    let report: serde_json::Value = serde_json::from_slice(&desk.bytes("report/report.json")).unwrap();
    assert_eq!(report["schema"], "townsend-report/2");
    assert_eq!(report["seed"], 7);
    assert_eq!(
        (&report["real"]["avalanches"], &report["generated"]["avalanches"]),
        (&300.into(), &150.into())
    );
    let of_rms = &report["observables"]["rms_x"];
    for distance in ["w1_over_sigma", "ks", "separation_power"] {
        for field in ["value", "floor"] {
            assert!(of_rms[distance][field].is_f64(), "{distance}.{field}");
        }
        assert!(of_rms[distance]["interval"][1].is_f64());
    }
    for score in ["fpd", "kpd", "precision", "recall", "density", "coverage"] {
        assert!(report[score]["value"].is_f64() && report[score]["floor"].is_f64(), "{score}");
    }
    assert!(report["c2st"]["auc"]["value"].as_f64().unwrap() > 0.5);
    assert!(report["legacy"].as_object().is_some_and(|legacy| !legacy.is_empty()));
}

#[test]
fn a_shard_without_avalanches_is_a_file_like_any_other() {
    let desk = Desk::with([&TRAINED.run]);
    for file in ["none.root", "none.npz"] {
        let ran = desk.does(&format!("generate --run run --events 2 --shard 1/3 --out {file}"));
        assert!(ran.stderr.ends_with(&format!("(0 avalanches/s) to {file}\n")), "{}", ran.stderr);
        let ran = desk.does(&format!("inspect {file} --quiet"));
        assert!(
            ran.stdout.contains("avalanches  0\nempty       0 (0.00%)\nelectrons   0\n"),
            "{}",
            ran.stdout
        );
        assert!(ran.stdout.contains("x: 90 bins from -1.5 to 1.5; z: 90 bins"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("NaN") && !ran.stdout.contains("inf"), "{}", ran.stdout);
        assert_eq!(ran.stderr, format!("warning: {file}: holds no avalanche\n"));
        let said = desk.does(&format!("inspect {file} --json")).json();
        assert_eq!((&said["avalanches"], &said["observables"]), (&0.into(), &serde_json::json!([])));
        assert_eq!(said["warnings"], serde_json::json!(["holds no avalanche"]));
    }
    let ran = desk.does("convert none.root back.npz --quiet");
    assert_eq!(ran.stderr, "warning: none.root: holds no avalanche\n");
    let digests = ["none.npz", "back.npz"].map(|file| read(desk.path(file), None).digest());
    assert_eq!(digests[0], digests[1]);
}

/// A page without what its scripts say: they are looked at where a browser runs them.
fn without_scripts(page: &str) -> String {
    let parts = page.split("<script").enumerate();
    parts
        .map(|(k, part)| if k == 0 { part } else { part.split_once("</script>").map_or("", |p| p.1) })
        .collect()
}

/// The values of attributes that load something.
fn loaded(page: &str) -> Vec<&str> {
    let starts = ["src=\"", "href=\"", "url(", "@import"];
    let values = |start: &'static str| {
        page.match_indices(start)
            .map(move |(at, _)| page[at + start.len()..].split(['"', ')', ';']).next().unwrap())
    };
    starts.into_iter().flat_map(values).collect()
}

#[test]
fn the_page_needs_nothing_else() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    desk.does("generate --run run --events 100 --out generated.npz --quiet");
    let ran =
        desk.does("check --real avalanches.root --generated generated.npz --out deep/report --json --quiet");
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout, desk.text("deep/report/report.json"));
    let page = desk.text("deep/report/report.html");
    assert!(page.contains("<svg") && page.contains("rms_x") && page.contains("generated.npz"));
    let page = without_scripts(&page);
    let foreign: Vec<_> = loaded(&page)
        .into_iter()
        .filter(|link| !link.starts_with("data:") && !link.starts_with('#'))
        .collect();
    assert_eq!(foreign, Vec::<&str>::new());
    assert!(desk.text("deep/report/overview.svg").starts_with("<svg"));
}

#[test]
fn a_check_is_a_gate() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    desk.does("generate --run run --events 100 --out generated.npz --quiet");
    let check = "check --real avalanches.root --generated generated.npz --quiet --out";
    let passed = desk.run(&format!("{check} wide --fail-above ks=1 --fail-above empty=1"));
    assert_eq!((passed.code, passed.stderr.as_str()), (Some(0), ""));
    let failed =
        desk.run(&format!("{check} narrow --fail-above ks=1 --fail-above w1_over_sigma.rms_x=0.001"));
    assert_eq!(failed.code, Some(1));
    assert!(failed.stderr.starts_with("above its limit: w1_over_sigma.rms_x = "), "{}", failed.stderr);
    assert_eq!(failed.stderr.lines().count(), 1, "{}", failed.stderr);
    assert!(desk.path("narrow/report.html").exists(), "the report says why");
    // A known name that these data do not have: the report is there, the answer is not.
    let absent = desk.run(&format!("{check} absent --fail-above ks.rms_t=0.1"));
    assert_eq!(absent.code, Some(2));
    assert!(absent.stderr.contains("no metric `ks.rms_t`"), "{}", absent.stderr);
}

#[test]
fn only_what_was_held_back_is_compared_with() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run]);
    desk.does("generate --run run --events 100 --out generated.npz --quiet");
    let ran = desk
        .does("check --real avalanches.root --held-back run --generated generated.npz --out report --json");
    let data: serde_json::Value = serde_json::from_slice(&desk.bytes("run/run.json")).unwrap();
    assert_eq!(ran.json()["real"]["avalanches"], data["summary"]["parts"][2]);
}

#[test]
fn quiet_is_quiet() {
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    for arguments in [
        "train tiny.toml --data avalanches.root --run run --set training.epochs=1",
        "generate --run run --events 20 --out generated.root",
        "convert generated.root counts.npz",
    ] {
        let ran = desk.does(&format!("{arguments} --quiet"));
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "{arguments}");
    }
}

#[test]
fn a_demo_of_small_size() {
    let desk = Desk::new();
    let ran = desk.does(&format!("demo --out demo {SMALL_DEMO}"));
    assert!(ran.stdout.contains("rms_x") && ran.stdout.ends_with("report: demo/report/report.html\n"));
    let made = [
        "avalanches.npz",
        "cascade.toml",
        "stages/stages.svg",
        "run/detector.toml",
        "generated.root",
        "report/report.html",
    ];
    assert!(made.iter().all(|name| desk.path(format!("demo/{name}")).is_file()), "{}", desk.listing());
    assert_eq!(desk.bytes("demo/avalanches.npz"), std::fs::read(shipped("avalanches.npz")).unwrap());
    assert!(ran.stdout.contains("rms_t"), "it has three dimensions: {}", ran.stdout);
    let again = desk.fails(1, "demo --out demo");
    assert!(again.contains("demo: exists already"), "{again}");
}
