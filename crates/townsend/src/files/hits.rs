//! Hits in drift gaps from tables: which columns they are, and in which units.

use std::collections::BTreeMap;
use std::path::Path;

use townsend_io::{NumberColumn, NumberTable, Source, read_number_table, sources};
use townsend_readout::{Hit, Ionise};

use crate::digitise::Hits;
use crate::{Error, Result};

/// What a column can be, and the names for it; a unit may follow (`x_in_mm`, `deposit_mev`) or stand in
/// brackets. The first unit holds without one.
const KNOWN: [Known; 14] = [
    ("event", &["event", "eventID", "event_id", "evt", "entry"], &[]),
    ("layer", &["layer", "layerID", "layer_id"], &[]),
    ("x0", &["x0", "x_in", "x_entry", "entry_x"], LENGTHS),
    ("y0", &["y0", "y_in", "y_entry", "entry_y"], LENGTHS),
    ("z0", &["z0", "z_in", "z_entry", "entry_z"], LENGTHS),
    ("x1", &["x1", "x_out", "x_exit", "exit_x"], LENGTHS),
    ("y1", &["y1", "y_out", "y_exit", "exit_y"], LENGTHS),
    ("z1", &["z1", "z_out", "z_exit", "exit_z"], LENGTHS),
    ("x", &["x"], LENGTHS),
    ("y", &["y"], LENGTHS),
    ("z", &["z"], LENGTHS),
    ("t", &["t", "time", "t0"], &[("ns", 1.0), ("ps", 1e-3), ("us", 1e3), ("s", 1e9)]),
    ("edep", &["edep", "deposit", "energy_deposit", "eDep"], ENERGIES),
    ("hit", &["hit", "hit_id"], &[]),
];
/// A name for it, the names of columns, and units with their sizes; nothing without units counts something.
type Known = (&'static str, &'static [&'static str], &'static [(&'static str, f64)]);
const LENGTHS: &[(&str, f64)] = &[("mm", 1.0), ("cm", 10.0), ("um", 1e-3), ("m", 1e3)];
const ENERGIES: &[(&str, f64)] = &[("keV", 1.0), ("eV", 1e-3), ("MeV", 1e3), ("GeV", 1e6)];

/// Hits of a file, and what was noticed on reading them.
#[derive(Debug)]
pub(super) struct ReadHits {
    pub(super) hits: Hits,
    pub(super) warnings: Vec<String>,
}

/// The place in [`KNOWN`] of a column's name, and the size of the unit that it states.
fn known(name: &str, title: &str) -> Option<(usize, f64)> {
    for (place, (_, names, units)) in KNOWN.iter().enumerate() {
        for known in *names {
            let Some(rest) = strip(name, known) else { continue };
            let in_title = || {
                let (_, unit) = title.rsplit_once(['[', '('])?;
                unit.strip_suffix([']', ')'])
            };
            let stated = if rest.is_empty() { in_title() } else { rest.strip_prefix('_') };
            match (stated, units.first()) {
                (None, first) if rest.is_empty() => return Some((place, first.map_or(1.0, |unit| unit.1))),
                (Some(_), None) if rest.is_empty() => return Some((place, 1.0)),
                (Some(stated), Some(_)) => {
                    let unit = units.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(stated));
                    if let Some((_, size)) = unit {
                        return Some((place, *size));
                    }
                }
                _ => {}
            }
        }
    }
    None
}

fn strip<'n>(name: &'n str, known: &str) -> Option<&'n str> {
    name.get(..known.len()).filter(|start| start.eq_ignore_ascii_case(known)).map(|_| &name[known.len()..])
}

/// Reads hits. `FILE:TREE` names one of several trees.
pub(super) fn read(file: &Path, ionise: Ionise) -> Result<ReadHits> {
    let source = one_source(file)?;
    let table = read_number_table(&source, |name| known(name, "").is_some())?;
    let refused = |what: String| Error::Content { path: source.path.clone(), what };
    let columns = Chosen::new(&table).map_err(refused)?;
    let mut warnings = Vec::new();
    if columns.of("event").is_none() {
        warnings.push("names no events: all hits are taken as those of event 0".into());
    }
    if ionise == Ionise::Deposit && columns.of("edep").is_none() {
        let what = "has no column of deposits (edep, deposit), which ionisation by deposit needs\n  hint: choose ionisation by clusters";
        return Err(refused(what.into()));
    }
    if !table.others.is_empty() {
        warnings.push(format!("columns that are not read: {}", table.others.join(", ")));
    }
    let mut events: BTreeMap<u64, Vec<Hit>> = BTreeMap::new();
    for row in 0..columns.rows() {
        let hit = columns.hit(row).map_err(refused)?;
        events.entry(columns.whole("event", row).map_err(refused)?.unwrap_or(0)).or_default().push(hit);
    }
    Ok(ReadHits { hits: Hits { events: events.into_iter().collect() }, warnings })
}

fn one_source(file: &Path) -> Result<Source> {
    match &sources(&[file.to_path_buf()])?[..] {
        [source] => Ok(source.clone()),
        several => Err(Error::Usage(format!(
            "{}: stands for {} files; hits are read from one",
            file.display(),
            several.len()
        ))),
    }
}

/// The columns of a table by what they are.
struct Chosen<'t> {
    description: &'t str,
    columns: [Option<(&'t NumberColumn, f64)>; KNOWN.len()],
}

impl<'t> Chosen<'t> {
    fn new(table: &'t NumberTable) -> std::result::Result<Self, String> {
        let mut chosen = Self { description: &table.description, columns: [None; KNOWN.len()] };
        for column in &table.columns {
            let Some((place, scale)) = known(&column.name, &column.title) else {
                return Err(format!(
                    "column {} has a unit that is not understood: {}\n  hint: lengths are in mm, cm, um or m, times in ns, ps, us or s, deposits in eV, keV, MeV or GeV",
                    column.name, column.title
                ));
            };
            if let Some((other, _)) = chosen.columns[place] {
                return Err(format!(
                    "columns {} and {} both are {}\n  hint: rename the one that is not meant",
                    other.name, column.name, KNOWN[place].0
                ));
            }
            chosen.columns[place] = Some((column, scale));
        }
        let entry = ["x0", "y0", "z0"].iter().all(|name| chosen.of(name).is_some());
        let point = ["x", "y", "z"].iter().all(|name| chosen.of(name).is_some());
        if !entry && !point {
            let there: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
            return Err(format!(
                "{} has neither entries x0, y0, z0 nor points x, y, z; of what is known it has: {}\n  hint: docs/readout.md lists the names of columns",
                table.description,
                there.join(", ")
            ));
        }
        Ok(chosen)
    }

    fn of(&self, name: &str) -> Option<(&'t NumberColumn, f64)> {
        KNOWN.iter().position(|known| known.0 == name).and_then(|place| self.columns[place])
    }

    fn rows(&self) -> usize {
        self.columns.iter().flatten().map(|(column, _)| column.values.len()).min().unwrap_or(0)
    }

    fn number(&self, name: &str, row: usize) -> Option<f64> {
        self.of(name).map(|(column, scale)| column.values[row] * scale)
    }

    /// A number that counts something; `None` without the column.
    fn whole(&self, name: &str, row: usize) -> std::result::Result<Option<u64>, String> {
        match self.number(name, row) {
            None => Ok(None),
            Some(value) if (0.0..1e15).contains(&value) && value.fract() <= 0.0 => Ok(Some(value as u64)),
            Some(value) => Err(format!(
                "row {row} of {}: {name} is {value}; a whole number from 0 is wanted\n  hint: leave the row out or correct it",
                self.description
            )),
        }
    }

    /// The hit of a row; it is called by its row, from 0, or by a column `hit`.
    fn hit(&self, row: usize) -> std::result::Result<Hit, String> {
        let point = |names: [&str; 3]| {
            let [x, y, z] = names.map(|name| self.number(name, row));
            Some([x?, y?, z?])
        };
        let entry = point(["x0", "y0", "z0"]).or_else(|| point(["x", "y", "z"])).unwrap_or_default();
        let layer = self.whole("layer", row)?.map(|layer| layer.min(u32::MAX.into()) as u32);
        Ok(Hit {
            number: self.whole("hit", row)?.unwrap_or(row as u64),
            layer,
            entry_mm: entry,
            exit_mm: point(["x1", "y1", "z1"]).unwrap_or(entry),
            deposit_kev: self.number("edep", row).unwrap_or(0.0),
            time_ns: self.number("t", row).unwrap_or(0.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<ReadHits> {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), Ionise::Clusters)
    }

    #[test]
    fn columns_are_known_by_names_and_units() {
        let read =
            of("event,layer,x_in_mm,y_in_cm,z0 [um],x_out_mm,y_out_mm,z_out_mm,deposit_mev,time_us,px_mev\n\
             3,1,1,2,3000,4,5,6,0.001,2,9\n1,0,1,1,1,1,1,1,0,0,0\n")
            .unwrap();
        let [(1, _), (3, hits)] = &read.hits.events[..] else { panic!("{read:?}") };
        let hit = &hits[0];
        assert_eq!((hit.number, hit.layer), (0, Some(1)));
        let places = [hit.entry_mm, hit.exit_mm].concat();
        let wanted = [1.0, 20.0, 3.0, 4.0, 5.0, 6.0];
        assert!(places.iter().zip(wanted).all(|(place, wanted)| (place - wanted).abs() < 1e-9), "{places:?}");
        assert!((hit.deposit_kev - 1.0).abs() < 1e-12 && (hit.time_ns - 2000.0).abs() < 1e-9);
        assert_eq!(read.warnings, ["columns that are not read: px_mev"]);
    }

    #[test]
    fn points_are_steps() {
        let read = of("x,y,z,t\n1,2,3,4\n").unwrap();
        let hit = &read.hits.events[0].1[0];
        assert!(hit.length_mm() < 1e-12 && (hit.exit_mm[1] - 2.0).abs() < 1e-12);
        assert_eq!(read.warnings, ["names no events: all hits are taken as those of event 0"]);
    }

    #[test]
    fn what_is_no_hit_is_refused() {
        for (text, said) in [
            ("a,b\n1,2\n", "has neither entries x0, y0, z0 nor points"),
            ("event,x,y,z\n0.5,1,2,3\n", "row 0 of text, separated by commas: event is 0.5"),
            ("x,x_mm,y,z\n1,1,2,3\n", "columns x and x_mm both are x"),
            ("x [pc],y,z\n1,2,3\n", "has a unit that is not understood"),
        ] {
            let message = of(text).unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
    }
}
