//! Fits foils to a library of single-foil responses and prints their parameters as TOML:
//!
//! `cargo run --release -p townsend-sim --example fit_foils -- LIBRARY.npz PREFIX=EXTRACTION…`
//!
//! Of the array `<prefix>_start` columns 0 to 2 are read: number of the avalanche, place of its electron (µm, a hole at the
//! origin of a hexagonal lattice of 140 µm pitch); of `<prefix>_electrons` columns 0, 4, 5 and 7: number of the avalanche,
//! place below the foil (µm), time (ns). The extraction is not seen in such responses and must be given. The keys of the
//! gap below a foil (`gap_mm`, `field_kv_cm`, `included_mm`) are not printed.

use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

use townsend_sim::{FittedFoil, Gap, KnownFoil, Lattice, Responses, fit_foil};

const PITCH_MM: f32 = 0.14;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [library, foils @ ..] = arguments.as_slice() else {
        return Err("give a library and PREFIX=EXTRACTION for each foil, like a1=0.45".into());
    };
    for foil in foils {
        let (prefix, extraction) = foil.split_once('=').ok_or("a foil is PREFIX=EXTRACTION, like a1=0.45")?;
        let responses = read_responses(Path::new(library), prefix)?;
        let gap = Gap { gap_mm: 0.0, field_kv_cm: 1.0 };
        let known = KnownFoil { extraction: extraction.parse()?, gap, included_mm: 0.0 };
        print(prefix, &fit_foil(&responses, Lattice::new(PITCH_MM), &known)?)?;
    }
    Ok(())
}

/// The rows of a table, and an error if they are not at least `columns` long.
fn read_rows(library: &Path, name: &str, columns: usize) -> Result<Vec<Vec<f64>>, Box<dyn Error>> {
    match townsend_io::read_array(library, name)? {
        (shape, values) if shape.len() == 2 && shape[1] >= columns => {
            Ok(values.chunks_exact(shape[1]).map(<[f64]>::to_vec).collect())
        }
        (shape, _) => Err(format!("{name} has the shape {shape:?}; {columns} columns are wanted").into()),
    }
}

fn read_responses(library: &Path, prefix: &str) -> Result<Responses, Box<dyn Error>> {
    let starts = read_rows(library, &format!("{prefix}_start"), 3)?;
    let electrons = read_rows(library, &format!("{prefix}_electrons"), 8)?;
    let numbers: HashMap<u64, usize> =
        starts.iter().enumerate().map(|(place, start)| (start[0].to_bits(), place)).collect();
    if numbers.len() < starts.len() {
        return Err(format!("{prefix}_start: two avalanches have the same number").into());
    }
    let mut families = vec![Vec::new(); starts.len()];
    for electron in &electrons {
        let place = numbers.get(&electron[0].to_bits()).ok_or("an electron of an avalanche without start")?;
        families[*place].push([electron[4], electron[5], electron[7]]);
    }
    let mut offsets = vec![0];
    offsets.extend(families.iter().scan(0, |end, family| {
        *end += family.len();
        Some(*end)
    }));
    let starts = starts.iter().map(|start| [start[1], start[2]]).collect();
    Ok(Responses::new(starts, offsets, families.concat())?)
}

/// Prints a foil with four digits a value.
fn print(prefix: &str, fitted: &FittedFoil) -> Result<(), Box<dyn Error>> {
    println!("# {prefix}: {} starts, {} with children;", fitted.starts, fitted.families);
    println!("# log-likelihood of numbers {:.4},", fitted.number_log_likelihood);
    println!("# of places and times {:.4}", fitted.family_log_likelihood);
    println!("[[foils]]");
    for line in toml::to_string(&fitted.foil)?.lines() {
        let (key, value) = line.split_once(" = ").ok_or("a foil is a flat table")?;
        if !["gap_mm", "field_kv_cm", "included_mm"].contains(&key) {
            println!("{key} = {}", format!("{:.3e}", value.parse::<f64>()?).parse::<f64>()?);
        }
    }
    println!();
    Ok(())
}
