//! What the columns of a table of hits are, by their names and as a user states them.

use std::str::FromStr;

use townsend_io::{Dimension, unit_size};

use super::layout::Layout;

/// What a column can be, and what its unit measures. Momenta give a direction alone, so that theirs does not
/// matter.
pub(super) const KNOWN: [(&str, Option<Dimension>); 19] = [
    ("event", None),
    ("layer", None),
    ("x0", Some(Dimension::Length)),
    ("y0", Some(Dimension::Length)),
    ("z0", Some(Dimension::Length)),
    ("x1", Some(Dimension::Length)),
    ("y1", Some(Dimension::Length)),
    ("z1", Some(Dimension::Length)),
    ("x", Some(Dimension::Length)),
    ("y", Some(Dimension::Length)),
    ("z", Some(Dimension::Length)),
    ("px", Some(Dimension::Energy)),
    ("py", Some(Dimension::Energy)),
    ("pz", Some(Dimension::Energy)),
    ("path", Some(Dimension::Length)),
    ("t", Some(Dimension::Time)),
    ("edep", Some(Dimension::Energy)),
    ("track", None),
    ("hit", None),
];

pub(super) fn place_of(what: &str) -> Option<usize> {
    KNOWN.iter().position(|(known, _)| *known == what)
}

fn all_known() -> String {
    KNOWN.map(|(what, _)| what).join(", ")
}

/// The names of columns as a user states them: `x=xe,edep=dE`. Others have their usual names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HitColumns(pub(super) Vec<(usize, String)>);

impl FromStr for HitColumns {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let of = |part: &str| {
            let (what, name) = part.split_once('=').unwrap_or_default();
            match (place_of(what.trim()), name.trim()) {
                (Some(place), name) if !name.is_empty() => Ok((place, name.to_owned())),
                _ => Err(format!("`{part}` names no column; write x0=NAME, with one of {}", all_known())),
            }
        };
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(of)
            .collect::<std::result::Result<_, _>>()
            .map(Self)
    }
}

/// The units of columns as a user states them: `cm,MeV` for all lengths and energies, or `x0=um`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HitUnits(pub(super) [Option<f64>; KNOWN.len()]);

impl FromStr for HitUnits {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut units = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (what, unit) =
                part.split_once('=').map_or((None, part), |(what, unit)| (Some(what.trim()), unit.trim()));
            if let Some(what) = what
                && place_of(what).is_none()
            {
                return Err(format!("`{what}` is no column of hits; there are {}", all_known()));
            }
            let mut found = false;
            for (place, (known, dimension)) in KNOWN.iter().enumerate() {
                let size = dimension.and_then(|dimension| unit_size(unit, dimension));
                if size.is_some() && what.is_none_or(|what| what == *known) {
                    units.0[place] = size;
                    found = true;
                }
            }
            if !found {
                let all = Dimension::ALL.map(Dimension::units).join(", ");
                return Err(format!("`{unit}` is no unit of {}; there are {all}", what.unwrap_or("hits")));
            }
        }
        Ok(units)
    }
}

/// How a table of hits is to be understood.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HitOptions {
    /// Whose table it is.
    pub layout: Layout,
    /// Columns by other names.
    pub columns: HitColumns,
    /// The tree, by its name or its path in the file.
    pub tree: Option<String>,
    /// Units, where the file does not name them or names them wrong.
    pub units: HitUnits,
}

/// A name of a column: what it is, and the collection that it belongs to.
pub(super) struct Name<'n> {
    pub(super) place: usize,
    pub(super) collection: &'n str,
}

impl HitOptions {
    /// What a column is by its name; a unit may follow.
    pub(super) fn known<'n>(&self, name: &'n str) -> Option<Name<'n>> {
        if let Some((place, _)) = self.columns.0.iter().find(|(_, stated)| stated == name) {
            let collection = if self.layout.in_collections() { collection_of(self.layout, name) } else { "" };
            return Some(Name { place: *place, collection });
        }
        let stated = |place: usize| self.columns.0.iter().any(|(other, _)| *other == place);
        for (place, (what, dimension)) in KNOWN.iter().enumerate().filter(|(place, _)| !stated(*place)) {
            for known in self.layout.names(what) {
                if let Some(collection) = matches(self.layout, name, known, *dimension) {
                    return Some(Name { place, collection });
                }
            }
        }
        // podio keeps the particles of a collection X in a branch of its own.
        let particles = name.strip_prefix('_').and_then(|rest| rest.rsplit_once('.'));
        if self.layout == Layout::Edm4hep
            && let Some((branch, "index")) = particles
        {
            let branch = branch.rsplit('/').next().unwrap_or(branch).trim_start_matches('_');
            let collection = ["_particle", "_MCParticle"].iter().find_map(|end| branch.strip_suffix(end));
            return Some(Name { place: place_of("track")?, collection: collection? });
        }
        None
    }
}

/// The part of a name before that of the member.
fn collection_of(layout: Layout, name: &str) -> &str {
    let members = KNOWN.iter().flat_map(|(what, _)| layout.names(what));
    let mut found = members.filter_map(|member| matches(layout, name, member, None));
    found.next().unwrap_or("")
}

/// Whether a name is the known one, with a unit behind it or not; if so, the collection before it.
fn matches<'n>(layout: Layout, name: &'n str, known: &str, dimension: Option<Dimension>) -> Option<&'n str> {
    let is_unit = |unit: &str| dimension.is_some_and(|dimension| unit_size(unit, dimension).is_some());
    let bare = match name.rsplit_once('_') {
        Some((bare, unit)) if is_unit(unit) && !name.eq_ignore_ascii_case(known) => bare,
        _ => name,
    };
    let start = bare.len().checked_sub(known.len())?;
    if !bare.get(start..)?.eq_ignore_ascii_case(known) {
        return None;
    }
    match &bare[..start] {
        "" => Some(""),
        // uproot writes X/X.time for the member of a branch, ROOT X.time.
        before if layout.in_collections() => {
            before.strip_suffix('.').map(|path| path.rsplit('/').next().unwrap_or(path))
        }
        _ => None,
    }
}
