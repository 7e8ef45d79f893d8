//! The figures themselves, made by the program as a user calls it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Expected, Figure, Measured, SCHEMA};
use crate::environment::root;

/// Avalanches of each detector.
const AVALANCHES: &str = "2000";
/// Avalanches of each set that is compared, as many as `data/avalanches.npz` has.
const COMPARED: &str = "1000";
/// Observables whose distances stand on the page; the farthest of all others is there too.
const OBSERVABLES: [&str; 7] =
    ["n_electrons", "mean_x", "mean_t", "rms_x", "rms_t", "pair_distance", "lumpiness"];
/// How much a speed varies between two runs on one machine at least, whatever the rounds of a run say.
const SPEED_VARIES: f64 = 0.1;

/// The program, which runs in the root of the repository and leaves its files in one folder.
pub(super) struct Program {
    program: PathBuf,
    folder: &'static str,
}

impl Program {
    /// # Errors
    /// If the folder for its files cannot be made anew.
    pub(super) fn new(program: PathBuf) -> Result<Self> {
        let folder = "target/validation/files";
        if root().join(folder).exists() {
            std::fs::remove_dir_all(root().join(folder))?;
        }
        std::fs::create_dir_all(root().join(folder))?;
        Ok(Self { program, folder })
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// What the program prints, and the command as a user types it.
    fn text(&self, arguments: &[&str]) -> Result<(String, String)> {
        let shown = format!("townsend {}", arguments.join(" "));
        eprintln!("$ {shown}");
        let output = Command::new(&self.program)
            .args(arguments)
            .arg("--quiet")
            .current_dir(root())
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        if !output.status.success() {
            bail!("failed ({}): {shown}", output.status);
        }
        Ok((String::from_utf8(output.stdout)?, shown))
    }

    fn json(&self, arguments: &[&str]) -> Result<(Value, String)> {
        let (text, shown) = self.text(&[arguments, &["--json"]].concat())?;
        Ok((serde_json::from_str(&text).with_context(|| shown.clone())?, shown))
    }
}

/// Measures everything, AUC only with `classifiers`.
pub(super) fn measure(program: &Program, classifiers: bool) -> Result<Measured> {
    let mut figures = speeds(program)?;
    figures.extend(physics(program)?);
    figures.extend(distances(program, classifiers)?);
    let kinds = ["physics", "distance", "speed"];
    figures.sort_by_key(|figure| kinds.iter().position(|kind| figure.name.starts_with(kind)));
    let producer = program.text(&["--version"])?.0.trim().to_owned();
    Ok(Measured { schema: SCHEMA.into(), producer, figures, changes: Vec::new() })
}

/// A number that the program told.
fn number(of: &Value) -> Option<f64> {
    of.as_f64().filter(|number| number.is_finite())
}

/// How many electrons, how many empty avalanches, how wide and how late, of every detector that ships.
fn physics(program: &Program) -> Result<Vec<Figure>> {
    let (data, shown) = program.json(&["inspect", "data/avalanches.npz"])?;
    let recorded = of_avalanches("data", &data, &shown);
    let (detectors, _) = program.json(&["detectors"])?;
    let mut figures = Vec::new();
    for detector in detectors.as_array().context("there is no list of detectors")? {
        let name = detector["name"].as_str().context("a detector without a name")?;
        let file = program.file(&format!("{name}.npz"));
        let (_, made) =
            program.json(&["simulate", "--detector", name, "--events", AVALANCHES, "--out", &file])?;
        let (inspected, shown) = program.json(&["inspect", &file])?;
        std::fs::remove_file(root().join(&file))?;
        let mut found = of_avalanches(name, &inspected, &format!("{made} && {shown}"));
        for figure in &mut found {
            let what = figure.name.rsplit(": ").next().unwrap_or_default();
            figure.expected =
                match name {
                    "microscopic_275" => recorded.iter().find(|of| of.name.ends_with(what)).map(|of| {
                        Expected { value: of.value, error: of.error, from: "data/avalanches.npz".into() }
                    }),
                    "reference2021" => published()?.into_iter().find(|(of, _)| *of == what).map(|(_, is)| is),
                    _ => composed(name, what),
                };
        }
        figures.extend(found);
    }
    Ok(figures)
}

/// The figures of a set of avalanches, from what `inspect` tells.
fn of_avalanches(name: &str, inspected: &Value, command: &str) -> Vec<Figure> {
    let figure = |what: &str, unit: &str, value: Option<f64>, error: Option<f64>| {
        let name = format!("physics, {name}: {what}");
        Some(Figure {
            name,
            value: value?,
            error: error?,
            unit: unit.into(),
            command: command.into(),
            expected: None,
        })
    };
    let gain = &inspected["gain"];
    let of_gain = [
        ("electrons an avalanche", "effective"),
        ("empty avalanches", "empty"),
        ("relative variance of their number", "relative_variance"),
    ];
    let of_gain = of_gain
        .into_iter()
        .filter_map(|(what, key)| figure(what, "", number(&gain[key]["value"]), number(&gain[key]["error"])));
    let observables = inspected["observables"].as_array();
    let wanted = [
        ("mean_t", "mean time"),
        ("rms_x", "width in x"),
        ("rms_z", "width in z"),
        ("rms_t", "spread in time"),
    ];
    let of_observables = wanted.into_iter().filter_map(|(key, what)| {
        let found = observables?.iter().find(|column| column["name"] == key)?;
        let n = number(&found["avalanches"]).filter(|n| *n > 1.0)?;
        let error = number(&found["std"]).map(|std| std / n.sqrt());
        figure(what, found["unit"].as_str()?, number(&found["mean"]), error)
    });
    of_gain.chain(of_observables).collect()
}

/// The microscopic simulation of 2021: of 5,000 primary electrons those that the published histogram of sizes
/// does not have left no electron.
fn published() -> Result<[(&'static str, Expected); 3]> {
    let path = "crates/townsend-check/data/microscopic_observables.csv";
    let text = std::fs::read_to_string(root().join(path)).context(path)?;
    let rows = text.lines().filter_map(|line| line.strip_prefix("sum,"));
    let numbers = rows.map(|row| row.split(',').map_while(|cell| cell.parse().ok()).collect::<Vec<f64>>());
    let bins: Vec<[f64; 2]> = numbers
        .filter_map(|row| match row[..] {
            [low, high, n] => Some([0.5 * (low + high), n]),
            _ => None,
        })
        .collect();
    let all = 5_000.0;
    let sum = |power: i32| bins.iter().map(|[size, n]| n * size.powi(power)).sum::<f64>() / all;
    let (filled, mean, square) = (sum(0), sum(1), sum(2));
    if !(0.5..1.0).contains(&filled) {
        bail!("{path}: it has no histogram of `sum` of most of 5,000 avalanches");
    }
    let variance = square - mean * mean;
    let central = bins.iter().map(|[size, n]| n * (size - mean).powi(4)).sum::<f64>() / all
        + (1.0 - filled) * mean.powi(4);
    let is = |value, error| Expected { value, error, from: path.into() };
    let relative = variance / (mean * mean);
    // The error of the variance, as if it and the mean were independent.
    let spread = ((central / variance.powi(2) - 1.0) / all).sqrt().hypot(2.0 * (relative / all).sqrt());
    Ok([
        ("electrons an avalanche", is(mean, (variance / all).sqrt())),
        ("empty avalanches", is(1.0 - filled, (filled * (1.0 - filled) / all).sqrt())),
        ("relative variance of their number", is(relative, relative * spread)),
    ])
}

/// What avalanches have that were composed of the full recorded responses; these sets do not ship.
fn composed(detector: &str, what: &str) -> Option<Expected> {
    let [electrons, empty] = match detector {
        "triple_gem_1t" => [(1_055.0, 27.0), (0.290, 0.010)],
        "triple_gem_ar_co2" => [(1_146.0, 36.0), (0.225, 0.012)],
        _ => return None,
    };
    let (value, error) = match what {
        "electrons an avalanche" => electrons,
        "empty avalanches" => empty,
        _ => return None,
    };
    Some(Expected { value, error, from: "composed of recorded responses: docs/cascade.md".into() })
}

/// Models against what they were learned from, and the Monte Carlo against itself.
fn distances(program: &Program, classifiers: bool) -> Result<Vec<Figure>> {
    let [stages, clusters] = ["stages", "clusters"].map(|name| program.file(name));
    let [cascade, families, real, other] =
        ["cascade.npz", "clusters.npz", "real.npz", "other.npz"].map(|name| program.file(name));
    let simulate = |seed, out| {
        program.json(&[
            "simulate",
            "--detector",
            "microscopic_275",
            "--events",
            COMPARED,
            "--seed",
            seed,
            "--out",
            out,
        ])
    };
    simulate("11", &real)?;
    simulate("12", &other)?;
    let train = |config, data, run| program.json(&["train", config, "--data", data, "--run", run]);
    train("configs/cascade-stages.toml", "data/single_foils.npz", &stages)?;
    train("configs/clusters.toml", &other, &clusters)?;
    let generate = |run, out| {
        program.json(&["generate", "--run", run, "--events", COMPARED, "--seed", "13", "--out", out])
    };
    generate(&stages, &cascade)?;
    generate(&clusters, &families)?;
    let mut figures = Vec::new();
    for (name, real, generated, judged) in [
        ("cascade to recorded avalanches", "data/avalanches.npz", &cascade, true),
        ("clusters to the Monte Carlo", &*real, &families, true),
        ("the Monte Carlo to itself", &*real, &other, false),
    ] {
        let out = program.file(&name.replace(' ', "-"));
        let check = ["check", "--real", real, "--generated", generated, "--out", &out];
        let quick: &[&str] = if classifiers && judged { &[] } else { &["--no-classifiers"] };
        let (report, shown) = program.json(&[&check, quick].concat())?;
        figures.extend(of_report(name, &report, &shown));
    }
    Ok(figures)
}

/// The figures of a report, each beside its floor.
fn of_report(name: &str, report: &Value, command: &str) -> Vec<Figure> {
    let figure = |what: String, value: f64, error: f64, floor: Option<f64>| Figure {
        name: format!("distance, {name}: {what}"),
        value,
        error,
        unit: String::new(),
        command: command.into(),
        expected: floor.map(|value| Expected { value, error: 0.0, from: "floor of real halves".into() }),
    };
    let mut figures = Vec::new();
    for observable in OBSERVABLES {
        for (key, title) in [("w1_over_sigma", "W1/σ"), ("ks", "KS")] {
            let found = &report["observables"][observable][key];
            let [low, high] = [0, 1].map(|k| number(&found["interval"][k]));
            let (Some(value), Some(low), Some(high)) = (number(&found["value"]), low, high) else { continue };
            let what = format!("{title} of {observable}");
            figures.push(figure(what, value, 0.5 * (high - low), number(&found["floor"])));
        }
    }
    // The farthest of all observables, in floors: the error is that of its distance.
    let all = report["observables"].as_object().into_iter().flatten();
    let in_floors = all.filter_map(|(_, of)| {
        let distance = &of["w1_over_sigma"];
        let floor = number(&distance["floor"]).filter(|floor| *floor > 0.0)?;
        let width = number(&distance["interval"][1])? - number(&distance["interval"][0])?;
        Some((number(&distance["value"])? / floor, 0.5 * width / floor))
    });
    if let Some((value, error)) = in_floors.max_by(|a, b| a.0.total_cmp(&b.0)) {
        figures.push(figure("largest W1/σ over its floor".into(), value, error, None));
    }
    let scores = [
        ("AUC of trees on observables", &report["c2st"]["auc"]),
        ("AUC of a network on observables", &report["c2st"]["auc_network"]),
        ("AUC of convolutions on cells", &report["c2st"]["auc_low_level"]),
        ("AUC of trees on cells", &report["c2st"]["auc_cells_trees"]),
        ("FPD", &report["fpd"]),
        ("coverage", &report["coverage"]),
    ];
    for (title, score) in scores {
        if let (Some(value), Some(error)) = (number(&score["value"]), number(&score["error"])) {
            figures.push(figure(title.into(), value, error, number(&score["floor"])));
        }
    }
    figures
}

/// Speeds, each over the matrix product of the same run, so that they can be compared between machines.
fn speeds(program: &Program) -> Result<Vec<Figure>> {
    let (bench, command) = program.json(&["bench"])?;
    let product = spread(&bench["matrix_product_gflops"]).context("the bench has no matrix product")?;
    let measurements = bench["measurements"].as_array().context("the bench measured nothing")?;
    let figure = |of: &Value| {
        let what = format!("speed, {}: {}", of["part"].as_str()?, of["what"].as_str()?);
        let (unit, speed) = match spread(&of["gflops"]) {
            Some(speed) => ("of the matrix product".into(), speed),
            None => (format!("{} a GFLOP", of["unit"].as_str()?), spread(&of["per_second"])?),
        };
        let value = speed.0 / product.0;
        let error = value * speed.1.hypot(product.1).max(SPEED_VARIES);
        Some(Figure { name: what, value, error, unit, command: command.clone(), expected: None })
    };
    Ok(measurements.iter().filter_map(figure).collect())
}

/// The median of rounds, and half of how far they are apart, relative to it.
fn spread(rounds: &Value) -> Option<(f64, f64)> {
    let [median, least, most] = ["median", "least", "most"].map(|key| number(&rounds[key]));
    let median = median.filter(|median| *median > 0.0)?;
    Some((median, 0.5 * (most? - least?) / median))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_read_from_what_the_program_prints() {
        let inspected = json!({
            "gain": { "effective": { "value": 1454.0, "error": 72.0 }, "empty": { "value": 0.2, "error": null } },
            "observables": [{ "name": "rms_x", "unit": "mm", "mean": 0.27, "std": 0.04, "avalanches": 400 },
                            { "name": "rms_t", "unit": "ns", "mean": null, "std": null, "avalanches": 1 }],
        });
        let found = of_avalanches("d", &inspected, "townsend inspect d.npz");
        let told: Vec<_> =
            found.iter().map(|f| (f.name.as_str(), f.value, f.error, f.unit.as_str())).collect();
        assert_eq!(
            told,
            [
                ("physics, d: electrons an avalanche", 1454.0, 72.0, ""),
                ("physics, d: width in x", 0.27, 0.002, "mm")
            ]
        );

        let distance =
            |value: f64| json!({ "value": value, "floor": 0.02, "interval": [value - 0.01, value + 0.01] });
        let report = json!({
            "observables": { "rms_x": { "w1_over_sigma": distance(0.03), "ks": distance(0.05) },
                             "skew_x": { "w1_over_sigma": distance(0.08) } },
            "c2st": { "auc": { "value": 0.51, "error": 0.01, "floor": 0.5 } },
        });
        let found = of_report("m", &report, "townsend check");
        let told: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.value)).collect();
        assert_eq!(
            told,
            [
                ("distance, m: W1/σ of rms_x", 0.03),
                ("distance, m: KS of rms_x", 0.05),
                ("distance, m: largest W1/σ over its floor", 4.0),
                ("distance, m: AUC of trees on observables", 0.51)
            ]
        );
        assert!((found[0].error - 0.01).abs() < 1e-12);
        assert_eq!(found[3].expected.as_ref().map(|floor| floor.value), Some(0.5));
    }

    #[test]
    fn speeds_are_ratios() {
        let rounds = |median: f64, half: f64| json!({ "median": median, "least": median - half, "most": median + half });
        let (median, relative) = spread(&rounds(80.0, 8.0)).unwrap();
        assert!((median - 80.0).abs() < 1e-12 && (relative - 0.1).abs() < 1e-12);
        assert_eq!(spread(&json!({ "median": 0.0, "least": 0.0, "most": 0.0 })), None);
        assert_eq!(spread(&json!(null)), None);
    }

    /// Mean 5,956 and standard deviation 5,117 of 4,301 sizes.
    #[test]
    fn what_was_published_is_read() {
        let [electrons, empty, relative] = published().unwrap().map(|(_, expected)| expected);
        assert!((empty.value - 0.1398).abs() < 1e-9, "{empty:?}");
        assert!((electrons.value / (0.8602 * 5_956.0) - 1.0).abs() < 0.01, "{electrons:?}");
        let with_empty = (1.0 + (5_117.0_f64 / 5_956.0).powi(2)) / 0.8602 - 1.0;
        assert!((relative.value / with_empty - 1.0).abs() < 0.02 && relative.error < 0.1, "{relative:?}");
    }
}
