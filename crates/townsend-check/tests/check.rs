//! The whole check, on synthetic avalanches.

#![allow(clippy::float_cmp, reason = "tests mean exactly what they say")]

mod common;

use common::{avalanches, file};
use townsend_check::{Check, CheckError, CheckOptions, Form, Report, check};
use townsend_core::{Axis, CountSet, Dataset, ElectronSet, Grid, Work};
use townsend_observables::Observable;

fn checked(real: &Dataset, generated: &Dataset) -> Result<Check, CheckError> {
    check(
        real,
        generated,
        file("real.npz"),
        file("generated.root"),
        &CheckOptions::default(),
        Work::default(),
    )
}

/// The check without classifiers, which take most of the time.
fn compared(real: &Dataset, generated: &Dataset) -> Result<Check, CheckError> {
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    check(real, generated, file("real.npz"), file("generated.root"), &options, Work::default())
}

fn counted(data: &Dataset, dims: usize) -> Dataset {
    data.to_counts(&Grid::standard(dims).unwrap()).unwrap().into()
}

fn error(real: &Dataset, generated: &Dataset) -> String {
    checked(real, generated).unwrap_err().to_string()
}

/// In two dimensions: the network of convolutions on cells takes a tenth of the time that it takes in three.
fn flat(data: &Dataset) -> Dataset {
    counted(data, 2)
}

#[test]
fn two_sets_of_one_source_are_at_the_floor_and_a_wider_one_is_not() {
    let (real, same, wide) =
        (avalanches(400, 150.0, 0.3, 1), avalanches(400, 150.0, 0.3, 2), avalanches(400, 150.0, 0.36, 3));
    let report = compared(&real, &same).unwrap().report;
    for (observable, comparison) in report.comparisons() {
        let w1 = comparison.w1_over_sigma.unwrap();
        assert!(w1.value < 4.0 * w1.floor + 1e-12, "{}: {w1:?}", observable.name());
    }
    assert_eq!(report.observables.len(), Observable::ALL.len());
    let auc = checked(&flat(&real), &flat(&same)).unwrap().report.c2st.unwrap().auc;
    assert!((auc.value - 0.5).abs() < 4.0 * auc.error.unwrap(), "{auc:?}");
    let report = compared(&real, &wide).unwrap().report;
    let rms = &report.observables["rms_x"];
    assert!(rms.w1_over_sigma.unwrap().value > 10.0 * rms.w1_over_sigma.unwrap().floor);
    assert!(rms.ks.p_value.unwrap() < 1e-6);
    let report = checked(&flat(&real), &flat(&wide)).unwrap().report;
    let (auc, fpd) = (report.c2st.unwrap().auc, report.fpd.unwrap());
    assert!(auc.value > 0.7 && fpd.value > 2.0 * fpd.floor, "{auc:?} {fpd:?}");
}

#[test]
fn a_report_survives_json() {
    let (real, generated) = (flat(&avalanches(160, 60.0, 0.3, 1)), flat(&avalanches(120, 60.0, 0.3, 2)));
    let report = checked(&real, &generated).unwrap().report;
    let json = report.to_json().unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    assert!(!json.contains("null"), "what is not there is left out");
}

#[test]
fn neither_threads_nor_a_second_run_change_a_byte() {
    let (real, generated) = (flat(&avalanches(150, 300.0, 0.3, 1)), flat(&avalanches(150, 300.0, 0.3, 2)));
    let in_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let check = pool.install(|| checked(&real, &generated).unwrap());
        check.report.to_json().unwrap()
    };
    assert!(in_threads(1) == in_threads(3));
}

#[test]
fn electrons_are_counted_where_the_other_set_is_counts() {
    let (real, generated) = (avalanches(120, 100.0, 0.3, 1), avalanches(120, 100.0, 0.3, 2));
    let mixed = compared(&real, &counted(&generated, 2)).unwrap().report;
    assert_eq!(mixed.compared.form, Form::Counts);
    assert!(mixed.compared.note.contains("real electrons were counted"), "{}", mixed.compared.note);
    let counts = compared(&counted(&real, 2), &counted(&generated, 2)).unwrap().report;
    assert_eq!(mixed.observables, counts.observables);
    assert!(!mixed.observables.contains_key("rms_t"));
    let absent = "no mean_t, rms_t, cov_xt, cov_zt, skew_t, kurt_t: needs x, z and t; the counts have 2";
    assert!(mixed.warnings.iter().any(|w| w.starts_with(absent)), "{:?}", mixed.warnings);
    // 3D and 2D counts are compared on the axes that both have.
    let projected = compared(&counted(&real, 3), &counted(&generated, 2)).unwrap().report;
    assert_eq!(projected.observables, counts.observables);
    // The shape of binned electrons is that of the electrons.
    let electrons = compared(&real, &generated).unwrap().report;
    for name in ["mean_x", "rms_x", "rms_z", "cov_xz", "r90", "pair_distance", "lumpiness"] {
        let (a, b) = (electrons.observables[name].real, counts.observables[name].real);
        assert!((a.mean - b.mean).abs() < 0.02 * b.std, "{name}: {a:?} {b:?}");
    }
}

#[test]
fn one_axis_is_enough_for_a_check() {
    let report =
        checked(&counted(&avalanches(120, 50.0, 0.3, 1), 1), &counted(&avalanches(120, 50.0, 0.3, 2), 1))
            .unwrap();
    let names: Vec<&str> = report.report.comparisons().map(|(o, _)| o.name()).collect();
    assert_eq!(names, ["n_electrons", "empty", "mean_x", "rms_x", "skew_x", "kurt_x", "n_cells", "max_cell"]);
    assert_eq!(report.report.legacy.keys().collect::<Vec<_>>(), ["sum", "z_mean", "z_std"]);
}

#[test]
fn what_cannot_be_compared_is_an_error_that_says_why() {
    let good = avalanches(100, 50.0, 0.3, 1);
    let none = Dataset::from(ElectronSet::default());
    assert_eq!(error(&none, &good), "real.npz: no avalanches; there is nothing to compare");
    let mut empty = ElectronSet::default();
    (0..50).for_each(|_| empty.push(&[], &[], &[]));
    let text = error(&good, &empty.into());
    assert!(text.starts_with("generated.root: 0 of 50 avalanches hold an electron"), "{text}");
    assert!(error(&good, &avalanches(9, 50.0, 0.3, 1)).contains("8 of 9 avalanches"));
    let grid = Grid::new(vec![Axis::uniform(60, -1.5, 1.5).unwrap()]).unwrap();
    let other = Dataset::from(good.to_counts(&grid).unwrap());
    let text = error(&counted(&good, 1), &other);
    assert!(
        text.contains("grids that differ: real.npz on [x: 90 bins") && text.contains("60 bins"),
        "{text}"
    );
    let mut centimetres = good.clone();
    centimetres.meta_mut().units[0] = "cm".into();
    assert!(error(&good, &centimetres).contains("generated.root in cm, mm, ns"));
}

#[test]
fn what_a_reader_must_know_is_a_warning() {
    let real = avalanches(100, 50.0, 0.3, 1);
    let same =
        check(&real, &real, file("a"), file("b"), &CheckOptions::default(), Work::default()).unwrap().report;
    assert!(same.warnings[0].contains("are the same"), "{:?}", same.warnings);
    assert_eq!(same.observables["rms_x"].ks.value, 0.0);
    // Far outside the grid, and with no real spread in the number of electrons.
    let mut moved = ElectronSet::default();
    (0..40).for_each(|k| moved.push(&[9.0 + 0.01 * k as f32; 6], &[0.0; 6], &[170.0; 6]));
    let mut single = ElectronSet::default();
    (0..40).for_each(|k| single.push(&[0.01 * k as f32; 5], &[0.0; 5], &[170.0; 5]));
    let report = checked(&single.into(), &moved.into()).unwrap().report;
    let said = report.warnings.join("\n");
    assert!(said.contains("240 of the generated electrons (100%) lie outside the grid"), "{said}");
    assert!(said.contains("no W1/σ of n_electrons: all real values are 5"), "{said}");
    assert!(said.contains("no skew_x: fewer than 10 avalanches"), "{said}");
    let excess = report.exceeds("w1_over_sigma.n_electrons", 1e9).unwrap();
    assert_eq!((excess.len(), excess[0].value), (1, None));
}

#[test]
fn a_gate_names_its_metrics() {
    let (real, generated) = (flat(&avalanches(150, 80.0, 0.3, 1)), flat(&avalanches(150, 80.0, 0.5, 2)));
    let report = checked(&real, &generated).unwrap().report;
    let names = |metric: &str, limit: f64| -> Vec<String> {
        report.exceeds(metric, limit).unwrap().into_iter().map(|excess| excess.metric).collect()
    };
    let rms = report.observables["rms_x"].w1_over_sigma.unwrap().value;
    assert_eq!(names("w1_over_sigma.rms_x", 0.9 * rms), ["w1_over_sigma.rms_x"]);
    assert_eq!(names("w1_over_sigma.rms_x", rms), [""; 0]);
    assert!(
        names("ks", 0.5).contains(&"ks.rms_x".to_string())
            && !names("ks", 0.5).contains(&"ks.rms_z".to_string())
    );
    assert_eq!(names("empty", 0.0), [""; 0]);
    assert_eq!(names("c2st.auc", 0.6), ["c2st.auc"]);
    assert_eq!(names("fpd", 0.0), ["fpd"]);
    let unknown = report.exceeds("rms_x", 0.1).unwrap_err().to_string();
    assert!(
        unknown.contains("no metric `rms_x`") && unknown.contains("ks.rms_x") && unknown.contains("empty")
    );
    for better_if_more in ["precision", "coverage", "c2st"] {
        assert!(report.exceeds(better_if_more, 0.0).is_err());
    }
    let excess = &report.exceeds("ks.rms_x", 0.1).unwrap()[0];
    assert!(excess.to_string().starts_with("ks.rms_x = ") && excess.to_string().ends_with(" > 0.1"));
}

/// Impossibly large numbers of electrons in a histogram are treated as numbers.
#[test]
fn enormous_counts_are_no_trouble() {
    let grid = Grid::standard(2).unwrap();
    let mut set = CountSet::new(grid.clone());
    for k in 0..40 {
        set.push([(grid.join([40 + k % 7, 45, 0]), u32::MAX), (grid.join([50, 60, 0]), 3 + k)]);
    }
    let data = Dataset::from(set);
    let report = checked(&data, &data).unwrap().report;
    assert!(report.observables["n_electrons"].real.mean > 4e9);
}

/// Sets so degenerate that means, spreads, correlations or scores are undefined: nothing of that is told as a
/// number.
#[test]
fn no_set_makes_nan_in_a_verdict() {
    let set = |avalanche: &dyn Fn(u16) -> Vec<[f32; 3]>| -> Dataset {
        let mut set = ElectronSet::default();
        for k in 0..120 {
            let of = |d: usize| avalanche(k).iter().map(|p| p[d]).collect::<Vec<f32>>();
            set.push(&of(0), &of(1), &of(2));
        }
        set.into()
    };
    let wide =
        |k: u16| (0..9u16).map(|n| [f32::from(k * n % 7), f32::from(k * n % 5), f32::from(n)]).collect();
    let sets = [
        set(&|_| vec![[0.0; 3]]),
        set(&|_| vec![[0.0, 0.0, 170.0]; 40]),
        set(&|k| vec![[0.0, 0.0, f32::from(k)]; 2]),
        set(&|k| if k % 2 == 0 { Vec::new() } else { vec![[1e30, -1e30, 1e30], [-1e30, 1e30, 0.0]] }),
        set(&|k| (0..8u16).map(|n| [f32::from(n), f32::from(n), f32::from(k)]).collect()),
        set(&wide),
        counted(&set(&wide), 2),
    ];
    let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
    for (a, real) in sets.iter().enumerate() {
        for (b, generated) in sets.iter().enumerate() {
            let report =
                check(real, generated, file("real.npz"), file("generated.root"), &options, Work::default())
                    .unwrap()
                    .report;
            let json = report.to_json().unwrap();
            assert!(
                !json.contains("null"),
                "{a} {b}: {}",
                json.split("null").next().unwrap().rsplit('{').next().unwrap()
            );
            for text in [report.table(), report.lights()] {
                let mut words = text.split(|c: char| !c.is_alphanumeric());
                assert!(words.all(|word| word != "NaN" && word != "inf"), "{a} {b}: {text}");
            }
        }
    }
}
