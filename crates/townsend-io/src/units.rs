//! Units of lengths, times and energies: how files write them, and their size in mm, ns and keV.

use std::str::FromStr;

use townsend_core::Coordinate;

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// Counted in mm.
    Length,
    /// Counted in ns.
    Time,
    /// Counted in keV.
    Energy,
}

impl Dimension {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Length, Self::Time, Self::Energy];

    /// Its common units, for users.
    pub fn units(self) -> &'static str {
        match self {
            Self::Length => "nm, um, mm, cm, m",
            Self::Time => "ps, ns, us, ms, s",
            Self::Energy => "eV, keV, MeV, GeV",
        }
    }
}

impl From<Coordinate> for Dimension {
    fn from(coordinate: Coordinate) -> Self {
        if coordinate == Coordinate::T { Self::Time } else { Self::Length }
    }
}

/// The units in which a file has its coordinates, as a user states them: `x=cm,z=cm,t=ns`, or all lengths and
/// all times at once, `cm,ns`. A coordinate without one has the unit that the file names, or mm and ns.
///
/// ```
/// use townsend_core::Coordinate;
/// let units: townsend_io::Units = "cm,ns".parse()?;
/// assert_eq!(units.scale(Coordinate::X), Some(10.0));
/// let units: townsend_io::Units = "t=us".parse()?;
/// assert_eq!((units.scale(Coordinate::T), units.scale(Coordinate::Z)), (Some(1000.0), None));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Units([Option<f64>; 3]);

impl Units {
    /// Millimetres and nanoseconds, whatever a file says.
    pub(crate) fn standard() -> Self {
        Self([Some(1.0); 3])
    }

    /// The size of the stated unit of a coordinate in mm or ns; `None` if none was stated.
    pub fn scale(&self, coordinate: Coordinate) -> Option<f64> {
        self.0[coordinate as usize]
    }
}

impl FromStr for Units {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut units = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (of, unit) = match part.split_once('=') {
                Some((name, unit)) => (vec![coordinate(name.trim())?], unit.trim()),
                None => (of_dimension(part)?, part),
            };
            for coordinate in of {
                let size =
                    unit_size(unit, coordinate.into()).ok_or_else(|| not_understood(unit, coordinate))?;
                units.0[coordinate as usize] = Some(size);
            }
        }
        Ok(units)
    }
}

fn coordinate(name: &str) -> Result<Coordinate, String> {
    Coordinate::ALL
        .into_iter()
        .find(|coordinate| coordinate.name() == name)
        .ok_or_else(|| format!("`{name}` is not x, z or t; write units as x=cm,z=cm,t=ns or cm,ns"))
}

/// The coordinates that a unit without a name is for: the positions or the time.
fn of_dimension(unit: &str) -> Result<Vec<Coordinate>, String> {
    let of: Vec<_> = Coordinate::ALL.into_iter().filter(|&of| unit_size(unit, of.into()).is_some()).collect();
    if of.is_empty() { Err(not_understood(unit, Coordinate::X)) } else { Ok(of) }
}

fn not_understood(unit: &str, coordinate: Coordinate) -> String {
    let known = Dimension::from(coordinate).units();
    format!("`{unit}` is no unit of {}; there are {known}", coordinate.name())
}

/// The size of a unit in mm, ns or keV; `None` if it is not understood.
pub fn unit_size(unit: &str, dimension: Dimension) -> Option<f64> {
    // ROOT writes the letter µ as #mu, Unicode has two of it.
    let micro = ["#mu", "\\mu", "\u{b5}", "\u{3bc}"];
    let plain = micro.iter().fold(unit.to_owned(), |text, letter| text.replace(letter, "u"));
    let plain: String = plain.chars().filter(|c| !c.is_whitespace() && !"{}$".contains(*c)).collect();
    let plain = plain.to_lowercase();
    Some(match dimension {
        Dimension::Length => match plain.as_str() {
            "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => 1e-6,
            "um" | "micron" | "microns" | "micrometer" | "micrometers" | "micrometre" | "micrometres" => 1e-3,
            "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => 1.0,
            "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => 10.0,
            "m" | "meter" | "meters" | "metre" | "metres" => 1e3,
            _ => return None,
        },
        Dimension::Time => match plain.as_str() {
            "fs" => 1e-6,
            "ps" | "picosecond" | "picoseconds" => 1e-3,
            "ns" | "nsec" | "nanosecond" | "nanoseconds" => 1.0,
            "us" | "usec" | "microsecond" | "microseconds" => 1e3,
            "ms" | "msec" | "millisecond" | "milliseconds" => 1e6,
            "s" | "sec" | "second" | "seconds" => 1e9,
            _ => return None,
        },
        Dimension::Energy => match plain.as_str() {
            "ev" => 1e-3,
            "kev" => 1.0,
            "mev" => 1e3,
            "gev" => 1e6,
            _ => return None,
        },
    })
}

/// What the title of a column or an axis says of the unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Stated {
    /// Nothing.
    Nothing,
    /// A unit of this size in mm, ns or keV.
    Size(f64),
    /// Something in the place of a unit that is none of what is measured.
    Unknown(String),
}

/// Longest text in brackets that is taken for a unit; a longer one is a remark.
const LONGEST_UNIT: usize = 12;

/// The unit in a title: `x [cm]`, `x (cm)`, `x/cm`, `x, cm`, or in a name: `x_cm`.
pub fn unit_in_title(name: &str, title: &str, dimension: impl Into<Dimension>) -> Stated {
    let dimension = dimension.into();
    let title = title.trim();
    for (open, close) in [('[', ']'), ('(', ')')] {
        let Some((before, unit)) = title.rsplit_once(close).and_then(|(text, _)| text.rsplit_once(open))
        else {
            continue;
        };
        if let Some(size) = unit_size(unit, dimension) {
            return Stated::Size(size);
        }
        // ROOT's own titles are lists of leaves: `x[n]/F` has n values, `x[-2,2,12]/f` a range, `x[hits_]` of
        // the branch `hits.x` one for each of the hits.
        let of_leaf = open == '[' && (before == name || name.rsplit('.').next() == Some(before));
        let remark = unit.is_empty() || unit.len() > LONGEST_UNIT || unit.contains([' ', ',']);
        if !of_leaf && !remark {
            return Stated::Unknown(unit.to_owned());
        }
    }
    let after = |separator: char| title.rsplit_once(separator).map(|(_, unit)| unit.trim());
    // One letter after a slash is the type of a leaf in a title of ROOT's own, `t/s` an unsigned short.
    let slash = after('/').filter(|unit| unit.len() > 1 || *unit == "m");
    let suffix = name.rsplit_once('_').map(|(_, unit)| unit).filter(|unit| unit.len() > 1);
    [slash, after(','), suffix]
        .into_iter()
        .flatten()
        .find_map(|unit| unit_size(unit, dimension))
        .map_or(Stated::Nothing, Stated::Size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coordinate::{T, X, Z};

    #[test]
    fn every_common_spelling_is_understood() {
        for (title, of, wanted) in [
            ("x [cm]", X, 10.0),
            ("x [ cm ]", X, 10.0),
            ("x(mm)", X, 1.0),
            ("position z / cm", Z, 10.0),
            ("x [#mum]", X, 1e-3),
            ("x (#mu m)", X, 1e-3),
            ("z [\u{b5}m]", Z, 1e-3),
            ("z [\u{3bc}m]", Z, 1e-3),
            ("x [um]", X, 1e-3),
            ("x [nm]", X, 1e-6),
            ("x [m]", X, 1e3),
            ("x, mm", X, 1.0),
            ("t [ns]", T, 1.0),
            ("t (\u{b5}s)", T, 1e3),
            ("time [ps]", T, 1e-3),
            ("t [s]", T, 1e9),
            ("t [ms]", T, 1e6),
            ("t [fs]", T, 1e-6),
            ("x [CM]", X, 10.0),
        ] {
            assert_eq!(unit_in_title("x", title, of), Stated::Size(wanted), "{title}");
        }
        for (unit, kev) in [("eV", 1e-3), ("keV", 1.0), ("MeV", 1e3), ("GeV", 1e6)] {
            assert_eq!(unit_size(unit, Dimension::Energy), Some(kev), "{unit}");
        }
        assert_eq!(unit_in_title("x_cm", "", X), Stated::Size(10.0));
        assert_eq!(unit_in_title("t_us", "t_us/D", T), Stated::Size(1e3));
    }

    #[test]
    fn what_is_no_unit_is_left_or_told() {
        for title in [
            "",
            "x",
            "x/F",
            "t/s",
            "x[n]/F",
            "x[20]/D",
            "x[-2,2,12]/f",
            "x (of the end point)",
            "x (at pad)",
            "x (reconstructed)",
            "x ()",
            "x_end",
        ] {
            assert_eq!(unit_in_title("x", title, X), Stated::Nothing, "{title}");
        }
        assert_eq!(unit_in_title("hits.x", "hits.x[n]/F", X), Stated::Nothing, "a leaf with its whole name");
        assert_eq!(unit_in_title("t_s", "", T), Stated::Nothing, "one letter is no unit in a name");
        assert_eq!(unit_in_title("x", "x (micrometrics)", X), Stated::Unknown("micrometrics".into()));
        assert_eq!(unit_in_title("hits.position.x", "x[hits_]", X), Stated::Nothing, "a member of hits");
        assert_eq!(unit_in_title("t", "t/s", T), Stated::Nothing, "an unsigned short");
        assert_eq!(unit_in_title("x", "x [furlong]", X), Stated::Unknown("furlong".into()));
        assert_eq!(unit_in_title("x", "x [ns]", X), Stated::Unknown("ns".into()));
        assert_eq!(unit_in_title("x", "x (px)", X), Stated::Unknown("px".into()));
    }

    #[test]
    fn units_are_stated_by_name_or_for_all() {
        let units: Units = "x=um, t=ps".parse().unwrap();
        assert_eq!([X, Z, T].map(|of| units.scale(of)), [Some(1e-3), None, Some(1e-3)]);
        let units: Units = "cm".parse().unwrap();
        assert_eq!([X, Z, T].map(|of| units.scale(of)), [Some(10.0), Some(10.0), None]);
        assert_eq!([X, Z, T].map(|of| Units::standard().scale(of)), [Some(1.0); 3]);
        for (wrong, said) in [("y=cm", "not x, z or t"), ("x=ns", "no unit of x"), ("ell", "nm, um, mm")] {
            assert!(wrong.parse::<Units>().unwrap_err().contains(said), "{wrong}");
        }
    }
}
