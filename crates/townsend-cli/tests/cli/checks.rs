//! `check` and `inspect --html` beyond the pipeline: several generators, conditions, lights as gates.

use crate::support::Desk;

/// Two sets of one detector and one of another, whose avalanches are larger and wider.
fn desk() -> Desk {
    let desk = Desk::new();
    for (name, detector, seed) in
        [("real", "microscopic_275", 1), ("same", "microscopic_275", 2), ("other", "reference2021", 3)]
    {
        desk.does(&format!(
            "simulate --detector {detector} --events 240 --seed {seed} --out {name}.npz --quiet"
        ));
    }
    desk
}

#[test]
fn generators_are_ranked_side_by_side() {
    let desk = desk();
    let command =
        "check --real real.npz --generated other.npz --generated same.npz --no-classifiers --quiet --out all";
    let ran = desk.does(&format!("{command} --json"));
    let ranking = ran.json();
    assert_eq!(ranking["schema"], "townsend-ranking/1");
    let [first, second] = [0, 1].map(|k| ranking["generators"][k].clone());
    assert_eq!((&first["generated"], &first["report"]), (&"same.npz".into(), &"same".into()), "{ranking}");
    assert_eq!((&second["report"], &second["light"]), (&"other".into(), &"red".into()), "{ranking}");
    assert_eq!(ran.stdout, desk.text("all/ranking.json"));
    assert!(desk.text("all/index.html").contains("same/report.html"));
    for file in [
        "report.json",
        "report.html",
        "overview.svg",
        "overview.pdf",
        "figures/rms_x.svg",
        "figures/rms_x.pdf",
    ] {
        assert!(desk.path(format!("all/same/{file}")).exists(), "{file}");
    }
    let report: serde_json::Value = serde_json::from_slice(&desk.bytes("all/same/report.json")).unwrap();
    assert!(
        report.get("c2st").is_none() && report["strips"]["x_charge"]["ks"]["value"].is_f64(),
        "no classifiers"
    );
    let told = desk.does(&format!("{command} --force"));
    assert!(told.stdout.contains("the best first") && told.stdout.contains("mean AUC"), "{}", told.stdout);
}

#[test]
fn lights_are_a_gate_by_thresholds_of_ones_own() {
    let desk = desk();
    let limits = |green: f64| {
        format!(
            "errors = 0\n[[light]]\nquestion = \"Is it wide?\"\nmetric = \"w1_over_sigma.rms_x\"\ngreen = {green}\namber = 9\n"
        )
    };
    std::fs::write(desk.path("wide.toml"), limits(8.0)).unwrap();
    std::fs::write(desk.path("narrow.toml"), limits(0.0)).unwrap();
    std::fs::write(desk.path("wrong.toml"), limits(10.0)).unwrap();
    let check =
        "check --real real.npz --generated other.npz --no-classifiers --quiet --force --out report --require";
    let passed = desk.run(&format!("{check} green --thresholds wide.toml"));
    assert_eq!((passed.code, passed.stderr.as_str()), (Some(0), ""), "{}", passed.stdout);
    assert!(passed.stdout.contains("verdict: All 1 lights are green."), "{}", passed.stdout);
    let failed = desk.run(&format!("{check} green --thresholds narrow.toml"));
    assert_eq!(failed.code, Some(1));
    assert_eq!(failed.stderr, "amber: Is it wide? (w1_over_sigma.rms_x)\n");
    assert_eq!(desk.run(&format!("{check} amber --thresholds narrow.toml")).code, Some(0));
    let wrong = desk.run(&format!("{check} amber --thresholds wrong.toml"));
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.stderr.contains("wrong.toml") && wrong.stderr.contains("amber = 9 must be"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn conditions_are_arrays_or_branches_of_both_files() {
    let desk = desk();
    // The number of the avalanche: a branch of every tree that is written. Bins of it are a fifth of the
    // avalanches each.
    desk.does("convert real.npz real.root --quiet");
    desk.does("convert same.npz same.root --quiet");
    let report = desk
        .does("check --real real.root --generated same.root --no-classifiers --quiet --json --out tree --by avalanche");
    let by_number = &report.json()["conditional"][1];
    assert_eq!(by_number["condition"], "avalanche");
    let bins = by_number["bins"].as_array().unwrap();
    assert_eq!(bins.len(), 5);
    assert_eq!((&bins[0]["low"], &bins[4]["high"]), (&0.0.into(), &239.0.into()), "{by_number}");
    assert!(bins.iter().all(|bin| bin["w1_over_sigma"]["rms_x"]["value"].is_f64()), "{by_number}");
    // An array that both have: its values end at the next avalanche, so there is one too many.
    let ran = desk
        .run("check --real real.npz --generated same.npz --no-classifiers --quiet --out report --by offsets");
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("condition `offsets`: 241 values for 240 real avalanches"), "{}", ran.stderr);
    let ran = desk.run(
        "check --real real.npz --generated same.npz --no-classifiers --quiet --out report --by start_um",
    );
    assert_ne!(ran.code, Some(0));
    assert!(ran.stderr.contains("real.npz") && ran.stderr.contains("start_um"), "{}", ran.stderr);
}

#[test]
fn memorisation_needs_to_know_the_training() {
    let desk = desk();
    let check =
        "check --real real.npz --generated same.npz --no-classifiers --quiet --json --out report --force";
    assert!(desk.does(check).json().get("memorisation").is_none());
    let learnt = desk.does(&format!("{check} --training same.npz")).json();
    let share = learnt["memorisation"]["value"].as_f64().unwrap();
    assert!(share > 0.95, "what was trained on is nearer to itself: {share}");
}

#[test]
fn one_file_has_a_page() {
    let desk = desk();
    let ran = desk.does("inspect real.npz --html real.html --quiet");
    assert!(ran.stdout.contains("observable"), "{}", ran.stdout);
    let page = desk.text("real.html");
    assert!(page.contains("rms_x") && page.contains("id=\"scenes\"") && page.len() < 8_000_000);
    let again = desk.run("inspect real.npz --html real.html --quiet");
    assert_ne!(again.code, Some(0));
    assert!(again.stderr.contains("real.html"), "{}", again.stderr);
}
