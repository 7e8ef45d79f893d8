//! How the numbers of a text are laid out: what separates columns, what they are called, where they begin.

use std::borrow::Cow;
use std::fmt;

use townsend_core::parse_number;

use super::Fault;
use super::numbers::{of_field, unquoted};

/// What some programs write before a text in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What stands between columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    Comma,
    Semicolon,
    /// Any number of blanks and tabs.
    Blank,
}

/// What a column is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnName {
    pub(super) name: String,
    /// The name with its unit; empty without one.
    pub(super) title: String,
}

/// The layout of a text.
#[derive(Debug)]
pub(super) struct Dialect {
    pub(super) separator: Separator,
    pub(super) names: Vec<ColumnName>,
    /// True for columns of words: those that a header names and whose first row holds no number.
    pub(super) words: Vec<bool>,
    /// Where the first row begins, and how many lines come before.
    pub(super) body: usize,
    pub(super) lines: u64,
}

impl Separator {
    /// What separates the columns of a row.
    fn of_row(row: &str) -> Self {
        if row.contains(';') {
            Self::Semicolon
        } else if row.contains(',') {
            Self::Comma
        } else {
            Self::Blank
        }
    }

    pub(super) fn byte(self) -> Option<u8> {
        match self {
            Self::Comma => Some(b','),
            Self::Semicolon => Some(b';'),
            Self::Blank => None,
        }
    }

    /// The fields of a row, without a comment behind them. A separator behind the last one may be there.
    pub(super) fn fields(self, row: &str) -> Vec<&str> {
        let row = row.split('#').next().unwrap_or_default().trim_end();
        match self.byte() {
            None => row.split_ascii_whitespace().collect(),
            Some(separator) => {
                let row = row.strip_suffix(separator as char).unwrap_or(row);
                split_outside_quotes(row, |c| c == separator as char)
            }
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "separated by commas",
            Self::Semicolon => "separated by semicolons",
            Self::Blank => "separated by blanks",
        })
    }
}

impl Dialect {
    /// The layout of a text that begins with these lines; `None` if there is neither a row of numbers nor a
    /// header.
    pub(super) fn of(head: &[u8]) -> Result<Option<Self>, Fault> {
        let mut before = Before::default();
        let mut body = if head.starts_with(BOM) { BOM.len() } else { 0 };
        let mut lines = 0;
        for bytes in head[body..].split_inclusive(|&byte| byte == b'\n') {
            let line = decoded(bytes);
            let text = line.trim();
            if text.contains('\r') {
                let what = "ends with CR alone, as on old systems\n  hint: let lines end with newlines";
                return Err(Fault { line: lines + 1, what: what.into() });
            }
            let separator = Separator::of_row(text);
            if !is_comment(text) && separator.fields(text).into_iter().any(is_like_number) {
                refuse_decimal_comma(text).map_err(|what| Fault { line: lines + 1, what })?;
                let fields = separator.fields(text);
                let names = before.names(fields.len()).map_err(|what| Fault { line: lines + 1, what })?;
                let word = |field: &&str| before.header.is_some() && is_word(field);
                let words = fields.iter().map(word).collect();
                return Ok(Some(Self { separator, names, words, body, lines }));
            }
            body += bytes.len();
            lines += 1;
            before.take(text).map_err(|what| Fault { line: lines, what })?;
        }
        let names = before.names_without_rows();
        let words = vec![false; names.len()];
        Ok((!names.is_empty()).then_some(Self { separator: Separator::Blank, names, words, body, lines }))
    }

    /// Whether a line repeats the names of the columns.
    pub(super) fn is_header(&self, text: &str) -> bool {
        header_names(text, self.names.len()).is_some_and(|names| with_units(&names) == self.names)
    }
}

/// What stands before the first row.
#[derive(Default)]
struct Before {
    comments: Vec<String>,
    /// A line of words that is no comment.
    header: Option<String>,
}

impl Before {
    fn take(&mut self, text: &str) -> Result<(), String> {
        if is_comment(text) {
            let text = text.trim_start_matches(['#', '%', '/', '!']).trim();
            self.comments.push(text.into());
        } else if !text.is_empty() && self.header.replace(text.into()).is_some() {
            let shown: String = text.chars().take(30).collect();
            return Err(format!(
                "`{shown}` is no row of numbers, nor the only line before them, which could name the columns\n  hint: put # before lines that are no rows"
            ));
        }
        Ok(())
    }

    /// What the columns are called: as the header says, or else a comment; or else by their numbers.
    fn names(&self, columns: usize) -> Result<Vec<ColumnName>, String> {
        if let Some(header) = &self.header {
            let names = header_names(header, columns).ok_or_else(|| {
                let named = fields_of_header(header).len();
                format!("has {columns} columns, but the header names {named}: `{header}`")
            })?;
            return Ok(with_units(&names));
        }
        Ok(self.commented_names(columns).unwrap_or_else(|| {
            let number = |number: usize| ColumnName { name: number.to_string(), title: String::new() };
            (1..=columns).map(number).collect()
        }))
    }

    /// The names in the comment nearest to the rows that has as many words as there are columns; a comment of
    /// units alone goes with it.
    fn commented_names(&self, columns: usize) -> Option<Vec<ColumnName>> {
        // Geant4's analysis manager writes a line a column: `#column double x`.
        let geant4 = |comment: &String| Some(comment.strip_prefix("column ")?.split_once(' ')?.1.to_owned());
        let listed: Vec<String> = self.comments.iter().filter_map(geant4).collect();
        if listed.len() == columns {
            return Some(with_units(&listed));
        }
        let mut units = None;
        for comment in self.comments.iter().rev() {
            let Some(names) = header_names(comment, columns) else { continue };
            if names.iter().all(|name| name.starts_with(['[', '('])) {
                units.get_or_insert(names);
                continue;
            }
            let with_unit = |(name, unit): (&String, String)| format!("{name} {unit}");
            return Some(with_units(&match units {
                Some(units) => names.iter().zip(units).map(with_unit).collect(),
                None => names,
            }));
        }
        None
    }

    /// The names of a table without rows.
    fn names_without_rows(&self) -> Vec<ColumnName> {
        let line = self.header.as_ref().or(self.comments.last());
        with_units(&line.map(|line| fields_of_header(line)).unwrap_or_default())
    }
}

/// Whether a file that begins like this is a text of numbers: printable, with a row of numbers behind at most
/// one line of words.
pub(super) fn looks_like(first_bytes: &[u8]) -> bool {
    let printable = |&byte: &u8| byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let start = first_bytes.trim_ascii_start().first();
    // JSON and HTML; below, TOML.
    if !first_bytes.iter().all(printable) || start.is_some_and(|byte| b"[{<".contains(byte)) {
        return false;
    }
    let mut headers = 0;
    for line in first_bytes.strip_prefix(BOM).unwrap_or(first_bytes).split(|&byte| byte == b'\n') {
        let line = decoded(line);
        let text = line.trim();
        if text.is_empty() || is_comment(text) {
            continue;
        }
        let fields = Separator::of_row(text).fields(text);
        let numbers = fields.iter().filter(|field| is_like_number(field)).count();
        if numbers > 0 {
            return 2 * numbers > fields.len();
        }
        headers += 1;
        if headers > 1 || text.starts_with('[') {
            return false;
        }
    }
    false
}

/// A line as text: UTF-8, or else the Latin letters of older systems, in which `µ` is one byte.
pub(super) fn decoded(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) => text.into(),
        Err(_) => line.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
    }
}

pub(super) fn is_comment(text: &str) -> bool {
    text.starts_with(['#', '%', '!']) || text.starts_with("//")
}

/// Whether a field is a number or meant to be one, such as `1,5` or Fortran's stars.
fn is_like_number(field: &str) -> bool {
    let field = unquoted(field);
    let start = field.trim_start_matches(['+', '-', '.']);
    start.starts_with(|c: char| c.is_ascii_digit()) || field.starts_with("**") || of_field(field).is_some()
}

/// Whether a field holds words, rather than a number, something meant to be one, or nothing.
fn is_word(field: &str) -> bool {
    unquoted(field).starts_with(char::is_alphabetic) && !is_like_number(field)
}

/// # Errors
/// If blanks separate the numbers of a row, and commas stand within them.
fn refuse_decimal_comma(row: &str) -> Result<(), String> {
    let fields: Vec<&str> = row.split_ascii_whitespace().collect();
    let number = |field: &&str| {
        !field.starts_with(',')
            && !field.ends_with(',')
            && parse_number(&field.replacen(',', ".", 1)).is_some()
    };
    let with_comma = fields.iter().find(|field| field.contains(','));
    match with_comma {
        Some(field) if fields.len() > 1 && fields.iter().all(number) => Err(format!(
            "`{field}` has a decimal comma; columns cannot be told from it\n  hint: write numbers with points (LC_NUMERIC=C)"
        )),
        _ => Ok(()),
    }
}

/// The names in a header of this many columns; `None` if it does not have as many, or holds numbers.
fn header_names(header: &str, columns: usize) -> Option<Vec<String>> {
    let blanks = || words(header);
    let names = Some(fields_of_header(header)).filter(|names| names.len() == columns).or_else(|| {
        let names = blanks();
        (names.len() == columns).then_some(names)
    })?;
    names.iter().all(|name| !is_like_number(name)).then_some(names)
}

/// The names in a header, whatever separates them.
fn fields_of_header(header: &str) -> Vec<String> {
    let separator = [';', ',', '\t'].into_iter().find(|&separator| header.contains(separator));
    match separator {
        Some(separator) => {
            let header = header.strip_suffix(separator).unwrap_or(header);
            let fields = split_outside_quotes(header, |c| c == separator);
            fields.into_iter().map(|field| unquoted(field).into()).collect()
        }
        None => words(header),
    }
}

/// The words of a header; a unit in brackets belongs to the word before.
fn words(header: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for word in split_outside_quotes(header, char::is_whitespace) {
        let word = unquoted(word);
        match names.last_mut() {
            _ if word.is_empty() => {}
            Some(name) if word.starts_with(['[', '(']) && !name.ends_with([']', ')']) => {
                name.push(' ');
                name.push_str(word);
            }
            _ => names.push(word.into()),
        }
    }
    names
}

fn split_outside_quotes(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        !quoted && is_separator(c)
    })
    .collect()
}

/// Names apart from their units: `x [cm]`, `x (cm)`, `x/cm`. Names that would be the same stay whole, and one
/// that is missing is a number.
fn with_units(names: &[String]) -> Vec<ColumnName> {
    let bare: Vec<&str> = names.iter().map(|name| bare_name(name)).collect();
    let of_column = |(k, whole): (usize, &String)| {
        let name = if bare.iter().filter(|&&other| other == bare[k]).count() > 1 { whole } else { bare[k] };
        let title = if name == whole { String::new() } else { whole.clone() };
        ColumnName { name: if name.is_empty() { (k + 1).to_string() } else { name.into() }, title }
    };
    names.iter().enumerate().map(of_column).collect()
}

fn bare_name(name: &str) -> &str {
    let in_brackets = [('[', ']'), ('(', ')')]
        .into_iter()
        .find_map(|(opening, closing)| Some(name.strip_suffix(closing)?.rsplit_once(opening)?.0));
    let is_unit = |unit: &str| unit.chars().count() <= 4 && unit.chars().all(char::is_alphabetic);
    let behind_slash = || name.rsplit_once('/').filter(|(_, unit)| is_unit(unit)).map(|(name, _)| name);
    let bare = in_brackets.or_else(behind_slash).unwrap_or(name).trim_end();
    if bare.is_empty() { name } else { bare }
}
