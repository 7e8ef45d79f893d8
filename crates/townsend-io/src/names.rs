//! Which columns of a table are the coordinates and the number of an avalanche.

use std::str::FromStr;

use townsend_core::Coordinate;

/// The names of columns, as a user states them: `x=xe,z=ye,t=te`, with `event=ev` or `event=run+ev` for a
/// table of one row an electron, and `n=nel` for arrays of fixed length that are filled in part. A column
/// that is not named has its usual name.
///
/// ```
/// let columns: townsend_io::Columns = "x=xe,z=ye,t=te,event=run+ev".parse()?;
/// assert_eq!(columns.to_string(), "x=xe,z=ye,t=te,event=run+ev");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    coordinates: [Option<String>; 3],
    pub(crate) event: Vec<String>,
    pub(crate) count: Option<String>,
}

impl Columns {
    /// The name of the column of a coordinate: the one stated, or the coordinate's own.
    pub(crate) fn coordinate(&self, coordinate: Coordinate) -> &str {
        self.coordinates[coordinate as usize].as_deref().unwrap_or(coordinate.name())
    }

    /// True if a coordinate was named.
    pub(crate) fn names_coordinates(&self) -> bool {
        self.coordinates.iter().any(Option::is_some)
    }

    /// The choice of these three columns for x, z and t.
    pub(crate) fn of([x, z, t]: [&str; 3]) -> Self {
        Self { coordinates: [x, z, t].map(|name| Some(name.to_owned())), ..Self::default() }
    }
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, name) =
                part.split_once('=').map(|(key, name)| (key.trim(), name.trim())).unwrap_or_default();
            let coordinate = Coordinate::ALL.into_iter().find(|coordinate| coordinate.name() == key);
            match (coordinate, key) {
                _ if name.is_empty() => return Err(wrong(part)),
                (Some(coordinate), _) => columns.coordinates[coordinate as usize] = Some(name.into()),
                (None, "event") => columns.event = name.split('+').map(|name| name.trim().into()).collect(),
                (None, "n") => columns.count = Some(name.into()),
                _ => return Err(wrong(part)),
            }
        }
        Ok(columns)
    }
}

fn wrong(part: &str) -> String {
    format!("`{part}` names no column; write x=xe,z=ye,t=te, with event=ev or event=run+ev, or n=nel")
}

impl std::fmt::Display for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let coordinates = Coordinate::ALL.into_iter().zip(&self.coordinates);
        let mut parts: Vec<String> =
            coordinates.filter_map(|(of, name)| Some(format!("{}={}", of.name(), name.as_ref()?))).collect();
        if !self.event.is_empty() {
            parts.push(format!("event={}", self.event.join("+")));
        }
        parts.extend(self.count.as_ref().map(|name| format!("n={name}")));
        f.write_str(&parts.join(","))
    }
}

/// How well a name fits a coordinate, from its letters: smaller is better; `None` if it does not.
fn fit(name: &str, letter: char) -> Option<usize> {
    let lower = name.to_lowercase();
    let last = lower.rsplit(['.', '/']).next().unwrap_or(&lower);
    let word = if letter == 't' { last.replace("time", "t") } else { last.to_owned() };
    let parts: Vec<&str> = word.split(['_', ' ', '-']).collect();
    let of_part = |part: &str| {
        let rest = part.strip_prefix(letter).or_else(|| part.strip_suffix(letter))?;
        // A letter more says whose coordinate it is: xe, x1, xend; posx. A longer rest is another word.
        let known =
            ["", "e", "el", "end", "fin", "final", "pos", "position", "hit", "electron", "arr", "arrival"];
        (known.contains(&rest) || rest.chars().all(|c| c.is_ascii_digit())).then_some(rest.len())
    };
    parts
        .iter()
        .find_map(|part| of_part(part))
        .map(|rest| rest + 4 * (parts.len() - 1) + lower.len() - last.len())
}

/// The columns that are most likely x, z and t, from their names; where there are x, y and z, the transverse
/// ones are x and y, as in Garfield++, whose electrons drift along z.
pub(crate) fn guess<'a>(names: &[&'a str]) -> Option<[&'a str; 3]> {
    let best = |letter| {
        let fits = names.iter().filter_map(|name| Some((fit(name, letter)?, *name)));
        fits.min_by_key(|&(fit, _)| fit).map(|(_, name)| name)
    };
    let (x, t) = (best('x')?, best('t')?);
    let z = best('y').or_else(|| best('z'))?;
    (x != t && x != z && z != t).then_some([x, z, t])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_by_key() {
        let columns: Columns = "x = xe, t=te ,event=run+ev,n=nel".parse().unwrap();
        assert_eq!(Coordinate::ALL.map(|of| columns.coordinate(of)), ["xe", "z", "te"]);
        assert_eq!(columns.event, ["run", "ev"]);
        assert_eq!(columns.to_string(), "x=xe,t=te,event=run+ev,n=nel");
        for wrong in ["xe", "x=", "=xe", "y=ye", "x=xe;z=ze,q=3"] {
            assert!(wrong.parse::<Columns>().unwrap_err().contains("names no column"), "{wrong}");
        }
    }

    #[test]
    fn names_of_coordinates_are_guessed() {
        let guessed = |names: &[&'static str]| guess(names);
        assert_eq!(guessed(&["ev", "xe", "ye", "ze", "te", "ee"]), Some(["xe", "ye", "te"]));
        assert_eq!(guessed(&["x1", "z1", "t1", "status"]), Some(["x1", "z1", "t1"]));
        assert_eq!(guessed(&["hit_x", "hit_z", "hit_time", "energy"]), Some(["hit_x", "hit_z", "hit_time"]));
        assert_eq!(guessed(&["pos.X", "pos.Z", "time"]), Some(["pos.X", "pos.Z", "time"]));
        assert_eq!(guessed(&["xend", "yend", "zend", "tend"]), Some(["xend", "yend", "tend"]));
        assert_eq!(guessed(&["x", "z", "energy"]), None);
        assert_eq!(guessed(&["mass", "type", "exit"]), None);
    }
}
