//! Numbers in a text, fast where they are plain.

use townsend_core::parse_number;

use crate::columns::Values;

/// A number of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i64),
    Real(f64),
}

/// The numbers of a column: whole as long as all are.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    Whole(Vec<i64>),
    Real(Vec<f64>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Whole(Vec::new())
    }
}

impl Numbers {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Real(values) => values.len(),
        }
    }

    pub(super) fn with_capacity(most: usize) -> Self {
        Self::Whole(Vec::with_capacity(most))
    }

    /// Makes room for as many more.
    pub(super) fn reserve(&mut self, more: usize) {
        match self {
            Self::Whole(values) => values.reserve_exact(more),
            Self::Real(values) => values.reserve_exact(more),
        }
    }

    pub(super) fn push(&mut self, number: Number) {
        match (&mut *self, number) {
            (Self::Whole(values), Number::Whole(value)) => values.push(value),
            (Self::Real(values), Number::Real(value)) => values.push(value),
            (Self::Real(values), Number::Whole(value)) => values.push(value as f64),
            (Self::Whole(_), Number::Real(value)) => self.real().push(value),
        }
    }

    pub(super) fn append(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Whole(values), Self::Whole(more)) => values.extend(more),
            (Self::Real(values), Self::Real(more)) => values.extend(more),
            (_, mut more) => {
                let more = std::mem::take(more.real());
                self.real().extend(more);
            }
        }
    }

    /// The values as reals, which they are from now on.
    fn real(&mut self) -> &mut Vec<f64> {
        if let Self::Whole(values) = self {
            let mut real = Vec::with_capacity(values.capacity());
            real.extend(values.iter().map(|&value| value as f64));
            *self = Self::Real(real);
        }
        match self {
            Self::Real(values) => values,
            Self::Whole(_) => unreachable!("whole numbers became reals above"),
        }
    }

    pub(super) fn into_values(self) -> Values {
        match self {
            Self::Whole(values) => Values::I64(values),
            Self::Real(values) => Values::F64(values),
        }
    }
}

/// The powers of ten that are exact as `f64`.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// As many digits fit into 64 bits, whatever they are.
const MOST_DIGITS: usize = 19;

/// Parses digits, a point and an exponent at `at`, and moves `at` behind them; `None` if something else is
/// there. What may follow a number is for the caller to check.
///
/// Both the digits and the power of ten are exact if the first stay below 2⁵³ and the second is at most 10²²,
/// so that their product or ratio is rounded once, as it must be (Clinger 1990, "How to read floating point
/// numbers accurately"). Other numbers are left to the standard library.
#[inline]
pub(super) fn plain(bytes: &[u8], at: &mut usize) -> Option<Number> {
    let start = *at;
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b'\n');
    let negative = byte(start) == b'-';
    let mut end = start + usize::from(negative || byte(start) == b'+');
    let mut digits = 0_u64;
    let first = end;
    digits_at(bytes, &mut end, &mut digits);
    let mut count = end - first;
    let mut power = 0_i32;
    let whole = !matches!(byte(end), b'.' | b'e' | b'E');
    if byte(end) == b'.' {
        end += 1;
        let point = end;
        digits_at(bytes, &mut end, &mut digits);
        count += end - point;
        power = -i32::try_from(end - point).ok()?;
    }
    if count == 0 {
        return None;
    }
    if matches!(byte(end), b'e' | b'E') {
        end += 1;
        let below = byte(end) == b'-';
        end += usize::from(below || byte(end) == b'+');
        let (first, mut exponent) = (end, 0);
        digits_at(bytes, &mut end, &mut exponent);
        if first == end || end - first > 4 {
            return None;
        }
        power += if below { -(exponent as i32) } else { exponent as i32 };
    }
    if whole {
        *at = end;
        // Those of more digits may not fit, which is seen more slowly.
        let whole = || Number::Whole(if negative { -(digits as i64) } else { digits as i64 });
        return (count < MOST_DIGITS).then(whole);
    }
    *at = end;
    let exact = count <= MOST_DIGITS && digits < 1 << 53 && power.unsigned_abs() < POWERS.len() as u32;
    let value = match power {
        _ if !exact => return std::str::from_utf8(&bytes[start..end]).ok()?.parse().ok().map(Number::Real),
        0.. => digits as f64 * POWERS[power as usize],
        _ => digits as f64 / POWERS[power.unsigned_abs() as usize],
    };
    Some(Number::Real(if negative { -value } else { value }))
}

/// Takes the digits at `at` behind those of `value`; too many of them wrap around.
///
/// Eight bytes are looked at together, since a loop whose length changes from number to number is costly.
#[inline]
fn digits_at(bytes: &[u8], at: &mut usize, value: &mut u64) {
    while let Some(eight) = bytes.get(*at..).and_then(|rest| rest.first_chunk::<8>()) {
        let (digits, eight) = first_digits(u64::from_le_bytes(*eight));
        *value = value.wrapping_mul(TENS[digits]).wrapping_add(eight);
        *at += digits;
        if digits < 8 {
            return;
        }
    }
    while let Some(digit) = bytes.get(*at).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10) {
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        *at += 1;
    }
}

const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// How many of eight bytes are digits before the first that is none, and the number that these are.
#[inline]
fn first_digits(bytes: u64) -> (usize, u64) {
    // Digits become 0 to 9. A byte is none if its upper half is not 0, or if it is above 9; adding 6 shows
    // that, and carries only into bytes behind one that is no digit.
    let values = bytes ^ 0x3030_3030_3030_3030;
    let others = (values | values.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0;
    let digits = others.trailing_zeros() as usize / 8;
    // Zeros before the digits instead of other bytes behind them; then twos, fours and eight of them.
    let eight = values.checked_shl(64 - 8 * digits as u32).unwrap_or(0);
    let twos = (10 * eight + (eight >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (100 * twos + (twos >> 16)) & 0x0000_ffff_0000_ffff;
    (digits, (10_000 * fours + (fours >> 32)) & 0xffff_ffff)
}

/// The number that a field holds, in any of the ways that programs print one.
pub(super) fn of_field(field: &str) -> Option<Number> {
    let field = unquoted(field);
    if let Ok(value) = field.parse() {
        return Some(Number::Whole(value));
    }
    // C's libraries print what kind of no number it is: `-nan(ind)`.
    let nan = field
        .strip_prefix('-')
        .unwrap_or(field)
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("nan(") && field.ends_with(')'));
    if nan { Some(Number::Real(f64::NAN)) } else { parse_number(field).map(Number::Real) }
}

/// The text within quotes, if it stands in quotes.
pub(super) fn unquoted(field: &str) -> &str {
    let field = field.trim();
    let within = ['"', '\''].into_iter().find_map(|quote| field.strip_prefix(quote)?.strip_suffix(quote));
    within.map_or(field, str::trim)
}
