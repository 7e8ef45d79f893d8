//! `contrib/garfield`: what its header records of Garfield++'s avalanches is what NumPy and townsend read.
//! It is compiled against stand-ins for the few classes of Garfield++ that it uses.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rand::RngExt;
use tempfile::TempDir;
use townsend_cascade::{Responses, read_responses};
use townsend_core::{Dataset, Purpose, Silent, stream};
use townsend_io::{ReadOptions, read};

/// A file of this project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The C++ compilers of this machine.
fn compilers() -> Vec<String> {
    let named = std::env::var("CXX").into_iter();
    let all: Vec<String> = named.chain(["g++", "clang++"].map(String::from)).collect();
    let there = |name: &String| Command::new(name).arg("--version").output().is_ok();
    let found: Vec<String> = all.into_iter().filter(there).collect();
    assert!(!found.is_empty(), "needs a C++ compiler (Debian: apt-get install g++), or its name in CXX");
    found
}

/// Compiles a program of `contrib/garfield` into `folder`.
fn compile(compiler: &str, source: &str, macros: &[&str], folder: &TempDir) -> PathBuf {
    let program = folder.path().join("program");
    let Output { status, stderr, .. } = Command::new(compiler)
        .args(["-std=c++17", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"])
        .args(macros)
        .arg("-I")
        .arg(project("contrib/garfield"))
        .arg("-isystem")
        .arg(project("contrib/garfield/tests/stub"))
        .arg(project("contrib/garfield").join(source))
        .arg("-o")
        .arg(&program)
        .output()
        .expect("the compiler starts");
    assert!(status.success(), "{compiler} {source}: {}", String::from_utf8_lossy(&stderr));
    program
}

/// Runs a program; whether it succeeded, and what it complained of.
fn run(program: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).output().expect("the program starts");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// An electron of an avalanche: where and when it ends, in cm and ns, and Garfield++'s status.
struct End {
    place: [f64; 3],
    t: f64,
    status: i32,
}

impl End {
    /// True if it ends on the plane z = −0.2 cm, to a micrometre, and is not attached there.
    fn arrives(&self) -> bool {
        (self.place[2] + 0.2).abs() <= 1e-4 && self.status != -7
    }
}

/// A primary electron and its avalanche.
struct Event {
    start: [f64; 4],
    ends: Vec<End>,
}

/// A number between `low` and `high` of few digits, as programs print them.
fn number(random: &mut impl RngExt, low: f64, high: f64) -> f64 {
    ((low + (high - low) * random.random::<f64>()) * 1e6).round() / 1e6
}

/// Made-up avalanches, one in four of them empty. Three electrons that do not arrive leave the area at a
/// side, and two are not followed to their end.
fn events() -> Vec<Event> {
    let mut random = stream(1, Purpose::new("garfield"), 0);
    let random = &mut random;
    let mut events = Vec::new();
    for k in 0..24 {
        let start =
            [number(random, -0.01, 0.01), number(random, -0.01, 0.01), 0.3, number(random, 0.0, 50.0)];
        let (x, y, t) = (start[0], start[1], start[3]);
        // Whatever the avalanche, some end on a foil, are attached, or leave at the top.
        let mut ends = vec![
            End { place: [x, y, 0.1025], t: t + 9.0, status: -5 },
            End { place: [x, y, 0.31], t: t + 2.0, status: -1 },
            End { place: [x, y, -0.2], t: t + 60.0, status: -7 },
        ];
        for i in 0..if k % 4 == 1 { 0 } else { 1 + 3 * (k % 5) } {
            let place = [
                x + number(random, -0.1, 0.1),
                y + number(random, -0.1, 0.1),
                -0.2 + number(random, -5e-5, 5e-5),
            ];
            let status = [-1, -5, -11][i % 3];
            ends.push(End { place, t: t + number(random, 150.0, 200.0), status });
        }
        if k < 3 {
            ends.push(End { place: [0.9, y, 0.05], t: t + 70.0, status: -1 });
        }
        if k < 2 {
            ends.push(End { place: [x, y, 0.0], t: t + 70.0, status: -17 });
        }
        events.push(Event { start, ends });
    }
    events
}

/// The input of `tests/record.cc`.
fn input(events: &[Event], folder: &TempDir) -> String {
    let mut text = String::new();
    for Event { start: [x, y, z, t], ends } in events {
        writeln!(text, "start {x} {y} {z} {t}").unwrap();
        for End { place: [x, y, z], t, status } in ends {
            writeln!(text, "end {x} {y} {z} {t} {status}").unwrap();
        }
    }
    let path = folder.path().join("input.txt");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// What the arrays of a record should hold: offsets, x, z, t, and the starts in µm.
fn arrays(events: &[Event]) -> ([Vec<f32>; 4], Vec<u64>) {
    let (mut columns, mut offsets) = ([const { Vec::new() }; 4], vec![0]);
    for Event { start, ends } in events {
        for end in ends.iter().filter(|end| end.arrives()) {
            columns[0].push((10.0 * (end.place[0] - start[0])) as f32);
            columns[1].push((10.0 * (end.place[1] - start[1])) as f32);
            columns[2].push((end.t - start[3]) as f32);
        }
        offsets.push(columns[0].len() as u64);
        columns[3].extend([(1e4 * start[0]) as f32, (1e4 * start[1]) as f32]);
    }
    (columns, offsets)
}

/// A line of what `compare_npz.py` expects.
fn line<T: std::fmt::Display>(name: &str, kind: &str, shape: &str, values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(T::to_string).collect();
    format!("{name} {kind} {shape} {}\n", values.join(" "))
}

/// What `tests/record.cc` says of its avalanches.
const META: &str = r#"{ "townsend": { "units": ["mm", "mm", "ns"], "provenance": {
    "producer": "Garfield++", "action": "record", "source": "made up \\ µ �", "gas": "Ar/CO2 70/30, \"test\", 20 °C",
    "setting": { "start": "anywhere",
                 "conditions": { "voltage_v": [275.0, 280.5], "field_kv_cm": [1.5, 3.0, 5.0] } } } } }"#;

/// Runs a Python script, which must succeed, and gives back what it prints.
fn python(script: &Path, arguments: &[&Path]) -> String {
    let made = project("target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python test environment: run `cargo xtask test` once, which makes it under target/python, \
         or set TOWNSEND_PYTHON"
    );
    let output = Command::new(python).arg(script).args(arguments).output().expect("Python starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", script.display());
    String::from_utf8(output.stdout).expect("Python prints UTF-8")
}

/// Asks NumPy whether a file holds what is expected.
fn numpy_agrees(file: &Path, expected: &str) {
    let [lines, meta] = ["expected", "meta.json"].map(|ending| file.with_extension(ending));
    std::fs::write(&lines, expected).unwrap();
    std::fs::write(&meta, META).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/compare_npz.py");
    python(&script, &[file, &lines, &meta]);
}

/// The avalanches of a file are those of the events.
fn avalanches_are(events: &[Event], file: &Path) {
    let ([x, z, t, start], offsets) = arrays(events);
    let n = x.len().to_string();
    let expected = [
        line("offsets", "<i8", &offsets.len().to_string(), &offsets),
        line("x", "<f4", &n, &x),
        line("z", "<f4", &n, &z),
        line("t", "<f4", &n, &t),
        line("start_um", "<f4", &format!("{},2", events.len()), &start),
    ];
    numpy_agrees(file, &expected.concat());
    let loaded = read(file, &ReadOptions::default(), &Silent).unwrap();
    let Dataset::Electrons(set) = loaded.data else { panic!("{}", loaded.layout) };
    assert_eq!((set.meta.units.join(" "), &*set.meta.provenance.producer), ("mm mm ns".into(), "Garfield++"));
    assert_eq!(set.len(), events.len());
    for (k, range) in offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize).enumerate() {
        let avalanche = set.get(k);
        assert_eq!(
            (avalanche.x, avalanche.z, avalanche.t),
            (&x[range.clone()], &z[range.clone()], &t[range])
        );
    }
}

/// The responses of a file are those of the events, of which every third is one of foil `b`. A hole is at
/// (30, −10) µm, and rows of holes are along y, so that y is townsend's x.
fn responses_are(events: &[Event], file: &Path) {
    let um = |cm: f64| f64::from((1e4 * cm) as f32);
    let mut expected = String::new();
    for (foil, of_b) in [("a", false), ("b", true)] {
        let (mut starts, mut offsets, mut children) = (Vec::new(), vec![0], Vec::new());
        let (mut start_rows, mut electron_rows) = (Vec::new(), Vec::new());
        let of_foil = events.iter().enumerate().filter(|(k, _)| (k % 3 == 2) == of_b);
        for (number, (_, Event { start, ends })) in of_foil.enumerate() {
            let from = [um(start[1] + 0.001), um(start[0] - 0.003)];
            start_rows.extend([number as f64, from[0], from[1]]);
            for end in ends.iter().filter(|end| end.arrives()) {
                let child = [
                    um(end.place[1] + 0.001),
                    um(end.place[0] - 0.003),
                    f64::from((end.t - start[3]) as f32),
                ];
                electron_rows.extend([number as f64, from[0], from[1], um(start[2])]);
                electron_rows.extend([child[0], child[1], um(-0.2), child[2]]);
                children.push(child);
            }
            starts.push(from);
            offsets.push(children.len());
        }
        let shapes = [format!("{},3", starts.len()), format!("{},8", children.len())];
        expected += &line(&format!("{foil}_start"), "<f4", &shapes[0], &start_rows);
        expected += &line(&format!("{foil}_electrons"), "<f4", &shapes[1], &electron_rows);
        let wanted = Responses::new(starts, offsets, children).unwrap();
        assert_eq!(read_responses(&[file], foil).unwrap(), wanted, "{foil}");
    }
    numpy_agrees(file, &expected);
}

/// Names of the files in a folder, in order.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_the_header_records_is_what_is_read() {
    let events = events();
    for compiler in compilers() {
        // Newer versions of Garfield++ have `GetElectrons()`, older ones only `GetElectronEndpoint(...)`.
        for macros in [&[][..], &["-DGARFIELD_WITHOUT_GET_ELECTRONS"]] {
            let (folder, out) = (TempDir::new().unwrap(), TempDir::new().unwrap());
            let record = compile(&compiler, "tests/record.cc", macros, &folder);
            let input = input(&events, &folder);
            let (done, said) = run(&record, &[&input, &out.path().display().to_string(), "good"]);
            assert!(done, "{said}");
            assert!(said.contains("3 electrons left the sensor's area at its sides"), "{said}");
            assert!(said.contains("2 electrons were not followed to their end (status -17"), "{said}");
            assert_eq!(files(out.path()), ["along_y.npz", "avalanches.npz", "mc.npz", "responses.npz"]);
            for name in ["avalanches.npz", "along_y.npz", "mc.npz"] {
                avalanches_are(&events, &out.path().join(name));
            }
            responses_are(&events, &out.path().join("responses.npz"));
        }
    }
}

#[test]
fn mistakes_are_refused_and_leave_no_file() {
    let (folder, events) = (TempDir::new().unwrap(), events());
    let record = compile(&compilers()[0], "tests/record.cc", &[], &folder);
    let input = input(&events, &folder);
    for (case, complaint) in [
        ("weight", "an electron stands for 7 electrons"),
        ("nothing", "was not tracked\n  hint: start it in the gas"),
        ("beyond", "an electron ends at z = -0.25 cm, beyond the plane at -0.2 cm"),
        ("nan", "an electron ends at no number"),
        ("limit", "was cut at the largest size"),
        ("on-the-plane", "starts on the plane where electrons are recorded, at -0.2 cm"),
        ("axis", "the axis of drift is `w`"),
        ("pitch", "the pitch of the holes is 0 cm"),
        ("name", "`a/b` cannot be the name of a foil"),
        ("folder", "none/a.npz.part-"),
    ] {
        let out = TempDir::new().unwrap();
        let (done, said) = run(&record, &[&input, &out.path().display().to_string(), case]);
        assert!(!done && said.contains(complaint) && said.contains("hint: "), "{case}: {said}");
        assert!(files(out.path()).is_empty(), "{case}: {:?}", files(out.path()));
    }
    let out = TempDir::new().unwrap();
    let (done, said) = run(&record, &[&input, &out.path().display().to_string(), "exists"]);
    assert!(!done && said.contains("exists.npz: exists already"), "{said}");
    assert_eq!(std::fs::read_to_string(out.path().join("exists.npz")).unwrap(), "precious");
    let (done, said) = run(&record, &[&input, &out.path().display().to_string(), "unwritten"]);
    assert!(done && said.contains("1 records are not in the file: call Write()"), "{said}");
    assert_eq!(files(out.path()), ["exists.npz"]);
}

/// The example compiles without a warning, and what it writes is read.
#[test]
fn the_example_records_avalanches_and_responses() {
    for compiler in compilers() {
        let folder = TempDir::new().unwrap();
        let gem = compile(&compiler, "gem.cc", &[], &folder);
        let file = |name: &str| folder.path().join(name);
        for (what, name) in [("avalanches", "avalanches.npz"), ("responses", "responses.npz")] {
            let (done, said) = run(&gem, &[what, "250", &file(name).display().to_string()]);
            assert!(done && said.is_empty(), "{said}");
        }
        let loaded = read(file("avalanches.npz"), &ReadOptions::default(), &Silent).unwrap();
        assert_eq!(loaded.data.len(), 250);
        let responses = read_responses(&[file("responses.npz")], "gem").unwrap();
        let numbers = responses.numbers();
        assert_eq!(numbers.len(), 250);
        assert!(numbers.contains(&0.0) && numbers.iter().sum::<f64>() > 250.0);
        // The responses of two jobs are read together, with a file among theirs that holds none.
        assert!(run(&gem, &["responses", "40", &file("more.npz").display().to_string()]).0);
        let more = read_responses(&[file("more.npz")], "gem").unwrap().numbers();
        let jobs = ["responses.npz", "avalanches.npz", "more.npz"].map(file);
        assert_eq!(read_responses(&jobs, "gem").unwrap().numbers(), [numbers, more].concat());
        let error = read_responses(&jobs, "foil").unwrap_err().to_string();
        assert!(error.contains("no responses are called `foil`") && error.contains("more.npz"), "{error}");
        let (done, said) = run(&gem, &["responses", "0", "x.npz"]);
        assert!(!done && said.starts_with("usage: "), "{said}");
    }
}

/// The tables of `docs/garfield.md` are those that `data/how_many.py` prints.
#[test]
fn the_page_s_numbers_follow_from_the_data() {
    let said = python(&project("data/how_many.py"), &[]);
    let page = std::fs::read_to_string(project("docs/garfield.md")).unwrap();
    for table in said.split("\n\n") {
        assert!(page.contains(table.trim()), "docs/garfield.md has not\n{table}");
    }
}
