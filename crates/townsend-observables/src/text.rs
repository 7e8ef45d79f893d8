//! Numbers as text for readers, in the same form in tables, on pages and in messages.

/// A number with `digits` significant digits. Below 0.0001 and from a million on it is written with a power
/// of ten; 0, `NaN` and `inf` are written as they are.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let scientific = format!("{value:.*e}", digits.max(1) - 1);
    let exponent: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        return scientific;
    }
    format!("{value:.*}", (digits as i32 - 1 - exponent).max(0) as usize)
}

/// A number with its error: the error has two significant digits, and the number as many decimals.
pub fn with_error(value: f64, error: f64) -> String {
    let shown = significant(error, 2);
    // The number of decimals comes from the error as it is shown: 0.0999 is shown as 0.10.
    match shown.split_once('.') {
        Some((_, decimals)) if !shown.contains('e') => format!("{value:.*} ± {shown}", decimals.len()),
        None if error >= 1.0 => format!("{value:.0} ± {shown}"),
        _ => format!("{} ± {shown}", significant(value, 5)),
    }
}

/// A whole number with thousands separated: `12,345`.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A number with three decimals if it is 0 or at least 0.0005; a smaller one, which would read 0.000, with
/// one significant digit.
pub fn decimal(value: f64) -> String {
    if value == 0.0 || value >= 0.0005 { format!("{value:.3}") } else { significant(value, 1) }
}

/// A fraction in percent with three significant digits.
pub fn percent(fraction: f64) -> String {
    format!("{}%", significant(100.0 * fraction, 3))
}

/// A table as lines of text; the first column is aligned to the left, the others to the right.
pub fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|row| row.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(c, (cell, &width))| {
            if c == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Text in lines of at most `width` characters, all but the first of which begin with `indent` blanks. Words
/// are not broken: one that is longer than a line has a line of its own.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let length = lines[last].chars().count();
        if length > 0 && length + 1 + word.chars().count() > width {
            lines.push(format!("{:indent$}{word}", ""));
        } else {
            lines[last] += if length == 0 { "" } else { " " };
            lines[last] += word;
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits() {
        let text =
            [0.123_46, 12.0, 1_917.4, 0.000_012_34, 1.5e9, 0.0, -0.5, 0.999_96].map(|v| significant(v, 3));
        assert_eq!(text, ["0.123", "12.0", "1917", "1.23e-5", "1.50e9", "0", "-0.500", "1.00"]);
        let five = [2_536.61, 0.003_963, 1_648_000.0, f64::NAN, f64::INFINITY].map(|v| significant(v, 5));
        assert_eq!(five, ["2536.6", "0.0039630", "1.6480e6", "NaN", "inf"]);
    }

    #[test]
    fn groups_of_three() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(percent(0.253_4), "25.3%");
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two  three four", 9, 2), "one two\n  three\n  four");
        assert_eq!(wrap("a word_that_is_long b", 6, 0), "a\nword_that_is_long\nb");
        assert_eq!(wrap("", 6, 0), "");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".to_string(), "±1".into()], vec!["long".into(), "22.5".into()]];
        assert_eq!(align(&rows), "a       ±1\nlong  22.5");
    }
}
