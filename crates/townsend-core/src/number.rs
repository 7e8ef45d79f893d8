//! Numbers as programs print them.

/// The number that a text stands for, as C, Python or Fortran print numbers; `None` if it is not a number.
///
/// Fortran prints exponents with another letter (`0.1D-03`), and without a letter where three digits leave no
/// room for it (`0.12300000-100`).
///
/// ```
/// use townsend_core::parse_number;
///
/// assert_eq!(parse_number("0.1D-03"), Some(0.1e-3));
/// assert_eq!(parse_number("0.12300000-100"), Some(0.123e-100));
/// assert_eq!(parse_number("2024-11"), None);
/// ```
pub fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| fortran(text))
}

fn fortran(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_at(unsigned.find(|c: char| c != '.' && !c.is_ascii_digit())?);
    let lettered = exponent.strip_prefix(['d', 'D', 'q', 'Q']);
    let digits = lettered.unwrap_or(exponent).trim_start_matches(['+', '-']);
    // Without a letter only the form that Fortran prints is accepted, because dates and ranges look similar.
    let printed = lettered.is_some() || (mantissa.contains('.') && digits.len() == 3);
    let whole = mantissa.bytes().any(|c| c.is_ascii_digit()) && digits.bytes().all(|c| c.is_ascii_digit());
    if !(printed && whole) {
        return None;
    }
    let sign = &text[..text.len() - unsigned.len()];
    format!("{sign}{mantissa}e{}", lettered.unwrap_or(exponent)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_three_languages() {
        for (text, value) in [
            ("1", 1.0),
            ("-.5", -0.5),
            ("+2.", 2.0),
            ("1.5e-3", 1.5e-3),
            ("-1.5D+03", -1.5e3),
            ("1d0", 1.0),
            ("2.5Q+001", 25.0),
            ("-0.15000000-119", -0.15e-119),
            ("0.1+100", 0.1e100),
            ("0.123-320", 0.123e-320),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(parse_number(text), Some(value), "{text}");
        }
        assert!(parse_number("NaN").unwrap().is_nan());
    }

    #[test]
    fn what_looks_alike_is_no_number() {
        for text in [
            "",
            "-",
            ".",
            ".D1",
            "1D",
            "1.5D+-3",
            "2024-11-28",
            "1-3",
            "0.5-12",
            "0.5-1234",
            "1,5",
            "0x1p3",
            "1.5 ",
            "1.2.3-100",
            "12:30",
            "µ",
            "1.5-µ00",
            "****",
        ] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }
}
