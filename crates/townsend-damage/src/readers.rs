//! The readers that need no network library, each with what its files can hold.

use std::path::Path;

use townsend_cascade::{CascadeConfig, load_responses, read_responses};
use townsend_check::{Report, Thresholds};
use townsend_clusters::{ClusterConfig, ClusterModel, Sampler};
use townsend_core::{RunFiles, RunHeader, Silent};
use townsend_io::{Format, ReadOptions, Source, label, read, read_array, read_number_table};
use townsend_readout::Digitisation;
use townsend_sim::{Detector, GasTable, Simulation};

use crate::Content;

/// Something that reads files.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Its name, which is that of the folder of its small whole files and of its fuzzer.
    pub name: &'static str,
    /// What its files can hold.
    pub content: Content,
    /// Reads a file; errors name it.
    pub read: fn(&Path) -> Result<(), String>,
}

/// The most that deflate makes of a byte.
const DEFLATE: usize = 1032;

/// All of them.
pub const READERS: &[Reader] = &[
    Reader { name: "text", content: Content { per_byte: DEFLATE, always: 512 << 10 }, read: text },
    Reader { name: "npz", content: Content { per_byte: DEFLATE, always: 256 << 10 }, read: npz },
    #[cfg(feature = "parquet")]
    Reader { name: "parquet", content: Content { per_byte: DEFLATE, always: 16 << 20 }, read: parquet },
    Reader { name: "avalanches", content: Content { per_byte: 40, always: 512 << 10 }, read: avalanches },
    Reader { name: "numbers", content: Content { per_byte: DEFLATE, always: 512 << 10 }, read: numbers },
    Reader { name: "gas", content: Content { per_byte: 100, always: 64 << 10 }, read: gas },
    Reader { name: "detector", content: Content { per_byte: 200, always: 4 << 20 }, read: detector },
    Reader { name: "responses", content: Content { per_byte: DEFLATE, always: 256 << 10 }, read: responses },
    Reader { name: "clusters", content: Content { per_byte: 100, always: 64 << 10 }, read: clusters },
    Reader {
        name: "configuration",
        content: Content { per_byte: 100, always: 64 << 10 },
        read: configuration,
    },
    Reader { name: "run", content: Content { per_byte: 100, always: 64 << 10 }, read: run },
];

/// The reader of this name.
///
/// # Panics
/// If there is none.
pub fn reader(name: &str) -> &'static Reader {
    READERS.iter().find(|reader| reader.name == name).unwrap_or_else(|| panic!("there is no reader {name}"))
}

/// Avalanches of a file as what it is said to be, with columns by their places, so that a damaged name does
/// not keep from reading them; and as what it looks like.
fn as_avalanches(path: &Path, columns: &str, format: Option<Format>) -> Result<(), String> {
    let columns = columns.parse()?;
    let by_place = read(path, &ReadOptions { format, columns, ..ReadOptions::default() }, &Silent);
    let by_name = read(path, &ReadOptions::default(), &Silent);
    by_place.or(by_name).map(drop).map_err(|error| error.to_string())
}

fn text(path: &Path) -> Result<(), String> {
    as_avalanches(path, "event=1,x=2,z=3,t=4", Some(Format::Text))
}

fn npz(path: &Path) -> Result<(), String> {
    // Conditions of avalanches are arrays beside them.
    let _ = (label(path), read_array(path, "x"));
    as_avalanches(path, "x=1,z=2,t=3", Some(Format::Npz))
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path) -> Result<(), String> {
    as_avalanches(path, "x=1,z=2,t=3", Some(Format::Parquet))
}

/// Histograms, trees and RNTuples of avalanches.
fn avalanches(path: &Path) -> Result<(), String> {
    let _ = label(path);
    as_avalanches(path, "x=1,z=2,t=3", Some(Format::Root))
}

/// Tables of hits and of digits, in every format.
fn numbers(path: &Path) -> Result<(), String> {
    let source = Source { path: path.into(), tree: None };
    read_number_table(&source, |_| true).map(drop).map_err(|error| error.to_string())
}

/// Gas tables: those of Garfield++ and those in TOML.
fn gas(path: &Path) -> Result<(), String> {
    GasTable::read(path).map(drop).map_err(|error| error.to_string())
}

/// A detector with its `[digitisation]`, made ready to draw from.
fn detector(path: &Path) -> Result<(), String> {
    let detector = Detector::read(path).map_err(|error| error.to_string())?;
    let named = |error: townsend_sim::SimError| format!("{}: {error}", path.display());
    if detector.recorded.is_none() {
        Simulation::new(&detector).map_err(named)?;
    }
    if detector.digitisation.is_some() {
        Digitisation::of(&detector).map_err(named)?;
    }
    Ok(())
}

/// Recorded responses, to fit to and to draw from.
fn responses(path: &Path) -> Result<(), String> {
    let mut recorded = Detector::from_toml(RECORDED).map_err(|error| error.to_string())?;
    let contents = std::fs::read(path).map_err(|error| error.to_string())?;
    load_responses(&mut recorded, &path.to_string_lossy(), contents)
        .and_then(|()| read_responses(&[path], "m1"))
        .map(drop)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// A detector of one recorded stage.
const RECORDED: &str = r#"
name = "recorded"
gas = { table = "ar_ic4h10_90_10", magnetic_field_t = 0.0 }
lattice = { pitch_um = 140.0 }
drift = { gap_mm = 5.0, field_kv_cm = 1.5 }
[recorded]
file = "responses.npz"
[[recorded.stages]]
responses = "m1"
gap_mm = 2.0
field_kv_cm = 3.0
[recorded.stages.draw]
neighbours = 1
"#;

/// A text, whose errors get its name.
fn of_text(path: &Path, read: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    read(&String::from_utf8_lossy(&bytes)).map_err(|error| format!("{}: {error}", path.display()))
}

/// A trained model of clusters, made ready to draw from.
fn clusters(path: &Path) -> Result<(), String> {
    of_text(path, |text| {
        let model: ClusterModel = toml::from_str(text).map_err(|error| error.to_string())?;
        Sampler::new(&model).map(drop).map_err(|error| error.to_string())
    })
}

/// Configurations: of cascades and clusters, of reading files, of limits of a check.
fn configuration(path: &Path) -> Result<(), String> {
    fn of<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }
    of_text(path, |text| {
        let cascade =
            of::<CascadeConfig>(text).and_then(|read| read.check().map_err(|error| error.to_string()));
        let clusters = of::<ClusterConfig>(text)
            .and_then(|read| read.check().map(drop).map_err(|error| error.to_string()));
        let options = of::<ReadOptions>(text).map(drop);
        let thresholds = Thresholds::from_toml(text).map(drop).map_err(|error| error.to_string());
        cascade.or(clusters).or(options).or(thresholds)
    })
}

/// `run.json` of a run, and `report.json` of a check, which nothing of townsend reads but others do.
fn run(path: &Path) -> Result<(), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let named = |error: String| format!("{}: {error}", path.display());
    let report = serde_json::from_slice::<Report>(&bytes).map(drop);
    let files = RunFiles::Memory([(RunHeader::FILE.to_owned(), bytes)].into());
    RunHeader::read(&files)
        .map(drop)
        .map_err(|error| named(error.to_string()))
        .or(report.map_err(|error| named(error.to_string())))
}
