//! The command line, as it is typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, RangedU64ValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use townsend::files::{Gate, HitColumns, HitUnits, Input, Layout, Names, Reduction};
use townsend::{
    Columns, Condition, Format, Ionise, Isa, ReadOptions, Scan, Selection, Shard, Start, Units, Values,
};
use townsend_bench::BenchPart;

/// Learns electron avalanches of gas detectors from a microscopic simulation and generates new ones.
#[derive(Debug, Parser)]
#[command(name = "townsend", version = townsend::version(), propagate_version = true)]
#[command(arg_required_else_help = true)]
#[command(
    after_help = "Start with:\n  townsend demo\n\nExit code: 0 done, 1 failed, 2 wrong usage. Results go to standard output or files, progress to standard error."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct Common {
    /// Show no progress and no notes, only results, warnings and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Print results as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Threads to use; 0 takes as many as the machine has. Results do not depend on it.
    #[arg(long, global = true, default_value_t = 0, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(0..=1024))]
    pub(crate) threads: usize,
    /// Seed of every random stream, recorded in every output [default: 1; for training what the configuration
    /// says].
    #[arg(long, global = true, value_name = "S", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
    /// Instructions of the CPU for networks: avx512, avx2, portable, or auto for the fastest there is.
    /// Cascade, clusters and the Monte Carlo give the same bits with all of them, networks do not.
    #[arg(long, global = true, default_value = "auto", value_name = "SET", value_parser = instructions)]
    pub(crate) isa: Instructions,
    /// Overwrite outputs that exist.
    #[arg(long, global = true)]
    pub(crate) force: bool,
}

/// An instruction set, or none to take the fastest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Instructions(pub(crate) Option<Isa>);

fn instructions(text: &str) -> Result<Instructions, String> {
    Ok(Instructions(if text == "auto" { None } else { Some(text.parse()?) }))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read, train, generate and check on real avalanches that ship with the program.
    #[command(after_help = "Example:\n  townsend demo --out my-demo")]
    Demo(Demo),
    /// Simulate avalanches with the built-in Monte Carlo of GEMs and meshes.
    #[command(
        after_help = "Examples:\n  townsend simulate --events 50000 --out simulated.root\n  townsend simulate --detector microscopic_275 --events 10000 --out simulated.npz\n  townsend simulate --detector my-detector.toml --start drift --events 1000 --out part-3.root \\\n      --shard 3/8"
    )]
    Simulate(Simulate),
    /// Say what the gain of a detector is, how it fluctuates and how well it resolves an X-ray of 5.9 keV, at
    /// one voltage or at many.
    #[command(
        after_help = "Examples:\n  townsend gain cgem\n  townsend gain cgem --scan 760:865:15 --out gain.svg\n  townsend gain my-detector.toml --voltage 280,275,275 --voltage 285,280,275 --events 20000"
    )]
    Gain(Gain),
    /// Read avalanches with the strips of a detector: charge and time of every strip that is hit.
    #[command(
        after_help = "Examples:\n  townsend readout simulated.root --out hits.root\n  townsend readout generated.npz --detector my-detector.toml --out hits.npz --json"
    )]
    Readout(Readout),
    /// Digits of hits: charges and times of strips as a chip gives them.
    ///
    /// Hits are entry and exit of a particle in a drift gap, or steps, or single electrons: rows of a ROOT
    /// tree or RNTuple, of an npz or of a text.
    #[command(
        after_help = "Examples:\n  townsend digitise --detector cgem_it --hits crossings.csv --out digits.npz\n  townsend digitise --hits geant4.root:steps --ionisation deposit --repeat 100 --out digits.root\n  townsend digitise --detector my-detector.toml --hits heed.npz --ionisation electrons --out digits.csv"
    )]
    Digitise(Digitise),
    /// Say how well a detector tells where particles cross it, against angle, field, gain and threshold.
    ///
    /// Tracks are digitised and their strips made clusters. Places are the charge centroid, that by the times
    /// of the strips (`µTPC`), and both merged; widths are those of the core of the residuals.
    #[command(
        after_help = "Examples:\n  townsend resolution planar_triple_gem --angle 0:45:5\n  townsend resolution planar_triple_gem --angle 0:45:15 --field 0,1 --out resolution.svg\n  townsend resolution my-detector.toml --gain 1000,3000,10000 --tracks 20000 --out gain.csv --out gain.html"
    )]
    Resolution(Resolution),
    /// Say what is in a file: avalanches, empty ones, grid, observables, warnings.
    #[command(
        after_help = "Examples:\n  townsend inspect avalanches.root --json\n  townsend inspect avalanches.npz --html avalanches.html --plots figures"
    )]
    Inspect(Inspect),
    /// Turn a file into another format; electrons become histograms, never the reverse.
    #[command(
        after_help = "Examples:\n  townsend convert electrons.npz histograms.root --dims 1,2,3\n  townsend convert histograms.root counts.npz --dims 2"
    )]
    Convert(Convert),
    /// Train a model; ctrl-C saves and stops, --resume goes on as if never stopped.
    #[command(
        after_help = "Examples:\n  townsend train vae-2d.toml --data avalanches.root --run runs/vae\n  townsend train vae-2d.toml --data avalanches.root --run runs/vae --resume\n  townsend train vae-2d.toml --data avalanches.root --run runs/long \\\n      --set training.epochs=100\n  townsend train --run runs/long --resume"
    )]
    Train(Train),
    /// Draw new avalanches from a trained model.
    #[command(
        after_help = "Examples:\n  townsend generate --run runs/vae --events 10000 --out generated.root\n  townsend generate --run runs/vae --events 10000 --out part-3.root --shard 3/8\n  townsend generate --run runs/cascade --events 10000 --out histograms.root --dims 2,3"
    )]
    Generate(Generate),
    /// Put the shards of a production together: the file that would have been written without shards.
    #[command(
        after_help = "Examples:\n  townsend merge part-*.root --out generated.root\n  townsend merge part-1.npz part-2.npz part-3.npz --out simulated.npz"
    )]
    Merge(Merge),
    /// Write a trained model to a single file, or the weights of a network for PyTorch, which generate takes
    /// too, or a network for ONNX.
    #[command(
        after_help = "Examples:\n  townsend export --run runs/cascade --out cascade.townsend\n  townsend generate --run cascade.townsend --events 10000 --out generated.root\n  townsend export --run runs/vae --out weights.safetensors\n  townsend export --run runs/vae --out vae.onnx"
    )]
    Export(Export),
    /// Compare generated avalanches with real ones: distances, plots, report.
    #[command(
        after_help = "Examples:\n  townsend check --real avalanches.root --held-back runs/vae \\\n      --generated generated.root --out report\n  townsend check --real a.npz --generated b.npz --out report \\\n      --fail-above ks=0.1 --fail-above w1_over_sigma.rms_x=0.2\n  townsend check --real a.npz --generated b.npz --generated c.npz --out report --require amber"
    )]
    Check(Check),
    /// Measure how fast this machine reads, simulates, generates and trains; about a minute.
    #[command(
        after_help = "Examples:\n  townsend bench\n  townsend bench generating training --threads 1 --json"
    )]
    Bench(Bench),
    /// List the configurations that come with the program, or print one.
    #[command(
        after_help = "Examples:\n  townsend configs\n  townsend configs vae-2d > my-vae.toml\n  townsend train vae-2d --data avalanches.root --run runs/vae"
    )]
    Configs(Named),
    /// List the detectors that come with the program, or print one.
    #[command(
        after_help = "Examples:\n  townsend detectors\n  townsend detectors cgem > my-detector.toml\n  townsend simulate --detector my-detector.toml --events 1000 --out simulated.root"
    )]
    Detectors(Named),
    /// List the runs below a folder, the best first.
    ///
    /// The distance is the smallest of an epoch between generated avalanches and those that were held back
    /// for validation (mean of W1/σ over the observables); of runs on the same data the smallest is the best.
    #[command(after_help = "Examples:\n  townsend runs runs\n  townsend runs runs --json")]
    Runs {
        /// The folder.
        #[arg(default_value = "runs", value_name = "DIR")]
        folder: PathBuf,
    },
    /// Print a script that completes commands in a shell.
    #[command(
        after_help = "Example:\n  townsend completions bash > ~/.local/share/bash-completion/completions/townsend"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages to a folder.
    #[command(hide = true)]
    Man {
        /// The folder.
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The one to print [default: the list of all].
    pub(crate) name: Option<String>,
}

/// A number of avalanches, as people write it: 10000 or 1e4.
fn events(text: &str) -> Result<u64, String> {
    // Above 2^53 not every whole number is one of `f64`.
    let scientific = |text: &str| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0 && (1.0..=9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
    };
    let number = text.parse().ok().or_else(|| scientific(text));
    number
        .filter(|&number| number > 0)
        .ok_or_else(|| "write a whole number from 1, such as 10000 or 1e4".into())
}

/// Where `-` leads.
pub(crate) const STANDARD_OUTPUT: &str = "/dev/stdout";

/// A file to write, or `-` for standard output. A name need not be text.
fn output() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new()
        .try_map(|name| if name == "-" { Ok(STANDARD_OUTPUT.into()) } else { path(name) })
}

/// A file or folder to write that needs a name: its ending says what is written, or several files are.
fn named() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(path)
}

fn path(name: OsString) -> Result<PathBuf, &'static str> {
    match name.as_encoded_bytes() {
        b"" => Err("write the name of a file or folder"),
        b"-" => Err("this cannot be written to standard output: write a name"),
        _ => Ok(name.into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure: reading, simulating, generating, training [default: all of them].
    #[arg(value_name = "WHAT")]
    pub(crate) parts: Vec<BenchPart>,
    /// How often each is measured; shown are the median, the least and the most.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub(crate) rounds: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder for everything that is made.
    #[arg(long, default_value = "townsend-demo", value_name = "DIR", value_parser = named())]
    pub(crate) out: PathBuf,
    /// Change a value of the configuration, such as training.epochs=2.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

/// What is read of files of avalanches that other programs wrote.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of reading")]
pub(crate) struct Reading {
    /// The columns of a tree or table, such as `x=xe,z=ye,t=te`; with event=ev or event=run+ev where a row is
    /// an electron, n=nel where arrays are filled in part.
    #[arg(long, value_name = "x=NAME,…")]
    columns: Option<Columns>,
    /// The tree, by its name or its path in the file; `file.root:tree` names it too.
    #[arg(long, value_name = "NAME")]
    tree: Option<String>,
    /// The histograms that are avalanches, by a pattern of names, such as `h3_*`.
    #[arg(long, value_name = "PATTERN")]
    histograms: Option<String>,
    /// The units of the file, such as x=cm,t=ns or cm,ns, if it does not name them; avalanches are in mm and
    /// ns.
    #[arg(long, value_name = "x=UNIT,…")]
    units: Option<Units>,
    /// Read only electrons for which this is true, such as `status == -5 and z < 0`.
    #[arg(long = "where", value_name = "COMPARISON")]
    selection: Option<Selection>,
    /// Round the cells of weighted histograms to whole electrons.
    #[arg(long)]
    round: bool,
}

impl Reading {
    /// The options of these files.
    pub(crate) fn of(&self, files: &[PathBuf]) -> Input {
        let options = ReadOptions {
            columns: self.columns.clone().unwrap_or_default(),
            tree: self.tree.clone(),
            histograms: self.histograms.clone(),
            units: self.units.unwrap_or_default(),
            selection: self.selection.clone().unwrap_or_default(),
            round: self.round,
            ..ReadOptions::default()
        };
        Input { files: files.into(), options }
    }
}

/// How avalanches are written.
#[derive(Debug, Args)]
pub(crate) struct Written {
    /// Write histograms of these dimensions: x; x, z; x, z, t.
    #[arg(long, value_name = "D,D", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) dims: Vec<u8>,
    /// TOML file with the grid to count electrons on (default: 90 bins an axis, 3 mm wide, 130 to 220 ns).
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) grid: Option<PathBuf>,
    /// The format to write, if not the one that the ending stands for: root or npz.
    #[arg(long)]
    pub(crate) format: Option<Format>,
}

/// What is kept of avalanches that are too many to keep their electrons.
#[derive(Debug, Args)]
pub(crate) struct Reduce {
    /// Keep no avalanches, but hits (those of strips, as `readout` gives them), observables (a row for each
    /// avalanche), or a histogram (one for the electrons of all).
    #[arg(long, value_name = "TO")]
    pub(crate) reduce: Option<Reduction>,
    /// The detector whose strips make the hits: a TOML file, or one that comes with the program [default:
    /// cgem].
    #[arg(long, value_name = "DETECTOR", requires = "reduce")]
    pub(crate) strips: Option<PathBuf>,
}

impl Written {
    /// The dimensions of the histograms.
    pub(crate) fn dims(&self) -> Vec<usize> {
        self.dims.iter().copied().map(usize::from).collect()
    }
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Number of avalanches in all, empty ones included.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = events)]
    pub(crate) events: u64,
    /// The file to write; `-` is standard output, with --format npz.
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub(crate) out: PathBuf,
    /// The detector: a TOML file, or one that comes with the program (`townsend detectors`) [default: cgem].
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) detector: Option<PathBuf>,
    /// Where the primary electron starts: cell (anywhere above a hole's cell), drift (anywhere in the drift
    /// gap), or X,Z in µm from the centre of a hole.
    #[arg(long, default_value = "cell", value_name = "WHERE", allow_hyphen_values = true)]
    pub(crate) start: Start,
    /// What the foils shall depend on, such as `voltage_v=300,300,275`: one value for all foils or one for
    /// each; `voltage_sum_v=840` raises or lowers all voltages by as much.
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub(crate) condition: Vec<Condition>,
    /// A charged track crosses the drift gap, and each electron that it frees makes an avalanche: an event is
    /// all of them.
    #[arg(long, conflicts_with = "start")]
    pub(crate) track: bool,
    /// Only part i of n: the parts 1/n to n/n together are exactly the whole.
    #[arg(long, value_name = "i/n")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) reduce: Reduce,
    #[command(flatten)]
    pub(crate) written: Written,
}

#[derive(Debug, Args)]
pub(crate) struct Gain {
    /// The detector: a TOML file, one that comes with the program, or the run directory of a trained model.
    #[arg(value_name = "DETECTOR")]
    pub(crate) detector: PathBuf,
    /// Voltage of the foils, V: one for all of them or one for each; given again, another row of the table.
    #[arg(long, value_name = "V,…", value_parser = voltage, conflicts_with = "scan")]
    pub(crate) voltage: Vec<Condition>,
    /// Sums of the voltages, V, from one to another in steps; all foils are raised by as much.
    #[arg(long, value_name = "FROM:TO:STEP")]
    pub(crate) scan: Option<Scan>,
    /// What else the foils shall depend on: one value for all foils or one for each.
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub(crate) condition: Vec<Condition>,
    /// Avalanches for each voltage.
    #[arg(long, default_value_t = 5000, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=1_000_000_000))]
    pub(crate) events: u64,
    /// Write a figure too (.svg, .pdf), or a page with table and figure (.html).
    #[arg(long, value_name = "FILE", value_parser = named())]
    pub(crate) out: Option<PathBuf>,
}

/// The voltages of the foils as the condition that they are.
fn voltage(text: &str) -> Result<Condition, String> {
    format!("voltage_v={text}")
        .parse()
        .map_err(|_| format!("`{text}` is not V or V,V,…, with numbers of volts"))
}

#[derive(Debug, Args)]
pub(crate) struct Readout {
    /// Files of electrons, simulated or generated; several, or a pattern, are read as one.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The detector, of which the table [readout] counts: a TOML file, or one that comes with the program
    /// [default: cgem].
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) detector: Option<PathBuf>,
    /// The file to write (`-` is standard output, with --format npz or text): a tree `hits`, or arrays, of
    /// event, layer, sheet, view (0 is X, 1 is V), strip, `charge_fC`, `time_ns`.
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub(crate) out: PathBuf,
    /// The format to write, if not the one that the ending stands for: root, rntuple, npz or text.
    #[arg(long)]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Digitise {
    /// The hits: columns event, layer, x0, y0, z0, x1, y1, z1 (or x, y, z), t and edep, with units in their
    /// names (`x0_mm`) or titles; `FILE:TREE` names one of several trees.
    #[arg(long, value_name = "FILE")]
    pub(crate) hits: PathBuf,
    /// The detector, of which the table [digitisation] counts: a TOML file, or one that comes with the
    /// program [default: `cgem_it`].
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) detector: Option<PathBuf>,
    /// How often each event is digitised.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    pub(crate) repeat: u64,
    /// Whose table of hits it is: plain (our own names), geant4, cygno, edm4hep or psimhit.
    #[arg(long, value_name = "WHOSE", default_value = "plain")]
    pub(crate) layout: Layout,
    /// Columns by other names, such as `x0=xin,edep=dE`.
    #[arg(long, value_name = "x0=NAME,…", default_value = "", hide_default_value = true)]
    pub(crate) columns: HitColumns,
    /// The tree, by its name or its path in the file; `file.root:tree` names it too.
    #[arg(long, value_name = "NAME")]
    pub(crate) tree: Option<String>,
    /// Units of the file, such as cm,MeV or x0=um, if it does not name them.
    #[arg(long, value_name = "x0=UNIT,…", default_value = "", hide_default_value = true)]
    pub(crate) units: HitUnits,
    /// How hits free electrons: clusters (along the way, by the table [track]), deposit (by W and Fano's
    /// factor), or electrons (each row is one) [default: deposit for geant4 and cygno, else clusters].
    #[arg(long, value_name = "HOW")]
    pub(crate) ionisation: Option<Ionise>,
    /// The file to write: a tree `digits`, arrays, or a text, of event, repeat, layer, sheet, view (0 is X, 1
    /// is V), strip, `charge_fC`, `time_ns`, adc, tdc and the row of the hit.
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub(crate) out: PathBuf,
    /// A file for the signals of the strips that have digits.
    #[arg(long, value_name = "FILE", value_parser = named())]
    pub(crate) waveforms: Option<PathBuf>,
    /// Say where each strip is, the middle of its line in space, and where it leads.
    #[arg(long)]
    pub(crate) positions: bool,
    /// The names of columns: own, or edm4hep (as in `RawTimeSeries`, with a `cellID` for the strip).
    #[arg(long, value_name = "WHOSE", default_value = "own")]
    pub(crate) names: Names,
    /// The format to write, if not the one that the ending stands for: root, rntuple, npz, text, or parquet
    /// where the program was built with it.
    #[arg(long)]
    pub(crate) format: Option<Format>,
}

#[derive(Debug, Args)]
pub(crate) struct Resolution {
    /// The detector, of which the tables [track] and [digitisation] count: a TOML file, or one that comes
    /// with the program.
    #[arg(value_name = "DETECTOR")]
    pub(crate) detector: PathBuf,
    /// Angles between track and drift direction, degrees, in the plane across the strips.
    #[arg(long, value_name = "FROM:TO:STEP", default_value = "0", allow_hyphen_values = true)]
    pub(crate) angle: Values,
    /// Magnetic fields, T [default: that of the detector].
    #[arg(long, value_name = "T,…")]
    pub(crate) field: Option<Values>,
    /// Effective gains, electrons at the anode for each that arrives above the first foil [default: that of
    /// the detector].
    #[arg(long, value_name = "N,…", conflicts_with = "voltage")]
    pub(crate) gain: Option<Values>,
    /// Voltage of the foils, V: one for all of them or one for each; given again, another setting.
    #[arg(long, value_name = "V,…", value_parser = voltage)]
    pub(crate) voltage: Vec<Condition>,
    /// Thresholds, fC of a charge that arrives at once [default: that of the detector's chip].
    #[arg(long, value_name = "FC,…")]
    pub(crate) threshold: Option<Values>,
    /// The strips: x or v.
    #[arg(long, value_name = "VIEW", default_value = "x", value_parser = ["x", "v"])]
    pub(crate) view: String,
    /// Tracks of each point.
    #[arg(long, value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(64..=100_000_000))]
    pub(crate) tracks: u64,
    /// Write all numbers (.csv, .json), a figure (.svg, .pdf) or a page (.html); may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// Files of avalanches; several, or a pattern, are read as one.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Histograms of this many dimensions, where the file holds several.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub(crate) dims: Option<u8>,
    /// The file's format, if its first bytes do not tell: root or npz.
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// Write a page too: distributions of the observables, and avalanches in three dimensions.
    #[arg(long, value_name = "PAGE.html", value_parser = named())]
    pub(crate) html: Option<PathBuf>,
    /// Write a figure of each observable too, as SVG and PDF, to this folder.
    #[arg(long, value_name = "DIR", value_parser = named())]
    pub(crate) plots: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The files to read; several, or a pattern, are read as one.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,
    /// The file to write; `-` is standard output, with --format npz.
    #[arg(required = true, value_parser = output())]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) written: Written,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// The configuration: a TOML file, or one that comes with the program (`townsend configs`) [default with
    /// --resume: that of the run].
    #[arg(value_name = "CONFIG", required_unless_present = "resume")]
    pub(crate) config: Option<PathBuf>,
    /// Avalanches to learn from; several files, or a pattern, are read as one [default with --resume: the
    /// file that the run began with, if it is in the current folder].
    #[arg(long, value_name = "FILE", required_unless_present = "resume", num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// The run directory to make or to go on with.
    #[arg(long, value_name = "DIR", value_parser = named())]
    pub(crate) run: PathBuf,
    /// Go on with a run that was stopped, bit for bit as if it had not been, or with more epochs than it had
    /// (--set training.epochs=100).
    #[arg(long)]
    pub(crate) resume: bool,
    /// Change a value of the configuration, such as training.epochs=20.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The run directory of a trained model, or a file that `export` wrote.
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// Number of avalanches in all, empty ones included.
    #[arg(long, value_name = "N", required_unless_present = "reconstruct", allow_negative_numbers = true, value_parser = events)]
    pub(crate) events: Option<u64>,
    /// Make no new avalanches, but the given ones as a vae decodes them from latent points of their own.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["events", "start", "condition", "shard", "reduce", "dims", "grid"])]
    pub(crate) reconstruct: Vec<PathBuf>,
    /// The file to write; `-` is standard output, with --format npz.
    #[arg(long, value_name = "FILE", value_parser = output())]
    pub(crate) out: PathBuf,
    /// Where the primary electron starts, if the model knows: cell, drift, or X,Z in µm from the centre of a
    /// hole.
    #[arg(long, default_value = "cell", value_name = "WHERE", allow_hyphen_values = true)]
    pub(crate) start: Start,
    /// What the avalanches shall depend on, if the model learned to, such as `voltage_v=300,300,275`: one
    /// value for all stages or one for each.
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub(crate) condition: Vec<Condition>,
    /// Only part i of n: the parts 1/n to n/n together are exactly the whole.
    #[arg(long, value_name = "i/n")]
    pub(crate) shard: Option<Shard>,
    #[command(flatten)]
    pub(crate) reduce: Reduce,
    #[command(flatten)]
    pub(crate) written: Written,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The shards, in any order: files that `generate` or `simulate` wrote with --shard i/n, each once.
    #[arg(required = true, value_name = "SHARD")]
    pub(crate) shards: Vec<PathBuf>,
    /// The file to write, in the format of the shards.
    #[arg(long, value_name = "FILE", value_parser = named())]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The run directory of a trained model.
    #[arg(long, value_name = "DIR")]
    pub(crate) run: PathBuf,
    /// The file to write: .townsend for a model of any family, .safetensors for the weights of a network with
    /// the names of a PyTorch state dict, .onnx for the network from normal numbers to cells in ONNX's opset
    /// 13.
    #[arg(long, value_name = "FILE", value_parser = named())]
    pub(crate) out: PathBuf,
}

/// The worst light that passes.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Required {
    Green,
    Amber,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Real avalanches; several files, or a pattern, are read as one.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) real: Vec<PathBuf>,
    /// Generated avalanches; several are ranked side by side, each with a report in a folder of its own. The
    /// files of a pattern in quotes are one.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub(crate) generated: Vec<PathBuf>,
    /// Folder for the report.
    #[arg(long, value_name = "DIR", value_parser = named())]
    pub(crate) out: PathBuf,
    /// Of the real avalanches, take only those that this run was not trained on: its test part.
    #[arg(long, value_name = "RUN")]
    pub(crate) held_back: Option<PathBuf>,
    /// What the generator was trained on, if no run knows it, to see whether it learnt avalanches by heart.
    #[arg(long, value_name = "FILE")]
    pub(crate) training: Option<PathBuf>,
    /// Compare in bins of a condition too: the name of an array (npz) or a branch (ROOT tree) of both files,
    /// of one value an avalanche.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Vec<String>,
    /// Limits of the traffic lights [default: those of configs/check/default.toml].
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Train no classifiers, which take most of the time.
    #[arg(long)]
    pub(crate) no_classifiers: bool,
    /// Exit with 1 unless every traffic light is at least this: green or amber.
    #[arg(long, value_name = "LIGHT")]
    pub(crate) require: Option<Required>,
    /// Exit with 1 if a distance is above a value, of any observable (ks=0.1) or of one (see the example).
    #[arg(long, value_name = "METRIC=VALUE")]
    pub(crate) fail_above: Vec<Gate>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}
