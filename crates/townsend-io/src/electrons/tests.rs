//! What makes avalanches of a table, on tables in memory.

use std::ops::Range;

use townsend_core::Silent;

use super::*;
use crate::columns::{ColumnHeader, ColumnKind, ColumnReader, ColumnValues, InParts};

/// A table in memory.
struct Made {
    headers: Vec<ColumnHeader>,
    columns: Vec<ColumnValues>,
    rows: u64,
}

impl Table for Made {
    fn describe(&self) -> String {
        "table made".into()
    }

    fn headers(&self) -> &[ColumnHeader] {
        &self.headers
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn parts(&self) -> Option<&dyn InParts> {
        Some(self)
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        Ok(self.columns[index].clone())
    }
}

impl InParts for Made {
    fn file_bytes(&self) -> u64 {
        1 << 20
    }

    fn column(&self, index: usize) -> Result<Box<dyn ColumnReader + '_>> {
        Ok(Box::new(&self.columns[index]))
    }
}

impl ColumnReader for &ColumnValues {
    fn read(&mut self, rows: Range<u64>) -> Result<ColumnValues> {
        let mut values = self.values.clone();
        let Some(offsets) = &self.offsets else {
            values.retain(|place| rows.contains(&(place as u64)));
            return Ok(ColumnValues { offsets: None, values });
        };
        let all = offsets.len() - 1;
        let of_rows = (rows.start as usize).min(all)..=(rows.end.min(all as u64) as usize);
        let offsets = &offsets[of_rows];
        let (start, end) = (offsets[0], offsets[offsets.len() - 1]);
        values.retain(|place| (start..end).contains(&(place as u64)));
        let offsets = offsets.iter().map(|offset| offset - start).collect();
        Ok(ColumnValues { offsets: Some(offsets), values })
    }
}

impl Made {
    fn new(rows: u64) -> Self {
        Self { headers: Vec::new(), columns: Vec::new(), rows }
    }

    fn with(mut self, name: &str, title: &str, kind: ColumnKind, column: ColumnValues) -> Self {
        let header = ColumnHeader { name: name.into(), kind, type_name: "f64".into(), title: title.into() };
        self.headers.push(header);
        self.columns.push(column);
        self
    }

    fn numbers(self, name: &str, values: &[f64]) -> Self {
        let column = ColumnValues { offsets: None, values: Values::F64(values.into()) };
        self.with(name, "", ColumnKind::Number, column)
    }

    fn lists(self, name: &str, title: &str, lists: &[&[f32]]) -> Self {
        let mut offsets = vec![0];
        offsets.extend(lists.iter().scan(0, |end, list| {
            *end += list.len() as u64;
            Some(*end)
        }));
        let column = ColumnValues { offsets: Some(offsets), values: Values::F32(lists.concat()) };
        self.with(name, title, ColumnKind::List, column)
    }

    fn arrays(self, name: &str, length: usize, values: &[f64]) -> Self {
        let offsets = (0..=values.len() / length).map(|row| (row * length) as u64).collect();
        let column = ColumnValues { offsets: Some(offsets), values: Values::F64(values.into()) };
        self.with(name, "", ColumnKind::Array(length), column)
    }

    /// Reads the table at once, and sees that parts of it say the same.
    fn read_with(&self, options: &ReadOptions) -> Result<(ElectronSet, Vec<String>)> {
        let whole = self.read_by(options, None);
        for most in 1..6 {
            let parts = self.read_by(options, Some(most));
            match (&whole, &parts) {
                (Ok(whole), Ok(parts)) => assert_eq!(whole, parts, "parts of {most}"),
                // What a part lacks is counted in the part.
                (Err(whole), Err(parts)) if whole.to_string().contains("run has ") => {
                    assert!(parts.to_string().contains("run has "), "{parts}");
                }
                (Err(whole), Err(parts)) => assert_eq!(whole.to_string(), parts.to_string(), "of {most}"),
                _ => panic!("{whole:?} at once, {parts:?} in parts of {most}"),
            }
        }
        whole
    }

    fn read_by(&self, options: &ReadOptions, most: Option<u64>) -> Result<(ElectronSet, Vec<String>)> {
        let (mut all, mut told) = (ElectronSet::default(), Vec::new());
        read(Path::new("made"), self, options, most, &Silent, &mut |part| {
            let largest = part.set.iter().map(|avalanche| avalanche.len()).max().unwrap_or(0) as u64;
            let electrons = part.set.column(Coordinate::X).len() as u64;
            // The size of lists is not known before they are read.
            let lists = part.kind == "one entry an avalanche";
            assert!(most.is_none_or(|most| lists || electrons <= most + largest), "{electrons} in a part");
            all.append(&part.set);
            told.extend(part.notices.iter().map(Notice::to_string));
            ControlFlow::Continue(())
        })?;
        Ok((all, told))
    }
}

/// Four electrons in two avalanches, one row an electron.
fn flat() -> Made {
    Made::new(4)
        .numbers("x", &[0.0, 1.0, 2.0, 3.0])
        .numbers("z", &[0.0, 0.5, 1.0, 1.5])
        .numbers("t", &[170.0, 171.0, 172.0, 175.0])
        .numbers("event", &[4.0, 4.0, 4.0, 6.0])
        .numbers("status", &[-5.0, 1.0, -5.0, 1.0])
}

fn sizes(set: &ElectronSet) -> Vec<usize> {
    set.iter().map(|avalanche| avalanche.len()).collect()
}

fn options(key: &str, value: &str) -> ReadOptions {
    let text = format!("{key} = \"{value}\"");
    toml::from_str(&text).unwrap()
}

#[test]
fn rows_are_electrons_with_a_number() {
    let (set, told) = flat().read_with(&ReadOptions::default()).unwrap();
    assert_eq!(sizes(&set), [3, 0, 1]);
    assert!(told[0].contains("1 numbers of event without a row were taken as empty"), "{told:?}");
    assert_eq!(told[1], "columns that are not read: status");
}

#[test]
fn a_selection_of_electrons_leaves_avalanches_empty() {
    let (set, told) = flat().read_with(&options("where", "status == -5")).unwrap();
    assert_eq!(sizes(&set), [2, 0, 0], "the third has no such electron and stays");
    assert_eq!(set.column(Coordinate::X), [0.0, 2.0]);
    assert!(told.iter().all(|text| !text.contains("not read")), "status was compared: {told:?}");
}

#[test]
fn a_selection_of_avalanches_drops_them() {
    let (set, _) = flat().read_with(&options("where", "event >= 5")).unwrap();
    assert_eq!(sizes(&set), [0, 1]);
    let (set, _) = flat().read_with(&options("where", "event >= 6 and status == -5 or event == 4")).unwrap();
    assert_eq!(sizes(&set), [3, 0]);
    let missing = flat().read_with(&options("where", "stat == 1")).unwrap_err().to_string();
    assert!(missing.contains("has no column stat; it has status (f64)"), "{missing}");
}

#[test]
fn in_lists_a_number_beside_them_chooses_avalanches() {
    let lists: [&[f32]; 3] = [&[0.0, 1.0], &[], &[2.0, 3.0, 4.0]];
    let table = Made::new(3)
        .lists("x", "x [cm]", &lists)
        .lists("z", "z (um)", &lists)
        .lists("t", "t/ps", &lists)
        .lists("status", "", &[&[1.0, 2.0], &[], &[2.0, 1.0, 2.0]])
        .numbers("run", &[1.0, 1.0, 2.0]);
    let (set, _) = table.read_with(&ReadOptions::default()).unwrap();
    assert_eq!((sizes(&set), set.get(2).x), (vec![2, 0, 3], &[20.0, 30.0, 40.0][..]));
    assert_eq!((set.get(2).z, set.get(2).t), (&[0.002, 0.003, 0.004][..], &[0.002, 0.003, 0.004][..]));
    let (set, _) = table.read_with(&options("where", "status == 2")).unwrap();
    assert_eq!(sizes(&set), [1, 0, 2]);
    let (set, _) = table.read_with(&options("where", "run == 1 and status == 2")).unwrap();
    assert_eq!(sizes(&set), [1, 0]);
    let (set, _) = table.read_with(&options("units", "mm,ns")).unwrap();
    assert_eq!(set.get(2).x, [2.0, 3.0, 4.0], "what is stated goes before what the file says");
}

#[test]
fn axes_can_be_swapped_and_called_by_their_place() {
    let columns = |text| options("columns", text);
    let (swapped, _) = flat().read_with(&columns("x=z,z=x")).unwrap();
    assert_eq!(swapped.column(Coordinate::X), [0.0, 0.5, 1.0, 1.5]);
    let (by_place, _) = flat().read_with(&columns("x=2,z=1,t=3,event=4")).unwrap();
    assert_eq!(by_place, swapped);
}

#[test]
fn lists_of_different_lengths_are_refused() {
    let table = Made::new(2).lists("x", "", &[&[0.0], &[1.0]]).lists("z", "", &[&[0.0], &[1.0, 2.0]]).lists(
        "t",
        "",
        &[&[0.0], &[1.0]],
    );
    let error = table.read_with(&ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("entry 1 does not hold as many z as x"), "{error}");
    let mixed = flat().lists("xs", "", &[&[0.0]]);
    let error = mixed.read_with(&options("columns", "x=xs")).unwrap_err().to_string();
    assert!(error.contains("must all be lists"), "{error}");
}

#[test]
fn arrays_without_a_number_in_use_are_refused_if_they_look_filled_in_part() {
    let values = [1.0, 2.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0];
    let arrays = ["x", "z", "t"].iter().fold(Made::new(2), |made, name| made.arrays(name, 4, &values));
    let error = arrays.read_with(&ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("entries have 4 values"), "{error}");
    assert_eq!(error.choices()[0].option, "columns");
    let numbered = arrays.numbers("used", &[2.0, 4.0]);
    let (set, _) = numbered.read_with(&options("columns", "n=used")).unwrap();
    assert_eq!(sizes(&set), [2, 4]);
    assert_eq!(set.column(Coordinate::T), [1.0, 2.0, 5.0, 6.0, 7.0, 8.0]);
    let wrong = numbered.read_with(&options("columns", "n=x")).unwrap_err().to_string();
    assert!(wrong.contains("x does not hold whole numbers from 0 to 4"), "{wrong}");
}

#[test]
fn a_run_that_changes_within_an_avalanche_is_told() {
    let table = flat().numbers("run", &[1.0, 1.0, 2.0, 2.0]);
    let (set, _) = table.read_with(&ReadOptions::default()).unwrap();
    assert_eq!(sizes(&set), [2, 1, 0, 1], "run and event number avalanches together");
    let (set, told) = table.read_with(&options("columns", "event=event")).unwrap();
    assert_eq!(sizes(&set), [3, 0, 1]);
    assert!(told.iter().any(|text| text.contains("run changes from 1 to 2 within avalanche 0")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("event=run+event")), "{told:?}");
}

#[test]
fn whole_numbers_beyond_those_of_a_float_keep_their_differences() {
    let span = |values: &Values| {
        let mut span = Span::default();
        span.extend(values);
        span
    };
    let picoseconds = Values::I64([0, 1000, 4500].map(|t| 1_764_000_000_000_000_000 + t).into());
    let of_all = span(&picoseconds);
    assert_eq!(in_standard_units(picoseconds, 1e-3, &of_all), [0.0, 1.0, 4.5]);
    let told = of_all.notice(1e-3, Coordinate::T).unwrap();
    assert!(told.text.contains("were taken off"), "{told:?}");
    let small = Values::I64(vec![-2, 3]);
    let of_all = span(&small);
    assert_eq!(in_standard_units(small, 1.0, &of_all), [-2.0, 3.0]);
    assert_eq!(of_all.notice(1.0, Coordinate::X), None);
}

/// Branches of a tree may have fewer entries than others.
#[test]
fn numbers_of_fewer_rows_are_refused() {
    let table = flat().numbers("run", &[1.0, 1.0, 2.0]);
    let error = table.read_with(&ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("run has "), "{error}");
}

#[test]
fn an_empty_avalanche_has_the_run_of_the_one_before() {
    let table = flat().numbers("run", &[1.0; 4]);
    let (set, _) = table.read_with(&options("where", "run == 1")).unwrap();
    assert_eq!(sizes(&set), [3, 0, 1]);
}

#[test]
fn y_beside_z_and_a_constant_are_told() {
    let (_, told) = flat().numbers("y", &[0.0; 4]).read_with(&ReadOptions::default()).unwrap();
    assert!(told.iter().any(|text| text.contains("there is a y")), "{told:?}");
    let constant = Made::new(2)
        .numbers("x", &[0.0, 1.0])
        .numbers("z", &[0.5, 0.5])
        .numbers("t", &[170.0, 171.0])
        .numbers("event", &[0.0, 0.0]);
    let (_, told) = constant.read_with(&ReadOptions::default()).unwrap();
    assert!(told.iter().any(|text| text.contains("z is 0.5 mm for every electron")), "{told:?}");
}

/// 0.03 mm are the width of a single foil's avalanche, or of a triple GEM's in cm.
#[test]
fn a_width_is_implausible_in_a_unit_that_is_not_named() {
    let lists: [&[f32]; 1] = [&[-0.03, 0.03, -0.03, 0.03]];
    let times: [&[f32]; 1] = [&[170.0, 180.0, 170.0, 180.0]];
    let table = |title: &str| {
        Made::new(1).lists("x", title, &lists).lists("z", "z [cm]", &lists).lists("t", "t [ns]", &times)
    };
    let (_, told) = table("").read_with(&ReadOptions::default()).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("3.00e-2 mm wide in x") && told[0].contains("units = \"x=cm\""), "{told:?}");
    assert!(table("x [mm]").read_with(&ReadOptions::default()).unwrap().1.is_empty());
    let (_, told) = table("x [nm]").read_with(&ReadOptions::default()).unwrap();
    assert!(told[0].contains("is its unit another one"), "{told:?}");
}

#[test]
fn a_unit_that_is_not_understood_is_told_with_the_option() {
    let lists: [&[f32]; 1] = [&[0.0, 1.0]];
    let table = Made::new(1).lists("x", "x [furlong]", &lists).lists("z", "", &lists).lists("t", "", &lists);
    let (_, told) = table.read_with(&ReadOptions::default()).unwrap();
    assert_eq!(
        told[0],
        "column x has the unit `furlong`, which is not understood; mm is assumed (to settle it: units = \"x=mm\")"
    );
}
