//! A desk to work at: a folder of its own in which the command runs, and what was there before and after.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use townsend_core::{Dataset, Silent};
use townsend_io::{AvalancheWriter, ReadOptions, WriteOptions};

/// The files that ship with the project.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name)
}

pub(crate) fn read(path: impl AsRef<Path>, dims: Option<usize>) -> Dataset {
    townsend_io::read(path.as_ref(), &ReadOptions { dims, ..ReadOptions::default() }, &Silent).unwrap().data
}

/// Writes avalanches as they are: electrons as electrons, counts as counts.
pub(crate) fn write(path: impl AsRef<Path>, data: &Dataset) {
    let options = WriteOptions { grid: data.grid().cloned(), ..WriteOptions::default() };
    let mut writer = AvalancheWriter::create(path.as_ref(), data.meta(), &options).unwrap();
    writer.append(data).unwrap();
    writer.finish().unwrap();
}

/// A finished process.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command prints UTF-8");
        let ran =
            Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
        assert!(!ran.stderr.contains("panicked") && !ran.stdout.contains("panicked"), "{}", ran.stderr);
        ran
    }
}

impl Ran {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A desk with copies of files and folders.
    pub(crate) fn with(things: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let desk = Self::new();
        for thing in things {
            let thing = thing.as_ref();
            copy(thing, &desk.path(thing.file_name().unwrap()));
        }
        desk
    }

    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(Path::new(name.as_ref()))
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// The command with arguments that hold no spaces, run in this folder.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("townsend"));
        command.args(arguments.split_whitespace()).current_dir(self.folder.path());
        command.env("COLUMNS", "100").env_remove("RUST_BACKTRACE");
        command
    }

    /// The same in a shell that first does something, such as lowering a limit.
    pub(crate) fn shell(&self, first: &str, arguments: &str, then: &str) -> Command {
        let binary = assert_cmd::cargo::cargo_bin!("townsend");
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{first} '{}' {arguments} {then}", binary.display())]);
        command.current_dir(self.folder.path());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Ran {
        end(self.command(arguments))
    }

    /// Runs what must succeed.
    pub(crate) fn does(&self, arguments: &str) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(0), "townsend {arguments}\n{}", ran.stderr);
        ran
    }

    /// Runs what must fail with one error, and leaves all files as they were. Returns the error; notes on
    /// what took more than a second, which may stand before it, are left out.
    pub(crate) fn fails(&self, code: i32, arguments: &str) -> String {
        let before = self.everything();
        let ran = self.run(arguments);
        assert_eq!(ran.code, Some(code), "townsend {arguments}\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "townsend {arguments}\n{}", ran.stderr);
        assert!(before == self.everything(), "townsend {arguments} changed files:\n{}", self.listing());
        ran.stderr[ran.stderr.find("error: ").unwrap()..].to_owned()
    }

    /// Every file below the folder with its contents, and every folder.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let contents = if path.is_dir() { None } else { Some(std::fs::read(&path).unwrap()) };
                if contents.is_none() {
                    folders.push(path.clone());
                }
                found.insert(path.strip_prefix(self.folder.path()).unwrap().to_owned(), contents);
            }
        }
        found
    }

    pub(crate) fn listing(&self) -> String {
        let names = self.everything().into_keys().map(|path| path.display().to_string());
        names.collect::<Vec<_>>().join("\n")
    }
}

/// Runs a line of bash, in which `$townsend` is the command.
pub(crate) fn bash(desk: &Desk, line: &str) -> Ran {
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(desk.path(""));
    command.env("townsend", assert_cmd::cargo::cargo_bin!("townsend")).env_remove("RUST_BACKTRACE");
    end(command)
}

/// Waits for the end of a process, but not for ever.
pub(crate) fn end(command: Command) -> Ran {
    end_within(command, Duration::from_mins(10))
}

/// Waits for the end of a process for so long.
pub(crate) fn end_within(command: Command, limit: Duration) -> Ran {
    let mut command = assert_cmd::Command::from_std(command);
    command.timeout(limit).output().unwrap().into()
}

/// Copies a file, or a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        std::fs::create_dir(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::copy(from, to).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    }
}

/// What a user sees when things go wrong, command by command, for a snapshot that people read.
#[derive(Default)]
pub(crate) struct Transcript(String);

impl Transcript {
    /// A command that fails and changes nothing.
    pub(crate) fn fails(&mut self, desk: &Desk, code: i32, arguments: &str) {
        let said = desk.fails(code, arguments);
        writeln!(self.0, "$ townsend {arguments}\n{said}[exit code {code}]\n").unwrap();
    }
}

impl std::fmt::Display for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Options that make a demo small.
pub(crate) const SMALL_DEMO: &str =
    "--set fit.avalanches=800 --set fit.steps=2 --set fit.approach=400 --set data.test=0.1";

/// The tiny configuration.
pub(crate) fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/tiny.toml")
}

/// `avalanches.root` (the first 300 that ship) and `run` (the tiny network trained on it), made once.
pub(crate) struct Trained {
    pub(crate) data: PathBuf,
    pub(crate) run: PathBuf,
}

pub(crate) static TRAINED: LazyLock<Trained> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("trained-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let data = folder.join("avalanches.root");
    let all = read(shipped("avalanches_2d.root"), None);
    write(&data, &all.select(&(0..300).collect::<Vec<_>>()));
    let desk = Desk::with([&data, &tiny()]);
    desk.does("train tiny.toml --data avalanches.root --run run --quiet");
    let run = folder.join("run");
    copy(&desk.path("run"), &run);
    Trained { data, run }
});

/// Waits until something is so; gives up after a minute.
pub(crate) fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so() {
        assert!(started.elapsed() < Duration::from_mins(1), "waited a minute: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asserts that avalanches, electrons in a file of the desk, are like the real ones that ship with the
/// project: no observable further than W1/σ = 0.15, and a classifier that hardly tells them apart.
pub(crate) fn assert_like_the_shipped(desk: &Desk, electrons: &str) {
    desk.does(&format!("convert {electrons} histograms.root --dims 2"));
    let report = desk
        .does(&format!(
            "check --real {} --generated histograms.root --out report --json --fail-above w1_over_sigma=0.15",
            shipped("avalanches_2d.root").display()
        ))
        .json();
    let auc = report["c2st"]["auc"]["value"].as_f64().unwrap();
    assert!(auc < 0.56, "{auc}");
}

/// The Python of the tests, with NumPy, uproot and others.
pub(crate) fn test_python() -> PathBuf {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let python = std::env::var_os("TOWNSEND_PYTHON").map_or(made, PathBuf::from);
    assert!(
        python.exists(),
        "needs the Python test environment: run `cargo xtask test` once, which makes it under target/python, \
         or set TOWNSEND_PYTHON"
    );
    python
}

/// Runs a script of `tests/cli/python` and gives back what it prints.
pub(crate) fn python(desk: &Desk, script: &str, arguments: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/python").join(script);
    let output = Command::new(test_python())
        .args(["-W", "ignore"])
        .arg(path)
        .args(arguments.split_whitespace())
        .current_dir(desk.folder.path())
        .output()
        .expect("Python starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{script} {arguments}: {stderr}");
    String::from_utf8(output.stdout).expect("Python prints UTF-8")
}
