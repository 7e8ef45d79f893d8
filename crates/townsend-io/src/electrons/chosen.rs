//! The columns of a table that are read.

use std::path::Path;

use townsend_core::Coordinate;

use crate::columns::{ColumnHeader, ColumnKind, Table};
use crate::names::{Columns, guess};
use crate::{Choice, Error, Result};

/// Usual names of the number of an avalanche, in small letters without `_`, best first.
const EVENTS: [&str; 18] = [
    "avalanche",
    "event",
    "evt",
    "eventid",
    "ev",
    "avalancheid",
    "evtid",
    "evid",
    "eventnumber",
    "eventno",
    "evtnumber",
    "evtno",
    "eventnum",
    "evtnum",
    "nevent",
    "nevt",
    "ievent",
    "primary",
];
/// Usual names of the number of a run, within which events are numbered.
const RUNS: [&str; 7] = ["run", "runid", "runnumber", "runno", "runnum", "nrun", "irun"];
/// Usual names of the number of values in use of an array.
const COUNTS: [&str; 13] = [
    "n",
    "nelectrons",
    "nelectron",
    "nel",
    "ne",
    "count",
    "number",
    "size",
    "length",
    "mult",
    "multiplicity",
    "nhits",
    "npoints",
];

/// The places of the columns that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// Those of x, z and t.
    pub(super) coordinates: [usize; 3],
    /// Those that number avalanches: runs first, the number itself last; empty if there is none.
    pub(super) events: Vec<usize>,
    /// A run that is not among `events`.
    pub(super) run: Option<usize>,
    /// The number of values in use of arrays that are filled in part.
    pub(super) count: Option<usize>,
    /// Whether the user named them.
    pub(super) stated: Stated,
}

/// Which columns a user named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stated {
    pub(super) events: bool,
    pub(super) count: bool,
}

impl Chosen {
    /// Finds the columns by the names that the user stated, and by their usual ones.
    pub(super) fn new(path: &Path, table: &dyn Table, columns: &Columns) -> Result<Self> {
        let wanted = Coordinate::ALL.map(|coordinate| columns.coordinate(coordinate));
        let found: Vec<usize> = wanted.iter().filter_map(|name| find(table, name)).collect();
        let Ok(coordinates) = <[usize; 3]>::try_from(found) else {
            return Err(missing(path, table, &wanted));
        };
        let stated = Stated { events: !columns.event.is_empty(), count: columns.count.is_some() };
        let run = usual(table, &RUNS).filter(|run| !coordinates.contains(run));
        let mut events = by_names(path, table, &columns.event)?;
        if !stated.events
            && let Some(event) = usual(table, &EVENTS)
        {
            events = run.into_iter().chain([event]).collect();
        }
        let count = match &columns.count {
            Some(name) => Some(find(table, name).ok_or_else(|| missing(path, table, &[name]))?),
            None => usual(table, &COUNTS),
        };
        let run = run.filter(|run| !events.contains(run));
        Ok(Self { coordinates, events, run, count, stated })
    }

    /// True if the column is read.
    pub(super) fn uses(&self, index: usize) -> bool {
        self.coordinates.contains(&index) || self.events.contains(&index) || self.count == Some(index)
    }
}

/// True if a table has the columns of all coordinates.
pub(crate) fn fits(table: &dyn Table, columns: &Columns) -> bool {
    Coordinate::ALL.into_iter().all(|coordinate| find(table, columns.coordinate(coordinate)).is_some())
}

/// The column of this name, or, for a whole number that no column is called by, the one at that place.
pub(super) fn find(table: &dyn Table, name: &str) -> Option<usize> {
    let headers = table.headers();
    let by_place = || name.parse::<usize>().ok().filter(|place| (1..=headers.len()).contains(place));
    headers.iter().position(|header| header.name == name).or_else(|| by_place().map(|place| place - 1))
}

fn by_names(path: &Path, table: &dyn Table, names: &[String]) -> Result<Vec<usize>> {
    names.iter().map(|name| find(table, name).ok_or_else(|| missing(path, table, &[name]))).collect()
}

/// The column of numbers whose name is the first of these that occurs.
fn usual(table: &dyn Table, names: &[&str]) -> Option<usize> {
    let plain = |header: &ColumnHeader| header.name.to_lowercase().replace('_', "");
    names.iter().find_map(|name| {
        table.headers().iter().position(|header| header.kind == ColumnKind::Number && plain(header) == *name)
    })
}

/// The error for columns that are not there: what is, and the names that are most likely meant.
pub(super) fn missing(path: &Path, table: &dyn Table, wanted: &[&str]) -> Error {
    let lacking: Vec<&str> = wanted.iter().copied().filter(|name| find(table, name).is_none()).collect();
    let what = format!(
        "{} has no column {}; it has {}",
        table.describe(),
        lacking.join(", "),
        list(table.headers(), &lacking)
    );
    let what = if are_responses(table) {
        what + ": recorded responses of foils, to which a cascade is fitted (configuration cascade-stages), and no avalanches"
    } else {
        what
    };
    Error::Undecided { file: path.into(), what, choices: suggestion(table).into_iter().collect() }
}

/// True if a table has arrays as those of recorded responses are called.
fn are_responses(table: &dyn Table) -> bool {
    let named = |name: &str| table.headers().iter().any(|header| header.name == name);
    let mut starts = table.headers().iter().filter_map(|header| header.name.strip_suffix("_start"));
    starts.any(|name| named(&format!("{name}_electrons")))
}

/// The choice of columns that most likely reads a table.
pub(crate) fn suggestion(table: &dyn Table) -> Option<Choice> {
    let readable = |header: &&ColumnHeader| !matches!(header.kind, ColumnKind::Other(_));
    let names: Vec<&str> = table.headers().iter().filter(readable).map(|header| &*header.name).collect();
    Some(Choice::new("columns", Columns::of(guess(&names)?).to_string()))
}

/// Columns that an error lists at most.
const MOST_LISTED: usize = 24;

/// The columns with their types, those with names nearest to the wanted ones first.
pub(crate) fn list(headers: &[ColumnHeader], wanted: &[&str]) -> String {
    let distance = |header: &ColumnHeader| {
        let name: String = header.name.chars().take(64).collect();
        wanted.iter().map(|wanted| strsim::osa_distance(wanted, &name)).min().unwrap_or(0)
    };
    let mut sorted: Vec<&ColumnHeader> = headers.iter().collect();
    sorted.sort_by_key(|header| distance(header));
    let mut names: Vec<String> = sorted
        .iter()
        .take(MOST_LISTED)
        .map(|header| format!("{} ({})", header.name, header.type_name))
        .collect();
    if sorted.len() > MOST_LISTED {
        names.push(format!("and {} more", sorted.len() - MOST_LISTED));
    }
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
