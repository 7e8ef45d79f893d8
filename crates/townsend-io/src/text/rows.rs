//! The rows of a part of a text.

use super::Fault;
use super::dialect::{Dialect, decoded, is_comment};
use super::numbers::{Number, Numbers, of_field, plain, unquoted};

/// The rows of a block of whole lines.
pub(super) struct Rows {
    /// Number of lines, blank ones and comments included.
    pub(super) lines: u64,
    pub(super) columns: Vec<Numbers>,
}

impl Rows {
    /// Parses lines, each of which ends with a newline.
    ///
    /// # Errors
    /// The line is counted from the beginning of the block.
    pub(super) fn parse(block: &[u8], dialect: &Dialect) -> Result<Self, Fault> {
        let columns = dialect.names.len();
        // Rows are about as long as the first.
        let first = block.iter().position(|&byte| byte == b'\n').unwrap_or(0).max(2 * columns);
        let most = block.len() / first + 1;
        let mut rows =
            Self { lines: 0, columns: (0..columns).map(|_| Numbers::with_capacity(most)).collect() };
        let mut row = Vec::with_capacity(columns);
        let mut rest = block;
        while !rest.is_empty() {
            rows.lines += 1;
            if let Some(length) = plain_row(rest, dialect, &mut row) {
                rest = &rest[length..];
            } else {
                let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                let is_row = any_row(&rest[..end], dialect, &mut row);
                rest = rest.get(end + 1..).unwrap_or_default();
                if !is_row.map_err(|what| Fault { line: rows.lines, what })? {
                    continue;
                }
            }
            rows.columns.iter_mut().zip(&row).for_each(|(column, &number)| column.push(number));
        }
        Ok(rows)
    }
}

/// Parses a row of plain numbers at the beginning of `bytes`; `None` if it is anything else. Gives back its
/// length with the newline.
#[inline]
fn plain_row(bytes: &[u8], dialect: &Dialect, row: &mut Vec<Number>) -> Option<usize> {
    let separator = dialect.separator.byte();
    let columns = dialect.names.len();
    let blank = |at: usize| matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r'));
    let mut at = 0;
    row.clear();
    while row.len() < columns {
        while blank(at) {
            at += 1;
        }
        row.push(plain(bytes, &mut at)?);
        let blank_follows = blank(at);
        while blank(at) {
            at += 1;
        }
        let next = *bytes.get(at)?;
        let separated = separator == Some(next);
        at += usize::from(separated);
        if !(separated || next == b'\n' || (separator.is_none() && blank_follows)) {
            return None;
        }
    }
    // A separator may stand behind the last column, and blanks behind that.
    while blank(at) {
        at += 1;
    }
    (bytes.get(at) == Some(&b'\n')).then_some(at + 1)
}

/// Parses any row; false if the line is blank or a comment.
fn any_row(line: &[u8], dialect: &Dialect, row: &mut Vec<Number>) -> Result<bool, String> {
    let line = decoded(line);
    let text = line.trim();
    if text.is_empty() || is_comment(text) {
        return Ok(false);
    }
    let columns = dialect.names.len();
    let fields = dialect.separator.fields(text);
    if fields.len() != columns {
        return Err(other_columns(text, fields.len(), dialect));
    }
    row.clear();
    for (column, field) in fields.into_iter().enumerate() {
        if dialect.words[column] {
            row.push(Number::Real(f64::NAN));
            continue;
        }
        row.push(of_field(field).ok_or_else(|| no_number(column, field, text, dialect))?);
    }
    Ok(true)
}

fn other_columns(text: &str, found: usize, dialect: &Dialect) -> String {
    let columns = dialect.names.len();
    let shown: String = text.chars().take(60).collect();
    let mut what =
        format!("has {found} columns, {columns} are wanted as in line {}: `{shown}`", dialect.lines + 1);
    if found == 2 * columns {
        what.push_str("\n  hint: if these are decimal commas, write numbers with points");
    } else if found < columns {
        what.push_str("\n  hint: a last line that is too short shows that the file was cut");
    }
    what
}

/// What stands where a number is wanted, and what to do.
fn no_number(column: usize, field: &str, text: &str, dialect: &Dialect) -> String {
    let name = &dialect.names[column].name;
    let number = (column + 1).to_string();
    let called = if *name == number { String::new() } else { format!(" ({name})") };
    let field = unquoted(field);
    if field.is_empty() {
        return format!(
            "column {number}{called} is empty; a number is wanted\n  hint: write nan where there is none"
        );
    }
    let shown: String = field.chars().take(30).collect();
    let hint = if field.starts_with('*') {
        "Fortran prints stars where a number is wider than its field"
    } else if of_field(&field.replacen(',', ".", 1)).is_some() {
        "it has a decimal comma; write numbers with points (LC_NUMERIC=C)"
    } else if dialect.is_header(text) {
        "it is the header again, as where files were joined; leave it out"
    } else {
        "put # before lines that are no rows"
    };
    format!("column {number}{called} holds `{shown}`; a number is wanted\n  hint: {hint}")
}
