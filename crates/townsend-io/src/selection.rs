//! Which electrons are read: comparisons of columns with numbers.

use std::str::FromStr;

/// Comparisons of columns with numbers, joined by `and` and `or`; `and` binds closer.
///
/// ```
/// let chosen: townsend_io::Selection = "status == -5 and z < 0 or energy >= 1e3".parse()?;
/// assert_eq!(chosen.columns(), ["status", "z", "energy"]);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// True if all comparisons of one of these are true.
    any: Vec<Vec<Comparison>>,
}

impl Default for Selection {
    /// Everything.
    fn default() -> Self {
        Self { any: vec![Vec::new()] }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    column: String,
    relation: Relation,
    number: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The relations as they are written; those of two letters first, so that none is taken for a shorter one.
const RELATIONS: [(&str, Relation); 6] = [
    ("==", Relation::Equal),
    ("!=", Relation::NotEqual),
    ("<=", Relation::LessOrEqual),
    (">=", Relation::GreaterOrEqual),
    ("<", Relation::Less),
    (">", Relation::Greater),
];

impl Relation {
    #[allow(clippy::float_cmp, reason = "a user who asks for equality gets it")]
    fn holds(self, value: f64, number: f64) -> bool {
        match self {
            Self::Equal => value == number,
            Self::NotEqual => value != number,
            Self::Less => value < number,
            Self::LessOrEqual => value <= number,
            Self::Greater => value > number,
            Self::GreaterOrEqual => value >= number,
        }
    }
}

impl Selection {
    /// The names of the columns that are compared, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for comparison in self.any.iter().flatten() {
            if !names.contains(&comparison.column.as_str()) {
                names.push(&comparison.column);
            }
        }
        names
    }

    /// True if nothing is compared.
    pub(crate) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a row is chosen. `value` gives the value of a column; a comparison with a column whose value
    /// is not asked for (`None`) counts as true.
    pub(crate) fn holds(&self, value: impl Fn(&str) -> Option<f64>) -> bool {
        let holds = |comparison: &Comparison| {
            value(&comparison.column).is_none_or(|value| comparison.relation.holds(value, comparison.number))
        };
        self.any.iter().any(|all| all.iter().all(holds))
    }
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.replace("&&", " and ").replace("||", " or ");
        let any = alternatives(&text, "or").into_iter();
        let any = any.map(|part| alternatives(part, "and").into_iter().map(comparison).collect());
        Ok(Self { any: any.collect::<Result<_, _>>()? })
    }
}

/// The parts of a text between the words `word`.
fn alternatives<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, found) in text.match_indices(word) {
        let end = at + found.len();
        let alone = text[..at].ends_with(char::is_whitespace) && text[end..].starts_with(char::is_whitespace);
        if alone {
            parts.push(&text[start..at]);
            start = end;
        }
    }
    parts.push(&text[start..]);
    parts
}

fn comparison(text: &str) -> Result<Comparison, String> {
    let wrong = || {
        format!(
            "`{}` is no comparison of a column with a number; write status == -5, with ==, !=, <, <=, > or >=, joined by `and` or `or`",
            text.trim()
        )
    };
    let found = RELATIONS.iter().find_map(|&(sign, relation)| Some((text.split_once(sign)?, relation)));
    let ((column, number), relation) = found.ok_or_else(wrong)?;
    let column = column.trim().to_owned();
    let number = number.trim().parse().map_err(|_| wrong())?;
    if column.is_empty() { Err(wrong()) } else { Ok(Comparison { column, relation, number }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str, status: f64, z: f64) -> bool {
        let selection: Selection = text.parse().unwrap();
        selection.holds(|name| Some(if name == "status" { status } else { z }))
    }

    #[test]
    fn comparisons_are_joined_and_binds_closer() {
        assert!(holds("status == -5", -5.0, 0.0) && !holds("status == -5", -1.0, 0.0));
        assert!(holds("status!=-5", 1.0, 0.0) && holds("z<=0.5", 0.0, 0.5) && !holds("z<0.5", 0.0, 0.5));
        assert!(holds("status == 1 or status == -5 and z > 2", 1.0, 0.0));
        assert!(!holds("status == 1 or status == -5 and z > 2", -5.0, 0.0));
        assert!(holds("status == 1 || status == -5 && z > 2", -5.0, 3.0));
        assert!(!holds("z > 0", 0.0, f64::NAN));
    }

    #[test]
    fn a_column_may_have_a_word_in_its_name() {
        let selection: Selection = "sand.or == 1 and band > 2".parse().unwrap();
        assert_eq!(selection.columns(), ["sand.or", "band"]);
    }

    #[test]
    fn a_column_whose_value_is_not_asked_for_does_not_decide() {
        let selection: Selection = "run == 3 and status == -5".parse().unwrap();
        assert!(selection.holds(|name| (name == "run").then_some(3.0)));
        assert!(!selection.holds(|name| (name == "run").then_some(4.0)));
    }

    #[test]
    fn what_is_no_comparison_is_refused() {
        for wrong in ["", "status", "status = 3", "status == x", "== 3", "a == 1 and", "sqrt(x) < "] {
            assert!(wrong.parse::<Selection>().unwrap_err().contains("no comparison"), "{wrong}");
        }
    }
}
