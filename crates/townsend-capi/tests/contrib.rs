//! The doors of other programs over the C++ interface: Geant4, Garfield++, Gaudi. They are compiled against
//! stand-ins for these programs, linked with the library, and run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use townsend::{Dataset, Families, Setting, Silent};

/// A file of this project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The C++ compiler of this machine.
fn compiler() -> String {
    let named = std::env::var("CXX").into_iter();
    let there = |name: &String| Command::new(name).arg("--version").output().is_ok();
    let mut found = named.chain(["g++", "clang++"].map(String::from)).filter(there);
    found.next().expect("needs a C++ compiler (Debian: apt-get install g++), or its name in CXX")
}

/// A folder with the library, under the name that programs look for, and programs that were compiled there.
struct Programs(TempDir);

impl Programs {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // The library lies beside the test, whose crate it belongs to.
        let beside = std::env::current_exe().unwrap().with_file_name("libtownsend_capi.so");
        for name in ["libtownsend.so", "libtownsend.so.0"] {
            std::os::unix::fs::symlink(&beside, folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles a program of `contrib` against stand-ins in these folders.
    fn compile(&self, source: &str, stand_ins: &[PathBuf]) -> PathBuf {
        let program = self.path("program");
        let mut command = Command::new(compiler());
        command.args(["-std=c++17", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion"]);
        command.args(["-Werror", "-pthread"]);
        for folder in ["contrib/drift", "contrib/garfield", "contrib/geant4"] {
            command.arg("-I").arg(project(folder));
        }
        command.arg("-I").arg(project("crates/townsend-capi/include"));
        for folder in stand_ins {
            command.arg("-isystem").arg(folder);
        }
        command.arg(project("contrib").join(source)).arg("-o").arg(&program);
        command.arg("-L").arg(self.0.path()).arg("-ltownsend");
        command.arg(format!("-Wl,-rpath,{}", self.0.path().display()));
        let Output { status, stderr, .. } = command.output().expect("the compiler starts");
        assert!(status.success(), "{source}: {}", String::from_utf8_lossy(&stderr));
        program
    }
}

/// Runs a program, which must succeed, and gives back what it prints.
fn run(program: &Path, arguments: &[&Path], environment: &[(&str, &str)]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", program.display());
    String::from_utf8(output.stdout).expect("programs print UTF-8")
}

/// Every header of Geant4 that contrib/geant4 includes, as the one stand-in for all of them.
fn geant4(programs: &Programs) -> Vec<PathBuf> {
    let folder = programs.path("geant4");
    std::fs::create_dir(&folder).unwrap();
    for file in ["townsend_geant4.hh", "triple_gem.cc"] {
        let source = text(&format!("contrib/geant4/{file}"));
        let headers = source.lines().filter_map(|line| line.strip_prefix("#include <")?.strip_suffix(".hh>"));
        for header in headers {
            std::fs::write(folder.join(format!("{header}.hh")), "#include \"geant4.hh\"\n").unwrap();
        }
    }
    vec![folder, project("contrib/geant4/tests/stub")]
}

/// The strips of the CGEM without threshold and saturation, so that all charge is seen.
fn all_charge(programs: &Programs) -> PathBuf {
    let path = programs.path("strips.toml");
    let cgem = text("configs/detector/cgem.toml");
    let open = cgem
        .replace("threshold_fc = 3.0", "threshold_fc = 0.0")
        .replace("saturation_fc = 50.0", "saturation_fc = 1e9");
    assert!(open.contains("threshold_fc = 0.0") && open.contains("saturation_fc = 1e9"));
    std::fs::write(&path, open).unwrap();
    path
}

#[test]
fn electrons_are_freed_and_drift_by_their_laws() {
    let programs = Programs::new();
    run(&programs.compile("drift/tests/drift.cc", &[]), &[], &[]);
}

#[test]
fn steps_of_geant4_become_strip_hits() {
    let programs = Programs::new();
    let program = programs.compile("geant4/tests/steps.cc", &geant4(&programs));
    run(&program, &[&all_charge(&programs)], &[]);
}

/// The example prints the same hits of five events with any number of threads.
#[test]
fn the_example_for_geant4_does_not_depend_on_threads() {
    let programs = Programs::new();
    let program = programs.compile("geant4/triple_gem.cc", &geant4(&programs));
    let macro_file = project("contrib/geant4/triple_gem.mac");
    let hits = |threads| {
        let said = run(&program, &[&macro_file], &[("G4FORCENUMBEROFTHREADS", threads)]);
        // Threads print event by event, in any order.
        said.split("event ").skip(1).map(String::from).collect::<BTreeSet<_>>()
    };
    let one = hits("1");
    assert_eq!(one.len(), 5);
    // A track of 55 electrons: some 80 fC on 4 to 10 strips, of both views.
    for event in &one {
        let charges = event.lines().skip(1).map(|line| {
            let charge = line.split(": ").nth(1).and_then(|rest| rest.split(' ').next());
            charge.and_then(|charge| charge.parse::<f64>().ok()).expect(line)
        });
        let charge: f64 = charges.sum();
        assert!((10.0..400.0).contains(&charge) && event.contains(" X ") && event.contains(" V "), "{event}");
    }
    assert_eq!(one, hits("4"));
    // Against the real headers too, where there are any.
    if let Ok(flags) = Command::new("geant4-config").arg("--cflags").output() {
        let mut real = Command::new(compiler());
        real.args(["-std=c++17", "-fsyntax-only"])
            .args(String::from_utf8_lossy(&flags.stdout).split_whitespace());
        for folder in ["contrib/drift", "contrib/geant4", "crates/townsend-capi/include"] {
            real.arg("-I").arg(project(folder));
        }
        assert!(real.arg(project("contrib/geant4/triple_gem.cc")).status().unwrap().success());
    }
    let none = Command::new(&program).output().unwrap();
    assert!(!none.status.success());
    let wrong = Command::new(&program).arg(&macro_file).arg("no_such_model").output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(!wrong.status.success() && said.contains("no_such_model"), "{said}");
}

/// `AvalancheModel` has the calls of `AvalancheMicroscopic`, and what townsend.hh records of it is what the
/// model draws.
#[test]
fn garfield_programs_draw_avalanches_of_a_model() {
    let programs = Programs::new();
    let stub = project("contrib/garfield/tests/stub");
    let program = programs.compile("garfield/tests/avalanche.cc", &[stub]);
    let record = programs.path("record.npz");
    run(&program, &[&record, Path::new("cgem")], &[]);
    let recorded = townsend_io::read(&record, &townsend::ReadOptions::default(), &Silent);
    let Dataset::Electrons(recorded) = recorded.unwrap().data else { panic!("electrons were recorded") };
    let model = Families::shipped().open(Path::new("microscopic_275")).unwrap();
    let Dataset::Electrons(drawn) = model.generate(1, 0..60, &Setting::default()).unwrap() else {
        panic!("the model draws electrons")
    };
    assert_eq!((recorded.len(), recorded.offsets()), (60, drawn.offsets()));
    for k in 0..recorded.len() {
        let (recorded, drawn) = (recorded.get(k), drawn.get(k));
        for (one, other) in [(recorded.x, drawn.x), (recorded.z, drawn.z), (recorded.t, drawn.t)] {
            // Centimetres and back, as float32.
            assert!(one.iter().zip(other).all(|(a, b)| (a - b).abs() < 1e-4));
        }
    }
}

#[test]
fn a_gaudi_algorithm_digitises_a_layer() {
    let programs = Programs::new();
    let stub = project("contrib/gaudi/tests/stub");
    run(&programs.compile("gaudi/tests/digitise.cc", &[stub]), &[], &[]);
}

/// The lines of every block of C++ on the pages stand, in this order, in a file that is compiled above.
#[test]
fn what_the_pages_show_is_compiled() {
    let files = [
        "contrib/drift/tests/drift.cc",
        "contrib/geant4/townsend_geant4.hh",
        "contrib/geant4/triple_gem.cc",
        "contrib/geant4/tests/steps.cc",
        "contrib/garfield/tests/avalanche.cc",
        "contrib/gaudi/TownsendDigitiser.cc",
    ];
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.trim().to_owned());
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect()
    };
    let compiled: Vec<Vec<String>> = files.iter().map(|file| lines(&text(file))).collect();
    let garfield = text("docs/garfield.md");
    let (_, garfield) = garfield.split_once("## Avalanches of a model").expect("a part on avalanches");
    let mut blocks = 0;
    for page in [text("docs/geant4.md"), text("docs/gaudi.md"), garfield.to_owned()] {
        for block in page.split("```cpp\n").skip(1) {
            let wanted = lines(block.split("```").next().unwrap_or_default());
            let stands = compiled.iter().any(|file| {
                let mut file = file.iter();
                wanted.iter().all(|line| file.any(|other| other == line))
            });
            assert!(stands, "not in a file that is compiled:\n{}", wanted.join("\n"));
            blocks += 1;
        }
    }
    assert!(blocks >= 4, "{blocks} blocks");
}
