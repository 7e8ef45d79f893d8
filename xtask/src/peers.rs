//! This project's networks beside PyTorch and ONNX Runtime, in one run: measurements of all take turns, and
//! what is printed are medians.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::environment::{cargo, root, run, torch};

/// Rounds of all measurements, if not asked for otherwise.
const ROUNDS: usize = 5;
const PACKAGES: [&str; 2] = ["onnxruntime==1.32.0", "onnx==1.23.2"];

/// A process that measures on request.
struct Peer {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start(command: &mut Command) -> Result<Self> {
        let shown = format!("{command:?}").replace('"', "");
        let mut child = command
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start: {shown}"))?;
        let requests = child.stdin.take().context("a pipe was asked for")?;
        let answers = BufReader::new(child.stdout.take().context("a pipe was asked for")?);
        Ok(Self { child, requests, answers })
    }

    /// Wall and CPU milliseconds an avalanche, and the largest memory of the process so far in MB.
    fn ask(&mut self, request: &str) -> Result<[f64; 3]> {
        writeln!(self.requests, "{request}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let numbers: Vec<f64> = answer.split_whitespace().map_while(|word| word.parse().ok()).collect();
        match numbers[..] {
            [wall, cpu, memory] => Ok([wall, cpu, memory]),
            _ => bail!("the request `{request}` was answered with `{}`", answer.trim()),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends by itself when its input does; one that hangs must not stay.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Case {
    name: &'static str,
    /// What each peer is asked, but for the number of threads.
    request: &'static str,
    /// Asked of PyTorch and ONNX Runtime.
    peers: &'static [&'static str],
}

const CASES: [Case; 5] = [
    Case { name: "3D decoder, batch 1", request: "decoder 3 1", peers: &["torch", "onnx"] },
    Case { name: "3D decoder, batch 8", request: "decoder 3 8", peers: &["torch", "onnx"] },
    Case { name: "2D decoder, batch 50", request: "decoder 2 50", peers: &["torch", "onnx"] },
    Case { name: "3D training step, batch 8", request: "train 3 8", peers: &["torch"] },
    Case { name: "2D training step, batch 50", request: "train 2 50", peers: &["torch"] },
];

/// What is asked for on the command line.
#[derive(Debug, PartialEq)]
struct Options {
    isa: Option<String>,
    rounds: usize,
    /// A part of the names of the cases to measure.
    only: String,
}

impl Options {
    fn of(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self { isa: None, rounds: ROUNDS, only: String::new() };
        while let Some(word) = words.next() {
            let value = words.next();
            match (word.as_str(), value) {
                ("--isa", Some(isa)) => options.isa = Some(isa),
                ("--only", Some(part)) => options.only = part,
                ("--rounds", Some(rounds)) if rounds.parse().is_ok_and(|rounds: usize| rounds > 0) => {
                    options.rounds = rounds.parse()?;
                }
                _ => bail!(
                    "cargo xtask bench-peers [--isa avx2] [--rounds 15] [--only \"2D decoder\"]: `{word}` is not understood"
                ),
            }
        }
        Ok(options)
    }
}

/// Sets the peers up and prints the table. With `--isa avx2`, townsend and PyTorch are held to AVX2 on a
/// machine that has more; ONNX Runtime knows no such thing.
pub(crate) fn bench(words: impl Iterator<Item = String>) -> Result<()> {
    let options = Options::of(words)?;
    let python = torch()?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&python).args(install).args(PACKAGES))?;
    let example = ["build", "--release", "--package", "townsend-bench", "--example", "peer"];
    run(&mut cargo(&example))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), Into::into);
    let own = || {
        let mut command = Command::new(target.join("release/examples/peer"));
        command.args(&options.isa);
        command
    };
    let others = || {
        let mut command = Command::new(&python);
        command.arg("xtask/peers/peers.py");
        if options.isa.as_deref() == Some("avx2") {
            command.env("ATEN_CPU_CAPABILITY", "avx2").env("ONEDNN_MAX_CPU_ISA", "AVX2");
        }
        command
    };
    speed(&options, &mut Peer::start(&mut own())?, &mut Peer::start(&mut others())?)?;
    println!("\nlargest memory of a process that does one thing only, 2 threads, MB");
    for (name, request) in
        [("3D training step, batch 8", "train 3 8 2"), ("3D decoder, batch 8", "decoder 3 8 2")]
    {
        let [_, _, ours] = Peer::start(&mut own())?.ask(request)?;
        let [_, _, torch] = Peer::start(&mut others())?.ask(&format!("torch {request}"))?;
        println!("{name:<28} townsend {ours:6.0}   PyTorch {torch:6.0}");
    }
    Ok(())
}

fn speed(options: &Options, own: &mut Peer, others: &mut Peer) -> Result<()> {
    println!(
        "wall / CPU milliseconds an avalanche, medians of {}; ratio: median of those within a round",
        options.rounds
    );
    for threads in [1, 2] {
        println!("\n{threads} thread(s)");
        for case in CASES.iter().filter(|case| case.name.contains(&options.only)) {
            let request = format!("{} {threads}", case.request);
            let mut times = vec![Vec::new(); 1 + case.peers.len()];
            for _ in 0..options.rounds {
                times[0].push(own.ask(&request)?);
                for (peer, times) in case.peers.iter().zip(&mut times[1..]) {
                    times.push(others.ask(&format!("{peer} {request}"))?);
                }
            }
            print!("{:<28} townsend {}", case.name, shown(&times[0]));
            for (peer, theirs) in case.peers.iter().zip(&times[1..]) {
                let name = if *peer == "torch" { "PyTorch" } else { "ONNX Runtime" };
                let ratio = |kind: usize| {
                    median(times[0].iter().zip(theirs).map(|(own, peer)| peer[kind] / own[kind]))
                };
                print!("   {name} {} = {:.2} / {:.2} x", shown(theirs), ratio(0), ratio(1));
            }
            println!();
        }
    }
    Ok(())
}

fn shown(times: &[[f64; 3]]) -> String {
    let of = |kind: usize| median(times.iter().map(|time| time[kind]));
    format!("{:7.2} / {:7.2}", of(0), of(1))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_or_refused() {
        let of = |line: &str| Options::of(line.split_whitespace().map(String::from));
        let all = Options { isa: Some("avx2".into()), rounds: 15, only: "2D".into() };
        assert_eq!(of("--rounds 15 --isa avx2 --only 2D").unwrap(), all);
        assert_eq!(of("").unwrap().rounds, ROUNDS);
        assert!(["--rounds 0", "--rounds", "--isa", "15"].iter().all(|line| of(line).is_err()));
    }
}
