//! Hits in drift gaps from tables.

mod columns;
mod layout;

use std::collections::BTreeMap;
use std::path::Path;

use townsend_io::{NumberColumn, NumberTable, Source, Stated, read_number_table, sources, unit_in_title};
use townsend_readout::{Hit, Ionise};

pub use columns::{HitColumns, HitOptions, HitUnits};
use columns::{KNOWN, Name, place_of};
pub use layout::Layout;

use crate::digitise::Hits;
use crate::{Error, Result};

/// Hits of a file, and what was noticed on reading them.
#[derive(Debug)]
pub(super) struct ReadHits {
    pub(super) hits: Hits,
    /// Whether they say of which track they are.
    pub(super) tracks: bool,
    pub(super) warnings: Vec<String>,
}

/// Reads hits. `FILE:TREE` names one of several trees too.
pub(super) fn read(file: &Path, ionise: Ionise, options: &HitOptions) -> Result<ReadHits> {
    let mut source = one_source(file)?;
    source.tree = source.tree.or_else(|| options.tree.clone());
    let table = read_number_table(&source, |name| options.known(name).is_some())?;
    let refused = |what: String| Error::Content { path: source.path.clone(), what };
    let columns = Chosen::new(&table, options).map_err(refused)?;
    let mut warnings = Vec::new();
    if columns.of("event").is_none() && !columns.lists() {
        warnings.push("names no events: all hits are taken as those of event 0".into());
    }
    if ionise == Ionise::Deposit && columns.of("edep").is_none() {
        let what = "has no column of deposits (edep, deposit), which ionisation by deposit needs\n  hint: choose ionisation by clusters";
        return Err(refused(what.into()));
    }
    let mut others = table.others.clone();
    others.extend(columns.left.iter().cloned());
    // A file of EDM4hep or of CMS holds hundreds of columns that have nothing to do with its hits.
    if !others.is_empty() && !options.layout.in_collections() {
        warnings.push(format!("columns that are not read: {}", others.join(", ")));
    }
    let mut events: BTreeMap<u64, Vec<Hit>> = BTreeMap::new();
    for (row, at) in columns.places().map_err(refused)? {
        let place = At { row, at };
        let event = columns.whole("event", place).map_err(refused)?;
        let event = event.unwrap_or(if columns.lists() { row as u64 } else { 0 });
        // Many files have one hit an event: room for one, where a first push makes room for four.
        let hits = events.entry(event).or_insert_with(|| Vec::with_capacity(1));
        hits.push(columns.hit(place).map_err(refused)?);
    }
    let tracks = columns.of("track").is_some();
    Ok(ReadHits { hits: Hits { events: events.into_iter().collect() }, tracks, warnings })
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

/// A hit's row, and its place among the numbers of all rows.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    at: usize,
}

/// The columns of a table by what they are.
struct Chosen<'t> {
    description: &'t str,
    rows: usize,
    columns: [Option<(&'t NumberColumn, f64)>; KNOWN.len()],
    /// Names of columns of other collections.
    left: Vec<String>,
}

impl<'t> Chosen<'t> {
    fn new(table: &'t NumberTable, options: &HitOptions) -> std::result::Result<Self, String> {
        let mut chosen = Self {
            description: &table.description,
            rows: table.rows as usize,
            columns: [None; KNOWN.len()],
            left: Vec::new(),
        };
        let collection = collection(table, options)?;
        for column in &table.columns {
            let Some(Name { place, collection: of }) = options.known(&column.name) else { continue };
            let (what, dimension) = KNOWN[place];
            if of != collection && what != "event" {
                chosen.left.push(column.name.clone());
                continue;
            }
            let stated = dimension.map(|dimension| unit_in_title(&column.name, &column.title, dimension));
            let scale = match (options.units.0[place], stated, dimension) {
                (Some(size), _, _) | (None, Some(Stated::Size(size)), _) => size,
                (None, Some(Stated::Unknown(_)), Some(dimension)) => {
                    return Err(format!(
                        "column {} has a unit that is not understood: {}\n  hint: there are {}; --units {what}=UNIT states one",
                        column.name,
                        column.title,
                        dimension.units()
                    ));
                }
                (None, _, Some(dimension)) => options.layout.unit(dimension),
                (None, _, None) => 1.0,
            };
            if let Some((other, _)) = chosen.columns[place] {
                return Err(format!(
                    "columns {} and {} both are {what}\n  hint: say which with --columns {what}=NAME",
                    other.name, column.name
                ));
            }
            chosen.columns[place] = Some((column, scale));
        }
        for (place, name) in &options.columns.0 {
            if chosen.columns[*place].is_none() {
                return Err(format!(
                    "{} has no column {name} of numbers\n  hint: townsend inspect lists the columns of a file",
                    table.description
                ));
            }
        }
        let all = |names: [&str; 3]| names.iter().all(|name| chosen.of(name).is_some());
        if !all(["x0", "y0", "z0"]) && !all(["x", "y", "z"]) && !all(["x1", "y1", "z1"]) {
            let there: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
            let hint = if options.layout == Layout::Plain {
                "--columns x0=NAME names columns, --layout geant4 and others know those of other programs; docs/readout.md lists them"
            } else {
                "--columns x=NAME names columns; docs/readout.md lists those of each layout"
            };
            return Err(format!(
                "{} has neither entries x0, y0, z0 nor points x, y, z; of what is known it has: {}\n  hint: {hint}",
                table.description,
                there.join(", ")
            ));
        }
        Ok(chosen)
    }

    fn of(&self, name: &str) -> Option<(&'t NumberColumn, f64)> {
        place_of(name).and_then(|place| self.columns[place])
    }

    /// Whether rows are events.
    fn lists(&self) -> bool {
        self.list().is_some()
    }

    /// The first column, but for the event's number, whose rows are lists.
    fn list(&self) -> Option<(&'t NumberColumn, &'t [u64])> {
        let of = |place: usize| {
            let (column, _) = self.columns[place]?;
            Some((column, column.offsets.as_deref()?))
        };
        (0..KNOWN.len()).filter(|place| KNOWN[*place].0 != "event").find_map(of)
    }

    /// The row and the place of each hit.
    fn places(&self) -> std::result::Result<Vec<(usize, usize)>, String> {
        let Some((first, offsets)) = self.list() else {
            return Ok((0..self.rows).map(|row| (row, row)).collect());
        };
        for (place, (column, _)) in self.columns.iter().enumerate().filter_map(|(k, c)| c.map(|c| (k, c))) {
            let Some(own) = column.offsets.as_deref() else { continue };
            let wanted = if KNOWN[place].0 == "event" { None } else { Some(offsets) };
            let fits = |row: usize| {
                let length = |offsets: &[u64]| offsets.get(row + 1)?.checked_sub(*offsets.get(row)?);
                length(own) == wanted.map_or(Some(1), length)
            };
            if let Some(row) = (0..offsets.len().saturating_sub(1)).find(|&row| !fits(row)) {
                return Err(format!(
                    "row {row} of {}: {} has not as many numbers as {}\n  hint: every hit needs one of each",
                    self.description, column.name, first.name
                ));
            }
        }
        let rows = offsets.windows(2).enumerate();
        Ok(rows.flat_map(|(row, pair)| (pair[0]..pair[1]).map(move |at| (row, at as usize))).collect())
    }

    fn number(&self, name: &str, At { row, at }: At) -> Option<f64> {
        let (column, scale) = self.of(name)?;
        let at = match &column.offsets {
            None => row,
            Some(offsets) if name == "event" => *offsets.get(row)? as usize,
            Some(_) => at,
        };
        column.values.get(at).map(|value| value * scale)
    }

    /// A number that counts something; `None` without the column.
    fn whole(&self, name: &str, at: At) -> std::result::Result<Option<u64>, String> {
        match self.number(name, at) {
            None => Ok(None),
            Some(value) if (0.0..1e15).contains(&value) && value.fract() <= 0.0 => Ok(Some(value as u64)),
            Some(value) => Err(format!(
                "row {} of {}: {name} is {value}; a whole number from 0 is wanted\n  hint: leave the row out or correct it",
                at.row, self.description
            )),
        }
    }

    /// A hit, which is called by its place from 0 or by a column `hit`.
    fn hit(&self, at: At) -> std::result::Result<Hit, String> {
        let point = |names: [&str; 3]| {
            let [x, y, z] = names.map(|name| self.number(name, at));
            Some([x?, y?, z?])
        };
        let (first, last) = (point(["x0", "y0", "z0"]), point(["x1", "y1", "z1"]));
        let middle = point(["x", "y", "z"]);
        // The point after a step stands for all of it where the point before is not known.
        let entry = first.or(middle).or(last).unwrap_or_default();
        let mut hit = Hit::between(entry, first.and(last).unwrap_or(entry));
        if first.is_none()
            && let (Some(momentum), Some(path)) = (point(["px", "py", "pz"]), self.number("path", at))
        {
            let size = momentum.iter().map(|p| p * p).sum::<f64>().sqrt();
            if size > 0.0 {
                let from = |sign: f64| [0, 1, 2].map(|k| entry[k] + sign * 0.5 * path * momentum[k] / size);
                (hit.entry_mm, hit.exit_mm) = (from(-1.0), from(1.0));
            }
        }
        hit.number = self.whole("hit", at)?.unwrap_or(at.at as u64);
        hit.track = self.whole("track", at)?;
        hit.layer = self.whole("layer", at)?.map(|layer| layer.min(u32::MAX.into()) as u32);
        hit.deposit_kev = self.number("edep", at).unwrap_or(0.0);
        hit.time_ns = self.number("t", at).unwrap_or(0.0);
        Ok(hit)
    }
}

/// The collection whose members are the hits: that of a column that was stated, or the only one that has
/// places.
fn collection<'t>(table: &'t NumberTable, options: &HitOptions) -> std::result::Result<&'t str, String> {
    let stated = |name: &str| options.columns.0.iter().any(|(_, stated)| stated == name);
    let mut with_places: Vec<&str> = Vec::new();
    for column in &table.columns {
        let Some(Name { place, collection }) = options.known(&column.name) else { continue };
        let is_place = matches!(KNOWN[place].0, "x" | "x0" | "x1");
        if is_place && stated(&column.name) {
            return Ok(collection);
        }
        if is_place && !with_places.contains(&collection) {
            with_places.push(collection);
        }
    }
    match with_places[..] {
        [] => Ok(""),
        [one] => Ok(one),
        [first, ..] => {
            let x = KNOWN.iter().find_map(|(what, _)| {
                options.layout.names(what).iter().find(|name| name.to_lowercase().ends_with('x'))
            });
            Err(format!(
                "{} has several collections of hits: {}\n  hint: choose one by a column of it, --columns {}={first}.{}",
                table.description,
                with_places.join(", "),
                if options.layout == Layout::PSimHit { "x0" } else { "x" },
                x.unwrap_or(&"x")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, options: &HitOptions) -> Result<ReadHits> {
        let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), Ionise::Clusters, options)
    }

    fn of(text: &str) -> Result<ReadHits> {
        with(text, &HitOptions::default())
    }

    fn laid_out(layout: Layout, text: &str) -> Hit {
        let read = with(text, &HitOptions { layout, ..HitOptions::default() }).unwrap();
        read.hits.events[0].1[0]
    }

    #[test]
    fn columns_are_known_by_names_and_units() {
        let read = of(
            "event,layer,x_in_mm,y_in_cm,z0 [um],x_out_mm,y_out_mm,z_out_mm,deposit_mev,time_us,mass_mev\n\
             3,1,1,2,3000,4,5,6,0.001,2,9\n1,0,1,1,1,1,1,1,0,0,0\n",
        )
        .unwrap();
        let [(1, _), (3, hits)] = &read.hits.events[..] else { panic!("{read:?}") };
        let hit = &hits[0];
        assert_eq!((hit.number, hit.layer, hit.track), (0, Some(1), None));
        let places = [hit.entry_mm, hit.exit_mm].concat();
        let wanted = [1.0, 20.0, 3.0, 4.0, 5.0, 6.0];
        assert!(places.iter().zip(wanted).all(|(place, wanted)| (place - wanted).abs() < 1e-9), "{places:?}");
        assert!((hit.deposit_kev - 1.0).abs() < 1e-12 && (hit.time_ns - 2000.0).abs() < 1e-9);
        assert_eq!(read.warnings, ["columns that are not read: mass_mev"]);
        assert!(!read.tracks);
    }

    #[test]
    fn points_are_steps() {
        let read = of("x,y,z,t,track\n1,2,3,4,5\n").unwrap();
        let hit = &read.hits.events[0].1[0];
        assert!(hit.length_mm() < 1e-12 && (hit.exit_mm[1] - 2.0).abs() < 1e-12);
        assert_eq!((hit.track, read.tracks), (Some(5), true));
        assert_eq!(read.warnings, ["names no events: all hits are taken as those of event 0"]);
    }

    #[test]
    fn names_and_units_can_be_stated() {
        let options = HitOptions {
            columns: "x=a, y=b,z=c,edep=loss".parse().unwrap(),
            units: "cm,edep=GeV".parse().unwrap(),
            ..HitOptions::default()
        };
        let read = with("a,b,c,loss,x\n1,2,3,0.001,9\n", &options).unwrap();
        let hit = &read.hits.events[0].1[0];
        assert!((hit.entry_mm[2] - 30.0).abs() < 1e-9 && (hit.deposit_kev - 1000.0).abs() < 1e-9, "{hit:?}");
        let missing = HitOptions { columns: "edep=none".parse().unwrap(), ..HitOptions::default() };
        let said = with("x,y,z\n1,2,3\n", &missing).unwrap_err().to_string();
        assert!(said.contains("has no column none of numbers"), "{said}");
        for (wrong, said) in [("q=a", "names no column"), ("x=", "names no column"), ("x", "names no column")]
        {
            assert!(wrong.parse::<HitColumns>().unwrap_err().contains(said));
        }
        for (wrong, said) in
            [("q=mm", "is no column of hits"), ("ell", "is no unit of hits"), ("x=ns", "is no unit of x")]
        {
            assert!(wrong.parse::<HitUnits>().unwrap_err().contains(said));
        }
        assert!("ilc".parse::<Layout>().unwrap_err().contains("plain, geant4, cygno, edm4hep, psimhit"));
    }

    /// Units, and the way between two points, of every layout that a text can have.
    #[test]
    fn layouts_have_their_names_and_units() {
        let steps = laid_out(Layout::Geant4, "eventID,trackID,postX,postY,postZ,edep\n0,4,1,2,3,0.002\n");
        assert!((steps.length_mm(), steps.track) == (0.0, Some(4)) && (steps.deposit_kev - 2.0).abs() < 1e-9);
        let steps = laid_out(
            Layout::Geant4,
            "event,x_pre_cm,y_pre_cm,z_pre_cm,x_post_cm,y_post_cm,z_post_cm,Edep_keV\n0,1,0,0,1,0,0.5,2\n",
        );
        assert!((steps.length_mm() - 5.0).abs() < 1e-9 && (steps.deposit_kev - 2.0).abs() < 1e-9);
        let way = laid_out(
            Layout::Edm4hep,
            "position.x,position.y,position.z,momentum.x,momentum.y,momentum.z,pathLength,eDep,time\n10,0,0,0,0.6,0.8,5,1e-6,3\n",
        );
        let wanted = [10.0, -1.5, -2.0, 10.0, 1.5, 2.0];
        let places = [way.entry_mm, way.exit_mm].concat();
        assert!(places.iter().zip(wanted).all(|(place, wanted)| (place - wanted).abs() < 1e-9), "{places:?}");
        assert!((way.deposit_kev - 1.0).abs() < 1e-9 && (way.time_ns - 3.0).abs() < 1e-9);
        let way = laid_out(
            Layout::PSimHit,
            "entry_x,entry_y,entry_z,exit_x,exit_y,exit_z,tof,energyLoss,trackId\n0,0,-0.15,0,0,0.15,21,1e-6,7\n",
        );
        assert!(
            (way.length_mm() - 3.0).abs() < 1e-9 && way.track == Some(7) && (way.time_ns - 21.0).abs() < 1e-9
        );
    }

    #[test]
    fn several_collections_need_a_choice() {
        let text =
            "A.position.x,A.position.y,A.position.z,B.position.x,B.position.y,B.position.z\n1,2,3,4,5,6\n";
        let options = HitOptions { layout: Layout::Edm4hep, ..HitOptions::default() };
        let said = with(text, &options).unwrap_err().to_string();
        assert!(
            said.contains("several collections of hits: A, B") && said.contains("--columns x=A.position.x"),
            "{said}"
        );
        let chosen = HitOptions { columns: "x=B.position.x".parse().unwrap(), ..options };
        let hit = with(text, &chosen).unwrap().hits.events[0].1[0];
        assert!((hit.entry_mm[2] - 6.0).abs() < 1e-9, "{hit:?}");
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

    /// Whatever is done to a table, there are hits or an error that names the file.
    #[test]
    fn damaged_tables_give_hits_or_an_error() {
        let wholes: Vec<_> = townsend_damage::seeds("numbers").into_iter().map(|(_, bytes)| bytes).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut taken, mut refused) = (0, 0);
        for case in 0..townsend_damage::mutations(3000) {
            let bytes = townsend_damage::changed(&wholes, case);
            townsend_damage::fill(file.as_file(), &bytes).unwrap();
            let layout = Layout::ALL[case as usize % Layout::ALL.len()].1;
            match read(file.path(), layout.ionise(), &HitOptions { layout, ..HitOptions::default() }) {
                Ok(_) => taken += 1,
                Err(error) => {
                    assert!(error.to_string().contains(&*file.path().to_string_lossy()), "{case}: {error}");
                    refused += 1;
                }
            }
        }
        assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
    }
}
